package directory

import "testing"

func TestNames(t *testing.T) {
	for name, good := range map[string]bool{
		"Zoë": true, "میرزا\u200cبیگی": true, "👩\u200d💻": true, "O'Neil-Smith": true,
		"":         false,
		" a":       false,
		"a ":       false,
		"a\x00b":   false,
		"\u200b":   false,
		"a\u202eb": false,
		"a\u2028b": false,
		"a\nb":     false,
		"\xff":     false,
	} {
		if got := len(checkName(name)) == 0; got != good {
			t.Errorf("%q accepted: %v", name, got)
		}
	}
}
