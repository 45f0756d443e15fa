package idle

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/usage"
)

// chunkSeats is how many seats are in one item of a list: about 100 KB.
const chunkSeats = 500

// head is the document that says which chunks are the list of idle seats.
type head struct {
	Generation string `json:"generation"`
	// Products are those that somebody holds a seat of.
	Products []string  `json:"products"`
	MadeAt   time.Time `json:"madeAt"`
}

// chunk is a part of the list, of one product and in its order.
type chunk struct {
	Seats []seat `json:"seats"`
}

func headKey(account string) table.Key {
	return table.Key{Partition: call.Partition(account, "IDLE"), Sort: "LIST"}
}

func chunksPartition(account, generation string) string {
	return call.Partition(account, "IDLE-SEATS", generation)
}

// moment is a time in a sort key.
func moment(ms int64) string { return fmt.Sprintf("%015d", ms) }

// loadHead reads which list there is; its version is 0 when there is none.
func (s *Service) loadHead(ctx context.Context, c *call.Call) (head, int64, error) {
	item, ok, err := c.Get(ctx, headKey(c.Account))
	if err != nil || !ok {
		return head{}, 0, err
	}
	h, err := call.Decode[head](item)
	return h, item.Version, err
}

// candidates are the seats of some products that were used last before the cutoff as far as the
// list knows, in its order: all that are idle are among them. They are read from the list, from its
// beginning to the cutoff. Only an account whose list is missing, or too old for this cutoff, has
// its licenses read.
func (s *Service) candidates(ctx context.Context, c *call.Call, products []string, cutoff time.Time) ([]seat, error) {
	h, version, err := s.loadHead(ctx, c)
	if err != nil {
		return nil, err
	}
	var seats []seat
	if version == 0 || !good(h.MadeAt, cutoff, c.At) {
		all, err := s.fold(ctx, c)
		if err != nil {
			return nil, err
		}
		for _, product := range products {
			seats = append(seats, all[product]...)
		}
	} else if seats, err = s.listed(ctx, c, h, products, cutoff); err != nil {
		return nil, err
	}
	seats = slices.DeleteFunc(seats, func(one seat) bool { return !one.since().Before(cutoff) })
	slices.SortFunc(seats, compare)
	return seats, nil
}

// listed reads the list of some products up to the cutoff.
func (s *Service) listed(
	ctx context.Context, c *call.Call, h head, products []string, cutoff time.Time,
) ([]seat, error) {
	products = slices.DeleteFunc(slices.Clone(products), func(p string) bool { return !slices.Contains(h.Products, p) })
	parts := make([][]seat, len(products))
	var group errgroup.Group
	group.SetLimit(productsAtOnce)
	for i, product := range products {
		query := table.Query{
			Partition: chunksPartition(c.Account, h.Generation),
			From:      product + "#",
			To:        product + "#" + moment(cutoff.UnixMilli()),
		}
		group.Go(func() error {
			return table.All(ctx, c.Env.Table, query, func(item table.Item) error {
				part, err := call.Decode[chunk](item)
				parts[i] = append(parts[i], part.Seats...)
				return err
			})
		})
	}
	err := group.Wait()
	return slices.Concat(parts...), err
}

// productsAtOnce is how many products' lists are read side by side.
const productsAtOnce = 8

// fold reads every license that is held and every last use, and orders them by product.
func (s *Service) fold(ctx context.Context, c *call.Call) (map[string][]seat, error) {
	uses, err := s.usage.Uses(ctx, c)
	if err != nil {
		return nil, err
	}
	seats := map[string][]seat{}
	err = s.inventory.Assigned(ctx, c, func(l license.License) error {
		if l.AssignedAt == nil {
			return fmt.Errorf("license %s is assigned since nobody knows when", l.ID)
		}
		since := *l.AssignedAt
		if last := uses.Of(usage.Seat{UserID: l.UserID, ProductID: l.ProductID}); last.At.After(since) {
			since = last.At
		}
		seats[l.ProductID] = append(seats[l.ProductID],
			seat{Since: since.UnixMilli(), Product: l.ProductID, User: l.UserID, License: l.ID})
		return nil
	})
	for _, of := range seats {
		slices.SortFunc(of, compare)
	}
	return seats, err
}

// List makes the list of the account's held seats in the order of last use, if there is none of the
// UTC day yet. It reads every license that is held once a day, so that no assignment writes an
// entry of an index for it and no use moves one; who reads the list reads its beginning alone
// (docs/data-model.md, Idle seats). A run may be late, be repeated, and overlap with another.
func (s *Service) List(ctx context.Context, c *call.Call) error {
	h, version, err := s.loadHead(ctx, c)
	if err != nil || version != 0 && !h.MadeAt.Before(c.At.Truncate(day)) {
		return err
	}
	seats, err := s.fold(ctx, c)
	if err != nil {
		return err
	}
	made := head{
		Generation: c.Env.IDs.Ordered(), MadeAt: c.At, Products: slices.Sorted(maps.Keys(seats)),
	}
	var ops []table.Operation
	for _, product := range made.Products {
		n := 0
		for part := range slices.Chunk(seats[product], chunkSeats) {
			data, err := call.Encode(chunk{part})
			if err != nil {
				return err
			}
			key := table.Key{
				Partition: chunksPartition(c.Account, made.Generation),
				Sort:      fmt.Sprintf("%s#%s#%05d", product, moment(part[0].Since), n),
			}
			n++
			ops = append(
				ops,
				table.Put(table.Item{Key: key, Data: data, Expires: c.At.Add(lasting).Unix()}, table.Always),
			)
		}
	}
	for batch := range slices.Chunk(ops, chunksAtOnce) {
		if err := c.Env.Table.Commit(ctx, batch); err != nil {
			return err
		}
	}
	data, err := call.Encode(made)
	if err != nil {
		return err
	}
	cond := table.IfAbsent
	if version != 0 {
		cond = table.IfVersion(version)
	}
	err = c.Env.Table.Commit(ctx, []table.Operation{table.Put(table.Item{Key: headKey(c.Account), Data: data}, cond)})
	if _, refused := table.Refused(err); refused {
		return nil // another run was faster; what this one wrote expires
	}
	return err
}

// chunksAtOnce is how many chunks one commit writes, which takes 4 MB.
const chunksAtOnce = 16
