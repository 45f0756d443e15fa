// Package filejobs gives tests of what files change one account with people and seats, on a real
// store and a real S3 server, and every step of a file's way: asked for, uploaded, checked, applied,
// downloaded as a result. It knows no module that has such files, so the tests of each may use it.
package filejobs

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"seatwise/infra/testing/fixtures"
	"seatwise/infra/testing/memoryfiles"
	"seatwise/shared/catalog"
	"seatwise/shared/craft/sheet"
	"seatwise/shared/craft/workbook"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/license"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
)

// Failer is the part of a test, or of a property's one check, that ends it.
type Failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// Shown is what every module shows of a job.
type Shown struct {
	ID    string
	State filejob.State
	filejob.View
}

// Module is what the office must know of the module whose files it tests. V is what it shows of a
// job.
type Module[V any] struct {
	Path        string // "imports"
	Folder      string // of its uploads, behind the account; empty or with a slash at its end
	Apply       string // the operation that has a plan applied: "apply"
	Permissions []auth.Permission
	Shown       func(v V) Shown
}

// Office is an account with its people, and the functions that take in its files. R is a row of a
// plan as it is shown.
type Office[V, R any] struct {
	*fixtures.Fixture
	T      testing.TB
	F      Failer
	Ctx    context.Context
	Store  table.Store
	Files  *memoryfiles.Box
	People *directory.Service
	Kernel *license.Service
	// API, Check and Apply are the functions of the module; the test sets them.
	API          http.Handler
	Check, Apply func(context.Context, []byte) error

	module Module[V]
}

// Open makes an office of a fixture, whose files lie in a store.
func Open[V, R any](t testing.TB, k *fixtures.Fixture, store files.Store, module Module[V]) *Office[V, R] {
	t.Helper()
	o := &Office[V, R]{
		Fixture: k, T: t, F: t, Ctx: t.Context(), Store: k.Env.Table, Files: memoryfiles.New(store),
		Kernel: license.NewService(catalog.Default()), module: module,
	}
	k.Env.Files, k.Env.Workbooks = o.Files, workbook.Writer{}
	o.People = directory.NewService(k.Env, o.Kernel)
	return o
}

var (
	accounts   int
	accountsMu sync.Mutex
)

// Fresh is the same office with an account of its own, for one check of a property.
func (o *Office[V, R]) Fresh(f Failer) *Office[V, R] {
	accountsMu.Lock()
	accounts++
	account := fmt.Sprintf("acme-%d", accounts)
	accountsMu.Unlock()
	other := *o
	other.Fixture, other.F = &fixtures.Fixture{Env: o.Env, Account: account, Clock: o.Clock, Logs: o.Logs}, f
	o.AddAccount(o.T, account, "standard")
	return &other
}

// Within is the same office with the same account, in a test of its own.
func (o *Office[V, R]) Within(t testing.TB) *Office[V, R] {
	other := *o
	other.T, other.F, other.Ctx = t, t, t.Context()
	return &other
}

// Must ends the test with an error.
func (o *Office[V, R]) Must(err error) {
	o.F.Helper()
	if err != nil {
		o.F.Fatal(err)
	}
}

// User puts a user.
func (o *Office[V, R]) User(u directory.User) {
	o.F.Helper()
	_, err := o.People.PutUser(o.Ctx, o.Call("admin"), u)
	o.Must(err)
}

// Hire makes active users of these names; the id is the name in lower case without spaces, and the
// email begins with it.
func (o *Office[V, R]) Hire(names ...string) {
	o.F.Helper()
	for _, name := range names {
		id := strings.ToLower(strings.ReplaceAll(name, " ", ""))
		o.User(directory.User{ID: id, Name: name, Email: id + "@acme.example", Active: true})
	}
}

// Buy buys a number of seats of each product.
func (o *Office[V, R]) Buy(n int, products ...string) {
	o.F.Helper()
	if n == 0 {
		return
	}
	lots := make([]license.Lot, len(products))
	for i, p := range products {
		lots[i] = license.Lot{ProductID: p, Quantity: n}
	}
	o.Must(o.Kernel.Deliver(o.Ctx, o.Call("admin"), license.Delivery{OrderID: o.Env.IDs.Ordered(), Lots: lots}))
}

// EqualState compares a state with what it should be.
func (o *Office[V, R]) EqualState(got, want string) {
	o.F.Helper()
	if got != want {
		o.F.Fatalf("state:\n%s\nwant:\n%s", got, want)
	}
}

// Records are the audit records of the account. Those about licenses do not name them, since their
// ids are different in every run.
func (o *Office[V, R]) Records() []call.AuditRecord {
	o.F.Helper()
	var records []call.AuditRecord
	q := table.Query{Index: table.Index1, Partition: call.Partition(o.Account, "AUDIT")}
	o.Must(table.All(o.Ctx, o.Store, q, func(item table.Item) error {
		r, err := call.Decode[call.AuditRecord](item)
		if kind, _, _ := strings.Cut(r.Subject, ":"); kind == "license" {
			r.Subject = kind
		}
		records = append(records, r)
		return err
	}))
	return records
}

// CSVFile writes CSV; short rows are filled up.
func CSVFile(content [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	for _, r := range content {
		_ = w.Write(append(slices.Clone(r), make([]string, max(0, len(content[0])-len(r)))...))
	}
	w.Flush()
	return b.Bytes()
}

// XLSXFile writes a workbook of text cells. A cell that begins with = becomes a formula; one that
// begins with # a number, which is shown by the format behind another #; TRUE and FALSE become truth
// values.
func (o *Office[V, R]) XLSXFile(content [][]string) []byte {
	o.F.Helper()
	book := excelize.NewFile()
	defer book.Close()
	for i, r := range content {
		for j, cell := range r {
			at, err := excelize.CoordinatesToCellName(j+1, i+1)
			o.Must(err)
			o.Must(setCell(book, at, cell))
		}
	}
	var b bytes.Buffer
	o.Must(book.Write(&b))
	return b.Bytes()
}

func setCell(book *excelize.File, at, cell string) error {
	const sheetName = "Sheet1"
	switch {
	case cell == "":
		return nil
	case cell == "TRUE" || cell == "FALSE":
		return book.SetCellBool(sheetName, at, cell == "TRUE")
	case cell[0] == '=':
		return book.SetCellFormula(sheetName, at, cell[1:])
	case cell[0] != '#':
		return book.SetCellStr(sheetName, at, cell)
	}
	number, format, formatted := strings.Cut(cell[1:], "#")
	if number == "" {
		number, formatted = cell[1:], false
	}
	if err := book.SetCellDefault(sheetName, at, number); err != nil || !formatted {
		return err
	}
	style, err := book.NewStyle(&excelize.Style{CustomNumFmt: &format})
	if err != nil {
		return err
	}
	return book.SetCellStyle(sheetName, at, at, style)
}

// Request calls an operation on the module's jobs, as an admin. The header is in pairs of name and
// value.
func (o *Office[V, R]) Request(method, path string, body any, header ...string) fixtures.Response {
	o.F.Helper()
	r := fixtures.Request{
		Method:      method,
		Path:        "/v1/accounts/" + o.Account + "/" + o.module.Path + path,
		Body:        body,
		User:        "admin",
		Account:     o.Account,
		Permissions: o.module.Permissions,
		Header:      map[string]string{},
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header[header[i]] = header[i+1]
	}
	return o.Do(o.T, o.API, r)
}

// Ask asks for the upload of a file, with these fields beside its size.
func (o *Office[V, R]) Ask(body []byte, fields map[string]any) V {
	o.F.Helper()
	fields["sizeBytes"] = len(body)
	return fixtures.Decode[V](o.T, o.Request("POST", "", fields), 201)
}

// Put puts a file where an upload says, and returns the event that S3 sends.
func (o *Office[V, R]) Put(v V, body []byte) []byte {
	o.F.Helper()
	s := o.module.Shown(v)
	return o.PutAt(s.Upload, filejob.Names{Folder: o.module.Folder}.UploadObject(o.Account, s.ID, s.FileName), body)
}

// PutAt is Put where the upload is of this key.
func (o *Office[V, R]) PutAt(upload *files.Upload, key string, body []byte) []byte {
	o.F.Helper()
	req, err := http.NewRequestWithContext(o.Ctx, upload.Method, upload.URL, bytes.NewReader(body))
	o.Must(err)
	for name, value := range upload.Headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	o.Must(err)
	resp.Body.Close()
	if resp.StatusCode != 200 {
		o.F.Fatalf("upload: %s", resp.Status)
	}
	info, err := o.Files.Head(o.Ctx, files.Ref{Bucket: files.Uploads, Key: key})
	o.Must(err)
	return Event(info)
}

// Event is what S3 sends of an object.
func Event(info files.Info) []byte { return memoryfiles.Event(info, fixtures.Start) }

// Upload brings a file in, up to the end of its check; the fields are those of Ask.
func (o *Office[V, R]) Upload(body []byte, fields map[string]any) V {
	o.F.Helper()
	v := o.Ask(body, fields)
	o.Must(o.Check(o.Ctx, o.Put(v, body)))
	return o.Get(o.module.Shown(v).ID)
}

// Get reads a job.
func (o *Office[V, R]) Get(id string) V {
	o.F.Helper()
	return fixtures.Decode[V](o.T, o.Request("GET", "/"+id, nil), 200)
}

// In demands that a job is in a state.
func (o *Office[V, R]) In(state filejob.State, v V) V {
	o.F.Helper()
	if s := o.module.Shown(v); s.State != state {
		o.F.Fatalf("state %s, want %s: %s %+v", s.State, state, s.Message, s.Errors)
	}
	return v
}

// Start asks for a plan to be applied and returns the wake-up's event; nothing is applied yet.
func (o *Office[V, R]) Start(id string) []byte {
	o.F.Helper()
	fixtures.Decode[V](o.T, o.Request("POST", "/"+id+"/"+o.module.Apply, nil), 202)
	wakeUps := o.Files.Take()
	if len(wakeUps) != 1 {
		o.F.Fatalf("%d wake-ups", len(wakeUps))
	}
	return Event(wakeUps[0])
}

// Schedule is the event that has work finished which was left behind.
func (o *Office[V, R]) Schedule() []byte {
	return fmt.Appendf(nil, `{"source": "aws.events", "time": %q, "resources": []}`, o.Clock.Now().Format(time.RFC3339))
}

// Rows are all rows of a plan.
func (o *Office[V, R]) Rows(id string) []R {
	o.F.Helper()
	var rows []R
	for cursor := ""; ; {
		page := fixtures.Decode[api.List[R]](o.T, o.Request("GET", "/"+id+"/rows?limit=200&cursor="+cursor, nil), 200)
		rows = append(rows, page.Items...)
		if cursor = page.NextCursor; cursor == "" {
			return rows
		}
	}
}

// Download gives the result file, by its URL.
func (o *Office[V, R]) Download(v V) []byte {
	o.F.Helper()
	s := o.module.Shown(v)
	if s.ResultURL == "" {
		o.F.Fatalf("%s has no result", s.State)
	}
	req, err := http.NewRequestWithContext(o.Ctx, http.MethodGet, s.ResultURL, http.NoBody)
	o.Must(err)
	resp, err := http.DefaultClient.Do(req)
	o.Must(err)
	body, err := io.ReadAll(resp.Body)
	o.Must(err)
	resp.Body.Close()
	if resp.StatusCode != 200 {
		o.F.Fatalf("result: %s", resp.Status)
	}
	return body
}

// Result downloads the result file by its URL and reads it.
func (o *Office[V, R]) Result(v V) [][]string {
	o.F.Helper()
	body := o.Download(v)
	name := o.module.Shown(v).FileName
	reader, err := sheet.Open(bytes.NewReader(body), int64(len(body)), name, sheet.DefaultLimits())
	o.Must(err)
	defer reader.Close()
	var rows [][]string
	o.Must(reader.Rows(func(r sheet.Row) error {
		cells := make([]string, len(r.Cells))
		for i, c := range r.Cells {
			cells[i] = c.Text
		}
		rows = append(rows, cells)
		return nil
	}))
	return rows
}

// Through lets commits pass by a function, which may do other things before or after.
type Through struct {
	table.Store
	Passing func(ctx context.Context, ops []table.Operation, commit func() error) error
}

// Commit commits as Passing says.
func (s *Through) Commit(ctx context.Context, ops []table.Operation) error {
	return s.Passing(ctx, ops, func() error { return s.Store.Commit(ctx, ops) })
}

// Before runs do once, right before the n-th commit from now on that applies rows of a plan.
func (o *Office[V, R]) Before(n int, do func()) {
	o.nth(n, func(commit func() error) error {
		do()
		return commit()
	})
}

// After is Before right after the commit.
func (o *Office[V, R]) After(n int, do func()) {
	o.nth(n, func(commit func() error) error {
		defer do()
		return commit()
	})
}

// nth has the n-th commit from now on that applies rows made by a function.
func (o *Office[V, R]) nth(n int, do func(commit func() error) error) {
	seen := 0
	passing := func(_ context.Context, ops []table.Operation, commit func() error) error {
		applies := slices.ContainsFunc(ops, func(op table.Operation) bool {
			return op.Item.Sort == "PROGRESS" && op.Kind == table.KindPut
		})
		if applies {
			seen++
		}
		if !applies || seen != n {
			return commit()
		}
		return do(commit)
	}
	o.Env.Table = &Through{Store: o.Store, Passing: passing}
}
