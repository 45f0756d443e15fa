package catalog

import (
	"fmt"
	"strings"
)

// The catalog is read at every start of every function that knows products, and a whole YAML library takes a fifth of such a start: more than all that the
// function does itself. So this file reads what a catalog needs of YAML (mappings and lists, in block and in flow style, plain and quoted scalars,
// comments) and refuses the rest of it (anchors, aliases, tags, block scalars, scalars of several lines, directives) with its line. What it does read, it
// reads as YAML 1.2 does; a test holds it against a YAML library.

// shape is what a node is.
type shape int

const (
	text    shape = iota // a scalar that is a string
	whole                // a scalar that is an integer in decimal digits
	boolean              // true or false
	other                // null, or a scalar of a type that no catalog needs
	mapping
	list
)

// node is a value of the file.
type node struct {
	// line is where it begins, from 1.
	line  int
	shape shape
	// scalar is the value of a scalar, as it is meant for a text, as it is written otherwise.
	scalar string
	fields []field
	items  []*node
}

// field is one entry of a mapping; names in a mapping differ.
type field struct {
	name  string
	line  int
	value *node
}

// maxDepth bounds how deep a catalog may nest; it needs five levels.
const maxDepth = 16

// sourceLine is a line with something on it.
type sourceLine struct {
	number int
	indent int // spaces before the content
	// content goes to the line's end, a comment included.
	content string
}

// document reads the lines of one file.
type document struct {
	lines []sourceLine
	at    int
	depth int
}

// readYAML reads a file of one document; nil for one without any. Its error is a *LineError.
func readYAML(data []byte) (*node, error) {
	d := &document{}
	begun, ended := false, false
	number := 0
	for raw := range strings.SplitSeq(string(data), "\n") {
		number++
		raw = strings.TrimRight(raw, " \r")
		content := strings.TrimLeft(raw, " ")
		switch {
		case content == "" || content[0] == '#':
		case ended:
			return nil, fault(number, "a catalog is one document, and this begins another")
		case raw == "---":
			ended, begun = begun, true
		case raw[0] == '%', strings.HasPrefix(raw, "..."), strings.HasPrefix(raw, "---"):
			return nil, fault(number, "a catalog has no use for YAML's directives and ends, and a beginning has a line of its own")
		case strings.ContainsFunc(content, func(c rune) bool { return c < ' ' || c == 0x7f || c == 0xfffd }):
			return nil, fault(number, "a catalog has no use for tabs, nor for characters that cannot be printed")
		default:
			begun = true
			d.lines = append(d.lines, sourceLine{number: number, indent: len(raw) - len(content), content: content})
		}
	}
	if len(d.lines) == 0 {
		return nil, nil
	}
	root, err := d.block(d.lines[0].indent)
	if err != nil {
		return nil, err
	}
	if d.at < len(d.lines) {
		return nil, fault(d.lines[d.at].number, "this does not belong to what is above it: look at the indentation")
	}
	return root, nil
}

func fault(line int, format string, args ...any) error {
	return &LineError{Line: line, Message: fmt.Sprintf(format, args...)}
}

// block reads the value that begins at the current line.
func (d *document) block(indent int) (*node, error) {
	d.depth++
	defer func() { d.depth-- }()
	line := d.lines[d.at]
	if d.depth > maxDepth {
		return nil, fault(line.number, "this is nested too deep")
	}
	if isItem(line.content) {
		return d.blockList(indent)
	}
	if _, _, ok := cutKey(line.content); ok {
		return d.blockMapping(indent)
	}
	d.at++
	return inline(line.number, line.content)
}

func isItem(content string) bool { return content == "-" || strings.HasPrefix(content, "- ") }

// blockList reads the items at this indentation.
func (d *document) blockList(indent int) (*node, error) {
	n := &node{line: d.lines[d.at].number, shape: list}
	for d.at < len(d.lines) && d.lines[d.at].indent == indent && isItem(d.lines[d.at].content) {
		line := &d.lines[d.at]
		rest := strings.TrimLeft(line.content[1:], " ")
		var item *node
		var err error
		if rest == "" || rest[0] == '#' {
			d.at++
			item, err = d.below(line.number, indent)
		} else {
			// What follows the dash stands at a column of its own, and its next lines do too.
			line.indent += len(line.content) - len(rest)
			line.content = rest
			item, err = d.block(line.indent)
		}
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
	}
	return n, nil
}

// blockMapping reads the fields at this indentation.
func (d *document) blockMapping(indent int) (*node, error) {
	n := &node{line: d.lines[d.at].number, shape: mapping}
	for d.at < len(d.lines) && d.lines[d.at].indent == indent && !isItem(d.lines[d.at].content) {
		line := d.lines[d.at]
		name, rest, ok := cutKey(line.content)
		if !ok {
			return nil, fault(line.number, "this is no field: a name, a colon and a blank are missing")
		}
		d.at++
		var value *node
		var err error
		switch {
		case rest != "" && rest[0] != '#':
			value, err = inline(line.number, rest)
		case d.at < len(d.lines) && d.lines[d.at].indent == indent && isItem(d.lines[d.at].content):
			value, err = d.block(indent) // a list may stand under its name
		default:
			value, err = d.below(line.number, indent)
		}
		if err == nil {
			err = n.add(name, line.number, value)
		}
		if err != nil {
			return nil, err
		}
	}
	return n, nil
}

// below reads the value on the next lines, if they are indented more; otherwise it is null.
func (d *document) below(line, indent int) (*node, error) {
	if d.at < len(d.lines) && d.lines[d.at].indent > indent {
		return d.block(d.lines[d.at].indent)
	}
	return &node{line: line, shape: other}, nil
}

// cutKey splits a field's line into its name and what follows the colon.
func cutKey(content string) (name, rest string, ok bool) {
	if strings.ContainsRune(`[{'"`, rune(content[0])) {
		return "", "", false
	}
	end := strings.Index(content+" ", ": ")
	if end < 0 || strings.Contains(content[:end], " #") {
		return "", "", false
	}
	return content[:end], strings.TrimLeft(strings.TrimPrefix(content[end:], ":"), " "), true
}

func (n *node) add(name string, line int, value *node) error {
	if name == "" || shapeOf(name) != text || strings.ContainsFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	}) {
		return fault(line, "a field's name must be a plain word")
	}
	for _, f := range n.fields {
		if f.name == name {
			return fault(line, "field %q is already defined at line %d", name, f.line)
		}
	}
	n.fields = append(n.fields, field{name, line, value})
	return nil
}

// flow reads values within one line.
type flow struct {
	line  int
	rest  string
	depth int
}

// inline reads the value that takes the rest of a line.
func inline(line int, content string) (*node, error) {
	f := &flow{line: line, rest: content}
	n, err := f.value(false)
	if err != nil {
		return nil, err
	}
	if after := strings.TrimLeft(f.rest, " "); after != "" && (after[0] != '#' || len(after) == len(f.rest)) {
		return nil, fault(line, "nothing may follow the value on its line")
	}
	return n, nil
}

func (f *flow) fault(format string, args ...any) error { return fault(f.line, format, args...) }

// value reads one value. within says that it stands in a flow collection, where commas and brackets end it.
func (f *flow) value(within bool) (*node, error) {
	f.depth++
	defer func() { f.depth-- }()
	f.rest = strings.TrimLeft(f.rest, " ")
	switch {
	case f.depth > maxDepth:
		return nil, f.fault("this is nested too deep")
	case f.rest == "":
		return nil, f.fault("a value is missing")
	}
	switch f.rest[0] {
	case '[':
		return f.list()
	case '{':
		return f.mapping()
	case '\'', '"':
		return f.quoted()
	case '&', '*', '!', '|', '>', '%', '@', '`':
		return nil, f.fault("a catalog has no use for YAML's %q", f.rest[0])
	}
	if strings.HasPrefix(f.rest+" ", "- ") || strings.HasPrefix(f.rest+" ", "? ") {
		return nil, f.fault("this cannot stand within a line")
	}
	end := len(f.rest)
	for i := range len(f.rest) {
		if within && strings.IndexByte(",[]{}", f.rest[i]) >= 0 || f.rest[i] == '#' && i > 0 && f.rest[i-1] == ' ' {
			end = i
			break
		}
		if f.rest[i] == ':' && (i+1 == len(f.rest) || f.rest[i+1] == ' ' || within && strings.IndexByte(",[]{}", f.rest[i+1]) >= 0) {
			return nil, f.fault("a second colon on the line: quote the text")
		}
	}
	plain := strings.TrimRight(f.rest[:end], " ")
	if plain == "" || plain[0] == '#' {
		return nil, f.fault("a value is missing")
	}
	// The blank before a comment stays, it is what makes the comment one.
	f.rest = f.rest[len(plain):]
	return &node{line: f.line, shape: shapeOf(plain), scalar: plain}, nil
}

// shapeOf tells the type of a plain scalar, as the core schema of YAML 1.2 has it.
func shapeOf(plain string) shape {
	switch plain {
	case "true", "false":
		return boolean
	case "True", "TRUE", "False", "FALSE", "~", "null", "Null", "NULL":
		return other
	}
	if strings.Trim(plain, "0123456789") == "" && (plain == "0" || plain[0] != '0') {
		return whole
	}
	// Signed, broken, padded, hexadecimal, octal and binary numbers, dates, .inf and .nan: nothing in a catalog is one, and what looks like one is not taken for text.
	number := strings.ToLower(strings.TrimLeft(plain, "+-"))
	for _, prefix := range []string{"0x", "0o", "0b"} {
		if digits, ok := strings.CutPrefix(number, prefix); ok && strings.Trim(digits, "0123456789abcdef_") == "" {
			return other
		}
	}
	if number == ".inf" || number == ".nan" || strings.Trim(number, "0123456789.e+-_:") == "" && strings.ContainsAny(plain[:1], "0123456789.+-") {
		return other
	}
	return text
}

// quoted reads a text in quotes.
func (f *flow) quoted() (*node, error) {
	quote := f.rest[0]
	var b strings.Builder
	for i := 1; i < len(f.rest); i++ {
		c := f.rest[i]
		switch {
		case c == quote && quote == '\'' && i+1 < len(f.rest) && f.rest[i+1] == '\'':
			i++
		case c == quote:
			f.rest = f.rest[i+1:]
			return &node{line: f.line, shape: text, scalar: b.String()}, nil
		case c == '\\' && quote == '"':
			if i++; i == len(f.rest) || f.rest[i] != '"' && f.rest[i] != '\\' {
				return nil, f.fault(`only \" and \\ may be escaped in a text`)
			}
			c = f.rest[i]
		}
		b.WriteByte(c)
	}
	return nil, f.fault("a text in quotes must be closed on its line")
}

// list reads [a, b].
func (f *flow) list() (*node, error) {
	n := &node{line: f.line, shape: list}
	err := f.collection(']', func() error {
		item, err := f.value(true)
		n.items = append(n.items, item)
		return err
	})
	return n, err
}

// mapping reads {a: 1, b: 2}.
func (f *flow) mapping() (*node, error) {
	n := &node{line: f.line, shape: mapping}
	err := f.collection('}', func() error {
		name, rest, ok := strings.Cut(f.rest, ": ")
		if !ok {
			return f.fault("this is no field: a name, a colon and a blank are missing")
		}
		f.rest = rest
		value, err := f.value(true)
		if err != nil {
			return err
		}
		return n.add(name, f.line, value)
	})
	return n, err
}

// collection reads what stands between brackets, separated by commas.
func (f *flow) collection(closing byte, element func() error) error {
	f.rest = f.rest[1:]
	for {
		f.rest = strings.TrimLeft(f.rest, " ")
		switch {
		case f.rest == "" || f.rest[0] == '#':
			return f.fault("%q is missing: a collection in brackets must be closed on its line", closing)
		case f.rest[0] == closing:
			f.rest = f.rest[1:]
			return nil
		}
		if err := element(); err != nil {
			return err
		}
		f.rest = strings.TrimLeft(f.rest, " ")
		if strings.HasPrefix(f.rest, ",") {
			f.rest = f.rest[1:]
		} else if f.rest != "" && f.rest[0] != closing && f.rest[0] != '#' {
			return f.fault("a comma or %q is missing", closing)
		}
	}
}
