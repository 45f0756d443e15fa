package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"text/tabwriter"
	"time"

	"go.etcd.io/bbolt"

	"seatwise/infra/testing/inmemory"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/keyring"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/wire"
	"seatwise/shared/report"
	"seatwise/shared/report/reportbuilder"
	"seatwise/shared/usage"
)

// onlyUsage is the value of -only that measures usage and the report alone.
const onlyUsage = "usage"

const (
	// The account of issue 5: a number of active users, a tenth of them viewers, and a number of views
	// in a window, and a tenth of them to compare with.
	usageUsers = 20_000
	usageViews = 1_000_000
	usageDays  = usage.DefaultDays
	// queueMembers and boardQueues say how the users are spread: each is in two queues.
	queueMembers = 200
	boardQueues  = 40

	// leastOfBare and mostHeap are the bounds of the report: its speed as a part of a bare
	// StreamWriter's, and bytes of heap.
	leastOfBare = 0.7
	mostHeap    = 200 << 20
)

var errUsage = errors.New("usage or the report costs more than it may")

// usageStep is one thing that was measured.
type usageStep struct {
	name string
	cost cost
	time time.Duration
	heap uint64 // the most heap in use; only of the report
}

// usageRun is an account with its steps: ingesting all views, one run of the aggregation, the
// summary, the report.
type usageRun struct {
	users, views                      int
	ingest, aggregate, summary, build usageStep
	active                            int64
}

// usageCosts measures a month of usage with many views and with a tenth of them, over the embedded
// store, and the report's writer beside a bare one.
func usageCosts(ctx context.Context, out io.Writer) error {
	var runs []usageRun
	for _, views := range []int{usageViews / 10, usageViews} {
		r, err := usageOverBolt(ctx, usageUsers, views)
		if err != nil {
			return fmt.Errorf("%d views: %w", views, err)
		}
		runs = append(runs, r)
	}
	if err := printUsage(out, runs[0], runs[1]); err != nil {
		return err
	}
	if err := crowdCosts(ctx, out, crowds); err != nil {
		return err
	}
	return printWriter(ctx, out)
}

func printUsage(out io.Writer, few, many usageRun) error {
	fmt.Fprintf(
		out,
		"Usage of %d days in an account of %d active users, by the calls and estimated capacity units "+
			"of the embedded store.\nTimes are of this machine, with the table in memory. Each view of a call "+
			"is of another user, and a tenth of the\nusers view, which is the dearest case. The aggregation is "+
			"one run at the end of the last day, with all views of that\nday. The report "+
			"includes reading all that it shows.\n\n",
		usageDays,
		many.users,
	)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "step\tviews\treads\tcommits\tunits read\tunits written\ttime\tper view\t\t")
	failed := false
	judge := func(ok bool) string {
		if ok {
			return "PASS"
		}
		failed = true
		return "FAIL"
	}
	for _, r := range []usageRun{few, many} {
		printStep(w, r, r.ingest, r.views, "")
		printStep(w, r, r.aggregate, r.views/usageDays, "")
		same := judge(sameCost(few.summary.cost, r.summary.cost) && sameCost(few.build.cost, r.build.cost))
		printStep(w, r, r.summary, 0, same)
		printStep(w, r, r.build, 0, same)
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	heap := max(few.build.heap, many.build.heap)
	fmt.Fprintf(
		out,
		"Heap while the report of %d users is built: %s at the peak, at most %s: %s\n",
		many.active,
		megabytes(int64(heap)),
		megabytes(mostHeap),
		judge(heap <= mostHeap),
	)
	if failed {
		return errUsage
	}
	return nil
}

// printStep writes the row of one step; perView is 0 for a step that views do not share.
func printStep(w io.Writer, r usageRun, s usageStep, perView int, verdict string) {
	per := ""
	if perView > 0 {
		per = fmt.Sprintf(
			"%.3f reads, %.3f commits, %.2f units",
			float64(s.cost.calls().reads)/float64(perView),
			float64(s.cost.commits)/float64(perView),
			(s.cost.reads+s.cost.writes)/float64(perView),
		)
	}
	fmt.Fprintf(
		w,
		"%s\t%d\t%d\t%d\t%.0f\t%.0f\t%s\t%s\t%s\t\n",
		s.name,
		r.views,
		s.cost.calls().reads,
		s.cost.commits,
		s.cost.reads,
		s.cost.writes,
		s.time.Round(time.Millisecond),
		per,
		verdict,
	)
}

// sameCost allows for nothing but a hundredth of the units read, which go by bytes.
func sameCost(few, many cost) bool {
	return few.calls() == many.calls() && few.writes == many.writes && many.reads <= 1.01*few.reads
}

var ofBare = regexp.MustCompile(`([0-9.]+) bare-rows/s\s+([0-9.]+) of-bare\s+([0-9.]+) rows/s`)

// printWriter runs the benchmark of the workbook's writer, which writes the same cells with a bare
// StreamWriter by turns: only tests may import excelize beside shared/craft/workbook.
func printWriter(ctx context.Context, out io.Writer) error {
	measure := exec.CommandContext(
		ctx, "go", "test", "./shared/craft/workbook", "-run", "^$", "-bench", "^BenchmarkDetail$", "-benchtime", "5x",
	)
	text, err := measure.CombinedOutput()
	if err != nil {
		return fmt.Errorf("measure the writer: %w: %s", err, bytes.TrimSpace(text))
	}
	found := ofBare.FindSubmatch(text)
	if found == nil {
		return fmt.Errorf("measure the writer: unexpected answer %q", text)
	}
	ratio, err := strconv.ParseFloat(string(found[2]), 64)
	if err != nil {
		return fmt.Errorf("measure the writer: %w", err)
	}
	verdict := "PASS"
	if ratio < leastOfBare {
		verdict, err = "FAIL", errUsage
	}
	fmt.Fprintf(
		out,
		"Writing the report's rows: %s a second, a bare StreamWriter of the same cells %s: %.2f of its speed, at least %.1f: %s\n\n",
		found[3],
		found[1],
		ratio,
		leastOfBare,
		verdict,
	)
	return err
}

// month is an account under way.
type month struct {
	env       *app.Env
	now       time.Time
	meter     *meter
	usage     *usage.Service
	directory *directory.Service
}

func (m *month) call() *call.Call {
	c := call.ForEvent(m.env, "acme", "bench", "bench", m.now)
	c.RequestID = m.env.IDs.Random()
	return c
}

// measure notes what a step costs.
func (m *month) measure(name string, step func() error) (usageStep, error) {
	m.meter.take()
	began := time.Now()
	err := step()
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return usageStep{name: name, cost: m.meter.take(), time: time.Since(began)}, err
}

// usageOverBolt furnishes an account and lets a month go by in it.
func usageOverBolt(ctx context.Context, users, views int) (r usageRun, err error) {
	folder, err := os.MkdirTemp(inmemory.Folder(), "seatwise-bench-")
	if err != nil {
		return r, err
	}
	defer func() { _ = os.RemoveAll(folder) }() // it is in the folder for temporary files
	store, err := bolt.Open(filepath.Join(folder, "table.bolt"))
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	db, err := bbolt.Open(filepath.Join(folder, "objects.bolt"), 0o600, nil)
	if err != nil {
		return r, fmt.Errorf("open the list of objects: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var w walker
	address, stop, err := w.serveObjects(ctx, db, filepath.Join(folder, "objects"))
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	settings := wire.Settings{
		UploadsBucket: uploads,
		ReportsBucket: reports,
		Region:        "us-east-1",
		AccessKey:     "local",
		SecretKey:     "local",
		S3Endpoint:    address,
	}

	m := &month{meter: &meter{}, now: time.Date(2026, time.September, 1, 8, 0, 0, 0, time.UTC)}
	m.env = &app.Env{
		Table: table.Counted(
			store,
			m.meter.heard,
		),
		Files:      settings.OpenFiles(),
		Clock:      func() time.Time { return m.now },
		IDs:        wire.IDs{},
		Log:        slog.New(slog.DiscardHandler),
		CursorKeys: keyring.Fixed([]byte("the cursor key of the bench")),
		Version:    "bench",
	}
	kernel := license.NewService(catalog.Default())
	m.directory = directory.NewService(m.env, kernel)
	m.usage = usage.NewService(m.env, kernel, m.directory)
	r = usageRun{users: users, views: views}
	if err := m.furnish(ctx, users); err != nil {
		return r, fmt.Errorf("furnish: %w", err)
	}
	if err := m.pass(ctx, &r); err != nil {
		return r, err
	}
	return r, m.report(ctx, &r)
}

func userID(i int) string { return fmt.Sprintf("user%05d", i) }

// furnish makes users, queues and dashboards through their services.
func (m *month) furnish(ctx context.Context, users int) error {
	_, err := account.NewService(m.env, license.NewService(catalog.Default())).Put(ctx, m.call(), account.Settings{
		Name: "Acme", Brand: "RingCentral", Currency: "USD", Timezone: "UTC", BillingDay: 1, Bundle: account.Standard,
	})
	if err != nil {
		return err
	}
	members := make([][]string, (users+queueMembers-1)/queueMembers)
	for i := range users {
		u := directory.User{
			ID:        userID(i),
			Name:      fmt.Sprintf("Person %05d", i),
			Extension: strconv.Itoa(10_000 + i),
			Active:    true,
		}
		if i < viewersOf(users) {
			u.RoleIDs = []string{directory.SuperAdmin}
		}
		if _, err := m.directory.PutUser(ctx, m.call(), u); err != nil {
			return err
		}
		for _, q := range []int{i / queueMembers, (i*7 + 3) % len(members)} {
			members[q] = append(members[q], u.ID)
		}
	}
	queues := make([]string, len(members))
	for q := range members {
		queues[q] = fmt.Sprintf("queue%03d", q)
		if _, err := m.directory.PutQueue(ctx, m.call(), queues[q], "Queue "+queues[q], members[q]); err != nil {
			return err
		}
	}
	n := 0
	for some := range slices.Chunk(queues, boardQueues) {
		d := directory.Dashboard{ID: boardID(n), Name: "Board " + strconv.Itoa(n), QueueIDs: some}
		if _, err := m.directory.PutDashboard(ctx, m.call(), d); err != nil {
			return err
		}
		n++
	}
	return m.directory.Resume(ctx, "")
}

func viewersOf(users int) int { return max(1, users/10) }
func boardsOf(users int) int {
	return ((users+queueMembers-1)/queueMembers + boardQueues - 1) / boardQueues
}
func boardID(n int) string { return "board" + strconv.Itoa(n) }

// pass takes in the views day by day, folds every day at its end, and asks for the summary in the
// end.
func (m *month) pass(ctx context.Context, r *usageRun) (err error) {
	first, n := m.now.Truncate(24*time.Hour), 0
	r.ingest.name = "take in all views"
	for d := range usageDays {
		m.now = first.AddDate(0, 0, d).Add(23 * time.Hour)
		step, err := m.measure(r.ingest.name, func() error {
			for n < r.views*(d+1)/usageDays {
				events := make([]usage.Event, 0, usage.MaxEvents)
				for ; len(events) < usage.MaxEvents && n < r.views*(d+1)/usageDays; n++ {
					viewer := n % viewersOf(r.users) // who views views one dashboard, however often
					events = append(events, usage.Event{
						ID: "view" + strconv.Itoa(
							n,
						),
						UserID:      userID(viewer),
						DashboardID: boardID(viewer % boardsOf(r.users)),
						At:          m.now.Add(-time.Duration(n%80_000) * time.Second),
					})
				}
				receipt, err := m.usage.Take(ctx, m.call(), events)
				if err != nil {
					return err
				}
				if receipt.Accepted != len(events) {
					return fmt.Errorf("%d of %d views accepted", receipt.Accepted, len(events))
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		r.ingest.add(step)
		r.aggregate, err = m.measure(
			"aggregate once",
			func() error { return m.usage.AggregateAccount(ctx, "acme", m.now) },
		)
		if err != nil {
			return err
		}
	}
	r.summary, err = m.measure("summary of 30 days", func() error {
		w, _, err := m.usage.Recent(ctx, m.call())
		if err == nil {
			r.active = w.ActiveUsers
		}
		return err
	})
	return err
}

func (s *usageStep) add(more usageStep) {
	s.time += more.time
	s.cost.gets += more.cost.gets
	s.cost.batches += more.cost.batches
	s.cost.queries += more.cost.queries
	s.cost.commits += more.cost.commits
	s.cost.reads += more.cost.reads
	s.cost.writes += more.cost.writes
}

// report builds the report of the last 30 days and watches the heap meanwhile.
func (m *month) report(ctx context.Context, r *usageRun) error {
	asked, err := report.NewService(m.env).Create(ctx, m.call(), "", "")
	if err != nil {
		return err
	}
	builder := reportbuilder.New(m.env, report.NewService(m.env), m.directory, m.usage)
	peak := watchHeap()
	r.build, err = m.measure("report of 30 days", func() error { return builder.Build(ctx, "acme", asked.ID) })
	r.build.heap = peak()
	if err != nil {
		return err
	}
	done, err := report.NewService(m.env).Get(ctx, m.call(), asked.ID)
	if err == nil && done.State != report.Ready {
		err = fmt.Errorf("the report is %s: %s", done.State, done.Failure)
	}
	return err
}

// heapInUse is the heap that is in use, in bytes.
func heapInUse() uint64 {
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return now.HeapInuse
}

// watchHeap collects garbage, and then watches the heap that is in use.
func watchHeap() (peak func() uint64) {
	runtime.GC()
	return watch(heapInUse)
}

// watch samples something until the returned function is called, which tells the most that it was.
func watch(sample func() uint64) (peak func() uint64) {
	stop := make(chan struct{})
	var most uint64
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, sample())
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	})
	return func() uint64 {
		close(stop)
		done.Wait()
		return most
	}
}
