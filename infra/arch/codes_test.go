package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryFieldErrorHasACode reads every place that makes a field error: its code is one of
// package problem's, never a text of its own (requirements, section 10).
func TestEveryFieldErrorHasACode(t *testing.T) {
	seen := 0
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "shared/platform/problem/") {
			continue
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, filepath.Join(root, file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if !isProblem(n.Type, "Field") {
					return true
				}
				seen++
				for _, element := range n.Elts {
					if pair, ok := element.(*ast.KeyValueExpr); ok {
						if key, ok := pair.Key.(*ast.Ident); ok && key.Name == "Code" {
							return true
						}
					}
				}
				t.Errorf("%s: a field error without a code", set.Position(n.Pos()))
			case *ast.CallExpr:
				if !isProblem(n.Fun, "Invalid") && !isProblem(n.Fun, "Fault") && !isProblem(n.Fun, "Culprits") {
					return true
				}
				seen++
				if literal, ok := n.Args[1].(*ast.BasicLit); ok {
					t.Errorf("%s: the code %s is not one of package problem's", set.Position(n.Pos()), literal.Value)
				}
			}
			return true
		})
	}
	if seen < 50 {
		t.Fatalf("only %d field errors were found", seen)
	}
}

func isProblem(e ast.Expr, name string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != name {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == "problem"
}
