package api_test

import (
	"net/http"
	"strings"
	"testing"

	"seatwise/infra/testing/fixtures"
)

// What is checked must be what is taken: neither another spelling of a name nor another writing of
// a number gets past the checks.
func TestNamesAndNumbersInDisguise(t *testing.T) {
	for name, test := range map[string]struct {
		body   string
		status int
		slug   string
		field  string
	}{
		"another case":        {`{"NAME":"a"}`, http.StatusUnprocessableEntity, "validation", "NAME"},
		"both cases":          {`{"name":"a","NAME":""}`, http.StatusUnprocessableEntity, "validation", "NAME"},
		"a fraction":          {`{"name":"a","count":1.5}`, http.StatusUnprocessableEntity, "validation", "count"},
		"a negative exponent": {`{"name":"a","count":1e-1}`, http.StatusUnprocessableEntity, "validation", "count"},
		"rounded by the parser": {
			`{"name":"a","count":0.99999999999999999999}`, http.StatusUnprocessableEntity, "validation", "count",
		},
		"beyond every number": {`{"name":"a","count":1e400}`, http.StatusBadRequest, "malformed-body", "body"},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t)
			answer := r.send(t, http.MethodPost, "/v1/accounts/"+r.Account+"/things", test.body)
			p := fixtures.Problem(t, answer, test.status, test.slug)
			named := false
			for _, f := range p.Errors {
				named = named || f.Field == test.field
			}
			if !named {
				t.Errorf("no field %q at fault: %s", test.field, answer.Body)
			}
			if text := string(
				answer.Body,
			); strings.Contains(text, "Go ") || strings.Contains(text, "json:") ||
				strings.Contains(text, "e400") {
				t.Errorf("the answer speaks of its own insides, or repeats what was sent: %s", text)
			}
			if r.made != 0 {
				t.Error("the request took effect")
			}
		})
	}
}
