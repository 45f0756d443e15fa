package request

import (
	"context"
	"errors"
	"fmt"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// ServeApproved gives the approved requests of all accounts what there are free seats for, the
// oldest first; the maintenance function calls it after the waiting lists were served. One that
// fails stops no other; the errors come together. It reads one index entry for each product that an
// account's requests wait for, and then as much as the approvals that it carries on.
func (s *Service) ServeApproved(ctx context.Context) error {
	var pieces []call.Piece
	from := ""
	for {
		page, err := s.env.Table.Query(
			ctx, table.Query{Index: table.Index3, Partition: markers, From: from, Limit: 1},
		)
		if err != nil {
			return errors.Join(err, call.InTurn(ctx, s.env, pieces))
		}
		if len(page.Items) == 0 {
			return call.InTurn(ctx, s.env, pieces)
		}
		account, product, _ := marked(page.Items[0].IndexKeys[2].Sort)
		pieces = append(pieces, call.Piece{
			Marker: fmt.Sprintf("requests for %s of account %s", product, account),
			Work:   func(ctx context.Context) error { return s.serve(ctx, account, product) },
		})
		from = account + "#" + product + "$" // "$" follows "#": the first entry of the next product
	}
}

// serve gives an account's approved requests for a product what there are free seats for.
func (s *Service) serve(ctx context.Context, account, product string) error {
	q := table.Query{Index: table.Index3, Partition: markers, Prefix: markerSort(account, product, "")}
	var failures []error
	short := errors.New("no seat is free")
	err := table.All(ctx, s.env.Table, q, func(item table.Item) error {
		_, _, id := marked(item.IndexKeys[2].Sort)
		err := s.serveOne(ctx, account, id)
		if problem.Is(err, problem.NotEnoughLicenses) {
			return short
		}
		if _, refused := problem.From(err); err != nil && !refused { // who may not hold it now may later
			failures = append(failures, err)
		}
		return nil
	})
	if errors.Is(err, short) {
		err = nil
	}
	return errors.Join(append(failures, err)...)
}

// serveOne gives one approved request what it asks for; one whose person is gone ends.
//
// Errors: not-enough-licenses; those of a direct grant.
func (s *Service) serveOne(ctx context.Context, account, id string) error {
	return call.Decide(ctx, func(ctx context.Context) error {
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
		next := change{"request.fulfilled", &before, item.Version, before}
		u := s.kernel.Change(c)
		next.after.Request, err = s.give(ctx, u, before.Request)
		switch {
		case problem.Is(err, problem.WrongState):
			next.action, next.after.State = "request.withdrawn", Withdrawn
		case err != nil:
			return err
		}
		_, err = s.save(ctx, c, u, next)
		return err
	})
}
