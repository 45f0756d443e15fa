// Package imports changes users, call queues and dashboards from a file: package filejob carries
// the file through, package directory decides and does what a single PUT would, and this package
// says what the rows of each kind of file are.
package imports

import (
	"context"
	"slices"

	"seatwise/shared/craft/sheet"
	"seatwise/shared/filejob"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

// Applying is the state in which a plan is applied.
const Applying filejob.State = "applying"

// Kind is what the rows of an import are.
type Kind string

// The kinds, called as in their paths.
const (
	Users      Kind = "users"
	CallQueues Kind = "call-queues"
	Dashboards Kind = "dashboards"
)

// permissions are what the single GET and PUT of the kind ask for (requirements, section 9).
func (k Kind) permissions() (read, manage auth.Permission) {
	if k == Dashboards {
		return auth.LiveReportsView, auth.LiveReportsFull
	}
	return auth.DirectoryRead, auth.DirectoryManage
}

// names is how imports are called.
var names = filejob.Names{
	One:       "import",
	Can:       "applied",
	Done:      "imported",
	Applying:  Applying,
	Subject:   "import",
	Actor:     "import",
	Path:      "imports",
	Partition: "IMPORT",
	Folder:    "imports/",
}

// refsInItem is how many of a row's members one item of the plan holds: a number of ids of 128
// characters fit into it. The others lie in items beside the plan.
const refsInItem = 2500

// size is how many rows of a kind belong together: a row of users takes about 1 KB, and at worst 6;
// one of call queues at most 340 KB, and judging it reads the queue as it is, with up to 20,000
// members; one of dashboards at most 8 KB.
func (k Kind) size() filejob.Size {
	switch k {
	case CallQueues:
		return filejob.Size{Chunk: 1, Batch: 1}
	case Dashboards:
		return filejob.Size{Chunk: 40, Batch: 8}
	case Users:
	case Licenses, PhonesOf: // exported only
	}
	return filejob.Size{Chunk: 50, Batch: 16}
}

// idsInCell is how many ids one cell of a list may have to take, and cellOfIDs their characters.
const (
	idsInCell = 80
	cellOfIDs = idsInCell * (128 + 1)
)

// cellChars is how many characters a cell may have. The 254 columns of a sheet that are left for
// members must take as many as a call queue may have: 80 ids of 128 characters and a semicolon
// each. The 40 call queues of a dashboard must find room in one.
func (k Kind) cellChars() int {
	if k == Users {
		return sheet.DefaultLimits().CellChars
	}
	return cellOfIDs
}

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
}

// beside takes out of a row the members that have no module in its item of the plan.
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
func (r *planRow) whole(ctx context.Context, w *worker) error {
	if r.More == 0 {
		return nil
	}
	items, err := w.Beside(ctx, r.Row, r.More)
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

// user is the rest of a row of users.
type user struct {
	Email       string   `json:"email,omitempty"`
	Extension   string   `json:"ext,omitempty"`
	Number      string   `json:"number,omitempty"`
	Inactive    bool     `json:"inactive,omitempty"`
	AgentSource string   `json:"agentSource,omitempty"`
	Roles       []string `json:"roles,omitempty"`
	Licenses    []string `json:"licenses,omitempty"`
	// HadExtension and HadNumber are what the user has at the check; the profile's version does not
	// tell of them.
	HadExtension string `json:"hadExt,omitempty"`
	HadNumber    string `json:"hadNumber,omitempty"`
}

// Difference is one part of a row that applying it changes.
type Difference struct {
	Field string `json:"field" enum:"name,email,extension,number,active,agentSource,roles,licenses,holdings,members,callQueues" doc:"holdings are the licenses that the user gets or loses by it. Of members and callQueues the first few are named who leave or join."`
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
