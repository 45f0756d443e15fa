package pages

import (
	"context"
	"maps"
	"slices"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
)

// offboardingRoutes are the pages below Accounts by which an account leaves: its archive, its erasure, and the
// certificate of that.
var offboardingRoutes = []web.Route{
	{Path: "accounts/of/{id}/archive", Show: showArchive, Send: sendArchive, Submit: "Make an archive"},
	{
		Path: "accounts/of/{id}/erase", Show: showErase, Send: sendErase, Submit: "Erase for good",
		Fields: web.Fields("confirm", "The account's id"),
	},
	{
		Path: "accounts/of/{id}/forget", Show: showForget, Send: sendForget, Submit: "Forget for good",
		Fields: web.Fields("userId", "The person's id"),
	},
	{Path: "accounts/erasures", Show: showErasure},
}

// leavingAccount is an account with the archive of it that was asked for last.
type leavingAccount struct {
	client.Account
	archive client.Answer[client.ArchiveView]
}

func loadLeaving(c *web.Context) (leavingAccount, error) {
	var a client.Answer[client.Account]
	var l leavingAccount
	api := c.API.In(c.Param("id"))
	err := c.Load(client.Into(&a, api.GetAccount), client.IfThere(client.Into(&l.archive, api.GetArchive)))
	l.Account = a.Body
	return l, err
}

// running says that the archive is being made.
func (l leavingAccount) running() bool {
	return l.archive.Body.State == "queued" || l.archive.Body.State == "running"
}

// archived says that there are files to download.
func (l leavingAccount) archived() bool { return l.archive.Body.State == "ready" }

// lacks is what is to be done before the account can be erased; empty for nothing.
func (l leavingAccount) lacks() string {
	switch {
	case l.State != "closed":
		return "Suspend it, wait until its last billing period is closed, and then close it, all under Change."
	case l.archive.Status == 0:
		return "Make an archive of it first. What is erased is nowhere else."
	}
	return ""
}

func showArchive(c *web.Context, f *view.Form) error {
	l, err := loadLeaving(c)
	if err != nil {
		return err
	}
	if l.running() {
		c.Refresh(refreshMass)
	}
	return c.Show("Archive of "+l.Name, archivePage(c, f, l))
}

func sendArchive(c *web.Context, f *view.Form) error {
	if _, err := c.API.In(c.Param("id")).ArchiveAccount(c.R.Context(), c.Change(f)); err != nil {
		return err
	}
	return c.Done(c.Link("accounts", "of", c.Param("id"), "archive"),
		web.Good("The archive is being made.", "It takes minutes, and longer where the stack has much data."))
}

func showErase(c *web.Context, f *view.Form) error {
	l, err := loadLeaving(c)
	if err != nil {
		return err
	}
	return c.Show("Erase "+l.Name, erasePage(c, f, l))
}

func sendErase(c *web.Context, f *view.Form) error {
	typed := trimmed(f, "confirm")
	if typed != c.Param("id") {
		return web.Wrong("confirm", "must be the id of the account, "+c.Param("id")+", as it stands here")
	}
	body := client.EraseAccountRequest{Confirm: typed}
	begun, err := c.API.In(c.Param("id")).EraseAccount(c.R.Context(), body, c.Change(f))
	if err != nil {
		return err
	}
	return c.Done(c.Link("accounts", "erasures")+"?q="+begun.Body.ID,
		web.Warn("The account "+typed+" is being erased.", "Keep the id of the erasure: nothing else leads to its certificate."))
}

// forgetLink is where operators have somebody of an account forgotten.
func forgetLink(c *web.Context, account string) string {
	return c.Link("accounts", "of", account, "forget")
}

// showForget asks who is to be forgotten, and shows how far it is with the person of the address.
func showForget(c *web.Context, f *view.Form) error {
	var a client.Answer[client.Account]
	var person client.Answer[client.Forgotten]
	api, id := c.API.In(c.Param("id")), strings.TrimSpace(c.Query().Get("q"))
	calls := []func(context.Context) error{client.Into(&a, api.GetAccount)}
	if id != "" {
		calls = append(calls, client.IfThere(
			client.Into(&person, func(ctx context.Context) (client.Answer[client.Forgotten], error) {
				return api.GetForgottenUser(ctx, id)
			}),
		))
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	if state := person.Body.State; state == "queued" || state == "running" {
		c.Refresh(refreshMass)
	}
	return c.Show("Forget a person", forgetPage(c, f, a.Body, person.Body))
}

func sendForget(c *web.Context, f *view.Form) error {
	id := trimmed(f, "userId")
	if id == "" {
		return web.Wrong("userId", "must be given, such as zoe")
	}
	if _, err := c.API.In(c.Param("id")).ForgetUser(c.R.Context(), id, c.Change(f)); err != nil {
		if client.Is(err, "not-found") {
			return web.Wrong("userId", "was never in the directory of this account")
		}
		return err
	}
	return c.Done(forgetLink(c, c.Param("id"))+"?q="+queryEscape(id), web.Warn(id+" is being forgotten."))
}

// forgottenState is how far it is with somebody who is forgotten.
func forgottenState(p client.Forgotten) (kind, word string) {
	switch p.State {
	case "forgotten":
		return "good", "forgotten"
	case "again":
		return "warn", "out of the records, not yet out of files"
	}
	return "warn", "being taken out of the records"
}

// forgottenFacts are what is known of it.
func forgottenFacts(f *view.Format, p client.Forgotten) []view.Both {
	facts := []view.Both{{Label: "Asked for", Yours: f.Whole(p.AskedAt) + " by " + p.AskedBy}}
	if p.State == "again" {
		facts = append(facts, view.Both{Label: "Files go", Yours: "in the night after " + f.Whole(p.DueAt)})
	}
	if !p.EndedAt.IsZero() {
		facts = append(facts, view.Both{Label: "Ended", Yours: f.Whole(p.EndedAt)})
	}
	if p.Unchanged > 0 {
		facts = append(facts, view.Both{Label: "Records that could not be changed", Yours: f.Number(p.Unchanged)})
	}
	return facts
}

func showErasure(c *web.Context, _ *view.Form) error {
	var e client.Answer[client.Certificate]
	err := c.Load(func(ctx context.Context) (err error) {
		id := strings.TrimSpace(c.Query().Get("q"))
		if id == "" {
			return nil
		}
		if e, err = c.API.GetErasure(ctx, id); client.Is(err, "not-found") || client.Is(err, "validation") {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if e.Body.State == "running" {
		c.Refresh(refreshMass)
	}
	return c.Show("Certificate of an erasure", erasurePage(c, e.Body))
}

// erasureState is how far an erasure is.
func erasureState(f *view.Format, e client.Certificate) (kind, word string) {
	switch e.State {
	case "waiting":
		return "warn", "waits until " + f.Time(e.DueAt) + ", and then for the night"
	case "running":
		return "warn", "under way"
	}
	return "good", "erased"
}

// erasureFacts are what a certificate says, but for what remains.
func erasureFacts(f *view.Format, e client.Certificate) []view.Both {
	facts := []view.Both{
		{Label: "Erasure", Yours: e.ID},
		{Label: "Asked for", Yours: f.Whole(e.AskedAt) + " by " + e.AskedBy},
		{Label: "Records erased", Yours: f.Number(e.Counts.Records)},
		{Label: "Versions of files erased", Yours: f.Number(e.Counts.Versions)},
	}
	for _, kind := range slices.Sorted(maps.Keys(e.Counts.Kinds)) {
		facts = append(facts, view.Both{Label: "Of these: " + kind, Yours: string(e.Counts.Kinds[kind])})
	}
	if !e.EndedAt.IsZero() {
		facts = append(facts, view.Both{Label: "Erased", Yours: f.Whole(e.EndedAt)})
	}
	return facts
}

// sizeOf is a size as it is read.
func sizeOf(f *view.Format, bytes int64) string {
	const kib = 1 << 10
	return f.Number((bytes+kib-1)/kib) + " KiB"
}
