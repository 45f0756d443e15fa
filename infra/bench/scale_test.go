package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"seatwise/infra/testing/fixtures"
)

// TestCostIsTheSameHoweverManyLicenses holds what `make bench` prints for 500 and 50,000 licenses
// in an account (issue 3), with fewer, so that it takes a moment. In a bubble of synctest a read waits for those
// beside it however slow the machine is; by the clock, a machine that did much else counted one read as two.
func TestCostIsTheSameHoweverManyLicenses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		if err := scale(t.Context(), &out, fewLicenses, 10*fewLicenses); err != nil {
			t.Errorf("%v:\n%s", err, &out)
		}
	})
}

func TestWhatGrowsFails(t *testing.T) {
	same := trip{fixtures.Trips{Reads: 1, Commits: 1}, 18}
	for name, spoil := range map[string]func(*scaled){
		"another read":   func(s *scaled) { s.many.Reads++ },
		"another commit": func(s *scaled) { s.many.Commits++ },
		"more written":   func(s *scaled) { s.many.written += 5 },
		"too many reads": func(s *scaled) { s.most.reads-- },
	} {
		row := scaled{name: "assign", most: allowed{reads: 1, commits: 1}, few: same, many: same}
		var out bytes.Buffer
		if err := printScale(&out, []scaled{row}, 5, 50); err != nil || !strings.Contains(out.String(), "PASS") {
			t.Fatalf("the same cost: %v\n%s", err, &out)
		}
		spoil(&row)
		err := printScale(&out, []scaled{row}, 5, 50)
		if !errors.Is(err, errGrows) ||
			!strings.Contains(out.String(), "FAIL") {
			t.Errorf("%s: %v\n%s", name, err, &out)
		}
	}
}
