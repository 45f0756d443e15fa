package imports_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"seatwise/infra/registry"
	"seatwise/infra/testbox"
	"seatwise/infra/testkit"
	"seatwise/shared/catalog"
	"seatwise/shared/craft/sheet"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/imports"
	"seatwise/shared/license"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
)

// failer is the part of a test, or of a property's one check, that ends it.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// office is an account with its directory, on a real store, a real S3 server and the three
// functions that serve imports.
type office struct {
	*testkit.Fixture
	t      testing.TB
	f      failer
	ctx    context.Context
	store  table.Store
	files  *testbox.Box
	people *directory.Service
	kernel *license.Service
	api    http.Handler
	check  func(context.Context, []byte) error
	apply  func(context.Context, []byte) error
}

func open(t testing.TB) *office {
	t.Helper()
	return openOn(t, testkit.New(t))
}

func openOn(t testing.TB, k *testkit.Fixture) *office {
	t.Helper()
	o := &office{Fixture: k, t: t, f: t, ctx: t.Context(), store: k.Env.Table, files: testbox.New(testbox.Serve(t))}
	k.Env.Files = o.files
	o.kernel = license.NewService(catalog.Default())
	o.people = directory.NewService(k.Env, o.kernel)
	front := registry.One(k.Env, "MassConfigurationFunction")
	check := registry.One(k.Env, "MassConfigurationCheckFunction")
	apply := registry.One(k.Env, "MassConfigurationApplyFunction")
	o.api, o.check, o.apply = front.HTTP, check.Event, apply.Event
	return o
}

var accounts int

// fresh is the same office with an account of its own.
func (o *office) fresh(f failer) *office {
	accounts++
	other := *o
	other.Fixture, other.f = &testkit.Fixture{
		Env:     o.Env,
		Account: fmt.Sprintf("acme-%d", accounts),
		Clock:   o.Clock,
		Logs:    o.Logs,
	}, f
	o.AddAccount(o.t, other.Account, "standard")
	return &other
}

func (o *office) must(err error) {
	o.f.Helper()
	if err != nil {
		o.f.Fatal(err)
	}
}

func (o *office) user(u directory.User) {
	o.f.Helper()
	_, err := o.people.PutUser(o.ctx, o.Call("admin"), u)
	o.must(err)
}

// hire makes active users; the name is the id with its first letter in upper case.
func (o *office) hire(ids ...string) {
	o.f.Helper()
	for _, id := range ids {
		o.user(
			directory.User{ID: id, Name: strings.ToUpper(id[:1]) + id[1:], Email: id + "@acme.example", Active: true},
		)
	}
}

func (o *office) role(id string, licenses ...string) {
	o.f.Helper()
	_, err := o.people.PutRole(
		o.ctx,
		o.Call("admin"),
		directory.Role{ID: id, Name: "The " + id, Permissions: []string{"liveReports.view"}, Licenses: licenses},
	)
	o.must(err)
}

func (o *office) queue(id string, members ...string) {
	o.f.Helper()
	_, err := o.people.PutQueue(o.ctx, o.Call("admin"), id, "Queue "+id, members)
	o.must(err)
}

func (o *office) dashboard(id string, queues ...string) {
	o.f.Helper()
	_, err := o.people.PutDashboard(
		o.ctx,
		o.Call("admin"),
		directory.Dashboard{ID: id, Name: "Board " + id, QueueIDs: queues},
	)
	o.must(err)
}

func (o *office) buy(product string, n int) {
	o.f.Helper()
	o.must(
		o.kernel.Deliver(
			o.ctx,
			o.Call("admin"),
			o.Env.IDs.Ordered(),
			[]license.Lot{{ProductID: product, Quantity: n}},
			call.Answer{},
			nil,
		),
	)
}

// state says all that there is of users, queues and dashboards, without license ids and times, so
// that two states are equal when nobody could tell them apart.
func (o *office) state() string {
	o.f.Helper()
	o.must(o.people.Resume(o.ctx)) // what changes left to the maintenance function
	var lines []string
	c := o.Call("admin")
	users, _, err := o.people.ListUsers(o.ctx, c, "", "", 1000)
	o.must(err)
	for _, u := range users {
		line := fmt.Sprintf(
			"user %s %q %s %s/%s %v %v %v %s:",
			u.ID,
			u.Name,
			u.Email,
			u.Extension,
			u.Number,
			u.Active,
			u.RoleIDs,
			u.Licenses,
			u.AgentSource,
		)
		for _, h := range u.Holdings {
			line += " " + h.ProductID
			for _, g := range h.Grants {
				line += "," + g.Source
			}
		}
		lines = append(lines, line)
	}
	queues, _, err := o.people.ListQueues(o.ctx, c, "", "", 1000)
	o.must(err)
	for _, q := range queues {
		lines = append(lines, fmt.Sprintf("queue %s %q %v %v", q.ID, q.Name, q.Members, q.Dashboards))
	}
	dashboards, _, err := o.people.ListDashboards(o.ctx, c, "", "", 1000)
	o.must(err)
	for _, d := range dashboards {
		lines = append(lines, fmt.Sprintf("dashboard %s %q %v", d.ID, d.Name, d.QueueIDs))
	}
	return strings.Join(lines, "\n")
}

func (o *office) equalState(got, want string) {
	o.f.Helper()
	if got != want {
		o.f.Fatalf("state:\n%s\nwant:\n%s", got, want)
	}
}

// headers are those of the kinds' files, with as many columns of lists as the tests need.
var headers = map[imports.Kind][]string{
	imports.Users: {
		"User",
		"Name",
		"Email",
		"Extension",
		"Number",
		"Active",
		"Agent source",
		"Role 1",
		"Role 2",
		"License 1",
		"License 2",
	},
	imports.CallQueues: {"Call queue", "Name", "Member 1", "Member 2", "Member 3"},
	imports.Dashboards: {"Dashboard", "Name", "Call queue 1", "Call queue 2", "Call queue 3"},
}

func row(cells ...string) []string { return cells }

// table is a file's content: the kind's header and the rows, filled up.
func content(kind imports.Kind, rows ...[]string) [][]string {
	all := [][]string{headers[kind]}
	for _, r := range rows {
		all = append(all, append(slices.Clone(r), make([]string, len(headers[kind])-len(r))...))
	}
	return all
}

func csvFile(content [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.WriteAll(content)
	return b.Bytes()
}

// xlsxFile writes a workbook of text cells; a cell that begins with = becomes a formula, one with #
// a number, and TRUE and FALSE truth values.
func (o *office) xlsxFile(content [][]string) []byte {
	o.f.Helper()
	book := excelize.NewFile()
	defer book.Close()
	for i, r := range content {
		for j, cell := range r {
			at, err := excelize.CoordinatesToCellName(j+1, i+1)
			o.must(err)
			switch {
			case cell == "":
			case cell == "TRUE" || cell == "FALSE":
				o.must(book.SetCellBool("Sheet1", at, cell == "TRUE"))
			case cell[0] == '=':
				o.must(book.SetCellFormula("Sheet1", at, cell[1:]))
			case cell[0] == '#':
				o.must(book.SetCellDefault("Sheet1", at, cell[1:]))
			default:
				o.must(book.SetCellStr("Sheet1", at, cell))
			}
		}
	}
	var b bytes.Buffer
	o.must(book.Write(&b))
	return b.Bytes()
}

var everything = []auth.Permission{auth.DirectoryRead, auth.DirectoryManage, auth.LiveReportsFull}

func (o *office) request(method, path string, body any, header ...string) testkit.Response {
	o.f.Helper()
	r := testkit.Request{
		Method:      method,
		Path:        "/v1/accounts/" + o.Account + "/imports" + path,
		Body:        body,
		User:        "admin",
		Account:     o.Account,
		Permissions: everything,
		Header:      map[string]string{},
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header[header[i]] = header[i+1]
	}
	return o.Do(o.t, o.api, r)
}

func (o *office) ask(kind imports.Kind, name string, body []byte, skipErrors bool) imports.View {
	o.f.Helper()
	asked := map[string]any{"kind": kind, "fileName": name, "sizeBytes": len(body), "skipErrors": skipErrors}
	return testkit.Decode[imports.View](o.t, o.request("POST", "", asked), 201)
}

// put puts a file where an upload says, and returns the event that S3 sends.
func (o *office) put(v imports.View, body []byte) []byte {
	o.f.Helper()
	return o.putAt(v.Upload, "uploads/"+o.Account+"/imports/"+v.ID+"/"+v.FileName, body)
}

// putAt puts a file where an upload says, which is this key.
func (o *office) putAt(upload *files.Upload, key string, body []byte) []byte {
	o.f.Helper()
	req, err := http.NewRequestWithContext(o.ctx, upload.Method, upload.URL, bytes.NewReader(body))
	o.must(err)
	for name, value := range upload.Headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	o.must(err)
	resp.Body.Close()
	if resp.StatusCode != 200 {
		o.f.Fatalf("upload: %s", resp.Status)
	}
	info, err := o.files.Head(o.ctx, files.Ref{Bucket: files.Uploads, Key: key})
	o.must(err)
	return event(info)
}

func event(info files.Info) []byte { return testbox.Event(info, testkit.Start) }

func (o *office) get(id string) imports.View {
	o.f.Helper()
	return testkit.Decode[imports.View](o.t, o.request("GET", "/"+id, nil), 200)
}

func (o *office) in(state filejob.State, v imports.View) imports.View {
	o.f.Helper()
	if v.State != state {
		o.f.Fatalf("state %s, want %s: %s %+v", v.State, state, v.Message, v.Errors)
	}
	return v
}

// upload brings a file in, up to the end of its check.
func (o *office) upload(kind imports.Kind, name string, body []byte, skipErrors bool) imports.View {
	o.f.Helper()
	v := o.ask(kind, name, body, skipErrors)
	o.must(o.check(o.ctx, o.put(v, body)))
	return o.get(v.ID)
}

// checked uploads rows as CSV; the check must end in this state.
func (o *office) checked(state filejob.State, kind imports.Kind, rows ...[]string) imports.View {
	o.f.Helper()
	return o.in(state, o.upload(kind, "file.csv", csvFile(content(kind, rows...)), false))
}

// start asks for a plan to be applied and returns the wake-up's event.
func (o *office) start(id string) []byte {
	o.f.Helper()
	testkit.Decode[imports.View](o.t, o.request("POST", "/"+id+"/apply", nil), 202)
	wakeUps := o.files.Take()
	if len(wakeUps) != 1 {
		o.f.Fatalf("%d wake-ups", len(wakeUps))
	}
	return event(wakeUps[0])
}

// run applies a plan to its end.
func (o *office) run(id string) imports.View {
	o.f.Helper()
	wakeUp := o.start(id)
	o.must(o.apply(o.ctx, wakeUp))
	return o.get(id)
}

// imported checks and applies rows.
func (o *office) imported(kind imports.Kind, rows ...[]string) imports.View {
	o.f.Helper()
	return o.in(filejob.Completed, o.run(o.checked(filejob.Ready, kind, rows...).ID))
}

// schedule is the event that has work finished which was left behind.
func (o *office) schedule() []byte {
	return fmt.Appendf(nil, `{"source": "aws.events", "time": %q, "resources": []}`, o.Clock.Now().Format(time.RFC3339))
}

func (o *office) rows(id string) []imports.Row {
	o.f.Helper()
	var rows []imports.Row
	for cursor := ""; ; {
		page := testkit.Decode[api.List[imports.Row]](
			o.t,
			o.request("GET", "/"+id+"/rows?limit=200&cursor="+cursor, nil),
			200,
		)
		rows = append(rows, page.Items...)
		if cursor = page.NextCursor; cursor == "" {
			return rows
		}
	}
}

// result downloads the result file by its URL and reads it.
func (o *office) result(v imports.View) [][]string {
	o.f.Helper()
	if v.ResultURL == "" {
		o.f.Fatalf("%s has no result", v.State)
	}
	req, err := http.NewRequestWithContext(o.ctx, http.MethodGet, v.ResultURL, http.NoBody)
	o.must(err)
	resp, err := http.DefaultClient.Do(req)
	o.must(err)
	body, err := io.ReadAll(resp.Body)
	o.must(err)
	resp.Body.Close()
	reader, err := sheet.Open(bytes.NewReader(body), int64(len(body)), v.FileName, sheet.DefaultLimits())
	o.must(err)
	defer reader.Close()
	var rows [][]string
	o.must(reader.Rows(func(r sheet.Row) error {
		cells := make([]string, len(r.Cells))
		for i, c := range r.Cells {
			cells[i] = c.Text
		}
		rows = append(rows, cells)
		return nil
	}))
	return rows
}

// log is every audit record of the account, sorted, without what is different in every run.
func (o *office) log() []string {
	o.f.Helper()
	var lines []string
	q := table.Query{Index: table.Index1, Partition: call.Partition(o.Account, "AUDIT")}
	o.must(table.All(o.ctx, o.store, q, func(item table.Item) error {
		r, err := call.Decode[call.AuditRecord](item)
		if kind, _, _ := strings.Cut(r.Subject, ":"); kind == "license" {
			r.Subject = kind
		}
		lines = append(lines, strings.Join([]string{r.Action, r.Subject, r.Actor, r.User, r.Reason}, " "))
		return err
	}))
	slices.Sort(lines)
	return lines
}

// load and commit are of a change of the kernel by another room.
func load(o *office, ch *license.UnitOfWork, users ...string) error {
	_, err := ch.Load(o.ctx, license.Need{Users: users})
	return err
}

func commit(o *office, ch *license.UnitOfWork) error { return ch.Commit(o.ctx, call.Answer{}) }
