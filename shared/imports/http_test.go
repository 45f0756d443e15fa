package imports_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seatwise/infra/testing/filejobs"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/filejob"
	"seatwise/shared/imports"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
)

const unknownID = "0198f6f6-0000-7000-8000-00000000ffff"

// What a request may not be (contract, Conventions).
func TestRefusedRequests(t *testing.T) {
	o := open(t)
	v := o.checked(filejob.Ready, imports.Users, row("john", "John"))
	with := func(name string, value any) map[string]any {
		body := map[string]any{"kind": "users", "fileName": "users.csv", "sizeBytes": 10}
		if body[name] = value; value == nil {
			delete(body, name)
		}
		return body
	}
	for name, c := range map[string]struct {
		method, path string
		body         any
		account      string
		status       int
		slug, field  string
	}{
		"no kind":      {"POST", "", with("kind", nil), "", 422, "validation", "kind"},
		"unknown kind": {"POST", "", with("kind", "no-such-kind"), "", 422, "validation", "kind"},
		"not a sheet":  {"POST", "", with("fileName", "users.pdf"), "", 422, "validation", "fileName"},
		"too large": {
			"POST", "", with("sizeBytes", filejob.MaxFileBytes+1), "", 422, "validation", "sizeBytes",
		},
		"unknown field":        {"POST", "", with("force", true), "", 422, "validation", "force"},
		"unknown":              {"GET", "/" + unknownID, nil, "", 404, "not-found", ""},
		"no id":                {"GET", "/nothing", nil, "", 404, "not-found", ""},
		"unknown rows":         {"GET", "/" + unknownID + "/rows", nil, "", 404, "not-found", ""},
		"unknown to apply":     {"POST", "/" + unknownID + "/apply", nil, "", 404, "not-found", ""},
		"unknown to cancel":    {"POST", "/" + unknownID + "/cancel", nil, "", 404, "not-found", ""},
		"another account":      {"GET", "/" + v.ID, nil, fixtures.Other, 404, "not-found", ""},
		"another's to apply":   {"POST", "/" + v.ID + "/apply", nil, fixtures.Other, 404, "not-found", ""},
		"unknown kind to list": {"GET", "?kind=no-such-kind", nil, "", 422, "validation", "kind"},
		"bad outcome":          {"GET", "/" + v.ID + "/rows?outcome=good", nil, "", 422, "validation", "outcome"},
		"altered cursor": {
			"GET", "?cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", nil, "", 400, "malformed-body", "cursor",
		},
		"template of nothing": {"GET", "/template", nil, "", 422, "validation", "kind"},
		"bad format":          {"GET", "/template?kind=users&format=xls", nil, "", 422, "validation", "format"},
	} {
		t.Run(name, func(t *testing.T) {
			account := c.account
			if account == "" {
				account = o.Account
			}
			r := o.Do(t, o.API, fixtures.Request{
				Method:      c.method,
				Path:        "/v1/accounts/" + account + "/imports" + c.path,
				Body:        c.body,
				User:        "someone",
				Account:     account,
				Permissions: everything,
			})
			p := fixtures.Problem(t, r, c.status, c.slug)
			if c.field != "" && (len(p.Errors) == 0 || !strings.Contains(p.Errors[0].Field, c.field)) {
				t.Errorf("fields %+v", p.Errors)
			}
		})
	}
	large := fixtures.Problem(t, o.Request("POST", "", with("sizeBytes", filejob.MaxFileBytes+1)), 422, "validation")
	if len(large.Errors) != 1 || !strings.Contains(large.Errors[0].Message, "20971520") {
		t.Errorf("a person cannot read %+v", large.Errors)
	}
	stranger := fixtures.Request{
		Method:      "GET",
		Path:        "/v1/accounts/" + o.Account + "/imports/" + v.ID,
		User:        "someone",
		Account:     fixtures.Other,
		Permissions: everything,
	}
	fixtures.Problem(t, o.Do(t, o.API, stranger), 404, "not-found")
}

// Each operation asks for the permission that the single GET or PUT of the import's kind asks for;
// who may not read a kind is not told that an import of it exists.
func TestPermissions(t *testing.T) {
	o := open(t)
	ids := map[imports.Kind]string{}
	for _, kind := range everyKind {
		ids[kind] = o.checked(filejob.Ready, kind, row("x-"+string(kind), "X")).ID
	}
	const no, missing = "forbidden", "not-found"
	allowed, refused := map[imports.Kind]bool{}, map[imports.Kind]bool{}
	for _, c := range []struct {
		permissions []auth.Permission
		kind        imports.Kind
		// template is what reading the template says, and so on; empty when it is allowed.
		template, create, list, get, apply string
	}{
		{[]auth.Permission{auth.DirectoryRead}, imports.Users, "", no, "", "", no},
		{[]auth.Permission{auth.DirectoryRead}, imports.CallQueues, "", no, "", "", no},
		{[]auth.Permission{auth.DirectoryRead}, imports.Dashboards, no, no, no, missing, no},
		{[]auth.Permission{auth.LiveReportsView}, imports.Dashboards, "", no, "", "", no},
		{[]auth.Permission{auth.LiveReportsView}, imports.Users, no, no, no, missing, no},
		{[]auth.Permission{auth.DirectoryRead, auth.LiveReportsFull}, imports.Users, "", no, "", "", no},
		{[]auth.Permission{auth.DirectoryManage, auth.LiveReportsView}, imports.Dashboards, "", no, "", "", no},
		{[]auth.Permission{auth.DirectoryRead, auth.DirectoryManage}, imports.Dashboards, no, no, no, missing, missing},
		{[]auth.Permission{auth.LiveReportsFull}, imports.CallQueues, no, no, no, missing, missing},
		{[]auth.Permission{auth.LicensesRead, auth.LicensesManage, auth.AuditRead}, imports.Users, no, no, no, no, no},
		{[]auth.Permission{auth.DirectoryRead, auth.DirectoryManage}, imports.Users, "", "", "", "", ""},
		{[]auth.Permission{auth.DirectoryRead, auth.DirectoryManage}, imports.CallQueues, "", "", "", "", ""},
		{[]auth.Permission{auth.LiveReportsFull}, imports.Dashboards, "", "", "", "", ""},
	} {
		path := "/" + ids[c.kind]
		allowed[c.kind] = allowed[c.kind] || c.apply == ""
		refused[c.kind] = refused[c.kind] || c.get != ""
		for _, ask := range []struct {
			method, path, want string
			body               any
			status             int
		}{
			{"GET", "/template?kind=" + string(c.kind), c.template, nil, 200},
			{"POST", "", c.create, map[string]any{"kind": c.kind, "fileName": "file.csv", "sizeBytes": 10}, 201},
			{"GET", "?kind=" + string(c.kind), c.list, nil, 200},
			{"GET", path, c.get, nil, 200},
			{"GET", path + "/rows", c.get, nil, 200},
			{"POST", path + "/apply", c.apply, nil, 202},
			{"POST", path + "/cancel", c.apply, nil, 202},
		} {
			r := o.Do(t, o.API, fixtures.Request{
				Method:      ask.method,
				Path:        "/v1/accounts/" + o.Account + "/imports" + ask.path,
				Body:        ask.body,
				User:        "someone",
				Permissions: c.permissions,
			})
			switch {
			case ask.want == "" && r.Status != ask.status:
				t.Errorf("%v: %s %s: %d %s", c.permissions, ask.method, ask.path, r.Status, r.Body)
			case ask.want == no:
				fixtures.Problem(t, r, 403, no)
			case ask.want == missing:
				fixtures.Problem(t, r, 404, missing)
			}
		}
	}
	for _, kind := range everyKind {
		if !allowed[kind] || !refused[kind] {
			t.Errorf("%s: nobody who may, or nobody who may not even look, is in the table", kind)
		}
	}
	// A list without a kind shows those that the caller may read.
	for permission, want := range map[auth.Permission]int{auth.DirectoryRead: 4, auth.LiveReportsView: 2} {
		r := o.Do(
			t,
			o.API,
			fixtures.Request{
				Method:      "GET",
				Path:        "/v1/accounts/" + o.Account + "/imports",
				User:        "someone",
				Permissions: []auth.Permission{permission},
			},
		)
		list := fixtures.Decode[api.List[imports.View]](t, r, 200).Items
		if len(list) != want || slices.ContainsFunc(list, func(v imports.View) bool {
			return (v.Kind == imports.Dashboards) != (permission == auth.LiveReportsView)
		}) {
			t.Errorf("%s sees %+v", permission, list)
		}
	}
}

// The entity tag changes with the resource, If-Match is obeyed, and a request with an
// Idempotency-Key has one effect and one answer.
func TestTagsAndRepetitions(t *testing.T) {
	o := open(t)
	v := o.checked(filejob.Ready, imports.Users, staff(3)...)
	tag := func() string { return o.Request("GET", "/"+v.ID, nil).Header.Get("ETag") }
	before := tag()
	for _, verb := range []string{"apply", "cancel"} {
		fixtures.Problem(t, o.Request("POST", "/"+v.ID+"/"+verb, nil, "If-Match", `"0"`), 412, "precondition-failed")
	}
	first := o.Request("POST", "/"+v.ID+"/apply", nil, "If-Match", before, "Idempotency-Key", "one")
	if first.Status != 202 || first.Header.Get("Location") != "/v1/accounts/"+o.Account+"/imports/"+v.ID {
		t.Fatalf("%d %v %s", first.Status, first.Header, first.Body)
	}
	again := o.Request("POST", "/"+v.ID+"/apply", nil, "If-Match", before, "Idempotency-Key", "one")
	if diff := cmp.Diff(fixtures.Decode[any](t, first, 202), fixtures.Decode[any](t, again, 202)); diff != "" ||
		again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("again, first -, again +:\n%s%v", diff, again.Header)
	}
	fixtures.Problem(
		t,
		o.Request("POST", "/"+v.ID+"/cancel", nil, "Idempotency-Key", "one"),
		422,
		"idempotency-mismatch",
	)
	// The stored answer shows an import of users, which another token of the same admin may not
	// see.
	fixtures.Problem(t, o.Do(t, o.API, fixtures.Request{
		Method:      "POST",
		Path:        "/v1/accounts/" + o.Account + "/imports/" + v.ID + "/apply",
		User:        "admin",
		Permissions: []auth.Permission{auth.LiveReportsFull},
		Header:      map[string]string{"If-Match": before, "Idempotency-Key": "one"},
	}), 404, "not-found")
	started := tag()
	if n := len(o.Files.Take()); n != 1 {
		t.Errorf("%d wake-ups", n)
	}
	o.Must(o.Apply(o.Ctx, o.Schedule())) // the wake-up is lost, and the schedule finds the work
	if v = o.In(filejob.Completed, o.Get(v.ID)); v.Applied != 3 {
		t.Errorf("%+v", v)
	}
	if done := tag(); started == before || done == started {
		t.Errorf("tags %s, %s, %s", before, started, done)
	}
	body := map[string]any{"kind": "users", "fileName": "users.csv", "sizeBytes": 100}
	one, other := o.Request(
		"POST",
		"",
		body,
		"Idempotency-Key",
		"two",
	), o.Request(
		"POST",
		"",
		body,
		"Idempotency-Key",
		"two",
	)
	if diff := cmp.Diff(fixtures.Decode[any](t, one, 201), fixtures.Decode[any](t, other, 201)); diff != "" ||
		other.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("again, first -, again +:\n%s%v", diff, other.Header)
	}
}

// Imports and rows come in pages, of one kind and of one outcome.
func TestPages(t *testing.T) {
	o := open(t)
	var want []string
	for i := range 7 {
		kind := []imports.Kind{imports.Users, imports.CallQueues, imports.Users}[i%3]
		v := o.ask(kind, "file.csv", []byte("x"), false)
		if kind == imports.Users {
			want = append([]string{v.ID}, want...)
		}
	}
	for limit := 1; limit <= 6; limit++ {
		var got []string
		for cursor := ""; ; {
			page := fixtures.Decode[api.List[imports.View]](
				t,
				o.Request("GET", "?kind=users&limit="+string(rune('0'+limit))+"&cursor="+cursor, nil),
				200,
			)
			for _, v := range page.Items {
				got = append(got, v.ID)
			}
			if len(page.Items) < limit && page.NextCursor != "" {
				t.Errorf("a page of %d", len(page.Items))
			}
			if cursor = page.NextCursor; cursor == "" {
				break
			}
			fixtures.Problem(t, o.Request("GET", "?kind=call-queues&cursor="+cursor, nil), 400, "malformed-body")
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: %q, want %q", limit, got, want)
		}
	}
	rows := staff(120)
	for i := 0; i < len(rows); i += 3 {
		rows[i][1] = ""
	}
	v := o.In(
		filejob.Ready, o.upload(imports.Users, "file.csv", filejobs.CSVFile(content(imports.Users, rows...)), true),
	)
	var numbers []int
	for cursor := ""; ; {
		page := fixtures.Decode[api.List[imports.Row]](
			t,
			o.Request("GET", "/"+v.ID+"/rows?outcome=error&limit=7&cursor="+cursor, nil),
			200,
		)
		for _, r := range page.Items {
			numbers = append(numbers, r.Row)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if len(numbers) != 40 || numbers[0] != 2 || numbers[39] != 119 || !slices.IsSorted(numbers) {
		t.Errorf("rows %v", numbers)
	}
}

// What no import asked for is put aside with an audit record, and is no failure that would be tried
// again; a dropped file is never an import.
func TestForeignObjectsArePutAside(t *testing.T) {
	o := open(t)
	waiting := o.ask(imports.Users, "users.csv", []byte("x"), false)
	aside := 0
	for _, key := range []string{
		"uploads/acme/imports/users.csv", "uploads/acme/imports/" + waiting.ID,
		"uploads/acme/imports/" + waiting.ID + "/other.csv", "uploads/acme/" + waiting.ID + "/users.csv",
		"uploads/globex/imports/" + waiting.ID + "/users.csv", "uploads/acme/imports/" + unknownID + "/users.csv",
		"uploads/acme/imports/imports/" + waiting.ID + "/users.csv",
		"uploads//imports/" + waiting.ID + "/users.csv",
	} {
		aside++
		o.Must(
			o.Check(
				o.Ctx,
				filejobs.Event(
					files.Info{Ref: files.Ref{Bucket: files.Uploads, Key: key, Version: "v1"}, Size: 1, ETag: "e"},
				),
			),
		)
	}
	for _, key := range []string{
		"jobs/configure/acme/imports/" + unknownID + ".json", "jobs/configure/acme/imports/x/y.json",
		"jobs/configure/acme/imports/" + waiting.ID,
	} {
		aside++
		o.Must(
			o.Apply(
				o.Ctx,
				filejobs.Event(files.Info{Ref: files.Ref{Bucket: files.Uploads, Key: key, Version: "v1"}, Size: 2}),
			),
		)
	}
	records := 0
	q := table.Query{Index: table.Index1, Partition: call.Partition(call.Nowhere, "AUDIT")}
	o.Must(table.All(o.Ctx, o.Store, q, func(table.Item) error {
		records++
		return nil
	}))
	if records != aside {
		t.Errorf("%d records of %d objects", records, aside)
	}
	o.In(filejob.AwaitingUpload, o.Get(waiting.ID))
	// A file that is not as large as was announced is refused.
	o.Must(o.Check(o.Ctx, filejobs.Event(files.Info{
		Ref: files.Ref{
			Bucket:  files.Uploads,
			Key:     "uploads/acme/imports/" + waiting.ID + "/users.csv",
			Version: "v1",
		},
		Size: 2,
		ETag: "e",
	})))
	if v := o.In(filejob.Rejected, o.Get(waiting.ID)); !strings.Contains(v.Message, "2 bytes; 1 were announced") {
		t.Errorf("%q", v.Message)
	}
}

// TestAFileGivesNoMoreThanWhoAskedHas checks with the permissions of who uploads, and applies with
// those of who has it applied.
func TestAFileGivesNoMoreThanWhoAskedHas(t *testing.T) {
	o := open(t)
	send := func(permissions []auth.Permission, path string, body any) fixtures.Response {
		return o.Do(t, o.API, fixtures.Request{
			Method: "POST", Path: "/v1/accounts/" + o.Account + "/imports" + path, Body: body,
			User: "clerk", Account: o.Account, Permissions: permissions,
		})
	}
	clerk := []auth.Permission{auth.DirectoryRead, auth.DirectoryManage}
	file := filejobs.CSVFile(content(imports.Users, row("eve", "Eve", "", "", "", "yes", "", "super-admin")))
	asked := map[string]any{"kind": imports.Users, "fileName": "file.csv", "sizeBytes": len(file)}
	v := fixtures.Decode[imports.View](t, send(clerk, "", asked), 201)
	o.Must(o.Check(o.Ctx, o.Put(v, file)))
	if v = o.In(filejob.Rejected, o.Get(v.ID)); len(v.Errors) != 1 || v.Errors[0].Column == "" {
		t.Errorf("checked by the clerk: %+v", v.Errors)
	}

	v = fixtures.Decode[imports.View](t, send(everything, "", asked), 201)
	o.Must(o.Check(o.Ctx, o.Put(v, file)))
	o.In(filejob.Ready, o.Get(v.ID))
	fixtures.Decode[imports.View](t, send(clerk, "/"+v.ID+"/apply", nil), 202)
	o.Must(o.Apply(o.Ctx, filejobs.Event(o.Files.Take()[0])))
	o.In(filejob.Failed, o.Get(v.ID)) // the plan no longer fits
	if users, _, err := o.People.ListUsers(o.Ctx, o.Call("admin"), "eve", "", 10); err != nil || len(users) != 0 {
		t.Errorf("the clerk made %+v, %v", users, err)
	}
}
