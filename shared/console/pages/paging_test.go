package pages

import (
	"net/url"
	"testing"

	"seatwise/shared/console/client"
)

// TestFitting holds which filters the account's counts answer, and with how many licenses.
func TestFitting(t *testing.T) {
	l := licenseList{summary: client.ProductSummaryPage{Items: []client.ProductSummary{
		{ProductID: "a", Bought: 10, Assigned: 3, Available: 5, Reserved: 2},
		{ProductID: "b", Bought: 70, Assigned: 30, Available: 40},
	}}}
	for _, one := range []struct {
		query string
		all   int64
		known bool
	}{
		{"", 78, true}, // what is reserved for a file that is being applied is in no list
		{"product=a", 8, true},
		{"product=b&status=available&cursor=c&before=", 40, true},
		{"status=assigned&q=", 33, true},
		{"status=terminated", 0, false},
		{"product=b&q=zoe", 0, false},
		{"costCenter=CC-1", 0, false},
	} {
		l.query, _ = url.ParseQuery(one.query)
		if all, known := l.fitting(); all != one.all || known != one.known {
			t.Errorf("%q: %d, %t; want %d, %t", one.query, all, known, one.all, one.known)
		}
	}
}

// TestRowsOf holds that each tab of a file's rows counts its own.
func TestRowsOf(t *testing.T) {
	counts := client.RowCounts{Change: 1, Error: 2, New: 4, Unchanged: 8, Rows: 15}
	for outcome, want := range map[string]int64{"change": 1, "error": 2, "new": 4, "unchanged": 8, allRows: 15} {
		if got := rowsOf(counts, outcome); got != want {
			t.Errorf("%s: %d, want %d", outcome, got, want)
		}
	}
}
