package policy_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/table"
	"seatwise/shared/policy"
)

type object = map[string]any

type desk struct {
	*fixtures.Fixture
	h http.Handler
}

func open(t *testing.T) *desk {
	t.Helper()
	f := fixtures.New(t)
	d := &desk{f, api.Serve(f.Env, policy.NewService(catalog.Default()).Routes).HTTP}
	center := table.Item{Key: license.CostCenterKey(f.Account, "CC"), Data: []byte("{}")}
	if err := f.Env.Table.Commit(context.Background(), []table.Operation{table.Put(center, table.Always)}); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) as(t *testing.T, user, method string, body any) fixtures.Response {
	t.Helper()
	return d.Do(t, d.h, fixtures.Request{
		Method: method, Path: "/v1/accounts/" + d.Account + "/policies/live-reports", Body: body, User: user,
		Permissions: []auth.Permission{auth.BillingPurchase, auth.BillingRead},
	})
}

func amount(minor int64, currency string) object {
	return object{"amount": minor, "currency": currency}
}

func buying(change object) object {
	price, _ := catalog.Default().Price("live-reports", "USD")
	buy := object{"enabled": true, "maxSeats": 3, "costCenter": "CC", "acknowledgedPrice": price}
	for name, value := range change {
		if buy[name] = value; value == nil {
			delete(buy, name)
		}
	}
	return object{"autoPurchase": buy}
}

// What cannot buy is refused, and all of it at once (requirements, section 12).
func TestWhatAPolicyMayNotSay(t *testing.T) {
	d := open(t)
	for name, c := range map[string]struct {
		change object
		fields string
	}{
		"no maximum":       {object{"maxSeats": nil}, "autoPurchase required"},
		"no cost center":   {object{"costCenter": nil}, "autoPurchase.costCenter required"},
		"a strange one":    {object{"costCenter": "NO"}, "autoPurchase.costCenter unknown-id"},
		"no price":         {object{"acknowledgedPrice": nil}, "autoPurchase.acknowledgedPrice required"},
		"no seat":          {object{"maxSeats": 0}, "autoPurchase.maxSeats too-small"},
		"no money":         {object{"maxAmount": amount(0, "USD")}, "autoPurchase.maxAmount.amount out-of-range"},
		"another currency": {object{"maxAmount": amount(9, "EUR")}, "autoPurchase.maxAmount.currency mismatch"},
		"several": {
			object{"maxSeats": nil, "costCenter": nil},
			"autoPurchase required, autoPurchase.costCenter required",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var told []string
			refused := d.as(t, "bea", http.MethodPut, buying(c.change))
			for _, f := range fixtures.Problem(t, refused, 422, "validation").Errors {
				told = append(told, f.Field+" "+string(f.Code))
			}
			if got := strings.Join(told, ", "); got != c.fields {
				t.Errorf("faults %q, want %q", got, c.fields)
			}
		})
	}
	r := d.Do(t, d.h, fixtures.Request{
		Method: http.MethodPut, Path: "/v1/accounts/" + d.Account + "/policies/essential-user", Body: buying(nil),
		User: "bea", Permissions: []auth.Permission{auth.BillingPurchase},
	})
	fixtures.Problem(t, r, 422, "validation")
}

// Whoever changes how seats are bought acknowledges the price; what else is changed leaves that as it
// was, and what was read can be written back (requirements, sections 6 and 12).
func TestWhoAcknowledges(t *testing.T) {
	d := open(t)
	decode := func(r fixtures.Response) policy.Policy {
		t.Helper()
		return fixtures.Decode[policy.Policy](t, r, r.Status)
	}
	if p := decode(d.as(t, "bea", http.MethodPut, buying(nil))); p.AcknowledgedBy != "bea" || p.Suspended != nil {
		t.Errorf("made: %+v", p)
	}
	d.Clock.Add(1)
	if p := decode(d.as(t, "cal", http.MethodPatch, object{"lowSeats": 2})); p.AcknowledgedBy != "bea" ||
		*p.AutoPurchase.MaxSeats != 3 {
		t.Errorf("another rule: %+v", p)
	}
	change := object{"autoPurchase": object{"maxSeats": nil, "maxAmount": object{"amount": 9900, "currency": "USD"}}}
	r := d.as(t, "cal", http.MethodPatch, change)
	if p := decode(r); r.Status != 200 || p.AcknowledgedBy != "cal" || p.AutoPurchase.MaxSeats != nil ||
		p.AutoPurchase.MaxAmount.Minor != 9900 || p.AutoPurchase.CostCenter != "CC" || !p.AutoPurchase.Enabled {
		t.Errorf("other maxima: %d %s", r.Status, r.Body)
	}
	read := d.as(t, "bea", http.MethodGet, nil)
	again := d.as(t, "bea", http.MethodPut, fixtures.Decode[object](t, read, 200))
	if again.Status != 200 || again.Header.Get("ETag") != read.Header.Get("ETag") ||
		string(again.Body) != string(read.Body) {
		t.Errorf("written back: %d %s", again.Status, again.Body)
	}
	if p := decode(d.as(t, "bea", http.MethodPatch, object{"autoPurchase": nil})); p.AutoPurchase != nil ||
		p.AcknowledgedBy != "" || p.AcknowledgedAt != nil || *p.LowSeats != 2 {
		t.Errorf("taken back: %+v", p)
	}
}
