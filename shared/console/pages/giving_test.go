package pages_test

import (
	"net/http"
	"slices"
	"testing"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
)

// Three people who are ticked in the list of users are given a license at once: what becomes of each
// is shown first, and afterwards who did not get one, by name.
func TestSeveralPeopleAreGivenALicense(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 2})
	for id, name := range map[string]string{"max": "Max Power", "ann": "Ann Lee", "old": "Olga Old"} {
		put := client.PutUserRequest{Name: name, Active: new(id != "old")}
		if _, err := api.PutUser(t.Context(), id, put, client.Change{Key: id}); err != nil {
			t.Fatal(err)
		}
	}
	b := c.SignIn(t, "acme", "ada")
	ticks := b.Get("/console/acme/directory").Form("/licenses/give")
	ticks.Set("user", "zoe", "max", "ann", "old")
	choose := b.Submit(ticks)
	choose.Says("Who gets it: 4 people", "Zoe Alvarez", "Max Power", "Ann Lee", "Live Reports (2 free)")
	form := choose.Form("/licenses/give")
	if got := form.Values["user"]; !slices.Equal(got, []string{"ann", "max", "old", "zoe"}) &&
		!slices.Equal(got, []string{"zoe", "max", "ann", "old"}) {
		t.Errorf("ticked are %v", got)
	}
	form.Set("do", "review")
	b.Submit(form).Says("Choose the license type.")
	form.Set("user", "zoe", "max", "ann", "old")
	form.Set("product", "live-reports")
	review := b.Submit(form)
	review.Says("Assign Live Reports to 4 people?", "Zoe Alvarez gets one", "Max Power gets one",
		"Ann Lee gets none: no free one is left", "Olga Old gets none: they are deactivated",
		"What this does", "2 → becomes 0", "1 more would be needed", "What you pay stays the same.")
	if free := len(held(t, api, "live-reports")); free != 0 {
		t.Fatalf("looking at it has assigned %d", free)
	}
	post := review.Post()
	done := b.Submit(post)
	if done.URL.Path != "/console/acme/directory" {
		t.Errorf("it leads to %s", done.URL)
	}
	done.Says("Live Reports is assigned to 2 people; 2 not.", "Live Reports of Ann Lee:", "Live Reports of Olga Old:")
	if got := held(t, api, "live-reports"); !slices.Equal(got, []string{"max", "zoe"}) {
		t.Errorf("they are %v's", got)
	}
	if p := b.Submit(post); p.Status != http.StatusOK {
		t.Errorf("sent twice: %d", p.Status)
	}
	again := b.Get("/console/acme/licenses/give?do=review&product=live-reports&user=zoe&user=ann")
	again.Says("Zoe Alvarez has one already", "Nobody would get one")
}

// held are those who hold a product, in order.
func held(t *testing.T, api *client.Client, product string) []string {
	t.Helper()
	var ids []string
	for _, l := range licensesOf(t, api, product) {
		if l.UserID != "" {
			ids = append(ids, l.UserID)
		}
	}
	slices.Sort(ids)
	return ids
}

// Assigning from a person's page keeps the person, and leads back to them.
func TestAssigningFromAPersonsPage(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", map[string]int64{"phone-system": 1})
	b := c.SignIn(t, "acme", "ada")
	page := b.Get(b.Get("/console/acme/directory/users/zoe").Link("+ Assign"))
	page.Says("Who gets it: 1 person", "Zoe Alvarez")
	form := page.Form("/licenses/give")
	form.Set("product", "phone-system")
	form.Set("extension", "101")
	form.Set("do", "review")
	done := b.Submit(b.Submit(form).Post())
	done.Says("Phone System is assigned to 1 person.", "101")
	if done.URL.Path != "/console/acme/directory/users/zoe" {
		t.Errorf("it leads to %s", done.URL)
	}
}

// What was shown is what is done: a seat that goes to somebody else meanwhile is no surprise.
func TestGivingShowsWhatChangedMeanwhile(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 1})
	b := c.SignIn(t, "acme", "ada")
	review := b.Get("/console/acme/licenses/give?do=review&product=live-reports&user=zoe")
	items := []client.AssignmentWithExtension{{ProductID: "live-reports", UserID: "john"}}
	body := client.AssignProductsRequest{Items: items}
	if _, err := api.AssignProducts(t.Context(), body, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	again := b.Submit(review.Post())
	if again.Status != http.StatusConflict {
		t.Errorf("%d", again.Status)
	}
	again.Says("Zoe Alvarez gets none: no free one is left", "Nobody would get one")
}

// From a person's page, where no seat is free: one is bought for them, and then given to them. Two
// steps are confirmed, the order and the assignment, and the cart stays as it was.
func TestBuyingOneForAPersonAndGivingIt(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	form := b.Get(b.Get("/console/acme/directory/users/zoe").Link("+ Assign")).Form("/licenses/give")
	form.Set("product", "live-reports")
	form.Set("do", "review")
	short := b.Submit(form)
	short.Says("no free one is left", "It is priced and confirmed first, and leads back here.")
	buy := b.Get(short.Link("Buy one for Zoe Alvarez"))
	buy.Says("Buy Live Reports now")
	chosen := buy.Post()
	chosen.Set("costCenter", "CC-1")
	chosen.Set("do", "next")
	review := b.Submit(chosen)
	review.Says("Review Order", "Due today")
	confirm := review.Post()
	confirm.Set("acknowledged", "yes")
	confirm.Set("do", "order")
	ordered := b.Submit(confirm)
	ordered.Says("is placed")
	give := b.Get(ordered.Link("Go on with what it was bought for"))
	give.Says("Assign Live Reports to 1 person?", "Zoe Alvarez gets Live Reports")
	done := b.Submit(give.Post())
	done.Says("Live Reports is assigned to 1 person.")
	if done.URL.Path != "/console/acme/directory/users/zoe" {
		t.Errorf("it leads to %s", done.URL)
	}
	if got := held(t, api, "live-reports"); !slices.Equal(got, []string{"zoe"}) {
		t.Errorf("%v have one", got)
	}
	other := b.Get(short.Link("Buy one for Zoe Alvarez")).Post() // what leads out of the account leads nowhere
	other.Set("_back", "https://elsewhere.example/")
	other.Set("costCenter", "CC-1")
	other.Set("do", "next")
	if at := b.Submit(other); at.URL.Query().Has("back") {
		t.Errorf("it would lead to %s", at.URL)
	}
}
