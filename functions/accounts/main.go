// Command accounts is AccountsFunction: it creates and reads accounts.
package main

import (
	"seatwise/shared/account"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(account.Function) }
