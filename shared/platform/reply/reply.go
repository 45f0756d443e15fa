// Package reply is what an answer has wherever it is made: the id of its request, and problems as
// they are written. It knows no operation, so that a function that serves none does not link what
// describes them: ConsoleFunction.
package reply

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"seatwise/shared/platform/problem"
)

// ProblemType is the media type of a problem, whatever the client accepts.
const ProblemType = "application/problem+json"

// retryAfter is what a too-busy answer asks a client to wait.
const retryAfter = 1 * time.Second

// Headers are those that go with a problem of a status; allow are the methods of the path, for 405, and
// wait how many seconds the client is to wait, for 429.
func Headers(status int, allow string, wait int) http.Header {
	h := http.Header{}
	switch status {
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	case http.StatusTooManyRequests:
		h.Set("Retry-After", strconv.Itoa(wait))
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusMethodNotAllowed:
		h.Set("Allow", allow)
	}
	return h
}

// WriteProblem answers outside of an operation.
func WriteProblem(w http.ResponseWriter, p *problem.Problem) {
	for name, values := range Headers(p.Status(), p.Allow, p.RetryAfter) {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", ProblemType)
	w.WriteHeader(p.Status())
	_ = json.NewEncoder(w).Encode(p.Document()) // the client is gone if this fails
}

// BadPath is the answer to a path with a bad escape.
func BadPath() *problem.Problem {
	p := problem.New(
		problem.MalformedBody,
		"The path cannot be read: a % must begin the escape of a byte, and all of it must be UTF-8.",
	)
	p.Fields = []problem.Field{problem.Fault("path", problem.BadEncoding, "must have good escapes and be UTF-8")}
	return p
}

type requestIDKey struct{}

// WithRequestID puts the request's id into the context.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID is the request's id, or empty.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
