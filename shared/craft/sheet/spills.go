package sheet

import (
	"bytes"
	"cmp"
	"slices"
)

// maxSpills bounds the formulas that fill several cells. Each such cell is a row error anyway.
const maxSpills = 100_000

// area is a rectangle of cells; columns count from 0, rows from 1.
type area struct{ top, bottom, left, right int32 }

// parseArea reads a reference to a cell or to a rectangle of cells, whichever of its corners it
// names.
func parseArea(ref []byte) (area, bool) {
	first, last, several := bytes.Cut(ref, []byte(":"))
	left, top, ok := parseReference(first)
	if !ok {
		return area{}, false
	}
	right, bottom := left, top
	if several {
		if right, bottom, ok = parseReference(last); !ok {
			return area{}, false
		}
	}

	return area{
		int32(min(top, bottom)),
		int32(max(top, bottom)),
		int32(min(left, right)),
		int32(max(left, right)),
	}, true
}

func (a area) single() bool { return a.top == a.bottom && a.left == a.right }

// spills are the cells whose values a formula in another cell has given: the rest of an array, what
// a formula spills, and the cells of a what-if table. They hold bare values, as if somebody had
// entered them.
type spills struct {
	byTop    []area
	byBottom []area // the same
}

// settle ends the collecting.
func (s *spills) settle() {
	slices.SortFunc(s.byTop, func(a, b area) int { return cmp.Compare(a.top, b.top) })
	s.byBottom = slices.Clone(s.byTop)
	slices.SortFunc(s.byBottom, func(a, b area) int { return cmp.Compare(a.bottom, b.bottom) })
}

// spillSweep goes down the rows with the areas that cover them. Its cost does not depend on how
// many overlap.
type spillSweep struct {
	spills     *spills
	begun      int     // of byTop
	ended      int     // of byBottom
	covered    []int32 // by column, how many areas cover it in this row
	coversSome bool
}

// row goes on to a row, which is below the last one.
func (s *spillSweep) row(number int) {
	if s.spills == nil {
		return
	}
	n := int32(number)
	for s.begun < len(s.spills.byTop) && s.spills.byTop[s.begun].top <= n {
		s.count(s.spills.byTop[s.begun], 1)
		s.begun++
	}
	for s.ended < len(s.spills.byBottom) && s.spills.byBottom[s.ended].bottom < n {
		s.count(s.spills.byBottom[s.ended], -1)
		s.ended++
	}
	s.coversSome = s.begun > s.ended
}

func (s *spillSweep) count(a area, by int32) {
	for column := a.left; column <= a.right && int(column) < len(s.covered); column++ {
		s.covered[column] += by
	}
}

// covers says whether a cell of the row is given by a formula elsewhere.
func (s *spillSweep) covers(column int) bool {
	return s.coversSome && column < len(s.covered) && s.covered[column] > 0
}
