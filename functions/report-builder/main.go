// Command report-builder is ReportBuilderFunction: writes reports.
package main

import (
	"seatwise/shared/platform/wire"
	"seatwise/shared/report/reportbuilder"
)

func main() { wire.Start(reportbuilder.Function) }
