package purchase

import (
	"time"

	"seatwise/shared/craft/text"
	"seatwise/shared/platform/problem"
)

// CostCenter is a code that licenses are charged to.
type CostCenter struct {
	Code      string    `json:"code"`
	Name      string    `json:"name"`
	Fenced    bool      `json:"fenced" doc:"Its licenses are given to its own users only."`
	CreatedAt time.Time `json:"createdAt"`
	ChangedAt time.Time `json:"changedAt"`
}

// checkCostCenterName says what is wrong with a name.
func checkCostCenterName(name string) error {
	if fault := text.NameFault(name); fault != "" {
		return problem.Validation(problem.Named("name", fault))
	}
	return nil
}

// Found says whether a search finds the cost center: whether a word of its code or its name begins
// with it.
func (cc CostCenter) Found(q text.Query) bool { return q.InAny(cc.Code, cc.Name) }
