package main

import (
	"bytes"
	"os"
	"testing"
)

// What functions load is what catalog.yaml says.
func TestGeneratedCatalogIsCurrent(t *testing.T) {
	text, err := os.ReadFile("../../shared/catalog/catalog.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want, err := generate(text)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../shared/catalog/generated.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("shared/catalog/generated.go is not what catalog.yaml says: run make catalog")
	}
}

func TestAMistakeIsNamedWithItsLine(t *testing.T) {
	_, err := generate([]byte("currencies: [USD]\ncategories: [X]\nproducts:\n  - id: Bad\n"))
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("line 4")) {
		t.Errorf("got %v", err)
	}
}
