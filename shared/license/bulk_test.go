package license

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table/faulty"
)

// staff hires users u0, u1, ...
func (o *office) staff(n int) []string {
	o.t.Helper()
	users := make([]string, n)
	for i := range users {
		users[i] = fmt.Sprintf("u%d", i)
	}
	o.hire(users...)
	return users
}

func itemsFor(product string, users []string) []Item {
	items := make([]Item, len(users))
	for i, user := range users {
		items[i] = Item{ProductID: product, UserID: user}
	}
	return items
}

func TestBulkHasAResultForEachItem(t *testing.T) {
	o := open(t)
	o.buy("live-reports", 3, "CC-1")
	users := o.staff(5)
	o.put("u1", "u1", false)
	items := []Item{
		{ProductID: "live-reports", UserID: "u0"},
		{ProductID: "live-reports", UserID: "u1"},    // inactive
		{ProductID: "nonsense", UserID: "u2"},        // no product
		{ProductID: "live-reports", UserID: "ghost"}, // no user
		{ProductID: "live-reports", UserID: "u2"},
		{ProductID: "live-reports", UserID: "u0"}, // again: holds it
		{ProductID: "live-reports", UserID: "u3"},
		{ProductID: "live-reports", UserID: "u4"}, // one too many
		{ProductID: "team_chat", UserID: "u0"},    // no base
	}
	want := []int{0, 409, 422, 404, 0, 0, 0, 409, 409}
	results, err := o.kernel.AssignMany(o.ctx, o.call(), items, Each)
	o.must(err)
	if results.Succeeded != 4 || results.Failed != 5 || len(results.Results) != len(items) {
		t.Fatalf("%+v", results)
	}
	for i, r := range results.Results {
		switch {
		case r.Index != i:
			t.Errorf("result %d has index %d", i, r.Index)
		case want[i] == 0 &&
			(r.Status != succeeded || r.License == nil || r.License.UserID != items[i].UserID || r.Problem != nil):
			t.Errorf("item %d: %+v", i, r)
		case want[i] != 0 &&
			(r.Status != failed || r.License != nil || r.Problem == nil || r.Problem.Status != want[i]):
			t.Errorf("item %d: %+v", i, r)
		}
	}
	o.wantCounts("live-reports", "3/3 free 0 waiting 0")
	o.audit(false, true, users...)

	other := items[4]
	other.LicenseID = "a-license-that-somebody-else-holds-now"
	left, err := o.kernel.RemoveMany(o.ctx, o.call(), []Item{other}, Each)
	o.must(err)
	if !left.Results[0].Unchanged {
		t.Errorf("a user loses another license than the named one: %+v", left.Results[0])
	}
	o.wantCounts("live-reports", "3/3 free 0 waiting 0")

	results, err = o.kernel.RemoveMany(o.ctx, o.call(), items, Each)
	o.must(err)
	if results.Succeeded != 7 || results.Failed != 2 || results.Results[4].License.Status != Available {
		t.Fatalf("%+v", results)
	}
	o.wantCounts("live-reports", "0/3 free 3 waiting 0")
	o.audit(false, true, users...)
}

func TestAtomicIsAllOrNone(t *testing.T) {
	o := open(t)
	users := o.staff(MaxAtomic + 1)
	o.buy("live-reports", MaxAtomic-1, "CC-1")
	items := itemsFor("live-reports", users[:MaxAtomic])
	_, err := o.kernel.AssignMany(o.ctx, o.call(), items, AllOrNone)
	p := refusal(t, err, problem.NotEnoughLicenses)
	if p.Wanted != MaxAtomic || p.Available != MaxAtomic-1 ||
		p.Fields[0].Field != fmt.Sprintf("items[%d]", MaxAtomic-1) {
		t.Fatalf("%+v", p)
	}
	o.wantCounts("live-reports", "0/23 free 23 waiting 0")
	o.buy("live-reports", 1, "CC-1")

	c := o.call()
	c.WithKey("key")
	results, err := o.kernel.AssignMany(
		o.ctx,
		c,
		items,
		AllOrNone,
	) // the most that requirements, section 4 asks for, in one commit
	o.must(err)
	if results.Succeeded != MaxAtomic {
		t.Fatalf("%+v", results)
	}
	o.wantCounts("live-reports", "24/24 free 0 waiting 0")
	_, err = o.kernel.AssignMany(o.ctx, o.call(), itemsFor("live-reports", users), AllOrNone)
	wantProblem(t, err, problem.ValidationFailed)
	_, err = o.kernel.RemoveMany(
		o.ctx,
		o.call(),
		append(itemsFor("live-reports", users[:3]), Item{ProductID: "nonsense", UserID: "u1"}),
		AllOrNone,
	)
	if p := refusal(t, err, problem.ValidationFailed); p.Fields[0].Field != "items[3].productId" {
		t.Fatalf("%+v", p)
	}
	o.wantCounts("live-reports", "24/24 free 0 waiting 0")
	results, err = o.kernel.RemoveMany(o.ctx, o.call(), items, AllOrNone)
	o.must(err)
	if results.Succeeded != MaxAtomic {
		t.Fatalf("%+v", results)
	}
	o.wantCounts("live-reports", "0/24 free 24 waiting 0")
	o.audit(false, true, users...)
}

// TestAtomicRemovalServesWhoWaits removes as many as possible in one step while as many wait: what
// does not fit into the step is served right after it.
func TestAtomicRemovalServesWhoWaits(t *testing.T) {
	o := open(t)
	users := o.staff(2 * MaxAtomic)
	o.buy("live-reports", MaxAtomic, "CC-1")
	items := itemsFor("live-reports", users[:MaxAtomic])
	_, err := o.kernel.AssignMany(o.ctx, o.call(), items, AllOrNone)
	o.must(err)
	for _, user := range users[MaxAtomic:] {
		o.must(o.grant(user, "live-reports", QueueGrant("q1")))
	}
	o.wantCounts("live-reports", "24/24 free 0 waiting 24")
	_, err = o.kernel.RemoveMany(o.ctx, o.call(), items, AllOrNone)
	o.must(err)
	o.wantCounts("live-reports", "24/24 free 0 waiting 0")
	o.audit(false, true, users...)
}

func TestAtomicThatDoesNotFitSaysSo(t *testing.T) {
	o := open(t)
	users := o.staff(MaxAtomic)
	o.buy("phone-system", MaxAtomic, "CC-1")
	items := itemsFor("phone-system", users)
	for i := range items {
		items[i].Extension = fmt.Sprint(100 + i) // an extension and its audit record more for each
	}
	_, err := o.kernel.AssignMany(o.ctx, o.call(), items, AllOrNone)
	if p := refusal(t, err, problem.ValidationFailed); p.Fields[0].Field != "items" {
		t.Fatalf("%+v", p)
	}
	o.wantCounts("phone-system", "0/24 free 24 waiting 0")
	results, err := o.kernel.AssignMany(o.ctx, o.call(), items, Each)
	o.must(err)
	if results.Succeeded != MaxAtomic || results.Results[5].License.Extension != "105" {
		t.Fatalf("%+v", results)
	}
	o.audit(false, true, users...)
}

func TestBulkOfMany(t *testing.T) { synctest.Test(t, bulkOfMany) }

func bulkOfMany(t *testing.T) {
	o := open(t)
	users := o.staff(150)
	o.buy("phone-system", 140, "CC-1")
	o.buy("team_chat", 140, "CC-1")
	made := &fixtures.Rounds{Store: o.Env.Table}
	o.Env.Table = made
	c := o.call()
	c.WithKey("key", []byte("body"))
	results, err := o.kernel.AssignMany(o.ctx, c, itemsFor("phone-system", users), Each)
	o.must(err)
	if results.Succeeded != 140 || results.Failed != 10 {
		t.Fatalf("%d succeeded, %d failed", results.Succeeded, results.Failed)
	}
	if got := made.Take(); got.Commits > 150/bulkGroup+4 {
		t.Fatalf("not one commit a row: %+v", got)
	}
	c = o.call()
	c.WithKey("key", []byte("body"))
	var replay *call.Replay
	if _, err := o.kernel.AssignMany(
		o.ctx,
		c,
		itemsFor("phone-system", users),
		Each,
	); !errors.As(err, &replay) ||
		replay.Status != 200 {
		t.Fatalf("%v", err)
	}
	results, err = o.kernel.AssignMany(o.ctx, o.call(), itemsFor("team_chat", users), Each)
	o.must(err)
	if results.Succeeded != 140 {
		t.Fatalf("%d succeeded", results.Succeeded)
	}
	o.audit(false, true, users...)
	results, err = o.kernel.RemoveMany(o.ctx, o.call(), itemsFor("phone-system", users), Each)
	o.must(err)
	if results.Succeeded != 150 {
		t.Fatalf("%d succeeded, %d failed", results.Succeeded, results.Failed)
	}
	o.wantCounts("team_chat", "0/140 free 140 waiting 0")
	var ids []string
	for _, l := range results.Results {
		if l.License != nil {
			ids = append(ids, l.License.ID)
		}
	}
	charged, err := o.kernel.SetCostCenters(o.ctx, o.call(), ids, "CC-2")
	o.must(err)
	ended, err := o.kernel.TerminateMany(o.ctx, o.call(), ids)
	o.must(err)
	if charged.Succeeded != 140 || ended.Succeeded != 140 || ended.Results[7].License.Status != Terminated {
		t.Fatalf("%d charged, %d terminated", charged.Succeeded, ended.Succeeded)
	}
	o.wantCounts("phone-system", "0/0 free 0 waiting 0")
	o.audit(false, true, users...)
}

// TestBulkSurvivesItsDeath stops a bulk call before and after each of its commits: while its claim
// lasts a repetition is told to wait, then it ends what was begun, and every item has been done
// once.
func TestBulkSurvivesItsDeath(t *testing.T) {
	const commits = 6 // the claim, four groups, the answer
	for n := 1; n <= commits; n++ {
		for _, fault := range []faulty.Fault{faulty.CrashBefore, faulty.CrashAfter} {
			o := open(t)
			users := o.staff(4 * bulkGroup)
			o.buy("live-reports", len(users), "CC-1")
			sound := o.Env.Table
			o.Env.Table = faulty.New(sound, faulty.AtCommit(n, fault))
			c := o.call()
			c.WithKey("key", []byte("body"))
			_, err := o.kernel.AssignMany(o.ctx, c, itemsFor("live-reports", users), Each)
			o.Env.Table = sound
			if err == nil {
				t.Fatalf("%s at commit %d went unnoticed", fault, n)
			}
			o.audit(false, true, users...)

			again := func() (Results, error) {
				c := o.call()
				c.WithKey("key", []byte("body"))
				return o.kernel.AssignMany(o.ctx, c, itemsFor("live-reports", users), Each)
			}
			results, err := again()
			var replay *call.Replay
			if n == commits && fault == faulty.CrashAfter {
				if !errors.As(err, &replay) {
					t.Fatalf("the answer was stored, and then: %v", err)
				}
				continue
			}
			if n > 1 || fault == faulty.CrashAfter {
				wantProblem(t, err, problem.IdempotencyInProgress)
				o.Clock.Add(2 * time.Minute)
				results, err = again()
			}
			o.must(err)
			if results.Succeeded != len(users) {
				t.Fatalf("%d succeeded", results.Succeeded)
			}
			o.wantCounts("live-reports", "80/80 free 0 waiting 0")
			o.audit(false, true, users...)
		}
	}
}

// TestBulkTellsDoneFromWasSo says of each item whether anything changed, which earlier one is the
// same, and what else it did (issue 11.15, 11.33).
func TestBulkTellsDoneFromWasSo(t *testing.T) {
	o := open(t)
	o.buy("phone-system", 3, "CC-1")
	o.buy("team_chat", 3, "CC-1")
	o.hire("Ann", "Bob")
	items := []Item{
		{ProductID: "phone-system", UserID: "ann", Extension: "101"},
		{ProductID: "team_chat", UserID: "ann"},
		{ProductID: "team_chat", UserID: "ann"},
		{ProductID: "phone-system", UserID: "bob"},
	}
	assigned, err := o.kernel.AssignMany(o.ctx, o.call(), items, Each)
	o.must(err)
	for i, r := range assigned.Results {
		if want := i == 2; r.Status != succeeded || r.Unchanged != want || (r.SameAs != nil) != want {
			t.Errorf("item %d: %+v", i, r)
		}
	}
	if same := assigned.Results[2].SameAs; same == nil || *same != 1 {
		t.Errorf("the same as %v", same)
	}
	items[0].Extension = "102"
	again, err := o.kernel.AssignMany(o.ctx, o.call(), items, AllOrNone)
	o.must(err)
	for i, r := range again.Results {
		if want := i > 0; r.Unchanged != want {
			t.Errorf("again, item %d: %+v", i, r)
		}
	}
	if r := again.Results[0]; r.ReplacedExtension != "101" || r.License.Extension != "102" {
		t.Errorf("%+v", r)
	}
	removed, err := o.kernel.RemoveMany(
		o.ctx,
		o.call(),
		[]Item{{ProductID: "phone-system", UserID: "ann"}, {ProductID: "team_chat", UserID: "bob"}},
		Each,
	)
	o.must(err)
	if r := removed.Results[0]; r.Unchanged || len(r.ReturnedAddOns) != 1 ||
		r.ReturnedAddOns[0] != again.Results[1].License.ID {
		t.Errorf("%+v", r)
	}
	if r := removed.Results[1]; !r.Unchanged {
		t.Errorf("%+v", r)
	}
	o.audit(false, true, "ann", "bob")
}

// TestAllShortagesAtOnce names each product of which there are not enough, in one call for all or
// none, and in the add-ons of a phone (issue 11.13).
func TestAllShortagesAtOnce(t *testing.T) {
	o := open(t)
	users := o.staff(3)
	o.buy("developer", 1, "CC-1")
	o.buy("phone-system", 1, "CC-1")
	items := append(itemsFor("developer", users[:2]), itemsFor("call-group", users)...)
	_, err := o.kernel.AssignMany(o.ctx, o.call(), items, AllOrNone)
	p := refusal(t, err, problem.NotEnoughLicenses)
	if len(p.Fields) != 2 || p.ProductID != "developer" || p.Wanted != 2 || p.Available != 1 ||
		p.Fields[0].Field != "items[1]" ||
		p.Fields[1].Field != "items[2]" {
		t.Errorf("%+v", p)
	}
	phone, err := o.kernel.AssignProduct(o.ctx, o.call(), "phone-system", users[0], "")
	o.must(err)
	_, err = o.kernel.SetAddOns(o.ctx, o.call(), phone.ID, []string{"team_chat", "call_recording"})
	p = refusal(t, err, problem.NotEnoughLicenses)
	if len(p.Fields) != 2 || !strings.Contains(p.Fields[0].Field+p.Fields[1].Field, "productIds[0]") {
		t.Errorf("%+v", p)
	}
	o.audit(false, true, users...)
}

// TestUnassignSaysWhatElseItDid returns add-ons, excludes from automatic assignment, and a license
// of any product shows its holder's extension and its product's name (requirements, section 4).
func TestUnassignSaysWhatElseItDid(t *testing.T) {
	o := open(t)
	phone := o.buy("phone-system", 1, "CC-1")[0]
	o.buy("team_chat", 1, "CC-1")
	seat := o.buy("live-reports", 1, "CC-1")[0]
	o.hire("Ann")
	o.must(o.grant("ann", "live-reports", QueueGrant("q1")))
	_, err := o.kernel.Assign(o.ctx, o.call(), phone, "ann", "101")
	o.must(err)
	if l := o.license(seat); l.Extension != "101" || l.ProductName != "Live Reports" {
		t.Errorf("%+v", l)
	}
	given, err := o.kernel.Assign(o.ctx, o.call(), phone, "ann", "102")
	o.must(err)
	if given.ReplacedExtension != "101" || o.license(seat).Extension != "102" {
		t.Errorf("%+v", given)
	}
	_, err = o.kernel.SetAddOns(o.ctx, o.call(), phone, []string{"team_chat"})
	o.must(err)
	back, err := o.kernel.Unassign(o.ctx, o.call(), phone)
	o.must(err)
	if len(back.ReturnedAddOns) != 1 || back.ExcludedProduct != "" {
		t.Errorf("%+v", back)
	}
	shut, err := o.kernel.Unassign(o.ctx, o.call(), seat)
	o.must(err)
	if shut.ExcludedProduct != "live-reports" || shut.Extension != "" {
		t.Errorf("%+v", shut)
	}
	o.audit(false, true, "ann")
}
