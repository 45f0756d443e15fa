package objects_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"go.etcd.io/bbolt"

	"seatwise/infra/local/objects"
)

const bucket = "seatwise-uploads"

// server is a store with its API, on a folder that outlives it.
type server struct {
	t      *testing.T
	folder string
	db     *bbolt.DB
	http   *httptest.Server
	mu     sync.Mutex
	now    time.Time
	seen   []objects.Created
	refuse error // what notify returns
}

func start(t *testing.T, folder string) *server {
	t.Helper()
	s := &server{t: t, folder: folder, now: time.Now()}
	var err error
	s.db, err = bbolt.Open(filepath.Join(folder, "list.bolt"), 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	store, err := objects.NewStore(
		s.db,
		filepath.Join(folder, "bodies"),
		s.clock,
		func(_ *bbolt.Tx, o objects.Created) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.refuse == nil {
				s.seen = append(s.seen, o)
			}
			return s.refuse
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.EnsureBucket(bucket); err != nil {
		t.Fatal(err)
	}
	s.http = httptest.NewServer(objects.Server(store, s.clock, s.clock))
	t.Cleanup(s.stop)
	return s
}

// stop may be called twice.
func (s *server) stop() {
	s.http.Close()
	if err := s.db.Close(); err != nil {
		s.t.Error(err)
	}
}

func (s *server) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *server) client(accessKey, secret string, more ...func(*s3.Options)) *s3.Client {
	return s3.NewFromConfig(aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(accessKey, secret, ""),
	}, append([]func(*s3.Options){func(o *s3.Options) {
		o.BaseEndpoint, o.UsePathStyle, o.RetryMaxAttempts = aws.String(s.http.URL), true, 1
	}}, more...)...)
}

func (s *server) local() *s3.Client { return s.client(objects.AccessKey, objects.SecretKey) }

func (s *server) put(key, body string) string {
	s.t.Helper()
	out, err := s.local().PutObject(context.Background(), &s3.PutObjectInput{
		Bucket:      aws.String(bucket),
		Key:         aws.String(key),
		Body:        strings.NewReader(body),
		ContentType: aws.String("text/csv"),
		Metadata:    map[string]string{"who": "zoe"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return aws.ToString(out.VersionId)
}

func (s *server) get(key, version string) string {
	s.t.Helper()
	in := &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)}
	if version != "" {
		in.VersionId = aws.String(version)
	}
	out, err := s.local().GetObject(context.Background(), in)
	if err != nil {
		return code(err)
	}
	body, err := io.ReadAll(out.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if aws.ToString(out.ContentType) != "text/csv" || out.Metadata["who"] != "zoe" {
		s.t.Errorf("metadata %v %v", out.ContentType, out.Metadata)
	}
	return string(body)
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

var odd = "drops/acme/New phones (100%) ä+b?c&d=e.csv"

func TestVersionsAndMetadataOutliveARestart(t *testing.T) {
	folder := t.TempDir()
	s := start(t, folder)
	first := s.put(odd, "one")
	second := s.put(odd, "two")
	if first == "" || first == second {
		t.Fatalf("versions %q and %q", first, second)
	}
	s.stop()
	// A put that was cut off leaves a body that nobody owns.
	orphan := filepath.Join(folder, "bodies", "body-orphan")
	if err := os.WriteFile(orphan, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := start(t, folder)
	if got := again.get(odd, ""); got != "two" {
		t.Errorf("newest is %q", got)
	}
	if got := again.get(odd, first); got != "one" {
		t.Errorf("first is %q", got)
	}
	if _, err := os.Stat(orphan); !os.IsNotExist(err) {
		t.Errorf("the orphan is still there: %v", err)
	}
	if third := again.put(odd, "three"); third <= second {
		t.Errorf("version %q is not after %q", third, second)
	}
	head, err := again.local().
		HeadObject(context.Background(),
			&s3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String(odd), VersionId: aws.String(first)})
	if err != nil || aws.ToInt64(head.ContentLength) != 3 || aws.ToString(head.VersionId) != first {
		t.Errorf("head of a version: %+v, %v", head, err)
	}
}

func TestEachCreatedObjectIsAnnouncedWithItsVersion(t *testing.T) {
	s := start(t, t.TempDir())
	ctx := context.Background()
	version := s.put(odd, "one")
	if _, err := s.local().CopyObject(ctx, &s3.CopyObjectInput{
		Bucket:     aws.String(bucket),
		Key:        aws.String("copy.csv"),
		CopySource: aws.String(bucket + "/" + strings.ReplaceAll(escaped(odd), "+", "%2B")),
	}); err != nil {
		t.Fatal(err)
	}
	upload, err := s.local().
		CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
			Bucket:      aws.String(bucket),
			Key:         aws.String("large.csv"),
			ContentType: aws.String("text/csv"),
		})
	if err != nil {
		t.Fatal(err)
	}
	var parts []types.CompletedPart
	for i, body := range []string{strings.Repeat("a", 5<<20), "b"} {
		n := aws.Int32(int32(i + 1))
		part, err := s.local().UploadPart(ctx, &s3.UploadPartInput{
			Bucket:     aws.String(bucket),
			Key:        aws.String("large.csv"),
			UploadId:   upload.UploadId,
			PartNumber: n,
			Body:       strings.NewReader(body),
		})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, types.CompletedPart{ETag: part.ETag, PartNumber: n})
	}
	if len(s.seen) != 2 {
		t.Fatalf("announced before completion: %+v", s.seen)
	}
	if _, err := s.local().CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket:          aws.String(bucket),
		Key:             aws.String("large.csv"),
		UploadId:        upload.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}); err != nil {
		t.Fatal(err)
	}
	if len(s.seen) != 3 {
		t.Fatalf("announced %+v", s.seen)
	}
	put, copied, large := s.seen[0], s.seen[1], s.seen[2]
	if put.Event != "ObjectCreated:Put" || put.Bucket != bucket || put.Key != odd || put.Version != version ||
		put.Size != 3 ||
		put.ETag != "f97c5d29941bfb1b2fdab0874906ab82" {
		t.Errorf("put %+v", put)
	}
	if copied.Event != "ObjectCreated:Copy" || copied.Key != "copy.csv" || copied.Size != 3 {
		t.Errorf("copy %+v", copied)
	}
	if large.Key != "large.csv" || large.Size != 5<<20+1 {
		t.Errorf("multipart %+v", large)
	}
	if !(put.Sequencer < copied.Sequencer && copied.Sequencer < large.Sequencer) {
		t.Error("sequencers do not ascend")
	}
	if got := s.get("copy.csv", ""); got != "one" {
		t.Errorf("the copy is %q", got)
	}
}

func TestALargeObjectIsCopiedInParts(t *testing.T) {
	s := start(t, t.TempDir())
	ctx := context.Background()
	body := strings.Repeat("0123456789", 600_000)
	s.put(odd, body)
	to := aws.String("copy.csv")
	upload, err := s.local().CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket:      aws.String(bucket),
		Key:         to,
		ContentType: aws.String("text/csv"),
		Metadata:    map[string]string{"who": "zoe"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var parts []types.CompletedPart
	for i, part := range []string{"bytes=0-5242879", "bytes=5242880-5999999"} {
		n := aws.Int32(int32(i + 1))
		out, err := s.local().UploadPartCopy(ctx, &s3.UploadPartCopyInput{
			Bucket:          aws.String(bucket),
			Key:             to,
			UploadId:        upload.UploadId,
			PartNumber:      n,
			CopySource:      aws.String(bucket + "/" + strings.ReplaceAll(escaped(odd), "+", "%2B")),
			CopySourceRange: aws.String(part),
		})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, types.CompletedPart{ETag: out.CopyPartResult.ETag, PartNumber: n})
	}
	if _, err := s.local().CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket:          aws.String(bucket),
		Key:             to,
		UploadId:        upload.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}); err != nil {
		t.Fatal(err)
	}
	if got := s.get("copy.csv", ""); got != body {
		t.Fatalf("the copy has %d bytes, want %d", len(got), len(body))
	}
	_, err = s.local().
		CopyObject(ctx, &s3.CopyObjectInput{
			Bucket:     aws.String(bucket),
			Key:        to,
			CopySource: aws.String(bucket + "/a?versionId=v1"),
		})
	if code(err) != "NotImplemented" {
		t.Fatalf("a copy of an old version: %v", err)
	}
}

func escaped(key string) string { return (&url.URL{Path: key}).EscapedPath() }

func TestAnObjectWhoseNotificationCannotBeRecordedIsNotCreated(t *testing.T) {
	s := start(t, t.TempDir())
	s.refuse = errors.New("no room")
	_, err := s.local().
		PutObject(context.Background(),
			&s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("a"), Body: strings.NewReader("x")})
	if code(err) != "InternalError" {
		t.Fatalf("got %v", err)
	}
	if got := s.get("a", ""); got != "NoSuchKey" {
		t.Fatalf("got %q", got)
	}
	if entries, err := os.ReadDir(filepath.Join(s.folder, "bodies")); err != nil || len(entries) != 0 {
		t.Fatalf("left behind %v, %v", entries, err)
	}
}

func TestPutNeverOverwritesWhenToldSo(t *testing.T) {
	s := start(t, t.TempDir())
	in := func() *s3.PutObjectInput {
		return &s3.PutObjectInput{
			Bucket:      aws.String(bucket),
			Key:         aws.String("a"),
			Body:        strings.NewReader("x"),
			IfNoneMatch: aws.String("*"),
		}
	}
	if _, err := s.local().PutObject(context.Background(), in()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.local().PutObject(context.Background(), in()); code(err) != "PreconditionFailed" {
		t.Fatalf("got %v", err)
	}
	if len(s.seen) != 1 {
		t.Fatalf("announced %d times", len(s.seen))
	}
	_, err := s.local().
		DeleteObject(context.Background(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("a")})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.get("a", ""); got != "NoSuchKey" {
		t.Fatalf("a deleted object reads %q", got)
	}
	if _, err := s.local().PutObject(context.Background(), in()); err != nil {
		t.Fatalf("after a deletion: %v", err)
	}
}

func TestListing(t *testing.T) {
	s := start(t, t.TempDir())
	ctx := context.Background()
	for _, key := range []string{"a", "a/1", "a/2", "a/b/3", "a0", "c", "drops/acme/x", "é"} {
		s.put(key, "1")
		s.put(key, "2")
	}
	_, err := s.local().
		DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("c")})
	if err != nil {
		t.Fatal(err)
	}
	list := func(prefix, delimiter string, size int32) (keys, groups []string) {
		in := &s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: aws.String(prefix), MaxKeys: aws.Int32(size)}
		if delimiter != "" {
			in.Delimiter = aws.String(delimiter)
		}
		pages := s3.NewListObjectsV2Paginator(s.local(), in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(page.Contents) + len(page.CommonPrefixes); n > int(size) {
				t.Errorf("a page of %d", n)
			}
			for _, o := range page.Contents {
				keys = append(keys, aws.ToString(o.Key))
			}
			for _, p := range page.CommonPrefixes {
				groups = append(groups, aws.ToString(p.Prefix))
			}
		}
		return keys, groups
	}
	for _, size := range []int32{1, 2, 3, 1000} {
		for _, test := range []struct {
			prefix, delimiter string
			keys, groups      []string
		}{
			{"", "", []string{"a", "a/1", "a/2", "a/b/3", "a0", "drops/acme/x", "é"}, nil},
			{"a/", "", []string{"a/1", "a/2", "a/b/3"}, nil},
			{"a/", "/", []string{"a/1", "a/2"}, []string{"a/b/"}},
			{"", "/", []string{"a", "a0", "é"}, []string{"a/", "drops/"}},
			{"nothing", "", nil, nil},
		} {
			keys, groups := list(test.prefix, test.delimiter, size)
			if !slices.Equal(keys, test.keys) || !slices.Equal(groups, test.groups) {
				t.Errorf("%q %q by %d: got %v %v", test.prefix, test.delimiter, size, keys, groups)
			}
		}
		versions, latest := 0, 0
		pages := s3.NewListObjectVersionsPaginator(s.local(),
			&s3.ListObjectVersionsInput{Bucket: aws.String(bucket), MaxKeys: aws.Int32(size)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			versions += len(page.Versions) + len(page.DeleteMarkers)
			for _, v := range page.Versions {
				if aws.ToBool(v.IsLatest) {
					latest++
				}
			}
		}
		if versions != 17 || latest != 7 {
			t.Errorf("by %d: %d versions, %d latest", size, versions, latest)
		}
	}
}

func TestRanges(t *testing.T) {
	s := start(t, t.TempDir())
	s.put("a", "0123456789")
	out, err := s.local().
		GetObject(context.Background(),
			&s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("a"), Range: aws.String("bytes=2-4")})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(out.Body); err != nil || string(body) != "234" {
		t.Fatalf("%q, %v", body, err)
	}
}

// send makes a request with the given headers and returns the status and S3's error code.
func send(t *testing.T, method, address string, header http.Header, body []byte) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		if name == "Content-Length" || name == "Host" {
			continue // net/http sends those automatically
		}
		r.Header[name] = values
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "<Code>")
	name, _, _ := strings.Cut(after, "<")
	return response.StatusCode, name
}

func TestPresignedPutTakesExactlyWhatWasSigned(t *testing.T) {
	s := start(t, t.TempDir())
	body := []byte("Ext Key;Number\n")
	sum := sha256.Sum256(body)
	presign := func(key string, client *s3.Client) (string, http.Header) {
		t.Helper()
		signed, err := s3.NewPresignClient(client).PresignPutObject(context.Background(), &s3.PutObjectInput{
			Bucket:         aws.String(bucket),
			Key:            aws.String(key),
			ContentLength:  aws.Int64(int64(len(body))),
			ContentType:    aws.String("text/csv"),
			IfNoneMatch:    aws.String("*"),
			ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum[:])),
		}, s3.WithPresignExpires(15*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		return signed.URL, signed.SignedHeader
	}
	plain := func(o *s3.Options) { o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired }
	own := s.client(objects.AccessKey, objects.SecretKey, plain)
	url, header := presign("uploads/acme/1/ä b+c.csv", own)
	change := func(name, value string) http.Header {
		h := header.Clone()
		if value == "" {
			h.Del(name)
		} else {
			h.Set(name, value)
		}
		return h
	}
	foreignURL, foreignHeader := presign("uploads/acme/2/x.csv", s.client("someone", "else", plain))
	for _, test := range []struct {
		name   string
		url    string
		method string
		header http.Header
		body   []byte
		status int
		code   string
	}{
		{"another size", url, "PUT", header, append(slices.Clone(body), 'x'), 403, "SignatureDoesNotMatch"},
		{"another type", url, "PUT", change("Content-Type", "text/html"), body, 403, "SignatureDoesNotMatch"},
		{"without If-None-Match", url, "PUT", change("If-None-Match", ""), body, 403, "SignatureDoesNotMatch"},
		{"another body of the same size", url, "PUT", header, bytes.ToUpper(body), 400, "BadDigest"},
		{"another key", strings.Replace(url, "/acme/", "/evil/", 1), "PUT", header, body, 403, "SignatureDoesNotMatch"},
		{
			"a longer life", strings.Replace(url, "X-Amz-Expires=900", "X-Amz-Expires=9000", 1), "PUT", header, body,
			403, "SignatureDoesNotMatch",
		},
		{"another method", url, "GET", header, nil, 403, "SignatureDoesNotMatch"},
		{"without the signature", url[:strings.Index(url, "?")], "PUT", header, body, 403, "AccessDenied"},
		{"signed by a stranger", foreignURL, "PUT", foreignHeader, body, 403, "InvalidAccessKeyId"},
		{"as it was signed", url, "PUT", header, body, 200, ""},
		{"a second time", url, "PUT", header, body, 412, "PreconditionFailed"},
	} {
		status, code := send(t, test.method, test.url, test.header, test.body)
		if status != test.status ||
			code != test.code {
			t.Errorf("%s: %d %s, want %d %s", test.name, status, code, test.status, test.code)
		}
	}
	if len(s.seen) != 1 || s.seen[0].Key != "uploads/acme/1/ä b+c.csv" {
		t.Errorf("announced %+v", s.seen)
	}
}

func TestPresignedURLsExpire(t *testing.T) {
	s := start(t, t.TempDir())
	s.put("reports/a.csv", "x")
	began := s.now
	signed, err := s3.NewPresignClient(s.local()).PresignGetObject(context.Background(), &s3.GetObjectInput{
		Bucket:                     aws.String(bucket),
		Key:                        aws.String("reports/a.csv"),
		ResponseContentDisposition: aws.String(`attachment; filename="a b.csv"`),
	}, s3.WithPresignExpires(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	for after, want := range map[time.Duration]string{
		-time.Hour: "403 AccessDenied", 0: "200 ", 50 * time.Second: "200 ", 62 * time.Second: "403 AccessDenied",
	} {
		s.mu.Lock()
		s.now = began.Add(after)
		s.mu.Unlock()
		status, code := send(t, "GET", signed.URL, nil, nil)
		if got := fmt.Sprint(status, " ", code); got != want {
			t.Errorf("after %v: %s, want %s", after, got, want)
		}
	}
}

func TestHeaderSignatures(t *testing.T) {
	s := start(t, t.TempDir())
	get := func(client *s3.Client) string {
		_, err := client.ListObjectsV2(context.Background(),
			&s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: aws.String("a b/ä+")})
		if err != nil {
			return code(err)
		}
		return "ok"
	}
	if got := get(s.local()); got != "ok" {
		t.Errorf("the local key: %s", got)
	}
	if got := get(s.client(objects.AccessKey, "wrong")); got != "SignatureDoesNotMatch" {
		t.Errorf("the local key with a wrong secret: %s", got)
	}
	if got := get(s.client("any", "other")); got != "ok" {
		t.Errorf("another key: %s", got)
	}
	if status, code := send(t, "GET", s.http.URL+"/"+bucket, nil, nil); status != 403 || code != "AccessDenied" {
		t.Errorf("no signature: %d %s", status, code)
	}
}

// signed adds an Authorization header for the payload hash that is already set.
func signed(t *testing.T, r *http.Request) {
	t.Helper()
	err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).SignHTTP(context.Background(),
		aws.Credentials{
			AccessKeyID:     objects.AccessKey,
			SecretAccessKey: objects.SecretKey,
		}, r, r.Header.Get("X-Amz-Content-Sha256"), "s3", "us-east-1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
}

func TestChunkedBodies(t *testing.T) {
	s := start(t, t.TempDir())
	crc := func(text string) string {
		sum := crc32.NewIEEE()
		_, _ = io.WriteString(sum, text)
		return base64.StdEncoding.EncodeToString(sum.Sum(nil))
	}
	for _, test := range []struct {
		name, kind, body, trailer string
		status                    int
		stored                    string
	}{
		{
			"signed chunks", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
			"5;chunk-signature=" + strings.Repeat("a", 64) +
				"\r\nhello\r\n1;chunk-signature=b\r\n!\r\n0;chunk-signature=c\r\n\r\n",
			"", 200, "hello!",
		},
		{
			"a good trailer", "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
			"6\r\nhello!\r\n0\r\nx-amz-checksum-crc32:" + crc("hello!") + "\r\n\r\n", "x-amz-checksum-crc32", 200,
			"hello!",
		},
		{
			"a bad trailer", "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
			"6\r\nhello!\r\n0\r\nx-amz-checksum-crc32:" + crc("other") + "\r\n\r\n", "x-amz-checksum-crc32", 400, "",
		},
		{"cut off", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "6\r\nhel", "", 400, ""},
		{"no last chunk", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "6\r\nhello!\r\n", "", 400, ""},
		{"not chunked", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "hello!", "", 400, ""},
	} {
		key := strings.ReplaceAll(test.name, " ", "-")
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPut, s.http.URL+"/"+bucket+"/"+key,
			strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Content-Sha256", test.kind)
		r.Header.Set("X-Amz-Decoded-Content-Length", "6")
		r.Header.Set("Content-Encoding", "aws-chunked")
		r.Header.Set("Content-Type", "text/csv")
		r.Header.Set("X-Amz-Meta-Who", "zoe")
		if test.trailer != "" {
			r.Header.Set("X-Amz-Trailer", test.trailer)
		}
		signed(t, r)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != test.status {
			t.Errorf("%s: %d %s", test.name, response.StatusCode, text)
		}
		if test.stored != "" {
			if got := s.get(key, ""); got != test.stored {
				t.Errorf("%s: stored %q", test.name, got)
			}
		} else if got := s.get(key, ""); got != "NoSuchKey" {
			t.Errorf("%s: stored %q", test.name, got)
		}
	}
}

func TestABodyThatIsNotItsHashIsRefused(t *testing.T) {
	s := start(t, t.TempDir())
	sum := sha256.Sum256([]byte("signed"))
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPut, s.http.URL+"/"+bucket+"/a",
		strings.NewReader("forged"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Content-Sha256", fmt.Sprintf("%x", sum))
	signed(t, r)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != 400 {
		t.Fatalf("got %d", response.StatusCode)
	}
}

func TestConcurrentPutsOfOneKeyLetExactlyOneCreateIt(t *testing.T) {
	s := start(t, t.TempDir())
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 16 {
		wg.Go(func() {
			_, err := s.local().PutObject(context.Background(), &s3.PutObjectInput{
				Bucket:      aws.String(bucket),
				Key:         aws.String("a"),
				Body:        strings.NewReader(fmt.Sprint(i)),
				IfNoneMatch: aws.String("*"),
			})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if code(err) != "PreconditionFailed" {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 || len(s.seen) != 1 {
		t.Fatalf("%d won, %d announced", won, len(s.seen))
	}
}
