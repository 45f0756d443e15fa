package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// toYAML appends a JSON document as YAML in block style, with sorted keys: whatever the order in
// which the code registers things, a change of the document is a small difference of the file.
func toYAML(out, document []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.UseNumber() // a number stays as it was written
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	b := bytes.NewBuffer(out)
	write(b, v, "")
	return b.Bytes(), nil
}

// write writes a value that stands at the beginning of a line, after indent.
func write(b *bytes.Buffer, v any, indent string) {
	switch v := v.(type) {
	case map[string]any:
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b.WriteString(indent)
			}
			b.WriteString(scalar(key) + ":")
			below(b, v[key], indent, indent+"  ")
		}
	case []any:
		for i, item := range v {
			if i > 0 {
				b.WriteString(indent)
			}
			b.WriteString("-")
			if flat(item) {
				below(b, item, indent, indent)
				continue
			}
			b.WriteString(" ")
			write(b, item, indent+"  ")
		}
	default:
		b.WriteString(scalar(v) + "\n")
	}
}

// below writes the value of a key or of an item: a scalar or an empty collection on the same line,
// anything else on the next ones.
func below(b *bytes.Buffer, v any, indent, deeper string) {
	if flat(v) {
		b.WriteString(" " + scalar(v) + "\n")
		return
	}
	if _, list := v.([]any); list {
		deeper = indent // a list's dashes may stand under their key
	}
	b.WriteString("\n" + deeper)
	write(b, v, deeper)
}

func flat(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	default:
		return true
	}
}

var (
	// plain is what needs no quotes: it begins with a letter or a slash and holds nothing that YAML
	// could take for syntax.
	plain = regexp.MustCompile(`^[A-Za-z/$][A-Za-z0-9_./{}$ ,;()<>=+@-]*$`)
	// words are plain but mean something else than a string, in YAML 1.1 or 1.2.
	words = []string{"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
)

func scalar(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "{}"
	case []any:
		return "[]"
	case string:
		if plain.MatchString(v) && !strings.HasSuffix(v, " ") && !slices.Contains(words, strings.ToLower(v)) {
			return v
		}
		return quoted(v)
	default: // a number or a boolean
		return fmt.Sprint(v)
	}
}

// quoted writes a string as JSON does, which every YAML reader takes.
func quoted(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil { // a string always encodes
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
