package plan

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// Life is how long a plan is good for (requirements, section 12).
const Life = 15 * time.Minute

const (
	tokenForm  = 1 // the first byte; another form is no plan
	tokenSeal  = 16
	tokenBytes = 1 + 8 + 2*tokenSeal
)

// Request is what a plan is of: who asks for what.
type Request struct {
	Caller, Account, Method, Path, Query string
	Body                                 []byte
}

// Seal is a plan: a signed digest over request, effects and the moment until which it is good. It
// has 55 characters.
func Seal(key []byte, r Request, o Outcome, now time.Time) string {
	token := binary.BigEndian.AppendUint64([]byte{tokenForm}, uint64(now.Add(Life).Unix()))
	token = append(token, r.seal(key, token)...)
	token = append(token, o.seal(key, token)...)
	return base64.RawURLEncoding.EncodeToString(token)
}

// Of says whether a text is a plan of this request that is still good.
func Of(key []byte, text string, r Request, now time.Time) bool {
	token, ok := opened(text)
	until := int64(0)
	if ok {
		until = int64(binary.BigEndian.Uint64(token[1:]))
	}
	const head = 1 + 8
	return ok && hmac.Equal(token[head:head+tokenSeal], r.seal(key, token[:head])) && now.Unix() < until
}

// Promises says whether a plan, which Of has accepted, is of this outcome.
func Promises(key []byte, text string, o Outcome) bool {
	token, ok := opened(text)
	return ok && hmac.Equal(token[tokenBytes-tokenSeal:], o.seal(key, token[:tokenBytes-tokenSeal]))
}

func opened(text string) ([]byte, bool) {
	token, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(token) != tokenBytes || token[0] != tokenForm || strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	return token, true
}

func (r Request) seal(key, head []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("plan of a request\x00"))
	for _, part := range []string{
		string(head), r.Caller, r.Account, r.Method, r.Path, r.Query, string(r.Body),
	} {
		fmt.Fprintf(mac, "%d:", len(part))
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)[:tokenSeal]
}

func (o *Outcome) seal(key, head []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("effects of a plan\x00"))
	mac.Write(head)
	mac.Write(o.text())
	return mac.Sum(nil)[:tokenSeal]
}
