// Command report is ReportFunction: the API of reports.
package main

import (
	"seatwise/shared/report"
	"seatwise/shared/wire"
)

func main() { wire.Start(report.Function) }
