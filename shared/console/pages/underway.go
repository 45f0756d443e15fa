package pages

import (
	"context"
	"encoding/json"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

var _ = add(web.Page{
	Name: "Under way", Path: web.UnderWayPath,
	Routes: []web.Route{{Path: web.UnderWayPath, Show: showUnderWay}},
})

// showUnderWay follows a form that takes longer than a page may (decisions, 186). Once it is done the browser
// goes to where the form leads, which says so.
func showUnderWay(c *web.Context, _ *view.Form) error {
	var d client.Answer[client.Deferred]
	id := c.Query().Get("of")
	var calls []func(context.Context) error
	if id != "" { // it is told for a day
		calls = append(calls, client.IfThere(
			client.Into(&d, func(ctx context.Context) (client.Answer[client.Deferred], error) {
				return c.API.GetDeferred(ctx, id)
			}),
		))
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	switch {
	case d.Status == 0:
	case d.Body.Answer != nil:
		return c.Done(c.Back(nothingTyped, c.Link()), doneSays(c.Format(), d.Body.Answer.Body))
	case d.Body.Problem == nil:
		c.Refresh(refreshMass)
	}
	return c.Show("Under way", underWayPage(c, d.Body))
}

// doneSays is what became of a request, by its answer: of several things at once, of how many it was done.
func doneSays(f *view.Format, answer json.RawMessage) view.Flash {
	var many client.BulkResults
	if err := json.Unmarshal(answer, &many); err != nil || len(many.Results) == 0 {
		return web.Good("It is done.")
	}
	said := "It is done for " + f.Number(many.Succeeded)
	if many.Failed > 0 {
		return web.Warn(said+"; for "+f.Number(many.Failed)+" not.", "Try it for these again: the page then says why.")
	}
	return web.Good(said + ".")
}

// cameFrom is the page whose form is followed.
func cameFrom(c *web.Context) string {
	return c.Back(&view.Form{Values: map[string][]string{"_back": c.Query()["from"]}}, c.Link())
}
