package problem

// Document is a problem as it is written (RFC 9457, docs/contract.md).
type Document struct {
	Type      string  `json:"type" example:"urn:seatwise:problem:validation"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail,omitempty"`
	Errors    []Field `json:"errors,omitempty" doc:"The fields at fault."`
	ProductID string  `json:"productId,omitempty" doc:"With not-enough-licenses: the product."`
	Wanted    *int64  `json:"wanted,omitempty" doc:"With not-enough-licenses: how many were wanted."`
	Available *int64  `json:"available,omitempty" doc:"With not-enough-licenses: how many are free."`
	Shortages []Short `json:"shortages,omitempty" doc:"With not-enough-licenses: all products that are short; productId, wanted and available are of the first."`
	Used      *int64  `json:"used,omitempty" doc:"With wallboard-limit: how many wallboards there are."`
	Max       *int64  `json:"max,omitempty" doc:"With wallboard-limit: how many there may be, or the maximum that was asked for."`
	OrderID   string  `json:"orderId,omitempty" format:"uuid" doc:"With wrong-state, of a quote that was ordered already: the order."`
}

// Document is the problem as it is written.
func (p *Problem) Document() *Document {
	d := &Document{
		Type:    "urn:seatwise:problem:" + string(p.Slug),
		Title:   p.Title(),
		Status:  p.Status(),
		Detail:  p.Detail,
		Errors:  p.Fields,
		OrderID: p.OrderID,
	}
	if p.Slug == NotEnoughLicenses {
		d.ProductID, d.Wanted, d.Available, d.Shortages = p.ProductID, &p.Wanted, &p.Available, p.Shortages
	}
	if p.Slug == WallboardLimit {
		d.Used, d.Max = &p.Used, &p.Max
	}
	return d
}
