package request

import (
	"cmp"
	"context"

	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/purchase"
)

// Service takes in requests and decides them.
type Service struct {
	env    *app.Env
	kernel *license.Service
	buyer  *purchase.Buyer
}

// NewService makes the service; seats are given by the kernel, and bought by it as the account's
// policies say.
func NewService(env *app.Env, kernel *license.Service) *Service {
	return &Service{env: env, kernel: kernel, buyer: purchase.NewBuyer(kernel)}
}

// Ask makes a request for a person; for the caller if none is named.
//
// Errors: validation; forbidden for who asks for somebody else without licenses.manage;
// user-inactive; user-already-licensed when the person has the product; wrong-state when a request
// of theirs for it is pending.
func (s *Service) Ask(ctx context.Context, c *call.Call, product, user, reason string) (call.Stored[Request], error) {
	id := c.Env.IDs.Ordered()
	var out call.Stored[Request]
	err := call.Decide(ctx, func(ctx context.Context) error {
		p, err := partyOf(ctx)
		if err != nil {
			return err
		}
		user := cmp.Or(user, p.user)
		if user != p.user && !p.manages() {
			return forbiddenForOthers()
		}
		if err := check(s.kernel.Products(), product, reason); err != nil {
			return err
		}
		pending := pendingKey(c.Account, user, product)
		u := s.kernel.Change(c)
		found, err := u.Load(ctx, license.Need{Users: []string{user}, Also: []table.Key{pending}})
		if err != nil {
			return err
		}
		holder, err := u.Holder(user)
		if err == nil && user != p.user {
			if err = u.HoldToLimit(ctx); err == nil {
				err = u.TheirUser(user)
			}
		}
		if err != nil {
			return problem.Invalid("userId", problem.UnknownID, "is no user of this account")
		}
		_, waits := found[pending]
		switch name := s.kernel.Products().Name(product); {
		case !holder.Active:
			return problem.New(problem.UserInactive, "The user is not active; nothing can be asked for them.")
		case holder.Holds(product) && user == p.user:
			return problem.Newf(problem.UserAlreadyLicensed, "You have %s already.", name)
		case holder.Holds(product):
			return problem.Newf(problem.UserAlreadyLicensed, "The user has %s already.", name)
		case waits:
			return problem.Newf(problem.WrongState, "A request for %s is pending for this user.", name)
		}
		r := Request{
			ID: id, ProductID: product, ProductName: s.kernel.Products().Name(product), UserID: user,
			UserName: holder.Name, Reason: reason, State: Open, AskedBy: c.Actor, AskedAt: c.At,
		}
		u.RequireUnchanged(user)
		out, err = s.save(ctx, c, u, change{action: "request.asked", after: stored{Request: r}})
		return err
	})
	return out, err
}

// Get reads a request and its version.
//
// Errors: not-found, also for who may not see it.
func (s *Service) Get(ctx context.Context, c *call.Call, id string) (Request, int64, error) {
	p, err := partyOf(ctx)
	if err != nil {
		return Request{}, 0, err
	}
	r, version, err := s.read(ctx, c, p, id)
	return r.Request, version, err
}

// read is a request as it is kept, if it is the party's to see.
func (s *Service) read(ctx context.Context, c *call.Call, p party, id string) (stored, int64, error) {
	item, found, err := c.Get(ctx, requestKey(c.Account, id))
	if err != nil {
		return stored{}, 0, err
	}
	if !found {
		return stored{}, 0, problem.Missing("request")
	}
	r, err := call.Decode[stored](item)
	if err != nil {
		return r, 0, err
	}
	theirs, err := p.theirRequests(ctx, c, r.Request)
	if err == nil && !(p.sees(r.Request) && theirs(r.Request)) {
		err = problem.Missing("request")
	}
	return r, item.Version, err
}

// Deny ends an open request; the note is for who asked.
//
// Errors: not-found, precondition-failed; forbidden without licenses.manage; wrong-state when it is
// decided already.
func (s *Service) Deny(ctx context.Context, c *call.Call, id, note string) (call.Stored[Request], error) {
	return s.decide(ctx, c, id, func(p party, r Request) (Request, string, error) {
		if !p.manages() {
			return r, "", forbiddenToDecide()
		}
		r, err := r.decided(Denied, c.Actor, c.At)
		r.Note = note
		return r, "request.denied", err
	})
}

// Withdraw ends a request that is open, or approved and not served yet.
//
// Errors: not-found, precondition-failed; forbidden for somebody else's without licenses.manage;
// wrong-state when it has ended already.
func (s *Service) Withdraw(ctx context.Context, c *call.Call, id string) (call.Stored[Request], error) {
	return s.decide(ctx, c, id, func(p party, r Request) (Request, string, error) {
		if r.UserID != p.user && r.AskedBy != p.user && !p.manages() {
			return r, "", forbiddenForOthers()
		}
		r, err := r.decided(Withdrawn, c.Actor, c.At)
		return r, "request.withdrawn", err
	})
}

// decide ends a request as a rule says.
func (s *Service) decide(
	ctx context.Context, c *call.Call, id string, rule func(p party, r Request) (Request, string, error),
) (call.Stored[Request], error) {
	var out call.Stored[Request]
	err := call.Decide(ctx, func(ctx context.Context) error {
		p, err := partyOf(ctx)
		if err != nil {
			return err
		}
		before, version, err := s.read(ctx, c, p, id)
		if err != nil {
			return err
		}
		if err := c.MatchesTag(call.Tag(version)); err != nil {
			return err
		}
		after, action, err := rule(p, before.Request)
		if err != nil {
			return err
		}
		next := stored{Request: after, Cause: before.Cause}
		u := s.kernel.Change(c)
		if err := p.holdsTo(ctx, u, before.Request); err != nil {
			return err
		}
		out, err = s.save(ctx, c, u, change{
			action: action, before: &before, version: version, after: next,
		})
		return err
	})
	return out, err
}

// Approve grants an open request. Where there is a free seat, the person has it in the same commit,
// and the request is fulfilled; otherwise it is approved, and served as soon as there is one: at once
// where a policy of the account buys one (requirements, section 12, "Policies").
//
// Errors: not-found, precondition-failed; forbidden without licenses.manage, or without
// billing.purchase where a seat would be bought; self-approval; cap-exceeded where a policy may buy
// no more in the billing period; wrong-state when it is decided already, or the person is gone;
// user-inactive, base-license-required, mutually-exclusive; not-enough-licenses for an admin of some cost
// centers of which none is free, and none is bought.
func (s *Service) Approve(ctx context.Context, c *call.Call, id string) (call.Stored[Request], error) {
	var out call.Stored[Request]
	var buys bool
	err := call.Decide(ctx, func(ctx context.Context) (err error) {
		out, buys, err = s.approve(ctx, c, id)
		return err
	})
	if err != nil || !buys {
		return out, err
	}
	return s.supply(ctx, c, out)
}

// approve is Approve without what is bought, and says whether a policy buys.
func (s *Service) approve(
	ctx context.Context, c *call.Call, id string,
) (out call.Stored[Request], buys bool, err error) {
	p, err := partyOf(ctx)
	if err != nil {
		return out, false, err
	}
	before, version, err := s.read(ctx, c, p, id)
	switch {
	case err != nil:
		return out, false, err
	case !p.manages():
		return out, false, forbiddenToDecide()
	case before.UserID == p.user || before.AskedBy == p.user:
		return out, false, problem.New(
			problem.SelfApproval, "Somebody else must approve what you have asked for or would get.")
	}
	if err := c.MatchesTag(call.Tag(version)); err != nil {
		return out, false, err
	}
	approved, err := before.decided(Approved, c.Actor, c.At)
	if err != nil {
		return out, false, err
	}
	next := change{
		action: "request.approved", before: &before, version: version,
		after: stored{approved, c.Cause(), p.buys(), p.theirs},
	}
	u := s.kernel.Change(c)
	if err := p.holdsTo(ctx, u, approved); err != nil {
		return out, false, err
	}
	given, err := s.give(ctx, u, approved)
	switch {
	case err == nil:
		next.after.Request = given
	case !problem.Is(err, problem.NotEnoughLicenses):
		return out, false, err
	default:
		short := err
		if next.unfinished, err = s.mayBuy(ctx, c, p, before.Request); err != nil {
			return out, false, err
		}
		if !next.unfinished && !p.theirs.All() { // what is free later might be another cost center's
			return out, false, short
		}
	}
	out, err = s.save(ctx, c, u, next)
	return out, next.unfinished, err
}

// mayBuy says whether a policy buys a seat for an approval. It refuses the approval when the policy
// may buy no more in this billing period, or the approver may not buy, at all or for its cost center:
// then the request stays open, for an approver who knows another way.
//
// Errors: forbidden, cap-exceeded.
func (s *Service) mayBuy(ctx context.Context, c *call.Call, p party, r Request) (bool, error) {
	room, costCenter, err := s.buyer.RoomOf(ctx, c, r.ProductID)
	switch {
	case err != nil || costCenter == "":
		return false, err
	case !p.theirs.Has(costCenter):
		return false, problem.New(problem.Forbidden,
			"No license of your cost centers is free, and the policy buys for another.")
	case room == 0:
		return false, problem.Newf(problem.CapExceeded,
			"No %s license is free, and the policy has bought all that it may in this billing period.", r.ProductName)
	case !p.buys():
		return false, problem.New(problem.Forbidden,
			"No license is free, and to have one bought the token needs the permission billing.purchase.")
	}
	return true, nil
}

// supply has a seat bought for a request that was just approved, if a policy does, and answers what
// became of it. A failure only means that it is served later: the maintenance function does it.
func (s *Service) supply(ctx context.Context, c *call.Call, out call.Stored[Request]) (call.Stored[Request], error) {
	id := out.Value.ID
	bought, err := s.buyer.Buy(ctx, c, out.Value.ProductID, s.missing(c, []string{id}))
	if err == nil && bought > 0 {
		_, err = s.serveOne(ctx, c.Account, id)
	}
	if err != nil {
		log := c.Env.Log.With("account", c.Account, "request", id)
		log.WarnContext(ctx, "approved request not served", "error", err)
	}
	item, found, err := c.Get(ctx, requestKey(c.Account, id))
	if err != nil || !found {
		return out, err
	}
	now, err := call.Decode[stored](item)
	if err != nil {
		return out, err
	}
	out.Value, out.Version = now.Request, item.Version
	return out, c.Commit(ctx, out.Answer())
}

// give gives the person what they asked for: the request as it is then.
//
// Errors: not-enough-licenses; wrong-state when the person is gone; not-found when they are none of the
// users to whom the unit of work is held; those of a direct grant.
func (s *Service) give(ctx context.Context, u *license.UnitOfWork, r Request) (Request, error) {
	need := license.Need{Users: []string{r.UserID}, Seats: map[string]int{}}
	if p, known := s.kernel.Products().Lookup(r.ProductID); known && p.Purchasable() {
		need.Seats[r.ProductID] = 1
	}
	if _, err := u.Load(ctx, need); err != nil {
		return r, err
	}
	holder, err := u.Holder(r.UserID)
	if err != nil {
		return r, problem.New(problem.WrongState, "The user is no longer there.")
	}
	if err := u.TheirUser(r.UserID); err != nil {
		return r, err
	}
	u.Because("request:" + r.ID)
	if err := u.Grant(ctx, r.UserID, r.ProductID, license.Direct); err != nil {
		return r, err
	}
	u.RequireUnchanged(r.UserID) // who held it already is not written
	return r.served(holder.Holdings[r.ProductID].LicenseID, u.At()), nil
}

// change is what a commit does to a request.
type change struct {
	action  string
	before  *stored // nil for a new one
	version int64   // of before
	after   stored
	// unfinished says that the answer may still change, and is committed again.
	unfinished bool
}

// save commits what becomes of a request, with all that the unit of work does.
func (s *Service) save(
	ctx context.Context, c *call.Call, u *license.UnitOfWork, ch change,
) (call.Stored[Request], error) {
	item, err := itemOf(c.Account, ch.after)
	if err != nil {
		return call.Stored[Request]{}, err
	}
	entry := call.AuditEntry{
		Action:    ch.action,
		Subject:   "request",
		SubjectID: ch.after.ID,
		User:      ch.after.UserID,
		After:     stateOf(ch.after.Request),
	}
	if ch.before != nil {
		entry.Before = stateOf(ch.before.Request)
	}
	audits, err := c.Audited(entry)
	if err != nil {
		return call.Stored[Request]{}, err
	}
	put := c.Put(item, ch.before != nil, ch.version)
	ops := append([]table.Operation{put}, audits...)
	pending := pendingKey(c.Account, ch.after.UserID, ch.after.ProductID)
	switch {
	case ch.before == nil:
		named, err := call.Encode(map[string]string{"request": ch.after.ID})
		if err != nil {
			return call.Stored[Request]{}, err
		}
		ops = append(ops, table.Put(table.Item{Key: pending, Data: named}, table.IfAbsent))
	case !ch.after.pending():
		ops = append(ops, table.Delete(pending, table.IfPresent))
	}
	out := call.Stored[Request]{Value: ch.after.Request, Version: put.Item.Version, Created: ch.before == nil}
	answer := out.Answer()
	if out.Created {
		answer = answer.At(pathOf(c.Account, ch.after.ID))
	}
	if ch.unfinished {
		return out, provide(ctx, c, u, answer, ops)
	}
	return out, u.Commit(ctx, answer, ops...)
}

// provide commits what the unit of work does with an answer that may still change.
func provide(
	ctx context.Context, c *call.Call, u *license.UnitOfWork, answer call.Answer, more []table.Operation,
) error {
	ops, err := u.Operations()
	if err != nil {
		return err
	}
	if err := c.Provide(ctx, answer, append(ops, more...)...); err != nil {
		return err
	}
	u.Committed(ctx)
	return nil
}

func pathOf(account, id string) string { return "/v1/accounts/" + account + "/requests/" + id }

func forbiddenToDecide() error { return forbidden("licenses.manage") }

func forbiddenForOthers() error {
	return problem.New(problem.Forbidden, "For somebody else, the token needs the permission licenses.manage.")
}
