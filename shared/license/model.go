// Package license is the kernel of Seatwise: the one place where a seat is taken or given back
// (design, decision 2).
//
// A license is one seat of one product. A holder is what the kernel knows of a user: who they are,
// and for each product the grants that say why they should hold it. Purchase, mass configuration,
// the directory and usage change seats only by changing grants here; what follows from a change (a
// seat taken, given back, handed to who waits longest, an add-on going with its base) is decided by
// one function, settle.
package license

import (
	"time"

	"seatwise/shared/catalog"
)

// Status of a license (spec 1).
type Status string

// The statuses.
const (
	Available  Status = "available"
	Assigned   Status = "assigned"
	Terminated Status = "terminated"
)

// Grant is one reason why a user holds a license, or waits for one (spec 1).
type Grant struct {
	// Source is "direct", "queue:{id}", "view", "role:{id}" or "massConfiguration:{id}".
	Source string    `json:"source" doc:"direct, queue:{id}, view, role:{id} or massConfiguration:{id}."`
	Since  time.Time `json:"since"`
}

// License is a license as it is stored and as api.md shows it.
type License struct {
	ID            string       `json:"id" format:"uuid"`
	ProductID     string       `json:"productId"`
	ProductName   string       `json:"productName,omitempty" doc:"The product's name in the catalog."`
	Kind          catalog.Kind `json:"kind"`
	Status        Status       `json:"status" enum:"available,assigned,terminated"`
	UserID        string       `json:"userId,omitempty"`
	UserName      string       `json:"userName,omitempty"`
	Extension     string       `json:"extension,omitempty" doc:"The holder's, whatever the product."`
	BaseLicenseID string       `json:"baseLicenseId,omitempty" doc:"The base license that this add-on hangs on."`
	CostCenter    string       `json:"costCenter,omitempty"`
	OrderID       string       `json:"orderId,omitempty"`
	AddedAt       time.Time    `json:"addedAt"`
	AssignedAt    *time.Time   `json:"assignedAt,omitempty"`
	TerminatedAt  *time.Time   `json:"terminatedAt,omitempty"`
	Grants        []Grant      `json:"grants" nullable:"false"`
}

// stored is the document of a license item.
type stored struct {
	License
	// Pending licenses belong to an order of several commits: nobody sees them before the order is
	// confirmed.
	Pending bool `json:"pending,omitempty"`
	// Shards is over how many shards the licenses of the account were spread when this one was
	// placed; 0 stands for firstShards.
	Shards int `json:"shards,omitempty"`
}

// offer is the document of a free license's entry in the pool: the license with the version that
// its own item has.
type offer struct {
	stored
	LicenseVersion int64 `json:"licenseVersion"`
}

// Holding is what a holder has to do with one product.
type Holding struct {
	// LicenseID is the license held, or empty.
	LicenseID string `json:"licenseId,omitempty"`
	// Grants say why the user should hold it, sorted by source.
	Grants []Grant `json:"grants,omitempty"`
	// Waiting is the sort key of the entry in the waiting list, or empty.
	Waiting      string     `json:"waiting,omitempty"`
	WaitingSince *time.Time `json:"waitingSince,omitempty"`
	// Excluded is set while automatic grants are kept from this user (spec 4, unassign).
	Excluded *Exclusion `json:"excluded,omitempty"`
}

// Exclusion says since when, and by whom, a user is kept from automatic assignment of a product.
type Exclusion struct {
	Since time.Time `json:"since"`
	By    string    `json:"by"`
}

// Holder is a user as the kernel knows them.
type Holder struct {
	UserID    string              `json:"userId"`
	Name      string              `json:"name"`
	Email     string              `json:"email,omitempty"`
	Active    bool                `json:"active"`
	Extension string              `json:"extension,omitempty"`
	Number    string              `json:"number,omitempty"`
	Holdings  map[string]*Holding `json:"holdings,omitempty"`
}

// Extension is a phone extension: its key and number, and who has it (spec 1).
type Extension struct {
	Key    string `json:"key"`
	Number string `json:"number,omitempty"`
	UserID string `json:"userId,omitempty"`
}

// Wait is one entry of a waiting list.
type Wait struct {
	ProductID string    `json:"productId"`
	UserID    string    `json:"userId"`
	UserName  string    `json:"userName"`
	Since     time.Time `json:"since"`
	Grants    []Grant   `json:"grants" nullable:"false"`
}

// Excluded is one entry of the exclusions.
type Excluded struct {
	ProductID string    `json:"productId"`
	UserID    string    `json:"userId"`
	UserName  string    `json:"userName"`
	Since     time.Time `json:"since"`
	By        string    `json:"by"`
}

// Summary counts the seats of one product.
type Summary struct {
	ProductID string       `json:"productId"`
	Name      string       `json:"name"`
	Kind      catalog.Kind `json:"kind"`
	Bought    int64        `json:"bought"`
	Assigned  int64        `json:"assigned"`
	Available int64        `json:"available"`
	// Reserved are kept for a mass configuration that is being applied: bought = assigned +
	// available + reserved.
	Reserved int64 `json:"reserved" doc:"Kept for mass configurations that are being applied; bought = assigned + available + reserved."`
	Waiting  int64 `json:"waiting"`
}
