package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/goccy/go-yaml"

	prices "seatwise/shared/cost"
)

// onlyCost is the value of -only that computes what a month costs.
const onlyCost = "cost"

// What AWS lists for us-east-1 beyond the prices of package cost, in dollars, on demand and without
// free tiers; docs/cost.md says from when.
const (
	perStoredGB   = 0.25 + 0.20 // DynamoDB, by the month, and its point-in-time recovery
	perPut        = 5.0 / 1e6   // S3
	perGet        = 0.40 / 1e6  // S3
	perMessage    = 0.40 / 1e6  // SQS, a request
	perMetric     = 0.10        // CloudWatch, each metric that an alarm waits for, by the month
	perSecret     = 0.40        // Secrets Manager, by the month
	hours         = 730         // in a month
	minutes       = 60 * hours  // in a month
	gigabyte      = 1 << 30     // bytes
	mostIdle      = 2.50        // dollars a month, what an idle stack may cost
	mostOfMany    = 0.20        // dollars a tenant and month with a thousand of them
	mostOfMore    = 0.15        // with ten thousand
	requestTime   = 0.004       // seconds that a function computes for an invocation
	callTime      = 0.005       // seconds that it waits for a call of DynamoDB
	pollsOfMinute = 5 * 3       // an event source's requests of an empty queue: five pollers, 20 seconds each
	ofMessage     = 3           // requests of a message: sent, received and deleted, each alone at worst
	memory        = 1.0         // GB of a function; the smaller ones cost less
	logOfRequest  = 780         // bytes: the access log's line and the function's
	logOfRun      = 350         // bytes: the function's line
	itemsOfTenant = 20_000      // items of a tenant of 1,000 users: its own and a month's audit and views
	sizeOfItem    = 1_000       // bytes, with its index entries
)

// A month of a tenant of 1,000 users (issue 14).
const (
	monthAssignments = 300
	monthOrders      = 20
	monthFileRows    = 2 * 500
	monthViews       = 40_000
	viewsOfCall      = 100
	monthReads       = 20_000
	// readOfView is what a view takes of the item of its call: 60 bytes, 4 KB a unit.
	readOfView = 60.0 / 4096
	// hoursOfViews are the hours of a month in which somebody views a dashboard: ten of each working day.
	hoursOfViews = 220
	// viewsRead is how many views the aggregation of such an hour reads: its own, and those of the one before it.
	viewsRead = 2 * monthViews / hoursOfViews
	// chunkOfView is what a view takes, in units, of what an hour writes beside a day's rollup: its viewer, its
	// dashboard and its time, 60 bytes. The rows have few viewers.
	chunkOfView = 60.0 / 1024
	// dayOfTenant is what beginning a day with 1,000 members and ending it takes, in units written: 30 bytes for
	// each of them, twice, and the day's views. The rows have few members.
	dayOfTenant = (2*30.0*1000 + 60.0*monthViews/30) / 1024
)

// work is what something takes in a month.
type work struct {
	requests, invocations, seconds, reads, writes, puts, gets, messages, logged, stored float64
}

func (w work) times(n float64) work {
	return work{
		w.requests * n, w.invocations * n, w.seconds * n, w.reads * n, w.writes * n, w.puts * n, w.gets * n,
		w.messages * n, w.logged * n, w.stored * n,
	}
}

func (w work) plus(more work) work {
	return work{
		w.requests + more.requests, w.invocations + more.invocations, w.seconds + more.seconds, w.reads + more.reads,
		w.writes + more.writes, w.puts + more.puts, w.gets + more.gets, w.messages + more.messages, w.logged + more.logged,
		w.stored + more.stored,
	}
}

// dollars are what the work costs, by service.
func (w work) dollars() map[string]float64 {
	return map[string]float64{
		"API Gateway": w.requests * prices.PerRequest,
		"Lambda":      w.invocations*prices.PerInvocation + w.seconds*memory*prices.PerGBSecond,
		"DynamoDB":    w.reads*prices.PerRead + w.writes*prices.PerWrite + w.stored/gigabyte*perStoredGB,
		"S3":          w.puts*perPut + w.gets*perGet,
		"SQS":         w.messages * perMessage,
		"CloudWatch":  w.logged / gigabyte * prices.PerLogGB,
	}
}

// ranOnce is the work of an invocation without a request, of a counted cost.
func ranOnce(c cost) work {
	waited := float64(c.gets+c.batches+c.queries+c.commits) * callTime
	return work{invocations: 1, seconds: requestTime + waited, reads: c.reads, writes: c.writes, logged: logOfRun}
}

// asked is the work of a request.
func asked(c cost) work {
	w := ranOnce(c)
	w.requests, w.logged = 1, logOfRequest
	return w
}

// cause is why a month costs something.
type cause struct {
	name string
	work work
	// fixed is what is paid by the month whatever is done, by service.
	fixed map[string]float64
}

func (c cause) dollars() map[string]float64 {
	all := c.work.dollars()
	for service, d := range c.fixed {
		all[service] += d
	}
	return all
}

func sum(dollars map[string]float64) (total float64) {
	for _, d := range dollars {
		total += d
	}
	return total
}

// monthly prints what a month costs: an idle stack, and one, a thousand and ten thousand tenants.
// It fails when an aim is missed.
func monthly(ctx context.Context, out io.Writer) error {
	folder, err := os.MkdirTemp("", "seatwise-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }() // it is in the folder for temporary files
	rows, err := overBolt(ctx, filepath.Join(folder, "bolt"))
	if err != nil {
		return err
	}
	counted := map[string]row{}
	for _, r := range rows {
		counted[r.name] = r
	}
	idle, err := idleCauses(counted)
	if err != nil {
		return err
	}
	return printMonth(out, idle, tenantCauses(counted))
}

// idleCauses are what a stack costs that nobody uses.
func idleCauses(counted map[string]row) ([]cause, error) {
	raw, err := os.ReadFile("template.yaml")
	if err != nil {
		return nil, fmt.Errorf("read the template: %w", err)
	}
	metrics, secrets, err := billedResources(raw)
	if err != nil {
		return nil, err
	}
	minute, hour := ranOnce(counted[idleMinute].cost), ranOnce(counted[idleHour].cost)
	return []cause{
		{name: "alarms", fixed: map[string]float64{"CloudWatch": float64(metrics) * perMetric}},
		{name: "secrets", fixed: map[string]float64{"Secrets Manager": float64(secrets) * perSecret}},
		{name: "a queue that is asked all the time", work: work{messages: pollsOfMinute * minutes}},
		{name: "schedules", work: minute.times(minutes).plus(hour.times(hours))},
	}, nil
}

// billedResources counts the metrics that alarms wait for and the secrets of a template.
func billedResources(raw []byte) (metrics, secrets int, err error) {
	var stack struct {
		Resources map[string]struct {
			Type       string `yaml:"Type"`
			Properties struct {
				MetricName string `yaml:"MetricName"`
				Metrics    []struct {
					Expression string `yaml:"Expression"`
				} `yaml:"Metrics"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(raw, &stack); err != nil {
		return 0, 0, fmt.Errorf("read the template: %w", err)
	}
	for _, r := range stack.Resources {
		switch r.Type {
		case "AWS::SecretsManager::Secret":
			secrets++
		case "AWS::CloudWatch::Alarm":
			if r.Properties.MetricName != "" {
				metrics++
			}
			for _, m := range r.Properties.Metrics {
				if m.Expression == "" {
					metrics++
				}
			}
		}
	}
	return metrics, secrets, nil
}

// tenantCauses are what a tenant of 1,000 users does in a month.
func tenantCauses(counted map[string]row) []cause {
	of := func(name string) work { return asked(counted[name].cost) }
	each := func(name string, n float64) work {
		r := counted[name]
		return ranOnce(r.cost).times(n / float64(r.per))
	}
	views := each("take in 1,000 views", monthViews)
	views.requests = monthViews / viewsOfCall
	views.invocations, views.logged = views.requests, views.requests*logOfRequest
	hourly := ranOnce(counted[quietHour].cost).times(hours - hoursOfViews)
	hourly = hourly.plus(ranOnce(counted[busyHour].cost).times(hoursOfViews))
	hourly.messages = hours * ofMessage
	// The rows are of one hour, in which all their views came.
	hourly.reads += (hoursOfViews*viewsRead - hours*hourlyRowViews) * readOfView
	hourly.writes += monthViews*chunkOfView + 30*dayOfTenant
	order := of("fill the cart").plus(of("quote the cart")).plus(of("order 12 licenses"))
	read := of(smallPage).plus(of("summary of 1,012 licenses")).plus(of("read a license"))
	files := of("ask for an upload").times(2).plus(each("check a file", monthFileRows)).
		plus(each("configure it", monthFileRows))
	files.puts, files.gets = 2*4, 2*4
	report := of("ask for a report").plus(ranOnce(counted["build it"].cost)).plus(of("read its state and URL"))
	report.puts, report.gets = 2, 1
	return []cause{
		{name: "assignments", work: of("assign any free license").times(monthAssignments)},
		{name: "orders", work: order.times(monthOrders)},
		{name: "files of phones", work: files},
		{name: "views", work: views},
		{name: "hourly aggregation", work: hourly},
		{name: "report", work: report},
		{name: "reads", work: read.times(monthReads / 3.0)},
		{name: "a waiting list that stands still", work: waits(counted).times(minutes / minutesOfList)},
		{name: "what is kept", work: work{stored: itemsOfTenant * sizeOfItem}},
	}
}

// minutesOfList is every how many minutes a list that stands still is looked at: as shared/maintenance has it.
const minutesOfList = 5

// waits is what a waiting list costs more than none when it is looked at.
func waits(counted map[string]row) work {
	with, without := counted[waitingMinute].cost, counted[idleMinute].cost
	return work{reads: max(0, with.reads-without.reads), writes: max(0, with.writes-without.writes)}
}

// printMonth prints the causes and the services of a month, and whether the aims are met.
func printMonth(out io.Writer, idle, tenant []cause) error {
	fmt.Fprintf(out, "A month by counted calls and AWS's list prices (docs/cost.md), in dollars. A tenant has 1,000 users: %d\n"+
		"assignments, %d orders, %d rows of files, %d views, hourly aggregation, a report and %d reads.\n\n",
		monthAssignments, monthOrders, monthFileRows, monthViews, monthReads)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "by cause\tidle\tone tenant\ta thousand\tten thousand\t")
	line := func(name string, stack, each float64) {
		fmt.Fprintf(w, "%s\t%.3f\t%.3f\t%.2f\t%.2f\t\n", name, stack, stack+each, stack+1000*each, stack+10_000*each)
	}
	var stack, each float64
	byService := map[string][2]float64{}
	add := func(c cause, column int) {
		for service, d := range c.dollars() {
			of := byService[service]
			of[column] += d
			byService[service] = of
		}
	}
	for _, c := range idle {
		line(c.name, sum(c.dollars()), 0)
		stack += sum(c.dollars())
		add(c, 0)
	}
	for _, c := range tenant {
		line(c.name, 0, sum(c.dollars()))
		each += sum(c.dollars())
		add(c, 1)
	}
	line("all of it", stack, each)
	fmt.Fprintln(w, "\t\t\t\t\t\nby service\tidle\tone tenant\ta thousand\tten thousand\t")
	for _, service := range slices.Sorted(maps.Keys(byService)) {
		line(service, byService[service][0], byService[service][1])
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return judgeMonth(out, stack, each)
}

// judgeMonth prints each aim beside what was computed.
func judgeMonth(out io.Writer, stack, each float64) error {
	missed := 0
	fmt.Fprintln(out)
	for _, aim := range []struct {
		name      string
		is, below float64
	}{
		{"an idle stack", stack, mostIdle},
		{"a tenant, of a thousand", stack/1000 + each, mostOfMany},
		{"a tenant, of ten thousand", stack/10_000 + each, mostOfMore},
	} {
		verdict := "PASS"
		if aim.is >= aim.below {
			verdict, missed = "FAIL", missed+1
		}
		fmt.Fprintf(out, "%s: $%.3f a month, wanted under $%.2f: %s\n", aim.name, aim.is, aim.below, verdict)
	}
	if missed > 0 {
		return fmt.Errorf("%d aims are missed", missed)
	}
	return nil
}
