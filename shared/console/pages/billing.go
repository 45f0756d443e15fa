package pages

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

var _ = add(web.Page{
	Name: "Billing", Path: "billing", Section: sectionAccount, Order: 90, Needs: []auth.Permission{auth.BillingRead},
	Routes: []web.Route{
		{Path: "billing", Show: showBilling},
		{Path: "billing/details", Show: showBillingDetails},
		{Path: "billing/orders", Show: showOrders},
		{Path: "billing/orders/{id}", Show: showOrder},
		{Path: "billing/orders/{id}/statement.pdf", Show: showStatement},
	},
})

const (
	pageOfOrders = 50
	latestOrders = 5
	// mostBars is how many cost centers have a bar of their own in the chart; the table has all.
	mostBars     = 12
	stateOfPlace = "placing"
)

// billing is what the pages of Billing show; what the reader may not see is empty.
type billing struct {
	bill    client.Billing
	summary []client.ProductSummary
	orders  client.OrderPage
	centers centerList
	query   url.Values
}

// way is a page that Billing leads to.
type way struct{ href, name, text string }

func showBilling(c *web.Context, _ *view.Form) error {
	var bill client.Answer[client.Billing]
	var orders client.Answer[client.OrderPage]
	err := c.Load(
		client.Into(&bill, c.API.GetBilling),
		client.Into(&orders, func(ctx context.Context) (client.Answer[client.OrderPage], error) {
			return c.API.ListOrders(ctx, client.ListOrdersQuery{Limit: latestOrders})
		}),
	)
	if err != nil {
		return err
	}
	return c.Show("Billing", billingPage(c, billing{bill: bill.Body, orders: orders.Body}, billingWays(c)))
}

// billingWays are the pages that Billing leads to, as the portals' own Billing does.
func billingWays(c *web.Context) []way {
	var ways []way
	if c.May(auth.BillingPurchase) {
		ways = append(ways, way{c.Link("purchase"), "Purchase", "Buy licenses, and choose their cost centers."})
	}
	if c.May(auth.LicensesRead) {
		ways = append(ways, way{c.Link("licenses"), "Licenses", "See who holds which license; assign and unassign."})
	}
	ways = append(
		ways,
		way{
			c.Link("billing", "details"),
			"Service Billing Details",
			"What recurs, by product and by cost center, and when.",
		},
		way{c.Link("billing", "orders"), "Orders", "What was ordered, with the statement of each."},
	)
	return ways
}

func showBillingDetails(c *web.Context, _ *view.Form) error {
	var bill client.Answer[client.Billing]
	var summary client.Answer[client.ProductSummaryPage]
	var centers client.Answer[client.CostCenterPage]
	err := c.Load(
		client.Into(&bill, c.API.GetBilling),
		client.IfAllowed(client.Into(&summary, c.API.SummarizeLicenses)),
		client.IfAllowed(client.Into(&centers, listCenters(c))),
	)
	if err != nil {
		return err
	}
	b := billing{bill: bill.Body, summary: summary.Body.Items, centers: centersOf(centers)}
	return c.Show("Service Billing Details", billingDetailsPage(c, b))
}

// bars are the charges by cost center, the largest first; those beyond the first few are one bar.
func (b billing) bars(f *view.Format) []view.Bar {
	charges := slices.Clone(b.bill.ByCostCenter)
	slices.SortStableFunc(charges, func(x, y client.CostCenterCharge) int {
		return cmp.Compare(y.Recurring.Amount, x.Recurring.Amount)
	})
	var bars []view.Bar
	rest := client.Money{Currency: b.bill.Recurring.Currency}
	for i, one := range charges {
		if i < mostBars {
			bars = append(bars, view.Bar{
				Name: b.centers.name(one.CostCenter), Amount: one.Recurring.Amount, Figure: f.Money(one.Recurring),
			})
			continue
		}
		rest.Amount += one.Recurring.Amount
	}
	if n := int64(len(charges) - mostBars); n > 0 {
		bars = append(bars, view.Bar{Name: f.Count(n, "other", "others"), Amount: rest.Amount, Figure: f.Money(rest)})
	}
	return bars
}

// metered are the products that are charged as they are used, and of which some is.
func (b billing) metered() []client.ProductSummary {
	var used []client.ProductSummary
	for _, p := range b.summary {
		if p.Kind == kindMetered && p.Assigned > 0 {
			used = append(used, p)
		}
	}
	return used
}

// share is how much of all a charge is, in percent.
func share(f *view.Format, one, all client.Money) string {
	if all.Amount == 0 {
		return "–"
	}
	return f.Number((one.Amount*100+all.Amount/2)/all.Amount) + " %"
}

func showOrders(c *web.Context, _ *view.Form) error {
	q := c.Query()
	var orders client.Answer[client.OrderPage]
	err := c.Load(client.Into(&orders, func(ctx context.Context) (client.Answer[client.OrderPage], error) {
		return c.API.ListOrders(ctx, client.ListOrdersQuery{
			Limit:  pageOfOrders,
			Cursor: q.Get("cursor"),
			Number: strings.TrimSpace(q.Get("q")),
		})
	}))
	if err != nil {
		return err
	}
	return c.Show("Orders", ordersPage(c, billing{orders: orders.Body, query: q}))
}

func (b billing) pager(c *web.Context) view.Pager {
	p := view.Pager{Count: c.Format().Count(int64(len(b.orders.Items)), "order", "orders") + " on this page"}
	if b.query.Get("cursor") != "" {
		p.First = view.WithCursor(c.Link("billing", "orders"), b.query, "")
	}
	if b.orders.NextCursor != "" {
		p.Next = view.WithCursor(c.Link("billing", "orders"), b.query, b.orders.NextCursor)
	}
	return p
}

func showOrder(c *web.Context, _ *view.Form) error {
	var order client.Answer[client.Order]
	var centers client.Answer[client.CostCenterPage]
	err := c.Load(
		client.Into(&order, func(ctx context.Context) (client.Answer[client.Order], error) {
			return c.API.GetOrder(ctx, c.Param("id"))
		}),
		client.IfAllowed(client.Into(&centers, listCenters(c))),
	)
	if err != nil {
		return err
	}
	if order.Body.State == stateOfPlace {
		c.Refresh(refreshSeconds)
	}
	return c.Show("Order "+order.Body.Number, orderPage(c, order.Body, centersOf(centers)))
}

// refreshSeconds is how often a page without script looks how far an order is.
const refreshSeconds = 3

func showStatement(c *web.Context, _ *view.Form) error {
	pdf, err := c.API.GetStatement(c.R.Context(), c.Param("id"), "application/pdf")
	if err != nil {
		return err
	}
	return c.SendFile(pdf.Body)
}

// orderState is what the state of an order is called, and the kind of its pill.
func orderState(state string) (kind, word string) {
	switch state {
	case stateOfPlace:
		return "warn", "being placed"
	case "failed":
		return "bad", "failed"
	}
	return "good", "placed"
}

// afterOrder is where one goes on when an order is done: to its licenses, to hand them out.
func afterOrder(c *web.Context, o client.Order) string {
	if c.May(auth.LicensesRead) {
		return c.Link("licenses") + "?order=" + queryEscape(o.ID)
	}
	return c.Link("billing")
}
