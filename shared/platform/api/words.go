package api

import (
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"seatwise/shared/platform/problem"
)

// words are what huma's own checks say, each with its code. A message says what is wanted and never
// repeats a value, nor the words of a Go error.
var words = []struct {
	message *string
	text    string
	code    problem.Code
}{
	{&validation.MsgUnexpectedProperty, "is not a field of this request", problem.UnknownField},
	{&validation.MsgExpectedRequiredProperty, "%s must be given", problem.Required},
	{&validation.MsgExpectedDependentRequiredProperty, "needs %s beside %s", problem.NotTogether},
	{&validation.MsgExpectedRFC3339DateTime, "must be a time such as 2026-01-31T08:00:00Z", problem.BadFormat},
	{&validation.MsgExpectedRFC1123DateTime, "must be a time such as Sat, 31 Jan 2026 08:00:00 GMT", problem.BadFormat},
	{&validation.MsgExpectedRFC3339Date, "must be a day such as 2026-01-31", problem.BadFormat},
	{&validation.MsgExpectedRFC3339Time, "must be a time of day such as 08:00:00Z", problem.BadFormat},
	{&validation.MsgExpectedRFC5322Email, "must be an e-mail address", problem.BadFormat},
	{&validation.MsgExpectedRFC5890Hostname, "must be the name of a host", problem.BadFormat},
	{&validation.MsgExpectedRFC2673IPv4, "must be an IPv4 address", problem.BadFormat},
	{&validation.MsgExpectedRFC2373IPv6, "must be an IPv6 address", problem.BadFormat},
	{&validation.MsgExpectedRFCIPAddr, "must be an IP address", problem.BadFormat},
	{&validation.MsgExpectedRFC3986URI, "must be a URI", problem.BadFormat},
	{&validation.MsgExpectedRFC4122UUID, "must be a UUID", problem.BadFormat},
	{&validation.MsgExpectedRFC6570URITemplate, "must be a URI template", problem.BadFormat},
	{&validation.MsgExpectedRFC6901JSONPointer, "must be a JSON pointer", problem.BadFormat},
	{&validation.MsgExpectedRFC6901RelativeJSONPointer, "must be a relative JSON pointer", problem.BadFormat},
	{&validation.MsgExpectedRegexp, "must be a regular expression", problem.BadFormat},
	{&validation.MsgExpectedDuration, "must be a duration", problem.BadFormat},
	{&validation.MsgExpectedBase64String, "must be base64", problem.BadFormat},
	{&validation.MsgExpectedBePattern, "must be %s", problem.BadFormat},
	{&validation.MsgExpectedMatchPattern, "must fit the pattern %s", problem.BadFormat},
	{&validation.MsgExpectedMatchAtLeastOneSchema, "must have one of its forms", problem.WrongType},
	{&validation.MsgExpectedMatchExactlyOneSchema, "must have exactly one of its forms", problem.WrongType},
	{&validation.MsgExpectedNotMatchSchema, "has a form that it must not have", problem.WrongType},
	{&validation.MsgExpectedPropertyNameInObject, "must name its form", problem.WrongType},
	{&validation.MsgExpectedBoolean, "must be true or false", problem.WrongType},
	{&validation.MsgExpectedNumber, "must be a number", problem.WrongType},
	{&validation.MsgExpectedInteger, "must be a whole number", problem.WrongType},
	{&validation.MsgExpectedString, "must be a text", problem.WrongType},
	{&validation.MsgExpectedArray, "must be an array", problem.WrongType},
	{&validation.MsgExpectedObject, "must be an object", problem.WrongType},
	{&validation.MsgExpectedArrayItemsUnique, "must not name anything twice", problem.Duplicate},
	{&validation.MsgExpectedOneOf, "must be one of %s", problem.NotAllowed},
	{&validation.MsgExpectedMinimumNumber, "must be at least %v", problem.TooSmall},
	{&validation.MsgExpectedExclusiveMinimumNumber, "must be more than %v", problem.TooSmall},
	// limits are whole; with %v 20 MiB are 2.097152e+07 bytes
	{&validation.MsgExpectedMaximumNumber, "must be at most %.f", problem.TooLarge},
	{&validation.MsgExpectedExclusiveMaximumNumber, "must be less than %.f", problem.TooLarge},
	{&validation.MsgExpectedNumberBeMultipleOf, "must be a multiple of %v", problem.Mismatch},
	{&validation.MsgExpectedMinLength, "must have %d or more characters", problem.TooShort},
	{&validation.MsgExpectedMaxLength, "must have %d or fewer characters", problem.TooLong},
	{&validation.MsgExpectedMinItems, "must have %d or more elements", problem.TooFew},
	{&validation.MsgExpectedMaxItems, "must have %d or fewer elements", problem.TooMany},
	{&validation.MsgExpectedMinProperties, "must have %d or more members", problem.TooFew},
	{&validation.MsgExpectedMaxProperties, "must have %d or fewer members", problem.TooMany},
	// What huma says of parameters cannot be set: these are its own texts, and ours in their place.
	{nil, "unknown query parameter", problem.UnknownParameter},
	{nil, "required query parameter is missing", problem.Required},
	{nil, "required header parameter is missing", problem.Required},
	{nil, "expected at most one value", problem.Repeated},
	{nil, "invalid integer", problem.WrongType},
	{nil, "invalid floa", problem.WrongType},
	{nil, "invalid boolean", problem.WrongType},
	{nil, "invalid date/time", problem.BadFormat},
}

// parameterWords replace the texts of huma that cannot be set.
var parameterWords = map[string]string{
	"unknown query parameter":              "is not a parameter of this operation",
	"required query parameter is missing":  "must be given",
	"required header parameter is missing": "must be given",
	"expected at most one value":           "must be given once",
	"invalid integer":                      "must be a whole number",
	"invalid floa":                         "must be a number",
	"invalid boolean":                      "must be true or false",
	"invalid date/time":                    "must be a time such as 2026-01-31T08:00:00Z",
}

// say makes huma speak in our words.
func say() {
	//nolint:reassign // huma offers no other place to say how it words its errors
	huma.ErrorFormatter = func(format string, args ...any) string {
		if !strings.Contains(format, "%") { // some of its texts would end in the words of a Go error
			return format
		}
		return fmt.Sprintf(format, args...)
	}
	for _, w := range words {
		if w.message != nil {
			*w.message = w.text
		}
	}
}

// worded finds the code of a text of huma's, and puts ours in its place where it cannot be set. A
// text that is not known keeps its words to itself.
func worded(message string) (problem.Code, string) {
	for _, w := range words {
		if w.text == *pattern { // it begins as many do
			continue
		}
		begins, rest, whole := strings.Cut(w.text, "%")
		ends := rest
		if i := strings.LastIndexAny(rest, "%"); i >= 0 {
			ends = rest[i+1:]
		}
		ends = strings.TrimLeft(strings.TrimPrefix(ends, "."), "dsvf")
		switch {
		case w.message == nil && strings.HasPrefix(message, w.text):
			return w.code, parameterWords[w.text]
		case whole && strings.HasPrefix(message, begins) && strings.HasSuffix(message, ends), message == w.text:
			return w.code, message
		}
	}
	if strings.HasPrefix(message, "must ") {
		return problem.BadFormat, message
	}
	return problem.BadFormat, "is not of its form"
}

// pattern is the text that is nothing but what a schema says of its own pattern.
var pattern = &validation.MsgExpectedBePattern
