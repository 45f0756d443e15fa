// Package problem is the one error vocabulary of Seatwise: RFC 9457 problems with the slugs that
// docs/contract.md fixes.
//
// Rules and services return a *Problem for everything a caller can be told; any other error is an
// internal one, and the HTTP edge answers it without its text.
package problem

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Slug names a kind of problem; the HTTP edge renders it as the type "urn:seatwise:problem:<slug>"
// (contract, Conventions).
type Slug string

// The slugs of docs/contract.md.
const (
	ValidationFailed      Slug = "validation"
	MalformedBody         Slug = "malformed-body"
	Unauthorized          Slug = "unauthorized"
	Forbidden             Slug = "forbidden"
	NotFound              Slug = "not-found"
	NotEnoughLicenses     Slug = "not-enough-licenses"
	LicenseInUse          Slug = "license-in-use"
	LicenseNotAvailable   Slug = "license-not-available"
	UserAlreadyLicensed   Slug = "user-already-licensed"
	BaseLicenseRequired   Slug = "base-license-required"
	MutuallyExclusive     Slug = "mutually-exclusive"
	ExtensionInUse        Slug = "extension-in-use"
	NumberInUse           Slug = "number-in-use"
	EmailInUse            Slug = "email-in-use"
	UserInactive          Slug = "user-inactive"
	QuoteExpired          Slug = "quote-expired"
	QuoteStale            Slug = "quote-stale"
	NotAcknowledged       Slug = "not-acknowledged"
	PlanStale             Slug = "plan-stale"
	WrongState            Slug = "wrong-state"
	ReportNotApplicable   Slug = "report-not-applicable"
	WallboardLimit        Slug = "wallboard-limit"
	PreconditionFailed    Slug = "precondition-failed"
	IdempotencyInProgress Slug = "idempotency-in-progress"
	IdempotencyMismatch   Slug = "idempotency-mismatch"
	PayloadTooLarge       Slug = "payload-too-large"
	UnsupportedMediaType  Slug = "unsupported-media-type"
	MethodNotAllowed      Slug = "method-not-allowed"
	ReadOnly              Slug = "read-only"
	HeadersTooLarge       Slug = "headers-too-large"
	TooBusy               Slug = "too-busy"
	RateLimited           Slug = "rate-limited"
	WindowInFuture        Slug = "window-in-future"
	SelfApproval          Slug = "self-approval"
	CostCenterFenced      Slug = "cost-center-fenced"
	CapExceeded           Slug = "cap-exceeded"
	AccountClosed         Slug = "account-closed"
	Internal              Slug = "internal"
)

type kind struct {
	status int
	title  string
}

var kinds = map[Slug]kind{
	ValidationFailed:      {422, "The request is not valid"},
	MalformedBody:         {400, "The request cannot be read"},
	Unauthorized:          {401, "A valid access token is required"},
	Forbidden:             {403, "The token lacks a permission"},
	NotFound:              {404, "There is no such thing"},
	NotEnoughLicenses:     {409, "Not enough licenses are available"},
	LicenseInUse:          {409, "The license is assigned"},
	LicenseNotAvailable:   {409, "The license is not available"},
	UserAlreadyLicensed:   {409, "The user already holds a license of this product"},
	BaseLicenseRequired:   {409, "The product needs another license first"},
	MutuallyExclusive:     {409, "The user holds a product that excludes this one"},
	ExtensionInUse:        {409, "The extension belongs to someone else"},
	NumberInUse:           {409, "The number belongs to another extension"},
	EmailInUse:            {409, "The e-mail address belongs to another user"},
	UserInactive:          {409, "The user is not active"},
	QuoteExpired:          {409, "The quote has expired"},
	QuoteStale:            {409, "The quote no longer fits the cart or the prices"},
	NotAcknowledged:       {422, "The itemized charges must be acknowledged"},
	PlanStale:             {409, "The plan no longer fits"},
	WrongState:            {409, "The state does not allow this"},
	ReportNotApplicable:   {409, "This account has no license report"},
	WallboardLimit:        {409, "The wallboard maximum is reached"},
	PreconditionFailed:    {412, "The resource has changed since"},
	IdempotencyInProgress: {409, "The first request with this key is still running"},
	IdempotencyMismatch:   {422, "The key was used for another request"},
	PayloadTooLarge:       {413, "The request is too large"},
	UnsupportedMediaType:  {415, "The media type is not supported"},
	MethodNotAllowed:      {405, "The method is not allowed"},
	ReadOnly:              {422, "A field that is read only differs"},
	HeadersTooLarge:       {431, "The headers are too large"},
	TooBusy:               {503, "Too many requests at once"},
	RateLimited:           {429, "Too many requests of the account in a minute"},
	WindowInFuture:        {422, "The window has not come yet"},
	SelfApproval:          {403, "Nobody approves a request of their own"},
	CostCenterFenced:      {409, "The cost center keeps its licenses for its own users"},
	CapExceeded:           {409, "The maximum of the billing period is reached"},
	AccountClosed:         {409, "The account is closed"},
	Internal:              {500, "Something went wrong on our side"},
}

// Slugs lists every slug; the order is not fixed.
func Slugs() []Slug {
	all := make([]Slug, 0, len(kinds))
	for slug := range kinds {
		all = append(all, slug)
	}
	return all
}

// Field is one fault of a request: where, what is wrong there, and the same for programs. The
// message repeats no value but an id of the caller's own (requirements, section 10).
type Field struct {
	Field   string `json:"field" doc:"Where the fault is: a body path such as lines[0].quantity, or a parameter's name."`
	Code    Code   `json:"code" doc:"What is wrong, for programs. A code never changes its meaning; more may come."`
	Message string `json:"message" doc:"What is wrong, for people. It goes on from the name of the field."`
}

// Fault makes a Field.
func Fault(field string, code Code, format string, args ...any) Field {
	return Field{Field: field, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Problem is an error that the caller may read.
type Problem struct {
	Slug   Slug
	Detail string
	Fields []Field
	// ProductID, Wanted and Available are set for NotEnoughLicenses, of the first product that is
	// short.
	ProductID         string
	Wanted, Available int64
	// Shortages are all products that are short, the first one too.
	Shortages []Short
	// Used and Max are set for WallboardLimit.
	Used, Max int64
	// OrderID is the order that a quote became, of a quote that was ordered already.
	OrderID string
	// Current is the entity tag of the resource as it is now, for PreconditionFailed.
	Current string
	// Allow is the value of the Allow header, for MethodNotAllowed.
	Allow string
	// RetryAfter is how many seconds to wait, for RateLimited.
	RetryAfter int
}

// New makes a problem; detail is a sentence for the person who called.
func New(slug Slug, detail string) *Problem { return &Problem{Slug: slug, Detail: detail} }

// Newf is New with a format.
func Newf(slug Slug, format string, args ...any) *Problem {
	return New(slug, fmt.Sprintf(format, args...))
}

// At adds the field that the problem is about.
func (p *Problem) At(field string, code Code, format string, args ...any) *Problem {
	p.Fields = append(p.Fields, Fault(field, code, format, args...))
	return p
}

// Validation names the fields at fault.
func Validation(fields ...Field) *Problem {
	return &Problem{Slug: ValidationFailed, Detail: "Some fields are not acceptable.", Fields: fields}
}

// Invalid is Validation of one field.
func Invalid(field string, code Code, format string, args ...any) *Problem {
	return Validation(Fault(field, code, format, args...))
}

// Fixed names fields that cannot be written and differ from what is there (requirements, section
// 6).
func Fixed(fields ...Field) *Problem {
	return &Problem{
		Slug:   ReadOnly,
		Detail: "Fields that cannot be written must equal what is there, or be left out.",
		Fields: fields,
	}
}

// Missing is the one 404: the same for a missing id and for one of another account (requirements,
// section 9), so it names only the kind of thing.
func Missing(what string) *Problem {
	return New(NotFound, "There is no such "+what+" in this account.")
}

// NoAccount is the one 404 of an account, whether it is somebody else's or nobody's (invariant I9).
func NoAccount() *Problem { return New(NotFound, "There is no such account.") }

// Short is a product of which more seats are wanted than are free.
type Short struct {
	ProductID string `json:"productId"`
	Wanted    int64  `json:"wanted" doc:"How many were wanted."`
	Available int64  `json:"available" doc:"How many are free."`
}

// Shortage says how many seats were wanted and how many are free (requirements, section 4); name is
// what people call the product.
func Shortage(productID, name string, wanted, available int64) *Problem {
	detail := fmt.Sprintf("Not enough free %s licenses: %d wanted, %d free.", name, wanted, available)
	if available == 0 {
		detail = fmt.Sprintf("No free %s license: %d wanted, 0 free.", name, wanted)
	}
	return &Problem{
		Slug:      NotEnoughLicenses,
		Detail:    detail,
		ProductID: productID, Wanted: wanted, Available: available,
		Shortages: []Short{{productID, wanted, available}},
	}
}

// Shorter adds a product that is short to a Shortage; one that is named already is not added again.
func (p *Problem) Shorter(more *Problem) {
	for _, short := range more.Shortages {
		if slices.ContainsFunc(p.Shortages, func(known Short) bool { return known.ProductID == short.ProductID }) {
			continue
		}
		p.Shortages = append(slices.Clip(p.Shortages), short)
		p.Detail += " " + more.Detail
	}
}

// Wallboards says how many wallboards there are and may be.
func Wallboards(detail string, used, most int64) *Problem {
	return &Problem{Slug: WallboardLimit, Detail: detail, Used: used, Max: most}
}

// Together tells the faults of several checks of one request at once (requirements, section 10):
// the fields of all that are Validation. Any other error is not a fault of a field, and is told
// alone; nil for none.
func Together(errs ...error) error {
	var fields []Field
	for _, err := range errs {
		if err == nil {
			continue
		}
		p, ok := From(err)
		if !ok || p.Slug != ValidationFailed {
			return err
		}
		fields = append(fields, p.Fields...)
	}
	if len(fields) == 0 {
		return nil
	}
	return Validation(fields...)
}

// Status is the HTTP status of the problem's slug.
func (p *Problem) Status() int { return kinds[p.Slug].status }

// Title is the fixed title of the problem's slug.
func (p *Problem) Title() string { return kinds[p.Slug].title }

// Error implements error.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(string(p.Slug))
	if p.Detail != "" {
		b.WriteString(": " + p.Detail)
	}
	for _, f := range p.Fields {
		b.WriteString(" [" + f.Field + ": " + f.Message + "]")
	}
	return b.String()
}

// From finds the problem in an error chain.
func From(err error) (*Problem, bool) {
	var p *Problem
	ok := errors.As(err, &p)
	return p, ok
}

// Is says whether the chain holds a problem with this slug.
func Is(err error, slug Slug) bool {
	p, ok := From(err)
	return ok && p.Slug == slug
}
