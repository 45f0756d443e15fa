// Command report-builder is ReportBuilderFunction: writes reports.
package main

import (
	"seatwise/shared/report/reportbuilder"
	"seatwise/shared/wire"
)

func main() { wire.Start(reportbuilder.Function) }
