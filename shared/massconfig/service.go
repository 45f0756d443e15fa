package massconfig

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/sheet"
	"seatwise/shared/craft/workbook/csvout"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/events"
	"seatwise/shared/platform/files"
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
	jobs      *filejob.Jobs[planRow, View]
}

// worker is one worker's hold on a mass configuration.
type worker = filejob.Worker[planRow, View]

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
	s.jobs = filejob.NewJobs(env, filejob.Module[planRow, View]{
		Names:    names,
		Size:     func(filejob.Job) filejob.Size { return filejob.Size{Chunk: chunkRows, Batch: judgeBatch} },
		Judged:   func(r *planRow) *filejob.Judged { return &r.Judged },
		View:     view,
		Plan:     s.plan,
		ByItself: func(j filejob.Job) bool { return j.Source == FromDrop },
		MayStart: s.enough,
		Apply:    s.applier,
		Kept: func(_ filejob.Job, header sheet.Row) ([]int, error) {
			at, err := readHeader(header)
			return at.kept, err
		},
		Listed: func() ([]string, func(*planRow) []string) {
			return csvout.SampleHeader(len(s.addOns)), func(r *planRow) []string {
				return append([]string{r.Extension, r.Wanted.Number, r.Wanted.User}, r.Wanted.AddOns...)
			}
		},
	})
	return s
}

// enough compares the seats that the plan needs with those that are free now.
//
// Errors: not-enough-licenses when the seats never sufficed; plan-stale when they did at the check
// and do no more.
func (s *Service) enough(ctx context.Context, c *call.Call, j filejob.Job) error {
	if len(j.Needs) == 0 {
		return nil
	}
	summary, err := s.inventory.Summary(ctx, c)
	if err != nil {
		return err
	}
	var short []lack
	never := false
	for _, need := range j.Needs {
		i := slices.IndexFunc(summary, func(row inventory.Summary) bool { return row.ProductID == need.ProductID })
		if i < 0 || summary[i].Available >= need.Wanted {
			continue
		}
		short = append(short, lack{need, summary[i].Available})
		never = never || need.Available < need.Wanted
	}
	if len(short) == 0 {
		return nil
	}
	return shortage(short, never)
}

// lack is a product of which a plan needs more seats than are free.
type lack struct {
	need filejob.Need
	free int64
}

// shortage names all products that lack seats; never says that those of one never sufficed.
func shortage(short []lack, never bool) *problem.Problem {
	details := make([]string, len(short))
	fields := make([]problem.Field, len(short))
	for i, l := range short {
		now := problem.Shortage(l.need.ProductID, l.need.Wanted, l.free)
		details[i] = now.Detail
		if !never {
			details[i] = fmt.Sprintf(
				"The plan needs %d licenses of %s; %d were free when it was checked, %d are free now.",
				l.need.Wanted,
				l.need.ProductID,
				l.need.Available,
				l.free,
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
		p = problem.Shortage(first.need.ProductID, first.need.Wanted, first.free)
		for _, l := range short[1:] {
			p.Shorter(problem.Shortage(l.need.ProductID, l.need.Wanted, l.free))
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
	a, err := s.jobs.Ask(ctx, c, id)
	if err != nil {
		return View{}, err
	}
	done := a.Job
	if done.State != filejob.Completed && done.State != filejob.Cancelled && done.State != filejob.Failed ||
		a.Progress.Applied == 0 {
		return View{}, problem.Newf(
			problem.WrongState,
			"Only what was applied can be undone; this mass configuration is %s and applied %d rows.",
			done.State,
			a.Progress.Applied,
		)
	}
	j := filejob.Job{
		ID:         c.Env.IDs.Ordered(),
		State:      filejob.Checking,
		Source:     FromUndo,
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
	view := s.jobs.Show(j, filejob.Progress{})
	if err := c.Commit(
		ctx,
		s.jobs.Accepted(c.Account, j.ID, 201, view),
		put,
		names.PutMarker(c.Account, j.ID),
		audit,
	); err != nil {
		return View{}, err
	}
	s.jobs.WakeUp(ctx, c.Account, j.ID)
	return view, nil
}

var errNoAccount = errors.New("there is no such account")

// newest is the newest version of a dropped file that was told of.
type newest struct {
	Sequencer string `json:"sequencer"`
	Job       string `json:"job"`
}

// dropper is the actor of what follows from a dropped file.
const dropper = "file-drop"

// Dropped takes in a file that was dropped into the bucket, in one of its versions: checked and
// configured without being asked to, once for each version (invariant I12). Versions come in any
// order, and several at once; the newest has the last word. One that is older than another that was
// told of is refused, and one that is newer waits for the end of the older one.
func (s *Service) Dropped(ctx context.Context, account string, object events.ObjectCreated, now time.Time) error {
	id := s.env.IDs.Ordered()
	c := call.ForEvent(s.env, account, dropper, "massConfiguration:"+id, now)
	j := filejob.Job{
		ID:        id,
		State:     filejob.Checking,
		Source:    FromDrop,
		FileName:  object.Key[strings.LastIndex(object.Key, "/")+1:],
		SizeBytes: object.Size,
		By:        dropper,
		Cause:     c.Cause(),
		CreatedAt: c.At,
		File:      files.Ref{Bucket: files.Uploads, Key: object.Key, Version: object.Version},
	}
	var w *worker
	err := call.Decide(ctx, func(ctx context.Context) error {
		at, once := newestKey(account, object.Bucket, object.Key), dropKey(account, objectName(object))
		found, err := s.env.Table.Lookup(ctx, at, once, call.AccountKey(account))
		if err != nil {
			return err
		}
		if _, exists := found[call.AccountKey(account)]; !exists {
			return errNoAccount
		}
		if before, again := found[once]; again {
			w = nil
			return s.deliveredBefore(ctx, account, before, now)
		}
		seen, err := call.Encode(id)
		if err != nil {
			return err
		}
		effects := []table.Operation{
			table.Check(
				call.AccountKey(account),
				table.IfPresent,
			),
			table.Put(table.Item{Key: once, Data: seen}, table.IfAbsent),
		}
		order, late, err := follow(&j, object, found[at], at)
		if err != nil {
			return err
		}
		switch j.Refusal = ""; {
		case late:
			j.Refusal = "A newer version of this file came before it, and counts."
		case object.Size > filejob.MaxFileBytes:
			j.Refusal = "The file is larger than 20 MiB."
		}
		w, err = s.jobs.Take(ctx, c, j, "file drop", append(effects, order)...)
		return err
	})
	if err != nil || w == nil {
		return err
	}
	return w.Run(ctx)
}

// follow puts a version of a file in its order. late says that a newer one was told of; the answer
// then only demands that this stays so. Versions without an order, and those of the same moment,
// count in the order in which they come.
func follow(
	j *filejob.Job,
	object events.ObjectCreated,
	item table.Item,
	at table.Key,
) (op table.Operation, late bool, err error) {
	j.After = ""
	cond := table.IfAbsent
	if item.Version > 0 {
		cond = table.IfVersion(item.Version)
		last, err := call.Decode[newest](item)
		if err != nil {
			return table.Operation{}, false, err
		}
		if object.Sequencer != "" && (events.ObjectCreated{Sequencer: last.Sequencer}).After(object) {
			return table.Check(at, cond), true, nil
		}
		j.After = last.Job
	}
	data, err := call.Encode(newest{object.Sequencer, j.ID})
	return table.Put(table.Item{Key: at, Data: data}, cond), false, err
}

// deliveredBefore goes on with the mass configuration that an earlier delivery of the same version
// made.
func (s *Service) deliveredBefore(ctx context.Context, account string, item table.Item, now time.Time) error {
	id, err := call.Decode[string](item)
	if err != nil {
		return err
	}
	return s.jobs.Work(ctx, account, id, now)
}
