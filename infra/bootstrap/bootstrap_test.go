package bootstrap

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"seatwise/infra/linked"
	"seatwise/infra/registry"
	"seatwise/infra/testing/fixtures"
	"seatwise/infra/testing/programs"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/dynamo"
	"seatwise/shared/platform/wire"
)

const (
	account  = fixtures.Account
	accounts = "/v1/accounts/" + account
	uploads  = "seatwise-uploads"
)

// nowhere is the environment of a function that reaches neither table nor bucket.
func nowhere() map[string]string {
	return map[string]string{
		"AWS_REGION":            "us-east-1",
		"AWS_ACCESS_KEY_ID":     "key",
		"AWS_SECRET_ACCESS_KEY": "secret",
		"TABLE_NAME":            "none",
		"UPLOADS_BUCKET":        uploads,
		"REPORTS_BUCKET":        "seatwise-reports",
		"CURSOR_KEY":            "0123456789abcdef0123456789abcdef",
		"LOG_LEVEL":             "DEBUG",
	}
}

func TestHealthAnswersTheGateway(t *testing.T) {
	l := start(t, "HealthFunction", nowhere())
	for range 2 { // a process serves more than one invocation
		if got := l.http(
			t,
			event(t, "health-http"),
			http.StatusOK,
		); got["status"] != "ok" ||
			got["version"] != wire.Version {
			t.Fatalf("health: %v", got)
		}
	}
	cold := 0
	for _, line := range l.log.lines(t) {
		if began, _ := line["ColdStart"].(bool); began {
			cold++
		}
	}
	if cold != 1 {
		t.Errorf("%d of 2 invocations count as cold starts, want 1: %s", cold, l.log.String())
	}
}

// An event that a function does not serve is an error, which makes Lambda try again and put it
// aside in the end.
func TestAStrangeEventIsAnError(t *testing.T) {
	l := start(t, "HealthFunction", nowhere())
	r := l.invoke(t, event(t, "mass-configuration-check-uploaded"))
	if !r.failed || !strings.Contains(string(r.payload), "errorMessage") {
		t.Fatalf("answered %s", r.payload)
	}
	if strings.Contains(l.log.String(), "phones.csv") {
		t.Errorf("the log shows the event: %s", l.log.String())
	}
	l.http(t, event(t, "health-http"), http.StatusOK)
}

// A function that lacks a setting says which, and ends.
func TestAMissingSettingIsNamed(t *testing.T) {
	env := nowhere()
	delete(env, "TABLE_NAME")
	l := start(t, "LicensesFunction", env)
	<-l.ended
	if code := l.cmd.ProcessState.ExitCode(); code == 0 || !strings.Contains(l.log.String(), "TABLE_NAME") {
		t.Fatalf("ended with %d and said %s", code, l.log.String())
	}
}

// TestTheLinkerDropsTemplates reads the binary of the function that prints statements: were a
// template executed anywhere in it, it would be half as large again. A program that does execute one
// shows that the test can fail.
func TestTheLinkerDropsTemplates(t *testing.T) {
	for _, function := range []string{"PurchaseFunction", "LicensesFunction"} {
		names, err := linked.Functions(build(t, function))
		if err != nil {
			t.Fatal(err)
		}
		if names[linked.Execution] {
			t.Errorf("%s reaches %s", function, linked.Execution)
		}
		if !names["main.main"] {
			t.Errorf("no functions were found in %s", function)
		}
	}
	source := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nimport (\n\t\"html/template\"\n\t\"os\"\n)\n\n"+
		"func main() { _ = template.Must(template.New(\"t\").Parse(\"t\")).Execute(os.Stdout, nil) }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "templates")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-s -w", "-o", path, source)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	if names, err := linked.Functions(path); err != nil || !names[linked.Execution] {
		t.Errorf("a program that executes a template is not recognized: %v", err)
	}
}

// TestOverDynamoDBAndS3 asks functions over the APIs of AWS: lists licenses, asks for an upload,
// has the uploaded file checked by the S3 event, and reads the plan.
func TestOverDynamoDBAndS3(t *testing.T) {
	server := programs.DynamoDB(t)
	objects := gofakes3.New(s3mem.New(), gofakes3.WithAutoBucket(true))
	s3 := httptest.NewServer(objects.Server())
	defer s3.Close()
	env := nowhere()
	env["TABLE_NAME"] = "seatwise-bootstrap-" + rand.Text()
	env["AWS_REGION"] = server.Region
	env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"] = server.AccessKey, server.SecretKey
	env["AWS_SESSION_TOKEN"] = server.SessionToken
	env["AWS_ENDPOINT_URL_DYNAMODB"], env["AWS_ENDPOINT_URL_S3"] = server.URL, s3.URL
	furnish(t, env)

	licenses := start(t, "LicensesFunction", env)
	page := licenses.http(t, request(t, http.MethodGet, accounts+"/licenses", "licenses.read", nil), http.StatusOK)
	if items, _ := page["items"].([]any); len(items) != 2 {
		t.Fatalf("2 licenses were bought: %v", page)
	}
	licenses.http(t, request(t, http.MethodGet, accounts+"/licenses", "billing.read", nil), http.StatusForbidden)
	licenses.http(
		t,
		request(t, http.MethodGet, "/v1/accounts/globex/licenses", "licenses.read", nil),
		http.StatusNotFound,
	)

	api := start(t, "MassConfigurationFunction", env)
	const file = "Ext Key,Number,User,Addon license 1\n101,6567891230,john,\n102,6567891231,alice,no_such_code\n"
	made := api.http(
		t,
		request(
			t,
			http.MethodPost,
			accounts+"/mass-configurations",
			"licenses.manage",
			object{"fileName": "phones.csv", "sizeBytes": len(file)},
		),
		http.StatusCreated,
	)
	key := put(t, made, file)

	check := start(t, "MassConfigurationCheckFunction", env)
	uploaded := event(t, "mass-configuration-check-uploaded")
	records, _ := uploaded["Records"].([]any)
	record, _ := records[0].(object)
	of, _ := record["s3"].(object)
	of["object"] = object{"key": key, "size": len(file), "eTag": "x", "sequencer": "0055AED6DCD90281E5"}
	for range 2 { // S3 delivers at least once
		if r := check.invoke(t, uploaded); r.failed || string(r.payload) != "null" {
			t.Fatalf("the check answered %s", r.payload)
		}
	}

	plan := api.http(
		t,
		request(
			t,
			http.MethodGet,
			fmt.Sprintf("%s/mass-configurations/%v", accounts, made["id"]),
			"licenses.read",
			nil,
		),
		http.StatusOK,
	)
	counts, _ := plan["counts"].(object)
	want := object{"rows": 2.0, "new": 1.0, "change": 0.0, "unchanged": 0.0, "error": 1.0}
	if diff := cmp.Diff(want, counts); plan["state"] != "rejected" || diff != "" {
		t.Fatalf("the plan is %v, want rejected; its counts, wanted -, got +:\n%s", plan["state"], diff)
	}
	for _, l := range []*lambda{licenses, api, check} {
		l.log.lines(t)
		if said := l.log.String(); strings.Contains(said, "6567891230") || strings.Contains(said, "phones.csv") {
			t.Errorf("the log of %s shows what it was given: %s", l.function, said)
		}
	}
}

// furnish makes the table, and in it the account with two licenses and two users.
func furnish(t *testing.T, env map[string]string) {
	t.Helper()
	settings, err := wire.FromEnvironment(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	if err := dynamo.EnsureTable(t.Context(), settings.DynamoDB(), settings.Table); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		drop := &dynamodb.DeleteTableInput{TableName: &settings.Table}
		if _, err := settings.DynamoDB().DeleteTable(context.WithoutCancel(t.Context()), drop); err != nil {
			t.Errorf("drop the table: %v", err)
		}
	})
	fixture := fixtures.On(t, settings.OpenTable(new(table.Tally)))
	buy := registry.One(fixture.Env, "PurchaseFunction")
	people := registry.One(fixture.Env, "DirectoryFunction")
	call := func(handler http.Handler, method, path string, body object) object {
		t.Helper()
		r := fixture.Do(
			t,
			handler,
			fixtures.Request{
				Method:      method,
				Path:        accounts + path,
				Body:        body,
				User:        "zoe",
				Permissions: auth.Permissions(),
			},
		)
		if r.Status >= http.StatusMultipleChoices {
			t.Fatalf("%s %s: %d %s", method, path, r.Status, r.Body)
		}
		return fixtures.Decode[object](t, r, r.Status)
	}
	call(buy.HTTP, http.MethodPut, "/cost-centers/CC-1", object{"name": "One"})
	quote := call(
		buy.HTTP,
		http.MethodPost,
		"/quotes",
		object{"lines": []object{{"productId": "phone-system", "quantity": 2, "costCenter": "CC-1"}}},
	)
	call(buy.HTTP, http.MethodPost, "/orders", object{"quoteId": quote["id"], "acknowledged": true})
	for _, id := range []string{"john", "alice"} {
		call(people.HTTP, http.MethodPut, "/users/"+id, object{"name": id})
	}
}

// put uploads the file as the answer of the API says, and returns the object's key.
func put(t *testing.T, made object, file string) string {
	t.Helper()
	upload, _ := made["upload"].(object)
	req, err := http.NewRequestWithContext(
		t.Context(),
		fmt.Sprint(upload["method"]),
		fmt.Sprint(upload["url"]),
		strings.NewReader(file),
	)
	if err != nil {
		t.Fatal(err)
	}
	headers, _ := upload["headers"].(object)
	for name, value := range headers {
		if !strings.EqualFold(name, "Content-Length") { // net/http sends it automatically
			req.Header.Set(name, fmt.Sprint(value))
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("upload: %s", resp.Status)
	}
	return strings.TrimPrefix(req.URL.Path, "/"+uploads+"/")
}
