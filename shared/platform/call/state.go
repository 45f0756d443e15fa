package call

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// State says what can be done in an account (requirements, section 15).
type State string

// The states. An account of which nothing else was said is Active.
const (
	Active    State = "active"
	Suspended State = "suspended" // it can be read, not changed
	Closed    State = "closed"    // it is there for operators only
)

// How the state of an account lies in the table, so that every commit can demand it and no item is hot
// (design, decision 7): DynamoDB refuses two transactions at once that only look at the same item. Of an
// active account there is nothing.
const (
	// StoppedShards is over how many items it is spread that an account is not active. Each commit
	// demands that one of them, by chance, is not there.
	StoppedShards = 32
	// ClosedShards is the same of closed accounts: only what goes on in a suspended one demands it.
	ClosedShards = 8
	// CountStopped is the same again, as a count on the items that count seats: a commit that adds to
	// one of these demands it there, which takes neither an operation nor a unit.
	CountStopped = "stopped"
)

// MaxOperations is how many operations a commit of ours may have: one is kept for the account's state.
const MaxOperations = table.MaxOperations - 1

// StoppedKey is one of the items that are there while an account is not active. It says the state.
func StoppedKey(account string, shard int) table.Key {
	return table.Key{Partition: Partition(account, "STATE", fmt.Sprintf("%02d", shard%StoppedShards)), Sort: "STOPPED"}
}

// closedKey is one of the items that are there while an account is closed.
func closedKey(account string, shard int) table.Key {
	return table.Key{Partition: Partition(account, "STATE", fmt.Sprintf("%02d", shard%ClosedShards)), Sort: "CLOSED"}
}

// SeatsPartition is where the kernel of licenses counts seats (docs/data-model.md).
func SeatsPartition(account string) string { return Partition(account, "SEATS") }

type stopped struct {
	State State `json:"state"`
}

// StateOf is the state that an item of StoppedKey tells; without the item the account is active.
func StateOf(item table.Item, found bool) (State, error) {
	if !found {
		return Active, nil
	}
	s, err := Decode[stopped](item)
	return s.State, err
}

// States reads the states of some accounts that are not active.
func States(ctx context.Context, store table.Store, pick func(int) int, accounts ...string) (map[string]State, error) {
	keys, of := make([]table.Key, len(accounts)), map[table.Key]string{}
	for i, account := range accounts {
		keys[i] = StoppedKey(account, pick(StoppedShards))
		of[keys[i]] = account
	}
	states := map[string]State{}
	if len(keys) == 0 {
		return states, nil
	}
	found, err := store.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for key, item := range found {
		if states[of[key]], err = StateOf(item, true); err != nil {
			return nil, err
		}
	}
	return states, nil
}

// Become are the operations by which an account comes from one state to another: in the commit that
// says so of the account itself.
func Become(account string, from, to State) ([]table.Operation, error) {
	var ops []table.Operation
	if from == to {
		return nil, nil
	}
	data, err := Encode(stopped{to})
	if err != nil {
		return nil, err
	}
	write := func(key table.Key, there bool) {
		if there {
			ops = append(ops, table.Put(table.Item{Key: key, Data: data}, table.Always))
			return
		}
		ops = append(ops, table.Delete(key, table.Always))
	}
	for shard := range StoppedShards {
		write(StoppedKey(account, shard), to != Active)
	}
	if from == Closed || to == Closed {
		for shard := range ClosedShards {
			write(closedKey(account, shard), to == Closed)
		}
	}
	by := int64(1)
	if from != Active {
		by = -1
	}
	if from != Active && to != Active {
		return ops, nil
	}
	for shard := range StoppedShards {
		key := table.Key{Partition: SeatsPartition(account), Sort: fmt.Sprintf("#%02d", shard)}
		ops = append(ops, table.Add(key, table.Bound{Name: CountStopped, By: by}))
	}
	return ops, nil
}

// StoppedError refuses what cannot be done in an account that is not active.
type StoppedError struct {
	Account string
	State   State
}

func (e *StoppedError) Error() string { return "account " + e.Account + " is " + string(e.State) }

// Unwrap is what an operator is told; anybody else is told that a closed account is not there.
func (e *StoppedError) Unwrap() error {
	if e.State == Closed {
		return problem.New(problem.AccountClosed, "This account is closed: nothing in it can be changed.")
	}
	return problem.New(problem.WrongState, "This account is suspended: it can be read, not changed.")
}

// Stopped says whether an error is a StoppedError.
func Stopped(err error) bool {
	var stopped *StoppedError
	return errors.As(err, &stopped)
}

// reach is in which states of the account a commit may be carried out.
type reach int

const (
	whileActive reach = iota
	untilClosed
	anyhow
)

func (r reach) allows(s State) bool {
	return s == Active || r == anyhow || r == untilClosed && s == Suspended
}

type reachKey struct{}

func reachOf(ctx context.Context) reach {
	r, _ := ctx.Value(reachKey{}).(reach)
	return r
}

// UntilClosed makes the commits of a context go on in a suspended account: of what is measured, billed
// and reported there, which nobody in the account asks for (decisions, 177).
func UntilClosed(ctx context.Context) context.Context {
	return context.WithValue(ctx, reachKey{}, untilClosed)
}

// Anyhow makes the commits of a context ask for no state: of an operator who changes the account itself.
func Anyhow(ctx context.Context) context.Context { return context.WithValue(ctx, reachKey{}, anyhow) }

// WhileActive takes UntilClosed and Anyhow back.
func WhileActive(ctx context.Context) context.Context {
	return context.WithValue(ctx, reachKey{}, whileActive)
}

// Allowed refuses what the context may not do in an account of this state.
//
// Errors: *StoppedError.
func Allowed(ctx context.Context, account string, s State) error {
	if reachOf(ctx).allows(s) {
		return nil
	}
	return &StoppedError{account, s}
}

// Checked makes a store whose commits demand the state of the account that they belong to, in one
// transaction with what they do: what was decided while the account was active is not done after it was
// suspended. pick chooses by chance, as app.Env.Pick does. It checks once.
//
// A put alone demands nothing: it would become a transaction for it, of four units in the place of one.
// It has no audit entry, so nothing that counts was done by it (design, decision 6): it is a lease, a
// claim, a note of a failure, or a view that was told.
func Checked(store table.Store, pick func(int) int) table.Store {
	if _, already := store.(interface{ StateChecked() }); already || store == nil {
		return store
	}
	return checked{store, pick}
}

// StateChecked says that commits of the store demand the state of their account.
func (checked) StateChecked() {}

// Beneath is the store that a checked one is on, or the store itself.
func Beneath(store table.Store) table.Store {
	if s, ok := store.(checked); ok {
		return s.Store
	}
	return store
}

type checked struct {
	table.Store
	pick func(int) int
}

// Commit implements table.Store.
//
// Errors: *StoppedError, beside those of the store.
func (s checked) Commit(ctx context.Context, ops []table.Operation) error {
	r, account := reachOf(ctx), accountOf(ops)
	if r == anyhow || account == "" || table.Alone(ops) {
		return s.Store.Commit(ctx, ops)
	}
	all, at := s.demanding(r, account, ops)
	err := s.Store.Commit(Anyhow(ctx), all) // a store beneath that checks too demands it no second time
	refused, ok := table.Refused(err)
	if !ok || !slices.Contains(refused.Failed, at) {
		return err
	}
	states, unread := States(ctx, s.Store, s.pick, account)
	if unread != nil {
		return unread
	}
	if state, stopped := states[account]; stopped && !r.allows(state) {
		return &StoppedError{account, state}
	}
	if at < len(ops) { // it was the operation's own condition
		return err
	}
	return table.ErrConflict // it is active again
}

// demanding is a commit that demands the state of its account, and which of its operations does.
func (s checked) demanding(r reach, account string, ops []table.Operation) (all []table.Operation, at int) {
	all = slices.Clone(ops)
	if r == untilClosed {
		return append(all, table.Check(closedKey(account, s.pick(ClosedShards)), table.IfAbsent)), len(ops)
	}
	at = slices.IndexFunc(ops, func(op table.Operation) bool {
		return op.Kind == table.KindAdd && op.Item.Partition == SeatsPartition(account) &&
			strings.HasPrefix(op.Item.Sort, "#") && len(op.Bound) < table.MaxBounds
	})
	if at < 0 {
		return append(all, table.Check(StoppedKey(account, s.pick(StoppedShards)), table.IfAbsent)), len(ops)
	}
	all[at].Bound = append(slices.Clip(ops[at].Bound), table.AtMost(CountStopped, 0, 0))
	return all, at
}

// accountOf is the account that a commit belongs to: every commit is of one; empty for Nowhere.
func accountOf(ops []table.Operation) string {
	for _, op := range ops {
		rest, own := strings.CutPrefix(op.Item.Partition, "A#")
		if account, _, whole := strings.Cut(rest, "#"); own && whole && account != Nowhere {
			return account
		}
	}
	return ""
}
