package view

import (
	"net/url"
	"slices"
	"strings"
)

// Pager is how a list goes on, and back. The first page is at the address without a cursor.
type Pager struct {
	// Count says how much is shown, such as "341 licenses, 50 on this page"; First, Previous and Next
	// are addresses, empty where there is none.
	Count, First, Previous, Next string
}

const (
	// Cursor is the parameter of an address with the cursor of a list's page.
	Cursor = "cursor"
	// Before is the parameter with the cursors of the pages before it, the first page's empty, so
	// that Previous leads back by a link that can be sent. A list under another parameter than Cursor
	// has its own: Before, a dash, and that parameter.
	Before = "before"
	// mostBefore is how many bytes of such cursors an address has: with the session's cookies, a
	// request's head stays within the 10 KB that a gateway takes. The oldest ones are left out, so far
	// down there is First and, some pages back, no Previous.
	mostBefore = 1200
)

func before(cursor string) string {
	if cursor == Cursor {
		return Before
	}
	return Before + "-" + cursor
}

// Turn is how a list goes on whose page is in an address's parameter: path and query are the page's
// own address, and next is the cursor of the next page, empty for none.
func Turn(path string, query url.Values, cursor, next string) Pager {
	var p Pager
	passed := query[before(cursor)]
	here := query.Get(cursor)
	if here != "" {
		p.First = turned(path, query, cursor, "", nil)
		if last := len(passed) - 1; last >= 0 {
			p.Previous = turned(path, query, cursor, passed[last], passed[:last])
		}
	}
	if next != "" {
		p.Next = turned(path, query, cursor, next, bounded(append(slices.Clone(passed), here)))
	}
	return p
}

// bounded leaves out the oldest cursors of those that are too long together.
func bounded(passed []string) []string {
	for len(strings.Join(passed, "")) > mostBefore {
		passed = passed[1:]
	}
	return passed
}

// turned is the address of another page of a list: the same filters, another cursor.
func turned(path string, query url.Values, cursor, to string, passed []string) string {
	q := url.Values{}
	for name, values := range query {
		if name != cursor && name != before(cursor) {
			q[name] = values
		}
	}
	if to != "" {
		q.Set(cursor, to)
		q[before(cursor)] = passed
	}
	if encoded := q.Encode(); encoded != "" {
		return path + "?" + encoded
	}
	return path
}

// FirstPage is the address of a list's first page with some filters.
func FirstPage(path string, query url.Values) string { return turned(path, query, Cursor, "", nil) }
