package license

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
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
	// required are the users that the commit demands to be as they were read, also where
	// the decision leaves them so.
	required map[string]bool
}

// Change begins a unit of work on behalf of the call.
func (d *Service) Change(c *call.Call) *UnitOfWork {
	return &UnitOfWork{service: d, c: c, required: map[string]bool{}, ledger: &ledger{
		products:   d.products,
		account:    c.Account,
		actor:      c.Actor,
		cause:      c.Cause(),
		at:         c.At,
		spread:     d.records.KnownShards(c.Account),
		refused:    c.Refused(),
		holders:    map[string]*holderState{},
		licenses:   map[string]*licenseState{},
		extensions: map[string]*state[Extension]{},
		numbers:    map[string]*state[string]{},
		waits:      map[string]*waitState{},
		exclusions: map[string]bool{},
		counts:     map[string]int64{},
		bought:     map[table.Key]int64{},
		pools:      map[string]*pool{},
		heads:      map[string]*head{},
		chunks:     map[string]*reservedSeats{},
		absent:     map[string]bool{},
		passed:     map[string]bool{},
		look:       map[string]bool{},
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
	need.Seats = map[string]int{}
	for _, product := range n.seats {
		if pl := u.pools[product]; pl == nil {
			need.Seats[product] = 1
		} else if err := u.readOn(ctx, product, pl); err != nil {
			return err
		}
	}
	for _, sort := range n.waits {
		need.Also = append(need.Also, record.WaitKey(u.account, sort))
	}
	found, err := u.Load(ctx, need)
	if err != nil {
		return err
	}
	for _, sort := range n.waits {
		item, ok := found[record.WaitKey(u.account, sort)]
		if !ok {
			u.absent[sort] = true
		} else if err := u.addWait(item); err != nil {
			return err
		}
	}
	for _, product := range n.heads {
		if err := u.readHead(ctx, product); err != nil {
			return err
		}
	}
	for _, product := range n.vet {
		if err := u.vet(ctx, u.pools[product]); err != nil {
			return err
		}
	}
	for _, product := range n.reserved {
		if u.chunks[product], err = u.reservation.at(ctx, product, u.drawn[product]); err != nil {
			return err
		}
	}
	return nil
}

// addWait takes in an entry of a waiting list.
func (u *UnitOfWork) addWait(item table.Item) error {
	entry, err := call.Decode[record.StoredWait](item)
	if err == nil && u.waits[item.Sort] == nil {
		u.waits[item.Sort] = &waitState{entry: entry, version: item.Version, exists: true}
	}
	return err
}

// headPage is how many of those who wait are read at once.
const headPage = 25

// readHead reads on in the waiting list of a product.
func (u *UnitOfWork) readHead(ctx context.Context, product string) error {
	hd := u.heads[product]
	if hd == nil {
		hd = &head{}
		u.heads[product] = hd
	}
	if err := u.c.Begin(ctx); err != nil {
		return err
	}
	page, err := u.c.Env.Table.Query(ctx, table.Query{
		Partition: record.WaitPartition(u.account), Prefix: product + "#", After: hd.next, Limit: headPage,
	})
	if err != nil {
		return err
	}
	for _, item := range page.Items {
		if err := u.addWait(item); err != nil {
			return err
		}
		entry, err := call.Decode[record.StoredWait](item)
		if err != nil {
			return err
		}
		hd.waits = append(hd.waits, waitItem{sort: item.Sort, entry: entry})
	}
	hd.next, hd.done = page.Next, page.Next == ""
	return nil
}

// Need names what a unit of work is about to look at.
type Need struct {
	Users, Licenses, Extensions, Numbers []string
	// Seats is how many free licenses of each product will be wanted, of the server's choice.
	Seats map[string]int
	// Also are keys of other packages' items that shall come in the same read; Load returns them.
	Also []table.Key
}

// Load reads what is needed and not yet loaded, in one read. A user, license, extension or number
// that does not exist is simply not loaded.
//
// Errors: not-found when the account does not exist; those of call.Lookup.
func (u *UnitOfWork) Load(ctx context.Context, need Need) (map[table.Key]table.Item, error) {
	account := u.c.Account
	keys := slices.Clone(need.Also)
	if u.bundle == nil {
		keys = append(keys, call.AccountKey(account))
	}
	for _, user := range need.Users {
		if _, ok := u.holders[user]; !ok && user != "" {
			keys = append(keys, HolderKey(account, user))
		}
	}
	var unread []string
	for _, id := range need.Licenses {
		if _, ok := u.licenses[id]; !ok && record.WellFormed(id) {
			unread, keys = append(unread, id), append(keys, record.LicenseKey(account, id))
		}
	}
	for _, x := range need.Extensions {
		if _, ok := u.extensions[x]; !ok && x != "" {
			keys = append(keys, record.ExtensionKey(account, x))
		}
	}
	numbers := digitsOf(need.Numbers)
	for _, n := range numbers {
		if _, ok := u.numbers[n]; !ok {
			keys = append(keys, record.NumberKey(account, n))
		}
	}
	opened := u.openPools(need.Seats)
	markers := u.service.records.Markers(account, unread)
	suspected := u.suspected(need.Licenses)
	keys = slices.Concat(keys, markers, suspected)
	slices.SortFunc(keys, func(a, b table.Key) int {
		return cmp.Or(strings.Compare(a.Partition, b.Partition), strings.Compare(a.Sort, b.Sort))
	})
	keys = slices.Compact(keys)
	if len(keys) == 0 && len(opened) == 0 {
		return nil, nil
	}
	found, err := u.lookup(ctx, opened, keys)
	if err != nil {
		return nil, err
	}
	u.service.records.Remember(found, markers)
	if u.bundle == nil {
		item, ok := found[call.AccountKey(account)]
		if !ok {
			return nil, problem.NoAccount()
		}
		part, err := call.Decode[record.AccountPart](item)
		if err != nil {
			return nil, err
		}
		u.bundle = &part
	}
	for _, user := range need.Users {
		if item, ok := found[HolderKey(account, user)]; ok {
			if err := u.addHolder(item); err != nil {
				return nil, err
			}
		}
		u.absent[user] = u.holders[user] == nil
	}
	for _, id := range need.Licenses {
		if !record.WellFormed(id) {
			continue
		}
		if item, ok := found[record.LicenseKey(account, id)]; ok {
			if err := u.addLicense(item); err != nil {
				return nil, err
			}
		}
		u.absent[id] = u.licenses[id] == nil
	}
	if err := u.lookForReserved(ctx, suspected, found); err != nil {
		return nil, err
	}
	for _, x := range need.Extensions {
		if u.extensions[x] == nil && x != "" {
			if u.extensions[x], err = readState(found, record.ExtensionKey(account, x), Extension{Key: x}); err != nil {
				return nil, err
			}
		}
	}
	for _, n := range numbers {
		if u.numbers[n] == nil {
			if u.numbers[n], err = readState(found, record.NumberKey(account, n), ""); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// readState is a document as it was read, or as it begins when it does not exist.
func readState[T any](found map[table.Key]table.Item, at table.Key, fresh T) (*state[T], error) {
	item, ok := found[at]
	if !ok {
		return &state[T]{now: fresh}, nil
	}
	now, err := call.Decode[T](item)
	return &state[T]{version: item.Version, exists: true, raw: item.Data, now: now}, err
}

func (u *UnitOfWork) addHolder(item table.Item) error {
	h, err := call.Decode[Holder](item)
	if err != nil {
		return err
	}
	if _, ok := u.holders[h.UserID]; !ok {
		granted := make(map[string][]Grant, len(h.Holdings))
		for product, holding := range h.Holdings {
			granted[product] = holding.Grants
		}
		u.holders[h.UserID] = &holderState{
			version:  item.Version,
			extended: h.Extension,
			exists:   true,
			before:   item.Data,
			granted:  granted,
			found:    h,
			Holder:   h,
		}
	}
	return nil
}

func (u *UnitOfWork) addLicense(item table.Item) error {
	l, err := call.Decode[record.Document](item)
	if err != nil {
		return err
	}
	if _, ok := u.licenses[l.ID]; ok || !u.service.records.Seen(u.c.Account, l) {
		return nil
	}
	u.licenses[l.ID] = &licenseState{version: item.Version, exists: true, before: l, raw: item.Data, now: l}
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

// Put makes a holder, or changes name and activity of a loaded one. Deactivating takes the grants
// that a person gave, and gives every seat back; the automatic grants are kept in mind and count
// again when the user returns (requirements, section 6).
func (u *UnitOfWork) Put(ctx context.Context, user, name string, active bool) error {
	return u.do(ctx, func(g *ledger) error { return g.put(user, name, active) })
}

// Address tells a loaded user's e-mail address, by which a search finds them.
//
// Errors: not-found when the user is not loaded.
func (u *UnitOfWork) Address(user, email string) error {
	h, err := u.Holder(user)
	if err != nil {
		return err
	}
	h.Email = email
	return nil
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

// Lift ends an exclusion of a loaded user; the automatic grants count again.
func (u *UnitOfWork) Lift(ctx context.Context, user, product string) error {
	return u.do(ctx, func(g *ledger) error { return g.lift(user, product) })
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

// Unextend takes a loaded user's extension and number away.
func (u *UnitOfWork) Unextend(ctx context.Context, user string) error {
	return u.do(ctx, func(g *ledger) error { return g.unextend(user) })
}

// Move takes a license with its add-ons, and its extension if it is tied to one, from one loaded
// user to another in one step (requirements, section 4, reassign).
//
// Errors: user-already-licensed when the second user holds the product; those of mayHold.
func (u *UnitOfWork) Move(ctx context.Context, from, to, product string) error {
	return u.do(ctx, func(g *ledger) error { return g.move(from, to, product) })
}

// SetAddOns makes the add-ons of a base that a loaded user holds exactly these: seats are taken and
// given back together or not at all (requirements, section 4).
//
// Errors: base-license-required when the base is not held; not-enough-licenses; validation for what
// is no add-on of the base.
func (u *UnitOfWork) SetAddOns(ctx context.Context, user, base string, addOns []string, source string) error {
	return u.do(ctx, func(g *ledger) error { return g.setAddOns(user, base, addOns, source) })
}

// GrantLicense gives a loaded user this very license, which must be loaded; for the user who holds
// it already it is GrantProduct.
//
// Errors: license-not-available when it is terminated or somebody else's; user-already-licensed
// when the user holds another of the product; wrong-state for a metered product, which is assigned
// by product; those of Grant.
func (u *UnitOfWork) GrantLicense(ctx context.Context, user, id, source string) error {
	return u.do(ctx, func(g *ledger) error { return g.grantLicense(user, id, source) })
}

// GrantProduct is Grant, but changes nothing for who holds the product by a person's decision
// already (requirements, section 4).
func (u *UnitOfWork) GrantProduct(ctx context.Context, user, product, source string) error {
	return u.do(ctx, func(g *ledger) error { return g.grantProduct(user, product, source) })
}

// Terminate ends a loaded license for ever (invariant I6): it stays on record and counts no more. A
// terminated one stays as it is.
//
// Errors: license-in-use when it is assigned; license-not-available when it is reserved.
func (u *UnitOfWork) Terminate(id string) error {
	return u.apply(func(g *ledger) error { return g.terminate(id) })
}

// SetCostCenter moves a loaded license to another cost center, which the caller knows to exist.
//
// Errors: wrong-state when it is terminated, or metered and so charged by its count;
// license-not-available when it is reserved.
func (u *UnitOfWork) SetCostCenter(id, costCenter string) error {
	return u.apply(func(g *ledger) error { return g.setCostCenter(id, costCenter) })
}

// operations are Operations when they fit into one commit of the call together with more; fits is
// false when they do not.
func (u *UnitOfWork) operations(more int) (ops []table.Operation, fits bool, err error) {
	if ops, err = u.Operations(); err != nil {
		return nil, false, err
	}
	return ops, len(ops)+more <= u.c.Spare(), nil
}
