package plain

import (
	"context"
	"errors"
	"strings"

	"seatwise/shared/platform/signin"
)

// Invitations makes people at a user pool of Cognito, which mails them a password for the first sign-in.
type Invitations struct {
	pool    string
	service Service
}

var _ signin.Provider = Invitations{}

// NewInvitations makes people at the pool of this id.
func NewInvitations(pool string, getenv func(string) string) Invitations {
	return Invitations{pool: pool, service: service("cognito-idp", getenv)}
}

// attribute is what a pool knows of a person.
type attribute struct{ Name, Value string }

// unconfirmed is the status of who has never signed in.
const unconfirmed = "FORCE_CHANGE_PASSWORD"

// Invite implements signin.Provider.
func (i Invitations) Invite(ctx context.Context, p signin.Person) error {
	wanted := map[string]any{
		"UserPoolId": i.pool, "Username": p.Email, "DesiredDeliveryMediums": []string{"EMAIL"},
		"UserAttributes": []attribute{
			{"email", p.Email},
			{"email_verified", "true"},
			{"name", p.Name},
			{signin.AccountAttribute, p.Account},
			{signin.UserAttribute, p.User},
		},
	}
	err := i.ask(ctx, "AdminCreateUser", wanted, new(struct{}))
	var refusal *Refusal
	if !errors.As(err, &refusal) || !strings.HasSuffix(refusal.Type, "UsernameExistsException") {
		return err
	}
	var there struct {
		UserStatus     string
		UserAttributes []attribute
	}
	who := map[string]any{"UserPoolId": i.pool, "Username": p.Email}
	if err := i.ask(ctx, "AdminGetUser", who, &there); err != nil {
		return err
	}
	known := map[string]string{}
	for _, a := range there.UserAttributes {
		known[a.Name] = a.Value
	}
	user := known[signin.UserAttribute]
	if user == "" {
		user = known["sub"]
	}
	if known[signin.AccountAttribute] != p.Account || user != p.User {
		return signin.ErrTaken
	}
	if there.UserStatus != unconfirmed {
		return nil
	}
	wanted["MessageAction"] = "RESEND"
	return i.ask(ctx, "AdminCreateUser", wanted, new(struct{}))
}

func (i Invitations) ask(ctx context.Context, what string, in, out any) error {
	return i.service.Ask(ctx, "AWSCognitoIdentityProviderService."+what, in, out)
}
