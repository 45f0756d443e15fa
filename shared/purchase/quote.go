package purchase

import (
	"context"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/craft/money"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// quoteKept is how long a quote is remembered after it expired, so that whoever comes late is told
// so rather than that there is none.
const quoteKept = 7 * 24 * time.Hour

// storedQuote is a quote with whose cart it was made from.
type storedQuote struct {
	Quote
	By string `json:"by"`
}

// codes are the cost centers of the lines.
func (q Quote) codes() []string {
	codes := make([]string, len(q.Lines))
	for i, line := range q.Lines {
		codes[i] = line.CostCenter
	}
	return codes
}

// quoteState is a quote's part in an audit record.
type quoteState struct {
	DueToday  money.Amount `json:"dueToday"`
	Recurring money.Amount `json:"recurring"`
	ExpiresAt time.Time    `json:"expiresAt"`
}

// Quote prices lines, or the caller's cart if lines is nil (requirements, section 3.3).
//
// Errors: validation, which names lines[i] of the request or of the cart.
func (s *Service) Quote(ctx context.Context, c *call.Call, lines []CartLineInput) (Quote, error) {
	key := cartKey(c.Account, c.Actor)
	found, err := c.Lookup(ctx, call.AccountKey(c.Account), key)
	if err != nil {
		return Quote{}, err
	}
	a, _, err := account.From(c, found)
	if err != nil {
		return Quote{}, err
	}
	item, exists := found[key]
	held, err := cartOfItem(item, exists)
	if err != nil {
		return Quote{}, err
	}
	codes := codesOf(lines)
	if lines == nil {
		for _, line := range held.Lines {
			codes = append(codes, line.CostCenter)
		}
	}
	terms, _, err := s.terms(ctx, c, a, codes)
	if err != nil {
		return Quote{}, err
	}
	cart, basis := held.Cart, held.Fingerprint()
	if lines != nil {
		basis = ""
		if cart, err = (Cart{}).Replace(terms, lines); err != nil {
			return Quote{}, err
		}
	}
	q, err := makeQuote(terms, cart.Lines, c.At)
	if err != nil {
		return Quote{}, err
	}
	q.ID, q.Basis.Cart = c.Env.IDs.Ordered(), basis
	put, err := putQuote(c.Account, storedQuote{Quote: q, By: c.Actor}, table.IfAbsent)
	if err != nil {
		return Quote{}, err
	}
	audit, err := c.Audit(call.AuditEntry{
		Action: "quote.created", Subject: "quote", SubjectID: q.ID,
		After: quoteState{DueToday: q.DueToday, Recurring: q.Recurring, ExpiresAt: q.ExpiresAt},
	})
	if err != nil {
		return Quote{}, err
	}
	return q, c.Commit(ctx, call.Made(q), put, audit)
}

// FindQuote reads a quote, until 7 days after it expired.
//
// Errors: not-found, also for one that names a cost center that is none of the caller's.
func (s *Service) FindQuote(ctx context.Context, c *call.Call, id string) (Quote, int64, error) {
	item, ok, err := c.Get(ctx, quoteKey(c.Account, id))
	if err != nil {
		return Quote{}, 0, err
	}
	if !ok || item.Expires != 0 && item.Expires <= c.At.Unix() {
		return Quote{}, 0, problem.Missing("quote")
	}
	q, err := theirQuote(ctx, item)
	return q.Quote, item.Version, err
}

func putQuote(account string, q storedQuote, condition table.Condition) (table.Operation, error) {
	data, err := call.Encode(q)
	if err != nil {
		return table.Operation{}, err
	}
	item := table.Item{Key: quoteKey(account, q.ID), Data: data, Expires: q.ExpiresAt.Add(quoteKept).Unix()}
	return table.Put(item, condition), nil
}
