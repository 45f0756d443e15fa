package api

import (
	"path"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"seatwise/shared/platform/problem"
)

const schemaPrefix = "#/components/schemas/"

// ours finds the packages of this module in the full name of a type, its type arguments included.
// Few functions have two types of one name, so it is compiled when it is needed.
var ours = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`seatwise/[a-z/]+`) })

// newNamer names the schemas of the OpenAPI document after their types. Where two modules have a
// type of the same name, the later one is named after its module too; unnamed types that collide
// are numbered.
func newNamer() func(reflect.Type, string) string {
	taken := map[string]reflect.Type{}
	return func(t reflect.Type, hint string) string {
		if t.Name() == "" {
			hint = upper(hint)
		}
		name := huma.DefaultSchemaNamer(t, hint)
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t == reflect.TypeFor[problem.Document]() {
			name = "Problem"
		}
		if t.Kind() != reflect.Struct { // nothing else has a schema of its own
			return name
		}
		free := func(candidate string) bool {
			holder, isTaken := taken[candidate]
			if !isTaken {
				taken[candidate] = t
			}
			return !isTaken || holder == t
		}
		if free(name) {
			return name
		}
		if packages := ours().FindAllString(t.PkgPath()+" "+t.Name(), -1); len(packages) > 0 {
			module := path.Base(packages[len(packages)-1])
			name = strings.ToUpper(module[:1]) + module[1:] + name
			if free(name) {
				return name
			}
		}
		for n := 2; ; n++ {
			if numbered := name + strconv.Itoa(n); free(numbered) {
				return numbered
			}
		}
	}
}

// upper turns an operation's id, which hints at the name of its body, into a name:
// assign-licenseRequest into AssignLicenseRequest.
func upper(hint string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(hint, "-") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}
