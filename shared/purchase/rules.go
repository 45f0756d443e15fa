package purchase

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/calendar"
	"seatwise/shared/craft/money"
	"seatwise/shared/platform/problem"
)

// maxLineID bounds the id of a line that was split again and again, to what any id in a path may be
// (docs/contract.md).
const maxLineID = 64

// Terms are what an account's purchases depend on, beside its cart.
type Terms struct {
	Catalog *catalog.Catalog
	// HasCostCenter reports whether the account has a cost center of this code, now.
	HasCostCenter func(code string) bool
	// Currency is one that the catalog has prices in.
	Currency string
	// Days is the account's calendar; it decides which day today is, and on which the recurring
	// charge falls due.
	Days calendar.Calendar
}

// browse lists the products of a category and a kind (requirements, section 3.1), in the catalog's
// order and priced in a currency; an empty category or kind selects all.
func browse(c *catalog.Catalog, category string, kind catalog.Kind, currency string) ([]CatalogItem, error) {
	products := c.Select(category, kind)
	items := make([]CatalogItem, 0, len(products))
	for _, p := range products {
		price, ok := p.UnitPrice(currency)
		if !ok {
			return nil, fmt.Errorf("purchase: the catalog has no prices in %q", currency)
		}
		var overage *money.Amount
		if beyond, ok := p.OveragePrice(currency); ok {
			overage = &beyond
		}
		items = append(items, CatalogItem{
			OveragePrice: overage,
			ID:           p.ID,
			Name:         p.Name,
			Description:  p.Description,
			Category:     p.Category,
			Kind:         p.Kind,
			Code:         p.Code,
			Base:         p.Base,
			Price:        price,
			// Never nil: an empty list is [] in JSON.
			Requires: append([]string{}, p.Requires...),
			Excludes: append([]string{}, p.Excludes...),
			Includes: append([]string{}, p.Includes...),
		})
	}
	return items, nil
}

// Replace is the cart with other lines in it. Lines that name an id of the cart keep it; the others
// get the next numbers. The answer to lines that cannot be bought is a validation problem which
// names every field at fault; what is as it is in the cart is not judged (requirements, section 6).
//
// The lines of a request for a quote without a cart are checked in the same way: they are the lines
// of an empty cart, replaced.
func (c Cart) Replace(terms Terms, inputs []CartLineInput) (Cart, error) {
	fields := c.checkLines(terms, inputs)
	next := Cart{Lines: make([]CartLine, 0, len(inputs)), LastLine: c.LastLine}
	kept := make(map[string]bool, len(c.Lines))
	for _, line := range c.Lines {
		kept[line.ID] = true
	}
	for i, in := range inputs {
		id := in.ID
		switch {
		case id == "":
			next.LastLine++
			id = strconv.Itoa(next.LastLine)
		case !kept[id]:
			fields = append(fields, fault(i, "id", problem.UnknownID, "is no line of the cart, or was named before"))
		}
		delete(kept, id)
		next.Lines = append(
			next.Lines,
			CartLine{ID: id, ProductID: in.ProductID, Quantity: in.Quantity, CostCenter: in.CostCenter},
		)
	}
	if len(fields) > 0 {
		return Cart{}, problem.Validation(fields...)
	}
	if fields = c.checkShown(terms, inputs); len(fields) > 0 {
		return Cart{}, problem.Fixed(fields...)
	}
	return next, nil
}

// inputs are the cart's lines as a caller would send them.
func (c Cart) inputs() []CartLineInput {
	inputs := make([]CartLineInput, len(c.Lines))
	for i, line := range c.Lines {
		inputs[i] = CartLineInput{
			ID:         line.ID,
			ProductID:  line.ProductID,
			Quantity:   line.Quantity,
			CostCenter: line.CostCenter,
		}
	}
	return inputs
}

// Add is the cart with one line more, at its end.
func (c Cart) Add(terms Terms, line CartLineInput) (Cart, error) {
	next, err := c.Replace(terms, append(c.inputs(), line))
	return next, alone(err, len(c.Lines))
}

// Change is the cart with one of its lines changed.
//
// Errors: not-found for the line; validation.
func (c Cart) Change(terms Terms, line CartLineInput) (Cart, error) {
	at := c.index(line.ID)
	if at < 0 {
		return Cart{}, problem.Missing("line of the cart")
	}
	inputs := c.inputs()
	inputs[at] = line
	next, err := c.Replace(terms, inputs)
	return next, alone(err, at)
}

// Drop is the cart without one of its lines.
//
// Errors: not-found.
func (c Cart) Drop(line string) (Cart, error) {
	at := c.index(line)
	if at < 0 {
		return Cart{}, problem.Missing("line of the cart")
	}
	next := c.clone()
	next.Lines = slices.Delete(next.Lines, at, at+1)
	return next, nil
}

// alone names the fields of a line that was sent without the others.
func alone(err error, at int) error {
	told, ok := problem.From(err)
	if !ok {
		return err
	}
	for i, f := range told.Fields {
		told.Fields[i].Field = strings.TrimPrefix(f.Field, fmt.Sprintf("lines[%d].", at))
	}
	return told
}

// View is the cart with names, unit prices and totals (requirements, section 3.2).
func (c Cart) View(terms Terms) (CartView, error) {
	view := CartView{Lines: make([]CartViewLine, len(c.Lines)), LastLine: c.LastLine, Total: money.Zero(terms.Currency)}
	for i, line := range c.Lines {
		shown, err := line.view(terms)
		if err != nil {
			return CartView{}, err
		}
		view.Lines[i] = shown
		if shown.Total == nil {
			continue
		}
		if view.Total, err = view.Total.Add(*shown.Total); err != nil {
			return CartView{}, fmt.Errorf("purchase: total up to line %d: %w", i, err)
		}
	}
	return view, nil
}

func (l CartLine) view(terms Terms) (CartViewLine, error) {
	view := CartViewLine{CartLine: l}
	p, ok := terms.Catalog.Lookup(l.ProductID)
	if !ok {
		return view, nil
	}
	view.Name = p.Name
	unit, ok := p.UnitPrice(terms.Currency)
	if !ok {
		return view, nil
	}
	total, err := unit.Mul(int64(l.Quantity))
	if err != nil {
		return view, fmt.Errorf("purchase: total of line %s: %w", l.ID, err)
	}
	view.UnitPrice, view.Total = &unit, &total
	return view, nil
}

// checkShown compares what lines say of names and prices with what the cart shows of them; of a new
// line, with what it will show.
func (c Cart) checkShown(terms Terms, inputs []CartLineInput) []problem.Field {
	var fields []problem.Field
	for i, in := range inputs {
		line := CartLine{ProductID: in.ProductID, Quantity: in.Quantity}
		if at := c.index(in.ID); at >= 0 {
			line = c.Lines[at]
		}
		shown, err := line.view(terms)
		if err != nil {
			continue // whoever prices the cart is told
		}
		const differs = "is read only and differs from what is there"
		if in.Name != "" && in.Name != shown.Name {
			fields = append(fields, fault(i, "name", problem.Unwritable, differs))
		}
		if in.UnitPrice != nil && (shown.UnitPrice == nil || *in.UnitPrice != *shown.UnitPrice) {
			fields = append(fields, fault(i, "unitPrice", problem.Unwritable, differs))
		}
		if in.Total != nil && (shown.Total == nil || *in.Total != *shown.Total) {
			fields = append(fields, fault(i, "total", problem.Unwritable, differs))
		}
	}
	return fields
}

func fault(line int, field string, code problem.Code, format string, args ...any) problem.Field {
	return problem.Fault(fmt.Sprintf("lines[%d].%s", line, field), code, format, args...)
}

func (c Cart) checkLines(terms Terms, inputs []CartLineInput) []problem.Field {
	var fields []problem.Field
	if len(inputs) > maxLines && len(inputs) > len(c.Lines) {
		fields = append(
			fields,
			problem.Field{
				Field:   "lines",
				Code:    problem.TooMany,
				Message: fmt.Sprintf("must be at most %d lines", maxLines),
			},
		)
	}
	total, before := 0, 0
	for _, line := range c.Lines {
		before += line.Quantity
	}
	for i, in := range inputs {
		var was CartLine
		if at := c.index(in.ID); at >= 0 {
			was = c.Lines[at]
		}
		switch p, ok := terms.Catalog.Lookup(in.ProductID); {
		case in.ProductID == was.ProductID && was.ProductID != "":
			// as it is in the cart; a quote says what is no longer sold
		case !ok:
			fields = append(fields, fault(i, "productId", problem.UnknownID, "is no product of the catalog"))
		case !p.Purchasable():
			fields = append(
				fields,
				fault(i, "productId", problem.NotApplicable, "is metered: it is consumed, not bought"),
			)
		}
		if in.Quantity < 1 || in.Quantity > MaxQuantity && in.Quantity != was.Quantity {
			fields = append(fields, fault(i, "quantity", problem.OutOfRange, "must be 1 to %d", MaxQuantity))
		} else {
			total += in.Quantity
		}
		if in.CostCenter != "" && in.CostCenter != was.CostCenter && !terms.HasCostCenter(in.CostCenter) {
			fields = append(fields, fault(i, "costCenter", problem.UnknownID, "is no cost center of the account"))
		}
	}
	if total > MaxQuantity && total > before {
		fields = append(
			fields,
			problem.Field{
				Field:   "lines",
				Code:    problem.TooMany,
				Message: fmt.Sprintf("must be at most %d licenses together", MaxQuantity),
			},
		)
	}
	return fields
}

// AssignCostCenter is the cart with a cost center on the lines named, or on all lines if lineIDs is
// nil (requirements, section 3.2). An empty list that is not nil is refused, for a selection of
// nothing must not become a selection of everything.
func (c Cart) AssignCostCenter(terms Terms, costCenter string, lineIDs []string) (Cart, error) {
	var fields []problem.Field
	if costCenter == "" || !terms.HasCostCenter(costCenter) {
		fields = append(
			fields,
			problem.Field{Field: "costCenter", Code: problem.UnknownID, Message: "is no cost center of the account"},
		)
	}
	if lineIDs != nil && len(lineIDs) == 0 {
		fields = append(
			fields,
			problem.Field{
				Field:   "lineIds",
				Code:    problem.Required,
				Message: "must name a line, or be left out for all lines",
			},
		)
	}
	next := c.clone()
	for i, id := range lineIDs {
		at := next.index(id)
		if at < 0 {
			fields = append(
				fields,
				problem.Field{
					Field:   fmt.Sprintf("lineIds[%d]", i),
					Code:    problem.UnknownID,
					Message: "is no line of the cart",
				},
			)
			continue
		}
		next.Lines[at].CostCenter = costCenter
	}
	if len(fields) > 0 {
		return Cart{}, problem.Validation(fields...)
	}
	if lineIDs == nil {
		for i := range next.Lines {
			next.Lines[i].CostCenter = costCenter
		}
	}
	return next, nil
}

// Split is the cart with one line split into parts, which take its place in the order given
// (requirements, section 3.2, invariant I4): their quantities add up to the line's, and their
// charges will, for the ids of the parts begin with the line's.
func (c Cart) Split(terms Terms, lineID string, parts []SplitPart) (Cart, error) {
	at := c.index(lineID)
	if at < 0 {
		return Cart{}, problem.Missing("line of the cart")
	}
	line := c.Lines[at]
	var fields []problem.Field
	add := func(field string, code problem.Code, format string, args ...any) {
		fields = append(fields, problem.Fault(field, code, format, args...))
	}
	if len(parts) < 2 {
		add("parts", problem.TooFew, "must be at least 2")
	}
	if len(c.Lines)-1+len(parts) > maxLines {
		add("parts", problem.TooMany, "must leave at most %d lines in the cart", maxLines)
	}
	if len(line.ID)+1+len(strconv.Itoa(len(parts))) > maxLineID {
		add("parts", problem.TooMany, "must not come from a line that was split so often")
	}
	split := make([]CartLine, len(parts))
	total := 0
	for i, part := range parts {
		if part.Quantity < 1 || part.Quantity > MaxQuantity {
			add(fmt.Sprintf("parts[%d].quantity", i), problem.OutOfRange, "must be 1 to %d", MaxQuantity)
		} else {
			total += part.Quantity
		}
		if part.CostCenter == "" || !terms.HasCostCenter(part.CostCenter) {
			add(fmt.Sprintf("parts[%d].costCenter", i), problem.UnknownID, "is no cost center of the account")
		}
		split[i] = CartLine{
			ID:         line.ID + "." + strconv.Itoa(i+1),
			ProductID:  line.ProductID,
			Quantity:   part.Quantity,
			CostCenter: part.CostCenter,
		}
	}
	if len(fields) == 0 && total != line.Quantity {
		add("parts", problem.Mismatch, "must add up to the quantity of the line, which is %d", line.Quantity)
	}
	if len(fields) > 0 {
		return Cart{}, problem.Validation(fields...)
	}
	next := c.clone()
	next.Lines = slices.Replace(next.Lines, at, at+1, split...)
	return next, nil
}

// Merge is the cart with lines of the same product and cost center made one, which takes the place
// of the first of them and has an id of its own: among the lines named, or among all if lineIDs is
// nil. Lines that have no other of their kind stay as they are; neither the number of licenses nor
// the total charge changes.
func (c Cart) Merge(lineIDs []string) (Cart, error) {
	var fields []problem.Field
	if lineIDs != nil && len(lineIDs) == 0 {
		fields = append(
			fields,
			problem.Field{
				Field:   "lineIds",
				Code:    problem.Required,
				Message: "must name a line, or be left out for all lines",
			},
		)
	}
	for i, id := range lineIDs {
		if c.index(id) < 0 {
			fields = append(
				fields,
				problem.Field{
					Field:   fmt.Sprintf("lineIds[%d]", i),
					Code:    problem.UnknownID,
					Message: "is no line of the cart",
				},
			)
		}
	}
	if len(fields) > 0 {
		return Cart{}, problem.Validation(fields...)
	}
	next := Cart{LastLine: c.LastLine}
	type kind struct{ product, costCenter string }
	at, merged := map[kind]int{}, map[int]bool{}
	for _, line := range c.Lines {
		k := kind{line.ProductID, line.CostCenter}
		first, found := at[k]
		switch chosen := lineIDs == nil || slices.Contains(lineIDs, line.ID); {
		case chosen && found:
			next.Lines[first].Quantity += line.Quantity
			merged[first] = true
			continue
		case chosen:
			at[k] = len(next.Lines)
		}
		next.Lines = append(next.Lines, line)
	}
	for i := range next.Lines {
		if merged[i] {
			next.LastLine++
			next.Lines[i].ID = strconv.Itoa(next.LastLine)
		}
	}
	if next.Lines == nil {
		next.Lines = []CartLine{}
	}
	return next, nil
}

// Fingerprint is the same for carts that would be bought alike: it covers products, quantities and
// cost centers in their order, and not the ids of the lines.
func (c Cart) Fingerprint() string {
	h := sha256.New()
	for _, line := range c.Lines {
		// Quoted, so that no two carts are written alike. A hash never fails to write.
		fmt.Fprintf(h, "%q %d %q\n", line.ProductID, line.Quantity, line.CostCenter)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (c Cart) clone() Cart { return Cart{Lines: slices.Clone(c.Lines), LastLine: c.LastLine} }

func (c Cart) index(lineID string) int {
	return slices.IndexFunc(c.Lines, func(line CartLine) bool { return line.ID == lineID })
}

// Period is the billing period that a moment lies in, as days of the account's own calendar.
type Period struct {
	// Next is the billing date after today, which it never is itself, and Start is a month before
	// it: prices are for a month, also where a changed billing day made the period shorter
	// (requirements, section 12). They and Today are midnights in UTC that stand for days, so that
	// summer time cannot shorten one.
	Start, Today, Next time.Time
}

// periodAt finds the billing period of now (requirements, section 3.3). On the billing day itself
// the next billing date is a month away and the whole month is due: the day's own bill was for the
// licenses that were there when the day began.
func periodAt(now time.Time, terms Terms) (Period, error) {
	if terms.Days.IsZero() {
		return Period{}, errors.New("purchase: the terms have no calendar")
	}
	today := terms.Days.Day(now)
	_, next := terms.Days.Period(today)
	return Period{Start: next.AddDate(0, -1, 0), Today: today, Next: next}, nil
}

// Days is the length of the period: 28 to 31.
func (p Period) Days() int { return daysBetween(p.Start, p.Next) }

// DaysLeft counts the days from today, today included, to the next billing date: 1 to Days.
func (p Period) DaysLeft() int { return daysBetween(p.Today, p.Next) }

// NextBillingDate is the next billing date as YYYY-MM-DD.
func (p Period) NextBillingDate() string { return p.Next.Format(time.DateOnly) }

func daysBetween(from, to time.Time) int { return int(to.Sub(from) / (24 * time.Hour)) }

// makeQuote makes a quote of lines (requirements, section 3.3), without its id and without the
// fingerprint of the cart, which are the caller's to set.
//
// The month's charge of a line is exact: the unit price times the quantity. What is due today is
// the month's total times the days left over the days of the period, rounded once to the nearest
// minor unit, and then shared out among the lines by largest remainder; so the lines, the cost
// centers and the total agree to the cent. The sharing follows the way lines were split: first
// among the lines as they were added, then from each of these among its parts, and so on. So
// splitting a line changes neither the total nor any other line, and the parts have exactly what
// the line had (invariant I4).
func makeQuote(terms Terms, lines []CartLine, now time.Time) (Quote, error) {
	period, err := periodAt(now, terms)
	if err != nil {
		return Quote{}, err
	}
	if err := checkQuotable(terms, lines); err != nil {
		return Quote{}, err
	}
	q := Quote{
		Lines:           make([]QuoteLine, len(lines)),
		NextBillingDate: period.NextBillingDate(),
		Proration: Proration{
			From:       period.Today.Format(time.DateOnly),
			To:         period.NextBillingDate(),
			Days:       period.DaysLeft(),
			PeriodDays: period.Days(),
		},
		CreatedAt: now.UTC(),
		ExpiresAt: now.UTC().Add(quoteLifetime),
		Basis:     Basis{Catalog: terms.Catalog.Version()},
		Recurring: money.Zero(terms.Currency),
	}
	shares := make([]share, len(lines))
	for i, line := range lines {
		p, _ := terms.Catalog.Lookup(line.ProductID)
		unit, ok := p.UnitPrice(terms.Currency)
		if !ok {
			return Quote{}, fmt.Errorf("purchase: the catalog has no prices in %q", terms.Currency)
		}
		recurring, err := unit.Mul(int64(line.Quantity))
		if err != nil {
			return Quote{}, fmt.Errorf("purchase: price of line %d: %w", i, err)
		}
		if q.Recurring, err = q.Recurring.Add(recurring); err != nil {
			return Quote{}, fmt.Errorf("purchase: total up to line %d: %w", i, err)
		}
		q.Lines[i] = QuoteLine{
			ProductID: p.ID, Name: p.Name, Quantity: line.Quantity, CostCenter: line.CostCenter,
			UnitPrice: unit, Recurring: recurring,
		}
		shares[i] = share{path: line.ID, weight: recurring.Minor, due: &q.Lines[i].DueToday}
	}
	if q.DueToday, err = q.Recurring.Prorate(int64(period.DaysLeft()), int64(period.Days())); err != nil {
		return Quote{}, fmt.Errorf("purchase: due today: %w", err)
	}
	if err := shareOut(q.DueToday, shares); err != nil {
		return Quote{}, fmt.Errorf("purchase: due today by line: %w", err)
	}
	if q.ByCostCenter, err = totals(terms.Currency, q.Lines); err != nil {
		return Quote{}, err
	}
	return q, nil
}

// checkQuotable looks for what a cart may still lack and a quote may not, and for what the cart
// refers to and is gone since.
func checkQuotable(terms Terms, lines []CartLine) error {
	if len(lines) == 0 {
		return problem.Invalid("lines", problem.Required, "must not be empty: there is nothing to buy")
	}
	var fields []problem.Field
	for i, line := range lines {
		if p, ok := terms.Catalog.Lookup(line.ProductID); !ok || !p.Purchasable() {
			fields = append(fields, fault(i, "productId", problem.NotApplicable, "is no longer sold"))
		}
		if line.CostCenter == "" {
			fields = append(fields, fault(i, "costCenter", problem.Required, "must be chosen"))
		} else if !terms.HasCostCenter(line.CostCenter) {
			fields = append(
				fields,
				fault(i, "costCenter", problem.UnknownID, "is no longer a cost center of the account"),
			)
		}
	}
	if len(fields) > 0 {
		return problem.Validation(fields...)
	}
	return nil
}

// share is one line's part in sharing out an amount.
type share struct {
	// path is what remains of the line's id: the steps by which it was split, joined by dots.
	path   string
	weight int64
	due    *money.Amount
}

// shareOut shares a total out by largest remainder, among those that differ in the first step of
// their path; what several with the same first step get together is shared out among them in the
// same way.
func shareOut(total money.Amount, shares []share) error {
	if len(shares) == 1 {
		*shares[0].due = total
		return nil
	}
	var (
		weights []int64
		groups  [][]share
		at      = make(map[string]int)
	)
	for _, s := range shares {
		step, rest, _ := strings.Cut(s.path, ".")
		i, ok := at[step]
		if !ok || step == "" {
			i = len(groups)
			at[step] = i
			groups, weights = append(groups, nil), append(weights, 0)
		}
		s.path = rest
		groups[i] = append(groups[i], s)
		weights[i] += s.weight
	}
	parts, err := total.Apportion(weights)
	if err != nil {
		return err
	}
	for i, group := range groups {
		if err := shareOut(parts[i], group); err != nil {
			return err
		}
	}
	return nil
}

// totals adds the lines up by cost center, in the order of the codes.
func totals(currency string, lines []QuoteLine) ([]CostCenterTotal, error) {
	var sums []CostCenterTotal
	for _, line := range lines {
		i := slices.IndexFunc(sums, func(t CostCenterTotal) bool { return t.CostCenter == line.CostCenter })
		if i < 0 {
			i = len(sums)
			sums = append(sums, CostCenterTotal{
				CostCenter: line.CostCenter, Recurring: money.Zero(currency), DueToday: money.Zero(currency),
			})
		}
		var err error
		if sums[i].Recurring, err = sums[i].Recurring.Add(line.Recurring); err != nil {
			return nil, fmt.Errorf("purchase: recurring by cost center: %w", err)
		}
		if sums[i].DueToday, err = sums[i].DueToday.Add(line.DueToday); err != nil {
			return nil, fmt.Errorf("purchase: due today by cost center: %w", err)
		}
	}
	slices.SortFunc(sums, func(a, b CostCenterTotal) int { return cmp.Compare(a.CostCenter, b.CostCenter) })
	return sums, nil
}

// checkOrder decides whether a quote may be ordered now (requirements, section 3.4). The problem is
// not-acknowledged, wrong-state for a quote that was ordered before, quote-expired, or quote-stale
// with what changed: the cart (only if the quote was made from it), the catalog, a price, a cost
// center that is gone, or the account's currency or billing date. A quote that outlives midnight
// holds as it stands, unless the new day is a billing date.
func checkOrder(terms Terms, q Quote, cart Cart, acknowledged bool, now time.Time) error {
	if !acknowledged {
		return problem.New(problem.NotAcknowledged, "An order needs acknowledged: true: "+AcknowledgementText)
	}
	if q.OrderID != "" {
		p := problem.Newf(problem.WrongState, "This quote has been ordered already; the order is %s.", q.OrderID)
		p.OrderID = q.OrderID
		return p
	}
	if !now.Before(q.ExpiresAt) {
		return problem.New(problem.QuoteExpired, "The quote has expired; ask for a new one.")
	}
	stale := func(what string) error {
		return problem.New(problem.QuoteStale, what+" changed since the quote; ask for a new one.")
	}
	if q.Basis.Cart != "" && q.Basis.Cart != cart.Fingerprint() {
		return stale("The cart has")
	}
	if q.Recurring.Currency != terms.Currency {
		return stale("The currency of the account has")
	}
	for _, line := range q.Lines {
		p, ok := terms.Catalog.Lookup(line.ProductID)
		if !ok || !p.Purchasable() {
			return stale("The catalog has")
		}
		if price, ok := p.UnitPrice(terms.Currency); !ok || price != line.UnitPrice {
			return stale("A price has")
		}
		if !terms.HasCostCenter(line.CostCenter) {
			return stale("The account's cost centers have")
		}
	}
	if q.Basis.Catalog != terms.Catalog.Version() {
		return stale("The catalog has")
	}
	period, err := periodAt(now, terms)
	if err != nil {
		return err
	}
	if period.NextBillingDate() != q.NextBillingDate {
		return stale("The next billing date has")
	}
	return nil
}

// placeOrder makes the order of a quote that checkOrder has let pass. It is placing until all its
// licenses are there.
func placeOrder(id, number string, q Quote, by string, now time.Time) Order {
	o := Order{
		ID:              id,
		Number:          number,
		QuoteID:         q.ID,
		State:           OrderPlacing,
		PlacedAt:        now.UTC(),
		PlacedBy:        by,
		Acknowledgement: AcknowledgementText,
		Lines:           slices.Clone(q.Lines),
		DueToday:        q.DueToday,
		Recurring:       q.Recurring,
		ByCostCenter:    slices.Clone(q.ByCostCenter),
		NextBillingDate: q.NextBillingDate,
		Proration:       q.Proration,
	}
	for _, line := range q.Lines {
		o.LicenseCount += line.Quantity
	}
	return o
}

// orderNumber makes nine digits, the first not 0, of something random: short enough to say, and
// sparse enough that a digit heard wrong is hardly ever another order.
func orderNumber(random string) string {
	sum := fnv.New64a()
	sum.Write([]byte(random))
	digits := strconv.FormatUint(100_000_000+sum.Sum64()%900_000_000, 10)
	return digits[:3] + "-" + digits[3:6] + "-" + digits[6:]
}

// spoken is an order number as it is stored, however somebody wrote it: with spaces, hyphens, or
// digits alone.
func spoken(number string) (string, bool) {
	digits := strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '.' {
			return -1
		}
		return r
	}, number)
	if len(digits) != 9 || strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) {
		return "", false
	}
	return digits[:3] + "-" + digits[3:6] + "-" + digits[6:], true
}

// Holding is a number of licenses of one product in one cost center, terminated ones left out.
type Holding struct {
	ProductID  string
	CostCenter string
	Quantity   int
}

// billingOf adds up what an account pays from its next billing date on (requirements, section 3.6):
// today's catalog price of every license that is not terminated then. Products come in the
// catalog's order, cost centers in the order of their codes; what has no license is left out.
func billingOf(terms Terms, holdings []Holding, overageUsers int, now time.Time) (Billing, error) {
	period, err := periodAt(now, terms)
	if err != nil {
		return Billing{}, err
	}
	b := Billing{
		NextBillingDate: period.NextBillingDate(), Recurring: money.Zero(terms.Currency), OverageUsers: overageUsers,
		ByProduct: []ProductCharge{}, ByCostCenter: []CostCenterCharge{},
	}
	quantities := make(map[string]int)
	centers := make(map[string]money.Amount)
	for _, h := range holdings {
		if h.Quantity == 0 {
			continue
		}
		price, err := terms.Catalog.Price(h.ProductID, terms.Currency)
		if err != nil {
			return Billing{}, fmt.Errorf("purchase: billing: %w", err)
		}
		charge, err := price.Mul(int64(h.Quantity))
		if err != nil {
			return Billing{}, fmt.Errorf("purchase: billing of %s: %w", h.ProductID, err)
		}
		if b.Recurring, err = b.Recurring.Add(charge); err != nil {
			return Billing{}, fmt.Errorf("purchase: billing: %w", err)
		}
		if _, ok := centers[h.CostCenter]; !ok {
			centers[h.CostCenter] = money.Zero(terms.Currency)
		}
		if centers[h.CostCenter], err = centers[h.CostCenter].Add(charge); err != nil {
			return Billing{}, fmt.Errorf("purchase: billing of cost center: %w", err)
		}
		quantities[h.ProductID] += h.Quantity
	}
	for _, p := range terms.Catalog.Products() {
		n := quantities[p.ID]
		if n == 0 {
			continue
		}
		price, err := terms.Catalog.Price(p.ID, terms.Currency)
		if err != nil {
			return Billing{}, fmt.Errorf("purchase: billing: %w", err)
		}
		charge, err := price.Mul(int64(n))
		if err != nil {
			return Billing{}, fmt.Errorf("purchase: billing of %s: %w", p.ID, err)
		}
		b.ByProduct = append(
			b.ByProduct,
			ProductCharge{ProductID: p.ID, Name: p.Name, Quantity: n, UnitPrice: price, Recurring: charge},
		)
	}
	for code, charge := range centers {
		b.ByCostCenter = append(b.ByCostCenter, CostCenterCharge{CostCenter: code, Recurring: charge})
	}
	slices.SortFunc(b.ByCostCenter, func(x, y CostCenterCharge) int { return cmp.Compare(x.CostCenter, y.CostCenter) })
	return b, nil
}
