package operations_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"seatwise/infra/testing/dynamostore"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/problem"
)

// TestRefusalsOverHTTP meets each rule of requirements, section 4 once, as a client sees it.
func TestRefusalsOverHTTP(t *testing.T) {
	f := open(t)
	for _, product := range []string{"live-reports", "phone-system", "team_chat"} {
		f.buy(product, 2)
	}
	f.hire("zoe", "Zoe")
	f.hire("yan", "Yan")
	f.hire("xan", "Xan")
	f.change("xan", func(ctx context.Context, ch *license.UnitOfWork) error {
		return ch.Put(ctx, license.Person{UserID: "xan", Name: "Xan", Active: false})
	})
	ids := map[string][]string{}
	for _, product := range []string{"live-reports", "phone-system", "team_chat"} {
		for _, l := range fixtures.Decode[api.List[license.License]](
			t, f.send("GET", "/licenses?product="+product, nil), 200,
		).Items {
			ids[product] = append(ids[product], l.ID)
		}
	}
	live, phone, chat := ids["live-reports"], ids["phone-system"], ids["team_chat"]
	for _, id := range []string{live[0], phone[0]} {
		body := object{"userId": "zoe"}
		if id == phone[0] {
			body["extension"] = "101"
		}
		first := f.send("POST", "/licenses/"+id+"/assign", body)
		again := f.send("POST", "/licenses/"+id+"/assign", body)
		if first.Status != 200 || again.Status != 200 || !bytes.Equal(first.Body, again.Body) ||
			first.Header.Get("ETag") != again.Header.Get("ETag") {
			t.Fatalf("assigned %d %s, to the holder again %d %s", first.Status, first.Body, again.Status, again.Body)
		}
	}
	one := func(product, user string) object {
		return object{"items": []object{{"productId": product, "userId": user}}, "atomic": true}
	}
	if r := f.send("POST", "/assignments", one("essential-user", "zoe")); r.Status != 200 {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	if r := f.send("POST", "/licenses/"+live[1]+"/assign", object{"userId": "yan"}); r.Status != 200 {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	many := make([]object, license.MaxAtomic+1)
	for i := range many {
		many[i] = object{"productId": "live-reports", "userId": "zoe"}
	}
	for _, tc := range []struct {
		path   string
		body   object
		status int
		slug   problem.Slug
	}{
		{"/licenses/" + chat[0] + "/assign", object{"userId": "yan"}, 409, problem.BaseLicenseRequired},
		{"/licenses/" + phone[1] + "/assign", object{"userId": "yan", "extension": "101"}, 409, problem.ExtensionInUse},
		{"/licenses/" + phone[1] + "/assign", object{"userId": "zoe"}, 409, problem.UserAlreadyLicensed},
		{"/licenses/" + phone[0] + "/assign", object{"userId": "yan"}, 409, problem.LicenseNotAvailable},
		{"/licenses/" + phone[1] + "/assign", object{"userId": "xan"}, 409, problem.UserInactive},
		{"/licenses/" + phone[1] + "/assign", object{"userId": "nobody"}, 404, problem.NotFound},
		{"/licenses/" + phone[1] + "/unassign", nil, 409, problem.WrongState},
		{"/licenses/" + phone[1] + "/reassign", object{"userId": "yan"}, 409, problem.WrongState},
		{"/licenses/" + live[0] + "/reassign", object{"userId": "yan"}, 409, problem.UserAlreadyLicensed},
		{"/licenses/" + phone[0] + "/reassign", object{"userId": "xan"}, 409, problem.UserInactive},
		{"/licenses/" + live[0] + "/terminate", nil, 409, problem.LicenseInUse},
		{"/assignments", one("professional-user", "zoe"), 409, problem.MutuallyExclusive},
		{"/assignments", one("client-crm", "zoe"), 409, problem.BaseLicenseRequired},
		{"/assignments", one("developer", "zoe"), 409, problem.NotEnoughLicenses},
		{"/assignments", object{"items": many, "atomic": true}, 422, problem.ValidationFailed},
	} {
		var body any
		if tc.body != nil {
			body = tc.body
		}
		r := f.send("POST", tc.path, body)
		if p := fixtures.Problem(
			t,
			r,
			tc.status,
			string(tc.slug),
		); tc.slug == problem.NotEnoughLicenses &&
			(p.ProductID != "developer" || *p.Wanted != 1 || *p.Available != 0) {
			t.Errorf("%s", r.Body)
		}
	}
	moved := fixtures.Decode[license.License](
		t,
		f.send("POST", "/licenses/"+phone[0]+"/reassign", object{"userId": "yan"}),
		200,
	)
	if moved.UserID != "yan" || moved.Extension != "101" {
		t.Fatalf("reassigned with its extension: %+v", moved)
	}
}

// TestFreedSeatGoesToWhoWaitsOverHTTP unassigns while two wait: the one who came first has the seat
// with the very answer.
func TestFreedSeatGoesToWhoWaitsOverHTTP(t *testing.T) {
	f := open(t)
	f.buy("live-reports", 1)
	for _, user := range []string{"zoe", "yan", "xan"} {
		f.hire(user, user)
		f.Clock.Add(1e9)
		f.change(user, func(ctx context.Context, ch *license.UnitOfWork) error {
			return ch.Grant(ctx, user, "live-reports", license.QueueGrant("q1"))
		})
	}
	held := fixtures.Decode[api.List[license.License]](t, f.send("GET", "/licenses?status=assigned", nil), 200).Items
	waiting := func(want ...string) {
		t.Helper()
		list := fixtures.Decode[api.List[license.Wait]](t, f.send("GET", "/waiting", nil), 200).Items
		got := []string{}
		for i, w := range list {
			got = append(got, w.UserID)
			if i > 0 && !w.Since.After(list[i-1].Since) || len(w.Grants) != 1 {
				t.Errorf("%+v", w)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%v wait, want %v", got, want)
		}
	}
	if len(held) != 1 || held[0].UserID != "zoe" {
		t.Fatalf("%+v", held)
	}
	waiting("yan", "xan")
	for _, next := range []string{"yan", "xan"} {
		if l := fixtures.Decode[license.License](
			t,
			f.send("POST", "/licenses/"+held[0].ID+"/unassign", nil),
			200,
		); l.UserID != next {
			t.Fatalf("the seat went to %q, not to %s", l.UserID, next)
		}
	}
	waiting()
	if list := fixtures.Decode[api.List[license.Excluded]](
		t,
		f.send("GET", "/exclusions", nil),
		200,
	).Items; len(
		list,
	) != 2 {
		t.Fatalf("%+v", list)
	}
}

// TestThousandItemsOverHTTP gives and takes a thousand licenses in a call each, with a result for
// each item.
func TestThousandItemsOverHTTP(t *testing.T) {
	f := open(t)
	f.buy("developer", 990)
	items := make([]object, 1000)
	for i := range items {
		user := fmt.Sprintf("u%d", i)
		if i < 995 {
			f.hire(user, user)
		}
		items[i] = object{"productId": "developer", "userId": user}
	}
	count := func(path string, items []object, succeeded, failed int) license.Results {
		t.Helper()
		out := fixtures.Decode[license.Results](t, f.send("POST", path, object{"items": items}), 200)
		if out.Succeeded != succeeded || out.Failed != failed || len(out.Results) != len(items) {
			t.Fatalf("%s: %d succeeded, %d failed, %d results", path, out.Succeeded, out.Failed, len(out.Results))
		}
		for i, r := range out.Results {
			if r.Index != i {
				t.Fatalf("result %d is of item %d", i, r.Index)
			}
		}
		return out
	}
	out := count("/assignments", items, 990, 10)
	for _, r := range out.Results[990:] {
		if r.Problem == nil ||
			r.Problem.Type != "urn:seatwise:problem:not-enough-licenses" &&
				r.Problem.Type != "urn:seatwise:problem:not-found" {
			t.Fatalf("%+v", r)
		}
	}
	count("/assignments/remove", items[:990], 990, 0)
	fixtures.Problem(
		t,
		f.send("POST", "/assignments", object{"items": slices.Concat(items, items[:1])}),
		422,
		"validation",
	)
}

// TestRacesOverHTTP lets 24 callers race on each adapter: for the last seats of a product, for one
// license, and with one key.
func TestRacesOverHTTP(t *testing.T) {
	const callers = 24
	race := func(send func(i int) fixtures.Response) (answers []fixtures.Response) {
		answers = make([]fixtures.Response, callers)
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() { answers[i] = send(i) })
		}
		all.Wait()
		return answers
	}
	test := func(t *testing.T, f *front) {
		for i := range callers {
			f.hire(fmt.Sprintf("u%d", i), fmt.Sprintf("User %d", i))
		}
		f.hire("zoe", "Zoe")
		assigned := func(product string, want int64) {
			t.Helper()
			for _, s := range fixtures.Decode[api.List[inventory.Summary]](
				t, f.send("GET", "/licenses/summary", nil), 200,
			).Items {
				if s.ProductID == product && (s.Assigned != want || s.Available != s.Bought-want) {
					t.Errorf("%+v, want %d assigned", s, want)
				}
			}
		}
		winners := func(answers []fixtures.Response, slug string) (won int) {
			t.Helper()
			for _, r := range answers {
				if r.Status == http.StatusOK {
					won++
					continue
				}
				fixtures.Problem(t, r, http.StatusConflict, slug)
			}
			return won
		}

		f.buy("live-reports", 2)
		if won := winners(race(func(i int) fixtures.Response {
			return f.send(
				"POST",
				"/assignments",
				object{
					"items":  []object{{"productId": "live-reports", "userId": fmt.Sprintf("u%d", i)}},
					"atomic": true,
				},
			)
		}), "not-enough-licenses"); won != 2 {
			t.Errorf("%d won the last 2 seats", won)
		}
		assigned("live-reports", 2)

		f.buy("developer", 3)
		id := fixtures.Decode[api.List[license.License]](
			t, f.send("GET", "/licenses?product=developer", nil), 200,
		).Items[1].ID
		if won := winners(race(func(i int) fixtures.Response {
			return f.send("POST", "/licenses/"+id+"/assign", object{"userId": fmt.Sprintf("u%d", i)})
		}), "license-not-available"); won != 1 {
			t.Errorf("%d won one license", won)
		}
		assigned("developer", 1)

		f.buy("call-group", callers)
		answers := race(func(int) fixtures.Response {
			return f.send(
				"POST",
				"/assignments",
				object{"items": []object{{"productId": "call-group", "userId": "zoe"}}},
				"Idempotency-Key",
				"one",
			)
		})
		var first []byte
		did := 0
		for _, r := range answers {
			if r.Status == http.StatusConflict {
				fixtures.Problem(t, r, http.StatusConflict, "idempotency-in-progress")
				continue
			}
			if r.Status != http.StatusOK {
				t.Fatalf("%d %s", r.Status, r.Body)
			}
			if r.Header.Get("Idempotent-Replayed") == "" {
				did++
			}
			if body := bytes.TrimSpace(r.Body); first == nil {
				first = body
			} else if !bytes.Equal(first, body) {
				t.Errorf("answers %s and %s", first, body)
			}
		}
		if did != 1 {
			t.Errorf("%d carried it out", did)
		}
		assigned("call-group", 1)
	}
	t.Run("bolt", func(t *testing.T) { test(t, open(t)) })
	t.Run("dynamo", func(t *testing.T) { test(t, openOn(t, fixtures.On(t, dynamostore.Open(t)))) })
}

// TestEveryProductIsSummarized shows each product of the catalog, in its order, whether anything of
// it was bought or not.
func TestEveryProductIsSummarized(t *testing.T) {
	f := open(t)
	list := fixtures.Decode[api.List[inventory.Summary]](t, f.send("GET", "/licenses/summary", nil), 200).Items
	products := catalog.Default().Products()
	if len(list) != len(products) {
		t.Fatalf("%d of %d products", len(list), len(products))
	}
	for i, p := range products {
		if s := list[i]; s.ProductID != p.ID || s.Name != p.Name || s.Kind != p.Kind ||
			s.Bought+s.Assigned+s.Available+s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
	}
}
