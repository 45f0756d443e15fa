// Package wallboard knows whose the registered devices are: what package metrics registers and
// counts, and what package directory ends when a user goes (requirements, sections 6 and 8).
// Devices are not licenses: they are counted by an item of their own, which the summary of licenses
// reads with its other counts.
//
// A user may have more devices than a commit has operations. So their devices belong to a term,
// which is written on each of them and kept in one item of the user, the fleet, with their number;
// ending the term ends all of them in one operation, and who reads a device of an earlier term does
// not see it. The items themselves are deleted after that.
package wallboard

import (
	"context"
	"slices"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Stored is what a device's item says of whose it is; package metrics writes the rest.
type Stored struct {
	ID     string `json:"id"`
	UserID string `json:"userId"`
	Term   int64  `json:"term,omitempty"`
}

// Device is what an audit entry says of a device.
type Device struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Kind      string    `json:"kind"`
	UserID    string    `json:"userId"`
	CreatedAt time.Time `json:"createdAt"`
}

// HandedOn is what a billing period is to know of the device when it becomes somebody else's at a
// moment, and Gone when it ends (requirements, section 12).
func (d Device) HandedOn(at time.Time) inventory.Span {
	return inventory.Span{License: d.ID, ProductID: catalog.WallboardID, UserID: d.UserID, From: d.CreatedAt, Until: at}
}

// Gone is the last that a billing period is to know of a device.
func (d Device) Gone(at time.Time) inventory.Span {
	span := d.HandedOn(at)
	span.Ended = true
	return span
}

// Life is a device with the moment at which it ended with its user; zero while it lasts.
type Life struct {
	Device
	Ended time.Time
}

// Lives lists the devices of the account, also those that ended with their user and are not deleted
// yet: a query, and a read of each hundred users who have one.
func Lives(ctx context.Context, c *call.Call) ([]Life, error) {
	var lives []Life
	var terms []int64
	var users []string
	err := table.All(ctx, c.Env.Table, table.Query{Partition: Partition(c.Account)}, func(item table.Item) error {
		w, err := call.Decode[Stored](item)
		if err != nil {
			return err
		}
		d, err := call.Decode[Device](item)
		lives, terms, users = append(lives, Life{Device: d}), append(terms, w.Term), append(users, w.UserID)
		return err
	})
	if err != nil || len(lives) == 0 {
		return nil, err
	}
	found, err := Fleets(ctx, c, users)
	if err != nil {
		return nil, err
	}
	for i := range lives {
		f, _, err := FleetFrom(found, c.Account, lives[i].UserID)
		if err != nil {
			return nil, err
		}
		if terms[i] != f.Term {
			lives[i].Ended = f.Ended
		}
	}
	return lives, nil
}

// Fleet is the devices of one user together.
type Fleet struct {
	// Term is the one that devices of now belong to.
	Term int64 `json:"term"`
	// Count is how many there are in it.
	Count int64 `json:"count"`
	// Ended is when the term before began to be one that has ended.
	Ended time.Time `json:"ended,omitzero"`
}

// The counts of CountKey.
const (
	Used = "assigned:" + catalog.WallboardID
	Free = "free:" + catalog.WallboardID
)

// Partition lists the account's devices by id, those of terms that have ended among them until they
// are deleted.
func Partition(account string) string { return call.Partition(account, "WALLBOARDS") }

// Key is a device's item.
func Key(account, id string) table.Key { return table.Key{Partition: Partition(account), Sort: id} }

// FleetKey is the item of a user's fleet.
func FleetKey(account, user string) table.Key {
	return table.Key{Partition: call.Partition(account, "WALLBOARD-FLEET"), Sort: user}
}

// CountKey counts the devices, and how many more there may be; both change without being read, so
// that any number of callers can register at once. It lies among the counts of seats, so that the
// summary of licenses and the metrics read one and the same count.
func CountKey(account string) table.Key {
	return table.Key{Partition: call.Partition(account, "SEATS"), Sort: catalog.WallboardID}
}

// Fleets reads the fleets of some users, named any number of times: a read for each hundred of them.
func Fleets(ctx context.Context, c *call.Call, users []string) (map[table.Key]table.Item, error) {
	var keys []table.Key
	for _, user := range slices.Compact(slices.Sorted(slices.Values(users))) {
		keys = append(keys, FleetKey(c.Account, user))
	}
	return c.Lookup(ctx, keys...)
}

// FleetFrom takes a user's fleet, and its version, out of what was found; 0 when there is none.
func FleetFrom(found map[table.Key]table.Item, account, user string) (Fleet, int64, error) {
	item, ok := found[FleetKey(account, user)]
	if !ok {
		return Fleet{}, 0, nil
	}
	f, err := call.Decode[Fleet](item)
	return f, item.Version, err
}

// Put writes the fleet in the place of the one of this version.
func (f Fleet) Put(account, user string, version int64) (table.Operation, error) {
	data, err := call.Encode(f)
	if err != nil {
		return table.Operation{}, err
	}
	cond := table.IfAbsent
	if version != 0 {
		cond = table.IfVersion(version)
	}
	return table.Put(table.Item{Key: FleetKey(account, user), Data: data}, cond), nil
}

// End ends all devices of a user whose fleet was found, in a commit of others: nobody sees or
// counts one of them after it. For a user without devices it demands that none came meanwhile.
// Sweep is to follow where some ended.
func End(
	c *call.Call, found map[table.Key]table.Item, user string,
) (ops []table.Operation, ended bool, err error) {
	account := c.Account
	f, version, err := FleetFrom(found, account, user)
	if err != nil {
		return nil, false, err
	}
	if f.Count == 0 {
		cond := table.IfAbsent
		if version != 0 {
			cond = table.IfVersion(version)
		}
		return []table.Operation{table.Check(FleetKey(account, user), cond)}, false, nil
	}
	put, err := Fleet{Term: f.Term + 1, Ended: c.At}.Put(account, user, version)
	if err != nil {
		return nil, false, err
	}
	return []table.Operation{
		put, table.Add(CountKey(account), table.AtLeast(Used, -f.Count, 0), table.Bound{Name: Free, By: f.Count}),
	}, true, nil
}

// sweepBatch is how many items one commit deletes, each with its audit record, beside what is kept of
// them for billing.
const sweepBatch = (call.MaxOperations - 1) / 2

// Sweep deletes the items of devices of a user's ended terms, each with an audit record. It can be
// cut off anywhere and done again.
func Sweep(ctx context.Context, c *call.Call, user string) error {
	now, ok, err := table.Get(ctx, c.Env.Table, FleetKey(c.Account, user))
	if err != nil || !ok {
		return err
	}
	f, err := call.Decode[Fleet](now)
	if err != nil || f.Term == 0 {
		return err
	}
	var ended []table.Item
	err = table.All(ctx, c.Env.Table, table.Query{Partition: Partition(c.Account)}, func(item table.Item) error {
		w, err := call.Decode[Stored](item)
		if err == nil && w.UserID == user && w.Term < f.Term {
			ended = append(ended, item)
		}
		return err
	})
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(ended, sweepBatch) {
		if err := sweep(ctx, c, f, batch); err != nil {
			return err
		}
	}
	return nil
}

// sweep deletes some items; if one was registered again meanwhile, each is tried alone.
func sweep(ctx context.Context, c *call.Call, f Fleet, items []table.Item) error {
	var ops []table.Operation
	var spans []inventory.Span
	for _, item := range items {
		w, err := call.Decode[Stored](item)
		if err != nil {
			return err
		}
		shown, err := call.Decode[Device](item)
		if err != nil {
			return err
		}
		audit, err := c.Audit(call.AuditEntry{
			Action:    "wallboard.removed",
			Subject:   "wallboard",
			SubjectID: w.ID,
			User:      w.UserID,
			Reason:    "the user left",
			Before:    shown,
		})
		if err != nil {
			return err
		}
		ops = append(ops, table.Delete(item.Key, table.IfVersion(item.Version)), audit)
		spans = append(spans, shown.Gone(f.Ended))
	}
	kept, err := inventory.Keep(c, spans...)
	if err != nil {
		return err
	}
	ops = append(ops, kept)
	err = c.Env.Table.Commit(ctx, ops)
	if _, changed := table.Refused(err); !changed || len(items) == 1 {
		if changed {
			return nil // it is another one's by now
		}
		return err
	}
	for _, item := range items {
		if err := sweep(ctx, c, f, []table.Item{item}); err != nil {
			return err
		}
	}
	return nil
}

// Alive says of devices whether their term lasts, by the fleets that are in found; see Fleets.
func (s Stored) Alive(found map[table.Key]table.Item, account string) (bool, error) {
	f, _, err := FleetFrom(found, account, s.UserID)
	return f.Term == s.Term, err
}
