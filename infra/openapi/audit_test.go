package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"testing"

	"seatwise/shared/platform/auth"
)

// lowerCamel is how members are written, ids that are keys of a map among them.
var lowerCamel = regexp.MustCompile(`^[a-z][A-Za-z0-9]*$`)

// internals are members that no audit entry may have: how we store and run things is nobody's
// business.
var internals = map[string]bool{
	"lease":        true,
	"epoch":        true,
	"term":         true,
	"ticket":       true,
	"file":         true,
	"agentLicense": true,
	"requestId":    true,
	"settled":      true,
	"attempts":     true,
}

// TestAuditEntriesAreForPeople does something of every kind, and looks at all that the audit log
// says was there before and after: members are lowerCamel, and none is an internal (requirements,
// section 4).
func TestAuditEntriesAreForPeople(t *testing.T) {
	w := newWorld(t)
	for _, p := range []probe{
		{method: http.MethodPatch, path: "/users/{id}", body: []byte(`{"name":"Other","email":"other@acme.test"}`)},
		{
			method: http.MethodPut, path: "/wallboards/{id}",
			body: []byte(`{"name":"Other","kind":"analytics","userId":"u1-acme"}`),
		},
		{method: http.MethodPost, path: "/mass-configurations/{id}/cancel"},
		{method: http.MethodPost, path: "/imports/{id}/apply"},
		{method: http.MethodPatch, path: "/roles/{id}", body: []byte(`{"name":"Other"}`)},
		{method: http.MethodPost, path: "/requests/{id}/deny"},
		{method: http.MethodDelete, path: "/roles/{id}"},
		{method: http.MethodDelete, path: "/dashboards/{id}"},
		{method: http.MethodDelete, path: "/call-queues/{id}"},
		{method: http.MethodDelete, path: "/exclusions/{product}/{user}"},
		{method: http.MethodPost, path: "/licenses/{id}/terminate"},
		{method: http.MethodDelete, path: "/users/{id}"}, // its wallboards end with it
	} {
		p.path, p.token = w.path(t, "/v1/accounts/{account}"+p.path), w.mine
		if p.body != nil {
			p.contentType = "application/merge-patch+json"
			if p.method != http.MethodPatch {
				p.contentType = "application/json"
			}
		}
		if a := w.send(t, p); a.status >= http.StatusMultipleChoices {
			t.Errorf("%s %s: %v", p.method, p.path, a)
		}
	}
	seen := map[string]bool{}
	for cursor := ""; ; {
		a := w.send(t, probe{
			method: http.MethodGet, path: "/v1/accounts/" + mine + "/audit", query: "limit=200&cursor=" + cursor,
			token: w.login(t, mine, auth.AuditRead),
		})
		var page struct {
			Items []struct {
				Action        string `json:"action"`
				Before, After any
			} `json:"items"`
			NextCursor string `json:"nextCursor"`
		}
		if err := json.Unmarshal(a.body, &page); err != nil || a.status != http.StatusOK {
			t.Fatalf("%v: %v", err, a)
		}
		for _, entry := range page.Items {
			seen[entry.Action] = true
			for side, value := range map[string]any{"before": entry.Before, "after": entry.After} {
				members(value, func(name string) {
					if !lowerCamel.MatchString(name) || internals[name] {
						t.Errorf("%s: %s has a member %s", entry.Action, side, name)
					}
				})
			}
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	for _, action := range []string{
		"account.created",
		"cart.changed",
		"costCenter.created",
		"dashboard.put",
		"dashboard.deleted",
		"export.requested",
		"import.created",
		"license.assigned",
		"license.unassigned",
		"massConfiguration.created",
		"massConfiguration.cancelled",
		"order.placed",
		"queue.put",
		"quote.created",
		"report.requested",
		"request.asked",
		"request.denied",
		"role.put",
		"role.deleted",
		"user.put",
		"user.deleted",
		"wallboard.registered",
		"wallboard.changed",
		"wallboard.removed", "wallboards.max",
	} {
		if !seen[action] {
			t.Errorf("the scenario has no %s; there are %v", action, fmt.Sprint(seen))
		}
	}
}

// members tells the names of all members, at any depth.
func members(value any, tell func(string)) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			tell(name)
			members(inner, tell)
		}
	case []any:
		for _, inner := range v {
			members(inner, tell)
		}
	}
}
