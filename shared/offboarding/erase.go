package offboarding

import (
	"context"
	"time"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
)

// eraser takes an account away. Each commit takes some records away and counts them, so that the counts are
// true however often it is begun.
type eraser struct {
	*run
	erasure
	account string
	seen    []table.Item
}

func (e *eraser) of() string { return e.account }

// fits is how many records go in one commit, with the erasure itself.
const fits = table.MaxOperations - 1

func (e *eraser) see(ctx context.Context, item table.Item) error {
	if e.seen = append(e.seen, item); len(e.seen) < fits {
		return nil
	}
	return e.away(ctx)
}

// full is never so: what was seen is put away at once.
func (e *eraser) full() bool { return false }

func (e *eraser) flush(ctx context.Context, _ int) ([]table.Operation, error) {
	return nil, e.away(ctx)
}

// away takes away what was seen.
func (e *eraser) away(ctx context.Context) error {
	if len(e.seen) == 0 {
		return nil
	}
	ops := make([]table.Operation, len(e.seen))
	for i, item := range e.seen {
		ops[i] = table.Delete(item.Key, table.Always)
		e.Counts.Kinds[kindOf(item)]++
	}
	e.Counts.Records += len(ops)
	e.State, e.seen = running, nil
	return e.save(ctx, ops...)
}

// save commits operations with the erasure.
func (e *eraser) save(ctx context.Context, ops ...table.Operation) error {
	op, err := put(erasureKey(e.ID), e.erasure, e.erasure.version)
	if err != nil {
		return err
	}
	if err := e.env.Table.Commit(ctx, append(ops, op)); err != nil {
		return stolen(err)
	}
	e.erasure.version = op.Item.Version
	return nil
}

// end takes the files away, and writes the certificate.
func (e *eraser) end(ctx context.Context) error {
	if !e.Counted {
		e.Counts.Versions = 0
		err := e.each(ctx, e.account, func(files.Stored) error { e.Counts.Versions++; return nil })
		if err != nil {
			return err
		}
		e.Counted = true
		if err := e.save(ctx); err != nil {
			return err
		}
	}
	err := e.each(ctx, e.account, func(v files.Stored) error { return e.env.Objects.Remove(ctx, v.Ref) })
	if err != nil {
		return err
	}
	now := e.env.Clock().UTC()
	e.State, e.Account, e.EndedAt, e.Remains = erased, "", now, remains(now, e.env.LogDays)
	c := call.ForEvent(e.env, call.Nowhere, e.AskedBy, "erasure:"+e.ID, now)
	c.Operator = true
	audit, err := c.Audit(call.AuditEntry{
		Action: "account.erased", Subject: "erasure", SubjectID: e.ID, After: e.Counts,
	})
	if err != nil {
		return err
	}
	return e.save(ctx, audit, table.Delete(dueKey(e.ID), table.Always))
}

// remains are what an erasure leaves, and until when, if all was erased at this time.
func remains(at time.Time, logDays int) []Remaining {
	return append(everywhere(at, logDays),
		Remaining{"People of the account at the identity provider, whom its operators delete there.", nil},
		Remaining{"The archive, where somebody has downloaded it: the provider keeps of it what the law demands.", nil},
	)
}

// everywhere is what remains of whatever is taken away at this time.
func everywhere(at time.Time, logDays int) []Remaining {
	return []Remaining{
		{"Earlier states of the table, to which it can be restored as a whole.", until(at, historyKept)},
		{
			"Lines of the functions' and the gateway's log, which name ids and hold no bodies. One about a file that could " +
				"not be read may have what it is called.",
			until(at, time.Duration(logDays)*24*time.Hour),
		},
		{
			"A table beside the one in use, where the stack was led to a restored one: it keeps all that it had, until its " +
				"operators delete it.",
			nil,
		},
		{"Events and work of the account that failed for good.", until(at, failuresKept)},
	}
}
