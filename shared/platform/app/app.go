// Package app holds what every function is made from: the ports and the sources of time and ids,
// handed in from outside (design, decision 8).
package app

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"seatwise/shared/craft/workbook/form"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/keyring"
	"seatwise/shared/platform/lines"
	"seatwise/shared/platform/signin"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/work"
)

// Clock tells the time; the wiring hands in the real one, tests a fixed one.
type Clock func() time.Time

// IDs makes identifiers.
type IDs interface {
	// Random is a UUID of version 4: spread evenly, for licenses.
	Random() string
	// Ordered is a UUID of version 7: ascending in time, for orders, quotes, jobs and audit
	// records.
	Ordered() string
}

// Env is everything a module may reach beyond its own rules.
type Env struct {
	Table table.Store
	Files files.Store
	// Work takes what schedules hand on; nil in a function that hands nothing on.
	Work work.Queue
	// Lines are what the functions have written into their log; nil in a function that reads none.
	Lines lines.Reader
	// Scan reads the whole table, and Objects all versions of files; nil but for the function that archives
	// and erases accounts.
	Scan    table.Scanner
	Objects files.Keeper
	// AuditDays is how long entries of the audit log are kept from when they are written; 0 is as long as the
	// account.
	AuditDays int
	// LogDays is how long lines of the log are kept.
	LogDays int
	// SignIn makes people at the deployment's own identity provider; nil where another one is named, and in
	// a function that makes none.
	SignIn signin.Provider
	// Workbooks write files of Excel; nil in a function that writes none, for they weigh more than
	// all else of it (design, decision 9).
	Workbooks form.Workbooks
	Clock     Clock
	IDs       IDs
	Log       *slog.Logger
	// CursorKeys sign the cursors of lists (docs/contract.md: an altered cursor is a 400) and the plans
	// of dry runs. Each has at least 16 bytes; nil in a function that makes neither.
	CursorKeys *keyring.Ring[[]byte]
	// Version is what GET /v1/health answers.
	Version string
	// Process names this process, and Alone says that no other one works on the same table: what
	// another process held when it died is then free at once.
	Process string
	Alone   bool
	// InRequest is how long what a request would do may be worked out within it; 0 for ten seconds. What takes
	// longer is deferred.
	InRequest time.Duration
	// RequestsPerMinute is how many requests of an account are taken in a minute; 0 for any number.
	RequestsPerMinute int64
	// Console is what only the console needs.
	Console Console
	// Chance replaces the machine's own in Pick, so that a simulation can be run again; nil
	// otherwise.
	Chance func(n int) int
	// stored is the machine's time in an environment of an event's; nil in any other.
	stored Clock
}

// At is the environment at the time of an event: what is due, and the times that its work writes, follow from it and
// not from the clock (contract, On one machine).
func (e *Env) At(when time.Time) *Env {
	then := *e
	then.stored = e.Stored
	then.Clock = func() time.Time { return when }
	return &then
}

// Stored is the time by the machine's clock, also in an environment of an event's, which may come late: when
// something is stored, for who looks for what has been since they looked last.
func (e *Env) Stored() time.Time {
	if e.stored != nil {
		return e.stored()
	}
	return e.Clock()
}

// Console is how the console reaches the API and the identity provider: nothing else is open to it
// (design, decision 14).
type Console struct {
	// API is the way to the API, and Provider that to the identity provider.
	API      http.RoundTripper
	Provider *http.Client
	// Issuer, ClientID and Scopes are those of the provider; without an issuer or a client nobody
	// can sign in, and the console says so.
	Issuer, ClientID string
	Scopes           []string
	// Invites says that the provider is the deployment's own, at which people are made by inviting them.
	Invites bool
	// UploadsOrigin is scheme and host of the addresses that files are put to.
	UploadsOrigin string
	// Keys are secrets that sessions are sealed with: the first one seals, any one opens. They are
	// read at the first request and again from time to time.
	Keys func(context.Context) ([][]byte, error)
}

// Pick is a number from 0 to below n, by chance: for choices that spread load and decide nothing
// else.
func (e *Env) Pick(n int) int {
	if e.Chance != nil {
		return e.Chance(n)
	}
	return rand.IntN(n)
}

// Function is one Lambda function, whichever way it is invoked.
type Function struct {
	// HTTP serves the function's routes; nil when it has none.
	HTTP http.Handler
	// Event takes any other event (S3, schedule) as its raw JSON; nil when there are none.
	Event func(ctx context.Context, payload []byte) error
	// Message carries out what a queue delivers, one message; nil when the function has no queue. An
	// error makes the queue deliver it again, and nothing else of its batch.
	Message func(ctx context.Context, m work.Message) error
	// Answer takes an event that wants an answer, as a trigger of the identity provider does: both are
	// raw JSON. It is nil when there are none; a function has not both Event and Answer.
	Answer func(ctx context.Context, payload []byte) ([]byte, error)
}
