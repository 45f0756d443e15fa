package massconfig

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Service carries out the use cases of mass configuration.
type Service struct {
	env       *app.Env
	kernel    *license.Service
	inventory *inventory.Service
	products  *catalog.Catalog
	addOns    []string // of Phone System, in the catalog's order
	hints     filejob.Hints
	directory *directory.Service
	jobs      *filejob.Jobs
	views     *filejob.Views[View]
}

// NewService makes the service; seats and extensions go through the kernel.
func NewService(env *app.Env, kernel *license.Service) *Service {
	s := &Service{
		env: env, kernel: kernel, inventory: inventory.NewService(kernel.Products()),
		products: kernel.Products(), directory: directory.NewService(env, kernel),
	}
	for _, p := range s.products.AddOns(catalog.PhoneSystemID) {
		s.addOns = append(s.addOns, p.ID)
	}
	s.hints = filejob.NewHints(s.products.AddOns(catalog.PhoneSystemID))
	s.jobs = filejob.NewJobs(env, names)
	s.views = filejob.NewViews(s.jobs, view)
	return s
}

// Jobs are the mass configurations, for the functions that take in their files and apply them.
func (s *Service) Jobs() filejob.Carrier { return s.workers() }

func (s *Service) workers() *filejob.Workers { return s.jobs.Workers(s.work) }

// Configure has a plan applied, once (requirements, section 5.4).
//
// Errors: wrong-state; not-enough-licenses and plan-stale, as enough says.
func (s *Service) Configure(ctx context.Context, c *call.Call, id string) (View, error) {
	return s.views.Start(ctx, c, id, s.enough)
}

// enough compares the seats that the plan needs with those that are free now.
//
// Errors: not-enough-licenses when the seats never sufficed; plan-stale when they did at the check
// and do no more.
func (s *Service) enough(ctx context.Context, c *call.Call, j filejob.Job) error {
	if len(j.Needs) == 0 {
		return nil
	}
	now, err := s.needed(ctx, c, j.Seats)
	if err != nil {
		return err
	}
	var short []lack
	never := false
	for _, need := range j.Needs {
		i := slices.IndexFunc(now, func(n filejob.Need) bool { return n.ProductID == need.ProductID })
		if i < 0 || now[i].Available >= need.Wanted {
			continue
		}
		short = append(short, lack{need, now[i].Available})
		never = never || need.Available < need.Wanted
	}
	if len(short) == 0 {
		return nil
	}
	return s.shortage(short, never)
}

// lack is a product of which a plan needs more seats than are free.
type lack struct {
	need filejob.Need
	free int64
}

// shortage names all products that lack seats; never says that those of one never sufficed.
func (s *Service) shortage(short []lack, never bool) *problem.Problem {
	details := make([]string, len(short))
	fields := make([]problem.Field, len(short))
	for i, l := range short {
		name := s.products.Name(l.need.ProductID)
		now := problem.Shortage(l.need.ProductID, name, l.need.Wanted, l.free)
		details[i] = now.Detail
		if !never {
			details[i] = fmt.Sprintf(
				"Not enough free %s licenses: %d wanted, %d free now, %d free when the plan was checked.",
				name, l.need.Wanted, l.free, l.need.Available,
			)
		}
		fields[i] = problem.Field{
			Field:   l.need.ProductID,
			Code:    problem.TooFew,
			Message: fmt.Sprintf("%d wanted, %d free", l.need.Wanted, l.free),
		}
	}
	p := problem.New(problem.PlanStale, strings.Join(details, " "))
	if never {
		first := short[0]
		p = problem.Shortage(first.need.ProductID, s.products.Name(first.need.ProductID), first.need.Wanted, first.free)
		for _, l := range short[1:] {
			p.Shorter(problem.Shortage(l.need.ProductID, s.products.Name(l.need.ProductID), l.need.Wanted, l.free))
		}
		p.Detail = strings.Join(details, " ")
	}
	if len(fields) > 1 {
		p.Fields = fields
	}
	return p
}

// Undo plans to put every row that a mass configuration applied back to what it was before; the
// plan is checked and shown like any other, and applied when it is asked for. Rows that changed
// since are left alone and named (requirements, section 5.6).
//
// Errors: wrong-state unless something was applied and nothing runs.
func (s *Service) Undo(ctx context.Context, c *call.Call, id string) (View, error) {
	if err := c.Begin(ctx); err != nil {
		return View{}, err
	}
	a, err := s.views.Ask(ctx, c, id)
	if err != nil {
		return View{}, err
	}
	done := a.Job
	if done.State != filejob.Completed && done.State != filejob.Cancelled && done.State != filejob.Failed ||
		a.Progress.Applied == 0 {
		return View{}, problem.Newf(
			problem.WrongState,
			"Only what was applied can be undone; this mass configuration is %s and applied %d rows.",
			done.State, a.Progress.Applied,
		)
	}
	j := filejob.Job{
		ID:         c.Env.IDs.Ordered(),
		State:      filejob.Checking,
		Source:     fromUndo,
		FileName:   "Undo " + done.FileName,
		SkipErrors: true,
		Undoes:     id,
		By:         c.Actor,
		CreatedAt:  c.At,
	}
	put, err := names.PutJob(c.Account, j, table.IfAbsent)
	if err != nil {
		return View{}, err
	}
	audit, err := s.jobs.Created(c, j, "")
	if err != nil {
		return View{}, err
	}
	view := s.views.Show(&filejob.Loaded{Job: j})
	if err := c.Commit(
		ctx, s.views.Accepted(c.Account, j.ID, 201, view), put, names.PutMarker(c.Account, j.ID), audit,
	); err != nil {
		return View{}, err
	}
	s.jobs.WakeUp(ctx, c.Account, j.ID)
	return view, nil
}
