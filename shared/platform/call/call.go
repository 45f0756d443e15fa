// Package call is who is asking, why and when, and the one way in which an answer to them is
// committed: a commit carries its own idempotency record and its own audit records (design,
// decision 6).
package call

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

const (
	// remembered is how long an answer is kept for its key.
	remembered = 24 * time.Hour
	// lease is how long a request of several commits may be silent before a repetition takes it
	// over.
	lease = 60 * time.Second
	// decisions is how often Decide looks again at a state that others keep changing.
	decisions = 200
)

// Call is one request, or one event, on behalf of one account. It is used by one goroutine.
type Call struct {
	Env       *app.Env
	Account   string
	Actor     string // user id of the caller, or the name of a function that acts without a caller
	RequestID string
	// Reason says why in words of the product: "request", "queue:detroit",
	// "massConfiguration:0190..., row 7" (requirements, section 4, audit).
	Reason string
	// Operator says that the caller is the provider's, acting in a customer's account
	// (requirements, section 9).
	Operator bool
	// Demands is how many operations the guard of access adds to each commit.
	Demands int
	// cause is who and what began what this call carries on; zero for a call that begins something
	// itself.
	cause Cause
	// At is when the call came, by the clock of whoever received it.
	At time.Time
	// IfMatch is the entity tag that the caller demands, or empty.
	IfMatch string
	// IfNoneMatch is the entity tag that the resource must not have, * for any at all, or empty.
	IfNoneMatch string

	key    *key
	unseen func() // see Unseen; nil when the account is known to be there
	// refused is what refused the last commit; calls that are made Apart share it.
	refused *[]table.Key
}

type key struct {
	item        table.Key
	fingerprint string
	looked      bool
	claimed     bool
	own         bool  // the record is this very request's
	version     int64 // of an expired or claimed record that ours replaces; 0 when there is none
}

// Answer is what a request was told, and what its repetition is told again.
type Answer struct {
	Status int
	Header map[string]string
	// Body is anything that encoding/json takes; nil for no body.
	Body any
}

type record struct {
	Fingerprint string            `json:"fingerprint"`
	Running     int64             `json:"running,omitempty"` // Unix second at which a running request counts as dead
	Status      int               `json:"status,omitempty"`
	Header      map[string]string `json:"header,omitempty"`
	Body        json.RawMessage   `json:"body,omitempty"`
	Pieces      *pieces           `json:"pieces,omitempty"` // of a large body, in its place
}

// Replay is the stored answer of an earlier request with the same key; it travels as an error to
// the edge, which answers with it.
type Replay struct {
	Status int
	Header map[string]string
	Body   json.RawMessage
}

func (r *Replay) Error() string { return "answered before" }

// Partition is the name of a partition of the account: every item and index key of an account
// begins so (invariant I9).
func Partition(account string, parts ...string) string {
	return "A#" + account + "#" + strings.Join(parts, "#")
}

// Spread says which of some parts an id is in, from 0 on, always the same one. It decides where items lie, so it
// never changes; markers have a way of their own (shardOf).
func Spread(id string, parts int) int {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(id)) // it cannot fail
	return int(sum.Sum32() % uint32(parts))
}

// Partition is the name of a partition of the call's account.
func (c *Call) Partition(parts ...string) string { return Partition(c.Account, parts...) }

// ForEvent makes the call of a function that acts without a caller.
func ForEvent(env *app.Env, account, actor, reason string, at time.Time) *Call {
	return &Call{Env: env, Account: account, Actor: actor, RequestID: env.IDs.Ordered(), Reason: reason, At: at.UTC()}
}

// Cause is the person, and the request of theirs, that something follows from automatically
// (requirements, section 4). Pending work, jobs and files carry it, so that every audit entry leads
// back to somebody.
type Cause struct {
	Actor     string `json:"actor" doc:"Who began it: the id of a user, or the name of a schedule that nobody asked."`
	RequestID string `json:"requestId,omitempty" doc:"The request that began it. Log lines name it too."`
}

// Data is the cause as the document of an item.
func (c Cause) Data() []byte {
	data, err := Encode(c)
	if err != nil {
		panic(err) // two strings can always be encoded
	}
	return data
}

// Cause is what follows from this call is to name: what the call carries on, or the call itself.
func (c *Call) Cause() Cause {
	if c.cause != (Cause{}) {
		return c.cause
	}
	return Cause{Actor: c.Actor, RequestID: c.RequestID}
}

// Because makes the call carry on what somebody began. A zero cause changes nothing: a schedule
// begins its work itself.
func (c *Call) Because(cause Cause) *Call {
	c.cause = cause
	return c
}

// Apart is the same call without its key and its If-Match and If-None-Match: for the steps of a
// request of several commits, whose last one stores the answer.
func (c *Call) Apart() *Call {
	if c.refused == nil {
		c.refused = new([]table.Key)
	}
	step := *c
	step.key, step.IfMatch, step.IfNoneMatch = nil, "", ""
	return &step
}

// Foreseen is the same call for a dry run: without its key, since nothing of it is remembered. Its
// commits have room for as much as those of the call.
func (c *Call) Foreseen() *Call {
	step := *c
	step.key, step.refused = nil, nil
	if c.key != nil {
		step.Demands++
	}
	return &step
}

type partsKey struct{}

// InParts marks what a request does in several commits, each of a part of what was asked for: who
// holds it to a plan holds each part to it (requirements, section 12).
func InParts(ctx context.Context) context.Context { return context.WithValue(ctx, partsKey{}, true) }

// Parted says whether the context is one of InParts.
func Parted(ctx context.Context) bool {
	parted, _ := ctx.Value(partsKey{}).(bool)
	return parted
}

// errCondemned refuses every commit of a condemned call.
var errCondemned = errors.New("the request is refused already")

// sealed is a table in which nothing can be changed.
type sealed struct{ table.Store }

// Commit refuses.
func (sealed) Commit(context.Context, []table.Operation) error { return errCondemned }

// Condemned is the same call of which nothing is committed: of a request that is refused already,
// to learn what else is wrong with it.
func (c *Call) Condemned() *Call {
	step, env := *c, *c.Env
	env.Table = sealed{env.Table}
	step.Env, step.key = &env, nil
	return &step
}

// WithKey makes the call repeatable under the client's Idempotency-Key; request is what must be the
// same each time: method, path and body.
func (c *Call) WithKey(idempotencyKey string, request ...[]byte) {
	sum := sha256.New()
	for _, part := range request {
		fmt.Fprintf(sum, "%d:", len(part))
		sum.Write(part)
	}
	name := sha256.Sum256([]byte(c.Actor + "\x00" + idempotencyKey))
	c.key = &key{
		item:        table.Key{Partition: c.Partition("KEY", hex.EncodeToString(name[:])), Sort: "KEY"},
		fingerprint: hex.EncodeToString(sum.Sum(nil)),
	}
}

// Unseen leaves it to the call's first Lookup to find out whether the account is there; seen is
// called when it is.
func (c *Call) Unseen(seen func()) { c.unseen = seen }

// Lookup reads items; the first one of a call with a key looks for its stored answer in the same
// read, and, while the account is unseen, for the account too.
//
// Errors: not-found when the account does not exist; *Replay, idempotency-mismatch,
// idempotency-in-progress; or an error of the table.
func (c *Call) Lookup(ctx context.Context, keys ...table.Key) (map[table.Key]table.Item, error) {
	asked, account := slices.Clone(keys), AccountKey(c.Account)
	besides := c.unseen != nil && !slices.Contains(keys, account)
	if besides {
		asked = append(asked, account)
	}
	first := c.key != nil && !c.key.looked
	if first {
		asked = append(asked, c.key.item)
	}
	if len(asked) == 0 {
		return nil, nil
	}
	found, err := c.Env.Table.Lookup(ctx, asked...)
	if err != nil {
		return nil, err
	}
	if c.unseen != nil {
		if _, ok := found[account]; !ok {
			return nil, problem.NoAccount()
		}
		c.unseen()
		c.unseen = nil
	}
	if besides {
		delete(found, account)
	}
	if first {
		if item, ok := found[c.key.item]; ok {
			if err := c.judge(ctx, item); err != nil {
				return nil, err
			}
			delete(found, c.key.item)
		}
		c.key.looked = true
	}
	return found, nil
}

// Get reads one item like Lookup.
func (c *Call) Get(ctx context.Context, k table.Key) (table.Item, bool, error) {
	found, err := c.Lookup(ctx, k)
	if err != nil {
		return table.Item{}, false, err
	}
	item, ok := found[k]
	return item, ok, nil
}

// Begin looks for a stored answer, and for an unseen account, before anything else is done; a use
// case whose first read is not a Lookup calls it.
//
// Errors: those of Lookup.
func (c *Call) Begin(ctx context.Context) error {
	_, err := c.Lookup(ctx)
	return err
}

// Failed is what a request that failed is told. A repetition that was sent beside the first request
// may have found what that one left, such as another version or nothing at all, before it found its
// answer: the answer counts then, or that the first one is still running.
func (c *Call) Failed(ctx context.Context, err error) error {
	var replay *Replay
	if c.key == nil || c.key.own || !c.key.looked || errors.As(err, &replay) {
		return err // who was refused before the first look may not be allowed to see the answer
	}
	item, found, unread := table.Get(ctx, c.Env.Table, c.key.item)
	if unread != nil || !found {
		return err // it is as true as it was
	}
	if judged := c.judge(ctx, item); judged != nil {
		return judged
	}
	return err
}

// judge decides what an existing record means for this request; nil means that it is dead and may
// be replaced.
func (c *Call) judge(ctx context.Context, item table.Item) error {
	var stored record
	if err := json.Unmarshal(item.Data, &stored); err != nil {
		return fmt.Errorf("idempotency record: %w", err)
	}
	if item.Expires != 0 && item.Expires <= c.At.Unix() {
		c.key.version = item.Version
		return nil
	}
	if stored.Fingerprint != c.key.fingerprint {
		return problem.New(problem.IdempotencyMismatch, "This Idempotency-Key was used for another request.")
	}
	if stored.Running != 0 {
		if stored.Running > c.At.Unix() {
			return problem.New(
				problem.IdempotencyInProgress,
				"The first request with this Idempotency-Key is still running; ask again shortly.",
			)
		}
		if stored.Status == 0 {
			c.key.version = item.Version
			return nil
		}
		if settled, err := c.settle(ctx, item, stored); err != nil || !settled {
			return err
		}
	}
	if stored.Pieces != nil {
		body, err := c.gather(ctx, *stored.Pieces)
		if err != nil {
			return err
		}
		stored.Body = body
	}
	return &Replay{Status: stored.Status, Header: stored.Header, Body: stored.Body}
}

// settle makes an answer that was provided the last one, before anybody is told it: who provided it may
// only be slow, and is refused to make it more precise from then on. Where it was made more precise, or
// is settled, meanwhile, err is what that means for this request, as of judge.
func (c *Call) settle(ctx context.Context, item table.Item, stored record) (settled bool, err error) {
	stored.Running = 0
	data, err := Encode(stored)
	if err != nil {
		return false, err
	}
	last := table.Item{Key: item.Key, Data: data, Expires: item.Expires}
	err = c.Env.Table.Commit(ctx, []table.Operation{table.Put(last, table.IfVersion(item.Version))})
	if _, refused := table.Refused(err); !refused {
		return err == nil, err
	}
	now, found, err := table.Get(ctx, c.Env.Table, item.Key)
	if err != nil || !found {
		return false, err
	}
	return false, c.judge(ctx, now)
}

func (c *Call) recordOperation(r record) (table.Operation, error) {
	r.Fingerprint = c.key.fingerprint
	data, err := Encode(r)
	if err != nil {
		return table.Operation{}, fmt.Errorf("idempotency record: %w", err)
	}
	cond := table.IfAbsent
	if c.key.version != 0 {
		cond = table.IfVersion(c.key.version)
	}
	return table.Put(table.Item{Key: c.key.item, Data: data, Expires: c.At.Add(remembered).Unix()}, cond), nil
}

// Claim marks a request that needs several commits as running: until its lease ends, a repetition
// is told idempotency-in-progress. Effects may be committed with it. Without a key it commits the
// effects alone.
func (c *Call) Claim(ctx context.Context, effects ...table.Operation) error {
	if c.key == nil {
		if len(effects) == 0 {
			return nil
		}
		return c.Env.Table.Commit(ctx, effects)
	}
	op, err := c.recordOperation(record{Running: c.At.Add(lease).Unix()})
	if err != nil {
		return err
	}
	if err := c.commit(ctx, append(effects, op)); err != nil {
		return err
	}
	c.key.version, c.key.claimed, c.key.own = op.Item.Version, true, true
	return nil
}

// Provide carries out the effects and stores an answer that may still be made more precise by
// Commit, within the lease of a claim. Until then a repetition is told idempotency-in-progress;
// when the request dies before, what was provided is its answer, since the effects are there. Once a
// repetition was told it, it is the answer for good.
//
// Errors: those of Commit.
func (c *Call) Provide(ctx context.Context, answer Answer, effects ...table.Operation) error {
	if c.key == nil {
		return c.Commit(ctx, answer, effects...)
	}
	op, err := c.answerOperation(ctx, answer, c.At.Add(lease).Unix())
	if err != nil {
		return err
	}
	if err := c.commit(ctx, append(effects, op)); err != nil {
		return err
	}
	c.key.version, c.key.own = op.Item.Version, true
	return nil
}

// Release ends a claim whose request failed without an effect, so that a repetition may try at
// once. Its own failure does no harm: the lease ends it.
func (c *Call) Release(ctx context.Context) {
	if c.key == nil || !c.key.claimed {
		return
	}
	if err := c.Env.Table.Commit(
		ctx,
		[]table.Operation{table.Delete(c.key.item, table.IfVersion(c.key.version))},
	); err != nil {
		c.Env.Log.WarnContext(ctx, "claim not released", "error", err)
	}
	c.key.claimed, c.key.version, c.key.looked = false, 0, false
}

// Commit carries out the effects, and stores the answer for the call's key with them. Without a key
// and without effects it does nothing.
//
// Errors: *Replay or an idempotency problem when another request with the key was faster; otherwise
// those of table.Store.Commit.
func (c *Call) Commit(ctx context.Context, answer Answer, effects ...table.Operation) error {
	if c.key == nil {
		if len(effects) == 0 {
			return nil
		}
		return c.store(ctx, effects)
	}
	op, err := c.answerOperation(ctx, answer, 0)
	if err != nil {
		return err
	}
	return c.commit(ctx, append(effects, op))
}

// answerOperation stores an answer for the call's key, a large one in pieces that are written
// first. running is the Unix second until which it may still be made more precise, 0 for a last
// answer.
//
// Errors: those of scatter.
func (c *Call) answerOperation(ctx context.Context, answer Answer, running int64) (table.Operation, error) {
	r, err := recordOf(answer)
	if err != nil {
		return table.Operation{}, err
	}
	r.Running = running
	if len(r.Body) > maxInline {
		parts, err := c.scatter(ctx, r.Body)
		if err != nil {
			return table.Operation{}, err
		}
		r.Body, r.Pieces = nil, &parts
	}
	return c.recordOperation(r)
}

// Refused are the keys of the items that refused the call's last commit; none after one that was
// carried out. Who decides again looks at them more closely.
func (c *Call) Refused() []table.Key {
	if c.refused == nil {
		return nil
	}
	return *c.refused
}

// store commits, and keeps what refused the commit.
func (c *Call) store(ctx context.Context, ops []table.Operation) error {
	err := c.Env.Table.Commit(ctx, ops)
	if c.refused == nil {
		c.refused = new([]table.Key)
	}
	if *c.refused = nil; err != nil {
		if refused, ok := table.Refused(err); ok {
			*c.refused = refused.Keys
		}
	}
	return err
}

// recordOf is the record of an answer, without what it is the answer to.
func recordOf(answer Answer) (record, error) {
	r := record{Status: answer.Status, Header: answer.Header}
	if answer.Body == nil {
		return r, nil
	}
	var err error
	if r.Body, err = Encode(answer.Body); err != nil {
		return record{}, fmt.Errorf("stored answer: %w", err)
	}
	return r, nil
}

// Repeatable says whether the call has a key, under which its answer is stored.
func (c *Call) Repeatable() bool { return c.key != nil }

// Stored is a thing as it is stored: with its version, of which its entity tag is made, and whether
// this call has created it.
type Stored[T any] struct {
	Value   T
	Version int64
	Created bool
}

// Answer is the answer with the thing.
func (s Stored[T]) Answer() Answer {
	if s.Created {
		return Made(s.Value, s.Version)
	}
	return Told(s.Value, s.Version)
}

// Told is the answer with a resource, or with what became of a request, and the entity tag that the
// versions make; without versions there is none.
func Told(body any, versions ...int64) Answer {
	answer := Answer{Status: 200, Body: body}
	if len(versions) > 0 {
		answer.Header = map[string]string{"ETag": Tag(versions...)}
	}
	return answer
}

// Made is Told of what the request has made.
func Made(body any, versions ...int64) Answer {
	answer := Told(body, versions...)
	answer.Status = 201
	return answer
}

// Begun is the answer to a request whose work goes on behind it.
func Begun(body any, versions ...int64) Answer {
	answer := Told(body, versions...)
	answer.Status = 202
	return answer
}

// At adds the address of what the answer tells of.
func (a Answer) At(location string) Answer {
	header := map[string]string{"Location": location}
	maps.Copy(header, a.Header)
	a.Header = header
	return a
}

// Gone is the answer to a deletion.
func Gone() Answer { return Answer{Status: 204} }

// Spare is how many operations a commit of this call may have beside the idempotency record and
// what the caller's permission and the account's state demand.
func (c *Call) Spare() int {
	if c.key == nil {
		return MaxOperations - c.Demands
	}
	return MaxOperations - c.Demands - 1
}

// commit turns the loss of a race for the key into the winner's answer.
func (c *Call) commit(ctx context.Context, ops []table.Operation) error {
	err := c.store(ctx, ops)
	refused, ok := table.Refused(err)
	if !ok || !refused.Has(c.key.item) {
		return err
	}
	item, found, getErr := table.Get(ctx, c.Env.Table, c.key.item)
	if getErr != nil {
		return getErr
	}
	if found {
		if judged := c.judge(ctx, item); judged != nil {
			return judged
		}
	}
	return err
}

// Decide runs a use case that reads, decides and commits, and runs it again on the new state
// whenever its commit found the state changed. It is no blind repetition: each run decides afresh.
// Between runs it waits a random moment that grows with the number of runs.
//
// Errors: those of the use case; table.ErrConflict when others kept winning.
func Decide(ctx context.Context, once func(context.Context) error) error {
	for run := range decisions {
		err := once(ctx)
		if _, changed := table.Refused(err); !changed {
			return err
		}
		pause := time.NewTimer(rand.N(time.Millisecond * time.Duration(min(run+1, 20))))
		select {
		case <-ctx.Done():
			pause.Stop()
			return errors.Join(table.ErrConflict, ctx.Err())
		case <-pause.C:
		}
	}
	return table.ErrConflict
}

// Nowhere stands in the place of an account in the audit entries of what belongs to no account,
// such as a dropped file whose key names none. No account can have it as its id; operators read its
// entries.
const Nowhere = "-"

// AuditEntry is one audit record (requirements, section 4): what was done to whom, and how it was
// before and after.
type AuditEntry struct {
	// Action is a verb in the past tense with its module: "license.assigned", "order.placed".
	Action string
	// Subject is the kind of thing, SubjectID its id. A change of a license has Subject "license".
	Subject, SubjectID string
	// User is the person concerned, if there is one; the record can then be found by them.
	User string
	// Reason replaces the call's own, if set: a grant, a file row.
	Reason string
	// Cause is who began, in an earlier call, what this change ends, such as a waiting. A cause that
	// the call itself carries goes before it. Only Audited makes the entry findable by both.
	Cause Cause
	// Before and After are JSON-encodable states; nil for none. They never hold secrets.
	Before, After any
}

// AuditRecord is a stored AuditEntry.
type AuditRecord struct {
	ID        string          `json:"id"`
	At        time.Time       `json:"at"`
	Actor     string          `json:"actor"`
	Action    string          `json:"action"`
	Subject   string          `json:"subject" doc:"Kind and id of what was changed, such as license:0d5c..."`
	User      string          `json:"user,omitempty"`
	Reason    string          `json:"reason"`
	RequestID string          `json:"requestId"`
	Cause     *Cause          `json:"cause,omitempty" doc:"Who and which request began what this followed from automatically. Absent where the actor did it themselves."`
	Operator  bool            `json:"operator,omitempty" doc:"The actor is an operator of the provider."`
	Before    json.RawMessage `json:"before,omitempty"`
	After     json.RawMessage `json:"after,omitempty"`
}

// AuditMoment is the sort key of audit records of one moment: RFC 3339 with nanoseconds of fixed
// width, so that it sorts by time.
func AuditMoment(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000000000Z") }

// Audit makes the operation that writes the change's record. Keys: docs/data-model.md, "Audit".
func (c *Call) Audit(change AuditEntry) (table.Operation, error) {
	r := AuditRecord{
		ID:        c.Env.IDs.Ordered(),
		At:        c.At.UTC(),
		Actor:     c.Actor,
		Action:    change.Action,
		Subject:   change.Subject + ":" + change.SubjectID,
		User:      change.User,
		Reason:    c.Reason,
		RequestID: c.RequestID,
		Operator:  c.Operator,
	}
	if c.cause != (Cause{}) {
		r.Cause = &c.cause
	} else if c.began(change) {
		r.Cause = &change.Cause
	}
	if change.Reason != "" {
		r.Reason = change.Reason
	}
	var err error
	if change.Before != nil {
		if r.Before, err = Encode(change.Before); err != nil {
			return table.Operation{}, fmt.Errorf("audit before: %w", err)
		}
	}
	if change.After != nil {
		if r.After, err = Encode(change.After); err != nil {
			return table.Operation{}, fmt.Errorf("audit after: %w", err)
		}
	}
	data, err := Encode(r)
	if err != nil {
		return table.Operation{}, fmt.Errorf("audit record: %w", err)
	}
	sort := AuditMoment(r.At) + "#" + r.ID
	item := table.Item{
		Key:  table.Key{Partition: c.Partition("AUDIT", change.Subject, change.SubjectID), Sort: sort},
		Data: data,
	}
	if c.Env.AuditDays > 0 {
		item.Expires = r.At.AddDate(0, 0, c.Env.AuditDays).Unix()
	}
	item.IndexKeys[0] = table.Key{Partition: c.Partition("AUDIT"), Sort: sort}
	if change.User != "" {
		item.IndexKeys[1] = table.Key{Partition: c.Partition("AUDIT-OF", change.User), Sort: sort}
	}
	// By a person one finds what they did and what followed from it.
	item.IndexKeys[2] = table.Key{Partition: c.Partition("AUDIT-BY", c.Cause().Actor), Sort: sort}
	return table.Put(item, table.IfAbsent), nil
}

// began says that somebody else, or another request, began what the change ends, and that the call
// carries no other cause.
func (c *Call) began(change AuditEntry) bool {
	return c.cause == (Cause{}) && change.Cause != (Cause{}) && change.Cause != c.Cause()
}

// Audited is Audit of several changes. One that somebody else began has a second place, so that it
// is found by who did it and by who began it: an item is in an index only once.
func (c *Call) Audited(changes ...AuditEntry) ([]table.Operation, error) {
	ops := make([]table.Operation, 0, len(changes))
	for _, change := range changes {
		op, err := c.Audit(change)
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
		if c.began(change) && change.Cause.Actor != c.Actor {
			at := op.Item.IndexKeys[2].Sort
			ops = append(ops, table.Put(table.Item{
				Key:  table.Key{Partition: c.Partition("AUDIT-BEGUN", change.Subject, change.SubjectID), Sort: at},
				Data: op.Item.Data, Expires: op.Item.Expires,
				IndexKeys: [table.Indexes]table.Key{
					2: {Partition: c.Partition("AUDIT-BY", change.Cause.Actor), Sort: at},
				},
			}, table.IfAbsent))
		}
	}
	return ops, nil
}

// Matches checks If-Match and If-None-Match against the versions that make up a resource's entity
// tag (docs/contract.md: 412 when stale). exists is false for a resource that is to be made.
//
// Errors: precondition-failed, with the present tag.
func (c *Call) Matches(exists bool, versions ...int64) error {
	tag := ""
	if exists {
		tag = Tag(versions...)
	}
	return c.MatchesTag(tag)
}

// MatchesTag is Matches with the entity tag itself; it is empty for a resource that is to be made.
//
// Errors: precondition-failed, with the present tag.
func (c *Call) MatchesTag(tag string) error {
	var detail string
	switch {
	case c.IfMatch != "" && !names(c.IfMatch, tag):
		detail = "The resource is not as If-Match demands."
	case c.IfNoneMatch != "" && names(c.IfNoneMatch, tag):
		detail = "The resource is there, which If-None-Match forbids."
	default:
		return nil
	}
	p := problem.New(problem.PreconditionFailed, detail)
	p.Current = tag
	return p
}

// names says whether a header of entity tags names this one; no tag, of a resource that is not
// there, is never named.
func names(header, tag string) bool {
	if tag == "" {
		return false
	}
	if header == "*" {
		return true
	}
	for candidate := range strings.SplitSeq(header, ",") {
		if strings.TrimSpace(candidate) == tag {
			return true
		}
	}
	return false
}

// NextVersion is the version that a thing comes to when the call writes it; exists and version say
// how it was read. What is made begins with the call's moment in milliseconds: a thing that is
// deleted may be made again under its id, and must not come to a version that somebody has read of
// the one before, who would then change what they have never seen.
func (c *Call) NextVersion(exists bool, version int64) int64 {
	if exists {
		return version + 1
	}
	return c.At.UnixMilli()
}

// Put writes a thing on condition that it is as it was read, at its NextVersion: exists and version
// say how it was read.
func (c *Call) Put(item table.Item, exists bool, version int64) table.Operation {
	cond := table.IfAbsent
	if exists {
		cond = table.IfVersion(version)
	}
	op := table.Put(item, cond)
	op.Item.Version = c.NextVersion(exists, version)
	return op
}

// Tag is the entity tag of a resource that is made of items of these versions.
func Tag(versions ...int64) string {
	parts := make([]string, len(versions))
	for i, v := range versions {
		parts[i] = strconv.FormatInt(v, 10)
	}
	return `"` + strings.Join(parts, "-") + `"`
}

// Encode makes an item's document. It leaves <, > and & as they are, like the edge does, so that a
// stored answer is given again to the byte.
func Encode(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// Decode reads an item's document.
func Decode[T any](item table.Item) (T, error) {
	var v T
	if err := json.Unmarshal(item.Data, &v); err != nil {
		return v, fmt.Errorf("item %s: %w", item.Key, err)
	}
	return v, nil
}

// counting is the partition of Index1 that lists the accounts in which something is counted over time.
const counting = "COUNTING"

// Counting is the place in that list of an item which says that licenses, views or people who are
// monitored are to be counted in an account: of its first order, of a role that carries licenses, of a
// dashboard. It is never taken away.
func Counting(account string) table.Key { return table.Key{Partition: counting, Sort: account} }

// Counts says the same by an item of its own, for whoever may be the first without knowing it.
func Counts(account string) table.Operation {
	item := table.Item{
		Key: table.Key{Partition: Partition(account, "COUNTING"), Sort: "COUNTING"}, Data: []byte("{}"),
	}
	item.IndexKeys[0] = Counting(account)
	return table.Put(item, table.Always)
}

// Counted lists the accounts in which something is counted over time, in the order of their ids. It
// reads an index, so one of a moment ago may be missing.
func Counted(ctx context.Context, store table.Store) ([]string, error) {
	var ids []string
	query := table.Query{Index: table.Index1, Partition: counting}
	err := table.All(ctx, store, query, func(item table.Item) error {
		ids = append(ids, item.IndexKeys[0].Sort)
		return nil
	})
	return slices.Compact(ids), err
}

// AccountKey is where an account's own item lies; package account writes it, and every function
// checks that it is there.
func AccountKey(account string) table.Key {
	return table.Key{Partition: Partition(account, "ACCOUNT"), Sort: "ACCOUNT"}
}

// LongestRun is how long a function may run at most: what was decided before is committed by then, or never.
const LongestRun = 15 * time.Minute

// ErasedKey is where it is kept that an account of this id is erased, or about to be: its id is never given
// out again. The key tells nobody which id it was.
func ErasedKey(account string) table.Key {
	sum := sha256.Sum256([]byte(account))
	return table.Key{Partition: Partition(Nowhere, "ERASED", hex.EncodeToString(sum[:])), Sort: "ERASED"}
}
