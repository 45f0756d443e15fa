package directory

import (
	"fmt"
	"net/http"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
)

// TestWhyAndLeavingOverHTTP follows four people around one seat: each hears why they hold, wait for
// or lack it, with the chain from the dashboard; who leaves, by being deactivated and by being
// deleted, gives everything back in one step, and the next in the list has it.
func TestWhyAndLeavingOverHTTP(t *testing.T) {
	f := newFixture(t)
	function := api.Serve(f.Env, f.s.Routes)
	send := func(method, path string, body any) fixtures.Response {
		t.Helper()
		return f.Do(t, function.HTTP, fixtures.Request{
			Method: method,
			Path:   "/v1/accounts/" + f.Account + path,
			Body:   body,
			User:   "admin",
			Permissions: []auth.Permission{
				auth.DirectoryRead,
				auth.DirectoryManage,
				auth.LiveReportsView,
				auth.LiveReportsFull,
				auth.LicensesRead,
			},
		})
	}
	put := func(path string, body any) {
		t.Helper()
		if r := send(http.MethodPut, path, body); r.Status != http.StatusCreated && r.Status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, r.Status, r.Body)
		}
	}
	f.buy(t, "live-reports", 1)
	f.buy(t, "phone-system", 1)
	f.buy(t, "call-queue-booster", 1)
	for _, user := range []string{"ann", "bob", "cid", "dan", "eve"} {
		put("/users/"+user, map[string]any{"name": user, "active": true})
	}
	f.granted(t, "ann", "phone-system", license.Direct)
	f.granted(t, "dan", "call-queue-booster", license.Direct)
	for i, user := range []string{"ann", "bob", "cid", "dan"} {
		f.Clock.Add(1e9)
		put(fmt.Sprintf("/call-queues/q%d", i), map[string]any{"name": "Q", "members": []string{user}})
		put(fmt.Sprintf("/dashboards/d%d", i), map[string]any{"name": "D", "queueIds": []string{fmt.Sprintf("q%d", i)}})
	}
	why := func(user string) string {
		t.Helper()
		w := fixtures.Decode[inventory.Why](
			t,
			send(http.MethodGet, "/users/"+user+"/why?product=live-reports", nil),
			http.StatusOK,
		)
		said := string(w.State)
		for _, b := range w.Because {
			said += fmt.Sprintf(" by %s of %s on %s", b.Grant, b.QueueID, b.DashboardID)
		}
		return said
	}
	expect := func(want map[string]string) {
		t.Helper()
		for user, said := range want {
			if got := why(user); got != said {
				t.Errorf("%s %s, want %s", user, got, said)
			}
		}
	}
	expect(map[string]string{
		"ann": "holds by queue:q0 of q0 on d0",
		"bob": "waits by queue:q1 of q1 on d1",
		"cid": "waits by queue:q2 of q2 on d2",
		"dan": "covered by queue:q3 of q3 on d3",
		"eve": "lacks",
	})

	put("/users/ann", map[string]any{"name": "ann", "active": false})
	if u := fixtures.Decode[User](
		t,
		send(http.MethodGet, "/users/ann", nil),
		http.StatusOK,
	); u.Active ||
		len(u.Holdings) != 0 {
		t.Errorf("%+v", u)
	}
	expect(map[string]string{"bob": "holds by queue:q1 of q1 on d1", "cid": "waits by queue:q2 of q2 on d2"})

	if r := send(http.MethodDelete, "/users/bob", nil); r.Status != http.StatusNoContent {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	fixtures.Problem(
		t,
		send(http.MethodGet, "/users/bob/why?product=live-reports", nil),
		http.StatusNotFound,
		"not-found",
	)
	expect(map[string]string{"cid": "holds by queue:q2 of q2 on d2"})
	list, err := inventory.NewService(f.kernel.Products()).Summary(t.Context(), f.Call("admin"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		want := map[string]string{
			"live-reports": "1/1 0", "phone-system": "0/1 0", "call-queue-booster": "1/1 0",
		}[s.ProductID]
		if got := fmt.Sprintf("%d/%d %d", s.Assigned, s.Bought, s.Waiting); want != "" && got != want {
			t.Errorf("%s: %s, want %s", s.ProductID, got, want)
		}
	}
}
