package license

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

const (
	// MaxAtomic is the most items of a call for all or none (requirements, section 4): each takes a
	// holder, a license, a pool entry and an audit record, and one commit has 100.
	MaxAtomic = 24
	// bulkGroup is how many items one commit takes on at first; fewer when they do not fit, or when
	// others keep changing the same things.
	bulkGroup = 20
	// releaseWait bounds the release of a claim after the request's own time is over.
	releaseWait = 2 * time.Second
)

// Mode says what becomes of a bulk call in which some items fail.
type Mode int

const (
	// Each item has a result of its own.
	Each Mode = iota
	// AllOrNone of the items are carried out.
	AllOrNone
)

// Item is one item of a bulk call: by product and user, or, in other calls, by license.
type Item struct {
	ProductID, UserID, Extension, LicenseID string
	// CostCenter is that of the seat that is asked for, or empty.
	CostCenter string
}

// ItemResult is what became of an item.
type ItemResult struct {
	Index     int      `json:"index" doc:"Position in the request, from 0."`
	Status    string   `json:"status" enum:"succeeded,failed"`
	LicenseID string   `json:"licenseId,omitempty" doc:"In calls by license: which one."`
	License   *License `json:"license,omitempty" doc:"The license as it is now, if it concerns one."`
	// Problem is why the item failed.
	Problem *problem.Document `json:"problem,omitempty" doc:"Why the item failed."`
	// Unchanged tells what was so already from what was done, and SameAs an item that says the same
	// as an earlier one of the call.
	Unchanged bool `json:"unchanged,omitempty" doc:"Everything was as the item asks for already."`
	SameAs    *int `json:"sameAs,omitempty" doc:"Index of an earlier item of this call that is the same."`
	Also
}

// The statuses of an ItemResult.
const (
	succeeded = "succeeded"
	failed    = "failed"
)

// Results are the answer to a bulk call.
type Results struct {
	Succeeded int          `json:"succeeded"`
	Failed    int          `json:"failed"`
	Results   []ItemResult `json:"results" nullable:"false"`
}

// bulk is a use case over many items.
type bulk struct {
	items []Item
	mode  Mode
	// load demands what the items of one group need, and may say what is wrong with all of them.
	load func(g *ledger, group []Item) error
	// takes says that an item takes away what the user holds of the product.
	takes bool
	// target is the cost center to which the items move licenses, or empty.
	target string
	// apply carries out one item, and says which license it concerns.
	apply func(g *ledger, item Item) (license string, err error)
}

// sameAs says of each item which earlier one is the same; nil for none.
func (b bulk) sameAs() []*int {
	first, same := map[Item]int{}, make([]*int, len(b.items))
	for i, item := range b.items {
		if earlier, twice := first[item]; twice {
			same[i] = &earlier
		} else {
			first[item] = i
		}
	}
	return same
}

// trace is all that an item can change of its user and its license, to be compared.
func (g *ledger) trace(item Item) (string, error) {
	var parts []any
	if h := g.holder(item.UserID); h != nil {
		parts = append(parts, h)
	}
	if l := g.licenses[item.LicenseID]; l != nil {
		parts = append(parts, l.now)
	}
	data, err := call.Encode(parts)
	return string(data), err
}

// heldBy is the id of the license of a product that a loaded user holds, or empty.
func (g *ledger) heldBy(user, product string) string {
	if h := g.holder(user); h != nil && h.Holds(product) {
		return h.Holdings[product].LicenseID
	}
	return ""
}

// carryOut applies one item and says which license it concerns; the result is told what it did.
func (b bulk) carryOut(g *ledger, item Item, result *ItemResult) (license string, err error) {
	before, err := g.trace(item)
	if err != nil {
		return "", err
	}
	held := License{ProductID: item.ProductID}
	if l := g.licenses[g.heldBy(item.UserID, item.ProductID)]; l != nil {
		held = l.now.License
	}
	if license, err = b.apply(g, item); err != nil {
		return license, err
	}
	after, err := g.trace(item)
	if result.Unchanged = before == after; !result.Unchanged {
		result.Also = g.also(held, item.UserID)
	}
	return license, err
}

// AssignMany gives each user a license of the product, free ones by the server's choice
// (requirements, section 4), in the order of the items. With AllOrNone the first item that fails is
// the error; otherwise each item has its own result.
func (d *Service) AssignMany(ctx context.Context, c *call.Call, items []Item, mode Mode) (Results, error) {
	return d.many(ctx, c, bulk{items: items, mode: mode, load: (*ledger).loadAssigned, apply: (*ledger).assign})
}

// loadAssigned demands the users of a group, what they hold of the products in question, and free
// seats for all of them.
func (g *ledger) loadAssigned(group []Item) error {
	need := Need{Seats: map[string]int{}}
	for _, item := range group {
		need.Users, need.Extensions = append(need.Users, item.UserID), append(need.Extensions, item.Extension)
		if p, ok := g.products.Lookup(item.ProductID); ok && p.Purchasable() {
			need.Seats[p.ID]++
		}
	}
	if err := g.need(need); err != nil {
		return err
	}
	var held []string
	own := map[asked]int{}
	for _, item := range group {
		id := g.heldBy(item.UserID, item.ProductID)
		if id != "" {
			held = append(held, id)
		} else if h := g.holder(item.UserID); h != nil && cmp.Or(item.CostCenter, h.CostCenter) != "" {
			own[asked{item.ProductID, cmp.Or(item.CostCenter, h.CostCenter)}]++
		}
	}
	if own = g.lacking(own); len(own) > 0 {
		return &needs{Need: g.missing(Need{Licenses: held}), own: own}
	}
	return g.need(Need{Licenses: held})
}

// assign is one item of AssignMany.
func (g *ledger) assign(item Item) (string, error) {
	if _, err := g.Holder(item.UserID); err != nil {
		return "", err
	}
	p, err := g.product(item.ProductID)
	if err != nil {
		return "", err
	}
	if len(p.Devices) > 0 {
		return "", problem.Invalid("productId", problem.NotApplicable, "is held by devices, not by users")
	}
	if err := g.extendFor(item.UserID, item.ProductID, item.Extension); err != nil {
		return "", err
	}
	if err := g.ask(item, p); err != nil {
		return "", err
	}
	defer func() { g.asked = asked{} }()
	if err := g.grantProduct(item.UserID, item.ProductID, Direct); err != nil {
		return "", err
	}
	id := g.heldBy(item.UserID, item.ProductID)
	return id, g.agreed(item.UserID, id)
}

// ask demands that the seat of an item is of the cost center that it names, if it names one. Who holds
// the product already keeps the seat that they have.
//
// Errors: validation for a product of which there are no seats; cost-center-fenced when the user is
// not of the cost center.
func (g *ledger) ask(item Item, p catalog.Product) error {
	h := g.holder(item.UserID)
	if item.CostCenter == "" || h == nil || h.Holds(p.ID) {
		return nil
	}
	if !p.Purchasable() {
		return problem.Invalid("costCenter", problem.NotApplicable,
			"does not go with %s, which is charged to the user's own", p.Name)
	}
	if err := g.need(Need{fences: true}); err != nil {
		return err
	}
	if !g.fences.Serves(item.CostCenter, h.CostCenter) {
		return fenced(item.CostCenter).At("costCenter", problem.Refused, "is fenced, and not the user's own")
	}
	g.asked = asked{p.ID, item.CostCenter}
	return nil
}

// AssignProduct gives a user a license of the product, a free one by the server's choice
// (requirements, section 4).
//
// Errors: not-found; not-enough-licenses; validation; user-inactive, base-license-required,
// mutually-exclusive, extension-in-use.
func (d *Service) AssignProduct(ctx context.Context, c *call.Call, product, user, extension string) (License, error) {
	results, err := d.AssignMany(ctx, c, []Item{{ProductID: product, UserID: user, Extension: extension}}, AllOrNone)
	if err != nil {
		return License{}, err
	}
	return *results.Results[0].License, nil
}

// RemoveMany takes the products from the users as a person demands it (requirements, section 4):
// grants that a person gave end, automatic ones exclude the user. A user who has nothing of the
// product is as demanded already, and so is one who does not hold the license that an item names:
// somebody else has moved it meanwhile.
func (d *Service) RemoveMany(ctx context.Context, c *call.Call, items []Item, mode Mode) (Results, error) {
	b := bulk{items: items, mode: mode, takes: true}
	b.load = func(g *ledger, group []Item) error {
		var users []string
		for _, item := range group {
			users = append(users, item.UserID)
		}
		return g.families(users...)
	}
	b.apply = func(g *ledger, item Item) (string, error) {
		if _, err := g.Holder(item.UserID); err != nil {
			return "", err
		}
		if _, err := g.product(item.ProductID); err != nil {
			return "", err
		}
		license := g.heldBy(item.UserID, item.ProductID)
		if item.LicenseID != "" && item.LicenseID != license {
			return "", nil
		}
		return license, g.unassign(item.UserID, item.ProductID)
	}
	return d.many(ctx, c, b)
}

// TerminateMany is Terminate of each license (requirements, section 4).
func (d *Service) TerminateMany(ctx context.Context, c *call.Call, ids []string) (Results, error) {
	return d.many(ctx, c, ofLicenses(ids, Need{}, (*ledger).terminate))
}

// SetCostCenters is SetCostCenter of each license (requirements, section 4).
//
// Errors: validation when there is no such cost center; forbidden when it is none of the caller's.
func (d *Service) SetCostCenters(ctx context.Context, c *call.Call, ids []string, costCenter string) (Results, error) {
	b := ofLicenses(ids, Need{CostCenter: costCenter, fences: true}, func(g *ledger, id string) error {
		return g.setCostCenter(id, costCenter)
	})
	b.target = costCenter
	return d.many(ctx, c, b)
}

// ofLicenses is a use case over licenses, which are loaded with what is needed beside them.
func ofLicenses(ids []string, need Need, apply func(g *ledger, id string) error) bulk {
	b := bulk{items: make([]Item, len(ids))}
	for i, id := range ids {
		b.items[i].LicenseID = id
	}
	b.load = func(g *ledger, group []Item) error {
		all := need
		for _, item := range group {
			all.Licenses = append(all.Licenses, item.LicenseID)
		}
		return g.need(all)
	}
	b.apply = func(g *ledger, item Item) (string, error) { return item.LicenseID, apply(g, item.LicenseID) }
	return b
}

// many carries out a bulk call. What fits into one commit is one, answer included. Otherwise the
// request claims its key, commits group after group, and stores the answer last; when it dies in
// between, a repetition does the items again, and those that are done stay as they are.
//
// Errors: those of allOrNone.
func (d *Service) many(ctx context.Context, c *call.Call, b bulk) (Results, error) {
	apply := b.apply
	b.apply = func(g *ledger, item Item) (string, error) {
		if err := b.theirItem(g, item); err != nil {
			return "", err
		}
		return apply(g, item)
	}
	if b.mode == AllOrNone {
		return d.allOrNone(ctx, c, b)
	}
	if len(b.items) <= bulkGroup {
		results, err := atOnce(ctx, b, func() *UnitOfWork { return d.Change(c) })
		if !errors.Is(err, errTooMuch) {
			return results, err
		}
	}
	if err := c.Begin(ctx); err != nil {
		return Results{}, err
	}
	if err := c.Claim(ctx); err != nil {
		return Results{}, err
	}
	results, err := d.groups(ctx, c, b)
	if err == nil {
		err = c.Commit(ctx, call.Told(results))
	}
	if err != nil {
		// The repetition that this invites finds the items that were done as it wants them.
		ending, stop := context.WithTimeout(context.WithoutCancel(ctx), releaseWait)
		defer stop()
		c.Release(ending)
		return Results{}, err
	}
	return results, nil
}

// allOrNone carries out all items in one commit, or none (requirements, section 4). Where that is
// too much for the commit, the seats that it frees are handed over after it.
//
// Errors: validation for more than MaxAtomic items, or for what takes more than one commit; the
// problem of the first item that fails, which names the item.
func (d *Service) allOrNone(ctx context.Context, c *call.Call, b bulk) (Results, error) {
	if len(b.items) > MaxAtomic {
		const most = "has at most %d items when atomic is set"
		return Results{}, problem.Invalid("items", problem.TooMany, most, MaxAtomic)
	}
	results, err := atOnce(ctx, b, func() *UnitOfWork { return d.Change(c) })
	if errors.Is(err, errTooMuch) {
		results, err = atOnce(ctx, b, func() *UnitOfWork {
			u := d.Change(c)
			u.DeferHandover()
			return u
		})
	}
	if errors.Is(err, errTooMuch) {
		const advice = "changes more than one step can hold; send fewer items, or leave atomic out"
		err = problem.Invalid("items", problem.TooMany, advice)
	}
	return results, err
}

// atOnce carries out all items in one commit with the answer.
//
// Errors: errTooMuch.
func atOnce(ctx context.Context, b bulk, begin func() *UnitOfWork) (out Results, err error) {
	err = call.Decide(ctx, func(ctx context.Context) error {
		u := begin()
		results, err := u.group(ctx, b, 0, b.items)
		if err != nil {
			return err
		}
		out = tally(results)
		return u.Commit(ctx, call.Told(out))
	})
	return out, err
}

// group applies items to a fresh unit of work; first is the index of the first one. With AllOrNone
// the first item that fails is the error, otherwise it is the item's result.
func (u *UnitOfWork) group(ctx context.Context, b bulk, first int, items []Item) ([]ItemResult, error) {
	if err := u.do(ctx, func(g *ledger) error { return b.load(g, items) }); err != nil {
		return nil, err
	}
	if err := u.HoldToLimit(ctx); err != nil {
		return nil, err
	}
	if b.target != "" {
		if err := u.do(ctx, func(g *ledger) error { return g.moves(b.target) }); err != nil {
			return nil, err
		}
	}
	results, same := make([]ItemResult, len(items)), b.sameAs()
	licenses := make([]string, len(items))
	doubtful := false
	for i, item := range items {
		results[i] = ItemResult{Index: first + i, Status: succeeded, LicenseID: item.LicenseID, SameAs: same[first+i]}
		err := u.do(ctx, func(g *ledger) (err error) {
			licenses[i], err = b.carryOut(g, item, &results[i])
			return err
		})
		p, refused := problem.From(err)
		switch {
		case err == nil:
		case b.mode == AllOrNone:
			return nil, u.confirmRefusal(ctx, u.faults(ctx, b, i, err))
		case !refused:
			return nil, err
		default:
			results[i].Status, results[i].Problem, licenses[i] = failed, p.Document(), ""
			doubtful = doubtful || restsOnSeveral(err)
		}
	}
	if doubtful {
		if err := u.unchanged(ctx); err != nil {
			return nil, err
		}
	}
	for i, id := range licenses {
		if id == "" {
			continue
		}
		l, _, err := u.after(id)
		if err != nil {
			return nil, err
		}
		if u.TheirLicense(id) == nil { // who holds another cost center's license keeps it, and it is not shown
			results[i].License = &l
		}
	}
	return results, nil
}

// groups carries out the items in as many commits as it takes. A group that does not fit, or that
// others keep from being committed, is made smaller.
func (d *Service) groups(ctx context.Context, c *call.Call, b bulk) (Results, error) {
	var all []ItemResult
	size := bulkGroup
	for len(all) < len(b.items) {
		var done []ItemResult
		err := call.Decide(ctx, func(ctx context.Context) (err error) {
			items := b.items[len(all):min(len(all)+size, len(b.items))]
			u := d.Change(c.Apart())
			if done, err = u.group(ctx, b, len(all), items); err != nil {
				return err
			}
			if err = u.Commit(call.InParts(ctx), call.Answer{}); err != nil {
				size = max(1, len(items)/2)
				return err
			}
			return nil
		})
		if p, refused := problem.From(err); refused && p.Slug == problem.PlanStale {
			// What has become otherwise than planned is refused alone, the other items are as planned.
			if len(done) > 1 {
				size = 1
				continue
			}
			done[0] = ItemResult{
				Index: done[0].Index, Status: failed, LicenseID: done[0].LicenseID, Problem: p.Document(),
			}
			err = nil
		}
		switch {
		case err == nil:
			all, size = append(all, done...), min(size*2, bulkGroup)
		case !errors.Is(err, errTooMuch) || len(done) == 1:
			return Results{}, err
		}
	}
	return tally(all), nil
}

// faults are the problem of the first item that fails, and beside it what is wrong with those
// behind it: all at once, and each shortage of a product once.
func (u *UnitOfWork) faults(ctx context.Context, b bulk, at int, err error) error {
	whole, ok := problem.From(u.atItem(b.items, at, err))
	if !ok {
		return err
	}
	short := map[string]bool{whole.ProductID: true}
	for i := at + 1; i < len(b.items); i++ {
		err := u.do(ctx, func(g *ledger) error {
			_, err := b.apply(g, b.items[i])
			return err
		})
		p, refused := problem.From(err)
		switch {
		case err != nil && !refused:
			return err
		case !refused || p.ProductID != "" && short[p.ProductID]:
			continue
		}
		short[p.ProductID] = true
		if more, ok := problem.From(u.atItem(b.items, i, err)); ok {
			whole.Fields = append(whole.Fields, more.Fields...)
			if whole.Slug == problem.NotEnoughLicenses {
				whole.Shorter(more)
			}
		}
	}
	return whole
}

// atItem makes an item's problem one of the whole call, which names the item; a shortage counts all
// items of the product.
func (g *ledger) atItem(items []Item, at int, err error) error {
	p, ok := problem.From(err)
	if !ok || len(items) == 1 {
		return err
	}
	whole := *p
	if p.Slug == problem.NotEnoughLicenses {
		taken := g.counts[record.CountName(record.CountAssigned, p.ProductID)]
		wanted := taken
		for _, item := range items[at:] {
			if item.ProductID == p.ProductID && g.heldBy(item.UserID, item.ProductID) == "" {
				wanted++
			}
		}
		whole = *problem.Shortage(p.ProductID, g.products.Name(p.ProductID), wanted, taken)
	}
	field := fmt.Sprintf("items[%d]", at)
	whole.Fields = []problem.Field{{Field: field, Code: problem.Refused, Message: whole.Detail}}
	if len(p.Fields) > 0 {
		whole.Fields = make([]problem.Field, len(p.Fields))
	}
	for i, f := range p.Fields {
		whole.Fields[i] = problem.Field{Field: field + "." + f.Field, Code: f.Code, Message: f.Message}
	}
	return &whole
}

func tally(results []ItemResult) Results {
	out := Results{Results: results}
	for _, r := range results {
		if r.Status == succeeded {
			out.Succeeded++
		} else {
			out.Failed++
		}
	}
	return out
}
