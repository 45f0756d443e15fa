package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

const (
	// holdersPage is how many holders are looked at between two notes of how far the work is.
	holdersPage = 100
	// inlineHolders is how many holders are looked at before the answer to whoever changed the
	// bundle.
	inlineHolders = 2 * holdersPage
	// lookAgain is when all holders are looked at once more: whoever decided about a holder on the
	// old bundle has committed by then, for no function runs longer than 15 minutes, and the index
	// of holders has caught up.
	lookAgain = 16 * time.Minute
)

// bundleMarker is the work that a changed bundle leaves: two rounds over all holders that have to
// do with Live Reports.
type bundleMarker struct {
	Bundle Bundle     `json:"bundle"`
	Cause  call.Cause `json:"cause"`
	Since  time.Time  `json:"since"`
	// After is the holder up to whom the present round has come.
	After string `json:"after,omitempty"`
	// Again says that the first round is over.
	Again bool `json:"again,omitempty"`
	// Failed says that somebody failed in the second round, which is then done once more.
	Failed bool `json:"failed,omitempty"`
}

func bundleMarkerKey(account string) table.Key {
	return BundleMarkers.Key(account, "")
}

// putBundleMarker writes the marker in place of the one that was read, if there was one.
func putBundleMarker(item table.Item, c *call.Call, marker bundleMarker) (table.Operation, error) {
	data, err := call.Encode(marker)
	if err != nil {
		return table.Operation{}, err
	}
	condition := table.IfAbsent
	if item.Partition != "" {
		condition = table.IfVersion(item.Version)
	}
	return table.Put(BundleMarkers.Item(c.Account, "", data), condition), nil
}

// ResumeBundles goes on with an account whose bundle was changed, or with every one if it is empty, as
// long as the context lasts; the maintenance function calls it. What fails for one account does not
// stop the others.
func (s *Service) ResumeBundles(ctx context.Context, of string) error {
	var pieces []call.Piece
	err := BundleMarkers.Each(ctx, s.env.Table, of, func(m call.Marker) error {
		pieces = append(pieces, call.Piece{
			Account: m.Account, Marker: "bundle",
			Work: func(ctx context.Context) error { return s.settle(ctx, m.Account, 0) },
		})
		return nil
	})
	return errors.Join(err, call.InTurn(ctx, s.env, pieces))
}

// settleSoon begins the work at once; if that fails, maintenance does it.
func (s *Service) settleSoon(ctx context.Context, account string) {
	limited, cancel := call.InTime(ctx)
	defer cancel()
	if err := s.settle(limited, account, inlineHolders); err != nil {
		s.env.Log.WarnContext(
			ctx,
			"holders not all looked at after a change of bundle",
			slog.String("account", account),
			slog.Any("error", err),
		)
	}
}

// settle goes on with the present round of the account's marker, for at most that many holders, 0
// for all. Another run of the same work, or a newer change of the bundle, shows in the marker's
// version and ends this run.
func (s *Service) settle(ctx context.Context, account string, most int) error {
	var failures []error
	for looked := 0; most == 0 || looked < most; looked += holdersPage {
		item, found, err := table.Get(ctx, s.env.Table, bundleMarkerKey(account))
		if err != nil || !found {
			return err
		}
		marker, err := call.Decode[bundleMarker](item)
		if err != nil {
			return err
		}
		if marker.Again && s.env.Clock().Before(marker.Since.Add(lookAgain)) {
			return nil
		}
		done, failed, err := s.settlePage(ctx, account, &marker)
		if err != nil {
			return err
		}
		failures = append(failures, failed...)
		marker.Failed = marker.Again && (marker.Failed || len(failed) > 0)
		c := s.following(account, marker)
		op := table.Delete(item.Key, table.IfVersion(item.Version))
		if !done || !marker.Again || marker.Failed {
			if done {
				marker.After, marker.Again, marker.Failed = "", true, false
			}
			if op, err = putBundleMarker(item, c, marker); err != nil {
				return err
			}
		}
		err = s.env.Table.Commit(ctx, []table.Operation{op})
		if _, refused := table.Refused(err); refused || err == nil && done {
			return errors.Join(failures...)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(failures...)
}

// following is the call of what follows from a change of the bundle.
func (s *Service) following(account string, marker bundleMarker) *call.Call {
	return call.ForEvent(s.env, account, "account", "bundle:"+string(marker.Bundle), s.env.Clock()).
		Because(marker.Cause)
}

// settlePage looks at the next holders and moves mark.After behind them; done says that there are
// no more. One who fails never stops the others (requirements, section 6): it is among failed. When
// all of a page fail, it is not they who are at fault, and err tells it.
func (s *Service) settlePage(
	ctx context.Context,
	account string,
	marker *bundleMarker,
) (done bool, failed []error, err error) {
	users, err := s.inventory.LiveReportsHolders(ctx, s.following(account, *marker), marker.After, holdersPage)
	if err != nil {
		return false, nil, err
	}
	for _, user := range users {
		err := call.Decide(ctx, func(ctx context.Context) error {
			c := s.following(account, *marker)
			change := s.kernel.Change(c)
			if _, err := change.Load(ctx, license.Need{Users: []string{user}}); err != nil {
				return err
			}
			if err := change.Resettle(ctx, user); err != nil {
				return err
			}
			return change.Commit(ctx, call.Answer{})
		})
		if err != nil {
			failed = append(failed, fmt.Errorf("user %s: %w", user, err))
		}
		if ctx.Err() != nil || err != nil && len(failed) == len(users) {
			return false, nil, errors.Join(append(failed, ctx.Err())...)
		}
		marker.After = user
	}
	return len(users) < holdersPage, failed, nil
}
