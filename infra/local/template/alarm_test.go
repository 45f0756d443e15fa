package template_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/edge"
)

type metric struct {
	Namespace  string `yaml:"Namespace"`
	MetricName string `yaml:"MetricName"`
	Dimensions []struct {
		Name  string `yaml:"Name"`
		Value string `yaml:"Value"`
	} `yaml:"Dimensions"`
}

type alarm struct {
	Namespace  string `yaml:"Namespace"`
	MetricName string `yaml:"MetricName"`
	Dimensions []any  `yaml:"Dimensions"`
	Metrics    []struct {
		ID         string `yaml:"Id"`
		Expression string `yaml:"Expression"`
		MetricStat struct {
			Metric metric `yaml:"Metric"`
		} `yaml:"MetricStat"`
	} `yaml:"Metrics"`
}

type filter struct {
	LogGroupName          any    `yaml:"LogGroupName"`
	FilterPattern         string `yaml:"FilterPattern"`
	MetricTransformations []struct {
		MetricNamespace string `yaml:"MetricNamespace"`
		MetricName      string `yaml:"MetricName"`
	} `yaml:"MetricTransformations"`
}

// names are the metrics that filters of the log count.
func names(filters map[string]filter) []string {
	var all []string
	for _, f := range filters {
		for _, m := range f.MetricTransformations {
			all = append(all, m.MetricName)
		}
	}
	return all
}

// properties reads the properties of every resource of one type.
func properties[T any](t *testing.T, kind string) map[string]T {
	t.Helper()
	raw, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var s stack
	if err := yaml.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	all := map[string]T{}
	for id, r := range s.Resources {
		if r.Type != kind {
			continue
		}
		encoded, err := yaml.Marshal(r.Properties)
		if err != nil {
			t.Fatal(err)
		}
		var p T
		if err := yaml.Unmarshal(encoded, &p); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		all[id] = p
	}
	return all
}

// A throttled index is seen as well as a throttled table: DynamoDB counts them apart, and the index
// is the first.
func TestThrottledIndexesAreHeard(t *testing.T) {
	type table struct {
		GlobalSecondaryIndexes []struct {
			IndexName string `yaml:"IndexName"`
		} `yaml:"GlobalSecondaryIndexes"`
	}
	wanted := []string{""} // the table itself
	for _, index := range properties[table](t, "AWS::DynamoDB::Table")["Table"].GlobalSecondaryIndexes {
		wanted = append(wanted, index.IndexName)
	}
	if len(wanted) < 2 {
		t.Fatal("the table has no index")
	}
	for _, name := range []string{"ReadThrottleEvents", "WriteThrottleEvents"} {
		var heard []string
		for id, a := range properties[alarm](t, "AWS::CloudWatch::Alarm") {
			var sum string
			var ids []string
			for _, m := range a.Metrics {
				if m.Expression != "" {
					sum = m.Expression
				}
				if m.MetricStat.Metric.Namespace != "AWS/DynamoDB" || m.MetricStat.Metric.MetricName != name {
					continue
				}
				ids = append(ids, m.ID)
				index := ""
				for _, d := range m.MetricStat.Metric.Dimensions {
					if d.Name == "GlobalSecondaryIndexName" {
						index = d.Value
					}
				}
				heard = append(heard, index)
			}
			for _, one := range ids {
				if !bytes.Contains([]byte(sum), []byte(one)) {
					t.Errorf("%s does not count %s: %s", id, one, sum)
				}
			}
		}
		slices.Sort(heard)
		if !slices.Equal(heard, wanted) {
			t.Errorf("%s is heard of %q, want %q", name, heard, wanted)
		}
	}
}

// An alarm on a metric of our own rings for what a function writes when it answers a 500, or fails:
// name, namespace and dimensions are those of the line.
func TestAnsweredErrorsAreHeard(t *testing.T) {
	var out bytes.Buffer
	quiet := slog.New(slog.DiscardHandler)
	broken := http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	)
	e := edge.New(app.Function{HTTP: broken},
		edge.Options{Name: "PurchaseFunction", Clock: time.Now, Log: quiet, Metrics: &out})
	request := `{"version":"2.0","routeKey":"GET /v1/catalog","rawPath":"/v1/catalog","headers":{},"requestContext":{"stage":"$default","http":{"method":"GET","path":"/v1/catalog"}}}`
	if _, err := e.Invoke(context.Background(), []byte(request)); err != nil {
		t.Fatal(err)
	}
	var line struct {
		Errors float64
		AWS    struct {
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		} `json:"_aws"`
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line.Errors != 1 {
		t.Fatalf("a 500 is no error in %s", out.String())
	}
	filtered := properties[filter](t, "AWS::Logs::MetricFilter")
	rings := 0
	for id, a := range properties[alarm](t, "AWS::CloudWatch::Alarm") {
		for _, d := range line.AWS.CloudWatchMetrics {
			if a.Namespace != d.Namespace || slices.Contains(names(filtered), a.MetricName) {
				continue
			}
			written := slices.ContainsFunc(d.Metrics,
				func(m struct{ Name string }) bool { return m.Name == a.MetricName })
			together := slices.ContainsFunc(d.Dimensions, func(set []string) bool { return len(set) == 0 })
			if !written || !together || len(a.Dimensions) > 0 {
				t.Errorf("%s waits for %s with %v, and functions write %+v", id, a.MetricName, a.Dimensions, d)
			}
			if a.MetricName == "Errors" {
				rings++
			}
		}
	}
	if rings != 1 {
		t.Errorf("%d alarms hear of an answered 500, want 1", rings)
	}
}

// The dashboard is JSON once its references are filled in, and shows each metric that an alarm of
// ours waits for.
func TestTheDashboardShowsWhatAlarms(t *testing.T) {
	type dashboard struct {
		DashboardBody string `yaml:"DashboardBody"`
	}
	body := properties[dashboard](t, "AWS::CloudWatch::Dashboard")["Dashboard"].DashboardBody
	var read struct {
		Widgets []struct {
			Properties struct {
				Metrics [][]any
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &read); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	shown := map[string]bool{}
	for _, w := range read.Widgets {
		for _, m := range w.Properties.Metrics {
			if name, ok := m[0].(string); ok && len(m) > 1 {
				shown[fmt.Sprint(name, " ", m[1])] = true
			}
		}
	}
	for id, a := range properties[alarm](t, "AWS::CloudWatch::Alarm") {
		if a.Namespace == "AWS/Lambda" { // The dashboard shows it by function, which it finds by a search.
			continue
		}
		names := []string{a.Namespace + " " + a.MetricName}
		if a.MetricName == "" {
			names = nil
			for _, m := range a.Metrics {
				if m.Expression == "" {
					names = append(names, m.MetricStat.Metric.Namespace+" "+m.MetricStat.Metric.MetricName)
				}
			}
		}
		for _, name := range names {
			if !shown[name] {
				t.Errorf("%s waits for %s, which the dashboard does not show", id, name)
			}
		}
	}
}

// mostIdle is what all alarms may cost by the month, in cents: CloudWatch bills 10 for each metric
// that an alarm waits for (docs/cost.md).
const mostIdle = 150

// A stack that nobody uses pays for its alarms; so there are few, and each names a way to fail
// rather than a function.
func TestAlarmsAreFew(t *testing.T) {
	cents := 0
	for _, a := range properties[alarm](t, "AWS::CloudWatch::Alarm") {
		if a.MetricName != "" {
			cents += 10
		}
		for _, m := range a.Metrics {
			if m.Expression == "" {
				cents += 10
			}
		}
	}
	if cents == 0 || cents > mostIdle {
		t.Errorf("alarms cost %d cents a month, want at most %d", cents, mostIdle)
	}
}

// Every metric that a filter of the log counts is one that an alarm waits for.
func TestFilteredLinesAreHeard(t *testing.T) {
	filters := properties[filter](t, "AWS::Logs::MetricFilter")
	if len(filters) == 0 {
		t.Fatal("nothing counts the invocations that failed")
	}
	for _, name := range names(filters) {
		heard := false
		for _, a := range properties[alarm](t, "AWS::CloudWatch::Alarm") {
			heard = heard || a.Namespace == "Seatwise" && a.MetricName == name && len(a.Dimensions) == 0
		}
		if !heard {
			t.Errorf("no alarm hears of %s", name)
		}
	}
}
