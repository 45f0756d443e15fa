package runnerprocess

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// clientWait bounds one request, its retries by the HTTP client included: far longer than any
// operation of the API may take.
const clientWait = 30 * time.Second

// Client calls one account's API as one user, for tests that send many requests at once and live
// with those that are never answered.
type Client struct {
	// Base is the runner's address; Token is empty for requests that need none.
	Base, Token string

	transport *http.Client
}

// Answer is what a request was told.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// NewClient makes a client with connections of its own and without a token.
func NewClient(base string) *Client {
	return &Client{
		Base: base,
		// Many clients come one after the other, and the runner takes a limited number of connections.
		transport: &http.Client{
			Timeout: clientWait, Transport: &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Second},
		},
	}
}

// Login gets the client a token of the runner for a user of an account.
func (c *Client) Login(ctx context.Context, account, user string, permissions ...string) error {
	a, err := c.Send(ctx, http.MethodPost, "/local/token",
		map[string]any{"account": account, "user": user, "permissions": permissions}, nil)
	if err != nil {
		return err
	}
	var got struct {
		AccessToken string `json:"accessToken"`
	}
	if err := json.Unmarshal(a.Body, &got); err != nil || a.Status != http.StatusOK || got.AccessToken == "" {
		return fmt.Errorf("no token for %s: %d %s: %w", user, a.Status, a.Body, err)
	}
	c.Token = got.AccessToken
	return nil
}

// Send sends a body as JSON (bytes as they are, nil for none) and reads the whole answer.
//
// Errors: those of the connection, after which nobody knows what became of the request.
func (c *Client) Send(ctx context.Context, method, path string, body any, header map[string]string) (Answer, error) {
	var content io.Reader = http.NoBody
	switch b := body.(type) {
	case nil:
	case []byte:
		content = bytes.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			return Answer{}, fmt.Errorf("encode the body: %w", err)
		}
		content = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.Base+path, content)
	if err != nil {
		return Answer{}, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
		// Without this the HTTP client would resend some requests automatically, and what was sent
		// how often is what these tests are about.
		request.GetBody = nil
	}
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := c.transport.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	answer := Answer{Status: response.StatusCode, Header: response.Header}
	if answer.Body, err = io.ReadAll(response.Body); err != nil {
		return Answer{}, fmt.Errorf("read the answer: %w", err)
	}
	return answer, nil
}
