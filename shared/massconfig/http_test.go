package massconfig

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"seatwise/infra/testing/diskfiles"
	"seatwise/infra/testing/filejobs"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/craft/sheet"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/files"
)

const unknownID = "0198f6f6-0000-7000-8000-00000000ffff"

// What a request may not be (contract, Conventions).
func TestRefusedRequests(t *testing.T) {
	o := open(t)
	o.Hire("Alice")
	o.Buy(1, "phone-system")
	v := o.checked(Ready, row("102", "", "alice"))
	good := map[string]any{"fileName": "phones.csv", "sizeBytes": 10}
	with := func(name string, value any) map[string]any {
		body := map[string]any{"fileName": "phones.csv", "sizeBytes": 10}
		body[name] = value
		return body
	}
	for name, c := range map[string]struct {
		method, path string
		body         any
		account      string
		permissions  []auth.Permission
		status       int
		slug, field  string
	}{
		"not a sheet": {
			"POST", "", with("fileName", "phones.pdf"), "", everything, 422, "validation", "fileName",
		},
		"no name": {"POST", "", with("fileName", ""), "", everything, 422, "validation", "fileName"},
		"old workbook": {
			"POST", "", with("fileName", "phones.xls"), "", everything, 422, "validation", "fileName",
		},
		"empty": {"POST", "", with("sizeBytes", 0), "", everything, 422, "validation", "sizeBytes"},
		"too large": {
			"POST", "", with("sizeBytes", MaxFileBytes+1), "", everything, 422, "validation", "sizeBytes",
		},
		"size as text":  {"POST", "", with("sizeBytes", "10"), "", everything, 422, "validation", "sizeBytes"},
		"bad checksum":  {"POST", "", with("sha256", "abc"), "", everything, 422, "validation", "sha256"},
		"unknown field": {"POST", "", with("force", true), "", everything, 422, "validation", "force"},
		"no body":       {"POST", "", "", "", everything, 400, "malformed-body", ""},
		"may only read": {"POST", "", good, "", []auth.Permission{auth.LicensesRead}, 403, "forbidden", ""},
		"may not configure": {
			"POST", "/" + v.ID + "/configure", nil, "", []auth.Permission{auth.LicensesRead}, 403, "forbidden", "",
		},
		"may not even read": {"GET", "", nil, "", []auth.Permission{auth.CatalogRead}, 403, "forbidden", ""},
		"may not get template": {
			"GET", "/template", nil, "", []auth.Permission{auth.CatalogRead}, 403, "forbidden", "",
		},
		"unknown":              {"GET", "/" + unknownID, nil, "", everything, 404, "not-found", ""},
		"unknown rows":         {"GET", "/" + unknownID + "/rows", nil, "", everything, 404, "not-found", ""},
		"no id":                {"GET", "/nothing", nil, "", everything, 404, "not-found", ""},
		"endless id":           {"GET", "/" + strings.Repeat("a", 3000), nil, "", everything, 404, "not-found", ""},
		"unknown to configure": {"POST", "/" + unknownID + "/configure", nil, "", everything, 404, "not-found", ""},
		"unknown to cancel":    {"POST", "/" + unknownID + "/cancel", nil, "", everything, 404, "not-found", ""},
		"unknown to undo":      {"POST", "/" + unknownID + "/undo", nil, "", everything, 404, "not-found", ""},
		"another account":      {"GET", "/" + v.ID, nil, fixtures.Other, everything, 404, "not-found", ""},
		"undo of nothing":      {"POST", "/" + v.ID + "/undo", nil, "", everything, 409, "wrong-state", ""},
		"bad outcome": {
			"GET", "/" + v.ID + "/rows?outcome=good", nil, "", everything, 422, "validation", "outcome",
		},
		"bad limit": {
			"GET", "/" + v.ID + "/rows?limit=201", nil, "", everything, 422, "validation", "limit",
		},
		"altered cursor": {
			"GET", "/" + v.ID + "/rows?cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", nil, "", everything, 400,
			"malformed-body", "cursor",
		},
		"bad format": {"GET", "/template?format=xls", nil, "", everything, 422, "validation", "format"},
	} {
		t.Run(name, func(t *testing.T) {
			account := c.account
			if account == "" {
				account = o.Account
			}
			r := o.Do(t, o.API, fixtures.Request{
				Method:      c.method,
				Path:        "/v1/accounts/" + account + "/mass-configurations" + c.path,
				Body:        c.body,
				User:        "someone",
				Account:     account,
				Permissions: c.permissions,
			})
			p := fixtures.Problem(t, r, c.status, c.slug)
			if c.field != "" && (len(p.Errors) == 0 || !strings.Contains(p.Errors[0].Field, c.field)) {
				t.Errorf("fields %+v", p.Errors)
			}
		})
	}
	r := o.Do(t, o.API, fixtures.Request{
		Method:      "GET",
		Path:        "/v1/accounts/" + o.Account + "/mass-configurations/" + v.ID,
		User:        "someone",
		Account:     fixtures.Other,
		Permissions: everything,
	})
	if r.Status != 404 && r.Status != 403 {
		t.Errorf("a stranger gets %d", r.Status)
	}
}

// The entity tag changes with the resource, and If-Match is obeyed.
func TestEntityTag(t *testing.T) {
	o := open(t)
	v := o.ready(10)
	tag := func() string {
		r := o.Request("GET", "/"+v.ID, nil)
		return r.Header.Get("ETag")
	}
	before := tag()
	if before == "" || tag() != before {
		t.Fatalf("tag %q, then %q", before, tag())
	}
	for _, verb := range []string{"configure", "cancel"} {
		fixtures.Problem(t, o.Request("POST", "/"+v.ID+"/"+verb, nil, "If-Match", `"0"`), 412, "precondition-failed")
	}
	if r := o.Request(
		"POST",
		"/"+v.ID+"/configure",
		nil,
		"If-Match",
		before,
	); r.Status != 202 ||
		!strings.HasSuffix(r.Header.Get("Location"), "/"+v.ID) {
		t.Fatalf("%d %v", r.Status, r.Header)
	}
	started := tag()
	o.deliver()
	if done := tag(); started == before || done == started {
		t.Errorf("tags %s, %s, %s", before, started, done)
	}
	fixtures.Problem(t, o.Request("POST", "/"+v.ID+"/undo", nil, "If-Match", started), 412, "precondition-failed")
}

// A request with an Idempotency-Key has one effect and one answer.
func TestRepeatedRequests(t *testing.T) {
	o := open(t)
	body := map[string]any{"fileName": "phones.csv", "sizeBytes": 100}
	repeat := func(path string, body any, key string) fixtures.Response {
		first := o.Request("POST", path, body, "Idempotency-Key", key)
		again := o.Request("POST", path, body, "Idempotency-Key", key)
		one, other := fixtures.Decode[any](t, first, first.Status), fixtures.Decode[any](t, again, first.Status)
		if diff := cmp.Diff(one, other); first.Status >= 300 || diff != "" ||
			again.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s: %d, again %d, first -, again +:\n%s", path, first.Status, again.Status, diff)
		}
		return first
	}
	repeat("", body, "one")
	if n := len(o.list()); n != 1 {
		t.Errorf("%d mass configurations", n)
	}
	v := o.ready(2)
	repeat("/"+v.ID+"/configure", nil, "two")
	if n := len(o.Files.Take()); n != 1 {
		t.Errorf("%d wake-ups", n)
	}
	o.Must(o.Apply(o.Ctx, o.Schedule())) // the wake-up is lost, and the schedule finds the work
	o.In(Completed, o.Get(v.ID))
	repeat("/"+v.ID+"/undo", nil, "three")
	o.deliver()
	if n := len(o.list()); n != 3 {
		t.Errorf("%d mass configurations", n)
	}
	fixtures.Problem(
		t,
		o.Request("POST", "/"+v.ID+"/cancel", nil, "Idempotency-Key", "two"),
		422,
		"idempotency-mismatch",
	)
}

// Mass configurations and rows come in pages.
func TestPages(t *testing.T) {
	o := open(t)
	file := o.floor(2*chunkRows + 30)
	for i := range file {
		if i%3 == 0 {
			file[i][2] = "nobody"
		}
	}
	v := o.In(Ready, o.upload("phones.csv", filejobs.CSVFile(sheetOf(file...)), true))
	for _, c := range []struct {
		outcome string
		limit   int
		want    func(i int) bool
	}{
		{"", 7, func(int) bool { return true }},
		{"", 200, func(int) bool { return true }},
		{"error", 1, func(i int) bool { return i%3 == 0 }},
		{"new", 13, func(i int) bool { return i%3 != 0 }},
		{"change", 50, func(int) bool { return false }},
		{"unchanged", 50, func(int) bool { return false }},
	} {
		var want, got []int
		for i := range file {
			if c.want(i) {
				want = append(want, i+2)
			}
		}
		path := fmt.Sprintf("/%s/rows?limit=%d", v.ID, c.limit)
		if c.outcome != "" {
			path += "&outcome=" + c.outcome
		}
		for cursor := ""; ; {
			page := fixtures.Decode[api.List[Row]](t, o.Request("GET", path+"&cursor="+cursor, nil), 200)
			if len(page.Items) > c.limit || len(page.Items) < c.limit && page.NextCursor != "" {
				t.Errorf("%s: a page of %d", path, len(page.Items))
			}
			for _, r := range page.Items {
				got = append(got, r.Row)
			}
			if cursor = page.NextCursor; cursor == "" {
				break
			}
			// A cursor is good for its own list only.
			fixtures.Problem(
				t,
				o.Request("GET", "/"+v.ID+"/rows?outcome=change&limit=3&cursor="+cursor, nil),
				400,
				"malformed-body",
			)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: rows %v, want %v", path, got, want)
		}
	}

	for range 4 {
		o.ask("phones.csv", []byte("x"), false)
	}
	var ids []string
	for cursor := ""; ; {
		page := fixtures.Decode[api.List[View]](t, o.Request("GET", "?limit=2&cursor="+cursor, nil), 200)
		for _, v := range page.Items {
			ids = append(ids, v.ID)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if len(ids) != 5 || ids[4] != v.ID ||
		!slices.IsSortedFunc(ids, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("ids %v", ids)
	}
}

// The sample file is one that we take ourselves, in both formats; the workbook offers the codes
// (requirements, section 5.1).
func TestTemplate(t *testing.T) {
	o := open(t)
	read := func(format string, addOns int) []byte {
		r := o.Request("GET", "/template?format="+format, nil)
		if r.Status != 200 || r.Header.Get("Content-Type") != contentType("x."+format) ||
			!strings.Contains(r.Header.Get("Content-Disposition"), "."+format) {
			t.Fatalf("%s: %d %v", format, r.Status, r.Header)
		}
		reader, err := sheet.Open(
			bytes.NewReader(r.Body),
			int64(len(r.Body)),
			"template."+format,
			sheet.DefaultLimits(),
		)
		o.Must(err)
		defer reader.Close()
		rows := 0
		o.Must(reader.Rows(func(row sheet.Row) error {
			if rows++; rows > 1 {
				return nil
			}
			at, err := readHeader(row)
			if len(at.addOns) != addOns {
				t.Errorf("%s: %d add-on columns, want %d", format, len(at.addOns), addOns)
			}
			return err
		}))
		if rows != 3 {
			t.Errorf("%s: %d rows", format, rows)
		}
		return r.Body
	}
	codes := func(body []byte) []string {
		book, err := excelize.OpenReader(bytes.NewReader(body))
		o.Must(err)
		defer book.Close()
		rows, err := book.GetRows(book.GetSheetList()[1])
		o.Must(err)
		rules, err := book.GetDataValidations(book.GetSheetList()[0])
		o.Must(err)
		if len(rules) != 1 || !strings.HasPrefix(rules[0].Sqref, "D2:") {
			t.Errorf("rules %+v", rules)
		}
		var codes []string
		for _, r := range rows[1:] {
			codes = append(codes, r[0])
		}
		return codes
	}
	read("csv", 9)
	body := read("xlsx", 9)
	if got := codes(body); !slices.Equal(got, all()[1:]) {
		t.Errorf("codes %q", got)
	}
	o.Buy(1, "phone-system", "team_chat")

	// Filled in by Excel and sent back.
	o.Hire("John")
	book, err := excelize.OpenReader(bytes.NewReader(body))
	o.Must(err)
	defer book.Close()
	for at, text := range map[string]string{
		"A2": "0101", "B2": "6567891230", "C2": "John", "D2": "team_chat", "E2": "",
	} {
		o.Must(book.SetCellStr(book.GetSheetList()[0], at, text))
	}
	o.Must(book.RemoveRow(book.GetSheetList()[0], 3))
	var filled bytes.Buffer
	o.Must(book.Write(&filled))
	v := o.In(Completed, o.configure(o.In(Ready, o.upload("phones.xlsx", filled.Bytes(), false)).ID))
	if v.Applied != 1 {
		t.Errorf("%+v", v)
	}
	o.EqualState(o.state(), "john: 0101/6567891230 phone-system team_chat\nphone-system 1\nteam_chat 1")
	// Sent back as it is, its rows are known as samples.
	for name, body := range map[string][]byte{"phones.xlsx": body, "phones.csv": read("csv", 9)} {
		v := o.In(Rejected, o.upload(name, body, false))
		if len(v.Errors) != 2 || v.Counts.Error != 2 {
			t.Errorf("%+v", v)
		}
		for _, e := range v.Errors {
			if e.Code != "sample-row" || !strings.Contains(e.Message, "sample") {
				t.Errorf("%+v", e)
			}
		}
	}
}

// What comes must be what was announced.
func TestUploadIsWhatWasAnnounced(t *testing.T) {
	o := open(t)
	o.Hire("John")
	o.Buy(1, "phone-system")
	body := filejobs.CSVFile(sheetOf(row("101", "", "john")))
	sum := sha256.Sum256(body)
	for name, c := range map[string]struct {
		sum    string
		size   int64
		state  State
		reason string
	}{
		"as announced":    {hex.EncodeToString(sum[:]), 0, Ready, ""},
		"in upper case":   {strings.ToUpper(hex.EncodeToString(sum[:])), 0, Ready, ""},
		"another content": {strings.Repeat("0", 64), 0, Rejected, "SHA-256"},
		"another size":    {"", 1, Rejected, fmt.Sprintf("%d bytes", len(body)+1)},
	} {
		t.Run(name, func(t *testing.T) {
			asked := map[string]any{"fileName": "phones.csv", "sizeBytes": len(body)}
			if c.sum != "" {
				asked["sha256"] = c.sum
			}
			v := fixtures.Decode[View](t, o.Request("POST", "", asked), 201)
			// By another way than the presigned URL, which S3 would refuse.
			info, err := o.Files.Put(
				o.Ctx,
				files.Ref{Bucket: files.Uploads, Key: uploadObject(o.Account, v.ID, "phones.csv")},
				bytes.NewReader(body),
				int64(len(body)),
				"text/csv",
			)
			o.Must(err)
			info.Size += c.size
			o.Must(o.Check(o.Ctx, filejobs.Event(info)))
			if v = o.Get(v.ID); v.State != c.state || !strings.Contains(v.Message, c.reason) {
				t.Errorf("%s: %q", v.State, v.Message)
			}
		})
	}
}

// The upload's URL is good for a quarter of an hour, and the file that is there is never replaced
// (requirements, section 5.2).
func TestUploadURL(t *testing.T) {
	o := open(t)
	v := o.ask("Phones of Zürich.csv", []byte("0123456789"), false)
	if v.Upload.Method != "PUT" || !v.Upload.ExpiresAt.Equal(fixtures.Start.Add(15*time.Minute)) {
		t.Errorf("%+v", v.Upload)
	}
	headers := map[string]string{}
	for name, value := range v.Upload.Headers {
		headers[strings.ToLower(name)] = value
	}
	if headers["content-length"] != "10" || headers["content-type"] != "text/csv" || headers["if-none-match"] != "*" {
		t.Errorf("headers %v", headers)
	}
	if again := o.Get(v.ID); again.Upload != nil {
		t.Error("the URL is told a second time")
	}
}

// On a server that checks signatures: the URL takes the file that was announced, once, and the
// notification that follows begins the check.
func TestUploadToAServerThatChecks(t *testing.T) {
	k := fixtures.New(t)
	k.Clock.Set(time.Now())
	server := diskfiles.Start(t)
	o := openWith(t, k, server.Store)
	o.Hire("John")
	o.Buy(1, "phone-system")
	body := filejobs.CSVFile(sheetOf(row("101", "", "john")))
	v := o.ask("Phones (1) +.csv", body, false)
	put := func(body []byte, contentType string) int {
		req, err := http.NewRequestWithContext(o.Ctx, v.Upload.Method, v.Upload.URL, bytes.NewReader(body))
		o.Must(err)
		for name, value := range v.Upload.Headers {
			req.Header.Set(name, value)
		}
		if contentType != "" {
			req.Header.Set("Content-Type", contentType)
		}
		resp, err := http.DefaultClient.Do(req)
		o.Must(err)
		resp.Body.Close()
		return resp.StatusCode
	}
	if status := put(append(body, '\n'), ""); status < 400 {
		t.Errorf("a byte more is taken: %d", status)
	}
	if status := put(body, "text/html"); status < 400 {
		t.Errorf("another type is taken: %d", status)
	}
	if status := put(body, ""); status != 200 {
		t.Fatalf("upload: %d", status)
	}
	if status := put(body, ""); status != 412 {
		t.Errorf("uploaded once more: %d", status)
	}
	notes := server.Take(t, "uploads/")
	if len(notes) != 1 {
		t.Fatalf("%d notifications", len(notes))
	}
	o.Must(o.Check(o.Ctx, notes[0]))
	v = o.In(Ready, o.Get(v.ID))
	fixtures.Decode[View](t, o.Request("POST", "/"+v.ID+"/configure", nil), 202)
	for _, note := range server.Take(t, "jobs/") {
		o.Must(o.Apply(o.Ctx, note))
	}
	v = o.In(Completed, o.Get(v.ID))
	if got := o.Result(v); got[1][len(got[1])-2] != "configured" {
		t.Errorf("result %q", got)
	}
}
