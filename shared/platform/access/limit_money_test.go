package access_test

import (
	"strings"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/auth"
)

// paying is stocked, and ann buys and sees bills.
func paying(t *testing.T) *desk {
	t.Helper()
	return payingOn(t, fixtures.New(t))
}

func payingOn(t *testing.T, k *fixtures.Fixture) *desk {
	t.Helper()
	d := stocked(t, k)
	d.role(t, "buyer", auth.BillingRead, auth.BillingPurchase, auth.LicensesRead, auth.LicensesManage)
	d.admin(t, "PATCH", "/users/ann", object{"roleIds": []string{"buyer"}})
	return d
}

type charge struct {
	ProductID, CostCenter string
	Quantity              int
	Recurring             struct{ Amount int64 }
}

type order struct {
	ID           string
	LicenseCount int
	Lines        []charge
	ByCostCenter []charge
	Recurring    struct{ Amount int64 }
	DueToday     struct{ Amount int64 }
}

// TestAnAdminOfSomeCostCentersBuysForTheirs: other cost centers are not there for them.
func TestAnAdminOfSomeCostCentersBuysForTheirs(t *testing.T) {
	d := paying(t)
	line := func(code string) object {
		return object{"productId": "live-reports", "quantity": 2, "costCenter": code}
	}
	lines := func(codes ...string) object {
		var list []object
		for _, code := range codes {
			list = append(list, line(code))
		}
		return object{"lines": list}
	}
	d.wants(t, 200, "PUT", "/cart", lines("north"))
	d.wants(t, 422, "PUT", "/cart", lines("west"))
	d.wants(t, 422, "POST", "/cart/lines", line("west"))
	d.wants(t, 422, "POST", "/cart/cost-center", object{"costCenter": "west"})
	d.wants(t, 422, "POST", "/quotes", lines("north", "west"))
	type made struct{ ID string }
	quote := fixtures.Decode[made](t, d.send(t, "POST", "/quotes", lines("north")), 201)
	d.wants(t, 200, "GET", "/quotes/"+quote.ID, nil)
	others := fixtures.Decode[made](t, d.root(t, "POST", "/quotes", lines("north", "west")), 201)
	d.wants(t, 404, "GET", "/quotes/"+others.ID, nil)
	d.wants(t, 404, "POST", "/orders", object{"quoteId": others.ID, "acknowledged": true})
	d.wants(t, 201, "POST", "/orders", object{"quoteId": quote.ID, "acknowledged": true})
}

// TestOrdersOfAnAdminOfSomeCostCenters have the lines of theirs, and what these come to.
func TestOrdersOfAnAdminOfSomeCostCenters(t *testing.T) {
	d := paying(t)
	type made struct{ ID string }
	quote := fixtures.Decode[made](t, d.root(t, "POST", "/quotes", object{"lines": []object{
		{"productId": "live-reports", "quantity": 2, "costCenter": "south"},
		{"productId": "live-reports", "quantity": 5, "costCenter": "west"},
	}}), 201)
	mixed := fixtures.Decode[order](
		t, d.root(t, "POST", "/orders", object{"quoteId": quote.ID, "acknowledged": true}), 201,
	)
	answer := d.send(t, "GET", "/orders/"+mixed.ID, nil)
	got := fixtures.Decode[order](t, answer, 200)
	if strings.Contains(string(answer.Body), "west") {
		t.Errorf("an order tells of another cost center: %s", answer.Body)
	}
	if len(got.Lines) != 1 || got.LicenseCount != 2 || len(got.ByCostCenter) != 1 ||
		got.Recurring != got.Lines[0].Recurring || got.DueToday.Amount >= mixed.DueToday.Amount {
		t.Errorf("%+v", got)
	}
	west := d.buy(t, "live-reports", "west", 1)
	d.wants(t, 404, "GET", "/orders/"+west, nil)
	d.wants(t, 404, "GET", "/orders/"+west+"/statement", nil)
	page := string(d.send(t, "GET", "/orders/"+mixed.ID+"/statement", nil).Body)
	if !strings.Contains(page, "south") || strings.Contains(page, "west") {
		t.Errorf("%s", page)
	}
	list := fixtures.Decode[struct{ Items []order }](t, d.send(t, "GET", "/orders", nil), 200)
	if len(list.Items) != 4 { // that one, and one of north for each product
		t.Errorf("%+v", list)
	}
	for _, o := range list.Items {
		for _, l := range o.Lines {
			if l.CostCenter == "west" {
				t.Errorf("%+v", o)
			}
		}
	}
}

// TestBillsOfAnAdminOfSomeCostCenters add up what is charged to theirs.
func TestBillsOfAnAdminOfSomeCostCenters(t *testing.T) {
	d := paying(t)
	d.admin(t, "PUT", "/call-queues/q", object{"name": "Q", "members": []string{"nora", "wes"}})
	type bill struct {
		Recurring    struct{ Amount int64 }
		ByCostCenter []charge
		OverageUsers int
		Period       struct {
			Metered []struct {
				ProductID   string
				LicenseDays int64
			}
		}
	}
	b := fixtures.Decode[bill](t, d.send(t, "GET", "/billing", nil), 200)
	all := fixtures.Decode[bill](t, d.root(t, "GET", "/billing", nil), 200)
	if len(b.ByCostCenter) != 1 || b.ByCostCenter[0].CostCenter != "north" || b.Recurring.Amount == 0 ||
		b.Recurring.Amount >= all.Recurring.Amount || len(b.Period.Metered) != 1 ||
		b.Period.Metered[0].LicenseDays != 3 || all.Period.Metered[0].LicenseDays != 4 {
		t.Errorf("%+v of %+v", b, all)
	}
	type period struct {
		Lines []struct {
			ID, CostCenter string
			Amount         struct{ Amount int64 }
		}
		ByCostCenter    []charge
		Total, Expected struct{ Amount int64 }
	}
	p := fixtures.Decode[period](t, d.send(t, "GET", "/billing/periods/current", nil), 200)
	whole := fixtures.Decode[period](t, d.root(t, "GET", "/billing/periods/current", nil), 200)
	var sum int64
	for _, l := range p.Lines {
		sum += l.Amount.Amount
		if l.CostCenter == "west" {
			t.Errorf("%+v", l)
		}
	}
	if len(p.Lines) == 0 || p.Total.Amount != sum || whole.Total.Amount <= sum ||
		p.Expected.Amount < sum || p.Expected.Amount >= whole.Expected.Amount {
		t.Errorf("%+v of %+v", p, whole)
	}
	for _, l := range whole.Lines {
		want := 200
		if l.CostCenter == "west" {
			want = 404
		}
		d.wants(t, want, "GET", "/billing/periods/current/lines/"+l.ID, nil)
	}
	for _, path := range []string{"lines", "statement", "differences"} {
		if got := d.send(t, "GET", "/billing/periods/current/"+path, nil); got.Status != 200 ||
			strings.Contains(string(got.Body), "west") {
			t.Errorf("%s: %d %s", path, got.Status, got.Body)
		}
	}
	idle := fixtures.Decode[struct {
		Items []struct {
			License struct{ CostCenter, UserID string }
		}
		Total struct{ Seats int }
	}](t, d.send(t, "GET", "/idle?days=0", nil), 200)
	if idle.Total.Seats != 3 || len(idle.Items) != 3 {
		t.Errorf("%+v", idle)
	}
}

// policy are rules by which seats of a product are bought for a cost center, at the present price.
func (d *desk) policy(t *testing.T, product, costCenter string, most int) object {
	t.Helper()
	catalog := fixtures.Decode[struct {
		Items []struct {
			ID        string
			UnitPrice object
		}
	}](t, d.Do(t, d.api, fixtures.Request{
		Method: "GET", Path: "/v1/catalog?limit=200", User: "root", Permissions: auth.Permissions(),
	}), 200)
	for _, p := range catalog.Items {
		if p.ID == product {
			return object{"autoPurchase": object{
				"enabled": true, "maxSeats": most, "costCenter": costCenter, "acknowledgedPrice": p.UnitPrice,
			}}
		}
	}
	t.Fatalf("no %s", product)
	return nil
}

// TestPoliciesOfAnAdminOfSomeCostCenters are those that buy for theirs; the others are a 403.
func TestPoliciesOfAnAdminOfSomeCostCenters(t *testing.T) {
	d := paying(t)
	policy := func(product, code string) object { return d.policy(t, product, code, 5) }
	d.admin(t, "PUT", "/policies/developer", policy("developer", "west"))
	d.admin(t, "PUT", "/policies/call-group", object{"lowSeats": 3})
	for _, product := range []string{"developer", "call-group"} {
		d.wants(t, 403, "GET", "/policies/"+product, nil)
		d.wants(t, 403, "PUT", "/policies/"+product, policy(product, "north"))
		d.wants(t, 403, "PATCH", "/policies/"+product, object{"lowSeats": 4})
		d.wants(t, 403, "DELETE", "/policies/"+product, nil)
	}
	d.wants(t, 403, "PUT", "/policies/live-reports", policy("live-reports", "west"))
	d.wants(t, 403, "PUT", "/policies/live-reports", object{"lowSeats": 1})
	d.wants(t, 201, "PUT", "/policies/live-reports", policy("live-reports", "north"))
	d.wants(t, 200, "GET", "/policies/live-reports", nil)
	d.wants(t, 403, "PATCH", "/policies/live-reports", object{"autoPurchase": object{"costCenter": "west"}})
	list := fixtures.Decode[struct{ Items []struct{ ProductID string } }](t, d.send(t, "GET", "/policies", nil), 200)
	if len(list.Items) != 1 || list.Items[0].ProductID != "live-reports" {
		t.Errorf("%+v", list)
	}
	type suspended struct{ Suspended *struct{ Reason string } }
	before := fixtures.Decode[suspended](t, d.root(t, "GET", "/policies/live-reports", nil), 200)
	d.admin(t, "PATCH", "/users/ann", object{"adminOfCostCenters": []string{"south"}})
	after := fixtures.Decode[suspended](t, d.root(t, "GET", "/policies/live-reports", nil), 200)
	if before.Suspended != nil || after.Suspended == nil {
		t.Errorf("%+v, then %+v", before, after)
	}
}

// TestRequestsOfAnAdminOfSomeCostCenters are those for users of theirs, and their own.
func TestRequestsOfAnAdminOfSomeCostCenters(t *testing.T) {
	d := paying(t)
	ask := func(user string) object {
		return object{"productId": "live-reports", "userId": user, "reason": "Needed"}
	}
	type made struct{ ID, State string }
	var ids []string
	for _, user := range []string{"nora", "wes", "sara"} {
		ids = append(ids, fixtures.Decode[made](t, d.root(t, "POST", "/requests", ask(user)), 201).ID)
	}
	if got := d.ids(t, "/requests"); got != "nora sara" {
		t.Errorf("%q", got)
	}
	d.wants(t, 404, "GET", "/requests/"+ids[1], nil)
	for _, verb := range []string{"approve", "deny", "withdraw"} {
		d.wants(t, 404, "POST", "/requests/"+ids[1]+"/"+verb, nil)
	}
	d.wants(t, 200, "POST", "/requests/"+ids[0]+"/approve", nil)
	d.wants(t, 422, "POST", "/requests", ask("lost"))
	d.wants(t, 201, "POST", "/requests", ask("ann"))
	for d.summary(t, "live-reports").Available > 0 {
		d.root(t, "POST", "/licenses/"+d.free(t, "live-reports", "north")+"/terminate", nil)
	}
	d.wants(t, 409, "POST", "/requests/"+ids[2]+"/approve", nil) // what is free is of west
	d.wants(t, 200, "POST", "/requests/"+ids[2]+"/deny", nil)
}
