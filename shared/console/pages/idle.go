package pages

import (
	"context"
	"slices"
	"strconv"
	"strings"
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
	pageOfIdle     = 50
	latestReclaims = 10
	idleDays       = 30
)

// idleView is what the page of idle seats shows.
type idleView struct {
	effects

	seats client.IdleSeatPage
	// past are the latest reclaims.
	past client.Answer[client.ReclaimPage]
	// known is the total of the products of which a program tells who uses them, where others are among them.
	known *client.IdleTotal
	// users are those whose seats are taken, and all says that it is everybody's instead.
	users   []string
	all     bool
	product string
	days    int64
	cursor  string
	// unheard are the products of which nobody tells who uses them, on a page of which the API says none.
	unheard client.Answer[client.IdleSeatPage]
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
	if err := c.Load(append(v.list(c), client.Into(&v.past,
		func(ctx context.Context) (client.Answer[client.ReclaimPage], error) {
			return c.API.ListReclaims(ctx, client.ListReclaimsQuery{Limit: latestReclaims})
		}))...); err != nil {
		return err
	}
	if err := c.Load(v.toldOnly(c)...); err != nil {
		return err
	}
	v.certainFirst()
	return c.Show("Idle seats", idlePage(c, v))
}

// toldOnly asks for the total of the products of which somebody tells who uses them, where the list has
// seats of others too: what is unused and what nobody knows of are two sums.
func (v *idleView) toldOnly(c *web.Context) []func(context.Context) error {
	if v.seats.Total == nil {
		return nil
	}
	v.known = v.seats.Total
	if len(v.seats.Untold) == 0 {
		return nil
	}
	v.known = &client.IdleTotal{PerMonth: client.Money{Currency: v.seats.Total.PerMonth.Currency}}
	query := client.ListIdleSeatsQuery{Limit: 1, Days: v.days}
	for _, p := range v.catalog.Body.Items {
		if !slices.Contains(v.seats.Untold, p.ID) && (v.product == "" || p.ID == v.product) {
			query.Product = append(query.Product, p.ID)
		}
	}
	if len(query.Product) == 0 {
		return nil
	}
	return []func(context.Context) error{func(ctx context.Context) error {
		told, err := c.API.ListIdleSeats(ctx, query)
		if told.Body.Total != nil {
			v.known = told.Body.Total
		}
		return err
	}}
}

// unknown are the seats of which nobody knows whether they are used, and what they cost a month.
func (v idleView) unknown() (seats int64, month client.Money) {
	if v.known == nil {
		return 0, month
	}
	month.Currency = v.seats.Total.PerMonth.Currency
	month.Amount = v.seats.Total.PerMonth.Amount - v.known.PerMonth.Amount
	return v.seats.Total.Seats - v.known.Seats, month
}

// idleSays is what the first tile counts: the seats of the list of which it is certain that nobody used them
// since the threshold.
func (v idleView) idleSays(f *view.Format) string {
	return noun(v.known.Seats, "idle seat", "idle seats") + " for certain, listed below: without use for " +
		f.Count(v.days, "day", "days") + " or longer"
}

// allSays is the link that takes the seats of the whole list, which is of one product: it is known of all of
// them that nobody used them, or of none.
func (v idleView) allSays(f *view.Format) string {
	all := "or all " + f.Number(v.seats.Total.Seats)
	if v.isUntold(v.product) {
		return all + ", though nobody knows whether they are used"
	}
	return all
}

// certainFirst puts the seats of which it is known that nobody used them before all others, where the list is
// whole on this page; each part stays in its order.
func (v *idleView) certainFirst() {
	if v.cursor != "" || v.seats.NextCursor != "" {
		return
	}
	slices.SortStableFunc(v.seats.Items, func(a, b client.IdleSeat) int {
		return sign(v.isUntold(a.License.ProductID)) - sign(v.isUntold(b.License.ProductID))
	})
}

// sign is 1 for what is so.
func sign(is bool) int {
	if is {
		return 1
	}
	return 0
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

// list are the calls that ask for the idle seats.
func (v *idleView) list(c *web.Context) []func(context.Context) error {
	query := client.ListIdleSeatsQuery{Limit: pageOfIdle, Cursor: v.cursor, Days: v.days}
	if v.product != "" {
		query.Product = []string{v.product}
	}
	calls := []func(context.Context) error{func(ctx context.Context) error {
		seats, err := c.API.ListIdleSeats(ctx, query)
		v.seats = seats.Body
		return err
	}}
	if v.cursor == "" {
		return calls
	}
	// The API says on the first page alone of which products nobody tells who uses them.
	return append(calls, client.Into(&v.unheard,
		func(ctx context.Context) (client.Answer[client.IdleSeatPage], error) {
			first := query
			first.Cursor, first.Limit = "", 1
			return c.API.ListIdleSeats(ctx, first)
		}))
}

// isUntold says that nobody tells who uses a product, so that no seat of it is known to be unused.
func (v idleView) isUntold(product string) bool {
	return slices.Contains(v.seats.Untold, product) || slices.Contains(v.unheard.Body.Untold, product)
}

// lastUse is what is said of a seat of which no use is known.
func (v idleView) lastUse(s client.IdleSeat) string {
	if v.isUntold(s.License.ProductID) {
		return "not known"
	}
	return "never"
}

// takenSays is what a reclaim takes and from whom, before what it costs.
func (v idleView) takenSays(c *web.Context, seats int64) string {
	said := c.Format().Count(seats, "seat is", "seats are") + " taken from who has them"
	if v.isUntold(v.product) {
		return said + ", with their add-ons. Whether anybody used them is not known, since no program tells: " +
			"they count as unused since they were assigned. They cost "
	}
	return said + " and has not used them for " + c.Format().Count(v.days, "day", "days") +
		", with their add-ons. They cost "
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
	page := onPage{rows: len(v.seats.Items), next: v.seats.NextCursor, order: "unused the longest first"}
	return pagerOf(c, c.Link("billing", "idle"), c.Query(), page, [2]string{"seat", "seats"})
}

// untold are the names of products of which nobody tells who uses them.
func (v idleView) untold() []string {
	var all []string
	for _, id := range v.seats.Untold {
		all = append(all, v.effects.product(id))
	}
	return all
}

// reclaimLink leads to the confirmation of a reclaim of every seat of the list.
func (v idleView) reclaimLink(c *web.Context) string {
	return c.Link("billing", "idle", "reclaim") + "?product=" + queryEscape(v.product) +
		"&days=" + strconv.FormatInt(v.days, 10) + "&all=yes"
}

// here is the list of idle seats of the product that the reader looks at.
func (v idleView) here(c *web.Context) string {
	return c.Link("billing", "idle") + "?product=" + queryEscape(v.product) + "&days=" + strconv.FormatInt(v.days, 10)
}

// chooses says whether the reader may tick whose seats are taken.
func (v idleView) chooses(c *web.Context) bool {
	return v.product != "" && len(v.seats.Items) > 0 && c.May(auth.LicensesManage)
}

// columns are those of the list, with boxes where seats of one product can be taken back.
func (v idleView) columns(c *web.Context) []view.Column {
	columns := []view.Column{
		{Name: "Assigned To"},
		{Name: "License Type"},
		{Name: "Last used"},
		{Name: "Assigned"},
		{Name: "A month", Number: true},
	}
	if v.chooses(c) {
		columns = append([]view.Column{{Name: "Select", All: "selected"}}, columns...)
	}
	return columns
}

// taken are the seats of the list that are taken: all, or those of who was ticked.
func (v idleView) taken() []client.IdleSeat {
	if v.all {
		return v.seats.Items
	}
	return slices.DeleteFunc(slices.Clone(v.seats.Items), func(s client.IdleSeat) bool {
		return !slices.Contains(v.users, s.License.UserID)
	})
}

// sum is how many seats are taken, and what they cost a month.
func (v idleView) sum() (seats int64, month client.Money) {
	if v.all && v.seats.Total != nil {
		return v.seats.Total.Seats, v.seats.Total.PerMonth
	}
	if len(v.seats.Items) > 0 {
		month.Currency = v.seats.Items[0].PerMonth.Currency
	}
	for _, s := range v.taken() {
		month.Amount += s.PerMonth.Amount
	}
	return int64(len(v.taken())), month
}

// showReclaim says what reclaiming would take, before it does.
func showReclaim(c *web.Context, f *view.Form) error {
	v := idleView{
		product: f.Default("productId", c.Query().Get("product")),
		days:    typedDays(f.Default("days", c.Query().Get("days")), idleDays),
		users:   nonEmpty(c.Query()["user"]),
	}
	// Who was ticked is on the page of the list that they were ticked on.
	v.cursor = f.Default(view.Cursor, c.Query().Get(view.Cursor))
	if f.Values.Has("productId") {
		v.users = f.Values["user"]
	}
	v.all = len(v.users) == 0 && f.Default("all", c.Query().Get("all")) == "yes"
	var foretold []func(context.Context) error
	if v.all || len(v.users) > 0 {
		foretold = foretell(c, f, &v.effects, reclaims(c, v.product, v.days, v.users))
	} else {
		foretold = append(foretold, v.products(c))
	}
	if err := c.Load(append(foretold, v.list(c)...)...); err != nil {
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
	c *web.Context, product string, days int64, users []string,
) func(context.Context, client.Change) (client.Answer[client.Reclaim], error) {
	return func(ctx context.Context, change client.Change) (client.Answer[client.Reclaim], error) {
		body := client.CreateReclaimRequest{ProductID: product, Days: days}
		if len(users) > 0 {
			body.UserIDs = &users
		}
		return c.API.CreateReclaim(ctx, body, change)
	}
}

func sendReclaim(c *web.Context, f *view.Form) error {
	days, err := wholeNumber(f.Get("days"))
	if err != nil {
		return web.Wrong("days", "must be a whole number")
	}
	// The API takes everybody's where nobody is named, so that must have been said.
	if len(f.Values["user"]) == 0 && (f.Get("all") != "yes" || f.Get("everybody") != "yes") {
		return web.Wrong("everybody", "tick the box to say so, then press Reclaim")
	}
	begun, err := reclaims(c, f.Get("productId"), days, f.Values["user"])(c.R.Context(), c.Change(f))
	if err != nil {
		return err
	}
	return c.Done(c.Link("billing", "reclaims", begun.Body.ID), web.Good("The reclaim is accepted. This page shows what becomes of each seat."))
}

// reclaimOf reads the reclaim that a page is about.
func reclaimOf(c *web.Context, into *client.Answer[client.Reclaim]) func(context.Context) error {
	return client.Into(into, func(ctx context.Context) (client.Answer[client.Reclaim], error) {
		return c.API.GetReclaim(ctx, c.Param("id"))
	})
}

func showReclaimed(c *web.Context, _ *view.Form) error {
	var r client.Answer[client.Reclaim]
	var n nameCalls
	if err := c.Load(reclaimOf(c, &r), n.products(c)); err != nil {
		return err
	}
	if isWorking(r.Body) {
		c.Refresh(2)
	}
	return c.Show("Reclaimed seats", reclaimedPage(c, r.Body, n))
}

// isWorking says whether a reclaim is under way.
func isWorking(r client.Reclaim) bool { return r.State == "running" || r.State == "undoing" }

// mayUndo says whether the reader may have a reclaim undone now.
func mayUndo(c *web.Context, r client.Reclaim) bool {
	return c.May(auth.LicensesManage) && r.State == "completed" && stillTaken(r) > 0 && !r.UndoUntil.IsZero()
}

// stillTaken is how many seats were taken that nobody has tried to restore yet.
func stillTaken(r client.Reclaim) int64 {
	return r.Counts.Reclaimed - r.Counts.Returned - r.Counts.NotReturned
}

// reclaimColumns are those of the seats of a reclaim, with boxes where they can be restored.
func reclaimColumns(c *web.Context, r client.Reclaim) []view.Column {
	columns := []view.Column{{Name: "Of"}, {Name: "Outcome"}, {Name: "Why"}}
	if mayUndo(c, r) {
		columns = append([]view.Column{{Name: "Select", All: "selected"}}, columns...)
	}
	return columns
}

// undoAsked are the users whose seats are restored, of a form or an address; none are all.
func undoAsked(c *web.Context, f *view.Form) []string {
	if f.Values.Has("_key") {
		return f.Values["user"]
	}
	return nonEmpty(c.Query()["user"])
}

// undoTells is how many seats are restored, and to whom.
func undoTells(c *web.Context, r client.Reclaim, users []string) string {
	n := int64(len(users))
	if n == 0 {
		n = stillTaken(r)
	}
	return c.Format().Count(n, "seat is restored", "seats are restored") + " to who had them, with the reasons for " +
		"which they had them, seat by seat as long as there is a free one. Whose cannot be restored is told."
}

func showUndoReclaim(c *web.Context, f *view.Form) error {
	var r client.Answer[client.Reclaim]
	var e effects
	users := undoAsked(c, f)
	if err := c.Load(append(foretell(c, f, &e, undoes(c, users)), reclaimOf(c, &r))...); err != nil {
		return err
	}
	for _, s := range r.Body.Results {
		e.knows(s.UserID, s.UserName)
	}
	if err := c.Load(e.names(c)...); err != nil {
		return err
	}
	return c.Show("Restore the seats", undoReclaimPage(c, f, undoneView{e, r.Body, users}))
}

// undoneView is what the page shows that restores seats.
type undoneView struct {
	effects
	client.Reclaim
	users []string
}

// undoes is the request that restores the seats of a reclaim: those of some users, or all.
func undoes(
	c *web.Context, users []string,
) func(context.Context, client.Change) (client.Answer[client.Reclaim], error) {
	var body client.UndoReclaimRequest
	if len(users) > 0 {
		body.UserIDs = &users
	}
	return func(ctx context.Context, change client.Change) (client.Answer[client.Reclaim], error) {
		return c.API.UndoReclaim(ctx, c.Param("id"), body, change)
	}
}

func sendUndoReclaim(c *web.Context, f *view.Form) error {
	begun, err := undoes(c, f.Values["user"])(c.R.Context(), c.Change(f))
	if err != nil {
		return err
	}
	return c.Done(c.Link("billing", "reclaims", begun.Body.ID), web.Good("Restoring is accepted. This page shows what becomes of each seat."))
}

// reclaimSays is how far a reclaim is.
func reclaimSays(c *web.Context, r client.Reclaim) (kind, word string) {
	switch {
	case isWorking(r):
		return "warn", "under way"
	case r.State == "undone":
		return "", "restored"
	case mayUndo(c, r):
		return "good", "can be undone until " + c.Format().Date(r.UndoUntil)
	}
	return "", "done"
}

// outcomeSays is what became of a seat, in words.
func outcomeSays(r client.ReclaimSeat) (kind, word string) {
	switch r.Outcome {
	case "reclaimed":
		return "good", "reclaimed"
	case "returned":
		return "good", "restored"
	case "notReturned":
		return "bad", "not restored"
	case "kept":
		return "", "kept"
	}
	return "", "waits for its turn"
}

// detailOf is why, and what went along.
func detailOf(r client.ReclaimSeat, n nameCalls) string {
	said := r.Message
	if r.Excluded && r.Outcome == "reclaimed" {
		said = "They are not given one automatically until somebody assigns it, or lifts the exclusion."
	}
	if len(r.WentAlong) > 0 && r.Outcome == "reclaimed" {
		said += " Went back with it: " + namesIn(r.WentAlong, n) + "."
	}
	if len(r.Lacks) > 0 {
		said += " There was no free seat of " + namesIn(r.Lacks, n) + "."
	}
	return strings.TrimSpace(said)
}

// namesIn are products by their names.
func namesIn(products []string, n nameCalls) string {
	var names []string
	for _, id := range products {
		names = append(names, n.product(id))
	}
	return strings.Join(names, ", ")
}

// noun is what there is a number of, for a number that stands apart from it.
func noun(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
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
func reclaimFacts(c *web.Context, r client.Reclaim, n nameCalls) []view.Both {
	f := c.Format()
	facts := []view.Both{
		{Label: "License Type", Yours: n.product(r.ProductID)},
		{Label: "Unused for", Yours: f.Count(r.Days, "day", "days")},
		{Label: "Reclaimed", Yours: f.Number(r.Counts.Reclaimed)},
		{Label: "Kept", Yours: f.Number(r.Counts.Kept)},
	}
	if r.State == "undoing" || !r.UndoneAt.IsZero() {
		facts = append(facts,
			view.Both{Label: "Restored", Yours: f.Number(r.Counts.Returned)},
			view.Both{Label: "Not restored", Yours: f.Number(r.Counts.NotReturned)},
		)
	}
	if mayUndo(c, r) {
		facts = append(facts, view.Both{Label: "Can be undone until", Yours: f.Date(r.UndoUntil)})
	}
	return facts
}
