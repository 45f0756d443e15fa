package sheet

import "bytes"

// What stands in front of the text of a cell that is no text, where a file of ours repeats it as
// text: a result that is sent back must be refused for what its input was refused for, and not make
// a user whose name is =1+1, or an extension of a date.
var marks = []struct {
	kind Kind
	mark string
}{
	{
		KindFormula,
		"#FORMULA: ",
	},
	{KindDate, "#DATE: "},
	{KindError, "#ERROR: "},
	{KindMasked, "#MASKED: "},
	{KindNumber, "#NUMBER: "},
}

// No name begins so that anybody has seen; one that does is refused in a file.

// Written returns the text by which a file of ours repeats a cell. Reading that file gives the same
// cell again, but for a number, which comes back as the text that a person sees, unless it is
// mangled, and for TRUE and FALSE, which come back as text.
func Written(c Cell) string {
	for _, m := range marks {
		if m.kind == c.Kind && (c.Kind != KindNumber || Mangled(c)) {
			return m.mark + c.Text
		}
	}

	return c.Text
}

// unwritten takes off the marker that Written put in front of what stands in text from there on,
// and says of which kind it is.
func unwritten(text []byte, from int) ([]byte, Kind) {
	written := text[from:]
	if len(written) == 0 || written[0] != '#' {
		return text, KindText
	}
	for _, m := range marks {
		if rest, ok := bytes.CutPrefix(written, []byte(m.mark)); ok && len(rest) > 0 {
			return append(text[:from], rest...), m.kind
		}
	}

	return text, KindText
}
