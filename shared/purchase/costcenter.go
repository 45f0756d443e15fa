package purchase

import (
	"context"
	"slices"

	"seatwise/shared/account"
	"seatwise/shared/craft/text"
	"seatwise/shared/license"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// costCenterState is a cost center's part in an audit record.
type costCenterState struct {
	Name   string `json:"name"`
	Fenced bool   `json:"fenced,omitempty"`
}

func stateOfCostCenter(cc CostCenter) costCenterState { return costCenterState{cc.Name, cc.Fenced} }

// CostCenterChange is what a PUT says of a cost center; Fenced stays as it is where it is nil, and is
// false of a new one.
type CostCenterChange struct {
	Code, Name string
	Fenced     *bool
}

// ChangeCostCenter makes a cost center, renames it, or puts up or takes down its fence. One that is
// as the change says is not written. When a fence is taken down, who has waited for its licenses is
// served.
//
// Errors: validation, precondition-failed; wrong-state for too many fences.
func (s *Service) ChangeCostCenter(
	ctx context.Context, c *call.Call, n CostCenterChange,
) (call.Stored[CostCenter], error) {
	var out call.Stored[CostCenter]
	opened := false
	err := call.Decide(ctx, func(ctx context.Context) error {
		opened = false
		item, exists, err := c.Get(ctx, license.CostCenterKey(c.Account, n.Code))
		if err != nil {
			return err
		}
		if err := c.Matches(exists, item.Version); err != nil {
			return err
		}
		var before CostCenter
		if exists {
			if before, err = call.Decode[CostCenter](item); err != nil {
				return err
			}
		}
		after := n.of(before, c)
		if exists && before.Name == after.Name && before.Fenced == after.Fenced {
			out = call.Stored[CostCenter]{Value: before, Version: item.Version}
			return c.Commit(ctx, out.Answer())
		}
		if before.Name != after.Name || !exists {
			if err := checkCostCenterName(after.Name); err != nil {
				return err
			}
		}
		opened = before.Fenced && !after.Fenced
		out, err = s.saveCostCenter(ctx, c, savedCostCenter{before, after, exists, item.Version})
		return err
	})
	if err == nil && opened {
		s.kernel.DrainAll(ctx, c)
	}
	return out, err
}

// of is the cost center that the change makes of another; the zero one is none.
func (n CostCenterChange) of(before CostCenter, c *call.Call) CostCenter {
	after := CostCenter{Code: n.Code, Name: n.Name, Fenced: before.Fenced, CreatedAt: before.CreatedAt, ChangedAt: c.At}
	if before.Code == "" {
		after.CreatedAt = c.At
	}
	if n.Fenced != nil {
		after.Fenced = *n.Fenced
	}
	return after
}

// savedCostCenter is a cost center as it was and as it is to be.
type savedCostCenter struct {
	before, after CostCenter
	exists        bool
	version       int64
}

// saveCostCenter commits it.
func (s *Service) saveCostCenter(
	ctx context.Context, c *call.Call, save savedCostCenter,
) (out call.Stored[CostCenter], err error) {
	code := save.after.Code
	ops, err := s.fence(ctx, c, save.before, save.after)
	if err != nil {
		return out, err
	}
	data, err := call.Encode(save.after)
	if err != nil {
		return out, err
	}
	put := c.Put(table.Item{Key: license.CostCenterKey(c.Account, code), Data: data}, save.exists, save.version)
	out = call.Stored[CostCenter]{Value: save.after, Version: put.Item.Version, Created: !save.exists}
	change := call.AuditEntry{
		Action: "costCenter.created", Subject: "costCenter", SubjectID: code, After: stateOfCostCenter(save.after),
	}
	answer := out.Answer()
	if save.exists {
		change.Action, change.Before = "costCenter.changed", stateOfCostCenter(save.before)
	} else {
		answer = answer.At(costCenterPath(c.Account, code))
	}
	audit, err := c.Audit(change)
	if err != nil {
		return out, err
	}
	return out, c.Commit(ctx, answer, append(ops, put, audit)...)
}

// fence are the operations that make the fence of a cost center what it is to be.
func (s *Service) fence(ctx context.Context, c *call.Call, before, after CostCenter) ([]table.Operation, error) {
	switch {
	case after.Fenced && !before.Fenced:
		return s.kernel.Fence(ctx, c, after.Code)
	case before.Fenced && !after.Fenced:
		return s.kernel.Unfence(ctx, c, before.Code)
	}
	return nil, nil
}

func costCenterPath(account, code string) string {
	return "/v1/accounts/" + account + "/cost-centers/" + code
}

// CostCenter reads one cost center and its version.
//
// Errors: not-found, also for one that is none of the caller's.
func (s *Service) CostCenter(ctx context.Context, c *call.Call, code string) (CostCenter, int64, error) {
	item, found, err := c.Get(ctx, license.CostCenterKey(c.Account, code))
	if err != nil {
		return CostCenter{}, 0, err
	}
	theirs, err := access.CostCenters(ctx)
	if err != nil {
		return CostCenter{}, 0, err
	}
	if !found || !theirs.Has(code) {
		return CostCenter{}, 0, problem.Missing("cost center")
	}
	cc, err := call.Decode[CostCenter](item)
	return cc, item.Version, err
}

// DeleteCostCenter deletes a cost center to which nothing is charged and of which nobody is. Carts and
// quotes that name it stay as they are: the one cannot be quoted and the other not be ordered until
// another is chosen.
//
// Errors: not-found, precondition-failed; wrong-state while licenses are charged to it, while users
// are of it, while it is the account's own, or while an order is being placed that might.
func (s *Service) DeleteCostCenter(ctx context.Context, c *call.Call, code string) error {
	key, placing := license.CostCenterKey(c.Account, code), placingKey(c.Account)
	return call.Decide(ctx, func(ctx context.Context) error {
		people, own := license.PeopleKey(c.Account, code), call.AccountKey(c.Account)
		found, err := c.Lookup(ctx, key, placing, people, own)
		if err != nil {
			return err
		}
		item, exists := found[key]
		if !exists {
			return problem.Missing("cost center")
		}
		if err := c.MatchesTag(call.Tag(item.Version)); err != nil {
			return err
		}
		if err := s.unused(ctx, c, code, found[people].Counts[license.CountPeople]); err != nil {
			return err
		}
		a, version, err := account.From(c, found)
		if err != nil {
			return err
		}
		if a.CostCenter == code {
			return problem.New(
				problem.WrongState, "This is the account's own cost center; the account needs another one first.",
			)
		}
		if found[placing].Counts[countPlacing] > 0 {
			return problem.New(
				problem.WrongState,
				"An order is being placed; delete the cost center when that is done.",
			)
		}
		before, err := call.Decode[CostCenter](item)
		if err != nil {
			return err
		}
		audit, err := c.Audit(call.AuditEntry{
			Action: "costCenter.deleted", Subject: "costCenter", SubjectID: code, Before: stateOfCostCenter(before),
		})
		if err != nil {
			return err
		}
		// What was looked at above is demanded again in the commit: an order may have come between.
		fence, err := s.fence(ctx, c, before, CostCenter{})
		if err != nil {
			return err
		}
		ops := append(
			slices.Concat(s.kernel.Unused(c.Account, code), fence),
			table.Delete(key, table.IfVersion(item.Version)),
			table.Add(placing, table.AtMost(countPlacing, 0, 0)),
			table.Check(own, table.IfVersion(version)),
			audit,
		)
		return c.Commit(ctx, call.Gone(), ops...)
	})
}

// unused demands that no license is charged to a cost center, which has a number of users, and that
// it has none.
//
// Errors: wrong-state.
func (s *Service) unused(ctx context.Context, c *call.Call, code string, users int64) error {
	used, err := s.inventory.InUse(ctx, c, code)
	switch {
	case err != nil:
		return err
	case used:
		return problem.New(
			problem.WrongState, "Licenses are charged to this cost center; charge them to another one first.",
		)
	case users > 0:
		return problem.New(problem.WrongState, "Users are of this cost center; give them another one first.")
	}
	return nil
}

// CostCenters lists up to limit cost centers behind the code after, by code, that a search finds,
// and the code behind which the next page begins. A search reads past those that it does not find:
// all of an account's cost centers at worst, 1,000 and more a page of the table. An admin of some cost
// centers finds theirs.
func (s *Service) CostCenters(
	ctx context.Context,
	c *call.Call,
	q string,
	limit int,
	after string,
) ([]CostCenter, string, error) {
	query := table.Query{Partition: costCentersPartition(c.Account)}
	if q == "" {
		query.Limit = limit + 1
	}
	if after != "" {
		query.From = after + "\x00" // the least key behind it
	}
	searched := text.NewQuery(q)
	var list []CostCenter
	for {
		page, err := c.Env.Table.Query(ctx, query)
		if err != nil {
			return nil, "", err
		}
		theirs, err := access.CostCenters(ctx)
		if err != nil {
			return nil, "", err
		}
		for _, item := range page.Items {
			cc, err := call.Decode[CostCenter](item)
			if err != nil {
				return nil, "", err
			}
			if !theirs.Has(cc.Code) || q != "" && !cc.Found(searched) {
				continue
			}
			if len(list) == limit { // there is one more
				return list, list[limit-1].Code, nil
			}
			list = append(list, cc)
		}
		if page.Next == "" {
			return list, "", nil
		}
		query.After = page.Next
	}
}
