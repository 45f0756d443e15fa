// Command catalog checks shared/catalog/catalog.yaml and writes it as the Go values that every
// function embeds (`make catalog`). A mistake in the file is reported with its line.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"os"
	"reflect"
	"strconv"
	"strings"

	"seatwise/shared/catalog"
	"seatwise/shared/catalog/catalogfile"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: catalog FILE.yaml, which writes the Go file to the output")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	source, err := generate(text)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(source)
	return err
}

// generate writes a catalog file as Go.
func generate(text []byte) ([]byte, error) {
	definition, err := catalogfile.Read(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("// Code generated from catalog.yaml by make catalog. DO NOT EDIT.\n\npackage catalog\n\n" +
		"import \"seatwise/shared/craft/money\"\n\nvar definition = ")
	write(&b, reflect.ValueOf(definition))
	b.WriteString("\n")
	return format.Source(b.Bytes())
}

// write prints a value as a Go literal of package catalog, without fields that are zero.
func write(b *bytes.Buffer, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		b.WriteString(strconv.Quote(v.String()))
	case reflect.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Int64:
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	case reflect.Slice:
		b.WriteString(typeName(v.Type()) + "{")
		for i := range v.Len() {
			lineBreak(b, v.Type().Elem())
			writeElement(b, v.Index(i))
			b.WriteString(",")
		}
		lineBreak(b, v.Type().Elem())
		b.WriteString("}")
	case reflect.Struct:
		b.WriteString(typeName(v.Type()))
		writeElement(b, v)
	default:
		panic(fmt.Sprintf("a catalog has no %s", v.Kind()))
	}
}

// writeElement prints a value whose type the list around it names already.
func writeElement(b *bytes.Buffer, v reflect.Value) {
	if v.Kind() != reflect.Struct {
		write(b, v)
		return
	}
	b.WriteString("{")
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			continue
		}
		if v.Type() == reflect.TypeFor[catalog.Product]() || v.Type() == reflect.TypeFor[catalog.Definition]() {
			b.WriteString("\n")
		}
		b.WriteString(v.Type().Field(i).Name + ": ")
		write(b, v.Field(i))
		b.WriteString(",")
	}
	b.WriteString("}")
}

// lineBreak gives each product a line of its own.
func lineBreak(b *bytes.Buffer, elem reflect.Type) {
	if elem == reflect.TypeFor[catalog.Product]() {
		b.WriteString("\n")
	}
}

func typeName(t reflect.Type) string {
	if t.Kind() == reflect.Slice {
		return "[]" + typeName(t.Elem())
	}
	return strings.TrimPrefix(t.String(), "catalog.")
}
