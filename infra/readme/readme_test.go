package readme

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"seatwise/infra/testing/runnerprocess"
	"seatwise/shared/platform/problem"
)

func TestMain(m *testing.M) { os.Exit(runnerprocess.Main(m)) }

// block is a fenced block of the README.
type block struct {
	language, text string
	line           int
}

// section is a part of the README with its blocks, by its heading.
func section(t *testing.T, heading string) (blocks []block) {
	t.Helper()
	inside := false
	var open *block
	for i, line := range strings.Split(readme(t), "\n") {
		switch {
		case open != nil && line == "```":
			if inside {
				blocks = append(blocks, *open)
			}
			open = nil
		case open != nil:
			open.text += line + "\n"
		case strings.HasPrefix(line, "```"):
			open = &block{language: strings.TrimPrefix(line, "```"), line: i + 1}
		case strings.HasPrefix(line, "## "):
			inside = line == "## "+heading
		}
	}
	if len(blocks) == 0 {
		t.Fatalf("README.md has no blocks under %q", heading)
	}
	return blocks
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTour runs the tour: its first block as it stands, which starts the runner, and all the others
// one after the other in one shell, with only the address replaced.
func TestTour(t *testing.T) {
	for _, tool := range []string{"bash", "make", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("not tested: the tour: no %s found", tool)
		}
	}
	blocks := section(t, "Five-minute tour")
	if blocks[0].language != "sh" {
		t.Fatalf("the tour begins with a block of %q", blocks[0].language)
	}
	root, err := runnerprocess.Root()
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", "exec "+blocks[0].text)
	run.Dir = root
	run.Env = environment(`ARGS=--addr 127.0.0.1:0 --s3-addr 127.0.0.1:0 --data ` + t.TempDir())
	runner := runnerprocess.Run(t, run, syscall.SIGTERM)

	const marker = "\x1e" // ends what a block prints
	type step struct{ does, prints block }
	var steps []step
	script := "set -euo pipefail\n"
	for _, b := range blocks[1:] {
		switch b.language {
		case "sh":
			steps = append(steps, step{does: b})
			script += b.text + "printf '\\036'\n"
		case "json", "text":
			if len(steps) == 0 || steps[len(steps)-1].prints.text != "" {
				t.Fatalf("line %d: no commands print this", b.line)
			}
			steps[len(steps)-1].prints = b
		default:
			t.Fatalf("line %d: a block of %q", b.line, b.language)
		}
	}
	script = strings.ReplaceAll(script, "http://127.0.0.1:3000", runner.API)
	shell := exec.CommandContext(t.Context(), "bash", "-c", script)
	shell.Dir = t.TempDir()
	shell.Env = environment("TMPDIR=" + t.TempDir())
	var stdout, stderr bytes.Buffer
	shell.Stdout, shell.Stderr = &stdout, &stderr
	err = shell.Run()
	printed := strings.Split(strings.ReplaceAll(stdout.String(), "\r\n", "\n"), marker)
	for i, s := range steps {
		if i >= len(printed)-1 { // What follows the last mark is no block's.
			t.Fatalf("the tour ends at line %d: %v: %s%s", s.does.line, err, printed[len(printed)-1], stderr.String())
		}
		if !stated(s.prints.text).MatchString(printed[i]) {
			t.Errorf("line %d: it prints\n%s\nwhich is not\n%s", s.does.line, printed[i], s.prints.text)
		}
	}
	if err != nil || stderr.Len() > 0 {
		t.Errorf("the tour ends with %v: %s", err, stderr.String())
	}
}

// stated is what a block of output says: an ellipsis stands for anything in its line, and empty
// lines at the end do not count.
func stated(text string) *regexp.Regexp {
	parts := strings.Split(strings.TrimSpace(text), "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`^` + strings.Join(parts, `[^\n]*`) + `\s*$`)
}

// environment is the test's own, without what a make above it wants of makes below.
func environment(more ...string) []string {
	var env []string
	for _, pair := range os.Environ() {
		switch name, _, _ := strings.Cut(pair, "="); name {
		case "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "ARGS", "TESTFLAGS":
		default:
			env = append(env, pair)
		}
	}
	return append(env, more...)
}

func TestStatedTellsOutputsApart(t *testing.T) {
	for text, matches := range map[string]map[string]bool{
		"{\"id\":\"…\",\"n\":1}\n": {
			`{"id":"x","n":1}`:           true,
			"{\"id\":\"x\",\"n\":1}\n\n": true,
			`{"id":"x","n":2}`:           false,
			"{\"id\":\"x\n\",\"n\":1}":   false,
		},
		"":       {"": true, "\n": true, "x": false},
		"a\nb\n": {"a\nb": true, "a\nb\nc": false, "a": false},
	} {
		for output, want := range matches {
			if got := stated(text).MatchString(output); got != want {
				t.Errorf("%q states %q: %t", text, output, got)
			}
		}
	}
}

// TestWhatItNames looks for the files, folders and make targets that the README and the documents
// name.
func TestWhatItNames(t *testing.T) {
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range append(documents, "../../README.md") {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`).FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(document), link[1])); err != nil {
				t.Errorf("%s: %v", document, err)
			}
		}
		for _, path := range regexp.MustCompile(
			"`((?:functions|shared|infra|docs|events)/[a-zA-Z0-9_./-]*)`",
		).FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(path[1], "NAME") {
				continue // stands for any
			}
			if _, err := os.Stat(filepath.Join("../..", path[1])); err != nil {
				t.Errorf("%s: %v", document, err)
			}
		}
		for _, target := range regexp.MustCompile("(?m)(?:^|`)make ([a-z-]+)").FindAllStringSubmatch(string(text), -1) {
			if !regexp.MustCompile(`(?m)^` + target[1] + `:`).Match(makefile) {
				t.Errorf("%s: there is no make %s", document, target[1])
			}
		}
	}
}

// TestTheKitsAreInTheTable holds that CONTRIBUTING says of every package below infra/testing what it
// gives to a test.
func TestTheKitsAreInTheTable(t *testing.T) {
	kits, err := os.ReadDir("../testing")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kit := range kits {
		if row := "\n| `infra/testing/" + kit.Name() + "` | "; !strings.Contains(string(text), row) {
			t.Errorf(`docs/CONTRIBUTING.md: "What a test is given" has no row for infra/testing/%s`, kit.Name())
		}
	}
}

// TestWhatFailsExists looks for the tests that docs/ and the README say fail, or hold something.
func TestWhatFailsExists(t *testing.T) {
	tests := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	eachFile(t, ".go", func(_, code string) {
		for _, match := range declared.FindAllStringSubmatch(code, -1) {
			tests[match[1]] = true
		}
	})
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w+)`")
	for _, document := range append(documents, "../../README.md") {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range named.FindAllStringSubmatch(string(text), -1) {
			if !tests[match[1]] {
				t.Errorf("%s: there is no %s", document, match[1])
			}
		}
	}
}

// eachFile visits the files of the repository whose names end so, by their paths in it.
func eachFile(t *testing.T, ending string, visit func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir("../..", func(file string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == "testdata" || name == "dist" || len(name) > 2 && name[0] == '.' && name != ".ci") {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ending) {
			return nil
		}
		text, err := os.ReadFile(file)
		if err == nil {
			visit(filepath.ToSlash(strings.TrimPrefix(file, "../../")), string(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sectionsOf are what can be cited of a document: the numbers of its sections and of the items in
// them, the numbers of its decisions, and its headings.
func sectionsOf(t *testing.T, document string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + document)
	if err != nil {
		t.Fatal(err)
	}
	found, section := map[string]bool{}, ""
	heading := regexp.MustCompile(`^#+ (?:(\d+)\. )?(.*)$`)
	item := regexp.MustCompile(`^(\d+)\. `)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if match := heading.FindStringSubmatch(line); match != nil {
			section = match[1]
			found[section], found[match[2]] = true, true
		} else if match := item.FindStringSubmatch(line); match != nil {
			found[strings.TrimPrefix(section+"."+match[1], ".")] = true
		}
	}
	return found
}

// TestCitationsResolve looks up each place in docs/ that a comment or a document cites, such as
// "requirements, section 3.4" and "design, decision 8".
func TestCitationsResolve(t *testing.T) {
	const number = `\d+(?:\.\d+)?`
	numbered := regexp.MustCompile(
		`(?i)\b(requirements), sections? (` + number + `(?:(?:, and |, | and )` + number + `)*)|\b(design|decisions), (?:decisions? )?(\d+(?:(?:, and |, | and )\d+)*)`,
	)
	headed := regexp.MustCompile(`\b(contract|data model|operations), "?([A-Z]\w+(?: \w+)*)`)
	// What says where a rule comes from without a place in docs/ sends its reader nowhere.
	nowhere := regexp.MustCompile(`\b[Ss]pec \d|\bapi\.md\b|[^/]\bdesign\.md\b`)
	places := map[string]map[string]bool{
		"requirements": sectionsOf(t, "requirements.md"),
		"design":       sectionsOf(t, "design.md"),
		"decisions":    sectionsOf(t, "decisions.md"),
		"contract":     sectionsOf(t, "contract.md"),
		"data model":   sectionsOf(t, "data-model.md"),
		"operations":   sectionsOf(t, "operations.md"),
	}
	newline := regexp.MustCompile(`\n\s*(?://|#)? ?`)
	count := 0
	check := func(path, text string) {
		text = newline.ReplaceAllString(text, " ")
		for _, match := range numbered.FindAllStringSubmatch(text, -1) {
			document, list := strings.ToLower(match[1]+match[3]), match[2]+match[4]
			for _, n := range regexp.MustCompile(number).FindAllString(list, -1) {
				count++
				if !places[document][n] {
					t.Errorf("%s cites %q, and %s has no %s", path, match[0], document, n)
				}
			}
		}
		for _, match := range headed.FindAllStringSubmatch(text, -1) {
			count++
			if !anyPrefix(places[match[1]], match[2]) {
				t.Errorf("%s cites %q, and there is no such heading", path, match[0])
			}
		}
		for _, match := range nowhere.FindAllString(text, -1) {
			t.Errorf("%s cites %q, which is not in the repository", path, match)
		}
	}
	for _, ending := range []string{".go", ".yaml", ".yml", ".py", "Makefile"} {
		eachFile(t, ending, func(path, text string) {
			if path != "infra/readme/readme_test.go" && path != "openapi.yaml" {
				check(path, text)
			}
		})
	}
	if count < 200 {
		t.Errorf("only %d citations found", count)
	}
}

// anyPrefix says whether one of the headings begins the text, or the text one of them.
func anyPrefix(headings map[string]bool, text string) bool {
	for heading := range headings {
		if heading != "" && (strings.HasPrefix(text, heading) || strings.HasPrefix(heading, text)) {
			return true
		}
	}
	return false
}

// TestDecisionsHaveOneForm holds that decisions can be cited: each has a number of its own, from 1 on
// without a gap, the day on which it was first written down, and a line that says why.
func TestDecisionsHaveOneForm(t *testing.T) {
	text, err := os.ReadFile("../../docs/decisions.md")
	if err != nil {
		t.Fatal(err)
	}
	headed := regexp.MustCompile(`^### (\d+)\. \S.* \(\d{4}-\d\d-\d\d\)$`)
	numbers := map[string]bool{}
	unexplained := ""
	for line := range strings.Lines(string(text) + "## ") {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "**") {
			t.Errorf("a decision has no heading: %s", line)
		}
		if strings.HasPrefix(line, "- Why: ") {
			unexplained = ""
		}
		if unexplained != "" && (strings.HasPrefix(line, "## ") || strings.HasPrefix(line, "### ")) {
			t.Errorf("%s: want a line below it that begins with \"- Why: \"", unexplained)
		}
		if !strings.HasPrefix(line, "### ") {
			continue
		}
		unexplained = line
		match := headed.FindStringSubmatch(line)
		if match == nil {
			t.Errorf("%s: want a number, the decision, and a day in brackets", line)
		} else if numbers[match[1]] {
			t.Errorf("%s: the number is taken", line)
		} else {
			numbers[match[1]] = true
		}
	}
	for n := 1; n <= len(numbers); n++ {
		if !numbers[strconv.Itoa(n)] {
			t.Errorf("there is no decision %d", n)
		}
	}
}

// TestDataModelNamesEveryPartition looks for the partitions that the code makes in the document
// that says what each holds.
func TestDataModelNamesEveryPartition(t *testing.T) {
	document, err := os.ReadFile("../../docs/data-model.md")
	if err != nil {
		t.Fatal(err)
	}
	made := regexp.MustCompile(`Partition\((?:[\w.]+, )?"([A-Z-]+)"|Markers\("([A-Z]+)"|= "(ACCOUNTS)"`)
	found := 0
	err = filepath.WalkDir("../../shared", func(file string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		code, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, match := range made.FindAllStringSubmatch(string(code), -1) {
			found++
			name := match[2] + match[3]
			if match[1] != "" {
				name = "A#" + match[1]
			}
			if !regexp.MustCompile("`" + regexp.QuoteMeta(name) + "[`#]").Match(document) {
				t.Errorf("docs/data-model.md says nothing of %s, which %s makes", name, file)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 40 {
		t.Errorf("only %d partitions found in the code", found)
	}
}

// TestTheContractNamesEveryProblem looks in docs/contract.md for each kind of problem that the API may
// answer.
func TestTheContractNamesEveryProblem(t *testing.T) {
	contract, err := os.ReadFile("../../docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, slug := range problem.Slugs() {
		if !bytes.Contains(contract, []byte("`"+string(slug)+"`")) {
			t.Errorf("docs/contract.md, Errors, says nothing of %s", slug)
		}
	}
}
