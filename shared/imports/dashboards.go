package imports

import (
	"context"
	"slices"

	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

// dashboards are imports and exports of dashboards.
var dashboards = &kind{
	exported: exported{name: Dashboards, read: auth.LiveReportsView, each: eachDashboardRow},
	manage:   auth.LiveReportsFull,
	layout: layout{
		single: []heading{
			{header: "Dashboard", field: fieldID, required: true},
			{header: "Name", field: fieldName, required: true},
		},
		lists: []heading{{header: "Call queue", field: fieldQueues}},
		shown: 10,
	},
	samples:   [][]string{{filejob.SampleMark + " wall", "Wall in the hall", "support", "sales"}},
	size:      filejob.Size{Chunk: 40, Batch: 8}, // a row takes at most 8 KB
	cellChars: cellOfIDs,
	validID:   auth.ValidID,
	idRule:    idRule,
	learn: func(ctx context.Context, s *Service, c *call.Call, know *known) error {
		know.queues = directory.NewNamed("call queue")
		return s.directory.EachQueue(ctx, c, func(id, name string) { know.queues.Add(id, name) })
	},
	readCells: func(at columns, cells *filejob.Cells, know known, r *planRow) {
		r.Refs = findSeveral(cells, at.lists[fieldQueues], know.queues)
	},
	check: func(r *planRow, _ *catalog.Catalog) error {
		return directory.CheckDashboard(r.dashboard(), directory.Dashboard{})
	},
	find: findDashboard,
	put:  putDashboard,
}

// dashboard is the one that a row asks for.
func (r *planRow) dashboard() directory.Dashboard {
	return directory.Dashboard{ID: r.ID, Name: r.Name, QueueIDs: r.Refs}
}

// findDashboard says what a PUT would do, for a check.
func findDashboard(ctx context.Context, j *judgement, r *planRow) (finding, error) {
	d, err := dryRunDashboard(ctx, j.s, j.c, r)
	if err != nil {
		return finding{}, err
	}
	var changes difference
	changes.add(fieldName, d.Before.Name, d.After.Name)
	before := slices.Sorted(slices.Values(d.Before.QueueIDs))
	after := slices.Sorted(slices.Values(d.After.QueueIDs))
	queues := listDifference(differenceQueues, noun{"call queue", "call queues"}, before, after)
	return finding{version: d.Version, made: d.Made, changes: append(changes, queues...)}, nil
}

// dryRunDashboard tries a dashboard as a row wants it, as dryRunUser does.
func dryRunDashboard(ctx context.Context, s *Service, c *call.Call, r *planRow) (*directory.DashboardDryRun, error) {
	wanted := r.dashboard()
	d, err := s.directory.DryRunDashboard(ctx, c, wanted)
	if err != nil || d.Made {
		return d, err
	}
	wanted.Name = kept(d.Before.Name, r.Name)
	if r.keeps(fieldQueues) {
		wanted.QueueIDs = d.Before.QueueIDs
	} else if wanted.Name == r.Name {
		return d, nil
	}
	return s.directory.DryRunDashboard(ctx, c, wanted)
}

// putDashboard puts a dashboard.
func putDashboard(ctx context.Context, c *call.Call, b *batch, r *planRow) error {
	d, err := dryRunDashboard(ctx, b.a.s, c, r)
	if err != nil {
		return err
	}
	if !b.is(r, d.Made, d.Version) {
		return errChanged
	}
	b.ops = d.Operations()
	return nil
}

// eachDashboardRow visits the dashboards as rows of a file.
func eachDashboardRow(ctx context.Context, s *Exports, c *call.Call, visit func(exportRow) error) error {
	return eachPage(func(after string) (string, error) {
		dashboards, next, err := s.directory.ListDashboards(ctx, c, "", after, pageOfExport)
		for _, d := range dashboards {
			row := exportRow{[]string{d.ID, d.Name}, map[string][]string{fieldQueues: d.QueueIDs}}
			if err = visit(row); err != nil {
				break
			}
		}
		return next, err
	})
}
