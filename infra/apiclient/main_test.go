package main

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what is generated as what is wanted")

// A small document has each kind of operation: a list with its query, a change, one without an
// answer, and a file. What is generated of it stands beside it.
func TestASmallDocument(t *testing.T) {
	var got bytes.Buffer
	if err := run([]string{"testdata/small.yaml"}, &got); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/small.go.txt"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("not as %s has it; look at the difference, then run this test with -update:\n%s", golden, got.String())
	}
	if strings.Contains(got.String(), "Unused") {
		t.Error("a schema that no operation uses is generated")
	}
}

// TestTheClientIsCurrent compares the console's client with what openapi.yaml makes of it today.
func TestTheClientIsCurrent(t *testing.T) {
	const file = "../../shared/console/client/generated.go"
	var want bytes.Buffer
	if err := run([]string{"../../openapi.yaml"}, &want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want.Bytes()) {
		return
	}
	has, wants := strings.Split(string(got), "\n"), strings.Split(want.String(), "\n")
	line := 0
	for line < min(len(has), len(wants)) && has[line] == wants[line] {
		line++
	}
	lineOf := func(lines []string) string {
		return strings.Join(lines[min(line, len(lines)):min(line+1, len(lines))], "")
	}
	t.Errorf("%s is not what openapi.yaml says, from line %d on: run make views\n got: %s\nwant: %s",
		file, line+1, lineOf(has), lineOf(wants))
}

func TestWhatIsNoDocument(t *testing.T) {
	for name, args := range map[string][]string{
		"none named": {}, "two named": {"a", "b"}, "not there": {"testdata/nothing.yaml"},
	} {
		if err := run(args, new(bytes.Buffer)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Generate([]byte("paths: [")); err == nil {
		t.Error("no YAML: no error")
	}
}
