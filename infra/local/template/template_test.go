package template_test

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"seatwise/infra/local/template"
)

const small = `
Globals:
  Function: {Timeout: 29, Environment: {Variables: {TABLE: !Ref Table}}}
Resources:
  Api: {Type: AWS::Serverless::HttpApi, Properties: {Auth: {DefaultAuthorizer: Token}}}
  Table: {Type: AWS::DynamoDB::Table, Properties: {Events: [of, another, shape], Timeout: no}}
  Waiting: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 901, RedrivePolicy: {maxReceiveCount: 3}}}
  Drops: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub '${Prefix}-drops'}}
  One:
    Type: AWS::Serverless::Function
    Properties:
      Policies: [{Statement: [{Resource: [!GetAtt Table.Arn, !Sub '${Table.Arn}/index/*']}]}]
      Events:
        Get: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: get, Path: '/v1/things/{id}'}}
        Health: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: /v1/health, Auth: {Authorizer: NONE}}}
  Two:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 900
      Events:
        Dropped:
          Type: S3
          Properties:
            Bucket: !Ref Drops
            Events: s3:ObjectCreated:*
            Filter: {S3Key: {Rules: [{Name: prefix, Value: in/}, {Name: suffix, Value: .csv}]}}
        Work:
          Type: SQS
          Properties:
            Queue: !GetAtt Waiting.Arn
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: 9}
        Nightly: {Type: Schedule, Properties: {Schedule: cron(0 3 * * ? *)}}
        Off: {Type: Schedule, Properties: {Schedule: rate(1 hour), Enabled: false}}
`

func TestParse(t *testing.T) {
	got, err := template.Parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Functions) != 2 || got.Functions["One"].Timeout != 29*time.Second ||
		got.Functions["Two"].Timeout != 900*time.Second {
		t.Errorf("functions %+v", got.Functions)
	}
	routes := []template.Route{
		{Function: "One", Method: "GET", Path: "/v1/health", Open: true},
		{Function: "One", Method: "GET", Path: "/v1/things/{id}"},
	}
	if diff := cmp.Diff(routes, got.Routes); diff != "" {
		t.Errorf("routes, wanted -, got +:\n%s", diff)
	}
	if len(got.Triggers) != 1 || got.Triggers[0].Bucket != "Drops" || got.Triggers[0].Function != "Two" ||
		got.Triggers[0].Name != "Dropped" {
		t.Errorf("triggers %+v", got.Triggers)
	}
	schedules := []template.Schedule{{Function: "Two", Name: "Nightly", Expression: "cron(0 3 * * ? *)"}}
	if diff := cmp.Diff(schedules, got.Schedules); diff != "" {
		t.Errorf("schedules, wanted -, got +:\n%s", diff)
	}
	sources := []template.Source{{Function: "Two", Name: "Work", Queue: "Waiting", Concurrency: 9, Tries: 3}}
	if diff := cmp.Diff(sources, got.Sources); diff != "" {
		t.Errorf("sources, wanted -, got +:\n%s", diff)
	}
	if !slices.Equal(got.Buckets, []string{"Drops"}) {
		t.Errorf("buckets %v", got.Buckets)
	}
}

func TestTriggerMatches(t *testing.T) {
	trigger := template.Trigger{
		Events: []string{"s3:ObjectCreated:Put", "s3:ObjectCreated:Copy*"},
		Prefix: "in/",
		Suffix: ".csv",
	}
	for _, test := range []struct {
		event, key string
		want       bool
	}{
		{"ObjectCreated:Put", "in/a.csv", true},
		{"ObjectCreated:Copy", "in/a.csv", true},
		{"ObjectCreated:Post", "in/a.csv", false},
		{"ObjectRemoved:Delete", "in/a.csv", false},
		{"ObjectCreated:Put", "inn/a.csv", false},
		{"ObjectCreated:Put", "in/a.xlsx", false},
	} {
		if got := trigger.Matches(test.event, test.key); got != test.want {
			t.Errorf("%s %s: %v", test.event, test.key, got)
		}
	}
	if !(template.Trigger{Events: []string{"s3:ObjectCreated:*"}}).Matches(
		"ObjectCreated:CompleteMultipartUpload",
		"x",
	) {
		t.Error("a trigger without a filter misses an object")
	}
}

func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	for name, test := range map[string]struct{ old, replacement, want string }{
		"event type":     {"Type: S3\n", "Type: SNS\n", "SNS"},
		"no queue":       {"!GetAtt Waiting.Arn", "!GetAtt Table.Arn", "Queue"},
		"no redrive":     {"RedrivePolicy: {maxReceiveCount: 3}", "DelaySeconds: 0", "RedrivePolicy"},
		"comes too soon": {"VisibilityTimeout: 901", "VisibilityTimeout: 900", "before its function"},
		"whole batches":  {"[ReportBatchItemFailures]", "[]", "ReportBatchItemFailures"},
		"all at once":    {"MaximumConcurrency: 9", "MaximumConcurrency: 0", "MaximumConcurrency"},
		"catch-all":      {"'/v1/things/{id}'", "'/v1/{proxy+}/things'", "proxy"},
		"all of it":      {"'/v1/things/{id}'", "'/{proxy+}'", "proxy"},
		"slash at end":   {"'/v1/things/{id}'", "'/v1/things/'", "slash"},
		"any method":     {"Method: get", "Method: any", "one method"},
		"unknown bucket": {"!Ref Drops", "!Ref Table", "Bucket"},
		"unknown api":    {"ApiId: !Ref Api, Method: get", "ApiId: !Ref Table, Method: get", "ApiId"},
		"filter":         {"Name: suffix", "Name: infix", "infix"},
		"same route":     {"Path: /v1/health,", "Path: '/v1/things/{other}',", "belongs to One and to One"},
		"fixed input":    {"cron(0 3 * * ? *)}", "cron(0 3 * * ? *), Input: '{}'}", "Input"},
		"no functions":   {"AWS::Serverless::Function", "AWS::Lambda::Function", "no AWS::Serverless::Function"},
		"no YAML":        {"Globals:", "Globals: [", "read"},
	} {
		changed := strings.ReplaceAll(small, test.old, test.replacement)
		if changed == small {
			t.Fatalf("%s: nothing changed", name)
		}
		if _, err := template.Parse([]byte(changed)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want one about %q", name, err, test.want)
		}
	}
}

func TestTheApplicationsOwnTemplate(t *testing.T) {
	got, err := template.Load("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{
		"PurchaseFunction",
		"LicensesFunction",
		"AssignmentFunction",
		"MassConfigurationFunction",
		"MassConfigurationCheckFunction",
		"MassConfigurationApplyFunction",
		"DirectoryFunction",
		"UsageFunction",
		"UsageAggregationFunction",
		"ReportFunction",
		"ReportBuilderFunction",
		"MetricsFunction", "AuditFunction", "HealthFunction", "ConsoleFunction",
	} {
		if _, ok := got.Functions[id]; !ok {
			t.Errorf("docs/contract.md's %s is missing", id)
		}
	}
	for _, r := range got.Routes {
		open := slices.Contains([]string{
			"/v1/health", "/v1/openapi.json", "/v1/openapi.yaml", "/docs", "/docs/{file}",
			"/", "/console", "/console/{proxy+}", // which has a session of its own
		}, r.Path)
		if r.Open != open {
			t.Errorf("%s %s: open is %v", r.Method, r.Path, r.Open)
		}
	}
	if got.Default != "HealthFunction" || got.Options != "HealthFunction" {
		t.Errorf("what no route takes goes to %q, and OPTIONS to %q", got.Default, got.Options)
	}
}

// A gateway has no routes with a slash at their end, and {proxy+} is at least one segment: the
// address of the console that a deployment prints must be a route of its own.
func TestTheConsolesAddressIsARoute(t *testing.T) {
	raw, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var printed struct {
		Outputs struct {
			ConsoleURL struct {
				Value any `yaml:"Value"`
			} `yaml:"ConsoleUrl"`
		} `yaml:"Outputs"`
	}
	if err := yaml.Unmarshal(raw, &printed); err != nil {
		t.Fatal(err)
	}
	app, err := template.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	addresses := branches(printed.Outputs.ConsoleURL.Value)
	if len(addresses) != 3 {
		t.Fatalf("the address is one of %v, want those in front, of the domain and of the gateway", addresses)
	}
	for _, address := range addresses {
		path := address[strings.LastIndex(address, "}")+1:]
		if !slices.ContainsFunc(app.Routes, func(r template.Route) bool {
			return r.Function == "ConsoleFunction" && r.Method == http.MethodGet && r.Path == path
		}) {
			t.Errorf("%s has the path %s, which is no route", address, path)
		}
	}
}

// branches are what an !If within an !If may come to.
func branches(value any) []string {
	if text, ok := value.(string); ok {
		return []string{text}
	}
	var all []string
	if choice, ok := value.([]any); ok && len(choice) == 3 { // the condition, and the two values
		all = append(branches(choice[1]), branches(choice[2])...)
	}
	return all
}
