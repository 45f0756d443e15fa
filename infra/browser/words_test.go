package browser_test

import (
	"strings"
	"testing"

	"seatwise/shared/console/client"
)

// broken are the words in the cells of tables that go on in another line, as far as they fit into one.
func (p *person) broken() []string {
	p.t.Helper()
	return asks[[]string](p, `(() => {
		const broken = [];
		for (const cell of document.querySelectorAll("main :is(td, th, .tile b)")) {
			const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
			for (let node = walker.nextNode(); node; node = walker.nextNode()) {
				if (node.parentElement.closest("details:not([open]) > :not(summary)")) continue;
				for (const word of node.data.matchAll(/(?<![^\s@…/-])[^\s@…/-]{2,16}(?![^\s@…/-])/gu)) {
					const range = document.createRange();
					range.setStart(node, word.index);
					range.setEnd(node, word.index + word[0].length);
					const lines = new Set([...range.getClientRects()].map((r) => Math.round(r.top)));
					if (lines.size > 1) broken.push(word[0]);
				}
			}
		}
		return broken;
	})()`)
}

// On a tablet the tables of Directory and Audit break no word in its middle: an e-mail address breaks behind its @.
func TestWordsStayWholeOnATablet(t *testing.T) {
	p := sit(t, byMouse)
	id := newAccount()
	api := p.o.console.Account(t, id, map[string]int64{"phone-system": 1})
	for name, who := range map[string]string{"zoe": "Chloé Dvořák", "john": "Konstantin Hansen"} {
		change := client.PatchUserRequest{
			Name: &who, Email: client.Set(name + ".123@demo.example"), RoleIDs: client.Set([]string{"super-admin"}),
		}
		if _, err := api.PatchUser(t.Context(), name, change, key()); err != nil {
			t.Fatal(err)
		}
	}
	s := scene{person: p, account: id, api: api}
	s.give("phone-system", "zoe", "101")
	number := client.PatchUserRequest{Number: client.Set("+1 656 789 0101")}
	if _, err := api.PatchUser(t.Context(), "zoe", number, key()); err != nil {
		t.Fatal(err)
	}
	body := client.CreateMassConfigurationRequest{FileName: "phones.csv", SizeBytes: 20}
	file, err := api.CreateMassConfiguration(t.Context(), body, key())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.CancelMassConfiguration(t.Context(), file.Body.ID, key()); err != nil {
		t.Fatal(err)
	}
	p.signIn(id, "ada")
	p.size(768, tall)
	for _, path := range []string{"directory", "audit", "licenses", "mass-configurations", ""} {
		p.visit("/console/" + id + "/" + path)
		if words := p.broken(); len(words) > 0 {
			t.Errorf("%q breaks %s", path, strings.Join(words, ", "))
		}
	}
}

// On a small laptop neither a figure nor a short word of a table or a tile goes on in another line.
func TestWordsAndFiguresStayWholeOnALaptop(t *testing.T) {
	p := sit(t, byMouse)
	id := full(t, p.o)
	for _, made := range []struct{ name, zone string }{
		{"Northern Lights Telephone of Detroit", "America/New_York"},
		{"Acme", "America/Argentina/Buenos_Aires"},
	} {
		account := newAccount()
		p.o.console.Account(t, account, nil)
		api := p.o.console.API(t, account, "ada")
		now, err := api.GetAccount(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		body := client.PatchAccountRequest{Name: &made.name, Timezone: &made.zone}
		if _, err := api.PatchAccount(t.Context(), body, client.Change{Key: key().Key, Version: now.ETag}); err != nil {
			t.Fatal(err)
		}
	}
	p.signIn(id, "ada")
	p.size(1280, tall)
	for _, path := range []string{
		"", "accounts", "billing", "billing/periods", "billing/periods/current", "billing/idle", "billing/orders",
		"cart", "directory", "audit", "licenses", "live-reports", "usage", "requests", "purchase",
		"directory/imports", "mass-configurations",
	} {
		p.visit("/console/" + id + "/" + path)
		if words := p.broken(); len(words) > 0 {
			t.Errorf("%q breaks %s", path, strings.Join(words, ", "))
		}
	}
}

// The menu of the last of many rows leaves the foot of the list free, where the next page is.
func TestTheLastMenuLeavesTheFootFree(t *testing.T) {
	p := sit(t, byMouse)
	id := newAccount()
	p.o.console.Account(t, id, map[string]int64{"live-reports": 9})
	p.signIn(id, "ada")
	for _, width := range []int64{360, wide} {
		p.size(width, tall)
		p.visit("/console/" + id + "/licenses")
		if !asks[bool](p, `(() => {
			const menu = [...document.querySelectorAll("main td details.menu")].at(-1);
			menu.open = true;
			const [items, foot] = [menu.querySelector(".items"), document.querySelector("footer.page")];
			return items.getBoundingClientRect().bottom <= foot.getBoundingClientRect().top;
		})()`) {
			t.Errorf("at %d the menu of the last row lies over the foot of the list", width)
		}
	}
}
