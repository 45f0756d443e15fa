package browser_test

import (
	"testing"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
)

// consumes has two people wait or hold seats by a call queue, somebody hold a metered license, and
// licenses be bought for two cost centers.
func (s *scene) consumes() {
	s.t.Helper()
	ctx := s.t.Context()
	s.detroitAndBelmont()
	_, err := s.api.PutUser(ctx, "eve", client.PutUserRequest{
		Name: "Eve Moss", Licenses: client.Set([]string{"essential-user"}),
	}, key())
	s.must(err)
	lines := []client.QuoteLineInput{{ProductID: "developer", Quantity: 3, CostCenter: "CC-2"}}
	quote, err := s.api.CreateQuote(ctx, client.CreateQuoteRequest{Lines: &lines}, key())
	s.must(err)
	_, err = s.api.PlaceOrder(ctx, client.PlaceOrderRequest{QuoteID: quote.Body.ID, Acknowledged: new(true)}, key())
	s.must(err)
}

// From Billing to a period, to a line of it, to its days, and to who is behind one.
func TestWhyAPeriodCostsWhatItDoes(t *testing.T) {
	task(t, every, map[string]int64{"live-reports": 4}, func(s *scene) {
		s.consumes()
		period, err := s.api.GetPeriod(s.t.Context(), "current")
		s.must(err)
		line, err := s.api.GetPeriodLine(s.t.Context(), "current", metered(period.Body).ID, client.GetPeriodLineQuery{})
		s.must(err)
		s.signIn(s.account, "ada")
		s.click("Billing")
		s.click("Billing periods")
		s.see("open", "so far")
		f := view.NewFormat("en-US", nil)
		s.click(f.Day(period.Body.From))
		s.see("By cost center", "CC-1 Support", "CC-2 Sales", "Lines")
		s.choose("Kind", "Metered")
		s.click("Show")
		s.see("Total of these lines")
		s.miss("Prorated, Developer")
		s.click("Metered, Essential User (charged by use)")
		s.see("amount of the line", "Days")
		s.click(f.Day(line.Body.Days[0].Day))
		s.see("Held by", "Eve Moss")
		s.click("Eve Moss")
		s.see("Essential User")
	})
}

func metered(p client.PeriodView) client.Line {
	for _, l := range p.Lines {
		if l.Kind == "metered" {
			return l
		}
	}
	return client.Line{}
}
