package years

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"seatwise/infra/testing/memoryfiles"
	"seatwise/infra/testing/parts"
)

// TestMain plays few years, since one takes as long as a hundred of other properties; -rapid.checks says
// how many.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		if err := flag.Set("rapid.checks", strconv.Itoa(parts.Sized(2, 5))); err != nil {
			panic(err) // package rapid declares it
		}
	}
	os.Exit(m.Run())
}

// TestPeriodsOfRandomYears plays years, and compares every period that was closed with the model.
func TestPeriodsOfRandomYears(t *testing.T) {
	const number = 100
	bucket := memoryfiles.Serve(t)
	happened := map[string]int{}
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, r, bucket)
		w.happened = happened
		defer w.close()
		for i := range number {
			w.pass(rapid.SampledFrom(pauses).Draw(r, "time passes"))
			if i%3 == 2 {
				w.schedules()
				w.pass(time.Minute)
			}
			w.step(w.one("step", steps))
			w.verifyOpen()
		}
		// A year and a month, so that whatever billing day was chosen last, twelve periods end.
		for w.now.Before(w.looks[0].at.AddDate(1, 1, 3)) {
			w.pass(15 * 24 * time.Hour)
			w.schedules()
		}
		w.verifyClosed()
	})
	t.Log(happened)
	if parts.Asked(parts.Long) {
		notBlind(t, happened)
	}
}

// notBlind holds that periods had all that makes them up, and that of what somebody does little is left
// that nobody could do: a few rare things may not come about in some years.
func notBlind(t *testing.T, happened map[string]int) {
	t.Helper()
	for _, what := range []string{
		"let a policy buy", "be charged: recurring", "be charged: prorated", "be charged: metered",
		"be charged: overage",
	} {
		if happened[what] == 0 {
			t.Errorf("nobody could %s", what)
		}
	}
	never := map[string]bool{}
	for _, what := range steps {
		if happened[what] == 0 {
			never[what] = true
		}
	}
	if len(never) > 3 {
		t.Errorf("nobody could do any of %v", never)
	}
}

// pauses lie between two steps; about a hundred of them make a year.
var pauses = []time.Duration{
	101 * time.Hour, 31*time.Hour + 7*time.Minute, 9 * 24 * time.Hour, 11 * time.Hour, time.Minute, 14 * 24 * time.Hour,
}

// steps are what somebody does, what is done often more than once. The first ones are drawn most.
var steps = []string{
	"fill the queue", "change a person", "bulk", "decide", "ask", "keep a policy", "move", "reassign", "unassign",
	"terminate", "give back", "reclaim", "fence", "show queues", "agree on a zone", "agree on a billing day", "reprice",
	"assign", "fill the queue", "change a person", "keep a policy", "move", "buy", "buy", "buy",
}

func (w *world) step(what string) {
	w.doing = what
	user := w.one("user", people)
	switch what {
	case "buy":
		w.buy()
	case "terminate":
		w.change(on(w.license("available"), http.MethodPost, "LicensesFunction", "/terminate", nil))
	case "assign":
		w.change(on(w.license("available"), http.MethodPost, assignment, "/assign", fields{"userId": user}))
	case "unassign":
		w.change(on(w.license("assigned"), http.MethodPost, assignment, "/unassign", nil))
	case "reassign":
		w.change(on(w.license("assigned"), http.MethodPost, assignment, "/reassign", fields{"userId": user}))
	case "bulk":
		w.bulk()
	case "change a person":
		w.change(&request{directory, http.MethodPut, "/users/" + user, w.person(user)})
	case "move":
		body := fields{"costCenter": w.one("cost center", centers)}
		w.change(on(w.license(""), http.MethodPatch, "LicensesFunction", "", body))
	case "fill the queue":
		body := fields{"name": "Queue", "members": w.some("members", people)}
		w.change(&request{directory, http.MethodPut, "/call-queues/q1", body})
	case "show queues":
		body := fields{"name": "Board", "queueIds": w.some("queues", []string{"q1"})}
		w.change(&request{directory, http.MethodPut, "/dashboards/d1", body})
	case "fence":
		code := w.one("fence", centers)
		body := fields{"name": code, "fenced": rapid.IntRange(0, 3).Draw(w.r, "fenced") == 0}
		w.change(&request{"PurchaseFunction", http.MethodPut, "/cost-centers/" + code, body})
	case "keep a policy":
		w.policy()
	case "ask":
		body := fields{"productId": w.one("product", all), "userId": user, "reason": "Needed"}
		w.change(&request{requests, http.MethodPost, "/requests", body})
	case "decide":
		w.decide()
	case "reclaim":
		body := fields{"productId": w.one("product", all), "days": rapid.IntRange(1, 60).Draw(w.r, "days")}
		w.change(&request{"UsageFunction", http.MethodPost, "/reclaims", body})
	case "give back":
		w.undo()
	case "agree on a billing day":
		w.agree(func(t *terms) { t.billingDay = rapid.IntRange(1, 28).Draw(w.r, "billing day") })
	case "agree on a zone":
		w.agree(func(t *terms) { t.zone = w.one("zone", zones) })
	case "reprice":
		w.reprice()
	}
}

func (w *world) buy() {
	var lines []fields
	for _, p := range w.some("products", bought) {
		lines = append(lines, fields{
			"productId": p, "quantity": rapid.IntRange(1, 2).Draw(w.r, "quantity"),
			"costCenter": w.one("cost center", centers),
		})
	}
	if len(lines) == 0 {
		return
	}
	var quote struct{ ID string }
	if w.send(request{"PurchaseFunction", http.MethodPost, "/quotes", fields{"lines": lines}}, "", &quote) {
		w.change(&request{
			"PurchaseFunction", http.MethodPost, "/orders", fields{"quoteId": quote.ID, "acknowledged": true},
		})
	}
}

func (w *world) bulk() {
	items := make([]fields, rapid.IntRange(1, 4).Draw(w.r, "items"))
	for i := range items {
		items[i] = fields{"productId": w.one("product", all), "userId": w.one("user", people)}
	}
	path := "/assignments"
	if rapid.IntRange(0, 2).Draw(w.r, "remove") == 0 {
		path = "/assignments/remove"
	} else if rapid.Bool().Draw(w.r, "of a cost center") {
		items[0]["costCenter"] = w.one("cost center", centers)
	}
	body := fields{"items": items, "atomic": rapid.Bool().Draw(w.r, "atomic")}
	w.change(&request{assignment, http.MethodPost, path, body})
}

func (w *world) person(user string) fields {
	body := fields{
		"name": user, "roleIds": []string{}, "licenses": w.some("licenses", metered),
		"active": rapid.IntRange(0, 6).Draw(w.r, "active") > 0,
	}
	if rapid.IntRange(0, 3).Draw(w.r, "has a cost center") > 0 {
		body["costCenter"] = w.one("cost center", centers)
	}
	return body
}

func (w *world) policy() {
	product := w.one("product", bought)
	path := "/policies/" + product
	if rapid.IntRange(0, 4).Draw(w.r, "delete") == 0 {
		w.change(&request{billing, http.MethodDelete, path, nil})
		return
	}
	buy := fields{
		"enabled": true, "costCenter": w.one("cost center", centers),
		"acknowledgedPrice": fields{"amount": w.price(product, w.calendar().label(w.now)).minor, "currency": currency},
		"maxSeats":          rapid.IntRange(1, 20).Draw(w.r, "most seats"),
	}
	w.change(&request{billing, http.MethodPut, path, fields{"autoPurchase": buy}})
}

// decide answers the request that was made last, if one is open.
func (w *world) decide() {
	var list struct{ Items []struct{ ID string } }
	w.get(requests, "/requests?state=open", &list)
	if len(list.Items) > 0 {
		what := w.one("decision", []string{"approve", "approve", "deny", "withdraw"})
		path := fmt.Sprintf("/requests/%s/%s", list.Items[0].ID, what)
		w.change(&request{requests, http.MethodPost, path, nil})
	}
}

// undo gives the seats of the last reclaim back.
func (w *world) undo() {
	var list struct {
		Items []struct{ ID, State, UndoUntil string }
	}
	w.get("UsageFunction", "/reclaims", &list)
	for _, one := range list.Items {
		if one.State == "completed" && one.UndoUntil != "" {
			w.change(&request{"UsageFunction", http.MethodPost, "/reclaims/" + one.ID + "/undo", nil})
			return
		}
	}
}
