package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"seatwise/shared/craft/money"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/plan"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/quota"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/overlay"
)

// A dry run is the operation's own handler over an overlay of the table, so that it needs the
// permission, and answers the problems, of the request itself. What has changed in the overlay are
// the effects; a plan holds a later request to them (requirements, section 12, "Dry run"; design,
// decision 16).

const (
	dryRun  = "dryRun"
	ifPlan  = "If-Plan"
	maxPlan = 200 // characters
)

// Foresees adds a reader of what changes mean. It is known by its name, so that several routes may
// add the same.
func (k *Router) Foresees(name string, reader plan.Reader) { k.readers[name] = reader }

// Carries has the work of markers of a kind done in dry runs, once the handler has answered, of
// the account and the subject that a marker names: what would follow from the request is one of its
// effects.
func (k *Router) Carries(markers call.Markers, work func(ctx context.Context, account, subject string) error) {
	k.carriers[markers.Kind()] = work
}

// asked is what a request asks for beside its effect.
type asked struct {
	dry     bool
	plan    string
	planned bool
	key     string // the Idempotency-Key of a request that is no dry run
	err     error
	request plan.Request
	taken   *quota.Taken // of a request that may be a repetition; nil for others
}

type askedKey struct{}

func askedOf(ctx context.Context) *asked {
	a, _ := ctx.Value(askedKey{}).(*asked)
	return a
}

// changes says whether a method changes something.
func changes(method string) bool {
	switch method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	}
	return false
}

// asking takes dryRun out of a request's query: it is no part of what is asked for.
func asking(r *http.Request) *http.Request {
	if !changes(r.Method) {
		return r
	}
	a := &asked{}
	plans := r.Header.Values(ifPlan)
	if a.planned = len(plans) > 0; a.planned {
		a.plan = plans[0]
	}
	if len(plans) > 1 {
		a.err = problem.Invalid(ifPlan, problem.Repeated, "must be given once")
	}
	r = r.WithContext(context.WithValue(r.Context(), askedKey{}, a))
	values := r.URL.Query()[dryRun]
	if len(values) == 0 {
		return r
	}
	switch {
	case len(values) > 1:
		a.err = problem.Invalid(dryRun, problem.Repeated, "must be given once")
	case values[0] == "":
		a.err = problem.Invalid(dryRun, problem.Required, "must not be empty; leave it out to have it done")
	case values[0] != "true" && values[0] != "false":
		a.err = problem.Invalid(dryRun, problem.NotAllowed, "must be true or false")
	}
	a.dry = values[0] == "true"
	var others []string
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if name, err := url.QueryUnescape(name); err != nil || name != dryRun {
			others = append(others, pair)
		}
	}
	address := *r.URL
	address.RawQuery = strings.Join(others, "&")
	r.URL = &address
	return r
}

// foretold is the answer to a dry run.
type foretold struct {
	Effects plan.Effects `json:"effects" doc:"What would happen."`
	Plan    string       `json:"plan" maxLength:"200" doc:"For the header If-Plan of the same request, within 15 minutes: it does that, or is refused with plan-stale."`
}

func (*foretold) Error() string             { return "a dry run" }
func (*foretold) GetStatus() int            { return http.StatusOK }
func (*foretold) ContentType(string) string { return "application/json" }

// stale refuses a plan.
func stale(detail string) *problem.Problem {
	p := problem.New(problem.PlanStale, detail)
	p.Fields = []problem.Field{problem.Fault(ifPlan, problem.Refused, "is of other effects; ask for a dry run again")}
	return p
}

// carryOut runs a handler as the request asks: for real, as a dry run, or held to a plan.
func (k *Router) carryOut(ctx context.Context, c *call.Call, run func(context.Context, *call.Call) error) error {
	a := askedOf(ctx)
	if a == nil || !a.dry && !a.planned {
		return run(ctx, c)
	}
	if a.dry {
		within, cancel := k.patient(ctx)
		out, _, err := k.foresee(within, c, run)
		cancel()
		if errors.Is(err, errLong) {
			return k.putOff(ctx, c, a)
		}
		if err != nil {
			return err
		}
		key, err := k.env.CursorKeys.First(ctx)
		if err != nil {
			return fmt.Errorf("seal a plan: %w", err)
		}
		return &foretold{Effects: out.Effects, Plan: plan.Seal(key, a.request, out, c.At)}
	}
	key, of, err := k.env.CursorKeys.Find(ctx, func(key []byte) bool {
		return len(a.plan) <= maxPlan && plan.Of(key, a.plan, a.request, c.At)
	})
	if err != nil {
		return fmt.Errorf("open a plan: %w", err)
	}
	if !of {
		return stale("The plan is not one of this request, or is older than 15 minutes.")
	}
	within, cancel := k.patient(ctx)
	whole, first, err := k.foresee(within, c, run)
	cancel()
	if errors.Is(err, errLong) {
		return k.putOff(ctx, c, a)
	}
	if err != nil {
		return drifted(err)
	}
	if !plan.Promises(key, a.plan, whole) {
		return stale("The request would have other effects by now than those that were planned.")
	}
	return drifted(run(overlay.Watch(ctx, k.judge(c.Account, whole, first)), c))
}

// drifted is what a request with a plan is told that cannot be done any more: that its plan is
// stale, and why.
func drifted(err error) error {
	p, told := problem.From(err)
	if !told || p.Slug == problem.PlanStale || p.Slug == problem.IdempotencyInProgress ||
		p.Slug == problem.IdempotencyMismatch {
		return err
	}
	switch p.Document().Status {
	case http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity:
		return stale("What was planned cannot be done any more: " + p.Detail)
	}
	return err
}

// judge holds a request's commits to a plan: the first one that has effects to exactly those of the
// first one of the dry run, and each part of a request that does its items one after the other to
// what was planned as a whole. What follows automatically from a commit is not judged again.
func (k *Router) judge(account string, whole, first plan.Outcome) overlay.Judge {
	var mu sync.Mutex
	begun := false
	return func(ctx context.Context, changes []overlay.Change) (func(), error) {
		part := plan.Nothing()
		if err := k.read(ctx, plan.Scope{Account: account, Changes: changes}, &part); err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		switch {
		case len(part.Facts) == 0:
			return nil, nil
		case call.Parted(ctx) && !part.Within(whole), !call.Parted(ctx) && !begun && !part.Same(first):
			return nil, stale("Somebody else has changed meanwhile what the plan was made of.")
		}
		return func() {
			mu.Lock()
			defer mu.Unlock()
			begun = true
		}, nil
	}
}

// mostTries is how often a dry run begins again that ends in an error: what it has read in part, and
// others change meanwhile, does not agree, and no commit would tell it so.
const mostTries = 3

// foresee runs a handler over an overlay, does what would follow, and reads what has become of it:
// the effects of all, and those of the first commit that has any.
//
// Errors: errLong, once the time of the context is over.
func (k *Router) foresee(
	ctx context.Context, c *call.Call, run func(context.Context, *call.Call) error,
) (whole, first plan.Outcome, err error) {
	for range mostTries {
		whole, first, err = k.foreseeOnce(ctx, c, run)
		if _, told := problem.From(err); err == nil || told {
			return whole, first, err
		}
		if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
			return whole, first, errLong
		}
	}
	return whole, first, err
}

// foreseeOnce is foresee over an overlay of its own.
func (k *Router) foreseeOnce(
	ctx context.Context, c *call.Call, run func(context.Context, *call.Call) error,
) (whole, first plan.Outcome, err error) {
	o := overlay.New(access.Beneath(k.env.Table))
	whole, first = plan.Nothing(), plan.Nothing()
	var unread error
	o.Committed(func(changes []overlay.Change) {
		if len(first.Facts) == 0 && unread == nil {
			unread = k.read(ctx, plan.Scope{Account: c.Account, Changes: changes}, &first)
		}
	})
	dry := overlay.With(ctx, o)
	if err := run(dry, c.Foreseen()); err != nil {
		return whole, first, err
	}
	if err := k.follow(dry, c.Account, o); err != nil {
		return whole, first, err
	}
	currency, err := currencyOf(ctx, c.Account, o)
	if err != nil {
		return whole, first, err
	}
	whole.Money = plan.Charges{DueToday: money.Zero(currency), Recurring: money.Zero(currency)}
	err = k.read(ctx, plan.Scope{Account: c.Account, Changes: o.Changes(), Run: o}, &whole)
	return whole, first, errors.Join(unread, err, ctx.Err()) // a handler may have left out what it had no time for
}

// currencyOf is the currency of an account.
func currencyOf(ctx context.Context, account string, o *overlay.Overlay) (string, error) {
	item, ok, err := table.Get(ctx, o, call.AccountKey(account))
	if err != nil || !ok {
		return "", err
	}
	a, err := call.Decode[struct {
		Currency string `json:"currency"`
	}](item)
	return a.Currency, err
}

// errLong is what comes of a dry run of which there is more than fits into the time.
var errLong = errors.New("it takes longer than a request may")

// TooLong is the answer to a request that took too long to work out, and cannot be handed on.
func TooLong() *problem.Problem {
	return problem.New(problem.TooBusy, "What would follow takes longer than a request may; ask for a smaller part of it.")
}

func (k *Router) read(ctx context.Context, in plan.Scope, out *plan.Outcome) error {
	for _, name := range slices.Sorted(maps.Keys(k.readers)) {
		if err := k.readers[name](ctx, in, out); err != nil {
			return err
		}
	}
	return nil
}

// follow does the work of the markers that the request has written and not done itself.
func (k *Router) follow(ctx context.Context, account string, o *overlay.Overlay) error {
	for _, change := range o.Changes() {
		kind, id, marked := call.OwnMarker(account, change.Key)
		work := k.carriers[kind]
		if !marked || work == nil || !change.Is {
			continue
		}
		subject, _, _ := strings.Cut(id, "#")
		if err := work(ctx, account, subject); err != nil {
			return err
		}
	}
	return nil
}

// foreseeable says in the document that an operation can be asked for as a dry run, which may be deferred.
func foreseeable(h *huma.Operation, schemas huma.Registry, op Operation) {
	if op.Public || !changes(op.Method) {
		return
	}
	also(h, "200", "Of a dry run: what would happen.", schemas.Schema(reflect.TypeFor[foretold](), true, "DryRun"))
	also(h, "202", "Of what takes longer than a request may to work out, a dry run or a request with If-Plan: Location is where it is told what became of it.",
		schemas.Schema(reflect.TypeFor[plan.Deferred](), true, "Deferred"))
	if h.Responses["202"].Headers == nil {
		h.Responses["202"].Headers = map[string]*huma.Param{}
	}
	h.Responses["202"].Headers["Location"] = &huma.Param{Schema: &huma.Schema{Type: huma.TypeString}}
}

// also says of a status that it may have another body.
func also(h *huma.Operation, status, description string, body *huma.Schema) {
	if answer := h.Responses[status]; answer != nil && answer.Content["application/json"] != nil {
		media := answer.Content["application/json"]
		media.Schema = &huma.Schema{AnyOf: []*huma.Schema{media.Schema, body}}
		return
	}
	h.Responses[status] = &huma.Response{
		Description: description,
		Content:     map[string]*huma.MediaType{"application/json": {Schema: body}},
	}
}

// foresight are the parameters of a dry run.
func foresight() []*huma.Param {
	return []*huma.Param{
		{
			Name: dryRun, In: "query", Schema: &huma.Schema{Type: huma.TypeBoolean},
			Description: "With true nothing is changed, and the answer is what would be: its effects, and a plan.",
		},
		{
			Name: ifPlan, In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: new(maxPlan)},
			Description: "The plan of a dry run of this very request: the request has its effects, or is refused with 409 plan-stale.",
		},
	}
}
