package license

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/text"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// ledger is the state of an account as far as a decision knows it, and decides what becomes of it:
// which seats are taken, given back and handed on, who waits, what is recorded. It knows no
// context, clock or store. Where it must know more it says what, as an error of type *needs; then
// it is as it was before, and whoever has loaded what is missing lets it decide again (design,
// decision 2).
type ledger struct {
	products *catalog.Catalog
	account  string
	actor    string
	cause    call.Cause // of the call: what somebody who begins to wait goes back to
	at       time.Time

	// What was loaded, and how the decision leaves it.
	bundle     *record.AccountPart
	holders    map[string]*state[Holder]
	licenses   map[string]*licenseState
	extensions map[string]*state[Extension]
	numbers    map[string]*state[string] // by their digits: the extension that has the number; empty for nobody
	waits      map[string]*state[record.StoredWait]

	// What was loaded and is never changed by a decision: parts of pools, of waiting lists, of a
	// reservation, new ids, what does not exist.
	pools map[string]*pool
	// fences are the cost centers whose seats serve their own users only; nil until they are read.
	fences *record.Fences
	heads  map[string]*head
	chunks map[string]*reservedSeats
	// costCenters are those that were asked for: whether they exist.
	costCenters map[string]bool
	// codes are cost centers of which seats were asked for: whether they exist. The commit does not
	// rely on that.
	codes  map[string]bool
	absent map[string]bool // users, licenses and waiting entries
	spread int             // over how many shards licenses are spread
	// refused are the markers of orders, and other keys, that have refused the last commit.
	refused []table.Key

	// What the decision adds.
	ids        []string // new ids that are left
	passed     map[string]bool
	exclusions map[string]bool     // sort key: to be written (true) or deleted
	counts     map[string]int64    // by name: countName
	bought     map[table.Key]int64 // of boughtKey and costCenterSeatsKey
	people     map[string]int64    // of a cost center: how many users more it has
	entries    []call.AuditEntry
	spans      []record.Span
	look       map[string]bool // products of which a seat was freed, or whose waiting list grew
	drawn      map[string]int64
	unsure     []table.Key // the markers of orders that the commit demands to be there, see choose

	// How it decides.
	reason string
	chosen string // the license that the next seat taken must be
	asked  asked  // the cost center whose seat it must be
	// theirs is to which cost centers the caller is limited, of what HoldToLimit and HoldTo say.
	theirs auth.Limit
	// relied says that a seat was given which a fence could keep from its holder, so that the commit
	// demands that the fences are as they were read.
	relied bool
	// reserving says that seats are taken from a reservation first.
	reserving bool
	// deferred leaves seats that are freed to the pool, to be handed to who waits right after the
	// commit instead of in it.
	deferred bool
}

// needs is what a decision must know and does not.
type needs struct {
	Need
	// waits are entries of waiting lists, heads products of whose lists more must be known, seats
	// products of which a free license is wanted, vet products of whose free licenses it must be
	// known whether their orders are confirmed, reserved products of which the next reserved seat
	// is wanted, ids how many new ids.
	waits, heads, seats, vet, reserved []string
	// own are seats that are wanted of one cost center, how many of each.
	own map[asked]int
	// code is a cost center of which it is asked whether it exists, and no more.
	code string
	ids  int
}

// asked is a product and the cost center whose seats are wanted.
type asked struct{ product, costCenter string }

func (n *needs) Error() string { return fmt.Sprintf("the decision needs to know more: %+v", *n) }

// need says what of this is not known, and nothing when all is.
func (g *ledger) need(n Need) error {
	if missing := g.missing(n); !missing.empty() {
		return &needs{Need: missing}
	}
	return nil
}

// missing is what of a need is not known.
func (g *ledger) missing(n Need) Need {
	unknown := func(names []string, known func(name string) bool) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" || known(name) })
	}
	missing := Need{
		Users: unknown(n.Users, func(user string) bool { return g.holders[user] != nil || g.absent[user] }),
		Licenses: unknown(n.Licenses, func(id string) bool {
			return g.licenses[id] != nil || g.absent[id] || !record.WellFormed(id)
		}),
		Extensions: unknown(n.Extensions, func(x string) bool { return g.extensions[x] != nil }),
		Numbers:    unknown(digitsOf(n.Numbers), func(number string) bool { return g.numbers[number] != nil }),
		Seats:      maps.Clone(n.Seats),
		Also:       n.Also,
		fences:     n.fences && g.fences == nil,
	}
	maps.DeleteFunc(missing.Seats, func(product string, n int) bool { return n == 0 || g.pools[product] != nil })
	if _, known := g.costCenters[n.CostCenter]; !known {
		missing.CostCenter = n.CostCenter
	}
	return missing
}

// empty says whether nothing is needed.
func (n Need) empty() bool {
	lists := len(n.Users) + len(n.Licenses) + len(n.Extensions) + len(n.Numbers) + len(n.Seats) + len(n.Also)
	return lists == 0 && n.CostCenter == "" && !n.fences
}

// command is a decision.
type command func(g *ledger) error

// apply carries out commands, all or none: after an error, needs among them, the ledger is as it
// was.
func (g *ledger) apply(commands ...command) error {
	before := g.clone()
	for _, c := range commands {
		if err := c(g); err != nil {
			g.restore(before)
			return err
		}
	}
	return nil
}

// clone copies all that a decision changes.
func (g *ledger) clone() *ledger {
	copied := *g
	copied.holders = cloneStates(g.holders)
	for _, h := range copied.holders {
		h.now = cloneHolder(h.now)
	}
	copied.licenses, copied.waits = cloneStates(g.licenses), cloneStates(g.waits)
	copied.extensions, copied.numbers = cloneStates(g.extensions), cloneStates(g.numbers)
	copied.passed, copied.exclusions, copied.look = maps.Clone(g.passed), maps.Clone(g.exclusions), maps.Clone(g.look)
	copied.counts, copied.bought, copied.drawn = maps.Clone(g.counts), maps.Clone(g.bought), maps.Clone(g.drawn)
	copied.people = maps.Clone(g.people)
	copied.entries, copied.spans = slices.Clone(g.entries), slices.Clone(g.spans)
	return &copied
}

func cloneHolder(h Holder) Holder {
	holdings := h.Holdings
	if holdings != nil {
		h.Holdings = cloneStates(holdings)
	}
	return h
}

// restore makes the ledger as it was when it was cloned. Holders stay where they are, since callers
// look at them between their commands.
func (g *ledger) restore(before *ledger) {
	holders := g.holders
	*g = *before
	for id, h := range g.holders {
		if known := holders[id]; known != nil {
			*known = *h
			g.holders[id] = known
		}
	}
}

func cloneStates[K comparable, V any](states map[K]*V) map[K]*V {
	copied := make(map[K]*V, len(states))
	for key, state := range states {
		copied[key] = pointer(*state)
	}
	return copied
}

func pointer[T any](v T) *T { return &v }

// state is the document of an item as it was read, and as the decision leaves it.
type state[T any] struct {
	version     int64
	exists      bool
	before, now T
	gone        bool
}

// changed says whether the decision leaves the document otherwise than it was read. One that cannot
// be encoded counts as changed, so that its commit says why.
func (s *state[T]) changed() bool {
	before, err := call.Encode(s.before)
	now, failed := call.Encode(s.now)
	return !s.exists || err != nil || failed != nil || !bytes.Equal(before, now)
}

// after is the version that the item has when the change is committed.
func (s *state[T]) after() int64 {
	if s.changed() {
		return s.version + 1
	}
	return s.version
}

type licenseState struct {
	state[record.Document]
	// drawn is set for a seat of the change's reservation, which has no entry in the pool; reserved
	// for one that is reserved for somebody else.
	drawn, reserved bool
}

// holder is a loaded user, or nil.
func (g *ledger) holder(user string) *Holder {
	if h := g.holders[user]; h != nil && !h.gone {
		return &h.now
	}
	return nil
}

// Holder is a loaded user, or a not-found problem.
func (g *ledger) Holder(user string) (*Holder, error) {
	if h := g.holder(user); h != nil {
		return h, nil
	}
	return nil, problem.Missing("user")
}

// grantsRead are the grants that a loaded user had for a product when they were read.
func (g *ledger) grantsRead(h *Holder, product string) []Grant {
	if holding := g.holders[h.UserID].before.Holdings[product]; holding != nil {
		return holding.Grants
	}
	return nil
}

// product is one of the catalog, or a validation problem.
func (g *ledger) product(id string) (catalog.Product, error) {
	p, ok := g.products.Lookup(id)
	if !ok {
		return p, problem.Invalid("productId", problem.UnknownID, "is not in the catalog")
	}
	return p, nil
}

// license is a loaded license, or a not-found problem.
func (g *ledger) license(id string) (*licenseState, error) {
	if l := g.licenses[id]; l != nil {
		return l, nil
	}
	return nil, problem.Missing("license")
}

// Extension is a loaded extension; the zero Extension but for its key when nobody has it.
func (g *ledger) Extension(key string) Extension {
	if x := g.extensions[key]; x != nil {
		return x.now
	}
	return Extension{Key: key}
}

// digitsOf are what numbers are compared by; of what is no number there are none.
func digitsOf(numbers []string) []string {
	digits := make([]string, 0, len(numbers))
	for _, n := range numbers {
		if d := text.Digits(n); d != "" {
			digits = append(digits, d)
		}
	}
	return digits
}

// NumberOwner is the extension that has a loaded number, in whatever form, or empty.
func (g *ledger) NumberOwner(number string) string {
	if n := g.numbers[text.Digits(number)]; n != nil {
		return n.now
	}
	return ""
}

// Unlimited says whether the account's bundle has unlimited Live Reports.
func (g *ledger) Unlimited() bool { return g.bundle.Unlimited() }

func (g *ledger) terms() record.Terms {
	return record.Terms{Products: g.products, Unlimited: g.bundle.Unlimited()}
}

// StateOf is how a loaded user stands to the product now.
func (g *ledger) StateOf(h *Holder, product string) State { return g.terms().StateOf(h, product) }

func (g *ledger) record(entry call.AuditEntry) {
	if entry.Reason == "" {
		entry.Reason = g.reason
	}
	g.entries = append(g.entries, entry)
}

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

func seatOf(l record.Document) *seat {
	return &seat{
		ProductID:  l.ProductID,
		Status:     l.Status,
		UserID:     l.UserID,
		CostCenter: l.CostCenter,
		Extension:  l.Extension,
		Grants:     sourcesOf(l.Grants),
	}
}

func sourcesOf(grants []Grant) []string {
	sources := make([]string, len(grants))
	for i, g := range grants {
		sources[i] = g.Source
	}
	return sources
}

func (g *ledger) seatChange(action string, l *licenseState, user, reason string) call.AuditEntry {
	change := call.AuditEntry{
		Action:    action,
		Subject:   subjectLicense,
		SubjectID: l.now.ID,
		User:      user,
		Reason:    reason,
		After:     seatOf(l.now),
	}
	if l.exists {
		change.Before = seatOf(l.before)
	}
	return change
}

// grantReason is the audit reason of an automatic grant; a person's grant has the call's own
// reason.
func grantReason(grants []Grant) string {
	if byHand(grants) {
		return ""
	}
	return strings.Join(sourcesOf(grants), " ")
}

// byHand says whether a person gave one of the grants.
func byHand(grants []Grant) bool {
	return slices.ContainsFunc(grants, func(g Grant) bool { return !record.Automatic(g.Source) })
}

// automatic are the grants that no person gave.
func automatic(grants []Grant) []Grant {
	return withoutGrants(grants, func(source string) bool { return !record.Automatic(source) })
}

// after is a loaded license as it is when the change is committed, and its version then.
func (g *ledger) after(id string) (License, int64, error) {
	l, err := g.license(id)
	if err != nil {
		return License{}, 0, err
	}
	return record.Shown(g.products, l.now.License), l.state.after(), nil
}

// chargeable demands that a cost center is there, and goes on being there until the commit.
func (g *ledger) chargeable(costCenter string) error {
	if err := g.need(Need{CostCenter: costCenter}); err != nil {
		return err
	}
	if !g.costCenters[costCenter] {
		return problem.Invalid("costCenter", problem.UnknownID, "must be the code of a cost center of this account")
	}
	return nil
}

// agreed demands that a loaded license is the one that a loaded user holds of its product, by the
// user's item as well as by its own. Otherwise another commit came between the reads of the two.
//
// Errors: a *table.ConditionError.
func (g *ledger) agreed(user, id string) error {
	h, l := g.holder(user), g.licenses[id]
	if h == nil || l == nil || l.now.UserID != user || !h.Holds(l.now.ProductID) ||
		h.Holdings[l.now.ProductID].LicenseID != id {
		return g.changedMeanwhile(HolderKey(g.account, user), record.LicenseKey(g.account, id))
	}
	return nil
}

// changedMeanwhile is the error that sends the caller back to decide again.
func (g *ledger) changedMeanwhile(keys ...table.Key) error {
	failed := make([]int, len(keys))
	for i := range failed {
		failed[i] = i
	}
	return &table.ConditionError{Failed: failed, Keys: keys}
}
