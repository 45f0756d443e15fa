package template_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// sealing are the operations of openapi.yaml that make or take a cursor or a plan, as METHOD path.
func sealing(t *testing.T) map[string]bool {
	t.Helper()
	raw, err := os.ReadFile("../../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]any `yaml:"paths"`
	}
	if err := yaml.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for path, methods := range document.Paths {
		for method, operation := range methods {
			fields, _ := operation.(map[string]any)
			parameters, _ := fields["parameters"].([]any)
			for _, one := range parameters {
				parameter, _ := one.(map[string]any)
				ref, _ := parameter["$ref"].(string)
				if strings.HasSuffix(ref, "/CursorQuery") || strings.HasSuffix(ref, "/IfPlanHeader") {
					all[strings.ToUpper(method)+" "+path] = true
				}
			}
		}
	}
	return all
}

// A function that signs cursors or plans may read what with, and no other one may.
func TestWhoSignsMayReadTheKey(t *testing.T) {
	signed := sealing(t)
	if len(signed) < 50 {
		t.Fatalf("%d operations have a cursor or a plan", len(signed))
	}
	for id, f := range functions(t) {
		signs, may := id == "DeferredFunction", false // of dry runs that it carries out
		for _, e := range f.Events {
			signs = signs || e.Type == "HttpApi" && signed[e.Properties.Method+" "+e.Properties.Path]
		}
		for _, policy := range f.Policies {
			for _, s := range policy.Statement {
				for _, resource := range list(s.Resource) {
					may = may || resource == "CursorKey.Id"
				}
			}
		}
		if signs != may {
			t.Errorf("%s signs cursors or plans: %t, and may read the key: %t", id, signs, may)
		}
	}
}

// A function's configuration is read by whoever may describe it, and kept with each version of it.
func TestNoSecretIsInAConfiguration(t *testing.T) {
	raw, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, dynamic := range regexp.MustCompile(`\{\{resolve:[^}]*\}\}?`).FindAll(raw, -1) {
		t.Errorf("the value of %s is filled in when the stack is made", dynamic)
	}
	if regexp.MustCompile(`(?m)^\s+NoEcho:`).Match(raw) {
		t.Error("a parameter is a secret; make it one of Secrets Manager, and hand its ARN on")
	}
}

// A key of one's own encrypts all that is kept: whoever gives one believes so.
func TestAKeyOfOnesOwnEncryptsAll(t *testing.T) {
	raw, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var s stack
	if err := yaml.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{
		"AWS::DynamoDB::Table":        "KMSMasterKeyId",
		"AWS::S3::Bucket":             "KMSMasterKeyID",
		"AWS::SecretsManager::Secret": "KmsKeyId",
		"AWS::SQS::Queue":             "KmsMasterKeyId",
		"AWS::Logs::LogGroup":         "KmsKeyId",
	}
	judged := 0
	for id, r := range s.Resources {
		name, keeps := names[r.Type]
		if !keeps {
			continue
		}
		judged++
		properties, err := yaml.Marshal(r.Properties)
		if err != nil {
			t.Fatal(err)
		}
		given := regexp.MustCompile(name + `:\s+- HasKey\s+- KmsKeyArn\s+- AWS::NoValue`)
		if !given.Match(properties) {
			t.Errorf("%s is not encrypted with KmsKeyArn", id)
		}
	}
	if judged < 8 {
		t.Errorf("only %d resources keep something", judged)
	}
}
