package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// maxID is the longest id that a caller may choose (api.md, Conventions), in bytes.
const maxID = 64

// ErrClaims is wrapped by every error of ParseClaims.
var ErrClaims = errors.New("the token's claims do not name a caller")

// ParseClaims makes a Principal from the claims of a checked token: sub (the user's id), account and permissions (api.md, Conventions).
//
// An HTTP API hands claims on as strings and flattens an array to "[a b c]", so permissions may be an array, a JSON array in a string, that
// form, or names with spaces or commas between them; left out, there are none. Both ids must be of the form that api.md demands, for they
// become parts of keys. Every error wraps ErrClaims and repeats no value.
func ParseClaims(claims map[string]any) (Principal, error) {
	user, ok := claims["sub"].(string)
	if !ok || !ValidID(user) {
		return Principal{}, fmt.Errorf("%w: sub is not a user's id", ErrClaims)
	}
	account, ok := claims["account"].(string)
	if !ok || !ValidID(account) {
		return Principal{}, fmt.Errorf("%w: account is not an account's id", ErrClaims)
	}
	permissions, err := parsePermissions(claims["permissions"])
	if err != nil {
		return Principal{}, err
	}
	return Principal{User: user, Account: account, Permissions: permissions}, nil
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

// splitFlattened takes apart an array that was made into one string, in any of the forms that ParseClaims allows.
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

// ValidID says whether s is an id that a caller may choose: [A-Za-z0-9][A-Za-z0-9._@+-]{0,63} (api.md, Conventions).
func ValidID(s string) bool {
	if s == "" || len(s) > maxID {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letterOrDigit := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letterOrDigit && (i == 0 || !strings.ContainsRune("._@+-", rune(c))) {
			return false
		}
	}
	return true
}
