// Package plan says what a request would do before it does it: its effects on seats, people and
// money, and a token that holds a later request to exactly these (requirements, section 12, "Dry
// run"). What the changes of a table mean is read by those who know its documents: the readers.
package plan

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"seatwise/shared/craft/money"
	"seatwise/shared/platform/table/overlay"
)

// MaxNamed is how many licenses, and how many people, are named; all are counted.
const MaxNamed = 1_000

// Effects are what a request does, or would do.
type Effects struct {
	Seats    []SeatEffect    `json:"seats" nullable:"false" doc:"The counts of each product that change."`
	Licenses []LicenseEffect `json:"licenses" nullable:"false" doc:"The licenses that change, at most 1,000. Where the server chooses one, the request itself may choose another."`
	Users    []PersonEffect  `json:"users" nullable:"false" doc:"Who gains, loses or waits, at most 1,000."`
	Counts   EffectCounts    `json:"counts" doc:"How many there are in all."`
	Money    Charges         `json:"money" doc:"What changes of the charges."`
}

// Pair is a number before and after.
type Pair [2]int64

// SeatEffect is the counts of a product before and after.
type SeatEffect struct {
	ProductID string `json:"productId"`
	Bought    Pair   `json:"bought" minItems:"2" maxItems:"2" doc:"Before and after."`
	Assigned  Pair   `json:"assigned" minItems:"2" maxItems:"2" doc:"Before and after."`
	Available Pair   `json:"available" minItems:"2" maxItems:"2" doc:"Before and after."`
	Waiting   Pair   `json:"waiting" minItems:"2" maxItems:"2" doc:"Before and after."`
}

// LicenseEffect is a license before and after.
type LicenseEffect struct {
	ID     string        `json:"id"`
	Before *LicenseState `json:"before,omitempty" doc:"Absent of a new license."`
	After  *LicenseState `json:"after,omitempty" doc:"Absent of one that goes."`
}

// LicenseState is what is said of a license.
type LicenseState struct {
	ProductID  string `json:"productId"`
	Status     string `json:"status" enum:"available,assigned,terminated" doc:"Its state."`
	UserID     string `json:"userId,omitempty"`
	Extension  string `json:"extension,omitempty"`
	CostCenter string `json:"costCenter,omitempty"`
}

// PersonEffect is what somebody gains, loses and waits for, by ids of products.
type PersonEffect struct {
	UserID string   `json:"userId"`
	Gains  []string `json:"gains" nullable:"false" doc:"What they get a license of."`
	Loses  []string `json:"loses" nullable:"false" doc:"What they hold no license of any more."`
	Waits  []string `json:"waits" nullable:"false" doc:"What they begin to wait for."`
	Stops  []string `json:"stops,omitempty" doc:"What they wait for no more, and do not get."`
}

// EffectCounts are how many licenses and people change, and how many times somebody gains, loses or begins
// to wait.
type EffectCounts struct {
	Licenses int `json:"licenses"`
	Users    int `json:"users"`
	Gains    int `json:"gains" doc:"Licenses that people get."`
	Loses    int `json:"loses" doc:"Licenses that people lose."`
	Waits    int `json:"waits" doc:"Licenses that people begin to wait for."`
}

// Charges are what changes of the money that an account owes.
type Charges struct {
	DueToday  money.Amount `json:"dueToday" doc:"Charged at once."`
	Recurring money.Amount `json:"recurring" doc:"By how much the charge of a month changes; metered licenses by the price of a whole month. A termination counts from the next billing date on."`
}

// Outcome is effects with the facts that a plan promises: who gains, loses, waits; how many licenses
// of which product and cost center there are more or less; what is charged. What the server
// chooses (a free seat, a new id), and what others do at the same time (the counts before), is no
// fact.
type Outcome struct {
	Effects
	Facts map[string]int64
}

// Nothing is the outcome of what touches no seat, person or money.
func Nothing() Outcome {
	return Outcome{
		Effects: Effects{Seats: []SeatEffect{}, Licenses: []LicenseEffect{}, Users: []PersonEffect{}},
		Facts:   map[string]int64{},
	}
}

// Add counts a fact.
func (o *Outcome) Add(fact string, n int64) {
	if o.Facts[fact] += n; o.Facts[fact] == 0 {
		delete(o.Facts, fact)
	}
}

// text is the facts, the same for the same facts.
func (o *Outcome) text() []byte {
	var text []byte
	for _, fact := range slices.Sorted(maps.Keys(o.Facts)) {
		name, _ := json.Marshal(fact) // a string can always be encoded
		text = append(text, name...)
		text = strconv.AppendInt(append(text, ':'), o.Facts[fact], 10)
		text = append(text, '\n')
	}
	return text
}

// Same says whether two outcomes promise the same.
func (o *Outcome) Same(other Outcome) bool { return maps.Equal(o.Facts, other.Facts) }

// Within says whether another outcome, of a part of what this one promises, is within it.
func (o *Outcome) Within(whole Outcome) bool {
	for fact, n := range o.Facts {
		most := whole.Facts[fact]
		if n > 0 && most < n || n < 0 && most > n {
			return false
		}
	}
	return true
}

// Scope is what readers read.
type Scope struct {
	Account string
	Changes []overlay.Change
	// Run is where they were made; nil where only the facts are wanted, and no counts.
	Run *overlay.Overlay
}

// Reader adds what it knows of the changes to an outcome.
type Reader func(ctx context.Context, in Scope, out *Outcome) error
