package pages

import (
	"context"
	"slices"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

var roleFields = web.Fields("id", "Id", "name", "Name", "permissions", "Permissions", "licenses", "Metered products")

// builtInRole is the role that every account has and nobody changes (requirements, section 6).
const builtInRole = "super-admin"

// permissionChoices are what a role can carry, by the part of the work; a permission without words
// stands by its own name.
func permissionChoices() []choices {
	var groups []choices
	enter := func(group string, o view.Option) {
		i := slices.IndexFunc(groups, func(g choices) bool { return g.name == group })
		if i < 0 {
			i, groups = len(groups), append(groups, choices{name: group})
		}
		groups[i].options = append(groups[i].options, o)
	}
	for _, p := range web.PermissionsInWords() {
		enter(p.Group, view.Option{Value: string(p.Of), Name: p.Name})
	}
	return groups
}

// chosenOf are the groups with only what was chosen of each.
func chosenOf(groups []choices, chosen []string) []choices {
	var some []choices
	for _, g := range groups {
		part := choices{name: g.name}
		for _, o := range g.options {
			if slices.Contains(chosen, o.Value) {
				part.options = append(part.options, o)
			}
		}
		if len(part.options) > 0 {
			some = append(some, part)
		}
	}
	return some
}

type roleList struct {
	page    client.RolePage
	catalog []choices
}

func showRoles(c *web.Context, _ *view.Form) error {
	var roles client.Answer[client.RolePage]
	var catalog client.Answer[client.CatalogItemPage]
	err := c.Load(
		client.Into(&roles, func(ctx context.Context) (client.Answer[client.RolePage], error) {
			return c.API.ListRoles(ctx, client.ListRolesQuery{Limit: pageOfDirectory, Cursor: c.Query().Get("cursor")})
		}),
		metered(c, &catalog),
	)
	if err != nil {
		return err
	}
	return c.Show("Roles", rolesPage(c, roleList{roles.Body, meteredChoices(catalog.Body.Items)}))
}

func (l roleList) pager(c *web.Context) view.Pager {
	page := onPage{rows: len(l.page.Items), next: l.page.NextCursor, order: byID}
	return pagerOf(c, c.Link("directory", "roles"), c.Query(), page, [2]string{"role", "roles"})
}

// carriesSays is what a role allows, in a few words.
func carriesSays(c *web.Context, r client.Role) string {
	if r.ID == builtInRole {
		return "Everything"
	}
	return c.Format().Count(int64(len(r.Permissions)), "permission", "permissions")
}

// roleView is a role, who has it, and what can be chosen for it.
type roleView struct {
	role     client.Role
	users    client.UserPage
	products []choices
	prices   prices
}

// loadRole reads a role and the first of those who have it, with more calls of the first round.
func loadRole(c *web.Context, f *view.Form, more ...func(context.Context) error) (roleView, error) {
	var r client.Answer[client.Role]
	var users client.Answer[client.UserPage]
	var catalog client.Answer[client.CatalogItemPage]
	err := c.Load(append(more,
		client.Into(&r, func(ctx context.Context) (client.Answer[client.Role], error) {
			return c.API.GetRole(ctx, c.Param("id"))
		}),
		client.Into(&users, func(ctx context.Context) (client.Answer[client.UserPage], error) {
			return c.API.ListUsers(ctx, client.ListUsersQuery{Role: c.Param("id"), Limit: mostNames})
		}),
		metered(c, &catalog),
	)...)
	if err != nil {
		return roleView{}, err
	}
	web.FromVersion(f, r.ETag)
	err = inCurrency(c, &catalog)
	return roleView{r.Body, users.Body, meteredChoices(catalog.Body.Items), pricesOf(catalog.Body.Items)}, err
}

// havers says how many have the role.
func (v roleView) havers(c *web.Context) string {
	n := int64(len(v.users.Items))
	if v.users.NextCursor != "" {
		return "More than " + c.Format().Number(n) + " users have it."
	}
	switch n {
	case 0:
		return "Nobody has it."
	case 1:
		return "1 user has it."
	}
	return c.Format().Number(n) + " users have it."
}

func showRole(c *web.Context, f *view.Form) error {
	v, err := loadRole(c, f)
	if err != nil {
		return err
	}
	return c.Show(v.role.Name, rolePage(c, v))
}

// roleEdit is the form of a role: what is there, or what a new one begins as.
type roleEdit struct {
	effects

	role     client.Role
	from     client.Role
	products []choices
	prices   prices
	users    string
	isNew    bool
}

func showNewRole(c *web.Context, f *view.Form) error {
	from := f.Default("from", c.Query().Get("from"))
	var roles client.Answer[client.RolePage]
	var catalog client.Answer[client.CatalogItemPage]
	var copied client.Answer[client.Role]
	calls := []func(context.Context) error{metered(c, &catalog)}
	if from == "" {
		calls = append(calls, listRoles(c, &roles))
	} else {
		calls = append(calls, client.Into(&copied, func(ctx context.Context) (client.Answer[client.Role], error) {
			return c.API.GetRole(ctx, from)
		}))
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	if from == "" {
		return c.Show("New role", chooseRolePage(c, roles.Body.Items))
	}
	if err := inCurrency(c, &catalog); err != nil {
		return err
	}
	e := roleEdit{role: copied.Body, from: copied.Body, prices: pricesOf(catalog.Body.Items), isNew: true}
	e.products = withPrices(c.Format(), meteredChoices(catalog.Body.Items), e.prices)
	e.role.ID, e.role.Name = "", "Copy of "+copied.Body.Name
	return c.Show("New role", roleEditPage(c, f, e))
}

// A new role is nobody's yet, so it changes nothing for anybody.
func sendNewRole(c *web.Context, f *view.Form) error {
	id := idFor(f, "role")
	body := client.PutRoleRequest{
		Name: trimmed(f, "name"), Permissions: several(f, "permissions"), Licenses: several(f, "licenses"),
	}
	if _, err := c.API.PutRole(c.R.Context(), id, body, newThing(c, f)); err != nil {
		return taken(err, id, "role")
	}
	return c.Done(c.Link("directory", "roles", id), web.Good("The role "+body.Name+" is made.",
		"Give it to people by editing them in the Directory."))
}

func showEditRole(c *web.Context, f *view.Form) error {
	var told effects
	var calls []func(context.Context) error
	if tells(f) {
		calls = foretell(c, f, &told, editsRole(c, f))
	}
	v, err := loadRole(c, f, calls...)
	if err != nil {
		return err
	}
	for _, u := range v.users.Items {
		told.knows(u.ID, u.Name)
	}
	e := roleEdit{
		role: v.role, products: withPrices(c.Format(), v.products, v.prices), prices: v.prices, users: v.havers(c),
		effects: told,
	}
	f.Shows(roleRows(f, e))
	return c.Show("Edit "+v.role.Name, roleEditPage(c, f, e))
}

// editsRole is the request that changes a role as the form says.
func editsRole(c *web.Context, f *view.Form) func(context.Context, client.Change) (client.Answer[client.Role], error) {
	name := trimmed(f, "name")
	body := client.PatchRoleRequest{
		Name: &name, Permissions: several(f, "permissions"), Licenses: several(f, "licenses"),
	}
	return func(ctx context.Context, change client.Change) (client.Answer[client.Role], error) {
		return c.API.PatchRole(ctx, c.Param("id"), body, change)
	}
}

func sendEditRole(c *web.Context, f *view.Form) error {
	if sees(f) {
		return showEditRole(c, f)
	}
	hold(f)
	r, err := editsRole(c, f)(c.R.Context(), c.Change(f))
	if err != nil {
		return err
	}
	return c.Done(c.Link("directory", "roles", c.Param("id")), web.Good("The role "+r.Body.Name+" is saved.",
		"It counts at once for everybody who has it; metered products follow in a moment."))
}

// roleRows are both versions of a role, for who changed one while somebody else did.
func roleRows(f *view.Form, e roleEdit) []view.Both {
	return []view.Both{
		{Label: "Name", Yours: f.Get("name"), Theirs: e.role.Name, There: view.There("name", e.role.Name)},
		chosenRow(f, "Permissions", "permissions", permissionChoices(), e.role.Permissions),
		chosenRow(f, "Metered products", "licenses", e.products, e.role.Licenses),
	}
}

func (e roleEdit) action(c *web.Context) string {
	if e.isNew {
		return c.Link("directory", "roles", "new")
	}
	return c.Link("directory", "roles", e.role.ID, "edit")
}

func (e roleEdit) back(c *web.Context) string {
	if e.isNew {
		return c.Link("directory", "roles")
	}
	return c.Link("directory", "roles", e.role.ID)
}

func (e roleEdit) submit() string {
	if e.isNew {
		return "Make the role"
	}
	return "Save"
}

func showDeleteRole(c *web.Context, f *view.Form) error {
	v, err := loadRole(c, f)
	if err != nil {
		return err
	}
	return c.Show("Delete "+v.role.Name, deleteRolePage(c, f, v))
}

func sendDeleteRole(c *web.Context, f *view.Form) error {
	if _, err := c.API.DeleteRole(c.R.Context(), c.Param("id"), c.Change(f)); err != nil {
		return err
	}
	return c.Done(c.Link("directory", "roles"), web.Good("The role "+c.Param("id")+" is deleted."))
}
