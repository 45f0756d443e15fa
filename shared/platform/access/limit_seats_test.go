package access_test

import (
	"net/http"
	"strings"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/auth"
)

// root is a request of who may do everything, with its answer.
func (d *desk) root(t *testing.T, method, path string, body any) fixtures.Response {
	t.Helper()
	r := d.Do(t, d.api, fixtures.Request{
		Method: method, Path: "/v1/accounts/acme" + path, Body: body, User: "root", Permissions: auth.Permissions(),
	})
	if r.Status >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, r.Status, r.Body)
	}
	return r
}

// buy buys licenses of a product on a cost center, for root.
func (d *desk) buy(t *testing.T, product, costCenter string, quantity int) (order string) {
	t.Helper()
	type made struct{ ID string }
	lines := []object{{"productId": product, "quantity": quantity, "costCenter": costCenter}}
	quote := fixtures.Decode[made](t, d.root(t, "POST", "/quotes", object{"lines": lines}), 201)
	return fixtures.Decode[made](
		t, d.root(t, "POST", "/orders", object{"quoteId": quote.ID, "acknowledged": true}), 201,
	).ID
}

// seat is a license as a list shows it.
type seat struct {
	ID, ProductID, UserID, CostCenter, Status, BaseLicenseID string
}

// free is a license of a product and a cost center that nobody holds.
func (d *desk) free(t *testing.T, product, costCenter string) string {
	t.Helper()
	list := fixtures.Decode[struct{ Items []seat }](
		t, d.root(t, "GET", "/licenses?status=available&product="+product+"&costCenter="+costCenter, nil), 200,
	)
	if len(list.Items) == 0 {
		t.Fatalf("nothing free of %s in %s", product, costCenter)
	}
	return list.Items[0].ID
}

// gives has root give a free license to a user, and is its id.
func (d *desk) gives(t *testing.T, product, costCenter, user string) string {
	t.Helper()
	id := d.free(t, product, costCenter)
	d.root(t, "POST", "/licenses/"+id+"/assign", object{"userId": user})
	return id
}

// stocked is the office with licenses: of live-reports three north and four west, of phone-system and
// call_recording two each of north and of west.
func stocked(t *testing.T, k *fixtures.Fixture) *desk {
	t.Helper()
	d := office(t, k)
	d.buy(t, "live-reports", "north", 3)
	d.buy(t, "live-reports", "west", 4)
	for _, product := range []string{"phone-system", "call_recording"} {
		d.buy(t, product, "north", 2)
		d.buy(t, product, "west", 2)
	}
	return d
}

// TestSeatsThatAnAdminOfSomeCostCentersChanges are those charged to theirs; the others are not there.
func TestSeatsThatAnAdminOfSomeCostCentersChanges(t *testing.T) {
	d := stocked(t, fixtures.New(t))
	held := d.gives(t, "call_recording", "west", holds(t, d, "phone-system", "west", "wes"))
	outside := d.gives(t, "live-reports", "north", "wes")
	mixed := d.gives(t, "live-reports", "west", "sara")
	mine, others := d.free(t, "live-reports", "north"), d.free(t, "live-reports", "west")
	to := func(user string) object { return object{"userId": user} }
	code := func(code string) object { return object{"costCenter": code} }
	for _, c := range []struct {
		status int
		path   string
		body   any
	}{
		{404, "/licenses/" + others + "/assign", to("nora")},
		{404, "/licenses/" + mine + "/assign", to("wes")},
		{404, "/licenses/" + mine + "/assign", to("lost")},
		{200, "/licenses/" + mine + "/assign", to("nora")},
		{404, "/licenses/" + mine + "/reassign", to("wes")},
		{200, "/licenses/" + mine + "/reassign", to("ann")},
		{200, "/licenses/" + mine + "/unassign", nil},
		{404, "/licenses/" + mixed + "/unassign", nil},
		{404, "/licenses/" + mixed + "/reassign", to("nora")},
		{404, "/licenses/" + held + "/unassign", nil},
		{403, "/licenses/" + outside + "/reassign", to("nora")}, // who holds it is of west
		{200, "/licenses/" + outside + "/unassign", nil},
		{404, "/licenses/" + others + "/terminate", nil},
	} {
		d.wants(t, c.status, "POST", c.path, c.body)
	}
	for _, c := range []struct {
		status int
		id     string
		to     string
	}{
		{403, mine, "west"},
		{403, mine, "nowhere"},
		{404, others, "north"},
		{404, others, "west"},
		{200, mine, "south"},
		{200, mine, "north"},
	} {
		d.wants(t, c.status, "PATCH", "/licenses/"+c.id, code(c.to))
	}
	d.wants(t, 403, "POST", "/licenses/cost-center", object{"licenseIds": []string{mine}, "costCenter": "west"})
	d.wants(t, 200, "POST", "/licenses/"+mine+"/terminate", nil)
}

// holds has root give a user a license of a cost center, and is the user.
func holds(t *testing.T, d *desk, product, costCenter, user string) string {
	t.Helper()
	d.gives(t, product, costCenter, user)
	return user
}

// TestAddOnsOfAnAdminOfSomeCostCenters: of base licenses of theirs that users of theirs hold, and none
// is taken away that is charged to another.
func TestAddOnsOfAnAdminOfSomeCostCenters(t *testing.T) {
	d := stocked(t, fixtures.New(t))
	nora, wes := d.gives(t, "phone-system", "north", "nora"), d.gives(t, "phone-system", "west", "wes")
	sara := d.gives(t, "phone-system", "west", "sara")
	ann := d.gives(t, "phone-system", "north", "ann")
	d.gives(t, "call_recording", "west", "ann")
	set := func(products ...string) object { return object{"productIds": append([]string{}, products...)} }
	for _, id := range []string{wes, sara} {
		d.wants(t, 404, "GET", "/licenses/"+id+"/add-ons", nil)
		d.wants(t, 404, "PUT", "/licenses/"+id+"/add-ons", set())
		d.wants(t, 404, "PATCH", "/licenses/"+id+"/add-ons", set("call_recording"))
	}
	d.wants(t, 200, "PUT", "/licenses/"+nora+"/add-ons", set("call_recording"))
	d.wants(t, 200, "PUT", "/licenses/"+nora+"/add-ons", set())
	d.wants(t, 403, "PUT", "/licenses/"+ann+"/add-ons", set())
	d.wants(t, 200, "PUT", "/licenses/"+ann+"/add-ons", set("call_recording"))
	d.gives(t, "call_recording", "north", "nora")
	d.root(t, "POST", "/licenses/"+d.free(t, "call_recording", "north")+"/terminate", nil)
	asked := d.send(t, "PUT", "/licenses/"+nora+"/add-ons", set("call_recording", "team_chat"))
	other := fixtures.Problem(t, asked, 409, "not-enough-licenses")
	if other.ProductID != "team_chat" {
		t.Errorf("%+v", other)
	}
}

// TestTheChoiceIsOfTheirCostCenters: a license that the server chooses for what they give is of
// theirs, and where there is none, it is as if there were none at all.
func TestTheChoiceIsOfTheirCostCenters(t *testing.T) {
	d := stocked(t, fixtures.New(t))
	give := func(items ...object) fixtures.Response {
		return d.send(t, "POST", "/assignments", object{"items": items})
	}
	item := func(user string, more ...string) object {
		o := object{"productId": "live-reports", "userId": user}
		if len(more) > 0 {
			o["costCenter"] = more[0]
		}
		return o
	}
	type results struct {
		Results []struct {
			Status  string
			License *seat
			Problem struct{ Status int }
		}
	}
	got := fixtures.Decode[results](t, give(
		item("sara"), item("wes"), item("lost"), item("nora", "west"), item("nora", "north"), item("ann"),
	), 200).Results
	for i, want := range []struct {
		costCenter string
		status     int
	}{{"north", 0}, {"", 404}, {"", 404}, {"", 403}, {"north", 0}, {"north", 0}} {
		if r := got[i]; r.Problem.Status != want.status || want.status == 0 && (r.License == nil ||
			r.License.CostCenter != want.costCenter) {
			t.Errorf("item %d: %+v, want %+v", i, r, want)
		}
	}
	d.admin(t, "PUT", "/users/late", object{"name": "Late", "costCenter": "south"})
	none := fixtures.Decode[results](t, give(item("late")), 200).Results[0]
	if none.Problem.Status != 409 {
		t.Errorf("a seat of another cost center: %+v", none)
	}
	all := object{"atomic": true, "items": []object{item("late"), item("wes")}}
	p := fixtures.Problem(t, d.send(t, "POST", "/assignments", all), 409, "not-enough-licenses")
	if !strings.Contains(p.Detail, "your cost centers") && len(p.Errors) == 0 {
		t.Errorf("%+v", p)
	}
	d.root(t, "POST", "/assignments", object{"items": []object{item("late")}}) // from west, which serves all
	taken := fixtures.Decode[results](t, d.send(t, "POST", "/assignments/remove", object{
		"items": []object{item("late"), item("wes"), item("nora")},
	}), 200).Results
	for i, want := range []int{404, 404, 0} {
		if taken[i].Problem.Status != want {
			t.Errorf("removed %d: %+v, want %d", i, taken[i], want)
		}
	}
}

// TestManyLicensesOfAnAdminOfSomeCostCenters have a result each.
func TestManyLicensesOfAnAdminOfSomeCostCenters(t *testing.T) {
	d := stocked(t, fixtures.New(t))
	ids := []string{d.free(t, "live-reports", "north"), d.free(t, "live-reports", "west")}
	type results struct {
		Results []struct {
			Problem struct{ Status int }
		}
	}
	for path, body := range map[string]object{
		"/licenses/cost-center": {"licenseIds": ids, "costCenter": "south"}, "/licenses/terminate": {"licenseIds": ids},
	} {
		got := fixtures.Decode[results](t, d.send(t, "POST", path, body), 200).Results
		if len(got) != 2 || got[0].Problem.Status != 0 || got[1].Problem.Status != 404 {
			t.Errorf("%s: %+v", path, got)
		}
		ids[0] = d.free(t, "phone-system", "north")
	}
}

// TestALicenseThatGoesAwayMeanwhile moves a license, or its holder, to another cost center between
// the decision and its commit, which is decided again.
func TestALicenseThatGoesAwayMeanwhile(t *testing.T) {
	for what, c := range map[string]struct {
		meanwhile func(t *testing.T, d *desk, id string)
		path      string
		body      any
	}{
		"assign": {leaves, "/assign", object{"userId": "sara"}}, "terminate": {leaves, "/terminate", nil},
		"move": {leaves, "", object{"costCenter": "south"}}, "add-ons": {leaves, "/add-ons", object{
			"productIds": []string{"call_recording"},
		}},
		"of a user who goes": {func(t *testing.T, d *desk, _ string) {
			t.Helper()
			d.admin(t, "PATCH", "/users/sara", object{"costCenter": "west"})
		}, "/assign", object{"userId": "sara"}},
	} {
		t.Run(what, func(t *testing.T) {
			k := fixtures.New(t)
			before := &meddled{Store: k.Env.Table}
			k.Env.Table = before
			d := stocked(t, k)
			id, method := d.free(t, "phone-system", "north"), http.MethodPost
			switch c.path {
			case "":
				method = http.MethodPatch
			case "/add-ons":
				method = http.MethodPut
				d.root(t, "POST", "/licenses/"+id+"/assign", object{"userId": "nora"})
			}
			before.meddle.Store(&meddling{func() { c.meanwhile(t, d, id) }})
			d.wants(t, 404, method, "/licenses/"+id+c.path, c.body)
		})
	}
}

// leaves has root move a license to another cost center.
func leaves(t *testing.T, d *desk, id string) {
	t.Helper()
	d.root(t, "PATCH", "/licenses/"+id, object{"costCenter": "west"})
}

// TestAnExclusionOfAnotherCostCenter is not there.
func TestAnExclusionOfAnotherCostCenter(t *testing.T) {
	d := stocked(t, fixtures.New(t))
	d.admin(t, "PUT", "/call-queues/q", object{"name": "Q", "members": []string{"nora", "wes"}})
	d.admin(t, "PUT", "/dashboards/d", object{"name": "D", "queueIds": []string{"q"}})
	d.root(t, "POST", "/assignments/remove", object{"items": []object{
		{"productId": "live-reports", "userId": "nora"}, {"productId": "live-reports", "userId": "wes"},
	}})
	d.wants(t, 404, "DELETE", "/exclusions/live-reports/wes", nil)
	d.wants(t, 204, "DELETE", "/exclusions/live-reports/nora", nil)
}
