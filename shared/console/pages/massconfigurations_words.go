package pages

import (
	"slices"
	"strconv"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

// massState is the state of a mass configuration as a pill.
func massState(m client.MassConfiguration) (kind, word string) {
	if m.Undoes != "" {
		return fileState(m.State, m.Refused, [2]string{"put back", "put back"})
	}
	return fileState(m.State, m.Refused, [2]string{"configure", "configured"})
}

// undoneIn says whether one of some files put back what another had configured.
func undoneIn(list []client.MassConfiguration, id string) bool {
	return slices.ContainsFunc(list, func(m client.MassConfiguration) bool {
		return m.Undoes == id && m.State == "completed"
	})
}

// rowsSay says what the check of a file found, in a list.
func rowsSay(f *view.Format, counts client.RowCounts) string {
	var parts []string
	for _, one := range []struct {
		n     int64
		words [2]string
	}{
		{counts.New, [2]string{"new", "new"}},
		{counts.Change, [2]string{"change", "changes"}},
		{counts.Unchanged, [2]string{"unchanged", "unchanged"}},
		{counts.Error, [2]string{"error", "errors"}},
	} {
		if one.n > 0 {
			parts = append(parts, f.Count(one.n, one.words[0], one.words[1]))
		}
	}
	return strings.Join(parts, ", ")
}

// hasResult says that there is a file with what became of each row.
func hasResult(m client.MassConfiguration) bool {
	return m.ResultURL != "" || m.Counts.Rows > 0 && (m.State == "completed" || m.State == "rejected")
}

// massSource says how a file came, where nobody uploaded it.
func massSource(m client.MassConfiguration) string {
	switch m.Source {
	case "drop":
		return "file drop"
	case "undo":
		return "undo"
	}
	return ""
}

func sample(c *web.Context, format string, filled bool) string {
	link := c.Link(massPath, "sample") + "?format=" + format
	if filled {
		link += "&filled=true"
	}
	return link
}

// planLead is one sentence below the file's name.
func planLead(c *web.Context, p plan) string {
	f := c.Format()
	switch p.State {
	case "awaitingUpload":
		return "The file has not come yet. Nothing has been changed."
	case "checking":
		return "The file is being checked. Nothing has been changed."
	case "ready":
		if p.undo() {
			return "This plan puts rows back to what they were. Nothing has been changed yet."
		}
		return "Checked. Nothing has been changed yet."
	case "rejected":
		return "The file is rejected. Nothing has been changed."
	case "configuring":
		return "It is being " + p.done() + "."
	case "completed":
		return f.Count(p.Applied, "row is", "rows are") + " " + p.done() + "."
	case "cancelled":
		if p.Applied > 0 {
			n := f.Count(p.Applied, "row was", "rows were")
			return "It was cancelled after " + n + " " + p.done() + "; these stay."
		}
		return "It was cancelled. Nothing was changed."
	}
	if p.Applied > 0 {
		return "It failed after " + f.Count(p.Applied, "row was", "rows were") + " " + p.done() + "; these stay."
	}
	return "It failed. Nothing was changed."
}

// done is what becomes of a row of the plan: an undo puts it back.
func (p plan) done() string {
	if p.undo() {
		return "put back"
	}
	return "configured"
}

// planJob is what goes on.
func planJob(c *web.Context, p plan) view.Job {
	j := view.Job{Running: true, Stage: p.State, Percent: p.Percent}
	switch p.State {
	case "configuring":
		n := c.Format()
		j.State = n.Number(p.Applied) + " of " + n.Count(p.applies(), "row", "rows") + " " + p.done() + "."
	case "checking":
		j.State, j.Unmeasured = "Every row is compared with what is there now.", true
	default:
		j.State, j.Unmeasured = "The file has arrived. Its check begins.", true
	}
	return j
}

// planNote is what is to be known of a plan, and what can be done: kind is empty for nothing.
func planNote(c *web.Context, p plan) (kind, said, todo string) {
	f := c.Format()
	switch {
	case p.State == "rejected" && p.Counts.Rows > 0:
		return "bad", f.Count(p.Counts.Error, "row has an error", "rows have errors") + ", so nothing is applied.",
			mendSays(p.Counts.Error)
	case p.State == "rejected":
		return "bad", "The file cannot be used.", ""
	case p.State == "ready" && p.applies() == 0:
		return "good", "There is nothing to configure.", nothingSays(p)
	case p.State == "ready" && len(p.short()) > 0:
		return "warn", "There are not enough free seats.", "Buy what is missing, then configure. What is free is counted each time this page is loaded."
	case p.State == "ready" && p.Counts.Error > 0 && p.undo():
		return "warn", f.Count(p.Counts.Error, "row was changed since and stays as it is now.",
				"rows were changed since and stay as they are now."),
			"Each is named below with the reason."
	case p.State == "ready" && p.Counts.Error > 0:
		return "warn", f.Count(p.Counts.Error, "row with an error is", "rows with errors are") + " left out.",
			"All others are applied when you configure."
	case p.State == "failed":
		return "bad", "It could not be finished.", "Upload the file again to go on from what is there now."
	case p.Refused > 0:
		return "warn", f.Count(p.Refused, "row no longer fitted when it was due, and stayed as it was.",
				"rows no longer fitted when they were due, and stayed as they were."),
			"The result file says why. Upload a file with these rows to try again."
	case p.State == "completed" && p.Counts.Error > 0 && !p.undo():
		return "warn", f.Count(p.Counts.Error, "row with an error was", "rows with errors were") + " left out.",
			"Each is named below with the reason, and in the result file. Upload a file with these rows to try again."
	}
	return "", "", ""
}

// reasons are why a file was refused whole, or what failed. Errors of rows stand beside the rows.
func reasons(p plan) []string {
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

func nothingSays(p plan) string {
	if p.Counts.Error > 0 && p.undo() {
		return "Rows that were changed since stay as they are now. Each is named below."
	}
	if p.Counts.Error > 0 {
		return "Every other row is as it is wanted already; the rows with errors are left out."
	}
	return "Every row is as it is wanted already."
}

// inRow is where an error is in its row.
func inRow(e client.FileError) string {
	var parts []string
	if e.Line > 0 {
		parts = append(parts, "line "+strconv.FormatInt(e.Line, 10))
	}
	if e.Column != "" {
		parts = append(parts, "column "+e.Column)
	}
	if len(parts) == 0 {
		return ""
	}
	return title(strings.Join(parts, ", "))
}

var outcomeKinds = map[string]string{rowError: "bad", rowChange: "warn", "new": "good"}

// outcomeTabs are the filters of the rows of a file: of outcomes that there are. errors is what
// those with an error are called.
func outcomeTabs(counts client.RowCounts, outcome, errors string) []view.Option {
	tabs := []view.Option{{Value: allRows, Name: "All rows"}}
	for _, one := range []struct {
		n          int64
		value, tab string
	}{
		{counts.Error, rowError, errors},
		{counts.New, "new", "New"},
		{counts.Change, rowChange, "Change"},
		{counts.Unchanged, "unchanged", "Unchanged"},
	} {
		if one.n > 0 || outcome == one.value {
			tabs = append(tabs, view.Option{Value: one.value, Name: one.tab})
		}
	}
	return tabs
}

func errorTab(p plan) string {
	if p.undo() {
		return "Left as they are"
	}
	return "Errors"
}

// outcomeOf is the outcome of a row as a pill. A row that an undo leaves alone is no error.
func outcomeOf(p plan, row client.MassConfigurationRow) (kind, word string) {
	if p.undo() && row.Outcome == rowError {
		return "warn", "left as it is"
	}
	return outcomeKinds[row.Outcome], row.Outcome
}

// configureWord is what a plan is carried out by.
func configureWord(p plan) string {
	if p.undo() {
		return "Put back"
	}
	return "Configure"
}

func configureTitle(c *web.Context, p plan) string {
	if p.undo() {
		return "Put " + c.Format().Count(p.applies(), "row", "rows") + " back?"
	}
	return "Configure this file?"
}

// configureSays is what happens when the plan is configured.
func configureSays(c *web.Context, p plan) string {
	f := c.Format()
	text := f.Count(p.applies(), "row", "rows") + " will be applied"
	if p.Counts.New > 0 && p.Counts.Change > 0 {
		text += ": " + f.Number(p.Counts.New) + " new and " + f.Number(p.Counts.Change) + " changed"
	}
	text += "."
	if p.Counts.Unchanged > 0 {
		text += " " + f.Count(p.Counts.Unchanged, "row is", "rows are") + " as wanted already."
	}
	if p.Counts.Error > 0 {
		text += " " + f.Count(p.Counts.Error, "row has an error and is left out.", "rows have errors and are left out.")
	}
	return text
}

func cancelSays(p plan) string {
	if p.State == "configuring" {
		return "It stops between two rows. Rows that are configured by then stay as they are now; they can be undone afterwards."
	}
	return "Nothing has been applied, and nothing will be. To configure the file later, upload it again."
}

func errorsAre(p plan) string {
	if p.undo() {
		return "left as they are now"
	}
	return "errors"
}

func cameBy(m client.MassConfiguration) string {
	switch m.Source {
	case "drop":
		return "A file drop: it is configured without being asked to"
	case "undo":
		return "Undo"
	}
	return "An upload"
}

func skips(skip bool) string {
	if skip {
		return "true"
	}
	return ""
}

func uploadTo(u view.UploadForm, action string) view.UploadForm {
	u.Action = action
	return u
}
