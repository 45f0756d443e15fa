package kills

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"seatwise/infra/testing/parts"
	"seatwise/infra/testing/runnerprocess"
)

var (
	kills = flag.Int("kills", parts.Sized(3, 10), "how often the runner is killed")
	seed  = flag.Uint64("seed", 1,
		"what clients and the moments of the kills are drawn from; how they meet is left to chance")
	every = flag.Int("every", 50,
		"kills between two checks of everything; what was just acknowledged is checked after every kill")
)

func TestMain(m *testing.M) { os.Exit(runnerprocess.Main(m)) }

const (
	accounts = 4
	// desks is how many clients an account has. They share its seats, and each has users, queues
	// and files of its own, so that what it was last told of them must be there.
	kernels = 2
	// shortest and longest are when the kill comes after the runner is ready: while it takes up
	// what it left, while clients look for what they were told, or under load.
	shortest, longest = 40 * time.Millisecond, 1300 * time.Millisecond
	// soon is a kill so early that one more comes before it, while the runner is still starting.
	soon = 200 * time.Millisecond
	// later is when the scheduled functions are run, by their event: whoever was at work before the
	// kill has been silent for longer than any lease.
	later = 10 * time.Minute
	// patience bounds the wait for what continues automatically.
	patience = 90 * time.Second
	// requestLease is how long a request of several commits that was killed is said to be running.
	requestLease = time.Minute
	// long is how many kills make a round whose end waits for the lease of what was killed last.
	long = 100
)

// world is one round.
type world struct {
	t       *testing.T
	options runnerprocess.Options
	clients []*client
	figures figures
	failed  atomic.Bool
}

// figures count what was done, by all clients.
type figures struct {
	acknowledged, refused, unknown, applied, repeated, replayed, mismatched, looked, unanswered, stillborn atomic.Int64

	orders, large, bulks, masses, drops, reports, views atomic.Int64
}

func (w *world) String() string {
	f := &w.figures
	return fmt.Sprintf(
		"%d more kills before the runner was ready; %d requests acknowledged, %d refused; %d without an answer, of which %d had taken effect and %d were done by their repetition; "+
			"%d answers repeated to the byte, %d keys refused for another body; %d resources looked at after a kill; "+
			"%d orders, %d of them of several commits; %d bulk calls, %d mass configurations, %d file drops, %d reports, %d deliveries of views",
		f.stillborn.Load(),
		f.acknowledged.Load(),
		f.refused.Load(),
		f.unknown.Load(),
		f.applied.Load(),
		f.repeated.Load(),
		f.replayed.Load(),
		f.mismatched.Load(),
		f.looked.Load(),
		f.orders.Load(),
		f.large.Load(),
		f.bulks.Load(),
		f.masses.Load(),
		f.drops.Load(),
		f.reports.Load(),
		f.views.Load(),
	)
}

// fail reports a violation; the round ends with the kill that is under way.
func (w *world) fail(format string, args ...any) {
	w.failed.Store(true)
	w.t.Errorf(format, args...)
}

// TestKills is one round.
func TestKills(t *testing.T) {
	random := rand.New(rand.NewPCG(*seed, 0))
	// The addresses stay, as those of a server do: clients and presigned URLs find it again.
	w := &world{t: t, options: runnerprocess.Options{
		Data: t.TempDir(), Args: []string{"--no-schedules", "--log-level", "ERROR"}, API: address(t), S3: address(t),
	}}
	base, storage := "http://"+w.options.API, "http://"+w.options.S3
	for n := range accounts * kernels {
		w.clients = append(
			w.clients,
			newClient(w, base, storage, fmt.Sprintf("account-%d", n/kernels), n%kernels,
				rand.New(rand.NewPCG(*seed, uint64(1+n)))),
		)
	}
	began := time.Now()
	for kill := 1; kill <= *kills && !w.failed.Load(); kill++ {
		after := shortest + time.Duration(random.Int64N(int64(longest-shortest)))
		whole := kill%*every == 0
		if !t.Run(
			fmt.Sprintf("kill %d after %d ms", kill, after.Milliseconds()),
			func(t *testing.T) { w.cycle(t, kill == 1, whole, after) },
		) {
			w.failed.Store(true)
		}
		if whole {
			t.Logf("%d kills in %s: %v", kill, time.Since(began).Round(time.Second), w)
		}
	}
	if w.failed.Load() {
		t.Fatalf("after: %v", w)
	}
	t.Run("the end", w.end)
	t.Logf("%d kills in %s: %v", *kills, time.Since(began).Round(time.Second), w)
	if n := w.figures.unanswered.Load(); n > 0 {
		t.Logf("%d requests are still said to be running, as their leases of a minute are", n)
	}
}

// address is an address that is free now, with a port below those that the system gives to clients.
func address(t *testing.T) string {
	t.Helper()
	for range 100 {
		// not the seed's choice: another round may run at the same time
		at := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(10_000))
		var config net.ListenConfig
		if l, err := config.Listen(t.Context(), "tcp", at); err == nil {
			l.Close()
			return at
		}
	}
	t.Fatal("no free port")
	return ""
}

// cycle starts the runner on what the last kill left, lets the clients look and go on, and kills
// it.
func (w *world) cycle(t *testing.T, first, whole bool, after time.Duration) {
	if !first && after < soon {
		w.stillborn(t, after)
	}
	r := runnerprocess.Start(t, w.options)
	if first {
		w.together(func(c *client) { c.open(t) })
	}
	if whole {
		w.check(t)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		w.together((*client).work)
	}()
	functions := make(chan struct{})
	go func() {
		defer close(functions)
		time.Sleep(after / 3)
		w.finish(false)
	}()
	time.Sleep(after)
	r.Kill()
	<-over
	<-functions
	if whole {
		sound(t, w.options.Data)
	}
}

// stillborn starts the runner and kills it before it is ready.
func (w *world) stillborn(t *testing.T, after time.Duration) {
	t.Helper()
	cmd := runnerprocess.Command(t, w.options)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after / 8)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the runner ended unasked")
	}
	w.figures.stillborn.Add(1)
}

// together runs something for all clients at once.
func (w *world) together(do func(*client)) {
	var all sync.WaitGroup
	for _, c := range w.clients {
		all.Go(func() { do(c) })
	}
	all.Wait()
}

// finish runs the scheduled functions that finish what a crash left. demanded says that nobody
// takes the runner away meanwhile.
func (w *world) finish(demanded bool) {
	c := runnerprocess.NewClient("http://" + w.options.API)
	for _, function := range []string{"MaintenanceFunction", "MassConfigurationApplyFunction"} {
		event := map[string]any{
			"version":     "0",
			"id":          "7bf73129-1428-4cd3-a780-95db273d1602",
			"detail-type": "Scheduled Event",
			"source":      "aws.events",
			"account":     "123456789012",
			"time": time.Now().
				Add(later).
				UTC().
				Format(time.RFC3339),
			"region":    "us-east-1",
			"resources": []string{},
			"detail":    map[string]any{},
		}
		if demanded { // as a person asks, who waits until it is done
			event = map[string]any{"time": event["time"]}
		}
		a, err := c.Send(context.Background(), http.MethodPost, "/2015-03-31/functions/"+function+"/invocations",
			event, nil)
		if demanded && (err != nil || a.Status != http.StatusOK) {
			w.fail("%s: %d %s, %v", function, a.Status, a.Body, err)
		}
		// Beside the load it may be beaten to something; what it leaves, its next run finishes.
		// Alone it has no excuse.
		if err == nil && demanded && a.Header.Get("X-Amz-Function-Error") != "" {
			w.t.Logf("%s: %s", function, a.Body)
		}
	}
}

// end lets everything come to its end and looks at all of it.
func (w *world) end(t *testing.T) {
	r := runnerprocess.Start(t, w.options)
	w.check(t)
	w.settle(t)
	w.audit(t)
	r.Stop(t)
	sound(t, w.options.Data)
}

// sound has bbolt check every page of the files.
func sound(t *testing.T, data string) {
	t.Helper()
	for _, name := range []string{"table.bolt", "runner.bolt"} {
		db, err := bbolt.Open(filepath.Join(data, name), 0o600,
			&bbolt.Options{ReadOnly: true, Timeout: 10 * time.Second, PreLoadFreelist: true})
		if err != nil {
			t.Fatal(err)
		}
		err = db.View(func(tx *bbolt.Tx) error {
			for fault := range tx.Check() {
				t.Errorf("%s: %v", name, fault)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		db.Close()
	}
}
