package maintenance_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/diskfiles"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/maintenance"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
	"seatwise/shared/usage"
)

// What died between two commits is finished by one run, and what fails of it stops nothing else.
func TestFinishesWhatWasLeft(t *testing.T) {
	k := fixtures.New(t)
	k.Env.Files = diskfiles.Start(t).Store
	kernel := license.NewService(catalog.Default())
	people := directory.NewService(k.Env, kernel)
	lots := []license.Lot{{ProductID: catalog.LiveReportsID, CostCenter: "CC-1", Quantity: 9}}
	if err := kernel.Deliver(t.Context(), k.Call("op"), license.Delivery{
		OrderID: k.Env.IDs.Ordered(),
		Lots:    lots,
	}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"ann", "bob", "eve"} {
		u := directory.User{ID: id, Name: id, Active: true}
		if id == "eve" {
			u.RoleIDs = []string{directory.SuperAdmin}
		}
		if _, err := people.PutUser(t.Context(), k.Call("op"), u); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"ann", "bob"} {
		if _, err := people.PutQueue(t.Context(), k.Call("op"), "q-"+id, "Q", []string{id}); err != nil {
			t.Fatal(err)
		}
	}
	sound := k.Env.Table
	crashing := func(change func() error) {
		t.Helper()
		k.Env.Table = faulty.New(sound, faulty.AtCommit(2, faulty.CrashBefore))
		if err := change(); err == nil {
			t.Fatal("a crash went unnoticed")
		}
		k.Env.Table = sound
	}
	crashing(func() error {
		_, err := people.PutDashboard(
			t.Context(),
			k.Call("op"),
			directory.Dashboard{ID: "d", Name: "D", QueueIDs: []string{"q-ann", "q-bob"}},
		)
		return err
	})
	// The grant of a first view fails too; the view itself is taken in.
	k.Env.Table = faulty.New(sound, func(c faulty.Call) faulty.Fault {
		for _, op := range c.Ops {
			if op.Item.Key == license.HolderKey(k.Account, "eve") {
				return faulty.Fail
			}
		}
		return faulty.None
	})
	views := usage.NewService(k.Env, kernel, people)
	if r, err := views.Take(
		t.Context(),
		k.Call("pbx"),
		[]usage.Event{{ID: "1", UserID: "eve", DashboardID: "d", At: k.Clock.Now()}},
	); err != nil ||
		r.Accepted != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	k.Env.Table = sound

	assigned := func() int64 {
		t.Helper()
		rows, err := inventory.NewService(catalog.Default()).Summary(t.Context(), k.Call("op"))
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if row.ProductID == catalog.LiveReportsID {
				return row.Assigned
			}
		}
		return -1
	}
	if n := assigned(); n != 0 {
		t.Fatalf("%d seats are taken before anything was finished", n)
	}
	run := func(store table.Store) error {
		t.Helper()
		env := *k.Env
		env.Table = store
		return maintenance.NewService(&env, license.NewService(catalog.Default())).Scheduled(
			t.Context(),
			fmt.Appendf(
				nil,
				`{"id":"1","detail-type":"Scheduled Event","source":"aws.events","time":%q,"detail":{}}`,
				k.Clock.Now().Format(time.RFC3339),
			),
		)
	}
	err := run(faulty.New(sound, func(c faulty.Call) faulty.Fault {
		if q := c.Query; q != nil && strings.HasPrefix(q.Prefix, account.BundleMarkers.Key(k.Account, "").Sort) {
			return faulty.Fail
		}
		for _, op := range c.Ops {
			if op.Item.Key == license.HolderKey(k.Account, "ann") {
				return faulty.Fail
			}
		}
		return faulty.None
	}))
	if err == nil || !strings.Contains(err.Error(), "ann") {
		t.Fatalf("failures went unnoticed: %v", err)
	}
	if n := assigned(); n != 2 {
		t.Errorf("%d seats are taken, want those of bob and eve", n)
	}
	if err := run(sound); err != nil {
		t.Fatal(err)
	}
	if n := assigned(); n != 3 {
		t.Errorf("%d seats are taken in the end, want 3", n)
	}
}
