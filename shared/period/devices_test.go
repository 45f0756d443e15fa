package period

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"seatwise/shared/license"
	"seatwise/shared/metrics"
	"seatwise/shared/platform/table"
	"seatwise/shared/purchase"
	"seatwise/shared/wallboard"
)

// TestWallboardsAreCharged follows a device through a period: whoever has it at the end of a day has
// it charged to their cost center of that moment, also when they, or it, are gone by the end of the
// period, and when its id is given to another one (requirements, section 12).
func TestWallboardsAreCharged(t *testing.T) {
	o := open(t)
	o.at("2026-11-11 10:00")
	for _, code := range []string{"SALES", "OPS"} {
		_, err := o.shop.ChangeCostCenter(o.ctx, o.Call("admin"), purchase.CostCenterChange{Code: code, Name: code})
		o.must(err)
	}
	belongs := func(user, costCenter string) {
		o.change(user, func(ctx context.Context, u *license.UnitOfWork) error {
			return u.Put(ctx, license.Person{UserID: user, Name: user, Active: true, CostCenter: costCenter})
		})
	}
	belongs("ann", "SALES")
	o.hire("bob")
	devices := metrics.NewService(o.Env, o.kernel)
	owned := func(user string) {
		_, err := devices.Put(o.ctx, o.Call("admin"), metrics.Wallboard{
			ID: "lobby", Name: "Lobby", Kind: "analytics", UserID: user,
		})
		o.must(err)
	}
	owned("ann")
	o.want("current", "open 0.50 USD; metered wallboard SALES 1 days 50")
	o.at("2026-11-16 10:00")
	owned("bob")
	o.at("2026-11-21 10:00")
	belongs("bob", "OPS")
	o.at("2026-11-23 10:00")
	o.must(devices.Delete(o.ctx, o.Call("admin"), "lobby"))
	o.at("2026-11-24 10:00")
	owned("ann")
	o.at("2026-11-26 10:00")
	leaves(o, "ann")
	o.at("2026-11-28 10:00")
	const bills = "open 8.00 USD; metered wallboard  5 days 250; metered wallboard OPS 3 days 150; metered wallboard SALES 8 days 400"
	o.want("current", bills)
	o.must(wallboard.Sweep(o.ctx, o.Call("admin"), "ann"))
	o.want("current", bills)
	o.change("bob", func(ctx context.Context, u *license.UnitOfWork) error { return u.Remove(ctx, "bob") })
	o.want("current", bills)
}

// leaves ends all devices of a user in one commit, as their deactivation does.
func leaves(o *office, user string) {
	o.t.Helper()
	c := o.Call("admin")
	found, err := c.Env.Table.Lookup(o.ctx, wallboard.FleetKey(o.Account, user))
	o.must(err)
	ops, ended, err := wallboard.End(c, found, user)
	o.must(err)
	if !ended {
		o.t.Fatalf("%s has no device", user)
	}
	o.must(o.Env.Table.Commit(o.ctx, append([]table.Operation(nil), ops...)))
}

// TestResolvedIsWhoseItWasAndWhereTheyBelonged compares the parts of a device's life with a look at each
// moment: whose it is then, and to which cost center they belong then.
func TestResolvedIsWhoseItWasAndWhereTheyBelonged(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		user := rapid.SampledFrom([]string{"ann", "bob"})
		code := rapid.SampledFrom([]string{"", "SALES", "OPS"})
		start := moment("2026-11-01 00:00")
		ascending := func(name string) []time.Time {
			var list []time.Time
			at := start
			for range rapid.IntRange(0, 4).Draw(r, name) {
				at = at.Add(time.Duration(rapid.IntRange(1, 9).Draw(r, "hours")) * time.Hour)
				list = append(list, at)
			}
			return list
		}
		var parts []Part
		for _, until := range ascending("owners") {
			parts = append(parts, Part{Until: until, UserID: user.Draw(r, "user")})
		}
		parts = append(parts, Part{UserID: user.Draw(r, "user")})
		people, owners := map[string][]Part{}, map[string]string{}
		for _, of := range []string{"ann", "bob"} {
			for _, until := range ascending("moves") {
				people[of] = append(people[of], Part{Until: until, CostCenter: code.Draw(r, "code")})
			}
			owners[of] = code.Draw(r, "code")
		}
		got := resolved(parts, people, owners)
		for hours := range 40 {
			now := start.Add(time.Duration(hours)*time.Hour + time.Minute)
			owner := at(parts, now).UserID
			want := owners[owner]
			for _, was := range slices.Backward(people[owner]) {
				if was.Until.After(now) {
					want = was.CostCenter
				}
			}
			if is := at(got, now); is.UserID != owner || is.CostCenter != want {
				r.Fatalf("after %d hours it is %+v, want %s of %q; %+v", hours, is, owner, want, got)
			}
		}
	})
}
