// Package operations is what the API does with licenses: it asks the kernel (package license) for
// changes and package inventory for what there is.
package operations

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"seatwise/shared/craft/text"
	"seatwise/shared/license"
	"seatwise/shared/license/effects"
	"seatwise/shared/license/internal/record"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

const (
	licensesPath = "/v1/accounts/{account}/licenses"
	licensePath  = licensesPath + "/{id}"
	tag          = "Licenses"
)

// Operations are the routes of licenses.
type Operations struct {
	kernel    *license.Service
	inventory *inventory.Service
}

// New makes the operations over the kernel.
func New(kernel *license.Service) *Operations {
	return &Operations{kernel: kernel, inventory: inventory.NewService(kernel.Products())}
}

// foresees has dry runs tell what becomes of licenses and their holders.
func (o *Operations) foresees(k *api.Router) {
	k.Foresees("licenses", effects.Reader(o.kernel.Products()))
}

type manyInput struct {
	api.Account
	Body struct {
		LicenseIDs []string `json:"licenseIds" minItems:"1" maxItems:"1000" nullable:"false"`
	}
}

// LicensesRoutes registers the operations of LicensesFunction: it lists licenses, counts them,
// changes their cost center and terminates them, and shows who waits and who is excluded.
func (o *Operations) LicensesRoutes(k *api.Router) { //nolint:funlen // one operation after another
	read, manage := []auth.Permission{auth.LicensesRead}, []auth.Permission{auth.LicensesManage}
	o.foresees(k)

	api.Register(k, api.Operation{
		ID: "list-licenses", Method: http.MethodGet, Path: licensesPath, Tag: tag, Permissions: read, Partly: true,
		Summary: "List licenses; all filters that are given must hold",
	}, o.list)
	api.Register(k, api.Operation{
		ID: "summarize-licenses", Method: http.MethodGet, Path: licensesPath + "/summary", Tag: tag, Permissions: read,
		Partly: true, Summary: "Count the licenses of every product",
	}, func(ctx context.Context, c *call.Call, _ *api.Account) (*api.Listed[inventory.Summary], error) {
		list, err := o.inventory.TheirSummary(ctx, c)
		if err != nil {
			return nil, err
		}
		return api.Page(list, ""), nil
	})
	api.Register(k, api.Operation{
		ID:          "get-license",
		Method:      http.MethodGet,
		Path:        licensePath,
		Tag:         tag,
		Permissions: read,
		Partly:      true,
		Summary:     "Read a license",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[license.License], error) {
		l, version, err := o.inventory.Get(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return &api.Tagged[license.License]{Status: http.StatusOK, ETag: call.Tag(version), Body: l}, nil
	})
	api.Register(k, api.Operation{
		ID:          "change-license",
		Partly:      true,
		Method:      http.MethodPatch,
		Path:        licensePath,
		Tag:         tag,
		Permissions: manage,
		Loads:       true,
		Conflicts:   true,
		Summary:     "Move a license to another cost center",
	}, func(ctx context.Context, c *call.Call, in *struct {
		api.Resource
		Body struct {
			CostCenter string `json:"costCenter" minLength:"1" maxLength:"64"`
		}
	},
	) (*api.Tagged[license.ChangedLicense], error) {
		if err := api.CheckID("costCenter", in.Body.CostCenter); err != nil {
			return nil, err
		}
		return changed(o.kernel.SetCostCenter(ctx, c, in.ID, in.Body.CostCenter))
	})
	api.RegisterGet(k, api.Operation{
		ID:          "list-add-ons",
		Partly:      true,
		Path:        licensePath + "/add-ons",
		Tag:         tag,
		Permissions: read,
		Conflicts:   true,
		Summary:     "List the add-ons of a base license",
	}, o.addOns())
	api.Register(k, api.Operation{
		ID:          "terminate-license",
		Partly:      true,
		Method:      http.MethodPost,
		Path:        licensePath + "/terminate",
		Tag:         tag,
		Permissions: manage,
		Loads:       true,
		Versioned:   true,
		Summary:     "Terminate an unassigned license for ever",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[license.ChangedLicense], error) {
		return changed(o.kernel.Terminate(ctx, c, in.ID))
	})
	api.Register(k, api.Operation{
		ID:          "terminate-licenses",
		Partly:      true,
		Method:      http.MethodPost,
		Path:        licensesPath + "/terminate",
		Tag:         tag,
		Permissions: manage,
		Loads:       true,
		Summary:     "Terminate unassigned licenses for ever, each with its own result",
	}, func(ctx context.Context, c *call.Call, in *manyInput) (*api.Plain[license.Results], error) {
		return plain(o.kernel.TerminateMany(ctx, c, in.Body.LicenseIDs))
	})
	api.Register(k, api.Operation{
		ID:          "change-cost-center",
		Partly:      true,
		Method:      http.MethodPost,
		Path:        licensesPath + "/cost-center",
		Tag:         tag,
		Permissions: manage,
		Loads:       true,
		Summary:     "Move licenses to another cost center, each with its own result",
	}, func(ctx context.Context, c *call.Call, in *struct {
		api.Account
		Body struct {
			LicenseIDs []string `json:"licenseIds" minItems:"1" maxItems:"1000" nullable:"false"`
			CostCenter string   `json:"costCenter" minLength:"1" maxLength:"64"`
		}
	},
	) (*api.Plain[license.Results], error) {
		if err := api.CheckID("costCenter", in.Body.CostCenter); err != nil {
			return nil, err
		}
		return plain(o.kernel.SetCostCenters(ctx, c, in.Body.LicenseIDs, in.Body.CostCenter))
	})
	o.listRoutes(k)
}

// narrowed asks for a page of the waiting lists or of the exclusions.
type narrowed struct {
	api.Account
	api.Paging
	Product []string `query:"product,explode" maxItems:"50" doc:"Only these products. May be given several times: any of them."`
	User    string   `query:"user" maxLength:"128" doc:"Only this user."`
}

func (o *Operations) listRoutes(k *api.Router) {
	read, manage := []auth.Permission{auth.LicensesRead}, []auth.Permission{auth.LicensesManage}

	api.Register(k, api.Operation{
		ID: "list-waiting", Method: http.MethodGet, Path: "/v1/accounts/{account}/waiting", Tag: tag, Permissions: read,
		Partly: true, Summary: "List the grants that wait for a free license, by product, first come first",
	}, func(ctx context.Context, c *call.Call, in *narrowed) (*api.Listed[license.Wait], error) {
		return page(ctx, c, in, "waiting", o.inventory.Waiting)
	})
	api.Register(k, api.Operation{
		ID:          "list-exclusions",
		Partly:      true,
		Method:      http.MethodGet,
		Path:        "/v1/accounts/{account}/exclusions",
		Tag:         tag,
		Permissions: read,
		Summary:     "List who is kept from automatic assignment",
	}, func(ctx context.Context, c *call.Call, in *narrowed) (*api.Listed[license.Excluded], error) {
		return page(ctx, c, in, "exclusions", o.inventory.Exclusions)
	})
	api.Register(k, api.Operation{
		ID:          "lift-exclusion",
		Partly:      true,
		Method:      http.MethodDelete,
		Path:        "/v1/accounts/{account}/exclusions/{product}/{user}",
		Tag:         tag,
		Permissions: manage,
		Status:      http.StatusNoContent,
		Summary:     "Let a user be assigned the product automatically again",
	}, func(ctx context.Context, c *call.Call, in *struct {
		api.Account
		Product string `path:"product"`
		User    string `path:"user"`
	},
	) (*struct{}, error) {
		if !auth.ValidUserID(in.User) {
			return nil, problem.Missing("exclusion")
		}
		return nil, o.kernel.LiftExclusion(ctx, c, in.Product, in.User)
	})
}

func page[T any](
	ctx context.Context, c *call.Call, in *narrowed, list string,
	read func(ctx context.Context, c *call.Call, of inventory.Of, position string, limit int) ([]T, string, error),
) (*api.Listed[T], error) {
	if in.User != "" {
		if err := api.CheckUserID("user", in.User); err != nil {
			return nil, err
		}
	}
	return api.Paged(
		ctx,
		c,
		in.Paging,
		[]string{list, strings.Join(in.Product, ","), in.User},
		func(position string, limit int) ([]T, string, error) {
			return read(ctx, c, inventory.Of{Products: in.Product, User: in.User}, position, limit)
		},
	)
}

type listInput struct {
	api.Account
	api.Paging
	Q          string           `query:"q" maxLength:"256" doc:"The beginning of a word of the holder's name, id or e-mail address, of their extension, of their number with or without the country code 1, or of a license's id. Case, accents, and kinds of spaces make no difference."`
	Product    []string         `query:"product,explode" maxItems:"50" doc:"Products' ids. May be given several times: any of them."`
	Base       []string         `query:"base,explode" maxItems:"50" doc:"Base products' ids, for their licenses and those of their add-ons; may be given several times. Or one base license's id, for it and its add-ons."`
	CostCenter []string         `query:"costCenter,explode" maxItems:"20" doc:"May be given several times: any of them."`
	Status     []license.Status `query:"status,explode" maxItems:"3" enum:"available,assigned,terminated" doc:"May be given several times: any of them."`
	User       string           `query:"user" maxLength:"128" doc:"Who holds it."`
	Extension  string           `query:"extension" maxLength:"64" doc:"The extension of who holds it."`
	Order      string           `query:"order" maxLength:"64" doc:"The order it was bought with."`
}

func (o *Operations) list(ctx context.Context, c *call.Call, in *listInput) (*api.Listed[license.License], error) {
	f := inventory.Filter{
		Q:           in.Q,
		Products:    in.Product,
		Bases:       in.Base,
		CostCenters: in.CostCenter,
		Statuses:    in.Status,
		User:        in.User,
		Extension:   in.Extension,
		Order:       in.Order,
	}
	if err := check(f); err != nil {
		return nil, err
	}
	filters := []string{"licenses", f.Q, f.User, f.Extension, f.Order}
	for _, several := range [][]string{f.Products, f.Bases, f.CostCenters} {
		filters = append(filters, strings.Join(several, ",")) // no id has a comma
	}
	for _, status := range f.Statuses {
		filters = append(filters, string(status))
	}
	return api.Paged(ctx, c, in.Paging, filters, func(position string, limit int) ([]license.License, string, error) {
		return o.inventory.List(ctx, c, f, position, limit)
	})
}

// check names the filters that can fit nothing.
func check(f inventory.Filter) error {
	var fields []problem.Field
	judge := func(value string, err error) {
		if p, ok := problem.From(err); ok && value != "" {
			fields = append(fields, p.Fields...)
		}
	}
	for _, code := range f.CostCenters {
		if code == "" {
			fields = append(
				fields,
				problem.Field{Field: "costCenter", Code: problem.Required, Message: "must not be empty"},
			)
		}
		judge(code, api.CheckID("costCenter", code))
	}
	judge(f.User, api.CheckUserID("user", f.User))
	judge(f.Extension, api.CheckID("extension", f.Extension))
	if f.Order != "" && !record.WellFormed(f.Order) {
		fields = append(
			fields,
			problem.Field{Field: "order", Code: problem.BadFormat, Message: "must be a UUID in lower case"},
		)
	}
	if len(fields) > 0 {
		return problem.Validation(fields...)
	}
	return nil
}

type removalItem struct {
	ProductID string `json:"productId" minLength:"1" maxLength:"64"`
	UserID    string `json:"userId" minLength:"1" maxLength:"128"`
	LicenseID string `json:"licenseId,omitempty" maxLength:"64" doc:"Only if this is the license that the user holds; else the item changes nothing."`
}

type assignmentWithExtension struct {
	ProductID  string `json:"productId" minLength:"1" maxLength:"64"`
	UserID     string `json:"userId" minLength:"1" maxLength:"128"`
	Extension  string `json:"extension,omitempty" maxLength:"64" doc:"1 to 10 digits, for products that are tied to an extension."`
	CostCenter string `json:"costCenter,omitempty" maxLength:"64" doc:"Only a license of this cost center, of a product that is bought. Without it one of the user's own cost center is preferred, then any that is not fenced. Who holds the product keeps the license that they have."`
}

// AssignmentRoutes registers the operations of AssignmentFunction: it assigns, unassigns and
// reassigns licenses and their add-ons, one or many.
func (o *Operations) AssignmentRoutes(k *api.Router) { //nolint:funlen // one operation after another
	manage := []auth.Permission{auth.LicensesManage}
	o.foresees(k)

	api.Register(k, api.Operation{
		ID:          "assign-license",
		Partly:      true,
		Method:      http.MethodPost,
		Path:        licensePath + "/assign",
		Tag:         tag,
		Permissions: manage,
		Loads:       true,
		Versioned:   true,
		Rules:       true,
		Summary:     "Assign a license to a user",
	}, func(ctx context.Context, c *call.Call, in *struct {
		api.Resource
		Body struct {
			UserID    string `json:"userId" minLength:"1" maxLength:"128"`
			Extension string `json:"extension,omitempty" maxLength:"64" doc:"1 to 10 digits, for products that are tied to an extension."`
		}
	},
	) (*api.Tagged[license.ChangedLicense], error) {
		if err := validIDs(inBody, license.Item{UserID: in.Body.UserID, Extension: in.Body.Extension}); err != nil {
			return nil, err
		}
		return changed(o.kernel.Assign(ctx, c, in.ID, in.Body.UserID, in.Body.Extension))
	})
	api.Register(k, api.Operation{
		ID:          "unassign-license",
		Partly:      true,
		Method:      http.MethodPost,
		Path:        licensePath + "/unassign",
		Tag:         tag,
		Permissions: manage,
		Loads:       true,
		Versioned:   true,
		Summary:     "Return a license to the pool, its add-ons with it",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[license.ChangedLicense], error) {
		return changed(o.kernel.Unassign(ctx, c, in.ID))
	})
	api.Register(k, api.Operation{
		ID:          "reassign-license",
		Partly:      true,
		Method:      http.MethodPost,
		Path:        licensePath + "/reassign",
		Tag:         tag,
		Permissions: manage,
		Loads:       true,
		Versioned:   true,
		Rules:       true,
		Summary:     "Move a license, its extension and its add-ons to another user in one step",
	}, func(ctx context.Context, c *call.Call, in *struct {
		api.Resource
		Body struct {
			UserID string `json:"userId" minLength:"1" maxLength:"128"`
		}
	},
	) (*api.Tagged[license.ChangedLicense], error) {
		if err := validIDs(inBody, license.Item{UserID: in.Body.UserID}); err != nil {
			return nil, err
		}
		return changed(o.kernel.Reassign(ctx, c, in.ID, in.Body.UserID))
	})
	addOns := o.addOns()
	api.RegisterPut(k, api.Operation{
		ID: "set-add-ons", Path: licensePath + "/add-ons", Tag: tag, Permissions: manage, Loads: true, Conflicts: true,
		Partly: true, Summary: "Make the add-ons of a base license exactly these",
	}, addOns)
	api.RegisterPatch(k, api.Operation{
		ID:          "patch-add-ons",
		Partly:      true,
		Path:        licensePath + "/add-ons",
		Tag:         tag,
		Permissions: manage,
		Loads:       true,
		Conflicts:   true,
		Summary:     "Change the add-ons of a base license",
	}, addOns)
	api.Register(k, api.Operation{
		ID:          "assign-products",
		Partly:      true,
		Method:      http.MethodPost,
		Path:        "/v1/accounts/{account}/assignments",
		Tag:         tag,
		Permissions: manage,
		Loads:       true,
		Summary:     "Assign free licenses of products to users, each with its own result or all or none",
	}, func(ctx context.Context, c *call.Call, in *struct {
		api.Account
		Body struct {
			Items  []assignmentWithExtension `json:"items" minItems:"1" maxItems:"1000" nullable:"false"`
			Atomic bool                      `json:"atomic,omitempty" doc:"All or none, up to 24 items."`
		}
	},
	) (*api.Plain[license.Results], error) {
		items := make([]license.Item, len(in.Body.Items))
		for i, item := range in.Body.Items {
			items[i] = license.Item{
				ProductID: item.ProductID, UserID: item.UserID, Extension: item.Extension, CostCenter: item.CostCenter,
			}
		}
		if err := validIDs(inItem, items...); err != nil {
			return nil, err
		}
		return plain(o.kernel.AssignMany(ctx, c, items, modeOf(in.Body.Atomic)))
	})
	api.Register(k, api.Operation{
		ID:          "remove-products",
		Partly:      true,
		Method:      http.MethodPost,
		Path:        "/v1/accounts/{account}/assignments/remove",
		Tag:         tag,
		Permissions: manage,
		Loads:       true,
		Summary:     "Take products from users, each with its own result or all or none",
	}, func(ctx context.Context, c *call.Call, in *struct {
		api.Account
		Body struct {
			Items  []removalItem `json:"items" minItems:"1" maxItems:"1000" nullable:"false"`
			Atomic bool          `json:"atomic,omitempty" doc:"All or none, up to 24 items."`
		}
	},
	) (*api.Plain[license.Results], error) {
		items := make([]license.Item, len(in.Body.Items))
		for i, item := range in.Body.Items {
			items[i] = license.Item{ProductID: item.ProductID, UserID: item.UserID, LicenseID: item.LicenseID}
		}
		if err := validIDs(inItem, items...); err != nil {
			return nil, err
		}
		return plain(o.kernel.RemoveMany(ctx, c, items, modeOf(in.Body.Atomic)))
	})
}

func modeOf(atomic bool) license.Mode {
	if atomic {
		return license.AllOrNone
	}
	return license.Each
}

// validIDs checks what a body says of users and, where it does, of extensions; each must be of its
// form. It names all that are not.
func validIDs(at func(i int) string, items ...license.Item) error {
	var fields []problem.Field
	for i, item := range items {
		if p, ok := problem.From(api.CheckUserID(at(i)+"userId", item.UserID)); ok {
			fields = append(fields, p.Fields...)
		}
		if item.Extension != "" && !text.Extension(item.Extension) {
			fields = append(
				fields,
				problem.Fault(at(i)+"extension", problem.BadFormat, "must be 1 to 10 digits, 0 to 9"),
			)
		}
	}
	fields = append(fields, validCodes(at, items...)...)
	if len(fields) > 0 {
		return problem.Validation(fields...)
	}
	return nil
}

// validCodes checks what a body says of cost centers; each must be of the form of a code.
func validCodes(at func(i int) string, items ...license.Item) (fields []problem.Field) {
	for i, item := range items {
		if item.CostCenter == "" {
			continue
		}
		if p, ok := problem.From(api.CheckID(at(i)+"costCenter", item.CostCenter)); ok {
			fields = append(fields, p.Fields...)
		}
	}
	return fields
}

// inBody and inItem say where validIDs finds what it checks: in the body itself, or in an element
// of items.
func inBody(int) string   { return "" }
func inItem(i int) string { return fmt.Sprintf("items[%d].", i) }

// addOnsBody is what PUT takes: every field of GET (requirements, section 6).
type addOnsBody struct {
	ProductIDs []string          `json:"productIds" maxItems:"64" nullable:"false" doc:"The products of all add-ons that the base license is to have."`
	Items      []license.License `json:"items,omitempty" readOnly:"true" nullable:"false" doc:"The add-on licenses."`
}

func (o *Operations) addOns() api.ReadWrite[api.Resource, addOnsBody, license.AddOnList] {
	told := func(a license.AddOns, err error) (*api.Tagged[license.AddOnList], error) {
		if err != nil {
			return nil, err
		}
		return &api.Tagged[license.AddOnList]{
			Status: http.StatusOK,
			ETag:   call.Tag(a.Versions...),
			Body:   a.AddOnList,
		}, nil
	}
	return api.ReadWrite[api.Resource, addOnsBody, license.AddOnList]{
		Read: func(ctx context.Context, c *call.Call, at *api.Resource) (*api.Tagged[license.AddOnList], error) {
			return told(o.kernel.AddOns(ctx, c, at.ID))
		},
		Write: func(
			ctx context.Context, c *call.Call, at *api.Resource, sent api.Sent[addOnsBody],
		) (*api.Tagged[license.AddOnList], error) {
			return told(o.kernel.SetAddOns(ctx, c, at.ID, sent.Body.ProductIDs))
		},
	}
}

func changed(v license.Versioned, err error) (*api.Tagged[license.ChangedLicense], error) {
	if err != nil {
		return nil, err
	}
	return &api.Tagged[license.ChangedLicense]{
		Status: http.StatusOK,
		ETag:   call.Tag(v.Version),
		Body:   v.ChangedLicense,
	}, nil
}

func plain(r license.Results, err error) (*api.Plain[license.Results], error) {
	if err != nil {
		return nil, err
	}
	return &api.Plain[license.Results]{Status: http.StatusOK, Body: r}, nil
}
