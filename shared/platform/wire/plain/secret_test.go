package plain_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"seatwise/shared/platform/wire/plain"
)

const arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:SessionKey"

// said is an answer, and stages what stands for each stage of the value.
type said struct {
	status int
	body   string
}

type stages map[string]said

// manager answers as Secrets Manager does.
func manager(t *testing.T, stages stages) plain.Secret {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ SecretId, VersionStage string } //nolint:revive // as the service names them
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &asked) != nil || asked.SecretId != arn {
			t.Errorf("asked for %s, %v", body, err)
		}
		signed := r.Header.Get("Authorization")
		for _, part := range []string{
			"AWS4-HMAC-SHA256", "Credential=ID/20261103/eu-west-1/secretsmanager/", "x-amz-target",
		} {
			if !strings.Contains(signed, part) {
				t.Errorf("the signature lacks %s: %s", part, signed)
			}
		}
		if r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" ||
			r.Header.Get("X-Amz-Security-Token") != "SESSION" {
			t.Errorf("the headers are %v", r.Header)
		}
		answer := stages[asked.VersionStage]
		w.WriteHeader(answer.status)
		_, _ = io.WriteString(w, answer.body)
	}))
	t.Cleanup(server.Close)
	return plain.Secret{ID: arn, Service: plain.Service{
		Name: "secretsmanager", Region: "eu-west-1", Endpoint: server.URL + "/", HTTP: server.Client(),
		Clock: func() time.Time { return time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC) },
		Getenv: func(name string) string {
			return map[string]string{
				"AWS_ACCESS_KEY_ID": "ID", "AWS_SECRET_ACCESS_KEY": "KEY", "AWS_SESSION_TOKEN": "SESSION",
			}[name]
		},
	}}
}

// The present value comes first, then the one before it: a session that it has sealed still opens.
func TestBothValuesOfASecret(t *testing.T) {
	for name, one := range map[string]struct {
		there stages
		want  string
	}{
		"two": {stages{
			"AWSCURRENT":  {http.StatusOK, `{"SecretString": "new"}`},
			"AWSPREVIOUS": {http.StatusOK, `{"SecretString": "old"}`},
		}, "new old"},
		"the first one ever": {stages{
			"AWSCURRENT":  {http.StatusOK, `{"SecretString": "new"}`},
			"AWSPREVIOUS": {http.StatusBadRequest, `{"__type": "ResourceNotFoundException"}`},
		}, "new"},
	} {
		values, err := manager(t, one.there).Values(t.Context())
		var got []string
		for _, v := range values {
			got = append(got, string(v))
		}
		if err != nil || strings.Join(got, " ") != one.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// Without the present value nothing is sealed: an error, never an empty key.
func TestASecretThatCannotBeRead(t *testing.T) {
	old := said{http.StatusOK, `{"SecretString": "old"}`}
	for name, there := range map[string]stages{
		"is not there": {
			"AWSCURRENT":  {http.StatusBadRequest, `{"__type": "com.amazonaws#ResourceNotFoundException"}`},
			"AWSPREVIOUS": old,
		},
		"is empty":   {"AWSCURRENT": {http.StatusOK, `{"SecretString": ""}`}, "AWSPREVIOUS": old},
		"is no JSON": {"AWSCURRENT": {http.StatusOK, `<html>`}, "AWSPREVIOUS": old},
		"is refused": {
			"AWSCURRENT":  {http.StatusBadRequest, `{"__type": "AccessDeniedException"}`},
			"AWSPREVIOUS": old,
		},
		"fails": {"AWSCURRENT": {http.StatusBadGateway, `oops`}, "AWSPREVIOUS": old},
		"has a former value that fails": {
			"AWSCURRENT":  {http.StatusOK, `{"SecretString": "new"}`},
			"AWSPREVIOUS": {http.StatusInternalServerError, `{"__type": "InternalServiceError"}`},
		},
	} {
		values, err := manager(t, there).Values(t.Context())
		if err == nil || values != nil {
			t.Errorf("%s: %q, %v", name, values, err)
		} else if strings.Contains(err.Error(), "KEY") || strings.Contains(err.Error(), "old") {
			t.Errorf("%s: the error tells a secret: %v", name, err)
		}
	}
}
