package inventory

import (
	"context"
	"slices"
	"strings"
	"time"

	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Chain knows what stands behind the grants of call queues and of viewers; package directory does.
type Chain interface {
	// DashboardsOf lists the dashboards that show a call queue.
	DashboardsOf(ctx context.Context, c *call.Call, queue string) ([]string, error)
	// LastView tells which dashboard a viewer viewed last, and when, as far as it is known; zero
	// values if it is not.
	LastView(ctx context.Context, c *call.Call, user string) (dashboard string, at time.Time, err error)
}

// Why says how a user stands to a product, and because of what (requirements, section 6).
type Why struct {
	ProductID string       `json:"productId"`
	State     record.State `json:"state" enum:"holds,waits,lacks,covered,excluded"`
	Because   []Because    `json:"because" nullable:"false" doc:"Every grant, with the chain from dashboard to queue behind it."`
	// LicenseID is the license held.
	LicenseID string `json:"licenseId,omitempty" format:"uuid"`
	// WaitingSince is when the user was put on the waiting list.
	WaitingSince *time.Time `json:"waitingSince,omitempty"`
	// Place is 1 for who waits longest; 0 where it is not told.
	Place int `json:"place,omitempty" doc:"Of who waits: the place in the product's waiting list, 1 for who waits longest. Absent beyond place 1000, and for an admin of some cost centers, who sees only their own users wait."`
	// CoveredBy is the product or the bundle that makes a license unnecessary.
	CoveredBy string `json:"coveredBy,omitempty" doc:"The product held, or the account's bundle, that includes this one."`
	// Excluded says since when, and by whom, the user is kept from automatic assignment.
	Excluded *record.Exclusion `json:"excluded,omitempty"`
	// CostCenter is the user's.
	CostCenter string `json:"costCenter,omitempty" doc:"The user's own, whose seats may serve them also where it is fenced."`
	// Fenced are free licenses that fences keep from who waits.
	Fenced []FencedSeats `json:"fenced,omitempty" nullable:"false" doc:"Of who waits: licenses that are free, and that the fences of other cost centers keep from them."`
	// Inactive users hold nothing, whatever their grants.
	Inactive bool `json:"inactive,omitempty"`
}

// Because is one link of the chain: a grant and, for a call queue's, one of the dashboards that
// show the queue; for a viewer's, what they viewed last.
type Because struct {
	Grant       string `json:"grant"`
	DashboardID string `json:"dashboardId,omitempty" doc:"The dashboard that shows the call queue, or that a viewer viewed last."`
	QueueID     string `json:"queueId,omitempty"`
	RoleID      string `json:"roleId,omitempty"`
	// LastViewed is of a viewer's grant.
	LastViewed *time.Time `json:"lastViewed,omitempty" doc:"When a viewer viewed that dashboard: their last view, or one at most an hour before it. The grant ends 30 days after the last view."`
	Since      time.Time  `json:"since"`
}

// Why explains why a user holds, lacks or waits for a product. It reads the user and, for each
// grant of a call queue, its dashboards; of who waits also those who wait longer, a page of them at most,
// the fences and, if there are any, the free licenses of the product.
//
// Errors: not-found for an unknown user, and for one who is not theirs of an admin of some cost
// centers, who is told of free licenses of theirs only; validation for an unknown product.
func (d *Service) Why(ctx context.Context, c *call.Call, user, product string, chain Chain) (Why, error) {
	p, ok := d.products.Lookup(product)
	if !ok {
		return Why{}, problem.Invalid("product", problem.UnknownID, "is not in the catalog")
	}
	part, h, err := d.asked(ctx, c, user)
	if err != nil {
		return Why{}, err
	}
	why := Why{
		ProductID: product,
		State:     record.Terms{Products: d.products, Unlimited: part.Unlimited()}.StateOf(h, product),
		Because:   []Because{},
		Inactive:  !h.Active,

		CostCenter: h.CostCenter,
	}
	if why.State == record.Covered {
		why.CoveredBy = record.UnlimitedBundle
		if i := slices.IndexFunc(p.CoveredBy, h.Holds); i >= 0 {
			why.CoveredBy = p.CoveredBy[i]
		}
	}
	if why.State == record.Waits {
		if why.Fenced, err = d.keptFrom(ctx, c, h, product); err != nil {
			return Why{}, err
		}
		if why.Place, err = d.placeOf(ctx, c, h.Holdings[product].Waiting); err != nil {
			return Why{}, err
		}
	}
	holding := h.Holdings[product]
	if holding == nil {
		return why, nil
	}
	why.LicenseID, why.WaitingSince, why.Excluded = holding.LicenseID, holding.WaitingSince, holding.Excluded
	for _, g := range holding.Grants {
		links, err := behind(ctx, c, user, g, chain)
		if err != nil {
			return Why{}, err
		}
		why.Because = append(why.Because, links...)
	}
	return why, nil
}

// asked reads what of the account decides, and a user, who is one of the caller's.
//
// Errors: not-found.
func (d *Service) asked(
	ctx context.Context, c *call.Call, user string,
) (part record.AccountPart, holder *record.Holder, err error) {
	at := record.HolderKey(c.Account, user)
	found, err := c.Lookup(ctx, call.AccountKey(c.Account), at)
	if err != nil {
		return part, nil, err
	}
	bundle, ok := found[call.AccountKey(c.Account)]
	if !ok {
		return part, nil, problem.NoAccount()
	}
	if part, err = call.Decode[record.AccountPart](bundle); err != nil {
		return part, nil, err
	}
	item, ok := found[at]
	if !ok {
		return part, nil, problem.Missing("user")
	}
	h, err := call.Decode[record.Holder](item)
	if err != nil {
		return part, nil, err
	}
	theirs, err := access.CostCenters(ctx)
	if err == nil && !theirs.Has(h.CostCenter) {
		err = problem.Missing("user")
	}
	return part, &h, err
}

// keptFrom are the free licenses that fences keep from somebody who waits.
func (d *Service) keptFrom(ctx context.Context, c *call.Call, h *record.Holder, product string) ([]FencedSeats, error) {
	codes, err := d.Fenced(ctx, c)
	if err != nil || len(codes) == 0 {
		return nil, err
	}
	free, err := d.Free(ctx, c, product)
	if err != nil {
		return nil, err
	}
	theirs, err := access.CostCenters(ctx)
	kept := free.kept(h.CostCenter)
	return slices.DeleteFunc(kept, func(s FencedSeats) bool { return !theirs.Has(s.CostCenter) }), err
}

// placeOf is the place of an entry of a waiting list; 0 where more wait before it than a page has, and
// for an admin of some cost centers, from whom those before are kept.
func (d *Service) placeOf(ctx context.Context, c *call.Call, entry string) (int, error) {
	if theirs, err := access.CostCenters(ctx); err != nil || !theirs.All() {
		return 0, err
	}
	product, _, _ := strings.Cut(entry, "#")
	q := table.Query{Partition: record.WaitPartition(c.Account), Prefix: product + "#", To: entry}
	before, err := c.Env.Table.Query(ctx, q)
	if err != nil || before.Next != "" {
		return 0, err
	}
	return len(before.Items) + 1, nil
}

// behind is what stands behind a grant.
func behind(ctx context.Context, c *call.Call, user string, g record.Grant, chain Chain) ([]Because, error) {
	link := Because{Grant: g.Source, Since: g.Since}
	kind, id, _ := strings.Cut(g.Source, ":")
	switch kind {
	case "role":
		link.RoleID = id
	case record.View:
		dashboard, at, err := chain.LastView(ctx, c, user)
		if err != nil {
			return nil, err
		}
		if link.DashboardID = dashboard; !at.IsZero() {
			link.LastViewed = &at
		}
	case "queue":
		link.QueueID = id
		dashboards, err := chain.DashboardsOf(ctx, c, id)
		if err != nil {
			return nil, err
		}
		var links []Because
		for _, dashboard := range dashboards {
			link.DashboardID = dashboard
			links = append(links, link)
		}
		if len(links) > 0 {
			return links, nil
		}
	}
	return []Because{link}, nil
}
