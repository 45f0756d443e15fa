package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"debug/buildinfo"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"seatwise/infra/linked"
)

const excelize = "github.com/xuri/excelize/v2"

// program is a built binary.
type program struct {
	name string // logical id of the function
	path string
	// operations are how many HTTP operations it registers.
	operations int
	// workbooks says that it links excelize.
	workbooks bool
	bytes     int64
	zipped    int64
}

// build makes the program of one function by the Makefile's own rule, for this machine; what is
// current is not linked again.
func build(ctx context.Context, dist, name string, operations int) (program, error) {
	p := program{name: name, path: filepath.Join(dist, name, "bootstrap"), operations: operations}
	return p, p.make(ctx, p.path, "DIST="+dist)
}

// buildBare makes the baseline with the flags of the functions.
func buildBare(ctx context.Context, dist string) (program, error) {
	p := program{name: "bare", path: filepath.Join(dist, "bare", "bootstrap")}
	return p, p.make(ctx, "program", "PACKAGE=./infra/bench/bare", "OUT="+p.path)
}

func (p *program) make(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "make",
		append([]string{"--no-print-directory", "-s", "ARCH=" + runtime.GOARCH}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", p.name, err, bytes.TrimSpace(out))
	}
	return p.measure()
}

// measure reads what can be known of the binary without running it.
func (p *program) measure() error {
	info, err := buildinfo.ReadFile(p.path)
	if err != nil {
		return fmt.Errorf("read what %s links: %w", p.name, err)
	}
	names, err := linked.Functions(p.path)
	if err != nil {
		return err
	}
	if names[linked.Execution] {
		return fmt.Errorf("%s executes templates, so that the linker keeps every method (design, decision 9)", p.name)
	}
	p.workbooks = slices.ContainsFunc(info.Deps, func(m *debug.Module) bool { return m.Path == excelize })
	f, err := os.Open(p.path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	var packed counter
	w := zip.NewWriter(&packed)
	// The best that Go can do is what zlib does at its default, and `sam package` uses that.
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestCompression)
	})
	entry, err := w.Create("bootstrap")
	if err != nil {
		return err
	}
	if p.bytes, err = io.Copy(entry, f); err != nil {
		return fmt.Errorf("zip %s: %w", p.name, err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("zip %s: %w", p.name, err)
	}
	p.zipped = int64(packed)
	return nil
}

// counter is a writer that keeps only how much it was given, in bytes.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// megabytes writes a size as a person reads it.
func megabytes(n int64) string { return strings.TrimSpace(fmt.Sprintf("%.1f MB", float64(n)/1e6)) }
