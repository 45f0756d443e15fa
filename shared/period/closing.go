package period

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"seatwise/shared/account"
	"seatwise/shared/craft/money"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/failures"
	"seatwise/shared/platform/table"
	"seatwise/shared/report"
)

const (
	// lateness is how long after its end a period is closed (requirements, section 12).
	lateness = 48 * time.Hour
	// chunkBytes is about how large an item of a closed period is.
	chunkBytes = 200_000
	// chunkShares is how many shares an item has.
	chunkShares = 1500
	// chunksACommit is how many such items one commit writes, well within its 4 MB.
	chunksACommit = 12
)

// closed is the document of a closed period, beside its lines. What it was folded with is kept, so
// that folding it again shows only what was accepted since.
type closed struct {
	From       string            `json:"from"`
	To         string            `json:"to"`
	Currency   string            `json:"currency"`
	Days       int               `json:"days"`
	MonthDays  int               `json:"monthDays"`
	Total      money.Amount      `json:"total"`
	Prices     map[string]Prices `json:"prices"`
	CostCenter string            `json:"costCenter,omitempty"`
	Unlimited  bool              `json:"unlimited,omitempty"`
	ClosedAt   time.Time         `json:"closedAt"`
	Digest     string            `json:"digest"`
	// Lines is how many chunks of lines there are.
	Lines int `json:"lines"`
}

func (p *closed) span() bounds {
	first, _ := time.Parse(time.DateOnly, p.From)
	end, _ := time.Parse(time.DateOnly, p.To)
	return bounds{first, end}
}

// closedBefore is the closed period that ends with a day, with its lines; nil if there is none.
func (s *Service) closedBefore(ctx context.Context, c *call.Call, day time.Time) (*closed, []Entry, error) {
	last, err := lastClosed(ctx, c)
	if err != nil || last == nil {
		return nil, nil, err
	}
	if last.To != day.Format(time.DateOnly) {
		return nil, nil, nil
	}
	entries, err := entriesOf(ctx, c, last)
	return last, entries, err
}

// lastClosed is the last period that is closed, or nil.
func lastClosed(ctx context.Context, c *call.Call) (*closed, error) {
	page, err := c.Env.Table.Query(ctx, table.Query{
		Partition: closedKey(c.Account, "").Partition, Backwards: true, Limit: 1,
	})
	if err != nil || len(page.Items) == 0 {
		return nil, err
	}
	p, err := call.Decode[closed](page.Items[0])
	return &p, err
}

// closedAt is the closed period that begins on a day, or nil.
func closedAt(ctx context.Context, c *call.Call, first string) (*closed, error) {
	item, ok, err := c.Get(ctx, closedKey(c.Account, first))
	if err != nil || !ok {
		return nil, err
	}
	p, err := call.Decode[closed](item)
	return &p, err
}

// entriesOf reads the lines of a closed period.
func entriesOf(ctx context.Context, c *call.Call, p *closed) ([]Entry, error) {
	entries := []Entry{}
	query := table.Query{Partition: partsPartition(c.Account, p.From, p.Digest), Prefix: "LINES#"}
	err := table.All(ctx, c.Env.Table, query, func(item table.Item) error {
		some, err := call.Decode[[]Entry](item)
		entries = append(entries, some...)
		return err
	})
	return entries, err
}

// sharesOf reads what is behind a line of a closed period.
func sharesOf(ctx context.Context, c *call.Call, p *closed, line string) ([]Share, error) {
	var shares []Share
	query := table.Query{Partition: partsPartition(c.Account, p.From, p.Digest), Prefix: sharesPrefix(line)}
	err := table.All(ctx, c.Env.Table, query, func(item table.Item) error {
		some, err := call.Decode[[]Share](item)
		shares = append(shares, some...)
		return err
	})
	return shares, err
}

// wakeUps name the periods among what the builder of reports is woken up for.
const wakeUps = "period-"

// Schedule finds the accounts of which a period is over for 48 hours and not closed, and hands each
// to an invocation of its own. Repeated and missed runs make no difference to what there is in the
// end.
func (s *Service) Schedule(ctx context.Context, at time.Time) error {
	err := account.Each(ctx, s.env.Table, func(ctx context.Context, a account.Account) error {
		c := call.ForEvent(s.env, a.ID, "period-closing", "schedule", at)
		_, due, err := s.due(ctx, c, a)
		if err == nil && due {
			due, err = s.worthwhile(ctx, c, a)
		}
		if err != nil || !due {
			return err
		}
		body := strings.NewReader("{}")
		id := wakeUps + strconv.FormatInt(at.Unix(), 10)
		_, err = s.env.Files.Put(ctx, report.WakeUp(a.ID, id), body, body.Size(), "application/json")
		return err
	})
	if err != nil {
		return fmt.Errorf("periods: %w", err)
	}
	return nil
}

// heldFor is how long a period that could not be closed is left alone, unless the account has a cost
// center by then: it is folded from every license.
const heldFor = 24 * time.Hour

// worthwhile says whether a period that is due is to be tried: not where it lacked the account's cost
// center within the last day, and still does.
func (s *Service) worthwhile(ctx context.Context, c *call.Call, a account.Account) (bool, error) {
	if a.CostCenter != "" {
		return true, nil
	}
	f, held, err := failures.Of(ctx, s.env.Table, a.ID, failures.Period)
	return !held || !c.At.Before(f.At().Add(heldFor)), err
}

// hold notes that a period cannot be closed yet, so that an alert says so; nothing when the account was
// changed meanwhile.
func (s *Service) hold(ctx context.Context, c *call.Call, of accounted, bill Bill) error {
	note, err := failures.Note(c.Account, c.At, failures.Failure{
		Kind: failures.Period, ID: bill.From,
		Detail: "The billing period from " + bill.From + " on cannot be closed: people without a cost center " +
			"have used what is charged by use, or waited for a seat, and the account has no cost center to charge it to.",
	})
	if err != nil {
		return err
	}
	s.env.Log.InfoContext(ctx, "period waits for the account's cost center", slog.String("account", c.Account),
		slog.String("from", bill.From))
	as := table.Check(call.AccountKey(c.Account), table.IfVersion(of.version))
	err = s.env.Table.Commit(ctx, []table.Operation{note, as})
	if _, refused := table.Refused(err); refused {
		return nil
	}
	return err
}

// Woken closes the account's periods that were due when the wake-up of this id was written; ok is
// false for one that is no period's.
func (s *Service) Woken(ctx context.Context, accountID, id string) (ok bool, err error) {
	text, ok := strings.CutPrefix(id, wakeUps)
	seconds, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil {
		return false, nil //nolint:nilerr // an id of another form is a report's
	}
	c := call.ForEvent(s.env, accountID, "period-closing", "schedule", time.Unix(seconds, 0).UTC())
	ctx = call.UntilClosed(ctx)
	for {
		of, err := accountOf(ctx, c)
		if err != nil {
			return true, err
		}
		span, due, err := s.due(ctx, c, of.Account)
		if err != nil || !due {
			return true, err
		}
		if closed, err := s.close(ctx, c, of, span); err != nil || !closed {
			return true, err
		}
		s.env.Log.InfoContext(ctx, "period closed", slog.String("account", accountID),
			slog.String("from", span.first.Format(time.DateOnly)))
	}
}

// due is the first period that is not closed, and whether it is to be.
func (s *Service) due(ctx context.Context, c *call.Call, a account.Account) (bounds, bool, error) {
	days, err := a.Calendar()
	if err != nil {
		return bounds{}, false, err
	}
	last, err := lastClosed(ctx, c)
	if err != nil {
		return bounds{}, false, err
	}
	next := days.Day(a.CreatedAt)
	if last != nil {
		next = last.span().end
	}
	first, end := days.Period(next)
	return bounds{first, end}, !c.At.Before(days.Begin(end).Add(lateness)), nil
}

// close folds a period from every license that ever was, and seals it, unless it lacks the account's
// cost center. Who closes it at the same time writes beside; the first to write the head has closed it.
func (s *Service) close(ctx context.Context, c *call.Call, of accounted, span bounds) (closes bool, err error) {
	source, err := s.source(ctx, c, of, span)
	if err != nil {
		return false, err
	}
	bill, err := source.fold(Horizon{Now: c.At})
	if err != nil {
		return false, err
	}
	if bill.homeless() {
		return false, s.hold(ctx, c, of, bill)
	}
	return true, s.write(ctx, c, source, bill)
}

// write writes a period's lines and what is behind them, and seals it.
func (s *Service) write(ctx context.Context, c *call.Call, source Source, bill Bill) error {
	head := closed{
		From: bill.From, To: bill.To, Currency: bill.Currency, Days: bill.Days, MonthDays: bill.MonthDays,
		Total: bill.Total, Prices: source.Prices, CostCenter: source.CostCenter, Unlimited: source.Unlimited,
		ClosedAt: c.At.UTC(),
	}
	lines, shares, err := seal(&head, bill.Entries)
	if err != nil {
		return err
	}
	var ops []table.Operation
	for i, data := range lines {
		item := table.Item{Key: linesKey(c.Account, head.From, head.Digest, i), Data: data}
		ops = append(ops, table.Put(item, table.Always))
	}
	for _, chunk := range shares {
		key := table.Key{Partition: partsPartition(c.Account, head.From, head.Digest), Sort: chunk.sort}
		ops = append(ops, table.Put(table.Item{Key: key, Data: chunk.data}, table.Always))
	}
	for some := range slices.Chunk(ops, chunksACommit) {
		if err := s.env.Table.Commit(ctx, some); err != nil {
			return err
		}
	}
	return s.seal(ctx, c, head)
}

// seal writes the head, with an audit entry: from then on the period is closed.
func (s *Service) seal(ctx context.Context, c *call.Call, head closed) error {
	data, err := call.Encode(head)
	if err != nil {
		return err
	}
	audit, err := c.Audit(call.AuditEntry{
		Action: "period.closed", Subject: "period", SubjectID: head.From,
		After: map[string]any{"to": head.To, "total": head.Total, "digest": head.Digest},
	})
	if err != nil {
		return err
	}
	put := table.Put(table.Item{Key: closedKey(c.Account, head.From), Data: data}, table.IfAbsent)
	err = s.env.Table.Commit(ctx, []table.Operation{put, audit, failures.Forget(c.Account, failures.Period)})
	if _, overtaken := table.Refused(err); overtaken {
		return nil
	}
	return err
}

// sharesChunk is an item of what is behind a line.
type sharesChunk struct {
	sort string
	data []byte
}

// seal writes the lines and what is behind them as the data of items, and makes the digest over all
// of it.
func seal(head *closed, entries []Entry) (lines [][]byte, shares []sharesChunk, err error) {
	digest := sha256.New()
	var some []Entry
	size := 0
	flush := func() error {
		data, err := call.Encode(some)
		lines, some, size = append(lines, data), nil, 0
		digest.Write(data)
		return err
	}
	for _, e := range entries {
		if size += 400 + 90*len(e.Days); size > chunkBytes {
			if err := flush(); err != nil {
				return nil, nil, err
			}
			size = 400 + 90*len(e.Days)
		}
		some = append(some, e)
	}
	if err := flush(); err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		n := 0
		for chunk := range slices.Chunk(e.Shares, chunkShares) {
			data, err := call.Encode(chunk)
			if err != nil {
				return nil, nil, err
			}
			digest.Write(data)
			shares = append(shares, sharesChunk{sort: fmt.Sprintf("%s%04d", sharesPrefix(e.ID), n), data: data})
			n++
		}
	}
	head.Lines = len(lines)
	described, err := call.Encode(head)
	if err != nil {
		return nil, nil, err
	}
	digest.Write(bytes.TrimSpace(described))
	head.Digest = hex.EncodeToString(digest.Sum(nil))
	return lines, shares, nil
}
