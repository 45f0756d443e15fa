package massconfig

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/call"
	"seatwise/shared/files"
	"seatwise/shared/license"
	"seatwise/shared/problem"
	"seatwise/shared/sheet"
	"seatwise/shared/table"
)

// errOvertaken stops a worker whose mass configuration another one has taken over, or somebody cancelled.
var errOvertaken = errors.New("overtaken by another worker")

// worker is one worker's hold on a mass configuration. Every commit it makes demands that the job is still as the worker left it.
type worker struct {
	s       *Service
	c       *call.Call
	j       job
	version int64
}

// Work does what is to be done on a mass configuration, unless another worker is at it: the check of an undo or of a file whose check died, and the applying of a
// plan. now is the time of the event that woke it.
func (s *Service) Work(ctx context.Context, account, id string, now time.Time) error {
	c := call.ForEvent(s.env, account, "mass-configuration", "mass configuration "+id, now)
	j, item, _, err := s.load(ctx, c, id)
	if err != nil {
		return err
	}
	if j.State != Checking && j.State != Configuring {
		return s.env.Table.Commit(ctx, []table.Operation{table.Delete(markKey(account, id), table.Always)})
	}
	if j.Lease > now.Unix() {
		return nil
	}
	c.Actor = j.By
	w := &worker{s: s, c: c, j: j, version: item.Version}
	w.j.Epoch++
	if err := w.hold(ctx); err != nil {
		return ignoreOvertaken(err)
	}
	return w.run(ctx)
}

// run checks or configures. When somebody cancelled meanwhile, it ends the job; when another worker took over, it leaves the job to that one. After a failure
// it lets go of the job, so that the next attempt need not wait for the end of the lease.
func (w *worker) run(ctx context.Context) error {
	for {
		work, state := w.check, w.j.State
		if w.j.State == Configuring {
			work = w.configure
		}
		err := work(ctx)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errOvertaken) {
			w.letGo(ctx)
			return err
		}
		j, item, _, err := w.s.load(ctx, w.c, w.j.ID)
		if err != nil || !j.Cancel || j.Epoch != w.j.Epoch || j.State != state {
			return err
		}
		w.j, w.version = j, item.Version // with the cancellation, which only adds to what this worker wrote last
	}
}

// letGo ends the lease early. It is an attempt only: when it fails too, the lease runs out by itself.
func (w *worker) letGo(ctx context.Context) {
	j, item, _, err := w.s.load(ctx, w.c, w.j.ID)
	if err == nil && j.Epoch == w.j.Epoch && j.Lease != 0 {
		j.Lease = 0
		w.j, w.version = j, item.Version
		err = w.save(ctx)
	}
	if err != nil {
		w.s.env.Log.WarnContext(ctx, "lease not given back", "account", w.c.Account, "massConfiguration", w.j.ID, "error", err)
	}
}

func ignoreOvertaken(err error) error {
	if errors.Is(err, errOvertaken) {
		return nil
	}
	return err
}

// Uploaded begins the check of a file that has come for an upload. A second delivery of the event finds the state changed and does nothing.
func (s *Service) Uploaded(ctx context.Context, account, id string, file files.Ref, size int64, now time.Time) error {
	c := call.ForEvent(s.env, account, "mass-configuration", "mass configuration "+id, now)
	j, item, _, err := s.load(ctx, c, id)
	if err != nil {
		return err
	}
	if j.File.Key != file.Key {
		return errForeign
	}
	if j.State != AwaitingUpload {
		return s.Work(ctx, account, id, now)
	}
	c.Actor = j.By
	w := &worker{s: s, c: c, j: j, version: item.Version}
	w.j.State, w.j.File, w.j.SizeBytes = Checking, file, size
	w.j.Epoch++
	if err := w.hold(ctx, putMark(account, id)); err != nil {
		return ignoreOvertaken(err)
	}
	if size != j.SizeBytes {
		return ignoreOvertaken(w.reject(ctx, []RowError{{Message: fmt.Sprintf("The file has %d bytes; %d were announced.", size, j.SizeBytes)}}))
	}
	return w.run(ctx)
}

// Dropped takes in a file that was dropped into the bucket: checked and configured by itself, once for each object, which names bucket, key and version
// (invariant I12).
func (s *Service) Dropped(ctx context.Context, account, id, object, by string, file files.Ref, size int64, now time.Time) error {
	c := call.ForEvent(s.env, account, by, "mass configuration "+id, now)
	name := file.Key[strings.LastIndex(file.Key, "/")+1:]
	j := job{
		ID: id, State: Checking, Source: FromDrop, FileName: name, SizeBytes: size, By: by, CreatedAt: c.At, File: file,
		Epoch: 1, Lease: now.Add(leaseLife).Unix(),
	}
	put, err := putJob(account, j, table.IfAbsent)
	if err != nil {
		return err
	}
	audit, err := c.Audit(call.Change{Action: "massConfiguration.created", Subject: "massConfiguration", SubjectID: id, Reason: "file drop", After: j})
	if err != nil {
		return err
	}
	exists := table.Check(call.AccountKey(account), table.IfPresent)
	seen, err := call.Encode(id)
	if err != nil {
		return err
	}
	first := table.Put(table.Item{Key: dropKey(account, object), Data: seen}, table.IfAbsent)
	err = s.env.Table.Commit(ctx, []table.Operation{put, audit, putMark(account, id), exists, first})
	if refused, ok := table.Refused(err); ok {
		if refused.Has(exists.Item.Key) {
			return errNoAccount
		}
		return s.deliveredBefore(ctx, account, object, now)
	}
	if err != nil {
		return err
	}
	w := &worker{s: s, c: c, j: j, version: 1}
	if size > MaxFileBytes {
		return ignoreOvertaken(w.reject(ctx, []RowError{{Message: "The file is larger than 20 MiB."}}))
	}
	return w.run(ctx)
}

// deliveredBefore goes on with the mass configuration that an earlier delivery of the same object made.
func (s *Service) deliveredBefore(ctx context.Context, account, object string, now time.Time) error {
	item, ok, err := table.Get(ctx, s.env.Table, dropKey(account, object))
	if err != nil || !ok {
		return err
	}
	id, err := call.Decode[string](item)
	if err != nil {
		return err
	}
	return s.Work(ctx, account, id, now)
}

var (
	errNoAccount = errors.New("there is no such account")
	errForeign   = errors.New("the object is not the one that was announced")
)

// hold writes the job with a fresh lease, and effects with it.
func (w *worker) hold(ctx context.Context, effects ...table.Operation) error {
	w.j.Lease = w.s.env.Clock().Add(leaseLife).Unix()
	return w.save(ctx, effects...)
}

// save writes the job as the worker has it.
func (w *worker) save(ctx context.Context, effects ...table.Operation) error {
	op, err := putJob(w.c.Account, w.j, table.IfVersion(w.version))
	if err != nil {
		return err
	}
	if err := w.commit(ctx, append(effects, op)); err != nil {
		return err
	}
	w.version++
	return nil
}

// commit turns the refusal of the job's own condition into errOvertaken.
func (w *worker) commit(ctx context.Context, ops []table.Operation) error {
	err := w.s.env.Table.Commit(ctx, ops)
	if refused, ok := table.Refused(err); ok && refused.Has(jobKey(w.c.Account, w.j.ID)) {
		return errOvertaken
	}
	return err
}

// still demands that nobody took the job over or cancelled it.
func (w *worker) still() table.Operation {
	return table.Check(jobKey(w.c.Account, w.j.ID), table.IfVersion(w.version))
}

// renew renews the lease when half of it is gone.
func (w *worker) renew(ctx context.Context) error {
	if w.j.Lease-w.s.env.Clock().Unix() > int64(leaseLife.Seconds())/2 {
		return nil
	}
	return w.hold(ctx)
}

// end writes the last state, takes the mark away and leaves an audit record.
func (w *worker) end(ctx context.Context, state State) error {
	at := w.s.env.Clock().UTC()
	w.j.State, w.j.Lease, w.j.EndedAt = state, 0, &at
	audit, err := w.c.Audit(call.Change{
		Action: "massConfiguration." + string(state), Subject: "massConfiguration", SubjectID: w.j.ID, After: map[string]any{"counts": w.j.Counts, "why": w.j.Why},
	})
	if err != nil {
		return err
	}
	return w.save(ctx, audit, table.Delete(markKey(w.c.Account, w.j.ID), table.Always))
}

// reject ends a check with the faults of the file.
func (w *worker) reject(ctx context.Context, faults []RowError) error {
	w.j.Errors = faults[:min(len(faults), shownErrors)]
	w.j.Why = "Nothing was configured."
	if len(faults) > 0 && faults[0].Row == 0 || w.j.Counts.Rows == 0 {
		w.j.Why = faults[0].Message // of the file, and not of a row
	}
	return w.end(ctx, Rejected)
}

// check makes the plan and says what it found. It touches nothing but the plan.
func (w *worker) check(ctx context.Context) error {
	if w.j.Cancel {
		return w.end(ctx, Cancelled)
	}
	plan := &planner{w: w, file: newInFile()}
	var err error
	if w.j.Source == FromUndo {
		err = plan.planUndo(ctx)
	} else {
		err = plan.planFile(ctx)
	}
	var refusal *sheet.Refusal
	if errors.As(err, &refusal) {
		return w.reject(ctx, []RowError{{Row: refusal.Row, Column: refusal.Column, Message: refusal.Error()}})
	}
	if errors.Is(err, errHandedOn) {
		return nil
	}
	if err != nil {
		return err
	}
	w.j.Chunks, w.j.Counts, w.j.Errors = plan.chunk, plan.counts, plan.faults
	if w.j.Needs, err = w.needs(ctx, plan.needs); err != nil {
		return err
	}
	if w.j.Counts.Error > 0 && !w.j.SkipErrors {
		return w.rejectPlan(ctx, plan.faults)
	}
	return w.checked(ctx)
}

// rejectPlan rejects a file of which every row is judged; the result file says what of each.
func (w *worker) rejectPlan(ctx context.Context, faults []RowError) error {
	if err := w.writeResult(ctx); err != nil {
		return err
	}
	return w.reject(ctx, faults)
}

// checked ends a check that found a usable plan. A drop goes on by itself if the seats suffice.
func (w *worker) checked(ctx context.Context) error {
	w.j.Lease = 0
	if w.j.Source != FromDrop {
		w.j.State = Ready
		return w.save(ctx, table.Delete(markKey(w.c.Account, w.j.ID), table.Always))
	}
	if err := w.s.enough(ctx, w.c, w.j); err != nil {
		if told, ok := problem.From(err); ok {
			return w.rejectPlan(ctx, append([]RowError{{Message: told.Detail}}, w.j.Errors...))
		}
		return err
	}
	w.j.State = Configuring
	if err := w.save(ctx); err != nil {
		return err
	}
	return w.s.ticket(ctx, w.c.Account, w.j.ID)
}

func (w *worker) needs(ctx context.Context, wanted map[string]int64) ([]Need, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	summary, err := w.s.desk.Summary(ctx, w.c)
	if err != nil {
		return nil, err
	}
	var needs []Need
	for _, row := range summary {
		if wanted[row.ProductID] > 0 {
			needs = append(needs, Need{ProductID: row.ProductID, Wanted: wanted[row.ProductID], Available: row.Available})
		}
	}
	return needs, nil
}

// planner makes the plan and writes it, a chunk at a time.
type planner struct {
	w      *worker
	file   inFile
	needs  map[string]int64
	counts Counts
	faults []RowError
	// bad are the rows, by their keys, that the account's state makes bad, and leans says of a row which others lean on it.
	bad   []string
	leans map[string][]string
	// rows are judged and not yet written; writing is the outcome of the commit that is under way, or nil.
	rows    []planRow
	writing chan error
	chunk   int
}

// rowSource hands out the rows of a plan in their order, as often as it is asked; those with errors have the outcome Bad already, the others none.
type rowSource func(visit func(planRow) error) error

// plan judges the rows of a source and writes the plan. own hands out the same rows, of which only the outcome, the extension and the user need be there.
//
// Which rows have a row of their own decides about others, and only rows that are not bad count. What makes a row bad is seen in the row itself, or in the account's
// state; in the second case, the rows that lean on it are bad too, and all are judged once more without them.
func (p *planner) plan(ctx context.Context, own, rows rowSource) error {
	at, without := p.file.at, map[string]bool{}
	for range 2 {
		p.file = newInFile()
		p.file.at = at
		err := own(func(r planRow) error {
			if !without[r.key()] {
				p.file.add(r)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := p.pass(ctx, rows); err != nil || len(p.bad) == 0 {
			return err
		}
		for len(p.bad) > 0 {
			key := p.bad[0]
			p.bad = p.bad[1:]
			if !without[key] {
				without[key] = true
				p.bad = append(p.bad, p.leans[key]...)
			}
		}
	}
	return nil
}

// judgeBatch is how many rows are judged on one read: an extension, a user and a number each, and the account, are the 100 keys of a lookup.
const judgeBatch = 33

// loadsAtOnce is how many batches are read at once: over a network, what a check waits for is its reads.
const loadsAtOnce = 8

// batch is some rows with the state that they are judged on.
type batch struct {
	rows   []planRow
	change *license.Change
	loaded chan error
}

// pass judges all rows: they are taken from the source, their state is read, and the plan is written, side by side, each in the order of the rows.
func (p *planner) pass(ctx context.Context, rows rowSource) error {
	p.needs, p.counts, p.faults, p.chunk = map[string]int64{}, Counts{}, nil, 0
	p.bad, p.leans, p.rows, p.writing = nil, map[string][]string{}, nil, nil
	group, reading := errgroup.WithContext(ctx)
	batches := make(chan *batch, loadsAtOnce)
	group.Go(func() error {
		defer close(batches)
		return p.read(reading, rows, batches)
	})
	group.Go(func() error {
		for b := range batches {
			if err := <-b.loaded; err != nil {
				return err
			}
			if err := p.judge(ctx, b); err != nil { // not of the group: what is being written ends after it
				return err
			}
		}
		return nil
	})
	err := group.Wait()
	if err == nil {
		err = p.flush(ctx)
	}
	return errors.Join(err, p.written()) // nobody writes any more when the pass is over
}

// read takes the rows from the source in batches, and has their state read.
func (p *planner) read(ctx context.Context, rows rowSource, batches chan<- *batch) error {
	var loads errgroup.Group
	loads.SetLimit(loadsAtOnce)
	defer func() { _ = loads.Wait() }() // each tells its own outcome
	next := make([]planRow, 0, judgeBatch)
	send := func() error {
		b := &batch{rows: next, change: p.w.s.desk.Change(p.w.c), loaded: make(chan error, 1)}
		next = make([]planRow, 0, judgeBatch)
		select {
		case batches <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
		loads.Go(func() error {
			b.loaded <- loadRows(ctx, b.change, b.rows)
			return nil
		})
		return nil
	}
	err := rows(func(r planRow) error {
		if next = append(next, r); len(next) < judgeBatch {
			return nil
		}
		return send()
	})
	if err != nil {
		return err
	}
	return send()
}

// judge decides the outcomes of a batch.
func (p *planner) judge(ctx context.Context, b *batch) error {
	for i := range b.rows {
		r := &b.rows[i]
		if r.Outcome == "" {
			for _, on := range judge(b.change, p.w.s.addOns, r, p.file, p.needs) {
				p.leans[on] = append(p.leans[on], r.key())
			}
			if r.Outcome == Bad {
				p.bad = append(p.bad, r.key())
			}
		}
		r.Errors = bounded(r.Errors)
		p.counts.Rows++
		switch r.Outcome {
		case New:
			p.counts.New++
		case Change:
			p.counts.Change++
		case Unchanged:
			p.counts.Unchanged++
		case Bad:
			p.counts.Error++
			p.faults = append(p.faults, r.Errors[:min(len(r.Errors), max(0, shownErrors-len(p.faults)))]...)
		}
		p.rows = append(p.rows, *r)
		if len(p.rows) == chunkRows*chunksAtOnce {
			if err := p.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// chunksAtOnce is how many chunks of the plan one commit writes: the largest are 350 KB each, and a commit takes 4 MB.
const chunksAtOnce = 10

// flush has the judged rows written, while the next ones are judged.
func (p *planner) flush(ctx context.Context) error {
	if err := p.written(); err != nil || len(p.rows) == 0 {
		return err
	}
	rows, first := p.rows, p.chunk
	p.chunk += (len(rows) + chunkRows - 1) / chunkRows
	p.rows = make([]planRow, 0, len(rows))
	done := make(chan error, 1)
	p.writing = done
	go func() { done <- p.write(ctx, rows, first) }()
	return nil
}

// written waits for the commit that is under way.
func (p *planner) written() error {
	if p.writing == nil {
		return nil
	}
	err := <-p.writing
	p.writing = nil
	return err
}

// write writes chunks of the plan.
func (p *planner) write(ctx context.Context, rows []planRow, first int) error {
	var ops []table.Operation
	for chunk := range slices.Chunk(rows, chunkRows) {
		data, err := call.Encode(chunk)
		if err != nil {
			return err
		}
		key := chunkKey(p.w.c.Account, p.w.j.ID, first+len(ops))
		ops = append(ops, table.Put(table.Item{Key: key, Data: data}, table.Always))
	}
	late, err := p.w.handOn(ctx)
	if err != nil {
		return err
	}
	if late { // the next invocation begins anew, with all its time before it: the largest file takes a minute
		return errHandedOn
	}
	if err := p.w.commit(ctx, append(ops, p.w.still())); err != nil {
		return err
	}
	return p.w.renew(ctx)
}

// planFile plans what an uploaded file wants. The file is read twice: for what rows claim of each other, and row by row with the account's state; so no more of it
// is in memory than what is claimed.
func (p *planner) planFile(ctx context.Context) error {
	s, c := p.w.s, p.w.c
	who := newPeople()
	group, reading := errgroup.WithContext(ctx)
	group.Go(func() error {
		return s.directory.EachUser(reading, c, func(id, name, email string, active bool) error {
			who.add(id, name, email, active)
			return nil
		})
	})
	reader, closeFile, err := s.open(ctx, p.w.j)
	if read := group.Wait(); err == nil && read != nil {
		closeFile()
		err = read
	}
	if err != nil {
		return err
	}
	defer closeFile()
	claimed := newClaims()
	p.file.at, err = s.eachAsked(reader, func(_ columns, a asked) error {
		user, _ := who.find(a.user)
		claimed.add(a, user)
		return nil
	})
	if err != nil {
		return err
	}
	own := func(visit func(planRow) error) error {
		for _, k := range claimed.alone() {
			if err := visit(planRow{Extension: k.ext, Wanted: target{User: k.user}}); err != nil {
				return err
			}
		}
		return nil
	}
	return p.plan(ctx, own, func(visit func(planRow) error) error {
		_, err := s.eachAsked(reader, func(at columns, a asked) error {
			r := planRow{Row: a.row, Extension: a.ext, Errors: a.errors}
			user, why := who.find(a.user)
			if why != "" && a.user != "" {
				r.Errors = append(r.Errors, RowError{Row: a.row, Column: sheet.ColumnName(at.user), Message: why})
			}
			r.Errors = append(r.Errors, claimed.faults(a, user, at)...)
			r.Wanted = target{Number: a.number, User: user, Licensed: true, AddOns: a.addOns}
			if len(r.Errors) > 0 {
				r.Outcome = Bad
			}
			return visit(r)
		})
		return err
	})
}

// eachAsked reads the rows of a file below its header; blank rows are ignored.
func (s *Service) eachAsked(reader *sheet.Reader, visit func(columns, asked) error) (columns, error) {
	var at columns
	first := true
	err := reader.Rows(func(row sheet.Row) error {
		if first {
			first = false
			var err error
			at, err = readHeader(row)
			return err
		}
		if row.Blank() {
			return nil
		}
		return visit(at, readRow(at, row, s.products, s.addOns))
	})
	if err == nil && first {
		return at, &sheet.Refusal{Reason: "header", Message: "The file is empty; its first row must be the header."}
	}
	return at, err
}

// open brings the file to this machine and verifies the whole of it (spec 5).
func (s *Service) open(ctx context.Context, j job) (*sheet.Reader, func(), error) {
	body, info, err := s.env.Files.Get(ctx, j.File)
	if errors.Is(err, files.ErrNotFound) {
		return nil, nil, &sheet.Refusal{Reason: "gone", Message: "The file is no longer there."}
	}
	if err != nil {
		return nil, nil, err
	}
	defer body.Close()
	if info.Size > MaxFileBytes {
		return nil, nil, &sheet.Refusal{Reason: "too-large", Message: "The file is larger than 20 MiB."}
	}
	spool, err := os.CreateTemp("", "seatwise-upload-*")
	if err != nil {
		return nil, nil, fmt.Errorf("spool the upload: %w", err)
	}
	discard := func() {
		_ = spool.Close()           // the file goes with it
		_ = os.Remove(spool.Name()) // in Lambda the folder is emptied with the instance at the latest
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(spool, sum), io.LimitReader(body, MaxFileBytes+1))
	if err != nil {
		discard()
		return nil, nil, fmt.Errorf("spool the upload: %w", err)
	}
	if j.SHA256 != "" && !strings.EqualFold(j.SHA256, hex.EncodeToString(sum.Sum(nil))) {
		discard()
		return nil, nil, &sheet.Refusal{Reason: "checksum", Message: "The file is not the one that was announced: its SHA-256 is another."}
	}
	reader, err := sheet.Open(spool, size, j.FileName, sheet.DefaultLimits())
	if err != nil {
		discard()
		return nil, nil, err
	}
	return reader, func() {
		_ = reader.Close() // it only removes a temporary file
		discard()
	}, nil
}

// planUndo plans to put back what another mass configuration changed. A row that is no longer what that one made of it is left alone and named.
func (p *planner) planUndo(ctx context.Context) error {
	s, c := p.w.s, p.w.c
	done, _, prog, err := s.load(ctx, c, p.w.j.Undoes)
	if err != nil {
		return err
	}
	refused, err := s.refusedRows(ctx, c.Account, done.ID)
	if err != nil {
		return err
	}
	applied := func(visit func(planRow) error) error {
		err := s.eachRow(ctx, c.Account, done, 0, func(place int, r planRow) error {
			if place > prog.Row {
				return errEnough
			}
			if _, left := refused[place]; left || r.Outcome != New && r.Outcome != Change {
				return nil
			}
			return visit(r)
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	}
	own := map[string]bool{} // extensions with a row that was applied
	err = applied(func(r planRow) error {
		own[r.Extension] = true
		return nil
	})
	if err != nil {
		return err
	}
	back := func(visit func(planRow) error) error {
		return applied(func(r planRow) error {
			for _, b := range undone(r, own) {
				if err := visit(b); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return p.plan(ctx, back, back)
}

// refusedRows are the rows that no longer fitted when their turn came, by their places in the plan, with the reason.
func (s *Service) refusedRows(ctx context.Context, account, id string) (map[int]string, error) {
	rows := map[int]string{}
	err := table.All(ctx, s.env.Table, table.Query{Partition: partsPartition(account, id), Prefix: refusedPrefix}, func(item table.Item) error {
		r, err := call.Decode[refusedRow](item)
		rows[r.Place] = r.Message
		return err
	})
	return rows, err
}
