// Command once runs a command, such as go test, with what its many processes would each start or
// build for themselves: one DynamoDB Local, and one build of the runner. The environment tells
// them where both are; without it each makes its own, so a single package is tested as ever.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/sync/errgroup"

	"seatwise/infra/testing/programs"
	"seatwise/infra/testing/runnerprocess"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "once:", err)
	}
	os.Exit(code)
}

// run returns the status that the command ended with.
func run(command []string) (code int, err error) {
	if len(command) == 0 {
		return 2, errors.New("usage: once COMMAND [ARGUMENT...]")
	}
	// An interrupt reaches the command too, and it is the command that decides what it means.
	signal.Ignore(syscall.SIGINT)

	folder, err := os.MkdirTemp("", "seatwise-once-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	runner := filepath.Join(folder, "local")
	var database programs.Server
	var group errgroup.Group
	group.Go(func() error { return runnerprocess.Build(context.Background(), runner) })
	group.Go(func() error {
		var missing error
		if database, missing = programs.StartDynamoDB(); missing != nil {
			fmt.Fprintln(os.Stderr, "once: DynamoDB Local:", missing) // The tests that need it say the rest.
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return 1, err
	}

	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), runnerprocess.Built+"="+runner)
	if database.URL != "" {
		cmd.Env = append(cmd.Env, programs.DynamoDBEndpoint+"="+database.URL)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	var failed *exec.ExitError
	switch err := cmd.Run(); {
	case errors.As(err, &failed):
		return max(failed.ExitCode(), 1), nil // -1 when a signal ended it
	case err != nil:
		return 1, err
	}
	return 0, nil
}
