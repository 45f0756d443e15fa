package account

import (
	"context"
	"net/http"

	"seatwise/shared/catalog"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

const tag = "Accounts"

type putInput struct {
	api.Account
	Body Settings
}

type listInput struct{ api.Paging }

// Routes registers the room's operations (api.md). The embedded catalog must be readable; Function says so when it is not.
func Routes(k *api.Kit, env *app.Env) {
	s := NewService(env, catalog.Default())

	api.Register(k, api.Operation{
		ID: "put-account", Method: http.MethodPut, Path: "/v1/accounts/{account}", Summary: "Make or change an account", Tag: tag,
		Permissions: []auth.Permission{auth.AccountsManage}, Creates: true, Makes: true, Conflicts: true,
	}, func(ctx context.Context, c *call.Call, in *putInput) (*api.Tagged[Account], error) {
		if err := api.CheckID("account", c.Account); err != nil {
			return nil, err
		}
		a, version, created, err := s.Put(ctx, c, in.Body)
		if err != nil {
			return nil, err
		}
		out := &api.Tagged[Account]{Status: http.StatusOK, ETag: call.Tag(version), Body: a}
		if created {
			out.Status, out.Location = http.StatusCreated, "/v1/accounts/"+a.ID
		}
		return out, nil
	})

	api.Register(k, api.Operation{
		ID: "get-account", Method: http.MethodGet, Path: "/v1/accounts/{account}", Summary: "Read an account", Tag: tag,
		Permissions: []auth.Permission{auth.BillingRead, auth.LicensesRead, auth.DirectoryRead, auth.AccountsManage},
	}, func(ctx context.Context, c *call.Call, _ *api.Account) (*api.Tagged[Account], error) {
		a, version, err := Load(ctx, c)
		if err != nil {
			return nil, err
		}
		return &api.Tagged[Account]{Status: http.StatusOK, ETag: call.Tag(version), Body: a}, nil
	})

	api.Register(k, api.Operation{
		ID: "list-accounts", Method: http.MethodGet, Path: "/v1/accounts", Summary: "List the accounts, by id", Tag: tag,
		Permissions: []auth.Permission{auth.AccountsManage},
	}, func(ctx context.Context, c *call.Call, in *listInput) (*api.Listed[Account], error) {
		return api.Paged(c, in.Paging, []string{"accounts"}, func(after string, limit int) ([]Account, string, error) {
			return s.List(ctx, limit, after)
		})
	})
}

// Function is the Lambda function of the room.
func Function(env *app.Env) (app.Function, error) {
	k := api.New(env)
	Routes(k, env)
	return app.Function{HTTP: k.Handler()}, nil
}
