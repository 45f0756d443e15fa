package tabletest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"seatwise/shared/platform/table"
)

const (
	historyClients = 6
	historyCalls   = 40 // of each client
	historyRounds  = 4
	historyItems   = 4 // three documents and, last, a count
	// judging bounds the search for an order; a history that is not judged by then has failed.
	judging = 30 * time.Second
)

// histories lets clients read, write, delete, count and commit over several items at once, and has
// porcupine look for an order of these calls that explains every answer. It is the whole promise of
// the port in one: each commit at one moment, all or nothing, on conditions that held at that
// moment, and reads that see it from then on.
func histories(t *testing.T, f *fixture) {
	for round := range uint64(historyRounds) {
		result, err := judge(f, round)
		if err != nil {
			t.Fatal(err)
		}
		if result != porcupine.Ok {
			t.Fatalf("round %d: porcupine says %s", round, result)
		}
	}
}

// call is one client's call: a read of an item or a commit.
type call struct {
	read int // the item, or -1
	ops  []table.Operation
}

// answer is what came of it: the item read, or the operations refused.
type answer struct {
	item   cell
	failed string
}

// cell is an item as far as histories go.
type cell struct {
	exists  bool
	version int64
	value   int
	count   int64
}

func judge(f *fixture, round uint64) (porcupine.CheckResult, error) {
	keys := make([]table.Key, historyItems)
	for i := range keys {
		// Two items to a partition, so that both the same and another are met.
		keys[i] = f.keyIn(fmt.Sprint("#", round, "#", i/2), strconv.Itoa(i))
	}
	var (
		clock   atomic.Int64
		mu      sync.Mutex
		history []porcupine.Operation
		failed  error
		all     sync.WaitGroup
	)
	for client := range historyClients {
		all.Go(func() {
			random := rand.New(rand.NewPCG(round, uint64(client)))
			var seen [historyItems]cell
			for n := range historyCalls {
				c := nextCall(random, keys, seen, client*historyCalls+n)
				begin := clock.Add(1)
				a, err := c.make(f, keys)
				end := clock.Add(1)
				if errors.Is(err, table.ErrConflict) {
					continue // Without effect, by contract.
				}
				if c.read >= 0 {
					seen[c.read] = a.item
				}
				mu.Lock()
				history = append(
					history,
					porcupine.Operation{ClientId: client, Input: c, Call: begin, Output: a, Return: end},
				)
				failed = errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if failed != nil {
		return porcupine.Unknown, failed
	}
	return porcupine.CheckOperationsTimeout(model(keys), history, judging), nil
}

// nextCall chooses a call. Versions come from what the client has seen, so that some hold and some
// do not.
func nextCall(random *rand.Rand, keys []table.Key, seen [historyItems]cell, value int) call {
	const documents = historyItems - 1
	i := random.IntN(documents)
	j := (i + 1 + random.IntN(documents-1)) % documents
	document := func(i int) table.Item {
		return table.Item{Key: keys[i], Data: []byte(strconv.Itoa(value))}
	}
	take := table.Add(keys[documents], table.AtLeast("n", -1, 0))
	put := table.Add(keys[documents], table.AtMost("n", 2, 4))
	var ops []table.Operation
	switch random.IntN(12) {
	case 0, 1, 2:
		return call{read: i}
	case 3:
		return call{read: documents}
	case 4:
		ops = []table.Operation{table.Put(document(i), table.IfAbsent)}
	case 5:
		ops = []table.Operation{table.Put(document(i), table.IfVersion(seen[i].version))}
	case 6:
		ops = []table.Operation{table.Delete(keys[i], table.IfPresent)}
	case 7:
		ops = []table.Operation{put}
	case 8:
		ops = []table.Operation{table.Put(document(i), table.Always), table.Put(document(j), table.Always)}
	case 9:
		ops = []table.Operation{table.Put(document(i), table.IfVersion(seen[i].version)), take}
	case 10:
		ops = []table.Operation{table.Check(keys[i], table.IfPresent), table.Put(document(j), table.IfAbsent), take}
	default:
		ops = []table.Operation{table.Delete(keys[i], table.Always), table.Put(document(j), table.IfPresent), put}
	}
	return call{read: -1, ops: ops}
}

func (c call) make(f *fixture, keys []table.Key) (answer, error) {
	if c.read < 0 {
		err := f.Commit(f.ctx, c.ops)
		if refused, ok := table.Refused(err); ok {
			return answer{failed: fmt.Sprint(refused.Failed)}, nil
		}
		return answer{}, err
	}
	item, exists, err := table.Get(f.ctx, f, keys[c.read])
	if err != nil {
		return answer{}, err
	}
	is := cell{exists: exists, version: item.Version, count: item.Counts["n"]}
	if len(item.Data) > 0 {
		is.value, err = strconv.Atoi(string(item.Data))
	}
	return answer{item: is}, err
}

// model is the contract, for one call at a time.
func model(keys []table.Key) porcupine.Model {
	at := make(map[table.Key]int, len(keys))
	for i, key := range keys {
		at[key] = i
	}
	return porcupine.Model{
		Init: func() any { return [historyItems]cell{} },
		Step: func(state, input, output any) (bool, any) {
			//nolint:forcetypeassert,errcheck // They are made here.
			is, c, a := state.([historyItems]cell), input.(call), output.(answer)
			if c.read >= 0 {
				return is[c.read] == a.item, is
			}
			after, failed := is, []int(nil)
			for i := range c.ops {
				op := &c.ops[i]
				now := is[at[op.Item.Key]]
				next := now
				met := op.Cond.Met(table.Item{Version: now.version}, now.exists)
				switch op.Kind {
				case table.KindPut:
					value, err := strconv.Atoi(string(op.Item.Data))
					met = met && err == nil
					next = cell{exists: true, version: op.Item.Version, value: value}
				case table.KindDelete:
					next = cell{}
				case table.KindAdd:
					next.exists = true
					next.count += op.Bound[0].By
					met = met && op.Bound[0].Met(next.count)
				case table.KindCheck:
				}
				if !met {
					failed = append(failed, i)
				}
				after[at[op.Item.Key]] = next
			}
			if failed != nil {
				return a.failed == fmt.Sprint(failed), is
			}
			return a.failed == "", after
		},
	}
}
