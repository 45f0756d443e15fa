package license

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// DrainWaiting serves every waiting list of every account that has an entry. One that fails never
// stops the others; the errors come together. It reads one index entry for each list, however many
// wait in it.
func (d *Service) DrainWaiting(ctx context.Context, env *app.Env) error {
	var pieces []call.Piece
	from := ""
	for {
		page, err := env.Table.Query(
			ctx,
			table.Query{Index: table.Index3, Partition: record.WaitingMarkers, From: from, Limit: 1},
		)
		if err != nil {
			return errors.Join(err, call.InTurn(ctx, env, pieces))
		}
		if len(page.Items) == 0 {
			return call.InTurn(ctx, env, pieces)
		}
		account, rest, _ := strings.Cut(page.Items[0].IndexKeys[2].Sort, "#")
		product, _, _ := strings.Cut(rest, "#")
		c := call.ForEvent(env, account, "maintenance", "waiting list", env.Clock())
		pieces = append(pieces, call.Piece{
			Marker: fmt.Sprintf("waiting list of %s of account %s", product, account),
			Work: func(ctx context.Context) error {
				_, err := d.Drain(ctx, c, product)
				return err
			},
		})
		from = account + "#" + product + "$" // "$" follows "#": the first entry of the next list
	}
}
