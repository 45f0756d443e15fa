package directory

import (
	"context"
	"time"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// ViewedKey is where package usage keeps what is known of a viewer. It is here so that what stands
// behind a viewer's grant can be told where the directory is.
func ViewedKey(account, user string) table.Key {
	return table.Key{Partition: call.Partition(account, "VIEWER", user), Sort: "VIEWER"}
}

// Viewed is the part of it that says what was viewed: a view that was the last one, or at most an
// hour before it.
type Viewed struct {
	LastView  time.Time `json:"lastView"`
	Dashboard string    `json:"dashboard,omitempty"`
}

// LastView is the chain behind a viewer's grant, for the kernel's Why.
func (s *Service) LastView(ctx context.Context, c *call.Call, user string) (dashboard string, at time.Time, err error) {
	item, found, err := c.Get(ctx, ViewedKey(c.Account, user))
	if err != nil || !found {
		return "", time.Time{}, err
	}
	v, err := call.Decode[Viewed](item)
	return v.Dashboard, v.LastView, err
}
