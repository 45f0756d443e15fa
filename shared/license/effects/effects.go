// Package effects reads what changes of licenses, holders and counts mean for seats, people and
// money (requirements, section 12, "Dry run"). It decides nothing: the changes are those of the
// kernel's own commits.
package effects

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/plan"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/overlay"
)

// Reader reads what changes of the kernel's items mean, by the products of a catalog.
func Reader(products *catalog.Catalog) plan.Reader {
	summaries := inventory.NewService(products)
	return func(ctx context.Context, in plan.Scope, out *plan.Outcome) error {
		theirs, err := access.CostCenters(ctx)
		if err != nil {
			return fmt.Errorf("effects: %w", err)
		}
		r := reading{
			products: products, account: in.Account, out: out, confirmed: map[table.Key]bool{}, theirs: theirs,
		}
		for _, change := range in.Changes {
			if change.Is && change.Key.Partition == call.Partition(in.Account, "CONFIRMED") {
				r.confirmed[change.Key] = true
			}
		}
		for _, change := range in.Changes {
			if err := r.read(change); err != nil {
				return err
			}
		}
		r.sum()
		if in.Run == nil || len(in.Changes) == 0 {
			return nil
		}
		if err := r.seats(ctx, summaries, in); err != nil {
			return err
		}
		return r.charge()
	}
}

type reading struct {
	products *catalog.Catalog
	account  string
	out      *plan.Outcome
	// confirmed are the markers of the orders that are confirmed by the changes.
	confirmed map[table.Key]bool
	// recurring is by how many licenses of each product the caller has more to pay for.
	recurring map[string]int64
	// theirs is to which cost centers the caller is limited: what becomes of others is a fact that a
	// plan promises too, and is not told.
	theirs auth.Limit
}

// read reads one change.
func (r *reading) read(change overlay.Change) error {
	kind, ours := strings.CutPrefix(change.Key.Partition, call.Partition(r.account))
	kind, _, _ = strings.Cut(kind, "#")
	switch {
	case !ours:
		return nil
	case kind == "LICENSE":
		return r.license(change)
	case kind == "HOLDER":
		return r.holder(change)
	case kind == "CONFIRMED":
		return r.order(change)
	case change.Key == (table.Key{Partition: record.SeatsPartition(r.account), Sort: catalog.WallboardID}):
		used := record.CountName(record.CountAssigned, catalog.WallboardID)
		r.more(catalog.WallboardID, "", "", change.After.Counts[used]-change.Before.Counts[used])
	}
	return nil
}

// more counts licenses of a product and a cost center that come or go, and what is to be paid for those
// that are charged to one of the caller's.
func (r *reading) more(product, costCenter, charged string, n int64) {
	if n == 0 {
		return
	}
	if r.recurring == nil {
		r.recurring = map[string]int64{}
	}
	if r.theirs.Has(charged) {
		r.recurring[product] += n
	}
	r.out.Add(fact("licenses", product, costCenter), n)
}

// fact names a fact of parts that may hold anything.
func fact(parts ...string) string {
	name, _ := json.Marshal(parts) // strings can always be encoded
	return string(name)
}

// documents decodes both sides of a change; what is not there is nil.
func documents[T any](change overlay.Change) (before, after *T, err error) {
	decode := func(there bool, item table.Item) *T {
		if !there || err != nil {
			return nil
		}
		var v T
		v, err = call.Decode[T](item)
		return &v
	}
	before = decode(change.Was, change.Before)
	after = decode(change.Is, change.After)
	return before, after, err
}

// license reads a change of a license. One that nobody sees yet is none.
func (r *reading) license(change overlay.Change) error {
	before, after, err := documents[record.Document](change)
	if err != nil {
		return err
	}
	was, is := stateOf(before), stateOf(after)
	switch {
	case was == nil && is == nil, was != nil && is != nil && *was == *is:
		return nil
	case was == nil && after.Pending && !r.confirmed[record.MarkerKey(r.account, after.ID)]:
		return nil
	}
	for _, side := range []struct {
		of    *record.Document
		state *plan.LicenseState
		n     int64
	}{{before, was, -1}, {after, is, 1}} {
		if was == nil && after.OrderID != "" {
			break // the order counts its licenses
		}
		if side.state != nil && side.state.Status != string(record.Terminated) {
			r.more(side.state.ProductID, side.state.CostCenter, side.of.ChargedTo(), side.n)
		}
	}
	if !r.shows(before, after) {
		return nil
	}
	r.out.Counts.Licenses++
	r.out.Licenses = append(r.out.Licenses, plan.LicenseEffect{ID: change.Key.Sort, Before: was, After: is})
	return nil
}

// shows says whether a license is the caller's, before or after.
func (r *reading) shows(before, after *record.Document) bool {
	return before != nil && r.theirs.Has(before.ChargedTo()) || after != nil && r.theirs.Has(after.ChargedTo())
}

// order counts the licenses of an order that is confirmed.
func (r *reading) order(change overlay.Change) error {
	before, after, err := documents[record.ConfirmedOrder](change)
	if err != nil || before != nil || after == nil {
		return err
	}
	for _, lot := range after.Lots {
		r.more(lot.ProductID, lot.CostCenter, lot.CostCenter, int64(lot.Quantity))
	}
	return nil
}

func stateOf(l *record.Document) *plan.LicenseState {
	if l == nil {
		return nil
	}
	return &plan.LicenseState{
		ProductID: l.ProductID, Status: string(l.Status), UserID: l.UserID, Extension: l.Extension,
		CostCenter: l.CostCenter,
	}
}

// holder reads what somebody gains, loses and waits for.
func (r *reading) holder(change overlay.Change) error {
	before, after, err := documents[record.Holder](change)
	if err != nil {
		return err
	}
	was, is := holdingsOf(before), holdingsOf(after)
	u := plan.PersonEffect{Gains: []string{}, Loses: []string{}, Waits: []string{}}
	for _, product := range sortedKeys(was, is) {
		b, a := was[product], is[product]
		switch {
		case b.holds && !a.holds:
			u.Loses = append(u.Loses, product)
		case !b.holds && a.holds:
			u.Gains = append(u.Gains, product)
		}
		switch {
		case !b.waits && a.waits:
			u.Waits = append(u.Waits, product)
		case b.waits && !a.waits && !a.holds:
			u.Stops = append(u.Stops, product)
		}
	}
	if len(u.Gains)+len(u.Loses)+len(u.Waits)+len(u.Stops) == 0 {
		return nil
	}
	shown := false
	for _, h := range []*record.Holder{before, after} {
		if h != nil {
			u.UserID = h.UserID
			shown = shown || r.theirs.Has(h.CostCenter)
		}
	}
	for what, products := range map[string][]string{
		"gains": u.Gains, "loses": u.Loses, "waits": u.Waits, "stops": u.Stops,
	} {
		for _, product := range products {
			r.out.Add(fact(what, u.UserID, product), 1)
		}
	}
	if !shown {
		return nil
	}
	r.out.Counts.Users++
	r.out.Counts.Gains += len(u.Gains)
	r.out.Counts.Loses += len(u.Loses)
	r.out.Counts.Waits += len(u.Waits)
	r.out.Users = append(r.out.Users, u)
	return nil
}

type stand struct{ holds, waits bool }

func holdingsOf(h *record.Holder) map[string]stand {
	all := map[string]stand{}
	if h == nil {
		return all
	}
	for product, holding := range h.Holdings {
		all[product] = stand{holds: holding.LicenseID != "", waits: holding.Waiting != ""}
	}
	return all
}

func sortedKeys(maps ...map[string]stand) []string {
	var keys []string
	for _, m := range maps {
		for key := range m {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return keys
}

// sum puts what is named into its order and cuts it off; everything is counted by then.
func (r *reading) sum() {
	slices.SortFunc(r.out.Licenses, func(a, b plan.LicenseEffect) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(r.out.Users, func(a, b plan.PersonEffect) int { return cmp.Compare(a.UserID, b.UserID) })
	r.out.Licenses = r.out.Licenses[:min(len(r.out.Licenses), plan.MaxNamed)]
	r.out.Users = r.out.Users[:min(len(r.out.Users), plan.MaxNamed)]
}

// seats compares the summary of before with that of after.
func (r *reading) seats(ctx context.Context, summaries *inventory.Service, in plan.Scope) error {
	summary := func(store table.Store) ([]inventory.Summary, error) {
		return summaries.TheirSummary(ctx, &call.Call{Env: &app.Env{Table: store}, Account: in.Account})
	}
	after, err := summary(in.Run)
	if err != nil {
		return err
	}
	before, err := summary(in.Run.Before()) // of what was read for after, so that only the changes differ
	if err != nil {
		return err
	}
	for i, b := range before {
		a := after[i]
		s := plan.SeatEffect{
			ProductID: b.ProductID,
			Bought:    plan.Pair{b.Bought, a.Bought},
			Assigned:  plan.Pair{b.Assigned, a.Assigned},
			Available: plan.Pair{b.Available, a.Available},
			Waiting:   plan.Pair{b.Waiting, a.Waiting},
		}
		for _, pair := range []plan.Pair{s.Bought, s.Assigned, s.Available, s.Waiting} {
			if pair[0] != pair[1] {
				r.out.Seats = append(r.out.Seats, s)
				break
			}
		}
	}
	return nil
}

// charge says what the licenses that come and go cost a month.
func (r *reading) charge() error {
	for product, n := range r.recurring {
		price, err := r.products.Price(product, r.out.Money.Recurring.Currency)
		if err != nil {
			return fmt.Errorf("effects: %w", err)
		}
		r.out.Money.Recurring.Minor += n * price.Minor
	}
	return nil
}
