// Package record says how licenses, holders and what belongs to them are stored: their documents, where
// they lie, and which of them may be seen. The kernel writes them and package inventory reads them.
package record

import (
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/text"
	"seatwise/shared/platform/call"
)

// Status of a license (requirements, section 1).
type Status string

// The statuses.
const (
	Available  Status = "available"
	Assigned   Status = "assigned"
	Terminated Status = "terminated"
)

// Grant is one reason why a user holds a license, or waits for one (requirements, section 1).
type Grant struct {
	// Source is "direct", "queue:{id}", "view", "role:{id}" or "massConfiguration:{id}".
	Source string    `json:"source" doc:"direct, queue:{id}, view, role:{id} or massConfiguration:{id}."`
	Since  time.Time `json:"since"`
}

// License is a license as it is stored and as docs/contract.md shows it.
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

// Holding is what a holder has to do with one product.
type Holding struct {
	// LicenseID is the license held, or empty.
	LicenseID string `json:"licenseId,omitempty"`
	// Grants say why the user should hold it, sorted by source.
	Grants []Grant `json:"grants,omitempty"`
	// Waiting is the sort key of the entry in the waiting list, or empty.
	Waiting      string     `json:"waiting,omitempty"`
	WaitingSince *time.Time `json:"waitingSince,omitempty"`
	// Excluded is set while automatic grants are kept from this user (requirements, section 4,
	// unassign).
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
	// CostCenter is whose the person is: what they consume is charged to it, and the automatic choice
	// of a seat prefers it.
	CostCenter string `json:"costCenter,omitempty"`
}

// Extension is a phone extension: its key and number, and who has it (requirements, section 1).
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
	// CostCenter is the person's.
	CostCenter string `json:"costCenter,omitempty" doc:"The user's, which decides together with the fences which seats may serve them."`
}

// StoredWait is an entry of a waiting list as it is kept.
type StoredWait struct {
	Wait

	// Cause is who began the waiting, for the audit entry of the seat that ends it. Entries from
	// before it was kept have none.
	Cause call.Cause `json:"cause,omitzero"`
}

// Excluded is one entry of the exclusions.
type Excluded struct {
	ProductID string    `json:"productId"`
	UserID    string    `json:"userId"`
	UserName  string    `json:"userName"`
	Since     time.Time `json:"since"`
	By        string    `json:"by"`
}

// Span is a part of what a billing period counts that has ended: how a license was charged, or by
// whom a metered one was held, until a moment; or that somebody waited (requirements, section 12).
type Span struct {
	// License is the license's id, or the device's; empty of a waiting and of a person.
	License   string `json:"license,omitempty"`
	ProductID string `json:"productId,omitempty"`
	// UserID is who held a metered license, or waited; empty of a license that was bought.
	UserID string `json:"userId,omitempty"`
	// CostCenter is what it was charged to; of who held or waited the person's, empty for the
	// account's.
	CostCenter string `json:"costCenter,omitempty"`
	// From is when the license, or the waiting, began, and not this part of it.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until"`
	// Ended says that the license, or the waiting, ended with it.
	Ended   bool `json:"ended,omitempty"`
	Waiting bool `json:"waiting,omitempty"`
}

// Spans are what one commit ended.
type Spans struct {
	Spans []Span `json:"spans"`
}

// Holds says whether a license of the product is held.
func (h *Holder) Holds(product string) bool {
	holding := h.Holdings[product]
	return holding != nil && holding.LicenseID != ""
}

// Holding is the holder's part for the product, made if it is not there.
func (h *Holder) Holding(product string) *Holding {
	if h.Holdings == nil {
		h.Holdings = map[string]*Holding{}
	}
	if h.Holdings[product] == nil {
		h.Holdings[product] = &Holding{}
	}
	return h.Holdings[product]
}

// Tidy drops holdings that say nothing.
func (h *Holder) Tidy() {
	for id, holding := range h.Holdings {
		if holding.LicenseID == "" && len(holding.Grants) == 0 && holding.Waiting == "" && holding.Excluded == nil {
			delete(h.Holdings, id)
		}
	}
}

// Held lists the ids of the licenses that a holder has.
func (h *Holder) Held() []string {
	var ids []string
	for _, holding := range h.Holdings {
		if holding.LicenseID != "" {
			ids = append(ids, holding.LicenseID)
		}
	}
	return ids
}

// Entries are what the index of words holds of a holder: whoever searches for something with which
// one of them begins finds the holder.
func (h *Holder) Entries() []string {
	if h.UserID == "" {
		return nil
	}
	return text.Entries(maxWords, h.Name, h.UserID, h.Email)
}

// maxWords is how many words of a name, an id or an e-mail address a search finds; the last one is
// always among them.
const maxWords = 6

// SearchEntry is the part of an extension, or of a word, that says whose it is.
type SearchEntry struct {
	UserID string `json:"userId"`
}

// AccountPart is what the kernel reads of an account's item, which package account writes.
type AccountPart struct {
	Bundle string `json:"bundle"`
}

// UnlimitedBundle is the bundle whose accounts have unlimited Live Reports (requirements, section
// 6).
const UnlimitedBundle = "customer-engagement"

// Unlimited says whether the bundle has unlimited Live Reports.
func (a *AccountPart) Unlimited() bool { return a != nil && a.Bundle == UnlimitedBundle }
