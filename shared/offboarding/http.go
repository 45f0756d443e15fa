package offboarding

import (
	"context"
	"net/http"
	"time"

	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

const tag = "Accounts"

// ArchiveView is an archive as docs/contract.md shows it.
type ArchiveView struct {
	ID        string     `json:"id" format:"uuid" doc:"The archive's id."`
	State     string     `json:"state" enum:"queued,running,ready,expired" doc:"ready once the files are there; expired 30 days later, when they are gone."`
	Percent   int        `json:"percent" doc:"How far it is: 0, 50 or 100."`
	CreatedAt time.Time  `json:"createdAt" doc:"When it was asked for. What was written before is in it."`
	CreatedBy string     `json:"createdBy" doc:"Which operator asked for it."`
	ReadyAt   *time.Time `json:"readyAt,omitempty" doc:"When it was ready."`
	Files     []FileView `json:"files" nullable:"false" doc:"Its files, once it is ready. README.txt says what is in them."`
}

// FileView is a file of an archive.
type FileView struct {
	ArchiveFile
	DownloadURL string    `json:"downloadUrl" doc:"Where the file is. Whoever has the URL can read the file until it expires."`
	ExpiresAt   time.Time `json:"expiresAt" doc:"When the URL expires: 15 minutes after it was given."`
}

func (a archive) view(list []FileView) ArchiveView {
	v := ArchiveView{
		ID: a.ID, State: a.State, CreatedAt: a.CreatedAt, CreatedBy: a.CreatedBy, Files: list,
		Percent: map[string]int{running: 50, ready: 100, expired: 100}[a.State],
	}
	if v.Files == nil {
		v.Files = []FileView{}
	}
	if !a.ReadyAt.IsZero() {
		v.ReadyAt = &a.ReadyAt
	}
	return v
}

// Certificate is an erasure as docs/contract.md shows it.
type Certificate struct {
	ID      string       `json:"id" format:"uuid" doc:"The erasure's id."`
	State   string       `json:"state" enum:"waiting,running,erased" doc:"waiting until what was under way has ended, and for the night; erased when nothing of the account is left."`
	AskedAt time.Time    `json:"askedAt" doc:"When it was asked for."`
	AskedBy string       `json:"askedBy" doc:"Which operator asked for it."`
	DueAt   time.Time    `json:"dueAt" doc:"From when on it can begin: 15 minutes after it was asked for, as long as the longest function may run."`
	EndedAt *time.Time   `json:"endedAt,omitempty" doc:"When all was erased."`
	Counts  ErasedCounts `json:"counts" doc:"What was erased so far."`
	Remains []Remaining  `json:"remains" nullable:"false" doc:"What is not erased at once, and until when it remains."`
}

func (e erasure) view() Certificate {
	v := Certificate{
		ID: e.ID, State: e.State, AskedAt: e.AskedAt, AskedBy: e.AskedBy, DueAt: e.DueAt, Counts: e.Counts,
		Remains: e.Remains,
	}
	if v.Remains == nil {
		v.Remains = []Remaining{}
	}
	if !e.EndedAt.IsZero() {
		v.EndedAt = &e.EndedAt
	}
	return v
}

// Forgotten is how far it is to forget somebody.
type Forgotten struct {
	UserID    string      `json:"userId" doc:"The person's id, which stays."`
	State     string      `json:"state" enum:"queued,again,forgotten" doc:"again once all records were changed, until they were looked at once more and the files removed; then forgotten."`
	AskedAt   time.Time   `json:"askedAt" doc:"When it was asked for."`
	AskedBy   string      `json:"askedBy" doc:"Which operator asked for it."`
	DueAt     *time.Time  `json:"dueAt,omitempty" doc:"From when on the second pass can begin: 26 hours after the first one, when nothing that was read before it can be under way."`
	EndedAt   *time.Time  `json:"endedAt,omitempty" doc:"When they were forgotten."`
	Unchanged int         `json:"unchanged,omitempty" doc:"How many records could not be changed in the last pass, 1000 at most; the log has their keys. It is done again each night, and they are not forgotten before none is left."`
	Remains   []Remaining `json:"remains" nullable:"false" doc:"What is not forgotten at once, and until when it remains."`
}

func (f forgetting) view(user string) Forgotten {
	v := Forgotten{
		UserID: user, State: f.State, AskedAt: f.AskedAt, AskedBy: f.AskedBy, Unchanged: f.Unchanged,
		Remains: f.Remains,
	}
	if v.Remains == nil {
		v.Remains = []Remaining{}
	}
	if !f.DueAt.IsZero() {
		v.DueAt = &f.DueAt
	}
	if !f.EndedAt.IsZero() {
		v.EndedAt = &f.EndedAt
	}
	return v
}

type (
	personInput struct {
		api.Account
		ID string `path:"id" doc:"The user's id."`
	}
	eraseInput struct {
		api.Account
		Body struct {
			Confirm string `json:"confirm" minLength:"1" maxLength:"64" doc:"The account's id, once more."`
		}
	}
	erasureInput struct {
		ID string `path:"id" doc:"The erasure's id."`
	}
)

// Routes registers the module's operations (docs/contract.md).
func (s *Service) Routes(k *api.Router) {
	operators := []auth.Permission{auth.AccountsManage}
	api.Register(k, api.Operation{
		ID: "archive-account", Method: http.MethodPost, Path: "/v1/accounts/{account}/archive",
		Summary: "Ask for everything of an account as files", Tag: tag, Permissions: operators, Lives: true,
		Status: http.StatusAccepted,
	}, func(ctx context.Context, c *call.Call, _ *api.Account) (*api.Tagged[ArchiveView], error) {
		a, err := s.Archive(call.Anyhow(ctx), c)
		return &api.Tagged[ArchiveView]{
			Status: http.StatusAccepted, Location: archivePath(c.Account), Body: a,
		}, err
	})
	api.Register(k, api.Operation{
		ID: "get-archive", Method: http.MethodGet, Path: "/v1/accounts/{account}/archive",
		Summary: "Read the archive of an account that was asked for last", Tag: tag, Permissions: operators,
	}, func(ctx context.Context, c *call.Call, _ *api.Account) (*api.Plain[ArchiveView], error) {
		a, err := s.Newest(ctx, c)
		return &api.Plain[ArchiveView]{Status: http.StatusOK, Body: a}, err
	})
	api.Register(k, api.Operation{
		ID: "erase-account", Method: http.MethodPost, Path: "/v1/accounts/{account}/erase",
		Summary: "Erase a closed account for good", Tag: tag, Permissions: operators, Lives: true, Loads: true,
		Status: http.StatusAccepted,
	}, func(ctx context.Context, c *call.Call, in *eraseInput) (*api.Tagged[Certificate], error) {
		var out Certificate
		err := call.Decide(call.Anyhow(ctx), func(ctx context.Context) (err error) {
			out, err = s.Erase(ctx, c, in.Body.Confirm)
			return err
		})
		return &api.Tagged[Certificate]{Status: http.StatusAccepted, Location: erasurePath(out.ID), Body: out}, err
	})
	api.Register(k, api.Operation{
		ID: "get-erasure", Method: http.MethodGet, Path: "/v1/erasures/{id}",
		Summary: "Read what an erasure has come to", Tag: tag, Permissions: operators,
	}, func(ctx context.Context, _ *call.Call, in *erasureInput) (*api.Plain[Certificate], error) {
		e, err := s.Certificate(ctx, in.ID)
		return &api.Plain[Certificate]{Status: http.StatusOK, Body: e}, err
	})
	s.people(k, operators)
}

// people registers what is done with one person.
func (s *Service) people(k *api.Router, operators []auth.Permission) {
	const path = "/v1/accounts/{account}/users/{id}/forget"
	api.Register(k, api.Operation{
		ID: "forget-user", Method: http.MethodPost, Path: path, Tag: tag, Permissions: operators, Lives: true,
		Summary: "Forget a person who was deleted", Status: http.StatusAccepted,
	}, func(ctx context.Context, c *call.Call, in *personInput) (*api.Tagged[Forgotten], error) {
		if err := api.CheckUserID("id", in.ID); err != nil {
			return nil, err
		}
		var out Forgotten
		err := call.Decide(call.Anyhow(ctx), func(ctx context.Context) (err error) {
			out, err = s.Forget(ctx, c, in.ID)
			return err
		})
		return &api.Tagged[Forgotten]{
			Status: http.StatusAccepted, Location: forgetPath(c.Account, in.ID), Body: out,
		}, err
	})
	api.Register(k, api.Operation{
		ID: "get-forgotten-user", Method: http.MethodGet, Path: path, Tag: tag, Permissions: operators,
		Summary: "Read how far it is to forget a person",
	}, func(ctx context.Context, c *call.Call, in *personInput) (*api.Plain[Forgotten], error) {
		if err := api.CheckUserID("id", in.ID); err != nil {
			return nil, err
		}
		f, err := s.Forgetting(ctx, c, in.ID)
		return &api.Plain[Forgotten]{Status: http.StatusOK, Body: f}, err
	})
}
