package main

import (
	"net/http"
	"strings"

	"seatwise/shared/catalog"
	"seatwise/shared/platform/table"
	"seatwise/shared/purchase"
)

// bid is what a policy says of automatic purchase, as far as the model knows it.
type bid struct {
	Enabled    bool   `json:"enabled"`
	CostCenter string `json:"costCenter"`
	MaxSeats   *int64 `json:"maxSeats"`
	MaxAmount  *struct {
		Minor int64 `json:"amount"`
	} `json:"maxAmount"`
}

// spending is what a policy has bought in a billing period.
type spending struct {
	Seats  int64 `json:"seats"`
	Amount int64 `json:"amount"`
}

// bidding is an operation on the policy of a product: missing seats are bought, a few more than were,
// or none any more.
func (m *simulation) bidding(a string) *run {
	return m.contend(a, func() request {
		product := pick(m, []string{"live-reports", "live-reports", "call-queue-booster", "phone-system"})
		path := "/policies/" + product
		if m.random.IntN(12) == 0 {
			return request{"BillingFunction", http.MethodDelete, path, nil, m.key()}
		}
		price, err := catalog.Default().Price(product, "USD")
		if err != nil {
			panic(err) // the product is the catalog's
		}
		var had spending
		for at, spent := range m.models[a].spent {
			if strings.HasPrefix(at, product+"#") {
				had = spent
			}
		}
		buy := fields{"enabled": m.random.IntN(8) > 0, "costCenter": pick(m, costs), "acknowledgedPrice": price}
		if m.random.IntN(8) == 0 {
			buy["acknowledgedPrice"] = fields{"amount": price.Minor + 1, "currency": "USD"}
		}
		more := int64(1 + m.random.IntN(4))
		if m.random.IntN(3) > 0 {
			buy["maxSeats"] = had.Seats + more
		}
		if buy["maxSeats"] == nil || m.random.IntN(3) == 0 {
			most := had.Amount + more*price.Minor - int64(m.random.IntN(2))
			buy["maxAmount"] = fields{"amount": most, "currency": "USD"}
		}
		return request{"BillingFunction", http.MethodPut, path, fields{"autoPurchase": buy}, m.key()}
	})
}

// putBid adds an order to what its policy has bought in its billing period, and holds it to the
// maximum that the policy has in the moment of the commit (I19).
func (b *model) putBid(o purchase.Order) {
	product := o.Policy.ProductID
	at := product + "#" + o.NextBillingDate
	spent := b.spent[at]
	for _, line := range o.Lines {
		spent.Seats += int64(line.Quantity)
		spent.Amount += line.Recurring.Minor
	}
	b.spent[at], b.dirty.bids[at] = spent, true
	buy := b.funds.policies[product].AutoPurchase
	switch {
	case buy == nil || !buy.Enabled:
		b.fail("I19: order %s is of the policy of %s, which buys nothing", o.ID, product)
	case buy.MaxSeats != nil && spent.Seats > *buy.MaxSeats:
		b.fail("I19: with order %s %d seats of %s are bought, of at most %d", o.ID, spent.Seats, product, *buy.MaxSeats)
	case buy.MaxAmount != nil && spent.Amount > buy.MaxAmount.Minor:
		b.fail("I19: with order %s %d are spent on %s, of at most %d", o.ID, spent.Amount, product, buy.MaxAmount.Minor)
	case len(o.Policy.For) != o.LicenseCount:
		b.fail("I19: order %s has %d licenses for %d", o.ID, o.LicenseCount, len(o.Policy.For))
	}
	for _, who := range o.Policy.For {
		h := b.holders[who.UserID]
		waits := h != nil && h.Holdings[product] != nil && h.Holdings[product].Waiting != ""
		if who.RequestID != "" {
			waits = b.wishes[who.RequestID].State == "approved"
			if limit := b.approvals[who.RequestID]; !limit.has(buy.CostCenter) {
				b.fail("I25: order %s for %q is of request %s, approved by an admin of %v", o.ID, buy.CostCenter, who.RequestID,
					limit)
			}
		}
		if !waits {
			b.fail("I19: order %s buys %s for %s, who does not lack it", o.ID, product, who.UserID)
		}
	}
}

// putSpent takes in the count that the account keeps of a policy.
func (b *model) putSpent(item table.Item) {
	product, _, _ := strings.Cut(item.Sort, "#")
	b.counted[product] = decode[spending](b, item)
}

// verifyBid: the count of the billing period is what its orders come to (I19).
func (b *model) verifyBid(at string) {
	product, _, _ := strings.Cut(at, "#")
	if b.counted[product] != b.spent[at] {
		b.fail("I19: %+v of %s are counted, and its orders come to %+v", b.counted[product], at, b.spent[at])
	}
}
