package userpool_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seatwise/shared/platform/auth"
	"seatwise/shared/userpool"
)

type object = map[string]any

// asked is what a user pool of Cognito asks before it makes a token.
func asked(attributes object, groups ...string) []byte {
	event, err := json.Marshal(object{
		"version": "2", "triggerSource": "TokenGeneration_HostedAuth", "region": "eu-west-1", "userPoolId": "pool",
		"userName": "4f2c", "callerContext": object{"awsSdkVersion": "sdk", "clientId": "console"},
		"request": object{
			"userAttributes":     attributes,
			"groupConfiguration": object{"groupsToOverride": groups},
			"scopes":             []string{"openid"},
		},
		"response": object{},
	})
	if err != nil {
		panic(err)
	}
	return event
}

func TestClaims(t *testing.T) {
	var everything []any
	for _, p := range auth.Permissions() {
		everything = append(everything, string(p))
	}
	for name, one := range map[string]struct {
		event      []byte
		want       object
		suppressed []any
	}{
		"a person, by the directory's id": {
			asked(object{"sub": "4f2c", "custom:account": "acme", "custom:user": "ada"}),
			object{"account": "acme", "user": "ada"},
			[]any{"permissions"},
		},
		"a person, by the pool's id": {
			asked(object{"sub": "4f2c", "custom:account": "acme"}, "eu-west-1_a_Google"),
			object{"account": "acme", "user": "4f2c"},
			[]any{"permissions"},
		},
		"an operator": {
			asked(object{"sub": "4f2c"}, "operators"),
			object{"account": "operators", "user": "4f2c", "permissions": everything},
			nil,
		},
		"an operator who is somebody's user": {
			asked(object{"sub": "4f2c", "custom:account": "acme", "custom:user": "olga"}, "others", "operators"),
			object{"account": "acme", "user": "olga", "permissions": everything},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := userpool.Claims(t.Context(), one.event)
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				UserName string
				Request  object
				Response struct {
					ClaimsAndScopeOverrideDetails struct {
						AccessTokenGeneration struct {
							ClaimsToAddOrOverride object
							ClaimsToSuppress      []any
						}
					}
				}
			}
			if err := json.Unmarshal(answer, &got); err != nil {
				t.Fatal(err)
			}
			made := got.Response.ClaimsAndScopeOverrideDetails.AccessTokenGeneration
			if diff := cmp.Diff(one.want, made.ClaimsToAddOrOverride); diff != "" {
				t.Error(diff)
			}
			if !slices.Equal(made.ClaimsToSuppress, one.suppressed) {
				t.Errorf("suppressed %v, want %v", made.ClaimsToSuppress, one.suppressed)
			}
			if got.UserName != "4f2c" || len(got.Request) == 0 {
				t.Errorf("the pool wants its event back: %s", answer)
			}
		})
	}
}

// TestNoTokenWithoutAnAccount: a claim that is missing would be told by every answer of the API, not
// at the sign-in.
func TestNoTokenWithoutAnAccount(t *testing.T) {
	for _, groups := range [][]string{nil, {"operator"}, {"Operators"}} {
		if answer, err := userpool.Claims(t.Context(), asked(object{"sub": "4f2c"}, groups...)); !errors.Is(
			err, userpool.ErrNoAccount,
		) {
			t.Errorf("of the groups %v: %s, %v", groups, answer, err)
		}
	}
	if _, err := userpool.Claims(t.Context(), []byte("[]")); err == nil {
		t.Error("an event of another form is taken")
	}
}
