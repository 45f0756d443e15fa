package workbook

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"
)

// errPartTooLarge is returned for a part beyond 4 GiB: it would need Zip64, which Excel accepts
// only in a form that archive/zip does not write.
var errPartTooLarge = errors.New("workbook: a sheet is larger than 4 GiB")

// pack is the archive that excelize writes its parts to. It is here for three reasons: klauspost's
// deflate is a third faster than the standard library's at the same size (design, "Measured");
// excelize emits streamed sheets in the order of a map, and sorting them makes the same input give
// the same bytes; and the archive goes straight to its writer, not through a second whole copy in
// memory.
//
// Compressed parts are kept in memory until all are there, a few percent of the sheet's XML. A pack
// is not safe for use by several goroutines.
type pack struct {
	parts   []*part
	deflate *flate.Writer
	open    bool // the last part's deflate stream has not ended
	err     error
}

// part is one file of the archive, deflated.
type part struct {
	name string
	body bytes.Buffer
	crc  uint32
	size uint64
}

// Create ends the part before and begins the next one. It is excelize.ZipWriter's.
func (p *pack) Create(name string) (io.Writer, error) {
	if p.finish(); p.err != nil {
		return nil, p.err
	}
	next := &part{name: name}
	p.parts = append(p.parts, next)
	if p.deflate == nil {
		p.deflate, p.err = flate.NewWriter(&next.body, flate.DefaultCompression)
		if p.err != nil {
			return nil, p.err
		}
	} else {
		p.deflate.Reset(&next.body)
	}
	p.open = true
	return partWriter{pack: p, part: next}, nil
}

// AddFS is asked for by excelize.ZipWriter and never called by it: a workbook has no folder to add.
func (p *pack) AddFS(fs.FS) error { return errors.ErrUnsupported }

// Close ends the last part. The archive itself is written by writeTo, so that nothing leaves when
// excelize failed half way.
func (p *pack) Close() error {
	p.finish()
	return p.err
}

func (p *pack) finish() {
	if p.open {
		p.open = false
		p.err = errors.Join(p.err, p.deflate.Close())
	}
}

// writeTo writes the archive: parts by name, which puts [Content_Types].xml first as readers like
// it, all dated modified.
func (p *pack) writeTo(w io.Writer, modified time.Time) error {
	if p.err != nil {
		return p.err
	}
	slices.SortFunc(p.parts, func(a, b *part) int { return strings.Compare(a.name, b.name) })
	out := zip.NewWriter(w)
	for _, from := range p.parts {
		header := &zip.FileHeader{
			Name:               from.name,
			Method:             zip.Deflate,
			CRC32:              from.crc,
			CompressedSize64:   uint64(from.body.Len()),
			UncompressedSize64: from.size,
		}
		//nolint:staticcheck // CreateRaw writes these fields as they are and ignores Modified.
		header.SetModTime(modified)
		to, err := out.CreateRaw(header)
		if err != nil {
			return fmt.Errorf("workbook: %w", err)
		}
		if _, err := from.body.WriteTo(to); err != nil {
			return fmt.Errorf("workbook: %w", err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	return nil
}

// partWriter is where excelize writes one part. Its errors are kept, because excelize looks only at
// the last one.
type partWriter struct {
	pack *pack
	part *part
}

func (w partWriter) Write(b []byte) (int, error) {
	if w.pack.err != nil {
		return 0, w.pack.err
	}
	if w.part.size+uint64(len(b)) > math.MaxUint32 {
		w.pack.err = errPartTooLarge
		return 0, errPartTooLarge
	}
	n, err := w.pack.deflate.Write(b)
	w.part.crc = crc32.Update(w.part.crc, crc32.IEEETable, b[:n])
	w.part.size += uint64(n)
	w.pack.err = err
	return n, err
}
