package lease_test

import (
	"testing"
	"testing/synctest"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/lease"
	"seatwise/shared/platform/table"
)

var key = table.Key{Partition: "A#JOB-LEASES", Sort: "1"}

// A worker that is silent in its work but lives keeps its lease, for hours; one that died loses it
// after the short life, and not before; one that gave it back keeps nothing.
func TestTheLeaseLastsAsLongAsItsWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fixtures.New(t)
		f.Env.Clock = time.Now // the bubble's, as the beat's
		read := func() lease.Lease {
			t.Helper()
			found, err := f.Env.Table.Lookup(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			l, err := lease.Of(found, key)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		held := func(when string, want bool) {
			t.Helper()
			if read().Held(f.Env, time.Now()) != want {
				t.Fatalf("%s: held is %v", when, !want)
			}
		}
		write := func(k *lease.Keeper, life time.Duration) error { return k.Write(t.Context(), life, nil) }

		held("before the first worker", false)
		first := lease.NewKeeper(f.Env, key, 1, read())
		if err := write(first, lease.Life); err != nil {
			t.Fatal(err)
		}
		stop := first.Beat(t.Context())
		for range 200 {
			time.Sleep(lease.Life - time.Second)
			synctest.Wait()
			held("while the worker lives", true)
		}
		stop() // it died
		died := time.Now()
		time.Sleep(lease.Life / 2)
		held("half a life after its death", true)
		time.Sleep(time.Until(died.Add(lease.Life)))
		held("a life after its death", false)

		second := lease.NewKeeper(f.Env, key, 2, read())
		if err := write(second, lease.Life); err != nil {
			t.Fatal(err)
		}
		refused, ok := table.Refused(write(first, lease.Life))
		if !ok || !refused.Has(key) {
			t.Fatal("who was overtaken renewed the lease")
		}
		stop = second.Beat(t.Context())
		defer stop()
		if err := write(second, 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lease.Life)
		synctest.Wait()
		held("given back, while the beat goes on", false)
	})
}

// Where one process has the store to itself, every other one is dead.
func TestAFormerProcessIsDead(t *testing.T) {
	for _, alone := range []bool{true, false} {
		f := fixtures.New(t)
		f.Env.Alone, f.Env.Process = alone, "former"
		if err := lease.NewKeeper(f.Env, key, 1, lease.Lease{}).Write(t.Context(), lease.Life, nil); err != nil {
			t.Fatal(err)
		}
		found, err := f.Env.Table.Lookup(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		l, err := lease.Of(found, key)
		if err != nil || !l.Held(f.Env, f.Clock.Now()) {
			t.Fatalf("its own process does not hold it: %+v, %v", l, err)
		}
		f.Env.Process = "next"
		if l.Held(f.Env, f.Clock.Now()) == alone {
			t.Errorf("alone %v: held is %v", alone, alone)
		}
	}
}
