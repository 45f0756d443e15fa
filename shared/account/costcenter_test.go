package account_test

import (
	"net/http"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/purchase"
)

// The account's cost center is one that it has; it stays where a change does not name it, and is never
// taken away; and it cannot be deleted (requirements, section 12).
func TestTheAccountsCostCenter(t *testing.T) {
	k := fixtures.New(t)
	h := server(t, k)
	put := func(change map[string]any) fixtures.Response {
		return k.Do(t, h, operator("PUT", "/v1/accounts/acme", settings(change)))
	}
	want := func(r fixtures.Response, code string) {
		t.Helper()
		if got := fixtures.Decode[account.Account](t, r, http.StatusOK).CostCenter; got != code {
			t.Errorf("the cost center is %q, want %q", got, code)
		}
	}
	for _, code := range []string{"NONE", "a b"} {
		p := fixtures.Problem(t, put(map[string]any{"costCenter": code}), http.StatusUnprocessableEntity, "validation")
		if p.Errors[0].Field != "costCenter" {
			t.Errorf("%s: %+v", code, p.Errors)
		}
	}
	shop := purchase.NewService(k.Env, license.NewService(catalog.Default()))
	for _, code := range []string{"CC-1", "CC-2"} {
		center := purchase.CostCenterChange{Code: code, Name: code}
		if _, err := shop.ChangeCostCenter(t.Context(), k.Call("ada"), center); err != nil {
			t.Fatal(err)
		}
	}
	want(put(map[string]any{"costCenter": "CC-1"}), "CC-1")
	want(put(map[string]any{"name": "Another"}), "CC-1")
	fixtures.Problem(t, put(map[string]any{"costCenter": ""}), http.StatusUnprocessableEntity, "validation")
	if err := shop.DeleteCostCenter(t.Context(), k.Call("ada"), "CC-1"); err == nil {
		t.Error("the account's cost center is deleted")
	}
	want(put(map[string]any{"costCenter": "CC-2"}), "CC-2")
	if err := shop.DeleteCostCenter(t.Context(), k.Call("ada"), "CC-1"); err != nil {
		t.Error(err)
	}
}
