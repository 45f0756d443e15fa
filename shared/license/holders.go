package license

import (
	"slices"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// holderItem places a holder in the index by which a change of the account's bundle finds them.
func (d *Service) holderItem(account string, h *Holder, data []byte) table.Item {
	item := table.Item{Key: HolderKey(account, h.UserID), Data: data}
	for _, p := range d.products.Counted(catalog.LiveReports) {
		if h.Holdings[p.ID] != nil {
			item.IndexKeys[0] = table.Key{Partition: record.LiveReportsHolders(account), Sort: h.UserID}
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
	before, after := h.found.Entries(), h.Entries()
	if h.gone {
		after = nil
	}
	var ops []table.Operation
	for _, words := range before {
		if !slices.Contains(after, words) {
			ops = append(ops, table.Delete(record.HolderWordKey(account, words, h.UserID), table.Always))
		}
	}
	for _, words := range after {
		if slices.Contains(before, words) {
			continue
		}
		data, err := call.Encode(record.SearchEntry{UserID: h.UserID})
		if err != nil {
			return nil, err
		}
		ops = append(
			ops,
			table.Put(table.Item{Key: record.HolderWordKey(account, words, h.UserID), Data: data}, table.Always),
		)
	}
	return ops, nil
}
