// Package request is where people ask for products, and where approvers grant or deny
// (requirements, section 12). An approved request is served by a direct grant of the kernel: at once
// where there is a free seat, else as soon as there is one.
package request

import (
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// State says how far a request is.
type State string

// A request is open until somebody decides, and ends once: denied, withdrawn or fulfilled. An
// approved one waits for a seat.
const (
	Open      State = "open"
	Approved  State = "approved"
	Denied    State = "denied"
	Withdrawn State = "withdrawn"
	Fulfilled State = "fulfilled"
)

// Request is a person's wish for a product.
type Request struct {
	ID          string     `json:"id" format:"uuid" doc:"The request's id."`
	ProductID   string     `json:"productId" doc:"What is asked for."`
	ProductName string     `json:"productName" doc:"The product's name in the catalog."`
	UserID      string     `json:"userId" doc:"Who shall have it."`
	UserName    string     `json:"userName" doc:"Their name when it was asked."`
	Reason      string     `json:"reason" doc:"Why, in the words of who asked."`
	State       State      `json:"state" enum:"open,approved,denied,withdrawn,fulfilled" doc:"open until somebody decides; approved while it waits for a seat."`
	AskedBy     string     `json:"askedBy" doc:"Who asked."`
	AskedAt     time.Time  `json:"askedAt" doc:"When."`
	DecidedBy   string     `json:"decidedBy,omitempty" doc:"Who approved, denied or withdrew it."`
	DecidedAt   *time.Time `json:"decidedAt,omitempty" doc:"When."`
	Note        string     `json:"note,omitempty" doc:"What the approver said to a denial."`
	FulfilledAt *time.Time `json:"fulfilledAt,omitempty" doc:"When the person got it."`
	LicenseID   string     `json:"licenseId,omitempty" format:"uuid" doc:"The license that the person got."`
}

// Requestable is a product that can be asked for, as everybody may know it: without its price.
type Requestable struct {
	ID   string       `json:"id" doc:"The product's id."`
	Name string       `json:"name" doc:"Its name in the catalog."`
	Kind catalog.Kind `json:"kind" enum:"seat,base,addOn,metered" doc:"How it is licensed."`
	// Base is of an add-on: who lacks it asks for it first.
	Base string `json:"base,omitempty" doc:"The product that an add-on hangs on; who shall have the add-on needs one of it first."`
	Held bool   `json:"held" doc:"The caller has it already, so a request of theirs for it would be refused."`
}

// stored is a request as it is kept.
type stored struct {
	Request
	// Cause is who approved it, for the audit entries of the seat that comes later.
	Cause call.Cause `json:"cause,omitzero"`
	// Buys says that who approved it may buy, so that a policy buys a seat for it (requirements,
	// section 9).
	Buys bool `json:"buys,omitempty"`
	// Limit is to which cost centers who approved it is limited: it is served from these, for their
	// users.
	Limit auth.Limit `json:"limit,omitzero"`
}

// state is a request's part in an audit record.
type state struct {
	ProductID string `json:"productId"`
	State     State  `json:"state"`
	Reason    string `json:"reason"`
	Note      string `json:"note,omitempty"`
	LicenseID string `json:"licenseId,omitempty"`
}

func stateOf(r Request) state {
	return state{ProductID: r.ProductID, State: r.State, Reason: r.Reason, Note: r.Note, LicenseID: r.LicenseID}
}

// The keys; docs/data-model.md says what each costs.

// partition holds an account's requests in the order of their ids, which is that of time.
func partition(account string) string { return call.Partition(account, "REQUESTS") }

func requestKey(account, id string) table.Key {
	return table.Key{Partition: partition(account), Sort: id}
}

// ofUser is the partition of index 1 that lists the requests for a person.
func ofUser(account, user string) string { return call.Partition(account, "REQUESTS-OF", user) }

// inState is the partition of index 2 that lists the requests of a state.
func inState(account string, s State) string {
	return call.Partition(account, "REQUESTS-STATE", string(s))
}

// pendingKey is there while a person's request for a product is open or approved, so that there are
// no two.
func pendingKey(account, user, product string) table.Key {
	return table.Key{Partition: call.Partition(account, "REQUEST-PENDING", user), Sort: product}
}

// markers are on the requests that are approved and wait for a seat: product and request.
var markers = call.PlacedMarkers("REQUEST")

// itemOf is where a request is kept, with its places in the indexes.
func itemOf(account string, r stored) (table.Item, error) {
	data, err := call.Encode(r)
	item := table.Item{Key: requestKey(account, r.ID), Data: data}
	item.IndexKeys[0] = table.Key{Partition: ofUser(account, r.UserID), Sort: r.ID}
	item.IndexKeys[1] = table.Key{Partition: inState(account, r.State), Sort: r.ID}
	if r.State == Approved {
		item.IndexKeys[2] = markers.Place(account, r.ProductID+"#"+r.ID)
	}
	return item, err
}
