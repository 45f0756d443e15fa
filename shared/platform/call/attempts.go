package call

import "time"

const (
	// MostAttempts is how often workers try a job, or a part of it, that makes no progress. With
	// the pauses between them, two hours: a job outlives an outage, and one that ends whoever tries
	// it is not tried for ever.
	MostAttempts = 12
	// firstPause is the wait before the third attempt; each later one waits twice as long, up to
	// longestPause. The second comes at once: a worker may just have been stopped.
	firstPause   = 30 * time.Second
	longestPause = 30 * time.Minute
)

// Pause is how long to wait after a number of attempts without progress.
func Pause(attempts int) time.Duration {
	switch {
	case attempts < 2:
		return 0
	case attempts > 8:
		return longestPause
	}
	return min(firstPause<<(attempts-2), longestPause)
}
