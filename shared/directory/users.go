package directory

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Service carries out the use cases of the directory.
type Service struct {
	env      *app.Env
	desk     *license.Desk
	products *catalog.Catalog
}

// NewService makes the directory's service; grants go through the desk.
func NewService(env *app.Env, desk *license.Desk) *Service {
	return &Service{env: env, desk: desk, products: desk.Products()}
}

// PutUser makes or replaces a user; made says which. Names and extensions reach the licenses held in the same commit; deactivating releases everything
// in one step (spec 6).
//
// Errors: validation, extension-in-use, number-in-use, mutually-exclusive, base-license-required, precondition-failed; wrong-state for more than can be done at once.
func (s *Service) PutUser(ctx context.Context, c *call.Call, u User) (User, int64, bool, error) {
	if err := CheckUser(u, s.products); err != nil {
		return User{}, 0, false, err
	}
	u.RoleIDs, u.Licenses = unique(u.RoleIDs), unique(u.Licenses)
	var made bool
	var version int64
	var view User
	err := s.leaving(ctx, c, u.ID, u.Active, func(ctx context.Context, c *call.Call) (err error) {
		view, version, made, err = s.putUser(ctx, c, u)
		return err
	})
	if err != nil {
		return User{}, 0, false, err
	}
	if made || view.Active {
		if _, err := s.soon(ctx, c, func(ctx context.Context) error { return s.ResumeUsers(ctx, c.Account, u.ID) }); err != nil {
			return User{}, 0, false, err
		}
	}
	return view, version, made, nil
}

// putUser is one attempt of PutUser. Errors: ErrTooMuch, and a refused commit.
func (s *Service) putUser(ctx context.Context, c *call.Call, u User) (view User, version int64, made bool, err error) {
	d, err := s.draftUser(ctx, c, u, nil)
	if err != nil {
		return User{}, 0, false, err
	}
	if err := commitWhole(ctx, d.ch, d.ops); err != nil {
		return User{}, 0, false, err
	}
	return d.After, c.NextVersion(!d.Made, d.Version), d.Made, nil
}

// draftUser decides what PutUser does; yields says of whom the user may take an extension or a number, and may be nil.
func (s *Service) draftUser(ctx context.Context, c *call.Call, u User, yields Yields) (*UserDraft, error) {
	ch := s.desk.Change(c)
	ch.Still(u.ID) // a role that the user loses here may be giving them something in this moment, by the profile as it was
	keys := []table.Key{userKey(c.Account, u.ID), monitoredKey(c.Account, u.ID)}
	for _, role := range u.RoleIDs {
		keys = append(keys, roleKey(c.Account, role))
	}
	found, err := ch.Load(ctx, license.Need{Users: []string{u.ID}, Also: keys})
	if err != nil {
		return nil, err
	}
	item, exists := found[userKey(c.Account, u.ID)]
	if err := c.Matches(exists, item.Version); err != nil {
		return nil, err
	}
	d := &UserDraft{Version: item.Version, Made: !exists, ch: ch}
	var before profile
	if exists {
		if before, err = call.Decode[profile](item); err != nil {
			return nil, err
		}
		d.Before = presentIn(ch, before)
	}
	roles, err := s.rolesFrom(c, u.RoleIDs, found)
	if err != nil {
		return nil, err
	}
	after := profile{
		ID: u.ID, Name: u.Name, Email: u.Email, RoleIDs: u.RoleIDs, Active: u.Active, Licenses: u.Licenses, AgentSource: agentSource(u), ChangedAt: c.At,
	}
	watch, err := loadWatch(found, c, u.ID)
	if err != nil {
		return nil, err
	}
	if d.ops, err = s.userOperations(c, item, exists, before, after); err != nil {
		return nil, err
	}
	if yields != nil {
		if err := d.take(ctx, c, u, yields); err != nil {
			return nil, err
		}
	}
	if err := s.place(ctx, ch, u, after, roles); err != nil {
		return nil, err
	}
	if exists && before.Active && !after.Active {
		if err := s.stopWatching(ctx, ch, watch, u.ID); err != nil {
			return nil, err
		}
	}
	if after.Active && !before.Active {
		d.ops = append(d.ops, mark(c, userMarks, u.ID))
	}
	watched, err := watch.operations()
	if err != nil {
		return nil, err
	}
	d.ops = append(append(d.ops, watched...), rolesUnchanged(c, before, after, found)...)
	d.After = presentIn(ch, after)
	return d, nil
}

// presentIn is a user as a change has them.
func presentIn(ch *license.Change, p profile) User {
	holder, err := ch.Holder(p.ID)
	if err != nil { // a profile alone: the change makes the holder
		holder = nil
	}
	return present(p, holder)
}

func agentSource(u User) string {
	if u.AgentSource == "" && slices.Contains(u.Licenses, catalog.AgentUserID) {
		return "manual"
	}
	return u.AgentSource
}

// rolesFrom reads the roles out of what was found; each must exist.
func (s *Service) rolesFrom(c *call.Call, ids []string, found map[table.Key]table.Item) (map[string]Role, error) {
	roles := make(map[string]Role, len(ids))
	for _, id := range ids {
		if id == SuperAdmin {
			roles[id] = superAdmin()
			continue
		}
		item, ok := found[roleKey(c.Account, id)]
		if !ok {
			return nil, problem.Invalid("roleIds", "each must be a role of the account")
		}
		r, err := call.Decode[Role](item)
		if err != nil {
			return nil, err
		}
		roles[id] = r
	}
	return roles, nil
}

// rolesUnchanged demands of the roles that count for the user only from this commit on that they are as they were read: whoever changes or deletes one at the
// same time does not find the user among those who have it. Of the others, refreshRoles sees to it.
func rolesUnchanged(c *call.Call, before, after profile, found map[table.Key]table.Item) []table.Operation {
	fresh := without(after.RoleIDs, before.RoleIDs)
	if after.Active && !before.Active {
		fresh = after.RoleIDs
	}
	var checks []table.Operation
	for _, id := range fresh {
		if item, ok := found[roleKey(c.Account, id)]; ok && id != SuperAdmin {
			checks = append(checks, table.Check(item.Key, table.IfVersion(item.Version)))
		}
	}
	return checks
}

// userOperations write the profile, its places in the indexes, and who has which role.
func (s *Service) userOperations(c *call.Call, item table.Item, exists bool, before, after profile) ([]table.Operation, error) {
	data, err := call.Encode(after)
	if err != nil {
		return nil, err
	}
	put := table.Item{Key: userKey(c.Account, after.ID), Data: data}
	put.Places[0] = byName(usersByName(c.Account), after.Name, after.ID)
	if after.Email != "" {
		put.Places[1] = byName(usersByEmail(c.Account), after.Email, after.ID)
	}
	var was any
	if exists {
		was = before
	}
	ops := []table.Operation{c.Put(put, exists, item.Version)}
	for _, role := range without(after.RoleIDs, before.RoleIDs) {
		ops = append(ops, table.Put(table.Item{Key: roleUserKey(c.Account, role, after.ID), Data: []byte(`{}`)}, table.Always))
	}
	for _, role := range without(before.RoleIDs, after.RoleIDs) {
		ops = append(ops, table.Delete(roleUserKey(c.Account, role, after.ID), table.Always))
	}
	audit, err := c.Audit(call.Change{Action: "user.put", Subject: "user", SubjectID: after.ID, User: after.ID, Before: was, After: after})
	if err != nil {
		return nil, err
	}
	return append(ops, audit), nil
}

// place makes the kernel's holder agree with the profile: name, activity, extension, what the roles carry and what the user has of their own.
func (s *Service) place(ctx context.Context, ch *license.Change, u User, after profile, roles map[string]Role) error {
	if err := ch.Put(ctx, u.ID, u.Name, u.Active); err != nil {
		return err
	}
	if err := ch.Extend(ctx, u.ID, u.Extension, u.Number); err != nil {
		return err
	}
	return s.applyRoles(ctx, ch, after, roles, refuse)
}

// applyRoles makes a user's metered grants those of the profile and its roles, and ends the viewer's grant when no role allows viewing any more. refused decides
// about a product of the user's own that they cannot hold beside the others: the error that it returns ends the change, and nil leaves that product out.
func (s *Service) applyRoles(
	ctx context.Context, ch *license.Change, p profile, roles map[string]Role, refused func(product string, err error) error,
) error {
	holder, err := ch.Holder(p.ID)
	if err != nil {
		return err
	}
	type grant struct{ product, source string }
	wanted := map[grant]bool{}
	if p.Active {
		for id, role := range roles {
			for _, product := range role.Licenses {
				wanted[grant{product, license.RoleGrant(id)}] = true
			}
		}
		for _, product := range p.Licenses {
			wanted[grant{product, license.Direct}] = true
		}
	}
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
			case g.Source == license.View && !mayView(p.RoleIDs, roles):
				gone = append(gone, this)
			}
		}
	}
	slices.SortFunc(gone, func(a, b grant) int { return strings.Compare(a.product+a.source, b.product+b.source) })
	for _, g := range gone {
		if err := ch.Withdraw(ctx, p.ID, g.product, g.source); err != nil {
			return err
		}
	}
	// What went with something else, as an add-on goes with its base, is given again.
	for product, holding := range holder.Holdings {
		for _, g := range holding.Grants {
			delete(wanted, grant{product, g.Source})
		}
	}
	// In the catalog's order a product comes after what it requires; what a role carries can be required by the user's own.
	for _, ofRole := range []bool{true, false} {
		for _, q := range s.products.Products() {
			for _, g := range slices.SortedFunc(maps.Keys(wanted), func(a, b grant) int { return strings.Compare(a.source, b.source) }) {
				if g.product != q.ID || (g.source != license.Direct) != ofRole {
					continue
				}
				if err := ch.Grant(ctx, p.ID, g.product, g.source); err != nil {
					if err = refused(g.product, err); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// refuse ends a change for a product of the user's own that they cannot hold.
func refuse(_ string, err error) error { return err }

// present is a user as api.md shows it.
func present(p profile, h *license.Holder) User {
	u := User{
		ID: p.ID, Name: p.Name, Email: p.Email, RoleIDs: unique(p.RoleIDs), Active: p.Active, Licenses: unique(p.Licenses), AgentSource: p.AgentSource,
		Holdings: []UserLicense{},
	}
	if h == nil {
		return u
	}
	u.Extension, u.Number = h.Extension, h.Number
	for _, product := range slices.Sorted(maps.Keys(h.Holdings)) {
		if holding := h.Holdings[product]; holding.LicenseID != "" {
			u.Holdings = append(u.Holdings, UserLicense{LicenseID: holding.LicenseID, ProductID: product, Grants: holding.Grants})
		}
	}
	return u
}

// GetUser reads a user and the version of their profile.
func (s *Service) GetUser(ctx context.Context, c *call.Call, id string) (User, int64, error) {
	found, err := c.Lookup(ctx, userKey(c.Account, id), license.HolderKey(c.Account, id))
	if err != nil {
		return User{}, 0, err
	}
	item, ok := found[userKey(c.Account, id)]
	if !ok {
		return User{}, 0, problem.Missing("user")
	}
	u, err := presentItem(c, item, found)
	return u, item.Version, err
}

func presentItem(c *call.Call, item table.Item, found map[table.Key]table.Item) (User, error) {
	p, err := call.Decode[profile](item)
	if err != nil {
		return User{}, err
	}
	held, ok := found[license.HolderKey(c.Account, p.ID)]
	if !ok {
		return present(p, nil), nil
	}
	h, err := call.Decode[license.Holder](held)
	if err != nil {
		return User{}, err
	}
	return present(p, &h), nil
}

// ListUsers lists users by id, or those whose name or e-mail address begins with q, or whose id is q.
func (s *Service) ListUsers(ctx context.Context, c *call.Call, q, after string, limit int) ([]User, string, error) {
	query := table.Query{Partition: usersPartition(c.Account), After: after, Limit: limit}
	switch {
	case q != "" && strings.Contains(q, "@"):
		query.Index, query.Partition, query.Prefix = table.Index2, usersByEmail(c.Account), strings.ToLower(q)
	case q != "":
		query.Index, query.Partition, query.Prefix = table.Index1, usersByName(c.Account), strings.ToLower(q)
	}
	searched := q != "" && after == "" && limit > 1
	if searched {
		query.Limit-- // room for the user whose id is q
	}
	page, err := s.env.Table.Query(ctx, query)
	if err != nil {
		return nil, "", err
	}
	items := page.Items
	if searched {
		item, ok, err := table.Get(ctx, s.env.Table, userKey(c.Account, q))
		if err != nil {
			return nil, "", err
		}
		if ok && !slices.ContainsFunc(items, func(i table.Item) bool { return i.Key == item.Key }) {
			items = append([]table.Item{item}, items...)
		}
	}
	keys := make([]table.Key, len(items))
	for i, item := range items {
		keys[i] = license.HolderKey(c.Account, item.Sort)
	}
	found, err := s.lookup(ctx, keys)
	if err != nil {
		return nil, "", err
	}
	users := make([]User, len(items))
	for i, item := range items {
		if users[i], err = presentItem(c, item, found); err != nil {
			return nil, "", err
		}
	}
	return users, page.Next, nil
}

func (s *Service) lookup(ctx context.Context, keys []table.Key) (map[table.Key]table.Item, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	return s.env.Table.Lookup(ctx, keys...)
}

// DeleteUser removes a user: every license goes back and every grant ends in one commit; the memberships in call queues follow.
func (s *Service) DeleteUser(ctx context.Context, c *call.Call, id string) error {
	err := s.leaving(ctx, c, id, false, func(ctx context.Context, c *call.Call) error {
		ch := s.desk.Change(c)
		item, before, watch, err := s.loadLeaver(ctx, c, ch, id)
		if err != nil {
			return err
		}
		holder, err := ch.Holder(id)
		if err != nil {
			return err
		}
		extension := holder.Extension
		if err := s.stopWatching(ctx, ch, watch, id); err != nil {
			return err
		}
		if err := ch.Remove(ctx, id); err != nil {
			return err
		}
		keep, err := remember(c, goneUser, id, Gone{Name: before.Name, Extension: extension})
		if err != nil {
			return err
		}
		ops := []table.Operation{table.Delete(item.Key, table.IfVersion(item.Version)), keep, mark(c, userMarks, id)}
		for _, role := range before.RoleIDs {
			ops = append(ops, table.Delete(roleUserKey(c.Account, role, id), table.Always))
		}
		audit, err := c.Audit(call.Change{Action: "user.deleted", Subject: "user", SubjectID: id, User: id, Before: before})
		if err != nil {
			return err
		}
		watched, err := watch.operations()
		if err != nil {
			return err
		}
		return commitWhole(ctx, ch, append(append(ops, audit), watched...))
	})
	if err != nil {
		return err
	}
	_, err = s.soon(ctx, c, func(ctx context.Context) error { return s.ResumeUsers(ctx, c.Account, id) })
	return err
}

// watch is the record of when a user was a monitored member, loaded for a change.
type watch struct {
	account string
	key     table.Key
	exists  bool
	version int64
	changed bool
	now     Monitored
}

// stillMonitored stands for a day that has not come, behind all that have.
const stillMonitored = "open"

func loadWatch(found map[table.Key]table.Item, c *call.Call, user string) (*watch, error) {
	w := &watch{account: c.Account, key: monitoredKey(c.Account, user), now: Monitored{UserID: user}}
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
	if last, ended := w.now.Queues.ended(); ended {
		until, item.Expires = last.UTC().Format(time.DateOnly), last.Add(keepIntervals).Unix()
	}
	item.Places[0] = table.Key{Partition: monitoredUntil(w.account), Sort: until + "#" + w.now.UserID}
	return []table.Operation{table.Put(item, cond)}, nil
}

// stopWatching ends all queue grants of a user who goes, and notes when.
func (s *Service) stopWatching(ctx context.Context, ch *license.Change, w *watch, user string) error {
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
			w.now.Queues.shut(queue, ch.At())
			w.changed = true
		}
	}
	return nil
}
