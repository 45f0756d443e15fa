// Package api is the HTTP edge that every function shares: huma on http.ServeMux, one check of
// token, account and permission, one mapping of errors, idempotency keys, entity tags and cursors
// (contract, Conventions).
package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/plan"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/quota"
	"seatwise/shared/platform/reply"
)

const (
	idempotencyKey = "Idempotency-Key"
	// maxKey is the longest one in bytes (docs/contract.md).
	maxKey = 255
)

// MaxBody is the largest request body in bytes (docs/contract.md: over 1 MB is a 413), and
// LargestBody that of the operations that take more.
const (
	MaxBody     = 1 << 20
	LargestBody = 2 << 20
)

// Operation declares one route of docs/contract.md.
type Operation struct {
	ID, Method, Path, Summary, Tag string
	// Permissions are what the token must allow: any one of them.
	Permissions []auth.Permission
	// Public operations need no token.
	Public bool
	// Anyone with a valid token may call the operation, which needs no permission.
	Anyone bool
	// Partly says that an admin of some cost centers may call the operation, which knows to do so for
	// their cost centers only. All others are refused to them (requirements, section 9).
	Partly bool
	// Lives says that the operation changes what state the account is in, and is not stopped by it. Only
	// operators may call it.
	Lives bool
	// Measures says that the operation is told what has happened, which counts in a suspended account too.
	Measures bool
	// Creates marks the operation that makes the account it names, so that the account need not be
	// there yet.
	Creates bool
	// Nowhere says that operators may ask the operation of call.Nowhere in the place of an account.
	Nowhere bool
	// Loads says that the first read of the operation is call.Lookup, so that a process that does
	// not know the account yet needs no read of its own to ask whether it is there.
	Loads bool
	// Status is the answer's status when all goes well; 0 means 200, or 204 for an operation
	// without a body.
	Status int
	// Conflicts says that the operation can answer 409.
	Conflicts bool
	// Versioned says that a POST takes If-Match; the other methods that change something do anyway.
	Versioned bool
	// Makes says that the operation answers 201 instead of 200 when it made what it names.
	Makes bool
	// Rules says that the rules of a POST are asked about a body too that its schema refuses, so
	// that all faults are told at once. Its first commit must be one of the call.
	Rules bool
	// MaxBody is the largest body in bytes; 0 means MaxBody of the package. It is at most
	// LargestBody.
	MaxBody int64
	// Missing says that a public operation can answer 404; the others can anyway.
	Missing bool
	// Files are the media types of an answer that is a file; without them it is JSON.
	Files []string
}

// Router holds the operations of one function. huma makes an operation when its first request comes,
// for the schemas of all of them are a third of a function's start, and a request needs those of
// one.
type Router struct {
	env   *app.Env
	mux   *http.ServeMux // finds the operation of a request
	known sync.Map       // account id to the time.Time when somebody of it was served last, see exists
	quota *quota.Quota   // of the requests of each account
	adds  []func(*group)
	// readers and carriers are those of Foresees and Carries.
	readers  map[string]plan.Reader
	carriers map[string]func(ctx context.Context, account, subject string) error

	otherwise http.Handler // nil but for the function that answers what no route takes
}

// group is operations as huma serves and describes them: the one that a request asks for, or all.
type group struct {
	*Router
	mux *http.ServeMux
	api huma.API
}

// schemas are those of the group's operations.
func (g *group) schemas() huma.Registry { return g.api.OpenAPI().Components.Schemas }

// Otherwise has the handler answer what none of its operations takes.
func (k *Router) Otherwise(h http.Handler) { k.otherwise = h }

// New makes an empty router. From then on env's table waits for what the directory says of a caller
// whose token does not say it, whichever wiring made it.
func New(env *app.Env) *Router {
	env.Table, env.Files = access.Guard(call.Checked(env.Table, env.Pick)), plan.Files(env.Files)
	env.SignIn = plan.SignIn(env.SignIn)
	return &Router{
		env: env, mux: http.NewServeMux(), quota: quota.New(env), readers: map[string]plan.Reader{},
		carriers: map[string]func(ctx context.Context, account, subject string) error{},
	}
}

// add has an operation made at its first request.
func (k *Router) add(op Operation, enter func(*group)) {
	k.adds = append(k.adds, enter)
	ready := sync.OnceValue(func() http.Handler {
		g := k.group()
		enter(g)
		return g.mux
	})
	k.mux.HandleFunc(op.Method+" "+op.Path, func(w http.ResponseWriter, r *http.Request) {
		ready().ServeHTTP(w, r)
	})
}

// group makes an empty one.
func (k *Router) group() *group {
	config := huma.DefaultConfig("Seatwise", k.env.Version)
	config.CreateHooks = nil
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.RejectUnknownQueryParameters = true
	config.Info.Description = "The license desk of a cloud phone provider: buy licenses, assign them, " +
		"configure phones from one file, meter Live Reports, settle the bill."
	config.Components.Schemas = huma.NewMapRegistry(schemaPrefix, newNamer())
	// A problem is described as what it is written as, which is also a part of other answers.
	config.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[Problem](), reflect.TypeFor[problem.Document]())
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {
			Type:         "http",
			Scheme:       "bearer",
			BearerFormat: "JWT",
			Description:  "Claims: sub, account, permissions.",
		},
	}
	mux := http.NewServeMux()
	return &group{Router: k, mux: mux, api: humago.New(mux, config)}
}

// Serve makes a function that has these operations and takes no events.
func Serve(env *app.Env, routes ...func(*Router)) app.Function {
	k := New(env)
	for _, register := range routes {
		register(k)
	}
	return app.Function{HTTP: k.Handler()}
}

// Env is what the router was made with.
func (k *Router) Env() *app.Env { return k.env }

// OpenAPI describes the registered operations.
func (k *Router) OpenAPI() *huma.OpenAPI {
	all := k.group()
	for _, enter := range k.adds {
		enter(all)
	}
	return all.api.OpenAPI()
}

// during is an error with what was being done, for whoever reads the log. It is said here and
// nowhere else, once for each error.
func (op Operation) during(err error) error { return fmt.Errorf("%s: %w", op.ID, err) }

// Register adds an operation. The handler gets the call already checked: the token is valid, the
// account exists and is the token's (or the caller is an operator), and a permission is there.
func Register[I, O any](
	k *Router,
	op Operation,
	handler func(context.Context, *call.Call, *I) (*O, error),
	more ...func(*huma.Operation),
) {
	k.add(op, func(g *group) { register(g, op, handler, more...) })
}

// register is Register into a group.
func register[I, O any](
	k *group,
	op Operation,
	handler func(context.Context, *call.Call, *I) (*O, error),
	more ...func(*huma.Operation),
) {
	_, hasBody := reflect.TypeFor[I]().FieldByName("Body")
	body := newReader(op, hasBody)
	h := described(op)
	h.MaxBodyBytes = body.limit + 1
	lists := queryLists[I]()
	var sent *huma.Schema // of the body
	h.Middlewares = huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		defer settle(ctx.Context(), false) // however it ends: what was no repetition counts
		ctx, c, err := k.admit(ctx, op, body)
		if url := ctx.URL(); err == nil {
			err = once(url.Query(), lists)
		}
		if err != nil {
			k.refuse(ctx, op, c, err)
			return
		}
		if sent != nil {
			var rules func(readable []byte) error
			if op.Rules {
				rules = condemnedPost(ctx, c, handler)
			}
			err = judged(ctx, k.schemas(), sent, h.MaxBodyBytes, rules)
		}
		if err != nil {
			k.refuse(ctx, op, c, err)
			return
		}
		next(huma.WithValue(ctx, callKey{}, c))
	}}
	for _, add := range more {
		add(&h)
	}
	body.takes = body.takes || h.RequestBody != nil
	huma.Register(k.api, h, func(ctx context.Context, in *I) (*O, error) {
		c, _ := ctx.Value(callKey{}).(*call.Call)
		var out *O
		err := k.carryOut(ctx, c, func(ctx context.Context, c *call.Call) (err error) {
			out, err = handler(ctx, c, in)
			return err
		})
		if err = op.settle(ctx, err); err != nil {
			return nil, k.answer(ctx, op.during(hidden(c, c.Failed(ctx, err))))
		}
		return out, nil
	})
	if registered := k.api.OpenAPI().Paths[op.Path].Post; op.Method == http.MethodPost &&
		registered.RequestBody != nil {
		sent = registered.RequestBody.Content["application/json"].Schema
	}
	foreseeable(&h, k.schemas(), op)
	answering(&h, op)
}

// settle is what a request is told that came to err, or to its end: first whether it may go on at all,
// whatever it found, and if it read nothing. What changes something is refused in an account that is not
// active, but a repetition is told what was done before.
func (op Operation) settle(ctx context.Context, err error) error {
	if refused := access.Settle(ctx); refused != nil {
		return refused
	}
	var replay *call.Replay
	if !changes(op.Method) || errors.As(err, &replay) || problem.Is(err, problem.IdempotencyInProgress) ||
		problem.Is(err, problem.IdempotencyMismatch) {
		return err
	}
	if stopped := access.Open(ctx); stopped != nil {
		return stopped
	}
	return err
}

// reaching is the context of an operation that goes on where others are stopped.
func (op Operation) reaching(ctx context.Context) context.Context {
	switch {
	case op.Lives:
		return call.Anyhow(ctx)
	case op.Measures:
		return call.UntilClosed(ctx)
	}
	return ctx
}

// hidden tells nobody but operators that an account is closed: to all others it is not there.
func hidden(c *call.Call, err error) error {
	var stopped *call.StoppedError
	if c != nil && !c.Operator && errors.As(err, &stopped) && stopped.State == call.Closed {
		return problem.NoAccount()
	}
	return err
}

// answering is what the document says of the answers of an operation beyond what its type says.
func answering(h *huma.Operation, op Operation) {
	if len(op.Files) > 0 {
		h.Responses["200"].Content = filesOf(op)
	}
	if op.Makes {
		made := *h.Responses["200"]
		made.Description = http.StatusText(http.StatusCreated)
		h.Responses["201"] = &made
	}
}

// described is what the document says of an operation whatever it takes and answers.
func described(op Operation) huma.Operation {
	h := huma.Operation{
		OperationID:     op.ID,
		Method:          op.Method,
		Path:            op.Path,
		Summary:         op.Summary,
		Tags:            []string{op.Tag},
		DefaultStatus:   op.Status,
		BodyReadTimeout: -1,
		Errors:          declared(op),
		Responses:       map[string]*huma.Response{},
		Parameters:      headersOf(op),
	}
	if !op.Public {
		secure(&h, op)
		if changes(op.Method) {
			h.Parameters = append(h.Parameters, foresight()...)
		}
	}
	return h
}

// secure says who may call an operation that needs a token.
func secure(h *huma.Operation, op Operation) {
	h.Security = []map[string][]string{{"token": {}}}
	names := make([]string, len(op.Permissions))
	for i, p := range op.Permissions {
		names[i] = string(p)
	}
	h.Extensions = map[string]any{"x-permissions": names}
	h.Description = "Needs the permission " + strings.Join(names, " or ") + "."
	if op.Anyone {
		h.Description = "Needs a valid token, and no permission."
	}
	if op.Partly {
		h.Extensions["x-partly"] = true
		h.Description += " An admin of some cost centers may call it for theirs."
	}
	if op.Nowhere {
		h.Description += " An operator (accounts.manage) reads with - in the place of the account what belongs to no account," +
			" such as a dropped file whose key names none."
	}
}

// headersOf are the headers that the method of an operation takes.
func headersOf(op Operation) []*huma.Param {
	var headers []*huma.Param
	switch op.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		headers = append(headers, &huma.Param{
			Name:        "Idempotency-Key",
			In:          "header",
			Description: "Makes the request repeatable: a repetition gets the stored answer.",
			Schema: &huma.Schema{
				Type:      huma.TypeString,
				MinLength: new(1),
				MaxLength: new(maxKey),
				Pattern:   "^[ -~]*$",
			},
		})
	}
	if op.matches() {
		headers = append(headers, &huma.Param{
			Name:        "If-Match",
			In:          "header",
			Description: "The entity tag that the resource must have; 412 when it has another.",
			Schema:      &huma.Schema{Type: huma.TypeString},
		})
	}
	if op.Method == http.MethodPut {
		headers = append(headers, &huma.Param{
			Name:        "If-None-Match",
			In:          "header",
			Description: "With * the resource must not be there yet; 412 when it is.",
			Schema:      &huma.Schema{Type: huma.TypeString},
		})
	}
	return headers
}

// filesOf describes an answer that is a file: huma describes bytes as JSON or as
// application/octet-stream.
func filesOf(op Operation) map[string]*huma.MediaType {
	content := map[string]*huma.MediaType{}
	for _, media := range op.Files {
		content[media] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
		if _, suffix, structured := strings.Cut(media, "+"); structured {
			content[media].Schema = &huma.Schema{
				Type:        huma.TypeObject,
				Description: "A document, as " + suffix + ".",
			}
		} else if !strings.HasPrefix(media, "text/") {
			content[media].Schema.Format = "binary"
		}
	}
	return content
}

type callKey struct{}

// queryLists names the query parameters of an input that may be given several times.
func queryLists[I any]() []string {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[I]()) {
		if name, explode, _ := strings.Cut(field.Tag.Get("query"), ","); explode == "explode" {
			names = append(names, name)
		}
	}
	return names
}

// once refuses a query parameter without a value, and one that is given several times but has one
// value: whichever of them was taken, the caller may have meant the other.
func once(query url.Values, lists []string) error {
	var fields []problem.Field
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if len(query[name]) > 1 && !slices.Contains(lists, name) {
			fields = append(fields, problem.Field{Field: name, Code: problem.Repeated, Message: "must be given once"})
		}
		// A filter without a value is a program's mistake more often than a wish for all. An empty search
		// finds all, as in a form, and an empty cursor is that of the first page.
		if slices.Contains(query[name], "") && name != "q" && name != "cursor" {
			fields = append(fields, problem.Fault(name, problem.Required, "must not be empty; leave it out for all"))
		}
	}
	if len(fields) > 0 {
		return problem.Validation(fields...)
	}
	return nil
}

// declared lists the statuses that an operation may answer beside its own, for the OpenAPI
// document.
func declared(op Operation) []int {
	if op.Public {
		codes := []int{400, 422, 431, 500}
		if op.Missing {
			codes = append(codes, 404)
		}
		return codes
	}
	codes := []int{400, 401, 403, 404, 422, 429, 431, 500, 503}
	switch op.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		codes = append(codes, 409)
	default:
		if op.Conflicts {
			codes = append(codes, 409)
		}
	}
	switch op.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		// of DELETE for its Idempotency-Key, with which the body is read
		codes = append(codes, 413, 415)
	}
	if op.matches() {
		codes = append(codes, 412)
	}
	return codes
}

// matches says whether the operation takes If-Match.
func (op Operation) matches() bool {
	switch op.Method {
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	}
	return op.Versioned
}

// admit checks who calls, and makes the call. What only the directory knows of the caller is checked
// by the first read with the context that it returns.
func (k *Router) admit(ctx huma.Context, op Operation, body reader) (huma.Context, *call.Call, error) {
	account := ctx.Param("account")
	c := &call.Call{
		Env:       k.env,
		Account:   account,
		At:        k.env.Clock().UTC(),
		RequestID: reply.RequestID(ctx.Context()),
		Reason:    "request",
	}
	if op.Public {
		return ctx, c, nil
	}
	principal, ok := auth.From(ctx.Context())
	if !ok {
		return ctx, nil, auth.Refused(auth.Refusal(ctx.Context()))
	}
	entered, err := access.Enter(ctx.Context(), k.env.Table, principal, access.Demand{
		Account: account, Permissions: op.Permissions, Partly: op.Partly, Shard: k.env.Pick(call.StoppedShards),
	})
	if err != nil {
		return ctx, nil, err
	}
	entered = op.reaching(entered)
	full := k.take(ctx, op, principal, c)
	if full != nil && !repeats(ctx, op) {
		return ctx, nil, full // and nothing is read for it
	}
	ctx = huma.WithContext(ctx, entered)
	c.Actor, c.Operator = principal.User, principal.Operator()
	switch {
	case principal.ByRoles:
		c.Demands = access.Checks
	case account == principal.Account && op.Partly:
		c.Demands = access.LimitChecks
	}
	nowhere := op.Nowhere && account == call.Nowhere && principal.Operator()
	if account != "" && !op.Creates && !nowhere {
		if err := k.exists(entered, c, op.Loads); err != nil {
			return ctx, nil, err
		}
	}
	if err := prepare(ctx, c, op, body); err != nil || full == nil {
		return ctx, c, err
	}
	// What was done already is told again; all else is beyond the limit.
	if err := c.Begin(entered); err != nil {
		return ctx, c, err
	}
	return ctx, c, full
}

// prepare reads what a request demands, and its key.
func prepare(ctx huma.Context, c *call.Call, op Operation, body reader) error {
	c.IfMatch = ctx.Header("If-Match")
	if op.Method == http.MethodPut {
		c.IfNoneMatch = ctx.Header("If-None-Match")
	}
	if op.Method == http.MethodGet {
		return nil
	}
	sent, err := body.read(ctx)
	if err != nil {
		return err
	}
	a := askedOf(ctx.Context())
	if a.err != nil {
		return a.err
	}
	address := ctx.URL()
	a.request = plan.Request{
		Caller: c.Actor, Account: c.Account, Method: op.Method, Path: address.EscapedPath(), Query: address.RawQuery,
		Body: sent,
	}
	switch op.Method {
	case http.MethodPost:
		if err := repeatable(ctx, c, sent); err != nil || !a.planned || !c.Repeatable() {
			return err
		}
		return c.Begin(ctx.Context()) // what was done already is not planned again
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		if !ValidID(c.Account) { // it is no account's, and no key of ours
			return nil
		}
		if err := repeatable(ctx, c, sent); err != nil || !c.Repeatable() {
			return err
		}
		// A second click on Save is the first answer: whatever the first one changed, the version
		// that it demands among it, is not looked at again.
		return c.Begin(ctx.Context())
	}
	return nil
}

// knownFor is how long a process need not ask again whether an account is there in which it has served
// somebody. It is less than call.LongestRun: an account is closed for longer before it is erased, and nobody
// is served meanwhile whose account it is.
const knownFor = 10 * time.Minute

// exists demands that the account is there: at once, or, of an operation that loads, with the
// call's first Lookup.
//
// Errors: not-found.
func (k *Router) exists(ctx context.Context, c *call.Call, loads bool) error {
	seen, _ := k.known.Load(c.Account)
	if at, ok := seen.(time.Time); ok && c.At.Sub(at) < knownFor {
		return nil
	}
	// An id that no account can have is as unknown as any other.
	if !ValidID(c.Account) {
		return problem.NoAccount()
	}
	c.Unseen(func() {
		if !c.Operator { // whom a closed account is there for
			k.known.Store(c.Account, c.At)
		}
	})
	if loads {
		return nil
	}
	return c.Begin(ctx)
}

// repeatable reads the Idempotency-Key; the body is part of what must be the same in a repetition.
func repeatable(ctx huma.Context, c *call.Call, body []byte) error {
	r, _ := humago.Unwrap(ctx)
	values, given := r.Header[idempotencyKey]
	a := askedOf(ctx.Context())
	if !given || a.dry {
		return nil
	}
	name := values[0]
	if len(values) != 1 || len(name) < 1 || len(name) > maxKey ||
		strings.ContainsFunc(name, func(c rune) bool { return c < 0x20 || c > 0x7e }) {
		return problem.Invalid(
			"Idempotency-Key",
			problem.BadFormat,
			"must be one value of 1 to 255 printable ASCII characters",
		)
	}
	request := [][]byte{[]byte(r.Method), []byte(r.URL.EscapedPath()), []byte(r.URL.RawQuery), body}
	if a.key = name; a.planned {
		request = append(request, []byte(a.plan))
	}
	c.WithKey(name, request...)
	return nil
}

// Handler serves the router's operations; unknown paths, wrong methods and panics are problems too.
func (k *Router) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guarded := &guard{ResponseWriter: w}
		defer func() {
			if fault := recover(); fault != nil {
				if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(fault)
				}
				k.env.Log.ErrorContext(
					r.Context(),
					"panic",
					"fault",
					fmt.Sprint(fault),
					"stack",
					string(debug.Stack()),
					"requestId",
					reply.RequestID(r.Context()),
				)
				if !guarded.begun {
					reply.WriteProblem(guarded, problem.New(problem.Internal, ""))
				}
			}
		}()
		if p := CheckHead(r); p != nil {
			reply.WriteProblem(guarded, p)
			return
		}
		if _, pattern := k.mux.Handler(r); pattern != "" {
			k.mux.ServeHTTP(guarded, asking(r))
			return
		}
		if k.otherwise != nil {
			k.otherwise.ServeHTTP(guarded, r)
			return
		}
		reply.WriteProblem(guarded, k.unrouted(r))
	})
}

// unrouted tells a wrong method from an unknown path.
func (k *Router) unrouted(r *http.Request) *problem.Problem {
	var allowed []string
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	for _, method := range methods {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := k.mux.Handler(other); pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return problem.New(problem.NotFound, "There is nothing at this path.")
	}
	p := problem.New(problem.MethodNotAllowed, "This path answers "+strings.Join(allowed, ", ")+".")
	p.Allow = strings.Join(allowed, ", ")
	return p
}

// guard remembers whether an answer has begun.
type guard struct {
	http.ResponseWriter
	begun bool
}

func (g *guard) WriteHeader(status int) {
	g.begun = true
	g.ResponseWriter.WriteHeader(status)
}

func (g *guard) Write(b []byte) (int, error) {
	g.begun = true
	return g.ResponseWriter.Write(b) //nolint:wrapcheck // a ResponseWriter's own error
}

// Unwrap lets http.ResponseController reach the server's writer.
func (g *guard) Unwrap() http.ResponseWriter { return g.ResponseWriter }

// Account is the part of an input that names the account.
type Account struct {
	Account string `path:"account" doc:"The account's id."`
}

// Resource is the part of an input that names one thing of the account. Inputs embed it as it is:
// huma does not look into an embedded struct that is not exported, and would read none of its
// parameters.
type Resource struct {
	Account
	ID string `path:"id"`
}

// Paging is the part of a list's input that asks for a page.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Items in a page."`
	Cursor string `query:"cursor" maxLength:"4096" doc:"nextCursor of the page before."`
}

// List is the body of every list.
type List[T any] struct {
	Items      []T    `json:"items" nullable:"false"`
	NextCursor string `json:"nextCursor,omitempty" doc:"Asks for the next page; absent on the last one."`
}

// Listed is the output of a list.
type Listed[T any] struct {
	Body List[T]
}

// Page makes a list's output; nil items become an empty list.
func Page[T any](items []T, next string) *Listed[T] {
	if items == nil {
		items = []T{}
	}
	return &Listed[T]{Body: List[T]{Items: items, NextCursor: next}}
}

// Tagged is the output of a single resource with its entity tag.
type Tagged[T any] struct {
	Status   int
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     T
}

// Tell is the output of a thing as it is stored.
func Tell[T any](s call.Stored[T]) *Tagged[T] {
	out := &Tagged[T]{Status: http.StatusOK, ETag: call.Tag(s.Version), Body: s.Value}
	if s.Created {
		out.Status = http.StatusCreated
	}
	return out
}

// Plain is an output with only a body.
type Plain[T any] struct {
	Status int
	Body   T
}

// ValidID says whether docs/contract.md allows the string as an id that a caller chooses.
func ValidID(id string) bool { return auth.ValidID(id) }

// CheckUserID is a validation problem for the field unless the id may be a user's.
func CheckUserID(field, id string) error {
	if auth.ValidUserID(id) {
		return nil
	}
	return problem.Invalid(field, problem.BadFormat, "must be %s", auth.UserIDRule)
}

// CheckID is a validation problem for the field unless the id is one that docs/contract.md allows.
func CheckID(field, id string) error {
	if ValidID(id) {
		return nil
	}
	return problem.Invalid(
		field,
		problem.BadFormat,
		"must be 1 to 64 letters, digits and . _ @ + -, beginning with a letter or digit",
	)
}
