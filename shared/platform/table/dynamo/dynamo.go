// Package dynamo keeps the table in DynamoDB.
//
// The table's keys are the strings pk and sk. An item's other attributes are v (its version), d
// (its data, a string of JSON), n_<name> for each count, i1p and i1s, i2p and i2s, i3p and i3s for
// its places in the indexes index1, index2 and index3, and ttl (its expiry, a Unix second).
//
// Retries are here and nowhere else: the SDK's own are switched off. What is worth another attempt
// is repeated after a random wait (full jitter), until it is done, the context ends or the attempts
// are spent.
package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"seatwise/shared/platform/table"
)

// Options are what New may be told. The zero value is right for a function.
type Options struct {
	// OnCall hears of every request after its answer: the API operation and the capacity units that
	// it consumed, 0 when it failed. Only with OnCall are the units asked for. It is called from
	// the goroutine of the caller.
	OnCall func(op string, capacity float64)
	// OnRepeat hears of every attempt to commit that was cancelled for a conflict or for load, and
	// is repeated; nil for nobody.
	OnRepeat func()
	// OnThrottle hears of every attempt of a read or a commit that DynamoDB refused for load, of the
	// table or of an index; nil for nobody.
	OnThrottle func()
	// Attempts is how often a request is made at most; 0 means 16, which takes about five seconds
	// when every attempt fails.
	Attempts int
	// AnswerWithin is how long a request may go without its whole answer before it is given up and
	// made again; 0 means 5 s. DynamoDB answers within a small part of that. But a connection that
	// died while the function was frozen, or whose other side swallows a request, says nothing at
	// all, and the wait would end only with the invocation.
	AnswerWithin time.Duration
}

const (
	defaultAttempts = 16
	// A wait before attempt n+1 is random between 0 and firstWait * 2^(n-1), at most longestWait.
	firstWait   = 10 * time.Millisecond
	longestWait = 800 * time.Millisecond

	defaultAnswerWithin = 5 * time.Second
)

// Store is a table.Store in a DynamoDB table.
type Store struct {
	client  *dynamodb.Client
	table   string
	options Options
}

var _ table.Store = (*Store)(nil)

// New makes a store of the table of this name, which must exist with the keys and indexes that
// EnsureTable makes.
func New(client *dynamodb.Client, tableName string, options Options) *Store {
	if options.Attempts <= 0 {
		options.Attempts = defaultAttempts
	}
	if options.AnswerWithin <= 0 {
		options.AnswerWithin = defaultAnswerWithin
	}
	return &Store{client: client, table: tableName, options: options}
}

// Lookup reads items by key: GetItem for one, BatchGetItem for each hundred of more, strongly
// consistent.
func (s *Store) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	if err := table.ValidKeys(keys); err != nil {
		return nil, err
	}
	found := make(map[table.Key]table.Item, len(keys))
	if len(keys) == 1 {
		return found, s.get(ctx, keys[0], found)
	}
	seen := make(map[table.Key]struct{}, len(keys))
	var part []map[string]types.AttributeValue
	for i, key := range keys {
		if _, twice := seen[key]; !twice { // BatchGetItem refuses a key that comes twice.
			seen[key] = struct{}{}
			part = append(part, keyOf(key))
		}
		if len(part) == table.MaxKeysPerLookup || i == len(keys)-1 && len(part) > 0 {
			if err := s.batchGet(ctx, part, found); err != nil {
				return nil, err
			}
			part = nil
		}
	}
	return found, nil
}

func (s *Store) get(ctx context.Context, key table.Key, found map[table.Key]table.Item) error {
	input := &dynamodb.GetItemInput{
		TableName:              &s.table,
		Key:                    keyOf(key),
		ConsistentRead:         aws.Bool(true),
		ReturnConsumedCapacity: s.measure(),
	}
	return s.repeat(ctx, "GetItem", func(ctx context.Context) (float64, error) {
		out, err := s.client.GetItem(ctx, input, unrepeated)
		if err != nil {
			return 0, err
		}
		if out.Item == nil {
			return units(out.ConsumedCapacity), nil
		}
		item, err := decode(out.Item)
		found[item.Key] = item
		return units(out.ConsumedCapacity), err
	})
}

// errUnprocessed stands for keys that an answer left out because the table is busy.
var errUnprocessed = fmt.Errorf("%w: keys were left unprocessed", table.ErrThrottled)

func (s *Store) batchGet(
	ctx context.Context,
	keys []map[string]types.AttributeValue,
	found map[table.Key]table.Item,
) error {
	for len(keys) > 0 {
		before := len(keys)
		err := s.repeat(ctx, "BatchGetItem", func(ctx context.Context) (float64, error) {
			out, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
				RequestItems: map[string]types.KeysAndAttributes{
					s.table: {Keys: keys, ConsistentRead: aws.Bool(true)},
				},
				ReturnConsumedCapacity: s.measure(),
			}, unrepeated)
			if err != nil {
				return 0, err
			}
			for _, attributes := range out.Responses[s.table] {
				item, err := decode(attributes)
				if err != nil {
					return 0, err
				}
				found[item.Key] = item
			}
			consumed := 0.0
			for i := range out.ConsumedCapacity {
				consumed += units(&out.ConsumedCapacity[i])
			}
			if keys = out.UnprocessedKeys[s.table].Keys; len(keys) == before {
				return consumed, errUnprocessed
			}
			return consumed, nil // Some are there: an answer ends at 16 MB, so the rest may be had at once.
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Query reads one page. It asks for one item more than the page holds, so that Next is empty on the
// last page.
func (s *Store) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := table.ValidQuery(&q); err != nil {
		return table.Page{}, err
	}
	lo, hi, some := q.Range()
	if !some {
		if q.After != "" {
			return table.Page{}, table.ErrCursor
		}
		return table.Page{}, ctx.Err()
	}
	partition, sort := keyNames(q.Index)
	input := &dynamodb.QueryInput{
		TableName: &s.table, Limit: aws.Int32(int32(q.Limit + 1)), ScanIndexForward: aws.Bool(!q.Backwards),
		ReturnConsumedCapacity: s.measure(),
	}
	if q.Index == table.Base {
		input.ConsistentRead = aws.Bool(true)
	} else {
		input.IndexName = aws.String(IndexName(q.Index))
	}
	condition, values := rangeCondition(q, partition, sort, lo, hi)
	input.KeyConditionExpression, input.ExpressionAttributeValues = &condition, values
	if q.After != "" {
		last, base, err := table.DecodeCursor(q)
		if err != nil {
			return table.Page{}, err
		}
		input.ExclusiveStartKey = keyOf(base)
		input.ExclusiveStartKey[partition], input.ExclusiveStartKey[sort] = text(q.Partition), text(last)
	}
	var page table.Page
	for {
		var end bool
		err := s.repeat(ctx, "Query", func(ctx context.Context) (float64, error) {
			out, err := s.client.Query(ctx, input, unrepeated)
			if err != nil {
				return 0, err
			}
			page, end, err = readPage(q, out, hi)
			input.ExclusiveStartKey = out.LastEvaluatedKey
			return units(out.ConsumedCapacity), err
		})
		if err != nil || end || len(page.Items) > 0 {
			return page, err
		}
	}
}

// Scan implements table.Scanner. It asks for pages of DynamoDB's own size, 1 MB, of which only what is
// wanted is sent.
func (s *Store) Scan(
	ctx context.Context, prefixes []string, after table.Key,
) (found []table.Item, next table.Key, err error) {
	input := &dynamodb.ScanInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: s.measure(),
		ExpressionAttributeValues: map[string]types.AttributeValue{},
	}
	wanted := make([]string, len(prefixes))
	for i, prefix := range prefixes {
		name := ":p" + strconv.Itoa(i)
		wanted[i] = "begins_with(" + partitionName + ", " + name + ")"
		input.ExpressionAttributeValues[name] = text(prefix)
	}
	input.FilterExpression = aws.String(strings.Join(wanted, " OR "))
	if after != (table.Key{}) {
		input.ExclusiveStartKey = keyOf(after)
	}
	err = s.repeat(ctx, "Scan", func(ctx context.Context) (float64, error) {
		out, err := s.client.Scan(ctx, input, unrepeated)
		if err != nil {
			return 0, err
		}
		found, next = nil, table.Key{}
		for _, attributes := range out.Items {
			item, err := decode(attributes)
			if err != nil {
				return 0, err
			}
			found = append(found, item)
		}
		if out.LastEvaluatedKey != nil {
			last, err := decode(out.LastEvaluatedKey)
			if err != nil {
				return 0, err
			}
			next = last.Key
		}
		return units(out.ConsumedCapacity), nil
	})
	return found, next, err
}

// rangeCondition demands a sort key in [lo, hi). DynamoDB allows one comparison of it, and BETWEEN
// takes hi in: readPage leaves that out again.
func rangeCondition(q table.Query, partition, sort, lo, hi string) (string, map[string]types.AttributeValue) {
	values := map[string]types.AttributeValue{":p": text(q.Partition)}
	condition := partition + " = :p"
	if lo == q.Prefix && lo != "" && (q.To == "" || hi < q.To) {
		values[":lo"] = text(lo)
		return condition + " AND begins_with(" + sort + ", :lo)", values
	}
	if lo != "" {
		values[":lo"] = text(lo)
	}
	if hi != "" {
		values[":hi"] = text(hi)
	}
	switch {
	case lo != "" && hi != "":
		condition += " AND " + sort + " BETWEEN :lo AND :hi"
	case lo != "":
		condition += " AND " + sort + " >= :lo"
	case hi != "":
		condition += " AND " + sort + " < :hi"
	}
	return condition, values
}

// readPage makes a page of an answer, without the items at hi. end says that nothing follows the
// answer.
func readPage(q table.Query, out *dynamodb.QueryOutput, hi string) (page table.Page, end bool, err error) {
	end = out.LastEvaluatedKey == nil
	more := !end
	size := 0
	for _, attributes := range out.Items {
		item, err := decode(attributes)
		if err != nil {
			return table.Page{}, false, err
		}
		if hi != "" && sortIn(q.Index, item) >= hi {
			if q.Backwards {
				continue
			}
			end, more = true, false
			break
		}
		if len(page.Items) == q.Limit || size > table.MaxPageBytes {
			more = true
			break
		}
		page.Items = append(page.Items, item)
		size += table.Size(item)
	}
	if more && len(page.Items) > 0 {
		last := page.Items[len(page.Items)-1]
		page.Next = table.EncodeCursor(q, sortIn(q.Index, last), last.Key)
	}
	return page, end, nil
}

func sortIn(index table.Index, item table.Item) string {
	if index == table.Base {
		return item.Sort
	}
	return item.IndexKeys[index-1].Sort
}

// unrepeated switches the SDK's own retries off.
func unrepeated(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// once makes one request. The error of one that was given up for want of an answer is worth another
// attempt; that of one whose own context ended is not.
func once[T any](ctx context.Context, limit time.Duration, request func(context.Context) (T, error)) (T, error) {
	limited, stop := context.WithTimeout(ctx, limit)
	defer stop()
	out, err := request(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("no answer within %s: %w", limit, context.DeadlineExceeded)
	}
	return out, err
}

func (s *Store) measure() types.ReturnConsumedCapacity {
	if s.options.OnCall == nil {
		return types.ReturnConsumedCapacityNone
	}
	return types.ReturnConsumedCapacityTotal
}

func units(c *types.ConsumedCapacity) float64 {
	if c == nil {
		return 0
	}
	return aws.ToFloat64(c.CapacityUnits)
}

func (s *Store) heard(op string, capacity float64) {
	if s.options.OnCall != nil {
		s.options.OnCall(op, capacity)
	}
}

// slowed tells whoever wants to hear it that an attempt was refused for load.
func (s *Store) slowed(busy bool) {
	if busy && s.options.OnThrottle != nil {
		s.options.OnThrottle()
	}
}

var (
	throttled = retry.IsErrorThrottles(retry.DefaultThrottles)
	transient = retry.IsErrorRetryables(retry.DefaultRetryables)
)

// repeat makes a read until it succeeds, fails for good, the context ends or the attempts are
// spent.
func (s *Store) repeat(ctx context.Context, op string, read func(context.Context) (float64, error)) error {
	for attempt := 1; ; attempt++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		consumed, err := once(ctx, s.options.AnswerWithin, read)
		s.heard(op, consumed)
		if err == nil {
			return nil
		}
		busy := errors.Is(err, table.ErrThrottled) || throttled.IsErrorThrottle(err).Bool()
		s.slowed(busy)
		if !busy && !transient.IsErrorRetryable(err).Bool() {
			return fmt.Errorf("%s: %w", op, err)
		}
		if attempt == s.options.Attempts || wait(ctx, attempt) != nil {
			if busy {
				return fmt.Errorf("%s: %w: %w", op, table.ErrThrottled, err)
			}
			return fmt.Errorf("%s: %w", op, errors.Join(err, ctx.Err()))
		}
	}
}

// wait sleeps before the next attempt, or returns the context's error when that ends first.
func wait(ctx context.Context, attempt int) error {
	timer := time.NewTimer(mathrand.N(longest(attempt)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func longest(attempt int) time.Duration {
	d := firstWait
	for range attempt - 1 {
		if d *= 2; d >= longestWait {
			return longestWait
		}
	}
	return d
}

// newToken makes a ClientRequestToken.
func newToken() string { return rand.Text() }
