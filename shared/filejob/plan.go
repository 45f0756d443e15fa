package filejob

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Size is how many rows of a plan belong together.
type Size struct {
	// Chunk is how many rows one item holds; that many of the largest must stay below 400 KB.
	Chunk int
	// Batch is how many rows are judged on one Load.
	Batch int
}

// rowOf is a pointer to a row of a module's plan, which embeds Judged.
type rowOf[R any] interface {
	*R
	judged() *Judged
}

// Plan is the plan of a job, as it lies in the table: what each row of its file is, or shall be. R
// is a module's row.
type Plan[R any, P rowOf[R]] struct {
	Jobs        *Jobs
	Account, ID string // of the job
	Size        Size
	// Beside takes out of a row what has no room in the plan, in parts of which each fits into an
	// item and all into a commit; ReadBeside reads them again. The row says how many there are. Nil
	// where every row fits.
	Beside func(r P) (parts []any)
	// Says is how the result file says what becomes of a row.
	Says Wording
}

func (p Plan[R, P]) chunkKey(chunk int) table.Key {
	return p.Jobs.names.chunkKey(p.Account, p.ID, chunk)
}

func (p Plan[R, P]) besideKey(row, part int) table.Key {
	return p.Jobs.names.besideKey(p.Account, p.ID, row, part)
}

// ReadBeside reads a number of parts of what a row of the file keeps beside the plan.
func (p Plan[R, P]) ReadBeside(ctx context.Context, row, parts int) ([]table.Item, error) {
	keys := make([]table.Key, parts)
	for part := range keys {
		keys[part] = p.besideKey(row, part)
	}
	found, err := p.Jobs.env.Table.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	items := make([]table.Item, parts)
	for part, key := range keys {
		item, ok := found[key]
		if !ok {
			return nil, fmt.Errorf("item %s of a plan is missing", key)
		}
		items[part] = item
	}
	return items, nil
}

// chunk reads the rows of one item.
func (p Plan[R, P]) chunk(ctx context.Context, n int) ([]R, error) {
	item, ok, err := table.Get(ctx, p.Jobs.env.Table, p.chunkKey(n))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("chunk %d of %s %s is missing", n, p.Jobs.names.One, p.ID)
	}
	return call.Decode[[]R](item)
}

// ErrEnough ends a visit of rows before their end.
var ErrEnough = errors.New("enough rows")

// Each visits the rows in order, with their places in the plan from 1, and only those behind the
// place after; few chunks are in memory at a time.
func (p Plan[R, P]) Each(ctx context.Context, after int, visit func(place int, r P) error) error {
	size := p.Size.Chunk
	place := after / size * size // every chunk but the last is full
	query := table.Query{
		Partition: p.Jobs.names.partsPartition(p.Account, p.ID),
		Prefix:    PlanPrefix,
		From:      p.chunkKey(after / size).Sort,
		Limit:     10,
	}
	return table.All(ctx, p.Jobs.env.Table, query, func(item table.Item) error {
		rows, err := call.Decode[[]R](item)
		if err != nil {
			return err
		}
		for i := range rows {
			if place++; place <= after {
				continue
			}
			if err := visit(place, &rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// RowsPage says which rows of a plan are listed.
type RowsPage struct {
	Outcome Outcome // of this outcome; empty for all
	// Position is the place of the last row of the page before, and empty for the first page.
	Position string
	Limit    int
}

// ListRows lists rows in the order of the file, as the module shows them, with the position of the
// next page; that is empty after the last one.
func ListRows[R any, P rowOf[R], S any](
	ctx context.Context, p Plan[R, P], page RowsPage, show func(P) S,
) (rows []S, next string, err error) {
	after, _ := strconv.Atoi(page.Position) // empty, or sealed by us
	last := 0
	rows = []S{}
	err = p.Each(ctx, after, func(place int, r P) error {
		if page.Outcome != "" && r.judged().Outcome != page.Outcome {
			return nil
		}
		if len(rows) == page.Limit {
			return ErrEnough
		}
		rows, last = append(rows, show(r)), place
		return nil
	})
	if errors.Is(err, ErrEnough) {
		return rows, strconv.Itoa(last), nil
	}
	return rows, "", err
}

// Refused are the rows that no longer fitted when their turn came, by their places, with the
// reason.
func (p Plan[R, P]) Refused(ctx context.Context) (map[int]string, error) {
	rows := map[int]string{}
	query := table.Query{Partition: p.Jobs.names.partsPartition(p.Account, p.ID), Prefix: refusedPrefix}
	err := table.All(ctx, p.Jobs.env.Table, query, func(item table.Item) error {
		r, err := call.Decode[refusedRow](item)
		rows[r.Place] = r.Message
		return err
	})
	return rows, err
}

// Changed judges every sound row once more, as its check did, and names those that are no longer as
// the check found them; the answer is for a person, and empty when there are none (requirements,
// section 5.4). The judge has begun already.
func (p Plan[R, P]) Changed(
	ctx context.Context, w *Worker, judge Judge[R], same func(found, again P) bool,
) (string, error) {
	var named []int
	var batch []R
	look := func() error {
		decide, err := judge.Load(ctx, batch)
		if err != nil {
			return err
		}
		for i := range batch {
			again := batch[i]
			decide(&again)
			if !same(&batch[i], &again) {
				named = append(named, P(&again).judged().Row)
			}
		}
		batch = batch[:0]
		return w.renew(ctx)
	}
	err := p.Each(ctx, 0, func(_ int, r P) error {
		if r.judged().Outcome == Bad {
			return nil
		}
		if batch = append(batch, *r); len(batch) == p.Size.Batch {
			return look()
		}
		return nil
	})
	if err == nil {
		err = look()
	}
	if err != nil || len(named) == 0 {
		return "", err
	}
	return p.Jobs.names.NoLongerFits() + "Changed since the check: " + rowNames(named, len(named)) + ".", nil
}
