package programs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// spy is a test that notes how it was ended instead of ending.
type spy struct {
	testing.TB
	ended string
}

func (s *spy) Helper()                        {}
func (s *spy) Skipf(format string, a ...any)  { s.ended = "skipped: " + fmt.Sprintf(format, a...) }
func (s *spy) Fatalf(format string, a ...any) { s.ended = "failed: " + fmt.Sprintf(format, a...) }

func TestWhatIsMissingIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		must bool
		want string
	}{
		"there":                    {nil, true, ""},
		"missing":                  {&missing{"install X"}, false, "skipped: not tested: a server: install X"},
		"missing where it must be": {&missing{"install X"}, true, "failed: a server: install X"},
		"there, and not working":   {errors.New("it ended"), false, "failed: a server: it ended"},
		"missing, with something else": {
			errors.Join(&missing{"install X"}, errors.New("no disk")), true, "failed: a server: install X\nno disk",
		},
		"not working where it must be": {errors.New("it ended"), true, "failed: a server: it ended"},
		"missing, wrapped, and allowed": {
			fmt.Errorf("a try: %w", &missing{"install X"}), false, "skipped: not tested: a server: a try: install X",
		},
	} {
		t.Run(name, func(t *testing.T) {
			starts := 0
			s := service{name: "a server", start: func(context.Context) (Server, error) {
				starts++
				return Server{URL: "here"}, c.err
			}}
			for range 2 { // The second test hears the same, without another try.
				test := &spy{}
				s.demand(test, c.must)
				if test.ended != c.want {
					t.Errorf("%q, want %q", test.ended, c.want)
				}
			}
			if starts != 1 {
				t.Errorf("started %d times", starts)
			}
		})
	}
}

func TestNoJavaNoMaven(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := startDynamoDB(t.Context())
	var lacking *missing
	if !errors.As(err, &lacking) || !strings.Contains(err.Error(), "install Java 17") ||
		!strings.Contains(err.Error(), DynamoDBEndpoint) {
		t.Errorf("without java: got %v", err)
	}
	if _, err := startMoto(t.Context()); !errors.As(err, &lacking) || !strings.Contains(err.Error(), "pip install") {
		t.Errorf("without moto_server: got %v", err)
	}
}

// TestProvide has many ask for the same folder at once: one fills it, and nobody sees it half full.
func TestProvide(t *testing.T) {
	root, err := tools()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(t.TempDir()) + fmt.Sprint("-test-", os.Getpid())
	t.Cleanup(func() {
		err := errors.Join(
			os.RemoveAll(filepath.Join(root, name)),
			os.RemoveAll(filepath.Join(root, name+".lock")),
		)
		if err != nil {
			t.Error(err)
		}
	})
	broken := errors.New("broken off")
	if _, err := provide(name, func(folder string) error {
		if err := os.WriteFile(filepath.Join(folder, "half"), nil, 0o600); err != nil {
			return err
		}
		return broken
	}); !errors.Is(err, broken) {
		t.Fatalf("got %v, want it broken off", err)
	}
	if left, err := filepath.Glob(filepath.Join(root, name+"*")); err != nil || len(left) > 1 { // The lock stays.
		t.Errorf("left behind: %v, %v", left, err)
	}
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		fills int
	)
	for range 8 {
		all.Go(func() {
			folder, err := provide(name, func(folder string) error {
				mu.Lock()
				fills++
				mu.Unlock()
				return errors.Join(
					os.WriteFile(filepath.Join(folder, "one"), nil, 0o600),
					os.WriteFile(filepath.Join(folder, "two"), nil, 0o600),
				)
			})
			if err != nil {
				t.Error(err)
				return
			}
			if files, err := os.ReadDir(folder); err != nil || len(files) != 2 {
				t.Errorf("%d files, %v; want 2", len(files), err)
			}
		})
	}
	all.Wait()
	if fills != 1 {
		t.Errorf("filled %d times, want once", fills)
	}
}
