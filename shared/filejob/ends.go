package filejob

import (
	"context"
	"errors"
	"fmt"

	"seatwise/shared/craft/sheet"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/failures"
	"seatwise/shared/platform/table"
)

// Refused rejects a job whose file is refused whole, by the *sheet.Refusal among the errors; other
// errors it returns.
func (w *Worker) Refused(ctx context.Context, err error) error {
	refusal := (*sheet.Refusal)(nil)
	if !errors.As(err, &refusal) {
		return err
	}
	return w.Reject(ctx, []RowError{
		{
			Row:     refusal.Row,
			Line:    refusal.Line,
			Column:  refusal.Column,
			Code:    string(refusal.Reason),
			Message: refusal.Error(),
		},
	})
}

// Reject ends a check with the faults of the file, of which there is at least one; the first
// ShownErrors are kept.
func (w *Worker) Reject(ctx context.Context, faults []RowError) error {
	w.Job.Errors = faults[:min(len(faults), ShownErrors)]
	w.Job.Why = "Nothing was " + w.jobs.names.Done + "."
	if len(faults) > 0 && faults[0].Row == 0 || w.Job.Counts.Rows == 0 {
		w.Job.Why = faults[0].Message // of the file, and not of a row
	}
	return w.End(ctx, Rejected)
}

// Ready ends a check with a plan that waits to be applied.
func (w *Worker) Ready(ctx context.Context) error {
	w.Job.Attempts, w.Job.State = 0, Ready
	w.log(ctx, "checked")
	return w.save(ctx, 0, table.Delete(w.jobs.names.MarkerKey(w.Call.Account, w.Job.ID), table.Always))
}

// GoOn ends a check with a plan that is applied without being asked to.
func (w *Worker) GoOn(ctx context.Context) error {
	w.Job.Attempts, w.Job.State = 0, w.jobs.names.Applying
	if err := w.save(ctx, 0); err != nil {
		return err
	}
	w.jobs.WakeUp(ctx, w.Call.Account, w.Job.ID)
	return nil
}

// Fail ends a job of which no row was applied; why is for a person.
func (w *Worker) Fail(ctx context.Context, why string) error {
	w.Job.Why = why
	return w.End(ctx, Failed)
}

// CheckAgain has a file checked again of which no row was applied, since its plan no longer fits:
// the state has changed meanwhile, perhaps by another such job, and what the file wants is the
// same. A file that was checked again too often already fails.
func (w *Worker) CheckAgain(ctx context.Context, why string) error {
	if w.Job.Again == MostAgain {
		return w.Fail(ctx, why)
	}
	subject := w.jobs.names.Subject
	audit, err := w.Call.Audit(
		call.AuditEntry{
			Action:    subject + ".checkedAgain",
			Subject:   subject,
			SubjectID: w.Job.ID,
			After:     map[string]any{"why": why},
		},
	)
	if err != nil {
		return err
	}
	w.Job.Again++
	w.Job.State, w.Job.Attempts, w.Job.Chunks = Checking, 0, 0
	if err := w.save(ctx, 0, audit); err != nil {
		return err
	}
	w.jobs.WakeUp(ctx, w.Call.Account, w.Job.ID)
	return nil
}

// GiveUp ends a job that was tried too often while it was applied, and says how far it came: what
// was applied stays.
func (w *Worker) GiveUp(ctx context.Context, done Progress) error {
	if done.Row == w.Job.Counts.Rows {
		w.Job.Why = "Every row was done. The result file could not be written; what became of each row is listed here."
		return w.End(ctx, Completed)
	}
	return w.Fail(ctx, fmt.Sprintf(
		"It was tried %d times and did not come to its end. %d of %d rows were done, and stay so.",
		call.MostAttempts, done.Row, w.Job.Counts.Rows,
	))
}

// End writes the last state, takes the marker and the lease away, leaves an audit record, and wakes
// the job that waits for this one.
func (w *Worker) End(ctx context.Context, state State) error {
	at := w.jobs.env.Clock().UTC()
	w.Job.State, w.Job.EndedAt = state, &at
	if w.Job.Next != "" && state == Cancelled {
		w.Job.Why = "A newer version of the file came."
	}
	names := w.jobs.names
	audit, err := w.Call.Audit(call.AuditEntry{
		Action:    names.Subject + "." + string(state),
		Subject:   names.Subject,
		SubjectID: w.Job.ID,
		After:     map[string]any{"counts": w.Job.Counts, "why": w.Job.Why},
	})
	if err != nil {
		return err
	}
	ops := []table.Operation{audit, table.Delete(names.MarkerKey(w.Call.Account, w.Job.ID), table.Always)}
	noted, err := w.noted(state)
	if err != nil {
		return err
	}
	if err := w.save(ctx, 0, append(ops, noted...)...); err != nil {
		return err
	}
	w.log(ctx, string(state))
	if w.Job.Next != "" {
		w.jobs.WakeUp(ctx, w.Call.Account, w.Job.Next)
	}
	return nil
}

// noted notes a failure for the alert (requirements, section 12), and a success that ends one. A
// file that is rejected is a failure where nobody asked who would see it.
func (w *Worker) noted(state State) ([]table.Operation, error) {
	names := w.jobs.names
	switch {
	case state == Completed:
		return []table.Operation{failures.Forget(w.Call.Account, names.Subject)}, nil
	case state == Failed, state == Rejected && w.Job.Source != FromAPI:
		op, err := failures.Note(w.Call.Account, *w.Job.EndedAt, failures.Failure{
			Kind: names.Subject, ID: w.Job.ID, Detail: w.Job.FileName + ": " + w.Job.Why,
		})
		return []table.Operation{op}, err
	}
	return nil, nil
}

// NoLongerFits begins what a person reads of a stale plan.
func (n Names) NoLongerFits() string { return "The plan no longer fits; nothing was " + n.Done + ". " }
