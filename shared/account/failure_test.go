package account_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table/faulty"
)

// One holder who fails keeps nobody else on the old bundle (requirements, section 6), is told, and
// follows once it is mended.
func TestOneHolderWhoFailsStopsNobody(t *testing.T) {
	k := fixtures.New(t)
	kernel := license.NewService(catalog.Default())
	const people = 120
	name := func(i int) string { return fmt.Sprintf("user-%03d", i) }
	for i := range people {
		change := kernel.Change(k.Call("op"))
		if _, err := change.Load(t.Context(), license.Need{}); err != nil {
			t.Fatal(err)
		}
		if err := change.Put(t.Context(), license.Person{UserID: name(i), Name: "Somebody", Active: true}); err != nil {
			t.Fatal(err)
		}
		if err := change.Grant(t.Context(), name(i), catalog.LiveReportsID, license.QueueGrant("q")); err != nil {
			t.Fatal(err)
		}
		if err := change.Commit(t.Context(), call.Answer{}); err != nil {
			t.Fatal(err)
		}
	}
	waiting := func() int64 {
		rows, err := inventory.NewService(catalog.Default()).Summary(t.Context(), k.Call("op"))
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if row.ProductID == catalog.LiveReportsID {
				return row.Waiting
			}
		}
		return -1
	}
	markers := func() (n int) {
		err := account.BundleMarkers.Each(t.Context(), k.Env.Table, "", func(call.Marker) error { n++; return nil })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	sound := k.Env.Table
	k.Env.Table = faulty.New(sound, func(c faulty.Call) faulty.Fault {
		for _, op := range c.Ops {
			if op.Item.Key == license.HolderKey(k.Account, name(7)) {
				return faulty.Fail
			}
		}
		return faulty.None
	})
	s := account.NewService(k.Env, license.NewService(catalog.Default()))
	if _, err := s.Put(t.Context(), k.Call("op"), account.Settings{
		Name:       "Acme",
		Brand:      "RingCentral",
		Currency:   "USD",
		Timezone:   "UTC",
		BillingDay: 1,
		Bundle:     account.CustomerEngagement,
	}); err != nil {
		t.Fatal(err)
	}
	if n := waiting(); n != 1 {
		t.Errorf("%d wait after the change, want the one who fails", n)
	}
	k.Clock.Add(20 * time.Minute)
	for range 2 {
		if err := s.ResumeBundles(t.Context(), ""); err == nil || !strings.Contains(err.Error(), name(7)) {
			t.Errorf("a failure went unnoticed: %v", err)
		}
		if markers() != 1 {
			t.Fatal("the work is not done and forgotten")
		}
	}
	k.Env.Table = sound
	k.Clock.Add(time.Minute) // it pauses after the second time
	if err := s.ResumeBundles(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if n, left := waiting(), markers(); n != 0 || left != 0 {
		t.Errorf("%d wait, %d markers are left", n, left)
	}
}
