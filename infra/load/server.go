package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"seatwise/infra/local/token"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/wire"
)

// server is a started process.
type server struct {
	url  string
	stop func()
}

// readyLine is what both processes print when they serve.
var readyLine = regexp.MustCompile(`ready: API (http://\S+?)[,\s]`)

// start starts a command and waits until it says where it serves.
func start(cmd *exec.Cmd) (*server, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may be gone
		_ = cmd.Wait()
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := readyLine.FindStringSubmatch(lines.Text() + " "); m != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }() // it ends with the process
			return &server{url: m[1], stop: stop}, nil
		}
	}
	stop()
	return nil, fmt.Errorf("%s did not say that it is ready", cmd.Path)
}

// startRunner starts the runner, which it builds unless it is there already.
func startRunner(ctx context.Context, folder, bin string) (*server, error) {
	if bin == "" {
		bin = filepath.Join(folder, "local")
		if built, err := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", bin, "seatwise/infra/local").
			CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build the runner: %w: %s", err, built)
		}
	}
	return start(
		exec.CommandContext(
			ctx,
			bin,
			"--addr",
			"127.0.0.1:0",
			"--s3-addr",
			"127.0.0.1:0",
			"--data",
			filepath.Join(folder, "data"),
			"--no-schedules",
			"--log-level",
			"WARN",
		),
	)
}

func startFloor(ctx context.Context, folder string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(exec.CommandContext(ctx, self, "-floor", folder))
}

// puts are the items that an assignment writes, by about how many bytes each has in the store, its
// entries in the indexes included: user, license, entry that moves in an index, count, audit entry,
// and its entries in the indexes.
var puts = []int{350, 650, 200, 120, 700, 450}

// commit is one caller's puts.
type commit struct {
	body []byte
	done chan error
}

// serveFloor is what there is at least between a client and a disk: the route, the token, the JSON,
// and one transaction of the file for all that wait.
func serveFloor(ctx context.Context, folder string, out io.Writer) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	db, err := bbolt.Open(
		filepath.Join(folder, "floor.bolt"),
		0o600,
		&bbolt.Options{FreelistType: bbolt.FreelistMapType},
	)
	if err != nil {
		return err
	}
	authority, err := token.Open(filepath.Join(folder, "token-key.pem"), wire.Clock)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	commits := make(chan *commit)
	go func() {
		for first := range commits {
			flush(db, gather(commits, first))
		}
	}()
	mux := http.NewServeMux()
	mux.HandleFunc(
		"POST /v1/accounts/{account}/assignments",
		func(w http.ResponseWriter, r *http.Request) { floorAssign(w, r, authority, commits) },
	)
	mux.HandleFunc("POST /local/token", func(w http.ResponseWriter, _ *http.Request) { floorToken(w, authority) })
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, db.Close())
	}
	fmt.Fprintf(out, "The floor is ready: API http://%s\n", l.Addr())
	s := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return errors.Join(err, db.Close())
	}
	return db.Close()
}

func gather(commits <-chan *commit, first *commit) []*commit {
	batch := []*commit{first}
	runtime.Gosched()
	for {
		select {
		case c := <-commits:
			batch = append(batch, c)
		default:
			return batch
		}
	}
}

func flush(db *bbolt.DB, batch []*commit) {
	err := db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("items"))
		if err != nil {
			return err
		}
		for _, c := range batch {
			for n, size := range puts {
				value := bytes.Repeat(c.body[:1], size)
				if err := b.Put(fmt.Appendf(nil, "%s#%d", wire.IDs{}.Random(), n), value); err != nil {
					return err
				}
			}
		}
		return nil
	})
	for _, c := range batch {
		c.done <- err
	}
}

type floorBody struct {
	Atomic bool `json:"atomic"`
	Items  []struct {
		ProductID string `json:"productId"`
		UserID    string `json:"userId"`
	} `json:"items"`
}

func floorAssign(w http.ResponseWriter, r *http.Request, authority *token.Authority, commits chan<- *commit) {
	if _, err := authority.Check(r.Header.Get("Authorization")); err != nil {
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var body floorBody
	if err != nil || json.NewDecoder(bytes.NewReader(raw)).Decode(&body) != nil || len(body.Items) == 0 {
		http.Error(w, "malformed", http.StatusBadRequest)
		return
	}
	c := &commit{body: raw, done: make(chan error, 1)}
	commits <- c
	if err := <-c.done; err != nil {
		http.Error(w, "not stored", http.StatusInternalServerError)
		return
	}
	item := body.Items[0]
	w.Header().Set("Content-Type", "application/json")
	// the client is gone if this fails
	_ = json.NewEncoder(w).Encode(map[string]any{"succeeded": 1, "failed": 0, "results": []any{map[string]any{
		"index": 0, "status": "succeeded", "license": map[string]any{
			"id":         wire.IDs{}.Random(),
			"productId":  item.ProductID,
			"userId":     item.UserID,
			"kind":       "seat",
			"status":     "assigned",
			"addedAt":    wire.Clock(),
			"assignedAt": wire.Clock(),
			"grants":     []any{map[string]any{"source": "direct", "since": wire.Clock()}},
		},
	}}})
}

func floorToken(w http.ResponseWriter, authority *token.Authority) {
	signed, err := authority.Issue("admin", "acme", []auth.Permission{auth.LicensesManage})
	if err != nil {
		http.Error(w, "no token", http.StatusInternalServerError)
		return
	}
	// the client is gone if this fails
	_ = json.NewEncoder(w).Encode(map[string]string{"accessToken": strings.TrimSpace(signed)})
}
