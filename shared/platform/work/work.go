// Package work is the port by which work of one account is handed on: a schedule finds out what is
// due, and each account's part is done in a turn of its own, so that one account never keeps another
// waiting, nor fails it.
//
// Two adapters answer for it: SQS (shared/platform/wire/plain), and the queue of one machine
// (infra/local/queue). One suite holds both to the same behavior (worktest).
package work

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Kind is what is to be done.
type Kind string

// The kinds.
const (
	// Maintenance finishes what requests and events of the account left behind.
	Maintenance Kind = "maintenance"
	// Aggregation folds the account's views into rollups, and lists its idle seats.
	Aggregation Kind = "aggregation"
)

// Message is one account's part of what a schedule has found to be due.
type Message struct {
	Kind    Kind   `json:"kind"`
	Account string `json:"account"`
	// Time is that of the schedule: what is done takes its time from here, never from the clock.
	Time time.Time `json:"time"`
	// Insist has pieces tried that pause, or were set aside: somebody has mended the cause.
	Insist bool `json:"insist,omitempty"`
	// Marker and Error tell, of work that was set aside, which piece it was and why it failed last.
	Marker string `json:"marker,omitempty"`
	Error  string `json:"error,omitempty"`
}

// Queue hands messages on. Each is delivered at least once, perhaps again, in any order, and beside
// others. One whose work fails comes again after a while, and once it has failed some times it is set
// aside, alone, where an alarm hears of it. It is safe for concurrent use.
//
// Errors: whatever keeps the queue from taking all messages; some of them may have been taken.
type Queue interface {
	// Send hands messages on, any number of them.
	Send(ctx context.Context, messages ...Message) error
	// SetAside puts a message where those are that failed for good.
	SetAside(ctx context.Context, m Message) error
}

// ErrMessage is wrapped when a body is no message.
var ErrMessage = errors.New("not a message about an account's work")

// Encode makes a message's body.
func Encode(m Message) (string, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("message: %w", err)
	}
	return string(body), nil
}

// Decode reads a message's body. Errors wrap ErrMessage.
func Decode(body string) (Message, error) {
	var m Message
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		return m, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	if m.Kind == "" || m.Account == "" || m.Time.IsZero() {
		return m, fmt.Errorf("%w: kind, account or time is missing", ErrMessage)
	}
	m.Time = m.Time.UTC()
	return m, nil
}
