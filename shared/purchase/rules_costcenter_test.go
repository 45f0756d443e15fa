package purchase

import (
	"testing"

	"seatwise/shared/craft/text"
)

func TestCostCenterIsFoundByTheBeginningOfAWord(t *testing.T) {
	cc := CostCenter{Code: "CC-1", Name: "Sales West"}
	for q, want := range map[string]bool{
		"cc":             true,
		"1":              true,
		"séles":          false,
		"ＳÁLES\u00a0 we": true,
		"wes":            true,
		"\u200b":         false,
		"est":            false,
		"CC-1":           true,
		"sales w":        true,
		"SALES":          true,
		"west":           true,
		"CC-10":          false,
	} {
		if cc.Found(text.NewQuery(q)) != want {
			t.Errorf("%q: found is not %v", q, want)
		}
	}
}
