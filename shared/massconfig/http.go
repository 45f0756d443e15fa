package massconfig

import (
	"bytes"
	"context"
	"net/http"

	"seatwise/shared/filejob"
	"seatwise/shared/imports"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

type (
	templateInput struct {
		api.Account
		Format string `query:"format" enum:"xlsx,csv" default:"xlsx"`
		Filled bool   `query:"filled" doc:"With the account's present phones, to be edited and sent back, instead of sample rows. At most 10,000: an export of the kind phones takes any number."`
	}
	fileOutput struct {
		ContentType        string `header:"Content-Type"`
		ContentDisposition string `header:"Content-Disposition"`
		Body               []byte
	}
	createInput struct {
		api.Account
		Body struct {
			FileName   string `json:"fileName" minLength:"5" maxLength:"200" doc:"Ends in .xlsx or .csv."`
			SizeBytes  int64  `json:"sizeBytes" minimum:"1" maximum:"20971520"`
			SHA256     string `json:"sha256,omitempty" pattern:"^[0-9a-fA-F]{64}$" doc:"Of the file, hexadecimal; the upload must have it."`
			SkipErrors bool   `json:"skipErrors,omitempty" doc:"Configure the good rows even if others are bad."`
			Hidden     string `json:"hidden,omitempty" enum:"reject,apply,skip" default:"reject" doc:"What becomes of rows and columns that are hidden, by a filter perhaps, and hold something: the file is refused with the code hidden-rows, they count as all others do, or they are left out."`
		}
	}
	listInput struct {
		api.Account
		api.Paging
	}
	rowsInput struct {
		api.Resource
		api.Paging
		Outcome string `query:"outcome" enum:"new,change,unchanged,error"`
	}
)

const tag = "Mass configuration"

// path is that of mass configurations, read and manage what their operations need.
const path = "/v1/accounts/{account}/mass-configurations"

var read, manage = []auth.Permission{auth.LicensesRead}, []auth.Permission{auth.LicensesManage}

// TemplateRoutes registers the file to begin with, for a function of its own: no other operation
// writes a workbook (design, decision 9).
func (s *Service) TemplateRoutes(k *api.Router) {
	api.Register(k, api.Operation{
		ID: "get-mass-configuration-template", Method: http.MethodGet, Path: path + "/template", Tag: tag,
		Permissions: read, Summary: "Download a sample file, or the present phones as a file",
		Files: []string{filejob.ContentType(".csv"), filejob.ContentType(".xlsx")},
	}, func(ctx context.Context, c *call.Call, in *templateInput) (*fileOutput, error) {
		return s.template(ctx, c, in.Format, in.Filled)
	})
}

// Routes registers the operations.
func (s *Service) Routes(k *api.Router) {
	s.uploadRoutes(k)
	s.readRoutes(k)
	s.planRoutes(k)
}

// uploadRoutes registers what a mass configuration begins with.
func (s *Service) uploadRoutes(k *api.Router) {
	api.Register(k, api.Operation{
		ID: "create-mass-configuration", Method: http.MethodPost, Path: path, Tag: tag, Permissions: manage,
		Status: http.StatusCreated, Rules: true,
		Summary: "Ask for an upload; the answer says where to put the file",
	}, func(ctx context.Context, c *call.Call, in *createInput) (*api.Tagged[View], error) {
		view, err := s.views.Create(ctx, c, filejob.Announced{
			FileName:   in.Body.FileName,
			SizeBytes:  in.Body.SizeBytes,
			SHA256:     in.Body.SHA256,
			SkipErrors: in.Body.SkipErrors,
			Hidden:     in.Body.Hidden,
		})
		return begun(c, view, http.StatusCreated), err
	})
}

// readRoutes registers what is read of mass configurations.
func (s *Service) readRoutes(k *api.Router) {
	api.Register(k, api.Operation{
		ID: "list-mass-configurations", Method: http.MethodGet, Path: path, Tag: tag, Permissions: read,
		Summary: "List mass configurations, newest first",
	}, func(ctx context.Context, c *call.Call, in *listInput) (*api.Listed[View], error) {
		return api.Paged(
			ctx,
			c,
			in.Paging,
			[]string{"mass-configurations"},
			func(after string, limit int) ([]View, string, error) {
				return s.views.List(ctx, c, after, limit)
			},
		)
	})
	api.Register(k, api.Operation{
		ID: "get-mass-configuration", Method: http.MethodGet, Path: path + "/{id}", Tag: tag, Permissions: read,
		Summary: "Read a mass configuration: state, progress, what it needs, its errors and its result",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[View], error) {
		view, versions, err := s.views.Get(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return &api.Tagged[View]{Status: http.StatusOK, ETag: call.Tag(versions...), Body: view}, nil
	})
	api.Register(k, api.Operation{
		ID: "list-mass-configuration-rows", Method: http.MethodGet, Path: path + "/{id}/rows", Tag: tag,
		Permissions: read, Summary: "List the rows with their outcomes and differences",
	}, func(ctx context.Context, c *call.Call, in *rowsInput) (*api.Listed[Row], error) {
		return api.Paged(
			ctx,
			c,
			in.Paging,
			[]string{"mass-configuration-rows", in.ID, in.Outcome},
			func(position string, limit int) ([]Row, string, error) {
				return s.rows(ctx, c, in, position, limit)
			},
		)
	})
}

// planRoutes registers what is done with a plan.
func (s *Service) planRoutes(k *api.Router) {
	api.Register(k, api.Operation{
		ID: "configure-mass-configuration", Method: http.MethodPost, Path: path + "/{id}/configure", Tag: tag,
		Permissions: manage, Status: http.StatusAccepted, Summary: "Apply the plan, once",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[View], error) {
		view, err := s.Configure(ctx, c, in.ID)
		return begun(c, view, http.StatusAccepted), err
	})
	api.Register(k, api.Operation{
		ID: "cancel-mass-configuration", Method: http.MethodPost, Path: path + "/{id}/cancel", Tag: tag,
		Permissions: manage, Status: http.StatusAccepted, Summary: "Stop; what is applied stays",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[View], error) {
		view, err := s.views.Cancel(ctx, c, in.ID)
		return begun(c, view, http.StatusAccepted), err
	})
	api.Register(k, api.Operation{
		ID: "undo-mass-configuration", Method: http.MethodPost, Path: path + "/{id}/undo", Tag: tag,
		Permissions: manage, Status: http.StatusCreated, Summary: "Plan to put every row back to what it was",
	}, func(ctx context.Context, c *call.Call, in *api.Resource) (*api.Tagged[View], error) {
		view, err := s.Undo(ctx, c, in.ID)
		return begun(c, view, http.StatusCreated), err
	})
}

func begun(c *call.Call, view View, status int) *api.Tagged[View] {
	return &api.Tagged[View]{Status: status, Location: names.Location(c.Account, view.ID), Body: view}
}

// rows is a page of the rows of a plan.
func (s *Service) rows(
	ctx context.Context, c *call.Call, in *rowsInput, position string, limit int,
) ([]Row, string, error) {
	a, err := s.views.Ask(ctx, c, in.ID)
	if err != nil {
		return nil, "", err
	}
	page := filejob.RowsPage{Outcome: filejob.Outcome(in.Outcome), Position: position, Limit: limit}
	return filejob.ListRows(ctx, s.plan(c.Account, a.Job.ID), page, (*planRow).view)
}

// sampleRows show what a row is; the check knows them by their users.
var sampleRows = [][]string{
	{"101", "6567891230", filejob.SampleMark + " John", "device_ip_phone", "call_recording"},
	{"0102", "", filejob.SampleMark + " Mary", "device_desktop_app"},
}

// filledPhones is how many phones a template is filled with: an answer must be there within half a
// minute, and have less than 6 MB.
const filledPhones = 10_000

// template writes the sample file with the codes of the account's catalog (requirements, section
// 5.1), whether it has bought any yet or not: with sample rows, or filled with the account's
// present phones.
func (s *Service) template(ctx context.Context, c *call.Call, format string, filled bool) (*fileOutput, error) {
	name, rows := "Mass configuration", sampleRows
	if filled {
		name = "Phones"
		phones, err := imports.Phones(ctx, s.directory, c, s.products, filledPhones+1)
		if err != nil {
			return nil, err
		}
		if len(phones) > filledPhones {
			return nil, problem.Invalid(
				"filled", problem.TooMany,
				"the account has more than %d phones; ask for an export of the kind phones", filledPhones,
			)
		}
		rows = imports.PhoneRows(phones)
	}
	out := &fileOutput{
		ContentType:        filejob.ContentType("template." + format),
		ContentDisposition: `attachment; filename="` + name + "." + format + `"`,
	}
	var body bytes.Buffer
	err := imports.WritePhones(&body, s.env, s.products, imports.PhonesFile{Created: c.At, Format: format, Rows: rows})
	out.Body = body.Bytes()
	return out, err
}
