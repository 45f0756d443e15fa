package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seatwise/infra/local/template"
	"seatwise/shared/platform/events"
)

const eventsFolder = "../../events"

// kebab is how a logical id or an event's name is written in a file's name:
// MassConfigurationCheckFunction and Dropped make mass-configuration-check-dropped.
func kebab(id string) string {
	id = strings.TrimSuffix(id, "Function")
	return strings.ToLower(regexp.MustCompile(`([a-z0-9])([A-Z])`).ReplaceAllString(id, "$1-$2"))
}

// expected says for each trigger of the template which file in events/ is its event, and to which
// functions it goes.
func expected(t *testing.T) map[string][]string {
	t.Helper()
	app, err := template.Load("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]string{}
	add := func(name, function string) {
		if !slices.Contains(files[name], function) {
			files[name] = append(files[name], function)
		}
	}
	for _, r := range app.Routes {
		add(kebab(r.Function)+"-http", r.Function)
	}
	for _, trigger := range app.Triggers {
		add(kebab(trigger.Function)+"-"+kebab(trigger.Name), trigger.Function)
		add("s3-test", trigger.Function) // S3 sends it to each function when notifications are set up
	}
	for _, s := range app.Sources {
		add(kebab(s.Function)+"-"+kebab(s.Name), s.Function)
	}
	for _, s := range app.Schedules {
		add(kebab(s.Function)+"-"+kebab(s.Name), s.Function)
	}
	return files
}

func TestEveryTriggerHasItsEventAndEveryEventItsTrigger(t *testing.T) {
	files := expected(t)
	for name := range files {
		if _, err := os.Stat(filepath.Join(eventsFolder, name+".json")); err != nil {
			t.Errorf("events/%s.json is missing: %v", name, err)
		}
	}
	there, err := filepath.Glob(filepath.Join(eventsFolder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range there {
		if name := strings.TrimSuffix(filepath.Base(path), ".json"); files[name] == nil {
			t.Errorf("%s is no trigger's event", filepath.Base(path))
		}
	}
}

func TestEveryFunctionHasItsFolder(t *testing.T) {
	app, err := template.Load("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob("../../functions/*")
	if err != nil {
		t.Fatal(err)
	}
	if len(folders) != len(app.Functions) {
		t.Errorf("%d folders in functions, %d functions in the template", len(folders), len(app.Functions))
	}
	for id := range app.Functions {
		if _, err := os.Stat(filepath.Join("../../functions", kebab(id), "main.go")); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// lines is a writer that a test can wait on.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

var addresses = regexp.MustCompile(`API (http://\S+), S3 (http://\S+),`)

// start runs the command itself on free ports.
func start(t *testing.T, args ...string) (api, s3 string, log *lines) {
	t.Helper()
	keepTemp(t)
	data := t.TempDir() // before the clean-up below, so that the folder goes after the runner has ended
	ctx, cancel := context.WithCancel(context.Background())
	out, log := &lines{}, &lines{}
	ended := make(chan error, 1)
	go func() {
		args := append(
			[]string{
				"--addr",
				"127.0.0.1:0",
				"--s3-addr",
				"127.0.0.1:0",
				"--data",
				data,
				"--template",
				"../../template.yaml",
				"--no-schedules",
			},
			args...,
		)
		ended <- run(ctx, args, func(string) string { return "" }, out, log)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the runner ended with %v", err)
		}
	})
	for limit := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if found := addresses.FindStringSubmatch(out.String()); found != nil {
			return found[1], found[2], log
		}
		select {
		case err := <-ended:
			ended <- nil
			t.Fatalf("not started: %v", err)
		default:
		}
		if time.Now().After(limit) {
			t.Fatal("not ready in time")
		}
	}
}

// invoke calls a function by the Lambda Invoke API.
func invoke(t *testing.T, api, function string, payload []byte) (answer string, fault error) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost,
		api+"/2015-03-31/functions/"+function+"/invocations", bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("X-Amz-Function-Error") != "" {
		return "", errors.New(string(body))
	}
	return string(body), nil
}

// TestEveryEventIsTakenByItsFunction feeds each file to its function, twice: events come twice. An
// HTTP event must be answered well, any other must not fail; objects that an S3 event names and
// that are not there are an event's everyday fate.
func TestEveryEventIsTakenByItsFunction(t *testing.T) {
	api, _, log := start(t)
	files := expected(t)
	// What the other HTTP events ask about must be there first.
	order := []string{"accounts-http", "directory-http"}
	for name := range files {
		if name != order[0] && name != order[1] {
			order = append(order, name)
		}
	}
	for _, name := range order {
		payload, err := os.ReadFile(filepath.Join(eventsFolder, name+".json"))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, function := range files[name] {
			for range 2 {
				answer, err := invoke(t, api, function, payload)
				if err != nil {
					t.Errorf("%s, %s: %v", name, function, err)
				} else if strings.HasSuffix(name, "-http") {
					wellAnswered(t, name, answer)
				} else if again, err := events.Failed([]byte(answer)); err == nil && len(again) > 0 {
					t.Errorf("%s, %s: %s are to come again", name, function, again)
				}
			}
		}
	}
	if text := log.String(); strings.Contains(text, `"panic"`) {
		t.Errorf("a function panicked: %s", text)
	}
}

func wellAnswered(t *testing.T, name, answer string) {
	t.Helper()
	var got struct {
		StatusCode int
		Headers    map[string]string
		Body       string
	}
	// The id of an order is the server's own, so that of the file is in no account.
	if err := json.Unmarshal([]byte(answer), &got); err != nil ||
		got.StatusCode/100 != 2 && (name != "statement-http" || got.StatusCode != http.StatusNotFound) {
		t.Errorf("%s: %s, %v", name, answer, err)
	}
	if media := map[string]string{"console-http": "text/html", "template-http": "text/csv"}[name]; media != "" {
		if !strings.HasPrefix(got.Headers["Content-Type"], media) {
			t.Errorf("%s: not %s: %s", name, media, answer)
		}
		return
	}
	if !json.Valid([]byte(got.Body)) ||
		!strings.HasPrefix(got.Headers["Content-Type"], "application/") ||
		!strings.HasSuffix(got.Headers["Content-Type"], "json") {
		t.Errorf("%s: not JSON: %s", name, answer)
	}
}
