package plan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/problem"
)

const (
	// DeferredLife is how long what became of a deferred request can be read. The bucket removes it then.
	DeferredLife = 24 * time.Hour
	// deferredWithin is when one that has not ended has been given up: DeferredFunction has been tried three
	// times by then, a quarter of an hour each.
	deferredWithin = time.Hour

	wakeUps  = files.DeferredWakeUpsFolder
	outcomes = files.DeferredFolder
)

// DeferredState is how far a deferred request is.
type DeferredState string

// The states.
const (
	Queued  DeferredState = "queued"
	Running DeferredState = "running"
	Ready   DeferredState = "ready"
	Failed  DeferredState = "failed"
)

// Deferred is what is told of a request that takes longer than a request may, and is carried out behind its
// answer.
type Deferred struct {
	ID        string            `json:"id" format:"uuid"`
	State     DeferredState     `json:"state" enum:"queued,running,ready,failed"`
	Percent   int               `json:"percent" doc:"How far it is: 0, 50 or 100."`
	CreatedAt time.Time         `json:"createdAt"`
	Effects   *Effects          `json:"effects,omitempty" doc:"Of a dry run that is ready: what would happen."`
	Plan      string            `json:"plan,omitempty" maxLength:"200" doc:"Of a dry run that is ready: for the header If-Plan of the same request, within 15 minutes of when it became ready."`
	Answer    *DeferredAnswer   `json:"answer,omitempty" doc:"Of a request with If-Plan that is ready: what it is answered."`
	Problem   *problem.Document `json:"problem,omitempty" doc:"Of one that failed: what the request is answered, or why it was given up."`
}

// DeferredAnswer is what a request is answered that is no dry run.
type DeferredAnswer struct {
	Status   int             `json:"status" doc:"The status of the answer."`
	Location string          `json:"location,omitempty" doc:"Where what was made, or the work that was begun, is."`
	ETag     string          `json:"etag,omitempty" doc:"The entity tag of what was changed."`
	Body     json.RawMessage `json:"body,omitempty" doc:"The body of the answer."`
}

// Answered ends it with what the request was answered.
//
// Errors: a body that is none of such an answer.
func (d *DeferredRequest) Answered(status int, header http.Header, body []byte) error {
	told := &d.Told
	if told.State, told.Percent = Ready, 100; status < http.StatusMultipleChoices && !d.Dry {
		told.Answer = &DeferredAnswer{
			Status: status, Location: header.Get("Location"), ETag: header.Get("ETag"), Body: bytes.TrimSpace(body),
		}
		return nil
	}
	into := any(told)
	if status != http.StatusOK {
		told.State, told.Problem = Failed, new(problem.Document)
		into = told.Problem
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("answer to a deferred request: %w", err)
	}
	return nil
}

// Fail ends it without an answer.
func (d *Deferred) Fail(why *problem.Problem) {
	d.State, d.Percent, d.Problem = Failed, 100, why.Document()
}

// Caller is who asked, by the claims of their token. The token itself is not kept.
type Caller struct {
	User        string            `json:"user"`
	Account     string            `json:"account"`
	Permissions []auth.Permission `json:"permissions,omitempty"`
	ByRoles     bool              `json:"byRoles,omitempty"`
	Limit       auth.Limit        `json:"limit,omitzero"`
}

// CallerOf is the caller with these claims, and Principal the claims.
func CallerOf(p auth.Principal) Caller {
	return Caller{p.User, p.Account, p.Permissions.List(), p.ByRoles, p.Limit}
}

// Principal is the opposite of CallerOf.
func (c Caller) Principal() auth.Principal {
	return auth.Principal{
		User: c.User, Account: c.Account, Permissions: auth.SetOf(c.Permissions...), ByRoles: c.ByRoles, Limit: c.Limit,
	}
}

// DeferredRequest is a request that is deferred, and what is told of it. It is an object of its own in the
// bucket of reports, whose creation wakes up DeferredFunction, and no item of the account.
type DeferredRequest struct {
	Told      Deferred          `json:"told"`
	Caller    Caller            `json:"caller"`
	RequestID string            `json:"requestId"`
	Dry       bool              `json:"dryRun,omitempty"`
	Method    string            `json:"method,omitempty"`
	Path      string            `json:"path,omitempty"`
	Query     string            `json:"query,omitempty"`
	Header    map[string]string `json:"header,omitempty"`
	Body      []byte            `json:"body,omitempty"`
}

// Location is where a client reads what became of it.
func (d *DeferredRequest) Location(account string) string {
	return "/v1/accounts/" + account + "/deferred/" + d.Told.ID
}

// Target is the address that it asks for.
func (d *DeferredRequest) Target() string {
	var query []string
	if d.Query != "" {
		query = append(query, d.Query)
	}
	if d.Dry {
		query = append(query, "dryRun=true")
	}
	return d.Path + "?" + strings.Join(query, "&")
}

// Defer hands a request on.
func (d *DeferredRequest) Defer(ctx context.Context, store files.Store, account string) error {
	return d.put(ctx, store, wakeUps, account)
}

// Tell keeps what is told of it, without the request.
func (d *DeferredRequest) Tell(ctx context.Context, store files.Store, account string) error {
	told := DeferredRequest{Told: d.Told, Caller: d.Caller, RequestID: d.RequestID}
	return told.put(ctx, store, outcomes, account)
}

func (d *DeferredRequest) put(ctx context.Context, store files.Store, folder, account string) error {
	data, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("deferred request: %w", err)
	}
	body, ref := bytes.NewReader(data), files.DocumentOf(folder, account, d.Told.ID)
	_, err = store.Put(ctx, ref, body, body.Size(), "application/json")
	return err
}

// DeferredOf reads what is told of a request, and Woken the request.
//
// Errors: files.ErrNotFound.
func DeferredOf(ctx context.Context, store files.Store, account, id string, now time.Time) (DeferredRequest, error) {
	d, err := deferredAt(ctx, store, files.DocumentOf(outcomes, account, id))
	if errors.Is(err, files.ErrNotFound) {
		d, err = Woken(ctx, store, account, id)
	}
	age := now.Sub(d.Told.CreatedAt)
	switch {
	case err != nil:
	case age >= DeferredLife:
		err = files.ErrNotFound
	case age >= deferredWithin && (d.Told.State == Queued || d.Told.State == Running):
		d.Told.Fail(problem.New(problem.Internal, "It was given up. Look at what is there before you ask again."))
	}
	return d, err
}

// Woken reads the request of a wake-up.
//
// Errors: files.ErrNotFound.
func Woken(ctx context.Context, store files.Store, account, id string) (DeferredRequest, error) {
	return deferredAt(ctx, store, files.DocumentOf(wakeUps, account, id))
}

func deferredAt(ctx context.Context, store files.Store, ref files.Ref) (d DeferredRequest, err error) {
	body, _, err := store.Get(ctx, ref)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	if err := json.NewDecoder(body).Decode(&d); err != nil {
		return d, fmt.Errorf("deferred request: %w", err)
	}
	return d, nil
}

// ParseWakeUp reads the key of a wake-up; ok is false for any other object.
func ParseWakeUp(key string) (account, id string, ok bool) {
	account, id, ok = files.ParseDocument(wakeUps, key)
	return account, id, ok && auth.ValidID(account)
}
