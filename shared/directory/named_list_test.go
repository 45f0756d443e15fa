package directory

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
)

// listed reads a list to its end, in pages of two, and answers the ids.
func (f *fixture) listed(t *testing.T, handler http.Handler, path string) []string {
	t.Helper()
	ids := []string{}
	for cursor := ""; ; {
		query := path + "&limit=2"
		if cursor != "" {
			query += "&cursor=" + url.QueryEscape(cursor)
		}
		r := f.Do(t, handler, fixtures.Request{
			Method: http.MethodGet, Path: "/v1/accounts/" + f.Account + query, User: "admin",
			Permissions: []auth.Permission{auth.DirectoryRead, auth.LiveReportsView},
		})
		var page struct {
			Items      []struct{ ID string }
			NextCursor string
		}
		if err := json.Unmarshal(r.Body, &page); err != nil || r.Status != http.StatusOK {
			t.Fatalf("%s: %d %s %v", query, r.Status, r.Body, err)
		}
		for _, one := range page.Items {
			ids = append(ids, one.ID)
		}
		if cursor = page.NextCursor; cursor == "" {
			return ids
		}
	}
}

// A page that shows the names of some users, call queues or dashboards asks for just these.
func TestListsOfSomeIDs(t *testing.T) {
	f := newFixture(t)
	handler := api.Serve(f.Env, f.s.Routes).HTTP
	for _, id := range []string{"ann", "ben", "cat", "dan"} {
		f.user(t, id)
		f.queue(t, "q-"+id)
		if _, err := f.s.PutDashboard(t.Context(), f.Call("admin"), Dashboard{ID: "d-" + id, Name: id}); err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("x", 5000)
	for path, want := range map[string][]string{
		"/users?id=cat&id=ann&id=ann&id=nobody&id=a%23b":           {"ann", "cat"},
		"/users?id=cat&id=ann&id=ben":                              {"ann", "ben", "cat"},
		"/users?id=" + long:                                        {},
		"/call-queues?id=q-cat&id=q-ann&id=nothing&id=q-dan":       {"q-ann", "q-cat", "q-dan"},
		"/dashboards?id=d-cat&id=d-ann&id=nothing&id=d-dan&id=a/b": {"d-ann", "d-cat", "d-dan"},
	} {
		if got := f.listed(t, handler, path); !slices.Equal(got, want) {
			t.Errorf("%.60s: %q, want %q", path, got, want)
		}
	}
	for _, path := range []string{
		"/users?id=ann&q=a", "/users?role=x&q=a", "/users?role=x&id=ann", "/call-queues?id=a&q=a",
		"/call-queues?user=ann&q=a", "/call-queues?user=ann&id=a",
		"/dashboards?id=a&q=a",
	} {
		fixtures.Problem(t, f.Do(t, handler, fixtures.Request{
			Method: http.MethodGet, Path: "/v1/accounts/" + f.Account + path, User: "admin",
			Permissions: []auth.Permission{auth.DirectoryRead, auth.LiveReportsView},
		}), http.StatusUnprocessableEntity, "validation")
	}
}

// The call queues of somebody are listed, and no queue that they left, or that is deleted.
func TestCallQueuesOfAUser(t *testing.T) {
	f := newFixture(t)
	handler := api.Serve(f.Env, f.s.Routes).HTTP
	f.user(t, "ann")
	f.user(t, "ben")
	for _, id := range []string{"q3", "q1", "q5", "q2", "q4"} {
		f.queue(t, id, "ann", "ben")
	}
	f.queue(t, "q6", "ben")
	f.queue(t, "q2", "ben")
	if err := f.s.DeleteQueue(t.Context(), f.Call("admin"), "q5"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]string{
		"/call-queues?user=ann":                         {"q1", "q3", "q4"},
		"/call-queues?user=ben":                         {"q1", "q2", "q3", "q4", "q6"},
		"/call-queues?user=nobody":                      {},
		"/call-queues?user=a%23b":                       {},
		"/call-queues?user=" + strings.Repeat("x", 128): {},
	} {
		if got := f.listed(t, handler, path); !slices.Equal(got, want) {
			t.Errorf("%.60s: %q, want %q", path, got, want)
		}
	}
}

// What somebody left is not theirs any more, even while their grant of it is still to be withdrawn.
func TestCallQueueThatSomebodyHasJustLeft(t *testing.T) {
	f := newFixture(t)
	f.user(t, "ann")
	f.queue(t, "q", "ann")
	c := f.Call("admin")
	old, err := f.s.loadQueue(t.Context(), c, "q")
	if err != nil {
		t.Fatal(err)
	}
	now := *old
	now.members, now.leaving = nil, []string{"ann"}
	ops, err := queueOperations(c, old, &now)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Env.Table.Commit(t.Context(), ops); err != nil {
		t.Fatal(err)
	}
	if queues, _, err := f.s.QueuesOfMember(t.Context(), c, "ann", "", 10); err != nil || len(queues) > 0 {
		t.Errorf("%v %v", queues, err)
	}
}

// Who has a role is listed, and who has it no more is not.
func TestUsersOfARole(t *testing.T) {
	f := newFixture(t)
	handler := api.Serve(f.Env, f.s.Routes).HTTP
	if _, err := f.s.PutRole(t.Context(), f.Call("admin"), Role{ID: "lead", Name: "Lead"}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"ann", "ben", "cat", "dan"} {
		roles := []string{"lead"}
		if id == "dan" {
			roles = nil
		}
		if _, err := f.s.PutUser(
			t.Context(), f.Call("admin"), User{ID: id, Name: id, Active: true, RoleIDs: roles},
		); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.listed(t, handler, "/users?role=lead"); !slices.Equal(got, []string{"ann", "ben", "cat"}) {
		t.Errorf("%q", got)
	}
	none := []string{}
	change := UserChange{ID: "ben", Name: "ben", RoleIDs: &none}
	if _, err := f.s.ChangeUser(t.Context(), f.Call("admin"), change); err != nil {
		t.Fatal(err)
	}
	if got := f.listed(t, handler, "/users?role=lead"); !slices.Equal(got, []string{"ann", "cat"}) {
		t.Errorf("%q", got)
	}
	if got := f.listed(t, handler, "/users?role=nothing"); len(got) != 0 {
		t.Errorf("%q", got)
	}
}
