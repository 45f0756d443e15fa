package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/goccy/go-yaml"

	"seatwise/infra/local/template"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
)

const root = "../.."

// public are the operations without a token (docs/contract.md).
var public = map[string]bool{
	"get-health": true, "get-openapi-json": true, "get-openapi-yaml": true, "get-docs": true, "get-docs-file": true,
}

// meID is the operation that any valid token may call, and that belongs to no account.
const meID = "get-me"

// anyone are the operations that any valid token of the account may call; what is whose they decide
// themselves (requirements, section 9).
var anyone = map[string]bool{
	meID: true, "create-request": true, "list-requests": true, "list-requestable": true, "get-request": true,
	"withdraw-request": true, "list-user-licenses": true, "get-deferred": true,
}

// partly are the operations that an admin of some cost centers may call, for theirs. All others are
// refused to them (requirements, section 9).
var partly = map[string]bool{
	meID: true, "list-catalog": true, "get-deferred": true,

	"list-users": true, "get-user": true, "put-user": true, "patch-user": true, "delete-user": true,
	"list-licenses": true, "get-license": true, "list-user-licenses": true,

	"change-license": true, "change-cost-center": true, "terminate-license": true, "terminate-licenses": true,
	"assign-license": true, "unassign-license": true, "reassign-license": true, "assign-products": true,
	"remove-products": true, "list-add-ons": true, "set-add-ons": true, "patch-add-ons": true,
	"lift-exclusion": true,

	"summarize-licenses": true, "list-waiting": true, "list-exclusions": true, "explain-license": true,
	"list-audit": true, "list-cost-centers": true, "get-cost-center": true,

	"get-cart": true, "put-cart": true, "patch-cart": true, "delete-cart": true, "add-cart-line": true,
	"patch-cart-line": true, "delete-cart-line": true, "charge-cart": true, "split-cart-line": true,
	"merge-cart-lines": true, "create-quote": true, "get-quote": true, "place-order": true, "list-orders": true,
	"get-order": true, "get-statement": true,

	"get-billing": true, "list-periods": true, "get-period": true, "list-period-lines": true,
	"get-period-line": true, "compare-period": true, "get-period-statement": true, "get-period-workbook": true,
	"list-idle-seats": true, "create-reclaim": true, "list-reclaims": true, "get-reclaim": true,
	"list-reclaim-seats": true, "undo-reclaim": true, "list-alerts": true,

	"get-policy": true, "put-policy": true, "patch-policy": true, "delete-policy": true, "list-policies": true,

	"create-request": true, "list-requests": true, "list-requestable": true, "get-request": true,
	"approve-request": true, "deny-request": true, "withdraw-request": true,
}

// operation is one operation of the document, at its place.
type operation struct {
	*huma.Operation
	method, path string
}

func (o operation) name() string { return o.method + " " + o.path }

// parameter finds a declared parameter.
func (o operation) parameter(in, name string) bool {
	return slices.ContainsFunc(o.Parameters, func(p *huma.Param) bool { return p.In == in && p.Name == name })
}

// documented lists all operations of the document, by path and method.
func documented(t testing.TB) []operation {
	t.Helper()
	document := Document(&app.Env{})
	var all []operation
	for path, item := range document.Paths {
		for method, op := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPut: item.Put, http.MethodPost: item.Post,
			http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
			http.MethodHead: item.Head, http.MethodOptions: item.Options, http.MethodTrace: item.Trace,
		} {
			if op != nil {
				all = append(all, operation{op, method, path})
			}
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	if len(all) == 0 {
		t.Fatal("the document has no operation")
	}
	return all
}

func TestTheFileIsCurrent(t *testing.T) {
	file, err := os.ReadFile(filepath.Join(root, "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time shows that it does not come out differently
		var made bytes.Buffer
		if err := run(&made, ""); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(file, made.Bytes()) {
			t.Fatal("openapi.yaml is not what the code says: run make openapi")
		}
	}
}

// TestTheFileSaysWhatTheDocumentSays reads the YAML with a parser that knows nothing of how it was
// written.
func TestTheFileSaysWhatTheDocumentSays(t *testing.T) {
	document := Document(&app.Env{})
	asJSON, faults, err := Polished(document)
	for _, fault := range faults {
		t.Error(fault)
	}
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := YAML(document)
	if err != nil {
		t.Fatal(err)
	}
	var want, got any // JSON is YAML, so one reader reads both
	if err := yaml.Unmarshal(asJSON, &want); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(asYAML, &got); err != nil {
		t.Fatal(err)
	}
	same(t, "document", got, want)
}

// same compares two decoded documents, and names the first place where they differ.
func same(t *testing.T, at string, got, want any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		m, ok := got.(map[string]any)
		if !ok || len(m) != len(want) {
			t.Fatalf("%s: %v, want %v", at, got, want)
		}
		for key := range want {
			same(t, at+"."+key, m[key], want[key])
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			t.Fatalf("%s: %v, want %v", at, got, want)
		}
		for i := range want {
			same(t, at+"[]", list[i], want[i])
		}
	default:
		if got != want {
			t.Fatalf("%s: %#v, want %#v", at, got, want)
		}
	}
}

func TestYAMLKeepsEveryString(t *testing.T) {
	for _, s := range []string{
		"", " ", "a", "a ", " a", "yes", "No", "null", "~", "1", "1.5", "1e3", "0x1f", "-", "- a", "a: b", "a:b",
		"a #b", "#", "'", "\"", "\\", "a\nb", "\t", "[a]", "{a}",
		"{a}/b", "*a", "&a", "!a", "|", ">", "%a", "@a", "`a`", "a, b", "2026-01-01", "$ref", "/v1/{a}", "é", "true",
		"=", "<<", "a{b", "y",
	} {
		text := `{"` + "key" + `":` + quoted(s) + `,"list":[` + quoted(s) + `]}`
		made, err := toYAML(nil, []byte(text))
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		var got map[string]any
		if err := yaml.Unmarshal(made, &got); err != nil {
			t.Fatalf("%q: %v: %s", s, err, made)
		}
		same(t, s, got, map[string]any{"key": s, "list": []any{s}})
	}
}

func TestTheTemplateAndTheDocumentAgree(t *testing.T) {
	tpl, err := template.Load(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	routes := map[string]template.Route{}
	for _, r := range tpl.Routes {
		// Pages are no operations: the console is a client of the API.
		if r.Function != "ConsoleFunction" {
			routes[r.Method+" "+r.Path] = r
		}
	}
	for _, op := range documented(t) {
		r, ok := routes[op.name()]
		if !ok {
			t.Errorf("%s (%s) has no route in template.yaml", op.name(), op.OperationID)
			continue
		}
		delete(routes, op.name())
		if open := len(op.Security) == 0; r.Open != open {
			t.Errorf("%s: open in template.yaml %t, in the code %t", op.name(), r.Open, open)
		}
	}
	for name, r := range routes {
		if r.Path == "/" || r.Path == "/console" || strings.HasPrefix(r.Path, "/console/") {
			continue // pages of the console, which is a client of the API
		}
		t.Errorf("%s of %s in template.yaml is no operation", name, r.Function)
	}
}

func TestEveryOperationSaysWhoMayCallIt(t *testing.T) {
	for _, op := range documented(t) {
		if _, says := op.Extensions["x-partly"]; says != partly[op.OperationID] {
			t.Errorf("%s: admins of some cost centers may call it: %t", op.name(), says)
		}
		names, declared := op.Extensions["x-permissions"].([]string)
		switch {
		case public[op.OperationID]:
			if declared || len(op.Security) > 0 {
				t.Errorf("%s needs no token", op.name())
			}
			continue
		case anyone[op.OperationID]:
			if len(names) > 0 || len(op.Security) == 0 {
				t.Errorf("%s needs a token without any permission", op.name())
			}
			continue
		}
		if len(names) == 0 || len(op.Security) == 0 {
			t.Errorf("%s does not declare its permission", op.name())
		}
		for _, name := range names {
			if !auth.Known(auth.Permission(name)) {
				t.Errorf("%s: %q is no permission of requirements, section 9", op.name(), name)
			}
		}
	}
}

func TestOperationIDsAreUnique(t *testing.T) {
	form := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[string]string{}
	for _, op := range documented(t) {
		if !form.MatchString(op.OperationID) {
			t.Errorf("%s: the id %q is not in kebab case", op.name(), op.OperationID)
		}
		if other, twice := seen[op.OperationID]; twice {
			t.Errorf("%s has the id %s of %s", op.name(), op.OperationID, other)
		}
		seen[op.OperationID] = op.name()
	}
}

// TestEveryPathParameterIsRead: a parameter in an embedded struct that is not exported is invisible
// to huma, and its operation would never learn it.
func TestEveryPathParameterIsRead(t *testing.T) {
	inPath := regexp.MustCompile(`\{([^}]+)\}`)
	for _, op := range documented(t) {
		for _, match := range inPath.FindAllStringSubmatch(op.path, -1) {
			if !op.parameter("path", match[1]) {
				t.Errorf("%s (%s) does not read the path parameter %s", op.name(), op.OperationID, match[1])
			}
		}
		for _, p := range op.Parameters {
			if p.In == "path" && !strings.Contains(op.path, "{"+p.Name+"}") {
				t.Errorf(
					"%s (%s) reads the path parameter %s, which its path does not have",
					op.name(),
					op.OperationID,
					p.Name,
				)
			}
		}
	}
}

// TestEveryOperationDeclaresWhatItMayAnswer holds the statuses that the router itself may answer
// with; those of the modules are seen in TestRoutes.
func TestEveryOperationDeclaresWhatItMayAnswer(t *testing.T) {
	for _, op := range documented(t) {
		may := []string{"422", "500"} // an unknown query parameter, a fault of ours
		if len(op.Security) > 0 {
			may = append(may, "401", "403", "404", "429", "503")
		}
		if op.RequestBody != nil || op.parameter("query", "cursor") {
			may = append(may, "400")
		}
		if op.RequestBody != nil {
			may = append(may, "413", "415")
		}
		if op.parameter("header", "Idempotency-Key") {
			may = append(may, "400", "409", "413")
		}
		if op.parameter("header", "If-Match") {
			may = append(may, "412")
		}
		for _, status := range may {
			answer := op.Responses[status]
			if answer == nil || answer.Content["application/problem+json"] == nil {
				t.Errorf("%s does not declare that it may answer a problem with status %s", op.name(), status)
			}
		}
		if !slices.ContainsFunc(
			[]string{"200", "201", "202", "204"},
			func(status string) bool { return op.Responses[status] != nil },
		) {
			t.Errorf("%s declares no answer for when all goes well", op.name())
		}
	}
}

// TestWhatChangesIsRepeatable: Idempotency-Key on every POST, If-Match on every other change
// (docs/contract.md).
func TestWhatChangesIsRepeatable(t *testing.T) {
	for _, op := range documented(t) {
		if op.method != http.MethodGet && !op.parameter("header", "Idempotency-Key") {
			t.Errorf("%s takes no Idempotency-Key", op.name())
		}
		switch op.method {
		case http.MethodPut, http.MethodPatch, http.MethodDelete:
			if !op.parameter("header", "If-Match") {
				t.Errorf("%s takes no If-Match", op.name())
			}
		}
		if op.parameter("query", "cursor") && !op.parameter("query", "limit") {
			t.Errorf("%s has a cursor and no limit", op.name())
		}
	}
}

// TestTheServedCopiesAreCurrent holds that HealthFunction serves the document that openapi.yaml is.
func TestTheServedCopiesAreCurrent(t *testing.T) {
	served, err := unpack(filepath.Join(root, "shared/health/openapi.yaml.gz"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(root, "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(served, file) {
		t.Error("shared/health/openapi.yaml.gz is not openapi.yaml: run make openapi")
	}
	document := Document(&app.Env{})
	want, _, err := Polished(document)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := unpack(filepath.Join(root, "shared/health/openapi.json.gz")); err != nil || !bytes.Equal(got, want) {
		t.Errorf("shared/health/openapi.json.gz is not the document: run make openapi (%v)", err)
	}
}
