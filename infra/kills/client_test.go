package kills

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"seatwise/infra/testing/runnerprocess"
)

// object is a JSON object.
type object = map[string]any

// request is one that changes something. It can be sent again as it was.
type request struct {
	method, path string
	body         []byte
	key          string // its Idempotency-Key; empty for a PUT or DELETE, which do the same whenever they are sent
	// touches are the resources of which nobody knows how they are until the request is answered.
	touches []string
	// told takes in the answer, a refusal included, and says what is wrong with it.
	told func(a runnerprocess.Answer, again bool) error
	// unknown counts the sendings that got no answer.
	unknown int
	next    time.Time // when it is sent again, once it is said to be running still
}

func (q *request) String() string {
	return fmt.Sprintf("%s %s %s (key %q)", q.method, q.path, q.body, q.key)
}

// promise is an answer that was given.
type promise struct {
	request *request
	answer  runnerprocess.Answer
}

// client works with the users, queues, dashboards and files that are its own, so what it was last
// told of them must be there, whatever came between.
type client struct {
	*runnerprocess.Client

	w      *world
	bucket *s3.Client
	// storage is the S3 server for those who have a presigned URL.
	storage *runnerprocess.Client
	name    string // the account's
	kernel  int
	at      string // the account's path
	random  *rand.Rand
	keys    int

	// pending got no answer; it is sent again before anything else. parked are those that are said
	// to be running still: the rest of the work goes on without them.
	pending *request
	parked  []*request
	// promises are what the client was told under its keys, the latest last.
	promises []promise
	// touched are the resources changed since the last kill.
	touched map[string]bool

	expected
}

// expected is what the client knows.
type expected struct {
	people     map[string]*person
	freed      []string // licenses that its users gave back
	terminated map[string]string
	orders     map[string]*bought
	queues     map[string][]string
	dashboards map[string][]string // nil when it is deleted
	views      []object
	mass       *mass
	masses     map[string]string // state last seen of each
	drop       *drop
	dropped    map[string]int // how often each file was put
	reports    []string
}

// person is a user.
type person struct {
	name   string
	active bool
	holds  map[string]string // licenses by product, of those assigned by hand
}

// bought is an order.
type bought struct{ lines map[string]int }

// down says that the runner is gone.
type down struct{ error }

func newClient(w *world, base, storage, account string, kernel int, random *rand.Rand) *client {
	return &client{
		Client:  runnerprocess.NewClient(base),
		w:       w,
		storage: runnerprocess.NewClient(storage),
		name:    account,
		kernel:  kernel,
		at:      "/v1/accounts/" + account,
		random:  random,
		touched: map[string]bool{},
		bucket: s3.New(s3.Options{
			Region: "us-east-1", BaseEndpoint: &storage, UsePathStyle: true, RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("anybody", "anything", ""),
		}),
		expected: expected{
			people:     map[string]*person{},
			terminated: map[string]string{},
			orders:     map[string]*bought{},
			queues:     map[string][]string{},
			dashboards: map[string][]string{},
			masses:     map[string]string{},
			dropped:    map[string]int{},
		},
	}
}

// id is an id of the client's own.
func (c *client) id(kind string, n int) string { return fmt.Sprintf("%s-%d-%d", kind, c.kernel, n) }

func (c *client) key() string {
	c.keys++
	return fmt.Sprintf("key %d of service %d", c.keys, c.kernel)
}

// work looks for what was acknowledged before the kill, and then goes on until the next one.
func (c *client) work() {
	for err := c.recover(); ; err = c.step() {
		if err != nil {
			if _, gone := err.(down); !gone { //nolint:errorlint // it is never wrapped
				c.w.fail("%s, service %d: %v", c.name, c.kernel, err)
			}
			return
		}
		if c.w.failed.Load() {
			return
		}
	}
}

// recover checks what was acknowledged, and then finds out what became of the request that got no
// answer.
func (c *client) recover() error {
	// What is unknown may be as it was or as it should be; only when its request is answered it is
	// known again.
	for resource := range c.touched {
		if c.uncertain(resource) {
			continue
		}
		if err := c.verify(resource); err != nil {
			return err
		}
		delete(c.touched, resource)
	}
	for _, p := range c.promises[max(0, len(c.promises)-2):] {
		if err := c.repeat(p); err != nil {
			return err
		}
	}
	if c.pending != nil {
		q := c.pending
		if err := c.send(q); err != nil {
			return err
		}
		for _, resource := range q.touches {
			if !c.uncertain(resource) {
				if err := c.verify(resource); err != nil {
					return err
				}
			}
		}
	}
	return c.unpark(false)
}

// unpark sends again what was still said to be running.
func (c *client) unpark(all bool) error {
	for _, q := range slices.Clone(c.parked) {
		if !all && time.Now().Before(q.next) || c.pending != nil {
			continue
		}
		c.parked = slices.DeleteFunc(c.parked, func(other *request) bool { return other == q })
		if err := c.send(q); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) uncertain(resource string) bool {
	touches := func(q *request) bool { return slices.Contains(q.touches, resource) }
	return c.pending != nil && touches(c.pending) || slices.ContainsFunc(c.parked, touches)
}

// send sends a request, and keeps it for later when nobody knows what became of it.
func (c *client) send(q *request) error {
	c.pending = q
	a, err := c.transmit(q)
	for try := 0; err == nil && a.Status >= http.StatusInternalServerError; try++ {
		if try == 20 {
			return fmt.Errorf("%v is answered %d, and again: %s", q, a.Status, a.Body)
		}
		time.Sleep(20 * time.Millisecond)
		q.unknown++
		a, err = c.transmit(q)
	}
	if err != nil {
		if q.unknown == 0 {
			c.w.figures.unknown.Add(1)
		}
		q.unknown++
		return down{err}
	}
	c.pending = nil
	if a.Status == http.StatusConflict && slug(a) == "idempotency-in-progress" {
		if q.unknown == 0 {
			return fmt.Errorf("%v was sent once and is said to be running", q)
		}
		q.next = time.Now().Add(5 * time.Second)
		c.parked = append(c.parked, q)
		return nil
	}
	again := q.unknown > 0
	if again && q.key != "" && a.Status < 300 {
		if a.Header.Get("Idempotent-Replayed") == "true" {
			c.w.figures.applied.Add(1)
		} else {
			c.w.figures.repeated.Add(1)
		}
	}
	if err := q.told(a, again); err != nil {
		return fmt.Errorf("%v, of which %d sendings got no answer: %d %s: %w", q, q.unknown, a.Status, a.Body, err)
	}
	for _, resource := range q.touches {
		c.touched[resource] = true
	}
	if a.Status >= 300 {
		c.w.figures.refused.Add(1)
		return nil
	}
	c.w.figures.acknowledged.Add(1)
	if q.key != "" {
		c.promises = append(c.promises, promise{q, a})
	}
	return nil
}

func (c *client) transmit(q *request) (runnerprocess.Answer, error) {
	header := map[string]string{}
	if q.key != "" {
		header["Idempotency-Key"] = q.key
	}
	var body any
	if q.body != nil {
		body = q.body
	}
	return c.Send(c.w.t.Context(), q.method, q.path, body, header)
}

// repeat sends a request again that was answered: the answer is the same to the byte (I10).
func (c *client) repeat(p promise) error {
	a, err := c.transmit(p.request)
	if err != nil {
		return down{err}
	}
	if a.Status != p.answer.Status || !bytes.Equal(a.Body, p.answer.Body) ||
		a.Header.Get("Idempotent-Replayed") != "true" ||
		a.Header.Get("Etag") != p.answer.Header.Get("Etag") ||
		a.Header.Get("Location") != p.answer.Header.Get("Location") {
		return fmt.Errorf("%v was answered %d %s and is now answered %d %v %s", p.request, p.answer.Status,
			p.answer.Body, a.Status, a.Header, a.Body)
	}
	c.w.figures.replayed.Add(1)
	return nil
}

// misuse sends another body under a key that was used.
func (c *client) misuse(p promise) error {
	other := *p.request
	other.path, other.body = c.at+"/orders", encode(
		object{"quoteId": "00000000-0000-4000-8000-000000000000", "acknowledged": true},
	)
	a, err := c.transmit(&other)
	if err != nil {
		return down{err}
	}
	if a.Status != http.StatusUnprocessableEntity || slug(a) != "idempotency-mismatch" {
		return fmt.Errorf("the key of %v is taken for another request: %d %s", p.request, a.Status, a.Body)
	}
	c.w.figures.mismatched.Add(1)
	return nil
}

// get reads a resource; ok is false when there is none.
func (c *client) get(path string, into any) (ok bool, err error) {
	a, err := c.Send(c.w.t.Context(), http.MethodGet, c.at+path, nil, nil)
	switch {
	case err != nil:
		return false, down{err}
	case a.Status == http.StatusNotFound:
		return false, nil
	case a.Status != http.StatusOK:
		return false, fmt.Errorf("GET %s: %d %s", path, a.Status, a.Body)
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		return false, fmt.Errorf("GET %s: %w: %s", path, err, a.Body)
	}
	return true, nil
}

// verify demands that a resource is as the client knows it.
func (c *client) verify(resource string) error {
	kind, id, _ := strings.Cut(resource, ":")
	c.w.figures.looked.Add(1)
	wrong := func(want, got any) error {
		return fmt.Errorf("%s is %+v, and was acknowledged as %+v", resource, got, want)
	}
	switch kind {
	case "user":
		var got struct {
			Name     string
			Active   bool
			Holdings []struct{ LicenseID, ProductID string }
		}
		ok, err := c.get("/users/"+id, &got)
		if err != nil {
			return err
		}
		want, holds := c.people[id], map[string]string{}
		for _, h := range got.Holdings {
			if slices.Contains(byHand, h.ProductID) {
				holds[h.ProductID] = h.LicenseID
			}
		}
		if !ok || got.Name != want.name || got.Active != want.active || fmt.Sprint(holds) != fmt.Sprint(want.holds) {
			return wrong(*want, got)
		}
	case "license":
		var got struct{ Status string }
		ok, err := c.get("/licenses/"+id, &got)
		if err != nil || !ok ||
			c.terminated[id] != "" && got.Status != "terminated" {
			return orWrong(err, wrong("terminated", got))
		}
	case "order":
		var got struct{ State string }
		if ok, err := c.get("/orders/"+id, &got); err != nil || !ok || got.State != "placed" {
			return orWrong(err, wrong("placed", got))
		}
	case "queue":
		var got struct{ Members []string }
		ok, err := c.get("/call-queues/"+id, &got)
		if slices.Sort(got.Members); err != nil || !ok || !slices.Equal(got.Members, c.queues[id]) {
			return orWrong(err, wrong(c.queues[id], got))
		}
	case "dashboard":
		var got struct{ QueueIDs []string }
		ok, err := c.get("/dashboards/"+id, &got)
		if slices.Sort(got.QueueIDs); err != nil || ok != (c.dashboards[id] != nil) ||
			!slices.Equal(got.QueueIDs, c.dashboards[id]) {
			return orWrong(err, wrong(c.dashboards[id], got))
		}
	case "mass":
		var got struct{ State string }
		ok, err := c.get("/mass-configurations/"+id, &got)
		if err != nil || !ok ||
			progress(got.State) < progress(c.masses[id]) {
			return orWrong(err, wrong(c.masses[id], got))
		}
	case "report":
		var got struct{ State string }
		if ok, err := c.get("/reports/"+id, &got); err != nil || !ok {
			return orWrong(err, wrong("asked for", got))
		}
	default:
		return fmt.Errorf("nobody knows %s", resource)
	}
	return nil
}

// orWrong prefers the error of the reading.
func orWrong(reading, wrong error) error {
	if reading != nil {
		return reading
	}
	return wrong
}

// progress orders the states of a mass configuration: it never goes back.
func progress(state string) int {
	return slices.Index([]string{"", "awaitingUpload", "checking", "ready", "configuring", "completed"}, state)
}

func slug(a runnerprocess.Answer) string {
	var p struct{ Type string }
	if json.Unmarshal(a.Body, &p) != nil {
		return ""
	}
	return strings.TrimPrefix(p.Type, "urn:seatwise:problem:")
}

func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // it is made of maps and strings
	}
	return data
}

// decode reads a 2xx answer.
func decode(a runnerprocess.Answer, into any) error {
	if a.Status >= 300 {
		return fmt.Errorf("it is refused")
	}
	return json.Unmarshal(a.Body, into)
}
