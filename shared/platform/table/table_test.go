package table_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"seatwise/shared/platform/table"
)

// sortKeys are short and made of what ranges and escapes may stumble over.
var sortKeys = rapid.StringOfN(
	rapid.SampledFrom([]rune{0, 1, '#', 'a', 'b', 0x7f, 0x80, 0xd7ff, 0xe000, 0xffff, 0x10000, utf8.MaxRune}),
	0,
	4,
	-1,
)

func TestRangeMeansPrefixFromAndTo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := table.Query{
			Partition: "P",
			Prefix:    sortKeys.Draw(t, "prefix"),
			From:      sortKeys.Draw(t, "from"),
			To:        sortKeys.Draw(t, "to"),
		}
		s := sortKeys.Draw(t, "sort")
		want := strings.HasPrefix(s, q.Prefix) && s >= q.From && (q.To == "" || s < q.To)
		lo, hi, some := q.Range()
		if got := some && s >= lo && (hi == "" || s < hi); got != want {
			t.Fatalf("%q in %+v: got %v by [%q, %q) %v", s, q, got, lo, hi, some)
		}
		if !utf8.ValidString(hi) {
			t.Fatalf("the upper end %q of %+v is not UTF-8", hi, q)
		}
	})
}

func TestCursorsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := table.Query{
			Index:     table.Index(rapid.IntRange(0, table.Indexes).Draw(t, "index")),
			Partition: "P" + sortKeys.Draw(t, "partition"),
			Prefix:    sortKeys.Draw(t, "prefix"),
			Backwards: rapid.Bool().Draw(t, "backwards"),
		}
		sort := q.Prefix + sortKeys.Draw(t, "sort") + "."
		base := table.Key{Partition: q.Partition, Sort: sort}
		if q.Index != table.Base {
			base = table.Key{
				Partition: "B" + sortKeys.Draw(t, "base partition"),
				Sort:      "S" + sortKeys.Draw(t, "base sort"),
			}
		}
		q.After = table.EncodeCursor(q, sort, base)
		gotSort, gotBase, err := table.DecodeCursor(q)
		if err != nil || gotSort != sort || gotBase != base {
			t.Fatalf("got %q, %s, %v; want %q, %s", gotSort, gotBase, err, sort, base)
		}
		if strings.Trim(q.After, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Fatalf("cursor %q has letters that a URL does not like", q.After)
		}
		// One letter of it changed is no cursor any more.
		at := rapid.IntRange(0, len(q.After)-1).Draw(t, "at")
		other := rapid.SampledFrom([]byte("Aa0-_~ \n")).Draw(t, "letter")
		if q.After[at] == other {
			return
		}
		q.After = q.After[:at] + string(other) + q.After[at+1:]
		if _, _, err := table.DecodeCursor(q); !errors.Is(err, table.ErrCursor) {
			t.Fatalf("changed cursor %q: got %v, want ErrCursor", q.After, err)
		}
	})
}

func TestAnyCursorIsTakenWithoutPanic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := table.Query{Index: table.Index1, Partition: "P", After: rapid.String().Draw(t, "after")}
		if _, _, err := table.DecodeCursor(q); !errors.Is(err, table.ErrCursor) {
			t.Fatalf("got %v, want ErrCursor", err)
		}
	})
}

func TestPutSetsTheVersion(t *testing.T) {
	item := table.Item{Key: table.Key{Partition: "P", Sort: "S"}, Version: 77}
	for _, c := range []struct {
		cond table.Condition
		want int64
	}{
		{table.Always, 0}, {table.IfPresent, 0}, {table.IfAbsent, 1}, {table.IfVersion(0), 1}, {table.IfVersion(7), 8},
	} {
		if got := table.Put(item, c.cond).Item.Version; got != c.want {
			t.Errorf("put under %+v: version %d, want %d", c.cond, got, c.want)
		}
	}
}

func TestSizeIsNoLessThanDynamoDBCounts(t *testing.T) {
	// pk, sk, v, d, n_assigned, i2p, i2s, ttl: names and values in bytes, a number at most 21.
	item := table.Item{
		Key: table.Key{
			Partition: "ACC#acme",
			Sort:      "LIC#1",
		},
		Version:   3,
		Data:      []byte(`{"é":1}`),
		Counts:    map[string]int64{"assigned": 1},
		IndexKeys: [table.Indexes]table.Key{{}, {Partition: "X", Sort: "Y"}},
		Expires:   1,
	}
	least := 2 + 8 + 2 + 5 + 1 + 2 + 1 + len(item.Data) + 10 + 2 + 3 + 1 + 3 + 1 + 3 + 6
	if got := table.Size(item); got < least || got > least+100 {
		t.Errorf("size %d, want %d or a little more", got, least)
	}
}

func TestConditionError(t *testing.T) {
	a, b := table.Key{Partition: "P", Sort: "a"}, table.Key{Partition: "P", Sort: "b"}
	err := error(&table.ConditionError{Failed: []int{2}, Keys: []table.Key{a}})
	refused, ok := table.Refused(errors.Join(errors.New("around it"), err))
	if !ok || !refused.Has(a) || refused.Has(b) {
		t.Errorf("got %+v, %v", refused, ok)
	}
	if got, want := err.Error(), "conditions not met: P / a"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, ok := table.Refused(table.ErrConflict); ok {
		t.Error("a conflict is no refusal")
	}
}

func TestAllStopsAtTheFirstError(t *testing.T) {
	pages := pagesOf(t, 5)
	stop := errors.New("enough")
	var seen []string
	err := table.All(t.Context(), pages, table.Query{Partition: "P", Limit: 2}, func(item table.Item) error {
		if seen = append(seen, item.Sort); len(seen) == 3 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || !slices.Equal(seen, []string{"0", "1", "2"}) {
		t.Errorf("saw %v, %v", seen, err)
	}
}
