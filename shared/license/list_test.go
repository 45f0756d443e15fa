package license

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"seatwise/shared/platform/problem"
)

// pages reads a list whole in pages of limit; each license must come once.
func (o *office) pages(f Filter, limit int, between func()) []string {
	o.t.Helper()
	var ids []string
	position := ""
	for {
		list, next, err := o.kernel.List(o.ctx, o.Call("admin"), f, position, limit)
		o.must(err)
		if len(list) > limit {
			o.t.Fatalf("a page of %d licenses, at most %d asked for", len(list), limit)
		}
		for _, l := range list {
			if slices.Contains(ids, l.ID) {
				o.t.Fatalf("license %s is on two pages of %+v", l.ID, f)
			}
			ids = append(ids, l.ID)
		}
		if next == "" {
			return ids
		}
		position = next
		if between != nil {
			between()
		}
	}
}

func TestListFilters(t *testing.T) {
	o := open(t)
	live := o.buy("live-reports", 6, "CC-1")
	more := o.buy("live-reports", 3, "CC-2")
	phones := o.buy("phone-system", 3, "CC-2")
	chats := o.buy("team_chat", 2, "CC-1")
	o.hire("Ann Miller", "Bob Ann", "Cid", "Anton von Webern")
	for i, user := range []string{"ann", "bob", "anton"} {
		_, err := o.kernel.Assign(o.ctx, o.call(), live[i], user, "")
		o.must(err)
	}
	_, err := o.kernel.Assign(o.ctx, o.call(), phones[0], "ann", "101")
	o.must(err)
	_, err = o.kernel.Assign(o.ctx, o.call(), phones[1], "cid", "1010")
	o.must(err)
	set, err := o.kernel.SetAddOns(o.ctx, o.call(), phones[0], []string{"team_chat"})
	o.must(err)
	chat := set.Items[0].ID
	_, err = o.kernel.Terminate(o.ctx, o.call(), more[0])
	o.must(err)
	user, err := o.kernel.AssignProduct(o.ctx, o.call(), "essential-user", "cid", "")
	o.must(err)
	all := slices.Concat(live, more, phones, chats, []string{user.ID})
	o.must(
		o.change(
			func(_ context.Context, ch *UnitOfWork) error { return ch.Address("ann", "a.miller@acme.test") },
			"ann",
		),
	)
	o.must(o.change(func(ctx context.Context, ch *UnitOfWork) error {
		return ch.Extend(ctx, "cid", "1010", "+1 656-789-1230")
	}, "cid"))

	join := func(parts ...[]string) []string { return slices.Concat(parts...) }
	for _, tc := range []struct {
		f    Filter
		want []string
	}{
		{Filter{}, all},
		{Filter{Products: []string{"live-reports"}}, join(live, more)},
		{Filter{Products: []string{"live-reports"}, CostCenters: []string{"CC-2"}}, more},
		{Filter{CostCenters: []string{"CC-1"}}, join(live, chats)},
		{Filter{CostCenters: []string{"CC-2", "CC-1", "CC-1"}}, join(live, more, phones, chats)},
		{Filter{CostCenters: []string{"CC-9"}}, nil},
		{Filter{Statuses: []Status{Terminated}}, more[:1]},
		{Filter{Statuses: []Status{Available}}, join(live[3:], more[1:], phones[2:], without(chats, chat))},
		{Filter{Statuses: []Status{Assigned}, Products: []string{"live-reports"}}, live[:3]},
		{Filter{Statuses: []Status{Available}, CostCenters: []string{"CC-2"}}, join(more[1:], phones[2:])},
		{Filter{Statuses: []Status{Available}, CostCenters: []string{"CC-2", "CC-1"}, Products: []string{"live-reports"}}, join(live[3:], more[1:])},
		{Filter{Bases: []string{"phone-system"}}, join(phones, chats)},
		{Filter{Bases: []string{"phone-system"}, Statuses: []Status{Assigned}}, []string{phones[0], phones[1], chat}},
		{Filter{Bases: []string{"phone-system"}, Products: []string{"team_chat"}}, chats},
		{Filter{Bases: []string{"phone-system"}, Products: []string{"live-reports"}}, nil},
		{Filter{Bases: []string{phones[0]}}, []string{phones[0], chat}},
		{Filter{Bases: []string{phones[2]}}, phones[2:]},
		{Filter{User: "ann"}, []string{live[0], phones[0], chat}},
		{Filter{User: "ann", Products: []string{"live-reports"}}, live[:1]},
		{Filter{User: "nobody"}, nil},
		{Filter{User: "no#body"}, nil},
		{Filter{Extension: "101"}, []string{live[0], phones[0], chat}},
		{Filter{Extension: "10"}, nil},
		{Filter{Extension: "101", User: "cid"}, nil},
		{Filter{Order: o.license(live[0]).OrderID}, live},
		{Filter{Order: o.license(live[0]).OrderID, Statuses: []Status{Assigned}}, live[:3]},
		{Filter{Order: "0198aaaa-0000-7000-8000-999999999999"}, nil},
		{Filter{Order: "nonsense"}, nil},
		{Filter{Q: "ann"}, []string{live[0], phones[0], chat, live[1]}},
		{Filter{Q: "AN"}, []string{live[0], phones[0], chat, live[1], live[2]}},
		{Filter{Q: "ann mi"}, []string{live[0], phones[0], chat}},
		{Filter{Q: "webern"}, live[2:3]},
		{Filter{Q: "Von"}, live[2:3]},
		{Filter{Q: "von we"}, live[2:3]},
		{Filter{Q: "v"}, live[2:3]},
		{Filter{Q: "miller", Products: []string{"live-reports"}}, live[:1]},
		{Filter{Q: "101"}, join([]string{live[0], phones[0], chat, phones[1], user.ID}, startingWith(all, "101"))},
		{Filter{Q: "１０１"}, []string{live[0], phones[0], chat, phones[1], user.ID}},
		{Filter{Q: "1010"}, join([]string{phones[1], user.ID}, startingWith(all, "1010"))},
		{Filter{Q: "miller@ac"}, []string{live[0], phones[0], chat}},
		{Filter{Q: "+1 (656)"}, []string{phones[1], user.ID}},
		{Filter{Q: "ＭÍLLER "}, []string{live[0], phones[0], chat}},
		{Filter{Q: "miller", Extension: "101"}, []string{live[0], phones[0], chat}},
		{Filter{Q: "bob", User: "ann"}, nil},
		{Filter{Q: "anton", Order: o.license(live[0]).OrderID}, live[2:3]},
		{Filter{Q: live[4], Order: o.license(live[0]).OrderID}, live[4:5]},
		{Filter{Q: "\u200b"}, nil},
		{Filter{Q: " "}, nil},
		{Filter{Products: []string{"team_chat", "live-reports"}}, join(live, more, chats)},
		{Filter{Products: []string{"team_chat", "phone-system", "team_chat"}, Statuses: []Status{Available, Terminated}}, join(phones[2:], without(chats, chat))},
		{Filter{Statuses: []Status{Terminated, Available}}, join(live[3:], more, phones[2:], without(chats, chat))},
		{Filter{Statuses: []Status{Assigned, Terminated, Available}}, all},
		{Filter{Statuses: []Status{Terminated, Available}, CostCenters: []string{"CC-2"}}, join(more, phones[2:])},
		{Filter{Statuses: []Status{Terminated, Available}, CostCenters: []string{"CC-2", "CC-1"}, Products: []string{"live-reports", "team_chat"}}, join(live[3:], more, without(chats, chat))},
		{Filter{Bases: []string{"phone-system", "developer"}}, join(phones, chats)},
		{Filter{Bases: []string{"phone-system", "developer"}, Products: []string{"team_chat", "live-reports"}}, chats},
		{Filter{Q: live[4][:12]}, live[4:5]},
		{Filter{Q: strings.ToUpper(live[4])}, live[4:5]},
		{Filter{Q: "nobody at all"}, nil},
		{Filter{Q: "#"}, nil},
		{Filter{Q: "ann", Statuses: []Status{Available}}, nil},
	} {
		for _, limit := range []int{1, 2, 50} {
			got := o.pages(tc.f, limit, nil)
			if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(tc.want))) {
				t.Errorf(
					"%+v in pages of %d: %d licenses %v, want %d %v",
					tc.f,
					limit,
					len(got),
					got,
					len(tc.want),
					tc.want,
				)
			}
		}
	}
	for _, f := range []Filter{{Products: []string{"nonsense"}}, {Bases: []string{"live-reports"}}, {Bases: []string{"nonsense"}}, {Products: []string{"live-reports", "nonsense"}}, {Statuses: []Status{Available, "lost"}}, {Bases: []string{"phone-system", phones[0]}}, {CostCenters: slices.Repeat([]string{"CC-1"}, 21)}, {Q: "\xff"}} {
		_, _, err := o.kernel.List(o.ctx, o.call(), f, "", 10)
		wantProblem(t, err, problem.ValidationFailed)
	}
}

func without(ids []string, id string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(other string) bool { return other == id })
}

func startingWith(ids []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !strings.HasPrefix(id, prefix) })
}

// TestPagesAreStable changes who holds what between the pages: each license is still on exactly one
// of them.
func TestPagesAreStable(t *testing.T) {
	o := open(t)
	ids := append(o.buy("live-reports", 20, "CC-1"), o.buy("developer", 20, "CC-1")...)
	o.hire("Ann", "Bob", "Cid", "Dan")
	for _, f := range []Filter{{}, {CostCenters: []string{"CC-1"}}, {Order: o.license(ids[0]).OrderID}, {Products: []string{"developer"}}} {
		turn := 0
		got := o.pages(f, 3, func() {
			turn++
			user := []string{"ann", "bob", "cid", "dan"}[turn%4]
			id := ids[turn*7%len(ids)]
			if l := o.license(id); l.UserID != "" {
				_, err := o.kernel.Unassign(o.ctx, o.call(), id)
				o.must(err)
				return
			}
			if _, err := o.kernel.Assign(o.ctx, o.call(), id, user, ""); err != nil {
				wantProblem(t, err, problem.UserAlreadyLicensed)
			}
		})
		want := 0
		for _, id := range ids {
			l := o.license(id)
			if f.fits(l, productsOf(f)) {
				want++
			}
		}
		if len(got) != want {
			t.Errorf("%+v: %d licenses, want %d", f, len(got), want)
		}
	}
}

func productsOf(f Filter) []string { return f.Products }

func TestWaitingAndExclusionPages(t *testing.T) {
	o := open(t)
	var users []string
	for i := range 7 {
		users = append(users, fmt.Sprintf("u%d", i))
	}
	o.hire(users...)
	for _, user := range users {
		for _, product := range []string{"live-reports", "call-queue-booster"} {
			o.must(o.grant(user, product, QueueGrant("q1")))
		}
	}
	count := func(product, user string) int {
		n, position := 0, ""
		for {
			list, next, err := o.kernel.Waiting(o.ctx, o.call(), product, user, position, 3)
			o.must(err)
			n += len(list)
			if next == "" {
				return n
			}
			position = next
		}
	}
	for _, tc := range []struct {
		product, user string
		want          int
	}{{"", "", 14}, {"live-reports", "", 7}, {"", "u3", 2}, {"live-reports", "u3", 1}, {"developer", "u3", 0}, {"", "nobody", 0}} {
		if got := count(tc.product, tc.user); got != tc.want {
			t.Errorf("waiting for %q by %q: %d, want %d", tc.product, tc.user, got, tc.want)
		}
	}
	var items []Item
	for _, user := range users {
		items = append(items, Item{ProductID: "live-reports", UserID: user})
	}
	results, err := o.kernel.RemoveMany(o.ctx, o.call(), items, true)
	o.must(err)
	if results.Succeeded != 7 {
		t.Fatalf("%+v", results)
	}
	list, next, err := o.kernel.Exclusions(o.ctx, o.call(), "live-reports", "", "", 5)
	o.must(err)
	if len(list) != 5 || next == "" {
		t.Fatalf("%d exclusions, next %q", len(list), next)
	}
	list, next, err = o.kernel.Exclusions(o.ctx, o.call(), "live-reports", "", next, 5)
	o.must(err)
	if len(list) != 2 || next != "" || list[1].UserID != "u6" {
		t.Fatalf("%+v, next %q", list, next)
	}
	list, _, err = o.kernel.Exclusions(o.ctx, o.call(), "", "u3", "", 5)
	o.must(err)
	if len(list) != 1 || list[0].ProductID != "live-reports" {
		t.Fatalf("%+v", list)
	}
}
