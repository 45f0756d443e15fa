package browser_test

import (
	"os"
	"strconv"
)

const (
	// sampleAsked is the environment variable with the part that is tried: a number from 0, which
	// `make browser` takes from the day, or "all".
	sampleAsked = "SEATWISE_BROWSER_SAMPLE"
	// parts is how many days it takes until everything was tried.
	parts = 4
)

// today is what of a list is tried in the part that was asked for: each entry in one part, or in
// every one of several parts where there are fewer entries than parts.
func today[T any](list []T) []T {
	part, err := strconv.Atoi(os.Getenv(sampleAsked))
	if err != nil || len(list) == 0 {
		return list
	}
	if len(list) < parts {
		return list[part%len(list) : part%len(list)+1]
	}
	var some []T
	for i := part % parts; i < len(list); i += parts {
		some = append(some, list[i])
	}
	return some
}
