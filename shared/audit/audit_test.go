package audit_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/audit"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

const (
	licenseA = "0d5c0000-0000-4000-8000-00000000000a"
	licenseB = "0d5c0000-0000-4000-8000-00000000000b"
)

// written puts six records a minute apart from each other into the account: what happened, by name.
func written(t *testing.T, fixture *fixtures.Fixture) {
	t.Helper()
	for _, r := range []struct {
		actor  string
		change call.AuditEntry
	}{
		{"ann", call.AuditEntry{
			Action: "order.placed", Subject: "order", SubjectID: "o1", After: map[string]int{"licenses": 2},
		}},
		{"ann", call.AuditEntry{Action: "a.assigned", Subject: "license", SubjectID: licenseA, User: "zoe"}},
		{"ben", call.AuditEntry{
			Action: "a.unassigned", Subject: "license", SubjectID: licenseA, User: "zoe", Reason: "order o1",
		}},
		{"ben", call.AuditEntry{Action: "b.assigned", Subject: "license", SubjectID: licenseB, User: "zoe"}},
		{"ann", call.AuditEntry{
			Action: "a.reassigned", Subject: "license", SubjectID: licenseA, User: "yan", Before: "zoe", After: "yan",
		}},
		{"usage-aggregation", call.AuditEntry{Action: "user.put", Subject: "user", SubjectID: "zoe", User: "zoe"}},
	} {
		c := fixture.Call(r.actor)
		op, err := c.Audit(r.change)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Commit(t.Context(), call.Answer{}, op); err != nil {
			t.Fatal(err)
		}
		fixture.Clock.Add(time.Minute)
	}
}

func TestList(t *testing.T) {
	fixture := fixtures.New(t)
	handler := serve(t, fixture)
	written(t, fixture)
	at := func(minute int) string {
		return url.QueryEscape(fixtures.Start.Add(time.Duration(minute) * time.Minute).Format(time.RFC3339))
	}
	for _, test := range []struct {
		name, query string
		want        []string
	}{
		{
			"all, newest first", "",
			[]string{"user.put", "a.reassigned", "b.assigned", "a.unassigned", "a.assigned", "order.placed"},
		},
		{"a license", "license=" + licenseA, []string{"a.reassigned", "a.unassigned", "a.assigned"}},
		{"a user", "user=zoe", []string{"user.put", "b.assigned", "a.unassigned", "a.assigned"}},
		{"an actor", "actor=ben", []string{"b.assigned", "a.unassigned"}},
		{"a function", "actor=usage-aggregation", []string{"user.put"}},
		{"a license and a user", "license=" + licenseA + "&user=zoe", []string{"a.unassigned", "a.assigned"}},
		{"a user and an actor", "user=zoe&actor=ann", []string{"a.assigned"}},
		{"from is inclusive, to exclusive", "from=" + at(1) + "&to=" + at(3), []string{"a.unassigned", "a.assigned"}},
		{"a license in a span", "license=" + licenseA + "&from=" + at(2), []string{"a.reassigned", "a.unassigned"}},
		{"a zone other than UTC", "to=" + url.QueryEscape(fixtures.Start.Add(time.Minute).In(time.FixedZone("", 7200)).Format(time.RFC3339)), []string{"order.placed"}},
		{"a day", "from=2026-07-15&to=2026-07-16&actor=ben", []string{"b.assigned", "a.unassigned"}},
		{"a later day", "from=2026-07-16", []string{}},
		{"an action", "action=a.unassigned", []string{"a.unassigned"}},
		{"an action of an actor", "actor=ann&action=order.placed", []string{"order.placed"}},
		{"an action of nobody", "actor=ben&action=order.placed", []string{}},
		{
			"oldest first", "order=oldest",
			[]string{"order.placed", "a.assigned", "a.unassigned", "b.assigned", "a.reassigned", "user.put"},
		},
		{
			"a user, oldest first", "order=oldest&user=zoe",
			[]string{"a.assigned", "a.unassigned", "b.assigned", "user.put"},
		},
		{"a license of nobody", "license=0d5c0000-0000-4000-8000-00000000000c", []string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, limit := range []int{1, 2, 50} {
				if got := actions(t, fixture, handler, test.query, limit); !slices.Equal(got, test.want) {
					t.Errorf("limit %d: got %q, want %q", limit, got, test.want)
				}
			}
		})
	}
}

// actions reads a list to its end.
func actions(t *testing.T, fixture *fixtures.Fixture, handler http.Handler, query string, limit int) []string {
	t.Helper()
	got, cursor := []string{}, ""
	for range 20 {
		page := fixtures.Decode[api.List[call.AuditRecord]](
			t,
			fixture.Do(t, handler, read(fmt.Sprintf("%s&limit=%d&cursor=%s", query, limit, cursor))),
			http.StatusOK,
		)
		if len(page.Items) > limit {
			t.Fatalf("%d items in a page of %d", len(page.Items), limit)
		}
		for _, r := range page.Items {
			got = append(got, r.Action)
		}
		if cursor = page.NextCursor; cursor == "" {
			return got
		}
	}
	t.Fatal("the list does not end")
	return nil
}

func read(query string) fixtures.Request {
	return fixtures.Request{
		Method:      http.MethodGet,
		Path:        "/v1/accounts/acme/audit?" + query,
		User:        "ann",
		Permissions: []auth.Permission{auth.AuditRead},
	}
}

func TestRecordIsShownWhole(t *testing.T) {
	fixture := fixtures.New(t)
	handler := serve(t, fixture)
	written(t, fixture)
	page := fixtures.Decode[api.List[map[string]any]](t, fixture.Do(t, handler, read("user=yan")), http.StatusOK)
	if len(page.Items) != 1 {
		t.Fatalf("got %v", page.Items)
	}
	got := page.Items[0]
	for field, want := range map[string]any{
		"actor": "ann", "action": "a.reassigned", "subject": "license:" + licenseA, "user": "yan", "reason": "request",
		"before": "zoe", "after": "yan",
		"at": fixtures.Start.Add(4 * time.Minute).Format(time.RFC3339),
	} {
		if got[field] != want {
			t.Errorf("%s is %v, want %v", field, got[field], want)
		}
	}
}

// What follows automatically names the person and the request that began it, and is found by that
// person (requirements, section 4).
func TestWhatFollowsIsFoundByWhoBeganIt(t *testing.T) {
	fixture := fixtures.New(t)
	handler := serve(t, fixture)
	began := fixture.Call("ada")
	for step, c := range map[string]*call.Call{
		"dashboard.put":      began,
		"license.unassigned": fixture.Call("directory").Because(began.Cause()),
		"license.assigned": fixture.Call("maintenance").Because(
			fixture.Call("directory").Because(began.Cause()).Cause(),
		),
		"report.requested": fixture.Call("report-schedule"),
	} {
		op, err := c.Audit(call.AuditEntry{Action: step, Subject: "thing", SubjectID: step})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Commit(t.Context(), call.Answer{}, op); err != nil {
			t.Fatal(err)
		}
	}
	page := fixtures.Decode[api.List[call.AuditRecord]](t, fixture.Do(t, handler, read("actor=ada")), http.StatusOK)
	if len(page.Items) != 3 {
		t.Fatalf("got %+v, want what ada did and what followed", page.Items)
	}
	for _, r := range page.Items {
		if direct := r.Action == "dashboard.put"; direct != (r.Cause == nil) {
			t.Errorf("%s has the cause %+v", r.Action, r.Cause)
		}
		if r.Cause != nil && *r.Cause != (call.Cause{Actor: "ada", RequestID: began.RequestID}) {
			t.Errorf("%s has the cause %+v, want ada's request %s", r.Action, r.Cause, began.RequestID)
		}
	}
	for actor, want := range map[string]int{"directory": 0, "report-schedule": 1} {
		if got := actions(t, fixture, handler, "actor="+actor, 50); len(got) != want {
			t.Errorf("actor=%s finds %q, want %d", actor, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	fixture := fixtures.New(t)
	handler := serve(t, fixture)
	written(t, fixture)
	for query, field := range map[string]string{
		"from=yesterday": "from", "to=2026-02-30": "to", "license=7": "license",
		"user=" + url.QueryEscape("a#b"): "user", "actor=" + url.QueryEscape("#"): "actor",
		"from=2026-07-16&to=2026-07-15": "to", "shade=red": "shade", "limit=0": "limit",
	} {
		p := fixtures.Problem(t, fixture.Do(t, handler, read(query)), http.StatusUnprocessableEntity, "validation")
		if len(p.Errors) != 1 || p.Errors[0].Field != field {
			t.Errorf("%s: got %+v, want the field %s", query, p.Errors, field)
		}
	}
	first := fixtures.Decode[api.List[call.AuditRecord]](t, fixture.Do(t, handler, read("limit=1")), http.StatusOK)
	for name, query := range map[string]string{
		"altered": "cursor=x" + first.NextCursor, "of another list": "user=zoe&cursor=" + first.NextCursor,
	} {
		t.Log(name)
		fixtures.Problem(t, fixture.Do(t, handler, read(query)), http.StatusBadRequest, "malformed-body")
	}
	lacking := read("")
	lacking.Permissions = []auth.Permission{auth.LicensesRead}
	fixtures.Problem(t, fixture.Do(t, handler, lacking), http.StatusForbidden, "forbidden")
	stranger := read("")
	stranger.Account = fixtures.Other
	fixtures.Problem(t, fixture.Do(t, handler, stranger), http.StatusNotFound, "not-found")
}

func TestAccountsAreApart(t *testing.T) {
	fixture := fixtures.New(t)
	handler := serve(t, fixture)
	written(t, fixture)
	r := read("")
	r.Account, r.Path = fixtures.Other, "/v1/accounts/"+fixtures.Other+"/audit?license="+licenseA
	if got := fixtures.Decode[api.List[call.AuditRecord]](
		t,
		fixture.Do(t, handler, r),
		http.StatusOK,
	); len(
		got.Items,
	) != 0 {
		t.Fatalf("another account's records: %+v", got.Items)
	}
}

// What belongs to no account is read by operators alone, as the runbook says (docs/operations.md).
func TestOperatorsReadWhatBelongsToNoAccount(t *testing.T) {
	fixture := fixtures.New(t)
	handler := serve(t, fixture)
	written(t, fixture)
	c := call.ForEvent(fixture.Env, call.Nowhere, "file-drop", "its key names no account", fixtures.Start)
	op, err := c.Audit(call.AuditEntry{
		Action:    "object.putAside",
		Subject:   "object",
		SubjectID: "o1",
		After:     map[string]any{"bucket": "drops", "key": "lost.xlsx"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := fixture.Env.Table.Commit(t.Context(), []table.Operation{op}); err != nil {
		t.Fatal(err)
	}
	ask := func(account string, permissions ...auth.Permission) fixtures.Response {
		return fixture.Do(t, handler, fixtures.Request{
			Method:      http.MethodGet,
			Path:        "/v1/accounts/-/audit?action=object.putAside",
			User:        "ops",
			Account:     account,
			Permissions: permissions,
		})
	}
	page := fixtures.Decode[api.List[call.AuditRecord]](
		t,
		ask("acme", auth.AccountsManage, auth.AuditRead),
		http.StatusOK,
	)
	if len(page.Items) != 1 || page.Items[0].Action != "object.putAside" ||
		page.Items[0].Reason != "its key names no account" ||
		!strings.Contains(string(page.Items[0].After), `"key":"lost.xlsx"`) {
		t.Fatalf("got %+v", page.Items)
	}
	fixtures.Problem(t, ask("acme", auth.AccountsManage), http.StatusForbidden, "forbidden")
	fixtures.Problem(t, ask("acme", auth.AuditRead), http.StatusNotFound, "not-found")
	fixtures.Problem(t, ask("-", auth.AuditRead), http.StatusNotFound, "not-found")
}

func serve(t *testing.T, fixture *fixtures.Fixture) http.Handler {
	t.Helper()
	return api.Serve(fixture.Env, audit.NewService(fixture.Env).Routes).HTTP
}
