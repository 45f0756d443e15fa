// Package account keeps the provider's customers: each account's name, brand, currency, time zone, billing day and bundle. Only the provider's operators make
// and change accounts (spec 9); every other room reads them here.
//
// An account is never deleted. The role super-admin, which exists in every account (spec 6), is built into package directory and is not stored.
package account

import (
	"fmt"
	"time"
	_ "time/tzdata" // Account.Location must know every zone on Lambda too, where the machine has no zone database.

	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Bundle is what an account's contract includes.
type Bundle string

// The bundles. Accounts on CustomerEngagement have unlimited Live Reports (spec 6); the kernel knows it by the same name.
const (
	Standard           Bundle = "standard"
	CustomerEngagement Bundle = license.UnlimitedBundle
)

// Settings are what an operator decides about an account.
type Settings struct {
	Name       string `json:"name" minLength:"1" maxLength:"200" doc:"The customer's name."`
	Brand      string `json:"brand" minLength:"1" maxLength:"60" doc:"The name that the customer buys under; report files begin with it, so it must be fit for a file name."`
	Currency   string `json:"currency" pattern:"^[A-Z]{3}$" doc:"ISO 4217 code, one that the catalog has prices in. It stays once something is bought."`
	Timezone   string `json:"timezone" minLength:"1" maxLength:"64" doc:"IANA name of the time zone that decides which day it is, such as America/New_York."`
	BillingDay int    `json:"billingDay" minimum:"1" maximum:"28" doc:"Day of the month on which the recurring charge falls due."`
	Bundle     Bundle `json:"bundle" enum:"standard,customer-engagement" doc:"customer-engagement has unlimited Live Reports."`
	// ReportSchedule is empty in accounts from before there was a choice; that is monthly.
	ReportSchedule ReportSchedule `json:"reportSchedule,omitempty" enum:"weekly,monthly,none" default:"monthly" doc:"How often the license status report of the last 30 days is made by itself: on the first run in each week or billing period, in the account's time zone, or never."`
}

// Account is an account as it is stored and as api.md shows it. The kernel reads the bundle from the same document.
type Account struct {
	ID string `json:"id"`
	Settings
	CreatedAt time.Time `json:"createdAt"`
	ChangedAt time.Time `json:"changedAt"`
}

// Location is the account's time zone.
func (a Account) Location() (*time.Location, error) {
	location, err := time.LoadLocation(a.Timezone)
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", a.ID, err)
	}
	return location, nil
}

// Unlimited says whether Live Reports are unlimited (spec 6): no license is used, no grant waits, there is no overage and no license report.
func (a Account) Unlimited() bool { return a.Bundle == CustomerEngagement }

// The keys; docs/data-model.md says what each costs.

// accounts is the partition of Index1 that lists the accounts by id.
const accounts = "ACCOUNTS"

// PurchasedKey is where an account that ever bought something says so. Package purchase writes it with the first order, so that the commit that would change
// the currency can demand that it is not there.
func PurchasedKey(account string) table.Key {
	return table.Key{Partition: call.Partition(account, "PURCHASED"), Sort: "PURCHASED"}
}

// BundleMarks is the partition of the marks of accounts whose bundle was changed and whose holders have not all been looked at since. The sort key is the account.
const BundleMarks = "JOBS#BUNDLE"
