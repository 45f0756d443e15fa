// Command purchase is PurchaseFunction: catalog, cost centers, cart, quotes, orders, statements and billing.
package main

import (
	"seatwise/shared/purchase"
	"seatwise/shared/wire"
)

func main() { wire.Start(purchase.Function) }
