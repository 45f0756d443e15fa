package wire

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// TestSilenceOfS3 has a request that is never answered made again; an answer that has begun may
// take its time.
func TestSilenceOfS3(t *testing.T) {
	const limit = 200 * time.Millisecond
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Length", "2")
		_, _ = io.WriteString(w, "o")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(2 * limit)
		_, _ = io.WriteString(w, "k")
	}))
	defer server.Close()
	s := Settings{Region: "eu-central-1", AccessKey: "key", SecretKey: "secret", S3Endpoint: server.URL}
	out, err := s.s3(limit).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(out.Body); err != nil || string(text) != "ok" {
		t.Errorf("got %q, %v", text, err)
	}
	if requests.Load() != 2 {
		t.Errorf("%d requests, want one repeated", requests.Load())
	}
	client, ok := Settings{}.S3().Options().HTTPClient.(interface{ GetTransport() *http.Transport })
	if !ok || client.GetTransport().ResponseHeaderTimeout != beginWithin {
		t.Error("the client that functions use waits for ever")
	}
}
