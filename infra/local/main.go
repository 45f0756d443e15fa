// Command local runs all of Seatwise on one machine (contract, On one machine): every function,
// route, trigger and schedule of template.yaml, an embedded table and an embedded S3 server, with
// all data in one folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"seatwise/infra/local/runner"
	"seatwise/infra/registry"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/edge"
	"seatwise/shared/platform/wire"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the next one ends the process at once.
	context.AfterFunc(ctx, stop)
	switch err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "seatwise:", err)
		os.Exit(1)
	}
}

// run serves until the context ends.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	c := runner.Config{
		Functions:    registry.Make,
		Out:          stdout,
		Clock:        wire.Clock,
		Region:       getenv("AWS_REGION"),
		AccessKey:    getenv("AWS_ACCESS_KEY_ID"),
		SecretKey:    getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: getenv("AWS_SESSION_TOKEN"),
	}
	level, from, err := parse(&c, args, stderr)
	if err != nil {
		return err
	}
	c.Log = edge.Logger(stderr, level)
	if from != "" {
		at, err := time.Parse(time.RFC3339, from)
		if err != nil {
			return fmt.Errorf("--clock-from: %w", err)
		}
		moved := &movedClock{behind: time.Since(at)}
		c.Clock, c.MoveClock = moved.now, moved.move
	}
	// What is spooled to disk goes into the data folder, where the next start finds what a kill has
	// left.
	temp, err := filepath.Abs(filepath.Join(c.Data, "tmp"))
	if err != nil {
		return fmt.Errorf("cannot find the data folder: %w", err)
	}
	for _, name := range []string{"TMPDIR", "TMP"} { // the second one is Windows's
		if err := os.Setenv(name, temp); err != nil {
			return fmt.Errorf("cannot name the folder of temporary files: %w", err)
		}
	}
	c.Temp = temp
	c.Ready = func(api string) {
		sayWhere(stderr, api, c.Propose)
	}
	slog.SetDefault(c.Log) // what libraries write to the standard log becomes lines of JSON too
	if err := runner.Run(ctx, c); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "Seatwise has stopped. Its data is in %s, and the next start goes on from there.\n", c.Data)
	return nil
}

// sayWhere says what there is to open, and how to sign in.
func sayWhere(stderr io.Writer, api, propose string) {
	if account, user, ok := strings.Cut(propose, "/"); ok {
		fmt.Fprintf(
			stderr,
			"Open %[1]s/console/%[2]s/ and press Sign in: the form has %[3]s of the account %[2]s in it. "+
				"%[1]s/local/ has what else there is, and Ctrl-C stops it; `make run` serves the same data again.\n",
			api, account, user,
		)
		return
	}
	fmt.Fprintf(
		stderr,
		"Open %[1]s/console/ for the console, and sign in as anybody of any account; %[1]s/local/ has what else there is. "+
			"README.md has a five-minute tour, `make demo` (with the runner stopped) leads into an account with a year of use, and Ctrl-C stops it.\n",
		api,
	)
}

// parse reads the command line into c; from is when a clock of the runner's own begins.
func parse(c *runner.Config, args []string, stderr io.Writer) (level slog.Level, from string, err error) {
	level = slog.LevelInfo
	flags := flag.NewFlagSet("local", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.Addr, "addr", "127.0.0.1:3000", "`address` of the API")
	flags.StringVar(&c.S3Addr, "s3-addr", "127.0.0.1:3001", "`address` of the S3 server")
	flags.StringVar(&c.Data, "data", ".local", "`folder` that keeps all data")
	flags.StringVar(&c.Template, "template", "template.yaml",
		"`file` that declares functions, routes, triggers and schedules")
	flags.BoolVar(&c.NoSchedules, "no-schedules", false, "leave the template's schedules out")
	flags.StringVar(
		&c.DynamoDBEndpoint,
		"dynamodb-endpoint",
		"",
		"`URL` of a DynamoDB server to use instead of the embedded store; the table is made if it is missing",
	)
	flags.StringVar(
		&c.S3Endpoint,
		"s3-endpoint",
		"",
		"`URL` of an S3 server to use instead of the embedded one; the buckets are made if they are missing",
	)
	flags.StringVar(
		&from,
		"clock-from",
		"",
		"`time` at which the runner's clock begins, in RFC 3339; POST /local/clock then moves it on. For infra/demo",
	)
	flags.Uint64Var(
		&c.RequestsPerMinute,
		"requests-per-minute",
		0,
		"`number` of requests of an account that are taken in a minute; 0 for any number",
	)
	flags.Func(
		"allow-origin",
		"`origin` whose pages may call the API from a browser, such as http://localhost:5173; may be given several times",
		func(origin string) error {
			c.AllowedOrigins = append(c.AllowedOrigins, origin)
			return nil
		},
	)
	flags.Func("propose", "`account/user` that the sign-in page has filled in, such as demo/ada", func(who string) error {
		account, user, _ := strings.Cut(who, "/")
		if !auth.ValidID(account) || !auth.ValidUserID(user) {
			return errors.New("it is an account, a slash and a user")
		}
		c.Propose = who
		return nil
	})
	flags.TextVar(&level, "log-level", level, "DEBUG, INFO, WARN or ERROR")
	if err := flags.Parse(args); err != nil {
		return level, "", errors.Join(flag.ErrHelp, err)
	}
	if flags.NArg() > 0 {
		return level, "", fmt.Errorf("unexpected argument %q; see -help", flags.Arg(0))
	}
	return level, from, nil
}

// movedClock is behind the machine's, and only comes nearer to it.
type movedClock struct {
	mu     sync.Mutex
	behind time.Duration
}

func (c *movedClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return wire.Clock().Add(-c.behind)
}

func (c *movedClock) move(to time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	behind := wire.Clock().Sub(to)
	if behind < 0 || behind > c.behind {
		return errors.New("a clock goes on, and no further than the machine's")
	}
	c.behind = behind
	return nil
}
