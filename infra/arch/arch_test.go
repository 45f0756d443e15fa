package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "seatwise"
)

// kind is the part that a package plays.
type kind string

const (
	vocabulary kind = "vocabulary" // values that every layer speaks: pure
	port       kind = "port"       // what services ask the outside for
	adapter    kind = "adapter"    // what answers for a port
	fixture    kind = "fixture"    // what every module needs at its edges: the call, the caller, HTTP, events
	tool       kind = "tool"       // one craft without state: reading sheets, writing workbooks
	capability kind = "capability" // a capability: rules, service, edges; what is below its folder belongs to it
	testkit    kind = "testkit"    // linked by tests only
	wiring     kind = "wiring"     // adapters and fixtures put together from the environment
	function   kind = "function"   // main of one Lambda function
	infra      kind = "infra"      // the runner, generators, benches, tests of the whole
)

// packages says what every package of shared is; functions/* and infra/* are so by their place.
var packages = map[string]kind{
	"shared/catalog":          vocabulary,
	"shared/craft/calendar":   vocabulary, // days and billing periods
	"shared/craft/money":      vocabulary,
	"shared/craft/text":       vocabulary, // what rules compare and refuse by
	"shared/platform/problem": vocabulary,

	// how licenses are stored: only what is below shared/license can import it
	"shared/license/internal/record": capability,

	"shared/platform/app":     port,
	"shared/platform/files":   port,
	"shared/platform/keyring": port, // where keys come from
	"shared/platform/lines":   port,
	"shared/platform/signin":  port,
	"shared/platform/table":   port,
	"shared/platform/work":    port,

	"shared/platform/files/s3store": adapter,
	"shared/platform/table/bolt":    adapter,
	"shared/platform/table/dynamo":  adapter,

	"shared/platform/access":   fixture,
	"shared/platform/api":      fixture,
	"shared/platform/auth":     fixture,
	"shared/platform/call":     fixture,
	"shared/platform/edge":     fixture,
	"shared/platform/emf":      fixture,
	"shared/platform/events":   fixture,
	"shared/platform/failures": fixture,
	"shared/platform/lease":    fixture,
	"shared/platform/origin":   fixture,
	"shared/platform/plan":     fixture,
	"shared/platform/quota":    fixture,
	"shared/platform/reply":    fixture,
	"shared/platform/spent":    fixture,

	"shared/platform/table/overlay": fixture,

	"shared/craft/sheet":           tool,
	"shared/craft/workbook":        tool,
	"shared/craft/workbook/form":   vocabulary, // what is written, and by what
	"shared/craft/workbook/csvout": tool,

	"shared/account":              capability,
	"shared/alert":                capability,
	"shared/audit":                capability,
	"shared/console":              capability,
	"shared/console/client":       capability,
	"shared/console/pages":        capability,
	"shared/console/session":      capability,
	"shared/console/signin":       capability,
	"shared/console/view":         capability,
	"shared/console/web":          capability,
	"shared/cost":                 capability,
	"shared/deferred":             capability,
	"shared/directory":            capability,
	"shared/filejob":              capability,
	"shared/health":               capability,
	"shared/idle":                 capability,
	"shared/imports":              capability,
	"shared/license":              capability,
	"shared/license/effects":      capability,
	"shared/license/inventory":    capability,
	"shared/license/operations":   capability,
	"shared/maintenance":          capability,
	"shared/massconfig":           capability,
	"shared/metrics":              capability,
	"shared/offboarding":          capability,
	"shared/period":               capability,
	"shared/period/chargeback":    capability,
	"shared/policy":               capability,
	"shared/purchase":             capability,
	"shared/purchase/printing":    capability,
	"shared/purchase/statement":   capability,
	"shared/report":               capability,
	"shared/report/reportbuilder": capability,
	"shared/request":              capability,
	"shared/incoming":             capability,
	"shared/usage":                capability,
	"shared/userpool":             capability,
	"shared/wallboard":            capability,

	"shared/catalog/catalogfile":      testkit, // the generator of the catalog and tests
	"shared/platform/table/faulty":    testkit,
	"shared/platform/table/tabletest": testkit,
	"shared/platform/work/worktest":   testkit,

	"shared/platform/wire":       wiring,
	"shared/platform/wire/alone": wiring,
	"shared/platform/wire/plain": wiring,
}

// sheets is the one tool that rules may import, for what a cell is; it imports the standard library
// alone.
const sheets = "shared/craft/sheet"

// mayImport says which kinds of package a kind may import, outside its tests. A capability reaches
// the outside through ports alone, and the wiring knows no capability, or every function would link
// all of them (design, decision 9).
var mayImport = map[kind][]kind{
	vocabulary: {vocabulary},
	port:       {vocabulary, port},
	adapter:    {vocabulary, port},
	fixture:    {vocabulary, port, fixture},
	tool:       {vocabulary, tool},
	capability: {vocabulary, port, fixture, tool, capability},
	testkit:    {vocabulary, port, testkit},
	wiring:     {vocabulary, port, fixture, adapter, wiring},
	function:   {vocabulary, port, fixture, tool, wiring, capability},
	infra:      {vocabulary, port, fixture, adapter, tool, capability, wiring, testkit, infra},
}

// libraries says who may import what is not ours: packages by path, or all of a kind. The longest
// prefix of the import path decides.
var libraries = map[string]struct {
	packages []string
	kinds    []kind
}{
	"github.com/aws/aws-sdk-go-v2": {
		packages: []string{"shared/platform/table/dynamo", "shared/platform/files/s3store"},
		kinds:    []kind{wiring, infra},
	},
	"github.com/aws/smithy-go": {
		packages: []string{"shared/platform/table/dynamo", "shared/platform/files/s3store"},
		kinds:    []kind{wiring, infra},
	},
	"github.com/aws/aws-lambda-go": {
		// events of a user pool and of CloudFormation are its values
		packages: []string{"shared/platform/edge", "shared/userpool", "infra/bench/bare"},
		kinds:    []kind{wiring, function},
	},
	"github.com/danielgtaylor/huma/v2": {packages: []string{"shared/platform/api"}, kinds: []kind{capability, infra}},
	// a fifth of a start
	"github.com/goccy/go-yaml": {packages: []string{"shared/catalog/catalogfile"}, kinds: []kind{infra}},
	// finds a member that is named twice, which encoding/json takes, and reads in half of its time
	"github.com/go-json-experiment/json": {packages: []string{"shared/platform/api", "shared/console/client"}},

	"github.com/golang-jwt/jwt/v5": {packages: []string{"shared/platform/auth"}, kinds: []kind{wiring, infra}},
	// modules parse; the linter keeps them from making
	"github.com/google/uuid":            {kinds: []kind{capability, wiring, infra}},
	"github.com/xuri/excelize/v2":       {packages: []string{"shared/craft/workbook", "infra/testing/filejobs"}},
	"github.com/klauspost/compress":     {packages: []string{"shared/craft/workbook"}},
	"codeberg.org/go-pdf/fpdf":          {packages: []string{"shared/purchase/statement"}},
	"go.etcd.io/bbolt":                  {packages: []string{"shared/platform/table/bolt"}, kinds: []kind{infra}},
	"github.com/adhocore/gronx":         {kinds: []kind{infra}},
	"github.com/johannesboyne/gofakes3": {kinds: []kind{infra}},
	"github.com/rs/cors":                {kinds: []kind{infra}}, // the runner in the gateway's place
	// the reference page, as files to embed
	"github.com/swaggest/swgui":         {packages: []string{"shared/health"}},
	"github.com/anishathalye/porcupine": {kinds: []kind{testkit}},
	"github.com/google/go-cmp":          {kinds: []kind{testkit}}, // says what differs when a test fails
	"pgregory.net/rapid":                {kinds: []kind{testkit}},
	// bounds the connections of the runner
	"golang.org/x/net/html":    {kinds: []kind{infra}}, // reads the console's pages in tests
	"golang.org/x/net/netutil": {kinds: []kind{infra}},
	// its tables of NFKC take 100 KB and nothing of a start
	"golang.org/x/text": {packages: []string{"shared/craft/text"}, kinds: []kind{capability, tool}},
	// 0.4 ms of every start: shared/craft/text folds case itself
	"golang.org/x/text/cases": {},
	// countries; the languages of readers
	"golang.org/x/text/language": {packages: []string{"shared/account", "shared/console/view"}},
	"github.com/a-h/templ": {
		packages: []string{
			"shared/console/pages", "shared/console/view", "shared/console/web", "shared/purchase/statement",
		},
	},
	"github.com/coreos/go-oidc/v3": {packages: []string{"shared/console/signin"}},
	"golang.org/x/oauth2":          {packages: []string{"shared/console/signin"}},
	"golang.org/x/sync":            {kinds: []kind{adapter, capability, wiring, infra}},
	// links sso, sts and signin: three times the start of a literal aws.Config
	"github.com/aws/aws-sdk-go-v2/config": {},
}

// workbookFunctions are the functions that write workbooks, and may link excelize for it.
var workbookFunctions = []string{
	"functions/mass-configuration-apply",
	"functions/mass-configuration-check", // the result of a rejected file
	"functions/template",
	"functions/report-builder",
}

// neverLinked are packages that have no place in a function's binary.
var neverLinked = []string{
	"testing",
	"os/exec",
	"github.com/adhocore/gronx",
	"github.com/anishathalye/porcupine",
	"github.com/google/go-cmp/cmp",
	"github.com/johannesboyne/gofakes3",
	"go.etcd.io/bbolt",
	"pgregory.net/rapid",
}

// topLevel is design, decision 1, and dist, which `make build` writes and git ignores.
var topLevel = []string{
	"functions", "shared", "infra", "events", "template.yaml", "samconfig.toml", "go.mod", "go.sum", "Makefile",
	"README.md", "openapi.yaml", "docs", "dist",
}

type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

func (p pkg) path() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

func kindOf(pkgPath string) (kind, bool) {
	switch dir, _, _ := strings.Cut(pkgPath, "/"); dir {
	case "functions":
		return function, true
	case "infra":
		return infra, true
	}
	k, ok := packages[pkgPath]
	return k, ok
}

// list is what the functions are built from: every package of ours and all that it depends on, by
// import path.
func list(t *testing.T) (ours []pkg, all map[string]pkg) {
	t.Helper()
	cmd := exec.CommandContext(
		t.Context(),
		"go",
		"list",
		"-deps",
		"-tags",
		"lambda.norpc",
		"-json=ImportPath,Standard,Imports,Deps",
		"./...",
	)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	all = map[string]pkg{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
		if isOurs(p.ImportPath) {
			ours = append(ours, p)
		}
	}
	if len(ours) == 0 {
		t.Fatal("go list knows no package of ours")
	}
	return ours, all
}

// capabilityOf is the capability that a package of shared belongs to: purchase for
// seatwise/shared/purchase/statement.
func capabilityOf(importPath string) string {
	return strings.Split(strings.TrimPrefix(importPath, module+"/shared/"), "/")[0]
}

func isOurs(importPath string) bool { return strings.HasPrefix(importPath, module+"/") }

func TestEveryPackageIsKnown(t *testing.T) {
	ours, _ := list(t)
	listed := map[string]bool{}
	for _, p := range ours {
		listed[p.path()] = true
		if _, ok := kindOf(p.path()); !ok {
			t.Errorf("%s is not known: enter it in the table of packages", p.path())
		}
	}
	for _, dir := range goFolders(t) {
		if !listed[dir] {
			t.Errorf("%s has Go files that no build takes in", dir)
		}
	}
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	ours, all := list(t)
	for _, p := range ours {
		k, ok := kindOf(p.path())
		if !ok {
			continue // TestEveryPackageIsKnown says so
		}
		for _, imp := range p.Imports {
			switch {
			case all[imp].Standard:
			case isOurs(imp):
				to, _ := kindOf(strings.TrimPrefix(imp, module+"/"))
				if !slices.Contains(mayImport[k], to) {
					t.Errorf("%s (%s) imports %s (%s)", p.path(), k, imp, to)
				}
			default:
				lib, known := library(imp)
				if !known {
					t.Errorf("%s imports %s, which is not known: enter it in the table of libraries", p.path(), imp)
				} else if who := libraries[lib]; !slices.Contains(who.packages, p.path()) &&
					!slices.Contains(who.kinds, k) {
					t.Errorf("%s (%s) imports %s", p.path(), k, imp)
				}
			}
		}
	}
}

// capabilitiesOf says which capabilities each function links, whatever brings them in. A new one here
// is a decision: it makes the function larger, and its start longer.
var capabilitiesOf = map[string][]string{
	"functions/accounts":   {"account", "license", "offboarding", "policy", "purchase"},
	"functions/assignment": {"account", "license", "policy", "purchase"},
	"functions/audit":      {"audit"},
	"functions/billing": {
		"account", "alert", "cost", "directory", "license", "period", "policy", "purchase", "report", "usage",
		"wallboard",
	},
	"functions/console": {"console"},
	"functions/cost":    {"account", "cost", "directory", "license", "usage", "wallboard"},
	"functions/deferred": {
		"account", "alert", "cost", "deferred", "directory", "filejob", "idle", "imports", "license", "massconfig",
		"metrics", "offboarding", "period", "policy", "purchase", "report", "request", "usage", "wallboard",
	},
	"functions/directory": {"account", "directory", "license", "policy", "purchase", "wallboard"},
	"functions/health":    {"health"},
	"functions/licenses":  {"account", "license", "policy", "purchase"},
	"functions/maintenance": {
		"account", "alert", "directory", "idle", "license", "maintenance", "policy", "purchase", "report", "request",
		"usage", "wallboard",
	},
	"functions/mass-configuration": {"directory", "filejob", "imports", "license", "massconfig", "wallboard"},
	"functions/mass-configuration-apply": {
		"account", "directory", "filejob", "imports", "incoming", "license", "massconfig", "policy", "purchase",
		"wallboard",
	},
	"functions/mass-configuration-check": {
		"directory", "filejob", "imports", "incoming", "license", "massconfig", "wallboard",
	},
	"functions/metrics":     {"license", "metrics", "wallboard"},
	"functions/offboarding": {"account", "license", "offboarding"},
	"functions/purchase":    {"account", "license", "policy", "purchase"},
	"functions/report":      {"account", "deferred", "directory", "license", "report", "usage", "wallboard"},
	"functions/report-builder": {
		"account", "directory", "license", "period", "policy", "purchase", "report", "usage", "wallboard",
	},
	"functions/invitation":        {"account", "directory", "license", "policy", "purchase", "wallboard"},
	"functions/requests":          {"account", "license", "policy", "purchase", "request"},
	"functions/sign-in-addresses": {"userpool"},
	"functions/statement": {
		"account", "directory", "license", "period", "policy", "purchase", "report", "usage", "wallboard",
	},
	"functions/template": {
		"account", "directory", "filejob", "imports", "license", "massconfig", "period", "policy", "purchase", "report",
		"usage", "wallboard",
	},
	"functions/usage": {
		"account", "directory", "idle", "license", "policy", "purchase", "usage", "wallboard",
	},
	"functions/usage-aggregation": {
		"account", "directory", "idle", "license", "policy", "purchase", "usage", "wallboard",
	},
	"functions/token-claims": {"userpool"},
}

// TestAFunctionLinksOnlyItsOwn holds design, decision 9.
func TestAFunctionLinksOnlyItsOwn(t *testing.T) {
	ours, _ := list(t)
	for _, p := range ours {
		if k, _ := kindOf(p.path()); k != function {
			continue
		}
		var linked []string
		for _, dep := range p.Deps {
			if packages[strings.TrimPrefix(dep, module+"/")] == capability {
				linked = append(linked, capabilityOf(dep))
			}
			if p.path() == "functions/health" &&
				(under(dep, "github.com/aws/aws-sdk-go-v2") || under(dep, "github.com/aws/smithy-go")) {
				t.Errorf("%s links %s: it needs no client", p.path(), dep)
			}
			if p.path() == "functions/console" && under(dep, "github.com/danielgtaylor/huma/v2") {
				t.Errorf("%s links %s: it has pages and no operation", p.path(), dep)
			}
			if under(dep, "github.com/xuri/excelize/v2") && !slices.Contains(workbookFunctions, p.path()) {
				t.Errorf("%s links excelize", p.path())
			}
			for _, never := range neverLinked {
				if under(dep, never) {
					t.Errorf("%s links %s", p.path(), dep)
				}
			}
		}
		slices.Sort(linked)
		if linked = slices.Compact(linked); !slices.Equal(linked, capabilitiesOf[p.path()]) {
			t.Errorf("%s links the capabilities %v; capabilitiesOf says %v", p.path(), linked, capabilitiesOf[p.path()])
		}
	}
}

// TestTheConsoleIsAClient holds design, decision 14: the console imports nothing of another room,
// no port of state or files, and none of the API's own kit.
func TestTheConsoleIsAClient(t *testing.T) {
	ours, _ := list(t)
	seen := 0
	for _, p := range ours {
		if !under(p.path(), "shared/console") {
			continue
		}
		seen++
		for _, imp := range p.Imports {
			if !isOurs(imp) {
				continue
			}
			to := strings.TrimPrefix(imp, module+"/")
			allowed := under(to, "shared/console") || slices.Contains([]string{
				"shared/platform/app", "shared/platform/auth", "shared/platform/keyring", "shared/platform/origin",
				"shared/platform/problem",
			}, to)
			if !allowed {
				t.Errorf("%s imports %s: the console knows the API and nothing else", p.path(), to)
			}
		}
	}
	if seen == 0 {
		t.Fatal("there is no console")
	}
}

// TestNoFunctionOfOursExecutesTemplates keeps text/template out of what the functions link:
// executing one looks methods up by name, so that the linker keeps every method of every type, the
// clients of AWS among them. Views are compiled (a-h/templ). Libraries may import the package as
// long as nothing reaches its execution; infra/bootstrap and `make bench` look at the binaries.
func TestNoFunctionOfOursExecutesTemplates(t *testing.T) {
	ours, all := list(t)
	for _, p := range ours {
		if k, _ := kindOf(p.path()); k != function {
			continue
		}
		for _, dep := range append([]string{p.ImportPath}, p.Deps...) {
			for _, imp := range all[dep].Imports {
				if isOurs(dep) && (imp == "text/template" || imp == "html/template") {
					t.Errorf("%s links %s, which imports %s", p.path(), dep, imp)
				}
			}
		}
	}
}

// TestRulesArePure reads every rules file by itself, as a module's service may import what its
// rules may not. Of another module a rules file uses only what that module's own rules files
// declare.
func TestRulesArePure(t *testing.T) {
	impure := []string{
		"bufio",
		"context",
		"crypto/rand",
		"database",
		"embed",
		"io",
		"log",
		"math/rand",
		"net/http",
		"os",
		"sync",
		"syscall",
		"testing",
	}
	declared := map[string][]string{} // by package path
	rules := map[string]*ast.File{}   // by file
	for _, file := range goFiles(t) {
		base := path.Base(file)
		if base != "rules.go" && !strings.HasPrefix(base, "rules_") || strings.HasSuffix(base, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		rules[file] = f
		declared[path.Dir(file)] = append(declared[path.Dir(file)], declares(f)...)
	}
	if len(rules) == 0 {
		t.Fatal("there is no rules.go")
	}
	for file, f := range rules {
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(imp, "/")
			switch ours := strings.TrimPrefix(imp, module+"/"); {
			case isOurs(imp) && packages[ours] == capability:
				name := path.Base(imp)
				if spec.Name != nil {
					name = spec.Name.Name
				}
				for _, symbol := range uses(f, name) {
					if !slices.Contains(declared[ours], symbol) {
						t.Errorf("%s uses %s.%s, which is no rule of that module", file, name, symbol)
					}
				}
			case isOurs(imp) && packages[ours] != vocabulary && ours != sheets:
				t.Errorf(
					"%s imports %s: rules import only the standard library, the vocabulary, sheets and other rules",
					file,
					imp,
				)
			case isOurs(imp):
			case strings.Contains(first, "."):
				t.Errorf("%s imports %s: rules import no library", file, imp)
			case imp == "net" || slices.ContainsFunc(impure, func(bad string) bool { return under(imp, bad) }):
				t.Errorf("%s imports %s: rules have no context, no I/O, no clock and no chance", file, imp)
			}
		}
	}
}

// declares lists the names that a file declares for its package.
func declares(f *ast.File) []string {
	var names []string
	for _, decl := range f.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, s.Name.Name)
				case *ast.ValueSpec:
					for _, name := range s.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

// uses lists what a file takes from the package that it knows under this name.
func uses(f *ast.File, name string) []string {
	var symbols []string
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == name {
				symbols = append(symbols, sel.Sel.Name)
			}
		}
		return true
	})
	return symbols
}

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(topLevel, e.Name()) {
			t.Errorf("%s does not belong at the top level (design, decision 1)", e.Name())
		}
	}
}

// under tells whether an import path is that path or below it.
func under(importPath, above string) bool {
	return importPath == above || strings.HasPrefix(importPath, above+"/")
}

func library(importPath string) (string, bool) {
	longest, found := "", false
	for lib := range libraries {
		if under(importPath, lib) && len(lib) >= len(longest) {
			longest, found = lib, true
		}
	}
	return longest, found
}

// goFiles walks the tree itself, and looks at every file: `go test` does not see what `go list`
// reads, and would keep an old answer.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, top := range []string{"functions", "shared", "infra"} {
		err := fs.WalkDir(os.DirFS(root), top, func(name string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) && name == top {
				return nil
			}
			if err != nil {
				return err
			}
			if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")) {
				return fs.SkipDir
			}
			if !d.IsDir() && strings.HasSuffix(name, ".go") {
				if _, err := os.Stat(filepath.Join(root, name)); err != nil {
					return err
				}
				files = append(files, name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func goFolders(t *testing.T) []string {
	t.Helper()
	var dirs []string
	for _, file := range goFiles(t) {
		if dir := path.Dir(file); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}
