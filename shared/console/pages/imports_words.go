package pages

import (
	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

// importNamesSay is how the cells of a file name people and things.
func importNamesSay(kind string) string {
	switch kind {
	case "users":
		return "In the column User stands the user's id, " + auth.UserIDRule + ". In the columns Role " +
			"stands a role's id, or its name if no other role has it; in the columns License a metered product's id. " +
			"In the column Cost Center stands a cost center's code, or its name if no other one has it."
	case "call-queues":
		return "In the columns Member stands a user's id or e-mail address, or their name if nobody else has it."
	}
	return "In the columns Call queue stands a call queue's id, or its name if no other one has it."
}

// importState is the state of an import as a pill.
func importState(m client.Import) (kind, word string) {
	if m.State == "ready" {
		if m.Counts.New+m.Counts.Change == 0 {
			return "", "nothing to apply"
		}
		return "warn", "waits to be applied"
	}
	return fileState(m.State, m.Refused, [2]string{"apply", "applied"})
}

// fileState is the state of a file's job as a pill, with the word for what its rows are, before and
// after.
func fileState(state string, refused int64, what [2]string) (kind, word string) {
	do, done := what[0], what[1]
	switch state {
	case "awaitingUpload":
		return "", "waiting for the file"
	case "checking":
		return "", "being checked"
	case "ready":
		return "warn", "ready to " + do
	case "applying", "configuring":
		return "", "being " + done
	case "completed":
		if refused > 0 {
			return "warn", done + " in part"
		}
		return "good", done
	case "rejected":
		return "bad", "rejected"
	case "cancelled":
		return "", "cancelled"
	}
	return "bad", state
}

// rowsVerb is what becomes, or became, of the rows of a file that change something: a file that left some of them
// out says only what they were meant for.
func rowsVerb(state string, refused int64) string {
	switch {
	case state == "rejected":
		return "would be "
	case state == "completed" && refused == 0:
		return "were "
	case state == "completed" || state == "cancelled" || state == "failed":
		return "were to be "
	}
	return "will be "
}

// rowsStay is the same of rows that change nothing.
func rowsStay(state string) string {
	if state == "completed" || state == "cancelled" || state == "failed" {
		return "stayed as they were"
	}
	return "stay as they are"
}

// rowsHead heads the column of what applying a row does, or did.
func rowsHead(state string, refused int64) string {
	switch rowsVerb(state, refused) {
	case "were ":
		return "What happened"
	case "will be ":
		return "What will happen"
	}
	return "What would happen"
}

// importLead is one sentence below the file's name.
func importLead(c *web.Context, p importPlan) string {
	f := c.Format()
	switch p.State {
	case "awaitingUpload":
		return "The file has not come yet. Nothing has been changed."
	case "checking":
		return "The file is being checked. Nothing has been changed."
	case "ready":
		return "Checked, and not applied: nothing has been changed yet."
	case "rejected":
		return "The file is rejected. Nothing has been changed."
	case "applying":
		return "It is being applied."
	case "completed":
		return f.Count(p.Applied, "row was", "rows were") + " applied."
	}
	how := "It failed"
	if p.State == "cancelled" {
		how = "It was cancelled"
	}
	if p.Applied > 0 {
		return how + " after " + f.Count(p.Applied, "row was", "rows were") + " applied; these stay."
	}
	return how + ". Nothing was changed."
}

// importJob is what goes on.
func importJob(c *web.Context, p importPlan) view.Job {
	j := view.Job{Running: true, Stage: p.State, Percent: p.Percent}
	switch {
	case p.State == "applying":
		j.State = c.Format().Number(p.Applied) + " of " + c.Format().Count(p.applies(), "row", "rows") + " applied."
	case p.State == "checking":
		j.State, j.Unmeasured = "Every row is compared with what is there now.", true
	default:
		j.State, j.Unmeasured = "The file has arrived. Its check begins.", true
	}
	return j
}

// importNote is what is to be known of an import, and what can be done; kind is empty for nothing.
func importNote(c *web.Context, p importPlan) (kind, said, todo string) {
	f := c.Format()
	switch {
	case p.State == "rejected" && p.Counts.Rows > 0:
		return "bad", f.Count(p.Counts.Error, "row has an error", "rows have errors") + ", so nothing is applied.",
			mendSays(p.Counts.Error)
	case p.State == "rejected":
		return "bad", "The file cannot be used.", ""
	case p.State == "ready" && p.applies() == 0:
		return "good", "There is nothing to apply.", "Every row is as it is wanted already, or has an error."
	case p.State == "ready" && p.Counts.Error > 0:
		return "warn", f.Count(p.Counts.Error, "row with an error is", "rows with errors are") + " left out.",
			"All others will be applied."
	case p.Refused > 0:
		return "warn", f.Count(p.Refused, "row", "rows") +
				" no longer fitted when they were due, and stayed as they were.",
			"The result file says why. Upload a file with these rows to try again."
	case p.State == "failed":
		return "bad", "It failed.", ""
	}
	return "", "", ""
}

// mendSays is what can be done about rows with errors.
func mendSays(rows int64) string {
	if rows == 1 {
		return "Mend it in the file and upload it again, or upload it again and leave this row out."
	}
	return "Mend them in the file and upload it again, or upload it again and leave these rows out."
}

// leaveOut is the link that uploads a file without its rows with errors.
func leaveOut(rows int64) string {
	return "Upload it again and leave " + plural(rows, "this row", "these rows") + " out"
}

// importReasons are why a file was refused whole, or what failed.
func importReasons(p importPlan) []string {
	var list []string
	if p.Counts.Rows == 0 {
		for _, e := range p.Errors {
			list = append(list, e.Message)
		}
	}
	if len(list) == 0 && p.Message != "" && p.State != "rejected" {
		list = append(list, p.Message)
	}
	return list
}

// applySays is what happens when an import is applied.
func applySays(c *web.Context, p importPlan) string {
	f := c.Format()
	text := f.Count(p.applies(), "row", "rows") + " will be applied: " + f.Number(p.Counts.New) +
		" will be created and " + f.Number(p.Counts.Change) + " updated."
	if p.Counts.Unchanged > 0 {
		text += " " + f.Count(p.Counts.Unchanged, "row is", "rows are") + " as wanted already."
	}
	if p.Counts.Error > 0 {
		text += " " + f.Count(p.Counts.Error, "row has an error and is", "rows have errors and are") + " left out."
	}
	return text
}

// applyMeans is what follows from rows of a kind.
func applyMeans(kind string) string {
	switch kind {
	case "users":
		return "Who is made inactive gives back all that they hold. What is not in the file stays as it is."
	case "call-queues":
		return "The members of a call queue become those of its row. Who joins a monitored one needs a license of Live Reports, and waits if none is free; who leaves the last one gives theirs back."
	}
	return "The call queues of a dashboard become those of its row. Their members need a license of Live Reports, and wait if none is free."
}

func stopSays(p importPlan) string {
	if p.State == "applying" {
		return "It stops between two rows. Rows that are applied by then stay as they are now."
	}
	return "Nothing has been applied, and nothing will be. To import the file later, upload it again."
}
