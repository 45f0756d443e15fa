package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFailuresShowTheDifference holds that no test asks only whether two values are deeply equal:
// cmp.Diff from go-cmp answers with the difference, and two structs printed side by side do not.
func TestFailuresShowTheDifference(t *testing.T) {
	equal := regexp.MustCompile(`\breflect\.DeepEqual\(`)
	seen := 0
	for _, file := range goFiles(t) {
		if !strings.HasSuffix(file, "_test.go") && !strings.HasPrefix(file, "infra/testing/") &&
			packages[filepath.ToSlash(filepath.Dir(file))] != testkit {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		seen++
		for line, code := range strings.Split(string(text), "\n") {
			if equal.MatchString(code) {
				t.Errorf("%s:%d: compares with reflect.DeepEqual; want cmp.Diff, whose answer says what differs", file, line+1)
			}
		}
	}
	if seen < 100 {
		t.Fatalf("only %d files of tests were found", seen)
	}
}
