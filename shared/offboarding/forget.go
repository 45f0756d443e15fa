package offboarding

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
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
	// mostStuck is how many records are counted at most that could not be changed.
	mostStuck = 1000
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
	Skipped bool `json:"skipped,omitempty"`
	// Stuck are digests of the keys of records that could not be changed in this pass, and Unchanged is how many there
	// were in the last one.
	Stuck     []string `json:"stuck,omitempty"`
	Unchanged int      `json:"unchanged,omitempty"`
	// FilesTo is up to when files were removed, by a second pass that left records: who does it once more removes none.
	FilesTo time.Time   `json:"filesTo,omitzero"`
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
		if !f.FilesTo.IsZero() {
			one.person.removed = f.FilesTo
		}
	}
	return one
}

func (f *forgetter) of() string { return f.account }

// full is never so: each record is changed when it is seen.
func (f *forgetter) full() bool { return false }

func (f *forgetter) flush(context.Context, int) ([]table.Operation, error) { return nil, nil }

// see changes an item that has something of theirs. One that cannot be changed stops nobody's forgetting, but theirs
// does not end as long as it is so.
func (f *forgetter) see(ctx context.Context, item table.Item) error {
	err := f.seen(ctx, item)
	if large := (*table.LimitError)(nil); errors.As(err, &large) || errors.Is(err, errUnreadable) {
		return f.stuck(ctx, item.Key, err)
	}
	return err
}

// stuck notes a record that could not be changed.
func (f *forgetter) stuck(ctx context.Context, key table.Key, why error) error {
	f.env.Log.ErrorContext(
		ctx, "a record could not be changed to forget somebody",
		slog.String("key", key.String()), slog.Any("error", why),
	)
	sum := sha256.Sum256([]byte(key.String()))
	digest := hex.EncodeToString(sum[:8])
	if slices.Contains(f.Stuck, digest) || len(f.Stuck) == mostStuck {
		return nil
	}
	f.Stuck = append(f.Stuck, digest)
	return f.save(ctx)
}

// seen changes an item, and takes away what has expired, which nobody reads any more.
func (f *forgetter) seen(ctx context.Context, item table.Item) error {
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
	if out.result != nil {
		if err := f.remove(ctx, out.result); err != nil {
			return nil, err
		}
	}
	return []table.Operation{table.Put(out.next, table.IfVersion(item.Version))}, nil
}

// remove takes away what was made of a file that is removed, also where that was made after: it has the file's rows.
func (f *forgetter) remove(ctx context.Context, result json.RawMessage) error {
	var made files.Ref
	if err := json.Unmarshal(result, &made); err != nil {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return f.env.Objects.Versions(ctx, made.Bucket, made.Key, func(v files.Stored) error {
		return f.env.Objects.Remove(ctx, v.Ref)
	})
}

// planned is change of rows of a plan. Who checks a file writes them without looking at what was there, so they
// are changed while nobody does, which their file tells. A plan that waits to be applied is withdrawn: applied, it
// would call somebody by what stands there instead.
func (f *forgetter) planned(ctx context.Context, item *table.Item) ([]table.Operation, error) {
	kind := kindOf(*item)
	id := item.Partition[strings.LastIndex(item.Partition, "#")+1:]
	file, found, err := table.Get(ctx, f.env.Table, table.Key{
		Partition: call.Partition(f.account, inRecords[kind].plan), Sort: id,
	})
	if err != nil {
		return nil, err
	}
	var still []table.Operation
	if found {
		j, err := call.Decode[struct{ State string }](file)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUnreadable, err)
		}
		if j.State == "checking" {
			return nil, f.skip(ctx)
		}
		if still, err = f.still(file, id, j.State == ready); err != nil {
			return nil, err
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
	return append(still, table.Put(out.next, table.IfVersion(now.Version))), nil
}

// withdrawn is why a plan is not applied any more, for people. It is of the program, and stays.
const withdrawn = "It was withdrawn, since a person was forgotten whom it may name. Upload the file again."

// still demands that a file is as it was read, or withdraws it.
func (f *forgetter) still(file table.Item, id string, waits bool) ([]table.Operation, error) {
	if !waits {
		return []table.Operation{table.Check(file.Key, table.IfVersion(file.Version))}, nil
	}
	doc, err := parse(file.Data)
	if err != nil {
		return nil, err
	}
	now := f.env.Clock().UTC()
	for at, what := range map[string]any{"state": "cancelled", "endedAt": now, "why": withdrawn} {
		said, err := call.Encode(what)
		if err != nil {
			return nil, err
		}
		doc.set(at, said)
	}
	next := file
	if next.Data, err = doc.json(); err != nil {
		return nil, err
	}
	subject := inRecords[kindOf(file)].subject
	c := call.ForEvent(f.env, f.account, f.AskedBy, "forget:"+f.person.user, now).Because(f.Cause)
	audit, err := c.Audit(call.AuditEntry{
		Action: subject + ".cancelled", Subject: subject, SubjectID: id, After: map[string]any{"why": withdrawn},
	})
	return []table.Operation{table.Put(next, table.IfVersion(file.Version)), audit}, err
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
	left := len(f.Stuck)
	f.Stuck, f.Unchanged = nil, left
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
	if left > 0 {
		f.DueAt, f.FilesTo = now.Add(settled), f.person.removed
		return f.save(ctx)
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
