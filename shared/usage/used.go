package usage

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// usedShards is over how many partitions the last uses of an account are spread: they are read by
// key, and all of them once a day.
const usedShards = 16

// Used is the last use of a product by a user, as it is kept: the first one that was told of the
// last UTC day with any (decisions, 143).
type Used struct {
	UserID    string    `json:"userId"`
	ProductID string    `json:"productId"`
	At        time.Time `json:"at"`
}

func usedPartition(account string, shard int) string {
	return call.Partition(account, "USED", strconv.Itoa(shard))
}

// usedKey is where the last use of a product by a user lies.
func usedKey(account, user, product string) table.Key {
	return table.Key{
		Partition: usedPartition(account, call.Spread(user, usedShards)), Sort: user + "#" + product,
	}
}

// toldPartition names the products of which activity was ever told.
func toldPartition(account string) string { return call.Partition(account, "USED-PRODUCTS") }

// usedState is a last use as it was loaded, or one that is not there.
type usedState struct {
	Used
	version int64
	exists  bool
}

func loadUsed(found map[table.Key]table.Item, account, user, product string) (usedState, error) {
	item, ok := found[usedKey(account, user, product)]
	if !ok {
		return usedState{Used: Used{UserID: user, ProductID: product}}, nil
	}
	v, err := call.Decode[Used](item)
	return usedState{Used: v, version: item.Version, exists: true}, err
}

// seen is the last use after one at a moment, and whether it is another than before: at most one
// write a day for each user and product.
func (u usedState) seen(at time.Time) (usedState, bool) {
	if !u.At.IsZero() && !utcDay(at).After(utcDay(u.At)) {
		return u, false
	}
	u.At = at.UTC()
	return u, true
}

func (u usedState) put(account string) (table.Operation, error) {
	data, err := call.Encode(u.Used)
	if err != nil {
		return table.Operation{}, err
	}
	cond := table.IfAbsent
	if u.exists {
		cond = table.IfVersion(u.version)
	}
	item := table.Item{Key: usedKey(account, u.UserID, u.ProductID), Data: data, Expires: u.At.Add(kept).Unix()}
	return table.Put(item, cond), nil
}

// keepLastView is the operation that keeps the last view of a viewer who is forgotten as the last
// use of Live Reports; nil when a later use is kept already.
func (s *Service) keepLastView(ctx context.Context, c *call.Call, v viewerState) (*table.Operation, error) {
	found, err := s.lookup(ctx, []table.Key{usedKey(c.Account, v.User, catalog.LiveReportsID)})
	if err != nil {
		return nil, err
	}
	used, err := loadUsed(found, c.Account, v.User, catalog.LiveReportsID)
	if err != nil {
		return nil, err
	}
	after, changed := used.seen(v.LastView)
	if !changed {
		return nil, nil
	}
	op, err := after.put(c.Account)
	return &op, err
}

// Seat is who may use which product.
type Seat struct{ UserID, ProductID string }

// LastUse is what is known of the use of a seat, from items that were read.
type LastUse struct {
	// At is the last use; zero if there was none. For Live Reports it is the last view, or when
	// the user ceased to be a monitored agent, if that was later.
	At time.Time
	// Monitored says that the user is a monitored agent: the seat is in use.
	Monitored bool
}

// sources are the products of whose activity a seat of a product knows: who views a dashboard uses
// any product of Live Reports, and what is kept of a view is kept of the seat that viewers have.
func (s *Service) sources(product string) (products []string, views bool) {
	p, _ := s.kernel.Products().Lookup(product)
	if p.CountsAs.Group != catalog.LiveReports {
		return []string{product}, false
	}
	return unique([]string{product, catalog.LiveReportsID}), true
}

// UseKeys are the items that say when a seat was last used.
func (s *Service) UseKeys(account string, seat Seat) []table.Key {
	products, views := s.sources(seat.ProductID)
	var keys []table.Key
	for _, product := range products {
		keys = append(keys, usedKey(account, seat.UserID, product))
	}
	if views {
		keys = append(keys, viewerKey(account, seat.UserID), directory.MonitoredKey(account, seat.UserID))
	}
	return keys
}

// UseOf takes the last use of a seat out of what was found of its UseKeys.
func (s *Service) UseOf(found map[table.Key]table.Item, account string, seat Seat) (LastUse, error) {
	var last LastUse
	products, views := s.sources(seat.ProductID)
	for _, product := range products {
		used, err := loadUsed(found, account, seat.UserID, product)
		if err != nil {
			return last, err
		}
		last.at(used.At)
	}
	if !views {
		return last, nil
	}
	viewer, err := loadViewer(found, account, seat.UserID)
	if err != nil {
		return last, err
	}
	last.at(viewer.LastView)
	if item, ok := found[directory.MonitoredKey(account, seat.UserID)]; ok {
		m, err := call.Decode[directory.Monitored](item)
		if err != nil {
			return last, err
		}
		last.watch(m)
	}
	return last, nil
}

// at takes in a use.
func (l *LastUse) at(moment time.Time) {
	if moment.After(l.At) {
		l.At = moment.UTC()
	}
}

// watch takes in when the user was a monitored agent.
func (l *LastUse) watch(m directory.Monitored) {
	if until, ended := m.Queues.Ended(); ended {
		l.at(until)
	} else {
		l.Monitored = true
	}
}

// Uses are the last uses of all seats of an account, read at once.
type Uses struct {
	service *Service
	used    map[Seat]time.Time
	watched map[string]LastUse // by user: views, and when they were monitored
}

// Uses reads the last use of every user and product of the account: 16 queries of the base table
// and two of indexes, each in pages of 1,000.
func (s *Service) Uses(ctx context.Context, c *call.Call) (*Uses, error) {
	all := &Uses{service: s, used: map[Seat]time.Time{}, watched: map[string]LastUse{}}
	for shard := range usedShards {
		query := table.Query{Partition: usedPartition(c.Account, shard)}
		err := table.All(ctx, s.env.Table, query, func(item table.Item) error {
			u, err := call.Decode[Used](item)
			all.used[Seat{u.UserID, u.ProductID}] = u.At
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	query := table.Query{Index: table.Index1, Partition: viewersPartition(c.Account)}
	err := table.All(ctx, s.env.Table, query, func(item table.Item) error {
		v, err := call.Decode[storedViewer](item)
		last := all.watched[v.User]
		last.at(v.LastView)
		all.watched[v.User] = last
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, s.directory.MonitoredUsers(ctx, c, time.Time{}, func(m directory.Monitored) error {
		last := all.watched[m.UserID]
		last.watch(m)
		all.watched[m.UserID] = last
		return nil
	})
}

// Of is the last use of a seat.
func (u *Uses) Of(seat Seat) LastUse {
	var last LastUse
	products, views := u.service.sources(seat.ProductID)
	if views {
		last = u.watched[seat.UserID]
	}
	for _, product := range products {
		last.at(u.used[Seat{seat.UserID, product}])
	}
	return last
}

// Untold lists the products of which no activity was ever told to the account, so that nobody knows
// who uses them. Those of Live Reports are always known, by their views.
func (s *Service) Untold(ctx context.Context, c *call.Call, products []string) ([]string, error) {
	told := map[string]bool{}
	query := table.Query{Partition: toldPartition(c.Account)}
	err := table.All(ctx, s.env.Table, query, func(item table.Item) error {
		told[item.Sort] = true
		return nil
	})
	untold := slices.DeleteFunc(slices.Clone(products), func(product string) bool {
		_, views := s.sources(product)
		return views || told[product]
	})
	return untold, err
}

// tell notes the products of which activity is told for the first time.
func (s *Service) tell(ctx context.Context, c *call.Call, products map[string]bool) error {
	var keys []table.Key
	for _, product := range slices.Sorted(maps.Keys(products)) {
		keys = append(keys, table.Key{Partition: toldPartition(c.Account), Sort: product})
	}
	found, err := s.lookup(ctx, keys)
	if err != nil {
		return err
	}
	var ops []table.Operation
	for _, key := range keys {
		if _, there := found[key]; !there {
			ops = append(ops, table.Put(table.Item{Key: key, Data: []byte("{}")}, table.Always))
		}
	}
	if len(ops) == 0 {
		return nil
	}
	return s.env.Table.Commit(ctx, ops)
}

// activityKey is where an event of activity lies, for as long as its id counts once.
func activityKey(account, id string) table.Key {
	return table.Key{Partition: call.Partition(account, "ACTIVITY", id), Sort: "ACTIVITY"}
}
