package call_test

import (
	"context"
	"testing"
	"time"

	"seatwise/shared/platform/call"
)

func TestInTime(t *testing.T) {
	for name, own := range map[string]time.Duration{
		"long":         time.Hour,
		"as in Lambda": 29 * time.Second,
		"short":        12 * time.Second,
		"too short":    time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), own)
			defer cancel()
			limited, stop := call.InTime(ctx)
			defer stop()
			deadline, ok := limited.Deadline()
			want := min(call.Inline, own-call.Answering)
			if left := time.Until(deadline); !ok || left > want || left < want-time.Second {
				t.Errorf("%s are left, want %s", left, want)
			}
			if (limited.Err() != nil) != (want < 0) {
				t.Errorf("it is over: %v", limited.Err())
			}
			stop()
			if limited.Err() == nil || ctx.Err() != nil {
				t.Error("stopping it does not end it alone")
			}
		})
	}
	limited, stop := call.InTime(t.Context())
	defer stop()
	if _, ok := limited.Deadline(); !ok {
		t.Error("a request without a deadline works on and on")
	}
}
