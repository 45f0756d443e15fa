package histories

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"seatwise/infra/testing/parts"
	"seatwise/infra/testing/programs"
	"seatwise/infra/testing/runnerprocess"
)

var (
	rounds = flag.Int("rounds", parts.Sized(2, 4), "rounds of histories over the embedded store; over DynamoDB half as many")
	seed   = flag.Uint64("seed", 1, "what the clients draw their requests from; how they meet is left to chance")
)

func TestMain(m *testing.M) { os.Exit(runnerprocess.Main(m)) }

const (
	clients = 24
	calls   = 12 // of each client in a round: a partition's history stays short enough to be judged at once
	people  = 5  // users of an account: fewer than clients, so that they meet
	// orderTries bounds the repetitions of an order that got no clear answer.
	orderTries = 10
	supplied   = 4 // licenses of a product at the beginning: fewer than users
	// largeOrder is the quantity of an order of several commits, one in each second round: all at
	// once or not at all (requirements, section 3.4).
	largeOrder = 60
)

// products are bought, need no other product and exclude none, so the histories of two of them in
// one account are independent but for the users' items.
var products = []string{"live-reports", "auto-attendant"}

// TestHistories plays rounds over each store, and judges each account and product by itself (issue:
// never wrong). A history that porcupine cannot judge fails.
func TestHistories(t *testing.T) {
	for _, over := range []struct {
		name   string
		rounds int
		store  func(t *testing.T) (args, env []string)
	}{
		{"embedded", *rounds, func(*testing.T) (args, env []string) { return nil, nil }},
		{"DynamoDB", (*rounds + 1) / 2, func(t *testing.T) (args, env []string) {
			s := programs.DynamoDB(t)
			return []string{"--dynamodb-endpoint", s.URL}, []string{
				"AWS_REGION=" + s.Region,
				"AWS_ACCESS_KEY_ID=" + s.AccessKey,
				"AWS_SECRET_ACCESS_KEY=" + s.SecretKey,
				"AWS_SESSION_TOKEN=" + s.SessionToken,
			}
		}},
	} {
		t.Run(over.name, func(t *testing.T) {
			args, env := over.store(t)
			r := runnerprocess.Start(t, runnerprocess.Options{
				Data: t.TempDir(),
				Args: append([]string{"--no-schedules", "--log-level", "ERROR"}, args...),
				Env:  env,
			})
			// A DynamoDB server that is not ours may have accounts from before.
			run := strconv.FormatInt(time.Now().UnixMicro(), 36)
			var all figures
			for round := range over.rounds {
				all = all.plus(play(t, r, fmt.Sprintf("%s-%d", run, round), uint64(round)))
			}
			t.Logf("%d requests in %d histories: %d refused, %d of unknown outcome", all.requests, all.histories,
				all.refused, all.unknown)
			if all.unknown*10 > all.requests {
				t.Errorf("%d of %d outcomes are unknown: too many for the rest to mean much", all.unknown, all.requests)
			}
		})
	}
}

// figures are what was judged.
type figures struct{ requests, histories, refused, unknown int }

func (f figures) plus(g figures) figures {
	return figures{f.requests + g.requests, f.histories + g.histories, f.refused + g.refused, f.unknown + g.unknown}
}

// partition is one account and product.
type partition struct {
	account, product string

	mu       sync.Mutex
	licenses []string // by number
	// those that clients draw: not all of a large order, nor those that have ended, or they would
	// never meet
	hot     []int
	initial int // how many licenses were there at the beginning
	history []porcupine.Operation
	refused int
	unknown int
}

// number is a license's number; a new one is given to a license that was never met.
func (p *partition) number(id string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.licenses, id); i >= 0 {
		return i
	}
	p.licenses = append(p.licenses, id)
	return len(p.licenses) - 1
}

// any draws a license.
func (p *partition) any(random *rand.Rand) (number int, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	number = p.hot[random.IntN(len(p.hot))]
	return number, p.licenses[number]
}

// record keeps what a client was told.
func (p *partition) record(op porcupine.Operation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.history = append(p.history, op)
	told := op.Output.(response) //nolint:errcheck // it is made here
	switch {
	case told.unknown:
		p.unknown++
	case told.refusal != "":
		p.refused++
	case told.status == "terminated" && len(p.hot) > 1:
		p.hot = slices.DeleteFunc(p.hot, func(n int) bool { return n == told.license })
	}
	p.hot = append(p.hot, told.added[:min(len(told.added), 2)]...)
}

// moments is the clock of a round: it orders what was sent before something else was answered.
type moments struct{ atomic.Int64 }

// play has clients send requests about all products of two accounts, and judges what they were
// told.
func play(t *testing.T, r *runnerprocess.Runner, name string, round uint64) figures {
	t.Helper()
	var partitions []*partition
	for _, account := range []string{"a-" + name, "b-" + name} {
		partitions = append(partitions, open(t, r, account)...)
	}
	var (
		clock moments
		all   sync.WaitGroup
		mu    sync.Mutex
		fault error
	)
	for n := range clients {
		p := partitions[n%len(partitions)]
		c := newCaller(t, r, p, &clock, rand.New(rand.NewPCG(*seed<<16|round, uint64(n))))
		all.Go(func() {
			for i := range calls {
				err := c.once(n == 0 && round%2 == 1 && i == calls/2)
				if err != nil {
					mu.Lock()
					fault = errors.Join(fault, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	all.Wait()
	if fault != nil {
		t.Fatal(fault)
	}
	done := figures{histories: len(partitions)}
	for _, p := range partitions {
		initial := strings.Repeat(string(rune(free)), p.initial) +
			strings.Repeat(string(rune(absent)), len(p.licenses)-p.initial)
		if result := judge(initial, p.history); result != porcupine.Ok {
			slices.SortFunc(p.history, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
			for _, op := range p.history {
				t.Logf("%5d %5d  %+v: %v", op.Call, op.Return, op.Input, op.Output)
			}
			t.Fatalf("round %d, %s of %s, beginning with %s: porcupine says %s", round, p.product, p.account,
				initial, result)
		}
		done.requests, done.refused, done.unknown = done.requests+len(
			p.history,
		), done.refused+p.refused, done.unknown+p.unknown
	}
	return done
}

// open makes an account with users and a few licenses of each product.
func open(t *testing.T, r *runnerprocess.Runner, account string) []*partition {
	t.Helper()
	at := "/v1/accounts/" + account
	must := func(c *runnerprocess.Client, method, path string, body any, status int) []byte {
		t.Helper()
		a, err := c.Send(t.Context(), method, path, body, nil)
		if err != nil || a.Status != status {
			t.Fatalf("%s %s: %d %s, %v", method, path, a.Status, a.Body, err)
		}
		return a.Body
	}
	operator, admin := runnerprocess.NewClient(r.API), runnerprocess.NewClient(r.API)
	if err := operator.Login(t.Context(), "provider", "olga", "accounts.manage"); err != nil {
		t.Fatal(err)
	}
	settings := map[string]any{
		"name":       account,
		"brand":      "RingCentral",
		"currency":   "USD",
		"timezone":   "America/New_York",
		"billingDay": 1,
		"bundle":     "standard",
	}
	must(operator, http.MethodPut, at, settings, http.StatusCreated)
	login(t, admin, account)
	must(admin, http.MethodPut, at+"/cost-centers/CC-1", map[string]any{"name": "One"}, http.StatusCreated)
	for user := range people {
		must(admin, http.MethodPut, at+"/users/"+userID(user), map[string]any{"name": userID(user)}, http.StatusCreated)
	}
	var partitions []*partition
	for _, product := range products {
		p := &partition{account: account, product: product}
		c := &caller{Client: admin, t: t, p: p, at: at, clock: &moments{}}
		if _, err := c.order(supplied); err != nil {
			t.Fatal(err)
		}
		p.initial = len(p.licenses)
		for n := range p.licenses {
			p.hot = append(p.hot, n)
		}
		partitions = append(partitions, p)
	}
	return partitions
}

func login(t *testing.T, c *runnerprocess.Client, account string) {
	t.Helper()
	err := c.Login(t.Context(), account, "ada", "billing.read", "billing.purchase", "licenses.read",
		"licenses.manage", "directory.manage")
	if err != nil {
		t.Fatal(err)
	}
}

func userID(n int) string { return "user-" + strconv.Itoa(n) }

// caller is one client: it sends one request after the other.
type caller struct {
	*runnerprocess.Client

	t      *testing.T
	p      *partition
	at     string // the path of the account
	clock  *moments
	random *rand.Rand
}

func newCaller(t *testing.T, r *runnerprocess.Runner, p *partition, clock *moments, random *rand.Rand) *caller {
	t.Helper()
	c := &caller{
		Client: runnerprocess.NewClient(r.API),
		t:      t,
		p:      p,
		at:     "/v1/accounts/" + p.account,
		clock:  clock,
		random: random,
	}
	login(t, c.Client, p.account)
	return c
}

// once sends a request that it draws, or a large order, and records it with its answer.
func (c *caller) once(large bool) error {
	license, id := c.p.any(c.random)
	user := c.random.IntN(people)
	q := request{verb: assign, license: license, user: user}
	switch n := c.random.IntN(100); {
	case large:
		q = request{buy, nothing, nobody}
	case n < 14:
	case n < 34:
		q = request{pick, nothing, user}
	case n < 46:
		q = request{unassign, license, nobody}
	case n < 54:
		q = request{remove, nothing, user}
	case n < 66:
		q.verb = reassign
	case n < 71:
		q = request{terminate, license, nobody}
	case n < 75:
		q = request{buy, nothing, nobody}
	case n < 89:
		q = request{summary, nothing, nobody}
	default:
		q = request{getLicense, license, nobody}
	}
	var op porcupine.Operation
	var err error
	switch {
	case large:
		op, err = c.order(largeOrder)
	case q.verb == buy:
		op, err = c.order(1 + c.random.IntN(2))
	default:
		op, err = c.ask(q, id)
	}
	if err != nil {
		return fmt.Errorf("%+v: %w", q, err)
	}
	told := op.Output.(response) //nolint:errcheck // it is made here
	if told.unknown {
		op = unknown(op.Call, q)
	}
	c.p.record(op)
	return nil
}

// ask sends a request about one license or user and reads its answer.
func (c *caller) ask(q request, id string) (porcupine.Operation, error) {
	method, path, body := http.MethodPost, c.at+"/licenses/"+id+"/"+string(q.verb), any(nil)
	switch q.verb {
	case assign, reassign:
		body = map[string]any{"userId": userID(q.user)}
	case pick, remove:
		path = c.at + "/assignments"
		if q.verb == remove {
			path += "/remove"
		}
		body = map[string]any{"items": []any{map[string]any{"productId": c.p.product, "userId": userID(q.user)}}}
	case summary:
		method, path = http.MethodGet, c.at+"/licenses/summary"
	case getLicense:
		method, path = http.MethodGet, c.at+"/licenses/"+id
	default:
	}
	op := porcupine.Operation{Input: q, Call: c.clock.Add(1)}
	a, err := c.Send(c.t.Context(), method, path, body, nil)
	op.Return = c.clock.Add(1)
	if err != nil {
		return op, err // nothing here takes the runner away
	}
	op.Output, err = c.read(q, a)
	return op, err
}

// license is a license as far as histories go.
type license struct {
	ID, Status, UserID string
}

// read understands an answer; what the API does not promise is an error.
func (c *caller) read(q request, a runnerprocess.Answer) (response, error) {
	var got struct {
		license

		Type  string
		Items []struct {
			ProductID string
			seats
		}
		Results []struct {
			Status  string
			License *license
			Problem *struct{ Type string }
		}
	}
	if a.Status >= http.StatusInternalServerError {
		return response{unknown: true}, nil
	}
	const problem = "urn:seatwise:problem:"
	if a.Status != http.StatusOK {
		var refused struct{ Type string }
		err := json.Unmarshal(a.Body, &refused)
		return response{refusal: strings.TrimPrefix(refused.Type, problem)}, err
	}
	if err := json.Unmarshal(a.Body, &got); err != nil {
		return response{}, fmt.Errorf("%s: %w", a.Body, err)
	}
	told := response{license: nothing, user: nobody}
	switch q.verb {
	case summary:
		for _, item := range got.Items {
			if item.ProductID == c.p.product {
				told.seats = item.seats
			}
		}
		return told, nil
	case pick, remove:
		if len(got.Results) != 1 {
			return response{}, fmt.Errorf("%d results: %s", len(got.Results), a.Body)
		}
		result := got.Results[0]
		if result.Problem != nil {
			return response{refusal: strings.TrimPrefix(result.Problem.Type, problem)}, nil
		}
		if result.License == nil {
			return told, nil
		}
		got.license = *result.License
	default:
	}
	told.license, told.status = c.p.number(got.ID), got.Status
	if got.UserID != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(got.UserID, "user-"))
		if err != nil {
			return response{}, fmt.Errorf("a stranger holds a license: %s", a.Body)
		}
		told.user = n
	}
	return told, nil
}

// order buys licenses. An outcome that is not known at once is asked for again under its key, so
// that it is known in the end: whose licenses are whose could not be told otherwise.
func (c *caller) order(quantity int) (porcupine.Operation, error) {
	op := porcupine.Operation{Input: request{buy, nothing, nobody}}
	lines := []any{map[string]any{"productId": c.p.product, "quantity": quantity, "costCenter": "CC-1"}}
	a, err := c.Send(c.t.Context(), http.MethodPost, c.at+"/quotes", map[string]any{"lines": lines}, nil)
	var made struct{ ID string }
	if err != nil || a.Status != http.StatusCreated || json.Unmarshal(a.Body, &made) != nil {
		return op, fmt.Errorf("quote: %d %s, %w", a.Status, a.Body, err)
	}
	body, key := map[string]any{"quoteId": made.ID, "acknowledged": true}, map[string]string{"Idempotency-Key": made.ID}
	op.Call = c.clock.Add(1)
	for try := 1; ; try++ {
		a, err = c.Send(c.t.Context(), http.MethodPost, c.at+"/orders", body, key)
		op.Return = c.clock.Add(1)
		if err != nil || a.Status == http.StatusCreated {
			break
		}
		if a.Status < http.StatusInternalServerError || try == orderTries {
			return op, fmt.Errorf("order: %d %s", a.Status, a.Body)
		}
	}
	if err != nil || json.Unmarshal(a.Body, &made) != nil {
		return op, fmt.Errorf("order: %s, %w", a.Body, err)
	}
	told := response{license: nothing, user: nobody}
	a, err = c.Send(c.t.Context(), http.MethodGet, c.at+"/licenses?limit=200&order="+made.ID, nil, nil)
	var listed struct{ Items []license }
	if err != nil || a.Status != http.StatusOK || json.Unmarshal(a.Body, &listed) != nil ||
		len(listed.Items) != quantity {
		return op, fmt.Errorf("the order's licenses: %d %s, %w", a.Status, a.Body, err)
	}
	for _, l := range listed.Items {
		told.added = append(told.added, c.p.number(l.ID))
	}
	op.Output = told
	return op, nil
}
