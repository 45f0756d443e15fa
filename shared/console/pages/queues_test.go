package pages_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
)

func queue(t *testing.T, api *client.Client, id string) client.CallQueue {
	t.Helper()
	q, err := api.GetCallQueue(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return q.Body
}

// A call queue is made, filled, renamed, emptied and deleted; what that gives and takes is said
// before it is done.
func TestACallQueueFromMakingToDeleting(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	b := c.SignIn(t, "acme", "ada")
	list := b.Get(b.Get("/console/acme/directory").Link("Call queues"))
	list.Says("There are no call queues yet.")
	form := b.Get(list.Link("+ New call queue")).Post()
	form.Set("name", "Detroit Support")
	add := b.Submit(form)
	add.Says("Choose its members now.", "No dashboard shows this call queue, so who joins needs no license for it.", "Zoe Alvarez")
	none := b.Submit(add.Post())
	if none.Status != http.StatusUnprocessableEntity {
		t.Errorf("nobody ticked: %d", none.Status)
	}
	none.Says("Must be chosen: tick whom to add.")
	form = none.Post()
	form.Set("members", "zoe", "john")
	b.Submit(form).Says("2 members join Detroit Support.", "Zoe Alvarez", "John Smith")
	if p := b.Submit(form); p.Status != http.StatusOK {
		t.Errorf("sent twice: %d %s", p.Status, p.Text())
	}
	if got := queue(t, api, "detroit-support").Members; !slices.Equal(got, []string{"john", "zoe"}) {
		t.Errorf("%v", got)
	}

	// On a dashboard it is monitored, and that is said before somebody joins or leaves.
	board := b.Get(b.Get("/console/acme/live-reports").Link("+ New dashboard")).Post()
	board.Set("name", "Wall")
	choose := b.Submit(board)
	choose.Says("Choose its call queues now.", "1 is free now; who finds none waits for the next one.", "2 members")
	form = choose.Post()
	form.Set("queueIds", "detroit-support")
	b.Submit(form).Says(
		"Wall shows 1 more call queue.", "1 member has a license of Live Reports, 1 wait", "Detroit Support",
	)
	page := b.Get("/console/acme/live-reports/queues/detroit-support")
	page.Says("all of them monitored", "Wall")
	b.Get(page.Link("+ Add members")).Says(
		"Who joins is monitored, and needs a license of Live Reports", "0 are free now", "member",
	)

	rename := b.Get(page.Link("Rename")).Post()
	rename.Set("name", "Belmont")
	if _, err := api.PatchCallQueue(t.Context(), "detroit-support",
		client.PatchCallQueueRequest{Name: new("Lansing")}, client.Change{Key: "n"}); err != nil {
		t.Fatal(err)
	}
	both := b.Submit(rename)
	both.Says("Somebody else has changed this", "Belmont", "Lansing")
	b.Submit(both.Post()).Says("The call queue is called Belmont now.")

	remove := page.Form("/remove")
	remove.Set("members", "zoe")
	ask := b.Submit(remove)
	ask.Says("Remove 1 member from Belmont?", "Zoe Alvarez", "gives the license of Live Reports back")
	form = ask.Post()
	b.Submit(form).Says("1 member is out of Belmont.")
	if p := b.Submit(form); p.Status != http.StatusOK {
		t.Errorf("sent twice: %d", p.Status)
	}
	remove.Set("members")
	b.Submit(remove).Says("Nobody is selected.")

	ask = b.Get("/console/acme/live-reports/queues/detroit-support/delete")
	ask.Says("Delete Belmont?", "Its 1 member leaves it.", "It is taken off its dashboards.", "Wall")
	b.Submit(ask.Post()).Says("The call queue detroit-support is deleted.")
	if _, err := api.GetCallQueue(t.Context(), "detroit-support"); !client.Is(err, "not-found") {
		t.Errorf("%v", err)
	}
}

// What somebody else adds to a call queue meanwhile stays.
func TestTwoWhoAddMembersAtOnce(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	put := client.PutCallQueueRequest{Name: "Detroit"}
	if _, err := api.PutCallQueue(t.Context(), "detroit", put, client.Change{Key: "q"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	mine := b.Get("/console/acme/live-reports/queues/detroit/add").Post()
	mine.Set("members", "zoe")
	theirs := c.SignIn(t, "acme", "eve").Get("/console/acme/live-reports/queues/detroit/add").Post()
	theirs.Set("members", "john")
	c.SignIn(t, "acme", "eve").Submit(theirs)
	b.Submit(mine).Says("1 member joins Detroit")
	if got := queue(t, api, "detroit").Members; !slices.Equal(got, []string{"john", "zoe"}) {
		t.Errorf("%v", got)
	}
}

// A call queue of thousands is shown in pages, by two rounds of a few calls, and searched.
func TestACallQueueOfThousands(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	var ids []string
	for i := range 120 {
		id := fmt.Sprintf("agent-%04d", i)
		put := client.PutUserRequest{Name: fmt.Sprintf("Agent Number%04d", i)}
		if _, err := api.PutUser(t.Context(), id, put, client.Change{Key: id}); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	put := client.PutCallQueueRequest{Name: "All", Members: client.Set(ids)}
	if _, err := api.PutCallQueue(t.Context(), "all", put, client.Change{Key: "q"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	b.Header.Set("Accept-Encoding", "gzip")
	page := b.Get("/console/acme/live-reports/queues/all")
	checkPage(t, "queue", page)
	page.Says("1 to 50 of 120 members", "Agent Number0049")
	page.Hides("Agent Number0050")
	third := b.Get(b.Get(page.Link("Next")).Link("Next"))
	third.Says("101 to 120 of 120 members", "Agent Number0119")
	if len(third.Links("Next")) != 0 {
		t.Error("there is a page behind the last one")
	}
	found := b.Get("/console/acme/live-reports/queues/all?q=Number0077")
	found.Says("Agent Number0077", "1 member found")
	found.Hides("Agent Number0001")
	b.Get("/console/acme/live-reports/queues/all?q=zoe").Says("No member is called so.")
	remove := found.Form("/remove")
	remove.Set("members", "agent-0077")
	b.Submit(b.Submit(remove).Post()).Says("1 member is out of All.")
	if got := queue(t, api, "all").Members; len(got) != 119 || slices.Contains(got, "agent-0077") {
		t.Errorf("%d members", len(got))
	}
}

// A dashboard's queues come and go, each said first; who may only view changes nothing.
func TestADashboardsCallQueues(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 2})
	monitored(t, api, "detroit", "support", "zoe", "john")
	b := c.SignIn(t, "acme", "ada")
	page := b.Get(b.Get("/console/acme/live-reports").Link("Dashboard support"))
	ask := b.Get(page.Link("Take off"))
	ask.Says(
		"Take 1 call queue off Dashboard support?", "Queue detroit", "2 members",
		"give the license of Live Reports back",
	)
	form := ask.Post()
	b.Submit(form).Says("1 call queue is off Dashboard support.", "0 members have a license")
	if p := b.Submit(form); p.Status != http.StatusOK {
		t.Errorf("sent twice: %d", p.Status)
	}
	add := b.Get("/console/acme/live-reports/dashboards/support/add").Post()
	add.Set("queueIds", "detroit")
	b.Submit(add).Says("2 members have a license of Live Reports")
	rename := b.Get("/console/acme/live-reports/dashboards/support/name").Post()
	rename.Set("name", "")
	refused := b.Submit(rename)
	if refused.Status != http.StatusUnprocessableEntity {
		t.Errorf("without a name: %d", refused.Status)
	}
	form = refused.Post()
	form.Set("name", "Front desk")
	b.Submit(form).Says("The dashboard is called Front desk now.")

	viewer := c.SignIn(t, "acme", "zoe", "liveReports.view")
	home := viewer.Get("/console/acme/directory")
	if home.URL.Path != "/console/acme/directory/dashboards" {
		t.Errorf("who may view dashboards alone is led to %s", home.URL)
	}
	seen := viewer.Get(home.Link("Front desk"))
	for _, offer := range []string{"+ Add call queues", "Take off", "Rename", "Delete"} {
		if len(seen.Links(offer)) != 0 {
			t.Errorf("%s is offered to who may only view", offer)
		}
	}
	all := c.SignIn(t, "acme", "zoe")
	for _, path := range []string{"name", "add", "remove?queue=detroit", "delete"} {
		forced := all.Get("/console/acme/live-reports/dashboards/support/" + path).Post()
		forced.Set("name", "Mallory's")
		forced.Set("queueIds", "detroit")
		if path == "add" {
			forced.Set("queueIds", "other")
		}
		if p := viewer.Submit(forced); p.Status != http.StatusForbidden {
			t.Errorf("%s: %d", path, p.Status)
		}
	}
	ask = b.Get("/console/acme/live-reports/dashboards/support/delete")
	ask.Says("Delete Front desk?", "Queue detroit")
	b.Submit(ask.Post()).Says("The dashboard support is deleted.")
}

// The page on which many licenses are confirmed names products and people.
func TestSelectedLicensesAreNamed(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	id := licensesOf(t, api, "live-reports")[0].ID
	if _, err := api.AssignLicense(
		t.Context(), id, client.AssignLicenseRequest{UserID: "zoe"}, client.Change{Key: "a"},
	); err != nil {
		t.Fatal(err)
	}
	q := url.Values{"do": {"unassign"}, "license": {id + "~live-reports~zoe"}}
	c.SignIn(t, "acme", "ada").Get(
		"/console/acme/licenses/selected?" + q.Encode(),
	).Says("Live Reports Zoe Alvarez " + id)
}

// Who was ticked stays chosen while others are searched for, with nothing kept but the form's own
// fields; and nobody is added by searching.
func TestTickedMembersStayChosenAcrossSearches(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	put := client.PutCallQueueRequest{Name: "VIP"}
	if _, err := api.PutCallQueue(t.Context(), "vip", put, client.Change{Key: "q"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/live-reports/queues/vip/add").Post()
	form.Set("members", "zoe")
	form.Set("q", "john")
	form.Set("do", "search")
	page := b.Submit(form)
	page.Says("Chosen before", "Zoe Alvarez", "John Smith")
	if got := queue(t, api, "vip").Members; len(got) != 0 {
		t.Fatalf("a search added %v", got)
	}
	form = page.Post()
	if got := form.Values["members"]; !slices.Equal(got, []string{"zoe"}) {
		t.Fatalf("%v are ticked", got)
	}
	form.Set("members", "zoe", "john")
	form.Set("do")
	b.Submit(form).Says("2 members join VIP")
	many := b.Get("/console/acme/live-reports/queues/vip/add").Post()
	many.Set("do", "search")
	many.Set("members", slices.Repeat([]string{"somebody-with-a-long-id"}, 300)...)
	b.Submit(many).Says("Are too many to search on with: add these first.")
}

// A member without a license waits, is excluded, or needs none.
func TestMembersWithoutALicenseSayWhy(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	monitored(t, api, "detroit", "support", "zoe", "john")
	b := c.SignIn(t, "acme", "ada")
	b.Get("/console/acme/live-reports/queues/detroit").Says("waits")
	for _, l := range licensesOf(t, api, "live-reports") {
		if _, err := api.UnassignLicense(t.Context(), l.ID, client.Change{Key: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	page := b.Get("/console/acme/live-reports/queues/detroit")
	page.Says("excluded")
	page.Hides("N/A")
}
