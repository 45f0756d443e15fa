package main

import (
	"seatwise/infra/local/runner"
	"seatwise/shared/account"
	"seatwise/shared/audit"
	"seatwise/shared/console"
	"seatwise/shared/directory"
	"seatwise/shared/health"
	"seatwise/shared/incoming"
	"seatwise/shared/license"
	"seatwise/shared/maintenance"
	"seatwise/shared/massconfig"
	"seatwise/shared/metrics"
	"seatwise/shared/purchase"
	"seatwise/shared/report"
	"seatwise/shared/report/reportbuilder"
	"seatwise/shared/usage"
)

// registry makes each function of template.yaml. The runner does not start while the two disagree.
var registry = runner.Registry{
	"AccountsFunction":               account.Function,
	"AssignmentFunction":             license.AssignmentFunction,
	"AuditFunction":                  audit.Function,
	"ConsoleFunction":                console.Function,
	"DirectoryFunction":              directory.Function,
	"HealthFunction":                 health.Function,
	"LicensesFunction":               license.LicensesFunction,
	"MaintenanceFunction":            maintenance.Function,
	"MassConfigurationApplyFunction": incoming.ApplyFunction,
	"MassConfigurationCheckFunction": incoming.CheckFunction,
	"MassConfigurationFunction":      massconfig.APIFunction,
	"MetricsFunction":                metrics.Function,
	"PurchaseFunction":               purchase.Function,
	"ReportBuilderFunction":          reportbuilder.Function,
	"ReportFunction":                 report.Function,
	"UsageAggregationFunction":       usage.AggregationFunction,
	"UsageFunction":                  usage.Function,
}
