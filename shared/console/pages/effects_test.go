package pages_test

import (
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
	"seatwise/shared/platform/app"
)

// What a termination does stands on its page before it is confirmed, and the dry run changes nothing.
// What somebody else changed in between is shown again, and nothing else is done than was shown.
func TestEffectsBeforeATermination(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 3})
	b := c.SignIn(t, "acme", "ada")
	list := licensesOf(t, api, "live-reports")
	single := b.Get("/console/acme/licenses/" + list[2].ID + "/terminate")
	single.Says("What this does", "3 → becomes 2", "From the next billing date on you pay $25.00 less a month.")
	address := "/console/acme/licenses/selected?do=terminate"
	for _, l := range list[:2] {
		address += "&license=" + l.ID + "~live-reports~"
	}
	page := b.Get(address)
	page.Says("What this does", "3 → becomes 1", "you pay $50.00 less a month", "What happens", "ends")
	if still := licensesOf(t, api, "live-reports"); len(still) != 3 {
		t.Fatalf("looking at it has left %d licenses", len(still))
	}
	give := client.AssignLicenseRequest{UserID: "zoe"}
	if _, err := api.AssignLicense(t.Context(), list[0].ID, give, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	again := b.Submit(page.Post())
	if again.Status != http.StatusConflict {
		t.Errorf("%d", again.Status)
	}
	again.Says("Something has changed since this page was made", "Nothing was done yet",
		"3 → becomes 2", "you pay $25.00 less a month", "stays as it is")
	if l := one(t, api, list[1].ID); l.Status != "available" {
		t.Fatalf("it is %s", l.Status)
	}
	b.Submit(again.Post()).Says("1 license is terminated; 1 not.",
		"Live Reports "+list[0].ID+": The license is assigned")
	if l := one(t, api, list[1].ID); l.Status != "terminated" {
		t.Errorf("it is %s", l.Status)
	}
}

// A page that was open for longer than a plan is good shows the effects once more.
func TestEffectsOfAPageThatWasOpenForLong(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	id := licensesOf(t, api, "live-reports")[0].ID
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/licenses/" + id + "/terminate").Post()
	c.Forward(20 * time.Minute)
	again := b.Submit(form)
	again.Says("or it is older than 15 minutes", "1 → becomes 0")
	again.Hides("it was assigned to")
	if l := one(t, api, id); l.Status != "available" {
		t.Fatalf("it is %s", l.Status)
	}
	form = again.Post()
	b.Submit(form).Says("is terminated.")
	if p := b.Submit(form); p.Status != http.StatusOK {
		t.Errorf("sent twice: %d %s", p.Status, p.Text())
	}
}

// What somebody who leaves gives back, and who gets it, is told before.
func TestEffectsBeforeSomebodyLeaves(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	monitored(t, api, "detroit", "support", "zoe")
	monitored(t, api, "lansing", "board", "john")
	b := c.SignIn(t, "acme", "ada")
	for _, what := range []string{"deactivate", "delete"} {
		page := b.Get("/console/acme/directory/users/zoe/" + what)
		page.Says("What this does", "Zoe Alvarez gives back Live Reports", "John Smith gets Live Reports",
			"1 → becomes 0", "What you pay stays the same.")
	}
	if u := user(t, api, "zoe"); !u.Active {
		t.Fatal("looking at it has deactivated her")
	}
	b.Submit(b.Get("/console/acme/directory/users/zoe/deactivate").Post()).Says("Zoe Alvarez is deactivated.")
	b.Get("/console/acme/directory/users/zoe/activate").
		Says("What this does", "Zoe Alvarez begins to wait for Live Reports")
}

// Nobody is let to press a button that would take the last super-admin away: the page says so first.
func TestTheLastSuperAdmin(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	roles := client.PatchUserRequest{RoleIDs: client.Set([]string{"super-admin"})}
	if _, err := api.PatchUser(t.Context(), "zoe", roles, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	for _, what := range []string{"deactivate", "delete"} {
		page := b.Get("/console/acme/directory/users/zoe/" + what)
		page.Says("This cannot be done now.", "This is the last active super-admin of the account")
		for _, f := range page.Forms() {
			if f.Method() == http.MethodPost && f.Action != "/console/-/sign-out" {
				t.Errorf("%s has the form %s", what, f.Action)
			}
		}
	}
	b.Get("/console/acme/directory/users/zoe/edit").Says("the last active super-admin")
	if _, err := api.PatchUser(t.Context(), "john", roles, client.Change{Key: "2"}); err != nil {
		t.Fatal(err)
	}
	b.Get("/console/acme/directory/users/zoe/deactivate").Says("What this does")
	b.Get("/console/acme/directory/users/zoe/edit").Hides("the last active super-admin")
}

// Whoever buys what somebody waits for is told before that it goes to them.
func TestReviewSaysWhoGetsTheNewSeats(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	monitored(t, api, "detroit", "support", "zoe")
	line := client.AddCartLineRequest{ProductID: "live-reports", Quantity: 3, CostCenter: new("CC-1")}
	if _, err := api.AddCartLine(t.Context(), line, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	page := reviewed(t, b)
	page.Says("1 of the new licenses goes at once to who waits for one", "Zoe Alvarez gets Live Reports",
		"0 → becomes 3", "1 → becomes 0", "You pay $75.00 more a month.")
	form := page.Post()
	form.Set("acknowledged", "yes")
	press(b, form, "order").Says("1 license was given to people who waited")
}

// waitsForOne says that one person holds the only license of Live Reports by a call queue, and another
// waits for it by another one.
func waitsForOne(t *testing.T, c *consolewalk.Console) *client.Client {
	t.Helper()
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	monitored(t, api, "detroit", "support", "zoe")
	monitored(t, api, "lansing", "board", "john")
	return api
}

// What goes back when a call queue or a dashboard is changed or deleted, and who gets it, is told
// before, with the names of those who are not on the page.
func TestEffectsBeforeCallQueuesAndDashboardsGo(t *testing.T) {
	c := consolewalk.Start(t)
	api := waitsForOne(t, c)
	b := c.SignIn(t, "acme", "ada")
	for _, path := range []string{
		"queues/detroit/remove?members=zoe", "queues/detroit/delete", "dashboards/support/remove?queue=detroit",
		"dashboards/support/delete",
	} {
		page := b.Get("/console/acme/live-reports/" + path)
		page.Says("What this does", "Zoe Alvarez gives back Live Reports", "John Smith gets Live Reports",
			"1 → becomes 0", "What you pay stays the same.")
		if l := licensesOf(t, api, "live-reports")[0]; l.UserID != "zoe" {
			t.Fatalf("looking at %s gave it to %s", path, l.UserID)
		}
		form := page.Post()
		// Somebody else has the person wait no longer: what was shown is not what would be done.
		both := client.PatchCallQueueRequest{Members: client.Set([]string{})}
		if _, err := api.PatchCallQueue(t.Context(), "lansing", both, client.Change{Key: path}); err != nil {
			t.Fatal(err)
		}
		again := b.Submit(form)
		if again.Status != http.StatusConflict {
			t.Errorf("%s: %d", path, again.Status)
		}
		again.Says("Something has changed since this page was made", "Zoe Alvarez gives back Live Reports")
		again.Hides("John Smith gets")
		if l := licensesOf(t, api, "live-reports")[0]; l.UserID != "zoe" {
			t.Fatalf("%s was done all the same", path)
		}
		both.Members = client.Set([]string{"john"})
		if _, err := api.PatchCallQueue(t.Context(), "lansing", both, client.Change{Key: path + "2"}); err != nil {
			t.Fatal(err)
		}
	}
	b.Submit(b.Get("/console/acme/live-reports/dashboards/support/remove?queue=detroit").Post()).
		Says("1 call queue is off Dashboard support.")
	if l := licensesOf(t, api, "live-reports")[0]; l.UserID != "john" {
		t.Errorf("it is %s's", l.UserID)
	}
	b.Get("/console/acme/live-reports/queues/detroit/delete").Says("What this does", "What you pay stays the same.")
}

// Lifting an exclusion says whether there is a license for who was excluded.
func TestEffectsBeforeAnExclusionIsLifted(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	monitored(t, api, "detroit", "support", "zoe")
	id := licensesOf(t, api, "live-reports")[0].ID
	if _, err := api.UnassignLicense(t.Context(), id, client.Change{Key: "u"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/live-reports/exclusions/live-reports/zoe")
	page.Says("What this does", "Zoe Alvarez gets Live Reports")
	if _, err := api.AssignLicense(
		t.Context(), id, client.AssignLicenseRequest{UserID: "john"}, client.Change{Key: "a"},
	); err != nil {
		t.Fatal(err)
	}
	again := b.Submit(page.Post())
	again.Says("Something has changed", "Zoe Alvarez begins to wait for Live Reports")
	b.Submit(again.Post()).Says("The exclusion is lifted.")
}

// A reclaim and its undoing say of whom before they begin.
func TestEffectsBeforeAReclaimAndItsUndoing(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"developer": 2})
	list := licensesOf(t, api, "developer")
	for i, user := range []string{"zoe", "john"} {
		to := client.AssignLicenseRequest{UserID: user}
		if _, err := api.AssignLicense(t.Context(), list[i].ID, to, client.Change{Key: user}); err != nil {
			t.Fatal(err)
		}
	}
	c.Forward(2 * 24 * time.Hour)
	api = c.API(t, "acme", "ada")
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/billing/idle/reclaim?product=developer&days=1&user=zoe&user=john")
	page.Says("What this does", "Zoe Alvarez gives back Developer", "John Smith gives back Developer",
		"2 → becomes 0", "What you pay stays the same.")
	if _, err := api.UnassignLicense(t.Context(), list[1].ID, client.Change{Key: "u"}); err != nil {
		t.Fatal(err)
	}
	again := b.Submit(page.Post())
	again.Says("Something has changed", "1 seat is taken", "Zoe Alvarez gives back Developer")
	again.Hides("John Smith")
	page = b.Submit(again.Post())
	page.Says("Zoe Alvarez", "reclaimed")
	page = b.Get(page.Link("Restore all"))
	page.Says("What this does", "Zoe Alvarez gets Developer", "0 → becomes 1")
	b.Submit(page.Post()).Says("restored")
}

// Where a search has found one person, the form that gives a license to them says what that does, and
// is held to it as long as no extension is typed beside it.
func TestEffectsBeforeALicenseIsGivenToWhoWasFound(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"phone-system": 2, "live-reports": 2})
	b := c.SignIn(t, "acme", "ada")
	report := licensesOf(t, api, "live-reports")[0].ID
	b.Get("/console/acme/licenses/" + report + "/assign").Hides("What this does")
	page := b.Get("/console/acme/licenses/" + report + "/assign?q=zoe")
	page.Says("What this does", "Zoe Alvarez gets Live Reports", "What you pay stays the same.")
	away := client.PatchUserRequest{Active: new(false)}
	if _, err := api.PatchUser(t.Context(), "zoe", away, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	gone := b.Submit(page.Post())
	gone.Says("Not offered, since they are deactivated: Zoe Alvarez")
	if l := one(t, api, report); gone.Status != http.StatusConflict || l.UserID != "" {
		t.Errorf("%d, it is %q's", gone.Status, l.UserID)
	}
	away.Active = new(true)
	if _, err := api.PatchUser(t.Context(), "zoe", away, client.Change{Key: "2"}); err != nil {
		t.Fatal(err)
	}
	b.Submit(b.Get("/console/acme/licenses/" + report + "/assign?q=zoe").Post()).
		Says("Live Reports is assigned to Zoe Alvarez.")

	phone := licensesOf(t, api, "phone-system")[0].ID
	form := b.Get("/console/acme/licenses/" + phone + "/assign?q=zoe").Post()
	form.Set("extension", "101")
	b.Submit(form).Says("Phone System is assigned to Zoe Alvarez.")
}

// Who reassigns a license may look at what that does first, and needs no further press if they do not.
func TestEffectsBeforeAReassignmentForWhoAsks(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"phone-system": 1, "live-reports": 1})
	id := licensesOf(t, api, "phone-system")[0].ID
	give := client.AssignLicenseRequest{UserID: "zoe", Extension: new("101")}
	if _, err := api.AssignLicense(t.Context(), id, give, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	at := "/console/acme/licenses/" + id + "/reassign"
	form := b.Get(at).Post()
	form.Set("see", "yes")
	b.Submit(form).Says("Must be chosen")
	form.Set("userId", "john")
	page := b.Submit(form)
	page.Says("What this does", "John Smith gets Phone System", "Zoe Alvarez gives back Phone System")
	if l := one(t, api, id); l.UserID != "zoe" {
		t.Fatal("looking at it has moved it")
	}
	b.Submit(page.Post()).Says("Phone System is John Smith's now")
	form = b.Get(at).Post()
	form.Set("userId", "zoe")
	b.Submit(form).Says("Phone System is Zoe Alvarez's now")
	mary := client.PutUserRequest{Name: "Mary Jones"}
	if _, err := api.PutUser(t.Context(), "mary", mary, client.Change{Key: "m"}); err != nil {
		t.Fatal(err)
	}
	// The extension goes with the phone alone, so nothing is said of it where another license moves.
	report := licensesOf(t, api, "live-reports")[0].ID
	give.Extension = nil
	if _, err := api.AssignLicense(t.Context(), report, give, client.Change{Key: "r"}); err != nil {
		t.Fatal(err)
	}
	b.Get(at).Says("with its extension 101")
	b.Get("/console/acme/licenses/" + report + "/reassign").Hides("101")
	other := b.Get(at + "?userId=john").Post()
	other.Set("userId", "mary") // whose effects were not shown
	b.Submit(other).Says("Phone System is Mary Jones's now")
	if l := one(t, api, id); l.UserID != "mary" {
		t.Errorf("it is %s's", l.UserID)
	}
	b.Get(at + "?userId=nobody").Says("There is no such user")
}

// Who changes the cost center of many licenses may look at what that does first.
func TestEffectsBeforeACostCenterOfMany(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 2})
	if _, err := api.PutCostCenter(
		t.Context(), "CC-2", client.PutCostCenterRequest{Name: "Sales"}, client.Change{Key: "c"},
	); err != nil {
		t.Fatal(err)
	}
	list := licensesOf(t, api, "live-reports")
	b := c.SignIn(t, "acme", "ada")
	address := "/console/acme/licenses/selected?do=cost-center"
	for _, l := range list {
		address += "&license=" + l.ID + "~live-reports~"
	}
	form := b.Get(address).Post()
	form.Set("see", "yes")
	form.Set("costCenter", "")
	b.Submit(form).Says("Must be chosen")
	form.Set("costCenter", "CC-2")
	page := b.Submit(form)
	page.Says("What this does", "2 licenses are charged to CC-2 Sales.", "is charged to CC-2")
	change := client.ChangeLicenseRequest{CostCenter: "CC-2"}
	if _, err := api.ChangeLicense(t.Context(), list[0].ID, change, client.Change{Key: "l"}); err != nil {
		t.Fatal(err)
	}
	again := b.Submit(page.Post())
	again.Says("Something has changed", "1 license is charged to CC-2 Sales.", "stays as it is")
	if l := one(t, api, list[1].ID); l.CostCenter != "CC-1" {
		t.Fatalf("it is charged to %s", l.CostCenter)
	}
	b.Submit(again.Post()).Says("1 license is charged to CC-2 now; 1 left alone")
	other := b.Get(address + "&costCenter=CC-1").Post()
	other.Set("costCenter", "CC-2") // whose effects were not shown
	b.Submit(other).Says("2 left alone")
}

// Every form in which something is chosen shows what that does to who asks, changes nothing by it, keeps
// what was chosen, and then does it.
func TestEffectsOfWhatIsChosen(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 3, "phone-system": 1, "call_recording": 1})
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	monitored(t, api, "detroit", "support")
	must(api.PutCallQueue(ctx, "belmont", client.PutCallQueueRequest{
		Name: "Belmont", Members: client.Set([]string{"john"}),
	}, client.Change{Key: "belmont"}))
	must(api.PutRole(ctx, "lead", client.PutRoleRequest{Name: "Lead"}, client.Change{Key: "lead"}))
	must(api.PatchUser(ctx, "john", client.PatchUserRequest{RoleIDs: client.Set([]string{"lead"})},
		client.Change{Key: "john"}))
	must(api.PutUser(ctx, "ann", client.PutUserRequest{Name: "Ann Lee"}, client.Change{Key: "ann"}))
	phone := licensesOf(t, api, "phone-system")[0].ID
	must(api.AssignLicense(ctx, phone, client.AssignLicenseRequest{UserID: "zoe"}, client.Change{Key: "phone"}))
	free := licensesOf(t, api, "live-reports")[0].ID
	b := c.SignIn(t, "acme", "ada")
	for _, one := range []struct {
		name, at string
		choose   map[string]string
		does     []string
		done     string
	}{
		{
			"assign", "licenses/" + free + "/assign",
			map[string]string{"userId": "zoe"},
			[]string{"Zoe Alvarez gets Live Reports", "What you pay stays the same."},
			"Live Reports is assigned to Zoe Alvarez.",
		},
		{
			"assign a selected one", "licenses/selected?do=assign&license=" + free + "~live-reports~&license=" +
				phone + "~phone-system~zoe",
			map[string]string{"userId": "john"},
			[]string{"John Smith gets Live Reports", "Of Phone System they get none"},
			"1 license is assigned",
		},
		{
			"members", "live-reports/queues/detroit/add",
			map[string]string{"members": "ann"},
			[]string{"Ann Lee gets Live Reports", "1 → becomes 0"},
			"1 member joins",
		},
		{
			"call queues", "live-reports/dashboards/support/add",
			map[string]string{"queueIds": "belmont"},
			[]string{"What this does"},
			"shows 1 more call queue.",
		},
		{
			"a user", "directory/users/zoe/edit",
			map[string]string{"licenses": "essential-user"},
			[]string{
				"Zoe Alvarez gets Essential User", "more a month",
				"Charged by use In use Essential User 0 → becomes 1",
			},
			"Zoe Alvarez is saved.",
		},
		{
			"a new user", "directory/users/new",
			map[string]string{"id": "mary", "name": "Mary Jones", "licenses": "essential-user"},
			[]string{"Mary Jones gets Essential User", "more a month"},
			"Mary Jones is in the directory.",
		},
		{
			"a role", "directory/roles/lead/edit",
			map[string]string{"licenses": "client-desktop"},
			[]string{"John Smith gets Desktop Client", "more a month"},
			"The role Lead is saved.",
		},
		{
			"add-ons", "licenses/" + phone + "/add-ons",
			map[string]string{"productIds": "call_recording"},
			[]string{"Zoe Alvarez gets Call Recording", "What you pay stays the same."},
			"The add-ons are saved",
		},
		{
			"a cost center", "licenses/" + phone + "/cost-center",
			map[string]string{"costCenter": "CC-2"},
			[]string{"1 license is charged to CC-2 Sales."},
			"is charged to CC-2 now.",
		},
		{
			"a fence", "billing/cost-centers/CC-1",
			map[string]string{"fenced": "yes"},
			[]string{"What you pay stays the same."},
			"The cost center CC-1 is saved.",
		},
	} {
		t.Run(one.name, func(t *testing.T) {
			form := b.Get("/console/acme/" + one.at).Post()
			if plan := form.Values.Get("_plan"); plan != "" {
				t.Error("it is held to effects before anything is chosen")
			}
			for name, value := range one.choose {
				form.Set(name, value)
			}
			before := entries(t, api)
			form.Set("see", "yes")
			page := b.Submit(form)
			page.Says(append(one.does, "What this does")...)
			text := page.Text()
			if strings.Contains(text, "Charged by use In use") && strings.Contains(text, "License Type Bought") {
				t.Error("what is charged by use is said to be bought")
			}
			seen := page.Post()
			if n := entries(t, api); n != before {
				t.Error("looking at it has changed something")
			}
			for name, value := range one.choose {
				if got := seen.Values[name]; !slices.Contains(got, value) {
					t.Errorf("%s is %q after looking", name, got)
				}
			}
			if seen.Values.Get("_plan") == "" || seen.Values.Get("told") == "" {
				t.Error("it is not held to what it shows")
			}
			seen.Set("see")
			b.Submit(seen).Says(one.done)
		})
	}
}

// entries is how many entries the audit has, as far as one page of it goes.
func entries(t *testing.T, api *client.Client) int {
	t.Helper()
	list, err := api.ListAudit(t.Context(), client.ListAuditQuery{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	return len(list.Body.Items)
}

// Who changes what was chosen after looking is not held to what they did not see; what changes meanwhile
// is shown before it is done.
func TestAChoiceIsHeldToWhatWasShownOfIt(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	monitored(t, api, "detroit", "support")
	b := c.SignIn(t, "acme", "ada")
	look := func(members ...string) *consolewalk.Page {
		form := b.Get("/console/acme/live-reports/queues/detroit/add").Post()
		form.Set("members", members...)
		form.Set("see", "yes")
		return b.Submit(form)
	}
	page := look("zoe")
	page.Says("Zoe Alvarez gets Live Reports")
	free := licensesOf(t, api, "live-reports")[0].ID
	if _, err := api.AssignLicense(t.Context(), free, client.AssignLicenseRequest{UserID: "john"},
		client.Change{Key: "taken"}); err != nil {
		t.Fatal(err)
	}
	form := page.Post()
	form.Set("see")
	again := b.Submit(form)
	again.Says("Something has changed", "Zoe Alvarez begins to wait for Live Reports")
	other := again.Post()
	other.Set("see")
	other.Set("members", "zoe", "john") // not what was shown
	b.Submit(other).Says("2 members join")

	edit := b.Get("/console/acme/directory/users/zoe/edit").Post()
	edit.Set("licenses", "essential-user")
	edit.Set("see", "yes")
	page = b.Submit(edit)
	page.Says("Zoe Alvarez gets Essential User")
	form = page.Post()
	form.Set("see")
	form.Set("name", "Zoe Smith")
	b.Submit(form).Says("Zoe Smith is saved.")
}

// What takes longer than a request may is worked out behind the page, which says so and asks again;
// then it shows the effects, and does what was shown.
func TestEffectsThatTakeLong(t *testing.T) {
	c := consolewalk.StartWith(t, func(env *app.Env) { env.InRequest = -1 })
	api := c.Account(t, "acme", map[string]int64{"live-reports": 3})
	b := c.SignIn(t, "acme", "ada")
	id := licensesOf(t, api, "live-reports")[0].ID
	page := b.Get("/console/acme/licenses/" + id + "/terminate")
	page.Says("What this does", "it is being worked out")
	page.Hides("becomes", "than can be told beforehand")
	page = untilTold(t, b, page)
	page.Says("3 → becomes 2", "you pay $25.00 less a month")
	b.Submit(page.Post()).Says("is terminated.")

	// A form in which something is chosen is sent again by who chose; what is chosen otherwise is another question.
	form := b.Get("/console/acme/directory/users/zoe/edit").Post()
	form.Set("see", "yes")
	form.Set("licenses", "client-desktop")
	page = b.Submit(form)
	page.Says("Ask again in a moment")
	form = page.Post()
	form.Set("see", "yes")
	form.Set("licenses", "essential-user")
	b.Submit(form).Says("Ask again in a moment")
	form.Set("licenses", "client-desktop")
	for deadline := time.Now().Add(time.Minute); strings.Contains(page.Text(), "Ask again"); page = b.Submit(form) {
		if time.Now().After(deadline) {
			t.Fatal("the form still waits")
		}
	}
	page.Says("Zoe Alvarez gets Desktop Client")
	page.Hides("gets Essential User")
}

// untilTold follows a page that asks again without being told to, until it does no more.
func untilTold(t *testing.T, b *consolewalk.Browser, page *consolewalk.Page) *consolewalk.Page {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		found := goesOn.FindStringSubmatch(page.HTML)
		if found == nil {
			return page
		}
		page = b.Get(html.UnescapeString(found[1]))
	}
	t.Fatal("the page still waits")
	return nil
}

var goesOn = regexp.MustCompile(`http-equiv="refresh" content="4;url=([^"]+)"`)

// A form that takes longer to compare with what was shown than a page may is followed: how far it is, and then the
// page to which it leads; where something else has changed meanwhile, it says that nothing was done.
func TestAFormThatTakesLongIsFollowed(t *testing.T) {
	var env *app.Env
	c := consolewalk.StartWith(t, func(e *app.Env) { env = e })
	api := c.Account(t, "acme", map[string]int64{"live-reports": 3})
	b := c.SignIn(t, "acme", "ada")
	list := licensesOf(t, api, "live-reports")
	first := b.Get("/console/acme/licenses/" + list[0].ID + "/terminate").Post()
	second := b.Get("/console/acme/licenses/" + list[1].ID + "/terminate").Post()
	env.InRequest = -1
	followed := untilDone(t, b, b.Submit(first))
	followed.Says("It is done.")
	if followed.URL.Path != "/console/acme/licenses" {
		t.Errorf("it leads to %s", followed.URL)
	}
	if l := one(t, api, list[0].ID); l.Status != "terminated" {
		t.Errorf("it is %s", l.Status)
	}
	give := client.AssignLicenseRequest{UserID: "zoe"}
	if _, err := api.AssignLicense(t.Context(), list[1].ID, give, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	refused := untilDone(t, b, b.Submit(second))
	refused.Says("Not done", "This cannot be done now.")
	if back := refused.Link("Back"); back != "/console/acme/licenses/"+list[1].ID+"/terminate" {
		t.Errorf("it leads back to %s", back)
	}
}

// untilDone follows the page of what is under way until it is no more.
func untilDone(t *testing.T, b *consolewalk.Browser, page *consolewalk.Page) *consolewalk.Page {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); page = b.Get(page.URL.RequestURI()) {
		if !strings.Contains(page.HTML, "data-live") {
			return page
		}
		page.Says("Under way", "%")
	}
	t.Fatal("it is still under way")
	return nil
}
