package record

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// The keys of the kernel; docs/data-model.md says what each costs.

// Names of counts: the licenses that are not terminated, and of what is in them.
const (
	CountBought   = "bought"
	CountAssigned = "assigned"
	CountWaiting  = "waiting"
	CountReserved = "reserved"
)

// Sharding by the first hexadecimal digit of the license's random id spreads one account's licenses
// over 16 partitions.
func shard(id string) string { return id[:1] }

// LicenseKey is where a license lies.
func LicenseKey(account, id string) table.Key {
	return table.Key{Partition: call.Partition(account, "LICENSE", shard(id)), Sort: id}
}

// The pool of a product and the indexes of licenses are spread over shards: partitions among which
// the id decides. A license says over how many it was spread when it was written, so that its
// places follow from the license alone. The number of an account is at least FirstShards; it only
// grows, so whoever reads that many sees every license.
const (
	FirstShards = 4
	MostShards  = 16
)

// Shard says in which shard the license lies. It goes by a digit of the id behind those that decide
// the order, so that licenses that follow each other lie in different shards.
func (l *Document) Shard() int {
	return strings.IndexByte("0123456789abcdef", l.ID[7]) % max(l.Shards, FirstShards)
}

// FreeKey is where a free license is offered: a strongly consistent copy of it, since an index
// could miss the last free seat.
func (l *Document) FreeKey(account string) table.Key {
	return table.Key{Partition: FreePartition(account, l.ProductID, l.Shard()), Sort: l.ID}
}

// FreePartition is one shard of the pool of a product.
func FreePartition(account, product string, shard int) string {
	return call.Partition(account, "FREE", product, strconv.Itoa(shard))
}

// ShardsKey counts the shards of an account beyond FirstShards, once there are more.
func ShardsKey(account string) table.Key {
	return table.Key{Partition: call.Partition(account, "SHARDS"), Sort: "SHARDS"}
}

// HolderKey is where the kernel keeps a user.
func HolderKey(account, user string) table.Key { return access.HolderKey(account, user) }

// WaitKey is where an entry of a waiting list lies.
func WaitKey(account, sort string) table.Key {
	return table.Key{Partition: WaitPartition(account), Sort: sort}
}

// WaitPartition holds the waiting lists, by product and time.
func WaitPartition(account string) string { return call.Partition(account, "WAITING") }

// ExclusionKey is where it says that a user is kept from a product.
func ExclusionKey(account, product, user string) table.Key {
	return table.Key{Partition: ExclusionPartition(account), Sort: product + "#" + user}
}

// ExclusionPartition holds the exclusions, by product and user.
func ExclusionPartition(account string) string { return call.Partition(account, "EXCLUDED") }

// ExtensionKey is where an extension lies.
func ExtensionKey(account, extension string) table.Key {
	return table.Key{Partition: call.Partition(account, "EXTENSION"), Sort: extension}
}

// NumberKey is where it says which extension has a number, by its digits.
func NumberKey(account, number string) table.Key {
	return table.Key{Partition: call.Partition(account, "NUMBER"), Sort: number}
}

// SeatsPartition holds the counts of the summary.
func SeatsPartition(account string) string { return call.SeatsPartition(account) }

// BoughtKey counts what is bought of a product and not terminated.
func BoughtKey(account, product string) table.Key {
	return table.Key{Partition: SeatsPartition(account), Sort: product}
}

// BoughtQuarterKey counts, per product, what was bought less what was terminated in one quarter of
// an hour; BoughtAt reads them.
func BoughtQuarterKey(account string, at time.Time) table.Key {
	return table.Key{
		Partition: BoughtQuartersPartition(account), Sort: at.UTC().Truncate(boughtQuarter).Format("2006-01-02T15:04Z"),
	}
}

// BoughtQuartersPartition holds what was bought in each quarter of an hour.
func BoughtQuartersPartition(account string) string { return call.Partition(account, "SEATS-TIMES") }

// TakenShards is over how many items the counts of what is assigned, what is reserved, and who
// waits, are spread. A commit adds to one of them, whatever it changes; which one is left to
// chance, so a single one of them may count below zero and only their sum means something.
const TakenShards = call.StoppedShards

// TakenKey is one of those items; its counts have the names of CountName.
func TakenKey(account string, shard int) table.Key {
	return table.Key{Partition: SeatsPartition(account), Sort: fmt.Sprintf("#%02d", shard%TakenShards)}
}

// CountName is the name of a product's count in takenKey.
func CountName(count, product string) string { return count + ":" + product }

// CostCenterSeatsPartition holds a count of bought seats for each product and cost center.
func CostCenterSeatsPartition(account string) string { return call.Partition(account, "SEATS-CC") }

// CostCenterSeatsKey counts what is bought of a product on a cost center.
func CostCenterSeatsKey(account, product, costCenter string) table.Key {
	return table.Key{Partition: CostCenterSeatsPartition(account), Sort: product + "#" + costCenter}
}

// The partitions of the indexes of licenses, one for each shard.

// LicensesByProduct is one shard of the index by product.
func LicensesByProduct(account string, shard int) string {
	return call.Partition(account, "LICENSES", strconv.Itoa(shard))
}

// LicensesByCostCenter is one shard of the index by cost center.
func LicensesByCostCenter(account string, shard int) string {
	return call.Partition(account, "LICENSES-CC", strconv.Itoa(shard))
}

// LicensesByStatus is one shard of the index by status.
func LicensesByStatus(account string, shard int) string {
	return call.Partition(account, "LICENSES-STATUS", strconv.Itoa(shard))
}

// The places of a license: by product, by cost center and by status, each with the product behind
// its family, so that a base product and its add-ons lie together. The first two hold nothing that
// an assignment changes, so that pages are stable while seats change hands, and an assignment
// writes them once.

func productSort(family string, l License) string { return Joined(family, l.ProductID, l.ID) }

func costCenterSort(family string, l License) string {
	return Joined(l.CostCenter, family, l.ProductID, l.ID)
}

func statusSort(family string, l License) string {
	return Joined(string(l.Status), family, l.ProductID, l.CostCenter, l.ID)
}

// Joined makes a sort key of its parts.
func Joined(parts ...string) string { return strings.Join(parts, "#") }

// HoldersByWord holds an entry for each word of a holder's name, id and e-mail address
// (text.Entries). They are in the base table: a holder has too few places in the indexes, and each
// would be written again with every license that is assigned.
func HoldersByWord(account string) string { return call.Partition(account, "HOLDERS-WORD") }

// HolderWordKey is where one entry of a holder lies.
func HolderWordKey(account, words, user string) table.Key {
	return table.Key{Partition: HoldersByWord(account), Sort: Joined(words, user)}
}

// LiveReportsHolders is the partition of Index1 in which those holders stand who have to do with a
// product of Live Reports: who hold it, wait for it, or have grants that do not count at the
// moment. Only their writes pay for the index; a phone user's do not.
func LiveReportsHolders(account string) string { return call.Partition(account, "HOLDERS-LR") }

// WaitingMarkers are on the entries of waiting lists, by their places in the list, so that the
// maintenance function finds the lists without looking at every account.
var WaitingMarkers = call.PlacedMarkers("WAITING")

// boughtQuarter is how finely it is noted when something was bought: days begin at a quarter of an
// hour in every time zone there is, so the count of any day's end is exact whatever zone makes the
// day.
const boughtQuarter = 15 * time.Minute

// CostCenterKey is where package purchase keeps a cost center.
func CostCenterKey(account, code string) table.Key {
	return table.Key{Partition: call.Partition(account, "COST-CENTER"), Sort: code}
}

// spansPartition holds what has ended, by the moment at which it did.
func spansPartition(account string) string { return call.Partition(account, "SPANS") }

// SpansKey is where what one commit ends lies.
func SpansKey(account string, at time.Time, id string) table.Key {
	return table.Key{Partition: spansPartition(account), Sort: Joined(call.AuditMoment(at), id)}
}

// SpansItem is the item of what one commit ends, which is written once. Its id ascends, so that of the
// commits of one call, which have its time, the later one comes later.
func SpansItem(account string, at time.Time, id string) table.Item {
	return table.Item{Key: SpansKey(account, at, id), Expires: at.Add(spansLife).Unix()}
}

// spansLife is how long it is kept: as the rollups of usage are, so that a period can be folded
// again that was left open for a year.
const spansLife = 400 * 24 * time.Hour

// Crosses says whether a day can have ended, in any time zone, between two moments.
func Crosses(from, until time.Time) bool {
	return until.Truncate(boughtQuarter).After(from.Truncate(boughtQuarter))
}
