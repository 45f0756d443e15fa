package programs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// process is a server to launch.
type process struct {
	command func(port string) []string
	ready   func(ctx context.Context, url string) error
	scratch string // a folder to remove when the server is gone; may be empty
}

// guard runs a command until its own standard input ends, which is when the test process that holds
// the other end is gone, killed or not. Then it kills the command and removes the scratch folder.
// It ends early when the command does.
const guard = `exec 3<&0
scratch=$1; shift
"$@" 3<&- </dev/null &
child=$!
{ cat <&3 >/dev/null; kill -9 $child; if [ -n "$scratch" ]; then sleep 1; rm -rf "$scratch"; fi; } 2>/dev/null &
exec 3<&-
wait $child`

// launch starts the server on a free port and returns its URL when it is ready.
func launch(ctx context.Context, p process) (url string, err error) {
	const attempts = 3 // Another process may take the port between the choice and the start.
	for range attempts {
		if url, err = launchOnce(ctx, p); err == nil {
			return url, nil
		}
	}
	return "", err
}

func launchOnce(ctx context.Context, p process) (string, error) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		return "", &missing{"no sh found to watch over it"}
	}
	port, err := freePort(ctx)
	if err != nil {
		return "", err
	}
	var output record
	// It outlives every test's context and ends with the process.
	cmd := exec.Command(sh, append([]string{"-c", guard, "guard", p.scratch}, p.command(port)...)...)
	cmd.Stdout, cmd.Stderr = &output, &output
	if _, err := cmd.StdinPipe(); err != nil { // Held open by cmd until the process ends.
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	ended := make(chan error, 1)
	// It also keeps cmd, and with it the pipe that the guard reads, from the garbage collector.
	go func() { ended <- cmd.Wait() }()

	url := "http://127.0.0.1:" + port
	deadline := time.NewTimer(startWait)
	defer deadline.Stop()
	for {
		err := p.ready(ctx, url)
		if err == nil {
			return url, nil
		}
		select {
		case waitErr := <-ended:
			return "", errors.Join(fmt.Errorf("it ended unasked: %s", output.tail()), waitErr)
		case <-deadline.C:
			return "", fmt.Errorf("not ready after %s: %w: %s", startWait, err, output.tail())
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func freePort(ctx context.Context) (string, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// answers says whether anything speaks HTTP at url.
func answers(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// listsTables says whether a DynamoDB API at url works, its native libraries included. The
// signature is well formed and wrong, which these servers do not mind.
func listsTables(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	req.Header.Set("X-Amz-Date", "20260101T000000Z")
	req.Header.Set(
		"Authorization",
		"AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, Signature=0",
	)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1000))
	err = errors.Join(err, resp.Body.Close())
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answers %s: %s", resp.Status, body)
	}
	return err
}

// record keeps the end of what a server prints.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	const most = 64 << 10
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.buf.Len()+len(p) > most {
		r.buf.Reset()
	}
	return r.buf.Write(p)
}

func (r *record) tail() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return tail(r.buf.Bytes())
}
