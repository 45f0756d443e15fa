package dynamo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"reflect"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"seatwise/shared/platform/table"
)

// Commit carries out all operations in one TransactWriteItems, or none. One put alone that demands
// something of the item goes as a PutItem, which takes half the write units.
//
// The ClientRequestToken of a transaction makes a repeated request harmless: DynamoDB answers it as it
// answered the first, if that took effect. So an attempt whose answer was lost is repeated with the
// same token, and byte for byte the same: the SDK writes maps in an order of chance, and DynamoDB takes
// another order for another request. Where it says so all the same, the token was used, and whether by
// the commit's success is decided by reading what it writes. An attempt that was cancelled for a
// conflict has had no effect and is repeated with a fresh token, unless an earlier one with this
// token is still unanswered. A PutItem has no token. Its condition fails once it has taken effect, so a
// refusal after a lost answer is decided by reading as well.
func (s *Store) Commit(ctx context.Context, ops []table.Operation) error {
	if err := table.ValidCommit(ops); err != nil {
		return err
	}
	r := s.transaction(ops)
	if table.Alone(ops) {
		r = s.put(&ops[0])
	}
	unanswered := false
	for attempt := 1; ; attempt++ {
		if err := ctx.Err(); err != nil && attempt == 1 {
			return err
		}
		consumed, err := once(ctx, s.options.AnswerWithin, r.send)
		s.heard(r.name, consumed)
		if err == nil {
			return nil
		}
		v := r.judge(err)
		s.slowed(errors.Is(v.err, table.ErrThrottled))
		switch {
		case v.outcome == mismatch, v.outcome == denied && unanswered:
			return s.decide(ctx, r.name, ops, err)
		case v.outcome == final, v.outcome == denied:
			return v.err
		case v.outcome == unknown:
			unanswered = true
		}
		if attempt == s.options.Attempts || wait(ctx, attempt) != nil {
			if unanswered {
				return fmt.Errorf("%s, whose outcome is unknown: %w", r.name, errors.Join(err, ctx.Err()))
			}
			return fmt.Errorf("%s: %w", r.name, v.err)
		}
		if v.outcome == cancelled {
			s.cancelled(r, unanswered)
		}
	}
}

// request is a commit as it is sent.
type request struct {
	name  string
	send  func(ctx context.Context) (consumed float64, err error)
	judge func(err error) verdict
	// renew makes another request of it, after one that had no effect.
	renew func()
}

// cancelled prepares another attempt after one that was cancelled.
func (s *Store) cancelled(r request, unanswered bool) {
	if s.options.OnRepeat != nil {
		s.options.OnRepeat()
	}
	if !unanswered {
		r.renew()
	}
}

// transaction makes the request of any number of operations.
func (s *Store) transaction(ops []table.Operation) request {
	input := &dynamodb.TransactWriteItemsInput{
		TransactItems:          make([]types.TransactWriteItem, len(ops)),
		ReturnConsumedCapacity: s.measure(),
		ClientRequestToken:     aws.String(newToken()),
	}
	for i := range ops {
		input.TransactItems[i] = s.write(&ops[i])
	}
	var body fixedBody
	return request{
		name: "TransactWriteItems",
		send: func(ctx context.Context) (consumed float64, err error) {
			out, err := s.client.TransactWriteItems(ctx, input, unrepeated, body.fix)
			if err != nil {
				return 0, err
			}
			for i := range out.ConsumedCapacity {
				consumed += units(&out.ConsumedCapacity[i])
			}
			return consumed, nil
		},
		judge: func(err error) verdict { return judge(err, ops) },
		renew: func() { input.ClientRequestToken, body = aws.String(newToken()), fixedBody{} },
	}
}

// put makes the request of one put that demands something of the item.
func (s *Store) put(op *table.Operation) request {
	var e expression
	e.demand(op.Cond)
	input := &dynamodb.PutItemInput{
		TableName:                 &s.table,
		Item:                      encode(op.Item),
		ConditionExpression:       e.condition(),
		ExpressionAttributeValues: e.values,
		ReturnConsumedCapacity:    s.measure(),
	}
	return request{
		name: "PutItem",
		send: func(ctx context.Context) (consumed float64, err error) {
			out, err := s.client.PutItem(ctx, input, unrepeated)
			if err != nil {
				return 0, err
			}
			return units(out.ConsumedCapacity), nil
		},
		judge: func(err error) verdict { return judgePut(err, op.Item.Key) },
		renew: func() {},
	}
}

// decide ends a commit of which an earlier attempt may have taken effect: its token is known to DynamoDB
// from a request that it takes for another one (tokens are not used twice), or its condition fails
// after an answer was lost. nil says that it took effect; an outcome that cannot be read is an error,
// after which the caller's own record decides.
func (s *Store) decide(ctx context.Context, name string, ops []table.Operation, cause error) error {
	keys := make([]table.Key, len(ops))
	for i := range ops {
		keys[i] = ops[i].Item.Key
	}
	found, err := s.Lookup(ctx, keys...)
	if err == nil && tookEffect(ops, found) {
		return nil
	}
	return fmt.Errorf("%s, whose outcome is unknown: %w", name, errors.Join(cause, err))
}

// tookEffect says whether what was found after a commit proves that it took effect. An item that is
// exactly as the commit puts it, and was not so before, speaks for it; one that is still as the
// commit demanded it speaks against it, for another writer may have put the same there. What others
// did to the items since then says nothing.
func tookEffect(ops []table.Operation, found map[table.Key]table.Item) bool {
	proved := false
	for i := range ops {
		op := &ops[i]
		item, exists := found[op.Item.Key]
		_, versioned := op.Cond.Version()
		if op.Kind != table.KindPut && op.Kind != table.KindDelete || !versioned && !op.Cond.Absent() {
			continue
		}
		if op.Cond.Met(item, exists) {
			return false
		}
		proved = proved || op.Kind == table.KindPut && exists && reflect.DeepEqual(encode(item), encode(op.Item))
	}
	return proved
}

// fixedBody makes repeated requests one and the same, whatever the order in which the SDK writes
// maps.
type fixedBody struct{ bytes []byte }

// fix puts the body of the first request in the place of that of each later one.
func (b *fixedBody) fix(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Build.Add(middleware.BuildMiddlewareFunc("FixedBody", func(
			ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler,
		) (middleware.BuildOutput, middleware.Metadata, error) {
			request, ok := in.Request.(*smithyhttp.Request)
			if !ok {
				return middleware.BuildOutput{}, middleware.Metadata{}, fmt.Errorf("a request of type %T", in.Request)
			}
			if b.bytes == nil {
				first, err := io.ReadAll(request.GetStream())
				if err != nil {
					return middleware.BuildOutput{}, middleware.Metadata{}, err
				}
				b.bytes = first
			}
			request, err := request.SetStream(bytes.NewReader(b.bytes))
			if err != nil {
				return middleware.BuildOutput{}, middleware.Metadata{}, err
			}
			in.Request = request
			return next.HandleBuild(ctx, in)
		}), middleware.Before)
	})
}

// outcome is what an error says about an attempt to commit.
type outcome int

const (
	final     outcome = iota // another attempt would end the same
	cancelled                // without effect, for a conflict or for load; another attempt may succeed
	refused                  // without effect, before there was a transaction
	unknown                  // perhaps with effect
	mismatch                 // the token belongs to an earlier attempt, perhaps with effect
	denied                   // a condition is not met, perhaps since an earlier attempt took effect
)

type verdict struct {
	outcome outcome
	err     error // what Commit returns when this is the last attempt
}

// judge reads the error of one attempt.
func judge(err error, ops []table.Operation) verdict {
	var (
		canceled   *types.TransactionCanceledException
		inProgress *types.TransactionInProgressException
		another    *types.IdempotentParameterMismatchException
	)
	switch {
	case errors.As(err, &canceled):
		return judgeReasons(canceled, ops)
	case errors.As(err, &inProgress):
		return verdict{unknown, err}
	case errors.As(err, &another):
		return verdict{mismatch, err}
	}
	return judgeAny(err, "TransactWriteItems")
}

// judgePut reads the error of one attempt of a single put.
func judgePut(err error, key table.Key) verdict {
	var (
		failed   *types.ConditionalCheckFailedException
		conflict *types.TransactionConflictException
	)
	switch {
	case errors.As(err, &failed):
		return verdict{denied, &table.ConditionError{Failed: []int{0}, Keys: []table.Key{key}}}
	case errors.As(err, &conflict):
		return verdict{cancelled, fmt.Errorf("%w: %w", table.ErrConflict, conflict)}
	}
	return judgeAny(err, "PutItem")
}

// judgeAny reads an error that any request can have.
func judgeAny(err error, name string) verdict {
	switch {
	case throttled.IsErrorThrottle(err).Bool():
		return verdict{refused, fmt.Errorf("%w: %w", table.ErrThrottled, err)}
	case transient.IsErrorRetryable(err).Bool():
		return verdict{unknown, err}
	}
	return verdict{final, fmt.Errorf("%s: %w", name, err)}
}

// judgeReasons weighs the reasons of a cancelled transaction, one for each operation.
//
// An operation in conflict has not had its condition looked at, so a refusal beside a conflict may
// be only half the truth; callers rely on all of it, so that attempt is repeated too. Whatever is
// neither a condition nor a conflict nor load is the program's fault and final.
func judgeReasons(canceled *types.TransactionCanceledException, ops []table.Operation) verdict {
	var (
		failed              table.ConditionError
		conflicts, overload bool
	)
	for i, reason := range canceled.CancellationReasons {
		switch code := aws.ToString(reason.Code); code {
		case "", "None":
		case "ConditionalCheckFailed":
			if i < len(ops) {
				failed.Failed = append(failed.Failed, i)
				failed.Keys = append(failed.Keys, ops[i].Item.Key)
			}
		case "TransactionConflict":
			conflicts = true
		case "ThrottlingError", "ProvisionedThroughputExceeded":
			overload = true
		case "ValidationError", "ItemCollectionSizeLimitExceeded":
			return verdict{
				final,
				&table.LimitError{What: fmt.Sprintf("operation %d: %s: %s", i, code, aws.ToString(reason.Message))},
			}
		default:
			return verdict{final, fmt.Errorf("TransactWriteItems: operation %d: %s: %w", i, code, canceled)}
		}
	}
	switch {
	case conflicts:
		return verdict{cancelled, fmt.Errorf("%w: %w", table.ErrConflict, canceled)}
	case overload:
		return verdict{cancelled, fmt.Errorf("%w: %w", table.ErrThrottled, canceled)}
	case len(failed.Failed) > 0:
		return verdict{final, &failed}
	}
	return verdict{final, fmt.Errorf("TransactWriteItems: cancelled for no reason: %w", canceled)}
}

// write translates one operation.
func (s *Store) write(op *table.Operation) types.TransactWriteItem {
	var e expression
	e.demand(op.Cond)
	switch op.Kind {
	case table.KindPut:
		return types.TransactWriteItem{Put: &types.Put{
			TableName:                 &s.table,
			Item:                      encode(op.Item),
			ConditionExpression:       e.condition(),
			ExpressionAttributeValues: e.values,
		}}
	case table.KindDelete:
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName:                 &s.table,
			Key:                       keyOf(op.Item.Key),
			ConditionExpression:       e.condition(),
			ExpressionAttributeValues: e.values,
		}}
	case table.KindAdd:
		adds := make([]string, len(op.Bound))
		for i, bound := range op.Bound {
			adds[i] = e.add(i, bound)
		}
		return types.TransactWriteItem{Update: &types.Update{
			TableName:                 &s.table,
			Key:                       keyOf(op.Item.Key),
			UpdateExpression:          aws.String("ADD " + strings.Join(adds, ", ")),
			ConditionExpression:       e.condition(),
			ExpressionAttributeNames:  e.names,
			ExpressionAttributeValues: e.values,
		}}
	case table.KindCheck:
	}
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName:                 &s.table,
		Key:                       keyOf(op.Item.Key),
		ConditionExpression:       e.condition(),
		ExpressionAttributeValues: e.values,
	}}
}

// expression collects what an operation demands, with the names and values that stand in it.
type expression struct {
	demands []string
	names   map[string]string
	values  map[string]types.AttributeValue
}

func (e *expression) condition() *string {
	if len(e.demands) == 0 {
		return nil
	}
	return aws.String(strings.Join(e.demands, " AND "))
}

func (e *expression) value(name string, v types.AttributeValue) {
	if e.values == nil {
		e.values = make(map[string]types.AttributeValue)
	}
	e.values[name] = v
}

func (e *expression) demand(c table.Condition) {
	version, versioned := c.Version()
	switch {
	case c.Absent():
		e.demands = append(e.demands, "attribute_not_exists(pk)")
	case c.Present():
		e.demands = append(e.demands, "attribute_exists(pk)")
	case versioned && version == 0: // An item that an add began has no version.
		e.demands = append(e.demands, "attribute_exists(pk)", "(attribute_not_exists(v) OR v = :v)")
		e.value(":v", number(version))
	case versioned:
		e.demands = append(e.demands, "v = :v")
		e.value(":v", number(version))
	}
}

// add demands the i-th bound and returns its part of the ADD clause. The bound is on the count as
// it will be, the expression on the count as it is; a missing count is 0.
func (e *expression) add(i int, bound table.Bound) string {
	n := strconv.Itoa(i)
	name, by := "#"+n, ":b"+n
	if e.names == nil {
		e.names = make(map[string]string)
	}
	e.names[name] = countPrefix + bound.Name
	e.value(by, number(bound.By))
	before := func(after int64) types.AttributeValue { // May leave the 64 bits, which DynamoDB does not mind.
		return &types.AttributeValueMemberN{Value: new(big.Int).Sub(big.NewInt(after), big.NewInt(bound.By)).String()}
	}
	var within []string
	if bound.Min != nil {
		within = append(within, name+" >= :l"+n)
		e.value(":l"+n, before(*bound.Min))
	}
	if bound.Max != nil {
		within = append(within, name+" <= :h"+n)
		e.value(":h"+n, before(*bound.Max))
	}
	if len(within) > 0 {
		demand := strings.Join(within, " AND ")
		if bound.Met(bound.By) {
			demand = "(attribute_not_exists(" + name + ") OR (" + demand + "))"
		}
		e.demands = append(e.demands, demand)
	}
	return name + " " + by
}
