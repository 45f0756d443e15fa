package events_test

import (
	"errors"
	"testing"
	"time"

	"seatwise/shared/platform/events"
)

const notification = `{"Records":[
 {"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-central-1",
  "eventTime":"2026-11-21T10:00:00.123Z","eventName":"ObjectCreated:Put",
  "s3":{"bucket":{"name":"seatwise-uploads"},
  "object":{"key":"drops/acme/New+phones+%28100%25%29+%C3%A4%2Bb.xlsx","size":4711,
  "eTag":"d41d","versionId":"v1","sequencer":"0A1B"}}},
 {"eventName":"ObjectRemoved:Delete","eventTime":"2026-11-21T10:00:00Z",
  "s3":{"bucket":{"name":"seatwise-uploads"},"object":{"key":"gone"}}},
 {"eventName":"ObjectCreated:Copy","eventTime":"2026-11-21T10:00:01Z",
  "s3":{"bucket":{"name":"seatwise-uploads"},"object":{"key":"drops/acme/50%.csv"}}},
 {"eventName":"ObjectCreated:CompleteMultipartUpload","eventTime":"2026-11-21T10:00:02Z",
  "s3":{"bucket":{"name":"seatwise-uploads"},"object":{"key":"plain.csv"}}}]}`

func TestS3Records(t *testing.T) {
	got, err := events.S3Records([]byte(notification))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 {
		t.Fatalf("%d records, want the three created ones: %+v", len(got), got)
	}
	want := events.ObjectCreated{
		Name:      "ObjectCreated:Put",
		Bucket:    "seatwise-uploads",
		Key:       "drops/acme/New phones (100%) ä+b.xlsx",
		Version:   "v1",
		ETag:      "d41d",
		Size:      4711,
		Sequencer: "0A1B",
		At:        time.Date(2026, 11, 21, 10, 0, 0, 123_000_000, time.UTC),
	}
	if got[0] != want {
		t.Errorf("got %+v, want %+v", got[0], want)
	}
	if got[1].Fault == nil || got[1].Key != "drops/acme/50%.csv" {
		t.Errorf("an undecodable key: got %+v", got[1])
	}
	if got[2].Fault != nil || got[2].Key != "plain.csv" || got[2].Version != "" {
		t.Errorf("the record after it: got %+v", got[2])
	}
}

func TestS3TestEventHasNoRecords(t *testing.T) {
	raw := []byte(
		`{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-21T10:00:00.000Z","Bucket":"seatwise-uploads","RequestId":"5582815E1AEA5ADF","HostId":"8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR"}`,
	)
	got, err := events.S3Records(raw)
	if err != nil || len(got) != 0 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if kind := events.KindOf(raw); kind != events.KindObjects {
		t.Fatalf("kind %d", kind)
	}
}

func TestOthersAreRefused(t *testing.T) {
	for _, raw := range []string{
		``, `7`, `null`, `{}`, `[]`, `{"Records":[{"eventSource":"aws:sqs","body":"x"}]}`,
		`{"time":"2026-11-21T10:00:00Z"}`,
	} {
		if _, err := events.S3Records([]byte(raw)); !errors.Is(err, events.ErrOther) {
			t.Errorf("S3Records(%s): %v", raw, err)
		}
	}
	for _, raw := range []string{``, `7`, `null`, `{}`, `{"time":"yesterday"}`, `{"time":""}`, `{"Records":[]}`} {
		if _, err := events.Scheduled([]byte(raw)); !errors.Is(err, events.ErrOther) {
			t.Errorf("Scheduled(%s): %v", raw, err)
		}
	}
}

func TestScheduled(t *testing.T) {
	raw := []byte(
		`{"version":"0","id":"89d1a02d-5ec7-412e-82f5-13505f849b41","detail-type":"Scheduled Event",
		"source":"aws.events","account":"123456789012",
		"time":"2026-11-21T04:00:00+01:00","region":"eu-central-1",
		"resources":["arn:aws:events:eu-central-1:123456789012:rule/r"],"detail":{}}`,
	)
	got, err := events.Scheduled(raw)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Time.Equal(time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)) || got.Time.Location() != time.UTC ||
		got.ID == "" ||
		len(got.Resources) != 1 {
		t.Fatalf("got %+v", got)
	}
}

func TestKindOf(t *testing.T) {
	for raw, want := range map[string]events.Kind{
		notification:                      events.KindObjects,
		`{"Records":[]}`:                  events.KindObjects,
		`{"time":"2026-11-21T10:00:00Z"}`: events.KindSchedule,
		`{}`:                              events.KindOther,
		`[`:                               events.KindOther,
		`"x"`:                             events.KindOther,
	} {
		if got := events.KindOf([]byte(raw)); got != want {
			t.Errorf("KindOf(%.40s) = %d, want %d", raw, got, want)
		}
	}
}

func TestSequencersCompareAsNumbers(t *testing.T) {
	at := func(s string) events.ObjectCreated { return events.ObjectCreated{Sequencer: s} }
	for _, test := range []struct {
		later, earlier string
	}{{"10", "9"}, {"0B", "0A"}, {"00ff", "fe"}, {"100", "0FF"}, {"b", "A"}} {
		if !at(test.later).After(at(test.earlier)) || at(test.earlier).After(at(test.later)) {
			t.Errorf("%s is not after %s", test.later, test.earlier)
		}
	}
	if at("0a").After(at("A")) || at("A").After(at("0a")) {
		t.Error("equal sequencers are ordered")
	}
}
