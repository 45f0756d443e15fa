package call

import (
	"context"
	"encoding/json"
	"fmt"

	"seatwise/shared/platform/table"
)

// AnswerRef names the key of a claimed call, so that another function can finish the call's work
// after a crash and still store the answer that the client's repetition is waiting for. It is kept
// with the marker of the work. The zero AnswerRef is that of a call without a key.
type AnswerRef struct {
	Partition   string `json:"partition,omitempty"`
	Sort        string `json:"sort,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
}

// AnswerRef is the call's own.
func (c *Call) AnswerRef() AnswerRef {
	if c.key == nil {
		return AnswerRef{}
	}
	return AnswerRef{Partition: c.key.item.Partition, Sort: c.key.item.Sort, Fingerprint: c.key.fingerprint}
}

// Redeem makes a call the one that answers for the wake-up: its Commit stores the answer. When
// nobody can be waiting for it any more (the wake-up is zero, the answer is stored, or the record
// is gone or belongs to a later request), the call stays without a key.
//
// Errors: those of the table.
func (c *Call) Redeem(ctx context.Context, t AnswerRef) error {
	c.key = nil
	if t == (AnswerRef{}) {
		return nil
	}
	at := table.Key{Partition: t.Partition, Sort: t.Sort}
	item, found, err := table.Get(ctx, c.Env.Table, at)
	if err != nil || !found {
		return err
	}
	var stored record
	if err := json.Unmarshal(item.Data, &stored); err != nil {
		return fmt.Errorf("idempotency record: %w", err)
	}
	if stored.Running == 0 || stored.Fingerprint != t.Fingerprint {
		return nil
	}
	c.key = &key{item: at, fingerprint: t.Fingerprint, looked: true, claimed: true, version: item.Version}
	return nil
}
