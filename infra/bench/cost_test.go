package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// An aim that is missed fails the command, and each is judged alone.
func TestAimsOfAMonth(t *testing.T) {
	tests := []struct {
		name        string
		stack, each float64
		fails       int
	}{
		{"all met", 2.49, 0.14, 0},
		{"idle too dear", 2.50, 0.14, 1},
		{"ten thousand too dear", 2.00, 0.16, 1},
		{"tenants too dear", 2.00, 0.21, 2},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		err := judgeMonth(&out, tt.stack, tt.each)
		if got := strings.Count(out.String(), "FAIL"); got != tt.fails || (err != nil) != (tt.fails > 0) {
			t.Errorf("%s: %d aims missed, error %v, want %d:\n%s", tt.name, got, err, tt.fails, out.String())
		}
	}
}

// What an idle stack pays for by the month is read from the template as it is.
func TestBilledResources(t *testing.T) {
	raw, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	metrics, secrets, err := billedResources(raw)
	if err != nil || metrics < 5 || secrets < 1 {
		t.Errorf("%d metrics of alarms and %d secrets, error %v", metrics, secrets, err)
	}
}
