package sheet

import (
	"bufio"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// The archive is read by our own code because archive/zip forgives what a hostile file needs: bytes
// before, between and behind the parts, parts that overlap, two parts of one name, and local
// headers that contradict the directory. Here every byte of the file belongs to exactly one part or
// to the directory, or the file is refused.

const (
	localSize     = 30
	directorySize = 46
	endSize       = 22
	end64Size     = 56
	locatorSize   = 20

	localSig      = 0x04034b50
	directorySig  = 0x02014b50
	endSig        = 0x06054b50
	end64Sig      = 0x06064b50
	locatorSig    = 0x07064b50
	descriptorSig = 0x08074b50

	flagEncrypted  = 1 << 0
	flagDescriptor = 1 << 3
	flagMasked     = 1 << 13

	methodStored   = 0
	methodDeflated = 8

	zip64ID = 0x0001

	// maxParts and maxDirectory bound the table of contents: a workbook has some dozens of parts,
	// with many pictures some hundreds.
	maxParts     = 4096
	maxDirectory = 1 << 20
	// maxRatio is what deflate reaches at the very most (a bit for 258 bytes, and some overhead):
	// more is a lie.
	maxRatio = 1032
)

const max16, max32 = 1<<16 - 1, 1<<32 - 1

// entry is one part of the archive.
type entry struct {
	name     string // with "/"
	raw      string // as it is written
	flags    uint16
	method   uint16
	crc      uint32
	packed   int64
	unpacked int64
	header   int64 // offset of the local header
	data     int64 // offset of the packed bytes
	verified bool  // read to its end, and found true
}

func (e *entry) isFolder() bool { return strings.HasSuffix(e.name, "/") }

// archive is a zip file whose directory and layout are verified; the contents of the parts are
// verified as they are read.
type archive struct {
	src     *source
	entries []*entry
	byName  map[string]*entry // by lower-case name: names of parts do not differ by case alone
}

// find returns the part of that name, or nil.
func (a *archive) find(name string) *entry { return a.byName[strings.ToLower(name)] }

// openArchive reads the directory and verifies the layout of the whole file.
func openArchive(src *source, limits Limits) (*archive, error) {
	a := &archive{src: src, byName: map[string]*entry{}}
	start, stop, count, err := a.findDirectory()
	if err != nil {
		return nil, err
	}
	if count > maxParts || stop-start > maxDirectory {
		return nil, refuse(ReasonUnsafe, "The workbook claims to have %s parts, which no workbook needs.",
			thousands(count))
	}
	directory, err := src.at(start, int(stop-start))
	if err != nil {
		return nil, err
	}
	total := int64(0)
	for len(directory) > 0 {
		e, rest, err := readEntry(directory)
		if err != nil {
			return nil, err
		}
		directory = rest
		if err := a.add(e, limits); err != nil {
			return nil, err
		}
		if total += e.unpacked; total > limits.UnpackedBytes {
			return nil, unpackedTooBig(limits)
		}
	}
	if int64(len(a.entries)) != count {
		return nil, corrupted("its table of contents says that it has %d parts, and lists %d", count, len(a.entries))
	}

	return a, a.checkLayout(start)
}

func unpackedTooBig(limits Limits) *Refusal {
	return refuse(
		ReasonUnpackedTooBig,
		"The workbook unpacks to more than %s MiB, which is more than any file of at most %s rows needs.",
		thousands(limits.UnpackedBytes>>20),
		thousands(limits.Rows),
	)
}

// findDirectory returns where the directory begins and ends and how many parts it says to have.
func (a *archive) findDirectory() (start, stop, count int64, err error) {
	tailSize := min(a.src.size, endSize+max16)
	tail, err := a.src.at(a.src.size-tailSize, int(tailSize))
	if err != nil {
		return 0, 0, 0, err
	}
	at := findEnd(tail)
	if at < 0 {
		return 0, 0, 0, refuse(ReasonCutOff,
			"The workbook is cut off: its end, with the table of contents, is missing. Copy or upload it again.")
	}
	end := tail[at:]
	if len(end) != endSize+int(binary.LittleEndian.Uint16(end[20:])) {
		return 0, 0, 0, corrupted("there are bytes behind its end, or some are missing there")
	}
	le := binary.LittleEndian
	disk, directoryDisk := le.Uint16(end[4:]), le.Uint16(end[6:])
	here, all := int64(le.Uint16(end[8:])), int64(le.Uint16(end[10:]))
	size, offset := int64(le.Uint32(end[12:])), int64(le.Uint32(end[16:]))
	stop = a.src.size - tailSize + int64(at)

	wide, begin, err := a.findEnd64(stop)
	if err != nil {
		return 0, 0, 0, err
	}
	if wide != nil {
		stop = begin
		for _, f := range []struct {
			value *int64
			full  int64
			wide  uint64
		}{
			{&here, max16, wide.here},
			{&all, max16, wide.all},
			{&size, max32, wide.size},
			{&offset, max32, wide.offset},
		} {
			if f.wide > uint64(a.src.size) || *f.value != f.full && uint64(*f.value) != f.wide {
				return 0, 0, 0, corrupted("its two tables of contents contradict each other")
			}
			*f.value = int64(f.wide)
		}
	}
	if (disk != 0 || directoryDisk != 0) && wide == nil || here != all {
		return 0, 0, 0, corrupted("it claims to be one piece of a divided archive")
	}
	if offset+size != stop {
		if offset+size > stop {
			return 0, 0, 0, corrupted("its table of contents does not fit into the file; a piece of it is missing")
		}

		return 0, 0, 0, corrupted("its table of contents is not where it should be")
	}

	return offset, stop, all, nil
}

// findEnd returns the place of the end record: the last one whose comment reaches exactly to the
// end of the file, or else the last one at all, which tells a file with bytes behind its end from
// one without an end.
func findEnd(tail []byte) int {
	last := -1
	for at := len(tail) - endSize; at >= 0; at-- {
		if binary.LittleEndian.Uint32(tail[at:]) != endSig {
			continue
		}
		if len(tail)-at == endSize+int(binary.LittleEndian.Uint16(tail[at+20:])) {
			return at
		}
		last = max(last, at)
	}

	return last
}

type end64 struct{ here, all, size, offset uint64 }

// findEnd64 returns the Zip64 end record in front of the end record at stop and where it begins, or
// nil if there is none.
func (a *archive) findEnd64(stop int64) (*end64, int64, error) {
	if stop < locatorSize+end64Size {
		return nil, 0, nil
	}
	locator, err := a.src.at(stop-locatorSize, locatorSize)
	if err != nil {
		return nil, 0, err
	}
	le := binary.LittleEndian
	if le.Uint32(locator) != locatorSig {
		return nil, 0, nil
	}
	begin := le.Uint64(locator[8:])
	// The record must stand right in front of its locator; it may carry further fields, which say
	// nothing to us.
	if begin > uint64(stop-locatorSize-end64Size) {
		return nil, 0, corrupted("its table of contents (Zip64) is not where it should be")
	}
	record, err := a.src.at(int64(begin), end64Size)
	if err != nil {
		return nil, 0, err
	}
	if le.Uint32(record) != end64Sig || le.Uint64(record[4:]) != uint64(stop-locatorSize)-begin-12 {
		return nil, 0, corrupted("its table of contents (Zip64) is not where it should be")
	}
	if le.Uint32(locator[4:]) != 0 || le.Uint32(locator[16:]) > 1 || le.Uint32(record[16:]) != 0 ||
		le.Uint32(record[20:]) != 0 {
		return nil, 0, corrupted("it claims to be one piece of a divided archive")
	}

	return &end64{
		le.Uint64(record[24:]),
		le.Uint64(record[32:]),
		le.Uint64(record[40:]),
		le.Uint64(record[48:]),
	}, int64(begin), nil
}

// readEntry takes one entry from the directory.
func readEntry(b []byte) (*entry, []byte, error) {
	le := binary.LittleEndian
	if len(b) < directorySize || le.Uint32(b) != directorySig {
		return nil, nil, corrupted("its table of contents is broken")
	}
	nameEnd := directorySize + int(le.Uint16(b[28:]))
	extraEnd := nameEnd + int(le.Uint16(b[30:]))
	stop := extraEnd + int(le.Uint16(b[32:]))
	if stop > len(b) {
		return nil, nil, corrupted("its table of contents is broken")
	}
	e := &entry{
		raw:      string(b[directorySize:nameEnd]),
		flags:    le.Uint16(b[8:]),
		method:   le.Uint16(b[10:]),
		crc:      le.Uint32(b[16:]),
		packed:   int64(le.Uint32(b[20:])),
		unpacked: int64(le.Uint32(b[24:])),
		header:   int64(le.Uint32(b[42:])),
	}
	// Some writers on Windows use its separator, which is against the format and does no harm.
	e.name = strings.ReplaceAll(e.raw, `\`, "/")
	if disk := le.Uint16(b[34:]); disk != 0 && disk != max16 {
		return nil, nil, corrupted("it claims to be one piece of a divided archive")
	}
	if !widen(b[nameEnd:extraEnd], &e.unpacked, &e.packed, &e.header) {
		return nil, nil, corrupted("the size of its part %q is untrue (Zip64)", shown(e.name))
	}

	return e, b[stop:], nil
}

// widen replaces those of the fields that are full by their Zip64 values, in the order of the
// format. It says whether they are there and can be sizes at all.
func widen(extra []byte, fields ...*int64) bool {
	le := binary.LittleEndian
	var wide []byte
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if n > len(extra)-4 {
			return false
		}
		if id == zip64ID {
			if wide != nil {
				return false
			}
			wide = extra[4 : 4+n : 4+n]
		}
		extra = extra[4+n:]
	}
	for _, f := range fields {
		if *f != max32 {
			continue
		}
		if len(wide) < 8 {
			return false
		}
		v := le.Uint64(wide)
		if v > 1<<62 {
			return false
		}
		*f, wide = int64(v), wide[8:]
	}

	return true
}

// add checks what the directory says of a part and takes it in.
func (a *archive) add(e *entry, limits Limits) error {
	if !safeName(e.name) {
		return refuse(ReasonUnsafe, "The workbook has a part with a name that no workbook has: %q.", shown(e.name))
	}
	key := strings.ToLower(e.name)
	if a.byName[key] != nil {
		return refuse(ReasonUnsafe, "The workbook has the part %q twice.", shown(e.name))
	}
	if e.flags&(flagEncrypted|flagMasked) != 0 {
		return refuse(
			ReasonEncrypted,
			"The workbook is protected with a password (part %q is encrypted). Save it without a password.",
			shown(e.name),
		)
	}
	if e.method != methodStored && e.method != methodDeflated {
		return refuse(
			ReasonUnsafe,
			"The workbook is compressed in a way that no spreadsheet program uses (part %q, method %d).",
			shown(e.name),
			e.method,
		)
	}
	if e.unpacked > limits.UnpackedBytes {
		return unpackedTooBig(limits)
	}
	untrue := e.packed > a.src.size || e.header > a.src.size || e.unpacked > e.packed*maxRatio ||
		e.method == methodStored && e.packed != e.unpacked || e.isFolder() && e.unpacked != 0
	if untrue {
		return corrupted("the size of its part %q is untrue", shown(e.name))
	}
	a.byName[key] = e
	a.entries = append(a.entries, e)

	return nil
}

// safeName says whether a name stays within the archive and can be written in a message.
func safeName(name string) bool {
	if name == "" || strings.HasPrefix(name, "/") || !utf8.ValidString(name) || strings.Contains(name, ":") {
		return false
	}
	for _, r := range name {
		if r < ' ' || r == 0x7F {
			return false
		}
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(name, "/"), "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}

	return true
}

// checkLayout verifies that the parts fill the file up to the directory, without gap and overlap,
// and that each local header says what the directory says.
func (a *archive) checkLayout(directory int64) error {
	byPlace := slices.Clone(a.entries)
	slices.SortFunc(byPlace, func(x, y *entry) int { return cmp.Compare(x.header, y.header) })
	at := int64(0)
	for i, e := range byPlace {
		stop := directory
		if i+1 < len(byPlace) {
			stop = byPlace[i+1].header
		}
		switch {
		case e.header < at:
			return refuse(ReasonUnsafe, "The workbook has parts that overlap (%q).", shown(e.name))
		case e.header > at:
			return corrupted("there are bytes that belong to no part, before the part %q", shown(e.name))
		case stop < at+localSize:
			return refuse(ReasonUnsafe, "The workbook has parts that overlap (%q).", shown(e.name))
		}
		if err := a.checkLocal(e, stop); err != nil {
			return err
		}
		at = stop
	}
	if at != directory {
		return corrupted("there are bytes that belong to no part")
	}

	return nil
}

// checkLocal verifies the local header of a part that fills the file from its header up to stop.
func (a *archive) checkLocal(e *entry, stop int64) error {
	le := binary.LittleEndian
	contradiction := corrupted("what its part %q says of itself contradicts its table of contents", shown(e.name))
	fixed, err := a.src.at(e.header, localSize)
	if err != nil {
		return err
	}
	nameLen, extraLen := int(le.Uint16(fixed[26:])), int(le.Uint16(fixed[28:]))
	e.data = e.header + localSize + int64(nameLen) + int64(extraLen)
	if le.Uint32(fixed) != localSig || e.data > stop {
		return contradiction
	}
	rest, err := a.src.at(e.header+localSize, nameLen+extraLen)
	if err != nil {
		return err
	}
	flags, crc := le.Uint16(fixed[6:]), le.Uint32(fixed[14:])
	packed, unpacked := int64(le.Uint32(fixed[18:])), int64(le.Uint32(fixed[22:]))
	streamed := flags&flagDescriptor != 0
	if !widen(rest[nameLen:], &unpacked, &packed) && !streamed {
		return contradiction
	}
	const telling = flagEncrypted | flagDescriptor | flagMasked
	if string(rest[:nameLen]) != e.raw || le.Uint16(fixed[8:]) != e.method || (flags^e.flags)&telling != 0 {
		return contradiction
	}
	// A part that was written as a stream may leave its sizes and checksum to the descriptor behind
	// it.
	same := crc == e.crc && packed == e.packed && unpacked == e.unpacked
	left := (crc == 0 || crc == e.crc) && (packed == 0 || packed == e.packed || packed == max32) &&
		(unpacked == 0 || unpacked == e.unpacked || unpacked == max32)
	if !same && !(streamed && left) {
		return contradiction
	}
	gap := stop - e.data - e.packed
	switch {
	case gap < 0:
		return refuse(ReasonUnsafe, "The workbook has parts that overlap (%q).", shown(e.name))
	case gap == 0 && !streamed:
		return nil
	case streamed && gap <= 24:
		descriptor, err := a.src.at(stop-gap, int(gap))
		if err != nil {
			return err
		}
		if e.isDescriptor(descriptor) {
			return nil
		}

		return contradiction
	default:
		return corrupted("there are bytes that belong to no part, behind the part %q", shown(e.name))
	}
}

// isDescriptor says whether b is a data descriptor of the part: with or without signature, with
// narrow or wide sizes.
func (e *entry) isDescriptor(b []byte) bool {
	le := binary.LittleEndian
	if (len(b) == 16 || len(b) == 24) && le.Uint32(b) == descriptorSig {
		b = b[4:]
	}
	switch len(b) {
	case 12:
		return le.Uint32(b) == e.crc && int64(le.Uint32(b[4:])) == e.packed && int64(le.Uint32(b[8:])) == e.unpacked
	case 20:
		return le.Uint32(b) == e.crc && le.Uint64(b[4:]) == uint64(e.packed) && le.Uint64(b[12:]) == uint64(e.unpacked)
	default:
		return false
	}
}

// part reads the unpacked bytes of an entry. The end of the stream comes only when sizes and
// checksum are true.
type part struct {
	entry    *entry
	src      *source
	packed   *bufio.Reader
	inflater io.Reader // of compress/flate, once one is needed
	from     io.Reader
	n        int64
	crc      hash.Hash32
	err      error
}

// open begins to read a part.
func (a *archive) open(e *entry) *part {
	p := &part{src: a.src, packed: bufio.NewReaderSize(nil, 32<<10), crc: crc32.NewIEEE()}
	p.reset(e)

	return p
}

// reset begins to read another part with the buffers of this one.
func (p *part) reset(e *entry) {
	p.entry, p.n, p.err = e, 0, nil
	p.crc.Reset()
	p.packed.Reset(io.NewSectionReader(p.src, e.data, e.packed))
	if e.method == methodStored {
		p.from = p.packed

		return
	}
	// The reader of compress/flate documents that it is a Resetter; Reset never fails.
	if r, ok := p.inflater.(flate.Resetter); !ok || r.Reset(p.packed, nil) != nil {
		p.inflater = flate.NewReader(p.packed)
	}
	p.from = p.inflater
}

// Read reads unpacked bytes.
func (p *part) Read(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.from.Read(b)
	p.n += int64(n)
	_, _ = p.crc.Write(b[:n])
	if p.n > p.entry.unpacked {
		// Not a byte is given away beyond what the directory declares and the limits were checked
		// against.
		p.err = corrupted("its part %q is bigger than it says", shown(p.entry.name))

		return 0, p.err
	}
	if err != nil {
		p.err = p.ended(err)
	}

	return n, p.err
}

// ended judges the end of the stream: io.EOF if everything is true.
func (p *part) ended(err error) error {
	name := shown(p.entry.name)
	switch {
	case p.src.err != nil:
		return p.src.err
	case !errors.Is(err, io.EOF):
		return corrupted("its part %q cannot be unpacked", name)
	case p.n != p.entry.unpacked:
		return corrupted("its part %q is smaller than it says", name)
	case p.crc.Sum32() != p.entry.crc:
		return corrupted("the checksum of its part %q is wrong", name)
	}
	// compress/flate reads a byte at a time, so whatever is left here lies behind the end of the
	// stream.
	if _, err := p.packed.ReadByte(); !errors.Is(err, io.EOF) {
		return corrupted("there are bytes behind the end of its part %q", name)
	}
	p.entry.verified = true

	return io.EOF
}

// drain reads the rest and returns what is wrong with it.
func (p *part) drain() error {
	_, err := io.Copy(io.Discard, onlyReader{p})

	return err
}

type onlyReader struct{ io.Reader }

// verifyRest reads every part that was not read yet to its end, but for those that are read later:
// a file is whole or it is not, used parts or not. What is XML, by its type or by what it holds, is
// complete and well formed, and has no DTD.
func (a *archive) verifyRest(t types, later ...*entry) error {
	var p *part
	for _, e := range a.entries {
		if e.verified || slices.Contains(later, e) {
			continue
		}
		if p == nil {
			p = a.open(e)
		} else {
			p.reset(e)
		}
		if err := verifyPart(p, t.of(e.name)); err != nil {
			return err
		}
	}

	return nil
}

func refuseDTD(name string) error {
	return refuse(
		ReasonDTD,
		"The workbook has a document type definition (DTD) in its part %q. No spreadsheet program writes one. %s",
		shown(name),
		saveAgain,
	)
}
