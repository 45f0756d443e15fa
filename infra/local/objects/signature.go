package objects

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// The credentials of the local S3 server. They protect nothing: who reaches the port owns the
// machine's data. They exist so that presigned URLs are worth as much here as in AWS. Clients with
// an access key of their own are let in, for their secret is not known here; only a request without
// any signature, and a presigned URL that this key did not sign, are refused.
const (
	AccessKey = "seatwise"
	SecretKey = "seatwise-local"
)

const (
	signingAlgorithm = "AWS4-HMAC-SHA256"
	amzTime          = "20060102T150405Z"
	unsignedPayload  = "UNSIGNED-PAYLOAD"
	// maxSkew is how far the time of a signed request may be from ours.
	maxSkew = 15 * time.Minute
	// maxLife is the longest that a presigned URL may live.
	maxLife = 7 * 24 * time.Hour
)

// refusal is an error as S3 words it.
type refusal struct {
	status        int
	code, message string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

func denied(message string) *refusal {
	return &refusal{http.StatusForbidden, "AccessDenied", message}
}

// signature is what a request claims about itself.
type signature struct {
	accessKey, date, region, service string
	signedHeaders                    []string
	value                            string
	at                               time.Time
	payloadHash                      string
}

// authenticate checks the signature of a request. Errors are *refusal.
func authenticate(r *http.Request, now, machine time.Time) error {
	query := r.URL.Query()
	switch {
	case query.Has("X-Amz-Signature"):
		return checkPresigned(r, query, now)
	case r.Header.Get("Authorization") != "":
		return checkHeader(r, machine)
	default:
		return denied("The request is not signed.")
	}
}

func checkPresigned(r *http.Request, query url.Values, now time.Time) error {
	s, err := parseScope(query.Get("X-Amz-Algorithm"), query.Get("X-Amz-Credential"),
		query.Get("X-Amz-SignedHeaders"), query.Get("X-Amz-Signature"), query.Get("X-Amz-Date"))
	if err != nil {
		return err
	}
	seconds, parseErr := strconv.Atoi(query.Get("X-Amz-Expires"))
	life := time.Duration(seconds) * time.Second
	if parseErr != nil || life <= 0 || life > maxLife {
		return &refusal{
			http.StatusBadRequest,
			"AuthorizationQueryParametersError",
			"X-Amz-Expires must be 1 to 604800.",
		}
	}
	if now.Before(s.at.Add(-maxSkew)) {
		return denied("The URL is not valid yet.")
	}
	if !now.Before(s.at.Add(life)) {
		return denied("Request has expired")
	}
	if s.accessKey != AccessKey {
		return &refusal{http.StatusForbidden, "InvalidAccessKeyId", "The URL was not signed by this server."}
	}
	if err := s.signsAll(r); err != nil {
		return err
	}
	s.payloadHash = unsignedPayload
	if hash := query.Get("X-Amz-Content-Sha256"); hash != "" {
		s.payloadHash = hash
	} else if hash := r.Header.Get("X-Amz-Content-Sha256"); hash != "" {
		s.payloadHash = hash
	}
	return s.verify(r, query)
}

func checkHeader(r *http.Request, now time.Time) error {
	algorithm, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	fields := map[string]string{}
	for _, part := range strings.Split(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	s, err := parseScope(algorithm, fields["Credential"], fields["SignedHeaders"], fields["Signature"],
		r.Header.Get("X-Amz-Date"))
	if err != nil {
		return err
	}
	if err := s.signsAll(r); err != nil {
		return err
	}
	if s.accessKey != AccessKey {
		return nil // its secret is not known here, see AccessKey
	}
	if skew := now.Sub(s.at); skew > maxSkew || skew < -maxSkew {
		return &refusal{
			http.StatusForbidden,
			"RequestTimeTooSkewed",
			"The request's time is too far from the server's.",
		}
	}
	if s.payloadHash = r.Header.Get("X-Amz-Content-Sha256"); s.payloadHash == "" {
		return &refusal{http.StatusBadRequest, "MissingSecurityHeader", "X-Amz-Content-Sha256 is missing."}
	}
	return s.verify(r, r.URL.Query())
}

// signsAll refuses a header of S3's own that the signature does not cover, as S3 does
// (AccessDenied, HeadersNotSigned): whoever has a presigned URL could say by one that the object
// shall be another's copy, readable for everybody, or kept for years.
func (s *signature) signsAll(r *http.Request) error {
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(s.signedHeaders, name) {
			return denied("There were headers present in the request which were not signed: " + name)
		}
	}
	return nil
}

func parseScope(algorithm, credential, signedHeaders, value, at string) (*signature, error) {
	malformed := &refusal{
		http.StatusBadRequest,
		"AuthorizationHeaderMalformed",
		"The signature's parameters cannot be read.",
	}
	parts := strings.Split(credential, "/")
	when, err := time.Parse(amzTime, at)
	if algorithm != signingAlgorithm || len(parts) != 5 || parts[4] != "aws4_request" || err != nil ||
		signedHeaders == "" ||
		value == "" ||
		!strings.HasPrefix(at, parts[1]) {
		return nil, malformed
	}
	return &signature{
		accessKey:     parts[0],
		date:          parts[1],
		region:        parts[2],
		service:       parts[3],
		signedHeaders: strings.Split(signedHeaders, ";"),
		value:         value,
		at:            when,
	}, nil
}

// verify computes the signature again from the request as it came and compares.
func (s *signature) verify(r *http.Request, query url.Values) error {
	var canonical strings.Builder
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", r.Method, escape(r.URL.Path, true), canonicalQuery(query))
	hasHost := false
	for _, name := range s.signedHeaders {
		var value string
		switch name {
		case "host":
			value, hasHost = r.Host, true
		case "content-length":
			value = strconv.FormatInt(r.ContentLength, 10)
		default:
			values := r.Header.Values(name)
			trimmed := make([]string, len(values))
			for i, v := range values {
				trimmed[i] = strings.Join(strings.Fields(v), " ")
			}
			value = strings.Join(trimmed, ",")
		}
		fmt.Fprintf(&canonical, "%s:%s\n", name, value)
	}
	if !hasHost {
		return denied("The host must be signed.")
	}
	fmt.Fprintf(&canonical, "\n%s\n%s", strings.Join(s.signedHeaders, ";"), s.payloadHash)
	sum := sha256.Sum256([]byte(canonical.String()))
	scope := strings.Join([]string{s.date, s.region, s.service, "aws4_request"}, "/")
	text := strings.Join([]string{signingAlgorithm, s.at.Format(amzTime), scope, hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + SecretKey)
	for _, part := range []string{s.date, s.region, s.service, "aws4_request"} {
		key = mac(key, part)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(mac(key, text))), []byte(s.value)) {
		return &refusal{
			http.StatusForbidden,
			"SignatureDoesNotMatch",
			"The request is not the one that was signed: method, address, and every signed header must be exactly as they were given.",
		}
	}
	return nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		if name == "X-Amz-Signature" {
			continue
		}
		for _, value := range values {
			pairs = append(pairs, escape(name, false)+"="+escape(value, false))
		}
	}
	sort.Strings(pairs)
	return strings.Join(pairs, "&")
}

// escape is the URI encoding of Signature Version 4: everything but unreserved characters, and
// slashes in paths.
func escape(s string, path bool) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' ||
			c == '~' ||
			path && c == '/' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
