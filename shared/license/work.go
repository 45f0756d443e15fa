package license

import (
	"context"
	"errors"
	"slices"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Service changes seats.
type Service struct {
	products *catalog.Catalog
	records  *record.Records
	supplier Supplier // nil where nothing is bought by policies
}

// NewService makes the service for the products of a catalog.
func NewService(products *catalog.Catalog) *Service {
	return &Service{products: products, records: record.NewRecords(products)}
}

// Products is the service's catalog.
func (d *Service) Products() *catalog.Catalog { return d.products }

// UnitOfWork is what one commit does to holders, licenses, extensions, waiting lists and counts.
// Its ledger decides; the unit of work loads what that needs and lets it decide again, and makes
// one commit of the new state: each item that was read and changed is written on condition that
// nobody else changed it meanwhile, so a caller repeats the whole unit of work under call.Decide.
type UnitOfWork struct {
	*ledger

	service *Service
	c       *call.Call
	// shards is what Service.shards answered; 0 until it was asked.
	shards int
	// reservation is where seats are taken from first; nil for the pool alone.
	reservation *Reservation
	// begin is the sort key of the waiting list of a product from which on it is read; empty for its
	// beginning.
	begin map[string]string
	// required are the users that the commit demands to be as they were read, also where
	// the decision leaves them so.
	required map[string]bool
	// subject is the license that an admin of some cost centers has named, which the commit demands to be
	// as it was read: it is one of theirs.
	subject string
}

// Change begins a unit of work on behalf of the call.
func (d *Service) Change(c *call.Call) *UnitOfWork {
	return &UnitOfWork{service: d, c: c, required: map[string]bool{}, ledger: &ledger{
		products:    d.products,
		account:     c.Account,
		actor:       c.Actor,
		cause:       c.Cause(),
		at:          c.At,
		spread:      d.records.KnownShards(c.Account),
		refused:     c.Refused(),
		holders:     map[string]*state[Holder]{},
		licenses:    map[string]*licenseState{},
		extensions:  map[string]*state[Extension]{},
		numbers:     map[string]*state[string]{},
		waits:       map[string]*state[record.StoredWait]{},
		exclusions:  map[string]bool{},
		counts:      map[string]int64{},
		bought:      map[table.Key]int64{},
		people:      map[string]int64{},
		codes:       map[string]bool{},
		pools:       map[string]*pool{},
		heads:       map[string]*head{},
		chunks:      map[string]*reservedSeats{},
		absent:      map[string]bool{},
		costCenters: map[string]bool{},
		passed:      map[string]bool{},
		look:        map[string]bool{},
	}}
}

// mostLoads bounds how often a decision may name something that it needs: each time it is something
// else.
const mostLoads = 10_000

// do lets the ledger decide, loads what it needs, and lets it decide again. After an error the unit
// of work is as it was.
func (u *UnitOfWork) do(ctx context.Context, c command) error {
	for range mostLoads {
		err := u.apply(c)
		var n *needs
		if !errors.As(err, &n) {
			return err
		}
		if err := u.load(ctx, n); err != nil {
			return err
		}
	}
	return errors.New("a decision needs to know more and more")
}

// load reads what a decision needs, in as few round trips as it can.
func (u *UnitOfWork) load(ctx context.Context, n *needs) error {
	for range n.ids {
		u.ids = append(u.ids, u.c.Env.IDs.Random())
	}
	need := n.Need
	if need.Seats == nil {
		need.Seats = map[string]int{}
	}
	for _, product := range n.seats {
		if pl := u.pools[product]; pl == nil {
			need.Seats[product] = 1
		} else if err := u.readOn(ctx, product, pl); err != nil {
			return err
		}
	}
	var waits []want
	for _, sort := range n.waits {
		waits = append(waits, want{record.WaitKey(u.account, sort), func(item table.Item, exists bool) error {
			if u.absent[sort] = !exists; !exists {
				return nil
			}
			_, err := u.addWait(item)
			return err
		}})
	}
	if n.code != "" {
		waits = append(waits, want{CostCenterKey(u.account, n.code), func(_ table.Item, exists bool) error {
			u.codes[n.code] = exists
			return nil
		}})
	}
	if _, err := u.loadWith(ctx, need, waits); err != nil {
		return err
	}
	for _, product := range n.heads {
		if err := u.readHead(ctx, product); err != nil {
			return err
		}
	}
	if err := u.seekOwn(ctx, n.own); err != nil {
		return err
	}
	for _, product := range n.vet {
		if err := u.vet(ctx, u.pools[product]); err != nil {
			return err
		}
	}
	for _, product := range n.reserved {
		chunk, err := u.reservation.at(ctx, product, u.drawn[product])
		if err != nil {
			return err
		}
		u.chunks[product] = chunk
	}
	return nil
}

// addWait takes in an entry of a waiting list, and is the entry as it was read.
func (u *UnitOfWork) addWait(item table.Item) (record.StoredWait, error) {
	w, err := read(item, true, record.StoredWait{})
	if err == nil && u.waits[item.Sort] == nil {
		u.waits[item.Sort] = w
	}
	return w.now, err
}

// headPage is how many of those who wait are read at once; each further read of the same list is
// headGrowth times as large, since a fence may keep everybody at its beginning from being served.
const (
	headPage   = 25
	headGrowth = 4
)

// readHead reads on in the waiting list of a product.
func (u *UnitOfWork) readHead(ctx context.Context, product string) error {
	hd := u.heads[product]
	if hd == nil {
		hd = &head{limit: headPage, from: u.begin[product]}
		u.heads[product] = hd
	}
	if err := u.c.Begin(ctx); err != nil {
		return err
	}
	page, err := u.c.Env.Table.Query(ctx, table.Query{
		Partition: record.WaitPartition(u.account), Prefix: product + "#", From: hd.from,
		After: hd.next, Limit: hd.limit,
	})
	if err != nil {
		return err
	}
	for _, item := range page.Items {
		entry, err := u.addWait(item)
		if err != nil {
			return err
		}
		hd.waits = append(hd.waits, waitItem{sort: item.Sort, entry: entry})
	}
	hd.next, hd.done, hd.limit = page.Next, page.Next == "", min(headGrowth*hd.limit, table.MaxPage)
	return nil
}

// Need names what a unit of work is about to look at.
type Need struct {
	Users, Licenses, Extensions, Numbers []string
	// Seats is how many free licenses of each product will be wanted, of the server's choice.
	Seats map[string]int
	// CostCenter is one of which it is asked whether it exists.
	CostCenter string
	fences     bool // which cost centers are fenced
	// Also are keys of other packages' items that shall come in the same read; Load returns them.
	Also []table.Key
}

// Load reads what is needed and not yet loaded, in one read. A user, license, extension or number
// that does not exist is simply not loaded.
//
// Errors: not-found when the account does not exist; those of call.Lookup.
func (u *UnitOfWork) Load(ctx context.Context, need Need) (map[table.Key]table.Item, error) {
	return u.loadWith(ctx, need, nil)
}

// want is an item that shall be read, and what takes it in, whether it exists or not.
type want struct {
	key  table.Key
	take func(item table.Item, exists bool) error
}

// loadWith is Load with more items in the same read.
func (u *UnitOfWork) loadWith(ctx context.Context, need Need, more []want) (map[table.Key]table.Item, error) {
	need = u.missing(need)
	wants := append(u.unread(need), more...)
	keys := slices.Clone(need.Also)
	for _, w := range wants {
		keys = append(keys, w.key)
	}
	markers := u.service.records.Markers(u.account, need.Licenses)
	suspected := u.suspected(need.Licenses)
	keys = slices.Concat(keys, markers, suspected)
	slices.SortFunc(keys, table.Key.Compare)
	keys = slices.Compact(keys)
	opened := u.openPools(need.Seats)
	if len(keys) == 0 && len(opened) == 0 {
		return nil, nil
	}
	found, err := u.lookup(ctx, opened, keys)
	if err != nil {
		return nil, err
	}
	u.service.records.Remember(found, markers)
	for _, w := range wants {
		item, exists := found[w.key]
		if err := w.take(item, exists); err != nil {
			return nil, err
		}
	}
	return found, u.lookForReserved(ctx, suspected, found)
}

// unread are the items of what is missing.
func (u *UnitOfWork) unread(missing Need) []want {
	var wants []want
	if u.bundle == nil {
		wants = append(wants, want{call.AccountKey(u.account), u.takeAccount})
	}
	if u.fences == nil && (missing.fences || len(missing.Seats) > 0 || u.reserving) {
		wants = append(wants, want{record.FencesKey(u.account), u.takeFences})
	}
	for _, user := range missing.Users {
		wants = append(wants, want{HolderKey(u.account, user), func(item table.Item, exists bool) error {
			if u.absent[user] = !exists; exists {
				return u.addHolder(item)
			}
			return nil
		}})
	}
	for _, id := range missing.Licenses {
		wants = append(wants, want{record.LicenseKey(u.account, id), func(item table.Item, exists bool) error {
			var err error
			if exists {
				err = u.addLicense(item)
			}
			u.absent[id] = u.licenses[id] == nil
			return err
		}})
	}
	for _, x := range missing.Extensions {
		wants = append(wants, want{record.ExtensionKey(u.account, x), taking(u.extensions, x, Extension{Key: x})})
	}
	for _, n := range missing.Numbers {
		wants = append(wants, want{record.NumberKey(u.account, n), taking(u.numbers, n, "")})
	}
	if code := missing.CostCenter; code != "" {
		wants = append(wants, want{CostCenterKey(u.account, code), func(_ table.Item, exists bool) error {
			u.costCenters[code] = exists
			return nil
		}})
	}
	return wants
}

// taking takes a document into some of the states: as it was read, or as it begins when it does not
// exist.
func taking[T any](into map[string]*state[T], name string, fresh T) func(item table.Item, exists bool) error {
	return func(item table.Item, exists bool) (err error) {
		into[name], err = read(item, exists, fresh)
		return err
	}
}

// read is the state of a document that was read, or that does not exist and begins fresh.
func read[T any](item table.Item, exists bool, fresh T) (*state[T], error) {
	if !exists {
		return &state[T]{before: fresh, now: fresh}, nil
	}
	now, err := call.Decode[T](item)
	return &state[T]{version: item.Version, exists: true, before: now, now: now}, err
}

func (u *UnitOfWork) takeAccount(item table.Item, exists bool) error {
	if !exists {
		return problem.NoAccount()
	}
	part, err := call.Decode[record.AccountPart](item)
	u.bundle = &part
	return err
}

func (u *UnitOfWork) takeFences(item table.Item, exists bool) error {
	fences, err := read(item, exists, record.Fences{})
	if err == nil {
		u.fences = &fences.now
	}
	return err
}

func (u *UnitOfWork) addHolder(item table.Item) error {
	h, err := read(item, true, Holder{})
	if err != nil {
		return err
	}
	if u.holders[h.now.UserID] == nil {
		h.now = cloneHolder(h.before)
		u.holders[h.now.UserID] = h
	}
	return nil
}

func (u *UnitOfWork) addLicense(item table.Item) error {
	l, err := read(item, true, record.Document{})
	if err != nil {
		return err
	}
	if u.licenses[l.now.ID] == nil && u.service.records.Seen(u.account, l.now) {
		u.licenses[l.now.ID] = &licenseState{state: *l}
	}
	return nil
}

// Try carries out verbs together: when they fail, the unit of work is as it was before them.
func (u *UnitOfWork) Try(verbs func() error) error {
	before := u.clone()
	err := verbs()
	if err != nil {
		u.restore(before)
	}
	return err
}

// Because gives the audit entries of what follows a reason of its own, such as a row of a file;
// empty for the call's.
func (u *UnitOfWork) Because(reason string) { u.reason = reason }

// At is the moment at which the change is made.
func (u *UnitOfWork) At() time.Time { return u.at }

// RequireUnchanged makes the commit demand that a user is as they were loaded, also where the
// change leaves them so: for who decides by what a user holds, and would otherwise not notice what
// is granted at the same time.
func (u *UnitOfWork) RequireUnchanged(user string) { u.required[user] = true }

// DeferHandover leaves seats that are given back to the pool, to be handed to who waits right after
// the commit instead of in it, so that more fits into the commit. Until then an assignment by hand
// may take such a seat. It is called before the verbs.
func (u *UnitOfWork) DeferHandover() { u.deferred = true }

// Person is what the kernel is told of a user.
type Person struct {
	// Email is by which a search finds them, beside name and id.
	UserID, Name, Email string
	Active              bool
	// CostCenter is one of the account, or empty.
	CostCenter string
}

// Put makes a holder, or changes who a loaded one is. Deactivating takes the grants that a person
// gave, and gives every seat back; the automatic grants are kept in mind and count again when the
// user returns (requirements, section 6). A seat that they hold stays theirs when their cost center
// changes, fenced or not; somebody who waits is looked at again.
//
// Errors: validation for a cost center that is not there.
func (u *UnitOfWork) Put(ctx context.Context, p Person) error {
	return u.do(ctx, func(g *ledger) error { return g.put(p) })
}

// Remove deletes a holder: every seat goes back and every grant is forgotten.
func (u *UnitOfWork) Remove(ctx context.Context, user string) error {
	return u.do(ctx, func(g *ledger) error { return g.remove(user) })
}

// Grant gives a loaded user a reason to hold the product, and what follows from it: a seat, or a
// place in the waiting list for an automatic grant.
//
// Errors for a grant that a person gives: not-enough-licenses and those of mayHold. An automatic
// grant never fails for want of a seat.
func (u *UnitOfWork) Grant(ctx context.Context, user, product, source string) error {
	return u.do(ctx, func(g *ledger) error { return g.grant(user, product, source) })
}

// HasCostCenter says whether a cost center that was loaded exists.
func (u *UnitOfWork) HasCostCenter(code string) bool { return u.costCenters[code] }

// GrantLicense is Grant of this very license.
//
// Errors: not-found; license-not-available when it is terminated or somebody else's; those of Grant.
func (u *UnitOfWork) GrantLicense(ctx context.Context, user, id, source string) error {
	return u.do(ctx, func(g *ledger) error {
		if err := g.need(Need{Licenses: []string{id}, fences: true}); err != nil {
			return err
		}
		return g.grantLicense(user, id, source)
	})
}

// Lift ends the exclusion of a loaded user; their automatic grants of the product count again.
//
// Errors: not-found.
func (u *UnitOfWork) Lift(ctx context.Context, user, product string) error {
	return u.do(ctx, func(g *ledger) error { return g.lift(user, product) })
}

// Withdraw takes one reason away; the seat goes back with the last one.
func (u *UnitOfWork) Withdraw(ctx context.Context, user, product, source string) error {
	return u.do(ctx, func(g *ledger) error {
		return g.withdraw(user, product, func(s string) bool { return s == source })
	})
}

// Unassign takes the product from a loaded user as a person demands it: the grants that a person
// gave end, and if automatic ones stand behind, the user is excluded from automatic assignment of
// the product (requirements, section 4).
func (u *UnitOfWork) Unassign(ctx context.Context, user, product string) error {
	return u.do(ctx, func(g *ledger) error { return g.unassign(user, product) })
}

// Resettle looks at a loaded user again after something around them changed: the account's bundle.
func (u *UnitOfWork) Resettle(ctx context.Context, user string) error {
	return u.do(ctx, func(g *ledger) error { return g.resettle(user) })
}

// Extend gives a loaded user an extension and its number; what they had before becomes nobody's. An
// empty extension takes both away; an empty number leaves the extension without one. The phone
// licenses held show the new extension.
//
// Errors: extension-in-use when somebody else has the extension, number-in-use when another
// extension has the number.
func (u *UnitOfWork) Extend(ctx context.Context, user, extension, number string) error {
	return u.do(ctx, func(g *ledger) error { return g.extend(user, extension, number) })
}

// Move takes a license with its add-ons, and its extension if it is tied to one, from one loaded
// user to another in one step (requirements, section 4, reassign), who has it by a grant of this source.
//
// Errors: user-already-licensed when the second user holds the product; those of mayHold.
func (u *UnitOfWork) Move(ctx context.Context, from, to, product, source string) error {
	return u.do(ctx, func(g *ledger) error { return g.move(from, to, product, source) })
}

// SetAddOns makes the add-ons of a base that a loaded user holds exactly these: seats are taken and
// given back together or not at all (requirements, section 4).
//
// Errors: base-license-required when the base is not held; not-enough-licenses; validation for what
// is no add-on of the base.
func (u *UnitOfWork) SetAddOns(ctx context.Context, user, base string, addOns []string, source string) error {
	return u.do(ctx, func(g *ledger) error { return g.setAddOns(user, base, addOns, source) })
}
