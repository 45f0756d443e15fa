package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
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
//
// Errors: those of reading the keys of cursors.
func NextCursor(ctx context.Context, c *call.Call, position string, list ...string) (string, error) {
	if position == "" {
		return "", nil
	}
	key, err := c.Env.CursorKeys.First(ctx)
	if err != nil {
		return "", fmt.Errorf("seal a cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(append(seal(key, c.Account, position, list), position...)), nil
}

// Position opens a cursor that NextCursor sealed for the same list; empty for an empty cursor. One
// that was sealed with the key before the present one is good too.
//
// Errors: badCursor; those of reading the keys of cursors.
func Position(ctx context.Context, c *call.Call, cursor string, list ...string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) <= cursorSeal || strings.ContainsAny(cursor, "\r\n") { // the decoder skips line ends
		return "", badCursor()
	}
	position := string(raw[cursorSeal:])
	_, sealed, err := c.Env.CursorKeys.Find(ctx, func(key []byte) bool {
		return hmac.Equal(raw[:cursorSeal], seal(key, c.Account, position, list))
	})
	if err != nil {
		return "", fmt.Errorf("open a cursor: %w", err)
	}
	if !sealed {
		return "", badCursor()
	}
	return position, nil
}

// Paged answers one page of a list: it opens the cursor, reads from there, and seals where the next
// page begins. list names the list with its filters, as for NextCursor.
func Paged[T any](
	ctx context.Context, c *call.Call, p Paging, list []string,
	read func(position string, limit int) (items []T, next string, err error),
) (*Listed[T], error) {
	position, err := Position(ctx, c, p.Cursor, list...)
	if err != nil {
		return nil, err
	}
	items, next, err := read(position, p.Limit)
	if err != nil {
		return nil, err
	}
	cursor, err := NextCursor(ctx, c, next, list...)
	if err != nil {
		return nil, err
	}
	return Page(items, cursor), nil
}

func seal(key []byte, account, position string, list []string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(account + "\x00" + strings.Join(list, "\x00") + "\x00\x00" + position))
	return mac.Sum(nil)[:cursorSeal]
}
