package pages

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

// meteredUse is a metered product that somebody holds now.
type meteredUse struct {
	name   string
	id     string
	used   int64
	price  client.Money
	amount client.Money
}

// estimate is what a month of metered products costs if as many stay in use as are now. The API
// charges nothing by it: what a period costs is decided by its use.
type estimate struct {
	uses []meteredUse
	// total is their sum; without a currency where the reader may not see prices.
	total client.Money
}

func (e estimate) priced() bool { return len(e.uses) > 0 && e.total.Currency != "" }

// money is an amount of the estimate, or a dash where there are no prices.
func (e estimate) money(f *view.Format, m client.Money) string {
	if !e.priced() {
		return "–"
	}
	return f.Money(m)
}

// estimateOf counts the metered products in use, and what they cost by the catalog.
func estimateOf(summary []client.ProductSummary, catalog []client.CatalogItem) estimate {
	var e estimate
	for _, p := range summary {
		if p.Kind != kindMetered || p.Assigned == 0 {
			continue
		}
		use := meteredUse{name: p.Name, id: p.ProductID, used: p.Assigned}
		i := slices.IndexFunc(catalog, func(one client.CatalogItem) bool { return one.ID == p.ProductID })
		if i >= 0 {
			use.price = catalog[i].UnitPrice
			use.amount = client.Money{Amount: use.price.Amount * p.Assigned, Currency: use.price.Currency}
			e.total.Currency = use.price.Currency
			e.total.Amount += use.amount.Amount
		}
		e.uses = append(e.uses, use)
	}
	return e
}

// meteredCalls read what an estimate is made of, where the reader may see it.
type meteredCalls struct {
	summary client.Answer[client.ProductSummaryPage]
	catalog client.Answer[client.CatalogItemPage]
}

func (m *meteredCalls) calls(c *web.Context) []func(context.Context) error {
	return []func(context.Context) error{
		client.IfAllowed(client.Into(&m.summary, c.API.SummarizeLicenses)), metered(c, &m.catalog),
	}
}

func (m *meteredCalls) estimate(c *web.Context, more ...func(context.Context) error) (estimate, error) {
	if err := inCurrency(c, &m.catalog, more...); err != nil {
		return estimate{}, err
	}
	return estimateOf(m.summary.Body.Items, m.catalog.Body.Items), nil
}

// inCurrency reads metered products again where the catalog's first currency is not the account's.
func inCurrency(
	c *web.Context, into *client.Answer[client.CatalogItemPage], more ...func(context.Context) error,
) error {
	info, there := c.AccountInfo()
	if there && !pricedIn(into.Body.Items, info.Currency) {
		more = append(more, client.IfAllowed(client.Into(into,
			func(ctx context.Context) (client.Answer[client.CatalogItemPage], error) {
				return c.API.ListCatalog(
					ctx, client.ListCatalogQuery{Kind: kindMetered, Limit: mostNames, Currency: info.Currency},
				)
			},
		)))
	}
	if len(more) == 0 {
		return nil
	}
	return c.Load(more...)
}

// prices are what metered products cost a month, by product.
type prices map[string]client.Money

func pricesOf(catalog []client.CatalogItem) prices {
	p := prices{}
	for _, one := range catalog {
		p[one.ID] = one.UnitPrice
	}
	return p
}

// sum is what these products cost together, each counted once: who holds one by two roles holds one.
func (p prices) sum(products []string) client.Money {
	var total client.Money
	for _, id := range slices.Compact(slices.Sorted(slices.Values(products))) {
		if price, known := p[id]; known {
			total.Amount += price.Amount
			total.Currency = price.Currency
		}
	}
	return total
}

// adds is what a choice of these products does to the charge, for the script that adds up.
func (p prices) adds(products []string) string {
	var all []string
	for _, id := range products {
		if price, known := p[id]; known {
			all = append(all, id+":"+strconv.FormatInt(price.Amount, 10))
		}
	}
	return strings.Join(all, " ")
}

// says is what a choice of these products costs, beside it; empty if nothing. For a role it is for each
// person who has it, which the sum below its choices says.
func (p prices) says(f *view.Format, products []string) string {
	if sum := p.sum(products); sum.Amount > 0 {
		return "+" + f.Money(sum) + " a month"
	}
	return ""
}

// total is what the form as it stands costs a month for each person.
func (p prices) total(f *view.Format, products []string) string {
	sum := p.sum(products)
	sum.Currency = p.currency()
	return f.Money(sum)
}

func (p prices) currency() string {
	for _, price := range p {
		return price.Currency
	}
	return ""
}

// withPrices puts the price beside each of the choices.
func withPrices(f *view.Format, groups []choices, p prices) []choices {
	for _, g := range groups {
		for i := range g.options {
			o := &g.options[i]
			o.Adds = p.adds([]string{o.Value})
			o.Note = joined(p.says(f, []string{o.Value}), o.Note)
		}
	}
	return groups
}

func joined(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "; ")
}
