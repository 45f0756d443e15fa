package license

import (
	"context"
	"slices"
	"strings"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// A search goes through these phases, one after the other; a license belongs to the first one whose part of it begins with what is searched.
const (
	phaseID = iota
	phaseExtension
	phaseName
	phaseLastWord
	phaseWord
	phases
)

// matched is the phase to which a license belongs, or phases if it does not match.
func (f Filter) matched(l License) int {
	if strings.HasPrefix(l.ID, strings.ToLower(f.Q)) {
		return phaseID
	}
	if l.Extension != "" && strings.HasPrefix(l.Extension, f.Q) {
		return phaseExtension
	}
	if l.UserID != "" {
		for i, part := range nameParts(l.UserName) {
			if strings.HasPrefix(part, searchedFor(f.Q)) {
				return phaseName + i
			}
		}
		if found := firstWord(l.UserName, searchedFor(f.Q)); found != "" {
			return phaseWord
		}
	}
	return phases
}

// searchedFor makes of a search what a name's index holds.
func searchedFor(q string) string { return cut(strings.Fields(strings.ToLower(q))) }

// searched reads what matches a search. The position names the phase, the entry of its index, and the license last seen of that entry.
func (d *Service) searched(c *call.Call, f Filter) source {
	return func(ctx context.Context, after string, limit int) ([]found, bool, error) {
		phase, entry, license, err := searchPosition(after)
		if err != nil {
			return nil, true, err
		}
		var all []found
		for ; phase < phases; phase, entry, license = phase+1, "", "" {
			batch, more, err := d.searchPhase(ctx, c, f, phase, entry, license, limit-len(all))
			if err != nil {
				return nil, true, err
			}
			if all = append(all, batch...); more || len(all) >= limit {
				return all, !more && phase == phases-1, nil
			}
		}
		return all, true, nil
	}
}

func searchPosition(position string) (phase int, entry, license string, err error) {
	if position == "" {
		return 0, "", "", nil
	}
	parts := strings.Split(position, "\x00")
	if len(parts) != 3 || len(parts[0]) != 1 || parts[0][0] < '0' || int(parts[0][0]-'0') >= phases {
		return 0, "", "", table.ErrCursor
	}
	return int(parts[0][0] - '0'), parts[1], parts[2], nil
}

func searchPositionOf(phase int, entry, license string) string {
	return strings.Join([]string{string(rune('0' + phase)), entry, license}, "\x00")
}

// searchPhase reads on in one phase, until something is found or the phase is at its end. Entries whose licenses belong to an earlier phase are passed over.
func (d *Service) searchPhase(ctx context.Context, c *call.Call, f Filter, phase int, entry, license string, limit int) ([]found, bool, error) {
	q, ok := searchQuery(c.Account, f.Q, phase)
	if !ok {
		return nil, false, nil
	}
	q.Limit = min(max(limit, 1), searchPage)
	for {
		q.From = entry
		page, err := c.Env.Table.Query(ctx, q)
		if err != nil {
			return nil, false, err
		}
		batch, rest, err := d.searchEntries(ctx, c, f, phase, page.Items, q.Index, entry, license)
		if err != nil {
			return nil, false, err
		}
		if len(batch) > 0 || page.Next == "" {
			return batch, rest || page.Next != "", nil
		}
		// On behind the last entry of the page: a page of one that was read to its end would be read for ever.
		entry, license = sortIn(page.Items[len(page.Items)-1], q.Index)+"\x00", ""
	}
}

// searchPage bounds the entries of one read in a search: each may stand for as many licenses as a user holds, and one Lookup fetches them.
const searchPage = 50

func sortIn(item table.Item, index table.Index) string {
	if index == table.Base {
		return item.Sort
	}
	return item.Places[index-1].Sort
}

// searchQuery is where a phase reads; false when nothing can match there.
func searchQuery(account, q string, phase int) (table.Query, bool) {
	switch phase {
	case phaseID:
		prefix := strings.ToLower(q)
		if strings.Trim(prefix, "0123456789abcdef-") != "" || prefix[0] == '-' {
			return table.Query{}, false
		}
		return table.Query{Partition: licenseKey(account, prefix).Partition, Prefix: prefix}, true
	case phaseExtension:
		return table.Query{Partition: ExtensionKey(account, q).Partition, Prefix: q}, usable(q)
	case phaseWord:
		prefix := searchedFor(q)
		return table.Query{Partition: holdersByWord(account), Prefix: prefix}, prefix != ""
	default:
		word := phase - phaseName
		prefix := searchedFor(q)
		return table.Query{Index: table.Index2 + table.Index(word), Partition: holdersByName(account, word), Prefix: prefix}, prefix != ""
	}
}

// searchEntries turns the entries of a phase's index into the licenses that belong to the phase; rest says that they stand for more.
func (d *Service) searchEntries(
	ctx context.Context, c *call.Call, f Filter, phase int, items []table.Item, index table.Index, entry, license string,
) (batch []found, rest bool, err error) {
	other := func(l found) bool { return f.matched(l.License) != phase }
	if phase == phaseID {
		batch, err = foundIn(items, func(item table.Item) string { return searchPositionOf(phase, item.Sort, item.Sort) })
		return slices.DeleteFunc(batch, func(l found) bool { return l.ID <= license || other(l) }), false, err
	}
	holders, err := d.searchHolders(ctx, c, phase, searchedFor(f.Q), items)
	if err != nil {
		return nil, false, err
	}
	var ids, at []string
	for i, item := range items {
		if holders[i] != nil {
			ids, at = heldFrom(ids, at, holders[i], phase, sortIn(item, index), entry, license)
		}
	}
	for len(ids) > 0 {
		part := min(len(ids), table.MaxKeysPerLookup)
		batch, err = d.fetch(ctx, c, ids[:part], func(i int, _ string) string { return at[i] })
		if err != nil {
			return nil, false, err
		}
		ids, at = ids[part:], at[part:]
		if batch = slices.DeleteFunc(batch, other); len(batch) > 0 {
			break
		}
	}
	return batch, len(ids) > 0, nil
}

// searchEntry is the part of an extension, or of a word of a name, that says whose it is.
type searchEntry struct {
	UserID string `json:"userId"`
}

// searchHolders are the holders for whom the entries stand, nil for nobody.
func (d *Service) searchHolders(ctx context.Context, c *call.Call, phase int, q string, items []table.Item) ([]*Holder, error) {
	holders := make([]*Holder, len(items))
	if phase == phaseName || phase == phaseLastWord {
		for i, item := range items {
			h, err := call.Decode[Holder](item)
			if err != nil {
				return nil, err
			}
			holders[i] = &h
		}
		return holders, nil
	}
	keys := make([]table.Key, len(items))
	var known []table.Key
	for i, item := range items {
		x, err := call.Decode[searchEntry](item)
		if err != nil {
			return nil, err
		}
		if x.UserID != "" {
			keys[i] = HolderKey(c.Account, x.UserID)
			known = append(known, keys[i])
		}
	}
	read, err := c.Lookup(ctx, known...)
	if err != nil {
		return nil, err
	}
	for i, key := range keys {
		item, ok := read[key]
		if !ok {
			continue
		}
		h, err := call.Decode[Holder](item)
		if err != nil {
			return nil, err
		}
		// A name has several words that may begin so; its licenses are found at the first of them.
		if word := firstWord(h.Name, q); phase == phaseExtension || items[i].Key == holderWordKey(c.Account, word, h.UserID) {
			holders[i] = &h
		}
	}
	return holders, nil
}

// heldFrom adds the licenses that a holder has, in the order of their ids; of the entry at which the last page ended, only those behind its last license.
func heldFrom(ids, at []string, h *Holder, phase int, sort, entry, license string) (moreIDs, moreAt []string) {
	for _, id := range slices.Sorted(slices.Values(h.held())) {
		if sort == entry && id <= license {
			continue
		}
		ids, at = append(ids, id), append(at, searchPositionOf(phase, sort, id))
	}
	return ids, at
}
