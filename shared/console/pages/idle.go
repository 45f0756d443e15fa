package pages

import (
	"context"
	"strconv"
	"time"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

// idleRoutes are the pages below Billing of seats that nobody uses.
var idleRoutes = []web.Route{
	{Path: "billing/idle", Show: showIdle},
	{
		Path: "billing/idle/reclaim", Needs: managesLicenses, Show: showReclaim, Send: sendReclaim, Submit: "Reclaim",
		Fields: web.Fields("days", "Days without use", "productId", "License Type"),
	},
	{Path: "billing/reclaims/{id}", Show: showReclaimed},
	{
		Path: "billing/reclaims/{id}/undo", Needs: managesLicenses, Show: showUndoReclaim, Send: sendUndoReclaim, Submit: "Give back",
	},
}

const (
	pageOfIdle = 50
	idleDays   = 30
)

// idleView is what the page of idle seats shows.
type idleView struct {
	effects

	seats   client.IdleSeatPage
	product string
	days    int64
	cursor  string
}

// showIdle lists idle seats, of a product for as many days as its policy says where nobody chose.
func showIdle(c *web.Context, _ *view.Form) error {
	v := idleView{product: c.Query().Get("product"), days: idleDays, cursor: c.Query().Get("cursor")}
	var policies client.Answer[client.PolicyPage]
	err := c.Load(
		client.IfAllowed(
			client.Into(&policies, func(ctx context.Context) (client.Answer[client.PolicyPage], error) {
				return c.API.ListPolicies(ctx, client.ListPoliciesQuery{Limit: mostNames})
			}),
		),
		v.products(c),
	)
	if err != nil {
		return err
	}
	for _, p := range policies.Body.Items {
		if p.ProductID == v.product && p.IdleDays > 0 {
			v.days = p.IdleDays
		}
	}
	v.days = typedDays(c.Query().Get("days"), v.days)
	if err := c.Load(v.list(c)); err != nil {
		return err
	}
	return c.Show("Idle seats", idlePage(c, v))
}

// mostIdleDays is how far back the API looks.
const mostIdleDays = 366

// typedDays is for how many days a seat is unused, where somebody chose that.
func typedDays(typed string, otherwise int64) int64 {
	if days, err := wholeNumber(typed); err == nil && days > 0 {
		return min(days, mostIdleDays)
	}
	return otherwise
}

// list is the call that asks for the idle seats.
func (v *idleView) list(c *web.Context) func(context.Context) error {
	query := client.ListIdleSeatsQuery{Limit: pageOfIdle, Cursor: v.cursor, Days: v.days}
	if v.product != "" {
		query.Product = []string{v.product}
	}
	return func(ctx context.Context) error {
		seats, err := c.API.ListIdleSeats(ctx, query)
		v.seats = seats.Body
		return err
	}
}

// options are the products to choose from.
func (v idleView) options() []view.Option {
	var options []view.Option
	for _, p := range v.catalog.Body.Items {
		options = append(options, view.Option{Value: p.ID, Name: p.Name})
	}
	return options
}

func (v idleView) pager(c *web.Context) view.Pager {
	return pagerOf(c, c.Link("billing", "idle"), c.Query(),
		onPage{rows: len(v.seats.Items), next: v.seats.NextCursor}, [2]string{"seat", "seats"})
}

// untold are the names of products of which nobody tells who uses them.
func (v idleView) untold() []string {
	var all []string
	for _, id := range v.seats.Untold {
		all = append(all, v.effects.product(id))
	}
	return all
}

// reclaimLink leads to the confirmation of a reclaim.
func (v idleView) reclaimLink(c *web.Context) string {
	return c.Link("billing", "idle", "reclaim") + "?product=" + queryEscape(v.product) +
		"&days=" + strconv.FormatInt(v.days, 10)
}

// showReclaim says what reclaiming would take, before it does.
func showReclaim(c *web.Context, f *view.Form) error {
	v := idleView{
		product: f.Default("productId", c.Query().Get("product")),
		days:    typedDays(f.Default("days", c.Query().Get("days")), idleDays),
	}
	if err := c.Load(append(foretell(c, f, &v.effects, reclaims(c, v.product, v.days)), v.list(c))...); err != nil {
		return err
	}
	for _, s := range v.seats.Items {
		v.knows(s.License.UserID, s.User.Name)
	}
	if err := c.Load(v.names(c)...); err != nil {
		return err
	}
	return c.Show("Reclaim idle seats", reclaimPage(c, f, v))
}

// reclaims is the request that takes the idle seats of a product back.
func reclaims(
	c *web.Context, product string, days int64,
) func(context.Context, client.Change) (client.Answer[client.Reclaim], error) {
	return func(ctx context.Context, change client.Change) (client.Answer[client.Reclaim], error) {
		return c.API.CreateReclaim(ctx, client.CreateReclaimRequest{ProductID: product, Days: days}, change)
	}
}

func sendReclaim(c *web.Context, f *view.Form) error {
	days, err := wholeNumber(f.Get("days"))
	if err != nil {
		return web.Wrong("days", "must be a whole number")
	}
	begun, err := reclaims(c, f.Get("productId"), days)(c.R.Context(), c.Change(f))
	if err != nil {
		return err
	}
	return c.Done(c.Link("billing", "reclaims", begun.Body.ID), web.Good("The seats are being reclaimed."))
}

// reclaimOf reads the reclaim that a page is about.
func reclaimOf(c *web.Context, into *client.Answer[client.Reclaim]) func(context.Context) error {
	return client.Into(into, func(ctx context.Context) (client.Answer[client.Reclaim], error) {
		return c.API.GetReclaim(ctx, c.Param("id"))
	})
}

func showReclaimed(c *web.Context, _ *view.Form) error {
	var r client.Answer[client.Reclaim]
	if err := c.Load(reclaimOf(c, &r)); err != nil {
		return err
	}
	if isWorking(r.Body) {
		c.Refresh(2)
	}
	return c.Show("Reclaimed seats", reclaimedPage(c, r.Body))
}

// isWorking says whether a reclaim is under way.
func isWorking(r client.Reclaim) bool { return r.State == "running" || r.State == "undoing" }

// mayUndo says whether the reader may have a reclaim undone now.
func mayUndo(c *web.Context, r client.Reclaim) bool {
	return c.May(auth.LicensesManage) && r.State == "completed" && r.Counts.Reclaimed > 0 && !r.UndoUntil.IsZero()
}

func showUndoReclaim(c *web.Context, f *view.Form) error {
	var r client.Answer[client.Reclaim]
	var e effects
	if err := c.Load(append(foretell(c, f, &e, undoes(c)), reclaimOf(c, &r))...); err != nil {
		return err
	}
	for _, s := range r.Body.Results {
		e.knows(s.UserID, s.UserName)
	}
	if err := c.Load(e.names(c)...); err != nil {
		return err
	}
	return c.Show("Give the seats back", undoReclaimPage(c, f, r.Body, e))
}

// undoes is the request that gives the seats of a reclaim back.
func undoes(c *web.Context) func(context.Context, client.Change) (client.Answer[client.Reclaim], error) {
	return func(ctx context.Context, change client.Change) (client.Answer[client.Reclaim], error) {
		return c.API.UndoReclaim(ctx, c.Param("id"), change)
	}
}

func sendUndoReclaim(c *web.Context, f *view.Form) error {
	begun, err := undoes(c)(c.R.Context(), c.Change(f))
	if err != nil {
		return err
	}
	return c.Done(c.Link("billing", "reclaims", begun.Body.ID), web.Good("The seats are being given back."))
}

// outcomeSays is what became of a seat, in words.
func outcomeSays(r client.ReclaimSeat) (kind, word string) {
	switch r.Outcome {
	case "reclaimed":
		return "good", "reclaimed"
	case "returned":
		return "good", "given back"
	case "notReturned":
		return "bad", "not given back"
	case "kept":
		return "", "kept"
	}
	return "", "waits for its turn"
}

// detailOf is why, and what went along.
func detailOf(r client.ReclaimSeat) string {
	said := r.Message
	if r.Excluded && r.Outcome == "reclaimed" {
		said = "They are not given one automatically until somebody assigns it, or lifts the exclusion."
	}
	if n := len(r.WentAlong); n > 0 && r.Outcome == "reclaimed" {
		said += " Add-ons went back with it: " + strconv.Itoa(n) + "."
	}
	if n := len(r.Lacks); n > 0 {
		said += " No free seat for add-ons: " + strconv.Itoa(n) + "."
	}
	return said
}

// neverUsed says that no use of a seat is known.
func neverUsed(s client.IdleSeat) bool { return s.LastUsed.Equal(time.Time{}) }

// personOf is who a seat is of.
func personOf(s client.ReclaimSeat) string {
	if s.UserName == "" {
		return s.UserID
	}
	return s.UserName
}

// reclaimFacts are what a reclaim was asked for, and what came of it.
func reclaimFacts(c *web.Context, r client.Reclaim) []view.Both {
	f := c.Format()
	facts := []view.Both{
		{Label: "Product", Yours: r.ProductID},
		{Label: "Unused for", Yours: f.Count(r.Days, "day", "days")},
		{Label: "Reclaimed", Yours: f.Number(r.Counts.Reclaimed)},
		{Label: "Kept", Yours: f.Number(r.Counts.Kept)},
	}
	if r.State == "undoing" || r.State == "undone" {
		facts = append(facts,
			view.Both{Label: "Given back", Yours: f.Number(r.Counts.Returned)},
			view.Both{Label: "Not given back", Yours: f.Number(r.Counts.NotReturned)},
		)
	}
	if mayUndo(c, r) {
		facts = append(facts, view.Both{Label: "Can be undone until", Yours: f.Date(r.UndoUntil)})
	}
	return facts
}
