package main

import (
	"bytes"
	"compress/flate"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
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
	if p.bytes, p.zipped, err = packed(p.path); err != nil {
		return fmt.Errorf("zip %s: %w", p.name, err)
	}
	return nil
}

// packing is how `sam package` makes a package: by Python's zlib at its default level. The deflate of
// Go's library leaves a fortieth more.
const packing = "import sys, zlib; print(len(zlib.compress(open(sys.argv[1], 'rb').read())))"

// packed is the size of a file, and of a package with it, in bytes. Where there is no Python, it is
// what Go can do.
func packed(path string) (size, zipped int64, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, err
	}
	size = int64(len(data))
	if python, err := exec.LookPath("python3"); err == nil {
		out, err := exec.Command(python, "-c", packing, path).Output()
		if err != nil {
			return 0, 0, err
		}
		zipped, err = strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
		return size, zipped, err
	}
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	return size, int64(out.Len()), err
}

// megabytes writes a size as a person reads it.
func megabytes(n int64) string { return strings.TrimSpace(fmt.Sprintf("%.1f MB", float64(n)/1e6)) }
