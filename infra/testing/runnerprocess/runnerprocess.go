// Package runnerprocess runs infra/local for tests as what it is for a person: a process, built once,
// that is started, stopped and killed.
package runnerprocess

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// startWait bounds how long the runner may take to say that it is ready, on a machine that runs
	// other tests at the same time.
	startWait = time.Minute
	// stopWait bounds a clean stop.
	stopWait = 30 * time.Second
)

// Built is the environment variable that names a runner that is built already, as
// infra/testing/once does for all packages. Without it each test process builds its own.
const Built = "SEATWISE_TEST_RUNNER"

// folder is where the runner was built, for Main to remove.
var folder string

// build makes the runner once for each test process.
var build = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv(Built); bin != "" {
		return bin, nil
	}
	var err error
	if folder, err = os.MkdirTemp("", "seatwise-local-"); err != nil {
		return "", err
	}
	bin := filepath.Join(folder, "local")
	return bin, Build(context.Background(), bin)
})

// Build builds the runner to a file.
func Build(ctx context.Context, bin string) error {
	out, err := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", bin, "seatwise/infra/local").
		CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the runner: %w: %s", err, out)
	}
	return nil
}

// Program is the runner, built; it is gone when Main returns.
func Program(t testing.TB) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// Main runs a package's tests and removes the runner that they built; TestMain hands its result to
// os.Exit.
func Main(m *testing.M) int {
	code := m.Run()
	if folder != "" {
		if err := os.RemoveAll(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

// Options say how to start the runner.
type Options struct {
	// Data is the folder of its data; those who start it again give the same one.
	Data string
	// Args come after the addresses and the folder.
	Args []string
	// Env is added to the environment of the test.
	Env []string
	// API and S3 are the addresses to listen on, host:port; 127.0.0.1 with any free port if they
	// are empty.
	API, S3 string
}

// ready is the line that the runner prints when it is.
var ready = regexp.MustCompile(`^Seatwise is ready: API (\S+), S3 (\S+), data in .+\n$`)

// Runner is a started runner.
type Runner struct {
	// API and S3 are where it listens, as URLs.
	API, S3 string

	cmd     *exec.Cmd
	out     *output
	ended   chan struct{} // closed when the process is gone
	waitErr error         // of the process; set before ended is closed
}

// Command is the runner's command, not started, in the folder that it reads template.yaml from. It
// ends with the test.
func Command(t testing.TB, o Options) *exec.Cmd {
	t.Helper()
	bin := Program(t)
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range []*string{&o.API, &o.S3} {
		if *addr == "" {
			*addr = "127.0.0.1:0"
		}
	}
	cmd := exec.CommandContext(
		t.Context(),
		bin,
		append([]string{"--addr", o.API, "--s3-addr", o.S3, "--data", o.Data}, o.Args...)...,
	)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), o.Env...)
	return cmd
}

// Start starts the runner and waits until it is ready. It ends with the test at the latest.
func Start(t testing.TB, o Options) *Runner {
	t.Helper()
	return Run(t, Command(t, o), syscall.SIGKILL)
}

// Run starts a command that runs the runner, and waits until that is ready. The signal ends it with
// the test at the latest: for a command that hands signals on, such as make, one that it can catch.
func Run(t testing.TB, cmd *exec.Cmd, last os.Signal) *Runner {
	t.Helper()
	r := &Runner{cmd: cmd, out: &output{line: make(chan struct{})}, ended: make(chan struct{})}
	// of the command's context, which ends just before the cleanup runs
	cmd.Cancel = func() error { return cmd.Process.Signal(last) }
	cmd.WaitDelay = stopWait
	cmd.Stdout, cmd.Stderr = r.out, &r.out.errors
	if err := cmd.Start(); err != nil {
		t.Fatalf("start the runner: %v", err)
	}
	go func() {
		r.waitErr = cmd.Wait()
		close(r.ended)
	}()
	t.Cleanup(func() {
		r.end(last)
		if t.Failed() {
			t.Logf("the runner said:\n%s", r.Said())
		}
	})
	deadline := time.NewTimer(startWait)
	defer deadline.Stop()
	select {
	case <-r.out.line: // The one line that it prints when it is ready.
	case <-r.ended:
		t.Fatalf("the runner ended unasked: %v: %s", r.waitErr, r.Said())
	case <-deadline.C:
		t.Fatalf("the runner was not ready after %s: %s", startWait, r.Said())
	}
	where := ready.FindStringSubmatch(r.Printed())
	if where == nil {
		t.Fatalf("the runner does not say where it listens: %q", r.Printed())
	}
	r.API, r.S3 = where[1], where[2]
	if err := answers(t.Context(), r.API); err != nil {
		t.Fatalf("the runner says that it is ready: %v", err)
	}
	return r
}

// Stop asks the runner to stop, as a person or a supervisor does, and demands that it does so
// cleanly.
func (r *Runner) Stop(t testing.TB) {
	t.Helper()
	r.end(syscall.SIGTERM)
	if r.waitErr != nil {
		t.Fatalf("after SIGTERM the runner ended with %v: %s", r.waitErr, r.Said())
	}
}

// Kill ends the runner between any two of its instructions.
func (r *Runner) Kill() { r.end(syscall.SIGKILL) }

func (r *Runner) end(signal os.Signal) {
	_ = r.cmd.Process.Signal(signal) // It may be gone already.
	deadline := time.NewTimer(stopWait)
	defer deadline.Stop()
	select {
	case <-r.ended:
		return
	case <-deadline.C:
	}
	_ = r.cmd.Process.Kill()
	<-r.ended
}

// Said is what the runner wrote so far: its standard output and then its log.
func (r *Runner) Said() string { return r.out.String() + r.out.errors.String() }

// Printed is what the runner wrote to its standard output.
func (r *Runner) Printed() string { return r.out.String() }

// output keeps what the runner prints, and tells when the first line is whole.
type output struct {
	errors text

	text
	line chan struct{}
	once sync.Once
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.text.Write(p)
	if bytes.IndexByte(p, '\n') >= 0 {
		o.once.Do(func() { close(o.line) })
	}
	return n, err
}

// text is a buffer that is safe for concurrent use.
type text struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *text) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *text) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Root is the folder of the module.
func Root() (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at, nil
		}
		up := filepath.Dir(at)
		if up == at {
			return "", errors.New("no go.mod above the working directory")
		}
		at = up
	}
}

func answers(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v1/health", http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET /v1/health answers %s", resp.Status)
	}
	return nil
}
