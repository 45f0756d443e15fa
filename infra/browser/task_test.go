package browser_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"seatwise/infra/testing/parts"
	"seatwise/infra/testing/runnerprocess"
	"seatwise/shared/console/client"
)

// scene is somebody at work in an account of their own.
type scene struct {
	*person
	account string
	api     *client.Client

	step  string
	taken []counted
}

// counted is how many clicks an instruction took.
type counted struct {
	id     string
	clicks int
}

// every is all ways to work; a task that needs script leaves the second one out.
var every = []way{byMouse, withoutScript, byKeyboard}

var accounts atomic.Int64

// task carries out a task in each way, each time in a new account with licenses that are bought,
// signed in as its admin. By mouse its clicks are held against those that docs/seed-tasks.md tells.
func task(t *testing.T, ways []way, licenses map[string]int64, do func(s *scene)) {
	t.Helper()
	for _, how := range append(ways[:1:1], parts.Today(ways[1:])...) {
		t.Run(string(how), func(t *testing.T) {
			p := sit(t, how)
			s := &scene{person: p, account: newAccount()}
			s.api = p.o.console.Account(t, s.account, licenses)
			do(s)
			s.does("")
			if how == byMouse && !t.Failed() {
				s.compare()
			}
		})
	}
}

func newAccount() string { return fmt.Sprintf("office-%d", accounts.Add(1)) }

// does begins an instruction of docs/seed-tasks.md.
func (s *scene) does(id string) {
	if s.step != "" {
		s.taken = append(s.taken, counted{s.step, s.clicks})
	}
	s.step, s.clicks = id, 0
}

// aside does something that the instruction does not ask for, so its clicks do not count.
func (s *scene) aside(do func()) {
	before := s.clicks
	do()
	s.clicks = before
}

// compare holds the clicks against the document.
func (s *scene) compare() {
	s.t.Helper()
	told := instructions(s.t)
	test, _, _ := strings.Cut(s.t.Name(), "/")
	for _, c := range s.taken {
		switch row, ok := told[c.id]; {
		case !ok:
			s.t.Errorf("%s is not in docs/seed-tasks.md; it took %d clicks", c.id, c.clicks)
		case row.test != test:
			s.t.Errorf("%s is said to be carried out by %s", c.id, row.test)
		case row.clicks != c.clicks:
			s.t.Errorf("%s took %d clicks, and docs/seed-tasks.md says %d", c.id, c.clicks, row.clicks)
		}
	}
}

// instruction is a row of docs/seed-tasks.md.
type instruction struct {
	test   string
	clicks int
}

var row = regexp.MustCompile("(?m)^\\| ([A-Z][0-9]+) \\|.*\\| `(Test\\w+)` \\| [0-9–]+ \\| ([0-9]+) \\|$")

// instructions are those of docs/seed-tasks.md that a test carries out, by their id.
func instructions(t testing.TB) map[string]instruction {
	t.Helper()
	root, err := runnerprocess.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "seed-tasks.md"))
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]instruction{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		clicks, err := strconv.Atoi(m[3])
		if err != nil {
			t.Fatal(err)
		}
		list[m[1]] = instruction{m[2], clicks}
	}
	return list
}

// TestEveryInstructionIsCarriedOut holds that each row of docs/seed-tasks.md has its test, which
// begins it by its id.
func TestEveryInstructionIsCarriedOut(t *testing.T) {
	list := instructions(t)
	if len(list) == 0 {
		t.Fatal("docs/seed-tasks.md has no rows that can be read")
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	begun := map[string]string{} // by id, the test that begins it
	test := regexp.MustCompile(`(?m)^func (Test\w+)|\.does\("(\w+)"\)`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		in := ""
		for _, m := range test.FindAllStringSubmatch(string(text), -1) {
			if m[1] != "" {
				in = m[1]
			} else {
				begun[m[2]] = in
			}
		}
	}
	for id, row := range list {
		if begun[id] != row.test {
			t.Errorf("%s is said to be carried out by %s; it is begun in %q", id, row.test, begun[id])
		}
	}
}
