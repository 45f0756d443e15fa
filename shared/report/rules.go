package report

import (
	"strings"
	"time"
	"unicode"

	"seatwise/shared/craft/text"
)

const (
	// stampFormat is the time stamp of a report's file name (requirements, section 7):
	// yyyyMMddTHHmmssZ.
	stampFormat = "20060102T150405Z"
	// maxAttempts is how often a report is begun before it counts as failed.
	maxAttempts = 5
	// lateness is how long after its end a day has all its views (requirements, section 7).
	lateness = 48 * time.Hour
	// stampLife is how long a time stamp is kept that was given: far longer than one may be ahead
	// of the clock.
	stampLife = 48 * time.Hour
	// lookBack is how many days ago a span may have begun that is still reported when the runs in
	// between were missed. Rollups are kept for 400 days.
	lookBack = 390
	// patience is how long a wake-up may be under way before it is written again.
	patience = 5 * time.Minute
)

// fileName is what a license status report is called (requirements, section 7). The brand comes
// from the account, which was checked to be fit for a file name when it was set; what a file name
// still cannot hold is left out of it, for the name ends up on other people's disks.
func fileName(brand string, at time.Time) string {
	brand = text.Clean(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || strings.ContainsRune(`/\:*?"<>|`, r) {
			return -1
		}
		return r
	}, brand))
	brand = strings.Trim(brand, " .")
	if brand == "" {
		brand = "Seatwise"
	}
	return brand + "_LR_Licensed Users_" + at.UTC().Format(stampFormat) + ".xlsx"
}

// begin decides whether a builder may begin with the report now; held says that another one is at
// it.
func (r Report) begin(held bool) (may, exhausted bool) {
	if r.State == Ready || r.State == Failed || r.State == Running && held {
		return false, false
	}
	return r.Attempts < maxAttempts, r.Attempts >= maxAttempts
}

// overdue says whether nobody seems to work on the report; held says that a builder is at it.
func (r Report) overdue(now time.Time, held bool) bool {
	switch r.State {
	case Queued:
		return !now.Before(r.CreatedAt.Add(patience))
	case Running:
		return !held
	case Ready, Failed:
	}
	return false
}
