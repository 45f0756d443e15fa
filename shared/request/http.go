package request

import (
	"context"
	"net/http"

	"seatwise/shared/craft/text"
	"seatwise/shared/license/effects"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

const (
	tag  = "Requests"
	path = "/v1/accounts/{account}/requests"
)

type askInput struct {
	api.Account
	Body struct {
		ProductID string `json:"productId" minLength:"1" maxLength:"64" doc:"What is asked for."`
		UserID    string `json:"userId,omitempty" maxLength:"128" doc:"Who shall have it; the caller if left out. For somebody else it needs licenses.manage."`
		Reason    string `json:"reason" minLength:"1" maxLength:"200" doc:"Why, for who decides."`
	}
}

type denyInput struct {
	api.Resource
	Body *struct {
		Note string `json:"note,omitempty" maxLength:"200" doc:"What who asked shall read."`
	}
}

type pageInput struct {
	api.Account
	api.Paging
}

type listInput struct {
	api.Account
	api.Paging
	State   []string `query:"state,explode" maxItems:"5" enum:"open,approved,denied,withdrawn,fulfilled" doc:"Only requests in this state. May be given several times: any of them."`
	Product []string `query:"product,explode" maxItems:"50" doc:"Only requests for these products. May be given several times: any of them."`
	User    string   `query:"user" maxLength:"128" doc:"Only requests for this user."`
}

// Routes registers A/requests. Everybody may ask, and see what is theirs; what else it takes is
// decided by the rules (requirements, section 9).
func (s *Service) Routes(k *api.Router) {
	k.Foresees("licenses", effects.Reader(s.kernel.Products()))
	api.Register(k, api.Operation{
		ID: "create-request", Method: http.MethodPost, Path: path, Tag: tag, Anyone: true, Partly: true,
		Status: http.StatusCreated, Conflicts: true, Rules: true,
		Summary: "Ask for a product, for oneself or, with licenses.manage, for somebody else",
	}, s.ask)
	api.Register(k, api.Operation{
		ID: "list-requests", Method: http.MethodGet, Path: path, Tag: tag, Anyone: true, Partly: true,
		Summary: "List requests, the newest first: one's own, and with licenses.read or licenses.manage all",
	}, func(ctx context.Context, c *call.Call, in *listInput) (*api.Listed[Request], error) {
		f := Filter{Products: in.Product, User: in.User}
		list := []string{"requests", in.User}
		for _, state := range in.State {
			f.States = append(f.States, State(state))
			list = append(list, "state", state)
		}
		for _, product := range in.Product {
			list = append(list, "product", product)
		}
		return api.Paged(ctx, c, in.Paging, list, func(after string, limit int) ([]Request, string, error) {
			return s.List(ctx, c, f, after, limit)
		})
	})
	api.Register(k, api.Operation{
		ID: "list-requestable", Method: http.MethodGet, Path: path + "/products", Tag: tag, Anyone: true, Partly: true,
		Summary: "List what can be asked for, and what of it the caller has: the names alone, since prices need catalog.read",
	}, s.listRequestable)
	api.Register(k, api.Operation{
		ID: "get-request", Method: http.MethodGet, Path: path + "/{id}", Tag: tag, Anyone: true, Partly: true,
		Missing: true,
		Summary: "Read a request",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[Request], error) {
		if !auth.ValidID(in.ID) {
			return nil, problem.Missing("request")
		}
		r, version, err := s.Get(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return api.Tell(call.Stored[Request]{Value: r, Version: version}), nil
	})
	api.Register(k, api.Operation{
		ID: "approve-request", Method: http.MethodPost, Path: path + "/{id}/approve", Tag: tag,
		Permissions: []auth.Permission{auth.LicensesManage}, Partly: true, Conflicts: true, Versioned: true,
		Summary: "Grant a request: a free seat at once, else as soon as there is one",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[Request], error) {
		return one(in.ID, func() (call.Stored[Request], error) { return s.Approve(ctx, c, in.ID) })
	})
	api.Register(k, api.Operation{
		ID: "deny-request", Method: http.MethodPost, Path: path + "/{id}/deny", Tag: tag,
		Permissions: []auth.Permission{auth.LicensesManage}, Partly: true, Conflicts: true, Versioned: true,
		Summary: "Deny a request",
	}, s.deny)
	api.Register(k, api.Operation{
		ID: "withdraw-request", Method: http.MethodPost, Path: path + "/{id}/withdraw", Tag: tag, Anyone: true,
		Partly: true, Conflicts: true, Versioned: true,
		Summary: "Withdraw a request that has not ended, one's own or, with licenses.manage, any",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[Request], error) {
		return one(in.ID, func() (call.Stored[Request], error) { return s.Withdraw(ctx, c, in.ID) })
	})
}

func (s *Service) listRequestable(
	ctx context.Context, c *call.Call, in *pageInput,
) (*api.Listed[Requestable], error) {
	held, err := holdings(ctx, c)
	if err != nil {
		return nil, err
	}
	page := func(after string, limit int) ([]Requestable, string, error) {
		return s.requestable(held, after, limit)
	}
	return api.Paged(ctx, c, in.Paging, []string{"requestable"}, page)
}

func (s *Service) ask(ctx context.Context, c *call.Call, in *askInput) (*api.Tagged[Request], error) {
	if in.Body.UserID != "" {
		if err := api.CheckUserID("userId", in.Body.UserID); err != nil {
			return nil, problem.Together(err, check(s.kernel.Products(), in.Body.ProductID, in.Body.Reason))
		}
	}
	r, err := s.Ask(ctx, c, in.Body.ProductID, in.Body.UserID, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	out := api.Tell(r)
	out.Location = pathOf(c.Account, r.Value.ID)
	return out, nil
}

func (s *Service) deny(ctx context.Context, c *call.Call, in *denyInput) (*api.Tagged[Request], error) {
	note := ""
	if in.Body != nil {
		note = in.Body.Note
	}
	if fault := text.NameFault(note); note != "" && fault != "" {
		return nil, problem.Validation(problem.Named("note", fault))
	}
	return one(in.ID, func() (call.Stored[Request], error) { return s.Deny(ctx, c, in.ID, note) })
}

// one answers what becomes of a request.
func one(id string, decide func() (call.Stored[Request], error)) (*api.Tagged[Request], error) {
	if !auth.ValidID(id) {
		return nil, problem.Missing("request")
	}
	r, err := decide()
	if err != nil {
		return nil, err
	}
	return api.Tell(r), nil
}
