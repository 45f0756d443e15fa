package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"seatwise/shared/account"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// An item that is put back gets a version that none of the same key can have had, so that an entity tag
// which somebody still has never means another content.
const unseen = 1 << 20

// How much goes into one commit: less than DynamoDB takes.
const (
	operationsAtOnce = 25
	bytesAtOnce      = table.MaxCommitBytes / 2
)

// store is a table that can be read as a whole.
type store interface {
	table.Store
	table.Scanner
}

// task says what is taken back, and who says so.
type task struct {
	account string
	// from is the table as it was restored, which is only read; to is the one that is in use.
	from table.Scanner
	to   store
	// by and why stand in the audit log of the account.
	by, why string
	// try only counts.
	try bool
}

// outcome counts items.
type outcome struct{ asBefore, putBack, removed int }

// was is what an item of the table in use is compared by.
type was struct {
	version int64
	digest  [sha256.Size]byte
}

// back makes the items of an account in the table in use what they are in the restored one. What it has
// done is no different when it is done again, so a run that was cut off is repeated. It keeps some 200
// bytes of each item in memory.
//
// It refuses an account that is not closed: in one that is, nothing is committed, neither by people nor
// by schedules (docs/operations.md, "Restoring").
func (t task) back(ctx context.Context, env *app.Env) (outcome, error) {
	states, err := call.States(ctx, t.to, env.Pick, t.account)
	if err != nil {
		return outcome{}, err
	}
	if states[t.account] != call.Closed {
		return outcome{}, fmt.Errorf("the account %s is not closed: close it, and wait for 15 minutes", t.account)
	}
	if err := t.stays(ctx); err != nil {
		return outcome{}, err
	}
	present, err := t.present(ctx)
	if err != nil {
		return outcome{}, err
	}
	done, err := t.putBack(ctx, present)
	if err != nil {
		return done, err
	}
	if done.asBefore+done.putBack == 0 {
		return done, fmt.Errorf("there is nothing of the account %s in the table to take it from", t.account)
	}
	if err := t.remove(ctx, present, &done); err != nil || t.try {
		return done, err
	}
	c := call.ForEvent(env, t.account, t.by, t.why, env.Clock())
	audit, err := c.Audit(call.AuditEntry{Action: "account.restored", Subject: "account", SubjectID: t.account})
	if err != nil {
		return done, err
	}
	return done, t.to.Commit(ctx, []table.Operation{audit})
}

// stays refuses an account that waits for its erasure, which would come all the same.
func (t task) stays(ctx context.Context) error {
	item, there, err := table.Get(ctx, t.to, call.AccountKey(t.account))
	if err != nil || !there {
		return err
	}
	a, err := call.Decode[account.Account](item)
	if err == nil && a.Erasure != "" {
		err = fmt.Errorf("the account %s waits for its erasure", t.account)
	}
	return err
}

// present reads the account as it is.
func (t task) present(ctx context.Context) (map[table.Key]was, error) {
	present := map[table.Key]was{}
	err := t.each(ctx, t.to, func(item table.Item) error {
		present[item.Key] = was{item.Version, digest(item)}
		return nil
	})
	return present, err
}

// putBack writes each item that is another one than it was, and takes all that it finds out of present.
func (t task) putBack(ctx context.Context, present map[table.Key]was) (outcome, error) {
	var done outcome
	batch := batch{to: t.to, try: t.try}
	err := t.each(ctx, t.from, func(item table.Item) error {
		if err := t.closed(&item); err != nil {
			return err
		}
		before, there := present[item.Key]
		delete(present, item.Key)
		if there && before.digest == digest(item) {
			done.asBefore++
			return nil
		}
		done.putBack++
		op := table.Put(item, table.Always)
		op.Item.Version = max(before.version, item.Version) + unseen
		return batch.add(ctx, op)
	})
	if err != nil {
		return done, err
	}
	return done, batch.flush(ctx)
}

// remove deletes what is left in present: what came after the moment.
func (t task) remove(ctx context.Context, present map[table.Key]was, done *outcome) error {
	batch := batch{to: t.to, try: t.try}
	for _, key := range slices.SortedFunc(maps.Keys(present), table.Key.Compare) {
		// A second run must not take away what the first one has said.
		if strings.HasPrefix(key.Partition, call.Partition(t.account, "AUDIT", "account")) {
			continue
		}
		done.removed++
		if err := batch.add(ctx, table.Delete(key, table.Always)); err != nil {
			return err
		}
	}
	return batch.flush(ctx)
}

// closed leaves an item of the restored table saying of the account that it is closed, as it is: the
// counters demand it in every commit, and the account tells it.
func (t task) closed(item *table.Item) error {
	switch {
	case item.Partition == call.SeatsPartition(t.account) && strings.HasPrefix(item.Sort, "#"):
		item.Counts = maps.Clone(item.Counts)
		if item.Counts == nil {
			item.Counts = map[string]int64{}
		}
		item.Counts[call.CountStopped] = 1
	case item.Key == call.AccountKey(t.account):
		a, err := call.Decode[account.Account](*item)
		if err != nil {
			return err
		}
		a.State = call.Closed
		if item.Data, err = call.Encode(a); err != nil {
			return err
		}
	}
	return nil
}

// each hands on every item of the account, but for those that say that it is closed.
func (t task) each(ctx context.Context, from table.Scanner, take func(table.Item) error) error {
	all, state := call.Partition(t.account, ""), call.Partition(t.account, "STATE", "")
	return table.Everything(ctx, from, []string{all}, func(item table.Item) error {
		if strings.HasPrefix(item.Partition, state) {
			return nil
		}
		return take(item)
	})
}

// batch writes operations together, as few as one commit takes.
type batch struct {
	to   table.Store
	try  bool
	ops  []table.Operation
	size int
}

func (b *batch) add(ctx context.Context, op table.Operation) error {
	size := len(op.Item.Data) + 1024
	if len(b.ops) == operationsAtOnce || b.size+size > bytesAtOnce {
		if err := b.flush(ctx); err != nil {
			return err
		}
	}
	b.ops, b.size = append(b.ops, op), b.size+size
	return nil
}

func (b *batch) flush(ctx context.Context) error {
	ops := b.ops
	b.ops, b.size = nil, 0
	if len(ops) == 0 || b.try {
		return nil
	}
	return b.to.Commit(ctx, ops)
}

// digest is of all that an item says, without its version.
func digest(item table.Item) [sha256.Size]byte {
	var all bytes.Buffer
	field := func(s string) {
		all.Write(binary.AppendUvarint(nil, uint64(len(s))))
		all.WriteString(s)
	}
	field(string(item.Data))
	for _, name := range slices.Sorted(maps.Keys(item.Counts)) {
		field(name)
		all.Write(binary.AppendVarint(nil, item.Counts[name]))
	}
	for _, key := range item.IndexKeys {
		field(key.Partition)
		field(key.Sort)
	}
	all.Write(binary.AppendVarint(nil, item.Expires))
	return sha256.Sum256(all.Bytes())
}
