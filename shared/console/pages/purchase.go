package pages

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

var _ = add(web.Page{
	Name: "Purchase", Path: "purchase", Order: 20, Needs: []auth.Permission{auth.BillingPurchase},
	Routes: []web.Route{{
		Path:   "purchase",
		Show:   showPurchase,
		Send:   sendPurchase,
		Submit: "Add to Cart",
		Fields: web.Fields("quantity", "Quantity"),
	}},
})

// Kinds of products, as the API names them.
const kindBase, kindMetered = "base", "metered"

// shop is what can be bought, and what there is of it.
type shop struct {
	categories []string
	// category is the one that is shown; empty for all.
	category string
	groups   []shelf
	// metered are products that are not bought: what is used of them is charged.
	metered []offer
	empty   bool
	// pressed is the product whose button was pressed and refused; empty for none.
	pressed string
}

// shelf is a heading, and the products under it.
type shelf struct {
	name   string
	offers []offer
}

// offer is a product with what the account has of it, and what is typed into its tile.
type offer struct {
	client.CatalogItem
	have     *client.ProductSummary
	quantity string
	// fault is what was wrong with the quantity, if its button was pressed.
	fault string
	first bool
}

// perMonth is what one license costs.
func (o offer) perMonth(f *view.Format) string { return f.Money(o.UnitPrice) }

// has says how many licenses of the product the account has.
func (o offer) has(f *view.Format) string {
	switch {
	case o.have == nil:
		return ""
	case o.Kind == kindMetered:
		return f.Number(o.have.Assigned)
	case o.have.Bought == 0:
		return "You have none yet."
	}
	return "You have " + f.Number(o.have.Bought) + ", " + f.Number(o.have.Available) + " of them free."
}

// waits says how many people wait for one; empty if nobody does.
func (o offer) waits(f *view.Format) string {
	if o.have == nil || o.have.Waiting == 0 {
		return ""
	}
	return f.Count(o.have.Waiting, "person waits", "people wait") + " for one."
}

// untyped is what a quantity shows before anything is typed.
const untyped = "1"

// quantityField is the name of a product's quantity: one form has all tiles, so that what is typed
// into the others is kept when one is put into the cart.
func quantityField(product string) string { return "quantity-" + product }

func showPurchase(c *web.Context, f *view.Form) error {
	var catalog client.Answer[client.CatalogItemPage]
	var summary client.Answer[client.ProductSummaryPage]
	list := func(currency string) func(context.Context) error {
		return client.Into(&catalog, func(ctx context.Context) (client.Answer[client.CatalogItemPage], error) {
			return c.API.ListCatalog(ctx, client.ListCatalogQuery{Limit: mostChoices, Currency: currency})
		})
	}
	err := c.Load(
		client.IfAllowed(list("")),
		client.IfAllowed(client.Into(&summary, c.API.SummarizeLicenses)),
	)
	if err != nil {
		return err
	}
	// The catalog has prices in several currencies, and the account's is known by now.
	if info, there := c.AccountInfo(); there && !pricedIn(catalog.Body.Items, info.Currency) {
		if err := c.Load(client.IfAllowed(list(info.Currency))); err != nil {
			return err
		}
	}
	return c.Show("Purchase", purchasePage(c, f, makeShop(c, f, catalog.Body.Items, summary.Body.Items)))
}

func pricedIn(items []client.CatalogItem, currency string) bool {
	return len(items) == 0 || items[0].UnitPrice.Currency == currency
}

func makeShop(c *web.Context, f *view.Form, items []client.CatalogItem, summary []client.ProductSummary) shop {
	s := shop{category: f.Default("category", c.Query().Get("category")), empty: len(items) == 0}
	wanted := c.Query().Get("product")
	_, s.pressed = cut(f.Get("do"), ":")
	names := map[string]string{}
	for _, p := range items {
		names[p.ID] = p.Name
		if p.Kind != kindMetered && !slices.Contains(s.categories, p.Category) {
			s.categories = append(s.categories, p.Category)
		}
	}
	if !slices.Contains(s.categories, s.category) {
		s.category = ""
	}
	for _, p := range items {
		o := offer{CatalogItem: p, quantity: f.Default(quantityField(p.ID), askedFor(c.Query(), p.ID))}
		if i := slices.IndexFunc(
			summary,
			func(one client.ProductSummary) bool { return one.ProductID == p.ID },
		); i >= 0 {
			o.have = &summary[i]
		}
		o.first = p.ID == s.pressed || s.pressed == "" && p.ID == wanted
		if p.ID == s.pressed {
			o.fault = f.FaultOf("quantity")
		}
		switch {
		case p.Kind == kindMetered && s.category == "":
			s.metered = append(s.metered, o)
		case p.Kind != kindMetered && (s.category == "" || s.category == p.Category):
			s.put(shelfOf(p, names), o)
		}
	}
	return s
}

// askedFor is the quantity that a link asks for: of the product that it names, or of any.
func askedFor(q url.Values, product string) string {
	if q.Get("product") == product && q.Get("quantity") != "" {
		return q.Get("quantity")
	}
	if typed := q.Get(quantityField(product)); typed != "" {
		return typed
	}
	return untyped
}

// typedFor are the products whose quantity was typed.
func typedFor(f *view.Form) []string {
	var ids []string
	for name := range f.Values {
		if id, is := strings.CutPrefix(name, quantityField("")); is && strings.TrimSpace(f.Get(name)) != untyped {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// withTyped is a page of the shop with what was typed for other products than the one that was put
// into the cart.
func withTyped(page string, f *view.Form, done string) string {
	q := url.Values{}
	for _, id := range typedFor(f) {
		if typed := strings.TrimSpace(f.Get(quantityField(id))); id != done && typed != "" {
			q.Set(quantityField(id), typed)
		}
	}
	switch {
	case len(q) == 0:
		return page
	case strings.Contains(page, "?"):
		return page + "&" + q.Encode()
	}
	return page + "?" + q.Encode()
}

// shelfOf is the heading under which a product stands: add-ons by what they hang on.
func shelfOf(p client.CatalogItem, names map[string]string) string {
	if p.Base != "" {
		return "Add-ons of " + names[p.Base]
	}
	return p.Category
}

func (s *shop) put(name string, o offer) {
	i := slices.IndexFunc(s.groups, func(one shelf) bool { return one.name == name })
	if i < 0 {
		i = len(s.groups)
		s.groups = append(s.groups, shelf{name: name})
	}
	s.groups[i].offers = append(s.groups[i].offers, o)
}

func sendPurchase(c *web.Context, f *view.Form) error {
	do, product := cut(f.Get("do"), ":")
	if do == "typed" { // Enter in a field, which presses no button of a tile
		ids := typedFor(f)
		if len(ids) != 1 {
			e := client.As(web.Wrong("", ""))
			e.Title, e.Errors = "Press Add to Cart beside the product that you want", nil
			return e
		}
		product = ids[0]
		f.Values.Set("do", "add:"+product)
	}
	quantity, err := wholeNumber(f.Get(quantityField(product)))
	if err != nil {
		return web.Wrong("quantity", "must be a whole number, such as 5")
	}
	if do == "buy" {
		if quantity < 1 || quantity > mostBought {
			return web.Wrong("quantity", "must be 1 to 10000")
		}
		return c.GoTo(buyNowLink(c, product, strconv.FormatInt(quantity, 10)))
	}
	cart, err := c.API.AddCartLine(
		c.R.Context(),
		client.AddCartLineRequest{ProductID: product, Quantity: quantity},
		c.LookOf(f, "line"),
	)
	if err != nil {
		return full(err)
	}
	if same := undecided(cart.Body.Lines, product); len(same) > 1 {
		// One line of a product until its licenses are divided among cost centers.
		merged, err := c.API.MergeCartLines(
			c.R.Context(),
			client.MergeCartLinesRequest{LineIDs: &same},
			c.LookOf(f, "merge"),
		)
		if err == nil {
			cart = merged
		}
	}
	name := product
	for _, line := range cart.Body.Lines {
		if line.ProductID == product && line.Name != "" {
			name = line.Name
		}
	}
	said := web.Good(c.Format().Number(quantity) + " " + name + " put into the cart.")
	said.Href, said.Link = c.Link("cart"), "Check Out"
	return c.Done(withTyped(c.Back(f, c.Link("purchase")), f, product), said)
}

// full says of a cart that takes no more what can be done.
func full(err error) error {
	e := client.As(err)
	if e != nil && slices.ContainsFunc(e.Errors, func(one client.FieldError) bool { return one.Field == "lines" }) {
		e.Title, e.Detail = "The cart is full", "Check out what is in it first, then go on with another order."
	}
	return err
}

// undecided are the lines of a product that have no cost center yet.
func undecided(lines []client.CartViewLine, product string) []string {
	var ids []string
	for _, line := range lines {
		if line.ProductID == product && line.CostCenter == "" {
			ids = append(ids, line.ID)
		}
	}
	return ids
}

// wholeNumber reads what a person typed for a count: digits, and marks that group them.
func wholeNumber(typed string) (int64, error) {
	plain := strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", ",", "", "'", "").
		Replace(strings.TrimSpace(typed))
	return strconv.ParseInt(plain, 10, 64)
}
