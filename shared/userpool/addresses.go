package userpool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"
)

// Client asks the service of user pools for one thing, such as UpdateUserPoolClient.
type Client interface {
	Ask(ctx context.Context, target string, in, out any) error
}

// Addresses sets up the console's client of the user pool. The template cannot: where the console is
// is known once the API is made, and the API wants the client's id before that.
type Addresses struct{ pools Client }

// NewAddresses makes it.
func NewAddresses(pools Client) *Addresses { return &Addresses{pools: pools} }

// errProperty refuses a resource that lacks one of its properties.
var errProperty = errors.New("the resource has no property")

// Answer takes an event of CloudFormation for the custom resource that stands for the client's
// settings, and tells CloudFormation how it went. Taking the resource away changes nothing: the
// client goes with its pool.
//
// Errors: what CloudFormation could not be told.
func (a *Addresses) Answer(ctx context.Context, payload []byte) ([]byte, error) {
	var event cfn.Event
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("read the event of CloudFormation: %w", err)
	}
	reason, err := cfn.LambdaWrap(a.set)(ctx, event)
	if err != nil {
		return nil, fmt.Errorf("tell CloudFormation: %w", err)
	}
	answer, err := json.Marshal(reason)
	if err != nil {
		return nil, fmt.Errorf("tell CloudFormation: %w", err)
	}
	return answer, nil
}

func (a *Addresses) set(ctx context.Context, event cfn.Event) (id string, data map[string]any, err error) {
	given := map[string]string{}
	for _, name := range []string{"UserPoolId", "ClientId", "Origin"} {
		value, _ := event.ResourceProperties[name].(string)
		if value == "" && event.RequestType != cfn.RequestDelete {
			return event.PhysicalResourceID, nil, fmt.Errorf("%w %s", errProperty, name)
		}
		given[name] = value
	}
	id = given["ClientId"]
	if event.RequestType == cfn.RequestDelete {
		return event.PhysicalResourceID, nil, nil
	}
	settings := clientSettings(strings.TrimSuffix(given["Origin"], "/") + "/console/-/")
	settings["UserPoolId"], settings["ClientId"] = given["UserPoolId"], given["ClientId"]
	var out struct{}
	return id, nil, a.pools.Ask(ctx, "AWSCognitoIdentityProviderService.UpdateUserPoolClient", settings, &out)
}

// clientSettings are all settings of the client, since the service takes back what is left out: it
// signs in by code alone, its tokens last a quarter of an hour and are exchanged for half a day, and
// it can read and write nothing of a person but their name and address.
func clientSettings(base string) map[string]any {
	return map[string]any{
		"ClientName":                      "console",
		"CallbackURLs":                    []string{base + "signed-in"},
		"LogoutURLs":                      []string{base + "signed-out"},
		"AllowedOAuthFlows":               []string{"code"},
		"AllowedOAuthFlowsUserPoolClient": true,
		"AllowedOAuthScopes":              []string{"openid"},
		"SupportedIdentityProviders":      []string{"COGNITO"},
		// The second one only for who may administer the pool in AWS: make smoke signs in so.
		"ExplicitAuthFlows":    []string{"ALLOW_USER_SRP_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"},
		"ReadAttributes":       []string{"email", "name"},
		"WriteAttributes":      []string{"email", "name"},
		"AccessTokenValidity":  15,
		"IdTokenValidity":      15,
		"RefreshTokenValidity": 12,
		"TokenValidityUnits": map[string]string{
			"AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "hours",
		},
		"RefreshTokenRotation":       map[string]any{"Feature": "ENABLED", "RetryGracePeriodSeconds": 60},
		"EnableTokenRevocation":      true,
		"PreventUserExistenceErrors": "ENABLED",
	}
}
