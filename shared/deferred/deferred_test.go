package deferred_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seatwise/infra/registry"
	"seatwise/infra/testing/dynamostore"
	"seatwise/infra/testing/fixtures"
	"seatwise/infra/testing/memoryfiles"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/plan"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

// desk is an account with a role of three people, and what carries out what is deferred.
type desk struct {
	*fixtures.Fixture
	t       *testing.T
	box     *memoryfiles.Box
	handler http.Handler
	worker  app.Function
	// slow says that the directory of who holds what answers no request in time, and commits counts what
	// was committed.
	slow    bool
	commits int
}

func openDesk(t *testing.T) *desk { return deskOn(t, fixtures.New(t)) }

func deskOn(t *testing.T, f *fixtures.Fixture) *desk {
	t.Helper()
	d := &desk{Fixture: f, t: t, box: memoryfiles.New(memoryfiles.Serve(t))}
	d.Env.Table = faulty.New(d.Env.Table, func(c faulty.Call) faulty.Fault {
		if c.Ops != nil {
			d.commits++
		}
		held := func(k table.Key) bool { return strings.Contains(k.Partition, "#HOLDER") }
		if d.slow && slices.ContainsFunc(c.Keys, held) {
			return faulty.TimeoutBefore
		}
		return faulty.None
	})
	d.Env.Files = d.box
	d.worker = registry.One(d.Env, "DeferredFunction")
	d.handler = api.Serve(d.Env, registry.Routes(d.Env)...).HTTP
	d.must(d.send(http.MethodPut, "/roles/agent", role("client-desktop")))
	for _, id := range []string{"ann", "bob", "eve"} {
		d.must(d.send(http.MethodPut, "/users/"+id, map[string]any{"name": id, "roleIds": []string{"agent"}}))
	}
	return d
}

func role(products ...string) map[string]any {
	return map[string]any{"name": "Agent", "permissions": []string{}, "licenses": products}
}

func (d *desk) must(r fixtures.Response) fixtures.Response {
	d.t.Helper()
	if r.Status < 200 || r.Status > 299 {
		d.t.Fatalf("%d %s", r.Status, r.Body)
	}
	return r
}

func (d *desk) ask(r fixtures.Request) fixtures.Response {
	d.t.Helper()
	if r.User == "" {
		r.User, r.Permissions = "ada", auth.Permissions()
	}
	return d.Do(d.t, d.handler, r)
}

func (d *desk) send(method, path string, body any) fixtures.Response {
	d.t.Helper()
	return d.ask(fixtures.Request{Method: method, Path: "/v1/accounts/" + d.Account + path, Body: body})
}

const folder = "/v1/accounts/acme/deferred/"

// The dry run of these tests gives three people another product.
const dry = "/roles/agent?dryRun=true"

var other = role("client-desktop", "essential-user")

// putOff asks for the dry run when it takes too long, and is where its outcome is told.
func (d *desk) putOff() string {
	d.t.Helper()
	d.slow = true
	defer func() { d.slow = false }()
	r := d.send(http.MethodPut, dry, other)
	told := fixtures.Decode[plan.Deferred](d.t, r, http.StatusAccepted)
	location := r.Header.Get("Location")
	if told.State != plan.Queued || told.Percent != 0 || location != "/v1/accounts/acme/deferred/"+told.ID {
		d.t.Fatalf("%+v at %q", told, location)
	}
	return location
}

// wake delivers what was put to wake up the worker.
func (d *desk) wake() (delivered [][]byte, err error) {
	for _, info := range d.box.Take() {
		event := memoryfiles.Event(info, d.Clock.Now())
		delivered = append(delivered, event)
		err = errors.Join(err, d.worker.Event(d.t.Context(), event))
	}
	return delivered, err
}

func (d *desk) read(location string) plan.Deferred {
	d.t.Helper()
	return fixtures.Decode[plan.Deferred](d.t, d.ask(fixtures.Request{Path: location}), http.StatusOK)
}

// sameNew compares what is told, but for the ids of licenses that would be made: each dry run makes its own.
var sameNew = cmp.Transformer("states", func(licenses []plan.LicenseEffect) []string {
	var states []string
	for _, l := range licenses {
		states = append(states, fmt.Sprintf("%+v to %+v", l.Before, *l.After))
	}
	slices.Sort(states)
	return states
})

// kept is what became of a deferred request, for whoever may not ask any more.
func (d *desk) kept(location string) plan.Deferred {
	d.t.Helper()
	kept, err := plan.DeferredOf(d.t.Context(), d.box, d.Account, location[len(folder):], d.Clock.Now())
	if err != nil || kept.Told.Problem == nil {
		d.t.Fatalf("%v: %+v", err, kept)
	}
	return kept.Told
}

// foretold is the answer to a dry run.
type foretold struct {
	Effects plan.Effects `json:"effects"`
	Plan    string       `json:"plan"`
}

func TestADryRunThatTakesTooLong(t *testing.T) { tooLong(t, openDesk(t)) }

// The same over the DynamoDB API.
func TestADryRunThatTakesTooLongOnDynamoDB(t *testing.T) {
	tooLong(t, deskOn(t, fixtures.On(t, dynamostore.Open(t))))
}

// A dry run that takes longer than its time is deferred. Its outcome is that of the direct one, its plan holds
// the request to it, and nothing is changed by it (requirements, section 12).
func tooLong(t *testing.T, d *desk) {
	t.Helper()
	direct := fixtures.Decode[foretold](t, d.send(http.MethodPut, dry, other), http.StatusOK)
	if len(direct.Effects.Users) != 3 {
		t.Fatalf("the direct dry run tells %+v", direct.Effects)
	}
	commits := d.commits
	location := d.putOff()
	if told := d.read(location); told.State != plan.Queued || told.Effects != nil {
		t.Errorf("before the worker: %+v", told)
	}
	if _, err := d.wake(); err != nil {
		t.Fatal(err)
	}
	told := d.read(location)
	if told.State != plan.Ready || told.Percent != 100 || told.Problem != nil || told.Effects == nil {
		t.Fatalf("after it: %+v", told)
	}
	if diff := cmp.Diff(direct.Effects, *told.Effects, sameNew); diff != "" || told.Plan != direct.Plan {
		t.Errorf("deferred it tells otherwise; plan %q, directly %q (-direct +deferred):\n%s", told.Plan, direct.Plan, diff)
	}
	if d.commits != commits {
		t.Errorf("%d commits", d.commits-commits)
	}
	d.must(d.ask(fixtures.Request{
		Method: http.MethodPut, Path: "/v1/accounts/acme/roles/agent", Body: other,
		Header: map[string]string{"If-Plan": told.Plan},
	}))
}

// What becomes of a deferred request is told to who asked, and is not there for anybody else.
func TestWhatWasDeferredIsForWhoAsked(t *testing.T) {
	d := openDesk(t)
	location := d.putOff()
	none := folder + "00000000-0000-4000-8000-000000000000"
	missing := fixtures.Problem(t, d.ask(fixtures.Request{Path: none}), http.StatusNotFound, "not-found")
	for who, r := range map[string]fixtures.Request{
		"another user":                        {User: "eve", Permissions: auth.Permissions()},
		"a user of the same name, from afar":  {User: "ada", Account: fixtures.Other, Permissions: auth.Permissions()},
		"the same in the account of another":  {Path: strings.Replace(location, "acme", fixtures.Other, 1)},
		"an id that is none":                  {Path: none + "x"},
		"an id that climbs out of its folder": {Path: folder + "..%2Facme%2F" + location[len(folder):]},
	} {
		if r.Path == "" {
			r.Path = location
		}
		got := fixtures.Problem(t, d.ask(r), http.StatusNotFound, "not-found")
		if diff := cmp.Diff(missing.Document, got.Document); diff != "" {
			t.Errorf("%s (-missing +got):\n%s", who, diff)
		}
	}
	outsider := fixtures.Request{Path: location, User: "ada", Account: fixtures.Other}
	fixtures.Problem(t, d.ask(outsider), http.StatusNotFound, "not-found")
	d.read(location)
}

// A worker that dies, wherever, is run again; who asks meanwhile is told that it is under way. A wake-up that
// comes once more does nothing.
func TestAWorkerThatDiesIsRunAgain(t *testing.T) {
	d := openDesk(t)
	location := d.putOff()
	wakeUp := d.box.Take()[0]
	event := memoryfiles.Event(wakeUp, d.Clock.Now())
	d.box.FailAt(0)
	if err := d.worker.Event(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	calls := d.box.Calls()
	want := d.read(location)
	for at := 1; at <= calls; at++ {
		location := d.putOff()
		event := memoryfiles.Event(d.box.Take()[0], d.Clock.Now())
		d.box.FailAt(at)
		if err := d.worker.Event(t.Context(), event); !errors.Is(err, memoryfiles.ErrDown) {
			t.Fatalf("call %d: %v", at, err)
		}
		d.box.FailAt(0)
		if told := d.read(location); told.State != plan.Queued && told.State != plan.Running {
			t.Fatalf("call %d: %+v", at, told)
		}
		if err := d.worker.Event(t.Context(), event); err != nil {
			t.Fatal(err)
		}
		got := d.read(location)
		got.ID = want.ID
		if diff := cmp.Diff(want, got, sameNew); diff != "" {
			t.Errorf("call %d (-never died +died):\n%s", at, diff)
		}
	}
	d.must(d.send(http.MethodPut, "/users/eve", map[string]any{"name": "eve", "roleIds": []string{}}))
	if err := d.worker.Event(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, d.read(location)); diff != "" {
		t.Errorf("after the same wake-up once more (-before +after):\n%s", diff)
	}
}

// A fault that passes has it tried again; what takes longer than the worker has, too, is told as that.
func TestWhatTheWorkerCannotDo(t *testing.T) {
	d := openDesk(t)
	location := d.putOff()
	d.slow = true
	delivered, err := d.wake()
	d.slow = false
	if err == nil || d.read(location).State != plan.Running {
		t.Fatalf("%v: %+v", err, d.read(location))
	}
	over, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	if err := d.worker.Event(over, delivered[0]); err == nil {
		t.Error("a worker without any time has told something")
	}
	if err := d.worker.Event(t.Context(), delivered[0]); err != nil || d.read(location).State != plan.Ready {
		t.Errorf("%v: %+v", err, d.read(location))
	}
	location = d.putOff()
	short, end := context.WithTimeout(t.Context(), 5*time.Second) // all of which it keeps for telling
	defer end()
	if err := d.worker.Event(short, memoryfiles.Event(d.box.Take()[0], d.Clock.Now())); err != nil {
		t.Fatal(err)
	}
	told := d.read(location)
	if told.State != plan.Failed || told.Problem == nil || !strings.Contains(told.Problem.Detail, "longer than") {
		t.Errorf("of what takes too long: %+v", told)
	}
}

// One that has not ended in an hour was given up, and after a day nobody is told of it.
func TestWhatIsNeverFinishedSaysSo(t *testing.T) {
	d := openDesk(t)
	location := d.putOff()
	d.Clock.Add(time.Hour - time.Second)
	if told := d.read(location); told.State != plan.Queued {
		t.Errorf("within an hour: %+v", told)
	}
	d.Clock.Add(time.Second)
	told := d.read(location)
	if told.State != plan.Failed || told.Percent != 100 || told.Problem == nil ||
		!strings.Contains(told.Problem.Detail, "given up") {
		t.Errorf("after an hour: %+v", told)
	}
	if _, err := d.wake(); err != nil || d.read(location).Effects != nil {
		t.Errorf("a wake-up that is too late: %v, %+v", err, d.read(location))
	}
	d.Clock.Add(23 * time.Hour)
	fixtures.Problem(t, d.ask(fixtures.Request{Path: location}), http.StatusNotFound, "not-found")
}

// It is carried out as the request would be by then: what it is refused is what its dry run is refused.
func TestWhatIsRefusedBehindTheAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		header    map[string]string
		meanwhile func(d *desk)
		status    int
		slug      string
	}{
		"the caller may no longer": {nil, func(d *desk) {
			d.must(d.send(http.MethodPatch, "/users/lea", map[string]any{"roleIds": []string{}}))
		}, http.StatusForbidden, "forbidden"},
		"another version": {map[string]string{"If-Match": `"1"`}, func(d *desk) {
			d.must(d.send(http.MethodPatch, "/roles/agent", map[string]any{"name": "Other"}))
		}, http.StatusPreconditionFailed, "precondition-failed"},
		"the account is suspended": {nil, func(d *desk) {
			d.must(d.send(http.MethodPatch, "", map[string]any{"state": "suspended"}))
		}, http.StatusConflict, "wrong-state"},
	} {
		t.Run(name, func(t *testing.T) {
			d := openDesk(t)
			for _, id := range []string{"root", "lea"} {
				admin := map[string]any{"name": id, "roleIds": []string{"super-admin"}}
				d.must(d.send(http.MethodPut, "/users/"+id, admin))
			}
			request := fixtures.Request{
				Method: http.MethodPut, Path: "/v1/accounts/acme" + dry, Body: other, User: "lea", ByRoles: true,
				Header: test.header,
			}
			d.Env.InRequest = -1
			r := d.ask(request)
			d.Env.InRequest = 0
			if r.Status != http.StatusAccepted {
				t.Fatalf("%d %s", r.Status, r.Body)
			}
			test.meanwhile(d)
			if _, err := d.wake(); err != nil {
				t.Fatal(err)
			}
			direct := fixtures.Problem(t, d.ask(request), test.status, test.slug)
			kept := d.kept(r.Header.Get("Location"))
			if diff := cmp.Diff(direct.Document, *kept.Problem); diff != "" || kept.State != plan.Failed {
				t.Errorf("%s (-direct +deferred):\n%s", kept.State, diff)
			}
		})
	}
}

// Who may not ask is refused, and nothing is handed on; what is carried out behind an answer was counted with
// the request.
func TestWhoMayDefer(t *testing.T) {
	d := openDesk(t)
	d.Env.InRequest = -1
	r := d.ask(fixtures.Request{
		Method: http.MethodPut, Path: "/v1/accounts/acme" + dry, Body: other, User: "bob", ByRoles: true,
	})
	fixtures.Problem(t, r, http.StatusForbidden, "forbidden")
	if put := d.box.Take(); len(put) > 0 {
		t.Errorf("%v was handed on for somebody who may not ask", put)
	}
	d.Clock.Add(time.Minute)
	d.Env.RequestsPerMinute = 1
	r = d.send(http.MethodPut, dry, other)
	if r.Status != http.StatusAccepted {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	fixtures.Problem(t, d.send(http.MethodPut, dry, other), http.StatusTooManyRequests, "rate-limited")
	if _, err := d.wake(); err != nil {
		t.Fatal(err)
	}
	d.Clock.Add(time.Minute)
	if told := d.read(r.Header.Get("Location")); told.State != plan.Ready {
		t.Errorf("beside a full minute it is %+v", told)
	}
}

// What is no wake-up is left alone.
func TestStrangeWakeUps(t *testing.T) {
	d := openDesk(t)
	for _, key := range []string{
		"jobs/deferred/acme/x", "jobs/deferred/x.json", "jobs/deferred/a/b/c.json", "jobs/reports/acme/x.json",
		"jobs/deferred/acme/gone.json",
	} {
		info := files.Info{Ref: files.Ref{Bucket: files.Reports, Key: key}}
		if err := d.worker.Event(t.Context(), memoryfiles.Event(info, d.Clock.Now())); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	if err := d.worker.Event(t.Context(), []byte(fmt.Sprintf("{%q: 1}", "other"))); err == nil {
		t.Error("an event that is none of S3 was taken")
	}
}

// held sends the request with a plan when it takes too long to compare, under a key if there is one.
func (d *desk) held(plan, key string) string {
	d.t.Helper()
	d.slow = true
	defer func() { d.slow = false }()
	header := map[string]string{"If-Plan": plan}
	if key != "" {
		header["Idempotency-Key"] = key
	}
	r := d.ask(fixtures.Request{
		Method: http.MethodPut, Path: "/v1/accounts/acme/roles/agent", Body: other, Header: header,
	})
	if r.Status != http.StatusAccepted {
		d.t.Fatalf("%d %s", r.Status, r.Body)
	}
	return r.Header.Get("Location")
}

func (d *desk) plan() string {
	d.t.Helper()
	return fixtures.Decode[foretold](d.t, d.send(http.MethodPut, dry, other), http.StatusOK).Plan
}

func (d *desk) holding(product string) string {
	d.t.Helper()
	return string(d.must(d.send(http.MethodGet, "/licenses?product="+product, nil)).Body)
}

// A request with a plan that takes too long to compare is done behind its answer, once, whatever happens to its
// worker, and what it is answered is told.
func TestAPlanThatTakesTooLongToCompare(t *testing.T) {
	for at := range 5 {
		d := openDesk(t)
		location := d.held(d.plan(), "")
		if strings.Contains(d.holding("essential-user"), "assigned") {
			t.Fatal("it was done before its worker")
		}
		event := memoryfiles.Event(d.box.Take()[0], d.Clock.Now())
		d.box.FailAt(at)
		err := d.worker.Event(t.Context(), event)
		d.box.FailAt(0)
		if (err != nil) != (at > 0) {
			t.Fatalf("call %d fails: %v", at, err)
		}
		commits := d.commits
		if err := d.worker.Event(t.Context(), event); err != nil {
			t.Fatal(err)
		}
		if at == 0 && d.commits != commits {
			t.Errorf("a wake-up that comes once more makes %d commits", d.commits-commits)
		}
		told := d.read(location)
		if told.State != plan.Ready || told.Answer == nil || told.Answer.Status != http.StatusOK ||
			told.Answer.ETag == "" || !strings.Contains(string(told.Answer.Body), `"essential-user"`) {
			t.Errorf("call %d: %+v, %+v", at, told, told.Answer)
		}
		if n := strings.Count(d.holding("essential-user"), `"userId"`); n != 3 {
			t.Errorf("call %d: %d people hold it", at, n)
		}
		audit := string(d.must(d.send(http.MethodGet, "/audit?actor=ada", nil)).Body)
		if n := strings.Count(audit, `"role.put"`); n != 2 { // one of them made it
			t.Errorf("call %d: %d entries of the audit", at, n)
		}
	}
}

// It is refused when it begins and its effects are other ones by then; its key is that of the request.
func TestADeferredPlanIsCompared(t *testing.T) {
	d := openDesk(t)
	location := d.held(d.plan(), "")
	d.must(d.send(http.MethodPut, "/users/eve", map[string]any{"name": "eve", "roleIds": []string{}}))
	if _, err := d.wake(); err != nil {
		t.Fatal(err)
	}
	told := d.read(location)
	if told.State != plan.Failed || told.Problem == nil || told.Problem.Type != "urn:seatwise:problem:plan-stale" {
		t.Errorf("%+v", told)
	}
	if strings.Contains(d.holding("essential-user"), "assigned") {
		t.Error("it was done all the same")
	}
	promised := d.plan()
	first, second := d.held(promised, "k"), d.held(promised, "k")
	if _, err := d.wake(); err != nil {
		t.Fatal(err)
	}
	want, got := d.read(first), d.read(second)
	got.ID = want.ID
	if diff := cmp.Diff(want, got); diff != "" || want.Answer == nil {
		t.Errorf("one key, two answers (-first +second):\n%s", diff)
	}
}
