package arch

import (
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// speaksHTTP are the files of capabilities that may say words of HTTP beside http.go, http_*.go and
// *_http.go, each with its reason.
var speaksHTTP = map[string]string{
	"shared/health/reference.go": "serves the document and the page that shows it",
}

// TestTheCoreSaysNoWordOfHTTP holds that only the edges of a capability import net/http, the package
// that registers operations, and its library.
func TestTheCoreSaysNoWordOfHTTP(t *testing.T) {
	used := map[string]bool{}
	for _, file := range goFiles(t) {
		dir, base := path.Split(file)
		if packages[strings.TrimSuffix(dir, "/")] != capability || strings.HasSuffix(base, "_test.go") ||
			strings.HasPrefix(base, "http.") || strings.HasPrefix(base, "http_") ||
			strings.HasSuffix(base, "_http.go") ||
			strings.HasPrefix(dir, "shared/console/") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if imp != "net/http" && imp != module+"/shared/platform/api" &&
				!under(imp, "github.com/danielgtaylor/huma/v2") {
				continue
			}
			if _, may := speaksHTTP[file]; !may {
				t.Errorf("%s imports %s: move what it says of HTTP into http.go", file, imp)
			}
			used[file] = true
		}
	}
	for file := range speaksHTTP {
		if !used[file] {
			t.Errorf("%s says no word of HTTP: take it from the list", file)
		}
	}
}
