package usage

import (
	"context"
	"time"

	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Activity is one use of a product by a user (requirements, section 12).
type Activity struct {
	ID        string
	UserID    string
	ProductID string
	At        time.Time
}

// TakeActivity takes in uses of any product, as Take does views: an event that was taken in within
// the last 32 days is a duplicate, and of each user and product the last use is kept, at no more
// than one write a day.
//
// Errors: those of Take.
func (s *Service) TakeActivity(ctx context.Context, c *call.Call, events []Activity) (Receipt, error) {
	return received(ctx, c, events, s.takeActivity)
}

func (s *Service) takeActivity(ctx context.Context, c *call.Call, events []Activity) (Receipt, error) {
	var receipt Receipt
	good, err := s.judgeActivity(ctx, c, events, &receipt)
	if err != nil {
		return Receipt{}, err
	}
	products := map[string]bool{}
	for _, e := range good {
		products[e.ProductID] = true
	}
	if err := s.tell(ctx, c, products); err != nil {
		return Receipt{}, err
	}
	in := &activityIntake{Service: s, c: c, used: map[Seat]usedState{}}
	if err := in.load(ctx, good); err != nil {
		return Receipt{}, err
	}
	duplicates, err := storeAll(ctx, c, good, in.apart, in.store)
	if err != nil {
		return Receipt{}, err
	}
	receipt.Accepted += len(good) - duplicates
	receipt.Duplicate += duplicates
	return receipt, nil
}

// judgeActivity sorts out what cannot count, and what comes a second time in the same call.
func (s *Service) judgeActivity(
	ctx context.Context, c *call.Call, events []Activity, receipt *Receipt,
) ([]Activity, error) {
	var users []string
	for _, e := range events {
		if auth.ValidUserID(e.UserID) { // what is no id is nobody's, and must not become a key
			users = append(users, e.UserID)
		}
	}
	people, err := s.directory.Viewers(ctx, c, users)
	if err != nil {
		return nil, err
	}
	var good []Activity
	var bad []Rejected
	taken := make(map[string]bool, len(events))
	for _, e := range events {
		p := checkEvent(Event{ID: e.ID, At: e.At}, c.At)
		if p == nil {
			_, known := s.kernel.Products().Lookup(e.ProductID)
			p = checkUser(person(people[e.UserID]), known)
		}
		switch {
		case p != nil:
			bad = append(bad, Rejected{ID: e.ID, Problem: p})
		case taken[e.ID]:
			receipt.Duplicate++
		default:
			taken[e.ID] = true
			good = append(good, e)
		}
	}
	_, err = s.reject(ctx, c, bad, activityKey, receipt)
	return good, err
}

// checkUser finds what keeps a use from counting: nobody of that name, or no such product. Who has
// no seat any more may have had one when they used it.
func checkUser(who Person, product bool) *problem.Problem {
	switch {
	case !who.Exists:
		return problem.Missing("user")
	case !product:
		return problem.Invalid("productId", problem.UnknownID, "is not in the catalog")
	case !who.Active:
		return problem.New(problem.UserInactive, "The user is not active; nothing that they use counts.")
	}
	return nil
}

// activityIntake is the storing of one call's uses.
type activityIntake struct {
	*Service
	c    *call.Call
	used map[Seat]usedState
}

// load reads the last uses of the users and products of events.
func (in *activityIntake) load(ctx context.Context, events []Activity) error {
	var keys []table.Key
	for _, e := range events {
		keys = append(keys, usedKey(in.c.Account, e.UserID, e.ProductID))
	}
	found, err := in.lookup(ctx, unique(keys))
	if err != nil {
		return err
	}
	for _, e := range events {
		state, err := loadUsed(found, in.c.Account, e.UserID, e.ProductID)
		if err != nil {
			return err
		}
		in.used[Seat{e.UserID, e.ProductID}] = state
	}
	return nil
}

// apart tells the uses that change what is kept of a seat from those that change nothing but themselves
// once the others are stored.
func (in *activityIntake) apart(events []Activity) (changing, alone []Activity) {
	used := map[Seat]usedState{}
	for _, e := range events {
		seat := Seat{e.UserID, e.ProductID}
		u, ok := used[seat]
		if !ok {
			u = in.used[seat]
		}
		after, changed := u.seen(e.At)
		used[seat] = after
		if changed {
			changing = append(changing, e)
		} else {
			alone = append(alone, e)
		}
	}
	return changing, alone
}

// store stores some events in one commit, with the last uses that they change, and tells how many
// were there already. It may be used side by side for events that change no last use.
func (in *activityIntake) store(ctx context.Context, events []Activity) (duplicates int, err error) {
	before := newEarlier()
	err = call.Decide(ctx, func(ctx context.Context) error {
		ops, touched, err := in.operations(events, before)
		if err != nil || len(ops) == 0 {
			return err
		}
		err = in.env.Table.Commit(ctx, ops)
		if refused, ok := table.Refused(err); ok {
			if err := in.learn(ctx, refused, events, before); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		for seat, u := range touched {
			u.exists, u.version = true, u.version+1
			in.used[seat] = u
		}
		return nil
	})
	return len(before.there), err
}

// operations are those that store events but for the ones that are there.
func (in *activityIntake) operations(
	events []Activity, before earlier,
) (ops []table.Operation, touched map[Seat]usedState, err error) {
	touched = map[Seat]usedState{}
	var order []Seat
	for _, e := range events {
		if before.there[e.ID] {
			continue
		}
		key := activityKey(in.c.Account, e.ID)
		item := table.Item{Key: key, Data: []byte("{}"), Expires: in.c.At.Add(remembered).Unix()}
		ops = append(ops, table.Put(item, before.condition(key)))
		seat := Seat{e.UserID, e.ProductID}
		u, ok := touched[seat]
		if !ok {
			u = in.used[seat]
		}
		after, changed := u.seen(e.At)
		if !changed {
			continue
		}
		if !ok {
			order = append(order, seat)
		}
		after.exists, after.version = in.used[seat].exists, in.used[seat].version
		touched[seat] = after
	}
	for _, seat := range order {
		op, err := touched[seat].put(in.c.Account)
		if err != nil {
			return nil, nil, err
		}
		ops = append(ops, op)
	}
	return ops, touched, nil
}

// learn finds out why a commit was refused: events that are there already, and last uses that
// others have written.
func (in *activityIntake) learn(
	ctx context.Context, refused *table.ConditionError, events []Activity, before earlier,
) error {
	var keys []table.Key
	var changed []Activity
	for _, e := range events {
		if key := activityKey(in.c.Account, e.ID); refused.Has(key) {
			keys = append(keys, key)
		}
		if refused.Has(usedKey(in.c.Account, e.UserID, e.ProductID)) {
			changed = append(changed, e)
		}
	}
	found, err := in.lookup(ctx, keys)
	if err != nil {
		return err
	}
	for _, e := range events {
		before.look(found, activityKey(in.c.Account, e.ID), e.ID, in.c.At)
	}
	return in.load(ctx, changed)
}
