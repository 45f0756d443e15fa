package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"seatwise/infra/testing/programs"
)

// server is a started process.
type server struct {
	url  string
	stop func()
}

// readyLine is what both processes print when they serve.
var readyLine = regexp.MustCompile(`ready: API (http://\S+?)[,\s]`)

// start starts a command and waits until it says where it serves.
func start(cmd *exec.Cmd) (*server, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may be gone
		_ = cmd.Wait()
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := readyLine.FindStringSubmatch(lines.Text() + " "); m != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }() // it ends with the process
			return &server{url: m[1], stop: stop}, nil
		}
	}
	stop()
	return nil, fmt.Errorf("%s did not say that it is ready", cmd.Path)
}

// startRunner starts the runner over a store, which it builds unless it is there already.
func startRunner(ctx context.Context, folder, bin string, over store) (*server, error) {
	if bin == "" {
		bin = filepath.Join(folder, "local")
		if built, err := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", bin, "seatwise/infra/local").
			CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build the runner: %w: %s", err, built)
		}
	}
	args := append([]string{
		"--addr", "127.0.0.1:0", "--s3-addr", "127.0.0.1:0", "--data", filepath.Join(folder, "data"),
		"--no-schedules", "--log-level", "WARN",
	}, over.args()...)
	return start(over.reached(exec.CommandContext(ctx, bin, args...)))
}

// startFloor starts this command again as the floor over the same store.
func startFloor(ctx context.Context, folder string, over store) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := append([]string{"-floor", folder}, over.args()...)
	return start(over.reached(exec.CommandContext(ctx, self, args...)))
}

// store is what runner and floor keep their data in: a DynamoDB API, or without a URL a file of
// their own.
type store struct{ programs.Server }

func (s store) args() []string {
	if s.URL == "" {
		return nil
	}
	return []string{"-dynamodb-endpoint", s.URL}
}

// reached tells a command how to sign what it sends to the store.
func (s store) reached(cmd *exec.Cmd) *exec.Cmd {
	if s.URL != "" {
		cmd.Env = append(os.Environ(), "AWS_REGION="+s.Region, "AWS_ACCESS_KEY_ID="+s.AccessKey,
			"AWS_SECRET_ACCESS_KEY="+s.SecretKey, "AWS_SESSION_TOKEN="+s.SessionToken)
	}
	return cmd
}

// floorSays is what the floor does over this store.
func (s store) floorSays() string {
	if s.URL == "" {
		return "commits the same puts to bare bbolt"
	}
	return "sends the same puts as one bare transaction to the same DynamoDB API"
}
