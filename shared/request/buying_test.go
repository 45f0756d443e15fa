package request_test

import (
	"net/http"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/policy"
	"seatwise/shared/purchase"
	"seatwise/shared/request"
)

// policyFor lets at most that many seats of a product be bought in a billing period.
func (d *desk) policyFor(t *testing.T, product string, most int64) {
	t.Helper()
	desk := api.Serve(
		d.Env, policy.NewService(catalog.Default()).Routes, purchase.NewService(d.Env, d.kernel).Routes,
	).HTTP
	price, err := catalog.Default().Price(product, "USD")
	if err != nil {
		t.Fatal(err)
	}
	for _, put := range []struct {
		path string
		body object
	}{
		{"/cost-centers/CC-1", object{"name": "Center"}},
		{"/policies/" + product, object{"autoPurchase": object{
			"enabled": true, "maxSeats": most, "costCenter": "CC-1", "acknowledgedPrice": price,
		}}},
	} {
		if r := d.Do(t, desk, fixtures.Request{
			Method: http.MethodPut, Path: "/v1/accounts/" + d.Account + put.path, Body: put.body, User: "bea",
			Permissions: []auth.Permission{auth.BillingPurchase},
		}); r.Status/100 != 2 {
			t.Fatalf("%s: %d %s", put.path, r.Status, r.Body)
		}
	}
}

func (d *desk) approve(t *testing.T, id string, may ...auth.Permission) fixtures.Response {
	t.Helper()
	return d.as(t, "eve", http.MethodPost, "/requests/"+id+"/approve", nil, append(may, auth.LicensesManage)...)
}

// An approval for which no seat is free has one bought by the policy, if the approver may buy, and is
// fulfilled with it; beyond the maximum it is refused, and the request waits for an approver
// (requirements, section 12).
func TestAPolicyBuysForAnApprovedRequest(t *testing.T) {
	for _, product := range []string{"live-reports", "phone-system"} {
		t.Run(product, func(t *testing.T) {
			d := open(t)
			first, second := d.ask(t, "ann", product), d.ask(t, "bob", product)
			d.policyFor(t, product, 1)
			fixtures.Problem(t, d.approve(t, first.ID), http.StatusForbidden, "forbidden")
			if got := d.read(t, first.ID); got.State != request.Open {
				t.Fatalf("refused: %+v", got)
			}
			got := fixtures.Decode[request.Request](t, d.approve(t, first.ID, auth.BillingPurchase), http.StatusOK)
			if got.State != request.Fulfilled || got.LicenseID == "" || d.assigned(t, product) != 1 {
				t.Errorf("approved: %+v, %d assigned", got, d.assigned(t, product))
			}
			fixtures.Problem(t, d.approve(t, second.ID, auth.BillingPurchase), http.StatusConflict, "cap-exceeded")
			if got := d.read(t, second.ID); got.State != request.Open || d.assigned(t, product) != 1 {
				t.Errorf("beyond the maximum: %+v", got)
			}
			d.buy(t, product, 1) // what is free is given whatever the policy says
			got = fixtures.Decode[request.Request](t, d.approve(t, second.ID), http.StatusOK)
			if got.State != request.Fulfilled {
				t.Errorf("from the pool: %+v", got)
			}
		})
	}
}

// A request that was approved before there was a policy has a seat bought by the schedule, if its
// approver may buy; the order names it.
func TestAPolicyBuysForWhatWasApprovedBefore(t *testing.T) {
	d := open(t)
	mine, other := d.ask(t, "ann", "phone-system"), d.ask(t, "bob", "phone-system")
	for id, may := range map[string][]auth.Permission{mine.ID: {auth.BillingPurchase}, other.ID: nil} {
		if got := fixtures.Decode[request.Request](t, d.approve(t, id, may...), 200); got.State != request.Approved {
			t.Fatalf("without a policy: %+v", got)
		}
	}
	d.policyFor(t, "phone-system", 5)
	d.Clock.Add(time.Minute)
	for range 2 {
		if err := d.requests.ServeApproved(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.read(t, mine.ID); got.State != request.Fulfilled || d.assigned(t, "phone-system") != 1 {
		t.Errorf("its approver may buy: %+v", got)
	}
	if got := d.read(t, other.ID); got.State != request.Approved {
		t.Errorf("its approver may not: %+v", got)
	}
	sold := api.Serve(d.Env, purchase.NewService(d.Env, d.kernel).Routes).HTTP
	r := d.Do(t, sold, fixtures.Request{
		Method: http.MethodGet, Path: "/v1/accounts/" + d.Account + "/orders", User: "bea",
		Permissions: []auth.Permission{auth.BillingRead},
	})
	orders := fixtures.Decode[api.List[purchase.Order]](t, r, 200).Items
	if len(orders) != 1 || orders[0].Policy == nil || orders[0].Policy.For[0].RequestID != mine.ID {
		t.Errorf("orders: %s", r.Body)
	}
}

// The answer to an approval that bought a seat is given again to its repetition.
func TestAnApprovalThatBuysIsRepeatable(t *testing.T) {
	d := open(t)
	asked := d.ask(t, "ann", "live-reports")
	d.policyFor(t, "live-reports", 3)
	var answers []fixtures.Response
	for range 2 {
		answers = append(answers, d.Do(t, d.api, fixtures.Request{
			Method: http.MethodPost, User: "eve",
			Path:        "/v1/accounts/" + d.Account + "/requests/" + asked.ID + "/approve",
			Permissions: []auth.Permission{auth.LicensesManage, auth.BillingPurchase},
			Header:      map[string]string{"Idempotency-Key": "once"},
		}))
	}
	got := fixtures.Decode[request.Request](t, answers[0], http.StatusOK)
	if got.State != request.Fulfilled || string(answers[0].Body) != string(answers[1].Body) ||
		answers[0].Header.Get("ETag") != answers[1].Header.Get("ETag") || d.assigned(t, "live-reports") != 1 {
		t.Errorf("%s, then %s", answers[0].Body, answers[1].Body)
	}
}
