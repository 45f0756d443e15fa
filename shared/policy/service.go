// Package policy keeps what an account has decided for a product (requirements, section 12): whether
// missing seats are bought automatically and how many at most, how few free seats raise an alert, and
// after how many days without use a seat counts as idle.
package policy

import (
	"context"
	"slices"

	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/craft/money"
	"seatwise/shared/license"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Service keeps policies.
type Service struct{ products *catalog.Catalog }

// NewService makes the service for the products of a catalog.
func NewService(products *catalog.Catalog) *Service { return &Service{products: products} }

// Watched visits the policies by which alerts are raised, of an account, or of all if it is empty, by
// account.
func Watched(
	ctx context.Context, store table.Store, of string, visit func(account string, p Policy) error,
) error {
	return watched.Each(ctx, store, of, func(m call.Marker) error {
		p, err := call.Decode[Policy](m.Item)
		if err != nil {
			return err
		}
		return visit(m.Account, p)
	})
}

// Get reads the policy of a product and its version.
//
// Errors: not-found; forbidden for one that is not theirs of an admin of some cost centers.
func (s *Service) Get(ctx context.Context, c *call.Call, product string) (Policy, int64, error) {
	if _, ok := s.products.Lookup(product); !ok { // and must not become a key
		return Policy{}, 0, problem.Missing("policy")
	}
	item, ok, err := c.Get(ctx, Key(c.Account, product))
	if err != nil {
		return Policy{}, 0, err
	}
	if !ok {
		return Policy{}, 0, problem.Missing("policy")
	}
	p, err := call.Decode[stored](item)
	if err != nil {
		return Policy{}, 0, err
	}
	if err := theirs(ctx, p.Rules); err != nil {
		return Policy{}, 0, err
	}
	shown, err := s.shown(ctx, c, p)
	return shown[0], item.Version, err
}

// List is a page of the account's policies by product, from behind one. For an admin of some cost centers
// it has those that buy for theirs, and may be short.
func (s *Service) List(ctx context.Context, c *call.Call, after string, limit int) ([]Policy, string, error) {
	query := table.Query{Partition: partition(c.Account), Limit: limit + 1}
	if after != "" {
		query.From = after + "\x00" // the least key behind it
	}
	page, err := c.Env.Table.Query(ctx, query)
	if err != nil {
		return nil, "", err
	}
	var list []stored
	next := ""
	for _, item := range page.Items {
		p, err := call.Decode[stored](item)
		if err != nil {
			return nil, "", err
		}
		if len(list) == limit {
			next = list[limit-1].ProductID
			break
		}
		list = append(list, p)
	}
	codes, err := access.CostCenters(ctx)
	if err != nil {
		return nil, "", err
	}
	list = slices.DeleteFunc(list, func(p stored) bool { return !p.of(codes) })
	shown, err := s.shown(ctx, c, list...)
	return shown, next, err
}

// shown are policies as GET shows them: with why they buy nothing, and what they have bought. Of those
// with automatic purchase, account and cost centers are read in one go, the counts of the billing
// period in another, and whoever acknowledged one that is to buy.
func (s *Service) shown(ctx context.Context, c *call.Call, list ...stored) ([]Policy, error) {
	shown := make([]Policy, len(list))
	w := world{service: s, people: map[string]access.Given{}}
	var products []string
	for i, p := range list {
		if shown[i] = p.Policy; p.AutoPurchase != nil {
			products = append(products, p.ProductID)
		}
		if !p.buys() {
			continue
		}
		now, _, err := w.standing(ctx, c, p, list)
		if err != nil {
			return shown, err
		}
		shown[i].Suspended = p.suspension(now)
	}
	if len(products) == 0 {
		return shown, nil
	}
	if err := w.read(ctx, c, list); err != nil {
		return shown, err
	}
	days, err := w.account.Calendar()
	if err != nil {
		return shown, err
	}
	counts, _, err := Counts(ctx, c, days, products)
	if err != nil {
		return shown, err
	}
	for i, p := range list {
		if p.AutoPurchase == nil {
			continue
		}
		price, err := s.products.Price(p.ProductID, w.account.Currency)
		if err != nil {
			return shown, err
		}
		n := counts[0]
		counts = counts[1:]
		shown[i].Used = n.used(w.account.Currency, p.AutoPurchase.Room(price, n.Seats, n.Amount))
	}
	return shown, nil
}

// world is what policies depend on, beside themselves, as far as it was read.
type world struct {
	service *Service
	found   map[table.Key]table.Item
	account account.Account
	version int64 // of the account
	people  map[string]access.Given
}

// read reads the account, and the cost centers of policies that are to buy, unless it is done.
func (w *world) read(ctx context.Context, c *call.Call, list []stored) (err error) {
	if w.found != nil {
		return nil
	}
	keys := []table.Key{call.AccountKey(c.Account)}
	for _, p := range list {
		if !p.buys() {
			continue
		}
		if key := license.CostCenterKey(c.Account, p.AutoPurchase.CostCenter); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	if w.found, err = c.Lookup(ctx, keys...); err != nil {
		return err
	}
	w.account, w.version, err = account.From(c, w.found)
	return err
}

// standing is what decides whether a policy buys, one of a list for all of which the account and the
// cost centers are read once; and what a commit must demand that relies on it.
func (w *world) standing(
	ctx context.Context, c *call.Call, p stored, list []stored,
) (now standing, checks []table.Operation, err error) {
	if err := w.read(ctx, c, list); err != nil {
		return now, nil, err
	}
	who, known := w.people[p.AcknowledgedBy]
	if !known {
		who, err = access.GivenTo(ctx, c.Env.Table, c.Account, p.AcknowledgedBy, auth.BillingPurchase)
		if err != nil {
			return now, nil, err
		}
		w.people[p.AcknowledgedBy] = who
	}
	if now.price, err = w.service.products.Price(p.ProductID, w.account.Currency); err != nil {
		return now, nil, err
	}
	costCenter := license.CostCenterKey(c.Account, p.AutoPurchase.CostCenter)
	_, now.hasCostCenter = w.found[costCenter]
	now.deactivated = who.Deactivated
	now.allowed = who.Allowed && who.Limit.Has(p.AutoPurchase.CostCenter)
	if !p.ByOperator {
		checks = append(checks, who.Checks...)
	}
	return now, append(checks,
		table.Check(costCenter, table.IfPresent),
		table.Check(call.AccountKey(c.Account), table.IfVersion(w.version))), nil
}

// Buying is a policy by which missing seats are bought now.
type Buying struct {
	Policy
	Price   money.Amount // of a seat, a month
	Account account.Account
	// Checks demand that the policy, the account, the cost center, and what of the directory allows it
	// are as they were read: at most MostChecks.
	Checks []table.Operation
}

// MostChecks is how many operations Buying.Checks has at most.
const MostChecks = 3 + access.Checks

// Buys reads whether, and how, missing seats of a product are bought now; nil when they are not. It
// is one read of the policy alone where there is none.
func (s *Service) Buys(ctx context.Context, c *call.Call, product string) (*Buying, error) {
	item, there, err := c.Get(ctx, Key(c.Account, product))
	if err != nil || !there {
		return nil, err
	}
	p, err := call.Decode[stored](item)
	if err != nil || !p.buys() {
		return nil, err
	}
	w := world{service: s, people: map[string]access.Given{}}
	now, checks, err := w.standing(ctx, c, p, []stored{p})
	if err != nil || p.suspension(now) != nil {
		return nil, err
	}
	return &Buying{
		Policy: p.Policy, Price: now.price, Account: w.account,
		Checks: append(checks, table.Check(item.Key, table.IfVersion(item.Version))),
	}, nil
}

// Sent is what is sent of a policy.
type Sent struct {
	Rules

	// Acknowledges says that autoPurchase was named, so that whoever sends it acknowledges it again,
	// as it is, where who did has lost the permission.
	Acknowledges bool
}

// Put decides for a product. Rules that are as they were change nothing. Whoever sets how seats are
// bought, or changes it, acknowledges the price; so does who sends it as it is while it is suspended
// because who acknowledged it may not buy any more.
//
// Errors: not-found for a product that is not in the catalog; validation; precondition-failed; forbidden
// for a policy that is not theirs, or would not be, of an admin of some cost centers.
func (s *Service) Put(ctx context.Context, c *call.Call, product string, sent Sent) (call.Stored[Policy], error) {
	var out call.Stored[Policy]
	if _, ok := s.products.Lookup(product); !ok { // and must not become a key
		return out, problem.Missing("product")
	}
	err := call.Decide(ctx, func(ctx context.Context) error {
		item, exists, err := c.Get(ctx, Key(c.Account, product))
		if err != nil {
			return err
		}
		if err := c.Matches(exists, item.Version); err != nil {
			return err
		}
		ch := change{before: stored{Policy: Policy{ProductID: product, CreatedAt: c.At}}, read: item, rules: sent.Rules}
		if exists {
			if ch.before, err = call.Decode[stored](item); err != nil {
				return err
			}
			if err := theirs(ctx, ch.before.Rules); err != nil {
				return err
			}
			now, err := s.shown(ctx, c, ch.before)
			if err != nil {
				return err
			}
			same := ch.before.same(sent.Rules)
			ch.renews = sent.Acknowledges && sent.AutoPurchase.same(ch.before.AutoPurchase) &&
				now[0].Suspended != nil && now[0].Suspended.Reason == PermissionLost
			if same && !ch.renews {
				out = call.Stored[Policy]{Value: now[0], Version: item.Version}
				return c.Commit(ctx, out.Answer())
			}
		}
		if err := theirs(ctx, ch.rules); err != nil {
			return err
		}
		out, err = s.write(ctx, c, ch)
		return err
	})
	return out, err
}

// change is what becomes of a policy.
type change struct {
	before stored
	read   table.Item // of before; has no data when there was none
	rules  Rules
	// renews says that autoPurchase is as it was, and that somebody else acknowledges it.
	renews bool
}

// write commits a change of a policy.
func (s *Service) write(ctx context.Context, c *call.Call, ch change) (out call.Stored[Policy], err error) {
	read, exists := ch.read, ch.read.Data != nil
	next, checks, err := s.decided(ctx, c, ch)
	if err != nil {
		return out, err
	}
	item, err := itemOf(c.Account, next)
	if err != nil {
		return out, err
	}
	told := call.AuditEntry{Action: "policy.created", Subject: "policy", SubjectID: next.ProductID, After: ch.rules}
	switch {
	case ch.renews:
		told.Action = "policy.acknowledged"
		told.Before = acknowledged{ch.before.Rules, ch.before.AcknowledgedBy}
		told.After = acknowledged{ch.rules, next.AcknowledgedBy}
	case exists:
		told.Action, told.Before = "policy.changed", ch.before.Rules
	}
	audit, err := c.Audit(told)
	if err != nil {
		return out, err
	}
	shown, err := s.shown(ctx, c, next)
	if err != nil {
		return out, err
	}
	put := c.Put(item, exists, read.Version)
	out = call.Stored[Policy]{Value: shown[0], Version: put.Item.Version, Created: !exists}
	answer := out.Answer()
	if out.Created {
		answer = answer.At(location(c.Account, next.ProductID))
	}
	return out, c.Commit(ctx, answer, append(checks, put, audit)...)
}

// acknowledged are rules with who acknowledged them, for the audit log.
type acknowledged struct {
	Rules

	By string `json:"acknowledgedBy"`
}

// decided is a policy as it becomes, and what its commit must demand.
//
// Errors: validation.
func (s *Service) decided(ctx context.Context, c *call.Call, ch change) (stored, []table.Operation, error) {
	p, rules := ch.before, ch.rules
	product, _ := s.products.Lookup(p.ProductID)
	keys := []table.Key{call.AccountKey(c.Account)}
	buy := rules.AutoPurchase
	if buy != nil && auth.ValidID(buy.CostCenter) {
		keys = append(keys, license.CostCenterKey(c.Account, buy.CostCenter))
	}
	found, err := c.Lookup(ctx, keys...)
	if err != nil {
		return p, nil, err
	}
	a, _, err := account.From(c, found)
	if err != nil {
		return p, nil, err
	}
	_, has := found[keys[len(keys)-1]]
	has = has && len(keys) > 1
	if fields := check(product, rules, p.Rules, a.Currency, has); len(fields) > 0 {
		return p, nil, problem.Validation(fields...)
	}
	var checks []table.Operation
	switch {
	case buy == nil:
		p.AcknowledgedBy, p.AcknowledgedAt, p.ByDirectory, p.ByOperator = "", nil, false, false
	case ch.renews, !buy.same(p.AutoPurchase):
		who, err := access.GivenTo(ctx, c.Env.Table, c.Account, c.Actor, auth.BillingPurchase)
		if err != nil {
			return p, nil, err
		}
		at := c.At
		caller, called := auth.From(ctx)
		p.AcknowledgedBy, p.AcknowledgedAt = c.Actor, &at
		p.ByOperator = called && caller.Account != c.Account
		p.ByDirectory = who.Allowed && !p.ByOperator
		if has { // else it is as it was, and the policy stays suspended for that
			checks = append(checks, table.Check(keys[1], table.IfPresent))
		}
	}
	p.Rules, p.ChangedAt = rules, c.At
	return p, checks, nil
}

// Delete takes back what was decided for a product.
//
// Errors: not-found, precondition-failed.
func (s *Service) Delete(ctx context.Context, c *call.Call, product string) error {
	return call.Decide(ctx, func(ctx context.Context) error {
		p, version, err := s.Get(ctx, c, product)
		if err != nil {
			return err
		}
		if err := c.MatchesTag(call.Tag(version)); err != nil {
			return err
		}
		audit, err := c.Audit(call.AuditEntry{
			Action: "policy.deleted", Subject: "policy", SubjectID: product, Before: p.Rules,
		})
		if err != nil {
			return err
		}
		return c.Commit(ctx, call.Gone(), table.Delete(Key(c.Account, product), table.IfVersion(version)), audit)
	})
}
