package bolt_test

import (
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
)

// BenchmarkCommit shows what sharing a sync brings: commits of two small items by one caller and by
// many.
func BenchmarkCommit(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(strconv.Itoa(callers), func(b *testing.B) {
			s, err := bolt.Open(filepath.Join(b.TempDir(), "table.db"))
			if err != nil {
				b.Fatal(err)
			}
			var n atomic.Int64
			b.SetParallelism(callers) // Times GOMAXPROCS.
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					id := strconv.FormatInt(n.Add(1), 10)
					err := s.Commit(b.Context(), []table.Operation{
						table.Put(
							table.Item{
								Key:  table.Key{Partition: "P" + id, Sort: "S"},
								Data: []byte(`{"some":"document"}`),
							},
							table.IfAbsent,
						),
						table.Add(table.Key{Partition: "C", Sort: "S"}, table.Bound{Name: "n", By: 1}),
					})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
