package view_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"seatwise/shared/console/view"
)

// TestTurn walks a list forth and back again: Previous is the very address that led on, with its
// filters and beside another list of the page, until the addresses are too long to keep them all.
func TestTurn(t *testing.T) {
	for _, cursor := range []string{view.Cursor, "queues"} {
		var been []string
		at := "/list?other=x&q=a"
		for page := range 6 {
			been = append(been, at)
			at = turn(t, at, cursor, fmt.Sprint("c", page)).Next
		}
		for i := len(been) - 1; i >= 0; i-- {
			p := turn(t, at, cursor, "")
			if p.Previous != been[i] || p.First != been[0] || p.Next != "" {
				t.Fatalf("%s: of page %d: previous %q, first %q, next %q; want %q and %q",
					cursor, i+2, p.Previous, p.First, p.Next, been[i], been[0])
			}
			at = p.Previous
		}
		if p := turn(t, at, cursor, ""); p.Previous != "" || p.First != "" {
			t.Errorf("%s: of the first page: %+v", cursor, p)
		}
	}
}

// TestTurnIsBounded holds that an address fits a request's head however far somebody goes, and that
// nothing claims to be the page before where it is no longer known.
func TestTurnIsBounded(t *testing.T) {
	at := "/list"
	const most = 2000
	for page := range 40 {
		at = turn(t, at, view.Cursor, fmt.Sprintf("%0200d", page)).Next
		if len(at) > most {
			t.Fatalf("the address of page %d has %d bytes, want at most %d", page+2, len(at), most)
		}
	}
	steps := 0
	for at != "" {
		p := turn(t, at, view.Cursor, "")
		if p.First != "/list" {
			t.Errorf("%d pages back First is %q", steps, p.First)
		}
		at, steps = p.Previous, steps+1
	}
	if steps < 5 || steps > 10 {
		t.Errorf("Previous led %d pages back, want some and not all 40", steps)
	}
}

func turn(t *testing.T, at, cursor, next string) view.Pager {
	t.Helper()
	path, query, _ := strings.Cut(at, "?")
	q, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return view.Turn(path, q, cursor, next)
}
