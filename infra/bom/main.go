// Command bom judges a bill of materials: every module that is linked must be under a license that may be
// (docs/CONTRIBUTING.md, "A release"). `make bom` writes the bill, in the form of CycloneDX, and runs it.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// allowed are the licenses, by their SPDX ids, under which what we hand out may be: none of them asks for the
// source of what links it.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-Source-Code", "ISC", "MIT"}

var errLicense = errors.New("modules whose license may not be linked; see docs/CONTRIBUTING.md, \"A release\"")

// license is one that was found; a bill names it by its SPDX id, or else in words.
type license struct {
	License struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"license"`
}

// bill is what is read of a bill of materials.
type bill struct {
	Components []struct {
		Name     string    `json:"name"`
		Version  string    `json:"version"`
		Licenses []license `json:"licenses"`
		Evidence struct {
			Licenses []license `json:"licenses"`
		} `json:"evidence"`
	} `json:"components"`
}

func main() {
	if err := judge(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bom:", err)
		os.Exit(1)
	}
}

// judge reads a bill and prints how many modules are under which license. A module of which no license was found,
// or one that is not allowed, is an error that names them all.
func judge(in io.Reader, out io.Writer) error {
	var b bill
	if err := json.NewDecoder(in).Decode(&b); err != nil {
		return fmt.Errorf("read the bill of materials: %w", err)
	}
	if len(b.Components) == 0 {
		return errors.New("the bill of materials names no module")
	}
	counts := map[string]int{}
	var refused []string
	for _, c := range b.Components {
		found := slices.Concat(c.Licenses, c.Evidence.Licenses)
		for _, l := range found {
			counts[l.License.ID]++
		}
		forbidden := func(l license) bool { return !slices.Contains(allowed, l.License.ID) }
		if len(found) == 0 || slices.ContainsFunc(found, forbidden) {
			refused = append(refused, fmt.Sprintf("%s@%s", c.Name, c.Version))
		}
	}
	for _, id := range allowed {
		if counts[id] > 0 {
			fmt.Fprintf(out, "%4d %s\n", counts[id], id)
		}
	}
	if len(refused) > 0 {
		return fmt.Errorf("%w: %s", errLicense, strings.Join(refused, ", "))
	}
	return nil
}
