package s3store_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/programs"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/files/s3store"
)

// TestSignatureVerifyingServer is the same contract against a server that knows the key and checks
// every signature, and what only such a server refuses.
func TestSignatureVerifyingServer(t *testing.T) {
	gateway := programs.VersityGW(t)
	client := newClient(gateway.URL, gateway.AccessKey, gateway.SecretKey, gateway.Region)
	makeBuckets(t, client)
	versioned(t, client, files.Uploads)
	for name, opt := range clientOptions {
		t.Run(name, func(t *testing.T) {
			store := s3store.New(newClient(gateway.URL, gateway.AccessKey, gateway.SecretKey, gateway.Region, opt),
				names)
			testObjects(t, store)
			testVersions(t, store)
			testHeadOfVersion(t, store)
			testPresigned(t, store)
			testRefusals(t, store)
		})
	}
}

// testHeadOfVersion is not asked of the embedded server, which describes the newest version
// whatever it is asked for.
func testHeadOfVersion(t *testing.T, store files.Store) {
	t.Run("a version is described as it was", func(t *testing.T) {
		ref := files.Ref{Bucket: files.Uploads, Key: key(t, "drop.csv")}
		first, err := store.Put(t.Context(), ref, strings.NewReader("first"), 5, "text/csv")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Put(t.Context(), ref, strings.NewReader("second!"), 7, "text/csv"); err != nil {
			t.Fatal(err)
		}
		head, err := store.Head(t.Context(), first.Ref)
		if err != nil || head != first {
			t.Errorf("head: %+v, %v; put: %+v", head, err, first)
		}
	})
}

// testRefusals holds what makes a presigned URL good for one upload only (requirements, section
// 5.2).
func testRefusals(t *testing.T, store files.Store) {
	ctx := t.Context()
	const body = "Ext Key,Number,User\n101,6567891230,John\n"
	digest := sha256.Sum256([]byte(body))
	now := time.Now()

	presign := func(t *testing.T, at time.Time) (files.Ref, files.Upload) {
		t.Helper()
		ref := files.Ref{Bucket: files.Uploads, Key: key(t, "in.csv")}
		upload, err := store.PresignPut(ctx, files.Expected{
			Ref: ref, Size: int64(len(body)), ContentType: "text/csv", SHA256: hex.EncodeToString(digest[:]),
			At: at, Life: 15 * time.Minute,
		})
		if err != nil {
			t.Fatalf("presign: %v", err)
		}
		return ref, upload
	}
	with := func(headers map[string]string, name, value string) map[string]string {
		changed := make(map[string]string, len(headers))
		for k, v := range headers {
			changed[k] = v
		}
		if value == "" {
			delete(changed, name)
		} else {
			changed[name] = value
		}
		return changed
	}
	for _, tc := range []struct {
		name   string
		at     time.Time
		change func(u *files.Upload, body *string)
	}{
		{"a longer body", now, func(_ *files.Upload, b *string) { *b += "102,6567891231,Jane\n" }},
		{"a shorter body", now, func(_ *files.Upload, b *string) { *b = (*b)[:len(*b)-1] }},
		{"another body of the same size", now, func(_ *files.Upload, b *string) { *b = strings.Replace(*b, "101", "102", 1) }},
		{"another type", now, func(u *files.Upload, _ *string) { u.Headers = with(u.Headers, "Content-Type", xlsx) }},
		{"no type", now, func(u *files.Upload, _ *string) { u.Headers = with(u.Headers, "Content-Type", "") }},
		{"leave to overwrite", now, func(u *files.Upload, _ *string) { u.Headers = with(u.Headers, "If-None-Match", "") }},
		{"no checksum", now, func(u *files.Upload, _ *string) { u.Headers = with(u.Headers, "X-Amz-Checksum-Sha256", "") }},
		{"another body with its own checksum", now, func(u *files.Upload, b *string) {
			*b = strings.Replace(*b, "101", "102", 1)
			own := sha256.Sum256([]byte(*b))
			u.Headers = with(u.Headers, "X-Amz-Checksum-Sha256", base64.StdEncoding.EncodeToString(own[:]))
		}},
		{"another key", now, func(u *files.Upload, _ *string) { u.URL = strings.Replace(u.URL, "acme", "acne", 1) }},
		{"a longer life", now, func(u *files.Upload, _ *string) {
			u.URL = strings.Replace(u.URL, "X-Amz-Expires=900", "X-Amz-Expires=9000", 1)
		}},
		{"a life that ended a second ago", now.Add(-15*time.Minute - time.Second), func(*files.Upload, *string) {}},
		{"another verb", now, func(u *files.Upload, _ *string) { u.Method = http.MethodDelete }},
	} {
		t.Run("refused: "+tc.name, func(t *testing.T) {
			ref, upload := presign(t, tc.at)
			sent, before := body, fmt.Sprint(upload)
			tc.change(&upload, &sent)
			if fmt.Sprint(upload) == before && sent == body && tc.at.Equal(now) {
				t.Fatal("the case changes nothing")
			}
			status, answer, _ := do(t, upload.Method, upload.URL, upload.Headers, sent)
			if status < 400 ||
				status >= 500 {
				t.Errorf("answered %d %s", status, answer)
			}
			if _, err := store.Head(ctx, ref); !errors.Is(err, files.ErrNotFound) {
				t.Errorf("something was stored: %v", err)
			}
		})
	}

	t.Run("good: a life that ends in a minute", func(t *testing.T) {
		_, upload := presign(t, now.Add(-14*time.Minute))
		if status, answer, _ := do(t, upload.Method, upload.URL, upload.Headers, body); status != http.StatusOK {
			t.Errorf("answered %d %s", status, answer)
		}
	})

	t.Run("refused: downloads past their end or changed", func(t *testing.T) {
		ref := files.Ref{Bucket: files.Reports, Key: key(t, "report.csv")}
		if _, err := store.Put(ctx, ref, strings.NewReader(body), int64(len(body)), "text/csv"); err != nil {
			t.Fatal(err)
		}
		expired, _, err := store.PresignGet(ctx, ref, "report.csv", now.Add(-time.Hour), time.Hour-time.Second)
		if err != nil {
			t.Fatal(err)
		}
		link, _, err := store.PresignGet(ctx, ref, "report.csv", now, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		for name, u := range map[string]string{
			"expired":      expired,
			"another name": strings.Replace(link, "report.csv%22", "virus.exe%22", 1),
			"another key":  strings.Replace(link, "acme", "acne", 1),
		} {
			if u == link {
				t.Fatalf("%s: the case changes nothing", name)
			}
			status, _, _ := do(t, http.MethodGet, u, nil, "")
			if status != http.StatusForbidden &&
				status != http.StatusBadRequest {
				t.Errorf("%s: answered %d", name, status)
			}
		}
	})
}
