package inventory

import (
	"testing"

	"seatwise/shared/craft/text"
	"seatwise/shared/license/internal/record"
)

func TestPhasesOfASearch(t *testing.T) {
	h := record.Holder{UserID: "a.adams", Name: "Álice Adams", Email: "Alice@acme.test"}
	for q, want := range map[string]string{
		"ÁL": "alice acme test", "alice a": "alice acme test", "ada": "adams", "dams": "", "": "", "\u200b": "",
	} {
		if got := firstEntry(&h, text.NewQuery(q)); got != want {
			t.Errorf("%q finds %q first, want %q", q, got, want)
		}
	}
	h.Extension, h.Number = "101", "+1 656-789-1230"
	for q, want := range map[string]int{
		"10": phaseExtension, "1": phaseExtension, "１０１": phaseExtension, "1656": phaseNumber, "+1 (656)": phaseNumber,
		"test": phaseWord, "656": phaseNational, "(656) 789-1230": phaseNational, "+656": phases, "789": phases,
		"656 789 12300": phases, "": phases, "zz": phases,
	} {
		if got := phaseOf(&h, text.NewQuery(q)); got != want {
			t.Errorf("%q is found in phase %d, want %d", q, got, want)
		}
	}
}
