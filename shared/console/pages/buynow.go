package pages

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

// mostBought is how many licenses a line may be of.
const mostBought = 10_000

// buyNowRoute is the checkout of one product, beside the cart.
var buyNowRoute = web.Route{
	Path: "cart/now", Show: showBuyNow, Send: sendBuyNow, Submit: "Next",
	Fields: web.Fields("quantity", "Quantity", "costCenter", "Cost Center"),
}

// splitNowRoute is the same for several cost centers.
var splitNowRoute = web.Route{
	Path: "cart/now/split", Show: showSplitNow, Send: sendSplitNow, Submit: "Next",
	Fields: web.Fields("quantity", "Quantity", "costCenter", "Cost Center"),
}

// buyingNow is a purchase of one product that leaves the cart alone.
type buyingNow struct {
	product  client.CatalogItem
	centers  centerList
	quantity string
}

func showBuyNow(c *web.Context, f *view.Form) error {
	var n nameCalls
	if err := c.Load(n.calls(c)...); err != nil {
		return err
	}
	v := buyingNow{product: n.item(f.Default("product", c.Query().Get("product"))), centers: centersOf(n.centers)}
	v.quantity = f.Default("quantity", c.Query().Get("quantity"))
	if v.quantity == "" {
		v.quantity = untyped
	}
	return c.Show("Buy now", buyNowPage(c, f, v))
}

// chosenCenter is the cost center that the form shows: what was chosen or just made, or the only one.
func (v buyingNow) chosenCenter(c *web.Context, f *view.Form) string {
	q := c.Query()
	if chosen := f.Default("costCenter", cmp.Or(q.Get(madeName), q.Get("costCenter"))); chosen != "" {
		return chosen
	}
	return v.centers.only()
}

func sendBuyNow(c *web.Context, f *view.Form) error {
	product := trimmed(f, "product")
	if f.Get("do") == "new" {
		return c.GoTo(newCenterFrom(c, buyNowLink(c, product, f.Get("quantity"))+
			"&costCenter="+queryEscape(trimmed(f, "costCenter"))+onTheWayBack(c, f, "&")))
	}
	quantity, err := wholeNumber(f.Get("quantity"))
	if err != nil {
		return web.Wrong("quantity", "must be a whole number, such as 5")
	}
	switch f.Get("do") {
	case "split":
		if quantity < 2 || quantity > mostBought {
			return web.Wrong("quantity", "must be 2 to 10000 to be split")
		}
		center := queryEscape(trimmed(f, "costCenter"))
		return c.GoTo(splitNowLink(c, product, f.Get("quantity")) + "&first=" + center + onTheWayBack(c, f, "&"))
	case "cart":
		line := client.AddCartLineRequest{ProductID: product, Quantity: quantity}
		if center := trimmed(f, "costCenter"); center != "" {
			line.CostCenter = &center
		}
		if _, err := c.API.AddCartLine(c.R.Context(), line, c.LookOf(f, "line")); err != nil {
			return full(err)
		}
		return c.GoTo(c.Link("cart"))
	}
	if trimmed(f, "costCenter") == "" {
		return web.Wrong("costCenter", "choose the cost center that pays for it")
	}
	lines := []client.QuoteLineInput{{ProductID: product, Quantity: quantity, CostCenter: trimmed(f, "costCenter")}}
	quote, err := quoteOf(c, f, lines)
	if err != nil {
		return err
	}
	return c.GoTo(c.Link("cart", "review", quote.Body.ID) + onTheWayBack(c, f, "?"))
}

// showSplitNow divides what is bought now as a line of the cart is divided.
func showSplitNow(c *web.Context, f *view.Form) error {
	var n nameCalls
	if err := c.Load(n.calls(c)...); err != nil {
		return err
	}
	q := c.Query()
	product := n.item(f.Default("product", q.Get("product")))
	whole, err := wholeNumber(f.Default("whole", q.Get("whole")))
	if err != nil || whole < 2 || whole > mostBought {
		return c.NotFound("There is nothing to split. Buy the product again, and say how many.")
	}
	d := division{
		line: client.CartViewLine{Quantity: whole, ProductID: product.ID, CostCenter: q.Get("first")},
		name: product.Name, centers: centersOf(n.centers),
	}
	d.typed(f, q)
	return c.Show("Split "+d.name, splitNowPage(c, f, d))
}

func sendSplitNow(c *web.Context, f *view.Form) error {
	whole, err := wholeNumber(f.Get("whole"))
	if err != nil {
		return web.Wrong("parts", "cannot be read; open the page again")
	}
	product := trimmed(f, "product")
	q := url.Values{"quantity": f.Values["quantity"], "costCenter": f.Values["costCenter"]}
	here := splitNowLink(c, product, f.Get("whole")) + onTheWayBack(c, f, "&") + "&"
	switch f.Get("do") {
	case "part":
		q["quantity"], q["costCenter"] = append(q["quantity"], ""), append(q["costCenter"], "")
		return c.GoTo(here + q.Encode())
	case "new":
		return c.GoTo(newCenterFrom(c, here+q.Encode()))
	}
	parts, places, err := typedParts(f, whole)
	if err != nil {
		return err
	}
	var lines []client.QuoteLineInput
	for _, p := range parts {
		lines = append(lines, client.QuoteLineInput{ProductID: product, Quantity: p.Quantity, CostCenter: p.CostCenter})
	}
	quote, err := quoteOf(c, f, lines)
	if err != nil {
		if e := client.As(err); e != nil {
			for i := range e.Errors {
				e.Errors[i].Field = places.of(strings.Replace(e.Errors[i].Field, "lines[", "parts[", 1))
			}
		}
		return err
	}
	return c.GoTo(c.Link("cart", "review", quote.Body.ID) + onTheWayBack(c, f, "?"))
}

// splitNowLink is where a number of licenses is divided among cost centers and bought.
func splitNowLink(c *web.Context, product, whole string) string {
	return c.Link("cart", "now", "split") + "?product=" + queryEscape(product) + "&whole=" + queryEscape(whole)
}

// onTheWayBack is the part of an address that leads back, once it is bought, to what it is bought for;
// empty where it is bought for nothing in particular.
func onTheWayBack(c *web.Context, f *view.Form, begin string) string {
	if back := c.Back(f, ""); back != "" {
		return begin + "back=" + queryEscape(back)
	}
	return ""
}

// buyFor is the checkout of some licenses that are bought for what another page does.
func buyFor(c *web.Context, product string, n int64, back string) string {
	if !c.May(auth.BillingPurchase) {
		return ""
	}
	return buyNowLink(c, product, strconv.FormatInt(n, 10)) + "&back=" + queryEscape(back)
}

// quoteOf has some lines priced, and the cart where there are none. The faults of one line are named as the
// fields of its form.
func quoteOf(c *web.Context, f *view.Form, lines []client.QuoteLineInput) (client.Answer[client.Quote], error) {
	body := client.CreateQuoteRequest{}
	if len(lines) > 0 {
		body.Lines = &lines
	}
	quote, err := quoteAsNow(c, f, body)
	if e := client.As(err); e != nil && len(lines) == 1 {
		for i := range e.Errors {
			_, e.Errors[i].Field = cut(e.Errors[i].Field, ".")
		}
	}
	return quote, err
}

// quoteAsNow is the one quote of a form, of what it sends, and of the cart as it is now where it sends no lines.
// One that has run out meanwhile is made again.
func quoteAsNow(c *web.Context, f *view.Form, body client.CreateQuoteRequest) (client.Answer[client.Quote], error) {
	var quote client.Answer[client.Quote]
	var from []string
	if body.Lines == nil {
		cart, err := c.API.GetCart(c.R.Context())
		if err != nil {
			return quote, err
		}
		from = append(from, cart.ETag)
	}
	for {
		var err error
		quote, err = c.API.CreateQuote(c.R.Context(), body, c.LookOf(f, "quote", from...))
		if err != nil || !quote.Replayed || c.Now().Before(quote.Body.ExpiresAt) {
			return quote, err
		}
		from = append(from, quote.Body.ID)
	}
}

// quotedLines are the lines of a quote that was not made of the cart, to be priced again.
func quotedLines(q client.Quote) []client.QuoteLineInput {
	if q.Basis.Cart != "" {
		return nil
	}
	var lines []client.QuoteLineInput
	for _, l := range q.Lines {
		line := client.QuoteLineInput{ProductID: l.ProductID, Quantity: l.Quantity, CostCenter: l.CostCenter}
		lines = append(lines, line)
	}
	return lines
}

// beforeReview leads back from a quote to where it was made: to the cart, or to what was bought beside it.
func beforeReview(c *web.Context, f *view.Form, q client.Quote) string {
	lines := quotedLines(q)
	switch {
	case len(lines) == 0:
		return c.Link("cart")
	case len(lines) > 1: // all of one product
		parts, whole := url.Values{}, int64(0)
		for _, l := range lines {
			whole += l.Quantity
			parts.Add("quantity", strconv.FormatInt(l.Quantity, 10))
			parts.Add("costCenter", l.CostCenter)
		}
		return splitNowLink(c, lines[0].ProductID, strconv.FormatInt(whole, 10)) + "&" + parts.Encode() +
			onTheWayBack(c, f, "&")
	}
	return buyNowLink(c, lines[0].ProductID, strconv.FormatInt(lines[0].Quantity, 10)) +
		"&costCenter=" + queryEscape(lines[0].CostCenter) + onTheWayBack(c, f, "&")
}

// buyNowLink is the checkout of a product.
func buyNowLink(c *web.Context, product, quantity string) string {
	return c.Link("cart", "now") + "?product=" + queryEscape(product) + "&quantity=" + queryEscape(quantity)
}

// latestPlans is how many of the latest files are looked at for one that waits.
const latestPlans = 5

// waitingPlan asks for the latest mass configuration of the reader that waits to be configured: who buys
// what it lacks goes back to it afterwards.
func waitingPlan(c *web.Context, into *client.MassConfiguration) func(context.Context) error {
	return client.IfAllowed(func(ctx context.Context) error {
		list, err := c.API.ListMassConfigurations(ctx, client.ListMassConfigurationsQuery{Limit: latestPlans})
		for _, m := range list.Body.Items {
			if m.State == "ready" && m.CreatedBy == c.User {
				*into = m
				break
			}
		}
		return err
	})
}
