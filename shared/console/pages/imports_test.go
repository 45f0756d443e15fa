package pages_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
	"seatwise/shared/imports"
)

// exported asks for an export and waits until it is made: a test that ended before would leave its
// file half written.
func exported(t *testing.T, api *client.Client, kind string) client.ExportView {
	t.Helper()
	e, err := api.CreateExport(
		t.Context(), client.CreateExportRequest{Kind: kind}, client.Change{Key: "export-" + kind},
	)
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if err != nil || e.Body.State == "failed" || time.Now().After(end) {
			t.Fatalf("the export is not made: %+v, %v", e.Body, err)
		}
		if e.Body.State == "ready" {
			return e.Body
		}
		e, err = api.GetExport(t.Context(), e.Body.ID)
	}
}

// imported brings a file of a kind and waits for the end of its check.
func imported(t *testing.T, b *consolewalk.Browser, kind, text string, choices ...string) *consolewalk.Page {
	t.Helper()
	f := b.Get("/console/acme/directory/imports?kind=" + kind).Post()
	if got := f.Values.Get("kind"); got != kind {
		t.Errorf("the form is of %q", got)
	}
	for i := 0; i+1 < len(choices); i += 2 {
		f.Set(choices[i], choices[i+1])
	}
	status, place := askForUpload(t, b, f, kind+".csv", len(text))
	if status != http.StatusOK {
		t.Fatalf("%d %+v", status, place)
	}
	if got := putFile(t, place.Place, text); got != http.StatusOK {
		t.Fatalf("the file is answered by %d", got)
	}
	return settled(t, b, place.Page)
}

// What is there is exported, edited, checked, and applied; rows that were left alone change nothing.
func TestExportEditAndImportUsers(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	page := b.Get(b.Get("/console/acme/directory").Link("Imports"))
	page.Says("No file was imported yet.", "Users", "Call queues", "Dashboards")
	if text := b.Get("/console/acme/directory/imports/sample?kind=users&format=csv").HTML; !strings.Contains(text, "Active") {
		t.Errorf("the sample is %q", text)
	}
	form := b.Get(page.Link("Export it to edit")).Post()
	if got := form.Values.Get("kind"); got != "users" {
		t.Errorf("the export is of %q", got)
	}
	form.Set("format", "csv")
	made := settled(t, b, b.Submit(form).URL.Path)
	made.Says("2 rows.", "rows that you leave as they are change nothing")
	file := b.Get(made.Link("Download")).HTML
	if !strings.Contains(file, "Zoe Alvarez") {
		t.Fatalf("the file is %q", file)
	}
	b.Get("/console/acme/directory/exports").Says("ready", "Users", "ada")
	if p := imported(t, b, "users", file); len(p.Links("Go on to apply")) != 0 {
		t.Error("applying is offered where nothing changes")
	} else {
		p.Says("There is nothing to apply.")
	}

	plan := imported(t, b, "users", strings.ReplaceAll(file, "Zoe Alvarez", "Zoe <b>Brown"))
	plan.Says("Checked, and not applied: nothing has been changed yet.", "Not applied yet", "Zoe Alvarez",
		"Zoe <b>Brown", "change", "0 will be created",
		"1 will be updated", "What will happen")
	plan.Hides("John Smith") // whose row is unchanged: it opens on what it changes
	if u := user(t, api, "zoe"); u.Name != "Zoe Alvarez" {
		t.Errorf("the check changed %+v", u)
	}
	// Who leaves it there finds it again.
	b.Get("/console/acme/directory/imports").Says("waits to be applied")
	b.Get("/console/acme/").Says("is checked and waits for you to apply it.")
	ask := b.Get(plan.Link("Go on to apply"))
	ask.Says(
		"Not applied yet", "Apply now",
		"1 row will be applied: 0 will be created and 1 updated.", "1 row is as wanted already.",
		"What is not in the file stays as it is.",
	)
	send := ask.Post()
	first, again := b.Submit(send), b.Submit(send)
	if first.Status != http.StatusOK || again.Status != http.StatusOK {
		t.Errorf("a double click is answered by %d and %d", first.Status, again.Status)
	}
	done := settled(t, b, first.URL.Path)
	done.Says("1 row was applied.", "0 were created", "1 were updated", "What happened")
	done.Hides("will be")
	if text := b.Get(done.Link("Result file")).HTML; !strings.Contains(text, "Status") {
		t.Errorf("the result file is %q", text)
	}
	if u := user(t, api, "zoe"); u.Name != "Zoe <b>Brown" {
		t.Errorf("%+v", u)
	}
	b.Get("/console/acme/directory/imports").Says("users.csv", "applied", "1 change")
}

// A bad row refuses the file and is named; the others can be applied without it. A plan that is
// not wanted is cancelled.
func TestAnImportWithABadRow(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	head := b.Get("/console/acme/directory/imports/sample?kind=call-queues&format=csv").HTML
	head, _, _ = strings.Cut(head, "\n")
	commas := strings.Repeat(",", strings.Count(head, ",")-2)
	file := head + "\nqueue-1,Detroit,zoe" + commas + "\nqueue-2,Belmont,nobody" + commas + "\n"
	bad := imported(t, b, "call-queues", file)
	bad.Says("The file is rejected.", "1 would be created", "What would happen",
		"1 row has an error, so nothing is applied.", "nobody")
	imported(t, b, "users", "User,Name,Email,Extension,Role 1\nivy,Ivy,,12x,boss\n").Says(
		"Column 4 ( Extension ) “ 12x ”",
		"Column 5 ( Role 1 ) – There is no role boss, neither by id nor by name. There are super-admin",
	)
	b.Get("/console/acme/directory/imports?kind=call-queues").Says("or their name if nobody else has it")
	b.Get("/console/acme/directory/imports?kind=users").Says("In the column User stands the user's id")
	b.Get("/console/acme/directory/imports?kind=dashboards").Says("a call queue's id")
	if p := b.Get(bad.URL.Path + "/apply"); len(p.Forms()) > 1 && strings.Contains(p.HTML, "/apply\" data-once") {
		t.Error("a rejected file can be applied")
	}
	again := b.Get(bad.Link("Upload it again and leave this row out")).Post()
	if again.Values.Get("skipErrors") != "true" || again.Values.Get("kind") != "call-queues" {
		t.Errorf("%v", again.Values)
	}
	plan := imported(t, b, "call-queues", file, "skipErrors", "true")
	plan.Says("1 row with an error is left out.")
	cancel := b.Get(plan.Link("Cancel"))
	cancel.Says("Nothing has been applied, and nothing will be.")
	b.Submit(cancel.Post()).Says("It is cancelled. Nothing was applied.")
	plan = imported(t, b, "call-queues", file, "skipErrors", "true")
	apply := b.Get(plan.Link("Go on to apply"))
	apply.Says("It cannot be undone in one step.", "export what is there now")
	settled(t, b, b.Submit(apply.Post()).URL.Path).Says("1 row was applied.")
	if got := queue(t, api, "queue-1").Members; len(got) != 1 || got[0] != "zoe" {
		t.Errorf("%v", got)
	}
	joined := imported(t, b, "call-queues", strings.Replace(file, "zoe,,", "zoe,john,", 1), "skipErrors", "true")
	b.Get(joined.URL.Path + "?outcome=all").Says("1 member joins: john")
}

// TestTheConsoleOffersEveryKind holds the pages to the kinds that the contract lists.
func TestTheConsoleOffersEveryKind(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	for page, view := range map[string]reflect.Type{
		"imports": reflect.TypeFor[imports.View](), "exports": reflect.TypeFor[imports.ExportView](),
	} {
		field, _ := view.FieldByName("Kind")
		html := b.Get("/console/acme/directory/" + page).HTML
		for kind := range strings.SplitSeq(field.Tag.Get("enum"), ",") {
			if !strings.Contains(html, `value="`+kind+`"`) && !strings.Contains(html, "kind="+kind) {
				t.Errorf("%s does not offer %s", page, kind)
			}
		}
	}
}

// Each sees the kinds that they may, and is refused when they force another one.
func TestImportsAndExportsByPermission(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	viewer := c.SignIn(t, "acme", "zoe", "liveReports.full")
	page := viewer.Get("/console/acme/directory/imports")
	page.Says("Dashboards")
	page.Hides("Call queues")
	form := page.Post()
	form.Set("kind", "users")
	if status, answer := askForUpload(t, viewer, form, "users.csv", 10); status != http.StatusForbidden {
		t.Errorf("%d %+v", status, answer)
	}
	holder := c.SignIn(t, "acme", "zoe", "licenses.read")
	home := holder.Get("/console/acme/directory")
	if home.URL.Path != "/console/acme/directory/exports" {
		t.Errorf("who may see licenses alone is led to %s", home.URL)
	}
	home.Says("Licenses", "Phones")
	home.Hides("A file that imports them.")
	forced := home.Post()
	forced.Set("kind", "users")
	if p := holder.Submit(forced); p.Status != http.StatusForbidden {
		t.Errorf("%d", p.Status)
	}
	reader := c.SignIn(t, "acme", "zoe", "directory.read")
	if p := reader.Get("/console/acme/directory/imports"); strings.Contains(p.HTML, "upload-file") {
		t.Error("uploading is offered to who may only read")
	}
}

// What a row gives and takes is called by its name, of products that are bought too.
func TestAnImportNamesProducts(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"developer": 1})
	give := client.AssignLicenseRequest{UserID: "zoe"}
	developer := licensesOf(t, api, "developer")[0].ID
	if _, err := api.AssignLicense(t.Context(), developer, give, client.Change{Key: "give"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/directory/exports?kind=users").Post()
	form.Set("format", "csv")
	before, zoe, _ := strings.Cut(b.Get(settled(t, b, b.Submit(form).URL.Path).Link("Download")).HTML, "Zoe Alvarez")
	plan := imported(t, b, "users", before+"Zoe Alvarez"+strings.Replace(zoe, "yes", "no", 1))
	plan.Says("Active", "Holds", "Developer")
}
