package access_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"seatwise/infra/registry"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/table"
)

// desk is an account with a directory.
type desk struct {
	*fixtures.Fixture
	api http.Handler
}

type object = map[string]any

func open(t *testing.T) *desk {
	t.Helper()
	return over(fixtures.New(t))
}

func over(k *fixtures.Fixture) *desk {
	f := registry.One(
		k.Env, "DirectoryFunction", "LicensesFunction", "PurchaseFunction", "AssignmentFunction", "AuditFunction",
		"BillingFunction", "StatementFunction", "UsageFunction", "RequestsFunction",
	)
	return &desk{Fixture: k, api: f.HTTP}
}

// admin is a request of who may do everything in the directory.
func (d *desk) admin(t *testing.T, method, path string, body any) {
	t.Helper()
	r := fixtures.Request{
		Method: method, Path: "/v1/accounts/acme" + path, Body: body,
		User: "root", Permissions: auth.Permissions(),
	}
	if got := d.Do(t, d.api, r); got.Status >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, got.Status, got.Body)
	}
}

func (d *desk) role(t *testing.T, id string, permissions ...auth.Permission) {
	t.Helper()
	d.admin(t, "PUT", "/roles/"+id, object{"name": id, "permissions": append([]auth.Permission{}, permissions...)})
}

func (d *desk) person(t *testing.T, id string, active bool, roles ...string) {
	t.Helper()
	d.admin(t, "PUT", "/users/"+id, object{"name": id, "active": active, "roleIds": append([]string{}, roles...)})
}

// send is a request of ann's, whose token leaves the permissions to the directory.
func (d *desk) send(t *testing.T, method, path string, body any) fixtures.Response {
	t.Helper()
	if !strings.HasPrefix(path, "/v1/") {
		path = "/v1/accounts/acme" + path
	}
	return d.Do(t, d.api, fixtures.Request{Method: method, Path: path, Body: body, User: "ann", ByRoles: true})
}

func (d *desk) wants(t *testing.T, status int, method, path string, body any) {
	t.Helper()
	if got := d.send(t, method, path, body); got.Status != status {
		t.Fatalf("%s %s: %d, want %d: %s", method, path, got.Status, status, got.Body)
	}
}

// TestPermissionsAreThoseOfTheRoles follows a person from stranger to super-admin and out again:
// each change counts from the next request on.
func TestPermissionsAreThoseOfTheRoles(t *testing.T) {
	d := open(t)
	d.wants(t, 403, "GET", "/users", nil) // who is not in the directory
	d.person(t, "ann", true)
	d.wants(t, 403, "GET", "/users", nil)
	d.role(t, "reader", auth.DirectoryRead)
	d.person(t, "ann", true, "reader")
	d.wants(t, 200, "GET", "/users", nil)
	d.wants(t, 200, "GET", "/users/ann", nil)
	d.wants(t, 403, "PUT", "/users/bob", object{"name": "Bob"})
	d.wants(t, 403, "PUT", "/users/bob", object{"nonsense": true}) // before the body is judged
	d.wants(t, 403, "PUT", "/users/bob", "no JSON")
	d.wants(t, 403, "GET", "/v1/catalog", nil)
	d.role(t, "reader", auth.DirectoryRead, auth.CatalogRead)
	d.wants(t, 200, "GET", "/v1/catalog", nil)
	d.role(t, "reader", auth.CatalogRead)
	d.wants(t, 403, "GET", "/users", nil)
	d.person(t, "ann", true, "super-admin")
	d.wants(t, 201, "PUT", "/users/bob", object{"name": "Bob"})
	if got := string(d.send(t, "GET", "/v1/me", nil).Body); !strings.Contains(got, "billing.purchase") ||
		strings.Contains(got, "accounts.manage") {
		t.Errorf("a super-admin may %s", got)
	}
	d.person(t, "bob", true, "super-admin") // the last one cannot leave
	d.person(t, "ann", false, "super-admin")
	d.wants(t, 403, "GET", "/users", nil)
	d.wants(t, 403, "GET", "/v1/me", nil)
}

// TestRolesBeyondAPage gives the role that counts after a thousand others.
func TestRolesBeyondAPage(t *testing.T) {
	d := open(t)
	for n := range table.MaxPage {
		d.role(t, fmt.Sprintf("a%04d", n))
	}
	d.role(t, "z", auth.DirectoryRead)
	d.person(t, "ann", true, "z")
	d.wants(t, 200, "GET", "/users", nil)
}

// TestTheDeactivatedAreRefused whatever their token carries.
func TestTheDeactivatedAreRefused(t *testing.T) {
	d := open(t)
	d.person(t, "ann", true)
	may := fixtures.Request{
		Method:      "GET",
		Path:        "/v1/accounts/acme/users",
		User:        "ann",
		Permissions: auth.Permissions(),
	}
	if got := d.Do(t, d.api, may); got.Status != 200 {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	d.person(t, "ann", false)
	for _, path := range []string{"/v1/accounts/acme/users", "/v1/accounts/acme/users/ann", "/v1/catalog", "/v1/me"} {
		may.Path = path
		fixtures.Problem(t, d.Do(t, d.api, may), 403, "forbidden")
	}
	may.Account, may.Path = fixtures.Other, "/v1/accounts/acme/users"
	if got := d.Do(t, d.api, may); got.Status != 200 {
		t.Errorf("an operator of the same id: %d %s", got.Status, got.Body)
	}
	may.Account = fixtures.Account // whose ann is deactivated
	may.Path = "/v1/accounts/" + fixtures.Other + "/users"
	fixtures.Problem(t, d.Do(t, d.api, may), 403, "forbidden")
}

// TestACommitDemandsWhatAllowedIt changes the role, or the person, between read and commit.
func TestACommitDemandsWhatAllowedIt(t *testing.T) {
	for what, c := range map[string]struct {
		meanwhile func(t *testing.T, d *desk)
		status    int
	}{
		"role loses it":      {func(t *testing.T, d *desk) { t.Helper(); d.role(t, "editor", auth.DirectoryRead) }, 403},
		"role is taken away": {func(t *testing.T, d *desk) { t.Helper(); d.person(t, "ann", true) }, 403},
		"deactivated":        {func(t *testing.T, d *desk) { t.Helper(); d.person(t, "ann", false, "editor") }, 403},
		"still allowed": {func(t *testing.T, d *desk) {
			t.Helper()
			d.role(t, "editor", auth.DirectoryManage, auth.AuditRead)
		}, 201},
		"nothing": {func(*testing.T, *desk) {}, 201},
	} {
		t.Run(what, func(t *testing.T) {
			k := fixtures.New(t)
			before := &meddled{Store: k.Env.Table}
			k.Env.Table = before
			d := over(k)
			d.role(t, "editor", auth.DirectoryManage)
			d.person(t, "ann", true, "editor")
			before.meddle.Store(&meddling{func() { c.meanwhile(t, d) }})
			d.wants(t, c.status, "PUT", "/users/bob", object{"name": "Bob"})
			r := fixtures.Request{
				Method: "GET", Path: "/v1/accounts/acme/users/bob", User: "root", Permissions: auth.Permissions(),
			}
			if got := d.Do(t, d.api, r); (got.Status == 200) != (c.status == 201) {
				t.Errorf("after %d: %d %s", c.status, got.Status, got.Body)
			}
		})
	}
}

// TestACommitDemandsWhatItGives takes from a caller, between read and commit, what they are giving
// away, and leaves them what lets them change roles.
func TestACommitDemandsWhatItGives(t *testing.T) {
	for what, meanwhile := range map[string]func(t *testing.T, d *desk){
		"role is taken away": func(t *testing.T, d *desk) { t.Helper(); d.person(t, "ann", true, "editor") },
		"role loses it":      func(t *testing.T, d *desk) { t.Helper(); d.role(t, "rich", auth.UsageRead) },
	} {
		for path, body := range map[string]object{
			"/roles/gift": {"name": "Gift", "permissions": []string{"audit.read"}},
			"/users/bob":  {"name": "Bob", "roleIds": []string{"auditor"}},
		} {
			t.Run(what+path, func(t *testing.T) {
				k := fixtures.New(t)
				before := &meddled{Store: k.Env.Table}
				k.Env.Table = before
				d := over(k)
				d.role(t, "auditor", auth.AuditRead)
				d.role(t, "editor", auth.DirectoryManage)
				d.role(t, "rich", auth.AuditRead)
				d.person(t, "ann", true, "editor", "rich")
				before.meddle.Store(&meddling{func() { meanwhile(t, d) }})
				d.wants(t, 403, "PUT", path, body)
			})
		}
	}
}

type meddling struct{ do func() }

// meddled does something before the next commit, once.
type meddled struct {
	table.Store
	meddle atomic.Pointer[meddling]
}

func (m *meddled) Commit(ctx context.Context, ops []table.Operation) error {
	if now := m.meddle.Swap(nil); now != nil {
		now.do()
	}
	return m.Store.Commit(ctx, ops) //nolint:wrapcheck // it stands for the store
}

// TestTheDirectoryIsReadBeside holds that nobody waits longer for it: as many rounds of reads as
// without.
func TestTheDirectoryIsReadBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := fixtures.New(t)
		d := over(k)
		d.role(t, "reader", auth.DirectoryRead, auth.LicensesRead)
		d.person(t, "ann", true, "reader")
		made := &fixtures.Rounds{Store: k.Env.Table}
		k.Env.Table = made
		d = over(k)
		d.wants(t, 200, "GET", "/users/ann", nil) // the first request of a process asks for the account too
		for _, path := range []string{"/users", "/users/ann", "/licenses", "/v1/me"} {
			named := fixtures.Request{Method: "GET", Path: path, User: "bob", Permissions: auth.Permissions()}
			if path != "/v1/me" {
				named.Path = "/v1/accounts/acme" + path
			}
			made.Take()
			d.Do(t, d.api, named)
			without := made.Take().Reads
			d.wants(t, 200, "GET", path, nil)
			if took := made.Take(); took.Reads != without {
				t.Errorf(
					"%s took %d rounds of reads, and %d when the token names the permissions",
					path,
					took.Reads,
					without,
				)
			}
		}
	})
}

// TestNobodyGoesBeyondWhatTheyHold tries each way to give or take a permission: of somebody whose
// roles are in the directory, and of a token that names the same permissions.
func TestNobodyGoesBeyondWhatTheyHold(t *testing.T) {
	for how, byRoles := range map[string]bool{"by roles": true, "by token": false} {
		t.Run(how, func(t *testing.T) {
			d := open(t)
			d.role(t, "clerk", auth.DirectoryManage, auth.DirectoryRead)
			d.role(t, "reader", auth.DirectoryRead)
			d.role(t, "auditor", auth.AuditRead)
			d.person(t, "ann", true, "clerk")
			d.person(t, "boss", true, "super-admin")
			d.person(t, "chief", true, "super-admin")
			d.person(t, "lou", true, "auditor")
			d.person(t, "eve", true)
			for _, c := range []struct {
				status       int
				method, path string
				body         object
			}{
				{200, "PATCH", "/users/eve", object{"roleIds": []string{"reader"}}},
				{403, "PATCH", "/users/eve", object{"roleIds": []string{"auditor"}}},
				{403, "PATCH", "/users/ann", object{"roleIds": []string{"super-admin"}}},
				{403, "PUT", "/users/new", object{"name": "New", "roleIds": []string{"super-admin"}}},
				{201, "PUT", "/users/idle", object{"name": "Idle", "active": false, "roleIds": []string{"auditor"}}},
				{403, "PATCH", "/users/idle", object{"active": true}},
				{403, "PATCH", "/users/lou", object{"roleIds": []string{}}},
				{403, "PATCH", "/users/boss", object{"active": false}},
				{403, "DELETE", "/users/boss", nil},
				{200, "PATCH", "/users/boss", object{"name": "The Boss"}},
				{403, "PUT", "/roles/mine", object{"name": "Mine", "permissions": []string{"audit.read"}}},
				{201, "PUT", "/roles/mine", object{"name": "Mine", "permissions": []string{"directory.read"}}},
				{403, "PATCH", "/roles/mine", object{"permissions": []string{"directory.read", "billing.purchase"}}},
				{403, "PATCH", "/roles/clerk", object{"permissions": []string{"directory.manage", "usage.read"}}},
				{403, "PATCH", "/roles/auditor", object{"permissions": []string{}}},
				{200, "PATCH", "/roles/auditor", object{"name": "Auditors"}},
				{204, "DELETE", "/roles/mine", nil},
			} {
				r := fixtures.Request{
					Method: c.method, Path: "/v1/accounts/acme" + c.path, User: "ann", ByRoles: byRoles,
					Permissions: []auth.Permission{auth.DirectoryManage, auth.DirectoryRead},
				}
				if c.body != nil {
					r.Body = c.body
				}
				if got := d.Do(t, d.api, r); got.Status != c.status {
					t.Errorf("%s %s %v: %d, want %d: %s", c.method, c.path, c.body, got.Status, c.status, got.Body)
				}
			}
		})
	}
}
