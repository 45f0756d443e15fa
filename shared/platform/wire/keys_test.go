package wire

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"seatwise/shared/platform/wire/plain"
)

// TestCursorKeys reads what signs cursors from Secrets Manager, when it is needed and not before.
func TestCursorKeys(t *testing.T) {
	const long = "a value of 16 bytes or more"
	for name, one := range map[string]struct {
		values map[string]string // by stage
		want   string            // the key that seals; empty for an error
	}{
		"two values":       {map[string]string{"AWSCURRENT": long, "AWSPREVIOUS": "another of 16 bytes"}, long},
		"one value":        {map[string]string{"AWSCURRENT": long}, long},
		"a short value":    {map[string]string{"AWSCURRENT": "short value"}, ""},
		"a short old one":  {map[string]string{"AWSCURRENT": long, "AWSPREVIOUS": "short value"}, ""},
		"no value at all":  {map[string]string{}, ""},
		"only the old one": {map[string]string{"AWSPREVIOUS": long}, ""},
	} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			var in struct{ VersionStage string }
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
				t.Error(err)
			}
			value, ok := one.values[in.VersionStage]
			if !ok {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"__type": "ResourceNotFoundException"}`)
				return
			}
			fmt.Fprintf(w, `{"SecretString": %q}`, value)
		}))
		ring := cursorKeys(plain.SecretOf("arn:secret", func(name string) string {
			return map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "us-east-1"}[name]
		}))
		if asked != 0 {
			t.Errorf("%s: asked for before it is needed", name)
		}
		key, err := ring.First(t.Context())
		if string(key) != one.want || (err == nil) != (one.want != "") {
			t.Errorf("%s: %q, %v", name, key, err)
		}
		if err != nil && strings.Contains(err.Error(), "short value") {
			t.Errorf("%s: the error tells the key: %v", name, err)
		}
		server.Close()
	}
}
