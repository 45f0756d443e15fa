package sheet

import (
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf8"
)

var utf8BOM = []byte("\xEF\xBB\xBF")

// windowSize is how much of a stream is held at a time.
const windowSize = 64 << 10

// textFault is what is wrong with a byte of a text.
type textFault uint8

const (
	textOK      textFault = iota
	notUTF8               // the bytes are no UTF-8
	controlChar           // a character that neither XML nor a table has, such as NUL
)

// input is a window over a stream of text, shared by the XML and the CSV scanner. The bytes in
// buf[pos:end] are checked: whole characters of UTF-8, no control characters but tab and line
// breaks. A fault of the stream comes up only when everything before it is used, so that the
// scanner still knows the row in which it lies.
type input struct {
	r      io.Reader
	buf    []byte
	pos    int // the next byte to use
	end    int // bytes before it are checked
	filled int // bytes before it are read; those from end on are the beginning of a character
	most   int // the window grows up to this size when nothing of it can be let go
	err    error
	// fault words the refusal of a bad byte.
	fault func(textFault, byte) error
	// tooLong words the refusal of what does not fit into the largest window.
	tooLong func() error
}

// more lets go of the bytes before pos and reads behind end. It says whether there are new bytes;
// if there are none, err says why, io.EOF at the end of the stream. Slices of the window are void
// afterwards.
func (in *input) more() bool {
	if in.err != nil {
		return false
	}
	if in.pos > 0 {
		in.filled = copy(in.buf, in.buf[in.pos:in.filled])
		in.end -= in.pos
		in.pos = 0
	}
	if in.filled == len(in.buf) {
		if len(in.buf) >= in.most {
			in.err = in.tooLong()

			return false
		}
		in.buf = append(in.buf, make([]byte, len(in.buf))...)
	}
	before := in.end
	// The window is filled whole, so that what does not fit into it is looked at again only when
	// the window has doubled.
	for in.err == nil && in.filled < len(in.buf) {
		n, err := in.r.Read(in.buf[in.filled:])
		in.filled += n
		in.err = err
	}
	n, fault := checkText(in.buf[in.end:in.filled])
	in.end += n
	switch {
	case fault != textOK:
		in.err = in.fault(fault, in.buf[in.end])
	case errors.Is(in.err, io.EOF) && in.end < in.filled:
		in.err = in.fault(notUTF8, in.buf[in.end])
	}

	return in.end > before
}

// checkText returns how many of the bytes are good, and what is wrong with the next one. A
// character that is cut by the end of the bytes is neither.
func checkText(b []byte) (int, textFault) {
	const high, spaces = 0x8080808080808080, 0x2020202020202020
	i := 0
	for i < len(b) {
		// Eight bytes at a time: none beyond ASCII, and none below the blank (a borrow shows in the
		// high bit).
		for len(b)-i >= 8 {
			w := binary.LittleEndian.Uint64(b[i:])
			if (w|(w-spaces))&high != 0 {
				break
			}
			i += 8
		}
		for stop := min(len(b), i+8); i < stop; {
			switch c := b[i]; {
			case c < ' ' && c != '\t' && c != '\n' && c != '\r':
				return i, controlChar
			case c < utf8.RuneSelf:
				i++
			default:
				n, fault := checkRune(b[i:])
				if n == 0 {
					return i, fault
				}
				i += n
			}
		}
	}

	return i, textOK
}

// checkRune returns how long the character is with which the bytes begin; 0 with what is wrong with
// it, or with textOK when it is cut by their end.
func checkRune(b []byte) (int, textFault) {
	r, n := utf8.DecodeRune(b)
	switch {
	case r == utf8.RuneError && n == 1 && !utf8.FullRune(b):
		return 0, textOK
	case r == utf8.RuneError && n == 1:
		return 0, notUTF8
	case r == 0xFFFE || r == 0xFFFF:
		return 0, controlChar
	default:
		return n, textOK
	}
}
