// Package lines is the port to what the functions have written into their log.
package lines

import (
	"context"
	"time"
)

// Reader reads lines of the functions' log that name an account.
type Reader interface {
	// Read hands on each line of a window, from inclusive to exclusive, one at a time and in any order. An
	// error of visit ends it.
	Read(ctx context.Context, from, to time.Time, visit func(line []byte) error) error
}
