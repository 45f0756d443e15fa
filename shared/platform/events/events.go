// Package events reads the events that are no HTTP requests: S3 notifications, EventBridge schedules
// and messages of SQS. It knows their JSON only, so a module can use it without linking the Lambda
// runtime.
package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Kind is what an event is about.
type Kind int

// The kinds.
const (
	KindOther Kind = iota
	// KindObjects is an S3 notification, read it with S3Records.
	KindObjects
	// KindSchedule is a scheduled event, read it with Scheduled.
	KindSchedule
	// KindMessages is a batch of messages of SQS, read it with Messages.
	KindMessages
)

// Message is one message of a queue, as SQS delivers it.
type Message struct {
	ID, Body string
}

// ErrOther is wrapped when a payload is not of the kind that was asked for.
var ErrOther = errors.New("not an event of this kind")

// ObjectCreated is one object that S3 says was created. S3 delivers each at least once, in any
// order.
type ObjectCreated struct {
	// Name is the event's name, such as ObjectCreated:Put.
	Name   string
	Bucket string
	// Key is decoded. If it could not be, Fault says so and Key is as it came; no object has that
	// name then.
	Key   string
	Fault error
	// Version is empty for a bucket without versions.
	Version string
	ETag    string
	Size    int64
	// Sequencer orders the events of one key, see After.
	Sequencer string
	At        time.Time
}

// After says whether the event happened after another one of the same key. Sequencers are
// hexadecimal numbers of any length.
func (o ObjectCreated) After(other ObjectCreated) bool {
	a, b := strings.TrimLeft(o.Sequencer, "0"), strings.TrimLeft(other.Sequencer, "0")
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return strings.ToUpper(a) > strings.ToUpper(b)
}

// Schedule is one firing of a schedule. A scheduled function takes its time from here, never from
// the clock (contract, On one machine).
type Schedule struct {
	// ID is the same when the firing is delivered again; it may be empty when a person invokes the
	// function.
	ID   string
	Time time.Time
	// Resources are the ARNs of the rules that fired.
	Resources []string
	// Asked says that no rule fired: a person wants it done, and waits for it.
	Asked bool
	// Account narrows to one account what a person asks for; empty means all.
	Account string
}

type payload struct {
	Event   string    `json:"Event"`
	Records *[]record `json:"Records"`

	ID        string     `json:"id"`
	Time      *time.Time `json:"time"`
	Resources []string   `json:"resources"`
	Source    string     `json:"source"`
	Account   string     `json:"account"`
}

type record struct {
	EventSource string `json:"eventSource"`
	MessageID   string `json:"messageId"`
	Body        string `json:"body"`

	EventName string    `json:"eventName"`
	EventTime time.Time `json:"eventTime"`
	S3        *struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key       string `json:"key"`
			Size      int64  `json:"size"`
			ETag      string `json:"eTag"`
			VersionID string `json:"versionId"`
			Sequencer string `json:"sequencer"`
		} `json:"object"`
	} `json:"s3"`
}

const (
	testEvent = "s3:TestEvent"
	// queues is the source of records that are messages, and rules that of schedules.
	queues = "aws:sqs"
	rules  = "aws.events"
)

// KindOf tells the kinds apart.
func KindOf(raw []byte) Kind {
	var p payload
	switch err := json.Unmarshal(raw, &p); {
	case err != nil:
		return KindOther
	case p.Records != nil && len(*p.Records) > 0 && (*p.Records)[0].EventSource == queues:
		return KindMessages
	case p.Records != nil, p.Event == testEvent:
		return KindObjects
	case p.Time != nil:
		return KindSchedule
	default:
		return KindOther
	}
}

// S3Records lists the created objects of an S3 notification; records of other happenings are left
// out, and s3:TestEvent, which S3 sends when notifications are set up, has none.
//
// A key that cannot be decoded is reported in the record's Fault and does not stop the others.
// Errors wrap ErrOther.
func S3Records(raw []byte) ([]ObjectCreated, error) {
	var p payload
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, fmt.Errorf("S3 notification: %w: %w", ErrOther, err)
	}
	if p.Event == testEvent {
		return nil, nil
	}
	if p.Records == nil {
		return nil, fmt.Errorf("S3 notification: %w: it has no Records", ErrOther)
	}
	created := make([]ObjectCreated, 0, len(*p.Records))
	for _, r := range *p.Records {
		if r.S3 == nil {
			return nil, fmt.Errorf("S3 notification: %w: a record is not from S3", ErrOther)
		}
		if !strings.HasPrefix(r.EventName, "ObjectCreated:") {
			continue
		}
		o := ObjectCreated{
			Name:      r.EventName,
			Bucket:    r.S3.Bucket.Name,
			Version:   r.S3.Object.VersionID,
			ETag:      r.S3.Object.ETag,
			Size:      r.S3.Object.Size,
			Sequencer: r.S3.Object.Sequencer,
			At:        r.EventTime.UTC(),
		}
		// Keys come as in a query string: percent-escapes, and + for a space.
		key, err := url.QueryUnescape(r.S3.Object.Key)
		switch {
		case err != nil:
			o.Key, o.Fault = r.S3.Object.Key, fmt.Errorf("the key cannot be decoded: %w", err)
		case key == "":
			o.Fault = errors.New("the key is empty")
		default:
			o.Key = key
		}
		created = append(created, o)
	}
	return created, nil
}

// Scheduled reads a scheduled event; {"time": "2026-01-31T03:00:00Z"} is enough of one, so that a
// person can run any day again. Errors wrap ErrOther.
func Scheduled(raw []byte) (Schedule, error) {
	var p payload
	if err := json.Unmarshal(raw, &p); err != nil {
		return Schedule{}, fmt.Errorf("scheduled event: %w: %w", ErrOther, err)
	}
	if p.Time == nil || p.Time.IsZero() {
		return Schedule{}, fmt.Errorf("scheduled event: %w: it has no time", ErrOther)
	}
	schedule := Schedule{ID: p.ID, Time: p.Time.UTC(), Resources: p.Resources, Asked: p.Source != rules}
	if schedule.Asked { // of a rule that fired it is the account at AWS
		schedule.Account = p.Account
	}
	return schedule, nil
}

// Messages lists the messages of a batch. Errors wrap ErrOther.
func Messages(raw []byte) ([]Message, error) {
	var p payload
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, fmt.Errorf("messages: %w: %w", ErrOther, err)
	}
	if p.Records == nil {
		return nil, fmt.Errorf("messages: %w: there are no Records", ErrOther)
	}
	list := make([]Message, len(*p.Records))
	for i, r := range *p.Records {
		if r.EventSource != queues || r.MessageID == "" {
			return nil, fmt.Errorf("messages: %w: a record is not from SQS", ErrOther)
		}
		list[i] = Message{ID: r.MessageID, Body: r.Body}
	}
	return list, nil
}

// Batch makes the event by which SQS delivers messages, for whoever delivers in its place.
func Batch(queue string, messages ...Message) ([]byte, error) {
	records := make([]any, len(messages))
	for i, m := range messages {
		records[i] = map[string]any{
			"messageId": m.ID, "receiptHandle": m.ID, "body": m.Body, "attributes": map[string]string{},
			"messageAttributes": map[string]any{}, "eventSource": queues, "eventSourceARN": queue,
		}
	}
	raw, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		return nil, fmt.Errorf("messages: %w", err)
	}
	return raw, nil
}

// Failures is the answer that names the messages of a batch that are to come again, and Failed reads
// it. Errors of Failed wrap ErrOther.
func Failures(ids []string) ([]byte, error) {
	var answer failures
	answer.Items = make([]failed, len(ids))
	for i, id := range ids {
		answer.Items[i].ID = id
	}
	raw, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("messages: %w", err)
	}
	return raw, nil
}

type failures struct {
	Items []failed `json:"batchItemFailures"`
}

type failed struct {
	ID string `json:"itemIdentifier"`
}

// Failed lists the messages that an answer names.
func Failed(answer []byte) ([]string, error) {
	var read failures
	if err := json.Unmarshal(answer, &read); err != nil {
		return nil, fmt.Errorf("messages: %w: %w", ErrOther, err)
	}
	ids := make([]string, len(read.Items))
	for i, one := range read.Items {
		ids[i] = one.ID
	}
	return ids, nil
}
