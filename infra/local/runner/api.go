package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"

	"seatwise/infra/local/provider"
	"seatwise/infra/local/queue"
	"seatwise/infra/local/token"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/origin"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/reply"
)

const (
	// maxRequest is the largest request body in bytes: an HTTP API hands no more on to Lambda. The
	// functions' own limit is lower.
	maxRequest = 6 << 20
	// maxAsync is the largest payload in bytes of an asynchronous invocation.
	maxAsync = 1 << 20
	// maxTokenRequest bounds the body of POST /local/token in bytes.
	maxTokenRequest = 64 << 10
	// patience is how long a request waits for its turn before it is told too-busy.
	patience = 2 * time.Second
)

// handler is everything that the API's address serves.
func (r *runner) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/local/token", only(http.MethodPost, r.serveToken))
	if r.config.MoveClock != nil {
		mux.HandleFunc("/local/clock", only(http.MethodPost, r.serveClock))
	}
	mux.HandleFunc("/local/failed-events", only(http.MethodGet, r.serveFailed))
	mux.HandleFunc("/local/commits", only(http.MethodGet, r.serveCommits))
	mux.HandleFunc("/.well-known/jwks.json", only(http.MethodGet, r.authority.ServeKeys))
	mux.HandleFunc("/2015-03-31/functions/{function}/invocations", only(http.MethodPost, r.serveInvoke))
	mux.HandleFunc("/local/{$}", only(http.MethodGet, r.serveWelcome))
	r.provider.Routes(mux)
	mux.Handle("/openapi.yaml", http.RedirectHandler("/v1/openapi.yaml", http.StatusFound))
	mux.Handle("/openapi.json", http.RedirectHandler("/v1/openapi.json", http.StatusFound))
	return r.logged(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.ContentLength > maxRequest {
			reply.WriteProblem(w, api.TooLarge(api.LargestBody))
			return
		}
		// A ServeMux would answer a path with doubled slashes or dots by a redirection; API Gateway
		// knows no such thing.
		serve := mux.ServeHTTP
		if _, pattern := mux.Handler(request); pattern == "" {
			var ok bool
			if serve, ok = r.route(w, request); !ok {
				return // and nothing of the body was read
			}
		}
		body := http.MaxBytesReader(w, request.Body, maxRequest)
		request.Body = readAhead{Reader: ahead(body), Closer: body}
		release, ok := r.turn(request.Context())
		if !ok {
			reply.WriteProblem(w, problem.New(problem.TooBusy, "Too many requests are running at once; try again."))
			return
		}
		defer release()
		serve(w, request)
	}))
}

// provider makes the OpenID provider of this machine.
func (r *runner) openProvider() (err error) {
	r.provider, err = provider.New(provider.Options{
		Issuer: r.address, Authority: r.authority, State: r.state, Clock: r.env.Clock, IDs: r.env.IDs, Log: r.env.Log,
		Propose: r.config.Propose,
		Permissions: func(field string) ([]auth.Permission, string) {
			raw, err := json.Marshal(field)
			if err != nil {
				return nil, err.Error()
			}
			permissions, faults := parsePermissions(raw)
			if len(faults) > 0 {
				return nil, faults[0].Message
			}
			return permissions, ""
		},
	})
	return err
}

// inProcess sends the console's requests into the handlers of this very process. They take no turn
// of their own: the page that they are for has one, and would wait for itself.
type inProcess struct{ r *runner }

// RoundTrip implements http.RoundTripper.
func (p inProcess) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := reply.WithRequestID(request.Context(), p.r.env.IDs.Random())
	inner := request.Clone(ctx)
	inner.RequestURI = request.URL.RequestURI()
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	defer inner.Body.Close()
	answer := &recorded{header: http.Header{}}
	if serve, ok := p.r.route(answer, inner); ok {
		serve(answer, inner)
	}
	return answer.response(request), nil
}

// intoHandler sends requests into a handler.
type intoHandler struct{ http.Handler }

// RoundTrip implements http.RoundTripper.
func (h intoHandler) RoundTrip(request *http.Request) (*http.Response, error) {
	inner := request.Clone(request.Context())
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	defer inner.Body.Close()
	answer := &recorded{header: http.Header{}}
	h.ServeHTTP(answer, inner)
	return answer.response(request), nil
}

// recorded is an answer that stays in memory.
type recorded struct {
	header, sent http.Header
	status       int
	body         bytes.Buffer
}

func (a *recorded) Header() http.Header { return a.header }

func (a *recorded) WriteHeader(status int) {
	if a.sent == nil && status >= http.StatusOK {
		a.status, a.sent = status, a.header.Clone()
	}
}

func (a *recorded) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

func (a *recorded) response(request *http.Request) *http.Response {
	a.WriteHeader(http.StatusOK)
	return &http.Response{
		Status:        http.StatusText(a.status),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        a.sent,
		Request:       request,
		Body:          io.NopCloser(&a.body),
		ContentLength: int64(a.body.Len()),
	}
}

// logged gives each request an id, and leaves a line of it. Bodies and queries, which may hold
// names, are not in it.
func (r *runner) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		id := r.env.IDs.Random()
		w.Header().Set("X-Request-Id", id)
		ctx := origin.With(reply.WithRequestID(request.Context(), id), origin.Origin{URL: r.address})
		if !r.env.Log.Enabled(ctx, slog.LevelInfo) {
			next.ServeHTTP(w, request.WithContext(ctx))
			return
		}
		began := r.env.Clock()
		answer := &watched{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, request.WithContext(ctx))
		r.env.Log.LogAttrs(
			ctx,
			slog.LevelInfo,
			"request",
			slog.String("method", request.Method),
			slog.String("path", request.URL.Path),
			slog.Int("status", answer.status),
			slog.Int64("ms", r.env.Clock().Sub(began).Milliseconds()),
			slog.String("requestId", id),
		)
	})
}

// watched remembers the status of an answer.
type watched struct {
	http.ResponseWriter
	status int
}

func (w *watched) WriteHeader(status int) {
	if status >= http.StatusOK { // the earlier ones are no answers yet
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// readAhead is a body of which the beginning has been read.
type readAhead struct {
	io.Reader
	io.Closer
}

// ahead reads a body before its request takes its turn: a body that comes slowly, or never comes to
// its end, must not keep others from theirs. API Gateway hands nothing on before it has all of it.
// What goes beyond the functions' own limit is left to whoever takes it.
func ahead(body io.Reader) io.Reader {
	var read bytes.Buffer
	_, err := io.CopyN(&read, body, api.LargestBody+1)
	switch {
	case err == nil:
		return io.MultiReader(&read, body)
	case errors.Is(err, io.EOF):
		return &read
	}
	return io.MultiReader(&read, broken{err})
}

// broken is the rest of a body that could not be read.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// turn waits until fewer than the allowed number of requests run. It fails when that takes too
// long.
func (r *runner) turn(ctx context.Context) (release func(), ok bool) {
	release = func() { <-r.running }
	select {
	case r.running <- struct{}{}:
		return release, true
	default:
	}
	waiting := time.NewTimer(patience)
	defer waiting.Stop()
	select {
	case r.running <- struct{}{}:
		return release, true
	case <-waiting.C:
	case <-ctx.Done():
	}
	return nil, false
}

func only(method string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			notAllowed(w, method)
			return
		}
		next(w, r)
	}
}

func notAllowed(w http.ResponseWriter, allow string) {
	p := problem.New(problem.MethodNotAllowed, "This path answers "+allow+".")
	p.Allow = allow
	reply.WriteProblem(w, p)
}

// route is API Gateway: it finds the route, looks at the token, and answers itself when ok is
// false. Who has no token is told so before anything of the body is read: what strangers send is
// not kept.
func (r *runner) route(w http.ResponseWriter, request *http.Request) (serve http.HandlerFunc, ok bool) {
	if p := api.CheckHead(request); p != nil {
		reply.WriteProblem(w, p)
		return nil, false
	}
	route, allow, ok := r.router.match(request)
	if id := r.template.Default; !ok && request.Method != http.MethodOptions && id != "" {
		return r.functions[id].fn.HTTP.ServeHTTP, true
	}
	if id := r.template.Options; !ok && request.Method == http.MethodOptions && id != "" {
		return r.functions[id].fn.HTTP.ServeHTTP, true
	}
	if !ok {
		if allow != "" {
			notAllowed(w, allow)
			return nil, false
		}
		reply.WriteProblem(w, problem.New(problem.NotFound, "There is nothing at this path."))
		return nil, false
	}
	ctx := request.Context()
	if !route.Open {
		principal, err := r.authority.Check(request.Header.Get("Authorization"))
		if err != nil {
			r.env.Log.DebugContext(ctx, "token refused", "error", err)
			reply.WriteProblem(w, auth.Refused(err))
			return nil, false
		}
		ctx = auth.With(ctx, principal)
	}
	return func(w http.ResponseWriter, request *http.Request) {
		ctx, cancel := context.WithTimeout(ctx, r.template.Functions[route.Function].Timeout)
		defer cancel()
		r.functions[route.Function].fn.HTTP.ServeHTTP(w, request.WithContext(ctx))
	}, true
}

// serveToken issues a token to whoever asks: there is nobody to hide from on one machine.
func (r *runner) serveToken(w http.ResponseWriter, request *http.Request) {
	var in struct {
		Account     string          `json:"account"`
		User        string          `json:"user"`
		Permissions json.RawMessage `json:"permissions"`
		CostCenters []string        `json:"adminOfCostCenters"`
	}
	if p := decodeStrictly(request.Body, &in); p != nil {
		reply.WriteProblem(w, p)
		return
	}
	var faults []problem.Field
	const idRule = "must be 1 to 64 letters, digits and . _ @ + -, beginning with a letter or digit"
	if !auth.ValidID(in.Account) {
		faults = append(faults, problem.Field{Field: "account", Code: problem.BadFormat, Message: idRule})
	}
	if !auth.ValidUserID(in.User) {
		faults = append(
			faults,
			problem.Field{Field: "user", Code: problem.BadFormat, Message: "must be " + auth.UserIDRule},
		)
	}
	permissions, more := parsePermissions(in.Permissions) // nil for those of the user's roles
	if faults = append(faults, more...); len(faults) > 0 {
		reply.WriteProblem(w, problem.Validation(faults...))
		return
	}
	signed, err := r.authority.IssueTo(token.Bearer{
		User: in.User, Account: in.Account, Permissions: permissions, CostCenters: in.CostCenters,
	}, token.Life)
	if err != nil {
		r.env.Log.ErrorContext(request.Context(), "token not issued", "error", err)
		reply.WriteProblem(w, problem.New(problem.Internal, ""))
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK,
		map[string]any{"accessToken": signed, "tokenType": "Bearer", "expiresIn": int(token.Life.Seconds())})
}

// The two words that stand for permissions in POST /local/token (contract, On one machine).
const (
	allPermissions  = "all"   // every one there is
	rolePermissions = "roles" // those of the user's roles: the token says nothing of permissions
)

// parsePermissions takes an array or one string with spaces between, as the claim itself may be, or
// a word that stands for some. It is nil for those of the user's roles. Whoever names none, or one
// that there is not, is told which there are; a token without any is asked for by an empty array.
func parsePermissions(raw json.RawMessage) ([]auth.Permission, []problem.Field) {
	var names []string
	var text string
	known := make([]string, 0, len(auth.Permissions()))
	for _, p := range auth.Permissions() {
		known = append(known, string(p))
	}
	choice := "name some of " + strings.Join(known, ", ") + "; or all; or roles, for those of the user's roles"
	switch {
	case len(raw) > 0 && json.Unmarshal(raw, &names) == nil && names != nil:
	case len(raw) > 0 && json.Unmarshal(raw, &text) == nil && strings.TrimSpace(text) != "":
		names = strings.Fields(text)
	case len(raw) == 0, text == "" && json.Unmarshal(raw, &text) == nil:
		return nil, []problem.Field{{Field: "permissions", Code: problem.Required, Message: choice}}
	default:
		return nil, []problem.Field{
			{
				Field:   "permissions",
				Code:    problem.WrongType,
				Message: "must be an array of strings, or one string with spaces between: " + choice,
			},
		}
	}
	if len(names) == 1 && names[0] == rolePermissions {
		return nil, nil
	}
	if len(names) == 1 && names[0] == allPermissions {
		return auth.Permissions(), nil
	}
	permissions, faults := []auth.Permission{}, []problem.Field(nil)
	for i, name := range names {
		if !auth.Known(auth.Permission(name)) {
			faults = append(
				faults,
				problem.Field{
					Field:   fmt.Sprintf("permissions[%d]", i),
					Code:    problem.NotAllowed,
					Message: "is no permission; " + choice,
				},
			)
			continue
		}
		permissions = append(permissions, auth.Permission(name))
	}
	return permissions, faults
}

// decodeStrictly reads one JSON object without unknown fields.
func decodeStrictly(body io.Reader, into any) *problem.Problem {
	decoder := json.NewDecoder(io.LimitReader(body, maxTokenRequest))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType):
		return problem.Invalid(wrongType.Field, problem.WrongType, "must be of type %s", wrongType.Type)
	case err != nil && strings.HasPrefix(err.Error(), "json: unknown field "):
		return problem.Invalid(strings.Trim(strings.TrimPrefix(err.Error(), "json: unknown field "), `"`),
			problem.UnknownField, "is not a field of this request")
	case err != nil:
		return problem.New(problem.MalformedBody, "The request body is missing or is not JSON.")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return problem.New(problem.MalformedBody, "The request body goes on after the JSON.")
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone if this fails
}

// serveCommits says how many commits were tried since the start, and how many of them lost to
// others and were decided again.
func (r *runner) serveCommits(w http.ResponseWriter, _ *http.Request) {
	tried, lost := r.tally.Read()
	writeJSON(w, http.StatusOK, map[string]int64{"tried": tried, "lost": lost})
}

// serveClock moves the clock.
func (r *runner) serveClock(w http.ResponseWriter, request *http.Request) {
	var in struct {
		To time.Time `json:"to"`
	}
	if p := decodeStrictly(request.Body, &in); p != nil {
		reply.WriteProblem(w, p)
		return
	}
	if err := r.config.MoveClock(in.To); err != nil {
		reply.WriteProblem(
			w,
			problem.Invalid("to", problem.BadFormat,
				"must be later than the clock's time, and no later than the machine's"),
		)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// serveFailed shows the events that failed for good: what is in the dead-letter queue in AWS.
func (r *runner) serveFailed(w http.ResponseWriter, request *http.Request) {
	failed, err := r.queue.Failed()
	if err == nil && r.work != nil {
		var aside []queue.Event
		aside, err = r.work.Failed()
		failed = append(failed, aside...)
	}
	if err != nil {
		r.env.Log.ErrorContext(request.Context(), "failed events not read", "error", err)
		reply.WriteProblem(w, problem.New(problem.Internal, ""))
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"items": failed})
}

// serveInvoke is the Lambda Invoke API.
func (r *runner) serveInvoke(w http.ResponseWriter, request *http.Request) {
	id := functionName(request.PathValue("function"))
	f, ok := r.functions[id]
	if !ok {
		lambdaError(w, http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+id)
		return
	}
	payload, err := io.ReadAll(request.Body)
	if err != nil {
		lambdaError(w, http.StatusRequestEntityTooLarge, "RequestTooLargeException", "The payload has at most 6 MB.")
		return
	}
	if payload = bytes.TrimSpace(payload); len(payload) == 0 {
		payload = []byte("{}")
	}
	if !json.Valid(payload) {
		lambdaError(w, http.StatusBadRequest, "InvalidRequestContentException",
			"Could not parse request body into json.")
		return
	}
	w.Header().Set("X-Amzn-RequestId", reply.RequestID(request.Context()))
	switch kind := request.Header.Get("X-Amz-Invocation-Type"); kind {
	case "DryRun":
		w.WriteHeader(http.StatusNoContent)
	case "Event":
		if len(payload) > maxAsync {
			lambdaError(w, http.StatusRequestEntityTooLarge, "RequestTooLargeException",
				"The payload of an asynchronous invocation has at most 1 MB.")
			return
		}
		if err := r.queue.Add(queue.Event{Function: id, Payload: payload}); err != nil {
			r.env.Log.ErrorContext(request.Context(), "event not taken", "error", err)
			lambdaError(w, http.StatusInternalServerError, "ServiceException", "The event could not be stored.")
			return
		}
		w.WriteHeader(http.StatusAccepted)
	case "", "RequestResponse":
		// The function's own timeout counts here, which may be longer than the server's.
		deadlines := http.NewResponseController(w)
		if err := errors.Join(
			deadlines.SetReadDeadline(time.Time{}),
			deadlines.SetWriteDeadline(time.Time{}),
		); err != nil {
			r.env.Log.WarnContext(request.Context(), "a long invocation will be cut off", "error", err)
		}
		ctx, cancel := context.WithTimeout(request.Context(), r.template.Functions[id].Timeout)
		defer cancel()
		answer, err := f.edge.Invoke(ctx, payload)
		w.Header().Set("X-Amz-Executed-Version", "$LATEST")
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			answer, err = json.Marshal(map[string]string{"errorMessage": err.Error(), "errorType": errorType(err)})
			if err != nil {
				answer = []byte("{}")
			}
		}
		_, _ = w.Write(answer) // the client is gone if this fails
	default:
		lambdaError(w, http.StatusBadRequest, "InvalidParameterValueException",
			"X-Amz-Invocation-Type is RequestResponse, Event or DryRun.")
	}
}

// functionName takes the logical id out of what the Invoke API allows: a name, a partial or whole
// ARN, each with an optional qualifier.
func functionName(s string) string {
	parts := strings.Split(s, ":")
	for i, part := range parts {
		if part == "function" && i+1 < len(parts) {
			return parts[i+1]
		}
	}
	return parts[0]
}

// errorType names an error as the Lambda runtime for Go does.
func errorType(err error) string {
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

func lambdaError(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("X-Amzn-ErrorType", kind)
	writeJSON(w, status, map[string]string{"Type": "User", "Message": message, "message": message})
}
