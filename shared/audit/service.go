// Package audit reads what package call wrote: one record of every change, by license, user, actor
// and time (requirements, section 4).
package audit

import (
	"context"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// maxReads bounds the pages that one request looks through when several filters are given and few
// records have them all; the list then goes on with a cursor after a short page, or even an empty
// one.
const maxReads = 10

// maxBytes is after how many bytes of entries a page ends: an answer of Lambda takes 6 MB, and an
// entry of a large call queue has 100 KB. The table's own pages have at most 1 MB, so an answer has
// at most 3 MB.
const maxBytes = 2 << 20

// Service reads the audit records.
type Service struct{ env *app.Env }

// NewService makes the service.
func NewService(env *app.Env) *Service { return &Service{env: env} }

// List returns the newest records first, or the oldest if the filter says so, and the position of
// the next page, empty at the end. A license is looked up by its own partition, which is strongly
// consistent; a user, an actor and the whole account by an index, which can be a moment behind. For an
// admin of some cost centers it leaves out what is not theirs.
//
// Errors: validation when the span is empty; table.ErrCursor.
func (s *Service) List(
	ctx context.Context,
	c *call.Call,
	f Filter,
	after string,
	limit int,
) ([]call.AuditRecord, string, error) {
	if err := f.check(); err != nil {
		return nil, "", err
	}
	q := query(c, f)
	q.After = after
	records := []call.AuditRecord{}
	size := 0
	for range maxReads {
		q.Limit = limit - len(records)
		page, err := s.env.Table.Query(ctx, q)
		if err != nil {
			return nil, "", err
		}
		var found []call.AuditRecord
		for _, item := range page.Items {
			record, err := call.Decode[call.AuditRecord](item)
			if err != nil {
				return nil, "", err
			}
			if f.admits(record) {
				found = append(found, record)
				size += len(item.Data)
			}
		}
		if found, err = s.theirs(ctx, c, found); err != nil {
			return nil, "", err
		}
		records = append(records, found...)
		q.After = page.Next
		if q.After == "" || len(records) == limit || size > maxBytes {
			break
		}
	}
	return records, q.After, nil
}

// query chooses the partition in which the fewest records have to be looked at.
func query(c *call.Call, f Filter) table.Query {
	q := table.Query{Backwards: !f.OldestFirst}
	switch {
	case f.License != "":
		q.Partition = c.Partition("AUDIT", "license", f.License)
	case f.User != "":
		q.Index, q.Partition = table.Index2, c.Partition("AUDIT-OF", f.User)
	case f.Actor != "":
		q.Index, q.Partition = table.Index3, c.Partition("AUDIT-BY", f.Actor)
	default:
		q.Index, q.Partition = table.Index1, c.Partition("AUDIT")
	}
	if !f.From.IsZero() {
		q.From = call.AuditMoment(f.From)
	}
	if !f.To.IsZero() {
		q.To = call.AuditMoment(f.To)
	}
	return q
}

// admits says whether an entry, found by one of the filter's ids, has the others too. An actor is
// who did it, or whose request it followed from. Times are the query's business.
func (f Filter) admits(r call.AuditRecord) bool {
	return (f.License == "" || r.Subject == "license:"+f.License) &&
		(f.User == "" || r.User == f.User) &&
		(f.Actor == "" || r.Actor == f.Actor || r.Cause != nil && r.Cause.Actor == f.Actor) &&
		(f.Action == "" || r.Action == f.Action)
}
