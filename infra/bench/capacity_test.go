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

// Who is refused tries again until there is room, and nobody is forgotten.
func TestWhoIsRefusedTriesAgain(t *testing.T) {
	free := left{functions: atOnceOfAccount, reads: tableSecond, writes: tableSecond}
	var asked backlog
	if busy, wait := asked.answer(someTenant, gatewaySecond/2, free); wait > 1 || busy > 20 || asked.left > 0 {
		t.Errorf("half of what the gateway takes: %.1f functions, %.1f s", busy, wait)
	}
	if _, wait := asked.answer(someTenant, gatewaySecond+100, free); asked.left != 6000 || wait != 6000.0/gatewaySecond {
		t.Errorf("100 a second too many: %.0f are left, and wait for %.1f s", asked.left, wait)
	}
	if _, wait := asked.answer(someTenant, gatewaySecond-100, free); asked.left > 0 || wait > 1 {
		t.Errorf("a minute with room for them: %.0f are left", asked.left)
	}
	// The table refuses: functions wait for it, and what the gateway lets through takes all of them.
	free.reads = 100 * someTenant.reads / someTenant.requests
	if busy, _ := asked.answer(someTenant, 400, free); busy < 0.9*atOnceOfAccount || asked.left < 290*60 {
		t.Errorf("a table that takes 100 of 400 a second: %.0f functions, %.0f are left", busy, asked.left)
	}
}

// One run over all accounts begins again with the first when its time is over, and never comes to the last.
func TestWhatOneRunOfAllAccountsLeavesOut(t *testing.T) {
	at, now := plans[0], plans[1]
	if accounts, out := at.hourBegins(100, 1); accounts != 100 || out != 0 {
		t.Errorf("100 accounts: %.0f, %.0f left out", accounts, out)
	}
	if accounts, out := at.hourBegins(5000, 1); accounts != 3*3600 || out != 1400 {
		t.Errorf("5,000 accounts of a second, four at once in 900 s: %.0f, %.0f left out", accounts, out)
	}
	if accounts, out := now.hourBegins(5000, 1); accounts != 5000 || out != 0 {
		t.Errorf("messages: %.0f, %.0f left out", accounts, out)
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
