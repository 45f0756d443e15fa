package template_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"seatwise/shared/platform/files"
)

// stack is the part of template.yaml that says what may be touched, and what happens to what fails.
type stack struct {
	Resources map[string]struct {
		Type       string `yaml:"Type"`
		Properties any    `yaml:"Properties"`
	} `yaml:"Resources"`
}

type functionProperties struct {
	Policies []struct {
		Statement []policyStatement `yaml:"Statement"`
	} `yaml:"Policies"`
	EventInvokeConfig *struct {
		DestinationConfig struct {
			OnFailure struct {
				Destination string `yaml:"Destination"`
			} `yaml:"OnFailure"`
		} `yaml:"DestinationConfig"`
	} `yaml:"EventInvokeConfig"`
	Events map[string]functionEvent `yaml:"Events"`
}

type functionEvent struct {
	Type       string `yaml:"Type"`
	Properties struct {
		Method           string `yaml:"Method"`
		Path             string `yaml:"Path"`
		Schedule         string `yaml:"Schedule"`
		DeadLetterConfig *struct {
			Arn string `yaml:"Arn"`
		} `yaml:"DeadLetterConfig"`
	} `yaml:"Properties"`
}

// ofAccount says whether it is a request of an account.
func ofAccount(e functionEvent) bool {
	return e.Type == "HttpApi" && strings.HasPrefix(e.Properties.Path, "/v1/accounts/{account}")
}

// may says whether a function may do something.
func (f functionProperties) may(action string) bool {
	for _, policy := range f.Policies {
		for _, s := range policy.Statement {
			if slices.Contains(list(s.Action), action) {
				return true
			}
		}
	}
	return false
}

type policyStatement struct {
	Effect    string `yaml:"Effect"`
	Action    any    `yaml:"Action"`
	Resource  any    `yaml:"Resource"`
	Condition struct {
		All struct {
			Keys []string `yaml:"dynamodb:LeadingKeys"`
		} `yaml:"ForAllValues:StringLike"`
	} `yaml:"Condition"`
}

// counts says whether a statement allows what it does with the items alone that requests are counted
// in.
func (s policyStatement) counts() bool {
	return slices.Equal(s.Condition.All.Keys, []string{"A#*#QUOTA"})
}

func functions(t *testing.T) map[string]functionProperties {
	t.Helper()
	raw, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var s stack
	if err := yaml.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	all := map[string]functionProperties{}
	for id, r := range s.Resources {
		if r.Type != "AWS::Serverless::Function" {
			continue
		}
		properties, err := yaml.Marshal(r.Properties)
		if err != nil {
			t.Fatal(err)
		}
		var p functionProperties
		if err := yaml.Unmarshal(properties, &p); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		all[id] = p
	}
	return all
}

// list makes a list of what may be one value or several.
func list(v any) []string {
	values, ok := v.([]any)
	if !ok {
		return []string{fmt.Sprint(v)}
	}
	var all []string
	for _, one := range values {
		all = append(all, fmt.Sprint(one))
	}
	return all
}

// sweeps is the one function that reads the whole table. It serves no requests (docs/isolation.md).
const sweeps = "OffboardingFunction"

func TestWhoScansServesNoRequests(t *testing.T) {
	f := functions(t)[sweeps]
	for name, e := range f.Events {
		if e.Type != "S3" && e.Type != "Schedule" {
			t.Errorf("%s takes %s, an event of type %s", sweeps, name, e.Type)
		}
	}
	// It removes what lies in every folder, and nothing else.
	for bucket, folders := range files.Folders() {
		for _, folder := range folders {
			if !f.touches("s3:DeleteObjectVersion", "-"+string(bucket)+"-", "/"+folder+"*") {
				t.Errorf("%s may not remove %s of %s", sweeps, folder, bucket)
			}
		}
	}
}

// touches says whether a function may do something with a resource that has both in its name.
func (f functionProperties) touches(action string, parts ...string) bool {
	for _, policy := range f.Policies {
		for _, s := range policy.Statement {
			for _, resource := range list(s.Resource) {
				if slices.Contains(list(s.Action), action) && strings.Contains(resource, parts[0]) &&
					strings.HasSuffix(resource, parts[1]) {
					return true
				}
			}
		}
	}
	return false
}

func TestEachFunctionMayTouchNoMoreThanItNeeds(t *testing.T) {
	for id, f := range functions(t) {
		onlyReads := len(f.Events) > 0 // what CloudFormation or a user pool invokes has none
		for _, e := range f.Events {
			onlyReads = onlyReads && e.Type == "HttpApi" && e.Properties.Method == "GET"
		}
		for _, policy := range f.Policies {
			for _, s := range policy.Statement {
				for _, action := range list(s.Action) {
					if s.counts() && slices.Contains(countsRequests, action) {
						continue
					}
					if strings.Contains(action, "*") {
						t.Errorf("%s may do %s", id, action)
					}
					_, verb, _ := strings.Cut(action, ":")
					reads := strings.HasPrefix(verb, "Get") || strings.HasPrefix(verb, "BatchGet") ||
						strings.HasPrefix(verb, "Query") ||
						strings.HasPrefix(verb, "List")
					if onlyReads && !reads {
						t.Errorf("%s only reads and may do %s", id, action)
					}
					if verb == "Scan" && id != sweeps {
						t.Errorf("%s may scan the table", id)
					}
				}
				for _, resource := range list(s.Resource) {
					// All of an index, or everything under a prefix; never a whole bucket's objects
					// or everything there is.
					if resource == "*" ||
						strings.Contains(resource, ":s3:::") && strings.HasSuffix(resource, "${AWS::Region}/*") {
						t.Errorf("%s may touch %s", id, resource)
					}
				}
			}
		}
	}
}

// countsRequests is what a function does to tell others of the requests that it took.
var countsRequests = []string{"dynamodb:PutItem", "dynamodb:UpdateItem"}

// TestWhoServesAccountsMayCountTheirRequests holds for every function with an operation of an account:
// without that its requests would not be limited.
func TestWhoServesAccountsMayCountTheirRequests(t *testing.T) {
	served := 0
	for id, f := range functions(t) {
		if !slices.ContainsFunc(slices.Collect(maps.Values(f.Events)), ofAccount) {
			continue
		}
		served++
		for _, action := range countsRequests {
			if !f.may(action) {
				t.Errorf("%s serves operations of accounts and may not %s", id, action)
			}
		}
	}
	if served < 10 {
		t.Errorf("%d functions serve operations of accounts", served)
	}
}

// TestWhoWritesMayDemandWhatAllowedIt holds for every function that serves HTTP: a commit of somebody
// whose permissions the directory knows checks user and role (requirements, section 9).
func TestWhoWritesMayDemandWhatAllowedIt(t *testing.T) {
	for id, f := range functions(t) {
		may := map[string]bool{}
		for _, policy := range f.Policies {
			for _, s := range policy.Statement {
				for _, action := range list(s.Action) {
					may[action] = may[action] || !s.counts()
				}
			}
		}
		serves := false
		for _, e := range f.Events {
			serves = serves || e.Type == "HttpApi"
		}
		reads := may["dynamodb:GetItem"] && may["dynamodb:Query"]
		if serves && (may["dynamodb:GetItem"] || may["dynamodb:Query"]) && !reads {
			t.Errorf("%s may not read who calls", id)
		}
		if serves && may["dynamodb:PutItem"] && !may["dynamodb:ConditionCheckItem"] {
			t.Errorf("%s may not demand what allowed a commit", id)
		}
	}
}

func TestNoFailureOfAnEventIsLost(t *testing.T) {
	for id, f := range functions(t) {
		for name, e := range f.Events {
			if e.Type == "HttpApi" || e.Type == "SQS" { // the queue itself sets aside what fails
				continue
			}
			if f.EventInvokeConfig == nil || f.EventInvokeConfig.DestinationConfig.OnFailure.Destination == "" {
				t.Errorf("%s takes %s and has no destination for what fails", id, name)
			}
			if e.Type == "Schedule" && e.Properties.DeadLetterConfig == nil {
				t.Errorf("%s, %s: what cannot be delivered is lost", id, name)
			}
		}
	}
}
