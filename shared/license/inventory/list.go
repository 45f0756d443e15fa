package inventory

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

const (
	// maxFilteredCostCenters is how many cost centers one list may ask for: each is a range of its
	// own.
	maxFilteredCostCenters = 20
	// examined is how many licenses one page looks at, at most, when filters leave most of them
	// out; the page is then short and has a cursor.
	examined = 2_000
)

// Filter says which licenses to list; all that is set must hold (requirements, section 4).
type Filter struct {
	// Q is the beginning of a word of a user's name, id or e-mail address (see maxWords), folded,
	// of the digits of their extension or number, or of a license's UUID.
	Q string
	// Products are ids of products, any of them.
	Products []string
	// Bases are ids of base products, for their licenses and those of their add-ons; or one base
	// license's UUID, for it and the add-ons that hang on it.
	Bases       []string
	CostCenters []string
	Statuses    []record.Status
	User        string
	Extension   string
	Order       string
}

// List is one page of the account's licenses, and the position of the next page; no position means
// that there is none. The order of a list follows from its filters, by what an assignment does not
// change, so that a license which fits the filters all the while is on exactly one page:
//
//	order                the order's lines
//	user, extension      the license's id
//	q                    licenses whose UUID begins so, then whose user's extension, then their number,
//	                     then a word of their name, id or e-mail address
//	status               product, cost center, id
//	cost center          cost center, product, id
//	else                 product, id
//
// Products are in the order of their ids, add-ons with their base. A page of the plain list, of a
// product, of a base and its add-ons, of a status or of one cost center is one query, of an order
// one read, however many licenses there are. A license is filtered by the other filters as it is
// read, and so it is for an admin of some cost centers. Lists read indexes, which may be a moment
// behind; Get and the summary are not.
//
// Errors: validation, naming the filter; a bad cursor for a position of another list.
func (d *Service) List(
	ctx context.Context,
	c *call.Call,
	f Filter,
	position string,
	limit int,
) ([]record.License, string, error) {
	products, err := d.filtered(f)
	if err != nil {
		return nil, "", err
	}
	source, err := d.source(ctx, c, f, products)
	if err != nil || source == nil {
		return nil, "", err
	}
	var list []record.License
	last := position
	for looked := 0; looked < examined; {
		batch, done, err := source(ctx, last, limit+1-len(list))
		if err != nil {
			return nil, "", err
		}
		theirs, err := access.CostCenters(ctx)
		if err != nil {
			return nil, "", err
		}
		licenses := make([]record.Document, len(batch))
		for i, found := range batch {
			licenses[i] = found.Document
		}
		seen, err := d.records.Sight(ctx, c, licenses)
		if err != nil {
			return nil, "", err
		}
		var match map[string]bool
		if f.Q != "" && f.narrow() {
			if match, err = d.matched(ctx, c, f.Q, batch); err != nil {
				return nil, "", err
			}
		}
		for _, found := range batch {
			looked++
			if seen(found.Document) && theirs.Has(found.ChargedTo()) && f.fits(found.License, products) &&
				(match == nil || match[found.ID]) {
				if len(list) == limit {
					return list, last, nil
				}
				list = append(list, record.Shown(d.products, found.License))
			}
			last = found.at
		}
		if done {
			return list, "", nil
		}
	}
	return list, last, nil
}

// filtered checks the filters and says which products they leave; nil for all.
func (d *Service) filtered(f Filter) ([]string, error) {
	if !utf8.ValidString(f.Q) {
		return nil, problem.Invalid("q", problem.BadEncoding, "must be UTF-8")
	}
	var products []string
	for i, id := range f.Products {
		if _, ok := d.products.Lookup(id); !ok {
			return nil, problem.Invalid(fmt.Sprintf("product[%d]", i), problem.UnknownID, "is not in the catalog")
		}
		products = append(products, id)
	}
	for i, status := range f.Statuses {
		if !slices.Contains([]record.Status{record.Available, record.Assigned, record.Terminated}, status) {
			return nil, problem.Invalid(
				fmt.Sprintf("status[%d]", i),
				problem.NotAllowed,
				"must be available, assigned or terminated",
			)
		}
	}
	if len(f.Bases) > 0 && f.baseLicense() == "" {
		var family []string
		for i, id := range f.Bases {
			p, ok := d.products.Lookup(id)
			if !ok || p.Kind != catalog.Base {
				return nil, problem.Invalid(
					fmt.Sprintf("base[%d]", i),
					problem.UnknownID,
					"must be the id of a base product; or the one base is the id of a base license",
				)
			}
			family = append(family, p.ID)
			for _, addOn := range d.products.AddOns(p.ID) {
				family = append(family, addOn.ID)
			}
		}
		if len(f.Products) > 0 {
			family = slices.DeleteFunc(family, func(id string) bool { return !slices.Contains(f.Products, id) })
		}
		if products = family; products == nil {
			products = []string{}
		}
	}
	if products != nil {
		slices.Sort(products)
		products = slices.Compact(products)
	}
	if len(f.CostCenters) > maxFilteredCostCenters {
		return nil, problem.Invalid(
			"costCenter",
			problem.TooMany,
			"may be given at most %d times",
			maxFilteredCostCenters,
		)
	}
	return products, nil
}

// baseLicense is the base license whose family is asked for, or empty.
func (f Filter) baseLicense() string {
	if len(f.Bases) == 1 && record.WellFormed(f.Bases[0]) {
		return f.Bases[0]
	}
	return ""
}

// narrow says whether something else than the search leads to the licenses.
func (f Filter) narrow() bool {
	return f.User != "" || f.baseLicense() != "" || f.Extension != "" || f.Order != ""
}

// fits says whether a license passes the filters but for the search, whichever of them the source
// of the list has looked at already.
func (f Filter) fits(l record.License, products []string) bool {
	switch {
	case products != nil && !slices.Contains(products, l.ProductID),
		f.baseLicense() != "" && l.ID != f.baseLicense() && l.BaseLicenseID != f.baseLicense(),
		len(f.CostCenters) > 0 && !slices.Contains(f.CostCenters, l.CostCenter),
		len(f.Statuses) > 0 && !slices.Contains(f.Statuses, l.Status),
		f.User != "" && l.UserID != f.User,
		f.Extension != "" && l.Extension != f.Extension,
		f.Order != "" && l.OrderID != f.Order:
		return false
	}
	return true
}

// found is a license with its position in the order of the list.
type found struct {
	record.Document
	at string
}

// source reads on from a position, about limit licenses; done says that there are no more.
type source func(ctx context.Context, after string, limit int) (batch []found, done bool, err error)

// source chooses the narrowest way to what the filters leave; nil for what nothing can fit.
func (d *Service) source(ctx context.Context, c *call.Call, f Filter, products []string) (source, error) {
	switch {
	case f.User != "" && !usable(f.User),
		f.Extension != "" && !usable(f.Extension),
		f.Order != "" && !record.WellFormed(f.Order),
		slices.ContainsFunc(f.CostCenters, func(code string) bool { return !usable(code) }):
		return nil, nil
	case f.User != "":
		return d.ofUser(c, f.User), nil
	case f.baseLicense() != "":
		base, _, err := d.Get(ctx, c, f.baseLicense())
		if problem.Is(err, problem.NotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if base.UserID == "" {
			return d.byID(c, base.ID), nil
		}
		return d.ofUser(c, base.UserID), nil
	case f.Extension != "":
		item, ok, err := c.Get(ctx, record.ExtensionKey(c.Account, f.Extension))
		if err != nil || !ok {
			return nil, err
		}
		x, err := call.Decode[record.Extension](item)
		if err != nil || x.UserID == "" {
			return nil, err
		}
		return d.ofUser(c, x.UserID), nil
	case f.Order != "":
		return d.ofOrder(c, f.Order), nil
	case f.Q != "":
		return d.searched(c, f), nil
	case len(f.Statuses) > 0 && (len(f.Statuses) == 1 || len(f.CostCenters) == 0):
		return d.ranged(c, spreadIndex{table.Index3, record.LicensesByStatus}, d.statusRanges(f, products)), nil
	case len(f.CostCenters) > 0:
		return d.ranged(c, spreadIndex{table.Index2, record.LicensesByCostCenter}, d.costCenterRanges(f, products)), nil
	default:
		return d.ranged(c, spreadIndex{table.Index1, record.LicensesByProduct}, d.productRanges(f, products)), nil
	}
}

// usable keeps what is no id of anything from becoming a key.
func usable(id string) bool {
	return id != "" && len(id) <= 64 && utf8.ValidString(id) && !strings.Contains(id, "#")
}

// productRanges are the ranges of an index by product in which the products lie; nil means all of
// them.
func (d *Service) productRanges(f Filter, products []string) []string {
	switch {
	case products == nil:
		return []string{""}
	case len(f.Products) == 0: // base products and their add-ons
		return ascending(f.Bases, func(id string) string { return record.Joined(id, "") })
	}
	return ascending(products, func(id string) string { return record.Joined(d.records.Family(id), id, "") })
}

// ascending makes the prefixes of ranges, each once.
func ascending(of []string, prefix func(string) string) []string {
	var prefixes []string
	for _, each := range of {
		prefixes = append(prefixes, prefix(each))
	}
	slices.Sort(prefixes)
	return slices.Compact(prefixes)
}

func (d *Service) costCenterRanges(f Filter, products []string) []string {
	var prefixes []string
	for _, code := range f.CostCenters {
		for _, rest := range d.productRanges(f, products) {
			prefixes = append(prefixes, record.Joined(code, rest))
		}
	}
	slices.Sort(prefixes)
	return slices.Compact(prefixes)
}

func (d *Service) statusRanges(f Filter, products []string) []string {
	var prefixes []string
	if products == nil && len(f.CostCenters) > 0 {
		for _, p := range d.products.Purchasable() { // the others have no cost center
			products = append(products, p.ID)
		}
	}
	for _, status := range f.Statuses {
		if len(f.CostCenters) == 0 {
			for _, rest := range d.productRanges(f, products) {
				prefixes = append(prefixes, record.Joined(string(status), rest))
			}
			continue
		}
		for _, product := range products {
			for _, code := range f.CostCenters {
				prefixes = append(prefixes, record.Joined(string(status), d.records.Family(product), product, code, ""))
			}
		}
	}
	slices.Sort(prefixes)
	return slices.Compact(prefixes)
}

// spreadIndex is an index of licenses with its partition for each shard.
type spreadIndex struct {
	table.Index
	partition func(account string, shard int) string
}

// ranged reads one range of an index after the other, from all shards at once. The ranges ascend,
// and what is read of the shards is put in order, so a sort key is a position in every range of
// every shard, however many shards there are by the next page.
func (d *Service) ranged(c *call.Call, index spreadIndex, prefixes []string) source {
	return func(ctx context.Context, after string, limit int) ([]found, bool, error) {
		for i, prefix := range prefixes {
			if !strings.HasPrefix(after, prefix) && prefix < after {
				continue
			}
			items, done, err := d.merged(ctx, c, span{index, prefix, after}, min(max(limit, 1), table.MaxPage))
			if err != nil {
				return nil, false, err
			}
			if len(items) == 0 && done {
				continue
			}
			batch, err := foundIn(items, func(item table.Item) string { return item.IndexKeys[index.Index-1].Sort })
			return batch, done && i == len(prefixes)-1, err
		}
		return nil, true, nil
	}
}

func foundIn(items []table.Item, at func(table.Item) string) ([]found, error) {
	batch := make([]found, len(items))
	for i, item := range items {
		l, err := call.Decode[record.Document](item)
		if err != nil {
			return nil, err
		}
		batch[i] = found{Document: l, at: at(item)}
	}
	return batch, nil
}

// byID reads licenses whose ids are known, strongly consistent.
func (d *Service) byID(c *call.Call, ids ...string) source {
	slices.Sort(ids)
	return func(ctx context.Context, after string, limit int) ([]found, bool, error) {
		from, there := slices.BinarySearch(ids, after)
		if there {
			from++
		}
		rest := ids[from:]
		part := rest[:min(len(rest), limit)]
		batch, err := d.fetch(ctx, c, part, func(_ int, id string) string { return id })
		return batch, len(part) == len(rest), err
	}
}

// fetch looks up licenses; what does not exist is left out.
func (d *Service) fetch(
	ctx context.Context,
	c *call.Call,
	ids []string,
	at func(i int, id string) string,
) ([]found, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	keys := make([]table.Key, len(ids))
	for i, id := range ids {
		keys[i] = record.LicenseKey(c.Account, id)
	}
	items, err := c.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var batch []found
	for i, key := range keys {
		item, ok := items[key]
		if !ok {
			continue
		}
		l, err := call.Decode[record.Document](item)
		if err != nil {
			return nil, err
		}
		batch = append(batch, found{Document: l, at: at(i, ids[i])})
	}
	return batch, nil
}

// ofUser reads what a user holds.
func (d *Service) ofUser(c *call.Call, user string) source {
	return func(ctx context.Context, after string, limit int) ([]found, bool, error) {
		item, ok, err := c.Get(ctx, record.HolderKey(c.Account, user))
		if err != nil || !ok {
			return nil, true, err
		}
		h, err := call.Decode[record.Holder](item)
		if err != nil {
			return nil, true, err
		}
		return d.byID(c, h.Held()...)(ctx, after, limit)
	}
}

// ofOrder reads the licenses of a confirmed order: their ids follow from it.
func (d *Service) ofOrder(c *call.Call, order string) source {
	return func(ctx context.Context, after string, limit int) ([]found, bool, error) {
		lots, ok, err := d.records.ConfirmedLots(ctx, c, order)
		if err != nil || !ok {
			return nil, true, err
		}
		total := 0
		for _, lot := range lots {
			total += lot.Quantity
		}
		from, err := sequence(after)
		if err != nil {
			return nil, true, err
		}
		to := min(total, from+limit)
		var ids []string
		for n := from; n < to; n++ {
			ids = append(ids, record.DeliveredID(c.Account, order, n))
		}
		batch, err := d.fetch(ctx, c, ids, func(i int, _ string) string { return strconv.Itoa(from + i + 1) })
		return batch, to >= total, err
	}
}

// sequence reads a position of ofOrder: how many licenses were passed.
func sequence(position string) (int, error) {
	if position == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(position)
	if err != nil || n < 0 {
		return 0, table.ErrCursor
	}
	return n, nil
}

// Summary counts the seats of one product.
type Summary struct {
	ProductID string       `json:"productId"`
	Name      string       `json:"name"`
	Kind      catalog.Kind `json:"kind"`
	Bought    int64        `json:"bought"`
	Assigned  int64        `json:"assigned"`
	Available int64        `json:"available"`
	// Reserved are kept for a mass configuration that is being applied: bought = assigned +
	// available + reserved.
	Reserved int64 `json:"reserved" doc:"Kept for mass configurations that are being applied; bought = assigned + available + reserved."`
	Waiting  int64 `json:"waiting"`
}

// Get reads one license and its version, strongly consistent. A license of another account, one that
// is not theirs for an admin of some cost centers, and a missing one are the same not-found.
func (d *Service) Get(ctx context.Context, c *call.Call, id string) (record.License, int64, error) {
	if !record.WellFormed(id) {
		return record.License{}, 0, problem.Missing("license")
	}
	key, markers := record.LicenseKey(c.Account, id), d.records.Markers(c.Account, []string{id})
	found, err := c.Lookup(ctx, append(markers, key)...)
	if err != nil {
		return record.License{}, 0, err
	}
	item, ok := found[key]
	if !ok {
		return record.License{}, 0, problem.Missing("license")
	}
	l, err := call.Decode[record.Document](item)
	if err != nil {
		return record.License{}, 0, err
	}
	theirs, err := access.CostCenters(ctx)
	if err != nil {
		return record.License{}, 0, err
	}
	if d.records.Remember(found, markers); !d.records.Seen(c.Account, l) || !theirs.Has(l.ChargedTo()) {
		return record.License{}, 0, problem.Missing("license")
	}
	return record.Shown(d.products, l.License), item.Version, nil
}
