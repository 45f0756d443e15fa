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

func licenseLead(l client.License) string {
	switch l.Status {
	case "available":
		return "Not assigned to anybody."
	case "terminated":
		return "Terminated."
	}
	return "Assigned to " + l.UserName + "."
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
