package pages

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

// givePath is the page that gives a product to several people at once.
const givePath = "give"

// mostGiven is how many people are given a product at once: as many as a list has on two pages.
const mostGiven = 100

// giveRoute is below Licenses.
var giveRoute = web.Route{
	Path: "licenses/" + givePath, Needs: managesLicenses, Show: showGive, Send: sendGive, Submit: "Assign",
	Fields: web.Fields("product", "License Type", "costCenter", "Cost Center"),
}

// giving is a product that is given to people: first both are chosen, then what that does is shown.
type giving struct {
	effects

	query   url.Values
	product string
	ids     []string
	// found are those of a search to choose from; without a status the reader may not see people.
	found   client.Answer[client.UserPage]
	chosen  []client.User
	summary client.Answer[client.ProductSummaryPage]
}

// givenTo are the people that a form or an address names, each once.
func givenTo(values url.Values) []string {
	var ids []string
	for _, typed := range values["user"] {
		for id := range strings.FieldsFuncSeq(typed, func(r rune) bool { return r == ' ' || r == ',' }) {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// givingOf reads what is asked for: of the form that was sent, or of the address.
func givingOf(c *web.Context, f *view.Form) giving {
	q := c.Query()
	if f.Values.Has("user") {
		q = f.Values
	}
	return giving{query: q, product: q.Get("product"), ids: givenTo(q)}
}

// request asks the API to give the product to each of the people.
func (g giving) request(
	c *web.Context,
) func(context.Context, client.Change) (client.Answer[client.BulkResults], error) {
	body := client.AssignProductsRequest{}
	for _, id := range g.ids {
		body.Items = append(body.Items, client.AssignmentWithExtension{ProductID: g.product, UserID: id})
	}
	if center := g.query.Get("costCenter"); center != "" {
		for i := range body.Items {
			body.Items[i].CostCenter = &center
		}
	}
	if extension := strings.TrimSpace(g.query.Get("extension")); extension != "" && len(g.ids) == 1 {
		body.Items[0].Extension = &extension
	}
	return func(ctx context.Context, change client.Change) (client.Answer[client.BulkResults], error) {
		return c.API.AssignProducts(ctx, body, change)
	}
}

// reviewed says that both product and people are chosen, and the reader wants to see what it does.
func (g giving) reviewed() bool {
	return g.query.Get("do") == "review" && g.product != "" && len(g.ids) > 0 && len(g.ids) <= mostGiven
}

// lacks is what is still to be chosen; empty for nothing.
func (g giving) lacks() string {
	switch {
	case g.query.Get("do") != "review":
	case len(g.ids) > mostGiven:
		return "Choose at most 100 people at once."
	case len(g.ids) == 0:
		return "Choose who gets it."
	case g.product == "":
		return "Choose the license type."
	}
	return ""
}

func showGive(c *web.Context, f *view.Form) error {
	g := givingOf(c, f)
	calls := []func(context.Context) error{g.products(c), summarize(c, &g.summary), g.costCenters(c)}
	if g.reviewed() {
		calls = append(foretell(c, f, &g.effects, g.request(c)), summarize(c, &g.summary))
	}
	if q := strings.TrimSpace(g.query.Get("q")); !g.reviewed() && (q != "" || len(g.ids) == 0) {
		calls = append(calls, client.IfAllowed(
			client.Into(&g.found, func(ctx context.Context) (client.Answer[client.UserPage], error) {
				return c.API.ListUsers(ctx, client.ListUsersQuery{Q: q, Limit: mostUsers})
			}),
		))
	}
	people, more := usersNamed(c, g.ids[:min(len(g.ids), mostGiven)])
	if err := c.Load(append(calls, more...)...); err != nil {
		return err
	}
	if err := c.Load(g.names(c)...); err != nil {
		return err
	}
	for _, page := range people {
		g.chosen = append(g.chosen, page.Body.Items...)
	}
	if g.reviewed() {
		return c.Show("Assign "+g.effects.product(g.product), giveReviewPage(c, f, g))
	}
	return c.Show("Assign a license", givePage(c, f, g))
}

// readable says that the reader may see people; who may not types ids.
func (g giving) readable() bool { return g.found.Status != 0 || len(g.chosen) > 0 }

// picked are the people who are chosen, as ticked choices, and others those that a search found.
func (g giving) picked() []view.Option { return userOptions(g.chosen) }

func (g giving) others() []view.Option {
	return userOptions(slices.DeleteFunc(slices.Clone(g.found.Body.Items), func(u client.User) bool {
		return slices.Contains(g.ids, u.ID)
	}))
}

// types are the products that can be given, each with how many are free.
func (g giving) types(f *view.Format) []view.Option {
	var options []view.Option
	for _, p := range g.catalog.Body.Items {
		if p.Category == "Devices" {
			continue
		}
		o := view.Option{Value: p.ID, Name: withKind(p.Name, p.Kind)}
		for _, have := range g.summary.Body.Items {
			if have.ProductID == p.ID && p.Kind != kindMetered {
				o.Note = f.Number(have.Available) + " free"
			}
		}
		options = append(options, o)
	}
	return options
}

// noneLeft is what becomes of a person for whom there is no seat.
const noneLeft = "gets none: no free one is left"

// recipients are those who are to be given the product; of one who is not known there is the id alone.
func (g giving) recipients() []client.User {
	var list []client.User
	for _, id := range g.ids {
		u := client.User{ID: id, Name: id}
		if i := slices.IndexFunc(g.chosen, func(u client.User) bool { return u.ID == id }); i >= 0 {
			u = g.chosen[i]
		}
		list = append(list, u)
	}
	return list
}

// holds says whether somebody has a license of a product.
func holds(u client.User, product string) bool {
	return slices.ContainsFunc(u.Holdings, func(l client.UserLicense) bool {
		return l.ProductID == product && l.LicenseID != ""
	})
}

// happens is what becomes of one person.
func (g giving) happens(u client.User) (kind, word string) {
	known := slices.ContainsFunc(g.chosen, func(one client.User) bool { return one.ID == u.ID })
	base := g.item(g.product).Base
	gets := slices.ContainsFunc(g.told.Effects.Users, func(p client.PersonEffect) bool {
		return p.UserID == u.ID && slices.Contains(p.Gains, g.product)
	})
	switch {
	case !g.effects.known:
		return "", "not known yet"
	case gets:
		return "good", "gets one"
	case !known:
		return "bad", "gets none: there is no such user"
	case !u.Active:
		return "bad", "gets none: they are deactivated"
	case holds(u, g.product):
		return "", "has one already"
	case base != "" && !holds(u, base):
		return "bad", "gets none: they have no " + g.effects.product(base)
	case g.left() == 0:
		return "bad", noneLeft
	case g.query.Get("costCenter") != "":
		center := g.center(g.query.Get("costCenter"))
		return "bad", "gets none: no free one of " + center + ", or its fence keeps it from them"
	}
	return "bad", "gets none: it does not go with what they have"
}

// left is how many are free when it is done.
func (g giving) left() int64 {
	for _, s := range g.told.Effects.Seats {
		if s.ProductID == g.product && len(s.Available) == 2 {
			return s.Available[1]
		}
	}
	for _, p := range g.summary.Body.Items {
		if p.ProductID == g.product {
			return p.Available
		}
	}
	return 0
}

// short is how many people get none since none is left.
func (g giving) short() int64 {
	var n int64
	for _, u := range g.recipients() {
		if _, word := g.happens(u); word == noneLeft {
			n++
		}
	}
	return n
}

// buys is what the button says that buys what is missing: for whom, where it is for one person.
func (g giving) buys(c *web.Context, n int64) string {
	if n == 1 && len(g.ids) == 1 {
		return "Buy one for " + g.recipients()[0].Name
	}
	return "Buy " + c.Format().Number(n) + " and come back"
}

// gets is how many people get one.
func (g giving) gets() int64 {
	var n int64
	for _, u := range g.recipients() {
		if kind, _ := g.happens(u); kind == "good" || !g.effects.known {
			n++
		}
	}
	return n
}

// address is the page with what is chosen; review asks for what it does.
func (g giving) address(c *web.Context, do string) string {
	q := url.Values{"user": g.ids, "product": {g.product}, "do": {do}}
	for _, name := range []string{"extension", "costCenter", "back"} {
		if typed := g.query.Get(name); typed != "" {
			q.Set(name, typed)
		}
	}
	if back := g.query.Get("_back"); back != "" {
		q.Set("back", back)
	}
	return c.Link("licenses", givePath) + "?" + q.Encode()
}

func sendGive(c *web.Context, f *view.Form) error {
	g := givingOf(c, f)
	if lack := g.lacks(); lack != "" || !g.reviewed() {
		return web.Wrong("user", cmp.Or(lack, "must be chosen"))
	}
	out, err := g.request(c)(c.R.Context(), c.Change(f))
	if err != nil {
		return err
	}
	failed, err := failures(c, out.Body.Results, func(i int64) chosen {
		return chosen{ProductID: g.product, UserID: g.ids[i]}
	})
	if err != nil {
		return err
	}
	if g.catalog.Status == 0 {
		if err := c.Load(g.products(c)); err != nil {
			return err
		}
	}
	said := given(c.Format(), out.Body, g.effects.product(g.product))
	said.More = failed
	return c.Done(c.Back(f, c.Link("directory")), said)
}

// given says how many people got a product, had it, or could not get it.
func given(n *view.Format, out client.BulkResults, product string) view.Flash {
	var had int64
	for _, r := range out.Results {
		if r.Unchanged {
			had++
		}
	}
	said := product + " is assigned to " + n.Count(out.Succeeded-had, "person", "people")
	if had > 0 {
		said += "; " + n.Number(had) + " had it already"
	}
	if out.Failed == 0 {
		return web.Good(said + ".")
	}
	return web.Warn(said + "; " + n.Number(out.Failed) + " not.")
}
