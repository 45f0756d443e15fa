package call

import (
	"context"
	"time"
)

const (
	// Inline is how long a request works, after its own commit, on what the commit left behind a
	// marker.
	Inline = 20 * time.Second
	// Answering is how much of the request's own time is kept back for the answer.
	Answering = 5 * time.Second
)

// InTime is the context for what a request does of the work that its commit left behind: it ends
// after Inline, and in any case so early that there is time to answer. Whatever is not done by then
// stays marked, and the maintenance function does it (design, decision 6).
func InTime(ctx context.Context) (context.Context, context.CancelFunc) {
	limited, cancel := context.WithTimeout(ctx, Inline)
	deadline, ok := ctx.Deadline()
	if !ok {
		return limited, cancel
	}
	limited, earlier := context.WithDeadline(limited, deadline.Add(-Answering))
	return limited, func() {
		earlier()
		cancel()
	}
}
