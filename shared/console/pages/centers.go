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
		Path: "billing/cost-centers/{code}", Changes: "costCenter:{code}", Whole: true,
		Needs: []auth.Permission{auth.BillingPurchase},
		Show:  showCenter, Send: sendCenter, Submit: "Save", Fields: web.Fields("name", "Name", "fenced", "Fenced"),
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
	s := sortingOf(c, c.Link("billing", "cost-centers"), page.Body.NextCursor)
	inOrder(s, page.Body.Items, func(one client.CostCenter, column string) string {
		if column == "Name" {
			return one.Name
		}
		return one.Code
	})
	return c.Show("Cost centers", centersPage(c, page.Body, s))
}

func centersPager(c *web.Context, page client.CostCenterPage, s sorting) view.Pager {
	shown := onPage{rows: len(page.Items), next: page.NextCursor, order: s.order("by code")}
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
	f.Shows(centerRows(f, center.Body))
	if err := c.Load(e.names(c)...); err != nil {
		return err
	}
	told := e.of(c, f, decision(f))
	var seats []view.Both
	if to := *fencedOf(f); told.Effect != nil && to != center.Body.Fenced {
		seats = kept.seats(c.Format(), e.product)
		say := kept.fallen(c.Format(), center.Body.Code)
		if to {
			say = kept.says(c.Format(), center.Body.Code, e.product)
		}
		told.Effect.Notes = append(told.Effect.Notes, say...)
	}
	return c.Show("Cost center "+center.Body.Code, centerPage(c, f, center.Body, told, seats))
}

// fenceUp is what a fence keeps: it gives and takes nothing, so no dry run tells of it.
type fenceUp struct {
	free    client.Answer[client.LicensePage]
	held    client.Answer[client.LicensePage]
	users   client.Answer[client.UserPage]
	waiting client.Answer[client.WaitingGrantPage]
}

func (u *fenceUp) calls(c *web.Context) []func(context.Context) error {
	return []func(context.Context) error{
		licensesOfCenter(c, "available", &u.free), licensesOfCenter(c, "assigned", &u.held),
		client.IfAllowed(client.Into(&u.users, func(ctx context.Context) (client.Answer[client.UserPage], error) {
			return c.API.ListUsers(ctx, client.ListUsersQuery{Limit: mostNames})
		})),
		client.IfAllowed(
			client.Into(&u.waiting, func(ctx context.Context) (client.Answer[client.WaitingGrantPage], error) {
				return c.API.ListWaiting(ctx, client.ListWaitingQuery{Limit: mostNames})
			}),
		),
	}
}

func licensesOfCenter(
	c *web.Context, status string, into *client.Answer[client.LicensePage],
) func(context.Context) error {
	return client.IfAllowed(client.Into(into, func(ctx context.Context) (client.Answer[client.LicensePage], error) {
		return c.API.ListLicenses(ctx, client.ListLicensesQuery{
			CostCenter: []string{c.Param("code")}, Status: []string{status}, Limit: mostNames,
		})
	}))
}

// seats are the licenses of the cost center, by product: how many are free and how many are held.
func (u *fenceUp) seats(n *view.Format, product func(string) string) []view.Both {
	free, held := countOf(u.free.Body), countOf(u.held.Body)
	var rows []view.Both
	var seen []string
	for _, l := range append(u.free.Body.Items, u.held.Body.Items...) {
		if slices.Contains(seen, l.ProductID) {
			continue
		}
		seen = append(seen, l.ProductID)
		rows = append(rows, view.Both{
			Label: product(l.ProductID), Yours: countOrMore(n, free[l.ProductID], u.free.Body),
			Theirs: countOrMore(n, held[l.ProductID], u.held.Body),
		})
	}
	return rows
}

// countOf counts licenses by product.
func countOf(page client.LicensePage) map[string]int64 {
	counts := map[string]int64{}
	for _, l := range page.Items {
		counts[l.ProductID]++
	}
	return counts
}

// countOrMore is a count of what a page has, and that there are more pages.
func countOrMore(n *view.Format, count int64, page client.LicensePage) string {
	if page.NextCursor != "" {
		return n.Number(count) + " or more"
	}
	return n.Number(count)
}

// own says who the users of the cost center are: the only ones that a fence lets its licenses go to. Of who may
// not see people it says nothing.
func (u *fenceUp) own(f *view.Format, code string) []string {
	if u.users.Status == 0 {
		return nil
	}
	var names []string
	for _, one := range u.users.Body.Items {
		if one.CostCenter == code {
			names = append(names, one.Name)
		}
	}
	switch {
	case len(names) == 0 && u.users.Body.NextCursor == "":
		return []string{"Nobody is a user of " + code + " now: make it somebody's cost center in Directory."}
	case len(names) == 0:
		return nil
	case u.users.Body.NextCursor != "":
		return []string{"Users of " + code + " are " + someNamed(f, names) + ", and maybe others: not all people of the account were looked at."}
	}
	return []string{"The users of " + code + " are " + someNamed(f, names) + "."}
}

// fallen says who may get what a fence has kept, once it is taken down.
func (u *fenceUp) fallen(f *view.Format, code string) []string {
	said := []string{
		"Its free licenses may then be given to anybody of the account, first to who waits for one, the longest first; " +
			"a user of " + code + " is still given one of these before others are looked at. Who holds one keeps it.",
	}
	return append(said, u.own(f, code)...)
}

// says which free licenses of a cost center are kept, and which of the people who wait can still be given
// one of its licenses. Of who may not see licenses it says nothing.
func (u *fenceUp) says(f *view.Format, code string, product func(string) string) []string {
	said := u.own(f, code)
	free := countOf(u.free.Body)
	for _, id := range slices.Sorted(maps.Keys(free)) {
		said = append(said, countOrMore(f, free[id], u.free.Body)+" free of "+product(id)+" "+
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
