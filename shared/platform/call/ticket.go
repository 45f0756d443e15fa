package call

import (
	"context"
	"encoding/json"
	"fmt"

	"seatwise/shared/platform/table"
)

// Ticket names the key of a claimed call, so that another function can finish the call's work after a crash and still store the answer that the client's
// repetition is waiting for. It is kept with the mark of the work. The zero Ticket is that of a call without a key.
type Ticket struct {
	Partition   string `json:"partition,omitempty"`
	Sort        string `json:"sort,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
}

// Ticket is the call's own.
func (c *Call) Ticket() Ticket {
	if c.key == nil {
		return Ticket{}
	}
	return Ticket{Partition: c.key.item.Partition, Sort: c.key.item.Sort, Fingerprint: c.key.fingerprint}
}

// Redeem makes a call the one that answers for the ticket: its Commit stores the answer. When nobody can be waiting for it any more (the ticket is zero, the
// answer is stored, or the record is gone or belongs to a later request), the call stays without a key.
//
// Errors: those of the table.
func (c *Call) Redeem(ctx context.Context, t Ticket) error {
	c.key = nil
	if t == (Ticket{}) {
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
