// Package maintenance finishes what requests and events left behind when they died between two
// commits (design, decision 6): every such piece of work has a marker in the table, and every step
// of it can be done again. Its schedule only finds out which accounts have any, and hands each on
// alone (design, decision 11).
package maintenance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/alert"
	"seatwise/shared/directory"
	"seatwise/shared/idle"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/events"
	"seatwise/shared/platform/lease"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/work"
	"seatwise/shared/purchase"
	"seatwise/shared/report"
	"seatwise/shared/request"
	"seatwise/shared/usage"
)

// Service finishes what is left behind.
type Service struct {
	env    *app.Env
	kernel *license.Service
}

// NewService makes the service; what is finished goes through the kernel.
func NewService(env *app.Env, kernel *license.Service) *Service {
	return &Service{env: env, kernel: kernel}
}

// Scheduled finds the accounts in which something was left behind at the time that a schedule, or a
// person, tells. What a schedule finds it hands on, a message for each account; for a person it is done
// before this returns, for one account or for all, and what pauses is tried too. One account that fails
// never stops the others; the errors come together.
func (s *Service) Scheduled(ctx context.Context, payload []byte) error {
	schedule, err := events.Scheduled(payload)
	if err != nil {
		return err
	}
	accounts := []string{schedule.Account}
	if schedule.Account == "" {
		then := s.env.At(schedule.Time)
		accounts, err = (&due{env: then, kernel: s.kernel, asked: schedule.Asked}).find(ctx)
	}
	messages := make([]work.Message, len(accounts))
	for i, id := range accounts {
		messages[i] = work.Message{
			Kind: work.Maintenance, Account: id, Time: schedule.Time, Insist: schedule.Asked,
		}
	}
	if schedule.Asked || s.env.Work == nil {
		return errors.Join(err, s.carryOut(ctx, messages))
	}
	return errors.Join(err, s.env.Work.Send(ctx, messages...))
}

// carryOut does the work of some accounts, one after the other; each has a share of the time.
func (s *Service) carryOut(ctx context.Context, messages []work.Message) error {
	var failures []error
	for i, m := range messages {
		limited, cancel := call.Share(ctx, len(messages)-i)
		failures = append(failures, s.maintain(limited, m))
		cancel()
	}
	return errors.Join(failures...)
}

// Message does the work of one account that a schedule has handed on. Pieces that fail are noted, and
// come again when the schedule finds them; the message itself comes again for what else fails. Of an account
// that was erased meanwhile nothing is done: not even a lease is written.
func (s *Service) Message(ctx context.Context, m work.Message) error {
	if _, there, err := table.Get(ctx, s.env.Table, call.AccountKey(m.Account)); err != nil || !there {
		return err
	}
	switch m.Kind {
	case work.Maintenance:
		return call.BesidePieces(s.maintain(ctx, m))
	case work.Aggregation:
		people := directory.NewService(s.env, s.kernel)
		used := usage.NewService(s.env, s.kernel, people)
		return idle.NewService(s.env, s.kernel, used).Aggregate(ctx, m.Account, m.Time)
	}
	return fmt.Errorf("%w: %q is no kind of work", work.ErrMessage, m.Kind)
}

// errHeld is what somebody is told who insists on work that another run is at.
var errHeld = errors.New("another run is at the work of the account")

// maintain finishes what is left behind in one account, unless another run is at it: who is held up by
// that finds it again in a minute.
func (s *Service) maintain(ctx context.Context, m work.Message) error {
	key := leaseKey(m.Account)
	found, err := s.env.Table.Lookup(ctx, key)
	if err != nil {
		return err
	}
	before, err := lease.Of(found, key)
	if err != nil {
		return err
	}
	keeper := lease.NewKeeper(s.env, key, before.Epoch+1, before)
	held := before.Held(s.env, s.env.Clock())
	if !held {
		err = keeper.Write(ctx, lease.Life, nil)
		_, held = table.Refused(err)
	}
	switch {
	case held && m.Insist:
		return fmt.Errorf("account %s: %w", m.Account, errHeld)
	case held:
		s.env.Log.InfoContext(ctx, "another run is at the work of the account", slog.String("account", m.Account))
		return nil
	case err != nil:
		return err
	}
	stop := keeper.Beat(ctx)
	if m.Insist {
		ctx = call.Insist(ctx)
	}
	err = s.finish(ctx, m.Account, m.Time)
	stop()
	ended, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBack)
	defer cancel()
	if err := keeper.Write(ended, 0, nil); err != nil { // it ends without that in less than a minute
		s.env.Log.WarnContext(ctx, "lease not given back", slog.String("account", m.Account), slog.Any("error", err))
	}
	return err
}

// giveBack is what there is to give the lease back once the time of the run is over.
const giveBack = 200 * time.Millisecond

// leaseKey is where the lease of an account's maintenance lies.
func leaseKey(account string) table.Key {
	return table.Key{Partition: call.Partition(account, "MAINTENANCE"), Sort: "LEASE"}
}

// finish does all work that is left behind in one account. Each kind of work has an equal share of the
// time that is left, and so have the pieces of a kind (call.InTurn): what fails or hangs never stops the
// others.
func (s *Service) finish(ctx context.Context, id string, at time.Time) error {
	then := s.env.At(at)
	people := directory.NewService(then, s.kernel)
	used := usage.NewService(then, s.kernel, people)
	kinds := []struct {
		what string
		work func(context.Context, string) error
	}{
		{"hand over reports", func(ctx context.Context, id string) error {
			_, err := report.NewService(then).Resume(call.UntilClosed(ctx), id, at)
			return err
		}},
		{"resume orders", purchase.NewService(then, s.kernel).ResumeOrders},
		{"resume changes of bundles", account.NewService(then, s.kernel).ResumeBundles},
		{"resume changes of the directory", people.Resume},
		{"serve waiting lists", func(ctx context.Context, id string) error {
			return s.kernel.DrainWaiting(ctx, then, id)
		}},
		{"serve approved requests", request.NewService(then, s.kernel).ServeApproved},
		{"give grants of first views", used.FinishGrants},
		{"go on with reclaims", idle.NewService(then, s.kernel, used).Resume},
		{"look at the rules of alerts", alert.NewService(then, s.kernel).Look},
	}
	var failures []error
	for i, kind := range kinds {
		limited, cancel := call.Share(ctx, len(kinds)-i)
		failures = append(failures, during(kind.what, kind.work(limited, id)))
		cancel()
	}
	return errors.Join(failures...)
}

// during is an error with what was being done, for whoever reads the log.
func during(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
