package programs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// tools returns the folder for what is fetched: .tools beside the go.mod above the working
// directory, or the user's cache when there is none.
var tools = sync.OnceValues(func() (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return filepath.Join(at, ".tools"), nil
		}
		up := filepath.Dir(at)
		if up == at {
			break
		}
		at = up
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "seatwise"), nil
})

// provide returns the folder of this name under tools, which fill fills when it is not there yet.
// Test processes that run at the same time wait for the one that fills it, and a fill that breaks
// off leaves nothing behind under the name.
func provide(name string, fill func(folder string) error) (folder string, err error) {
	root, err := tools()
	if err != nil {
		return "", err
	}
	folder = filepath.Join(root, name)
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(folder + ".lock")
	if err != nil {
		return "", fmt.Errorf("lock %s: %w", folder, err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	part, err := os.MkdirTemp(root, name+".part-")
	if err != nil {
		return "", err
	}
	if err := fill(part); err != nil {
		return "", errors.Join(err, os.RemoveAll(part))
	}
	if err := os.Rename(part, folder); err != nil {
		return "", errors.Join(err, os.RemoveAll(part))
	}
	return folder, nil
}

// fetch runs a command that needs the network. Its failure counts as something that is missing
// here, not as a fault of the tests.
func fetch(ctx context.Context, folder string, environment []string, command string, args ...string) error {
	cmd := exec.CommandContext(ctx, command, args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), environment...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return &missing{
			fmt.Sprintf("cannot fetch it (%s %s: %v): %s", filepath.Base(command), strings.Join(args, " "), err,
				tail(out)),
		}
	}
	return nil
}

func tail(out []byte) string {
	const most = 2000
	if len(out) > most {
		out = out[len(out)-most:]
	}
	return strings.TrimSpace(string(out))
}
