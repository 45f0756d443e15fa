package purchase

import (
	"context"
	"slices"

	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/policy"
)

// Buyer buys the seats that are missing, as the account's policies say (requirements, section 12).
//
// Each of its orders is one commit: the licenses appear, the count of the billing period grows, and
// the order says for whom. The commit demands that the count is as it was read, so that no two orders
// of a policy are decided from the same state and none goes over the maximum; that the policy and what
// it depends on are as they were; and that each of those for whom it buys still lacks the seat.
type Buyer struct {
	products *catalog.Catalog
	kernel   *license.Service
	policies *policy.Service
}

// NewBuyer makes the buyer; licenses are made by the kernel.
func NewBuyer(kernel *license.Service) *Buyer {
	return &Buyer{products: kernel.Products(), kernel: kernel, policies: policy.NewService(kernel.Products())}
}

// Supplied has a kernel buy missing seats by the account's policies.
func Supplied(kernel *license.Service) *license.Service {
	kernel.SuppliedBy(NewBuyer(kernel))
	return kernel
}

// buyer is the actor of the audit entries of what is bought automatically.
const buyer = "policy"

// Missing is a seat that is missing.
type Missing struct {
	BoughtFor

	// Cause is who began what it is missing for.
	Cause call.Cause
	// Lacks demands, in the commit that buys the seat, that it is still missing.
	Lacks table.Operation
}

// Find finds seats that are missing and that one of a cost center would do for, at most that many.
type Find func(ctx context.Context, costCenter string, most int) ([]Missing, error)

// Supply implements license.Supplier.
func (b *Buyer) Supply(ctx context.Context, c *call.Call, product string) (int, error) {
	return b.Buy(ctx, c, product, func(ctx context.Context, costCenter string, most int) ([]Missing, error) {
		short, err := b.kernel.Short(ctx, c, product, costCenter, most)
		list := make([]Missing, len(short))
		for i, s := range short {
			since, grants := s.Since, make([]string, len(s.Grants))
			for j, g := range s.Grants {
				grants[j] = g.Source
			}
			list[i] = Missing{BoughtFor{UserID: s.UserID, Grants: grants, Since: &since}, s.Cause, s.Waits}
		}
		return list, err
	})
}

// Buy places one order of the seats of a product that are missing, as far as a policy allows, of at
// most what fits into a commit, and says how many it bought: none where no policy buys, where none is
// missing, and where the maximum of the billing period is reached. It serves nobody; whoever calls
// serves, and calls again. It reads one item where there is no policy.
func (b *Buyer) Buy(ctx context.Context, c *call.Call, product string, find Find) (bought int, err error) {
	err = call.Decide(ctx, func(ctx context.Context) error {
		step := call.ForEvent(c.Env, c.Account, buyer, "policy:"+product, c.At)
		step.Demands = c.Demands
		bought = 0
		p, err := b.policies.Buys(ctx, step, product)
		if err != nil || p == nil {
			return err
		}
		d, err := b.decide(ctx, step, p, find)
		if err != nil || len(d.missing) == 0 {
			return err
		}
		bought = len(d.missing)
		return b.place(ctx, step, d)
	})
	if err != nil {
		return 0, err
	}
	return bought, nil
}

// buying is what one order of a policy is decided from.
type buying struct {
	policy  *policy.Buying
	terms   Terms
	missing []Missing
	count   policy.Count // of the billing period so far
	// purchased says that the account has bought something before.
	purchased bool
	// found has what the order names.
	found map[table.Key]table.Item
}

// fixedOperations is how many operations the commit of an order takes beside those of each seat:
// confirmation, three counts, the count of the billing period, order, number, audit, the first
// purchase, and what the policy depends on. seatOperations are those of a seat: the license, its entry
// in the pool, and that it is missing.
const (
	fixedOperations = 9 + policy.MostChecks
	seatOperations  = 3
)

// decide reads the count of the billing period before it looks for what is missing: an order that is
// placed meanwhile is either seen there or refuses the commit.
func (b *Buyer) decide(ctx context.Context, c *call.Call, p *policy.Buying, find Find) (buying, error) {
	d := buying{policy: p}
	terms, err := pricing(b.products, p.Account)
	if err != nil {
		return d, err
	}
	d.terms = terms
	d.terms.HasCostCenter = func(code string) bool { return code == p.AutoPurchase.CostCenter } // as Buys has read
	purchased := account.PurchasedKey(c.Account)
	of, found, err := policy.Counts(
		ctx, c, terms.Days, []string{p.ProductID}, purchased, license.HolderKey(c.Account, p.AcknowledgedBy),
		license.CostCenterKey(c.Account, p.AutoPurchase.CostCenter),
	)
	if err != nil {
		return d, err
	}
	d.found = found
	d.count = of[0]
	_, d.purchased = found[purchased]
	most := (c.Spare() - fixedOperations) / seatOperations
	room := p.AutoPurchase.Room(p.Price, d.count.Seats, d.count.Amount)
	if most = int(min(int64(most), room)); most <= 0 {
		return d, nil
	}
	d.missing, err = find(ctx, p.AutoPurchase.CostCenter, most)
	return d, err
}

// Room is how many seats of a product a policy would buy now; bids is false where none does.
func (b *Buyer) Room(ctx context.Context, c *call.Call, product string) (room int64, bids bool, err error) {
	room, costCenter, err := b.RoomOf(ctx, c, product)
	return room, costCenter != "", err
}

// RoomOf is Room, and for which cost center the policy buys, which is empty where none does.
func (b *Buyer) RoomOf(ctx context.Context, c *call.Call, product string) (room int64, costCenter string, err error) {
	p, err := b.policies.Buys(ctx, c, product)
	if err != nil || p == nil {
		return 0, "", err
	}
	days, err := p.Account.Calendar()
	if err != nil {
		return 0, "", err
	}
	of, _, err := policy.Counts(ctx, c, days, []string{product})
	if err != nil {
		return 0, "", err
	}
	return p.AutoPurchase.Room(p.Price, of[0].Seats, of[0].Amount), p.AutoPurchase.CostCenter, nil
}

// Reached is a policy whose maximum of a billing period is reached.
type Reached struct {
	ProductID string
	policy.Count
}

// Reached lists those of the account's policies that are to buy and have no room left for a seat in
// the present billing period. It takes two reads, however many they are.
func (b *Buyer) Reached(ctx context.Context, c *call.Call, policies []policy.Policy) ([]Reached, error) {
	a, _, err := account.Load(ctx, c)
	if err != nil {
		return nil, err
	}
	terms, err := pricing(b.products, a)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(policies))
	for i, p := range policies {
		ids[i] = p.ProductID
	}
	counts, _, err := policy.Counts(ctx, c, terms.Days, ids)
	if err != nil {
		return nil, err
	}
	var full []Reached
	for i, p := range policies {
		price, err := b.products.Price(p.ProductID, a.Currency)
		if err != nil {
			return nil, err
		}
		if p.AutoPurchase.Room(price, counts[i].Seats, counts[i].Amount) == 0 {
			full = append(full, Reached{p.ProductID, counts[i]})
		}
	}
	return full, nil
}

// place commits the order.
func (b *Buyer) place(ctx context.Context, c *call.Call, d buying) error {
	c.Because(d.missing[0].Cause)
	p := d.policy
	line := CartLine{
		ID: "1", ProductID: p.ProductID, Quantity: len(d.missing), CostCenter: p.AutoPurchase.CostCenter,
	}
	charges, err := makeQuote(d.terms, []CartLine{line}, c.At)
	if err != nil {
		return err
	}
	order := placeOrder(c.Env.IDs.Ordered(), orderNumber(c.Env.IDs.Random()), charges, p.AcknowledgedBy, c.At)
	order.Acknowledgement = PolicyAcknowledgementText
	order.Policy = &OrderPolicy{
		ProductID: p.ProductID, AcknowledgedBy: p.AcknowledgedBy, AcknowledgedPrice: p.AutoPurchase.AcknowledgedPrice,
	}
	for _, m := range d.missing {
		order.Policy.For = append(order.Policy.For, m.BoughtFor)
	}
	if err := order.name(p.Account, d.found); err != nil {
		return err
	}
	effects, err := d.effects(c, order)
	if err != nil {
		return err
	}
	order, put, audit, err := placed(c, order, table.IfAbsent)
	if err != nil {
		return err
	}
	return b.kernel.Add(ctx, c, license.Delivery{
		OrderID: order.ID, Lots: lots(order), Confirm: append(effects, put, audit),
	})
}

// effects count what is bought, name the order, and demand what it rests on.
func (d buying) effects(c *call.Call, o Order) ([]table.Operation, error) {
	grown, err := d.count.Grown(c, len(d.missing), d.policy.Price)
	if err != nil {
		return nil, err
	}
	named, err := numbered(c.Account, o)
	if err != nil {
		return nil, err
	}
	effects := append(slices.Clone(d.policy.Checks), grown, named)
	for _, m := range d.missing {
		effects = append(effects, m.Lacks)
	}
	if !d.purchased {
		effects = append(effects, account.Purchased(c.Account))
	}
	return effects, nil
}
