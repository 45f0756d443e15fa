package license

import (
	"context"
	"slices"
	"strings"
	"testing"

	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/problem"
)

// pages reads a list whole in pages of limit; each license must come once.
func (o *office) pages(f inventory.Filter, limit int, between func()) []string {
	o.t.Helper()
	var ids []string
	position := ""
	for {
		list, next, err := o.reads.List(o.ctx, o.Call("admin"), f, position, limit)
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
	o.must(o.change(func(ctx context.Context, ch *UnitOfWork) error {
		return ch.Put(ctx, Person{UserID: "ann", Name: "Ann Miller", Email: "a.miller@acme.test", Active: true})
	}, "ann"))
	o.must(o.change(func(ctx context.Context, ch *UnitOfWork) error {
		return ch.Extend(ctx, "cid", "1010", "+1 656-789-1230")
	}, "cid"))

	join := func(parts ...[]string) []string { return slices.Concat(parts...) }
	for _, tc := range []struct {
		f    inventory.Filter
		want []string
	}{
		{inventory.Filter{}, all},
		{inventory.Filter{Products: []string{"live-reports"}}, join(live, more)},
		{inventory.Filter{Products: []string{"live-reports"}, CostCenters: []string{"CC-2"}}, more},
		{inventory.Filter{CostCenters: []string{"CC-1"}}, join(live, chats)},
		{inventory.Filter{CostCenters: []string{"CC-2", "CC-1", "CC-1"}}, join(live, more, phones, chats)},
		{inventory.Filter{CostCenters: []string{"CC-9"}}, nil},
		{inventory.Filter{Statuses: []Status{Terminated}}, more[:1]},
		{inventory.Filter{Statuses: []Status{Available}}, join(live[3:], more[1:], phones[2:], without(chats, chat))},
		{inventory.Filter{Statuses: []Status{Assigned}, Products: []string{"live-reports"}}, live[:3]},
		{inventory.Filter{Statuses: []Status{Available}, CostCenters: []string{"CC-2"}}, join(more[1:], phones[2:])},
		{inventory.Filter{
			Statuses: []Status{Available}, CostCenters: []string{"CC-2", "CC-1"}, Products: []string{"live-reports"},
		}, join(live[3:], more[1:])},
		{inventory.Filter{Bases: []string{"phone-system"}}, join(phones, chats)},
		{
			inventory.Filter{Bases: []string{"phone-system"}, Statuses: []Status{Assigned}},
			[]string{phones[0], phones[1], chat},
		},
		{inventory.Filter{Bases: []string{"phone-system"}, Products: []string{"team_chat"}}, chats},
		{inventory.Filter{Bases: []string{"phone-system"}, Products: []string{"live-reports"}}, nil},
		{inventory.Filter{Bases: []string{phones[0]}}, []string{phones[0], chat}},
		{inventory.Filter{Bases: []string{phones[2]}}, phones[2:]},
		{inventory.Filter{User: "ann"}, []string{live[0], phones[0], chat}},
		{inventory.Filter{User: "ann", Products: []string{"live-reports"}}, live[:1]},
		{inventory.Filter{User: "nobody"}, nil},
		{inventory.Filter{User: "no#body"}, nil},
		{inventory.Filter{Extension: "101"}, []string{live[0], phones[0], chat}},
		{inventory.Filter{Extension: "10"}, nil},
		{inventory.Filter{Extension: "101", User: "cid"}, nil},
		{inventory.Filter{Order: o.license(live[0]).OrderID}, live},
		{inventory.Filter{Order: o.license(live[0]).OrderID, Statuses: []Status{Assigned}}, live[:3]},
		{inventory.Filter{Order: "0198aaaa-0000-7000-8000-999999999999"}, nil},
		{inventory.Filter{Order: "nonsense"}, nil},
		{inventory.Filter{Q: "ann"}, []string{live[0], phones[0], chat, live[1]}},
		{inventory.Filter{Q: "AN"}, []string{live[0], phones[0], chat, live[1], live[2]}},
		{inventory.Filter{Q: "ann mi"}, []string{live[0], phones[0], chat}},
		{inventory.Filter{Q: "webern"}, live[2:3]},
		{inventory.Filter{Q: "Von"}, live[2:3]},
		{inventory.Filter{Q: "von we"}, live[2:3]},
		{inventory.Filter{Q: "v"}, live[2:3]},
		{inventory.Filter{Q: "miller", Products: []string{"live-reports"}}, live[:1]},
		{inventory.Filter{Q: "101"}, join([]string{live[0], phones[0], chat, phones[1], user.ID}, startingWith(all, "101"))},
		{inventory.Filter{Q: "１０１"}, []string{live[0], phones[0], chat, phones[1], user.ID}},
		{inventory.Filter{Q: "1010"}, join([]string{phones[1], user.ID}, startingWith(all, "1010"))},
		{inventory.Filter{Q: "miller@ac"}, []string{live[0], phones[0], chat}},
		{inventory.Filter{Q: "+1 (656)"}, []string{phones[1], user.ID}},
		{inventory.Filter{Q: "ＭÍLLER "}, []string{live[0], phones[0], chat}},
		{inventory.Filter{Q: "miller", Extension: "101"}, []string{live[0], phones[0], chat}},
		{inventory.Filter{Q: "bob", User: "ann"}, nil},
		{inventory.Filter{Q: "anton", Order: o.license(live[0]).OrderID}, live[2:3]},
		{inventory.Filter{Q: live[4], Order: o.license(live[0]).OrderID}, live[4:5]},
		{inventory.Filter{Q: "\u200b"}, nil},
		{inventory.Filter{Q: " "}, nil},
		{inventory.Filter{Products: []string{"team_chat", "live-reports"}}, join(live, more, chats)},
		{inventory.Filter{
			Products: []string{"team_chat", "phone-system", "team_chat"}, Statuses: []Status{Available, Terminated},
		}, join(phones[2:], without(chats, chat))},
		{
			inventory.Filter{Statuses: []Status{Terminated, Available}},
			join(live[3:], more, phones[2:], without(chats, chat)),
		},
		{inventory.Filter{Statuses: []Status{Assigned, Terminated, Available}}, all},
		{
			inventory.Filter{Statuses: []Status{Terminated, Available}, CostCenters: []string{"CC-2"}},
			join(more, phones[2:]),
		},
		{inventory.Filter{
			Statuses: []Status{Terminated, Available}, CostCenters: []string{"CC-2", "CC-1"},
			Products: []string{"live-reports", "team_chat"},
		}, join(live[3:], more, without(chats, chat))},
		{inventory.Filter{Bases: []string{"phone-system", "developer"}}, join(phones, chats)},
		{inventory.Filter{
			Bases: []string{"phone-system", "developer"}, Products: []string{"team_chat", "live-reports"},
		}, chats},
		{inventory.Filter{Q: live[4][:12]}, live[4:5]},
		{inventory.Filter{Q: strings.ToUpper(live[4])}, live[4:5]},
		{inventory.Filter{Q: "nobody at all"}, nil},
		{inventory.Filter{Q: "#"}, nil},
		{inventory.Filter{Q: "ann", Statuses: []Status{Available}}, nil},
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
	for _, f := range []inventory.Filter{
		{Products: []string{"nonsense"}},
		{Bases: []string{"live-reports"}},
		{Bases: []string{"nonsense"}},
		{Products: []string{"live-reports", "nonsense"}},
		{Statuses: []Status{Available, "lost"}},
		{Bases: []string{"phone-system", phones[0]}},
		{CostCenters: slices.Repeat([]string{"CC-1"}, 21)},
		{Q: "\xff"},
	} {
		_, _, err := o.reads.List(o.ctx, o.call(), f, "", 10)
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
	for _, list := range []struct {
		of   inventory.Filter
		want int
	}{
		{inventory.Filter{}, 40},
		{inventory.Filter{CostCenters: []string{"CC-1"}}, 40},
		{inventory.Filter{Order: o.license(ids[0]).OrderID}, 20},
		{inventory.Filter{Products: []string{"developer"}}, 20},
	} {
		turn := 0
		got := o.pages(list.of, 3, func() {
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
		if len(got) != list.want {
			t.Errorf("%+v: %d licenses, want %d", list.of, len(got), list.want)
		}
	}
}
