// Package catalog is the product catalog (requirements, section 2): data, not code. catalog.yaml is
// checked whole and written to generated.go by `make catalog`, so a mistake in it stops the build
// with its line, and a start pays nothing for it. A new product is a new entry in catalog.yaml and
// needs no code change.
package catalog

import (
	"fmt"
	"iter"
	"slices"
	"sync"

	"seatwise/shared/craft/money"
)

// Kind says how a product is licensed (requirements, section 2).
type Kind string

// The kinds. Seats, bases and add-ons are bought, and assigning one takes a free license. A metered
// product is not bought: assigning makes the license, removing ends it, and their count is what the
// customer consumes.
const (
	Seat    Kind = "seat"
	Base    Kind = "base"
	AddOn   Kind = "addOn"
	Metered Kind = "metered"
)

// Purchasable reports whether products of this kind are bought; all others are metered.
func (k Kind) Purchasable() bool { return k == Seat || k == Base || k == AddOn }

// Group is a set of figures that products are counted in.
type Group string

// Users, Clients, Supervisor and Devices are the groups of the license metrics (requirements,
// section 8). Products of LiveReports make up the licenses bought in the usage summary and the
// license status report (requirements, section 7).
const (
	Users       Group = "users"
	Clients     Group = "clients"
	Supervisor  Group = "supervisor"
	Devices     Group = "devices"
	LiveReports Group = "liveReports"
)

// Ids of the products that a rule of the spec names: 5 (phone-system), 6 and 7 (live-reports,
// call-queue-booster) and 8 (agent-user, wallboard). Everything else about them, and every other
// product, is data.
const (
	LiveReportsID      = "live-reports"
	CallQueueBoosterID = "call-queue-booster"
	PhoneSystemID      = "phone-system"
	AgentUserID        = "agent-user"
	WallboardID        = "wallboard"
)

// A user holds at most one license of each product, and deactivating the user gives all of them
// back in one commit (requirements, section 6). Of its 100 operations it spends three on a license
// that was bought, two on a metered one, and at most five on the user. A test of package directory
// releases who holds as much as these limits allow.
const (
	// MaxPurchasable is the most products of the kinds seat, base and addOn that a catalog may
	// have.
	MaxPurchasable = 25
	// MaxMetered is the most metered products that one user can hold at once: a group of which a
	// user holds at most one counts once.
	MaxMetered = 8
)

// MaxUnitPrice is the largest price of one license a month, in minor units. Ten thousand of them
// for a month of 31 days are still far from what 64 bits hold.
const MaxUnitPrice = 100_000_000

// Count says which figure a product is counted in, and what the figure is called there. The zero
// Count is in none.
type Count struct {
	Group Group
	Label string
	// Means says what is counted, for people; it may be empty.
	Means string
}

// Product is one entry of the catalog. Its slices belong to the catalog: read them, never write to
// them.
type Product struct {
	ID       string
	Name     string
	Category string
	Kind     Kind
	// Description says what the product is for, in a sentence for who buys or assigns it; it may be
	// empty.
	Description string
	// Code is what mass configuration files call an add-on (requirements, section 5); empty for
	// every other kind.
	Code string
	// Base is the id of the base license that an add-on hangs on; empty for every other kind.
	Base string
	// Extension says that a license is tied to an extension as well as to a user.
	Extension bool
	// Requires lists ids of which the holder must hold at least one: the base of an add-on, Desktop
	// for CRM, Essential or Professional for Agent. Empty: nothing is required.
	Requires []string
	// Excludes lists ids that nobody may hold together with this: those that either of the two
	// excludes, and the rest of the OneOf group.
	Excludes []string
	// Includes lists ids of which the holder needs no license; CoveredBy is the same seen from the
	// other side.
	Includes, CoveredBy []string
	// OneOf names the group of which a user holds at most one; empty if there is none.
	OneOf string
	// Sources are where an assignment may come from, the default first; empty if that is not asked.
	Sources []string
	// Devices are the kinds of device that hold this, one each, up to the account's maximum; empty
	// if users hold it.
	Devices []string
	// CountsAs is the figure it is counted in.
	CountsAs Count

	// Prices has one price of a license a month for each currency of the catalog.
	Prices []money.Amount
	// OveragePrices are the same for somebody who needs a seat and has none; empty if that costs
	// nothing.
	OveragePrices []money.Amount
	// Earlier are the prices that counted before these, the oldest first.
	Earlier []EarlierPrices
}

// EarlierPrices are those that counted before a day.
type EarlierPrices struct {
	// Until is the first day on which they count no more, as YYYY-MM-DD.
	Until                 string
	Prices, OveragePrices []money.Amount
}

// OveragePrice is what a month costs of somebody who needs a seat and has none; false if that costs
// nothing.
func (p Product) OveragePrice(currency string) (money.Amount, bool) {
	return priceIn(p.OveragePrices, currency)
}

// UnitPriceOn is the price of one license a month on a day, as YYYY-MM-DD; false if there is none
// in the currency.
func (p Product) UnitPriceOn(day, currency string) (money.Amount, bool) {
	prices, _ := p.pricesOn(day)
	return priceIn(prices, currency)
}

// OveragePriceOn is what a month costs, on a day, of somebody who needs a seat and has none; false
// if that costs nothing.
func (p Product) OveragePriceOn(day, currency string) (money.Amount, bool) {
	_, prices := p.pricesOn(day)
	return priceIn(prices, currency)
}

func (p Product) pricesOn(day string) (unit, overage []money.Amount) {
	for _, e := range p.Earlier {
		if day < e.Until {
			return e.Prices, e.OveragePrices
		}
	}
	return p.Prices, p.OveragePrices
}

func priceIn(prices []money.Amount, currency string) (money.Amount, bool) {
	for _, price := range prices {
		if price.Currency == currency {
			return price, true
		}
	}
	return money.Amount{}, false
}

// Purchasable reports whether licenses of p are bought.
func (p Product) Purchasable() bool { return p.Kind.Purchasable() }

// UnitPrice is the price of one license a month in a currency; false if the catalog has no prices
// in that currency.
func (p Product) UnitPrice(currency string) (money.Amount, bool) {
	return priceIn(p.Prices, currency)
}

// Catalog is a checked catalog. It never changes, so any number of goroutines may use it.
type Catalog struct {
	definition Definition
	byID       map[string]int
	byCode     map[string]int
}

// Definition is what a catalog is made of, checked: the generator writes one, and catalogfile reads
// one.
type Definition struct {
	Version    string
	Currencies []string
	Categories []string
	Products   []Product
}

// New indexes a definition. It does not check it: package catalogfile does, before a build.
func New(d Definition) *Catalog {
	c := &Catalog{definition: d, byID: make(map[string]int, len(d.Products)), byCode: map[string]int{}}
	for i, p := range d.Products {
		c.byID[p.ID] = i
		if p.Code != "" {
			c.byCode[p.Code] = i
		}
	}
	return c
}

var shipped = sync.OnceValue(func() *Catalog { return New(definition) })

// Default is the catalog of this build, made once a process.
func Default() *Catalog { return shipped() }

// Version names this state of the catalog: another text is another version, so that a quote can
// tell that the catalog changed (requirements, section 3.4).
func (c *Catalog) Version() string { return c.definition.Version }

// Currencies lists the currencies that every product is priced in, the provider's own first; an
// account chooses one of them.
func (c *Catalog) Currencies() []string { return slices.Clone(c.definition.Currencies) }

// HasCurrency reports whether an account may be billed in a currency.
func (c *Catalog) HasCurrency(code string) bool {
	return slices.Contains(c.definition.Currencies, code)
}

// Categories lists the categories in the file's order.
func (c *Catalog) Categories() []string { return slices.Clone(c.definition.Categories) }

// Products lists every product in the file's order.
func (c *Catalog) Products() []Product { return slices.Clone(c.definition.Products) }

// All goes through the products in file order, without a copy of the list.
func (c *Catalog) All() iter.Seq[Product] { return slices.Values(c.definition.Products) }

// Lookup finds a product by its id.
func (c *Catalog) Lookup(id string) (Product, bool) {
	i, ok := c.byID[id]
	if !ok {
		return Product{}, false
	}
	return c.definition.Products[i], true
}

// Name is what people call a product; of one that the catalog does not have (any more), its id.
func (c *Catalog) Name(id string) string {
	if p, ok := c.Lookup(id); ok {
		return p.Name
	}
	return id
}

// ByCode finds an add-on by the code that mass configuration files use, exactly as written.
func (c *Catalog) ByCode(code string) (Product, bool) {
	i, ok := c.byCode[code]
	if !ok {
		return Product{}, false
	}
	return c.definition.Products[i], true
}

// Select lists the products of a category and a kind in the file's order; an empty argument selects
// all.
func (c *Catalog) Select(category string, kind Kind) []Product {
	return c.filter(func(p Product) bool {
		return (category == "" || p.Category == category) && (kind == "" || p.Kind == kind)
	})
}

// Purchasable lists the products that are bought, in the file's order: at most MaxPurchasable.
func (c *Catalog) Purchasable() []Product { return c.filter(Product.Purchasable) }

// AddOns lists the add-ons of a base license in the file's order.
func (c *Catalog) AddOns(base string) []Product {
	return c.filter(func(p Product) bool { return p.Kind == AddOn && p.Base == base })
}

// Counted lists the products that are counted in a group, in the file's order.
func (c *Catalog) Counted(in Group) []Product {
	return c.filter(func(p Product) bool { return p.CountsAs.Group == in })
}

// Price is the price of one license of a product a month. It fails if there is no such product, or
// no price in the currency.
func (c *Catalog) Price(productID, currency string) (money.Amount, error) {
	p, ok := c.Lookup(productID)
	if !ok {
		return money.Amount{}, fmt.Errorf("catalog: no product %q", productID)
	}
	price, ok := p.UnitPrice(currency)
	if !ok {
		return money.Amount{}, fmt.Errorf("catalog: no price of %q in %q", productID, currency)
	}
	return price, nil
}

func (c *Catalog) filter(keep func(Product) bool) []Product {
	var out []Product
	for _, p := range c.definition.Products {
		if keep(p) {
			out = append(out, p)
		}
	}
	return out
}
