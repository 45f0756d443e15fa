package directory

import (
	"context"
	"slices"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Emails reads the e-mails of users, by id; who is not there, or has none, is left out. It reads
// the profile alone.
func (s *Service) Emails(ctx context.Context, c *call.Call, ids []string) (map[string]string, error) {
	emails := make(map[string]string, len(ids))
	for chunk := range slices.Chunk(unique(ids), table.MaxKeysPerLookup) {
		keys := make([]table.Key, len(chunk))
		for i, id := range chunk {
			keys[i] = access.UserKey(c.Account, id)
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
			p, err := call.Decode[struct {
				Email string `json:"email"`
			}](item)
			if err != nil {
				return nil, err
			}
			if p.Email != "" {
				emails[id] = p.Email
			}
		}
	}
	return emails, nil
}
