package registry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"seatwise/infra/local/template"
	"seatwise/infra/registry"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/app"
)

const root = "../.."

// TestTheRegistryIsTheTemplate holds that the two name the same functions, and that routes,
// triggers and schedules of the template meet a function that serves them.
func TestTheRegistryIsTheTemplate(t *testing.T) {
	declared, err := template.OfRepository()
	if err != nil {
		t.Fatal(err)
	}
	functions := registry.Of(&app.Env{})
	for id := range declared.Functions {
		if _, ok := functions[id]; !ok {
			t.Errorf("%s is in the template and not in the registry", id)
		}
	}
	for id, f := range functions {
		if _, ok := declared.Functions[id]; !ok {
			t.Errorf("%s is in the registry and not in the template", id)
		}
		if (len(f.Routes) > 0 || f.Pages != nil) == (f.Event != nil || f.Answer != nil) {
			t.Errorf("%s serves both operations and events, or neither", id)
		}
	}
	for _, r := range declared.Routes {
		if f := functions[r.Function]; len(f.Routes) == 0 && f.Pages == nil {
			t.Errorf("%s %s goes to %s, which serves no HTTP", r.Method, r.Path, r.Function)
		}
	}
	var behind []string
	for _, routes := range functions["DeferredFunction"].Behind {
		behind = append(behind, nameOf(routes))
	}
	for _, r := range declared.Routes {
		for _, routes := range functions[r.Function].Routes {
			if r.Method != http.MethodGet && !r.Open && !slices.Contains(behind, nameOf(routes)) {
				t.Errorf("%s %s may be deferred, and DeferredFunction does not know %s", r.Method, r.Path, nameOf(routes))
			}
		}
	}
	for _, trigger := range declared.Triggers {
		if functions[trigger.Function].Event == nil {
			t.Errorf("%s goes to %s, which takes no events", trigger.Name, trigger.Function)
		}
	}
	for _, s := range declared.Schedules {
		if functions[s.Function].Event == nil {
			t.Errorf("%s goes to %s, which takes no events", s.Name, s.Function)
		}
	}
	for _, s := range declared.Sources {
		if functions[s.Function].Message == nil {
			t.Errorf("%s goes to %s, which takes no messages", s.Name, s.Function)
		}
	}
}

// TestMainsServeWhatTheRegistrySays type-checks each function's main.go: the routes and events that
// it hands to its function are those that the registry has under its id.
func TestMainsServeWhatTheRegistrySays(t *testing.T) {
	exports := exportData(t)
	for id, f := range registry.Of(&app.Env{}) {
		var want []string
		for _, routes := range slices.Concat(f.Routes, f.Behind) {
			want = append(want, nameOf(routes))
		}
		if f.Event != nil {
			want = append(want, nameOf(f.Event))
		}
		if f.Message != nil {
			want = append(want, nameOf(f.Message))
		}
		if f.Answer != nil {
			want = append(want, nameOf(f.Answer))
		}
		got := served(t, filepath.Join(root, "functions", folder(id), "main.go"), exports)
		slices.Sort(want)
		slices.Sort(got)
		want, got = slices.Compact(want), slices.Compact(got) // some of what is deferred is of several functions
		if !slices.Equal(want, got) {
			t.Errorf("%s: main.go serves %q, the registry says %q", id, got, want)
		}
	}
}

// TestCommitsOfEveryFunctionDemandTheState holds that no function commits to a store that does not demand the
// state of the account.
func TestCommitsOfEveryFunctionDemandTheState(t *testing.T) {
	env := fixtures.New(t).Env
	registry.Of(env)
	if _, checked := env.Table.(interface{ StateChecked() }); !checked {
		t.Errorf("%T demands no state", env.Table)
	}
}

// nameOf is a function's name as go/types writes it.
func nameOf(f any) string {
	name := strings.TrimSuffix(runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name(), "-fm")
	if at := strings.Index(name, ".(*"); at >= 0 {
		name = "(*" + name[:at] + "." + name[at+len(".(*"):]
	}
	return name
}

// folder is the Makefile's rule: MassConfigurationCheckFunction is mass-configuration-check.
func folder(id string) string {
	name := strings.TrimSuffix(id, "Function")
	return strings.ToLower(regexp.MustCompile(`([a-z0-9])([A-Z])`).ReplaceAllString(name, "$1-$2"))
}

// served are the functions and methods of ours that a file hands on as values.
func served(t *testing.T, file string, exports map[string]string) []string {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	info := types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})}
	if _, err := config.Check("main", set, []*ast.File{parsed}, &info); err != nil {
		t.Fatal(err)
	}
	called := map[ast.Expr]bool{}
	var names []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			called[n.Fun] = true
		case *ast.SelectorExpr:
			if f, ok := info.Uses[n.Sel].(*types.Func); ok && !called[n] {
				names = append(names, f.FullName())
			}
		}
		return true
	})
	return names
}

// exportData is where the compiler has put what each package exports.
func exportData(t *testing.T) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(
		t.Context(), "go", "list", "-export", "-deps", "-json=ImportPath,Export", "./functions/...",
	)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(fmt.Errorf("go list: %w: %s", err, stderr.String()))
	}
	files := map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ ImportPath, Export string }
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return files
		} else if err != nil {
			t.Fatal(err)
		}
		files[p.ImportPath] = p.Export
	}
}
