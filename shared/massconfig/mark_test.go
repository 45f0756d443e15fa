package massconfig

import (
	"context"
	"testing"

	"seatwise/shared/platform/table"
)

// TestMarkerOfWorkThatBeginsMeanwhile redelivers the event of an upload that was checked long ago.
// Whoever takes it finds nothing to do, and takes the marker of work away; right before that,
// somebody configures. The marker must stay: when that worker dies, nothing else tells anybody of
// its work (invariant I14).
func TestMarkerOfWorkThatBeginsMeanwhile(t *testing.T) {
	o := open(t)
	body := csvFile(sheetOf(o.floor(3)...))
	v := o.ask("phones.csv", body, false)
	arrived := o.put(v, body)
	o.must(o.check(o.ctx, arrived))
	o.in(Ready, o.get(v.ID))
	began := false
	o.Env.Table = &through{
		Store: o.store,
		commit: func(_ context.Context, ops []table.Operation, commit func() error) error {
			for _, op := range ops {
				if op.Kind == table.KindDelete && op.Item.Key == markerKey(o.Account, v.ID) && !began {
					began = true
					o.start(v.ID) // and its worker is never heard of
				}
			}
			return commit()
		},
	}
	o.must(o.check(o.ctx, arrived))
	o.Env.Table = o.store
	if !began {
		t.Fatal("nobody took the marker away")
	}
	o.must(o.apply(o.ctx, o.schedule()))
	o.in(Completed, o.get(v.ID))
	o.state()
}
