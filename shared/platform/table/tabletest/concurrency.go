package tabletest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"seatwise/shared/platform/table"
)

// workers is how many callers race in the tests below.
const workers = 20

// Concurrency is the part of the contract that only several callers at once can break.
func Concurrency(t *testing.T, open Open) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, f *fixture)
	}{
		{"RaceForABoundedCount", raceForCount},
		{"RaceForAVersion", raceForVersion},
		{"RaceForAnAbsentItem", raceForAbsent},
		{"Histories", histories},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.test(t, newFixture(t, open))
		})
	}
}

// race runs the workers at once and waits for them.
func race(work func(worker int)) {
	start := make(chan struct{})
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			<-start
			work(worker)
		})
	}
	close(start)
	all.Wait()
}

// raceForCount lets 20 workers take 7 seats, each with an item of its own in the same commit.
func raceForCount(t *testing.T, f *fixture) {
	const seats = 7
	pool := f.key("pool")
	f.put(t, table.Item{Key: pool, Counts: map[string]int64{"free": seats}})
	won := make([]error, workers)
	race(func(worker int) {
		won[worker] = f.Commit(f.ctx, []table.Operation{
			table.Put(table.Item{Key: f.keyIn("#taken", strconv.Itoa(worker))}, table.IfAbsent),
			table.Add(pool, table.AtLeast("free", -1, 0)),
		})
	})
	winners := 0
	for worker, err := range won {
		refused, ok := table.Refused(err)
		switch {
		case err == nil:
			winners++
			f.get(t, f.keyIn("#taken", strconv.Itoa(worker)))
		case ok && refused.Has(pool) && len(refused.Failed) == 1:
			f.missing(t, f.keyIn("#taken", strconv.Itoa(worker)))
		default:
			t.Errorf("worker %d: got %v, want success or a refusal by the pool", worker, err)
		}
	}
	if winners != seats {
		t.Errorf("%d workers won, want %d", winners, seats)
	}
	if free := f.get(t, pool).Counts["free"]; free != 0 {
		t.Errorf("%d seats free, want 0", free)
	}
}

// raceForVersion lets 20 workers each add 1 to one document by reading it and putting it back at
// its version.
func raceForVersion(t *testing.T, f *fixture) {
	key := f.key("document")
	f.commit(t, table.Put(table.Item{Key: key, Data: []byte("0")}, table.IfAbsent))
	failed := make([]error, workers)
	race(func(worker int) {
		failed[worker] = func() error {
			for {
				item, _, err := table.Get(f.ctx, f, key)
				if err != nil {
					return err
				}
				n, err := strconv.Atoi(string(item.Data))
				if err != nil {
					return err
				}
				item.Data = []byte(strconv.Itoa(n + 1))
				err = f.Commit(f.ctx, []table.Operation{table.Put(item, table.IfVersion(item.Version))})
				if _, refused := table.Refused(err); !refused {
					return err
				}
			}
		}()
	})
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
	item := f.get(t, key)
	if string(item.Data) != strconv.Itoa(workers) || item.Version != workers+1 {
		t.Errorf("got %s at version %d, want %d at %d", item.Data, item.Version, workers, workers+1)
	}
}

// raceForAbsent lets 20 workers make the same item, beside one of their own.
func raceForAbsent(t *testing.T, f *fixture) {
	for round := range 3 {
		key := f.key(fmt.Sprint("unique", round))
		got := make([]error, workers)
		race(func(worker int) {
			got[worker] = f.Commit(f.ctx, []table.Operation{
				table.Put(table.Item{Key: key, Data: []byte(strconv.Itoa(worker))}, table.IfAbsent),
				table.Put(table.Item{Key: f.keyIn("#own", fmt.Sprint(round, "#", worker))}, table.IfAbsent),
			})
		})
		winner := string(f.get(t, key).Data)
		for worker, err := range got {
			_, refused := table.Refused(err)
			if won := winner == strconv.Itoa(worker); won != (err == nil) || !won && !refused {
				t.Errorf("round %d: worker %d got %v, the winner is %s", round, worker, err, winner)
			}
		}
		if own := f.all(t, table.Query{Partition: f.name + "#own", Prefix: fmt.Sprint(round, "#")}); len(own) != 1 {
			t.Errorf("round %d: %d items beside the unique one, want 1", round, len(own))
		}
	}
}
