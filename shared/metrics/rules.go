package metrics

import (
	"fmt"

	"seatwise/shared/craft/text"
	"seatwise/shared/platform/problem"
)

const (
	// DefaultMax is how many wallboards an account may have until somebody sets its maximum.
	DefaultMax = 10
	// maxMax bounds the maximum.
	maxMax = 100_000
)

// checkName bounds what people call a device.
func checkName(name string) error {
	if fault := text.NameFault(name); fault != "" {
		return problem.Validation(problem.Named("name", fault))
	}
	return nil
}

// full is the refusal of one device more, with how many there are and may be.
func full(used, most int64) *problem.Problem {
	detail := fmt.Sprintf(
		"The account has %d wallboards of the %d that its maximum allows; remove one, or raise the maximum, first.",
		used,
		most,
	)
	return problem.Wallboards(detail, used, most)
}

// belowUse is the refusal of a maximum that is less than what there is.
func belowUse(used, most int64) *problem.Problem {
	detail := fmt.Sprintf("%d wallboards are in use and the maximum would be %d; remove %d first.", used, most,
		used-most)
	return problem.Wallboards(detail, used, most)
}
