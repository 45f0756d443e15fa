package offboarding

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

const (
	// settled is how long after the first pass the second one begins at the earliest. Whoever read a name before
	// the first pass has written what they made of it by then (call.LongestRun), what was being uploaded has come,
	// and answers that are kept for repetitions have expired, with the hour that their parts outlive them.
	settled = 26 * time.Hour
	// underWay is how long before the second pass files are left alone that came last: somebody may be at them.
	underWay = time.Hour
)

// forgetting is that a person is forgotten, or was. It never says what they were called.
type forgetting struct {
	State   string     `json:"state"`
	AskedAt time.Time  `json:"askedAt"`
	AskedBy string     `json:"askedBy"`
	Cause   call.Cause `json:"cause"`
	// DueAt is when the second pass may begin; zero before the first one has ended.
	DueAt time.Time `json:"dueAt,omitzero"`
	// Skipped says that rows of a plan were left alone in this pass, since it was being written.
	Skipped bool        `json:"skipped,omitempty"`
	EndedAt time.Time   `json:"endedAt,omitzero"`
	Remains []Remaining `json:"remains,omitempty"`
	version int64
}

func forgottenKey(account, user string) table.Key {
	return table.Key{Partition: call.Partition(account, "FORGOTTEN"), Sort: user}
}

// due is the Unix nanosecond at which the pass that comes next became due, 0 of the first one.
func (f forgetting) due() int64 {
	if f.DueAt.IsZero() {
		return 0
	}
	return f.DueAt.UnixNano()
}

// left says whether there is something to do now.
func (f forgetting) left(at time.Time) bool {
	return f.State != forgotten && !at.Before(f.DueAt)
}

// Forget has what tells who a person is taken out of all that the account keeps. Who is in the directory is deleted
// first, by which they give back what they hold.
//
// Errors: not-found for somebody who never was there; wrong-state for who is there, and where the account is about to
// be erased.
func (s *Service) Forget(ctx context.Context, c *call.Call, user string) (Forgotten, error) {
	a, _, err := account.Load(ctx, c)
	if err != nil {
		return Forgotten{}, err
	}
	if a.Erasure != "" {
		return Forgotten{}, leaving()
	}
	at, profile := forgottenKey(c.Account, user), access.UserKey(c.Account, user)
	found, err := c.Lookup(ctx, profile, at)
	if err != nil {
		return Forgotten{}, err
	}
	if _, there := found[profile]; there {
		return Forgotten{}, problem.New(
			problem.WrongState, "The user is in the directory. Delete them first, by which they give back what they hold.",
		)
	}
	known, err := s.known(ctx, c, user)
	if err != nil {
		return Forgotten{}, err
	}
	if !known {
		return Forgotten{}, problem.Missing("user")
	}
	asked := forgetting{State: queued, AskedAt: c.At.UTC(), AskedBy: c.Actor, Cause: c.Cause()}
	write, err := put(at, asked, found[at].Version)
	if err != nil {
		return Forgotten{}, err
	}
	audit, err := c.Audit(call.AuditEntry{Action: "user.forgetRequested", Subject: "user", SubjectID: user, User: user})
	if err != nil {
		return Forgotten{}, err
	}
	view := asked.view(user)
	err = c.Commit(ctx, call.Begun(view).At(forgetPath(c.Account, user)), write, audit,
		table.Check(profile, table.IfAbsent),
		table.Put(access.Forgetting.Item(c.Account, user, []byte("{}")), table.Always))
	if err == nil {
		s.wake(ctx, c.Account, c.Env.IDs.Ordered())
	}
	return view, err
}

// known says whether the account ever had to do with somebody: the audit log has each who was in the directory.
func (s *Service) known(ctx context.Context, c *call.Call, user string) (bool, error) {
	page, err := c.Env.Table.Query(ctx, table.Query{
		Index: table.Index2, Partition: c.Partition("AUDIT-OF", user), Limit: 1,
	})
	return len(page.Items) > 0, err
}

// Forgetting is how far it is to forget somebody.
//
// Errors: not-found.
func (s *Service) Forgetting(ctx context.Context, c *call.Call, user string) (Forgotten, error) {
	item, found, err := c.Get(ctx, forgottenKey(c.Account, user))
	if err != nil {
		return Forgotten{}, err
	}
	if !found {
		return Forgotten{}, problem.Missing("user")
	}
	f, err := call.Decode[forgetting](item)
	return f.view(user), err
}

func forgetPath(account, user string) string {
	return "/v1/accounts/" + account + "/users/" + url.PathEscape(user) + "/forget"
}

func decodeForgetting(item table.Item) (forgetting, error) {
	f, err := call.Decode[forgetting](item)
	f.version = item.Version
	return f, err
}

// forgetter takes what tells who a person is out of the records of an account. It does so twice (decisions, 206):
// at once, and once more when nothing can be under way that was read before; that second time files go too.
type forgetter struct {
	*run
	forgetting
	account string
	person  person
	unknown map[string]bool
}

func newForgetter(r *run, f forgetting, j job) *forgetter {
	one := &forgetter{run: r, forgetting: f, account: j.Account, unknown: map[string]bool{}}
	one.person.user = j.ID
	if f.State == again {
		one.person.removed = f.DueAt.Add(-underWay)
	}
	return one
}

func (f *forgetter) of() string { return f.account }

// full is never so: each record is changed when it is seen.
func (f *forgetter) full() bool { return false }

func (f *forgetter) flush(context.Context, int) ([]table.Operation, error) { return nil, nil }

// see changes an item that has something of theirs, and takes away what has expired, which nobody reads any more.
func (f *forgetter) see(ctx context.Context, item table.Item) error {
	for there := true; there; {
		ops, err := f.change(ctx, &item)
		if err != nil || len(ops) == 0 {
			return err
		}
		err = f.env.Table.Commit(ctx, ops)
		if _, moved := table.Refused(err); !moved {
			return err
		}
		if item, there, err = table.Get(ctx, f.env.Table, item.Key); err != nil {
			return err
		}
	}
	return nil
}

// change are the operations on an item; none where it stays.
func (f *forgetter) change(ctx context.Context, item *table.Item) ([]table.Operation, error) {
	if item.Expires != 0 && item.Expires <= f.env.Clock().Unix() {
		return []table.Operation{table.Delete(item.Key, table.IfVersion(item.Version))}, nil
	}
	out, err := f.person.forget(*item)
	for _, path := range out.unknown {
		f.unknown[path] = true
	}
	switch {
	case err != nil:
		return nil, err
	case out.away:
		return []table.Operation{table.Delete(item.Key, table.IfVersion(item.Version))}, nil
	case !out.changed:
		return nil, nil
	case inRecords[kindOf(*item)].plan != "":
		return f.planned(ctx, item)
	}
	return []table.Operation{table.Put(out.next, table.IfVersion(item.Version))}, nil
}

// planned is change of rows of a plan. Who checks a file writes them without looking at what was there, so they
// are changed while nobody does, which their file tells.
func (f *forgetter) planned(ctx context.Context, item *table.Item) ([]table.Operation, error) {
	kind := kindOf(*item)
	id := item.Partition[strings.LastIndex(item.Partition, "#")+1:]
	file, found, err := table.Get(ctx, f.env.Table, table.Key{
		Partition: call.Partition(f.account, inRecords[kind].plan), Sort: id,
	})
	if err != nil {
		return nil, err
	}
	still := table.Check(file.Key, table.IfVersion(file.Version))
	if found {
		j, err := call.Decode[struct{ State string }](file)
		if err != nil {
			return nil, err
		}
		if j.State == "checking" {
			return nil, f.skip(ctx)
		}
	}
	now, there, err := table.Get(ctx, f.env.Table, item.Key)
	if err != nil || !there {
		return nil, err
	}
	*item = now
	out, err := f.person.forget(now)
	if err != nil || !out.changed {
		return nil, err
	}
	ops := []table.Operation{table.Put(out.next, table.IfVersion(now.Version))}
	if found {
		ops = append(ops, still)
	}
	return ops, nil
}

// skip notes that rows were left alone, so that the pass is done once more.
func (f *forgetter) skip(ctx context.Context) error {
	if f.Skipped {
		return nil
	}
	f.Skipped = true
	return f.save(ctx)
}

// save commits how far it is to forget them, with other operations.
func (f *forgetter) save(ctx context.Context, ops ...table.Operation) error {
	op, err := put(forgottenKey(f.account, f.person.user), f.forgetting, f.forgetting.version)
	if err != nil {
		return err
	}
	if err := f.env.Table.Commit(ctx, append(ops, op)); err != nil {
		return stolen(err)
	}
	f.forgetting.version = op.Item.Version
	return nil
}

// end ends a pass: the second one by taking away the files.
func (f *forgetter) end(ctx context.Context) error {
	for path := range f.unknown {
		f.env.Log.ErrorContext(ctx, "a text of which it is not known whose it is", slog.String("path", path))
	}
	now := f.env.Clock().UTC()
	if f.State != again || f.Skipped {
		f.State, f.DueAt, f.Skipped = again, now.Add(settled), false
		return f.save(ctx)
	}
	err := f.each(ctx, f.account, func(v files.Stored) error {
		if v.At.After(f.person.removed) {
			return nil
		}
		return f.env.Objects.Remove(ctx, v.Ref)
	})
	if err != nil {
		return err
	}
	return f.done(ctx, now)
}

// done commits that the person is forgotten.
func (f *forgetter) done(ctx context.Context, now time.Time) error {
	user := f.person.user
	f.State, f.EndedAt, f.Remains = forgotten, now, personRemains(now, f.env.LogDays)
	c := call.ForEvent(f.env, f.account, f.AskedBy, "forget:"+user, now).Because(f.Cause)
	c.Operator = true
	audit, err := c.Audit(call.AuditEntry{Action: "user.forgotten", Subject: "user", SubjectID: user, User: user})
	if err != nil {
		return err
	}
	marker := table.Delete(access.Forgetting.Key(f.account, user), table.Always)
	return f.save(ctx, audit, marker)
}

// personRemains are what is left of a person, and until when, if they were forgotten at this time.
func personRemains(at time.Time, logDays int) []Remaining {
	return append(everywhere(at, logDays),
		Remaining{"The person at the identity provider, whom its operators delete there.", nil},
		Remaining{"What people downloaded, and names that they gave to call queues, dashboards and other things.", nil},
		Remaining{"The id, which stands for the person without saying who it is, if it was chosen so.", nil},
	)
}
