package offboarding

import (
	"context"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/table"
)

// MayChange says whether forgetting people changes items like this one in the place of what was read.
func MayChange(item table.Item) (bool, error) {
	kind := kindOf(item)
	doc, err := parse(item.Data)
	if err != nil || inRecords[kind].brief {
		return false, err
	}
	may, known := inRecords[kind].lost != nil, byKind[kind]
	err = doc.each(known.maps, func(w way) error {
		may = may || known.known[w[len(w)-1].path] != nil
		return nil
	})
	return may, err
}

// SmallWorker is a worker that stores what it has gathered after every page.
type SmallWorker struct{ w *Worker }

// NewSmallWorker makes one.
func NewSmallWorker(env *app.Env) SmallWorker { return SmallWorker{&Worker{env: env, spool: 1}} }

// Run does all but erasures.
func (s SmallWorker) Run(ctx context.Context) error {
	return s.w.Run(ctx, pending{at: s.w.env.Clock()})
}
