package catalogfile_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"seatwise/shared/catalog"
	"seatwise/shared/catalog/catalogfile"
	"seatwise/shared/craft/money"
)

// The table of requirements, section 2, word for word: id, kind and name of every product it names.
func TestEveryProductOfTheSpec(t *testing.T) {
	c := catalog.Default()
	named := map[string]bool{}
	for _, want := range []struct {
		id       string
		kind     catalog.Kind
		name     string
		category string
	}{
		{"live-reports", catalog.Seat, "Live Reports", "Analytics"},
		{"call-queue-booster", catalog.Seat, "Call Queue Booster", "Analytics"},
		{"phone-system", catalog.Base, "Phone System", "Phone"},
		{"auto-attendant", catalog.Base, "Auto Attendant", "Phone"},
		{"call-group", catalog.Base, "Call Group", "Phone"},
		{"developer", catalog.Base, "Developer", "Phone"},
		{"call_recording", catalog.AddOn, "Call Recording", "Phone"},
		{"device_desktop_app", catalog.AddOn, "Desktop", "Phone"},
		{"license_dnc_checking_enabled", catalog.AddOn, "DNC", "Phone"},
		{"device_ip_phone", catalog.AddOn, "IP Phone", "Phone"},
		{"device_mobile_app", catalog.AddOn, "Mobile", "Phone"},
		{"device_web_rtc", catalog.AddOn, "Web Phone", "Phone"},
		{"license_number", catalog.AddOn, "Number", "Phone"},
		{"team_chat", catalog.AddOn, "Team Chat", "Phone"},
		{"license_call_recording_unlimited_enabled", catalog.AddOn, "Unlimited Call Recording Storage", "Phone"},
		{"essential-user", catalog.Metered, "Essential User", "Users"},
		{"professional-user", catalog.Metered, "Professional User", "Users"},
		{"agent-user", catalog.Metered, "Agent User", "Users"},
		{"client-desktop", catalog.Metered, "Desktop Client", "Clients"},
		{"client-crm", catalog.Metered, "CRM Client", "Clients"},
		{"reports-supervisor", catalog.Metered, "Reports Supervisor", "Supervisor"},
		{"insights-supervisor", catalog.Metered, "Insights Supervisor", "Supervisor"},
		{"analytics-supervisor", catalog.Metered, "Analytics Supervisor", "Supervisor"},
		{"live-analytics-supervisor", catalog.Metered, "Live Analytics Supervisor", "Supervisor"},
		//nolint:misspell // The spec spells it so.
		{"contact-centre-supervisor", catalog.Metered, "Contact Centre Supervisor", "Supervisor"},
		{"wallboard", catalog.Metered, "Wallboard", "Devices"},
	} {
		named[want.id] = true
		p, ok := c.Lookup(want.id)
		if !ok {
			t.Errorf("%s is missing", want.id)
			continue
		}
		if p.Kind != want.kind || p.Name != want.name || p.Category != want.category {
			t.Errorf("%s: got %s, %q, %s", want.id, p.Kind, p.Name, p.Category)
		}
		if p.Purchasable() != (want.kind != catalog.Metered) {
			t.Errorf("%s: purchasable is %v", want.id, p.Purchasable())
		}
		if want.kind == catalog.AddOn {
			if p.Base != catalog.PhoneSystemID || p.Code != want.id ||
				!slices.Equal(p.Requires, []string{catalog.PhoneSystemID}) {
				t.Errorf("%s: base %q, code %q, requires %v", want.id, p.Base, p.Code, p.Requires)
			}
			if byCode, ok := c.ByCode(want.id); !ok || byCode.ID != want.id {
				t.Errorf("%s: not found by its code", want.id)
			}
		}
		for _, currency := range []string{"USD", "EUR", "GBP"} {
			price, ok := p.UnitPrice(currency)
			if !ok || price.Minor <= 0 || price.Currency != currency {
				t.Errorf("%s: price in %s is %v, %v", want.id, currency, price, ok)
			}
			if same, err := c.Price(want.id, currency); err != nil || same != price {
				t.Errorf("%s: Price says %v, %v", want.id, same, err)
			}
		}
	}
	for p := range c.All() {
		if !named[p.ID] {
			t.Errorf("%s is not in the table: enter it here, and in requirements, section 2", p.ID)
		}
	}
	if got := len(c.AddOns(catalog.PhoneSystemID)); got != 9 {
		t.Errorf("Phone System has %d add-ons, want 9", got)
	}
}

func TestRulesOfTheSpec(t *testing.T) {
	c := catalog.Default()
	get := func(id string) catalog.Product {
		t.Helper()
		p, ok := c.Lookup(id)
		if !ok {
			t.Fatalf("%s is missing", id)
		}
		return p
	}
	if p := get(catalog.CallQueueBoosterID); !slices.Equal(p.Includes, []string{catalog.LiveReportsID}) {
		t.Errorf("call-queue-booster includes %v", p.Includes)
	}
	if p := get(catalog.LiveReportsID); !slices.Equal(p.CoveredBy, []string{catalog.CallQueueBoosterID}) {
		t.Errorf("live-reports is covered by %v", p.CoveredBy)
	}
	if !get(catalog.PhoneSystemID).Extension || get("developer").Extension {
		t.Error("phone-system, and no other base, is tied to an extension")
	}
	if p := get("essential-user"); !slices.Equal(p.Excludes, []string{"professional-user"}) {
		t.Errorf("essential-user excludes %v", p.Excludes)
	}
	if p := get("professional-user"); !slices.Equal(p.Excludes, []string{"essential-user"}) {
		t.Errorf("professional-user excludes %v", p.Excludes)
	}
	if p := get(catalog.AgentUserID); !slices.Equal(p.Requires, []string{"essential-user", "professional-user"}) ||
		!slices.Equal(p.Sources, []string{"manual", "pbx"}) {
		t.Errorf("agent-user requires %v, sources %v", p.Requires, p.Sources)
	}
	if p := get("client-crm"); !slices.Equal(p.Requires, []string{"client-desktop"}) {
		t.Errorf("client-crm requires %v", p.Requires)
	}
	if p := get(catalog.WallboardID); !slices.Equal(p.Devices, []string{"analytics", "live-analytics"}) {
		t.Errorf("wallboard has devices %v", p.Devices)
	}
	supervisors := c.Counted(catalog.Supervisor)
	if len(supervisors) != 5 {
		t.Fatalf("%d supervisors, want 5", len(supervisors))
	}
	for _, p := range supervisors {
		if len(p.Excludes) != 4 || slices.Contains(p.Excludes, p.ID) {
			t.Errorf("%s excludes %v, want the four others", p.ID, p.Excludes)
		}
	}
	for group, want := range map[catalog.Group]int{
		catalog.Users:       3,
		catalog.Clients:     2,
		catalog.Devices:     1,
		catalog.LiveReports: 2,
	} {
		if got := len(c.Counted(group)); got != want {
			t.Errorf("%d products count as %s, want %d", got, group, want)
		}
	}
}

func TestSelect(t *testing.T) {
	c := catalog.Default()
	all := c.Products()
	if got := c.Select("", ""); len(got) != len(all) || got[0].ID != all[0].ID {
		t.Errorf("no filter selects %d of %d", len(got), len(all))
	}
	if got := ids(c.Select("Analytics", "")); !slices.Equal(got, []string{"live-reports", "call-queue-booster"}) {
		t.Errorf("Analytics: %v, want the file's order", got)
	}
	got := ids(c.Select("Phone", catalog.Base))
	if !slices.Equal(got, []string{"phone-system", "auto-attendant", "call-group", "developer"}) {
		t.Errorf("bases of Phone: %v", got)
	}
	if got := c.Select("Nothing", ""); len(got) != 0 {
		t.Errorf("an unknown category selects %v", ids(got))
	}
	if got := len(c.Purchasable()); got != 15 {
		t.Errorf("%d products can be bought, want 15", got)
	}
	if _, ok := c.Lookup("LIVE-REPORTS"); ok {
		t.Error("ids are compared exactly")
	}
	if _, err := c.Price("live-reports", "JPY"); err == nil {
		t.Error("a price in a currency that the catalog does not have")
	}
	if _, err := c.Price("no-such", "USD"); err == nil {
		t.Error("a price of no product")
	}
	// What a caller does with its copy is no concern of the next.
	all[0].Name = "changed"
	if again := c.Products(); again[0].Name == "changed" {
		t.Error("Products hands out the catalog's own slice")
	}
}

func embedded(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../catalog.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Requirements, section 2: a new product needs no code change. Five of them, one of each kind and
// one in a category and a group of its own, are added to the text alone; all that the other modules
// ask of a catalog then knows them.
func TestANewProductNeedsNoCodeChange(t *testing.T) {
	text := strings.Replace(embedded(t), "Supervisor, Devices]", "Supervisor, Devices, Rooms]", 1) + `
  - id: fax-line
    name: Fax Line
    category: Rooms
    kind: base
    unitPrice: {USD: 700, EUR: 650, GBP: 560}
  - id: fax_archive
    name: Fax Archive
    category: Rooms
    kind: addOn
    code: fax_archive_enabled
    base: fax-line
    unitPrice: {USD: 100, EUR: 90, GBP: 80}
  - id: voice-insight
    name: Voice Insight
    category: Analytics
    kind: seat
    includes: [live-reports, call-queue-booster]
    excludes: [developer]
    unitPrice: {USD: 9000, EUR: 8300, GBP: 7200}
    countsAs: {group: liveReports, label: Voice Insight}
  - id: room-panel
    name: Room Panel
    category: Devices
    kind: metered
    devices: [door, table]
    unitPrice: {USD: 400, EUR: 370, GBP: 320}
    countsAs: {group: devices, label: Room Panels}
  - id: kiosk-user
    name: Kiosk User
    category: Users
    kind: metered
    oneOf: user
    unitPrice: {USD: 500, EUR: 460, GBP: 400}
    countsAs: {group: users, label: Kiosk Users}
`
	c, err := catalogfile.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if c.Version() == catalog.Default().Version() {
		t.Error("another catalog has the same version")
	}
	if got := ids(c.Select("Rooms", "")); !slices.Equal(got, []string{"fax-line", "fax_archive"}) {
		t.Errorf("Rooms: %v", got)
	}
	if got := ids(c.AddOns("fax-line")); !slices.Equal(got, []string{"fax_archive"}) {
		t.Errorf("add-ons: %v", got)
	}
	if p, ok := c.ByCode("fax_archive_enabled"); !ok || p.ID != "fax_archive" {
		t.Errorf("by its code: %v, %v", p.ID, ok)
	}
	if got, want := len(c.Purchasable()), len(catalog.Default().Purchasable())+3; got != want {
		t.Errorf("%d can be bought, want %d", got, want)
	}
	if p, _ := c.Lookup("live-reports"); !slices.Equal(p.CoveredBy, []string{"call-queue-booster", "voice-insight"}) {
		t.Errorf("live-reports is covered by %v", p.CoveredBy)
	}
	if p, _ := c.Lookup("developer"); !slices.Equal(p.Excludes, []string{"voice-insight"}) {
		t.Errorf("an exclusion works both ways; developer excludes %v", p.Excludes)
	}
	if p, _ := c.Lookup("essential-user"); !slices.Equal(p.Excludes, []string{"professional-user", "kiosk-user"}) {
		t.Errorf("essential-user excludes %v", p.Excludes)
	}
	if got := ids(c.Counted(catalog.Devices)); !slices.Equal(got, []string{"wallboard", "room-panel"}) {
		t.Errorf("devices: %v", got)
	}
	if price, err := c.Price("voice-insight", "GBP"); err != nil || price != money.Of(7200, "GBP") {
		t.Errorf("price: %v, %v", price, err)
	}
}

// A small catalog to spoil; the lines that the table below names are lines of this text.
const sound = `currencies: [USD, EUR]
categories: [Phone, Users]
products:
  - id: seat-a
    name: Seat A
    category: Phone
    kind: seat
    unitPrice: {USD: 100, EUR: 90}
  - id: base-a
    name: Base A
    category: Phone
    kind: base
    unitPrice: {USD: 100, EUR: 90}
  - id: add-a
    name: Add A
    category: Phone
    kind: addOn
    base: base-a
    unitPrice: {USD: 100, EUR: 90}
  - id: user-a
    name: User A
    category: Users
    kind: metered
    oneOf: user
    unitPrice: {USD: 100, EUR: 90}
    countsAs: {group: users, label: As}
  - id: user-b
    name: User B
    category: Users
    kind: metered
    oneOf: user
    unitPrice: {USD: 100, EUR: 90}
    countsAs: {group: users, label: Bs}
`

func TestABadCatalogSaysWhichLine(t *testing.T) {
	if _, err := catalogfile.Parse([]byte(sound)); err != nil {
		t.Fatalf("the sound catalog: %v", err)
	}
	for _, c := range []struct {
		name     string
		old, new string // one replacement in the sound text
		line     int
		says     string
	}{
		{"an unknown field", "    name: Seat A", "    title: Seat A", 5, `unknown field "title"`},
		{"an unknown field at the top", "categories:", "sections: [X]\ncategories:", 2, `unknown field "sections"`},
		{
			"an unknown field within", "{group: users, label: Bs}", "{group: users, label: Bs, max: 3}", 33,
			`unknown field "max"`,
		},
		{"a repeated field", "    name: Seat A", "    name: Seat A\n    name: Seat B", 6, "already defined"},
		{"a missing field", "    name: Base A\n", "", 9, "must have name"},
		{"a duplicate id", "- id: user-b", "- id: seat-a", 27, `duplicate id "seat-a": line 4`},
		{"an id in capitals", "- id: user-b", "- id: User-B", 27, "lower-case"},
		{"an id that is a number", "- id: user-b", "- id: 17", 27, "must be text"},
		{"an empty name", "    name: Base A", "    name: ''", 10, "name must be 1 to 100"},
		{"an unknown category", "    category: Users\n    kind: metered\n    oneOf: user\n    unitPrice: {USD: 100, EUR: 90}\n    countsAs: {group: users, label: Bs}", "    category: Usres\n    kind: metered\n    oneOf: user\n    unitPrice: {USD: 100, EUR: 90}\n    countsAs: {group: users, label: Bs}", 29, `unknown category "Usres"`},
		{"an unknown kind", "    kind: seat", "    kind: sofa", 7, `unknown kind "sofa"`},
		{"an unknown base", "    base: base-a", "    base: base-b", 18, `unknown product "base-b" in base`},
		{"a base of another kind", "    base: base-a", "    base: seat-a", 18, "not of kind base"},
		{"an add-on without a base", "    base: base-a\n", "", 14, "must have base"},
		{
			"an add-on that requires more", "    base: base-a", "    base: base-a\n    requires: [seat-a]", 19,
			"requires its base",
		},
		{
			"a base with a base", "    kind: base\n", "    kind: base\n    base: base-a\n", 13,
			"base is for products of kind addOn only",
		},
		{
			"an unknown requirement", "    kind: seat", "    kind: seat\n    requires:\n      - base-a\n      - base-z",
			10, `unknown product "base-z" in requires`,
		},
		{
			"an unknown exclusion", "    kind: seat", "    kind: seat\n    excludes: [base-z]", 8,
			`unknown product "base-z" in excludes`,
		},
		{
			"an unknown inclusion", "    kind: seat", "    kind: seat\n    includes: [base-z]", 8,
			`unknown product "base-z" in includes`,
		},
		{"a reference said twice", "    kind: seat", "    kind: seat\n    requires: [base-a, base-a]", 8, "twice"},
		{"an empty list", "    kind: seat", "    kind: seat\n    requires: []", 8, "at least one"},
		{
			"a product that requires itself", "    kind: seat", "    kind: seat\n    requires: [seat-a]", 8,
			"names itself",
		},
		{
			"a seat that includes no seat", "    kind: seat", "    kind: seat\n    includes: [base-a]", 8,
			"not of kind seat",
		},
		{"a requirement that is excluded", "    kind: seat", "    kind: seat\n    requires: [base-a]\n    excludes: [base-a]", 8, "both requires and excludes"},
		{"a circle", "    kind: base\n", "    kind: base\n    requires: [add-a]\n", 13, "in a circle"},
		{"a group of one", "    oneOf: user\n    unitPrice: {USD: 100, EUR: 90}\n    countsAs: {group: users, label: Bs}", "    oneOf: usre\n    unitPrice: {USD: 100, EUR: 90}\n    countsAs: {group: users, label: Bs}", 31, `nothing else is in the group "usre"`},
		{"a duplicate code", "  - id: user-a", "  - id: add-b\n    name: Add B\n    category: Phone\n    kind: addOn\n    code: add-a\n    base: base-a\n    unitPrice: {USD: 1, EUR: 1}\n  - id: user-a", 24, `duplicate code "add-a"`},
		{
			"a code on a seat", "    kind: seat", "    kind: seat\n    code: x", 8,
			"code is for products of kind addOn only",
		},
		{
			"an extension on a seat", "    kind: seat", "    kind: seat\n    extension: true", 8,
			"extension is for products of kind base only",
		},
		{
			"an extension that is no boolean", "    kind: base\n", "    kind: base\n    extension: sometimes\n", 13,
			"true or false",
		},
		{
			"sources on a seat", "    kind: seat", "    kind: seat\n    sources: [pbx]", 8,
			"sources is for products of kind metered only",
		},
		{
			"a missing price", "    kind: seat\n    unitPrice: {USD: 100, EUR: 90}",
			"    kind: seat\n    unitPrice: {USD: 100}", 8, "each of USD, EUR",
		},
		{"a price in a strange currency", "    kind: seat\n    unitPrice: {USD: 100, EUR: 90}", "    kind: seat\n    unitPrice:\n      USD: 100\n      EUR: 90\n      JPY: 9", 11, `unknown field "JPY"`},
		{
			"a price that is a fraction", "    kind: seat\n    unitPrice: {USD: 100, EUR: 90}",
			"    kind: seat\n    unitPrice: {USD: 1.00, EUR: 90}", 8, "whole number",
		},
		{
			"a price below zero", "    kind: seat\n    unitPrice: {USD: 100, EUR: 90}",
			"    kind: seat\n    unitPrice: {USD: -100, EUR: 90}", 8, "whole number",
		},
		{
			"a price out of all bounds", "    kind: seat\n    unitPrice: {USD: 100, EUR: 90}",
			"    kind: seat\n    unitPrice: {USD: 100000001, EUR: 90}", 8, "whole number",
		},
		{
			"a price that is text", "    kind: seat\n    unitPrice: {USD: 100, EUR: 90}",
			"    kind: seat\n    unitPrice: {USD: '100', EUR: 90}", 8, "whole number",
		},
		{"a currency that is none", "[USD, EUR]", "[USD, euro]", 1, `currency "euro"`},
		{
			"a metered product that counts nowhere", "    countsAs: {group: users, label: As}\n", "", 20,
			"must have countsAs",
		},
		{"an unknown group", "{group: users, label: As}", "{group: persons, label: As}", 26, `unknown group "persons"`},
		{
			"a seat among the metrics", "    kind: seat", "    kind: seat\n    countsAs: {group: users, label: X}", 8,
			"not what is bought",
		},
		{"a device that users hold", "{group: users, label: As}", "{group: devices, label: As}", 26, "go together"},
		{"a figure without a label", "{group: users, label: As}", "{group: users}", 26, "group and label"},
		{"products that are no list", "products:\n", "products: none\nmore:\n", 3, "products must be a list"},
		{"a second document", "products:\n", "products: []\n---\nproducts:\n", 5, "begins another"},
		{"broken YAML", "currencies: [USD, EUR]", "currencies: [USD, EUR", 2, "must be specified"},
		{"a tab for indentation", "    name: Seat A", "\tname: Seat A", 5, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.Count(sound, c.old) == 0 {
				t.Fatalf("the sound text has no %q", c.old)
			}
			_, err := catalogfile.Parse([]byte(strings.Replace(sound, c.old, c.new, 1)))
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), fmt.Sprintf("catalog: line %d: ", c.line)) ||
				!strings.Contains(err.Error(), c.says) {
				t.Errorf("got:\n%v\nwant line %d: ... %s", err, c.line, c.says)
			}
			var at *catalogfile.LineError
			if !errors.As(err, &at) {
				t.Errorf("%T is no LineError", err)
			}
		})
	}
}

func TestAnEmptyCatalogIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "# only a comment\n", "---\n", "just text", "[1, 2]",
		"currencies: [USD]\ncategories: [X]\nproducts: []\n",
	} {
		if _, err := catalogfile.Parse([]byte(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

// One read of the file reports every mistake, not only the first.
func TestAllMistakesAreReported(t *testing.T) {
	text := strings.NewReplacer("    kind: seat", "    kind: sofa", "    name: Base A\n", "", "label: As", "labl: As").
		Replace(sound)
	_, err := catalogfile.Parse([]byte(text))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"line 7: unknown kind", "line 9: a product must have name", `line 25: unknown field "labl"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
}

// The kernel releases a user in one commit, so the number of products that one user can hold is
// bounded, and the refusal says why.
func TestNoMoreProductsThanOneCommitReleases(t *testing.T) {
	text := func(bought, metered int) []byte {
		var b strings.Builder
		b.WriteString("currencies: [USD]\ncategories: [Phone]\nproducts:\n")
		for i := range bought {
			fmt.Fprintf(&b, "  - {id: p%d, name: P, category: Phone, kind: seat, unitPrice: {USD: 1}}\n", i)
		}
		for i := range metered {
			group := ""
			if i < 3 {
				group = ", oneOf: level" // of these three a user holds one
			}
			fmt.Fprintf(
				&b,
				"  - {id: m%d, name: M, category: Phone, kind: metered, unitPrice: {USD: 1}, countsAs: {group: users, label: M}%s}\n",
				i,
				group,
			)
		}
		return []byte(b.String())
	}
	if _, err := catalogfile.Parse(text(catalog.MaxPurchasable, catalog.MaxMetered+2)); err != nil {
		t.Errorf("as many as may be: %v", err)
	}
	for _, tc := range []struct {
		bought, metered int
		want            string
	}{
		{catalog.MaxPurchasable + 1, 0, "line 29: more than 25 products can be bought"},
		{0, catalog.MaxMetered + 3, "line 14: a user can hold more than 8 metered products"},
	} {
		_, err := catalogfile.Parse(text(tc.bought, tc.metered))
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "one commit") {
			t.Errorf("%d and %d: %v", tc.bought, tc.metered, err)
		}
	}
}

// The catalog of a build is not hostile, but a reader that panics on a bad one does not say which
// line.
func FuzzParse(f *testing.F) {
	f.Add([]byte(sound))
	f.Add([]byte("products: *x\n"))
	f.Add([]byte("&a currencies: *a\n<<: {x: 1}\n"))
	f.Add([]byte("products:\n  -\n  - ~\n  - !!str x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := catalogfile.Parse(data); err == nil && len(c.Products()) == 0 {
			t.Error("an empty catalog was accepted")
		}
	})
}

func ids(products []catalog.Product) []string {
	out := make([]string, len(products))
	for i, p := range products {
		out[i] = p.ID
	}
	return out
}

// Every product that is sold says what it is for, and every figure what is counted, each in words
// of its own (requirements, sections 2, 8).
func TestTheEmbeddedCatalogIsDescribed(t *testing.T) {
	seen := map[string]string{}
	for p := range catalog.Default().All() {
		texts := []string{p.Description}
		if p.CountsAs.Group != "" {
			texts = append(texts, p.CountsAs.Means)
		}
		for _, text := range texts {
			if len(text) < 20 || !strings.HasSuffix(text, ".") {
				t.Errorf("%s is described as %q", p.ID, text)
			}
			if other, again := seen[text]; again {
				t.Errorf("%s and %s share a description", p.ID, other)
			}
			seen[text] = p.ID
		}
	}
}

// TestEarlierPrices: a billing period keeps the prices of its first day (requirements, section 12).
func TestEarlierPrices(t *testing.T) {
	c, err := catalogfile.Parse([]byte(`currencies: [USD]
categories: [Phone]
products:
  - id: seat-a
    name: Seat A
    category: Phone
    kind: seat
    unitPrice: {USD: 300}
    overagePrice: {USD: 330}
    earlierPrices:
      - {until: 2026-06-01, unitPrice: {USD: 100}}
      - {until: 2026-12-01, unitPrice: {USD: 200}, overagePrice: {USD: 220}}
`))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := c.Lookup("seat-a")
	for _, want := range []struct {
		day           string
		unit, overage int64
	}{
		{"2026-05-31", 100, 0}, {"2026-06-01", 200, 220}, {"2026-11-30", 200, 220}, {"2026-12-01", 300, 330},
	} {
		unit, _ := p.UnitPriceOn(want.day, "USD")
		overage, charged := p.OveragePriceOn(want.day, "USD")
		if unit.Minor != want.unit || overage.Minor != want.overage || charged != (want.overage > 0) {
			t.Errorf("on %s %s and %s, want %d and %d", want.day, unit, overage, want.unit, want.overage)
		}
	}
}
