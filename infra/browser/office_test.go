package browser_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"seatwise/infra/testing/consolewalk"
	"seatwise/infra/testing/programs"
	"seatwise/infra/testing/runnerprocess"
)

// office is what all tests of the package share: one application with the demo's account in it, and
// one browser, in which each person has cookies of their own.
type office struct {
	console *consolewalk.Console
	browser context.Context // in which chromedp keeps it
	close   func() error
	err     error
}

var (
	shared office
	opened sync.Once
)

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.close != nil {
		if err := shared.close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// open starts the application and the browser at the first demand.
func open(t testing.TB) *office {
	t.Helper()
	program := programs.Chromium(t)
	opened.Do(func() { shared.start(program) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return &shared
}

func (o *office) start(program string) {
	folder, err := os.MkdirTemp("", "seatwise-browser-")
	if err != nil {
		o.err = err
		return
	}
	data := filepath.Join(folder, "data")
	stop := func() error { return nil }
	if o.err = demo(folder, data); o.err == nil {
		o.console, stop, o.err = consolewalk.Open(data)
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU,
		// Debian's script of that name tells of the machine on its standard error; nobody reads it.
		chromedp.Flag("lang", "en-US"),
		chromedp.Flag("force-prefers-reduced-motion", true),
		chromedp.WindowSize(wide, tall),
	)...)
	browser, done := chromedp.NewContext(allocator)
	o.browser = browser
	if o.err == nil {
		if err := chromedp.Do(browser); err != nil {
			o.err = fmt.Errorf("start %s: %w", program, err)
		}
	}
	o.close = func() error {
		done()
		end()
		var stopped error
		if o.console != nil {
			stopped = stop()
		}
		return errors.Join(stopped, os.RemoveAll(folder))
	}
}

// demo fills the account demo, with a runner that is built already where there is one.
func demo(folder, data string) error {
	ctx := context.Background()
	runner := os.Getenv(runnerprocess.Built)
	if runner == "" {
		runner = filepath.Join(folder, "runner")
		if err := runnerprocess.Build(ctx, runner); err != nil {
			return err
		}
	}
	root, err := runnerprocess.Root()
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "go", "run", "-buildvcs=false", "./infra/demo",
		"--data", data, "--runner", runner)
	command.Dir = root
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("fill the account demo: %w: %s", err, said)
	}
	return nil
}
