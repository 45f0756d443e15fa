package pages

import (
	"net/url"

	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

// onPage is how many rows a page of a list has, and the cursor of the next one, empty for none. Of
// all is how many rows all pages have together, 0 where nobody knows without counting them.
type onPage struct {
	rows int
	next string
	all  int64
	// order says in which order they are: the API's, which its cursors keep (decisions, 190).
	order string
}

// Orders of lists, as their pages say them.
const (
	newestFirst = "the newest first"
	byID        = "by id"
)

// pagerOf is how a list goes on whose filters are in the address.
func pagerOf(c *web.Context, path string, q url.Values, page onPage, noun [2]string) view.Pager {
	p := view.Turn(path, q, view.Cursor, page.next)
	f := c.Format()
	if rows := int64(page.rows); page.all > rows {
		p.Count = f.Count(page.all, noun[0], noun[1]) + ", " + f.Number(rows) + " on this page"
	} else {
		p.Count = f.Count(rows, noun[0], noun[1]) + " on this page"
	}
	if page.order != "" && page.rows > 1 {
		p.Count += ", " + page.order
	}
	return p
}
