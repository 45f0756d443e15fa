package policy

import (
	"time"

	"seatwise/shared/craft/money"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Rules are what is decided; what is left out is not.
type Rules struct {
	AutoPurchase *AutoPurchase `json:"autoPurchase,omitempty" doc:"Whether missing seats are bought automatically, and how many at most."`
	LowSeats     *int64        `json:"lowSeats,omitempty" minimum:"1" maximum:"100000" doc:"Fewer free seats than these raise an alert. Not for metered products, of which none is free."`
	IdleDays     *int          `json:"idleDays,omitempty" minimum:"1" maximum:"366" doc:"After this number of days without use a seat of the product counts as idle where nobody says otherwise."`
}

// AutoPurchase says that missing seats are bought, up to a maximum of each billing period
// (requirements, section 12). It has at least one of the two maxima.
type AutoPurchase struct {
	Enabled           bool          `json:"enabled" doc:"Whether anything is bought."`
	MaxSeats          *int64        `json:"maxSeats,omitempty" minimum:"1" maximum:"100000" doc:"The most seats that are bought in a billing period."`
	MaxAmount         *money.Amount `json:"maxAmount,omitempty" doc:"The most that is bought in a billing period: monthly price times seats."`
	CostCenter        string        `json:"costCenter" doc:"What the seats are charged to."`
	AcknowledgedPrice money.Amount  `json:"acknowledgedPrice" doc:"The price of one seat a month that was acknowledged. While it is not the catalog's, nothing is bought."`
}

// Policy is what an account has decided for a product.
type Policy struct {
	ProductID string `json:"productId" readOnly:"true" doc:"The product in the path."`
	Rules
	AcknowledgedBy string      `json:"acknowledgedBy,omitempty" readOnly:"true" doc:"Who set autoPurchase as it is."`
	AcknowledgedAt *time.Time  `json:"acknowledgedAt,omitempty" readOnly:"true" doc:"When they did."`
	Suspended      *Suspension `json:"suspended,omitempty" readOnly:"true" doc:"Why nothing is bought at present; absent while something is, or nothing shall be."`
	Used           *Used       `json:"used,omitempty" readOnly:"true" doc:"What autoPurchase has bought in the present billing period, which is what its maxima are held against; absent without autoPurchase."`
	CreatedAt      time.Time   `json:"createdAt,omitzero" readOnly:"true"`
	ChangedAt      time.Time   `json:"changedAt,omitzero" readOnly:"true" doc:"When it was changed last."`
}

// Used is how much of its maxima a policy has bought in the present billing period.
type Used struct {
	From   string       `json:"from" format:"date" doc:"The first day of the billing period."`
	Seats  int64        `json:"seats" doc:"How many seats were bought."`
	Amount money.Amount `json:"amount" doc:"Their monthly prices, of when they were bought."`
	Left   int64        `json:"left" doc:"How many seats more may be bought in the period, at the present price."`
}

// Suspension is why a policy that is enabled buys nothing.
type Suspension struct {
	Reason Reason `json:"reason" enum:"price-changed,permission-lost,cost-center-gone" doc:"The price is not the acknowledged one; who acknowledged it may not buy any more; the cost center is gone."`
	Detail string `json:"detail" doc:"The same for people."`
}

// Reason is why a policy is suspended, for programs.
type Reason string

// The reasons. The first one that holds is told.
const (
	PriceChanged   Reason = "price-changed"
	PermissionLost Reason = "permission-lost"
	CostCenterGone Reason = "cost-center-gone"
)

// stored is a policy as it is kept.
type stored struct {
	Policy

	// ByDirectory says that the directory gave who acknowledged the permission, so that they lose it
	// there. Otherwise their token carried it.
	ByDirectory bool `json:"byDirectory,omitempty"`
	// ByOperator says that they were an operator of the provider, whom the account's directory does
	// not know.
	ByOperator bool `json:"byOperator,omitempty"`
}

// The keys; docs/data-model.md says what each costs.

func partition(account string) string { return call.Partition(account, "POLICIES") }

// Key is where the policy of a product is kept.
func Key(account, product string) table.Key {
	return table.Key{Partition: partition(account), Sort: product}
}

// watched is the partition of Index3 that lists, over all accounts, the policies by which alerts are
// raised, so that nothing is read of an account that has none.
var watched = call.PlacedMarkers("POLICY")

// itemOf is where a policy is kept, with its place in the index.
func itemOf(account string, p stored) (table.Item, error) {
	data, err := call.Encode(p)
	item := table.Item{Key: Key(account, p.ProductID), Data: data}
	if p.LowSeats != nil || p.buys() {
		item.IndexKeys[2] = watched.Place(account, p.ProductID)
	}
	return item, err
}

func location(account, product string) string {
	return "/v1/accounts/" + account + "/policies/" + product
}
