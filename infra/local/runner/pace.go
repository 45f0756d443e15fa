package runner

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const (
	// defaultSilence is how long a body may send nothing, and how long it may take to come up to
	// leastRate: S3 cuts off a connection that is silent for some 20 seconds.
	defaultSilence = 20 * time.Second
	// leastRate is the least that a body sends, in bytes a second: a file of 20 MiB may take 42
	// minutes.
	leastRate = 8 << 10
	// answerTime is how long an answer may take to be read, from the end of the request's body on.
	answerTime = 5 * time.Minute
	// mostConnections is how many connections each address holds at once; others wait for one to
	// end. What a connection may hold before its token was looked at is its headers, 64 KiB at
	// most, so this bounds what strangers can make the runner hold.
	mostConnections = 1024
)

// paced hands on requests whose bodies are cut off when they come too slowly: a handler that reads
// one gets os.ErrDeadlineExceeded.
func paced(next http.Handler, silence time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			body := &pacedBody{
				ReadCloser: r.Body,
				w:          http.NewResponseController(w),
				silence:    silence,
				began:      time.Now(),
			}
			body.wait()   // also for what the server reads and throws away of a body that nobody wanted
			limited := *r // the server looks into its own
			limited.Body = body
			r = &limited
		}
		next.ServeHTTP(w, r)
	})
}

// pacedBody is a body with a deadline for each read. Its time is the machine's, whatever the
// runner's clock says: deadlines of connections are.
type pacedBody struct {
	io.ReadCloser
	w       *http.ResponseController
	silence time.Duration
	began   time.Time
	read    int64
}

func (b *pacedBody) wait() {
	_ = b.w.SetReadDeadline(time.Now().Add(b.silence)) // every connection of an http.Server can
}

func (b *pacedBody) Read(p []byte) (int, error) {
	if late := time.Since(b.began) - b.silence; late > 0 && b.read < int64(late.Seconds()*leastRate) {
		_ = b.w.SetReadDeadline(time.Now()) // the server shall not wait for the rest either
		return 0, fmt.Errorf("a body of less than %d bytes a second: %w", leastRate, os.ErrDeadlineExceeded)
	}
	b.wait()
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if errors.Is(err, io.EOF) {
		_ = b.w.SetReadDeadline(time.Time{}) // from here on the connection is watched for its end only
		_ = b.w.SetWriteDeadline(time.Now().Add(answerTime))
	}
	return n, err
}
