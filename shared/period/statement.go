package period

import (
	"cmp"
	"context"
	"strings"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/license"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/purchase"
)

// Statement is a period as it is printed: with the account, and what people call products and cost
// centers.
type Statement struct {
	View

	Account account.Account
	// CostCenter is the only one whose lines it has; empty for all.
	CostCenter string
	// Products and CostCenters are names by id, as they are today; one that is gone is left out.
	Products, CostCenters map[string]string
	// Location is the time zone of the days.
	Location *time.Location
	// Entries are the lines with all that is behind them, where they were asked for.
	Entries []Entry
}

// StatementOf names a statement: of the period that begins with First, and of one cost center, or of
// all if it is empty.
type StatementOf struct{ First, CostCenter string }

// Statement reads a period with what a page or a document of it says beside the figures.
//
// Errors: not-found.
func (s *Service) Statement(ctx context.Context, c *call.Call, of StatementOf) (Statement, error) {
	st, _, err := s.statement(ctx, c, of)
	return st, err
}

// Chargeback is Statement with the days of each line, and the licenses and people behind them. It
// reads no license: a closed period has kept them, and any other is folded from all.
//
// Errors: not-found.
func (s *Service) Chargeback(ctx context.Context, c *call.Call, of StatementOf) (Statement, error) {
	st, f, err := s.statement(ctx, c, of)
	if err != nil {
		return Statement{}, err
	}
	err = f.opened(ctx, c)
	st.Entries = f.bill.Entries
	return st, err
}

// opened reads what is behind the lines; a period that is not closed was folded with it.
func (f found) opened(ctx context.Context, c *call.Call) error {
	if f.sealed == nil {
		return nil
	}
	shares, err := allShares(ctx, c, f.sealed)
	for i, e := range f.bill.Entries {
		f.bill.Entries[i].Shares = shares[e.ID]
	}
	return err
}

// allShares reads what is behind all lines of a closed period, by line.
func allShares(ctx context.Context, c *call.Call, p *closed) (map[string][]Share, error) {
	shares := map[string][]Share{}
	query := table.Query{Partition: partsPartition(c.Account, p.From, p.Digest), Prefix: sharesPrefixes}
	err := table.All(ctx, c.Env.Table, query, func(item table.Item) error {
		line, _, _ := strings.Cut(strings.TrimPrefix(item.Key.Sort, sharesPrefixes), "#")
		some, err := call.Decode[[]Share](item)
		shares[line] = append(shares[line], some...)
		return err
	})
	return shares, err
}

func (s *Service) statement(ctx context.Context, c *call.Call, of StatementOf) (Statement, found, error) {
	f, err := s.find(ctx, c, of.First)
	if err != nil {
		return Statement{}, found{}, err
	}
	if of.CostCenter != "" {
		if f.bill, err = f.bill.only(func(code string) bool { return code == of.CostCenter }); err != nil {
			return Statement{}, found{}, err
		}
		f.expected = nil // it is of all cost centers
	}
	st := Statement{
		View: f.view(c), Account: f.of.Account, CostCenter: of.CostCenter,
		Location: f.of.days.Zone(f.span.first),
		Products: map[string]string{}, CostCenters: map[string]string{},
	}
	keys := map[string]table.Key{}
	for _, l := range st.Lines {
		if p, ok := s.products.Lookup(l.ProductID); ok {
			st.Products[l.ProductID] = p.Name
		}
		if auth.ValidID(l.CostCenter) { // what is charged to none has none
			keys[l.CostCenter] = license.CostCenterKey(c.Account, l.CostCenter)
		}
	}
	if len(keys) == 0 {
		return st, f, nil
	}
	var asked []table.Key
	for _, key := range keys {
		asked = append(asked, key)
	}
	known, err := c.Lookup(ctx, asked...)
	if err != nil {
		return Statement{}, found{}, err
	}
	for code, key := range keys {
		item, there := known[key]
		if !there {
			continue
		}
		center, err := call.Decode[purchase.CostCenter](item)
		if err != nil {
			return Statement{}, found{}, err
		}
		st.CostCenters[code] = center.Name
	}
	return st, f, nil
}

// only is the bill of some cost centers.
func (b Bill) only(has func(costCenter string) bool) (Bill, error) {
	entries := []Entry{}
	for _, e := range b.Entries {
		if has(e.CostCenter) {
			entries = append(entries, e)
		}
	}
	b.Entries = entries
	return b.added()
}

// ProductName is what people call a product; its id where it has no name.
func (st Statement) ProductName(id string) string { return cmp.Or(st.Products[id], id) }
