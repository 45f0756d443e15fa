// Package emf writes metrics in CloudWatch's embedded metric format: one line of JSON on standard
// output, which CloudWatch Logs turns into metrics automatically, without a call that would cost
// the invocation time.
package emf

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Namespace is where CloudWatch shows the metrics; the alarms of template.yaml name it too.
const Namespace = "Seatwise"

// Unit is one of CloudWatch's units.
type Unit string

// The units in use.
const (
	Milliseconds Unit = "Milliseconds"
	Count        Unit = "Count"
)

// Metric is one number.
type Metric struct {
	Name  string
	Unit  Unit
	Value float64
}

type definition struct {
	Name string `json:"Name"`
	Unit Unit   `json:"Unit"`
}

type directive struct {
	Namespace  string       `json:"Namespace"`
	Dimensions [][]string   `json:"Dimensions"`
	Metrics    []definition `json:"Metrics"`
}

type metadata struct {
	Timestamp         int64       `json:"Timestamp"` // Unix milliseconds
	CloudWatchMetrics []directive `json:"CloudWatchMetrics"`
}

// Write writes one line: metrics at one moment, with the function's name and further properties
// that can be searched for in the log. Neither is a dimension: CloudWatch bills each value of a
// dimension as a metric of its own, an alarm wants them all together, and the log says which
// function it was. Properties must hold nothing of a request's payload.
func Write(w io.Writer, at time.Time, function string, metrics []Metric, properties map[string]any) error {
	line := make(map[string]any, len(metrics)+len(properties)+2)
	for name, value := range properties {
		line[name] = value
	}
	definitions := make([]definition, len(metrics))
	for i, m := range metrics {
		definitions[i] = definition{m.Name, m.Unit}
		line[m.Name] = m.Value
	}
	line["Function"] = function
	line["_aws"] = metadata{
		Timestamp:         at.UnixMilli(),
		CloudWatchMetrics: []directive{{Namespace: Namespace, Dimensions: [][]string{{}}, Metrics: definitions}},
	}
	encoded, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("embedded metrics: %w", err)
	}
	// One call, so that lines of a log that shares the writer are not torn apart.
	if _, err := w.Write(append(encoded, '\n')); err != nil {
		return fmt.Errorf("embedded metrics: %w", err)
	}
	return nil
}
