// Package access answers what a caller may do whose token leaves it to the directory, to which cost
// centers it limits them, and refuses whom it has deactivated (requirements, section 9).
//
// What decides is read beside the request's own reads, in one round trip with the first of them: the
// port of state waits for it, so that nothing is answered, remembered or committed before, whatever
// path a request takes. A commit demands the versions that were read.
package access

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/overlay"
)

// SuperAdmin is the role that is in every account and has every permission that a role can carry.
const SuperAdmin = "super-admin"

// Checks is how many operations a commit of somebody has besides its own whose token leaves the
// permissions to the directory: one for the user, one for the role that allows it.
const Checks = 2

// LimitChecks is how many there are of somebody whose token names the permissions: one for the user,
// where the directory limits them to some cost centers.
const LimitChecks = 1

// again is how often a commit is tried again because user or role changed meanwhile and still allow
// it.
const again = 3

// UsersPartition lists the users of an account, and UserKey is where one is kept.
func UsersPartition(account string) string { return call.Partition(account, "USERS") }

// UserKey is where a user is kept.
func UserKey(account, user string) table.Key {
	return table.Key{Partition: UsersPartition(account), Sort: user}
}

// Forgetting are the markers of people who are being forgotten, by their ids: meanwhile nobody is made of such an
// id, or what is said of the new one would be forgotten too, or not.
var Forgetting = call.OwnMarkers("FORGET")

// RolesPartition lists the roles of an account but SuperAdmin.
func RolesPartition(account string) string { return call.Partition(account, "ROLES") }

// RoleKey is where a role is kept.
func RoleKey(account, role string) table.Key {
	return table.Key{Partition: RolesPartition(account), Sort: role}
}

// Carried are the permissions that a role can carry: all but that of the provider's operators.
func Carried() auth.Set {
	var carried []auth.Permission
	for _, p := range auth.Permissions() {
		if p != auth.AccountsManage {
			carried = append(carried, p)
		}
	}
	return auth.SetOf(carried...)
}

// person is what of a user decides.
type person struct {
	RoleIDs []string `json:"roleIds"`
	Active  bool     `json:"active"`
	Limit   []string `json:"adminOfCostCenters"` // none of them means no limit
}

// limit is what the directory limits a person to.
func (p person) limit() auth.Limit {
	if len(p.Limit) == 0 {
		return auth.Limit{}
	}
	return auth.LimitTo(p.Limit...)
}

// role is what of a role decides.
type role struct {
	Permissions []auth.Permission `json:"permissions"`
}

// gate is what a request must pass. It is used by all reads of the request side by side.
type gate struct {
	store   table.Store // as it is, without the guard
	caller  auth.Principal
	account string // of the request; empty when it belongs to none
	need    []auth.Permission
	partly  bool // admins of some cost centers may ask too
	// state is the item that says the state of the account; zero where nobody asks for it.
	state table.Key

	mu    sync.Mutex
	asked *asked // nil until the first read, and again after a commit that found it outdated
	told  bool   // the request knows what the caller holds, and may decide by all of it
	// limited says that the request knows to which cost centers the caller is limited, and limit what
	// it was told.
	limited bool
	limit   auth.Limit
}

// asked is one reading of the directory.
type asked struct {
	ready  chan struct{}
	user   table.Item
	there  bool
	held   auth.Set
	limit  auth.Limit
	state  call.State
	checks []table.Operation // of what allows the request
	whole  []table.Operation // of all that the caller holds
	err    error             // the problem to answer, or what kept it from being read
}

type gateKey struct{}

// Demand is what is asked of who calls.
type Demand struct {
	// Account is the one that is entered; empty when the request belongs to none.
	Account string
	// Permissions are those of which any one is needed.
	Permissions []auth.Permission
	// Partly says that admins of some cost centers may ask too, and get what is theirs. All else is
	// refused to them.
	Partly bool
	// Shard is which of the items is read that say the state of the account, below call.StoppedShards.
	Shard int
}

// Enter decides whether the caller may do something, as auth.Allowed does. What only the directory
// knows is decided by the first read that is made with the context it returns, through a store made
// by Guard, or by Settle. It is the directory of the caller's own account that is asked, also of an
// operator who enters another one.
//
// Errors: those of auth.Allowed; forbidden for an admin of some cost centers.
func Enter(ctx context.Context, store table.Store, caller auth.Principal, d Demand) (context.Context, error) {
	need := d.Permissions
	if caller.ByRoles {
		need = nil
	}
	if err := auth.Allowed(caller, d.Account, need...); err != nil {
		return ctx, err
	}
	if !d.Partly && !caller.Limit.All() {
		return ctx, notTheirs()
	}
	if store == nil {
		return ctx, nil
	}
	g := &gate{store: Beneath(store), caller: caller, account: d.Account, need: d.Permissions, partly: d.Partly}
	switch entered := cmp.Or(d.Account, caller.Account); {
	case d.Account == "" && caller.Operator(), !auth.ValidID(entered):
	default:
		g.state = call.StoppedKey(entered, d.Shard)
	}
	return context.WithValue(ctx, gateKey{}, g), nil
}

// notTheirs refuses an admin of some cost centers what concerns all of them.
func notTheirs() error {
	return problem.New(problem.Forbidden, "This is for admins of the whole account: you are admin of some cost centers.")
}

// Settle waits until it is decided whether the request may go on: for what answers without a read.
//
// Errors: the problem to answer, or an error of the store.
func Settle(ctx context.Context) error {
	if g := of(ctx); g != nil {
		return g.ask(ctx).wait()
	}
	return nil
}

// Open is Settle for what changes something: it also refuses that in an account that is not active, or as
// the context allows (call.UntilClosed, call.Anyhow).
//
// Errors: those of Settle; *call.StoppedError.
func Open(ctx context.Context) error {
	g := of(ctx)
	if g == nil {
		return nil
	}
	a := g.ask(ctx)
	if err := a.wait(); err != nil {
		return err
	}
	return call.Allowed(ctx, g.account, a.state)
}

// CostCenters are those to which the caller is limited (requirements, section 9): what the token and
// the user both allow. There is no limit where nobody calls, such as in a function that carries on
// what somebody was allowed to begin. Whoever asks after the first read of a request waits for
// nothing. A commit demands that it is still so.
//
// Errors: those of Settle.
func CostCenters(ctx context.Context) (auth.Limit, error) {
	caller, called := auth.From(ctx)
	g := of(ctx)
	if !called || g == nil {
		return caller.Limit, nil
	}
	a := g.ask(ctx)
	if err := a.wait(); err != nil {
		return auth.LimitTo(), err
	}
	if ctx.Value(ownKey{}) != nil {
		return auth.Limit{}, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limited, g.limit = true, a.limit
	return a.limit, nil
}

type ownKey struct{}

// Own is for reading what is the caller's own, which they see whatever cost centers they are limited to.
func Own(ctx context.Context) context.Context { return context.WithValue(ctx, ownKey{}, true) }

// Caller is who calls, with the permissions that the directory gives.
//
// Errors: those of Settle; unauthorized when nobody calls.
func Caller(ctx context.Context) (auth.Principal, error) {
	caller, ok := auth.From(ctx)
	if !ok {
		return caller, auth.Refused(auth.Refusal(ctx))
	}
	g := of(ctx)
	if g == nil {
		return caller, nil
	}
	g.tell()
	a := g.ask(ctx)
	if err := a.wait(); err != nil {
		return caller, err
	}
	caller.Permissions, caller.Limit = a.held, a.limit
	return caller, nil
}

func of(ctx context.Context) *gate {
	g, _ := ctx.Value(gateKey{}).(*gate)
	return g
}

// ask begins to read the directory, if nobody has yet. It is a read of its own also beside a Lookup:
// which of a request's reads comes first is chance, and what is asked must not be.
func (g *gate) ask(ctx context.Context) *asked {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.asked == nil {
		g.asked = &asked{ready: make(chan struct{})}
		go g.read(ctx, g.asked)
	}
	return g.asked
}

// forget has the directory read again, unless that was begun already.
func (g *gate) forget(a *asked) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.asked == a {
		g.asked = nil
	}
}

// tell notes that the request is told what the caller holds.
func (g *gate) tell() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told = true
}

// demands are the checks of a commit with some operations of its own; decided says that what the
// caller holds was looked at, so that a commit which finds it changed must be decided again.
func (g *gate) demands(a *asked, ops []table.Operation) (checks []table.Operation, decided bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.told && len(ops)+len(a.whole) <= call.MaxOperations {
		return a.whole, true
	}
	return a.checks, g.told
}

// moved says whether the limit is another than the request was told, and decided by.
func (g *gate) moved(a *asked) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.limited && g.limit != a.limit
}

func (a *asked) wait() error {
	<-a.ready
	return a.err
}

func (g *gate) key() table.Key { return UserKey(g.caller.Account, g.caller.User) }

// read reads the user and the roles, side by side.
func (g *gate) read(ctx context.Context, a *asked) {
	defer close(a.ready)
	var roles map[string]table.Item
	var unread error
	done := make(chan struct{})
	go func() {
		defer close(done)
		if g.caller.ByRoles {
			roles, unread = g.roles(ctx)
		}
	}()
	keys := []table.Key{g.key()}
	if g.state != (table.Key{}) {
		keys = append(keys, g.state)
	}
	var found map[table.Key]table.Item
	found, a.err = g.store.Lookup(passed(ctx), keys...)
	a.user, a.there = found[g.key()]
	<-done
	if a.err == nil {
		a.err = unread
	}
	if a.err != nil {
		g.forget(a) // the next read may succeed
		return
	}
	state, stopped := found[g.state]
	if a.state, a.err = call.StateOf(state, stopped); a.err != nil {
		return
	}
	a.err = g.decide(ctx, a, roles)
}

// roles reads the first page of the account's roles, which is all of them but in an account with
// very many.
func (g *gate) roles(ctx context.Context) (map[string]table.Item, error) {
	page, err := g.store.Query(passed(ctx), table.Query{Partition: RolesPartition(g.caller.Account)})
	if err != nil {
		return nil, err
	}
	roles := make(map[string]table.Item, len(page.Items))
	for _, item := range page.Items {
		roles[item.Sort] = item
	}
	return roles, nil
}

// decide makes of what was read what the caller holds, and what a commit must demand.
func (g *gate) decide(ctx context.Context, a *asked, roles map[string]table.Item) error {
	if a.state == call.Closed && !g.caller.Operator() {
		return problem.NoAccount()
	}
	var user person
	if a.there {
		var err error
		if user, err = personOf(a.user); err != nil {
			return err
		}
		if !user.Active {
			return problem.New(problem.Forbidden, "This user is not active.")
		}
	}
	a.limit = g.limitOf(user)
	if !g.partly && !a.limit.All() {
		return notTheirs()
	}
	if a.there && (g.caller.ByRoles || !a.limit.All()) {
		a.checks = []table.Operation{table.Check(g.key(), table.IfVersion(a.user.Version))}
		a.whole = slices.Clone(a.checks)
	}
	if !g.caller.ByRoles {
		a.held = g.caller.Permissions
		return nil
	}
	if err := g.further(ctx, user, roles); err != nil {
		return err
	}
	for _, id := range user.RoleIDs {
		if id == SuperAdmin {
			a.held |= Carried()
			continue
		}
		item, ok := roles[id]
		if !ok {
			continue
		}
		var r role
		if err := json.Unmarshal(item.Data, &r); err != nil {
			return fmt.Errorf("role: %w", err)
		}
		gives := auth.SetOf(r.Permissions...) & Carried()
		check := table.Check(item.Key, table.IfVersion(item.Version))
		if len(a.checks) < Checks && !g.allowed(a.held) && g.allowed(gives) {
			a.checks = append(a.checks, check)
		}
		if gives&^a.held != 0 {
			a.whole = append(a.whole, check)
		}
		a.held |= gives
	}
	p := g.caller
	p.Permissions = a.held
	return auth.Allowed(p, g.account, g.need...)
}

// limitOf is to which cost centers the caller is limited. Those of the user are codes of the user's
// own account, and mean nothing in one that an operator enters; those of the token hold everywhere.
func (g *gate) limitOf(user person) auth.Limit {
	if g.account != "" && g.account != g.caller.Account {
		return g.caller.Limit
	}
	return g.caller.Limit.And(user.limit())
}

// further reads roles of the user that are beyond the first page, or were deleted meanwhile.
func (g *gate) further(ctx context.Context, user person, roles map[string]table.Item) error {
	for _, id := range user.RoleIDs {
		if _, ok := roles[id]; ok || id == SuperAdmin {
			continue
		}
		item, found, err := table.Get(passed(ctx), g.store, RoleKey(g.caller.Account, id))
		if err != nil {
			return err
		}
		if found {
			roles[id] = item
		}
	}
	return nil
}

func personOf(item table.Item) (user person, err error) {
	if err := json.Unmarshal(item.Data, &user); err != nil {
		return user, fmt.Errorf("user: %w", err)
	}
	return user, nil
}

func (g *gate) allowed(held auth.Set) bool {
	return len(g.need) == 0 || slices.ContainsFunc(g.need, held.Has)
}

// Guard makes a store that waits for what the directory says of the caller, and keeps the commits of
// a dry run in the request's overlay. It guards once.
func Guard(store table.Store) table.Store {
	if _, ok := store.(guard); ok || store == nil {
		return store
	}
	return guard{overlay.Switched(store)}
}

// Beneath is the store that a guard is on, or the store itself.
func Beneath(store table.Store) table.Store {
	if guarded, ok := store.(guard); ok {
		return guarded.Store
	}
	return store
}

type guard struct{ table.Store }

// StateChecked says that commits of the store demand the state of their account: a router guards what is
// checked.
func (guard) StateChecked() {}

// passed is the context of a call that need not wait: it is the gate's own, or has passed it.
func passed(ctx context.Context) context.Context {
	return context.WithValue(ctx, gateKey{}, (*gate)(nil))
}

// Lookup reads the directory beside the first items of a request.
func (s guard) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	g := of(ctx)
	if g == nil {
		return s.Store.Lookup(ctx, keys...)
	}
	for _, key := range keys {
		if err := g.owns(key.Partition); err != nil {
			return nil, err
		}
	}
	return both(g.ask(ctx), func() (map[table.Key]table.Item, error) { return s.Store.Lookup(passed(ctx), keys...) })
}

// Query reads the directory beside the first page of a request.
func (s guard) Query(ctx context.Context, q table.Query) (table.Page, error) {
	g := of(ctx)
	if g == nil {
		return s.Store.Query(ctx, q)
	}
	if err := g.owns(q.Partition); err != nil {
		return table.Page{}, err
	}
	return both(g.ask(ctx), func() (table.Page, error) { return s.Store.Query(passed(ctx), q) })
}

// errForeign is a mistake in how a key was made, and nobody's to see.
var errForeign = errors.New("a request touches what is not its account's")

// owns refuses a partition, of the table or of an index, that is not of the request's account, whatever
// made its key (docs/isolation.md).
func (g *gate) owns(partition string) error {
	if g.account == "" || strings.HasPrefix(partition, call.Partition(g.account)) {
		return nil
	}
	// What of an account is kept after it was erased belongs to none, and is the operators' to write.
	if g.caller.Operator() && strings.HasPrefix(partition, call.Partition(call.Nowhere)) {
		return nil
	}
	return fmt.Errorf("%w: account %s, partition %s", errForeign, g.account, partition)
}

// both is what was read, if the caller may read it.
func both[T any](a *asked, read func() (T, error)) (T, error) {
	out, err := read()
	if refused := a.wait(); refused != nil {
		var nothing T
		return nothing, refused
	}
	return out, err
}

// Commit demands that user and role are still as they were when they allowed it. When they are not,
// and allow it all the same, it is tried again with what they are now. A request that was told what
// the caller holds may have decided by any of it, such as what a role may be given: that is refused,
// and decided again. So is what was decided by another limit to cost centers.
func (s guard) Commit(ctx context.Context, ops []table.Operation) error {
	g := of(ctx)
	if g == nil {
		return s.Store.Commit(ctx, ops)
	}
	for _, op := range ops {
		if err := g.owns(op.Item.Key.Partition); err != nil {
			return err
		}
	}
	for tries := 1; ; tries++ {
		a := g.ask(ctx)
		if err := a.wait(); err != nil {
			return err
		}
		if err := call.Allowed(ctx, g.account, a.state); err != nil {
			return err
		}
		checks, decided := g.demands(a, ops)
		if g.moved(a) {
			return outdated(checks)
		}
		demands, current := demanded(checks, ops)
		if !current && tries < again {
			g.forget(a)
			if decided {
				return outdated(checks)
			}
			continue
		}
		err := s.Store.Commit(passed(ctx), append(slices.Clone(ops), demands...))
		refused, ok := table.Refused(err)
		if !ok {
			return err
		}
		own := &table.ConditionError{}
		for at, i := range refused.Failed {
			if i < len(ops) {
				own.Failed, own.Keys = append(own.Failed, i), append(own.Keys, refused.Keys[at])
			}
		}
		if len(own.Failed) < len(refused.Failed) {
			g.forget(a)
		}
		if len(own.Failed) > 0 {
			return own
		}
		if decided {
			return outdated(checks)
		}
		if tries == again {
			return table.ErrConflict
		}
	}
}

// outdated refuses a commit for what it was decided by, and for none of its own operations.
func outdated(checks []table.Operation) error {
	refused := &table.ConditionError{}
	for _, check := range checks {
		refused.Keys = append(refused.Keys, check.Item.Key)
	}
	return refused
}

// demanded are the checks of items that the commit does not write itself. One that it does was
// decided from the item as it was: current says that this is the version which allowed it.
func demanded(checks, ops []table.Operation) (more []table.Operation, current bool) {
	current = true
	for _, check := range checks {
		at := slices.IndexFunc(ops, func(op table.Operation) bool { return op.Item.Key == check.Item.Key })
		if at < 0 {
			more = append(more, check)
			continue
		}
		seen, _ := check.Cond.Version()
		if version, given := ops[at].Cond.Version(); given && version != seen {
			current = false
		}
	}
	return more, current
}
