// Package massconfig configures hundreds of phones from one file (requirements, section 5): package
// filejob carries the file through, and this one says what its rows are, what configures them and
// what undoes that.
package massconfig

import (
	"seatwise/shared/filejob"
	"seatwise/shared/license"
)

// configuring is the state in which a plan is applied (docs/contract.md).
const configuring filejob.State = "configuring"

// Where a mass configuration comes from, beside filejob.FromAPI.
const (
	fromDrop = "drop"
	fromUndo = "undo"
)

// names is how mass configurations are called.
var names = filejob.Names{
	One:       "mass configuration",
	Can:       "configured",
	Done:      "configured",
	Applying:  configuring,
	Subject:   "massConfiguration",
	Actor:     "mass-configuration",
	Path:      "mass-configurations",
	Partition: "MASSCONFIG",
}

// chunkRows is how many rows of a plan one item holds. A usual row takes 1 KB and the worst one 7,
// so a chunk stays below 400 KB.
const chunkRows = 50

// judgeBatch is how many rows are judged on one read: an extension, a user and a number each, and
// the account, are the 100 keys of a lookup.
const judgeBatch = 33

// Difference is one part of a row that configuring changes.
type Difference struct {
	Field string `json:"field" enum:"user,number,license,addOns,extension" doc:"extension is the one that the user gives up for this row's."`
	From  string `json:"from"`
	To    string `json:"to"`
}

// target is what a row is, or shall be: an extension's number, user, Phone System license and
// add-ons.
type target struct {
	Number   string   `json:"number,omitempty"`
	User     string   `json:"user,omitempty"`
	Licensed bool     `json:"licensed,omitempty"`
	AddOns   []string `json:"addOns,omitempty"` // product ids in the catalog's order
}

// owned is what the user of a row had when the row found them elsewhere than on its extension.
type owned struct {
	Extension string   `json:"ext,omitempty"`
	Number    string   `json:"number,omitempty"`
	Licensed  bool     `json:"licensed,omitempty"`
	AddOns    []string `json:"addOns,omitempty"`
}

// planRow is one row of a plan; those of an undo have the row numbers of the file that is undone. A
// row of an undo may have no extension: it only puts back what its user held without one.
type planRow struct {
	filejob.Judged
	Extension string `json:"ext"`
	Wanted    target `json:"wanted"`
	Before    target `json:"before"`
	// Had is for undoing: what the wanted user had who comes from elsewhere.
	Had *owned `json:"had,omitempty"`
	// Expect is set in a plan that undoes: what the row must be still.
	Expect *target `json:"expect,omitempty"`
}

// key tells the sound rows of a plan apart: by the extension, or by the user if there is none.
func (r *planRow) key() string {
	if r.Extension == "" {
		return "user " + r.Wanted.User
	}
	return r.Extension
}

// Row is a row of a plan as docs/contract.md shows it.
type Row struct {
	Row         int                `json:"row"`
	Extension   string             `json:"extension"`
	Number      string             `json:"number,omitempty"`
	UserID      string             `json:"userId,omitempty"`
	AddOns      []string           `json:"addOns" nullable:"false"`
	Outcome     filejob.Outcome    `json:"outcome" enum:"new,change,unchanged,error"`
	Differences []Difference       `json:"differences" nullable:"false"`
	Errors      []filejob.RowError `json:"errors" nullable:"false"`
}

// View is a mass configuration as docs/contract.md shows it.
type View struct {
	ID     string        `json:"id" format:"uuid"`
	State  filejob.State `json:"state" enum:"awaitingUpload,checking,ready,rejected,configuring,completed,cancelled,failed"`
	Source string        `json:"source" enum:"api,drop,undo"`
	filejob.View
	Needs  []filejob.Need `json:"needs" nullable:"false"`
	Undoes string         `json:"undoes,omitempty" doc:"The mass configuration that this one undoes."`
}

func view(j filejob.Job, common filejob.View) View {
	v := View{ID: j.ID, State: j.State, Source: j.Source, View: common, Needs: j.Needs, Undoes: j.Undoes}
	if v.Needs == nil {
		v.Needs = []filejob.Need{}
	}
	return v
}

func (r *planRow) view() Row {
	v := Row{
		Row:         r.Row,
		Extension:   r.Extension,
		Number:      r.Wanted.Number,
		UserID:      r.Wanted.User,
		AddOns:      r.Wanted.AddOns,
		Outcome:     r.Outcome,
		Differences: make([]Difference, len(r.Changes)),
		Errors:      r.Errors,
	}
	for i, d := range r.Changes {
		v.Differences[i] = Difference(d)
	}
	if v.AddOns == nil {
		v.AddOns = []string{}
	}
	if v.Errors == nil {
		v.Errors = []filejob.RowError{}
	}
	return v
}

// grant is the source of the grants that a mass configuration gives.
func grant(j filejob.Job) string { return license.MassConfigurationGrant(j.ID) }
