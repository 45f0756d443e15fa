package pages

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"seatwise/shared/console/client"
	"seatwise/shared/console/view"
	"seatwise/shared/console/web"
	"seatwise/shared/platform/auth"
)

var _ = add(web.Page{
	Name: "Cart", Path: "cart", Needs: []auth.Permission{auth.BillingPurchase},
	Routes: []web.Route{
		{
			Path: "cart",
			Show: showCart, Changes: "cart:mine",
			Send:   sendCart,
			Submit: "Next",
			Fields: web.Fields("costCenter", "Cost Center"),
		},
		{
			Path:   "cart/new-cost-center",
			Whole:  true,
			Show:   showNewCenter,
			Send:   sendNewCenter,
			Submit: "Make it",
			Fields: web.Fields("code", "Cost Center Code", "name", "Name"),
		},
		{
			Path: "cart/lines/{line}/split", Changes: "cart:mine",
			Show:   showSplit,
			Send:   sendSplit,
			Submit: "Split",
			Fields: web.Fields("quantity", "Quantity", "costCenter", "Cost Center"),
		},
		buyNowRoute,
		splitNowRoute,
		{Path: "cart/review/{quote}", Show: showReview, Send: sendReview, Submit: "Confirm"},
	},
})

// mostInSelect is how many cost centers are offered as a list to choose from; of more, one types
// the beginning.
const mostInSelect = 30

// checkout is the cart as its page shows it: what is in it, under what was typed over it.
type checkout struct {
	lines   []cartLine
	total   client.Money
	centers centerList
	// plan is a file that waits for what is bought.
	plan client.MassConfiguration
	// before are the lines as they were before some were deleted, for who undoes that; nil for nobody.
	before []cartLine
}

// cartLine is a line of the form. A form names a line by what it was, so that a change can be told.
type cartLine struct {
	id, product, name    string
	wasQuantity          string
	wasCenter            string
	quantity, center     string
	unit, total          *client.Money
	chosen               bool
	faultOf, faultCenter string
}

// was is the hidden value that says what the form showed.
func (l cartLine) was() string {
	return strings.Join([]string{l.id, l.product, l.wasQuantity, l.wasCenter}, "~")
}

// changed says whether a person changed the line.
func (l cartLine) changed() bool { return l.quantity != l.wasQuantity || l.center != l.wasCenter }

// centerList is what cost centers there are to choose from.
type centerList struct {
	all  []client.CostCenter
	more bool
	// known says that the reader may see them; who may not types codes.
	known bool
}

func centersOf(a client.Answer[client.CostCenterPage]) centerList {
	return centerList{all: a.Body.Items, more: a.Body.NextCursor != "", known: a.Status != 0}
}

// choose says that the list is short enough to choose from.
func (l centerList) choose() bool { return l.known && len(l.all) > 0 && len(l.all) <= mostInSelect }

// none says that the account has no cost center at all.
func (l centerList) none() bool { return l.known && len(l.all) == 0 }

// only is the account's one cost center; empty if there are several.
func (l centerList) only() string {
	if len(l.all) == 1 {
		return l.all[0].Code
	}
	return ""
}

// name is what a cost center is called.
func (l centerList) name(code string) string {
	for _, one := range l.all {
		if one.Code == code {
			return view.CenterName(code, one.Name)
		}
	}
	return orDash(code)
}

// options are the cost centers as choices, with one that is chosen and not among them.
func (l centerList) options(chosen string) []view.Option {
	options := centerOptions(l.all)
	if chosen != "" && !slices.ContainsFunc(options, func(o view.Option) bool { return o.Value == chosen }) {
		options = append(options, view.Option{Value: chosen, Name: chosen})
	}
	return options
}

func showCart(c *web.Context, f *view.Form) error {
	var centers client.Answer[client.CostCenterPage]
	var plan client.MassConfiguration
	if err := c.Load(client.IfAllowed(client.Into(&centers, listCenters(c))), waitingPlan(c, &plan)); err != nil {
		return err
	}
	cart := c.Cart()
	web.FromVersion(f, cart.ETag)
	v := checkout{centers: centersOf(centers), total: cart.Body.Total, plan: plan}
	if f.Stale {
		v.lines = typedOver(f, cart.Body.Lines)
		if err := nameLines(c, v.lines); err != nil {
			return err
		}
		f.Was = shownLines(f, v.lines)
		return c.Show("Cart", cartConflictPage(c, f, v))
	}
	v.lines = cartLines(f, cart.Body.Lines, v.centers.only())
	if f.Fault == nil {
		v.before = beforeDeletion(c.Query()["deleted"], cart.Body.Lines)
	}
	return c.Show("Cart", cartPage(c, f, v))
}

// cartLines are the lines of the cart, with what was typed where the form was refused.
func cartLines(f *view.Form, there []client.CartViewLine, only string) []cartLine {
	var list []cartLine
	sent := f.Values["line"]
	for _, l := range there {
		line := lineOf(l)
		line.quantity, line.center = f.Default(
			"quantity-"+l.ID,
			line.wasQuantity,
		), f.Default(
			"center-"+l.ID,
			line.wasCenter,
		)
		if line.center == "" {
			line.center = only
		}
		line.chosen = f.Has("selected", l.ID)
		if i := slices.IndexFunc(sent, func(s string) bool { return strings.HasPrefix(s, l.ID+"~") }); i >= 0 {
			at := "lines[" + strconv.Itoa(i) + "]."
			line.faultOf, line.faultCenter = f.FaultOf(at+"quantity"), f.FaultOf(at+"costCenter")
		}
		list = append(list, line)
	}
	return list
}

func lineOf(l client.CartViewLine) cartLine {
	line := cartLine{
		id: l.ID, product: l.ProductID, name: l.Name, unit: l.UnitPrice, total: l.Total,
		wasQuantity: strconv.FormatInt(l.Quantity, 10), wasCenter: l.CostCenter,
	}
	if line.name == "" {
		line.name = notSold(l.ProductID)
	}
	line.quantity, line.center = line.wasQuantity, line.wasCenter
	return line
}

// typedOver are the lines as they were typed, over a cart that somebody changed meanwhile: a line
// that is not there any more is a new one, and one that is there alone is none of the reader's.
func typedOver(f *view.Form, there []client.CartViewLine) []cartLine {
	var list []cartLine
	for _, mine := range sentLines(f) {
		i := slices.IndexFunc(there, func(l client.CartViewLine) bool { return l.ID == mine.id })
		mine.wasQuantity, mine.wasCenter = "0", "" // which is a line that there is not
		if i >= 0 {
			mine.wasQuantity, mine.wasCenter = strconv.FormatInt(there[i].Quantity, 10), there[i].CostCenter
			mine.name = there[i].Name
		}
		list = append(list, mine)
	}
	for _, l := range there {
		if !slices.ContainsFunc(list, func(mine cartLine) bool { return mine.id == l.ID }) {
			theirs := lineOf(l)
			theirs.quantity, theirs.center = "0", ""
			list = append(list, theirs)
		}
	}
	return list
}

// nameLines names the lines of which only the product's id is known, as those that the cart has no more.
func nameLines(c *web.Context, lines []cartLine) error {
	var n nameCalls
	err := c.Load(n.products(c))
	for i, l := range lines {
		if l.name != l.product {
			continue
		}
		if lines[i].name = n.product(l.product); lines[i].name == l.product {
			lines[i].name = notSold(l.product)
		}
	}
	return err
}

// notSold is what a product is called that the catalog has no more.
func notSold(product string) string { return product + ", which is no longer sold" }

// shownLines are the values that the form of a cart showed: its lines bear them. A line that somebody has
// added since was none.
func shownLines(f *view.Form, lines []cartLine) url.Values {
	was := url.Values{}
	for _, l := range lines {
		was["quantity-"+l.id], was["center-"+l.id] = nil, nil
	}
	for _, l := range sentLines(f) {
		was["quantity-"+l.id], was["center-"+l.id] = []string{l.wasQuantity}, []string{l.wasCenter}
	}
	return was
}

// sentLines are the lines of a form that was sent.
func sentLines(f *view.Form) []cartLine {
	var list []cartLine
	for _, value := range f.Values["line"] {
		if parts := strings.SplitN(value, "~", 4); len(parts) == 4 {
			l := cartLine{id: parts[0], product: parts[1], wasQuantity: parts[2], wasCenter: parts[3]}
			l.name = l.product
			l.quantity = strings.TrimSpace(f.Default("quantity-"+l.id, l.wasQuantity))
			l.center = strings.TrimSpace(f.Default("center-"+l.id, l.wasCenter))
			l.chosen = f.Has("selected", l.id)
			list = append(list, l)
		}
	}
	return list
}

// mostUndone is how many deleted lines an address has room for.
const mostUndone = 20

// deletedLine is a line in the address of the cart from which it was deleted: where it stood, and
// what it was.
func deletedLine(at int, l cartLine) string {
	return strings.Join([]string{strconv.Itoa(at), l.product, l.wasQuantity, l.wasCenter}, "~")
}

// deletedFrom are the lines that are in a list and not in another, for the address.
func deletedFrom(all, left []cartLine) string {
	query := url.Values{}
	for i, l := range all {
		if !slices.ContainsFunc(left, func(one cartLine) bool { return one.id == l.id }) {
			query.Add("deleted", deletedLine(i, l))
		}
	}
	if n := len(query["deleted"]); n == 0 || n > mostUndone {
		return ""
	}
	return "?" + query.Encode()
}

// beforeDeletion are the lines of the cart with those that an address says were deleted, each where it
// stood; nil where it says of none.
func beforeDeletion(deleted []string, there []client.CartViewLine) []cartLine {
	if len(deleted) == 0 || len(deleted) > mostUndone {
		return nil
	}
	var list []cartLine
	for _, l := range there {
		list = append(list, lineOf(l))
	}
	for i, one := range deleted {
		parts := strings.SplitN(one, "~", 4)
		at, err := strconv.Atoi(parts[0])
		if err != nil || len(parts) < 4 || at < 0 {
			return nil
		}
		again := cartLine{
			id: "deleted-" + strconv.Itoa(i), product: parts[1], quantity: parts[2], center: parts[3], wasQuantity: "0",
		}
		list = slices.Insert(list, min(at, len(list)), again)
	}
	return list
}

// undoing is the form that puts deleted lines back; it has a key of its own beside that of the cart.
func undoing(c *web.Context, f *view.Form) *view.Form {
	undo := c.NewForm()
	undo.Version = f.Version
	return undo
}

// sendCart saves what was typed, does what the button says, and goes on.
func sendCart(c *web.Context, f *view.Form) error {
	do, id := cut(f.Get("do"), ":")
	lines := sentLines(f)
	all := slices.Clone(lines)
	said, err := apply(c, f, do, id, &lines)
	if err != nil {
		return err
	}
	if err := saveCart(c, f, lines); err != nil {
		return err
	}
	switch do {
	case "new":
		query := ""
		for _, l := range lines {
			if l.chosen {
				query += "&line=" + queryEscape(l.id)
			}
		}
		return c.GoTo(c.Link("cart", "new-cost-center") + strings.Replace(query, "&", "?", 1))
	case "more":
		return c.GoTo(c.Link("purchase"))
	case "split":
		return c.GoTo(c.Link("cart", "lines", id, "split"))
	case "next":
		quote, err := quoteOf(c, f, nil)
		if err != nil {
			return incomplete(err)
		}
		return c.GoTo(c.Link("cart", "review", quote.Body.ID))
	}
	return c.Done(c.Link("cart")+deletedFrom(all, lines), web.Good(said))
}

// savedCookie keeps what a form of the cart has saved last.
const savedCookie = "cart-saved"

// saveCart saves the lines of a form if they were changed. Who comes back to the form by the browser's own
// button has a page that is older than what they saved from it: the form goes on from there, and is refused
// only where the cart was changed elsewhere.
func saveCart(c *web.Context, f *view.Form, lines []cartLine) error {
	change := c.LookOf(f, "cart")
	change.Version = f.Version
	kept := strings.Split(c.Kept(savedCookie), "~")
	again := len(kept) == 3 && kept[0] == queryEscape(f.Key)
	if !again && len(lines) == len(f.Values["line"]) && !slices.ContainsFunc(lines, cartLine.changed) {
		return nil
	}
	body, err := putBody(lines)
	if err != nil {
		return err
	}
	content := digestOf(body)
	if again {
		if change.Version, err = url.QueryUnescape(kept[1]); err != nil {
			change.Version = f.Version
		}
		if content == kept[2] {
			f.Version = change.Version
			return nil
		}
		if err := addWhereGone(c, body.Lines); err != nil {
			return err
		}
	}
	cart, err := c.API.PutCart(c.R.Context(), body, change)
	if err != nil {
		return err
	}
	f.Version = cart.ETag // what follows is made from what was just saved
	c.Keep(savedCookie, queryEscape(f.Key)+"~"+queryEscape(cart.ETag)+"~"+content)
	return nil
}

// addWhereGone makes new lines of those that the cart has no more, since they were deleted from the form before.
func addWhereGone(c *web.Context, lines []client.CartLineInput) error {
	cart, err := c.API.GetCart(c.R.Context())
	for i, l := range lines {
		there := func(one client.CartViewLine) bool { return l.ID != nil && one.ID == *l.ID }
		if !slices.ContainsFunc(cart.Body.Lines, there) {
			lines[i].ID = nil
		}
	}
	return err
}

// digestOf tells the content of a cart from another one's.
func digestOf(body client.PutCartRequest) string {
	text, _ := json.Marshal(body)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// incomplete says of a cart that cannot be priced yet what is to be done.
func incomplete(err error) error {
	if e := client.As(err); e != nil && e.Slug() == "validation" {
		e.Title, e.Detail = "The order is not complete yet", "Complete what is said beside the lines, then press Next."
	}
	return err
}

// mergedCart saves a cart of which two versions were shown: a line of no quantity is left out.
const mergedCart = "merged"

// apply changes the lines as a button says, and tells what was done.
func apply(c *web.Context, f *view.Form, do, id string, lines *[]cartLine) (string, error) {
	chosen := func(l cartLine) bool { return l.chosen }
	switch do {
	case "delete":
		var out []string
		*lines = slices.DeleteFunc(*lines, func(l cartLine) bool {
			if l.id == id {
				out = append(out, l.wasQuantity+" "+namedIn(c, l))
			}
			return l.id == id
		})
		said := strings.Join(out, ", ") + " out of the cart"
		if len(*lines) > 0 {
			said += "; the other lines are as they were"
		}
		return said + ".", nil
	case "delete-selected":
		before := len(*lines)
		if !slices.ContainsFunc(*lines, chosen) {
			return "", web.Wrong("selected", "tick the boxes of the lines first")
		}
		*lines = slices.DeleteFunc(*lines, chosen)
		return c.Format().Count(int64(before-len(*lines)), "line is", "lines are") + " out of the cart.", nil
	case "selected", "all":
		center := strings.TrimSpace(f.Get("costCenter"))
		if center == "" {
			return "", web.Wrong("costCenter", "choose a cost center first")
		}
		if do == "selected" && !slices.ContainsFunc(*lines, chosen) {
			return "", web.Wrong("selected", "tick the boxes of the lines first, or use Assign to All")
		}
		n := int64(0)
		for i := range *lines {
			if do == "all" || (*lines)[i].chosen {
				(*lines)[i].center = center
				n++
			}
		}
		return c.Format().Count(n, "line is", "lines are") + " charged to " + center + ".", nil
	}
	if do == mergedCart {
		*lines = slices.DeleteFunc(*lines, func(l cartLine) bool { return l.quantity == "0" })
	}
	if do == "undo" {
		return "What was deleted is in the cart again, as it was.", nil
	}
	return "The cart is saved.", nil
}

// namedIn is what a line of the cart is of; its product's id where the cart cannot be read.
func namedIn(c *web.Context, l cartLine) string {
	if err := c.Load(); err != nil {
		return l.name
	}
	for _, there := range c.Cart().Body.Lines {
		if there.ID == l.id && there.Name != "" {
			return there.Name
		}
	}
	return l.name
}

// putBody is the cart that was typed. A line that was of no quantity is a new one.
func putBody(lines []cartLine) (client.PutCartRequest, error) {
	body := client.PutCartRequest{Lines: []client.CartLineInput{}}
	var faults []client.FieldError
	for i, l := range lines {
		n, err := wholeNumber(l.quantity)
		if err != nil {
			faults = append(faults, client.FieldError{
				Field: "lines[" + strconv.Itoa(i) + "].quantity", Message: "must be a whole number, such as 5",
			})
			continue
		}
		in := client.CartLineInput{ProductID: l.product, Quantity: n}
		if l.wasQuantity != "0" {
			in.ID = &l.id
		}
		if l.center != "" {
			in.CostCenter = client.Set(l.center)
		}
		body.Lines = append(body.Lines, in)
	}
	if len(faults) > 0 {
		return body, wrongFields(faults)
	}
	return body, nil
}

// wrongFields is web.Wrong for several fields.
func wrongFields(faults []client.FieldError) error {
	e := client.As(web.Wrong("", ""))
	e.Errors = faults
	return e
}

// barFault is what is wrong with what stands above the lines: what is given to several of them.
func barFault(f *view.Form) string {
	if f.Fault == nil {
		return ""
	}
	for _, e := range f.Fault.Fields {
		if e.Field == "costCenter" || e.Field == "selected" {
			return title(e.Message) + "."
		}
	}
	return ""
}

// undecidedNames are the products of lines that have no cost center.
func (v checkout) undecidedNames() []string {
	var names []string
	for _, l := range v.lines {
		if l.center == "" && !slices.Contains(names, l.name) {
			names = append(names, l.name)
		}
	}
	return names
}

// rows are both versions of a cart, by its lines.
func (v checkout) rows(f *view.Format) []view.Both {
	var rows []view.Both
	said := func(quantity, center string) string {
		if n, err := strconv.ParseInt(quantity, 10, 64); err == nil {
			quantity = f.Number(n)
		}
		if center == "" {
			return quantity + ", no cost center"
		}
		return quantity + ", " + v.centers.name(center)
	}
	for _, l := range v.lines {
		row := view.Both{Label: l.name, There: map[string][]string{
			"quantity-" + l.id: {l.wasQuantity}, "center-" + l.id: {l.wasCenter},
		}}
		if l.quantity != "0" {
			row.Yours = said(l.quantity, l.center)
		}
		if l.wasQuantity != "0" {
			row.Theirs = said(l.wasQuantity, l.wasCenter)
		}
		rows = append(rows, row)
	}
	return rows
}

// inCart is how many licenses are in the reader's cart.
func inCart(c *web.Context) int64 {
	var n int64
	for _, line := range c.Cart().Body.Lines {
		n += line.Quantity
	}
	return n
}

// newCenter is what the page that makes a cost center needs.
type newCenter struct {
	// ids are the lines that were selected, and to whom it may be given. What led here from where a
	// cost center is chosen is led back to, with nothing given.
	ids  []string
	to   []view.Option
	back string
}

// newCenterFrom is the page that makes a cost center and leads back to where one is chosen.
func newCenterFrom(c *web.Context, here string) string {
	return c.Link("cart", "new-cost-center") + "?back=" + queryEscape(here)
}

// madeName is the parameter of an address that names the cost center that was just made on the way there.
const madeName = "made"

// choosingMade leads back to a page on which a cost center is chosen, and names there what was made.
func choosingMade(back, code string) string {
	path, query := cut(back, "?")
	chooses := strings.HasSuffix(path, "/cost-center") || strings.HasSuffix(path, "/licenses/selected")
	if q, err := url.ParseQuery(query); err == nil && (chooses || q.Has("quantity")) {
		q.Set(madeName, code)
		return path + "?" + q.Encode()
	}
	return back
}

func showNewCenter(c *web.Context, f *view.Form) error {
	if err := c.Load(); err != nil {
		return err
	}
	n := newCenter{ids: c.Query()["line"], back: c.Back(f, "")}
	if n.back != "" {
		return c.Show("New cost center", newCenterPage(c, f, n))
	}
	if f.Values.Has("line") {
		n.ids = f.Values["line"]
	}
	if len(n.ids) > 0 {
		lines := c.Format().Count(int64(len(n.ids)), "line", "lines")
		n.to = append(n.to, view.Option{Value: "selected", Name: "Assign to Selected", Note: lines})
	}
	n.to = append(n.to,
		view.Option{Value: "none", Name: "Only make it"},
		view.Option{Value: "all", Name: "Assign to All", Note: "every line of the cart, whatever it has now"},
	)
	if !f.Values.Has("to") {
		f.Values.Set("to", n.to[0].Value)
	}
	return c.Show("New cost center", newCenterPage(c, f, n))
}

func sendNewCenter(c *web.Context, f *view.Form) error {
	ctx := c.R.Context()
	code, name := strings.TrimSpace(f.Get("code")), strings.TrimSpace(f.Get("name"))
	if code == "" {
		return web.Wrong("code", "must be given, such as CC-3")
	}
	if name == "" {
		name = code
	}
	change := c.ChangeOf(f, "center")
	change.New = true
	body := client.PutCostCenterRequest{Name: name, Fenced: fencedOf(f)}
	if _, err := c.API.PutCostCenter(ctx, code, body, change); err != nil {
		if client.Is(err, "precondition-failed") {
			return web.Wrong("code", "is a cost center already: choose it in the cart, or take another code")
		}
		return err
	}
	charge := client.ChargeCartRequest{CostCenter: code}
	switch f.Get("to") {
	case "none", "":
		return c.Done(choosingMade(c.Back(f, c.Link("cart")), code), web.Good("The cost center "+code+" is made."))
	case "selected":
		ids := f.Values["line"]
		charge.LineIDs = &ids
	}
	if _, err := c.API.ChargeCart(ctx, charge, c.ChangeOf(f, "charge")); err != nil {
		if e := client.As(err); e == nil || e.Status >= http.StatusInternalServerError {
			return err // pressed again, it goes on where it was
		}
		return c.Done(c.Link("cart"), web.Warn("The cost center "+code+" is made, but not given to the lines.",
			"The cart has changed meanwhile: choose the lines again."))
	}
	return c.Done(c.Link("cart"), web.Good("The cost center "+code+" is made, and the lines are charged to it."))
}

// mostParts is how many parts a line is split into at once; a part can be split again.
const mostParts = 10

// division is a line that is split.
type division struct {
	line    client.CartViewLine
	name    string
	rows    []partRow
	centers centerList
	// yours is the quantity that the form was made for, if it is another one now.
	yours string
}

type partRow struct{ quantity, center, faultQuantity, faultCenter string }

func showSplit(c *web.Context, f *view.Form) error {
	var centers client.Answer[client.CostCenterPage]
	if err := c.Load(client.IfAllowed(client.Into(&centers, listCenters(c)))); err != nil {
		return err
	}
	cart := c.Cart()
	i := slices.IndexFunc(cart.Body.Lines, func(l client.CartViewLine) bool { return l.ID == c.Param("line") })
	switch {
	case !c.May(auth.BillingPurchase):
		return c.Show("Split", notSplitPage(c, division{})) // which says that it may not be shown
	case i < 0:
		return c.NotFound("This line is not in the cart any more. Look at the cart again.")
	}
	web.FromVersion(f, cart.ETag)
	d := division{line: cart.Body.Lines[i], name: lineOf(cart.Body.Lines[i]).name, centers: centersOf(centers)}
	if d.line.Quantity < 2 {
		return c.Show("Split", notSplitPage(c, d))
	}
	if f.Stale && f.Get("whole") != strconv.FormatInt(d.line.Quantity, 10) {
		d.yours = f.Get("whole")
	}
	d.typed(f, c.Query())
	return c.Show("Split "+d.name, splitPage(c, f, d))
}

// typed enters the parts as they were typed; + Part leads back with them in the address. A cost center that was
// made on the way goes to the first part that lacks one.
func (d *division) typed(f *view.Form, q url.Values) {
	again := f.Values.Has("quantity")
	if !again && q.Has("quantity") {
		f.Values["quantity"], f.Values["costCenter"] = q["quantity"], q["costCenter"]
	}
	d.rows = partRows(f, d.line, d.centers)
	lacks := func(r partRow) bool { return r.center == "" }
	if i := slices.IndexFunc(d.rows, lacks); i >= 0 && !again {
		d.rows[i].center = q.Get(madeName)
	}
}

func partRows(f *view.Form, line client.CartViewLine, centers centerList) []partRow {
	typed := f.Values["quantity"]
	n := int64(min(max(2, len(typed)), mostParts)) // as many as there were: none comes with a cost center
	if typed == nil {
		if n = min(mostParts, line.Quantity); centers.choose() {
			n = min(n, max(2, int64(len(centers.all))))
		}
	}
	rows := make([]partRow, n)
	if typed == nil {
		rows[0].quantity, rows[0].center = strconv.FormatInt(line.Quantity-line.Quantity/2, 10), line.CostCenter
		rows[1].quantity = strconv.FormatInt(line.Quantity/2, 10)
		return rows
	}
	chosen := f.Values["costCenter"]
	for i := range rows {
		if i < len(typed) && i < len(chosen) {
			rows[i].quantity, rows[i].center = typed[i], chosen[i]
		}
		at := "parts[" + strconv.Itoa(i) + "]."
		rows[i].faultQuantity, rows[i].faultCenter = f.FaultOf(at+"quantity"), f.FaultOf(at+"costCenter")
	}
	return rows
}

func sendSplit(c *web.Context, f *view.Form) error {
	here := c.Link("cart", "lines", c.Param("line"), "split")
	switch q := (url.Values{"quantity": f.Values["quantity"], "costCenter": f.Values["costCenter"]}); f.Get("do") {
	case "part":
		q["quantity"], q["costCenter"] = append(q["quantity"], ""), append(q["costCenter"], "")
		return c.GoTo(here + "?" + q.Encode())
	case "new":
		return c.GoTo(newCenterFrom(c, here+"?"+q.Encode()))
	}
	whole, err := strconv.ParseInt(f.Get("whole"), 10, 64)
	if err != nil {
		return web.Wrong("parts", "cannot be read; open the page again")
	}
	parts, places, err := typedParts(f, whole)
	if err != nil {
		return err
	}
	_, err = c.API.SplitCartLine(
		c.R.Context(),
		c.Param("line"),
		client.SplitCartLineRequest{Parts: parts},
		c.Change(f),
	)
	if err != nil {
		if e := client.As(err); e != nil {
			for i := range e.Errors {
				e.Errors[i].Field = places.of(e.Errors[i].Field)
			}
		}
		return err
	}
	return c.Done(c.Link("cart"), web.Good("The line is split into "+c.Format().Number(int64(len(parts)))+"."))
}

// partPlaces are the rows of the form that the parts stand in, since empty rows are left out.
type partPlaces []int

// of is the name of a field of the API's parts as the form has it.
func (p partPlaces) of(field string) string {
	rest, ok := strings.CutPrefix(field, "parts[")
	if !ok {
		return field
	}
	number, rest := cut(rest, "]")
	if i, err := strconv.Atoi(number); err == nil && i < len(p) {
		return "parts[" + strconv.Itoa(p[i]) + "]" + rest
	}
	return field
}

// typedParts are the parts that were typed. The one quantity that is left out is what remains.
func typedParts(f *view.Form, whole int64) (parts []client.SplitPart, places partPlaces, err error) {
	var faults []client.FieldError
	left, rest := -1, whole
	centers := f.Values["costCenter"]
	for i, typed := range f.Values["quantity"] {
		center := ""
		if i < len(centers) {
			center = strings.TrimSpace(centers[i])
		}
		if strings.TrimSpace(typed) == "" {
			if center == "" {
				continue
			}
			if left >= 0 {
				faults = append(faults, client.FieldError{
					Field: "parts[" + strconv.Itoa(
						i,
					) + "].quantity",
					Message: "must be given: only one part can be what remains",
				})
				continue
			}
			left = len(parts)
		}
		if center == "" {
			faults = append(faults, client.FieldError{
				Field:   "parts[" + strconv.Itoa(i) + "].costCenter",
				Message: "choose the cost center that pays for this part",
			})
		}
		n, err := wholeNumber(typed)
		if err != nil && left != len(parts) {
			faults = append(faults, client.FieldError{
				Field: "parts[" + strconv.Itoa(i) + "].quantity", Message: "must be a whole number, such as 5",
			})
		}
		rest -= n
		parts, places = append(parts, client.SplitPart{Quantity: n, CostCenter: center}), append(places, i)
	}
	if left >= 0 {
		parts[left].Quantity = rest
	}
	if len(faults) > 0 {
		return nil, nil, wrongFields(faults)
	}
	if fault := partsFault(parts, whole, left >= 0); fault != "" {
		return nil, nil, web.Wrong("parts", fault)
	}
	return parts, places, nil
}

// partsFault is what is wrong with the quantities of parts, and what to do about it; empty where they are
// the whole. remains says that one of them is what the others leave.
func partsFault(parts []client.SplitPart, whole int64, remains bool) string {
	sum, empty := int64(0), false
	for _, p := range parts {
		sum += max(p.Quantity, 0)
		empty = empty || p.Quantity < 1
	}
	n := func(n int64) string { return strconv.FormatInt(n, 10) }
	switch {
	case remains && (sum > whole || empty):
		return "nothing is left for the part without a quantity: make the other ones less than " + n(whole) + " together"
	case sum < whole:
		return "the quantities add up to " + n(sum) + " of " + n(whole) + ": add " + n(whole-sum) +
			" more, or leave one quantity empty, which then is what remains"
	case sum > whole:
		return "the quantities add up to " + n(sum) + " of " + n(whole) + ": take " + n(sum-whole) +
			" away, or leave one quantity empty, which then is what remains"
	}
	return ""
}

// review is a quote before it is ordered.
type review struct {
	quote   client.Quote
	centers centerList
	// was is the quote before it, if prices or the cart changed meanwhile.
	was client.Answer[client.Quote]
	// over says that it cannot be ordered any more.
	over bool
	effects
}

// orders is the request that orders a quote.
func orders(
	c *web.Context, quote string, acknowledged bool,
) func(context.Context, client.Change) (client.Answer[client.Order], error) {
	return func(ctx context.Context, change client.Change) (client.Answer[client.Order], error) {
		return c.API.PlaceOrder(ctx, client.PlaceOrderRequest{QuoteID: quote, Acknowledged: &acknowledged}, change)
	}
}

// served says that some of what is bought goes at once to who waits; empty where nobody does.
func (r review) served(f *view.Format) string {
	n := r.told.Effects.Counts.Gains
	if n == 0 {
		return ""
	}
	return f.Count(n, "of the new licenses goes", "of the new licenses go") + " at once to who waits for one, as below."
}

func showReview(c *web.Context, f *view.Form) error {
	var r review
	var quote client.Answer[client.Quote]
	var centers client.Answer[client.CostCenterPage]
	calls := []func(context.Context) error{
		client.Into(&quote, func(ctx context.Context) (client.Answer[client.Quote], error) {
			return c.API.GetQuote(ctx, c.Param("quote"))
		}),
		client.IfAllowed(client.Into(&centers, listCenters(c))),
	}
	// The quote itself says what is ordered, so the order is held to that, and to no plan.
	calls = append(calls, foretell(c, c.NewForm(), &r.effects, orders(c, c.Param("quote"), true))...)
	if was := c.Query().Get("was"); was != "" {
		calls = append(calls, func(ctx context.Context) error {
			old, err := c.API.GetQuote(ctx, was)
			if client.As(err) == nil { // it is only compared, and need not be there
				r.was = old
				return err
			}
			return nil
		})
	}
	if err := c.Load(calls...); err != nil {
		return err
	}
	if err := c.Load(r.names(c)...); err != nil {
		return err
	}
	r.quote, r.centers = quote.Body, centersOf(centers)
	r.over = !c.Now().Before(r.quote.ExpiresAt)
	if f.Fault != nil && slices.Contains([]string{"quote-expired", "quote-stale"}, f.Fault.Slug) {
		r.over = true
	}
	return c.Show("Review Order", reviewPage(c, f, r))
}

// compared says what has changed since the quote before.
func (r review) compared(f *view.Format) string {
	if r.was.Status == 0 {
		return ""
	}
	old := r.was.Body
	if old.DueToday == r.quote.DueToday && old.Recurring == r.quote.Recurring {
		return "The charges are the same as before: " + f.Money(r.quote.DueToday) + " today, and " +
			f.Money(r.quote.Recurring) + " a month."
	}
	return "Due today is " + f.Money(r.quote.DueToday) + "; it was " + f.Money(old.DueToday) + ". A month is " +
		f.Money(r.quote.Recurring) + "; it was " + f.Money(old.Recurring) + "."
}

func sendReview(c *web.Context, f *view.Form) error {
	ctx, id := c.R.Context(), c.Param("quote")
	if f.Get("do") == "again" {
		was, err := c.API.GetQuote(ctx, id)
		if err != nil {
			return err
		}
		quote, err := quoteOf(c, f, quotedLines(was.Body))
		if err != nil {
			return err
		}
		return c.GoTo(c.Link("cart", "review", quote.Body.ID) + "?was=" + queryEscape(id) + onTheWayBack(c, f, "&"))
	}
	order, err := orders(c, id, f.Get("acknowledged") == "yes")(ctx, c.ChangeOf(f, "order"))
	if e := client.As(err); e != nil && e.OrderID != "" {
		return placed(c, f, e.OrderID, web.Good("This was ordered already."))
	}
	if err != nil {
		if client.Is(err, "quote-stale") {
			e := client.As(err)
			e.Title, e.Detail = "The prices or the cart changed", "Nothing was ordered. Review the order again."
		}
		if e := client.As(err); e != nil && e.Slug() == "not-acknowledged" {
			e.Problem = client.As(web.Wrong("acknowledged", "tick the box to say so, then confirm")).Problem
		}
		return err
	}
	said := web.Good("Order " + order.Body.Number + " is placed: " + readySays(c, order.Body) + ".")
	return placed(c, f, order.Body.ID, said)
}

// readySays is what became of the licenses of an order: those that people waited for are given to
// them at once.
func readySays(c *web.Context, o client.Order) string {
	f := c.Format()
	given, err := c.API.ListLicenses(c.R.Context(), client.ListLicensesQuery{
		Order: o.ID, Status: []string{"assigned"}, Limit: mostNames,
	})
	n := int64(len(given.Body.Items))
	if err != nil || n == 0 { // who may not see licenses is told how many were bought
		return f.Count(o.LicenseCount, "license is", "licenses are") + " ready to be assigned"
	}
	if given.Body.NextCursor != "" {
		return f.Count(o.LicenseCount, "license", "licenses") + ", of which more than " + f.Number(n) +
			" were given to people who waited"
	}
	return f.Count(n, "license was", "licenses were") + " given to people who waited, " +
		f.Count(o.LicenseCount-n, "is", "are") + " free"
}

// placed leads to the order, or to where one who may not read orders can go on.
func placed(c *web.Context, f *view.Form, order string, said view.Flash) error {
	if err := c.Load(); err == nil && !c.May(auth.BillingRead) {
		return c.Done(c.Back(f, c.Link("purchase")), said)
	}
	return c.Done(c.Link("billing", "orders", order)+"?placed=1"+onTheWayBack(c, f, "&"), said)
}
