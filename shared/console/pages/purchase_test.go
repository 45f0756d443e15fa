package pages_test

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"seatwise/infra/testing/consolewalk"
	"seatwise/shared/console/client"
)

// tile is the form of the purchase page, which has a tile of a product.
func tile(t *testing.T, page *consolewalk.Page, product string) *consolewalk.Form {
	t.Helper()
	for _, f := range page.Forms() {
		if f.Values.Has("quantity-" + product) {
			return f
		}
	}
	t.Fatalf("%s has no tile of %s: %s", page.URL, product, page.Text())
	return nil
}

// cartOf is the cart of the person whom the API is called as.
func cartOf(t *testing.T, api *client.Client) client.CartView {
	t.Helper()
	cart, err := api.GetCart(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return cart.Body
}

// put gives the person a cart of lines: product, quantity, cost center.
func put(t *testing.T, api *client.Client, lines ...client.CartLineInput) client.CartView {
	t.Helper()
	body := client.PutCartRequest{Lines: append([]client.CartLineInput{}, lines...)}
	cart, err := api.PutCart(t.Context(), body, client.Change{Key: rand.Text()})
	if err != nil {
		t.Fatal(err)
	}
	return cart.Body
}

func line(product string, quantity int64, center string) client.CartLineInput {
	l := client.CartLineInput{ProductID: product, Quantity: quantity}
	if center != "" {
		l.CostCenter = client.Set(center)
	}
	return l
}

// press sends a form by one of its buttons.
func press(b *consolewalk.Browser, f *consolewalk.Form, button string) *consolewalk.Page {
	f.Set("do", button)
	return b.Submit(f)
}

// orders are those of the account.
func orders(t *testing.T, api *client.Client) []client.Order {
	t.Helper()
	list, err := api.ListOrders(t.Context(), client.ListOrdersQuery{})
	if err != nil {
		t.Fatal(err)
	}
	return list.Body.Items
}

// The steps of the portals: Billing, Purchase, Analytics, a quantity, Add to Cart, Check Out,
// Assign to All, Split, Next, the acknowledgement, Confirm, the statement, Done.
func TestBuyAsInThePortals(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")

	billing := b.Get(b.Get("/console/acme/").Link("Billing"))
	shop := b.Get(b.Get(billing.Link("Purchase")).Link("Analytics"))
	shop.Says("Live Reports", "$25.00", "You have none yet.")
	shop.Hides("Phone System")
	form := tile(t, shop, "live-reports")
	form.Set("quantity-live-reports", "12")
	form.Set("quantity-call-queue-booster", "7")
	added := press(b, form, "add:live-reports")
	added.Says("12 Live Reports put into the cart.")
	if got := added.URL.Query().Get("category"); got != "Analytics" {
		t.Errorf("the filter is %q after something was added", got)
	}

	form = tile(t, added, "live-reports")
	if one, other := form.Values.Get(
		"quantity-live-reports",
	), form.Values.Get(
		"quantity-call-queue-booster",
	); one != "1" ||
		other != "7" {
		t.Errorf(
			"after one was put into the cart it shows %q, want 1, and the other tile %q, want the 7 typed",
			one,
			other,
		)
	}

	cart := b.Get(added.Link("Check Out"))
	cart.Says("Live Reports", "$25.00", "$300.00", "There is no cost center yet for Live Reports.")
	form = cart.Post()
	form.Set("costCenter", "CC-1")
	cart = press(b, form, "all")
	cart.Says("1 line is charged to CC-1.")
	cart.Hides("There is no cost center yet")

	split := press(b, cart.Post(), "split:1")
	split.Says("Divide its 12 licenses among cost centers.")
	form = split.Post()
	form.Set("do", "part") // a part more, and what was typed stays
	form.Set("quantity", "5", "7")
	form.Set("costCenter", "CC-1", "CC-2")
	split = b.Submit(form)
	form = split.Post()
	if got := form.Values["quantity"]; len(got) != 3 || got[0] != "5" || got[1] != "7" || got[2] != "" {
		t.Errorf("the parts are %q", got)
	}
	form.Set("quantity", "7", "")
	form.Set("costCenter", "CC-1", "CC-2")
	cart = b.Submit(form)
	cart.Says("The line is split into 2.")
	if lines := cartOf(
		t,
		api,
	).Lines; len(lines) != 2 || lines[0].Quantity != 7 || lines[1].Quantity != 5 ||
		lines[1].CostCenter != "CC-2" {
		t.Fatalf("the cart has %+v", lines)
	}

	review := press(b, cart.Post(), "next")
	review.Says("Review Order", "CC-1 Support", "CC-2 Sales", "$300.00", "$175.00", "$125.00", "next billing date")
	form = review.Post()
	form.Set("acknowledged", "yes")
	placed := press(b, form, "order")
	all := orders(t, api)
	if len(all) != 1 || all[0].LicenseCount != 12 {
		t.Fatalf("the orders are %+v", all)
	}
	placed.Says(
		"Order "+all[0].Number+" is placed: 12 licenses are ready to be assigned.",
		"Statement",
		"Acknowledgement",
	)
	if n := len(cartOf(t, api).Lines); n != 0 {
		t.Errorf("the cart still has %d lines", n)
	}
	done := b.Get(placed.Link("Done"))
	done.Says("License Type", "12 licenses on this page")
	centers := map[string]int{}
	for _, l := range licensesOf(t, api, "live-reports") {
		centers[l.CostCenter]++
	}
	if centers["CC-1"] != 7 || centers["CC-2"] != 5 {
		t.Errorf("the licenses are charged to %v", centers)
	}
	pdf := b.Get(placed.Link("PDF"))
	if pdf.Status != http.StatusOK || !strings.HasPrefix(pdf.HTML, "%PDF-") ||
		pdf.Header.Get("Content-Type") != "application/pdf" {
		t.Errorf("the PDF is %d, %s, %.20q", pdf.Status, pdf.Header.Get("Content-Type"), pdf.HTML)
	}
	list := b.Get("/console/acme/billing/orders?q=" + strings.ReplaceAll(all[0].Number, "-", ""))
	list.Says(all[0].Number, "12")
	b.Get("/console/acme/billing/orders?q=100000000").Says("There is no order of this number.")
}

// Buy now leads to the checkout of that product alone, and leaves what is in the cart; the same product put
// into the cart twice is one line until its cost centers are chosen.
func TestBuyNow(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 2})
	b := c.SignIn(t, "acme", "ada")
	shop := b.Get("/console/acme/purchase?product=live-reports&quantity=3")
	shop.Says("You have 2, 2 of them free.", "Charged as they are used", "Add-ons of Phone System")
	form := tile(t, shop, "live-reports")
	if got := form.Values.Get("quantity-live-reports"); got != "3" {
		t.Errorf("a link that asks for 3 shows %s", got)
	}
	put(t, api, line("phone-system", 2, "CC-2"))
	buying := press(b, form, "buy:live-reports")
	if buying.URL.Path != "/console/acme/cart/now" {
		t.Errorf("Buy now leads to %s", buying.URL)
	}
	buying.Says("Buy Live Reports now", "Only this is bought. What is in your cart, 2 licenses, stays there.")
	press(b, buying.Post(), "next").Says("Choose the cost center that pays for it")
	chosen := buying.Post()
	chosen.Set("costCenter", "CC-1")
	review := press(b, chosen, "next")
	review.Says("Review Order", "$75.00")
	review.Hides("Phone System")
	want := "cart/now?product=live-reports&quantity=3&costCenter=CC-1"
	if back := review.Link("Back"); !strings.Contains(back, want) {
		t.Errorf("the review leads back to %s", back)
	}
	again := press(b, review.Post(), "again")
	again.Says("The charges are the same as before")
	confirmed := again.Post()
	confirmed.Set("acknowledged", "yes")
	press(b, confirmed, "order").Says("3 licenses are ready to be assigned")
	if lines := cartOf(t, api).Lines; len(lines) != 1 || lines[0].ProductID != "phone-system" {
		t.Errorf("after Buy now the cart has %+v", lines)
	}
	put(t, api)
	press(b, buying.Post(), "cart").Says("Live Reports", "What is in the cart")
	press(b, tile(t, b.Get("/console/acme/purchase"), "live-reports"), "add:live-reports")
	if lines := cartOf(t, api).Lines; len(lines) != 1 || lines[0].Quantity != 4 {
		t.Errorf("the cart has %+v", lines)
	}
	press(b, tile(t, b.Get("/console/acme/purchase"), "developer"), "buy:developer").
		Says("What is in your cart, 4 licenses, stays there.")
	alone := client.PutCartRequest{Lines: []client.CartLineInput{{ProductID: "live-reports", Quantity: 4}}}
	if _, err := api.PutCart(t.Context(), alone, client.Change{Key: "alone"}); err != nil {
		t.Fatal(err)
	}
	for typed, says := range map[string]string{
		"": "Must be a whole number", "abc": "Must be a whole number", "0": "", "10001": "",
	} {
		form := tile(t, b.Get("/console/acme/purchase"), "phone-system")
		form.Set("quantity-phone-system", typed)
		form.Set("quantity-live-reports", "9")
		page := press(b, form, "add:phone-system")
		if page.Status != http.StatusUnprocessableEntity {
			t.Errorf("a quantity of %q is answered by %d", typed, page.Status)
		}
		page.Says(says)
		if got := tile(t, page, "phone-system").Values.Get("quantity-phone-system"); got != typed {
			t.Errorf("%q was typed and %q is there", typed, got)
		}
		if got := tile(t, page, "live-reports").Values.Get("quantity-live-reports"); got != "9" {
			t.Errorf("9 was typed for another product, and after a refusal %q is there", got)
		}
	}
	if n := len(cartOf(t, api).Lines); n != 1 {
		t.Errorf("the cart has %d lines after refusals", n)
	}
	// Enter in a field: the one quantity that was typed, or a question.
	enter := tile(t, b.Get("/console/acme/purchase"), "phone-system")
	press(b, enter, "typed").Says("Press Add to Cart beside the product that you want")
	enter.Set("quantity-phone-system", "2")
	press(b, enter, "typed").Says("2 Phone System put into the cart.")
}

// What is bought now is divided among cost centers as a line of the cart is, and the review leads back to its
// parts.
func TestBuyNowForSeveralCostCenters(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	buying := b.Get("/console/acme/cart/now?product=live-reports&quantity=7&costCenter=CC-2")
	one := buying.Post()
	one.Set("quantity", "1")
	press(b, one, "split").Says("Must be 2 to 10000 to be split.")
	page := press(b, buying.Post(), "split")
	page.Says("Buy Live Reports now", "Divide the 7 licenses among cost centers.")
	form := page.Post()
	proposed := form.Values["costCenter"]
	if got := form.Values["quantity"]; !slices.Equal(got, []string{"4", "3"}) || proposed[0] != "CC-2" {
		t.Errorf("it proposes %v for %v", got, proposed)
	}
	press(b, form, "next").Says("Choose the cost center that pays for this part.")
	form.Set("quantity", "4", "2")
	form.Set("costCenter", "CC-2", "CC-1")
	press(b, form, "next").Says("The quantities add up to 6 of 7: add 1 more, or leave one quantity empty")
	form.Set("quantity", "8", "")
	if p := press(b, form, "next"); p.Status != http.StatusUnprocessableEntity {
		t.Errorf("a part of -1: %d", p.Status)
	}
	form.Set("quantity", "4", "")
	press(b, form, "new").Says("New cost center")
	review := press(b, form, "next")
	review.Says("Review Order", "$175.00", "CC-1", "CC-2")
	back := b.Get(review.Link("Back")).Post()
	kept := back.Values["costCenter"]
	if got := back.Values["quantity"]; !slices.Equal(got, []string{"4", "3"}) || kept[1] != "CC-1" {
		t.Errorf("the review leads back to %v for %v", got, kept)
	}
	confirmed := review.Post()
	confirmed.Set("acknowledged", "yes")
	press(b, confirmed, "order").Says("7 licenses are ready to be assigned")
	for center, want := range map[string]int{"CC-1": 3, "CC-2": 4} {
		list, err := api.ListLicenses(t.Context(), client.ListLicensesQuery{CostCenter: []string{center}})
		if err != nil || len(list.Body.Items) != want {
			t.Errorf("%s has %d, want %d: %v", center, len(list.Body.Items), want, err)
		}
	}
	if p := b.Get("/console/acme/cart/now/split?product=live-reports&whole=1"); p.Status != http.StatusNotFound {
		t.Errorf("one license: %d", p.Status)
	}
}

// Quantities and cost centers are changed in the lines, and lines are taken out, one or the
// selected ones.
func TestChangeTheCart(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	put(t, api, line("live-reports", 2, ""), line("phone-system", 3, ""), line("auto-attendant", 1, ""))
	b := c.SignIn(t, "acme", "ada")

	form := b.Get("/console/acme/cart").Post()
	form.Set("quantity-1", "5")
	form.Set("center-2", "CC-2")
	saved := press(b, form, "save")
	saved.Says("The cart is saved.", "$125.00")
	form = saved.Post()
	form.Set("selected", "1", "3")
	form.Set("costCenter", "CC-1")
	press(b, form, "selected").Says("2 lines are charged to CC-1.")
	var got []string
	for _, l := range cartOf(t, api).Lines {
		got = append(got, l.ID+" "+strconv.FormatInt(l.Quantity, 10)+" "+l.CostCenter)
	}
	if want := "1 5 CC-1, 2 3 CC-2, 3 1 CC-1"; strings.Join(got, ", ") != want {
		t.Errorf("the cart has %v, not %s", got, want)
	}

	form = b.Get("/console/acme/cart").Post()
	refused := press(b, form, "selected")
	refused.Says("Choose a cost center first.")
	form = refused.Post()
	form.Set("costCenter", "CC-1")
	press(b, form, "selected").Says("Tick the boxes of the lines first")

	form = b.Get("/console/acme/cart").Post()
	form.Set("quantity-2", "many")
	form.Set("quantity-3", "99999")
	refused = press(b, form, "save")
	if refused.Status != http.StatusUnprocessableEntity {
		t.Errorf("quantities that are none are answered by %d", refused.Status)
	}
	refused.Says("Must be a whole number")
	if v := refused.Post().Values; v.Get("quantity-2") != "many" || v.Get("quantity-3") != "99999" {
		t.Errorf("what was typed is gone: %v", v)
	}

	press(b, b.Get("/console/acme/cart").Post(), "delete:2").Says("Phone System out of the cart")
	form = b.Get("/console/acme/cart").Post()
	form.Set("selected", "1", "3")
	press(b, form, "delete-selected").Says("2 lines are out of the cart.", "The cart is empty.", "Purchase licenses")
}

// A line is deleted whatever stands in its quantity: the browser does not ask for a better one first,
// and what is said is what was in the cart.
func TestALineIsDeletedWhateverItsQuantity(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	body := client.PutCartRequest{Lines: []client.CartLineInput{{ProductID: "phone-system", Quantity: 3}}}
	if _, err := api.PutCart(t.Context(), body, client.Change{Key: "p"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	page := b.Get("/console/acme/cart")
	free := 0
	for _, button := range page.Elements("button") {
		for _, a := range button.Attr {
			if a.Key == "formnovalidate" {
				free++
			}
		}
	}
	if free != 2 {
		t.Errorf("%d buttons delete without a look at the fields, want 2", free)
	}
	form := page.Post()
	form.Set("quantity-1", "0")
	page = press(b, form, "delete:1")
	page.Says("3 Phone System out of the cart.", "The cart is empty.")
	page.Hides("the other lines")
}

// Deleted. Undo puts the lines back as they were: their number, their cost center, their place.
func TestADeletionFromTheCartIsUndone(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	in := func(product string, n int64, center string) client.CartLineInput {
		return client.CartLineInput{ProductID: product, Quantity: n, CostCenter: client.Set(center)}
	}
	lines := []client.CartLineInput{
		in("live-reports", 5, "CC-1"), in("phone-system", 3, "CC-1"), in("team_chat", 2, "CC-1"),
	}
	if _, err := api.PutCart(t.Context(), client.PutCartRequest{Lines: lines}, client.Change{Key: "p"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	said := func(want string) {
		t.Helper()
		cart, err := c.API(t, "acme", "ada").GetCart(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range cart.Body.Lines {
			got = append(got, fmt.Sprint(l.ProductID, " ", l.Quantity, " ", l.CostCenter))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("the cart has %q, want %q", got, want)
		}
	}
	const all = "live-reports 5 CC-1, phone-system 3 CC-1, team_chat 2 CC-1"
	deleted := press(b, b.Get("/console/acme/cart").Post(), "delete:2")
	deleted.Says("Phone System out of the cart", "Deleted. Undo")
	said("live-reports 5 CC-1, team_chat 2 CC-1")
	b.Submit(deleted.Post()).Says("What was deleted is in the cart again, as it was.")
	said(all)
	b.Submit(deleted.Post()).Says("What was deleted is in the cart again") // pressed twice
	said(all)
	b.Get("/console/acme/cart").Hides("Undo")

	form := b.Get("/console/acme/cart").Post()
	var ids []string
	cart, err := api.GetCart(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range cart.Body.Lines {
		ids = append(ids, l.ID)
	}
	form.Set("selected", ids...)
	emptied := press(b, form, "delete-selected")
	emptied.Says("The cart is empty.", "Undo")
	if _, err := api.AddCartLine(t.Context(), client.AddCartLineRequest{ProductID: "developer", Quantity: 1},
		client.Change{Key: "more"}); err != nil {
		t.Fatal(err)
	}
	b.Submit(emptied.Post()).Says("Somebody else has changed this") // by now there is something else in it
	said("developer 1 ")
}

// A line without a cost center stops the order beside its line, whatever else was typed is kept,
// and Next then goes on.
func TestALineWithoutACostCenter(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	put(t, api, line("live-reports", 2, "CC-1"), line("phone-system", 3, ""))
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/cart").Post()
	form.Set("quantity-1", "4")
	refused := press(b, form, "next")
	refused.Says("The order is not complete yet", "Must be chosen.", "There is no cost center yet for Phone System.")
	form = refused.Post()
	form.Set("center-2", "CC-2")
	review := press(b, form, "next")
	if review.Status != http.StatusOK || !strings.Contains(review.URL.Path, "/cart/review/") {
		t.Fatalf("%d at %s: %s", review.Status, review.URL, review.Text())
	}
	review.Says("$100.00", "$59.97", "$159.97")
}

// An account with one cost center need not choose it.
func TestOneCostCenter(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	if _, err := api.DeleteCostCenter(t.Context(), "CC-2", client.Change{Key: "d"}); err != nil {
		t.Fatal(err)
	}
	put(t, api, line("live-reports", 2, ""))
	b := c.SignIn(t, "acme", "ada")
	review := press(b, b.Get("/console/acme/cart").Post(), "next")
	review.Says("Review Order", "CC-1 Support")
}

// A cost center is made on the way, for the selected lines or for all; what was typed before is
// saved.
func TestANewCostCenterOnTheWay(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	put(t, api, line("live-reports", 2, ""), line("phone-system", 3, "CC-1"))
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/cart").Post()
	form.Set("quantity-1", "6")
	form.Set("selected", "1")
	page := press(b, form, "new")
	page.Says("New cost center", "Assign to Selected", "Assign to All")
	form = page.Post()
	if got := form.Values.Get("to"); got != "selected" {
		t.Errorf("%q is chosen for who selected a line", got)
	}
	form.Set("code", "CC-1")
	taken := b.Submit(form)
	taken.Says("Is a cost center already")
	form = taken.Post()
	long := strings.Repeat("L", 58)
	form.Set("code", long)
	form.Set("name", "<script>alert(1)</script> مركز")
	made := b.Submit(form)
	made.Says("The cost center "+long+" is made, and the lines are charged to it.", "<script>alert(1)</script>")
	if strings.Contains(made.HTML, "<script>alert") {
		t.Error("a name is a script on the page")
	}
	lines := cartOf(t, api).Lines
	if lines[0].CostCenter != long || lines[0].Quantity != 6 || lines[1].CostCenter != "CC-1" {
		t.Errorf("the cart has %+v", lines)
	}
}

// Parts that do not fit are refused beside them, and empty rows between them do not count.
func TestSplitThatDoesNotFit(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	if _, err := api.PutCostCenter(
		t.Context(),
		"CC-3",
		client.PutCostCenterRequest{Name: "Lobby"},
		client.Change{Key: "c"},
	); err != nil {
		t.Fatal(err)
	}
	put(t, api, line("live-reports", 9, "CC-1"), line("phone-system", 1, ""))
	b := c.SignIn(t, "acme", "ada")
	const path = "/console/acme/cart/lines/1/split"
	form := b.Get(path).Post()
	form.Set("quantity", "4", "", "4")
	form.Set("costCenter", "CC-1", "", "CC-3")
	refused := b.Submit(form)
	refused.Says("The quantities add up to 8 of 9: add 1 more, or leave one quantity empty, which then is what remains.")
	form = refused.Post()
	form.Set("costCenter", "CC-1", "", "")
	form.Set("quantity", "4", "", "5")
	refused = b.Submit(form)
	refused.Says("Choose the cost center that pays for this part.")
	refused.Hides("characters", "Must be given")
	form = refused.Post()
	form.Set("costCenter", "CC-1", "", "CC-9")
	form.Set("quantity", "4", "", "5")
	refused = b.Submit(form)
	if at, there := strings.Index(
		refused.HTML,
		`id="fc-2"`,
	), strings.Contains(
		refused.HTML,
		`id="fc-1"`,
	); at < 0 ||
		there {
		t.Errorf("the fault is not beside the third part: %s", refused.Text())
	}
	form = refused.Post()
	form.Set("costCenter", "CC-1", "", "CC-3")
	form.Set("quantity", "4", "", "5")
	b.Submit(form).Says("The line is split into 2.")
	b.Get("/console/acme/cart/lines/2/split").Says("There is one license in this line")
	if p := b.Get("/console/acme/cart/lines/77/split"); p.Status != http.StatusNotFound {
		t.Errorf("a line that is not there: %d", p.Status)
	}

	// The line changes while its parts are thought about.
	form = b.Get("/console/acme/cart/lines/1.2/split").Post()
	form.Set("quantity", "3", "2")
	form.Set("costCenter", "CC-1", "CC-2")
	five := int64(6)
	if _, err := api.PatchCartLine(
		t.Context(),
		"1.2",
		client.PatchCartLineRequest{Quantity: &five},
		client.Change{Key: "p"},
	); err != nil {
		t.Fatal(err)
	}
	stale := b.Submit(form)
	if stale.Status != http.StatusPreconditionFailed {
		t.Errorf("%d", stale.Status)
	}
	stale.Says("The cart has changed while you had this open.", "The line had 5 licenses and has 6 now.")
	form = stale.Post()
	form.Set("quantity", "3", "3")
	b.Submit(form).Says("The line is split into 2.")
}

// Of two tabs the slower one sees both carts, and chooses; saving its own leaves no line of the
// other's.
func TestTwoTabsOfACart(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	put(t, api, line("live-reports", 2, "CC-1"))
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/cart").Post()
	form.Set("quantity-1", "8")
	put(t, api, line("phone-system", 3, "CC-2"))
	both := press(b, form, "next")
	if both.Status != http.StatusPreconditionFailed {
		t.Fatalf("%d %s", both.Status, both.Text())
	}
	both.Says(
		"Somebody else has changed this",
		"Live Reports",
		"8, CC-1 Support",
		"Phone System",
		"3, CC-2 Sales",
		"Keep what is there",
	)
	both.Hides("live-reports", "no longer sold")
	gone := press(b, renamed(form, "live-reports", "fax-line"), "next")
	gone.Says("fax-line, which is no longer sold")
	if lines := cartOf(t, api).Lines; len(lines) != 1 || lines[0].ProductID != "phone-system" {
		t.Errorf("the cart has %+v before a choice was made", lines)
	}
	both.Says("both changed it: choose", "only somebody else changed it")
	b.Submit(mine(both)).Says("The cart is saved.")
	got := map[string]int64{}
	for _, l := range cartOf(t, api).Lines {
		got[l.ProductID] = l.Quantity
	}
	if want := map[string]int64{"live-reports": 8, "phone-system": 3}; !maps.Equal(got, want) {
		t.Errorf("the cart has %v, want %v", got, want)
	}
}

// renamed is a form whose lines were of another product, as of one that the catalog had then.
func renamed(f *consolewalk.Form, product, was string) *consolewalk.Form {
	for i, value := range f.Values["line"] {
		f.Values["line"][i] = strings.ReplaceAll(value, product, was)
	}
	return f
}

// Of the two carts each line is chosen for itself.
func TestTwoCartsLineByLine(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	put(t, api, line("live-reports", 2, "CC-1"), line("developer", 1, "CC-1"))
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/cart").Post()
	form.Set("quantity-1", "8")
	form.Set("quantity-2", "4")
	theirs := client.PutCartRequest{Lines: []client.CartLineInput{
		{ID: new("1"), ProductID: "live-reports", Quantity: 3, CostCenter: client.Set("CC-2")},
		{ProductID: "phone-system", Quantity: 5, CostCenter: client.Set("CC-2")},
		{ProductID: "auto-attendant", Quantity: 6, CostCenter: client.Set("CC-2")},
	}}
	if _, err := api.PutCart(t.Context(), theirs, client.Change{Key: "theirs"}); err != nil {
		t.Fatal(err)
	}
	both := press(b, form, "save")
	both.Says("choose for each line that differs", "Live Reports, there now: 3, CC-2 Sales", "Save what is chosen")
	chosen := both.Post()
	chosen.Set("_pick.center-1,quantity-1", "there")
	chosen.Set("_pick.center-2,quantity-2", "yours")
	auto := ""
	for _, l := range cartOf(t, api).Lines {
		if l.ProductID == "auto-attendant" {
			auto = l.ID
		}
	}
	chosen.Set("_pick.center-"+auto+",quantity-"+auto, "yours")
	b.Submit(chosen).Says("The cart is saved.")
	got := map[string]int64{}
	for _, l := range cartOf(t, api).Lines {
		got[l.ProductID+" "+l.CostCenter] = l.Quantity
	}
	want := map[string]int64{"live-reports CC-2": 3, "developer CC-1": 4, "phone-system CC-2": 5}
	if !maps.Equal(got, want) {
		t.Errorf("the cart has %v, want %v", got, want)
	}
}

// reviewed is a cart at its last step.
func reviewed(t *testing.T, b *consolewalk.Browser) *consolewalk.Page {
	t.Helper()
	page := press(b, b.Get("/console/acme/cart").Post(), "next")
	if !strings.Contains(page.URL.Path, "/cart/review/") {
		t.Fatalf("%d at %s: %s", page.Status, page.URL, page.Text())
	}
	return page
}

// What was typed into the cart is there after more was looked for.
func TestAddMoreKeepsWhatWasTyped(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	line := client.AddCartLineRequest{ProductID: "live-reports", Quantity: 3}
	if _, err := api.AddCartLine(t.Context(), line, client.Change{Key: "1"}); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/cart").Post()
	for name := range form.Values {
		if strings.HasPrefix(name, "quantity-") {
			form.Set(name, "7")
		}
	}
	if shop := press(b, form, "more"); shop.URL.Path != "/console/acme/purchase" {
		t.Errorf("it leads to %s", shop.URL)
	}
	cart, err := api.GetCart(t.Context())
	if err != nil || len(cart.Body.Lines) != 1 || cart.Body.Lines[0].Quantity != 7 {
		t.Errorf("the cart has %+v, %v", cart.Body.Lines, err)
	}
}

// However often Confirm is pressed, it is one order.
func TestConfirmTwice(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	put(t, api, line("live-reports", 2, "CC-1"))
	b := c.SignIn(t, "acme", "ada")
	review := reviewed(t, b)
	form, other := review.Post(), b.Get(review.URL.Path).Post()
	for _, f := range []*consolewalk.Form{form, other} {
		f.Set("acknowledged", "yes")
		f.Set("do", "order")
	}
	var all sync.WaitGroup
	pages := make([]*consolewalk.Page, 4)
	for i := range pages {
		all.Go(func() { pages[i] = b.Submit(form) })
	}
	all.Wait()
	// One more press, and one in another tab, which has a key of its own.
	for _, p := range slices.Concat(pages, []*consolewalk.Page{b.Submit(form), b.Submit(other)}) {
		if p.Status != http.StatusOK || !strings.Contains(p.URL.Path, "/billing/orders/") {
			t.Errorf("%d at %s: %s", p.Status, p.URL, p.Text())
		}
	}
	if all := orders(t, api); len(all) != 1 {
		t.Errorf("there are %d orders", len(all))
	}
	b.Get(review.URL.Path).Says("This was ordered.")
}

// Without the acknowledgement nothing is ordered, and it is said beside the box.
func TestNotAcknowledged(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	put(t, api, line("live-reports", 2, "CC-1"))
	b := c.SignIn(t, "acme", "ada")
	refused := press(b, reviewed(t, b).Post(), "order")
	refused.Says("Tick the box to say so, then confirm.")
	if n := len(orders(t, api)); n != 0 {
		t.Errorf("there are %d orders", n)
	}
	form := refused.Post()
	form.Set("acknowledged", "yes")
	press(b, form, "order").Says("is placed: 2 licenses")
}

// After half an hour the charges are not offered any more; they are worked out again, with what has
// changed.
func TestAQuoteThatExpired(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	put(t, api, line("live-reports", 2, "CC-1"))
	b := c.SignIn(t, "acme", "ada")
	review := reviewed(t, b)
	form := review.Post()
	c.Forward(31 * time.Minute)
	form.Set("acknowledged", "yes")
	refused := press(b, form, "order")
	refused.Says("The quote has expired", "Review the charges again")
	refused.Hides("Confirm")
	late := b.Get(review.URL.Path)
	late.Says("These charges are not offered any more.", "What you chose is still there")
	again := press(b, late.Post(), "again")
	again.Says("The charges are the same as before: ", "Confirm")
	form = again.Post()
	form.Set("acknowledged", "yes")
	press(b, form, "order").Says("is placed: 2 licenses")
	if n := len(orders(t, api)); n != 1 {
		t.Errorf("there are %d orders", n)
	}
}

// A cart that has changed since its review is not ordered by it.
func TestAQuoteThatIsStale(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	put(t, api, line("live-reports", 2, "CC-1"))
	b := c.SignIn(t, "acme", "ada")
	form := reviewed(t, b).Post()
	put(t, api, line("live-reports", 3, "CC-1"))
	form.Set("acknowledged", "yes")
	refused := press(b, form, "order")
	refused.Says("The prices or the cart changed", "Review the charges again")
	again := press(b, refused.Post(), "again")
	again.Says("A month is $75.00; it was $50.00.", "Confirm")
	if n := len(orders(t, api)); n != 0 {
		t.Errorf("there are %d orders", n)
	}
}

// The page of an order says what everything was called when it was placed, as its paper does.
func TestAnOrderKeepsItsNames(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 2})
	_, err := api.PutCostCenter(
		t.Context(), "CC-1", client.PutCostCenterRequest{Name: "Academy"}, client.Change{Key: "academy"},
	)
	if err != nil {
		t.Fatal(err)
	}
	page := c.SignIn(t, "acme", "ada").Get("/console/acme/billing/orders/" + orders(t, api)[0].ID)
	page.Says("Support")
	page.Hides("Academy")
}

// Who may only read what is billed is offered nothing to buy, and refused; who may only buy, buys.
func TestWhoMayOnlyReadAndWhoMayOnlyBuy(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 2})
	reader := c.SignIn(t, "acme", "zoe", "billing.read")
	order := orders(t, api)[0]
	for _, path := range []string{
		"billing", "service-billing-details", "billing/orders", "billing/orders/" + order.ID,
	} {
		page := reader.Get("/console/acme/" + path)
		if page.Status != http.StatusOK {
			t.Errorf("%s: %d", path, page.Status)
		}
		if len(page.Links("Purchase licenses"))+len(page.Links("Purchase")) != 0 ||
			strings.Contains(page.HTML, "/acme/cart") ||
			strings.Contains(page.HTML, "/acme/licenses") {
			t.Errorf("%s offers what is not allowed", path)
		}
	}
	buyer := c.SignIn(t, "acme", "zoe", "billing.purchase", "catalog.read")
	form := tile(t, buyer.Get("/console/acme/purchase"), "live-reports")
	forced := press(reader, form, "add:live-reports")
	if forced.Status != http.StatusForbidden {
		t.Errorf("who may only read puts into a cart: %d", forced.Status)
	}
	form = press(buyer, form, "buy:live-reports").Post()
	form.Set("costCenter", "CC-1")
	review := press(buyer, form, "next")
	form = review.Post()
	form.Set("acknowledged", "yes")
	placed := press(buyer, form, "order")
	placed.Says("is placed: 1 license")
	if placed.Status != http.StatusOK {
		t.Errorf("%d at %s", placed.Status, placed.URL)
	}
	if n := len(orders(t, api)); n != 2 {
		t.Errorf("there are %d orders", n)
	}
}

// The billing details add up: by product, by cost center, and as a chart with the same figures.
func TestServiceBillingDetails(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 4, "phone-system": 2})
	if _, err := api.PutUser(
		t.Context(),
		"zoe",
		client.PutUserRequest{Name: "Zoe", Licenses: client.Set([]string{"professional-user"})},
		client.Change{Key: "u"},
	); err != nil {
		t.Fatal(err)
	}
	b := c.SignIn(t, "acme", "ada")
	page := b.Get(b.Get("/console/acme/billing").Link("Service Billing Details"))
	page.Says(
		"next billing date",
		"$139.98",
		"Live Reports",
		"$100.00",
		"Phone System",
		"$39.98",
		"CC-1 Support",
		"100 %",
		"Professional User",
		"Each is charged to the cost center of whoever has it",
	)
	if n := len(page.Elements("svg")); n != 1 {
		t.Errorf("there are %d charts", n)
	}
	empty := consolewalk.Start(t)
	empty.Account(t, "bare", nil)
	empty.SignIn(t, "bare", "ada").Get("/console/bare/service-billing-details").Says(
		"Nothing recurs yet.", "Purchase licenses",
	)
}

// A cost center can be made wherever one is chosen, and what was typed or chosen there is kept.
func TestNewCostCenterWhereOneIsChosen(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 2})
	put(t, api, line("live-reports", 12, "CC-1"))
	b := c.SignIn(t, "acme", "ada")
	split := b.Get("/console/acme/cart/lines/1/split").Post()
	split.Set("quantity", "4", "8")
	split.Set("costCenter", "CC-1", "")
	list := licensesOf(t, api, "live-reports")
	many := "/console/acme/licenses/selected?do=cost-center&license=" + list[0].ID + "~live-reports~"
	for code, page := range map[string]*consolewalk.Page{
		"CC-SPLIT": press(b, split, "new"),
		"CC-ONE":   b.Get(b.Get("/console/acme/licenses/" + list[0].ID + "/cost-center").Link("New cost center")),
		"CC-MANY":  b.Get(b.Get(many).Link("New cost center")),
	} {
		form := page.Post()
		form.Set("code", code)
		back := b.Submit(form)
		back.Says("The cost center " + code + " is made.")
		if !strings.Contains(back.HTML, `value="`+code+`"`) {
			t.Errorf("%s: %s does not offer it", code, back.URL)
		}
		got := back.Post().Values
		if code == "CC-SPLIT" && (!slices.Equal(got["quantity"], []string{"4", "8"}) ||
			!slices.Equal(got["costCenter"], []string{"CC-1", code})) {
			t.Errorf("4 for CC-1 and 8 were typed into Split, and %q is there after a cost center was made", got)
		}
	}
}

// Who makes a cost center while they buy comes back to the quantity that they typed, and to the new one chosen.
func TestNewCostCenterInBuyNow(t *testing.T) {
	c := consolewalk.Start(t)
	c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/cart/now?product=live-reports&quantity=1").Post()
	form.Set("quantity", "4")
	form.Set("costCenter", "CC-2")
	page := press(b, form, "new")
	left := b.Get(page.Link("Cancel")).Post().Values
	if left.Get("quantity") != "4" || left.Get("costCenter") != "CC-2" {
		t.Errorf("4 for CC-2 were typed, and after Cancel there is %v", left)
	}
	form = page.Post()
	form.Set("code", "CC-NEW")
	made := b.Submit(form)
	made.Says("The cost center CC-NEW is made.", "Buy Live Reports now")
	if got := made.Post().Values; got.Get("quantity") != "4" || got.Get("costCenter") != "CC-NEW" {
		t.Errorf("4 were typed and CC-NEW made, and there is %v", got)
	}
	press(b, made.Post(), "next").Says("Review Order", "$100.00")
}

// Who makes a cost center while they choose one for a license comes back to it chosen.
func TestNewCostCenterOfALicense(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", map[string]int64{"live-reports": 2})
	b := c.SignIn(t, "acme", "ada")
	owned := licensesOf(t, api, "live-reports")
	for code, path := range map[string]string{
		"CC-ONE": "licenses/" + owned[0].ID + "/cost-center",
		"CC-MANY": "licenses/selected?do=cost-center&license=" + owned[0].ID + "~live-reports~&license=" +
			owned[1].ID + "~live-reports~",
	} {
		page := b.Get("/console/acme/" + path)
		form := b.Get(page.Link("New cost center")).Post()
		form.Set("code", code)
		made := b.Submit(form)
		made.Says("The cost center " + code + " is made.")
		if got := made.Post().Values.Get("costCenter"); got != code {
			t.Errorf("%s was made on the way, and %s is chosen", code, got)
		}
	}
}

// afterBack is a form as a browser still has it after Back: what was sent from it is typed over.
func afterBack(f *consolewalk.Form, name, typed string) *consolewalk.Form {
	f.Set(name, typed)
	return f
}

// Who looks at the charges, goes back by the browser's own button and changes the cart sees the charges of
// what it is now, as often as they like; who sends the same twice has one quote.
func TestReviewAfterTheBrowsersBack(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	cart := put(t, api, line("phone-system", 2, "CC-1"), line("live-reports", 1, "CC-1"))
	b := c.SignIn(t, "acme", "ada")
	field := "quantity-" + cart.Lines[0].ID
	form := b.Get("/console/acme/cart").Post()
	first := press(b, form, "next")
	if again := press(b, form, "next"); again.URL.Path != first.URL.Path {
		t.Errorf("pressed twice there are %s and %s", first.URL, again.URL)
	}
	for _, typed := range []string{"3", "5", "3", "2"} {
		page := press(b, afterBack(form, field, typed), "next")
		page.Says("Review Order", typed)
		if is := cartOf(t, api).Lines[0].Quantity; strconv.FormatInt(is, 10) != typed {
			t.Fatalf("%s was typed, and the cart has %d", typed, is)
		}
		if again := press(b, form, "next"); again.URL.Path != page.URL.Path {
			t.Errorf("pressed twice with %s there are %s and %s", typed, page.URL, again.URL)
		}
		if quote := quoteAt(t, api, page); strconv.FormatInt(quote.Lines[0].Quantity, 10) != typed {
			t.Errorf("%s was typed, and the review has %d", typed, quote.Lines[0].Quantity)
		}
	}
	// A line that was deleted meanwhile from the same form is one again.
	press(b, form, "delete:"+cart.Lines[1].ID)
	if quote := quoteAt(t, api, press(b, afterBack(form, field, "4"), "next")); len(quote.Lines) != 2 {
		t.Errorf("%v", quote.Lines)
	}
	// What was changed elsewhere meanwhile is not overwritten.
	put(t, api, line("phone-system", 9, "CC-1"))
	if page := press(b, afterBack(form, field, "7"), "next"); page.Status != http.StatusPreconditionFailed {
		t.Errorf("%d: %s", page.Status, page.Text())
	}
}

// quoteAt is the quote that a review shows.
func quoteAt(t *testing.T, api *client.Client, page *consolewalk.Page) client.Quote {
	t.Helper()
	_, id, _ := strings.Cut(page.URL.Path, "/cart/review/")
	quote, err := api.GetQuote(t.Context(), id)
	if err != nil {
		t.Fatalf("%s: %v", page.URL, err)
	}
	return quote.Body
}

// Buy now goes on after Back as the cart does, by each of its buttons.
func TestBuyNowAfterTheBrowsersBack(t *testing.T) {
	c := consolewalk.Start(t)
	api := c.Account(t, "acme", nil)
	b := c.SignIn(t, "acme", "ada")
	form := b.Get("/console/acme/cart/now?product=phone-system&quantity=2&costCenter=CC-1").Post()
	first := press(b, form, "next")
	for _, typed := range []string{"2", "4", "6"} {
		page := press(b, afterBack(form, "quantity", typed), "next")
		if quote := quoteAt(t, api, page); strconv.FormatInt(quote.Lines[0].Quantity, 10) != typed {
			t.Errorf("%s was typed, and the review has %d", typed, quote.Lines[0].Quantity)
		}
		if same := page.URL.Path == first.URL.Path; same != (typed == "2") {
			t.Errorf("%s: %s after %s", typed, page.URL, first.URL)
		}
	}
	c.Forward(31 * time.Minute)
	if page := press(b, afterBack(form, "quantity", "2"), "next"); page.URL.Path == first.URL.Path {
		t.Error("a quote that has run out is shown again")
	}
	press(b, form, "cart")
	press(b, form, "cart")
	press(b, afterBack(form, "quantity", "3"), "cart").Hides("used for another request")
	if lines := cartOf(t, api).Lines; len(lines) != 2 || lines[0].Quantity+lines[1].Quantity != 5 {
		t.Errorf("%v", lines)
	}
}
