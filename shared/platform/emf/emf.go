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

// namespace is where CloudWatch shows the metrics; the alarms of template.yaml name it too.
const namespace = "Seatwise"

// unit is CloudWatch's name of what all metrics are: counts.
const unit = "Count"

// Metric counts something.
type Metric struct {
	Name  string
	Value float64
}

type definition struct {
	Name string `json:"Name"`
	Unit string `json:"Unit"`
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
// function it was. A metric that is 0 is a property like the others, since CloudWatch bills a metric
// for each hour in which it is written; a line without any other is no metric at all. Properties
// must hold nothing of a request's payload.
func Write(w io.Writer, at time.Time, function string, metrics []Metric, properties map[string]any) error {
	line := make(map[string]any, len(metrics)+len(properties)+2)
	for name, value := range properties {
		line[name] = value
	}
	var told []definition
	for _, m := range metrics {
		if m.Value != 0 {
			told = append(told, definition{m.Name, unit})
		}
		line[m.Name] = m.Value
	}
	line["Function"] = function
	if len(told) > 0 {
		line["_aws"] = metadata{
			Timestamp:         at.UnixMilli(),
			CloudWatchMetrics: []directive{{Namespace: namespace, Dimensions: [][]string{{}}, Metrics: told}},
		}
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
