package pages_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"seatwise/infra/testing/consolewalk"
	"seatwise/infra/testing/runnerprocess"
	"seatwise/shared/console/client"
	"seatwise/shared/filejob"
	"seatwise/shared/platform/auth"
)

// action is how an action of the audit is written, and so are permissions and a few names of files.
var action = regexp.MustCompile(`^[a-z][a-zA-Z]+\.[a-z][a-zA-Z]+$`)

// noActions are written like one.
var noActions = []string{
	"amount.currency", "aws.events", "manifest.json", "objects.jsonl", "sheet.binary", "start.js", "vbadata.xml",
}

// actions are all that the services' code writes: those that it names, and those of files, which it puts
// together from what the file is and what becomes of it.
func actions(t *testing.T) []string {
	t.Helper()
	root, err := runnerprocess.Root()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	err = filepath.WalkDir(filepath.Join(root, "shared"), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "console":
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		case strings.HasSuffix(path, filepath.Join("offboarding", "texts.go")): // names types of documents
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, is := n.(*ast.BasicLit); is && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil && action.MatchString(text) {
					all = append(all, text)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"import", "massConfiguration"} {
		for _, becomes := range []filejob.State{
			"created", filejob.Ready, filejob.Rejected, "checkedAgain",
			filejob.Completed, filejob.Cancelled, filejob.Failed,
		} {
			all = append(all, file+"."+string(becomes))
		}
	}
	all = append(all, "import.applying", "massConfiguration.configuring")
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(text string) bool {
		return slices.Contains(noActions, text) || slices.Contains(auth.Permissions(), auth.Permission(text))
	})
}

// Every action that is written can be chosen in the Audit, by words.
func TestEveryActionHasWords(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	words := map[string]string{}
	for _, option := range c.SignIn(t, "acme", "ada").Get("/console/acme/audit").Elements("option") {
		for _, a := range option.Attr {
			if a.Key == "value" {
				words[a.Val] = option.FirstChild.Data
			}
		}
	}
	all := actions(t)
	if len(all) < 60 {
		t.Errorf("only %d actions are found in the code", len(all))
	}
	for _, one := range all {
		if words[one] == "" || words[one] == one {
			t.Errorf("%s has no words in the Audit", one)
		}
	}
}

// An entry says what was done in words: what of a person changed, which product, from whom; and who began
// it only where that was somebody else.
func TestAuditSaysWhatWasDone(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"phone-system": 2, "call_recording": 2})
	ctx := t.Context()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	id := licensesOf(t, api, "phone-system")[0].ID
	zoe := client.AssignLicenseRequest{UserID: "zoe", Extension: new("101")}
	must(api.AssignLicense(ctx, id, zoe, client.Change{Key: "1"}))
	must(api.PatchUser(ctx, "zoe", client.PatchUserRequest{Name: new("Zoe Brown")}, client.Change{Key: "2"}))
	must(api.ReassignLicense(ctx, id, client.ReassignLicenseRequest{UserID: "john"}, client.Change{Key: "3"}))
	must(api.PatchUser(ctx, "zoe", client.PatchUserRequest{Active: new(false)}, client.Change{Key: "4"}))
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/audit")
	for _, says := range []string{
		"License assigned: Phone System", "Extension 101 given", "User changed: name", "User made", "User deactivated",
		"License reassigned: Phone System, from Zoe Brown", "by hand",
	} {
		if !strings.Contains(strings.Join(strings.Fields(rows(page)), " "), says) {
			t.Errorf("the Audit does not say %q: %s", says, rows(page))
		}
	}
	notIn(t, page, "because of ada")
	today := b.Get(page.Link("Today"))
	today.Says("License reassigned")
	b.Get(today.Link("All changes")).Says("License reassigned")
	for _, cell := range page.Elements("td") {
		for n := range cell.Descendants() {
			if n.Type == html.TextNode && action.MatchString(strings.TrimSpace(n.Data)) {
				t.Errorf("the Audit shows %q", n.Data)
			}
		}
	}
}

// The page of a license tells what was done to its add-ons too.
func TestHistoryOfALicenseHasItsAddOns(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"phone-system": 1, "call_recording": 1})
	id := licensesOf(t, api, "phone-system")[0].ID
	assign := client.AssignLicenseRequest{UserID: "zoe", Extension: new("101")}
	if _, err := api.AssignLicense(t.Context(), id, assign, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	addOns := client.SetAddOnsRequest{ProductIDs: []string{"call_recording"}}
	if _, err := api.SetAddOns(t.Context(), id, addOns, client.Change{Key: "2"}); err != nil {
		t.Fatal(err)
	}
	page := c.SignIn(t, "acme", "ada").Get("/console/acme/licenses/" + id)
	page.Says("assigned Call Recording to Zoe Alvarez", "assigned Phone System to Zoe Alvarez")
}
