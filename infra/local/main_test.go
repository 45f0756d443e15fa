package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"
)

// ends asks for the end as soon as the runner says that it is ready.
type ends struct{ stop context.CancelFunc }

func (e ends) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("ready")) {
		e.stop()
	}
	return len(line), nil
}

// keepTemp puts the folders of temporary files back at the test's end, since run changes them for the
// whole process.
func keepTemp(t *testing.T) {
	t.Helper()
	for _, name := range []string{"TMPDIR", "TMP"} {
		t.Setenv(name, os.Getenv(name))
	}
}

// A runner that was asked to stop, as by Ctrl-C, says at the end that it has, and where its data is.
func TestStoppingIsSaid(t *testing.T) {
	keepTemp(t)
	log := slog.Default()
	t.Cleanup(func() { slog.SetDefault(log) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ctx, stop := context.WithCancel(ctx)
	data := t.TempDir()
	var said bytes.Buffer
	err := run(ctx, []string{
		"--addr", "127.0.0.1:0", "--s3-addr", "127.0.0.1:0", "--data", data, "--no-schedules",
		"--template", "../../template.yaml", "--log-level", "ERROR", "--propose", "demo/ada",
	}, os.Getenv, ends{stop}, &said)
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	if !strings.Contains(said.String(), "/console/demo/ and press Sign in: the form has ada of the account demo in it") {
		t.Errorf("it does not say how to sign in: %s", said.String())
	}
	lines := strings.Split(strings.TrimSpace(said.String()), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, "has stopped") || !strings.Contains(last, data) {
		t.Errorf("the last line is %q", last)
	}
}
