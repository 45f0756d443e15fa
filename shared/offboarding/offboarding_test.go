package offboarding_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seatwise/infra/testing/diskfiles"
	"seatwise/infra/testing/dynamostore"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/offboarding"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

// office is two accounts with people and files, of which one leaves.
type office struct {
	*fixtures.Fixture
	t     *testing.T
	http  http.Handler
	sound table.Store
	disk  *diskfiles.Server
}

// name is what somebody is called in every account.
func name(account, user string) string {
	return strings.ToUpper(user[:1]) + user[1:] + " Of-" + account
}

func newOffice(t *testing.T, k *fixtures.Fixture) *office {
	t.Helper()
	disk := diskfiles.Start(t)
	keeper, keeps := disk.Store.(files.Keeper)
	scanner, scans := k.Env.Table.(table.Scanner)
	if !keeps || !scans {
		t.Fatal("the adapters lack what the worker needs")
	}
	k.Env.Files, k.Env.Objects, k.Env.Scan, k.Env.LogDays = disk.Store, keeper, scanner, 90
	o := &office{Fixture: k, t: t, sound: k.Env.Table, disk: disk}
	o.serve()
	for _, id := range []string{"initech", "initrode"} {
		o.do("PUT", "/v1/accounts/"+id, map[string]any{
			"name": "The " + id, "brand": "RingCentral", "currency": "USD", "timezone": "UTC", "billingDay": 1,
			"bundle": "standard",
		}, http.StatusCreated)
		o.furnish(id)
	}
	return o
}

// serve makes the API as a new process does.
func (o *office) serve() {
	o.Env.Table = o.sound
	kernel := license.NewService(catalog.Default())
	people := directory.NewService(o.Env, kernel)
	o.http = api.Serve(
		o.Env, account.NewService(o.Env, kernel).Routes, offboarding.NewService(o.Env).Routes, people.Routes,
	).HTTP
}

// furnish gives an account people, a queue, seats, and files with a version that was replaced.
func (o *office) furnish(id string) {
	o.t.Helper()
	kernel := license.NewService(catalog.Default())
	people := directory.NewService(o.Env, kernel)
	o.Account = id
	if err := kernel.Deliver(o.t.Context(), o.Call("op"), license.Delivery{
		OrderID: o.Env.IDs.Ordered(),
		Lots:    []license.Lot{{ProductID: catalog.LiveReportsID, CostCenter: "CC-1", Quantity: 40}},
	}); err != nil {
		o.t.Fatal(err)
	}
	var members []string
	for _, user := range []string{"ann", "bob", "cleo"} {
		u := directory.User{ID: user, Name: name(id, user), Email: user + "@" + id + ".example", Active: true}
		if _, err := people.PutUser(o.t.Context(), o.Call("op"), u); err != nil {
			o.t.Fatal(err)
		}
		members = append(members, user)
	}
	if _, err := people.PutQueue(o.t.Context(), o.Call("op"), "q", "Q", members); err != nil {
		o.t.Fatal(err)
	}
	for bucket, folders := range files.Folders() {
		for _, folder := range folders {
			if folder == files.OffboardingsFolder {
				continue // what is put there wakes the worker
			}
			for _, text := range []string{"first of " + name(id, "ann"), "second of " + id} {
				ref := files.Ref{Bucket: bucket, Key: folder + id + "/x.csv"}
				body := strings.NewReader(text)
				if _, err := o.Env.Files.Put(o.t.Context(), ref, body, body.Size(), "text/csv"); err != nil {
					o.t.Fatal(err)
				}
			}
		}
	}
}

func (o *office) do(method, path string, body any, status int) map[string]any {
	o.t.Helper()
	return fixtures.Decode[map[string]any](o.t, o.Do(o.t, o.http, operator(method, path, body)), status)
}

func (o *office) refused(method, path string, body any, slug string) {
	o.t.Helper()
	status := map[string]int{"wrong-state": 409, "validation": 422, "not-found": 404, "forbidden": 403}[slug]
	fixtures.Problem(o.t, o.Do(o.t, o.http, operator(method, path, body)), status, slug)
}

func operator(method, path string, body any) fixtures.Request {
	return fixtures.Request{
		Method: method, Path: path, Body: body, User: "op", Account: "provider",
		Permissions: []auth.Permission{auth.AccountsManage, auth.DirectoryManage, auth.DirectoryRead},
	}
}

// woken runs the worker for what woke it since.
func (o *office) woken() {
	o.t.Helper()
	for _, event := range o.disk.Take(o.t, files.OffboardingsFolder) {
		o.must(offboarding.NewWorker(o.Env).Handle(o.t.Context(), event))
	}
}

// night runs the worker's schedule.
func (o *office) night() error {
	event := fmt.Appendf(nil, `{"source":"aws.events","time":%q}`, o.Clock.Now().Format(time.RFC3339))
	return offboarding.NewWorker(o.Env).Handle(o.t.Context(), event)
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// leave has initech closed, archived and about to be erased, and answers the erasure's id.
func (o *office) leave() string {
	o.t.Helper()
	o.do("PATCH", "/v1/accounts/initech", map[string]any{"state": "closed"}, http.StatusOK)
	o.Clock.Add(time.Second)
	o.do("POST", "/v1/accounts/initech/archive", nil, http.StatusAccepted)
	o.woken()
	made := o.do("POST", "/v1/accounts/initech/erase", map[string]any{"confirm": "initech"}, http.StatusAccepted)
	return fmt.Sprint(made["id"])
}

// everything is all that is stored anywhere, by where it is.
func (o *office) everything() map[string]string {
	o.t.Helper()
	all := map[string]string{}
	o.must(table.Everything(o.t.Context(), o.Env.Scan, []string{""}, func(item table.Item) error {
		all["item "+item.Key.String()] = fmt.Sprintf("%s %v", item.Data, item.IndexKeys)
		return nil
	}))
	for _, bucket := range []files.Bucket{files.Uploads, files.Reports} {
		o.must(o.Env.Objects.Versions(o.t.Context(), bucket, "", func(v files.Stored) error {
			at := fmt.Sprintf("object %s/%s %s", bucket, v.Key, v.Version)
			if all[at] = ""; v.Deletion {
				return nil
			}
			body, _, err := o.Env.Files.Get(o.t.Context(), v.Ref)
			if err != nil {
				return err
			}
			text, err := io.ReadAll(body)
			all[at] = string(text)
			return err
		}))
	}
	return all
}

// find is where one of some words stands.
func find(all map[string]string, words ...string) (where []string) {
	for _, at := range slices.Sorted(maps.Keys(all)) {
		if slices.ContainsFunc(words, func(word string) bool {
			return strings.Contains(strings.ToLower(at+" "+all[at]), strings.ToLower(word))
		}) {
			where = append(where, at+" "+all[at])
		}
	}
	return where
}

func stores(t *testing.T, test func(t *testing.T, k *fixtures.Fixture)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { test(t, fixtures.New(t)) })
	t.Run("DynamoDB", func(t *testing.T) { test(t, fixtures.On(t, dynamostore.Open(t))) })
}

// TestErasedIsNowhere erases an account in which a write was under way, and looks for its id and for its
// people in everything that is stored. The other account is as it was.
func TestErasedIsNowhere(t *testing.T) {
	stores(t, func(t *testing.T, k *fixtures.Fixture) {
		o := newOffice(t, k)
		others := find(o.everything(), "initrode")
		// A worker of the account that has decided, and commits after it was closed.
		o.Account = "initech"
		late := o.Call("pbx")
		id := o.leave()
		if c := o.do("GET", "/v1/erasures/"+id, nil, 200); c["state"] != "waiting" {
			t.Errorf("%v before it is due", c)
		}
		o.must(o.night())
		if c := o.do("GET", "/v1/erasures/"+id, nil, 200); c["state"] != "waiting" {
			t.Errorf("%v, though a function may still run", c)
		}
		view := table.Item{
			Key: table.Key{Partition: late.Partition("VIEW", "late"), Sort: "1"}, Data: []byte(`"Ann Of-initech"`),
		}
		o.must(o.sound.Commit(t.Context(), []table.Operation{table.Put(view, table.IfAbsent)}))
		o.Clock.Add(15 * time.Minute)
		o.must(o.night())

		c := fixtures.Decode[offboarding.Certificate](t, o.Do(t, o.http, operator("GET", "/v1/erasures/"+id, nil)), 200)
		if c.State != "erased" || c.EndedAt == nil || c.Counts.Records < 50 || c.Counts.Kinds["VIEW"] != 1 ||
			c.Counts.Versions < 14 || len(c.Remains) < 3 {
			t.Errorf("certificate %+v", c)
		}
		if !slices.ContainsFunc(c.Remains, func(r offboarding.Remaining) bool {
			return r.Until == nil && strings.HasPrefix(r.What, "A table beside the one in use")
		}) {
			t.Errorf("a table that is left beside is not told of: %+v", c.Remains)
		}
		for _, r := range c.Remains {
			if r.Until != nil && !r.Until.After(o.Clock.Now()) {
				t.Errorf("remains %+v", r)
			}
		}
		all := o.everything()
		if left := find(all, "initech"); len(left) > 0 {
			t.Errorf("of the account there is left: %s", strings.Join(left, "\n"))
		}
		if diff := cmp.Diff(others, find(all, "initrode")); diff != "" {
			t.Errorf("the other account changed (-before +after):\n%s", diff)
		}
		o.must(o.night()) // with nothing to do
	})
}

// TestAnErasedIDIsGivenOutNoMore also holds for processes that have served the account before.
func TestAnErasedIDIsGivenOutNoMore(t *testing.T) {
	o := newOffice(t, fixtures.New(t))
	o.do("GET", "/v1/accounts/initech", nil, 200)
	employee := fixtures.Request{
		Method: "PUT", Path: "/v1/accounts/initech/users/dan", Body: map[string]any{"name": "Dan"}, User: "ann",
		Account: "initech", Permissions: []auth.Permission{auth.DirectoryManage},
	}
	if r := o.Do(t, o.http, employee); r.Status != http.StatusCreated {
		t.Fatalf("answered %d", r.Status)
	}
	o.leave()
	settings := map[string]any{
		"name": "Initech", "brand": "RingCentral", "currency": "USD", "timezone": "UTC", "billingDay": 1,
		"bundle": "standard", "state": "active",
	}
	o.refused("PUT", "/v1/accounts/initech", settings, "wrong-state")
	o.refused("POST", "/v1/accounts/initech/archive", nil, "wrong-state")
	o.Clock.Add(15 * time.Minute)
	o.must(o.night())
	fixtures.Problem(t, o.Do(t, o.http, employee), http.StatusNotFound, "not-found")
	o.refused("PUT", "/v1/accounts/initech", settings, "wrong-state")
	listed := fixtures.Decode[api.List[account.Account]](t, o.Do(t, o.http, operator("GET", "/v1/accounts", nil)), 200)
	if len(listed.Items) != 1 || listed.Items[0].ID != "initrode" {
		t.Errorf("listed %v", listed)
	}
	if left := find(o.everything(), "initech"); len(left) > 0 {
		t.Errorf("came back: %v", left)
	}
}

// TestWhatIsErasedMustBeClosedAndArchived refuses everything else.
func TestWhatIsErasedMustBeClosedAndArchived(t *testing.T) {
	o := newOffice(t, fixtures.New(t))
	erase, confirm := "/v1/accounts/initech/erase", map[string]any{"confirm": "initech"}
	o.do("POST", "/v1/accounts/initech/archive", nil, http.StatusAccepted)
	o.woken()
	o.refused("POST", erase, confirm, "wrong-state")
	o.Clock.Add(time.Second)
	o.do("PATCH", "/v1/accounts/initech", map[string]any{"state": "closed"}, http.StatusOK)
	o.refused("POST", erase, confirm, "wrong-state") // the archive was made before
	o.Clock.Add(time.Second)
	o.do("POST", "/v1/accounts/initech/archive", nil, http.StatusAccepted)
	o.refused("POST", erase, confirm, "wrong-state") // it is not ready
	o.woken()
	o.Clock.Add(30 * 24 * time.Hour)
	o.refused("POST", erase, confirm, "wrong-state") // its files are there no more
	o.do("POST", "/v1/accounts/initech/archive", nil, http.StatusAccepted)
	o.woken()
	o.refused("POST", erase, map[string]any{"confirm": "initrode"}, "validation")
	o.refused("GET", "/v1/erasures/0193a2b4-5c6d-4e8f-9a0b-1c2d3e4f5a6b", nil, "not-found")
	o.refused("POST", "/v1/accounts/nobody/erase", map[string]any{"confirm": "nobody"}, "not-found")
	ann := operator("POST", erase, confirm)
	ann.User, ann.Account, ann.Permissions = "ann", "initrode", []auth.Permission{auth.DirectoryManage}
	fixtures.Problem(t, o.Do(t, o.http, ann), http.StatusNotFound, "not-found")
	ann.Path = "/v1/accounts/initrode/archive"
	fixtures.Problem(t, o.Do(t, o.http, ann), http.StatusForbidden, "forbidden")
	request := operator("POST", erase, confirm)
	request.Header = map[string]string{"Idempotency-Key": "once"}
	first := o.Do(t, o.http, request)
	again := o.Do(t, o.http, request)
	if first.Status != http.StatusAccepted || string(again.Body) != string(first.Body) {
		t.Errorf("answered %d %s, then %d %s", first.Status, first.Body, again.Status, again.Body)
	}
}

// TestAnEraserThatDiesIsFollowed kills it before and after every commit: it ends where the run without kills
// ends, with the same counts.
func TestAnEraserThatDiesIsFollowed(t *testing.T) {
	outcome := func(fault faulty.Fault, at int) (told string, left []string, died bool) {
		o := newOffice(t, fixtures.New(t))
		id := o.leave()
		o.Clock.Add(15 * time.Minute)
		o.Env.Table = faulty.New(o.sound, faulty.AtCommit(at, fault))
		died = o.night() != nil
		o.Env.Table = o.sound
		o.Clock.Add(time.Minute)
		o.must(o.night())
		c := fixtures.Decode[offboarding.Certificate](t, o.Do(t, o.http, operator("GET", "/v1/erasures/"+id, nil)), 200)
		return fmt.Sprintf("%s %+v", c.State, c.Counts), find(o.everything(), "initech"), died
	}
	want, _, _ := outcome(faulty.None, 0)
	for _, fault := range []faulty.Fault{faulty.CrashBefore, faulty.CrashAfter} {
		for at := 1; ; at++ {
			told, left, died := outcome(fault, at)
			if told != want || len(left) > 0 {
				t.Errorf("%s at commit %d: %s, want %s; left %v", fault, at, told, want, left)
			}
			if !died {
				if at < 6 {
					t.Errorf("a run has %d commits", at)
				}
				break
			}
		}
	}
}

// archived is the newest archive of initech, by the names of its files.
func (o *office) archived() (state string, bodies map[string]string) {
	o.t.Helper()
	r := o.Do(o.t, o.http, operator("GET", "/v1/accounts/initech/archive", nil))
	a := fixtures.Decode[offboarding.ArchiveView](o.t, r, 200)
	bodies = map[string]string{}
	for _, f := range a.Files {
		link, err := url.Parse(f.DownloadURL) // which is signed by another clock than the server's
		o.must(err)
		in, _, err := o.Env.Files.Get(o.t.Context(), files.Ref{
			Bucket: files.Reports, Key: strings.TrimPrefix(link.Path, "/"+o.Env.Files.Name(files.Reports)+"/"),
		})
		o.must(err)
		body, err := io.ReadAll(in)
		o.must(err)
		o.must(in.Close())
		sum := sha256.Sum256(body)
		if hex.EncodeToString(sum[:]) != f.SHA256 || int64(len(body)) != f.Size {
			o.t.Errorf("%s is not as it is told: %+v", f.Name, f)
		}
		bodies[f.Name] = string(body)
	}
	return a.State, bodies
}

// TestAnArchiveHasEverything reads an archive as somebody does who knows nothing of us, in every state.
func TestAnArchiveHasEverything(t *testing.T) {
	for _, state := range []call.State{call.Active, call.Suspended, call.Closed} {
		t.Run(string(state), func(t *testing.T) {
			o := newOffice(t, fixtures.New(t))
			o.refused("GET", "/v1/accounts/initech/archive", nil, "not-found")
			if state != call.Active {
				o.do("PATCH", "/v1/accounts/initech", map[string]any{"state": state}, http.StatusOK)
			}
			damaged := table.Key{Partition: call.Partition("initech", "GONE"), Sort: "user#damaged"}
			o.must(o.Env.Table.Commit(t.Context(), []table.Operation{
				table.Put(table.Item{Key: damaged, Data: []byte(`{"name":`)}, table.IfAbsent),
			}))
			o.do("POST", "/v1/accounts/initech/archive", nil, http.StatusAccepted)
			if told, files := o.archived(); told != "queued" || len(files) > 0 {
				t.Errorf("%s with %d files before anybody worked", told, len(files))
			}
			o.woken()
			told, bodies := o.archived()
			if told != "ready" {
				t.Fatalf("it is %s", told)
			}
			users := lines(t, bodies["users.jsonl"])
			if len(users) != 3 || users[0]["key"] != "USERS/ann" ||
				!strings.Contains(fmt.Sprint(users[0]["value"]), "name:"+name("initech", "ann")) {
				t.Errorf("users %v", users)
			}
			if gone := lines(t, bodies["gone.jsonl"]); !slices.ContainsFunc(gone, func(line map[string]any) bool {
				return line["key"] == "GONE/user#damaged" && line["raw"] == "eyJuYW1lIjo="
			}) {
				t.Errorf("a damaged record is lost: %v", gone)
			}
			if n := len(lines(t, bodies["license.jsonl"])); n != 40 {
				t.Errorf("%d licenses", n)
			}
			if n := len(lines(t, bodies["objects.jsonl"])); n < 12 {
				t.Errorf("%d versions of files", n)
			}
			var manifest struct {
				Account string
				Files   []struct{ Name, SHA256 string }
			}
			o.must(json.Unmarshal([]byte(bodies["manifest.json"]), &manifest))
			if manifest.Account != "initech" || len(manifest.Files) != len(bodies)-1 {
				t.Errorf("the manifest lists %d of %d files: %+v", len(manifest.Files), len(bodies), manifest)
			}
			if !strings.Contains(bodies["README.txt"], "users.jsonl                   3  people") {
				t.Errorf("README: %s", bodies["README.txt"])
			}
			if left := find(bodies, "initrode"); len(left) > 0 {
				t.Errorf("of another account: %v", left)
			}
			o.Clock.Add(31 * 24 * time.Hour)
			if told, files := o.archived(); told != "expired" || len(files) > 0 {
				t.Errorf("a month later it is %s", told)
			}
		})
	}
}

func lines(t *testing.T, body string) (list []map[string]any) {
	t.Helper()
	for in := bufio.NewScanner(strings.NewReader(body)); in.Scan(); {
		var line map[string]any
		if err := json.Unmarshal(in.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		list = append(list, line)
	}
	return list
}

// TestAnArchiverThatDiesIsFollowed kills it before and after every commit, with a spool that is full again and
// again: the archive has each record once all the same.
func TestAnArchiverThatDiesIsFollowed(t *testing.T) {
	outcome := func(fault faulty.Fault, at int) (records map[string]int, died bool) {
		o := newOffice(t, fixtures.New(t))
		o.do("POST", "/v1/accounts/initech/archive", nil, http.StatusAccepted)
		o.Env.Table = faulty.New(o.sound, faulty.AtCommit(at, fault))
		died = offboarding.NewSmallWorker(o.Env).Run(o.t.Context()) != nil
		o.Env.Table = o.sound
		o.Clock.Add(time.Minute)
		o.must(offboarding.NewSmallWorker(o.Env).Run(o.t.Context()))
		state, bodies := o.archived()
		if state != "ready" {
			t.Errorf("it is %s", state)
		}
		records = map[string]int{}
		for file, body := range bodies {
			kind, _, _ := strings.Cut(strings.TrimSuffix(file, ".jsonl"), "-0")
			if strings.HasSuffix(file, ".jsonl") && kind != "audit" { // how it went is told there
				records[kind] += len(lines(t, body))
			}
		}
		return records, died
	}
	want, _ := outcome(faulty.None, 0)
	for _, fault := range []faulty.Fault{faulty.CrashBefore, faulty.CrashAfter} {
		for at := 1; ; at++ {
			records, died := outcome(fault, at)
			if diff := cmp.Diff(want, records); diff != "" {
				t.Errorf("%s at commit %d (-want +got):\n%s", fault, at, diff)
			}
			if !died {
				if at < 4 {
					t.Errorf("a run has %d commits", at)
				}
				break
			}
		}
	}
}

// TestTwoWorkersDoItOnce has one of them find the other at it.
func TestTwoWorkersDoItOnce(t *testing.T) {
	o := newOffice(t, fixtures.New(t))
	id := o.leave()
	o.Clock.Add(15 * time.Minute)
	began, release := make(chan struct{}), make(chan struct{})
	first := *o.Env
	first.Scan = slow{o.Env.Scan, began, release}
	ended := make(chan error, 1)
	p := fmt.Appendf(nil, `{"source":"aws.events","time":%q}`, o.Clock.Now().Format(time.RFC3339))
	go func() { ended <- offboarding.NewWorker(&first).Handle(context.WithoutCancel(t.Context()), p) }()
	<-began
	o.must(o.night())
	if c := o.do("GET", "/v1/erasures/"+id, nil, 200); c["state"] != "waiting" {
		t.Errorf("the second one did it too: %v", c)
	}
	close(release)
	o.must(<-ended)
	if c := o.do("GET", "/v1/erasures/"+id, nil, 200); c["state"] != "erased" {
		t.Errorf("the first one ended with %v", c)
	}
}

// slow waits at its first page.
type slow struct {
	table.Scanner
	began, release chan struct{}
}

func (s slow) Scan(ctx context.Context, prefixes []string, after table.Key) ([]table.Item, table.Key, error) {
	if after == (table.Key{}) {
		close(s.began)
		<-s.release
	}
	return s.Scanner.Scan(ctx, prefixes, after)
}
