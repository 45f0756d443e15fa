package bolt_test

import (
	"path/filepath"
	"testing"

	"seatwise/shared/table"
	"seatwise/shared/table/bolt"
	"seatwise/shared/table/tabletest"
)

func open(t *testing.T) table.Store {
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

func TestContract(t *testing.T) { tabletest.Run(t, open) }
