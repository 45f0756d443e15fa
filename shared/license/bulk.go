package license

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
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
	// load reads what the items of one group need, and may say what is wrong with all of them.
	load func(ctx context.Context, ch *UnitOfWork, group []Item) error
	// apply carries out one item, and says which license it concerns.
	apply func(ctx context.Context, ch *UnitOfWork, item Item) (license string, err error)
	// more is committed with each group.
	more []table.Operation
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
func (ch *UnitOfWork) trace(item Item, license string) (string, error) {
	var parts []any
	if h := ch.holders[item.UserID]; h != nil {
		parts = append(parts, h.Holder)
	}
	if l := ch.licenses[license]; l != nil {
		parts = append(parts, l.now)
	}
	data, err := call.Encode(parts)
	return string(data), err
}

// carryOut applies one item and says which license it concerns; the result is told what it did.
func (b bulk) carryOut(ctx context.Context, ch *UnitOfWork, item Item, result *ItemResult) (license string, err error) {
	before, err := ch.trace(item, item.LicenseID)
	if err != nil {
		return "", err
	}
	held := License{ProductID: item.ProductID}
	if h := ch.holders[item.UserID]; h != nil && h.Holds(item.ProductID) {
		if l := ch.licenses[h.Holdings[item.ProductID].LicenseID]; l != nil {
			held = l.now.License
		}
	}
	if license, err = b.apply(ctx, ch, item); err != nil {
		return license, err
	}
	after, err := ch.trace(item, item.LicenseID)
	if result.Unchanged = before == after; !result.Unchanged {
		result.Also = ch.also(held, item.UserID)
	}
	return license, err
}

// AssignMany gives each user a license of the product, free ones by the server's choice
// (requirements, section 4), in the order of the items. With AllOrNone the first item that fails is
// the error; otherwise each item has its own result.
func (d *Service) AssignMany(ctx context.Context, c *call.Call, items []Item, mode Mode) (Results, error) {
	b := bulk{items: items, mode: mode, load: loadAssigned}
	b.apply = func(ctx context.Context, ch *UnitOfWork, item Item) (string, error) {
		return ch.assign(ctx, item)
	}
	return d.many(ctx, c, b)
}

// loadAssigned loads the users of a group and what they hold of the products in question.
func loadAssigned(ctx context.Context, ch *UnitOfWork, group []Item) error {
	need := Need{Seats: map[string]int{}}
	for _, item := range group {
		need.Users, need.Extensions = append(need.Users, item.UserID), append(need.Extensions, item.Extension)
		if p, ok := ch.products.Lookup(item.ProductID); ok && p.Purchasable() {
			need.Seats[p.ID]++
		}
	}
	if _, err := ch.Load(ctx, need); err != nil {
		return err
	}
	var held []string
	for _, item := range group {
		if h := ch.holders[item.UserID]; h != nil && h.Holds(item.ProductID) {
			held = append(held, h.Holdings[item.ProductID].LicenseID)
		}
	}
	_, err := ch.Load(ctx, Need{Licenses: held})
	return err
}

// assign is one item of AssignMany.
func (ch *UnitOfWork) assign(ctx context.Context, item Item) (string, error) {
	h, err := ch.Holder(item.UserID)
	if err != nil {
		return "", err
	}
	p, ok := ch.products.Lookup(item.ProductID)
	switch {
	case !ok:
		return "", problem.Invalid("productId", problem.UnknownID, "is not in the catalog")
	case len(p.Devices) > 0:
		return "", problem.Invalid("productId", problem.NotApplicable, "is held by devices, not by users")
	}
	if err := ch.extend(ctx, item.UserID, item.ProductID, item.Extension); err != nil {
		return "", err
	}
	if err := ch.GrantProduct(ctx, item.UserID, item.ProductID, Direct); err != nil {
		return "", err
	}
	id := h.Holdings[item.ProductID].LicenseID
	return id, ch.agreed(item.UserID, id)
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
// product is as demanded already.
func (d *Service) RemoveMany(ctx context.Context, c *call.Call, items []Item, mode Mode) (Results, error) {
	b := bulk{items: items, mode: mode}
	b.load = func(ctx context.Context, ch *UnitOfWork, group []Item) error {
		var users []string
		for _, item := range group {
			users = append(users, item.UserID)
		}
		return ch.loadFamily(ctx, users)
	}
	b.apply = func(ctx context.Context, ch *UnitOfWork, item Item) (string, error) {
		h, err := ch.Holder(item.UserID)
		if err != nil {
			return "", err
		}
		if _, ok := ch.products.Lookup(item.ProductID); !ok {
			return "", problem.Invalid("productId", problem.UnknownID, "is not in the catalog")
		}
		license := ""
		if h.Holds(item.ProductID) {
			license = h.Holdings[item.ProductID].LicenseID
		}
		return license, ch.Unassign(ctx, item.UserID, item.ProductID)
	}
	return d.many(ctx, c, b)
}

// TerminateMany is Terminate of each license (requirements, section 4).
func (d *Service) TerminateMany(ctx context.Context, c *call.Call, ids []string) (Results, error) {
	b := bulk{items: byLicense(ids), load: loadLicenses}
	b.apply = func(_ context.Context, ch *UnitOfWork, item Item) (string, error) {
		return item.LicenseID, ch.Terminate(item.LicenseID)
	}
	return d.many(ctx, c, b)
}

// SetCostCenters is SetCostCenter of each license (requirements, section 4).
//
// Errors: validation when there is no such cost center.
func (d *Service) SetCostCenters(ctx context.Context, c *call.Call, ids []string, costCenter string) (Results, error) {
	b := bulk{
		items: byLicense(ids),
		more:  []table.Operation{table.Check(CostCenterKey(c.Account, costCenter), table.IfPresent)},
	}
	b.load = func(ctx context.Context, ch *UnitOfWork, group []Item) error {
		there, err := ch.loadCostCenter(ctx, costCenter, licenseIDs(group))
		if err != nil {
			return err
		}
		return there()
	}
	b.apply = func(_ context.Context, ch *UnitOfWork, item Item) (string, error) {
		return item.LicenseID, ch.SetCostCenter(item.LicenseID, costCenter)
	}
	return d.many(ctx, c, b)
}

func byLicense(ids []string) []Item {
	items := make([]Item, len(ids))
	for i, id := range ids {
		items[i].LicenseID = id
	}
	return items
}

func licenseIDs(items []Item) []string {
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.LicenseID
	}
	return ids
}

func loadLicenses(ctx context.Context, ch *UnitOfWork, group []Item) error {
	_, err := ch.Load(ctx, Need{Licenses: licenseIDs(group)})
	return err
}

// many carries out a bulk call. What fits into one commit is one, answer included. Otherwise the
// request claims its key, commits group after group, and stores the answer last; when it dies in
// between, a repetition does the items again, and those that are done stay as they are.
func (d *Service) many(ctx context.Context, c *call.Call, b bulk) (Results, error) {
	if b.mode == AllOrNone {
		return d.allOrNone(ctx, c, b)
	}
	if len(b.items) <= bulkGroup {
		results, err := d.atOnce(ctx, c, b)
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

// errTooMuch says that a group does not fit into one commit.
var errTooMuch = errors.New("too much for one commit")

// atOnce carries out all items in one commit, each with its own result.
func (d *Service) atOnce(ctx context.Context, c *call.Call, b bulk) (Results, error) {
	var out Results
	err := call.Decide(ctx, func(ctx context.Context) error {
		ch := d.Change(c)
		results, err := d.group(ctx, ch, b, 0, b.items)
		if err != nil {
			return err
		}
		out = tally(results)
		ops, fits, err := ch.operations(len(b.more))
		if err != nil {
			return err
		}
		if !fits {
			return errTooMuch
		}
		return ch.commitIfAny(ctx, call.Told(out), ops, b.more)
	})
	return out, err
}

// commitIfAny commits operations, and leaves out what only guards a change when there is none.
func (ch *UnitOfWork) commitIfAny(ctx context.Context, answer call.Answer, ops, guards []table.Operation) error {
	if len(ops) > 0 {
		ops = append(ops, guards...)
	}
	return ch.commit(ctx, answer, ops)
}

// group applies items to a fresh change; first is the index of the first one. With AllOrNone the
// first item that fails is the error, otherwise it is the item's result.
func (d *Service) group(
	ctx context.Context,
	ch *UnitOfWork,
	b bulk,
	first int,
	items []Item,
) ([]ItemResult, error) {
	if err := b.load(ctx, ch, items); err != nil {
		return nil, err
	}
	results, same := make([]ItemResult, len(items)), b.sameAs()
	licenses := make([]string, len(items))
	doubtful := false
	for i, item := range items {
		results[i] = ItemResult{Index: first + i, Status: succeeded, LicenseID: item.LicenseID, SameAs: same[first+i]}
		err := ch.Try(func() (err error) {
			licenses[i], err = b.carryOut(ctx, ch, item, &results[i])
			return err
		})
		p, refused := problem.From(err)
		switch {
		case err == nil:
		case b.mode == AllOrNone:
			return nil, ch.confirmRefusal(ctx, ch.faults(ctx, b, i, err))
		case !refused:
			return nil, err
		default:
			results[i].Status, results[i].Problem, licenses[i] = failed, p.Document(), ""
			doubtful = doubtful || restsOnSeveral(err)
		}
	}
	if doubtful {
		if err := ch.unchanged(ctx); err != nil {
			return nil, err
		}
	}
	for i, id := range licenses {
		if id == "" {
			continue
		}
		l, _, err := ch.after(id)
		if err != nil {
			return nil, err
		}
		results[i].License = &l
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
		err := call.Decide(ctx, func(ctx context.Context) error {
			for {
				items := b.items[len(all):min(len(all)+size, len(b.items))]
				ch := d.Change(c.Apart())
				results, err := d.group(ctx, ch, b, len(all), items)
				if err != nil {
					return err
				}
				ops, fits, err := ch.operations(len(b.more))
				if err != nil {
					return err
				}
				if !fits && size > 1 {
					size = max(1, min(size, len(items))/2)
					continue
				}
				if err = ch.commitIfAny(ctx, call.Answer{}, ops, b.more); err != nil {
					size = max(1, size/2)
					return err
				}
				done = results
				return nil
			}
		})
		if err != nil {
			return Results{}, err
		}
		all = append(all, done...)
		size = min(size*2, bulkGroup)
	}
	return tally(all), nil
}

// allOrNone carries out all items in one commit, or none (requirements, section 4).
//
// Errors: validation for more than MaxAtomic items, or for what takes more than one commit; the
// problem of the first item that fails, which names the item.
func (d *Service) allOrNone(ctx context.Context, c *call.Call, b bulk) (Results, error) {
	if len(b.items) > MaxAtomic {
		return Results{}, problem.Invalid(
			"items",
			problem.TooMany,
			"has at most %d items when atomic is set",
			MaxAtomic,
		)
	}
	later := false
	var out Results
	err := call.Decide(ctx, func(ctx context.Context) error {
		for {
			ch := d.Change(c)
			ch.deferred = later
			results, err := d.group(ctx, ch, b, 0, b.items)
			if err != nil {
				return err
			}
			out = tally(results)
			ops, fits, err := ch.operations(len(b.more))
			switch {
			case err != nil:
				return err
			case fits:
				return ch.commitIfAny(ctx, call.Told(out), ops, b.more)
			case later:
				return problem.Invalid(
					"items",
					problem.TooMany,
					"changes more than one step can hold; send fewer items, or leave atomic out",
				)
			}
			later = true
		}
	})
	return out, err
}

// faults are the problem of the first item that fails, and beside it what is wrong with those
// behind it: all at once, and each shortage of a product once.
func (ch *UnitOfWork) faults(ctx context.Context, b bulk, at int, err error) error {
	whole, ok := problem.From(ch.atItem(b.items, at, err))
	if !ok {
		return err
	}
	short := map[string]bool{whole.ProductID: true}
	for i := at + 1; i < len(b.items); i++ {
		err := ch.Try(func() error {
			_, err := b.apply(ctx, ch, b.items[i])
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
		if more, ok := problem.From(ch.atItem(b.items, i, err)); ok {
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
func (ch *UnitOfWork) atItem(items []Item, at int, err error) error {
	p, ok := problem.From(err)
	if !ok || len(items) == 1 {
		return err
	}
	whole := *p
	if p.Slug == problem.NotEnoughLicenses {
		taken := ch.counts[record.CountName(record.CountAssigned, p.ProductID)]
		left := slices.Collect(func(yield func(Item) bool) {
			for _, item := range items[at:] {
				if h := ch.holders[item.UserID]; item.ProductID == p.ProductID &&
					(h == nil || !h.Holds(item.ProductID)) &&
					!yield(item) {
					return
				}
			}
		})
		whole = *problem.Shortage(p.ProductID, taken+int64(len(left)), taken)
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
