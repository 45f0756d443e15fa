package license

import (
	"context"
	"slices"

	"seatwise/shared/catalog"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// liveReportsHolders is the partition of Index1 in which those holders stand who have to do with a
// product of Live Reports: who hold it, wait for it, or have grants that do not count at the
// moment. Only their writes pay for the index; a phone user's do not.
func liveReportsHolders(account string) string { return call.Partition(account, "HOLDERS-LR") }

// holderItem places a holder in the index by which a change of the account's bundle finds them.
func (d *Service) holderItem(account string, h *Holder, data []byte) table.Item {
	item := table.Item{Key: HolderKey(account, h.UserID), Data: data}
	for _, p := range d.products.Counted(catalog.LiveReports) {
		if h.Holdings[p.ID] != nil {
			item.IndexKeys[0] = table.Key{Partition: liveReportsHolders(account), Sort: h.UserID}
			break
		}
	}
	return item
}

// wordOperations write the entries of the words of the holder's name, id and e-mail address, where
// they change.
func (h *holderState) wordOperations(account string) ([]table.Operation, error) {
	if h.found.Name == h.Name && h.found.Email == h.Email && h.found.UserID == h.UserID && !h.gone {
		return nil, nil
	}
	before, after := h.found.entries(), h.entries()
	if h.gone {
		after = nil
	}
	var ops []table.Operation
	for _, words := range before {
		if !slices.Contains(after, words) {
			ops = append(ops, table.Delete(holderWordKey(account, words, h.UserID), table.Always))
		}
	}
	for _, words := range after {
		if slices.Contains(before, words) {
			continue
		}
		data, err := call.Encode(searchEntry{UserID: h.UserID})
		if err != nil {
			return nil, err
		}
		ops = append(ops, table.Put(table.Item{Key: holderWordKey(account, words, h.UserID), Data: data}, table.Always))
	}
	return ops, nil
}

// LiveReportsHolders lists the users behind after, by id, who have to do with a product of Live
// Reports: limit of them, or fewer when there are no more. It reads an index, so a holder of a
// moment ago may be missing.
func (d *Service) LiveReportsHolders(ctx context.Context, c *call.Call, after string, limit int) ([]string, error) {
	q := table.Query{Index: table.Index1, Partition: liveReportsHolders(c.Account), Limit: limit}
	if after != "" {
		q.From = after + "\x00" // the least key behind it
	}
	var users []string
	for {
		page, err := c.Env.Table.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			h, err := call.Decode[Holder](item)
			if err != nil {
				return nil, err
			}
			if users = append(users, h.UserID); len(users) == limit {
				return users, nil
			}
		}
		if page.Next == "" {
			return users, nil
		}
		q.After = page.Next
	}
}
