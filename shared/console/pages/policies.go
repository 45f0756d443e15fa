package pages

import (
	"context"
	"strconv"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

// policyRoutes are the pages below Billing of what is decided for products.
var policyRoutes = []web.Route{
	{Path: "billing/policies", Show: showPolicies},
	{
		Path: "billing/policies/{product}", Changes: "policy:{product}", Needs: []auth.Permission{auth.BillingPurchase},
		Show: showPolicy, Send: sendPolicy, Submit: "Save",
		Fields: web.Fields("enabled", "Buy missing seats automatically", "maxSeats", "Seats at most",
			"maxAmount", "Money at most", "costCenter", "Cost Center", "acknowledgedPrice", "Price",
			"lowSeats", "Alert when fewer are free", "idleDays", "Idle after days"),
	},
}

// policiesView is what the list of policies shows.
type policiesView struct {
	nameCalls

	policies map[string]client.Policy
	sold     []client.CatalogItem // what can be bought
}

func showPolicies(c *web.Context, _ *view.Form) error {
	var policies client.Answer[client.PolicyPage]
	v := policiesView{policies: map[string]client.Policy{}}
	err := c.Load(
		client.Into(&policies, func(ctx context.Context) (client.Answer[client.PolicyPage], error) {
			return c.API.ListPolicies(ctx, client.ListPoliciesQuery{Limit: mostNames})
		}),
		v.products(c), v.costCenters(c),
	)
	if err != nil {
		return err
	}
	for _, p := range policies.Body.Items {
		v.policies[p.ProductID] = p
	}
	for _, p := range v.catalog.Body.Items {
		if p.Kind != "metered" {
			v.sold = append(v.sold, p)
		}
	}
	return c.Show("Automatic purchases", policiesPage(c, v))
}

func listProducts(c *web.Context) func(context.Context) (client.Answer[client.CatalogItemPage], error) {
	return func(ctx context.Context) (client.Answer[client.CatalogItemPage], error) {
		return c.API.ListCatalog(ctx, client.ListCatalogQuery{Limit: mostNames})
	}
}

// buys is what is bought of a product at most, in words; empty when nothing is.
func (v policiesView) buys(f *view.Format, product string) string {
	a := v.policies[product].AutoPurchase
	if a == nil || !a.Enabled {
		return ""
	}
	var most []string
	if a.MaxSeats > 0 {
		most = append(most, f.Count(a.MaxSeats, "seat", "seats"))
	}
	if a.MaxAmount != nil {
		most = append(most, f.Money(*a.MaxAmount)+" a month")
	}
	return strings.Join(most, ", ")
}

// used is what was bought of a product in the present period, in words; empty where nothing can be.
func (v policiesView) used(f *view.Format, product string) string {
	return usedText(f, v.policies[product])
}

func usedText(f *view.Format, p client.Policy) string {
	if p.Used == nil {
		return ""
	}
	return f.Count(p.Used.Seats, "seat", "seats") + ", " + f.Money(p.Used.Amount)
}

// policyView is what is decided for a product, and what is to be known to decide it.
type policyView struct {
	policy  client.Policy
	product client.CatalogItem
	centers centerList
}

// bought says whether the product is one of which seats are bought.
func (v policyView) bought() bool { return v.product.ID != "" && v.product.Kind != "metered" }

// enabled are the values that the box for automatic purchase is ticked by.
func (v policyView) enabled(f *view.Form) []string {
	var there []string
	if v.policy.AutoPurchase != nil && v.policy.AutoPurchase.Enabled {
		there = []string{"yes"}
	}
	return typedOr(f, "enabled", there)
}

// acknowledged is the box for the price, ticked when today's is acknowledged already by somebody who
// may buy.
func (v policyView) acknowledged(f *view.Form) []string {
	var there []string
	lost := v.policy.Suspended != nil && v.policy.Suspended.Reason == "permission-lost"
	if !lost && v.policy.AutoPurchase != nil && v.policy.AutoPurchase.AcknowledgedPrice == v.product.UnitPrice {
		there = []string{priceValue(v.product.UnitPrice)}
	}
	return typedOr(f, "acknowledgedPrice", there)
}

// priceValue is a price as the value of a box, so that what is acknowledged is what was shown.
func priceValue(m client.Money) string { return strconv.FormatInt(m.Amount, 10) + " " + m.Currency }

// maxAmount is the most money that is spent, as it is typed.
func (v policyView) maxAmount() string {
	if v.policy.AutoPurchase == nil || v.policy.AutoPurchase.MaxAmount == nil {
		return ""
	}
	return view.TypedMoney(*v.policy.AutoPurchase.MaxAmount)
}

func (v policyView) maxSeats() string {
	if v.policy.AutoPurchase == nil {
		return ""
	}
	return typed(v.policy.AutoPurchase.MaxSeats)
}

func (v policyView) center() string {
	if v.policy.AutoPurchase == nil {
		return v.centers.only()
	}
	return v.policy.AutoPurchase.CostCenter
}

// loadPolicy reads what is decided for the product in the path, which may be nothing.
func loadPolicy(c *web.Context) (v policyView, tag string, err error) {
	id := c.Param("product")
	p, err := c.API.GetPolicy(c.R.Context(), id)
	if err != nil && !client.Is(err, "not-found") {
		return v, "", err
	}
	v.policy, v.product = p.Body, client.CatalogItem{Name: id}
	var products client.Answer[client.CatalogItemPage]
	var centers client.Answer[client.CostCenterPage]
	err = c.Load(
		client.IfAllowed(client.Into(&products, listProducts(c))),
		client.IfAllowed(client.Into(&centers, listCenters(c))),
	)
	for _, one := range products.Body.Items {
		if one.ID == id {
			v.product = one
		}
	}
	v.centers = centersOf(centers)
	return v, p.ETag, err
}

// showPolicy shows what is decided for a product, as a form.
func showPolicy(c *web.Context, f *view.Form) error {
	v, tag, err := loadPolicy(c)
	if err != nil {
		return err
	}
	web.FromVersion(f, tag)
	return c.Show("Automatic purchases and alerts", policyPage(c, f, v))
}

// numberOrNone is a typed number; left out where nothing was typed.
func numberOrNone(f *view.Form, name string) (client.Null[int64], error) {
	if f.Get(name) == "" {
		return client.Null[int64]{}, nil
	}
	n, err := wholeNumber(f.Get(name))
	if err != nil {
		return client.Null[int64]{}, web.Wrong(name, "must be a whole number")
	}
	return client.Set(n), nil
}

func sendPolicy(c *web.Context, f *view.Form) error {
	var sent client.PutPolicyRequest
	var err error
	if sent.LowSeats, err = numberOrNone(f, "lowSeats"); err != nil {
		return err
	}
	if sent.IdleDays, err = numberOrNone(f, "idleDays"); err != nil {
		return err
	}
	if sent.AutoPurchase, err = typedPurchase(c, f); err != nil {
		return err
	}
	if _, err := c.API.PutPolicy(c.R.Context(), c.Param("product"), sent, c.Change(f)); err != nil {
		return err
	}
	var n nameCalls
	if err := c.Load(n.products(c)); err != nil {
		return err
	}
	said := web.Good("Automatic purchases and alerts of " + n.product(c.Param("product")) + " are saved.")
	return c.Done(c.Link("billing", "policies"), said)
}

// typedPurchase is what the form says of automatic purchase; left out when it says nothing. Who enables
// it acknowledges the price that the page showed.
func typedPurchase(c *web.Context, f *view.Form) (none client.Null[client.AutoPurchaseBody], err error) {
	if !f.Values.Has("maxSeats") { // the form was not about it
		return purchaseAsItIs(c)
	}
	enabled := f.Get("enabled") != ""
	if !enabled && f.Get("maxSeats") == "" && f.Get("maxAmount") == "" {
		return none, nil
	}
	price, ok := typedPrice(f.Get("acknowledgedPrice"))
	if !ok && enabled {
		return none, web.Wrong("acknowledgedPrice", "must be acknowledged: tick it to have seats bought at this price")
	}
	if !ok { // nothing is bought: what was acknowledged stays
		v, _, err := loadPolicy(c)
		if err != nil {
			return none, err
		}
		if price = v.product.UnitPrice; v.policy.AutoPurchase != nil {
			price = v.policy.AutoPurchase.AcknowledgedPrice
		}
	}
	center := trimmed(f, "costCenter")
	a := client.AutoPurchaseBody{Enabled: &enabled, CostCenter: &center, AcknowledgedPrice: &price}
	if a.MaxSeats, err = numberOrNone(f, "maxSeats"); err != nil {
		return none, err
	}
	if text := trimmed(f, "maxAmount"); text != "" {
		amount, ok := view.MoneyOf(text, price.Currency)
		if !ok {
			return none, web.Wrong("maxAmount", "must be an amount such as 250 or 99.50, without separators")
		}
		a.MaxAmount = client.Set(amount)
	}
	return client.Set(a), nil
}

// purchaseAsItIs is the automatic purchase that is stored, to be sent back.
func purchaseAsItIs(c *web.Context) (same client.Null[client.AutoPurchaseBody], err error) {
	v, _, err := loadPolicy(c)
	a := v.policy.AutoPurchase
	if err != nil || a == nil {
		return same, err
	}
	body := client.AutoPurchaseBody{
		Enabled: &a.Enabled, CostCenter: &a.CostCenter, AcknowledgedPrice: &a.AcknowledgedPrice,
	}
	if a.MaxSeats > 0 {
		body.MaxSeats = client.Set(a.MaxSeats)
	}
	if a.MaxAmount != nil {
		body.MaxAmount = client.Set(*a.MaxAmount)
	}
	return client.Set(body), nil
}

// typedPrice is the price in the value of a box.
func typedPrice(value string) (client.Money, bool) {
	amount, currency, ok := strings.Cut(value, " ")
	minor, err := strconv.ParseInt(amount, 10, 64)
	return client.Money{Amount: minor, Currency: currency}, ok && err == nil
}

// typed is a number as a field shows it; empty for none.
func typed(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
