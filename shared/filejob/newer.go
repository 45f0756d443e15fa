package filejob

import (
	"context"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// ended says whether nothing more happens with a job in this state.
func ended(state State) bool {
	return state == Completed || state == Cancelled || state == Failed || state == Rejected
}

// waits says whether a job must wait for the one about an older version of its file. That one is
// told to end: what it has applied stays, and this one goes on from there, so that the newest
// version has the last word, in whatever order and however late the versions are told of
// (requirements, section 10).
func (s *Jobs) waits(ctx context.Context, c *call.Call, j Job) (bool, error) {
	if j.After == "" {
		return false, nil
	}
	waits := false
	err := call.Decide(ctx, func(ctx context.Context) error {
		key := s.names.JobKey(c.Account, j.After)
		item, ok, err := table.Get(ctx, s.env.Table, key)
		if err != nil {
			return err
		}
		if !ok {
			return problem.Missing(s.names.One)
		}
		older, err := call.Decode[Job](item)
		if err != nil {
			return err
		}
		if waits = !ended(older.State); !waits || older.Next != "" {
			return nil
		}
		older.Cancel, older.Next = true, j.ID
		op, err := s.names.PutJob(c.Account, older, table.IfVersion(item.Version))
		if err != nil {
			return err
		}
		return s.env.Table.Commit(ctx, []table.Operation{op})
	})
	return waits, err
}
