package sheet

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Reason is a stable code for why a file is refused. Messages may be reworded, reasons may not.
type Reason string

// The reasons. Each is a property of the whole file: nothing of a refused file may be used
// (requirements, section 5).
const (
	// ReasonEmpty is a file without a byte, or with nothing but blank rows.
	ReasonEmpty Reason = "empty"
	// ReasonUnsupported is a file whose name ends neither in .xlsx nor in .csv.
	ReasonUnsupported Reason = "unsupported-type"
	// ReasonWrongType is a file that is not what its name says.
	ReasonWrongType Reason = "wrong-type"
	// ReasonOldFormat is a workbook of Excel 97-2003 (.xls), whatever its name.
	ReasonOldFormat Reason = "old-format"
	// ReasonEncrypted is a workbook that asks for a password.
	ReasonEncrypted Reason = "encrypted"
	// ReasonTooBig is a file of more than Limits.FileBytes.
	ReasonTooBig Reason = "too-big"
	// ReasonUnpackedTooBig is a workbook that unpacks to more than Limits.UnpackedBytes.
	ReasonUnpackedTooBig Reason = "unpacked-too-big"
	// ReasonCutOff is a file whose end is missing.
	ReasonCutOff Reason = "cut-off"
	// ReasonCorrupted is a workbook whose bytes contradict its own sizes, checksums or table of
	// contents.
	ReasonCorrupted Reason = "corrupted"
	// ReasonUnsafe is a workbook with parts that no spreadsheet program writes: paths that leave
	// it, or one name twice.
	ReasonUnsafe Reason = "unsafe-archive"
	// ReasonMalformed is a workbook whose XML is not well formed, not complete, or not that of a
	// workbook.
	ReasonMalformed Reason = "malformed"
	// ReasonMissingPart is a workbook that names a part of itself that it does not have.
	ReasonMissingPart Reason = "missing-part"
	// ReasonDTD is a workbook with a document type definition in any of its XML.
	ReasonDTD Reason = "dtd"
	// ReasonMacros is a workbook that carries macros.
	ReasonMacros Reason = "macros"
	// ReasonEncoding is text that is not UTF-8.
	ReasonEncoding Reason = "encoding"
	// ReasonControl is text with a character that no text has, such as NUL.
	ReasonControl Reason = "control-character"
	// ReasonSheets is a workbook with more than one visible sheet.
	ReasonSheets Reason = "several-sheets"
	// ReasonNoSheet is a workbook without a visible worksheet.
	ReasonNoSheet Reason = "no-sheet"
	// ReasonRowOrder is a row that is not below the one before it.
	ReasonRowOrder Reason = "row-order"
	// ReasonCellOrder is a cell that is not to the right of the one before it.
	ReasonCellOrder Reason = "cell-order"
	// ReasonReference is a row or cell address that is none, or that belongs to another row.
	ReasonReference Reason = "bad-reference"
	// ReasonSharedText is a cell that points at a shared text that the workbook does not have.
	ReasonSharedText Reason = "shared-text"
	// ReasonValue is a cell whose value is not of the type that the cell declares.
	ReasonValue Reason = "bad-value"
	// ReasonMerged is a sheet with merged cells, of which only one would carry the value that a
	// person sees in all.
	ReasonMerged Reason = "merged-cells"
	// ReasonTooManyRows is a sheet with more than Limits.Rows rows below the first.
	ReasonTooManyRows Reason = "too-many-rows"
	// ReasonTooManyColumns is a row with something beyond column Limits.Columns.
	ReasonTooManyColumns Reason = "too-many-columns"
	// ReasonTooLong is a cell of more than Limits.CellChars characters.
	ReasonTooLong Reason = "cell-too-long"
	// ReasonTooMuchText is a table whose cells hold more than Limits.TextBytes in all.
	ReasonTooMuchText Reason = "too-much-text"
	// ReasonFormulas is a sheet with more formulas that fill several cells than are looked at.
	ReasonFormulas Reason = "formulas"
	// ReasonHidden is a sheet with rows or columns that nobody sees. Open does not refuse it: see
	// Reader.Hidden.
	ReasonHidden Reason = "hidden-rows"
	// ReasonQuote is a CSV field with a quotation mark that is not closed or stands where none may.
	ReasonQuote Reason = "quote"
	// ReasonRagged is a CSV line with more or fewer fields than the header.
	ReasonRagged Reason = "ragged"
	// ReasonSeparator is a CSV file that is separated by something else than commas or semicolons.
	ReasonSeparator Reason = "separator"
)

// Refusal is why a file is refused whole. It is meant for the person who uploaded the file: Error
// gives the place and the sentence, free of the words of programmers and of bytes that would not
// print.
type Refusal struct {
	File  string // the base name of the file
	Sheet string // the sheet, where the fault lies in one
	Row   int    // the row as a spreadsheet shows it, from 1; 0 if the fault lies in no row
	Line  int    // CSV: the line as a text editor shows it, from 1; it is beyond Row when fields contain line breaks
	// the column as a spreadsheet shows it ("C"), of a CSV file its number ("3"); empty if the
	// fault lies in no column
	Column  string
	Reason  Reason
	Message string // a sentence for a person, without the place
}

// Error says where and why, for a person.
func (r *Refusal) Error() string {
	where := r.Where()
	if where == "" {
		return r.Message
	}

	return where + ": " + r.Message
}

// Where says the place alone: file, sheet, row or line, column, as far as they are known.
func (r *Refusal) Where() string {
	var parts []string
	if r.File != "" {
		parts = append(parts, r.File)
	}
	if r.Sheet != "" {
		parts = append(parts, `sheet "`+r.Sheet+`"`)
	}
	switch {
	case r.Line > 0 && r.Line != r.Row && r.Row > 0:
		parts = append(parts, "line "+strconv.Itoa(r.Line)+" (row "+strconv.Itoa(r.Row)+")")
	case r.Line > 0:
		parts = append(parts, "line "+strconv.Itoa(r.Line))
	case r.Row > 0:
		parts = append(parts, "row "+strconv.Itoa(r.Row))
	}
	switch {
	case r.Column == "":
	case r.Line > 0:
		parts = append(parts, "field "+r.Column)
	default:
		parts = append(parts, "column "+r.Column)
	}

	return strings.Join(parts, ", ")
}

// refuse makes a refusal that lies in no particular place yet.
func refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// saveAgain is the advice for a workbook that a spreadsheet program can still read and write again.
const saveAgain = "Open it in your spreadsheet program, save it again and upload the new copy."

func corrupted(format string, args ...any) *Refusal {
	return refuse(ReasonCorrupted, "The workbook is corrupted: %s. %s", fmt.Sprintf(format, args...), saveAgain)
}

func malformed(format string, args ...any) *Refusal {
	return refuse(ReasonMalformed, "The workbook is damaged: %s. %s", fmt.Sprintf(format, args...), saveAgain)
}

// shown makes text from a file fit for a message: printable, on one line, at most 60 characters.
func shown(text string) string {
	const most = 60
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n == most {
			b.WriteString("...")
			break
		}
		if !unicode.IsPrint(r) {
			r = utf8.RuneError
		}
		b.WriteRune(r)
		n++
	}

	return b.String()
}

// thousands writes a number as people read it: 100,000.
func thousands[T int | int64](n T) string {
	digits := strconv.FormatInt(int64(n), 10)
	var b strings.Builder
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteByte(digits[i])
	}

	return b.String()
}
