package report

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"

	"seatwise/shared/account"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/failures"
	"seatwise/shared/platform/lease"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/usage"
)

// linkLife is how long a download's URL is good.
const linkLife = 15 * time.Minute

// Service keeps reports.
type Service struct{ env *app.Env }

// NewService makes the service.
func NewService(env *app.Env) *Service { return &Service{env: env} }

// Create asks for a report: it is queued in the table, with a marker, and then handed to a builder.
// A crash between the two only delays it: Resume hands over what is marked.
//
// Errors: validation and window-in-future for the window; report-not-applicable on a bundle with
// unlimited Live Reports; those of call.Commit.
func (s *Service) Create(ctx context.Context, c *call.Call, from, to string) (Report, error) {
	var r Report
	err := call.Decide(ctx, func(ctx context.Context) error {
		a, _, err := account.Load(ctx, c)
		if err != nil {
			return err
		}
		days, err := a.Calendar()
		if err != nil {
			return err
		}
		today := days.Day(c.At)
		first, end, err := usage.Span(from, to, today)
		if err != nil {
			return err
		}
		if a.Unlimited() || a.UnlimitedOn(days, end.AddDate(0, 0, -1), today) {
			return NotApplicable()
		}
		stamp, err := s.freeStamp(ctx, c)
		if err != nil {
			return err
		}
		r = s.queued(c, a, span{first, end}, stamp)
		put, audit, err := s.operations(c, r)
		if err != nil {
			return err
		}
		r.version = put.Item.Version
		answer := call.Begun(view(r), r.version).At(location(c, r))
		return c.Commit(ctx, answer, put, audit, putStamp(c.Account, stamp))
	})
	if err != nil {
		return Report{}, err
	}
	if err := s.handOver(ctx, c.Account, r.ID); err != nil {
		s.env.Log.WarnContext(
			ctx,
			"report not handed over yet",
			slog.String("account", c.Account),
			slog.String("report", r.ID),
			slog.Any("error", err),
		)
	}
	return r, nil
}

// freeStamp is a time stamp for a file name that no other report of the account has (requirements,
// section 7): the second of the call, or where that is taken the first after it that is free. Who
// comes second to the commit finds another.
func (s *Service) freeStamp(ctx context.Context, c *call.Call) (time.Time, error) {
	stamp := c.At.UTC().Truncate(time.Second)
	query := table.Query{Partition: stampsPartition(c.Account), From: stampKey(c.Account, stamp).Sort}
	err := table.All(ctx, s.env.Table, query, func(item table.Item) error {
		if item.Sort == stampKey(c.Account, stamp).Sort {
			stamp = stamp.Add(time.Second)
		}
		return nil
	})
	return stamp, err
}

// NotApplicable is the problem of an account whose bundle has unlimited Live Reports: it has no
// license report (requirements, section 6).
func NotApplicable() *problem.Problem {
	return problem.New(
		problem.ReportNotApplicable,
		"The account's bundle includes unlimited Live Reports; there is no license usage to report.",
	)
}

func location(c *call.Call, r Report) string { return "/v1/accounts/" + c.Account + "/reports/" + r.ID }

func (s *Service) queued(c *call.Call, a account.Account, window span, stamp time.Time) Report {
	return Report{
		ID:        s.env.IDs.Ordered(),
		Kind:      licenseStatus,
		State:     Queued,
		From:      window.First.Format(time.DateOnly),
		To:        window.End.Format(time.DateOnly),
		FileName:  fileName(a.Brand, stamp),
		CreatedAt: c.At.UTC(),
		CreatedBy: c.Actor,
		Cause:     c.Cause(),
	}
}

func (s *Service) operations(c *call.Call, r Report) (put, audit table.Operation, err error) {
	if put, err = r.put(c.Account); err != nil {
		return table.Operation{}, table.Operation{}, err
	}
	audit, err = c.Audit(call.AuditEntry{
		Action:    "report.requested",
		Subject:   "report",
		SubjectID: r.ID,
		After:     map[string]string{"kind": r.Kind, "from": r.From, "to": r.To},
	})
	return put, audit, err
}

// handOver writes the report's wake-up; its creation invokes the builder.
func (s *Service) handOver(ctx context.Context, account, id string) error {
	body := strings.NewReader("{}")
	_, err := s.env.Files.Put(ctx, WakeUp(account, id), body, body.Size(), "application/json")
	return err
}

// Get reads one report.
//
// Errors: not-found.
func (s *Service) Get(ctx context.Context, c *call.Call, id string) (Report, error) {
	parsed, err := uuid.Parse(id)
	if err != nil || parsed.String() != id {
		return Report{}, problem.Missing("report")
	}
	item, ok, err := c.Get(ctx, reportKey(c.Account, id))
	if err != nil {
		return Report{}, err
	}
	if !ok {
		return Report{}, problem.Missing("report")
	}
	return decode(item)
}

// List reads one page of the reports, newest first, and the position of the next page.
func (s *Service) List(ctx context.Context, c *call.Call, after string, limit int) ([]Report, string, error) {
	page, err := s.env.Table.Query(
		ctx,
		table.Query{Partition: reportsPartition(c.Account), After: after, Limit: limit, Backwards: true},
	)
	if err != nil {
		return nil, "", err
	}
	reports := make([]Report, len(page.Items))
	for i, item := range page.Items {
		if reports[i], err = decode(item); err != nil {
			return nil, "", err
		}
	}
	return reports, page.Next, nil
}

// link signs the URL of a ready report's file.
func (s *Service) link(ctx context.Context, c *call.Call, r Report) (url string, expires time.Time, err error) {
	return s.env.Files.PresignGet(ctx, Object(c.Account, r.ID), r.FileName, c.At, linkLife)
}

// Begin makes a builder the one who works on a report. ok is false when there is nothing to do: no
// such report, one that is finished, or one that another builder works on. A report that was begun
// too often is failed.
func (s *Service) Begin(ctx context.Context, c *call.Call, id string) (r Report, ok bool, err error) {
	err = call.Decide(ctx, func(ctx context.Context) error {
		ok = false
		at, leased := reportKey(c.Account, id), leaseKey(c.Account, id)
		found, err := s.env.Table.Lookup(ctx, at, leased)
		if err != nil {
			return err
		}
		item, there := found[at]
		if !there {
			return nil
		}
		if r, err = decode(item); err != nil {
			return err
		}
		before, err := lease.Of(found, leased)
		if err != nil {
			return err
		}
		c.Because(r.Cause)
		may, exhausted := r.begin(before.Held(s.env, c.At))
		next := r
		next.keeper = lease.NewKeeper(s.env, leased, int64(r.Attempts)+1, before)
		switch {
		case exhausted:
			r, err = s.finish(ctx, c, next, Failed, "The report could not be made; ask for another one.")
			return err
		case !may:
			return nil
		}
		next.State, next.StartedAt, next.Attempts = Running, c.At.UTC(), r.Attempts+1
		if next, err = s.save(ctx, c, next, lease.Life); err != nil {
			return err
		}
		r, ok = next, true
		return nil
	})
	return r, ok, err
}

// Keep renews the lease of the builder that began with a report, until the result is called: others
// know by it that the builder lives.
func (s *Service) Keep(ctx context.Context, r Report) (stop func()) { return r.keeper.Beat(ctx) }

// save writes a report as its builder has it, with a lease of this life.
func (s *Service) save(
	ctx context.Context, c *call.Call, r Report, life time.Duration, effects ...table.Operation,
) (Report, error) {
	put, err := r.put(c.Account)
	if err != nil {
		return r, err
	}
	if err := r.keeper.Write(ctx, life, append(effects, put)); err != nil {
		return r, err
	}
	r.version = put.Item.Version
	return r, nil
}

// Finish makes a report ready, or failed for this reason. When another builder has taken over
// meanwhile, it does nothing: that one will finish.
func (s *Service) Finish(ctx context.Context, c *call.Call, r Report, failure string) error {
	state := Ready
	if failure != "" {
		state = Failed
	}
	_, err := s.finish(ctx, c, r, state, failure)
	return ours(err)
}

func (s *Service) finish(ctx context.Context, c *call.Call, r Report, state State, failure string) (Report, error) {
	next := r
	next.State, next.Failure = state, failure
	action := "report.failed"
	if state == Ready {
		next.ReadyAt, action = s.env.Clock().UTC(), "report.ready"
	}
	audit, err := c.Audit(
		call.AuditEntry{Action: action, Subject: "report", SubjectID: r.ID, After: map[string]any{"state": state}},
	)
	if err != nil {
		return r, err
	}
	noted := failures.Forget(c.Account, "report")
	if state == Failed {
		noted, err = failures.Note(c.Account, s.env.Clock(), failures.Failure{
			Kind: "report", ID: r.ID, Detail: "The report " + r.FileName + " could not be made.",
		})
		if err != nil {
			return r, err
		}
	}
	return s.save(ctx, c, next, 0, audit, noted)
}

// Return puts a report back into the queue after a failure that may pass, so that the next attempt
// need not wait for the lease to end.
func (s *Service) Return(ctx context.Context, c *call.Call, r Report) error {
	r.State = Queued
	_, err := s.save(ctx, c, r, 0)
	return ours(err)
}

// ours drops the refusal of a commit: somebody else has changed the report, and has the last word.
func ours(err error) error {
	if _, refused := table.Refused(err); refused {
		return nil
	}
	return err
}

// Resume hands over again the reports of an account, or of all if it is empty, that nobody seems to
// work on at this time; the maintenance function and the builder's schedule call it. One that fails
// does not stop the others. It returns how many it handed over.
func (s *Service) Resume(ctx context.Context, of string, at time.Time) (int, error) {
	n := 0
	var pieces []call.Piece
	err := unfinished.Each(ctx, s.env.Table, of, func(m call.Marker) error {
		r, err := decode(m.Item)
		var held bool
		if err == nil {
			held, err = s.held(ctx, m.Account, r, at)
		}
		if err == nil && !r.overdue(at, held) {
			return nil
		}
		pieces = append(pieces, call.Piece{
			Account: m.Account, Marker: "report " + r.ID,
			Work: func(ctx context.Context) error {
				if err != nil {
					return err
				}
				if err := s.handOver(ctx, m.Account, r.ID); err != nil {
					return err
				}
				n++
				return nil
			},
		})
		return nil
	})
	err = errors.Join(err, call.InTurn(ctx, s.env, pieces))
	return n, err
}

// Marked visits the accounts that have a report which is not finished.
func Marked(ctx context.Context, store table.Store, visit func(account string)) error {
	return unfinished.Accounts(ctx, store, visit)
}

// held says whether a builder works on a report.
func (s *Service) held(ctx context.Context, account string, r Report, at time.Time) (bool, error) {
	key := leaseKey(account, r.ID)
	found, err := s.env.Table.Lookup(ctx, key)
	if err != nil {
		return false, err
	}
	l, err := lease.Of(found, key)
	return l.Held(s.env, at), err
}

// Schedule asks for the reports of every account that are due at a time, the event's: one for each
// billing period, or week, that is over, 48 hours after its end (requirements, section 7). Each
// account is on its own; repeated and missed runs make no difference to what there is in the end.
func (s *Service) Schedule(ctx context.Context, at time.Time) error {
	ctx = call.UntilClosed(ctx)
	return account.Each(ctx, s.env.Table, func(ctx context.Context, a account.Account) error {
		err := s.scheduleAccount(ctx, a, at)
		if err != nil {
			s.env.Log.ErrorContext(ctx, "scheduled report failed", slog.String("account", a.ID), slog.Any("error", err))
		}
		return err
	})
}

func (s *Service) scheduleAccount(ctx context.Context, a account.Account, at time.Time) error {
	days, err := a.Calendar()
	if err != nil {
		return err
	}
	wanted := due(a, days, at)
	if len(wanted) == 0 {
		return nil
	}
	asked := map[string]bool{} // by the first day
	query := table.Query{Partition: scheduledPartition(a.ID), From: scheduledKey(a.ID, wanted[0].First).Sort}
	err = table.All(ctx, s.env.Table, query, func(item table.Item) error {
		asked[item.Sort] = true
		return nil
	})
	if err != nil {
		return err
	}
	var failures []error
	for _, window := range wanted {
		if !asked[scheduledKey(a.ID, window.First).Sort] {
			failures = append(failures, s.scheduleOne(ctx, a, window, at))
		}
	}
	return errors.Join(failures...)
}

// scheduleOne asks for one report, unless another run was faster.
func (s *Service) scheduleOne(ctx context.Context, a account.Account, window span, at time.Time) error {
	c := call.ForEvent(s.env, a.ID, "report-schedule", "schedule", at)
	key, id := scheduledKey(a.ID, window.First), ""
	err := call.Decide(ctx, func(ctx context.Context) error {
		id = ""
		if _, found, err := table.Get(ctx, s.env.Table, key); err != nil || found {
			return err
		}
		stamp, err := s.freeStamp(ctx, c)
		if err != nil {
			return err
		}
		r := s.queued(c, a, window, stamp)
		r.Scheduled = true
		put, audit, err := s.operations(c, r)
		if err != nil {
			return err
		}
		data, err := call.Encode(map[string]string{"report": r.ID, "end": r.To})
		if err != nil {
			return err
		}
		once := table.Put(table.Item{Key: key, Data: data}, table.IfAbsent)
		id = r.ID
		return s.env.Table.Commit(ctx, []table.Operation{once, putStamp(a.ID, stamp), put, audit})
	})
	if err != nil || id == "" {
		return err
	}
	return s.handOver(ctx, a.ID, id)
}
