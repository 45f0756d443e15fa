package massconfig

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"seatwise/shared/app"
	"seatwise/shared/call"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/files"
	"seatwise/shared/license"
	"seatwise/shared/problem"
	"seatwise/shared/table"
)

// Service carries out the use cases of mass configuration.
type Service struct {
	env       *app.Env
	desk      *license.Desk
	products  *catalog.Catalog
	addOns    []string // of Phone System, in the catalog's order
	directory *directory.Service
}

// NewService makes the service; seats and extensions go through the desk.
func NewService(env *app.Env, desk *license.Desk) *Service {
	s := &Service{env: env, desk: desk, products: desk.Products(), directory: directory.NewService(env, desk)}
	for _, p := range s.products.AddOns(catalog.PhoneSystemID) {
		s.addOns = append(s.addOns, p.ID)
	}
	return s
}

// load reads a mass configuration with how far it is.
//
// Errors: not-found, also for what can be no id of one.
func (s *Service) load(ctx context.Context, c *call.Call, id string) (job, table.Item, progress, error) {
	if uuid.Validate(id) != nil {
		return job{}, table.Item{}, progress{}, problem.Missing("mass configuration")
	}
	found, err := c.Lookup(ctx, jobKey(c.Account, id), progressKey(c.Account, id))
	if err != nil {
		return job{}, table.Item{}, progress{}, err
	}
	item, ok := found[jobKey(c.Account, id)]
	if !ok {
		return job{}, table.Item{}, progress{}, problem.Missing("mass configuration")
	}
	j, err := call.Decode[job](item)
	if err != nil {
		return job{}, table.Item{}, progress{}, err
	}
	var p progress
	if done, ok := found[progressKey(c.Account, id)]; ok {
		if p, err = call.Decode[progress](done); err != nil {
			return job{}, table.Item{}, progress{}, err
		}
	}
	return j, item, p, nil
}

func putJob(account string, j job, cond table.Condition) (table.Operation, error) {
	data, err := call.Encode(j)
	if err != nil {
		return table.Operation{}, err
	}
	return table.Put(table.Item{Key: jobKey(account, j.ID), Data: data}, cond), nil
}

func putMark(account, id string) table.Operation {
	return table.Put(table.Item{Key: markKey(account, id), Data: []byte(`{}`)}, table.Always)
}

// Create begins a mass configuration: its answer says where to put the file, within 15 minutes (spec 5.2).
func (s *Service) Create(ctx context.Context, c *call.Call, name string, size int64, sha256 string, skipErrors bool) (View, error) {
	if err := checkUpload(name, size); err != nil {
		return View{}, err
	}
	if err := c.Begin(ctx); err != nil {
		return View{}, err
	}
	id := c.Env.IDs.Ordered()
	j := job{
		ID: id, State: AwaitingUpload, Source: FromAPI, FileName: name, SizeBytes: size, SHA256: sha256, SkipErrors: skipErrors, By: c.Actor, CreatedAt: c.At,
		File: files.Ref{Bucket: files.Uploads, Key: uploadObject(c.Account, id, name)},
	}
	upload, err := s.env.Files.PresignPut(ctx, j.File, size, contentType(name), sha256, c.At, uploadLife)
	if err != nil {
		return View{}, err
	}
	view := j.view(progress{})
	view.Upload = &upload
	put, err := putJob(c.Account, j, table.IfAbsent)
	if err != nil {
		return View{}, err
	}
	audit, err := c.Audit(call.Change{Action: "massConfiguration.created", Subject: "massConfiguration", SubjectID: id, After: j})
	if err != nil {
		return View{}, err
	}
	answer := call.Answer{Status: 201, Header: map[string]string{"Location": location(c.Account, id)}, Body: view}
	return view, c.Commit(ctx, answer, put, audit)
}

func location(account, id string) string {
	return "/v1/accounts/" + account + "/mass-configurations/" + id
}

// Get reads a mass configuration; its version is for the entity tag.
func (s *Service) Get(ctx context.Context, c *call.Call, id string) (View, []int64, error) {
	j, item, p, err := s.load(ctx, c, id)
	if err != nil {
		return View{}, nil, err
	}
	view := j.view(p)
	if j.Result != nil {
		view.ResultURL, _, err = s.env.Files.PresignGet(ctx, *j.Result, resultName(j.FileName), c.At, resultLife)
	}
	return view, versions(item, p), err
}

// versions are what the entity tag of a mass configuration is made of.
func versions(item table.Item, p progress) []int64 { return []int64{item.Version, int64(p.Row)} }

// List lists mass configurations, newest first, without progress or result.
func (s *Service) List(ctx context.Context, c *call.Call, after string, limit int) ([]View, string, error) {
	page, err := s.env.Table.Query(ctx, table.Query{Partition: jobsPartition(c.Account), After: after, Limit: limit, Backwards: true})
	if err != nil {
		return nil, "", err
	}
	keys := make([]table.Key, len(page.Items))
	for i, item := range page.Items {
		keys[i] = progressKey(c.Account, item.Sort)
	}
	found := map[table.Key]table.Item{}
	if len(keys) > 0 {
		if found, err = s.env.Table.Lookup(ctx, keys...); err != nil {
			return nil, "", err
		}
	}
	views := make([]View, len(page.Items))
	for i, item := range page.Items {
		j, err := call.Decode[job](item)
		if err != nil {
			return nil, "", err
		}
		var p progress
		if done, ok := found[keys[i]]; ok {
			if p, err = call.Decode[progress](done); err != nil {
				return nil, "", err
			}
		}
		views[i] = j.view(p)
	}
	return views, page.Next, nil
}

// Rows lists the rows of the plan in the order of the file, of one outcome or of all. The position is the place in the plan of the last row of the page before.
func (s *Service) Rows(ctx context.Context, c *call.Call, id string, outcome Outcome, after, limit int) ([]Row, int, error) {
	j, _, _, err := s.load(ctx, c, id)
	if err != nil {
		return nil, 0, err
	}
	var rows []Row
	last := 0
	err = s.eachRow(ctx, c.Account, j, after, func(place int, r planRow) error {
		if outcome != "" && r.Outcome != outcome {
			return nil
		}
		if len(rows) == limit {
			return errEnough
		}
		rows, last = append(rows, r.view()), place
		return nil
	})
	if errors.Is(err, errEnough) {
		return rows, last, nil
	}
	return rows, 0, err
}

var errEnough = errors.New("enough rows")

// eachRow visits the rows of a plan in order, with their places in it from 1, and only those behind the place after; few chunks are in memory at a time.
func (s *Service) eachRow(ctx context.Context, account string, j job, after int, visit func(place int, r planRow) error) error {
	place := after / chunkRows * chunkRows // every chunk but the last is full
	query := table.Query{
		Partition: partsPartition(account, j.ID), Prefix: planPrefix, From: chunkKey(account, j.ID, after/chunkRows).Sort, Limit: 10,
	}
	return table.All(ctx, s.env.Table, query, func(item table.Item) error {
		rows, err := call.Decode[[]planRow](item)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if place++; place <= after {
				continue
			}
			if err := visit(place, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// Configure starts applying the plan (spec 5.4).
//
// Errors: wrong-state; not-enough-licenses when the seats never sufficed; plan-stale when they did at the check and do no more.
func (s *Service) Configure(ctx context.Context, c *call.Call, id string) (View, error) {
	var view View
	err := call.Decide(ctx, func(ctx context.Context) error {
		j, item, p, err := s.load(ctx, c, id)
		if err != nil {
			return err
		}
		if err := c.Matches(true, versions(item, p)...); err != nil {
			return err
		}
		if j.State != Ready {
			return problem.Newf(problem.WrongState, "A mass configuration can be configured when it is ready; this one is %s.", j.State)
		}
		if err := s.enough(ctx, c, j); err != nil {
			return err
		}
		var op table.Operation
		if view, op, err = start(c.Account, j, item, p); err != nil {
			return err
		}
		audit, err := c.Audit(call.Change{Action: "massConfiguration.configuring", Subject: "massConfiguration", SubjectID: id, After: j.Counts})
		if err != nil {
			return err
		}
		answer := call.Answer{Status: 202, Header: map[string]string{"Location": location(c.Account, id)}, Body: view}
		return c.Commit(ctx, answer, op, putMark(c.Account, id), audit)
	})
	if err != nil {
		return View{}, err
	}
	return view, s.ticket(ctx, c.Account, id)
}

// start puts a job into the state configuring.
func start(account string, j job, item table.Item, p progress) (View, table.Operation, error) {
	j.State, j.Lease = Configuring, 0
	op, err := putJob(account, j, table.IfVersion(item.Version))
	return j.view(p), op, err
}

// ticket wakes a worker by way of the uploads bucket. The mark is there already: if this fails, the next scheduled run finds the work.
func (s *Service) ticket(ctx context.Context, account, id string) error {
	body := []byte(`{}`)
	_, err := s.env.Files.Put(ctx, files.Ref{Bucket: files.Uploads, Key: ticketObject(account, id)}, bytes.NewReader(body), int64(len(body)), "application/json")
	if err != nil {
		s.env.Log.WarnContext(ctx, "ticket not written; the schedule will find the work", "error", err, "account", account, "massConfiguration", id)
	}
	return nil
}

// enough compares the seats that the plan needs with those that are free now.
func (s *Service) enough(ctx context.Context, c *call.Call, j job) error {
	if len(j.Needs) == 0 {
		return nil
	}
	summary, err := s.desk.Summary(ctx, c)
	if err != nil {
		return err
	}
	for _, need := range j.Needs {
		i := slices.IndexFunc(summary, func(row license.Summary) bool { return row.ProductID == need.ProductID })
		if i < 0 || summary[i].Available >= need.Wanted {
			continue
		}
		if need.Available < need.Wanted {
			return problem.Shortage(need.ProductID, need.Wanted, summary[i].Available)
		}
		return problem.Newf(problem.PlanStale, "The plan needs %d licenses of %s; %d were free when it was checked, %d are free now.",
			need.Wanted, need.ProductID, need.Available, summary[i].Available)
	}
	return nil
}

// Cancel stops a mass configuration: at once if nothing runs, between two batches of rows otherwise (spec 5.5).
//
// Errors: wrong-state when it has ended.
func (s *Service) Cancel(ctx context.Context, c *call.Call, id string) (View, error) {
	var view View
	err := call.Decide(ctx, func(ctx context.Context) error {
		j, item, p, err := s.load(ctx, c, id)
		if err != nil {
			return err
		}
		if err := c.Matches(true, versions(item, p)...); err != nil {
			return err
		}
		switch j.State {
		case AwaitingUpload, Ready:
			at := c.At
			j.State, j.EndedAt = Cancelled, &at
		case Checking, Configuring:
			j.Cancel = true
		case Rejected, Completed, Cancelled, Failed:
			return problem.Newf(problem.WrongState, "This mass configuration is %s already.", j.State)
		}
		op, err := putJob(c.Account, j, table.IfVersion(item.Version))
		if err != nil {
			return err
		}
		audit, err := c.Audit(call.Change{Action: "massConfiguration.cancelled", Subject: "massConfiguration", SubjectID: id})
		if err != nil {
			return err
		}
		view = j.view(p)
		answer := call.Answer{Status: 202, Header: map[string]string{"Location": location(c.Account, id)}, Body: view}
		return c.Commit(ctx, answer, op, audit)
	})
	return view, err
}

// Undo plans to put every row that a mass configuration applied back to what it was before; the plan is checked and shown like any other, and applied by
// Configure. Rows that changed since are left alone and named (spec 5.6).
//
// Errors: wrong-state unless something was applied and nothing runs.
func (s *Service) Undo(ctx context.Context, c *call.Call, id string) (View, error) {
	if err := c.Begin(ctx); err != nil {
		return View{}, err
	}
	done, item, p, err := s.load(ctx, c, id)
	if err != nil {
		return View{}, err
	}
	if err := c.Matches(true, versions(item, p)...); err != nil {
		return View{}, err
	}
	if done.State != Completed && done.State != Cancelled && done.State != Failed || p.Applied == 0 {
		return View{}, problem.Newf(problem.WrongState, "Only what was applied can be undone; this mass configuration is %s and applied %d rows.", done.State, p.Applied)
	}
	j := job{
		ID: c.Env.IDs.Ordered(), State: Checking, Source: FromUndo, FileName: "Undo " + done.FileName, SkipErrors: true, Undoes: id, By: c.Actor, CreatedAt: c.At,
	}
	put, err := putJob(c.Account, j, table.IfAbsent)
	if err != nil {
		return View{}, err
	}
	audit, err := c.Audit(call.Change{Action: "massConfiguration.created", Subject: "massConfiguration", SubjectID: j.ID, After: j})
	if err != nil {
		return View{}, err
	}
	view := j.view(progress{})
	answer := call.Answer{Status: 201, Header: map[string]string{"Location": location(c.Account, j.ID)}, Body: view}
	if err := c.Commit(ctx, answer, put, putMark(c.Account, j.ID), audit); err != nil {
		return View{}, err
	}
	return view, s.ticket(ctx, c.Account, j.ID)
}

// Resume finishes what workers left behind, in all accounts: whose lease is over by now.
func (s *Service) Resume(ctx context.Context, now time.Time) error {
	var failures []error
	err := table.All(ctx, s.env.Table, table.Query{Partition: marks}, func(item table.Item) error {
		account, id, _ := strings.Cut(item.Sort, "#")
		if err := s.Work(ctx, account, id, now); err != nil {
			failures = append(failures, err)
		}
		return nil
	})
	return errors.Join(append(failures, err)...)
}
