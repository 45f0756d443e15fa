package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	// pollPath is what a function's process asks first (Lambda Runtime API).
	pollPath = "/2018-06-01/runtime/invocation/next"
	// startWait bounds one start.
	startWait = 20 * time.Second
	// most is how many times as long as the bare Lambda a function may take (issue 2), and
	// mostWorkbooks one that links excelize.
	most          = 1.5
	mostWorkbooks = 2.5
)

// runtimeAPI is a Lambda Runtime API that has no work: it notes when it is asked first, and lets
// the asker wait.
type runtimeAPI struct {
	address string
	server  *http.Server

	mu     sync.Mutex
	polled chan time.Time
}

func newRuntimeAPI(ctx context.Context) (*runtimeAPI, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	r := &runtimeAPI{address: l.Addr().String()}
	r.server = &http.Server{Handler: http.HandlerFunc(r.serve), ReadHeaderTimeout: startWait}
	go func() { _ = r.server.Serve(l) }() // it ends when it is closed
	return r, nil
}

func (r *runtimeAPI) close() error { return r.server.Close() }

func (r *runtimeAPI) serve(w http.ResponseWriter, req *http.Request) {
	now := time.Now()
	if req.URL.Path != pollPath {
		http.NotFound(w, req)
		return
	}
	r.mu.Lock()
	if r.polled != nil {
		r.polled <- now
		r.polled = nil
	}
	r.mu.Unlock()
	<-req.Context().Done()
}

// start runs a program until its first poll, and answers how long that took from exec.
func (r *runtimeAPI) start(ctx context.Context, p program, operations int) (time.Duration, error) {
	polled := make(chan time.Time, 1)
	r.mu.Lock()
	r.polled = polled
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path)
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + r.address,
		"AWS_LAMBDA_FUNCTION_NAME=" + p.name,
		"AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=bench",
		"AWS_SECRET_ACCESS_KEY=bench",
		"TABLE_NAME=bench",
		"UPLOADS_BUCKET=uploads",
		"REPORTS_BUCKET=reports",
		"CURSOR_KEY=0123456789abcdef",
		"LOG_LEVEL=ERROR",
		"BARE_OPERATIONS=" + strconv.Itoa(operations),
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start %s: %w", p.name, err)
	}
	ended := make(chan struct{})
	var waitErr error // set before ended is closed
	go func() {
		waitErr = cmd.Wait()
		close(ended)
	}()
	select {
	case at := <-polled:
		cancel()
		<-ended
		return at.Sub(began), nil
	case <-ended:
		return 0, errors.Join(fmt.Errorf("%s ended before its first poll", p.name), waitErr)
	}
}

// coldStart is how one function starts, beside a bare Lambda with as many operations.
type coldStart struct {
	program
	own, bare time.Duration // first quartiles
	limit     float64
}

func (c coldStart) ratio() float64 { return float64(c.own) / float64(c.bare) }
func (c coldStart) ok() bool       { return c.ratio() <= c.limit }

// measureStart starts function and bare Lambda by turns, so that whatever else the machine does
// meets both alike. One that takes too long is given more runs, twice, and all runs count: a
// machine that was busy is not a slow function.
func measureStart(ctx context.Context, r *runtimeAPI, fn, bare program, runs int) (coldStart, error) {
	c := coldStart{program: fn, limit: most}
	if fn.workbooks {
		c.limit = mostWorkbooks
	}
	// The first pair only brings the files into memory.
	if _, _, err := r.pair(ctx, fn, bare); err != nil {
		return c, err
	}
	var own, base []time.Duration
	for range 3 {
		for range runs {
			a, b, err := r.pair(ctx, fn, bare)
			if err != nil {
				return c, err
			}
			own, base = append(own, a), append(base, b)
		}
		if c.own, c.bare = quartile(own), quartile(base); c.ok() {
			break
		}
	}
	return c, nil
}

// pair starts a function, and then the bare Lambda with as many operations.
func (r *runtimeAPI) pair(ctx context.Context, fn, bare program) (own, base time.Duration, err error) {
	if own, err = r.start(ctx, fn, 0); err == nil {
		base, err = r.start(ctx, bare, fn.operations)
	}
	return own, base, err
}

// quartile is the first one: whatever else the machine does only ever adds to a start, so the
// faster half tells more of the program than the slower one, and its median more than its best. It
// sorts in place.
func quartile(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/4]
}
