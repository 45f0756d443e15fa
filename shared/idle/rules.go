package idle

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of idle seats (requirements, section 12).
const (
	// DefaultDays is for how long a seat is unused that is idle, where nobody says; MaxDays bounds it.
	DefaultDays = 30
	MaxDays     = 366
	// day is a day of UTC: the last use of a seat is kept by such days.
	day = 24 * time.Hour
	// behind is how long the index that the list is made from may be behind the licenses.
	behind = 5 * time.Minute
	// outdated is for how long a list is used: it is made once a day.
	outdated = 2 * day
	// lasting is how long the seats of a list are there, for who began to read them.
	lasting = 3 * day
)

// seat is a seat on the list of idle seats: since when it is not used, as it was when the list was
// made.
type seat struct {
	Since   int64  `json:"since"` // in Unix milliseconds
	Product string `json:"product"`
	User    string `json:"user"`
	License string `json:"license"`
}

func (s seat) since() time.Time { return time.UnixMilli(s.Since).UTC() }

// position is the place of a seat in the order of the list: by last use, product and user.
func (s seat) position() string {
	return strconv.FormatInt(s.Since, 10) + "#" + s.Product + "#" + s.User
}

// placed is a seat at a position; only its place counts.
func placed(position string) seat {
	since, rest, _ := strings.Cut(position, "#")
	product, user, _ := strings.Cut(rest, "#")
	n, _ := strconv.ParseInt(since, 10, 64)
	return seat{Since: n, Product: product, User: user}
}

func compare(a, b seat) int {
	return cmp.Or(cmp.Compare(a.Since, b.Since), strings.Compare(a.Product, b.Product), strings.Compare(a.User, b.User))
}

// behindPosition are the seats of a sorted list behind a position; all of them if it is empty.
func behindPosition(seats []seat, position string) []seat {
	if position == "" {
		return seats
	}
	i, found := slices.BinarySearchFunc(seats, placed(position), compare)
	if found {
		i++
	}
	return seats[i:]
}

// Cutoff is the moment before which a seat must have been used last, or assigned if it never was,
// to be idle for a number of days at a moment: it was used on none of the last days, today included.
func Cutoff(now time.Time, days int) time.Time {
	return now.UTC().Truncate(day).AddDate(0, 0, 1-days)
}

// good says whether a list that was made at a moment has every seat that was assigned before the
// cutoff. One assigned since is not idle yet, so a list need not be newer.
func good(made, cutoff, now time.Time) bool {
	return !made.Add(-behind).Before(cutoff) && made.Add(outdated).After(now)
}
