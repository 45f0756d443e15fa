package purchase

import (
	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// The keys of the module, beside license.CostCenterKey and account.PurchasedKey; docs/data-model.md
// says what each costs.

func costCentersPartition(account string) string {
	return license.CostCenterKey(account, "").Partition
}

// cartKey spreads the carts: each caller has one.
func cartKey(account, user string) table.Key {
	return table.Key{Partition: call.Partition(account, "CART", user), Sort: "CART"}
}

func quoteKey(account, id string) table.Key {
	return table.Key{Partition: call.Partition(account, "QUOTE", id), Sort: "QUOTE"}
}

// ordersPartition holds an account's orders in the order of their ids, which is that of time.
func ordersPartition(account string) string { return call.Partition(account, "ORDERS") }

// OrderKey is where an order is kept.
func OrderKey(account, id string) table.Key {
	return table.Key{Partition: ordersPartition(account), Sort: id}
}

// orderNumberKey is where an order's number leads to its id; whoever takes a number that is taken
// makes another.
func orderNumberKey(account, number string) table.Key {
	return table.Key{Partition: call.Partition(account, "ORDER-NUMBER", number), Sort: "ORDER"}
}

// countPlacing counts the orders of several commits that are under way, so that no cost center goes
// while one may be about to charge it.
const countPlacing = "orders"

func placingKey(account string) table.Key {
	return table.Key{Partition: call.Partition(account, "PLACING"), Sort: "PLACING"}
}

// OrderMarkers are those of the orders that take several commits and are not confirmed, by their ids.
var OrderMarkers = call.OwnMarkers("ORDER")
