package purchase_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seatwise/infra/testing/dynamostore"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/craft/money"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/plan"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/policy"
	"seatwise/shared/purchase"
)

const product = "live-reports"

// bidder is an account in which policies buy.
type bidder struct {
	*fixtures.Fixture
	t      *testing.T
	kernel *license.Service
	people *directory.Service
	api    http.Handler
}

func openBidder(t *testing.T, f *fixtures.Fixture) *bidder {
	t.Helper()
	s := &bidder{Fixture: f, t: t, kernel: purchase.Supplied(license.NewService(catalog.Default()))}
	s.people = directory.NewService(s.Env, s.kernel)
	s.api = api.Serve(
		s.Env, policy.NewService(s.kernel.Products()).Routes, purchase.NewService(s.Env, s.kernel).Routes,
		purchase.Foresight, s.people.Routes,
	).HTTP
	s.must(s.ask(http.MethodPut, "/cost-centers/CC", object{"name": "Center"}, auth.BillingPurchase), 201)
	return s
}

type object = map[string]any

// ask sends what bea asks for; who only reads is somebody else.
func (s *bidder) ask(method, path string, body any, may ...auth.Permission) fixtures.Response {
	s.t.Helper()
	user := "bea"
	if method == http.MethodGet {
		user = "rae"
	}
	return s.Do(s.t, s.api, fixtures.Request{
		Method: method, Path: "/v1/accounts/" + s.Account + path, Body: body, User: user, Permissions: may,
	})
}

func (s *bidder) must(r fixtures.Response, status int) fixtures.Response {
	s.t.Helper()
	if r.Status != status {
		s.t.Fatalf("%d %s", r.Status, r.Body)
	}
	return r
}

// price is what a seat costs a month, in cents.
func (s *bidder) price() int64 {
	p, err := catalog.Default().Price(product, "USD")
	if err != nil {
		s.t.Fatal(err)
	}
	return p.Minor
}

func dollars(cents int64) object { return object{"amount": cents, "currency": "USD"} }

// allow sets the policy, with these maxima.
func (s *bidder) allow(most object) {
	s.t.Helper()
	buy := object{"enabled": true, "costCenter": "CC", "acknowledgedPrice": dollars(s.price())}
	for name, value := range most {
		buy[name] = value
	}
	r := s.ask(http.MethodPut, "/policies/"+product, object{"autoPurchase": buy}, auth.BillingPurchase)
	if r.Status != 200 && r.Status != 201 {
		s.t.Fatalf("policy: %d %s", r.Status, r.Body)
	}
}

func (s *bidder) person(id string) {
	s.t.Helper()
	s.user(id)
}

// queue grants the product to somebody by a queue, as joining it does.
func (s *bidder) queue(c *call.Call, user string) error {
	return call.Decide(s.t.Context(), func(ctx context.Context) error {
		u := s.kernel.Change(c)
		if _, err := u.Load(ctx, license.Need{Users: []string{user}, Seats: map[string]int{product: 1}}); err != nil {
			return err
		}
		if err := u.Grant(ctx, user, product, "queue:detroit"); err != nil {
			return err
		}
		return u.Commit(ctx, call.Answer{})
	})
}

// counts are bought, assigned and waiting.
func (s *bidder) counts() [3]int64 {
	s.t.Helper()
	rows, err := inventory.NewService(catalog.Default()).Summary(s.t.Context(), s.Call("ada"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, row := range rows {
		if row.ProductID == product {
			return [3]int64{row.Bought, row.Assigned, row.Waiting}
		}
	}
	return [3]int64{}
}

func (s *bidder) want(bought, assigned, waiting int64) {
	s.t.Helper()
	if got, want := s.counts(), [3]int64{bought, assigned, waiting}; got != want {
		s.t.Errorf("bought, assigned, waiting: %v, want %v", got, want)
	}
}

func (s *bidder) orders() []purchase.Order {
	s.t.Helper()
	r := s.must(s.ask(http.MethodGet, "/orders?limit=200", nil, auth.BillingRead), 200)
	return fixtures.Decode[api.List[purchase.Order]](s.t, r, 200).Items
}

// A grant that would wait has a seat bought, and the order says by which policy, for whom and why, and
// leads back to who began it (requirements, section 12).
func TestAPolicyBuysForWhoWouldWait(t *testing.T) {
	s := openBidder(t, fixtures.New(t))
	s.allow(object{"maxSeats": 2})
	for _, user := range []string{"ann", "bob", "cid"} {
		s.person(user)
		if err := s.queue(s.Call("ada"), user); err != nil {
			t.Fatal(err)
		}
	}
	s.want(2, 2, 1)
	orders := s.orders()
	if len(orders) != 2 {
		t.Fatalf("%d orders, want 2", len(orders))
	}
	o := orders[1]
	price, _ := catalog.Default().Price(product, "USD")
	want := &purchase.OrderPolicy{
		ProductID: product, AcknowledgedBy: "bea", AcknowledgedPrice: price,
		For: []purchase.BoughtFor{{UserID: "ann", Grants: []string{"queue:detroit"}, Since: &fixtures.Start}},
	}
	if diff := cmp.Diff(want, o.Policy); diff != "" {
		t.Errorf("the order's policy: %s", diff)
	}
	if o.PlacedBy != "bea" || o.State != purchase.OrderPlaced || o.LicenseCount != 1 || o.QuoteID != "" ||
		o.Recurring != price || o.DueToday.Minor == 0 || o.Acknowledgement != purchase.PolicyAcknowledgementText {
		t.Errorf("the order: %+v", o)
	}
	if diff := cmp.Diff([]purchase.NamedCostCenter{{Code: "CC", Name: "Center"}}, o.Names.CostCenters); diff != "" {
		t.Errorf("the order's names: %s", diff)
	}
	found := false
	partition := call.Partition(s.Account, "AUDIT", "order", o.ID)
	err := table.All(t.Context(), s.Env.Table, table.Query{Partition: partition}, func(item table.Item) error {
		r, err := call.Decode[call.AuditRecord](item)
		found = r.Action == "order.placed" && r.Actor == "policy" && r.Reason == "policy:"+product &&
			r.Cause != nil && r.Cause.Actor == "ada"
		return err
	})
	if err != nil || !found {
		t.Errorf("the order's audit entry: %v, %v", found, err)
	}
}

// What is assigned by hand is refused as before: nothing is bought for it.
func TestAPolicyBuysNothingForADirectAssignment(t *testing.T) {
	s := openBidder(t, fixtures.New(t))
	s.allow(object{"maxSeats": 5})
	s.person("ann")
	_, err := s.kernel.AssignProduct(t.Context(), s.Call("ada"), product, "ann", "")
	if !problem.Is(err, problem.NotEnoughLicenses) {
		t.Errorf("assigned: %v", err)
	}
	s.want(0, 0, 0)
}

// A maximum in money and one in seats both hold, each billing period alone; a smaller one than what
// was bought already buys nothing more, a larger one goes on.
func TestMaximaOfABillingPeriod(t *testing.T) {
	seat, err := catalog.Default().Price(product, "USD")
	if err != nil {
		t.Fatal(err)
	}
	price := seat.Minor
	for name, c := range map[string]struct {
		most object
		buys int64
	}{
		"seats":         {object{"maxSeats": 3}, 3},
		"money":         {object{"maxAmount": dollars(3*price - 1)}, 2},
		"the lower one": {object{"maxSeats": 3, "maxAmount": dollars(price)}, 1},
		"too little":    {object{"maxAmount": dollars(1)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := openBidder(t, fixtures.New(t))
			s.allow(c.most)
			for i := range 5 {
				user := "user" + strconv.Itoa(i)
				s.person(user)
				if err := s.queue(s.Call("ada"), user); err != nil {
					t.Fatal(err)
				}
			}
			s.want(c.buys, c.buys, 5-c.buys)
			s.Clock.Set(time.Date(2026, time.August, 1, 5, 0, 0, 0, time.UTC)) // the next period, in New York
			if err := s.kernel.DrainWaiting(t.Context(), s.Env, ""); err != nil {
				t.Fatal(err)
			}
			next := min(2*c.buys, 5)
			s.want(next, next, 5-next)
			s.allow(object{"maxSeats": 9})
			if err := s.kernel.DrainWaiting(t.Context(), s.Env, ""); err != nil {
				t.Fatal(err)
			}
			s.want(5, 5, 0)
		})
	}
}

// A policy buys nothing while it is suspended: another price was acknowledged, who acknowledged has lost
// the permission or is deactivated, or the cost center is gone. GET says why (requirements, section
// 12).
func TestSuspendedPolicies(t *testing.T) {
	for name, c := range map[string]struct {
		suspend func(s *bidder)
		reason  policy.Reason
	}{
		"another price": {func(s *bidder) {
			s.allow(object{"maxSeats": 5, "acknowledgedPrice": dollars(s.price() + 1)})
		}, policy.PriceChanged},
		"who had it by a role": {func(s *bidder) {
			s.role("buys", auth.BillingPurchase)
			s.user("bea", "buys")
			s.allow(object{"maxSeats": 6})
			s.user("bea")
		}, policy.PermissionLost},
		"whose role lost it": {func(s *bidder) {
			s.role("buys", auth.BillingPurchase)
			s.user("bea", "buys")
			s.allow(object{"maxSeats": 6})
			s.role("buys", auth.BillingRead)
		}, policy.PermissionLost},
		"who is deactivated": {func(s *bidder) {
			inactive := directory.User{ID: "bea", Name: "Bea"}
			if _, err := s.people.PutUser(s.t.Context(), s.Call("ada"), inactive); err != nil {
				s.t.Fatal(err)
			}
		}, policy.PermissionLost},
		"without its cost center": {func(s *bidder) {
			s.must(s.ask(http.MethodDelete, "/cost-centers/CC", nil, auth.BillingPurchase), 204)
		}, policy.CostCenterGone},
		"by whose token alone it is": {func(s *bidder) { s.user("bea") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := openBidder(t, fixtures.New(t))
			s.allow(object{"maxSeats": 5})
			s.person("ann")
			c.suspend(s)
			r := s.must(s.ask(http.MethodGet, "/policies/"+product, nil, auth.BillingRead), 200)
			p := fixtures.Decode[policy.Policy](t, r, 200)
			if c.reason == "" != (p.Suspended == nil) || p.Suspended != nil && p.Suspended.Reason != c.reason {
				t.Errorf("suspended: %+v, want %q", p.Suspended, c.reason)
			}
			if err := s.queue(s.Call("ada"), "ann"); err != nil {
				t.Fatal(err)
			}
			if want := (c.reason == ""); (s.counts()[0] == 1) != want {
				t.Errorf("bought %v", s.counts())
			}
		})
	}
}

func (s *bidder) role(id string, may ...auth.Permission) {
	s.t.Helper()
	r := s.ask(http.MethodPut, "/roles/"+id, object{"name": id, "permissions": may},
		auth.DirectoryManage, auth.BillingPurchase, auth.BillingRead)
	if r.Status/100 != 2 {
		s.t.Fatalf("role: %d %s", r.Status, r.Body)
	}
}

func (s *bidder) user(id string, roles ...string) {
	s.t.Helper()
	u := directory.User{ID: id, Name: id, Active: true, RoleIDs: roles}
	if _, err := s.people.PutUser(s.t.Context(), s.Call("ada"), u); err != nil {
		s.t.Fatal(err)
	}
}

// Who may buy acknowledges again what somebody acknowledged who has lost the permission, by saving it
// as it is; a change of something else acknowledges nothing (requirements, section 12).
func TestAcknowledgedAgainBySavingItAsItIs(t *testing.T) {
	s := openBidder(t, fixtures.New(t))
	s.role("buys", auth.BillingPurchase)
	s.user("bea", "buys")
	s.allow(object{"maxSeats": 5})
	s.user("bea")
	s.person("ann")
	path := "/policies/" + product
	as := func(method string, body any) policy.Policy {
		t.Helper()
		r := s.Do(t, s.api, fixtures.Request{
			Method: method, Path: "/v1/accounts/" + s.Account + path, Body: body, User: "cal",
			Permissions: []auth.Permission{auth.BillingPurchase, auth.BillingRead},
		})
		return fixtures.Decode[policy.Policy](t, r, 200)
	}
	for range 2 { // a change, and none
		if p := as(http.MethodPatch, object{"lowSeats": 4}); p.Suspended == nil || p.AcknowledgedBy != "bea" {
			t.Errorf("after another change: %+v", p)
		}
	}
	read := s.must(s.ask(http.MethodGet, path, nil, auth.BillingRead), 200)
	if p := as(http.MethodPut, fixtures.Decode[object](t, read, 200)); p.Suspended != nil || p.AcknowledgedBy != "cal" {
		t.Errorf("saved: %+v", p)
	}
	if err := s.queue(s.Call("ada"), "ann"); err != nil {
		t.Fatal(err)
	}
	s.want(1, 1, 0)
	entries := 0
	partition := call.Partition(s.Account, "AUDIT", "policy", product)
	err := table.All(t.Context(), s.Env.Table, table.Query{Partition: partition}, func(item table.Item) error {
		r, err := call.Decode[call.AuditRecord](item)
		if r.Action == "policy.acknowledged" && r.Actor == "cal" {
			entries++
		}
		return err
	})
	if err != nil || entries != 1 {
		t.Errorf("%d audit entries of it: %v", entries, err)
	}
	before := s.must(s.ask(http.MethodGet, path, nil, auth.BillingRead), 200)
	as(http.MethodPatch, object{"autoPurchase": object{"enabled": true}})
	after := s.must(s.ask(http.MethodGet, path, nil, auth.BillingRead), 200)
	if string(before.Body) != string(after.Body) {
		t.Errorf("acknowledged once more: %s, then %s", before.Body, after.Body)
	}
}

// What GET says was bought is what the maximum is held against: it grows with each order, and each
// billing period begins with nothing (requirements, section 12).
func TestWhatAPolicyHasBoughtIsToldBesideItsMaximum(t *testing.T) {
	s := openBidder(t, fixtures.New(t))
	price := s.price()
	s.allow(object{"maxSeats": 3, "maxAmount": dollars(2*price + 1)})
	want := func(from string, seats, left int64) {
		t.Helper()
		used := policy.Used{From: from, Seats: seats, Amount: money.Of(seats*price, "USD"), Left: left}
		one := s.must(s.ask(http.MethodGet, "/policies/"+product, nil, auth.BillingRead), 200)
		list := s.must(s.ask(http.MethodGet, "/policies", nil, auth.BillingRead), 200)
		all := fixtures.Decode[api.List[policy.Policy]](t, list, 200).Items
		for _, got := range []*policy.Used{fixtures.Decode[policy.Policy](t, one, 200).Used, all[0].Used} {
			if got == nil || *got != used {
				t.Errorf("used %+v, want %+v", got, used)
			}
		}
	}
	want("2026-07-01", 0, 2)
	for i, left := range []int64{1, 0, 0} {
		user := "user" + strconv.Itoa(i)
		s.person(user)
		if err := s.queue(s.Call("ada"), user); err != nil {
			t.Fatal(err)
		}
		want("2026-07-01", min(int64(i)+1, 2), left)
	}
	s.want(2, 2, 1)
	s.allow(object{"enabled": false, "maxSeats": 5})
	want("2026-07-01", 2, 3)
	s.must(s.ask(http.MethodDelete, "/policies/"+product, nil, auth.BillingPurchase), 204)
	s.allow(object{"maxSeats": 3})
	want("2026-07-01", 2, 1)                                           // what was bought before counts on
	s.Clock.Set(time.Date(2026, time.August, 1, 5, 0, 0, 0, time.UTC)) // the next period, in New York
	want("2026-08-01", 0, 3)
}

// With 64 grants at once not one seat is bought over the maximum, and not one more than is missing, on
// both adapters (requirements, section 12).
func TestManyGrantsAtOnceStayWithinTheMaximum(t *testing.T) {
	const callers = 64
	for adapter, open := range map[string]func(t *testing.T) *fixtures.Fixture{
		"bolt":   func(t *testing.T) *fixtures.Fixture { return fixtures.New(t) },
		"dynamo": func(t *testing.T) *fixtures.Fixture { return fixtures.On(t, dynamostore.Open(t)) },
	} {
		for _, most := range []int64{10, 45, 100} {
			t.Run(fmt.Sprint(adapter, most), func(t *testing.T) {
				if adapter == "bolt" {
					t.Parallel() // one database for all would let commits wait too long
				}
				s := openBidder(t, open(t))
				s.allow(object{"maxSeats": most})
				calls := make([]*call.Call, callers)
				for i := range callers {
					s.person("user" + strconv.Itoa(i))
					calls[i] = s.Call("ada")
				}
				errs := make([]error, callers)
				var all sync.WaitGroup
				for i := range callers {
					all.Go(func() { errs[i] = s.queue(calls[i], "user"+strconv.Itoa(i)) })
				}
				all.Wait()
				for i, err := range errs {
					if err != nil {
						t.Errorf("grant %d: %v", i, err)
					}
				}
				if err := s.kernel.DrainWaiting(t.Context(), s.Env, ""); err != nil {
					t.Fatal(err)
				}
				buys := min(most, callers)
				s.want(buys, buys, callers-buys)
				for _, o := range s.orders() {
					if o.Policy == nil || len(o.Policy.For) != o.LicenseCount {
						t.Errorf("order of %d licenses for %+v", o.LicenseCount, o.Policy)
					}
				}
			})
		}
	}
}

// A dry run of what would make somebody wait tells what would be bought, by the code that buys it, and
// buys nothing (requirements, section 12).
func TestADryRunTellsWhatWouldBeBought(t *testing.T) {
	s := openBidder(t, fixtures.New(t))
	s.allow(object{"maxSeats": 1})
	for _, user := range []string{"ann", "bob"} {
		s.person(user)
	}
	may := []auth.Permission{auth.DirectoryManage, auth.LiveReportsFull}
	s.must(s.ask(http.MethodPut, "/call-queues/q", object{"name": "Q", "members": []string{"ann", "bob"}}, may...), 201)
	path, body := "/dashboards/d", object{"name": "D", "queueIds": []string{"q"}}
	r := s.must(s.ask(http.MethodPut, path+"?dryRun=true", body, may...), 200)
	got := fixtures.Decode[struct {
		Effects plan.Effects `json:"effects"`
	}](t, r, 200).Effects
	price, _ := catalog.Default().Price(product, "USD")
	if len(got.Seats) != 1 || got.Seats[0].Bought != (plan.Pair{0, 1}) || got.Seats[0].Waiting != (plan.Pair{0, 1}) ||
		got.Money.Recurring != price || got.Money.DueToday.Minor == 0 {
		t.Errorf("effects: %s", r.Body)
	}
	s.want(0, 0, 0)
	s.must(s.ask(http.MethodPut, path, body, may...), 201)
	s.want(1, 1, 1)
}

// Who is given a seat while an order is decided is bought none: the commit demands that they wait.
func TestNothingIsBoughtForWhoWasServedMeanwhile(t *testing.T) {
	s := openBidder(t, fixtures.New(t))
	s.person("ann")
	if err := s.queue(s.Call("ada"), "ann"); err != nil { // before there is a policy
		t.Fatal(err)
	}
	s.allow(object{"maxSeats": 5})
	looks := 0
	find := func(ctx context.Context, costCenter string, most int) (list []purchase.Missing, err error) {
		short, err := s.kernel.Short(ctx, s.Call("ada"), product, costCenter, most)
		for _, one := range short {
			list = append(list, purchase.Missing{
				BoughtFor: purchase.BoughtFor{UserID: one.UserID}, Cause: one.Cause, Lacks: one.Waits,
			})
		}
		if looks++; looks > 1 || err != nil {
			return list, err
		}
		return list, s.kernel.Deliver(ctx, s.Call("ada"), license.Delivery{
			OrderID: s.Env.IDs.Ordered(), Lots: []license.Lot{{ProductID: product, CostCenter: "CC", Quantity: 1}},
		})
	}
	bought, err := purchase.NewBuyer(s.kernel).Buy(t.Context(), s.Call("ada"), product, find)
	if err != nil || bought != 0 || looks != 2 {
		t.Errorf("bought %d in %d looks: %v", bought, looks, err)
	}
	s.want(1, 1, 0)
}
