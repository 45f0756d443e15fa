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
	Routes: append([]web.Route{
		{Path: "billing", Show: showBilling},
		{Path: "billing/orders", Show: showOrders},
		{Path: "billing/orders/{id}", Show: showOrder},
		{Path: "billing/orders/{id}/statement.pdf", Show: showStatement},
	}, slices.Concat(periodRoutes, idleRoutes, policyRoutes, centerRoutes)...),
})

// A page of its own, since the portals have it in their navigation under this name.
var _ = add(web.Page{
	Name: "Service Billing Details", Path: "service-billing-details", Section: sectionAccount, Order: 95,
	Needs:  []auth.Permission{auth.BillingRead},
	Routes: []web.Route{{Path: "service-billing-details", Show: showBillingDetails}},
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
	metered estimate
	period  client.Answer[client.PeriodView]
	orders  client.OrderPage
	centers centerList
	query   url.Values
	// who are the people who placed the orders.
	who people
}

// way is a page that Billing leads to.
type way struct{ href, name, text string }

func showBilling(c *web.Context, _ *view.Form) error {
	var bill client.Answer[client.Billing]
	var orders client.Answer[client.OrderPage]
	var m meteredCalls
	var period client.Answer[client.PeriodView]
	err := c.Load(append(m.calls(c),
		client.Into(&bill, c.API.GetBilling),
		openPeriod(c, &period),
		client.Into(&orders, func(ctx context.Context) (client.Answer[client.OrderPage], error) {
			return c.API.ListOrders(ctx, client.ListOrdersQuery{Limit: latestOrders})
		}),
	)...)
	if err != nil {
		return err
	}
	metered, err := m.estimate(c)
	if err != nil {
		return err
	}
	b := billing{bill: bill.Body, metered: metered, period: period, orders: orders.Body}
	return c.Show("Billing", billingPage(c, b, billingWays(c)))
}

// openPeriod asks for the billing period that is under way, for who may see it: of all that the next
// bill has, it alone knows the sum. An account without one has none.
func openPeriod(c *web.Context, into *client.Answer[client.PeriodView]) func(context.Context) error {
	return client.IfAllowed(client.IfThere(
		client.Into(into, func(ctx context.Context) (client.Answer[client.PeriodView], error) {
			return c.API.GetPeriod(ctx, "current")
		}),
	))
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
			c.Link("service-billing-details"),
			"Service Billing Details",
			"What recurs, by product and by cost center, and when.",
		},
		way{c.Link("billing", "periods"), "Billing periods", "What each period charges, by cost center, and why."},
		way{c.Link("billing", "cost-centers"), "Cost centers", centersSay(c)},
		way{c.Link("billing", "orders"), "Orders", "What was ordered, with the statement of each."},
		way{
			c.Link("billing", "policies"), "Automatic purchases",
			"Which products are bought automatically, and how many at most; and when few free ones raise an alert.",
		},
		way{c.Link("billing", "idle"), "Idle seats", "Seats that nobody uses, and what they cost; take them back."},
	)
	return ways
}

func showBillingDetails(c *web.Context, _ *view.Form) error {
	var bill client.Answer[client.Billing]
	var centers client.Answer[client.CostCenterPage]
	var m meteredCalls
	err := c.Load(append(m.calls(c),
		client.Into(&bill, c.API.GetBilling),
		client.IfAllowed(client.Into(&centers, listCenters(c))),
	)...)
	if err != nil {
		return err
	}
	metered, err := m.estimate(c)
	if err != nil {
		return err
	}
	b := billing{bill: bill.Body, metered: metered, centers: centersOf(centers)}
	return c.Show("Service Billing Details", billingDetailsPage(c, b))
}

// bars are the charges by cost center, the largest first; those beyond the first few are one bar.
func (b billing) bars(f *view.Format) []view.Bar {
	charges := slices.Clone(b.bill.ByCostCenter)
	view.Sort(charges, func(x, y client.CostCenterCharge) bool { return x.Recurring.Amount > y.Recurring.Amount })
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

// together is what is bought and the estimate of what is used, where both are of one currency.
func (b billing) together() client.Money {
	return client.Money{
		Amount: b.bill.Recurring.Amount + b.metered.total.Amount, Currency: b.bill.Recurring.Currency,
	}
}

// shares are how much of all each amount is, in whole percent. They come to 100: those that lose most
// by being rounded down are rounded up. Where something is taken off, each is rounded alone.
func shares(f *view.Format, amounts []client.Money, all client.Money) []string {
	parts := percents(amounts, all.Amount)
	said := make([]string, len(parts))
	for i, part := range parts {
		said[i] = f.Number(part) + " %"
		if all.Amount == 0 {
			said[i] = "–"
		}
	}
	return said
}

func percents(amounts []client.Money, all int64) []int64 {
	parts, order := make([]int64, len(amounts)), make([]int, len(amounts))
	sum, whole := int64(0), true
	for i, m := range amounts {
		order[i], sum = i, sum+m.Amount
		whole = whole && m.Amount >= 0
	}
	if !whole || sum != all || all <= 0 {
		for i, m := range amounts {
			if all != 0 {
				parts[i] = (m.Amount*100 + all/2) / all
			}
		}
		return parts
	}
	left := int64(100)
	for i, m := range amounts {
		parts[i] = m.Amount * 100 / all
		left -= parts[i]
	}
	lost := func(i int) int64 { return amounts[i].Amount * 100 % all }
	view.Sort(order, func(a, b int) bool { return lost(a) > lost(b) })
	for _, i := range order[:left] {
		parts[i]++
	}
	return parts
}

// centerShares are the shares of the cost centers.
func (b billing) centerShares(f *view.Format) []string {
	var amounts []client.Money
	for _, one := range b.bill.ByCostCenter {
		amounts = append(amounts, one.Recurring)
	}
	return shares(f, amounts, b.bill.Recurring)
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
	who, err := peopleNamed(c, orders.Body.Items, func(o client.Order) string { return o.PlacedBy })
	if err != nil {
		return err
	}
	return c.Show("Orders", ordersPage(c, billing{orders: orders.Body, query: q, who: who}))
}

func (b billing) pager(c *web.Context) view.Pager {
	return pagerOf(c, c.Link("billing", "orders"), b.query,
		onPage{rows: len(b.orders.Items), next: b.orders.NextCursor, order: newestFirst}, [2]string{"order", "orders"})
}

func showOrder(c *web.Context, _ *view.Form) error {
	var order client.Answer[client.Order]
	var centers client.Answer[client.CostCenterPage]
	var plan client.MassConfiguration
	calls := []func(context.Context) error{
		client.Into(&order, func(ctx context.Context) (client.Answer[client.Order], error) {
			return c.API.GetOrder(ctx, c.Param("id"))
		}),
		client.IfAllowed(client.Into(&centers, listCenters(c))),
	}
	if c.Query().Get("placed") != "" { // just now, so what it was bought for goes on
		calls = append(calls, waitingPlan(c, &plan))
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	if order.Body.State == stateOfPlace {
		c.Refresh(refreshSeconds)
	}
	names, err := namesOfOrder(c, order.Body, centersOf(centers))
	if err != nil {
		return err
	}
	return c.Show("Order "+order.Body.Number, orderPage(c, order.Body, names, plan))
}

// orderNames are what a statement calls what the order names.
type orderNames struct {
	account, by string
	centers     centerList
}

// namesOfOrder are those that were kept when the order was confirmed; of an order from before names were
// kept, those of today.
func namesOfOrder(c *web.Context, o client.Order, today centerList) (orderNames, error) {
	if kept := o.Names; kept != nil {
		names := orderNames{account: kept.Account, by: cmp.Or(kept.PlacedBy, o.PlacedBy)}
		for _, one := range kept.CostCenters {
			names.centers.all = append(names.centers.all, client.CostCenter{Code: one.Code, Name: one.Name})
		}
		return names, nil
	}
	who, err := peopleNamed(c, []client.Order{o}, func(o client.Order) string { return o.PlacedBy })
	return orderNames{accountName(c), who.name(o.PlacedBy), today}, err
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

// nothingTyped is the form of a page without one.
var nothingTyped = &view.Form{}

// afterOrder is where one goes on when an order is done: to its licenses, to hand them out.
func afterOrder(c *web.Context, o client.Order) string {
	if c.May(auth.LicensesRead) {
		return c.Link("licenses") + "?order=" + queryEscape(o.ID)
	}
	return c.Link("billing")
}
