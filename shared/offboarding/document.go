package offboarding

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"seatwise/shared/platform/call"
)

// value is a part of a document. What is not changed in it keeps its order and its spelling, byte for byte.
type value struct {
	// raw is the JSON of what is neither an object nor a list.
	raw  []byte
	open byte // { or [, or nothing
	// names are those of an object's members; parts are members, or what is in a list.
	names []string
	parts []*value
}

// errUnreadable is of a document that is none.
var errUnreadable = errors.New("unreadable document")

func parse(data []byte) (*value, error) {
	in := json.NewDecoder(bytes.NewReader(data))
	v, err := read(in, data)
	if err == nil {
		if _, more := in.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more behind it")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return v, nil
}

func read(in *json.Decoder, data []byte) (*value, error) {
	from := in.InputOffset()
	token, err := in.Token()
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	delimiter, opens := token.(json.Delim)
	if !opens {
		return &value{raw: bytes.TrimLeft(data[from:in.InputOffset()], " \t\r\n,:")}, nil
	}
	v := &value{open: byte(delimiter)}
	for in.More() {
		if v.open == '{' {
			name, err := in.Token()
			if err != nil {
				return nil, fmt.Errorf("token: %w", err)
			}
			v.names = append(v.names, fmt.Sprint(name))
		}
		part, err := read(in, data)
		if err != nil {
			return nil, err
		}
		v.parts = append(v.parts, part)
	}
	if _, err := in.Token(); err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	return v, nil
}

// text is what a text says; ok is false for anything else.
func (v *value) text() (said string, ok bool) {
	if v == nil || len(v.raw) == 0 || v.raw[0] != '"' {
		return "", false
	}
	return said, json.Unmarshal(v.raw, &said) == nil
}

func (v *value) member(name string) *value {
	for i, n := range v.names {
		if n == name {
			return v.parts[i]
		}
	}
	return nil
}

// at is what is at a path of fields; nil where there is nothing.
func (v *value) at(path string) *value {
	for name := range strings.SplitSeq(path, ".") {
		if v == nil || path == "" {
			return v
		}
		v = v.member(name)
	}
	return v
}

// set puts JSON in the place of a member, or behind the others.
func (v *value) set(name string, data []byte) {
	next := &value{raw: data}
	for i, n := range v.names {
		if n == name {
			v.parts[i] = next
			return
		}
	}
	v.names, v.parts = append(v.names, name), append(v.parts, next)
}

func (v *value) write(to *bytes.Buffer) error {
	if v.open == 0 {
		to.Write(v.raw)
		return nil
	}
	to.WriteByte(v.open)
	for i, part := range v.parts {
		if i > 0 {
			to.WriteByte(',')
		}
		if v.open == '{' {
			name, err := call.Encode(v.names[i])
			if err != nil {
				return err
			}
			to.Write(name)
			to.WriteByte(':')
		}
		if err := part.write(to); err != nil {
			return err
		}
	}
	to.WriteByte(v.open + 2) // of both pairs the closing one is the next but one
	return nil
}

func (v *value) json() ([]byte, error) {
	var out bytes.Buffer
	err := v.write(&out)
	return out.Bytes(), err
}

// step is a part of a document on the way to one of its texts.
type step struct {
	path string
	*value
}

// way leads to a text: the last step is the text itself.
type way []step

// each visits every text of a document. Maps are those paths below which all members are one path.
func (v *value) each(maps map[string]bool, visit func(way) error) error {
	return v.descend(way{{"", v}}, maps, visit)
}

func (v *value) descend(w way, maps map[string]bool, visit func(way) error) error {
	if _, is := v.text(); is {
		return visit(w)
	}
	path := w[len(w)-1].path
	for i, part := range v.parts {
		next := path + "[]"
		if v.open == '{' {
			name := v.names[i]
			if maps[path] {
				name = "*"
			}
			next = joined(path, name)
		}
		if err := part.descend(append(w[:len(w):len(w)], step{next, part}), maps, visit); err != nil {
			return err
		}
	}
	return nil
}

// to is what is at a path, by the way as far as they go together.
func (w way) to(path string) *value {
	for i := len(w) - 1; i >= 0; i-- {
		from := w[i]
		rest, goes := strings.CutPrefix(path, from.path)
		switch {
		case !goes:
		case rest == "":
			return from.value
		case from.path == "":
			return from.at(rest)
		case rest[0] == '.':
			return from.at(rest[1:])
		}
	}
	return nil
}

func joined(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
