package purchase

import (
	"context"
	"slices"

	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Service sells licenses.
type Service struct {
	env       *app.Env
	products  *catalog.Catalog
	kernel    *license.Service
	inventory *inventory.Service
}

// NewService makes the service; licenses are made by the kernel.
func NewService(env *app.Env, kernel *license.Service) *Service {
	return &Service{
		env: env, products: kernel.Products(), kernel: kernel, inventory: inventory.NewService(kernel.Products()),
	}
}

// terms are the account's, with those of the cost centers that exist; it reads them in one go, and
// returns them too.
func (s *Service) terms(
	ctx context.Context, c *call.Call, a account.Account, codes []string,
) (Terms, map[table.Key]table.Item, error) {
	t, err := pricing(s.products, a)
	if err != nil {
		return Terms{}, nil, err
	}
	found, err := c.Lookup(ctx, costCenterKeys(c.Account, codes)...)
	if err != nil {
		return Terms{}, nil, err
	}
	t.HasCostCenter, err = theirsOf(ctx, c, found)
	return t, found, err
}

// pricing are the account's terms where no cost center is named.
func pricing(products *catalog.Catalog, a account.Account) (Terms, error) {
	days, err := a.Calendar()
	return Terms{Catalog: products, Currency: a.Currency, Days: days}, err
}

// theirsOf says which of the cost centers that were read there are, for the caller. Those of others are
// not there for an admin of some.
func theirsOf(ctx context.Context, c *call.Call, found map[table.Key]table.Item) (func(string) bool, error) {
	theirs, err := access.CostCenters(ctx)
	return func(code string) bool {
		_, ok := found[license.CostCenterKey(c.Account, code)]
		return ok && theirs.Has(code)
	}, err
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
	return browse(s.products, category, kind, currency)
}
