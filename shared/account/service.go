package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/text/language"

	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// Service makes, changes and reads accounts.
type Service struct {
	env       *app.Env
	products  *catalog.Catalog
	kernel    *license.Service
	inventory *inventory.Service
}

// NewService makes the service; what a bundle gives and takes goes through the kernel.
func NewService(env *app.Env, kernel *license.Service) *Service {
	return &Service{
		env: env, products: kernel.Products(), kernel: kernel, inventory: inventory.NewService(kernel.Products()),
	}
}

// Load reads the account of the call and its version. It is one read, which also looks for the
// answer to the call's idempotency key.
//
// Errors: not-found; those of call.Lookup.
func Load(ctx context.Context, c *call.Call) (Account, int64, error) {
	found, err := c.Lookup(ctx, call.AccountKey(c.Account))
	if err != nil {
		return Account{}, 0, err
	}
	return From(c, found)
}

// From takes the account of the call out of items that were read together with others.
//
// Errors: not-found.
func From(c *call.Call, found map[table.Key]table.Item) (Account, int64, error) {
	item, ok := found[call.AccountKey(c.Account)]
	if !ok {
		return Account{}, 0, problem.NoAccount()
	}
	a, err := call.Decode[Account](item)
	a.State = cmp.Or(a.State, active)
	return a, item.Version, err
}

// All hands every account to visit, closed ones too, in the order of their ids, until it returns an error. It
// reads an index, so an account made a moment ago may be missing.
func All(ctx context.Context, store table.Store, visit func(Account) error) error {
	return table.All(ctx, store, table.Query{Index: table.Index1, Partition: accounts}, func(item table.Item) error {
		a, err := call.Decode[Account](item)
		if err != nil {
			return err
		}
		a.State = cmp.Or(a.State, active)
		return visit(a)
	})
}

// sideBySide is how many accounts Each visits at the same time.
const sideBySide = 16

// Each hands every account that is not closed to visit, several at the same time, and answers all errors
// together, each with its account. It reads an index, so an account made a moment ago may be missing.
func Each(ctx context.Context, store table.Store, visit func(context.Context, Account) error) error {
	var mu sync.Mutex
	var failures []error
	var group errgroup.Group
	group.SetLimit(sideBySide)
	err := All(ctx, store, func(a Account) error {
		if a.State == call.Closed {
			return nil
		}
		group.Go(func() error {
			if err := visit(ctx, a); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failures = append(failures, fmt.Errorf("account %s: %w", a.ID, err))
			}
			return nil
		})
		return nil
	})
	_ = group.Wait() // no visit returns its error to the group, which would only keep the first
	return errors.Join(append(failures, err)...)
}

// List reads one page of the accounts, in the order of their ids, and the position of the next
// page.
func (s *Service) List(ctx context.Context, limit int, after string) ([]Account, string, error) {
	page, err := s.env.Table.Query(
		ctx,
		table.Query{Index: table.Index1, Partition: accounts, After: after, Limit: limit},
	)
	if err != nil {
		return nil, "", err
	}
	list := make([]Account, len(page.Items))
	for i, item := range page.Items {
		if list[i], err = call.Decode[Account](item); err != nil {
			return nil, "", err
		}
		list[i].State = cmp.Or(list[i].State, active)
	}
	return list, page.Next, nil
}

// Put makes the account of the call, or changes it; it returns the account, its version, and
// whether it is new. Settings that are as they were change nothing.
//
// A changed bundle concerns everybody who has to do with Live Reports: they are looked at again,
// the first inlineHolders of them before Put returns and the others by ResumeBundles.
//
// Errors: validation; precondition-failed; wrong-state for another currency once something was
// bought, since orders and bills stand in the old one.
func (s *Service) Put(ctx context.Context, c *call.Call, settings Settings) (call.Stored[Account], error) {
	var out call.Stored[Account]
	rebundled, ctx := false, call.Anyhow(ctx)
	err := call.Decide(ctx, func(ctx context.Context) error {
		own := call.AccountKey(c.Account)
		found, err := c.Lookup(ctx, lookedAt(c, settings)...)
		if err != nil {
			return err
		}
		item, exists := found[own]
		if err := c.Matches(exists, item.Version); err != nil {
			return err
		}
		rebundled = false
		var before Account
		if exists {
			before, err = call.Decode[Account](item)
		}
		if err != nil {
			return err
		}
		settings := settings
		settings.CostCenter = cmp.Or(settings.CostCenter, before.CostCenter)
		settings.State = cmp.Or(settings.State, before.State)
		settings = settings.withDefaults()
		out = call.Stored[Account]{Value: New(c.Account, settings, c.At), Version: item.Version, Created: !exists}
		w := writing{
			change: call.AuditEntry{
				Action: "account.created", Subject: "account", SubjectID: c.Account, After: settings,
			},
			condition: table.IfAbsent,
		}
		if exists && before.Settings.withDefaults() == settings {
			out.Value = before
			out.Value.State = settings.State
			return c.Commit(ctx, out.Answer())
		}
		if err := s.check(settings, before.Settings); err != nil {
			return err
		}
		if exists {
			if out.Value, err = before.Changed(settings, c.At); err != nil {
				return err
			}
			w.change.Action, w.change.Before = "account.changed", before.Settings.withDefaults()
			w.condition = table.IfVersion(item.Version)
			rebundled = before.Bundle != settings.Bundle
		}
		if w.beside, err = consequences(c, found, before, settings); err != nil {
			return err
		}
		return w.commit(ctx, c, &out)
	})
	if err != nil {
		return call.Stored[Account]{}, err
	}
	if rebundled && out.Value.State == active {
		s.settleSoon(call.WhileActive(ctx), c.Account)
	}
	return out, nil
}

// lookedAt are the items that decide about settings.
func lookedAt(c *call.Call, settings Settings) []table.Key {
	keys := []table.Key{
		call.AccountKey(c.Account), PurchasedKey(c.Account), bundleMarkerKey(c.Account), call.ErasedKey(c.Account),
	}
	if auth.ValidID(settings.CostCenter) {
		keys = append(keys, license.CostCenterKey(c.Account, settings.CostCenter))
	}
	return keys
}

// charges demands that another cost center is one of the account.
//
// Errors: validation.
func charges(c *call.Call, found map[table.Key]table.Item, before, after Settings) ([]table.Operation, error) {
	if after.CostCenter == before.CostCenter {
		return nil, nil
	}
	key := license.CostCenterKey(c.Account, after.CostCenter)
	if _, there := found[key]; !there {
		return nil, problem.Invalid(
			"costCenter", problem.UnknownID, "must be the code of a cost center of this account",
		)
	}
	return []table.Operation{table.Check(key, table.IfPresent)}, nil
}

// consequences are what else a change of settings writes: another state where every commit of the account
// looks for it, another cost center demands that it is
// there, another currency that nothing was bought, and another bundle leaves a pending-work marker. Of
// an account that is made, before is the zero one.
//
// Errors: validation, wrong-state.
func consequences(
	c *call.Call, found map[table.Key]table.Item, before Account, after Settings,
) (ops []table.Operation, err error) {
	if _, erased := found[call.ErasedKey(c.Account)]; erased {
		return nil, problem.New(
			problem.WrongState, "An account of this id is erased, or about to be: no id is given out again.",
		)
	}
	if ops, err = charges(c, found, before.Settings, after); err != nil {
		return nil, err
	}
	became, err := call.Become(c.Account, cmp.Or(before.State, active), after.State)
	if ops = append(ops, became...); err != nil || before.ID == "" {
		return append(ops, table.Check(call.ErasedKey(c.Account), table.IfAbsent)), err
	}
	if before.Currency != after.Currency {
		purchased := PurchasedKey(c.Account)
		if _, bought := found[purchased]; bought {
			return nil, problem.New(problem.WrongState, "The currency cannot change: licenses were bought in it.")
		}
		ops = append(ops, table.Check(purchased, table.IfAbsent))
	}
	if before.Bundle != after.Bundle {
		marker := bundleMarker{Bundle: after.Bundle, Cause: c.Cause(), Since: c.At}
		op, err := putBundleMarker(found[bundleMarkerKey(c.Account)], c, marker)
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// writing is what is written of an account: with its audit entry, on its condition, and with what
// is written beside it.
type writing struct {
	change    call.AuditEntry
	condition table.Condition
	beside    []table.Operation
}

// commit writes an account, which gets its version, and answers with it.
func (w writing) commit(ctx context.Context, c *call.Call, a *call.Stored[Account]) error {
	data, err := call.Encode(a.Value)
	if err != nil {
		return err
	}
	put := table.Put(table.Item{
		Key:       call.AccountKey(c.Account),
		Data:      data,
		IndexKeys: [table.Indexes]table.Key{{Partition: accounts, Sort: c.Account}},
	}, w.condition)
	a.Version = put.Item.Version
	audit, err := c.Audit(w.change)
	if err != nil {
		return err
	}
	answer := a.Answer()
	if a.Created {
		answer = answer.At(path(c.Account))
	}
	return c.Commit(ctx, answer, append(w.beside, put, audit)...)
}

// check finds what is wrong with settings, but for values that are as they were.
func (s *Service) check(settings, was Settings) error {
	fields := settings.Check(s.products, was)
	if !slices.Contains([]call.State{active, call.Suspended, call.Closed}, settings.State) {
		fields = append(fields, problem.Fault("state", problem.NotAllowed, "must be active, suspended or closed"))
	}
	// LoadLocation knows two names that are no zones: "" is UTC, and "Local" is wherever the
	// function runs.
	_, err := time.LoadLocation(settings.Timezone)
	if settings.Timezone == "" || settings.Timezone != was.Timezone && (err != nil || settings.Timezone == "Local") {
		fields = append(
			fields,
			problem.Field{
				Field:   "timezone",
				Code:    problem.NotAllowed,
				Message: "must be the IANA name of a time zone, such as America/New_York",
			},
		)
	}
	if settings.Country != "" && settings.Country != was.Country && !isCountry(settings.Country) {
		fields = append(
			fields,
			problem.Field{
				Field:   "country",
				Code:    problem.NotAllowed,
				Message: "must be the ISO 3166-1 code of a country, such as US",
			},
		)
	}
	if len(fields) > 0 {
		return problem.Validation(fields...)
	}
	return nil
}

// isCountry says whether a country has this code today: no former one, no group of countries, no
// other name of one.
func isCountry(code string) bool {
	region, err := language.ParseRegion(code)
	return err == nil && region.IsCountry() && region.Canonicalize() == region && region.String() == code
}
