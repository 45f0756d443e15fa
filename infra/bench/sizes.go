package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"seatwise/infra/local/template"
)

// mostZipped is the size of the package of a function that serves HTTP, in bytes.
const mostZipped = 4_500_000

// heavy are functions of their own because of what they weigh: one writes workbooks, one PDF.
var heavy = []string{"StatementFunction", "TemplateFunction"}

var errTooLarge = errors.New("a function's package is too large")

// sizes prints how large the functions are that `make build` left in dist, for the processor that
// they were built for.
//
// Errors: errTooLarge, when one that serves HTTP has more than mostZipped bytes.
func sizes(out io.Writer, dist string) error {
	t, err := template.Load("template.yaml")
	if err != nil {
		return err
	}
	serves := map[string]bool{}
	for _, route := range t.Routes {
		serves[route.Function] = true
	}
	var failed error
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "function\tbinary\tzip\tat most\t\t")
	for _, name := range slices.Sorted(maps.Keys(t.Functions)) {
		p := program{name: name, path: filepath.Join(dist, name, "bootstrap")}
		if err := p.measure(); err != nil {
			return err
		}
		verdict := ""
		switch {
		case !serves[name] || slices.Contains(heavy, name):
		case p.zipped > mostZipped:
			verdict, failed = megabytes(mostZipped)+"\tFAIL", errTooLarge
		default:
			verdict = megabytes(mostZipped) + "\tPASS"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t\n", name, megabytes(p.bytes), megabytes(p.zipped), verdict)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return failed
}
