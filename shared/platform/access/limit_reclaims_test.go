package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/alert"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/failures"
	"seatwise/shared/platform/table"
)

// reclaim is a reclaim as it is answered.
type reclaim struct {
	ID, State   string
	CostCenters []string
	Counts      struct{ Seats, Reclaimed, Kept, Returned, NotReturned int }
	Results     []struct{ UserID, LicenseID, Outcome, Why string }
}

// told is what became of each seat, by user.
func (r reclaim) told() string {
	var all []string
	for _, row := range r.Results {
		all = append(all, strings.TrimSpace(row.UserID+" "+row.Outcome+" "+row.Why))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// unused is paying, and nora and ann hold seats of north that nobody uses, and so does wes, who is of
// west; sara holds one of west.
func unused(t *testing.T, k *fixtures.Fixture) *desk {
	t.Helper()
	d := payingOn(t, k)
	for user, of := range map[string]string{"nora": "north", "ann": "north", "wes": "north", "sara": "west"} {
		d.gives(t, "live-reports", of, user)
	}
	d.Clock.Add(40 * 24 * time.Hour)
	return d
}

func idleSeats(users ...string) object {
	body := object{"productId": "live-reports", "days": 10}
	if len(users) > 0 {
		body["userIds"] = users
	}
	return body
}

// reclaims has ann reclaim, and is what became of it.
func (d *desk) reclaims(t *testing.T, users ...string) reclaim {
	t.Helper()
	begun := fixtures.Decode[reclaim](t, d.send(t, "POST", "/reclaims", idleSeats(users...)), 202)
	return fixtures.Decode[reclaim](t, d.send(t, "GET", "/reclaims/"+begun.ID, nil), 200)
}

// TestReclaimsOfAnAdminOfSomeCostCenters take seats of theirs from users of theirs, and nobody else's;
// those of others are not there.
func TestReclaimsOfAnAdminOfSomeCostCenters(t *testing.T) {
	d := unused(t, fixtures.New(t))
	for _, user := range []string{"wes", "lost", "nobody"} {
		d.wants(t, 404, "POST", "/reclaims", idleSeats("nora", user))
	}
	if got, want := d.reclaims(t, "sara").told(), "sara kept not-held"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	r := d.reclaims(t)
	if got, want := r.told(), "ann reclaimed, nora reclaimed"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if r.Counts.Seats != 2 || !slices.Equal(r.CostCenters, []string{"north", "south"}) {
		t.Errorf("%+v", r)
	}
	whole := fixtures.Decode[reclaim](t, d.root(t, "POST", "/reclaims", idleSeats()), 202)
	whole = fixtures.Decode[reclaim](t, d.root(t, "GET", "/reclaims/"+whole.ID, nil), 200)
	if got, want := whole.told(), "sara reclaimed, wes reclaimed"; got != want || whole.CostCenters != nil {
		t.Errorf("%q, want %q", got, want)
	}
	d.wants(t, 404, "GET", "/reclaims/"+whole.ID, nil)
	d.wants(t, 404, "GET", "/reclaims/"+whole.ID+"/seats", nil)
	d.wants(t, 404, "POST", "/reclaims/"+whole.ID+"/undo", nil)
	d.wants(t, 404, "POST", "/reclaims/"+whole.ID+"/undo", object{"userIds": []string{"sara"}})
	list := fixtures.Decode[struct{ Items []reclaim }](t, d.send(t, "GET", "/reclaims", nil), 200).Items
	if len(list) != 2 {
		t.Errorf("%+v", list)
	}
	pages := 0
	for path, cursor := "/reclaims?limit=1", ""; pages < 9; pages++ {
		page := fixtures.Decode[struct {
			Items      []reclaim
			NextCursor string
		}](t, d.send(t, "GET", path+cursor, nil), 200)
		if cursor = "&cursor=" + page.NextCursor; page.NextCursor == "" {
			break
		}
	}
	if pages != 2 {
		t.Errorf("%d pages before the last one, want 2", pages)
	}
	d.admin(t, "PATCH", "/users/ann", object{"adminOfCostCenters": []string{"north"}})
	d.wants(t, 404, "GET", "/reclaims/"+r.ID, nil) // it was begun for south, too
}

// TestAReclaimIsUndoneWithinTheLimit: who has gone to another cost center since has nothing given back,
// and a license that has gone is not taken.
func TestAReclaimIsUndoneWithinTheLimit(t *testing.T) {
	d := unused(t, fixtures.New(t))
	r := d.reclaims(t)
	for _, row := range r.Results {
		if row.UserID == "ann" {
			d.root(t, "PATCH", "/licenses/"+row.LicenseID, object{"costCenter": "west"})
		}
	}
	d.admin(t, "PATCH", "/users/nora", object{"costCenter": "west"})
	d.wants(t, 202, "POST", "/reclaims/"+r.ID+"/undo", nil)
	r = fixtures.Decode[reclaim](t, d.send(t, "GET", "/reclaims/"+r.ID, nil), 200)
	if got, want := r.told(), "ann returned, nora notReturned not-theirs"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	held := fixtures.Decode[struct{ Items []seat }](
		t, d.root(t, "GET", "/licenses?user=ann&product=live-reports", nil), 200,
	)
	if len(held.Items) != 1 || held.Items[0].CostCenter != "north" {
		t.Errorf("%+v", held)
	}
}

// TestASeatThatGoesAwayBeforeItsTurn of a reclaim is kept: its holder, or itself, is of another cost
// center by then.
func TestASeatThatGoesAwayBeforeItsTurn(t *testing.T) {
	for what, meanwhile := range map[string]func(t *testing.T, d *desk){
		"its holder": func(t *testing.T, d *desk) {
			t.Helper()
			d.admin(t, "PATCH", "/users/nora", object{"costCenter": "west"})
		},
		"itself": func(t *testing.T, d *desk) {
			t.Helper()
			held := fixtures.Decode[struct{ Items []seat }](
				t, d.root(t, "GET", "/licenses?user=nora&product=live-reports", nil), 200,
			)
			leaves(t, d, held.Items[0].ID)
		},
	} {
		t.Run(what, func(t *testing.T) {
			k := fixtures.New(t)
			before := &meddled{Store: k.Env.Table}
			k.Env.Table = before
			d := unused(t, k)
			before.meddle.Store(&meddling{func() { meanwhile(t, d) }})
			if got, want := d.reclaims(t).told(), "ann reclaimed, nora kept not-theirs"; got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// TestAlertsOfAnAdminOfSomeCostCenters are of people of theirs who wait, with their number, and of
// policies that buy for theirs.
func TestAlertsOfAnAdminOfSomeCostCenters(t *testing.T) {
	d := paying(t)
	d.admin(t, "PUT", "/policies/call-group", object{"lowSeats": 3})
	for product, code := range map[string]string{"developer": "west", "live-reports": "north"} {
		d.admin(t, "PUT", "/policies/"+product, d.policy(t, product, code, 1))
	}
	for range 7 { // nothing of what is bought is left
		list := fixtures.Decode[struct{ Items []seat }](
			t, d.root(t, "GET", "/licenses?status=available&product=live-reports", nil), 200,
		)
		d.root(t, "POST", "/licenses/"+list.Items[0].ID+"/terminate", nil)
	}
	d.monitored(t) // nora, sara and wes; for one of them a seat is bought
	alerts := alert.NewService(d.Env, license.NewService(catalog.Default()))
	failed, err := failures.Note(d.Account, d.Clock.Now(), failures.Failure{
		Kind: "massConfiguration", ID: "1", Detail: "It failed.",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Env.Table.Commit(t.Context(), []table.Operation{failed}); err != nil {
		t.Fatal(err)
	}
	look := func() {
		t.Helper()
		if err := alerts.Look(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	type told struct{ Kind, ProductID, State, Detail string }
	listed := func(query string) string {
		t.Helper()
		list := fixtures.Decode[struct{ Items []told }](t, d.send(t, "GET", "/alerts"+query, nil), 200)
		var all []string
		for _, a := range list.Items {
			all = append(all, fmt.Sprint(a.Kind, " ", a.ProductID, " ", a.State))
			if a.Kind == "waiting" && !strings.HasSuffix(a.Detail, ": 1.") {
				t.Errorf("%+v", a)
			}
		}
		slices.Sort(all)
		return strings.Join(all, ", ")
	}
	look()
	for query, want := range map[string]string{
		"":                      "capReached live-reports open, waiting live-reports open",
		"?state=open":           "capReached live-reports open, waiting live-reports open",
		"?state=over":           "",
		"?state=open&limit=200": "capReached live-reports open, waiting live-reports open",
	} {
		if got := listed(query); got != want {
			t.Errorf("alerts%s: %q, want %q", query, got, want)
		}
	}
	whole := fixtures.Decode[struct{ Items []told }](t, d.root(t, "GET", "/alerts", nil), 200)
	if len(whole.Items) != 4 {
		t.Fatalf("of the whole account: %+v", whole)
	}
	d.admin(t, "PUT", "/call-queues/q", object{"name": "Q", "members": []string{"wes"}})
	if got, want := listed("?state=open"), "capReached live-reports open"; got != want {
		t.Errorf("when nobody of theirs waits: %q, want %q", got, want)
	}
}
