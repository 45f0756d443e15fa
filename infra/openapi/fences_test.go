package main

import (
	"fmt"
	"net/http"
	"testing"

	"seatwise/infra/testing/fixtures"
)

// TestAFenceOverHTTP follows a fence from its putting up to its end, by requests alone (requirements,
// section 12): its licenses go to its own users, what a person names behind it is refused, who waits
// though others are free is told why, and when it is taken down they are served.
func TestAFenceOverHTTP(t *testing.T) {
	l := openLaw(t)
	assign := func(user, costCenter string) fixtures.Response {
		item := object{"productId": "live-reports", "userId": user}
		if costCenter != "" {
			item["costCenter"] = costCenter
		}
		return l.send(http.MethodPost, "/assignments", object{"items": []object{item}, "atomic": true}, nil)
	}
	centerOf := func(user string) string {
		held := items(t, l.must(http.MethodGet, "/licenses?product=live-reports&user="+user, nil))
		if len(held) != 1 {
			return fmt.Sprint(len(held), " licenses")
		}
		return fmt.Sprint(held[0]["costCenter"])
	}
	l.must(http.MethodPut, "/users/out", object{"name": "Outside"})
	l.must(http.MethodPut, "/users/in", object{"name": "Inside"})
	l.fenceIn() // two free seats of CC-F behind its fence, four of CC-1
	if up, _ := l.must(http.MethodGet, "/cost-centers/CC-F", nil)["fenced"].(bool); !up {
		t.Fatal("there is no fence")
	}

	fixtures.Problem(t, assign("out", "CC-F"), http.StatusConflict, "cost-center-fenced")
	behind := items(t, l.must(http.MethodGet, "/licenses?costCenter=CC-F", nil))[0]
	r := l.send(http.MethodPost, "/licenses/"+fmt.Sprint(behind["id"])+"/assign", object{"userId": "out"}, nil)
	fixtures.Problem(t, r, http.StatusConflict, "cost-center-fenced")
	l.must(http.MethodPatch, "/users/in", object{"costCenter": "CC-F"})
	if r := assign("in", ""); r.Status != http.StatusOK || centerOf("in") != "CC-F" {
		t.Errorf("who is of the fenced cost center: %d, %s", r.Status, centerOf("in"))
	}

	// Four who take all that is open; the fifth finds none though one is free, and waits.
	for i := range 4 {
		user := fmt.Sprint("m", i)
		l.must(http.MethodPut, "/users/"+user, object{"name": "Member"})
		if r := assign(user, ""); r.Status != http.StatusOK || centerOf(user) != "CC-1" {
			t.Errorf("%s: %d, %s", user, r.Status, centerOf(user))
		}
	}
	short := fixtures.Decode[object](t, assign("out", ""), http.StatusConflict)
	if short["type"] != "urn:seatwise:problem:not-enough-licenses" || short["available"] != 0.0 {
		t.Errorf("who is outside is told %v", short)
	}
	l.must(http.MethodPut, "/call-queues/q", object{"name": "Q", "members": []string{"out"}})
	l.must(http.MethodPut, "/dashboards/d", object{"name": "D", "queueIds": []string{"q"}})
	why := l.must(http.MethodGet, "/users/out/why?product=live-reports", nil)
	if list, _ := why["fenced"].([]any); why["state"] != "waits" || len(list) != 1 {
		t.Errorf("why says %v", why)
	}

	l.must(http.MethodPatch, "/cost-centers/CC-F", object{"fenced": false})
	if got := centerOf("out"); got != "CC-F" {
		t.Errorf("once the fence is down who waited has %s", got)
	}
}
