package pages

import (
	"context"
	"maps"
	"slices"
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
	shown := onPage{rows: len(page.Items), next: page.NextCursor, order: "by code"}
	return pagerOf(c, c.Link("billing", "cost-centers"), c.Query(), shown, [2]string{"cost center", "cost centers"})
}

func showCenter(c *web.Context, f *view.Form) error {
	var center client.Answer[client.CostCenter]
	var e effects
	calls := []func(context.Context) error{
		client.Into(&center, func(ctx context.Context) (client.Answer[client.CostCenter], error) {
			return c.API.GetCostCenter(ctx, c.Param("code"))
		}),
	}
	var kept fenceUp
	if tells(f) {
		calls = append(calls, foretell(c, f, &e, editsCenter(c, f))...)
		calls = append(calls, kept.calls(c)...)
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	web.FromVersion(f, center.ETag)
	if err := c.Load(e.names(c)...); err != nil {
		return err
	}
	told := e.of(c, f, decision(f))
	if told.Effect != nil && *fencedOf(f) && !center.Body.Fenced {
		told.Effect.Notes = append(told.Effect.Notes, kept.says(c.Format(), center.Body.Code, e.product)...)
	}
	return c.Show("Cost center "+center.Body.Code, centerPage(c, f, center.Body, told))
}

// fenceUp is what a fence keeps: it gives and takes nothing, so no dry run tells of it.
type fenceUp struct {
	free    client.Answer[client.LicensePage]
	waiting client.Answer[client.WaitingGrantPage]
}

func (u *fenceUp) calls(c *web.Context) []func(context.Context) error {
	return []func(context.Context) error{
		client.IfAllowed(client.Into(&u.free, func(ctx context.Context) (client.Answer[client.LicensePage], error) {
			return c.API.ListLicenses(ctx, client.ListLicensesQuery{
				CostCenter: []string{c.Param("code")}, Status: []string{"available"}, Limit: mostNames,
			})
		})),
		client.IfAllowed(
			client.Into(&u.waiting, func(ctx context.Context) (client.Answer[client.WaitingGrantPage], error) {
				return c.API.ListWaiting(ctx, client.ListWaitingQuery{Limit: mostNames})
			}),
		),
	}
}

// says which free licenses of a cost center are kept, and which of the people who wait can still be given
// one of its licenses. Of who may not see licenses it says nothing.
func (u *fenceUp) says(f *view.Format, code string, product func(string) string) []string {
	var said []string
	free := map[string]int64{}
	for _, l := range u.free.Body.Items {
		free[l.ProductID]++
	}
	for _, id := range slices.Sorted(maps.Keys(free)) {
		more := ""
		if u.free.Body.NextCursor != "" {
			more = " or more"
		}
		said = append(said, f.Number(free[id])+more+" free of "+product(id)+" "+
			"are kept for the users of "+code+".")
	}
	if u.free.Status != 0 && len(free) == 0 {
		said = append(said, "No license of it is free now: who holds one keeps it, and what is given back is kept for its users.")
	}
	in, out := map[string][]string{}, map[string][]string{}
	for _, w := range u.waiting.Body.Items {
		if w.CostCenter == code {
			in[w.ProductID] = append(in[w.ProductID], w.UserName)
		} else {
			out[w.ProductID] = append(out[w.ProductID], w.UserName)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(out)) {
		people := someNamed(f, out[id])
		said = append(said, "Behind the fence no "+product(id)+" is given to "+people+", who wait for one.")
	}
	for _, id := range slices.Sorted(maps.Keys(in)) {
		said = append(said, "It is still given to "+someNamed(f, in[id])+", who wait for "+product(id)+".")
	}
	return said
}

// someNamed are some people, the first of which are named.
func someNamed(f *view.Format, names []string) string {
	if more := len(names) - mostTold; more > 0 {
		return strings.Join(names[:mostTold], ", ") + " and " + f.Count(int64(more), "more person", "more people")
	}
	return strings.Join(names, ", ")
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
