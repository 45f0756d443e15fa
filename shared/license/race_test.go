package license

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"seatwise/infra/testing/dynamostore"
	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
)

const racers = 24

// onBoth runs a test on both adapters, beside other tests: over a network, races mostly wait.
func onBoth(t *testing.T, test func(t *testing.T, o *office)) {
	t.Parallel()
	t.Run("bolt", func(t *testing.T) { test(t, open(t)) })
	t.Run("dynamo", func(t *testing.T) { test(t, openOn(t, fixtures.On(t, dynamostore.Open(t)))) })
}

// race runs a use case in many goroutines at once, each with a call of its own, and answers their
// errors.
func (o *office) race(run func(i int, c *call.Call) error) []error {
	o.t.Helper()
	calls := make([]*call.Call, racers)
	for i := range calls {
		calls[i] = o.Call(fmt.Sprintf("admin%d", i))
	}
	errs := make([]error, racers)
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() { errs[i] = run(i, calls[i]) })
	}
	all.Wait()
	return errs
}

func wins(t *testing.T, errs []error, slug problem.Slug) int {
	t.Helper()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		wantProblem(t, err, slug)
	}
	return won
}

func TestRaceForTheLastSeats(t *testing.T) { onBoth(t, raceForTheLastSeats) }

func raceForTheLastSeats(t *testing.T, o *office) {
	users := o.staff(racers)
	o.buy("live-reports", 3, "CC-1")
	errs := o.race(func(i int, c *call.Call) error {
		_, err := o.kernel.AssignProduct(o.ctx, c, "live-reports", users[i], "")
		return err
	})
	if won := wins(t, errs, problem.NotEnoughLicenses); won != 3 {
		t.Fatalf("%d won 3 seats", won)
	}
	o.audit(false, true, users...)
}

func TestRaceForOneLicense(t *testing.T) { onBoth(t, raceForOneLicense) }

func raceForOneLicense(t *testing.T, o *office) {
	users := o.staff(racers)
	ids := o.buy("live-reports", 5, "CC-1")
	errs := o.race(func(i int, c *call.Call) error {
		_, err := o.kernel.Assign(o.ctx, c, ids[2], users[i], "")
		return err
	})
	if won := wins(t, errs, problem.LicenseNotAvailable); won != 1 {
		t.Fatalf("%d won one license", won)
	}
	o.audit(false, true, users...)
}

func TestRaceOfOneUser(t *testing.T) { onBoth(t, raceOfOneUser) }

func raceOfOneUser(t *testing.T, o *office) {
	ids := o.buy("live-reports", racers, "CC-1")
	o.hire("Ann")
	errs := o.race(func(i int, c *call.Call) error {
		_, err := o.kernel.Assign(o.ctx, c, ids[i], "ann", "")
		return err
	})
	if won := wins(t, errs, problem.UserAlreadyLicensed); won != 1 {
		t.Fatalf("one user got %d licenses", won)
	}
	o.audit(false, true, "ann")
}

func TestRaceForOneNumber(t *testing.T) { onBoth(t, raceForOneNumber) }

// raceForOneNumber: the users and their extensions differ, so nothing but the number's own item
// keeps it from having two owners.
func raceForOneNumber(t *testing.T, o *office) {
	users := o.staff(racers)
	errs := o.race(func(i int, c *call.Call) error {
		return call.Decide(o.ctx, func(ctx context.Context) error {
			ch := o.kernel.Change(c)
			if _, err := ch.Load(ctx, Need{Users: []string{users[i]}}); err != nil {
				return err
			}
			if err := ch.Extend(ctx, users[i], strconv.Itoa(100+i), "6567891230"); err != nil {
				return err
			}
			return ch.Commit(ctx, call.Answer{})
		})
	})
	if won := wins(t, errs, problem.NumberInUse); won != 1 {
		t.Fatalf("%d users got one number", won)
	}
	o.audit(false, true, users...)
}

func TestRaceOfOneKey(t *testing.T) { onBoth(t, raceOfOneKey) }

func raceOfOneKey(t *testing.T, o *office) {
	users := o.staff(1)
	o.buy("live-reports", racers, "CC-1")
	errs := o.race(func(_ int, c *call.Call) error {
		c.Actor = "admin"
		c.WithKey("key", []byte("body"))
		_, err := o.kernel.AssignProduct(o.ctx, c, "live-reports", users[0], "")
		return err
	})
	won, replayed := 0, 0
	for _, err := range errs {
		var replay *call.Replay
		switch {
		case err == nil:
			won++
		case errors.As(err, &replay) && replay.Status == 200:
			replayed++
		default:
			t.Fatal(err)
		}
	}
	if won != 1 || replayed != racers-1 {
		t.Fatalf("%d did it, %d got the stored answer", won, replayed)
	}
	o.wantCounts("live-reports", "1/24 free 23 waiting 0")
	o.audit(false, true, users...)
}

// TestRaceOfGrantsAndLeavers lets users join and leave a monitored queue while there are too few
// seats: nobody waits while a seat is free, and nobody is forgotten.
func TestRaceOfGrantsAndLeavers(t *testing.T) { onBoth(t, raceOfGrantsAndLeavers) }

func raceOfGrantsAndLeavers(t *testing.T, o *office) {
	users := o.staff(racers)
	o.buy("live-reports", 5, "CC-1")
	errs := o.race(func(i int, c *call.Call) error {
		for turn := range 4 {
			err := call.Decide(o.ctx, func(ctx context.Context) error {
				ch := o.kernel.Change(c)
				if _, err := ch.Load(ctx, Need{Users: users[i : i+1]}); err != nil {
					return err
				}
				verb := ch.Grant
				if turn%2 == 1 {
					verb = ch.Withdraw
				}
				if err := verb(ctx, users[i], "live-reports", QueueGrant("q1")); err != nil {
					return err
				}
				return ch.Commit(ctx, call.Answer{})
			})
			if err != nil {
				return err
			}
			if i%3 == 0 && turn == 2 {
				return nil // every third one stays
			}
		}
		return nil
	})
	o.must(errors.Join(errs...))
	o.wantCounts("live-reports", "5/5 free 0 waiting 3")
	o.audit(false, true, users...)
}

// TestRaceOfEverything lets callers do everything to the same few users and seats at once: each
// answer is a success or a clear refusal, and a recount finds nothing amiss.
func TestRaceOfEverything(t *testing.T) { onBoth(t, raceOfEverything) }

func raceOfEverything(t *testing.T, o *office) {
	users := o.staff(6)
	var ids []string
	for _, product := range propertyBought {
		ids = append(ids, o.buy(product, 3, "CC-1")...)
	}
	const turns = 12
	names := slices.Sorted(maps.Keys(o.anything(nil, nil, nil, nil)))
	errs := o.race(func(i int, c *call.Call) error {
		random := rand.New(rand.NewPCG(uint64(i), 1))
		user := func() string { return users[random.IntN(len(users))] }
		id := func() string { return ids[random.IntN(len(ids))] }
		product := func() string { return propertyAll[random.IntN(len(propertyAll))] }
		for turn := range turns {
			step := *c
			step.At = step.At.Add(time.Duration(i*turns+turn) * time.Millisecond)
			actions := o.anything(&step, user, id, product)
			name := names[random.IntN(len(names))]
			if err := actions[name](); err != nil {
				if _, ok := problem.From(err); !ok {
					return err
				}
			}
		}
		return nil
	})
	o.must(errors.Join(errs...))
	o.overlapped = true
	o.must(o.kernel.DrainWaiting(o.ctx, o.Env, ""))
	o.audit(false, true, users...)
}

// anything is what can be done to users, licenses and products that are chosen when it is done.
func (o *office) anything(c *call.Call, user, id, product func() string) map[string]func() error {
	verb := func(do func(ctx context.Context, ch *UnitOfWork, user string) error) func() error {
		return func() error {
			u := user()
			return call.Decide(o.ctx, func(ctx context.Context) error {
				ch := o.kernel.Change(c)
				if _, err := ch.Load(ctx, Need{Users: []string{u}}); err != nil {
					return err
				}
				if err := do(ctx, ch, u); err != nil {
					return err
				}
				return ch.Commit(ctx, call.Answer{})
			})
		}
	}
	two := func() []Item {
		return []Item{{ProductID: product(), UserID: user()}, {ProductID: product(), UserID: user()}}
	}
	of := func(_ any, err error) error { return err }
	join := func(ctx context.Context, ch *UnitOfWork, u string) error {
		return ch.Grant(ctx, u, "live-reports", QueueGrant("q1"))
	}
	return map[string]func() error{
		"assign":      func() error { return of(o.kernel.Assign(o.ctx, c, id(), user(), "")) },
		"unassign":    func() error { return of(o.kernel.Unassign(o.ctx, c, id())) },
		"reassign":    func() error { return of(o.kernel.Reassign(o.ctx, c, id(), user())) },
		"set add-ons": func() error { return of(o.kernel.SetAddOns(o.ctx, c, id(), []string{"team_chat"})) },
		"assign two":  func() error { return of(o.kernel.AssignMany(o.ctx, c, two(), Each)) },
		"remove two":  func() error { return of(o.kernel.RemoveMany(o.ctx, c, two(), AllOrNone)) },
		"terminate":   func() error { return of(o.kernel.Terminate(o.ctx, c, id())) },
		"deactivate": verb(
			func(ctx context.Context, ch *UnitOfWork, u string) error {
				return ch.Put(ctx, Person{UserID: u, Name: u, Active: false})
			},
		),
		"activate": verb(
			func(ctx context.Context, ch *UnitOfWork, u string) error {
				return ch.Put(ctx, Person{UserID: u, Name: u, Active: true})
			},
		),
		"leave a queue": verb(func(ctx context.Context, ch *UnitOfWork, u string) error {
			return ch.Withdraw(ctx, u, "live-reports", QueueGrant("q1"))
		}),
		"join a queue":       verb(join),
		"join a queue again": verb(join), // twice as likely
	}
}
