package filejob

import (
	"context"

	"seatwise/shared/craft/sheet"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

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

// Size is how many rows of a plan belong together.
type Size struct {
	// Chunk is how many rows one item holds; that many of the largest must stay below 400 KB.
	Chunk int
	// Batch is how many rows are judged on one Load.
	Batch int
}

// Module is what a module adds to the machinery. R is a row of its plan, which embeds Judged, and V
// is what it shows of a job, which embeds View.
type Module[R, V any] struct {
	Names
	// Size is how many rows of a job belong together.
	Size func(j Job) Size
	// CellChars is how many characters a cell of a job's file may have. Nil where what package
	// sheet takes is enough.
	CellChars func(j Job) int
	// OneByOne has each row that there is something to do for applied in a commit of its own;
	// otherwise a commit takes as many as fit into it.
	OneByOne bool
	// Judged is the common part of a row.
	Judged func(r *R) *Judged
	// View is what the module shows of a job.
	View func(j Job, common View) V
	// Beside takes out of a row what has no module in the plan, in parts of which each fits into an
	// item and all into a commit; Worker.Beside reads them again. The row says how many there are.
	// Nil where every row fits.
	Beside func(r *R) (parts []any)
	// Plan makes the plan of a job by a Planner; it says which seats the plan needs.
	//
	// Errors: a *sheet.Refusal when the file is refused whole.
	Plan func(ctx context.Context, w *Worker[R, V], p *Planner[R, V]) ([]Need, error)
	// ByItself says whether a checked job is applied without being asked to. Without it none is.
	ByItself func(j Job) bool
	// MayStart is asked before a plan is applied; its problem says why it cannot be. May be nil.
	MayStart func(ctx context.Context, c *call.Call, j Job) error
	// Apply is asked for what applies the plan of a job.
	Apply func(ctx context.Context, w *Worker[R, V]) (Applier[R], error)
	// Kept are the columns that the result file repeats of a file with this header.
	Kept func(j Job, header sheet.Row) ([]int, error)
	// Listed are the cells of a row, under a header, for the result of a plan that came from no
	// file. Nil where every plan comes from one.
	Listed func() (header []string, cells func(r *R) []string)
	// Ended is told when a plan was applied to its end, or cancelled on the way; may be nil.
	Ended func(ctx context.Context, w *Worker[R, V])
}

// Applier applies the rows of one plan.
type Applier[R any] interface {
	// Begin looks at the plan once more before its first row is applied, and keeps what it takes.
	// The answer says why the plan no longer fits, and is empty when it does; the worker then goes
	// on, or fails the job after End.
	Begin(ctx context.Context) (why string, err error)
	// Batch begins a commit of some rows, behind the progress.
	Batch(ctx context.Context, rows []R, p Progress) (Batch[R], error)
	// End gives back what was kept and not used. It may be called again, and without Begin by
	// another worker.
	End(ctx context.Context, p Progress) error
}

// Batch is one commit of rows that are applied.
type Batch[R any] interface {
	// Apply does what a row wants, within the commit.
	//
	// Errors: a problem refuses this row and leaves the others; ErrPart says that this commit does
	// a part of the row, and that the next one goes on with it.
	Apply(ctx context.Context, r *R) error
	// Operations are those of the rows that were applied; it may note on the progress what the
	// module keeps there.
	Operations(p *Progress) ([]table.Operation, error)
	// Committed does what follows the commit, which stands whatever becomes of it.
	Committed(ctx context.Context)
}

// Jobs are the jobs of one module.
type Jobs[R, V any] struct {
	env    *app.Env
	module Module[R, V]
	// may says whether a caller may do with a job what they ask for; nil for whoever may call the
	// operation.
	may func(Job) error
}

// NewJobs makes the jobs of a module.
func NewJobs[R, V any](env *app.Env, module Module[R, V]) *Jobs[R, V] {
	return &Jobs[R, V]{env: env, module: module}
}

// Names is how the jobs are called.
func (s *Jobs[R, V]) Names() Names { return s.module.Names }

// For are the jobs as a caller may see them, who may not do everything with every job: may returns
// nil, or the problem to answer. Lists leave such jobs out.
func (s *Jobs[R, V]) For(may func(Job) error) *Jobs[R, V] {
	return &Jobs[R, V]{env: s.env, module: s.module, may: may}
}
