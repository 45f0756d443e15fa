package idle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/usage"
)

// worker is who carries on a reclaim when nobody asks: the actor of audit records.
const worker = "reclaim"

// workSoon does what it can of a reclaim before the request must be answered; what is left stays
// marked, and the maintenance function does it.
func (s *Service) workSoon(ctx context.Context, c *call.Call, id string) {
	limited, cancel := call.InTime(ctx)
	defer cancel()
	if err := s.work(limited, c.Apart(), id); err != nil {
		s.env.Log.WarnContext(ctx, "a reclaim is left to maintenance",
			slog.String("account", c.Account), slog.String("reclaim", id), slog.Any("error", err))
	}
}

// Resume finishes the reclaims of an account, or of all if it is empty, that are marked. One that fails
// never stops the others; the errors come together.
func (s *Service) Resume(ctx context.Context, of string) error {
	var pieces []call.Piece
	err := markers.Each(ctx, s.env.Table, of, func(m call.Marker) error {
		cause, err := call.Decode[call.Cause](m.Item)
		if err != nil {
			return err
		}
		c := call.ForEvent(s.env, m.Account, worker, worker, s.env.Clock()).Because(cause)
		pieces = append(pieces, call.Piece{
			Account: m.Account, Marker: "reclaim " + m.ID,
			Work: func(ctx context.Context) error { return s.work(ctx, c, m.ID) },
		})
		return nil
	})
	return errors.Join(err, call.InTurn(ctx, s.env, pieces))
}

// Marked visits the accounts that have a reclaim which is not done.
func Marked(ctx context.Context, store table.Store, visit func(account string)) error {
	return markers.Accounts(ctx, store, visit)
}

// work goes on with a reclaim from where it is: part by part, and in each seat by seat. Any number
// of workers may do so at once, since each seat is one commit on condition of its part.
func (s *Service) work(ctx context.Context, c *call.Call, id string) error {
	for {
		if err := ctx.Err(); err != nil {
			return err //nolint:wrapcheck // the caller's own
		}
		j, _, err := s.loadJob(ctx, c, id)
		if err != nil {
			return err
		}
		if j.State != Running && j.State != Undoing {
			return nil
		}
		if j.Next < j.Parts {
			if err := s.workPart(ctx, c, j); err != nil {
				return err
			}
		}
		if err := s.advance(ctx, c, j); err != nil {
			return err
		}
	}
}

// workPart does every seat of the next part that is not done.
func (s *Service) workPart(ctx context.Context, c *call.Call, j job) error {
	item, ok, err := table.Get(ctx, s.env.Table, partKey(c.Account, j.ID, j.Next))
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("reclaim %s has lost its part %d", j.ID, j.Next)
	}
	p, err := call.Decode[part](item)
	if err != nil {
		return err
	}
	todo, do := pending, s.take
	if j.State == Undoing {
		todo, do = reclaimed, s.giveBack
	}
	for i, r := range p.Rows {
		if r.Outcome != todo || j.State == Undoing && !j.gives(r.UserID) {
			continue
		}
		err := call.Decide(ctx, func(ctx context.Context) error {
			turn := c.Apart()
			turn.Reason = "reclaim:" + j.ID
			u := turning{Service: s, c: turn, j: j, place: i, row: r, todo: todo}
			return do(ctx, &u)
		})
		if err != nil {
			return fmt.Errorf("seat of user %s: %w", r.UserID, err)
		}
	}
	return nil
}

// turning is the turn of one seat of a reclaim: what one commit does for it.
type turning struct {
	*Service
	c     *call.Call
	j     job
	place int
	row   row // as it was when the part was read, and then as it becomes
	todo  string

	change  *license.UnitOfWork
	part    part
	version int64
}

// load reads the part again, beside what the seat's turn needs; done says that another worker was
// faster.
func (t *turning) load(ctx context.Context, need license.Need) (found map[table.Key]table.Item, done bool, err error) {
	key := partKey(t.c.Account, t.j.ID, t.j.Next)
	t.change = t.kernel.Change(t.c)
	t.change.DeferHandover()
	if t.change.HoldTo(t.j.Limit); t.j.State == Undoing {
		t.change.HoldTo(t.j.UndoLimit)
	}
	need.Users = []string{t.row.UserID}
	need.Also = append(need.Also, key)
	if found, err = t.change.Load(ctx, need); err != nil {
		return nil, false, err
	}
	if t.part, err = call.Decode[part](found[key]); err != nil {
		return nil, false, err
	}
	t.version, t.row = found[key].Version, t.part.Rows[t.place]
	return found, t.row.Outcome != t.todo, nil
}

// commit commits what becomes of the seat, with what it relies on.
func (t *turning) commit(ctx context.Context, relies ...table.Operation) error {
	t.part.Rows[t.place] = t.row
	data, err := call.Encode(t.part)
	if err != nil {
		return err
	}
	item := table.Item{
		Key: partKey(t.c.Account, t.j.ID, t.j.Next), Data: data, Expires: t.j.CreatedAt.Add(remembered).Unix(),
	}
	return t.change.Commit(ctx, call.Answer{}, append(relies, table.Put(item, table.IfVersion(t.version)))...)
}

// becomes is what became of the seat.
func (t *turning) becomes(outcome, why, message string) {
	t.row.Outcome, t.row.Why, t.row.Message = outcome, why, message
}

// theirs says whether a user, who is loaded, and a license are of who is limited: for the others it is
// as if they had gone.
func (t *turning) theirs(user, license string) bool {
	return t.change.TheirUser(user) == nil && (license == "" || t.change.TheirLicense(license) == nil)
}

// take takes a seat that is still idle from who has it, as unassigning does.
func (s *Service) take(ctx context.Context, t *turning) error {
	account, product := t.c.Account, t.j.ProductID
	seat := usage.Seat{UserID: t.row.UserID, ProductID: product}
	uses := s.usage.UseKeys(account, seat)
	found, done, err := t.load(ctx, license.Need{Licenses: []string{t.row.LicenseID}, Also: uses})
	if err != nil || done {
		return err
	}
	last, err := s.usage.UseOf(found, account, seat)
	if err != nil {
		return err
	}
	holder, err := t.change.Holder(seat.UserID)
	if problem.Is(err, problem.NotFound) {
		t.becomes(kept, whyGone, "The user is gone.")
		return t.commit(ctx)
	}
	if err != nil {
		return err
	}
	if holding := holder.Holdings[product]; holding == nil || holding.LicenseID != t.row.LicenseID {
		t.becomes(kept, whyNotHeld, "They no longer have the seat.")
		return t.commit(ctx)
	}
	if !t.theirs(seat.UserID, t.row.LicenseID) {
		t.becomes(kept, whyNotTheirs, "They, or their seat, are of another cost center now.")
		return t.commit(ctx)
	}
	l, err := call.Decode[license.License](found[license.Key(account, t.row.LicenseID)])
	if err != nil {
		return err
	}
	switch since := idleSince(l, last); {
	case last.Monitored:
		t.becomes(kept, whyMonitored, "They are a monitored agent.")
		return t.commit(ctx)
	case !since.Before(t.j.Cutoff):
		t.becomes(kept, whyUsed, "It was used, or assigned again, on "+since.Format("2006-01-02")+".")
		return t.commit(ctx)
	}
	before := holdings(holder)
	if err := t.change.Unassign(ctx, seat.UserID, product); err != nil {
		return err
	}
	after := holdings(holder)
	t.row.Took = lost(before, after, product)
	t.row.Excluded = before[product].Excluded == nil && after[product].Excluded != nil
	for _, one := range t.row.Took {
		if one.ProductID != product && one.LicenseID != "" {
			t.row.WentAlong = append(t.row.WentAlong, one.ProductID)
		}
	}
	t.becomes(reclaimed, "", "")
	return t.commit(ctx, unchanged(found, uses)...)
}

// holdings are a holder's as they are now.
func holdings(h *license.Holder) map[string]license.Holding {
	all := make(map[string]license.Holding, len(h.Holdings))
	for product, holding := range h.Holdings {
		all[product] = *holding
	}
	return all
}

// unchanged demands that items are as they were read, there or not.
func unchanged(found map[table.Key]table.Item, keys []table.Key) []table.Operation {
	checks := make([]table.Operation, len(keys))
	for i, key := range keys {
		cond := table.IfAbsent
		if item, ok := found[key]; ok {
			cond = table.IfVersion(item.Version)
		}
		checks[i] = table.Check(key, cond)
	}
	return checks
}

// giveBack gives a reclaimed seat back to who had it, with the grants they had: the very license if
// it is still free, any other of the product if not. What went with it comes back as far as it can.
func (s *Service) giveBack(ctx context.Context, t *turning) error {
	need := license.Need{}
	for _, one := range t.row.Took {
		need.Licenses = append(need.Licenses, one.LicenseID)
	}
	if _, done, err := t.load(ctx, need); err != nil || done {
		return err
	}
	holder, err := t.change.Holder(t.row.UserID)
	switch {
	case problem.Is(err, problem.NotFound):
		t.becomes(notReturned, whyGone, "The user is gone.")
		return t.commit(ctx)
	case err != nil:
		return err
	case !t.theirs(t.row.UserID, ""):
		t.becomes(notReturned, whyNotTheirs, "They are of another cost center now.")
		return t.commit(ctx)
	case holder.Holds(t.j.ProductID):
		t.becomes(notReturned, whyHolds, "They have a seat of it again.")
		return t.commit(ctx)
	}
	t.becomes(returned, "", "")
	err = t.change.Try(func() error { return t.restore(ctx, holder) })
	var refused *problem.Problem
	switch {
	case errors.As(err, &refused):
		t.becomes(notReturned, string(refused.Slug), refused.Detail)
		return t.commit(ctx)
	case err != nil:
		return err
	case t.row.Outcome != returned:
		return t.commit(ctx)
	}
	for _, one := range t.row.Took[1:] {
		err := t.change.Try(func() error { return t.regrant(ctx, one) })
		switch {
		case errors.As(err, &refused):
			t.row.Lacks = append(t.row.Lacks, one.ProductID)
		case err != nil:
			return err
		}
	}
	return t.commit(ctx)
}

// restore gives the reclaimed product itself back, and lifts the exclusion that it brought.
//
// Errors: problems, for which it cannot be restored.
func (t *turning) restore(ctx context.Context, holder *license.Holder) error {
	if !holder.Active {
		return problem.New(problem.UserInactive, "The user is not active.")
	}
	main := t.row.Took[0]
	if err := t.regrant(ctx, main); err != nil {
		return err
	}
	holding := holder.Holdings[main.ProductID]
	if holding != nil && holding.Excluded != nil && t.row.Excluded {
		if err := t.change.Lift(ctx, t.row.UserID, main.ProductID); err != nil {
			return err
		}
	}
	switch {
	case holder.Holds(main.ProductID):
		return nil
	case holder.Holdings[main.ProductID] == nil:
		t.becomes(notReturned, whyNoGrant, "Why they had it is over: they left the call queue, or lost the role.")
		return nil
	case holder.Holdings[main.ProductID].Waiting != "":
		return problem.Shortage(main.ProductID, t.products.Name(main.ProductID), 1, 0)
	}
	t.becomes(notReturned, whyNoGrant, "Why they had it does not count now.")
	return nil
}

// regrant gives the grants that were lost of one product again: with the license that went, if it
// is still free.
func (t *turning) regrant(ctx context.Context, one taken) error {
	for i, source := range one.Grants {
		if i == 0 && one.LicenseID != "" && t.theirs(t.row.UserID, one.LicenseID) {
			err := t.change.GrantLicense(ctx, t.row.UserID, one.LicenseID, source)
			if err == nil {
				continue
			}
			if !problem.Is(err, problem.LicenseNotAvailable) && !problem.Is(err, problem.NotFound) {
				return err
			}
		}
		if err := t.change.Grant(ctx, t.row.UserID, one.ProductID, source); err != nil {
			return err
		}
	}
	return nil
}

// advance notes that a part is done, and with the last one that the reclaim is.
func (s *Service) advance(ctx context.Context, c *call.Call, from job) error {
	return call.Decide(ctx, func(ctx context.Context) error {
		j, version, err := s.loadJob(ctx, c, from.ID)
		if err != nil || j.State != from.State || j.Next != from.Next {
			return err
		}
		if j.Next < j.Parts {
			item, _, err := table.Get(ctx, s.env.Table, partKey(c.Account, j.ID, j.Next))
			if err != nil {
				return err
			}
			p, err := call.Decode[part](item)
			if err != nil {
				return err
			}
			j.Counts.add(p.Rows, j.State)
			j.Next++
		}
		ops, err := s.ended(c, &j)
		if err != nil {
			return err
		}
		put, err := putJob(c.Account, j, version)
		if err != nil {
			return err
		}
		return s.env.Table.Commit(ctx, append(ops, put))
	})
}

// ended ends a reclaim whose last part is done: no marker any more, and an audit record.
func (s *Service) ended(c *call.Call, j *job) ([]table.Operation, error) {
	if j.Next < j.Parts {
		return nil, nil
	}
	at := s.env.Clock().UTC()
	action := "reclaim.completed"
	switch {
	case j.State == Running:
		j.State, j.EndedAt = Completed, &at
	case j.Counts.left() > 0: // of users who were not named
		j.State, j.UndoneAt, j.Undoes = Completed, &at, nil
		action = "reclaim.undone"
	default:
		j.State, j.UndoneAt, j.Undoes = Undone, &at, nil
		action = "reclaim.undone"
	}
	audit, err := c.Audit(call.AuditEntry{Action: action, Subject: worker, SubjectID: j.ID, After: j.Counts})
	if err != nil {
		return nil, err
	}
	return []table.Operation{audit, table.Delete(markers.Key(c.Account, j.ID), table.Always)}, nil
}

// add counts what became of seats in a state.
func (n *Counts) add(rows []row, in State) {
	for _, r := range rows {
		switch {
		case in == Running && r.Outcome == reclaimed:
			n.Reclaimed++
		case in == Running && r.Outcome == kept:
			n.Kept++
		case in == Undoing && r.Outcome == returned:
			n.Returned++
		case in == Undoing && r.Outcome == notReturned:
			n.NotReturned++
		}
	}
}
