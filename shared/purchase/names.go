package purchase

import (
	"slices"

	"seatwise/shared/account"
	"seatwise/shared/license"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// name keeps with an order what it names is called now, of what was found: the account, who placed it,
// and its cost centers.
func (o *Order) name(a account.Account, found map[table.Key]table.Item) error {
	names := OrderNames{Brand: a.Brand, Account: a.Name, CostCenters: []NamedCostCenter{}}
	if item, ok := found[license.HolderKey(a.ID, o.PlacedBy)]; ok { // who orders need not be a user of the account
		who, err := call.Decode[license.Holder](item)
		if err != nil {
			return err
		}
		names.PlacedBy = who.Name
	}
	for _, total := range o.ByCostCenter {
		item, ok := found[license.CostCenterKey(a.ID, total.CostCenter)]
		if !ok {
			continue
		}
		cc, err := call.Decode[CostCenter](item)
		if err != nil {
			return err
		}
		names.CostCenters = append(names.CostCenters, NamedCostCenter{Code: total.CostCenter, Name: cc.Name})
	}
	o.Names = &names
	return nil
}

// NameKeys are of what an order has names of, beside the account.
func (o Order) NameKeys(account string) []table.Key {
	keys := []table.Key{license.HolderKey(account, o.PlacedBy)}
	for _, total := range o.ByCostCenter {
		if auth.ValidID(total.CostCenter) { // what is charged to none has none
			keys = append(keys, license.CostCenterKey(account, total.CostCenter))
		}
	}
	return keys
}

// Named is the order with its names: those that were kept when it was confirmed, or, of an order from
// before names were kept, those of what was found.
func (o Order) Named(a account.Account, found map[table.Key]table.Item) (Order, error) {
	if o.Names != nil {
		return o, nil
	}
	err := o.name(a, found)
	return o, err
}

// limited are the names with those of some cost centers alone.
func (n *OrderNames) limited(theirs auth.Limit) *OrderNames {
	if n == nil {
		return nil
	}
	names := *n
	names.CostCenters = slices.DeleteFunc(
		slices.Clone(names.CostCenters), func(one NamedCostCenter) bool { return !theirs.Has(one.Code) },
	)
	return &names
}
