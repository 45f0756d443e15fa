package request_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/table/faulty"
	"seatwise/shared/request"
)

type object = map[string]any

// desk is an account where people ask for products: ann and bob are in it, and eve approves.
type desk struct {
	*fixtures.Fixture
	api      http.Handler
	kernel   *license.Service
	people   *directory.Service
	requests *request.Service
}

func open(t *testing.T) *desk {
	t.Helper()
	d := &desk{Fixture: fixtures.New(t), kernel: license.NewService(catalog.Default())}
	d.people, d.requests = directory.NewService(d.Env, d.kernel), request.NewService(d.Env, d.kernel)
	d.api = api.Serve(d.Env, d.requests.Routes).HTTP
	for _, id := range []string{"ann", "bob", "eve"} {
		d.user(t, directory.User{ID: id, Name: id, Active: true})
	}
	return d
}

func (d *desk) user(t *testing.T, u directory.User) {
	t.Helper()
	if _, err := d.people.PutUser(t.Context(), d.Call("op"), u); err != nil {
		t.Fatal(err)
	}
}

// buy adds seats of a product.
func (d *desk) buy(t *testing.T, product string, n int) {
	t.Helper()
	lots := []license.Lot{{ProductID: product, CostCenter: "CC-1", Quantity: n}}
	if err := d.kernel.Deliver(t.Context(), d.Call("op"), license.Delivery{
		OrderID: d.Env.IDs.Ordered(), Lots: lots,
	}); err != nil {
		t.Fatal(err)
	}
}

// as sends a request of somebody with these permissions.
func (d *desk) as(
	t *testing.T, user, method, path string, body any, may ...auth.Permission,
) fixtures.Response {
	t.Helper()
	return d.Do(t, d.api, fixtures.Request{
		Method: method, Path: "/v1/accounts/" + d.Account + path, Body: body, User: user, Permissions: may,
	})
}

func (d *desk) ask(t *testing.T, user, product string) request.Request {
	t.Helper()
	r := d.as(t, user, http.MethodPost, "/requests", object{"productId": product, "reason": "I answer calls"})
	return fixtures.Decode[request.Request](t, r, http.StatusCreated)
}

func (d *desk) decide(t *testing.T, id, what string) fixtures.Response {
	t.Helper()
	return d.as(t, "eve", http.MethodPost, "/requests/"+id+"/"+what, nil, auth.LicensesManage)
}

func (d *desk) read(t *testing.T, id string) request.Request {
	t.Helper()
	return fixtures.Decode[request.Request](t,
		d.as(t, "eve", http.MethodGet, "/requests/"+id, nil, auth.LicensesRead), http.StatusOK)
}

// assigned is how many of the product are assigned.
func (d *desk) assigned(t *testing.T, product string) int64 {
	t.Helper()
	rows, err := inventory.NewService(catalog.Default()).Summary(t.Context(), d.Call("op"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.ProductID == product {
			return row.Assigned
		}
	}
	return 0
}

// Everybody may know what can be asked for, by name and in pages, and not what it costs; what devices
// hold is not among it.
func TestEverybodyMayKnowWhatCanBeAskedFor(t *testing.T) {
	d := open(t)
	type page struct {
		Items      []object `json:"items"`
		NextCursor string   `json:"nextCursor"`
	}
	fields := map[string]int{"seat": 4, "base": 4, "metered": 4, "addOn": 5} // and what it hangs on
	var seen []string
	for path := "/requests/products?limit=7"; path != ""; {
		p := fixtures.Decode[page](t, d.as(t, "ann", http.MethodGet, path, nil), http.StatusOK)
		for _, item := range p.Items {
			held, is := item["held"].(bool)
			if len(item) != fields[fmt.Sprint(item["kind"])] || item["name"] == "" || held || !is {
				t.Errorf("%v", item)
			}
			seen = append(seen, fmt.Sprint(item["id"]))
		}
		path = ""
		if p.NextCursor != "" {
			path = "/requests/products?limit=7&cursor=" + p.NextCursor
		}
	}
	var want []string
	for p := range catalog.Default().All() {
		if len(p.Devices) == 0 {
			want = append(want, p.ID)
		}
	}
	if !slices.Equal(seen, want) || slices.Contains(seen, "wallboard") {
		t.Errorf("%v, want %v", seen, want)
	}

	d.buy(t, "live-reports", 1)
	d.decide(t, d.ask(t, "ann", "live-reports").ID, "approve")
	for user, has := range map[string]string{"ann": "live-reports", "bob": "", "operator": ""} {
		p := fixtures.Decode[page](t, d.as(t, user, http.MethodGet, "/requests/products?limit=200", nil), http.StatusOK)
		var held string
		for _, item := range p.Items {
			if has, _ := item["held"].(bool); has {
				held += fmt.Sprint(item["id"])
			}
		}
		if held != has {
			t.Errorf("%s has %q, want %q", user, held, has)
		}
	}
}

// An approval gives a free seat in the same commit (requirements, section 12).
func TestAnApprovalGivesAFreeSeat(t *testing.T) {
	for _, product := range []string{"live-reports", "phone-system", "essential-user"} {
		t.Run(product, func(t *testing.T) {
			d := open(t)
			if product != "essential-user" {
				d.buy(t, product, 1)
			}
			asked := d.ask(t, "ann", product)
			if asked.State != request.Open || asked.UserID != "ann" || asked.AskedBy != "ann" {
				t.Fatalf("asked: %+v", asked)
			}
			got := fixtures.Decode[request.Request](t, d.decide(t, asked.ID, "approve"), http.StatusOK)
			if got.State != request.Fulfilled || got.LicenseID == "" || got.DecidedBy != "eve" ||
				d.assigned(t, product) != 1 {
				t.Errorf("approved: %+v, %d assigned", got, d.assigned(t, product))
			}
			for _, what := range []string{"approve", "deny", "withdraw"} {
				fixtures.Problem(t, d.decide(t, asked.ID, what), http.StatusConflict, "wrong-state")
			}
		})
	}
}

// Without a free seat an approved request waits, and is served as soon as there is one, once,
// whatever dies meanwhile (requirements, section 12).
func TestAnApprovedRequestWaitsForASeat(t *testing.T) {
	d := open(t)
	first, second := d.ask(t, "ann", "live-reports"), d.ask(t, "bob", "live-reports")
	for _, r := range []request.Request{first, second} {
		got := fixtures.Decode[request.Request](t, d.decide(t, r.ID, "approve"), http.StatusOK)
		if got.State != request.Approved || got.LicenseID != "" {
			t.Fatalf("without a seat: %+v", got)
		}
		d.Clock.Add(1)
	}
	serve := func() error { return d.requests.ServeApproved(t.Context(), "") }
	if err := serve(); err != nil || d.read(t, first.ID).State != request.Approved {
		t.Fatalf("served from nothing: %v", err)
	}
	d.buy(t, "live-reports", 1)
	sound := d.Env.Table
	for _, fault := range []faulty.Fault{faulty.CrashBefore, faulty.CrashAfter} {
		d.Env.Table = faulty.New(sound, faulty.AtCommit(1, fault))
		if err := serve(); err == nil {
			t.Fatal("a crash went unnoticed")
		}
		d.Env.Table = sound
	}
	if err := serve(); err != nil {
		t.Fatal(err)
	}
	if got, other := d.read(t, first.ID), d.read(t, second.ID); got.State != request.Fulfilled ||
		got.LicenseID == "" || other.State != request.Approved || d.assigned(t, "live-reports") != 1 {
		t.Errorf("the first is %+v, the second %+v", got, other)
	}
	d.buy(t, "live-reports", 2)
	if err := serve(); err != nil || d.read(t, second.ID).State != request.Fulfilled ||
		d.assigned(t, "live-reports") != 2 {
		t.Errorf("%v, %+v", err, d.read(t, second.ID))
	}
}

// Who is gone is not waited for, and who may not hold the product keeps no other waiting.
func TestWhoCannotBeServedHoldsUpNobody(t *testing.T) {
	d := open(t)
	gone, away, last := d.ask(
		t,
		"ann",
		"live-reports",
	), d.ask(
		t,
		"bob",
		"live-reports",
	), d.ask(
		t,
		"eve",
		"live-reports",
	)
	for _, r := range []request.Request{gone, away, last} {
		if r := d.as(
			t,
			"mia",
			http.MethodPost,
			"/requests/"+r.ID+"/approve",
			nil,
			auth.LicensesManage,
		); r.Status != 200 {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
	}
	if err := d.people.DeleteUser(t.Context(), d.Call("op"), "ann"); err != nil {
		t.Fatal(err)
	}
	d.user(t, directory.User{ID: "bob", Name: "bob"})
	d.buy(t, "live-reports", 3)
	if err := d.requests.ServeApproved(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]request.State{
		gone.ID: request.Withdrawn, away.ID: request.Approved, last.ID: request.Fulfilled,
	} {
		if got := d.read(t, id); got.State != want {
			t.Errorf("%s is %s, want %s", got.UserID, got.State, want)
		}
	}
}

// Everybody asks for themselves, sees and withdraws what is theirs; an approver does so for others
// and never approves their own (requirements, section 9).
func TestWhoMayDoWhat(t *testing.T) {
	d := open(t)
	d.buy(t, "live-reports", 4)
	body := object{"productId": "live-reports", "userId": "bob", "reason": "He answers calls"}
	fixtures.Problem(t, d.as(t, "ann", http.MethodPost, "/requests", body), http.StatusForbidden, "forbidden")
	forBob := fixtures.Decode[request.Request](t,
		d.as(t, "eve", http.MethodPost, "/requests", body, auth.LicensesManage), http.StatusCreated)
	own := d.ask(t, "eve", "live-reports")
	ofAnn := d.ask(t, "ann", "live-reports")

	for _, id := range []string{own.ID, forBob.ID} {
		fixtures.Problem(t, d.decide(t, id, "approve"), http.StatusForbidden, "self-approval")
	}
	for _, what := range []string{"approve", "deny"} {
		path := "/requests/" + ofAnn.ID + "/" + what
		fixtures.Problem(t, d.as(t, "ann", http.MethodPost, path, nil), http.StatusForbidden, "forbidden")
	}
	for _, path := range []string{"", "/withdraw"} {
		method := http.MethodGet
		if path != "" {
			method = http.MethodPost
		}
		fixtures.Problem(t, d.as(t, "ann", method, "/requests/"+forBob.ID+path, nil), http.StatusNotFound, "not-found")
	}
	list := func(user, query string, may ...auth.Permission) string {
		r := d.as(t, user, http.MethodGet, "/requests"+query, nil, may...)
		var of []string
		for _, r := range fixtures.Decode[api.List[request.Request]](t, r, http.StatusOK).Items {
			of = append(of, r.UserID)
		}
		return fmt.Sprint(of)
	}
	for _, c := range []struct {
		got, want string
	}{
		{list("ann", ""), "[ann]"},
		{list("bob", ""), "[bob]"},
		{list("ann", "?user=bob"), "[]"},
		{list("zoe", "", auth.LicensesRead), "[ann eve bob]"},
		{list("zoe", "?user=bob&state=open", auth.LicensesRead), "[bob]"},
		{list("zoe", "?state=denied", auth.LicensesRead), "[]"},
		{list("zoe", "?product=developer", auth.LicensesRead), "[]"},
		{list("zoe", "?state=open&limit=1", auth.LicensesRead), "[ann]"},
	} {
		if c.got != c.want {
			t.Errorf("lists %s, want %s", c.got, c.want)
		}
	}
	fixtures.Problem(t, d.as(t, "ann", http.MethodGet, "/requests?product=nothing", nil), 422, "validation")
	withdrawn := fixtures.Decode[request.Request](t,
		d.as(t, "bob", http.MethodPost, "/requests/"+forBob.ID+"/withdraw", nil), http.StatusOK)
	if withdrawn.State != request.Withdrawn {
		t.Errorf("withdrawn: %+v", withdrawn)
	}
	note := object{"note": "Ask your lead first"}
	denied := fixtures.Decode[request.Request](t,
		d.as(t, "eve", http.MethodPost, "/requests/"+ofAnn.ID+"/deny", note, auth.LicensesManage), http.StatusOK)
	if denied.State != request.Denied || denied.Note != "Ask your lead first" {
		t.Errorf("denied: %+v", denied)
	}
	d.ask(t, "ann", "live-reports") // what has ended is in nobody's way
}

// What cannot be given is not asked for.
func TestWhatCannotBeAskedFor(t *testing.T) {
	d := open(t)
	d.user(t, directory.User{ID: "ida", Name: "ida"})
	d.ask(t, "bob", "developer")
	for name, c := range map[string]struct {
		body   object
		status int
		slug   string
	}{
		"unknown product": {object{"productId": "gold", "reason": "r"}, 422, "validation"},
		"of a device":     {object{"productId": "wallboard", "reason": "r"}, 422, "validation"},
		"no reason":       {object{"productId": "developer", "reason": ""}, 422, "validation"},
		"unseen":          {object{"productId": "developer", "reason": "a\u202eb"}, 422, "validation"},
		"unknown user":    {object{"productId": "developer", "reason": "r", "userId": "nobody"}, 422, "validation"},
		"inactive":        {object{"productId": "developer", "reason": "r", "userId": "ida"}, 409, "user-inactive"},
		"twice":           {object{"productId": "developer", "reason": "r", "userId": "bob"}, 409, "wrong-state"},
	} {
		t.Run(name, func(t *testing.T) {
			r := d.as(t, "eve", http.MethodPost, "/requests", c.body, auth.LicensesManage)
			fixtures.Problem(t, r, c.status, c.slug)
		})
	}
	d.buy(t, "developer", 1)
	asked := d.ask(t, "ann", "developer")
	d.decide(t, asked.ID, "approve")
	again := object{"productId": "developer", "reason": "r"}
	fixtures.Problem(t, d.as(t, "ann", http.MethodPost, "/requests", again), 409, "user-already-licensed")
}

// A request ends once, however many decide at the same time.
func TestARequestEndsOnce(t *testing.T) {
	d := open(t)
	d.buy(t, "live-reports", 4)
	asked := d.ask(t, "ann", "live-reports")
	var all sync.WaitGroup
	statuses := make([]int, 12)
	for i := range statuses {
		all.Go(func() { statuses[i] = d.decide(t, asked.ID, []string{"approve", "deny", "withdraw"}[i%3]).Status })
	}
	all.Wait()
	well := 0
	for _, status := range statuses {
		if status == http.StatusOK {
			well++
		}
	}
	got := d.read(t, asked.ID)
	if well != 1 || (got.State == request.Fulfilled) != (d.assigned(t, "live-reports") == 1) {
		t.Errorf("%v, %s, %d assigned", statuses, got.State, d.assigned(t, "live-reports"))
	}
}

// A decision is made of what was read, and repeated under its key (contract, Writing).
func TestDecisionsAreVersionedAndRepeatable(t *testing.T) {
	d := open(t)
	d.buy(t, "live-reports", 1)
	asked := d.ask(t, "ann", "live-reports")
	send := func(header map[string]string) fixtures.Response {
		return d.Do(t, d.api, fixtures.Request{
			Method: http.MethodPost, Path: "/v1/accounts/" + d.Account + "/requests/" + asked.ID + "/approve",
			User: "eve", Permissions: []auth.Permission{auth.LicensesManage}, Header: header,
		})
	}
	fixtures.Problem(
		t,
		send(map[string]string{"If-Match": `"1"`}),
		http.StatusPreconditionFailed,
		"precondition-failed",
	)
	first := send(map[string]string{"Idempotency-Key": "k"})
	second := send(map[string]string{"Idempotency-Key": "k"})
	if first.Status != http.StatusOK || string(first.Body) != string(second.Body) ||
		second.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%d %s, then %d %s", first.Status, first.Body, second.Status, second.Body)
	}
}
