package emf_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

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
			{"Latency", emf.Milliseconds, 12.5},
			{"Errors", emf.Count, 0},
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
	expected := `{"Function":"HealthFunction","Latency":12.5,"Errors":0,"requestId":"r-1","_aws":{"Timestamp":1795255200000,"CloudWatchMetrics":[
		{"Namespace":"Seatwise","Dimensions":[[]],"Metrics":[{"Name":"Latency","Unit":"Milliseconds"},{"Name":"Errors","Unit":"Count"}]}]}}`
	if err := json.Unmarshal([]byte(expected), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %s", out.String())
	}
}
