package record

import (
	"slices"
	"strings"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// Fences are the cost centers of an account whose seats serve their own users only (requirements,
// section 12). They are one item, which whoever chooses a seat reads. Epoch counts how often a fence
// was put up or taken down; each item that TakenKey names has it as a count of that name, so that
// the commit that takes a seat demands by an operation that it has anyway that the fences are as
// they were read.
type Fences struct {
	Codes []string `json:"codes"`
	Epoch int64    `json:"epoch"`
}

// CountFences is the count by which the items of TakenKey follow Fences.Epoch.
const CountFences = "fences"

// FencesKey is where the fences lie.
func FencesKey(account string) table.Key {
	return table.Key{Partition: call.Partition(account, "FENCES"), Sort: "FENCES"}
}

// Has says whether a cost center is fenced.
func (f *Fences) Has(costCenter string) bool {
	return costCenter != "" && slices.Contains(f.Codes, costCenter)
}

// Serves says whether a seat of a cost center may be given to somebody of another one, or of none.
func (f *Fences) Serves(seat, person string) bool { return seat == person || !f.Has(seat) }

// CountPeople counts, in PeopleKey, the users of a cost center.
const CountPeople = "people"

// PeopleKey counts the users of a cost center, so that it is not deleted while it has some.
func PeopleKey(account, costCenter string) table.Key {
	return table.Key{Partition: call.Partition(account, "PEOPLE-CC"), Sort: costCenter}
}

// AvailableOf is where the index by status has the free licenses of a product and a cost center, in
// one shard: the partition, and how their sort keys begin.
func (r *Records) AvailableOf(account, product, costCenter string, shard int) (partition, prefix string) {
	return LicensesByStatus(account, shard),
		Joined(string(Available), r.Family(product), product, costCenter, "")
}

// InPool says whether a key is of an entry in the pool of a product.
func InPool(key table.Key, account, product string) bool {
	return strings.HasPrefix(key.Partition, call.Partition(account, "FREE", product, ""))
}
