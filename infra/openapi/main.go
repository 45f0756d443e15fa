// Command openapi prints openapi.yaml (OpenAPI 3.1), made from the operations that the functions
// register: the document cannot say other than the code.
//
//	go run ./infra/openapi -embed shared/health > openapi.yaml
package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"seatwise/shared/platform/app"
)

func main() {
	embed := flag.String("embed", "", "`folder` that openapi.json.gz and openapi.yaml.gz are written to as well")
	flag.Parse()
	if err := run(os.Stdout, *embed); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

// run prints the document, and packs it into the folder embed unless that is empty. Registering
// needs neither a store nor a clock: nothing is served.
func run(out io.Writer, embed string) error {
	document := Document(&app.Env{Log: slog.New(slog.DiscardHandler)})
	text, err := YAML(document)
	if err != nil {
		return err
	}
	if _, err := out.Write(text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if embed == "" {
		return nil
	}
	compact, _, err := Polished(document)
	if err != nil {
		return err
	}
	return errors.Join(
		pack(filepath.Join(embed, "openapi.json.gz"), compact),
		pack(filepath.Join(embed, "openapi.yaml.gz"), text),
	)
}

// pack writes a compressed file, unless the one that is there holds the same: then a newer
// compressor changes nothing.
func pack(name string, text []byte) error {
	if there, err := unpack(name); err == nil && bytes.Equal(there, text) {
		return nil
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	if err := os.WriteFile(name, packed.Bytes(), 0o644); err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	return nil
}

func unpack(name string) ([]byte, error) {
	packed, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return text, nil
}
