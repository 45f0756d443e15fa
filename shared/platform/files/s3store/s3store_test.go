package s3store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"seatwise/shared/platform/files"
	"seatwise/shared/platform/files/s3store"
)

const (
	region    = "eu-west-1"
	accessKey = "AKIATEST"
	secretKey = "test-secret-key"
	xlsx      = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

var names = map[files.Bucket]string{files.Uploads: "seatwise-uploads", files.Reports: "seatwise-reports"}

// clientOptions are the ways in which the wiring may have set up its client; the store must not
// depend on them.
var clientOptions = map[string]func(*s3.Options){
	"checksums when supported": func(o *s3.Options) {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
	},
	"checksums when required": func(o *s3.Options) {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	},
}

func newClient(endpoint, key, secret, region string, opts ...func(*s3.Options)) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(endpoint),
		Region:       region,
		Credentials:  credentials.NewStaticCredentialsProvider(key, secret, ""),
		UsePathStyle: true,
	}, opts...)
}

func embedded(t *testing.T) (endpoint string) {
	t.Helper()
	server := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	t.Cleanup(server.Close)
	return server.URL
}

func makeBuckets(t *testing.T, client *s3.Client) {
	t.Helper()
	for _, name := range names {
		if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(name)}); err != nil {
			t.Fatalf("create bucket %s: %v", name, err)
		}
	}
}

// versioned turns versions on, as the template does for the uploads bucket: a file takes effect
// once per bucket, key and version (I12).
func versioned(t *testing.T, client *s3.Client, bucket files.Bucket) {
	t.Helper()
	_, err := client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket:                  aws.String(names[bucket]),
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatalf("turn on versions of %s: %v", bucket, err)
	}
}

func TestEmbeddedServer(t *testing.T) {
	for name, opt := range clientOptions {
		t.Run(name, func(t *testing.T) {
			client := newClient(embedded(t), accessKey, secretKey, region, opt)
			makeBuckets(t, client)
			versioned(t, client, files.Uploads)
			store := s3store.New(client, names)
			testObjects(t, store)
			testVersions(t, store)
			testPresigned(t, store)
		})
	}
}

// key makes keys that are used once per run, with the characters that URLs are most often signed
// wrongly for.
func key(t *testing.T, name string) string {
	return "uploads/acme/" + url.PathEscape(t.Name()) + "/" + name
}

func testObjects(t *testing.T, store files.Store) {
	ctx := t.Context()

	t.Run("what is put is what is got", func(t *testing.T) {
		for _, name := range []string{"plain.csv", "a file (1) +%20=&?#ü.xlsx"} {
			ref := files.Ref{Bucket: files.Uploads, Key: key(t, name)}
			body := bytes.Repeat([]byte("0123456789abcdef"), 1<<13)
			put, err := store.Put(ctx, ref, bytes.NewReader(body), int64(len(body)), xlsx)
			if err != nil {
				t.Fatalf("put: %v", err)
			}
			head, err := store.Head(ctx, ref)
			if err != nil {
				t.Fatalf("head: %v", err)
			}
			rc, got, err := store.Get(ctx, ref)
			if err != nil {
				t.Fatalf("get: %v", err)
			}
			read, err := io.ReadAll(rc)
			if err := errors.Join(err, rc.Close()); err != nil {
				t.Fatalf("read: %v", err)
			}
			if !bytes.Equal(read, body) {
				t.Fatalf("got %d bytes that are not the %d put", len(read), len(body))
			}
			for what, info := range map[string]files.Info{"put": put, "head": head, "get": got} {
				if info.Key != ref.Key || info.Bucket != ref.Bucket || info.Size != int64(len(body)) ||
					info.ContentType != xlsx ||
					info.ETag == "" ||
					info.ETag != put.ETag {
					t.Errorf("%s describes %+v", what, info)
				}
			}
		}
	})

	t.Run("a put replaces, and an empty object is one", func(t *testing.T) {
		ref := files.Ref{Bucket: files.Reports, Key: key(t, "result.csv")}
		for _, body := range []string{"first", ""} {
			if _, err := store.Put(ctx, ref, strings.NewReader(body), int64(len(body)), "text/csv"); err != nil {
				t.Fatalf("put %q: %v", body, err)
			}
			if got := read(t, store, ref); got != body {
				t.Fatalf("got %q after %q was put", got, body)
			}
		}
	})

	t.Run("a put starts where the body stands and leaves it open", func(t *testing.T) {
		ref := files.Ref{Bucket: files.Reports, Key: key(t, "tail.csv")}
		body := &closeable{Reader: strings.NewReader("head;tail")}
		if _, err := body.Seek(5, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Put(ctx, ref, body, 4, "text/csv"); err != nil {
			t.Fatalf("put: %v", err)
		}
		if got := read(t, store, ref); got != "tail" {
			t.Fatalf("stored %q", got)
		}
		if body.closed {
			t.Fatal("the body was closed")
		}
	})

	t.Run("a body of another size is never stored", func(t *testing.T) {
		ref := files.Ref{Bucket: files.Reports, Key: key(t, "wrong.csv")}
		for _, size := range []int64{0, 3, 5} {
			if _, err := store.Put(ctx, ref, strings.NewReader("four"), size, "text/csv"); err == nil {
				t.Errorf("4 bytes passed for %d", size)
			}
		}
		if _, err := store.Head(ctx, ref); !errors.Is(err, files.ErrNotFound) {
			t.Fatalf("something was stored: %v", err)
		}
	})

	t.Run("what is missing is ErrNotFound", func(t *testing.T) {
		ref := files.Ref{Bucket: files.Uploads, Key: key(t, "missing")}
		if _, err := store.Head(ctx, ref); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("head: %v", err)
		}
		if _, _, err := store.Get(ctx, ref); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("get: %v", err)
		}
	})

	t.Run("an unnamed bucket and an empty key are faults", func(t *testing.T) {
		for _, ref := range []files.Ref{{Bucket: "else", Key: "k"}, {Bucket: files.Uploads}} {
			_, errHead := store.Head(ctx, ref)
			_, _, errGet := store.Get(ctx, ref)
			_, errPut := store.Put(ctx, ref, strings.NewReader(""), 0, "text/csv")
			_, errUpload := store.PresignPut(ctx, files.Expected{
				Ref: ref, Size: 1, ContentType: "text/csv", At: time.Now(), Life: time.Minute,
			})
			_, _, errDownload := store.PresignGet(ctx, ref, "a.csv", time.Now(), time.Minute)
			for i, err := range []error{errHead, errGet, errPut, errUpload, errDownload} {
				if err == nil || errors.Is(err, files.ErrNotFound) {
					t.Errorf("%+v, call %d: %v", ref, i, err)
				}
			}
		}
	})

	t.Run("a missing bucket is not a missing file", func(t *testing.T) {
		// Only GET can tell: a HEAD has no body to say it in.
		server := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
		defer server.Close()
		bare := s3store.New(newClient(server.URL, accessKey, secretKey, region), names)
		_, _, err := bare.Get(ctx, files.Ref{Bucket: files.Uploads, Key: "k"})
		if err == nil ||
			errors.Is(err, files.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func testVersions(t *testing.T, store files.Store) {
	t.Run("a version stays readable when a newer one comes", func(t *testing.T) {
		ctx := t.Context()
		ref := files.Ref{Bucket: files.Uploads, Key: key(t, "drop.csv")}
		first, err := store.Put(ctx, ref, strings.NewReader("first"), 5, "text/csv")
		if err != nil {
			t.Fatal(err)
		}
		second, err := store.Put(ctx, ref, strings.NewReader("second!"), 7, "text/csv")
		if err != nil {
			t.Fatal(err)
		}
		if first.Version == "" || first.Version == second.Version {
			t.Fatalf("versions %q and %q", first.Version, second.Version)
		}
		if got := read(t, store, first.Ref); got != "first" {
			t.Errorf("the first version reads %q", got)
		}
		if got := read(t, store, ref); got != "second!" {
			t.Errorf("the newest reads %q", got)
		}
		link, _, err := store.PresignGet(ctx, first.Ref, "first.csv", time.Now(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if status, body, _ := do(t, http.MethodGet, link, nil, ""); status != http.StatusOK || body != "first" {
			t.Errorf("the link to the first answers %d %q", status, body)
		}
		other, err := store.Put(ctx, files.Ref{Bucket: files.Uploads, Key: key(t, "other.csv")},
			strings.NewReader("other"), 5, "text/csv")
		if err != nil {
			t.Fatal(err)
		}
		ref.Version = other.Version
		if _, _, err := store.Get(ctx, ref); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("a version of another object: %v", err)
		}
	})
	t.Run("every version is listed, and one that is removed is gone for good", func(t *testing.T) {
		ctx := t.Context()
		keeper, ok := store.(files.Keeper)
		if !ok {
			t.Fatal("the store keeps no versions")
		}
		ref := files.Ref{Bucket: files.Uploads, Key: key(t, "kept.csv")}
		var stored []string
		for _, body := range []string{"1", "22", "333"} {
			info, err := store.Put(ctx, ref, strings.NewReader(body), int64(len(body)), "text/csv")
			if err != nil {
				t.Fatal(err)
			}
			stored = append(stored, info.Version)
		}
		listed := func() (found []string, newest string) {
			t.Helper()
			err := keeper.Versions(ctx, ref.Bucket, key(t, ""), func(v files.Stored) error {
				found = append(found, v.Version)
				if v.Newest {
					newest = v.Version
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(found)
			return found, newest
		}
		want := slices.Sorted(slices.Values(stored))
		if found, newest := listed(); !slices.Equal(found, want) || newest != stored[2] {
			t.Errorf("listed %v, the newest %q, want %v", found, newest, stored)
		}
		ref.Version = stored[2]
		if err := keeper.Remove(ctx, ref); err != nil {
			t.Fatal(err)
		}
		want = slices.Sorted(slices.Values(stored[:2]))
		if found, _ := listed(); !slices.Equal(found, want) {
			t.Errorf("listed %v, want %v", found, stored[:2])
		}
	})
}

func testPresigned(t *testing.T, store files.Store) {
	ctx := t.Context()
	const body = "Ext Key,Number,User\n101,6567891230,John\n"
	digest := sha256.Sum256([]byte(body))
	sum := hex.EncodeToString(digest[:])

	t.Run("an upload with exactly the headers works, once", func(t *testing.T) {
		for _, sha := range []string{"", sum} {
			ref := files.Ref{Bucket: files.Uploads, Key: key(t, fmt.Sprintf("in %d.csv", len(sha)))}
			upload, err := store.PresignPut(ctx, files.Expected{
				Ref: ref, Size: int64(len(body)), ContentType: "text/csv", SHA256: sha, At: time.Now(),
				Life: 15 * time.Minute,
			})
			if err != nil {
				t.Fatalf("presign: %v", err)
			}
			if status, answer, _ := do(t, upload.Method, upload.URL, upload.Headers, body); status != http.StatusOK {
				t.Fatalf("upload: %d %s", status, answer)
			}
			if got := read(t, store, ref); got != body {
				t.Fatalf("stored %q", got)
			}
			head, err := store.Head(ctx, ref)
			if err != nil || head.ContentType != "text/csv" || head.Size != int64(len(body)) {
				t.Fatalf("head: %+v, %v", head, err)
			}
			status, _, _ := do(t, upload.Method, upload.URL, upload.Headers, body)
			if status != http.StatusPreconditionFailed {
				t.Errorf("a second upload answers %d", status)
			}
		}
	})

	t.Run("a download has its name", func(t *testing.T) {
		ref := files.Ref{Bucket: files.Reports, Key: key(t, "report.xlsx")}
		if _, err := store.Put(ctx, ref, strings.NewReader(body), int64(len(body)), xlsx); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Acme_LR_Licensed Users_20261121T060708Z.xlsx", "Zürich + \"Co\" & 100%.xlsx"} {
			link, _, err := store.PresignGet(ctx, ref, name, time.Now(), 15*time.Minute)
			if err != nil {
				t.Fatalf("presign: %v", err)
			}
			status, got, header := do(t, http.MethodGet, link, nil, "")
			if status != http.StatusOK || got != body || header.Get("Content-Type") != xlsx {
				t.Fatalf("download: %d %q as %q", status, got, header.Get("Content-Type"))
			}
			_, params, err := mime.ParseMediaType(header.Get("Content-Disposition"))
			if err != nil || params["filename"] != name {
				t.Errorf("named %q (%v) by %q", params["filename"], err, header.Get("Content-Disposition"))
			}
		}
	})
}

// TestPresignPutSigns reads the URL itself: every header that binds the upload is in its signature,
// and nothing else is asked of the client.
func TestPresignPutSigns(t *testing.T) {
	now := time.Date(2026, 11, 21, 6, 7, 8, 999_000_000, time.FixedZone("CET", 3600))
	for name, opt := range clientOptions {
		t.Run(name, func(t *testing.T) {
			store := s3store.New(newClient("https://s3.example.com", accessKey, secretKey, region, opt), names)
			ref := files.Ref{Bucket: files.Uploads, Key: "uploads/acme/1/in.xlsx"}
			for sha, want := range map[string]struct {
				signed  string
				headers map[string]string
			}{
				"": {
					"content-length;content-type;host;if-none-match",
					map[string]string{"Content-Length": "20971520", "Content-Type": xlsx, "If-None-Match": "*"},
				},
				strings.Repeat("0a", 32): {
					"content-length;content-type;host;if-none-match;x-amz-checksum-sha256",
					map[string]string{
						"Content-Length":        "20971520",
						"Content-Type":          xlsx,
						"If-None-Match":         "*",
						"X-Amz-Checksum-Sha256": "CgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgo=",
					},
				},
			} {
				upload, err := store.PresignPut(t.Context(), files.Expected{
					Ref: ref, Size: 20 << 20, ContentType: xlsx, SHA256: sha, At: now, Life: 15 * time.Minute,
				})
				if err != nil {
					t.Fatal(err)
				}
				if upload.Method != http.MethodPut || fmt.Sprint(upload.Headers) != fmt.Sprint(want.headers) {
					t.Errorf("asks for %s with %v", upload.Method, upload.Headers)
				}
				if end := time.Date(2026, 11, 21, 5, 22, 8, 0, time.UTC); upload.ExpiresAt != end {
					t.Errorf("ends at %s, not %s", upload.ExpiresAt, end)
				}
				u, err := url.Parse(upload.URL)
				if err != nil {
					t.Fatal(err)
				}
				if u.Path != "/seatwise-uploads/uploads/acme/1/in.xlsx" {
					t.Errorf("path %s", u.Path)
				}
				q := u.Query()
				for param, want := range map[string]string{
					"X-Amz-SignedHeaders": want.signed,
					"X-Amz-Date":          "20261121T050708Z",
					"X-Amz-Expires":       "900",
				} {
					if got := q.Get(param); got != want {
						t.Errorf("%s is %q, not %q", param, got, want)
					}
				}
				for param := range q {
					if strings.Contains(strings.ToLower(param), "checksum") {
						t.Errorf("%s asks for a checksum that the client was not told of", param)
					}
				}
			}
		})
	}
}

// TestPresignGetSigns: a link works in a browser, which sends no header but Host.
func TestPresignGetSigns(t *testing.T) {
	now := time.Date(2026, 11, 21, 6, 7, 8, 0, time.UTC)
	for name, opt := range clientOptions {
		t.Run(name, func(t *testing.T) {
			store := s3store.New(newClient("https://s3.example.com", accessKey, secretKey, region, opt), names)
			link, end, err := store.PresignGet(t.Context(),
				files.Ref{Bucket: files.Reports, Key: "k", Version: "v1"}, "a b.xlsx", now, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(link)
			if err != nil {
				t.Fatal(err)
			}
			for param, want := range map[string]string{
				"X-Amz-SignedHeaders":          "host",
				"X-Amz-Date":                   "20261121T060708Z",
				"X-Amz-Expires":                "3600",
				"versionId":                    "v1",
				"response-content-disposition": `attachment; filename="a b.xlsx"`,
				"x-amz-checksum-mode":          "",
				"X-Amz-Checksum-Mode":          "",
			} {
				if got := u.Query().Get(param); got != want {
					t.Errorf("%s is %q, not %q", param, got, want)
				}
			}
			if want := now.Add(time.Hour); end != want {
				t.Errorf("ends at %s, not %s", end, want)
			}
		})
	}
}

func TestPresignRefusesWhatCannotHold(t *testing.T) {
	store := s3store.New(newClient("https://s3.example.com", accessKey, secretKey, region), names)
	ref := files.Ref{Bucket: files.Uploads, Key: "k"}
	for _, tc := range []struct {
		name        string
		size        int64
		contentType string
		sha         string
		life        time.Duration
	}{
		{"an empty file, whose length S3 cannot sign", 0, xlsx, "", time.Minute},
		{"a negative size", -1, xlsx, "", time.Minute},
		{"more than one PUT can carry", 5<<30 + 1, xlsx, "", time.Minute},
		{"no type", 1, "", "", time.Minute},
		{"a digest that is not hexadecimal", 1, xlsx, strings.Repeat("zz", 32), time.Minute},
		{"a digest of another length", 1, xlsx, strings.Repeat("0a", 20), time.Minute},
		{"no life", 1, xlsx, "", 0},
		{"half a second", 1, xlsx, "", 1500 * time.Millisecond},
		{"more than a week", 1, xlsx, "", 7*24*time.Hour + time.Second},
	} {
		_, err := store.PresignPut(t.Context(), files.Expected{
			Ref: ref, Size: tc.size, ContentType: tc.contentType, SHA256: tc.sha, At: time.Now(), Life: tc.life,
		})
		if err == nil {
			t.Errorf("%s: signed", tc.name)
		}
	}
	for _, life := range []time.Duration{0, -time.Minute, 8 * 24 * time.Hour} {
		if _, _, err := store.PresignGet(t.Context(), ref, "a.csv", time.Now(), life); err == nil {
			t.Errorf("a download signed for %s", life)
		}
	}
}

// TestPutReadsAgainAfterAFailure: the SDK tries again, and the second try must carry the whole
// body.
func TestPutReadsAgainAfterAFailure(t *testing.T) {
	backend := gofakes3.New(s3mem.New()).Server()
	failures := 1
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/jobs/") && failures > 0 {
			failures--
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	defer server.Close()
	client := newClient(server.URL, accessKey, secretKey, region)
	makeBuckets(t, client)
	store := s3store.New(client, names)
	ref := files.Ref{Bucket: files.Uploads, Key: "jobs/1"}
	if _, err := store.Put(t.Context(), ref, strings.NewReader("ticket"), 6, "application/json"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, store, ref); got != "ticket" || failures != 0 {
		t.Fatalf("stored %q with %d failures left", got, failures)
	}
}

func TestCallsEndWithTheirContext(t *testing.T) {
	client := newClient(embedded(t), accessKey, secretKey, region)
	makeBuckets(t, client)
	store := s3store.New(client, names)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.Put(ctx, files.Ref{Bucket: files.Uploads, Key: "k"}, strings.NewReader("x"), 1, "text/csv")
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

type closeable struct {
	*strings.Reader
	closed bool
}

func (c *closeable) Close() error {
	c.closed = true
	return nil
}

func read(t *testing.T, store files.Store, ref files.Ref) string {
	t.Helper()
	rc, _, err := store.Get(t.Context(), ref)
	if err != nil {
		t.Fatalf("get %s: %v", ref.Key, err)
	}
	body, err := io.ReadAll(rc)
	if err := errors.Join(err, rc.Close()); err != nil {
		t.Fatalf("read %s: %v", ref.Key, err)
	}
	return string(body)
}

// do sends what curl would: the headers given, a body of known length, nothing of the SDK's.
func do(t *testing.T, method, link string, headers map[string]string, body string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, link, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	answer, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer), resp.Header
}
