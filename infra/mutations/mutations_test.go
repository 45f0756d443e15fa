package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const root = "../.."

// TestEveryBugHasItsPlace keeps the list in step with the code: `make mutations` takes long and
// runs seldom.
func TestEveryBugHasItsPlace(t *testing.T) {
	var names []string
	for _, b := range planted {
		t.Run(b.name, func(t *testing.T) {
			source, err := os.ReadFile(filepath.Join(root, b.file))
			if err != nil {
				t.Fatal(err)
			}
			changed, err := b.change(string(source))
			if err != nil {
				t.Fatal(err)
			}
			if changed == string(source) {
				t.Error("the bug changes nothing")
			}
			if len(b.tests) == 0 {
				t.Error("no test is to catch it")
			}
			for _, pkg := range b.tests {
				if _, err := os.Stat(filepath.Join(root, pkg)); err != nil {
					t.Error(err)
				}
			}
		})
		if slices.Contains(names, b.name) {
			t.Errorf("two bugs are named %q", b.name)
		}
		names = append(names, b.name)
	}
}

// TestAPlantedBugIsSeen plants a bug in a package of two lines: caught when a test fails, not when
// none does, and a fault when it does not build.
func TestAPlantedBugIsSeen(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":      "module planted\n\ngo 1.26\n",
		"a/a.go":      "package a\n\nfunc Sum(x, y int) int { return x + y }\n\nfunc Unused() int { return 1 }\n",
		"a/a_test.go": "package a\n\nimport \"testing\"\n\nfunc TestSum(t *testing.T) {\n\tif Sum(2, 2) != 4 {\n\t\tt.Error(\"wrong\")\n\t}\n}\n",
	} {
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(folder)
	for _, c := range []struct {
		name, from, to, by string
		fails              bool
	}{
		{name: "caught", from: "x + y", to: "x - y", by: "a TestSum"},
		{name: "survives", from: "return 1", to: "return 2"},
		{name: "hangs or crashes", from: "return x + y", to: "panic(x)", by: "a TestSum"},
		{name: "does not build", from: "x + y", to: "x +", fails: true},
		{name: "has no place", from: "x * y", to: "x", fails: true},
		{name: "has two places", from: "return", to: "return", fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := bug{name: c.name, file: "a/a.go", edits: []edit{{c.from, c.to}}, tests: []string{"a"}}
			by, err := b.caught(t.Context(), 60e9)
			if (err != nil) != c.fails || by != c.by {
				t.Errorf("caught by %q, %v; want %q, an error: %v", by, err, c.by, c.fails)
			}
		})
	}
}
