// Command usage is UsageFunction: takes in views and answers usage summaries.
package main

import (
	"seatwise/shared/platform/wire"
	"seatwise/shared/usage"
)

func main() { wire.Start(usage.Function) }
