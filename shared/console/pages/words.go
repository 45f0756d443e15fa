package pages

import (
	"net/url"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

func licenseColumns(c *web.Context) []view.Column {
	columns := []view.Column{
		{Name: "License Type"},
		{Name: "Assigned To"},
		{Name: "Ext"},
		{Name: "Cost Center Code"},
		{Name: "Date Added"},
		{Name: "Actions", Number: true},
	}
	if c.May(auth.LicensesManage) {
		columns = append([]view.Column{{Name: "Select", All: "selected"}}, columns...)
	}
	return columns
}

// gives says whether the reader is offered to assign licenses to people.
func gives(c *web.Context) bool { return c.May(auth.LicensesManage) && c.May(auth.LicensesRead) }

func userColumns(c *web.Context) []view.Column {
	columns := []view.Column{
		{Name: "Name"},
		{Name: "E-mail"},
		{Name: "Ext"},
		{Name: "Number"},
		{Name: "Roles"},
		{Name: "Actions", Number: true},
	}
	if selects(c) {
		columns = append([]view.Column{{Name: "Select", All: "selected"}}, columns...)
	}
	return columns
}

// phoneSays is somebody's extension and number; empty without any.
func phoneSays(u client.User) string {
	phone := u.Number
	if u.Extension != "" {
		phone = strings.TrimSuffix("Ext "+u.Extension+" · "+phone, " · ")
	}
	return phone
}

// columns are those of what was selected, with what happens where that is known.
func (s selection) columns() []view.Column {
	columns := []view.Column{{Name: "License Type"}, {Name: "Assigned To"}, {Name: "UUID"}}
	if s.tellsEach() {
		columns = append(columns, view.Column{Name: "What happens"})
	}
	return columns
}

func licenseLead(l client.License) string {
	switch l.Status {
	case "available":
		return "Not assigned to anybody."
	case "terminated":
		return "Terminated."
	}
	return "Assigned to " + l.UserName + "."
}

// holderSays is who holds a license, in a word.
func holderSays(l client.License) string {
	if l.UserID == "" {
		return "nobody"
	}
	return l.UserName
}

// goesAlong is what goes to another person with a license: of a base license its add-ons, and the
// extension if there is one. Another license shows its holder's extension, which stays theirs.
func goesAlong(kind, extension string) string {
	switch {
	case kind == kindBase && extension != "":
		return ", with its extension " + extension + " and its add-ons"
	case kind == kindBase:
		return ", with its add-ons"
	}
	return ""
}

// plural is what stands after a number, which is drawn apart from it.
func plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// title begins a word with a capital.
func title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

func queryEscape(s string) string { return url.QueryEscape(s) }

func values(list []chosen) []string {
	var all []string
	for _, one := range list {
		all = append(all, one.ID+"~"+one.ProductID+"~"+one.UserID)
	}
	return all
}

func selectedTitle(c *web.Context, s selection) string {
	n := c.Format().Count(int64(len(s.licenses)), "license", "licenses")
	switch s.do {
	case "unassign":
		return "Unassign " + n + "?"
	case "terminate":
		return "Terminate " + n + "?"
	case "cost-center":
		return "Change the cost center of " + n
	}
	return "Assign " + n
}

func selectedSays(s selection) string {
	switch s.do {
	case "unassign":
		return "They are placed back into your account for future use, with their add-ons. Who had one automatically is not given one automatically again. Those that nobody holds are left as they are."
	case "terminate":
		return "They stop counting at once, and are not charged from the next billing date on. They stay on record. This cannot be undone. Those that somebody holds are left as they are."
	case "cost-center":
		return "All of them are charged to the cost center that you choose."
	}
	return "The person whom you choose gets one of each of these products."
}

// withKind tells an add-on, and what is counted, from what has nearly the same name: Desktop is an
// add-on of a phone, and Desktop Client a program that is counted.
func withKind(name, kind string) string {
	if kind == "addOn" || kind == kindMetered {
		return name + " (" + lower(kindName(kind)) + ")"
	}
	return name
}

// kindSays is what a kind of license is, for who does not know the word.
func kindSays(kind string) string {
	switch kind {
	case kindBase:
		return "Base: a phone with its extension, on which add-ons hang"
	case "addOn":
		return "Add-on: it hangs on a base license, and goes where that one goes"
	case kindMetered:
		return "Charged by use: nobody buys it; it counts, and is charged, while somebody has it"
	}
	return kindName(kind)
}

// kindName is what the portals call a kind of license; of what is metered they know nothing.
func kindName(kind string) string {
	switch kind {
	case kindBase:
		return "Base"
	case "addOn":
		return "Add-on"
	case "seat":
		return "Seat"
	case kindMetered:
		return "Charged by use"
	}
	return kind
}

// lower begins a word without a capital.
func lower(word string) string { return strings.ToLower(word[:1]) + word[1:] }
