package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"

	"seatwise/shared/console/client"
)

// The first page of all is in the zone of the browser already, and so is the next; then the reader
// chooses another one.
func TestChooseATimeZone(t *testing.T) {
	p := sit(t, byMouse)
	call(p, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"})
	api := p.o.console.Account(t, newAccount(), map[string]int64{"phone-system": 1})
	p.signIn(api.Account, "ada") // the account's zone is America/Detroit
	inZone := func(zone string) {
		t.Helper()
		p.until(func() string {
			wrong := asks[[]string](p, `[...document.querySelectorAll("time")].map((e) => e.title + " / " + e.textContent)`)
			if len(wrong) == 0 {
				return "no time is on " + p.at()
			}
			for _, one := range wrong {
				if strings.Count(one, zone) < 2 {
					return "a time is " + one + ", want " + zone
				}
			}
			return ""
		})
	}
	inZone("Asia/Tokyo")
	first := asks[string](p, `document.querySelector("time").textContent`)
	p.visit(p.at())
	inZone("Asia/Tokyo")
	if again := asks[string](p, `document.querySelector("time").textContent`); again != first {
		t.Errorf("the first page said %q, and the next one %q", first, again)
	}
	p.click("ada")
	p.click("Times in Asia/Tokyo")
	p.fill("Another zone", "Europe/Berlin")
	p.click("Save")
	p.see("Times are shown in Europe/Berlin now.")
	inZone("Europe/Berlin")
	p.visit("/console/" + api.Account + "/time-zone")
	p.click("The zone of the account")
	p.fill("Another zone", "")
	p.click("Save")
	inZone("America/Detroit")
}

// The search box finds numbers, licenses and orders.
func TestSearchByNumberLicenseAndOrder(t *testing.T) {
	s := admin(t, map[string]int64{"phone-system": 1})
	license := s.give("phone-system", "zoe", "4711")
	_, err := s.api.PatchUser(t.Context(), "zoe", client.PatchUserRequest{Number: client.Set("+1 656 789 1230")}, key())
	s.must(err)
	list, err := s.api.ListOrders(t.Context(), client.ListOrdersQuery{})
	s.must(err)
	for typed, found := range map[string]string{
		"16567891230": "Zoe Alvarez", license.ID: "Phone System", list.Body.Items[0].Number: list.Body.Items[0].Number,
	} {
		s.search("Find a person", typed)
		s.see(found)
		s.miss("Nothing is found")
	}
}

// Of several licenses that are terminated, one went to somebody meanwhile: the page says so before
// anything is done, and counts both afterwards.
func TestPartOfManyFails(t *testing.T) {
	s := admin(t, map[string]int64{"phone-system": 3})
	s.click("Licenses")
	s.click("Select all")
	s.click("Terminate")
	s.see("3 licenses")
	s.give("phone-system", "john", "101")
	s.click("Confirm")
	s.see("Something has changed since this page was made", "stays as it is")
	if got := s.summary("phone-system"); got.Bought != 3 {
		t.Errorf("something was done before the person knew: %+v", got)
	}
	s.click("Confirm")
	s.see("2 licenses are terminated; 1 not.")
	if got := s.summary("phone-system"); got.Assigned != 1 {
		t.Errorf("%+v", got)
	}
}

// What was done is said: who is deactivated, activated again, and deleted.
func TestDeactivateAndDeleteSayWhatWasDone(t *testing.T) {
	s := admin(t, nil)
	s.visit("/console/" + s.account + "/directory/users/zoe/deactivate")
	s.click("Deactivate")
	s.see("Zoe Alvarez is deactivated.")
	s.visit("/console/" + s.account + "/directory/users/zoe/delete")
	s.click("Delete")
	s.see("The user zoe is deleted.")
	s.miss("Zoe Alvarez")
}

// Of a person whom somebody else has changed too, each field is chosen for itself, in any way of working.
func TestChooseFieldByField(t *testing.T) {
	task(t, every, nil, func(s *scene) {
		s.signIn(s.account, "ada")
		s.visit("/console/" + s.account + "/directory/users/zoe/edit")
		s.fill("Name", "Zoe of mine")
		s.fill("E-mail", "zoe@mine.example")
		_, err := s.api.PatchUser(t.Context(), "zoe", client.PatchUserRequest{
			Name: new("Zoe of theirs"), Email: client.Set("zoe@theirs.example"),
		}, key())
		s.must(err)
		s.click("Save")
		s.see("Somebody else has changed this while you had it open.", "choose for each line that differs")
		if s.how == byMouse {
			s.suitsEverybody()
		}
		s.click("Name, yours: Zoe of mine")
		s.click("E-mail, there now: zoe@theirs.example")
		s.click("Save what is chosen")
		s.see("Zoe of mine is saved.")
		u, err := s.api.GetUser(t.Context(), "zoe")
		s.must(err)
		if u.Body.Name != "Zoe of mine" || u.Body.Email != "zoe@theirs.example" {
			t.Errorf("%+v", u.Body)
		}
	})
}

// Another person changes a license meanwhile: both versions of its cost center, and of its add-ons,
// are shown, and the choice is carried out.
func TestAnotherPersonsChangeOfALicense(t *testing.T) {
	for _, choice := range []string{"Save mine", "Keep what is there"} {
		t.Run(choice, func(t *testing.T) {
			s := admin(t, map[string]int64{"phone-system": 1, "call_recording": 1, "team_chat": 1})
			s.centers(1)
			license := s.give("phone-system", "zoe", "101")
			root := "/console/" + s.account + "/licenses/" + license.ID
			s.visit(root + "/cost-center")
			s.choose("Cost Center", "CC-2")
			s.charge(license.ID, "CC-100")
			s.click("Save")
			s.see("Somebody else has changed this while you had it open.")
			s.in("Your version and the one that is there now", func() { s.see("CC-2", "CC-100", "differs") })
			s.click(choice)
			s.miss("Somebody else has changed this")
			now, err := s.api.GetLicense(t.Context(), license.ID)
			s.must(err)
			want := map[string]string{"Save mine": "CC-2", "Keep what is there": "CC-100"}[choice]
			if now.Body.CostCenter != want {
				t.Errorf("it is charged to %s, want %s", now.Body.CostCenter, want)
			}
			s.visit(root + "/add-ons")
			s.click("Call Recording")
			chat := client.SetAddOnsRequest{ProductIDs: []string{"team_chat"}}
			_, err = s.api.SetAddOns(t.Context(), license.ID, chat, key())
			s.must(err)
			s.click("Save")
			s.see("Somebody else has changed this while you had it open.")
			s.in("Your version and the one that is there now", func() {
				s.see("Call Recording", "Team Chat", "differs")
			})
			s.click(choice)
			s.miss("Somebody else has changed this")
			held := map[string]string{"Save mine": "call_recording", "Keep what is there": "team_chat"}[choice]
			if got := s.summary(held); got.Assigned != 1 {
				t.Errorf("of %s: %+v", held, got)
			}
		})
	}
}

// On a narrow screen the row of pages is scrolled to the one that is open, and what follows a page
// that changed on its own goes on at its heading.
func TestTheNarrowMenuShowsThePage(t *testing.T) {
	s := admin(t, nil)
	s.size(360, 800)
	s.visit("/console/" + s.account + "/audit")
	if at := asks[[]float64](s.person, `(() => {
		const r = document.querySelector("nav.pages [aria-current]").getBoundingClientRect();
		return [r.left, r.right, innerWidth, scrollY];
	})()`); at[0] < 0 || at[1] > at[2] || at[3] != 0 {
		t.Errorf("the open page's link is at %v", at)
	}
}

// While one types, the box shows what it finds: asked for once after each pause, by keyboard alone, and
// nothing of it stays once one goes on.
func TestTheSearchBoxSuggests(t *testing.T) {
	s := admin(t, nil)
	const links = `[...document.querySelectorAll(".suggested:not([hidden]) a")].map((a) => a.textContent).join("; ")`
	shows := func(want string) {
		t.Helper()
		s.until(func() string {
			if got := asks[string](s.person, links); !strings.Contains(got, want) || (want == "") != (got == "") {
				return "the box suggests " + got + ", want " + want
			}
			return ""
		})
	}
	asks[bool](s.person, `(() => {
		const box = document.querySelector("[data-find]");
		for (const text of ["z", "zo", "zoe"]) { box.value = text; box.dispatchEvent(new Event("input")); }
		box.focus();
		return true;
	})()`)
	shows("Zoe Alvarez")
	const asked = `performance.getEntriesByType("resource").filter((e) => e.name.includes("/search?q=")).length`
	if n := asks[int](s.person, asked); n != 1 {
		t.Errorf("three letters in a row ask %d times", n)
	}
	s.looks("suggestions")
	s.key(keyOf["Down"])
	s.key(keyOf["Escape"])
	shows("")
	if !asks[bool](s.person, `document.activeElement.matches("[data-find]")`) {
		t.Error("Escape leads elsewhere than to the box")
	}
	s.fill("Find a person", "zoe")
	shows("Zoe Alvarez")
	s.key(keyOf["Down"])
	s.enter()
	s.see("zoe@example.com", "+ Assign")
	s.fill("Find a person", "nobody of this name")
	shows("")
}
