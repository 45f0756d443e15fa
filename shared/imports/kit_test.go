package imports_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"seatwise/infra/registry"
	"seatwise/infra/testing/filejobs"
	"seatwise/infra/testing/fixtures"
	"seatwise/infra/testing/memoryfiles"
	"seatwise/shared/directory"
	"seatwise/shared/filejob"
	"seatwise/shared/imports"
	"seatwise/shared/license"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/purchase"
)

// office is an account with its directory, and the three functions that serve imports.
type office struct {
	*filejobs.Office[imports.View, imports.Row]
}

var everything = access.Carried().List()

var module = filejobs.Module[imports.View]{
	Path:        "imports",
	Folder:      "imports/",
	Apply:       "apply",
	Permissions: everything,
	Shown:       func(v imports.View) filejobs.Shown { return filejobs.Shown{ID: v.ID, State: v.State, View: v.View} },
}

func open(t testing.TB) *office {
	t.Helper()
	return openOn(t, fixtures.New(t))
}

func openOn(t testing.TB, k *fixtures.Fixture) *office {
	t.Helper()
	o := &office{filejobs.Open[imports.View, imports.Row](t, k, memoryfiles.Serve(t), module)}
	front := registry.One(k.Env, "MassConfigurationFunction", "TemplateFunction")
	check := registry.One(k.Env, "MassConfigurationCheckFunction")
	apply := registry.One(k.Env, "MassConfigurationApplyFunction")
	o.API, o.Check, o.Apply = front.HTTP, check.Event, apply.Event
	return o
}

// fresh is the same office with an account of its own.
func (o *office) fresh(f filejobs.Failer) *office { return &office{o.Fresh(f)} }

// hire makes active users; the name is the id with its first letter in upper case.
func (o *office) hire(ids ...string) {
	o.F.Helper()
	for _, id := range ids {
		o.Hire(strings.ToUpper(id[:1]) + id[1:])
	}
}

func (o *office) role(id string, licenses ...string) {
	o.F.Helper()
	_, err := o.People.PutRole(
		o.Ctx,
		o.Call("admin"),
		directory.Role{ID: id, Name: "The " + id, Permissions: []string{"liveReports.view"}, Licenses: licenses},
	)
	o.Must(err)
}

// centers makes cost centers.
func (o *office) centers(codes ...string) {
	o.F.Helper()
	shop := purchase.NewService(o.Env, o.Kernel)
	for _, code := range codes {
		center := purchase.CostCenterChange{Code: code, Name: "Center " + code}
		_, err := shop.ChangeCostCenter(o.Ctx, o.Call("admin"), center)
		o.Must(err)
	}
}

func (o *office) queue(id string, members ...string) {
	o.F.Helper()
	_, err := o.People.PutQueue(o.Ctx, o.Call("admin"), id, "Queue "+id, members)
	o.Must(err)
}

func (o *office) dashboard(id string, queues ...string) {
	o.F.Helper()
	_, err := o.People.PutDashboard(
		o.Ctx,
		o.Call("admin"),
		directory.Dashboard{ID: id, Name: "Board " + id, QueueIDs: queues},
	)
	o.Must(err)
}

// state says all that there is of users, queues and dashboards, without license ids and times, so
// that two states are equal when nobody could tell them apart.
func (o *office) state() string {
	o.F.Helper()
	o.Must(o.People.Resume(o.Ctx, "")) // what changes left to the maintenance function
	var lines []string
	c := o.Call("admin")
	users, _, err := o.People.ListUsers(o.Ctx, c, "", "", 1000)
	o.Must(err)
	for _, u := range users {
		line := fmt.Sprintf(
			"user %s %q %s %s/%s %v %v %v %s%s:",
			u.ID,
			u.Name,
			u.Email,
			u.Extension,
			u.Number,
			u.Active,
			u.RoleIDs,
			u.Licenses,
			u.AgentSource,
			map[bool]string{true: " of " + u.CostCenter}[u.CostCenter != ""],
		)
		for _, h := range u.Holdings {
			line += " " + h.ProductID
			for _, g := range h.Grants {
				line += "," + g.Source
			}
		}
		lines = append(lines, line)
	}
	queues, _, err := o.People.ListQueues(o.Ctx, c, "", "", 1000)
	o.Must(err)
	for _, q := range queues {
		lines = append(lines, fmt.Sprintf("queue %s %q %v %v", q.ID, q.Name, q.Members, q.Dashboards))
	}
	dashboards, _, err := o.People.ListDashboards(o.Ctx, c, "", "", 1000)
	o.Must(err)
	for _, d := range dashboards {
		lines = append(lines, fmt.Sprintf("dashboard %s %q %v", d.ID, d.Name, d.QueueIDs))
	}
	return strings.Join(lines, "\n")
}

// everyKind and everyExport are the kinds of imports and of exports. Tests of all kinds go through
// them, and fail for one of which they know nothing. TestEveryKindIsWhole holds that none is missing
// in the contract.
var (
	everyKind   = kindsIn[imports.View]()
	everyExport = kindsIn[imports.ExportView]()
)

// kindsIn are the kinds that the contract allows in a view.
func kindsIn[View any]() []imports.Kind {
	var kinds []imports.Kind
	for _, name := range enumOf[View]("Kind") {
		kinds = append(kinds, imports.Kind(name))
	}
	return kinds
}

// enumOf are the values that the contract allows in a field.
func enumOf[Struct any](field string) []string {
	f, _ := reflect.TypeFor[Struct]().FieldByName(field)
	return strings.Split(f.Tag.Get("enum"), ",")
}

// headers are those of the kinds' files, with as many columns of lists as the tests need.
var headers = map[imports.Kind][]string{
	imports.Users: {
		"User",
		"Name",
		"Email",
		"Extension",
		"Number",
		"Active",
		"Agent source",
		"Role 1",
		"Role 2",
		"License 1",
		"License 2",
		"Cost Center",
	},
	imports.CallQueues: {"Call queue", "Name", "Member 1", "Member 2", "Member 3"},
	imports.Dashboards: {"Dashboard", "Name", "Call queue 1", "Call queue 2", "Call queue 3"},
}

// row makes a row of a file.
func row(cells ...string) []string { return cells }

// table is a file's content: the kind's header and the rows, filled up.
func content(kind imports.Kind, rows ...[]string) [][]string {
	if headers[kind] == nil {
		panic("headers knows nothing of " + string(kind))
	}
	all := [][]string{headers[kind]}
	for _, r := range rows {
		all = append(all, append(slices.Clone(r), make([]string, len(headers[kind])-len(r))...))
	}
	return all
}

func asked(kind imports.Kind, name string, skipErrors bool) map[string]any {
	return map[string]any{"kind": kind, "fileName": name, "skipErrors": skipErrors}
}

func (o *office) ask(kind imports.Kind, name string, body []byte, skipErrors bool) imports.View {
	o.F.Helper()
	return o.Ask(body, asked(kind, name, skipErrors))
}

// upload brings a file in, up to the end of its check.
func (o *office) upload(kind imports.Kind, name string, body []byte, skipErrors bool) imports.View {
	o.F.Helper()
	return o.Upload(body, asked(kind, name, skipErrors))
}

// checked uploads rows as CSV; the check must end in this state.
func (o *office) checked(state filejob.State, kind imports.Kind, rows ...[]string) imports.View {
	o.F.Helper()
	return o.In(state, o.upload(kind, "file.csv", filejobs.CSVFile(content(kind, rows...)), false))
}

// run applies a plan to its end.
func (o *office) run(id string) imports.View {
	o.F.Helper()
	wakeUp := o.Start(id)
	o.Must(o.Apply(o.Ctx, wakeUp))
	return o.Get(id)
}

// imported checks and applies rows.
func (o *office) imported(kind imports.Kind, rows ...[]string) imports.View {
	o.F.Helper()
	return o.In(filejob.Completed, o.run(o.checked(filejob.Ready, kind, rows...).ID))
}

// log is every audit record of the account, sorted, without what is different in every run.
func (o *office) log() []string {
	o.F.Helper()
	var lines []string
	for _, r := range o.Records() {
		lines = append(lines, strings.Join([]string{r.Action, r.Subject, r.Actor, r.User, r.Reason}, " "))
	}
	slices.Sort(lines)
	return lines
}

// load and commit are of a change of the kernel by another module.
func load(o *office, ch *license.UnitOfWork, users ...string) error {
	_, err := ch.Load(o.Ctx, license.Need{Users: users})
	return err
}

func commit(o *office, ch *license.UnitOfWork) error { return ch.Commit(o.Ctx, call.Answer{}) }
