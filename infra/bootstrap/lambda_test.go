package bootstrap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"seatwise/infra/testing/parts"
	"seatwise/infra/testing/runnerprocess"
)

const (
	// invokeWait bounds one invocation, the start of the process included.
	invokeWait = time.Minute
	// timeout is what the Runtime API tells a function that it has.
	timeout = 29 * time.Second
)

// binaries is the folder of what was built, one folder for each function; TestMain removes it.
var binaries string

func TestMain(m *testing.M) {
	var err error
	if binaries, err = os.MkdirTemp("", "seatwise-bootstrap-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(binaries); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// build makes a function's bootstrap by the rule that `sam build` calls, for this machine.
func build(t *testing.T, function string) string {
	t.Helper()
	parts.Belongs(t, parts.Bootstraps)
	root, err := runnerprocess.Root()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(binaries, function)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(
		t.Context(),
		"make",
		"--no-print-directory",
		"-s",
		"build-"+function,
		"ARCH="+runtime.GOARCH,
	)
	cmd.Dir, cmd.Env = root, append(os.Environ(), "ARTIFACTS_DIR="+folder)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v: %s", function, err, out)
	}
	return filepath.Join(folder, "bootstrap")
}

// lambda is one function's process and the Runtime API that it asks for work.
type lambda struct {
	function string
	cmd      *exec.Cmd
	log      output
	ended    chan struct{} // closed when the process is gone

	work    chan []byte
	results chan result
	number  int
}

// result is what a function posts of one invocation.
type result struct {
	id      string
	payload []byte
	failed  bool
}

// start runs a function's binary with nothing but this environment. It ends with the test.
func start(t *testing.T, function string, env map[string]string) *lambda {
	t.Helper()
	l := &lambda{function: function, ended: make(chan struct{}), work: make(chan []byte), results: make(chan result, 1)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: l.runtimeAPI()}
	go func() { _ = server.Serve(listener) }()
	l.cmd = exec.Command(build(t, function))
	l.cmd.Dir = t.TempDir()
	l.cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=" + function}
	for name, value := range env {
		l.cmd.Env = append(l.cmd.Env, name+"="+value)
	}
	l.cmd.Stdout, l.cmd.Stderr = &l.log, &l.log
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = l.cmd.Wait()
		close(l.ended)
	}()
	t.Cleanup(func() {
		_ = l.cmd.Process.Signal(syscall.SIGKILL)
		<-l.ended
		_ = server.Close()
		if t.Failed() {
			t.Logf("%s said:\n%s", function, l.log.String())
		}
	})
	return l
}

// runtimeAPI is the part of Lambda's Runtime API (2018-06-01) that a function speaks to.
func (l *lambda) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case event := <-l.work:
			l.number++
			h := w.Header()
			h.Set("Content-Type", "application/json")
			h.Set("Lambda-Runtime-Aws-Request-Id", "invocation-"+strconv.Itoa(l.number))
			h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(timeout).UnixMilli(), 10))
			h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:"+l.function)
			h.Set("Lambda-Runtime-Trace-Id", "Root=1-6741a0f2-0f1e2d3c4b5a69788796a5b4;Sampled=0")
			_, _ = w.Write(event)
		case <-r.Context().Done():
		}
	})
	take := func(failed bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			payload, err := io.ReadAll(r.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			w.WriteHeader(http.StatusAccepted)
			l.results <- result{r.PathValue("id"), payload, failed}
		}
	}
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", take(false))
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", take(true))
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", take(true))
	return mux
}

// invoke gives the function an event and returns what it posts.
func (l *lambda) invoke(t *testing.T, event any) result {
	t.Helper()
	payload, ok := event.([]byte)
	if !ok {
		var err error
		if payload, err = json.Marshal(event); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.NewTimer(invokeWait)
	defer deadline.Stop()
	work, results := l.work, (chan result)(nil)
	for {
		select {
		case work <- payload:
			work, results = nil, l.results
		case r := <-results:
			if want := "invocation-" + strconv.Itoa(l.number); r.id != want {
				t.Fatalf("%s answered %s, not %s", l.function, r.id, want)
			}
			return r
		case <-l.ended:
			t.Fatalf("%s ended unasked: %v", l.function, l.cmd.ProcessState)
		case <-deadline.C:
			t.Fatalf("%s did not answer within %s", l.function, invokeWait)
		}
	}
}

// response is an HTTP answer as the gateway gets it.
type response struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// http invokes the function with an HTTP API event and decodes the answer's body.
func (l *lambda) http(t *testing.T, event any, status int) object {
	t.Helper()
	r := l.invoke(t, event)
	var got response
	if err := json.Unmarshal(r.payload, &got); err != nil || r.failed {
		t.Fatalf("%s answered no HTTP event: %s", l.function, r.payload)
	}
	if got.StatusCode != status || got.IsBase64Encoded {
		t.Fatalf("%s answered %s, want %d", l.function, r.payload, status)
	}
	var body object
	if err := json.Unmarshal([]byte(got.Body), &body); err != nil {
		t.Fatalf("%s answered %s: %v", l.function, r.payload, err)
	}
	return body
}

type object = map[string]any

// event reads an event of the folder events.
func event(t *testing.T, name string) object {
	t.Helper()
	root, err := runnerprocess.Root()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(root, "events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var e object
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// request is an HTTP API event: the one of the folder events, made into another request of the
// caller with this permission.
func request(t *testing.T, method, path, permission string, body any) object {
	t.Helper()
	e := event(t, "licenses-http")
	e["rawPath"], e["routeKey"] = path, method+" "+path
	context, _ := e["requestContext"].(object)
	called, _ := context["http"].(object)
	called["method"], called["path"] = method, path
	authorizer, _ := context["authorizer"].(object)
	token, _ := authorizer["jwt"].(object)
	claims, _ := token["claims"].(object)
	claims["account"], claims["sub"], claims["permissions"] = account, "zoe", "["+permission+"]"
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		headers, _ := e["headers"].(object)
		headers["content-type"] = "application/json"
		e["body"] = string(data)
	}
	return e
}

// output keeps what a process writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// lines are what was written, each of which must be JSON.
func (o *output) lines(t *testing.T) []object {
	t.Helper()
	var all []object
	for line := range strings.Lines(o.String()) {
		var one object
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("a line of the log is not JSON: %q", line)
		}
		all = append(all, one)
	}
	return all
}
