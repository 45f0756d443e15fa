// Package imports changes users, call queues and dashboards from a file: package filejob carries
// the file through, package directory decides and does what a single PUT would, and this package
// says what the rows of each kind of file are.
package imports

import (
	"context"
	"slices"

	"seatwise/shared/filejob"
	"seatwise/shared/platform/call"
)

// applying is the state in which a plan is applied.
const applying filejob.State = "applying"

// names is how imports are called.
var names = filejob.Names{
	One:       "import",
	Can:       "applied",
	Done:      "imported",
	Applying:  applying,
	Subject:   "import",
	Actor:     "import",
	Path:      "imports",
	Partition: "IMPORT",
	Folder:    "imports/",
}

// refsInItem is how many of a row's members one item of the plan holds: a number of ids of 128
// characters fit into it. The others lie in items beside the plan.
const refsInItem = 2500

// planRow is one row of a plan: what the user, call queue or dashboard shall be, and what of its
// present state that relies on.
type planRow struct {
	filejob.Judged
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	// Version is that of what there is of this id; 0 when there is nothing.
	Version int64 `json:"version,omitempty"`
	// Refs are the members of a call queue, or the call queues of a dashboard.
	Refs []string `json:"refs,omitempty"`
	// More is how many items beside the plan hold the rest of them.
	More int   `json:"more,omitempty"`
	User *user `json:"user,omitempty"`
	// Keeps are the fields that stay as they are, since the file has no column of theirs.
	Keeps []string `json:"keeps,omitempty"`
}

func (r *planRow) keeps(field string) bool { return slices.Contains(r.Keeps, field) }

// beside takes out of a row the members that have no room in its item of the plan.
func (r *planRow) beside() []any {
	if len(r.Refs) <= refsInItem {
		return nil
	}
	var parts []any
	for part := range slices.Chunk(r.Refs[refsInItem:], refsInItem) {
		parts = append(parts, part)
	}
	r.Refs, r.More = r.Refs[:refsInItem], len(parts)
	return parts
}

// whole puts back into a row of the plan the members that lie beside it.
func (r *planRow) whole(ctx context.Context, p plan) error {
	if r.More == 0 {
		return nil
	}
	items, err := p.ReadBeside(ctx, r.Row, r.More)
	if err != nil {
		return err
	}
	refs := slices.Clone(r.Refs)
	for _, item := range items {
		part, err := call.Decode[[]string](item)
		if err != nil {
			return err
		}
		refs = append(refs, part...)
	}
	r.Refs, r.More = refs, 0
	return nil
}

// Difference is one part of a row that applying it changes.
type Difference struct {
	Field string `json:"field" enum:"name,email,extension,number,active,agentSource,costCenter,roles,licenses,holdings,members,callQueues" doc:"holdings are the licenses that the user gets or loses by it. Of members and callQueues the first few are named who leave or join."`
	From  string `json:"from"`
	To    string `json:"to"`
}

// Row is a row of a plan as it is shown.
type Row struct {
	Row         int                `json:"row"`
	ID          string             `json:"id" doc:"Of the user, call queue or dashboard."`
	Name        string             `json:"name,omitempty"`
	Outcome     filejob.Outcome    `json:"outcome" enum:"new,change,unchanged,error"`
	Differences []Difference       `json:"differences" nullable:"false"`
	Errors      []filejob.RowError `json:"errors" nullable:"false"`
}

// View is an import as it is shown.
type View struct {
	ID     string        `json:"id" format:"uuid"`
	Kind   Kind          `json:"kind" enum:"users,call-queues,dashboards"`
	State  filejob.State `json:"state" enum:"awaitingUpload,checking,ready,rejected,applying,completed,cancelled,failed"`
	Source string        `json:"source" enum:"api"`
	filejob.View
}

func view(j filejob.Job, common filejob.View) View {
	return View{ID: j.ID, Kind: Kind(j.Kind), State: j.State, Source: j.Source, View: common}
}

func (r *planRow) view() Row {
	v := Row{
		Row:         r.Row,
		ID:          r.ID,
		Name:        r.Name,
		Outcome:     r.Outcome,
		Differences: make([]Difference, len(r.Changes)),
		Errors:      r.Errors,
	}
	for i, d := range r.Changes {
		v.Differences[i] = Difference(d)
	}
	if v.Errors == nil {
		v.Errors = []filejob.RowError{}
	}
	return v
}
