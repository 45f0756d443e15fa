package imports

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/workbook/form"
	"seatwise/shared/filejob"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

type (
	templateInput struct {
		api.Account
		Kind   Kind   `query:"kind" required:"true" enum:"users,call-queues,dashboards" doc:"What the rows are."`
		Format string `query:"format" enum:"xlsx,csv" default:"xlsx"`
	}
	fileOutput struct {
		ContentType        string `header:"Content-Type"`
		ContentDisposition string `header:"Content-Disposition"`
		Body               []byte
	}
	importBody struct {
		Kind       Kind   `json:"kind" enum:"users,call-queues,dashboards" doc:"What the rows are."`
		FileName   string `json:"fileName" minLength:"5" maxLength:"200" doc:"Ends in .xlsx or .csv."`
		SizeBytes  int64  `json:"sizeBytes" minimum:"1" maximum:"20971520"`
		SHA256     string `json:"sha256,omitempty" pattern:"^[0-9a-fA-F]{64}$" doc:"Of the file, hexadecimal; the upload must have it."`
		SkipErrors bool   `json:"skipErrors,omitempty" doc:"Apply the good rows even if others are bad."`
		Hidden     string `json:"hidden,omitempty" enum:"reject,apply,skip" default:"reject" doc:"What becomes of rows and columns that are hidden, by a filter perhaps, and hold something: the file is refused with the code hidden-rows, they count as all others do, or they are left out."`
	}
	createInput struct {
		api.Account
		Body importBody
	}
	listInput struct {
		api.Account
		api.Paging
		Kind Kind `query:"kind" enum:"users,call-queues,dashboards" doc:"Only imports of this kind."`
	}
	rowsInput struct {
		api.Resource
		api.Paging
		Outcome string `query:"outcome" enum:"new,change,unchanged,error"`
	}
)

const tag = "Imports"

// path is that of imports.
const path = "/v1/accounts/{account}/imports"

// anyOf are the permissions of all kinds, to read them and to change them; call queues ask for the
// same as users.
func anyOf() (read, manage []auth.Permission) {
	for _, k := range kinds() {
		if !slices.Contains(read, k.read) {
			read, manage = append(read, k.read), append(manage, k.manage)
		}
	}
	return read, manage
}

// TemplateRoutes registers the sample file, for a function of its own: no other operation writes a
// workbook (design, decision 9).
func (s *Service) TemplateRoutes(k *api.Router) {
	read, _ := anyOf()
	api.Register(k, api.Operation{
		ID: "get-import-template", Method: http.MethodGet, Path: path + "/template", Tag: tag, Permissions: read,
		Summary: "Download a sample file", Files: []string{filejob.ContentType(".csv"), filejob.ContentType(".xlsx")},
	}, func(ctx context.Context, c *call.Call, in *templateInput) (*fileOutput, error) {
		if need := of(in.Kind).read; !allows(ctx, need) {
			return nil, lacks(need)
		}
		return s.template(c.At, in.Kind, in.Format)
	})
}

// Routes registers the operations. Each asks for any permission of any kind, and then for the one
// of the kind that it is about.
func (s *Service) Routes(k *api.Router) {
	s.uploadRoutes(k)
	s.readRoutes(k)
	s.planRoutes(k)
}

// uploadRoutes registers what an import begins with.
func (s *Service) uploadRoutes(k *api.Router) {
	_, manage := anyOf()
	api.Register(k, api.Operation{
		ID: "create-import", Method: http.MethodPost, Path: path, Tag: tag, Permissions: manage,
		Status: http.StatusCreated, Rules: true,
		Summary: "Ask for an upload of users, call queues or dashboards; the answer says where to put the file",
	}, func(ctx context.Context, c *call.Call, in *createInput) (*api.Tagged[View], error) {
		if need := of(in.Body.Kind).manage; !allows(ctx, need) {
			return nil, lacks(need)
		}
		view, err := s.views.Create(ctx, c, filejob.Announced{
			Kind:       string(in.Body.Kind),
			FileName:   in.Body.FileName,
			SizeBytes:  in.Body.SizeBytes,
			SHA256:     in.Body.SHA256,
			SkipErrors: in.Body.SkipErrors,
			Hidden:     in.Body.Hidden,
		})
		return begun(c, view, http.StatusCreated), err
	})
}

// readRoutes registers what is read of imports.
func (s *Service) readRoutes(k *api.Router) {
	read, _ := anyOf()
	api.Register(k, api.Operation{
		ID: "list-imports", Method: http.MethodGet, Path: path, Tag: tag, Permissions: read,
		Summary: "List imports of the kinds that the caller may read, newest first",
	}, func(ctx context.Context, c *call.Call, in *listInput) (*api.Listed[View], error) {
		return api.Paged(
			ctx,
			c,
			in.Paging,
			[]string{"imports", string(in.Kind)},
			func(after string, limit int) ([]View, string, error) {
				return s.List(ctx, c, in.Kind, after, limit)
			},
		)
	})
	api.Register(k, api.Operation{
		ID: "get-import", Method: http.MethodGet, Path: path + "/{id}", Tag: tag, Permissions: read,
		Summary: "Read an import: state, progress, its errors and its result",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[View], error) {
		view, versions, err := s.reading(ctx).Get(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return &api.Tagged[View]{Status: http.StatusOK, ETag: call.Tag(versions...), Body: view}, nil
	})
	api.Register(k, api.Operation{
		ID: "list-import-rows", Method: http.MethodGet, Path: path + "/{id}/rows", Tag: tag, Permissions: read,
		Summary: "List the rows with their outcomes and differences",
	}, func(ctx context.Context, c *call.Call, in *rowsInput) (*api.Listed[Row], error) {
		return api.Paged(
			ctx,
			c,
			in.Paging,
			[]string{"import-rows", in.ID, in.Outcome},
			func(position string, limit int) ([]Row, string, error) {
				return s.rows(ctx, c, in, position, limit)
			},
		)
	})
}

// planRoutes registers what is done with a plan.
func (s *Service) planRoutes(k *api.Router) {
	_, manage := anyOf()
	api.Register(k, api.Operation{
		ID: "apply-import", Method: http.MethodPost, Path: path + "/{id}/apply", Tag: tag, Permissions: manage,
		Status: http.StatusAccepted, Summary: "Apply the plan, once",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[View], error) {
		view, err := s.managing(ctx).Start(ctx, c, in.ID, nil)
		return begun(c, view, http.StatusAccepted), err
	})
	api.Register(k, api.Operation{
		ID: "cancel-import", Method: http.MethodPost, Path: path + "/{id}/cancel", Tag: tag, Permissions: manage,
		Status: http.StatusAccepted, Summary: "Stop; what is applied stays",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[View], error) {
		view, err := s.managing(ctx).Cancel(ctx, c, in.ID)
		return begun(c, view, http.StatusAccepted), err
	})
}

func begun(c *call.Call, view View, status int) *api.Tagged[View] {
	return &api.Tagged[View]{Status: status, Location: names.Location(c.Account, view.ID), Body: view}
}

// List lists imports of a kind, or of every kind that the caller may read when it is empty.
//
// Errors: forbidden for a kind that the caller may not read.
func (s *Service) List(ctx context.Context, c *call.Call, kind Kind, after string, limit int) ([]View, string, error) {
	if kind == "" {
		return s.reading(ctx).List(ctx, c, after, limit)
	}
	if need := of(kind).read; !allows(ctx, need) {
		return nil, "", lacks(need)
	}
	listed := s.views.For(func(j filejob.Job) error {
		if Kind(j.Kind) != kind {
			return filejob.ErrForeign
		}
		return nil
	})
	return listed.List(ctx, c, after, limit)
}

// rows is a page of an import's rows.
func (s *Service) rows(
	ctx context.Context, c *call.Call, in *rowsInput, position string, limit int,
) ([]Row, string, error) {
	a, err := s.reading(ctx).Ask(ctx, c, in.ID)
	if err != nil {
		return nil, "", err
	}
	page := filejob.RowsPage{Outcome: filejob.Outcome(in.Outcome), Position: position, Limit: limit}
	return filejob.ListRows(ctx, s.plan(c.Account, a.Job), page, (*planRow).view)
}

// The formats of files.
const (
	formatXLSX = "xlsx"
	formatCSV  = "csv"
)

// template writes the sample file of a kind.
func (s *Service) template(created time.Time, kind Kind, format string) (*fileOutput, error) {
	out := &fileOutput{
		ContentType:        filejob.ContentType("template." + format),
		ContentDisposition: `attachment; filename="` + kind.sample() + "." + format + `"`,
	}
	var body bytes.Buffer
	k := of(kind)
	err := writeRows(&body, s.env, format, k.workbook(s.products, created, nil), k.samples)
	out.Body = body.Bytes()
	return out, err
}

// workbook is the form of a kind's files, with a number of columns of each list, by field.
func (k *kind) workbook(products *catalog.Catalog, created time.Time, lists map[string]int) form.Form {
	f := form.Form{Created: created, Title: k.name.sample(), Header: k.layout.header(lists)}
	if k.offers == nil {
		return f
	}
	for _, o := range k.offers(products) {
		l := form.List{Name: o.name, Codes: o.values}
		for i, h := range f.Header {
			if h != o.header && !strings.HasPrefix(h, o.header+" ") {
				continue
			}
			if l.Last = i + 1; l.First == 0 {
				l.First = i + 1
			}
		}
		if len(o.values) > 2 {
			l.Sheet, l.Heads = o.header+" codes", [2]string{o.header + " code", o.header}
		}
		if l.First > 0 {
			f.Lists = append(f.Lists, l)
		}
	}
	return f
}
