package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"seatwise/shared/platform/access"
)

// client is one person's access to the API; it gives up at the first answer that it did not expect.
type client struct {
	ctx      context.Context //nolint:containedctx // of one run of a program
	base     string
	account  string
	now      time.Time // of the runner's clock, a little behind it
	token    string
	requests int
	err      error
}

// answer is a JSON document.
type answer map[string]any

func (a answer) text(name string) string { s, _ := a[name].(string); return s }

// send sends a request and reads the answer. After a failure it does nothing.
func (c *client) send(method, address string, header map[string]string, body []byte) (int, []byte) {
	if c.err != nil {
		return 0, nil
	}
	request, err := http.NewRequestWithContext(c.ctx, method, address, bytes.NewReader(body))
	if err != nil {
		c.err = err
		return 0, nil
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	c.requests++
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.err = err
		return 0, nil
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		c.err = err
	}
	if response.StatusCode >= http.StatusBadRequest {
		c.err = fmt.Errorf("%s %s: %d %s", method, address, response.StatusCode, got)
	}
	return response.StatusCode, got
}

func (c *client) call(method, path string, body any) answer {
	sent, err := json.Marshal(body)
	if err != nil {
		c.err = err
	}
	if body == nil {
		sent = nil
	}
	_, got := c.send(method, c.base+path,
		map[string]string{"Authorization": "Bearer " + c.token, "Content-Type": "application/json"}, sent)
	var a answer
	if c.err == nil && len(got) > 0 {
		c.err = json.Unmarshal(got, &a)
	}
	return a
}

// in is call for a path of the account.
func (c *client) in(method, path string, body any) answer {
	return c.call(method, "/v1/accounts/"+c.account+path, body)
}

// login takes a token; one is good for an hour.
func (c *client) login(account, user, permissions string) {
	who := map[string]string{"account": account, "user": user, "permissions": permissions}
	c.token = c.call(http.MethodPost, "/local/token", who).text("accessToken")
}

// everything is what the account's admin may do: all but to manage accounts, which would make her an
// operator of the provider in every audit entry.
func everything() string {
	return access.Carried().String()
}

// at moves the clock on to a time and signs in again as ada.
func (c *client) at(to time.Time) {
	if !to.After(c.now) {
		return
	}
	c.now = to
	c.call(http.MethodPost, "/local/clock", map[string]time.Time{"to": to})
	c.login(c.account, "ada", everything())
}

// invoke runs a scheduled function for the present time, as a person does, who waits until it is done.
func (c *client) invoke(function string) {
	c.call(http.MethodPost, "/2015-03-31/functions/"+function+"/invocations",
		map[string]any{"time": c.now.Format(time.RFC3339)})
}

// upload puts a file for a mass configuration or an import, and waits until it is checked; it
// returns the job's path.
func (c *client) upload(path string, ask answer, file string) (job, state string) {
	ask["sizeBytes"] = len(file)
	made := c.in(http.MethodPost, path, ask)
	upload, _ := made["upload"].(map[string]any)
	header := map[string]string{}
	headers, _ := upload["headers"].(map[string]any)
	for name, value := range headers {
		header[name] = fmt.Sprint(value)
	}
	if c.err == nil {
		c.send(fmt.Sprint(upload["method"]), fmt.Sprint(upload["url"]), header, []byte(file))
	}
	job = path + "/" + made.text("id")
	return job, c.until(job, "ready", "rejected")
}

// until waits for one of these states, or another one that a job does not leave.
func (c *client) until(path string, states ...string) string {
	const ends = " completed rejected cancelled failed "
	for c.err == nil {
		state := c.in(http.MethodGet, path, nil).text("state")
		for _, want := range states {
			if state == want {
				return state
			}
		}
		if strings.Contains(ends, " "+state+" ") {
			c.err = fmt.Errorf("%s is %s", path, state)
		}
		select {
		case <-c.ctx.Done():
			c.err = c.ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return ""
}

// apply applies a checked file.
func (c *client) apply(job, verb string) {
	c.in(http.MethodPost, job+"/"+verb, nil)
	c.until(job, "completed")
}

// order buys products, each for a cost center.
func (c *client) order(lines ...map[string]any) {
	quote := c.in(http.MethodPost, "/quotes", map[string]any{"lines": lines})
	order := c.in(http.MethodPost, "/orders", map[string]any{"quoteId": quote.text("id"), "acknowledged": true})
	if c.err == nil && order.text("state") != "placed" {
		c.until("/orders/"+order.text("id"), "placed")
	}
}

func line(product string, quantity int, costCenter string) map[string]any {
	return map[string]any{"productId": product, "quantity": quantity, "costCenter": costCenter}
}
