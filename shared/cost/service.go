package cost

import (
	"context"
	"fmt"
	"slices"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/events"
	"seatwise/shared/platform/table"
)

// keptDays is how long a day is kept.
const keptDays = 400

// Service folds lines of the log into days of accounts, and reads them.
type Service struct{ env *app.Env }

// NewService makes the service.
func NewService(env *app.Env) *Service { return &Service{env: env} }

// Scheduled folds the day before that of the event. Whatever day it is, it can be folded again as long as
// its lines are kept, with the same result.
//
// Errors: those of the log and of the table.
func (s *Service) Scheduled(ctx context.Context, payload []byte) error {
	event, err := events.Scheduled(payload)
	if err != nil {
		return err
	}
	ended := event.Time.UTC().Truncate(24 * time.Hour)
	return s.Fold(ctx, ended.AddDate(0, 0, -1), ended)
}

// Fold makes of the lines of a day an item for each account.
func (s *Service) Fold(ctx context.Context, from, to time.Time) error {
	sums := Sums{}
	add := func(line []byte) error {
		sums.Add(line)
		return nil
	}
	if err := s.env.Lines.Read(ctx, from, to, add); err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	var ops []table.Operation
	// A line may name an account that there is not: an operator may ask for any.
	err := account.All(ctx, s.env.Table, func(a account.Account) error {
		w, ok := sums[a.ID]
		if !ok {
			return nil
		}
		op, err := s.day(a.ID, from, w)
		ops = append(ops, op)
		return err
	})
	if err != nil {
		return err
	}
	ctx = call.Anyhow(ctx) // what an account took is told whatever its state is, and a commit is of many
	for some := range slices.Chunk(ops, table.MaxOperations) {
		if err := s.env.Table.Commit(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// day is the operation that writes a day of an account.
func (s *Service) day(account string, day time.Time, w Work) (table.Operation, error) {
	data, err := call.Encode(w)
	if err != nil {
		return table.Operation{}, err
	}
	return table.Put(table.Item{
		Key:     table.Key{Partition: call.Partition(account, "COST"), Sort: day.Format(time.DateOnly)},
		Data:    data,
		Expires: day.AddDate(0, 0, keptDays).Unix(),
	}, table.Always), nil
}

// CostDay is what an account took on a day of UTC.
type CostDay struct {
	Day string `json:"day" format:"date" doc:"The day, in UTC."`
	Work
	Dollars Prices `json:"dollars" doc:"What that costs at the list prices of AWS."`
}

// Days are those of a window on which there was anything; end is the day after its last.
func (s *Service) Days(ctx context.Context, account string, first, end time.Time) ([]CostDay, error) {
	days := []CostDay{}
	q := table.Query{
		Partition: call.Partition(account, "COST"), From: first.Format(time.DateOnly), To: end.Format(time.DateOnly),
	}
	err := table.All(ctx, s.env.Table, q, func(item table.Item) error {
		w, err := call.Decode[Work](item)
		if err != nil {
			return err
		}
		days = append(days, CostDay{Day: item.Sort, Work: w, Dollars: w.Dollars()})
		return nil
	})
	return days, err
}
