// Package linked reads from a built binary which functions the linker has kept in it.
package linked

import (
	"debug/elf"
	"debug/gosym"
	"fmt"
)

// Execution is in a binary that executes templates, of text/template or html/template: the linker
// then keeps every exported method of every type, as templates look methods up by name.
const Execution = "text/template.(*Template).execute"

// Functions names the functions of an ELF binary, stripped or not.
func Functions(path string) (names map[string]bool, err error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	lines, text := f.Section(".gopclntab"), f.Section(".text")
	if lines == nil || text == nil {
		return nil, fmt.Errorf("%s was not made by Go", path)
	}
	data, err := lines.Data()
	if err != nil {
		return nil, fmt.Errorf("read the functions of %s: %w", path, err)
	}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(data, text.Addr))
	if err != nil {
		return nil, fmt.Errorf("read the functions of %s: %w", path, err)
	}
	names = make(map[string]bool, len(table.Funcs))
	for _, f := range table.Funcs {
		names[f.Name] = true
	}
	return names, nil
}
