package emf_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seatwise/shared/platform/emf"
)

func TestWrite(t *testing.T) {
	var out bytes.Buffer
	at := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	err := emf.Write(
		&out,
		at,
		"HealthFunction",
		[]emf.Metric{
			{"Commits", 2},
			{"Errors", 1},
			{"ConflictsRetried", 0},
		},
		map[string]any{"requestId": "r-1", "Function": "not this"},
	)
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(out.Bytes(), []byte("\n")); lines != 1 {
		t.Fatalf("%d lines", lines)
	}
	var got, want any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	// The shape is CloudWatch's: a directive names metrics, and each name is a member of the root.
	expected := `{"Function":"HealthFunction","Commits":2,"Errors":1,"ConflictsRetried":0,"requestId":"r-1",
		"_aws":{"Timestamp":1795255200000,"CloudWatchMetrics":[
		{"Namespace":"Seatwise","Dimensions":[[]],"Metrics":[
			{"Name":"Commits","Unit":"Count"},{"Name":"Errors","Unit":"Count"}]}]}}`
	if err := json.Unmarshal([]byte(expected), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("wanted -, got +:\n%s", diff)
	}
}

// CloudWatch bills a metric by the hours in which it is written: what is 0 is only a property.
func TestALineOfZerosIsNoMetric(t *testing.T) {
	var out bytes.Buffer
	if err := emf.Write(&out, time.Unix(0, 0), "HealthFunction", []emf.Metric{{"Errors", 0}}, nil); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), `{"Errors":0,"Function":"HealthFunction"}`+"\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
