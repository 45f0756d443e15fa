package pages_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
)

// Who deletes a user as an operator is led to where they are forgotten: it says what is replaced, what stays and when
// it ends, and how far it is.
func TestAPersonIsForgotten(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "root")
	const path = "/console/acme/accounts/of/acme/forget"
	ask := b.Get(b.Get("/console/acme/accounts/of/acme/archive").Link("Forget a person…"))
	ask.Says("Replaced within minutes: their name", "26 hours later, in the night", "Their id stays")
	early := ask.Post()
	early.Set("userId", "zoe")
	b.Submit(early).Says("Delete them first")
	early.Set("userId", "nobody")
	early.Set("_key", "another")
	b.Submit(early).Says("Was never in the directory of this account.")
	b.Get(path + "?q=zoe").Says("Nobody asked to have zoe forgotten")
	deleted := b.Submit(b.Get("/console/acme/directory/users/zoe/delete").Post())
	form := b.Get(deleted.Link("Forget them")).Post()
	if got := form.Values.Get("userId"); got != "zoe" {
		t.Errorf("of zoe, who was deleted, the form has %q", got)
	}
	b.Submit(form).Says("zoe is being forgotten.", "Asked for", "by root")
	for deadline := time.Now().Add(time.Minute); ; {
		page := b.Get(path + "?q=zoe")
		if strings.Contains(page.Text(), "out of the records, not yet out of files") {
			page.Says("Files go in the night after ")
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(page.Text())
		}
	}
	plain := c.SignIn(t, "acme", "eve", "directory.read", "directory.manage")
	gone := plain.Submit(plain.Get("/console/acme/directory/users/john/delete").Post())
	gone.Says("The user john is deleted.")
	gone.Hides("forgotten")
}

// An operator makes an archive of an account, waits for its files, and erases the account once it is closed, by
// typing its id; the certificate says what was erased.
func TestAnAccountIsArchivedAndErased(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	gone := c.Account(t, "gone", nil)
	b := c.SignIn(t, "acme", "root")
	page := b.Get(b.Get("/console/acme/accounts/of/gone").Link("Archive and erase"))
	page.Says("No archive of it was made yet.", "It cannot be erased now. Suspend it")
	early := b.Get("/console/acme/accounts/of/gone/erase")
	if len(early.Links("Back")) == 0 || strings.Contains(early.HTML, `name="confirm"`) {
		t.Error("an active account can be erased")
	}
	closed := client.PatchAccountRequest{State: new("closed")}
	if _, err := gone.PatchAccount(t.Context(), closed, client.Change{Key: "c"}); err != nil {
		t.Fatal(err)
	}
	page = b.Submit(page.Post())
	for deadline := time.Now().Add(time.Minute); !strings.Contains(page.Text(), "README.txt says"); {
		if time.Now().After(deadline) {
			t.Fatal(page.Text())
		}
		page = b.Get("/console/acme/accounts/of/gone/archive")
	}
	page.Says("Files of the archive", "manifest.json", "SHA-256")
	ask := b.Get(page.Link("Erase the account…"))
	ask.Says("Nobody can undo this", "Its id is never given out again.")
	form := ask.Post()
	form.Set("confirm", "acme")
	b.Submit(form).Says("Must be the id of the account, gone")
	form = b.Get(ask.URL.Path).Post()
	form.Set("confirm", "gone")
	certificate := b.Submit(form)
	certificate.Says("The account gone is being erased.", "Certificate of an erasure", "waits until",
		"Records erased 0")
	b.Get("/console/acme/accounts").Hides("gone")
	b.Get("/console/acme/accounts/erasures?q=nothing").Says("There is no such erasure.")
	untyped := b.Get(b.Get("/console/acme/accounts").Link("Erasures"))
	untyped.Says("Type the id of an erasure")
	untyped.Hides("There is no such erasure")
	plain := c.SignIn(t, "acme", "zoe", "directory.read")
	if p := plain.Get(certificate.URL.Path); p.Status != http.StatusForbidden {
		t.Errorf("%d", p.Status)
	}
}
