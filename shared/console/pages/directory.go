package pages

import (
	"context"
	"slices"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

// The Directory: who works at the account (users.go) and what their roles are (roles.go). Call
// queues and dashboards have their lists here, and their pages in Live Reports.
var _ = add(web.Page{
	Name: "Directory", Path: "directory", Section: sectionAccount, Order: 80,
	Needs: []auth.Permission{auth.DirectoryRead, auth.LiveReportsView, auth.LicensesRead},
	Routes: []web.Route{
		{Path: "directory", Show: showUsers},
		{
			Path: "directory/users/new", Needs: managesDirectory,
			Show: showNewUser, Send: sendNewUser, Submit: "Make the user",
			Fields: userFields,
		},
		{Path: "directory/users/{id}", Show: showUser},
		{
			Path: "directory/users/{id}/edit", Changes: "user:{id}", Needs: managesDirectory,
			Show: showEditUser, Send: sendEditUser, Submit: "Save", Fields: userFields,
		},
		{
			Path: "directory/users/{id}/deactivate", Needs: managesDirectory,
			Show: showDeactivate, Send: sendDeactivate, Submit: "Deactivate",
		},
		{
			Path: "directory/users/{id}/activate", Needs: managesDirectory,
			Show: showActivate, Send: sendActivate, Submit: "Activate",
		},
		{
			Path: "directory/users/{id}/invite", Needs: managesDirectory,
			Show: showInvite, Send: sendInvite, Submit: "Send the invitation",
		},
		{
			Path: "directory/users/{id}/delete", Needs: managesDirectory,
			Show: showDeleteUser, Send: sendDeleteUser, Submit: "Delete",
		},
		rolesRoute,
		{Path: "directory/roles", Whole: true, Show: showRoles},
		{
			Path: "directory/roles/new", Whole: true, Needs: managesDirectory,
			Show: showNewRole, Send: sendNewRole, Submit: "Make the role",
			Fields: roleFields,
		},
		{Path: "directory/roles/{id}", Whole: true, Show: showRole},
		{
			Path: "directory/roles/{id}/edit", Changes: "role:{id}", Whole: true, Needs: managesDirectory,
			Show: showEditRole, Send: sendEditRole, Submit: "Save", Fields: roleFields,
		},
		{
			Path: "directory/roles/{id}/delete", Changes: "role:{id}", Whole: true, Needs: managesDirectory,
			Show: showDeleteRole, Send: sendDeleteRole, Submit: "Delete",
		},
		{Path: "directory/queues", Whole: true, Show: showQueues},
		{Path: "directory/dashboards", Whole: true, Show: showDashboards},
		{
			Path: "directory/imports", Whole: true, Show: showImports, Send: sendImport, Submit: uploadButton,
			Fields: importFields,
		},
		{Path: "directory/imports/sample", Whole: true, Show: showImportSample},
		{Path: "directory/imports/{id}", Whole: true, Show: showImport},
		{Path: "directory/imports/{id}/result", Whole: true, Show: showImportResult},
		{
			Path: "directory/imports/{id}/apply", Whole: true, Needs: managesImports,
			Show: showApply, Send: sendApply, Submit: "Apply",
		},
		{
			Path: "directory/imports/{id}/cancel", Whole: true, Needs: managesImports,
			Show: showStopImport, Send: sendStopImport, Submit: "Stop it",
		},
		{
			Path: "directory/exports", Whole: true, Show: showExports, Send: sendExport, Submit: "Export",
			Fields: web.Fields("kind", "What to export", "format", "Format"),
		},
		{Path: "directory/exports/{id}", Whole: true, Show: showExport},
		{Path: "directory/exports/{id}/file", Whole: true, Show: showExportFile},
	},
})

// pageOfDirectory is how many things a list of the Directory shows at once.
const pageOfDirectory = 50

// directoryTab is a part of the Directory, as its tabs name it.
type directoryTab struct{ name, path string }

func directoryTabs(c *web.Context) []directoryTab {
	var tabs []directoryTab
	if c.May(auth.DirectoryRead) {
		tabs = append(tabs,
			directoryTab{"Users", c.Link("directory")}, directoryTab{"Roles", c.Link("directory", "roles")},
			directoryTab{"Call queues", c.Link("directory", "queues")})
	}
	if c.Limited() { // who has no part in the others
		return tabs[:min(len(tabs), 1)]
	}
	if c.May(auth.LiveReportsView) {
		tabs = append(tabs, directoryTab{"Dashboards", c.Link("directory", "dashboards")})
	}
	if len(kindsOf(c, importKinds, maySee)) > 0 {
		tabs = append(tabs, directoryTab{"Imports", c.Link("directory", "imports")})
	}
	if len(kindsOf(c, exportKinds, maySee)) > 0 {
		tabs = append(tabs, directoryTab{"Exports", c.Link("directory", "exports")})
	}
	return tabs
}

// choices are some choices of one kind, under their name.
type choices struct {
	name    string
	options []view.Option
	// one says that at most one of them may be chosen.
	one bool
}

// meteredChoices are the metered products that a person or a role may have, by category. Those of
// devices are of a screen, not of a person.
func meteredChoices(catalog []client.CatalogItem) []choices {
	names := map[string]string{}
	for _, p := range catalog {
		names[p.ID] = p.Name
	}
	var groups []choices
	for _, p := range catalog {
		if p.Category == "Devices" {
			continue
		}
		var needs []string
		for _, id := range p.Requires {
			needs = append(needs, names[id])
		}
		o := view.Option{Value: p.ID, Name: p.Name}
		name := p.Category
		switch {
		case len(needs) > 0:
			o.Note = "needs " + strings.Join(needs, " or ")
		case len(p.Excludes) == 1:
			o.Note = "not with " + names[p.Excludes[0]]
		}
		i := slices.IndexFunc(groups, func(g choices) bool { return g.name == name })
		if i < 0 {
			i, groups = len(groups), append(groups, choices{name: name, one: len(p.Excludes) > 1})
		}
		groups[i].options = append(groups[i].options, o)
	}
	return groups
}

// chosenNames are the names of what was chosen, as a sentence lists them; what has no name is
// chosenRow is a field of which several can be chosen, in both versions.
func chosenRow(f *view.Form, label, field string, of []choices, theirs []string) view.Both {
	return view.Both{
		Label: label, Yours: chosenNames(of, f.Values[field]), Theirs: chosenNames(of, theirs),
		There: view.There(field, theirs...),
	}
}

// listed by its id.
func chosenNames(groups []choices, chosen []string) string {
	var list []string
	for _, id := range chosen {
		name := id
		for _, g := range groups {
			for _, o := range g.options {
				if o.Value == id {
					name = o.Name
				}
			}
		}
		list = append(list, name)
	}
	return strings.Join(list, ", ")
}

// metered asks for the metered products.
func metered(c *web.Context, into *client.Answer[client.CatalogItemPage]) func(context.Context) error {
	return client.IfAllowed(
		client.Into(into, func(ctx context.Context) (client.Answer[client.CatalogItemPage], error) {
			return c.API.ListCatalog(ctx, client.ListCatalogQuery{Kind: "metered", Limit: mostNames})
		}),
	)
}

// idFor is the id of a new thing: what was typed, or one made from its name; from the form's key if
// the name has no letter that an id may have.
func idFor(f *view.Form, kind string) string {
	if id := strings.TrimSpace(f.Get("id")); id != "" {
		return id
	}
	var id []byte
	for _, r := range strings.ToLower(strings.TrimSpace(f.Get("name"))) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			id = append(id, byte(r))
		case len(id) > 0 && id[len(id)-1] != '-':
			id = append(id, '-')
		}
	}
	made := strings.Trim(string(id[:min(len(id), 60)]), "-")
	if made == "" {
		made = kind + "-" + strings.ToLower(f.Key[:min(len(f.Key), 8)])
	}
	return made
}

// newThing is the change that makes a thing, and refuses to replace one.
func newThing(c *web.Context, f *view.Form) client.Change {
	return asNew(c.Change(f))
}

// asNew is a change that makes a thing, and refuses to replace one.
func asNew(change client.Change) client.Change {
	change.Version, change.New = "", true
	return change
}

// taken says in words that a new thing's id is another one's already.
func taken(err error, id, kind string) error {
	if client.Is(err, "precondition-failed") {
		return web.Wrong("id", "must be another one: a "+kind+" has the id "+id+" already")
	}
	return err
}

// trimmed is what was typed without spaces around it.
func trimmed(f *view.Form, name string) string { return strings.TrimSpace(f.Get(name)) }

// typedOrNull is a member that is cleared by leaving its field empty.
func typedOrNull(f *view.Form, name string) client.Null[string] {
	if text := trimmed(f, name); text != "" {
		return client.Set(text)
	}
	return client.Clear[string]()
}

// several are the values of a field of which several may be chosen.
func several(f *view.Form, name string) client.Null[[]string] {
	return client.Set(append([]string{}, nonEmpty(f.Values[name])...))
}
