package offboarding

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// documents reads the types of the documents that are stored out of the packages that write them.
type documents struct {
	t      *testing.T
	set    *token.FileSet
	source types.Importer
	read   map[string]*types.Package
}

func newDocuments(t *testing.T) *documents {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-json=ImportPath,Export", "./shared/...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ ImportPath, Export string }
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
	}
	d := &documents{t: t, set: token.NewFileSet(), read: map[string]*types.Package{}}
	d.source = importer.ForCompiler(d.set, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	return d
}

// checked is a package of shared with what it does not export.
func (d *documents) checked(name string) *types.Package {
	d.t.Helper()
	if p, ok := d.read[name]; ok {
		return p
	}
	names, err := filepath.Glob("../" + name + "/*.go")
	if err != nil {
		d.t.Fatal(err)
	}
	var parsed []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(d.set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			d.t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	p, err := (&types.Config{Importer: d.source}).Check("seatwise/shared/"+name, d.set, parsed, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	d.read[name] = p
	return p
}

// texts are the paths of all texts of a document: of its type by the package and its name, such as
// directory.profile, or a list of it; "text" is a text alone, and map:field an object of which no type says what
// is in it.
func (d *documents) texts(document string) []string {
	d.t.Helper()
	path, list := "", false
	if document, list = strings.CutPrefix(document, "[]"); list {
		path = "[]"
	}
	if field, one := strings.CutPrefix(document, "map:"); one {
		return []string{field}
	}
	if document == "text" {
		return []string{path}
	}
	at := strings.LastIndex(document, ".")
	found := d.checked(document[:at]).Scope().Lookup(document[at+1:])
	if found == nil {
		d.t.Fatalf("there is no %s", document)
	}
	var paths []string
	d.walk(path, found.Type(), &paths)
	return paths
}

func (d *documents) walk(path string, of types.Type, paths *[]string) {
	switch types.TypeString(of, nil) {
	case "time.Time": // told as a text, and nobody's words
		return
	case "encoding/json.RawMessage": // whatever its writer puts there
		*paths = append(*paths, path+".?")
		return
	case "seatwise/shared/platform/auth.Limit": // told as the codes of cost centers
		*paths = append(*paths, path+"[]")
		return
	}
	switch under := of.Underlying().(type) {
	case *types.Pointer:
		d.walk(path, under.Elem(), paths)
	case *types.Basic:
		if under.Info()&types.IsString != 0 {
			*paths = append(*paths, path)
		}
	case *types.Slice:
		if basic, ok := under.Elem().Underlying().(*types.Basic); ok && basic.Kind() == types.Byte {
			*paths = append(*paths, path)
			return
		}
		d.walk(path+"[]", under.Elem(), paths)
	case *types.Map:
		d.walk(joined(path, "*"), under.Elem(), paths)
	case *types.Struct:
		for i := range under.NumFields() {
			field := under.Field(i)
			tag, _, _ := strings.Cut(reflect.StructTag(under.Tag(i)).Get("json"), ",")
			switch {
			case tag == "-":
			case field.Embedded() && tag == "":
				d.walk(path, field.Type(), paths)
			case !field.Exported():
			case tag == "":
				d.walk(joined(path, field.Name()), field.Type(), paths)
			default:
				d.walk(joined(path, tag), field.Type(), paths)
			}
		}
	default:
		d.t.Fatalf("%s: %s is not stored", path, name)
	}
}
