package offboarding

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEveryTextOfEveryKindSaysWhoseItIs reads the types of the documents: a kind that is new, and a field that
// is new in one, has to be in inRecords before it is stored.
func TestEveryTextOfEveryKindSaysWhoseItIs(t *testing.T) {
	for kind := range kindsOfThePage(t) {
		if _, said := inRecords[kind]; !said {
			t.Errorf("of %s it is not said what its texts are", kind)
		}
	}
	d := newDocuments(t)
	for kind, said := range inRecords {
		var want []string
		for document := range strings.FieldsSeq(said.documents) {
			for _, path := range d.texts(document) {
				if kind == "AUDIT" || kind == "AUDIT-BEGUN" {
					if path == "before.?" || path == "after.?" {
						continue // the simulation, and what a person leaves, have them
					}
				}
				want = append(want, path)
			}
		}
		var have []string
		for path := range said.paths().known {
			state := strings.HasPrefix(path, "before") || strings.HasPrefix(path, "after")
			if state && said.documents == auditTexts.documents {
				continue
			}
			have = append(have, path)
		}
		slices.Sort(want)
		slices.Sort(have)
		if diff := cmp.Diff(slices.Compact(want), have); diff != "" {
			t.Errorf("texts of %s (-stored +said):\n%s", kind, diff)
		}
	}
}

// TestNoTextIsSaidTwice also holds that conditions name texts that there are.
func TestNoTextIsSaidTwice(t *testing.T) {
	for kind, said := range inRecords {
		var all []string
		all = append(all, strings.Fields(said.plain+" "+said.things)...)
		for _, one := range said.theirs {
			all = append(all, one.path)
		}
		slices.Sort(all)
		if once := slices.Compact(slices.Clone(all)); len(once) != len(all) {
			t.Errorf("%s says of a text twice what it is: %v", kind, all)
		}
		known := slices.Collect(maps.Keys(said.paths().known))
		for _, one := range said.theirs {
			for condition := range strings.FieldsSeq(strings.ReplaceAll(one.of, "&", " ")) {
				path, _, _ := strings.Cut(strings.TrimSuffix(condition, "?"), "=")
				there := slices.ContainsFunc(known, func(at string) bool {
					return at == path || strings.HasPrefix(at, path+".")
				})
				if !there && !strings.HasPrefix(path, ":") {
					t.Errorf("%s: %s is judged by %s, which is not there", kind, one.path, path)
				}
			}
		}
	}
}
