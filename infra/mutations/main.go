// Command mutations plants one bug after the other and demands that the tests find it (`make
// mutations`).
//
//	go run ./infra/mutations [-only regexp] [-timeout 5m]
//
// The bugs are in planted.go. Each is put into a copy of its file, which takes the place of the
// file by Go's -overlay while the tests of the packages that it names are built and run; the tree
// itself stays as it is. A bug is caught when those tests build and fail. First they must pass
// without any bug, or a failure would say nothing.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutations:", err)
		os.Exit(1)
	}
}

// run plants the bugs in the tree of the working directory and says of each which test caught it.
// It fails when a bug survives.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutations", flag.ContinueOnError)
	only := flags.String("only", "", "plant the bugs whose name this `regexp` matches")
	timeout := flags.Duration("timeout", 5*time.Minute,
		"how long one package's tests may take; a bug that makes them hang is caught")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	bugs := slices.DeleteFunc(slices.Clone(planted), func(b bug) bool { return !chosen.MatchString(b.name) })
	if len(bugs) == 0 {
		return errors.New("no bug has such a name")
	}
	for _, pkg := range packages(bugs) {
		if text, passed, err := test(ctx, pkg, "", *timeout); err != nil {
			return err
		} else if !passed {
			return fmt.Errorf("%s fails without a planted bug:\n%s", pkg, text)
		}
	}
	var survived []string
	for _, b := range bugs {
		by, err := b.caught(ctx, *timeout)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		if by == "" {
			survived = append(survived, b.name)
			by = "NOTHING"
		}
		fmt.Fprintf(out, "%s: caught by %s\n", b.name, by)
	}
	if len(survived) > 0 {
		return fmt.Errorf("%d of %d bugs survived: %s", len(survived), len(bugs), strings.Join(survived, ", "))
	}
	fmt.Fprintf(out, "all %d bugs were caught\n", len(bugs))
	return nil
}

// packages are those that the bugs name, each once.
func packages(bugs []bug) []string {
	var all []string
	for _, b := range bugs {
		all = append(all, b.tests...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// caught plants the bug and returns the first test that fails; empty when all pass.
func (b bug) caught(ctx context.Context, timeout time.Duration) (string, error) {
	folder, err := os.MkdirTemp("", "seatwise-mutation-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	overlay, err := b.plant(folder)
	if err != nil {
		return "", err
	}
	for _, pkg := range b.tests {
		text, passed, err := test(ctx, pkg, overlay, timeout)
		if err != nil {
			return "", err
		}
		if !passed {
			return pkg + " " + firstFailure(text), nil
		}
	}
	return "", nil
}

// plant writes the changed file and the overlay that puts it in place, whose name it returns.
func (b bug) plant(folder string) (string, error) {
	source, err := os.ReadFile(b.file)
	if err != nil {
		return "", err
	}
	changed, err := b.change(string(source))
	if err != nil {
		return "", err
	}
	at, err := filepath.Abs(b.file)
	if err != nil {
		return "", err
	}
	copied := filepath.Join(folder, filepath.Base(b.file))
	if err := os.WriteFile(copied, []byte(changed), 0o600); err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {at: copied}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(folder, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o600)
}

// change makes the bug's edits. Each must find its place exactly once, or the code has moved on and
// the bug with it.
func (b bug) change(source string) (string, error) {
	for _, e := range b.edits {
		if n := strings.Count(source, e.from); n != 1 {
			return "", fmt.Errorf("%s has %d places that read %q, not one", b.file, n, e.from)
		}
		source = strings.Replace(source, e.from, e.to, 1)
	}
	return source, nil
}

// test runs a package's tests up to the first failure, with the overlay if there is one. It is an
// error when they cannot be built or run at all.
func test(ctx context.Context, pkg, overlay string, timeout time.Duration) (text string, passed bool, err error) {
	args := []string{"test", "-failfast", "-timeout", timeout.String()}
	if overlay != "" {
		args = append(args, "-vet=off", "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./"+pkg)...)
	var both bytes.Buffer
	cmd.Stdout, cmd.Stderr = &both, &both
	err = cmd.Run()
	text = both.String()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return text, false, ctx.Err()
	case err == nil:
		return text, true, nil
	case !errors.As(err, &exit):
		return text, false, err
	case strings.Contains(text, "[build failed]") || strings.Contains(text, "[setup failed]"):
		return text, false, fmt.Errorf("%s does not build:\n%s", pkg, text)
	}
	return text, false, nil
}

var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// firstFailure names the test that failed, or what stands in its place when the tests hung or
// crashed.
func firstFailure(text string) string {
	if found := failure.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	if strings.Contains(text, "panic: test timed out") {
		return "by hanging"
	}
	return "by crashing"
}
