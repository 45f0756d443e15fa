package access_test

import (
	"context"
	"errors"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/table"
	"seatwise/shared/request"
)

var errLost = errors.New("the commit is lost")

// losing loses the second commit from when it is told so on.
type losing struct {
	table.Store
	armed   bool
	commits int
}

func (l *losing) Commit(ctx context.Context, ops []table.Operation) error {
	if l.armed {
		if l.commits++; l.commits == 2 {
			l.armed = false
			return errLost
		}
	}
	return l.Store.Commit(ctx, ops) //nolint:wrapcheck // it stands for the store
}

type asked struct{ ID, State, LicenseID string }

// approved is paying, where ann has approved a request of sara's for which a policy of north was to buy
// a seat; that commit is lost, so that it is for maintenance to serve. Nothing is free.
func approved(t *testing.T) (*desk, asked) {
	t.Helper()
	k := fixtures.New(t)
	store := &losing{Store: k.Env.Table}
	k.Env.Table = store
	d := payingOn(t, k)
	for range 7 {
		list := fixtures.Decode[struct{ Items []seat }](
			t, d.root(t, "GET", "/licenses?status=available&product=live-reports", nil), 200,
		)
		d.root(t, "POST", "/licenses/"+list.Items[0].ID+"/terminate", nil)
	}
	d.admin(t, "PUT", "/policies/live-reports", d.policy(t, "live-reports", "north", 1))
	r := fixtures.Decode[asked](t, d.root(t, "POST", "/requests", object{
		"productId": "live-reports", "userId": "sara", "reason": "Needed",
	}), 201)
	store.armed = true
	r = fixtures.Decode[asked](t, d.send(t, "POST", "/requests/"+r.ID+"/approve", nil), 200)
	if store.armed || r.State != "approved" {
		t.Fatalf("%+v", r)
	}
	return d, r
}

// serves has maintenance serve what was approved, and is what became of the request: the cost center of
// the seat that was given, or its state.
func (d *desk) serves(t *testing.T, r asked) string {
	t.Helper()
	requests := request.NewService(d.Env, license.NewService(catalog.Default()))
	if err := requests.ServeApproved(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	r = fixtures.Decode[asked](t, d.root(t, "GET", "/requests/"+r.ID, nil), 200)
	if r.LicenseID == "" {
		return r.State
	}
	return fixtures.Decode[seat](t, d.root(t, "GET", "/licenses/"+r.LicenseID, nil), 200).CostCenter
}

// TestAnApprovalIsServedWithinTheLimit of who approved, also by maintenance: from seats of theirs, to
// users of theirs, and by policies that buy for theirs. It keeps nobody waiting who may have the others.
func TestAnApprovalIsServedWithinTheLimit(t *testing.T) {
	for what, c := range map[string]struct {
		meanwhile func(t *testing.T, d *desk)
		want      string
		left      int
	}{
		"the policy buys for theirs": {func(*testing.T, *desk) {}, "north", 0},
		"a seat of theirs is bought": {func(t *testing.T, d *desk) {
			t.Helper()
			d.root(t, "DELETE", "/policies/live-reports", nil)
			d.buy(t, "live-reports", "west", 1)
			d.buy(t, "live-reports", "south", 1)
		}, "south", 1},
		"a seat of others is bought": {func(t *testing.T, d *desk) {
			t.Helper()
			d.root(t, "DELETE", "/policies/live-reports", nil)
			d.buy(t, "live-reports", "west", 1)
		}, "approved", 1},
		"the policy buys for others": {func(t *testing.T, d *desk) {
			t.Helper()
			d.admin(t, "PUT", "/policies/live-reports", d.policy(t, "live-reports", "west", 1))
		}, "approved", 0},
		"the person goes to others": {func(t *testing.T, d *desk) {
			t.Helper()
			d.admin(t, "PATCH", "/users/sara", object{"costCenter": "west"})
			d.buy(t, "live-reports", "north", 1)
		}, "approved", 1},
	} {
		t.Run(what, func(t *testing.T) {
			d, r := approved(t)
			c.meanwhile(t, d)
			if got := d.serves(t, r); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			free := fixtures.Decode[struct{ Items []seat }](
				t, d.root(t, "GET", "/licenses?status=available&product=live-reports", nil), 200,
			)
			if len(free.Items) != c.left {
				t.Errorf("free afterwards: %+v, want %d", free, c.left)
			}
		})
	}
}

// TestAnApprovalKeepsToTheLimitOfItsCommit makes the limit narrower between what an approval reads and its
// commit: it is decided again, by the limit that there is then.
func TestAnApprovalKeepsToTheLimitOfItsCommit(t *testing.T) {
	k := fixtures.New(t)
	before := &meddled{Store: k.Env.Table}
	k.Env.Table = before
	d := payingOn(t, k)
	free := fixtures.Decode[struct{ Items []seat }](
		t, d.root(t, "GET", "/licenses?status=available&product=live-reports", nil), 200,
	)
	for _, one := range free.Items {
		d.root(t, "POST", "/licenses/"+one.ID+"/terminate", nil)
	}
	d.admin(t, "PUT", "/policies/live-reports", d.policy(t, "live-reports", "north", 1))
	r := fixtures.Decode[asked](t, d.root(t, "POST", "/requests", object{
		"productId": "live-reports", "userId": "sara", "reason": "Needed",
	}), 201)
	before.meddle.Store(&meddling{func() {
		d.admin(t, "PATCH", "/users/ann", object{"adminOfCostCenters": []string{"south"}})
	}})
	d.wants(t, 403, "POST", "/requests/"+r.ID+"/approve", nil)
	if got := d.serves(t, r); got != "open" {
		t.Errorf("the request is %q, want open", got)
	}
}

// TestAnApprovalThatIsShortKeepsNobodyWaiting who may have what is free: seats of others, or behind a
// fence.
func TestAnApprovalThatIsShortKeepsNobodyWaiting(t *testing.T) {
	ask := func(t *testing.T, d *desk, user string) asked {
		t.Helper()
		r := fixtures.Decode[asked](t, d.root(t, "POST", "/requests", object{
			"productId": "live-reports", "userId": user, "reason": "Needed",
		}), 201)
		return fixtures.Decode[asked](t, d.Do(t, d.api, fixtures.Request{
			Method: "POST", Path: "/v1/accounts/acme/requests/" + r.ID + "/approve", User: "boss",
			Permissions: auth.Permissions(),
		}), 200)
	}
	t.Run("for seats of theirs", func(t *testing.T) {
		d, first := approved(t)
		d.root(t, "DELETE", "/policies/live-reports", nil)
		second := ask(t, d, "wes")
		d.buy(t, "live-reports", "west", 1)
		if got := d.serves(t, second); got != "west" {
			t.Errorf("the second is %q, want of west", got)
		}
		if got := d.serves(t, first); got != "approved" {
			t.Errorf("the first is %q", got)
		}
	})
	t.Run("for seats without a fence", func(t *testing.T) {
		d, first := approved(t)
		d.root(t, "POST", "/requests/"+first.ID+"/withdraw", nil)
		d.root(t, "DELETE", "/policies/live-reports", nil)
		first = ask(t, d, "nora")
		second := ask(t, d, "wes")
		d.admin(t, "PUT", "/cost-centers/west", object{"name": "west", "fenced": true})
		d.buy(t, "live-reports", "west", 1)
		if got := d.serves(t, second); got != "west" {
			t.Errorf("the second is %q, want of west", got)
		}
		if got := d.serves(t, first); got != "approved" {
			t.Errorf("the first is %q", got)
		}
	})
}
