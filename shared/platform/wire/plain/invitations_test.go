package plain_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"seatwise/shared/platform/signin"
	"seatwise/shared/platform/wire/plain"
)

// TestInvitesAtUserPool has a pool that knows the address answer as Cognito does; the emulator's job has a
// pool of its own.
func TestInvitesAtUserPool(t *testing.T) {
	ada := signin.Person{Account: "acme", User: "ada", Name: "Ada", Email: "ada@acme.test"}
	const create, look, again = "AdminCreateUser", "AdminGetUser", "AdminCreateUser RESEND"
	for name, one := range map[string]struct {
		known map[string]string // nil: the address is new
		state string
		err   error
		asked []string
	}{
		"new":             {nil, "", nil, []string{create}},
		"never signed in": {known("acme", "ada"), "FORCE_CHANGE_PASSWORD", nil, []string{create, look, again}},
		"has signed in":   {known("acme", "ada"), "CONFIRMED", nil, []string{create, look}},
		"by the pool's own id": {
			map[string]string{"custom:account": "acme", "sub": "ada"}, "CONFIRMED", nil, []string{create, look},
		},
		"of another account": {
			known("globex", "ada"), "FORCE_CHANGE_PASSWORD", signin.ErrTaken, []string{create, look},
		},
		"somebody else of theirs": {known("acme", "bob"), "CONFIRMED", signin.ErrTaken, []string{create, look}},
		"an operator of no account": {
			map[string]string{"sub": "4f2c"}, "CONFIRMED", signin.ErrTaken, []string{create, look},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			server := httptest.NewServer(pool(t, one.known, one.state, &asked))
			defer server.Close()
			environment := map[string]string{"AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": server.URL}
			invitations := plain.NewInvitations("pool", func(name string) string { return environment[name] })
			if err := invitations.Invite(t.Context(), ada); !errors.Is(err, one.err) {
				t.Errorf("%v, want %v", err, one.err)
			}
			if !slices.Equal(asked, one.asked) {
				t.Errorf("asked for %v, want %v", asked, one.asked)
			}
		})
	}
}

func known(account, user string) map[string]string {
	return map[string]string{"custom:account": account, "custom:user": user, "sub": "4f2c"}
}

// pool answers for a user pool, and notes what it was asked for.
func pool(t *testing.T, known map[string]string, state string, asked *[]string) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			UserPoolID     string `json:"UserPoolId"`
			Username       string
			MessageAction  string
			UserAttributes []struct{ Name, Value string }
		}
		err := json.NewDecoder(r.Body).Decode(&in)
		if err != nil || in.UserPoolID != "pool" || in.Username != "ada@acme.test" {
			t.Errorf("asked for %+v, %v", in, err)
		}
		what := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AWSCognitoIdentityProviderService.")
		*asked = append(*asked, strings.TrimSpace(what+" "+in.MessageAction))
		given := map[string]string{}
		for _, a := range in.UserAttributes {
			given[a.Name] = a.Value
		}
		switch {
		case what == "AdminCreateUser" && (given["custom:account"] != "acme" || given["custom:user"] != "ada"):
			t.Errorf("made with %v", given)
		case what == "AdminCreateUser" && known != nil && in.MessageAction == "":
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"UsernameExistsException","message":"User account already exists"}`)
			return
		}
		attributes := []map[string]string{}
		for name, value := range known {
			attributes = append(attributes, map[string]string{"Name": name, "Value": value})
		}
		answer := map[string]any{"UserStatus": state, "UserAttributes": attributes}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}
}
