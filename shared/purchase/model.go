// Package purchase is the module where licenses are bought (requirements, section 3): the catalog
// as a customer sees it, the cart, the quote, the order and its statement, and the billing details.
package purchase

import (
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/money"
)

// The limits of a purchase. HTTP schemas repeat them as tags; the rules enforce them.
const (
	// MaxQuantity is the most licenses of one line, and of a whole cart or order (requirements,
	// section 3.4: up to 10,000 in one order).
	MaxQuantity = 10_000
	// maxLines is the most lines of a cart, a quote or an order. Confirming an order is one commit,
	// which counts up what was bought per product and cost center, at most two operations a line,
	// and has 100.
	maxLines = 40
	// quoteLifetime is how long a quote can be ordered (requirements, section 3.3).
	quoteLifetime = 30 * time.Minute
)

// AcknowledgementText is what whoever orders confirms by `acknowledged: true`; the statement
// repeats it.
const AcknowledgementText = "I have read and understood the information and the itemized charges of this order."

// PolicyAcknowledgementText stands in the orders that a policy makes in the place of
// AcknowledgementText.
const PolicyAcknowledgementText = "Bought automatically by the account's policy for the product, " +
	"whose price and maximum were acknowledged when it was set."

// CatalogItem is a product as a customer sees it, priced in the customer's currency.
type CatalogItem struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Description string       `json:"description" doc:"What the product is for, for who buys or assigns it."`
	Category    string       `json:"category"`
	Kind        catalog.Kind `json:"kind" enum:"seat,base,addOn,metered"`
	// Code is what mass configuration files call an add-on.
	Code string `json:"code,omitempty" doc:"What mass configuration files call an add-on."`
	// Base is the base license that an add-on hangs on.
	Base     string       `json:"base,omitempty" doc:"The base license that an add-on hangs on."`
	Requires []string     `json:"requires" nullable:"false" doc:"The holder must hold at least one of these."`
	Excludes []string     `json:"excludes" nullable:"false" doc:"Nobody holds this and one of these."`
	Includes []string     `json:"includes" nullable:"false" doc:"Who holds this needs none of these."`
	Price    money.Amount `json:"unitPrice" doc:"For one license a month."`
	// OveragePrice is absent where nothing is charged.
	OveragePrice *money.Amount `json:"overagePrice,omitempty" doc:"A month of somebody who needs a seat and has none, by days; absent where that costs nothing."`
}

// Cart is what one caller is about to buy.
type Cart struct {
	Lines []CartLine `json:"lines" nullable:"false"`
	// LastLine is the number that was given to a line last, so that no line id is given twice in
	// the life of a cart.
	LastLine int `json:"lastLine" doc:"The number of the line added last; line ids are never reused."`
}

// CartLine is a number of licenses of one product, to be charged to one cost center.
type CartLine struct {
	// ID is unique in the cart: "3" for the third line that was added, "3.1" and "3.2" for the
	// parts it was split into, and so on. The dots are kept so that the parts share the very cents
	// of the line they come from.
	ID        string `json:"id"`
	ProductID string `json:"productId"`
	Quantity  int    `json:"quantity"`
	// CostCenter is empty until one is chosen.
	CostCenter string `json:"costCenter,omitempty"`
}

// CartView is the cart as a caller sees it: with names and prices of today.
type CartView struct {
	Lines    []CartViewLine `json:"lines" nullable:"false"`
	LastLine int            `json:"lastLine" doc:"The number of the line added last; line ids are never reused."`
	Total    money.Amount   `json:"total" doc:"The sum of the lines' totals, a month. What is due today, only a quote says."`
}

// CartViewLine is a line with what it costs; a product that is no longer sold has no price.
type CartViewLine struct {
	CartLine
	Name      string        `json:"name,omitempty" doc:"The product's name."`
	UnitPrice *money.Amount `json:"unitPrice,omitempty" doc:"One license, a month."`
	Total     *money.Amount `json:"total,omitempty" doc:"unitPrice times quantity, a month."`
}

// CartLineInput is a line as a caller sends it, to the cart or straight to a quote.
type CartLineInput struct {
	// ID keeps a line of the cart what it is, so that a cart that was read can be changed and sent
	// back; without it the line is a new one.
	ID         string `json:"id,omitempty" maxLength:"64" doc:"A line that is in the cart already; left out for a new one."`
	ProductID  string `json:"productId" minLength:"1" maxLength:"64"`
	Quantity   int    `json:"quantity" minimum:"1" maximum:"10000"`
	CostCenter string `json:"costCenter,omitempty" maxLength:"64" nullable:"true" doc:"May be chosen later, but before a quote. None if left out or null."`
	// What a cart shows of a line; of a line that was read and is sent back.
	Name      string        `json:"name,omitempty" readOnly:"true" doc:"The product's name."`
	UnitPrice *money.Amount `json:"unitPrice,omitempty" readOnly:"true" doc:"One license, a month."`
	Total     *money.Amount `json:"total,omitempty" readOnly:"true" doc:"unitPrice times quantity, a month."`
}

// SplitPart is one part of a cart line that is split.
type SplitPart struct {
	Quantity   int    `json:"quantity" minimum:"1" maximum:"10000"`
	CostCenter string `json:"costCenter" minLength:"1" maxLength:"64"`
}

// Quote is the priced cart. It can be ordered once, until it expires or what it was made from
// changes (requirements, section 3.4).
type Quote struct {
	ID           string            `json:"id" format:"uuid"`
	Lines        []QuoteLine       `json:"lines" nullable:"false"`
	DueToday     money.Amount      `json:"dueToday" doc:"The sum of the lines' dueToday."`
	Recurring    money.Amount      `json:"recurring" doc:"The sum of the lines' recurring, a month."`
	ByCostCenter []CostCenterTotal `json:"byCostCenter" nullable:"false"`
	// NextBillingDate is the day, in the account's time zone, on which the recurring charge falls
	// due for the first time.
	NextBillingDate string    `json:"nextBillingDate" format:"date"`
	Proration       Proration `json:"proration" doc:"How dueToday comes from recurring."`
	CreatedAt       time.Time `json:"createdAt"`
	ExpiresAt       time.Time `json:"expiresAt"`
	// Basis is what the quote was made from.
	Basis Basis `json:"basis" doc:"What the quote was made from; it is stale when that changes."`
	// OrderID is the order that the quote became.
	OrderID string `json:"orderId,omitempty" doc:"The order that this quote became."`
}

// QuoteLine is an itemized charge, of a quote and of the order that it becomes.
type QuoteLine struct {
	ProductID string `json:"productId"`
	// Name is the product's name on the day of the quote; a statement does not change when the
	// catalog does.
	Name       string       `json:"name"`
	Quantity   int          `json:"quantity"`
	CostCenter string       `json:"costCenter"`
	UnitPrice  money.Amount `json:"unitPrice" doc:"One license, a month."`
	Recurring  money.Amount `json:"recurring" doc:"unitPrice times quantity, a month."`
	DueToday   money.Amount `json:"dueToday" doc:"The line's share of what is due today."`
}

// CostCenterTotal is the sum of the lines of one cost center.
type CostCenterTotal struct {
	CostCenter string       `json:"costCenter"`
	Recurring  money.Amount `json:"recurring"`
	DueToday   money.Amount `json:"dueToday"`
}

// Proration says which part of a month is due today: Days of the PeriodDays from From (today, in
// the account's time zone) to To (the next billing date, which is not counted).
type Proration struct {
	From       string `json:"from" format:"date" doc:"Today, in the account's time zone."`
	To         string `json:"to" format:"date" doc:"The next billing date, not counted."`
	Days       int    `json:"days" doc:"Days that are due today."`
	PeriodDays int    `json:"periodDays" doc:"Days of the whole billing period: 28 to 31."`
}

// Basis is what a quote was made from, beside the prices of its lines and its billing date.
type Basis struct {
	// Cart is the fingerprint of the caller's cart; empty if the lines came with the request for
	// the quote, so that the cart does not matter.
	Cart string `json:"cart,omitempty" doc:"Fingerprint of the cart; absent if the lines came with the request."`
	// Catalog is the version of the catalog.
	Catalog string `json:"catalog" doc:"Version of the catalog."`
}

// OrderState says how far an order is.
type OrderState string

// An order is placing while its licenses are prepared, out of sight of every reader, and placed
// from the commit on that shows all of them.
const (
	OrderPlacing OrderState = "placing"
	OrderPlaced  OrderState = "placed"
	// OrderFailed is an order that was tried too often: nothing was bought by it, and none of its
	// licenses was ever seen.
	OrderFailed OrderState = "failed"
)

// Order is a confirmed purchase.
type Order struct {
	ID string `json:"id" format:"uuid"`
	// Number is for people: it can be said on the phone. No two orders of an account have the same.
	Number string `json:"number" doc:"Nine digits that a person can say on the phone, grouped by hyphens; no two orders of an account have the same."`
	// QuoteID is empty of an order that a policy made.
	QuoteID string     `json:"quoteId,omitempty" format:"uuid" doc:"The quote that it confirms; absent of an order that a policy made."`
	State   OrderState `json:"state" enum:"placing,placed,failed"`
	Failure string     `json:"failure,omitempty" doc:"Why it failed, for a person."`
	Percent int        `json:"percent" minimum:"0" maximum:"100" doc:"How much of an order that is being placed is prepared."`
	// PlacedAt and PlacedBy are when, and by which user, the order was acknowledged and placed.
	PlacedAt        time.Time         `json:"placedAt"`
	PlacedBy        string            `json:"placedBy"`
	Acknowledgement string            `json:"acknowledgement" doc:"What was acknowledged, word for word."`
	LicenseCount    int               `json:"licenseCount"`
	Lines           []QuoteLine       `json:"lines" nullable:"false"`
	DueToday        money.Amount      `json:"dueToday"`
	Recurring       money.Amount      `json:"recurring"`
	ByCostCenter    []CostCenterTotal `json:"byCostCenter" nullable:"false"`
	NextBillingDate string            `json:"nextBillingDate" format:"date"`
	Proration       Proration         `json:"proration"`
	// Names is nil of an order that was confirmed before names were kept.
	Names  *OrderNames  `json:"names,omitempty" doc:"What it names was called when it was confirmed; absent of an order from before names were kept."`
	Policy *OrderPolicy `json:"policy,omitempty" doc:"The policy that made the order, and for whom; absent of an order that a person placed."`
}

// OrderNames are what an order names beside its products, as it was called when the order was confirmed:
// what was acknowledged does not change when something is renamed.
type OrderNames struct {
	Brand       string            `json:"brand" doc:"What the provider sold under."`
	Account     string            `json:"account" doc:"The account's name."`
	PlacedBy    string            `json:"placedBy,omitempty" doc:"Absent if who placed it was no user of the account."`
	CostCenters []NamedCostCenter `json:"costCenters" nullable:"false" doc:"Those of the order."`
}

// NamedCostCenter is what a cost center was called.
type NamedCostCenter struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

// OrderPolicy is by which policy an order was made automatically, and what caused it
// (requirements, section 12).
type OrderPolicy struct {
	ProductID         string       `json:"productId" doc:"The product whose policy it is."`
	AcknowledgedBy    string       `json:"acknowledgedBy" doc:"Who acknowledged the price."`
	AcknowledgedPrice money.Amount `json:"acknowledgedPrice" doc:"What they acknowledged, for a seat a month."`
	For               []BoughtFor  `json:"for" nullable:"false" doc:"What caused it: a seat was bought for each."`
}

// BoughtFor is what a seat was bought for: somebody's grants that would have waited, or an approved
// request.
type BoughtFor struct {
	UserID    string     `json:"userId"`
	Grants    []string   `json:"grants,omitempty" doc:"The grants that waited, such as queue:detroit or view."`
	Since     *time.Time `json:"since,omitempty" doc:"Since when they waited."`
	RequestID string     `json:"requestId,omitempty" format:"uuid" doc:"The request that was approved."`
}

// Billing is what the account pays from its next billing date on (requirements, section 3.6).
type Billing struct {
	NextBillingDate string             `json:"nextBillingDate" format:"date"`
	Recurring       money.Amount       `json:"recurring" doc:"A month, for every license that is not terminated."`
	ByProduct       []ProductCharge    `json:"byProduct" nullable:"false"`
	ByCostCenter    []CostCenterCharge `json:"byCostCenter" nullable:"false"`
	OverageUsers    int                `json:"overageUsers" doc:"Active users beyond the licenses bought, now."`
	Period          *OpenPeriod        `json:"period,omitempty" doc:"The billing period that is open."`
}

// OpenPeriod is the billing period of today, with what metered products have consumed in it so far
// (requirements, section 3.6).
type OpenPeriod struct {
	From    string       `json:"from" format:"date"`
	To      string       `json:"to" format:"date" doc:"The first day of the next period."`
	Metered []Consumed   `json:"metered" nullable:"false" doc:"What each metered product has come to so far."`
	Total   money.Amount `json:"total" doc:"What is metered costs so far."`
}

// Consumed is what one metered product has come to.
type Consumed struct {
	ProductID   string       `json:"productId"`
	LicenseDays int64        `json:"licenseDays" doc:"Licenses times days, today included."`
	Amount      money.Amount `json:"amount" doc:"What that costs so far."`
}

// ProductCharge is the recurring charge of one product.
type ProductCharge struct {
	ProductID string       `json:"productId"`
	Name      string       `json:"name"`
	Quantity  int          `json:"quantity"`
	UnitPrice money.Amount `json:"unitPrice"`
	Recurring money.Amount `json:"recurring"`
}

// CostCenterCharge is the recurring charge of one cost center.
type CostCenterCharge struct {
	CostCenter string       `json:"costCenter"`
	Recurring  money.Amount `json:"recurring"`
}
