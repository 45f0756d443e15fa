package health_test

import (
	"net/http"
	"testing"

	"seatwise/infra/testkit"
	"seatwise/shared/health"
)

func TestHealthNeedsNoToken(t *testing.T) {
	kit := testkit.New(t)
	handler := serve(t, kit)
	got := testkit.Decode[health.Health](t, kit.Do(t, handler, testkit.Request{Method: http.MethodGet, Path: "/v1/health"}), http.StatusOK)
	if want := (health.Health{Status: "ok", Version: "test"}); got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	testkit.Problem(t, kit.Do(t, handler, testkit.Request{Method: http.MethodPost, Path: "/v1/health"}), http.StatusMethodNotAllowed, "method-not-allowed")
}

func serve(t *testing.T, kit *testkit.Kit) http.Handler {
	t.Helper()
	fn, err := health.Function(kit.Env)
	if err != nil {
		t.Fatal(err)
	}
	return fn.HTTP
}
