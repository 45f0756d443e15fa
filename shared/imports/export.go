package imports

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"seatwise/shared/filejob"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/lease"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// exportNames is how exports are called. Their wake-ups and files lie beside those of imports, so
// that the same functions work on them.
var exportNames = filejob.Names{
	One:       "export",
	Done:      "exported",
	Subject:   "export",
	Actor:     "export",
	Path:      "exports",
	Partition: "EXPORT",
	Folder:    "exports/",
}

// The states of an export.
const (
	exportQueued  = "queued"
	exportRunning = "running"
	exportReady   = "ready"
	exportFailed  = "failed"
)

const (
	// exportAttempts is how often an export is begun before it fails for good.
	exportAttempts = 4
	// exportLink is how long a download's URL is good.
	exportLink = 15 * time.Minute
	// pageOfExport is how many things are read at a time.
	pageOfExport = 200
)

// Export is an export as it is stored.
type Export struct {
	ID        string    `json:"id"`
	Kind      Kind      `json:"kind"`
	Format    string    `json:"format"`
	State     string    `json:"state"`
	FileName  string    `json:"fileName"`
	CreatedAt time.Time `json:"createdAt"`
	CreatedBy string    `json:"createdBy"`
	// Cause is the request that the export goes back to.
	Cause   call.Cause `json:"cause"`
	ReadyAt time.Time  `json:"readyAt,omitzero"`
	Rows    int        `json:"rows"`
	Why     string     `json:"why,omitempty"`
	// Attempts counts the workers.
	Attempts int `json:"attempts,omitempty"`
	version  int64
}

func decodeExport(item table.Item) (Export, error) {
	e, err := call.Decode[Export](item)
	e.version = item.Version
	return e, err
}

// put writes the export in the place of the one that was read, or as a new one.
func (e *Export) put(account string) (table.Operation, error) {
	data, err := call.Encode(e)
	if err != nil {
		return table.Operation{}, err
	}
	cond := table.IfAbsent
	if e.version > 0 {
		cond = table.IfVersion(e.version)
	}
	return table.Put(table.Item{Key: exportNames.JobKey(account, e.ID), Data: data}, cond), nil
}

func (e *Export) object(account string) files.Ref {
	return exportNames.ResultRef(account, e.ID, e.FileName)
}

// Exports write what there is as the files that change it (requirements, section 14).
type Exports struct {
	*Service
	inventory *inventory.Service
	exports   *filejob.Jobs
}

// NewExports makes the service.
func NewExports(env *app.Env, kernel *license.Service) *Exports {
	return &Exports{
		NewService(env, kernel), inventory.NewService(kernel.Products()), filejob.NewJobs(env, exportNames),
	}
}

var _ filejob.Carrier = (*Exports)(nil)

// Names is how exports are called.
func (s *Exports) Names() filejob.Names { return exportNames }

// Uploaded knows no file: an export takes none.
func (s *Exports) Uploaded(context.Context, filejob.Arrival) error {
	return filejob.ErrForeign
}

// Create asks for an export; a worker writes it.
func (s *Exports) Create(ctx context.Context, c *call.Call, kind Kind, format string) (Export, error) {
	if err := c.Begin(ctx); err != nil {
		return Export{}, err
	}
	e := Export{
		ID:        c.Env.IDs.Ordered(),
		Kind:      kind,
		Format:    format,
		State:     exportQueued,
		CreatedAt: c.At.UTC(),
		CreatedBy: c.Actor,
		Cause:     c.Cause(),
		FileName:  kind.title() + " " + c.At.UTC().Format("20060102T150405Z") + "." + format,
	}
	put, err := e.put(c.Account)
	if err != nil {
		return Export{}, err
	}
	audit, err := c.Audit(call.AuditEntry{
		Action:    "export.requested",
		Subject:   "export",
		SubjectID: e.ID,
		After:     map[string]string{"kind": string(kind), "format": format},
	})
	if err != nil {
		return Export{}, err
	}
	answer := call.Answer{
		Status: 202,
		Header: map[string]string{"Location": exportNames.Location(c.Account, e.ID)},
		Body:   e.view(),
	}
	if err := c.Commit(ctx, answer, put, exportNames.PutMarker(c.Account, e.ID), audit); err != nil {
		return Export{}, err
	}
	s.exports.WakeUp(ctx, c.Account, e.ID)
	return e, nil
}

// Get reads an export. One of a kind that the caller may not read is as unknown as one that does
// not exist.
//
// Errors: not-found.
func (s *Exports) Get(ctx context.Context, c *call.Call, id string) (Export, error) {
	if uuid.Validate(id) != nil {
		return Export{}, problem.Missing(exportNames.One)
	}
	item, ok, err := c.Get(ctx, exportNames.JobKey(c.Account, id))
	if err != nil {
		return Export{}, err
	}
	if ok {
		e, err := decodeExport(item)
		if err != nil || allows(ctx, exportOf(e.Kind).read) {
			return e, err
		}
	}
	return Export{}, problem.Missing(exportNames.One)
}

// List reads one page of the exports of the kinds that the caller may read, newest first, and the
// position of the next page.
func (s *Exports) List(
	ctx context.Context,
	c *call.Call,
	before string,
	limit int,
) (list []Export, next string, err error) {
	query := table.Query{
		Partition: exportNames.JobsPartition(c.Account),
		To:        before,
		Limit:     limit + 1,
		Backwards: true,
	}
	err = table.All(ctx, s.env.Table, query, func(item table.Item) error {
		e, err := decodeExport(item)
		if err != nil || !allows(ctx, exportOf(e.Kind).read) {
			return err
		}
		if len(list) == limit {
			next = list[limit-1].ID
			return filejob.ErrEnough
		}
		list = append(list, e)
		return nil
	})
	if errors.Is(err, filejob.ErrEnough) {
		err = nil
	}
	return list, next, err
}

// link signs the URL of a ready export's file.
func (s *Exports) link(ctx context.Context, c *call.Call, e Export) (url string, expires time.Time, err error) {
	return s.env.Files.PresignGet(ctx, e.object(c.Account), e.FileName, c.At, exportLink)
}

// Resume goes on with what was left behind, in all accounts.
func (s *Exports) Resume(ctx context.Context, now time.Time) error {
	return s.exports.EachMarked(ctx, now, s.Work)
}

// errTaken ends a worker whose export another one has.
var errTaken = errors.New("another worker has the export")

// Work writes an export, unless another worker is at it.
//
// Errors: not-found.
func (s *Exports) Work(ctx context.Context, account, id string, now time.Time) error {
	c := call.ForEvent(s.env, account, exportNames.Actor, "export:"+id, now)
	at, leased := exportNames.JobKey(account, id), exportNames.LeaseKey(account, id)
	found, err := s.env.Table.Lookup(ctx, at, leased)
	if err != nil {
		return err
	}
	item, ok := found[at]
	if !ok {
		return problem.Missing(exportNames.One)
	}
	e, err := decodeExport(item)
	if err != nil {
		return err
	}
	before, err := lease.Of(found, leased)
	if err != nil {
		return err
	}
	c.Actor = e.CreatedBy
	c.Because(e.Cause)
	removeMarker := table.Delete(exportNames.MarkerKey(account, id), table.Always)
	switch {
	case e.State == exportReady || e.State == exportFailed:
		return s.env.Table.Commit(ctx, []table.Operation{removeMarker})
	case before.Held(s.env, now):
		return nil
	}
	w := exportWorker{s, c, e, nil}
	if e.Attempts == exportAttempts {
		w.keeper = lease.NewKeeper(s.env, leased, int64(e.Attempts)+1, before)
		w.State, w.Why = exportFailed, fmt.Sprintf(
			"The export could not be written in %d attempts; ask for another one.", exportAttempts,
		)
		return taken(w.save(ctx, 0, removeMarker))
	}
	w.State, w.Attempts = exportRunning, e.Attempts+1
	w.keeper = lease.NewKeeper(s.env, leased, int64(w.Attempts), before)
	if err := w.save(ctx, lease.Life); err != nil {
		return taken(err)
	}
	return taken(w.run(ctx, removeMarker))
}

// exportWorker is one worker's hold on an export.
type exportWorker struct {
	*Exports
	c *call.Call
	Export
	keeper *lease.Keeper
}

// run writes the export and makes it ready, and renews the lease meanwhile. After a failure it
// gives the lease back, so that the next attempt need not wait for its end.
func (w *exportWorker) run(ctx context.Context, effects ...table.Operation) error {
	stop := w.keeper.Beat(ctx)
	defer stop()
	rows, err := w.make(ctx)
	if err != nil {
		if !errors.Is(err, errTaken) {
			err = errors.Join(err, taken(w.save(context.WithoutCancel(ctx), 0)))
		}
		return err
	}
	w.State, w.Rows, w.ReadyAt = exportReady, rows, w.env.Clock().UTC()
	audit, err := w.c.Audit(call.AuditEntry{
		Action: "export.ready", Subject: "export", SubjectID: w.ID, After: map[string]any{"kind": w.Kind, "rows": rows},
	})
	if err != nil {
		return err
	}
	return w.save(ctx, 0, append(effects, audit)...)
}

// taken drops errTaken: the other worker finishes.
func taken(err error) error {
	if errors.Is(err, errTaken) {
		return nil
	}
	return err
}

// save writes the export as the worker has it, with a lease of this life.
func (w *exportWorker) save(ctx context.Context, life time.Duration, effects ...table.Operation) error {
	put, err := w.put(w.c.Account)
	if err != nil {
		return err
	}
	if err := w.lost(w.keeper.Write(ctx, life, append(effects, put))); err != nil {
		return err
	}
	w.version++
	return nil
}

// renew renews the lease when half of it is gone, unless another worker has the export.
func (w *exportWorker) renew(ctx context.Context) error {
	still := table.Check(exportNames.JobKey(w.c.Account, w.ID), table.IfVersion(w.version))
	return w.lost(w.keeper.Renew(ctx, still))
}

// lost turns the refusal of the export's own condition, or of the lease's, into errTaken.
func (w *exportWorker) lost(err error) error {
	refused, ok := table.Refused(err)
	if ok && (refused.Has(exportNames.JobKey(w.c.Account, w.ID)) || refused.Has(w.keeper.Key())) {
		return errTaken
	}
	return err
}

// make writes the file and stores it. The rows go through a temporary file, since how many columns
// there are is known after the last one.
func (w *exportWorker) make(ctx context.Context) (rows int, err error) {
	spool, err := os.CreateTemp("", "seatwise-export-*")
	if err != nil {
		return 0, fmt.Errorf("export: %w", err)
	}
	defer discard(spool)
	out := bufio.NewWriter(spool)
	to := json.NewEncoder(out)
	lists := map[string]int{}
	err = exportOf(w.Kind).each(ctx, w.Exports, w.c, func(row exportRow) error {
		for field, cells := range row.Lists {
			lists[field] = max(lists[field], len(cells))
		}
		if rows++; rows%pageOfExport == 0 {
			if err := w.renew(ctx); err != nil {
				return err
			}
		}
		return to.Encode(row)
	})
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		_, err = spool.Seek(0, io.SeekStart)
	}
	if err != nil {
		return 0, err
	}
	file, err := os.CreateTemp("", "seatwise-export-*")
	if err != nil {
		return 0, fmt.Errorf("export: %w", err)
	}
	defer discard(file)
	if err := w.writeFile(file, json.NewDecoder(bufio.NewReader(spool)), &w.Export, lists); err != nil {
		return 0, err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return 0, fmt.Errorf("export: %w", err)
	}
	if err := w.save(ctx, lease.Life); err != nil { // who was overtaken stores nothing
		return 0, err
	}
	_, err = w.env.Files.Put(ctx, w.object(w.c.Account), file, size, filejob.ContentType(w.FileName))
	return rows, err
}

func discard(file *os.File) {
	_ = file.Close()           // it was read by then, or given up
	_ = os.Remove(file.Name()) // in Lambda the folder is emptied with the instance at the latest
}

// writeFile writes the spooled rows with a number of columns of each list.
func (s *Exports) writeFile(to io.Writer, rows *json.Decoder, e *Export, lists map[string]int) error {
	f, l := s.exportForm(e, lists)
	out, err := newTable(to, s.env, e.Format, f)
	if err != nil {
		return err
	}
	defer out.Discard()
	for {
		var row exportRow
		if err := rows.Decode(&row); errors.Is(err, io.EOF) {
			return out.Close()
		} else if err != nil {
			return fmt.Errorf("export: %w", err)
		}
		cells := row.Cells
		for _, h := range l.lists {
			cells = append(cells, row.Lists[h.field]...)
			cells = append(cells, make([]string, max(l.shown, lists[h.field])-len(row.Lists[h.field]))...)
		}
		if err := out.Append(cells); err != nil {
			return err
		}
	}
}

// exportRow is a row of an export: the cells of its single columns, and those of its lists.
type exportRow struct {
	Cells []string            `json:"c"`
	Lists map[string][]string `json:"l,omitempty"`
}

// eachPage reads page after page.
func eachPage(read func(after string) (next string, err error)) error {
	for after := ""; ; {
		next, err := read(after)
		if err != nil || next == "" {
			return err
		}
		after = next
	}
}

// packed puts ids into at most 250 cells: one each where there is room, several with semicolons
// between them otherwise.
func packed(ids []string) []string {
	const most = 250
	if len(ids) <= most {
		return ids
	}
	each := (len(ids) + most - 1) / most
	var cells []string
	for len(ids) > 0 {
		n := min(each, len(ids))
		cells = append(cells, strings.Join(ids[:n], ";"))
		ids = ids[n:]
	}
	return cells
}
