package period

import (
	"fmt"
	"strings"
	"time"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// The keys of the module; docs/data-model.md says what each costs.

// closedKey is where a closed period lies, by its first day.
func closedKey(account, first string) table.Key {
	return table.Key{Partition: call.Partition(account, "PERIODS"), Sort: first}
}

// partsPartition holds the lines of a closed period and what is behind them. The digest is in it: who
// closes a period writes them before the period is closed, and another run of the same moment writes
// the same, or elsewhere.
func partsPartition(account, first, digest string) string {
	return call.Partition(account, "PERIOD", first, digest[:16])
}

// linesKey is where a chunk of the lines lies.
func linesKey(account, first, digest string, n int) table.Key {
	return table.Key{Partition: partsPartition(account, first, digest), Sort: fmt.Sprintf("LINES#%04d", n)}
}

// sharesPrefix begins the sort keys of what is behind a line.
func sharesPrefix(line string) string { return sharesPrefixes + line + "#" }

// sharesPrefixes begins those of all lines.
const sharesPrefixes = "SHARES#"

// correctionsPartition holds the corrections that operators gave, by time.
func correctionsPartition(account string) string { return call.Partition(account, "CORRECTIONS") }

func correctionKey(account string, at time.Time, id string) table.Key {
	sort := strings.Join([]string{call.AuditMoment(at), id}, "#")
	return table.Key{Partition: correctionsPartition(account), Sort: sort}
}
