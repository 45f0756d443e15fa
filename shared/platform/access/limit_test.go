package access_test

import (
	"slices"
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
	d.wants(t, 404, "PATCH", "/users/ann", limit()) // who is of no cost center of theirs any more
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

// office is an account in which ann is admin of north and south, by a role with every permission
// that she needs, and has people of their cost centers and of others.
func office(t *testing.T, k *fixtures.Fixture) *desk {
	t.Helper()
	d := over(k)
	d.limited(t)
	d.role(t, "clerk", auth.DirectoryManage, auth.DirectoryRead, auth.LicensesManage, auth.LicensesRead)
	d.role(t, "auditor", auth.AuditRead)
	d.person(t, "root", true, "super-admin")
	for id, center := range map[string]string{"nora": "north", "sara": "south", "wes": "west", "ann": "south"} {
		d.admin(t, "PUT", "/users/"+id, object{
			"name": id, "costCenter": center, "licenses": []string{"essential-user"},
		})
	}
	d.person(t, "lost", true)
	d.admin(t, "PATCH", "/users/ann", object{
		"roleIds": []string{"clerk"}, "adminOfCostCenters": []string{"north", "south"},
	})
	return d
}

// TestUsersOfAnAdminOfSomeCostCenters are those whose own cost center is theirs; others are not
// there, and nobody goes from theirs to others.
func TestUsersOfAnAdminOfSomeCostCenters(t *testing.T) {
	d := office(t, fixtures.New(t))
	for _, c := range []struct {
		status       int
		method, path string
		body         any
	}{
		{200, "GET", "/users/nora", nil},
		{404, "GET", "/users/wes", nil},
		{404, "GET", "/users/lost", nil},
		{404, "PUT", "/users/wes", object{"name": "Wes"}},
		{404, "PATCH", "/users/wes", object{"costCenter": "north"}},
		{404, "PATCH", "/users/lost", object{"name": "Lost"}},
		{404, "DELETE", "/users/wes", nil},
		{404, "GET", "/users/wes/licenses", nil},
		{200, "PATCH", "/users/nora", object{"name": "Nora"}},
		{200, "PATCH", "/users/nora", object{"costCenter": "south"}},
		{403, "PATCH", "/users/nora", object{"costCenter": "west"}},
		{403, "PATCH", "/users/nora", object{"costCenter": nil}},
		{403, "PUT", "/users/new", object{"name": "New"}},
		{403, "PUT", "/users/new", object{"name": "New", "costCenter": "west"}},
		{201, "PUT", "/users/new", object{"name": "New", "costCenter": "north"}},
		{204, "DELETE", "/users/new", nil},
	} {
		d.wants(t, c.status, c.method, c.path, c.body)
	}
	for query, want := range map[string]string{
		"": "ann nora sara", "?q=wes": "", "?q=sara": "sara", "?id=wes&id=sara": "sara", "?role=clerk": "ann",
		"?role=super-admin": "",
	} {
		if got := d.ids(t, "/users"+query); got != want {
			t.Errorf("users%s: %q, want %q", query, got, want)
		}
	}
	d.admin(t, "PATCH", "/users/ann", object{"adminOfCostCenters": []string{"south"}})
	d.admin(t, "PATCH", "/users/nora", object{"costCenter": "north"})
	d.wants(t, 404, "GET", "/users/nora", nil) // from the very next request on
}

// ids are those of a list as ann reads it.
func (d *desk) ids(t *testing.T, path string) string {
	t.Helper()
	list := fixtures.Decode[struct {
		Items []struct {
			ID     string `json:"id"`
			UserID string `json:"userId"`
		} `json:"items"`
	}](t, d.send(t, "GET", path, nil), 200)
	var ids []string
	for _, item := range list.Items {
		if item.UserID != "" {
			item.ID = item.UserID
		}
		ids = append(ids, item.ID)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// TestLicensesOfAnAdminOfSomeCostCenters are those charged to theirs; others are not there.
func TestLicensesOfAnAdminOfSomeCostCenters(t *testing.T) {
	d := office(t, fixtures.New(t))
	for query, want := range map[string]string{
		"": "ann nora sara", "?user=wes": "", "?q=wes": "", "?status=assigned": "ann nora sara",
		"?product=essential-user&user=nora": "nora",
	} {
		if got := d.ids(t, "/licenses"+query); got != want {
			t.Errorf("licenses%s: %q, want %q", query, got, want)
		}
	}
	all := fixtures.Decode[struct {
		Items []struct{ ID, UserID string }
	}](t, d.Do(t, d.api, fixtures.Request{
		Method: "GET", Path: "/v1/accounts/acme/licenses", User: "root", Permissions: auth.Permissions(),
	}), 200)
	if len(all.Items) != 4 {
		t.Fatalf("%+v", all)
	}
	for _, l := range all.Items {
		want := 200
		if l.UserID == "wes" {
			want = 404
		}
		d.wants(t, want, "GET", "/licenses/"+l.ID, nil)
	}
}

// TestAnAdminOfSomeCostCentersRaisesNobody: what they give and take is for their cost centers, and
// they end no limit, their own least of all.
func TestAnAdminOfSomeCostCentersRaisesNobody(t *testing.T) {
	d := office(t, fixtures.New(t))
	limit := func(codes ...string) object { return object{"adminOfCostCenters": append([]string{}, codes...)} }
	clerk := func(codes ...string) object {
		body := limit(codes...)
		body["roleIds"] = []string{"clerk"}
		return body
	}
	d.admin(t, "PUT", "/users/chief", object{"name": "Chief", "costCenter": "north", "roleIds": []string{"clerk"}})
	for _, c := range []struct {
		status int
		user   string
		body   object
	}{
		{403, "ann", limit()},
		{403, "ann", object{"adminOfCostCenters": nil}},
		{403, "ann", limit("north", "south", "west")},
		{403, "ann", object{"roleIds": []string{"super-admin"}}},
		{403, "nora", object{"roleIds": []string{"clerk"}}}, // who would be one everywhere
		{403, "nora", clerk("north", "west")},
		{403, "nora", clerk()},
		{200, "nora", clerk("north")},
		{403, "nora", limit()},
		{403, "nora", limit("north", "west")},
		{200, "nora", limit("south", "north")},
		{200, "nora", clerk("north")},
		{200, "nora", object{"roleIds": []string{}}},
		{403, "nora", limit()},
		{403, "chief", limit("north")}, // takes what is beyond theirs
		{403, "chief", object{"roleIds": []string{}}},
		{403, "chief", object{"active": false}},
		{200, "chief", object{"name": "The Chief"}},
		{200, "sara", object{"active": false}},
	} {
		d.wants(t, c.status, "PATCH", "/users/"+c.user, c.body)
	}
	d.wants(t, 403, "PUT", "/users/ann", object{"name": "ann", "costCenter": "south", "adminOfCostCenters": nil})
	d.wants(t, 200, "PUT", "/users/ann", object{"name": "ann", "costCenter": "south"}) // what is left out stays
	d.wants(t, 403, "DELETE", "/users/chief", nil)
	d.wants(t, 200, "PATCH", "/users/ann", limit("south"))
	d.wants(t, 403, "PATCH", "/users/ann", limit("north", "south"))
	d.wants(t, 403, "DELETE", "/users/ann", nil) // the limit would go with her, and her token stay
	d.wants(t, 403, "PUT", "/roles/clerk", object{"name": "Clerk", "permissions": []string{"billing.read"}})
}

// TestACommitDemandsTheLimit changes it between read and commit, and the user's cost center.
func TestACommitDemandsTheLimit(t *testing.T) {
	for what, byRoles := range map[string]bool{"by roles": true, "by a token that names permissions": false} {
		for to, status := range map[string]int{"south": 404, "west": 404, "north": 200} {
			t.Run(what+" "+to, func(t *testing.T) {
				k := fixtures.New(t)
				before := &meddled{Store: k.Env.Table}
				k.Env.Table = before
				d := office(t, k)
				before.meddle.Store(&meddling{func() {
					d.admin(t, "PATCH", "/users/ann", object{"adminOfCostCenters": []string{to}})
				}})
				r := fixtures.Request{
					Method: "PATCH", Path: "/v1/accounts/acme/users/nora", Body: object{"name": "Nora"},
					User: "ann", ByRoles: byRoles, Permissions: []auth.Permission{auth.DirectoryManage},
				}
				if got := d.Do(t, d.api, r); got.Status != status {
					t.Errorf("%d, want %d: %s", got.Status, status, got.Body)
				}
			})
		}
	}
}
