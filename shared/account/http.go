package account

import (
	"context"
	"net/http"
	"time"

	"seatwise/shared/license/effects"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

const tag = "Accounts"

// body is what PUT takes: every field of GET (requirements, section 6).
type body struct {
	Settings
	ID        string    `json:"id,omitempty" readOnly:"true" doc:"The id in the path."`
	Terms     []Terms   `json:"terms,omitempty" readOnly:"true" nullable:"false" doc:"What counts from which billing date on; kept by the server."`
	CreatedAt time.Time `json:"createdAt,omitzero" readOnly:"true"`
	ChangedAt time.Time `json:"changedAt,omitzero" readOnly:"true"`
	Erasure   string    `json:"erasure,omitempty" readOnly:"true" doc:"The erasure that waits for the account."`
}

type listInput struct{ api.Paging }

// Routes registers the module's operations (docs/contract.md).
func (s *Service) Routes(k *api.Router) {
	k.Foresees("licenses", effects.Reader(s.products))
	k.Carries(BundleMarkers, func(ctx context.Context, account, _ string) error { return s.settle(ctx, account, 0) })
	one := api.ReadWrite[api.Account, body, Account]{
		Keeps: []string{"costCenter", "state"},
		New:   func(at *api.Account) Account { return Account{ID: at.Account} },
		Read: func(ctx context.Context, c *call.Call, _ *api.Account) (*api.Tagged[Account], error) {
			a, version, err := Load(ctx, c)
			if err != nil {
				return nil, err
			}
			return &api.Tagged[Account]{Status: http.StatusOK, ETag: call.Tag(version), Body: a}, nil
		},
		Write: func(
			ctx context.Context, c *call.Call, _ *api.Account, sent api.Sent[body],
		) (*api.Tagged[Account], error) {
			if err := api.CheckID("account", c.Account); err != nil {
				return nil, err
			}
			a, err := s.Put(ctx, c, sent.Body.Settings)
			if err != nil {
				return nil, err
			}
			out := api.Tell(a)
			if a.Created {
				out.Location = path(a.Value.ID)
			}
			return out, nil
		},
	}
	manage := []auth.Permission{auth.AccountsManage}
	api.RegisterPut(k, api.Operation{
		ID: "put-account", Path: "/v1/accounts/{account}", Summary: "Make or change an account", Tag: tag,
		Permissions: manage, Creates: true, Lives: true, Makes: true, Conflicts: true,
	}, one)
	api.RegisterPatch(k, api.Operation{
		ID: "patch-account", Path: "/v1/accounts/{account}", Summary: "Change what is named of an account", Tag: tag,
		Permissions: manage, Lives: true, Conflicts: true,
	}, one)
	api.RegisterGet(k, api.Operation{
		ID: "get-account", Path: "/v1/accounts/{account}", Summary: "Read an account", Tag: tag,
		Permissions: []auth.Permission{auth.BillingRead, auth.LicensesRead, auth.DirectoryRead, auth.AccountsManage},
	}, one)

	api.Register(k, api.Operation{
		ID:          "list-accounts",
		Method:      http.MethodGet,
		Path:        "/v1/accounts",
		Summary:     "List the accounts, by id",
		Tag:         tag,
		Permissions: []auth.Permission{auth.AccountsManage},
	}, func(ctx context.Context, c *call.Call, in *listInput) (*api.Listed[Account], error) {
		list := []string{"accounts"}
		return api.Paged(ctx, c, in.Paging, list, func(after string, limit int) ([]Account, string, error) {
			return s.List(ctx, limit, after)
		})
	})
}

func path(id string) string { return "/v1/accounts/" + id }
