package view_test

import (
	"testing"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
)

// An amount that is typed is read to the minor unit, and shown as it would be typed.
func TestMoneyIsTypedToTheMinorUnit(t *testing.T) {
	for text, want := range map[string]client.Money{
		"250.00": {Amount: 25000, Currency: "USD"}, "0.05": {Amount: 5, Currency: "USD"},
		"99.50": {Amount: 9950, Currency: "EUR"}, "250": {Amount: 250, Currency: "JPY"},
	} {
		if got, ok := view.MoneyOf(text, want.Currency); !ok || got != want || view.TypedMoney(want) != text {
			t.Errorf("%s %s is %+v, and %+v is typed as %s", text, want.Currency, got, want, view.TypedMoney(want))
		}
	}
	if got, ok := view.MoneyOf("99.5", "USD"); !ok || got.Amount != 9950 {
		t.Errorf("99.5 is %+v", got)
	}
	for _, text := range []string{"", ".5", "1,5", "1.505", "-1", "+1", "1.-5", "a"} {
		if got, ok := view.MoneyOf(text, "USD"); ok {
			t.Errorf("%q is %+v", text, got)
		}
	}
}
