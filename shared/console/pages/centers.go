package pages

import (
	"context"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

// centerRoutes are the pages below Billing of the cost centers.
var centerRoutes = []web.Route{
	{Path: "billing/cost-centers", Show: showCenters},
	{
		Path: "billing/cost-centers/{code}", Whole: true, Needs: []auth.Permission{auth.BillingPurchase},
		Show: showCenter, Send: sendCenter, Submit: "Save", Fields: web.Fields("name", "Name", "fenced", "Fenced"),
	},
}

// centersSay says what there is to do with cost centers.
func centersSay(c *web.Context) string {
	if c.Limited() {
		return "Those of which you are admin."
	}
	return "Rename them, and put up or take down their fences."
}

// pageOfCenters is how many cost centers a page shows.
const pageOfCenters = 50

// fencedOption is the choice of a fence, with what it means.
var fencedOption = view.Option{
	Value: "yes", Name: "Fenced", Note: "its licenses are given only to people whose own cost center it is; who holds one keeps it",
}

func showCenters(c *web.Context, _ *view.Form) error {
	var page client.Answer[client.CostCenterPage]
	err := c.Load(client.Into(&page, func(ctx context.Context) (client.Answer[client.CostCenterPage], error) {
		return c.API.ListCostCenters(ctx, client.ListCostCentersQuery{
			Limit: pageOfCenters, Cursor: c.Query().Get("cursor"), Q: c.Query().Get("q"),
		})
	}))
	if err != nil {
		return err
	}
	return c.Show("Cost centers", centersPage(c, page.Body))
}

func centersPager(c *web.Context, page client.CostCenterPage) view.Pager {
	return pagerOf(c, c.Link("billing", "cost-centers"), c.Query(),
		onPage{rows: len(page.Items), next: page.NextCursor}, [2]string{"cost center", "cost centers"})
}

func showCenter(c *web.Context, f *view.Form) error {
	var center client.Answer[client.CostCenter]
	var e effects
	calls := []func(context.Context) error{
		client.Into(&center, func(ctx context.Context) (client.Answer[client.CostCenter], error) {
			return c.API.GetCostCenter(ctx, c.Param("code"))
		}),
	}
	if tells(f) {
		calls = append(calls, foretell(c, f, &e, editsCenter(c, f))...)
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	web.FromVersion(f, center.ETag)
	if err := c.Load(e.names(c)...); err != nil {
		return err
	}
	return c.Show("Cost center "+center.Body.Code, centerPage(c, f, center.Body, e))
}

// editsCenter is the request that changes a cost center as the form says.
func editsCenter(
	c *web.Context, f *view.Form,
) func(context.Context, client.Change) (client.Answer[client.CostCenter], error) {
	body := client.PutCostCenterRequest{Name: strings.TrimSpace(f.Get("name")), Fenced: fencedOf(f)}
	return func(ctx context.Context, change client.Change) (client.Answer[client.CostCenter], error) {
		return c.API.PutCostCenter(ctx, c.Param("code"), body, change)
	}
}

func sendCenter(c *web.Context, f *view.Form) error {
	if sees(f) {
		return showCenter(c, f)
	}
	hold(f)
	center, err := editsCenter(c, f)(c.R.Context(), c.Change(f))
	if err != nil {
		return err
	}
	said := "The cost center " + center.Body.Code + " is saved."
	if center.Body.Fenced {
		said = "The cost center " + center.Body.Code + " is saved. Its licenses are given to its own users only."
	}
	return c.Done(c.Link("billing", "cost-centers"), web.Good(said))
}

// fencedOf is whether the box of a fence is ticked.
func fencedOf(f *view.Form) *bool {
	fenced := f.Has("fenced", fencedOption.Value)
	return &fenced
}

// fencedChosen is the box of a fence as it was ticked, or as it is.
func fencedChosen(f *view.Form, is bool) []string {
	if f.Values.Has("name") {
		return f.Values["fenced"]
	}
	return fenceTicked(is)
}

// fenceTicked is the box of a fence as a form sends it.
func fenceTicked(fenced bool) []string {
	if fenced {
		return []string{fencedOption.Value}
	}
	return nil
}

// fencedSays is a fence in words.
func fencedSays(fenced bool) string {
	if fenced {
		return "fenced"
	}
	return "open"
}

// centerRows are both versions of a cost center, for who changed it while somebody else did.
func centerRows(f *view.Form, there client.CostCenter) []view.Both {
	return []view.Both{
		{Label: "Name", Yours: f.Get("name"), Theirs: there.Name, There: view.There("name", there.Name)},
		{
			Label: "Fence", Yours: fencedSays(*fencedOf(f)), Theirs: fencedSays(there.Fenced),
			There: view.There("fenced", fenceTicked(there.Fenced)...),
		},
	}
}
