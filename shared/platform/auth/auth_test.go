package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/problem"
)

func TestAllowed(t *testing.T) {
	const none problem.Slug = ""
	zoe := auth.Principal{
		User:        "zoe",
		Account:     "acme",
		Permissions: auth.SetOf(auth.LicensesRead, auth.LiveReportsFull),
	}
	operator := auth.Principal{
		User:        "op",
		Account:     "provider",
		Permissions: auth.SetOf(auth.AccountsManage, auth.LicensesRead),
	}
	tests := []struct {
		name    string
		who     auth.Principal
		account string
		anyOf   []auth.Permission
		want    problem.Slug
	}{
		{"own account and permission", zoe, "acme", []auth.Permission{auth.LicensesRead}, none},
		{"one of several is enough", zoe, "acme", []auth.Permission{auth.LicensesManage, auth.LicensesRead}, none},
		{"permission missing", zoe, "acme", []auth.Permission{auth.LicensesManage}, problem.Forbidden},
		{"full includes view", zoe, "acme", []auth.Permission{auth.LiveReportsView}, none},
		{"no permission asked", zoe, "acme", nil, none},
		{"no account asked", zoe, "", []auth.Permission{auth.LicensesRead}, none},
		{"no account asked, permission missing", zoe, "", []auth.Permission{auth.CatalogRead}, problem.Forbidden},
		{"another account", zoe, "umbrella", []auth.Permission{auth.LicensesRead}, problem.NotFound},
		{
			"another account before the permission",
			zoe,
			"umbrella",
			[]auth.Permission{auth.LicensesManage},
			problem.NotFound,
		},
		{"accounts compare by case", zoe, "Acme", []auth.Permission{auth.LicensesRead}, problem.NotFound},
		{"an operator enters", operator, "acme", []auth.Permission{auth.LicensesRead}, none},
		{
			"an operator needs the permission too",
			operator,
			"acme",
			[]auth.Permission{auth.LicensesManage},
			problem.Forbidden,
		},
		{"nobody", auth.Principal{}, "acme", []auth.Permission{auth.LicensesRead}, problem.Unauthorized},
		{"nobody without an account", auth.Principal{}, "", nil, problem.Unauthorized},
		{
			"a principal without an account",
			auth.Principal{User: "zoe", Permissions: auth.SetOf(auth.LicensesRead)},
			"",
			nil,
			problem.Unauthorized,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := auth.Allowed(test.who, test.account, test.anyOf...)
			if test.want == none {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if !problem.Is(err, test.want) {
				t.Fatalf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestViewDoesNotIncludeFull(t *testing.T) {
	if auth.SetOf(auth.LiveReportsView).Has(auth.LiveReportsFull) {
		t.Fatal("liveReports.view allows liveReports.full")
	}
}

func TestParseClaims(t *testing.T) {
	two := auth.SetOf(auth.LicensesRead, auth.AuditRead)
	tests := []struct {
		name        string
		permissions any
		want        auth.Set
		refused     bool
	}{
		{"strings", []string{"licenses.read", "audit.read"}, two, false},
		{"decoded JSON", []any{"licenses.read", "audit.read"}, two, false},
		{"as an HTTP API flattens it", "[licenses.read audit.read]", two, false},
		{"flattened with commas", "[licenses.read, audit.read]", two, false},
		{"JSON in a string", `["licenses.read","audit.read"]`, two, false},
		{"spaces between", " licenses.read  audit.read ", two, false},
		{"one alone", "audit.read", auth.SetOf(auth.AuditRead), false},
		{"one flattened", "[audit.read]", auth.SetOf(auth.AuditRead), false},
		{"an empty array flattened", "[]", 0, false},
		{"empty", "", 0, false},
		{"left out", nil, 0, false},
		{"an unknown one is no permission", "audit.read openid accounts.managed", auth.SetOf(auth.AuditRead), false},
		{"case matters", "Audit.Read", 0, false},
		{"a number", 7.0, 0, true},
		{"numbers within", []any{"audit.read", 7.0}, 0, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := auth.ParseClaims(
				map[string]any{"sub": "zoe", "account": "acme", "permissions": test.permissions},
			)
			if test.refused {
				if !errors.Is(err, auth.ErrClaims) {
					t.Fatalf("got %v, want ErrClaims", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := (auth.Principal{User: "zoe", Account: "acme", Permissions: test.want}); got != want {
				t.Fatalf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestParseClaimsRefusesBadIDs(t *testing.T) {
	for _, bad := range []any{nil, 7.0, "", "a b", "a#b", "a/b", ".a", "ä", strings.Repeat("a", 129), "a\x00"} {
		for _, claim := range []string{"sub", "account"} {
			claims := map[string]any{"sub": "zoe", "account": "acme"}
			claims[claim] = bad
			if p, err := auth.ParseClaims(claims); !errors.Is(err, auth.ErrClaims) || p != (auth.Principal{}) {
				t.Errorf("%s %q: got %+v, %v", claim, bad, p, err)
			}
		}
	}
	for _, good := range []string{"z", "zoe.b@example.com", "0+1_-", strings.Repeat("a", 64)} {
		if _, err := auth.ParseClaims(map[string]any{"sub": good, "account": good}); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func TestSetListsEveryPermission(t *testing.T) {
	every := auth.Permissions()
	s := auth.SetOf(every...)
	if got := s.List(); len(got) != len(every) || len(got) != 15 {
		t.Fatalf("listed %v", got)
	}
	if got := auth.SetOf(auth.AuditRead, auth.CatalogRead).String(); got != "catalog.read audit.read" {
		t.Fatalf("got %q", got)
	}
	for _, p := range every {
		if !s.Has(p) || auth.SetOf().Has(p) || !auth.Known(p) {
			t.Errorf("%s is not told apart", p)
		}
	}
}

func TestContext(t *testing.T) {
	if _, ok := auth.From(context.Background()); ok {
		t.Fatal("an empty context has a principal")
	}
	if _, ok := auth.From(auth.With(context.Background(), auth.Principal{})); ok {
		t.Fatal("nobody counts as a principal")
	}
	want := auth.Principal{User: "zoe", Account: "acme"}
	if got, ok := auth.From(auth.With(context.Background(), want)); !ok || got != want {
		t.Fatalf("got %+v, %v", got, ok)
	}
}
