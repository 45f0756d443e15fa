package license

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/problem"
)

// Which free license the ledger takes. A seat of the holder's own cost center comes first, then any
// that no fence keeps from them (requirements, section 12), of those to which who gives it is limited.

// free chooses a free license of the product for a holder, or nil when there is none.
func (g *ledger) free(h *Holder, product string) (*licenseState, error) {
	if l := g.licenses[g.chosen]; l != nil && l.now.ProductID == product {
		return l, g.admits(l, h)
	}
	// A seat that this very decision has freed serves it first.
	if l, err := g.freed(h, product); l != nil || err != nil {
		return l, err
	}
	if g.reserving {
		if l, err := g.draw(h, product); l != nil || err != nil {
			return l, err
		}
	}
	return g.choose(h, product)
}

// wishes is the cost center of which the seat of a product for a holder must be, or of which it is
// to be if it can.
func (g *ledger) wishes(h *Holder, product string) (costCenter string, must bool) {
	if g.asked.product == product && g.asked.costCenter != "" {
		return g.asked.costCenter, true
	}
	return h.CostCenter, false
}

// serves says whether a seat of a cost center may be given to a holder now. The fences are loaded.
func (g *ledger) serves(costCenter string, h *Holder, product string) bool {
	if wish, must := g.wishes(h, product); must && costCenter != wish {
		return false
	}
	return g.limitOf(h, product).Has(costCenter) && g.fences.Serves(costCenter, h.CostCenter)
}

// admits refuses to give a license to somebody whom its fence keeps out.
//
// Errors: cost-center-fenced.
func (g *ledger) admits(l *licenseState, h *Holder) error {
	if l.now.CostCenter == h.CostCenter {
		return nil
	}
	if err := g.need(Need{fences: true}); err != nil {
		return err
	}
	if !g.fences.Has(l.now.CostCenter) {
		g.relied = true
		return nil
	}
	return fenced(l.now.CostCenter)
}

// fenced is the refusal of a cost center whose seats serve its own users only.
func fenced(costCenter string) *problem.Problem {
	return problem.Newf(problem.CostCenterFenced,
		"Cost center %s is fenced: its licenses are for its own users only.", costCenter)
}

// freed is a seat that this very decision has freed and that may serve the holder, or nil.
func (g *ledger) freed(h *Holder, product string) (found *licenseState, err error) {
	wish, _ := g.wishes(h, product)
	for _, id := range slices.Sorted(maps.Keys(g.licenses)) {
		l := g.licenses[id]
		if l.now.ProductID != product || l.now.Status != Available || l.before.Status != Assigned {
			continue
		}
		if err := g.need(Need{fences: true}); err != nil {
			return nil, err
		}
		switch {
		case !g.serves(l.now.CostCenter, h, product):
		case l.now.CostCenter == wish:
			return l, nil
		case found == nil:
			found = l
		}
	}
	return found, nil
}

// draw takes the next seat of the product that is reserved for people of the holder's cost center,
// or nil when there is none. One that a fence keeps from them by now goes back to the pool.
func (g *ledger) draw(h *Holder, product string) (*licenseState, error) {
	name := SeatsFor(product, h.CostCenter)
	for {
		chunk, drawn := g.chunks[name], g.drawn[name]
		if chunk == nil || !chunk.covers(drawn) {
			return nil, &needs{reserved: []string{name}}
		}
		i := drawn - chunk.From
		if i >= int64(len(chunk.Offers)) {
			return nil, nil
		}
		if err := g.need(Need{fences: true}); err != nil {
			return nil, err
		}
		o := chunk.Offers[i]
		g.drawn[name]++
		g.counts[record.CountName(record.CountReserved, product)]--
		l := offered(o)
		l.drawn = true
		g.licenses[o.ID] = l
		if g.serves(l.now.CostCenter, h, product) {
			return l, nil
		}
	}
}

// choose takes one of what was read of the pool, which is in an order by chance: of the cost center
// that is wished for, else one that no fence keeps from the holder. What was read may have none of
// the first although there are some; then these are looked for by their cost center. A license of
// which it is not known whether its order is confirmed is taken on condition that it is, which costs
// no read; two such orders fit into the largest commit, and none that has refused the last one.
func (g *ledger) choose(h *Holder, product string) (*licenseState, error) {
	pl := g.pools[product]
	if pl == nil {
		return nil, &needs{seats: []string{product}}
	}
	if err := g.need(Need{fences: true}); err != nil {
		return nil, err // the read that opened the pool failed
	}
	wish, must := g.wishes(h, product)
	doubtful := false
	if wish != "" && g.fences.Serves(wish, h.CostCenter) {
		own := pl.pick(g, func(costCenter string) bool { return costCenter == wish })
		switch {
		case own.seat != nil:
			return g.pooled(*own.seat), nil
		case !pl.whole && !pl.own[wish].done():
			return nil, &needs{own: map[asked]int{{product, wish}: 1}}
		}
		doubtful = own.doubtful
	}
	if !must {
		other := pl.pick(g, func(costCenter string) bool { return g.serves(costCenter, h, product) })
		if other.seat != nil {
			return g.pooled(*other.seat), nil
		}
		if unknown := g.unsought(pl, h, product); len(unknown) > 0 {
			return nil, &needs{own: unknown}
		}
		doubtful = doubtful || other.doubtful
	}
	switch {
	case doubtful:
		return nil, &needs{vet: []string{product}}
	case !pl.whole:
		return nil, &needs{seats: []string{product}}
	}
	return nil, nil
}

// unsought are the cost centers of which a seat for a holder must be, where a person gives it who is
// limited to some, that were not looked for to the end. Without a limit there are none: then the pool
// is read on.
func (g *ledger) unsought(pl *pool, h *Holder, product string) map[asked]int {
	unknown := map[asked]int{}
	for _, code := range g.limitOf(h, product).Codes() {
		if !pl.whole && !pl.own[code].done() && g.fences.Serves(code, h.CostCenter) {
			unknown[asked{product, code}] = 1
		}
	}
	return unknown
}

// picked is what a pool offers: a seat, or the news that there may be one if its order is confirmed.
type picked struct {
	seat     *freeSeat
	doubtful bool
}

// pick is the first license of a pool that is of a cost center that may be and not in use.
func (pl *pool) pick(g *ledger, may func(costCenter string) bool) picked {
	var unsure *freeSeat
	doubtful := false
	for i := range pl.free {
		s := &pl.free[i]
		if l := g.licenses[s.ID]; l != nil && l.now.Status != Available || !may(s.CostCenter) {
			continue
		}
		switch {
		case s.confirmed:
			return picked{seat: s}
		case !slices.Contains(g.unsure, s.marker) &&
			(len(g.unsure) >= mostUnsure || slices.Contains(g.refused, s.marker)):
			doubtful = true
		case unsure == nil:
			unsure = s
		}
	}
	return picked{unsure, doubtful}
}

// lacking is how many more seats of cost centers are wanted than what was read of the pools has, of
// those that were not looked for yet.
func (g *ledger) lacking(wanted map[asked]int) map[asked]int {
	lacks := map[asked]int{}
	for a, n := range wanted {
		pl := g.pools[a.product]
		if pl == nil || pl.whole || pl.own[a.costCenter] != nil {
			continue
		}
		for _, s := range pl.free {
			if s.CostCenter == a.costCenter {
				n--
			}
		}
		if n > 0 {
			lacks[a] = n
		}
	}
	return lacks
}

// shortage refuses a seat that a person gives, when none may serve the holder. It says so when there
// are free ones that fences keep from them.
//
// Errors: not-enough-licenses; validation for a cost center that is not there.
func (g *ledger) shortage(h *Holder, p catalog.Product) error {
	wish, must := g.wishes(h, p.ID)
	if must {
		known, asked := g.codes[wish]
		switch {
		case !asked:
			return &needs{code: wish}
		case !known:
			return problem.Invalid("costCenter", problem.UnknownID, "must be the code of a cost center of this account")
		}
	}
	short := problem.Shortage(p.ID, p.Name, 1, 0)
	if must {
		short.Detail = fmt.Sprintf("No free %s license of cost center %s: 1 wanted, 0 free.", p.Name, wish)
	}
	limited := !g.limitOf(h, p.ID).All()
	if limited && !must {
		short.Detail = fmt.Sprintf("No free %s license of your cost centers: 1 wanted, 0 free.", p.Name)
	}
	if pl := g.pools[p.ID]; pl != nil && !must && !limited && pl.pick(g, g.fences.Has).seat != nil {
		short.Detail += " Others are free, but they are of fenced cost centers, which serve their own users only."
	}
	return short
}

// pooled is the state of a license as the pool offers it, or as the decision has it.
func (g *ledger) pooled(s freeSeat) *licenseState {
	if !s.confirmed && !slices.Contains(g.unsure, s.marker) {
		g.unsure = append(slices.Clone(g.unsure), s.marker)
	}
	if g.licenses[s.ID] == nil {
		g.licenses[s.ID] = offered(s.offer)
	}
	return g.licenses[s.ID]
}

func offered(o offer) *licenseState {
	read := state[record.Document]{version: o.LicenseVersion, exists: true, before: o.Document, now: o.Document}
	return &licenseState{state: read}
}

// SeatsFor names the seats of a product that a reservation keeps for people of a cost center, or for
// those without one.
func SeatsFor(product, costCenter string) string {
	if costCenter == "" {
		return product
	}
	return product + "#" + costCenter
}

// compareAsked orders them, so that they are looked for in the same order.
func compareAsked(a, b asked) int {
	return cmp.Or(cmp.Compare(a.product, b.product), cmp.Compare(a.costCenter, b.costCenter))
}
