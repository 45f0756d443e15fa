package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"seatwise/infra/testing/programs"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/bolt"
	"seatwise/shared/platform/table/dynamo"
	"seatwise/shared/platform/wire"
)

// meter counts the calls of the DynamoDB API and their capacity units. It is safe for concurrent
// use.
type meter struct {
	mu  sync.Mutex
	now cost
}

// cost is what an operation took.
type cost struct {
	gets, batches, queries, commits int
	reads, writes                   float64 // capacity units
}

// calls are the calls of an operation by what they do.
func (c cost) calls() allowed {
	return allowed{reads: c.gets + c.batches + c.queries, commits: c.commits}
}

// heard is told of every call.
func (m *meter) heard(op string, capacity float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch op {
	case "GetItem":
		m.now.gets++
	case "BatchGetItem":
		m.now.batches++
	case "Query":
		m.now.queries++
	default:
		m.now.commits++
		m.now.writes += capacity
		return
	}
	m.now.reads += capacity
}

// take returns what was counted since the last time.
func (m *meter) take() cost {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.now
	m.now = cost{}
	return c
}

// row is one operation of the path.
type row struct {
	name string
	// per is how many licenses, rows or events it was about, and of what; 0 for an operation of one
	// thing.
	per  int
	of   string
	cost cost
}

// calls prints what the operations of the path cost: the calls and an estimate of the capacity
// units over the embedded store, and the units that a DynamoDB API says it took, where there is
// one.
func calls(ctx context.Context, out io.Writer, endpoint string) error {
	folder, err := os.MkdirTemp("", "seatwise-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }() // it is in the folder for temporary files
	estimated, err := overBolt(ctx, filepath.Join(folder, "bolt"))
	if err != nil {
		return fmt.Errorf("over the embedded store: %w", err)
	}
	server := programs.Server{URL: endpoint, Region: "us-east-1", AccessKey: "local", SecretKey: "local"}
	var missing error
	if endpoint == "" {
		server, missing = programs.StartDynamoDB()
	}
	var measured []row
	if missing == nil {
		if measured, err = overDynamoDB(ctx, filepath.Join(folder, "dynamodb"), server); err != nil {
			return fmt.Errorf("over DynamoDB at %s: %w", server.URL, err)
		}
	}
	if err := printCalls(out, estimated, measured); err != nil {
		return err
	}
	if missing != nil {
		fmt.Fprintf(out, "No DynamoDB API to measure with: %v\n", missing)
	}
	return nil
}

func overBolt(ctx context.Context, folder string) (rows []row, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	store, err := bolt.Open(filepath.Join(folder, "table.bolt"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	var m meter
	return walk(ctx, folder, table.Counted(store, m.heard), &m)
}

func overDynamoDB(ctx context.Context, folder string, server programs.Server) (rows []row, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	client := wire.Settings{
		Region:           server.Region,
		AccessKey:        server.AccessKey,
		SecretKey:        server.SecretKey,
		SessionToken:     server.SessionToken,
		DynamoDBEndpoint: server.URL,
	}.DynamoDB()
	name := fmt.Sprintf("seatwise-bench-%d", time.Now().UnixNano())
	if err := dynamo.EnsureTable(ctx, client, name); err != nil {
		return nil, err
	}
	defer func() {
		_, dropErr := client.DeleteTable(context.WithoutCancel(ctx), &dynamodb.DeleteTableInput{TableName: &name})
		err = errors.Join(err, dropErr)
	}()
	var m meter
	return walk(ctx, folder, dynamo.New(client, name, dynamo.Options{OnCall: m.heard}), &m)
}

func printCalls(out io.Writer, estimated, measured []row) error {
	fmt.Fprint(
		out,
		`Calls of DynamoDB and capacity units, read and written, of the operations of the path: estimated by
DynamoDB's rules over the embedded store, and as a DynamoDB API says. DynamoDB Local says of a
transaction what one of its items takes, and twice that: for what is written, the estimate is what
AWS counts.

`,
	)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w,
		"operation\tGet\tBatchGet\tQuery\tTransactWrite\tread\twritten\tDynamoDB read\twritten\tread + written\t")
	for i, e := range estimated {
		units := "-\t-"
		if i < len(measured) {
			units = fmt.Sprintf("%.1f\t%.1f", measured[i].cost.reads, measured[i].cost.writes)
		}
		each := ""
		if e.per > 0 {
			each = fmt.Sprintf("%.2f + %.2f for each of %d %s", e.cost.reads/float64(e.per),
				e.cost.writes/float64(e.per), e.per, e.of)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%.1f\t%.1f\t%s\t%s\t\n", strings.TrimSpace(e.name), e.cost.gets,
			e.cost.batches, e.cost.queries, e.cost.commits, e.cost.reads, e.cost.writes, units, each)
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
