package purchase

import (
	"strings"
	"time"
	"unicode"

	"seatwise/shared/platform/problem"
)

// CostCenter is a code that licenses are charged to.
type CostCenter struct {
	Code      string    `json:"code"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"`
	ChangedAt time.Time `json:"changedAt"`
}

// checkCostCenterName says what is wrong with a name beyond its length.
func checkCostCenterName(name string) error {
	if strings.TrimSpace(name) != name || strings.ContainsFunc(name, unicode.IsControl) || name == "" {
		return problem.Invalid("name", "must be text without control characters that neither begins nor ends with a space")
	}
	return nil
}

// Found says whether a search finds the cost center: its code or its name begins with the text, whatever the case. An empty text finds all.
func (cc CostCenter) Found(q string) bool {
	q = strings.ToLower(q)
	return strings.HasPrefix(strings.ToLower(cc.Code), q) || strings.HasPrefix(strings.ToLower(cc.Name), q)
}
