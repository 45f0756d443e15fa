package directory

import (
	"context"
	"slices"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// remember writes, in the commit that deletes something, what reports about earlier days still show
// of it. It is kept for as long as any day can be asked for.
func remember(c *call.Call, kind, id string, g Gone) (table.Operation, error) {
	data, err := call.Encode(g)
	if err != nil {
		return table.Operation{}, err
	}
	return table.Put(
		table.Item{Key: goneKey(c.Account, kind, id), Data: data, Expires: c.At.Add(keepIntervals).Unix()},
		table.Always,
	), nil
}

// GoneUsers reads what is remembered of deleted users; those without a trace are left out. A user
// of the same id may have come since.
func (s *Service) GoneUsers(ctx context.Context, c *call.Call, ids []string) (map[string]Gone, error) {
	return s.gone(ctx, c, goneUser, ids)
}

// GoneQueues is GoneUsers for call queues.
func (s *Service) GoneQueues(ctx context.Context, c *call.Call, ids []string) (map[string]Gone, error) {
	return s.gone(ctx, c, goneQueue, ids)
}

// GoneDashboards is GoneUsers for dashboards.
func (s *Service) GoneDashboards(ctx context.Context, c *call.Call, ids []string) (map[string]Gone, error) {
	return s.gone(ctx, c, goneDashboard, ids)
}

func (s *Service) gone(ctx context.Context, c *call.Call, kind string, ids []string) (map[string]Gone, error) {
	gone := make(map[string]Gone, len(ids))
	for chunk := range slices.Chunk(unique(ids), table.MaxKeysPerLookup) {
		keys := make([]table.Key, len(chunk))
		for i, id := range chunk {
			keys[i] = goneKey(c.Account, kind, id)
		}
		found, err := s.lookup(ctx, keys)
		if err != nil {
			return nil, err
		}
		for i, id := range chunk {
			item, ok := found[keys[i]]
			if !ok {
				continue
			}
			if gone[id], err = call.Decode[Gone](item); err != nil {
				return nil, err
			}
		}
	}
	return gone, nil
}
