package pages

import (
	"context"
	"slices"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

// candidates are the people that a license may be given to: those who wait for one come first.
type candidates struct {
	effects

	// readable says that the reader may see people; who may not types an id.
	readable bool
	options  []view.Option
	// holding and gone are the names of those who are found and left out: they hold the product, or
	// are deactivated.
	holding, gone []string
	more          bool
}

// waitingFor asks who waits for a product, the longest first.
func waitingFor(
	c *web.Context, product string, into *client.Answer[client.WaitingGrantPage],
) func(context.Context) error {
	return client.IfAllowed(
		client.Into(into, func(ctx context.Context) (client.Answer[client.WaitingGrantPage], error) {
			return c.API.ListWaiting(ctx, client.ListWaitingQuery{Product: []string{product}, Limit: mostUsers})
		}),
	)
}

// candidatesFor are those of some users who may be given a product. The only one that a search finds
// is chosen already.
func candidatesFor(
	c *web.Context, f *view.Form, product string, users client.Answer[client.UserPage], waiting []client.WaitingGrant,
) candidates {
	list := candidates{readable: users.Status != 0, more: users.Body.NextCursor != ""}
	since := map[string]string{}
	for _, w := range waiting {
		since[w.UserID] = "waits since " + c.Format().Date(w.Since)
		if searched(c, f) == "" {
			list.options = append(list.options, view.Option{Value: w.UserID, Name: w.UserName, Note: since[w.UserID]})
		}
	}
	for _, u := range users.Body.Items {
		holds := slices.ContainsFunc(u.Holdings, func(l client.UserLicense) bool {
			return l.ProductID == product && l.LicenseID != ""
		})
		switch {
		case holds:
			list.holding = append(list.holding, u.Name)
		case !u.Active:
			list.gone = append(list.gone, u.Name)
		case since[u.ID] == "":
			list.options = append(list.options, userOptions([]client.User{u})...)
		case searched(c, f) != "":
			list.options = append(list.options, view.Option{Value: u.ID, Name: u.Name, Note: since[u.ID]})
		}
	}
	if len(list.options) == 1 && searched(c, f) != "" && f.Get("userId") == "" {
		f.Values.Set("userId", list.options[0].Value)
	}
	return list
}

// mostNotOffered is how many of those who are left out are named.
const mostNotOffered = 5

// choice is who a form that gives a license chooses, with the extension that they get.
func choice(f *view.Form) string { return trimmed(f, "userId") + " " + trimmed(f, "extension") }
