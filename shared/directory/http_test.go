package directory

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table/faulty"
)

// An id that nobody can have is as unknown as any other, whatever it is made of (contract,
// Conventions).
func TestIDsThatNothingCanHave(t *testing.T) {
	f := newFixture(t)
	function := api.Serve(f.Env, f.s.Routes)
	for _, kind := range []string{"users", "roles", "call-queues", "dashboards"} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			for name, id := range map[string]string{
				"long": strings.Repeat("x", 5000), "hash": "a%23b", "slash": "a%2Fb", "null": "a%00",
			} {
				t.Run(method+" "+kind+" "+name, func(t *testing.T) {
					fixtures.Problem(t, f.Do(t, function.HTTP, fixtures.Request{
						Method: method,
						Path:   "/v1/accounts/" + f.Account + "/" + kind + "/" + id,
						User:   "admin",
						Permissions: []auth.Permission{
							auth.DirectoryRead,
							auth.DirectoryManage,
							auth.LiveReportsView,
							auth.LiveReportsFull,
						},
					}), http.StatusNotFound, "not-found")
				})
			}
		}
	}
	fixtures.Problem(t, f.Do(t, function.HTTP, fixtures.Request{
		Method:      http.MethodGet,
		Path:        "/v1/accounts/" + f.Account + "/users?q=%ff",
		User:        "admin",
		Permissions: []auth.Permission{auth.DirectoryRead},
	}), http.StatusBadRequest, "malformed-body")
}

// The same holds of ids in a body.
func TestIDsInBodiesThatNothingCanHave(t *testing.T) {
	f := newFixture(t)
	function := api.Serve(f.Env, f.s.Routes)
	for path, body := range map[string]map[string]any{
		"users/ann":      {"name": "Ann", "roleIds": []string{SuperAdmin, strings.Repeat("x", 5000)}},
		"call-queues/q":  {"name": "Q", "members": []string{strings.Repeat("x", 5000)}},
		"dashboards/d":   {"name": "D", "queueIds": []string{strings.Repeat("x", 5000)}},
		"call-queues/q2": {"name": "Q", "members": []string{"a#b"}},
	} {
		t.Run(path, func(t *testing.T) {
			fixtures.Problem(t, f.Do(t, function.HTTP, fixtures.Request{
				Method: http.MethodPut, Path: "/v1/accounts/" + f.Account + "/" + path, Body: body, User: "admin",
				Permissions: []auth.Permission{auth.DirectoryManage, auth.LiveReportsFull},
			}), http.StatusUnprocessableEntity, "validation")
		})
	}
}

// Ids that nothing can have, ids that nothing has, and other faults are told together, by their
// index in the list as it was sent (requirements, section 10).
func TestAllBadIDsAreToldTogether(t *testing.T) {
	f := newFixture(t)
	function := api.Serve(f.Env, f.s.Routes)
	f.queue(t, "here")
	for path, c := range map[string]struct {
		body map[string]any
		want []string
	}{
		"users/ann": {
			map[string]any{"name": "", "roleIds": []string{"zz", SuperAdmin, "a#b", "aa"}},
			[]string{"name", "roleIds[0]", "roleIds[2]", "roleIds[3]"},
		},
		"dashboards/d": {
			map[string]any{"name": "", "queueIds": []string{"zz", "here", "a#b", "aa"}},
			[]string{"name", "queueIds[0]", "queueIds[2]", "queueIds[3]"},
		},
	} {
		p := fixtures.Problem(t, f.Do(t, function.HTTP, fixtures.Request{
			Method: http.MethodPut, Path: "/v1/accounts/" + f.Account + "/" + path, Body: c.body, User: "admin",
			Permissions: []auth.Permission{auth.DirectoryManage, auth.LiveReportsFull},
		}), http.StatusUnprocessableEntity, "validation")
		var got []string
		for _, fault := range p.Errors {
			got = append(got, fault.Field)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s names %q, want %q", path, got, c.want)
		}
	}
}

// Whoever puts a queue can put it again with the entity tag of the answer: what is done for the
// members who left is no change of theirs.
func TestTagOfAQueueThatMembersLeft(t *testing.T) {
	f := newFixture(t)
	f.user(t, "ann")
	f.user(t, "bob")
	f.queue(t, "q", "ann", "bob")
	f.dashboard(t, "d", "q")
	put, err := f.s.PutQueue(t.Context(), f.Call("admin"), "q", "Q", []string{"ann"})
	if err != nil {
		t.Fatal(err)
	}
	if _, got, err := f.s.GetQueue(t.Context(), f.Call("admin"), "q"); err != nil || got != put.Version {
		t.Fatalf("put says version %d and get %d, %v", put.Version, got, err)
	}
	c := f.Call("admin")
	c.IfMatch = call.Tag(put.Version)
	if again, err := f.s.PutQueue(t.Context(), c, "q", "Q", nil); err != nil || again.Version == put.Version {
		t.Fatalf("the tag of the answer before is refused, or not renewed: %d %v", again.Version, err)
	}
	if err := f.s.DeleteQueue(t.Context(), c, "q"); !problem.Is(err, problem.PreconditionFailed) {
		t.Fatalf("a stale tag passes: %v", err)
	}
}

// A queue that is put again under the id of one that is gone, or whose members' grants are still to
// be withdrawn, has a tag of its own.
func TestTagOfAQueueThatIsMadeAgain(t *testing.T) {
	for name, fault := range map[string]faulty.Fault{"gone": faulty.None, "going": faulty.CrashAfter} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.user(t, "ann")
			f.queue(t, "q", "ann")
			f.dashboard(t, "d", "q")
			_, before, err := f.s.GetQueue(t.Context(), f.Call("admin"), "q")
			if err != nil {
				t.Fatal(err)
			}
			sound := f.Env.Table
			f.Env.Table = faulty.New(sound, faulty.AtCommit(1, fault))
			if err := f.s.DeleteQueue(t.Context(), f.Call("admin"), "q"); (err != nil) != (fault != faulty.None) {
				t.Fatal(err)
			}
			f.Env.Table = sound
			f.Clock.Add(time.Second)
			put, err := f.s.PutQueue(t.Context(), f.Call("admin"), "q", "Q", nil)
			if err != nil || !put.Created {
				t.Fatalf("%+v, %v", put, err)
			}
			if _, got, err := f.s.GetQueue(
				t.Context(),
				f.Call("admin"),
				"q",
			); err != nil || got != put.Version ||
				got == before {
				t.Fatalf("put says version %d and get %d, the one before had %d, %v", put.Version, got, before, err)
			}
			c := f.Call("admin")
			c.IfMatch = call.Tag(before)
			if err := f.s.DeleteQueue(t.Context(), c, "q"); !problem.Is(err, problem.PreconditionFailed) {
				t.Fatalf("the tag of the one before passes: %v", err)
			}
		})
	}
}

// Everybody may know what they hold themselves; of others that takes a permission.
func TestOnesOwnLicensesNeedNoPermission(t *testing.T) {
	f := newFixture(t)
	function := api.Serve(f.Env, f.s.Routes)
	f.put(t, User{ID: "ann", Name: "Ann", Active: true, Licenses: []string{"essential-user"}})
	f.user(t, "bob")
	ask := func(user, of string, may ...auth.Permission) fixtures.Response {
		return f.Do(t, function.HTTP, fixtures.Request{
			Method: http.MethodGet, Path: "/v1/accounts/" + f.Account + "/users/" + of + "/licenses",
			User: user, Permissions: may,
		})
	}
	type page struct {
		Items []HeldLicense `json:"items"`
	}
	for _, r := range []fixtures.Response{ask("ann", "ann"), ask("bob", "ann", auth.DirectoryRead)} {
		own := fixtures.Decode[page](t, r, http.StatusOK)
		if len(own.Items) != 1 || own.Items[0].ProductID != "essential-user" {
			t.Errorf("%+v", own)
		}
	}
	fixtures.Problem(t, ask("bob", "ann", auth.UsageRead), http.StatusForbidden, "forbidden")
	fixtures.Problem(t, ask("bob", "nobody"), http.StatusForbidden, "forbidden")
}

// An admin of some cost centers sees all that they hold themselves, wherever it is charged.
func TestOnesOwnLicensesOfALimitedAdmin(t *testing.T) {
	f := newFixture(t)
	function := api.Serve(f.Env, f.s.Routes)
	f.put(t, User{ID: "ann", Name: "Ann", Active: true, Licenses: []string{"essential-user"}})
	f.put(t, User{ID: "bob", Name: "Bob", Active: true, Licenses: []string{"essential-user"}})
	ask := func(of string) fixtures.Response {
		return f.Do(t, function.HTTP, fixtures.Request{
			Method: http.MethodGet, Path: "/v1/accounts/" + f.Account + "/users/" + of + "/licenses",
			User: "ann", Permissions: []auth.Permission{auth.LicensesRead}, Limit: auth.LimitTo("north"),
		})
	}
	type page struct {
		Items []HeldLicense `json:"items"`
	}
	own := fixtures.Decode[page](t, ask("ann"), http.StatusOK)
	if len(own.Items) != 1 || own.Items[0].ProductID != "essential-user" {
		t.Errorf("%+v", own)
	}
	fixtures.Problem(t, ask("bob"), http.StatusNotFound, "not-found")
}
