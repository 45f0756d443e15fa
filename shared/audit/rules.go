package audit

import (
	"time"

	"seatwise/shared/platform/problem"
)

// Filter says which records are wanted. Each field that is set must hold; From is inclusive, To
// exclusive, and a zero time is no bound.
type Filter struct {
	License, User, Actor, Action string
	From, To                     time.Time
	// OldestFirst turns the list round, which begins with the newest otherwise.
	OldestFirst bool
}

// parseMoment reads a bound of a list: a moment in RFC 3339, or a day, which begins at midnight
// UTC. Empty is no bound.
//
// Errors: validation.
func parseMoment(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil && at.Year() >= 1 && at.Year() <= 9999 {
		return at.UTC(), nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day, nil
	}
	return time.Time{}, problem.Invalid(field, problem.BadFormat,
		"must be a time such as 2026-01-31T08:00:00Z, or a day such as 2026-01-31")
}

// check refuses a span that ends before it begins.
func (f Filter) check() error {
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		return problem.Invalid("to", problem.OutOfRange, "must be after from")
	}
	return nil
}
