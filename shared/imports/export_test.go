package imports_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/filejobs"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/craft/sheet"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/imports"
	"seatwise/shared/massconfig"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/lease"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

func (o *office) exports(method, path string, body any, may ...auth.Permission) fixtures.Response {
	o.F.Helper()
	if len(may) == 0 {
		may = append(may, everything...)
		may = append(may, auth.LicensesRead, auth.LicensesManage)
	}
	return o.Do(o.T, o.API, fixtures.Request{
		Method:      method,
		Path:        "/v1/accounts/" + o.Account + "/exports" + path,
		Body:        body,
		User:        "admin",
		Account:     o.Account,
		Permissions: may,
	})
}

func (o *office) export(kind imports.Kind, format string) imports.ExportView {
	o.F.Helper()
	r := o.exports("POST", "", map[string]any{"kind": kind, "format": format})
	v := fixtures.Decode[imports.ExportView](o.T, r, 202)
	if v.State != "queued" || r.Header.Get("Location") != "/v1/accounts/"+o.Account+"/exports/"+v.ID {
		o.F.Fatalf("%+v at %s", v, r.Header.Get("Location"))
	}
	wakeUps := o.Files.Take()
	if len(wakeUps) != 1 {
		o.F.Fatalf("%d wake-ups", len(wakeUps))
	}
	o.Must(o.Apply(o.Ctx, filejobs.Event(wakeUps[0])))
	o.Must(o.Apply(o.Ctx, filejobs.Event(wakeUps[0]))) // S3 tells it twice
	return fixtures.Decode[imports.ExportView](o.T, o.exports("GET", "/"+v.ID, nil), 200)
}

// downloaded is an export's file.
func (o *office) downloaded(v imports.ExportView) []byte {
	o.F.Helper()
	if v.State != "ready" || v.DownloadURL == "" || v.ExpiresAt == nil || v.Percent != 100 {
		o.F.Fatalf("%+v", v)
	}
	req, err := http.NewRequestWithContext(o.Ctx, http.MethodGet, v.DownloadURL, http.NoBody)
	o.Must(err)
	resp, err := http.DefaultClient.Do(req)
	o.Must(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	o.Must(err)
	if resp.StatusCode != 200 || !strings.Contains(resp.Header.Get("Content-Disposition"), v.FileName) {
		o.F.Fatalf("download: %s %v", resp.Status, resp.Header)
	}
	return body
}

// read gives the rows of a file.
func (o *office) read(body []byte, name string) []string {
	o.F.Helper()
	reader, err := sheet.Open(bytes.NewReader(body), int64(len(body)), name, sheet.DefaultLimits())
	o.Must(err)
	defer reader.Close()
	var rows []string
	o.Must(reader.Rows(func(r sheet.Row) error {
		cells := make([]string, len(r.Cells))
		for i, c := range r.Cells {
			cells[i] = c.Text
		}
		rows = append(rows, strings.Join(cells, "|"))
		return nil
	}))
	return rows
}

// An export is the file that imports it: sent back unedited, every row is unchanged (requirements,
// section 14), whatever the names are.
func TestExportsAreFilesThatImport(t *testing.T) {
	o := company(t)
	o.role("late", "client-desktop")
	o.centers("SALES")
	o.Buy(2, catalog.PhoneSystemID)
	o.Buy(2, "team_chat")
	for i, name := range []string{"=bad", "'=bad", "+49 (0)", "@home", `Zoë "Z", Ltd.; x`, "#REF!", "007", "TRUE"} {
		o.User(directory.User{
			ID: fmt.Sprintf(
				"odd%d",
				i,
			),
			Name:      name,
			Email:     fmt.Sprintf("odd%d@example.com", i),
			Extension: fmt.Sprintf("0%d", 100+i),
			Number:    fmt.Sprintf("+49301234%d", i),
			RoleIDs:   []string{"agent", "crm", "late", directory.SuperAdmin},
			Active:    true,
		})
	}
	o.User(
		directory.User{
			ID:          "pbx",
			Name:        "P",
			RoleIDs:     []string{},
			Licenses:    []string{"agent-user", "essential-user"},
			AgentSource: "pbx",
			CostCenter:  "SALES",
			Active:      true,
		},
	)
	var many []string
	for i := range 300 {
		many = append(many, fmt.Sprintf("member%03d", i))
	}
	o.hire(many...)
	o.queue("large", many...)
	o.dashboard("d1", "q1", "large")
	o.dashboard("d2")
	there := map[imports.Kind]int{imports.Users: 315, imports.CallQueues: 3, imports.Dashboards: 2}
	for _, kind := range everyKind {
		rows := there[kind]
		if rows == 0 {
			t.Errorf("%s: the test makes none to export", kind)
		}
		for _, format := range []string{"xlsx", "csv"} {
			v := o.export(kind, format)
			body := o.downloaded(v)
			back := o.In(filejob.Ready, o.upload(kind, "back."+format, body, false))
			if back.Counts.Rows != rows || back.Counts.Unchanged != rows || v.Rows != rows {
				t.Errorf("%s %s: %d exported, %+v", kind, format, v.Rows, back.Counts)
				for _, r := range o.Rows(back.ID) {
					if r.Outcome != filejob.Unchanged {
						t.Logf("%+v", r)
					}
				}
			}
		}
	}
}

// Phones come as a file of mass configuration, and licenses as a list.
func TestExportsOfPhonesAndLicenses(t *testing.T) {
	o := company(t)
	o.Buy(2, catalog.PhoneSystemID)
	o.Buy(1, "team_chat")
	ch := o.Kernel.Change(o.Call("admin"))
	o.Must(load(o, ch, "xavier"))
	o.Must(ch.Grant(o.Ctx, "xavier", catalog.PhoneSystemID, "direct"))
	o.Must(ch.SetAddOns(o.Ctx, "xavier", catalog.PhoneSystemID, []string{"team_chat"}, "direct"))
	o.Must(commit(o, ch))
	for _, format := range []string{"xlsx", "csv"} {
		body := o.downloaded(o.export(imports.PhonesOf, format))
		mass := func(method, path string, body any) massconfig.View {
			r := o.Do(t, o.API, fixtures.Request{
				Method:      method,
				Path:        "/v1/accounts/" + o.Account + "/mass-configurations" + path,
				Body:        body,
				User:        "admin",
				Account:     o.Account,
				Permissions: []auth.Permission{auth.LicensesRead, auth.LicensesManage},
			})
			return fixtures.Decode[massconfig.View](t, r, map[string]int{"POST": 201, "GET": 200}[method])
		}
		v := mass("POST", "", map[string]any{"fileName": "p." + format, "sizeBytes": len(body)})
		o.Must(o.Check(o.Ctx, o.PutAt(v.Upload, "uploads/"+o.Account+"/"+v.ID+"/p."+format, body)))
		if v = mass("GET", "/"+v.ID, nil); v.Counts.Rows != 1 || v.Counts.Unchanged != 1 {
			t.Errorf("%s: %+v %s %+v", format, v.Counts, v.Message, v.Errors)
		}
		got := o.read(o.downloaded(o.export(imports.Licenses, format)), "l."+format)
		text := strings.Join(got, "\n")
		if len(got) < 4 ||
			!strings.HasPrefix(got[0], "License ID|License Type|Product|Status|Assigned To|User ID|Ext|") ||
			!strings.Contains(text, "|Phone System|phone-system|assigned|Xavier|xavier|500|") ||
			!strings.Contains(text, "|Phone System|phone-system|available||||") {
			t.Errorf("%s: %s", format, text)
		}
	}
}

// Who may not read the things may not export them, nor see that somebody did.
func TestExportsNeedThePermissionOfTheirKind(t *testing.T) {
	o := company(t)
	needed := map[imports.Kind]auth.Permission{
		imports.Users: auth.DirectoryRead, imports.CallQueues: auth.DirectoryRead,
		imports.Dashboards: auth.LiveReportsView, imports.Licenses: auth.LicensesRead,
		imports.PhonesOf: auth.LicensesRead,
	}
	for _, kind := range everyExport {
		need, known := needed[kind]
		if !known {
			t.Errorf("%s: the test does not know what reading one needs", kind)
			continue
		}
		v := fixtures.Decode[imports.ExportView](t, o.exports("POST", "", map[string]any{"kind": kind}, need), 202)
		fixtures.Decode[imports.ExportView](t, o.exports("GET", "/"+v.ID, nil, need), 200)
		for _, other := range []auth.Permission{auth.DirectoryRead, auth.LiveReportsView, auth.LicensesRead} {
			if other == need {
				continue
			}
			fixtures.Problem(t, o.exports("POST", "", map[string]any{"kind": kind}, other), 403, "forbidden")
			fixtures.Problem(t, o.exports("GET", "/"+v.ID, nil, other), 404, "not-found")
		}
		fixtures.Problem(t, o.exports("POST", "", map[string]any{"kind": kind}, auth.MetricsRead), 403, "forbidden")
	}
	fixtures.Problem(t, o.exports("POST", "", map[string]any{"kind": "no-such-kind"}), 422, "validation")
	fixtures.Problem(t, o.exports("POST", "", map[string]any{"kind": "users", "format": "ods"}), 422, "validation")
	fixtures.Problem(t, o.exports("GET", "/nothing", nil), 404, "not-found")
}

// A worker that dies leaves the export to the schedule once its lease is over; after four attempts
// it fails for good.
func TestExportsAreResumed(t *testing.T) {
	o := company(t)
	v := fixtures.Decode[imports.ExportView](t, o.exports("POST", "", map[string]any{"kind": "users"}), 202)
	o.Files.Take() // nobody hears of it
	get := func() imports.ExportView {
		return fixtures.Decode[imports.ExportView](t, o.exports("GET", "/"+v.ID, nil), 200)
	}
	store := o.Env.Files
	o.Env.Files = failing{store}
	for i := range 4 {
		if err := o.Apply(o.Ctx, o.Schedule()); err == nil {
			t.Fatalf("attempt %d failed in silence", i)
		}
		if got := get(); got.State != "running" {
			t.Fatalf("attempt %d: %+v", i, got)
		}
		o.Clock.Add(time.Minute)
	}
	o.Must(o.Apply(o.Ctx, o.Schedule()))
	if got := get(); got.State != "failed" || !strings.Contains(got.Message, "4 attempts") {
		t.Errorf("%+v", got)
	}
	o.Env.Files = store
	v = fixtures.Decode[imports.ExportView](
		t,
		o.exports("POST", "", map[string]any{"kind": "users", "format": "csv"}),
		202,
	)
	o.Files.Take()
	o.Must(o.Apply(o.Ctx, o.Schedule()))
	o.Must(o.Apply(o.Ctx, o.Schedule()))
	if got := get(); got.State != "ready" || got.Rows != 6 {
		t.Errorf("%+v", got)
	}
}

// A worker that was killed in the middle of an export is followed by the next one once the short
// lease is over, and not before; at once, where a restart knows that the former process is dead.
func TestAKilledExportGoesOn(t *testing.T) {
	for name, test := range map[string]struct {
		alone bool // on one machine
		next  string
		wait  time.Duration
		want  string
	}{
		"in AWS, too early":           {false, "next", lease.Life - time.Second, "running"},
		"in AWS":                      {false, "next", lease.Life, "ready"},
		"restarted on one machine":    {true, "next", 0, "ready"},
		"the same process, too early": {true, "former", lease.Life - time.Second, "running"},
		"the same process":            {true, "former", lease.Life, "ready"},
	} {
		t.Run(name, func(t *testing.T) {
			o := company(t)
			o.Env.Process, o.Env.Alone = "former", test.alone
			v := fixtures.Decode[imports.ExportView](t, o.exports("POST", "", map[string]any{"kind": "users"}), 202)
			o.Files.Take()                                                            // nobody hears of it
			o.Env.Table = faulty.New(o.Store, faulty.AtCommit(2, faulty.CrashBefore)) // the first takes the lease
			if err := o.Apply(o.Ctx, o.Schedule()); !errors.Is(err, faulty.ErrCrashed) {
				t.Fatalf("nobody died: %v", err)
			}
			o.Env.Table, o.Env.Process = o.Store, test.next
			o.Clock.Add(test.wait)
			o.Must(o.Apply(o.Ctx, o.Schedule()))
			if got := fixtures.Decode[imports.ExportView](
				t, o.exports("GET", "/"+v.ID, nil), 200,
			); got.State != test.want {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A worker that is slow but alive renews its lease, and nobody takes the export over. One that was
// silent for longer is overtaken, and the other one has the last word.
func TestASlowExportIsNotTakenOver(t *testing.T) {
	for _, overtaken := range []bool{false, true} {
		o := company(t)
		v := fixtures.Decode[imports.ExportView](t, o.exports("POST", "", map[string]any{"kind": "users"}), 202)
		o.Files.Take()
		wait := lease.Life - time.Second
		if overtaken {
			wait = lease.Life
		}
		get := func() imports.ExportView {
			return fixtures.Decode[imports.ExportView](t, o.exports("GET", "/"+v.ID, nil), 200)
		}
		var other bool // it is the other one's commit
		var seen []string
		o.Env.Table = &filejobs.Through{Store: o.Store, Passing: func(
			_ context.Context, _ []table.Operation, commit func() error,
		) error {
			err := commit()
			if !other {
				other = true
				o.Clock.Add(wait)
				o.Must(o.Apply(o.Ctx, o.Schedule()))
				other = false
				seen = append(seen, get().State)
			}
			return err
		}}
		o.Must(o.Apply(o.Ctx, o.Schedule()))
		want := []string{"running", "running", "ready"} // it takes the export, is about to store it, and ends
		if overtaken {
			want = []string{"ready", "ready"} // it takes the export, and is refused
		}
		if !slices.Equal(seen, want) {
			t.Errorf("overtaken %v: after its commits %q, not %q", overtaken, seen, want)
		}
		ready := 0
		for _, e := range o.log() {
			if strings.Contains(e, "export.ready") {
				ready++
			}
		}
		if got := get(); got.State != "ready" || ready != 1 {
			t.Errorf("overtaken %v: %d times ready, %+v", overtaken, ready, got)
		}
	}
}

// Exports are listed in pages, newest first, each with the URL of its file; those of kinds that the
// caller may not read are left out.
func TestExportsAreListed(t *testing.T) {
	o := company(t)
	kinds := []imports.Kind{imports.Users, imports.Dashboards, imports.Licenses, imports.CallQueues, imports.Users}
	var ids []string
	for _, kind := range kinds {
		v := fixtures.Decode[imports.ExportView](t, o.exports("POST", "", map[string]any{"kind": kind}), 202)
		ids = append([]string{v.ID}, ids...)
		o.Clock.Add(time.Second)
	}
	o.Must(o.Apply(o.Ctx, o.Schedule()))
	type page struct {
		Items      []imports.ExportView
		NextCursor string
	}
	list := func(limit int, may ...auth.Permission) (got []string) {
		t.Helper()
		for query := fmt.Sprintf("?limit=%d", limit); ; {
			p := fixtures.Decode[page](t, o.exports("GET", query, nil, may...), 200)
			if len(p.Items) > limit {
				t.Fatalf("%d in a page of %d", len(p.Items), limit)
			}
			for _, v := range p.Items {
				if v.State != "ready" || v.DownloadURL == "" || v.ExpiresAt == nil {
					t.Errorf("%+v", v)
				}
				got = append(got, v.ID)
			}
			if p.NextCursor == "" {
				return got
			}
			query = fmt.Sprintf("?limit=%d&cursor=%s", limit, p.NextCursor)
		}
	}
	for _, limit := range []int{1, 2, 5, 50} {
		if got := list(limit); !slices.Equal(got, ids) {
			t.Errorf("pages of %d: %q, not %q", limit, got, ids)
		}
	}
	if got := list(1, auth.DirectoryRead); !slices.Equal(got, []string{ids[0], ids[1], ids[4]}) {
		t.Errorf("for who reads the directory: %q of %q", got, ids)
	}
	fixtures.Problem(t, o.exports("GET", "", nil, auth.MetricsRead), 403, "forbidden")
}

// failing stores no result.
type failing struct{ files.Store }

func (failing) Put(context.Context, files.Ref, io.ReadSeeker, int64, string) (files.Info, error) {
	return files.Info{}, errors.New("the store is away")
}
