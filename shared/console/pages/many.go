package pages

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

// takeRoute takes a product away from several people; it is below Licenses.
var takeRoute = web.Route{
	Path: "licenses/take", Needs: managesLicenses, Show: showTake, Send: sendTake, Submit: "Take it away",
	Fields: web.Fields("product", "License Type"),
}

// rolesRoute gives several people a role, or takes it from them; it is below Directory.
var rolesRoute = web.Route{
	Path: "directory/selected", Whole: true, Needs: managesDirectory,
	Show: showRoleTurn, Send: sendRoleTurn, Submit: "Save", Fields: web.Fields("role", "Role", "what", "What to do"),
}

// atOnce is how many people's requests go to the API side by side.
const atOnce = 10

// selects says whether something can be done with several users of the list.
func selects(c *web.Context) bool { return gives(c) || turnsRoles(c) }

// turnsRoles says whether roles are offered for several: they are of the whole account.
func turnsRoles(c *web.Context) bool {
	return c.May(auth.DirectoryManage) && c.Opens("directory", "selected")
}

// taking is a product that is taken away from people.
type taking struct {
	giving
}

func takingOf(c *web.Context, f *view.Form) taking { return taking{givingOf(c, f)} }

// reviewed says that both product and people are chosen.
func (t taking) reviewed() bool { return t.product != "" && len(t.ids) > 0 && len(t.ids) <= mostGiven }

// request asks the API to take the product from each of the people.
func (t taking) request(
	c *web.Context,
) func(context.Context, client.Change) (client.Answer[client.BulkResults], error) {
	body := client.RemoveProductsRequest{}
	for _, id := range t.ids {
		body.Items = append(body.Items, client.RemovalItem{ProductID: t.product, UserID: id})
	}
	return func(ctx context.Context, change client.Change) (client.Answer[client.BulkResults], error) {
		return c.API.RemoveProducts(ctx, body, change)
	}
}

// held are the products that some of the people hold, each with how many do.
func (t taking) held(f *view.Format) []view.Option {
	many := map[string]int64{}
	for _, u := range t.chosen {
		for _, l := range u.Holdings {
			if l.LicenseID != "" {
				many[l.ProductID]++
			}
		}
	}
	var options []view.Option
	for _, p := range t.catalog.Body.Items {
		if n := many[p.ID]; n > 0 {
			note := f.Count(n, "person has it", "people have it")
			options = append(options, view.Option{Value: p.ID, Name: withKind(p.Name, p.Kind), Note: note})
		}
	}
	return options
}

// happens is what becomes of somebody.
func (t taking) happens(u client.User) (kind, word string) {
	if holds(u, t.product) {
		return "warn", "gives it back"
	}
	return "", "does not have it"
}

// load reads the people of a form or an address, with more calls.
func (t *taking) load(c *web.Context, more ...func(context.Context) error) error {
	people, calls := usersNamed(c, t.ids[:min(len(t.ids), mostGiven)])
	if err := c.Load(append(append(calls, more...), t.products(c))...); err != nil {
		return err
	}
	for _, page := range people {
		t.chosen = append(t.chosen, page.Body.Items...)
	}
	return nil
}

func showTake(c *web.Context, f *view.Form) error {
	t := takingOf(c, f)
	var calls []func(context.Context) error
	if t.reviewed() {
		calls = foretell(c, f, &t.effects, t.request(c))
	}
	if err := t.load(c, calls...); err != nil {
		return err
	}
	if err := c.Load(t.names(c)...); err != nil {
		return err
	}
	return c.Show("Take a license away", takePage(c, f, t))
}

func sendTake(c *web.Context, f *view.Form) error {
	t := takingOf(c, f)
	if !t.reviewed() {
		return web.Wrong("product", "must be chosen, and for 1 to 100 people")
	}
	out, err := t.request(c)(c.R.Context(), c.Change(f))
	if err != nil {
		return err
	}
	failed, err := failures(c, out.Body.Results, func(i int64) chosen {
		return chosen{ProductID: t.product, UserID: t.ids[i]}
	})
	if err != nil {
		return err
	}
	said := "It is taken away from " + c.Format().Count(out.Body.Succeeded, "person", "people")
	if out.Body.Failed == 0 {
		return c.Done(c.Back(f, c.Link("directory")), web.Good(said+"."))
	}
	said += "; " + c.Format().Number(out.Body.Failed) + " not."
	return c.Done(c.Back(f, c.Link("directory")), web.Warn(said, failed...))
}

// roleTurn is a role, and the people who are given it or from whom it is taken.
type roleTurn struct {
	ids    []string
	people []client.User
	roles  []client.Role
	role   string
	takes  bool
	// refused are why it cannot be done for some of the people, by their ids.
	refused map[string]string
	effects
}

func roleTurnOf(c *web.Context, f *view.Form) roleTurn {
	q := c.Query()
	if f.Values.Has("user") {
		q = f.Values
	}
	return roleTurn{ids: givenTo(q), role: q.Get("role"), takes: q.Get("what") == "take"}
}

// changes says whether somebody's roles become other ones.
func (s roleTurn) changes(u client.User) bool { return slices.Contains(u.RoleIDs, s.role) == s.takes }

// nothing says that nobody's roles become other ones.
func (s roleTurn) nothing() bool { return !slices.ContainsFunc(s.people, s.changes) }

// rolesOf are somebody's roles as they become.
func (s roleTurn) rolesOf(u client.User) []string {
	if s.takes {
		return slices.DeleteFunc(slices.Clone(u.RoleIDs), func(r string) bool { return r == s.role })
	}
	return append(slices.Clone(u.RoleIDs), s.role)
}

// happens is what becomes of somebody.
func (s roleTurn) happens(u client.User) (kind, word string) {
	switch {
	case s.refused[u.ID] != "":
		return "bad", "cannot: " + s.refused[u.ID]
	case s.changes(u) && s.takes:
		return "warn", "loses it"
	case s.changes(u):
		return "good", "gets it"
	case s.takes:
		return "", "does not have it"
	}
	return "", "has it already"
}

func (s roleTurn) reviewed() bool { return s.role != "" && len(s.people) > 0 }

// title is what is done, as a question.
func (s roleTurn) title(f *view.Format) string {
	people := f.Count(int64(len(s.people)), "person", "people")
	if s.takes {
		return "Take the role " + roleName(s.roles, s.role) + " from " + people + "?"
	}
	return "Give the role " + roleName(s.roles, s.role) + " to " + people + "?"
}

func (s roleTurn) address(c *web.Context) string {
	return c.Link("directory", "selected") + "?" + url.Values{"user": s.ids}.Encode()
}

func showRoleTurn(c *web.Context, f *view.Form) error {
	s := roleTurnOf(c, f)
	if len(s.ids) > mostGiven {
		s.ids = s.ids[:mostGiven]
	}
	var roles client.Answer[client.RolePage]
	people, calls := usersNamed(c, s.ids)
	if err := c.Load(append(calls, listRoles(c, &roles), s.products(c))...); err != nil {
		return err
	}
	s.roles = roles.Body.Items
	for _, page := range people {
		s.people = append(s.people, page.Body.Items...)
	}
	if s.reviewed() {
		if err := s.foretell(c); err != nil {
			return err
		}
	}
	return c.Show("Roles of several users", roleTurnPage(c, f, s))
}

// foretell asks what becomes of each whose roles change, and adds it up: what a role carries comes out of no
// pool, so none of these requests takes anything from another one.
func (s *roleTurn) foretell(c *web.Context) error {
	told := make([]client.Told, len(s.people))
	refused := make([]string, len(s.people))
	err := inTurns(c, len(s.people), func(ctx context.Context, i int) error {
		u := s.people[i]
		if !s.changes(u) {
			return nil
		}
		change := client.PatchUserRequest{RoleIDs: client.Set(s.rolesOf(u))}
		answer, err := c.API.PatchUser(ctx, u.ID, change, client.Change{Dry: true})
		if e := client.As(err); e != nil && e.Status < http.StatusInternalServerError &&
			e.Status != http.StatusUnauthorized {
			refused[i] = e.Title
			return nil
		}
		told[i] = answer.Told
		return err
	})
	s.refused, s.known = map[string]string{}, true
	for i, u := range s.people {
		s.knows(u.ID, u.Name)
		s.refused[u.ID] = refused[i]
		s.known = s.known && told[i].Later == ""
		s.addUp(told[i].Foretold.Effects)
	}
	if err != nil {
		return err
	}
	return c.Load(s.names(c)...)
}

// inTurns makes a call for each of n, atOnce of them side by side. The first error ends it.
func inTurns(c *web.Context, n int, call func(ctx context.Context, i int) error) error {
	for from := 0; from < n; from += atOnce {
		var calls []func(context.Context) error
		for i := from; i < min(from+atOnce, n); i++ {
			calls = append(calls, func(ctx context.Context) error { return call(ctx, i) })
		}
		if err := c.Load(calls...); err != nil {
			return err
		}
	}
	return nil
}

// sendRoleTurn changes the roles of each of the people, against the version that it reads: what somebody
// else changes meanwhile stays.
func sendRoleTurn(c *web.Context, f *view.Form) error {
	s := roleTurnOf(c, f)
	if s.role == "" || len(s.ids) == 0 || len(s.ids) > mostGiven {
		return web.Wrong("role", "must be chosen, and for 1 to 100 people")
	}
	faults := make([]error, len(s.ids))
	err := inTurns(c, len(s.ids), func(ctx context.Context, i int) error {
		faults[i] = s.save(ctx, c, f, s.ids[i])
		return nil
	})
	if err != nil {
		return err
	}
	var failed []string
	for i, err := range faults {
		if e := client.As(err); e != nil {
			failed = append(failed, s.ids[i]+": "+e.Title)
		} else if err != nil {
			return err
		}
	}
	n := c.Format().Count(int64(len(s.ids)-len(failed)), "person has", "people have")
	said := n + " the role now."
	if s.takes {
		said = n + " not the role any more."
	}
	if len(failed) > 0 {
		return c.Done(c.Back(f, c.Link("directory")), web.Warn(said, failed[:min(len(failed), mostFailures)]...))
	}
	return c.Done(c.Back(f, c.Link("directory")), web.Good(said))
}

// save gives one person the role, or takes it.
func (s roleTurn) save(ctx context.Context, c *web.Context, f *view.Form, id string) error {
	u, err := c.API.GetUser(ctx, id)
	if err != nil || !s.changes(u.Body) {
		return err
	}
	change := c.ChangeOf(f, "of/"+id)
	change.Version = u.ETag
	_, err = c.API.PatchUser(ctx, id, client.PatchUserRequest{RoleIDs: client.Set(s.rolesOf(u.Body))}, change)
	return err
}
