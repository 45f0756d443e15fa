package directory

import (
	"context"
	"net/http"
	"unicode/utf8"

	"seatwise/shared/catalog"
	"seatwise/shared/license"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

// Function serves users, roles, call queues and dashboards.
func Function(env *app.Env) (app.Function, error) {
	k := api.New(env)
	if err := Routes(k, env); err != nil {
		return app.Function{}, err
	}
	return app.Function{HTTP: k.Handler()}, nil
}

type (
	search struct {
		api.Account
		api.Paging
		Q string `query:"q" maxLength:"200" doc:"Beginning of a name or e-mail address, or an id; upper and lower case are the same."`
	}
	byNameInput struct {
		api.Account
		api.Paging
		Q string `query:"q" maxLength:"200" doc:"Beginning of a name; upper and lower case are the same."`
	}
	listing struct {
		api.Account
		api.Paging
	}

	userBody struct {
		Name        string   `json:"name" minLength:"1" maxLength:"200"`
		Email       string   `json:"email,omitempty" maxLength:"254"`
		Extension   string   `json:"extension,omitempty" maxLength:"10" doc:"1 to 10 digits; leading zeros count."`
		Number      string   `json:"number,omitempty" maxLength:"16" doc:"3 to 15 digits, with or without a plus sign."`
		RoleIDs     []string `json:"roleIds,omitempty" maxItems:"20" doc:"Roles of the account; super-admin is always one."`
		Active      *bool    `json:"active,omitempty" doc:"True if left out."`
		Licenses    []string `json:"licenses,omitempty" maxItems:"50" doc:"Metered products of the user's own."`
		AgentSource string   `json:"agentSource,omitempty" enum:"manual,pbx" doc:"Where agent-user comes from; manual if left out."`
	}
	whyInput struct {
		api.Resource
		Product string `query:"product" required:"true" maxLength:"64" doc:"Product id."`
	}
	putUser struct {
		api.Resource
		Body userBody
	}
	roleBody struct {
		Name        string   `json:"name" minLength:"1" maxLength:"200"`
		Permissions []string `json:"permissions,omitempty" maxItems:"100" doc:"Such as liveReports.view and liveReports.full."`
		Licenses    []string `json:"licenses,omitempty" maxItems:"50" doc:"Metered products that the role carries."`
	}
	putRole struct {
		api.Resource
		Body roleBody
	}
	queueBody struct {
		Name    string   `json:"name" minLength:"1" maxLength:"200"`
		Members []string `json:"members,omitempty" maxItems:"20000" doc:"User ids."`
	}
	putQueue struct {
		api.Resource
		Body queueBody
	}
	dashboardBody struct {
		Name     string   `json:"name" minLength:"1" maxLength:"200"`
		QueueIDs []string `json:"queueIds,omitempty" maxItems:"40"`
	}
	putDashboard struct {
		api.Resource
		Body dashboardBody
	}
)

const tag = "Directory"

// Routes registers the directory's operations.
func Routes(k *api.Kit, env *app.Env) error {
	products := catalog.Default()
	s := NewService(env, license.NewDesk(products))
	s.userRoutes(k)
	s.whyRoute(k)
	s.roleRoutes(k)
	s.queueRoutes(k)
	s.dashboardRoutes(k)
	return nil
}

// known is a not-found problem for an id that nothing of the kind can have; such an id may not fit the table's keys.
func known(kind, id string) error {
	if api.ValidID(id) {
		return nil
	}
	return problem.Missing(kind)
}

// each is a validation problem unless every id is one that api.md allows: any other is nothing of the account, and may not fit the table's keys.
func each(field, kind string, ids []string) error {
	for _, id := range ids {
		if !api.ValidID(id) {
			return problem.Invalid(field, "each must be a %s of the account", kind)
		}
	}
	return nil
}

// tagged makes the answer of a single resource: 201 for a new one.
func tagged[T any](body T, version int64, made bool) *api.Tagged[T] {
	status := http.StatusOK
	if made {
		status = http.StatusCreated
	}
	return &api.Tagged[T]{Status: status, ETag: call.Tag(version), Body: body}
}

func (s *Service) userRoutes(k *api.Kit) {
	const path = "/v1/accounts/{account}/users/{id}"
	read, manage := []auth.Permission{auth.DirectoryRead}, []auth.Permission{auth.DirectoryManage}
	api.Register(k, api.Operation{
		ID: "put-user", Method: http.MethodPut, Path: path, Tag: tag, Permissions: manage, Conflicts: true, Makes: true,
		Summary: "Make or replace a user; deactivating releases everything they hold",
	}, func(ctx context.Context, c *call.Call, in *putUser) (*api.Tagged[User], error) {
		if err := api.CheckID("id", in.ID); err != nil {
			return nil, err
		}
		if err := each("roleIds", "role", in.Body.RoleIDs); err != nil {
			return nil, err
		}
		u := User{
			ID: in.ID, Name: in.Body.Name, Email: in.Body.Email, Extension: in.Body.Extension, Number: in.Body.Number, RoleIDs: in.Body.RoleIDs,
			Active: in.Body.Active == nil || *in.Body.Active, Licenses: in.Body.Licenses, AgentSource: in.Body.AgentSource,
		}
		user, version, made, err := s.PutUser(ctx, c, u)
		if err != nil {
			return nil, err
		}
		return tagged(user, version, made), nil
	})
	api.Register(k, api.Operation{
		ID: "get-user", Method: http.MethodGet, Path: path, Tag: tag, Permissions: read, Summary: "Read a user",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[User], error) {
		if err := known("user", in.ID); err != nil {
			return nil, err
		}
		user, version, err := s.GetUser(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return tagged(user, version, false), nil
	})
	api.Register(k, api.Operation{
		ID: "delete-user", Method: http.MethodDelete, Path: path, Tag: tag, Permissions: manage, Status: http.StatusNoContent,
		Summary: "Delete a user; everything they hold is released",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*struct{}, error) {
		if err := known("user", in.ID); err != nil {
			return nil, err
		}
		return nil, s.DeleteUser(ctx, c, in.ID)
	})
	api.Register(k, api.Operation{
		ID: "list-users", Method: http.MethodGet, Path: "/v1/accounts/{account}/users", Tag: tag, Permissions: read, Summary: "List users",
	}, func(ctx context.Context, c *call.Call, in *search) (*api.Listed[User], error) {
		if !utf8.ValidString(in.Q) {
			return nil, problem.Invalid("q", "must be UTF-8")
		}
		return api.Paged(c, in.Paging, []string{"users", in.Q}, func(after string, limit int) ([]User, string, error) {
			return s.ListUsers(ctx, c, in.Q, after, limit)
		})
	})
}

// whyRoute explains a holding, a wait or a lack (spec 6).
func (s *Service) whyRoute(k *api.Kit) {
	api.Register(k, api.Operation{
		ID: "explain-license", Method: http.MethodGet, Path: "/v1/accounts/{account}/users/{id}/why", Tag: tag,
		Permissions: []auth.Permission{auth.LicensesRead, auth.DirectoryRead},
		Summary:     "Why a user holds, lacks or waits for a product: the chain from dashboard to queue to grant",
	}, func(ctx context.Context, c *call.Call, in *whyInput) (*api.Plain[license.Why], error) {
		why, err := s.desk.Why(ctx, c, in.ID, in.Product, s)
		if err != nil {
			return nil, err
		}
		return &api.Plain[license.Why]{Status: http.StatusOK, Body: why}, nil
	})
}

func (s *Service) roleRoutes(k *api.Kit) {
	const path = "/v1/accounts/{account}/roles/{id}"
	read, manage := []auth.Permission{auth.DirectoryRead}, []auth.Permission{auth.DirectoryManage}
	api.Register(k, api.Operation{
		ID: "put-role", Method: http.MethodPut, Path: path, Tag: tag, Permissions: manage, Conflicts: true, Makes: true,
		Summary: "Make or replace a role; its users follow",
	}, func(ctx context.Context, c *call.Call, in *putRole) (*api.Tagged[Role], error) {
		if err := api.CheckID("id", in.ID); err != nil {
			return nil, err
		}
		role, version, made, err := s.PutRole(ctx, c, Role{ID: in.ID, Name: in.Body.Name, Permissions: in.Body.Permissions, Licenses: in.Body.Licenses})
		if err != nil {
			return nil, err
		}
		return tagged(role, version, made), nil
	})
	api.Register(k, api.Operation{
		ID: "get-role", Method: http.MethodGet, Path: path, Tag: tag, Permissions: read, Summary: "Read a role",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[Role], error) {
		if err := known("role", in.ID); err != nil {
			return nil, err
		}
		role, version, err := s.GetRole(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return tagged(role, version, false), nil
	})
	api.Register(k, api.Operation{
		ID: "delete-role", Method: http.MethodDelete, Path: path, Tag: tag, Permissions: manage, Status: http.StatusNoContent, Conflicts: true,
		Summary: "Delete a role that nobody has",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*struct{}, error) {
		if err := known("role", in.ID); err != nil {
			return nil, err
		}
		return nil, s.DeleteRole(ctx, c, in.ID)
	})
	api.Register(k, api.Operation{
		ID: "list-roles", Method: http.MethodGet, Path: "/v1/accounts/{account}/roles", Tag: tag, Permissions: read, Summary: "List roles",
	}, func(ctx context.Context, c *call.Call, in *listing) (*api.Listed[Role], error) {
		return api.Paged(c, in.Paging, []string{"roles"}, func(after string, limit int) ([]Role, string, error) {
			return s.ListRoles(ctx, c, after, limit)
		})
	})
}

func (s *Service) queueRoutes(k *api.Kit) {
	const path = "/v1/accounts/{account}/call-queues/{id}"
	read, manage := []auth.Permission{auth.DirectoryRead}, []auth.Permission{auth.DirectoryManage}
	api.Register(k, api.Operation{
		ID: "put-call-queue", Method: http.MethodPut, Path: path, Tag: tag, Permissions: manage, Conflicts: true, Makes: true,
		Summary: "Make or replace a call queue; members of a monitored queue are granted Live Reports",
	}, func(ctx context.Context, c *call.Call, in *putQueue) (*api.Tagged[Queue], error) {
		if err := api.CheckID("id", in.ID); err != nil {
			return nil, err
		}
		if err := each("members", "user", in.Body.Members); err != nil {
			return nil, err
		}
		queue, version, made, err := s.PutQueue(ctx, c, in.ID, in.Body.Name, in.Body.Members)
		if err != nil {
			return nil, err
		}
		return tagged(queue, version, made), nil
	})
	api.Register(k, api.Operation{
		ID: "get-call-queue", Method: http.MethodGet, Path: path, Tag: tag, Permissions: read, Summary: "Read a call queue",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[Queue], error) {
		if err := known("call queue", in.ID); err != nil {
			return nil, err
		}
		queue, version, err := s.GetQueue(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return tagged(queue, version, false), nil
	})
	api.Register(k, api.Operation{
		ID: "delete-call-queue", Method: http.MethodDelete, Path: path, Tag: tag, Permissions: manage, Status: http.StatusNoContent, Conflicts: true,
		Summary: "Delete a call queue; its grants end",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*struct{}, error) {
		if err := known("call queue", in.ID); err != nil {
			return nil, err
		}
		return nil, s.DeleteQueue(ctx, c, in.ID)
	})
	api.Register(k, api.Operation{
		ID: "list-call-queues", Method: http.MethodGet, Path: "/v1/accounts/{account}/call-queues", Tag: tag, Permissions: read,
		Summary: "List call queues",
	}, func(ctx context.Context, c *call.Call, in *byNameInput) (*api.Listed[Queue], error) {
		if !utf8.ValidString(in.Q) {
			return nil, problem.Invalid("q", "must be UTF-8")
		}
		return api.Paged(c, in.Paging, []string{"call-queues", in.Q}, func(after string, limit int) ([]Queue, string, error) {
			return s.ListQueues(ctx, c, in.Q, after, limit)
		})
	})
}

func (s *Service) dashboardRoutes(k *api.Kit) {
	const path = "/v1/accounts/{account}/dashboards/{id}"
	view, full := []auth.Permission{auth.LiveReportsView}, []auth.Permission{auth.LiveReportsFull}
	api.Register(k, api.Operation{
		ID: "put-dashboard", Method: http.MethodPut, Path: path, Tag: tag, Permissions: full, Conflicts: true, Makes: true,
		Summary: "Make or replace a dashboard; the members of its queues are granted Live Reports",
	}, func(ctx context.Context, c *call.Call, in *putDashboard) (*api.Tagged[DashboardWithGrants], error) {
		if err := api.CheckID("id", in.ID); err != nil {
			return nil, err
		}
		if err := each("queueIds", "call queue", in.Body.QueueIDs); err != nil {
			return nil, err
		}
		dashboard, version, made, err := s.PutDashboard(ctx, c, Dashboard{ID: in.ID, Name: in.Body.Name, QueueIDs: in.Body.QueueIDs})
		if err != nil {
			return nil, err
		}
		return tagged(dashboard, version, made), nil
	})
	api.Register(k, api.Operation{
		ID: "get-dashboard", Method: http.MethodGet, Path: path, Tag: tag, Permissions: view, Summary: "Read a dashboard",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[DashboardWithGrants], error) {
		if err := known("dashboard", in.ID); err != nil {
			return nil, err
		}
		dashboard, version, err := s.GetDashboard(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return tagged(dashboard, version, false), nil
	})
	api.Register(k, api.Operation{
		ID: "delete-dashboard", Method: http.MethodDelete, Path: path, Tag: tag, Permissions: full, Status: http.StatusNoContent,
		Summary: "Delete a dashboard; queues on no other are monitored no more",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*struct{}, error) {
		if err := known("dashboard", in.ID); err != nil {
			return nil, err
		}
		return nil, s.DeleteDashboard(ctx, c, in.ID)
	})
	api.Register(k, api.Operation{
		ID: "list-dashboards", Method: http.MethodGet, Path: "/v1/accounts/{account}/dashboards", Tag: tag, Permissions: view,
		Summary: "List dashboards",
	}, func(ctx context.Context, c *call.Call, in *byNameInput) (*api.Listed[Dashboard], error) {
		if !utf8.ValidString(in.Q) {
			return nil, problem.Invalid("q", "must be UTF-8")
		}
		return api.Paged(c, in.Paging, []string{"dashboards", in.Q}, func(after string, limit int) ([]Dashboard, string, error) {
			return s.ListDashboards(ctx, c, in.Q, after, limit)
		})
	})
}
