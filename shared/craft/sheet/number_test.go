package sheet_test

import (
	"testing"

	"seatwise/shared/craft/sheet"
)

// TestNumbers gives numbers as workbooks hold them and wants them as a person sees them, and the
// mangled ones known.
func TestNumbers(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]struct {
		text    string
		mangled bool
	}{
		"6567891230":              {"6567891230", false},
		"6567891230.0":            {"6567891230", false},
		"6567891230.":             {"6567891230", false},
		"6.56789123E9":            {"6567891230", false},
		"6.56789123e+09":          {"6567891230", false},
		"6.567891230E+9":          {"6567891230", false},
		"65678912300E-1":          {"6567891230", false},
		"0.0656789123E+11":        {"6567891230", false},
		"6.57E9":                  {"6570000000", false},
		"6.57E+09":                {"6.57E+09", true},
		"6.57E+9":                 {"6.57E+9", true},
		"+5":                      {"5", false},
		"-5":                      {"-5", false},
		"00101":                   {"101", false},
		"0":                       {"0", false},
		"-0.0":                    {"0", false},
		".5":                      {"0.5", false},
		"0.05":                    {"0.05", false},
		"-12.50":                  {"-12.5", false},
		"101.00000000000001":      {"101", false},
		"0.30000000000000004":     {"0.3", false},
		"99.999999999999999":      {"100", false},
		"1.1000000000000001":      {"1.1", false},
		"123456789012345":         {"123456789012345", false},
		"1234567890123456":        {"1234567890123456", true},
		"12345678901234567890":    {"12345678901234567890", true},
		"1.2345678901234567E+19":  {"1.2345678901234567E+19", true},
		"0.12345678901234567E+19": {"0.12345678901234567E+19", true},
		"1E+300":                  {"1E+300", true},
		"1E-300":                  {"1E-300", true},
		"1.5E-7":                  {"1.5E-7", true},
		"1.23456789E-2":           {"0.0123456789", false},
	} {
		var cell sheet.Cell
		rd, err := open(inTable(`<row><c><v>`+raw+`</v></c></row>`), "a.xlsx", sheet.Limits{})
		if err != nil {
			t.Fatal(raw, err)
		}
		if err := rd.Rows(func(r sheet.Row) error { cell = r.Cells[0]; return nil }); err != nil {
			t.Fatal(raw, err)
		}
		if cell.Kind != sheet.KindNumber || cell.Text != want.text || sheet.Mangled(cell) != want.mangled {
			t.Errorf("%s gives %v %q, mangled %t", raw, cell.Kind, cell.Text, sheet.Mangled(cell))
		}
	}
	for _, raw := range []string{
		"-", "+", ".", "E5", "1E", "1E+", "1 2", "1,5", "1.5.2", "--1", "1E99999999999999999999", "INF", "١",
	} {
		refusal := refused(t, inTable(`<row><c><v>`+raw+`</v></c></row>`), "a.xlsx", sheet.Limits{})
		if refusal.Reason != sheet.ReasonValue {
			t.Errorf("%q: %v", raw, refusal)
		}
	}
}

func TestMangled(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"6.57E+09":             true,
		"6,57E+09":             true,
		" 6.57e+09 ":           true,
		"-6.57E+09":            true,
		"6E+09":                true,
		"6.57E9":               true,
		"6.57E-05":             true,
		"####":                 true,
		"#":                    false,
		"6567891230":           false,
		"1E5":                  false,
		"E+09":                 false,
		"6.57E+":               false,
		"6.57E+0900":           false,
		"6.57E+09x":            false,
		"x6.57E+09":            false,
		"--6.57E+09":           false,
		"12345678901234567890": false,
		"":                     false,
		"6.57":                 false,
	} {
		if got := sheet.Mangled(sheet.Cell{Text: text, Kind: sheet.KindText}); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
	if sheet.Mangled(sheet.Cell{Text: "6.57E+09", Kind: sheet.KindFormula}) {
		t.Error("a formula is no number")
	}
}
