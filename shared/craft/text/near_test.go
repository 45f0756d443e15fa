package text_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"seatwise/shared/craft/text"
)

func TestNearest(t *testing.T) {
	known := []string{
		"device_ip_phone", "device_web_rtc", "device_mobile_app", "team_chat", "SALES", "CC-1", "CC-2", "é",
	}
	for said, want := range map[string]string{
		"device_ip_phone":  "device_ip_phone",
		"device_ip_fone":   "device_ip_phone", // one missing, one other
		"devcie_ip_phone":  "device_ip_phone", // two swapped
		"device_ip_phones": "device_ip_phone",
		"TEAM_CHAT":        "team_chat",
		"tema_hcat":        "team_chat",
		"taem_htac":        "", // three slips
		"sales":            "SALES",
		"sale":             "SALES",
		"sal":              "",
		"CC-3":             "", // as near to CC-1 as to CC-2
		"cc-1":             "CC-1",
		"e":                "é",
		"x":                "",
		"":                 "",
		"nothing like it":  "",
	} {
		if got := text.Nearest(said, slices.Values(known)); got != want {
			t.Errorf("%q is taken for %q, want %q", said, got, want)
		}
	}
}

// One slip in a text of six letters or more finds it again among texts that are far from it.
func TestNearestFindsASlip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		is := []rune(rapid.StringMatching(`[a-f]{6,12}`).Draw(t, "is"))
		said, at := slices.Clone(is), rapid.IntRange(0, len(is)-2).Draw(t, "at")
		switch rapid.IntRange(0, 3).Draw(t, "slip") {
		case 0:
			said = slices.Delete(said, at, at+1)
		case 1:
			said = slices.Insert(said, at, 'z')
		case 2:
			said[at] = 'z'
		case 3:
			said[at], said[at+1] = said[at+1], said[at]
		}
		known := []string{"0123456789", string(is), "zzzzzzzzzzzzzzzz"}
		if len(said) >= 6 && text.Nearest(string(said), slices.Values(known)) != string(is) {
			t.Errorf("%q is not taken for %q", string(said), string(is))
		}
	})
}
