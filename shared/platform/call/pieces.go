package call

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"seatwise/shared/platform/table"
)

const (
	// maxInline is the largest body in bytes that is stored in the idempotency record itself. What
	// is larger lies in pieces beside it, so that neither the record nor the commit that it is part
	// of comes near the limits of 400 KB an item and 4 MB a commit (requirements, section 10:
	// whatever is allowed can be answered again).
	maxInline = 64 << 10
	// pieceBytes is how much of a body one piece has. Its item holds it as a JSON string of base64,
	// which is a third longer.
	pieceBytes = 256 << 10
	// piecesACommit keeps a commit of pieces below 4 MB.
	piecesACommit = 8
	// outlive is how much longer than its record a piece is kept, so that no record ever lacks one.
	outlive = time.Hour
)

// errPieces is an answer whose pieces are not all there, which nothing but the loss of items can
// bring about.
var errPieces = errors.New("a stored answer lacks a piece")

// pieces names the items that a large body was taken apart into.
type pieces struct {
	ID    string `json:"id"`
	Count int    `json:"count"`
}

type piece struct {
	Bytes []byte `json:"bytes"`
}

func (c *Call) pieceKey(id string, n int) table.Key {
	return table.Key{Partition: c.key.item.Partition, Sort: "PIECE#" + id + "#" + strconv.Itoa(n)}
}

// scatter writes a body in pieces, before the commit that makes them count: a record that names
// them comes to be only with that commit, and pieces without a record are nobody's and expire. Each
// attempt has pieces of its own.
//
// Errors: those of table.Store.Commit.
func (c *Call) scatter(ctx context.Context, body []byte) (pieces, error) {
	p := pieces{ID: c.Env.IDs.Random()}
	var ops []table.Operation
	for part := range slices.Chunk(body, pieceBytes) {
		data, err := Encode(piece{part})
		if err != nil {
			return pieces{}, fmt.Errorf("stored answer: %w", err)
		}
		item := table.Item{Key: c.pieceKey(p.ID, p.Count), Data: data, Expires: c.At.Add(remembered + outlive).Unix()}
		ops = append(ops, table.Put(item, table.IfAbsent))
		p.Count++
	}
	for group := range slices.Chunk(ops, piecesACommit) {
		if err := c.Env.Table.Commit(ctx, group); err != nil {
			return pieces{}, err
		}
	}
	return p, nil
}

// gather reads a body that scatter wrote.
//
// Errors: those of table.Store.Lookup.
func (c *Call) gather(ctx context.Context, p pieces) (json.RawMessage, error) {
	keys := make([]table.Key, p.Count)
	for n := range keys {
		keys[n] = c.pieceKey(p.ID, n)
	}
	found, err := c.Env.Table.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var body []byte
	for _, key := range keys {
		item, ok := found[key]
		if !ok {
			return nil, fmt.Errorf("%w: %s", errPieces, key)
		}
		part, err := Decode[piece](item)
		if err != nil {
			return nil, err
		}
		body = append(body, part.Bytes...)
	}
	return body, nil
}
