package offboarding

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
)

// spoolSize is how many bytes of records are gathered on the disk before they are stored.
const spoolSize = 256 << 20

// archiver writes an account's records into a file for each kind, or several where there are many.
type archiver struct {
	*run
	archive
	account string
	spools  map[string]*spool
	size    int64
}

func (a *archiver) of() string { return a.account }

// record is a line of a file of records.
type record struct {
	// Key is where the record lies, without the account.
	Key     string           `json:"key"`
	Value   json.RawMessage  `json:"value,omitempty"`
	Raw     []byte           `json:"raw,omitempty"` // in the place of a value that is no JSON
	Counts  map[string]int64 `json:"counts,omitempty"`
	Expires *time.Time       `json:"expires,omitempty"`
}

func (a *archiver) see(_ context.Context, item table.Item) error {
	kind := kindOf(item)
	if _, told := kinds[kind]; !told {
		return nil
	}
	s, begun := a.spools[kind]
	if !begun {
		var err error
		if s, err = newSpool(); err != nil {
			return err
		}
		a.spools[kind] = s
	}
	line := record{
		Key:    strings.TrimPrefix(item.Partition, call.Partition(a.account)) + "/" + item.Sort,
		Counts: item.Counts,
	}
	if json.Valid(item.Data) {
		line.Value = item.Data
	} else {
		line.Raw = item.Data
	}
	if item.Expires != 0 {
		line.Expires = new(time.Unix(item.Expires, 0).UTC())
	}
	n, err := s.write(line)
	a.size += n
	return err
}

func (a *archiver) full() bool { return a.size >= a.run.spool }

// flush stores what was gathered. Who does it again after the note failed stores it in the same places.
func (a *archiver) flush(ctx context.Context, step int) ([]table.Operation, error) {
	var stored []ArchiveFile
	for _, kind := range slices.Sorted(maps.Keys(a.spools)) {
		name := strings.ToLower(kind)
		if step > 1 {
			name += fmt.Sprintf("-%04d", step)
		}
		f, err := a.store(ctx, a.spools[kind], name+".jsonl", "application/jsonl")
		if err != nil {
			return nil, err
		}
		f.Kind = kind
		stored = append(stored, f)
	}
	clear(a.spools)
	a.size = 0
	if len(stored) == 0 {
		return nil, nil
	}
	data, err := call.Encode(stored)
	if err != nil {
		return nil, err
	}
	at := table.Key{Partition: partsOf(a.account, a.ID), Sort: fmt.Sprintf("%04d", step)}
	return []table.Operation{table.Put(table.Item{Key: at, Data: data}, table.Always)}, nil
}

// store puts a spool where the files of the archive lie, and discards it.
func (a *archiver) store(ctx context.Context, s *spool, name, contentType string) (ArchiveFile, error) {
	defer s.discard()
	if err := s.rewind(); err != nil {
		return ArchiveFile{}, err
	}
	if _, err := a.env.Files.Put(ctx, object(a.account, a.ID, name), s.file, s.size, contentType); err != nil {
		return ArchiveFile{}, err
	}
	return ArchiveFile{Name: name, Records: s.records, Size: s.size, SHA256: hex.EncodeToString(s.sum.Sum(nil))}, nil
}

// stored is a line of the file that lists objects.
type storedObject struct {
	Bucket  string    `json:"bucket"`
	Key     string    `json:"key"`
	Version string    `json:"version,omitempty"`
	Newest  bool      `json:"newest"`
	Deleted bool      `json:"deleted,omitempty"`
	Size    int64     `json:"sizeBytes"`
	ETag    string    `json:"etag,omitempty"`
	At      time.Time `json:"at"`
}

// end lists the objects, describes the archive, and makes it ready.
func (a *archiver) end(ctx context.Context) error {
	list, err := newSpool()
	if err != nil {
		return err
	}
	err = a.each(ctx, a.account, func(v files.Stored) error {
		if strings.HasPrefix(v.Key, files.ArchivesFolder) {
			return nil // it is no record of the account, but a copy of them
		}
		_, err := list.write(storedObject{
			Bucket: a.env.Files.Name(v.Bucket), Key: v.Key, Version: v.Version, Newest: v.Newest,
			Deleted: v.Deletion, Size: v.Size, ETag: v.ETag, At: v.At,
		})
		return err
	})
	if err != nil {
		list.discard()
		return err
	}
	objects, err := a.store(ctx, list, "objects.jsonl", "application/jsonl")
	if err != nil {
		return err
	}
	a.Files = nil
	records, err := filesOf(ctx, a.env.Table, a.account, a.archive)
	if err != nil {
		return err
	}
	slices.SortFunc(records, func(x, y ArchiveFile) int { return cmp.Compare(x.Name, y.Name) })
	manifest := append([]ArchiveFile{objects}, records...)
	text, err := a.text(ctx, "README.txt", "text/plain; charset=utf-8", readme(a.account, a.CreatedAt, manifest))
	if err != nil {
		return err
	}
	manifest = append([]ArchiveFile{text}, manifest...)
	data, err := json.MarshalIndent(map[string]any{
		"account": a.account, "archive": a.ID, "askedAt": a.CreatedAt, "files": manifest,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	listed, err := a.text(ctx, "manifest.json", "application/json", string(data)+"\n")
	if err != nil {
		return err
	}
	a.State, a.ReadyAt, a.Files = ready, a.env.Clock().UTC(), []ArchiveFile{text, listed, objects}
	return a.done(ctx)
}

// text stores a short file.
func (a *archiver) text(ctx context.Context, name, contentType, body string) (ArchiveFile, error) {
	s, err := newSpool()
	if err != nil {
		return ArchiveFile{}, err
	}
	if err := s.add([]byte(body)); err != nil {
		s.discard()
		return ArchiveFile{}, err
	}
	return a.store(ctx, s, name, contentType)
}

// done commits that the archive is ready.
func (a *archiver) done(ctx context.Context) error {
	op, err := put(archiveKey(a.account, a.ID), a.archive, a.archive.version)
	if err != nil {
		return err
	}
	c := call.ForEvent(a.env, a.account, a.CreatedBy, "archive:"+a.ID, a.ReadyAt).Because(a.Cause)
	c.Operator = true
	audit, err := c.Audit(call.AuditEntry{Action: "archive.ready", Subject: "archive", SubjectID: a.ID})
	if err != nil {
		return err
	}
	marker := table.Delete(archiveMarkers.Key(a.account, a.ID), table.Always)
	return stolen(a.env.Table.Commit(ctx, []table.Operation{op, audit, marker}))
}

// spool is a file that is being written.
type spool struct {
	file    *os.File
	out     *bufio.Writer
	sum     hash.Hash
	records int
	size    int64
}

func newSpool() (*spool, error) {
	f, err := os.CreateTemp("", "seatwise-archive-*")
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return &spool{file: f, out: bufio.NewWriter(f), sum: sha256.New()}, nil
}

// write adds a line, and answers how many bytes it has.
func (s *spool) write(v any) (int64, error) {
	line, err := call.Encode(v)
	if err != nil {
		return 0, err
	}
	s.records++
	return int64(len(line)) + 1, s.add(append(line, '\n'))
}

func (s *spool) add(text []byte) error {
	s.sum.Write(text)
	s.size += int64(len(text))
	if _, err := s.out.Write(text); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	return nil
}

func (s *spool) rewind() error {
	err := s.out.Flush()
	if err == nil {
		_, err = s.file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	return nil
}

func (s *spool) discard() {
	_ = s.file.Close()           // it was read by then, or given up
	_ = os.Remove(s.file.Name()) // in Lambda the folder is emptied with the instance at the latest
}
