// Command openapi prints openapi.yaml (OpenAPI 3.1), made from the operations that the functions register: the document cannot say other than the code.
//
//	go run ./infra/openapi > openapi.yaml
package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"seatwise/shared/platform/app"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

// run prints the document. Registering needs neither a store nor a clock: nothing is served.
func run(out io.Writer) error {
	document, err := Document(&app.Env{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	text, err := YAML(document)
	if err != nil {
		return err
	}
	if _, err := out.Write(text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
