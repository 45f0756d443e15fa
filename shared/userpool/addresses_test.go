package userpool_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seatwise/shared/userpool"
)

// pools is the service of user pools: it remembers what it was asked for.
type pools struct {
	target string
	asked  object
	err    error
}

func (p *pools) Ask(_ context.Context, target string, in, _ any) error {
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	p.target = target
	return errors.Join(p.err, json.Unmarshal(data, &p.asked))
}

// told has CloudFormation send an event for the resource, and is what it is told.
func told(t *testing.T, p *pools, kind string, properties object) (answer struct {
	Status, Reason, PhysicalResourceID string
},
) {
	t.Helper()
	cloudFormation := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &answer) != nil {
			t.Errorf("told %s, %v", body, err)
		}
	}))
	defer cloudFormation.Close()
	event, err := json.Marshal(object{
		"RequestType": kind, "ResponseURL": cloudFormation.URL, "StackId": "stack", "RequestId": "1",
		"ResourceType": "Custom::SignInAddresses", "LogicalResourceId": "SignInAddresses",
		"PhysicalResourceId": "before", "ResourceProperties": properties,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := userpool.NewAddresses(p).Answer(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	return answer
}

var properties = object{
	"ServiceToken": "arn", "UserPoolId": "pool", "ClientId": "client", "Origin": "https://seatwise.example/",
}

func TestAddresses(t *testing.T) {
	for _, kind := range []string{"Create", "Update"} {
		p := &pools{}
		if got := told(t, p, kind, properties); got.Status != "SUCCESS" || got.PhysicalResourceID != "client" {
			t.Errorf("%s: %+v", kind, got)
		}
		if p.target != "AWSCognitoIdentityProviderService.UpdateUserPoolClient" {
			t.Errorf("asked for %s", p.target)
		}
		got := object{}
		for _, name := range []string{
			"UserPoolId", "ClientId", "CallbackURLs", "LogoutURLs", "AllowedOAuthFlows", "WriteAttributes",
		} {
			got[name] = p.asked[name]
		}
		want := object{
			"UserPoolId": "pool", "ClientId": "client",
			"CallbackURLs":      []any{"https://seatwise.example/console/-/signed-in"},
			"LogoutURLs":        []any{"https://seatwise.example/console/-/signed-out"},
			"AllowedOAuthFlows": []any{"code"},
			"WriteAttributes":   []any{"email", "name"}, // whoever could write the account would choose it
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAddressesThatCannotBeSet(t *testing.T) {
	refused := errors.New("no such client")
	if got := told(t, &pools{err: refused}, "Create", properties); got.Status != "FAILED" ||
		!strings.Contains(got.Reason, refused.Error()) {
		t.Errorf("refused by the pool: %+v", got)
	}
	p := &pools{}
	got := told(t, p, "Create", object{"UserPoolId": "pool", "ClientId": "client"})
	if got.Status != "FAILED" || !strings.Contains(got.Reason, "Origin") || p.target != "" {
		t.Errorf("without an origin: %+v, asked for %q", got, p.target)
	}
}

// TestAddressesAreLeftWhenTheResourceGoes: the client goes with its pool, and a deletion must not fail.
func TestAddressesAreLeftWhenTheResourceGoes(t *testing.T) {
	p := &pools{err: errors.New("gone")}
	if got := told(t, p, "Delete", object{}); got.Status != "SUCCESS" || got.PhysicalResourceID != "before" ||
		p.target != "" {
		t.Errorf("got %+v, asked for %q", got, p.target)
	}
}
