package sheet

import (
	"fmt"
	"strconv"
	"strings"
)

// namedSpans is how many spans of hidden rows are known by number.
const namedSpans = 10

// Span is a number of rows or columns next to each other.
type Span struct{ First, Last int }

// Hidden are the rows and columns of a sheet that hold something and that nobody sees: a filter was
// left on, or a person has hidden them.
type Hidden struct {
	Rows    []Span // from 1; the first ten spans of them
	More    int    // rows that are hidden beside those
	Columns []Span // 0 is "A"
}

// None says whether nothing is hidden.
func (h Hidden) None() bool { return len(h.Rows) == 0 && len(h.Columns) == 0 }

// addRow notes a hidden row below those noted before.
func (h *Hidden) addRow(number int) {
	if n := len(h.Rows); n > 0 && h.Rows[n-1].Last == number-1 && h.More == 0 {
		h.Rows[n-1].Last = number
	} else if n < namedSpans {
		h.Rows = append(h.Rows, Span{number, number})
	} else {
		h.More++
	}
}

// addColumn notes a hidden column to the right of those noted before.
func (h *Hidden) addColumn(column int) {
	if n := len(h.Columns); n > 0 && h.Columns[n-1].Last == column-1 {
		h.Columns[n-1].Last = column
	} else {
		h.Columns = append(h.Columns, Span{column, column})
	}
}

// String names them for a person: "rows 3, 5 to 9 and 12 more, and column D".
func (h Hidden) String() string {
	var said []string
	if text := spansText("row", h.Rows, h.More, strconv.Itoa); text != "" {
		said = append(said, text)
	}
	if text := spansText("column", h.Columns, 0, ColumnName); text != "" {
		said = append(said, text)
	}

	return strings.Join(said, ", and ")
}

func spansText(what string, spans []Span, more int, name func(int) string) string {
	if len(spans) == 0 {
		return ""
	}
	names := make([]string, len(spans))
	for i, s := range spans {
		if names[i] = name(s.First); s.Last > s.First {
			names[i] += " to " + name(s.Last)
		}
	}
	if len(spans) > 1 || spans[0].Last > spans[0].First || more > 0 {
		what += "s"
	}
	if more > 0 {
		return fmt.Sprintf("%s %s and %s more", what, strings.Join(names, ", "), thousands(more))
	}
	if last := len(names) - 1; last > 0 {
		return what + " " + strings.Join(names[:last], ", ") + " and " + names[last]
	}

	return what + " " + names[0]
}

// Refuse is the refusal of a sheet with hidden rows or columns that hold something, for who wants
// none; nil when there are none.
func (h Hidden) Refuse() *Refusal {
	if h.None() {
		return nil
	}
	r := refuse(ReasonHidden, "The sheet has something in hidden places (%s), perhaps because a filter was left on. "+
		"Show them, or say whether they are to be applied or left out.", h)
	if len(h.Rows) > 0 {
		r.Row = h.Rows[0].First
	} else {
		r.Column = ColumnName(h.Columns[0].First)
	}

	return r
}
