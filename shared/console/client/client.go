// Package client is the console's client of the HTTP API: types and methods are generated from
// openapi.yaml, and the way to the API is one http.RoundTripper, over HTTPS in AWS and into the
// runner's own handler on one machine.
package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"
)

// mostAnswer bounds what is read of an answer, in bytes: Lambda sends no more.
const mostAnswer = 6 << 20

// Client calls the API as one person, in one account.
type Client struct {
	// Transport is the way to the API.
	Transport http.RoundTripper
	// Base is the address that the paths are put behind, without a slash at its end.
	Base string
	// Token is the person's access token. It goes into the Authorization header and nowhere else.
	Token string
	// Account stands in the paths.
	Account string

	calls atomic.Int64
}

// In is the same person in another account.
func (c *Client) In(account string) *Client {
	return &Client{Transport: c.Transport, Base: c.Base, Token: c.Token, Account: account}
}

// Calls is how many requests were sent so far.
func (c *Client) Calls() int64 { return c.calls.Load() }

// Change says how a request that changes something may be repeated, and what it was made from.
type Change struct {
	// Key is the Idempotency-Key: the same key and body have one effect and one answer.
	Key string
	// PerContent completes the key with a digest of what is sent: the same content has one effect and one
	// answer, and other content under the same key is another request.
	PerContent bool
	// Version is the ETag that the resource must have (If-Match); empty for any.
	Version string
	// New demands that the resource is not there yet (If-None-Match: *).
	New bool
	// Plan is that of a dry run of the same request (If-Plan), to whose effects it is held; empty for
	// whatever the effects are.
	Plan string
	// Dry asks what would happen, and changes nothing: the answer is in Foretold.
	Dry bool
}

// Answer is a successful answer.
type Answer[T any] struct {
	Body T
	Told
}

// Told is what an answer says beside its body.
type Told struct {
	Status   int
	ETag     string
	Location string
	// Replayed says that it is the stored answer to a repeated key.
	Replayed bool
	// Foretold is the answer to a dry run, in the place of the body.
	Foretold DryRun
	// Later is the id of the deferred request that tells it, where a dry run takes longer than a request may.
	Later string
}

// Nothing is the body of an answer that has none.
type Nothing struct{}

// File is an answer that is a file.
type File struct {
	ContentType string
	// Name is what Content-Disposition calls it; empty if it does not.
	Name string
	Data []byte
}

// Null is a value of a request that may be left out (the zero Null), be null, or be a value.
type Null[T any] struct {
	set   bool
	value *T
}

// Set is a value.
func Set[T any](v T) Null[T] { return Null[T]{set: true, value: &v} }

// Clear is null.
func Clear[T any]() Null[T] { return Null[T]{set: true} }

// IsZero says whether it is left out.
func (n Null[T]) IsZero() bool { return !n.set }

// MarshalJSON implements json.Marshaler.
func (n Null[T]) MarshalJSON() ([]byte, error) { return json.Marshal(n.value) }

// Error is an answer that is no success: a problem of the API, or what the gateway itself says.
type Error struct {
	Problem
	Status int
	// RetryAfter is when to try again; 0 if nobody said.
	RetryAfter time.Duration
	// Later is the id of the deferred request that carries it out; empty but for a 202 that says so.
	Later string
}

// Slug is the last part of the problem's type, such as not-enough-licenses; empty if it has none.
func (e *Error) Slug() string {
	_, slug, _ := strings.Cut(e.Type, "urn:seatwise:problem:")
	return slug
}

func (e *Error) Error() string {
	return fmt.Sprintf("the API answered %d %s", e.Status, e.Slug())
}

// As finds the API's error in an error; nil when it is another one.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// Is says whether an error is a problem of the API with this slug.
func Is(err error, slug string) bool {
	e := As(err)
	return e != nil && e.Slug() == slug
}

type request struct {
	method, path string
	query        url.Values
	accept       string
	body         any
	change       Change
}

// The waits before a request is sent again whose twin is still being carried out: a double click.
const (
	firstPause = 50 * time.Millisecond
	mostPauses = 7 // 6 seconds in all
)

// send sends a request whose answer has a body of a type. What is the same for every type is not
// in here, since the compiler makes it once for each.
func send[T any](ctx context.Context, c *Client, in request) (out Answer[T], err error) {
	out.Told, err = c.send(ctx, in, &out.Body)
	return out, err
}

// send sends a request, and again while the same one is just being carried out, so that whoever
// clicked twice sees the one answer. Its body goes to where the pointer leads.
func (c *Client) send(ctx context.Context, in request, body any) (Told, error) {
	pause := firstPause
	for i := 0; ; i++ {
		out, err := c.sendOnce(ctx, in, body)
		if i == mostPauses || !Is(err, "idempotency-in-progress") {
			return out, err
		}
		//nolint:forbidigo // it waits for the twin that is being carried out in the API, bounded by the context
		waiting := time.NewTimer(pause)
		select {
		case <-waiting.C:
			pause *= 2
		case <-ctx.Done():
			waiting.Stop()
			return out, err
		}
	}
}

// keyOf is the key of a change with a path and a body.
func (c Change) keyOf(path string, body []byte) string {
	if !c.PerContent {
		return c.Key
	}
	sum := sha256.New()
	for _, part := range []string{c.Key, path, c.Version, string(body)} {
		_, _ = fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// made is the request as it is sent.
func (c *Client) made(ctx context.Context, in request) (*http.Request, error) {
	var content io.Reader
	var encoded []byte
	if in.body != nil {
		var err error
		if encoded, err = json.Marshal(in.body); err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		content = bytes.NewReader(encoded)
	}
	target := c.Base + in.path
	if in.change.Dry {
		if in.query == nil {
			in.query = url.Values{}
		}
		in.query.Set("dryRun", "true")
	}
	if len(in.query) > 0 {
		target += "?" + in.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, in.method, target, content)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	if in.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if in.accept != "" {
		r.Header.Set("Accept", in.accept)
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if in.change.Key != "" {
		r.Header.Set("Idempotency-Key", in.change.keyOf(in.path, encoded))
	}
	if in.change.Version != "" {
		r.Header.Set("If-Match", in.change.Version)
	}
	if in.change.Plan != "" {
		r.Header.Set("If-Plan", in.change.Plan)
	}
	if in.change.New {
		r.Header.Set("If-None-Match", "*")
	}
	return r, nil
}

func (c *Client) sendOnce(ctx context.Context, in request, into any) (Told, error) {
	var out Told
	r, err := c.made(ctx, in)
	if err != nil {
		return out, err
	}
	c.calls.Add(1)
	response, err := c.Transport.RoundTrip(r)
	if err != nil {
		return out, fmt.Errorf("%s %s: %w", in.method, "the API", err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer+1))
	if err != nil {
		return out, fmt.Errorf("read the API's answer: %w", err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return out, failure(response, data)
	}
	out.Status = response.StatusCode
	out.ETag, out.Location = response.Header.Get("Etag"), response.Header.Get("Location")
	out.Replayed = response.Header.Get("Idempotent-Replayed") == "true"
	if in.change.Dry {
		var deferred Deferred
		told := any(&out.Foretold)
		if out.Status == http.StatusAccepted {
			told = &deferred
		}
		if err := json.Unmarshal(data, told); err != nil {
			return out, fmt.Errorf("read the API's answer: %w", err)
		}
		out.Later = deferred.ID
		return out, nil
	}
	if out.Status == http.StatusAccepted && in.change.Plan != "" && strings.Contains(out.Location, "/deferred/") {
		return out, &Error{Status: out.Status, Later: out.Location[strings.LastIndexByte(out.Location, '/')+1:]}
	}
	switch body := into.(type) {
	case *Nothing:
	case *File:
		_, parameters, _ := mime.ParseMediaType(response.Header.Get("Content-Disposition")) // a name is a convenience
		*body = File{ContentType: response.Header.Get("Content-Type"), Name: parameters["filename"], Data: data}
	default:
		// In half of the time of encoding/json, which is much of what a page adds to its calls.
		if err := jsonv2.Unmarshal(data, into); err != nil {
			return out, fmt.Errorf("read the API's answer: %w", err)
		}
	}
	return out, nil
}

// failure reads a problem, or makes one of an answer that is none: the gateway's own 401, 403, 413,
// 429 and 5xx.
func failure(response *http.Response, data []byte) *Error {
	e := &Error{Status: response.StatusCode}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/problem+json") &&
		json.Unmarshal(data, &e.Problem) == nil &&
		e.Type != "" {
		return e
	}
	slug := map[int]string{
		http.StatusUnauthorized: "unauthorized", http.StatusForbidden: "forbidden", http.StatusNotFound: "not-found",
		http.StatusRequestEntityTooLarge: "payload-too-large",
		http.StatusTooManyRequests:       "rate-limited", http.StatusServiceUnavailable: "too-busy",
	}[response.StatusCode]
	if slug == "" {
		slug = "internal"
	}
	e.Problem = Problem{
		Type:   "urn:seatwise:problem:" + slug,
		Title:  http.StatusText(response.StatusCode),
		Status: int64(response.StatusCode),
	}
	return e
}

// Round makes calls side by side and waits for all of them. The first error cuts the others off.
func Round(ctx context.Context, calls ...func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, one := range calls {
		group.Go(func() error { return one(ctx) })
	}
	return group.Wait()
}

// Into is a call whose answer is put there.
func Into[T any](there *Answer[T], one func(context.Context) (Answer[T], error)) func(context.Context) error {
	return func(ctx context.Context) (err error) {
		*there, err = one(ctx)
		return err
	}
}

// IfThere is a call for what there may be none of: then nothing is put anywhere, and that is no error.
func IfThere(one func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := one(ctx); !Is(err, "not-found") {
			return err
		}
		return nil
	}
}

// IfAllowed is a call that a person may lack the permission for: then nothing is put anywhere, and
// that is no error.
func IfAllowed(one func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := one(ctx); err != nil && !Is(err, "forbidden") {
			return err
		}
		return nil
	}
}

func put(v url.Values, name string, values ...string) {
	for _, one := range values {
		if one != "" {
			v.Add(name, one)
		}
	}
}

func putInt(v url.Values, name string, n int64) {
	if n != 0 {
		v.Set(name, strconv.FormatInt(n, 10))
	}
}

func putBool(v url.Values, name string, yes bool) {
	if yes {
		v.Set(name, "true")
	}
}
