package access_test

import (
	"slices"
	"strings"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/auth"
)

// monitored puts nora, sara and wes into a call queue on a dashboard, so that each has a grant of Live
// Reports.
func (d *desk) monitored(t *testing.T) {
	t.Helper()
	d.admin(t, "PUT", "/call-queues/q", object{"name": "Q", "members": []string{"nora", "sara", "wes"}})
	d.admin(t, "PUT", "/dashboards/d", object{"name": "D", "queueIds": []string{"q"}})
}

// TestWhoWaitsForAnAdminOfSomeCostCenters are users of theirs, and so is who is excluded.
func TestWhoWaitsForAnAdminOfSomeCostCenters(t *testing.T) {
	d := office(t, fixtures.New(t))
	d.monitored(t)
	for path, want := range map[string]string{
		"/waiting": "nora sara", "/waiting?product=live-reports": "nora sara", "/waiting?user=wes": "",
		"/waiting?user=sara": "sara", "/exclusions": "",
	} {
		if got := d.ids(t, path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	d.wants(t, 200, "GET", "/users/nora/why?product=live-reports", nil)
	d.wants(t, 404, "GET", "/users/wes/why?product=live-reports", nil)
	d.root(t, "POST", "/assignments/remove", object{"items": []object{
		{"productId": "live-reports", "userId": "nora"}, {"productId": "live-reports", "userId": "wes"},
	}})
	for path, want := range map[string]string{
		"/exclusions": "nora", "/exclusions?user=wes": "", "/exclusions?user=nora": "nora", "/waiting": "sara",
	} {
		if got := d.ids(t, path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// TestWhatAFenceKeepsIsToldOfTheirs: free licenses of other cost centers are none of theirs to know.
func TestWhatAFenceKeepsIsToldOfTheirs(t *testing.T) {
	d := office(t, fixtures.New(t))
	for _, code := range []string{"south", "west"} {
		d.buy(t, "live-reports", code, 1)
		d.admin(t, "PATCH", "/cost-centers/"+code, object{"fenced": true})
	}
	d.monitored(t)
	d.root(t, "POST", "/assignments/remove", object{"items": []object{
		{"productId": "live-reports", "userId": "sara"}, {"productId": "live-reports", "userId": "wes"},
	}})
	why := fixtures.Decode[struct {
		State  string
		Fenced []struct{ CostCenter string }
	}](t, d.send(t, "GET", "/users/nora/why?product=live-reports", nil), 200)
	if why.State != "waits" || len(why.Fenced) != 1 || why.Fenced[0].CostCenter != "south" {
		t.Errorf("%+v", why)
	}
}

type counted struct {
	ProductID                                      string
	Bought, Assigned, Available, Reserved, Waiting int64
}

// summary is what ann sees of a product.
func (d *desk) summary(t *testing.T, product string) counted {
	t.Helper()
	list := fixtures.Decode[struct{ Items []counted }](t, d.send(t, "GET", "/licenses/summary", nil), 200)
	i := slices.IndexFunc(list.Items, func(c counted) bool { return c.ProductID == product })
	if i < 0 {
		t.Fatalf("no %s in %+v", product, list)
	}
	return list.Items[i]
}

// TestTheSummaryOfAnAdminOfSomeCostCenters counts what is theirs, and so do the effects of a dry run.
func TestTheSummaryOfAnAdminOfSomeCostCenters(t *testing.T) {
	d := stocked(t, fixtures.New(t))
	d.root(t, "POST", "/licenses/"+d.free(t, "live-reports", "west")+"/terminate", nil)
	d.gives(t, "live-reports", "north", "wes")
	d.root(t, "POST", "/licenses/"+d.free(t, "live-reports", "north")+"/terminate", nil)
	d.gives(t, "live-reports", "west", "sara")
	want := counted{ProductID: "live-reports", Bought: 2, Assigned: 1, Available: 1}
	if got := d.summary(t, "live-reports"); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	want = counted{ProductID: "essential-user", Bought: 3, Assigned: 3}
	if got := d.summary(t, "essential-user"); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	give := object{"items": []object{{"productId": "live-reports", "userId": "nora"}}}
	effects := fixtures.Decode[struct {
		Effects struct {
			Seats []struct {
				ProductID                   string
				Bought, Assigned, Available [2]int64
			}
			Licenses []struct{ ID string }
			Users    []struct{ UserID string }
		}
	}](t, d.send(t, "POST", "/assignments?dryRun=true", give), 200).Effects
	if s := effects.Seats; len(s) != 1 || s[0].Bought != [2]int64{2, 2} || s[0].Assigned != [2]int64{1, 2} ||
		s[0].Available != [2]int64{1, 0} || len(effects.Licenses) != 1 || len(effects.Users) != 1 {
		t.Errorf("%+v", effects)
	}
}

// TestTheWaitingInTheSummary is of users of theirs.
func TestTheWaitingInTheSummary(t *testing.T) {
	d := office(t, fixtures.New(t))
	d.monitored(t)
	if got := d.summary(t, "live-reports"); got.Waiting != 2 || got.Bought != 0 {
		t.Errorf("%+v", got)
	}
}

// TestEffectsOnOthersAreNotTold: a seat that goes to who waits in another cost center is an effect that
// the plan promises, and that names nobody but theirs.
func TestEffectsOnOthersAreNotTold(t *testing.T) {
	d := office(t, fixtures.New(t))
	d.buy(t, "live-reports", "north", 1)
	id := d.gives(t, "live-reports", "north", "ann")
	d.admin(t, "PUT", "/call-queues/q", object{"name": "Q", "members": []string{"wes"}})
	d.admin(t, "PUT", "/dashboards/d", object{"name": "D", "queueIds": []string{"q"}})
	told := d.send(t, "POST", "/licenses/"+id+"/unassign?dryRun=true", nil)
	effects := fixtures.Decode[struct {
		Effects struct {
			Users    []struct{ UserID string }
			Licenses []struct{ ID string }
			Counts   struct{ Users int }
		}
		Plan string
	}](t, told, 200)
	if u := effects.Effects.Users; len(u) != 1 || u[0].UserID != "ann" || effects.Effects.Counts.Users != 1 ||
		len(effects.Effects.Licenses) != 1 {
		t.Errorf("%s", told.Body)
	}
	r := fixtures.Request{
		Method: "POST", Path: "/v1/accounts/acme/licenses/" + id + "/unassign", User: "ann", ByRoles: true,
		Header: map[string]string{"If-Plan": effects.Plan},
	}
	if got := d.Do(t, d.api, r); got.Status != 200 {
		t.Errorf("as planned: %d %s", got.Status, got.Body)
	}
}

// TestTheAuditOfAnAdminOfSomeCostCenters has what was done to licenses, users and orders of theirs, and
// by themselves.
func TestTheAuditOfAnAdminOfSomeCostCenters(t *testing.T) {
	d := stocked(t, fixtures.New(t))
	d.role(t, "watcher", auth.AuditRead, auth.LicensesManage)
	d.admin(t, "PATCH", "/users/ann", object{"roleIds": []string{"watcher"}})
	mine, others := d.gives(t, "live-reports", "north", "nora"), d.gives(t, "live-reports", "west", "wes")
	lent := d.gives(t, "live-reports", "west", "sara")
	type record struct {
		Action, Subject, User, Actor string
		After                        struct {
			Lines []struct{ CostCenter string }
		}
	}
	read := func(query string) []record {
		t.Helper()
		var all []record
		for cursor := ""; ; {
			page := fixtures.Decode[struct {
				Items      []record
				NextCursor string
			}](t, d.send(t, "GET", "/audit?limit=7"+query+cursor, nil), 200)
			all = append(all, page.Items...)
			if page.NextCursor == "" {
				return all
			}
			cursor = "&cursor=" + page.NextCursor
		}
	}
	if got := read("&license=" + others); len(got) != 0 {
		t.Errorf("another's license: %+v", got)
	}
	if got := read("&user=wes"); len(got) != 0 {
		t.Errorf("another's user: %+v", got)
	}
	for _, id := range []string{mine, lent} {
		if got := read("&license=" + id); len(got) == 0 {
			t.Errorf("nothing of license %s", id)
		}
	}
	seen := map[string]bool{}
	for _, r := range read("") {
		seen[r.Subject] = true
		if r.User == "wes" || r.User == "lost" || r.Actor == "root" && (strings.HasPrefix(r.Subject, "role:") ||
			strings.HasPrefix(r.Subject, "quote:") || r.Subject == "costCenter:west") {
			t.Errorf("%+v", r)
		}
		for _, l := range r.After.Lines {
			if l.CostCenter != "north" {
				t.Errorf("%+v", r)
			}
		}
	}
	for _, want := range []string{"user:nora", "costCenter:north", "license:" + mine} {
		if !seen[want] {
			t.Errorf("nothing of %s in %v", want, seen)
		}
	}
}

// TestCostCentersOfAnAdminOfSome are theirs, and nobody of them makes or changes one.
func TestCostCentersOfAnAdminOfSome(t *testing.T) {
	d := office(t, fixtures.New(t))
	d.role(t, "buyer", auth.BillingRead, auth.BillingPurchase)
	d.admin(t, "PATCH", "/users/ann", object{"roleIds": []string{"buyer"}})
	for query, want := range map[string]int{"": 2, "?q=west": 0, "?q=north": 1, "?limit=2": 2} {
		list := fixtures.Decode[struct {
			Items      []struct{ Code string }
			NextCursor string
		}](t, d.send(t, "GET", "/cost-centers"+query, nil), 200)
		if len(list.Items) != want || list.NextCursor != "" {
			t.Errorf("%s: %+v", query, list)
		}
	}
	d.wants(t, 200, "GET", "/cost-centers/north", nil)
	d.wants(t, 404, "GET", "/cost-centers/west", nil)
	d.wants(t, 403, "PATCH", "/cost-centers/north", object{"name": "The north"})
	d.wants(t, 403, "PUT", "/cost-centers/new", object{"name": "New"})
	d.wants(t, 403, "DELETE", "/cost-centers/north", nil)
}

// TestMoneyOfOthersIsNotTold by a dry run: a seat that a policy buys for another cost center. The plan
// promises it all the same.
func TestMoneyOfOthersIsNotTold(t *testing.T) {
	for code, told := range map[string]bool{"west": false, "north": true} {
		t.Run(code, func(t *testing.T) {
			d := paying(t)
			for range 7 {
				list := fixtures.Decode[struct{ Items []seat }](
					t, d.root(t, "GET", "/licenses?status=available&product=live-reports", nil), 200,
				)
				d.root(t, "POST", "/licenses/"+list.Items[0].ID+"/terminate", nil)
			}
			d.monitored(t)
			d.root(t, "POST", "/assignments/remove", object{"items": []object{
				{"productId": "live-reports", "userId": "nora"},
			}})
			d.admin(t, "PUT", "/call-queues/q", object{"name": "Q", "members": []string{"nora"}})
			d.admin(t, "PUT", "/policies/live-reports", d.policy(t, "live-reports", code, 1))
			type amount struct{ Amount int64 }
			dry := fixtures.Decode[struct {
				Effects struct {
					Money    struct{ DueToday, Recurring amount }
					Licenses []struct{ ID string }
					Counts   struct{ Gains int }
				}
				Plan string
			}](t, d.send(t, "DELETE", "/exclusions/live-reports/nora?dryRun=true", nil), 200)
			e := dry.Effects
			if got := e.Money.DueToday.Amount > 0; got != told || e.Counts.Gains != 1 {
				t.Errorf("%+v", e)
			}
			if got := e.Money.Recurring.Amount > 0; got != told || (len(e.Licenses) > 0) != told {
				t.Errorf("%+v", e)
			}
			d.admin(t, "PUT", "/policies/live-reports", object{"lowSeats": 1})
			stale := d.Do(t, d.api, fixtures.Request{
				Method: "DELETE", Path: "/v1/accounts/acme/exclusions/live-reports/nora", User: "ann", ByRoles: true,
				Header: map[string]string{"If-Plan": dry.Plan},
			})
			fixtures.Problem(t, stale, 409, "plan-stale")
		})
	}
}
