// Command restore takes one account back to a moment: it makes its items in the table in use what they
// are in a table that was restored to that moment (docs/operations.md, "Restoring").
//
//	go run ./infra/restore --account acme --from seatwise-restored --to seatwise-Table-1 --by olga --why "ticket 4711"
//
// The tables are DynamoDB's, reached with AWS_REGION and AWS_ACCESS_KEY_ID and those that go with it, or
// files of one machine, whose names end with .bolt and which no runner has open.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/table/dynamo"
	"seatwise/shared/platform/wire/alone"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "restore:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, getenv func(string) string, out io.Writer) error {
	flags := flag.NewFlagSet("restore", flag.ContinueOnError)
	var t task
	flags.StringVar(&t.account, "account", "", "id of the account, which is closed")
	from := flags.String("from", "", "table that was restored to the moment, or a copy of a file of one machine (*.bolt)")
	to := flags.String("to", "", "table that is in use, or the file of one machine (*.bolt)")
	flags.StringVar(&t.by, "by", "", "who takes it back, for the audit log")
	flags.StringVar(&t.why, "why", "", "reason, for the audit log")
	flags.BoolVar(&t.try, "try", false, "only count what would be put back and removed")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	for _, given := range []string{t.account, *from, *to, t.by, t.why} {
		if given == "" {
			return errors.New("--account, --from, --to, --by and --why are all needed; --help tells what they are")
		}
	}
	restored, done, err := open(*from, getenv)
	if err != nil {
		return err
	}
	defer done()
	inUse, done, err := open(*to, getenv)
	if err != nil {
		return err
	}
	defer done()
	t.from, t.to = restored, inUse
	o, err := t.back(ctx, &app.Env{Table: inUse, Clock: alone.Clock, IDs: alone.IDs{}})
	if err != nil {
		return err
	}
	verb := "are"
	if t.try {
		verb = "would be"
	}
	_, err = fmt.Fprintf(
		out, "account %s: %d items are as they were; %d %s put back, %d removed\n",
		t.account, o.asBefore, o.putBack, verb, o.removed,
	)
	return err
}

// open opens a table, and says how to be done with it.
func open(name string, getenv func(string) string) (store, func(), error) {
	if strings.HasSuffix(name, ".bolt") {
		if _, err := os.Stat(name); err != nil {
			return nil, nil, err
		}
		s, err := bolt.Open(name)
		if err != nil {
			return nil, nil, err
		}
		return s, func() { _ = s.Close() }, nil // what was committed is on disk
	}
	options := dynamodb.Options{
		Region: getenv("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(
			getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN"),
		),
	}
	if address := getenv("AWS_ENDPOINT_URL_DYNAMODB"); address != "" {
		options.BaseEndpoint = &address
	}
	return dynamo.New(dynamodb.New(options), name, dynamo.Options{}), func() {}, nil
}
