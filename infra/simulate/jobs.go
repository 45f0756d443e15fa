package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table"
)

// job is what the model knows of a mass configuration (I12, I13).
type job struct {
	doc      jobDocument
	progress progress
	plan     map[int][]planRow // by chunk
	refused  map[int]bool      // places in the plan, from 1
	// before is the progress before the commit that is looked at, and moved says that this commit
	// wrote it.
	before progress
	moved  bool
	// changed says that this commit wrote the document; was is its state before.
	changed bool
	was     string
	// late says that a newer version of the same dropped file was told of before this one.
	late bool
}

// versions are what became of the versions of one dropped file, the newest of which has the last
// word (I12).
type versions struct {
	// told is the newest version that was told of, and applied the newest that has applied a row.
	told, applied string
}

type jobDocument struct {
	ID         string    `json:"id"`
	State      string    `json:"state"`
	Source     string    `json:"source"`
	FileName   string    `json:"fileName"`
	SkipErrors bool      `json:"skipErrors"`
	File       files.Ref `json:"file"`
	Undoes     string    `json:"undoes"`
	Chunks     int       `json:"chunks"`
	// Kind is what the rows of an import are; a mass configuration has none.
	Kind   string `json:"kind"`
	Counts struct {
		Rows, New, Change, Unchanged, Error int
	} `json:"counts"`
	Result *files.Ref `json:"result"`
}

type progress struct {
	Row     int              `json:"row"`
	Applied int              `json:"applied"`
	Refused int              `json:"refused"`
	Drawn   map[string]int64 `json:"drawn"`
}

type wanted struct {
	Number   string   `json:"number"`
	User     string   `json:"user"`
	Licensed bool     `json:"licensed"`
	AddOns   []string `json:"addOns"`
}

type planRow struct {
	Row       int    `json:"row"`
	Extension string `json:"ext"`
	Wanted    wanted `json:"wanted"`
	Before    wanted `json:"before"`
	Outcome   string `json:"outcome"`
	// of an import
	ID   string   `json:"id"`
	Name string   `json:"name"`
	Refs []string `json:"refs"`
	User *struct {
		Extension string   `json:"ext"`
		Inactive  bool     `json:"inactive"`
		Roles     []string `json:"roles"`
		Licenses  []string `json:"licenses"`
	} `json:"user"`
}

func (r planRow) changes() bool { return r.Outcome == "new" || r.Outcome == "change" }

// states are those that may follow each state of a mass configuration; none follows the last ones.
var states = map[string][]string{
	"":               {"awaitingUpload", "checking"},
	"awaitingUpload": {"checking", "cancelled"},
	"checking":       {"ready", "configuring", "rejected", "cancelled", "failed"},
	"ready":          {"configuring", "applying", "cancelled"},
	"configuring":    {"completed", "cancelled", "failed", "checking"},
	"applying":       {"completed", "cancelled", "failed"},
}

func (b *model) job(id string) *job {
	if b.jobs[id] == nil {
		b.jobs[id] = &job{plan: map[int][]planRow{}, refused: map[int]bool{}}
	}
	return b.jobs[id]
}

// putJob takes in an item of a mass configuration.
func (b *model) putJob(kind, rest string, item table.Item) {
	switch {
	case kind == "MASSCONFIG-DROP":
		id := decode[string](b, item)
		if other, again := b.dropped[rest]; again {
			b.fail("I12: the object %s became the mass configurations %s and %s", rest, other, id)
		}
		b.dropped[rest] = id
	case kind == "MASSCONFIG" || kind == "IMPORT":
		j := b.job(item.Sort)
		if j.doc.ID == "" && kind == "IMPORT" {
			b.importIDs = append(b.importIDs, item.Sort)
		} else if j.doc.ID == "" {
			b.jobIDs = append(b.jobIDs, item.Sort)
		}
		first := j.doc.ID == ""
		j.was, j.changed = j.doc.State, true
		j.doc = decode[jobDocument](b, item)
		if first && j.doc.Source == "drop" {
			b.tell(j)
		}
		b.dirty.jobs[item.Sort] = true
	case item.Sort == "PROGRESS":
		j := b.job(rest)
		j.before, j.moved = j.progress, true
		j.progress = decode[progress](b, item)
		r := b.reservation(rest)
		r.drawn = j.progress.Drawn
		b.keep(rest)
		b.dirty.jobs[rest] = true
	case strings.HasPrefix(item.Sort, "PLAN#"):
		j := b.job(rest)
		if j.doc.State != "checking" {
			b.fail("I13: the plan of mass configuration %s is written while it is %s", rest, j.doc.State)
		}
		n, err := strconv.Atoi(strings.TrimPrefix(item.Sort, "PLAN#"))
		if err != nil {
			b.fail("I13: item %s: %w", item.Key, err)
		}
		j.plan[n] = decode[[]planRow](b, item)
	case strings.HasPrefix(item.Sort, "REFUSED#"):
		place, err := strconv.Atoi(strings.TrimPrefix(item.Sort, "REFUSED#"))
		if err != nil {
			b.fail("I13: item %s: %w", item.Key, err)
		}
		b.job(rest).refused[place] = true
		b.dirty.jobs[rest] = true
	}
}

// tell takes in that a version of a dropped file was told of.
func (b *model) tell(j *job) {
	v := b.versions[j.doc.File.Key]
	if v == nil {
		v = &versions{}
		b.versions[j.doc.File.Key] = v
	}
	if j.late = j.doc.File.Version < v.told; j.late {
		b.sim.late++
		return
	}
	if v.told != "" {
		b.sim.overwritten++
	}
	v.told = j.doc.File.Version
}

// verifyVersion: a version that is told of after a newer one applies nothing, and no version
// applies anything after a newer one has (I12).
func (b *model) verifyVersion(j *job) {
	if j.doc.Source != "drop" || j.progress.Applied <= j.before.Applied {
		return
	}
	v := b.versions[j.doc.File.Key]
	if j.late || j.doc.File.Version < v.applied {
		b.fail("I12: version %s of %s applies rows after %+v", j.doc.File.Version, j.doc.File.Key, *v)
	}
	v.applied = j.doc.File.Version
}

// rows are the plan's, in its order.
func (j *job) rows() []planRow {
	var all []planRow
	for n := range j.doc.Chunks {
		all = append(all, j.plan[n]...)
	}
	return all
}

// verifyJob looks at a mass configuration that the commit has touched.
func (b *model) verifyJob(id string) {
	j := b.job(id)
	if j.changed {
		b.verifyState(j)
	}
	told := b.log.rows[id]
	if j.moved {
		b.verifyVersion(j)
		b.verifyRows(j, told)
	} else if len(told) > 0 {
		b.fail(
			"I13: the audit log tells of rows of mass configuration %s in a commit that does not say how far it is: %v",
			id,
			told,
		)
	}
	j.moved, j.changed = false, false
}

func (b *model) verifyState(j *job) {
	d := j.doc
	if d.State != j.was && !slices.Contains(states[j.was], d.State) {
		b.fail("I13: job %s was %s and is %s", d.ID, j.was, d.State)
	}
	if len(states[j.was]) == 0 {
		b.fail("I13: job %s has ended as %s and is written again", d.ID, j.was)
	}
	if d.State == j.was {
		return
	}
	if j.was == "checking" && (d.State == "ready" || d.State == "configuring" || d.State == "rejected") {
		b.verifyPlan(j)
	}
	p := j.progress
	switch d.State {
	case "configuring", "applying":
		if d.Counts.Error > 0 && !d.SkipErrors {
			b.fail("I13: job %s is configured in spite of %d bad rows", d.ID, d.Counts.Error)
		}
	case "completed":
		if p.Row != d.Counts.Rows || p.Applied+p.Refused != d.Counts.New+d.Counts.Change {
			b.fail("I13: job %s is completed at %+v of %+v", d.ID, p, d.Counts)
		}
		b.verifyResult(j)
	case "failed", "checking":
		if p.Applied > 0 {
			b.fail("I13: job %s is %s, and %d rows are applied", d.ID, d.State, p.Applied)
		}
	}
	if slices.Contains([]string{"completed", "cancelled", "failed", "rejected"}, d.State) &&
		len(b.reservation(d.ID).kept) > 0 {
		b.fail("I14: mass configuration %s is %s and keeps seats back: %v", d.ID, d.State, b.reservation(d.ID).kept)
	}
}

// verifyRows: each row is looked at once, in order; it is refused, or left as it is, or applied
// whole, and then it is as its plan says (I13).
func (b *model) verifyRows(j *job, told map[int]bool) {
	d, p := j.doc, j.progress
	all := j.rows()
	if d.Kind != "" && p.Row == j.before.Row && p.Applied == j.before.Applied {
		return // a part of a row that takes several commits
	}
	if d.State != "configuring" && d.State != "applying" || p.Row <= j.before.Row || p.Row > len(all) {
		b.fail("I13: job %s (%s) goes from row %d to %d of %d", d.ID, d.State, j.before.Row, p.Row, len(all))
		return
	}
	applied, refused := 0, 0
	for place := j.before.Row + 1; place <= p.Row; place++ {
		row := all[place-1]
		switch {
		case j.refused[place]:
			refused++
			if told[row.Row] &&
				!slices.ContainsFunc(
					all,
					func(o planRow) bool { return o.Row == row.Row && o.Extension != row.Extension },
				) {
				b.fail("I13: row %d of mass configuration %s is refused, and the audit log tells of it", row.Row, d.ID)
			}
		case row.changes():
			applied++
			if d.Kind != "" {
				b.verifyImported(d, row)
			} else {
				b.verifyRow(d.ID, row)
			}
		}
		if !row.changes() && j.refused[place] {
			b.fail("I13: row %d of mass configuration %s is %s and refused", row.Row, d.ID, row.Outcome)
		}
	}
	if applied != p.Applied-j.before.Applied || refused != p.Refused-j.before.Refused {
		b.fail("I13: of mass configuration %s %d rows are applied and %d refused, it goes from %+v to %+v", d.ID,
			applied, refused, j.before, p)
	}
	for row := range told {
		if !slices.ContainsFunc(all[j.before.Row:p.Row], func(o planRow) bool { return o.Row == row && o.changes() }) {
			b.fail(
				"I13: the audit log tells of row %d of mass configuration %s, which is not one of the rows %d to %d",
				row,
				d.ID,
				j.before.Row+1,
				p.Row,
			)
		}
	}
}

// verifyRow looks whether an applied row is now as its plan says.
func (b *model) verifyRow(id string, row planRow) {
	if row.Extension != "" {
		if x := b.extensions[row.Extension]; x.UserID != row.Wanted.User ||
			x.UserID != "" && x.Number != row.Wanted.Number {
			b.fail("I13: row %d of mass configuration %s wants %+v, and extension %s is %+v", row.Row, id,
				row.Wanted, row.Extension, x)
		}
	}
	h := b.holders[row.Wanted.User]
	if row.Wanted.User == "" {
		return
	}
	if h == nil || h.Holds(catalog.PhoneSystemID) != row.Wanted.Licensed {
		b.fail("I13: row %d of mass configuration %s wants %+v, and %s holds %+v", row.Row, id, row.Wanted,
			row.Wanted.User, h)
		return
	}
	var has []string
	for product := range b.products.All() {
		if product.Base == catalog.PhoneSystemID && h.Holds(product.ID) {
			has = append(has, product.ID)
		}
	}
	if !slices.Equal(has, row.Wanted.AddOns) {
		b.fail("I13: row %d of mass configuration %s wants the add-ons %v, and %s holds %v", row.Row, id,
			row.Wanted.AddOns, row.Wanted.User, has)
	}
}

// verifyImported looks whether an applied row of an import is now what the directory has.
func (b *model) verifyImported(d jobDocument, row planRow) {
	item := func(kind, rest, sort string) table.Item {
		parts := append([]string{kind}, strings.Fields(rest)...)
		return b.sim.mirror.items[table.Key{Partition: call.Partition(b.account, parts...), Sort: sort}].item
	}
	var got, want string
	switch d.Kind {
	case "users":
		p := decode[struct {
			Name    string   `json:"name"`
			Active  bool     `json:"active"`
			RoleIDs []string `json:"roleIds"`
		}](b, item("USERS", "", row.ID))
		h := b.holders[row.ID]
		if h == nil {
			b.fail("I13: row %d of import %s wants user %s, who is no holder", row.Row, d.ID, row.ID)
			return
		}
		var own []string // the metered products that they hold directly
		for _, product := range sorted(h.Holdings) {
			q, _ := b.products.Lookup(product)
			if h.Holds(product) && q.Kind == catalog.Metered &&
				slices.ContainsFunc(
					h.Holdings[product].Grants,
					func(g license.Grant) bool { return g.Source == license.Direct },
				) {
				own = append(own, product)
			}
		}
		wanted := row.User.Licenses
		if row.User.Inactive {
			wanted = nil
		}
		got = fmt.Sprint(p.Name, p.Active, p.RoleIDs, own, h.Extension)
		want = fmt.Sprint(row.Name, !row.User.Inactive, row.User.Roles, wanted, row.User.Extension)
	case "call-queues":
		q := decode[struct {
			Name   string `json:"name"`
			Chunks int    `json:"chunks"`
		}](b, item("QUEUES", "", row.ID))
		var members []string
		for n := range q.Chunks {
			members = append(
				members,
				decode[[]string](b, item("QUEUE-MEMBERS", row.ID, fmt.Sprintf("MEMBERS#%04d", n)))...,
			)
		}
		got, want = fmt.Sprint(q.Name, members), fmt.Sprint(row.Name, row.Refs)
	case "dashboards":
		board := decode[struct {
			Name     string   `json:"name"`
			QueueIDs []string `json:"queueIds"`
		}](b, item("DASHBOARDS", "", row.ID))
		got, want = fmt.Sprint(board.Name, board.QueueIDs), fmt.Sprint(row.Name, row.Refs)
	}
	if got != want {
		b.fail("I13: row %d of import %s wants %s %s to be %s, and there is %s", row.Row, d.ID, d.Kind, row.ID,
			want, got)
	}
}

// verifyPlan holds a plan against the file, or against the mass configuration that it undoes.
func (b *model) verifyPlan(j *job) {
	d, all := j.doc, j.rows()
	if d.Kind != "" {
		return // its rows are held against the directory when they are applied
	}
	if d.Source == "undo" {
		done := b.job(d.Undoes)
		for _, row := range all {
			for place, old := range done.rows() {
				if old.Row != row.Row || old.Extension != row.Extension || row.Extension == "" {
					continue // or what a user held without an extension, which goes with another row
				}
				if !old.changes() || done.refused[place+1] || place >= done.progress.Row {
					b.fail("I13: job %s undoes row %d of %s, which was not applied", d.ID, row.Row, d.Undoes)
				} else if fmt.Sprint(row.Wanted) != fmt.Sprint(old.Before) {
					b.fail("I13: job %s undoes row %d of %s with %+v, and before that was %+v", d.ID, row.Row,
						d.Undoes, row.Wanted, old.Before)
				}
			}
		}
		return
	}
	asked := b.readSheet(d)
	if d.State == "rejected" && len(all) == 0 {
		return
	}
	if len(all) != len(asked) || d.Counts.Rows != len(asked) {
		b.fail("I13: the file of mass configuration %s has %d rows, its plan %d, and it says %+v", d.ID,
			len(asked), len(all), d.Counts)
		return
	}
	outcomes := map[string]int{}
	for i, row := range all {
		outcomes[row.Outcome]++
		want := asked[i]
		switch {
		case row.Row != want.Row:
			b.fail("I13: row %d of the file of mass configuration %s is %d in the plan", want.Row, d.ID, row.Row)
		case row.Outcome == "error":
		case want.Outcome == "error":
			b.fail("I13: row %d of mass configuration %s is bad, and the plan says %+v", row.Row, d.ID, row)
		case row.Extension != want.Extension || fmt.Sprint(row.Wanted) != fmt.Sprint(want.Wanted):
			b.fail("I13: row %d of mass configuration %s asks for %+v, the plan says %+v", row.Row, d.ID, want, row)
		}
	}
	c := d.Counts
	if outcomes["new"] != c.New || outcomes["change"] != c.Change || outcomes["unchanged"] != c.Unchanged ||
		outcomes["error"] != c.Error {
		b.fail("I13: the plan of mass configuration %s has %v, and it says %+v", d.ID, outcomes, c)
	}
}

// readSheet reads a file as the plain model does: what each row asks for, and which rows are bad
// whatever the account is like.
func (b *model) readSheet(d jobDocument) []planRow {
	o, err := b.sim.files.find(d.File)
	if err != nil {
		b.fail("I13: the file of mass configuration %s: %w", d.ID, err)
		return nil
	}
	lines, err := csv.NewReader(bytes.NewReader(o.body)).ReadAll()
	if err != nil {
		b.fail("I13: the file of mass configuration %s: %w", d.ID, err)
		return nil
	}
	var rows []planRow
	claims := map[string]int{}
	for i, line := range lines[1:] {
		row := planRow{Row: i + 2, Extension: line[0], Wanted: wanted{Number: line[1], User: line[2], Licensed: true}}
		for _, code := range addOns { // in the catalog's order
			if slices.Contains(line[3:], code) {
				row.Wanted.AddOns = append(row.Wanted.AddOns, code)
			}
		}
		for _, code := range line[3:] {
			if code != "" && !slices.Contains(addOns, code) {
				row.Outcome = "error"
			}
		}
		if row.Wanted.User == "" {
			row.Outcome = "error"
		}
		claims[row.Wanted.User]++
		rows = append(rows, row)
	}
	for i, row := range rows {
		if claims[row.Wanted.User] > 1 {
			rows[i].Outcome = "error"
		}
	}
	return rows
}

// verifyResult holds the result file of a completed mass configuration against what was done.
func (b *model) verifyResult(j *job) {
	d := j.doc
	if d.Result == nil {
		b.fail("I13: job %s is completed and has no result", d.ID)
		return
	}
	o, err := b.sim.files.find(*d.Result)
	if err != nil || !strings.HasSuffix(d.FileName, ".csv") {
		b.fail("I13: the result of mass configuration %s, %s: %w", d.ID, d.FileName, err)
		return
	}
	lines, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(o.body, []byte("\xef\xbb\xbf")))).ReadAll()
	all := j.rows()
	if err != nil || len(lines) != len(all)+1 {
		b.fail("I13: the result of mass configuration %s has %d lines for %d rows: %w", d.ID, len(lines), len(all), err)
		return
	}
	status := slices.Index(lines[0], "Status")
	for i, row := range all {
		want := row.Outcome
		switch {
		case j.refused[i+1]:
			want = "refused"
		case row.changes():
			want = map[bool]string{true: "configured", false: "imported"}[d.Kind == ""]
		}
		if got := lines[i+1][status]; got != want {
			b.fail("I13: the result of mass configuration %s says %q of row %d, which is %s", d.ID, got, row.Row, want)
		}
	}
}
