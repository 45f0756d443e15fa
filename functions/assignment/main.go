// Command assignment is AssignmentFunction: assigns, unassigns and reassigns licenses.
package main

import (
	"seatwise/shared/license"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(license.AssignmentFunction) }
