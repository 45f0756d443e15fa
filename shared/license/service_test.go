package license

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/faulty"
)

func TestAssignAndUnassign(t *testing.T) {
	o := open(t)
	ids := o.buy("live-reports", 2, "CC-1")
	o.hire("Zoe Zed", "Yan")
	v, err := o.kernel.Assign(o.ctx, o.call(), ids[0], "zoe", "")
	o.must(err)
	if v.UserID != "zoe" || v.UserName != "Zoe Zed" || v.Status != Assigned || v.AssignedAt == nil ||
		len(v.Grants) != 1 ||
		v.Grants[0].Source != Direct {
		t.Fatalf("assigned %+v", v)
	}
	o.wantCounts("live-reports", "1/2 free 1 waiting 0")

	again, err := o.kernel.Assign(o.ctx, o.call(), ids[0], "zoe", "")
	o.must(err)
	if again.Version != v.Version {
		t.Fatalf("assigning to the holder changed the license: version %d to %d", v.Version, again.Version)
	}
	_, err = o.kernel.Assign(o.ctx, o.call(), ids[1], "zoe", "")
	wantProblem(t, err, problem.UserAlreadyLicensed)
	_, err = o.kernel.Assign(o.ctx, o.call(), ids[0], "yan", "")
	wantProblem(t, err, problem.LicenseNotAvailable)
	_, err = o.kernel.Assign(o.ctx, o.call(), ids[1], "nobody", "")
	wantProblem(t, err, problem.NotFound)
	_, err = o.kernel.Assign(o.ctx, o.call(), ids[1], "yan", "101")
	if p := refusal(t, err, problem.ValidationFailed); p.Fields[0].Field != "extension" {
		t.Fatalf("%+v", p)
	}
	_, err = o.kernel.Terminate(o.ctx, o.call(), ids[0])
	wantProblem(t, err, problem.LicenseInUse)

	v, err = o.kernel.Unassign(o.ctx, o.call(), ids[0])
	o.must(err)
	if v.Status != Available || v.UserID != "" || v.AssignedAt != nil || len(v.Grants) != 0 {
		t.Fatalf("unassigned %+v", v)
	}
	_, err = o.kernel.Unassign(o.ctx, o.call(), ids[0])
	wantProblem(t, err, problem.WrongState)
	o.wantCounts("live-reports", "0/2 free 2 waiting 0")

	v, err = o.kernel.Terminate(o.ctx, o.call(), ids[0])
	o.must(err)
	if v.Status != Terminated || v.TerminatedAt == nil {
		t.Fatalf("terminated %+v", v)
	}
	o.wantCounts("live-reports", "0/1 free 1 waiting 0")
	_, err = o.kernel.Assign(o.ctx, o.call(), ids[0], "zoe", "")
	wantProblem(t, err, problem.LicenseNotAvailable)
	again, err = o.kernel.Terminate(o.ctx, o.call(), ids[0])
	o.must(err)
	if again.Version != v.Version {
		t.Fatal("terminating twice changed the license")
	}
	o.audit(false, true, "zoe", "yan")
}

func TestAssignProductFailsAtOnceWhenNoneIsFree(t *testing.T) {
	o := open(t)
	o.hire("Zoe", "Yan")
	_, err := o.kernel.AssignProduct(o.ctx, o.call(), "developer", "zoe", "")
	p := refusal(t, err, problem.NotEnoughLicenses)
	if p.ProductID != "developer" || p.Wanted != 1 || p.Available != 0 {
		t.Fatalf("%+v", p)
	}
	o.buy("developer", 1, "CC-1")
	l, err := o.kernel.AssignProduct(o.ctx, o.call(), "developer", "zoe", "")
	o.must(err)
	again, err := o.kernel.AssignProduct(o.ctx, o.call(), "developer", "zoe", "")
	o.must(err)
	if again.ID != l.ID {
		t.Fatal("the holder got another license")
	}
	_, err = o.kernel.AssignProduct(o.ctx, o.call(), "developer", "yan", "")
	wantProblem(t, err, problem.NotEnoughLicenses)
	o.put("yan", "Yan", false)
	_, err = o.kernel.AssignProduct(o.ctx, o.call(), "developer", "yan", "")
	wantProblem(t, err, problem.UserInactive)
	for product, field := range map[string]string{"nonsense": "productId", "wallboard": "productId"} {
		_, err = o.kernel.AssignProduct(o.ctx, o.call(), product, "zoe", "")
		if p := refusal(t, err, problem.ValidationFailed); p.Fields[0].Field != field {
			t.Fatalf("%s: %+v", product, p)
		}
	}
	o.audit(false, true, "zoe", "yan")
}

func TestMeteredLicensesAreMadeAndEnd(t *testing.T) {
	o := open(t)
	o.hire("Zoe")
	_, err := o.kernel.AssignProduct(o.ctx, o.call(), "agent-user", "zoe", "")
	wantProblem(t, err, problem.BaseLicenseRequired)
	l, err := o.kernel.AssignProduct(o.ctx, o.call(), "essential-user", "zoe", "")
	o.must(err)
	_, err = o.kernel.AssignProduct(o.ctx, o.call(), "professional-user", "zoe", "")
	wantProblem(t, err, problem.MutuallyExclusive)
	_, err = o.kernel.AssignProduct(o.ctx, o.call(), "agent-user", "zoe", "")
	o.must(err)
	o.wantCounts("essential-user", "1/1 free 0 waiting 0")
	_, err = o.kernel.SetCostCenter(o.ctx, o.call(), l.ID, "CC-1")
	wantProblem(t, err, problem.WrongState)
	_, err = o.kernel.Unassign(o.ctx, o.call(), l.ID)
	o.must(err)
	if got := o.license(l.ID); got.Status != Terminated {
		t.Fatalf("a metered license that is removed ends: %+v", got)
	}
	o.wantCounts("essential-user", "0/0 free 0 waiting 0")
	o.wantCounts("agent-user", "0/0 free 0 waiting 0") // goes with what it needs
	o.audit(false, true, "zoe")
}

func TestWaitingIsServedInOrder(t *testing.T) {
	o := open(t)
	ids := o.buy("live-reports", 1, "CC-1")
	o.hire("Ann", "Bob", "Cid", "Dan")
	for _, user := range []string{"ann", "bob", "cid", "dan"} {
		o.must(o.grant(user, "live-reports", QueueGrant("q1")))
	}
	o.wantState("ann", "live-reports", Holds)
	o.wantState("bob", "live-reports", Waits)
	o.wantCounts("live-reports", "1/1 free 0 waiting 3")
	list, _, err := o.reads.Waiting(o.ctx, o.call(), inventory.Of{Products: []string{"live-reports"}}, "", 10)
	o.must(err)
	if len(list) != 3 || list[0].UserID != "bob" || list[1].UserID != "cid" || list[2].UserID != "dan" ||
		list[0].Grants[0].Source != "queue:q1" {
		t.Fatalf("waiting: %+v", list)
	}

	// Handed over in one step when it is unassigned; who loses it is excluded and does not queue
	// again.
	_, err = o.kernel.Unassign(o.ctx, o.call(), ids[0])
	o.must(err)
	o.wantState("ann", "live-reports", StateExcluded)
	o.wantState("bob", "live-reports", Holds)
	if l := o.license(ids[0]); l.UserID != "bob" {
		t.Fatalf("handed to %+v", l)
	}
	o.audit(false, true, "ann", "bob", "cid", "dan")

	// A grant that ends gives it to the next; a waiting grant that ends loses its turn.
	o.withdraw("cid", "live-reports", QueueGrant("q1"))
	o.withdraw("bob", "live-reports", QueueGrant("q1"))
	o.wantState("dan", "live-reports", Holds)
	o.wantState("cid", "live-reports", Lacks)
	o.wantCounts("live-reports", "1/1 free 0 waiting 0")

	// What is bought serves the list by itself.
	o.must(o.grant("cid", "live-reports", QueueGrant("q1")))
	o.wantState("cid", "live-reports", Waits)
	o.buy("live-reports", 3, "CC-2")
	o.wantState("cid", "live-reports", Holds)
	o.wantCounts("live-reports", "2/4 free 2 waiting 0")
	o.audit(false, true, "ann", "bob", "cid", "dan")
}

func TestExclusionIsSticky(t *testing.T) {
	o := open(t)
	ids := o.buy("live-reports", 2, "CC-1")
	o.hire("Ann")
	o.must(o.grant("ann", "live-reports", QueueGrant("q1")))
	held := o.holder("ann").Holdings["live-reports"].LicenseID
	_, err := o.kernel.Unassign(o.ctx, o.call(), held)
	o.must(err)
	o.must(o.grant("ann", "live-reports", QueueGrant("q2")))
	o.wantState("ann", "live-reports", StateExcluded)
	list, _, err := o.reads.Exclusions(o.ctx, o.call(), inventory.Of{}, "", 10)
	o.must(err)
	if len(list) != 1 || list[0].UserID != "ann" || list[0].By != "admin" || list[0].ProductID != "live-reports" {
		t.Fatalf("exclusions: %+v", list)
	}
	o.audit(false, true, "ann")

	o.must(o.kernel.LiftExclusion(o.ctx, o.call(), "live-reports", "ann"))
	o.wantState("ann", "live-reports", Holds)
	wantProblem(t, o.kernel.LiftExclusion(o.ctx, o.call(), "live-reports", "ann"), problem.NotFound)

	// A direct assignment ends it too.
	_, err = o.kernel.Unassign(o.ctx, o.call(), o.holder("ann").Holdings["live-reports"].LicenseID)
	o.must(err)
	_, err = o.kernel.Assign(o.ctx, o.call(), ids[1], "ann", "")
	o.must(err)
	if h := o.holder("ann").Holdings["live-reports"]; h.Excluded != nil || len(h.Grants) != 3 {
		t.Fatalf("after a direct assignment: %+v", h)
	}
	// It goes back with the last grant: unassigning ends the direct one, and the others are shut
	// out again.
	o.withdraw("ann", "live-reports", QueueGrant("q1"))
	o.withdraw("ann", "live-reports", QueueGrant("q2"))
	o.wantState("ann", "live-reports", Holds)
	o.withdraw("ann", "live-reports", Direct)
	o.wantState("ann", "live-reports", Lacks)
	o.audit(false, true, "ann")
}

func TestBoosterCoversLiveReports(t *testing.T) {
	o := open(t)
	o.buy("live-reports", 1, "CC-1")
	booster := o.buy("call-queue-booster", 1, "CC-1")
	o.hire("Ann", "Bob")
	o.must(o.grant("ann", "live-reports", QueueGrant("q1")))
	o.must(o.grant("bob", "live-reports", QueueGrant("q1")))
	o.wantState("bob", "live-reports", Waits)

	_, err := o.kernel.Assign(o.ctx, o.call(), booster[0], "ann", "")
	o.must(err)
	o.wantState("ann", "live-reports", Covered)
	o.wantState("bob", "live-reports", Holds) // ann's seat went to who waited
	o.audit(false, true, "ann", "bob")

	_, err = o.kernel.Unassign(o.ctx, o.call(), booster[0])
	o.must(err)
	o.wantState("ann", "live-reports", Waits)
	o.audit(false, true, "ann", "bob")
}

func TestUnlimitedBundle(t *testing.T) {
	o := open(t)
	o.AddAccount(t, o.Account, UnlimitedBundle)
	o.buy("live-reports", 1, "CC-1")
	o.hire("Ann")
	o.must(o.grant("ann", "live-reports", QueueGrant("q1")))
	o.wantCounts("live-reports", "0/1 free 1 waiting 0")
	why, err := o.reads.Why(o.ctx, o.call(), "ann", "live-reports", boards{"q1": {"d1"}})
	o.must(err)
	if why.State != Covered || why.CoveredBy != UnlimitedBundle {
		t.Fatalf("%+v", why)
	}
	o.audit(true, true, "ann")
}

func TestAddOns(t *testing.T) {
	o := open(t)
	base := o.buy("phone-system", 2, "CC-1")
	o.buy("call_recording", 1, "CC-1")
	o.buy("team_chat", 2, "CC-1")
	o.hire("Ann", "Bob")
	_, err := o.kernel.SetAddOns(o.ctx, o.call(), base[0], []string{"team_chat"})
	wantProblem(t, err, problem.WrongState)
	_, err = o.kernel.AssignProduct(o.ctx, o.call(), "team_chat", "ann", "")
	wantProblem(t, err, problem.BaseLicenseRequired)
	_, err = o.kernel.Assign(o.ctx, o.call(), base[0], "ann", "101")
	o.must(err)
	set, err := o.kernel.SetAddOns(o.ctx, o.call(), base[0], []string{"team_chat", "call_recording"})
	o.must(err)
	if len(set.Items) != 2 || set.Items[0].ProductID != "call_recording" || set.Items[0].BaseLicenseID != base[0] ||
		set.Items[0].Extension != "101" {
		t.Fatalf("%+v", set.Items)
	}
	o.audit(false, true, "ann", "bob")

	_, err = o.kernel.Assign(o.ctx, o.call(), base[1], "bob", "")
	o.must(err)
	_, err = o.kernel.SetAddOns(o.ctx, o.call(), base[1], []string{"team_chat", "call_recording"})
	wantProblem(t, err, problem.NotEnoughLicenses)
	o.wantCounts("team_chat", "1/2 free 1 waiting 0") // together or not at all
	_, err = o.kernel.SetAddOns(o.ctx, o.call(), base[0], []string{"developer"})
	wantProblem(t, err, problem.ValidationFailed)

	read, err := o.kernel.AddOns(o.ctx, o.call(), base[0])
	o.must(err)
	stale := o.call()
	stale.IfMatch = `"0-0"`
	_, err = o.kernel.SetAddOns(o.ctx, stale, base[0], nil)
	wantProblem(t, err, problem.PreconditionFailed)
	fresh := o.call()
	fresh.IfMatch = call.Tag(read.Versions...)
	set, err = o.kernel.SetAddOns(o.ctx, fresh, base[0], []string{"team_chat"})
	o.must(err)
	if len(set.Items) != 1 || call.Tag(set.Versions...) == fresh.IfMatch {
		t.Fatalf("%+v", set)
	}
	if read, err = o.kernel.AddOns(
		o.ctx,
		o.call(),
		base[0],
	); err != nil ||
		call.Tag(read.Versions...) != call.Tag(set.Versions...) {
		t.Fatalf("tag after the save %v, as read %v, %v", set.Versions, read.Versions, err)
	}

	// Unassigning the base takes its add-ons along.
	_, err = o.kernel.Unassign(o.ctx, o.call(), base[0])
	o.must(err)
	o.wantCounts("team_chat", "0/2 free 2 waiting 0")
	o.audit(false, true, "ann", "bob")
	_, err = o.kernel.AddOns(o.ctx, o.call(), set.Items[0].ID)
	wantProblem(t, err, problem.BaseLicenseRequired)
}

func TestReassignMovesEverythingInOneStep(t *testing.T) {
	o := open(t)
	base := o.buy("phone-system", 1, "CC-1")
	o.buy("team_chat", 1, "CC-1")
	o.hire("Ann", "Bob")
	o.must(
		o.change(
			func(ctx context.Context, ch *UnitOfWork) error { return ch.Extend(ctx, "ann", "007", "6567891230") },
			"ann",
		),
	)
	_, err := o.kernel.Assign(o.ctx, o.call(), base[0], "ann", "")
	o.must(err)
	set, err := o.kernel.SetAddOns(o.ctx, o.call(), base[0], []string{"team_chat"})
	o.must(err)
	v, err := o.kernel.Reassign(o.ctx, o.call(), base[0], "bob")
	o.must(err)
	if v.UserID != "bob" || v.Extension != "007" {
		t.Fatalf("%+v", v)
	}
	if l := o.license(set.Items[0].ID); l.UserID != "bob" || l.Extension != "007" || l.BaseLicenseID != base[0] {
		t.Fatalf("%+v", l)
	}
	if h := o.holder("bob"); h.Extension != "007" || h.Number != "6567891230" {
		t.Fatalf("%+v", h)
	}
	if h := o.holder("ann"); h.Extension != "" || len(h.Holdings) != 0 {
		t.Fatalf("%+v", h)
	}
	_, err = o.kernel.Reassign(o.ctx, o.call(), base[0], "bob")
	wantProblem(t, err, problem.UserAlreadyLicensed)
	_, err = o.kernel.Reassign(o.ctx, o.call(), base[0], "nobody")
	wantProblem(t, err, problem.NotFound)
	o.put("ann", "Ann", false)
	_, err = o.kernel.Reassign(o.ctx, o.call(), base[0], "ann")
	wantProblem(t, err, problem.UserInactive)
	o.audit(false, true, "ann", "bob")
}

// TestReassignLeavesNoAutomaticGrantBehind moves a seat that a queue's grant gave: the first user
// is excluded, as when it is unassigned, and the exclusion of the second one ends.
func TestReassignLeavesNoAutomaticGrantBehind(t *testing.T) {
	o := open(t)
	ids := o.buy("live-reports", 1, "CC-1")
	o.hire("Ann", "Bob")
	o.must(o.grant("ann", "live-reports", QueueGrant("q1")))
	o.must(o.grant("bob", "live-reports", QueueGrant("q1")))
	o.must(
		o.change(
			func(ctx context.Context, ch *UnitOfWork) error { return ch.Unassign(ctx, "bob", "live-reports") },
			"bob",
		),
	)
	o.wantState("bob", "live-reports", StateExcluded)
	v, err := o.kernel.Reassign(o.ctx, o.call(), ids[0], "bob")
	o.must(err)
	if len(v.Grants) != 2 || v.Grants[0].Source != Direct {
		t.Fatalf("%+v", v)
	}
	o.wantState("ann", "live-reports", StateExcluded)
	if h := o.holder("bob").Holdings["live-reports"]; h.Excluded != nil {
		t.Fatalf("%+v", h)
	}
	told, err := o.Env.Table.Query(o.ctx, table.Query{Partition: "A#acme#AUDIT#exclusion#live-reports#ann"})
	o.must(err)
	if len(told.Items) != 1 || !strings.Contains(string(told.Items[0].Data), "exclusion.added") {
		t.Errorf("ann is not told of in the audit log: %v", told.Items)
	}
	o.audit(false, true, "ann", "bob")
}

// TestWhoWasReassignedALicenseHasItByHand moves a license that a file gave: the second user does not
// have it because of the file.
func TestWhoWasReassignedALicenseHasItByHand(t *testing.T) {
	o := open(t)
	ids := o.buy("phone-system", 1, "CC-1")
	o.buy("team_chat", 1, "CC-1")
	o.hire("Ann", "Bob")
	o.must(o.grant("ann", "phone-system", MassConfigurationGrant("file")))
	o.must(o.grant("ann", "team_chat", MassConfigurationGrant("file")))
	_, err := o.kernel.Reassign(o.ctx, o.call(), ids[0], "bob")
	o.must(err)
	for product, h := range o.holder("bob").Holdings {
		if len(h.Grants) != 1 || h.Grants[0].Source != Direct {
			t.Errorf("bob has %s because of %+v", product, h.Grants)
		}
	}
	o.audit(false, true, "ann", "bob")
}

// TestReassignAnAddOn moves an add-on alone, to another base.
func TestReassignAnAddOn(t *testing.T) {
	o := open(t)
	bases := o.buy("phone-system", 2, "CC-1")
	chat := o.buy("team_chat", 1, "CC-1")[0]
	o.hire("Ann", "Bob", "Cid")
	for i, user := range []string{"ann", "bob"} {
		_, err := o.kernel.Assign(o.ctx, o.call(), bases[i], user, fmt.Sprint(101+i))
		o.must(err)
	}
	_, err := o.kernel.Assign(o.ctx, o.call(), chat, "ann", "")
	o.must(err)
	_, err = o.kernel.Reassign(o.ctx, o.call(), chat, "cid")
	wantProblem(t, err, problem.BaseLicenseRequired)
	v, err := o.kernel.Reassign(o.ctx, o.call(), chat, "bob")
	o.must(err)
	if v.BaseLicenseID != bases[1] || v.Extension != "102" {
		t.Fatalf("%+v", v)
	}
	o.audit(false, true, "ann", "bob", "cid")
}

func TestDeactivatingReleasesEverything(t *testing.T) {
	o := open(t)
	o.hire("Ann", "Bob", "Cid")
	var all []string
	for _, p := range o.kernel.products.Products() {
		if p.Purchasable() {
			o.buy(p.ID, 1, "CC-1")
		}
		if len(p.Devices) == 0 && p.ID != "live-reports" {
			if err := o.grant("ann", p.ID, Direct); err == nil {
				all = append(all, p.ID)
			}
		}
	}
	o.must(o.grant("ann", "live-reports", Direct))
	for _, user := range []string{"bob", "cid"} { // two waiting lists, so that both hand over
		o.must(o.grant(user, "live-reports", QueueGrant("q1")))
		o.must(o.grant(user, "call-queue-booster", RoleGrant("r1")))
	}
	o.must(
		o.change(func(ctx context.Context, ch *UnitOfWork) error { return ch.Extend(ctx, "ann", "101", "555") }, "ann"),
	)
	if len(all) < 18 {
		t.Fatalf("ann holds only %v", all)
	}
	o.audit(false, true, "ann", "bob", "cid")
	o.put("ann", "Ann", false)
	for _, id := range append(all, "live-reports") {
		o.wantState("ann", id, Lacks)
	}
	o.wantState("bob", "call-queue-booster", Holds)
	o.audit(false, true, "ann", "bob", "cid")
	o.put("ann", "Ann", true)
	o.wantState("ann", "developer", Lacks) // what a person gave does not come back by itself
	o.must(o.change(func(ctx context.Context, ch *UnitOfWork) error { return ch.Remove(ctx, "ann") }, "ann"))
	o.audit(false, true, "ann", "bob", "cid")
}

func TestAutomaticGrantsComeBackWithTheUser(t *testing.T) {
	o := open(t)
	o.buy("live-reports", 1, "CC-1")
	o.hire("Ann")
	o.must(o.grant("ann", "live-reports", QueueGrant("q1")))
	o.put("ann", "Ann", false)
	o.wantCounts("live-reports", "0/1 free 1 waiting 0")
	o.put("ann", "Anna", true)
	o.wantState("ann", "live-reports", Holds)
	o.audit(false, true, "ann")
}

func TestRenamingShowsEverywhere(t *testing.T) {
	o := open(t)
	ids := o.buy("live-reports", 1, "CC-1")
	o.hire("Ann", "Bob")
	for _, user := range []string{"ann", "bob"} {
		o.must(o.grant(user, "live-reports", QueueGrant("q1")))
	}
	o.put("ann", "Anna Blum", true)
	o.put("bob", "Robert", true)
	if l := o.license(ids[0]); l.UserName != "Anna Blum" {
		t.Fatalf("%+v", l)
	}
	o.audit(false, true, "ann", "bob")
}

func TestCostCenters(t *testing.T) {
	o := open(t)
	ids := o.buy("developer", 2, "CC-1")
	v, err := o.kernel.SetCostCenter(o.ctx, o.call(), ids[0], "CC-2")
	o.must(err)
	if v.CostCenter != "CC-2" {
		t.Fatalf("%+v", v)
	}
	_, err = o.kernel.SetCostCenter(o.ctx, o.call(), ids[0], "CC-9")
	if p := refusal(t, err, problem.ValidationFailed); p.Fields[0].Field != "costCenter" {
		t.Fatalf("%+v", p)
	}
	stale := o.call()
	stale.IfMatch = call.Tag(v.Version - 1)
	_, err = o.kernel.SetCostCenter(o.ctx, stale, ids[0], "CC-1")
	wantProblem(t, err, problem.PreconditionFailed)
	o.hire("Ann")
	_, err = o.kernel.Assign(o.ctx, o.call(), ids[0], "ann", "")
	o.must(err)
	results, err := o.kernel.SetCostCenters(o.ctx, o.call(), []string{ids[0], ids[1], "no license"}, "CC-1")
	o.must(err)
	if results.Succeeded != 2 || results.Failed != 1 || results.Results[2].Problem.Status != 404 ||
		results.Results[0].License.CostCenter != "CC-1" {
		t.Fatalf("%+v", results)
	}
	for code, want := range map[string]bool{"CC-1": true, "CC-2": false} {
		if used, err := o.reads.InUse(o.ctx, o.call(), code); err != nil || used != want {
			t.Fatalf("%s in use: %v %v", code, used, err)
		}
		err := o.Env.Table.Commit(o.ctx, o.kernel.Unused(o.Account, code))
		if (err != nil) != want {
			t.Fatalf("%s unused: %v", code, err)
		}
	}
	_, err = o.kernel.SetCostCenters(o.ctx, o.call(), ids, "CC-9")
	wantProblem(t, err, problem.ValidationFailed)
	o.audit(false, true, "ann")
}

// boards is a Chain.
type boards map[string][]string

func (b boards) LastView(context.Context, *call.Call, string) (string, time.Time, error) {
	return "", time.Time{}, nil
}

func (b boards) DashboardsOf(_ context.Context, _ *call.Call, queue string) ([]string, error) {
	return b[queue], nil
}

func TestWhy(t *testing.T) {
	o := open(t)
	o.buy("live-reports", 1, "CC-1")
	o.buy("call-queue-booster", 1, "CC-1")
	o.hire("Ann", "Bob", "Cid")
	chain := boards{"q1": {"d1", "d2"}}
	why := func(user string) inventory.Why {
		t.Helper()
		w, err := o.reads.Why(o.ctx, o.call(), user, "live-reports", chain)
		o.must(err)
		return w
	}
	if w := why("ann"); w.State != Lacks || len(w.Because) != 0 {
		t.Fatalf("%+v", w)
	}
	for _, user := range []string{"ann", "bob"} {
		o.must(o.grant(user, "live-reports", QueueGrant("q1")))
	}
	if w := why(
		"ann",
	); w.State != Holds || len(w.Because) != 2 || w.Because[0].DashboardID != "d1" ||
		w.Because[1].DashboardID != "d2" || w.Because[0].QueueID != "q1" ||
		w.LicenseID == "" {
		t.Fatalf("%+v", w)
	}
	if w := why("bob"); w.State != Waits || w.WaitingSince == nil {
		t.Fatalf("%+v", w)
	}
	o.must(o.grant("bob", catalog.CallQueueBoosterID, Direct))
	if w := why("bob"); w.State != Covered || w.CoveredBy != catalog.CallQueueBoosterID || len(w.Because) != 2 {
		t.Fatalf("%+v", w)
	}
	o.must(
		o.change(
			func(ctx context.Context, ch *UnitOfWork) error { return ch.Unassign(ctx, "ann", "live-reports") },
			"ann",
		),
	)
	if w := why("ann"); w.State != StateExcluded || w.Excluded == nil {
		t.Fatalf("%+v", w)
	}
	o.must(o.grant("cid", "live-reports", RoleGrant("r1")))
	o.must(o.grant("cid", "live-reports", View))
	if w := why("cid"); w.State != Holds || w.Because[0].RoleID != "r1" || w.Because[1].Grant != View {
		t.Fatalf("%+v", w)
	}
	_, err := o.reads.Why(o.ctx, o.call(), "nobody", "live-reports", chain)
	wantProblem(t, err, problem.NotFound)
	_, err = o.reads.Why(o.ctx, o.call(), "ann", "nonsense", chain)
	wantProblem(t, err, problem.ValidationFailed)
}

// TestWhoWaitsNeedsNoSeatOnceUnlimited changes the bundle under a waiting list: a look at it, as
// maintenance takes, empties it without a seat.
func TestWhoWaitsNeedsNoSeatOnceUnlimited(t *testing.T) {
	o := open(t)
	users := o.staff(20)
	for _, user := range users {
		o.must(o.grant(user, "live-reports", QueueGrant("q1")))
	}
	o.AddAccount(t, o.Account, UnlimitedBundle)
	o.must(o.kernel.DrainWaiting(o.ctx, o.Env, ""))
	o.wantCounts("live-reports", "0/0 free 0 waiting 0")
	o.audit(true, true, users...)
}

// TestMaintenanceServesWhatACrashLeft loses the look at the waiting list that follows a purchase:
// maintenance makes up for it.
func TestMaintenanceServesWhatACrashLeft(t *testing.T) {
	o := open(t)
	users := o.staff(40)
	for _, user := range users {
		o.must(o.grant(user, "live-reports", QueueGrant("q1")))
	}
	sound := o.Env.Table
	o.Env.Table = faulty.New(sound, faulty.AtCommit(1, faulty.CrashAfter))
	lots := []Lot{{ProductID: "live-reports", CostCenter: "CC-1", Quantity: 35}}
	if err := o.kernel.Deliver(o.ctx, o.call(), Delivery{OrderID: o.Env.IDs.Ordered(), Lots: lots}); err == nil {
		t.Fatal("the crash went unnoticed")
	}
	o.Env.Table = sound
	o.wantCounts("live-reports", "0/35 free 35 waiting 40")
	o.must(o.kernel.DrainWaiting(o.ctx, o.Env, ""))
	o.wantCounts("live-reports", "35/35 free 0 waiting 5")
	for _, user := range users[:35] {
		o.wantState(user, "live-reports", Holds)
	}
	o.audit(false, true, users...)
}

// TestACostCenterStaysUntilTheCommit deletes a cost center between the decision to charge a license
// to it and the commit, which is refused then.
func TestACostCenterStaysUntilTheCommit(t *testing.T) {
	o := open(t)
	ids := o.buy("developer", 1, "CC-1")
	ch := o.kernel.Change(o.call())
	o.must(ch.do(o.ctx, func(g *ledger) error {
		if err := g.need(Need{Licenses: ids}); err != nil {
			return err
		}
		if err := g.chargeable("CC-2"); err != nil {
			return err
		}
		return g.setCostCenter(ids[0], "CC-2")
	}))
	key := CostCenterKey(o.Account, "CC-2")
	o.must(o.Env.Table.Commit(o.ctx, []table.Operation{table.Delete(key, table.Always)}))
	if refused, ok := table.Refused(ch.Commit(o.ctx, call.Answer{})); !ok || !refused.Has(key) {
		t.Errorf("%+v", refused)
	}
}
