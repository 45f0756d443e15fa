package main

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"
)

// What the document says of a field that a PUT leaves out: that it stays, or that there is none then.
var (
	staysLeftOut = regexp.MustCompile(`\bStays?\b.* left out\b`)
	noneLeftOut  = regexp.MustCompile(`\bNone if left out\b`)
)

// leftOut are the resources of which a field stays when a PUT leaves it out, each with the operation
// that puts it.
var leftOut = map[string]string{
	"": "put-account", "/cost-centers/{code}": "put-cost-center", "/users/{id}": "put-user",
}

// optional are the fields of the body of a PUT that may be left out.
func (l *law) optional(t *testing.T, put operation) map[string]*huma.Schema {
	w := &world{document: l.document()}
	schema := w.resolve(t, put.RequestBody.Content["application/json"].Schema)
	fields := map[string]*huma.Schema{}
	for name, field := range schema.Properties {
		if !field.ReadOnly && !slices.Contains(schema.Required, name) {
			fields[name] = field
		}
	}
	return fields
}

// reach is a body of such a resource with every field in a state that no new one has, and its path.
func (l *law) reach(id string) (path string, body object) {
	b := largest[id](l)
	body, _ = b.body.(object)
	if id == "put-user" {
		body["agentSource"] = "pbx" // of a new user it is manual
	}
	return b.path, body
}

// bare is a body without what may be left out.
func bare(body object, optional map[string]*huma.Schema) object {
	kept := maps.Clone(body)
	maps.DeleteFunc(kept, func(name string, _ any) bool { return optional[name] != nil })
	return kept
}

// TestAFieldLeftOutIsWhatTheDocumentSays puts a resource with every field, and then with those alone
// that must be there: what the document says of each that is left out is what becomes of it
// (requirements, section 6). A field of a user that the document says nothing of fails too.
func TestAFieldLeftOutIsWhatTheDocumentSays(t *testing.T) {
	all := resources(t)
	for below, put := range all {
		id, listed := leftOut[below]
		l := openLaw(t)
		optional := l.optional(t, put)
		for name, field := range optional {
			if stays := staysLeftOut.MatchString(field.Description); stays && !listed {
				t.Errorf("%s says that %s stays if left out; add it to leftOut", put.OperationID, name)
			} else if below == "/users/{id}" && !stays && !noneLeftOut.MatchString(field.Description) {
				t.Errorf("%s does not say what becomes of %s when it is left out", put.OperationID, name)
			}
		}
		if !listed {
			continue
		}
		path, body := l.reach(id)
		for name := range optional {
			if body[name] == nil {
				t.Errorf("the largest request of %s leaves %s out", id, name)
			}
		}
		l.leavesOut(t, path, body, optional)
		for name, field := range optional {
			if field.Type != huma.TypeBoolean {
				continue
			}
			for _, value := range []bool{true, false} {
				one := bare(body, optional)
				one[name] = value
				l.leavesOut(t, path, one, optional)
			}
		}
	}
}

// leavesOut puts a body, and then what must be there of it, and compares what is read.
func (l *law) leavesOut(t *testing.T, path string, body object, optional map[string]*huma.Schema) {
	t.Helper()
	l.must(http.MethodPut, path, body)
	want := l.must(http.MethodGet, path, nil)
	l.must(http.MethodPut, path, bare(body, optional))
	got := l.must(http.MethodGet, path, nil)
	for name, field := range optional {
		if noneLeftOut.MatchString(field.Description) && got[name] != nil {
			t.Errorf("PUT %.40s without %s: it is %v", path, name, got[name])
		}
		if !staysLeftOut.MatchString(field.Description) {
			delete(want, name)
			delete(got, name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("PUT %.40s with nothing but what must be there: wanted -, got +:\n%s", path, diff)
	}
}
