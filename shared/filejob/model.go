// Package filejob has the steps in which a file is carried through: an upload is asked for, the file
// is checked without touching anything, the plan is shown, and exactly that plan is applied, once,
// in commits that any worker can take over (requirements, sections 5 and 10). Mass configuration
// (package massconfig) and imports of the directory (package imports) call the steps in order, each
// in its work.go:
//
//	Workers.Uploaded, Work       somebody works on the job, and nobody else: a Worker
//	Worker.Open, EachRow         read the file, which is verified as a whole first
//	Plan.Write                   judge the rows by the module's Judge, and write the plan
//	Worker.Reject, Ready, GoOn   end the check
//	Plan.Changed                 judge the rows once more, before the first one is applied
//	Plan.Apply, Applying.Next    apply the rows, some in each Commit
//	Plan.WriteResult             write the result file
//	Worker.End                   end the job
//
// What travels between them is the Worker with its Job, the Plan, and the Progress. A worker that
// dies, is overtaken or runs out of time leaves the job as its last commit wrote it, and the next one
// goes on from there.
package filejob

import (
	"cmp"
	"time"

	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/lease"
)

// State of a job (docs/contract.md). The state in which its plan is applied has the module's own
// name: Names.Applying.
type State string

// The states.
const (
	AwaitingUpload State = "awaitingUpload"
	Checking       State = "checking"
	Ready          State = "ready"
	Rejected       State = "rejected"
	Completed      State = "completed"
	Cancelled      State = "cancelled"
	Failed         State = "failed"
)

// FromAPI is the source of a job that somebody asked for; modules have others.
const FromAPI = "api"

// Names is how a module's jobs are called.
type Names struct {
	One       string // for a person: "mass configuration"
	Can       string // what a ready one can be, for a person: "configured"
	Done      string // what an applied row is: "configured"
	Applying  State  // the state while its plan is applied
	Subject   string // in audit records: "massConfiguration"
	Actor     string // of what a worker does where nobody else is named: "mass-configuration"
	Path      string // below the account: "mass-configurations"
	Partition string // of the table: "MASSCONFIG"
	Folder    string // of object keys, behind the account; empty or with a slash at its end
}

// Job is a job as it is stored.
type Job struct {
	ID string `json:"id"`
	// Kind says what the rows are, in a module that has several kinds.
	Kind       string `json:"kind,omitempty"`
	State      State  `json:"state"`
	Source     string `json:"source"`
	FileName   string `json:"fileName"`
	SizeBytes  int64  `json:"sizeBytes"`
	SHA256     string `json:"sha256,omitempty"`
	SkipErrors bool   `json:"skipErrors,omitempty"`
	// Hidden says what becomes of hidden rows and columns; empty for hiddenReject.
	Hidden string    `json:"hidden,omitempty"`
	File   files.Ref `json:"file"`
	Undoes string    `json:"undoes,omitempty"`
	By     string    `json:"by"`
	// Cause is the request, or the delivery of the file, that this goes back to: the last one that
	// asked for something.
	Cause call.Cause `json:"cause"`
	// Rights are the permissions of who asked last: the file gives and takes no others. They are nil
	// when nobody asked, as of a file that was dropped.
	Rights    []auth.Permission `json:"rights,omitempty"`
	CreatedAt time.Time         `json:"createdAt"`
	EndedAt   *time.Time        `json:"endedAt,omitempty"`
	// Epoch counts the workers that had it, and Attempts those since it made progress; TriedAt is
	// when the last one began, and Reached how far the plan was applied then.
	Epoch    int64     `json:"epoch,omitempty"`
	Attempts int       `json:"attempts,omitempty"`
	TriedAt  time.Time `json:"triedAt,omitzero"`
	Reached  int       `json:"reached,omitempty"`
	// Refusal is why the file is refused whatever it holds; it is known when the file is taken in,
	// and who goes on with the job after a crash must know it too.
	Refusal string `json:"refusal,omitempty"`
	// After is a job about an older version of the same file, which must have ended before this one
	// begins, and Next the one that waits for this one.
	After string `json:"after,omitempty"`
	Next  string `json:"next,omitempty"`
	lease lease.Lease
	// Chunks is how many items hold the plan.
	Chunks int    `json:"chunks,omitempty"`
	Counts Counts `json:"counts"`
	Needs  []Need `json:"needs,omitempty"`
	// Seats are the needs by whom they are for: by the name that license.SeatsFor gives, those of people
	// who are of no fenced cost center together.
	Seats  map[string]int64 `json:"seats,omitempty"`
	Errors []RowError       `json:"errors,omitempty"`
	Cancel bool             `json:"cancel,omitempty"`
	// Again counts how often a job was checked again automatically since its plan no longer fitted.
	Again  int        `json:"again,omitempty"`
	Result *files.Ref `json:"result,omitempty"`
	Why    string     `json:"why,omitempty"` // of a failure, for a person
}

// What becomes of rows and columns of a workbook that are hidden and hold something (requirements,
// section 5).
const (
	hiddenReject = "reject" // the file is refused, naming them
	hiddenApply  = "apply"  // they count as all others do
	hiddenSkip   = "skip"   // they are left out
)

// Progress is how far the plan is applied. It is written in the commit of each batch of rows, so
// that a row is applied exactly once whoever runs.
type Progress struct {
	Row     int `json:"row"`     // rows of the plan done, in the plan's order
	Applied int `json:"applied"` // of these, changed
	Refused int `json:"refused"` // of these, refused because of what changed since the check
	Chunk   int `json:"chunk"`
	Within  int `json:"within"` // rows of the chunk done
	// Parts is how many commits of the next row are done, of one that takes several.
	Parts int `json:"parts,omitempty"`
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

// View is what every module shows of a job; modules embed it behind the id, the state and what else
// they show.
type View struct {
	FileName   string        `json:"fileName"`
	SizeBytes  int64         `json:"sizeBytes"`
	SkipErrors bool          `json:"skipErrors"`
	Hidden     string        `json:"hidden" enum:"reject,apply,skip" doc:"What becomes of hidden rows and columns, such as those that a filter hides."`
	CreatedAt  time.Time     `json:"createdAt"`
	CreatedBy  string        `json:"createdBy"`
	EndedAt    *time.Time    `json:"endedAt,omitempty"`
	Percent    int           `json:"percent" minimum:"0" maximum:"100"`
	Counts     Counts        `json:"counts"`
	Applied    int           `json:"applied" doc:"Rows that were applied."`
	Refused    int           `json:"refused" doc:"Rows that no longer fitted when their turn came, and were left as they were."`
	Errors     []RowError    `json:"errors" nullable:"false" doc:"The first 100; all are at /rows and in the result file."`
	Message    string        `json:"message,omitempty" doc:"Why it failed or was rejected as a whole."`
	Upload     *files.Upload `json:"upload,omitempty"`
	ResultURL  string        `json:"resultUrl,omitempty" doc:"The result file; a bearer secret, good for 15 minutes."`
}

const (
	// UploadLife and resultLife are how long presigned URLs are good (requirements, section 5.2).
	UploadLife = 15 * time.Minute
	resultLife = 15 * time.Minute
	// uploadGrace is how long an upload may take beyond its URL's life, which is looked at when it
	// begins, with the event that tells of it.
	uploadGrace = 10 * time.Minute
	// HandOn is how many seconds a worker leaves itself to hand its work on before its invocation
	// ends.
	HandOn = 20
	// MostAgain is how often a job that continues automatically is checked again when its plan no
	// longer fits; nobody is there who could ask for it.
	MostAgain = 3
	// ChunksAtOnce is how many chunks of a plan one commit writes: the largest are 350 KB each, and
	// a commit takes 4 MB.
	ChunksAtOnce = 10
	// ShownErrors is how many errors the job itself carries.
	ShownErrors = 100
	// loadsAtOnce is how many batches of rows are read at once: over a network, what a check waits
	// for is its reads.
	loadsAtOnce = 8
)

// view is the common part of what is shown of a job.
func (n Names) view(j Job, p Progress) View {
	v := View{
		FileName:   j.FileName,
		SizeBytes:  j.SizeBytes,
		SkipErrors: j.SkipErrors,
		Hidden:     cmp.Or(j.Hidden, hiddenReject),
		CreatedAt:  j.CreatedAt,
		CreatedBy:  j.By,
		EndedAt:    j.EndedAt,
		Counts:     j.Counts,
		Applied:    p.Applied,
		Refused:    p.Refused,
		Errors:     j.Errors,
		Message:    j.Why,
	}
	if v.Errors == nil {
		v.Errors = []RowError{}
	}
	switch j.State {
	case Completed:
		v.Percent = 100
	case n.Applying, Cancelled, Failed:
		if j.Counts.Rows > 0 {
			v.Percent = min(99, 100*p.Row/j.Counts.Rows)
		}
	case AwaitingUpload, Checking, Ready, Rejected:
	}
	return v
}
