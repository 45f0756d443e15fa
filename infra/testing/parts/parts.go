// Package parts says which tests run: those that need other programs or more time than most have a
// target of their own in the Makefile, and are skipped elsewhere.
package parts

import (
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Part is a part of the tests that has a target of its own in the Makefile, of the same name: what
// needs other programs, or takes longer than whoever runs `make test` after every change would
// wait.
type Part string

const (
	// Bootstraps builds functions and runners and runs what it built.
	Bootstraps Part = "bootstraps"
	// Browser does in Chromium what a person does in the console.
	Browser Part = "browser"
	// Long plays longer rounds, such as a kill at every commit where `make test` has a sample.
	Long Part = "test-long"
	// Papers prints what Seatwise writes, and opens it in an office.
	Papers Part = "papers"
	// Servers speaks to servers that nobody needs to develop: moto's and versitygw.
	Servers Part = "servers"
)

// partsAsked is the environment variable with the parts to test, with commas between them.
const partsAsked = "SEATWISE_TEST_PARTS"

// Asked says whether this part is to be tested.
func Asked(part Part) bool {
	return slices.Contains(strings.Split(os.Getenv(partsAsked), ","), string(part))
}

// Belongs skips a test unless its part is to be tested. The target runs every test of the packages
// that name the part, so a new test need not be entered anywhere.
func Belongs(t testing.TB, part Part) {
	t.Helper()
	if !Asked(part) {
		t.Skipf("not tested here: `make %s` does", part)
	}
}

// Sized is how many there are of something in a test whose rule a small number shows as well: usual
// of them in `make test`, and long in the long rounds.
func Sized(usual, long int) int {
	if Asked(Long) {
		return long
	}
	return usual
}

const (
	// sampleAsked is the environment variable with the share of a list that is tried: a number from 0,
	// which the Makefile takes from the day, or "all".
	sampleAsked = "SEATWISE_TEST_SAMPLE"
	// shares is how many days it takes until everything was tried.
	shares = 4
)

// Today is what of a list is tried in the share that was asked for, and all of it where none was:
// each entry in one share, or in every one of several where there are fewer entries than shares.
func Today[T any](list []T) []T {
	share, err := strconv.Atoi(os.Getenv(sampleAsked))
	if err != nil || len(list) == 0 {
		return list
	}
	if len(list) < shares {
		return list[share%len(list) : share%len(list)+1]
	}
	var some []T
	for i := share % shares; i < len(list); i += shares {
		some = append(some, list[i])
	}
	return some
}

// Memory makes the garbage collector work as often as in a function while a test measures how much
// memory something takes: `make test` has it work less often.
func Memory(t testing.TB) {
	t.Helper()
	usual := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(usual) })
}
