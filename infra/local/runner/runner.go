// Package runner serves the whole application on one machine: it is API Gateway, its authorizer,
// S3, EventBridge and Lambda in one process, and holds to template.yaml as they do (contract, On
// one machine).
package runner

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"golang.org/x/net/netutil"

	"seatwise/infra/local/lines"
	"seatwise/infra/local/objects"
	"seatwise/infra/local/provider"
	"seatwise/infra/local/queue"
	"seatwise/infra/local/schedule"
	"seatwise/infra/local/template"
	"seatwise/infra/local/token"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/edge"
	"seatwise/shared/platform/keyring"
	"seatwise/shared/platform/signin"
	"seatwise/shared/platform/spent"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/table/dynamo"
	"seatwise/shared/platform/wire"
)

// Config says what to run, and where.
type Config struct {
	// Template is the path of template.yaml.
	Template string
	// Functions makes every function of the template, by logical id.
	Functions func(*app.Env) map[string]app.Function
	// Addr and S3Addr are host:port; port 0 takes any free one.
	Addr, S3Addr string
	// Data is the folder that keeps everything.
	Data string
	// NoSchedules leaves the template's schedules out.
	NoSchedules bool
	// DynamoDBEndpoint and S3Endpoint replace the embedded store and the embedded S3 server; empty
	// ones do not.
	DynamoDBEndpoint, S3Endpoint string
	// Region, AccessKey, SecretKey and SessionToken are for those endpoints; empty ones are those
	// of the embedded servers.
	Region, AccessKey, SecretKey, SessionToken string
	// Temp is a folder for files that nobody needs any more when the runner starts, and that it
	// empties then; empty for the system's own.
	Temp string
	// AllowedOrigins are those whose pages may call the API from a browser (CORS), as the
	// template's parameter of that name says in AWS.
	AllowedOrigins []string
	// Propose is account/user that the sign-in page has filled in, with all that an admin may do;
	// empty for nobody.
	Propose string
	// Out gets one line when everything is ready, and then Ready, if set, is told the address of
	// the API.
	Out   io.Writer
	Ready func(api string)
	Log   *slog.Logger
	Clock app.Clock
	// MoveClock, if set, moves the clock forward to a time, for whoever asks at /local/clock;
	// infra/demo makes a year pass by it. It refuses to move it back.
	MoveClock func(to time.Time) error
	// Concurrency is how many requests run at once; more wait a little and are then told too-busy.
	// 0 means 256.
	Concurrency int
	// RequestsPerMinute is how many requests of an account are taken in a minute, as the
	// template's parameter of that name says in AWS; 0 for any number.
	RequestsPerMinute uint64
	// Silence is how long a request's body may send nothing. 0 means 20 seconds.
	Silence time.Duration
}

const (
	defaultConcurrency = 256
	// workers is how many events are delivered at once.
	workers = 8
	// mostWork is how many accounts' work is done at once.
	mostWork = 4
	// grace is how long requests and deliveries may go on after a stop was asked for. A delivery
	// that is cut off comes again at the next start.
	grace = 10 * time.Second
	// sweepEvery is how often expired items are removed from the embedded store; DynamoDB promises
	// a few days.
	sweepEvery = time.Minute
	// lockWait is how long a start waits for a predecessor that is just stopping.
	lockWait = 500 * time.Millisecond

	tableName = "seatwise"
)

// pauses are the waits before an event is delivered again. AWS takes up to six hours for as many
// attempts; nobody waits that long at a kernel.
var pauses = []time.Duration{time.Second, 5 * time.Second, 20 * time.Second, time.Minute, 2 * time.Minute}

// bucketNames are the names of the template's buckets on one machine (docs/contract.md).
var bucketNames = map[string]string{"UploadsBucket": "seatwise-uploads", "ReportsBucket": "seatwise-reports"}

type function struct {
	fn   app.Function
	edge *edge.Edge
}

type runner struct {
	config    Config
	template  *template.Template
	router    *router
	env       *app.Env
	functions map[string]function
	authority *token.Authority
	provider  *provider.Provider
	address   string // of the API, as a URL
	queue     *queue.Queue
	work      *queue.Queue  // of the work of accounts; nil where the template has no such queue
	tally     table.Tally   // of the commits of all functions
	running   chan struct{} // one value for each running request

	state    *bbolt.DB
	lines    *lines.Log  // what the functions write of what they do
	meter    spent.Meter // of what accounts take of the table
	embedded *bolt.Store // nil where the table is another server's
	// stop undoes what start did, the latest first.
	stop []func() error
}

// Run serves until the context ends, then lets what runs finish and closes everything. It returns
// an error when it could not start, or a server failed.
func Run(ctx context.Context, c Config) (err error) {
	if c.Concurrency == 0 {
		c.Concurrency = defaultConcurrency
	}
	if c.Silence == 0 {
		c.Silence = defaultSilence
	}
	r := &runner{config: c, functions: map[string]function{}, running: make(chan struct{}, c.Concurrency)}
	defer func() {
		for _, undo := range slices.Backward(r.stop) {
			err = errors.Join(err, undo())
		}
	}()
	if r.template, err = load(c.Template); err != nil {
		return err
	}
	r.router = newRouter(r.template.Routes)
	apiListener, err := r.listen("--addr", c.Addr)
	if err != nil {
		return err
	}
	r.address = address(apiListener)
	var s3Listener net.Listener
	if c.S3Endpoint == "" {
		if s3Listener, err = r.listen("--s3-addr", c.S3Addr); err != nil {
			return err
		}
	}
	if err := r.openState(); err != nil {
		return err
	}
	settings := wire.Settings{
		Table:         tableName,
		UploadsBucket: bucketNames["UploadsBucket"],
		ReportsBucket: bucketNames["ReportsBucket"],
		Region:        region,
		AccessKey:     objects.AccessKey,
		SecretKey:     objects.SecretKey,
	}
	elsewhere := c.elsewhere(settings)
	if err := r.openTable(ctx, elsewhere); err != nil {
		return err
	}
	if s3Listener != nil {
		settings.S3Endpoint = address(s3Listener)
	} else {
		settings = elsewhere
	}
	r.env.Files, r.env.Objects = settings.OpenFiles(), settings.OpenKeeper()
	if err := r.openProvider(); err != nil {
		return err
	}
	if r.env.Console, err = r.console(settings.S3Endpoint); err != nil {
		return err
	}
	if err := r.build(); err != nil {
		return err
	}
	return r.serve(ctx, apiListener, s3Listener, settings)
}

// elsewhere is how servers are reached that are not the runner's own.
func (c Config) elsewhere(own wire.Settings) wire.Settings {
	own.DynamoDBEndpoint, own.S3Endpoint = c.DynamoDBEndpoint, c.S3Endpoint
	if c.AccessKey != "" {
		own.AccessKey, own.SecretKey, own.SessionToken = c.AccessKey, c.SecretKey, c.SessionToken
	}
	if c.Region != "" {
		own.Region = c.Region
	}
	return own
}

// load reads the template, and says where it looked for one that is not there.
func load(path string) (*template.Template, error) {
	t, err := template.Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s was not found: there is no %s; %s", filepath.Base(path), whole(path), chooseTemplate)
	}
	return t, err
}

// chooseTemplate is what can be done where the template is not that of the runner.
const chooseTemplate = "start the runner in its checkout, or name the file with --template"

// whole is a path that says where it is, whatever folder it is read in.
func whole(path string) string {
	if at, err := filepath.Abs(path); err == nil {
		return at
	}
	return path
}

// mostFaults is how many differences of a template are named: of something else it has all of them.
const mostFaults = 3

// agree refuses a function of the template that nobody makes, and one that is made and not in the
// template.
func agree(t *template.Template, made map[string]app.Function) error {
	var faults []string
	for id := range t.Functions {
		if _, ok := made[id]; !ok {
			faults = append(faults, id+" is in the template and not in infra/registry")
		}
	}
	for id := range made {
		if _, ok := t.Functions[id]; !ok {
			faults = append(faults, id+" is in infra/registry and not in the template")
		}
	}
	for _, id := range t.Buckets {
		if bucketNames[id] == "" {
			faults = append(faults, "bucket "+id+" has no name on one machine")
		}
	}
	if len(faults) == 0 {
		return nil
	}
	slices.Sort(faults)
	if more := len(faults) - mostFaults; more > 0 {
		faults = append(faults[:mostFaults], fmt.Sprintf("and %d more like these", more))
	}
	return errors.New(strings.Join(faults, "; "))
}

func (r *runner) listen(flag, addr string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("the address %s is taken; stop the other program or choose another %s", addr, flag)
	case err != nil:
		return nil, fmt.Errorf("cannot listen at %s %s: %w", flag, addr, err)
	}
	r.stop = append(r.stop, func() error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("close %s: %w", addr, err)
		}
		return nil
	})
	return l, nil
}

// address is the URL of a listener, as a client on this machine reaches it.
func address(l net.Listener) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return "http://" + l.Addr().String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// openState opens what the runner itself keeps in the data folder: the queue of events, the list of
// objects, and keys.
func (r *runner) openState() error {
	if err := os.MkdirAll(r.config.Data, 0o700); err != nil {
		return fmt.Errorf("cannot make the data folder: %w", err)
	}
	path := filepath.Join(r.config.Data, "runner.bolt")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf(
			"the data folder %s is in use by another Seatwise; stop it or choose another --data",
			r.config.Data,
		)
	case err != nil:
		return fmt.Errorf("cannot open %s: %w", path, err)
	}
	r.state = db
	r.stop = append(r.stop, db.Close)
	if err := r.clearTemp(); err != nil {
		return err
	}
	key, err := ownKey(filepath.Join(r.config.Data, "cursor.key"))
	if err != nil {
		return err
	}
	if r.authority, err = token.Open(filepath.Join(r.config.Data, "token-key.pem"), r.config.Clock); err != nil {
		return fmt.Errorf("cannot sign tokens: %w", err)
	}
	r.env = &app.Env{
		Clock: r.config.Clock, IDs: wire.IDs{}, Log: r.config.Log, Version: wire.Version,
		CursorKeys: keyring.Fixed(key),
		// The data folder is this process's alone, but for a table that is somewhere else.
		Process: wire.IDs{}.Random(), Alone: r.config.DynamoDBEndpoint == "",
		RequestsPerMinute: int64(min(r.config.RequestsPerMinute, math.MaxInt64)),
	}
	if r.lines, err = lines.Open(filepath.Join(r.config.Data, "lines"), r.config.Clock); err != nil {
		return err
	}
	r.stop = append(r.stop, r.lines.Close)
	r.env.Lines, r.env.SignIn = r.lines, everybody{}
	r.queue, err = queue.New(db, queue.Options{
		Clock:   r.config.Clock,
		IDs:     wire.IDs{},
		Log:     r.config.Log,
		Deliver: r.deliver,
		Workers: workers,
		Pauses:  pauses,
		Grace:   grace,
	})
	if err != nil {
		return err
	}
	return r.openWork()
}

// openWork opens the queue of the work of accounts, beside that of events, which it must not keep
// waiting.
func (r *runner) openWork() (err error) {
	if len(r.template.Sources) == 0 {
		return nil
	}
	if len(r.template.Sources) > 1 {
		return errors.New("the template has more than one queue that delivers to functions, and one machine has one")
	}
	source := r.template.Sources[0]
	r.work, err = queue.New(r.state, queue.Options{
		Name:    "work",
		Clock:   r.config.Clock,
		IDs:     wire.IDs{},
		Log:     r.config.Log,
		Deliver: r.deliver,
		Workers: min(source.Concurrency, mostWork),
		Pauses:  pauses[:min(source.Tries-1, len(pauses))],
		Grace:   grace,
	})
	if err != nil {
		return err
	}
	r.env.Work = queue.NewWork(r.work, source.Function)
	return nil
}

// clearTemp empties the folder of temporary files: a process that was killed has left its own
// there, and the data folder is nobody else's by now.
func (r *runner) clearTemp() error {
	if r.config.Temp == "" {
		return nil
	}
	if err := os.RemoveAll(r.config.Temp); err != nil {
		return fmt.Errorf("cannot empty %s: %w", r.config.Temp, err)
	}
	if err := os.MkdirAll(r.config.Temp, 0o700); err != nil {
		return fmt.Errorf("cannot make %s: %w", r.config.Temp, err)
	}
	return nil
}

// ownKey reads a key of the data folder, or makes it, so that what is signed or sealed with it
// outlives a restart.
func ownKey(path string) ([]byte, error) {
	const size = 32
	key, err := os.ReadFile(path)
	if err == nil && len(key) == size {
		return key, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read a key: %w", err)
	}
	key = make([]byte, size)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("cannot make a key: %w", err)
	}
	if err := os.WriteFile(path, key, 0o600); err != nil {
		return nil, fmt.Errorf("cannot write a key: %w", err)
	}
	return key, nil
}

// console is how the console reaches the API and the provider: in this process, as it does over
// HTTPS in AWS.
func (r *runner) console(uploads string) (app.Console, error) {
	key, err := ownKey(filepath.Join(r.config.Data, "session.key"))
	if err != nil {
		return app.Console{}, err
	}
	// The provider's own handlers need no turn either.
	mux := http.NewServeMux()
	r.provider.Routes(mux)
	mux.HandleFunc("GET /.well-known/jwks.json", r.authority.ServeKeys)
	return app.Console{
		API: inProcess{r}, Provider: &http.Client{Transport: intoHandler{mux}},
		Issuer: r.address, ClientID: provider.ClientID, Scopes: []string{"openid"}, UploadsOrigin: uploads,
		Keys: func(context.Context) ([][]byte, error) { return [][]byte{key}, nil },
	}, nil
}

func (r *runner) openTable(ctx context.Context, settings wire.Settings) error {
	if r.config.DynamoDBEndpoint != "" {
		if err := dynamo.EnsureTable(ctx, settings.DynamoDB(), tableName); err != nil {
			return fmt.Errorf("cannot use DynamoDB at %s: %w", r.config.DynamoDBEndpoint, err)
		}
		wire.Sweeping(settings, r.env)
		r.env.Table = r.meter.Store(settings.OpenTable(&r.tally))
		return nil
	}
	store, err := bolt.Open(filepath.Join(r.config.Data, "table.bolt"))
	if err != nil {
		return err
	}
	r.stop = append(r.stop, store.Close)
	r.env.Scan = store
	r.embedded, r.env.Table = store, r.meter.Store(table.Tallied(store, &r.tally))
	return nil
}

// build makes every function, and refuses what the template does not have, and a function that
// cannot serve what the template connects to it.
func (r *runner) build() error {
	made := r.config.Functions(r.env)
	if err := agree(r.template, made); err != nil {
		err = fmt.Errorf("%s is the template of another version, or of something else: %w; %s",
			whole(r.config.Template), err, chooseTemplate)
		return err
	}
	for id, fn := range made {
		r.functions[id] = function{fn, edge.New(fn, edge.Options{
			Name: id, Clock: r.env.Clock, Log: r.env.Log, Metrics: r.lines, Meter: &r.meter, Memory: 1,
		})}
	}
	for _, route := range r.template.Routes {
		if r.functions[route.Function].fn.HTTP == nil {
			return fmt.Errorf(
				"%s serves no HTTP, and the template has %s %s for it",
				route.Function,
				route.Method,
				route.Path,
			)
		}
	}
	served := func(id, event string) error {
		if r.functions[id].fn.Event == nil {
			return fmt.Errorf("%s takes no events, and the template has %s for it", id, event)
		}
		return nil
	}
	for _, t := range r.template.Triggers {
		if err := served(t.Function, t.Name); err != nil {
			return err
		}
	}
	for _, s := range r.template.Schedules {
		if err := served(s.Function, s.Name); err != nil {
			return err
		}
	}
	for _, s := range r.template.Sources {
		if r.functions[s.Function].fn.Message == nil {
			return fmt.Errorf("%s takes no messages, and the template has %s for it", s.Function, s.Name)
		}
	}
	return nil
}

// serve runs everything until the context ends or a server fails. The order of stopping is that of
// dependence: first nothing new comes in, then deliveries end, which read and write objects, then
// the S3 server.
func (r *runner) serve(ctx context.Context, apiListener, s3Listener net.Listener, settings wire.Settings) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 2)
	storage := settings.S3Endpoint
	if s3Listener != nil {
		store, err := objects.NewStore(r.state, filepath.Join(r.config.Data, "objects"), r.config.Clock, r.notify)
		if err != nil {
			return err
		}
		for _, name := range bucketNames {
			if err := store.EnsureBucket(name); err != nil {
				return fmt.Errorf("cannot make bucket %s: %w", name, err)
			}
		}
		stop := r.listenAndServe(s3Listener, r.uploads(objects.Server(store, r.config.Clock, wire.Clock)), failed)
		defer stop()
	}
	var background sync.WaitGroup
	// This is deferred before the API is, so it waits for deliveries after the API has stopped.
	defer background.Wait()
	defer cancel()
	if s3Listener == nil {
		watch, err := r.newWatch(ctx, settings.S3())
		if err != nil {
			return err
		}
		background.Go(func() { watch.run(ctx) })
	}
	background.Go(func() { r.runQueues(ctx) })
	background.Go(func() { r.sweep(ctx) })
	if !r.config.NoSchedules {
		for _, s := range r.template.Schedules {
			due, err := schedule.Parse(s.Expression)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", s.Function, s.Name, err)
			}
			background.Go(func() { r.runSchedule(ctx, s, due) })
		}
	}
	stop := r.listenAndServe(problemListener{apiListener}, r.crossOrigin(r.handler()), failed)
	defer stop()
	if _, err := fmt.Fprintf(
		r.config.Out,
		"Seatwise is ready: API %s, S3 %s, data in %s\n",
		address(apiListener),
		storage,
		r.config.Data,
	); err != nil {
		return fmt.Errorf("say that everything is ready: %w", err)
	}
	if r.config.Ready != nil {
		r.config.Ready(address(apiListener))
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// runQueues delivers events, and beside them the work of accounts.
func (r *runner) runQueues(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() { r.queue.Run(ctx) })
	if r.work != nil {
		both.Go(func() { r.work.Run(ctx) })
	}
	both.Wait()
}

// listenAndServe starts a server; the result stops it and waits for its requests.
func (r *runner) listenAndServe(l net.Listener, handler http.Handler, failed chan<- error) (stop func()) {
	server := &http.Server{
		Handler: paced(handler, r.config.Silence), ErrorLog: slog.NewLogLogger(r.config.Log.Handler(), slog.LevelWarn),
		// How long a body may take is paced's to say.
		ReadHeaderTimeout: 10 * time.Second, WriteTimeout: answerTime, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
	}
	go func() {
		if err := server.Serve(netutil.LimitListener(l, mostConnections)); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("the server at %s: %w", l.Addr(), err)
		}
	}()
	return func() {
		// The context of the run has ended; this is for what is still running.
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			r.config.Log.WarnContext(ctx, "requests cut off at the stop", "error", err)
			_ = server.Close() // it is what a cut off is
		}
	}
}

// sweep removes expired items from the embedded store, as DynamoDB does automatically.
func (r *runner) sweep(ctx context.Context) {
	if r.embedded == nil {
		return
	}
	timer := time.NewTicker(sweepEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			if _, err := r.embedded.Sweep(ctx, r.config.Clock()); err != nil && ctx.Err() == nil {
				r.config.Log.WarnContext(ctx, "expired items not removed", "error", err)
			}
		}
	}
}

// everybody is the identity provider of one machine: whoever is in a directory can sign in, so nobody
// needs to be made.
type everybody struct{}

var _ signin.Provider = everybody{}

func (everybody) Invite(context.Context, signin.Person) error { return nil }
