package directory

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/signin"
	"seatwise/shared/platform/table"
)

// invite asks to invite a user, with these permissions.
func (f *fixture) invite(t *testing.T, user string, header map[string]string, p ...auth.Permission) fixtures.Response {
	t.Helper()
	return f.Do(t, api.Serve(f.Env, f.s.InvitationRoutes).HTTP, fixtures.Request{
		Method: http.MethodPost, Path: "/v1/accounts/" + f.Account + "/users/" + user + "/invite", Header: header,
		User: "admin", Permissions: p,
	})
}

func TestInvitesUserOnce(t *testing.T) {
	f := newFixture(t)
	if err := f.mailed("ada", "ada@acme.test"); err != nil {
		t.Fatal(err)
	}
	key := map[string]string{"Idempotency-Key": "one"}
	first := f.invite(t, "ada", key, auth.DirectoryManage)
	if first.Status != http.StatusAccepted {
		t.Fatalf("%d %s", first.Status, first.Body)
	}
	if again := f.invite(t, "ada", key, auth.DirectoryManage); again.Status != http.StatusAccepted ||
		string(again.Body) != string(first.Body) {
		t.Errorf("repeated: %d %s, was %s", again.Status, again.Body, first.Body)
	}
	ada := signin.Person{Account: f.Account, User: "ada", Name: "Person ada", Email: "ada@acme.test"}
	if diff := cmp.Diff([]signin.Person{ada}, f.Invited.All()); diff != "" {
		t.Errorf("invited (-want +got):\n%s", diff)
	}
	page, err := f.Env.Table.Query(t.Context(), table.Query{
		Index: table.Index1, Partition: call.Partition(f.Account, "AUDIT"), Backwards: true, Limit: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	last, err := call.Decode[call.AuditRecord](page.Items[0])
	if err != nil || last.Action != "user.invited" || last.User != "ada" || last.Actor != "admin" {
		t.Errorf("audit: %+v, %v", last, err)
	}
	later := f.invite(t, "ada", nil, auth.DirectoryManage)
	if asked := len(f.Invited.All()); later.Status != http.StatusAccepted || asked != 2 {
		t.Errorf("invited again: %d, and the provider was asked %d times", later.Status, asked)
	}
}

// TestDryRunInvitesNobody: what leaves the table must not happen in a dry run.
func TestDryRunInvitesNobody(t *testing.T) {
	f := newFixture(t)
	if err := f.mailed("ada", "ada@acme.test"); err != nil {
		t.Fatal(err)
	}
	got := f.Do(t, api.Serve(f.Env, f.s.InvitationRoutes).HTTP, fixtures.Request{
		Method: http.MethodPost, Path: "/v1/accounts/" + f.Account + "/users/ada/invite?dryRun=true",
		User: "admin", Permissions: []auth.Permission{auth.DirectoryManage},
	})
	if got.Status != http.StatusOK || len(f.Invited.All()) != 0 {
		t.Errorf("%d %s, invited %v", got.Status, got.Body, f.Invited.All())
	}
}

func TestInvitationsThatAreRefused(t *testing.T) {
	f := newFixture(t)
	put := func(u User) {
		t.Helper()
		if _, err := f.s.PutUser(t.Context(), f.Call("admin"), u); err != nil {
			t.Fatal(err)
		}
	}
	put(User{ID: "root", Name: "Root", Email: "root@acme.test", Active: true, RoleIDs: []string{SuperAdmin}})
	put(User{ID: "gone", Name: "Gone", Email: "gone@acme.test"})
	put(User{ID: "mute", Name: "Mute", Active: true})
	put(User{ID: "ada", Name: "Ada", Email: "ada@acme.test", Active: true})
	for name, one := range map[string]struct {
		user        string
		permissions []auth.Permission
		status      int
	}{
		"without the permission":           {"ada", []auth.Permission{auth.DirectoryRead}, http.StatusForbidden},
		"of who is not there":              {"nobody", []auth.Permission{auth.DirectoryManage}, http.StatusNotFound},
		"of who is not active":             {"gone", []auth.Permission{auth.DirectoryManage}, http.StatusConflict},
		"of who has no address":            {"mute", []auth.Permission{auth.DirectoryManage}, http.StatusConflict},
		"of who may do more than who asks": {"root", []auth.Permission{auth.DirectoryManage}, http.StatusForbidden},
	} {
		if got := f.invite(t, one.user, nil, one.permissions...); got.Status != one.status {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
	if asked := f.Invited.All(); len(asked) != 0 {
		t.Errorf("the provider was asked for %v", asked)
	}
	if got := f.invite(t, "root", nil, auth.Permissions()...); got.Status != http.StatusAccepted {
		t.Errorf("by who may do as much: %d %s", got.Status, got.Body)
	}
	f.Invited.Refuse = signin.ErrTaken
	key := map[string]string{"Idempotency-Key": "taken"}
	if got := f.invite(t, "ada", key, auth.DirectoryManage); got.Status != http.StatusConflict {
		t.Errorf("an address of somebody else: %d %s", got.Status, got.Body)
	}
	f.Invited.Refuse = nil
	if got := f.invite(t, "ada", key, auth.DirectoryManage); got.Status != http.StatusAccepted {
		t.Errorf("a key whose request was refused is kept: %d %s", got.Status, got.Body)
	}
	f.Env.SignIn = nil
	if got := f.invite(t, "ada", nil, auth.DirectoryManage); got.Status != http.StatusConflict {
		t.Errorf("where another provider is named: %d %s", got.Status, got.Body)
	}
}
