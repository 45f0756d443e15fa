// Command directory is DirectoryFunction: users, roles, call queues and dashboards.
package main

import (
	"seatwise/shared/directory"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(directory.Function) }
