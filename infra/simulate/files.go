package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"
	"time"

	"seatwise/shared/platform/files"
)

// errDiskFull is what a file store answers whose disk is full.
var errDiskFull = errors.New("no space left on device, says the simulation")

// bucketName is what S3's events call the buckets.
var bucketName = map[files.Bucket]string{files.Uploads: "seatwise-uploads", files.Reports: "seatwise-reports"}

// object is one version of a stored object.
type object struct {
	info files.Info
	body []byte
}

// bucket holds the objects in memory, all versions of them, and collects the events that S3 would
// send.
type bucket struct {
	mu       sync.Mutex
	versions map[string][]object
	n        int
	created  []files.Info
}

func newBucket() *bucket { return &bucket{versions: map[string][]object{}} }

func place(ref files.Ref) string { return string(ref.Bucket) + "/" + ref.Key }

func (b *bucket) put(ref files.Ref, body []byte, contentType string) files.Info {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n++
	sum := sha256.Sum256(body)
	ref.Version = fmt.Sprintf("v%06d", b.n)
	info := files.Info{Ref: ref, Size: int64(len(body)), ContentType: contentType, ETag: hex.EncodeToString(sum[:16])}
	b.versions[place(ref)] = append(b.versions[place(ref)], object{info: info, body: body})
	b.created = append(b.created, info)
	return info
}

func (b *bucket) find(ref files.Ref) (object, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.versions[place(ref)]
	for i := len(list) - 1; i >= 0; i-- {
		if ref.Version == "" || list[i].info.Version == ref.Version {
			return list[i], nil
		}
	}
	return object{}, files.ErrNotFound
}

// take hands over what was created since the last time.
func (b *bucket) take() []files.Info {
	b.mu.Lock()
	defer b.mu.Unlock()
	created := b.created
	b.created = nil
	return created
}

// shelf is the file port of one slot: what has crashed reaches no file any more, and a disk may be
// full.
type shelf struct{ slot *slot }

var _ files.Store = shelf{}

func (s shelf) fault() error {
	r := s.slot.run
	switch {
	case r == nil:
		return nil
	case r.faults.Crashed():
		return fmt.Errorf("file store: %w", context.Canceled)
	case r.diskFull:
		s.slot.sim.scheduler.mu.Lock()
		s.slot.sim.full++
		s.slot.sim.scheduler.mu.Unlock()
		return errDiskFull
	}
	return nil
}

// Name implements files.Store.
func (s shelf) Name(b files.Bucket) string { return bucketName[b] }

// PresignPut implements files.Store; the simulation puts the file itself.
func (s shelf) PresignPut(_ context.Context, want files.Expected) (files.Upload, error) {
	return files.Upload{
		Method:    "PUT",
		URL:       "memory:" + place(want.Ref),
		Headers:   map[string]string{},
		ExpiresAt: want.At.Add(want.Life),
	}, nil
}

// PresignGet implements files.Store.
func (s shelf) PresignGet(
	_ context.Context,
	ref files.Ref,
	_ string,
	now time.Time,
	life time.Duration,
) (address string, expiresAt time.Time, err error) {
	return "memory:" + place(ref), now.Add(life), nil
}

// Head implements files.Store.
func (s shelf) Head(_ context.Context, ref files.Ref) (files.Info, error) {
	if err := s.fault(); err != nil {
		return files.Info{}, err
	}
	o, err := s.slot.sim.files.find(ref)
	return o.info, err
}

// Get implements files.Store.
func (s shelf) Get(_ context.Context, ref files.Ref) (io.ReadCloser, files.Info, error) {
	if err := s.fault(); err != nil {
		return nil, files.Info{}, err
	}
	o, err := s.slot.sim.files.find(ref)
	if err != nil {
		return nil, files.Info{}, err
	}
	return io.NopCloser(bytes.NewReader(o.body)), o.info, nil
}

// Put implements files.Store.
func (s shelf) Put(
	_ context.Context,
	ref files.Ref,
	body io.ReadSeeker,
	size int64,
	contentType string,
) (files.Info, error) {
	if err := s.fault(); err != nil {
		return files.Info{}, err
	}
	data, err := io.ReadAll(io.LimitReader(body, size))
	if err != nil {
		return files.Info{}, fmt.Errorf("read the body: %w", err)
	}
	return s.slot.sim.files.put(ref, data, contentType), nil
}

// notification is what S3 sends of an object.
func notification(info files.Info, at time.Time) ([]byte, error) {
	type m = map[string]any
	return json.Marshal(m{"Records": []any{
		m{
			"eventVersion": "2.1",
			"eventSource":  "aws:s3",
			"eventName":    "ObjectCreated:Put",
			"eventTime":    at.UTC().Format(time.RFC3339Nano),
			"s3": m{
				"bucket": m{"name": bucketName[info.Bucket]},
				"object": m{
					"key":       url.QueryEscape(info.Key),
					"size":      info.Size,
					"eTag":      info.ETag,
					"versionId": info.Version,
					"sequencer": "00" + info.Version[1:],
				},
			},
		},
	}})
}
