package offboarding

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"seatwise/shared/account"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Service takes what operators ask for.
type Service struct{ env *app.Env }

// NewService makes the service.
func NewService(env *app.Env) *Service { return &Service{env: env} }

// Archive asks for an archive of the account, whatever state that is in.
//
// Errors: wrong-state where the account is about to be erased.
func (s *Service) Archive(ctx context.Context, c *call.Call) (ArchiveView, error) {
	a, _, err := account.Load(ctx, c)
	if err != nil {
		return ArchiveView{}, err
	}
	if a.Erasure != "" {
		return ArchiveView{}, leaving()
	}
	asked := archive{
		ID: c.Env.IDs.Ordered(), State: queued, CreatedAt: c.At.UTC(), CreatedBy: c.Actor, Cause: c.Cause(),
	}
	write, err := put(archiveKey(c.Account, asked.ID), asked, 0)
	if err != nil {
		return ArchiveView{}, err
	}
	audit, err := c.Audit(call.AuditEntry{Action: "archive.requested", Subject: "archive", SubjectID: asked.ID})
	if err != nil {
		return ArchiveView{}, err
	}
	view := asked.view(nil)
	answer := call.Begun(view).At(archivePath(c.Account))
	marker := table.Put(archiveMarkers.Item(c.Account, asked.ID, []byte("{}")), table.Always)
	if err := c.Commit(ctx, answer, write, marker, audit); err != nil {
		return ArchiveView{}, err
	}
	s.wake(ctx, c.Account, asked.ID)
	return view, nil
}

// wake has the worker begin at once. Where that fails, the night's schedule finds the work.
func (s *Service) wake(ctx context.Context, account, id string) {
	body := strings.NewReader("{}")
	if _, err := s.env.Files.Put(ctx, wakeUp(account, id), body, body.Size(), "application/json"); err != nil {
		s.env.Log.WarnContext(ctx, "not woken up", "account", account, "id", id, "error", err)
	}
}

func leaving() error {
	return problem.New(problem.WrongState, "The account is about to be erased: nothing in it can be changed.")
}

// newest is the archive that was asked for last; found is false when there is none. Its files are kept for a
// while only, and it is none any more after it.
func (s *Service) newest(ctx context.Context, c *call.Call) (a archive, found bool, err error) {
	page, err := c.Env.Table.Query(ctx, table.Query{Partition: archivesOf(c.Account), Backwards: true, Limit: 1})
	if err != nil || len(page.Items) == 0 {
		return archive{}, false, err
	}
	a, err = decodeArchive(page.Items[0])
	if a.State == ready && !c.At.Before(a.ReadyAt.Add(archiveKept)) {
		a.State = expired
	}
	return a, true, err
}

// Newest is the archive that was asked for last, with addresses of its files once they are there.
//
// Errors: not-found.
func (s *Service) Newest(ctx context.Context, c *call.Call) (ArchiveView, error) {
	a, found, err := s.newest(ctx, c)
	if err != nil {
		return ArchiveView{}, err
	}
	if !found {
		return ArchiveView{}, problem.Missing("archive")
	}
	if a.State != ready {
		return a.view(nil), nil
	}
	list, err := filesOf(ctx, s.env.Table, c.Account, a)
	if err != nil {
		return ArchiveView{}, err
	}
	told := make([]FileView, len(list))
	for i, f := range list {
		told[i].ArchiveFile = f
		told[i].DownloadURL, told[i].ExpiresAt, err = s.env.Files.PresignGet(
			ctx, object(c.Account, a.ID, f.Name), f.Name, c.At, linkLife,
		)
		if err != nil {
			return ArchiveView{}, err
		}
	}
	return a.view(told), nil
}

// filesOf are the files of an archive: what describes it, the objects, and the records.
func filesOf(ctx context.Context, store table.Store, account string, a archive) ([]ArchiveFile, error) {
	list := a.Files
	err := table.All(ctx, store, table.Query{Partition: partsOf(account, a.ID)}, func(item table.Item) error {
		part, err := call.Decode[[]ArchiveFile](item)
		list = append(list, part...)
		return err
	})
	return list, err
}

// Erase has the account erased after it waited for what may be under way. From then on its id is given
// out no more, and nothing undoes it.
//
// Errors: validation where confirm is not the id; wrong-state for an account that is not closed, or of which
// no archive was made since.
func (s *Service) Erase(ctx context.Context, c *call.Call, confirm string) (Certificate, error) {
	a, version, err := account.Load(ctx, c)
	if err != nil {
		return Certificate{}, err
	}
	if confirm != c.Account {
		return Certificate{}, problem.Invalid("confirm", problem.NotAllowed, "must be the id of the account")
	}
	if err := s.erasable(ctx, c, a); err != nil {
		return Certificate{}, err
	}
	asked := erasure{
		ID: c.Env.IDs.Random(), Account: c.Account, State: waiting, AskedAt: c.At.UTC(), AskedBy: c.Actor,
		DueAt: c.At.UTC().Add(call.LongestRun), Counts: ErasedCounts{Kinds: map[string]int{}},
	}
	write, err := put(erasureKey(asked.ID), asked, 0)
	if err != nil {
		return Certificate{}, err
	}
	leaves, err := account.Leaves(a, version, asked.ID)
	if err != nil {
		return Certificate{}, err
	}
	audit, err := c.Audit(call.AuditEntry{Action: "erasure.requested", Subject: "account", SubjectID: c.Account})
	if err != nil {
		return Certificate{}, err
	}
	view := asked.view()
	return view, c.Commit(ctx, call.Begun(view).At(erasurePath(asked.ID)), write, leaves, audit,
		table.Put(table.Item{Key: dueKey(asked.ID), Data: []byte("{}")}, table.Always),
		table.Put(table.Item{Key: call.ErasedKey(c.Account), Data: []byte("{}")}, table.Always))
}

// erasable refuses to erase what is not closed, or is not in an archive as it is now.
func (s *Service) erasable(ctx context.Context, c *call.Call, a account.Account) error {
	if a.Erasure != "" {
		return leaving()
	}
	if a.State != call.Closed {
		return problem.New(problem.WrongState, "The account is not closed.")
	}
	last, found, err := s.newest(ctx, c)
	switch {
	case err != nil:
		return err
	case !found || last.CreatedAt.Before(a.ChangedAt):
		return problem.New(problem.WrongState, "No archive of the account was made since it was closed.")
	case last.State == expired:
		return problem.New(problem.WrongState, "The files of the account's archive are kept no longer; make another one.")
	case last.State != ready:
		return problem.New(problem.WrongState, "The archive of the account is not ready yet.")
	}
	return nil
}

// Certificate is what an erasure has come to.
//
// Errors: not-found.
func (s *Service) Certificate(ctx context.Context, id string) (Certificate, error) {
	if uuid.Validate(id) != nil {
		return Certificate{}, problem.Missing("erasure")
	}
	item, ok, err := table.Get(ctx, s.env.Table, erasureKey(id))
	if err != nil {
		return Certificate{}, err
	}
	if !ok {
		return Certificate{}, problem.Missing("erasure")
	}
	e, err := decodeErasure(item)
	return e.view(), err
}

// errStolen ends a worker whose work another one has.
var errStolen = errors.New("another worker is at it")

func archivePath(account string) string { return "/v1/accounts/" + account + "/archive" }

func erasurePath(id string) string { return "/v1/erasures/" + id }

func until(at time.Time, kept time.Duration) *time.Time {
	at = at.Add(kept)
	return &at
}
