package metrics

import (
	"seatwise/shared/craft/text"
	"seatwise/shared/platform/problem"
)

const (
	// DefaultMax is how many wallboards an account may have until somebody sets its maximum.
	DefaultMax = 10
	// MaxMax bounds the maximum.
	MaxMax = 100_000
)

// checkName bounds what people call a device.
func checkName(name string) error {
	if fault := text.NameFault(name); fault != "" {
		return problem.Validation(problem.Named("name", fault))
	}
	return nil
}

// full is the refusal of one device more.
func full() *problem.Problem {
	return problem.New(problem.WallboardLimit, "The account has as many wallboards as its maximum allows.")
}

// belowUse is the refusal of a maximum that is less than what there is.
func belowUse() *problem.Problem {
	return problem.New(problem.WallboardLimit, "More wallboards are in use than this maximum allows; remove some first.")
}
