// Package registry knows every function of template.yaml: what it is called, what it serves, and
// how it is made for one process. The runner, the benches, the simulation, the OpenAPI document and
// the tests of several functions take them from here; a module's own tests make the module alone,
// since whoever imports the registry links everything. Which events and schedules reach a function
// says template.yaml alone.
//
// A function's own main.go puts it together for a process of its own, and links only what it needs
// (design, decision 9), so what it serves is said there too. TestMainsServeWhatTheRegistrySays
// holds the two together.
package registry

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"seatwise/shared/account"
	"seatwise/shared/alert"
	"seatwise/shared/audit"
	"seatwise/shared/catalog"
	"seatwise/shared/console"
	"seatwise/shared/cost"
	"seatwise/shared/craft/workbook"
	"seatwise/shared/deferred"
	"seatwise/shared/directory"
	"seatwise/shared/health"
	"seatwise/shared/idle"
	"seatwise/shared/imports"
	"seatwise/shared/incoming"
	"seatwise/shared/license"
	"seatwise/shared/license/operations"
	"seatwise/shared/maintenance"
	"seatwise/shared/massconfig"
	"seatwise/shared/metrics"
	"seatwise/shared/offboarding"
	"seatwise/shared/period"
	"seatwise/shared/period/chargeback"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/work"
	"seatwise/shared/policy"
	"seatwise/shared/purchase"
	"seatwise/shared/purchase/printing"
	"seatwise/shared/report"
	"seatwise/shared/report/reportbuilder"
	"seatwise/shared/request"
	"seatwise/shared/usage"
	"seatwise/shared/userpool"
)

// Function is one function of template.yaml.
type Function struct {
	// Routes register its operations; there are none when it serves no HTTP.
	Routes []func(*api.Router)
	// Pages serve what is no operation; nil but for the console.
	Pages func(*app.Env) http.Handler
	// Event takes its events; nil when it takes none.
	Event func(context.Context, []byte) error
	// Message takes what a queue delivers; nil when it has none.
	Message func(context.Context, work.Message) error
	// Answer takes events that want an answer; nil when it takes none.
	Answer func(context.Context, []byte) ([]byte, error)
	// Behind register the operations whose requests its events carry out; it serves none of them.
	Behind []func(*api.Router)

	env *app.Env
}

// Make makes it.
func (f Function) Make() app.Function {
	switch {
	case f.Event != nil:
		return app.Function{Event: f.Event, Message: f.Message}
	case f.Answer != nil:
		return app.Function{Answer: f.Answer}
	case f.Pages != nil:
		return app.Function{HTTP: f.Pages(f.env)}
	}
	return api.Serve(f.env, f.Routes...)
}

// Of are the functions of one process, by logical id. They share the services that remember
// something, as one process on one machine does; who wants each function to be a process of its
// own, as in AWS, calls Of for each. Nothing is read, and a function is made when it is asked for.
func Of(env *app.Env) map[string]Function { return Selling(env, catalog.Default()) }

// Selling is Of with another catalog than the one that is shipped.
func Selling(env *app.Env, products *catalog.Catalog) map[string]Function {
	env.Workbooks, env.Table = workbook.Writer{}, call.Checked(env.Table, env.Pick)
	kernel := purchase.Supplied(license.NewService(products))
	licenses := operations.New(kernel)
	people := directory.NewService(env, kernel)
	used := usage.NewService(env, kernel, people)
	idles := idle.NewService(env, kernel, used)
	reports := report.NewService(env)
	periods := period.NewService(env, kernel)
	files := incoming.New(env, kernel)
	phones, rows := massconfig.NewService(env, kernel), imports.NewService(env, kernel)

	serves := func(routes ...func(*api.Router)) Function { return Function{Routes: routes, env: env} }
	takes := func(event func(context.Context, []byte) error) Function { return Function{Event: event, env: env} }
	upkeep := maintenance.NewService(env, kernel)
	functions := map[string]Function{
		"AccountsFunction": serves(
			purchase.Foresight, account.NewService(env, kernel).Routes, offboarding.NewService(env).Routes,
		),
		"AssignmentFunction": serves(purchase.Foresight, licenses.AssignmentRoutes),
		"AuditFunction":      serves(audit.NewService(env).Routes),
		"BillingFunction": serves(
			purchase.NewBilling(kernel, used, periods).Routes,
			periods.Routes,
			policy.NewService(kernel.Products()).Routes,
			alert.NewService(env, kernel).Routes,
			cost.NewService(env).Routes,
		),
		"CostFunction":                   takes(cost.NewService(env).Scheduled),
		"ConsoleFunction":                {Pages: console.Handler, env: env},
		"DirectoryFunction":              serves(purchase.Foresight, people.Routes),
		"HealthFunction":                 serves(health.Routes),
		"InvitationFunction":             serves(people.InvitationRoutes),
		"LicensesFunction":               serves(purchase.Foresight, licenses.LicensesRoutes),
		"MaintenanceFunction":            {Event: upkeep.Scheduled, Message: upkeep.Message, env: env},
		"MassConfigurationApplyFunction": takes(files.Apply),
		"MassConfigurationCheckFunction": takes(files.Check),
		"MassConfigurationFunction": serves(
			phones.Routes,
			rows.Routes,
			imports.NewExports(env, kernel).Routes,
		),
		"MetricsFunction":       serves(metrics.NewService(env, kernel).Routes),
		"OffboardingFunction":   takes(offboarding.NewWorker(env).Handle),
		"PurchaseFunction":      serves(purchase.NewService(env, kernel).Routes),
		"ReportBuilderFunction": takes(reportbuilder.New(env, reports, people, used).Closing(periods).Handle),
		"ReportFunction":        serves(reports.Routes, deferred.Routes),
		"RequestsFunction":      serves(purchase.Foresight, request.NewService(env, kernel).Routes),
		// One machine has no user pool: the runner is a provider itself.
		"SignInAddressesFunction":  {Answer: userpool.NewAddresses(nil).Answer},
		"StatementFunction":        serves(printing.Routes, printing.New(periods).PeriodRoutes),
		"TemplateFunction":         serves(phones.TemplateRoutes, rows.TemplateRoutes, chargeback.New(periods).Routes),
		"TokenClaimsFunction":      {Answer: userpool.Claims},
		"UsageAggregationFunction": takes(idles.Scheduled),
		"UsageFunction":            serves(purchase.Foresight, used.Routes, idles.Routes),
	}
	functions["DeferredFunction"] = behind(env, functions)
	return functions
}

// changing are the functions that have operations which change something: what such a one takes too long for,
// DeferredFunction carries out.
var changing = []string{
	"AccountsFunction", "AssignmentFunction", "BillingFunction", "DirectoryFunction", "InvitationFunction",
	"LicensesFunction", "MassConfigurationFunction", "MetricsFunction", "PurchaseFunction", "ReportFunction",
	"RequestsFunction", "UsageFunction",
}

// behind is the function that carries out requests behind their answers.
func behind(env *app.Env, functions map[string]Function) Function {
	var routes []func(*api.Router)
	for _, id := range changing {
		routes = append(routes, functions[id].Routes...)
	}
	return Function{Event: deferred.NewWorker(env, routes...).Handle, Behind: routes, env: env}
}

// Routes register the operations of all functions.
func Routes(env *app.Env) []func(*api.Router) {
	functions := Of(env)
	var all []func(*api.Router)
	for _, id := range slices.Sorted(maps.Keys(functions)) {
		all = append(all, functions[id].Routes...)
	}
	return all
}

// Make makes all functions of one process, by logical id.
func Make(env *app.Env) map[string]app.Function {
	made := map[string]app.Function{}
	for id, f := range Of(env) {
		made[id] = f.Make()
	}
	return made
}

// One makes one function, in a process of its own; of several ids, one function that serves the
// operations of all. It panics if there is no such function.
func One(env *app.Env, id string, others ...string) app.Function {
	functions := Of(env)
	f := functions[id]
	for _, other := range others {
		f.Routes = append(f.Routes, functions[other].Routes...)
	}
	return f.Make()
}
