package imports

import (
	"context"
	"slices"

	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

// callQueues are imports and exports of call queues.
var callQueues = &kind{
	exported: exported{name: CallQueues, read: auth.DirectoryRead, each: eachQueueRow},
	manage:   auth.DirectoryManage,
	layout: layout{
		single: []heading{
			{header: "Call queue", field: fieldID, required: true},
			{header: "Name", field: fieldName, required: true},
		},
		lists: []heading{{header: "Member", field: fieldMembers}},
		shown: 10,
	},
	samples: [][]string{{filejob.SampleMark + " support", "Support", "john", "mary"}},
	// A row takes at most 340 KB, and judging it reads the queue as it is, with up to 20,000 members.
	size:      filejob.Size{Chunk: 1, Batch: 1},
	cellChars: cellOfIDs,
	validID:   auth.ValidID,
	idRule:    idRule,
	learn:     learnUsers,
	readCells: func(at columns, cells *filejob.Cells, know known, r *planRow) {
		r.Refs = findSeveral(cells, at.lists[fieldMembers], know.users)
	},
	check: func(r *planRow, _ *catalog.Catalog) error {
		return directory.CheckQueue(r.Name, r.Refs, directory.Queue{})
	},
	find: findQueue,
	again: func(ctx context.Context, a *applier, j *judgement) (err error) {
		j.users, err = readUsers(ctx, a.s, a.w.Call)
		return err
	},
	put: putQueue,
}

// learnUsers reads the users that cells name.
func learnUsers(ctx context.Context, s *Service, c *call.Call, know *known) (err error) {
	know.users, err = readUsers(ctx, s, c)
	return err
}

func readUsers(ctx context.Context, s *Service, c *call.Call) (*directory.Named, error) {
	users := directory.NewNamed("user")
	return users, s.directory.EachUser(ctx, c, func(id, name, email string, active bool) error {
		users.AddUser(id, name, email, active)
		return nil
	})
}

// findQueue says what a PUT would do, for a check.
func findQueue(ctx context.Context, j *judgement, r *planRow) (finding, error) {
	if err := r.whole(ctx, j.plan); err != nil {
		return finding{}, err
	}
	if i := slices.IndexFunc(r.Refs, func(id string) bool { return !j.users.Has(id) }); i >= 0 {
		return finding{}, problem.Invalid(
			fieldMembers, problem.UnknownID, "name %s, who is no user any more", r.Refs[i],
		)
	}
	d, err := dryRunQueue(ctx, j.s, j.c, r)
	if err != nil {
		return finding{}, err
	}
	var changes difference
	changes.add(fieldName, d.Before.Name, d.After.Name)
	members := listDifference(fieldMembers, noun{"member", "members"}, d.Before.Members, d.After.Members)
	return finding{version: d.Version, made: d.Made, changes: append(changes, members...)}, nil
}

// dryRunQueue tries a call queue as a row wants it, as dryRunUser does.
func dryRunQueue(ctx context.Context, s *Service, c *call.Call, r *planRow) (*directory.QueueDryRun, error) {
	d, err := s.directory.DryRunQueue(ctx, c, r.ID, r.Name, r.Refs)
	if err != nil || d.Made {
		return d, err
	}
	name, members := kept(d.Before.Name, r.Name), r.Refs
	if r.keeps(fieldMembers) {
		members = d.Before.Members
	} else if name == r.Name {
		return d, nil
	}
	return s.directory.DryRunQueue(ctx, c, r.ID, name, members)
}

// putQueue puts a call queue.
func putQueue(ctx context.Context, c *call.Call, b *batch, r *planRow) error {
	if err := r.whole(ctx, b.a.plan); err != nil {
		return err
	}
	if err := b.a.s.directory.CheckMembers(ctx, c, r.Refs); err != nil {
		return err
	}
	d, err := dryRunQueue(ctx, b.a.s, c, r)
	if err != nil {
		return err
	}
	if !b.is(r, d.Made, d.Version) {
		return errChanged
	}
	b.ops, err = d.Operations()
	return err
}

// eachQueueRow visits the call queues as rows of a file.
func eachQueueRow(ctx context.Context, s *Exports, c *call.Call, visit func(exportRow) error) error {
	return eachPage(func(after string) (string, error) {
		queues, next, err := s.directory.ListQueues(ctx, c, "", after, pageOfExport)
		for _, q := range queues {
			row := exportRow{[]string{q.ID, q.Name}, map[string][]string{fieldMembers: packed(q.Members)}}
			if err = visit(row); err != nil {
				break
			}
		}
		return next, err
	})
}
