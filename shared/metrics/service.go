// Package metrics is the snapshot of what a customer consumes (requirements, section 8): users,
// clients and supervisors as the kernel counts them, and the wallboards, which this module
// registers up to the account's maximum.
package metrics

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/wallboard"
)

// Kind of a wallboard.
type Kind string

// The kinds; the catalog has the same.
const (
	Analytics     Kind = "analytics"
	LiveAnalytics Kind = "live-analytics"
)

// Wallboard is a registered device.
type Wallboard struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Kind      Kind      `json:"kind" enum:"analytics,live-analytics"`
	UserID    string    `json:"userId" doc:"Whose device it is."`
	CreatedAt time.Time `json:"createdAt"`
}

// Metric is one figure.
type Metric struct {
	ID   string `json:"id" doc:"The product that is counted."`
	Name string `json:"name"`
	// Description says what is counted, for people.
	Description string `json:"description" doc:"What is counted."`
	Used        int64  `json:"used"`
	Max         *int64 `json:"max,omitempty" doc:"The most that there may be; absent when there is no limit."`
}

// Snapshot is every figure at one moment.
type Snapshot struct {
	AsOf       time.Time `json:"asOf"`
	Users      []Metric  `json:"users" nullable:"false"`
	Clients    []Metric  `json:"clients" nullable:"false"`
	Supervisor []Metric  `json:"supervisor" nullable:"false"`
	Devices    []Metric  `json:"devices" nullable:"false"`
}

// limitKey has the maximum as a document; it is there once somebody set it, or registered a device.
// The other keys are those of package wallboard.
func limitKey(account string) table.Key {
	return table.Key{Partition: call.Partition(account, "WALLBOARD-LIMIT"), Sort: "LIMIT"}
}

type limit struct {
	Max int64 `json:"max"`
}

// Service counts, and registers wallboards.
type Service struct {
	env       *app.Env
	kernel    *license.Service
	inventory *inventory.Service
}

// NewService makes the service.
func NewService(env *app.Env, kernel *license.Service) *Service {
	return &Service{env: env, kernel: kernel, inventory: inventory.NewService(kernel.Products())}
}

// Snapshot reads the figures: two reads, whatever there is to count, exact the moment a change
// returns.
func (s *Service) Snapshot(ctx context.Context, c *call.Call) (Snapshot, error) {
	counts, err := s.inventory.Summary(ctx, c)
	if err != nil {
		return Snapshot{}, err
	}
	used := make(map[string]int64, len(counts))
	for _, product := range counts {
		used[product.ProductID] = product.Assigned
	}
	devices, err := s.devices(ctx, c)
	if err != nil {
		return Snapshot{}, err
	}
	group := func(in catalog.Group) []Metric {
		metrics := []Metric{}
		for _, p := range s.kernel.Products().Counted(in) {
			m := Metric{ID: p.ID, Name: p.CountsAs.Label, Description: p.CountsAs.Means, Used: used[p.ID]}
			if p.ID == catalog.WallboardID {
				m.Used, m.Max = devices.Used, devices.Max
			}
			metrics = append(metrics, m)
		}
		return metrics
	}
	return Snapshot{
		AsOf:       c.At,
		Users:      group(catalog.Users),
		Clients:    group(catalog.Clients),
		Supervisor: group(catalog.Supervisor),
		Devices:    group(catalog.Devices),
	}, nil
}

// devices reads how many wallboards there are and may be.
func (s *Service) devices(ctx context.Context, c *call.Call) (Metric, error) {
	found, err := c.Lookup(ctx, limitKey(c.Account), wallboard.CountKey(c.Account))
	if err != nil {
		return Metric{}, err
	}
	now, _, err := limitOf(found, c.Account)
	if err != nil {
		return Metric{}, err
	}
	return s.metric(found, c.Account, now.Max), nil
}

// limitOf takes the maximum out of what was found; version 0 is the default, which is not stored
// yet.
func limitOf(found map[table.Key]table.Item, account string) (limit, int64, error) {
	item, ok := found[limitKey(account)]
	if !ok {
		return limit{Max: DefaultMax}, 0, nil
	}
	now, err := call.Decode[limit](item)
	return now, item.Version, err
}

// putLimit writes the maximum in the place of the one of this version.
func putLimit(account string, now limit, version int64) (table.Operation, error) {
	data, err := call.Encode(now)
	if err != nil {
		return table.Operation{}, err
	}
	cond := table.IfAbsent
	if version != 0 {
		cond = table.IfVersion(version)
	}
	return table.Put(table.Item{Key: limitKey(account), Data: data}, cond), nil
}

// Max reads the maximum of wallboards and its version, 0 while it is the default.
func (s *Service) Max(ctx context.Context, c *call.Call) (int64, int64, error) {
	found, err := c.Lookup(ctx, limitKey(c.Account))
	if err != nil {
		return 0, 0, err
	}
	now, version, err := limitOf(found, c.Account)
	return now.Max, version, err
}

// SetMax sets the maximum of wallboards, and returns its version. One that is so already is not
// written.
//
// Errors: validation; precondition-failed; wallboard-limit when more are in use.
func (s *Service) SetMax(ctx context.Context, c *call.Call, most int64) (Metric, int64, error) {
	var metric Metric
	var version int64
	err := call.Decide(ctx, func(ctx context.Context) error {
		found, err := c.Lookup(ctx, limitKey(c.Account), wallboard.CountKey(c.Account))
		if err != nil {
			return err
		}
		was, before, err := limitOf(found, c.Account)
		if err != nil {
			return err
		}
		if err := c.MatchesTag(call.Tag(before)); err != nil {
			return err
		}
		metric, version = s.metric(found, c.Account, most), before
		if was.Max == most {
			return c.Commit(ctx, call.Told(toldMax(metric), version))
		}
		if most < 0 || most > maxMax {
			return problem.Invalid("max", problem.OutOfRange, "must be 0 to %d", maxMax)
		}
		free := most - was.Max
		if before == 0 {
			free = most // nothing is counted before the maximum is stored
		}
		put, err := putLimit(c.Account, limit{Max: most}, before)
		if err != nil {
			return err
		}
		ops := []table.Operation{put}
		if free != 0 {
			ops = append(ops, table.Add(wallboard.CountKey(c.Account), table.AtLeast(wallboard.Free, free, 0)))
		}
		audit, err := c.Audit(
			call.AuditEntry{
				Action:    "wallboards.max",
				Subject:   "wallboards",
				SubjectID: "max",
				Before:    was,
				After:     limit{Max: most},
			},
		)
		if err != nil {
			return err
		}
		version = put.Item.Version
		return s.commit(ctx, c, call.Told(toldMax(metric), version), func(used, _ int64) error {
			if used <= most {
				return nil
			}
			return belowUse(used, most)
		}, append(ops, audit)...)
	})
	return metric, version, err
}

// metric is how many wallboards there are, by what was found, and may be.
func (s *Service) metric(found map[table.Key]table.Item, account string, most int64) Metric {
	product, _ := s.kernel.Products().Lookup(catalog.WallboardID)
	return Metric{
		ID:          product.ID,
		Name:        product.CountsAs.Label,
		Description: product.CountsAs.Means,
		Used:        found[wallboard.CountKey(account)].Counts[wallboard.Used],
		Max:         &most,
	}
}

// commit commits, and turns the refusal of the count alone into the problem that noModule makes of
// how many there are and may be; noModule says nil when there is room by now. With any other
// refusal the state has changed, and is looked at again.
func (s *Service) commit(
	ctx context.Context,
	c *call.Call,
	answer call.Answer,
	noModule func(used, most int64) error,
	ops ...table.Operation,
) error {
	err := c.Commit(ctx, answer, ops...)
	refused, ok := table.Refused(err)
	if !ok || len(refused.Keys) != 1 || !refused.Has(wallboard.CountKey(c.Account)) {
		return err
	}
	found, failed := s.env.Table.Lookup(ctx, limitKey(c.Account), wallboard.CountKey(c.Account))
	if failed != nil {
		return failed
	}
	now, _, failed := limitOf(found, c.Account)
	if failed != nil {
		return failed
	}
	if told := noModule(found[wallboard.CountKey(c.Account)].Counts[wallboard.Used], now.Max); told != nil {
		return told
	}
	return err
}

// stored is the document of a device's item.
type stored struct {
	Wallboard
	Term int64 `json:"term,omitempty"` // of its owner's fleet, see package wallboard
}

// load reads a device with its owner, another user who may become its owner, and the fleets of
// both; a device of a term that has ended is not there.
func (s *Service) load(ctx context.Context, c *call.Call, id, owner string) (*device, map[table.Key]table.Item, error) {
	key := wallboard.Key(c.Account, id)
	found, err := c.Lookup(
		ctx,
		key,
		license.HolderKey(c.Account, owner),
		wallboard.FleetKey(c.Account, owner),
		limitKey(c.Account),
	)
	if err != nil {
		return nil, nil, err
	}
	item, ok := found[key]
	if !ok {
		return &device{}, found, nil
	}
	d := &device{item: item, written: true}
	if d.before, err = call.Decode[stored](item); err != nil {
		return nil, nil, err
	}
	if d.before.UserID != owner {
		more, err := c.Lookup(ctx, wallboard.FleetKey(c.Account, d.before.UserID))
		if err != nil {
			return nil, nil, err
		}
		maps.Copy(found, more)
	}
	d.there, err = wallboard.Stored{UserID: d.before.UserID, Term: d.before.Term}.Alive(found, c.Account)
	return d, found, err
}

// device is one as it was read.
type device struct {
	item table.Item
	// written says that there is an item, there that it is one of now.
	written, there bool
	before         stored
}

// put writes the device on condition that it is as it was read.
func (d *device) put(c *call.Call, after stored) (table.Operation, error) {
	data, err := call.Encode(after)
	if err != nil {
		return table.Operation{}, err
	}
	cond := table.IfAbsent
	if d.written {
		cond = table.IfVersion(d.item.Version)
	}
	op := table.Put(table.Item{Key: wallboard.Key(c.Account, after.ID), Data: data}, cond)
	op.Item.Version = c.NextVersion(d.there, d.item.Version)
	return op, nil
}

// billed is what billing knows of the device as it was read.
func (d *device) billed() wallboard.Device {
	return wallboard.Device{ID: d.before.ID, UserID: d.before.UserID, CreatedAt: d.before.CreatedAt}
}

// kept is the operation that keeps, for billing, what ends when the device becomes a user's: that it
// was somebody else's, or the one of its id that ended with its user and is not deleted yet.
func (d *device) kept(c *call.Call, found map[table.Key]table.Item) ([]table.Operation, error) {
	if !d.written {
		return nil, nil
	}
	span := d.billed().HandedOn(c.At)
	if !d.there {
		f, _, err := wallboard.FleetFrom(found, c.Account, d.before.UserID)
		if err != nil {
			return nil, err
		}
		span = d.billed().Gone(f.Ended)
	}
	op, err := inventory.Keep(c, span)
	return []table.Operation{op}, err
}

// Put registers a device, or changes a registered one. One that is so already is not written.
//
// Errors: validation, also for a user who does not exist; user-inactive; wallboard-limit when the
// maximum is reached; precondition-failed.
func (s *Service) Put(ctx context.Context, c *call.Call, w Wallboard) (call.Stored[Wallboard], error) {
	var out call.Stored[Wallboard]
	err := call.Decide(ctx, func(ctx context.Context) error {
		d, found, err := s.load(ctx, c, w.ID, w.UserID)
		if err != nil {
			return err
		}
		if err := c.Matches(d.there, d.item.Version); err != nil {
			return err
		}
		w.CreatedAt = c.At
		change := call.AuditEntry{
			Action:    "wallboard.registered",
			Subject:   "wallboard",
			SubjectID: w.ID,
			User:      w.UserID,
			After:     w,
		}
		if d.there {
			w.CreatedAt = d.before.CreatedAt
			if w == d.before.Wallboard {
				out = call.Stored[Wallboard]{Value: w, Version: d.item.Version}
				return c.Commit(ctx, out.Answer())
			}
			change.Action, change.Before, change.After = "wallboard.changed", d.before.Wallboard, w
		}
		var fault error
		if !d.there || w.Name != d.before.Name {
			fault = checkName(w.Name)
		}
		ops, term, err := s.own(c, found, d, w.UserID)
		if err := problem.Together(fault, err); err != nil {
			return err
		}
		if !d.there {
			counted, err := s.countIn(c, found)
			if err != nil {
				return err
			}
			ops = append(ops, counted...)
		}
		put, err := d.put(c, stored{Wallboard: w, Term: term})
		if err != nil {
			return err
		}
		audit, err := c.Audit(change)
		if err != nil {
			return err
		}
		out = call.Stored[Wallboard]{Value: w, Version: put.Item.Version, Created: !d.there}
		return s.commit(ctx, c, out.Answer(), func(used, most int64) error {
			if used < most {
				return nil
			}
			return full(used, most)
		}, append(ops, put, audit)...)
	})
	return out, err
}

// own puts a device into its owner's fleet, and takes it out of the fleet of who had it before. The
// owner must be active in the very commit: who is deactivated at the same time has, or loses, the
// device.
func (s *Service) own(
	c *call.Call,
	found map[table.Key]table.Item,
	d *device,
	owner string,
) ([]table.Operation, int64, error) {
	holder := license.HolderKey(c.Account, owner)
	if d.there && d.before.UserID == owner {
		return []table.Operation{
				table.Check(
					wallboard.FleetKey(c.Account, owner),
					table.IfVersion(found[wallboard.FleetKey(c.Account, owner)].Version),
				),
			},
			d.before.Term, nil
	}
	if err := checkOwner(found, holder); err != nil {
		return nil, 0, err
	}
	ops := []table.Operation{table.Check(holder, table.IfVersion(found[holder].Version))}
	term, join, err := moveFleet(c, found, owner, 1)
	if err != nil {
		return nil, 0, err
	}
	ops = append(ops, join)
	if d.there {
		_, leave, err := moveFleet(c, found, d.before.UserID, -1)
		if err != nil {
			return nil, 0, err
		}
		ops = append(ops, leave)
	}
	kept, err := d.kept(c, found)
	return append(ops, kept...), term, err
}

// moveFleet counts a device into a user's fleet, or out of it.
func moveFleet(c *call.Call, found map[table.Key]table.Item, user string, by int64) (int64, table.Operation, error) {
	f, version, err := wallboard.FleetFrom(found, c.Account, user)
	if err != nil {
		return 0, table.Operation{}, err
	}
	f.Count += by
	op, err := f.Put(c.Account, user, version)
	return f.Term, op, err
}

// Get reads a device and its version.
//
// Errors: not-found.
func (s *Service) Get(ctx context.Context, c *call.Call, id string) (Wallboard, int64, error) {
	item, ok, err := c.Get(ctx, wallboard.Key(c.Account, id))
	if err != nil {
		return Wallboard{}, 0, err
	}
	if ok {
		alive, err := s.alive(ctx, c, item)
		if err != nil {
			return Wallboard{}, 0, err
		}
		if len(alive) > 0 {
			return alive[0].Wallboard, item.Version, nil
		}
	}
	return Wallboard{}, 0, problem.Missing("wallboard")
}

// alive are the devices of items without those of terms that have ended: a read more for a page.
func (s *Service) alive(ctx context.Context, c *call.Call, items ...table.Item) ([]stored, error) {
	list, users := make([]stored, len(items)), make([]string, len(items))
	for i, item := range items {
		var err error
		if list[i], err = call.Decode[stored](item); err != nil {
			return nil, err
		}
		users[i] = list[i].UserID
	}
	if len(items) == 0 {
		return list, nil
	}
	found, err := wallboard.Fleets(ctx, c, users)
	if err != nil {
		return nil, err
	}
	var faults []error
	list = slices.DeleteFunc(list, func(w stored) bool {
		alive, err := wallboard.Stored{UserID: w.UserID, Term: w.Term}.Alive(found, c.Account)
		faults = append(faults, err)
		return !alive
	})
	return list, errors.Join(faults...)
}

// countIn counts one device more; the first one stores the default maximum.
func (s *Service) countIn(c *call.Call, found map[table.Key]table.Item) ([]table.Operation, error) {
	now, version, err := limitOf(found, c.Account)
	if err != nil {
		return nil, err
	}
	if version != 0 {
		return []table.Operation{
			table.Add(
				wallboard.CountKey(c.Account),
				table.AtLeast(wallboard.Free, -1, 0),
				table.Bound{Name: wallboard.Used, By: 1},
			),
		}, nil
	}
	put, err := putLimit(c.Account, now, version)
	return []table.Operation{
		put,
		table.Add(
			wallboard.CountKey(c.Account),
			table.AtLeast(wallboard.Free, now.Max-1, 0),
			table.Bound{Name: wallboard.Used, By: 1},
		),
	}, err
}

func checkOwner(found map[table.Key]table.Item, owner table.Key) error {
	item, ok := found[owner]
	if !ok {
		return problem.Invalid("userId", problem.UnknownID, "must be a user of the account")
	}
	h, err := call.Decode[license.Holder](item)
	if err != nil {
		return err
	}
	if !h.Active {
		return problem.New(problem.UserInactive, "The user is not active; no device can be theirs.")
	}
	return nil
}

// Delete removes a device.
//
// Errors: not-found, precondition-failed.
func (s *Service) Delete(ctx context.Context, c *call.Call, id string) error {
	return call.Decide(ctx, func(ctx context.Context) error {
		item, ok, err := c.Get(ctx, wallboard.Key(c.Account, id))
		if err != nil {
			return err
		}
		if !ok {
			return problem.Missing("wallboard")
		}
		before, err := call.Decode[stored](item)
		if err != nil {
			return err
		}
		found, err := c.Lookup(ctx, wallboard.FleetKey(c.Account, before.UserID))
		if err != nil {
			return err
		}
		if alive, err := (wallboard.Stored{UserID: before.UserID, Term: before.Term}).Alive(
			found,
			c.Account,
		); err != nil ||
			!alive {
			return cmp.Or(err, error(problem.Missing("wallboard")))
		}
		if err := c.MatchesTag(call.Tag(item.Version)); err != nil {
			return err
		}
		_, leave, err := moveFleet(c, found, before.UserID, -1)
		if err != nil {
			return err
		}
		kept, err := inventory.Keep(c, (&device{before: before}).billed().Gone(c.At))
		if err != nil {
			return err
		}
		audit, err := c.Audit(call.AuditEntry{
			Action:    "wallboard.removed",
			Subject:   "wallboard",
			SubjectID: id,
			User:      before.UserID,
			Before:    before.Wallboard,
		})
		if err != nil {
			return err
		}
		return c.Commit(
			ctx,
			call.Gone(),
			table.Delete(item.Key, table.IfVersion(item.Version)),
			leave,
			kept,
			audit,
			table.Add(
				wallboard.CountKey(c.Account),
				table.AtLeast(wallboard.Used, -1, 0),
				table.Bound{Name: wallboard.Free, By: 1},
			),
		)
	})
}

// List reads one page of the devices, by id, and the position of the next page.
func (s *Service) List(ctx context.Context, c *call.Call, after string, limit int) ([]Wallboard, string, error) {
	page, err := s.env.Table.Query(
		ctx,
		table.Query{Partition: wallboard.Partition(c.Account), After: after, Limit: limit},
	)
	if err != nil {
		return nil, "", err
	}
	alive, err := s.alive(ctx, c, page.Items...)
	if err != nil {
		return nil, "", err
	}
	list := make([]Wallboard, len(alive))
	for i, w := range alive {
		list[i] = w.Wallboard
	}
	return list, page.Next, nil
}
