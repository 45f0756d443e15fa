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

var userFields = web.Fields("id", "User", "name", "Name", "email", "E-mail", "extension", "Ext", "number", "Number",
	"roleIds", "Roles", "licenses", "Metered products", "agentSource", "Agent source", "costCenter", "Cost Center",
	"adminOfCostCenters", "Admin of cost centers")

const (
	agentUser = "agent-user"
	// pageOfHistory is how many changes the page of one thing shows; the audit has the others.
	pageOfHistory = 10
)

var agentSources = []view.Option{
	{Value: "manual", Name: "By hand"},
	{Value: "pbx", Name: "The phone system's configuration"},
}

// userList is a page of the account's users.
type userList struct {
	query url.Values
	page  client.UserPage
	roles []client.Role
	sorting
}

func showUsers(c *web.Context, _ *view.Form) error {
	q := c.Query()
	var users client.Answer[client.UserPage]
	var roles client.Answer[client.RolePage]
	err := c.Load(
		client.IfAllowed(client.Into(&users, func(ctx context.Context) (client.Answer[client.UserPage], error) {
			return c.API.ListUsers(ctx, client.ListUsersQuery{
				Limit: pageOfDirectory, Cursor: q.Get("cursor"), Q: q.Get("q"), Role: q.Get("role"),
			})
		})),
		listRoles(c, &roles),
	)
	if err != nil {
		return err
	}
	if tabs := directoryTabs(c); users.Status == 0 && len(tabs) > 0 {
		return c.GoTo(tabs[0].path) // who may not see people sees what they may
	}
	s := sortingOf(c, c.Link("directory"), users.Body.NextCursor)
	inOrder(s, users.Body.Items, userColumn)
	return c.Show("Directory", usersPage(c, userList{q, users.Body, roles.Body.Items, s}))
}

func listRoles(c *web.Context, into *client.Answer[client.RolePage]) func(context.Context) error {
	return client.IfAllowed(client.Into(into, func(ctx context.Context) (client.Answer[client.RolePage], error) {
		return c.API.ListRoles(ctx, client.ListRolesQuery{Limit: mostNames})
	}))
}

func (l userList) pager(c *web.Context) view.Pager {
	return pagerOf(c, c.Link("directory"), l.query, onPage{rows: len(l.page.Items), next: l.page.NextCursor, order: l.order()}, [2]string{"user", "users"})
}

// userColumn is what a user has in a column that the list can be sorted by.
func userColumn(u client.User, column string) string {
	switch column {
	case "Name":
		return u.Name
	case "E-mail":
		return u.Email
	case "Ext":
		return padded(u.Extension)
	}
	return ""
}

// order is that of the list; of a search it is that of what was found by.
func (l userList) order() string {
	if l.query.Get("q") != "" {
		return l.sorting.order("")
	}
	return l.sorting.order(byID)
}

// lead says which users these are.
func (l userList) lead() string {
	if role := l.query.Get("role"); role != "" {
		return "Who has the role " + roleName(l.roles, role) + "."
	}
	return "The people of the account, with their extensions and roles."
}

func roleName(roles []client.Role, id string) string {
	for _, r := range roles {
		if r.ID == id {
			return r.Name
		}
	}
	return id
}

// roleOptions are the roles of an account as choices, and those that a user has beyond them.
func roleOptions(roles []client.Role, had []string) []view.Option {
	var options []view.Option
	for _, r := range roles {
		options = append(options, view.Option{Value: r.ID, Name: r.Name})
	}
	for _, id := range had {
		if !slices.ContainsFunc(options, func(o view.Option) bool { return o.Value == id }) {
			options = append(options, view.Option{Value: id, Name: id})
		}
	}
	return options
}

// person is what the page of a user shows.
type person struct {
	user    client.User
	held    client.Answer[client.HeldLicensePage]
	waits   client.Answer[client.WaitingGrantPage]
	queues  client.Answer[client.CallQueuePage]
	roles   []client.Role
	names   why
	history client.Answer[client.AuditRecordPage]
	told    teller
	called  nameCalls
	asked   client.Answer[client.RequestPage]
	// excluded is what they are not given automatically.
	excluded client.Answer[client.ExcludedPage]
}

func showUser(c *web.Context, _ *view.Form) error {
	p := person{}
	var u client.Answer[client.User]
	var roles client.Answer[client.RolePage]
	err := c.Load(
		getUser(c, &u), heldBy(c, &p.held), listRoles(c, &roles), waitsOf(c, &p.waits), p.memberships(c),
		p.called.products(c), p.called.costCenters(c),
		listRequests(c, &p.asked, client.ListRequestsQuery{User: c.Param("id"), Limit: pageOfHistory}),
		client.IfAllowed(
			client.Into(&p.excluded, func(ctx context.Context) (client.Answer[client.ExcludedPage], error) {
				return c.API.ListExclusions(ctx, client.ListExclusionsQuery{User: c.Param("id"), Limit: mostNames})
			}),
		),
		client.IfAllowed(
			client.Into(&p.history, func(ctx context.Context) (client.Answer[client.AuditRecordPage], error) {
				return c.API.ListAudit(ctx, client.ListAuditQuery{User: c.Param("id"), Limit: pageOfHistory})
			}),
		),
	)
	if client.Is(err, "not-found") {
		return showFormerUser(c, err)
	}
	if err != nil {
		return err
	}
	p.user, p.roles = u.Body, roles.Body.Items
	if p.told, err = historyNames(c, p.history.Body.Items, p.grants(), p.known()); err != nil {
		return err
	}
	p.names = why{id: p.user.ID, person: p.user.Name, names: p.told.names}
	return c.Show(p.user.Name, userPage(c, p))
}

// showFormerUser shows who was deleted: what the audit has of them. Of who never was, there is no page.
func showFormerUser(c *web.Context, none error) error {
	var list client.Answer[client.AuditRecordPage]
	err := c.Load(client.IfAllowed(
		client.Into(&list, func(ctx context.Context) (client.Answer[client.AuditRecordPage], error) {
			return c.API.ListAudit(ctx, client.ListAuditQuery{User: c.Param("id"), Limit: pageOfHistory})
		}),
	))
	if err != nil {
		return err
	}
	entries := list.Body.Items
	if len(entries) == 0 {
		return none
	}
	told, err := auditNames(c, entries)
	if err != nil {
		return err
	}
	return c.Show(told.name(kindUser, c.Param("id")), formerUserPage(c, c.Param("id"), told, entries))
}

// deletedAt is the entry by which somebody was deleted, if it is among these.
func deletedAt(entries []client.AuditRecord) (e client.AuditRecord, found bool) {
	i := slices.IndexFunc(entries, func(e client.AuditRecord) bool { return e.Action == "user.deleted" })
	if i < 0 {
		return e, false
	}
	return entries[i], true
}

// memberships asks for the call queues that the person is a member of, a page of them.
func (p *person) memberships(c *web.Context) func(context.Context) error {
	return client.IfAllowed(
		client.Into(&p.queues, func(ctx context.Context) (client.Answer[client.CallQueuePage], error) {
			return c.API.ListCallQueues(ctx, client.ListCallQueuesQuery{
				User: c.Param("id"), Limit: pageOfDirectory, Cursor: c.Query().Get(view.Cursor),
			})
		}),
	)
}

func (p *person) pager(c *web.Context) view.Pager {
	return pagerOf(c, c.Link("directory", "users", p.user.ID), c.Query(),
		onPage{rows: len(p.queues.Body.Items), next: p.queues.Body.NextCursor}, [2]string{"call queue", "call queues"})
}

// grants are the reasons of what the person holds and waits for.
func (p *person) grants() []client.Grant {
	var grants []client.Grant
	for _, l := range p.held.Body.Items {
		grants = append(grants, l.Grants...)
	}
	for _, w := range p.waits.Body.Items {
		grants = append(grants, w.Grants...)
	}
	return grants
}

// known are the names that the first round has read, by kind and id.
func (p *person) known() map[string]string {
	names := map[string]string{"user:" + p.user.ID: p.user.Name}
	p.called.enterCenters(names)
	for _, product := range p.called.catalog.Body.Items {
		names["product:"+product.ID] = product.Name
	}
	for _, l := range p.held.Body.Items {
		names["product:"+l.ProductID] = l.ProductName
	}
	for _, r := range p.roles {
		names["role:"+r.ID] = r.Name
	}
	for _, q := range p.queues.Body.Items {
		names["queue:"+q.ID] = q.Name
	}
	return names
}

func getUser(c *web.Context, into *client.Answer[client.User]) func(context.Context) error {
	return client.Into(into, func(ctx context.Context) (client.Answer[client.User], error) {
		return c.API.GetUser(ctx, c.Param("id"))
	})
}

func heldBy(c *web.Context, into *client.Answer[client.HeldLicensePage]) func(context.Context) error {
	return client.Into(into, func(ctx context.Context) (client.Answer[client.HeldLicensePage], error) {
		return c.API.ListUserLicenses(ctx, c.Param("id"), client.ListUserLicensesQuery{Limit: mostNames})
	})
}

// waitsOf asks what somebody waits for.
func waitsOf(c *web.Context, into *client.Answer[client.WaitingGrantPage]) func(context.Context) error {
	return client.IfAllowed(
		client.Into(into, func(ctx context.Context) (client.Answer[client.WaitingGrantPage], error) {
			return c.API.ListWaiting(ctx, client.ListWaitingQuery{User: c.Param("id"), Limit: mostNames})
		}),
	)
}

// namesBehind are the names of what licenses are held because of: the second round of a page, with
// more calls of that round.
func namesBehind(
	c *web.Context, held []client.HeldLicense, roles []client.Role, more ...func(context.Context) error,
) (map[string]string, error) {
	var queues []string
	for _, l := range held {
		for _, g := range l.Grants {
			if kind, id := cut(g.Source, ":"); kind == "queue" && !slices.Contains(queues, id) {
				queues = append(queues, id)
			}
		}
	}
	found, calls := queuesNamed(c, queues)
	if err := c.Load(append(calls, more...)...); err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, page := range found {
		for _, q := range page.Body.Items {
			names["queue:"+q.ID] = q.Name
		}
	}
	for _, r := range roles {
		names["role:"+r.ID] = r.Name
	}
	return names, nil
}

// userLead says in one line who somebody is.
func userLead(u client.User) string {
	var parts []string
	if !u.Active {
		parts = append(parts, "Deactivated")
	}
	if phone := phoneSays(u); phone != "" {
		parts = append(parts, phone)
	}
	if u.Email != "" {
		parts = append(parts, u.Email)
	}
	if len(parts) == 0 {
		return u.ID
	}
	return strings.Join(parts, " · ")
}

// userEdit is the form of a user: what is there, and what may be chosen.
type userEdit struct {
	user     client.User
	all      []client.Role
	roles    []view.Option
	products []choices
	prices   prices
	centers  []view.Option
	// limits are the cost centers of which they can be admin.
	limits []view.Option
	isNew  bool
	effects
	// last says that nobody else is an active super-admin.
	last bool
}

// superAdmins asks who the super-admins are.
func superAdmins(c *web.Context, into *client.Answer[client.UserPage]) func(context.Context) error {
	return client.Into(into, func(ctx context.Context) (client.Answer[client.UserPage], error) {
		return c.API.ListUsers(ctx, client.ListUsersQuery{Role: builtInRole, Limit: mostNames})
	})
}

// isLast says whether a user is the only active one of some, as far as they are known.
func isLast(page client.UserPage, user string) bool {
	active := slices.DeleteFunc(slices.Clone(page.Items), func(u client.User) bool { return !u.Active })
	return page.NextCursor == "" && len(active) == 1 && active[0].ID == user
}

// chosen are the metered products of the form as it stands: those held directly, and those of roles.
func (e userEdit) chosen(f *view.Form) []string {
	all := slices.Clone(typedOr(f, "licenses", e.user.Licenses))
	for _, id := range typedOr(f, "roleIds", e.user.RoleIDs) {
		for _, r := range e.all {
			if r.ID == id {
				all = append(all, r.Licenses...)
			}
		}
	}
	return all
}

func showNewUser(c *web.Context, f *view.Form) error {
	var roles client.Answer[client.RolePage]
	var catalog client.Answer[client.CatalogItemPage]
	var centers client.Answer[client.CostCenterPage]
	e := userEdit{user: client.User{Active: true, RoleIDs: c.Query()["role"]}, isNew: true}
	calls := []func(context.Context) error{
		listRoles(c, &roles), metered(c, &catalog), client.IfAllowed(client.Into(&centers, listCenters(c))),
	}
	if tells(f) && trimmed(f, "id") != "" {
		e.knows(trimmed(f, "id"), trimmed(f, "name"))
		calls = append(calls, foretell(c, f, &e.effects, makesUser(c, f))...)
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	if err := inCurrency(c, &catalog, e.effects.names(c)...); err != nil {
		return err
	}
	e.centers, e.limits = userCenters(centers, client.User{}), limitOptions(centers, client.User{})
	return c.Show("New user", userEditPage(c, f, e.offers(c, roles.Body.Items, catalog.Body.Items)))
}

// offers is the form with what may be chosen, each with what it costs.
func (e userEdit) offers(c *web.Context, roles []client.Role, catalog []client.CatalogItem) userEdit {
	f := c.Format()
	e.all, e.prices = roles, pricesOf(catalog)
	e.roles = roleOptions(roles, e.user.RoleIDs)
	for i := range e.roles {
		for _, r := range roles {
			if r.ID == e.roles[i].Value {
				e.roles[i].Adds, e.roles[i].Note = e.prices.adds(r.Licenses), e.prices.says(f, r.Licenses)
			}
		}
	}
	e.products = withPrices(f, meteredChoices(catalog), e.prices)
	return e
}

func sendNewUser(c *web.Context, f *view.Form) error {
	id := trimmed(f, "id")
	if id == "" {
		return web.Wrong("id", "must be given, such as zoe")
	}
	if sees(f) {
		return showNewUser(c, f)
	}
	hold(f)
	made, err := makesUser(c, f)(c.R.Context(), c.Change(f))
	if err != nil {
		return taken(err, id, "user")
	}
	return c.Done(c.Link("directory", "users", id), madeUser(c, made.Body))
}

// makesUser is the request that makes the user of the form.
func makesUser(c *web.Context, f *view.Form) func(context.Context, client.Change) (client.Answer[client.User], error) {
	body := client.PutUserRequest{
		Name: trimmed(f, "name"), Email: typedOrNull(f, "email"), Extension: typedOrNull(f, "extension"),
		Number: typedOrNull(f, "number"), RoleIDs: several(f, "roleIds"), Licenses: several(f, "licenses"),
		AgentSource: agentSource(f), CostCenter: centerOf(f), AdminOfCostCenters: limitOf(f),
	}
	return func(ctx context.Context, change client.Change) (client.Answer[client.User], error) {
		return c.API.PutUser(ctx, trimmed(f, "id"), body, asNew(change))
	}
}

// centerOf is the cost center that was chosen; of who could choose none it stays as it is.
func centerOf(f *view.Form) client.Null[string] {
	if !f.Values.Has("costCenter") {
		return client.Null[string]{}
	}
	return typedOrNull(f, "costCenter")
}

// limitOf are the cost centers of which they are to be admin; of who could choose none it stays as it is.
func limitOf(f *view.Form) client.Null[[]string] {
	if f.Get("limits") == "" {
		return client.Null[[]string]{}
	}
	return several(f, "adminOfCostCenters")
}

// limitOptions are the cost centers of which somebody can be admin, those that they are admin of among
// them; none for who may not see cost centers.
func limitOptions(all client.Answer[client.CostCenterPage], u client.User) []view.Option {
	options := centerOptions(all.Body.Items)
	if all.Status == 0 {
		return options
	}
	for _, code := range u.AdminOfCostCenters {
		if !slices.ContainsFunc(options, func(o view.Option) bool { return o.Value == code }) {
			options = append(options, view.Option{Value: code, Name: code})
		}
	}
	return options
}

// adminOf are the cost centers to which a person is limited, by their names.
func (p *person) adminOf() string {
	names := make([]string, len(p.user.AdminOfCostCenters))
	for i, code := range p.user.AdminOfCostCenters {
		names[i] = p.called.center(code)
	}
	return strings.Join(names, ", ")
}

// userCenters are the cost centers to choose from, that of the user among them; none for who may not
// see them.
func userCenters(all client.Answer[client.CostCenterPage], u client.User) []view.Option {
	options := centerOptions(all.Body.Items)
	there := slices.ContainsFunc(options, func(o view.Option) bool { return o.Value == u.CostCenter })
	if all.Status != 0 && u.CostCenter != "" && !there {
		options = append(options, view.Option{Value: u.CostCenter, Name: u.CostCenter})
	}
	return options
}

// agentSource is said of somebody who is an agent, and of nobody else.
func agentSource(f *view.Form) client.Null[string] {
	if !f.Has("licenses", agentUser) {
		return client.Null[string]{}
	}
	return client.Set(f.Default("agentSource", "manual"))
}

func showEditUser(c *web.Context, f *view.Form) error {
	var u client.Answer[client.User]
	var roles client.Answer[client.RolePage]
	var catalog client.Answer[client.CatalogItemPage]
	var admins client.Answer[client.UserPage]
	var centers client.Answer[client.CostCenterPage]
	var told effects
	calls := []func(context.Context) error{
		getUser(c, &u), listRoles(c, &roles), metered(c, &catalog), superAdmins(c, &admins),
		client.IfAllowed(client.Into(&centers, listCenters(c))),
	}
	if tells(f) {
		calls = append(calls, foretell(c, f, &told, editsUser(c, f))...)
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	web.FromVersion(f, u.ETag)
	told.knows(u.Body.ID, u.Body.Name)
	if err := inCurrency(c, &catalog, told.names(c)...); err != nil {
		return err
	}
	e := userEdit{
		user: u.Body, last: isLast(admins.Body, u.Body.ID), centers: userCenters(centers, u.Body), effects: told,
		limits: limitOptions(centers, u.Body),
	}
	f.Shows(userRows(everyField, e))
	return c.Show("Edit "+u.Body.Name, userEditPage(c, f, e.offers(c, roles.Body.Items, catalog.Body.Items)))
}

// editsUser is the request that changes a user as the form says.
func editsUser(c *web.Context, f *view.Form) func(context.Context, client.Change) (client.Answer[client.User], error) {
	name := trimmed(f, "name")
	body := client.PatchUserRequest{
		Name: &name, Email: typedOrNull(f, "email"), Extension: typedOrNull(f, "extension"),
		Number: typedOrNull(f, "number"), RoleIDs: several(f, "roleIds"), CostCenter: centerOf(f),
		AdminOfCostCenters: limitOf(f),
	}
	if f.Get("held") != "" {
		body.Licenses, body.AgentSource = several(f, "licenses"), agentSource(f)
	}
	return func(ctx context.Context, change client.Change) (client.Answer[client.User], error) {
		return c.API.PatchUser(ctx, c.Param("id"), body, change)
	}
}

func sendEditUser(c *web.Context, f *view.Form) error {
	if sees(f) {
		return showEditUser(c, f)
	}
	hold(f)
	u, err := editsUser(c, f)(c.R.Context(), c.Change(f))
	if err != nil {
		return err
	}
	return c.Done(c.Link("directory", "users", c.Param("id")), web.Good(u.Body.Name+" is saved."))
}

// everyField is a user's form with each field that it may have, of which some are left out where the reader
// may not choose.
var everyField = &view.Form{Values: url.Values{"costCenter": {""}, "limits": {"yes"}, "held": {"yes"}}}

// userRows are both versions of a user, for who changed one while somebody else did.
func userRows(f *view.Form, e userEdit) []view.Both {
	u := e.user
	plain := func(label, field, theirs string) view.Both {
		return view.Both{Label: label, Yours: f.Get(field), Theirs: theirs, There: view.There(field, theirs)}
	}
	rows := []view.Both{
		plain("Name", "name", u.Name), plain("E-mail", "email", u.Email),
		plain("Ext", "extension", u.Extension), plain("Number", "number", u.Number),
	}
	if f.Values.Has("costCenter") {
		centers := []choices{{options: e.centers}}
		rows = append(rows, chosenRow(f, "Cost Center", "costCenter", centers, nonEmpty([]string{u.CostCenter})))
	}
	if f.Get("limits") != "" {
		limits := []choices{{options: e.limits}}
		rows = append(rows, chosenRow(f, "Admin of cost centers", "adminOfCostCenters", limits, u.AdminOfCostCenters))
	}
	rows = append(rows, chosenRow(f, "Roles", "roleIds", []choices{{options: e.roles}}, u.RoleIDs))
	if f.Get("held") != "" {
		held := chosenRow(f, "Metered products", "licenses", e.products, u.Licenses)
		held.There["agentSource"] = nonEmpty([]string{u.AgentSource})
		rows = append(rows, held)
	}
	return rows
}

// action is where the form of a user is sent, and back where it is left for.
func (e userEdit) action(c *web.Context) string {
	if e.isNew {
		return c.Link("directory", "users", "new")
	}
	return c.Link("directory", "users", e.user.ID, "edit")
}

func (e userEdit) back(c *web.Context) string {
	if e.isNew {
		return c.Link("directory")
	}
	return c.Link("directory", "users", e.user.ID)
}

func (e userEdit) submit() string {
	if e.isNew {
		return "Make the user"
	}
	return "Save"
}

// leaver is what goes with somebody who leaves.
type leaver struct {
	user       client.User
	held       []client.HeldLicense
	reasons    why
	wallboards []client.Wallboard
	// next are those who wait for what is given back, by product.
	next map[string]string
	effects
}

// heldIDs are the licenses that go back.
func (l leaver) heldIDs() []string {
	ids := make([]string, len(l.held))
	for i, one := range l.held {
		ids[i] = one.ID
	}
	return ids
}

// loadLeaver reads what goes with somebody who leaves, in two rounds: foretold are the calls that ask
// for the effects.
func loadLeaver(
	c *web.Context, f *view.Form, e *effects, foretold []func(context.Context) error,
) (leaver, error) {
	var u client.Answer[client.User]
	var held client.Answer[client.HeldLicensePage]
	var roles client.Answer[client.RolePage]
	var screens client.Answer[client.WallboardPage]
	err := c.Load(append(foretold,
		getUser(c, &u), heldBy(c, &held), listRoles(c, &roles),
		client.IfAllowed(client.Into(&screens, func(ctx context.Context) (client.Answer[client.WallboardPage], error) {
			return c.API.ListWallboards(ctx, client.ListWallboardsQuery{Limit: mostNames})
		})),
	)...)
	if err != nil {
		return leaver{}, err
	}
	web.FromVersion(f, u.ETag)
	var products []string
	for _, one := range held.Body.Items {
		products = append(products, one.ProductID)
	}
	next, lines := firstInLine(c, products...)
	names, err := namesBehind(c, held.Body.Items, roles.Body.Items, append(lines, e.names(c)...)...)
	if err != nil {
		return leaver{}, err
	}
	l := leaver{user: u.Body, next: next(), effects: *e, reasons: why{id: u.Body.ID, person: u.Body.Name, names: names}}
	for _, one := range held.Body.Items {
		if one.ProductID != wallboardProduct {
			l.held = append(l.held, one)
		}
	}
	for _, one := range screens.Body.Items {
		if one.UserID == u.Body.ID {
			l.wallboards = append(l.wallboards, one)
		}
	}
	return l, nil
}

const wallboardProduct = "wallboard"

func showDeactivate(c *web.Context, f *view.Form) error {
	var e effects
	l, err := loadLeaver(c, f, &e, foretell(c, f, &e, activeAs(c, false)))
	if err != nil {
		return err
	}
	return c.Show("Deactivate "+l.user.Name, deactivatePage(c, f, l))
}

func sendDeactivate(c *web.Context, f *view.Form) error { return setActive(c, f, false) }

func showActivate(c *web.Context, f *view.Form) error {
	var u client.Answer[client.User]
	var e effects
	if err := c.Load(append(foretell(c, f, &e, activeAs(c, true)), getUser(c, &u))...); err != nil {
		return err
	}
	web.FromVersion(f, u.ETag)
	if err := c.Load(e.names(c)...); err != nil {
		return err
	}
	return c.Show("Activate "+u.Body.Name, activatePage(c, f, leaver{user: u.Body, effects: e}))
}

func sendActivate(c *web.Context, f *view.Form) error { return setActive(c, f, true) }

// activeAs is the request that activates a user, or deactivates them.
func activeAs(c *web.Context, active bool) func(context.Context, client.Change) (client.Answer[client.User], error) {
	return func(ctx context.Context, change client.Change) (client.Answer[client.User], error) {
		return c.API.PatchUser(ctx, c.Param("id"), client.PatchUserRequest{Active: &active}, change)
	}
}

func setActive(c *web.Context, f *view.Form, active bool) error {
	u, err := activeAs(c, active)(c.R.Context(), c.Change(f))
	if err != nil {
		return err
	}
	said := web.Good(u.Body.Name + " is active again.")
	if !active {
		said = web.Good(u.Body.Name+" is deactivated.", wentOn(c, f)...)
	}
	return c.Done(c.Link("directory", "users", c.Param("id")), said)
}

// wentOn says who holds now what somebody who left has held: what nobody waited for is in the account.
func wentOn(c *web.Context, f *view.Form) []string {
	ids := f.Values["held"]
	found := make([]client.Answer[client.License], len(ids))
	calls := make([]func(context.Context) error, len(ids))
	for i, id := range ids {
		calls[i] = func(ctx context.Context) error {
			// What cannot be read, such as a license that has ended, is not told of.
			l, err := c.API.GetLicense(ctx, id)
			if client.As(err) == nil {
				found[i] = l
			}
			return nil
		}
	}
	_ = client.Round(c.R.Context(), calls...) // no call fails
	var said []string
	for _, l := range found {
		if l.Body.UserID != "" && l.Body.UserID != c.Param("id") {
			said = append(said, name(l.Body)+" went at once to "+l.Body.UserName+", who waited for one.")
		}
	}
	switch rest := len(ids) - len(said); {
	case rest > 0 && len(said) > 0:
		return append(said, "All else that they held is back in your account for future use.")
	case rest > 0:
		return []string{"All that they held is back in your account for future use."}
	}
	return said
}

func showDeleteUser(c *web.Context, f *view.Form) error {
	var e effects
	l, err := loadLeaver(c, f, &e, foretell(c, f, &e, deletes(c)))
	if err != nil {
		return err
	}
	return c.Show("Delete "+l.user.Name, deleteUserPage(c, f, l))
}

// invites says whether somebody can be invited to sign in, by the reader.
func invites(c *web.Context, u client.User) bool {
	return c.Invites() && u.Active && c.May(auth.DirectoryManage)
}

// signInSays is where somebody signs in, to who manages them where nobody is invited; empty where people are.
func signInSays(c *web.Context) string {
	if c.Invites() || !c.May(auth.DirectoryManage) {
		return ""
	}
	return "They sign in by the identity provider of this deployment, not by an invitation: make them there too, with this id."
}

func showInvite(c *web.Context, f *view.Form) error {
	var u client.Answer[client.User]
	if err := c.Load(getUser(c, &u)); err != nil {
		return err
	}
	return c.Show("Invite "+u.Body.Name, invitePage(c, f, u.Body))
}

// uninvited is why somebody cannot be invited; empty where they can. A dry run does not tell, for an invitation
// has no effects.
func uninvited(c *web.Context, u client.User) string {
	switch {
	case !c.Invites():
		return "People of this deployment are made at another identity provider. Invite them there."
	case !u.Active:
		return "They are deactivated, and cannot sign in."
	case u.Email == "":
		return "They have no e-mail address to sign in with. Give them one first."
	}
	return ""
}

func sendInvite(c *web.Context, f *view.Form) error {
	made, err := c.API.InviteUser(c.R.Context(), c.Param("id"), c.Change(f))
	if err != nil {
		return err
	}
	return c.Done(c.Link("directory", "users", c.Param("id")), web.Good(
		"The invitation is sent to "+made.Body.Email+".",
		"The mail says how to sign in. Whoever reads it signs in as this person; if it does not come, invite them again.",
	))
}

// deletes is the request that deletes a user.
func deletes(c *web.Context) func(context.Context, client.Change) (client.Answer[client.Nothing], error) {
	return func(ctx context.Context, change client.Change) (client.Answer[client.Nothing], error) {
		return c.API.DeleteUser(ctx, c.Param("id"), change)
	}
}

func sendDeleteUser(c *web.Context, f *view.Form) error {
	if _, err := deletes(c)(c.R.Context(), c.Change(f)); err != nil {
		return err
	}
	said := web.Good("The user "+c.Param("id")+" is deleted.", wentOn(c, f)...)
	if err := c.Load(); err == nil && c.Operator() {
		said.More = append(said.More, "If they ask that nothing tells who they were, an operator can have them forgotten.")
		said.Href, said.Link = forgetLink(c, c.Account)+"?user="+queryEscape(c.Param("id")), "Forget them"
	}
	return c.Done(c.Link("directory"), said)
}

// allAskedFor leads to all requests for a person, where there are more than their page shows.
func allAskedFor(c *web.Context, p person) string {
	if p.asked.Body.NextCursor == "" {
		return ""
	}
	return c.Link(requestsPath) + "?user=" + queryEscape(p.user.ID)
}
