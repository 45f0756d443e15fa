package directory

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

func (f *fixture) mailed(id, email string) error {
	_, err := f.s.PutUser(
		context.Background(),
		f.Call("admin"),
		User{ID: id, Name: "Person " + id, Email: email, Active: true},
	)
	return err
}

func TestAddressesAreUnique(t *testing.T) {
	f := newFixture(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	taken := func(err error) {
		t.Helper()
		if !problem.Is(err, problem.EmailInUse) {
			t.Fatalf("%v, want email-in-use", err)
		}
	}
	must(f.mailed("ann", "Zoë@acme.test"))
	for _, same := range []string{"Zoë@acme.test", "ZOE\u0308@ACME.TEST", "zoë@acme.test"} {
		taken(f.mailed("bob", same))
	}
	must(f.mailed("bob", "zoe@acme.test")) // another address: accents count
	must(f.mailed("ann", "zoë@Acme.test")) // the same in another form
	taken(f.mailed("bob", "Zoë@acme.test"))
	must(f.mailed("ann", "ann@acme.test"))
	must(f.mailed("bob", "zoë@acme.test")) // given up
	must(f.mailed("cid", "zoe@acme.test"))
	must(f.mailed("cid", ""))
	must(f.mailed("dan", "zoe@acme.test"))
	// Who is not active is a user still, and may come back.
	_, err := f.s.PutUser(t.Context(), f.Call("admin"), User{ID: "dan", Name: "Dan", Email: "zoe@acme.test"})
	must(err)
	taken(f.mailed("cid", "zoe@acme.test"))
	must(f.s.DeleteUser(t.Context(), f.Call("admin"), "dan"))
	must(f.mailed("cid", "zoe@acme.test"))
	if got := f.addresses(t); len(got) != 3 || got["ann"] != 1 || got["bob"] != 1 || got["cid"] != 1 {
		t.Fatalf("addresses by user: %v", got)
	}
}

// addresses counts the items of addresses by their users.
func (f *fixture) addresses(t *testing.T) map[string]int {
	t.Helper()
	owners := map[string]int{}
	err := table.All(
		t.Context(),
		f.Env.Table,
		table.Query{Partition: call.Partition(f.Call("admin").Account, "EMAIL")},
		func(item table.Item) error {
			o, err := call.Decode[emailOwner](item)
			owners[o.UserID]++
			return err
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	return owners
}

// Addresses that several users have from before they were unique: who is put as they are is not
// judged, and changes nothing; nobody else gets one.
func TestStoredAddressesAreNotJudged(t *testing.T) {
	f := newFixture(t)
	for _, id := range []string{"ann", "bob"} {
		if err := f.mailed(id, id+"@acme.test"); err != nil {
			t.Fatal(err)
		}
	}
	c := f.Call("admin")
	for _, id := range []string{"ann", "bob"} {
		item, ok, err := table.Get(t.Context(), f.Env.Table, access.UserKey(c.Account, id))
		if err != nil || !ok {
			t.Fatal(err)
		}
		version := item.Version
		item.Data = []byte(strings.ReplaceAll(string(item.Data), id+"@acme.test", "both@acme.test"))
		if err := f.Env.Table.Commit(t.Context(), []table.Operation{
			table.Put(item, table.IfVersion(version)), table.Delete(emailKey(c.Account, id+"@acme.test"), table.Always),
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"Person", "Another"} { // as they are, and with another name
		for _, id := range []string{"ann", "bob"} {
			u, version, err := f.s.GetUser(t.Context(), c, id)
			if err != nil {
				t.Fatal(err)
			}
			u.Name = strings.ReplaceAll(u.Name, "Person", name)
			stored, err := f.s.PutUser(t.Context(), f.Call("admin"), u)
			now := stored.Version
			if err != nil || (now != version) != (name == "Another") {
				t.Fatalf("put %s as %s: version %d after %d, %v", id, name, now, version, err)
			}
		}
	}
	if err := f.mailed("cid", "Both@acme.test"); !problem.Is(err, problem.EmailInUse) {
		t.Fatalf("%v, want email-in-use", err)
	}
	// Of the two, one has the address; who gives it up leaves it to that one.
	if err := f.mailed("bob", "bob@acme.test"); err != nil {
		t.Fatal(err)
	}
	if got := f.addresses(t); got["ann"] != 1 || got["bob"] != 1 {
		t.Fatalf("addresses by user: %v", got)
	}
}

func TestTwoWhoWantOneAddressAtOnce(t *testing.T) {
	for range 5 {
		f := newFixture(t)
		errs := make([]error, 8)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { errs[i] = f.mailed(fmt.Sprintf("u%d", i), "One@acme.test") })
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !problem.Is(err, problem.EmailInUse):
				t.Fatal(err)
			}
		}
		if won != 1 {
			t.Fatalf("%d have the address", won)
		}
	}
	// One is put between the read and the commit of the other.
	f := newFixture(t)
	var err error
	f.during(1, func() {
		if err := f.mailed("ann", "one@acme.test"); err != nil {
			t.Error(err)
		}
	}, func() { err = f.mailed("bob", "ONE@acme.test") })
	if !problem.Is(err, problem.EmailInUse) {
		t.Fatalf("%v, want email-in-use", err)
	}
}

func TestNamesInCells(t *testing.T) {
	who := NewNamed("user")
	who.AddUser("zoe", "Zoë", "Zoe@acme.test", true)
	who.AddUser("strasse", "Hans Straße", "", true)
	who.AddUser("neil", "Seán O’Neil", "", false)
	who.AddUser("ann1", "Ann Lee", "", true)
	who.AddUser("ann2", "ANN LEE", "", true)
	who.AddUser("bob1", "Bob", "", true)
	who.AddUser("bob2", "Bob", "", true)
	who.AddUser("bob3", "BOB", "", true)
	who.AddUser("old1", "Old One", "old@acme.test", true)
	who.AddUser("old2", "Old Two", "OLD@acme.test", true)
	for cell, want := range map[string]string{
		"zoe": "zoe", "Zoe\u0308": "zoe", "ZOE": "zoe", "zoë\u200b": "zoe", "ZOE@ACME.test": "zoe",
		"hans STRASSE": "strasse", "Hans\u00a0 Straße": "strasse", "sean o'neil": "neil",
		"Ann Lee": "ann1", "ANN LEE": "ann2", "BOB": "bob3",
	} {
		if id, active, why := who.Find(cell); id != want || why != "" || active != (want != "neil") {
			t.Errorf("%+q is %q (%s), want %q", cell, id, why, want)
		}
	}
	for cell, want := range map[string]string{
		"ann lee": "2 users are called ann lee", "Bob": "2 users are called Bob", "bob": "3 users are called bob",
		"nobody": "no user nobody", "\u200b": "no user", "ZOË@acme.test": "no user",
		strings.Repeat("é", 5000): "no user éééé",
		"Old@acme.test":           "use the id.",
	} {
		if id, _, why := who.Find(cell); id != "" || !strings.Contains(why, want) {
			t.Errorf("%+q is %q: %q, want %q", cell, id, why, want)
		}
	}
}
