package pages_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
)

// sheetOf is a CSV file of rows, whose cells are between commas; the last ones may be left out.
func sheetOf(rows ...string) string {
	text := "Ext Key,Number,User,Addon license 1,Addon license 2\n"
	for _, row := range rows {
		text += row + strings.Repeat(",", 4-strings.Count(row, ",")) + "\n"
	}
	return text
}

// asked is what the module of an upload is answered.
type asked struct {
	view.Place
	Title  string
	Errors []string
	Href   string
	Key    string
}

// askForUpload sends the form of an upload as its module does.
func askForUpload(t *testing.T, b *consolewalk.Browser, f *consolewalk.Form, name string, size int) (int, asked) {
	t.Helper()
	f.Set("fileName", name)
	f.Set("sizeBytes", strconv.Itoa(size))
	b.Header.Set("Accept", "application/json")
	defer b.Header.Del("Accept")
	p := b.Submit(f)
	var answer asked
	if err := json.Unmarshal([]byte(p.HTML), &answer); err != nil {
		t.Fatalf("%d %s: %v", p.Status, p.HTML, err)
	}
	return p.Status, answer
}

// putFile puts a file to its place, with what a browser adds itself.
func putFile(t *testing.T, place view.Place, text string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), place.Method, place.URL, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range place.Headers {
		r.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// uploaded brings a file and waits for the end of its check.
func uploaded(t *testing.T, b *consolewalk.Browser, text string, choices ...string) *consolewalk.Page {
	t.Helper()
	f := b.Get("/console/acme/mass-configurations").Post()
	for i := 0; i+1 < len(choices); i += 2 {
		f.Set(choices[i], choices[i+1])
	}
	status, place := askForUpload(t, b, f, "phones.csv", len(text))
	if status != http.StatusOK {
		t.Fatalf("%d %+v", status, place)
	}
	if got := putFile(t, place.Place, text); got != http.StatusOK {
		t.Fatalf("the file is answered by %d", got)
	}
	return settled(t, b, place.Page)
}

// settled opens a page until nothing goes on any more.
func settled(t *testing.T, b *consolewalk.Browser, path string) *consolewalk.Page {
	t.Helper()
	for range 600 {
		p := b.Get(path)
		if !strings.Contains(p.HTML, "data-live") {
			return p
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s is not done", path)
	return nil
}

// The steps of the portal: Mass configuration, download the sample file, fill it in, upload the
// file, configure.
func TestConfigureAsInThePortals(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"phone-system": 2, "device_ip_phone": 2, "call_recording": 2})
	b := c.SignIn(t, "acme", "ada")
	list := b.Get(b.Get("/console/acme/").Link("Mass configuration"))
	list.Says(
		"No file was uploaded yet.",
		"Call Recording",
		"call_recording",
		"a user's id or e-mail address, or their name",
	)
	sample := b.Get(list.Link("Download sample file"))
	if !strings.HasPrefix(sample.HTML, "PK") || !strings.Contains(sample.Header.Get("Content-Disposition"), ".xlsx") {
		t.Errorf("the sample is %d, %v", sample.Status, sample.Header)
	}
	if text := b.Get(list.Link("as CSV")).HTML; !strings.Contains(text, "Addon license 1") {
		t.Errorf("the sample as CSV is %q", text)
	}

	plan := uploaded(
		t, b, sheetOf("101,6567891230,zoe,device_ip_phone,call_recording", "102,,John Smith,device_ip_phone"),
	)
	plan.Says("Checked. Nothing has been changed yet.", "Phone System", "enough", "6567891230", "IP Phone")
	ask := b.Get(plan.Link("Configure"))
	ask.Says("2 rows will be applied.", "What is configured can be undone.", "What this does",
		"Phone System 2 0 → becomes 2 2 → becomes 0 0", "Call Recording 2 0 → becomes 1 2 → becomes 1 0",
		"Zoe Alvarez gets Phone System, Call Recording, IP Phone, on Ext 101; gets the number 6567891230",
		"John Smith gets Phone System, IP Phone, on Ext 102", "What you pay stays the same")
	form := ask.Post()
	first, again := b.Submit(form), b.Submit(form)
	if first.Status != http.StatusOK || again.Status != http.StatusOK {
		t.Errorf("a double click is answered by %d and %d", first.Status, again.Status)
	}
	done := settled(t, b, first.URL.Path)
	done.Says("2 rows are configured.", "Result file", "Undo")
	b.Get("/console/acme/directory/users/zoe").Hides("because of ada") // who did it is said beside it
	if held := licensesOf(t, api, "phone-system"); len(held) != 2 || held[0].UserID == "" || held[1].UserID == "" {
		t.Errorf("the licenses are %+v", held)
	}
	if text := b.Get(done.Link("Result file")).HTML; !strings.Contains(text, "Status") ||
		!strings.Contains(text, "101") {
		t.Errorf("the result file is %q", text)
	}
	b.Get("/console/acme/mass-configurations").Says("phones.csv", "configured", "2 new", "ada")
	filled := b.Get("/console/acme/mass-configurations/sample?format=csv&filled=true").HTML
	unchanged := uploaded(t, b, filled)
	unchanged.Says("There is nothing to configure.", "Every row is as it is wanted already.")
	if len(unchanged.Links("Configure")) != 0 {
		t.Error("configuring is offered where there is nothing to configure")
	}

	undo := b.Get(done.Link("Undo"))
	undo.Says("nothing is changed before you confirm it")
	made := b.Submit(undo.Post())
	plan = settled(t, b, made.URL.Path)
	plan.Says("This plan puts rows back to what they were.", "The file that it puts back")
	back := b.Get(plan.Link("Put back"))
	back.Says("Put 2 rows back?")
	back.Hides("Configure this file?")
	done = settled(t, b, b.Submit(back.Post()).URL.Path)
	done.Says("2 rows are put back.")
	for _, l := range licensesOf(t, api, "phone-system") {
		if l.UserID != "" {
			t.Errorf("after the undo %s holds a license", l.UserID)
		}
	}
}

// An upload that broke off goes on from the address that the module left behind: the same key and
// file have the same place. What the module must not set is not in its headers.
func TestGoOnWithAnUpload(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", map[string]int64{"phone-system": 1})
	b := c.SignIn(t, "acme", "ada")
	text := sheetOf("101,,zoe")
	f := b.Get("/console/acme/mass-configurations").Post()
	f.Set("skipErrors", "true")
	_, place := askForUpload(t, b, f, "phones.csv", len(text))
	if place.Seconds < 1 || place.Seconds > 15*60 || place.Headers["Content-Length"] != "" ||
		place.Headers["Content-Type"] != "text/csv" {
		t.Errorf("the place is %+v", place)
	}
	waiting := b.Get(place.Page + "?upload=" + f.Values.Get("_key"))
	waiting.Says("The file has not come yet.", "The very file that this upload was begun with: phones.csv")
	status, same := askForUpload(t, b, waiting.Post(), "phones.csv", len(text))
	if status != http.StatusOK || same.Page != place.Page {
		t.Errorf("%d: it goes on at %s, not at %s", status, same.Page, place.Page)
	}
	if got := putFile(t, same.Place, text); got != http.StatusOK {
		t.Errorf("the file is answered by %d", got)
	}
	if got := putFile(t, same.Place, text); got != http.StatusPreconditionFailed {
		t.Errorf("the same file is answered by %d", got)
	}
	settled(t, b, place.Page).Says("Checked.")

	c.Forward(16 * time.Minute)
	if _, ended := askForUpload(t, b, f, "phones.csv", len(text)); ended.Seconds > 0 {
		t.Errorf("the place is good for %d seconds after its end", ended.Seconds)
	}
}

// What cannot be uploaded is said in words, with a key for the next try; so is a session that has
// ended.
func TestARefusedUpload(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	f := b.Get("/console/acme/mass-configurations").Post()
	for name, says := range map[string]string{
		"phones.xls": "The name of the file must end in .xlsx or .csv.", "phones.csv": "The size of the file must be",
	} {
		status, answer := askForUpload(t, b, f, name, 21<<20)
		if status != http.StatusUnprocessableEntity || !strings.Contains(strings.Join(answer.Errors, " "), says) ||
			answer.Key == "" || answer.Key == f.Values.Get("_key") {
			t.Errorf("%s: %d %+v", name, status, answer)
		}
	}
	f.Set("sizeBytes", "")
	b.Submit(f).Says("uploading a file needs script")

	reader := c.SignIn(t, "acme", "ada", "licenses.read")
	reader.Get("/console/acme/mass-configurations").Hides("Upload and check")
	if status, answer := askForUpload(t, reader, f, "phones.csv", 20); status != http.StatusForbidden {
		t.Errorf("who may only read is answered by %d %+v", status, answer)
	}
	b.Forget("session")
	status, answer := askForUpload(t, b, f, "phones.csv", 20)
	if status != http.StatusUnauthorized || !strings.Contains(answer.Title, "session has ended") || answer.Href == "" {
		t.Errorf("without a session: %d %+v", status, answer)
	}
}

// The plan names errors, and what is missing is put into the cart, exactly, and once.
func TestAPlanThatLacksSeats(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"phone-system": 1})
	b := c.SignIn(t, "acme", "ada")
	plan := uploaded(t, b, sheetOf("101,,zoe,device_ip_phone", "102,,john"))
	plan.Says("There are not enough free seats.", "1 missing", "Buy 1")
	if len(plan.Links("Configure")) != 0 {
		t.Error("configuring is offered without the seats")
	}
	forced := b.Get(plan.URL.Path + "/configure")
	forced.Says("There are not enough free seats, so it cannot be configured yet.")
	buying := b.Get(plan.Link("Buy 1 Phone System"))
	buying.Says("Buy Phone System now")
	if got := buying.Post().Values.Get("_back"); got != plan.URL.Path {
		t.Errorf("who buys for a plan is led back to %q", got)
	}
	form := plan.Post()
	b.Submit(form).Says("What the plan lacks is in the cart.")
	b.Submit(form)
	want := map[string]int64{"phone-system": 1, "device_ip_phone": 1}
	for _, l := range cartOf(t, api).Lines {
		if want[l.ProductID] != l.Quantity {
			t.Errorf("%d of %s are in the cart", l.Quantity, l.ProductID)
		}
		delete(want, l.ProductID)
	}
	if len(want) != 0 {
		t.Errorf("%v are not in the cart", want)
	}
	b.Get(plan.URL.Path).Says("in your cart")
	b.Get(plan.URL.Path).Hides("Put what is missing into the cart")
	if _, err := api.CreateQuote(t.Context(), client.CreateQuoteRequest{}, client.Change{Key: "q"}); err == nil {
		t.Error("a line has a cost center that nobody chose")
	}
	form = b.Get("/console/acme/cart").Post()
	form.Set("costCenter", "CC-1")
	review := press(b, press(b, form, "all").Post(), "next").Post()
	review.Set("acknowledged", "yes")
	press(b, review, "order")
	b.Get(b.Get(plan.URL.Path).Link("Configure")).Says("2 rows will be applied.")
}

// A file with errors is rejected, its rows say why in the words of the check, and the overview leads
// to it. With the choice to leave them out, the others are configured.
func TestAFileWithErrors(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", map[string]int64{"phone-system": 2})
	b := c.SignIn(t, "acme", "ada")
	text := sheetOf("101,,zoe", "102,6.57E+09,john", "103,,<script>alert(1)</script>")
	rejected := uploaded(t, b, text)
	rejected.Says("2 rows have errors, so nothing is applied.", "Column 2 ( Number )",
		"A spreadsheet has turned the number", "There is no user <script>alert(1)</script>", "Result file")
	rejected.Hides("101")
	typed := uploaded(t, b, sheetOf("12x,,zoe", "105,,zoe,hologram"))
	typed.Says("Column 1 ( Ext Key ) “ 12x ” – An extension has 1 to 10 digits",
		"hologram is not the code of an add-on license. There are ", " more.")
	b.Get(rejected.Link("All rows")).Says("101")
	b.Get("/console/acme/").Hides("See why") // who has seen it is not told again
	other := c.SignIn(t, "acme", "ada")
	for left := 2; left > 0; left-- { // files of the same minute are told of one by one
		overview := other.Get("/console/acme/")
		if got := len(overview.Links("See why")); got != left {
			t.Errorf("%d rejected files are told of, not %d", got, left)
		}
		other.Get(overview.Link("See why")).Says("so nothing is applied")
	}
	other.Get("/console/acme/").Hides("See why")
	third := c.SignIn(t, "acme", "ada")
	third.Get("/console/acme/").Says("this line goes when you look at it, or after 7 days.")
	c.Forward(8 * 24 * time.Hour)
	c.SignIn(t, "acme", "ada").Get("/console/acme/").Hides("was not applied")
	c.Forward(-8 * 24 * time.Hour)
	again := b.Get(rejected.Link("Upload it again and leave these rows out"))
	if got := again.Post().Values.Get("skipErrors"); got != "true" {
		t.Errorf("leaving rows out is %q", got)
	}
	plan := uploaded(t, b, text, "skipErrors", "true")
	plan.Says("2 rows with errors are left out.")
	ask := b.Get(plan.Link("Configure"))
	ask.Says("1 row will be applied.", "2 rows have errors and are left out.")
	settled(t, b, b.Submit(ask.Post()).URL.Path).Says("1 row is configured.", "2 rows with errors were left out.")

	ugly := uploaded(t, b, "\x00\x01 no table at all")
	ugly.Says("The file cannot be used.")
	if p := b.Get("/console/acme/mass-configurations/" + "no-such-id"); p.Status != http.StatusNotFound {
		t.Errorf("a file that there is not is answered by %d", p.Status)
	}
	if p := b.Get(plan.URL.Path + "?outcome=none"); p.Status != http.StatusNotFound {
		t.Errorf("an outcome that there is not is answered by %d", p.Status)
	}
}

// A plan that fits no more when it is confirmed says so in words, shows what is missing now, and
// nothing is applied.
func TestAPlanThatFitsNoMore(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"phone-system": 1})
	b := c.SignIn(t, "acme", "ada")
	plan := uploaded(t, b, sheetOf("101,,zoe"))
	form := b.Get(plan.Link("Configure")).Post()
	held := licensesOf(t, api, "phone-system")[0].ID
	if _, err := api.AssignLicense(
		t.Context(), held, client.AssignLicenseRequest{UserID: "john", Extension: new("102")}, client.Change{Key: "a"},
	); err != nil {
		t.Fatal(err)
	}
	late := b.Submit(form)
	if late.Status != http.StatusConflict {
		t.Errorf("it is answered by %d", late.Status)
	}
	late.Says("1 wanted, 0 free now, 1 free when the plan was checked", "1 missing", "Buy 1",
		"There are not enough free seats, so it cannot be configured yet. Nothing was changed.")
	if got := one(t, api, held).UserID; got != "john" {
		t.Errorf("the license is %q's", got)
	}
	b.Get(plan.URL.Path).Says("There are not enough free seats.", "Put what is missing into the cart")
}

// Rows that somebody changed since are left alone by an undo, and named. A change shows what was
// there before beside what comes, with names of people in the place of ids.
func TestAnUndoLeavesAloneWhatWasChanged(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"phone-system": 2, "device_ip_phone": 2})
	b := c.SignIn(t, "acme", "ada")
	plan := uploaded(t, b, sheetOf("101,6567891230,zoe,device_ip_phone", "102,,john"))
	done := settled(t, b, b.Submit(b.Get(plan.Link("Configure")).Post()).URL.Path)
	change := uploaded(t, b, sheetOf("101,6567891239,john", "102,,zoe"))
	change.Says("Number 6567891230 → 6567891239", "User Zoe Alvarez → John Smith", "Add-ons IP Phone")
	settled(t, b, b.Submit(b.Get(change.Link("Configure")).Post()).URL.Path).Says("2 rows are configured.")
	if _, err := api.PatchUser(
		t.Context(), "zoe", client.PatchUserRequest{Number: client.Set("6567890000")}, client.Change{Key: "n"},
	); err != nil {
		t.Fatal(err)
	}
	undo := settled(t, b, b.Submit(b.Get(done.Link("Undo")).Post()).URL.Path)
	undo.Says("Rows that were changed since stay as they are now.", "left as it is", "was changed since")
	if len(undo.Links("Configure")) != 0 {
		t.Error("an undo that leaves every row alone can be configured")
	}
}

// What was begun is cancelled once asked; what is over cannot be configured, and says so in words.
func TestCancelAPlan(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", map[string]int64{"phone-system": 2})
	b := c.SignIn(t, "acme", "ada")
	plan := uploaded(t, b, sheetOf("101,,zoe"))
	other := b.Get(plan.Link("Configure")).Post()
	ask := b.Get(plan.Link("Cancel"))
	ask.Says("Nothing has been applied, and nothing will be.", "Let it go on")
	if !strings.Contains(ask.HTML, `class="button danger first">Stop it`) {
		t.Error("what is given up is not marked as that")
	}
	b.Submit(ask.Post()).Says("It is cancelled. Nothing was applied.")
	late := b.Submit(other)
	if late.Status != http.StatusConflict {
		t.Errorf("configuring what is cancelled is answered by %d", late.Status)
	}
	late.Says("It was cancelled. Nothing was changed. It cannot be configured now.", "Look at it")

	reader := c.SignIn(t, "acme", "ada", "licenses.read")
	seen := reader.Get(plan.URL.Path)
	seen.Hides("Upload another file")
	for _, what := range []string{"configure", "cancel", "undo"} {
		if p := reader.Get(plan.URL.Path + "/" + what); strings.Contains(p.HTML, ` first">`) {
			t.Errorf("%s has a button for who may only read: %s", what, p.Text())
		}
	}
}
