package pages

import (
	"context"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

// firstAdmin is how the first super-admin of an account comes in, for the operator who made it.
type firstAdmin struct {
	account string
	admins  client.Answer[client.UserPage]
}

// ask asks who the super-admins of an account are.
func (a *firstAdmin) ask(c *web.Context, account string) func(context.Context) error {
	a.account = account
	return client.IfAllowed(client.Into(&a.admins, func(ctx context.Context) (client.Answer[client.UserPage], error) {
		return c.API.In(account).ListUsers(ctx, client.ListUsersQuery{Role: builtInRole, Limit: mostNames})
	}))
}

// missing says that nobody administers the account, to an operator who can make somebody who does.
func (a *firstAdmin) missing(c *web.Context) bool {
	return c.Operator() && c.May(auth.DirectoryManage) && a.admins.Status != 0 && a.admins.Body.NextCursor == "" &&
		noneActive(a.admins.Body.Items)
}

func noneActive(users []client.User) bool {
	for _, u := range users {
		if u.Active {
			return false
		}
	}
	return true
}

// link is the form of a new user of the account who is a super-admin.
func (a *firstAdmin) link(c *web.Context) string {
	return c.LinkOf(a.account, "directory", "users", "new") + "?role=" + builtInRole
}

// steps are what is to be done, in their order (docs/identity.md, The first operator).
func (a *firstAdmin) steps(c *web.Context) []string {
	if c.Invites() {
		return []string{
			"Put them into the directory, with the role Super Admin and the e-mail address with which they sign in.",
			"Press Invite on their page: a mail tells them how to sign in. They do the rest.",
		}
	}
	return []string{
		"Make them at the identity provider of this deployment, so that their token has the account " + a.account +
			" (claim account) and no permissions: those come from their role here.",
		"Put them into the directory with the role Super Admin, under the id that their token has. " +
			"They sign in, and do the rest.",
	}
}

// madeUser says that a user was made, and what lets them in.
func madeUser(c *web.Context, u client.User) view.Flash {
	done := web.Good(u.Name + " is in the directory.")
	switch {
	case c.Invites() && u.Email != "":
		done.Href, done.Link = c.Link("directory", "users", u.ID, "invite"), "Invite them to sign in"
	case c.Invites():
		done.More = []string{"To be invited to sign in, they need an e-mail address."}
	}
	return done
}
