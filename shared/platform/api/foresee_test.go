package api_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// halves are two items that always change together, and that an operation reads one after the other.
type halves struct {
	*fixtures.Fixture
	handler http.Handler
	// meanwhile is called between the two reads.
	meanwhile func(tries int) error
	tries     int
	changes   int
}

func (h *halves) key(sort string) table.Key {
	return table.Key{Partition: call.Partition(h.Account, "HALVES"), Sort: sort}
}

// change is a commit of somebody else.
func (h *halves) change(ctx context.Context) error {
	h.changes++
	item := func(sort string) table.Operation {
		return table.Put(table.Item{Key: h.key(sort), Data: []byte(strconv.Itoa(h.changes))}, table.Always)
	}
	return h.Env.Table.Commit(ctx, []table.Operation{item("one"), item("other")})
}

// join reads both halves, and ends in an error when they are of two states, as a handler does that has
// no words for what cannot be.
func (h *halves) join(ctx context.Context, c *call.Call, _ *api.Account) (*api.Plain[object], error) {
	h.tries++
	one, _, err := c.Get(ctx, h.key("one"))
	if err != nil {
		return nil, err
	}
	if err := h.meanwhile(h.tries); err != nil {
		return nil, err
	}
	other, _, err := c.Get(ctx, h.key("other"))
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(one.Data, other.Data) {
		return nil, errors.New("the halves are of two states")
	}
	return &api.Plain[object]{Status: http.StatusOK, Body: object{}}, nil
}

type object struct{}

// What of a dry run takes longer than the request may, wherever it ends, is told as that: the same
// request would not fare better a moment later.
func TestADryRunThatIsTooLongSaysSo(t *testing.T) {
	h := &halves{Fixture: fixtures.New(t), meanwhile: func(int) error { return context.DeadlineExceeded }}
	may := []auth.Permission{auth.LicensesManage}
	h.handler = api.Serve(h.Env, func(k *api.Router) {
		api.Register(k, api.Operation{
			ID: "join-halves", Method: http.MethodPost, Path: "/v1/accounts/{account}/halves",
			Tag: "Things", Permissions: may, Conflicts: true,
		}, h.join)
	}).HTTP
	p := fixtures.Problem(t, h.Do(t, h.handler, fixtures.Request{
		Method: http.MethodPost, Path: "/v1/accounts/" + h.Account + "/halves?dryRun=true", User: "ann",
		Permissions: may,
	}), http.StatusServiceUnavailable, "too-busy")
	if !strings.Contains(p.Detail, "ask for a smaller part") || h.tries != 1 {
		t.Errorf("%q after %d tries", p.Detail, h.tries)
	}
}

// A dry run that has read two states of something ends in no error: it begins again, and tells what is
// so then. It does so three times, and not for what is refused (docs/correctness.md).
func TestADryRunThatMeetsAChangeBeginsAgain(t *testing.T) {
	for name, c := range map[string]struct {
		changes       int // of the tries that meet a change
		refused       bool
		status, tries int
	}{
		"nobody changes anything": {changes: 0, status: 200, tries: 1},
		"one change":              {changes: 1, status: 200, tries: 2},
		"two changes":             {changes: 2, status: 200, tries: 3},
		"changes without end":     {changes: 99, status: 500, tries: 3},
		"a refusal":               {refused: true, status: 409, tries: 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := &halves{Fixture: fixtures.New(t)}
			if err := h.change(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.meanwhile = func(tries int) error {
				if c.refused {
					return problem.New(problem.WrongState, "It is not so.")
				}
				if tries <= c.changes {
					return h.change(t.Context())
				}
				return nil
			}
			may := []auth.Permission{auth.LicensesManage}
			h.handler = api.Serve(h.Env, func(k *api.Router) {
				api.Register(k, api.Operation{
					ID: "join-halves", Method: http.MethodPost, Path: "/v1/accounts/{account}/halves",
					Tag: "Things", Permissions: may, Conflicts: true,
				}, h.join)
			}).HTTP
			r := h.Do(t, h.handler, fixtures.Request{
				Method: http.MethodPost, Path: "/v1/accounts/" + h.Account + "/halves?dryRun=true", User: "ann",
				Permissions: may,
			})
			if r.Status != c.status || h.tries != c.tries {
				t.Errorf("answered %d after %d tries, want %d after %d", r.Status, h.tries, c.status, c.tries)
			}
		})
	}
}
