// Package license is the kernel of Seatwise: the one place where a seat is taken or given back
// (design, decision 2).
//
// A license is one seat of one product. A holder is what the kernel knows of a user: who they are,
// and for each product the grants that say why they should hold it. Purchase, mass configuration,
// the directory and usage change seats only by changing grants here; what follows from a change (a
// seat taken, given back, handed to who waits longest, an add-on going with its base) is decided by
// one function, settle.
//
// Package inventory beside it reads what is there, package operations speaks HTTP, and
// internal/record says how all of it is stored.
package license

import (
	"seatwise/shared/license/internal/record"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// What is stored, as far as other modules may know it.
type (
	// License is a license as docs/contract.md shows it.
	License = record.License
	// Status of a license (requirements, section 1).
	Status = record.Status
	// Grant is one reason why a user holds a license, or waits for one (requirements, section 1).
	Grant = record.Grant
	// Holder is a user as the kernel knows them.
	Holder = record.Holder
	// Holding is what a holder has to do with one product.
	Holding = record.Holding
	// Extension is a phone extension: its key and number, and who has it (requirements, section 1).
	Extension = record.Extension
	// Wait is one entry of a waiting list.
	Wait = record.Wait
	// Excluded is one entry of the exclusions.
	Excluded = record.Excluded
	// State says how a user stands to a product (docs/contract.md, why).
	State = record.State
	// Lot is a number of new licenses of one product, charged to one cost center.
	Lot = record.Lot
)

// The statuses.
const (
	Available  = record.Available
	Assigned   = record.Assigned
	Terminated = record.Terminated
)

// The sources of grants that are not of one queue, role or file: a person's, and a viewer's.
const (
	Direct = record.Direct
	View   = record.View
)

// The states.
const (
	Holds         = record.Holds
	Waits         = record.Waits
	Lacks         = record.Lacks
	Covered       = record.Covered
	StateExcluded = record.StateExcluded
)

// UnlimitedBundle is the bundle whose accounts have unlimited Live Reports (requirements, section
// 6).
const UnlimitedBundle = record.UnlimitedBundle

// HolderKey is where the kernel keeps a user.
func HolderKey(account, user string) table.Key { return record.HolderKey(account, user) }

// CostCenterKey is where package purchase keeps a cost center.
func CostCenterKey(account, code string) table.Key { return record.CostCenterKey(account, code) }

// CountPeople counts, in PeopleKey, the users of a cost center.
const CountPeople = record.CountPeople

// PeopleKey counts the users of a cost center.
func PeopleKey(account, costCenter string) table.Key { return record.PeopleKey(account, costCenter) }

// Key is where a license is kept.
func Key(account, id string) table.Key { return record.LicenseKey(account, id) }

// ChargedTo is the cost center that the license of an item is charged to: of a metered one its holder's.
// Empty for none.
func ChargedTo(item table.Item) (string, error) {
	l, err := call.Decode[record.Document](item)
	return l.ChargedTo(), err
}
