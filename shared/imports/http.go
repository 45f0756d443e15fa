package imports

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"seatwise/shared/catalog"
	"seatwise/shared/craft/workbook"
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

// Routes registers the operations. Each asks for any permission of any kind, and then for the one
// of the kind that it is about.
func (s *Service) Routes(k *api.Router) {
	const path = "/v1/accounts/{account}/imports"
	var read, manage []auth.Permission
	for _, kind := range []Kind{Users, Dashboards} { // call queues ask for the same as users
		r, m := kind.permissions()
		read, manage = append(read, r), append(manage, m)
	}
	api.Register(k, api.Operation{
		ID: "get-import-template", Method: http.MethodGet, Path: path + "/template", Tag: tag, Permissions: read,
		Summary: "Download a sample file", Files: []string{filejob.ContentType(".csv"), filejob.ContentType(".xlsx")},
	}, func(ctx context.Context, c *call.Call, in *templateInput) (*fileOutput, error) {
		if need, _ := in.Kind.permissions(); !allows(ctx, need) {
			return nil, lacks(need)
		}
		return s.template(c.At, in.Kind, in.Format)
	})
	api.Register(k, api.Operation{
		ID:          "create-import",
		Method:      http.MethodPost,
		Path:        path,
		Tag:         tag,
		Permissions: manage,
		Status:      http.StatusCreated,
		Rules:       true,
		Summary:     "Ask for an upload of users, call queues or dashboards; the answer says where to put the file",
	}, func(ctx context.Context, c *call.Call, in *createInput) (*api.Tagged[View], error) {
		if _, need := in.Body.Kind.permissions(); !allows(ctx, need) {
			return nil, lacks(need)
		}
		view, err := s.jobs.Create(
			ctx,
			c,
			string(in.Body.Kind),
			in.Body.FileName,
			in.Body.SizeBytes,
			in.Body.SHA256,
			in.Body.SkipErrors,
			in.Body.Hidden,
		)
		return begun(c, view, http.StatusCreated), err
	})
	api.Register(k, api.Operation{
		ID: "list-imports", Method: http.MethodGet, Path: path, Tag: tag, Permissions: read,
		Summary: "List imports of the kinds that the caller may read, newest first",
	}, func(ctx context.Context, c *call.Call, in *listInput) (*api.Listed[View], error) {
		return api.Paged(
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
			c,
			in.Paging,
			[]string{"import-rows", in.ID, in.Outcome},
			func(position string, limit int) ([]Row, string, error) {
				return s.rows(ctx, c, in.ID, filejob.Outcome(in.Outcome), position, limit)
			},
		)
	})
	api.Register(k, api.Operation{
		ID:          "apply-import",
		Method:      http.MethodPost,
		Path:        path + "/{id}/apply",
		Tag:         tag,
		Permissions: manage,
		Status:      http.StatusAccepted,
		Summary:     "Apply the plan, once",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[View], error) {
		view, err := s.managing(ctx).Start(ctx, c, in.ID)
		return begun(c, view, http.StatusAccepted), err
	})
	api.Register(k, api.Operation{
		ID:          "cancel-import",
		Method:      http.MethodPost,
		Path:        path + "/{id}/cancel",
		Tag:         tag,
		Permissions: manage,
		Status:      http.StatusAccepted,
		Summary:     "Stop; what is applied stays",
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
	if need, _ := kind.permissions(); !allows(ctx, need) {
		return nil, "", lacks(need)
	}
	of := s.jobs.For(func(j filejob.Job) error {
		if Kind(j.Kind) != kind {
			return filejob.ErrForeign
		}
		return nil
	})
	return of.List(ctx, c, after, limit)
}

// rows is a page of an import's rows; the position is the place of the last one in the plan.
func (s *Service) rows(
	ctx context.Context,
	c *call.Call,
	id string,
	outcome filejob.Outcome,
	position string,
	limit int,
) ([]Row, string, error) {
	after, _ := strconv.Atoi(position) // empty, or sealed by us
	rows, last, err := s.reading(ctx).Rows(ctx, c, id, outcome, after, limit)
	if err != nil {
		return nil, "", err
	}
	shown := make([]Row, len(rows))
	for i := range rows {
		shown[i] = rows[i].view()
	}
	if last == 0 {
		return shown, "", nil
	}
	return shown, strconv.Itoa(last), nil
}

// The formats of files.
const (
	formatXLSX = "xlsx"
	formatCSV  = "csv"
)

// sampleRows show what a row is; the check knows them by their ids.
var sampleRows = map[Kind][][]string{
	Users: {
		{
			filejob.SampleMark + " john",
			"John Smith",
			"john@example.com",
			"101",
			"6567891230",
			"yes",
			"manual",
			"", // every account has roles of its own
			"",
			"",
			"essential-user",
			"agent-user",
		},
		{filejob.SampleMark + " mary", "Mary Jones", "mary@example.com", "", "", "no"},
	},
	CallQueues: {{filejob.SampleMark + " support", "Support", "john", "mary"}},
	Dashboards: {{filejob.SampleMark + " wall", "Wall in the hall", "support", "sales"}},
}

// template writes the sample file of a kind.
func (s *Service) template(created time.Time, kind Kind, format string) (*fileOutput, error) {
	out := &fileOutput{
		ContentType: filejob.ContentType(
			"template." + format,
		),
		ContentDisposition: `attachment; filename="` + kind.title() + "." + format + `"`,
	}
	var body bytes.Buffer
	err := writeRows(&body, format, s.form(kind, created, layouts[kind].header(nil)), sampleRows[kind])
	out.Body = body.Bytes()
	return out, err
}

// title names the files of a kind.
func (k Kind) title() string { return "Import " + strings.ReplaceAll(string(k), "-", " ") }

// form is the form of a kind, with these columns.
func (s *Service) form(kind Kind, created time.Time, header []string) workbook.Form {
	form := workbook.Form{Created: created, Title: kind.title(), Header: header}
	if kind == Users {
		offered := func(title, name string, codes ...workbook.AddOn) {
			l := workbook.List{Name: name, Codes: codes}
			for i, h := range header {
				if h == title || strings.HasPrefix(h, title+" ") {
					if l.Last = i + 1; l.First == 0 {
						l.First = i + 1
					}
				}
			}
			if len(codes) > 2 {
				l.Sheet, l.Heads = title+" codes", [2]string{title + " code", title}
			}
			if l.First > 0 {
				form.Lists = append(form.Lists, l)
			}
		}
		offered("Active", "Active", workbook.AddOn{Code: "yes"}, workbook.AddOn{Code: "no"})
		offered("Agent source", "Agent source", workbook.AddOn{Code: "manual"}, workbook.AddOn{Code: "pbx"})
		var metered []workbook.AddOn
		for _, p := range s.products.Select("", catalog.Metered) {
			if len(p.Devices) == 0 {
				metered = append(metered, workbook.AddOn{Code: p.ID, Name: p.Name})
			}
		}
		offered("License", "Metered product", metered...)
	}
	return form
}
