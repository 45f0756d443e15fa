// Command purchase is PurchaseFunction: catalog, cost centers, cart, quotes, orders, statements and
// billing.
package main

import (
	"seatwise/shared/platform/wire"
	"seatwise/shared/purchase"
)

func main() { wire.Start(purchase.Function) }
