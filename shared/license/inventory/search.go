package inventory

import (
	"context"
	"slices"
	"strings"

	"seatwise/shared/craft/text"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// A search goes through these phases, one after the other; a license belongs to the first one whose
// part of it, or of its holder, begins with what is searched.
const (
	phaseID = iota
	phaseExtension
	phaseNumber
	phaseWord
	// phaseNational finds numbers behind their country code. It came after the others, so it is the
	// last: the positions of lists that are being read name the others by their place.
	phaseNational
	phases
)

// phaseOf is the phase to which a holder belongs, or phases if nothing of theirs matches.
func phaseOf(h *record.Holder, q text.Query) int {
	switch {
	case q.Digits() != "" && strings.HasPrefix(h.Extension, q.Digits()):
		return phaseExtension
	case q.InNumber(h.Number):
		return phaseNumber
	case firstEntry(h, q) != "":
		return phaseWord
	case q.InNational(h.Number):
		return phaseNational
	}
	return phases
}

// begins says whether a search is the beginning of a license's id.
func begins(q, id string) bool {
	prefix := strings.ToLower(strings.TrimSpace(q))
	return prefix != "" && strings.HasPrefix(id, prefix)
}

// searched reads what matches a search. The position names the phase, the entry of its index, and
// the license last seen of that entry.
func (d *Service) searched(c *call.Call, f Filter) source {
	return func(ctx context.Context, after string, limit int) ([]found, bool, error) {
		at, err := placeAt(after)
		if err != nil {
			return nil, true, err
		}
		var all []found
		for ; at.phase < phases; at = (place{phase: at.phase + 1}) {
			batch, more, err := d.searchPhase(ctx, c, f, at, limit-len(all))
			if err != nil {
				return nil, true, err
			}
			if all = append(all, batch...); more || len(all) >= limit {
				return all, !more && at.phase == phases-1, nil
			}
		}
		return all, true, nil
	}
}

// place is where a search is: in a phase, at an entry of its index, and at the license last seen of
// that entry.
type place struct {
	phase          int
	entry, license string
}

// placeAt reads a position.
func placeAt(position string) (place, error) {
	if position == "" {
		return place{}, nil
	}
	parts := strings.Split(position, "\x00")
	if len(parts) != 3 || len(parts[0]) != 1 || parts[0][0] < '0' || int(parts[0][0]-'0') >= phases {
		return place{}, table.ErrCursor
	}
	return place{phase: int(parts[0][0] - '0'), entry: parts[1], license: parts[2]}, nil
}

// position writes a place, as placeAt reads it.
func (p place) position() string {
	return strings.Join([]string{string(rune('0' + p.phase)), p.entry, p.license}, "\x00")
}

// searchPhase reads on in one phase, until something is found or the phase is at its end. Entries
// whose licenses belong to an earlier phase are passed over.
func (d *Service) searchPhase(
	ctx context.Context, c *call.Call, f Filter, at place, limit int,
) ([]found, bool, error) {
	q, ok := searchQuery(c.Account, f.Q, at.phase)
	if !ok {
		return nil, false, nil
	}
	q.Limit = min(max(limit, 1), searchPage)
	for {
		q.From = at.entry
		page, err := c.Env.Table.Query(ctx, q)
		if err != nil {
			return nil, false, err
		}
		batch, rest, err := d.searchEntries(ctx, c, f, at, page.Items)
		if err != nil {
			return nil, false, err
		}
		if len(batch) > 0 || page.Next == "" {
			return batch, rest || page.Next != "", nil
		}
		// On behind the last entry of the page: a page of one that was read to its end would be
		// read for ever.
		at.entry, at.license = page.Items[len(page.Items)-1].Sort+"\x00", ""
	}
}

// searchPage bounds the entries of one read in a search: each may stand for as many licenses as a
// user holds, and one Lookup fetches them.
const searchPage = 50

// searchQuery is where a phase reads; false when nothing can match there.
func searchQuery(account, q string, phase int) (table.Query, bool) {
	switch phase {
	case phaseID:
		prefix := strings.ToLower(strings.TrimSpace(q))
		if strings.Trim(prefix, "0123456789abcdef-") != "" || prefix == "" || prefix[0] == '-' {
			return table.Query{}, false
		}
		return table.Query{Partition: record.LicenseKey(account, prefix).Partition, Prefix: prefix}, true
	case phaseExtension:
		prefix := text.NewQuery(q).Digits()
		return table.Query{Partition: record.ExtensionKey(account, prefix).Partition, Prefix: prefix}, prefix != ""
	case phaseNumber:
		prefix := text.NewQuery(q).Digits()
		return table.Query{Partition: record.NumberKey(account, prefix).Partition, Prefix: prefix}, prefix != ""
	case phaseNational:
		prefix := text.NewQuery(q).WithCode()
		return table.Query{Partition: record.NumberKey(account, prefix).Partition, Prefix: prefix}, prefix != ""
	default:
		query := text.NewQuery(q)
		return table.Query{Partition: record.HoldersByWord(account), Prefix: query.Prefix()}, !query.Empty()
	}
}

// searchEntries turns the entries of a phase into the licenses that belong to the phase; rest says
// that they stand for more.
func (d *Service) searchEntries(
	ctx context.Context, c *call.Call, f Filter, from place, items []table.Item,
) (batch []found, rest bool, err error) {
	if from.phase == phaseID {
		batch, err = foundIn(items, func(item table.Item) string {
			return place{from.phase, item.Sort, item.Sort}.position()
		})
		return slices.DeleteFunc(batch, func(l found) bool { return l.ID <= from.license }), false, err
	}
	holders, err := d.searchHolders(ctx, c, from.phase, text.NewQuery(f.Q), items)
	if err != nil {
		return nil, false, err
	}
	var ids, at []string
	of := map[string]string{} // the holder, by license
	for i, item := range items {
		if holders[i] == nil {
			continue
		}
		for _, id := range slices.Sorted(slices.Values(holders[i].Held())) {
			// Of the entry at which the last page ended, only what is behind its last license is
			// left.
			if begins(f.Q, id) || item.Sort == from.entry && id <= from.license {
				continue
			}
			ids, at = append(ids, id), append(at, place{from.phase, item.Sort, id}.position())
			of[id] = holders[i].UserID
		}
	}
	for len(ids) > 0 {
		part := min(len(ids), table.MaxKeysPerLookup)
		batch, err = d.fetch(ctx, c, ids[:part], func(i int, _ string) string { return at[i] })
		if err != nil {
			return nil, false, err
		}
		ids, at = ids[part:], at[part:]
		// What changed hands between the two reads is somebody else's, who may match elsewhere or
		// not at all.
		if batch = slices.DeleteFunc(batch, func(l found) bool { return l.UserID != of[l.ID] }); len(batch) > 0 {
			break
		}
	}
	return batch, len(ids) > 0, nil
}

// searchHolders are the holders for whom the entries of a phase stand, nil for nobody and for who
// belongs to another phase, or is found at another entry of this one. It is one read; of numbers
// two.
func (d *Service) searchHolders(
	ctx context.Context,
	c *call.Call,
	phase int,
	q text.Query,
	items []table.Item,
) ([]*record.Holder, error) {
	users, err := d.searchUsers(ctx, c, phase, items)
	if err != nil {
		return nil, err
	}
	var keys []table.Key
	for _, user := range users {
		if user != "" {
			keys = append(keys, record.HolderKey(c.Account, user))
		}
	}
	read, err := c.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	holders := make([]*record.Holder, len(items))
	for i, user := range users {
		item, ok := read[record.HolderKey(c.Account, user)]
		if !ok || user == "" {
			continue
		}
		h, err := call.Decode[record.Holder](item)
		if err != nil {
			return nil, err
		}
		if phaseOf(&h, q) == phase &&
			(phase != phaseWord || items[i].Key == record.HolderWordKey(c.Account, firstEntry(&h, q), h.UserID)) {
			holders[i] = &h
		}
	}
	return holders, nil
}

// searchUsers are the users for whom the entries of a phase stand; empty for nobody.
func (d *Service) searchUsers(ctx context.Context, c *call.Call, phase int, items []table.Item) ([]string, error) {
	users := make([]string, len(items))
	if phase != phaseNumber && phase != phaseNational {
		for i, item := range items {
			x, err := call.Decode[record.SearchEntry](item)
			if err != nil {
				return nil, err
			}
			users[i] = x.UserID
		}
		return users, nil
	}
	keys := make([]table.Key, len(items))
	for i, item := range items {
		extension, err := call.Decode[string](item)
		if err != nil {
			return nil, err
		}
		keys[i] = record.ExtensionKey(c.Account, extension)
	}
	read, err := c.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for i, key := range keys {
		if item, ok := read[key]; ok {
			x, err := call.Decode[record.SearchEntry](item)
			if err != nil {
				return nil, err
			}
			users[i] = x.UserID
		}
	}
	return users, nil
}

// Found finds holders: those whose extension begins with what is searched, then those whose number
// does, then those of whom a word of the name, the id or the e-mail address does, then those whose
// number does behind the country code 1. It answers up to limit of them from behind a position, and
// the position of the next page; no position means that there is none.
//
// Errors: table.ErrCursor for a position of another list.
func (d *Service) Found(
	ctx context.Context,
	c *call.Call,
	q, position string,
	limit int,
) ([]record.Holder, string, error) {
	from, err := placeAt(position)
	if err != nil {
		return nil, "", err
	}
	query := text.NewQuery(q)
	var list []record.Holder
	at := place{phase: max(from.phase, phaseExtension), entry: from.entry}
	for ; at.phase < phases; at = (place{phase: at.phase + 1}) {
		read, ok := searchQuery(c.Account, q, at.phase)
		if !ok {
			continue
		}
		read.Limit = searchPage
		for next := at.entry; ; {
			read.From = next
			page, err := c.Env.Table.Query(ctx, read)
			if err != nil {
				return nil, "", err
			}
			holders, err := d.searchHolders(ctx, c, at.phase, query, page.Items)
			if err != nil {
				return nil, "", err
			}
			for i, item := range page.Items {
				if holders[i] == nil || item.Sort == at.entry {
					continue
				}
				if len(list) == limit { // there is one more
					return list, position, nil
				}
				list, position = append(list, *holders[i]), place{phase: at.phase, entry: item.Sort}.position()
			}
			if page.Next == "" {
				break
			}
			next = page.Items[len(page.Items)-1].Sort + "\x00"
		}
	}
	return list, "", nil
}

// matched reads the holders of licenses, and says which licenses match a search.
func (d *Service) matched(ctx context.Context, c *call.Call, q string, licenses []found) (map[string]bool, error) {
	var keys []table.Key
	for _, l := range licenses {
		if key := record.HolderKey(c.Account, l.UserID); l.UserID != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	holders := map[string]bool{}
	query := text.NewQuery(q)
	for part := range slices.Chunk(keys, table.MaxKeysPerLookup) {
		read, err := c.Lookup(ctx, part...)
		if err != nil {
			return nil, err
		}
		for _, item := range read {
			h, err := call.Decode[record.Holder](item)
			if err != nil {
				return nil, err
			}
			holders[h.UserID] = phaseOf(&h, query) < phases
		}
	}
	match := make(map[string]bool, len(licenses))
	for _, l := range licenses {
		match[l.ID] = begins(q, l.ID) || l.UserID != "" && holders[l.UserID]
	}
	return match, nil
}

// firstEntry is the first of the entries that begins with what is searched, or empty.
func firstEntry(h *record.Holder, q text.Query) string {
	for _, entry := range h.Entries() {
		if !q.Empty() && strings.HasPrefix(entry, q.Prefix()) {
			return entry
		}
	}
	return ""
}
