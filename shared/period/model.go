// Package period bills what an account has and consumes (requirements, section 12): a billing
// period is a fold of what the commits of licenses, people and orders say. While it is open it is a
// preview; 48 hours after its end it is closed, sealed by a digest, and never changes again.
package period

import (
	"time"

	"seatwise/shared/craft/money"
)

// Kind says what a line charges.
type Kind string

// The kinds.
const (
	// Recurring are the licenses that recur when the period begins.
	Recurring Kind = "recurring"
	// Prorated is what orders had due on their day.
	Prorated Kind = "prorated"
	// Metered are the license days of products that are not bought.
	Metered Kind = "metered"
	// Overage are the days at whose end somebody needed a seat and had none.
	Overage Kind = "overage"
	// Correction is what a closed period should have been, or an operator said.
	Correction Kind = "correction"
)

// kinds are in the order of a bill.
var kinds = []Kind{Recurring, Prorated, Metered, Overage, Correction}

// Line is what one product costs one cost center in a period.
type Line struct {
	// ID is the same whenever the period is folded.
	ID         string `json:"id" doc:"Names the line in addresses; the same as long as there is a line of this kind, product and cost center."`
	Kind       Kind   `json:"kind" enum:"recurring,prorated,metered,overage,correction"`
	ProductID  string `json:"productId,omitempty" doc:"Absent of an operator's correction of no product."`
	CostCenter string `json:"costCenter,omitempty" doc:"Absent where no cost center is known: of people without one in an account without one."`
	// Quantity counts different licenses, or of overage people.
	Quantity int64 `json:"quantity" doc:"How many different licenses, or of overage people, are in it."`
	// LicenseDays is what the amount follows from, but for prorated and corrections.
	LicenseDays int64        `json:"licenseDays" doc:"Licenses, or people, times days: amount is unitPrice times licenseDays through the period's monthDays, shared out to the cent among the lines of a product. Of prorated, how many licenses were bought."`
	UnitPrice   money.Amount `json:"unitPrice" doc:"A month, on the period's first day; of overage the catalog's overagePrice, of prorated that of the last order."`
	Amount      money.Amount `json:"amount" doc:"What the line costs."`
	Corrects    string       `json:"corrects,omitempty" format:"date" doc:"Of a correction: the first day of the closed period that it corrects."`
	Reason      string       `json:"reason,omitempty" doc:"Of a correction: why."`
}

// Day is a line's part of one day.
type Day struct {
	Day      string       `json:"day" format:"date" doc:"The day, of the account's time zone."`
	Quantity int64        `json:"quantity" doc:"Licenses, or of overage people, that count on the day."`
	Amount   money.Amount `json:"amount" doc:"The day's share of the line's amount; all days add up to it."`
}

// CostCenterTotal is what one cost center pays.
type CostCenterTotal struct {
	CostCenter string       `json:"costCenter,omitempty"`
	Amount     money.Amount `json:"amount" doc:"What the cost center pays."`
}

// Share is a run of days on which one license, or person, counts in a line.
type Share struct {
	License string `json:"license,omitempty"`
	UserID  string `json:"userId,omitempty"`
	// First is the first day, counted from that of the period, and Days how many follow each other.
	First int `json:"first"`
	Days  int `json:"days"`
}

// Entry is a line with all that is behind it.
type Entry struct {
	Line
	Days   []Day   `json:"days"`
	Shares []Share `json:"-"`
}

// Bill is a period that was folded.
type Bill struct {
	From, To     string // days, To exclusive
	Days         int
	MonthDays    int
	Currency     string
	Entries      []Entry
	ByCostCenter []CostCenterTotal
	Total        money.Amount
}

// What a fold is made from.

// Timeline is the life of a license, a device or a waiting, as far as it is known.
type Timeline struct {
	// ID is the license's or the device's; empty of a waiting.
	ID        string
	ProductID string
	// Kind is Recurring of what was bought, Metered, or Overage of a waiting.
	Kind Kind
	// From and Until are when it began and ended; Until is zero while it lasts.
	From, Until time.Time
	// Parts ascend by Until; the last one counts from then on.
	Parts []Part
}

// Part is who has something, and what it is charged to, up to a moment. The last part's Until means
// nothing.
type Part struct {
	Until              time.Time
	UserID, CostCenter string
}

// Purchase is a line of an order.
type Purchase struct {
	At                    time.Time
	ProductID, CostCenter string
	Quantity              int64
	UnitPrice, DueToday   money.Amount
}

// Named is a correction that was given.
type Named struct {
	// ID names it among the corrections of a period.
	ID         string       `json:"id"`
	At         time.Time    `json:"at" doc:"When it was given."`
	ProductID  string       `json:"productId,omitempty"`
	CostCenter string       `json:"costCenter,omitempty"`
	Amount     money.Amount `json:"amount" doc:"Below zero for what is given back."`
	Corrects   string       `json:"corrects" format:"date" doc:"The first day of the closed period."`
	Reason     string       `json:"reason" doc:"Stands on the line."`
}

// Prices are those of one product in a period.
type Prices struct {
	Unit    money.Amount  `json:"unit"`
	Overage *money.Amount `json:"overage,omitempty"`
}
