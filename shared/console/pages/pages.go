// Package pages has the pages of the console: one file of Go and one of views for each
// (docs/console.md, How to add a page).
package pages

import (
	"slices"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

var all []web.Page

// add enters a page. Each file calls it for its own, so that two people add pages without touching
// the same line.
func add(p web.Page) web.Page { //nolint:unparam // a result is what lets a file enter its page without init
	all = append(all, p)
	return p
}

// All are the pages of the console.
func All() []web.Page { return slices.Clone(all) }

// What the forms of some pages need beside what their page needs.
var (
	managesLicenses   = []auth.Permission{auth.LicensesManage}
	managesDirectory  = []auth.Permission{auth.DirectoryManage}
	managesDashboards = []auth.Permission{auth.LiveReportsFull}
	// managesImports is of either kind: the API looks at what the file is of.
	managesImports = []auth.Permission{auth.DirectoryManage, auth.LiveReportsFull}
	managesMetrics = []auth.Permission{auth.MetricsManage}
)

// The sections of the navigation, after the first, which has no name.
const (
	sectionLiveReports = "Live Reports"
	sectionAccount     = "Account"
)

// productOptions are the products of a summary as choices.
func productOptions(summary []client.ProductSummary, kinds ...string) []view.Option {
	var options []view.Option
	for _, p := range summary {
		if len(kinds) == 0 || slices.Contains(kinds, p.Kind) {
			options = append(options, view.Option{Value: p.ProductID, Name: withKind(p.Name, p.Kind)})
		}
	}
	return options
}

// optionName is what a choice is called.
func optionName(options []view.Option, value string) string {
	for _, o := range options {
		if o.Value == value {
			return o.Name
		}
	}
	return value
}

// centerOptions are cost centers as choices.
func centerOptions(centers []client.CostCenter) []view.Option {
	var options []view.Option
	for _, c := range centers {
		options = append(options, view.Option{Value: c.Code, Name: view.CenterName(c.Code, c.Name)})
	}
	return options
}

// userOptions are users as choices: what is chosen is the id, and what is read is the name.
func userOptions(users []client.User) []view.Option {
	var options []view.Option
	for _, u := range users {
		note := u.Email
		if u.Extension != "" {
			note = "Ext " + u.Extension
		}
		options = append(options, view.Option{Value: u.ID, Name: u.Name, Note: note})
	}
	return options
}
