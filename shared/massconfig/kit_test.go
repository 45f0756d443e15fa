package massconfig

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"seatwise/infra/testing/filejobs"
	"seatwise/infra/testing/fixtures"
	"seatwise/infra/testing/memoryfiles"
	"seatwise/shared/catalog"
	"seatwise/shared/filejob"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
)

// office is an account with its phones, and the three functions of mass configuration.
type office struct {
	*filejobs.Office[View, Row]
	service *Service
}

var everything = []auth.Permission{auth.LicensesRead, auth.LicensesManage}

var module = filejobs.Module[View]{
	Path:        "mass-configurations",
	Apply:       "configure",
	Permissions: everything,
	Shown:       func(v View) filejobs.Shown { return filejobs.Shown{ID: v.ID, State: v.State, View: v.View} },
}

func open(t testing.TB) *office {
	t.Helper()
	return openOn(t, fixtures.New(t))
}

func openOn(t testing.TB, k *fixtures.Fixture) *office {
	t.Helper()
	return openWith(t, k, memoryfiles.Serve(t))
}

func openWith(t testing.TB, k *fixtures.Fixture, store files.Store) *office {
	t.Helper()
	o := &office{Office: filejobs.Open[View, Row](t, k, store, module)}
	o.service = NewService(k.Env, o.Kernel)
	post := &filejob.Post{Env: k.Env, Modules: []filejob.Carrier{o.service.Jobs()}, Others: o.service.Drop}
	o.API, o.Check, o.Apply = api.Serve(k.Env, o.service.Routes, o.service.TemplateRoutes).HTTP, post.Check, post.Apply
	return o
}

// fresh is the same office with an account of its own, for one check of a property.
func (o *office) fresh(f filejobs.Failer) *office { return &office{o.Fresh(f), o.service} }

// all are Phone System and its add-ons.
func all() []string {
	ids := []string{catalog.PhoneSystemID}
	for _, p := range catalog.Default().AddOns(catalog.PhoneSystemID) {
		ids = append(ids, p.ID)
	}
	return ids
}

// change carries out verbs of the kernel in one commit, as another room would.
func (o *office) change(verbs func(context.Context, *license.UnitOfWork) error, users ...string) {
	o.F.Helper()
	c := o.Call("admin")
	o.Must(call.Decide(o.Ctx, func(ctx context.Context) error {
		ch := o.Kernel.Change(c)
		if _, err := ch.Load(ctx, license.Need{Users: users}); err != nil {
			return err
		}
		if err := verbs(ctx, ch); err != nil {
			return err
		}
		return ch.Commit(ctx, call.Answer{})
	}))
}

// give gives a user a license by hand, with add-ons and, if named, an extension and a number.
func (o *office) give(user, extension, number string, addOns ...string) {
	o.F.Helper()
	o.change(func(ctx context.Context, ch *license.UnitOfWork) error {
		if err := ch.Extend(ctx, user, extension, number); err != nil {
			return err
		}
		if err := ch.Grant(ctx, user, catalog.PhoneSystemID, license.Direct); err != nil {
			return err
		}
		return ch.SetAddOns(ctx, user, catalog.PhoneSystemID, addOns, license.Direct)
	}, user)
}

// state says of every user what they have, with the grants but without license ids, and of every
// product how many seats are taken; so two states are equal when nobody could tell them apart. It
// fails when a count is no recount, or a license says something else than its holder (invariants
// I2, I3 and I7).
func (o *office) state() string {
	o.F.Helper()
	var lines []string
	assigned := map[string]int64{}
	after := ""
	for {
		users, next, err := o.People.ListUsers(o.Ctx, o.Call("admin"), "", after, 200)
		o.Must(err)
		for _, u := range users {
			line := fmt.Sprintf("%s: %s/%s", u.ID, u.Extension, u.Number)
			base := ""
			for _, h := range u.Holdings {
				if h.ProductID == catalog.PhoneSystemID {
					base = h.LicenseID
				}
			}
			for _, h := range u.Holdings {
				assigned[h.ProductID]++
				line += " " + h.ProductID
				l, _, err := inventory.NewService(catalog.Default()).Get(o.Ctx, o.Call("admin"), h.LicenseID)
				o.Must(err)
				if l.UserID != u.ID || l.Status != license.Assigned || l.Extension != u.Extension {
					o.F.Errorf("license %+v of %s, who has extension %q", l, u.ID, u.Extension)
				}
				if h.ProductID != catalog.PhoneSystemID && l.BaseLicenseID != base {
					o.F.Errorf("license %+v hangs on no base of %s", l, u.ID)
				}
			}
			lines = append(lines, line)
		}
		if after = next; next == "" {
			break
		}
	}
	summary, err := inventory.NewService(catalog.Default()).Summary(o.Ctx, o.Call("admin"))
	o.Must(err)
	for _, s := range summary {
		if s.Assigned != assigned[s.ProductID] {
			o.F.Errorf("%s: counted %d assigned, held are %d", s.ProductID, s.Assigned, assigned[s.ProductID])
		}
		if s.Available != s.Bought-s.Assigned && s.Kind != catalog.Metered {
			o.F.Errorf(
				"%s: %d of %d assigned, %d available; some are reserved still",
				s.ProductID,
				s.Assigned,
				s.Bought,
				s.Available,
			)
		}
		if s.Assigned < 0 || s.Assigned > s.Bought {
			o.F.Errorf("%s: %d of %d assigned", s.ProductID, s.Assigned, s.Bought)
		}
		if s.Assigned > 0 {
			lines = append(lines, fmt.Sprintf("%s %d", s.ProductID, s.Assigned))
		}
	}
	return strings.Join(lines, "\n")
}

// row makes a row of a file.
func row(cells ...string) []string { return cells }

// sheetOf is a file's content: the header for the widest row, and the rows.
func sheetOf(rows ...[]string) [][]string {
	width := 3
	for _, r := range rows {
		width = max(width, len(r))
	}
	header := []string{"Ext Key", "Number", "User"}
	for i := range width - 3 {
		header = append(header, fmt.Sprintf("Addon license %d", i+1))
	}
	return append([][]string{header}, rows...)
}

func announced(name string, skipErrors bool) map[string]any {
	return map[string]any{"fileName": name, "skipErrors": skipErrors}
}

// ask asks for an upload.
func (o *office) ask(name string, body []byte, skipErrors bool) View {
	o.F.Helper()
	return o.Ask(body, announced(name, skipErrors))
}

// upload brings a file in, up to the end of its check.
func (o *office) upload(name string, body []byte, skipErrors bool) View {
	o.F.Helper()
	return o.Upload(body, announced(name, skipErrors))
}

// drop puts a file into the uploads bucket by another way than an upload, and returns the event.
func (o *office) drop(key string, body []byte) []byte {
	o.F.Helper()
	info, err := o.Files.Put(
		o.Ctx,
		files.Ref{Bucket: files.Uploads, Key: key},
		bytes.NewReader(body),
		int64(len(body)),
		"application/octet-stream",
	)
	o.Must(err)
	return filejobs.Event(info)
}

// deliver hands the wake-ups to the function that applies, until there are no more.
func (o *office) deliver() {
	o.F.Helper()
	for wakeUps := o.Files.Take(); len(wakeUps) > 0; wakeUps = o.Files.Take() {
		for _, wakeUp := range wakeUps {
			o.Must(o.Apply(o.Ctx, filejobs.Event(wakeUp)))
		}
	}
}

// checked uploads rows as CSV; the check must end in this state.
func (o *office) checked(state State, rows ...[]string) View {
	o.F.Helper()
	return o.In(state, o.upload("phones.csv", filejobs.CSVFile(sheetOf(rows...)), false))
}

// configure applies a plan to its end.
func (o *office) configure(id string) View {
	o.F.Helper()
	fixtures.Decode[View](o.T, o.Request("POST", "/"+id+"/configure", nil), 202)
	o.deliver()
	return o.Get(id)
}

// undo plans to undo.
func (o *office) undo(id string) View {
	o.F.Helper()
	v := fixtures.Decode[View](o.T, o.Request("POST", "/"+id+"/undo", nil), 201)
	o.deliver()
	return o.Get(v.ID)
}

// audits counts the audit records of the account by action and reason.
func (o *office) audits() map[string]int {
	o.F.Helper()
	counts := map[string]int{}
	for _, r := range o.Records() {
		counts[r.Action+" "+r.Reason]++
	}
	return counts
}
