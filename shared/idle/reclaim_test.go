package idle_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/idle"
	"seatwise/shared/license"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/table"
	"seatwise/shared/usage"
)

func (w *world) start(body map[string]any) idle.Reclaim {
	w.t.Helper()
	r := w.ask(http.MethodPost, "/reclaims", body, auth.LicensesManage)
	begun := decode[idle.Reclaim](w.t, r, http.StatusAccepted)
	if at := "/v1/accounts/acme/reclaims/" + begun.ID; r.Header.Get("Location") != at || begun.State != idle.Running {
		w.t.Errorf("begun: %s, Location %q", r.Body, r.Header.Get("Location"))
	}
	return w.reclaim(begun.ID)
}

func (w *world) reclaim(id string) idle.Reclaim {
	w.t.Helper()
	return decode[idle.Reclaim](w.t, w.ask(http.MethodGet, "/reclaims/"+id, nil, auth.BillingRead), http.StatusOK)
}

func (w *world) undo(id string) idle.Reclaim {
	w.t.Helper()
	begun := decode[idle.Reclaim](w.t, w.ask(http.MethodPost, "/reclaims/"+id+"/undo", nil, auth.LicensesManage),
		http.StatusAccepted)
	if begun.State != idle.Undoing {
		w.t.Errorf("undoing: %+v", begun)
	}
	return w.reclaim(id)
}

// told is what became of the seats of a reclaim: user, outcome and why.
func told(r idle.Reclaim) string {
	var all []string
	for _, row := range r.Results {
		all = append(all, strings.TrimSpace(row.UserID+" "+row.Outcome+" "+row.Why))
	}
	return strings.Join(all, ", ")
}

// holds are the products that users have, with the sources of their grants.
func (w *world) holds(users ...string) string {
	w.t.Helper()
	var all []string
	for _, user := range users {
		item, ok, err := table.Get(w.t.Context(), w.Env.Table, license.HolderKey(w.Account, user))
		if err != nil || !ok {
			w.t.Fatalf("holder %s: %v %v", user, ok, err)
		}
		h := decodeItem[license.Holder](w.t, item)
		var products []string
		for id, holding := range h.Holdings {
			if holding.LicenseID == "" {
				continue
			}
			for _, g := range holding.Grants {
				id += "/" + g.Source
			}
			products = append(products, id)
		}
		slices.Sort(products)
		all = append(all, user+": "+strings.Join(products, " "))
	}
	return strings.Join(all, "; ")
}

// TestReclaimAndUndo takes the idle seats of a product, tells what it did for each, and gives them
// back, while there is a free one.
func TestReclaimAndUndo(t *testing.T) {
	w := newWorld(t)
	w.buy("developer", 4)
	w.people("ann", "bob", "cid", "dan")
	w.assign("developer", "ann", "bob", "cid", "dan")
	w.Clock.Add(20 * day)
	w.use("developer", "dan")
	r := w.start(map[string]any{"productId": "developer", "days": 10, "userIds": []string{"ann", "bob", "cid", "dan"}})
	if got, want := told(r), "ann reclaimed, bob reclaimed, cid reclaimed, dan kept not-held"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	if want := (idle.Counts{Seats: 4, Reclaimed: 3, Kept: 1}); r.State != idle.Completed || r.Percent != 100 ||
		r.Counts != want || r.UndoUntil == nil {
		t.Errorf("reclaimed: %+v", r)
	}
	if got, want := w.holds("ann", "bob", "dan"), "ann: ; bob: ; dan: developer/direct"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	w.assign("developer", "dan") // has it already
	w.people("eve")
	w.assign("developer", "eve")
	w.assign("developer", "bob")
	w.Clock.Add(29 * day)
	r = w.undo(r.ID)
	if got, want := told(r), "ann returned, bob notReturned holds-one, cid notReturned not-enough-licenses, "+
		"dan kept not-held"; got != want {
		t.Errorf("undone: %q, want %q", got, want)
	}
	if want := (idle.Counts{Seats: 4, Reclaimed: 3, Kept: 1, Returned: 1, NotReturned: 2}); r.State != idle.Undone ||
		r.Counts != want || r.UndoUntil != nil || r.UndoneAt == nil {
		t.Errorf("undone: %+v", r)
	}
	if got, want := w.holds("ann", "cid"), "ann: developer/direct; cid: "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	w.refused(r.ID)
	list := decode[struct{ Items []idle.Reclaim }](t, w.ask(http.MethodGet, "/reclaims", nil, auth.BillingRead), 200)
	if len(list.Items) != 1 || list.Items[0].ID != r.ID {
		t.Errorf("listed: %+v", list)
	}
}

// refused wants an undo to be refused.
func (w *world) refused(id string) {
	w.t.Helper()
	if r := w.ask(
		http.MethodPost,
		"/reclaims/"+id+"/undo",
		nil,
		auth.LicensesManage,
	); r.Status != http.StatusConflict ||
		!strings.Contains(string(r.Body), "wrong-state") {
		w.t.Errorf("an undo that is refused: %d %s", r.Status, r.Body)
	}
}

// After 30 days nothing is undone any more.
func TestReclaimIsUndoneWithin30Days(t *testing.T) {
	w := newWorld(t)
	w.buy("developer", 1)
	w.people("ann")
	w.assign("developer", "ann")
	w.Clock.Add(day)
	r := w.start(map[string]any{"productId": "developer", "days": 1})
	w.Clock.Add(30*day + time.Second)
	w.refused(r.ID)
	w.Clock.Add(-2 * time.Second)
	if got := told(w.undo(r.ID)); got != "ann returned" {
		t.Errorf("within 30 days: %q", got)
	}
}

// Automatic grants behind a seat exclude their user, as unassigning does; undoing lifts that.
func TestReclaimExcludesAndUndoLifts(t *testing.T) {
	w := newWorld(t)
	w.buy(catalog.LiveReportsID, 3)
	w.people("ann", "bob", "eve")
	_, err := w.directory.PutDashboard(t.Context(), w.Call("ann"), directory.Dashboard{ID: "d", Name: "Dashboard"})
	w.must(err)
	_, err = w.usage.Take(t.Context(), w.Call("pbx"), []usage.Event{
		{ID: "1", UserID: "eve", DashboardID: "d", At: w.Clock.Now()},
		{ID: "2", UserID: "bob", DashboardID: "d", At: w.Clock.Now()},
	})
	w.must(err)
	w.assign(catalog.LiveReportsID, "ann")
	w.assign(catalog.LiveReportsID, "eve")
	w.Clock.Add(5 * day)
	r := w.start(map[string]any{"productId": catalog.LiveReportsID, "days": 5})
	if got := told(r); got != "ann reclaimed, bob reclaimed, eve reclaimed" || r.Results[0].Excluded ||
		!r.Results[1].Excluded || !r.Results[2].Excluded {
		t.Fatalf("%s: %+v", got, r.Results)
	}
	excluded, _, err := w.inventory.Exclusions(t.Context(), w.Call("ann"), inventoryOf(), "", 10)
	w.must(err)
	if len(excluded) != 2 || excluded[0].UserID != "bob" || excluded[1].UserID != "eve" {
		t.Fatalf("excluded: %+v", excluded)
	}
	if got := told(w.undo(r.ID)); got != "ann returned, bob returned, eve returned" {
		t.Errorf("undone: %q", got)
	}
	if got, want := w.holds("ann", "bob", "eve"),
		"ann: live-reports/direct; bob: live-reports/view; eve: live-reports/direct/view"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if excluded, _, err = w.inventory.Exclusions(t.Context(), w.Call("ann"), inventoryOf(), "", 10); err != nil ||
		len(excluded) != 0 {
		t.Errorf("still excluded: %+v, %v", excluded, err)
	}
}

// What a base license takes along comes back with it, as far as there are seats.
func TestReclaimTakesAddOnsAlong(t *testing.T) {
	w := newWorld(t)
	for _, product := range []string{"phone-system", "call_recording", "device_ip_phone"} {
		w.buy(product, 1)
	}
	w.people("ann", "bob")
	w.assign("phone-system", "ann")
	w.assign("call_recording", "ann")
	w.assign("device_ip_phone", "ann")
	w.buy("phone-system", 1)
	w.assign("phone-system", "bob")
	w.Clock.Add(day)
	w.use("phone-system", "bob")
	r := w.start(map[string]any{"productId": "phone-system", "days": 1})
	if got := r.Results[0].WentAlong; told(r) != "ann reclaimed" || len(got) != 2 {
		t.Fatalf("%s, along %q", told(r), got)
	}
	if got := w.holds("ann"); got != "ann: " {
		t.Errorf("%q", got)
	}
	w.assign("call_recording", "bob")
	r = w.undo(r.ID)
	if got := r.Results[0].Lacks; told(r) != "ann returned" || len(got) != 1 || got[0] != "call_recording" {
		t.Errorf("%s, lacks %q", told(r), got)
	}
	if got, want := w.holds("ann"), "ann: device_ip_phone/direct phone-system/direct"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Each seat is judged again in the commit that takes it: who used it meanwhile keeps it.
func TestReclaimJudgesAgain(t *testing.T) {
	w := newWorld(t)
	w.buy("developer", 3)
	w.people("ann", "bob", "cid")
	w.assign("developer", "ann", "bob", "cid")
	w.Clock.Add(day)
	w.use("call-group", "bob")
	sound := w.Env.Table
	w.Env.Table = &besides{Store: sound, before: "license.unassigned", do: func() {
		w.use("developer", "ann") // the commit for ann is refused, since ann uses it now
		w.must(w.remove("developer", "cid"))
	}}
	r := w.start(map[string]any{"productId": "developer", "days": 1})
	w.Env.Table = sound
	if got, want := told(r), "ann kept used, bob reclaimed, cid kept not-held"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// besides does something right before the first commit that has some text in one of its items.
type besides struct {
	table.Store
	before string
	do     func()
}

func (b *besides) Commit(ctx context.Context, ops []table.Operation) error {
	if do := b.do; do != nil && slices.ContainsFunc(ops, func(op table.Operation) bool {
		return strings.Contains(string(op.Item.Data), b.before)
	}) {
		b.do = nil
		do()
	}
	return b.Store.Commit(ctx, ops)
}

// Killed before or after any of its commits, a reclaim and its undo are finished by maintenance,
// and nothing is done twice.
func TestReclaimIsFinishedWhereverItDies(t *testing.T) {
	for _, after := range []bool{false, true} {
		for at := 1; ; at++ {
			w := newWorld(t)
			w.buy("developer", 3)
			w.people("ann", "bob", "cid")
			w.assign("developer", "ann", "bob", "cid")
			w.Clock.Add(day)
			died := w.dying(at, after, func() { _, _ = w.idle.Start(t.Context(), w.Call("ann"), asks()) })
			list, _, err := w.idle.Reclaims(t.Context(), w.Call("ann"), "", 10)
			w.must(err)
			if len(list) == 0 {
				list = []idle.Reclaim{w.start(map[string]any{"productId": "developer", "days": 1})}
			}
			w.must(w.idle.Resume(t.Context(), ""))
			what := fmt.Sprintf("died at commit %d, after it: %v", at, after)
			r := w.reclaim(list[0].ID)
			if got := told(r); got != "ann reclaimed, bob reclaimed, cid reclaimed" || r.Counts.Reclaimed != 3 {
				t.Fatalf("%s: %q, %+v", what, got, r)
			}
			if w.entries("license.unassigned") != 3 || w.entries("reclaim.completed") != 1 {
				t.Fatalf("%s: seats taken %d times", what, w.entries("license.unassigned"))
			}
			undied := w.dying(at, after, func() { _, _ = w.idle.Undo(t.Context(), w.Call("ann"), r.ID, nil) })
			if w.reclaim(r.ID).State == idle.Completed {
				w.undo(r.ID)
			}
			w.must(w.idle.Resume(t.Context(), ""))
			if r = w.reclaim(r.ID); r.State != idle.Undone || r.Counts.Returned != 3 {
				t.Fatalf("%s: undone %+v", what, r)
			}
			if w.entries("license.assigned") != 6 || w.entries("reclaim.undone") != 1 {
				t.Fatalf("%s: seats given %d times", what, w.entries("license.assigned"))
			}
			if !died && !undied {
				break
			}
		}
	}
}

func asks() idle.Asks { return idle.Asks{ProductID: "developer", Days: 1} }

var errDead = errors.New("the process is dead")

// dying carries something out in a process that dies at its n-th commit, before or after it.
func (w *world) dying(n int, after bool, do func()) (died bool) {
	sound := w.Env.Table
	w.Env.Table = &mortal{Store: sound, left: n, after: after, died: &died}
	do()
	w.Env.Table = sound
	return died
}

type mortal struct {
	table.Store
	left  int
	after bool
	died  *bool
}

func (m *mortal) Commit(ctx context.Context, ops []table.Operation) error {
	if *m.died {
		return errDead
	}
	if m.left--; m.left == 0 {
		*m.died = true
		if m.after {
			_ = m.Store.Commit(ctx, ops)
		}
		return errDead
	}
	return m.Store.Commit(ctx, ops)
}

func (m *mortal) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	if *m.died {
		return nil, errDead
	}
	return m.Store.Lookup(ctx, keys...)
}

// Whoever asks amiss is told so, all at once.
func TestReclaimRefuses(t *testing.T) {
	w := newWorld(t)
	r := w.ask(http.MethodPost, "/reclaims", map[string]any{"productId": "nothing", "days": 400}, auth.LicensesManage)
	if r.Status != http.StatusUnprocessableEntity || !strings.Contains(string(r.Body), `"days"`) {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	for _, path := range []string{"/reclaims/x", "/reclaims/x/seats"} {
		if r := w.ask(http.MethodGet, path, nil, auth.BillingRead); r.Status != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.Status)
		}
	}
	if r := w.ask(http.MethodPost, "/reclaims", map[string]any{"productId": "developer", "days": 1},
		auth.BillingRead); r.Status != http.StatusForbidden {
		t.Errorf("without licenses.manage: %d", r.Status)
	}
	if r := w.start(
		map[string]any{"productId": "developer", "days": 1},
	); r.State != idle.Completed ||
		r.Percent != 100 {
		t.Errorf("of nothing: %+v", r)
	}
}

// The seats of a large reclaim are told in pages.
func TestPagesOfAReclaim(t *testing.T) {
	w := newWorld(t)
	var users []string
	for i := range 60 {
		users = append(users, fmt.Sprintf("u%02d", i))
	}
	w.buy("developer", 60)
	w.people(users...)
	w.assign("developer", users...)
	w.Clock.Add(day)
	r := w.start(map[string]any{"productId": "developer", "days": 1})
	var got []string
	for position := ""; ; {
		rows, next, err := w.idle.Rows(t.Context(), w.Call("ann"), r.ID, position, 7)
		w.must(err)
		for _, row := range rows {
			got = append(got, row.UserID)
		}
		if position = next; next == "" {
			break
		}
	}
	if !slices.Equal(got, users) || r.Counts.Reclaimed != 60 {
		t.Errorf("%d reclaimed, told of %q", r.Counts.Reclaimed, got)
	}
}

// A part of a reclaim is restored to who is named; what is left can be restored later, as long as
// the whole could.
func TestReclaimIsUndoneInParts(t *testing.T) {
	w := newWorld(t)
	w.buy("developer", 3)
	w.people("ann", "bob", "cid")
	w.assign("developer", "ann", "bob", "cid")
	w.Clock.Add(20 * day)
	r := w.start(map[string]any{"productId": "developer", "days": 10})
	path := "/reclaims/" + r.ID + "/undo"
	undo := func(users ...string) idle.Reclaim {
		begun := w.ask(http.MethodPost, path, map[string]any{"userIds": users}, auth.LicensesManage)
		decode[idle.Reclaim](t, begun, http.StatusAccepted)
		return w.reclaim(r.ID)
	}
	some := undo("bob")
	if got, want := told(some), "ann reclaimed, bob returned, cid reclaimed"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	if want := (idle.Counts{Seats: 3, Reclaimed: 3, Returned: 1}); some.State != idle.Completed ||
		some.Counts != want || some.UndoUntil == nil || some.UndoneAt == nil || some.Percent != 100 {
		t.Errorf("undone in part: %+v", some)
	}
	for _, nobody := range []string{"bob", "eve"} {
		body := map[string]any{"userIds": []string{"ann", nobody}}
		again := w.ask(http.MethodPost, path, body, auth.LicensesManage)
		if again.Status != http.StatusUnprocessableEntity || !strings.Contains(string(again.Body), "userIds[1]") {
			t.Errorf("%s is given one back: %d %s", nobody, again.Status, again.Body)
		}
	}
	if got, want := w.holds("ann", "bob", "cid"), "ann: ; bob: developer/direct; cid: "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	w.Clock.Add(29 * day)
	rest := w.undo(r.ID)
	if got, want := told(rest), "ann returned, bob returned, cid returned"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	if want := (idle.Counts{Seats: 3, Reclaimed: 3, Returned: 3}); rest.State != idle.Undone || rest.Counts != want ||
		rest.UndoUntil != nil {
		t.Errorf("undone: %+v", rest)
	}
	w.refused(r.ID)
}
