package license

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"seatwise/shared/catalog"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Try carries out verbs of the change together: when they fail, the change is as it was before them.
func (ch *Change) Try(verbs func() error) error {
	before := ch.clone()
	err := verbs()
	if err != nil {
		*ch = *before
	}
	return err
}

// clone copies everything that a verb may change in place.
func (ch *Change) clone() *Change {
	copied := *ch
	copied.holders = make(map[string]*holderState, len(ch.holders))
	for id, h := range ch.holders {
		state := *h
		if h.Holdings != nil {
			state.Holdings = make(map[string]*Holding, len(h.Holdings))
			for product, holding := range h.Holdings {
				state.Holdings[product] = pointer(*holding)
			}
		}
		copied.holders[id] = &state
	}
	copied.licenses = cloneStates(ch.licenses)
	copied.extensions = cloneStates(ch.extensions)
	copied.numbers = cloneStates(ch.numbers)
	copied.waits = cloneStates(ch.waits)
	copied.heads = cloneStates(ch.heads)
	for _, hd := range copied.heads {
		hd.waits = slices.Clone(hd.waits)
	}
	copied.exclusions, copied.counts, copied.bought, copied.look = maps.Clone(ch.exclusions), maps.Clone(ch.counts), maps.Clone(ch.bought), maps.Clone(ch.look)
	copied.records, copied.drawn = slices.Clone(ch.records), maps.Clone(ch.drawn)
	return &copied
}

func cloneStates[K comparable, V any](states map[K]*V) map[K]*V {
	copied := make(map[K]*V, len(states))
	for key, state := range states {
		copied[key] = pointer(*state)
	}
	return copied
}

func pointer[T any](v T) *T { return &v }

// GrantLicense gives a loaded user this very license, which must be loaded; for the user who holds it already it is GrantProduct.
//
// Errors: license-not-available when it is terminated or somebody else's; user-already-licensed when the user holds another of the product; wrong-state for a
// metered product, which is assigned by product; those of Grant.
func (ch *Change) GrantLicense(ctx context.Context, user, id, source string) error {
	h, ok := ch.holders[user]
	if !ok || h.gone {
		return problem.Missing("user")
	}
	l, ok := ch.licenses[id]
	if !ok {
		return problem.Missing("license")
	}
	product := l.now.ProductID
	switch {
	case l.now.Status == Assigned && l.now.UserID == user:
		if err := ch.agreed(user, id); err != nil {
			return err
		}
		return ch.GrantProduct(ctx, user, product, source)
	case l.now.Status != Available:
		return problem.Newf(problem.LicenseNotAvailable, "The license is %s.", l.now.Status)
	case l.unreserved() != nil:
		return l.unreserved()
	case h.Holds(product):
		return problem.Newf(problem.UserAlreadyLicensed, "The user already holds a license of %s.", product)
	}
	ch.chosen = l
	defer func() { ch.chosen = nil }()
	return ch.Grant(ctx, user, product, source)
}

// GrantProduct is Grant, but changes nothing for who holds the product by a person's decision already (spec 4).
func (ch *Change) GrantProduct(ctx context.Context, user, product, source string) error {
	if h, ok := ch.holders[user]; ok && h.Holds(product) && h.Active {
		if slices.ContainsFunc(h.Holdings[product].Grants, func(g Grant) bool { return !automatic(g.Source) }) {
			return nil
		}
	}
	return ch.Grant(ctx, user, product, source)
}

// Terminate ends a loaded license for ever (invariant I6): it stays on record and counts no more. A terminated one stays as it is.
//
// Errors: license-in-use when it is assigned; license-not-available when it is reserved.
func (ch *Change) Terminate(id string) error {
	l, ok := ch.licenses[id]
	if !ok {
		return problem.Missing("license")
	}
	switch l.now.Status {
	case Terminated:
		return nil
	case Assigned:
		return problem.New(problem.LicenseInUse, "The license is assigned; unassign it first.")
	case Available:
	}
	if err := l.unreserved(); err != nil {
		return err
	}
	at := ch.c.At
	l.now.Status, l.now.TerminatedAt, l.now.Pending = Terminated, &at, false
	ch.bought[boughtKey(ch.c.Account, l.now.ProductID)]--
	ch.bought[costCenterSeatsKey(ch.c.Account, l.now.ProductID, l.now.CostCenter)]--
	ch.record(ch.seatChange("license.terminated", l, "", ""))
	return nil
}

// Charge moves a loaded license to another cost center, which the caller knows to exist.
//
// Errors: wrong-state when it is terminated, or metered and so charged by its count; license-not-available when it is reserved.
func (ch *Change) Charge(id, costCenter string) error {
	l, ok := ch.licenses[id]
	if !ok {
		return problem.Missing("license")
	}
	switch {
	case l.now.CostCenter == costCenter:
		return nil
	case l.now.Status == Terminated:
		return problem.New(problem.WrongState, "The license is terminated.")
	case l.now.Kind == catalog.Metered:
		return problem.New(problem.WrongState, "A metered license has no cost center.")
	case l.unreserved() != nil:
		return l.unreserved()
	}
	ch.bought[costCenterSeatsKey(ch.c.Account, l.now.ProductID, l.now.CostCenter)]--
	ch.bought[costCenterSeatsKey(ch.c.Account, l.now.ProductID, costCenter)]++
	l.now.CostCenter, l.now.Pending = costCenter, false
	ch.record(ch.seatChange("license.charged", l, l.now.UserID, ""))
	return nil
}

// after is a loaded license as it is when the change is committed, and its version then.
func (ch *Change) after(id string) (License, int64, error) {
	l, ok := ch.licenses[id]
	if !ok {
		return License{}, 0, problem.Missing("license")
	}
	changed, err := l.changed()
	if err != nil {
		return License{}, 0, err
	}
	if changed {
		return l.now.License, l.version + 1, nil
	}
	return l.now.License, l.version, nil
}

func (l *licenseState) changed() (bool, error) {
	if !l.exists {
		return true, nil
	}
	was, err := call.Encode(l.before)
	if err != nil {
		return false, err
	}
	now, err := call.Encode(l.now)
	return !bytes.Equal(was, now), err
}

// operations are Operations when they fit into one commit of the call together with more; fits is false when they do not.
func (ch *Change) operations(more int) (ops []table.Operation, fits bool, err error) {
	if ops, err = ch.Operations(); err != nil {
		return nil, false, err
	}
	return ops, len(ops)+more <= ch.c.Spare(), nil
}
