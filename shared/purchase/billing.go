package purchase

import (
	"context"

	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

// Usage counts the active users beyond the licenses bought (requirements, section 1), as billing
// shows them (requirements, section 3.6); package usage does.
type Usage interface {
	Overage(ctx context.Context, c *call.Call) (int64, error)
}

// Periods tells what the open billing period has come to; package period does.
type Periods interface {
	Open(ctx context.Context, c *call.Call) (OpenPeriod, error)
}

// BillingService tells what an account pays. It is apart from Service, so that who sells links
// neither usage nor periods.
type BillingService struct {
	products  *catalog.Catalog
	inventory *inventory.Service
	usage     Usage
	periods   Periods
}

// NewBilling makes the service.
func NewBilling(kernel *license.Service, usage Usage, periods Periods) *BillingService {
	return &BillingService{
		products: kernel.Products(), inventory: inventory.NewService(kernel.Products()), usage: usage, periods: periods,
	}
}

// Billing is what the account pays from its next billing date on (requirements, section 3.6). It
// reads the account, one page of counts for every 1,000 combinations of product and cost center,
// what the overage of the last 30 days takes (package usage), and the open period (package period),
// whatever the number of licenses. An admin of some cost centers sees what is theirs.
func (s *BillingService) Billing(ctx context.Context, c *call.Call) (Billing, error) {
	a, _, err := account.Load(ctx, c)
	if err != nil {
		return Billing{}, err
	}
	terms, err := pricing(s.products, a)
	if err != nil {
		return Billing{}, err
	}
	seats, err := s.inventory.CostCenterSeats(ctx, c)
	if err != nil {
		return Billing{}, err
	}
	theirs, err := access.CostCenters(ctx)
	if err != nil {
		return Billing{}, err
	}
	var holdings []Holding
	for _, n := range seats {
		if theirs.Has(n.CostCenter) {
			holdings = append(
				holdings, Holding{ProductID: n.ProductID, CostCenter: n.CostCenter, Quantity: int(n.Quantity)},
			)
		}
	}
	over, err := s.overage(ctx, c, theirs)
	if err != nil {
		return Billing{}, err
	}
	b, err := billingOf(terms, holdings, int(over), c.At)
	if err != nil {
		return Billing{}, err
	}
	open, err := s.periods.Open(ctx, c)
	b.Period = &open
	return b, err
}

// overage counts the active users beyond the licenses bought; of an admin of some cost centers those of
// theirs who wait for a seat of Live Reports, for licenses are bought for the whole account.
func (s *BillingService) overage(ctx context.Context, c *call.Call, theirs auth.Limit) (int64, error) {
	if theirs.All() {
		return s.usage.Overage(ctx, c)
	}
	var users int64
	for _, p := range s.products.Counted(catalog.LiveReports) {
		waits, err := s.inventory.Queue(ctx, c, p.ID)
		if err != nil {
			return 0, err
		}
		for _, w := range waits {
			if theirs.Has(w.CostCenter) {
				users++
			}
		}
	}
	return users, nil
}
