package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"seatwise/infra/local/template"
	"seatwise/infra/registry"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/keyring"
	"seatwise/shared/platform/reply"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

// start is what the clock says at first: ahead of every real clock, by which a real server lets
// items expire.
var start = time.Date(2031, time.July, 15, 9, 30, 0, 0, time.UTC)

// slots is how many functions run at the same time at most; the one behind them is the checker's.
const slots = 5

// slot is one execution environment, as Lambda has them: functions that take one request after the
// other, a clock and a source of ids of their own.
type slot struct {
	sim    *simulation
	number int
	skew   time.Duration
	env    *app.Env
	// functions are those that were needed since the environment was made again, and remember what
	// they have read.
	functions map[string]app.Function
	// died is set when the last run crashed, and its process with it.
	died bool
	// run is what it is doing, nil while it is idle.
	run *run

	mu     sync.Mutex
	ids    int
	random *rand.Rand
}

// Random implements app.IDs.
func (s *slot) Random() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids++
	return fmt.Sprintf("%08x-0000-4000-8%03x-%012x", uint32(s.ids)*2654435761, s.number, s.ids)
}

// Ordered implements app.IDs. Its beginning is the slot's time, so the ids of two slots are in the
// order of their clocks only.
func (s *slot) Ordered() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids++
	ms := s.clock().UnixMilli()
	return fmt.Sprintf("%08x-%04x-7000-8%03x-%012x", ms>>16, ms&0xffff, s.number, s.ids)
}

func (s *slot) chance(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(n)
}

func (s *slot) clock() time.Time {
	s.sim.clocks.Lock()
	defer s.sim.clocks.Unlock()
	return s.sim.now.Add(s.skew)
}

// advance moves every clock.
func (m *simulation) advance(by time.Duration) {
	m.clocks.Lock()
	defer m.clocks.Unlock()
	m.now = m.now.Add(by)
}

// set moves one slot's clock away from the others'.
func (s *slot) set(skew time.Duration) {
	s.sim.clocks.Lock()
	defer s.sim.clocks.Unlock()
	s.skew = skew
}

// run is one invocation of a function, or the few requests that a client sends one after the other.
type run struct {
	number  int
	what    string
	account string // "" for a function that serves all of them
	// by is the admin of some cost centers whose requests they are; nil for the whole account's. asked is
	// the request under way, and reach what it has read that they are admin of.
	by      *caller
	asked   request
	reach   reach
	reaches []reach // all that the request has read
	beyond  bool    // they may not make it
	sights  *sights
	slot    *slot
	began   time.Time
	faults  *faulty.Store
	// seen has, of every item that the run has read or written, the commit that had written it
	// last.
	seen map[table.Key]int
	// faulted says that faults may befall it, so that it may answer 500 or 503.
	faulted  bool
	diskFull bool
	// decide replaces the faults that are drawn.
	decide func(faulty.Call) faulty.Fault
	// stalled is how many turns it is passed over yet.
	stalled int
	do      func(*run)
	// then looks at the outcome when the run has ended, in the scheduler's turn; it is not called
	// after a crash, which leaves no answer.
	then func(*run)
	// rival makes what another caller may do with the same thing at the same time; nil for none.
	rival func() *run
	// promised is the keyed request under way, of which the answer must be given again; again is
	// the one that this run repeats.
	promised, again *promise
	kept            bool
	// dry says that the request under way is a dry run, which commits nothing, and plan is that of the
	// one before it.
	dry  bool
	plan string
	// quoted is a quote that the run is about to order.
	quoted   string
	answers  []answer
	failure  error // of an event
	finished bool
}

// request is one HTTP request of a client.
type request struct {
	function, method, path string
	body                   any
	key                    string
}

type answer struct {
	request request
	status  int
	body    []byte
	hand    *hand // of an answer to an admin of some cost centers
}

func (a answer) good() bool { return a.status >= 200 && a.status < 300 }

// delivery is an event that waits to be handed to its function.
type delivery struct {
	function string
	info     files.Info
	at       time.Time
	tries    int
	done     bool
	// lost is when it was lost on its way; it comes again after a while.
	lost time.Time
}

// promise is an answer that a repetition of its request must get again (I10).
type promise struct {
	account string
	by      *caller
	answer  answer
	known   bool
	// repeated says that it was sent more than once, so that each may be told what another has done.
	repeated bool
	at       time.Time
	settled  int // how many runs had begun when the answer was known
	// made are the things that the request and its repetitions have made, by the action of the
	// audit log: one of a kind at most.
	made map[string]int
}

// simulation is one seed's world.
type simulation struct {
	seed      uint64
	random    *rand.Rand
	store     table.Store
	files     *bucket
	triggers  []template.Trigger // of template.yaml
	clocks    sync.Mutex         // of now and every slot's skew: the scheduler alone moves them
	now       time.Time
	slots     []*slot
	checker   *slot
	scheduler scheduler

	runs       int
	started    map[string]int
	succeeded  map[string]int
	statuses   map[int]int
	deliveries []*delivery
	handed     []*handed
	told       []*run         // that have ended in this turn
	dropped    map[string]int // number of the file that was dropped last, by account
	promises   []*promise
	soon       []*promise // to be repeated while they are under way
	rivals     []*run     // to be begun while what they contend with is under way
	events     map[string]int
	full       int // how often a disk was full
	renewed    int // execution environments that began again
	orphans    int // orders whose caller died before they were handed out
	quiesces   int
	mirror     mirror
	models     map[string]*model
	model      map[string]*ledger
	viewIDs    int
	viewed     map[string]map[string]bool // ids of views that were taken in, or were before, by account
	violation  error
	checks     int
	overtaken  int
	jumps      int
	twice      int
	// overwritten and late are how many versions of a dropped file came after an older one, and
	// after a newer one.
	overwritten, late int
}

// accounts are the tenants; their users' ids begin with the account, so that a stranger's name is
// seen.
var accounts = []string{"acme", "globex"}

// zones are those in which the accounts begin, one on each side of UTC; their first billing period
// goes on to nextPeriod.
var zones = map[string]string{"acme": "America/New_York", "globex": "Pacific/Auckland"}

// nextPeriod is before the second billing period of any account, in any zone: until then no change
// of the zone counts (requirements, section 12).
var nextPeriod = time.Date(2031, time.July, 31, 0, 0, 0, 0, time.UTC)

// settings are an account's, with a time zone and a bundle.
func settings(account, zone, bundle string) fields {
	return fields{
		"name":       account,
		"brand":      "RingCentral",
		"currency":   "USD",
		"timezone":   zone,
		"billingDay": 1,
		"bundle":     bundle,
	}
}

func users(account string) []string {
	list := make([]string, 7)
	for i := range list {
		list[i] = fmt.Sprintf("%s-u%d", account, i)
	}
	return list
}

func newSimulation(seed uint64, store table.Store) (*simulation, error) {
	declared, err := template.OfRepository()
	if err != nil {
		return nil, err
	}
	m := &simulation{
		triggers:  declared.Triggers,
		seed:      seed,
		random:    rand.New(rand.NewPCG(seed, 6)),
		store:     store,
		files:     newBucket(),
		now:       start,
		viewed:    map[string]map[string]bool{},
		started:   map[string]int{},
		succeeded: map[string]int{},
		statuses:  map[int]int{},
		model:     map[string]*ledger{},
		events:    map[string]int{},
		mirror:    mirror{items: map[table.Key]mirrored{}},
		models:    map[string]*model{},
		dropped:   map[string]int{},
	}
	m.scheduler = scheduler{trace: sha256.New(), fired: map[faulty.Fault]int{}}
	for i := range slots + 1 {
		s := &slot{
			sim:       m,
			number:    i,
			functions: map[string]app.Function{},
			random:    rand.New(rand.NewPCG(seed, uint64(i)+100)),
		}
		s.env = &app.Env{
			Table: gate{
				s,
			},
			Files:      shelf{s},
			Work:       post{s},
			Clock:      s.clock,
			IDs:        s,
			Log:        slog.New(slog.DiscardHandler),
			CursorKeys: keyring.Fixed([]byte("the cursor key of the simulation")),
			Version:    "simulation",
			Chance:     s.chance,
		}
		m.slots = append(m.slots, s)
	}
	m.checker, m.slots = m.slots[slots], m.slots[:slots]
	if err := m.settle(); err != nil {
		return nil, err
	}
	m.look()
	return m, nil
}

// settle makes the accounts with what every one of them has.
func (m *simulation) settle() error {
	for _, a := range accounts {
		m.model[a], m.models[a] = newLedger(), newModel(m, a)
		list := []request{
			{"AccountsFunction", http.MethodPut, "", settings(a, zones[a], "standard"), ""},
			{"PurchaseFunction", http.MethodPut, "/cost-centers/CC-1", map[string]any{"name": "One"}, ""},
			{"PurchaseFunction", http.MethodPut, "/cost-centers/CC-2", map[string]any{"name": "Two"}, ""},
			{"PurchaseFunction", http.MethodPut, "/cost-centers/CC-3", map[string]any{"name": "Three"}, ""},
		}
		for i, u := range users(a) {
			body := fields{"name": "User " + u, "roleIds": []string{"super-admin"}}
			if i%4 != 3 {
				body["costCenter"] = costs[i%4%2]
			}
			if slices.Contains(partly(a), u) {
				body["adminOfCostCenters"] = costs[i%2 : i%2+1]
			}
			list = append(
				list,
				request{
					"DirectoryFunction",
					http.MethodPut,
					"/users/" + u,
					body,
					"",
				},
			)
		}
		for _, r := range list {
			if got := m.checker.send(context.Background(), a, r); !got.good() {
				return fmt.Errorf("set up: %s %s: %d %s", r.method, r.path, got.status, got.body)
			}
		}
	}
	return nil
}

// planned is what the context of a request has the plan of a dry run under.
type planned struct{}

// send sends a request to the slot's function, as the gateway does once it has checked the token.
func (s *slot) send(ctx context.Context, account string, r request) answer {
	return s.sendAs(ctx, account, caller{user: callerOf(account, r.path)}, r)
}

// sendAs is send by this user of the account.
func (s *slot) sendAs(ctx context.Context, account string, by caller, r request) answer {
	var body io.Reader = http.NoBody
	if r.body != nil {
		data, err := json.Marshal(r.body)
		if err != nil {
			return answer{request: r, body: []byte(err.Error())}
		}
		body = bytes.NewReader(data)
	}
	ctx = reply.WithRequestID(ctx, s.Random())
	ctx = auth.With(ctx, by.principal(account))
	q := httptest.NewRequestWithContext(ctx, r.method, "/v1/accounts/"+account+r.path, body)
	if r.body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	if r.key != "" {
		q.Header.Set("Idempotency-Key", r.key)
	}
	if plan, _ := ctx.Value(planned{}).(string); plan != "" {
		q.Header.Set("If-Plan", plan)
	}
	w := httptest.NewRecorder()
	f, err := s.function(r.function)
	if err != nil {
		return answer{request: r, body: []byte(err.Error())}
	}
	f.HTTP.ServeHTTP(w, q)
	return answer{request: r, status: w.Code, body: w.Body.Bytes()}
}

// function is one of the slot's functions, made when it is first needed: a process of its own, as in
// AWS.
func (s *slot) function(name string) (app.Function, error) {
	if f, made := s.functions[name]; made {
		return f, nil
	}
	f, known := registry.Of(s.env)[name]
	if !known {
		return app.Function{}, fmt.Errorf("there is no %s", name)
	}
	s.functions[name] = f.Make()
	return s.functions[name], nil
}

// send is a request of the run; what it was told is lost when the function has crashed.
func (r *run) send(q request) answer {
	by := caller{user: callerOf(r.account, q.path)}
	if r.by != nil {
		by = *r.by
	}
	r.asked, r.reach, r.reaches = q, nil, nil
	a := r.slot.sendAs(context.WithValue(context.Background(), planned{}, r.plan), r.account, by, q)
	a.hand = r.told()
	r.answers = append(r.answers, a)
	return a
}

// begin starts a run on an idle slot.
func (m *simulation) begin(s *slot, r *run, rate float64) {
	m.runs++
	if s.died || m.random.IntN(60) == 0 {
		clear(s.functions) // processes that know nothing
		s.died = false
		m.renewed++
	}
	r.number, r.slot, r.began = m.runs, s, m.now
	m.started[r.what]++
	faults := faulty.All()
	seed := m.random.Uint64()
	decide := faulty.Seeded(seed, rate, faults...)
	if r.decide != nil {
		decide = r.decide
	}
	r.faulted = rate > 0 || r.decide != nil
	r.diskFull = rate > 0 && m.random.IntN(4) == 0
	r.seen = map[table.Key]int{}
	if r.by != nil {
		r.sights = m.models[r.account].glimpse()
	}
	r.faults = faulty.New(recorder{m, r}, func(c faulty.Call) faulty.Fault {
		f := decide(c)
		if f != faulty.None {
			m.scheduler.mu.Lock()
			m.scheduler.fired[f]++
			m.scheduler.mu.Unlock()
		}
		return f
	})
	s.run = r
	go func() {
		r.do(r)
		r.finished = true
	}()
}

// end takes up what has finished, in the order in which it began.
func (m *simulation) end() {
	var ended []*run
	for _, s := range m.slots {
		if s.run != nil && s.run.promised != nil && !s.run.kept {
			s.run.kept = true
			m.keep(s.run.promised)
		}
		if s.run != nil && s.run.quoted != "" && m.random.IntN(4) == 0 {
			m.rivals = append(m.rivals, m.orderAgain(s.run.account, s.run.quoted))
		}
		if s.run != nil {
			s.run.quoted = ""
		}
		if s.run != nil && s.run.finished {
			ended = append(ended, s.run)
			s.run = nil
		}
	}
	slices.SortFunc(ended, func(a, b *run) int { return a.number - b.number })
	for _, r := range ended {
		crashed := r.faults.Crashed()
		r.slot.died = r.slot.died || crashed
		for _, a := range r.answers {
			m.scheduler.fold(fmt.Sprintf("%d answered %d", r.number, a.status))
			if !crashed {
				m.statuses[a.status]++
			}
			for _, other := range accounts {
				if r.account != "" && other != r.account && bytes.Contains(a.body, []byte(other+"-u")) {
					m.fail(
						"I9: %s %s of %s answers with users of %s: %s",
						a.request.method,
						a.request.path,
						r.account,
						other,
						a.body,
					)
				}
			}
			if a.status == http.StatusInternalServerError && !r.faulted {
				m.fail("%s: %s %s answered 500 without a fault: %s", r.what, a.request.method, a.request.path, a.body)
			}
		}
		last := len(r.answers) - 1
		if !crashed && r.failure == nil && (last < 0 || r.answers[last].good()) {
			m.succeeded[r.what]++
		}
		if !crashed && r.then != nil {
			r.then(r)
		}
		if !crashed {
			m.told = append(m.told, r)
		}
		for _, info := range m.files.take() {
			m.created(info)
		}
	}
}

// keep remembers a keyed request, to be repeated at once or later.
func (m *simulation) keep(p *promise) {
	if m.promises = append(m.promises, p); len(m.promises) > 60 {
		m.promises = m.promises[1:]
	}
	if m.random.IntN(5) == 0 {
		m.soon = append(m.soon, p)
	}
}

// created is S3's notification of an object: template.yaml says to whom it goes.
func (m *simulation) created(info files.Info) {
	bucket := map[files.Bucket]string{files.Uploads: "UploadsBucket", files.Reports: "ReportsBucket"}[info.Bucket]
	for _, t := range m.triggers {
		if t.Bucket == bucket && t.Matches("ObjectCreated:Put", info.Key) {
			m.deliveries = append(m.deliveries, &delivery{function: t.Function, info: info, at: m.now})
		}
	}
}

func (m *simulation) fail(format string, args ...any) {
	if m.violation == nil {
		m.violation = fmt.Errorf(format, args...)
	}
}

// play runs a number of operations, faults among them, and lets everything come to rest in the
// middle and at the end, without faults, to look whether the world is as it must be.
func (m *simulation) play(operations, every int) {
	unchecked := 0
	for half := 1; half <= 2; half++ {
		for m.violation == nil && (m.runs < half*operations/2 || m.busy()) {
			m.passTime()
			if m.runs < half*operations/2 && m.random.IntN(3) > 0 {
				m.offer()
			}
			unchecked += m.turn()
			if unchecked >= every {
				unchecked = 0
				m.checkAll(false)
			}
		}
		if m.violation == nil {
			m.quiesces++
			m.quiesce()
		}
	}
	if m.violation == nil {
		m.closePeriods()
	}
}

func (m *simulation) busy() bool {
	return slices.ContainsFunc(m.slots, func(s *slot) bool { return s.run != nil })
}

// turn lets one call go on, and answers how many commits there were.
func (m *simulation) turn() int {
	synctest.Wait()
	before := m.mirror.made
	if !m.choose() || m.random.IntN(8) == 0 {
		nap()
		for _, s := range m.slots {
			if s.run != nil {
				s.run.stalled = max(0, s.run.stalled-20)
			}
		}
	}
	for _, s := range m.slots {
		if s.run != nil && s.run.stalled > 0 {
			s.run.stalled--
		}
	}
	synctest.Wait()
	m.end()
	m.look()
	for _, r := range m.told {
		m.verifyTold(r)
	}
	m.told = nil
	return m.mirror.made - before
}

// look hands the commits of this turn to the models, which check the invariants, and looks whether
// the store shows them.
func (m *simulation) look() {
	for _, c := range m.mirror.fresh {
		var keys []table.Key
		ops := map[string][]table.Operation{}
		for _, op := range c.ops {
			if op.Kind != table.KindCheck {
				keys = append(keys, op.Item.Key)
			}
			if account, _, _ := kindOfKey(op.Item.Key); account != "" {
				ops[account] = append(ops[account], op)
			}
		}
		for _, a := range accounts {
			if len(ops[a]) > 0 && m.violation == nil {
				m.checks++
				m.models[a].enter(&c, ops[a])
				m.glances(a, ops[a])
			}
		}
		if m.violation == nil {
			m.readBack(keys)
		}
	}
	m.mirror.fresh = nil
	if m.mirror.wrong != nil {
		m.fail("%w", m.mirror.wrong)
	}
	if m.mirror.broken != nil {
		m.fail("the store: %w", m.mirror.broken)
	}
}

// passTime moves the clocks: a little always, ten minutes either way now and then for one slot
// alone, and a worker is passed over until its lease has lapsed.
func (m *simulation) passTime() {
	m.advance(time.Duration(m.random.IntN(1500)) * time.Millisecond)
	s := m.slots[m.random.IntN(slots)]
	if s.run != nil && s.run.what == "event apply" && s.run.stalled == 0 && m.random.IntN(12) == 0 {
		s.run.stalled = 60
		m.advance(3 * time.Minute)
		m.overtaken++
		m.rivals = append(m.rivals, m.schedule("MassConfigurationApplyFunction")) // by whom it is overtaken
		return
	}
	switch m.random.IntN(400) {
	case 0:
		s.set(time.Duration(m.random.IntN(21)-10) * time.Minute)
		m.jumps++
	case 1:
		s.set(0)
	case 2:
		if s.run != nil {
			s.run.stalled = 60
			m.advance(3 * time.Minute)
			m.overtaken++
		}
	case 3, 4, 5, 6, 7, 8:
		if s.run != nil && s.run.account == "" { // a worker with a lease
			s.run.stalled = 60
			m.advance(3 * time.Minute)
			m.overtaken++
		}
	case 9:
		if m.random.IntN(6) == 0 {
			m.advance(7 * time.Hour)
		}
	}
}

// offer begins a random operation, if a slot is idle.
func (m *simulation) offer() {
	var idle []*slot
	for _, s := range m.slots {
		if s.run == nil {
			idle = append(idle, s)
		}
	}
	if len(idle) == 0 {
		return
	}
	rate := 0.0
	if m.random.IntN(4) == 0 {
		rate = pick(m, []float64{0.03, 0.15}) // late in a long operation, or early
	}
	m.begin(idle[m.random.IntN(len(idle))], m.operation(), rate)
}

// finish lets everything that runs come to its end.
func (m *simulation) finish() {
	for turns := 0; m.violation == nil && m.busy(); turns++ {
		m.turn()
		if turns > 200_000 {
			m.fail("it does not come to an end")
		}
	}
}

// alone runs one operation without faults to its end.
func (m *simulation) alone(r *run) {
	m.begin(m.slots[m.random.IntN(slots)], r, 0)
	m.finish()
}

// hash is the trace's so far.
func (m *simulation) hash() string { return hex.EncodeToString(m.scheduler.trace.Sum(nil))[:16] }
