package main

import (
	"bytes"
	"context"
	"net/http"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/table"
)

// interposed does something before a call to the table, once.
type interposed struct {
	table.Store
	before int
	do     func()
}

func (s *interposed) meet() {
	if s.before--; s.before == 0 {
		s.do()
	}
}

func (s *interposed) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	s.meet()
	return s.Store.Lookup(ctx, keys...)
}

func (s *interposed) Query(ctx context.Context, q table.Query) (table.Page, error) {
	s.meet()
	return s.Store.Query(ctx, q)
}

func (s *interposed) Commit(ctx context.Context, ops []table.Operation) error {
	s.meet()
	return s.Store.Commit(ctx, ops)
}

// slow are operations whose largest request takes long, and that others stand for.
var slow = map[string]bool{
	"put-call-queue": true, "patch-call-queue": true, "delete-call-queue": true, "assign-products": true,
	"remove-products": true, "change-cost-center": true, "terminate-licenses": true, "place-order": true,
	"post-usage-views": true, "post-usage-activity": true,
	"create-reclaim": true, "undo-reclaim": true, "invite-user": true,
}

// TestARepetitionBesideTheFirst sends the request of every operation, with a key and If-Match, and carries
// the same request out before the n-th call of the first to the table. Whichever of the two was first, both
// are told its answer, or that it is still running: never what the other one left.
func TestARepetitionBesideTheFirst(t *testing.T) {
	const calls = 4
	for _, op := range documented(t) {
		if op.method == http.MethodGet || slow[op.OperationID] || largest[op.OperationID] == nil {
			continue
		}
		t.Run(op.OperationID, func(t *testing.T) {
			for n := 1; n <= calls; n++ {
				l := openLaw(t)
				l.keepFiles()
				b := largest[op.OperationID](l)
				header := map[string]string{"Idempotency-Key": "twice"}
				if op.method != http.MethodPost {
					if got := l.send(http.MethodGet, b.path, nil, nil); got.Status == http.StatusOK {
						header["If-Match"] = got.Header.Get("ETag")
					}
				}
				sound := l.Env.Table
				var other fixtures.Response
				l.Env.Table = &interposed{Store: sound, before: n, do: func() {
					other = l.ask(op.method, b, header)
				}}
				one := l.ask(op.method, b, header)
				l.Env.Table = sound
				if other.Status == 0 {
					break // it made fewer calls
				}
				if other.Status >= http.StatusMultipleChoices {
					t.Fatalf("before call %d, the other: %d %.500s", n, other.Status, other.Body)
				}
				same := one.Status == other.Status && bytes.Equal(
					signed.ReplaceAll(bytes.TrimSpace(one.Body), nil),
					signed.ReplaceAll(bytes.TrimSpace(other.Body), nil),
				)
				running := one.Status == http.StatusConflict &&
					bytes.Contains(one.Body, []byte("idempotency-in-progress"))
				if !same && !running {
					t.Errorf(
						"before call %d: %d %.500s\nthe other: %d %.500s", n, one.Status, one.Body, other.Status,
						other.Body,
					)
				}
			}
		})
	}
}
