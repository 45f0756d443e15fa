package template_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"seatwise/infra/local/schedule"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/edge"
	"seatwise/shared/platform/table"
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
	Namespace          string  `yaml:"Namespace"`
	MetricName         string  `yaml:"MetricName"`
	Dimensions         []any   `yaml:"Dimensions"`
	Statistic          string  `yaml:"Statistic"`
	EvaluationPeriods  int     `yaml:"EvaluationPeriods"`
	Threshold          float64 `yaml:"Threshold"`
	ComparisonOperator string  `yaml:"ComparisonOperator"`
	Metrics            []struct {
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

// told is what functions write when they answer with a 500, fail to carry out an event, and are
// refused for load by the table: by name of the metric, its value.
func told(t *testing.T, times int) map[string]float64 {
	t.Helper()
	var out bytes.Buffer
	quiet := slog.New(slog.DiscardHandler)
	tally := new(table.Tally)
	options := edge.Options{Name: "PurchaseFunction", Clock: time.Now, Log: quiet, Metrics: &out, Tally: tally}
	broken := http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	)
	serving := edge.New(app.Function{HTTP: broken}, options)
	working := edge.New(app.Function{Event: func(context.Context, []byte) error {
		return errors.New("it cannot be done")
	}}, options)
	request := `{"version":"2.0","routeKey":"GET /v1/catalog","rawPath":"/v1/catalog","headers":{},"requestContext":{"stage":"$default","http":{"method":"GET","path":"/v1/catalog"}}}`
	for range times {
		tally.Throttled()
		if _, err := serving.Invoke(t.Context(), []byte(request)); err != nil {
			t.Fatal(err)
		}
		if _, err := working.Invoke(t.Context(), []byte(`{"source":"aws.events"}`)); err == nil {
			t.Fatal("an event that cannot be carried out is carried out")
		}
	}
	return read(t, out.Bytes())
}

// read adds up the metrics of lines in embedded metric format, as CloudWatch does.
func read(t *testing.T, lines []byte) map[string]float64 {
	t.Helper()
	sums := map[string]float64{}
	for line := range bytes.Lines(lines) {
		var directives struct {
			AWS struct {
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name string }
				}
			} `json:"_aws"`
		}
		var values map[string]any
		if err := errors.Join(json.Unmarshal(line, &directives), json.Unmarshal(line, &values)); err != nil {
			t.Fatal(err)
		}
		for _, d := range directives.AWS.CloudWatchMetrics {
			if len(d.Dimensions) != 1 || len(d.Dimensions[0]) != 0 {
				t.Errorf("dimensions %v: an alarm wants all functions together", d.Dimensions)
			}
			for _, m := range d.Metrics {
				value, _ := values[m.Name].(float64)
				sums[d.Namespace+" "+m.Name] += value
			}
		}
	}
	return sums
}

// rings says whether an alarm on one metric rings after these periods, the last ones of which count.
// Nothing is missing.
func (a alarm) rings(periods ...float64) bool {
	last := periods[max(0, len(periods)-a.EvaluationPeriods):]
	within := func(v float64) bool { return v <= a.Threshold }
	return len(last) == a.EvaluationPeriods && !slices.ContainsFunc(last, within)
}

// Each alarm on a metric of our own rings for what the functions themselves write.
func TestWhatFunctionsTellIsHeard(t *testing.T) {
	none, few, many := map[string]float64{}, told(t, 1), told(t, 60)
	heard := 0
	for id, a := range properties[alarm](t, "AWS::CloudWatch::Alarm") {
		if a.Namespace != "Seatwise" {
			continue
		}
		heard++
		if len(a.Dimensions) > 0 || a.ComparisonOperator != "GreaterThanThreshold" || a.Statistic != "Sum" {
			t.Errorf("%s is over some functions only: %+v", id, a)
		}
		name := a.Namespace + " " + a.MetricName
		if !a.rings(many[name], many[name], many[name]) {
			t.Errorf("%s does not ring for %v", id, many)
		}
		if a.rings(none[name], none[name], none[name]) || a.rings(many[name], many[name], none[name]) {
			t.Errorf("%s rings when all is well", id)
		}
		// Nobody is woken by a request that DynamoDB refused once and took then; by every answered 500.
		if got, want := a.rings(few[name], few[name], few[name]), a.MetricName != "Throttled"; got != want {
			t.Errorf("%s rings for one: %t, want %t", id, got, want)
		}
	}
	if heard != 2 {
		t.Errorf("%d alarms are on metrics of our own, want those of errors and of throttles", heard)
	}
}

// Metrics of AWS make these alarms ring, and these do not.
func TestWhenAlarmsRing(t *testing.T) {
	all := properties[alarm](t, "AWS::CloudWatch::Alarm")
	for _, c := range []struct {
		id      string
		periods []float64
		rings   bool
	}{
		{"ApiErrorsAlarm", []float64{0}, false},
		{"ApiErrorsAlarm", []float64{1}, true},
		{"LatencyAlarm", []float64{2100, 2100, 2100}, true},
		{"LatencyAlarm", []float64{9000, 300, 2100}, false}, // a process that starts is slow once
		{"LatencyAlarm", []float64{1900, 1900, 1900}, false},
		{"FailedEventsAlarm", []float64{1}, true},
		{"FailedEventsAlarm", []float64{0}, false},
		{"UnfinishedWorkAlarm", []float64{3700}, true},
		{"UnfinishedWorkAlarm", []float64{3500}, false}, // the third try may come after an hour
		{"ConcurrencyAlarm", []float64{81}, true},
		{"ConcurrencyAlarm", []float64{79}, false},
		{"SchedulesAlarm", []float64{0, 1}, false}, // when the stack is made
		{"SchedulesAlarm", []float64{1, 1}, true},
	} {
		if got := all[c.id].rings(c.periods...); got != c.rings {
			t.Errorf("%s after %v rings: %t, want %t", c.id, c.periods, got, c.rings)
		}
	}
}

// often says whether a schedule runs within the two hours that its alarm waits. What runs once a day is
// folded for operators, and nobody is woken for it.
func often(t *testing.T, expression string) bool {
	t.Helper()
	e, err := schedule.Parse(expression)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return !e.Next(e.Next(at)).After(e.Next(at).Add(2 * time.Hour))
}

// A schedule that does not run is heard, whichever it is that runs often.
func TestEverySchedulesRunIsWaitedFor(t *testing.T) {
	var want, got []string
	for id, f := range functions(t) {
		for _, e := range f.Events {
			if e.Type == "Schedule" && often(t, e.Properties.Schedule) {
				want = append(want, id)
			}
		}
	}
	expression := ""
	for _, m := range properties[alarm](t, "AWS::CloudWatch::Alarm")["SchedulesAlarm"].Metrics {
		if m.Expression != "" {
			expression = m.Expression
		}
	}
	for _, m := range properties[alarm](t, "AWS::CloudWatch::Alarm")["SchedulesAlarm"].Metrics {
		if m.Expression != "" {
			continue
		}
		for _, d := range m.MetricStat.Metric.Dimensions {
			got = append(got, d.Value)
		}
		if !strings.Contains(expression, "FILL("+m.ID+", 0) < 1") {
			t.Errorf("the runs of %s are not waited for in %s", m.ID, expression)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("the runs of %v are waited for, want %v", got, want)
	}
}

// Who is woken by an alarm finds a page of it: what users feel, what to look at, what to do.
func TestEveryAlarmHasAPage(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{}
	for section := range strings.SplitSeq(string(raw), "\n### ") {
		title, text, _ := strings.Cut(section, "\n")
		pages[title], _, _ = strings.Cut(text, "\n## ")
	}
	alarms := properties[alarm](t, "AWS::CloudWatch::Alarm")
	for id := range alarms {
		for _, part := range []string{"**Users feel:**", "**Look at:**", "**Do:**"} {
			if !strings.Contains(pages[id], part) {
				t.Errorf("the page of %s in docs/operations.md lacks %s", id, part)
			}
		}
	}
	for title := range pages {
		if _, is := alarms[title]; strings.HasSuffix(title, "Alarm") && !is {
			t.Errorf("docs/operations.md has a page of %s, which is no alarm", title)
		}
	}
}

// TestARestoredTableTakesThePlaceOfTheStacksOwn in everything that names the table: what the functions are told, what
// they may touch, the dashboard and the output.
func TestARestoredTableTakesThePlaceOfTheStacksOwn(t *testing.T) {
	raw, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for line := range strings.Lines(string(raw)) {
		own := strings.Contains(line, "Table.Arn") || strings.Contains(line, "!Ref Table]") ||
			strings.Contains(line, "!Ref Table\n")
		if !own {
			continue
		}
		named++
		if !strings.Contains(line, "!If [HasRestored, ") || !strings.Contains(line, "RestoredTable") {
			t.Errorf("the stack's own table is named whatever RestoredTable says: %s", strings.TrimSpace(line))
		}
	}
	if named < 60 {
		t.Errorf("the table is named in %d places", named)
	}
}

// The dashboard is JSON once its references are filled in, and shows each metric that an alarm of
// ours waits for.
func TestTheDashboardShowsWhatAlarms(t *testing.T) {
	type dashboard struct {
		DashboardBody []any `yaml:"DashboardBody"` // the text, and which table it is about
	}
	body := fmt.Sprint(properties[dashboard](t, "AWS::CloudWatch::Dashboard")["Dashboard"].DashboardBody[0])
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
const mostIdle = 110

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
