// Package idle tells which seats nobody uses, what they cost, and takes them back (requirements,
// section 12): who has not used a seat for some days, in the order of last use, from a list that is
// made once a day; and reclaims, which take such seats as a job and can be undone.
package idle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/craft/money"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/events"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/work"
	"seatwise/shared/usage"
)

// Service lists idle seats and reclaims them.
type Service struct {
	env       *app.Env
	products  *catalog.Catalog
	kernel    *license.Service
	inventory *inventory.Service
	usage     *usage.Service
}

// NewService makes the service; seats are taken by the kernel, and used tells their last use.
func NewService(env *app.Env, kernel *license.Service, used *usage.Service) *Service {
	return &Service{
		env: env, products: kernel.Products(), kernel: kernel, usage: used,
		inventory: inventory.NewService(kernel.Products()),
	}
}

// Seat is an idle seat.
type Seat struct {
	License license.License `json:"license"`
	User    Holder          `json:"user"`
	// LastUsed is absent for who never used it since it is told.
	LastUsed  *time.Time   `json:"lastUsed,omitempty" doc:"A use on the last UTC day with any; of Live Reports a view, or when the holder ceased to be a monitored agent. Absent if none is known."`
	IdleSince time.Time    `json:"idleSince" doc:"The last use, or when the seat was assigned if that was later."`
	PerMonth  money.Amount `json:"perMonth" doc:"What the seat costs a month."`
}

// Holder is who has an idle seat.
type Holder struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Total is what all idle seats come to.
type Total struct {
	Seats    int          `json:"seats"`
	PerMonth money.Amount `json:"perMonth" doc:"What they cost a month together."`
	// Monitored is told so that nobody wonders where an agent is.
	Monitored int `json:"monitored" doc:"Seats that nobody views with and that are not among the idle ones, because their holders are monitored agents."`
}

// Asked is what idle seats are asked for.
type Asked struct {
	Products []string // any of them; all if there is none
	Days     int
}

// Page is a page of idle seats.
type Page struct {
	Items []Seat
	// Next is the position of the next page; empty on the last one.
	Next string
	// Total is told with the first page.
	Total *Total
	// Untold are the products of which nobody ever told who uses them.
	Untold []string
}

// checkAsked refuses products that there are not.
func (s *Service) checkAsked(of Asked) error {
	faults := problem.Culprits("product", problem.UnknownID, of.Products, func(i int) bool {
		_, ok := s.products.Lookup(of.Products[i])
		return !ok
	}, "is not in the catalog")
	if len(faults) > 0 {
		return problem.Validation(faults...)
	}
	return nil
}

// Idle is a page of the seats that were not used on any of the last days, in the order of last use
// as it was when the list was made. Each is looked at as it is now, so one that was used, given back
// or assigned since is not told. The first page looks at all of them, for the total: 1 to 4 items a
// seat, 100 a read. An admin of some cost centers has the seats that are charged to theirs.
//
// Errors: validation for a product that is not in the catalog.
func (s *Service) Idle(ctx context.Context, c *call.Call, of Asked, position string, limit int) (Page, error) {
	if err := s.checkAsked(of); err != nil {
		return Page{}, err
	}
	currency, err := s.currency(ctx, c)
	if err != nil {
		return Page{}, err
	}
	products := of.Products
	if len(products) == 0 {
		for p := range s.products.All() {
			products = append(products, p.ID)
		}
	}
	products = slices.Compact(slices.Sorted(slices.Values(products)))
	cutoff := Cutoff(c.At, of.Days)
	seats, err := s.candidates(ctx, c, products, cutoff)
	if err != nil {
		return Page{}, err
	}
	judged := judging{Service: s, c: c, cutoff: cutoff, currency: currency, whole: position == ""}
	if judged.theirs, err = access.CostCenters(ctx); err != nil {
		return Page{}, err
	}
	page, err := judged.page(ctx, behindPosition(seats, position), limit)
	if err != nil || position != "" {
		return page, err
	}
	page.Total = &judged.total
	page.Untold, err = s.usage.Untold(ctx, c, s.heldOf(seats))
	return page, err
}

// currency is the account's.
func (s *Service) currency(ctx context.Context, c *call.Call) (string, error) {
	a, _, err := account.Load(ctx, c)
	return a.Currency, err
}

// heldOf are the products of seats, each once.
func (s *Service) heldOf(seats []seat) []string {
	var products []string
	for p := range s.products.All() {
		if slices.ContainsFunc(seats, func(one seat) bool { return one.Product == p.ID }) {
			products = append(products, p.ID)
		}
	}
	return products
}

// judging looks at seats of the list as they are now.
type judging struct {
	*Service
	c        *call.Call
	cutoff   time.Time
	currency string
	// whole says that all seats are looked at, for the total, and not a page of them alone.
	whole bool
	total Total
	// theirs is to which cost centers the caller is limited: other seats are not looked at.
	theirs auth.Limit
	// takes says that the seats are to be taken, so that who holds them must be theirs, too.
	takes bool
}

const (
	// seatsAtOnce is how many seats are looked at in one read, and readsAtOnce how many such reads
	// are made side by side.
	seatsAtOnce = 50
	readsAtOnce = 4
)

// page judges seats until it has one page of those that are idle; of a list from its beginning all
// of them, for the total.
func (j *judging) page(ctx context.Context, seats []seat, limit int) (Page, error) {
	var page Page
	var err error
	if j.total.PerMonth = money.Zero(j.currency); len(seats) == 0 {
		return page, nil
	}
	last := ""
	for group := range slices.Chunk(seats, seatsAtOnce*readsAtOnce) {
		verdicts, err := j.judgeAll(ctx, group)
		if err != nil {
			return page, err
		}
		for i, v := range verdicts {
			if v.monitored {
				j.total.Monitored++
			}
			if v.idle == nil {
				continue
			}
			j.total.Seats++
			if j.total.PerMonth, err = j.total.PerMonth.Add(v.idle.PerMonth); err != nil {
				return page, fmt.Errorf("idle seats: %w", err)
			}
			switch {
			case len(page.Items) < limit:
				page.Items, last = append(page.Items, *v.idle), group[i].position()
			case page.Next == "":
				page.Next = last
			}
			if !j.whole && page.Next != "" {
				return page, nil
			}
		}
	}
	return page, err
}

// verdict is what became of a seat of the list.
type verdict struct {
	idle      *Seat
	monitored bool
}

// judgeAll judges seats, some in each read and some reads at once.
func (j *judging) judgeAll(ctx context.Context, seats []seat) ([]verdict, error) {
	verdicts := make([]verdict, len(seats))
	var group errgroup.Group
	for first := 0; first < len(seats); first += seatsAtOnce {
		some := seats[first:min(first+seatsAtOnce, len(seats))]
		into := verdicts[first : first+len(some)]
		group.Go(func() error { return j.judge(ctx, some, into) })
	}
	return verdicts, group.Wait()
}

// judge reads what is known of some seats now, and says which of them are idle.
func (j *judging) judge(ctx context.Context, seats []seat, into []verdict) error {
	var keys []table.Key
	for _, one := range seats {
		keys = append(keys, j.keys(j.c.Account, one)...)
	}
	slices.SortFunc(keys, table.Key.Compare)
	found, err := j.env.Table.Lookup(ctx, slices.Compact(keys)...)
	if err != nil {
		return err
	}
	theirUser := func(string) bool { return true }
	if j.takes {
		users := make([]string, len(seats))
		for i, one := range seats {
			users[i] = one.User
		}
		if theirUser, err = access.TheirUsers(ctx, j.env.Table, j.c.Account, users...); err != nil {
			return err
		}
	}
	for i, one := range seats {
		item, ok := found[license.Key(j.c.Account, one.License)]
		if !ok {
			continue
		}
		l, err := call.Decode[license.License](item)
		if err != nil {
			return err
		}
		charged, err := license.ChargedTo(item)
		if err != nil {
			return err
		}
		if !j.theirs.Has(charged) || !theirUser(one.User) {
			continue
		}
		if l.Status != license.Assigned || l.UserID != one.User {
			continue
		}
		last, err := j.usage.UseOf(found, j.c.Account, usage.Seat{UserID: one.User, ProductID: one.Product})
		if err != nil {
			return err
		}
		if into[i], err = j.verdict(l, last); err != nil {
			return err
		}
	}
	return nil
}

// keys are the items that say how a seat stands.
func (s *Service) keys(account string, one seat) []table.Key {
	return append(
		s.usage.UseKeys(account, usage.Seat{UserID: one.User, ProductID: one.Product}),
		license.Key(account, one.License),
	)
}

// verdict judges a seat by its license and its last use.
func (j *judging) verdict(l license.License, last usage.LastUse) (verdict, error) {
	since := idleSince(l, last)
	switch {
	case !since.Before(j.cutoff):
		return verdict{}, nil
	case last.Monitored:
		return verdict{monitored: true}, nil
	}
	price, err := j.products.Price(l.ProductID, j.currency)
	if err != nil {
		return verdict{}, fmt.Errorf("idle seats: %w", err)
	}
	p, _ := j.products.Lookup(l.ProductID)
	l.ProductName = p.Name
	idle := Seat{License: l, User: Holder{ID: l.UserID, Name: l.UserName}, IdleSince: since, PerMonth: price}
	if !last.At.IsZero() {
		idle.LastUsed = &last.At
	}
	return verdict{idle: &idle}, nil
}

// idleSince is the last use of a seat, or when it was assigned if that was later.
func idleSince(l license.License, last usage.LastUse) time.Time {
	since := last.At
	if l.AssignedAt != nil && l.AssignedAt.After(since) {
		since = *l.AssignedAt
	}
	return since.UTC()
}

// aggregator is who acts when nobody asked: the actor of audit records.
const aggregator = "usage-aggregation"

// Scheduled has views folded, and then the day's lists of idle seats made where there is none yet, at
// the time that a schedule, or a person, tells. What a schedule finds it hands on, a message for each
// account in which something is counted: others cost nothing. For a person it is done before this
// returns, for one account or for all. Each account is on its own: one that fails never stops the rest.
func (s *Service) Scheduled(ctx context.Context, payload []byte) error {
	schedule, err := events.Scheduled(payload)
	if err != nil {
		return fmt.Errorf("aggregation: %w", err)
	}
	accounts := []string{schedule.Account}
	if schedule.Account == "" {
		if accounts, err = s.counted(ctx); err != nil {
			return err
		}
	}
	if schedule.Asked || s.env.Work == nil {
		return s.aggregateAll(ctx, accounts, schedule.Time)
	}
	messages := make([]work.Message, len(accounts))
	for i, id := range accounts {
		messages[i] = work.Message{Kind: work.Aggregation, Account: id, Time: schedule.Time}
	}
	s.env.Log.InfoContext(ctx, "aggregation handed on", slog.Int("accounts", len(messages)))
	return s.env.Work.Send(ctx, messages...) //nolint:wrapcheck // the port's own
}

// counted are the accounts in which something is counted and that are not closed.
func (s *Service) counted(ctx context.Context) ([]string, error) {
	accounts, err := call.Counted(ctx, s.env.Table)
	if err != nil {
		return nil, err
	}
	states, err := call.States(ctx, s.env.Table, s.env.Pick, accounts...)
	return slices.DeleteFunc(accounts, func(id string) bool { return states[id] == call.Closed }), err
}

// aggregateAll is Aggregate for some accounts, a few at the same time.
func (s *Service) aggregateAll(ctx context.Context, accounts []string, at time.Time) error {
	failures := make([]error, len(accounts))
	var group errgroup.Group
	group.SetLimit(accountsAtOnce)
	for i, id := range accounts {
		group.Go(func() error {
			if err := s.Aggregate(ctx, id, at); err != nil {
				s.env.Log.ErrorContext(ctx, "aggregation failed", slog.String("account", id), slog.Any("error", err))
				failures[i] = fmt.Errorf("account %s: %w", id, err)
			}
			return nil
		})
	}
	_ = group.Wait() // no account returns its error to the group, which would only keep the first
	return errors.Join(failures...)
}

// accountsAtOnce is how many accounts are aggregated at the same time.
const accountsAtOnce = 4

// Aggregate folds the views of an account into rollups, and makes the day's list of its idle seats
// where there is none yet. One that fails does not stop the other. It may be repeated, be late or
// overlap with another.
func (s *Service) Aggregate(ctx context.Context, account string, at time.Time) error {
	err := s.usage.AggregateAccount(ctx, account, at)
	listed := s.List(call.UntilClosed(ctx), call.ForEvent(s.env, account, aggregator, "idle seats", at))
	if call.Stopped(listed) {
		listed = nil
	}
	if call.Stopped(err) {
		err = nil
	}
	if listed != nil {
		listed = fmt.Errorf("idle seats: %w", listed)
	}
	return errors.Join(err, listed)
}
