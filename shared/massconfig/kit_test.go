package massconfig

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

	"github.com/xuri/excelize/v2"

	"seatwise/infra/testbox"
	"seatwise/infra/testkit"
	"seatwise/shared/catalog"
	"seatwise/shared/craft/sheet"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
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

// office is an account with its phones, on a real store, a real S3 server and the three functions
// of the module.
type office struct {
	*testkit.Fixture
	t       testing.TB
	f       failer
	ctx     context.Context
	store   table.Store
	files   *testbox.Box
	kernel  *license.Service
	people  *directory.Service
	service *Service
	api     http.Handler
	check   func(context.Context, []byte) error
	apply   func(context.Context, []byte) error
}

func open(t testing.TB) *office {
	t.Helper()
	return openOn(t, testkit.New(t))
}

func openOn(t testing.TB, k *testkit.Fixture) *office {
	t.Helper()
	return openWith(t, k, testbox.Serve(t))
}

func openWith(t testing.TB, k *testkit.Fixture, store files.Store) *office {
	t.Helper()
	o := &office{Fixture: k, t: t, f: t, ctx: t.Context(), store: k.Env.Table, files: testbox.New(store)}
	k.Env.Files = o.files
	o.kernel = license.NewService(catalog.Default())
	o.people = directory.NewService(k.Env, o.kernel)
	o.service = NewService(k.Env, o.kernel)
	post := &filejob.Post{Env: k.Env, Modules: []filejob.Carrier{o.service.Jobs()}, Others: o.service.Drop}
	o.api, o.check, o.apply = api.Serve(k.Env, o.service.Routes).HTTP, post.Check, post.Apply
	return o
}

var accounts int

// fresh is the same office with an account of its own, for one check of a property.
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

// hire makes active users of these names; the id is the name in lower case without spaces, and the
// email begins with it.
func (o *office) hire(names ...string) {
	o.f.Helper()
	for _, name := range names {
		id := strings.ToLower(strings.ReplaceAll(name, " ", ""))
		o.user(directory.User{ID: id, Name: name, Email: id + "@acme.example", Active: true})
	}
}

func (o *office) user(u directory.User) {
	o.f.Helper()
	_, err := o.people.PutUser(o.ctx, o.Call("admin"), u)
	o.must(err)
}

func (o *office) buy(n int, products ...string) {
	o.f.Helper()
	if n == 0 {
		return
	}
	lots := make([]license.Lot, len(products))
	for i, p := range products {
		lots[i] = license.Lot{ProductID: p, Quantity: n}
	}
	o.must(o.kernel.Deliver(o.ctx, o.Call("admin"), o.Env.IDs.Ordered(), lots, call.Answer{}, nil))
}

// all are Phone System and its add-ons.
func all() []string {
	ids := []string{catalog.PhoneSystemID}
	for _, p := range catalog.Default().AddOns(catalog.PhoneSystemID) {
		ids = append(ids, p.ID)
	}
	return ids
}

// change carries out verbs of the kernel in one commit, as another room would.
func (o *office) change(verbs func(context.Context, *license.UnitOfWork) error, users ...string) {
	o.f.Helper()
	c := o.Call("admin")
	o.must(call.Decide(o.ctx, func(ctx context.Context) error {
		ch := o.kernel.Change(c)
		if _, err := ch.Load(ctx, license.Need{Users: users}); err != nil {
			return err
		}
		if err := verbs(ctx, ch); err != nil {
			return err
		}
		return ch.Commit(ctx, call.Answer{})
	}))
}

// give gives a user a license by hand, with add-ons and, if named, an extension and a number.
func (o *office) give(user, extension, number string, addOns ...string) {
	o.f.Helper()
	o.change(func(ctx context.Context, ch *license.UnitOfWork) error {
		if err := ch.Extend(ctx, user, extension, number); err != nil {
			return err
		}
		if err := ch.Grant(ctx, user, catalog.PhoneSystemID, license.Direct); err != nil {
			return err
		}
		return ch.SetAddOns(ctx, user, catalog.PhoneSystemID, addOns, license.Direct)
	}, user)
}

// state says of every user what they have, with the grants but without license ids, and of every
// product how many seats are taken; so two states are equal when nobody could tell them apart. It
// fails when a count is no recount, or a license says something else than its holder (invariants
// I2, I3 and I7).
func (o *office) state() string {
	o.f.Helper()
	var lines []string
	assigned := map[string]int64{}
	after := ""
	for {
		users, next, err := o.people.ListUsers(o.ctx, o.Call("admin"), "", after, 200)
		o.must(err)
		for _, u := range users {
			line := fmt.Sprintf("%s: %s/%s", u.ID, u.Extension, u.Number)
			base := ""
			for _, h := range u.Holdings {
				if h.ProductID == catalog.PhoneSystemID {
					base = h.LicenseID
				}
			}
			for _, h := range u.Holdings {
				assigned[h.ProductID]++
				line += " " + h.ProductID
				l, _, err := inventory.NewService(catalog.Default()).Get(o.ctx, o.Call("admin"), h.LicenseID)
				o.must(err)
				if l.UserID != u.ID || l.Status != license.Assigned || l.Extension != u.Extension {
					o.f.Errorf("license %+v of %s, who has extension %q", l, u.ID, u.Extension)
				}
				if h.ProductID != catalog.PhoneSystemID && l.BaseLicenseID != base {
					o.f.Errorf("license %+v hangs on no base of %s", l, u.ID)
				}
			}
			lines = append(lines, line)
		}
		if after = next; next == "" {
			break
		}
	}
	summary, err := inventory.NewService(catalog.Default()).Summary(o.ctx, o.Call("admin"))
	o.must(err)
	for _, s := range summary {
		if s.Assigned != assigned[s.ProductID] {
			o.f.Errorf("%s: counted %d assigned, held are %d", s.ProductID, s.Assigned, assigned[s.ProductID])
		}
		if s.Available != s.Bought-s.Assigned && s.Kind != catalog.Metered {
			o.f.Errorf(
				"%s: %d of %d assigned, %d available; some are reserved still",
				s.ProductID,
				s.Assigned,
				s.Bought,
				s.Available,
			)
		}
		if s.Assigned < 0 || s.Assigned > s.Bought {
			o.f.Errorf("%s: %d of %d assigned", s.ProductID, s.Assigned, s.Bought)
		}
		if s.Assigned > 0 {
			lines = append(lines, fmt.Sprintf("%s %d", s.ProductID, s.Assigned))
		}
	}
	return strings.Join(lines, "\n")
}

// equalState compares a state with what it should be.
func (o *office) equalState(got, want string) {
	o.f.Helper()
	if got != want {
		o.f.Fatalf("state:\n%s\nwant:\n%s", got, want)
	}
}

// row makes a row of a file.
func row(cells ...string) []string { return cells }

// sheetOf is a file's content: the header for the widest row, and the rows.
func sheetOf(rows ...[]string) [][]string {
	width := 3
	for _, r := range rows {
		width = max(width, len(r))
	}
	header := []string{"Ext Key", "Number", "User"}
	for i := range width - 3 {
		header = append(header, fmt.Sprintf("Addon license %d", i+1))
	}
	return append([][]string{header}, rows...)
}

// csvFile writes CSV; short rows are filled up.
func csvFile(content [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	for _, r := range content {
		r = append(slices.Clone(r), make([]string, len(content[0])-len(r))...)
		_ = w.Write(r)
	}
	w.Flush()
	return b.Bytes()
}

// xlsxFile writes a workbook of text cells; a cell that begins with = becomes a formula, and one
// that begins with # a number, which is shown by the format behind another #.
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
			case strings.HasPrefix(cell, "="):
				o.must(book.SetCellFormula("Sheet1", at, cell[1:]))
			case strings.HasPrefix(cell, "#"):
				number, format, formatted := strings.Cut(cell[1:], "#")
				if number == "" {
					number, formatted = cell[1:], false
				}
				o.must(book.SetCellDefault("Sheet1", at, number))
				if formatted {
					style, err := book.NewStyle(&excelize.Style{CustomNumFmt: &format})
					o.must(err)
					o.must(book.SetCellStyle("Sheet1", at, at, style))
				}
			default:
				o.must(book.SetCellStr("Sheet1", at, cell))
			}
		}
	}
	var b bytes.Buffer
	o.must(book.Write(&b))
	return b.Bytes()
}

var everything = []auth.Permission{auth.LicensesRead, auth.LicensesManage}

func (o *office) request(method, path string, body any, header ...string) testkit.Response {
	o.f.Helper()
	r := testkit.Request{
		Method:      method,
		Path:        "/v1/accounts/" + o.Account + "/mass-configurations" + path,
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

// ask asks for an upload.
func (o *office) ask(name string, body []byte, skipErrors bool) View {
	o.f.Helper()
	return testkit.Decode[View](
		o.t,
		o.request("POST", "", map[string]any{"fileName": name, "sizeBytes": len(body), "skipErrors": skipErrors}),
		201,
	)
}

// put puts a file where an upload says, and returns the event that S3 sends.
func (o *office) put(v View, body []byte) []byte {
	o.f.Helper()
	req, err := http.NewRequestWithContext(o.ctx, v.Upload.Method, v.Upload.URL, bytes.NewReader(body))
	o.must(err)
	for name, value := range v.Upload.Headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	o.must(err)
	resp.Body.Close()
	if resp.StatusCode != 200 {
		o.f.Fatalf("upload: %s", resp.Status)
	}
	info, err := o.files.Head(o.ctx, files.Ref{Bucket: files.Uploads, Key: uploadObject(o.Account, v.ID, v.FileName)})
	o.must(err)
	return event(info)
}

// drop puts a file into the uploads bucket by another way than an upload, and returns the event.
func (o *office) drop(key string, body []byte) []byte {
	o.f.Helper()
	info, err := o.files.Put(
		o.ctx,
		files.Ref{Bucket: files.Uploads, Key: key},
		bytes.NewReader(body),
		int64(len(body)),
		"application/octet-stream",
	)
	o.must(err)
	return event(info)
}

// event is what S3 sends of an object.
func event(info files.Info) []byte { return testbox.Event(info, testkit.Start) }

// deliver hands the wake-ups to the function that applies, until there are no more.
func (o *office) deliver() {
	o.f.Helper()
	for wakeUps := o.files.Take(); len(wakeUps) > 0; wakeUps = o.files.Take() {
		for _, wakeUp := range wakeUps {
			o.must(o.apply(o.ctx, event(wakeUp)))
		}
	}
}

func (o *office) get(id string) View {
	o.f.Helper()
	return testkit.Decode[View](o.t, o.request("GET", "/"+id, nil), 200)
}

// upload brings a file in, up to the end of its check.
func (o *office) upload(name string, body []byte, skipErrors bool) View {
	o.f.Helper()
	v := o.ask(name, body, skipErrors)
	o.must(o.check(o.ctx, o.put(v, body)))
	return o.get(v.ID)
}

// checked uploads rows as CSV; the check must end in this state.
func (o *office) checked(state State, rows ...[]string) View {
	o.f.Helper()
	return o.in(state, o.upload("phones.csv", csvFile(sheetOf(rows...)), false))
}

func (o *office) in(state State, v View) View {
	o.f.Helper()
	if v.State != state {
		o.f.Fatalf("state %s, want %s: %s %+v", v.State, state, v.Message, v.Errors)
	}
	return v
}

// configure applies a plan to its end.
func (o *office) configure(id string) View {
	o.f.Helper()
	testkit.Decode[View](o.t, o.request("POST", "/"+id+"/configure", nil), 202)
	o.deliver()
	return o.get(id)
}

// undo plans to undo.
func (o *office) undo(id string) View {
	o.f.Helper()
	v := testkit.Decode[View](o.t, o.request("POST", "/"+id+"/undo", nil), 201)
	o.deliver()
	return o.get(v.ID)
}

// rows are all rows of a plan.
func (o *office) rows(id string) []Row {
	o.f.Helper()
	var rows []Row
	for cursor := ""; ; {
		page := testkit.Decode[api.List[Row]](o.t, o.request("GET", "/"+id+"/rows?limit=200&cursor="+cursor, nil), 200)
		rows = append(rows, page.Items...)
		if cursor = page.NextCursor; cursor == "" {
			return rows
		}
	}
}

// download gives the result file, by its URL.
func (o *office) download(v View) []byte {
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
	if resp.StatusCode != 200 {
		o.f.Fatalf("result: %s", resp.Status)
	}
	return body
}

// result downloads the result file by its URL and reads it.
func (o *office) result(v View) [][]string {
	o.f.Helper()
	body := o.download(v)
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

// audits counts the audit records of the account by action and reason.
func (o *office) audits() map[string]int {
	o.f.Helper()
	counts := map[string]int{}
	q := table.Query{Index: table.Index1, Partition: call.Partition(o.Account, "AUDIT")}
	o.must(table.All(o.ctx, o.store, q, func(item table.Item) error {
		r, err := call.Decode[call.AuditRecord](item)
		counts[r.Action+" "+r.Reason]++
		return err
	}))
	return counts
}
