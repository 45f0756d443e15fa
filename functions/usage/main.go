// Command usage is UsageFunction: takes in views and answers usage summaries.
package main

import (
	"seatwise/shared/usage"
	"seatwise/shared/wire"
)

func main() { wire.Start(usage.Function) }
