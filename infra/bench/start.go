package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
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
	// most is how many times the processor time of the bare Lambda an API function may take until
	// its first poll; mostPages the console, which has pages too; mostWorkbooks what links excelize.
	most          = 1.3
	mostPages     = 1.5
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

// beginning is what a program took from exec to its first poll.
type beginning struct {
	clock time.Duration
	// processor is the time of all its threads, in the program and in the system. Whatever else the
	// machine does at the time adds little to it, unlike to the clock's.
	processor time.Duration
}

// start runs a program until its first poll. What the Go runtime says of its package variables goes
// to trace, if that is not nil.
func (r *runtimeAPI) start(ctx context.Context, p program, operations int, trace io.Writer) (beginning, error) {
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
	if trace != nil {
		cmd.Env = append(cmd.Env, "GODEBUG=inittrace=1")
		cmd.Stderr = trace
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return beginning{}, fmt.Errorf("start %s: %w", p.name, err)
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
		used := cmd.ProcessState
		return beginning{clock: at.Sub(began), processor: used.UserTime() + used.SystemTime()}, nil
	case <-ended:
		return beginning{}, errors.Join(fmt.Errorf("%s ended before its first poll", p.name), waitErr)
	}
}

// coldStart is how one function starts, beside a bare Lambda with as many operations.
type coldStart struct {
	program
	own, bare beginning // medians
	limit     float64
	// allocated is what package variables allocate before main, in bytes, and bareAllocated those of
	// the bare Lambda; heaviest are the packages that most of it is for.
	allocated, bareAllocated int64
	heaviest                 []string
}

func (c coldStart) ratio() float64 { return float64(c.own.processor) / float64(c.bare.processor) }
func (c coldStart) ok() bool       { return c.ratio() <= c.limit }

// measureStart starts function and bare Lambda by turns. One that takes too long is given more
// runs, twice, and all runs count: a machine that was busy is not a slow function.
func measureStart(ctx context.Context, r *runtimeAPI, fn, bare program, runs int) (coldStart, error) {
	c := coldStart{program: fn, limit: most}
	switch {
	case fn.workbooks:
		c.limit = mostWorkbooks
	case fn.name == "ConsoleFunction":
		c.limit = mostPages
	}
	var err error
	// The first pair brings the files into memory, and tells what is allocated: always the same.
	if c.allocated, c.heaviest, err = r.allocations(ctx, fn, 0); err != nil {
		return c, err
	}
	if c.bareAllocated, _, err = r.allocations(ctx, bare, fn.operations); err != nil {
		return c, err
	}
	var own, base []beginning
	for range 3 {
		for range runs {
			a, b, err := r.pair(ctx, fn, bare)
			if err != nil {
				return c, err
			}
			own, base = append(own, a), append(base, b)
		}
		if c.own, c.bare = median(own), median(base); c.ok() {
			break
		}
	}
	return c, nil
}

// pair starts a function, and then the bare Lambda with as many operations.
func (r *runtimeAPI) pair(ctx context.Context, fn, bare program) (own, base beginning, err error) {
	if own, err = r.start(ctx, fn, 0, nil); err == nil {
		base, err = r.start(ctx, bare, fn.operations, nil)
	}
	return own, base, err
}

// initialized is a line of the runtime about one package:
// init net/http @6.4 ms, 0.022 ms clock, 4712 bytes, 49 allocs
var initialized = regexp.MustCompile(`(?m)^init (\S+) @.* (\d+) bytes, \d+ allocs$`)

// allocations tells what a program's package variables allocate before main, in bytes, and the
// three packages that allocate most.
func (r *runtimeAPI) allocations(ctx context.Context, p program, operations int) (int64, []string, error) {
	var trace bytes.Buffer
	if _, err := r.start(ctx, p, operations, &trace); err != nil {
		return 0, nil, err
	}
	type share struct {
		name  string
		bytes int64
	}
	var all []share
	var sum int64
	for _, line := range initialized.FindAllStringSubmatch(trace.String(), -1) {
		n, err := strconv.ParseInt(line[2], 10, 64)
		if err != nil {
			return 0, nil, fmt.Errorf("read what %s allocates: %w", p.name, err)
		}
		all, sum = append(all, share{line[1], n}), sum+n
	}
	slices.SortFunc(all, func(a, b share) int { return cmp.Compare(b.bytes, a.bytes) })
	var heaviest []string
	for _, s := range all[:min(3, len(all))] {
		heaviest = append(heaviest, fmt.Sprintf("%s %d KB", s.name, s.bytes/1000))
	}
	return sum, heaviest, nil
}

// median is that of each figure alone. It leaves the runs as they are.
func median(runs []beginning) beginning {
	of := func(figure func(beginning) time.Duration) time.Duration {
		all := make([]time.Duration, len(runs))
		for i, r := range runs {
			all[i] = figure(r)
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return beginning{
		clock:     of(func(b beginning) time.Duration { return b.clock }),
		processor: of(func(b beginning) time.Duration { return b.processor }),
	}
}
