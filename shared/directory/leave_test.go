package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/catalog/catalogfile"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// fullest is a catalog with as many products as one may have, all of which one user can hold; of
// each that is bought somebody can wait for a seat.
func fullest(t *testing.T) *catalog.Catalog {
	t.Helper()
	var b strings.Builder
	b.WriteString("currencies: [USD]\ncategories: [All]\nproducts:\n")
	fmt.Fprintf(&b, "  - {id: %s, name: P, category: All, kind: seat, unitPrice: {USD: 1}}\n", catalog.LiveReportsID)
	for i := range catalog.MaxPurchasable - 1 {
		fmt.Fprintf(&b, "  - {id: p%d, name: P, category: All, kind: seat, unitPrice: {USD: 1}}\n", i)
	}
	for i := range catalog.MaxMetered {
		fmt.Fprintf(
			&b,
			"  - {id: m%d, name: M, category: All, kind: metered, unitPrice: {USD: 1}, countsAs: {group: users, label: M}}\n",
			i,
		)
	}
	products, err := catalogfile.Parse([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return products
}

// watched tells of every commit after it was made.
type watched struct {
	table.Store
	after func()
}

func (w watched) Commit(ctx context.Context, ops []table.Operation) error {
	err := w.Store.Commit(ctx, ops)
	w.after()
	return err
}

// TestWhoHoldsEverythingLeavesInOneStep lets somebody leave who holds every product of the fullest
// catalog, has every other thing that leaving touches, and leaves as much else changed as one
// request can: no commit shows them with some of their licenses (requirements, section 6), and who
// waited for them is served.
func TestWhoHoldsEverythingLeavesInOneStep(t *testing.T) {
	const name = "Ann de la Santa Cruz Miller"
	for _, way := range []struct {
		name  string
		leave func(t *testing.T, f *fixture) error
	}{
		{"deactivated, and all else changed", func(t *testing.T, f *fixture) error {
			other := make([]string, MaxRoles)
			for i := range other {
				other[i] = fmt.Sprintf("other%d", i)
				f.role(t, other[i])
			}
			_, err := f.s.PutUser(t.Context(), f.Call("admin"), User{
				ID: "ann", Name: "Zoe y los de Otro Nombre", Extension: "202", Number: "6500000002", RoleIDs: other,
				Active: false,
			})
			return err
		}},
		{"deactivated", func(t *testing.T, f *fixture) error {
			u, _, err := f.s.GetUser(t.Context(), f.Call("admin"), "ann")
			if err != nil {
				return err
			}
			u.Active = false
			_, err = f.s.PutUser(t.Context(), f.Call("admin"), u)
			return err
		}},
		{"deleted", func(t *testing.T, f *fixture) error { return f.s.DeleteUser(t.Context(), f.Call("admin"), "ann") }},
	} {
		t.Run(way.name, func(t *testing.T) {
			products := fullest(t)
			k := fixtures.New(t)
			kernel := license.NewService(products)
			f := &fixture{Fixture: k, kernel: kernel, s: NewService(k.Env, kernel)}
			f.holdEverything(t, name)

			var held []int
			sound := f.Env.Table
			f.Env.Table = watched{Store: sound, after: func() {
				item, ok, err := table.Get(t.Context(), sound, license.HolderKey(f.Account, "ann"))
				if err != nil {
					t.Fatal(err)
				}
				n := 0
				if ok {
					h, err := call.Decode[license.Holder](item)
					if err != nil {
						t.Fatal(err)
					}
					for _, holding := range h.Holdings {
						if holding.LicenseID != "" {
							n++
						}
					}
				}
				held = append(held, n)
			}}
			if err := way.leave(t, f); err != nil {
				t.Fatal(err)
			}
			f.Env.Table = sound
			all := catalog.MaxPurchasable + catalog.MaxMetered
			if len(held) == 0 || held[len(held)-1] != 0 ||
				slices.ContainsFunc(held, func(n int) bool { return n != 0 && n != all }) {
				t.Errorf("after its commits the user held %v of %d licenses", held, all)
			}
			list, err := inventory.NewService(kernel.Products()).Summary(t.Context(), f.Call("admin"))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range list {
				if s.Kind == catalog.Seat && (s.Assigned != 1 || s.Waiting != 0) ||
					s.Kind == catalog.Metered && s.Assigned != 0 {
					t.Errorf("%+v: the seat belongs to who waited for it", s)
				}
			}
		})
	}
}

func (f *fixture) role(t *testing.T, id string) {
	t.Helper()
	if _, err := f.s.PutRole(t.Context(), f.Call("admin"), Role{ID: id, Name: id}); err != nil {
		t.Fatal(err)
	}
}

// holdEverything gives Ann a license of every product, the most roles, an extension and a monitored
// queue; Bob waits for each seat.
func (f *fixture) holdEverything(t *testing.T, name string) {
	t.Helper()
	var metered, roles []string
	for _, p := range f.kernel.Products().Products() {
		if p.Kind == catalog.Metered {
			metered = append(metered, p.ID)
		} else {
			f.buy(t, p.ID, 1)
		}
	}
	for i := range MaxRoles {
		roles = append(roles, fmt.Sprintf("role%d", i))
		f.role(t, roles[i])
	}
	f.put(
		t,
		User{
			ID:        "ann",
			Name:      name,
			Extension: "101",
			Number:    "6500000001",
			RoleIDs:   roles,
			Licenses:  metered,
			Active:    true,
		},
	)
	f.user(t, "bob")
	f.queue(t, "q", "ann")
	f.dashboard(t, "d", "q")
	for _, p := range f.kernel.Products().Purchasable() {
		if p.ID != catalog.LiveReportsID { // which the queue has granted
			f.granted(t, "ann", p.ID, license.Direct)
		}
		f.granted(t, "bob", p.ID, license.RoleGrant("r"))
	}
}

func (f *fixture) granted(t *testing.T, user, product, source string) {
	t.Helper()
	err := call.Decide(t.Context(), func(ctx context.Context) error {
		ch := f.kernel.Change(f.Call("admin"))
		if _, err := ch.Load(ctx, license.Need{Users: []string{user}}); err != nil {
			return err
		}
		if err := ch.Grant(ctx, user, product, source); err != nil {
			return err
		}
		return ch.Commit(ctx, call.Answer{})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLeaverIsHeldByItsTag refuses to release anybody in the first of two steps when the caller's
// tag is stale.
func TestLeaverIsHeldByItsTag(t *testing.T) {
	k := fixtures.New(t)
	kernel := license.NewService(fullest(t))
	f := &fixture{Fixture: k, kernel: kernel, s: NewService(k.Env, kernel)}
	f.holdEverything(t, "Ann")
	c := f.Call("admin")
	c.IfMatch = `"99"`
	if err := f.s.DeleteUser(t.Context(), c, "ann"); !problem.Is(err, problem.PreconditionFailed) {
		t.Fatalf("%v", err)
	}
	u, version, err := f.s.GetUser(t.Context(), f.Call("admin"), "ann")
	if err != nil || !u.Active || len(u.Holdings) != catalog.MaxPurchasable+catalog.MaxMetered {
		t.Fatalf("%v: %+v", err, u)
	}
	c.IfMatch = call.Tag(version)
	if err := f.s.DeleteUser(t.Context(), c, "ann"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.s.GetUser(t.Context(), f.Call("admin"), "ann"); !problem.Is(err, problem.NotFound) {
		t.Fatalf("%v", err)
	}
}

// TestWhoStaysIsNotReleased changes more of an active user at once than one commit holds: it is
// refused, and nobody takes what they hold. In two requests it is done.
func TestWhoStaysIsNotReleased(t *testing.T) {
	const name = "Ann de la Santa Cruz Miller"
	k := fixtures.New(t)
	kernel := license.NewService(fullest(t))
	f := &fixture{Fixture: k, kernel: kernel, s: NewService(k.Env, kernel)}
	f.holdEverything(t, name)
	before, version, err := f.s.GetUser(t.Context(), f.Call("admin"), "ann")
	if err != nil {
		t.Fatal(err)
	}
	other := before
	other.Name, other.Extension, other.Number, other.RoleIDs = "Zoe y los de Otro Nombre", "202", "6500000002", make(
		[]string,
		MaxRoles,
	)
	for i := range other.RoleIDs {
		other.RoleIDs[i] = fmt.Sprintf("other%d", i)
		f.role(t, other.RoleIDs[i])
	}
	if _, err := f.s.PutUser(t.Context(), f.Call("admin"), other); !errors.Is(err, ErrTooMuchAtOnce) {
		t.Fatal(err)
	}
	u, at, err := f.s.GetUser(t.Context(), f.Call("admin"), "ann")
	if diff := cmp.Diff(before, u); err != nil || at != version || diff != "" {
		t.Fatalf("%v, version %d, want %d; wanted -, got +:\n%s", err, at, version, diff)
	}
	first := before
	first.RoleIDs = other.RoleIDs
	for _, u := range []User{first, other} {
		if _, err := f.s.PutUser(t.Context(), f.Call("admin"), u); err != nil {
			t.Fatal(err)
		}
	}
	u, _, err = f.s.GetUser(t.Context(), f.Call("admin"), "ann")
	if err != nil || u.Name != other.Name || u.Extension != "202" || len(u.Holdings) != len(before.Holdings) {
		t.Fatalf("%v: %+v", err, u)
	}
}

// TestTagHoldsForBothSteps changes a user, or makes them again, between the two steps of somebody's
// leaving: the second one is refused by the caller's tag.
func TestTagHoldsForBothSteps(t *testing.T) {
	for way, between := range map[string]func(f *fixture) error{
		"changed": func(f *fixture) error {
			u, _, err := f.s.GetUser(t.Context(), f.Call("eve"), "ann")
			if err == nil {
				u.Email = "by-eve@acme.example"
				_, err = f.s.PutUser(t.Context(), f.Call("eve"), u)
			}
			return err
		},
		"made again": func(f *fixture) error {
			err := f.s.DeleteUser(t.Context(), f.Call("eve"), "ann")
			if err == nil {
				_, err = f.s.PutUser(
					t.Context(), f.Call("eve"),
					User{ID: "ann", Name: "Ann", Email: "by-eve@acme.example", Active: true},
				)
			}
			return err
		},
	} {
		t.Run(way, func(t *testing.T) {
			k := fixtures.New(t)
			kernel := license.NewService(fullest(t))
			f := &fixture{Fixture: k, kernel: kernel, s: NewService(k.Env, kernel)}
			f.holdEverything(t, "Ann de la Santa Cruz Miller")
			_, version, err := f.s.GetUser(t.Context(), f.Call("admin"), "ann")
			if err != nil {
				t.Fatal(err)
			}
			sound, once := f.Env.Table, false
			f.Env.Table = watched{Store: sound, after: func() {
				if !once {
					once, f.Env.Table = true, sound
					if err := between(f); err != nil {
						t.Error(err)
					}
				}
			}}
			c := f.Call("admin")
			c.IfMatch = call.Tag(version)
			if err := f.s.DeleteUser(t.Context(), c, "ann"); !once || !problem.Is(err, problem.PreconditionFailed) {
				t.Errorf("%v", err)
			}
			if u, _, err := f.s.GetUser(
				t.Context(),
				f.Call("admin"),
				"ann",
			); err != nil ||
				u.Email != "by-eve@acme.example" {
				t.Errorf("%v: %+v", err, u)
			}
		})
	}
}
