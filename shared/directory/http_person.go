package directory

import (
	"context"
	"net/http"

	"seatwise/shared/license"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/access"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

// Me is who calls, as their token says.
type Me struct {
	Account     string   `json:"account" doc:"The account that the token was issued for."`
	User        string   `json:"user" doc:"The caller's user id."`
	Permissions []string `json:"permissions" nullable:"false" doc:"What the caller may do."`
	CostCenters []string `json:"costCenters,omitzero" nullable:"false" doc:"Of an admin of some cost centers: which, as the token and the directory both allow. Left out of everybody else."`
}

// HeldLicense is a license with the name of its product.
type HeldLicense struct {
	license.License
	ProductName string `json:"productName" doc:"The product's name in the catalog."`
}

type heldInput struct {
	api.Resource
	api.Paging
}

// personRoutes tell who calls, and what a person holds.
func (s *Service) personRoutes(k *api.Router) {
	api.Register(k, api.Operation{
		ID:      "get-me",
		Method:  http.MethodGet,
		Path:    "/v1/me",
		Tag:     tag,
		Anyone:  true,
		Partly:  true,
		Summary: "Read who calls, and what they may do",
	}, func(ctx context.Context, _ *call.Call, _ *struct{}) (*api.Plain[Me], error) {
		p, err := access.Caller(ctx)
		if err != nil {
			return nil, err
		}
		me := Me{Account: p.Account, User: p.User, Permissions: []string{}, CostCenters: p.Limit.Codes()}
		for _, permission := range p.Permissions.List() {
			me.Permissions = append(me.Permissions, string(permission))
		}
		return &api.Plain[Me]{Status: http.StatusOK, Body: me}, nil
	})
	api.Register(k, api.Operation{
		ID:      "list-user-licenses",
		Method:  http.MethodGet,
		Path:    "/v1/accounts/{account}/users/{id}/licenses",
		Tag:     tag,
		Anyone:  true,
		Partly:  true,
		Summary: "List the licenses that a user holds: one's own, and with licenses.read or directory.read anybody's",
	}, func(ctx context.Context, c *call.Call, in *heldInput) (*api.Listed[HeldLicense], error) {
		ctx, err := seesHoldings(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		if err := knownUser(in.ID); err != nil {
			return nil, err
		}
		if _, _, err := s.GetUser(ctx, c, in.ID); err != nil {
			return nil, err
		}
		return api.Paged(
			ctx,
			c,
			in.Paging,
			[]string{"user-licenses", in.ID},
			func(after string, limit int) ([]HeldLicense, string, error) {
				list, next, err := s.inventory.List(ctx, c, inventory.Filter{User: in.ID}, after, limit)
				held := make([]HeldLicense, len(list))
				for i, l := range list {
					p, _ := s.products.Lookup(l.ProductID)
					held[i] = HeldLicense{License: l, ProductName: p.Name}
				}
				return held, next, err
			},
		)
	})
}

// seesHoldings says whether the caller may know what a user holds, and gives the context to read it with:
// everybody may know all of their own.
//
// Errors: forbidden.
func seesHoldings(ctx context.Context, user string) (context.Context, error) {
	p, err := access.Caller(ctx)
	if err != nil {
		return ctx, err
	}
	if user == p.User {
		return access.Own(ctx), nil
	}
	return ctx, auth.Allowed(p, "", auth.LicensesRead, auth.DirectoryRead)
}
