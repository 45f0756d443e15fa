// Command demo fills an account of the runner with a believable year: people who come and go, call
// queues, dashboards, orders, files, views, overage, and people who wait. It does so through the
// HTTP API alone, as the account's admin would have, on a runner of its own whose clock begins a
// year ago and goes on day by day. The same command makes the same year each time, but for ids that
// the server chooses and the days of the week on which it falls. `make demo` serves it then.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

// days is how long the year is, and patience how long one may take to be made.
const (
	days     = 365
	patience = 5 * time.Minute
)

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	account := flags.String("account", "demo", "`id` of the account to make; one that is there is left as it is")
	data := flags.String("data", ".local", "`folder` of the runner's data; no runner may be using it")
	template := flags.String("template", "template.yaml", "`file` that declares the functions")
	binary := flags.String("runner", "", "the runner's `program`; built if it is not named")
	served := flags.String(
		"served", "", "`arguments` that the runner is started with afterwards: its --addr is told, and its --data filled",
	)
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	folder, err := os.MkdirTemp("", "seatwise-demo-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(folder)
	if *binary == "" {
		fmt.Fprintln(out, "Building the runner ...")
		*binary = filepath.Join(folder, "local")
		said, err := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", *binary, "./infra/local").
			CombinedOutput()
		if err != nil {
			return fmt.Errorf("build the runner: %w: %s", err, said)
		}
	}
	first := began.UTC().AddDate(0, 0, -days).Truncate(24 * time.Hour).Add(8 * time.Hour)
	r, err := start(ctx, *binary, argument(*served, "data", *data), *template, first)
	if err != nil {
		return err
	}
	c := &client{ctx: ctx, base: r.address, account: *account, now: first}
	fmt.Fprintf(out, "Filling the account %s from %s on ...\n", *account, first.Format(time.DateOnly))
	err = c.year(began.UTC(), out)
	if stopped := r.stop(); errors.Is(err, errThere) && stopped == nil {
		fmt.Fprintf(out, "There is an account %s already, which is left as it is. `make fresh` begins from nothing.\n", *account)
		return nil
	} else if err = errors.Join(err, stopped); err != nil {
		return err
	}
	fmt.Fprintf(out, "Done in %s, with %d requests. Its admin is ada. A program takes a token by:\n",
		time.Since(began).Round(time.Second), c.requests)
	fmt.Fprintf(
		out,
		`  curl -sS http://%s/local/token -d '{"account": %q, "user": "ada", "permissions": %q}'`+"\n",
		argument(*served, "addr", "127.0.0.1:3000"), *account, everything(),
	)
	return nil
}

// argument is what a runner that is started with some arguments is told by one of its flags.
func argument(arguments, name, otherwise string) string {
	words := strings.Fields(strings.ReplaceAll(arguments, "=", " "))
	for i, word := range words {
		if (word == "--"+name || word == "-"+name) && i+1 < len(words) {
			return words[i+1]
		}
	}
	return otherwise
}

// process is a runner.
type process struct {
	command *exec.Cmd
	said    *os.File
	address string
}

var ready = regexp.MustCompile(`ready: API (http://\S+?),`)

// start runs a runner whose clock begins at a time, without schedules: what they do is asked for,
// day by day.
func start(ctx context.Context, binary, data, template string, at time.Time) (*process, error) {
	said, err := os.CreateTemp("", "seatwise-demo-*.log")
	if err != nil {
		return nil, fmt.Errorf("make a log: %w", err)
	}
	// The program was just built, or is the caller's.
	command := exec.Command(binary, "--addr", "127.0.0.1:0", "--s3-addr", "127.0.0.1:0", "--data", data,
		"--template", template, "--no-schedules", "--log-level", "ERROR", "--clock-from", at.Format(time.RFC3339))
	command.Stderr = said
	lines, err := command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("run the runner: %w", err)
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("run the runner: %w", err)
	}
	p := &process{command: command, said: said}
	context.AfterFunc(ctx, func() { _ = command.Process.Signal(syscall.SIGTERM) })
	line := make([]byte, 1024)
	n, err := lines.Read(line)
	found := ready.FindSubmatch(line[:n])
	if err != nil || found == nil {
		return nil, errors.Join(
			errors.New(
				"the runner did not start; if one is running, stop it first, for the year is made on a clock of its own",
			),
			p.stop(),
		)
	}
	p.address = string(found[1])
	return p, nil
}

// stop ends the runner, and tells what it said if it failed.
func (p *process) stop() error {
	_ = p.command.Process.Signal(syscall.SIGTERM) // it may have ended
	err := p.command.Wait()
	said, read := os.ReadFile(p.said.Name())
	_ = p.said.Close()
	_ = os.Remove(p.said.Name())
	if err != nil || read != nil {
		return fmt.Errorf("the runner: %w: %s", errors.Join(err, read), said)
	}
	return nil
}
