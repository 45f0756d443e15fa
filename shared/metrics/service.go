// Package metrics is the snapshot of what a customer consumes (spec 8): users, clients and supervisors as the kernel counts them, and the wallboards, which this
// room registers up to the account's maximum.
package metrics

import (
	"context"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
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
	Used int64  `json:"used"`
	Max  *int64 `json:"max,omitempty" doc:"The most that there may be; absent when there is no limit."`
}

// Snapshot is every figure at one moment.
type Snapshot struct {
	AsOf       time.Time `json:"asOf"`
	Users      []Metric  `json:"users" nullable:"false"`
	Clients    []Metric  `json:"clients" nullable:"false"`
	Supervisor []Metric  `json:"supervisor" nullable:"false"`
	Devices    []Metric  `json:"devices" nullable:"false"`
}

// The keys; docs/data-model.md says what each costs.

func wallboardsPartition(account string) string { return call.Partition(account, "WALLBOARDS") }

func wallboardKey(account, id string) table.Key {
	return table.Key{Partition: wallboardsPartition(account), Sort: id}
}

// limitKey has the maximum as a document; it is there once somebody set it, or registered a device.
func limitKey(account string) table.Key {
	return table.Key{Partition: call.Partition(account, "WALLBOARD-LIMIT"), Sort: "LIMIT"}
}

// countKey counts the devices, and how many more there may be; both change without being read, so that any number of callers can register at once.
func countKey(account string) table.Key {
	return table.Key{Partition: call.Partition(account, "WALLBOARD-LIMIT"), Sort: "COUNT"}
}

const (
	countUsed = "used"
	countFree = "free"
)

type limit struct {
	Max int64 `json:"max"`
}

// Service counts, and registers wallboards.
type Service struct {
	env  *app.Env
	desk *license.Desk
}

// NewService makes the service.
func NewService(env *app.Env, desk *license.Desk) *Service { return &Service{env: env, desk: desk} }

// Snapshot reads the figures: two reads, whatever there is to count, exact the moment a change returns.
func (s *Service) Snapshot(ctx context.Context, c *call.Call) (Snapshot, error) {
	counts, err := s.desk.Summary(ctx, c)
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
		for _, p := range s.desk.Products().Counted(in) {
			m := Metric{ID: p.ID, Name: p.CountsAs.Label, Used: used[p.ID]}
			if p.ID == catalog.WallboardID {
				m.Used, m.Max = devices.Used, devices.Max
			}
			metrics = append(metrics, m)
		}
		return metrics
	}
	return Snapshot{
		AsOf: c.At, Users: group(catalog.Users), Clients: group(catalog.Clients), Supervisor: group(catalog.Supervisor), Devices: group(catalog.Devices),
	}, nil
}

// devices reads how many wallboards there are and may be.
func (s *Service) devices(ctx context.Context, c *call.Call) (Metric, error) {
	found, err := c.Lookup(ctx, limitKey(c.Account), countKey(c.Account))
	if err != nil {
		return Metric{}, err
	}
	now, _, err := limitOf(found, c.Account)
	if err != nil {
		return Metric{}, err
	}
	product, _ := s.desk.Products().Lookup(catalog.WallboardID)
	return Metric{ID: product.ID, Name: product.CountsAs.Label, Used: found[countKey(c.Account)].Counts[countUsed], Max: &now.Max}, nil
}

// limitOf takes the maximum out of what was found; version 0 is the default, which is not stored yet.
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

// SetMax sets the maximum of wallboards.
//
// Errors: wallboard-limit when more are in use.
func (s *Service) SetMax(ctx context.Context, c *call.Call, most int64) (Metric, error) {
	if most < 0 || most > MaxMax {
		return Metric{}, problem.Invalid("max", "must be 0 to %d", MaxMax)
	}
	err := call.Decide(ctx, func(ctx context.Context) error {
		found, err := c.Lookup(ctx, limitKey(c.Account))
		if err != nil {
			return err
		}
		was, version, err := limitOf(found, c.Account)
		if err != nil {
			return err
		}
		if err := c.Matches(version != 0, version); err != nil {
			return err
		}
		if version != 0 && was.Max == most {
			return nil
		}
		free := most - was.Max
		if version == 0 {
			free = most // nothing is counted before the maximum is stored
		}
		put, err := putLimit(c.Account, limit{Max: most}, version)
		if err != nil {
			return err
		}
		ops := []table.Operation{put}
		if free != 0 {
			ops = append(ops, table.Add(countKey(c.Account), table.AtLeast(countFree, free, 0)))
		}
		audit, err := c.Audit(call.Change{Action: "wallboards.max", Subject: "wallboards", SubjectID: "max", Before: was, After: limit{Max: most}})
		if err != nil {
			return err
		}
		return s.commit(ctx, c, belowUse(), append(ops, audit)...)
	})
	if err != nil {
		return Metric{}, err
	}
	return s.devices(ctx, c)
}

// commit commits, and turns the refusal of the count alone into the problem; with any other refusal the state has changed, and is looked at again.
func (s *Service) commit(ctx context.Context, c *call.Call, noRoom *problem.Problem, ops ...table.Operation) error {
	err := c.Commit(ctx, call.Answer{}, ops...)
	if refused, ok := table.Refused(err); ok && len(refused.Keys) == 1 && refused.Has(countKey(c.Account)) {
		return noRoom
	}
	return err
}

// Put registers a device, or changes a registered one; it returns the version, and whether the device is new.
//
// Errors: validation, also for a user who does not exist; user-inactive; wallboard-limit when the maximum is reached; precondition-failed.
func (s *Service) Put(ctx context.Context, c *call.Call, w Wallboard) (Wallboard, int64, bool, error) {
	if err := checkName(w.Name); err != nil {
		return Wallboard{}, 0, false, err
	}
	var version int64
	var made bool
	err := call.Decide(ctx, func(ctx context.Context) error {
		key, owner := wallboardKey(c.Account, w.ID), license.HolderKey(c.Account, w.UserID)
		found, err := c.Lookup(ctx, key, owner, limitKey(c.Account))
		if err != nil {
			return err
		}
		item, exists := found[key]
		if err := c.Matches(exists, item.Version); err != nil {
			return err
		}
		if err := checkOwner(found, owner); err != nil {
			return err
		}
		w.CreatedAt = c.At
		change := call.Change{Action: "wallboard.registered", Subject: "wallboard", SubjectID: w.ID, User: w.UserID}
		ops := []table.Operation{table.Check(owner, table.IfPresent)}
		if exists {
			before, err := call.Decode[Wallboard](item)
			if err != nil {
				return err
			}
			w.CreatedAt = before.CreatedAt
			if w == before {
				version, made = item.Version, false
				return nil
			}
			change.Action, change.Before = "wallboard.changed", before
		} else {
			counted, err := s.countIn(c, found)
			if err != nil {
				return err
			}
			ops = append(ops, counted...)
		}
		change.After = w
		data, err := call.Encode(w)
		if err != nil {
			return err
		}
		put := c.Put(table.Item{Key: key, Data: data}, exists, item.Version)
		audit, err := c.Audit(change)
		if err != nil {
			return err
		}
		version, made = put.Item.Version, !exists
		return s.commit(ctx, c, full(), append(ops, put, audit)...)
	})
	return w, version, made, err
}

// countIn counts one device more; the first one stores the default maximum.
func (s *Service) countIn(c *call.Call, found map[table.Key]table.Item) ([]table.Operation, error) {
	now, version, err := limitOf(found, c.Account)
	if err != nil {
		return nil, err
	}
	if version != 0 {
		return []table.Operation{table.Add(countKey(c.Account), table.AtLeast(countFree, -1, 0), table.Bound{Name: countUsed, By: 1})}, nil
	}
	put, err := putLimit(c.Account, now, version)
	return []table.Operation{
		put, table.Add(countKey(c.Account), table.AtLeast(countFree, now.Max-1, 0), table.Bound{Name: countUsed, By: 1}),
	}, err
}

func checkOwner(found map[table.Key]table.Item, owner table.Key) error {
	item, ok := found[owner]
	if !ok {
		return problem.Invalid("userId", "must be a user of the account")
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
		item, ok, err := c.Get(ctx, wallboardKey(c.Account, id))
		if err != nil {
			return err
		}
		if !ok {
			return problem.Missing("wallboard")
		}
		if err := c.Matches(true, item.Version); err != nil {
			return err
		}
		before, err := call.Decode[Wallboard](item)
		if err != nil {
			return err
		}
		audit, err := c.Audit(call.Change{Action: "wallboard.removed", Subject: "wallboard", SubjectID: id, User: before.UserID, Before: before})
		if err != nil {
			return err
		}
		return c.Commit(ctx, call.Answer{}, table.Delete(item.Key, table.IfVersion(item.Version)), audit,
			table.Add(countKey(c.Account), table.AtLeast(countUsed, -1, 0), table.Bound{Name: countFree, By: 1}))
	})
}

// List reads one page of the devices, by id, and the position of the next page.
func (s *Service) List(ctx context.Context, c *call.Call, after string, limit int) ([]Wallboard, string, error) {
	page, err := s.env.Table.Query(ctx, table.Query{Partition: wallboardsPartition(c.Account), After: after, Limit: limit})
	if err != nil {
		return nil, "", err
	}
	list := make([]Wallboard, len(page.Items))
	for i, item := range page.Items {
		if list[i], err = call.Decode[Wallboard](item); err != nil {
			return nil, "", err
		}
	}
	return list, page.Next, nil
}
