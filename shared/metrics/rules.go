package metrics

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"seatwise/shared/platform/problem"
)

const (
	// DefaultMax is how many wallboards an account may have until somebody sets its maximum.
	DefaultMax = 10
	// MaxMax bounds the maximum.
	MaxMax = 100_000
	// maxName bounds a wallboard's name, in characters.
	maxName = 200
)

// checkName bounds what people call a device.
func checkName(name string) error {
	switch {
	case name == "" || strings.TrimSpace(name) != name:
		return problem.Invalid("name", "must not be empty, nor begin or end with a space")
	case utf8.RuneCountInString(name) > maxName:
		return problem.Invalid("name", "must have at most %d characters", maxName)
	case strings.ContainsFunc(name, unicode.IsControl):
		return problem.Invalid("name", "must not have control characters")
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
