package license

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// The keys of the kernel; docs/data-model.md says what each costs.

const (
	countBought   = "bought"
	countAssigned = "assigned"
	countWaiting  = "waiting"
	countReserved = "reserved"
)

// Sharding by the first hexadecimal digit of the license's random id spreads one account's licenses
// over 16 partitions.
func shard(id string) string { return id[:1] }

func licenseKey(account, id string) table.Key {
	return table.Key{Partition: call.Partition(account, "LICENSE", shard(id)), Sort: id}
}

// The pool of a product and the indexes of licenses are spread over shards: partitions among which
// the id decides. A license says over how many it was spread when it was written, so that its
// places follow from the license alone. The number of an account is at least firstShards; it only
// grows, so whoever reads that many sees every license.
const (
	firstShards = 4
	mostShards  = 16
)

// shard says in which shard the license lies. It goes by a digit of the id behind those that decide
// the order, so that licenses that follow each other lie in different shards.
func (l *stored) shard() int {
	return strings.IndexByte("0123456789abcdef", l.ID[7]) % max(l.Shards, firstShards)
}

// freeKey is where a free license is offered: a strongly consistent copy of it, since an index
// could miss the last free seat.
func (l *stored) freeKey(account string) table.Key {
	return table.Key{Partition: freePartition(account, l.ProductID, l.shard()), Sort: l.ID}
}

func freePartition(account, product string, shard int) string {
	return call.Partition(account, "FREE", product, strconv.Itoa(shard))
}

// shardsKey counts the shards of an account beyond firstShards, once there are more.
func shardsKey(account string) table.Key {
	return table.Key{Partition: call.Partition(account, "SHARDS"), Sort: "SHARDS"}
}

// HolderKey is where the kernel keeps a user.
func HolderKey(account, user string) table.Key {
	return table.Key{Partition: call.Partition(account, "HOLDER", user), Sort: "HOLDER"}
}

func waitKey(account, sort string) table.Key {
	return table.Key{Partition: waitPartition(account), Sort: sort}
}

func waitPartition(account string) string { return call.Partition(account, "WAITING") }

func exclusionKey(account, product, user string) table.Key {
	return table.Key{Partition: exclusionPartition(account), Sort: product + "#" + user}
}

func exclusionPartition(account string) string { return call.Partition(account, "EXCLUDED") }

// ExtensionKey is where an extension lies.
func ExtensionKey(account, extension string) table.Key {
	return table.Key{Partition: call.Partition(account, "EXTENSION"), Sort: extension}
}

func numberKey(account, number string) table.Key {
	return table.Key{Partition: call.Partition(account, "NUMBER"), Sort: number}
}

func seatsPartition(account string) string { return call.Partition(account, "SEATS") }

// boughtKey counts what is bought of a product and not terminated.
func boughtKey(account, product string) table.Key {
	return table.Key{Partition: seatsPartition(account), Sort: product}
}

// boughtQuarterKey counts, per product, what was bought less what was terminated in one quarter of
// an hour; BoughtAt reads them.
func boughtQuarterKey(account string, at time.Time) table.Key {
	return table.Key{
		Partition: boughtQuartersPartition(account), Sort: at.UTC().Truncate(boughtQuarter).Format("2006-01-02T15:04Z"),
	}
}

func boughtQuartersPartition(account string) string { return call.Partition(account, "SEATS-TIMES") }

// takenShards is over how many items the counts of what is assigned, what is reserved, and who
// waits, are spread. A commit adds to one of them, whatever it changes; which one is left to
// chance, so a single one of them may count below zero and only their sum means something.
const takenShards = 32

// takenKey is one of those items; its counts have the names of countName.
func takenKey(account string, shard int) table.Key {
	return table.Key{Partition: seatsPartition(account), Sort: fmt.Sprintf("#%02d", shard%takenShards)}
}

// anyTakenKey is one of them by chance.
func anyTakenKey(account string) table.Key { return takenKey(account, rand.IntN(takenShards)) }

// countName is the name of a product's count in takenKey.
func countName(count, product string) string { return count + ":" + product }

// CostCenterSeatsPartition holds a count of bought seats for each product and cost center.
func CostCenterSeatsPartition(account string) string { return call.Partition(account, "SEATS-CC") }

func costCenterSeatsKey(account, product, costCenter string) table.Key {
	return table.Key{Partition: CostCenterSeatsPartition(account), Sort: product + "#" + costCenter}
}

// The partitions of the indexes of licenses, one for each shard.

func licensesByProduct(account string, shard int) string {
	return call.Partition(account, "LICENSES", strconv.Itoa(shard))
}

func licensesByCostCenter(account string, shard int) string {
	return call.Partition(account, "LICENSES-CC", strconv.Itoa(shard))
}

func licensesByStatus(account string, shard int) string {
	return call.Partition(account, "LICENSES-STATUS", strconv.Itoa(shard))
}

// The places of a license: by product, by cost center and by status, each with the product behind
// its family, so that a base product and its add-ons lie together. The first two hold nothing that
// an assignment changes, so that pages are stable while seats change hands, and an assignment
// writes them once.

func productSort(family string, l License) string { return joined(family, l.ProductID, l.ID) }

func costCenterSort(family string, l License) string {
	return joined(l.CostCenter, family, l.ProductID, l.ID)
}

func statusSort(family string, l License) string {
	return joined(string(l.Status), family, l.ProductID, l.CostCenter, l.ID)
}

// family is the base product of an add-on, and any other product itself.
func (d *Service) family(product string) string {
	if p, ok := d.products.Lookup(product); ok && p.Base != "" {
		return p.Base
	}
	return product
}

func joined(parts ...string) string { return strings.Join(parts, "#") }

// holdersByWord holds an entry for each word of a holder's name, id and e-mail address
// (text.Entries). They are in the base table: a holder has too few places in the indexes, and each
// would be written again with every license that is assigned.
func holdersByWord(account string) string { return call.Partition(account, "HOLDERS-WORD") }

func holderWordKey(account, words, user string) table.Key {
	return table.Key{Partition: holdersByWord(account), Sort: joined(words, user)}
}
