// Package failures notes, over all accounts, what kinds of files and reports failed last, and which
// billing periods cannot be closed (requirements, section 12, alerts).
package failures

import (
	"context"
	"time"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// noted are where it stands, by kind: written in the commit in which one fails, and deleted in that in
// which a later one of its kind succeeds. Nothing is left to be done, but alerts look for it.
var noted = call.OwnMarkers("FAILED")

// Period is the kind of a billing period that cannot be closed; its id is the first day.
const Period = "period"

// Failure is the last file or report of a kind that failed.
type Failure struct {
	Kind   string `json:"kind"` // as in audit records: "massConfiguration"
	ID     string `json:"id"`
	Detail string `json:"detail"` // for people
	// Until is when it is over if no later one of its kind succeeds.
	Until time.Time `json:"until"`
}

// told is how long a failure is told of that nothing follows.
const told = 7 * 24 * time.Hour

// Note is the operation that notes a failure.
func Note(account string, at time.Time, f Failure) (table.Operation, error) {
	f.Until = at.Add(told).UTC()
	data, err := call.Encode(f)
	item := noted.Item(account, f.Kind, data)
	item.Expires = f.Until.Unix()
	put := table.Put(item, table.Always)
	put.Item.Version = table.VersionAt(at)
	return put, err
}

// Forget is the operation that takes back what is noted of a kind, if anything is.
func Forget(account, kind string) table.Operation {
	return table.Delete(noted.Key(account, kind), table.Always)
}

// At is when it was noted.
func (f Failure) At() time.Time { return f.Until.Add(-told) }

// Of is what is noted of a kind in an account; ok is false when nothing is.
func Of(ctx context.Context, store table.Store, account, kind string) (f Failure, ok bool, err error) {
	item, ok, err := table.Get(ctx, store, noted.Key(account, kind))
	if err != nil || !ok {
		return f, false, err
	}
	f, err = call.Decode[Failure](item)
	return f, err == nil, err
}

// All visits what is noted of an account, or of all if it is empty, by account.
func All(ctx context.Context, store table.Store, of string, visit func(account string, f Failure)) error {
	return noted.Each(ctx, store, of, func(m call.Marker) error {
		f, err := call.Decode[Failure](m.Item)
		visit(m.Account, f)
		return err
	})
}
