package license

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/text"
	"seatwise/shared/license/internal/record"
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
	holders    map[string]*holderState
	licenses   map[string]*licenseState
	extensions map[string]*state[Extension]
	numbers    map[string]*state[string] // by their digits: the extension that has the number; empty for nobody
	waits      map[string]*waitState

	// What was loaded and is never changed by a decision: parts of pools, of waiting lists, of a
	// reservation, new ids, what does not exist.
	pools  map[string]*pool
	heads  map[string]*head
	chunks map[string]*reservedSeats
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
	entries    []call.AuditEntry
	look       map[string]bool // products of which a seat was freed, or whose waiting list grew
	drawn      map[string]int64
	unsure     []table.Key // the markers of orders that the commit demands to be there, see choose

	// How it decides.
	reason string
	chosen string // the license that the next seat taken must be
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
	ids                                int
}

func (n *needs) Error() string { return fmt.Sprintf("the decision needs to know more: %+v", *n) }

// need says what of this is not known, and nothing when all is.
func (g *ledger) need(n Need) error {
	missing := needs{}
	for _, user := range n.Users {
		if g.holders[user] == nil && !g.absent[user] {
			missing.Users = append(missing.Users, user)
		}
	}
	for _, id := range n.Licenses {
		if g.licenses[id] == nil && !g.absent[id] {
			missing.Licenses = append(missing.Licenses, id)
		}
	}
	for _, x := range n.Extensions {
		if x != "" && g.extensions[x] == nil {
			missing.Extensions = append(missing.Extensions, x)
		}
	}
	for _, number := range digitsOf(n.Numbers) {
		if g.numbers[number] == nil {
			missing.Numbers = append(missing.Numbers, number)
		}
	}
	if len(missing.Users)+len(missing.Licenses)+len(missing.Extensions)+len(missing.Numbers) == 0 {
		return nil
	}
	return &missing
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
	copied.holders = make(map[string]*holderState, len(g.holders))
	for id, h := range g.holders {
		copied.holders[id] = h.clone()
	}
	copied.licenses, copied.extensions, copied.numbers = cloneStates(
		g.licenses,
	), cloneStates(
		g.extensions,
	), cloneStates(
		g.numbers,
	)
	copied.waits = cloneStates(g.waits)
	copied.passed, copied.exclusions, copied.look = maps.Clone(g.passed), maps.Clone(g.exclusions), maps.Clone(g.look)
	copied.counts, copied.bought, copied.drawn = maps.Clone(g.counts), maps.Clone(g.bought), maps.Clone(g.drawn)
	copied.entries = slices.Clone(g.entries)
	return &copied
}

func (h *holderState) clone() *holderState {
	copied := *h
	if h.Holdings != nil {
		copied.Holdings = make(map[string]*Holding, len(h.Holdings))
		for product, holding := range h.Holdings {
			copied.Holdings[product] = pointer(*holding)
		}
	}
	return &copied
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

type holderState struct {
	extended string // the extension as it was loaded
	version  int64  // 0: to be made
	exists   bool
	before   []byte
	granted  map[string][]Grant // by product, as they were loaded: what the licenses show
	found    Holder             // who it was as it was loaded
	gone     bool
	Holder
}

type licenseState struct {
	version int64
	exists  bool
	before  record.Document
	raw     []byte
	now     record.Document
	// drawn is set for a seat of the change's reservation, which has no entry in the pool; reserved
	// for one that is reserved for somebody else.
	drawn, reserved bool
}

// state is a document as it was read and as the decision leaves it.
type state[T any] struct {
	version int64
	exists  bool
	raw     []byte
	now     T
}

type waitState struct {
	entry   record.StoredWait
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
	sort  string
	entry record.StoredWait
}

// Holder is a loaded user, or a not-found problem.
func (g *ledger) Holder(user string) (*Holder, error) {
	h, ok := g.holders[user]
	if !ok || h.gone {
		return nil, problem.Missing("user")
	}
	return &h.Holder, nil
}

// License is a loaded license as it is in this change, or a not-found problem.
func (g *ledger) License(id string) (License, error) {
	l, ok := g.licenses[id]
	if !ok {
		return License{}, problem.Missing("license")
	}
	return l.now.License, nil
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
	for _, g := range grants {
		if !record.Automatic(g.Source) {
			return ""
		}
	}
	return strings.Join(sourcesOf(grants), " ")
}
