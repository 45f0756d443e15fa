package plain_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seatwise/infra/testing/programs"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/edge"
	"seatwise/shared/platform/events"
	"seatwise/shared/platform/wire/plain"
	"seatwise/shared/platform/work"
	"seatwise/shared/platform/work/worktest"
)

// sqs is a server of SQS, asked as the test asks it.
type sqs struct {
	plain.Service
	t *testing.T
}

func (s sqs) ask(what string, in, out any) {
	s.t.Helper()
	if err := s.Ask(context.Background(), "AmazonSQS."+what, in, out); err != nil {
		s.t.Fatal(err)
	}
}

// make makes a queue, and answers its URL and ARN.
func (s sqs) make(name string, attributes map[string]string) (url, arn string) {
	s.t.Helper()
	var made struct{ QueueUrl string } //nolint:revive // as SQS names it
	s.ask("CreateQueue", map[string]any{"QueueName": name, "Attributes": attributes}, &made)
	var has struct{ Attributes map[string]string }
	s.ask("GetQueueAttributes", map[string]any{"QueueUrl": made.QueueUrl, "AttributeNames": []string{"QueueArn"}}, &has)
	return made.QueueUrl, has.Attributes["QueueArn"]
}

type received struct {
	Messages []struct{ MessageId, ReceiptHandle, Body string } //nolint:revive // as SQS names them
}

// deliver is the event source of a function: it hands batches over, and deletes what the function's
// answer does not name.
func (s sqs) deliver(ctx context.Context, url string, e *edge.Edge) {
	for ctx.Err() == nil {
		var got received
		in := map[string]any{"QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 1}
		if err := s.Ask(ctx, "AmazonSQS.ReceiveMessage", in, &got); err != nil || len(got.Messages) == 0 {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		batch := make([]events.Message, len(got.Messages))
		for i, m := range got.Messages {
			batch[i] = events.Message{ID: m.MessageId, Body: m.Body}
		}
		payload, err := events.Batch(url, batch...)
		if err != nil {
			s.t.Error(err)
			return
		}
		answer, err := e.Invoke(ctx, payload)
		again, unread := events.Failed(answer)
		if err != nil || unread != nil {
			continue
		}
		failed := map[string]bool{}
		for _, id := range again {
			failed[id] = true
		}
		for _, m := range got.Messages {
			if failed[m.MessageId] {
				continue
			}
			in := map[string]string{"QueueUrl": url, "ReceiptHandle": m.ReceiptHandle}
			if err := s.Ask(ctx, "AmazonSQS.DeleteMessage", in, new(json.RawMessage)); err != nil && ctx.Err() == nil {
				s.t.Error(err)
			}
		}
	}
}

var queues atomic.Int64

// SQS keeps the contract that the queue of one machine keeps: a server of its own sets aside what was
// delivered too often.
func TestQueueKeepsTheContract(t *testing.T) {
	server := programs.Moto(t)
	getenv := func(name string) string {
		return map[string]string{
			"AWS_REGION": server.Region, "AWS_ENDPOINT_URL": server.URL,
			"AWS_ACCESS_KEY_ID": server.AccessKey, "AWS_SECRET_ACCESS_KEY": server.SecretKey,
		}[name]
	}
	worktest.Run(t, func(t *testing.T, deliver func(context.Context, work.Message) error) worktest.Opened {
		s := sqs{t: t, Service: plain.Service{
			Name: "sqs", Protocol: "1.0", Region: server.Region, Endpoint: server.URL, Getenv: getenv,
			Clock: time.Now, HTTP: &http.Client{Timeout: 10 * time.Second},
		}}
		n := queues.Add(1)
		failed, failedARN := s.make(fmt.Sprintf("failed-%d", n), nil)
		redrive := fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"%d"}`, failedARN, worktest.Tries)
		url, _ := s.make(fmt.Sprintf("work-%d", n), map[string]string{"RedrivePolicy": redrive})
		e := edge.New(app.Function{Message: deliver},
			edge.Options{Name: "Work", Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { s.deliver(ctx, url, e); close(ended) }()
		t.Cleanup(func() { cancel(); <-ended })
		var mu sync.Mutex
		var aside []work.Message
		return worktest.Opened{Queue: plain.NewQueue(url, failed, getenv), Aside: func(t *testing.T) []work.Message {
			t.Helper()
			mu.Lock()
			defer mu.Unlock()
			var got received
			s.ask("ReceiveMessage", map[string]any{"QueueUrl": failed, "VisibilityTimeout": 600}, &got)
			for _, m := range got.Messages {
				one, err := work.Decode(m.Body)
				if err != nil {
					t.Fatal(err)
				}
				aside = append(aside, one)
			}
			return aside
		}}
	})
}

// What SQS did not take of a batch is sent again, alone; what it refuses is not.
func TestSendRepeatsWhatWasNotTaken(t *testing.T) {
	var sent [][]string
	refuse := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Entries []struct {
				ID string `json:"Id"`
			}
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		var ids []string
		for _, e := range in.Entries {
			ids = append(ids, e.ID)
		}
		sent = append(sent, ids)
		if refuse {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"AccessDenied"}`)
			return
		}
		if len(sent) == 1 {
			fmt.Fprint(w, `{"Failed":[{"Id":"1","Code":"InternalError"}]}`)
			return
		}
		fmt.Fprint(w, `{}`)
	}))
	t.Cleanup(server.Close)
	q := plain.NewQueue("https://sqs/1/work", "https://sqs/1/failed", func(name string) string {
		return map[string]string{"AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": server.URL}[name]
	})
	m := work.Message{Kind: work.Maintenance, Account: "acme", Time: time.Unix(0, 0).UTC()}
	if err := q.Send(t.Context(), m, m, m); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(sent); got != "[[0 1 2] [1]]" {
		t.Errorf("sent %s", got)
	}
	sent, refuse = nil, true
	if err := q.Send(t.Context(), m); err == nil || len(sent) != 1 {
		t.Errorf("refused, sent %d times: %v", len(sent), err)
	}
}
