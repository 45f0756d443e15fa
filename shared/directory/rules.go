package directory

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/text"
	"seatwise/shared/platform/problem"
)

// Limits of the directory.
const (
	// MaxQueues bounds the queues of a dashboard: each change of one is an operation and a marker
	// in the dashboard's commit of at most 100.
	MaxQueues = 40
	// maxMoves bounds the queues that come to a dashboard or go from it in one change, for the same
	// reason.
	maxMoves = 46
	// MaxMembers bounds the members of a queue: 8 chunks, so that the whole list is replaced in one
	// commit.
	MaxMembers = 20000
	// maxMembersBytes bounds the members of a queue as JSON, so that all that GET answers of the
	// queue (its name and up to maxShown dashboards besides) fits into the 2 MB that a PUT of it
	// may have, and so that a list and the one it replaces fit into one commit of 4 MB.
	maxMembersBytes = 2_000_000
	// maxShown bounds the dashboards that one queue is on.
	maxShown = 1000
	// maxLists bounds the bytes of a queue's members and of those who left it, which are written in
	// one commit.
	maxLists = 2 * maxMembersBytes
	// chunkMembers is how many ids one item takes: at 128 bytes an id, below 400 KB.
	chunkMembers = 2500
	// MaxRoles bounds the roles of a user.
	MaxRoles = 20
	// keepIntervals is how long a closed interval of monitoring is remembered: longer than any
	// window of 30 days with late events can ask for.
	keepIntervals = 400 * 24 * time.Hour
	// maxIntervals bounds the closed intervals that one item remembers: at about 150 bytes each,
	// they are far below 400 KB. The oldest half goes first.
	maxIntervals = 1000
	// liveReportsView and liveReportsFull are the two permissions of Live Reports.
	liveReportsView = "liveReports.view"
	liveReportsFull = "liveReports.full"
)

// checkName bounds what people call things.
func checkName(name string) []problem.Field {
	if fault := text.NameFault(name); fault != "" {
		return []problem.Field{problem.Named("name", fault)}
	}
	return nil
}

// checkEmail bounds an e-mail address.
func checkEmail(email string) []problem.Field {
	if fault := text.EmailFault(email); fault != "" {
		return []problem.Field{{Field: "email", Code: problem.BadFormat, Message: fault}}
	}
	if a, err := mail.ParseAddress(email); err != nil || a.Address != email {
		return []problem.Field{{Field: "email", Code: problem.BadFormat, Message: "must be an e-mail address"}}
	}
	return nil
}

// CheckUser collects every fault of a user as it was sent. What is as it was stored is not judged
// (requirements, section 6); was is the zero User for a new one.
func CheckUser(u, was User, products *catalog.Catalog) error {
	var fields []problem.Field
	if u.Name != was.Name || u.Name == "" {
		fields = checkName(u.Name)
	}
	if u.Email != "" && u.Email != was.Email {
		fields = append(fields, checkEmail(u.Email)...)
	}
	if u.Extension != "" && u.Extension != was.Extension && !text.Extension(u.Extension) {
		fields = append(
			fields,
			problem.Field{Field: "extension", Code: problem.BadFormat, Message: "must be 1 to 10 digits, 0 to 9"},
		)
	}
	if fault := text.NumberFault(u.Number); fault != "" && u.Number != "" && u.Number != was.Number {
		fields = append(fields, problem.Field{Field: "number", Code: problem.BadFormat, Message: fault})
	}
	if u.Number != "" && u.Extension == "" {
		fields = append(
			fields,
			problem.Field{Field: "number", Code: problem.NotTogether, Message: "needs an extension"},
		)
	}
	if len(u.RoleIDs) > MaxRoles && !slices.Equal(unique(u.RoleIDs), was.RoleIDs) {
		fields = append(fields, problem.Field{Field: "roleIds", Code: problem.TooMany, Message: "must be at most 20"})
	}
	if len(u.AdminOfCostCenters) > maxLimit && !slices.Equal(u.AdminOfCostCenters, was.AdminOfCostCenters) {
		fields = append(fields, problem.Fault("adminOfCostCenters", problem.TooMany, "must be at most %d", maxLimit))
	}
	if !slices.Equal(unique(u.Licenses), unique(was.Licenses)) {
		fields = append(fields, checkMetered("licenses", u.Licenses, products)...)
	}
	if u.AgentSource != "" && !slices.Contains(u.Licenses, catalog.AgentUserID) {
		fields = append(
			fields,
			problem.Field{Field: "agentSource", Code: problem.NotTogether, Message: "goes with the agent-user license"},
		)
	}
	if len(fields) > 0 {
		return problem.Validation(fields...)
	}
	return nil
}

// CheckQueue collects every fault of a call queue as it was sent, but for members who do not exist.
// What is as it was stored is not judged.
func CheckQueue(name string, members []string, was Queue) error {
	var fields []problem.Field
	if name != was.Name || name == "" {
		fields = checkName(name)
	}
	if len(members) > MaxMembers && !slices.Equal(unique(members), was.Members) {
		fields = append(
			fields,
			problem.Field{Field: "members", Code: problem.TooMany, Message: "must be at most 20000"},
		)
	}
	if size := listBytes(members); size > maxMembersBytes && !slices.Equal(unique(members), was.Members) {
		fields = append(fields, problem.Fault(
			"members",
			problem.TooLong,
			"has %d bytes as JSON; at most %d are taken (20,000 ids of 97 characters), so that the queue can be read and written whole",
			size,
			maxMembersBytes,
		))
	}
	if len(fields) > 0 {
		return problem.Validation(fields...)
	}
	return nil
}

// CheckDashboard collects every fault of a dashboard as it was sent, but for queues that do not
// exist. What is as it was stored is not judged.
func CheckDashboard(d, was Dashboard) error {
	var fields []problem.Field
	if d.Name != was.Name || d.Name == "" {
		fields = checkName(d.Name)
	}
	if len(d.QueueIDs) > MaxQueues && !slices.Equal(unique(d.QueueIDs), was.QueueIDs) {
		fields = append(fields, problem.Field{Field: "queueIds", Code: problem.TooMany, Message: "must be at most 40"})
	}
	if len(fields) > 0 {
		return problem.Validation(fields...)
	}
	return nil
}

// checkMoves bounds the queues that come to a dashboard or go from it at once.
func checkMoves(moves []string) error {
	if len(moves) > maxMoves {
		return problem.Invalid("queueIds", problem.TooMany,
			"must not come or go more than %d at a time; take the others off first", maxMoves)
	}
	return nil
}

// checkMetered accepts only metered products that users hold.
func checkMetered(field string, ids []string, products *catalog.Catalog) []problem.Field {
	fields := problem.Culprits(field, problem.NotAllowed, ids, func(i int) bool {
		p, ok := products.Lookup(ids[i])
		return !ok || p.Kind != catalog.Metered || len(p.Devices) > 0
	}, "is no metered product that users hold")
	for i, id := range ids {
		p, _ := products.Lookup(id)
		for _, other := range ids[:i] {
			if slices.Contains(p.Excludes, other) {
				fields = append(fields, problem.Fault(fmt.Sprintf("%s[%d]", field, i), problem.NotTogether,
					"%s does not go with %s: a user holds at most one of them", p.Name, products.Name(other)))
			}
		}
	}
	return fields
}

// checkRole collects every fault of a role as it was sent. What is as it was stored is not judged,
// each permission by itself; carried are the permissions that a role can carry.
func checkRole(r, was Role, carried []string, products *catalog.Catalog) error {
	var fields []problem.Field
	if r.Name != was.Name || r.Name == "" {
		fields = checkName(r.Name)
	}
	for i, p := range r.Permissions {
		if !slices.Contains(was.Permissions, p) && !slices.Contains(carried, p) {
			fields = append(fields, problem.Field{
				Field:   fmt.Sprintf("permissions[%d]", i),
				Code:    problem.NotAllowed,
				Message: "is no permission that a role can carry: " + strings.Join(carried, ", "),
			})
		}
	}
	if !slices.Equal(unique(r.Licenses), unique(was.Licenses)) {
		fields = append(fields, checkMetered("licenses", r.Licenses, products)...)
	}
	if len(fields) > 0 {
		return problem.Validation(fields...)
	}
	return nil
}

// mayView says whether any of the roles allows viewing dashboards; full access includes it.
func mayView(roleIDs []string, roles map[string]Role) bool {
	for _, id := range roleIDs {
		if id == SuperAdmin {
			return true
		}
		r := roles[id]
		if slices.Contains(r.Permissions, liveReportsView) || slices.Contains(r.Permissions, liveReportsFull) {
			return true
		}
	}
	return false
}

// listBytes is about how many bytes a list of ids has as JSON.
func listBytes(ids []string) int {
	size := 0
	for _, id := range ids {
		size += len(id) + len(`"",`)
	}
	return size
}

// unique sorts ids and drops repetitions; it never returns nil.
func unique(ids []string) []string {
	out := slices.Clone(ids)
	slices.Sort(out)
	out = slices.Compact(out)
	if out == nil {
		out = []string{}
	}
	return out
}

// without is the sorted ids of a that are not in b.
func without(a, b []string) []string {
	drop := make(map[string]struct{}, len(b))
	for _, id := range b {
		drop[id] = struct{}{}
	}
	return slices.DeleteFunc(slices.Clone(a), func(id string) bool {
		_, gone := drop[id]
		return gone
	})
}

// open notes that it holds from now on.
func (s *Spans) open(id string, at time.Time) {
	if *s == nil {
		*s = Spans{}
	}
	spans := (*s)[id]
	if n := len(spans); n > 0 {
		last := &spans[n-1]
		if last.To.IsZero() {
			return
		}
		// Nobody asks for less than a whole UTC day, so what ended and begins again on one day
		// never ended. This bounds the spans by the days.
		if y, d := last.To.UTC().Year(), last.To.UTC().YearDay(); y == at.UTC().Year() && d == at.UTC().YearDay() {
			last.To = time.Time{}
			return
		}
	}
	(*s)[id] = append(spans, Interval{From: at})
}

// shut notes that it has ended, and forgets what nobody can ask for any more.
func (s *Spans) closeSpan(id string, at time.Time) {
	spans := (*s)[id]
	if n := len(spans); n > 0 && spans[n-1].To.IsZero() {
		if spans[n-1].To = at; at.Before(spans[n-1].From) {
			spans[n-1].To = spans[n-1].From
		}
	}
	s.forget(at.Add(-keepIntervals))
	var ends []time.Time
	for _, spans := range *s {
		for _, i := range spans {
			if !i.To.IsZero() {
				ends = append(ends, i.To)
			}
		}
	}
	if len(ends) > maxIntervals {
		slices.SortFunc(ends, time.Time.Compare)
		s.forget(ends[len(ends)-maxIntervals/2])
	}
}

// forget drops what ended before a moment.
func (s *Spans) forget(before time.Time) {
	for id, spans := range *s {
		spans = slices.DeleteFunc(spans, func(i Interval) bool { return !i.To.IsZero() && i.To.Before(before) })
		if len(spans) == 0 {
			delete(*s, id)
		} else {
			(*s)[id] = spans
		}
	}
}

// Within lists what held at any time in [from, to), sorted.
func (s Spans) Within(from, to time.Time) []string {
	var ids []string
	for id, spans := range s {
		if slices.ContainsFunc(spans, func(i Interval) bool {
			return i.From.Before(to) &&
				(i.To.IsZero() || i.To.After(from) || i.To.Equal(i.From) && !i.From.Before(from))
		}) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Within lists the queues of which the user was a monitored member at any time in [from, to),
// sorted.
func (m Monitored) Within(from, to time.Time) []string { return m.Queues.Within(from, to) }

// Ended tells when the last span ended; it is false while one is open.
func (s Spans) Ended() (last time.Time, ended bool) {
	for _, spans := range s {
		for _, i := range spans {
			if i.To.IsZero() {
				return time.Time{}, false
			}
			if i.To.After(last) {
				last = i.To
			}
		}
	}
	return last, true
}

// clone is a copy of which the spans can be changed.
func (s Spans) clone() Spans {
	if len(s) == 0 {
		return nil
	}
	out := make(Spans, len(s))
	for id, spans := range s {
		out[id] = slices.Clone(spans)
	}
	return out
}

// maxLimit is how many cost centers a user may be admin of.
const maxLimit = 20
