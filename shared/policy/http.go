package policy

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"seatwise/shared/craft/money"
	"seatwise/shared/platform/api"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

const (
	tag  = "Policies"
	path = "/v1/accounts/{account}/policies"
)

type policyInput struct {
	api.Account
	Product string `path:"product"`
}

type policyBody struct {
	ProductID      string            `json:"productId,omitempty" readOnly:"true" doc:"The product in the path."`
	AutoPurchase   *autoPurchaseBody `json:"autoPurchase,omitempty" doc:"Whether missing seats are bought automatically, and how many at most. Not for metered products. Whoever sets it, or changes it, acknowledges the price. null takes it back."`
	LowSeats       *int64            `json:"lowSeats,omitempty" nullable:"true" minimum:"1" maximum:"100000" doc:"Fewer free seats than these raise an alert. Not for metered products, of which none is free. Without it, none does."`
	IdleDays       *int              `json:"idleDays,omitempty" nullable:"true" minimum:"1" maximum:"366" doc:"After this number of days without use the console counts a seat of the product as idle; after 30 without it."`
	AcknowledgedBy string            `json:"acknowledgedBy,omitempty" readOnly:"true" doc:"Who set autoPurchase as it is."`
	AcknowledgedAt *time.Time        `json:"acknowledgedAt,omitempty" readOnly:"true" doc:"When they did."`
	Suspended      *Suspension       `json:"suspended,omitempty" readOnly:"true" doc:"Why nothing is bought at present."`
	Used           *Used             `json:"used,omitempty" readOnly:"true" doc:"What was bought in the present billing period."`
	CreatedAt      time.Time         `json:"createdAt,omitzero" readOnly:"true"`
	ChangedAt      time.Time         `json:"changedAt,omitzero" readOnly:"true" doc:"When it was changed last."`
}

// TransformSchema lets null take the automatic purchase back.
func (*policyBody) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "autoPurchase")
}

// autoPurchaseBody is AutoPurchase as it is sent: a merge patch names some of its fields.
type autoPurchaseBody struct {
	Enabled           bool          `json:"enabled,omitempty" doc:"Whether anything is bought; no if left out."`
	MaxSeats          *int64        `json:"maxSeats,omitempty" nullable:"true" minimum:"1" maximum:"100000" doc:"The most seats that are bought in a billing period. This or maxAmount must be given."`
	MaxAmount         *money.Amount `json:"maxAmount,omitempty" doc:"The most that is bought in a billing period: monthly price times seats."`
	CostCenter        string        `json:"costCenter,omitempty" maxLength:"64" doc:"What the seats are charged to. Must be given."`
	AcknowledgedPrice money.Amount  `json:"acknowledgedPrice,omitzero" doc:"The catalog's price of one seat a month, which is acknowledged. Must be given; while it is not the catalog's, the policy is suspended."`
}

// TransformSchema lets null take a maximum away.
func (*autoPurchaseBody) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "maxAmount")
}

// nullable lets a property of another schema be null, of which a tag cannot say it.
func nullable(s *huma.Schema, name string) *huma.Schema {
	property := *s.Properties[name]
	property.Nullable = true
	s.Properties[name] = &property
	return s
}

// rules are what is sent.
func (b policyBody) rules() Rules {
	r := Rules{LowSeats: b.LowSeats, IdleDays: b.IdleDays}
	if a := b.AutoPurchase; a != nil {
		r.AutoPurchase = &AutoPurchase{
			Enabled: a.Enabled, MaxSeats: a.MaxSeats, MaxAmount: a.MaxAmount, CostCenter: a.CostCenter,
			AcknowledgedPrice: a.AcknowledgedPrice,
		}
	}
	return r
}

type policiesInput struct {
	api.Account
	api.Paging
}

// Routes registers A/policies.
func (s *Service) Routes(k *api.Router) {
	reads, writes := []auth.Permission{auth.BillingRead}, []auth.Permission{auth.BillingPurchase}
	of := func(id, summary string, may []auth.Permission) api.Operation {
		return api.Operation{
			ID: id, Path: path + "/{product}", Summary: summary, Tag: tag, Permissions: may, Partly: true,
		}
	}
	policies := api.ReadWrite[policyInput, policyBody, Policy]{
		New:  func(at *policyInput) Policy { return Policy{ProductID: at.Product} },
		Read: s.get, Write: s.put,
	}
	put := of("put-policy", "Decide for a product", writes)
	put.Makes = true
	api.RegisterPut(k, put, policies)
	api.RegisterPatch(k, of("patch-policy", "Change what is named of a policy", writes), policies)
	api.RegisterGet(k, of("get-policy", "Read what is decided for a product", reads), policies)
	remove := of("delete-policy", "Take back what is decided for a product", writes)
	remove.Method = http.MethodDelete
	api.Register(k, remove, func(ctx context.Context, c *call.Call, at *policyInput) (*struct{}, error) {
		return nil, s.Delete(ctx, c, at.Product)
	})
	list := api.Operation{
		ID: "list-policies", Method: http.MethodGet, Path: path, Tag: tag, Permissions: reads, Partly: true,
		Summary: "List what is decided, by product",
	}
	api.Register(k, list, func(ctx context.Context, c *call.Call, in *policiesInput) (*api.Listed[Policy], error) {
		list := []string{"policies"}
		return api.Paged(ctx, c, in.Paging, list, func(after string, limit int) ([]Policy, string, error) {
			return s.List(ctx, c, after, limit)
		})
	})
}

func (s *Service) get(ctx context.Context, c *call.Call, at *policyInput) (*api.Tagged[Policy], error) {
	p, version, err := s.Get(ctx, c, at.Product)
	return &api.Tagged[Policy]{Status: http.StatusOK, ETag: call.Tag(version), Body: p}, err
}

func (s *Service) put(
	ctx context.Context, c *call.Call, at *policyInput, sent api.Sent[policyBody],
) (*api.Tagged[Policy], error) {
	stored, err := s.Put(ctx, c, at.Product, Sent{sent.Body.rules(), sent.Named("autoPurchase")})
	if err != nil {
		return nil, err
	}
	out := api.Tell(stored)
	if stored.Created {
		out.Location = location(c.Account, at.Product)
	}
	return out, nil
}
