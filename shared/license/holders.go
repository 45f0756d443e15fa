package license

import (
	"slices"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/table"
)

// holderItem places a holder in the index by which a change of the account's bundle finds them.
func (d *Service) holderItem(account string, h *Holder) table.Item {
	item := table.Item{Key: HolderKey(account, h.UserID)}
	for _, p := range d.products.Counted(catalog.LiveReports) {
		if h.Holdings[p.ID] != nil {
			item.IndexKeys[0] = table.Key{Partition: record.LiveReportsHolders(account), Sort: h.UserID}
			break
		}
	}
	return item
}

// writeWords writes the entries of the words of the holder's name, id and e-mail address, where they
// change.
func writeWords(w *writes, account string, h *state[Holder]) {
	now := h.now
	if h.gone {
		now = Holder{}
	}
	if h.before.Name == now.Name && h.before.Email == now.Email && h.before.UserID == now.UserID {
		return
	}
	before, after := h.before.Entries(), now.Entries()
	for _, words := range before {
		if !slices.Contains(after, words) {
			w.add(table.Delete(record.HolderWordKey(account, words, h.now.UserID), table.Always))
		}
	}
	for _, words := range after {
		if !slices.Contains(before, words) {
			key := record.HolderWordKey(account, words, h.now.UserID)
			w.put(table.Item{Key: key}, record.SearchEntry{UserID: now.UserID}, table.Always)
		}
	}
}
