package license

import (
	"seatwise/shared/call"
	"seatwise/shared/table"
)

// The keys of the kernel; docs/data-model.md says what each costs.

const (
	countBought   = "bought"
	countAssigned = "assigned"
	countWaiting  = "waiting"
)

// Sharding by the first hexadecimal digit of the license's random id spreads one account's licenses, and the counters that assignments touch, over 16.
func shard(id string) string { return id[:1] }

func licenseKey(account, id string) table.Key {
	return table.Key{Partition: call.Partition(account, "LICENSE", shard(id)), Sort: id}
}

// freeKey is where a free license is offered: a strongly consistent copy of it, since an index could miss the last free seat.
func freeKey(account, product, id string) table.Key {
	return table.Key{Partition: freePartition(account, product), Sort: id}
}

func freePartition(account, product string) string {
	return call.Partition(account, "FREE", product)
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

// boughtKey counts what is bought of a product; only purchase and termination touch it.
func boughtKey(account, product string) table.Key {
	return table.Key{Partition: seatsPartition(account), Sort: product}
}

// takenKey counts what is assigned, and who waits, of a product in one shard.
func takenKey(account, product, shard string) table.Key {
	return table.Key{Partition: seatsPartition(account), Sort: product + "#" + shard}
}

// CostCenterSeatsPartition holds a count of bought seats for each product and cost center.
func CostCenterSeatsPartition(account string) string { return call.Partition(account, "SEATS-CC") }

func costCenterSeatsKey(account, product, costCenter string) table.Key {
	return table.Key{Partition: CostCenterSeatsPartition(account), Sort: product + "#" + costCenter}
}

func licensesByProduct(account string) string    { return call.Partition(account, "LICENSES") }
func licensesByCostCenter(account string) string { return call.Partition(account, "LICENSES-CC") }

func licensesOfOrder(account, order string) string {
	return call.Partition(account, "LICENSES-ORDER", order)
}
