// Package signin is the port to the identity provider at which a deployment makes its own people.
package signin

import (
	"context"
	"errors"
)

// What the provider knows of a person beside the address: the account, and the id in its directory where
// that is not the provider's own. Neither they nor their client can write it (docs/identity.md).
const (
	AccountAttribute = "custom:account"
	UserAttribute    = "custom:user"
)

// Person is who is invited.
type Person struct{ Account, User, Name, Email string }

// ErrTaken refuses an address with which somebody else signs in: one address is one person.
var ErrTaken = errors.New("somebody else signs in with this address")

// Provider makes people.
type Provider interface {
	// Invite makes somebody who signs in as the person, and has them told how. Who was invited before as
	// the same one is told again, until they have signed in once. It may be repeated.
	//
	// Errors: ErrTaken; whatever went wrong on the way, after which it is unknown whether they were told.
	Invite(ctx context.Context, p Person) error
}
