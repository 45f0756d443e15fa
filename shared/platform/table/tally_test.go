package table_test

import (
	"context"
	"errors"
	"testing"

	"seatwise/shared/platform/table"
)

type answers struct {
	table.Store
	errs []error
}

func (a *answers) Commit(context.Context, []table.Operation) error {
	err := a.errs[0]
	a.errs = a.errs[1:]
	return err
}

// TestTally counts a commit that is carried out, one that is refused, one that lost a conflict, and
// one of which nobody knows (issue 12.3).
func TestTally(t *testing.T) {
	var tally table.Tally
	s := table.Tallied(
		&answers{errs: []error{nil, &table.ConditionError{}, table.ErrConflict, errors.New("no answer")}}, &tally,
	)
	for range 4 {
		_ = s.Commit(t.Context(), nil)
	}
	tally.Lost()
	tally.Throttled()
	if tried, lost := tally.Read(); tried != 5 || lost != 3 {
		t.Errorf("%d tried, %d lost", tried, lost)
	}
	if tried, lost := tally.Take(); tried != 5 || lost != 3 {
		t.Errorf("%d tried, %d lost", tried, lost)
	}
	if first, then := tally.TakeThrottled(), tally.TakeThrottled(); first != 1 || then != 0 {
		t.Errorf("%d throttled, and %d after they were taken", first, then)
	}
	if tried, lost := tally.Take(); tried != 0 || lost != 0 {
		t.Errorf("%d tried, %d lost after they were taken", tried, lost)
	}
}
