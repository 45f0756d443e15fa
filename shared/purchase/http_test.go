package purchase_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seatwise/infra/registry"
	"seatwise/infra/testing/dynamostore"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/account"
	"seatwise/shared/catalog"
	"seatwise/shared/catalog/catalogfile"
	"seatwise/shared/craft/money"
	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/period"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
	"seatwise/shared/purchase"
)

// shop is the module behind HTTP.
type shop struct {
	*fixtures.Fixture
	t testing.TB
	h http.Handler
}

func open(t testing.TB) *shop {
	t.Helper()
	return over(t, fixtures.New(t))
}

func over(t testing.TB, k *fixtures.Fixture) *shop {
	t.Helper()
	f := registry.One(k.Env, "PurchaseFunction", "BillingFunction", "StatementFunction")
	return &shop{Fixture: k, t: t, h: f.HTTP}
}

// stocked has the cost centers CC-1 and CC-2.
func stocked(t testing.TB) *shop {
	t.Helper()
	s := open(t)
	s.costCenters("CC-1", "CC-2")
	return s
}

func (s *shop) costCenters(codes ...string) {
	s.t.Helper()
	for _, code := range codes {
		fixtures.Decode[purchase.CostCenter](
			s.t,
			s.zoe("PUT", "/cost-centers/"+code, map[string]any{"name": "Center " + code}),
			http.StatusCreated,
		)
	}
}

var everything = []auth.Permission{auth.CatalogRead, auth.BillingRead, auth.BillingPurchase}

// zoe calls, with an idempotency key if one is given.
func (s *shop) zoe(method, path string, body any, key ...string) fixtures.Response {
	s.t.Helper()
	return s.as("zoe", method, path, body, key...)
}

func (s *shop) as(user, method, path string, body any, key ...string) fixtures.Response {
	s.t.Helper()
	r := fixtures.Request{
		Method:      method,
		Path:        "/v1/accounts/acme" + path,
		Body:        body,
		User:        user,
		Permissions: everything,
		Header:      map[string]string{},
	}
	if len(key) > 0 {
		r.Header["Idempotency-Key"] = key[0]
	}
	return s.Do(s.t, s.h, r)
}

func (s *shop) problem(r fixtures.Response, status int, slug string, fields ...string) {
	s.t.Helper()
	p := fixtures.Problem(s.t, r, status, slug)
	var named []string
	for _, f := range p.Errors {
		named = append(named, f.Field)
	}
	if !slices.Equal(named, fields) {
		s.t.Errorf("names %v, want %v: %s", named, fields, r.Body)
	}
}

// line is a line of a cart or of a quote.
func line(product string, quantity int, costCenter string) map[string]any {
	l := map[string]any{"productId": product, "quantity": quantity}
	if costCenter != "" {
		l["costCenter"] = costCenter
	}
	return l
}

func (s *shop) quote(lines ...map[string]any) purchase.Quote {
	s.t.Helper()
	return fixtures.Decode[purchase.Quote](
		s.t,
		s.zoe("POST", "/quotes", map[string]any{"lines": lines}),
		http.StatusCreated,
	)
}

func confirm(q purchase.Quote) map[string]any {
	return map[string]any{"quoteId": q.ID, "acknowledged": true}
}

func (s *shop) buy(lines ...map[string]any) purchase.Order {
	s.t.Helper()
	return fixtures.Decode[purchase.Order](
		s.t,
		s.zoe("POST", "/orders", confirm(s.quote(lines...))),
		http.StatusCreated,
	)
}

// licenses lists as every module does, by cost center.
func (s *shop) licenses(f inventory.Filter) map[string]int {
	s.t.Helper()
	seen := map[string]int{}
	for position := ""; ; {
		page, next, err := inventory.NewService(catalog.Default()).List(s.t.Context(), s.Call("test"), f, position, 200)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, l := range page {
			seen[l.CostCenter]++
		}
		if next == "" {
			return seen
		}
		position = next
	}
}

func (s *shop) billing() purchase.Billing {
	s.t.Helper()
	return fixtures.Decode[purchase.Billing](s.t, s.zoe("GET", "/billing", nil), http.StatusOK)
}

func (s *shop) orders() []purchase.Order {
	s.t.Helper()
	return fixtures.Decode[api.List[purchase.Order]](s.t, s.zoe("GET", "/orders", nil), http.StatusOK).Items
}

// TestThePath is step 2 of the main job: 12 Live Reports, split 7 and 5, quoted, acknowledged,
// ordered.
func TestThePath(t *testing.T) {
	s := stocked(t)
	r := s.zoe("PUT", "/cart", map[string]any{"lines": []any{line("live-reports", 12, "")}})
	cart := fixtures.Decode[purchase.Cart](t, r, http.StatusOK)
	if len(cart.Lines) != 1 || cart.Lines[0].ID == "" {
		t.Fatalf("cart %+v", cart)
	}
	s.problem(s.zoe("POST", "/quotes", nil), http.StatusUnprocessableEntity, "validation", "lines[0].costCenter")
	parts := map[string]any{"parts": []any{
		map[string]any{"quantity": 7, "costCenter": "CC-1"}, map[string]any{"quantity": 5, "costCenter": "CC-2"},
	}}
	cart = fixtures.Decode[purchase.Cart](
		t,
		s.zoe("POST", "/cart/lines/"+cart.Lines[0].ID+"/split", parts),
		http.StatusOK,
	)
	if len(cart.Lines) != 2 || cart.Lines[0].Quantity != 7 || cart.Lines[1].CostCenter != "CC-2" {
		t.Fatalf("cart %+v", cart)
	}

	q := fixtures.Decode[purchase.Quote](t, s.zoe("POST", "/quotes", nil), http.StatusCreated)
	// On 15 July, billed on the 1st: 17 of 31 days of 12 x 25.00.
	if q.Recurring != money.Of(30000, "USD") || q.DueToday != money.Of(16452, "USD") ||
		q.NextBillingDate != "2026-08-01" ||
		!q.ExpiresAt.Equal(fixtures.Start.Add(30*time.Minute)) ||
		len(q.ByCostCenter) != 2 ||
		q.ByCostCenter[1].Recurring != money.Of(12500, "USD") {
		t.Errorf("quote %+v", q)
	}

	s.problem(
		s.zoe("POST", "/orders", map[string]any{"quoteId": q.ID, "acknowledged": false}),
		http.StatusUnprocessableEntity,
		"not-acknowledged",
	)
	s.problem(
		s.zoe("POST", "/orders", map[string]any{"quoteId": q.ID}),
		http.StatusUnprocessableEntity,
		"not-acknowledged",
	)
	if n := len(s.orders()); n != 0 {
		t.Errorf("%d orders without acknowledgement", n)
	}

	r = s.zoe("POST", "/orders", confirm(q))
	order := fixtures.Decode[purchase.Order](t, r, http.StatusCreated)
	if order.State != purchase.OrderPlaced || order.LicenseCount != 12 || order.Recurring != q.Recurring ||
		order.DueToday != q.DueToday ||
		order.PlacedBy != "zoe" ||
		order.Percent != 100 ||
		!slices.Equal(order.Lines, q.Lines) {
		t.Errorf("order %+v", order)
	}
	if r.Header.Get("Location") != "/v1/accounts/acme/orders/"+order.ID {
		t.Errorf("location %q", r.Header.Get("Location"))
	}
	if got := s.licenses(inventory.Filter{Order: order.ID}); got["CC-1"] != 7 || got["CC-2"] != 5 {
		t.Errorf("licenses %v", got)
	}
	if cart = fixtures.Decode[purchase.Cart](t, s.zoe("GET", "/cart", nil), http.StatusOK); len(cart.Lines) != 0 {
		t.Errorf("the cart still has %+v", cart.Lines)
	}
	got := s.zoe("GET", "/orders/"+order.ID, nil)
	if read := fixtures.Decode[purchase.Order](
		t,
		got,
		http.StatusOK,
	); read.ID != order.ID || read.State != purchase.OrderPlaced ||
		got.Header.Get("ETag") != r.Header.Get("ETag") {
		t.Errorf("read %+v", read)
	}

	b := s.billing()
	want := []purchase.CostCenterCharge{
		{CostCenter: "CC-1", Recurring: money.Of(17500, "USD")},
		{CostCenter: "CC-2", Recurring: money.Of(12500, "USD")},
	}
	if b.NextBillingDate != "2026-08-01" || b.Recurring != money.Of(30000, "USD") ||
		!slices.Equal(b.ByCostCenter, want) ||
		len(b.ByProduct) != 1 ||
		b.ByProduct[0].Quantity != 12 {
		t.Errorf("billing %+v", b)
	}
	again := fixtures.Problem(t, s.zoe("POST", "/orders", confirm(q)), http.StatusConflict, "wrong-state")
	if again.OrderID == "" || !strings.Contains(again.Detail, again.OrderID) {
		t.Errorf("the refusal does not name the order: %+v", again)
	}
}

func TestCatalog(t *testing.T) {
	s := open(t)
	get := func(query string) fixtures.Response {
		return s.Do(
			t,
			s.h,
			fixtures.Request{Method: "GET", Path: "/v1/catalog" + query, User: "zoe", Permissions: everything},
		)
	}
	list := func(query string) api.List[purchase.CatalogItem] {
		return fixtures.Decode[api.List[purchase.CatalogItem]](t, get(query), http.StatusOK)
	}
	all := list("")
	if len(all.Items) != len(catalog.Default().Products()) || all.NextCursor != "" {
		t.Errorf("%d products, cursor %q", len(all.Items), all.NextCursor)
	}
	analytics := list("?category=Analytics")
	if len(analytics.Items) != 2 || analytics.Items[0].ID != "live-reports" ||
		analytics.Items[0].Price != money.Of(2500, "USD") {
		t.Errorf("analytics: %+v", analytics.Items)
	}
	if euros := list(
		"?category=Analytics&kind=seat&currency=EUR",
	); len(euros.Items) != 2 ||
		euros.Items[0].Price != money.Of(2300, "EUR") {
		t.Errorf("in euros: %+v", euros.Items)
	}
	var paged []purchase.CatalogItem
	for query := "?limit=7"; query != ""; {
		page := list(query)
		paged = append(paged, page.Items...)
		query = ""
		if page.NextCursor != "" {
			query = "?limit=7&cursor=" + page.NextCursor
		}
	}
	if len(paged) != len(all.Items) || paged[len(paged)-1].ID != all.Items[len(all.Items)-1].ID {
		t.Errorf("%d products in pages, %d at once", len(paged), len(all.Items))
	}
	s.problem(get("?currency=CHF"), http.StatusUnprocessableEntity, "validation", "currency")
	s.problem(get("?category=Toys"), http.StatusUnprocessableEntity, "validation", "category")
	s.problem(get("?kind=gold"), http.StatusUnprocessableEntity, "validation", "kind")
	s.problem(get("?size=1"), http.StatusUnprocessableEntity, "validation", "size")
	foreign := list("?limit=7").NextCursor
	s.problem(get("?kind=seat&cursor="+foreign), http.StatusBadRequest, "malformed-body", "cursor")
}

func TestCostCenters(t *testing.T) {
	s := open(t)
	r := s.zoe("PUT", "/cost-centers/CC-1", map[string]any{"name": "Sales West"})
	first := r.Header.Get("ETag")
	if cc := fixtures.Decode[purchase.CostCenter](
		t,
		r,
		http.StatusCreated,
	); cc.Code != "CC-1" || first == "" ||
		r.Header.Get("Location") == "" {
		t.Errorf("made %+v with %v", cc, r.Header)
	}
	r = s.zoe("PUT", "/cost-centers/CC-1", map[string]any{"name": "Sales East"})
	if cc := fixtures.Decode[purchase.CostCenter](
		t,
		r,
		http.StatusOK,
	); cc.Name != "Sales East" ||
		r.Header.Get("ETag") == first {
		t.Errorf("renamed %+v with %v", cc, r.Header)
	}
	for i := range 5 {
		fixtures.Decode[purchase.CostCenter](
			t,
			s.zoe("PUT", fmt.Sprintf("/cost-centers/X-%d", i), map[string]any{"name": fmt.Sprintf("Support %d", i)}),
			http.StatusCreated,
		)
	}
	list := func(query string) (codes []string) {
		t.Helper()
		for next := query; ; {
			page := fixtures.Decode[api.List[purchase.CostCenter]](
				t,
				s.zoe("GET", "/cost-centers"+next, nil),
				http.StatusOK,
			)
			for _, cc := range page.Items {
				codes = append(codes, cc.Code)
			}
			if page.NextCursor == "" {
				return codes
			}
			next = query + "&cursor=" + page.NextCursor
		}
	}
	for query, want := range map[string][]string{
		"?limit=2":           {"CC-1", "X-0", "X-1", "X-2", "X-3", "X-4"},
		"?limit=1&q=support": {"X-0", "X-1", "X-2", "X-3", "X-4"},
		"?limit=5&q=x-":      {"X-0", "X-1", "X-2", "X-3", "X-4"},
		"?limit=2&q=SALES":   {"CC-1"},
		"?limit=2&q=zzz":     nil,
	} {
		if got := list(query); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}

	s.problem(
		s.zoe("PUT", "/cost-centers/a%20b", map[string]any{"name": "x"}),
		http.StatusUnprocessableEntity,
		"validation",
		"code",
	)
	s.problem(
		s.zoe("PUT", "/cost-centers/CC-9", map[string]any{"name": ""}),
		http.StatusUnprocessableEntity,
		"validation",
		"name",
	)
	s.problem(
		s.zoe("PUT", "/cost-centers/CC-9", map[string]any{"name": " x"}),
		http.StatusUnprocessableEntity,
		"validation",
		"name",
	)
	s.problem(s.zoe("GET", "/cost-centers/CC-9", nil), http.StatusNotFound, "not-found")
	s.problem(s.zoe("GET", "/cost-centers/a%23b", nil), http.StatusNotFound, "not-found")
	stale := fixtures.Request{
		Method:      "DELETE",
		Path:        "/v1/accounts/acme/cost-centers/CC-1",
		User:        "zoe",
		Permissions: everything,
		Header:      map[string]string{"If-Match": first},
	}
	s.problem(s.Do(t, s.h, stale), http.StatusPreconditionFailed, "precondition-failed")
	s.zoe("DELETE", "/cost-centers/CC-1", nil)
	s.Clock.Add(time.Second)
	s.zoe("PUT", "/cost-centers/CC-1", map[string]any{"name": "Sales East"})
	// whoever has read the one before does not know this one
	s.problem(s.Do(t, s.h, stale), http.StatusPreconditionFailed, "precondition-failed")
	if r := s.zoe("DELETE", "/cost-centers/X-0", nil); r.Status != http.StatusNoContent {
		t.Errorf("deleted: %d %s", r.Status, r.Body)
	}
	s.problem(s.zoe("DELETE", "/cost-centers/X-0", nil), http.StatusNotFound, "not-found")

	s.buy(line("developer", 1, "X-1"))
	s.problem(s.zoe("DELETE", "/cost-centers/X-1", nil), http.StatusConflict, "wrong-state")
	if got := list("?limit=9&q=X-"); !slices.Equal(got, []string{"X-1", "X-2", "X-3", "X-4"}) {
		t.Errorf("left: %v", got)
	}
}

func TestCart(t *testing.T) {
	s := stocked(t)
	r := s.zoe("GET", "/cart", nil)
	if cart := fixtures.Decode[purchase.Cart](
		t,
		r,
		http.StatusOK,
	); cart.Lines == nil || len(cart.Lines) != 0 ||
		r.Header.Get("ETag") == "" {
		t.Errorf("a new cart: %s", r.Body)
	}
	fixtures.Decode[purchase.Cart](
		t,
		s.zoe("PUT", "/cart", map[string]any{"lines": []any{line("live-reports", 2, ""), line("developer", 1, "")}}),
		http.StatusOK,
	)
	s.problem(
		s.zoe("PUT", "/cart", map[string]any{"lines": []any{line("live-reports", 0, "")}}),
		http.StatusUnprocessableEntity,
		"validation",
		"lines[0].quantity",
	)
	s.problem(
		s.zoe("PUT", "/cart", map[string]any{"lines": []any{line("live-reports", 1, ""), line("gold", 1, "nope")}}),
		http.StatusUnprocessableEntity,
		"validation",
		"lines[1].productId",
		"lines[1].costCenter",
	)
	s.problem(
		s.zoe("PUT", "/cart", `{"lines": [{"productId": "live-reports", "quantity": "2"}]}`),
		http.StatusUnprocessableEntity,
		"validation",
		"lines[0].quantity",
	)
	s.problem(s.zoe("PUT", "/cart", `{"lines": [`), http.StatusBadRequest, "malformed-body", "body")

	charged := fixtures.Decode[purchase.Cart](
		t,
		s.zoe("POST", "/cart/cost-center", map[string]any{"costCenter": "CC-1"}),
		http.StatusOK,
	)
	if charged.Lines[0].CostCenter != "CC-1" || charged.Lines[1].CostCenter != "CC-1" {
		t.Errorf("all charged: %+v", charged.Lines)
	}
	one := map[string]any{"costCenter": "CC-2", "lineIds": []string{charged.Lines[1].ID}}
	r = s.zoe("POST", "/cart/cost-center", one, "key-1")
	charged = fixtures.Decode[purchase.Cart](t, r, http.StatusOK)
	if charged.Lines[0].CostCenter != "CC-1" || charged.Lines[1].CostCenter != "CC-2" {
		t.Errorf("one charged: %+v", charged.Lines)
	}
	again := s.zoe("POST", "/cart/cost-center", one, "key-1")
	if again.Status != http.StatusOK || !bytes.Equal(bytes.TrimSpace(again.Body), bytes.TrimSpace(r.Body)) ||
		again.Header.Get("Idempotent-Replayed") != "true" ||
		again.Header.Get("ETag") != r.Header.Get("ETag") {
		t.Errorf("repeated: %d %v %s, first %s", again.Status, again.Header, again.Body, r.Body)
	}
	s.problem(
		s.zoe("POST", "/cart/cost-center", map[string]any{"costCenter": "CC-1"}, "key-1"),
		http.StatusUnprocessableEntity,
		"idempotency-mismatch",
	)
	s.problem(
		s.zoe("POST", "/cart/cost-center", map[string]any{"costCenter": "CC-7"}),
		http.StatusUnprocessableEntity,
		"validation",
		"costCenter",
	)
	s.problem(
		s.zoe("POST", "/cart/cost-center", map[string]any{"costCenter": "CC-1", "lineIds": []string{}}),
		http.StatusUnprocessableEntity,
		"validation",
		"lineIds",
	)
	three := []any{line("live-reports", 2, "CC-1"), line("developer", 1, "CC-1"), line("live-reports", 3, "CC-1")}
	three = append(three, line("live-reports", 4, "CC-2"))
	fixtures.Decode[purchase.Cart](t, s.as("bob", "PUT", "/cart", map[string]any{"lines": three}), http.StatusOK)
	s.problem(
		s.as("bob", "POST", "/cart/merge", map[string]any{"lineIds": []string{"1", "9"}}),
		http.StatusUnprocessableEntity,
		"validation",
		"lineIds[1]",
	)
	merged := fixtures.Decode[purchase.Cart](t, s.as("bob", "POST", "/cart/merge", map[string]any{}), http.StatusOK)
	if len(merged.Lines) != 3 || merged.Lines[0].Quantity != 5 || merged.Lines[0].CostCenter != "CC-1" ||
		merged.Lines[2].Quantity != 4 {
		t.Errorf("merged: %+v", merged.Lines)
	}
	bad := map[string]any{
		"parts": []any{
			map[string]any{"quantity": 1, "costCenter": "CC-1"},
			map[string]any{"quantity": 2, "costCenter": "CC-2"},
		},
	}
	s.problem(s.zoe("POST", "/cart/lines/1/split", bad), http.StatusUnprocessableEntity, "validation", "parts")
	s.problem(s.zoe("POST", "/cart/lines/99/split", bad), http.StatusNotFound, "not-found")

	if cart := fixtures.Decode[purchase.Cart](
		t,
		s.as("ada", "GET", "/cart", nil),
		http.StatusOK,
	); len(
		cart.Lines,
	) != 0 {
		t.Errorf("ada sees zoe's cart: %+v", cart)
	}
	stale := fixtures.Request{
		Method:      "DELETE",
		Path:        "/v1/accounts/acme/cart",
		User:        "zoe",
		Permissions: everything,
		Header:      map[string]string{"If-Match": `"1"`},
	}
	s.problem(s.Do(t, s.h, stale), http.StatusPreconditionFailed, "precondition-failed")
	if r := s.zoe("DELETE", "/cart", nil); r.Status != http.StatusNoContent {
		t.Errorf("emptied: %d %s", r.Status, r.Body)
	}
	refilled := fixtures.Decode[purchase.Cart](
		t,
		s.zoe("PUT", "/cart", map[string]any{"lines": []any{line("developer", 1, "")}}),
		http.StatusOK,
	)
	if refilled.Lines[0].ID != "3" {
		t.Errorf("a line of a refilled cart has the id %s, which was given before", refilled.Lines[0].ID)
	}
}

func TestQuoteNamesTheLineAtFault(t *testing.T) {
	s := stocked(t)
	s.problem(s.zoe("POST", "/quotes", nil), http.StatusUnprocessableEntity, "validation", "lines")
	s.problem(s.zoe("POST", "/quotes", map[string]any{}), http.StatusUnprocessableEntity, "validation", "lines")
	for _, c := range []struct {
		lines  []any
		fields []string
	}{
		{[]any{}, []string{"lines"}},
		{[]any{line("developer", 1, "CC-1"), line("developer", 1, "CC-3")}, []string{"lines[1].costCenter"}},
		{[]any{line("developer", 1, "")}, []string{"lines[0].costCenter"}},
		{[]any{line("wallboard", 1, "CC-1")}, []string{"lines[0].productId"}},
		{[]any{line("developer", 6000, "CC-1"), line("developer", 6000, "CC-1")}, []string{"lines"}},
		{[]any{line("developer", -1, "CC-1")}, []string{"lines[0].quantity"}},
	} {
		s.problem(
			s.zoe("POST", "/quotes", map[string]any{"lines": c.lines}),
			http.StatusUnprocessableEntity,
			"validation",
			c.fields...,
		)
	}
	fixtures.Decode[purchase.Cart](
		t,
		s.zoe(
			"PUT",
			"/cart",
			map[string]any{"lines": []any{line("developer", 1, "CC-1"), line("developer", 2, "CC-2")}},
		),
		http.StatusOK,
	)
	if r := s.zoe("DELETE", "/cost-centers/CC-2", nil); r.Status != http.StatusNoContent {
		t.Fatalf("deleted: %d %s", r.Status, r.Body)
	}
	s.problem(s.zoe("POST", "/quotes", nil), http.StatusUnprocessableEntity, "validation", "lines[1].costCenter")
}

func TestQuoteAndOrderAreRepeatable(t *testing.T) {
	s := stocked(t)
	body := map[string]any{"lines": []any{line("live-reports", 3, "CC-1")}}
	first, second := s.zoe("POST", "/quotes", body, "q"), s.zoe("POST", "/quotes", body, "q")
	q := fixtures.Decode[purchase.Quote](t, first, http.StatusCreated)
	if again := fixtures.Decode[purchase.Quote](
		t,
		second,
		http.StatusCreated,
	); again.ID != q.ID ||
		second.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("another quote: %s and %s", q.ID, again.ID)
	}

	first, second = s.zoe("POST", "/orders", confirm(q), "o"), s.zoe("POST", "/orders", confirm(q), "o")
	if first.Status != http.StatusCreated || second.Status != http.StatusCreated ||
		!bytes.Equal(bytes.TrimSpace(first.Body), bytes.TrimSpace(second.Body)) {
		t.Errorf("answered %d %s and %d %s", first.Status, first.Body, second.Status, second.Body)
	}
	if first.Header.Get("Idempotent-Replayed") != "" || second.Header.Get("Idempotent-Replayed") != "true" ||
		first.Header.Get(
			"Location",
		) != second.Header.Get(
			"Location",
		) || first.Header.Get("ETag") != second.Header.Get("ETag") {
		t.Errorf("headers %v and %v", first.Header, second.Header)
	}
	if len(s.orders()) != 1 || s.billing().ByProduct[0].Quantity != 3 {
		t.Errorf("%d orders, billing %+v", len(s.orders()), s.billing())
	}
	s.problem(
		s.zoe("POST", "/orders", map[string]any{"quoteId": q.ID, "acknowledged": false}, "o"),
		http.StatusUnprocessableEntity,
		"idempotency-mismatch",
	)
	s.problem(s.zoe("POST", "/orders", confirm(q), "p"), http.StatusConflict, "wrong-state")
	// a key belongs to its caller
	s.problem(s.as("ada", "POST", "/orders", confirm(q), "o"), http.StatusConflict, "wrong-state")
}

func TestOrderRefuses(t *testing.T) {
	refuses := func(name, slug string, between func(*shop)) {
		t.Run(name, func(t *testing.T) {
			s := stocked(t)
			fixtures.Decode[purchase.Cart](
				t,
				s.zoe("PUT", "/cart", map[string]any{"lines": []any{line("live-reports", 2, "CC-1")}}),
				http.StatusOK,
			)
			q := fixtures.Decode[purchase.Quote](t, s.zoe("POST", "/quotes", nil), http.StatusCreated)
			between(s)
			s.problem(s.zoe("POST", "/orders", confirm(q)), http.StatusConflict, slug)
			if len(s.orders()) != 0 || len(s.billing().ByProduct) != 0 {
				t.Error("a refused order had an effect")
			}
		})
	}
	refuses("a changed cart", "quote-stale", func(s *shop) {
		fixtures.Decode[purchase.Cart](
			t,
			s.zoe("PUT", "/cart", map[string]any{"lines": []any{line("live-reports", 3, "CC-1")}}),
			http.StatusOK,
		)
	})
	refuses("an emptied cart", "quote-stale", func(s *shop) { s.zoe("DELETE", "/cart", nil) })
	refuses(
		"another cost center",
		"quote-stale",
		func(s *shop) { s.zoe("POST", "/cart/cost-center", map[string]any{"costCenter": "CC-2"}) },
	)
	refuses("a cost center that is gone", "quote-stale", func(s *shop) { s.zoe("DELETE", "/cost-centers/CC-1", nil) })
	refuses("half an hour", "quote-expired", func(s *shop) { s.Clock.Add(30 * time.Minute) })
	refuses("another currency", "quote-stale", func(s *shop) { s.settings(map[string]any{"currency": "EUR"}) })

	s := stocked(t)
	s.problem(
		s.zoe(
			"POST",
			"/orders",
			map[string]any{"quoteId": "0198f7a2-5c1e-7000-8000-3a5e1c9d7b42", "acknowledged": true},
		),
		http.StatusNotFound,
		"not-found",
	)
	s.problem(
		s.zoe("POST", "/orders", map[string]any{"quoteId": "x", "acknowledged": true}),
		http.StatusUnprocessableEntity,
		"validation",
		"quoteId",
	)
	// The other account's quote is as unknown as any.
	q := s.quote(line("developer", 1, "CC-1"))
	other := fixtures.Request{
		Method:      "POST",
		Path:        "/v1/accounts/globex/orders",
		Body:        confirm(q),
		User:        "zoe",
		Account:     "globex",
		Permissions: everything,
	}
	s.problem(s.Do(t, s.h, other), http.StatusNotFound, "not-found")
}

// An order is found by the number that a person says, and two orders never have the same.
func TestOrdersByNumber(t *testing.T) {
	s := stocked(t)
	numbers := map[string]bool{}
	var last purchase.Order
	for range 3 {
		last = fixtures.Decode[purchase.Order](
			t,
			s.zoe("POST", "/orders", confirm(s.quote(line("developer", 1, "CC-1")))),
			http.StatusCreated,
		)
		numbers[last.Number] = true
	}
	if len(numbers) != 3 {
		t.Fatalf("numbers %v", numbers)
	}
	for _, form := range []string{
		last.Number, strings.ReplaceAll(last.Number, "-", ""), strings.ReplaceAll(last.Number, "-", "%20"),
	} {
		list := fixtures.Decode[api.List[purchase.Order]](t, s.zoe("GET", "/orders?number="+form, nil), http.StatusOK)
		if len(list.Items) != 1 || list.Items[0].ID != last.ID || list.NextCursor != "" {
			t.Errorf("%s: %+v", form, list)
		}
	}
	unknown := "100-000-000"
	if list := fixtures.Decode[api.List[purchase.Order]](
		t,
		s.zoe("GET", "/orders?number="+unknown, nil),
		http.StatusOK,
	); len(
		list.Items,
	) != 0 {
		t.Errorf("%s: %+v", unknown, list)
	}
	s.problem(s.zoe("GET", "/orders?number=12", nil), http.StatusUnprocessableEntity, "validation", "number")
	page := s.zoe("GET", "/orders/"+last.ID+"/statement", nil)
	if !strings.Contains(string(page.Body), last.Number) || !strings.Contains(string(page.Body), last.ID) {
		t.Errorf("the statement lacks number or id: %s", page.Body)
	}
}

// Statements are laid out for the paper of the account's country.
func TestStatementsOnTheCountrysPaper(t *testing.T) {
	s := stocked(t)
	order := fixtures.Decode[purchase.Order](
		t,
		s.zoe("POST", "/orders", confirm(s.quote(line("developer", 1, "CC-1")))),
		http.StatusCreated,
	)
	// in this order: nobody has named one yet
	for _, step := range []struct{ country, want string }{{"", "A4"}, {"DE", "A4"}, {"US", "letter"}} {
		if step.country != "" {
			s.settings(map[string]any{"country": step.country})
		}
		if page := s.zoe(
			"GET",
			"/orders/"+order.ID+"/statement",
			nil,
		); !strings.Contains(
			string(page.Body),
			"@page { size: "+step.want+";",
		) {
			t.Errorf("%q is not laid out for %s", step.country, step.want)
		}
	}
}

// Another billing day counts from the next period on (requirements, section 12): what was quoted
// stands, and so does the next billing date. The period after it is as short as it must be, and
// what is due in it are its days of a whole month.
func TestAnotherBillingDayCountsFromTheNextPeriod(t *testing.T) {
	s := stocked(t) // on 15 July; the billing day is the 1st
	q := s.quote(line("live-reports", 2, "CC-1"))
	s.settings(map[string]any{"billingDay": 20})
	fixtures.Decode[purchase.Order](t, s.zoe("POST", "/orders", confirm(q)), http.StatusCreated)
	for _, step := range []struct {
		days int
		want purchase.Proration
	}{
		{0, purchase.Proration{From: "2026-07-15", To: "2026-08-01", Days: 17, PeriodDays: 31}},
		{20, purchase.Proration{From: "2026-08-04", To: "2026-08-20", Days: 16, PeriodDays: 31}},
		{20, purchase.Proration{From: "2026-08-24", To: "2026-09-20", Days: 27, PeriodDays: 31}},
	} {
		s.Clock.Add(time.Duration(step.days) * 24 * time.Hour)
		if got := s.quote(
			line("live-reports", 2, "CC-1"),
		); got.Proration != step.want ||
			got.NextBillingDate != step.want.To {
			t.Errorf("got %+v, next billing date %s, want %+v", got.Proration, got.NextBillingDate, step.want)
		}
		if got := s.billing(); got.NextBillingDate != step.want.To {
			t.Errorf("billing: %s, want %s", got.NextBillingDate, step.want.To)
		}
	}
}

// settings changes the account as an operator does.
func (s *shop) settings(change map[string]any) {
	s.t.Helper()
	f := registry.One(s.Env, "AccountsFunction")
	body := map[string]any{
		"name":       "Acme",
		"brand":      "RingCentral",
		"currency":   "USD",
		"timezone":   "America/New_York",
		"billingDay": 1,
		"bundle":     "standard",
	}
	for name, value := range change {
		body[name] = value
	}
	fixtures.Decode[account.Account](s.t, s.Do(s.t, f.HTTP, fixtures.Request{
		Method:      "PUT",
		Path:        "/v1/accounts/acme",
		Body:        body,
		User:        "op",
		Account:     "provider",
		Permissions: []auth.Permission{auth.AccountsManage},
	}), http.StatusOK)
}

// TestOrderRefusesAnotherPrice orders at a shop whose catalog was deployed again with another
// price.
func TestOrderRefusesAnotherPrice(t *testing.T) {
	s := stocked(t)
	q := s.quote(line("live-reports", 2, "CC-1"))
	text, err := os.ReadFile("../catalog/catalog.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dearer, err := catalogfile.Parse(bytes.Replace(text, []byte("{USD: 2500,"), []byte("{USD: 2501,"), 1))
	if err != nil {
		t.Fatal(err)
	}
	service := purchase.NewService(s.Env, license.NewService(dearer))
	if _, _, err := service.Order(
		t.Context(),
		s.Call("zoe"),
		q.ID,
		true,
	); err == nil ||
		!strings.Contains(err.Error(), "quote-stale") {
		t.Errorf("got %v, want quote-stale", err)
	}
}

func TestTheCurrencyStaysOnceSomethingIsBought(t *testing.T) {
	s := stocked(t)
	s.buy(line("developer", 1, "CC-1"))
	f := registry.One(s.Env, "AccountsFunction")
	body := map[string]any{
		"name":       "Acme",
		"brand":      "RingCentral",
		"currency":   "EUR",
		"timezone":   "America/New_York",
		"billingDay": 1,
		"bundle":     "standard",
	}
	s.problem(s.Do(t, f.HTTP, fixtures.Request{
		Method:      "PUT",
		Path:        "/v1/accounts/acme",
		Body:        body,
		User:        "op",
		Account:     "provider",
		Permissions: []auth.Permission{auth.AccountsManage},
	}), http.StatusConflict, "wrong-state")
}

// From its first order on the schedules look at an account.
func TestWhoHasBoughtIsCounted(t *testing.T) {
	s := stocked(t)
	for _, want := range [][]string{nil, {"acme"}} {
		if got, err := call.Counted(t.Context(), s.Env.Table); err != nil || !slices.Equal(got, want) {
			t.Errorf("counted are %q, %v, want %q", got, err, want)
		}
		s.buy(line("developer", 1, "CC-1"))
	}
}

// TestOneQuoteOneOrder lets twenty confirm one quote at once, each with a key of their own, and
// then twenty repetitions of one request race.
func TestOneQuoteOneOrder(t *testing.T) {
	t.Parallel() // over a network it mostly waits
	embedded := func(t testing.TB) *fixtures.Fixture { return fixtures.New(t) }
	onDynamo := func(t testing.TB) *fixtures.Fixture { return fixtures.On(t, dynamostore.Open(t)) }
	for _, c := range []struct {
		name     string
		quantity int
		key      func(int) string
		fixture  func(testing.TB) *fixtures.Fixture
	}{
		{"small, twenty keys", 5, func(i int) string { return fmt.Sprint("k", i) }, embedded},
		{"small, one key", 5, func(int) string { return "k" }, embedded},
		{"large, twenty keys", 300, func(i int) string { return fmt.Sprint("k", i) }, embedded},
		{"large, one key", 300, func(int) string { return "k" }, embedded},
		{"small, one key, on DynamoDB", 5, func(int) string { return "k" }, onDynamo},
		{"large, twenty keys, on DynamoDB", 120, func(i int) string { return fmt.Sprint("k", i) }, onDynamo},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := over(t, c.fixture(t))
			s.costCenters("CC-1", "CC-2")
			q := s.quote(line("live-reports", c.quantity, "CC-1"))
			answers := make([]fixtures.Response, 20)
			var wg sync.WaitGroup
			for i := range answers {
				wg.Go(func() { answers[i] = s.zoe("POST", "/orders", confirm(q), c.key(i)) })
			}
			wg.Wait()
			ids := map[string]bool{}
			for _, r := range answers {
				if r.Status == http.StatusConflict {
					continue
				}
				ids[fixtures.Decode[purchase.Order](t, r, http.StatusCreated).ID] = true
			}
			if len(ids) != 1 || len(s.orders()) != 1 {
				t.Errorf("orders %v, listed %d", ids, len(s.orders()))
			}
			if b := s.billing(); len(b.ByProduct) != 1 || b.ByProduct[0].Quantity != c.quantity {
				t.Errorf("billing %+v", b)
			}
		})
	}
}

func TestTwoQuotesOfOneCart(t *testing.T) {
	s := stocked(t)
	fixtures.Decode[purchase.Cart](
		t,
		s.zoe("PUT", "/cart", map[string]any{"lines": []any{line("live-reports", 2, "CC-1")}}),
		http.StatusOK,
	)
	first := fixtures.Decode[purchase.Quote](t, s.zoe("POST", "/quotes", nil), http.StatusCreated)
	second := fixtures.Decode[purchase.Quote](t, s.zoe("POST", "/quotes", nil), http.StatusCreated)
	fixtures.Decode[purchase.Order](t, s.zoe("POST", "/orders", confirm(first)), http.StatusCreated)
	s.problem(s.zoe("POST", "/orders", confirm(second)), http.StatusConflict, "quote-stale")
}

// TestAnybodyWhoMayPurchaseConfirms lets ada confirm what zoe put together; it is zoe's cart that
// is emptied.
func TestAnybodyWhoMayPurchaseConfirms(t *testing.T) {
	s := stocked(t)
	for _, user := range []string{"zoe", "ada"} {
		fixtures.Decode[purchase.Cart](
			t,
			s.as(user, "PUT", "/cart", map[string]any{"lines": []any{line("live-reports", 2, "CC-1")}}),
			http.StatusOK,
		)
	}
	q := fixtures.Decode[purchase.Quote](t, s.zoe("POST", "/quotes", nil), http.StatusCreated)
	order := fixtures.Decode[purchase.Order](t, s.as("ada", "POST", "/orders", confirm(q)), http.StatusCreated)
	if order.PlacedBy != "ada" {
		t.Errorf("placed by %s", order.PlacedBy)
	}
	if cart := fixtures.Decode[purchase.Cart](
		t,
		s.as("ada", "GET", "/cart", nil),
		http.StatusOK,
	); len(
		cart.Lines,
	) != 1 {
		t.Errorf("ada's cart: %+v", cart)
	}
	if cart := fixtures.Decode[purchase.Cart](t, s.zoe("GET", "/cart", nil), http.StatusOK); len(cart.Lines) != 0 {
		t.Errorf("zoe's cart: %+v", cart)
	}
}

func TestOrdersAreListedNewestFirst(t *testing.T) {
	s := stocked(t)
	var want []string
	for range 5 {
		want = append(want, s.buy(line("developer", 1, "CC-1")).ID)
	}
	slices.Reverse(want)
	var got []string
	for path := "/orders?limit=2"; path != ""; {
		page := fixtures.Decode[api.List[purchase.Order]](t, s.zoe("GET", path, nil), http.StatusOK)
		for _, o := range page.Items {
			got = append(got, o.ID)
		}
		path = ""
		if page.NextCursor != "" {
			path = "/orders?limit=2&cursor=" + page.NextCursor
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
	s.problem(s.zoe("GET", "/orders/0198f7a2-5c1e-7000-8000-3a5e1c9d7b42", nil), http.StatusNotFound, "not-found")
}

func TestStatement(t *testing.T) {
	s := stocked(t)
	order := s.buy(line("live-reports", 7, "CC-1"), line("live-reports", 5, "CC-2"))
	get := func(accept string) fixtures.Response {
		r := fixtures.Request{
			Method:      "GET",
			Path:        "/v1/accounts/acme/orders/" + order.ID + "/statement",
			User:        "zoe",
			Permissions: everything,
			Header:      map[string]string{"Accept": accept},
		}
		return s.Do(t, s.h, r)
	}
	for accept, want := range map[string]string{
		"": "text/html; charset=utf-8", "*/*": "text/html; charset=utf-8", "text/html": "text/html; charset=utf-8",
		"application/pdf": "application/pdf",
	} {
		r := get(accept)
		if r.Status != http.StatusOK || r.Header.Get("Content-Type") != want ||
			r.Header.Get("Content-Security-Policy") == "" {
			t.Fatalf("%s: %d %v %.80s", accept, r.Status, r.Header, r.Body)
		}
		if want == "application/pdf" {
			if !bytes.HasPrefix(r.Body, []byte("%PDF-")) {
				t.Errorf("no PDF: %.20q", r.Body)
			}
			continue
		}
		for _, text := range []string{
			order.ID, "Center CC-2 (CC-2)", "Acme (acme)", "300.00 USD", "164.52 USD", purchase.AcknowledgementText,
		} {
			if !strings.Contains(string(r.Body), text) {
				t.Errorf("the page does not say %q", text)
			}
		}
	}
	s.problem(get("application/json"), http.StatusUnprocessableEntity, "validation", "Accept")
	s.problem(
		s.zoe("GET", "/orders/0198f7a2-5c1e-7000-8000-3a5e1c9d7b42/statement", nil),
		http.StatusNotFound,
		"not-found",
	)
}

// What was acknowledged stays as it was called, whatever is renamed later (docs/requirements.md,
// section 3.5); an order from before names were kept has those of today.
func TestAStatementKeepsItsNames(t *testing.T) {
	for _, size := range []int{2, 120} { // one commit, and several
		s := stocked(t)
		s.called("Zoe")
		order := s.buy(line("live-reports", size, "CC-1"), line("live-reports", 1, "CC-2"))
		want := &purchase.OrderNames{
			Brand: "RingCentral", Account: "Acme", PlacedBy: "Zoe",
			CostCenters: []purchase.NamedCostCenter{
				{Code: "CC-1", Name: "Center CC-1"}, {Code: "CC-2", Name: "Center CC-2"},
			},
		}
		if diff := cmp.Diff(want, order.Names); diff != "" {
			t.Fatalf("what is kept, wanted -, is +:\n%s", diff)
		}
		path := "/orders/" + order.ID
		paper := s.zoe("GET", path+"/statement", nil)
		s.called("Zed")
		s.settings(map[string]any{"name": "Apex", "brand": "Avaya"})
		fixtures.Decode[purchase.CostCenter](
			t, s.zoe("PUT", "/cost-centers/CC-1", map[string]any{"name": "Academy"}), http.StatusOK,
		)
		again := s.zoe("GET", path+"/statement", nil)
		if !bytes.Equal(again.Body, paper.Body) || !bytes.Contains(paper.Body, []byte("Zoe (zoe)")) {
			t.Errorf("%d: the statement changed: %s", size, again.Body)
		}
		if got, want := again.Header.Get("Content-Disposition"), paper.Header.Get("Content-Disposition"); got != want {
			t.Errorf("%d: the file is called %s, was %s", size, got, want)
		}

		s.forgetNames(order)
		old := string(s.zoe("GET", path+"/statement", nil).Body)
		for _, today := range []string{"Academy (CC-1)", "Center CC-2 (CC-2)", "Zed (zoe)", "Apex (acme)", "Avaya"} {
			if !strings.Contains(old, today) {
				t.Errorf("%d: an order without names does not say %q: %s", size, today, old)
			}
		}
	}
}

// called names the one who orders.
func (s *shop) called(name string) {
	s.t.Helper()
	change := license.NewService(catalog.Default()).Change(s.Call("test"))
	if _, err := change.Load(s.t.Context(), license.Need{Users: []string{"zoe"}}); err != nil {
		s.t.Fatal(err)
	}
	if err := change.Put(s.t.Context(), license.Person{UserID: "zoe", Name: name, Active: true}); err != nil {
		s.t.Fatal(err)
	}
	if err := change.Commit(s.t.Context(), call.Answer{}); err != nil {
		s.t.Fatal(err)
	}
}

// forgetNames makes an order one from before names were kept.
func (s *shop) forgetNames(order purchase.Order) {
	s.t.Helper()
	order.Names = nil
	data, err := call.Encode(order)
	if err != nil {
		s.t.Fatal(err)
	}
	item := table.Item{Key: purchase.OrderKey(s.Account, order.ID), Data: data}
	if err := s.Env.Table.Commit(s.t.Context(), []table.Operation{table.Put(item, table.Always)}); err != nil {
		s.t.Fatal(err)
	}
}

func TestWaitingGrantsAreServedByAnOrder(t *testing.T) {
	s := stocked(t)
	kernel := license.NewService(catalog.Default())
	held := func(user string) bool {
		change := kernel.Change(s.Call("test"))
		if _, err := change.Load(t.Context(), license.Need{Users: []string{user}}); err != nil {
			t.Fatal(err)
		}
		h, err := change.Holder(user)
		if err != nil {
			t.Fatal(err)
		}
		return change.StateOf(h, catalog.LiveReportsID) == license.Holds
	}
	for _, user := range []string{"ann", "bob", "cid"} {
		change := kernel.Change(s.Call("test"))
		if _, err := change.Load(t.Context(), license.Need{Users: []string{user}}); err != nil {
			t.Fatal(err)
		}
		if err := change.Put(t.Context(), license.Person{UserID: user, Name: user, Active: true}); err != nil {
			t.Fatal(err)
		}
		if err := change.Grant(t.Context(), user, catalog.LiveReportsID, license.QueueGrant("q")); err != nil {
			t.Fatal(err)
		}
		if err := change.Commit(t.Context(), call.Answer{}); err != nil {
			t.Fatal(err)
		}
		s.Clock.Add(time.Second)
	}
	if held("ann") {
		t.Fatal("ann holds what was not bought")
	}
	s.buy(line("live-reports", 2, "CC-1"))
	if !held("ann") || !held("bob") || held("cid") {
		t.Errorf("ann %v, bob %v, cid %v", held("ann"), held("bob"), held("cid"))
	}
}

// over3 is a module that counts three active users too many.
type over3 struct{}

func (over3) Overage(context.Context, *call.Call) (int64, error) { return 3, nil }

func TestBillingShowsTheOverage(t *testing.T) {
	s := stocked(t)
	if b := s.billing(); b.OverageUsers != 0 || b.Recurring != money.Zero("USD") {
		t.Errorf("an account that bought nothing: %+v", b)
	}
	kernel := license.NewService(catalog.Default())
	b, err := purchase.NewBilling(kernel, over3{}, period.NewService(s.Env, kernel)).Billing(t.Context(), s.Call("zoe"))
	if err != nil || b.OverageUsers != 3 {
		t.Errorf("billing %+v, %v", b, err)
	}
}

// TestEveryChangeIsAudited reads the account's audit log after a purchase.
func TestEveryChangeIsAudited(t *testing.T) {
	s := stocked(t)
	fixtures.Decode[purchase.Cart](
		t,
		s.zoe("PUT", "/cart", map[string]any{"lines": []any{line("live-reports", 2, "CC-1")}}),
		http.StatusOK,
	)
	q := fixtures.Decode[purchase.Quote](t, s.zoe("POST", "/quotes", nil), http.StatusCreated)
	order := fixtures.Decode[purchase.Order](t, s.zoe("POST", "/orders", confirm(q)), http.StatusCreated)
	s.zoe("DELETE", "/cost-centers/CC-2", nil)
	got := map[string]int{}
	err := table.All(
		t.Context(),
		s.Env.Table,
		table.Query{Index: table.Index1, Partition: call.Partition("acme", "AUDIT")},
		func(item table.Item) error {
			r, err := call.Decode[call.AuditRecord](item)
			got[r.Action+" "+r.Subject+" by "+r.Actor]++
			return err
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"costCenter.created costCenter:CC-1 by zoe", "cart.changed cart:zoe by zoe",
		"quote.created quote:" + q.ID + " by zoe",
		"order.placed order:" + order.ID + " by zoe", "costCenter.deleted costCenter:CC-2 by zoe",
	} {
		if got[want] != 1 {
			t.Errorf("%d times %s in %v", got[want], want, got)
		}
	}
}

// TestEveryOperationAsksForItsPermission calls each operation with nothing, with another account's
// token and without its permission.
func TestEveryOperationAsksForItsPermission(t *testing.T) {
	s := open(t)
	k := api.New(s.Env)
	functions := registry.Of(s.Env)
	for _, function := range []string{"PurchaseFunction", "BillingFunction", "StatementFunction"} {
		for _, register := range functions[function].Routes {
			register(k)
		}
	}
	operations := 0
	for path, item := range k.OpenAPI().Paths {
		for method, op := range map[string]any{
			"GET": item.Get, "PUT": item.Put, "POST": item.Post, "PATCH": item.Patch, "DELETE": item.Delete,
		} {
			if fmt.Sprint(op) == "<nil>" {
				continue
			}
			operations++
			r := fixtures.Request{
				Method: method,
				Path: strings.NewReplacer("{account}", "acme", "{code}", "CC-1", "{line}", "1", "{id}", "x").
					Replace(path),
			}
			s.problem(s.Do(t, s.h, r), http.StatusUnauthorized, "unauthorized")
			r.User, r.Permissions = "zoe", []auth.Permission{auth.AuditRead}
			s.problem(s.Do(t, s.h, r), http.StatusForbidden, "forbidden")
			if strings.Contains(path, "{account}") {
				r.Account, r.Permissions = "globex", everything
				s.problem(s.Do(t, s.h, r), http.StatusNotFound, "not-found")
			}
		}
	}
	if operations != 37 {
		t.Errorf("%d operations", operations)
	}
}
