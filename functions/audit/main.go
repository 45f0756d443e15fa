// Command audit is AuditFunction: reads the audit log.
package main

import (
	"seatwise/shared/audit"
	"seatwise/shared/platform/wire"
)

func main() { wire.Start(audit.Function) }
