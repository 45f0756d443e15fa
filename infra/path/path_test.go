package path

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/xuri/excelize/v2"

	"seatwise/infra/testing/programs"
	"seatwise/infra/testing/runnerprocess"
)

// TestPath walks the main job from an empty folder to the report, and through a restart, over each
// store.
func TestPath(t *testing.T) {
	for _, over := range []struct {
		name  string
		store func(t *testing.T) (endpoint string, env []string)
	}{
		{"embedded", func(*testing.T) (string, []string) { return "", nil }},
		{"DynamoDB", func(t *testing.T) (string, []string) { return endpoint(programs.DynamoDB(t)) }},
		{"moto", func(t *testing.T) (string, []string) { return endpoint(programs.Moto(t)) }},
	} {
		t.Run(over.name, func(t *testing.T) {
			url, env := over.store(t)
			waitOutMidnight(t)
			o := runnerprocess.Options{Data: t.TempDir(), Args: []string{"--no-schedules"}, Env: env}
			if url != "" {
				o.Args = append(o.Args, "--dynamodb-endpoint", url)
			}
			w := &walk{options: o, name: "acme"}
			if url != "" && os.Getenv(programs.DynamoDBEndpoint) != "" {
				w.name += "-" + strconv.FormatInt(time.Now().UnixMicro(), 36) // Its table may have an acme from before.
			}
			w.A = "/v1/accounts/" + w.name
			w.runner = runnerprocess.Start(t, o)
			for _, step := range []struct {
				name string
				run  func(*walk, *testing.T)
			}{
				{"1 account", (*walk).account},
				{"2 purchase", (*walk).purchase},
				{"3 assignment", (*walk).assignment},
				{"4 mass configuration", (*walk).massConfiguration},
				{"5 import", (*walk).imports},
				{"5 live reports", (*walk).liveReports},
				{"5 report", (*walk).report},
				{"6 file drop", (*walk).fileDrop},
				{"the audit log", (*walk).auditLog},
				{"7 restart", (*walk).restart},
			} {
				if !t.Run(step.name, func(t *testing.T) { step.run(w, t) }) {
					t.Fatalf("the path ends here; the runner said:\n%s", w.runner.Said())
				}
			}
		})
	}
}

// waitOutMidnight waits when the day ends soon, in UTC or where the account is billed: what is
// bought, viewed and reported must all be of one day.
func waitOutMidnight(t *testing.T) {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	const walk = 3 * time.Minute // longer than any of the three takes
	for now := time.Now(); now.UTC().Day() != now.Add(walk).UTC().Day() ||
		now.In(zone).Day() != now.Add(walk).In(zone).Day(); now = time.Now() {
		time.Sleep(time.Second)
	}
}

func endpoint(s programs.Server) (string, []string) {
	return s.URL, []string{
		"AWS_REGION=" + s.Region,
		"AWS_ACCESS_KEY_ID=" + s.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + s.SecretKey,
		"AWS_SESSION_TOKEN=" + s.SessionToken,
	}
}

// walk is what one step leaves for the next.
type walk struct {
	options runnerprocess.Options
	runner  *runnerprocess.Runner
	name    string // the account
	A       string // its path

	operator, admin client
	orders          []string // ids
	orderKey        string   // of the last order: its Idempotency-Key, request and answer
	orderBody       object
	orderAnswer     object
	massID          string // of step 4
	dropID          string // of step 6
	reportID        string
	reportFile      []byte
	result          []byte
}

// account is step 1: an operator makes the account; its admin makes the cost centers.
func (w *walk) account(t *testing.T) {
	w.operator = login(t, w.runner, "provider", "olga", "accounts.manage")
	settings := object{
		"name":       "Acme",
		"brand":      "RingCentral",
		"currency":   "USD",
		"timezone":   "America/New_York",
		"billingDay": 1,
		"bundle":     "standard",
	}
	refused(t, client{base: w.runner.API}.put(t, w.A, settings), http.StatusUnauthorized, "unauthorized")
	made := decode[object](t, w.operator.put(t, w.A, settings), http.StatusCreated)
	for name, value := range settings {
		if fmt.Sprint(made[name]) != fmt.Sprint(value) {
			t.Errorf("%s of the account is %v, want %v", name, made[name], value)
		}
	}
	decode[object](t, w.operator.put(t, w.A, settings), http.StatusOK)
	same(t, "the account read back", decode[object](t, w.operator.get(t, w.A), http.StatusOK)["brand"],
		any("RingCentral"))

	w.admin = login(t, w.runner, w.name, "ada", every...)
	refused(t, w.admin.put(t, w.A, settings), http.StatusForbidden, "forbidden") // an admin is no operator
	refused(t, login(t, w.runner, "globex", "gus", every...).get(t, w.A+"/cart"), http.StatusNotFound, "not-found")
	for _, code := range []string{"CC-1", "CC-2"} {
		decode[object](t, w.admin.put(t, w.A+"/cost-centers/"+code, object{"name": "Cost center " + code}),
			http.StatusCreated)
	}
	same(t, "cost centers", len(list(t, w.admin, w.A+"/cost-centers")), 2)
}

// auditLog reads the records of all that was done: each says who, what, when and why, and none has
// a token, a key or a signed URL in it (requirements, section 4).
func (w *walk) auditLog(t *testing.T) {
	records := list(t, w.admin, w.A+"/audit")
	kinds := map[string]bool{}
	for _, r := range records {
		for _, field := range []string{"id", "at", "actor", "action", "subject", "reason"} {
			if s, ok := r[field].(string); !ok || s == "" {
				t.Errorf("a record without %s: %v", field, r)
			}
		}
		if r["before"] == nil && r["after"] == nil {
			t.Errorf("a record without before and after: %v", r)
		}
		kind, _, _ := strings.Cut(fmt.Sprint(r["action"]), ".")
		kinds[kind] = true
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		for what, secret := range map[string]string{
			"a token":            w.admin.token,
			"an idempotency key": w.orderKey,
			"a signature":        "X-Amz-",
			"a header":           "Bearer ",
		} {
			if secret == "" || strings.Contains(string(data), secret) {
				t.Errorf("a record with %s: %s", what, data)
			}
		}
	}
	for _, kind := range []string{"account", "order", "license", "user", "queue", "dashboard"} {
		if !kinds[kind] {
			t.Errorf("no record of a change of a %s: %v", kind, kinds)
		}
	}
}

// money is an amount in minor units.
type money struct {
	Amount   int64
	Currency string
}

type quoteLine struct {
	ProductID, CostCenter          string
	Quantity                       int
	UnitPrice, Recurring, DueToday money
}

type quote struct {
	ID                  string
	Lines               []quoteLine
	Recurring, DueToday money
	ByCostCenter        []struct {
		CostCenter          string
		Recurring, DueToday money
	}
	NextBillingDate string
	ExpiresAt       time.Time
}

type order struct {
	ID, State           string
	LicenseCount        int
	Lines               []quoteLine
	Recurring, DueToday money
}

// purchase is step 2: 12 Live Reports, 7 and 5.
func (w *walk) purchase(t *testing.T) {
	type cart struct {
		Lines []struct {
			ID, ProductID, CostCenter string
			Quantity                  int
		}
	}
	got := decode[cart](
		t,
		w.admin.put(t, w.A+"/cart", object{"lines": []object{{"productId": "live-reports", "quantity": 12}}}),
		http.StatusOK,
	)
	if len(got.Lines) != 1 || got.Lines[0].ID == "" {
		t.Fatalf("cart: %+v", got)
	}
	parts := object{"parts": []object{{"quantity": 7, "costCenter": "CC-1"}, {"quantity": 5, "costCenter": "CC-2"}}}
	got = decode[cart](t, w.admin.post(t, w.A+"/cart/lines/"+got.Lines[0].ID+"/split", parts), http.StatusOK)
	if len(got.Lines) != 2 || got.Lines[0].Quantity != 7 || got.Lines[0].CostCenter != "CC-1" ||
		got.Lines[1].Quantity != 5 ||
		got.Lines[1].CostCenter != "CC-2" {
		t.Fatalf("split: %+v", got)
	}

	q := decode[quote](t, w.admin.post(t, w.A+"/quotes", object{}), http.StatusCreated)
	const month = 12 * 2500 // the catalog's price of Live Reports is 25.00 USD
	due, next := prorated(t, month)
	same(t, "recurring", q.Recurring, money{month, "USD"})
	same(t, "due today", q.DueToday, money{due, "USD"})
	same(t, "next billing date", q.NextBillingDate, next)
	if left := time.Until(q.ExpiresAt); left < 29*time.Minute || left > 30*time.Minute {
		t.Errorf("the quote expires in %s", left)
	}
	sum, byCenter := map[string]money{}, map[string]money{}
	for _, l := range q.Lines {
		same(t, "unit price", l.UnitPrice, money{2500, "USD"})
		same(t, "recurring of a line", l.Recurring, money{int64(l.Quantity) * 2500, "USD"})
		sum["due"] = money{sum["due"].Amount + l.DueToday.Amount, "USD"}
		byCenter[l.CostCenter] = l.DueToday
	}
	same(t, "lines together", sum["due"], q.DueToday)
	for _, c := range q.ByCostCenter {
		same(t, "due today of "+c.CostCenter, c.DueToday, byCenter[c.CostCenter])
	}

	refused(t, w.admin.post(t, w.A+"/orders", object{"quoteId": q.ID, "acknowledged": false}),
		http.StatusUnprocessableEntity, "not-acknowledged")
	same(t, "licenses before the order", summary(t, w.admin, w.A), map[string]seats{})
	placed := w.order(t, q)
	same(t, "licenses of the order", placed.LicenseCount, 12)
	same(t, "due today of the order", placed.DueToday, q.DueToday)

	same(t, "licenses", summary(t, w.admin, w.A), map[string]seats{"live-reports": {Bought: 12, Available: 12}})
	same(t, "licenses one by one", recount(t, w.admin, w.A), summary(t, w.admin, w.A))
	same(t, "licenses on CC-2", len(list(t, w.admin, w.A+"/licenses?costCenter=CC-2")), 5)
	same(t, "licenses on CC-1", len(list(t, w.admin, w.A+"/licenses?costCenter=CC-1")), 7)
	same(t, "licenses of the order", len(list(t, w.admin, w.A+"/licenses?order="+placed.ID)), 12)

	for accept, begins := range map[string]string{"text/html": "<!", "application/pdf": "%PDF-"} {
		statement := w.admin.send(t, http.MethodGet, w.A+"/orders/"+placed.ID+"/statement", nil,
			map[string]string{"Accept": accept})
		if statement.status != http.StatusOK ||
			!strings.HasPrefix(strings.ToLower(string(statement.body)), strings.ToLower(begins)) {
			t.Errorf("statement as %s: %d: %.80q", accept, statement.status, statement.body)
		}
	}
	billing := decode[struct{ Recurring money }](t, w.admin.get(t, w.A+"/billing"), http.StatusOK)
	same(t, "recurring charge", billing.Recurring, money{month, "USD"})
}

// prorated is what is due today of a month's charge, computed from the calendar in New York, where
// the account is billed on the first.
func prorated(t *testing.T, month int64) (due int64, next string) {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	today := time.Now().In(zone)
	first := time.Date(today.Year(), today.Month(), 1, 0, 0, 0, 0, time.UTC)
	days := int64(first.AddDate(0, 1, -1).Day())
	left := days - int64(today.Day()) + 1
	return (2*month*left + days) / (2 * days), first.AddDate(0, 1, 0).Format(time.DateOnly)
}

// order confirms a quote; sending it again under its key gives the same answer and nothing more.
func (w *walk) order(t *testing.T, q quote) order {
	t.Helper()
	key, body := "order "+q.ID, object{"quoteId": q.ID, "acknowledged": true}
	first := w.admin.once(t, key, w.A+"/orders", body)
	placed := decode[order](t, first, http.StatusCreated)
	same(t, "state of the order", placed.State, "placed")
	again := w.admin.once(t, key, w.A+"/orders", body)
	if again.status != http.StatusCreated || again.header.Get("Idempotent-Replayed") != "true" {
		t.Fatalf("repeated: %d, %v: %s", again.status, again.header, again.body)
	}
	same(t, "the answer, repeated", decode[object](t, again, http.StatusCreated),
		decode[object](t, first, http.StatusCreated))
	refused(t, w.admin.once(t, key, w.A+"/orders", object{"quoteId": q.ID, "acknowledged": false}),
		http.StatusUnprocessableEntity, "idempotency-mismatch")
	w.orders = append(w.orders, placed.ID)
	w.orderKey, w.orderBody, w.orderAnswer = key, body, decode[object](t, first, http.StatusCreated)
	return placed
}

// assignment is step 3: zoe gets a license and gives it back.
func (w *walk) assignment(t *testing.T) {
	decode[object](t, w.admin.put(t, w.A+"/users/zoe", object{"name": "Zoe", "email": "zoe@acme.test"}),
		http.StatusCreated)
	free := list(t, w.admin, w.A+"/licenses?product=live-reports&status=available")
	same(t, "free licenses", len(free), 12)
	license := w.A + "/licenses/" + fmt.Sprint(free[0]["id"])
	got := decode[object](t, w.admin.once(t, "zoe", license+"/assign", object{"userId": "zoe"}), http.StatusOK)
	if got["status"] != "assigned" || got["userId"] != "zoe" || got["userName"] != "Zoe" {
		t.Fatalf("assigned: %v", got)
	}
	same(t, "licenses", summary(t, w.admin, w.A)["live-reports"], seats{Bought: 12, Assigned: 1, Available: 11})
	refused(t, w.admin.post(t, license+"/terminate", nil), http.StatusConflict, "license-in-use")
	got = decode[object](t, w.admin.post(t, license+"/unassign", nil), http.StatusOK)
	if got["status"] != "available" || got["userId"] != nil {
		t.Fatalf("unassigned: %v", got)
	}
	same(t, "licenses", summary(t, w.admin, w.A)["live-reports"], seats{Bought: 12, Available: 12})

	var actions []string
	for _, entry := range list(t, w.admin, w.A+"/audit?license="+fmt.Sprint(free[0]["id"])) {
		actions = append(actions, fmt.Sprint(entry["action"]))
	}
	sort.Strings(actions)
	if !slices.Contains(actions, "license.assigned") || !slices.Contains(actions, "license.unassigned") {
		t.Errorf("the audit log of the license has %v", actions)
	}
}

// sample is the table of the customers' manual for mass configuration.
var sample = [][]string{
	{"Ext Key", "Number", "User", "Addon license 1", "Addon license 2", "Addon license 3", "Addon license 4"},
	{
		"101",
		"6567891230",
		"John",
		"device_ip_phone",
		"device_mobile_app",
		"license_dnc_checking_enabled",
		"call_recording",
	},
	{
		"102",
		"6567891231",
		"Alice",
		"device_ip_phone",
		"device_mobile_app",
		"license_dnc_checking_enabled",
		"call_recording",
	},
	{"104", "6567891232", "Lucie", "device_ip_phone", "device_desktop_app", "call_recording"},
	{"109", "6567891233", "Hallie", "device_ip_phone", "device_desktop_app", "call_recording"},
}

// phones are the seats that the sample takes, one Phone System a row and one add-on a code.
var phones = map[string]int{
	"phone-system":                 4,
	"device_ip_phone":              4,
	"call_recording":               4,
	"device_mobile_app":            2,
	"license_dnc_checking_enabled": 2,
	"device_desktop_app":           2,
}

type massConfiguration struct {
	ID, State, Source, ResultURL string
	Percent                      int
	Counts                       struct{ Rows, New, Change, Unchanged, Error int }
	Needs                        []struct {
		ProductID         string
		Wanted, Available int
	}
	Errors []object
	Upload struct {
		Method, URL string
		Headers     map[string]string
	}
}

// reach waits until a mass configuration is in a state.
func (w *walk) reach(t *testing.T, id, state string) massConfiguration {
	t.Helper()
	return eventually(t, "mass configuration is "+state, func() (massConfiguration, bool) {
		m := decode[massConfiguration](t, w.admin.get(t, w.A+"/mass-configurations/"+id), http.StatusOK)
		return m, m.State == state
	})
}

// massConfiguration is step 4: phones are bought and configured from a workbook.
func (w *walk) massConfiguration(t *testing.T) {
	decode[object](
		t,
		w.admin.put(t, w.A+"/roles/supervisor",
			object{"name": "Supervisor", "permissions": []string{"liveReports.view"}}),
		http.StatusCreated,
	)
	for _, name := range []string{"John", "Alice", "Lucie", "Hallie"} {
		user := object{"name": name, "email": strings.ToLower(name) + "@acme.test"}
		if name == "Alice" {
			user["roleIds"] = []string{"supervisor"}
		}
		decode[object](t, w.admin.put(t, w.A+"/users/"+strings.ToLower(name), user), http.StatusCreated)
	}
	var lines []object
	for product, n := range phones {
		lines = append(lines, object{"productId": product, "quantity": n, "costCenter": "CC-1"})
	}
	w.order(t, decode[quote](t, w.admin.post(t, w.A+"/quotes", object{"lines": lines}), http.StatusCreated))

	template := w.admin.get(t, w.A+"/mass-configurations/template?format=xlsx")
	if template.status != http.StatusOK {
		t.Fatalf("template: %d: %s", template.status, template.body)
	}
	same(t, "header of the template", sheet(t, template.body, 0)[0][:4], sample[0][:4])
	file := workbook(t, sample)
	sum := sha256.Sum256(file)
	m := decode[massConfiguration](t, w.admin.once(t, "sample", w.A+"/mass-configurations", object{
		"fileName": "sample.xlsx", "sizeBytes": len(file), "sha256": hex.EncodeToString(sum[:]),
	}), http.StatusCreated)
	same(t, "state", m.State, "awaitingUpload")
	w.massID = m.ID
	before, users := summary(t, w.admin, w.A), list(t, w.admin, w.A+"/users")
	if a := upload(t, m.Upload.Method, m.Upload.URL, m.Upload.Headers, file[:len(file)-1]); a.status/100 == 2 {
		t.Fatalf("a file of another size is taken: %d", a.status)
	}
	if a := upload(t, m.Upload.Method, m.Upload.URL, m.Upload.Headers, file); a.status != http.StatusOK {
		t.Fatalf("upload: %d: %s", a.status, a.body)
	}
	a := upload(t, m.Upload.Method, m.Upload.URL, m.Upload.Headers, file)
	if a.status != http.StatusPreconditionFailed {
		t.Fatalf("a second upload to the same URL: %d: %s", a.status, a.body)
	}

	m = w.reach(t, m.ID, "ready")
	same(t, "rows", m.Counts, struct{ Rows, New, Change, Unchanged, Error int }{Rows: 4, New: 4})
	needs := map[string]int{}
	for _, n := range m.Needs {
		needs[n.ProductID] = n.Wanted
		same(t, "free licenses of "+n.ProductID, n.Available, phones[n.ProductID])
	}
	same(t, "needs", needs, phones)
	for _, row := range list(t, w.admin, w.A+"/mass-configurations/"+m.ID+"/rows") {
		same(t, fmt.Sprintf("outcome of row %v", row["row"]), row["outcome"], any("new"))
	}
	same(t, "licenses after the check", summary(t, w.admin, w.A), before)
	same(t, "users after the check", list(t, w.admin, w.A+"/users"), users)

	started := w.admin.once(t, "configure", w.A+"/mass-configurations/"+m.ID+"/configure", nil)
	if started.status != http.StatusAccepted || started.header.Get("Location") != w.A+"/mass-configurations/"+m.ID {
		t.Fatalf("configure: %d, %v: %s", started.status, started.header, started.body)
	}
	m = w.reach(t, m.ID, "completed")
	same(t, "percent", m.Percent, 100)
	want := summary(t, w.admin, w.A)
	for product, n := range phones {
		same(t, product, want[product], seats{Bought: n, Assigned: n})
	}
	same(t, "licenses one by one", recount(t, w.admin, w.A), want)
	for _, row := range sample[1:] {
		w.phone(t, row)
	}
	refused(t, w.admin.post(t, w.A+"/mass-configurations/"+m.ID+"/configure", nil), http.StatusConflict, "wrong-state")

	w.result = download(t, m.ResultURL).body
	rows := sheet(t, w.result, 0)
	same(t, "header of the result", rows[0], append(slices.Clone(sample[0]), "Status", "Message"))
	same(t, "rows of the result", len(rows), len(sample))
	for i, row := range rows[1:] {
		same(t, "cells of the result", row[:3], sample[i+1][:3])
		if len(row) < 8 || row[7] == "" || strings.EqualFold(row[7], "error") {
			t.Errorf("row %d of the result has no good status: %q", i+2, row)
		}
	}
}

// phone demands that a row of a file is what the extension is: its number, its user, a Phone System
// license, exactly these add-ons.
func (w *walk) phone(t *testing.T, row []string) {
	t.Helper()
	user := decode[object](t, w.admin.get(t, w.A+"/users/"+strings.ToLower(row[2])), http.StatusOK)
	same(t, "extension of "+row[2], user["extension"], any(row[0]))
	same(t, "number of "+row[2], user["number"], any(row[1]))
	held := list(t, w.admin, w.A+"/licenses?extension="+row[0]+"&product=phone-system")
	if len(held) != 1 || held[0]["userName"] != row[2] {
		t.Fatalf("extension %s has the licenses %v", row[0], held)
	}
	addOns, wanted := []string{}, append([]string{}, row[3:]...)
	hanging := decode[struct{ Items []object }](t,
		w.admin.get(t, w.A+"/licenses/"+fmt.Sprint(held[0]["id"])+"/add-ons"), http.StatusOK)
	for _, l := range hanging.Items {
		addOns = append(addOns, fmt.Sprint(l["productId"]))
		same(t, "holder of an add-on", l["userName"], any(row[2]))
	}
	sort.Strings(addOns)
	sort.Strings(wanted)
	same(t, "add-ons of "+row[2], addOns, wanted)
}

// workbook makes an .xlsx file of text cells.
func workbook(t *testing.T, rows [][]string) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for i, row := range rows {
		for j, cell := range row {
			at, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.SetCellStr("Sheet1", at, cell); err != nil {
				t.Fatal(err)
			}
		}
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// sheet reads the cells of a workbook's sheet as they are shown.
func sheet(t *testing.T, file []byte, n int) [][]string {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows(f.GetSheetList()[n])
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// The worked example of requirements, section 7.
var (
	detroit = []string{"john", "sarah", "mike"}
	belmont = []string{"emma", "david", "karen", "lisa", "mark"}
)

// imports brings the people of Belmont and their queue in by files, a workbook and a text.
func (w *walk) imports(t *testing.T) {
	people := [][]string{{"User", "Name", "Email", "Extension", "Number", "Active", "Agent source"}}
	for _, id := range belmont {
		people = append(people, []string{id, strings.ToUpper(id[:1]) + id[1:]})
	}
	queue := "Call queue;Name;Member 1;Member 2\nbelmont;Belmont;\"" + strings.Join(belmont[1:], ";") + "\";Emma\n"
	for _, file := range []struct {
		kind, name string
		content    []byte
		rows       int
	}{{"users", "people.xlsx", workbook(t, people), len(belmont)}, {"call-queues", "queues.csv", []byte(queue), 1}} {
		m := decode[massConfiguration](t, w.admin.once(t, file.name, w.A+"/imports", object{
			"kind": file.kind, "fileName": file.name, "sizeBytes": len(file.content),
		}), http.StatusCreated)
		if a := upload(t, m.Upload.Method, m.Upload.URL, m.Upload.Headers, file.content); a.status != http.StatusOK {
			t.Fatalf("upload: %d: %s", a.status, a.body)
		}
		at := w.A + "/imports/" + m.ID
		reach := func(state string) massConfiguration {
			return eventually(t, file.name+" is "+state, func() (massConfiguration, bool) {
				m := decode[massConfiguration](t, w.admin.get(t, at), http.StatusOK)
				return m, m.State == state
			})
		}
		same(t, "rows of "+file.name, reach("ready").Counts,
			struct{ Rows, New, Change, Unchanged, Error int }{Rows: file.rows, New: file.rows})
		for _, row := range list(t, w.admin, at+"/rows") {
			refused(t, w.admin.get(t, w.A+"/"+file.kind+"/"+fmt.Sprint(row["id"])), http.StatusNotFound, "not-found")
		}
		a := w.admin.once(t, "apply "+file.name, at+"/apply", nil)
		if a.status != http.StatusAccepted ||
			a.header.Get("Location") != at {
			t.Fatalf("apply: %d, %v: %s", a.status, a.header, a.body)
		}
		same(t, "percent of "+file.name, reach("completed").Percent, 100)
		for _, row := range list(t, w.admin, at+"/rows") {
			decode[object](t, w.admin.get(t, w.A+"/"+file.kind+"/"+fmt.Sprint(row["id"])), http.StatusOK)
		}
	}
}

// liveReports is the first half of step 5: two queues on two dashboards, two viewers, and the day's
// rollup.
func (w *walk) liveReports(t *testing.T) {
	for _, id := range detroit[1:] {
		decode[object](t, w.admin.put(t, w.A+"/users/"+id, object{"name": strings.ToUpper(id[:1]) + id[1:]}),
			http.StatusCreated)
	}
	decode[object](t, w.admin.put(t, w.A+"/users/bob", object{"name": "Bob", "roleIds": []string{"supervisor"}}),
		http.StatusCreated)
	decode[object](t, w.admin.put(t, w.A+"/call-queues/detroit", object{"name": "Detroit", "members": detroit}),
		http.StatusCreated)
	for queue, members := range map[string][]string{"detroit": detroit, "belmont": belmont} {
		dashboard := decode[object](
			t,
			w.admin.put(t, w.A+"/dashboards/"+queue+"-board",
				object{"name": queue + " board", "queueIds": []string{queue}}),
			http.StatusCreated,
		)
		same(t, "grants of "+queue, dashboard["grants"],
			any(object{"granted": float64(len(members)), "waiting": 0.0, "covered": 0.0, "excluded": 0.0}))
	}
	same(t, "licenses", summary(t, w.admin, w.A)["live-reports"], seats{Bought: 12, Assigned: 8, Available: 4})
	why := decode[object](t, w.admin.get(t, w.A+"/users/john/why?product=live-reports"), http.StatusOK)
	same(t, "why john holds one", why["state"], any("holds"))

	now := time.Now().UTC()
	var events []object
	for i, user := range []string{"alice", "bob"} {
		for j, dashboard := range []string{"detroit-board", "belmont-board"} {
			events = append(events, object{
				"id":          fmt.Sprintf("view-%d-%d", i, j),
				"userId":      user,
				"dashboardId": dashboard,
				"at":          now.Format(time.RFC3339),
			})
		}
	}
	// has no permission
	stranger := object{
		"id":          "view-zoe",
		"userId":      "zoe",
		"dashboardId": "detroit-board",
		"at":          now.Format(time.RFC3339),
	}
	taken := decode[object](
		t,
		w.admin.once(t, "views", w.A+"/usage/views", object{"events": append(events, stranger)}),
		http.StatusAccepted,
	)
	same(t, "views accepted", taken["accepted"], any(4.0))
	if no, _ := taken["rejected"].([]any); len(no) != 1 || !strings.Contains(fmt.Sprint(no[0]), "id:view-zoe") {
		t.Errorf("rejected: %v", taken["rejected"])
	}
	taken = decode[object](t, w.admin.once(t, "views again", w.A+"/usage/views", object{"events": events}),
		http.StatusAccepted)
	same(t, "views that came twice", taken["duplicate"], any(4.0))
	same(t, "licenses", summary(t, w.admin, w.A)["live-reports"], seats{Bought: 12, Assigned: 10, Available: 2})
	same(t, "licenses one by one", recount(t, w.admin, w.A), summary(t, w.admin, w.A))

	// The schedule hands the account on; who asks for it has it done. A repeated run gives the same figures.
	invoke(t, w.runner, "UsageAggregationFunction", tick(time.Now()))
	eventually(t, "the views are folded", func() (object, bool) {
		used := decode[object](t, w.admin.get(t, w.A+"/usage/summary"), http.StatusOK)
		return used, used["activeUsers"] == 10.0
	})
	for range 2 {
		invoke(t, w.runner, "UsageAggregationFunction", object{"time": time.Now().UTC().Format(time.RFC3339)})
		used := decode[object](t, w.admin.get(t, w.A+"/usage/summary"), http.StatusOK)
		for name, value := range map[string]float64{
			"liveReportsPurchased":      12,
			"callQueueBoosterPurchased": 0,
			"totalPurchased":            12,
			"monitoredUsers":            8,
			"viewers":                   2,
			"activeUsers":               10,
			"overageUsers":              0,
		} {
			same(t, name, used[name], any(value))
		}
		if days, _ := used["daily"].([]any); len(days) != 30 {
			t.Errorf("%d days, want 30", len(days))
		}
	}
}

type report struct {
	ID, State, FileName, DownloadURL string
	From, To                         string
}

// report is the second half of step 5: the report is asked for, downloaded and opened.
func (w *walk) report(t *testing.T) {
	asked := w.admin.once(t, "report", w.A+"/reports", object{"kind": "license-status"})
	r := decode[report](t, asked, http.StatusAccepted)
	w.reportID = r.ID
	if asked.header.Get("Location") != w.A+"/reports/"+r.ID {
		t.Errorf("Location: %q", asked.header.Get("Location"))
	}
	r = eventually(t, "the report is ready", func() (report, bool) {
		r := decode[report](t, w.admin.get(t, w.A+"/reports/"+r.ID), http.StatusOK)
		return r, r.State == "ready"
	})
	if !regexp.MustCompile(`^RingCentral_LR_Licensed Users_\d{8}T\d{6}Z\.xlsx$`).MatchString(r.FileName) {
		t.Errorf("the report is named %q", r.FileName)
	}
	got := download(t, r.DownloadURL)
	if disposition := got.header.Get("Content-Disposition"); !strings.Contains(disposition, r.FileName) {
		t.Errorf("it downloads as %q", disposition)
	}
	w.reportFile = got.body

	f, err := excelize.OpenReader(bytes.NewReader(got.body))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	same(t, "tabs", f.GetSheetList(), []string{"Live Reports Usage Summary", "Total Active Users", "Detailed Usage"})
	figures, days := map[string]string{}, map[string][]string{}
	for _, row := range sheet(t, got.body, 0) {
		switch len(row) {
		case 5: // with what it means
			figures[row[0]] = row[1]
		case 3:
			days[row[0]] = row[1:]
		}
	}
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	today := time.Now().In(zone)
	if figures["Time Made"] == "" {
		t.Error("nothing says when the report was made")
	}
	delete(figures, "Time Made")
	same(t, "figures", figures, map[string]string{
		"Report Time Duration": today.AddDate(0, 0, -29).
			Format(time.DateOnly) +
			" to " + today.Format(time.DateOnly),
		`Total "Live Report" Licenses Purchased`:        "12",
		`Total "Call Queue Booster" Licenses Purchased`: "0",
		"Total Licenses Purchased":                      "12",
		"Monitored Users (Agents)":                      "8",
		"Live Report Viewers":                           "2",
		"Total Active Users":                            "10",
		"Overage Users":                                 "0",
		"Account":                                       "Acme (" + path.Base(w.A) + ")",
		"Time Zone of the Days":                         "America/New_York",
	})
	same(t, "header of the days", days["Date"], []string{"Active Users", "Licenses Purchased"})
	same(t, "today", days[today.Format(time.DateOnly)], []string{"10", "12"})
	same(t, "days", len(days), 31) // with their header

	w.users(t, sheet(t, got.body, 1), today)
	w.details(t, sheet(t, got.body, 2), today)
	chart(t, got.body)
}

// users checks the second tab: ten people, each once.
func (w *walk) users(t *testing.T, rows [][]string, today time.Time) {
	t.Helper()
	same(t, "header of the users", rows[0], []string{
		"Users",
		"User Extensions",
		"Role Type",
		"Last Viewed",
		"Monitored Call Queues",
		"Dashboards with Monitored Queues",
		"User ID",
		"E-mail",
	})
	users := map[string][]string{}
	for _, row := range rows[1:] {
		users[row[0]] = row[1:6]
	}
	day := today.Format(time.DateOnly)
	same(t, "Alice", users["Alice"], []string{"102", "Viewer", day, "0", "0"})
	same(t, "Bob", users["Bob"], []string{"", "Viewer", day, "0", "0"})
	same(t, "John", users["John"], []string{"101", "Monitored Agent", "", "1", "1"})
	for _, id := range append(slices.Clone(detroit[1:]), belmont...) {
		name := strings.ToUpper(id[:1]) + id[1:]
		same(t, name, users[name], []string{"", "Monitored Agent", "", "1", "1"})
	}
	same(t, "users", len(users), 10)
	same(t, "rows of users", len(rows), 11)
}

// details checks the third tab: a row for each agent's queue and dashboard and for each dashboard
// viewed.
func (w *walk) details(t *testing.T, rows [][]string, today time.Time) {
	t.Helper()
	same(t, "header of the details", rows[0], []string{
		"User Name",
		"User Extension",
		"Call Queue Name",
		"Dashboard Accessed",
		"Last Viewed Date",
		"Live Reports License",
		"Call Queue Booster License",
		"User ID",
		"E-mail",
	})
	viewed := map[string]int{}
	agents := map[string]string{}
	for _, row := range rows[1:] {
		if row[4] == "" {
			agents[row[0]] = row[2]
			continue
		}
		same(t, "day of a view", row[4], today.Format(time.DateOnly))
		viewed[row[0]+" "+row[3]]++
	}
	same(t, "views", viewed, map[string]int{
		"Alice detroit board": 1,
		"Alice belmont board": 1,
		"Bob detroit board":   1,
		"Bob belmont board":   1,
	})
	same(t, "agents", agents, map[string]string{
		"John":  "Detroit",
		"Sarah": "Detroit",
		"Mike":  "Detroit",
		"Emma":  "Belmont",
		"David": "Belmont",
		"Karen": "Belmont",
		"Lisa":  "Belmont",
		"Mark":  "Belmont",
	})
}

// chart demands a chart part that draws the first tab.
func chart(t *testing.T, file []byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(z.File, func(part *zip.File) bool {
		ok, err := path.Match("xl/charts/chart*.xml", part.Name)
		return ok && err == nil
	})
	if at < 0 {
		t.Fatal("the report has no chart")
	}
	r, err := z.File[at].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	xml, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	series := regexp.MustCompile(`Live Reports Usage Summary(&#39;|&apos;|')!\$[BC]\$\d+:\$[BC]\$\d+`).FindAll(xml, -1)
	if len(series) != 2 {
		t.Errorf("the chart draws %q", series)
	}
}

// dropped is the file of step 6: John keeps the phone alone, Hallie's number changes.
const dropped = "\ufeffEXT KEY;number;User;Addon License 1;Addon License 2;Addon License 3\r\n" +
	"101;6567891230;john@acme.test;device_ip_phone;;\r\n" +
	"102;6567891231;Alice;;;\r\n" +
	"109;6567891299;hallie;device_ip_phone;device_desktop_app;call_recording\r\n"

// fileDrop is step 6: a file put with an S3 client takes effect automatically.
func (w *walk) fileDrop(t *testing.T) {
	objects := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(w.runner.S3), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("anybody", "anything", ""),
	})
	if _, err := objects.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("seatwise-uploads"),
		Key:    aws.String("drops/" + w.name + "/phones of monday.csv"),
		Body:   strings.NewReader(dropped),
	}); err != nil {
		t.Fatal(err)
	}
	m := eventually(t, "the dropped file is configured", func() (object, bool) {
		for _, m := range list(t, w.admin, w.A+"/mass-configurations") {
			if m["source"] == "drop" {
				return m, m["state"] == "completed"
			}
		}
		return nil, false
	})
	w.dropID = fmt.Sprint(m["id"])
	same(t, "rows of the drop", m["counts"],
		any(object{"rows": 3.0, "new": 0.0, "change": 3.0, "unchanged": 0.0, "error": 0.0}))
	w.phone(t, []string{"101", "6567891230", "John", "device_ip_phone"})
	w.phone(t, []string{"102", "6567891231", "Alice"})
	w.phone(t, sample[3])
	w.phone(t, []string{"109", "6567891299", "Hallie", "device_ip_phone", "device_desktop_app", "call_recording"})
	got := summary(t, w.admin, w.A)
	for product, free := range map[string]int{
		"phone-system":                 0,
		"device_ip_phone":              1,
		"device_mobile_app":            2,
		"license_dnc_checking_enabled": 2,
		"call_recording":               2,
		"device_desktop_app":           0,
	} {
		same(t, "free licenses of "+product, got[product].Available, free)
	}
	same(t, "licenses one by one", recount(t, w.admin, w.A), got)
}

// restart is step 7: everything is as it was.
func (w *walk) restart(t *testing.T) {
	before := w.everything(t)
	w.runner.Stop(t)
	w.runner = runnerprocess.Start(t, w.options)
	w.operator.base, w.admin.base = w.runner.API, w.runner.API // The tokens stay good.

	after := w.everything(t)
	for name, was := range before {
		same(t, name+" after the restart", after[name], was)
	}
	same(t, "what there is", len(after), len(before))

	r := decode[report](t, w.admin.get(t, w.A+"/reports/"+w.reportID), http.StatusOK)
	if !bytes.Equal(download(t, r.DownloadURL).body, w.reportFile) {
		t.Error("the report is another file")
	}
	m := decode[massConfiguration](t, w.admin.get(t, w.A+"/mass-configurations/"+w.massID), http.StatusOK)
	if !bytes.Equal(download(t, m.ResultURL).body, w.result) {
		t.Error("the result is another file")
	}
	again := w.admin.once(t, w.orderKey, w.A+"/orders", w.orderBody)
	same(t, "Idempotent-Replayed of the last order, asked again", again.header.Get("Idempotent-Replayed"), "true")
	same(t, "the last order, asked again", decode[object](t, again, http.StatusCreated), w.orderAnswer)

	// And it goes on: the next license is the next one.
	decode[object](
		t,
		w.admin.post(t, w.A+"/assignments", object{"items": []object{{"productId": "live-reports", "userId": "zoe"}}}),
		http.StatusOK,
	)
	same(t, "licenses", summary(t, w.admin, w.A)["live-reports"], seats{Bought: 12, Assigned: 11, Available: 1})
}

// everything reads all there is of the account, by what it is. What differs from one read to the
// next is left out: the URLs that a read signs.
func (w *walk) everything(t *testing.T) map[string]any {
	t.Helper()
	all := map[string]any{"account": one(t, w.operator, w.A)}
	for _, lists := range []string{
		"/cost-centers",
		"/orders",
		"/licenses",
		"/waiting",
		"/exclusions",
		"/mass-configurations",
		"/imports",
		"/users",
		"/roles",
		"/call-queues",
		"/dashboards",
		"/reports", "/wallboards", "/audit",
	} {
		all[lists] = anonymous(list(t, w.admin, w.A+lists))
	}
	singles := []string{
		"/licenses/summary",
		"/cart",
		"/billing",
		"/usage/summary",
		"/metrics/licenses",
		"/mass-configurations/" + w.massID,
		"/mass-configurations/" + w.dropID,
		"/reports/" + w.reportID,
	}
	for _, id := range w.orders {
		singles = append(singles, "/orders/"+id)
	}
	for _, id := range slices.Concat(detroit, belmont, []string{"alice", "bob", "zoe", "lucie", "hallie"}) {
		singles = append(singles, "/users/"+id, "/users/"+id+"/why?product=live-reports")
	}
	for _, id := range []string{"detroit", "belmont"} {
		singles = append(singles, "/call-queues/"+id, "/dashboards/"+id+"-board")
	}
	for _, l := range list(t, w.admin, w.A+"/licenses") {
		singles = append(singles, "/licenses/"+fmt.Sprint(l["id"]))
	}
	for _, name := range singles {
		all[name] = one(t, w.admin, w.A+name)
	}
	all["rows"] = list(t, w.admin, w.A+"/mass-configurations/"+w.massID+"/rows")
	for i, id := range w.orders {
		statement := w.admin.get(t, w.A+"/orders/"+id+"/statement")
		all["statement "+strconv.Itoa(i)] = strconv.Itoa(statement.status) + string(statement.body)
	}
	return all
}

// one reads a single resource with its entity tag.
func one(t testing.TB, c client, name string) object {
	t.Helper()
	a := c.get(t, name)
	got := anonymous([]object{decode[object](t, a, http.StatusOK)})[0]
	got["ETag"] = a.header.Get("ETag")
	return got
}

func anonymous(items []object) []object {
	for _, item := range items {
		for _, signed := range []string{"resultUrl", "downloadUrl", "upload", "expiresAt", "asOf"} {
			delete(item, signed)
		}
	}
	return items
}
