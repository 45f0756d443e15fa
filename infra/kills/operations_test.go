package kills

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"seatwise/infra/testing/runnerprocess"
)

// byHand are the products that clients assign. The others come and go by files, queues and views.
var byHand = []string{"auto-attendant", "developer", "call-group"}

const (
	plain = 4 // users that are assigned, reassigned, deactivated
	// users of bulk calls, of more items than one commit takes, and of a queue that takes several
	// commits to settle
	many    = 24
	phones  = 20 // users of mass configurations, of more rows than one commit takes
	dropped = 3  // users of file drops
	members = 5  // users of small queues
	viewers = 2
)

// open makes what the client works with; nothing is killed meanwhile.
func (c *client) open(t *testing.T) {
	t.Helper()
	must := func(by *runnerprocess.Client, method, path string, body any) runnerprocess.Answer {
		t.Helper()
		a, err := by.Send(t.Context(), method, path, body, nil)
		if err != nil || a.Status >= 300 {
			t.Fatalf("%s %s: %d %s, %v", method, path, a.Status, a.Body, err)
		}
		return a
	}
	operator := runnerprocess.NewClient(c.Base)
	if err := operator.Login(t.Context(), "provider", "olga", "accounts.manage"); err != nil {
		t.Fatal(err)
	}
	must(operator, http.MethodPut, c.at, object{
		"name":       c.name,
		"brand":      "RingCentral",
		"currency":   "USD",
		"timezone":   "America/New_York",
		"billingDay": 1,
		"bundle":     "standard",
	})
	err := c.Login(
		t.Context(),
		c.name,
		c.id("admin", 0),
		"catalog.read",
		"billing.read",
		"billing.purchase",
		"licenses.read",
		"licenses.manage",
		"directory.read",
		"directory.manage",
		"liveReports.view",
		"liveReports.full",
		"usage.read",
		"usage.write",
		"metrics.read",
		"metrics.manage",
		"audit.read",
	)
	if err != nil {
		t.Fatal(err)
	}
	must(c.Client, http.MethodPut, c.at+"/cost-centers/"+c.id("cc", 0), object{"name": "Center"})
	for kind, n := range map[string]int{
		"plain":  plain,
		"many":   many,
		"phone":  phones,
		"drop":   dropped,
		"member": members,
		"viewer": viewers,
	} {
		for i := range n {
			id, body := c.id(kind, i), object{"name": c.id(kind, i)}
			if kind == "viewer" {
				body["roleIds"] = []string{"super-admin"}
			}
			must(c.Client, http.MethodPut, c.at+"/users/"+id, body)
			if kind == "plain" || kind == "many" {
				c.people[id] = &person{name: id, active: true, holds: map[string]string{}}
			}
		}
	}
	c.queues[c.id("big", 0)] = c.ids("many", many)
	c.queues[c.id("queue", 0)], c.queues[c.id("queue", 1)] = c.ids("member", 2), []string{}
	for id, members := range c.queues {
		must(c.Client, http.MethodPut, c.at+"/call-queues/"+id, object{"name": id, "members": members})
	}
	for n := range 3 {
		id := c.id("board", n)
		c.dashboards[id] = []string{}
		must(c.Client, http.MethodPut, c.at+"/dashboards/"+id, object{"name": id})
	}
	for _, lines := range []map[string]int{
		{"live-reports": 4, "auto-attendant": 5, "developer": 6},
		{"call-group": 26},
		{"phone-system": phones + dropped, "device_ip_phone": phones + dropped},
	} {
		if err := c.buy(lines); err != nil {
			t.Fatal(err)
		}
	}
}

// ids are the first n ids of a kind, in order.
func (c *client) ids(kind string, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = c.id(kind, i)
	}
	slices.Sort(ids)
	return ids
}

// step does the next thing.
func (c *client) step() error {
	user, product := c.id("plain", c.random.IntN(plain)), byHand[c.random.IntN(2)]
	switch n := c.random.IntN(1000); {
	case n < 170:
		return c.pick(user, product)
	case n < 210:
		return c.take(user)
	case n < 300:
		return c.giveBack(user, product, false)
	case n < 350:
		return c.giveBack(user, product, true)
	case n < 420:
		return c.reassign(user, product)
	case n < 440:
		return c.terminate()
	case n < 540:
		return c.put(user)
	case n < 560:
		return c.buy(map[string]int{byHand[c.random.IntN(2)]: 1 + c.random.IntN(2), "live-reports": 1})
	case n < 563:
		return c.buy(map[string]int{"call-group": 60 + c.random.IntN(300), "live-reports": 1})
	case n < 590:
		return c.trim()
	case n < 650:
		return c.queue()
	case n < 710:
		return c.board()
	case n < 740:
		return c.bulk()
	case n < 790:
		return c.view()
	case n < 870:
		return c.configure()
	case n < 920:
		return c.dropFile()
	case n < 925:
		return c.report()
	case n < 980 && len(c.promises) > 0:
		return c.repeat(c.promises[c.random.IntN(len(c.promises))])
	case len(c.promises) > 0:
		return c.misuse(c.promises[c.random.IntN(len(c.promises))])
	}
	return nil
}

// post is a keyed request.
func (c *client) post(
	path string, body any, told func(a runnerprocess.Answer, again bool) error, touches ...string,
) error {
	q := &request{method: http.MethodPost, path: c.at + path, key: c.key(), touches: touches, told: told}
	if body != nil {
		q.body = encode(body)
	}
	return c.send(q)
}

type license struct{ ID, ProductID, Status, UserID string }

// results is the answer to a bulk call.
type results struct {
	Results []struct {
		License *license
		Problem *struct{ Type string }
	}
}

// given takes in one result of an assignment by product.
func (c *client) given(user, product string, r results, i int) error {
	p := c.people[user]
	switch one := r.Results[i]; {
	case one.Problem != nil && strings.HasSuffix(one.Problem.Type, ":user-inactive") && !p.active:
	case one.Problem != nil && strings.HasSuffix(one.Problem.Type, ":not-enough-licenses") && p.active &&
		p.holds[product] == "":
	case one.Problem != nil || one.License == nil:
		return fmt.Errorf("%s cannot be given to %s: %+v", product, user, *p)
	case one.License.UserID != user || one.License.ProductID != product ||
		p.holds[product] != "" && p.holds[product] != one.License.ID:
		return fmt.Errorf("%s holds %v and was given %+v", user, p.holds, *one.License)
	default:
		p.holds[product] = one.License.ID
		c.freed = slices.DeleteFunc(c.freed, func(id string) bool { return id == one.License.ID })
	}
	return nil
}

func (c *client) pick(user, product string) error {
	return c.post(
		"/assignments",
		object{"items": []object{{"productId": product, "userId": user}}},
		func(a runnerprocess.Answer, _ bool) error {
			var r results
			if err := decode(a, &r); err != nil {
				return err
			}
			return c.given(user, product, r, 0)
		},
		"user:"+user,
	)
}

// take assigns a license that was given back; another service may have it by now.
func (c *client) take(user string) error {
	if len(c.freed) == 0 {
		return nil
	}
	id, p := c.freed[c.random.IntN(len(c.freed))], c.people[user]
	return c.post("/licenses/"+id+"/assign", object{"userId": user}, func(a runnerprocess.Answer, _ bool) error {
		var l license
		switch why := slug(a); {
		case a.Status < 300:
			if err := decode(a, &l); err != nil {
				return err
			}
			if l.ID != id || l.UserID != user || !p.active || p.holds[l.ProductID] != "" {
				return fmt.Errorf("%s is %+v", user, *p)
			}
			p.holds[l.ProductID] = id
		case why == "license-not-available",
			why == "user-inactive" && !p.active,
			why == "user-already-licensed" && len(p.holds) > 0:
		default:
			return fmt.Errorf("%s is %+v", user, *p)
		}
		c.freed = slices.DeleteFunc(c.freed, func(other string) bool { return other == id })
		return nil
	}, "user:"+user)
}

// giveBack takes a license, or a product, from a user.
func (c *client) giveBack(user, product string, byProduct bool) error {
	p := c.people[user]
	id := p.holds[product]
	if id == "" && !byProduct {
		return nil
	}
	path, body := "/licenses/"+id+"/unassign", any(nil)
	if byProduct {
		path, body = "/assignments/remove", object{"items": []object{{"productId": product, "userId": user}}}
	}
	return c.post(path, body, func(a runnerprocess.Answer, _ bool) error {
		var r results
		if err := decode(a, &r); err != nil || byProduct && r.Results[0].Problem != nil {
			return fmt.Errorf("%s is %+v", user, *p)
		}
		if id != "" {
			c.freed = append(c.freed, id)
		}
		delete(p.holds, product)
		return nil
	}, "user:"+user)
}

func (c *client) reassign(user, product string) error {
	to := c.id("plain", c.random.IntN(plain))
	p, other := c.people[user], c.people[to]
	id := p.holds[product]
	if id == "" {
		return nil
	}
	return c.post("/licenses/"+id+"/reassign", object{"userId": to}, func(a runnerprocess.Answer, _ bool) error {
		switch why := slug(a); {
		case a.Status < 300 && other.active && other.holds[product] == "":
			delete(p.holds, product)
			other.holds[product] = id
		case why == "user-inactive" && !other.active, why == "user-already-licensed" && other.holds[product] != "":
		default:
			return fmt.Errorf("from %+v to %+v", *p, *other)
		}
		return nil
	}, "user:"+user, "user:"+to)
}

// terminate ends a license that was given back; another service may have it by now.
func (c *client) terminate() error {
	if len(c.freed) == 0 {
		return nil
	}
	return c.end(c.freed[c.random.IntN(len(c.freed))])
}

// trim ends a free seat of Live Reports, so that they stay scarce and somebody waits.
func (c *client) trim() error {
	var free struct{ Items []license }
	_, err := c.get("/licenses?product=live-reports&status=available&limit=5", &free)
	if err != nil ||
		len(free.Items) == 0 {
		return err
	}
	return c.end(free.Items[0].ID)
}

func (c *client) end(id string) error {
	return c.post("/licenses/"+id+"/terminate", nil, func(a runnerprocess.Answer, _ bool) error {
		c.freed = slices.DeleteFunc(c.freed, func(other string) bool { return other == id })
		if slug(a) == "license-in-use" {
			return nil
		}
		var l license
		if err := decode(a, &l); err != nil || l.Status != "terminated" {
			return fmt.Errorf("it is not terminated: %w", err)
		}
		if c.ended(id) == nil { // the other service may have ended it too, which is success and changes nothing
			c.terminated[id] = l.ProductID
		}
		return nil
	}, "license:"+id)
}

// ended is whose client ended a license before, or nil.
func (c *client) ended(id string) *client {
	if c.terminated[id] != "" {
		return c
	}
	return nil
}

// put renames, deactivates or reactivates a user; who is deactivated holds nothing from then on
// (requirements, section 6).
func (c *client) put(user string) error {
	name, active := fmt.Sprintf("Name %d", c.random.IntN(1000)), c.random.IntN(3) > 0
	q := &request{
		method:  http.MethodPut,
		path:    c.at + "/users/" + user,
		body:    encode(object{"name": name, "active": active}),
		touches: []string{"user:" + user},
	}
	q.told = func(a runnerprocess.Answer, _ bool) error {
		p := c.people[user]
		p.name, p.active = name, active
		if !active {
			for _, id := range p.holds {
				c.freed = append(c.freed, id)
			}
			p.holds = map[string]string{}
		}
		return decode(a, &struct{}{})
	}
	return c.send(q)
}

// buy places an order: a quote, which may be lost, and then the order of it.
func (c *client) buy(wanted map[string]int) error {
	var lines []object
	total := 0
	for _, product := range []string{
		"live-reports", "auto-attendant", "developer", "call-group", "phone-system", "device_ip_phone",
	} {
		if n := wanted[product]; n > 0 {
			lines = append(lines, object{"productId": product, "quantity": n, "costCenter": c.id("cc", 0)})
			total += n
		}
	}
	a, err := c.Send(c.w.t.Context(), http.MethodPost, c.at+"/quotes", object{"lines": lines}, nil)
	if err != nil {
		return down{err}
	}
	var made struct {
		ID, State    string
		LicenseCount int
	}
	if err := decode(a, &made); err != nil {
		return fmt.Errorf("quote: %d %s", a.Status, a.Body)
	}
	return c.post(
		"/orders",
		object{"quoteId": made.ID, "acknowledged": true},
		func(a runnerprocess.Answer, _ bool) error {
			err := decode(a, &made)
			if err != nil || made.State != "placed" || made.LicenseCount != total ||
				c.orders[made.ID] != nil {
				return fmt.Errorf("%d licenses are ordered: %w", total, err)
			}
			c.orders[made.ID] = &bought{wanted}
			c.touched["order:"+made.ID] = true
			c.w.figures.orders.Add(1)
			if total > 50 {
				c.w.figures.large.Add(1)
			}
			return nil
		},
	)
}

// queue gives a queue other members.
func (c *client) queue() error {
	id, list := c.id("queue", c.random.IntN(2)), []string{}
	for _, member := range c.ids("member", members) {
		if c.random.IntN(2) == 0 {
			list = append(list, member)
		}
	}
	q := &request{
		method:  http.MethodPut,
		path:    c.at + "/call-queues/" + id,
		body:    encode(object{"name": id, "members": list}),
		touches: []string{"queue:" + id},
	}
	q.told = func(a runnerprocess.Answer, _ bool) error {
		c.queues[id] = list
		return decode(a, &struct{}{})
	}
	return c.send(q)
}

// board puts other queues on a dashboard, or deletes it. The last board is for views and stays.
func (c *client) board() error {
	n := c.random.IntN(2)
	id, queues := c.id("board", n), []string{}
	for _, queue := range [][]string{{c.id("queue", 0), c.id("queue", 1)}, {c.id("big", 0)}}[n] {
		if c.random.IntN(2) == 0 {
			queues = append(queues, queue)
		}
	}
	q := &request{method: http.MethodPut, path: c.at + "/dashboards/" + id, touches: []string{"dashboard:" + id}}
	if c.random.IntN(6) == 0 {
		q.method = http.MethodDelete
		q.told = func(a runnerprocess.Answer, again bool) error {
			if was := c.dashboards[id]; a.Status != http.StatusNoContent &&
				(a.Status != http.StatusNotFound || was != nil && !again) {
				return fmt.Errorf("it is not deleted")
			}
			c.dashboards[id] = nil
			return nil
		}
		return c.send(q)
	}
	q.body = encode(object{"name": id, "queueIds": queues})
	q.told = func(a runnerprocess.Answer, _ bool) error {
		c.dashboards[id] = queues
		return decode(a, &struct{}{})
	}
	return c.send(q)
}

// bulk gives a product to many users, or takes it from them, in more than one commit.
func (c *client) bulk() error {
	const product = "call-group"
	users := c.ids("many", many)
	if c.uncertain("user:" + users[0]) {
		return nil // the last one is said to be running still
	}
	var items []object
	var touches []string
	for _, user := range users {
		items, touches = append(items, object{"productId": product, "userId": user}), append(touches, "user:"+user)
	}
	path := "/assignments"
	if c.people[users[0]].holds[product] != "" {
		path += "/remove"
	}
	return c.post(path, object{"items": items}, func(a runnerprocess.Answer, _ bool) error {
		var r results
		if err := decode(a, &r); err != nil || len(r.Results) != many {
			return fmt.Errorf("%d results: %w", len(r.Results), err)
		}
		c.w.figures.bulks.Add(1)
		for i, user := range users {
			if path == "/assignments" {
				if err := c.given(user, product, r, i); err != nil {
					return err
				}
			} else if delete(c.people[user].holds, product); r.Results[i].Problem != nil {
				return fmt.Errorf("it cannot be taken from %s", user)
			}
		}
		return nil
	}, touches...)
}

// view delivers views of a dashboard, or some that were delivered before: none counts twice
// (requirements, section 6).
func (c *client) view() error {
	const n = 5
	known := len(c.views) >= n && c.random.IntN(3) == 0
	var views []object
	for i := range n {
		if known {
			views = append(views, c.views[c.random.IntN(len(c.views)/n)*n+i])
			continue
		}
		views = append(views, object{
			"id":          fmt.Sprintf("view-%d.%d-of-desk-%d", c.keys, i, c.kernel),
			"userId":      c.id("viewer", c.random.IntN(viewers)),
			"dashboardId": c.id("board", 2),
			"at":          time.Now().UTC().Format(time.RFC3339),
		})
	}
	distinct := map[any]bool{}
	for _, v := range views {
		distinct[v["id"]] = true
	}
	return c.post("/usage/views", object{"events": views}, func(a runnerprocess.Answer, again bool) error {
		var got struct {
			Accepted, Duplicate int
			Rejected            []object
		}
		err := decode(a, &got)
		if err != nil || len(got.Rejected) > 0 || got.Accepted+got.Duplicate != n || known && got.Accepted > 0 ||
			!known && !again && got.Duplicate > 0 {
			return fmt.Errorf("of %d views, delivered before: %v: %w", n, known, err)
		}
		if !known {
			c.views = append(c.views, views...)
		}
		c.w.figures.views.Add(1)
		return nil
	})
}

func (c *client) report() error {
	return c.post("/reports", object{"kind": "license-status"}, func(a runnerprocess.Answer, _ bool) error {
		var got struct{ ID string }
		if err := decode(a, &got); err != nil {
			return err
		}
		c.reports = append(c.reports, got.ID)
		c.touched["report:"+got.ID] = true
		c.w.figures.reports.Add(1)
		return nil
	})
}

// row is one of a file: what a user's phone shall be.
type row struct {
	user, extension, number, addOn string
}

// rows are a file for users of a kind, other than the last one.
func (c *client) rows(kind string, n int) (rows []row, file []byte) {
	text := "Ext Key,Number,User,Addon license 1\n"
	c.keys++
	for i := range n {
		r := row{
			user:      c.id(kind, i),
			extension: fmt.Sprintf("%d%d%02d", c.kernel+1, len(kind), i),
			number:    fmt.Sprintf("65%d%d%02d%05d", c.kernel+1, len(kind), i, c.keys%100_000),
		}
		if c.random.IntN(2) == 0 {
			r.addOn = "device_ip_phone"
		}
		rows = append(rows, r)
		text += strings.Join([]string{r.extension, r.number, r.user, r.addOn}, ",") + "\n"
	}
	return rows, []byte(text)
}

// applied demands that the users' phones are as the rows say.
func (c *client) applied(rows []row) error {
	for _, r := range rows {
		var got struct {
			Extension, Number string
			Holdings          []struct{ ProductID string }
		}
		if _, err := c.get("/users/"+r.user, &got); err != nil {
			return err
		}
		var holds []string
		for _, h := range got.Holdings {
			holds = append(holds, h.ProductID)
		}
		slices.Sort(holds)
		want := []string{"phone-system"}
		if r.addOn != "" {
			want = []string{r.addOn, "phone-system"}
		}
		if got.Extension != r.extension || got.Number != r.number || !slices.Equal(holds, want) {
			return fmt.Errorf("a file was applied with %+v, and %s is %+v", r, r.user, got)
		}
	}
	return nil
}

// mass is the client's mass configuration that is under way.
type mass struct {
	id       string
	rows     []row
	file     []byte
	uploaded bool
	started  bool
	Upload   struct {
		Method, URL string
		Headers     map[string]string
	}
}

// configure goes on with the mass configuration: announce, upload, configure, and look at what
// became of it.
func (c *client) configure() error {
	m := c.mass
	switch {
	case c.uncertain("mass"):
		return nil
	case m == nil:
		rows, file := c.rows("phone", phones)
		return c.post(
			"/mass-configurations",
			object{"fileName": "phones.csv", "sizeBytes": len(file)},
			func(a runnerprocess.Answer, _ bool) error {
				var got struct {
					mass

					ID string
				}
				if err := decode(a, &got); err != nil {
					return err
				}
				c.mass = &mass{id: got.ID, rows: rows, file: file, Upload: got.Upload}
				c.masses[got.ID] = "awaitingUpload"
				c.touched["mass:"+got.ID] = true
				return nil
			},
		)
	case !m.uploaded:
		address, err := url.Parse(m.Upload.URL)
		if err != nil {
			return err
		}
		header := map[string]string{}
		for name, value := range m.Upload.Headers {
			if !strings.EqualFold(name, "Content-Length") { // net/http sends it automatically
				header[name] = value
			}
		}
		a, err := c.storage.Send(c.w.t.Context(), m.Upload.Method, address.RequestURI(), m.file, header)
		if err != nil {
			return down{err}
		}
		// an upload that got no answer is there already
		if a.Status != http.StatusOK && a.Status != http.StatusPreconditionFailed {
			return fmt.Errorf("upload: %d %s", a.Status, a.Body)
		}
		m.uploaded = true
		c.masses[m.id], c.touched["mass:"+m.id] = "awaitingUpload", true
		return nil
	}
	state, err := c.state(m)
	switch {
	case err != nil:
		return err
	case state == "ready" && !m.started:
		return c.post("/mass-configurations/"+m.id+"/configure", nil, func(a runnerprocess.Answer, _ bool) error {
			m.started = true
			c.masses[m.id] = "configuring"
			return decode(a, &struct{}{})
		}, "mass:"+m.id)
	case state == "completed":
		c.mass = nil
		c.w.figures.masses.Add(1)
		return c.applied(m.rows)
	}
	return nil
}

// state reads how far a mass configuration is.
func (c *client) state(m *mass) (string, error) {
	var got struct {
		State  string
		Counts struct{ Rows, Error int }
		Errors []object
	}
	ok, err := c.get("/mass-configurations/"+m.id, &got)
	if err != nil {
		return "", err
	}
	if !ok || progress(got.State) < progress(c.masses[m.id]) || got.Counts.Error > 0 {
		return "", fmt.Errorf("mass configuration %s was %s and is %+v", m.id, c.masses[m.id], got)
	}
	c.masses[m.id] = got.State
	return got.State, nil
}

// drop is the client's dropped file that is under way.
type drop struct {
	name  string
	rows  []row
	file  []byte
	there bool // the S3 server said so
}

// dropFile drops a file, or looks at what became of it. A file that got no answer is dropped again:
// the other version of it takes effect too.
func (c *client) dropFile() error {
	d := c.drop
	if d == nil {
		rows, file := c.rows("drop", dropped)
		d = &drop{name: fmt.Sprintf("drop %d of service %d.csv", c.keys, c.kernel), rows: rows, file: file}
		c.drop = d
	}
	if !d.there {
		c.dropped[d.name]++
		_, err := c.bucket.PutObject(c.w.t.Context(), &s3.PutObjectInput{
			Bucket: aws.String("seatwise-uploads"),
			Key:    aws.String("drops/" + c.name + "/" + d.name),
			Body:   bytes.NewReader(d.file),
		})
		var told *awshttp.ResponseError
		switch {
		case errors.As(err, &told) && told.HTTPStatusCode() > 0 && told.HTTPStatusCode() < 500:
			return fmt.Errorf("drop: %w", err)
		case err != nil:
			return down{err}
		}
		d.there = true
		return nil
	}
	states, err := c.drops(d.name)
	if err != nil || len(states) == 0 ||
		slices.ContainsFunc(states, func(s string) bool { return progress(s) >= 0 && s != "completed" }) {
		return err
	}
	if len(states) > c.dropped[d.name] || !slices.Contains(states, "completed") {
		return fmt.Errorf("%s was dropped %d times and is %v", d.name, c.dropped[d.name], states)
	}
	c.drop = nil
	c.w.figures.drops.Add(1)
	return c.applied(d.rows)
}

// drops are the states of the mass configurations that a dropped file became.
func (c *client) drops(name string) ([]string, error) {
	var states []string
	var page struct {
		Items []struct{ State, Source, FileName string }
	}
	if _, err := c.get("/mass-configurations?limit=30", &page); err != nil {
		return nil, err
	}
	for _, m := range page.Items {
		if m.Source == "drop" && m.FileName == name {
			states = append(states, m.State)
		}
	}
	return states, nil
}
