package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/reply"
	"seatwise/shared/platform/table"
)

// Problem is the body of every error (RFC 9457, docs/contract.md).
type Problem struct {
	problem.Document
	allow string
	wait  int
}

// Of renders a problem.
func Of(p *problem.Problem) *Problem {
	return &Problem{Document: *p.Document(), allow: p.Allow, wait: p.RetryAfter}
}

// Error makes a Problem an error, which huma answers with.
func (p *Problem) Error() string { return p.Type + ": " + p.Detail }

// GetStatus returns the status of the answer.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns the headers that go with the problem.
func (p *Problem) GetHeaders() http.Header { return reply.Headers(p.Status, p.allow, p.wait) }

// ContentType is application/problem+json whatever the client accepts.
func (p *Problem) ContentType(string) string { return reply.ProblemType }

// replayed answers with a stored answer.
type replayed struct{ *call.Replay }

func (r replayed) GetStatus() int { return r.Status }

func (r replayed) GetHeaders() http.Header {
	h := http.Header{"Idempotent-Replayed": {"true"}}
	for name, value := range r.Header {
		h.Set(name, value)
	}
	return h
}

func (r replayed) ContentType(string) string { return "application/json" }

// MarshalJSON gives the stored body as it is.
func (r replayed) MarshalJSON() ([]byte, error) {
	if len(r.Body) == 0 {
		return []byte("null"), nil
	}
	return r.Body, nil
}

// write answers from a middleware.
func (r replayed) write(ctx huma.Context) {
	for name, values := range r.GetHeaders() {
		ctx.SetHeader(name, values[0])
	}
	if r.Status == http.StatusNoContent {
		ctx.SetStatus(r.Status)
		return
	}
	ctx.SetHeader("Content-Type", r.ContentType(""))
	ctx.SetStatus(r.Status)
	_, _ = ctx.BodyWriter().Write(append(slices.Clone(r.Body), '\n')) // the client is gone if this fails
}

// translate is the one mapping from errors to problems. The second result is false for an error
// that the caller must not see; it is then internal.
func translate(err error) (*problem.Problem, bool) {
	if p, ok := problem.From(err); ok {
		return p, true
	}
	if _, refused := table.Refused(err); refused {
		err = table.ErrConflict
	}
	switch {
	case errors.Is(err, table.ErrCursor):
		return badCursor(), true
	case errors.Is(err, table.ErrConflict),
		errors.Is(err, table.ErrThrottled),
		errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, context.Canceled):
		return problem.New(problem.TooBusy, "Others are changing the same things; try again."), true
	}
	return problem.New(problem.Internal, ""), false
}

func (k *Router) answer(ctx context.Context, err error) error {
	var replay *call.Replay
	if errors.As(err, &replay) {
		settle(ctx, true)
		return replayed{replay}
	}
	var told *foretold
	if errors.As(err, &told) {
		return told
	}
	var later *deferred
	if errors.As(err, &later) {
		return later
	}
	p, known := translate(err)
	switch {
	case !known:
		k.env.Log.ErrorContext(ctx, "request failed", "error", err, "requestId", reply.RequestID(ctx))
	case p.Slug == problem.TooBusy:
		// The answer does not say whether it was others, load, or a store that did not answer in
		// time.
		k.env.Log.WarnContext(ctx, "request answered as too busy", "error", err, "requestId", reply.RequestID(ctx))
	}
	return Of(p)
}

// refuse answers from a middleware, before huma has read anything.
func (k *Router) refuse(ctx huma.Context, op Operation, c *call.Call, err error) {
	told := k.answer(ctx.Context(), op.during(hidden(c, op.settle(ctx.Context(), err))))
	if again, ok := told.(replayed); ok { //nolint:errorlint // it is not wrapped
		again.write(ctx)
		return
	}
	var answer *Problem
	if !errors.As(told, &answer) {
		answer = Of(problem.New(problem.Internal, ""))
	}
	for name, values := range answer.GetHeaders() {
		ctx.SetHeader(name, values[0])
	}
	ctx.SetHeader("Content-Type", answer.ContentType(""))
	ctx.SetStatus(answer.Status)
	_ = json.NewEncoder(ctx.BodyWriter()).Encode(answer) // the client is gone if this fails
}

// statusSlugs are the problems that huma itself finds.
var statusSlugs = map[int]problem.Slug{
	http.StatusBadRequest:            problem.MalformedBody,
	http.StatusUnprocessableEntity:   problem.ValidationFailed,
	http.StatusRequestEntityTooLarge: problem.PayloadTooLarge,
	http.StatusUnsupportedMediaType:  problem.UnsupportedMediaType,
	http.StatusRequestTimeout:        problem.TooBusy,
}

var statusDetails = map[problem.Slug]string{
	problem.MalformedBody:        "The request body is missing or is not JSON.",
	problem.ValidationFailed:     "Some fields are not acceptable.",
	problem.PayloadTooLarge:      "A request body has at most 1 MB.",
	problem.UnsupportedMediaType: "Send the body as application/json.",
	problem.TooBusy:              "The request body came too slowly.",
}

//nolint:gochecknoinits // huma offers no other place to say how it words its own errors, and how it takes names
func init() {
	// By default huma lets a name pass in any case. It then checks the field that is named exactly,
	// and encoding/json takes the one that comes last: {"quantity": 1, "QUANTITY": -1} would pass
	// every check.
	huma.ValidateStrictCasing = true
	say()
	huma.NewError = func(status int, _ string, errs ...error) huma.StatusError {
		slug, ok := statusSlugs[status]
		if !ok {
			slug = problem.Internal
		}
		p := problem.New(slug, statusDetails[slug])
		for _, err := range errs {
			var detail *huma.ErrorDetail
			if errors.As(err, &detail) {
				p.Fields = append(p.Fields, fault(detail))
			}
		}
		body := Of(p)
		if !ok { // an example for the document: huma asks for one of each declared status
			body.Status = status
		}
		return body
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
		if ctx != nil {
			if refused := access.Settle(ctx.Context()); refused != nil {
				p, _ := translate(refused)
				return Of(p)
			}
		}
		return huma.NewError(status, message, errs...)
	}
}

// fault names the field of an error that huma found. Of a property that is left out huma's location
// is the object that lacks it, and only the message has its name.
func fault(detail *huma.ErrorDetail) problem.Field {
	at := field(detail.Location)
	_, after, _ := strings.Cut(validation.MsgExpectedRequiredProperty, "%s")
	if name, ok := strings.CutSuffix(detail.Message, after); ok && name != "" {
		if at != "body" {
			name = at + "." + name
		}
		return problem.Fault(name, problem.Required, "must be given")
	}
	if strings.HasPrefix(detail.Message, "json: ") {
		return misfit(at, detail.Message)
	}
	code, message := worded(detail.Message)
	return problem.Field{Field: at, Code: code, Message: message}
}

// misfit is what encoding/json found in a body that passed every check: a number that its field
// cannot hold, such as 5.0 or 1e3 where a whole one is wanted. The decoder's own words tell the
// names of Go types and repeat what was sent.
func misfit(at, message string) problem.Field {
	if _, member, ok := strings.Cut(message, " into Go struct field "); ok {
		member, _, _ = strings.Cut(member, " ")
		if _, name, ok := strings.Cut(member, "."); ok {
			at = name
		}
	}
	return problem.Field{
		Field:   at,
		Code:    problem.WrongType,
		Message: "must be written as a number of its kind, a whole one without fraction and exponent",
	}
}

// field turns huma's location into the name that docs/contract.md uses: a body path without its
// root, or a parameter's name.
func field(location string) string {
	for _, root := range []string{"body.", "path.", "query.", "header."} {
		if name, ok := strings.CutPrefix(location, root); ok {
			return name
		}
	}
	return location
}
