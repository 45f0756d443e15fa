package pages

import (
	"maps"
	"net/url"
	"strings"

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

// sortBy is the parameter with the column that a list is sorted by, with a dash before it for the other way.
const sortBy = "sort"

// sorting is how a list is sorted whose rows are all on this page (decisions, 203); of another one, not at all.
type sorting struct {
	path    string
	query   url.Values
	offered bool
}

func sortingOf(c *web.Context, path, next string) sorting {
	q := c.Query()
	return sorting{path: path, query: q, offered: next == "" && q.Get(view.Cursor) == ""}
}

// by is the column that was chosen, and whether from its end; none where sorting is not offered.
func (s sorting) by() (column string, down bool) {
	if !s.offered {
		return "", false
	}
	column, down = strings.CutPrefix(s.query.Get(sortBy), "-")
	return column, down
}

// over makes links of the columns that the list can be sorted by.
func (s sorting) over(columns []view.Column, can ...string) []view.Column {
	by, down := s.by()
	for i := range columns {
		for _, name := range can {
			if !s.offered || columns[i].Name != name {
				continue
			}
			q := maps.Clone(s.query)
			q.Set(sortBy, name)
			columns[i].Sorted = "none"
			if by == name && down {
				columns[i].Sorted = "descending"
			} else if by == name {
				columns[i].Sorted = "ascending"
				q.Set(sortBy, "-"+name)
			}
			columns[i].Sort = s.path + "?" + q.Encode()
		}
	}
	return columns
}

// order is what the list says of its order: the chosen one, else its own.
func (s sorting) order(own string) string {
	by, down := s.by()
	if by == "" {
		return own
	}
	if down {
		return "by " + by + ", the last first"
	}
	return "by " + by
}

// inOrder sorts a list by what each row has in the chosen column.
func inOrder[T any](s sorting, list []T, of func(row T, column string) string) {
	by, down := s.by()
	if by == "" {
		return
	}
	view.Sort(list, func(a, b T) bool {
		x, y := strings.ToLower(of(a, by)), strings.ToLower(of(b, by))
		if down {
			return x > y
		}
		return x < y
	})
}

// padded are digits as they are sorted, 7 before 12.
func padded(s string) string { return strings.Repeat("0", max(0, 12-len(s))) + s }
