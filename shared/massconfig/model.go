// Package massconfig configures hundreds of phones from one file (spec 5): a file is checked without touching anything, the plan is shown, and exactly that
// plan is applied, once, in chunks that any worker can take over.
package massconfig

import (
	"time"

	"seatwise/shared/files"
	"seatwise/shared/license"
)

// State of a mass configuration (api.md).
type State string

// The states.
const (
	AwaitingUpload State = "awaitingUpload"
	Checking       State = "checking"
	Ready          State = "ready"
	Rejected       State = "rejected"
	Configuring    State = "configuring"
	Completed      State = "completed"
	Cancelled      State = "cancelled"
	Failed         State = "failed"
)

// Where a mass configuration comes from.
const (
	FromAPI  = "api"
	FromDrop = "drop"
	FromUndo = "undo"
)

// Outcome is what the check found of a row.
type Outcome string

// The outcomes.
const (
	New       Outcome = "new"
	Change    Outcome = "change"
	Unchanged Outcome = "unchanged"
	Bad       Outcome = "error"
)

// job is a mass configuration as it is stored.
type job struct {
	ID         string     `json:"id"`
	State      State      `json:"state"`
	Source     string     `json:"source"`
	FileName   string     `json:"fileName"`
	SizeBytes  int64      `json:"sizeBytes"`
	SHA256     string     `json:"sha256,omitempty"`
	SkipErrors bool       `json:"skipErrors,omitempty"`
	File       files.Ref  `json:"file"`
	Undoes     string     `json:"undoes,omitempty"`
	By         string     `json:"by"`
	CreatedAt  time.Time  `json:"createdAt"`
	EndedAt    *time.Time `json:"endedAt,omitempty"`
	// Lease is the Unix second until which a worker may be silent; Epoch counts the workers that had it.
	Lease int64 `json:"lease,omitempty"`
	Epoch int64 `json:"epoch,omitempty"`
	// Chunks is how many items hold the plan.
	Chunks int        `json:"chunks,omitempty"`
	Counts Counts     `json:"counts"`
	Needs  []Need     `json:"needs,omitempty"`
	Errors []RowError `json:"errors,omitempty"`
	Cancel bool       `json:"cancel,omitempty"`
	// Again counts how often a drop was checked again since its plan no longer fitted.
	Again  int        `json:"again,omitempty"`
	Result *files.Ref `json:"result,omitempty"`
	Why    string     `json:"why,omitempty"` // of a failure, for a person
}

// progress is how far the plan is applied. It is written in the commit of each batch of rows, so that a row is applied exactly once whoever runs.
type progress struct {
	Row     int `json:"row"`     // rows of the plan done, in the plan's order
	Applied int `json:"applied"` // of these, changed
	Refused int `json:"refused"` // of these, refused because of what changed since the check
	Chunk   int `json:"chunk"`
	Within  int `json:"within"` // rows of the chunk done
	// Drawn is how many of the seats that were reserved before the first row are taken, by product.
	Drawn map[string]int64 `json:"drawn,omitempty"`
}

// refusedRow is kept of a row that no longer fitted when its turn came.
type refusedRow struct {
	Place   int    `json:"place"` // in the plan, from 1
	Message string `json:"message"`
}

// Counts are the rows of a file by outcome.
type Counts struct {
	Rows      int `json:"rows"`
	New       int `json:"new"`
	Change    int `json:"change"`
	Unchanged int `json:"unchanged"`
	Error     int `json:"error"`
}

// Need is how many seats of a product the plan takes, against those that were free at the check.
type Need struct {
	ProductID string `json:"productId"`
	Wanted    int64  `json:"wanted"`
	Available int64  `json:"available"`
}

// RowError is a fault of the file: where, and what is wrong, for a person.
type RowError struct {
	Row     int    `json:"row" doc:"As a spreadsheet shows it, from 1; 0 for a fault of the whole file."`
	Column  string `json:"column,omitempty"`
	Message string `json:"message"`
}

// Difference is one part of a row that configuring changes.
type Difference struct {
	Field string `json:"field" enum:"user,number,license,addOns,extension" doc:"extension is the one that the user gives up for this row's."`
	From  string `json:"from"`
	To    string `json:"to"`
}

// target is what a row is, or shall be: an extension's number, user, Phone System license and add-ons.
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

// planRow is one row of a plan. A row of an undo may have no extension: it only puts back what its user held without one.
type planRow struct {
	Row       int          `json:"row"` // as the file has it; those of an undo have the numbers of the file that is undone
	Extension string       `json:"ext"`
	Wanted    target       `json:"wanted"`
	Before    target       `json:"before"`
	Outcome   Outcome      `json:"outcome"`
	Errors    []RowError   `json:"errors,omitempty"`
	Changes   []Difference `json:"changes,omitempty"`
	// Had is for undoing: what the wanted user had who comes from elsewhere.
	Had *owned `json:"had,omitempty"`
	// Expect is set in a plan that undoes: what the row must be still.
	Expect *target `json:"expect,omitempty"`
}

// key tells the sound rows of a plan apart: by the extension, or by the user if there is none.
func (r planRow) key() string {
	if r.Extension == "" {
		return "user " + r.Wanted.User
	}
	return r.Extension
}

// Row is a row of a plan as api.md shows it.
type Row struct {
	Row         int          `json:"row"`
	Extension   string       `json:"extension"`
	Number      string       `json:"number,omitempty"`
	UserID      string       `json:"userId,omitempty"`
	AddOns      []string     `json:"addOns" nullable:"false"`
	Outcome     Outcome      `json:"outcome" enum:"new,change,unchanged,error"`
	Differences []Difference `json:"differences" nullable:"false"`
	Errors      []RowError   `json:"errors" nullable:"false"`
}

// View is a mass configuration as api.md shows it.
type View struct {
	ID         string        `json:"id" format:"uuid"`
	State      State         `json:"state" enum:"awaitingUpload,checking,ready,rejected,configuring,completed,cancelled,failed"`
	Source     string        `json:"source" enum:"api,drop,undo"`
	FileName   string        `json:"fileName"`
	SizeBytes  int64         `json:"sizeBytes"`
	SkipErrors bool          `json:"skipErrors"`
	CreatedAt  time.Time     `json:"createdAt"`
	CreatedBy  string        `json:"createdBy"`
	EndedAt    *time.Time    `json:"endedAt,omitempty"`
	Percent    int           `json:"percent" minimum:"0" maximum:"100"`
	Counts     Counts        `json:"counts"`
	Applied    int           `json:"applied" doc:"Rows that were configured."`
	Refused    int           `json:"refused" doc:"Rows that no longer fitted when their turn came, and were left as they were."`
	Needs      []Need        `json:"needs" nullable:"false"`
	Errors     []RowError    `json:"errors" nullable:"false" doc:"The first 100; all are at /rows and in the result file."`
	Message    string        `json:"message,omitempty" doc:"Why it failed or was rejected as a whole."`
	Undoes     string        `json:"undoes,omitempty" doc:"The mass configuration that this one undoes."`
	Upload     *files.Upload `json:"upload,omitempty"`
	ResultURL  string        `json:"resultUrl,omitempty" doc:"The result file; a bearer secret, good for 15 minutes."`
}

const (
	// MaxFileBytes is the largest file (spec 5).
	MaxFileBytes = 20 << 20
	// uploadLife and resultLife are how long presigned URLs are good (spec 5.2).
	uploadLife = 15 * time.Minute
	resultLife = 15 * time.Minute
	// leaseLife is how long a worker may be silent before another takes over.
	leaseLife = 2 * time.Minute
	// chunkRows is how many rows of a plan one item holds. A usual row takes 1 KB and the worst one 7, so a chunk stays below 400 KB.
	chunkRows = 50
	// rowErrors is how many errors of one row are kept; the last of them says how many more there are.
	rowErrors = 10
	// mostAgain is how often a drop whose plan no longer fits is checked again by itself; nobody is there who could ask for it.
	mostAgain = 3
	// shownErrors is how many errors the mass configuration itself carries.
	shownErrors = 100
)

func (j job) view(p progress) View {
	v := View{
		ID: j.ID, State: j.State, Source: j.Source, FileName: j.FileName, SizeBytes: j.SizeBytes, SkipErrors: j.SkipErrors, CreatedAt: j.CreatedAt,
		CreatedBy: j.By, EndedAt: j.EndedAt, Counts: j.Counts, Applied: p.Applied, Refused: p.Refused, Needs: j.Needs, Errors: j.Errors,
		Message: j.Why, Undoes: j.Undoes,
	}
	if v.Needs == nil {
		v.Needs = []Need{}
	}
	if v.Errors == nil {
		v.Errors = []RowError{}
	}
	switch j.State {
	case Completed:
		v.Percent = 100
	case Configuring, Cancelled, Failed:
		if j.Counts.Rows > 0 {
			v.Percent = min(99, 100*p.Row/j.Counts.Rows)
		}
	case AwaitingUpload, Checking, Ready, Rejected:
	}
	return v
}

func (r planRow) view() Row {
	v := Row{
		Row: r.Row, Extension: r.Extension, Number: r.Wanted.Number, UserID: r.Wanted.User, AddOns: r.Wanted.AddOns, Outcome: r.Outcome,
		Differences: r.Changes, Errors: r.Errors,
	}
	if v.AddOns == nil {
		v.AddOns = []string{}
	}
	if v.Differences == nil {
		v.Differences = []Difference{}
	}
	if v.Errors == nil {
		v.Errors = []RowError{}
	}
	return v
}

// grant is the source of the grants that a mass configuration gives.
func (j job) grant() string { return license.MassConfigurationGrant(j.ID) }
