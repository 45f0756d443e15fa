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

// ParseClaims makes a Principal from the claims of a checked token: sub (the user's id), account,
// permissions and adminOfCostCenters (contract, Conventions).
//
// An HTTP API hands claims on as strings and flattens an array to "[a b c]", so permissions may be
// an array, a JSON array in a string, that form, or names with spaces or commas between them; left
// out, there are none. Cost centers come in the same forms; left out, there is no limit, and a list
// without any is a limit to none. Both ids must be of the form that docs/contract.md demands, for they become
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
	p := Principal{User: user, Account: account}
	named, given := claims["permissions"]
	names, err := listOf("permissions", named)
	if err != nil {
		return Principal{}, err
	}
	p.Permissions, p.ByRoles = setOfNames(names), !given
	if limit, limited := claims["adminOfCostCenters"]; limited {
		codes, err := listOf("adminOfCostCenters", limit)
		if err != nil {
			return Principal{}, err
		}
		p.Limit = LimitTo(codes...)
	}
	return p, nil
}

// listOf reads a claim that is a list, in any of the forms that ParseClaims allows.
func listOf(name string, claim any) ([]string, error) {
	switch v := claim.(type) {
	case nil:
		return nil, nil
	case []string:
		return v, nil
	case []any:
		names := make([]string, len(v))
		for i, element := range v {
			text, ok := element.(string)
			if !ok {
				return nil, fmt.Errorf("%w: %s holds something other than strings", ErrClaims, name)
			}
			names[i] = text
		}
		return names, nil
	case string:
		return splitFlattened(v), nil
	default:
		return nil, fmt.Errorf("%w: %s is neither an array nor a string", ErrClaims, name)
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
