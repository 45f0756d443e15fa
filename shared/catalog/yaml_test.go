package catalog

import (
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// plain is a node as a YAML library would give it.
func (n *node) plain() any {
	switch n.shape {
	case text:
		return n.scalar
	case whole:
		v, err := strconv.ParseUint(n.scalar, 10, 64)
		if err != nil {
			return nil
		}
		return v
	case boolean:
		return n.scalar == "true"
	case list:
		all := []any{}
		for _, item := range n.items {
			all = append(all, item.plain())
		}
		return all
	case mapping:
		all := map[string]any{}
		for _, f := range n.fields {
			all[f.name] = f.value.plain()
		}
		return all
	default:
		return nil
	}
}

// What is read is read as YAML: a library that reads all of YAML reads the same.
func TestReadsAsYAML(t *testing.T) {
	file, err := os.ReadFile("catalog.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{
		string(file),
		"a: 1\nb: [x, 'y z', \"q\\\"r\"]\nc: {d: e, f: [g]}\n",
		"a:\n  - b\n  - c: 1\n    d: 2\n  -\n    e: f\n",
		"a:\n- b\n- c\nd: e\n",
		"a: b # comment\n# comment\nc: d#e\n",
		"a: 'it''s'\nb: \"x # y\"\nc: x:y\nd: http://x/y\n",
		"a: [1, 2, ] # c\nb: {}\nc: []\n",
		"a: [{b: 1}, {c: [d, {e: f}]}]\n",
		"- - a\n  - b\n- c\n",
		"---\na: b\n",
		"a: true\nb: false\nc: yes\nd: no\ne: on\n",
		"a: 007x\nb: x1\nc: a-b\nd: a, b\n",
		"a: b\r\nc: d\r\n",
		"a:  b  c  \n",
		"  a: 1\n  b: 2\n",
	} {
		agree(t, source)
	}
}

func agree(t *testing.T, source string) {
	t.Helper()
	root, err := readYAML([]byte(source))
	if err != nil || root == nil {
		t.Errorf("%q: %v, %v", source, root, err)
		return
	}
	var want any
	if err := yaml.Unmarshal([]byte(source), &want); err != nil {
		t.Fatalf("%q: %v", source, err)
	}
	if got := root.plain(); !reflect.DeepEqual(got, want) {
		t.Errorf("%q: got %v, want %v", source, got, want)
	}
}

// What has another meaning in YAML than its characters is refused, so that nothing is read wrongly.
func TestRefusesTheRestOfYAML(t *testing.T) {
	for _, c := range []struct {
		source string
		line   int
	}{
		{"a: &x 1\n", 1},
		{"a: 1\nb: *x\n", 2},
		{"a: !!str 1\n", 1},
		{"a: |\n  text\n", 1},
		{"a: >-\n  text\n", 1},
		{"%YAML 1.2\n---\na: b\n", 1},
		{"a: b\n  c\n", 2},
		{"a: 'b\n  c'\n", 1},
		{"a: [b,\n  c]\n", 1},
		{"a: {b: c\n", 1},
		{"? a\n: b\n", 1},
		{"a: b: c\n", 1},
		{"a: \"\\x41\"\n", 1},
		{"'a': b\n", 1},
		{"a: @b\n", 1},
		{"a: - b\n", 1},
		{"a: [b c, d: e]\n", 1},
		{"a: 'b' c\n", 1},
		{"a: 'b'#c\n", 1},
		{"a: b\n c: d\n", 2},
		{"  a: b\nc: d\n", 2},
		{"a: b\n- c\n", 2},
		{"- a\nb: c\n", 2},
		{"a: b\na: c\n", 2},
		{"a:\n\t- b\n", 2},
		{"a: b\x00\n", 1},
		{"a: b\n---\nc: d\n", 3},
		{"a: [,]\n", 1},
		{"a: " + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "\n", 1},
		{strings.Repeat("- ", 100) + "a\n", 1},
	} {
		root, err := readYAML([]byte(c.source))
		if err == nil {
			t.Errorf("%q was read as %v", c.source, root.plain())
			continue
		}
		if want := fmt.Sprintf("catalog: line %d: ", c.line); !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want line %d", c.source, err, c.line)
		}
	}
}

// Numbers that a catalog has no use for are not taken for text.
func TestShapes(t *testing.T) {
	for plain, want := range map[string]shape{
		"0": whole, "007": other, "12": whole, "18446744073709551616": whole, "-1": other, "+1": other, "1.5": other, "1e3": other, "0x1f": other, "0o17": other, ".inf": other, "-.inf": other,
		".5": other, "1_000": other, "~": other, "null": other, "NULL": other, "TRUE": other, "true": boolean, "false": boolean, "yes": text, "x1": text, "1st": text,
		"v1.5": text, "a": text, "2026-01-01": other, "-": other, "cafe": text, "3cx": text, "0xyz": text, "e": text, "12:30": other,
	} {
		if got := shapeOf(plain); got != want {
			t.Errorf("%q: got %d, want %d", plain, got, want)
		}
	}
}

// FuzzReadsAsYAML looks for what is read otherwise than by the library.
func FuzzReadsAsYAML(f *testing.F) {
	f.Add("a: 1\nb: [x, 'y z']\nc: {d: e}\n")
	f.Add("- a\n- b: c\n  d: 'e'\n-\n  - f # g\n")
	f.Fuzz(func(t *testing.T, source string) {
		root, err := readYAML([]byte(source))
		if err != nil || root == nil {
			return
		}
		var want any
		if err := yaml.Unmarshal([]byte(source), &want); err != nil {
			return // the library refuses more
		}
		if got := root.plain(); !similar(got, want) {
			t.Errorf("%q: got %#v, want %#v", source, got, want)
		}
	})
}

// similar is equal, but for scalars of the types that a catalog does not read.
func similar(got, want any) bool {
	switch g := got.(type) {
	case nil:
		return true
	case []any:
		w, ok := want.([]any)
		if !ok || len(w) != len(g) {
			return false
		}
		for i := range g {
			if !similar(g[i], w[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		w, ok := want.(map[string]any)
		if !ok || len(w) != len(g) {
			return false
		}
		for k := range g {
			if v, ok := w[k]; !ok || !similar(g[k], v) {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(got, want)
	}
}
