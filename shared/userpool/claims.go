// Package userpool is what the deployment's own identity provider, a user pool of Cognito, needs of
// us: the claims of its tokens, and the addresses at which the console signs in (docs/identity.md).
package userpool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-lambda-go/events"

	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/signin"
)

const (
	// OperatorsGroup is the group of the pool whose members get every permission in their token.
	OperatorsGroup = "operators"
	// UserClaim is the claim with the user's id.
	UserClaim = "user"
)

// ErrNoAccount refuses a sign-in: the person belongs to no account.
var ErrNoAccount = errors.New("you belong to no account yet; whoever invited you has to say which")

// Claims answers the trigger that is asked before a token is made, with the claims of the access
// token (requirements, section 9): account and user for everybody, permissions for operators alone.
// Those of everybody else are the roles' of the directory, so a token must not name any.
//
// Errors: ErrNoAccount, which ends the sign-in; an event of another form.
func Claims(_ context.Context, payload []byte) ([]byte, error) {
	var event events.CognitoEventUserPoolsPreTokenGenV2_0
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("read what the user pool asks: %w", err)
	}
	given := event.Request.UserAttributes
	operator := slices.Contains(event.Request.GroupConfiguration.GroupsToOverride, OperatorsGroup)
	claims := map[string]any{UserClaim: given["sub"]}
	if id := given[signin.UserAttribute]; id != "" {
		claims[UserClaim] = id
	}
	switch account := given[signin.AccountAttribute]; {
	case account != "":
		claims["account"] = account
	case operator:
		claims["account"] = OperatorsGroup // no customer's: an operator enters one by name
	default:
		return nil, ErrNoAccount
	}
	var suppressed []string
	if operator {
		claims["permissions"] = auth.Permissions()
	} else {
		suppressed = []string{"permissions"}
	}
	event.Response.ClaimsAndScopeOverrideDetails = events.ClaimsAndScopeOverrideDetailsV2_0{
		AccessTokenGeneration: events.AccessTokenGenerationV2_0{
			ClaimsToAddOrOverride: claims, ClaimsToSuppress: suppressed,
		},
	}
	answer, err := json.Marshal(event)
	if err != nil {
		return nil, fmt.Errorf("answer the user pool: %w", err)
	}
	return answer, nil
}
