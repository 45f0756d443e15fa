// Package memoryfiles gives tests of uploads a real S3 server in memory, and what S3 would tell of the
// objects that are put there.
package memoryfiles

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"seatwise/shared/platform/files"
	"seatwise/shared/platform/wire"
)

var buckets = map[files.Bucket]string{files.Uploads: "seatwise-uploads", files.Reports: "seatwise-reports"}

// ErrDown is what a Box answers when it is told to fail.
var ErrDown = errors.New("the file store is down, says the test")

// Box is a file store, and remembers the wake-ups that S3 would tell of.
type Box struct {
	files.Store
	mu      sync.Mutex
	wakeUps []files.Info
	calls   int
	failAt  int
}

// New makes a box over a store.
func New(store files.Store) *Box { return &Box{Store: store} }

// Serve starts an S3 server for as long as the test lasts, with versions of what is uploaded, and
// opens it.
func Serve(t testing.TB) files.Store {
	t.Helper()
	objects := s3mem.New()
	server := httptest.NewServer(gofakes3.New(objects).Server())
	t.Cleanup(server.Close)
	for _, name := range buckets {
		if err := objects.CreateBucket(name); err != nil {
			t.Fatal(err)
		}
	}
	err := objects.SetVersioningConfiguration(buckets[files.Uploads],
		gofakes3.VersioningConfiguration{Status: gofakes3.VersioningEnabled})
	if err != nil {
		t.Fatal(err)
	}
	return wire.Settings{
		Region: "eu-west-1", AccessKey: "AKIATEST", SecretKey: "test-secret-key", S3Endpoint: server.URL,
		UploadsBucket: buckets[files.Uploads], ReportsBucket: buckets[files.Reports],
	}.OpenFiles()
}

// FailAt has the call of this number from now on fail, of Get and Put together; 0 for none.
func (b *Box) FailAt(call int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls, b.failAt = 0, call
}

// Calls are the calls of Get and Put since FailAt.
func (b *Box) Calls() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls
}

func (b *Box) fails() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	return b.calls == b.failAt
}

// Get reads an object.
func (b *Box) Get(ctx context.Context, ref files.Ref) (io.ReadCloser, files.Info, error) {
	if b.fails() {
		return nil, files.Info{}, ErrDown
	}
	return b.Store.Get(ctx, ref)
}

// Put writes an object.
func (b *Box) Put(
	ctx context.Context,
	ref files.Ref,
	body io.ReadSeeker,
	size int64,
	contentType string,
) (files.Info, error) {
	if b.fails() {
		return files.Info{}, ErrDown
	}
	info, err := b.Store.Put(ctx, ref, body, size, contentType)
	if err == nil && strings.HasPrefix(ref.Key, "jobs/") {
		b.mu.Lock()
		b.wakeUps = append(b.wakeUps, info)
		b.mu.Unlock()
	}
	return info, err
}

// Take hands out the wake-ups that were put since it was called last.
func (b *Box) Take() []files.Info {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.wakeUps
	b.wakeUps = nil
	return taken
}

// Event is what S3 sends of an object.
func Event(info files.Info, at time.Time) []byte {
	data, err := json.Marshal(map[string]any{"Records": []any{
		map[string]any{
			"eventVersion": "2.1",
			"eventSource":  "aws:s3",
			"eventName":    "ObjectCreated:Put",
			"eventTime":    at.Format(time.RFC3339Nano),
			"s3": map[string]any{
				"bucket": map[string]any{"name": buckets[info.Bucket]},
				"object": map[string]any{
					"key":       url.QueryEscape(info.Key),
					"size":      info.Size,
					"eTag":      strings.Trim(info.ETag, `"`),
					"versionId": info.Version,
					"sequencer": "0055AED6DCD90281E5",
				},
			},
		},
	}})
	if err != nil {
		panic(err)
	}
	return data
}
