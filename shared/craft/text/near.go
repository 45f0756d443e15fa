package text

import (
	"iter"
	"unicode/utf8"
)

// Nearest is the one of some texts that somebody most probably meant who wrote another: it is at most
// two slips away, and no other one is as near; empty when there is none. A slip is a letter too
// much, one that is missing, another one in its place, or two that follow each other swapped; of a
// text of fewer than six letters one slip is too many, and of fewer than three each. Upper and lower
// case, accents and kinds of spaces make no difference (Fold).
func Nearest(said string, known iter.Seq[string]) string {
	wrote := []rune(Fold(said))
	nearest, least, alone := "", slips(len(wrote))+1, false
	for one := range known {
		if longer := utf8.RuneCountInString(one) - len(wrote); longer > most || -longer > most {
			continue // most are, and this is quick
		}
		n := apart(wrote, []rune(Fold(one)), least)
		switch {
		case n < least:
			nearest, least, alone = one, n, true
		case n == least && alone && one != nearest:
			alone = false
		}
	}
	if !alone {
		return ""
	}
	return nearest
}

// most is how many slips a text may have.
const most = 2

// slips is how many slips a text of a length may have.
func slips(length int) int {
	const short, long = 3, 6
	switch {
	case length < short:
		return 0
	case length < long:
		return 1
	}
	return most
}

// apart counts the slips between two texts (the distance of optimal string alignment), as far as
// they are fewer than a bound or as many; one more than that stands for all that is further.
func apart(a, b []rune, bound int) int {
	if len(a)-len(b) > bound || len(b)-len(a) > bound {
		return bound + 1
	}
	before, last, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			now[j] = step(a, b, [2]int{i, j}, [3][]int{before, last, now})
			least = min(least, now[j])
		}
		if least > bound {
			return bound + 1
		}
		before, last, now = last, now, before
	}
	return last[len(b)]
}

// step is one cell of the table of distances; rows are those of the two letters before, of the one
// before, and its own.
func step(a, b []rune, at [2]int, rows [3][]int) int {
	i, j := at[0], at[1]
	other := 1
	if a[i-1] == b[j-1] {
		other = 0
	}
	n := min(rows[1][j]+1, rows[2][j-1]+1, rows[1][j-1]+other)
	if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
		n = min(n, rows[0][j-2]+1)
	}
	return n
}
