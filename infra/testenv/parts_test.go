package testenv_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"seatwise/infra/testenv"
)

const root = "../.."

// TestEveryPartIsTested holds that each part has a target, which finds the packages with tests of
// the part by the names that they use, and that `.ci/run` makes every target. Without it a test
// could be skipped everywhere.
func TestEveryPartIsTested(t *testing.T) {
	makefile, ci := text(t, filepath.Join(root, "Makefile")), text(t, filepath.Join(root, ".ci", "run"))
	uses := map[string]bool{} // of this package, by tests
	for _, folder := range []string{"infra", "shared"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, _ fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, "_test.go") {
				for _, use := range regexp.MustCompile(`\btestenv\.[A-Z]\w+`).FindAllString(text(t, path), -1) {
					uses[use] = true
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for constant, part := range map[string]testenv.Part{
		"Bootstraps": testenv.Bootstraps, "Long": testenv.Long, "Papers": testenv.Papers, "Servers": testenv.Servers,
	} {
		target := regexp.MustCompile(`(?m)^` + string(part) + `: ##.*\n\t\$\(call part,(.*)\)$`).
			FindStringSubmatch(makefile)
		if target == nil {
			t.Errorf("no target %s in the Makefile finds its packages", part)
			continue
		}
		finds := regexp.MustCompile(target[1])
		names := append(belonging(t, constant), constant)
		used := false
		for _, name := range names {
			if used = used || uses["testenv."+name]; !finds.MatchString("testenv." + name) {
				t.Errorf("make %s does not find tests that use testenv.%s", part, name)
			}
		}
		if !used {
			t.Errorf("nothing belongs to %s", part)
		}
		if !regexp.MustCompile(`(?m)^step .* make ` + string(part) + `\b`).MatchString(ci) {
			t.Errorf(".ci/run has no step make %s", part)
		}
	}
}

// belonging are the functions of this package that skip a test where the part is not asked for.
func belonging(t *testing.T, part string) (functions []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	function := regexp.MustCompile(`(?ms)^func (\w+)\(.*?^}`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, f := range function.FindAllStringSubmatch(text(t, file), -1) {
			if strings.Contains(f[0], "Belongs(t, "+part+")") || strings.Contains(f[0], "Asked("+part+")") {
				functions = append(functions, f[1])
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
