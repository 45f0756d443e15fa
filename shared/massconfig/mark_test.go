package massconfig

import (
	"context"
	"testing"

	"seatwise/infra/testing/filejobs"
	"seatwise/shared/platform/table"
)

// TestMarkerOfWorkThatBeginsMeanwhile redelivers the event of an upload that was checked long ago.
// Whoever takes it finds nothing to do, and takes the marker of work away; right before that,
// somebody configures. The marker must stay: when that worker dies, nothing else tells anybody of
// its work (invariant I14).
func TestMarkerOfWorkThatBeginsMeanwhile(t *testing.T) {
	o := open(t)
	body := filejobs.CSVFile(sheetOf(o.floor(3)...))
	v := o.ask("phones.csv", body, false)
	arrived := o.Put(v, body)
	o.Must(o.Check(o.Ctx, arrived))
	o.In(Ready, o.Get(v.ID))
	began := false
	o.Env.Table = &filejobs.Through{
		Store: o.Store,
		Passing: func(_ context.Context, ops []table.Operation, commit func() error) error {
			for _, op := range ops {
				if op.Kind == table.KindDelete && op.Item.Key == markerKey(o.Account, v.ID) && !began {
					began = true
					o.Start(v.ID) // and its worker is never heard of
				}
			}
			return commit()
		},
	}
	o.Must(o.Check(o.Ctx, arrived))
	o.Env.Table = o.Store
	if !began {
		t.Fatal("nobody took the marker away")
	}
	o.Must(o.Apply(o.Ctx, o.Schedule()))
	o.In(Completed, o.Get(v.ID))
	o.state()
}
