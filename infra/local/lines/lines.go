// Package lines keeps what the functions write of each account on one machine, as CloudWatch Logs does in
// AWS: a file for each day.
package lines

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/lines"
)

const (
	// kept is for how many days lines are kept: a day is folded in the night after it.
	kept = 7
	// mostLine bounds a line in bytes.
	mostLine = 1 << 20
)

// Log is a folder with a file for each day. It is safe for concurrent use.
type Log struct {
	folder string
	clock  app.Clock

	mu   sync.Mutex
	day  string
	file *os.File
}

var _ lines.Reader = (*Log)(nil)

// Open opens the log in a folder, which is made if it is not there.
func Open(folder string, clock app.Clock) (*Log, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the folder of lines: %w", err)
	}
	return &Log{folder: folder, clock: clock}, nil
}

// line is a line with the moment at which it was written.
type line struct {
	At   int64           `json:"at"` // Unix milliseconds
	Line json.RawMessage `json:"line"`
}

// Write keeps one line, if it names an account.
func (l *Log) Write(text []byte) (int, error) {
	if !bytes.Contains(text, []byte(`"account":"`)) {
		return len(text), nil
	}
	now := l.clock().UTC()
	encoded, err := json.Marshal(line{now.UnixMilli(), bytes.TrimSpace(text)})
	if err != nil {
		return 0, fmt.Errorf("a line: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.turn(now); err != nil {
		return 0, err
	}
	if _, err := l.file.Write(append(encoded, '\n')); err != nil {
		return 0, fmt.Errorf("a line: %w", err)
	}
	return len(text), nil
}

// turn opens the file of a day, and removes those that are kept no longer.
func (l *Log) turn(now time.Time) error {
	day := now.Format(time.DateOnly)
	if day == l.day {
		return nil
	}
	file, err := os.OpenFile(l.path(day), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("lines of a day: %w", err)
	}
	if l.file != nil {
		_ = l.file.Close() // every line was written by itself
	}
	l.day, l.file = day, file
	old, err := filepath.Glob(l.path("*"))
	if err != nil {
		return fmt.Errorf("lines of a day: %w", err)
	}
	for _, path := range old {
		if path < l.path(now.AddDate(0, 0, -kept).Format(time.DateOnly)) {
			_ = os.Remove(path) // the next day tries again
		}
	}
	return nil
}

func (l *Log) path(day string) string { return filepath.Join(l.folder, day+".jsonl") }

// Read implements lines.Reader.
func (l *Log) Read(ctx context.Context, from, to time.Time, visit func(line []byte) error) error {
	for day := from.UTC().Truncate(24 * time.Hour); day.Before(to); day = day.AddDate(0, 0, 1) {
		if err := ctx.Err(); err != nil {
			return err //nolint:wrapcheck // the caller's own
		}
		if err := l.read(l.path(day.Format(time.DateOnly)), from, to, visit); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) read(path string, from, to time.Time, visit func(line []byte) error) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("lines of a day: %w", err)
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, mostLine)
	for scanner.Scan() {
		var one line
		if json.Unmarshal(scanner.Bytes(), &one) != nil {
			continue // cut off by a kill
		}
		if one.At < from.UnixMilli() || one.At >= to.UnixMilli() {
			continue
		}
		if err := visit(one.Line); err != nil {
			return err
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("lines of a day: %w", err)
	}
	return nil
}

// Close closes the file of the day.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("close the lines: %w", err)
	}
	return nil
}
