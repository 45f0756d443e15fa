// Package diskfiles gives tests of modules the real file port: the adapter for S3 over the S3
// server of one machine, in a folder of the test.
package diskfiles

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"seatwise/infra/local/objects"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/wire"
)

const (
	uploads = "seatwise-uploads"
	reports = "seatwise-reports"
)

// Server is a running S3 server. It lives by the machine's clock, because the SDK signs by that.
type Server struct {
	// Store is the file port over it.
	Store files.Store

	mu      sync.Mutex
	created []objects.Created
}

// Start runs a server for as long as the test.
func Start(t testing.TB) *Server {
	t.Helper()
	folder := t.TempDir()
	db, err := bbolt.Open(filepath.Join(folder, "list.bolt"), 0o600, &bbolt.Options{Timeout: time.Second, NoSync: true})
	if err != nil {
		t.Fatalf("open the list of objects: %v", err)
	}
	s := &Server{}
	store, err := objects.NewStore(
		db,
		filepath.Join(folder, "bodies"),
		wire.Clock,
		func(_ *bbolt.Tx, o objects.Created) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.created = append(s.created, o)
			return nil
		},
	)
	if err != nil {
		t.Fatalf("start the S3 server: %v", err)
	}
	for _, name := range []string{uploads, reports} {
		if err := store.EnsureBucket(name); err != nil {
			t.Fatalf("make a bucket: %v", err)
		}
	}
	server := httptest.NewServer(objects.Server(store, wire.Clock, wire.Clock))
	t.Cleanup(func() {
		server.Close()
		if err := db.Close(); err != nil {
			t.Errorf("close the list of objects: %v", err)
		}
	})
	s.Store = wire.Settings{
		Region:        "us-east-1",
		AccessKey:     objects.AccessKey,
		SecretKey:     objects.SecretKey,
		S3Endpoint:    server.URL,
		UploadsBucket: uploads,
		ReportsBucket: reports,
	}.OpenFiles()
	return s
}

// Take returns the S3 notification of each object with this prefix that was created since the last
// Take of the prefix, in order.
func (s *Server) Take(t testing.TB, prefix string) [][]byte {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var taken [][]byte
	var left []objects.Created
	for _, o := range s.created {
		if !strings.HasPrefix(o.Key, prefix) {
			left = append(left, o)
			continue
		}
		taken = append(taken, notification(t, o))
	}
	s.created = left
	return taken
}

func notification(t testing.TB, o objects.Created) []byte {
	t.Helper()
	payload, err := json.Marshal(map[string]any{"Records": []any{
		map[string]any{
			"eventVersion": "2.1",
			"eventSource":  "aws:s3",
			"eventTime":    o.At.UTC().Format(time.RFC3339),
			"eventName":    o.Event,
			"s3": map[string]any{
				"bucket": map[string]string{"name": o.Bucket},
				"object": map[string]any{
					"key":       strings.ReplaceAll(url.QueryEscape(o.Key), "%2F", "/"),
					"size":      o.Size,
					"eTag":      o.ETag,
					"versionId": o.Version,
					"sequencer": o.Sequencer,
				},
			},
		},
	}})
	if err != nil {
		t.Fatalf("encode a notification: %v", err)
	}
	return payload
}
