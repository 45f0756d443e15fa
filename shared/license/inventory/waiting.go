package inventory

import (
	"context"
	"slices"
	"strings"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Of narrows a list to some products, any of them, and to a user; either may be empty.
type Of struct {
	Products []string
	User     string
}

// takes says whether the list has what is of the product.
func (of Of) takes(product string) bool {
	return len(of.Products) == 0 || slices.Contains(of.Products, product)
}

// Waiting is a page of the waiting lists: by product, first come first. For an admin of some cost
// centers it leaves out who is of others, and may be short.
func (d *Service) Waiting(
	ctx context.Context,
	c *call.Call,
	of Of,
	position string,
	limit int,
) ([]record.Wait, string, error) {
	list, next, err := d.waiting(ctx, c, of, position, limit)
	if err != nil {
		return nil, "", err
	}
	theirs, err := access.CostCenters(ctx)
	return slices.DeleteFunc(list, func(w record.Wait) bool { return !theirs.Has(w.CostCenter) }), next, err
}

func (d *Service) waiting(
	ctx context.Context,
	c *call.Call,
	of Of,
	position string,
	limit int,
) ([]record.Wait, string, error) {
	if err := d.known(of.Products); err != nil {
		return nil, "", err
	}
	if of.User == "" {
		return pageOf[record.Wait](ctx, c, byProduct{record.WaitPartition(c.Account), of.Products, position}, limit)
	}
	h, err := d.holder(ctx, c, of.User)
	if err != nil || h == nil {
		return nil, "", err
	}
	var keys []table.Key
	for id, holding := range h.Holdings {
		if holding.Waiting != "" && of.takes(id) && holding.Waiting > position {
			keys = append(keys, record.WaitKey(c.Account, holding.Waiting))
		}
	}
	return fetchPage[record.Wait](ctx, c, keys, limit)
}

// Exclusions is a page of who is kept from automatic assignment, by product and user. For an admin of
// some cost centers it leaves out who is of others, and may be short.
func (d *Service) Exclusions(
	ctx context.Context,
	c *call.Call,
	of Of,
	position string,
	limit int,
) ([]record.Excluded, string, error) {
	list, next, err := d.exclusions(ctx, c, of, position, limit)
	if err != nil {
		return nil, "", err
	}
	users := make([]string, len(list))
	for i, x := range list {
		users[i] = x.UserID
	}
	theirs, err := access.TheirUsers(ctx, c.Env.Table, c.Account, users...)
	return slices.DeleteFunc(list, func(x record.Excluded) bool { return err != nil || !theirs(x.UserID) }), next, err
}

func (d *Service) exclusions(
	ctx context.Context,
	c *call.Call,
	of Of,
	position string,
	limit int,
) ([]record.Excluded, string, error) {
	if err := d.known(of.Products); err != nil {
		return nil, "", err
	}
	if of.User == "" {
		return pageOf[record.Excluded](
			ctx, c, byProduct{record.ExclusionPartition(c.Account), of.Products, position}, limit,
		)
	}
	h, err := d.holder(ctx, c, of.User)
	if err != nil || h == nil {
		return nil, "", err
	}
	var keys []table.Key
	for id, holding := range h.Holdings {
		key := record.ExclusionKey(c.Account, id, of.User)
		if holding.Excluded != nil && of.takes(id) && key.Sort > position {
			keys = append(keys, key)
		}
	}
	return fetchPage[record.Excluded](ctx, c, keys, limit)
}

// known checks the products by which a list is narrowed.
func (d *Service) known(products []string) error {
	strange := problem.Culprits("product", problem.UnknownID, products, func(i int) bool {
		_, ok := d.products.Lookup(products[i])
		return !ok
	}, "is not in the catalog")
	if len(strange) > 0 {
		return problem.Validation(strange...)
	}
	return nil
}

// holder reads a user; nil if there is none.
func (d *Service) holder(ctx context.Context, c *call.Call, user string) (*record.Holder, error) {
	if !usable(user) {
		return nil, nil
	}
	item, ok, err := c.Get(ctx, record.HolderKey(c.Account, user))
	if err != nil || !ok {
		return nil, err
	}
	h, err := call.Decode[record.Holder](item)
	if err != nil {
		return nil, err
	}
	return &h, nil
}

// byProduct is the part of a partition behind a position, which is the last sort key, whose sort
// keys begin with one of some products, or all of it if none is given.
type byProduct struct {
	partition string
	products  []string
	position  string
}

// pageOf reads a page of documents that are sorted by product.
func pageOf[T any](ctx context.Context, c *call.Call, of byProduct, limit int) ([]T, string, error) {
	prefixes := []string{""}
	if len(of.products) > 0 {
		prefixes = nil
		for _, product := range of.products {
			prefixes = append(prefixes, product+"#")
		}
		slices.Sort(prefixes) // as the sort keys that begin with them
		prefixes = slices.Compact(prefixes)
	}
	var items []table.Item
	for _, prefix := range prefixes {
		q := table.Query{Partition: of.partition, Prefix: prefix, Limit: limit + 1 - len(items)}
		if of.position != "" {
			if prefix < of.position && !strings.HasPrefix(of.position, prefix) {
				continue // it was read to its end
			}
			q.From = of.position + "\x00"
		}
		for {
			page, err := c.Env.Table.Query(ctx, q)
			if err != nil {
				return nil, "", err
			}
			if items = append(items, page.Items...); len(items) > limit || page.Next == "" {
				break
			}
			q.After = page.Next
		}
		if len(items) > limit {
			break
		}
	}
	return documents[T](items, limit)
}

// fetchPage reads a page of the documents of a few known keys.
func fetchPage[T any](ctx context.Context, c *call.Call, keys []table.Key, limit int) ([]T, string, error) {
	found, err := c.Lookup(ctx, keys...)
	if err != nil {
		return nil, "", err
	}
	var items []table.Item
	for _, key := range keys {
		if item, ok := found[key]; ok {
			items = append(items, item)
		}
	}
	slices.SortFunc(items, func(a, b table.Item) int { return strings.Compare(a.Sort, b.Sort) })
	return documents[T](items, limit)
}

func documents[T any](items []table.Item, limit int) ([]T, string, error) {
	next := ""
	if len(items) > limit {
		items, next = items[:limit], items[limit-1].Sort
	}
	list := make([]T, len(items))
	for i, item := range items {
		var err error
		if list[i], err = call.Decode[T](item); err != nil {
			return nil, "", err
		}
	}
	return list, next, nil
}
