package imports

import (
	"context"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/sheet"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/problem"
)

// Service carries out the use cases of imports.
type Service struct {
	env       *app.Env
	products  *catalog.Catalog
	hints     filejob.Hints
	directory *directory.Service
	jobs      *filejob.Jobs[planRow, View]
}

type (
	// worker is one worker's hold on an import.
	worker = filejob.Worker[planRow, View]
	// planner writes the plan of an import.
	planner = filejob.Planner[planRow, View]
)

// NewService makes the service; what rows want goes through the directory, and by it through the
// kernel.
func NewService(env *app.Env, kernel *license.Service) *Service {
	s := &Service{
		env:       env,
		products:  kernel.Products(),
		hints:     filejob.NewHints(kernel.Products().Select("", catalog.Metered)),
		directory: directory.NewService(env, kernel),
	}
	s.jobs = filejob.NewJobs(env, filejob.Module[planRow, View]{
		Names:     names,
		Size:      func(j filejob.Job) filejob.Size { return Kind(j.Kind).size() },
		CellChars: func(j filejob.Job) int { return Kind(j.Kind).cellChars() },
		OneByOne:  true,
		Judged:    func(r *planRow) *filejob.Judged { return &r.Judged },
		View:      view,
		Beside:    (*planRow).beside,
		Plan:      s.plan,
		Apply:     s.applier,
		Kept: func(j filejob.Job, header sheet.Row) ([]int, error) {
			at, err := readHeader(layouts[Kind(j.Kind)], header)
			return at.kept, err
		},
		Ended: s.settle,
	})
	return s
}

// Jobs are the imports, for the functions that take in their files and apply them.
func (s *Service) Jobs() filejob.Carrier { return s.jobs }

// settle gives, right after the last row, the grants that the rows call for, as far as the time
// allows. What is left has markers, and the maintenance function does it.
func (s *Service) settle(ctx context.Context, w *worker) {
	if err := s.directory.Settle(ctx, w.Call); err != nil {
		s.env.Log.WarnContext(
			ctx,
			"grants are left to maintenance",
			"error",
			err,
			"account",
			w.Call.Account,
			"import",
			w.Job.ID,
		)
	}
}

// reading are the imports of the kinds that the caller may read; one of another kind is as unknown
// as one that does not exist.
func (s *Service) reading(ctx context.Context) *filejob.Jobs[planRow, View] {
	return s.jobs.For(func(j filejob.Job) error {
		if read, _ := Kind(j.Kind).permissions(); !allows(ctx, read) {
			return problem.Missing(names.One)
		}
		return nil
	})
}

// managing are the imports of the kinds that the caller may change. Who may read one and not change
// it is told so.
func (s *Service) managing(ctx context.Context) *filejob.Jobs[planRow, View] {
	return s.jobs.For(func(j filejob.Job) error {
		switch read, manage := Kind(j.Kind).permissions(); {
		case allows(ctx, manage):
			return nil
		case allows(ctx, read):
			return lacks(manage)
		}
		return problem.Missing(names.One)
	})
}

func allows(ctx context.Context, p auth.Permission) bool {
	caller, _ := auth.From(ctx)
	return caller.Permissions.Has(p)
}

func lacks(p auth.Permission) error {
	return problem.Newf(problem.Forbidden, "The token needs the permission %s.", p)
}
