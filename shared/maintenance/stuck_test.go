package maintenance_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/diskfiles"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/directory"
	"seatwise/shared/license"
	"seatwise/shared/maintenance"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

// stuck is a store in which nothing can be committed for one holder.
type stuck struct {
	table.Store
	holder table.Key
	answer func(context.Context) error
}

func (s stuck) Commit(ctx context.Context, ops []table.Operation) error {
	for _, op := range ops {
		if op.Item.Key == s.holder {
			return s.answer(ctx)
		}
	}
	return s.Store.Commit(ctx, ops)
}

// A queue whose work hangs, or fails, run after run stops no queue behind it, and its grants are
// given as soon as they can be.
func TestOnePieceNeverStarvesTheOthers(t *testing.T) {
	for name, answer := range map[string]func(context.Context) error{
		"hangs": func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		},
		"fails always": func(context.Context) error { return errors.New("a fault that stays") },
	} {
		t.Run(name, func(t *testing.T) {
			k := fixtures.New(t)
			k.Env.Files = diskfiles.Start(t).Store
			kernel := license.NewService(catalog.Default())
			people := directory.NewService(k.Env, kernel)
			lots := []license.Lot{{ProductID: catalog.LiveReportsID, CostCenter: "CC-1", Quantity: 9}}
			err := kernel.Deliver(t.Context(), k.Call("op"), license.Delivery{
				OrderID: k.Env.IDs.Ordered(),
				Lots:    lots,
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{"ann", "bob"} {
				u := directory.User{ID: id, Name: id, Active: true}
				if _, err := people.PutUser(t.Context(), k.Call("op"), u); err != nil {
					t.Fatal(err)
				}
				if _, err := people.PutQueue(t.Context(), k.Call("op"), "q-"+id, "Q", []string{id}); err != nil {
					t.Fatal(err)
				}
			}
			sound := k.Env.Table
			k.Env.Table = faulty.New(sound, faulty.AtCommit(2, faulty.CrashBefore))
			dashboard := directory.Dashboard{ID: "d", Name: "D", QueueIDs: []string{"q-ann", "q-bob"}}
			if _, err := people.PutDashboard(t.Context(), k.Call("op"), dashboard); err == nil {
				t.Fatal("a crash went unnoticed")
			}
			k.Env.Table = sound
			holds := func(user string) bool {
				t.Helper()
				found, err := people.Users(t.Context(), k.Call("op"), []string{user})
				if err != nil {
					t.Fatal(err)
				}
				return len(found[user].Holdings) > 0
			}
			at := k.Clock.Now().Truncate(2 * time.Minute) // of a run that begins with q-ann
			run := func(store table.Store) error {
				env := *k.Env
				env.Table = store
				ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
				defer cancel()
				event := fmt.Appendf(nil,
					`{"id":"1","detail-type":"Scheduled Event","source":"aws.events","time":%q,"detail":{}}`,
					at.Format(time.RFC3339))
				at = at.Add(time.Minute)
				return maintenance.NewService(&env, license.NewService(catalog.Default())).Scheduled(ctx, event)
			}
			bad := stuck{sound, license.HolderKey(k.Account, "ann"), answer}
			for range 2 {
				err := run(bad)
				if err == nil || !strings.Contains(err.Error(), "q-ann") {
					t.Fatalf("the marker is not named: %v", err)
				}
				if !holds("bob") {
					t.Fatal("bob waits behind ann")
				}
				if holds("ann") {
					t.Fatal("nothing was wrong with ann")
				}
			}
			if err := run(sound); err != nil {
				t.Fatal(err)
			}
			if !holds("ann") {
				t.Error("what was owed to ann is lost")
			}
		})
	}
}
