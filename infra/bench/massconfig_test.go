package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestMassConfigurationIsMeasured measures a small file, so that the bench does not fall behind the
// module.
func TestMassConfigurationIsMeasured(t *testing.T) {
	const rows = 120
	f, err := measureMass(t.Context(), t.TempDir(), rows)
	if err != nil {
		t.Fatal(err)
	}
	if f.scan <= 0 || f.check.took <= 0 || f.check.cost.commits == 0 || f.apply.cost.commits < rows/10 ||
		f.apply.cost.writes == 0 {
		t.Errorf("%+v", f)
	}
	var out bytes.Buffer
	if err := f.print(&out); err != nil || !strings.Contains(out.String(), "configure") {
		t.Errorf("%v: %s", err, out.String())
	}
}

func TestSlowOrLargeCheckFails(t *testing.T) {
	good := massFigures{
		scan:  time.Second,
		check: phase{took: 2 * time.Second, peak: massPeak - 1},
		apply: phase{peak: massPeak - 1},
	}
	slow, large, largeLater := good, good, good
	slow.check.took++
	large.check.peak++
	largeLater.apply.peak++
	for _, c := range []struct {
		f  massFigures
		ok bool
	}{{good, true}, {slow, false}, {large, false}, {largeLater, false}} {
		if c.f.ok() != c.ok {
			t.Errorf("%+v: %v", c.f, c.f.ok())
		}
	}
}
