package idle

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

const (
	tag  = "Usage"
	base = "/v1/accounts/{account}"
)

type idleInput struct {
	api.Account
	api.Paging
	Product []string `query:"product,explode" maxItems:"50" doc:"Only seats of these products. May be given several times: any of them."`
	Days    int      `query:"days" minimum:"0" maximum:"366" default:"30" doc:"Idle is what was used on none of this number of last days of UTC, today included; 0 lists every seat that somebody holds."`
}

// SeatsPage is a page of idle seats.
type SeatsPage struct {
	Items      []Seat   `json:"items" nullable:"false"`
	NextCursor string   `json:"nextCursor,omitempty" doc:"Asks for the next page; absent on the last one."`
	Total      *Total   `json:"total,omitempty" doc:"All idle seats, of every page. On the first page only."`
	Untold     []string `json:"untold,omitempty" doc:"Products among them of which nobody ever told who uses them, so that their seats count as idle since they were assigned. On the first page only."`
}

type reclaimBody struct {
	ProductID string   `json:"productId" minLength:"1" maxLength:"64" doc:"The product whose seats are reclaimed."`
	Days      int      `json:"days" minimum:"1" maximum:"366" doc:"Seats that were used on none of this number of last days of UTC, today included."`
	UserIDs   []string `json:"userIds,omitempty" minItems:"1" maxItems:"1000" nullable:"false" doc:"Only seats of these users; of everybody if left out."`
}

type reclaimInput struct {
	api.Account
	Body reclaimBody
}

type undoInput struct {
	api.Resource
	Body *struct {
		UserIDs []string `json:"userIds,omitempty" minItems:"1" maxItems:"1000" nullable:"false" doc:"Only the seats of these users are restored, and the others can be later; all if left out."`
	}
}

// users are those who are named.
func (in *undoInput) users() []string {
	if in.Body == nil {
		return nil
	}
	return in.Body.UserIDs
}

type reclaimsInput struct {
	api.Account
	api.Paging
}

type reclaimSeatsInput struct {
	api.Resource
	api.Paging
}

// Routes registers A/idle and A/reclaims.
func (s *Service) Routes(k *api.Router) {
	s.idleRoutes(k)
	s.reclaimRoutes(k)
}

// begun is the answer to a request whose work goes on behind it.
func begun(c *call.Call, view Reclaim) *api.Tagged[Reclaim] {
	return &api.Tagged[Reclaim]{Status: http.StatusAccepted, Location: location(c.Account, view.ID), Body: view}
}

func (s *Service) reclaimRoutes(k *api.Router) {
	const path = base + "/reclaims"
	manage := []auth.Permission{auth.LicensesManage}
	reads := []auth.Permission{auth.LicensesManage, auth.BillingRead}
	api.Register(k, api.Operation{
		ID: "create-reclaim", Method: http.MethodPost, Path: path, Tag: tag, Permissions: manage, Partly: true,
		Summary: "Take the seats of a product back that nobody uses", Status: http.StatusAccepted, Conflicts: true,
	}, func(ctx context.Context, c *call.Call, in *reclaimInput) (*api.Tagged[Reclaim], error) {
		view, err := s.Start(ctx, c, Asks(in.Body))
		return begun(c, view), err
	})
	api.Register(k, api.Operation{
		ID: "list-reclaims", Method: http.MethodGet, Path: path, Tag: tag, Permissions: reads, Partly: true,
		Summary: "List the reclaims, the newest first",
	}, func(ctx context.Context, c *call.Call, in *reclaimsInput) (*api.Listed[Reclaim], error) {
		list := []string{"reclaims"}
		return api.Paged(ctx, c, in.Paging, list, func(after string, limit int) ([]Reclaim, string, error) {
			return s.Reclaims(ctx, c, after, limit)
		})
	})
	api.Register(k, api.Operation{
		ID: "get-reclaim", Method: http.MethodGet, Path: path + "/{id}", Tag: tag, Permissions: reads, Partly: true,
		Summary: "Read a reclaim, and what became of each seat",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[Reclaim], error) {
		view, version, err := s.Get(ctx, c, in.ID)
		return &api.Tagged[Reclaim]{Status: http.StatusOK, ETag: call.Tag(version), Body: view}, err
	})
	api.Register(k, api.Operation{
		ID: "list-reclaim-seats", Method: http.MethodGet, Path: path + "/{id}/seats", Tag: tag, Permissions: reads,
		Partly:  true,
		Summary: "List the seats of a reclaim, and what became of each",
	}, func(ctx context.Context, c *call.Call, in *reclaimSeatsInput) (*api.Listed[Row], error) {
		list := []string{"reclaim-seats", in.ID}
		return api.Paged(ctx, c, in.Paging, list, func(after string, limit int) ([]Row, string, error) {
			return s.Rows(ctx, c, in.ID, after, limit)
		})
	})
	api.Register(k, api.Operation{
		ID: "undo-reclaim", Method: http.MethodPost, Path: path + "/{id}/undo", Tag: tag, Permissions: manage,
		Partly:  true,
		Summary: "Give the seats of a reclaim back, or some of them", Status: http.StatusAccepted, Conflicts: true,
	}, func(ctx context.Context, c *call.Call, in *undoInput) (*api.Tagged[Reclaim], error) {
		view, err := s.Undo(ctx, c, in.ID, in.users())
		return begun(c, view), err
	})
}

func (s *Service) idleRoutes(k *api.Router) {
	api.Register(k, api.Operation{
		ID: "list-idle-seats", Method: http.MethodGet, Path: base + "/idle", Tag: tag,
		Summary:     "List the seats that nobody uses, those of the longest time first, with what they cost",
		Permissions: []auth.Permission{auth.BillingRead},
		Partly:      true,
	}, func(ctx context.Context, c *call.Call, in *idleInput) (*api.Plain[SeatsPage], error) {
		list := append([]string{"idle", strconv.Itoa(in.Days)}, slices.Sorted(slices.Values(in.Product))...)
		position, err := api.Position(ctx, c, in.Cursor, list...)
		if err != nil {
			return nil, err
		}
		page, err := s.Idle(ctx, c, Asked{Products: in.Product, Days: in.Days}, position, in.Limit)
		if err != nil {
			return nil, err
		}
		if page.Items == nil {
			page.Items = []Seat{}
		}
		next, err := api.NextCursor(ctx, c, page.Next, list...)
		if err != nil {
			return nil, err
		}
		return &api.Plain[SeatsPage]{Status: http.StatusOK, Body: SeatsPage{
			Items:      page.Items,
			NextCursor: next,
			Total:      page.Total,
			Untold:     page.Untold,
		}}, nil
	})
}
