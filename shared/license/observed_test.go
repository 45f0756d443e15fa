package license

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// observed is a store that looks at every commit for what no state of the account alone shows: that
// all it writes bears the account (I9), and that a terminated license is never anything else again
// (I6).
type observed struct {
	table.Store
	account string

	mu         sync.Mutex
	terminated map[string]bool
	faults     []string
}

func (o *observed) Commit(ctx context.Context, ops []table.Operation) error {
	err := o.Store.Commit(ctx, ops)
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range ops {
		item := ops[i].Item
		o.bears(item.Key)
		for _, place := range item.IndexKeys {
			if place != (table.Key{}) {
				o.bears(place)
			}
		}
		if err == nil && strings.HasPrefix(item.Key.Partition, call.Partition(o.account, "LICENSE", "")) &&
			item.Data != nil {
			o.license(item)
		}
	}
	return err
}

// bears demands that a key is the account's own, or a place among the markers of all accounts that names
// the account.
func (o *observed) bears(key table.Key) {
	if strings.HasPrefix(key.Partition, call.Partition(o.account)) {
		return
	}
	_, rest, _ := strings.Cut(key.Sort, "#")
	if strings.HasPrefix(key.Partition, "JOBS#") && strings.HasPrefix(rest, o.account+"#") {
		return
	}
	o.faults = append(o.faults, fmt.Sprintf("%v does not bear the account", key))
}

func (o *observed) license(item table.Item) {
	l, err := call.Decode[record.Document](item)
	if err != nil {
		o.faults = append(o.faults, err.Error())
		return
	}
	if o.terminated[l.ID] && l.Status != Terminated {
		o.faults = append(o.faults, fmt.Sprintf("license %s was terminated and is %s", l.ID, l.Status))
	}
	if l.Status == Terminated {
		o.terminated[l.ID] = true
	}
}

// observe begins to look at what the office commits; the returned function fails the test for what
// was seen.
func (o *office) observe() (check func()) {
	seen := &observed{Store: o.Env.Table, account: o.Account, terminated: map[string]bool{}}
	o.Env.Table = seen
	return func() {
		o.t.Helper()
		seen.mu.Lock()
		defer seen.mu.Unlock()
		if len(seen.faults) > 0 {
			o.t.Fatalf("%s", strings.Join(seen.faults, "\n"))
		}
	}
}
