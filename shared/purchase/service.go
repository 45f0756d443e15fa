package purchase

import (
	"context"
	"slices"

	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Usage counts the active users beyond the licenses bought (requirements, section 1), as billing
// shows them (requirements, section 3.6); package usage does.
type Usage interface {
	Overage(ctx context.Context, c *call.Call) (int64, error)
}

// Service sells licenses.
type Service struct {
	env       *app.Env
	products  *catalog.Catalog
	kernel    *license.Service
	inventory *inventory.Service
	usage     Usage
}

// NewService makes the service; licenses are made by the kernel. usage may be nil where billing is
// never asked for, as in maintenance.
func NewService(env *app.Env, kernel *license.Service, usage Usage) *Service {
	return &Service{
		env: env, products: kernel.Products(), kernel: kernel, usage: usage,
		inventory: inventory.NewService(kernel.Products()),
	}
}

// terms are the account's, with those of the cost centers that exist; it reads them in one go.
func (s *Service) terms(ctx context.Context, c *call.Call, a account.Account, codes []string) (Terms, error) {
	days, err := a.Calendar()
	if err != nil {
		return Terms{}, err
	}
	t := Terms{Catalog: s.products, Currency: a.Currency, Days: days}
	t.HasCostCenter, err = existing(ctx, c, codes)
	return t, err
}

// existing reads which of the cost centers exist.
func existing(ctx context.Context, c *call.Call, codes []string) (func(string) bool, error) {
	found, err := c.Lookup(ctx, costCenterKeys(c.Account, codes)...)
	if err != nil {
		return nil, err
	}
	return func(code string) bool {
		_, ok := found[license.CostCenterKey(c.Account, code)]
		return ok
	}, nil
}

// costCenterKeys are the keys of the codes, each once, and none for what no cost center can be
// called.
func costCenterKeys(account string, codes []string) []table.Key {
	var keys []table.Key
	for _, code := range codes {
		key := license.CostCenterKey(account, code)
		if auth.ValidID(code) && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// Catalog lists what can be licensed, priced in a currency (requirements, section 3.1). The
// currency must be one of the catalog's.
func (s *Service) Catalog(category string, kind catalog.Kind, currency string) ([]CatalogItem, error) {
	return Browse(s.products, category, kind, currency)
}

// Billing is what the account pays from its next billing date on (requirements, section 3.6). It
// reads the account, one page of counts for every 1,000 combinations of product and cost center,
// and what the overage of the last 30 days takes (package usage), whatever the number of licenses.
func (s *Service) Billing(ctx context.Context, c *call.Call) (Billing, error) {
	a, _, err := account.Load(ctx, c)
	if err != nil {
		return Billing{}, err
	}
	terms, err := s.terms(ctx, c, a, nil)
	if err != nil {
		return Billing{}, err
	}
	seats, err := s.inventory.CostCenterSeats(ctx, c)
	if err != nil {
		return Billing{}, err
	}
	holdings := make([]Holding, len(seats))
	for i, n := range seats {
		holdings[i] = Holding{ProductID: n.ProductID, CostCenter: n.CostCenter, Quantity: int(n.Quantity)}
	}
	over, err := s.usage.Overage(ctx, c)
	if err != nil {
		return Billing{}, err
	}
	return BillingOf(terms, holdings, int(over), c.At)
}
