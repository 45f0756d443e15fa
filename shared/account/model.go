// Package account keeps the provider's customers: each account's name, brand, currency, time zone,
// billing day and bundle. Only the provider's operators make and change accounts (requirements,
// section 9); every other module reads them here.
//
// An account is never deleted. The role super-admin, which exists in every account (requirements,
// section 6), is built into package directory and is not stored.
package account

import (
	"fmt"
	"time"
	_ "time/tzdata" // Account.Location must know every zone on Lambda too, where the machine has no zone database.

	"seatwise/shared/craft/calendar"
	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// active is the state of an account of which nothing else was said.
const active = call.Active

// Bundle is what an account's contract includes.
type Bundle string

// The bundles. Accounts on CustomerEngagement have unlimited Live Reports (requirements, section
// 6); the kernel knows it by the same name.
const (
	Standard           Bundle = "standard"
	CustomerEngagement Bundle = license.UnlimitedBundle
)

// Settings are what an operator decides about an account.
type Settings struct {
	Name       string `json:"name" minLength:"1" maxLength:"200" doc:"The customer's name."`
	Brand      string `json:"brand" minLength:"1" maxLength:"60" doc:"The name that the customer buys under; report files begin with it, so it must be fit for a file name."`
	Currency   string `json:"currency" pattern:"^[A-Z]{3}$" doc:"ISO 4217 code, one that the catalog has prices in. It stays once something is bought."`
	Timezone   string `json:"timezone" minLength:"1" maxLength:"64" doc:"IANA name of the time zone that decides which day it is, such as America/New_York. A change counts from the next billing period on."`
	BillingDay int    `json:"billingDay" minimum:"1" maximum:"28" doc:"Day of the month on which the recurring charge falls due. A change counts from the next billing period on."`
	Bundle     Bundle `json:"bundle" enum:"standard,customer-engagement" doc:"customer-engagement has unlimited Live Reports. People get or lose what it includes at once; bills and scheduled reports follow from the next billing period on."`
	// Country decides on what paper a statement and a report are printed; empty where nobody said.
	Country string `json:"country,omitempty" pattern:"^[A-Z]{2}$" doc:"ISO 3166-1 code of the customer's country, such as US. Statements and reports are laid out for its paper size; A4 without it."`
	// State is empty in accounts from before there was one; that is active.
	State call.State `json:"state,omitempty" enum:"active,suspended,closed" doc:"What can be done in the account: a suspended one can be read, not changed; a closed one is there for operators only. Stays as it is when it is left out; a new account is active."`
	// CostCenter is never taken away once it was named, only changed: what people consume is always
	// charged somewhere.
	CostCenter string `json:"costCenter,omitempty" minLength:"1" maxLength:"64" doc:"A cost center of the account: what people without one of their own consume is charged to it, metered products and overage. A billing period with such lines is not closed before it is named. Stays as it is when it is left out."`
	// ReportSchedule is empty in accounts from before there was a choice; that is monthly.
	ReportSchedule ReportSchedule `json:"reportSchedule,omitempty" enum:"weekly,monthly,none" default:"monthly" doc:"Which license status reports are made on schedule, 48 hours after the last day they cover: one for each billing period, one for each week from Monday to Sunday, or none. A change counts from the next billing period on; every day is in one report."`
}

// Terms are the settings that count for whole billing periods: what an account agreed to, from the
// first day of a period on (requirements, section 12). They are kept, so that a period that is over
// can be reported and billed as it was.
type Terms struct {
	// From is the first day; empty for the terms that the account began with.
	From           string         `json:"from,omitempty" format:"date" doc:"The first day; absent for what the account began with."`
	Timezone       string         `json:"timezone"`
	BillingDay     int            `json:"billingDay"`
	Bundle         Bundle         `json:"bundle" enum:"standard,customer-engagement"`
	ReportSchedule ReportSchedule `json:"reportSchedule" enum:"weekly,monthly,none"`
}

// Unlimited says whether Live Reports are unlimited under these terms (requirements, section 6).
func (t Terms) Unlimited() bool { return t.Bundle == CustomerEngagement }

// Account is an account as it is stored and as docs/contract.md shows it. The kernel reads the
// bundle from the same document.
type Account struct {
	ID string `json:"id"`
	Settings
	// Terms ascend; the last ones may be those of the period to come. None in an account from
	// before they were kept, whose settings count for all days.
	Terms     []Terms   `json:"terms,omitempty" readOnly:"true" doc:"What counts from which billing date on: a change of the time zone, the billing day, the bundle or the report schedule counts from the next one. Kept by the server."`
	CreatedAt time.Time `json:"createdAt"`
	ChangedAt time.Time `json:"changedAt,omitzero"`
	// Erasure is set for good once it was asked to erase the account.
	Erasure string `json:"erasure,omitempty" format:"uuid" readOnly:"true" doc:"The erasure that waits for the account; from then on it cannot be changed."`
}

// Leaves is the operation by which an account becomes one that is erased: it is in no list from then on, and
// is changed no more.
func Leaves(a Account, version int64, erasure string) (table.Operation, error) {
	a.Erasure = erasure
	data, err := call.Encode(a)
	if err != nil {
		return table.Operation{}, err
	}
	return table.Put(table.Item{Key: call.AccountKey(a.ID), Data: data}, table.IfVersion(version)), nil
}

// Calendar is the account's days and billing periods, past and to come, as far as they are known.
func (a Account) Calendar() (calendar.Calendar, error) {
	kept := a.kept()
	terms := make([]calendar.Terms, len(kept))
	for i, t := range kept {
		zone, err := time.LoadLocation(t.Timezone)
		if err != nil {
			return calendar.Calendar{}, fmt.Errorf("account %s: %w", a.ID, err)
		}
		terms[i] = calendar.Terms{Zone: zone, BillingDay: t.BillingDay}
		if i == 0 {
			continue
		}
		if terms[i].From, err = time.Parse(time.DateOnly, t.From); err != nil {
			return calendar.Calendar{}, fmt.Errorf("account %s: %w", a.ID, err)
		}
	}
	days, err := calendar.New(terms...)
	if err != nil {
		return calendar.Calendar{}, fmt.Errorf("account %s: %w", a.ID, err)
	}
	return days, nil
}

// Unlimited says whether Live Reports are unlimited (requirements, section 6): no license is used,
// no grant waits, there is no overage and no license report.
func (a Account) Unlimited() bool { return a.Bundle == CustomerEngagement }

// The keys; docs/data-model.md says what each costs.

// accounts is the partition of Index1 that lists the accounts by id.
const accounts = "ACCOUNTS"

// PurchasedKey is where an account that ever bought something says so. Package purchase writes it
// with the first order, so that the commit that would change the currency can demand that it is not
// there.
func PurchasedKey(account string) table.Key {
	return table.Key{Partition: call.Partition(account, "PURCHASED"), Sort: "PURCHASED"}
}

// Purchased says that the account has bought something, in the commit of its first order.
func Purchased(account string) table.Operation {
	item := table.Item{Key: PurchasedKey(account), Data: []byte("{}")}
	item.IndexKeys[0] = call.Counting(account)
	return table.Put(item, table.IfAbsent)
}

// BundleMarkers are those of accounts whose bundle was changed and whose holders are not all looked at
// since: one for each account, without an id.
var BundleMarkers = call.OwnMarkers("BUNDLE")
