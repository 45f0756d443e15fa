package call_test

import (
	"testing"
	"time"

	"seatwise/shared/platform/call"
)

func TestPause(t *testing.T) {
	var all time.Duration
	for n, want := range map[int]time.Duration{
		0:       0,
		1:       0,
		2:       30 * time.Second,
		3:       time.Minute,
		7:       16 * time.Minute,
		8:       30 * time.Minute,
		9:       30 * time.Minute,
		1 << 40: 30 * time.Minute,
	} {
		if got := call.Pause(n); got != want {
			t.Errorf("after %d attempts %s, want %s", n, got, want)
		}
	}
	for n := range call.MostAttempts {
		all += call.Pause(n)
	}
	if all < 2*time.Hour || all > 3*time.Hour {
		t.Errorf("all attempts take %s", all)
	}
}
