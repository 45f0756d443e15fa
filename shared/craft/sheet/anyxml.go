package sheet

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"path"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// encoding is how the characters of a part are written.
type encoding uint8

const (
	narrow encoding = iota // UTF-8, or one of the many that begin with ASCII
	wide16
	wide16Big
	wide32
	wide32Big
)

// headBytes is how much of a part is looked at to tell what it is.
const headBytes = 4096

// verifyPart reads a part that is not used to its end. Whether it is XML says its content as well
// as its type: a worksheet may be called sheet9.dat.
func verifyPart(p *part, kind string) error {
	name := p.entry.name
	in := bufio.NewReaderSize(p, headBytes)
	head, err := in.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	how, mark := encodingOf(head)
	ending := strings.ToLower(path.Ext(name))
	switch {
	case ending == ".vml" || strings.Contains(strings.ToLower(kind), "vmldrawing"):
		// Excel itself has written old drawings that are not well formed.
		found, err := contains(in, []byte("<!DOCTYPE"), []byte("<!ENTITY"), utf16le("<!DOCTYPE"), utf16be("<!DOCTYPE"))
		if err == nil && found {
			err = refuseDTD(name)
		}

		return err
	case !isXMLType(kind) && ending != ".xml" && ending != ".rels" && !beginsXML(head[mark:], how):
		_, err := io.Copy(io.Discard, onlyReader{in})

		return err
	}
	_, _ = in.Discard(mark) // it was peeked at
	from, err := decoded(in, head[mark:], how, name)
	if err != nil {
		return err
	}
	s := newScanner(from, name)
	s.generic = true
	_, err = s.next()
	if err == nil {
		err = s.skip()
	}
	if err == nil {
		err = s.finish()
	}
	var refusal *Refusal
	if errors.As(err, &refusal) && p.err == nil {
		if damage := p.drain(); damage != nil {
			return damage
		}
	}

	return err
}

// isXMLType says whether a content type is that of XML (RFC 7303).
func isXMLType(kind string) bool {
	kind, _, _ = strings.Cut(strings.ToLower(kind), ";")
	kind = strings.TrimSpace(kind)

	return strings.HasSuffix(kind, "+xml") || strings.HasSuffix(kind, "/xml")
}

// encodingOf tells in which encoding XML begins, and how long its byte order mark is (XML 1.0,
// appendix F).
func encodingOf(head []byte) (how encoding, mark int) {
	for _, m := range []struct {
		mark string
		how  encoding
	}{
		{"\xFF\xFE\x00\x00", wide32},
		{"\x00\x00\xFE\xFF", wide32Big},
		{"\xFF\xFE", wide16},
		{"\xFE\xFF", wide16Big},
		{"\xEF\xBB\xBF", narrow},
	} {
		if bytes.HasPrefix(head, []byte(m.mark)) {
			return m.how, len(m.mark)
		}
	}
	if len(head) < 4 {
		return narrow, 0
	}
	begins := func(c byte) bool { return c == '<' || isSpace(c) }
	switch {
	case begins(head[0]) && head[1] == 0 && head[2] == 0 && head[3] == 0:
		return wide32, 0
	case begins(head[3]) && head[0] == 0 && head[1] == 0 && head[2] == 0:
		return wide32Big, 0
	case begins(head[0]) && head[1] == 0:
		return wide16, 0
	case begins(head[1]) && head[0] == 0:
		return wide16Big, 0
	}

	return narrow, 0
}

// beginsXML says whether a part begins with a tag, or with nothing but the white space that may
// stand before one.
func beginsXML(head []byte, how encoding) bool {
	if len(head) == 0 {
		return false
	}
	var ascii []byte
	switch how {
	case wide16, wide16Big, wide32, wide32Big:
		size := unitSize(how)
		for ; len(head) >= size; head = head[size:] {
			c := unit(head, how)
			if c > utf8.RuneSelf {
				return false
			}
			ascii = append(ascii, byte(c))
		}
	case narrow:
		ascii = head
	}
	rest := bytes.TrimLeft(ascii, " \t\r\n")

	return len(rest) == 0 ||
		len(rest) > 1 && rest[0] == '<' && (rest[1] == '?' || rest[1] == '!' || beginsName(rest[1]))
}

func unitSize(how encoding) int {
	if how == wide32 || how == wide32Big {
		return 4
	}

	return 2
}

// unit reads the first code unit.
func unit(b []byte, how encoding) uint32 {
	switch how {
	case wide16:
		return uint32(binary.LittleEndian.Uint16(b))
	case wide16Big:
		return uint32(binary.BigEndian.Uint16(b))
	case wide32:
		return binary.LittleEndian.Uint32(b)
	case wide32Big:
		return binary.BigEndian.Uint32(b)
	case narrow:
	}

	return uint32(b[0])
}

// decoded gives the part as UTF-8.
func decoded(in io.Reader, head []byte, how encoding, name string) (io.Reader, error) {
	if how != narrow {
		return &decoder{in: bufio.NewReader(in), how: how, step: unitSize(how)}, nil
	}
	switch declared := declaredEncoding(head); {
	case declared == "" || declared == "utf-8" || declared == "us-ascii":
		return in, nil
	case extendsASCII(declared):
		return &decoder{in: bufio.NewReader(in), how: narrow, step: 1}, nil
	default:
		return nil, refuse(
			ReasonEncoding,
			"The workbook is written in the encoding %s (part %q), which cannot be looked through. %s",
			shown(declared),
			shown(name),
			saveAgain,
		)
	}
}

// declaredEncoding is what the XML declaration says, in lower case.
func declaredEncoding(head []byte) string {
	if !bytes.HasPrefix(head, []byte("<?xml")) {
		return ""
	}
	declaration, _, _ := bytes.Cut(head, []byte("?>"))
	_, rest, found := bytes.Cut(declaration, []byte("encoding"))
	rest = bytes.TrimLeft(rest, " \t\r\n=")
	if !found || len(rest) < 2 || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	value, _, _ := bytes.Cut(rest[1:], rest[:1])

	return strings.ToLower(string(value))
}

// extendsASCII knows the encodings in which no character but "<" has the byte of "<", so that the
// markup of a document is found whatever its texts are.
func extendsASCII(encoding string) bool {
	for _, family := range []string{
		"iso-8859-", "latin", "windows-125", "cp125", "windows-874", "gb2312", "gbk", "gb18030", "big5", "shift_jis",
		"euc-", "koi8-", "macintosh", "x-mac-", "windows-31j", "windows-949", "ks_c_5601", "tis-620",
	} {
		if strings.HasPrefix(encoding, family) {
			return true
		}
	}

	return false
}

// decoder makes UTF-8 of a wide encoding, or of one that extends ASCII, each byte of which becomes
// a character of its own. What is no character becomes a byte that no UTF-8 has, and is refused as
// such.
type decoder struct {
	in   *bufio.Reader
	how  encoding
	step int
	left []byte
	buf  [utf8.UTFMax]byte
	err  error
}

// Read gives UTF-8.
func (d *decoder) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(d.left) > 0 {
			c := copy(p[n:], d.left)
			n, d.left = n+c, d.left[c:]
			continue
		}
		if d.err != nil {
			break
		}
		d.next()
	}
	if n > 0 {
		return n, nil
	}

	return 0, d.err
}

// next decodes a character.
func (d *decoder) next() {
	var raw [4]byte
	if _, err := io.ReadFull(d.in, raw[:d.step]); err != nil {
		d.err = err
		if errors.Is(err, io.ErrUnexpectedEOF) {
			d.left, d.err = append(d.buf[:0], 0xFF), io.EOF
		}

		return
	}
	r := rune(unit(raw[:d.step], d.how))
	if d.step == 2 && utf16.IsSurrogate(r) {
		low, err := d.in.Peek(2)
		if err != nil {
			low = raw[:2]
		}
		if r = utf16.DecodeRune(r, rune(unit(low, d.how))); r != utf8.RuneError {
			_, _ = d.in.Discard(2) // they were peeked at
		} else {
			r = -1
		}
	}
	if !utf8.ValidRune(r) {
		d.left = append(d.buf[:0], 0xFF)

		return
	}
	d.left = utf8.AppendRune(d.buf[:0], r)
}
