// Package policy keeps what an account has decided for a product (requirements, section 12): how few
// free seats raise an alert, and after how many days without use a seat counts as idle.
package policy

import (
	"context"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Rules are what is decided; what is left out is not.
type Rules struct {
	LowSeats *int64 `json:"lowSeats,omitempty" minimum:"1" maximum:"100000" doc:"Fewer free seats than these raise an alert. Not for metered products, of which none is free."`
	IdleDays *int   `json:"idleDays,omitempty" minimum:"1" maximum:"366" doc:"After so many days without use a seat of the product counts as idle where nobody says otherwise."`
}

// Policy is what an account has decided for a product.
type Policy struct {
	ProductID string `json:"productId" readOnly:"true" doc:"The product in the path."`
	Rules
	CreatedAt time.Time `json:"createdAt,omitzero" readOnly:"true"`
	ChangedAt time.Time `json:"changedAt,omitzero" readOnly:"true" doc:"When it was changed last."`
}

// Service keeps policies.
type Service struct {
	env      *app.Env
	products *catalog.Catalog
}

// NewService makes the service for the products of a catalog.
func NewService(env *app.Env, products *catalog.Catalog) *Service {
	return &Service{env: env, products: products}
}

func partition(account string) string { return call.Partition(account, "POLICIES") }

func keyOf(account, product string) table.Key {
	return table.Key{Partition: partition(account), Sort: product}
}

// watched is the partition of Index3 that lists, over all accounts, the policies by which alerts are
// raised, so that nothing is read of an account that has none.
const watched = "JOBS#POLICY"

// Watched visits the policies of all accounts by which alerts are raised, by account.
func Watched(ctx context.Context, store table.Store, visit func(account string, p Policy) error) error {
	return table.All(ctx, store, table.Query{Index: table.Index3, Partition: watched}, func(item table.Item) error {
		p, err := call.Decode[Policy](item)
		if err != nil {
			return err
		}
		sort := item.IndexKeys[2].Sort
		return visit(sort[:len(sort)-len(p.ProductID)-1], p)
	})
}

// Get reads the policy of a product and its version.
//
// Errors: not-found.
func (s *Service) Get(ctx context.Context, c *call.Call, product string) (Policy, int64, error) {
	if _, ok := s.products.Lookup(product); !ok { // and must not become a key
		return Policy{}, 0, problem.Missing("policy")
	}
	item, ok, err := c.Get(ctx, keyOf(c.Account, product))
	if err != nil {
		return Policy{}, 0, err
	}
	if !ok {
		return Policy{}, 0, problem.Missing("policy")
	}
	p, err := call.Decode[Policy](item)
	return p, item.Version, err
}

// List is a page of the account's policies by product, from behind one.
func (s *Service) List(ctx context.Context, c *call.Call, after string, limit int) ([]Policy, string, error) {
	query := table.Query{Partition: partition(c.Account), Limit: limit + 1}
	if after != "" {
		query.From = after + "\x00" // the least key behind it
	}
	page, err := c.Env.Table.Query(ctx, query)
	if err != nil {
		return nil, "", err
	}
	var list []Policy
	for _, item := range page.Items {
		p, err := call.Decode[Policy](item)
		if err != nil {
			return nil, "", err
		}
		if len(list) == limit {
			return list, list[limit-1].ProductID, nil
		}
		list = append(list, p)
	}
	return list, "", nil
}

// same says whether rules are as they were.
func (r Rules) same(other Rules) bool {
	return equal(r.LowSeats, other.LowSeats) && equal(r.IdleDays, other.IdleDays)
}

func equal[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// Put decides for a product. Rules that are as they were change nothing.
//
// Errors: not-found for a product that is not in the catalog; validation; precondition-failed.
func (s *Service) Put(ctx context.Context, c *call.Call, product string, rules Rules) (call.Stored[Policy], error) {
	var out call.Stored[Policy]
	if _, ok := s.products.Lookup(product); !ok { // and must not become a key
		return out, problem.Missing("product")
	}
	err := call.Decide(ctx, func(ctx context.Context) error {
		item, exists, err := c.Get(ctx, keyOf(c.Account, product))
		if err != nil {
			return err
		}
		if err := c.Matches(exists, item.Version); err != nil {
			return err
		}
		p := Policy{ProductID: product, Rules: rules, CreatedAt: c.At, ChangedAt: c.At}
		change := call.AuditEntry{Action: "policy.created", Subject: "policy", SubjectID: product, After: rules}
		if exists {
			before, err := call.Decode[Policy](item)
			if err != nil {
				return err
			}
			if before.same(rules) {
				out = call.Stored[Policy]{Value: before, Version: item.Version}
				return c.Commit(ctx, out.Answer())
			}
			p.CreatedAt, change.Action, change.Before = before.CreatedAt, "policy.changed", before.Rules
		}
		if p, _ := s.products.Lookup(product); rules.LowSeats != nil && !p.Purchasable() {
			return problem.Invalid("lowSeats", problem.NotApplicable, "is not for metered products")
		}
		data, err := call.Encode(p)
		if err != nil {
			return err
		}
		stored := table.Item{Key: keyOf(c.Account, product), Data: data}
		if rules.LowSeats != nil {
			stored.IndexKeys[2] = table.Key{Partition: watched, Sort: c.Account + "#" + product}
		}
		put := c.Put(stored, exists, item.Version)
		audit, err := c.Audit(change)
		if err != nil {
			return err
		}
		out = call.Stored[Policy]{Value: p, Version: put.Item.Version, Created: !exists}
		answer := out.Answer()
		if out.Created {
			answer = answer.At(location(c.Account, product))
		}
		return c.Commit(ctx, answer, put, audit)
	})
	return out, err
}

func location(account, product string) string {
	return "/v1/accounts/" + account + "/policies/" + product
}

// Delete takes back what was decided for a product.
//
// Errors: not-found, precondition-failed.
func (s *Service) Delete(ctx context.Context, c *call.Call, product string) error {
	return call.Decide(ctx, func(ctx context.Context) error {
		p, version, err := s.Get(ctx, c, product)
		if err != nil {
			return err
		}
		if err := c.MatchesTag(call.Tag(version)); err != nil {
			return err
		}
		audit, err := c.Audit(call.AuditEntry{
			Action: "policy.deleted", Subject: "policy", SubjectID: product, Before: p.Rules,
		})
		if err != nil {
			return err
		}
		return c.Commit(ctx, call.Gone(), table.Delete(keyOf(c.Account, product), table.IfVersion(version)), audit)
	})
}
