package pages

import (
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

// The person's menu in the frame leads here.
var _ = add(web.Page{
	Name: "Time zone", Path: "time-zone",
	Routes: []web.Route{{
		Path: "time-zone", Show: showZone, Send: sendZone, Submit: "Save",
		Fields: web.Fields("zone", "Show times in", "other", "Another zone"),
	}},
})

// The choices of the page; the zone of the first two may change, and that of the last is typed.
const (
	zoneOfBrowser = "browser"
	zoneOfAccount = "account"
	zoneOther     = "other"
)

// someZones are suggested where no script knows all of them.
var someZones = []string{
	"America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
	"America/Anchorage", "Pacific/Honolulu", "America/Toronto", "America/Mexico_City", "America/Sao_Paulo",
	"Europe/London", "Europe/Dublin", "Europe/Paris", "Europe/Berlin", "Europe/Athens", "Africa/Johannesburg",
	"Asia/Dubai", "Asia/Kolkata", "Asia/Manila", "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney",
	"Pacific/Auckland", "UTC",
}

// zoneChoice is what the page offers.
type zoneChoice struct {
	options []view.Option
	// other is the zone that is typed already.
	other string
	back  string
}

func showZone(c *web.Context, f *view.Form) error {
	if err := c.Load(); err != nil {
		return err
	}
	z := zoneChoice{back: c.Back(f, c.Link())}
	browser := c.BrowserZone()
	if _, ok := web.ZoneNamed(browser); !ok {
		browser = "not known without script: the account's"
	}
	chosen := c.ChosenZone()
	switch chosen {
	case "":
		chosen = zoneOfBrowser
	case zoneOfAccount:
	default:
		chosen, z.other = zoneOther, chosen
	}
	if !f.Values.Has("zone") {
		f.Values.Set("zone", chosen)
	}
	z.options = []view.Option{{Value: zoneOfBrowser, Name: "The zone of this browser", Note: browser}}
	if info, there := c.AccountInfo(); there {
		z.options = append(z.options,
			view.Option{Value: zoneOfAccount, Name: "The zone of the account", Note: info.Timezone})
	}
	z.options = append(z.options, view.Option{Value: zoneOther, Name: "Another zone", Note: "which is named below"})
	return c.Show("Time zone", zonePage(c, f, z))
}

func sendZone(c *web.Context, f *view.Form) error {
	choice, chosen := "", f.Get("zone")
	if other := trimmed(f, "other"); other != "" && other != c.ChosenZone() {
		chosen = zoneOther // who typed a zone means it, whichever button was left chosen above it
	}
	switch chosen {
	case zoneOfBrowser:
	case zoneOfAccount:
		choice = zoneOfAccount
	case zoneOther:
		zone, ok := web.ZoneNamed(trimmed(f, "other"))
		if !ok {
			return web.Wrong("other", "must be the name of a time zone, such as America/Detroit")
		}
		choice = zone.String()
	default:
		return web.Wrong("zone", "must be chosen")
	}
	c.ChooseZone(choice)
	return c.Done(c.Back(f, c.Link()), web.Good("Times are shown in "+zoneSays(choice)+" now."))
}

// zoneSays is a choice in words.
func zoneSays(choice string) string {
	switch choice {
	case "":
		return "the zone of this browser"
	case zoneOfAccount:
		return "the zone of the account"
	}
	return choice
}
