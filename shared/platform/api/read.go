package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-json-experiment/json/jsontext"

	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/reply"
)

const (
	jsonMedia  = "application/json"
	patchMedia = "application/merge-patch+json"

	// maxHead is how many bytes the request line and the headers may have together; an HTTP API of
	// AWS has the same limit.
	maxHead = 10_240
)

// CheckHead refuses a request whose line or headers cannot be read as they were meant
// (requirements, section 10; contract, Conventions): one that is too long, and a path or a query
// with a bad percent escape or with text that is not UTF-8. Without it such a parameter of a query
// would be as if it had not been given, and a filter would let everything through.
//
// It returns nil, or headers-too-large (431), or malformed-body (400) that names the parameter.
func CheckHead(r *http.Request) *problem.Problem {
	if head := headBytes(r); head > maxHead {
		return problem.Newf(
			problem.HeadersTooLarge,
			"The request line and the headers have %d bytes; at most %d are taken.",
			head,
			maxHead,
		)
	}
	if path, err := url.PathUnescape(r.URL.EscapedPath()); err != nil || !utf8.ValidString(path) {
		return reply.BadPath()
	}
	if fields := badQuery(r.URL.RawQuery); len(fields) > 0 {
		p := problem.New(problem.MalformedBody, "The query cannot be read.")
		p.Fields = fields
		return p
	}
	return nil
}

// headBytes counts what the client sent before the body. What the gateway adds of its own does not
// count.
func headBytes(r *http.Request) int {
	n := len(r.Method) + len(r.RequestURI) + len(" "+" HTTP/1.1\r\n") + len("Host: \r\n") + len(r.Host)
	for name, values := range r.Header {
		if strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "X-Amzn-") || name == "Forwarded" ||
			name == "Via" {
			continue
		}
		for _, value := range values {
			n += len(name) + len(": \r\n") + len(value)
		}
	}
	return n
}

// badQuery names the parameters that url.ParseQuery would leave out.
func badQuery(raw string) []problem.Field {
	var fields []problem.Field
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		field, err := url.QueryUnescape(name)
		if err != nil || !utf8.ValidString(field) {
			field = "query"
		}
		text, valueErr := url.QueryUnescape(value)
		switch {
		case err != nil || valueErr != nil:
			fields = append(
				fields,
				problem.Fault(field, problem.BadEncoding, "has a bad escape: a %% must begin the escape of a byte"),
			)
		case field == "query" && name != field, !utf8.ValidString(text):
			fields = append(fields, problem.Fault(field, problem.BadEncoding, "must be UTF-8"))
		case strings.Contains(pair, ";"):
			fields = append(
				fields,
				problem.Fault(field, problem.BadEncoding, "has a semicolon, which must be written as %%3B"),
			)
		}
	}
	return fields
}

// reader is how an operation reads its body.
type reader struct {
	takes bool  // whether the operation has a body
	limit int64 // in bytes
	media []string
}

func newReader(op Operation, takes bool) reader {
	r := reader{takes: takes, limit: MaxBody, media: []string{jsonMedia}}
	if op.MaxBody > 0 {
		r.limit = op.MaxBody
	}
	if op.Method == http.MethodPatch {
		r.media = append(r.media, patchMedia)
	}
	return r
}

// read takes the body in, whole, judges it, and puts it back for huma, which reads it as JSON.
//
// Errors: payload-too-large, unsupported-media-type, malformed-body, validation.
func (r reader) read(ctx huma.Context) ([]byte, error) {
	request, w := humago.Unwrap(ctx)
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, r.limit))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, TooLarge(r.limit)
		}
		return nil, problem.New(problem.MalformedBody, "The request body could not be read to its end.")
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	if len(body) == 0 {
		return body, nil
	}
	if err := r.fits(request.Header); err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", jsonMedia)
	if err := CheckJSON(body); err != nil {
		return nil, err
	}
	body = wholeNumbers(body)
	request.Body = io.NopCloser(bytes.NewReader(body))
	if text := string(bytes.Join(bytes.Fields(body), nil)); !r.takes && text != "{}" && text != "null" {
		return nil, problem.Invalid(
			"body",
			problem.UnknownField,
			"must be left out, or be {}: the operation has no fields",
		)
	}
	return body, nil
}

// TooLarge is the answer to a body of more bytes than the limit.
func TooLarge(limit int64) *problem.Problem {
	return problem.Newf(
		problem.PayloadTooLarge,
		"A request body of this operation has at most %d MB (%d bytes).",
		limit>>20,
		limit,
	)
}

// fits judges the media type: case does not count, and UTF-8 is the one charset that JSON has.
func (r reader) fits(header http.Header) error {
	names := strings.Join(r.media, " or ")
	if coding := header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return problem.New(problem.UnsupportedMediaType, "Send the body as it is, without Content-Encoding.")
	}
	given := header.Values("Content-Type")
	if len(given) == 0 {
		return nil
	}
	media, parameters, err := mime.ParseMediaType(given[0])
	if err != nil || len(given) > 1 || !slices.Contains(r.media, media) {
		return problem.New(problem.UnsupportedMediaType, "Send the body as "+names+".")
	}
	if charset, ok := parameters["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return problem.New(problem.UnsupportedMediaType, "Send the body in UTF-8; other charsets are not read.")
	}
	return nil
}

// CheckJSON demands that the text is one JSON value in UTF-8 that everybody reads alike: no member
// of an object is named twice, at any depth, and no escape is half of a character (RFC 8259 leaves
// to readers what these mean, and they differ).
//
// Errors: malformed-body, which says where and repeats nothing of the values.
func CheckJSON(text []byte) error {
	decoder := jsontext.NewDecoder(bytes.NewReader(text))
	err := decoder.SkipValue()
	if err == nil {
		_, err = decoder.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err == nil:
			return notJSON("The request body goes on after the JSON.")
		}
	}
	p := notJSON("The request body is missing or is not JSON.")
	var fault *jsontext.SyntacticError
	if !errors.As(err, &fault) {
		return p
	}
	at := pointed(fault.JSONPointer)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		p.Detail = "The request body names a member twice."
		p.Fields = []problem.Field{problem.Fault(at, problem.Repeated, "is named twice in one object")}
	case !utf8.Valid(text):
		p.Detail = fmt.Sprintf("The request body is not UTF-8, from byte %d on.", invalidAt(text))
		p.Fields = []problem.Field{problem.Fault(at, problem.BadEncoding, "must be UTF-8")}
	case strings.Contains(fault.Err.Error(), "surrogate"):
		p.Detail = "The request body has half of a surrogate pair, which is no character."
		p.Fields = []problem.Field{problem.Fault(at, problem.BadEncoding, "must have both halves of a surrogate pair")}
	default:
		p.Detail = fmt.Sprintf("The request body is not JSON, from byte %d on.", fault.ByteOffset)
	}
	return p
}

// wholeNumbers writes every whole number of a JSON text as one: 1.0, 10e2. JSON knows one kind of
// number, and some clients write all of theirs so; Go reads no such number into an integer.
func wholeNumbers(text []byte) []byte {
	const numerals = "+-.0123456789eE"
	var out []byte
	done := 0
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case text[i] == '-' || text[i] >= '0' && text[i] <= '9':
			end := i + 1
			for end < len(text) && strings.IndexByte(numerals, text[end]) >= 0 {
				end++
			}
			if value, whole := wholeNumber(string(text[i:end])); whole {
				out = append(append(out, text[done:i]...), value...)
				done = end
			}
			i = end - 1
		}
	}
	if done == 0 {
		return text
	}
	return append(out, text[done:]...)
}

// wholeNumber writes a number that has a fraction or an exponent as the whole number that it is; it
// is false for one that is none, and for one that is written as a whole number already.
func wholeNumber(number string) (string, bool) {
	const (
		longest = 40      // bytes of a number that is looked at
		exactly = 1 << 53 // up to here every reader of JSON has the same whole numbers
	)
	if !strings.ContainsAny(number, ".eE") || len(number) > longest {
		return "", false
	}
	value, err := strconv.ParseFloat(number, 64)
	if err != nil || value != math.Trunc(value) || math.Abs(value) > exactly {
		return "", false
	}
	exact, ok := new(big.Float).SetPrec(200).SetString(number)
	return strconv.FormatInt(int64(value), 10), ok && exact.IsInt()
}

// notJSON is the answer to a body that is no JSON.
func notJSON(detail string) *problem.Problem {
	p := problem.New(problem.MalformedBody, detail)
	p.Fields = []problem.Field{problem.Fault("body", problem.BadFormat, "must be one JSON value")}
	return p
}

// invalidAt is the place of the first byte that is not UTF-8.
func invalidAt(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(text)
}

// pointed writes a JSON pointer as docs/contract.md names fields: lines[0].quantity. Names that are
// long or unseen are cut off.
func pointed(pointer jsontext.Pointer) string {
	const longest = 200
	var b strings.Builder
	for token := range pointer.Tokens() {
		if _, err := strconv.ParseUint(token, 10, 32); err == nil && b.Len() > 0 {
			b.WriteString("[" + token + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(token)
	}
	name := b.String()
	if name == "" || len(name) > longest ||
		strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return "body"
	}
	return name
}
