package purchase

import (
	"context"

	"seatwise/shared/craft/text"
	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// costCenterState is a cost center's part in an audit record.
type costCenterState struct {
	Name string `json:"name"`
}

// PutCostCenter makes a cost center or renames it. A name that is as it was changes nothing.
//
// Errors: validation, precondition-failed.
func (s *Service) PutCostCenter(
	ctx context.Context,
	c *call.Call,
	code, name string,
) (call.Stored[CostCenter], error) {
	var out call.Stored[CostCenter]
	key := license.CostCenterKey(c.Account, code)
	err := call.Decide(ctx, func(ctx context.Context) error {
		item, exists, err := c.Get(ctx, key)
		if err != nil {
			return err
		}
		if err := c.Matches(exists, item.Version); err != nil {
			return err
		}
		cc := CostCenter{Code: code, Name: name, CreatedAt: c.At, ChangedAt: c.At}
		change := call.AuditEntry{
			Action:    "costCenter.created",
			Subject:   "costCenter",
			SubjectID: code,
			After:     costCenterState{name},
		}
		if exists {
			before, err := call.Decode[CostCenter](item)
			if err != nil {
				return err
			}
			if before.Name == name {
				out = call.Stored[CostCenter]{Value: before, Version: item.Version}
				return c.Commit(ctx, out.Answer())
			}
			cc.CreatedAt = before.CreatedAt
			change.Action, change.Before = "costCenter.changed", costCenterState{before.Name}
		}
		if err := checkCostCenterName(name); err != nil {
			return err
		}
		data, err := call.Encode(cc)
		if err != nil {
			return err
		}
		put := c.Put(table.Item{Key: key, Data: data}, exists, item.Version)
		out = call.Stored[CostCenter]{Value: cc, Version: put.Item.Version, Created: !exists}
		audit, err := c.Audit(change)
		if err != nil {
			return err
		}
		answer := out.Answer()
		if out.Created {
			answer = answer.At(costCenterPath(c.Account, code))
		}
		return c.Commit(ctx, answer, put, audit)
	})
	return out, err
}

func costCenterPath(account, code string) string {
	return "/v1/accounts/" + account + "/cost-centers/" + code
}

// CostCenter reads one cost center and its version.
//
// Errors: not-found.
func (s *Service) CostCenter(ctx context.Context, c *call.Call, code string) (CostCenter, int64, error) {
	item, found, err := c.Get(ctx, license.CostCenterKey(c.Account, code))
	if err != nil {
		return CostCenter{}, 0, err
	}
	if !found {
		return CostCenter{}, 0, problem.Missing("cost center")
	}
	cc, err := call.Decode[CostCenter](item)
	return cc, item.Version, err
}

// DeleteCostCenter deletes a cost center to which nothing is charged. Carts and quotes that name it
// stay as they are: the one cannot be quoted and the other not be ordered until another is chosen.
//
// Errors: not-found, precondition-failed; wrong-state while licenses are charged to it, or while an
// order is being placed that might.
func (s *Service) DeleteCostCenter(ctx context.Context, c *call.Call, code string) error {
	key, placing := license.CostCenterKey(c.Account, code), placingKey(c.Account)
	return call.Decide(ctx, func(ctx context.Context) error {
		found, err := c.Lookup(ctx, key, placing)
		if err != nil {
			return err
		}
		item, exists := found[key]
		if !exists {
			return problem.Missing("cost center")
		}
		if err := c.Matches(true, item.Version); err != nil {
			return err
		}
		used, err := s.inventory.InUse(ctx, c, code)
		if err != nil {
			return err
		}
		if used {
			return problem.New(
				problem.WrongState,
				"Licenses are charged to this cost center; charge them to another one first.",
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
		audit, err := c.Audit(
			call.AuditEntry{
				Action:    "costCenter.deleted",
				Subject:   "costCenter",
				SubjectID: code,
				Before:    costCenterState{before.Name},
			},
		)
		if err != nil {
			return err
		}
		// What was looked at above is demanded again in the commit: an order may have come between.
		ops := append(
			s.kernel.Unused(c.Account, code),
			table.Delete(
				key,
				table.IfVersion(item.Version),
			),
			table.Add(placing, table.AtMost(countPlacing, 0, 0)),
			audit,
		)
		return c.Commit(ctx, call.Gone(), ops...)
	})
}

// CostCenters lists up to limit cost centers behind the code after, by code, that a search finds,
// and the code behind which the next page begins. A search reads past those that it does not find:
// all of an account's cost centers at worst, 1,000 and more a page of the table.
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
		for _, item := range page.Items {
			cc, err := call.Decode[CostCenter](item)
			if err != nil {
				return nil, "", err
			}
			if q != "" && !cc.Found(searched) {
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
