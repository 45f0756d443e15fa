package dynamo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"seatwise/infra/testing/programs"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/dynamo"
)

// line is the connection to a real DynamoDB API. It carries out a list of faults, one a request,
// and then works.
type line struct {
	mu     sync.Mutex
	faults []fault
	always fault
	seen   []request
}

type request struct {
	op    string
	token string
	body  string
}

// fault answers a request in place of the server, or after it.
type fault func(req *http.Request, body []byte) (*http.Response, error)

func (l *line) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	var input struct{ ClientRequestToken string }
	if err := json.Unmarshal(body, &input); err != nil {
		return nil, err
	}
	_, op, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	l.mu.Lock()
	l.seen = append(l.seen, request{op, input.ClientRequestToken, string(body)})
	now := l.always
	if len(l.faults) > 0 {
		now, l.faults = l.faults[0], l.faults[1:]
	}
	l.mu.Unlock()
	if now != nil {
		return now(req, body)
	}
	return http.DefaultTransport.RoundTrip(req)
}

func answer(req *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status,
		Status:     http.StatusText(status),
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Request:    req,
		Header: http.Header{
			"Content-Type": {"application/x-amz-json-1.0"},
		},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
	}
}

// refuse answers with an error of the API.
func refuse(status int, code string) fault {
	return func(req *http.Request, _ []byte) (*http.Response, error) {
		return answer(req, status,
			fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"said the test"}`, code)), nil
	}
}

// cancel answers that the transaction was cancelled, with a reason for each operation.
func cancel(codes ...string) fault {
	reasons := make([]string, len(codes))
	for i, code := range codes {
		reasons[i] = fmt.Sprintf(`{"Code":%q,"Message":"said the test"}`, code)
	}
	return func(req *http.Request, _ []byte) (*http.Response, error) {
		return answer(req, http.StatusBadRequest, fmt.Sprintf(
			`{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"Transaction cancelled","CancellationReasons":[%s]}`,
			strings.Join(reasons, ","),
		)), nil
	}
}

// lose lets the server do its work and loses the answer.
func lose(req *http.Request, _ []byte) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	return nil, errors.Join(io.ErrUnexpectedEOF, resp.Body.Close())
}

// unreachable never reaches the server.
func unreachable(*http.Request, []byte) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

type faultyStore struct {
	*dynamo.Store
	client *dynamodb.Client
	line   *line
	key    table.Key // free for the test
	// throttles is how often it was refused for load.
	throttles *int
}

// openLine makes a store over a line to a table that the tests below share.
func openLine(t *testing.T, client *dynamodb.Client, name string, attempts int, faults ...fault) *faultyStore {
	t.Helper()
	l := &line{faults: faults}
	o := client.Options()
	o.HTTPClient = &http.Client{Transport: l}
	over := dynamodb.New(o)
	throttles := 0
	return &faultyStore{
		dynamo.New(over, name, dynamo.Options{Attempts: attempts, OnThrottle: func() { throttles++ }}),
		over,
		l,
		table.Key{Partition: t.Name(), Sort: "S"},
		&throttles,
	}
}

func TestCommitUnderFaults(t *testing.T) {
	client, name := newTable(t, programs.DynamoDB(t))
	conflict := cancel("None", "TransactionConflict")
	throttle := refuse(http.StatusBadRequest, "ThrottlingException")
	broken := refuse(http.StatusInternalServerError, "InternalServerError")
	inProgress := refuse(http.StatusBadRequest, "TransactionInProgressException")
	for _, c := range []struct {
		name   string
		faults []fault
		// requests and tokens are how many requests there are, and how many tokens differ among
		// them.
		requests, tokens int
		err              error // nil: the commit takes effect, once
		effect           bool  // with err: the effect is there all the same
	}{
		{name: "none", requests: 1, tokens: 1},
		{name: "an answer lost", faults: []fault{lose}, requests: 2, tokens: 1},
		{name: "answers lost, again and again", faults: []fault{lose, lose, lose}, requests: 4, tokens: 1},
		{name: "no connection", faults: []fault{unreachable, unreachable}, requests: 3, tokens: 1},
		{name: "a fault of the server", faults: []fault{broken}, requests: 2, tokens: 1},
		{name: "throttled", faults: []fault{throttle, throttle}, requests: 3, tokens: 1},
		{
			name: "throughput exceeded", faults: []fault{refuse(400, "ProvisionedThroughputExceededException")},
			requests: 2, tokens: 1,
		},
		{name: "request limit exceeded", faults: []fault{refuse(400, "RequestLimitExceeded")}, requests: 2, tokens: 1},
		{name: "in progress", faults: []fault{inProgress}, requests: 2, tokens: 1},
		{name: "conflicts", faults: []fault{conflict, conflict, conflict}, requests: 4, tokens: 4},
		{name: "an operation throttled", faults: []fault{cancel("ThrottlingError", "None")}, requests: 2, tokens: 2},
		{
			name: "an operation over its throughput", faults: []fault{cancel("None", "ProvisionedThroughputExceeded")},
			requests: 2, tokens: 2,
		},
		{
			name: "conflict and throttling", faults: []fault{cancel("ThrottlingError", "TransactionConflict")},
			requests: 2, tokens: 2,
		},
		{name: "a conflict that may hide success", faults: []fault{lose, conflict, conflict}, requests: 4, tokens: 1},
		{
			name:   "a condition beside a conflict",
			faults: []fault{cancel("ConditionalCheckFailed", "TransactionConflict")}, requests: 2, tokens: 2,
		},

		{
			name: "conflicts to the end", faults: []fault{conflict, conflict, conflict, conflict}, requests: 4,
			tokens: 4, err: table.ErrConflict,
		},
		{
			name: "throttled to the end", faults: []fault{throttle, throttle, throttle, throttle}, requests: 4,
			tokens: 1, err: table.ErrThrottled,
		},
		{
			name: "operations throttled to the end", requests: 4, tokens: 4, err: table.ErrThrottled,
			faults: []fault{
				cancel("None", "ThrottlingError"), cancel("None", "ThrottlingError"),
				cancel("None", "ThrottlingError"), cancel("None", "ThrottlingError"),
			},
		},
		{
			name: "unknown to the end", faults: []fault{unreachable, unreachable, unreachable, unreachable},
			requests: 4, tokens: 1, err: io.ErrUnexpectedEOF,
		},
		{
			name: "conflicts after a lost answer", faults: []fault{lose, conflict, conflict, conflict}, requests: 4,
			tokens: 1, err: errUnknown, effect: true,
		},
		{
			name: "no permission", faults: []fault{refuse(400, "AccessDeniedException")}, requests: 1, tokens: 1,
			err: errAny,
		},
		{
			name: "an operation that is invalid", faults: []fault{cancel("None", "ValidationError")}, requests: 1,
			tokens: 1, err: errLimit,
		},
		{name: "an unheard-of reason", faults: []fault{cancel("None", "Whim")}, requests: 1, tokens: 1, err: errAny},
		{name: "no reason at all", faults: []fault{cancel("None", "None")}, requests: 1, tokens: 1, err: errAny},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openLine(t, client, name, 4, c.faults...)
			other := table.Key{Partition: t.Name(), Sort: "other"}
			err := s.Commit(t.Context(), []table.Operation{
				table.Put(table.Item{Key: other}, table.IfAbsent),
				table.Add(s.key, table.Bound{Name: "n", By: 1}),
			})
			checkError(t, err, c.err)
			tokens := make(map[string]bool)
			for _, r := range s.line.seen {
				tokens[r.token] = true
			}
			if len(s.line.seen) != c.requests || len(tokens) != c.tokens || tokens[""] {
				t.Errorf("requests %v, want %d with %d tokens", s.line.seen, c.requests, c.tokens)
			}
			item, _, err := table.Get(t.Context(), s, s.key)
			if err != nil {
				t.Fatal(err)
			}
			want := int64(1)
			if c.err != nil && !c.effect {
				want = 0
			}
			if got := item.Counts["n"]; got != want {
				t.Errorf("it took effect %d times, want %d", got, want)
			}
		})
	}
}

// A repeated transaction is the same to the byte. DynamoDB takes one whose members stand in another
// order for another transaction, and the SDK writes them in an order of chance.
func TestRepeatedToTheByte(t *testing.T) {
	client, name := newTable(t, programs.DynamoDB(t))
	s := openLine(t, client, name, 8, lose, lose, unreachable, lose, lose)
	counts := map[string]int64{}
	for i := range 12 {
		counts[fmt.Sprintf("count-%02d", i)] = int64(i)
	}
	err := s.Commit(t.Context(), []table.Operation{
		table.Put(table.Item{Key: s.key, Counts: counts}, table.IfAbsent),
		table.Check(table.Key{Partition: t.Name(), Sort: "other"}, table.IfAbsent),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.line.seen {
		if r.body != s.line.seen[0].body {
			t.Errorf("a transaction was repeated as %s, first it was %s", r.body, s.line.seen[0].body)
		}
	}
	if len(s.line.seen) != 6 {
		t.Errorf("%d requests, want 6", len(s.line.seen))
	}
}

// A transaction that DynamoDB takes for another one under the same token is decided by reading what
// it wrote.
func TestDecidedByReading(t *testing.T) {
	client, name := newTable(t, programs.DynamoDB(t))
	mismatch := refuse(http.StatusBadRequest, "IdempotentParameterMismatchException")
	for _, c := range []struct {
		name   string
		faults []fault
		// meanwhile is what another writer commits between the lost answer and the repetition.
		meanwhile func(s *faultyStore, record table.Key) []table.Operation
		known     bool
		effect    int64
	}{
		{name: "it is there", faults: []fault{lose, mismatch}, known: true, effect: 1},
		{
			name:   "it is there, and reading is disturbed",
			faults: []fault{lose, mismatch, refuse(500, "InternalServerError"), lose}, known: true, effect: 1,
		},
		{
			name:   "it is there, and one of its items was changed since",
			faults: []fault{lose, nil, mismatch},
			known:  true,
			effect: 1,
			meanwhile: func(s *faultyStore, _ table.Key) []table.Operation {
				return []table.Operation{table.Put(table.Item{Key: s.key, Counts: map[string]int64{"n": 1}},
					table.IfVersion(2))}
			},
		},
		{name: "it is not there", faults: []fault{unreachable, mismatch}},
		{
			name: "another one put the same, but not all of it", faults: []fault{unreachable, nil, mismatch}, effect: 1,
			meanwhile: func(s *faultyStore, _ table.Key) []table.Operation {
				return []table.Operation{table.Put(table.Item{Key: s.key, Counts: map[string]int64{"n": 1}},
					table.IfVersion(1))}
			},
		},
		{
			name: "nothing of it is left to be read", faults: []fault{lose, nil, mismatch}, effect: 1,
			meanwhile: func(s *faultyStore, record table.Key) []table.Operation {
				return []table.Operation{
					table.Put(table.Item{Key: s.key, Counts: map[string]int64{"n": 1}}, table.IfVersion(2)),
					table.Delete(record, table.IfPresent),
				}
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openLine(t, client, name, 4)
			record := table.Key{Partition: t.Name(), Sort: "record"}
			if err := s.Commit(t.Context(),
				[]table.Operation{table.Put(table.Item{Key: s.key}, table.IfAbsent)}); err != nil {
				t.Fatal(err)
			}
			s.line.faults = c.faults
			if c.meanwhile != nil {
				other := dynamo.New(client, name, dynamo.Options{})
				s.line.faults[1] = func(req *http.Request, _ []byte) (*http.Response, error) {
					if err := other.Commit(req.Context(), c.meanwhile(s, record)); err != nil {
						t.Error(err)
					}
					return nil, io.ErrUnexpectedEOF
				}
			}
			err := s.Commit(t.Context(), []table.Operation{
				table.Put(table.Item{Key: s.key, Counts: map[string]int64{"n": 1}}, table.IfVersion(1)),
				table.Put(table.Item{Key: record, Data: []byte(`{"who":"ada"}`)}, table.IfAbsent),
				table.Add(table.Key{Partition: t.Name(), Sort: "sum"}, table.Bound{Name: "n", By: 1}),
			})
			if c.known && err != nil || !c.known && (err == nil || !strings.Contains(err.Error(), "unknown")) {
				t.Errorf("got %v, want it known to be there: %t", err, c.known)
			}
			item, _, err := table.Get(t.Context(), s, s.key)
			if err != nil {
				t.Fatal(err)
			}
			if item.Counts["n"] != c.effect {
				t.Errorf("the item has n = %d, want %d", item.Counts["n"], c.effect)
			}
		})
	}
}

// What an error must be when no one value says it.
var (
	errAny     = errors.New("any other error")
	errLimit   = errors.New("a LimitError")
	errUnknown = errors.New("an unknown outcome")
)

func checkError(t *testing.T, err, want error) {
	t.Helper()
	var limit *table.LimitError
	_, refused := table.Refused(err)
	known := errors.As(err, &limit) || refused || errors.Is(err, table.ErrConflict) ||
		errors.Is(err, table.ErrThrottled)
	ok := false
	switch {
	case errors.Is(want, errAny):
		ok = err != nil && !known
	case errors.Is(want, errUnknown):
		ok = err != nil && !known && strings.Contains(err.Error(), "unknown")
	case errors.Is(want, errLimit):
		ok = errors.As(err, &limit)
	default:
		ok = errors.Is(err, want)
	}
	if !ok {
		t.Errorf("got %v, want %v", err, want)
	}
}

// TestRefusalBesideConflict is told of one refusal and a conflict first, and of all refusals when
// it asks again.
func TestRefusalBesideConflict(t *testing.T) {
	client, name := newTable(t, programs.DynamoDB(t))
	s := openLine(t, client, name, 4, cancel("ConditionalCheckFailed", "TransactionConflict", "None"))
	err := s.Commit(t.Context(), []table.Operation{
		table.Put(table.Item{Key: s.key}, table.IfPresent),
		table.Check(table.Key{Partition: t.Name(), Sort: "2"}, table.IfPresent),
		table.Put(table.Item{Key: table.Key{Partition: t.Name(), Sort: "3"}}, table.IfAbsent),
	})
	refused, ok := table.Refused(err)
	if !ok || fmt.Sprint(refused.Failed) != "[0 1]" {
		t.Errorf("got %v, want a refusal of operations 0 and 1", err)
	}
	if len(s.line.seen) != 2 {
		t.Errorf("%d requests, want 2", len(s.line.seen))
	}
}

// A put alone takes effect once, whatever happens to its answers, and its refusal is told only when it
// cannot have been its own effect that refuses it.
func TestPutAloneUnderFaults(t *testing.T) {
	client, name := newTable(t, programs.DynamoDB(t))
	conflict := refuse(http.StatusBadRequest, "TransactionConflictException")
	denied := refuse(http.StatusBadRequest, "ConditionalCheckFailedException")
	throttle := refuse(http.StatusBadRequest, "ThrottlingException")
	for _, c := range []struct {
		name     string
		faults   []fault
		there    bool // another's item, before the first attempt
		replaced bool // by another's put, between a lost answer and the repetition
		requests int  // PutItem alone
		err      error
		refused  bool
	}{
		{name: "none", requests: 1},
		{name: "an answer lost", faults: []fault{lose}, requests: 2},
		{name: "answers lost, again and again", faults: []fault{lose, lose, lose}, requests: 4},
		{name: "no connection", faults: []fault{unreachable, unreachable}, requests: 3},
		{name: "conflicts", faults: []fault{conflict, conflict, conflict}, requests: 4},
		{name: "throttled", faults: []fault{throttle, throttle}, requests: 3},
		{name: "a fault of the server", faults: []fault{refuse(500, "InternalServerError")}, requests: 2},
		{name: "a conflict after a lost answer", faults: []fault{lose, conflict}, requests: 3},
		{name: "somebody else's item", there: true, requests: 1, refused: true},
		{
			name: "somebody else's item, after no connection", faults: []fault{unreachable}, there: true, requests: 2,
			err: errUnknown,
		},
		{name: "replaced since", faults: []fault{lose, denied}, replaced: true, requests: 2, err: errUnknown},
		{
			name: "conflicts to the end", faults: []fault{conflict, conflict, conflict, conflict}, requests: 4,
			err: table.ErrConflict,
		},
		{
			name: "throttled to the end", faults: []fault{throttle, throttle, throttle, throttle}, requests: 4,
			err: table.ErrThrottled,
		},
		{name: "no permission", faults: []fault{refuse(400, "AccessDeniedException")}, requests: 1, err: errAny},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openLine(t, client, name, 4, c.faults...)
			other := dynamo.New(client, name, dynamo.Options{})
			theirs := table.Put(table.Item{Key: s.key, Data: []byte(`{"who":"bob"}`)}, table.IfAbsent)
			if c.there {
				if err := other.Commit(t.Context(), []table.Operation{theirs}); err != nil {
					t.Fatal(err)
				}
			}
			if c.replaced {
				s.line.faults[1] = func(req *http.Request, body []byte) (*http.Response, error) {
					theirs.Cond = table.IfVersion(1)
					if err := other.Commit(req.Context(), []table.Operation{theirs}); err != nil {
						t.Error(err)
					}
					return denied(req, body)
				}
			}
			err := s.Commit(t.Context(), []table.Operation{
				table.Put(table.Item{Key: s.key, Data: []byte(`{"who":"ada"}`)}, table.IfAbsent),
			})
			if _, refused := table.Refused(err); refused != c.refused {
				t.Errorf("got %v, want it refused: %t", err, c.refused)
			} else if !refused {
				checkError(t, err, c.err)
			}
			puts := 0
			for _, r := range s.line.seen {
				if r.op == "PutItem" {
					puts++
				}
			}
			if puts != c.requests {
				t.Errorf("requests %v, want %d", s.line.seen, c.requests)
			}
		})
	}
}

// TestDeadline ends the context while the store waits for its next attempt.
func TestDeadline(t *testing.T) {
	client, name := newTable(t, programs.DynamoDB(t))
	for what, c := range map[string]struct {
		fault fault
		err   error
	}{
		"conflict": {cancel("TransactionConflict"), table.ErrConflict},
		"throttle": {refuse(400, "ThrottlingException"), table.ErrThrottled},
		"unknown":  {unreachable, context.DeadlineExceeded},
	} {
		t.Run(what, func(t *testing.T) {
			s := openLine(t, client, name, 1_000_000)
			s.line.always = c.fault
			ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer stop()
			begin := time.Now()
			err := s.Commit(ctx, []table.Operation{table.Put(table.Item{Key: s.key}, table.IfPresent)})
			if !errors.Is(err, c.err) {
				t.Errorf("commit: got %v, want %v", err, c.err)
			}
			if took := time.Since(begin); took > 3*time.Second {
				t.Errorf("it took %s to give up", took)
			}
			if n := len(s.line.seen); n < 3 || n > 1000 {
				t.Errorf("%d attempts in 300 ms", n)
			}
		})
	}
}

// TestSilence has requests that are never answered, carried out or not, as on a connection that
// died while the function was frozen. They are given up and made again, long before the invocation
// ends; none has its effect twice.
func TestSilence(t *testing.T) {
	client, name := newTable(t, programs.DynamoDB(t))
	lost := func(req *http.Request, _ []byte) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	unanswered := func(req *http.Request, body []byte) (*http.Response, error) {
		if _, err := lose(req.WithContext(t.Context()), body); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
		return lost(req, body)
	}
	for what, silent := range map[string]fault{"lost": lost, "unanswered": unanswered} {
		t.Run(what, func(t *testing.T) {
			s := openLine(t, client, name, 4, silent, nil, silent, nil, silent)
			s.Store = dynamo.New(s.client, name, dynamo.Options{AnswerWithin: 500 * time.Millisecond})
			ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
			defer stop()
			if err := s.Commit(ctx, []table.Operation{table.Add(s.key, table.Bound{Name: "n", By: 1})}); err != nil {
				t.Error(err)
			}
			item, _, err := table.Get(ctx, s, s.key)
			if err != nil || item.Counts["n"] != 1 {
				t.Errorf("got %d, %v, want that it took effect once", item.Counts["n"], err)
			}
			if page, err := s.Query(ctx, table.Query{Partition: s.key.Partition}); err != nil || len(page.Items) != 1 {
				t.Errorf("got %d items, %v", len(page.Items), err)
			}
			if len(s.line.seen) != 6 {
				t.Errorf("requests %v, want each of three made twice", s.line.seen)
			}
		})
	}
	// To the end, it is a store that is too busy, and not one that is broken.
	s := openLine(t, client, name, 2)
	s.line.always = lost
	s.Store = dynamo.New(s.client, name, dynamo.Options{Attempts: 2, AnswerWithin: 50 * time.Millisecond})
	if _, err := s.Lookup(t.Context(), s.key); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestReadsUnderFaults(t *testing.T) {
	client, name := newTable(t, programs.DynamoDB(t))
	var keys []table.Key
	s := openLine(t, client, name, 4)
	for i := range 30 {
		keys = append(keys, table.Key{Partition: t.Name(), Sort: fmt.Sprintf("%02d", i)})
		err := s.Commit(t.Context(), []table.Operation{table.Put(table.Item{Key: keys[i]}, table.Always)})
		if err != nil {
			t.Fatal(err)
		}
	}
	reads := map[string]func(s table.Store) (int, error){
		"GetItem": func(s table.Store) (int, error) {
			found, err := s.Lookup(t.Context(), keys[0])
			return 29 + len(found), err
		},
		"BatchGetItem": func(s table.Store) (int, error) {
			found, err := s.Lookup(t.Context(),
				keys...)
			return len(found), err
		},
		"Query": func(s table.Store) (int, error) {
			page, err := s.Query(t.Context(), table.Query{Partition: t.Name()})
			return len(page.Items), err
		},
	}
	throttle := refuse(http.StatusBadRequest, "ProvisionedThroughputExceededException")
	for op, read := range reads {
		for what, c := range map[string]struct {
			faults   []fault
			requests int
			err      error
		}{
			"lost":                 {[]fault{lose, lose}, 3, nil},
			"throttled":            {[]fault{throttle, throttle, throttle}, 4, nil},
			"broken":               {[]fault{refuse(500, "InternalServerError")}, 2, nil},
			"throttled to the end": {[]fault{throttle, throttle, throttle, throttle}, 4, table.ErrThrottled},
			"lost to the end":      {[]fault{lose, lose, lose, lose}, 4, io.ErrUnexpectedEOF},
			"no permission":        {[]fault{refuse(400, "AccessDeniedException")}, 1, errAny},
		} {
			t.Run(op+"/"+what, func(t *testing.T) {
				s := openLine(t, client, name, 4, c.faults...)
				n, err := read(s)
				checkError(t, err, c.err)
				if err == nil && n != len(keys) {
					t.Errorf("%d items, want %d", n, len(keys))
				}
				if len(s.line.seen) != c.requests || s.line.seen[0].op != op {
					t.Errorf("requests %v, want %d of %s", s.line.seen, c.requests, op)
				}
			})
		}
	}

	// Unprocessed keys are asked for again: at once while there is progress, with waits and an end
	// when there is none.
	s = openLine(t, client, name, 4, unprocessed(1), unprocessed(10), unprocessed(0), unprocessed(5))
	if found, err := s.Lookup(t.Context(), keys...); err != nil || len(found) != len(keys) || len(s.line.seen) != 5 {
		t.Errorf("unprocessed keys: got %d, %v after %d requests; want %d after 5", len(found), err,
			len(s.line.seen), len(keys))
	}
	s = openLine(t, client, name, 4)
	s.line.always = unprocessed(0)
	if _, err := s.Lookup(t.Context(), keys...); !errors.Is(err, table.ErrThrottled) || len(s.line.seen) != 4 {
		t.Errorf("nothing processed: got %v after %d requests, want ErrThrottled after 4", err, len(s.line.seen))
	}
}

// TestThrottlesAreHeard counts what was refused for load, of a read, a put and a transaction, whether
// another attempt succeeded or not; what failed otherwise is none.
func TestThrottlesAreHeard(t *testing.T) {
	client, name := newTable(t, programs.DynamoDB(t))
	throttle := refuse(http.StatusBadRequest, "ProvisionedThroughputExceededException")
	busy := cancel("None", "ThrottlingError")
	doings := map[string]func(*faultyStore) error{
		"Get": func(s *faultyStore) error { _, _, err := table.Get(t.Context(), s, s.key); return err },
		"Put": func(s *faultyStore) error {
			return s.Commit(t.Context(), []table.Operation{table.Put(table.Item{Key: s.key}, table.Always)})
		},
		"transaction": func(s *faultyStore) error {
			other := table.Key{Partition: t.Name(), Sort: "other"}
			return s.Commit(t.Context(), []table.Operation{
				table.Put(table.Item{Key: s.key}, table.Always), table.Put(table.Item{Key: other}, table.Always),
			})
		},
	}
	type tried struct {
		faults []fault
		want   int
	}
	each := []tried{
		{nil, 0},
		{[]fault{throttle, throttle}, 2},
		{[]fault{unreachable, throttle}, 1},
		{[]fault{throttle, throttle, throttle, throttle}, 4}, // to the end
		{[]fault{refuse(http.StatusInternalServerError, "InternalServerError")}, 0},
	}
	for what, do := range doings {
		cases := each
		if what == "transaction" {
			conflict := cancel("TransactionConflict", "None")
			cases = append(cases, tried{[]fault{busy, busy}, 2}, tried{[]fault{conflict}, 0})
		}
		for i, c := range cases {
			s := openLine(t, client, name, 4, c.faults...)
			if err := do(s); err != nil && !errors.Is(err, table.ErrThrottled) {
				t.Errorf("%s, case %d: %v", what, i, err)
			}
			if *s.throttles != c.want {
				t.Errorf("%s, case %d: %d throttles are heard, want %d", what, i, *s.throttles, c.want)
			}
		}
	}
}

// unprocessed answers a BatchGetItem for the first n keys only and names the others as unprocessed.
func unprocessed(n int) fault {
	return func(req *http.Request, body []byte) (*http.Response, error) {
		var input struct {
			RequestItems map[string]struct {
				Keys           []map[string]map[string]string
				ConsistentRead bool
			}
		}
		if err := json.Unmarshal(body, &input); err != nil {
			return nil, err
		}
		output := map[string]any{}
		for name, wanted := range input.RequestItems {
			output["Responses"] = map[string]any{name: wanted.Keys[:n]} // The items are no more than their keys.
			wanted.Keys = wanted.Keys[n:]
			output["UnprocessedKeys"] = map[string]any{name: wanted}
		}
		text, err := json.Marshal(output)
		if err != nil {
			return nil, err
		}
		return answer(req, http.StatusOK, string(text)), nil
	}
}

func TestOnCall(t *testing.T) {
	client, name := newTable(t, programs.DynamoDB(t))
	var heard []string
	s := dynamo.New(client, name, dynamo.Options{OnCall: func(op string, capacity float64) {
		heard = append(heard, op)
		if capacity < 1 { // What exactly is the server's affair.
			t.Errorf("%s consumed %g units", op, capacity)
		}
	}})
	key := table.Key{Partition: t.Name(), Sort: "S"}
	other := table.Key{Partition: t.Name(), Sort: "T"}
	if err := s.Commit(t.Context(), []table.Operation{
		table.Put(table.Item{Key: key, Data: []byte(`{}`)}, table.IfAbsent), table.Check(other, table.IfAbsent),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lookup(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lookup(t.Context(), key, other); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Query(t.Context(), table.Query{Partition: t.Name()}); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(heard, ", "), "TransactWriteItems, GetItem, BatchGetItem, Query"; got != want {
		t.Errorf("heard %s, want %s", got, want)
	}
}

func TestEnsureTable(t *testing.T) {
	client, name := newTable(t, programs.DynamoDB(t))
	if err := dynamo.EnsureTable(t.Context(), client, name); err != nil {
		t.Errorf("the second time: %v", err)
	}
	ttl, err := client.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err != nil || ttl.TimeToLiveDescription == nil || ttl.TimeToLiveDescription.AttributeName == nil ||
		*ttl.TimeToLiveDescription.AttributeName != "ttl" {
		t.Errorf("expiry: got %+v, %v", ttl, err)
	}
	missing := dynamo.New(client, name+"-none", dynamo.Options{})
	if _, err := missing.Lookup(t.Context(), table.Key{Partition: "P", Sort: "S"}); err == nil ||
		!strings.Contains(err.Error(), "ResourceNotFound") {
		t.Errorf("a table that is not there: got %v", err)
	}
}

// TestEnsureTableOfOthers finds a table of the same name that is not Seatwise's.
func TestEnsureTableOfOthers(t *testing.T) {
	c := client(programs.DynamoDB(t))
	name := tableName()
	input := &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS},
		},
	}
	if _, err := c.CreateTable(t.Context(), input); err != nil {
		t.Fatal(err)
	}
	dropAtEnd(t, c, name)
	err := dynamo.EnsureTable(t.Context(), c, name)
	if err == nil ||
		!strings.Contains(err.Error(), "not a table of Seatwise") {
		t.Errorf("got %v, want it refused", err)
	}
}
