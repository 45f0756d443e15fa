package parts_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"seatwise/infra/testing/parts"
)

const root = "../../.."

// TestEveryPartIsTested holds that each part has a target, which finds the packages with tests of
// the part by the names that they use, and that `.ci/run` makes every target. Without it a test
// could be skipped everywhere.
func TestEveryPartIsTested(t *testing.T) {
	makefile, ci := text(t, filepath.Join(root, "Makefile")), text(t, filepath.Join(root, ".ci", "run"))
	uses := map[string]bool{} // of this package and programs, by tests
	use := regexp.MustCompile(`\b(parts|programs)\.[A-Z]\w+`)
	for _, folder := range []string{"infra", "shared"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, _ fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, "_test.go") {
				for _, name := range use.FindAllString(text(t, path), -1) {
					uses[name] = true
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for constant, part := range map[string]parts.Part{
		"Bootstraps": parts.Bootstraps, "Browser": parts.Browser, "Long": parts.Long, "Papers": parts.Papers,
		"Servers": parts.Servers,
	} {
		target := regexp.MustCompile(`(?m)^` + string(part) + `: ##.*\n\t\$\(call part,(.*)\)$`).
			FindStringSubmatch(makefile)
		if target == nil {
			t.Errorf("no target %s in the Makefile finds its packages", part)
			continue
		}
		finds := regexp.MustCompile(target[1])
		names := append(belonging(t, constant), "parts."+constant)
		used := false
		for _, name := range names {
			if used = used || uses[name]; !finds.MatchString(name) {
				t.Errorf("make %s does not find tests that use %s", part, name)
			}
		}
		if !used {
			t.Errorf("nothing belongs to %s", part)
		}
		if !regexp.MustCompile(`(?m)^(step .* make |lane (.* )?)` + string(part) + `\b`).MatchString(ci) {
			t.Errorf(".ci/run has no step make %s", part)
		}
	}
}

// belonging are the functions of parts and programs that skip a test where the part is not asked
// for, each as tests call it.
func belonging(t *testing.T, part string) (functions []string) {
	t.Helper()
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	function := regexp.MustCompile(`(?ms)^func (\w+)\(.*?^}`)
	asks := regexp.MustCompile(`\b(Belongs\(t, |Asked\()(parts\.)?` + part + `\)`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, f := range function.FindAllStringSubmatch(text(t, file), -1) {
			if asks.MatchString(f[0]) {
				functions = append(functions, filepath.Base(filepath.Dir(file))+"."+f[1])
			}
		}
	}
	return functions
}

func text(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
