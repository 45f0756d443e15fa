package lines_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"seatwise/infra/local/lines"
)

// TestLinesAreKeptByDay holds what is kept, of which window it is read, and for how long.
func TestLinesAreKeptByDay(t *testing.T) {
	folder := t.TempDir()
	now := time.Date(2026, 3, 1, 23, 59, 0, 0, time.UTC)
	log, err := lines.Open(filepath.Join(folder, "lines"), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		if _, err := log.Write([]byte(text + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	read := func(from, to time.Time) (found []string) {
		t.Helper()
		err := log.Read(t.Context(), from, to, func(line []byte) error {
			found = append(found, string(line))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	write(`{"account":"acme","n":1}`)
	write(`{"requestId":"of nobody"}`)
	now = now.Add(time.Minute)
	write(`{"account":"acme","n":2}`)
	first := now.AddDate(0, 0, -1)
	if got := read(first, now); !slices.Equal(got, []string{`{"account":"acme","n":1}`}) {
		t.Errorf("of the first day: %q", got)
	}
	if got := read(now, now.AddDate(0, 0, 1)); !slices.Equal(got, []string{`{"account":"acme","n":2}`}) {
		t.Errorf("of the second day: %q", got)
	}
	// A kill may leave half of a line.
	path := filepath.Join(folder, "lines", now.Format(time.DateOnly)+".jsonl")
	torn, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(torn, `{"at":177`)
	if err := torn.Close(); err != nil {
		t.Fatal(err)
	}
	if got := read(first, now.AddDate(0, 0, 1)); len(got) != 2 {
		t.Errorf("of both: %q", got)
	}
	now = now.AddDate(0, 0, 10)
	write(`{"account":"acme","n":3}`)
	if got := read(first, now.AddDate(0, 0, 1)); len(got) != 1 {
		t.Errorf("ten days later: %q", got)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
}
