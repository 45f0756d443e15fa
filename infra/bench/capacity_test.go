package main

import (
	"bytes"
	"strings"
	"testing"
)

// someTenant is about what a tenant takes.
var someTenant = tenantWork{
	requests: 944, requestTime: 0.037, reads: 5348, writes: 6264, markers: 1, minuteCalls: 3, minuteReads: 3.5,
	hourCalls: 60, hourReads: 140, hourWrites: 4, reportCalls: 30, closeCalls: 40, billingReads: 90, billingWrites: 60,
}

// A bound of builders keeps a billing day from taking all functions, and its work is done later.
func TestABillingDayWithoutABoundTakesAllFunctions(t *testing.T) {
	now := plans[1]
	bounded := dayOf(now, someTenant, 10_000)
	now.buildersAtOnce = 0
	unbounded := dayOf(now, someTenant, 10_000)
	if u := bounded[ofFunctions]; u.first >= 0 {
		t.Errorf("with a bound %s are used up at %s: %.0f", u.name, clock(u.first), u.peak)
	}
	if u := unbounded[ofFunctions]; u.first != billingHour*60 {
		t.Errorf("without one they are not used up in the billing hour, but at minute %d", u.first)
	}
	if bounded[ofBuilding].peak <= unbounded[ofBuilding].peak {
		t.Errorf("with a bound it is done as soon: %.0f and %.0f s", bounded[ofBuilding].peak, unbounded[ofBuilding].peak)
	}
}

// What is passed first is found where it is: a tenant fewer passes nothing.
func TestWhatIsPassedFirst(t *testing.T) {
	for _, p := range plans {
		n, first := breaksAt(p, someTenant)
		passed := func(n float64) bool {
			for _, u := range dayOf(p, someTenant, n) {
				if u.first >= 0 {
					return true
				}
			}
			return false
		}
		if first.name == "" || passed(n/1.02) || !passed(n*1.02) {
			t.Errorf("%s: %q with %.0f", p.name, first.name, n)
		}
	}
	before, _ := breaksAt(plans[0], someTenant)
	if now, _ := breaksAt(plans[1], someTenant); now < 5*before {
		t.Errorf("it bears %.0f tenants now and %.0f at first", now, before)
	}
}

// An hour of some accounts is as it was foretold, and one that is not is told.
func TestAnHourOfManyAccounts(t *testing.T) {
	var out bytes.Buffer
	if err := realHour(t.Context(), &out, 3, 40); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if text := out.String(); strings.Count(text, "PASS") != 8 {
		t.Errorf("not every figure is judged:\n%s", text)
	}
	got, err := fleetHour(t.Context(), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := got
	want.messages *= 2
	got.commits[got.quiet[0]] = 1
	out.Reset()
	if err := printHour(&out, want, got, got.commits[got.working[0]]); err == nil {
		t.Errorf("half of the messages, and a commit of a quiet account, pass:\n%s", out.String())
	}
	if text := out.String(); strings.Count(text, "FAIL") != 1 || !strings.Contains(text, "account-1 had 1 commits") {
		t.Errorf("another figure fails:\n%s", text)
	}
}
