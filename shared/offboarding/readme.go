package offboarding

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// kinds are the records that an archive has, by their kinds as docs/retention.md names them, and what they
// are. What is left out is a copy of these, or says how far work of ours is: a test names it.
var kinds = map[string]string{
	"ACCOUNT":           "the account: name, brand, currency, time zone, billing day, bundle, state",
	"USERS":             "people of the directory",
	"HOLDER":            "what each person holds: licenses with the reasons why, extension, number, cost center",
	"EXTENSION":         "phone extensions, with their numbers and users",
	"ROLES":             "roles with their permissions and products",
	"QUEUES":            "call queues",
	"QUEUE-MEMBERS":     "members of call queues",
	"DASHBOARDS":        "dashboards with their call queues",
	"COST-CENTER":       "cost centers",
	"FENCES":            "which cost centers are fenced",
	"LICENSE":           "licenses, terminated ones too",
	"SEATS":             "how many seats are bought, by product, and parts of how many are taken",
	"SEATS-CC":          "how many seats are bought, by product and cost center",
	"SEATS-TIMES":       "what was bought and terminated in which quarter of an hour",
	"ORDERS":            "orders with lines, charges and the names of their day",
	"CONFIRMED":         "which licenses came of which order",
	"CART":              "carts that were not ordered",
	"QUOTE":             "quotes of the last days",
	"PERIODS":           "closed billing periods with their digests",
	"PERIOD":            "the lines of closed billing periods, and the days, licenses and people behind each",
	"CORRECTIONS":       "corrections of closed periods",
	"AUDIT":             "the audit log: who did what, when and why, before and after",
	"WAITING":           "who waits for a license",
	"EXCLUDED":          "who is excluded from getting a license automatically",
	"REQUESTS":          "requests for licenses with reasons and decisions",
	"POLICIES":          "policies of products",
	"POLICY-BOUGHT":     "what policies bought in a billing period",
	"ALERTS":            "alerts that are over",
	"ALERTS-OPEN":       "alerts that are open",
	"WALLBOARDS":        "wallboards",
	"WALLBOARD-LIMIT":   "how many wallboards there may be",
	"MASSCONFIG":        "mass configurations",
	"MASSCONFIG-PARTS":  "the rows of mass configurations, as they were before and as they were to be",
	"IMPORT":            "imports",
	"IMPORT-PARTS":      "the rows of imports",
	"EXPORT":            "exports",
	"REPORTS":           "license status reports",
	"REPORTS-SCHEDULED": "which reports were made on schedule",
	"VIEWER":            "who viewed dashboards lately",
	"VIEW":              "views of dashboards of the last weeks",
	"ARRIVED":           "the same, by when they were told",
	"ACTIVITY":          "uses of products of the last weeks",
	"USAGE":             "which days of usage are folded",
	"ROLLUP":            "usage by day: who viewed, who was monitored",
	"SPANS":             "when licenses, holders and waitings ended",
	"USED":              "when people last used a product",
	"MONITORED":         "when people were members of monitored call queues",
	"GONE":              "names of what was deleted",
	"RECLAIMS":          "seats that were reclaimed for want of use",
	"RECLAIM-SEATS":     "the seats of reclaims",
	"COST":              "what the account has cost its provider, by day",
}

// readme is the text that describes an archive.
func readme(account string, at time.Time, list []ArchiveFile) string {
	var out strings.Builder
	fmt.Fprintf(&out, `Archive of the account %s, asked for at %s

Each file below is text in UTF-8 with one record of JSON in each line:

  key      what the record is of
  value    the record
  raw      in its place the bytes of one that is damaged, in Base64
  counts   numbers that are counted beside it
  expires  when it is removed automatically

Where there are many records of a kind they are in several files, which belong together. Times are in UTC
unless they say otherwise, and money is in the smallest unit of its currency. manifest.json has the size, the
number of records and the SHA-256 of each file. objects.jsonl lists the files that the account has in the
buckets, all versions of them: what it uploaded, results and reports. They are not copied; whoever runs the stack
can download them from there by bucket and key.

`, account, at.Format(time.RFC3339))
	had := map[string]int{}
	for _, f := range list {
		if f.Kind != "" {
			had[f.Kind] += f.Records
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(had)) {
		fmt.Fprintf(&out, "%-22s %8d  %s\n", strings.ToLower(kind)+".jsonl", had[kind], kinds[kind])
	}
	return out.String()
}
