package access_test

import (
	"strings"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/auth"
)

// limited puts ann into the directory as an admin of some cost centers, which there are.
func (d *desk) limited(t *testing.T, codes ...string) {
	t.Helper()
	for _, code := range []string{"north", "south", "west"} {
		d.admin(t, "PUT", "/cost-centers/"+code, object{"name": code})
	}
	d.admin(t, "PUT", "/users/ann", object{
		"name": "ann", "roleIds": []string{"super-admin"}, "adminOfCostCenters": append([]string{}, codes...),
	})
}

// TestAnAdminOfSomeCostCenters is one from the very next request on: what is not theirs alone is
// refused, and /v1/me says of what they are admin, by the directory and by the token.
func TestAnAdminOfSomeCostCenters(t *testing.T) {
	d := open(t)
	d.person(t, "root", true, "super-admin")
	me := func(r fixtures.Request) string {
		t.Helper()
		r.Method, r.Path, r.User = "GET", "/v1/me", "ann"
		got := string(d.Do(t, d.api, r).Body)
		_, after, _ := strings.Cut(got, `"costCenters":`)
		return strings.TrimSuffix(strings.TrimSpace(after), "}")
	}
	roles := fixtures.Request{ByRoles: true}
	carried := fixtures.Request{Permissions: auth.Permissions()}
	limited := fixtures.Request{ByRoles: true, Limit: auth.LimitTo("north", "west")}
	for _, step := range []struct {
		codes                     []string
		byRoles, carried, byToken string
		status                    int
	}{
		{nil, "", "", `["north","west"]`, 200},
		{[]string{"south", "north"}, `["north","south"]`, `["north","south"]`, `["north"]`, 403},
		{[]string{"south"}, `["south"]`, `["south"]`, `[]`, 403},
		{nil, "", "", `["north","west"]`, 200},
	} {
		d.limited(t, step.codes...)
		for who, got := range map[string][2]string{
			"by roles":          {me(roles), step.byRoles},
			"token with rights": {me(carried), step.carried},
			"limited by both":   {me(limited), step.byToken},
		} {
			if got[0] != got[1] {
				t.Errorf("admin of %q, %s: %s, want %s", step.codes, who, got[0], got[1])
			}
		}
		d.wants(t, step.status, "GET", "/roles", nil)
		d.wants(t, step.status, "GET", "/roles/super-admin", nil)
		d.wants(t, 200, "GET", "/v1/catalog", nil)
		r := fixtures.Request{
			Method: "GET", Path: "/v1/accounts/acme/roles", User: "ann", Permissions: auth.Permissions(),
		}
		if got := d.Do(t, d.api, r); got.Status != step.status {
			t.Errorf("admin of %q, by a token with rights: %d %s", step.codes, got.Status, got.Body)
		}
		r.Limit = auth.LimitTo()
		fixtures.Problem(t, d.Do(t, d.api, r), 403, "forbidden")
	}
}

// TestOperatorsAreNotLimitedByTheirOwnDirectory in the account of a customer, whose codes are others;
// a limit of their token holds everywhere.
func TestOperatorsAreNotLimitedByTheirOwnDirectory(t *testing.T) {
	d := open(t)
	d.person(t, "root", true, "super-admin")
	d.limited(t, "north")
	r := fixtures.Request{
		Method: "GET", Path: "/v1/accounts/" + fixtures.Other + "/roles", User: "ann", Permissions: auth.Permissions(),
	}
	if got := d.Do(t, d.api, r); got.Status != 200 {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	r.Limit = auth.LimitTo("north")
	fixtures.Problem(t, d.Do(t, d.api, r), 403, "forbidden")
}

// TestNobodyMovesALimitBeyondWhatTheyHold: who has it ended may do more than before, so whoever ends
// or begins one holds what the other's roles allow.
func TestNobodyMovesALimitBeyondWhatTheyHold(t *testing.T) {
	d := open(t)
	d.role(t, "clerk", auth.DirectoryManage, auth.DirectoryRead)
	d.role(t, "auditor", auth.AuditRead)
	d.person(t, "root", true, "super-admin")
	d.person(t, "boss", true, "super-admin")
	d.person(t, "eve", true, "auditor")
	d.person(t, "sam", true)
	d.limited(t)
	d.person(t, "ann", true, "clerk")
	limit := func(codes ...string) object { return object{"adminOfCostCenters": append([]string{}, codes...)} }
	d.wants(t, 403, "PATCH", "/users/eve", limit("north"))
	d.admin(t, "PATCH", "/users/eve", limit("north"))
	d.wants(t, 403, "PATCH", "/users/eve", limit())
	d.wants(t, 403, "PATCH", "/users/eve", limit("north", "south"))
	d.wants(t, 200, "PATCH", "/users/eve", object{"name": "Eve"})
	d.wants(t, 200, "PATCH", "/users/sam", limit("north"))
	d.wants(t, 200, "PATCH", "/users/ann", limit("north"))
	d.wants(t, 403, "PATCH", "/users/ann", limit())
	d.wants(t, 403, "PUT", "/users/ann", object{"name": "ann", "adminOfCostCenters": nil})
}

// TestTheLastSuperAdminOfTheWholeAccount can be no admin of some cost centers: nobody could end it.
func TestTheLastSuperAdminOfTheWholeAccount(t *testing.T) {
	d := open(t)
	d.limited(t)
	try := func(body object) fixtures.Response {
		return d.Do(t, d.api, fixtures.Request{
			Method: "PATCH", Path: "/v1/accounts/acme/users/ann", Body: body,
			User: "x", Permissions: auth.Permissions(),
		})
	}
	north := object{"adminOfCostCenters": []string{"north"}}
	fixtures.Problem(t, try(north), 409, "wrong-state")
	d.person(t, "boss", true, "super-admin")
	if got := try(north); got.Status != 200 {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	r := fixtures.Request{
		Method: "DELETE", Path: "/v1/accounts/acme/users/boss", User: "x", Permissions: auth.Permissions(),
	}
	fixtures.Problem(t, d.Do(t, d.api, r), 409, "wrong-state")
}
