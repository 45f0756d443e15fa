package call

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/work"
)

const (
	// asidePause is how often a piece is tried that was set aside.
	asidePause = 24 * time.Hour
	// mostCutOff is how often a piece may use up its time: work that is only large goes on in each run
	// from where the one before was cut off, for a day of computing.
	mostCutOff = 100
	// noteTime is what there is to note a failure once the time of the run is over.
	noteTime = 200 * time.Millisecond
	// triesKept is how long it is known of a piece that it failed.
	triesKept = 30 * 24 * time.Hour
)

// tries is how often a piece of pending work has failed, one time after the other.
type tries struct {
	Attempts int `json:"attempts"`
	// CutOff is how often its time was used up, which is no failure at first.
	CutOff int `json:"cutOff,omitempty"`
	// Next is before when it is not tried again, and Error why it failed last.
	Next  time.Time `json:"next"`
	Error string    `json:"error"`

	exists  bool
	version int64
}

// pieceID tells the pieces of several accounts apart.
type pieceID struct{ account, marker string }

func (p Piece) of() pieceID { return pieceID{p.Account, p.Marker} }

func triesPartition(account string) string { return Partition(account, "TRIES") }

// open are the pieces of accounts in which they may be done now: those of a suspended or closed one are left
// alone, and go on when it is active again.
func open(ctx context.Context, env *app.Env, pieces []Piece) ([]Piece, error) {
	var accounts []string
	for _, p := range pieces {
		if !slices.Contains(accounts, p.Account) {
			accounts = append(accounts, p.Account)
		}
	}
	states, err := States(ctx, env.Table, env.Pick, accounts...)
	if err != nil {
		return nil, fmt.Errorf("states of accounts: %w", err)
	}
	return slices.DeleteFunc(slices.Clone(pieces), func(p Piece) bool {
		state, stopped := states[p.Account]
		return stopped && !reachOf(ctx).allows(state)
	}), nil
}

// readTries reads what is known of pieces that failed, by one query for each account.
func readTries(ctx context.Context, env *app.Env, pieces []Piece) (map[pieceID]tries, error) {
	known := map[pieceID]tries{}
	read := map[string]bool{}
	for _, p := range pieces {
		if read[p.Account] {
			continue
		}
		read[p.Account] = true
		query := table.Query{Partition: triesPartition(p.Account)}
		err := table.All(ctx, env.Table, query, func(item table.Item) error {
			t, err := Decode[tries](item)
			if err != nil { // what cannot be read keeps nothing from being tried
				t = tries{}
			}
			t.exists, t.version = true, item.Version
			known[pieceID{p.Account, item.Sort}] = t
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("what failed of account %s: %w", p.Account, err)
		}
	}
	return known, nil
}

// succeeded forgets that a piece has failed.
func (p Piece) succeeded(ctx context.Context, env *app.Env, t tries) error {
	if !t.exists {
		return nil
	}
	key := table.Key{Partition: triesPartition(p.Account), Sort: p.Marker}
	err := env.Table.Commit(ctx, []table.Operation{table.Delete(key, table.Always)})
	if err != nil {
		return fmt.Errorf("forget that %s failed: %w", p, err)
	}
	return nil
}

// failed notes that a piece has failed once more, and sets it aside when that was too often.
func (p Piece) failed(ctx context.Context, env *app.Env, t tries, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	aside := t.another(env.Clock(), why)
	if aside {
		if err := p.setAside(ctx, env, why); err != nil {
			return err
		}
	}
	data, err := Encode(t)
	if err != nil {
		return err
	}
	item := table.Item{
		Key:  table.Key{Partition: triesPartition(p.Account), Sort: p.Marker},
		Data: data, Expires: env.Clock().Add(triesKept).Unix(),
	}
	cond := table.IfAbsent
	if t.exists {
		cond = table.IfVersion(t.version)
	}
	err = env.Table.Commit(ctx, []table.Operation{table.Put(item, cond)})
	if _, counted := table.Refused(err); counted { // by another run
		return nil
	}
	if err != nil {
		return fmt.Errorf("note that %s failed: %w", p, err)
	}
	return nil
}

// another counts one more failure, says when it is tried again, and whether it is set aside now.
func (t *tries) another(now time.Time, why error) (aside bool) {
	t.Error = why.Error()
	if errors.Is(why, context.DeadlineExceeded) || errors.Is(why, context.Canceled) {
		t.CutOff++
		aside = t.CutOff == mostCutOff
	} else {
		t.Attempts++
		aside = t.Attempts == MostAttempts
		t.Next = now.Add(Pause(t.Attempts)).UTC()
	}
	if t.Attempts >= MostAttempts || t.CutOff >= mostCutOff {
		t.Next = now.Add(asidePause).UTC()
	}
	return aside
}

// setAside tells of a piece that failed too often: the message that would have it tried again lies
// where an alarm hears of it.
func (p Piece) setAside(ctx context.Context, env *app.Env, why error) error {
	env.Log.ErrorContext(ctx, "pending work is set aside; it is tried once a day",
		slog.String("marker", p.String()), slog.Any("error", why))
	if env.Work == nil {
		return nil
	}
	m := work.Message{
		Kind: work.Maintenance, Account: p.Account, Time: env.Clock().UTC(), Insist: true,
		Marker: p.Marker, Error: why.Error(),
	}
	if err := env.Work.SetAside(ctx, m); err != nil {
		return errors.Join(fmt.Errorf("set %s aside", p), err)
	}
	return nil
}

type insistent struct{}

// Insist makes InTurn try the pieces that pause or were set aside, too: somebody has mended the cause.
func Insist(ctx context.Context) context.Context { return context.WithValue(ctx, insistent{}, true) }

func insists(ctx context.Context) bool { return ctx.Value(insistent{}) != nil }
