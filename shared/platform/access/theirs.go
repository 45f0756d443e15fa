package access

import (
	"context"
	"encoding/json"
	"fmt"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// HolderKey is where the kernel of licenses keeps a user, with the user's own cost center.
func HolderKey(account, user string) table.Key {
	return table.Key{Partition: call.Partition(account, "HOLDER", user), Sort: "HOLDER"}
}

// TheirUsers reads which of some users are the caller's: those whose own cost center is one of those
// to which the caller is limited, and all without a limit, which costs no read.
//
// Errors: those of CostCenters.
func TheirUsers(ctx context.Context, store table.Store, account string, users ...string) (func(string) bool, error) {
	theirs, err := CostCenters(ctx)
	if err != nil || theirs.All() {
		return func(string) bool { return err == nil }, err
	}
	var keys []table.Key
	of := map[table.Key]string{}
	for _, user := range users {
		if key := HolderKey(account, user); user != "" && of[key] == "" {
			keys, of[key] = append(keys, key), user
		}
	}
	found, err := store.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	is := map[string]bool{}
	for key, item := range found {
		var holder struct {
			CostCenter string `json:"costCenter"`
		}
		if err := json.Unmarshal(item.Data, &holder); err != nil {
			return nil, fmt.Errorf("user: %w", err)
		}
		is[of[key]] = theirs.Has(holder.CostCenter)
	}
	return func(user string) bool { return is[user] }, nil
}
