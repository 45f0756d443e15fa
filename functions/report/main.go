// Command report is ReportFunction: the API of reports.
package main

import (
	"seatwise/shared/platform/wire"
	"seatwise/shared/report"
)

func main() { wire.Start(report.Function) }
