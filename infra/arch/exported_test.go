package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// keepsToItself are the packages of shared whose functions, constants and variables have a capital
// letter only if another package uses them. Types are not
// looked at: what a function answers with is exported though nobody names it.
var keepsToItself = []string{
	"shared/directory",
	"shared/purchase",
	"shared/usage",
	"shared/metrics",
	"shared/report",
	"shared/request",
	"shared/account",
	"shared/platform/access",
	"shared/platform/api",
	"shared/platform/app",
	"shared/platform/auth",
	"shared/platform/call",
	"shared/platform/edge",
	"shared/platform/emf",
	"shared/platform/events",
	"shared/platform/files",
	"shared/platform/keyring",
	"shared/platform/lease",
	"shared/platform/origin",
	"shared/platform/problem",
	"shared/platform/reply",
	"shared/platform/table",
	"shared/platform/wire",
	"shared/filejob",
	"shared/imports",
	"shared/massconfig",
	"shared/license",
	"shared/license/internal/record",
	"shared/license/inventory",
	"shared/license/operations",
}

// usedOutside are names that no other package writes, each with its reason.
var usedOutside = map[string]string{
	"shared/platform/problem.WallboardLimit": "the slugs of problems are one list",
	"shared/platform/problem.ReadOnly":       "the slugs of problems are one list",
}

// TestNamesAreExportedForSomebody finds exported names that only their own package uses.
func TestNamesAreExportedForSomebody(t *testing.T) {
	declared := map[string][]string{} // by package path
	used := map[string]bool{}         // "path.Name"
	for _, file := range goFiles(t) {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		dir := path.Dir(file)
		if slices.Contains(keepsToItself, dir) && !strings.HasSuffix(file, "_test.go") {
			declared[dir] = append(declared[dir], exportedBy(f)...)
		}
		imported := map[string]string{}
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			name := path.Base(imp)
			if spec.Name != nil {
				name = spec.Name.Name
			}
			imported[name] = strings.TrimPrefix(imp, module+"/")
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && imported[x.Name] != "" {
					used[imported[x.Name]+"."+s.Sel.Name] = true
				}
			}
			return true
		})
	}
	for dir, names := range declared {
		for _, name := range names {
			if full := dir + "." + name; !used[full] && usedOutside[full] == "" {
				t.Errorf("%s is used by its own package alone: write it with a small letter", full)
			}
		}
	}
	if len(declared) != len(keepsToItself) {
		t.Errorf("of %v only %d export anything", keepsToItself, len(declared))
	}
}

// exportedBy lists the exported functions, constants and variables of a file.
func exportedBy(f *ast.File) []string {
	var names []string
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok {
					for _, name := range v.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return !ast.IsExported(name) })
}
