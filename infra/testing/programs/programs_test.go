package programs_test

import (
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"seatwise/infra/testing/programs"
)

// Started says in the environment of this test's child which server to start and then to die with.
const started = "SEATWISE_TESTENV_CHILD"

// TestServersDieWithTheTest kills a test process that has started servers, and sees them end.
func TestServersDieWithTheTest(t *testing.T) {
	if os.Getenv(started) != "" {
		s := programs.VersityGW(t)
		if _, err := os.Stdout.WriteString(s.URL + "\n"); err != nil {
			t.Fatal(err)
		}
		select {} // Until killed.
	}
	programs.VersityGW(t) // Skips, or fails, here rather than in the child.
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), exe, "-test.run=^TestServersDieWithTheTest$")
	child.Env = append(os.Environ(), started+"=yes")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 200)
	n, err := out.Read(line)
	if err != nil {
		t.Fatalf("read the server's address: %v", err)
	}
	url := string(line[:n-1])
	if !answers(t, url) {
		t.Fatalf("nothing answers at %q", url)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // Killed, as was meant.
	for deadline := time.Now().Add(10 * time.Second); answers(t, url); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the server at %s outlives its test", url)
		}
	}
}

func answers(t *testing.T, url string) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil
}

// TestServersStart starts each server and finds it at the same place the second time.
func TestServersStart(t *testing.T) {
	for name, start := range map[string]func(testing.TB) programs.Server{
		"DynamoDB": programs.DynamoDB, "Moto": programs.Moto, "VersityGW": programs.VersityGW,
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			if os.Getenv(programs.DynamoDBEndpoint) == "" && !answers(t, s.URL) {
				t.Errorf("nothing answers at %s", s.URL)
			}
			if again := start(t); again != s {
				t.Errorf("the second time it is at %s, not %s", again.URL, s.URL)
			}
		})
	}
}
