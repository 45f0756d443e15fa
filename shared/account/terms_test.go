package account_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/account"
)

// A change of the time zone, the billing day, the bundle or the report schedule counts from the
// next period on (requirements, section 12), and what counted before is kept.
func TestTermsCountFromTheNextPeriod(t *testing.T) {
	k := fixtures.New(t)
	h := server(t, k)
	put := func(change map[string]any) account.Account {
		t.Helper()
		r := k.Do(t, h, operator("PUT", "/v1/accounts/initech", settings(change)))
		if r.Status != http.StatusOK && r.Status != http.StatusCreated {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
		return fixtures.Decode[account.Account](t, r, r.Status)
	}
	first := account.Terms{
		Timezone:       "Europe/Vienna",
		BillingDay:     15,
		Bundle:         account.Standard,
		ReportSchedule: account.Monthly,
	}
	want := func(a account.Account, terms ...account.Terms) {
		t.Helper()
		if diff := cmp.Diff(terms, a.Terms); diff != "" {
			t.Fatalf("terms, wanted -, got +:\n%s", diff)
		}
	}
	k.Clock.Set(time.Date(2026, 7, 20, 12, 0, 0, 0, time.UTC))
	want(put(nil), first)
	// The name counts at once and changes no terms; the zone waits for 15 August.
	want(put(map[string]any{"name": "Initech Ltd"}), first)
	second := first
	second.From, second.Timezone = "2026-08-15", "America/New_York"
	want(put(map[string]any{"timezone": "America/New_York"}), first, second)
	// Another change of mind replaces what has not begun, and the first terms again leave nothing
	// of it.
	second.BillingDay, second.Timezone = 1, "Europe/Vienna"
	want(put(map[string]any{"billingDay": 1}), first, second)
	want(put(nil), first)
	second = first
	second.From, second.Timezone, second.BillingDay = "2026-08-15", "America/New_York", 1
	changed := map[string]any{"timezone": "America/New_York", "billingDay": 1}
	a := put(changed)
	want(a, first, second)
	// On 14 August at midnight in New York it is the 15th in Vienna: the new period has begun.
	k.Clock.Set(time.Date(2026, 8, 14, 23, 0, 0, 0, time.UTC))
	third := second
	third.From, third.Bundle = "2026-09-01", account.CustomerEngagement
	changed["bundle"] = "customer-engagement"
	a = put(changed)
	want(a, first, second, third)
	days, err := a.Calendar()
	if err != nil {
		t.Fatal(err)
	}
	day := func(text string) time.Time {
		d, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if begin, end := days.Period(day("2026-08-20")); !begin.Equal(day("2026-08-15")) || !end.Equal(day("2026-09-01")) {
		t.Errorf("the period of 20 August is %s to %s", begin, end)
	}
	// Who looks back finds a period as it was; in the one that has not ended it is as the settings
	// say.
	for _, test := range []struct {
		day, today string
		unlimited  bool
	}{
		{"2026-08-14", "2026-08-20", false},
		{"2026-08-15", "2026-08-20", true},
		{"2026-08-20", "2026-09-01", false},
		{"2026-09-01", "2026-12-01", true},
	} {
		if got := a.UnlimitedOn(days, day(test.day), day(test.today)); got != test.unlimited {
			t.Errorf("%s, seen on %s: unlimited %v", test.day, test.today, got)
		}
	}
	// What is read says it.
	got := fixtures.Decode[account.Account](t, k.Do(t, h, operator("GET", "/v1/accounts/initech", nil)), http.StatusOK)
	want(got, first, second, third)
}

func TestPaperByCountry(t *testing.T) {
	for country, paper := range map[string]account.Paper{
		"US": account.Letter,
		"CA": account.Letter,
		"MX": account.Letter,
		"DE": account.A4,
		"GB": account.A4,
		"":   account.A4,
	} {
		if got := (account.Settings{Country: country}).Paper(); got != paper {
			t.Errorf("%q prints on %s", country, got)
		}
	}
	k := fixtures.New(t)
	h := server(t, k)
	a := fixtures.Decode[account.Account](
		t,
		k.Do(t, h, operator("PUT", "/v1/accounts/initech", settings(map[string]any{"country": "US"}))),
		http.StatusCreated,
	)
	if a.Country != "US" {
		t.Errorf("stored %q", a.Country)
	}
	for _, country := range []string{"us", "USA", "XX", "ZZ", "EU", "UK", "DD", "419"} {
		r := k.Do(t, h, operator("PUT", "/v1/accounts/initech", settings(map[string]any{"country": country})))
		p := fixtures.Problem(t, r, http.StatusUnprocessableEntity, "validation")
		if len(p.Errors) != 1 ||
			p.Errors[0].Field != "country" {
			t.Errorf("%s: %+v", country, p.Errors)
		}
	}
}
