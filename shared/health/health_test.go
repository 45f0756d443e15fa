package health_test

import (
	"net/http"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/health"
	"seatwise/shared/platform/api"
)

func TestHealthNeedsNoToken(t *testing.T) {
	fixture := fixtures.New(t)
	handler := serve(t, fixture)
	got := fixtures.Decode[health.Health](
		t,
		fixture.Do(t, handler, fixtures.Request{Method: http.MethodGet, Path: "/v1/health"}),
		http.StatusOK,
	)
	if want := (health.Health{Status: "ok", Version: "test"}); got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	fixtures.Problem(
		t,
		fixture.Do(t, handler, fixtures.Request{Method: http.MethodPost, Path: "/v1/health"}),
		http.StatusMethodNotAllowed,
		"method-not-allowed",
	)
}

func serve(t *testing.T, fixture *fixtures.Fixture) http.Handler {
	t.Helper()
	return api.Serve(fixture.Env, health.Routes).HTTP
}
