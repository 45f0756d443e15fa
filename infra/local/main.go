// Command local runs all of Seatwise on one machine (api.md, On one machine): every function, route, trigger and schedule of template.yaml, an embedded
// table and an embedded S3 server, with all data in one folder.
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
	"syscall"

	"seatwise/infra/local/runner"
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
		Registry: registry, Out: stdout, Clock: wire.Clock,
		Region: getenv("AWS_REGION"), AccessKey: getenv("AWS_ACCESS_KEY_ID"), SecretKey: getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: getenv("AWS_SESSION_TOKEN"),
	}
	level := slog.LevelInfo
	flags := flag.NewFlagSet("local", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.Addr, "addr", "127.0.0.1:3000", "`address` of the API")
	flags.StringVar(&c.S3Addr, "s3-addr", "127.0.0.1:3001", "`address` of the S3 server")
	flags.StringVar(&c.Data, "data", ".local", "`folder` that keeps all data")
	flags.StringVar(&c.Template, "template", "template.yaml", "`file` that declares functions, routes, triggers and schedules")
	flags.BoolVar(&c.NoSchedules, "no-schedules", false, "leave the template's schedules out")
	flags.StringVar(&c.DynamoDBEndpoint, "dynamodb-endpoint", "", "`URL` of a DynamoDB server to use instead of the embedded store; the table is made if it is missing")
	flags.StringVar(&c.S3Endpoint, "s3-endpoint", "", "`URL` of an S3 server to use instead of the embedded one; the buckets are made if they are missing")
	flags.TextVar(&level, "log-level", level, "DEBUG, INFO, WARN or ERROR")
	if err := flags.Parse(args); err != nil {
		return errors.Join(flag.ErrHelp, err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; see -help", flags.Arg(0))
	}
	c.Log = edge.Logger(stderr, level)
	return runner.Run(ctx, c)
}
