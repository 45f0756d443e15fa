// Command assignment is AssignmentFunction: assigns, unassigns and reassigns licenses.
package main

import (
	"seatwise/shared/license"
	"seatwise/shared/wire"
)

func main() { wire.Start(license.AssignmentFunction) }
