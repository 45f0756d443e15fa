package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"seatwise/infra/local/objects"
	"seatwise/infra/local/queue"
	"seatwise/infra/local/schedule"
	"seatwise/infra/local/template"
	"seatwise/shared/platform/reply"
)

const (
	region    = "us-east-1"
	accountID = "000000000000"
)

// deliver invokes a function with an event of the queue.
func (r *runner) deliver(ctx context.Context, e queue.Event) error {
	f, ok := r.functions[e.Function]
	if !ok {
		return fmt.Errorf("there is no function %s any more", e.Function)
	}
	ctx, cancel := context.WithTimeout(reply.WithRequestID(ctx, e.ID), r.template.Functions[e.Function].Timeout)
	defer cancel()
	return queue.Judge(f.edge.Invoke(ctx, e.Payload))
}

// notify records, within the transaction that creates an object, an event for each function that
// the template connects to it.
func (r *runner) notify(tx *bbolt.Tx, o objects.Created) error {
	owed, err := r.notifications(o)
	if err != nil {
		return err
	}
	return r.queue.AddIn(tx, owed...)
}

func (r *runner) notifications(o objects.Created) ([]queue.Event, error) {
	var owed []queue.Event
	for _, t := range r.template.Triggers {
		if bucketNames[t.Bucket] != o.Bucket || !t.Matches(o.Event, o.Key) {
			continue
		}
		payload, err := notification(t, o)
		if err != nil {
			return nil, err
		}
		owed = append(owed, queue.Event{Function: t.Function, Payload: payload})
	}
	return owed, nil
}

// notification is the event that S3 sends (event message structure 2.1).
func notification(t template.Trigger, o objects.Created) (json.RawMessage, error) {
	object := map[string]any{
		// As in a query string, but for slashes.
		"key":       strings.ReplaceAll(url.QueryEscape(o.Key), "%2F", "/"),
		"size":      o.Size,
		"eTag":      o.ETag,
		"sequencer": o.Sequencer,
	}
	if o.Version != "" {
		object["versionId"] = o.Version
	}
	return encode(map[string]any{"Records": []any{
		map[string]any{
			"eventVersion":      "2.1",
			"eventSource":       "aws:s3",
			"awsRegion":         region,
			"eventTime":         o.At.UTC().Format("2006-01-02T15:04:05.000Z"),
			"eventName":         o.Event,
			"userIdentity":      map[string]string{"principalId": "LOCAL"},
			"requestParameters": map[string]string{"sourceIPAddress": "127.0.0.1"},
			"responseElements":  map[string]string{"x-amz-request-id": o.Sequencer, "x-amz-id-2": ""},
			"s3": map[string]any{
				"s3SchemaVersion": "1.0",
				"configurationId": t.Function + t.Name,
				"bucket": map[string]any{
					"name":          o.Bucket,
					"ownerIdentity": map[string]string{"principalId": "LOCAL"},
					"arn":           "arn:aws:s3:::" + o.Bucket,
				},
				"object": object,
			},
		},
	}})
}

// tick is the event that EventBridge sends.
func tick(s template.Schedule, id string, at time.Time) (json.RawMessage, error) {
	return encode(map[string]any{
		"version":     "0",
		"id":          id,
		"detail-type": "Scheduled Event",
		"source":      "aws.events",
		"account":     accountID,
		"time":        at.UTC().Format(time.RFC3339),
		"region":      region,
		"resources": []string{
			fmt.Sprintf("arn:aws:events:%s:%s:rule/%s%s", region, accountID, s.Function, s.Name),
		},
		"detail": map[string]any{},
	})
}

func encode(event any) (json.RawMessage, error) {
	payload, err := json.Marshal(event)
	if err != nil {
		return nil, fmt.Errorf("make event: %w", err)
	}
	return payload, nil
}

// runSchedule fires one schedule until the context ends. What fell due while nothing ran is not
// made up for, as in AWS; a firing is left out while an earlier one of the same schedule is still
// owed.
func (r *runner) runSchedule(ctx context.Context, s template.Schedule, due schedule.Expression) {
	for {
		at := due.Next(r.env.Clock())
		if at.IsZero() {
			return
		}
		timer := time.NewTimer(max(at.Sub(r.env.Clock()), 0))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		payload, err := tick(s, r.env.IDs.Random(), at)
		if err == nil {
			_, err = r.queue.AddUnlessWaiting(
				queue.Event{Function: s.Function, Payload: payload, Source: "schedule " + s.Function + " " + s.Name},
			)
		}
		if err != nil {
			r.env.Log.ErrorContext(ctx, "schedule not fired", "function", s.Function, "schedule", s.Name, "error", err)
		}
		// A timer may fire a moment early by the other clock; without this, the same moment would
		// come again.
		for !r.env.Clock().After(at) {
			time.Sleep(time.Millisecond)
		}
	}
}
