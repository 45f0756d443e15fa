package auth

import "strings"

// Permission names one thing that a token may allow (requirements, section 9).
type Permission string

// The permissions of requirements, section 9.
const (
	CatalogRead     Permission = "catalog.read"
	BillingRead     Permission = "billing.read"
	BillingPurchase Permission = "billing.purchase"
	LicensesRead    Permission = "licenses.read"
	LicensesManage  Permission = "licenses.manage"
	DirectoryRead   Permission = "directory.read"
	DirectoryManage Permission = "directory.manage"
	LiveReportsView Permission = "liveReports.view"
	LiveReportsFull Permission = "liveReports.full"
	UsageRead       Permission = "usage.read"
	UsageWrite      Permission = "usage.write"
	MetricsRead     Permission = "metrics.read"
	MetricsManage   Permission = "metrics.manage"
	AuditRead       Permission = "audit.read"
	AccountsManage  Permission = "accounts.manage"
)

// all fixes each permission's bit in a Set; a Set is never stored, so the order is free to change.
var all = []Permission{
	CatalogRead,
	BillingRead,
	BillingPurchase,
	LicensesRead,
	LicensesManage,
	DirectoryRead,
	DirectoryManage,
	LiveReportsView,
	LiveReportsFull,
	UsageRead,
	UsageWrite,
	MetricsRead,
	MetricsManage,
	AuditRead,
	AccountsManage,
}

// Permissions lists every permission there is.
func Permissions() []Permission { return append([]Permission(nil), all...) }

// Known says whether requirements, section 9 names the permission.
func Known(p Permission) bool { return bit(p) != 0 }

// Set is a set of permissions. The zero Set is empty; sets compare with ==.
type Set uint32

// SetOf makes a set. Permissions that requirements, section 9 does not name are left out: an
// identity provider may put scopes of other systems into the token.
func SetOf(permissions ...Permission) Set {
	var s Set
	for _, p := range permissions {
		s |= bit(p)
	}
	return s
}

// Has says whether the set allows the permission; liveReports.full includes liveReports.view
// (requirements, section 6).
func (s Set) Has(p Permission) bool {
	b := bit(p)
	if p == LiveReportsView {
		b |= bit(LiveReportsFull)
	}
	return s&b != 0
}

// List names the permissions of the set, as they were given to SetOf, in the order of requirements,
// section 9.
func (s Set) List() []Permission {
	var list []Permission
	for i, p := range all {
		if s&(1<<i) != 0 {
			list = append(list, p)
		}
	}
	return list
}

// String joins the permissions with spaces.
func (s Set) String() string {
	var b strings.Builder
	for i, p := range s.List() {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(p))
	}
	return b.String()
}

func bit(p Permission) Set {
	for i, known := range all {
		if p == known {
			return 1 << i
		}
	}
	return 0
}
