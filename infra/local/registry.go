package main

import (
	"seatwise/infra/local/runner"
	"seatwise/shared/audit"
	"seatwise/shared/health"
)

// registry makes each function of template.yaml. The runner does not start while the two disagree.
var registry = runner.Registry{
	"AuditFunction":  audit.Function,
	"HealthFunction": health.Function,
}
