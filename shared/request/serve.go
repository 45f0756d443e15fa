package request

import (
	"context"
	"errors"
	"strings"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/purchase"
)

// bids says whether a policy may buy. Where that cannot be read, it is asked to.
func (s *Service) bids(ctx context.Context, c *call.Call, product string) bool {
	room, bids, err := s.buyer.Room(ctx, c, product)
	return err != nil || bids && room > 0
}

// mostShort is how many requests that are short of a seat are looked at before a policy is asked to
// buy for them: more than it buys in one order.
const mostShort = 50

// errEnough ends a look at requests.
var errEnough = errors.New("enough requests are short of a seat")

// missing finds which of some approved requests a seat is still missing for, and a bought one would
// serve.
func (s *Service) missing(c *call.Call, ids []string) purchase.Find {
	return func(ctx context.Context, costCenter string, most int) (list []purchase.Missing, err error) {
		for _, id := range ids {
			if len(list) == most {
				break
			}
			key := requestKey(c.Account, id)
			item, found, err := c.Get(ctx, key)
			if err != nil {
				return nil, err
			}
			if !found {
				continue
			}
			r, err := call.Decode[stored](item)
			if err != nil {
				return nil, err
			}
			if r.State != Approved || !r.Buys || !r.Limit.Has(costCenter) {
				continue
			}
			u := s.kernel.Change(c)
			u.HoldTo(r.Limit)
			_, err = s.give(ctx, u, r.Request)
			if _, refused := problem.From(err); err != nil && !refused {
				return nil, err
			}
			if !problem.Is(err, problem.NotEnoughLicenses) || !u.Serves(costCenter, r.UserID) {
				continue
			}
			list = append(list, purchase.Missing{
				BoughtFor: purchase.BoughtFor{UserID: r.UserID, RequestID: id},
				Cause:     r.Cause, Lacks: table.Check(key, table.IfVersion(item.Version)),
			})
		}
		return list, nil
	}
}

// ServeApproved gives the approved requests of an account, or of all if it is empty, what there are free
// seats for, the oldest first; the maintenance function calls it after the waiting lists were served. One that
// fails stops no other; the errors come together. It reads one index entry for each product that an
// account's requests wait for, and then as much as the approvals that it carries on.
func (s *Service) ServeApproved(ctx context.Context, of string) error {
	var pieces []call.Piece
	err := markers.Groups(ctx, s.env.Table, of, func(account, product string) {
		pieces = append(pieces, call.Piece{
			Account: account, Marker: "requests for " + product,
			Work: func(ctx context.Context) error { return s.serve(ctx, account, product) },
		})
	})
	return errors.Join(err, call.InTurn(ctx, s.env, pieces))
}

// Lists visits the products of accounts for which approved requests wait: at most one query for each.
func Lists(ctx context.Context, store table.Store, visit func(account, product string)) error {
	return markers.Groups(ctx, store, "", visit)
}

// serve gives an account's approved requests for a product what there are free seats for, and then
// what a policy buys for those whose approver may buy.
func (s *Service) serve(ctx context.Context, account, product string) error {
	for {
		c := call.ForEvent(s.env, account, "maintenance", "requests", s.env.Clock())
		short, err := s.serveFree(ctx, c, product)
		if len(short) == 0 {
			return err
		}
		bought, unbought := s.buyer.Buy(ctx, c, product, s.missing(c, short))
		if err := errors.Join(err, unbought); err != nil || bought == 0 {
			return err
		}
	}
}

// serveFree gives an account's approved requests for a product what there are free seats for, and
// lists those that are short of one, the oldest first. Where no policy buys and nothing is free for
// anybody, the first one holds up the others; what a fence, or the limit of who approved, keeps from it
// may serve them.
func (s *Service) serveFree(ctx context.Context, c *call.Call, product string) (short []string, err error) {
	var failures []error
	bids := false
	err = markers.Of(ctx, s.env.Table, c.Account, product+"#", func(m call.Marker) error {
		_, id, _ := strings.Cut(m.ID, "#")
		free, err := s.serveOne(ctx, c.Account, id)
		if problem.Is(err, problem.NotEnoughLicenses) {
			if len(short) == 0 {
				bids = s.bids(ctx, c, product)
			}
			if short = append(short, id); bids && len(short) == mostShort || !bids && !free {
				return errEnough
			}
			return nil
		}
		if _, refused := problem.From(err); err != nil && !refused { // who may not hold it now may later
			failures = append(failures, err)
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return short, errors.Join(append(failures, err)...)
}

// serveOne gives one approved request what it asks for, within the limit of who approved it; one whose
// person is gone ends. Of one that is short of a seat it says whether there are free ones that may not
// serve it.
//
// Errors: not-enough-licenses; not-found for a person who is none of theirs now; those of a direct grant.
func (s *Service) serveOne(ctx context.Context, account, id string) (free bool, err error) {
	err = call.Decide(ctx, func(ctx context.Context) error {
		c := call.ForEvent(s.env, account, "maintenance", "request:"+id, s.env.Clock())
		item, found, err := c.Get(ctx, requestKey(account, id))
		if err != nil || !found {
			return err
		}
		before, err := call.Decode[stored](item)
		if err != nil || before.State != Approved { // the index may be a moment behind
			return err
		}
		c.Because(before.Cause)
		next := change{action: "request.fulfilled", before: &before, version: item.Version, after: before}
		u := s.kernel.Change(c)
		u.HoldTo(before.Limit)
		next.after.Request, err = s.give(ctx, u, before.Request)
		switch {
		case problem.Is(err, problem.WrongState):
			next.action, next.after.State = "request.withdrawn", Withdrawn
		case err != nil:
			free = u.Free(before.ProductID)
			return err
		}
		_, err = s.save(ctx, c, u, next)
		return err
	})
	return free, err
}
