package audit

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/call"
)

// theirs leaves of some records those that an admin of some cost centers reads (requirements, section
// 9): of licenses that are, or were, charged to theirs, of users of theirs, of their cost centers, of
// orders with lines of theirs, and of what else they did themselves. It reads the users.
func (s *Service) theirs(ctx context.Context, c *call.Call, records []call.AuditRecord) ([]call.AuditRecord, error) {
	limit, err := access.CostCenters(ctx)
	if err != nil || limit.All() {
		return records, err
	}
	users := make([]string, len(records))
	for i, r := range records {
		users[i] = r.User
	}
	theirUser, err := access.TheirUsers(ctx, s.env.Table, c.Account, users...)
	if err != nil {
		return nil, err
	}
	caller, _ := auth.From(ctx)
	kept := records[:0]
	for _, r := range records {
		kind, id, _ := strings.Cut(r.Subject, ":")
		var shown bool
		switch {
		case kind == "order":
			shown = ordered(&r, limit)
		case kind == "license":
			shown = charged(r.Before, limit) || charged(r.After, limit) || theirUser(r.User)
		case kind == "costCenter":
			shown = limit.Has(id)
		case r.User != "":
			shown = theirUser(r.User) || r.User == caller.User
		default:
			shown = r.Actor == caller.User
		}
		if shown {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

// charged says whether a license in a record is charged to one of the cost centers.
func charged(state json.RawMessage, theirs auth.Limit) bool {
	var license struct {
		CostCenter string `json:"costCenter"`
	}
	return len(state) > 0 && json.Unmarshal(state, &license) == nil && theirs.Has(license.CostCenter)
}

// ordered says whether an order has lines of the cost centers, and leaves no others in the record, nor
// what they come to.
func ordered(r *call.AuditRecord, theirs auth.Limit) bool {
	var order struct {
		State  string            `json:"state,omitempty"`
		Number string            `json:"number,omitempty"`
		Lines  []json.RawMessage `json:"lines"`
	}
	if len(r.After) == 0 || json.Unmarshal(r.After, &order) != nil {
		return false
	}
	all := len(order.Lines)
	order.Lines = slices.DeleteFunc(order.Lines, func(line json.RawMessage) bool { return !charged(line, theirs) })
	if len(order.Lines) > 0 && len(order.Lines) < all {
		left, err := json.Marshal(order)
		r.After = left
		return err == nil
	}
	return len(order.Lines) > 0
}
