package sheet

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"unicode/utf8"
)

const (
	// textsInMemory is how many bytes of shared texts stay in memory; the rest goes to a temporary
	// file. 100,000 rows with a number and an email address each that occur only once take about 5
	// MiB.
	textsInMemory = 8 << 20
	// textGroup texts have one place in the index, so that the index of maxTexts texts takes 4 MiB.
	// In the file, a group ends early when it takes more than cachedGroup bytes, so that a short
	// text is never read together with long ones.
	textGroup = 16
	// maxTexts is more than there are cells in a sheet of 256 MiB.
	maxTexts = 1 << 24
	// Groups of at most cachedGroup bytes that were read from the temporary file are kept,
	// textCache of them.
	cachedGroup = 16 << 10
	textCache   = 256
)

// textTable holds the shared texts of a workbook in bounded memory: one behind the other, each
// behind its length, the first ones in memory and the rest in a temporary file.
type textTable struct {
	count  int
	places []uint32    // where each group begins that is in memory
	filed  []textPlace // where each group begins that is in the file
	length int64       // of all texts together
	memory []byte

	file    *os.File
	writer  *bufio.Writer
	removed bool
	cache   [textCache]cachedTexts
	big     []byte // the last group that was too big for the cache
	bigOne  int    // which one that is, plus one
	scratch []byte // the text that is read
	prefix  [binary.MaxVarintLen64]byte
}

// textPlace is where a group begins: with which text, and at which of the bytes of all.
type textPlace struct{ first, at uint32 }

type cachedTexts struct {
	group int // plus one
	data  []byte
}

// add appends a text.
func (t *textTable) add(text []byte) error {
	prefix := binary.AppendUvarint(t.prefix[:0], uint64(len(text)))
	need := int64(len(prefix) + len(text))
	if t.file == nil && t.count%textGroup == 0 {
		// A group is wholly in memory or wholly in the file.
		if len(t.memory) >= textsInMemory {
			if err := t.spill(); err != nil {
				return err
			}
		} else {
			t.places = append(t.places, uint32(t.length))
		}
	}
	if t.file != nil {
		n := len(t.filed)
		if n == 0 || t.count-int(t.filed[n-1].first) == textGroup ||
			t.length+need-int64(t.filed[n-1].at) > cachedGroup {
			t.filed = append(t.filed, textPlace{uint32(t.count), uint32(t.length)})
		}
	}
	t.count++
	t.length += need
	if t.file == nil {
		if cap(t.memory)-len(t.memory) < int(need) {
			// twice as much; append would grow by less, and more often
			t.memory = slices.Grow(t.memory, max(int(need), len(t.memory)))
		}
		t.memory = append(append(t.memory, prefix...), text...)

		return nil
	}
	_, err := t.writer.Write(prefix)
	if err == nil {
		_, err = t.writer.Write(text)
	}
	if err != nil {
		return fmt.Errorf("sheet: write temporary file: %w", err)
	}

	return nil
}

// spill makes the temporary file. It has no name from the start, where the system allows that, so
// that nothing is left of it when the process is killed.
func (t *textTable) spill() error {
	file, err := os.CreateTemp("", "sheet-*")
	if err != nil {
		return fmt.Errorf("sheet: make temporary file: %w", err)
	}
	t.file, t.writer = file, bufio.NewWriterSize(file, windowSize)
	t.removed = os.Remove(file.Name()) == nil

	return nil
}

// complete ends the adding.
func (t *textTable) complete() error {
	if t.file == nil {
		return nil
	}
	if err := t.writer.Flush(); err != nil {
		return fmt.Errorf("sheet: write temporary file: %w", err)
	}
	t.writer = nil

	return nil
}

func (t *textTable) close() error {
	if t.file == nil {
		return nil
	}
	err := t.file.Close()
	if !t.removed {
		err = errors.Join(err, os.Remove(t.file.Name()))
	}
	t.file = nil
	if err != nil {
		return fmt.Errorf("sheet: give back temporary file: %w", err)
	}

	return nil
}

// get appends text i to dst. The index must be less than count.
func (t *textTable) get(dst []byte, i int) ([]byte, error) {
	var data []byte
	skip := i % textGroup
	if g := i / textGroup; g < len(t.places) {
		data = t.memory[t.places[g]:]
	} else {
		g, _ := slices.BinarySearchFunc(t.filed, uint32(i)+1,
			func(p textPlace, first uint32) int { return cmp.Compare(p.first, first) })
		var err error
		if data, err = t.group(g - 1); err != nil {
			return dst, err
		}
		skip = i - int(t.filed[g-1].first)
	}
	for range skip {
		length, n := binary.Uvarint(data)
		data = data[n+int(length):]
	}
	length, n := binary.Uvarint(data)

	return append(dst, data[n:n+int(length)]...), nil
}

// group returns the bytes of a group that is in the file.
func (t *textTable) group(g int) ([]byte, error) {
	from, to := int64(t.filed[g].at), t.length
	if g+1 < len(t.filed) {
		to = int64(t.filed[g+1].at)
	}
	into, whose := &t.cache[g%textCache].data, &t.cache[g%textCache].group
	if to-from > cachedGroup {
		into, whose = &t.big, &t.bigOne
	}
	if *whose == g+1 {
		return *into, nil
	}
	if *whose = 0; int64(cap(*into)) < to-from {
		*into = make([]byte, to-from)
	}
	*into = (*into)[:to-from]
	if _, err := t.file.ReadAt(*into, from-int64(len(t.memory))); err != nil {
		return nil, fmt.Errorf("sheet: read temporary file: %w", err)
	}
	*whose = g + 1

	return *into, nil
}

// readTexts reads the list of shared texts.
func readTexts(a *archive, e *entry) (*textTable, error) {
	t := &textTable{}
	err := readPart(a, e, func(s *scanner) error {
		if err := s.root("sst", spaceMain, spaceMainStrict); err != nil {
			return err
		}

		return s.children(func() error {
			switch string(s.local()) {
			case "si":
			case "extLst":
				return s.skip()
			default:
				return s.bad("has something else than texts")
			}
			if t.count == maxTexts {
				return s.bad("has more than %s texts", thousands(maxTexts))
			}
			text, err := s.richText(t.scratch[:0])
			t.scratch = text[:0]
			if errors.Is(err, errTooMuch) || err == nil && utf8.RuneCount(text) > maxCellChars {
				return refuse(
					ReasonTooLong,
					"The workbook has a text of more than %s characters, which no cell can hold.",
					thousands(maxCellChars),
				)
			}
			if err != nil {
				return err
			}

			return t.add(text)
		})
	})
	if err == nil {
		err = t.complete()
	}
	if err != nil {
		return nil, errors.Join(err, t.close())
	}

	return t, nil
}

// richText reads the element that begins (a shared text or an inline one), which holds a text or
// runs of text with a format each, and appends the text to dst. How the text is pronounced
// (phonetic runs) is no part of it.
func (s *scanner) richText(dst []byte) ([]byte, error) {
	from, depth := len(dst), len(s.opens)
	for {
		t, err := s.next()
		if err != nil {
			return dst, err
		}
		if t == tokenEnd {
			if len(s.opens) < depth {
				return cleanText(dst, from), nil
			}
			continue // the end of a run
		}
		run := len(s.opens) > depth+1
		switch name := s.local(); {
		case string(name) == "t":
			dst, err = s.text(dst, maxCellChars*utf8.UTFMax-(len(dst)-from))
		case string(name) == "r" && !run:
			// What is in the run comes up as the next token.
		case string(name) == "rPr" && run, (string(name) == "rPh" || string(name) == "phoneticPr") && !run:
			err = s.skip()
		default:
			err = s.bad("has something else than text in a text (%q)", shown(string(s.name)))
		}
		if err != nil {
			return dst, err
		}
	}
}

// escapedOrBreak is escaped with every line break as a "\n": a carriage return takes the line feed
// behind it along.
func escapedOrBreak(b []byte) (r rune, n int) {
	r, n = escaped(b)
	if r != '\r' || n == 0 {
		return r, n
	}
	if n < len(b) && b[n] == '\n' {
		n++
	}

	return '\n', n
}

// cleanText replaces, from there on, what workbooks write for characters that XML does not have
// (_x000D_), and makes every line break a "\n". It works in place, as both make the text shorter or
// leave it as long.
func cleanText(b []byte, from int) []byte {
	to := from
	for i := from; i < len(b); {
		c := b[i]
		if c == '_' {
			if r, n := escapedOrBreak(b[i:]); n > 0 {
				to += utf8.EncodeRune(b[to:], r)
				i += n
				continue
			}
		}
		if c == '\r' {
			c = '\n'
			if i+1 < len(b) && b[i+1] == '\n' {
				i++
			}
		}
		b[to] = c
		to++
		i++
	}

	return b[:to]
}

// escaped reads the character that _xHHHH_ at the beginning of b stands for, two of them for one
// beyond U+FFFF, and returns how many bytes it takes; 0 if there is none. Control characters stay
// escaped: no text has them.
func escaped(b []byte) (rune, int) {
	first, ok := escapedUnit(b)
	if !ok {
		return 0, 0
	}
	switch r := rune(first); {
	case r >= 0xD800 && r < 0xDC00:
		second, ok := escapedUnit(b[7:])
		if !ok || second < 0xDC00 || second > 0xDFFF {
			return 0, 0
		}

		return (r-0xD800)<<10 + rune(second) - 0xDC00 + 0x10000, 14
	case r < ' ' && r != '\t' && r != '\n' && r != '\r', !utf8.ValidRune(r), r == 0xFFFE, r == 0xFFFF:
		return 0, 0
	default:
		return r, 7
	}
}

// escapedUnit reads one _xHHHH_.
func escapedUnit(b []byte) (uint16, bool) {
	if len(b) < 7 || b[0] != '_' || b[1] != 'x' || b[6] != '_' {
		return 0, false
	}
	v := uint16(0)
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		default:
			return 0, false
		}
		v = v<<4 | uint16(c)
	}

	return v, true
}
