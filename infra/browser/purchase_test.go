package browser_test

import (
	"strings"
	"testing"

	"seatwise/shared/console/client"
)

// The seeds 1 and 2, "Purchasing Live Reports licenses" of the Admin Portal.
func TestPurchaseInTheAdminPortal(t *testing.T) {
	task(t, every, nil, func(s *scene) {
		s.does("P1")
		s.signIn(s.account, "ada")
		s.does("P2")
		s.click("Billing")
		s.does("P3")
		s.click("Purchase")
		s.does("P4")
		s.see("Live Reports")
		s.does("P5")
		s.in("Live Reports", func() { s.fill("Quantity", 4) })
		s.does("P6")
		s.in("Live Reports", func() { s.click("Add to Cart") })
		s.see("Check Out (4)")
		s.aside(func() { s.in("Call Queue Booster", func() { s.click("Add to Cart") }) })
		s.does("P7")
		s.click("Check Out")
		s.does("P8")
		s.fill("Quantity of Live Reports", 6)
		s.does("P9")
		s.choose("Select Cost Center", "CC-1")
		s.does("P10")
		s.click("Select Live Reports")
		s.click("Assign to Selected")
		s.holds("Cost center of Live Reports", "CC-1")
		s.holds("Cost center of Call Queue Booster", "")
		s.does("P11")
		s.click("New cost center")
		s.fill("Cost Center Code", "CC-NEW")
		s.click("Make it")
		s.see("CC-NEW")
		s.does("P12")
		s.choose("Select Cost Center", "CC-2")
		s.click("Assign to All")
		s.holds("Cost center of Live Reports", "CC-2")
		s.holds("Cost center of Call Queue Booster", "CC-2")
		s.does("P13")
		s.choose("Cost center of Call Queue Booster", "CC-1")
		s.does("P14")
		s.click("Split Live Reports")
		s.fill("Quantity of part 1", 2)
		s.choose("Cost center of part 1", "CC-1")
		s.fill("Quantity of part 2", 4)
		s.choose("Cost center of part 2", "CC-2")
		s.click("Split")
		s.see("$50.00", "$100.00", "$185.00")
		s.does("P15")
		s.click("Next")
		s.see("Review Order", "Itemized charges", "due today", "next billing date")
		s.click("I have read and understood")
		s.click("Confirm")
		s.does("P16")
		s.see("Statement", "Order number")
		s.prints("Print")
		s.click("Done")
		s.does("P17")
		s.click("Service Billing Details")
		s.see("next billing date", "By cost center")
		s.bought("live-reports", 6)
		s.bought("call-queue-booster", 1)
	})
}

// prints presses a button that prints; without script there is none, and the browser's own prints.
func (s *scene) prints(name string) {
	s.t.Helper()
	if s.how == withoutScript {
		if s.has(name) {
			s.t.Errorf("%q is offered, and can do nothing without script", name)
		}
		return
	}
	asks[bool](s.person, `(window.print = () => { document.documentElement.dataset.printed = "yes" }, true)`)
	s.click(name)
	if !asks[bool](s.person, `document.documentElement.dataset.printed === "yes"`) {
		s.t.Errorf("%q prints nothing", name)
	}
}

// bought demands how many licenses of a product the account has, as the API counts them.
func (s *scene) bought(product string, n int64) {
	s.t.Helper()
	if got := s.summary(product).Bought; got != n {
		s.t.Errorf("%d licenses of %s are bought, want %d", got, product, n)
	}
}

func (s *scene) summary(product string) client.ProductSummary {
	s.t.Helper()
	answer, err := s.api.SummarizeLicenses(s.t.Context())
	s.must(err)
	for _, p := range answer.Body.Items {
		if strings.EqualFold(p.ProductID, product) {
			return p
		}
	}
	s.t.Fatalf("there is no product %s", product)
	return client.ProductSummary{}
}
