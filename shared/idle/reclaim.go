package idle

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"seatwise/shared/license"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// State of a reclaim.
type State string

// The states.
const (
	Running   State = "running"
	Completed State = "completed"
	Undoing   State = "undoing"
	Undone    State = "undone"
)

// What becomes of a seat in a reclaim.
const (
	pending     = "pending"
	reclaimed   = "reclaimed"
	kept        = "kept"
	returned    = "returned"
	notReturned = "notReturned"
)

// Why a seat was kept, or could not be restored, beside the slugs of problems.
const (
	whyUsed      = "used"
	whyMonitored = "monitored"
	whyNotHeld   = "not-held"
	whyGone      = "user-gone"
	whyHolds     = "holds-one"
	whyNoGrant   = "no-grant"
	whyNotTheirs = "not-theirs"
)

const (
	// undoable is for how long a reclaim can be undone (requirements, section 12).
	undoable = 30 * day
	// partSeats is how many seats are in one item of a reclaim, which is written with each of them.
	partSeats = 25
	// partsAtOnce is how many such items one commit writes.
	partsAtOnce = 50
	// shownSeats is how many seats are told with the reclaim itself.
	shownSeats = 1000
	// mostUsers is how many users a reclaim may name.
	mostUsers = 1000
)

// Asks is what a reclaim is asked for.
type Asks struct {
	ProductID string
	Days      int
	// UserIDs are the only ones whose seats are taken; everybody's if there are none.
	UserIDs []string
}

// job is a reclaim as it is stored.
type job struct {
	ID        string     `json:"id"`
	ProductID string     `json:"productId"`
	Days      int        `json:"days"`
	UserIDs   []string   `json:"userIds,omitempty"`
	Cutoff    time.Time  `json:"cutoff"`
	State     State      `json:"state"`
	By        string     `json:"by"`
	Cause     call.Cause `json:"cause"`
	CreatedAt time.Time  `json:"createdAt"`
	EndedAt   *time.Time `json:"endedAt,omitempty"`
	UndoneAt  *time.Time `json:"undoneAt,omitempty"`
	// Limit is to which cost centers who began it is limited: no other seats and people are touched.
	Limit auth.Limit `json:"limit,omitzero"`
	// UndoLimit is to which cost centers who is undoing it is limited.
	UndoLimit auth.Limit `json:"undoLimit,omitzero"`
	// Undoes are the only users whose seats are restored while it is being undone; everybody's if
	// there are none.
	Undoes []string `json:"undoes,omitempty"`
	// Parts is how many items hold the seats, and Next how many of them are done in this state.
	Parts  int    `json:"parts"`
	Next   int    `json:"next"`
	Counts Counts `json:"counts"`
}

// Counts are the seats of a reclaim by what became of them.
type Counts struct {
	Seats       int `json:"seats" doc:"All that were looked at."`
	Reclaimed   int `json:"reclaimed" doc:"Those that were taken."`
	Kept        int `json:"kept" doc:"Those that were not idle when their turn came."`
	Returned    int `json:"returned" doc:"Of those that were taken, how many were restored to who had them."`
	NotReturned int `json:"notReturned" doc:"Of those that were taken, how many could not be restored."`
}

// Row is a seat of a reclaim, and what became of it.
type Row struct {
	UserID    string    `json:"userId"`
	UserName  string    `json:"userName"`
	LicenseID string    `json:"licenseId,omitempty" doc:"The license that was looked at; absent for who holds none."`
	IdleSince time.Time `json:"idleSince,omitzero" doc:"Its last use, or when it was assigned if that was later."`
	Outcome   string    `json:"outcome" enum:"pending,reclaimed,kept,returned,notReturned"`
	Why       string    `json:"why,omitempty" doc:"Why it was kept or could not be restored: used, monitored, not-held, user-gone, holds-one, no-grant, not-theirs, or the slug of a problem."`
	Message   string    `json:"message,omitempty" doc:"The same for people."`
	Excluded  bool      `json:"excluded,omitempty" doc:"The user is excluded from automatic assignment of the product since; undoing lifts it."`
	// WentAlong are products whose licenses went with it, such as add-ons.
	WentAlong []string `json:"wentAlong,omitempty" doc:"Products whose licenses went back with it, such as add-ons."`
	Lacks     []string `json:"lacks,omitempty" doc:"Of these, those that could not be restored with it."`
}

// row is a Row as it is stored: with what a return needs.
type row struct {
	Row
	Took []taken `json:"took,omitempty"`
}

// taken is what a user lost of one product; the first one is the reclaimed one.
type taken struct {
	ProductID string   `json:"productId"`
	LicenseID string   `json:"licenseId,omitempty"`
	Grants    []string `json:"grants,omitempty"`
}

type part struct {
	Rows []row `json:"rows"`
}

// markers are those of the reclaims that are not done, by their ids.
var markers = call.OwnMarkers("RECLAIM")

func jobsPartition(account string) string { return call.Partition(account, "RECLAIMS") }

func jobKey(account, id string) table.Key {
	return table.Key{Partition: jobsPartition(account), Sort: id}
}

func partsPartition(account, id string) string { return call.Partition(account, "RECLAIM-SEATS", id) }

func partKey(account, id string, n int) table.Key {
	return table.Key{Partition: partsPartition(account, id), Sort: fmt.Sprintf("%06d", n)}
}

// theirJob is loadJob for who calls: reclaims that were not begun within their limit are not there.
//
// Errors: not-found.
func (s *Service) theirJob(ctx context.Context, c *call.Call, id string) (job, int64, error) {
	j, version, err := s.loadJob(ctx, c, id)
	if err != nil {
		return j, version, err
	}
	theirs, err := access.CostCenters(ctx)
	if err == nil && !j.Limit.Within(theirs) {
		err = problem.Missing("reclaim")
	}
	return j, version, err
}

// loadJob reads a reclaim and its version.
//
// Errors: not-found.
func (s *Service) loadJob(ctx context.Context, c *call.Call, id string) (job, int64, error) {
	item, ok, err := c.Get(ctx, jobKey(c.Account, id))
	if err != nil {
		return job{}, 0, err
	}
	if !ok {
		return job{}, 0, problem.Missing("reclaim")
	}
	j, err := call.Decode[job](item)
	return j, item.Version, err
}

// checkAsks refuses what cannot be reclaimed.
func (s *Service) checkAsks(asks Asks) error {
	var faults []problem.Field
	if _, ok := s.products.Lookup(asks.ProductID); !ok {
		faults = append(faults, problem.Fault("productId", problem.UnknownID, "is not in the catalog"))
	}
	if asks.Days < 1 || asks.Days > MaxDays {
		faults = append(faults, problem.Fault("days", problem.OutOfRange, "must be 1 to %d", MaxDays))
	}
	if len(asks.UserIDs) > mostUsers {
		faults = append(faults, problem.Fault("userIds", problem.TooMany, "must be at most %d", mostUsers))
	}
	if len(faults) > 0 {
		return problem.Validation(faults...)
	}
	return nil
}

// plan is the seats that a reclaim would take, in the order of last use, and of users who are named
// and have no idle seat, that theirs is kept. It changes nothing.
func (s *Service) plan(ctx context.Context, c *call.Call, asks Asks, cutoff time.Time) ([]row, error) {
	seats, err := s.candidates(ctx, c, []string{asks.ProductID}, cutoff)
	if err != nil {
		return nil, err
	}
	if len(asks.UserIDs) > 0 {
		seats = slices.DeleteFunc(seats, func(one seat) bool { return !slices.Contains(asks.UserIDs, one.User) })
	}
	judged := judging{Service: s, c: c, cutoff: cutoff, whole: true, takes: true}
	if judged.currency, err = s.currency(ctx, c); err != nil {
		return nil, err
	}
	if judged.theirs, err = access.CostCenters(ctx); err != nil {
		return nil, err
	}
	page, err := judged.page(ctx, seats, len(seats))
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, idle := range page.Items {
		rows = append(rows, row{Row: Row{
			UserID: idle.User.ID, UserName: idle.User.Name, LicenseID: idle.License.ID, IdleSince: idle.IdleSince,
			Outcome: pending,
		}})
	}
	for _, user := range slices.Compact(slices.Sorted(slices.Values(asks.UserIDs))) {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.UserID == user }) {
			rows = append(rows, row{Row: Row{
				UserID: user, Outcome: kept, Why: whyNotHeld, Message: "They have no seat of it that is idle.",
			}})
		}
	}
	return rows, nil
}

// Start reclaims the seats of a product that nobody used for some days: a job, of which this does
// what it can until the request must be answered, and the maintenance function the rest. Each seat
// is judged again in the commit that takes it. An admin of some cost centers reclaims seats of theirs
// from users of theirs.
//
// Errors: validation; not-found for a user who is none of theirs of an admin of some cost centers.
func (s *Service) Start(ctx context.Context, c *call.Call, asks Asks) (Reclaim, error) {
	if err := s.checkAsks(asks); err != nil {
		return Reclaim{}, err
	}
	if err := c.Begin(ctx); err != nil {
		return Reclaim{}, err
	}
	theirs, err := s.theirUsers(ctx, c, asks.UserIDs)
	if err != nil {
		return Reclaim{}, err
	}
	j := job{
		ID: c.Env.IDs.Ordered(), ProductID: asks.ProductID, Days: asks.Days, UserIDs: asks.UserIDs,
		Cutoff: Cutoff(c.At, asks.Days), State: Running, By: c.Actor, Cause: c.Cause(), CreatedAt: c.At,
		Limit: theirs,
	}
	rows, err := s.plan(ctx, c, asks, j.Cutoff)
	if err != nil {
		return Reclaim{}, err
	}
	if err := s.writeParts(ctx, c, &j, rows); err != nil {
		return Reclaim{}, err
	}
	audit, err := c.Audit(call.AuditEntry{
		Action: "reclaim.started", Subject: "reclaim", SubjectID: j.ID,
		After: map[string]any{"productId": j.ProductID, "days": j.Days, "seats": len(rows)},
	})
	if err != nil {
		return Reclaim{}, err
	}
	marker := table.Put(markers.Item(c.Account, j.ID, j.Cause.Data()), table.IfAbsent)
	put, err := putJob(c.Account, j, 0)
	if err != nil {
		return Reclaim{}, err
	}
	view := viewOf(j, nil)
	answer := call.Begun(view).At(location(c.Account, j.ID))
	if err := c.Commit(ctx, answer, put, marker, audit); err != nil {
		return Reclaim{}, err
	}
	s.workSoon(ctx, c, j.ID)
	return view, nil
}

// theirUsers is to which cost centers the caller is limited, if the users who are named are all of these.
//
// Errors: not-found.
func (s *Service) theirUsers(ctx context.Context, c *call.Call, users []string) (auth.Limit, error) {
	is, err := access.TheirUsers(ctx, s.env.Table, c.Account, users...)
	if err == nil && !slices.ContainsFunc(users, func(user string) bool { return !is(user) }) {
		return access.CostCenters(ctx)
	}
	if err == nil {
		err = problem.Missing("user")
	}
	return auth.LimitTo(), err
}

// writeParts writes the seats of a reclaim that is not there yet; what is left of one that never
// comes to be expires.
func (s *Service) writeParts(ctx context.Context, c *call.Call, j *job, rows []row) error {
	j.Counts.Seats = len(rows)
	var ops []table.Operation
	for some := range slices.Chunk(rows, partSeats) {
		data, err := call.Encode(part{some})
		if err != nil {
			return err
		}
		item := table.Item{Key: partKey(c.Account, j.ID, j.Parts), Data: data, Expires: c.At.Add(remembered).Unix()}
		ops = append(ops, table.Put(item, table.IfAbsent))
		j.Parts++
	}
	for batch := range slices.Chunk(ops, partsAtOnce) {
		if err := c.Env.Table.Commit(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// remembered is how long the seats of a reclaim are kept.
const remembered = 400 * day

// putJob writes a reclaim on condition that it is of this version; 0 for a new one.
func putJob(account string, j job, version int64) (table.Operation, error) {
	data, err := call.Encode(j)
	if err != nil {
		return table.Operation{}, err
	}
	cond := table.IfAbsent
	if version != 0 {
		cond = table.IfVersion(version)
	}
	item := table.Item{Key: jobKey(account, j.ID), Data: data, Expires: j.CreatedAt.Add(remembered).Unix()}
	return table.Put(item, cond), nil
}

// gives says whether the seat of a user is among those that are restored.
func (j job) gives(user string) bool { return len(j.Undoes) == 0 || slices.Contains(j.Undoes, user) }

// Undo gives the seats of a reclaim back, seat by seat as long as there is a free one, to who had
// them with the grants they had: a job like the reclaim itself. Where users are named, only their
// seats; the others can be restored later.
//
// Errors: not-found; validation when a user who is named has no seat of it to be restored;
// wrong-state when it is not completed, was undone, or ended more than 30 days ago.
func (s *Service) Undo(ctx context.Context, c *call.Call, id string, users []string) (Reclaim, error) {
	var view Reclaim
	if err := s.checkUndone(ctx, c, id, users); err != nil {
		return view, err
	}
	err := call.Decide(ctx, func(ctx context.Context) error {
		j, version, err := s.theirJob(ctx, c, id)
		if err != nil {
			return err
		}
		if j.UndoLimit, err = access.CostCenters(ctx); err != nil {
			return err
		}
		switch {
		case j.State == Undoing || j.State == Undone:
			return problem.New(problem.WrongState, "The reclaim is undone already.")
		case j.State != Completed:
			return problem.New(problem.WrongState, "The reclaim is not done yet.")
		case c.At.After(j.EndedAt.Add(undoable)):
			return problem.New(problem.WrongState, "The reclaim ended more than 30 days ago.")
		}
		seats := len(users)
		if seats == 0 {
			seats = j.Counts.left()
		}
		j.State, j.Next, j.Cause, j.Undoes = Undoing, 0, c.Cause(), users
		j.Counts.Returned, j.Counts.NotReturned = 0, 0 // they are counted again, with those of before
		audit, err := c.Audit(call.AuditEntry{
			Action: "reclaim.undoing", Subject: "reclaim", SubjectID: id, After: map[string]any{"seats": seats},
		})
		if err != nil {
			return err
		}
		put, err := putJob(c.Account, j, version)
		if err != nil {
			return err
		}
		marker := table.Put(markers.Item(c.Account, id, j.Cause.Data()), table.Always)
		view = viewOf(j, nil)
		return c.Commit(ctx, call.Begun(view).At(location(c.Account, id)), put, marker, audit)
	})
	if err == nil {
		s.workSoon(ctx, c, id)
	}
	return view, err
}

// checkUndone demands that every user who is named has a seat of the reclaim to be restored.
func (s *Service) checkUndone(ctx context.Context, c *call.Call, id string, users []string) error {
	if len(users) == 0 {
		return nil
	}
	if _, _, err := s.theirJob(ctx, c, id); err != nil {
		return err
	}
	left := map[string]bool{}
	query := table.Query{Partition: partsPartition(c.Account, id)}
	err := table.All(ctx, c.Env.Table, query, func(item table.Item) error {
		p, err := call.Decode[part](item)
		for _, r := range p.Rows {
			left[r.UserID] = left[r.UserID] || r.Outcome == reclaimed
		}
		return err
	})
	if err != nil {
		return err
	}
	faults := problem.Culprits("userIds", problem.UnknownID, users, func(i int) bool { return !left[users[i]] },
		"has no seat of this reclaim to be restored")
	if len(faults) > 0 {
		return problem.Validation(faults...)
	}
	return nil
}

// left is how many seats were taken that nobody has tried to restore yet.
func (n Counts) left() int { return n.Reclaimed - n.Returned - n.NotReturned }

// Get reads a reclaim with what became of its first 1,000 seats.
//
// Errors: not-found.
func (s *Service) Get(ctx context.Context, c *call.Call, id string) (Reclaim, int64, error) {
	j, version, err := s.theirJob(ctx, c, id)
	if err != nil {
		return Reclaim{}, 0, err
	}
	rows, _, err := s.Rows(ctx, c, id, "", shownSeats)
	return viewOf(j, rows), version, err
}

// Rows is a page of the seats of a reclaim, in the order of last use.
//
// Errors: not-found.
func (s *Service) Rows(ctx context.Context, c *call.Call, id, position string, limit int) ([]Row, string, error) {
	if _, _, err := s.theirJob(ctx, c, id); err != nil {
		return nil, "", err
	}
	query := table.Query{Partition: partsPartition(c.Account, id), Limit: limit/partSeats + 2}
	skip := 0
	if position != "" {
		of, within, _ := strings.Cut(position, "#")
		query.From = of
		_, _ = fmt.Sscanf(within, "%d", &skip)
	}
	var rows []Row
	for {
		page, err := c.Env.Table.Query(ctx, query)
		if err != nil {
			return nil, "", err
		}
		for _, item := range page.Items {
			p, err := call.Decode[part](item)
			if err != nil {
				return nil, "", err
			}
			for i, r := range p.Rows {
				if i < skip {
					continue
				}
				if len(rows) == limit {
					return rows, fmt.Sprintf("%s#%d", item.Sort, i), nil
				}
				rows = append(rows, r.Row)
			}
			skip = 0
		}
		if page.Next == "" {
			return rows, "", nil
		}
		query.After = page.Next
	}
}

// Reclaims lists the account's reclaims, the newest first, from behind an id. For an admin of some cost
// centers it has those that were begun within their limit, and may be short.
func (s *Service) Reclaims(ctx context.Context, c *call.Call, after string, limit int) ([]Reclaim, string, error) {
	query := table.Query{Partition: jobsPartition(c.Account), Backwards: true, Limit: limit + 1, To: after}
	page, err := c.Env.Table.Query(ctx, query)
	if err != nil {
		return nil, "", err
	}
	theirs, err := access.CostCenters(ctx)
	if err != nil {
		return nil, "", err
	}
	var list []Reclaim
	last := ""
	for i, item := range page.Items {
		j, err := call.Decode[job](item)
		if err != nil {
			return nil, "", err
		}
		if i == limit {
			return list, last, nil
		}
		if last = j.ID; j.Limit.Within(theirs) {
			list = append(list, viewOf(j, nil))
		}
	}
	return list, "", nil
}

// Reclaim is a reclaim as it is answered.
type Reclaim struct {
	ID        string   `json:"id" format:"uuid"`
	ProductID string   `json:"productId"`
	Days      int      `json:"days" doc:"For how many days the seats were unused."`
	UserIDs   []string `json:"userIds,omitempty" doc:"The users whose seats alone were looked at."`
	// CostCenters are nil where who began it was limited to none.
	CostCenters []string   `json:"costCenters,omitempty" doc:"The cost centers whose seats alone were looked at, of users of these: what who began it was admin of. Absent for a reclaim of the whole account."`
	State       State      `json:"state" enum:"running,completed,undoing,undone"`
	Percent     int        `json:"percent" minimum:"0" maximum:"100"`
	CreatedAt   time.Time  `json:"createdAt"`
	CreatedBy   string     `json:"createdBy"`
	EndedAt     *time.Time `json:"endedAt,omitempty"`
	UndoUntil   *time.Time `json:"undoUntil,omitempty" doc:"Until when it, or what is left of it, can be undone; absent when it cannot."`
	UndoneAt    *time.Time `json:"undoneAt,omitempty" doc:"When the last seat was restored, or could not be."`
	Counts      Counts     `json:"counts"`
	Results     []Row      `json:"results,omitempty" doc:"What became of each seat: the first 1,000 when one reclaim is read; all are at /seats."`
}

func location(account, id string) string { return "/v1/accounts/" + account + "/reclaims/" + id }

func viewOf(j job, rows []Row) Reclaim {
	view := Reclaim{
		ID: j.ID, ProductID: j.ProductID, Days: j.Days, UserIDs: j.UserIDs, State: j.State, CreatedAt: j.CreatedAt,
		CreatedBy: j.By, EndedAt: j.EndedAt, UndoneAt: j.UndoneAt, Counts: j.Counts, Results: rows, Percent: 100,
		CostCenters: j.Limit.Codes(),
	}
	switch j.State {
	case Running, Undoing:
		view.Percent = 0
		if j.Parts > 0 {
			view.Percent = min(99, 100*j.Next/j.Parts)
		}
	case Completed:
		until := j.EndedAt.Add(undoable)
		view.UndoUntil = &until
	case Undone:
	}
	return view
}

// lost is what a user lost of each product when one was taken from them; that one is the first.
func lost(before, after map[string]license.Holding, product string) []taken {
	var all []taken
	for id, was := range before {
		is := after[id]
		one := taken{ProductID: id}
		if was.LicenseID != is.LicenseID {
			one.LicenseID = was.LicenseID
		}
		for _, g := range was.Grants {
			if !slices.ContainsFunc(is.Grants, func(h license.Grant) bool { return h.Source == g.Source }) {
				one.Grants = append(one.Grants, g.Source)
			}
		}
		if one.LicenseID != "" || len(one.Grants) > 0 {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b taken) int {
		if (a.ProductID == product) != (b.ProductID == product) {
			if a.ProductID == product {
				return -1
			}
			return 1
		}
		return strings.Compare(a.ProductID, b.ProductID)
	})
	return all
}
