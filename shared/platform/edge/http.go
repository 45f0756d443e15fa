package edge

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/textproto"
	"net/url"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/origin"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/reply"
)

// maxAnswer is how many bytes the answer of a synchronous invocation may have (Lambda's quota of 6
// MB).
const maxAnswer = 6 << 20

// request is the part of an HTTP API event of payload version 2.0 that is used. Other path
// parameters and the parsed query are left alone: the gateway has already decoded them, and some of
// it cannot be undone.
type request struct {
	Version        string            `json:"version"`
	RouteKey       string            `json:"routeKey"`
	RawPath        string            `json:"rawPath"`
	RawQueryString string            `json:"rawQueryString"`
	Cookies        []string          `json:"cookies"`
	Headers        map[string]string `json:"headers"`
	// PathParameters are decoded by the gateway. Only {proxy+} is used, to tell where the base path
	// ends.
	PathParameters map[string]string `json:"pathParameters"`
	Context        struct {
		RequestID  string `json:"requestId"`
		DomainName string `json:"domainName"`
		HTTP       struct {
			Method   string `json:"method"`
			SourceIP string `json:"sourceIp"`
		} `json:"http"`
		Authorizer struct {
			JWT struct {
				Claims map[string]any `json:"claims"`
			} `json:"jwt"`
		} `json:"authorizer"`
	} `json:"requestContext"`
	Body            string `json:"body"`
	IsBase64Encoded bool   `json:"isBase64Encoded"`
}

// answer is a response of payload version 2.0. It has no multi-value headers: several values are
// joined, and cookies go apart.
type answer struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers,omitempty"`
	Cookies         []string          `json:"cookies,omitempty"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

func parseRequest(payload []byte) (*request, bool) {
	var r request
	if err := json.Unmarshal(payload, &r); err != nil {
		return nil, false
	}
	return &r, r.Version == "2.0" && r.Context.HTTP.Method != ""
}

// serve answers an HTTP event; the status is for the metrics.
func (e *Edge) serve(ctx context.Context, r *request) ([]byte, int, error) {
	w := newWriter()
	if httpRequest, err := newRequest(ctx, r, e.o.UserClaim); err != nil {
		reply.WriteProblem(w, unreadable(err))
	} else {
		e.guarded(w, httpRequest)
	}
	encoded, err := w.encode(r.Context.HTTP.Method)
	if err == nil && len(encoded) > maxAnswer {
		e.o.Log.ErrorContext(ctx, "answer too large", "bytes", len(encoded))
		w = newWriter()
		reply.WriteProblem(w, problem.New(problem.Internal, ""))
		encoded, err = w.encode(r.Context.HTTP.Method)
	}
	return encoded, w.status, err
}

// guarded serves the request and turns a panic into an internal problem, in place of whatever had
// been written until then.
func (e *Edge) guarded(w *writer, r *http.Request) {
	defer func() {
		if fault := recover(); fault != nil {
			e.o.Log.ErrorContext(r.Context(), "panic", "fault", fmt.Sprint(fault), "stack", string(debug.Stack()))
			*w = *newWriter()
			reply.WriteProblem(w, problem.New(problem.Internal, ""))
		}
	}()
	e.fn.HTTP.ServeHTTP(w, r)
	// What an answer names of ours lies below the base path too.
	base, _ := r.Context().Value(baseKey{}).(string)
	if location := w.sent.Get("Location"); base != "" && strings.HasPrefix(location, "/v1/") {
		w.sent.Set("Location", base+location)
	}
}

// newRequest makes the request that net/http would have made of the client's bytes.
func newRequest(ctx context.Context, r *request, userClaim string) (*http.Request, error) {
	body := []byte(r.Body)
	if r.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(r.Body); err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
	}
	if !validMethod(r.Context.HTTP.Method) {
		return nil, errors.New("the method is no token")
	}
	header := make(http.Header, len(r.Headers)+1)
	for name, value := range r.Headers {
		// Values that came on several lines are joined with commas and stay so: only some fields
		// may be taken apart again, and their readers do.
		header[textproto.CanonicalMIMEHeaderKey(name)] = []string{value}
	}
	if len(r.Cookies) > 0 {
		header["Cookie"] = []string{strings.Join(r.Cookies, "; ")}
	}
	host := header.Get("Host")
	if host == "" {
		host = r.Context.DomainName
	}
	delete(header, "Host")
	base, path := splitBase(r.RouteKey, r.RawPath, r.PathParameters["proxy"])
	ctx = context.WithValue(ctx, baseKey{}, base)
	ctx = origin.With(ctx, origin.Origin{URL: "https://" + r.Context.DomainName, Base: base})
	target, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	target.RawQuery = r.RawQueryString
	if principal, err := auth.ParseClaimsOf(r.Context.Authorizer.JWT.Claims, userClaim); err == nil {
		ctx = auth.With(ctx, principal)
	} else {
		ctx = auth.WithRefusal(ctx, err)
	}
	httpRequest := &http.Request{
		Method:        r.Context.HTTP.Method,
		URL:           target,
		RequestURI:    target.RequestURI(),
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		Host:          host,
		RemoteAddr:    r.Context.HTTP.SourceIP + ":0",
		ContentLength: int64(len(body)),
		Body:          http.NoBody,
	}
	if len(body) > 0 {
		httpRequest.Body = io.NopCloser(bytes.NewReader(body))
	}
	return httpRequest.WithContext(ctx), nil
}

type baseKey struct{}

// splitBase takes the base path of a custom domain, or the name of a stage, from a path: the
// gateway has matched the route without it, and hands the path on with it. The route says how many
// segments are its own. A path that does not end in the route's segments is left as it is. A route
// that ends in {proxy+} takes any number, so the gateway's own {proxy+} says which they are.
func splitBase(routeKey, raw, proxy string) (base, path string) {
	_, route, ok := strings.Cut(routeKey, " ")
	if !ok || !strings.HasPrefix(route, "/") {
		return "", raw
	}
	if fixed, greedy := strings.CutSuffix(route, "{proxy+}"); greedy {
		return splitGreedy(fixed, raw, proxy)
	}
	if route == "/" {
		return strings.TrimSuffix(raw, "/"), "/"
	}
	want, got := strings.Split(route, "/")[1:], strings.Split(strings.TrimPrefix(raw, "/"), "/")
	n := len(got) - len(want)
	if n <= 0 {
		return "", raw
	}
	for i, segment := range want {
		if !strings.HasPrefix(segment, "{") && got[n+i] != segment {
			return "", raw
		}
	}
	return "/" + strings.Join(got[:n], "/"), "/" + strings.Join(got[n:], "/")
}

// splitGreedy is splitBase of a route that is some fixed segments and then anything.
func splitGreedy(fixed, raw, proxy string) (base, path string) {
	for from := 0; ; from++ {
		i := strings.Index(raw[from:], fixed)
		if i < 0 {
			return "", raw
		}
		from += i
		rest, err := url.PathUnescape(raw[from+len(fixed):])
		if err == nil &&
			strings.TrimSuffix(rest, "/") == strings.TrimSuffix(proxy, "/") {
			return raw[:from], raw[from:]
		}
	}
}

// errPath is wrapped when the path has a bad escape.
var errPath = errors.New("path")

// unreadable is the problem of a request that cannot be made of its event.
func unreadable(err error) *problem.Problem {
	if errors.Is(err, errPath) {
		return reply.BadPath()
	}
	return problem.New(problem.MalformedBody, "The request cannot be read.")
}

// parsePath takes the path as the client sent it. A % that begins no escape is refused, as on one
// machine: no id and no route has one, so it can name nothing.
func parsePath(raw string) (*url.URL, error) {
	if raw == "" {
		raw = "/"
	}
	path, err := url.PathUnescape(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPath, err)
	}
	// RawPath counts only where it is a valid encoding of Path; net/url sees to that.
	return &url.URL{Path: path, RawPath: raw}, nil
}

func validMethod(method string) bool {
	return method != "" && strings.IndexFunc(method, func(c rune) bool { return c < 'A' || c > 'Z' }) < 0
}

// writer collects an answer under the rules of net/http: the first WriteHeader or Write fixes
// status and header.
type writer struct {
	header, sent http.Header
	status       int
	body         bytes.Buffer
}

func newWriter() *writer { return &writer{header: http.Header{}} }

func (w *writer) Header() http.Header { return w.header }

func (w *writer) WriteHeader(status int) {
	if w.sent != nil || status >= 100 && status < 200 { // the gateway has no way for informational answers
		return
	}
	w.status, w.sent = status, w.header.Clone()
}

func (w *writer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if !bodyAllowed(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	return w.body.Write(b)
}

func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// encode makes the gateway's answer of what was written.
func (w *writer) encode(method string) ([]byte, error) {
	w.WriteHeader(http.StatusOK)
	body := w.body.Bytes()
	if method == http.MethodHead {
		body = nil
	}
	a := answer{StatusCode: w.status, Headers: make(map[string]string, len(w.sent)), Cookies: w.sent["Set-Cookie"]}
	for name, values := range w.sent {
		switch name {
		case "Set-Cookie", "Content-Length", "Connection", "Transfer-Encoding", "Trailer":
			// the first goes apart, the others are the gateway's own
		default:
			a.Headers[name] = strings.Join(values, ", ")
		}
	}
	if len(body) > 0 {
		if _, given := w.sent["Content-Type"]; !given {
			a.Headers["Content-Type"] = http.DetectContentType(body)
		}
		if textual(a.Headers["Content-Type"], a.Headers["Content-Encoding"]) && utf8.Valid(body) {
			a.Body = string(body)
		} else {
			a.Body, a.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
		}
	}
	encoded, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return encoded, nil
}

// textual says whether a body of this type can travel as a JSON string. In doubt it goes as base64,
// which is always right and a third longer.
func textual(contentType, contentEncoding string) bool {
	if contentEncoding != "" && contentEncoding != "identity" {
		return false
	}
	media, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	if charset := strings.ToLower(parameters["charset"]); charset != "" && charset != "utf-8" && charset != "us-ascii" {
		return false
	}
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml") ||
		media == "application/json" || media == "application/xml"
}
