package license

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"seatwise/shared/catalog"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Desk changes seats.
type Desk struct {
	products *catalog.Catalog
	known    confirmed
	spread   spread
}

// NewDesk makes a desk for the products of a catalog.
func NewDesk(products *catalog.Catalog) *Desk { return &Desk{products: products} }

// Products is the desk's catalog.
func (d *Desk) Products() *catalog.Catalog { return d.products }

// Change collects what one commit does to holders, licenses, extensions, waiting lists and counts. It is loaded, changed in memory by its verbs and
// committed whole: each item it read and changed is written on condition that nobody else changed it meanwhile, so a caller repeats the whole
// Change under call.Decide.
type Change struct {
	desk *Desk
	c    *call.Call

	account    *accountPart
	holders    map[string]*holderState
	licenses   map[string]*licenseState
	extensions map[string]*extensionState
	numbers    map[string]*numberState
	waits      map[string]*waitState
	exclusions map[string]bool     // sort key: to be written (true) or deleted
	counts     map[string]int64    // by name: countName
	bought     map[table.Key]int64 // of boughtKey and costCenterSeatsKey
	pools      map[string]*pool
	heads      map[string]*head
	records    []call.Change
	reason     string
	look       map[string]bool // products of which a seat was freed, or whose waiting list grew
	chosen     *licenseState   // the license that the next seat taken must be
	shards     int             // see Desk.shardsOf; 0 until it was read
	unsure     []table.Key     // the marks of orders that the commit demands to be there, see choose
	// reservation is where seats are taken from first, and drawn how many of each product are taken from it by then; nil for the pool alone.
	reservation *Reservation
	drawn       map[string]int64
	// still are the users of whom the commit demands that they are as they were read, also where the change leaves them so.
	still map[string]bool
	// later leaves seats that are freed to the pool, to be handed to who waits right after the commit instead of in it: for a change that would otherwise not
	// fit into one commit. Until then an assignment by hand may take such a seat.
	later bool
}

// accountPart is what the kernel reads of an account's item, which package account writes.
type accountPart struct {
	Bundle string `json:"bundle"`
}

// UnlimitedBundle is the bundle whose accounts have unlimited Live Reports (spec 6).
const UnlimitedBundle = "customer-engagement"

type holderState struct {
	version int64 // 0: to be made
	exists  bool
	before  []byte
	granted map[string][]Grant // by product, as they were loaded: what the licenses show
	named   string             // as it was loaded
	gone    bool
	Holder
}

type licenseState struct {
	version int64
	exists  bool
	before  stored
	raw     []byte
	now     stored
	// drawn is set for a seat of the change's reservation, which has no entry in the pool; reserved for one that is reserved for somebody else.
	drawn, reserved bool
}

type extensionState struct {
	version int64
	exists  bool
	raw     []byte
	now     Extension
}

type numberState struct {
	version int64
	exists  bool
	raw     string
	now     string // the extension that has the number; empty for nobody
}

type waitState struct {
	entry   Wait
	version int64
	exists  bool
	dirty   bool
	gone    bool
}

type head struct {
	waits []waitItem
	next  string
	done  bool
}

type waitItem struct {
	sort    string
	version int64
	entry   Wait
}

// Change begins a change on behalf of the call.
func (d *Desk) Change(c *call.Call) *Change {
	return &Change{
		desk: d, c: c,
		holders: map[string]*holderState{}, licenses: map[string]*licenseState{}, extensions: map[string]*extensionState{},
		numbers: map[string]*numberState{}, waits: map[string]*waitState{}, exclusions: map[string]bool{},
		counts: map[string]int64{}, bought: map[table.Key]int64{}, pools: map[string]*pool{}, heads: map[string]*head{},
		look: map[string]bool{}, still: map[string]bool{},
	}
}

// Need names what a change is about to look at.
type Need struct {
	Users, Licenses, Extensions, Numbers []string
	// Seats is how many free licenses of each product will be wanted, of the server's choice.
	Seats map[string]int
	// Also are keys of other rooms' items that shall come in the same read; Load returns them.
	Also []table.Key
}

// Load reads what is needed and not yet loaded, in one read. A user, license, extension or number that does not exist is simply not loaded.
//
// Errors: not-found when the account does not exist; those of call.Lookup.
func (ch *Change) Load(ctx context.Context, need Need) (map[table.Key]table.Item, error) {
	account := ch.c.Account
	keys := slices.Clone(need.Also)
	if ch.account == nil {
		keys = append(keys, call.AccountKey(account))
	}
	for _, user := range need.Users {
		if _, ok := ch.holders[user]; !ok && user != "" {
			keys = append(keys, HolderKey(account, user))
		}
	}
	var unread []string
	for _, id := range need.Licenses {
		if _, ok := ch.licenses[id]; !ok && wellFormed(id) {
			unread, keys = append(unread, id), append(keys, licenseKey(account, id))
		}
	}
	for _, x := range need.Extensions {
		if _, ok := ch.extensions[x]; !ok && x != "" {
			keys = append(keys, ExtensionKey(account, x))
		}
	}
	for _, n := range need.Numbers {
		if _, ok := ch.numbers[n]; !ok && n != "" {
			keys = append(keys, numberKey(account, n))
		}
	}
	opened := ch.openPools(need.Seats)
	marks := ch.desk.marks(account, unread)
	suspected := ch.suspected(need.Licenses)
	keys = slices.Concat(keys, marks, suspected)
	slices.SortFunc(keys, func(a, b table.Key) int {
		return cmp.Or(strings.Compare(a.Partition, b.Partition), strings.Compare(a.Sort, b.Sort))
	})
	keys = slices.Compact(keys)
	if len(keys) == 0 && len(opened) == 0 {
		return nil, nil
	}
	found, err := ch.lookup(ctx, opened, keys)
	if err != nil {
		return nil, err
	}
	ch.desk.known.add(found, marks)
	if ch.account == nil {
		item, ok := found[call.AccountKey(account)]
		if !ok {
			return nil, problem.NoAccount()
		}
		part, err := call.Decode[accountPart](item)
		if err != nil {
			return nil, err
		}
		ch.account = &part
	}
	for _, user := range need.Users {
		if item, ok := found[HolderKey(account, user)]; ok {
			if err := ch.addHolder(item); err != nil {
				return nil, err
			}
		}
	}
	for _, id := range need.Licenses {
		if !wellFormed(id) {
			continue
		}
		if item, ok := found[licenseKey(account, id)]; ok {
			if err := ch.addLicense(item); err != nil {
				return nil, err
			}
		}
	}
	if err := ch.lookForReserved(ctx, suspected, found); err != nil {
		return nil, err
	}
	for _, x := range need.Extensions {
		if item, ok := found[ExtensionKey(account, x)]; ok {
			if ch.extensions[x] != nil {
				continue
			}
			now, err := call.Decode[Extension](item)
			if err != nil {
				return nil, err
			}
			ch.extensions[x] = &extensionState{version: item.Version, exists: true, raw: item.Data, now: now}
		} else if ch.extensions[x] == nil && x != "" {
			ch.extensions[x] = &extensionState{now: Extension{Key: x}}
		}
	}
	for _, n := range need.Numbers {
		if item, ok := found[numberKey(account, n)]; ok {
			if ch.numbers[n] != nil {
				continue
			}
			ext, err := call.Decode[string](item)
			if err != nil {
				return nil, err
			}
			ch.numbers[n] = &numberState{version: item.Version, exists: true, raw: ext, now: ext}
		} else if ch.numbers[n] == nil && n != "" {
			ch.numbers[n] = &numberState{}
		}
	}
	return found, nil
}

// wellFormed keeps what is no UUID of ours from becoming a key.
func wellFormed(id string) bool {
	parsed, err := uuid.Parse(id)
	return err == nil && parsed.String() == id
}

func (ch *Change) addHolder(item table.Item) error {
	h, err := call.Decode[Holder](item)
	if err != nil {
		return err
	}
	if _, ok := ch.holders[h.UserID]; !ok {
		granted := make(map[string][]Grant, len(h.Holdings))
		for product, holding := range h.Holdings {
			granted[product] = holding.Grants
		}
		ch.holders[h.UserID] = &holderState{version: item.Version, exists: true, before: item.Data, granted: granted, named: h.Name, Holder: h}
	}
	return nil
}

func (ch *Change) addLicense(item table.Item) error {
	l, err := call.Decode[stored](item)
	if err != nil {
		return err
	}
	if _, ok := ch.licenses[l.ID]; ok || !ch.desk.seen(ch.c.Account, l) {
		return nil
	}
	ch.licenses[l.ID] = &licenseState{version: item.Version, exists: true, before: l, raw: item.Data, now: l}
	return nil
}

// Holder is a loaded user, or a not-found problem.
func (ch *Change) Holder(user string) (*Holder, error) {
	h, ok := ch.holders[user]
	if !ok || h.gone {
		return nil, problem.Missing("user")
	}
	return &h.Holder, nil
}

// License is a loaded license as it is in this change, or a not-found problem.
func (ch *Change) License(id string) (License, error) {
	l, ok := ch.licenses[id]
	if !ok {
		return License{}, problem.Missing("license")
	}
	return l.now.License, nil
}

// Extension is a loaded extension; the zero Extension but for its key when nobody has it.
func (ch *Change) Extension(key string) Extension {
	if x := ch.extensions[key]; x != nil {
		return x.now
	}
	return Extension{Key: key}
}

// NumberOwner is the extension that has a loaded number, or empty.
func (ch *Change) NumberOwner(number string) string {
	if n := ch.numbers[number]; n != nil {
		return n.now
	}
	return ""
}

// Unlimited says whether the account's bundle has unlimited Live Reports.
func (ch *Change) Unlimited() bool { return ch.account != nil && ch.account.Bundle == UnlimitedBundle }

// Put makes a holder, or changes name and activity of a loaded one. Deactivating takes the grants that a person gave, and gives every seat back; the
// automatic grants are kept in mind and count again when the user returns (spec 6).
func (ch *Change) Put(ctx context.Context, user, name string, active bool) error {
	h := ch.holders[user]
	switch {
	case h == nil:
		h = &holderState{Holder: Holder{UserID: user}}
		ch.holders[user] = h
	case h.gone: // removed by this very change
		h.gone, h.Holder = false, Holder{UserID: user}
	}
	renamed := h.Name != name
	h.Name, h.Active = name, active
	if renamed {
		if err := ch.rename(ctx, h); err != nil {
			return err
		}
	}
	if !active {
		for _, holding := range h.Holdings {
			holding.Grants = withoutGrants(holding.Grants, func(s string) bool { return !automatic(s) })
		}
	}
	return ch.settle(ctx, h)
}

// Still makes the commit demand that a user is as they were loaded, also where the change leaves them so: for who decides by what a user holds, and would otherwise not notice
// what is granted at the same time.
func (ch *Change) Still(user string) { ch.still[user] = true }

// Remove deletes a holder: every seat goes back and every grant is forgotten.
func (ch *Change) Remove(ctx context.Context, user string) error {
	h, ok := ch.holders[user]
	if !ok {
		return nil
	}
	for _, holding := range h.Holdings {
		holding.Grants = nil
	}
	if err := ch.settle(ctx, h); err != nil {
		return err
	}
	for product, holding := range h.Holdings {
		if holding.Excluded != nil {
			ch.exclusions[product+"#"+user] = false
		}
	}
	if err := ch.Unextend(ctx, user); err != nil {
		return err
	}
	h.gone = true
	return nil
}

// rename carries a new name to the licenses held.
func (ch *Change) rename(ctx context.Context, h *holderState) error {
	if err := ch.loadHeld(ctx, h); err != nil {
		return err
	}
	for _, holding := range h.Holdings {
		if l := ch.licenses[holding.LicenseID]; l != nil {
			l.now.UserName = h.Name
		}
		if holding.Waiting == "" {
			continue
		}
		w, err := ch.wait(ctx, holding.Waiting)
		if err != nil {
			return err
		}
		if w != nil {
			w.entry.UserName, w.dirty = h.Name, true
		}
	}
	return nil
}

// loadHeld loads the licenses that the holder has.
func (ch *Change) loadHeld(ctx context.Context, h *holderState) error {
	var ids []string
	for _, holding := range h.Holdings {
		if holding.LicenseID != "" {
			ids = append(ids, holding.LicenseID)
		}
	}
	if _, err := ch.Load(ctx, Need{Licenses: ids}); err != nil {
		return err
	}
	for _, id := range ids {
		if ch.licenses[id] == nil {
			return fmt.Errorf("license %s of user %s is missing", id, h.UserID)
		}
		if err := ch.agreed(h.UserID, id); err != nil {
			return err
		}
	}
	return nil
}

// Grant gives a loaded user a reason to hold the product, and what follows from it: a seat, or a place in the waiting list for an automatic grant.
//
// Errors for a grant that a person gives: not-enough-licenses and those of mayHold. An automatic grant never fails for want of a seat.
func (ch *Change) Grant(ctx context.Context, user, product, source string) error {
	h, ok := ch.holders[user]
	if !ok || h.gone {
		return problem.Missing("user")
	}
	p, ok := ch.desk.products.Lookup(product)
	if !ok {
		return problem.Invalid("productId", "is not in the catalog")
	}
	holding := h.holding(product)
	if !automatic(source) {
		if err := mayHold(&h.Holder, p); err != nil {
			h.tidy()
			return err
		}
		if holding.Excluded != nil {
			ch.readmit(h, product)
		}
	}
	holding.Grants = withGrant(holding.Grants, source, ch.c.At)
	return ch.settle(ctx, h)
}

// Withdraw takes one reason away; the seat goes back with the last one.
func (ch *Change) Withdraw(ctx context.Context, user, product, source string) error {
	return ch.withdraw(ctx, user, product, func(s string) bool { return s == source })
}

func (ch *Change) withdraw(ctx context.Context, user, product string, drop func(string) bool) error {
	h, ok := ch.holders[user]
	if !ok || h.gone || h.Holdings[product] == nil {
		return nil
	}
	holding := h.Holdings[product]
	holding.Grants = withoutGrants(holding.Grants, drop)
	return ch.settle(ctx, h)
}

// Unassign takes the product from a loaded user as a person demands it: the grants that a person gave end, and if automatic ones stand behind, the
// user is excluded from automatic assignment of the product (spec 4).
func (ch *Change) Unassign(ctx context.Context, user, product string) error {
	h, ok := ch.holders[user]
	if !ok || h.gone || h.Holdings[product] == nil {
		return nil
	}
	holding := h.Holdings[product]
	holding.Grants = withoutGrants(holding.Grants, func(s string) bool { return !automatic(s) })
	if len(holding.Grants) > 0 && holding.Excluded == nil {
		ch.exclude(h, product)
		if holding.LicenseID == "" { // otherwise the license's own record tells of it
			ch.record(call.Change{
				Action: "exclusion.added", Subject: "exclusion", SubjectID: product + "#" + user, User: user,
				After: map[string]any{"productId": product, "grants": sourcesOf(holding.Grants)},
			})
		}
	}
	return ch.settle(ctx, h)
}

// exclude keeps the holder from automatic assignment of the product.
func (ch *Change) exclude(h *holderState, product string) {
	h.holding(product).Excluded = &Exclusion{Since: ch.c.At, By: ch.c.Actor}
	ch.exclusions[product+"#"+h.UserID] = true
}

// readmit ends that.
func (ch *Change) readmit(h *holderState, product string) {
	h.holding(product).Excluded = nil
	ch.exclusions[product+"#"+h.UserID] = false
}

// Lift ends an exclusion of a loaded user; the automatic grants count again.
func (ch *Change) Lift(ctx context.Context, user, product string) error {
	h, ok := ch.holders[user]
	if !ok || h.Holdings[product] == nil || h.Holdings[product].Excluded == nil {
		return problem.Missing("exclusion")
	}
	ch.readmit(h, product)
	ch.record(call.Change{Action: "exclusion.lifted", Subject: "exclusion", SubjectID: product + "#" + user, User: user})
	return ch.settle(ctx, h)
}

// Resettle looks at a loaded user again after something around them changed: the account's bundle.
func (ch *Change) Resettle(ctx context.Context, user string) error {
	h, ok := ch.holders[user]
	if !ok || h.gone {
		return nil
	}
	return ch.settle(ctx, h)
}

// settle makes the holder's seats agree with the grants; it is the one place where that is decided. Products are looked at in the catalog's order until
// nothing changes any more, since one product can cover, carry or exclude another.
func (ch *Change) settle(ctx context.Context, h *holderState) error {
	for range 8 {
		changed := false
		for p := range ch.desk.products.All() {
			if h.Holdings[p.ID] == nil {
				continue
			}
			did, err := ch.settleProduct(ctx, h, p)
			if err != nil {
				return err
			}
			changed = changed || did
		}
		if !changed {
			break
		}
	}
	h.tidy()
	return nil
}

func (ch *Change) settleProduct(ctx context.Context, h *holderState, p catalog.Product) (bool, error) {
	holding := h.Holdings[p.ID]
	if len(p.Requires) > 0 && !slices.ContainsFunc(p.Requires, h.Holds) && len(holding.Grants) > 0 {
		// An add-on goes with its base (spec 4), and what a person gave goes with what it needs.
		holding.Grants = withoutGrants(holding.Grants, func(s string) bool { return p.Base != "" || !automatic(s) })
	}
	wanted, _ := wants(ch.desk.products, &h.Holder, p.ID, ch.Unlimited())
	held := holding.LicenseID != ""
	switch {
	case held && wanted:
		return false, ch.regrant(ctx, h, p)
	case held:
		return true, ch.giveBack(ctx, h, p)
	case !wanted:
		if holding.Waiting != "" {
			ch.record(call.Change{
				Action: "grant.withdrawn", Subject: "grant", SubjectID: p.ID + "#" + h.UserID, User: h.UserID,
				Before: waitOf(p.ID, holding.WaitingSince), After: map[string]any{"productId": p.ID, "grants": sourcesOf(holding.Grants)},
			})
			return true, ch.leaveWaiting(ctx, h, p)
		}
		return false, nil
	}
	if p.Kind == catalog.Metered {
		ch.make(h, p)
		return true, nil
	}
	manual := slices.ContainsFunc(holding.Grants, func(g Grant) bool { return !automatic(g.Source) })
	if !manual && holding.Waiting == "" {
		// Who comes now queues behind who waits already.
		queue, err := ch.head(ctx, p.ID)
		if err != nil {
			return false, err
		}
		if queue != nil {
			ch.joinWaiting(h, p)
			return false, nil
		}
	}
	if holding.Waiting != "" && !manual {
		// A waiting holder is served in turn, by whoever frees a seat or by Drain, not because somebody looked at them.
		return false, ch.rewait(ctx, h, p)
	}
	free, err := ch.free(ctx, p.ID)
	if err != nil {
		return false, err
	}
	if free == nil {
		if manual {
			return false, problem.Shortage(p.ID, 1, 0)
		}
		ch.joinWaiting(h, p)
		return false, nil
	}
	if holding.Waiting != "" {
		if err := ch.leaveWaiting(ctx, h, p); err != nil {
			return false, err
		}
	}
	ch.take(h, p, free)
	return true, nil
}

// take puts a free license into the holder's hands.
func (ch *Change) take(h *holderState, p catalog.Product, l *licenseState) {
	holding := h.holding(p.ID)
	at := ch.c.At
	l.now.Status, l.now.UserID, l.now.UserName, l.now.AssignedAt = Assigned, h.UserID, h.Name, &at
	l.now.Grants = slices.Clone(holding.Grants)
	l.now.Pending = false
	l.now.Extension, l.now.BaseLicenseID = "", ""
	switch {
	case p.Extension:
		l.now.Extension = h.Extension
	case p.Base != "":
		l.now.Extension, l.now.BaseLicenseID = h.Extension, h.Holdings[p.Base].LicenseID
	}
	holding.LicenseID = l.now.ID
	ch.counts[countName(countAssigned, p.ID)]++
	ch.record(ch.seatChange("license.assigned", l, h.UserID, grantReason(holding.Grants)))
}

// make makes a metered license: it is not bought, assigning makes it (spec 2).
func (ch *Change) make(h *holderState, p catalog.Product) {
	l := &licenseState{now: stored{License: License{
		ID: ch.c.Env.IDs.Random(), ProductID: p.ID, Kind: p.Kind, Status: Available, AddedAt: ch.c.At, Grants: []Grant{},
	}, Shards: ch.desk.spread.of(ch.c.Account)}}
	ch.licenses[l.now.ID] = l
	ch.take(h, p, l)
}

// giveBack takes the license out of the holder's hands: it goes to who waits longest, else to the pool; a metered one ends.
func (ch *Change) giveBack(ctx context.Context, h *holderState, p catalog.Product) error {
	holding := h.Holdings[p.ID]
	if _, err := ch.Load(ctx, Need{Licenses: []string{holding.LicenseID}}); err != nil {
		return err
	}
	l := ch.licenses[holding.LicenseID]
	if l == nil {
		return fmt.Errorf("license %s of user %s is missing", holding.LicenseID, h.UserID)
	}
	// It may be one that this very change has taken out of the pool, for somebody else: given back, it would be left as it was read, and not even be written, so that no
	// condition would notice.
	if err := ch.agreed(h.UserID, holding.LicenseID); err != nil {
		return err
	}
	holding.LicenseID = ""
	l.now.Status, l.now.UserID, l.now.UserName, l.now.AssignedAt, l.now.Extension, l.now.BaseLicenseID = Available, "", "", nil, "", ""
	l.now.Shards = ch.desk.spread.of(ch.c.Account)
	l.now.Grants = []Grant{}
	ch.counts[countName(countAssigned, p.ID)]--
	ch.record(ch.seatChange("license.unassigned", l, h.UserID, ""))
	if p.Kind == catalog.Metered {
		at := ch.c.At
		l.now.Status, l.now.TerminatedAt = Terminated, &at
		return nil
	}
	return ch.handOver(ctx, p, l, h.UserID)
}

// handOver gives a license that was just freed to who waits longest; nobody ever sees it free in between, and no crash can lose the turn.
func (ch *Change) handOver(ctx context.Context, p catalog.Product, l *licenseState, leaver string) error {
	if ch.later {
		ch.look[p.ID] = true
		return nil
	}
	if ch.served(p) {
		return nil
	}
	for {
		next, err := ch.head(ctx, p.ID)
		if err != nil {
			return err
		}
		if next == nil {
			if p.Kind == catalog.Seat {
				ch.look[p.ID] = true
			}
			return nil
		}
		if _, err := ch.Load(ctx, Need{Users: []string{next.entry.UserID}}); err != nil {
			return err
		}
		h := ch.holders[next.entry.UserID]
		ch.heads[p.ID].waits = ch.heads[p.ID].waits[1:]
		if h == nil || h.gone || h.UserID == leaver || h.Holdings[p.ID] == nil || h.Holdings[p.ID].Waiting != next.sort {
			continue
		}
		if err := ch.leaveWaiting(ctx, h, p); err != nil {
			return err
		}
		ch.take(h, p, l)
		return ch.settle(ctx, h) // the seat may make another one unnecessary
	}
}

// served says that nobody needs a seat of the product, since the account's bundle has it unlimited. Whoever waits from before that leaves the list as they are
// looked at, one by one: the list can be longer than a commit.
func (ch *Change) served(p catalog.Product) bool {
	return ch.Unlimited() && p.CountsAs.Group == catalog.LiveReports
}

// regrant shows changed grants on the license.
func (ch *Change) regrant(ctx context.Context, h *holderState, p catalog.Product) error {
	holding := h.Holdings[p.ID]
	same := slices.Equal(h.granted[p.ID], holding.Grants)
	l := ch.licenses[holding.LicenseID]
	if l == nil {
		if same {
			return nil
		}
		if _, err := ch.Load(ctx, Need{Licenses: []string{holding.LicenseID}}); err != nil {
			return err
		}
		if l = ch.licenses[holding.LicenseID]; l == nil {
			return nil
		}
	}
	switch {
	case l.now.UserID != h.UserID:
		// One read of several items is no snapshot: another commit came between the holder's and the license's. If this change does not write the holder, no
		// condition of its commit would notice.
		return ch.changedMeanwhile(HolderKey(ch.c.Account, h.UserID), licenseKey(ch.c.Account, holding.LicenseID))
	case same && l.before.UserID == h.UserID:
		l.now.Grants = l.before.Grants // so it may be newer than the holder
	default:
		l.now.Grants = slices.Clone(holding.Grants)
	}
	return nil
}

func (h *holderState) changed() bool {
	data, err := call.Encode(h.Holder)
	return err != nil || !bytes.Equal(data, h.before)
}

func (ch *Change) joinWaiting(h *holderState, p catalog.Product) {
	holding := h.holding(p.ID)
	at := ch.c.At
	holding.WaitingSince = &at
	holding.Waiting = p.ID + "#" + call.AuditMoment(at) + "#" + h.UserID
	w := ch.waits[holding.Waiting] // there when the same call has just taken the user off the list
	if w == nil {
		w = &waitState{}
		ch.waits[holding.Waiting] = w
	}
	w.entry = Wait{ProductID: p.ID, UserID: h.UserID, UserName: h.Name, Since: at, Grants: slices.Clone(holding.Grants)}
	w.gone, w.dirty = false, true
	ch.counts[countName(countWaiting, p.ID)]++
	ch.look[p.ID] = true
	ch.record(call.Change{
		Action: "grant.waiting", Subject: "grant", SubjectID: p.ID + "#" + h.UserID, User: h.UserID, Reason: grantReason(holding.Grants),
		After: waitOf(p.ID, &at),
	})
}

// waitOf is a waiting grant's part in an audit record.
func waitOf(product string, since *time.Time) map[string]any {
	return map[string]any{"productId": product, "waitingSince": since}
}

// rewait shows changed grants in the waiting list.
func (ch *Change) rewait(ctx context.Context, h *holderState, p catalog.Product) error {
	holding := h.Holdings[p.ID]
	if slices.Equal(h.granted[p.ID], holding.Grants) {
		return nil // so the entry may be newer than the holder, who is not written
	}
	w, err := ch.wait(ctx, holding.Waiting)
	if err != nil {
		return err
	}
	if w != nil {
		if !slices.Equal(w.entry.Grants, holding.Grants) {
			w.entry.Grants, w.dirty = slices.Clone(holding.Grants), true
		}
	}
	return nil
}

func (ch *Change) wait(ctx context.Context, sort string) (*waitState, error) {
	if w := ch.waits[sort]; w != nil {
		return w, nil
	}
	item, ok, err := ch.c.Get(ctx, waitKey(ch.c.Account, sort))
	if err != nil || !ok {
		return nil, err
	}
	entry, err := call.Decode[Wait](item)
	if err != nil {
		return nil, err
	}
	w := &waitState{entry: entry, version: item.Version, exists: true}
	ch.waits[sort] = w
	return w, nil
}

func (ch *Change) leaveWaiting(ctx context.Context, h *holderState, p catalog.Product) error {
	holding := h.Holdings[p.ID]
	w, err := ch.wait(ctx, holding.Waiting)
	if err != nil {
		return err
	}
	if w != nil {
		w.gone = true
	}
	holding.Waiting, holding.WaitingSince = "", nil
	ch.counts[countName(countWaiting, p.ID)]--
	return nil
}

// headPage is how many of those who wait are read at once.
const headPage = 25

// head is who waits longest for the product and is not yet served by this change, or nil.
func (ch *Change) head(ctx context.Context, product string) (*waitItem, error) {
	hd := ch.heads[product]
	if p, ok := ch.desk.products.Lookup(product); !ok || p.Kind != catalog.Seat {
		return nil, nil // only seats are granted automatically, so nobody ever waits for another kind
	}
	if hd == nil {
		hd = &head{}
		ch.heads[product] = hd
	}
	for {
		for len(hd.waits) > 0 {
			w := hd.waits[0]
			if known := ch.waits[w.sort]; known != nil && known.gone {
				hd.waits = hd.waits[1:]
				continue
			}
			return &w, nil
		}
		if hd.done {
			return nil, nil
		}
		if err := ch.c.Begin(ctx); err != nil {
			return nil, err
		}
		page, err := ch.c.Env.Table.Query(ctx, table.Query{
			Partition: waitPartition(ch.c.Account), Prefix: product + "#", After: hd.next, Limit: headPage,
		})
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			entry, err := call.Decode[Wait](item)
			if err != nil {
				return nil, err
			}
			hd.waits = append(hd.waits, waitItem{sort: item.Sort, version: item.Version, entry: entry})
			if ch.waits[item.Sort] == nil {
				ch.waits[item.Sort] = &waitState{entry: entry, version: item.Version, exists: true}
			}
		}
		hd.next, hd.done = page.Next, page.Next == ""
	}
}

func (ch *Change) record(change call.Change) {
	if change.Reason == "" {
		change.Reason = ch.reason
	}
	ch.records = append(ch.records, change)
}

// Because gives the audit records of what follows a reason of its own, such as a row of a file; empty for the call's.
func (ch *Change) Because(reason string) { ch.reason = reason }

const subjectLicense = "license"

// seat is a license's part in an audit record.
type seat struct {
	ProductID  string `json:"productId"`
	Status     Status `json:"status"`
	UserID     string `json:"userId,omitempty"`
	CostCenter string `json:"costCenter,omitempty"`
	Extension  string `json:"extension,omitempty"`
	// Grants are the sources of the grants behind it.
	Grants []string `json:"grants,omitempty"`
}

func seatOf(l stored) *seat {
	return &seat{
		ProductID: l.ProductID, Status: l.Status, UserID: l.UserID, CostCenter: l.CostCenter, Extension: l.Extension, Grants: sourcesOf(l.Grants),
	}
}

func sourcesOf(grants []Grant) []string {
	sources := make([]string, len(grants))
	for i, g := range grants {
		sources[i] = g.Source
	}
	return sources
}

func (ch *Change) seatChange(action string, l *licenseState, user, reason string) call.Change {
	change := call.Change{Action: action, Subject: subjectLicense, SubjectID: l.now.ID, User: user, Reason: reason, After: seatOf(l.now)}
	if l.exists {
		change.Before = seatOf(l.before)
	}
	return change
}

// grantReason is the audit reason of an automatic grant; a person's grant has the call's own reason.
func grantReason(grants []Grant) string {
	for _, g := range grants {
		if !automatic(g.Source) {
			return ""
		}
	}
	return strings.Join(sourcesOf(grants), " ")
}

// At is the moment at which the change is made.
func (ch *Change) At() time.Time { return ch.c.At }
