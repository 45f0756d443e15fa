package edge_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/edge"
	"seatwise/shared/platform/events"
	"seatwise/shared/platform/work"
)

// Of a batch, only what fails, panics, hangs or cannot be read comes again; the rest is done, whatever
// was before it.
func TestOneMessageNeverFailsTheOthers(t *testing.T) {
	var done []string
	fn := app.Function{
		Event: func(context.Context, []byte) error { return errors.New("not an event") },
		Message: func(ctx context.Context, m work.Message) error {
			switch m.Account {
			case "fails":
				return errors.New("as always")
			case "panics":
				panic("at the wall")
			case "hangs":
				<-ctx.Done()
				return ctx.Err()
			}
			done = append(done, m.Account)
			return nil
		},
	}
	var batch []events.Message
	for _, account := range []string{"hangs", "a", "fails", "b", "panics", "c"} {
		body, err := work.Encode(work.Message{Kind: work.Maintenance, Account: account, Time: clock()})
		if err != nil {
			t.Fatal(err)
		}
		batch = append(batch, events.Message{ID: "id-" + account, Body: body})
	}
	batch = append(batch, events.Message{ID: "id-no-message", Body: "{}"})
	payload, err := events.Batch("arn:aws:sqs:eu-central-1:1:work", batch...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var metrics strings.Builder
	o := options(io.Discard)
	o.Metrics, o.Log = &metrics, slog.New(slog.DiscardHandler)
	answer, err := edge.New(fn, o).Invoke(ctx, payload)
	if err != nil || ctx.Err() != nil {
		t.Fatalf("%v, %v", err, ctx.Err())
	}
	again, err := events.Failed(answer)
	want := []string{"id-hangs", "id-fails", "id-panics", "id-no-message"}
	if err != nil || !slices.Equal(again, want) {
		t.Errorf("%q come again, want %q (%v)", again, want, err)
	}
	if !slices.Equal(done, []string{"a", "b", "c"}) {
		t.Errorf("done: %q", done)
	}
	if !strings.Contains(metrics.String(), `"Errors":1`) {
		t.Errorf("nobody hears of it: %s", metrics.String())
	}
}

// A batch of which all is done names nothing, and a function without messages does not take one.
func TestAWholeBatch(t *testing.T) {
	body, err := work.Encode(work.Message{Kind: work.Aggregation, Account: "acme", Time: clock()})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := events.Batch("q", events.Message{ID: "1", Body: body})
	if err != nil {
		t.Fatal(err)
	}
	var got work.Message
	fn := app.Function{Message: func(_ context.Context, m work.Message) error { got = m; return nil }}
	answer, err := edge.New(fn, options(io.Discard)).Invoke(t.Context(), payload)
	if err != nil || string(answer) != `{"batchItemFailures":[]}` {
		t.Errorf("%s, %v", answer, err)
	}
	if got.Account != "acme" || !got.Time.Equal(clock()) || got.Kind != work.Aggregation {
		t.Errorf("%+v", got)
	}
	_, err = edge.New(app.Function{}, options(io.Discard)).Invoke(t.Context(), payload)
	if !errors.Is(err, edge.ErrUnexpected) {
		t.Errorf("taken by a function without messages: %v", err)
	}
}
