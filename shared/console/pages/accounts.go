package pages

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

var _ = add(web.Page{
	Name: "Accounts", Path: "accounts", Section: sectionAccount, Order: 110,
	Needs: []auth.Permission{auth.AccountsManage},
	Whole: true,
	Routes: append([]web.Route{
		{Path: "accounts", Show: showAccounts},
		{Path: "accounts/new", Show: showNewAccount, Send: sendNewAccount, Submit: "Make it", Fields: accountFields},
		{Path: "accounts/of/{id}/cost", Show: showAccountCost},
		{
			Path: "accounts/of/{id}", Show: showAccount, Send: sendAccount, Submit: "Save", Fields: accountFields,
			Changes: "account:{id}",
		},
		{Path: "accounts/of/{id}/state", Show: showState, Send: sendState, Submit: "Change the state"},
	}, offboardingRoutes...),
})

var accountFields = web.Fields("id", "Account", "name", "Name", "brand", "Brand", "currency", "Currency",
	"timezone", "Time zone", "billingDay", "Billing day", "bundle", "Bundle", "country", "Country",
	"reportSchedule", "Reports on schedule", "costCenter", "Cost Center")

const pageOfAccounts = 50

// accountList is what the page of Accounts shows.
type accountList struct {
	page  client.AccountPage
	query url.Values
}

func showAccounts(c *web.Context, _ *view.Form) error {
	var list client.Answer[client.AccountPage]
	err := c.Load(client.Into(&list, func(ctx context.Context) (client.Answer[client.AccountPage], error) {
		return c.API.ListAccounts(ctx, client.ListAccountsQuery{Limit: pageOfAccounts, Cursor: c.Query().Get("cursor")})
	}))
	if err != nil {
		return err
	}
	return c.Show("Accounts", accountsPage(c, accountList{list.Body, c.Query()}))
}

func (l accountList) pager(c *web.Context) view.Pager {
	page := onPage{rows: len(l.page.Items), next: l.page.NextCursor, order: byID}
	return pagerOf(c, c.Link("accounts"), l.query, page, [2]string{"account", "accounts"})
}

// bundleOptions and scheduleOptions are the choices of an account, as the API names them.
var (
	bundleOptions = []view.Option{
		{Value: "standard", Name: "Standard"},
		{Value: "customer-engagement", Name: "Customer Engagement", Note: "unlimited Live Reports"},
	}
	scheduleOptions = []view.Option{
		{Value: "monthly", Name: "One for each billing period"},
		{Value: "weekly", Name: "One for each week"},
		{Value: "none", Name: "None"},
	}
)

// currencyOptions are the currencies that the catalog has prices in, and that of an account that has another one.
func currencyOptions(now string) []view.Option {
	options := []view.Option{{Value: "USD", Name: "USD"}, {Value: "EUR", Name: "EUR"}, {Value: "GBP", Name: "GBP"}}
	if !slices.ContainsFunc(options, func(o view.Option) bool { return o.Value == now }) && now != "" {
		options = append(options, view.Option{Value: now, Name: now})
	}
	return options
}

// stateOptions are the states of an account, as the API names them.
var stateOptions = []view.Option{
	{Value: "active", Name: "Active"},
	{Value: "suspended", Name: "Suspended", Note: "people read, and change nothing"},
	{Value: "closed", Name: "Closed", Note: "only operators see it"},
}

// stateName is a state as a person says it.
func stateName(state string) string { return optionName(stateOptions, state) }

// scheduleName is when reports are made, as a person says it.
func scheduleName(schedule string) string { return optionName(scheduleOptions, schedule) }

// bundleName is a bundle as a person says it.
func bundleName(bundle string) string { return optionName(bundleOptions, bundle) }

func showNewAccount(c *web.Context, f *view.Form) error {
	if err := c.Load(); err != nil {
		return err
	}
	fresh := client.Account{
		Currency:       "USD",
		Timezone:       c.Format().Zone(),
		BillingDay:     1,
		Bundle:         "standard",
		ReportSchedule: "monthly",
	}
	return c.Show("New account", accountPage(c, f, accountView{Account: fresh}))
}

func sendNewAccount(c *web.Context, f *view.Form) error {
	id := strings.TrimSpace(f.Get("id"))
	if id == "" {
		return web.Wrong("id", "must be given, such as acme")
	}
	body, err := accountBody(f)
	if err != nil {
		return err
	}
	change := c.Change(f)
	change.New = true
	if _, err := c.API.In(id).PutAccount(c.R.Context(), body, change); err != nil {
		if client.Is(err, "precondition-failed") {
			return web.Wrong("id", "is an account already: choose another id, or enter that one")
		}
		return err
	}
	return c.Done(c.LinkOf(id), web.Good("The account "+body.Name+" is made, and you are in it.",
		"The first super-admin is made next, as it says below. Licenses are bought under Purchase."))
}

// accountBody is an account as it was typed.
func accountBody(f *view.Form) (client.PutAccountRequest, error) {
	day, err := wholeNumber(f.Get("billingDay"))
	if err != nil {
		return client.PutAccountRequest{}, web.Wrong("billingDay", "must be a whole number from 1 to 28")
	}
	body := client.PutAccountRequest{
		Name: strings.TrimSpace(f.Get("name")), Brand: strings.TrimSpace(f.Get("brand")),
		Currency: strings.ToUpper(strings.TrimSpace(f.Get("currency"))), Timezone: strings.TrimSpace(f.Get("timezone")),
		BillingDay: day, Bundle: f.Get("bundle"),
	}
	if country := strings.ToUpper(strings.TrimSpace(f.Get("country"))); country != "" {
		body.Country = &country
	}
	if center := strings.TrimSpace(f.Get("costCenter")); center != "" {
		body.CostCenter = &center
	}
	if schedule := f.Get("reportSchedule"); schedule != "" {
		body.ReportSchedule = &schedule
	}
	return body, nil
}

func showAccount(c *web.Context, f *view.Form) error {
	var a client.Answer[client.Account]
	var admins firstAdmin
	err := c.Load(client.Into(&a, c.API.In(c.Param("id")).GetAccount), admins.ask(c, c.Param("id")))
	if err != nil {
		return err
	}
	web.FromVersion(f, a.ETag)
	v := accountView{Account: a.Body, admins: admins}
	if f.Stale { // of a version, a cost center is told by its name too
		if err := c.Load(v.nameCenters(c)); err != nil {
			return err
		}
	}
	f.Shows(accountRows(f, v))
	return c.Show("Account "+a.Body.Name, accountPage(c, f, v))
}

func sendAccount(c *web.Context, f *view.Form) error {
	body, err := accountBody(f)
	if err != nil {
		return err
	}
	if _, err := c.API.In(c.Param("id")).PutAccount(c.R.Context(), body, c.Change(f)); err != nil {
		return err
	}
	return c.Done(c.Link("accounts"), web.Good("The account "+body.Name+" is saved."))
}

// stateChange is a state that an account may get, by what is pressed for it, with what it means in words.
type stateChange struct {
	state, press, said string
	means              []string
}

// stateChanges are the states of an account that there are, each with what changes by it.
var stateChanges = []stateChange{
	{"active", "Open it again", "is active again", []string{
		"People of the account sign in, and change what their roles allow.",
		"What waited goes on within minutes: who waits for a license is served, and files that were begun are finished.",
		"Files that were dropped meanwhile were put aside; whoever dropped them drops them again.",
	}},
	{"suspended", "Suspend it", "is suspended", []string{
		"People of the account still sign in and read everything. Nobody changes anything in it, operators neither.",
		"It counts at once, for what people have under way too: that waits until the account is active again.",
		"No license is given or taken, and nothing is bought by a policy. Files that are dropped are put aside.",
		"Views are still counted, billing periods closed and charged, and reports on schedule made.",
		"An operator can open it again at any time.",
	}},
	{"closed", "Close it", "is closed", []string{
		"The account is not found for everybody but operators, who read it and change nothing in it.",
		"Nothing goes on: views are not counted, billing periods not closed, and reports not made. " +
			"So close it when its last billing period is closed, 48 hours after the period's end.",
		"Nothing of it is deleted. An operator can open it again, until it is erased.",
	}},
}

// of is the question, of an account by its name.
func (s stateChange) of(name string) string {
	return strings.Replace(s.press, " it", " "+name, 1) + "?"
}

// stateChangeTo is the change that is asked for; without one, that which mostly comes next.
func stateChangeTo(to, now string) stateChange {
	next := map[string]string{"active": "suspended", "suspended": "closed", "closed": "active"}
	for _, state := range []string{to, next[now]} {
		i := slices.IndexFunc(stateChanges, func(s stateChange) bool { return s.state == state })
		if i >= 0 && state != now {
			return stateChanges[i]
		}
	}
	return stateChanges[0]
}

func showState(c *web.Context, f *view.Form) error {
	var a client.Answer[client.Account]
	if err := c.Load(client.Into(&a, c.API.In(c.Param("id")).GetAccount)); err != nil {
		return err
	}
	to := stateChangeTo(f.Default("state", c.Query().Get("to")), a.Body.State)
	return c.Show(to.of(a.Body.Name), statePage(c, f, a.Body, to))
}

func sendState(c *web.Context, f *view.Form) error {
	state := f.Get("state")
	body := client.PatchAccountRequest{State: &state}
	a, err := c.API.In(c.Param("id")).PatchAccount(c.R.Context(), body, c.Change(f))
	if err != nil {
		return err
	}
	said := "The account " + a.Body.Name + " " + stateChangeTo(state, "").said + "."
	return c.Done(c.Link("accounts", "of", c.Param("id")), web.Good(said))
}

// accountView is an account on its page.
type accountView struct {
	client.Account

	admins firstAdmin
	// centers are its cost centers, where a conflict tells of one.
	centers []view.Option
}

// nameCenters asks for the cost centers of the account.
func (v *accountView) nameCenters(c *web.Context) func(context.Context) error {
	return client.IfAllowed(func(ctx context.Context) error {
		list, err := c.API.In(v.ID).ListCostCenters(ctx, client.ListCostCentersQuery{Limit: mostChoices})
		v.centers = centerOptions(list.Body.Items)
		return err
	})
}

// accountRows are both versions of an account, for who changed it while somebody else did.
func accountRows(f *view.Form, there accountView) []view.Both {
	center := func(code string) string { return optionName(there.centers, code) }
	day := strconv.FormatInt(there.BillingDay, 10)
	words := func(s string) string { return s }
	row := func(label, field, theirs string, say func(string) string) view.Both {
		return view.Both{
			Label: label, Yours: say(f.Get(field)), Theirs: say(theirs), There: view.There(field, theirs),
		}
	}
	return []view.Both{
		row("Name", "name", there.Name, words),
		row("Brand", "brand", there.Brand, words),
		row("Currency", "currency", there.Currency, words),
		row("Time zone", "timezone", there.Timezone, words),
		row("Billing day", "billingDay", day, words),
		row("Bundle", "bundle", there.Bundle, bundleName),
		row("Country", "country", there.Country, words),
		row("Cost Center", "costCenter", there.CostCenter, center),
		row("Reports on schedule", "reportSchedule", there.ReportSchedule, scheduleName),
	}
}

func accountAction(c *web.Context, a client.Account) string {
	if a.ID == "" {
		return c.Link("accounts", "new")
	}
	return c.Link("accounts", "of", a.ID)
}

func accountSubmit(a client.Account) string {
	if a.ID == "" {
		return "Make it"
	}
	return "Save"
}
