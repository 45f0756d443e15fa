// Package catalogfile reads catalog.yaml by a YAML library and checks it whole (requirements,
// section 2). It is linked by the generator of the catalog and by tests, never by a function.
package catalogfile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/money"
)

// LineError is one mistake in a catalog file.
type LineError struct {
	// Line counts from 1; it is 0 where the file says nothing at all.
	Line    int
	Message string
}

// Error implements error.
func (e *LineError) Error() string { return fmt.Sprintf("catalog: line %d: %s", e.Line, e.Message) }

// Parse reads and checks a catalog. It is strict: unknown and repeated fields, duplicate and
// malformed ids, references to nothing, prices missing or not whole, and rules that contradict each
// other are refused. The error joins a *LineError for each mistake found, in the file's order as
// far as one pass finds them.
func Parse(data []byte) (*catalog.Catalog, error) {
	d, err := Read(data)
	if err != nil {
		return nil, err
	}
	return catalog.New(d), nil
}

// Read is Parse for the generator: it answers what a catalog is made of.
func Read(data []byte) (catalog.Definition, error) {
	root, err := readYAML(data)
	if err != nil {
		return catalog.Definition{}, err
	}
	if root == nil {
		return catalog.Definition{}, &LineError{Message: "the catalog is empty"}
	}
	r := &reader{}
	entries := r.catalog(root)
	// References are judged only once the fields themselves are sound: a wrong id would be reported
	// twice.
	if len(r.faults) == 0 {
		r.resolve(entries)
	}
	if len(r.faults) > 0 {
		return catalog.Definition{}, errors.Join(r.faults...)
	}

	d := catalog.Definition{
		Version: versionOf(data), Currencies: r.currencies, Categories: r.categories,
		Products: make([]catalog.Product, len(entries)),
	}
	for i, e := range entries {
		d.Products[i] = e.Product
	}
	return d, nil
}

// versionOf names a state of the file: another text is another version, so that a quote can tell
// that the catalog changed (requirements, section 3.4).
func versionOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// entry is a product on its way into the catalog, with the lines that an error would name.
type entry struct {
	catalog.Product
	line int
	// lines holds where each field begins, by its name.
	lines map[string]int
	// at holds where each reference stands: by the field and the id it refers to.
	at map[[2]string]int
}

// lineFor is where a field begins, or the product itself if it has no such field.
func (e *entry) lineFor(field string) int {
	if line, ok := e.lines[field]; ok {
		return line
	}
	return e.line
}

// reader walks the file's nodes and gathers what is wrong with them.
type reader struct {
	faults     []error
	currencies []string
	categories []string
}

func (r *reader) fault(line int, format string, args ...any) {
	r.faults = append(r.faults, &LineError{Line: line, Message: fmt.Sprintf(format, args...)})
}

// fields calls one of the functions for each field of a mapping, and refuses fields that have none.
// What names the thing in the errors.
func (r *reader) fields(n *node, what string, known map[string]func(line int, value *node)) {
	if n.shape != mapping {
		r.fault(n.line, "%s must be a mapping of fields", what)
		return
	}
	for _, f := range n.fields {
		take, ok := known[f.name]
		if !ok {
			r.fault(f.line, "unknown field %q in %s", f.name, what)
			continue
		}
		take(f.line, f.value)
	}
}

// text is a string that is not blank and has no blanks around it. Numbers and booleans are not
// taken for text: they want quotes.
func (r *reader) text(n *node, line int, what string) string { return r.textUpTo(n, line, what, 100) }

// sentence is a longer text, for people.
func (r *reader) sentence(n *node, line int, what string) string {
	return r.textUpTo(n, line, what, 200)
}

func (r *reader) textUpTo(n *node, line int, what string, most int) string {
	if n.shape != text {
		r.fault(line, "%s must be text", what)
		return ""
	}
	s := n.scalar
	if s == "" || strings.TrimSpace(s) != s || len(s) > most {
		r.fault(line, "%s must be 1 to %d bytes without blanks around them", what, most)
		return ""
	}
	return s
}

// word is a text in the form of an id.
func (r *reader) word(n *node, line int, what string) string {
	s := r.text(n, line, what)
	if s != "" && !isWord(s) {
		r.fault(line, `%s %q must be lower-case letters, digits, "-" and "_", at most 64, a letter or digit first`,
			what, s)
		return ""
	}
	return s
}

func isWord(s string) bool {
	for i := range len(s) {
		letter := s[i] >= 'a' && s[i] <= 'z' || s[i] >= '0' && s[i] <= '9'
		if !letter && (i == 0 || s[i] != '-' && s[i] != '_') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// list is a sequence of at least one different value; take reads each and answers "" for one it has
// refused.
func (r *reader) list(
	n *node,
	line int,
	what string,
	take func(n *node, line int, what string) string,
) (values []string, lines []int) {
	if n.shape != list || len(n.items) == 0 {
		r.fault(line, "%s must be a list of at least one", what)
		return nil, nil
	}
	for _, item := range n.items {
		at := item.line
		value := take(item, at, what)
		switch {
		case value == "":
		case slices.Contains(values, value):
			r.fault(at, "%s names %q twice", what, value)
		default:
			values, lines = append(values, value), append(lines, at)
		}
	}
	return values, lines
}

func (r *reader) catalog(root *node) []*entry {
	var products *node
	r.fields(root, "the catalog", map[string]func(int, *node){
		"currencies": func(line int, n *node) {
			var lines []int
			r.currencies, lines = r.list(n, line, "currencies", r.text)
			for i, code := range r.currencies {
				if !money.IsCurrency(code) {
					r.fault(lines[i], "currency %q must be three capital letters (ISO 4217)", code)
				}
			}
		},
		"categories": func(line int, n *node) { r.categories, _ = r.list(n, line, "categories", r.text) },
		"products": func(line int, n *node) {
			if n.shape != list {
				r.fault(line, "products must be a list")
			}
			products = n
		},
	})
	if len(r.faults) > 0 {
		return nil
	}
	if len(r.currencies) == 0 || len(r.categories) == 0 || products == nil || len(products.items) == 0 {
		r.fault(root.line, "the catalog must have currencies, categories and products")
		return nil
	}
	entries := make([]*entry, 0, len(products.items))
	for _, n := range products.items {
		entries = append(entries, r.product(n))
	}
	return entries
}

func (r *reader) product(n *node) *entry {
	e := &entry{line: n.line, lines: map[string]int{}, at: map[[2]string]int{}}
	// word and words note the line of the field, then take its value.
	word := func(field string, into *string, take func(*node, int, string) string) func(int, *node) {
		return func(line int, n *node) {
			e.lines[field] = line
			*into = take(n, line, field)
		}
	}
	words := func(field string, into *[]string) func(int, *node) {
		return func(line int, n *node) {
			e.lines[field] = line
			var lines []int
			*into, lines = r.list(n, line, field, r.word)
			for i, value := range *into {
				e.at[[2]string{field, value}] = lines[i]
			}
		}
	}
	price := func(field string, into *[]money.Amount) func(int, *node) {
		return func(line int, n *node) {
			e.lines[field] = line
			*into = r.prices(n, line, field)
		}
	}
	var kind string
	r.fields(n, "a product", map[string]func(int, *node){
		"id":          word("id", &e.ID, r.word),
		"name":        word("name", &e.Name, r.text),
		"description": word("description", &e.Description, r.sentence),
		"category":    word("category", &e.Category, r.text),
		"kind":        word("kind", &kind, r.text),
		"code":        word("code", &e.Code, r.word),
		"base":        word("base", &e.Base, r.word),
		"oneOf":       word("oneOf", &e.OneOf, r.word),
		"requires":    words("requires", &e.Requires),
		"excludes":    words("excludes", &e.Excludes),
		"includes":    words("includes", &e.Includes),
		"sources":     words("sources", &e.Sources),
		"devices":     words("devices", &e.Devices),
		"extension": func(line int, n *node) {
			e.lines["extension"] = line
			if n.shape != boolean {
				r.fault(line, "extension must be true or false")
				return
			}
			e.Extension = n.scalar == "true"
		},
		"unitPrice":    price("unitPrice", &e.Prices),
		"overagePrice": price("overagePrice", &e.OveragePrices),
		"earlierPrices": func(line int, n *node) {
			e.lines["earlierPrices"] = line
			e.Earlier = r.earlier(n, line)
		},
		"countsAs": func(line int, n *node) {
			e.lines["countsAs"] = line
			e.CountsAs = r.count(n, line)
		},
	})
	e.Kind = catalog.Kind(kind)
	r.judge(e)
	return e
}

// judge finds what is wrong with a product beyond single fields.
func (r *reader) judge(e *entry) {
	for _, field := range []string{"id", "name", "category", "kind", "unitPrice"} {
		if _, ok := e.lines[field]; !ok {
			r.fault(e.line, "a product must have %s", field)
		}
	}
	if e.Category != "" && !slices.Contains(r.categories, e.Category) {
		r.fault(e.lineFor("category"), "unknown category %q", e.Category)
	}
	r.kind(e)
}

// prices reads a price for every currency, no more and no less.
func (r *reader) prices(n *node, line int, what string) []money.Amount {
	prices := make([]money.Amount, 0, len(r.currencies))
	known := make(map[string]func(int, *node), len(r.currencies))
	for _, currency := range r.currencies {
		known[currency] = func(line int, n *node) {
			minor, ok := wholeNumber(n)
			if !ok || minor > catalog.MaxUnitPrice {
				r.fault(line, "a price must be a whole number of minor units from 0 to %d", catalog.MaxUnitPrice)
				return
			}
			prices = append(prices, money.Of(int64(minor), currency))
		}
	}
	before := len(r.faults)
	r.fields(n, what, known)
	if len(r.faults) == before && len(prices) < len(r.currencies) {
		r.fault(line, "%s must have a price in each of %s", what, strings.Join(r.currencies, ", "))
	}
	return prices
}

// earlier reads the prices that counted before, the oldest first.
func (r *reader) earlier(n *node, line int) []catalog.EarlierPrices {
	if n.shape != list || len(n.items) == 0 {
		r.fault(line, "earlierPrices must be a list of at least one")
		return nil
	}
	var all []catalog.EarlierPrices
	for _, item := range n.items {
		var one catalog.EarlierPrices
		r.fields(item, "earlierPrices", map[string]func(int, *node){
			"until": func(line int, n *node) {
				one.Until = r.text(n, line, "until")
				if _, err := time.Parse(time.DateOnly, one.Until); err != nil {
					r.fault(line, "until %q must be a day, such as 2026-12-01", one.Until)
				}
			},
			"unitPrice":    func(line int, n *node) { one.Prices = r.prices(n, line, "unitPrice") },
			"overagePrice": func(line int, n *node) { one.OveragePrices = r.prices(n, line, "overagePrice") },
		})
		if one.Until == "" || len(one.Prices) == 0 {
			r.fault(item.line, "earlierPrices must have until and unitPrice")
		}
		if len(all) > 0 && one.Until <= all[len(all)-1].Until {
			r.fault(item.line, "earlierPrices must ascend by until")
		}
		all = append(all, one)
	}
	return all
}

func wholeNumber(n *node) (uint64, bool) {
	if n.shape != whole {
		return 0, false
	}
	value, err := strconv.ParseUint(n.scalar, 10, 64)
	return value, err == nil
}

func (r *reader) count(n *node, line int) catalog.Count {
	var group, label, means string
	before := len(r.faults)
	r.fields(n, "countsAs", map[string]func(int, *node){
		"group": func(line int, n *node) { group = r.text(n, line, "group") },
		"label": func(line int, n *node) { label = r.text(n, line, "label") },
		"means": func(line int, n *node) { means = r.sentence(n, line, "means") },
	})
	if len(r.faults) == before && (group == "" || label == "") {
		r.fault(line, "countsAs must have group and label")
	}
	return catalog.Count{Group: catalog.Group(group), Label: label, Means: means}
}

// kind checks that the product has the fields that its kind needs, and none that its kind has no
// use for.
func (r *reader) kind(e *entry) {
	switch e.Kind {
	case catalog.Seat, catalog.Base, catalog.AddOn, catalog.Metered:
	case "":
		return // Said already.
	default:
		r.fault(e.lineFor("kind"), "unknown kind %q: it is seat, base, addOn or metered", string(e.Kind))
		return
	}
	only := func(field string, kind catalog.Kind) {
		if line, ok := e.lines[field]; ok && e.Kind != kind {
			r.fault(line, "%s is for products of kind %s only", field, kind)
		}
	}
	only("code", catalog.AddOn)
	only("base", catalog.AddOn)
	only("extension", catalog.Base)
	only("includes", catalog.Seat)
	only("overagePrice", catalog.Seat)
	only("sources", catalog.Metered)
	only("devices", catalog.Metered)

	if e.Kind == catalog.AddOn {
		if _, ok := e.lines["base"]; !ok {
			r.fault(e.line, "an addOn must have base")
		}
		if line, ok := e.lines["requires"]; ok {
			r.fault(line, "an addOn requires its base and cannot require anything else")
		}
		if _, ok := e.lines["code"]; !ok {
			e.Code = e.ID
		}
	}
	_, counted := e.lines["countsAs"]
	switch e.CountsAs.Group {
	case catalog.Users, catalog.Clients, catalog.Supervisor, catalog.Devices:
		if e.Kind != catalog.Metered {
			r.fault(e.lineFor("countsAs"), "group %s counts what is metered, not what is bought", e.CountsAs.Group)
		}
		if (e.CountsAs.Group == catalog.Devices) != (len(e.Devices) > 0) {
			r.fault(e.lineFor("countsAs"), "group devices and the field devices go together")
		}
	case catalog.LiveReports:
		if e.Kind != catalog.Seat {
			r.fault(e.lineFor("countsAs"), "group liveReports counts seats only")
		}
	case "":
		if e.Kind == catalog.Metered && !counted {
			r.fault(e.line, "a metered product must have countsAs: its count is what the customer consumes")
		}
	default:
		r.fault(e.lineFor("countsAs"),
			"unknown group %q: it is users, clients, supervisor, devices or liveReports", string(e.CountsAs.Group))
	}
}

// resolve checks what products say about each other, and completes both sides of it.
func (r *reader) resolve(entries []*entry) {
	byID, groups := r.index(entries)
	for _, e := range entries {
		r.references(e, byID)
	}
	if len(r.faults) > 0 {
		return
	}
	r.complete(entries, byID, groups)
	r.contradictions(entries, byID)
}

// index finds the products by their ids, and those of each group; ids and codes must be there once,
// and there must be no more products than one commit releases.
func (r *reader) index(entries []*entry) (byID map[string]*entry, groups map[string][]*entry) {
	byID, groups = make(map[string]*entry, len(entries)), make(map[string][]*entry)
	codes := make(map[string]string, len(entries))
	purchasable, metered := 0, 0
	for _, e := range entries {
		if first, ok := byID[e.ID]; ok {
			r.fault(e.lineFor("id"), "duplicate id %q: line %d has it already", e.ID, first.lineFor("id"))
			continue
		}
		byID[e.ID] = e
		if e.Code != "" {
			if other, ok := codes[e.Code]; ok {
				r.fault(e.lineFor("code"), "duplicate code %q: %q has it already", e.Code, other)
			}
			codes[e.Code] = e.ID
		}
		if e.OneOf != "" {
			groups[e.OneOf] = append(groups[e.OneOf], e)
		}
		if e.Purchasable() {
			if purchasable++; purchasable == catalog.MaxPurchasable+1 {
				r.fault(
					e.line,
					"more than %d products can be bought: a user who holds one of each could no longer be released in one commit",
					catalog.MaxPurchasable,
				)
			}
		} else if e.OneOf == "" || len(groups[e.OneOf]) == 1 {
			if metered++; metered == catalog.MaxMetered+1 {
				r.fault(
					e.line,
					"a user can hold more than %d metered products: they could no longer be released in one commit",
					catalog.MaxMetered,
				)
			}
		}
	}
	return byID, groups
}

// complete writes what one product says of another into the other one too.
func (r *reader) complete(entries []*entry, byID map[string]*entry, groups map[string][]*entry) {
	for _, e := range entries {
		for _, other := range groups[e.OneOf] {
			if other != e {
				e.Excludes = appendNew(e.Excludes, other.ID)
			}
		}
		if len(groups[e.OneOf]) == 1 {
			r.fault(e.lineFor("oneOf"), "nothing else is in the group %q", e.OneOf)
		}
		for _, id := range e.Excludes {
			byID[id].Excludes = appendNew(byID[id].Excludes, e.ID)
		}
		for _, id := range e.Includes {
			byID[id].CoveredBy = append(byID[id].CoveredBy, e.ID)
		}
		if e.Kind == catalog.AddOn {
			e.Requires = []string{e.Base}
		}
	}
}

// contradictions finds products that exclude what they require, and those that require or include
// themselves.
func (r *reader) contradictions(entries []*entry, byID map[string]*entry) {
	for _, e := range entries {
		for _, id := range e.Requires {
			if slices.Contains(e.Excludes, id) {
				r.fault(e.lineFor("requires"), "%q both requires and excludes %q", e.ID, id)
			}
		}
		if circular(e, byID, func(p *entry) []string { return p.Requires }) {
			r.fault(e.lineFor("requires"), "%q requires itself in a circle", e.ID)
		}
		if circular(e, byID, func(p *entry) []string { return p.Includes }) {
			r.fault(e.lineFor("includes"), "%q includes itself in a circle", e.ID)
		}
	}
}

// references checks that everything a product refers to is there and is of a kind that makes sense.
func (r *reader) references(e *entry, byID map[string]*entry) {
	if e.Base != "" {
		if base, ok := byID[e.Base]; !ok {
			r.fault(e.lineFor("base"), "unknown product %q in base", e.Base)
		} else if base.Kind != catalog.Base {
			r.fault(e.lineFor("base"), "base %q is not of kind base", e.Base)
		}
	}
	for _, list := range []struct {
		field string
		ids   []string
	}{{"requires", e.Requires}, {"excludes", e.Excludes}, {"includes", e.Includes}} {
		for _, id := range list.ids {
			line := e.at[[2]string{list.field, id}]
			other, ok := byID[id]
			switch {
			case !ok:
				r.fault(line, "unknown product %q in %s", id, list.field)
			case other == e:
				r.fault(line, "%q names itself in %s", id, list.field)
			case list.field == "includes" && other.Kind != catalog.Seat:
				r.fault(line, "%q in includes is not of kind seat", id)
			}
		}
	}
}

func appendNew(ids []string, id string) []string {
	if slices.Contains(ids, id) {
		return ids
	}
	return append(ids, id)
}

// circular reports whether a product reaches itself by the references that next lists.
func circular(from *entry, byID map[string]*entry, next func(*entry) []string) bool {
	seen := map[string]bool{}
	queue := slices.Clone(next(from))
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		if id == from.ID {
			return true
		}
		if !seen[id] {
			seen[id] = true
			queue = append(queue, next(byID[id])...)
		}
	}
	return false
}
