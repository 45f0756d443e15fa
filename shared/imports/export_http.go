package imports

import (
	"context"
	"net/http"
	"time"

	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

// ExportView is an export as docs/contract.md shows it.
type ExportView struct {
	ID          string     `json:"id" format:"uuid"`
	Kind        Kind       `json:"kind" enum:"users,call-queues,dashboards,licenses,phones"`
	Format      string     `json:"format" enum:"xlsx,csv"`
	State       string     `json:"state" enum:"queued,running,ready,failed"`
	Percent     int        `json:"percent" doc:"How far it is: 0, 50 or 100."`
	FileName    string     `json:"fileName"`
	Rows        int        `json:"rows" doc:"Below the header, once it is ready."`
	CreatedAt   time.Time  `json:"createdAt"`
	CreatedBy   string     `json:"createdBy"`
	Message     string     `json:"message,omitempty" doc:"Why it failed."`
	DownloadURL string     `json:"downloadUrl,omitempty" doc:"Where the file is, once it is ready. Whoever has the URL can read the file until it expires."`
	ExpiresAt   *time.Time `json:"expiresAt,omitempty" doc:"When the URL expires: 15 minutes after it was given."`
}

func (e *Export) view() ExportView {
	percent := map[string]int{exportRunning: 50, exportReady: 100, exportFailed: 100}
	return ExportView{
		ID:        e.ID,
		Kind:      e.Kind,
		Format:    e.Format,
		State:     e.State,
		Percent:   percent[e.State],
		FileName:  e.FileName,
		Rows:      e.Rows,
		CreatedAt: e.CreatedAt,
		CreatedBy: e.CreatedBy,
		Message:   e.Why,
	}
}

type (
	exportBody struct {
		Kind   Kind   `json:"kind" enum:"users,call-queues,dashboards,licenses,phones" doc:"What the rows are. All but licenses are files that an import, or a mass configuration, takes; unedited, each row of it is unchanged."`
		Format string `json:"format,omitempty" enum:"xlsx,csv" default:"xlsx"`
	}
	exportInput struct {
		api.Account
		Body exportBody
	}
)

// exportPath is that of exports, and exportReaders may ask for one of some kind.
const exportPath = "/v1/accounts/{account}/exports"

var exportReaders = []auth.Permission{auth.DirectoryRead, auth.LiveReportsView, auth.LicensesRead}

// Routes registers the operations on exports.
func (s *Exports) Routes(k *api.Router) {
	s.askRoutes(k)
	s.listRoutes(k)
}

// askRoutes registers what an export begins with.
func (s *Exports) askRoutes(k *api.Router) {
	api.Register(k, api.Operation{
		ID: "create-export", Method: http.MethodPost, Path: exportPath, Tag: tag, Permissions: exportReaders,
		Status:  http.StatusAccepted,
		Summary: "Ask for users, call queues, dashboards, licenses or phones as a file",
	}, func(ctx context.Context, c *call.Call, in *exportInput) (*api.Tagged[ExportView], error) {
		var e Export
		err := call.Decide(ctx, func(ctx context.Context) (err error) {
			if need := exportOf(in.Body.Kind).read; !allows(ctx, need) {
				return lacks(need)
			}
			e, err = s.Create(ctx, c, in.Body.Kind, in.Body.Format)
			return err
		})
		return &api.Tagged[ExportView]{
			Status:   http.StatusAccepted,
			Location: exportNames.Location(c.Account, e.ID),
			Body:     e.view(),
		}, err
	})
}

// listRoutes registers what is read of exports.
func (s *Exports) listRoutes(k *api.Router) {
	api.Register(k, api.Operation{
		ID: "list-exports", Method: http.MethodGet, Path: exportPath, Tag: tag, Permissions: exportReaders,
		Summary: "List exports of the kinds that the caller may read, newest first",
	}, func(ctx context.Context, c *call.Call, in *struct {
		api.Account
		api.Paging
	},
	) (*api.Listed[ExportView], error) {
		list := func(after string, limit int) ([]ExportView, string, error) {
			exports, next, err := s.List(ctx, c, after, limit)
			if err != nil {
				return nil, "", err
			}
			views := make([]ExportView, len(exports))
			for i, e := range exports {
				if views[i], err = s.linked(ctx, c, e); err != nil {
					return nil, "", err
				}
			}
			return views, next, nil
		}
		return api.Paged(ctx, c, in.Paging, []string{"exports"}, list)
	})
	api.Register(k, api.Operation{
		ID: "get-export", Method: http.MethodGet, Path: exportPath + "/{id}", Tag: tag, Permissions: exportReaders,
		Summary: "Read an export: its state, and where its file is",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[ExportView], error) {
		e, err := s.Get(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		v, err := s.linked(ctx, c, e)
		if err != nil {
			return nil, err
		}
		return &api.Tagged[ExportView]{Status: http.StatusOK, ETag: call.Tag(e.version), Body: v}, nil
	})
}

// linked is an export as the contract shows it, with the URL of its file when it is ready.
func (s *Exports) linked(ctx context.Context, c *call.Call, e Export) (ExportView, error) {
	v := e.view()
	if e.State != exportReady {
		return v, nil
	}
	url, expires, err := s.link(ctx, c, e)
	if err != nil {
		return ExportView{}, err
	}
	v.DownloadURL, v.ExpiresAt = url, &expires
	return v, nil
}
