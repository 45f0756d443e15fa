package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// A small period, so that the bench does not fall behind.
func TestAPeriodIsMeasured(t *testing.T) {
	steps, err := periodOverBolt(t.Context(), 2_000)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	// Of few licenses the fixed reads are most of all.
	if err := printPeriod(&out, periodLicenses, steps); err != nil {
		t.Errorf("%v:\n%s", err, &out)
	}
	for _, want := range []string{"close it", "compare it with a day", "its workbook", "PASS"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not printed:\n%s", want, &out)
		}
	}
	if steps[0].cost.commits == 0 || steps[0].heap == 0 {
		t.Errorf("%+v", steps[0])
	}
	steps[1].cost.gets = periodLicenses
	if err := printPeriod(&out, periodLicenses, steps); !errors.Is(err, errPeriod) {
		t.Errorf("a read for each license: %v", err)
	}
}
