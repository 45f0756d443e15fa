package directory

import (
	"context"
	"net/http"
	"unicode/utf8"

	"seatwise/shared/license/effects"
	"seatwise/shared/license/inventory"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

type (
	search struct {
		api.Account
		api.Paging
		Q    string   `query:"q" maxLength:"200" doc:"Beginning of a word of the name, the id or the e-mail address, of the extension, or of the number, with or without the country code 1. Case, accents, and kinds of spaces make no difference."`
		ID   []string `query:"id,explode" maxItems:"50" doc:"Only the users of these ids. May be given several times; does not go with q."`
		Role string   `query:"role" maxLength:"64" doc:"Only users who have this role. Does not go with q or id." example:"supervisor"`
	}
	byNameInput struct {
		api.Account
		api.Paging
		Q  string   `query:"q" maxLength:"200" doc:"Beginning of a word of the name or the id. Case, accents, and kinds of spaces make no difference."`
		ID []string `query:"id,explode" maxItems:"50" doc:"Only those of these ids. May be given several times; does not go with q."`
	}
	queueSearch struct {
		api.Account
		api.Paging
		Q    string   `query:"q" maxLength:"200" doc:"Beginning of a word of the name or the id. Case, accents, and kinds of spaces make no difference."`
		ID   []string `query:"id,explode" maxItems:"50" doc:"Only those of these ids. May be given several times; does not go with q."`
		User string   `query:"user" maxLength:"128" doc:"Only call queues that this user is a member of; none of a user who is not there. Who joined a moment ago may not be found while settling is said of the queue. Does not go with q or id." example:"zoe"`
	}
	listing struct {
		api.Account
		api.Paging
	}

	// A body of PUT has every field of GET (requirements, section 6).
	userBody struct {
		ID          string        `json:"id,omitempty" readOnly:"true" doc:"The id in the path."`
		Name        string        `json:"name" minLength:"1" maxLength:"200"`
		Email       string        `json:"email,omitempty" maxLength:"254" nullable:"true" doc:"None if left out or null."`
		Extension   string        `json:"extension,omitempty" maxLength:"10" nullable:"true" doc:"1 to 10 digits; leading zeros count. Stays if left out; null takes it away, and the number with it."`
		Number      string        `json:"number,omitempty" maxLength:"32" nullable:"true" doc:"3 to 15 digits, with a plus sign before them or not, and spaces, hyphens, periods, slashes or round brackets between them. Kept as entered; two are one if their digits are. Stays if left out; null takes it away."`
		RoleIDs     []string      `json:"roleIds,omitempty" maxItems:"20" nullable:"true" doc:"Roles of the account; super-admin is always one. Stay if left out; null or an empty list takes all away."`
		Active      *bool         `json:"active,omitempty" nullable:"false" doc:"Stays if left out, and is true of a new user. Who is made inactive loses all that they hold."`
		AdminOf     []string      `json:"adminOfCostCenters,omitempty" maxItems:"20" nullable:"true" doc:"Cost centers of the account: what the user's permissions allow, they then allow for these alone. Stays if left out; null or an empty list ends the limit. Nobody gives or takes more than they have themselves."`
		CostCenter  string        `json:"costCenter,omitempty" maxLength:"64" nullable:"true" doc:"A cost center of the account: what the user consumes is charged to it, and its seats are given to them first. Stays if left out; null takes it away."`
		Licenses    []string      `json:"licenses,omitempty" maxItems:"50" nullable:"true" doc:"Metered products that the user holds directly. Stay if left out; null or an empty list takes all away. Who is not active holds none."`
		AgentSource string        `json:"agentSource,omitempty" enum:"manual,pbx" nullable:"true" doc:"Where agent-user comes from. Stays if left out; manual of a new one."`
		Holdings    []UserLicense `json:"holdings,omitempty" readOnly:"true" nullable:"false" doc:"All licenses that the user holds."`
	}
	whyInput struct {
		api.Resource
		Product string `query:"product" required:"true" maxLength:"64" doc:"Product id."`
	}
	roleBody struct {
		ID          string   `json:"id,omitempty" readOnly:"true" doc:"The id in the path."`
		Name        string   `json:"name" minLength:"1" maxLength:"200"`
		Permissions []string `json:"permissions,omitempty" maxItems:"100" nullable:"true" doc:"Any permission but accounts.manage, such as liveReports.view. None if left out or null."`
		Licenses    []string `json:"licenses,omitempty" maxItems:"50" nullable:"true" doc:"Metered products that the role carries. None if left out or null."`
	}
	queueBody struct {
		ID         string   `json:"id,omitempty" readOnly:"true" doc:"The id in the path."`
		Name       string   `json:"name" minLength:"1" maxLength:"200"`
		Members    []string `json:"members,omitempty" maxItems:"20000" nullable:"true" doc:"User ids, of at most 2,000,000 bytes as JSON (20,000 ids of 97 characters). None if left out or null."`
		Dashboards []string `json:"dashboards,omitempty" readOnly:"true" nullable:"false" doc:"Dashboards that show the queue."`
		Settling   bool     `json:"settling,omitempty" readOnly:"true" doc:"Grants of the members are still being given or withdrawn."`
	}
	dashboardBody struct {
		ID       string      `json:"id,omitempty" readOnly:"true" doc:"The id in the path."`
		Name     string      `json:"name" minLength:"1" maxLength:"200"`
		QueueIDs []string    `json:"queueIds,omitempty" maxItems:"40" nullable:"true" doc:"None if left out or null."`
		Grants   GrantCounts `json:"grants,omitzero" readOnly:"true" doc:"How the members of the queues stand."`
		Settling bool        `json:"settling,omitempty" readOnly:"true" doc:"Of the answer to a change: more grants are to follow."`
	}
)

const tag = "Directory"

// check refuses filters that are answered from different places.
//
// Errors: validation.
func (in *search) check() error {
	if in.Role != "" {
		return alone("role", in.Q, in.ID)
	}
	return checkSearch(in.Q, in.ID)
}

func (in *byNameInput) check() error { return checkSearch(in.Q, in.ID) }

// check refuses filters that are answered from different places.
//
// Errors: validation.
func (in *queueSearch) check() error {
	if in.User != "" {
		return alone("user", in.Q, in.ID)
	}
	return checkSearch(in.Q, in.ID)
}

// alone refuses a filter that is answered from a place of its own beside a search or ids.
func alone(filter, q string, ids []string) error {
	switch {
	case q != "":
		return problem.Invalid(filter, problem.NotTogether, "does not go with q")
	case len(ids) > 0:
		return problem.Invalid(filter, problem.NotTogether, "does not go with id")
	}
	return nil
}

func checkSearch(q string, ids []string) error {
	if !utf8.ValidString(q) {
		return problem.Invalid("q", problem.BadEncoding, "must be UTF-8")
	}
	if q != "" && len(ids) > 0 {
		return problem.Invalid("id", problem.NotTogether, "does not go with q")
	}
	return nil
}

// Routes registers the operations on users, roles, call queues and dashboards.
func (s *Service) Routes(k *api.Router) {
	k.Foresees("licenses", effects.Reader(s.kernel.Products()))
	k.Carries(queueMarkers, s.ResumeQueues)
	k.Carries(roleMarkers, s.ResumeRoles)
	k.Carries(userMarkers, s.ResumeUsers)
	s.userRoutes(k)
	s.whyRoute(k)
	s.personRoutes(k)
	s.roleRoutes(k)
	s.queueRoutes(k)
	s.dashboardRoutes(k)
}

// known is a not-found problem for an id that nothing of the kind can have; such an id may not fit
// the table's keys.
func known(kind, id string) error {
	if auth.ValidID(id) {
		return nil
	}
	return problem.Missing(kind)
}

// knownUser is known for users.
func knownUser(id string) error {
	if auth.ValidUserID(id) {
		return nil
	}
	return problem.Missing("user")
}

// strangers names the ids of a list that are no such thing of the account; nil when there are none.
//
// Errors: validation.
func strangers(field, kind string, ids []string, bad func(i int) bool) error {
	if fields := problem.Culprits(
		field,
		problem.UnknownID,
		ids,
		bad,
		"is no "+kind+" of the account",
	); len(
		fields,
	) > 0 {
		return problem.Validation(fields...)
	}
	return nil
}

func tell[T any](value T, version int64) *api.Tagged[T] {
	return api.Tell(call.Stored[T]{Value: value, Version: version})
}

// userResource is how users are read and written by PUT and PATCH.
func (s *Service) userResource() api.ReadWrite[api.Resource, userBody, User] {
	return api.ReadWrite[api.Resource, userBody, User]{
		Keeps: []string{
			"extension", "number", "roleIds", "active", "licenses", "agentSource", "costCenter", "adminOfCostCenters",
		},
		New: func(at *api.Resource) User { return fresh(at.ID) },
		Read: func(ctx context.Context, c *call.Call, at *api.Resource) (*api.Tagged[User], error) {
			if err := knownUser(at.ID); err != nil {
				return nil, err
			}
			user, version, err := s.GetUser(ctx, c, at.ID)
			if err != nil {
				return nil, err
			}
			return tell(user, version), nil
		},
		Write: func(
			ctx context.Context, c *call.Call, at *api.Resource, sent api.Sent[userBody],
		) (*api.Tagged[User], error) {
			if err := api.CheckUserID("id", at.ID); err != nil {
				return nil, err
			}
			body := sent.Body
			n := UserChange{
				ID:          at.ID,
				Name:        body.Name,
				Email:       body.Email,
				Active:      body.Active,
				AgentSource: body.AgentSource,
			}
			for name, field := range map[string]func(){
				"extension":          func() { n.Extension = &body.Extension },
				"number":             func() { n.Number = &body.Number },
				"roleIds":            func() { n.RoleIDs = &body.RoleIDs },
				"licenses":           func() { n.Licenses = &body.Licenses },
				"costCenter":         func() { n.CostCenter = &body.CostCenter },
				"adminOfCostCenters": func() { n.AdminOf = &body.AdminOf },
			} {
				if sent.Has(name) {
					field()
				}
			}
			user, err := s.ChangeUser(ctx, c, n)
			if err != nil {
				return nil, err
			}
			return api.Tell(user), nil
		},
	}
}

func (s *Service) userRoutes(k *api.Router) {
	const path = "/v1/accounts/{account}/users/{id}"
	read, manage := []auth.Permission{auth.DirectoryRead}, []auth.Permission{auth.DirectoryManage}
	users := s.userResource()
	api.RegisterPut(k, api.Operation{
		ID: "put-user", Path: path, Tag: tag, Permissions: manage, Conflicts: true, Makes: true, Partly: true,
		Summary: "Make or replace a user; deactivating releases everything they hold",
	}, users)
	api.RegisterPatch(k, api.Operation{
		ID:          "patch-user",
		Partly:      true,
		Path:        path,
		Tag:         tag,
		Permissions: manage,
		Conflicts:   true,
		Summary:     "Change what is named of a user",
	}, users)
	api.RegisterGet(
		k,
		api.Operation{
			ID: "get-user", Path: path, Tag: tag, Permissions: read, Partly: true, Summary: "Read a user",
		},
		users,
	)
	api.Register(k, api.Operation{
		ID:          "delete-user",
		Partly:      true,
		Method:      http.MethodDelete,
		Path:        path,
		Tag:         tag,
		Permissions: manage,
		Status:      http.StatusNoContent,
		Summary:     "Delete a user; everything they hold is released",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*struct{}, error) {
		if err := knownUser(in.ID); err != nil {
			return nil, err
		}
		return nil, s.DeleteUser(ctx, c, in.ID)
	})
	api.Register(k, api.Operation{
		ID:          "list-users",
		Partly:      true,
		Method:      http.MethodGet,
		Path:        "/v1/accounts/{account}/users",
		Tag:         tag,
		Permissions: read,
		Summary:     "List users",
	}, func(ctx context.Context, c *call.Call, in *search) (*api.Listed[User], error) {
		if err := in.check(); err != nil {
			return nil, err
		}
		list := append([]string{"users", in.Q, in.Role}, in.ID...)
		return api.Paged(ctx, c, in.Paging, list, func(after string, limit int) ([]User, string, error) {
			return theirUsers(ctx, func() ([]User, string, error) { return s.asked(ctx, c, in, after, limit) })
		})
	})
}

// InvitationRoutes registers the operation by which a person of the directory comes to sign in: a function
// of its own, since no other one may make people at the identity provider.
func (s *Service) InvitationRoutes(k *api.Router) {
	api.Register(k, api.Operation{
		ID: "invite-user", Method: http.MethodPost, Path: "/v1/accounts/{account}/users/{id}/invite",
		Tag: tag, Permissions: []auth.Permission{auth.DirectoryManage}, Status: http.StatusAccepted, Conflicts: true,
		Summary: "Invite a user to sign in, by mail; invited again, they are told again until they have",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Plain[Invitation], error) {
		if err := knownUser(in.ID); err != nil {
			return nil, err
		}
		invitation, err := s.InviteUser(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return &api.Plain[Invitation]{Status: http.StatusAccepted, Body: invitation}, nil
	})
}

// asked is a page of the users that a list's filters ask for.
func (s *Service) asked(
	ctx context.Context, c *call.Call, in *search, after string, limit int,
) ([]User, string, error) {
	switch {
	case len(in.ID) > 0:
		return s.UsersNamed(ctx, c, in.ID, after, limit)
	case in.Role != "":
		return s.UsersWithRole(ctx, c, in.Role, after, limit)
	}
	return s.ListUsers(ctx, c, in.Q, after, limit)
}

// whyRoute explains a holding, a wait or a lack (requirements, section 6).
func (s *Service) whyRoute(k *api.Router) {
	api.Register(k, api.Operation{
		ID: "explain-license", Method: http.MethodGet, Path: "/v1/accounts/{account}/users/{id}/why", Tag: tag,
		Permissions: []auth.Permission{auth.LicensesRead, auth.DirectoryRead}, Partly: true,
		Summary: "Why a user holds, lacks or waits for a product: the chain from dashboard to queue to grant",
	}, func(ctx context.Context, c *call.Call, in *whyInput) (*api.Plain[inventory.Why], error) {
		why, err := s.inventory.Why(ctx, c, in.ID, in.Product, s)
		if err != nil {
			return nil, err
		}
		return &api.Plain[inventory.Why]{Status: http.StatusOK, Body: why}, nil
	})
}

// roleResource is how roles are read and written by PUT and PATCH.
func (s *Service) roleResource() api.ReadWrite[api.Resource, roleBody, Role] {
	return api.ReadWrite[api.Resource, roleBody, Role]{
		New: func(at *api.Resource) Role { return Role{ID: at.ID, Permissions: []string{}, Licenses: []string{}} },
		Read: func(ctx context.Context, c *call.Call, at *api.Resource) (*api.Tagged[Role], error) {
			if err := known("role", at.ID); err != nil {
				return nil, err
			}
			role, version, err := s.GetRole(ctx, c, at.ID)
			if err != nil {
				return nil, err
			}
			return tell(role, version), nil
		},
		Write: func(
			ctx context.Context, c *call.Call, at *api.Resource, sent api.Sent[roleBody],
		) (*api.Tagged[Role], error) {
			if err := api.CheckID("id", at.ID); err != nil {
				return nil, err
			}
			role, err := s.PutRole(ctx, c, Role{
				ID: at.ID, Name: sent.Body.Name, Permissions: sent.Body.Permissions, Licenses: sent.Body.Licenses,
			})
			if err != nil {
				return nil, err
			}
			return api.Tell(role), nil
		},
	}
}

func (s *Service) roleRoutes(k *api.Router) {
	const path = "/v1/accounts/{account}/roles/{id}"
	read, manage := []auth.Permission{auth.DirectoryRead}, []auth.Permission{auth.DirectoryManage}
	roles := s.roleResource()
	api.RegisterPut(k, api.Operation{
		ID:          "put-role",
		Path:        path,
		Tag:         tag,
		Permissions: manage,
		Conflicts:   true,
		Makes:       true,
		Summary:     "Make or replace a role; its users follow",
	}, roles)
	api.RegisterPatch(k, api.Operation{
		ID:          "patch-role",
		Path:        path,
		Tag:         tag,
		Permissions: manage,
		Conflicts:   true,
		Summary:     "Change what is named of a role",
	}, roles)
	api.RegisterGet(
		k,
		api.Operation{ID: "get-role", Path: path, Tag: tag, Permissions: read, Summary: "Read a role"},
		roles,
	)
	api.Register(k, api.Operation{
		ID:          "delete-role",
		Method:      http.MethodDelete,
		Path:        path,
		Tag:         tag,
		Permissions: manage,
		Status:      http.StatusNoContent,
		Conflicts:   true,
		Summary:     "Delete a role that nobody has",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*struct{}, error) {
		if err := known("role", in.ID); err != nil {
			return nil, err
		}
		return nil, s.DeleteRole(ctx, c, in.ID)
	})
	api.Register(k, api.Operation{
		ID:          "list-roles",
		Method:      http.MethodGet,
		Path:        "/v1/accounts/{account}/roles",
		Tag:         tag,
		Permissions: read,
		Summary:     "List roles",
	}, func(ctx context.Context, c *call.Call, in *listing) (*api.Listed[Role], error) {
		return api.Paged(ctx, c, in.Paging, []string{"roles"}, func(after string, limit int) ([]Role, string, error) {
			return s.ListRoles(ctx, c, after, limit)
		})
	})
}

// queueResource is how call queues are read and written by PUT and PATCH.
func (s *Service) queueResource() api.ReadWrite[api.Resource, queueBody, Queue] {
	return api.ReadWrite[api.Resource, queueBody, Queue]{
		New: func(at *api.Resource) Queue { return Queue{ID: at.ID, Members: []string{}, Dashboards: []string{}} },
		Read: func(ctx context.Context, c *call.Call, at *api.Resource) (*api.Tagged[Queue], error) {
			if err := known("call queue", at.ID); err != nil {
				return nil, err
			}
			queue, version, err := s.GetQueue(ctx, c, at.ID)
			if err != nil {
				return nil, err
			}
			return tell(queue, version), nil
		},
		Write: func(
			ctx context.Context, c *call.Call, at *api.Resource, sent api.Sent[queueBody],
		) (*api.Tagged[Queue], error) {
			if err := api.CheckID("id", at.ID); err != nil {
				return nil, err
			}
			queue, err := s.PutQueue(ctx, c, at.ID, sent.Body.Name, sent.Body.Members)
			if err != nil {
				return nil, err
			}
			return api.Tell(queue), nil
		},
	}
}

func (s *Service) queueRoutes(k *api.Router) {
	const path = "/v1/accounts/{account}/call-queues/{id}"
	read, manage := []auth.Permission{auth.DirectoryRead}, []auth.Permission{auth.DirectoryManage}
	queues := s.queueResource()
	api.RegisterPut(k, api.Operation{
		ID:          "put-call-queue",
		Path:        path,
		Tag:         tag,
		Permissions: manage,
		Conflicts:   true,
		Makes:       true,
		MaxBody:     api.LargestBody,
		Summary:     "Make or replace a call queue; members of a monitored queue are granted Live Reports",
	}, queues)
	api.RegisterPatch(k, api.Operation{
		ID: "patch-call-queue", Path: path, Tag: tag, Permissions: manage, Conflicts: true, MaxBody: api.LargestBody,
		Summary: "Change what is named of a call queue",
	}, queues)
	api.RegisterGet(
		k,
		api.Operation{ID: "get-call-queue", Path: path, Tag: tag, Permissions: read, Summary: "Read a call queue"},
		queues,
	)
	api.Register(k, api.Operation{
		ID:          "delete-call-queue",
		Method:      http.MethodDelete,
		Path:        path,
		Tag:         tag,
		Permissions: manage,
		Status:      http.StatusNoContent,
		Conflicts:   true,
		Summary:     "Delete a call queue; its grants end",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*struct{}, error) {
		if err := known("call queue", in.ID); err != nil {
			return nil, err
		}
		return nil, s.DeleteQueue(ctx, c, in.ID)
	})
	api.Register(k, api.Operation{
		ID:          "list-call-queues",
		Method:      http.MethodGet,
		Path:        "/v1/accounts/{account}/call-queues",
		Tag:         tag,
		Permissions: read,
		Summary:     "List call queues",
	}, func(ctx context.Context, c *call.Call, in *queueSearch) (*api.Listed[Queue], error) {
		if err := in.check(); err != nil {
			return nil, err
		}
		list := append([]string{"call-queues", in.Q, in.User}, in.ID...)
		return api.Paged(ctx, c, in.Paging, list, func(after string, limit int) ([]Queue, string, error) {
			switch {
			case len(in.ID) > 0:
				return s.QueuesNamed(ctx, c, in.ID, after, limit)
			case in.User != "":
				return s.QueuesOfMember(ctx, c, in.User, after, limit)
			}
			return s.ListQueues(ctx, c, in.Q, after, limit)
		})
	})
}

// dashboardResource is how dashboards are read and written by PUT and PATCH.
func (s *Service) dashboardResource() api.ReadWrite[api.Resource, dashboardBody, DashboardWithGrants] {
	return api.ReadWrite[api.Resource, dashboardBody, DashboardWithGrants]{
		New: func(at *api.Resource) DashboardWithGrants {
			return DashboardWithGrants{Dashboard: Dashboard{ID: at.ID, QueueIDs: []string{}}}
		},
		Read: func(ctx context.Context, c *call.Call, at *api.Resource) (*api.Tagged[DashboardWithGrants], error) {
			if err := known("dashboard", at.ID); err != nil {
				return nil, err
			}
			dashboard, version, err := s.GetDashboard(ctx, c, at.ID)
			if err != nil {
				return nil, err
			}
			return tell(dashboard, version), nil
		},
		Write: func(
			ctx context.Context, c *call.Call, at *api.Resource, sent api.Sent[dashboardBody],
		) (*api.Tagged[DashboardWithGrants], error) {
			if err := api.CheckID("id", at.ID); err != nil {
				return nil, err
			}
			dashboard, err := s.PutDashboard(
				ctx,
				c,
				Dashboard{ID: at.ID, Name: sent.Body.Name, QueueIDs: sent.Body.QueueIDs},
			)
			if err != nil {
				return nil, err
			}
			return api.Tell(dashboard), nil
		},
	}
}

func (s *Service) dashboardRoutes(k *api.Router) {
	const path = "/v1/accounts/{account}/dashboards/{id}"
	view, full := []auth.Permission{auth.LiveReportsView}, []auth.Permission{auth.LiveReportsFull}
	dashboards := s.dashboardResource()
	api.RegisterPut(k, api.Operation{
		ID: "put-dashboard", Path: path, Tag: tag, Permissions: full, Conflicts: true, Makes: true,
		Summary: "Make or replace a dashboard; the members of its queues are granted Live Reports",
	}, dashboards)
	api.RegisterPatch(k, api.Operation{
		ID:          "patch-dashboard",
		Path:        path,
		Tag:         tag,
		Permissions: full,
		Conflicts:   true,
		Summary:     "Change what is named of a dashboard",
	}, dashboards)
	api.RegisterGet(
		k,
		api.Operation{ID: "get-dashboard", Path: path, Tag: tag, Permissions: view, Summary: "Read a dashboard"},
		dashboards,
	)
	api.Register(k, api.Operation{
		ID:          "delete-dashboard",
		Method:      http.MethodDelete,
		Path:        path,
		Tag:         tag,
		Permissions: full,
		Status:      http.StatusNoContent,
		Summary:     "Delete a dashboard; queues on no other are monitored no more",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*struct{}, error) {
		if err := known("dashboard", in.ID); err != nil {
			return nil, err
		}
		return nil, s.DeleteDashboard(ctx, c, in.ID)
	})
	api.Register(k, api.Operation{
		ID:          "list-dashboards",
		Method:      http.MethodGet,
		Path:        "/v1/accounts/{account}/dashboards",
		Tag:         tag,
		Permissions: view,
		Summary:     "List dashboards",
	}, func(ctx context.Context, c *call.Call, in *byNameInput) (*api.Listed[Dashboard], error) {
		if err := in.check(); err != nil {
			return nil, err
		}
		list := append([]string{"dashboards", in.Q}, in.ID...)
		return api.Paged(ctx, c, in.Paging, list, func(after string, limit int) ([]Dashboard, string, error) {
			if len(in.ID) > 0 {
				return s.DashboardsNamed(ctx, c, in.ID, after, limit)
			}
			return s.ListDashboards(ctx, c, in.Q, after, limit)
		})
	})
}
