package directory

import (
	"net/http"
	"strings"
	"testing"

	"seatwise/infra/testkit"
	"seatwise/shared/auth"
)

// An id that nobody can have is as unknown as any other, whatever it is made of (api.md, Conventions).
func TestIDsThatNothingCanHave(t *testing.T) {
	f := newFixture(t)
	function, err := Function(f.Env)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"users", "roles", "call-queues", "dashboards"} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			for name, id := range map[string]string{"long": strings.Repeat("x", 5000), "no UTF-8": "%ff%fe", "hash": "a%23b", "slash": "a%2Fb", "null": "a%00"} {
				t.Run(method+" "+kind+" "+name, func(t *testing.T) {
					testkit.Problem(t, f.Do(t, function.HTTP, testkit.Request{
						Method: method, Path: "/v1/accounts/" + f.Account + "/" + kind + "/" + id, User: "admin",
						Permissions: []auth.Permission{auth.DirectoryRead, auth.DirectoryManage, auth.LiveReportsView, auth.LiveReportsFull},
					}), http.StatusNotFound, "not-found")
				})
			}
		}
	}
	testkit.Problem(t, f.Do(t, function.HTTP, testkit.Request{
		Method: http.MethodGet, Path: "/v1/accounts/" + f.Account + "/users?q=%ff", User: "admin", Permissions: []auth.Permission{auth.DirectoryRead},
	}), http.StatusUnprocessableEntity, "validation")
}
