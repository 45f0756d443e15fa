package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

const cursorSeal = 16 // bytes of the HMAC that a cursor carries

// badCursor is the answer to an altered or foreign cursor (docs/contract.md: a 400).
func badCursor() *problem.Problem {
	p := problem.New(problem.MalformedBody, "The cursor is not one of this list.")
	p.Fields = []problem.Field{
		{
			Field:   "cursor",
			Code:    problem.BadCursor,
			Message: "must be a nextCursor of the same list with the same filters",
		},
	}
	return p
}

// NextCursor seals the position of a list for the client. It is good only for the same account,
// list and filters; an empty position has no cursor.
func NextCursor(c *call.Call, position string, list ...string) string {
	if position == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(seal(c, position, list), position...))
}

// Position opens a cursor that NextCursor sealed for the same list; empty for an empty cursor.
//
// Errors: badCursor.
func Position(c *call.Call, cursor string, list ...string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) <= cursorSeal || strings.ContainsAny(cursor, "\r\n") { // the decoder skips line ends
		return "", badCursor()
	}
	position := string(raw[cursorSeal:])
	if !hmac.Equal(raw[:cursorSeal], seal(c, position, list)) {
		return "", badCursor()
	}
	return position, nil
}

// Paged answers one page of a list: it opens the cursor, reads from there, and seals where the next
// page begins. list names the list with its filters, as for NextCursor.
func Paged[T any](
	c *call.Call, p Paging, list []string, read func(position string, limit int) (items []T, next string, err error),
) (*Listed[T], error) {
	position, err := Position(c, p.Cursor, list...)
	if err != nil {
		return nil, err
	}
	items, next, err := read(position, p.Limit)
	if err != nil {
		return nil, err
	}
	return Page(items, NextCursor(c, next, list...)), nil
}

func seal(c *call.Call, position string, list []string) []byte {
	mac := hmac.New(sha256.New, c.Env.CursorKey)
	mac.Write([]byte(c.Account + "\x00" + strings.Join(list, "\x00") + "\x00\x00" + position))
	return mac.Sum(nil)[:cursorSeal]
}
