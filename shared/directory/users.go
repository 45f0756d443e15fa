package directory

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/wallboard"
)

// Service carries out the use cases of the directory.
type Service struct {
	env       *app.Env
	kernel    *license.Service
	inventory *inventory.Service
	products  *catalog.Catalog
}

// NewService makes the directory's service; grants go through the kernel.
func NewService(env *app.Env, kernel *license.Service) *Service {
	return &Service{
		env: env, kernel: kernel, inventory: inventory.NewService(kernel.Products()), products: kernel.Products(),
	}
}

// UserChange is what a PUT says of a user: what is nil stays as it is, or has its default in a new
// user (requirements, section 6).
type UserChange struct {
	ID, Name, Email   string
	Extension, Number *string
	CostCenter        *string
	RoleIDs, Licenses *[]string
	AdminOf           *[]string
	Active            *bool
	// AgentSource may be empty: it stays while the user keeps agent-user.
	AgentSource string
}

// whole is the change that makes a user exactly this one.
func whole(u User) UserChange {
	return UserChange{
		ID:          u.ID,
		Name:        u.Name,
		Email:       u.Email,
		Extension:   &u.Extension,
		Number:      &u.Number,
		CostCenter:  &u.CostCenter,
		RoleIDs:     &u.RoleIDs,
		AdminOf:     &u.AdminOfCostCenters,
		Licenses:    &u.Licenses,
		Active:      &u.Active,
		AgentSource: u.AgentSource,
	}
}

// of is the user that the change makes of another, nil for a new one.
func (n UserChange) of(before *User) User {
	u := User{ID: n.ID, Name: n.Name, Email: n.Email, Active: true, AgentSource: n.AgentSource}
	if before != nil {
		u.Extension, u.Number, u.CostCenter = before.Extension, before.Number, before.CostCenter
		u.RoleIDs, u.Licenses, u.Active = before.RoleIDs, before.Licenses, before.Active
		u.AdminOfCostCenters = before.AdminOfCostCenters
	}
	if n.AdminOf != nil {
		u.AdminOfCostCenters = *n.AdminOf
	}
	if n.Active != nil {
		u.Active = *n.Active
	}
	if n.RoleIDs != nil {
		u.RoleIDs = *n.RoleIDs
	}
	if n.Licenses != nil {
		u.Licenses = *n.Licenses
	}
	if n.Number != nil {
		u.Number = *n.Number
	}
	if n.CostCenter != nil {
		u.CostCenter = *n.CostCenter
	}
	if n.Extension != nil {
		if u.Extension = *n.Extension; n.Number == nil && u.Extension == "" {
			u.Number = "" // the number is the extension's
		}
	}
	u.RoleIDs, u.Licenses = unique(u.RoleIDs), unique(u.Licenses)
	u.AdminOfCostCenters = unique(u.AdminOfCostCenters)
	if !slices.Contains(u.Licenses, catalog.AgentUserID) {
		if before != nil && u.AgentSource == before.AgentSource {
			u.AgentSource = ""
		}
	} else if u.AgentSource == "" {
		if u.AgentSource = manual; before != nil && before.AgentSource != "" {
			u.AgentSource = before.AgentSource
		}
	}
	return u
}

// manual is where agent-user comes from unless it is said otherwise.
const manual = "manual"

// PutUser makes a user exactly this one. Names and extensions reach the licenses held in the same
// commit; deactivating releases everything in one step (requirements, section 6). Who is not active
// holds nothing, whatever licenses are named.
//
// Errors: validation, email-in-use, extension-in-use, number-in-use, mutually-exclusive,
// base-license-required, precondition-failed; wrong-state for more than can be done at once, and
// for the last active super-admin.
func (s *Service) PutUser(ctx context.Context, c *call.Call, u User) (call.Stored[User], error) {
	return s.ChangeUser(ctx, c, whole(u))
}

// ChangeUser is PutUser of what the change names. A user who is as it says already is not written.
//
// Errors: those of PutUser.
func (s *Service) ChangeUser(ctx context.Context, c *call.Call, n UserChange) (call.Stored[User], error) {
	var d *UserDryRun
	stays := n.Active == nil || *n.Active
	err := s.leaving(ctx, c, n.ID, stays, func(ctx context.Context, c *call.Call) (err error) {
		if d, err = s.DryRunUser(ctx, c, n, nil); err != nil {
			return err
		}
		if !d.changes {
			return c.Commit(ctx, call.Told(d.After, d.Version))
		}
		return commitWhole(ctx, d.ch, d.stored(c).Answer(), d.ops)
	})
	if err != nil {
		return call.Stored[User]{}, err
	}
	if d.changes && (d.Made || d.After.Active || d.ended) {
		if _, err := s.soon(
			ctx,
			c,
			func(ctx context.Context) error { return s.ResumeUsers(ctx, c.Account, n.ID) },
		); err != nil {
			return call.Stored[User]{}, err
		}
	}
	return d.stored(c), nil
}

// version is that of the user when the dry run is committed.
func (d *UserDryRun) version(c *call.Call) int64 {
	if !d.changes {
		return d.Version
	}
	return c.NextVersion(!d.Made, d.Version)
}

// stored is the user as the dry run's commit leaves them.
func (d *UserDryRun) stored(c *call.Call) call.Stored[User] {
	return call.Stored[User]{Value: d.After, Version: d.version(c), Created: d.Made}
}

// DryRunUser decides what ChangeUser does. The user may take an extension and a number from somebody
// who yields them; until they give them up themselves, they have none. Yields may be nil, and nobody
// does.
//
// Errors: those of ChangeUser.
func (s *Service) DryRunUser(ctx context.Context, c *call.Call, n UserChange, yields Yields) (*UserDryRun, error) {
	ch := s.kernel.Change(c)
	// a role that the user loses here may be giving them something in this moment, by the profile
	// as it was
	ch.RequireUnchanged(n.ID)
	l, err := s.loadUser(ctx, c, ch, n)
	if err != nil {
		return nil, err
	}
	d := &UserDryRun{Version: l.item.Version, Made: !l.exists, ch: ch, changes: true}
	var was *User
	if l.exists {
		d.Before = s.presentIn(ch, l.before)
		was = &d.Before
	}
	u, err := s.wanted(c, ch, l, n, was)
	if err == nil {
		err = theirCostCenter(ctx, u.CostCenter)
	}
	if err != nil {
		return nil, err
	}
	if l.exists && d.Before.same(u) {
		d.After, d.changes = d.Before, false
		return d, nil
	}
	if n.RoleIDs == nil {
		if err := s.loadRoles(ctx, c, u.RoleIDs, l.found); err != nil {
			return nil, err
		}
	}
	roles, err := s.rolesFrom(c, u.RoleIDs, d.Before.RoleIDs, l.found)
	if err != nil {
		return nil, err
	}
	after := profileOf(u, c.At)
	if err := s.rightsWithin(ctx, c, l, after); err != nil {
		return nil, err
	}
	if yields != nil {
		if err := d.take(ctx, c, u, yields); err != nil {
			return nil, err
		}
	}
	if err := keepsPhone(ch, u, d.Before); err != nil {
		return nil, err
	}
	e := entitlement{user: after, roles: roles, own: u.Licenses}
	if slices.Equal(e.own, d.Before.Licenses) {
		e.own = nil // also those that a role's product keeps them from having now
	}
	if err := s.place(ctx, ch, u, e); err != nil {
		return nil, err
	}
	if err := s.write(ctx, c, d, l, after); err != nil {
		return nil, err
	}
	return d, nil
}

// profileOf is what the directory keeps of a user.
func profileOf(u User, at time.Time) profile {
	return profile{
		ID:          u.ID,
		Name:        u.Name,
		Email:       u.Email,
		RoleIDs:     u.RoleIDs,
		Active:      u.Active,
		AgentSource: u.AgentSource,
		ChangedAt:   at,

		AdminOfCostCenters: u.AdminOfCostCenters,
	}
}

// loadUser loads what a change of a user is decided on: the user, whether they are there or not, the
// roles and the e-mail address that the change names, and what goes with somebody who leaves.
//
// Errors: validation, precondition-failed.
func (s *Service) loadUser(
	ctx context.Context, c *call.Call, ch *license.UnitOfWork, n UserChange,
) (*loadedUser, error) {
	keys := []table.Key{
		access.UserKey(c.Account, n.ID),
		MonitoredKey(c.Account, n.ID),
		adminsKey(c.Account),
		wallboard.FleetKey(c.Account, n.ID),
		access.Forgetting.Key(c.Account, n.ID),
	}
	if n.RoleIDs != nil {
		for _, role := range unique(*n.RoleIDs) {
			if auth.ValidID(role) { // any other is no role, and may not fit the table's keys
				keys = append(keys, access.RoleKey(c.Account, role))
			}
		}
	}
	if len(keys) > maxNamed {
		return nil, problem.Invalid("roleIds", problem.TooMany, "must be at most 20")
	}
	if n.AdminOf != nil {
		keys = append(keys, limitKeys(c.Account, *n.AdminOf)...)
	}
	if n.Email != "" {
		keys = append(keys, emailKey(c.Account, n.Email))
	}
	need := license.Need{Users: []string{n.ID}, Also: keys}
	if n.CostCenter != nil && auth.ValidID(*n.CostCenter) {
		need.CostCenter = *n.CostCenter
	}
	found, err := ch.Load(ctx, need)
	if err != nil {
		return nil, err
	}
	item, exists := found[access.UserKey(c.Account, n.ID)]
	if exists {
		if err := theirHolder(ctx, ch, n.ID); err != nil {
			return nil, err
		}
	}
	if _, forgetting := found[access.Forgetting.Key(c.Account, n.ID)]; forgetting && !exists {
		return nil, problem.New(problem.WrongState, "Somebody of this id is being forgotten; wait for two nights.")
	}
	if err := c.Matches(exists, item.Version); err != nil {
		return nil, err
	}
	l := &loadedUser{item: item, exists: exists, found: found}
	if exists {
		if l.before, err = call.Decode[profile](item); err != nil {
			return nil, err
		}
	}
	l.watch, err = loadWatch(found, c, n.ID)
	return l, err
}

// wanted is the user that a change makes of one who is there, or of nil.
//
// Errors: validation.
func (s *Service) wanted(
	c *call.Call, ch *license.UnitOfWork, l *loadedUser, n UserChange, was *User,
) (User, error) {
	u := n.of(was)
	var before User
	if was != nil {
		before = *was
	}
	sent := u // with its list in the order of the caller, in which a fault has its index
	if n.Licenses != nil {
		sent.Licenses = *n.Licenses
	}
	fault := CheckUser(sent, before, s.products)
	if u.CostCenter != "" && u.CostCenter != before.CostCenter && !ch.HasCostCenter(u.CostCenter) {
		unknown := problem.Invalid("costCenter", problem.UnknownID, "must be the code of a cost center of this account")
		fault = problem.Together(fault, unknown)
	}
	if n.RoleIDs != nil {
		fault = problem.Together(fault, noRoles(c, *n.RoleIDs, before.RoleIDs, l.found))
	}
	if n.AdminOf != nil {
		fault = problem.Together(fault, noCostCenters(c, *n.AdminOf, before.AdminOfCostCenters, l.found))
	}
	if !u.Active { // who is not active holds nothing
		u.Licenses, u.AgentSource = []string{}, ""
	}
	return u, fault
}

// write adds to a dry run what the directory writes when the kernel has placed the user: the profile,
// the e-mail address, and what ends or begins with it.
func (s *Service) write(ctx context.Context, c *call.Call, d *UserDryRun, l *loadedUser, after profile) error {
	holder, err := d.ch.Holder(after.ID)
	if err != nil {
		return err
	}
	if agent := holder.Holdings[catalog.AgentUserID]; agent != nil {
		after.AgentLicense = agent.LicenseID
	}
	ops, err := s.userOperations(c, l, after)
	if err != nil {
		return err
	}
	addresses, err := moveEmail(ctx, c, d.ch, l, after)
	if err != nil {
		return err
	}
	d.ops = slices.Concat(d.ops, ops, addresses)
	if l.exists && l.before.Active && !after.Active {
		if err := s.stopWatching(ctx, d.ch, l.watch, after.ID); err != nil {
			return err
		}
		if err := d.endDevices(c, l.found, after.ID); err != nil {
			return err
		}
	}
	admins, err := adminOperations(c, l, after)
	if err != nil {
		return err
	}
	d.ops = append(d.ops, admins...)
	if after.Active && !l.before.Active {
		d.ops = append(d.ops, marker(c, userMarkers, after.ID))
	}
	watched, err := l.watch.operations()
	if err != nil {
		return err
	}
	d.ops = slices.Concat(d.ops, watched, rolesUnchanged(c, l, after))
	d.After = s.presentIn(d.ch, after)
	return nil
}

// keepsPhone refuses to take the extension of who stays active and holds a phone, which is tied to it
// (requirements, section 2): the license would go on being charged, for a phone that nobody can call.
//
// Errors: license-in-use.
func keepsPhone(ch *license.UnitOfWork, u, before User) error {
	if u.Extension != "" || before.Extension == "" || !u.Active {
		return nil
	}
	holder, err := ch.Holder(u.ID)
	if err != nil || !holder.Holds(catalog.PhoneSystemID) {
		return nil //nolint:nilerr // who is not there holds nothing
	}
	p := problem.New(problem.LicenseInUse, "The user holds a Phone System license, which is tied to the extension. Unassign it first, or give another extension.")
	p.Fields = []problem.Field{problem.Fault("extension", problem.Refused, "is that of a Phone System license")}
	return p
}

// maxNamed bounds how many roles are looked for at once; more than MaxRoles are refused anyway,
// unless they are stored.
const maxNamed = table.MaxKeysPerLookup - 10

// same says whether a user who is to be is the one who is there.
func (u User) same(other User) bool {
	return u.Name == other.Name &&
		u.Email == other.Email &&
		u.Extension == other.Extension &&
		u.Number == other.Number &&
		u.Active == other.Active &&
		u.CostCenter == other.CostCenter &&
		u.AgentSource == other.AgentSource &&
		slices.Equal(u.RoleIDs, other.RoleIDs) &&
		slices.Equal(u.AdminOfCostCenters, other.AdminOfCostCenters) &&
		slices.Equal(u.Licenses, other.Licenses)
}

// loadRoles reads the roles that a user keeps.
func (s *Service) loadRoles(ctx context.Context, c *call.Call, ids []string, found map[table.Key]table.Item) error {
	keys := make([]table.Key, 0, len(ids))
	for _, id := range ids {
		if id != SuperAdmin {
			keys = append(keys, access.RoleKey(c.Account, id))
		}
	}
	more, err := s.lookup(ctx, keys)
	maps.Copy(found, more)
	return err
}

// presentIn is a user as a change has them.
func (s *Service) presentIn(ch *license.UnitOfWork, p profile) User {
	holder, err := ch.Holder(p.ID)
	if err != nil { // a profile alone: the change makes the holder
		holder = nil
	}
	return s.present(p, holder)
}

// noRoles names the ids that are no role that the user may have: not there, and not had before.
func noRoles(c *call.Call, ids, before []string, found map[table.Key]table.Item) error {
	return strangers("roleIds", "role", ids, func(i int) bool {
		_, ok := found[access.RoleKey(c.Account, ids[i])]
		return !ok && ids[i] != SuperAdmin && !slices.Contains(before, ids[i])
	})
}

// limitKeys are the cost centers of a limit as it was sent, to see whether they exist. More than may
// be are not looked for, since they are refused.
func limitKeys(account string, codes []string) []table.Key {
	var keys []table.Key
	for _, code := range unique(codes) {
		if auth.ValidID(code) && len(keys) < maxLimit {
			keys = append(keys, license.CostCenterKey(account, code))
		}
	}
	return keys
}

// noCostCenters names the codes that are no cost center that the user may be admin of: not there, and
// not named before.
func noCostCenters(c *call.Call, codes, before []string, found map[table.Key]table.Item) error {
	if len(unique(codes)) > maxLimit {
		return nil // it is refused for that
	}
	return strangers("adminOfCostCenters", "cost center", codes, func(i int) bool {
		_, ok := found[license.CostCenterKey(c.Account, codes[i])]
		return !ok && !slices.Contains(before, codes[i])
	})
}

// rolesFrom reads the roles out of what was found; each must exist, but for those that the user had
// before.
func (s *Service) rolesFrom(
	c *call.Call,
	ids, before []string,
	found map[table.Key]table.Item,
) (map[string]Role, error) {
	roles := make(map[string]Role, len(ids))
	if err := noRoles(c, ids, before, found); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if id == SuperAdmin {
			roles[id] = superAdmin()
			continue
		}
		item, ok := found[access.RoleKey(c.Account, id)]
		if !ok {
			continue // it was deleted a moment ago, and is taken from its users
		}
		r, err := call.Decode[Role](item)
		if err != nil {
			return nil, err
		}
		roles[id] = r
	}
	return roles, nil
}

// rolesUnchanged demands of the roles that count for the user only from this commit on that they
// are as they were read: whoever changes or deletes one at the same time does not find the user
// among those who have it. Of the others, refreshRoles sees to it.
func rolesUnchanged(c *call.Call, l *loadedUser, after profile) []table.Operation {
	fresh := without(after.RoleIDs, l.before.RoleIDs)
	if after.Active && !l.before.Active {
		fresh = after.RoleIDs
	}
	var checks []table.Operation
	for _, id := range fresh {
		if item, ok := l.found[access.RoleKey(c.Account, id)]; ok && id != SuperAdmin {
			checks = append(checks, table.Check(item.Key, table.IfVersion(item.Version)))
		}
	}
	return checks
}

// userOperations write the profile, its places in the indexes, and who has which role.
func (s *Service) userOperations(c *call.Call, l *loadedUser, after profile) ([]table.Operation, error) {
	data, err := call.Encode(after)
	if err != nil {
		return nil, err
	}
	put := table.Item{Key: access.UserKey(c.Account, after.ID), Data: data}
	var was any
	if l.exists {
		was = told(l.before)
	}
	ops := []table.Operation{c.Put(put, l.exists, l.item.Version)}
	if !l.exists {
		ops = append(ops, table.Check(access.Forgetting.Key(c.Account, after.ID), table.IfAbsent))
	}
	for _, role := range without(after.RoleIDs, l.before.RoleIDs) {
		ops = append(
			ops,
			table.Put(table.Item{Key: roleUserKey(c.Account, role, after.ID), Data: []byte(`{}`)}, table.Always),
		)
	}
	for _, role := range without(l.before.RoleIDs, after.RoleIDs) {
		ops = append(ops, table.Delete(roleUserKey(c.Account, role, after.ID), table.Always))
	}
	audit, err := c.Audit(
		call.AuditEntry{
			Action:    "user.put",
			Subject:   "user",
			SubjectID: after.ID,
			User:      after.ID,
			Before:    was,
			After:     told(after),
		},
	)
	if err != nil {
		return nil, err
	}
	return append(ops, audit), nil
}

// userState is what an audit entry says of a user's profile; licenses and extension have entries of
// their own.
type userState struct {
	Name        string   `json:"name"`
	Email       string   `json:"email,omitempty"`
	RoleIDs     []string `json:"roleIds,omitempty"`
	Active      bool     `json:"active"`
	AgentSource string   `json:"agentSource,omitempty"`
	AdminOf     []string `json:"adminOfCostCenters,omitempty"`
}

func told(p profile) userState {
	return userState{
		Name: p.Name, Email: p.Email, RoleIDs: p.RoleIDs, Active: p.Active, AgentSource: p.AgentSource,
		AdminOf: p.AdminOfCostCenters,
	}
}

// place makes the kernel's holder agree with the profile: name, activity, extension, what the roles
// carry and what the user has of their own.
func (s *Service) place(ctx context.Context, ch *license.UnitOfWork, u User, e entitlement) error {
	person := license.Person{
		UserID: u.ID, Name: u.Name, Email: u.Email, Active: u.Active, CostCenter: u.CostCenter,
	}
	if err := ch.Put(ctx, person); err != nil {
		return err
	}
	if err := ch.Extend(ctx, u.ID, u.Extension, u.Number); err != nil {
		return err
	}
	return s.applyRoles(ctx, ch, e)
}

// ownOf lists the metered products that a person gave to a holder, whether they are held now or
// not.
func (s *Service) ownOf(h *license.Holder) []string {
	var own []string
	for product, holding := range h.Holdings {
		if q, ok := s.products.Lookup(product); ok && q.Kind == catalog.Metered && direct(holding) {
			own = append(own, product)
		}
	}
	return own
}

func direct(holding *license.Holding) bool {
	return slices.ContainsFunc(holding.Grants, func(g license.Grant) bool { return g.Source == license.Direct })
}

// entitlement is what a user's metered grants follow from.
type entitlement struct {
	user profile
	// roles are those of the profile, by id.
	roles map[string]Role
	// own are the products that a person gave; nil leaves those that are held as they are.
	own []string
	// refused decides about a product that the user cannot hold beside the others: the error that it
	// returns ends the change, and nil leaves that product out. Without it, any error ends the change.
	refused func(product string, err error) error
}

// applyRoles makes a user's metered grants those of their own and of their roles; it ends the
// viewer's grant when no role allows viewing any more.
func (s *Service) applyRoles(ctx context.Context, ch *license.UnitOfWork, e entitlement) error {
	holder, err := ch.Holder(e.user.ID)
	if err != nil {
		return err
	}
	wanted := s.wantedGrants(holder, e)
	for _, g := range s.outdated(holder, e, wanted) {
		if err := ch.Withdraw(ctx, e.user.ID, g.product, g.source); err != nil {
			return err
		}
	}
	// What went with something else, as an add-on goes with its base, is given again.
	for product, holding := range holder.Holdings {
		for _, g := range holding.Grants {
			delete(wanted, grant{product, g.Source})
		}
	}
	// In the catalog's order a product comes after what it requires; what a role carries can be
	// required by the user's own.
	sources := slices.SortedFunc(maps.Keys(wanted), func(a, b grant) int { return strings.Compare(a.source, b.source) })
	for _, ofRole := range []bool{true, false} {
		for _, q := range s.products.Products() {
			for _, g := range sources {
				if g.product != q.ID || (g.source != license.Direct) != ofRole {
					continue
				}
				err := ch.Grant(ctx, e.user.ID, g.product, g.source)
				if err != nil && e.refused != nil {
					err = e.refused(g.product, err)
				}
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// grant is a product and why a user has it.
type grant struct{ product, source string }

// wantedGrants are the metered grants that a user is to have.
func (s *Service) wantedGrants(holder *license.Holder, e entitlement) map[grant]bool {
	wanted := map[grant]bool{}
	if !e.user.Active {
		return wanted
	}
	for id, role := range e.roles {
		for _, product := range role.Licenses {
			wanted[grant{product, license.RoleGrant(id)}] = true
		}
	}
	own := e.own
	if own == nil {
		own = s.ownOf(holder)
	}
	for _, product := range own {
		wanted[grant{product, license.Direct}] = true
	}
	return wanted
}

// outdated are the grants that a user has and is not to have any more, in a fixed order.
func (s *Service) outdated(holder *license.Holder, e entitlement, wanted map[grant]bool) []grant {
	var gone []grant
	for product, holding := range holder.Holdings {
		q, ok := s.products.Lookup(product)
		if !ok {
			continue
		}
		for _, g := range holding.Grants {
			this := grant{product, g.Source}
			switch {
			case wanted[this]:
			case q.Kind == catalog.Metered && (g.Source == license.Direct || strings.HasPrefix(g.Source, "role:")):
				gone = append(gone, this)
			case g.Source == license.View && !mayView(e.user.RoleIDs, e.roles):
				gone = append(gone, this)
			}
		}
	}
	slices.SortFunc(gone, func(a, b grant) int { return strings.Compare(a.product+a.source, b.product+b.source) })
	return gone
}

// present is a user as docs/contract.md shows it. Their licenses are the metered products that they
// hold directly, however these came (requirements, section 6), so they are read from what is held
// and kept nowhere else.
func (s *Service) present(p profile, h *license.Holder) User {
	u := User{
		ID:       p.ID,
		Name:     p.Name,
		Email:    p.Email,
		RoleIDs:  unique(p.RoleIDs),
		Active:   p.Active,
		Licenses: []string{},
		Holdings: []UserLicense{},

		AdminOfCostCenters: unique(p.AdminOfCostCenters),
	}
	if h == nil {
		return u
	}
	u.Extension, u.Number, u.CostCenter = h.Extension, h.Number, h.CostCenter
	for _, product := range slices.Sorted(maps.Keys(h.Holdings)) {
		if holding := h.Holdings[product]; holding.LicenseID != "" {
			u.Holdings = append(
				u.Holdings,
				UserLicense{LicenseID: holding.LicenseID, ProductID: product, Grants: holding.Grants},
			)
			if q, ok := s.products.Lookup(product); ok && q.Kind == catalog.Metered && direct(holding) {
				u.Licenses = append(u.Licenses, product)
			}
		}
	}
	if slices.Contains(u.Licenses, catalog.AgentUserID) {
		if u.AgentSource = p.AgentSource; u.AgentSource == "" ||
			p.AgentLicense != h.Holdings[catalog.AgentUserID].LicenseID {
			u.AgentSource = manual
		}
	}
	return u
}

// GetUser reads a user and the version of their profile.
//
// Errors: not-found, also for one who is not theirs for an admin of some cost centers.
func (s *Service) GetUser(ctx context.Context, c *call.Call, id string) (User, int64, error) {
	found, err := c.Lookup(ctx, access.UserKey(c.Account, id), license.HolderKey(c.Account, id))
	if err != nil {
		return User{}, 0, err
	}
	item, ok := found[access.UserKey(c.Account, id)]
	if !ok {
		return User{}, 0, problem.Missing("user")
	}
	u, err := s.presentItem(c, item, found)
	if err == nil {
		err = theirUser(ctx, u.CostCenter)
	}
	return u, item.Version, err
}

func (s *Service) presentItem(c *call.Call, item table.Item, found map[table.Key]table.Item) (User, error) {
	p, err := call.Decode[profile](item)
	if err != nil {
		return User{}, err
	}
	held, ok := found[license.HolderKey(c.Account, p.ID)]
	if !ok {
		return s.present(p, nil), nil
	}
	h, err := call.Decode[license.Holder](held)
	if err != nil {
		return User{}, err
	}
	return s.present(p, &h), nil
}

// ListUsers lists users by id; or those whom the kernel finds by q: by extension, number, or a word
// of name, id or e-mail address.
func (s *Service) ListUsers(ctx context.Context, c *call.Call, q, after string, limit int) ([]User, string, error) {
	if q != "" {
		return s.findUsers(ctx, c, q, after, limit)
	}
	page, err := s.env.Table.Query(
		ctx, table.Query{Partition: access.UsersPartition(c.Account), After: after, Limit: limit},
	)
	if err != nil {
		return nil, "", err
	}
	keys := make([]table.Key, len(page.Items))
	for i, item := range page.Items {
		keys[i] = license.HolderKey(c.Account, item.Sort)
	}
	found, err := s.lookup(ctx, keys)
	if err != nil {
		return nil, "", err
	}
	users := make([]User, len(page.Items))
	for i, item := range page.Items {
		if users[i], err = s.presentItem(c, item, found); err != nil {
			return nil, "", err
		}
	}
	return users, page.Next, nil
}

// UsersNamed lists the users of some ids, by id; one that is not there is left out. The position is
// the last id of the page before.
func (s *Service) UsersNamed(
	ctx context.Context, c *call.Call, ids []string, after string, limit int,
) ([]User, string, error) {
	ids, next := pageOfIDs(ids, auth.ValidUserID, after, limit)
	users, err := s.usersOf(ctx, c, ids)
	return users, next, err
}

// UsersWithRole lists who has a role, by id.
//
// Errors: table.ErrCursor for a position of another list.
func (s *Service) UsersWithRole(
	ctx context.Context, c *call.Call, role, after string, limit int,
) ([]User, string, error) {
	if !auth.ValidID(role) {
		return nil, "", nil
	}
	query := table.Query{Partition: roleUsersPartition(c.Account, role), After: after, Limit: limit}
	page, err := s.env.Table.Query(ctx, query)
	if err != nil {
		return nil, "", err
	}
	users, err := s.usersOf(ctx, c, idsOf(page.Items))
	return users, page.Next, err
}

// usersOf reads users by their ids, in that order; who is not there is left out.
func (s *Service) usersOf(ctx context.Context, c *call.Call, ids []string) ([]User, error) {
	keys := make([]table.Key, 0, 2*len(ids))
	for _, id := range ids {
		keys = append(keys, access.UserKey(c.Account, id), license.HolderKey(c.Account, id))
	}
	found, err := s.lookup(ctx, keys)
	if err != nil {
		return nil, err
	}
	users := make([]User, 0, len(ids))
	for _, id := range ids {
		item, there := found[access.UserKey(c.Account, id)]
		if !there {
			continue
		}
		u, err := s.presentItem(c, item, found)
		if err != nil {
			return nil, err
		}
		users = append(users, u)
	}
	return users, nil
}

// pageOfIDs is a page of ids that somebody asked for: sorted, each once, without those that nothing
// of the kind can have. The second answer is the id behind which the next page begins; empty when
// there is none.
func pageOfIDs(ids []string, valid func(id string) bool, after string, limit int) (page []string, next string) {
	ids = slices.DeleteFunc(unique(ids), func(id string) bool { return id <= after || !valid(id) })
	if len(ids) <= limit {
		return ids, ""
	}
	return ids[:limit], ids[limit-1]
}

// findUsers is ListUsers of what is searched.
func (s *Service) findUsers(ctx context.Context, c *call.Call, q, after string, limit int) ([]User, string, error) {
	holders, next, err := s.inventory.Found(ctx, c, q, after, limit)
	if err != nil {
		return nil, "", err
	}
	keys := make([]table.Key, len(holders))
	for i, h := range holders {
		keys[i] = access.UserKey(c.Account, h.UserID)
	}
	profiles, err := s.lookup(ctx, keys)
	if err != nil {
		return nil, "", err
	}
	users := make([]User, 0, len(holders))
	for i, key := range keys {
		item, ok := profiles[key]
		if !ok {
			continue // deleted between the two reads
		}
		p, err := call.Decode[profile](item)
		if err != nil {
			return nil, "", err
		}
		users = append(users, s.present(p, &holders[i]))
	}
	return users, next, nil
}

func (s *Service) lookup(ctx context.Context, keys []table.Key) (map[table.Key]table.Item, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	return s.env.Table.Lookup(ctx, keys...)
}

// DeleteUser removes a user: every license goes back and every grant ends in one commit; the
// memberships in call queues follow.
//
// Errors: not-found; forbidden, also for an admin of some cost centers who deletes themselves;
// wrong-state for the last active super-admin.
func (s *Service) DeleteUser(ctx context.Context, c *call.Call, id string) error {
	err := s.leaving(ctx, c, id, false, func(ctx context.Context, c *call.Call) error {
		ch := s.kernel.Change(c)
		l, err := s.loadLeaver(ctx, c, ch, id)
		if err != nil {
			return err
		}
		if err := s.rightsWithin(ctx, c, l, profile{}); err != nil {
			return err
		}
		if err := keepsLimit(ctx, c, id); err != nil {
			return err
		}
		holder, err := ch.Holder(id)
		if err != nil {
			return err
		}
		gone := Gone{Name: l.before.Name, Extension: holder.Extension, Email: l.before.Email}
		if err := s.stopWatching(ctx, ch, l.watch, id); err != nil {
			return err
		}
		if err := ch.Remove(ctx, id); err != nil {
			return err
		}
		ops, err := goneOperations(c, l, gone)
		if err != nil {
			return err
		}
		address, err := giveUpEmail(ctx, c, ch, id, gone.Email)
		if err != nil {
			return err
		}
		return commitWhole(ctx, ch, call.Gone(), append(ops, address...))
	})
	if err != nil {
		return err
	}
	_, err = s.soon(ctx, c, func(ctx context.Context) error { return s.ResumeUsers(ctx, c.Account, id) })
	return err
}

// goneOperations delete a user's profile and what hangs on it, and keep what reports still name.
//
// Errors: wrong-state for the last active super-admin.
func goneOperations(c *call.Call, l *loadedUser, gone Gone) ([]table.Operation, error) {
	id := l.before.ID
	keep, err := remember(c, goneUser, id, gone)
	if err != nil {
		return nil, err
	}
	ops := []table.Operation{
		table.Delete(l.item.Key, table.IfVersion(l.item.Version)),
		keep,
		marker(c, userMarkers, id),
	}
	for _, role := range l.before.RoleIDs {
		ops = append(ops, table.Delete(roleUserKey(c.Account, role, id), table.Always))
	}
	admins, err := adminOperations(c, l, profile{})
	if err != nil {
		return nil, err
	}
	devices, _, err := wallboard.End(c, l.found, id)
	if err != nil {
		return nil, err
	}
	audit, err := c.Audit(call.AuditEntry{
		Action: "user.deleted", Subject: "user", SubjectID: id, User: id, Before: told(l.before),
	})
	if err != nil {
		return nil, err
	}
	watched, err := l.watch.operations()
	return append(slices.Concat(ops, admins, devices, watched), audit), err
}

// watch is the record of when a user was a monitored member, loaded for a change.
type watch struct {
	account string
	stored  func() time.Time
	key     table.Key
	exists  bool
	version int64
	changed bool
	now     Monitored
}

// stillMonitored stands for a day that has not come, behind all that have.
const stillMonitored = "open"

func loadWatch(found map[table.Key]table.Item, c *call.Call, user string) (*watch, error) {
	w := &watch{
		account: c.Account, stored: c.Env.Stored, key: MonitoredKey(c.Account, user), now: Monitored{UserID: user},
	}
	item, ok := found[w.key]
	if !ok {
		return w, nil
	}
	now, err := call.Decode[Monitored](item)
	if err != nil {
		return nil, err
	}
	w.exists, w.version, w.now = true, item.Version, now
	return w, nil
}

func (w *watch) operations() ([]table.Operation, error) {
	if !w.changed || len(w.now.Queues) == 0 {
		return nil, nil
	}
	data, err := call.Encode(w.now)
	if err != nil {
		return nil, err
	}
	cond := table.IfAbsent
	if w.exists {
		cond = table.IfVersion(w.version)
	}
	item := table.Item{Key: w.key, Data: data}
	until := stillMonitored
	if last, ended := w.now.Queues.Ended(); ended {
		until, item.Expires = last.UTC().Format(time.DateOnly), last.Add(keepIntervals).Unix()
	}
	item.IndexKeys[0] = table.Key{Partition: monitoredUntil(w.account), Sort: until + "#" + w.now.UserID}
	changed := call.AuditMoment(w.stored()) // not the time of the call, which may have been handed on and have waited
	item.IndexKeys[1] = table.Key{Partition: monitoredChanged(w.account), Sort: changed + "#" + w.now.UserID}
	return []table.Operation{table.Put(item, cond)}, nil
}

// stopWatching ends all queue grants of a user who goes, and notes when.
func (s *Service) stopWatching(ctx context.Context, ch *license.UnitOfWork, w *watch, user string) error {
	holder, err := ch.Holder(user)
	if err != nil {
		return err
	}
	holding := holder.Holdings[catalog.LiveReportsID]
	if holding == nil {
		return nil
	}
	for _, g := range slices.Clone(holding.Grants) {
		queue, ok := strings.CutPrefix(g.Source, "queue:")
		if !ok && g.Source != license.View {
			continue
		}
		if err := ch.Withdraw(ctx, user, catalog.LiveReportsID, g.Source); err != nil {
			return err
		}
		if ok {
			w.now.Queues.closeSpan(queue, ch.At())
			w.changed = true
		}
	}
	return nil
}
