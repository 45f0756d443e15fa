// Package alert tells what needs attention in an account (requirements, section 12): few free seats
// of a product that has a rule for it, people who wait, a file or a report that failed, a policy that
// has bought all that it may. Each alert begins once and ends once, however often its rule is looked
// at.
package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/failures"
	"seatwise/shared/platform/table"
	"seatwise/shared/policy"
	"seatwise/shared/purchase"
)

// Kind is what an alert is about.
type Kind string

// The kinds.
const (
	LowSeats Kind = "lowSeats"
	Waiting  Kind = "waiting"
	Failed   Kind = "failed"
	// CapReached is that a policy has bought all that it may in the billing period.
	CapReached Kind = "capReached"
	// PeriodWaits is that a billing period cannot be closed, since the account has no cost center.
	PeriodWaits Kind = "periodWaits"
)

// State of an alert.
type State string

// The states.
const (
	Open State = "open"
	Over State = "over"
)

// Alert is something that needs attention, or needed it.
type Alert struct {
	ID        string     `json:"id" format:"uuid"`
	Kind      Kind       `json:"kind" enum:"lowSeats,waiting,failed,capReached,periodWaits" doc:"Few free seats; people who wait; a file or a report that failed; a policy that has bought all that it may in the billing period; a billing period that cannot be closed, since the account has no cost center."`
	ProductID string     `json:"productId,omitempty" doc:"The product that it is about, if it is about one."`
	Subject   string     `json:"subject,omitempty" doc:"Kind and id of what failed, such as massConfiguration:0190..., or the period that waits, such as period:2026-12-01."`
	State     State      `json:"state" enum:"open,over"`
	Since     time.Time  `json:"since" doc:"When it was seen first."`
	Until     *time.Time `json:"until,omitempty" doc:"When it was seen to be over."`
	Detail    string     `json:"detail" doc:"What it was about when it began, for people."`
}

// stored is an open alert as it is kept under its rule.
type stored struct {
	Alert
	Rule string `json:"rule"`
}

// open are the markers on the open alerts, by their rules.
var open = call.PlacedMarkers("ALERT")

// kept is how long an alert that is over is kept.
const kept = 400 * 24 * time.Hour

func alertsPartition(account string) string { return call.Partition(account, "ALERTS") }

// openPartition has the open alerts, one for each rule.
func openPartition(account string) string { return call.Partition(account, "ALERTS-OPEN") }

func openKey(account, rule string) table.Key {
	return table.Key{Partition: openPartition(account), Sort: rule}
}

// Service looks at the rules, and lists alerts.
type Service struct {
	env       *app.Env
	kernel    *license.Service
	inventory *inventory.Service
	buyer     *purchase.Buyer
}

// NewService makes the service.
func NewService(env *app.Env, kernel *license.Service) *Service {
	return &Service{
		env: env, kernel: kernel, inventory: inventory.NewService(kernel.Products()), buyer: purchase.NewBuyer(kernel),
	}
}

// held is an open alert as it was read.
type held struct {
	stored
	version int64
}

// Watch is what there is to look at in an account.
type Watch struct {
	rules map[string]int64 // lowSeats by product
	caps  []policy.Policy  // by which seats are bought
	waits bool             // somebody waits
	fails []failures.Failure
	open  []held
}

// Look looks at the rules of an account, or of all if it is empty, at a moment, and begins and ends
// alerts. It reads four
// lists that span the accounts, and the counts of those alone that are on one of them: who has a
// rule, who waits, what failed, what is open. One account that fails never stops the others; the
// errors come together.
func (s *Service) Look(ctx context.Context, of string) error {
	ctx = call.UntilClosed(ctx)
	waits := map[string]bool{}
	listed := license.WaitingLists(ctx, s.env.Table, of, func(account, _ string) { waits[account] = true })
	watches, err := s.Watches(ctx, of, waits)
	var pieces []call.Piece
	for _, account := range slices.Sorted(maps.Keys(watches)) {
		c := call.ForEvent(s.env, account, "alerts", "rule", s.env.Clock())
		pieces = append(pieces, call.Piece{
			Account: account, Marker: "alerts",
			Work: func(ctx context.Context) error { return s.lookAt(ctx, c, watches[account]) },
		})
	}
	return errors.Join(listed, err, call.InTurn(ctx, s.env, pieces))
}

// Seats are the counts of an account's seats; they are read when they are asked for first.
type Seats func(context.Context) ([]inventory.Summary, error)

// Due says that the alerts of the call's account do not agree with what there is. It writes nothing.
func (s *Service) Due(ctx context.Context, c *call.Call, w Watch, seats Seats) (bool, error) {
	wanted, err := s.wanted(ctx, c, w, seats)
	return err == nil && !agree(w.open, wanted), err
}

// agree says that the open alerts are the wanted ones.
func agree(open []held, wanted map[string]Alert) bool {
	for _, a := range open {
		if _, still := wanted[a.Rule]; !still {
			return false
		}
	}
	return len(open) == len(wanted)
}

// Watches gathers what there is to look at, by account: of one, or of all if it is empty. It reads three
// lists that span the accounts; in those that wait somebody waits.
func (s *Service) Watches(ctx context.Context, account string, waits map[string]bool) (map[string]Watch, error) {
	watches := map[string]*Watch{}
	of := func(account string) *Watch {
		if watches[account] == nil {
			watches[account] = &Watch{rules: map[string]int64{}}
		}
		return watches[account]
	}
	for account := range waits {
		of(account).waits = true
	}
	rules := policy.Watched(ctx, s.env.Table, account, func(account string, p policy.Policy) error {
		if p.LowSeats != nil {
			of(account).rules[p.ProductID] = *p.LowSeats
		}
		if p.AutoPurchase != nil && p.AutoPurchase.Enabled {
			of(account).caps = append(of(account).caps, p)
		}
		return nil
	})
	fails := failures.All(ctx, s.env.Table, account, func(account string, f failures.Failure) {
		of(account).fails = append(of(account).fails, f)
	})
	opened := open.Each(ctx, s.env.Table, account, func(m call.Marker) error {
		a, err := call.Decode[stored](m.Item)
		of(m.Account).open = append(of(m.Account).open, held{a, m.Item.Version})
		return err
	})
	all := make(map[string]Watch, len(watches))
	for account, w := range watches {
		all[account] = *w
	}
	return all, errors.Join(rules, fails, opened)
}

// lookAt makes the alerts of an account agree with what there is.
func (s *Service) lookAt(ctx context.Context, c *call.Call, w Watch) error {
	wanted, err := s.wanted(ctx, c, w, func(ctx context.Context) ([]inventory.Summary, error) {
		return s.inventory.Summary(ctx, c)
	})
	if err != nil {
		return err
	}
	var faults []error
	for _, a := range w.open {
		if _, still := wanted[a.Rule]; !still {
			faults = append(faults, s.end(ctx, c, a))
		}
		delete(wanted, a.Rule)
	}
	for _, rule := range slices.Sorted(maps.Keys(wanted)) {
		faults = append(faults, s.begin(ctx, c, rule, wanted[rule]))
	}
	return errors.Join(faults...)
}

// wanted are the alerts that there should be, by rule.
func (s *Service) wanted(ctx context.Context, c *call.Call, w Watch, counts Seats) (map[string]Alert, error) {
	wanted := map[string]Alert{}
	for _, f := range w.fails {
		kind := Failed
		if f.Kind == failures.Period {
			kind = PeriodWaits
		}
		if f.Until.After(c.At) {
			wanted[string(kind)+"#"+f.Kind] = Alert{Kind: kind, Subject: f.Kind + ":" + f.ID, Detail: f.Detail}
		}
	}
	if err := s.capped(ctx, c, w.caps, wanted); err != nil {
		return nil, err
	}
	counted := func(a held) bool { return a.Kind == LowSeats || a.Kind == Waiting }
	if len(w.rules) == 0 && !w.waits && !slices.ContainsFunc(w.open, counted) {
		return wanted, nil
	}
	seats, err := counts(ctx)
	if err != nil {
		return nil, err
	}
	for _, of := range seats {
		if low, ok := w.rules[of.ProductID]; ok && of.Available < low {
			wanted[string(LowSeats)+"#"+of.ProductID] = Alert{
				Kind:      LowSeats,
				ProductID: of.ProductID,
				Detail: fmt.Sprintf(
					"%s: %d of %d seats are free, fewer than %d.", of.Name, of.Available, of.Bought, low),
			}
		}
		if of.Waiting > 0 {
			wanted[string(Waiting)+"#"+of.ProductID] = Alert{
				Kind:      Waiting,
				ProductID: of.ProductID,
				Detail:    waitingDetail(of.Name, of.Waiting),
			}
		}
	}
	return wanted, nil
}

func waitingDetail(product string, people int64) string {
	return fmt.Sprintf("%s: people who wait for a seat: %d.", product, people)
}

// capped adds the alerts of policies that have bought all that they may in the billing period.
func (s *Service) capped(ctx context.Context, c *call.Call, caps []policy.Policy, wanted map[string]Alert) error {
	if len(caps) == 0 {
		return nil
	}
	reached, err := s.buyer.Reached(ctx, c, caps)
	if err != nil {
		return err
	}
	for _, r := range reached {
		wanted[string(CapReached)+"#"+r.ProductID] = Alert{
			Kind:      CapReached,
			ProductID: r.ProductID,
			Detail: fmt.Sprintf(
				"%s: no more seats are bought automatically in the billing period from %s on, in which %d were.",
				s.kernel.Products().Name(r.ProductID), r.First(), r.Seats),
		}
	}
	return nil
}

// listed is an alert as the list is to have it, and what has to be there of it until then.
type listed struct {
	Alert
	was table.Condition
}

func listKey(account, id string) table.Key {
	return table.Key{Partition: alertsPartition(account), Sort: id}
}

// begin begins the alert of a rule, unless another run was faster.
func (s *Service) begin(ctx context.Context, c *call.Call, rule string, a Alert) error {
	a.ID, a.State, a.Since = c.Env.IDs.Ordered(), Open, c.At
	now, err := call.Encode(stored{a, rule})
	if err != nil {
		return err
	}
	item := table.Item{Key: openKey(c.Account, rule), Data: now}
	item.IndexKeys[2] = open.Place(c.Account, rule)
	return s.commit(ctx, c, "alert.began", listed{a, table.IfAbsent}, table.Put(item, table.IfAbsent))
}

// end ends an alert, unless another run was faster. It says on what the list says: somebody may have been taken out of
// that since it began.
func (s *Service) end(ctx context.Context, c *call.Call, a held) error {
	item, there, err := table.Get(ctx, c.Env.Table, listKey(c.Account, a.ID))
	if err != nil {
		return err
	}
	was := table.IfAbsent
	if there {
		told, err := call.Decode[Alert](item)
		if err != nil {
			return err
		}
		a.Detail, was = told.Detail, table.IfVersion(item.Version)
	}
	at := c.At
	a.State, a.Until = Over, &at
	over := table.Delete(openKey(c.Account, a.Rule), table.IfVersion(a.version))
	return s.commit(ctx, c, "alert.ended", listed{a.Alert, was}, over)
}

// commit writes an alert beside what says whether it is open.
func (s *Service) commit(ctx context.Context, c *call.Call, action string, a listed, rule table.Operation) error {
	data, err := call.Encode(a.Alert)
	if err != nil {
		return err
	}
	item := table.Item{Key: listKey(c.Account, a.ID), Data: data}
	if a.Until != nil {
		item.Expires = a.Until.Add(kept).Unix()
	}
	told := a.Alert
	if a.Until != nil && a.Kind == Failed {
		told.Detail = "" // what failed has the name of a file, which may be gone since: the entry that it began has it
	}
	audit, err := c.Audit(call.AuditEntry{Action: action, Subject: "alert", SubjectID: a.ID, After: told})
	if err != nil {
		return err
	}
	err = c.Env.Table.Commit(ctx, []table.Operation{rule, table.Put(item, a.was), audit})
	if _, refused := table.Refused(err); refused {
		s.env.Log.InfoContext(ctx, "an alert was changed meanwhile", slog.String("account", c.Account))
		return nil
	}
	return err
}

// List is a page of the account's alerts, the newest first, from behind an id: of one state, or all
// if it is empty. An admin of some cost centers has those that are theirs, on pages that may be short.
func (s *Service) List(
	ctx context.Context, c *call.Call, state State, after string, limit int,
) ([]Alert, string, error) {
	var list []Alert
	query := table.Query{Partition: alertsPartition(c.Account), Backwards: true, To: after}
	if state == Open { // of which there is one for each rule
		query = table.Query{Partition: openPartition(c.Account)}
	}
	for {
		page, err := c.Env.Table.Query(ctx, query)
		if err != nil {
			return nil, "", err
		}
		for _, item := range page.Items {
			a, err := call.Decode[Alert](item)
			if err != nil {
				return nil, "", err
			}
			if state != "" && a.State != state {
				continue
			}
			if state != Open && len(list) == limit {
				next := list[limit-1].ID
				list, err = s.theirs(ctx, c, list)
				return list, next, err
			}
			list = append(list, a)
		}
		if query.After = page.Next; page.Next == "" {
			break
		}
	}
	list, err := s.theirs(ctx, c, list)
	if err != nil || state != Open {
		return list, "", err
	}
	slices.SortFunc(list, func(a, b Alert) int { return strings.Compare(b.ID, a.ID) })
	return pageOf(list, after, limit)
}

// pageOf is the page of sorted alerts from behind an id.
func pageOf(list []Alert, after string, limit int) ([]Alert, string, error) {
	if after != "" {
		list = slices.DeleteFunc(list, func(a Alert) bool { return a.ID >= after })
	}
	if len(list) > limit {
		return list[:limit], list[limit-1].ID, nil
	}
	return list, "", nil
}
