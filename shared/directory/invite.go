package directory

import (
	"context"
	"errors"
	"time"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/signin"
	"seatwise/shared/platform/table"
)

// Invitation is what became of an invitation.
type Invitation struct {
	UserID    string    `json:"userId" doc:"Who was invited."`
	Email     string    `json:"email" doc:"The address that they sign in with, and that was written to."`
	InvitedAt time.Time `json:"invitedAt" doc:"When."`
}

// InviteUser has a user of the directory come to sign in at the deployment's own identity provider
// (requirements, section 15). Whoever signs in with the address is the user, so nobody invites somebody
// who may do more than they may themselves.
//
// Errors: not-found; forbidden; wrong-state without a provider of the deployment's own, and for a user
// without an address; user-inactive; email-in-use if somebody else signs in with the address; those of
// call.Claim; an error of the provider, after which the same call may be sent again.
func (s *Service) InviteUser(ctx context.Context, c *call.Call, id string) (Invitation, error) {
	user, _, err := s.GetUser(ctx, c, id)
	if err != nil {
		return Invitation{}, err
	}
	if err := s.invitable(ctx, c, user); err != nil {
		return Invitation{}, err
	}
	invitation := Invitation{UserID: user.ID, Email: user.Email, InvitedAt: c.At}
	if err := c.Claim(ctx); err != nil {
		return Invitation{}, err
	}
	person := signin.Person{Account: c.Account, User: user.ID, Name: user.Name, Email: user.Email}
	err = s.env.SignIn.Invite(ctx, person)
	if errors.Is(err, signin.ErrTaken) {
		err = problem.New(problem.EmailInUse, "Somebody else signs in with this e-mail address.").
			At("email", problem.Duplicate, "belongs to somebody else who signs in")
	}
	var audit table.Operation
	if err == nil {
		audit, err = c.Audit(call.AuditEntry{
			Action: "user.invited", Subject: "user", SubjectID: user.ID, User: user.ID,
			After: struct {
				Email string `json:"email"`
			}{user.Email},
		})
	}
	if err == nil {
		err = c.Commit(ctx, call.Begun(invitation), audit)
	}
	if err != nil {
		c.Release(ctx)
	}
	return invitation, err
}

// invitable refuses to invite who could not sign in, and who may do more than who asks.
func (s *Service) invitable(ctx context.Context, c *call.Call, user User) error {
	switch {
	case s.env.SignIn == nil:
		return problem.New(problem.WrongState, "People of this deployment are made at another identity provider; invite them there.")
	case !user.Active:
		return problem.New(problem.UserInactive, "Who is not active cannot sign in.")
	case user.Email == "":
		return problem.New(problem.WrongState, "The user has no e-mail address to sign in with; give them one first.").
			At("email", problem.Required, "is needed to sign in")
	case holdsAll(ctx):
		return nil
	}
	keys := make([]table.Key, len(user.RoleIDs))
	for i, role := range user.RoleIDs {
		keys[i] = access.RoleKey(c.Account, role)
	}
	found, err := s.lookup(ctx, keys)
	if err != nil {
		return err
	}
	has, err := permissionsOf(c, user.RoleIDs, found)
	if err != nil {
		return err
	}
	return within(ctx, "id", has)
}
