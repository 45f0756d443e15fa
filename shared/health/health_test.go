package health_test

import (
	"net/http"
	"testing"

	"seatwise/infra/registry"
	"seatwise/infra/testkit"
	"seatwise/shared/health"
)

func TestHealthNeedsNoToken(t *testing.T) {
	fixture := testkit.New(t)
	handler := serve(t, fixture)
	got := testkit.Decode[health.Health](
		t,
		fixture.Do(t, handler, testkit.Request{Method: http.MethodGet, Path: "/v1/health"}),
		http.StatusOK,
	)
	if want := (health.Health{Status: "ok", Version: "test"}); got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	testkit.Problem(
		t,
		fixture.Do(t, handler, testkit.Request{Method: http.MethodPost, Path: "/v1/health"}),
		http.StatusMethodNotAllowed,
		"method-not-allowed",
	)
}

func serve(t *testing.T, fixture *testkit.Fixture) http.Handler {
	t.Helper()
	fn := registry.One(fixture.Env, "HealthFunction")
	return fn.HTTP
}
