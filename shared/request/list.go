package request

import (
	"context"
	"slices"

	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Filter narrows a list of requests; all that is given must hold.
type Filter struct {
	// States and Products are any of these, all if there is none.
	States   []State
	Products []string
	User     string
}

func (f Filter) takes(r Request) bool {
	return (len(f.States) == 0 || slices.Contains(f.States, r.State)) &&
		(len(f.Products) == 0 || slices.Contains(f.Products, r.ProductID)) &&
		(f.User == "" || f.User == r.UserID)
}

// query reads the requests that the filter may take, the newest first, before a position.
func (f Filter) query(account, before string) table.Query {
	q := table.Query{Partition: partition(account), To: before, Backwards: true}
	switch {
	case f.User != "":
		q.Index, q.Partition = table.Index1, ofUser(account, f.User)
	case len(f.States) == 1:
		q.Index, q.Partition = table.Index2, inState(account, f.States[0])
	}
	return q
}

// mostRead is how many requests a page looks at; one with many that the filter does not take is
// short, with a cursor.
const mostRead = 2000

// List is a page of the requests that the caller may see, the newest first, and the position of the
// next page. Who does not see those of others gets those for themselves, and an admin of some cost
// centers those for users of theirs, on pages that may be short.
//
// Errors: validation for a product that the catalog does not know.
func (s *Service) List(
	ctx context.Context, c *call.Call, f Filter, position string, limit int,
) ([]Request, string, error) {
	strange := problem.Culprits("product", problem.UnknownID, f.Products, func(i int) bool {
		_, known := s.kernel.Products().Lookup(f.Products[i])
		return !known
	}, "is not in the catalog")
	if len(strange) > 0 {
		return nil, "", problem.Validation(strange...)
	}
	p, err := partyOf(ctx)
	if err != nil {
		return nil, "", err
	}
	if !p.seesAll() {
		if f.User != "" && f.User != p.user {
			return nil, "", nil
		}
		f.User = p.user
	}
	q := f.query(c.Account, position)
	q.Limit = limit + 1
	if len(f.Products) > 0 || len(f.States) > 0 {
		q.Limit = table.MaxPage
	}
	list, next, err := f.page(ctx, c, q, limit)
	if err != nil {
		return nil, "", err
	}
	theirs, err := p.theirRequests(ctx, c, list...)
	if err != nil {
		return nil, "", err
	}
	return slices.DeleteFunc(list, func(r Request) bool { return !theirs(r) }), next, nil
}

// page reads on until the page is full, or enough was looked at.
func (f Filter) page(ctx context.Context, c *call.Call, q table.Query, limit int) ([]Request, string, error) {
	var list []Request
	last := ""
	for read := 0; ; {
		page, err := c.Env.Table.Query(ctx, q)
		if err != nil {
			return nil, "", err
		}
		for _, item := range page.Items {
			r, err := call.Decode[stored](item)
			if err != nil {
				return nil, "", err
			}
			if !f.takes(r.Request) {
				last = r.ID
				continue
			}
			if len(list) == limit {
				return list, last, nil
			}
			list, last = append(list, r.Request), r.ID
		}
		if page.Next == "" {
			return list, "", nil
		}
		if read += len(page.Items); read >= mostRead {
			return list, last, nil
		}
		q.After = page.Next
	}
}

// holdings says which products the caller has. Who is not in the directory, such as an operator, has none.
func holdings(ctx context.Context, c *call.Call) (func(product string) bool, error) {
	p, err := partyOf(ctx)
	if err != nil {
		return nil, err
	}
	item, there, err := c.Get(ctx, license.HolderKey(c.Account, p.user))
	if err != nil || !there {
		return func(string) bool { return false }, err
	}
	h, err := call.Decode[license.Holder](item)
	return h.Holds, err
}

// requestable is a page of what can be asked for, in the catalog's order, after a product; held says
// what the caller has of it.
func (s *Service) requestable(
	held func(string) bool, after string, limit int,
) (list []Requestable, last string, err error) {
	passed := after == ""
	for p := range s.kernel.Products().All() {
		switch {
		case !passed:
			passed = p.ID == after
		case !asksFor(p):
		case len(list) == limit:
			return list, list[limit-1].ID, nil
		default:
			list = append(list, Requestable{ID: p.ID, Name: p.Name, Kind: p.Kind, Base: p.Base, Held: held(p.ID)})
		}
	}
	return list, "", nil
}
