package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// maxID is the longest id that a caller may choose (contract, Conventions), in bytes, and maxUserID
// the longest of a user: an identity provider chose that one.
const (
	maxID     = 64
	maxUserID = 128
)

// ErrClaims is wrapped by every error of ParseClaims, and ErrSubject by that of a subject that can
// be no user's id; it tells the rule (requirements, section 9).
var (
	ErrClaims  = errors.New("the token's claims do not name a caller")
	ErrSubject = errors.New("the subject of the token can be no user's id: " + UserIDRule)
)

// UserIDRule is what ValidUserID demands, as half a sentence.
const UserIDRule = "1 to 128 letters, digits and . _ @ + - | :, beginning with a letter, a digit, _ or -"

// ParseClaims makes a Principal from the claims of a checked token: sub (the user's id), account
// and permissions (contract, Conventions).
//
// An HTTP API hands claims on as strings and flattens an array to "[a b c]", so permissions may be
// an array, a JSON array in a string, that form, or names with spaces or commas between them; left
// out, there are none. Both ids must be of the form that docs/contract.md demands, for they become
// parts of keys. Every error wraps ErrClaims and repeats no value.
func ParseClaims(claims map[string]any) (Principal, error) { return ParseClaimsOf(claims, "sub") }

// ParseClaimsOf is ParseClaims of a deployment whose provider has the user's id in another claim
// than sub (requirements, section 9).
func ParseClaimsOf(claims map[string]any, userClaim string) (Principal, error) {
	user, ok := claims[userClaim].(string)
	if !ok || !ValidUserID(user) {
		return Principal{}, fmt.Errorf("%w: %w", ErrClaims, ErrSubject)
	}
	account, ok := claims["account"].(string)
	if !ok || !ValidID(account) {
		return Principal{}, fmt.Errorf("%w: account is not an account's id", ErrClaims)
	}
	named, given := claims["permissions"]
	permissions, err := parsePermissions(named)
	if err != nil {
		return Principal{}, err
	}
	return Principal{User: user, Account: account, Permissions: permissions, ByRoles: !given}, nil
}

func parsePermissions(claim any) (Set, error) {
	switch v := claim.(type) {
	case nil:
		return 0, nil
	case []string:
		return setOfNames(v), nil
	case []any:
		names := make([]string, len(v))
		for i, element := range v {
			name, ok := element.(string)
			if !ok {
				return 0, fmt.Errorf("%w: permissions holds something other than strings", ErrClaims)
			}
			names[i] = name
		}
		return setOfNames(names), nil
	case string:
		return setOfNames(splitFlattened(v)), nil
	default:
		return 0, fmt.Errorf("%w: permissions is neither an array nor a string", ErrClaims)
	}
}

// splitFlattened takes apart an array that was made into one string, in any of the forms that
// ParseClaims allows.
func splitFlattened(s string) []string {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		var names []string
		if json.Unmarshal([]byte(s), &names) == nil {
			return names
		}
		s = s[1 : len(s)-1]
	}
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\n' })
}

func setOfNames(names []string) Set {
	var s Set
	for _, name := range names {
		s |= bit(Permission(name))
	}
	return s
}

// ValidID says whether s is an id that a caller may choose: [A-Za-z0-9][A-Za-z0-9._@+-]{0,63}
// (contract, Conventions).
func ValidID(s string) bool {
	if s == "" || len(s) > maxID {
		return false
	}
	return madeOf(s, "", "._@+-")
}

// ValidUserID says whether s may be a user's id: besides what ValidID allows, it may hold | and :,
// begin with _ or -, and have 128 characters, as the subjects of identity providers do
// (requirements, section 9; contract, Conventions).
func ValidUserID(s string) bool {
	if s == "" || len(s) > maxUserID {
		return false
	}
	return madeOf(s, "_-", "._@+-|:")
}

// madeOf says whether a text has letters, digits and some other characters alone; its first one is
// a letter, a digit or one of first.
func madeOf(s, first, others string) bool {
	for i := range len(s) {
		c := s[i]
		letterOrDigit := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		allowed := others
		if i == 0 {
			allowed = first
		}
		if !letterOrDigit && strings.IndexByte(allowed, c) < 0 {
			return false
		}
	}
	return true
}
