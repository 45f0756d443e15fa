package request

import (
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/text"
	"seatwise/shared/platform/problem"
)

// asksFor says whether a product can be asked for: what devices hold cannot.
func asksFor(p catalog.Product) bool { return len(p.Devices) == 0 }

// check says what is wrong with what is asked for.
func check(products *catalog.Catalog, product, reason string) error {
	var fields []problem.Field
	switch p, known := products.Lookup(product); {
	case !known:
		fields = append(fields, problem.Fault("productId", problem.UnknownID, "is not in the catalog"))
	case !asksFor(p):
		fields = append(fields, problem.Fault("productId", problem.NotApplicable, "is held by devices, not by users"))
	}
	if fault := text.NameFault(reason); fault != "" {
		fields = append(fields, problem.Named("reason", fault))
	}
	if len(fields) > 0 {
		return problem.Validation(fields...)
	}
	return nil
}

// decided is the request after somebody's decision.
//
// Errors: wrong-state when it is not in a state in which that can be decided.
func (r Request) decided(to State, by string, at time.Time) (Request, error) {
	if r.State != Open && (to != Withdrawn || r.State != Approved) {
		return r, problem.Newf(problem.WrongState, "The request is %s already.", r.State)
	}
	r.State, r.DecidedBy, r.DecidedAt = to, by, &at
	return r, nil
}

// served is the request after the person got the license.
func (r Request) served(license string, at time.Time) Request {
	r.State, r.LicenseID, r.FulfilledAt = Fulfilled, license, &at
	return r
}

// pending says whether the request has not ended.
func (r Request) pending() bool { return r.State == Open || r.State == Approved }
