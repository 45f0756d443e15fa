package policy

import (
	"fmt"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/money"
	"seatwise/shared/platform/problem"
)

// mostAmount is the largest maximum in minor units: no sum of what is bought below it overflows.
const mostAmount = 1_000_000_000_000

// buys says whether missing seats are to be bought.
func (r Rules) buys() bool { return r.AutoPurchase != nil && r.AutoPurchase.Enabled }

// same says whether rules are as they were.
func (r Rules) same(other Rules) bool {
	return equal(r.LowSeats, other.LowSeats) && equal(r.IdleDays, other.IdleDays) &&
		r.AutoPurchase.same(other.AutoPurchase)
}

func (a *AutoPurchase) same(other *AutoPurchase) bool {
	if a == nil || other == nil {
		return a == other
	}
	return a.Enabled == other.Enabled && a.CostCenter == other.CostCenter &&
		a.AcknowledgedPrice == other.AcknowledgedPrice &&
		equal(a.MaxSeats, other.MaxSeats) && equal(a.MaxAmount, other.MaxAmount)
}

func equal[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// check says what is wrong with rules. What is as it was is not judged (requirements, section 6).
// Prices are in a currency; hasCostCenter says of the cost center of the rules whether it is there.
func check(p catalog.Product, rules, was Rules, currency string, hasCostCenter bool) []problem.Field {
	var fields []problem.Field
	if rules.LowSeats != nil && !equal(rules.LowSeats, was.LowSeats) && !p.Purchasable() {
		fields = append(fields, problem.Fault("lowSeats", problem.NotApplicable, "is not for metered products"))
	}
	if rules.AutoPurchase == nil || rules.AutoPurchase.same(was.AutoPurchase) {
		return fields
	}
	if !p.Purchasable() {
		return append(fields, problem.Fault("autoPurchase", problem.NotApplicable, "is not for metered products"))
	}
	return append(fields, rules.AutoPurchase.check(currency, hasCostCenter)...)
}

// check says what is wrong with it. A price that is not today's is no fault: it acknowledges nothing.
func (a *AutoPurchase) check(currency string, hasCostCenter bool) []problem.Field {
	var fields []problem.Field
	add := func(field string, code problem.Code, format string, args ...any) {
		fields = append(fields, problem.Fault("autoPurchase"+field, code, format, args...))
	}
	if a.MaxSeats == nil && a.MaxAmount == nil {
		add("", problem.Required, "must have maxSeats or maxAmount")
	}
	if most := a.MaxAmount; most != nil {
		if most.Minor < 1 || most.Minor > mostAmount {
			add(".maxAmount.amount", problem.OutOfRange, "must be 1 to %d", int64(mostAmount))
		}
		if most.Currency != currency {
			add(".maxAmount.currency", problem.Mismatch, "must be the account's currency")
		}
	}
	switch {
	case a.CostCenter == "":
		add(".costCenter", problem.Required, "must be chosen")
	case !hasCostCenter:
		add(".costCenter", problem.UnknownID, "is no cost center of the account")
	}
	if !money.IsCurrency(a.AcknowledgedPrice.Currency) {
		add(".acknowledgedPrice", problem.Required, "must be the price of a seat a month, as the catalog has it")
	}
	return fields
}

// standing is what decides whether a policy that is enabled buys.
type standing struct {
	price         money.Amount // of the catalog
	hasCostCenter bool
	// deactivated and allowed are how who acknowledged stands in the directory.
	deactivated, allowed bool
}

// suspension is why a policy buys nothing; nil when it does, or is to buy nothing (requirements,
// section 12).
//
// Who acknowledged has lost the permission when the directory gave it to them and does so no more.
// Whose token carried it and whom the directory did not give it to, has it until they are
// deactivated; an operator is of another account's directory, and keeps it.
func (p stored) suspension(now standing) *Suspension {
	switch {
	case !p.buys():
		return nil
	case p.AutoPurchase.AcknowledgedPrice != now.price:
		return &Suspension{PriceChanged, fmt.Sprintf(
			"A seat costs %s a month, and %s was acknowledged.", now.price, p.AutoPurchase.AcknowledgedPrice)}
	case p.ByOperator:
	case now.deactivated, p.ByDirectory && !now.allowed:
		return &Suspension{
			PermissionLost, fmt.Sprintf("%s acknowledged the price and may not buy any more.", p.AcknowledgedBy),
		}
	}
	if !now.hasCostCenter {
		return &Suspension{
			CostCenterGone, fmt.Sprintf("There is no cost center %s any more.", p.AutoPurchase.CostCenter),
		}
	}
	return nil
}

// Room is how many seats more may be bought in a billing period in which seats and amount were
// bought, at a price.
func (a AutoPurchase) Room(price money.Amount, seats, amount int64) int64 {
	room := int64(mostAmount)
	if a.MaxSeats != nil {
		room = min(room, *a.MaxSeats-seats)
	}
	if a.MaxAmount != nil && price.Minor > 0 {
		room = min(room, (a.MaxAmount.Minor-amount)/price.Minor)
	}
	return max(room, 0)
}
