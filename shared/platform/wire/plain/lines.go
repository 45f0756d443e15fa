package plain

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"seatwise/shared/platform/lines"
)

// Lines reads the log of the functions in CloudWatch Logs. It asks for the lines themselves, which has
// no price, and not for a query, whose price is that of all that it looks through.
type Lines struct {
	group   string
	service Service
}

var _ lines.Reader = Lines{}

// NewLines reads the log group of this name.
func NewLines(group string, getenv func(string) string) Lines {
	s := service("logs", getenv)
	s.Most = mostLines
	return Lines{group: group, service: s}
}

const (
	// atOnce is how many parts of a window are read at once: the service answers some ten requests a
	// second.
	atOnce = 4
	// part is how long each part is.
	part = time.Hour
	// mostLines bounds an answer of the log in bytes; the service sends a megabyte.
	mostLines = 16 << 20
)

// ofAccounts finds the lines that name an account.
const ofAccounts = `{ $.account = "*" }`

// Read implements lines.Reader.
func (l Lines) Read(ctx context.Context, from, to time.Time, visit func(line []byte) error) error {
	var mu sync.Mutex
	reading, ctx := errgroup.WithContext(ctx)
	reading.SetLimit(atOnce)
	for ; from.Before(to); from = from.Add(part) {
		begins, ends := from, from.Add(part)
		if ends.After(to) {
			ends = to
		}
		reading.Go(func() error {
			return l.pages(ctx, begins, ends, func(line []byte) error {
				mu.Lock()
				defer mu.Unlock()
				return visit(line)
			})
		})
	}
	return reading.Wait() //nolint:wrapcheck // it is of pages
}

// pages reads a part of the window.
func (l Lines) pages(ctx context.Context, from, to time.Time, visit func(line []byte) error) error {
	for next := ""; ; {
		in := map[string]any{
			"logGroupName": l.group, "filterPattern": ofAccounts,
			"startTime": from.UnixMilli(), "endTime": to.UnixMilli() - 1, // which is inclusive
		}
		if next != "" {
			in["nextToken"] = next
		}
		var page struct {
			Events []struct {
				Message string `json:"message"`
			} `json:"events"`
			Next string `json:"nextToken"`
		}
		if err := l.ask(ctx, in, &page); err != nil {
			return err
		}
		for _, e := range page.Events {
			if err := visit([]byte(e.Message)); err != nil {
				return err
			}
		}
		if next = page.Next; next == "" {
			return nil
		}
	}
}

// tries is how often a page is asked for that the service refuses for load, each time after twice the
// pause.
const tries = 8

func (l Lines) ask(ctx context.Context, in, out any) error {
	pause := 200 * time.Millisecond
	for try := 1; ; try++ {
		err := l.service.Ask(ctx, "Logs_20140328.FilterLogEvents", in, out)
		if !busy(err) || try == tries {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause): //nolint:forbidigo // a pause between two requests is in the machine's own time
		}
		pause *= 2
	}
}

// busy says whether a service refused for load, or could not answer.
func busy(err error) bool {
	var refusal *Refusal
	return errors.As(err, &refusal) &&
		(refusal.Type == "ThrottlingException" || refusal.Status >= http.StatusInternalServerError)
}
