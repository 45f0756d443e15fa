// Package template reads what template.yaml connects to which function: routes, S3 triggers and
// schedules. What it does not understand it refuses, so that one machine never runs less than AWS
// without saying so.
package template

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

const (
	functionType = "AWS::Serverless::Function"
	apiType      = "AWS::Serverless::HttpApi"
	bucketType   = "AWS::S3::Bucket"
	queueType    = "AWS::SQS::Queue"

	// defaultTimeout is SAM's for a function that names none.
	defaultTimeout = 3 * time.Second
)

// Template is the part of the application that a runner needs.
type Template struct {
	// Functions by logical id.
	Functions map[string]Function
	// Routes, Triggers, Schedules and Sources are sorted, so that equal templates read equal.
	Routes    []Route
	Triggers  []Trigger
	Schedules []Schedule
	Sources   []Source
	// Buckets are the logical ids of the buckets, sorted.
	Buckets []string
	// Default and Options are the functions that answer what no route takes, and OPTIONS of any
	// path; empty when the template has none.
	Default, Options string
}

// Function is one Lambda function.
type Function struct {
	ID      string
	Timeout time.Duration
}

// Route is one method and path of the HTTP API.
type Route struct {
	Function string
	Method   string
	// Path has parameters as {name}, each one whole segment. {proxy+} at the end stands for one
	// segment or more.
	Path string
	// Open routes need no token.
	Open bool
}

// Trigger connects created objects to a function.
type Trigger struct {
	Function string
	// Name is the event's logical id within the function.
	Name string
	// Bucket is a logical id.
	Bucket string
	// Events are names such as s3:ObjectCreated:*.
	Events []string
	// Prefix and Suffix must both match the key; empty ones always do.
	Prefix, Suffix string
}

// Matches says whether an event with this name, such as ObjectCreated:Put, on this key fires the
// trigger.
func (t Trigger) Matches(event, key string) bool {
	if !strings.HasPrefix(key, t.Prefix) || !strings.HasSuffix(key, t.Suffix) {
		return false
	}
	return slices.ContainsFunc(t.Events, func(pattern string) bool {
		pattern = strings.TrimPrefix(pattern, "s3:")
		if all, ok := strings.CutSuffix(pattern, "*"); ok {
			return strings.HasPrefix(event, all)
		}
		return event == pattern
	})
}

// Schedule fires a function by the clock.
type Schedule struct {
	Function string
	// Name is the event's logical id within the function.
	Name string
	// Expression is rate(...) or cron(...).
	Expression string
}

// Source delivers the messages of a queue to a function.
type Source struct {
	Function string
	// Name is the event's logical id within the function, and Queue that of the queue.
	Name, Queue string
	// Concurrency is how many invocations there are at once at most, and Tries how often a message is
	// delivered before it is set aside.
	Concurrency, Tries int
}

// The document. Intrinsic functions are tags to the YAML reader and leave their argument: !Ref
// Table reads as "Table".
type document struct {
	Globals struct {
		Function struct {
			Timeout int `yaml:"Timeout"`
		} `yaml:"Function"`
	} `yaml:"Globals"`
	Resources map[string]resource `yaml:"Resources"`
}

type resource struct {
	Type       string `yaml:"Type"`
	Properties struct {
		Timeout int              `yaml:"Timeout"`
		Events  map[string]event `yaml:"Events"`
		Auth    struct {
			DefaultAuthorizer string `yaml:"DefaultAuthorizer"`
		} `yaml:"Auth"`
		// Of a queue.
		RedrivePolicy struct {
			MaxReceiveCount int `yaml:"maxReceiveCount"`
		} `yaml:"RedrivePolicy"`
		VisibilityTimeout int `yaml:"VisibilityTimeout"`
	} `yaml:"Properties"`
}

type event struct {
	Type       string `yaml:"Type"`
	Properties struct {
		// HttpApi
		APIID  string `yaml:"ApiId"`
		Method string `yaml:"Method"`
		Path   string `yaml:"Path"`
		Auth   struct {
			Authorizer string `yaml:"Authorizer"`
		} `yaml:"Auth"`
		// S3
		Bucket string `yaml:"Bucket"`
		Events any    `yaml:"Events"`
		Filter struct {
			S3Key struct {
				Rules []struct {
					Name  string `yaml:"Name"`
					Value string `yaml:"Value"`
				} `yaml:"Rules"`
			} `yaml:"S3Key"`
		} `yaml:"Filter"`
		// Schedule
		Schedule string `yaml:"Schedule"`
		Enabled  *bool  `yaml:"Enabled"`
		Input    string `yaml:"Input"`
		// SQS
		Queue         string   `yaml:"Queue"`
		ResponseTypes []string `yaml:"FunctionResponseTypes"`
		ScalingConfig struct {
			MaximumConcurrency int `yaml:"MaximumConcurrency"`
		} `yaml:"ScalingConfig"`
	} `yaml:"Properties"`
}

// Load reads the template at a path.
func Load(path string) (*Template, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	t, err := Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", path, err)
	}
	return t, nil
}

// OfRepository reads the template.yaml of the repository that the working directory is in: programs
// that are no server run from anywhere in it.
func OfRepository() (*Template, error) {
	at, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("find template.yaml: %w", err)
	}
	for {
		t, err := Load(filepath.Join(at, "template.yaml"))
		if up := filepath.Dir(at); errors.Is(err, fs.ErrNotExist) && up != at {
			at = up
			continue
		}
		return t, err
	}
}

// Parse reads a template.
func Parse(raw []byte) (*Template, error) {
	var doc document
	// A resource of another type may have a property of the same name and another shape, so
	// properties are read for the types in question only.
	var types struct {
		Resources map[string]struct {
			Type string `yaml:"Type"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(raw, &types); err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	var loose struct {
		Globals   any            `yaml:"Globals"`
		Resources map[string]any `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(raw, &loose); err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	for id, r := range types.Resources {
		switch r.Type {
		case functionType, apiType, bucketType, queueType:
		default:
			delete(loose.Resources, id)
		}
	}
	narrowed, err := yaml.Marshal(loose)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if err := yaml.Unmarshal(narrowed, &doc); err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	t := &Template{Functions: map[string]Function{}}
	for id, r := range doc.Resources {
		switch r.Type {
		case bucketType:
			t.Buckets = append(t.Buckets, id)
		case functionType:
			t.Functions[id] = Function{ID: id, Timeout: timeout(r.Properties.Timeout, doc.Globals.Function.Timeout)}
			for name, e := range r.Properties.Events {
				if err := t.connect(doc, id, name, e); err != nil {
					return nil, fmt.Errorf("function %s, event %s: %w", id, name, err)
				}
			}
		}
	}
	if len(t.Functions) == 0 {
		return nil, fmt.Errorf("it has no %s", functionType)
	}
	t.sort()
	return t, t.check()
}

func timeout(own, global int) time.Duration {
	switch {
	case own > 0:
		return time.Duration(own) * time.Second
	case global > 0:
		return time.Duration(global) * time.Second
	default:
		return defaultTimeout
	}
}

func (t *Template) connect(doc document, function, name string, e event) error {
	switch e.Type {
	case "HttpApi":
		return t.connectRoute(doc, function, e)
	case "S3":
		return t.connectTrigger(doc, function, name, e)
	case "Schedule":
		return t.connectSchedule(function, name, e)
	case "SQS":
		return t.connectSource(doc, function, name, e)
	default:
		return fmt.Errorf("events of type %q cannot be run on one machine", e.Type)
	}
}

func (t *Template) connectRoute(doc document, function string, e event) error {
	p := e.Properties
	api, ok := doc.Resources[p.APIID]
	if !ok || api.Type != apiType {
		return fmt.Errorf("its ApiId must be a !Ref to an %s", apiType)
	}
	if p.Path == "$default" && strings.EqualFold(p.Method, "ANY") {
		t.Default = function
		return nil
	}
	if strings.EqualFold(p.Method, http.MethodOptions) && p.Path == "/{proxy+}" {
		t.Options = function
		return nil
	}
	fixed := strings.TrimSuffix(p.Path, "/{proxy+}")
	if p.Method == "" || strings.EqualFold(p.Method, "ANY") || !strings.HasPrefix(fixed, "/") ||
		strings.Contains(fixed, "+}") {
		return fmt.Errorf(
			"a route needs one method and a path that has {proxy+} at its end alone, or is ANY $default or OPTIONS /{proxy+}",
		)
	}
	if p.Path != "/" && strings.HasSuffix(p.Path, "/") {
		return errors.New("a route with a slash at its end is not made: the gateway knows none")
	}
	authorizer := api.Properties.Auth.DefaultAuthorizer
	if p.Auth.Authorizer != "" {
		authorizer = p.Auth.Authorizer
	}
	t.Routes = append(t.Routes, Route{
		Function: function,
		Method:   strings.ToUpper(p.Method),
		Path:     p.Path,
		Open:     authorizer == "" || authorizer == "NONE",
	})
	return nil
}

func (t *Template) connectTrigger(doc document, function, name string, e event) error {
	p := e.Properties
	if bucket, ok := doc.Resources[p.Bucket]; !ok || bucket.Type != bucketType {
		return fmt.Errorf("its Bucket must be a !Ref to an %s", bucketType)
	}
	trigger := Trigger{Function: function, Name: name, Bucket: p.Bucket}
	switch events := p.Events.(type) {
	case string:
		trigger.Events = []string{events}
	case []any:
		for _, one := range events {
			trigger.Events = append(trigger.Events, fmt.Sprint(one))
		}
	default:
		return fmt.Errorf("it has no Events")
	}
	for _, rule := range p.Filter.S3Key.Rules {
		switch rule.Name {
		case "prefix":
			trigger.Prefix = rule.Value
		case "suffix":
			trigger.Suffix = rule.Value
		default:
			return fmt.Errorf("a filter rule is prefix or suffix, not %q", rule.Name)
		}
	}
	t.Triggers = append(t.Triggers, trigger)
	return nil
}

func (t *Template) connectSchedule(function, name string, e event) error {
	p := e.Properties
	if p.Schedule == "" || p.Input != "" {
		return fmt.Errorf("a schedule needs an expression and no Input: functions take their time from the event")
	}
	if p.Enabled != nil && !*p.Enabled {
		return nil
	}
	t.Schedules = append(t.Schedules, Schedule{Function: function, Name: name, Expression: p.Schedule})
	return nil
}

// connectSource refuses what would fail a message because of another, or lose it, and what would deliver
// one again while its function may still be at it.
func (t *Template) connectSource(doc document, function, name string, e event) error {
	id := strings.TrimSuffix(e.Properties.Queue, ".Arn")
	queue, ok := doc.Resources[id]
	if !ok || queue.Type != queueType {
		return fmt.Errorf("its Queue must be the Arn of an %s", queueType)
	}
	tries, concurrency := queue.Properties.RedrivePolicy.MaxReceiveCount, e.Properties.ScalingConfig.MaximumConcurrency
	longest := timeout(doc.Resources[function].Properties.Timeout, doc.Globals.Function.Timeout)
	switch {
	case tries < 1:
		return fmt.Errorf("%s has no RedrivePolicy: a message that fails would come for ever", id)
	case time.Duration(queue.Properties.VisibilityTimeout)*time.Second <= longest:
		return fmt.Errorf("%s delivers a message again before its function can have ended", id)
	case !slices.Equal(e.Properties.ResponseTypes, []string{"ReportBatchItemFailures"}):
		return errors.New("it must have the function answer by ReportBatchItemFailures")
	case concurrency < 1:
		return errors.New("it has no MaximumConcurrency: all accounts at once would use up that of the functions")
	}
	t.Sources = append(t.Sources, Source{
		Function: function, Name: name, Queue: id, Concurrency: concurrency, Tries: tries,
	})
	return nil
}

func (t *Template) sort() {
	sort.Strings(t.Buckets)
	sort.Slice(t.Routes, func(i, j int) bool {
		a, b := t.Routes[i], t.Routes[j]
		return a.Path+" "+a.Method < b.Path+" "+b.Method
	})
	sort.Slice(t.Triggers, func(i, j int) bool {
		a, b := t.Triggers[i], t.Triggers[j]
		return a.Function+" "+a.Name < b.Function+" "+b.Name
	})
	sort.Slice(t.Sources, func(i, j int) bool {
		a, b := t.Sources[i], t.Sources[j]
		return a.Function+" "+a.Name < b.Function+" "+b.Name
	})
	sort.Slice(t.Schedules, func(i, j int) bool {
		a, b := t.Schedules[i], t.Schedules[j]
		return a.Function+" "+a.Name < b.Function+" "+b.Name
	})
}

// check refuses two functions for one route: API Gateway would, too.
func (t *Template) check() error {
	seen := map[string]string{}
	for _, r := range t.Routes {
		// Parameters of other names are the same route.
		segments := strings.Split(r.Path, "/")
		for i, s := range segments {
			if strings.HasPrefix(s, "{") {
				segments[i] = "{}"
			}
		}
		route := r.Method + " " + strings.Join(segments, "/")
		if other, twice := seen[route]; twice {
			return fmt.Errorf("%s %s belongs to %s and to %s", r.Method, r.Path, other, r.Function)
		}
		seen[route] = r.Function
	}
	return nil
}
