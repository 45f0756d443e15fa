package offboarding

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// leftOut are the kinds of records that no archive has.
var leftOut = map[string]string{
	"COUNTING": "that there is something to count", "PURCHASED": "that something was bought",
	"SHARDS": "how licenses are spread", "STATE": "copies of the account's state",
	"HOLDERS-WORD": "places in a search", "EMAIL": "digests of addresses", "NUMBER": "a copy of extensions",
	"PEOPLE-CC": "counts of people", "SUPER-ADMINS": "a count of people", "ROLE-USERS": "a copy of people's roles",
	"MEMBER-OF": "a copy of the members of queues", "FREE": "copies of licenses", "RESERVED": "copies of licenses",
	"LICENSES": "an index", "ORDER-NUMBER": "a copy of orders", "PLACING": "a count of orders under way",
	"AUDIT-BEGUN": "copies of entries", "REQUEST-PENDING": "copies of requests", "EXPORT-PARTS": "our own work",
	"USED-PRODUCTS":   "a list of what is used",
	"WALLBOARD-FLEET": "counts of wallboards", "MASSCONFIG-DROP": "which objects were seen",
	"MASSCONFIG-DROPPED": "which objects were seen", "REPORT-LEASES": "our own work", "REPORT-STAMPS": "names of files",
	"IDLE": "a list made of licenses", "IDLE-SEATS": "a list made of licenses", "MAINTENANCE": "our own work",
	"KEY": "copies of answers", "QUOTA": "our own work", "TRIES": "our own work", "JOBS": "our own work",
	"ARCHIVES": "archives themselves", "FORGOTTEN": "who was forgotten", "ARCHIVE-PARTS": "archives themselves",
}

// TestEveryKindIsArchivedOrLeftOutForAReason reads the page that has every kind of record, as a test of the
// simulation holds.
func TestEveryKindIsArchivedOrLeftOutForAReason(t *testing.T) {
	named := kindsOfThePage(t)
	for kind := range named {
		_, had := kinds[kind]
		if _, out := leftOut[kind]; had == out {
			t.Errorf("%s must be in the archive, or left out for a reason: it is %v and %v", kind, had, out)
		}
	}
	for _, kind := range slices.Concat(slices.Collect(maps.Keys(kinds)), slices.Collect(maps.Keys(leftOut))) {
		if !named[kind] {
			t.Errorf("%s is no kind of record", kind)
		}
	}
}

// kindsOfThePage are the kinds of records of an account.
func kindsOfThePage(t *testing.T) map[string]bool {
	t.Helper()
	page, err := os.ReadFile("../../docs/retention.md")
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(page), "An erased account leaves these")
	named := map[string]bool{}
	for line := range strings.Lines(text) {
		if cells := strings.Split(line, "|"); len(cells) == 5 {
			for _, kind := range regexp.MustCompile("`([A-Z-]+)`").FindAllStringSubmatch(cells[2], -1) {
				named[kind[1]] = true
			}
		}
	}
	return named
}
