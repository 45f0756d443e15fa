package imports

import (
	"context"

	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/license"
	"seatwise/shared/platform/access"
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
	jobs      *filejob.Jobs
	views     *filejob.Views[View]
}

// NewService makes the service; what rows want goes through the directory, and by it through the
// kernel.
func NewService(env *app.Env, kernel *license.Service) *Service {
	s := &Service{
		env:       env,
		products:  kernel.Products(),
		hints:     filejob.NewHints(kernel.Products().Select("", catalog.Metered)),
		directory: directory.NewService(env, kernel),
	}
	s.jobs = filejob.NewJobs(env, names)
	s.views = filejob.NewViews(s.jobs, view)
	return s
}

// Jobs are the imports, for the functions that take in their files and apply them.
func (s *Service) Jobs() filejob.Carrier { return s.jobs.Workers(s.work) }

// reading are the imports of the kinds that the caller may read; one of another kind is as unknown
// as one that does not exist.
func (s *Service) reading(ctx context.Context) *filejob.Views[View] {
	return s.views.For(func(j filejob.Job) error {
		if !allows(ctx, of(Kind(j.Kind)).read) {
			return problem.Missing(names.One)
		}
		return nil
	})
}

// managing are the imports of the kinds that the caller may change. Who may read one and not change
// it is told so.
func (s *Service) managing(ctx context.Context) *filejob.Views[View] {
	return s.views.For(func(j filejob.Job) error {
		switch k := of(Kind(j.Kind)); {
		case allows(ctx, k.manage):
			return nil
		case allows(ctx, k.read):
			return lacks(k.manage)
		}
		return problem.Missing(names.One)
	})
}

func allows(ctx context.Context, p auth.Permission) bool {
	caller, _ := access.Caller(ctx) // who could not be read may do nothing
	return caller.Permissions.Has(p)
}

func lacks(p auth.Permission) error {
	return problem.Newf(problem.Forbidden, "The token needs the permission %s.", p)
}
