package bolt_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/table/tabletest"
)

func open(t *testing.T) *bolt.Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "table.db"))
}

func openAt(t *testing.T, path string) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestContract(t *testing.T) {
	tabletest.Run(t, func(t *testing.T) table.Store { return open(t) })
}

func TestScans(t *testing.T) {
	tabletest.Scans(t, func(t *testing.T) table.Store { return open(t) })
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "folder", "table.db") // Made on the way.
	s, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	item := table.Item{
		Key: table.Key{
			Partition: "P",
			Sort:      "S",
		},
		Version:   1,
		Data:      []byte(`{"a":1}`),
		Counts:    map[string]int64{"n": 3},
		IndexKeys: [table.Indexes]table.Key{{}, {Partition: "Q", Sort: "R"}},
		Expires:   99,
	}
	if err := s.Commit(t.Context(), []table.Operation{table.Put(item, table.IfAbsent)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	page, err := s.Query(t.Context(), table.Query{Index: table.Index2, Partition: "Q"})
	if err != nil || len(page.Items) != 1 || fmt.Sprint(page.Items[0]) != fmt.Sprint(item) {
		t.Errorf("got %+v, %v; want %+v", page, err, item)
	}
}

func TestInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	openAt(t, path)
	begin := time.Now()
	_, err := bolt.Open(path)
	if !errors.Is(err, bolt.ErrInUse) {
		t.Fatalf("got %v, want ErrInUse", err)
	}
	want := "the data folder " + filepath.Dir(path) + " is in use by another Seatwise; stop it or choose another --data"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %s to say so", took)
	}
}

func TestFilesOfOthers(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("This is no database. ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	write := func(name string, fill func(tx *bbolt.Tx) error) string {
		path := filepath.Join(folder, name)
		db, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(fill), db.Close()); err != nil {
			t.Fatal(err)
		}
		return path
	}
	foreign := write("foreign", func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("something"))
		return err
	})
	of := func(name, format string) string {
		return write(name, func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucket([]byte("meta"))
			if err != nil {
				return err
			}
			return b.Put([]byte("format"), []byte(format))
		})
	}
	earlier, later := of("earlier", "seatwise table 3"), of("later", "seatwise table 5")
	for _, path := range []string{text, foreign, earlier, later} {
		if _, err := bolt.Open(path); !errors.Is(err, bolt.ErrFormat) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want ErrFormat and the file's name", path, err)
		}
	}
	if _, err := bolt.Open(foreign); errors.Is(err, bolt.ErrInUse) {
		t.Error("a refused file stays locked")
	}
	if _, err := bolt.Open(filepath.Join(text, "below")); err == nil {
		t.Error("opened a file below a file")
	}
}

func TestClosed(t *testing.T) {
	s, err := bolt.Open(filepath.Join(t.TempDir(), "table.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	key := table.Key{Partition: "P", Sort: "S"}
	if err := s.Commit(t.Context(),
		[]table.Operation{table.Put(table.Item{Key: key}, table.Always)}); !errors.Is(err, bolt.ErrClosed) {
		t.Errorf("commit: got %v, want ErrClosed", err)
	}
	if _, err := s.Lookup(t.Context(), key); !errors.Is(err, bolt.ErrClosed) {
		t.Errorf("lookup: got %v, want ErrClosed", err)
	}
	if _, err := s.Query(t.Context(), table.Query{Partition: "P"}); !errors.Is(err, bolt.ErrClosed) {
		t.Errorf("query: got %v, want ErrClosed", err)
	}
	if _, err := s.Sweep(t.Context(), time.Now()); !errors.Is(err, bolt.ErrClosed) {
		t.Errorf("sweep: got %v, want ErrClosed", err)
	}
}

// TestCloseUnderLoad closes the store while many commit: each commit is acknowledged and there
// after reopening, or refused and not.
func TestCloseUnderLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	s, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	const callers = 16
	done := make([]int, callers)
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for n := 0; ; n++ {
				err := s.Commit(context.Background(), []table.Operation{
					table.Put(
						table.Item{Key: table.Key{Partition: strconv.Itoa(caller), Sort: fmt.Sprintf("%06d", n)}},
						table.IfAbsent,
					),
				})
				if err != nil {
					if !errors.Is(err, bolt.ErrClosed) {
						t.Errorf("commit: %v", err)
					}
					done[caller] = n
					return
				}
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	all.Wait()
	s = openAt(t, path)
	for caller, n := range done {
		items := 0
		err := table.All(t.Context(), s, table.Query{Partition: strconv.Itoa(caller)}, func(table.Item) error {
			items++
			return nil
		})
		if err != nil || items != n || n == 0 {
			t.Errorf("caller %d: %d acknowledged, %d there, %v", caller, n, items, err)
		}
	}
}

func TestOverflowIsRefused(t *testing.T) {
	s := open(t)
	key := table.Key{Partition: "P", Sort: "S"}
	put := table.Put(
		table.Item{Key: key, Counts: map[string]int64{"high": math.MaxInt64 - 1, "low": math.MinInt64}},
		table.Always,
	)
	if err := s.Commit(t.Context(), []table.Operation{put}); err != nil {
		t.Fatal(err)
	}
	for _, bound := range []table.Bound{{Name: "high", By: 2}, {Name: "low", By: -1}} {
		var limit *table.LimitError
		if err := s.Commit(t.Context(), []table.Operation{table.Add(key, bound)}); !errors.As(err, &limit) {
			t.Errorf("%s: got %v, want a LimitError", bound.Name, err)
		}
	}
	if err := s.Commit(t.Context(), []table.Operation{table.Add(key, table.Bound{Name: "high", By: 1})}); err != nil {
		t.Errorf("up to the last: %v", err)
	}
}

func TestSweep(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	indexKey := [table.Indexes]table.Key{{Partition: "I", Sort: "x"}}
	op := func(sort string, expires int64) table.Operation {
		return table.Put(
			table.Item{Key: table.Key{Partition: "P", Sort: sort}, Expires: expires, IndexKeys: indexKey},
			table.Always,
		)
	}
	commit := func(ops ...table.Operation) {
		t.Helper()
		if err := s.Commit(ctx, ops); err != nil {
			t.Fatal(err)
		}
	}
	put := func(sort string, expires int64) {
		t.Helper()
		commit(op(sort, expires))
	}
	for part := range 12 { // 1,200 items, more than Sweep removes in one transaction.
		var ops []table.Operation
		for i := part * 100; i < part*100+100; i++ {
			ops = append(ops, op(fmt.Sprint("old", i), now.Unix()-1-int64(i)))
		}
		commit(ops...)
	}
	put("before 1970", -5)
	put("now", now.Unix())
	put("later", now.Unix()+1)
	put("never", 0)
	put("renewed", now.Unix()-1)
	put("renewed", now.Unix()+100)
	put("kept after all", now.Unix()-1)
	put("kept after all", 0)
	commit(table.Delete(table.Key{Partition: "P", Sort: "old0"}, table.IfPresent))
	removed, err := s.Sweep(ctx, now)
	if err != nil || removed != 1200 {
		t.Errorf("removed %d, %v; want 1200", removed, err)
	}
	for _, q := range []table.Query{{Partition: "P"}, {Index: table.Index1, Partition: "I"}} {
		page, err := s.Query(ctx, q)
		var left []string
		for _, item := range page.Items {
			left = append(left, item.Sort)
		}
		if got := strings.Join(left, ", "); err != nil || got != "kept after all, later, never, now, renewed" {
			t.Errorf("left: %s, %v", got, err)
		}
	}
	if removed, err := s.Sweep(ctx, now); err != nil || removed != 0 {
		t.Errorf("the second time removed %d, %v; want none", removed, err)
	}
}

// crashFile names the store in the environment of TestCrash's child, which then only commits until
// it is killed.
const crashFile = "SEATWISE_TEST_CRASH_FILE"

const crashCallers = 8

// TestCrash kills processes that commit, again and again on one file, and finds after each that
// every acknowledged commit is there and every commit is whole.
func TestCrash(t *testing.T) {
	if path := os.Getenv(crashFile); path != "" {
		commitUntilKilled(t, path)
	}
	path := filepath.Join(t.TempDir(), "table.db")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	acknowledged := make(map[string]bool)
	for round := range 5 {
		child := exec.CommandContext(t.Context(), exe, "-test.run=^TestCrash$")
		child.Env = append(os.Environ(), crashFile+"="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if id, ok := strings.CutPrefix(lines.Text(), "done "); ok {
				acknowledged[id] = true
			}
			if n == 300+100*round { // In the middle of the work; what is in the pipe still counts.
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := child.Wait(); err == nil {
			t.Fatal("the child was not killed")
		}
		checkAfterCrash(t, path, acknowledged)
	}
}

// commitUntilKilled makes commits of one item, another and a count, and prints the number of each
// when it is acknowledged.
func commitUntilKilled(t *testing.T, path string) {
	t.Helper()
	s := openAt(t, path)
	var mu sync.Mutex
	for caller := range crashCallers {
		go func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%d-%d-%06d", os.Getpid(), caller, n)
				err := s.Commit(context.Background(), []table.Operation{
					table.Put(
						table.Item{
							Key:  table.Key{Partition: "first", Sort: id},
							Data: []byte(`"` + strings.Repeat("x", n%3000) + `"`),
						},
						table.IfAbsent,
					),
					table.Put(
						table.Item{
							Key:       table.Key{Partition: id, Sort: "second"},
							IndexKeys: [table.Indexes]table.Key{{Partition: "all", Sort: id}},
						},
						table.IfAbsent,
					),
					table.Add(table.Key{Partition: "count", Sort: "count"}, table.Bound{Name: "n", By: 1}),
				})
				mu.Lock()
				if err == nil {
					_, err = fmt.Println("done " + id)
				}
				mu.Unlock()
				if err != nil {
					panic(err)
				}
			}
		}()
	}
	select {}
}

func checkAfterCrash(t *testing.T, path string, acknowledged map[string]bool) {
	t.Helper()
	s, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	first, second := make(map[string]bool), make(map[string]bool)
	err = errors.Join(
		table.All(t.Context(), s, table.Query{Partition: "first"}, func(item table.Item) error {
			first[item.Sort] = true
			return nil
		}),
		table.All(t.Context(), s, table.Query{Index: table.Index1, Partition: "all"}, func(item table.Item) error {
			second[item.Partition] = true
			return nil
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	count, _, err := table.Get(t.Context(), s, table.Key{Partition: "count", Sort: "count"})
	if err != nil {
		t.Fatal(err)
	}
	for id := range acknowledged {
		if !first[id] {
			t.Errorf("commit %s was acknowledged and is gone", id)
		}
	}
	for id := range first {
		if !second[id] {
			t.Errorf("commit %s is half there", id)
		}
	}
	if len(first) != len(second) || int64(len(first)) != count.Counts["n"] {
		t.Errorf("%d first items, %d second ones, a count of %d", len(first), len(second), count.Counts["n"])
	}
	if len(acknowledged) < 100 {
		t.Errorf("only %d commits acknowledged: the test tests nothing", len(acknowledged))
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
