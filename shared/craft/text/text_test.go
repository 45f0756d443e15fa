package text_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"seatwise/infra/testing/parts"
	"seatwise/shared/craft/text"
)

func TestFold(t *testing.T) {
	for _, c := range []struct{ a, b string }{
		{"Zoë", "Zoe\u0308"},
		{"Zoë", "zoe"},
		{"Straße", "STRASSE"},
		{"STRAẞE", "strasse"},
		{"Zo\u200be", "Zoe"},
		{"\u202aZoe\u202c", "Zoe"},
		{"Zo\u00ade", "Zoe"},
		{"Zoe\u00a0Doe", "Zoe Doe"},
		{" Zoe \t  Doe\n", "Zoe Doe"},
		{"Zoe\u2800Doe", "zoe doe"},
		{"O’Neil", "O'Neil"},
		{"O´Neil", "O'Neil"},
		{"O`Neil", "O'Neil"},
		{"O\u2057Neil", "O''''Neil"},
		{"“Doe”", `"doe"`},
		{"Anne–Marie", "anne-marie"},
		{"Ｚｏｅ", "zoe"},
		{"ﬁrst", "first"},
		{"ΣΊΣΥΦΟΣ", "σίσυφος"},
		{"İstanbul", "istanbul"},
		{"ISTANBUL", "ıstanbul"},
		{"Søren Łukasz Đorđe", "soren lukasz dorde"},
		{"Ħal Ŧ ƀ ǥ ƶ ȷ ƚ ɖ ĸ", "hal t b g z j l d k"},
		{"Ægir Œuvre Þór Guðrún", "aegir oeuvre thor gudrun"},
		{"\ufffd", "\xff"},
		{"नमस्\u200dते", "नमस्ते"},
		{"a\x7fb\x01", "ab"},
		{"\u1ffd", "'"},
	} {
		if text.Fold(c.a) != text.Fold(c.b) {
			t.Errorf("%q and %q fold to %q and %q", c.a, c.b, text.Fold(c.a), text.Fold(c.b))
		}
	}
	for _, c := range []struct{ a, b string }{
		{"Zoe", "Zoé Doe"}, {"かき", "がき"}, {"हिन्दी", "हन्द"}, {"Zoe Doe", "ZoeDoe"}, {"", "-"},
	} {
		if text.Fold(c.a) == text.Fold(c.b) {
			t.Errorf("%q and %q are told apart by nothing", c.a, c.b)
		}
	}
}

// TestFoldOfEveryRune holds the folding of case against the library that knows all of Unicode; it
// is not linked, since it costs every start 0.4 ms.
func TestFoldOfEveryRune(t *testing.T) {
	full := cases.Fold()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r >= 0xd800 && r < 0xf900 || r >= 0xf0000 || unicode.Is(unicode.Unified_Ideograph, r) ||
			!unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.C) {
			continue // surrogates, private, without case, or none at all
		}
		s := string(r)
		if r%16 != 0 && unicode.Is(unicode.Lo, r) && norm.NFKD.IsNormalString(s) && !parts.Asked(parts.Long) {
			continue // letters that have no case and are made of nothing else; one of sixteen will do
		}
		again := norm.NFKC.String(full.String(norm.NFKD.String(s)))
		if got, want := text.Email(s), text.Email(again); got != want {
			t.Errorf("%U: e-mail %q, want that of %q: %q", r, got, again, want)
		}
		// Accents that stand alone are typed for an apostrophe, and have no case.
		if got, want := text.Fold(s), text.Fold(again); got != want && !strings.ContainsRune("´\u1ffd", r) {
			t.Errorf("%U: fold %q, want that of %q: %q", r, got, again, want)
		}
		for _, other := range []string{strings.ToUpper(s), strings.ToLower(s), strings.ToTitle(s)} {
			// ı and İ are told apart in addresses, as case folding does.
			if r != 'ı' && r != 'İ' && text.Email(s) != text.Email(other) {
				t.Errorf("%q and %q are two addresses", s, other)
			}
		}
		fold := text.Fold(s)
		if text.Fold(fold) != fold || norm.NFKC.String(fold) != fold {
			t.Errorf("%U: fold of %q is %q", r, fold, text.Fold(fold))
		}
	}
}

func TestEmail(t *testing.T) {
	for _, same := range [][2]string{
		{"Zoe@Acme.test", "ZOE@ACME.TEST"},
		{"zoë@x.test", "ZOE\u0308@x.test"},
		{"ｚoe@x.test", "zoe@x.test"},
		{"STRASSE@x", "straße@x"},
	} {
		if text.Email(same[0]) != text.Email(same[1]) {
			t.Errorf("%q and %q are two", same[0], same[1])
		}
	}
	for _, two := range [][2]string{{"zoë@x.test", "zoe@x.test"}, {"o'neil@x", "o’neil@x"}, {"ø@x", "o@x"}} {
		if text.Email(two[0]) == text.Email(two[1]) {
			t.Errorf("%q and %q are one", two[0], two[1])
		}
	}
}

func TestEmailFault(t *testing.T) {
	for email, want := range map[string]string{
		"zoe@x.test": "", "zoë@x.test": "", strings.Repeat("a", 254): "", strings.Repeat("a", 255): "254 bytes",
		"zoe\u200b@x.test": "nobody sees", "zoe\x00@x.test": "control",
	} {
		if fault := text.EmailFault(email); !strings.Contains(fault, want) || (fault == "") != (want == "") {
			t.Errorf("%+q: %q, want %q", email, fault, want)
		}
	}
}

func TestClean(t *testing.T) {
	for s, want := range map[string]string{
		"Zoe Doe":               "Zoe Doe",
		" Zoe\u00a0\u00a0Doe ":  "Zoe Doe",
		"\ufeffZoe\u200b\u00ad": "Zoe",
		"\u202aJohn\u202c":      "John",
		"e\u200b\u0308":         "ë",
		"O’Neil ß":              "O’Neil ß",
		"a\ufe0f\u200d♂":        "a♂",
		"👩🏽\u200d🚒 ok":          "👩🏽\u200d🚒 ok",
		"می\u200cخواهم":         "می\u200cخواهم",
		"a\u2800b":              "a b",
		"a\tb\r\nc":             "a b c",
		"1\ufe0f\u20e3 x":       "1\ufe0f\u20e3 x",
		"O`Neil":                "O`Neil",
		"\u200b":                "",
		"葛\U000e0100城":          "葛\U000e0100城",
		"\xff":                  "\ufffd",
		"A\u0301 \u2028b":       "Á b",
		"☎\ufe0e\ufe0f":         "☎\ufe0e",
		"❤\ufe0f\u200d🔥 \u2764\u200d\u2800x": "❤\ufe0f\u200d🔥 ❤ x",
	} {
		if got := text.Clean(s); got != want {
			t.Errorf("%+q is cleaned to %+q, want %+q", s, got, want)
		}
	}
}

func TestNameFault(t *testing.T) {
	for _, name := range []string{
		"Zoe", "Zoë", "Zoe\u0308", "O’Neil", "Sales & Co. <x>", "山田太郎", "می\u200cخواهم", "क्\u200dष", "👩🏽\u200d🚒",
		"👨\u200d👩\u200d👧", "❤\ufe0f\u200d🔥", "☎\ufe0e x", "1\ufe0f\u20e3", "#\ufe0f\u20e3",
		"\U0001fadf x", "\U0001faff", "葛\U000e0100城", "a\u00a0b", "a  b", strings.Repeat("ë", 200),
		"\u0600\u0661\u0662", "‼\ufe0f", "〰\ufe0f", "↔\ufe0f",
	} {
		if fault := text.NameFault(name); fault != "" {
			t.Errorf("%+q %s", name, fault)
		}
	}
	for name, want := range map[string]string{
		"":                       "must not be empty",
		" a":                     "begin or end with a space",
		"a\u00a0":                "begin or end with a space",
		"\u3000":                 "begin or end with a space",
		strings.Repeat("ë", 201): "at most 200 characters",
		"a\u202eb":               "direction of writing; character 2 is U+202E",
		"\u200b":                 "nobody sees",
		"a\u2028b":               "control characters; character 2 is U+2028",
		"a\u2029b":               "control characters",
		"a\nb":                   "control characters",
		"a\x7fb":                 "control characters",
		"a\u0085b":               "control characters",
		"Zo\u00ade":              "nobody sees",
		"\u2066a\u2069":          "nobody sees",
		"\u061ca":                "nobody sees",
		"a\ufeff":                "nobody sees",
		"\u3164":                 "nobody sees",
		"\uffa0x":                "nobody sees",
		"a\u115fb":               "nobody sees",
		"a\u034fb":               "nobody sees",
		"a\u200db":               "nobody sees",
		"می\u200c":               "nobody sees",
		"\u200cمی":               "nobody sees",
		"Zoe\u200cé":             "nobody sees",
		"a\ufe0f":                "nobody sees",
		"1\ufe0f":                "nobody sees",
		"☎\u200d":                "nobody sees",
		"♂\u200da":               "nobody sees",
		"♂\u200cx♂\u200c♂":       "nobody sees",
		"a\U000e0041":            "nobody sees",
		"\u2800":                 "nobody sees",
		"x\u2800y":               "nobody sees",
		"\u20e3":                 "accents alone",
		"\ufffe":                 "control characters",
		"\ufdd0":                 "control characters",
		"a\xff":                  "must be UTF-8",
		"\uf8ff":                 "private use",
		"a\U000f0000":            "private use",
		"a\U0010fffd":            "private use",
		"a\u0378":                "not assigned yet); character 2 is U+0378",
		"\U000e0100a":            "nobody sees",
		"e\u0301\u200c\u0301":    "nobody sees",
	} {
		if fault := text.NameFault(name); !strings.Contains(fault, want) || fault == "" {
			t.Errorf("%+q: %q, want %q", name, fault, want)
		}
	}
}

func TestNamesOfFiles(t *testing.T) {
	for name, ok := range map[string]bool{
		"phones.csv": true, `C:\Users\ada\phones.csv`: true, "x/y/phones.csv": true, "a\u202ecsv.exe": false, "": false,
		"x/": false, "\u202e/phones.csv": true, "tab\t.csv": false,
		"/": false, "/phones.csv": true, "delete\x7f.csv": false,
	} {
		if got := text.FileNameFault(name) == ""; got != ok {
			t.Errorf("%+q: %v", name, got)
		}
	}
	for name, ok := range map[string]bool{
		"2026/phones.csv": true, "2026//phones.csv": false, "\u202e/phones.csv": false, "a/\u200b": false,
		"phones.csv": true,
	} {
		if got := text.PathFault(name) == ""; got != ok {
			t.Errorf("%+q: %v", name, got)
		}
	}
}

func TestNumbers(t *testing.T) {
	for number, digits := range map[string]string{
		"16567891230": "16567891230", "+1 656-789-1230": "16567891230", "(656) 789-1200": "6567891200",
		"６５６７８９１２３０": "6567891230", "＋1 656 789 1230": "16567891230",
		"656.789.1230": "6567891230", "+33 6 12 34 56 78": "33612345678", "06/12 34 56": "06123456",
		"656\u00a0789\u20111230": "6567891230", "911": "911", "+1 (656) 789-1230": "16567891230",
		"123456789012345": "123456789012345", "+ 1 656 789": "1656789",
		strings.Repeat("\uff11", 15):     strings.Repeat("1", 15),
		strings.Repeat("\U0001d7cf", 15): strings.Repeat("1", 15), "(20) 7946": "207946", "+(20)7946": "207946",
	} {
		if fault := text.NumberFault(number); fault != "" {
			t.Errorf("%q %s", number, fault)
		}
		if got := text.Digits(number); got != digits {
			t.Errorf("%q is %q", number, got)
		}
	}
	for number, want := range map[string]string{
		"":                                      "3 to 15 digits",
		"12":                                    "3 to 15 digits",
		"1234567890123456":                      "3 to 15 digits",
		"656-789-1200 x101":                     "extension do not belong",
		"1-800-FLOWERS":                         "letters",
		"٦٥٦٧٨٩":                                "digits 0 to 9",
		"+49 (0) 30 123456":                     "without (0)",
		"6567891230.0":                          "stands alone",
		"-6567891230":                           "must begin with",
		" 656789":                               "must begin with",
		"/656789":                               "must begin with",
		"+-656789":                              "must begin with",
		strings.Repeat("\uff11 ", 16) + "12":    "at most 32 characters",
		"1" + strings.Repeat(" ", 31) + "12":    "at most 32 characters",
		strings.Repeat("\u2488", 16) + "12":     "at most 32 characters", // 1. is one character before it is folded
		"1 " + strings.Repeat("- ", 200) + "23": "at most 32 characters",
		"656+789":                               "at its beginning",
		"++656789":                              "at its beginning",
		"(656 789":                              "not closed",
		"656) 789":                              "round brackets between",
		"()656789":                              "round brackets between",
		"((656) 789":                            "round brackets between",
		"656*789":                               "round brackets between",
		"656-789-":                              "end with a digit",
		"(656789)":                              "end with a digit",
		"+":                                     "end with a digit",
		"\u202a656789\u202c":                    "nobody sees",
		"656\t789":                              "control",
		"656789\xff":                            "UTF-8",
		"656" + strings.Repeat(" ", 30) + "789": "at most 32 characters",
	} {
		if fault := text.NumberFault(number); !strings.Contains(fault, want) {
			t.Errorf("%q: %q, want %q", number, fault, want)
		}
	}
	if fault := text.NumberFault(strings.Repeat("６", 43)); !strings.Contains(fault, "at most 32") {
		t.Errorf("a long number %q", fault)
	}
	if text.NumberFault("6"+strings.Repeat("\u3000", 14)+"1 234") != "" {
		t.Error("a number of 20 characters is refused")
	}
	if text.NumberFault("656"+strings.Repeat(" ", 26)+"789") != "" {
		t.Error("a number of 32 characters is refused")
	}
	if text.Digits("1-800-FLOWERS") != "" {
		t.Error("what is no number has digits")
	}
}

func TestExtensions(t *testing.T) {
	for s, ok := range map[string]bool{
		"1": true, "007": true, "1234567890": true, "12345678901": false, "": false, "front-desk": false, "1 2": false,
		"１０１": false, "+1": false, "1/": false, "1:": false, "09": true,
	} {
		if text.Extension(s) != ok {
			t.Errorf("%q: %v", s, !ok)
		}
	}
}

func TestQueries(t *testing.T) {
	for _, c := range []struct {
		q, in string
		found bool
	}{
		{"adams", "Alice Adams", true},
		{"ADA", "Alice Adams", true},
		{"alice ad", "Alice  Adams", true},
		{"belmont", "Sales Belmont", true},
		{"marie", "Anne-Marie", true},
		{"neil", "Seán O’Neil", true},
		{"o'n", "Seán O’Neil", true},
		{"sean", "Seán O’Neil", true},
		{"adams@ac", "alice.adams@acme.test", true},
		{"test", "alice.adams@acme.test", true},
		{"STRASSE", "Große Straße", true},
		{"stras", "Straße", true},
		{"dams", "Alice Adams", false},
		{"alice dams", "Alice Adams", false},
		{"adams alice", "Alice Adams", false},
		{"", "Alice", false},
		{"  ", "Alice", false},
		{"★", "★★★", true},
		{"#", "###", true},
		{"#", "x#", false},
		{"हि", "हिन्दी", true},
		{strings.Repeat("a", 300), strings.Repeat("a", 301), true},
	} {
		if got := text.NewQuery(c.q).In(c.in); got != c.found {
			t.Errorf("%q in %q: %v", c.q, c.in, got)
		}
		if got := text.NewQuery(c.q).InAny("zz", c.in); got != c.found {
			t.Errorf("%q in zz or %q: %v", c.q, c.in, got)
		}
	}
	if !text.NewQuery(" \u200b").Empty() || text.NewQuery("-").Empty() {
		t.Error("what is empty is not what nobody sees")
	}
	for q, want := range map[string]string{
		"+1 (656": "1656", "１０": "10", "0": "0", "9": "9", "a1": "", "1a": "", "": "", "1#": "", "--": "",
	} {
		if got := text.NewQuery(q).Digits(); got != want {
			t.Errorf("%q looks for the digits %q", q, got)
		}
	}
	for _, c := range []struct {
		q, number string
		found     bool
	}{
		{"656", "(656) 789-1200", true},
		{"+1 656", "16567891230", true},
		{"789", "6567891200", false},
		{"-", "656789", false},
		{"x", "656789", false},
	} {
		if got := text.NewQuery(c.q).InNumber(c.number); got != c.found {
			t.Errorf("%q in the number %q: %v", c.q, c.number, got)
		}
	}
}

func TestNumberBehindItsCountryCode(t *testing.T) {
	for _, c := range []struct {
		q, number string
		found     bool
	}{
		{"656-789-1230", "+1 656-789-1230", true},
		{"656", "16567891230", true},
		{"(656) 7", "1 (656) 789-1230", true},
		{"1656", "+1 656-789-1230", false}, // which is found from its beginning
		{"+656", "+1 656-789-1230", false},
		{"656", "+165", false},
		{"656", "+1656789123", false},
		{"656", "+16567891230555", false},
		{"65678912305", "+1 656-789-1230", false},
		{"20", "+44 20 7946 0958", false},
		{"", "+1 656-789-1230", false},
		{"x", "+1 656-789-1230", false},
	} {
		if got := text.NewQuery(c.q).InNational(c.number); got != c.found {
			t.Errorf("%q in the number %q behind its country code: %v", c.q, c.number, got)
		}
	}
}

func TestEntries(t *testing.T) {
	got := text.Entries(6, "Alice Adams", "alice", "alice.adams@acme.test", "")
	if want := []string{"acme test", "adams acme test", "alice adams acme test", "test"}; !slices.Equal(got, want) {
		t.Errorf("entries %q, want %q", got, want)
	}
	if got, want := text.Entries(3, "a b c d e"), []string{"a b c d e", "b c d e", "e"}; !slices.Equal(got, want) {
		t.Errorf("entries %q, want %q", got, want)
	}
	long := text.Entries(1, strings.Repeat("ë", 1000))
	if len(long) != 1 || len(long[0]) != 256 {
		t.Errorf("an entry of a long name is %q", long)
	}
	if cut := text.Entries(1, "a"+strings.Repeat("山", 1000)); len(cut[0]) != 256 || !strings.HasSuffix(cut[0], "山") {
		t.Errorf("an entry is cut within a character: %q", cut)
	}
}

// hostile draws texts of what people and machines write.
func hostile() *rapid.Generator[string] {
	special := []rune(
		"aAzZ09 '’`´-–.@#+()/ßẞſıİøÆΣσςάᾳ\u0345\u0300\u0301\u0308\u0327\u200b\u200c\u200d\u202e\u00ad\u00a0\u2800\ufe0f\ufe0e\u20e3\u3099かが한글م\u0650ी्क👩🏽🚒♂☎\U000e0100\u2028\x00\x7f\t\n\ufffd\ufdfaǰŉ\u1ffd\u2057",
	)
	return rapid.OneOf(
		rapid.StringOfN(rapid.SampledFrom(special), 0, 40, -1), rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 30), func(b []byte) string { return string(b) }),
	)
}

func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { properties(t, hostile().Draw(t, "a"), hostile().Draw(t, "b")) })
}

func FuzzText(f *testing.F) {
	for _, s := range []string{
		"Zoë", "Zoe\u0308", "a\u202eb", "\u200b", "STRASSE", "O’Neil", "+1 656-789-1230", "６５６", "👩🏽\u200d🚒",
		"می\u200cخواهم", "\xff", "###", "\u2800", "\ufdfa", "ᾳ\u0345",
	} {
		f.Add(s, "Zoe")
	}
	f.Fuzz(func(t *testing.T, a, b string) { properties(t, a, b) })
}

// properties must hold for any two texts.
func properties(t interface {
	Fatalf(format string, args ...any)
}, a, b string,
) {
	fold, clean := text.Fold(a), text.Clean(a)
	for name, got := range map[string][2]string{
		"the fold of a fold":           {text.Fold(fold), fold},
		"the fold of what is cleaned":  {text.Fold(clean), fold},
		"the fold of NFD":              {text.Fold(norm.NFD.String(a)), fold},
		"the fold of what is unseen":   {text.Fold(strings.Join(strings.Split(strings.ToValidUTF8(a, "\ufffd"), ""), "\u200b")), fold},
		"what is cleaned twice":        {text.Clean(clean), clean},
		"the composed form":            {norm.NFC.String(clean), clean},
		"the key of an address's key":  {text.Email(text.Email(a)), text.Email(a)},
		"the digits of digits":         {text.Digits(text.Digits(a)), text.Digits(a)},
		"the digits of what is spaced": {text.Digits(clean), digitsIfSeen(a, clean)},
	} {
		if got[0] != got[1] {
			t.Fatalf("%s of %+q: %+q, want %+q", name, a, got[0], got[1])
		}
	}
	if fault := text.NameFault(
		clean,
	); fault != "" && !strings.Contains(fault, "empty") && !strings.Contains(fault, "200") &&
		!strings.Contains(fault, "control") &&
		!strings.Contains(fault, "accents") && !strings.Contains(fault, "meaning of their own") {
		t.Fatalf("%+q, cleaned, %s", a, fault)
	}
	if text.NameFault(a) == "" && (fold == "" || clean == "") {
		t.Fatalf("nobody sees the name %+q", a)
	}
	if text.Extension(a) && (text.Digits(a) != a || text.Fold(a) != a) {
		t.Fatalf("%q is more than digits", a)
	}
	if text.NumberFault(a) == "" {
		if n := len(text.Digits(a)); n < text.MinDigits || n > text.MaxDigits {
			t.Fatalf("%q has %d digits", a, n)
		}
		if !text.NewQuery(a).InNumber(text.Digits(a)) {
			t.Fatalf("the number %q does not find itself", a)
		}
		if d := text.Digits(a); len(d) == 11 && d[0] == '1' && !text.NewQuery(d[1:]).InNational(a) {
			t.Fatalf("the number %q is not found without its country code", a)
		}
	}
	// What a query finds in a text, and what begins with it among the entries, is the same; but for
	// a text of many words.
	query, entries := text.NewQuery(b), text.Entries(1000, a)
	begins := slices.ContainsFunc(
		entries,
		func(e string) bool { return !query.Empty() && strings.HasPrefix(e, query.Prefix()) },
	)
	if begins != query.In(a) {
		t.Fatalf("%+q in %+q: %v, by its entries %q: %v", b, a, query.In(a), entries, begins)
	}
	if query.In(a) != text.NewQuery(fold2(b)).In(fold2(a)) {
		t.Fatalf("%+q in %+q is found by its form", b, a)
	}
	words := text.Words(a)
	for i, word := range words {
		for end := range word {
			if part := word[:end]; part != "" && text.Fold(part) == part &&
				!strings.HasPrefix(word, text.NewQuery(part).Prefix()) {
				t.Fatalf("word %d of %+q is not found by %+q", i, a, part)
			}
		}
	}
	if !slices.IsSorted(entries) ||
		slices.ContainsFunc(entries, func(e string) bool { return e == "" || len(e) > 256 }) {
		t.Fatalf("entries of %+q: %q", a, entries)
	}
}

// fold2 is a fold in another form.
func fold2(s string) string { return norm.NFD.String(text.Fold(s)) }

// digitsIfSeen are the digits of a text, or of what is left of it when something unseen was taken
// away.
func digitsIfSeen(a, clean string) string {
	if d := text.Digits(a); d != "" {
		return d
	}
	return text.Digits(clean)
}

func ExampleFold() {
	fmt.Println(text.Fold("STRASSE 7 "), text.Fold("Straße\u00a0 7"))
	// Output: strasse 7 strasse 7
}

// TestInvisible holds what is looked at first against the tables of Unicode: nothing of what has no
// module in them is invisible.
func TestInvisible(t *testing.T) {
	for r := rune(0x20); r <= unicode.MaxRune; r++ {
		ignorable := unicode.In(
			r,
			unicode.Cf,
			unicode.Other_Default_Ignorable_Code_Point,
			unicode.Variation_Selector,
		) &&
			!unicode.Is(unicode.Prepended_Concatenation_Mark, r)
		if fault := text.NameFault(
			"a" + string(r) + "b",
		); ignorable != strings.Contains(fault, "nobody sees") && r != '\u2800' &&
			r != '\ufffd' {
			t.Errorf("%U: %q", r, fault)
		}
	}
}

// What is left as it is for being composed already is what the library calls so, between any two
// neighbors of its kind.
func TestComposed(t *testing.T) {
	last := 'a'
	for r := rune(0x21); r < 0x20000; r++ {
		if s := string(
			[]rune{last, r},
		); utf8.ValidString(s) && !unicode.IsControl(r) &&
			text.Clean(s) != norm.NFC.String(text.Clean(s)) {
			t.Fatalf("%U behind %U is not composed", r, last)
		}
		if r < 0x300 || r >= 0x3400 {
			last = r
		}
	}
}
