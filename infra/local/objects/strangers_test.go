package objects_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// A presigned URL is good for what was signed: a header of S3's own beside it is refused, as S3
// refuses it (403 AccessDenied, "There were headers present in the request which were not signed").
// Otherwise whoever may upload one file could make it a copy of somebody else's.
func TestUnsignedHeadersAreRefused(t *testing.T) {
	s := start(t, t.TempDir())
	s.put("uploads/other/secret.csv", "secret")
	for _, name := range []string{
		"X-Amz-Copy-Source",
		"X-Amz-Acl",
		"X-Amz-Meta-Who",
		"X-Amz-Tagging",
		"X-Amz-Website-Redirect-Location",
		"X-Amz-Object-Lock-Mode",
		"X-Amz-Storage-Class",
		"X-Amz-Metadata-Directive", "X-Amz-Content-Sha256", "X-Amz-Date",
	} {
		signed, err := s3.NewPresignClient(s.local()).PresignPutObject(context.Background(), &s3.PutObjectInput{
			Bucket: aws.String(bucket), Key: aws.String("uploads/acme/1/x.csv"),
		}, s3.WithPresignExpires(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		for _, with := range []bool{true, false} {
			request, err := http.NewRequestWithContext(context.Background(), http.MethodPut, signed.URL,
				strings.NewReader("mine"))
			if err != nil {
				t.Fatal(err)
			}
			if with {
				request.Header.Set(name, "/"+bucket+"/uploads/other/secret.csv")
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if want := map[bool]int{true: 403, false: 200}[with]; response.StatusCode != want ||
				with && !strings.Contains(string(body), "not signed") {
				t.Errorf("%s %v: %d %s", name, with, response.StatusCode, body)
			}
		}
	}
}

// The AWS CLI asks before it sends, also when there is nothing to send, and waits for the answer.
func TestContinueOfAnEmptyFile(t *testing.T) {
	s := start(t, t.TempDir())
	signed, err := s3.NewPresignClient(s.local()).PresignPutObject(context.Background(), &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String("drops/acme/empty.csv"),
	}, s3.WithPresignExpires(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(s.http.URL, "http://")
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(signed.URL, s.http.URL)
	_, err = fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n",
		path, address)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	for _, want := range []int{100, 200} {
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Fatalf("%d, want %d", answer.StatusCode, want)
		}
	}
}

// A full disk is a 503, which clients repeat, and no fault of the server.
func TestFullDisk(t *testing.T) {
	s := start(t, t.TempDir())
	for why, want := range map[error]int{
		fmt.Errorf("write body: %w", syscall.ENOSPC):             503,
		errors.New("file resize error: no space left on device"): 503,
		errors.New("something else"):                             500,
	} {
		s.mu.Lock()
		s.refuse = why
		s.mu.Unlock()
		_, err := s.local().
			PutObject(context.Background(),
				&s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("x"), Body: strings.NewReader("x")})
		var answered interface{ HTTPStatusCode() int }
		if !errors.As(err, &answered) || answered.HTTPStatusCode() != want {
			t.Errorf("%v: %v", why, err)
		}
	}
}

// A key that is not UTF-8 is refused, as S3 refuses it.
func TestKeysAreUTF8(t *testing.T) {
	s := start(t, t.TempDir())
	signed, err := s3.NewPresignClient(s.local()).PresignPutObject(context.Background(), &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String("drops/acme/a\xff.csv"),
	}, s3.WithPresignExpires(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPut, signed.URL, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusBadRequest || len(s.seen) != 0 {
		t.Errorf("%d, %v", response.StatusCode, s.seen)
	}
}
