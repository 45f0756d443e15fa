package pages

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

// requestsPath is the page on which everybody asks for a product, and approvers decide.
const requestsPath, requestsName = "requests", "Requests"

var _ = add(web.Page{
	Name: requestsName, Path: requestsPath, Order: 45,
	Routes: []web.Route{
		{Path: requestsPath, Show: showRequests},
		{
			Path: "requests/new", Show: showAsk, Send: sendAsk, Submit: "Send the request",
			Fields: web.Fields("productId", "License Type", "reason", "Reason", "userId", "For"),
		},
		{Path: "requests/{id}", Show: showRequest},
		{
			Path: "requests/{id}/approve", Changes: "request:{id}", Needs: managesLicenses,
			Show: showApprove, Send: sendApprove, Submit: "Approve",
		},
		{
			Path: "requests/{id}/deny", Changes: "request:{id}", Needs: managesLicenses,
			Show: showDeny, Send: sendDeny, Submit: "Deny", Fields: web.Fields("note", "Why not"),
		},
		{
			Path: "requests/{id}/withdraw", Changes: "request:{id}",
			Show: showWithdraw, Send: sendWithdraw, Submit: "Withdraw",
		},
	},
})

const (
	pageOfRequests = 50
	latestRequests = 20
	stateOpen      = "open"
	stateApproved  = "approved"
)

// decidedStates are those of requests on which somebody has decided.
var decidedStates = []string{stateApproved, "fulfilled", "denied", "withdrawn"}

// allDecided is the filter of all states but open.
const allDecided = "decided"

// requestStates are the states to filter by, in the order in which a request goes through them.
var requestStates = []view.Option{
	{Value: stateOpen, Name: "Open"},
	{Value: allDecided, Name: "Decided"},
	{Value: stateApproved, Name: "Approved, waits for a seat"},
	{Value: "fulfilled", Name: "Fulfilled"},
	{Value: "denied", Name: "Denied"},
	{Value: "withdrawn", Name: "Withdrawn"},
}

// requestStateSays is how far a request is, in a word.
func requestStateSays(state string) (kind, word string) {
	switch state {
	case stateOpen:
		return "warn", "open"
	case stateApproved:
		return "warn", "approved, waits for a seat"
	case "fulfilled":
		return "good", "fulfilled"
	case "denied":
		return "bad", "denied"
	}
	return "", state
}

// requestList is what the page of requests shows: without a filter those that are open, and below
// them the latest of the others; with one, those that it takes.
type requestList struct {
	query         url.Values
	open, decided client.Answer[client.RequestPage]
	found         client.Answer[client.RequestPage]
	called        people
}

// people are the names of users, by id.
type people map[string]string

func (p people) name(id string) string {
	if name := p[id]; name != "" {
		return name
	}
	return id
}

// filtered says that only some requests are asked for.
func (l requestList) filtered() bool { return l.query.Get("state") != "" || l.query.Get("user") != "" }

func (l requestList) pager(c *web.Context) view.Pager {
	page := onPage{rows: len(l.found.Body.Items), next: l.found.Body.NextCursor, order: newestFirst}
	return pagerOf(c, c.Link(requestsPath), l.query, page, [2]string{"request", "requests"})
}

// states are those that are asked for.
func (l requestList) states() []string {
	if l.query.Get("state") == allDecided {
		return decidedStates
	}
	return nonEmpty(l.query["state"])
}

// more leads to all requests of a state, where there are more than are shown.
func (l requestList) more(c *web.Context, page client.RequestPage, state string) string {
	if page.NextCursor == "" {
		return ""
	}
	return c.Link(requestsPath) + "?state=" + state
}

func listRequests(
	c *web.Context, into *client.Answer[client.RequestPage], q client.ListRequestsQuery,
) func(context.Context) error {
	return client.Into(into, func(ctx context.Context) (client.Answer[client.RequestPage], error) {
		return c.API.ListRequests(ctx, q)
	})
}

func showRequests(c *web.Context, _ *view.Form) error {
	l := requestList{query: c.Query()}
	calls := []func(context.Context) error{
		listRequests(c, &l.open, client.ListRequestsQuery{State: []string{stateOpen}, Limit: pageOfRequests}),
		listRequests(c, &l.decided, client.ListRequestsQuery{State: decidedStates, Limit: latestRequests}),
	}
	if l.filtered() {
		calls = []func(context.Context) error{listRequests(c, &l.found, client.ListRequestsQuery{
			State: l.states(), User: l.query.Get("user"), Limit: pageOfRequests,
			Cursor: l.query.Get(view.Cursor),
		})}
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	var err error
	all := slices.Concat(l.open.Body.Items, l.decided.Body.Items, l.found.Body.Items)
	if l.called, err = partiesOf(c, all...); err != nil {
		return err
	}
	return c.Show("Requests", requestsPage(c, l))
}

// partiesOf are the names of who asked for what, for whom, and who decided: the second round. Who may
// not see people sees the ids of others than who shall have it.
func partiesOf(c *web.Context, list ...client.Request) (people, error) {
	called := people{}
	var ids []string
	for _, r := range list {
		called[r.UserID] = r.UserName
	}
	for _, r := range list {
		for _, id := range []string{r.AskedBy, r.DecidedBy} {
			if id != "" && called[id] == "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	found, calls := usersNamed(c, ids)
	if err := c.Load(calls...); err != nil {
		return nil, err
	}
	for id, u := range usersByID(found) {
		called[id] = u.Name
	}
	called[c.User] = "you"
	return called, nil
}

// approves says whether the reader may decide on a request: one that is open, and not their own.
func approves(c *web.Context, r client.Request) bool {
	return c.May(auth.LicensesManage) && r.State == stateOpen && !isOwn(c, r)
}

// denies says whether the reader may deny a request; their own they withdraw.
func denies(c *web.Context, r client.Request) bool { return approves(c, r) }

// withdraws says whether the reader may withdraw a request: their own, or with the permission any.
func withdraws(c *web.Context, r client.Request) bool {
	return (isOwn(c, r) || c.May(auth.LicensesManage)) && (r.State == stateOpen || r.State == stateApproved)
}

func isOwn(c *web.Context, r client.Request) bool { return r.UserID == c.User || r.AskedBy == c.User }

// toApprove are how many requests wait for the reader to decide.
func toApprove(c *web.Context, open client.RequestPage) int64 {
	var n int64
	for _, r := range open.Items {
		if approves(c, r) {
			n++
		}
	}
	return n
}

// toServe are how many approved requests wait for a seat, for who may see to it.
func toServe(c *web.Context, some client.RequestPage) int64 {
	var n int64
	for _, r := range some.Items {
		if r.State == stateApproved && c.May(auth.LicensesManage) {
			n++
		}
	}
	return n
}

// asking is the form of a new request.
type asking struct {
	products client.Answer[client.RequestablePage]
	users    client.Answer[client.UserPage]
}

// options are what can be asked for. What the reader has already is left out, but for who may ask for
// others.
func (a asking) options(forOthers bool) []view.Option {
	var options []view.Option
	for _, p := range a.products.Body.Items {
		o := view.Option{Value: p.ID, Name: withKind(p.Name, p.Kind)}
		if p.Held && !forOthers {
			continue
		}
		if base := a.lacks(p.ID); p.Held {
			o.Note = "you have it"
		} else if base != "" {
			o.Note = "ask for " + a.item(base).Name + " first: you have none"
		}
		options = append(options, o)
	}
	return options
}

// item is a product that can be asked for.
func (a asking) item(id string) client.Requestable {
	for _, p := range a.products.Body.Items {
		if p.ID == id {
			return p
		}
	}
	return client.Requestable{Name: id}
}

// lacks is the license that an add-on hangs on, where the reader has none; empty otherwise.
func (a asking) lacks(product string) string {
	if base := a.item(product).Base; base != "" && !a.item(base).Held {
		return base
	}
	return ""
}

// lacking says that something is offered that the reader lacks the license for.
func (a asking) lacking() bool {
	return slices.ContainsFunc(a.products.Body.Items, func(p client.Requestable) bool { return a.lacks(p.ID) != "" })
}

// load is the call that reads what can be asked for.
func (a *asking) load(c *web.Context) func(context.Context) error {
	return client.Into(&a.products, func(ctx context.Context) (client.Answer[client.RequestablePage], error) {
		return c.API.ListRequestable(ctx, client.ListRequestableQuery{Limit: mostNames})
	})
}

func showAsk(c *web.Context, f *view.Form) error {
	var a asking
	err := c.Load(
		a.load(c),
		client.IfAllowed(client.Into(&a.users, func(ctx context.Context) (client.Answer[client.UserPage], error) {
			return c.API.ListUsers(ctx, client.ListUsersQuery{Limit: mostNames})
		})),
	)
	if err != nil {
		return err
	}
	for _, name := range []string{"userId", "productId"} {
		f.Values.Set(name, f.Default(name, c.Query().Get(name)))
	}
	return c.Show("Ask for a license", askPage(c, f, a))
}

func sendAsk(c *web.Context, f *view.Form) error {
	body := client.CreateRequestRequest{ProductID: f.Get("productId"), Reason: trimmed(f, "reason")}
	said := "is sent."
	if user := trimmed(f, "userId"); user != "" && user != c.User {
		body.UserID = &user
	} else if base, err := askForBase(c, f, body); err != nil {
		return err
	} else if base != "" {
		said = "is sent, with one for " + base + ", which it hangs on."
	}
	made, err := c.API.CreateRequest(c.R.Context(), body, c.Change(f))
	if err != nil {
		return err
	}
	return c.Done(c.Back(f, c.Link(requestsPath)), web.Good(
		"The request for "+made.Body.ProductName+" "+said, "Who manages licenses decides. Requests shows what becomes of it.",
	))
}

// askForBase asks for the license that an add-on hangs on, where the reader has none, and is what it is called.
// One that is asked for already is left as it is. Who does not want that is told what to ask for first.
func askForBase(c *web.Context, f *view.Form, body client.CreateRequestRequest) (string, error) {
	var a asking
	if err := a.load(c)(c.R.Context()); err != nil {
		return "", err
	}
	base := a.lacks(body.ProductID)
	if base == "" {
		return "", nil
	}
	name := a.item(base).Name
	if !f.Has("both", withBase.Value) {
		return "", web.Wrong("productId",
			"is an add-on of "+name+", which you do not have: ask for that first, or for both")
	}
	body.ProductID = base
	_, err := c.API.CreateRequest(c.R.Context(), body, c.ChangeOf(f, "base"))
	if client.Is(err, "wrong-state") {
		err = nil // a request for it is pending
	}
	return name, err
}

// withBase is the choice to ask for a license beside its add-on.
var withBase = view.Option{
	Value: "yes", Name: "Of an add-on, ask for the license that it hangs on too, if I have none",
}

// requestView is a request, and what deciding on it does.
type requestView struct {
	effects

	request client.Request
	called  people
	// base is a request of the same person for the license that what they ask for hangs on, as long as they have none.
	base client.Request
	// short is how many wait for the product if this one is approved and none is free.
	short int64
}

// loadRequest reads the request of the address in the first round, with more calls, and names people
// in the second.
func loadRequest(c *web.Context, f *view.Form, v *requestView, calls ...func(context.Context) error) error {
	var r client.Answer[client.Request]
	err := c.Load(append(calls, client.Into(&r, func(ctx context.Context) (client.Answer[client.Request], error) {
		return c.API.GetRequest(ctx, c.Param("id"))
	}))...)
	if err != nil {
		return err
	}
	web.FromVersion(f, r.ETag)
	v.request = r.Body
	v.knows(r.Body.UserID, r.Body.UserName)
	var ids []string
	for _, id := range []string{r.Body.AskedBy, r.Body.DecidedBy} {
		if id != "" && id != r.Body.UserID && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	found, more := usersNamed(c, ids)
	if err := c.Load(append(more, v.names(c)...)...); err != nil {
		return err
	}
	v.called = people{r.Body.UserID: r.Body.UserName}
	for id, u := range usersByID(found) {
		v.called[id] = u.Name
	}
	v.called[c.User] = "you"
	return nil
}

func showRequest(c *web.Context, f *view.Form) error {
	var v requestView
	if err := loadRequest(c, f, &v); err != nil {
		return err
	}
	return c.Show("Request for "+v.request.ProductName, requestPage(c, v))
}

// gets says that who shall have it has it as soon as the request is approved.
func (v requestView) gets() bool {
	return slices.ContainsFunc(v.told.Effects.Users, func(p client.PersonEffect) bool {
		return p.UserID == v.request.UserID && slices.Contains(p.Gains, v.request.ProductID)
	})
}

// whose is for whom a request is, to stand after what it asks for.
func (v requestView) whose(c *web.Context) string {
	if v.request.UserID == c.User {
		return ""
	}
	return " for " + v.request.UserName
}

func showApprove(c *web.Context, f *view.Form) error {
	var v requestView
	if err := loadRequest(c, f, &v, foretell(c, f, &v.effects, approvesIt(c))...); err != nil {
		return err
	}
	if err := v.findBase(c); err != nil {
		return err
	}
	if err := v.findShort(c); err != nil {
		return err
	}
	return c.Show("Approve", approvePage(c, f, v))
}

// findBase looks, where a license of another product is lacking, for the person's request for that one.
func (v *requestView) findBase(c *web.Context) error {
	if v.refused == nil || v.refused.Slug() != "base-license-required" {
		return nil
	}
	var open client.Answer[client.RequestPage]
	err := c.Load(listRequests(c, &open, client.ListRequestsQuery{
		User: v.request.UserID, State: []string{stateOpen, stateApproved}, Limit: pageOfRequests,
	}))
	for _, r := range open.Body.Items {
		if slices.Contains(v.item(v.request.ProductID).Requires, r.ProductID) {
			v.base = r
		}
	}
	return err
}

// findShort counts, where the approval gives no license, who waits for one then: who waits now, whose requests
// are approved already, and the person of this one.
func (v *requestView) findShort(c *web.Context) error {
	if v.short = 1; !v.known || v.gets() || v.request.State != stateOpen || !c.May(auth.BillingPurchase) {
		return nil
	}
	var approved client.Answer[client.RequestPage]
	var summary client.Answer[client.ProductSummaryPage]
	err := c.Load(summarize(c, &summary), listRequests(c, &approved, client.ListRequestsQuery{
		Product: []string{v.request.ProductID}, State: []string{stateApproved}, Limit: pageOfRequests,
	}))
	v.short += int64(len(approved.Body.Items))
	for _, p := range summary.Body.Items {
		if p.ProductID == v.request.ProductID {
			v.short += p.Waiting
		}
	}
	return err
}

// approvesIt is the request that grants a person's wish.
func approvesIt(c *web.Context) func(context.Context, client.Change) (client.Answer[client.Request], error) {
	return func(ctx context.Context, change client.Change) (client.Answer[client.Request], error) {
		return c.API.ApproveRequest(ctx, c.Param("id"), change)
	}
}

// fault is why it cannot be approved now; that it takes the permission to buy is said in the words of
// the page of roles.
func (v requestView) fault(c *web.Context) *view.Fault {
	f := v.effects.fault(c)
	if v.effects.refused.Slug() == "forbidden" && c.May(auth.LicensesManage) && !c.May(auth.BillingPurchase) {
		f.Title = "Your role does not allow: " + web.PermissionName(auth.BillingPurchase)
		f.Detail = "No license is free, and the account's policy would buy one. Somebody who may buy can approve it; you can deny it."
	}
	return f
}

func sendApprove(c *web.Context, f *view.Form) error {
	r, err := approvesIt(c)(c.R.Context(), c.Change(f))
	if err != nil {
		return err
	}
	said := web.Good("Approved: " + r.Body.UserName + " has " + r.Body.ProductName + " now.")
	if r.Body.State == stateApproved {
		said = web.Good("Approved: "+r.Body.UserName+" gets "+r.Body.ProductName+" as soon as a seat is free.",
			"It is given automatically. Until then the request is among those that wait for a seat.")
	}
	return c.Done(c.Link(requestsPath), said)
}

func showDeny(c *web.Context, f *view.Form) error {
	var v requestView
	if err := loadRequest(c, f, &v); err != nil {
		return err
	}
	return c.Show("Deny", denyPage(c, f, v))
}

func sendDeny(c *web.Context, f *view.Form) error {
	var body client.DenyRequestRequest
	if note := strings.TrimSpace(f.Get("note")); note != "" {
		body.Note = &note
	}
	r, err := c.API.DenyRequest(c.R.Context(), c.Param("id"), body, c.Change(f))
	if err != nil {
		return err
	}
	said := "The request of " + r.Body.UserName + " for " + r.Body.ProductName + " is denied."
	return c.Done(c.Link(requestsPath), web.Good(said))
}

func showWithdraw(c *web.Context, f *view.Form) error {
	var v requestView
	if err := loadRequest(c, f, &v); err != nil {
		return err
	}
	return c.Show("Withdraw", withdrawPage(c, f, v))
}

func sendWithdraw(c *web.Context, f *view.Form) error {
	r, err := c.API.WithdrawRequest(c.R.Context(), c.Param("id"), c.Change(f))
	if err != nil {
		return err
	}
	return c.Done(c.Link(requestsPath), web.Good("The request for "+r.Body.ProductName+" is withdrawn."))
}

// requestsLead says what the page is for, to who asks and to who decides.
func requestsLead(c *web.Context) string {
	if c.May(auth.LicensesManage) {
		return "Who needs a license asks for it here. You approve or deny what others ask for; nobody approves their own."
	}
	return "Ask for a license that you need, and see what became of it. Who manages licenses decides."
}

// noRequests is what an empty list says.
func noRequests(c *web.Context) string {
	if c.May(auth.LicensesManage) {
		return "Nobody has asked for anything yet. Every user of the account can ask for a license here, with a reason; what waits for you is counted on the overview."
	}
	return "You have not asked for anything yet. Ask for what you need, with a reason: who manages licenses decides, and the answer is shown here."
}

// requestSays is what becomes of a request next, in a sentence.
func requestSays(c *web.Context, v requestView) string {
	switch r := v.request; {
	case r.State == stateApproved:
		return "It is approved. The license is given automatically as soon as one is free."
	case r.State == stateOpen && approves(c, r):
		return "It waits for you, or for somebody else who manages licenses."
	case r.State == stateOpen && isOwn(c, r):
		return "It waits for somebody else who manages licenses."
	case r.State == stateOpen:
		return "It waits for who manages licenses."
	case r.State == "fulfilled":
		return "The license is assigned."
	}
	return ""
}
