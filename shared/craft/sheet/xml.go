package sheet

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// token is what the scanner has found.
type token uint8

const (
	tokenStart token = iota // an element begins; name and attrs tell of it
	tokenEnd                // the innermost open element ends
	tokenDone               // the document is complete, and nothing but white space and comments followed it
)

// attr is an attribute; both slices are void with the next token.
type attr struct {
	name  []byte
	value []byte // as written: use scanner.value
}

const (
	maxTag = 256 << 10 // bytes of one tag
	// attributes of one element, each of which is compared with all others; ten times as many at
	// the root
	maxAttrs = 64
	maxDepth = 128  // elements within each other
	maxBinds = 1000 // prefixes of name spaces at one place
	maxRef   = 12   // bytes of one entity reference
)

// scanner reads XML 1.0 without DTD, and checks that it is well formed up to its last byte:
// encoding, tags in pairs, attributes quoted and none twice, references to the five predefined
// entities and to characters only. It is written for documents whose elements hold either elements
// or text, as those of a workbook do: text between elements is a fault, except within what the
// caller skips.
//
// An element is one of ours when its name space is, whatever prefix stands for it there: prefixes
// are the writer's choice, and may change their meaning within the document (Namespaces in XML
// 1.0).
type scanner struct {
	in    input
	begun bool

	names []byte // the names of the open elements, one behind the other
	opens []int  // where in names each begins

	name     []byte // of the element that begins, with its prefix
	attrs    []attr
	closed   bool   // the element that begins is empty: its end follows at once
	declares bool   // the element that begins gives prefixes a meaning
	rooted   bool   // the root was read
	space    string // name space of the root
	bare     bool   // a name without a prefix is in the name space of the root
	binds    []bind
	bound    []byte  // the texts of binds, one behind the other
	scopes   []scope // of the open elements that give prefixes a meaning
	lenient  int     // > 0: text between elements does no harm
	generic  bool    // any XML will do, in an encoding that was seen to already
	part     string  // for messages
}

// bind gives a prefix its name space; both are in scanner.bound, which begins with the prefix at
// from.
type bind struct{ from, colon, to int }

// scope is what an element adds to the bindings: how many there were before it.
type scope struct{ depth, binds, bound int }

func newScanner(r io.Reader, part string) *scanner {
	s := &scanner{part: shown(part)}
	s.in = input{
		r: r, buf: make([]byte, windowSize), most: maxTag,
		fault: func(f textFault, b byte) error {
			if f == notUTF8 {
				return refuse(
					ReasonEncoding,
					"The workbook is damaged: its part %q has a byte (0x%02X) that is not UTF-8. %s",
					s.part,
					b,
					saveAgain,
				)
			}

			return refuse(ReasonControl,
				"The workbook is damaged: its part %q has a control character (0x%02X). %s", s.part, b, saveAgain)
		},
		tooLong: func() error { return s.bad("has an element that is too long") },
	}

	return s
}

// bad words a refusal of the document.
func (s *scanner) bad(format string, args ...any) error {
	return malformed("its part %q "+format, append([]any{s.part}, args...)...)
}

// ended is what to return when the window cannot be filled any more within something.
func (s *scanner) ended() error {
	if errors.Is(s.in.err, io.EOF) {
		return s.bad("is not complete")
	}

	return s.in.err
}

// next returns the next token.
func (s *scanner) next() (token, error) {
	if s.closed {
		s.closed = false
		s.pop()

		return tokenEnd, nil
	}
	if !s.begun {
		if err := s.begin(); err != nil {
			return 0, err
		}
	}
	for {
		if s.in.pos == s.in.end && !s.in.more() {
			if len(s.opens) == 0 && s.rooted && errors.Is(s.in.err, io.EOF) {
				return tokenDone, nil
			}

			return 0, s.ended()
		}
		if s.in.buf[s.in.pos] != '<' {
			if err := s.between(); err != nil {
				return 0, err
			}
			continue
		}
		if err := s.need(2); err != nil {
			return 0, err
		}
		switch s.in.buf[s.in.pos+1] {
		case '/':
			return tokenEnd, s.endTag()
		case '!':
			if err := s.declaration(); err != nil {
				return 0, err
			}
		case '?':
			if err := s.instruction(); err != nil {
				return 0, err
			}
		default:
			return tokenStart, s.startTag()
		}
	}
}

// need makes at least n bytes available.
func (s *scanner) need(n int) error {
	for s.in.end-s.in.pos < n {
		if !s.in.more() {
			return s.ended()
		}
	}

	return nil
}

// begin reads the byte order mark and the XML declaration, of which the encoding matters.
func (s *scanner) begin() error {
	s.begun = true
	s.in.more()
	head := s.in.buf[:s.in.filled]
	utf16 := bytes.HasPrefix(head, []byte("\xFE\xFF")) || bytes.HasPrefix(head, []byte("\xFF\xFE")) ||
		bytes.HasPrefix(head, []byte("<\x00")) || bytes.HasPrefix(head, []byte("\x00<"))
	if utf16 {
		return s.wrongEncoding("UTF-16")
	}
	if bytes.HasPrefix(s.in.buf[:s.in.end], utf8BOM) {
		s.in.pos = len(utf8BOM)
	}
	if b := s.in.buf[s.in.pos:s.in.end]; !bytes.HasPrefix(b, []byte("<?xml")) || len(b) > 5 && isName[b[5]] {
		return nil
	}
	// The declaration has the form of a tag: read it as one.
	n, short, err := s.parseTag(s.in.buf[s.in.pos+1:s.in.end], '?')
	if err != nil {
		return err
	}
	if short {
		return s.bad("does not begin like XML")
	}
	for _, a := range s.attrs {
		value := string(a.value)
		switch string(a.name) {
		case "version":
			if value != "1.0" && !(s.generic && value == "1.1") {
				return s.bad("is XML of version %q", shown(value))
			}
		case "encoding":
			if !s.generic && !strings.EqualFold(value, "UTF-8") && !strings.EqualFold(value, "US-ASCII") {
				return s.wrongEncoding(shown(value))
			}
		case "standalone":
		default:
			return s.bad("does not begin like XML")
		}
	}
	s.in.pos += n + 1

	return nil
}

func (s *scanner) wrongEncoding(encoding string) error {
	return refuse(
		ReasonEncoding,
		"The workbook is written in the encoding %s; only UTF-8 can be read (part %q). %s",
		encoding,
		s.part,
		saveAgain,
	)
}

// isName has the bytes of names: letters, digits, and all of what is not ASCII, which is more than
// XML allows and does no harm.
var isName = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' ||
			c == '_' ||
			c == ':' ||
			c >= utf8.RuneSelf
	}

	return t
}()

func beginsName(c byte) bool { return isName[c] && (c < '0' || c > ':') && c != '-' && c != '.' }

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// startTag reads the tag at the window's position.
func (s *scanner) startTag() error {
	for {
		n, short, err := s.parseTag(s.in.buf[s.in.pos+1:s.in.end], '/')
		if err != nil {
			return err
		}
		if !short {
			s.in.pos += n + 1

			return s.push()
		}
		if !s.in.more() {
			return s.ended()
		}
	}
}

// parseTag reads a tag behind its "<": name, attributes, ">" or, for an empty element, closer and
// ">". It returns how long it is, or that it is longer than b.
func (s *scanner) parseTag(b []byte, closer byte) (n int, short bool, err error) {
	s.attrs, s.closed, s.declares = s.attrs[:0], false, false
	i := 0
	if closer == '?' {
		i = 1
	} else if len(b) > 0 && !beginsName(b[0]) {
		return 0, false, s.bad("has a tag without a name")
	}
	from := i
	for i < len(b) && isName[b[i]] {
		i++
	}
	s.name = b[from:i]
	for {
		spaces := i
		for i < len(b) && isSpace(b[i]) {
			i++
		}
		if i == len(b) {
			return 0, true, nil
		}
		switch c := b[i]; {
		case c == '>' && closer == '/':
			return i + 1, false, nil
		case c == closer:
			if i+1 == len(b) {
				return 0, true, nil
			}
			if b[i+1] != '>' {
				return 0, false, s.bad("has a broken tag %q", shown(string(s.name)))
			}
			s.closed = closer == '/'

			return i + 2, false, nil
		case i == spaces || !beginsName(c):
			return 0, false, s.bad("has a broken tag %q", shown(string(s.name)))
		}
		if i, short, err = s.parseAttr(b, i); short || err != nil {
			return 0, short, err
		}
	}
}

// parseAttr reads the attribute that begins there. It returns where it ends, or that it is longer
// than b.
func (s *scanner) parseAttr(b []byte, i int) (end int, short bool, err error) {
	from := i
	for i < len(b) && isName[b[i]] {
		i++
	}
	name := b[from:i]
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	if i < len(b) && b[i] != '=' {
		return 0, false, s.bad("has an attribute without a value (%q)", shown(string(name)))
	}
	for i++; i < len(b) && isSpace(b[i]); {
		i++
	}
	if i >= len(b) {
		return 0, true, nil
	}
	quote := b[i]
	if quote != '"' && quote != '\'' {
		return 0, false, s.bad("has an attribute without quotation marks (%q)", shown(string(name)))
	}
	i++
	from = i
	refs := false
	for ; ; i++ {
		if i == len(b) {
			return 0, true, nil
		}
		c := b[i]
		if c == quote {
			break
		}
		if c == '<' {
			return 0, false, s.bad("has an attribute that is not closed (%q)", shown(string(name)))
		}
		refs = refs || c == '&'
	}
	value := b[from:i]
	i++
	if refs {
		if _, err := s.unescape(nil, value); err != nil {
			return 0, false, err
		}
	}

	return i, false, s.addAttr(name, value)
}

func (s *scanner) addAttr(name, value []byte) error {
	for i := range s.attrs {
		if bytes.Equal(s.attrs[i].name, name) {
			return s.bad("has an attribute twice (%q)", shown(string(name)))
		}
	}
	if n := len(s.attrs); n == maxAttrs && len(s.opens) > 0 || n == 10*maxAttrs {
		return s.bad("has an element with too many attributes")
	}
	s.attrs = append(s.attrs, attr{name, value})
	if name[0] == 'x' {
		if _, ok := declared(name); ok {
			s.declares = true
		}
	}

	return nil
}

// declared returns the prefix to which an attribute of that name gives a meaning: none for "xmlns".
func declared(name []byte) (prefix []byte, ok bool) {
	rest, found := bytes.CutPrefix(name, []byte("xmlns"))
	switch {
	case !found:
		return nil, false
	case len(rest) == 0:
		return nil, true
	default:
		return rest[1:], rest[0] == ':'
	}
}

// push opens the element whose tag was read.
func (s *scanner) push() error {
	if len(s.opens) == 0 && s.rooted {
		return s.bad("has something behind its end")
	}
	if len(s.opens) == maxDepth {
		return s.bad("has elements within each other more than %d deep", maxDepth)
	}
	s.opens = append(s.opens, len(s.names))
	s.names = append(s.names, s.name...)
	if s.declares {
		if err := s.declare(); err != nil {
			return err
		}
	}
	if s.rooted {
		return nil
	}
	s.rooted = true
	prefix, _ := cutName(s.name)
	s.space = string(s.spaceOf(prefix))
	s.bare = string(s.spaceOf(nil)) == s.space
	if s.space == "" && !s.generic {
		return s.bad("is not of a workbook")
	}

	return nil
}

// declare notes the name spaces that the element declares; they hold within it.
func (s *scanner) declare() error {
	s.scopes = append(s.scopes, scope{len(s.opens), len(s.binds), len(s.bound)})
	for _, a := range s.attrs {
		prefix, ok := declared(a.name)
		if !ok {
			continue
		}
		if len(s.binds) == maxBinds {
			return s.bad("has too many name spaces")
		}
		from := len(s.bound)
		s.bound = append(s.bound, prefix...)
		colon := len(s.bound)
		s.bound, _ = s.unescape(s.bound, a.value) // the tag was checked
		s.binds = append(s.binds, bind{from, colon, len(s.bound)})
	}
	s.bare = string(s.spaceOf(nil)) == s.space

	return nil
}

// spaceOf returns the name space for which a prefix stands here; it is void with the next tag.
func (s *scanner) spaceOf(prefix []byte) []byte {
	for i := len(s.binds) - 1; i >= 0; i-- {
		if b := s.binds[i]; bytes.Equal(s.bound[b.from:b.colon], prefix) {
			return s.bound[b.colon:b.to]
		}
	}

	return nil
}

// cutName divides a name at its colon; one without has no prefix.
func cutName(name []byte) (prefix, local []byte) {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		return name[:i], name[i+1:]
	}

	return nil, name
}

func (s *scanner) pop() {
	last := len(s.opens) - 1
	if n := len(s.scopes) - 1; n >= 0 && s.scopes[n].depth == len(s.opens) {
		s.binds, s.bound = s.binds[:s.scopes[n].binds], s.bound[:s.scopes[n].bound]
		s.scopes = s.scopes[:n]
		s.bare = string(s.spaceOf(nil)) == s.space
	}
	s.names = s.names[:s.opens[last]]
	s.opens = s.opens[:last]
}

// endTag reads the end tag at the window's position, which must be that of the innermost open
// element.
func (s *scanner) endTag() error {
	if len(s.opens) == 0 {
		return s.bad("has an end tag without a start tag")
	}
	name := s.names[s.opens[len(s.opens)-1]:]
	if err := s.need(2 + len(name) + 1); err != nil {
		return err
	}
	b := s.in.buf[s.in.pos+2:]
	if !bytes.Equal(b[:len(name)], name) || isName[b[len(name)]] {
		return s.bad("has tags that do not match (%q is closed by another)", shown(string(name)))
	}
	s.in.pos += 2 + len(name)
	for {
		if err := s.need(1); err != nil {
			return err
		}
		c := s.in.buf[s.in.pos]
		s.in.pos++
		if c == '>' {
			s.pop()

			return nil
		}
		if !isSpace(c) {
			return s.bad("has a broken end tag (%q)", shown(string(name)))
		}
	}
}

// between reads the characters between two tags, which are white space unless lenient.
func (s *scanner) between() error {
	b := s.in.buf[s.in.pos:s.in.end]
	i := 0
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	s.in.pos += i
	if i == len(b) || b[i] == '<' {
		return nil
	}
	if s.lenient == 0 || len(s.opens) == 0 {
		return s.strayText()
	}
	_, err := s.chars(nil, -1)

	return err
}

func (s *scanner) strayText() error {
	return s.bad("has text where none may be")
}

// chars reads characters up to the next tag and appends them to dst. It stops early once dst has
// more than most bytes; if most is negative, it keeps nothing.
func (s *scanner) chars(dst []byte, most int) ([]byte, error) {
	for {
		b := s.in.buf[s.in.pos:s.in.end]
		i, refs := 0, false
		for i < len(b) && b[i] != '<' {
			if b[i] == '&' {
				refs = true
			} else if b[i] == '>' && i >= 2 && b[i-1] == ']' && b[i-2] == ']' {
				return dst, s.bad("has a stray ]]>")
			}
			i++
		}
		cut := i
		if i == len(b) {
			cut -= heldBack(b)
		}
		if refs {
			var err error
			if dst, err = s.unescape(dst, b[:cut]); err != nil {
				return dst, err
			}
			if most < 0 {
				dst = dst[:0]
			}
		} else if most >= 0 {
			dst = append(dst, b[:cut]...)
		}
		s.in.pos += cut
		if i < len(b) || most >= 0 && len(dst) > most {
			return dst, nil
		}
		if !s.in.more() {
			return dst, s.ended()
		}
	}
}

// heldBack says how many bytes at the end of a piece of text belong together with what follows.
func heldBack(b []byte) int {
	tail := b[max(0, len(b)-maxRef):]
	if i := bytes.LastIndexByte(tail, '&'); i >= 0 && bytes.IndexByte(tail[i:], ';') < 0 {
		return len(tail) - i
	}
	n := 0
	for n < 2 && n < len(b) && b[len(b)-1-n] == ']' {
		n++
	}

	return n
}

// unescape appends b to dst with its references replaced.
func (s *scanner) unescape(dst, b []byte) ([]byte, error) {
	for {
		i := bytes.IndexByte(b, '&')
		if i < 0 {
			return append(dst, b...), nil
		}
		dst = append(dst, b[:i]...)
		b = b[i+1:]
		n := bytes.IndexByte(b[:min(len(b), maxRef)], ';')
		if n < 0 {
			return dst, s.bad("has a & that begins no character")
		}
		r, ok := reference(b[:n])
		if !ok {
			return dst, s.bad("has a character that does not exist (&%s;)", shown(string(b[:n])))
		}
		dst = utf8.AppendRune(dst, r)
		b = b[n+1:]
	}
}

// reference returns the character that a reference stands for.
func reference(name []byte) (rune, bool) {
	switch string(name) {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, base := string(name), 10
	if !strings.HasPrefix(digits, "#") {
		return 0, false
	}
	if digits = digits[1:]; strings.HasPrefix(digits, "x") {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	r := rune(n)
	ok := err == nil && n <= utf8.MaxRune && utf8.ValidRune(r) && r != 0xFFFE && r != 0xFFFF &&
		(r >= ' ' || r == '\t' || r == '\n' || r == '\r')

	return r, ok
}

// value returns the value of an attribute with its references replaced. The tag was checked, so
// there is no error.
func (s *scanner) value(raw []byte) string {
	if bytes.IndexByte(raw, '&') < 0 {
		return string(raw)
	}
	v, _ := s.unescape(nil, raw)

	return string(v)
}

// attribute returns the attribute of that name of the element that begins, or nothing.
func (s *scanner) attribute(name string) string {
	for i := range s.attrs {
		if string(s.attrs[i].name) == name {
			return s.value(s.attrs[i].value)
		}
	}

	return ""
}

// attributeOf returns the attribute of that name and of one of those name spaces of the element
// that begins, or nothing. An attribute without a prefix is of no name space.
func (s *scanner) attributeOf(name string, spaces ...string) (string, error) {
	value, found := "", false
	for i := range s.attrs {
		prefix, local := cutName(s.attrs[i].name)
		if prefix == nil || string(local) != name || !slices.Contains(spaces, string(s.spaceOf(prefix))) {
			continue
		}
		if found {
			return "", s.bad("has an attribute twice (%q)", shown(name))
		}
		value, found = s.value(s.attrs[i].value), true
	}

	return value, nil
}

// declaration reads what begins with "<!": a comment, or a CDATA section where text may be. A DTD
// is refused.
func (s *scanner) declaration() error {
	kind, err := s.declaredKind()
	if err != nil || kind == isComment {
		return err
	}
	if s.lenient == 0 || len(s.opens) == 0 {
		return s.strayText()
	}
	_, err = s.cdata(nil, -1)

	return err
}

type declaration uint8

const (
	isComment declaration = iota
	isCDATA
)

// declaredKind tells what begins with "<!" and reads a comment to its end, a CDATA section to its
// beginning.
func (s *scanner) declaredKind() (declaration, error) {
	if err := s.need(len("<!--")); err != nil {
		return 0, err
	}
	if bytes.HasPrefix(s.in.buf[s.in.pos:s.in.end], []byte("<!--")) {
		s.in.pos += len("<!--")
		if err := s.skipTo("--", nil, 0); err != nil {
			return 0, err
		}
		if err := s.need(1); err != nil {
			return 0, err
		}
		if s.in.buf[s.in.pos] != '>' {
			return 0, s.bad("has a broken comment")
		}
		s.in.pos++

		return isComment, nil
	}
	if err := s.need(len("<!DOCTYPE")); err != nil {
		return 0, err
	}
	b := s.in.buf[s.in.pos : s.in.pos+len("<!DOCTYPE")]
	switch {
	case string(b) == "<![CDATA[":
		s.in.pos += len(b)

		return isCDATA, nil
	case bytes.EqualFold(b, []byte("<!DOCTYPE")), bytes.EqualFold(b[:8], []byte("<!ENTITY")):
		return 0, refuseDTD(s.part)
	default:
		return 0, s.bad("has a broken declaration")
	}
}

// cdata reads the contents of a CDATA section, appends them to dst and stops early as chars does.
func (s *scanner) cdata(dst []byte, most int) ([]byte, error) {
	if most < 0 {
		return dst, s.skipTo("]]>", nil, 0)
	}
	err := s.skipTo("]]>", &dst, most)

	return dst, err
}

// skipTo reads up to a marker and behind it. It appends what lies before the marker to dst, if
// there is one, and stops early once that has more than most bytes.
func (s *scanner) skipTo(mark string, dst *[]byte, most int) error {
	for {
		b := s.in.buf[s.in.pos:s.in.end]
		i := bytes.Index(b, []byte(mark))
		cut, used := i, i+len(mark)
		if i < 0 {
			// The end of the window may be the beginning of the marker.
			cut = max(0, len(b)-len(mark)+1)
			used = cut
		}
		s.in.pos += used
		if dst != nil {
			*dst = append(*dst, b[:cut]...)
			if len(*dst) > most {
				return nil
			}
		}
		if i >= 0 {
			return nil
		}
		if !s.in.more() {
			return s.ended()
		}
	}
}

// instruction skips a processing instruction.
func (s *scanner) instruction() error {
	if err := s.need(len("<?x?>")); err != nil {
		return err
	}
	b := s.in.buf[s.in.pos+2 : s.in.end]
	if !beginsName(b[0]) || bytes.EqualFold(b[:3], []byte("xml")) && (len(b) == 3 || !isName[b[3]]) {
		return s.bad("has a broken processing instruction")
	}
	s.in.pos += 2

	return s.skipTo("?>", nil, 0)
}

// root reads up to the root, which must be that element of one of those name spaces.
func (s *scanner) root(name string, spaces ...string) error {
	if _, err := s.next(); err != nil {
		return err
	}
	if string(s.local()) != name {
		return s.bad("is not of a workbook")
	}
	for _, space := range spaces {
		if s.space == space {
			return nil
		}
	}

	return s.bad("is not of a workbook")
}

// local returns the name of the element that begins, without prefix, or nothing if it is of another
// name space than the root. It is void with the next token.
func (s *scanner) local() []byte {
	prefix, local := cutName(s.name)
	if prefix == nil && s.bare || prefix != nil && string(s.spaceOf(prefix)) == s.space {
		return local
	}

	return nil
}

// skipForeign skips an element of another name space, which may hold alternatives
// (mc:AlternateContent) that a spreadsheet program takes for what stands in its place: of the
// elements that matter none may be hidden there.
func (s *scanner) skipForeign(watched ...string) error {
	depth := len(s.opens) - 1
	s.lenient++
	defer func() { s.lenient-- }()
	for len(s.opens) > depth {
		t, err := s.next()
		if err != nil {
			return err
		}
		if t != tokenStart {
			continue
		}
		if name := string(s.local()); slices.Contains(watched, name) {
			return s.bad("has an alternative to its %s", name)
		}
	}

	return nil
}

// skip reads to the end of the element that begins, whatever is in it.
func (s *scanner) skip() error {
	depth := len(s.opens) - 1
	s.lenient++
	defer func() { s.lenient-- }()
	for len(s.opens) > depth {
		if _, err := s.next(); err != nil {
			return err
		}
	}

	return nil
}

// errTooMuch is what text returns for more text than it may keep. The caller says what a person
// would call too long.
var errTooMuch = errors.New("sheet: too much text")

// text reads to the end of the element that begins, which holds nothing but text, and appends the
// text to dst. If that makes more than most bytes, it returns errTooMuch.
func (s *scanner) text(dst []byte, most int) ([]byte, error) {
	if s.closed {
		_, err := s.next()

		return dst, err
	}
	most += len(dst)
	for {
		var err error
		if dst, err = s.chars(dst, most); err != nil {
			return dst, err
		}
		if len(dst) > most {
			return dst, errTooMuch
		}
		if err := s.need(2); err != nil {
			return dst, err
		}
		switch s.in.buf[s.in.pos+1] {
		case '/':
			return dst, s.endTag()
		case '!':
			kind, err := s.declaredKind()
			if err == nil && kind == isCDATA {
				dst, err = s.cdata(dst, most)
			}
			if err != nil {
				return dst, err
			}
		case '?':
			if err := s.instruction(); err != nil {
				return dst, err
			}
		default:
			return dst, s.bad("has an element within a text")
		}
	}
}

// finish reads from the end of the root to the end of the document.
func (s *scanner) finish() error {
	t, err := s.next()
	if err == nil && t != tokenDone {
		return s.bad("has something behind its end")
	}

	return err
}
