// Command licenses is LicensesFunction: lists licenses, counts them, changes and terminates them.
package main

import (
	"seatwise/shared/license"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(license.LicensesFunction) }
