package browser_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/network"
)

// chooser is what the file's field is called.
const chooser = "Choose a file, or drop it anywhere on this page"

// withScript are the ways to work that an upload allows.
var withScript = []way{byMouse, byKeyboard}

var phones = map[string]int64{"phone-system": 2, "device_ip_phone": 2, "call_recording": 1}

// The seed 5, "Mass Configuration".
func TestMassConfiguration(t *testing.T) {
	task(t, withScript, phones, func(s *scene) {
		s.signIn(s.account, "ada")
		s.does("L10")
		s.click("Mass configuration")
		s.aside(func() { s.click("Codes for the Addon license columns") })
		s.see("Addon License Code", "device_ip_phone")
		s.does("L11")
		sample := s.read(s.download("as CSV"))
		s.does("L12")
		header, _, _ := strings.Cut(sample, "\n")
		separator := header[len("Ext Key"):][:1] // a spreadsheet of that language asks for it
		rows := [][]string{
			{"101", "6567891230", "Zoe Alvarez", "device_ip_phone", "call_recording"},
			{"102", "6567891231", "john", "device_ip_phone"},
		}
		text := header + "\n"
		for _, row := range rows {
			cells := strings.Count(header, separator) + 1
			text += strings.Join(append(row, make([]string, cells-len(row))...), separator) + "\n"
		}
		s.does("L13")
		s.bring("phones.csv", text)
		s.see("Checked. Nothing has been changed yet.", "Zoe Alvarez", "IP Phone", "6567891231", "enough")
		s.does("L14")
		s.click("Configure")
		s.see("2 rows will be applied.")
		s.click("Configure")
		s.see("2 rows are configured.")
		s.does("")
		for _, l := range s.licenses("phone-system") {
			if l.UserID == "" {
				t.Errorf("a license is free: %+v", l)
			}
		}
		s.click("Undo")
		s.click("See what is put back")
		s.see("This plan puts rows back to what they were. Nothing has been changed yet.")
		s.click("Put back")
		s.see("Put 2 rows back?")
		s.click("Put back")
		s.see("2 rows are put back.")
		for _, l := range s.licenses("phone-system") {
			if l.UserID != "" {
				t.Errorf("after the undo a license is held: %+v", l)
			}
		}
	})
}

// read is what is in a file that was downloaded.
func (p *person) read(file string) string {
	p.t.Helper()
	text, err := os.ReadFile(file)
	p.must(err)
	return strings.TrimPrefix(string(text), "\ufeff")
}

// bring chooses a file of some content: a click opens the browser's dialog and another one picks.
func (p *person) bring(name, content string) {
	p.t.Helper()
	path := filepath.Join(p.t.TempDir(), name)
	p.must(os.WriteFile(path, []byte(content), 0o600))
	e := p.find(chooser, []string{"button", "textbox"})
	if p.how == byKeyboard {
		p.reach(e)
	}
	p.clicks += 2
	call(p, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: []string{path}, BackendNodeID: e.id})
}

// network makes that of uploads slower (bytes a second), or cut it off; 0 bytes are as many as go.
func (p *person) network(bytesASecond float64, off bool) {
	p.t.Helper()
	if bytesASecond == 0 {
		bytesASecond = -1
	}
	call(p, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{
			URLPattern: "http://*:*/seatwise-uploads/*", Offline: off,
			DownloadThroughput: -1, UploadThroughput: bytesASecond,
		}},
	})
}

// An upload that breaks off says so and is tried again with one press. After a reload, or in another
// tab, it goes on with the same file and with no other.
func TestAnUploadThatBreaksOff(t *testing.T) {
	task(t, []way{byMouse}, phones, func(s *scene) {
		const file = "Ext Key,Number,User\n101,,zoe\n"
		s.signIn(s.account, "ada")
		s.click("Mass configuration")
		s.network(0, true)
		s.bring("phones.csv", file)
		s.see("The upload broke off.", "Nothing was changed.")
		address := s.at()
		s.network(0, false)
		s.click("Try again")
		s.see("Checked. Nothing has been changed yet.")

		s.click("Mass configuration")
		s.network(0, true)
		s.bring("phones.csv", file)
		s.see("The upload broke off.")
		if s.at() == address {
			t.Error("two uploads have one address")
		}
		address = s.at()
		s.network(0, false)
		other := s.another()
		other.visit(address)
		other.see("The file has not come yet.", "choose the same file again")
		other.bring("others.csv", file)
		other.see("That is another file.", "This upload waits for phones.csv")
		other.bring("phones.csv", file)
		other.see("Checked. Nothing has been changed yet.", "Zoe Alvarez")
		if path, _, _ := strings.Cut(address, "?"); !strings.HasPrefix(other.at(), path) {
			t.Errorf("%s went on at %s", address, other.at())
		}
	})
}

// A slow upload shows its percent and can be stopped; one that the API refuses says why; and one
// whose session has ended goes on after signing in beside it.
func TestAnUploadThatIsStoppedOrRefused(t *testing.T) {
	task(t, []way{byMouse}, phones, func(s *scene) {
		s.signIn(s.account, "ada")
		s.click("Mass configuration")
		list := s.at()
		s.network(20<<10, false)
		s.bring("phones.csv", "Ext Key,Number,User\n"+strings.Repeat("101,,zoe\n", 50_000))
		s.see("Uploading phones.csv", "%")
		s.click("Stop")
		s.see("The upload is stopped.", "Nothing was changed.")
		s.network(0, false)

		s.visit(list)
		s.bring("phones.xls", "an old workbook")
		s.see("The file cannot be uploaded.", "The name of the file must end in .xlsx or .csv.")
		s.bring("phones.csv", "Ext Key,Number,User\n101,,zoe\n")
		s.see("Checked. Nothing has been changed yet.")

		s.visit(list)
		call(s.person, network.ClearBrowserCookies, cdp.Empty{})
		s.bring("phones.csv", "Ext Key,Number,User\n102,,john\n")
		s.see("Your session has ended, so nothing was sent.", "Sign in beside this page")
		beside := s.another()
		beside.signIn(s.account, "ada")
		s.click("Try again")
		s.see("Checked. Nothing has been changed yet.", "John Smith")
	})
}

// Who presses Configure twice configures once. Without script it is said that uploading needs it,
// and everything else works.
func TestConfigureTwiceAndWithoutScript(t *testing.T) {
	task(t, []way{byMouse}, phones, func(s *scene) {
		s.signIn(s.account, "ada")
		s.click("Mass configuration")
		s.bring("phones.csv", "Ext Key,Number,User\n101,,zoe\n")
		s.click("Configure")
		x, y := s.middle(s.find("Configure", pressable))
		s.goes(func() {
			s.mouse(x, y, 1)
			s.mouse(x, y, 2)
		})
		s.see("1 row is configured.")
		plain := sit(t, withoutScript)
		plain.signIn(s.account, "ada")
		plain.click("Mass configuration")
		plain.see("Uploading a file needs script.", "phones.csv", "configured")
		plain.miss("Upload and check")
		plain.click("phones.csv")
		plain.click("Undo")
		plain.click("See what is put back")
		plain.until(func() string {
			plain.visit(plain.at()) // as the page does itself, every few seconds
			if plain.has("Put back") {
				return ""
			}
			return "the plan is not made"
		})
	})
}
