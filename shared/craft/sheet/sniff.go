package sheet

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"
)

var (
	magicZip = []byte("PK\x03\x04")
	magicOLE = []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")
	// encryptedStream is the name of the stream that holds an encrypted workbook inside an OLE
	// file.
	encryptedStream = utf16le("EncryptedPackage")
)

// magics name what people upload by mistake. Those that are text go by themselves; the others could
// begin a CSV header too ("BMI,..."), and count only where what follows is no text.
var magics = []struct {
	magic string
	text  bool
	what  string
}{
	{"%PDF", true, "a PDF document"},
	{"{\\rtf", true, "a text document (RTF)"},
	{"\x89PNG", false, "a picture (PNG)"},
	{"\xFF\xD8\xFF", false, "a picture (JPEG)"},
	{"GIF8", false, "a picture (GIF)"},
	{"BM", false, "a picture (BMP)"},
	{"II*\x00", false, "a picture (TIFF)"},
	{"MM\x00*", false, "a picture (TIFF)"},
	{"RIFF", false, "a media file"},
	{"\x1F\x8B", false, "a compressed archive (gzip)"},
	{"7z\xBC\xAF\x27\x1C", false, "a compressed archive (7z)"},
	{"Rar!", false, "a compressed archive (RAR)"},
	{"BZh", false, "a compressed archive (bzip2)"},
	{"\xFD7zXZ", false, "a compressed archive (xz)"},
	{"MZ", false, "a program"},
	{"\x7FELF", false, "a program"},
	{"SQLite format 3", false, "a database"},
}

// sniff refuses what is not of the kind that its name says, by its size and its first bytes.
func sniff(src *source, kind FileKind, limits Limits) error {
	if src.size <= 0 {
		return refuse(ReasonEmpty, "The file is empty.")
	}
	if src.size > limits.FileBytes {
		return refuse(
			ReasonTooBig,
			"The file has %s bytes; at most %s MiB can be uploaded. Divide it into several files.",
			thousands(src.size),
			thousands(limits.FileBytes>>20),
		)
	}
	head, err := src.at(0, int(min(src.size, 4096)))
	if err != nil {
		return err
	}
	if bytes.HasPrefix(head, magicOLE) {
		return sniffOLE(src)
	}
	if len(bytes.Trim(head, "\x00")) == 0 {
		return refuse(ReasonWrongType,
			"The file holds zero bytes where its contents should be: it was not saved or copied completely.")
	}
	isZip := bytes.HasPrefix(head, magicZip) || bytes.HasPrefix(head, []byte("PK\x05\x06"))
	if kind == XLSX && isZip {
		return nil
	}
	what := describe(head)
	if isZip {
		what = "an Excel workbook or another archive (zip)"
	}
	if kind == CSV {
		if what == "" {
			return nil // the CSV scanner names the line and the byte
		}

		return refuse(ReasonWrongType, "The name ends in .csv, but the file is %s, not a CSV file.", what)
	}
	if src.size < int64(len(magicZip)) && bytes.HasPrefix(magicZip, head) {
		return refuse(ReasonCutOff, "The file is cut off after %d bytes. Copy or upload it again.", src.size)
	}
	if what == "" && looksLikeText(head) {
		what = "plain text, perhaps CSV"
	}
	if what == "" {
		what = "of another, unknown kind"
	}

	return refuse(ReasonWrongType, "The name ends in .xlsx, but the file is %s, not an Excel workbook.", what)
}

// describe names the kind of file that begins with head, or returns nothing if it is not known.
func describe(head []byte) string {
	text := looksLikeText(head)
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) && (m.text || !text) {
			return m.what
		}
	}
	if !text && len(head) > 12 && bytes.Equal(head[4:8], []byte("ftyp")) {
		return "a media file"
	}

	return describeMarkup(head)
}

func describeMarkup(head []byte) string {
	text := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, utf8BOM), " \t\r\n"))
	switch {
	case bytes.HasPrefix(text, []byte("<!doctype html")),
		bytes.HasPrefix(text, []byte("<html")),
		bytes.HasPrefix(text, []byte("<head")),
		bytes.HasPrefix(text, []byte("<table")),
		bytes.HasPrefix(text, []byte("<!doctype")),
		bytes.HasPrefix(text, []byte("<meta")):
		return "a web page (HTML)"
	case bytes.HasPrefix(text, []byte("<?xml")):
		return "an XML document"
	case bytes.HasPrefix(text, []byte("{\"")), bytes.HasPrefix(text, []byte("[{")):
		return "a JSON document"
	default:
		return ""
	}
}

func looksLikeText(head []byte) bool {
	for len(head) > 0 {
		r, n := utf8.DecodeRune(head)
		if r == utf8.RuneError && n <= 1 && utf8.FullRune(head) || r < ' ' && r != '\t' && r != '\r' && r != '\n' {
			return false
		}
		head = head[n:]
	}

	return true
}

// sniffOLE tells a workbook with a password from one of Excel 97-2003: both are OLE files.
func sniffOLE(src *source) error {
	found, err := contains(io.NewSectionReader(src, 0, src.size), encryptedStream)
	if err != nil {
		return err
	}
	if found {
		return refuse(ReasonEncrypted,
			"The workbook is protected with a password, so it cannot be read. Save it without a password.")
	}

	return refuse(ReasonOldFormat,
		"This is a document in the format of Excel 97-2003 (.xls). Save it as Excel workbook (.xlsx).")
}

// contains reads r to its end and says whether any of the patterns occurs in it.
func contains(r io.Reader, patterns ...[]byte) (bool, error) {
	longest := 0
	for _, p := range patterns {
		longest = max(longest, len(p))
	}
	buf := make([]byte, 64<<10)
	kept, found := 0, false
	for {
		n, err := r.Read(buf[kept:])
		window := buf[:kept+n]
		for _, p := range patterns {
			found = found || bytes.Contains(window, p)
		}
		kept = copy(buf, window[max(0, len(window)-longest+1):])
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return false, err
		}
	}
}

func utf16le(ascii string) []byte {
	out := make([]byte, 0, 2*len(ascii))
	for i := range len(ascii) {
		out = append(out, ascii[i], 0)
	}

	return out
}

func utf16be(ascii string) []byte {
	out := make([]byte, 0, 2*len(ascii))
	for i := range len(ascii) {
		out = append(out, 0, ascii[i])
	}

	return out
}
