// Package alone puts a function together that needs nothing but itself: no table, no bucket, no
// client. HealthFunction is one. It has what every other wiring begins with, too.
package alone

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/google/uuid"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/edge"
)

// Version is what GET /v1/health answers.
const Version = "0.1.0"

// Clock is the machine's.
func Clock() time.Time { return time.Now() }

// IDs makes UUIDs.
type IDs struct{}

var _ app.IDs = IDs{}

// Random implements app.IDs.
func (IDs) Random() string { return uuid.NewString() }

// Ordered implements app.IDs; within one process the ids ascend strictly.
func (IDs) Ordered() string { return uuid.Must(uuid.NewV7()).String() }

// Start makes a function that needs nothing but itself, and serves the Lambda runtime API with it
// until the process ends.
func Start(build func(*app.Env) app.Function) {
	Serve(func() (*edge.Edge, error) { return alone(os.Getenv, os.Stdout, build) })
}

func alone(getenv func(string) string, out io.Writer, build func(*app.Env) app.Function) (*edge.Edge, error) {
	level, err := LogLevel(getenv)
	if err != nil {
		return nil, err
	}
	log := edge.Logger(out, level)
	env := &app.Env{Clock: Clock, IDs: IDs{}, Log: log, Version: Version}
	return edge.New(
		build(env),
		edge.Options{Name: getenv("AWS_LAMBDA_FUNCTION_NAME"), Clock: Clock, Log: log, Metrics: out},
	), nil
}

// Serve makes the edge of a function, and serves the Lambda runtime API with it until the process
// ends. A function that cannot be made says why on standard output, where the log is, and exits.
func Serve(open func() (*edge.Edge, error)) {
	slog.SetDefault(edge.Logger(os.Stdout, slog.LevelInfo)) // what libraries write becomes lines of JSON too
	e, err := open()
	if err != nil {
		edge.Logger(os.Stdout, slog.LevelInfo).Error("function not started", "error", err)
		os.Exit(1)
	}
	edge.Start(e)
}

// LogLevel is what LOG_LEVEL says, INFO if it is empty.
func LogLevel(getenv func(string) string) (slog.Level, error) {
	var level slog.Level
	if name := getenv("LOG_LEVEL"); name != "" {
		if err := level.UnmarshalText([]byte(name)); err != nil {
			return level, errors.New("LOG_LEVEL is none of DEBUG, INFO, WARN, ERROR")
		}
	}
	return level, nil
}
