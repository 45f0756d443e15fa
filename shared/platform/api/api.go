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

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

// maxKey is the longest Idempotency-Key in bytes (docs/contract.md).
const maxKey = 255

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

// Router holds the operations of one function.
type Router struct {
	env   *app.Env
	mux   *http.ServeMux
	api   huma.API
	known sync.Map // account id to struct{}: accounts are never deleted

	otherwise http.Handler // nil but for the function that answers what no route takes
}

// Otherwise has the handler answer what none of its operations takes.
func (k *Router) Otherwise(h http.Handler) { k.otherwise = h }

// New makes an empty router.
func New(env *app.Env) *Router {
	config := huma.DefaultConfig("Seatwise", env.Version)
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
	return &Router{env: env, mux: mux, api: humago.New(mux, config)}
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
func (k *Router) OpenAPI() *huma.OpenAPI { return k.api.OpenAPI() }

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
	_, hasBody := reflect.TypeFor[I]().FieldByName("Body")
	body := newReader(op, hasBody)
	h := huma.Operation{
		OperationID:     op.ID,
		Method:          op.Method,
		Path:            op.Path,
		Summary:         op.Summary,
		Tags:            []string{op.Tag},
		DefaultStatus:   op.Status,
		MaxBodyBytes:    body.limit + 1,
		BodyReadTimeout: -1,
		Errors:          declared(op),
		Responses:       map[string]*huma.Response{},
	}
	if !op.Public {
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
		if op.Nowhere {
			h.Description += " An operator (accounts.manage) reads with - in the place of the account what belongs to no account," +
				" such as a dropped file whose key names none."
		}
	}
	switch op.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		h.Parameters = append(h.Parameters, &huma.Param{
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
	switch op.Method {
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		h.Parameters = append(h.Parameters, &huma.Param{
			Name:        "If-Match",
			In:          "header",
			Description: "The entity tag that the resource must have; 412 when it has another.",
			Schema:      &huma.Schema{Type: huma.TypeString},
		})
	}
	if op.Method == http.MethodPut {
		h.Parameters = append(h.Parameters, &huma.Param{
			Name:        "If-None-Match",
			In:          "header",
			Description: "With * the resource must not be there yet; 412 when it is.",
			Schema:      &huma.Schema{Type: huma.TypeString},
		})
	}
	lists := queryLists[I]()
	var sent *huma.Schema // of the body
	h.Middlewares = huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		c, err := k.admit(ctx, op, body)
		if url := ctx.URL(); err == nil {
			err = once(url.Query(), lists)
		}
		if err != nil {
			k.refuse(ctx, op.during(err))
			return
		}
		if err := judged(ctx, k, c, sent, h.MaxBodyBytes, op.Rules, handler); err != nil {
			k.refuse(ctx, op.during(err))
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
		out, err := handler(ctx, c, in)
		if err != nil {
			return nil, k.answer(ctx, op.during(c.Failed(ctx, err)))
		}
		return out, nil
	})
	if registered := k.api.OpenAPI().Paths[op.Path].Post; op.Method == http.MethodPost &&
		registered.RequestBody != nil {
		sent = registered.RequestBody.Content["application/json"].Schema
	}
	if len(op.Files) > 0 {
		// huma describes bytes as JSON or application/octet-stream.
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
		h.Responses["200"].Content = content
	}
	if op.Makes {
		made := *h.Responses["200"]
		made.Description = http.StatusText(http.StatusCreated)
		h.Responses["201"] = &made
	}
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
	codes := []int{400, 401, 403, 404, 422, 431, 500, 503}
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
	switch op.Method {
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		codes = append(codes, 412)
	}
	return codes
}

// admit checks who calls, and makes the call.
func (k *Router) admit(ctx huma.Context, op Operation, body reader) (*call.Call, error) {
	account := ctx.Param("account")
	c := &call.Call{
		Env:       k.env,
		Account:   account,
		At:        k.env.Clock().UTC(),
		RequestID: RequestID(ctx.Context()),
		Reason:    "request",
	}
	if op.Public {
		return c, nil
	}
	principal, ok := auth.From(ctx.Context())
	if !ok {
		return nil, auth.Refused(auth.Refusal(ctx.Context()))
	}
	if err := auth.Allowed(principal, account, op.Permissions...); err != nil {
		return nil, err
	}
	c.Actor, c.Operator = principal.User, principal.Operator()
	nowhere := op.Nowhere && account == call.Nowhere && principal.Operator()
	if account != "" && !op.Creates && !nowhere {
		if err := k.exists(ctx.Context(), c, op.Loads); err != nil {
			return nil, err
		}
	}
	c.IfMatch = ctx.Header("If-Match")
	if op.Method == http.MethodPut {
		c.IfNoneMatch = ctx.Header("If-None-Match")
	}
	if op.Method == http.MethodGet {
		return c, nil
	}
	sent, err := body.read(ctx)
	if err != nil {
		return nil, err
	}
	switch op.Method {
	case http.MethodPost:
		return c, repeatable(ctx, c, sent)
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		if !ValidID(account) { // it is no account's, and no key of ours
			return c, nil
		}
		if err := repeatable(ctx, c, sent); err != nil || !c.Repeatable() {
			return c, err
		}
		// A second click on Save is the first answer: whatever the first one changed, the version
		// that it demands among it, is not looked at again.
		return c, c.Begin(ctx.Context())
	}
	return c, nil
}

// exists demands that the account is there: at once, or, of an operation that loads, with the
// call's first Lookup.
//
// Errors: not-found.
func (k *Router) exists(ctx context.Context, c *call.Call, loads bool) error {
	if _, ok := k.known.Load(c.Account); ok {
		return nil
	}
	// An id that no account can have is as unknown as any other.
	if !ValidID(c.Account) {
		return problem.NoAccount()
	}
	c.Unseen(func() { k.known.Store(c.Account, struct{}{}) })
	if loads {
		return nil
	}
	return c.Begin(ctx)
}

// repeatable reads the Idempotency-Key; the body is part of what must be the same in a repetition.
func repeatable(ctx huma.Context, c *call.Call, body []byte) error {
	r, _ := humago.Unwrap(ctx)
	values, given := r.Header["Idempotency-Key"]
	if !given {
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
	c.WithKey(name, []byte(r.Method), []byte(r.URL.EscapedPath()), []byte(r.URL.RawQuery), body)
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
					RequestID(r.Context()),
				)
				if !guarded.begun {
					WriteProblem(guarded, problem.New(problem.Internal, ""))
				}
			}
		}()
		if p := CheckHead(r); p != nil {
			WriteProblem(guarded, p)
			return
		}
		if _, pattern := k.mux.Handler(r); pattern != "" {
			k.mux.ServeHTTP(guarded, r)
			return
		}
		if k.otherwise != nil {
			k.otherwise.ServeHTTP(guarded, r)
			return
		}
		WriteProblem(guarded, k.unrouted(r))
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

// RetryAfter is what a too-busy answer asks a client to wait.
const RetryAfter = 1 * time.Second
