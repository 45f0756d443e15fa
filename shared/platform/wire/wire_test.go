package wire_test

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/wire"
)

var environment = map[string]string{
	"TABLE_NAME":               "table",
	"UPLOADS_BUCKET":           "up",
	"REPORTS_BUCKET":           "down",
	"CURSOR_KEY":               "arn:aws:secretsmanager:eu-central-1:123456789012:secret:CursorKey",
	"AWS_REGION":               "eu-central-1",
	"AWS_ACCESS_KEY_ID":        "key",
	"AWS_SECRET_ACCESS_KEY":    "secret",
	"AWS_SESSION_TOKEN":        "session",
	"LOG_LEVEL":                "WARN",
	"AWS_LAMBDA_FUNCTION_NAME": "f",
}

func settings(t *testing.T, changes map[string]string) (wire.Settings, error) {
	t.Helper()
	all := maps.Clone(environment)
	maps.Copy(all, changes)
	return wire.FromEnvironment(func(name string) string { return all[name] })
}

func TestFromEnvironment(t *testing.T) {
	s, err := settings(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Table != "table" || s.UploadsBucket != "up" || s.ReportsBucket != "down" ||
		!strings.HasSuffix(s.CursorKey, ":secret:CursorKey") ||
		s.LogLevel != slog.LevelWarn ||
		s.Name != "f" {
		t.Fatalf("got %+v", s)
	}
	for _, name := range []string{
		"TABLE_NAME", "UPLOADS_BUCKET", "REPORTS_BUCKET", "CURSOR_KEY", "AWS_REGION", "AWS_ACCESS_KEY_ID",
		"AWS_SECRET_ACCESS_KEY",
	} {
		if _, err := settings(t, map[string]string{name: ""}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	if _, err := settings(t, map[string]string{"LOG_LEVEL": "LOUD"}); err == nil ||
		!strings.Contains(err.Error(), "LOG_LEVEL") {
		t.Errorf("a wrong level: %v", err)
	}
	s, err = settings(t, map[string]string{"AUDIT_DAYS": "400"})
	if err != nil || s.AuditDays != 400 {
		t.Errorf("a time for the audit log: %d, %v", s.AuditDays, err)
	}
	if _, err := settings(t, map[string]string{"AUDIT_DAYS": "a year"}); err == nil ||
		!strings.Contains(err.Error(), "AUDIT_DAYS") {
		t.Errorf("no number of days: %v", err)
	}
	s, err = settings(t, map[string]string{"REQUESTS_PER_MINUTE": "6000"})
	if err != nil || s.RequestsPerMinute != 6000 {
		t.Errorf("a limit of requests: %d, %v", s.RequestsPerMinute, err)
	}
	if _, err := settings(t, map[string]string{"REQUESTS_PER_MINUTE": "-1"}); err == nil ||
		!strings.Contains(err.Error(), "REQUESTS_PER_MINUTE") {
		t.Errorf("a wrong limit of requests: %v", err)
	}
}

// TestTheAdaptersUseWhatTheEnvironmentSays looks at the requests themselves: where they go, and who
// signed them.
func TestTheAdaptersUseWhatTheEnvironmentSays(t *testing.T) {
	var mu sync.Mutex
	var seen []*http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, r)
		mu.Unlock()
		w.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	s, err := settings(t, map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": server.URL, "AWS_ENDPOINT_URL_S3": server.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, _, err := table.Get(ctx, s.OpenTable(new(table.Tally)), table.Key{Partition: "p", Sort: "s"}); err == nil {
		t.Error("a table that answers 404")
	}
	for bucket, path := range map[files.Bucket]string{files.Uploads: "/up/k", files.Reports: "/down/k"} {
		if _, err := s.OpenFiles().Head(ctx, files.Ref{Bucket: bucket, Key: "k"}); err == nil {
			t.Error("an object that is not there")
		}
		if !slices.ContainsFunc(seen, func(r *http.Request) bool { return r.URL.Path == path }) {
			t.Errorf("nobody asked for %s", path)
		}
	}
	for _, r := range seen {
		if !strings.Contains(r.Header.Get("Authorization"), "Credential=key/") ||
			!strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/") ||
			r.Header.Get("X-Amz-Security-Token") != "session" {
			t.Errorf("%s %s was signed as %v", r.Method, r.URL, r.Header)
		}
	}
}

// TestOneEndpointForAll reads AWS_ENDPOINT_URL as the SDK would, whose config package no function
// links.
func TestOneEndpointForAll(t *testing.T) {
	s, err := settings(t,
		map[string]string{"AWS_ENDPOINT_URL": "https://all.test", "AWS_ENDPOINT_URL_S3": "https://s3.test"})
	if err != nil || s.DynamoDBEndpoint != "https://all.test" || s.S3Endpoint != "https://s3.test" {
		t.Errorf("got %q and %q, %v", s.DynamoDBEndpoint, s.S3Endpoint, err)
	}
}

func TestIDs(t *testing.T) {
	last := ""
	for range 1000 {
		id := wire.IDs{}.Ordered()
		if id <= last || id[14] != '7' {
			t.Fatalf("%s after %s", id, last)
		}
		last = id
	}
	if a, b := (wire.IDs{}).Random(), (wire.IDs{}).Random(); a == b || a[14] != '4' {
		t.Fatalf("%s and %s", a, b)
	}
}
