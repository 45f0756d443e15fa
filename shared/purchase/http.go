package purchase

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/money"
	"seatwise/shared/license/effects"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

const (
	tagCatalog     = "Catalog"
	tagCostCenters = "Cost centers"
	tagPurchase    = "Purchase"
	base           = "/v1/accounts/{account}"
)

// The permissions of the module's operations (requirements, section 9).
var (
	reads = []auth.Permission{auth.BillingRead}
	buys  = []auth.Permission{auth.BillingPurchase}
)

type catalogInput struct {
	api.Paging
	Category string `query:"category" maxLength:"64" doc:"A category of the catalog; all if left out."`
	Kind     string `query:"kind" enum:"seat,base,addOn,metered" doc:"All if left out."`
	Currency string `query:"currency" maxLength:"3" doc:"Currency of the prices, one that the catalog has prices in; the provider's own (USD) if left out."`
}

type costCenterInput struct {
	api.Account
	Code string `path:"code" doc:"The cost center's code."`
}

// costCenterBody is what PUT takes: every field of GET (requirements, section 6).
type costCenterBody struct {
	Code      string    `json:"code,omitempty" readOnly:"true" doc:"The code in the path."`
	Name      string    `json:"name" minLength:"1" maxLength:"200"`
	Fenced    *bool     `json:"fenced,omitempty" nullable:"false" doc:"Whether its licenses are given to its own users only; who holds one keeps it. Stays if left out, and is false of a new one."`
	CreatedAt time.Time `json:"createdAt,omitzero" readOnly:"true"`
	ChangedAt time.Time `json:"changedAt,omitzero" readOnly:"true"`
}

type costCentersInput struct {
	api.Account
	api.Paging
	Q string `query:"q" maxLength:"200" doc:"Finds codes and names that begin with it, whatever the case."`
}

// cartBody is what PUT takes: every field of GET.
type cartBody struct {
	Lines    []CartLineInput `json:"lines" nullable:"false" doc:"At most 40 lines, at most 10,000 licenses together."`
	LastLine int             `json:"lastLine,omitempty" readOnly:"true" doc:"The number of the line added last."`
	Total    *money.Amount   `json:"total,omitempty" readOnly:"true" doc:"The sum of the lines' totals, a month."`
}

// lineBody is one line of the cart.
type lineBody struct {
	ID         string        `json:"id,omitempty" readOnly:"true" doc:"The line's id."`
	ProductID  string        `json:"productId" minLength:"1" maxLength:"64"`
	Quantity   int           `json:"quantity" minimum:"1" maximum:"10000"`
	CostCenter string        `json:"costCenter,omitempty" maxLength:"64" nullable:"true" doc:"May be chosen later, but before a quote. None if left out or null."`
	Name       string        `json:"name,omitempty" readOnly:"true" doc:"The product's name."`
	UnitPrice  *money.Amount `json:"unitPrice,omitempty" readOnly:"true" doc:"One license, a month."`
	Total      *money.Amount `json:"total,omitempty" readOnly:"true" doc:"unitPrice times quantity, a month."`
}

type addLineInput struct {
	api.Account
	Body struct {
		ProductID  string `json:"productId" minLength:"1" maxLength:"64"`
		Quantity   int    `json:"quantity" minimum:"1" maximum:"10000"`
		CostCenter string `json:"costCenter,omitempty" minLength:"1" maxLength:"64" doc:"May be chosen later, but before a quote."`
	}
}

type lineInput struct {
	api.Account
	Line string `path:"line" doc:"The id of a line of the cart."`
}

type cartCostCenterInput struct {
	api.Account
	Body struct {
		CostCenter string   `json:"costCenter" minLength:"1" maxLength:"64"`
		LineIDs    []string `json:"lineIds,omitempty" nullable:"false" doc:"All lines if left out."`
	}
}

type mergeInput struct {
	api.Account
	Body struct {
		LineIDs []string `json:"lineIds,omitempty" nullable:"false" doc:"All lines if left out."`
	}
}

type splitInput struct {
	api.Account
	Line string `path:"line" doc:"The id of a line of the cart."`
	Body struct {
		Parts []SplitPart `json:"parts" nullable:"false" doc:"At least 2; their quantities add up to the line's."`
	}
}

// quoteLineInput is a line of a request for a quote without a cart.
type quoteLineInput struct {
	ProductID  string `json:"productId" minLength:"1" maxLength:"64"`
	Quantity   int    `json:"quantity" minimum:"1" maximum:"10000"`
	CostCenter string `json:"costCenter" minLength:"1" maxLength:"64"`
}

type quoteInput struct {
	api.Account
	Body *struct {
		Lines []quoteLineInput `json:"lines,omitempty" nullable:"false" doc:"What to price; the caller's cart if left out."`
	}
}

type oneQuoteInput struct {
	api.Account
	ID string `path:"id" doc:"The quote's id."`
}

type orderInput struct {
	api.Account
	Body struct {
		QuoteID      string `json:"quoteId" format:"uuid"`
		Acknowledged bool   `json:"acknowledged" required:"false" doc:"That the itemized charges of the quote were read and understood; an order needs true."`
	}
}

type ordersInput struct {
	api.Account
	api.Paging
	Number string `query:"number" maxLength:"32" doc:"The order that has this number, in whatever form somebody wrote it down: with hyphens, spaces, or digits alone." example:"482-913-706"`
}

type oneOrderInput struct {
	api.Account
	ID string `path:"id" doc:"The order's id."`
}

// edge answers for the module.
type edge struct{ *Service }

// Foresight has dry runs of other operations say what the policies of the account would buy.
func Foresight(k *api.Router) { k.Foresees("orders", readCharges) }

// Routes registers the module's operations (docs/contract.md).
func (s *Service) Routes(k *api.Router) {
	h := edge{s}
	k.Foresees("licenses", effects.Reader(s.products))
	k.Foresees("orders", readCharges)
	api.Register(k, api.Operation{
		ID:          "list-catalog",
		Method:      http.MethodGet,
		Path:        "/v1/catalog",
		Partly:      true,
		Summary:     "List the products that can be licensed",
		Tag:         tagCatalog,
		Permissions: []auth.Permission{auth.CatalogRead},
	}, h.catalog)
	h.costCenterRoutes(k)
	h.cartRoutes(k)
	h.orderRoutes(k)
}

// Routes registers the operation (docs/contract.md).
func (s *BillingService) Routes(k *api.Router) {
	op := partly(reading("get-billing", "/billing", "Read what falls due from the next billing date on", tagPurchase))
	api.Register(k, op, func(ctx context.Context, c *call.Call, _ *api.Account) (*api.Plain[Billing], error) {
		b, err := s.Billing(ctx, c)
		if err != nil {
			return nil, err
		}
		return &api.Plain[Billing]{Status: http.StatusOK, Body: b}, nil
	})
}

// changing is an operation of whoever buys; its path is below the account's.
func changing(id, method, path, summary, tag string) api.Operation {
	return api.Operation{ID: id, Method: method, Path: base + path, Summary: summary, Tag: tag, Permissions: buys}
}

// reading is an operation of whoever sees bills; its path is below the account's.
func reading(id, path, summary, tag string) api.Operation {
	op := changing(id, http.MethodGet, path, summary, tag)
	op.Permissions = reads
	return op
}

// partly has admins of some cost centers called too, for theirs.
func partly(op api.Operation) api.Operation {
	op.Partly = true
	return op
}

// judged has the rules of a POST asked about a body too that its schema refuses.
func judged(op api.Operation) api.Operation {
	op.Rules = true
	return op
}

// created has a POST answer 201.
func created(op api.Operation) api.Operation {
	op.Status = http.StatusCreated
	return op
}

func (h edge) costCenterRoutes(k *api.Router) {
	const path = "/cost-centers/{code}"
	centers := api.ReadWrite[costCenterInput, costCenterBody, CostCenter]{
		Keeps: []string{"fenced"},
		New:   func(at *costCenterInput) CostCenter { return CostCenter{Code: at.Code} },
		Read:  h.getCostCenter, Write: h.putCostCenter,
	}
	put := changing("put-cost-center", "", path, "Make or rename a cost center, or fence its licenses for its own users", tagCostCenters)
	put.Makes = true
	api.RegisterPut(k, put, centers)
	api.RegisterPatch(
		k, changing("patch-cost-center", "", path, "Change what is named of a cost center", tagCostCenters), centers,
	)
	api.RegisterGet(k, partly(reading("get-cost-center", path, "Read a cost center", tagCostCenters)), centers)
	remove := changing("delete-cost-center", http.MethodDelete, path,
		"Delete a cost center to which no license is charged and of which no user is", tagCostCenters)
	remove.Conflicts = true
	api.Register(k, remove, h.deleteCostCenter)
	list := reading("list-cost-centers", "/cost-centers", "List the cost centers, by code", tagCostCenters)
	api.Register(k, partly(list), h.costCenters)
}

func (h edge) cartRoutes(k *api.Router) {
	const path, lines = "/cart", "/cart/lines"
	const line = lines + "/{line}"
	of := func(id, method, path, summary string) api.Operation {
		return partly(changing(id, method, path, summary, tagPurchase))
	}
	cart := api.ReadWrite[api.Account, cartBody, CartView]{Read: h.getCart, Write: h.putCart}
	api.RegisterGet(k, of("get-cart", "", path, "Read the caller's cart"), cart)
	api.RegisterPut(k, of("put-cart", "", path, "Give the caller's cart other lines"), cart)
	api.RegisterPatch(k, of("patch-cart", "", path, "Change what is named of the caller's cart"), cart)
	api.Register(k, judged(of("add-cart-line", http.MethodPost, lines, "Put one line more into the cart")), h.addLine)
	api.RegisterPatchOf(
		k, of("patch-cart-line", "", line, "Change what is named of a line of the cart"), h.getLine, h.putLine,
	)
	api.Register(k, of("delete-cart-line", http.MethodDelete, line, "Take a line out of the cart"), h.deleteLine)
	api.Register(k, of("delete-cart", http.MethodDelete, path, "Empty the caller's cart"), h.deleteCart)
	api.Register(k, judged(of("charge-cart", http.MethodPost, path+"/cost-center",
		"Give all or some lines of the cart a cost center")), h.setCartCostCenter)
	api.Register(
		k, judged(of("split-cart-line", http.MethodPost, line+"/split", "Split a line of the cart")), h.splitLine,
	)
	api.Register(k, judged(of("merge-cart-lines", http.MethodPost, path+"/merge",
		"Make one of lines that have the same product and cost center")), h.mergeLines)
}

func (h edge) orderRoutes(k *api.Router) {
	quote := changing("create-quote", http.MethodPost, "/quotes", "Price the cart, or the lines sent", tagPurchase)
	api.Register(k, partly(created(judged(quote))), h.quote)
	one := reading("get-quote", "/quotes/{id}", "Read a quote", tagPurchase)
	one.Permissions = append(slices.Clone(reads), buys...)
	api.Register(k, partly(one), h.getQuote)
	order := changing("place-order", http.MethodPost, "/orders", "Order what was quoted", tagPurchase)
	api.Register(k, partly(created(judged(order))), h.order)
	list := reading("list-orders", "/orders", "List the orders, the newest first", tagPurchase)
	api.Register(k, partly(list), h.orders)
	api.Register(k, partly(reading("get-order", "/orders/{id}", "Read an order", tagPurchase)), h.getOrder)
}

func (h edge) catalog(ctx context.Context, c *call.Call, in *catalogInput) (*api.Listed[CatalogItem], error) {
	var fields []problem.Field
	if in.Currency == "" {
		in.Currency = h.products.Currencies()[0]
	} else if !h.products.HasCurrency(in.Currency) {
		fields = append(
			fields,
			problem.Field{
				Field:   "currency",
				Code:    problem.NotAllowed,
				Message: "must be one of " + strings.Join(h.products.Currencies(), ", "),
			},
		)
	}
	if in.Category != "" && !slices.Contains(h.products.Categories(), in.Category) {
		fields = append(
			fields,
			problem.Field{
				Field:   "category",
				Code:    problem.NotAllowed,
				Message: "must be one of " + strings.Join(h.products.Categories(), ", "),
			},
		)
	}
	if len(fields) > 0 {
		return nil, problem.Validation(fields...)
	}
	items, err := h.Catalog(in.Category, catalog.Kind(in.Kind), in.Currency)
	if err != nil {
		return nil, err
	}
	// A position is the id of the last product seen, so a catalog of another version goes on where
	// that one stands.
	list := []string{"catalog", in.Category, in.Kind, in.Currency}
	after, err := api.Position(ctx, c, in.Cursor, list...)
	if err != nil {
		return nil, err
	}
	if after != "" {
		items = items[slices.IndexFunc(items, func(i CatalogItem) bool { return i.ID == after })+1:]
	}
	if len(items) <= in.Limit {
		return api.Page(items, ""), nil
	}
	next, err := api.NextCursor(ctx, c, items[in.Limit-1].ID, list...)
	if err != nil {
		return nil, err
	}
	return api.Page(items[:in.Limit], next), nil
}

func (h edge) putCostCenter(
	ctx context.Context, c *call.Call, at *costCenterInput, sent api.Sent[costCenterBody],
) (*api.Tagged[CostCenter], error) {
	if err := api.CheckID("code", at.Code); err != nil {
		return nil, err
	}
	cc, err := h.ChangeCostCenter(ctx, c, CostCenterChange{at.Code, sent.Body.Name, sent.Body.Fenced})
	if err != nil {
		return nil, err
	}
	out := api.Tell(cc)
	if cc.Created {
		out.Location = costCenterPath(c.Account, at.Code)
	}
	return out, nil
}

func (h edge) getCostCenter(ctx context.Context, c *call.Call, in *costCenterInput) (*api.Tagged[CostCenter], error) {
	if !auth.ValidID(in.Code) {
		return nil, problem.Missing("cost center")
	}
	cc, version, err := h.CostCenter(ctx, c, in.Code)
	if err != nil {
		return nil, err
	}
	return &api.Tagged[CostCenter]{Status: http.StatusOK, ETag: call.Tag(version), Body: cc}, nil
}

func (h edge) deleteCostCenter(ctx context.Context, c *call.Call, in *costCenterInput) (*struct{}, error) {
	if !auth.ValidID(in.Code) {
		return nil, problem.Missing("cost center")
	}
	return nil, h.DeleteCostCenter(ctx, c, in.Code)
}

func (h edge) costCenters(ctx context.Context, c *call.Call, in *costCentersInput) (*api.Listed[CostCenter], error) {
	return api.Paged(
		ctx,
		c,
		in.Paging,
		[]string{"cost-centers", in.Q},
		func(after string, limit int) ([]CostCenter, string, error) {
			return h.CostCenters(ctx, c, in.Q, limit, after)
		},
	)
}

// tagged is the answer with a cart.
func tagged(cart CartView, version int64, err error) (*api.Tagged[CartView], error) {
	if err != nil {
		return nil, err
	}
	return &api.Tagged[CartView]{Status: http.StatusOK, ETag: call.Tag(version), Body: cart}, nil
}

func (h edge) getCart(ctx context.Context, c *call.Call, _ *api.Account) (*api.Tagged[CartView], error) {
	return tagged(h.Cart(ctx, c))
}

func (h edge) putCart(
	ctx context.Context,
	c *call.Call,
	_ *api.Account,
	sent api.Sent[cartBody],
) (*api.Tagged[CartView], error) {
	return tagged(h.ReplaceCart(ctx, c, sent.Body.Lines))
}

func (h edge) deleteCart(ctx context.Context, c *call.Call, _ *api.Account) (*struct{}, error) {
	return nil, h.EmptyCart(ctx, c)
}

func (h edge) addLine(ctx context.Context, c *call.Call, in *addLineInput) (*api.Tagged[CartView], error) {
	return tagged(
		h.AddLine(
			ctx,
			c,
			CartLineInput{ProductID: in.Body.ProductID, Quantity: in.Body.Quantity, CostCenter: in.Body.CostCenter},
		),
	)
}

func (h edge) getLine(ctx context.Context, c *call.Call, at *lineInput) (*api.Tagged[CartViewLine], error) {
	cart, version, err := h.Cart(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, line := range cart.Lines {
		if line.ID == at.Line {
			return &api.Tagged[CartViewLine]{Status: http.StatusOK, ETag: call.Tag(version), Body: line}, nil
		}
	}
	return nil, problem.Missing("line of the cart")
}

func (h edge) putLine(
	ctx context.Context,
	c *call.Call,
	at *lineInput,
	sent api.Sent[lineBody],
) (*api.Tagged[CartView], error) {
	return tagged(h.ChangeLine(ctx, c, CartLineInput{
		ID: at.Line, ProductID: sent.Body.ProductID, Quantity: sent.Body.Quantity, CostCenter: sent.Body.CostCenter,
	}))
}

func (h edge) deleteLine(ctx context.Context, c *call.Call, at *lineInput) (*api.Tagged[CartView], error) {
	return tagged(h.DropLine(ctx, c, at.Line))
}

func (h edge) setCartCostCenter(
	ctx context.Context,
	c *call.Call,
	in *cartCostCenterInput,
) (*api.Tagged[CartView], error) {
	return tagged(h.SetCartCostCenter(ctx, c, in.Body.CostCenter, in.Body.LineIDs))
}

func (h edge) splitLine(ctx context.Context, c *call.Call, in *splitInput) (*api.Tagged[CartView], error) {
	return tagged(h.SplitLine(ctx, c, in.Line, in.Body.Parts))
}

func (h edge) mergeLines(ctx context.Context, c *call.Call, in *mergeInput) (*api.Tagged[CartView], error) {
	return tagged(h.MergeLines(ctx, c, in.Body.LineIDs))
}

func (h edge) quote(ctx context.Context, c *call.Call, in *quoteInput) (*api.Plain[Quote], error) {
	var lines []CartLineInput // nil for the cart
	if in.Body != nil && in.Body.Lines != nil {
		lines = make([]CartLineInput, len(in.Body.Lines))
		for i, l := range in.Body.Lines {
			lines[i] = CartLineInput{ProductID: l.ProductID, Quantity: l.Quantity, CostCenter: l.CostCenter}
		}
	}
	q, err := h.Quote(ctx, c, lines)
	if err != nil {
		return nil, err
	}
	return &api.Plain[Quote]{Status: http.StatusCreated, Body: q}, nil
}

func (h edge) getQuote(ctx context.Context, c *call.Call, in *oneQuoteInput) (*api.Tagged[Quote], error) {
	if !auth.ValidID(in.ID) {
		return nil, problem.Missing("quote")
	}
	q, version, err := h.FindQuote(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	return &api.Tagged[Quote]{Status: http.StatusOK, ETag: call.Tag(version), Body: q}, nil
}

func (h edge) order(ctx context.Context, c *call.Call, in *orderInput) (*api.Tagged[Order], error) {
	order, version, err := h.Order(ctx, c, strings.ToLower(in.Body.QuoteID), in.Body.Acknowledged)
	if err != nil {
		return nil, err
	}
	return &api.Tagged[Order]{
		Status:   http.StatusCreated,
		ETag:     call.Tag(version),
		Location: orderPath(c.Account, order.ID),
		Body:     order,
	}, nil
}

func (h edge) orders(ctx context.Context, c *call.Call, in *ordersInput) (*api.Listed[Order], error) {
	return api.Paged(ctx, c, in.Paging, []string{"orders"}, func(after string, limit int) ([]Order, string, error) {
		if in.Number != "" {
			orders, err := h.OrdersOf(ctx, c, in.Number)
			return orders, "", err
		}
		return h.Orders(ctx, c, limit, after)
	})
}

func (h edge) getOrder(ctx context.Context, c *call.Call, in *oneOrderInput) (*api.Tagged[Order], error) {
	if !auth.ValidID(in.ID) {
		return nil, problem.Missing("order")
	}
	order, version, err := h.FindOrder(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	return &api.Tagged[Order]{Status: http.StatusOK, ETag: call.Tag(version), Body: order}, nil
}
