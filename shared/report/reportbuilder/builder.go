// Package reportbuilder writes the license status reports that package report was asked for, and
// asks for those that the schedule is due (requirements, section 7).
package reportbuilder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/craft/calendar"
	"seatwise/shared/craft/workbook"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/report"
	"seatwise/shared/usage"
)

// Builder writes reports.
type Builder struct {
	env       *app.Env
	reports   *report.Service
	usage     *usage.Service
	directory *directory.Service
	periods   Periods
}

// Periods closes billing periods, which its schedule and its wake-ups bring here too (package
// period).
type Periods interface {
	// Schedule wakes up a builder for each account of which a period is due.
	Schedule(ctx context.Context, at time.Time) error
	// Woken closes what the wake-up of this id is about; false if that is a report.
	Woken(ctx context.Context, account, id string) (bool, error)
}

// Closing has the builder close periods too.
func (b *Builder) Closing(periods Periods) *Builder {
	b.periods = periods
	return b
}

// New makes a builder; what it writes down comes from these services.
func New(env *app.Env, reports *report.Service, people *directory.Service, used *usage.Service) *Builder {
	return &Builder{env: env, reports: reports, usage: used, directory: people}
}

// Build writes one report and makes it ready. A wake-up that comes twice, or late, does nothing; a
// builder that dies leaves the report to the next one, which writes the same file again once the
// lease is over (package lease).
//
// Errors: those that may pass; the report is then back in the queue. A failure that will not pass
// fails the report and is no error.
func (b *Builder) Build(ctx context.Context, accountID, id string) error {
	c := call.ForEvent(b.env, accountID, "report-builder", "report:"+id, b.env.Clock())
	ctx = call.UntilClosed(ctx)
	r, ok, err := b.reports.Begin(ctx, c, id)
	if err != nil || !ok {
		return err
	}
	stop := b.reports.Keep(ctx, r)
	defer stop()
	err = b.write(ctx, accountID, r)
	if err == nil {
		return b.reports.Finish(ctx, c, r, "")
	}
	if why, hopeless := verdict(err); hopeless {
		b.env.Log.ErrorContext(
			ctx,
			"report failed",
			slog.String("account", accountID),
			slog.String("report", id),
			slog.Any("error", err),
		)
		return b.reports.Finish(ctx, c, r, why)
	}
	return errors.Join(fmt.Errorf("report %s of account %s: %w", id, accountID, err), b.reports.Return(ctx, c, r))
}

// verdict tells failures that no repetition mends, in words for whoever asked for the report.
func verdict(err error) (why string, hopeless bool) {
	if errors.Is(err, workbook.ErrTooManyRows) {
		return "The window has more rows than a sheet holds; ask for fewer days.", true
	}
	if p, ok := problem.From(err); ok {
		return p.Detail, true
	}
	return "", false
}

// write makes the workbook in a temporary file, for memory must not hold it, and stores it.
func (b *Builder) write(ctx context.Context, accountID string, r report.Report) (err error) {
	// The report's own moment decides what is now: a report that is made late is the same.
	c := call.ForEvent(b.env, accountID, "report-builder", "report:"+r.ID, r.CreatedAt).Because(r.Cause)
	status, err := b.status(ctx, c, r)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp("", "report-*.xlsx")
	if err != nil {
		return fmt.Errorf("a temporary file for the report: %w", err)
	}
	defer func() {
		err = errors.Join(err, file.Close(), os.Remove(file.Name()))
	}()
	if err := workbook.WriteLicenseStatus(file, status); err != nil {
		return err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("measure the report: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the report: %w", err)
	}
	_, err = b.env.Files.Put(ctx, report.Object(accountID, r.ID), file, size, report.ContentType)
	return err
}

// status gathers what the workbook shows. All three tabs come from one window, which is also the
// usage summary's.
func (b *Builder) status(ctx context.Context, c *call.Call, r report.Report) (workbook.LicenseStatus, error) {
	a, _, err := account.Load(ctx, c)
	if err != nil {
		return workbook.LicenseStatus{}, err
	}
	from, to, err := r.Window()
	if err != nil {
		return workbook.LicenseStatus{}, fmt.Errorf("the report's window: %w", err)
	}
	days, err := a.Calendar()
	if err != nil {
		return workbook.LicenseStatus{}, err
	}
	if r.Scheduled {
		if err := b.usage.CatchUp(ctx, c, days); err != nil {
			return workbook.LicenseStatus{}, err
		}
	}
	w, names, err := b.usage.Window(ctx, c, a, from, to)
	if err != nil {
		return workbook.LicenseStatus{}, err
	}
	if w.Unlimited {
		return workbook.LicenseStatus{}, report.NotApplicable()
	}
	people, err := b.people(ctx, c, w.Users)
	if err != nil {
		return workbook.LicenseStatus{}, err
	}
	status := workbook.LicenseStatus{
		Created:                   r.CreatedAt.In(days.Zone(w.To.AddDate(0, 0, -1))),
		Brand:                     a.Brand,
		Account:                   a.Name + " (" + a.ID + ")",
		Zone:                      zonesOf(w),
		Paper:                     paperOf(a),
		From:                      w.From,
		To:                        w.To,
		LiveReportsPurchased:      int(w.Purchased.LiveReports),
		CallQueueBoosterPurchased: int(w.Purchased.CallQueueBooster),
		TotalPurchased:            int(w.Purchased.Total()),
		MonitoredUsers:            int(w.MonitoredUsers),
		Viewers:                   int(w.Viewers),
		ActiveUsers:               int(w.ActiveUsers),
		OverageUsers:              int(w.OverageUsers),
		Overage:                   overageOf(w, names),
		Users:                     activeUsers(people, w.Shown, days),
		Details:                   details(people, w.Shown, names, days),
	}
	for _, d := range w.Days {
		status.Days = append(
			status.Days,
			workbook.Day{Date: d.Date, ActiveUsers: int(d.ActiveUsers), LicensesPurchased: int(d.LicensesPurchased)},
		)
	}
	return status, nil
}

// overageOf is how the workbook shows a window's overage, nil for none.
func overageOf(w *usage.Window, names usage.Names) *workbook.Overage {
	if w.Overage == nil {
		return nil
	}
	o := &workbook.Overage{Since: w.Overage.Since, PeakUsers: int(w.Overage.PeakUsers), Peak: w.Overage.Peak}
	for _, source := range w.Overage.Sources {
		kind := "Dashboard"
		if source.Kind == usage.QueueSource {
			kind = "Call queue"
		}
		o.Sources = append(
			o.Sources,
			workbook.OverageSource{Name: names.Source(source), Kind: kind, Users: int(source.Users)},
		)
	}
	return o
}

// zonesOf names the time zones of a window's days.
func zonesOf(w *usage.Window) string {
	var b strings.Builder
	for i, zone := range w.Zones {
		if i > 0 {
			b.WriteString(", from " + zone.First.Format(time.DateOnly) + " on ")
		}
		b.WriteString(zone.Name)
	}
	return b.String()
}

func paperOf(a account.Account) workbook.Paper {
	if a.Paper() == account.Letter {
		return workbook.Letter
	}
	return workbook.A4
}

// person is an active user with what the kernel knows of them.
type person struct {
	usage.ActiveUser
	name, extension, email string
	// liveReports and booster say, for people, how they stand to the two licenses.
	liveReports, booster string
}

// people looks up the active users, sorted by name. Somebody who was deleted since is called as
// they were called then.
func (b *Builder) people(ctx context.Context, c *call.Call, users []usage.ActiveUser) ([]person, error) {
	people := make([]person, 0, len(users))
	for some := range slices.Chunk(users, table.MaxKeysPerLookup) {
		keys := make([]table.Key, len(some))
		for i, u := range some {
			keys[i] = license.HolderKey(c.Account, u.UserID)
		}
		found, err := b.env.Table.Lookup(ctx, keys...)
		if err != nil {
			return nil, err
		}
		var missing []string
		for i, u := range some {
			if _, ok := found[keys[i]]; !ok {
				missing = append(missing, u.UserID)
			}
		}
		gone, err := b.directory.GoneUsers(ctx, c, missing)
		if err != nil {
			return nil, err
		}
		emails, err := b.directory.Emails(ctx, c, ids(some))
		if err != nil {
			return nil, err
		}
		for i, u := range some {
			p := person{
				ActiveUser:  u,
				name:        u.UserID,
				email:       emails[u.UserID],
				liveReports: standing(nil),
				booster:     standing(nil),
			}
			if g, ok := gone[u.UserID]; ok {
				p.name, p.extension, p.email = g.Name, g.Extension, g.Email
			}
			if item, ok := found[keys[i]]; ok {
				h, err := call.Decode[license.Holder](item)
				if err != nil {
					return nil, err
				}
				p.name, p.extension = h.Name, h.Extension
				p.liveReports, p.booster = standing(
					h.Holdings[catalog.LiveReportsID],
				), standing(
					h.Holdings[catalog.CallQueueBoosterID],
				)
			}
			people = append(people, p)
		}
	}
	slices.SortFunc(people, func(a, b person) int {
		return cmp.Or(
			strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)),
			strings.Compare(a.UserID, b.UserID),
		)
	})
	return people, nil
}

// standing says, for people, whether somebody holds a license, waits for one, or neither.
func standing(h *license.Holding) string {
	switch {
	case h != nil && h.LicenseID != "":
		return "Yes"
	case h != nil && h.WaitingSince != nil:
		return "Waiting"
	}
	return "No"
}

func ids(users []usage.ActiveUser) []string {
	list := make([]string, len(users))
	for i, u := range users {
		list[i] = u.UserID
	}
	return list
}

// activeUsers are the rows of the second tab.
func activeUsers(
	people []person,
	shown map[string][]string,
	days calendar.Calendar,
) iter.Seq2[workbook.ActiveUser, error] {
	return func(yield func(workbook.ActiveUser, error) bool) {
		for _, p := range people {
			dashboards := map[string]struct{}{}
			for _, queue := range p.Queues {
				for _, dashboard := range shown[queue] {
					dashboards[dashboard] = struct{}{}
				}
			}
			row := workbook.ActiveUser{
				Name:       p.name,
				Extension:  p.extension,
				Viewer:     p.Viewer(),
				Agent:      p.Agent(),
				LastViewed: dateOf(days, p.LastViewed()),
				Queues:     len(p.Queues),
				Dashboards: len(dashboards),
				ID:         p.UserID,
				Email:      p.email,
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// details are the rows of the third tab: for each queue of an agent a row for each dashboard that
// showed it, with the user's own last view of that dashboard if there is one; and for each other
// dashboard that the user viewed a row without a queue. A queue of which no dashboard is known has
// one row without one.
func details(
	people []person, shown map[string][]string, names usage.Names, days calendar.Calendar,
) iter.Seq2[workbook.Detail, error] {
	return func(yield func(workbook.Detail, error) bool) {
		for _, p := range people {
			viewed := make(map[string]time.Time, len(p.Views))
			for _, v := range p.Views {
				viewed[v.DashboardID] = dateOf(days, v.At)
			}
			row := workbook.Detail{
				Name:             p.name,
				Extension:        p.extension,
				LiveReports:      p.liveReports,
				CallQueueBooster: p.booster,
				ID:               p.UserID,
				Email:            p.email,
			}
			listed := map[string]struct{}{}
			for _, queue := range p.Queues {
				row.Queue = names.Queue(queue)
				if len(shown[queue]) == 0 {
					row.Dashboard, row.LastViewed = "", time.Time{}
					if !yield(row, nil) {
						return
					}
				}
				for _, dashboard := range shown[queue] {
					listed[dashboard] = struct{}{}
					row.Dashboard, row.LastViewed = names.Dashboard(dashboard), viewed[dashboard]
					if !yield(row, nil) {
						return
					}
				}
			}
			row.Queue = ""
			for _, v := range p.Views {
				if _, done := listed[v.DashboardID]; done {
					continue
				}
				row.Dashboard, row.LastViewed = names.Dashboard(v.DashboardID), viewed[v.DashboardID]
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// dateOf is the account's day of a moment; zero for none.
func dateOf(days calendar.Calendar, at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return days.Day(at)
}
