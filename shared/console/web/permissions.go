package web

import (
	"slices"

	"seatwise/shared/platform/auth"
)

// Permission is a permission in plain words, in the part of the work that it is of.
type Permission struct {
	Of          auth.Permission
	Group, Name string
}

var inWords = []Permission{
	{auth.CatalogRead, "Licenses and billing", "See products and prices"},
	{auth.BillingRead, "Licenses and billing", "See orders, statements and charges"},
	{auth.BillingPurchase, "Licenses and billing", "Buy licenses"},
	{auth.LicensesRead, "Licenses and billing", "See licenses and who holds them"},
	{auth.LicensesManage, "Licenses and billing", "Assign, unassign and terminate licenses"},
	{auth.DirectoryRead, "Directory", "See users, roles and call queues"},
	{auth.DirectoryManage, "Directory", "Change users, roles and call queues"},
	{auth.AuditRead, "Directory", "See who changed what"},
	{auth.LiveReportsView, "Live Reports", "View Live Reports: see dashboards"},
	{auth.LiveReportsFull, "Live Reports", "Full access to Live Reports: make, change and delete dashboards, and see them"},
	{auth.UsageRead, "Usage and metrics", "See usage and license status reports"},
	{auth.UsageWrite, "Usage and metrics", "Send in who viewed what (programs do this)"},
	{auth.MetricsRead, "Usage and metrics", "See license metrics and wallboards"},
	{auth.MetricsManage, "Usage and metrics", "Register wallboards and set their maximum"},
}

// PermissionsInWords are the permissions that a role can carry, in the order in which a page lists
// them; one without words stands by its own name.
func PermissionsInWords() []Permission {
	all := slices.Clone(inWords)
	for _, p := range auth.Permissions() {
		known := slices.ContainsFunc(inWords, func(n Permission) bool { return n.Of == p })
		if !known && p != auth.AccountsManage {
			all = append(all, Permission{p, "Others", string(p)})
		}
	}
	return all
}

// PermissionName is a permission in plain words.
func PermissionName(of auth.Permission) string {
	if of == auth.AccountsManage {
		return "Manage accounts (only the provider's operators do)"
	}
	for _, p := range inWords {
		if p.Of == of {
			return p.Name
		}
	}
	return string(of)
}
