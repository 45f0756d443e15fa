// Package objects is the S3 server of one machine: gofakes3's protocol over a store on disk that
// keeps every version and its metadata across restarts, behind a front that checks signatures,
// expiry and checksums. (gofakes3's own backends either live in memory or keep neither versions nor
// conditional puts on disk.)
//
// The list of objects is in a bbolt file, their bodies are files beside it. A body is synced before
// the transaction that makes its object visible, and that same transaction records the
// notifications that are owed for it: an acknowledged object cannot lose them.
package objects

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/johannesboyne/gofakes3"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/table/bolt"
)

// Created is an object that has just come into being.
type Created struct {
	// Event is ObjectCreated:Put or ObjectCreated:Copy; gofakes3 completes a multipart upload with
	// a put.
	Event         string
	Bucket, Key   string
	Version, ETag string
	Size          int64
	// Sequencer orders the objects of one bucket.
	Sequencer string
	At        time.Time
}

// Notify records what is owed for a created object, within the transaction that creates it.
type Notify func(tx *bbolt.Tx, o Created) error

// Store is the backend. All buckets keep versions.
type Store struct {
	db     *bbolt.DB
	folder string
	clock  app.Clock
	notify Notify
}

var (
	_ gofakes3.Backend          = (*Store)(nil)
	_ gofakes3.VersionedBackend = (*Store)(nil)
)

// root holds a bucket for each S3 bucket; in it, an entry for each version of each object.
// createdBucket holds their creation times.
var (
	root          = []byte("s3")
	createdBucket = []byte("s3-created")
)

// version is one stored version of an object.
type version struct {
	ID       string            `json:"id"`
	Marker   bool              `json:"marker,omitempty"` // a delete marker
	Blob     string            `json:"blob,omitempty"`
	Size     int64             `json:"size,omitempty"`
	MD5      []byte            `json:"md5,omitempty"`
	Modified time.Time         `json:"modified"`
	Meta     map[string]string `json:"meta,omitempty"`
}

// NewStore opens the store: its list in the file, its bodies in the folder, which is made if it is
// missing. Bodies that no object owns, of puts that were cut off, are removed.
func NewStore(db *bbolt.DB, folder string, clock app.Clock, notify Notify) (*Store, error) {
	s := &Store{db: db, folder: folder, clock: clock, notify: notify}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("objects: %w", err)
	}
	err := bolt.EnsureBuckets(db, root, createdBucket)
	if err == nil {
		err = s.sweep()
	}
	if err != nil {
		return nil, fmt.Errorf("objects: %w", err)
	}
	return s, nil
}

func (s *Store) sweep() error {
	owned := map[string]struct{}{}
	err := s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(root).ForEachBucket(func(name []byte) error {
			return tx.Bucket(root).Bucket(name).ForEach(func(_, value []byte) error {
				v, err := decode(value)
				owned[v.Blob] = struct{}{}
				return err
			})
		})
	})
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, ok := owned[e.Name()]; !ok {
			if err := os.Remove(filepath.Join(s.folder, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// EnsureBucket makes a bucket if it is missing.
func (s *Store) EnsureBucket(name string) error {
	if err := s.CreateBucket(name); err != nil && !gofakes3.IsAlreadyExists(err) {
		return err
	}
	return nil
}

// versionKey sorts the versions of an object by age, the newest first, and objects by their keys: 0
// is less than any byte of a longer key.
func versionKey(key string, sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(key), 0), ^sequence)
}

// keyOf takes the object's key out of a versionKey.
func keyOf(k []byte) string { return string(k[:len(k)-9]) }

func decode(value []byte) (version, error) {
	var v version
	if err := json.Unmarshal(value, &v); err != nil {
		return v, fmt.Errorf("objects: an entry cannot be read: %w", err)
	}
	return v, nil
}

// latest finds the newest version of an object, which may be a delete marker.
func latest(b *bbolt.Bucket, key string) (version, bool, error) {
	k, value := b.Cursor().Seek(append([]byte(key), 0))
	if k == nil {
		return version{}, false, nil
	}
	if keyOf(k) != key {
		return version{}, false, nil
	}
	v, err := decode(value)
	return v, err == nil, err
}

// versionID names a version by its sequence number within the bucket.
func versionID(sequence uint64) string { return fmt.Sprintf("v%016x", sequence) }

func parseVersionID(id string) (uint64, bool) {
	raw, err := hex.DecodeString(strings.TrimPrefix(id, "v"))
	if err != nil || len(raw) != 8 || !strings.HasPrefix(id, "v") {
		return 0, false
	}
	return binary.BigEndian.Uint64(raw), true
}

// exact finds one version of an object.
func exact(b *bbolt.Bucket, key, id string) ([]byte, version, error) {
	sequence, ok := parseVersionID(id)
	if !ok {
		return nil, version{}, gofakes3.ErrNoSuchVersion
	}
	k := versionKey(key, sequence)
	value := b.Get(k)
	if value == nil {
		return nil, version{}, gofakes3.ErrNoSuchVersion
	}
	v, err := decode(value)
	return k, v, err
}

func (s *Store) view(bucket string, read func(*bbolt.Bucket) error) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(root).Bucket([]byte(bucket))
		if b == nil {
			return gofakes3.BucketNotFound(bucket)
		}
		return read(b)
	})
}

func (s *Store) update(bucket string, write func(*bbolt.Tx, *bbolt.Bucket) error) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(root).Bucket([]byte(bucket))
		if b == nil {
			return gofakes3.BucketNotFound(bucket)
		}
		return write(tx, b)
	})
}

// ListBuckets implements gofakes3.Backend.
func (s *Store) ListBuckets() ([]gofakes3.BucketInfo, error) {
	var list []gofakes3.BucketInfo
	err := s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(createdBucket).ForEach(func(name, at []byte) error {
			created, err := time.Parse(time.RFC3339, string(at))
			list = append(list, gofakes3.BucketInfo{Name: string(name), CreationDate: gofakes3.NewContentTime(created)})
			return err
		})
	})
	return list, err
}

// CreateBucket implements gofakes3.Backend.
func (s *Store) CreateBucket(name string) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		if _, err := tx.Bucket(root).CreateBucket([]byte(name)); errors.Is(err, bolterrors.ErrBucketExists) {
			return gofakes3.ResourceError(gofakes3.ErrBucketAlreadyExists, name)
		} else if err != nil {
			return err
		}
		return tx.Bucket(createdBucket).Put([]byte(name), []byte(s.clock().UTC().Format(time.RFC3339)))
	})
}

// BucketExists implements gofakes3.Backend.
func (s *Store) BucketExists(name string) (bool, error) {
	err := s.view(name, func(*bbolt.Bucket) error { return nil })
	if gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchBucket) {
		return false, nil
	}
	return err == nil, err
}

// DeleteBucket implements gofakes3.Backend.
func (s *Store) DeleteBucket(name string) error {
	return s.update(name, func(tx *bbolt.Tx, b *bbolt.Bucket) error {
		if k, _ := b.Cursor().First(); k != nil {
			return gofakes3.ResourceError(gofakes3.ErrBucketNotEmpty, name)
		}
		return dropBucket(tx, name)
	})
}

// ForceDeleteBucket implements gofakes3.Backend.
func (s *Store) ForceDeleteBucket(name string) error {
	var blobs []string
	err := s.update(name, func(tx *bbolt.Tx, b *bbolt.Bucket) error {
		err := b.ForEach(func(_, value []byte) error {
			v, err := decode(value)
			blobs = append(blobs, v.Blob)
			return err
		})
		if err != nil {
			return err
		}
		return dropBucket(tx, name)
	})
	if err == nil {
		s.removeBlobs(blobs)
	}
	return err
}

func dropBucket(tx *bbolt.Tx, name string) error {
	if err := tx.Bucket(createdBucket).Delete([]byte(name)); err != nil {
		return err
	}
	return tx.Bucket(root).DeleteBucket([]byte(name))
}

// removeBlobs frees bodies that no object owns any more. A failure leaves a file that the next
// start removes.
func (s *Store) removeBlobs(names []string) {
	for _, name := range names {
		if name != "" {
			_ = os.Remove(filepath.Join(s.folder, name))
		}
	}
}

// HeadObject implements gofakes3.Backend.
func (s *Store) HeadObject(bucket, key string) (*gofakes3.Object, error) {
	return s.open(bucket, key, "", nil, false)
}

// GetObject implements gofakes3.Backend.
func (s *Store) GetObject(bucket, key string, part *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	return s.open(bucket, key, "", part, true)
}

// HeadObjectVersion implements gofakes3.VersionedBackend.
func (s *Store) HeadObjectVersion(bucket, key string, id gofakes3.VersionID) (*gofakes3.Object, error) {
	return s.open(bucket, key, string(id), nil, false)
}

// GetObjectVersion implements gofakes3.VersionedBackend.
func (s *Store) GetObjectVersion(
	bucket, key string,
	id gofakes3.VersionID,
	part *gofakes3.ObjectRangeRequest,
) (*gofakes3.Object, error) {
	return s.open(bucket, key, string(id), part, true)
}

func (s *Store) open(
	bucket, key, id string,
	part *gofakes3.ObjectRangeRequest,
	withBody bool,
) (*gofakes3.Object, error) {
	var v version
	var body *os.File
	// The file is opened within the transaction, so that a deletion cannot come between.
	err := s.view(bucket, func(b *bbolt.Bucket) error {
		var err error
		if id != "" {
			_, v, err = exact(b, key, id)
		} else {
			var found bool
			v, found, err = latest(b, key)
			if err == nil && (!found || v.Marker) {
				return gofakes3.KeyNotFound(key)
			}
		}
		if err != nil || !withBody || v.Marker {
			return err
		}
		body, err = os.Open(filepath.Join(s.folder, v.Blob))
		return err
	})
	if err != nil {
		return nil, err
	}
	o := &gofakes3.Object{
		Name:           key,
		Metadata:       maps.Clone(v.Meta),
		Size:           v.Size,
		Contents:       io.NopCloser(bytes.NewReader(nil)),
		Hash:           v.MD5,
		VersionID:      gofakes3.VersionID(v.ID),
		IsDeleteMarker: v.Marker,
	}
	if body == nil {
		return o, nil
	}
	if o.Range, err = part.Range(v.Size); err != nil {
		_ = body.Close()
		return nil, err
	}
	if o.Range == nil {
		o.Contents = body
		return o, nil
	}
	// A checksum is one of the whole object.
	maps.DeleteFunc(o.Metadata, func(name, _ string) bool { return strings.HasPrefix(name, "X-Amz-Checksum-") })
	if _, err := body.Seek(o.Range.Start, io.SeekStart); err != nil {
		_ = body.Close()
		return nil, err
	}
	o.Contents = partOf{io.LimitReader(body, o.Range.Length), body}
	return o, nil
}

type partOf struct {
	io.Reader
	io.Closer
}

// PutObject implements gofakes3.Backend.
func (s *Store) PutObject( //nolint:revive // argument-limit: gofakes3 says what it takes
	bucket, key string, meta map[string]string, input io.Reader, size int64, conditions *gofakes3.PutConditions,
) (gofakes3.PutObjectResult, error) {
	v, err := s.put(upload{
		bucket: bucket, key: key, meta: meta, input: input, size: size, conditions: conditions,
		event: "ObjectCreated:Put",
	})
	return gofakes3.PutObjectResult{VersionID: gofakes3.VersionID(v.ID)}, err
}

// CopyObject implements gofakes3.Backend.
func (s *Store) CopyObject(
	fromBucket, fromKey, toBucket, toKey string,
	meta map[string]string,
) (gofakes3.CopyObjectResult, error) {
	source, err := s.GetObject(fromBucket, fromKey, nil)
	if err != nil {
		return gofakes3.CopyObjectResult{}, err
	}
	defer source.Contents.Close()
	v, err := s.put(upload{
		bucket: toBucket, key: toKey, meta: meta, input: source.Contents, size: source.Size,
		event: "ObjectCreated:Copy",
	})
	return gofakes3.CopyObjectResult{
		ETag:         gofakes3.FormatETag(v.MD5),
		LastModified: gofakes3.NewContentTime(v.Modified),
	}, err
}

// upload is an object that comes to be stored, and the event that says so.
type upload struct {
	bucket, key string
	meta        map[string]string
	input       io.Reader
	size        int64
	conditions  *gofakes3.PutConditions // nil for none
	event       string
}

func (s *Store) put(u upload) (version, error) {
	if strings.ContainsRune(u.key, 0) || !utf8.ValidString(u.key) {
		return version{}, gofakes3.ErrorMessage(gofakes3.ErrInvalidURI, "A key is UTF-8 and cannot contain NUL.")
	}
	blob, sum, err := s.writeBlob(u.input, u.size)
	if err != nil {
		return version{}, refused(err)
	}
	v := version{Blob: blob, Size: u.size, MD5: sum, Modified: s.clock().UTC(), Meta: kept(u.meta)}
	err = s.update(u.bucket, func(tx *bbolt.Tx, b *bbolt.Bucket) error {
		if u.conditions != nil {
			old, found, err := latest(b, u.key)
			if err != nil {
				return err
			}
			state := &gofakes3.ConditionalObjectInfo{Exists: found && !old.Marker, Hash: old.MD5}
			if err := gofakes3.CheckPutConditions(u.conditions, state); err != nil {
				return err
			}
		}
		sequence, err := add(b, u.key, &v)
		if err != nil {
			return err
		}
		return s.notify(tx, Created{
			Event: u.event, Bucket: u.bucket, Key: u.key, Version: v.ID, ETag: hex.EncodeToString(v.MD5), Size: u.size,
			Sequencer: fmt.Sprintf("%016X", sequence), At: v.Modified,
		})
	})
	if err != nil {
		s.removeBlobs([]string{blob})
		return version{}, refused(err)
	}
	return v, nil
}

// refused words a failure that is not the server's own fault: no module on the disk, and a body
// that came too slowly.
func refused(err error) error {
	switch {
	case bolt.Full(err):
		return gofakes3.ErrorMessage(codeFull, "There is no room on the disk; try again later.")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return gofakes3.ErrorMessage(codeSlow,
			"Your socket connection to the server was not read from or written to within the timeout period.")
	}
	return err
}

// add stores the next version of an object and names it.
func add(b *bbolt.Bucket, key string, v *version) (uint64, error) {
	sequence, err := b.NextSequence()
	if err != nil {
		return 0, err
	}
	v.ID = versionID(sequence)
	value, err := json.Marshal(v)
	if err != nil {
		return 0, err
	}
	return sequence, b.Put(versionKey(key, sequence), value)
}

// writeBlob stores a body under a new name and makes sure that it is on disk.
func (s *Store) writeBlob(input io.Reader, size int64) (name string, sum []byte, err error) {
	file, err := os.CreateTemp(s.folder, "body-*")
	if err != nil {
		return "", nil, err
	}
	name = filepath.Base(file.Name())
	defer func() {
		if err != nil {
			_ = file.Close()
			s.removeBlobs([]string{name})
		}
	}()
	hash := md5.New()
	n, err := io.Copy(io.MultiWriter(file, hash), input)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), err == nil && n != size:
		return name, nil, gofakes3.ErrIncompleteBody
	case err != nil:
		return name, nil, err
	}
	if err = errors.Join(file.Sync(), file.Close()); err != nil {
		return name, nil, err
	}
	return name, hash.Sum(nil), syncFolder(s.folder)
}

// syncFolder makes the names in a folder durable.
func syncFolder(folder string) error {
	f, err := os.Open(filepath.Clean(folder))
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, fs.ErrInvalid) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // not every file system can
	}
	return errors.Join(err, f.Close())
}

// kept leaves out what belongs to the request and not to the object; gofakes3 would give it out as
// the object's headers.
func kept(meta map[string]string) map[string]string {
	m := make(map[string]string, len(meta))
	for name, value := range meta {
		switch {
		case !strings.HasPrefix(name, "X-Amz-"), strings.HasPrefix(name, "X-Amz-Meta-"),
			strings.HasPrefix(name, "X-Amz-Checksum-") && name != "X-Amz-Checksum-Algorithm":
			m[name] = value
		}
	}
	return m
}

// DeleteObject implements gofakes3.Backend: a delete marker becomes the newest version.
func (s *Store) DeleteObject(bucket, key string) (gofakes3.ObjectDeleteResult, error) {
	marker := version{Marker: true, Modified: s.clock().UTC()}
	err := s.update(bucket, func(_ *bbolt.Tx, b *bbolt.Bucket) error {
		_, err := add(b, key, &marker)
		return err
	})
	return gofakes3.ObjectDeleteResult{IsDeleteMarker: true, VersionID: gofakes3.VersionID(marker.ID)}, err
}

// DeleteObjectVersion implements gofakes3.VersionedBackend.
func (s *Store) DeleteObjectVersion(bucket, key string, id gofakes3.VersionID) (gofakes3.ObjectDeleteResult, error) {
	var v version
	err := s.update(bucket, func(_ *bbolt.Tx, b *bbolt.Bucket) error {
		k, found, err := exact(b, key, string(id))
		if err != nil {
			return err
		}
		v = found
		return b.Delete(k)
	})
	if gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchVersion) {
		return gofakes3.ObjectDeleteResult{}, nil
	}
	if err == nil {
		s.removeBlobs([]string{v.Blob})
	}
	return gofakes3.ObjectDeleteResult{IsDeleteMarker: v.Marker, VersionID: id}, err
}

// DeleteMulti implements gofakes3.Backend.
func (s *Store) DeleteMulti(bucket string, keys ...string) (gofakes3.MultiDeleteResult, error) {
	ids := make([]gofakes3.ObjectID, len(keys))
	for i, key := range keys {
		ids[i].Key = key
	}
	return s.DeleteMultiVersions(bucket, ids...)
}

// DeleteMultiVersions implements gofakes3.VersionedBackend.
func (s *Store) DeleteMultiVersions(bucket string, ids ...gofakes3.ObjectID) (gofakes3.MultiDeleteResult, error) {
	var result gofakes3.MultiDeleteResult
	for _, id := range ids {
		var err error
		if id.VersionID != "" {
			_, err = s.DeleteObjectVersion(bucket, id.Key, gofakes3.VersionID(id.VersionID))
		} else {
			_, err = s.DeleteObject(bucket, id.Key)
		}
		if err != nil {
			failed := gofakes3.ErrorResultFromError(err)
			failed.Key = id.Key
			result.Error = append(result.Error, failed)
			continue
		}
		result.Deleted = append(result.Deleted, id)
	}
	return result, nil
}

// VersioningConfiguration implements gofakes3.VersionedBackend.
func (s *Store) VersioningConfiguration(bucket string) (gofakes3.VersioningConfiguration, error) {
	err := s.view(bucket, func(*bbolt.Bucket) error { return nil })
	return gofakes3.VersioningConfiguration{Status: gofakes3.VersioningEnabled}, err
}

// SetVersioningConfiguration implements gofakes3.VersionedBackend; versions cannot be turned off.
func (s *Store) SetVersioningConfiguration(bucket string, c gofakes3.VersioningConfiguration) error {
	if !c.Enabled() || c.MFADelete.Enabled() {
		return gofakes3.ErrNotImplemented
	}
	return s.view(bucket, func(*bbolt.Bucket) error { return nil })
}

// ListBucket implements gofakes3.Backend.
func (s *Store) ListBucket(
	name string,
	prefix *gofakes3.Prefix,
	page gofakes3.ListBucketPage,
) (*gofakes3.ObjectList, error) {
	if prefix == nil {
		prefix = &gofakes3.Prefix{}
	}
	list := gofakes3.NewObjectList()
	err := s.view(name, func(b *bbolt.Bucket) error {
		var n int64
		group := ""
		return walk(b, prefix, page.Marker, func(key string, v version) bool {
			var match gofakes3.PrefixMatch
			if v.Marker || !prefix.Match(key, &match) || page.HasMarker && key <= page.Marker {
				return true
			}
			// The marker of a page that ended with a group is the group's last key seen; the group
			// is not listed twice.
			if match.CommonPrefix &&
				(match.MatchedPart == group || page.HasMarker && strings.HasPrefix(page.Marker, match.MatchedPart)) {
				list.NextMarker = key
				return true
			}
			if page.MaxKeys > 0 && n >= page.MaxKeys {
				list.IsTruncated = true
				return false
			}
			n++
			list.NextMarker = key
			if match.CommonPrefix {
				group = match.MatchedPart
				list.AddPrefix(group)
				return true
			}
			list.Add(&gofakes3.Content{
				Key:          key,
				LastModified: gofakes3.NewContentTime(v.Modified),
				ETag:         gofakes3.FormatETag(v.MD5),
				Size:         v.Size,
				StorageClass: gofakes3.StorageStandard,
			})
			return true
		})
	})
	if !list.IsTruncated {
		list.NextMarker = ""
	}
	return list, err
}

// walk visits the newest version of each object, in the order of keys, beginning with a key that is
// not before from.
func walk(b *bbolt.Bucket, prefix *gofakes3.Prefix, from string, visit func(string, version) bool) error {
	start := from
	if prefix.HasPrefix && prefix.Prefix > start {
		start = prefix.Prefix
	}
	c := b.Cursor()
	last, seen := "", false
	for k, value := c.Seek([]byte(start)); k != nil; k, value = c.Next() {
		key := keyOf(k)
		if prefix.HasPrefix && key > prefix.Prefix && !strings.HasPrefix(key, prefix.Prefix) {
			return nil
		}
		if seen && key == last {
			continue
		}
		last, seen = key, true
		v, err := decode(value)
		if err != nil {
			return err
		}
		if !visit(key, v) {
			return nil
		}
	}
	return nil
}

// ListBucketVersions implements gofakes3.VersionedBackend.
func (s *Store) ListBucketVersions(
	name string,
	prefix *gofakes3.Prefix,
	page *gofakes3.ListBucketVersionsPage,
) (*gofakes3.ListBucketVersionsResult, error) {
	if prefix == nil {
		prefix = &gofakes3.Prefix{}
	}
	if page == nil {
		page = &gofakes3.ListBucketVersionsPage{}
	}
	result := gofakes3.NewListBucketVersionsResult(name, prefix, page)
	err := s.view(name, func(b *bbolt.Bucket) error {
		c := b.Cursor()
		var n int64
		previous := ""
		for k, value := c.Seek(startOf(page)); k != nil; k, value = c.Next() {
			key := keyOf(k)
			newest := key != previous && !(page.KeyMarker == key && n == 0)
			previous = key
			var match gofakes3.PrefixMatch
			if !prefix.Match(key, &match) {
				continue
			}
			if match.CommonPrefix {
				result.AddPrefix(match.MatchedPart)
				continue
			}
			v, err := decode(value)
			if err != nil {
				return err
			}
			if page.MaxKeys > 0 && n >= page.MaxKeys {
				result.IsTruncated = true
				return nil
			}
			n++
			result.NextKeyMarker, result.NextVersionIDMarker = key, gofakes3.VersionID(v.ID)
			result.Versions = append(result.Versions, versionItem(key, v, newest))
		}
		return nil
	})
	if !result.IsTruncated {
		result.NextKeyMarker, result.NextVersionIDMarker = "", ""
	}
	return result, err
}

// startOf is where a page of versions begins: everything of the marker's key has been listed, or up
// to and with the marker's version.
func startOf(page *gofakes3.ListBucketVersionsPage) []byte {
	if page.KeyMarker == "" {
		return nil
	}
	if sequence, ok := parseVersionID(string(page.VersionIDMarker)); ok {
		return append(versionKey(page.KeyMarker, sequence), 0)
	}
	return append([]byte(page.KeyMarker), 1)
}

// versionItem is a version, or the marker of a deletion, as a list shows it.
func versionItem(key string, v version, newest bool) gofakes3.VersionItem {
	if v.Marker {
		return &gofakes3.DeleteMarker{
			Key:          key,
			VersionID:    gofakes3.VersionID(v.ID),
			IsLatest:     newest,
			LastModified: gofakes3.NewContentTime(v.Modified),
		}
	}
	return &gofakes3.Version{
		Key:          key,
		VersionID:    gofakes3.VersionID(v.ID),
		IsLatest:     newest,
		LastModified: gofakes3.NewContentTime(v.Modified),
		Size:         v.Size,
		ETag:         gofakes3.FormatETag(v.MD5),
		StorageClass: gofakes3.StorageStandard,
	}
}
