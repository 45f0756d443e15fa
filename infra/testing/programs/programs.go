// Package programs starts the servers that tests speak to: DynamoDB Local, moto's server and
// versitygw. Each is started at most once per test process, on a free port of 127.0.0.1, with
// nothing in it, and is gone when the test process is, however that ends.
//
// What a server needs is fetched once into .tools/ beside go.mod. Where it cannot be had, the test
// is skipped and says what to install; with CI=true in the environment it fails instead.
package programs

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"seatwise/infra/testing/parts"
)

// DynamoDBEndpoint is the environment variable that names a DynamoDB API to test against instead of
// a DynamoDB Local of our own. Region and credentials are then AWS_REGION, AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; what is not set is as for DynamoDB Local.
const DynamoDBEndpoint = "SEATWISE_TEST_DYNAMODB_ENDPOINT"

// Server is where a server listens and how to sign requests to it.
type Server struct {
	URL          string // http://127.0.0.1:port
	Region       string
	AccessKey    string
	SecretKey    string
	SessionToken string // mostly empty
}

const (
	// startWait bounds one server's start, fetchWait the download or build of what it needs.
	startWait = time.Minute
	fetchWait = 10 * time.Minute
	region    = "us-east-1"
)

//go:embed dynamodb-local/pom.xml
var dynamoDBPOM []byte

const versityGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"

// service is a server that is started at the first demand.
type service struct {
	name  string
	start func(ctx context.Context) (Server, error)

	once   sync.Once
	server Server
	err    error
}

var (
	dynamoDB = service{name: "DynamoDB Local", start: startDynamoDB}
	moto     = service{name: "moto's server", start: startMoto}
	versity  = service{name: "versitygw", start: startVersityGW}
)

// missing is an error that the user can mend by installing something.
type missing struct{ what string }

func (m *missing) Error() string { return m.what }

// DynamoDB returns the DynamoDB API to test against: the one that DynamoDBEndpoint names, or
// DynamoDB Local, in memory. It needs Java 17 or later and Maven, which fetches
// com.amazonaws:DynamoDBLocal from Maven Central at the first run.
func DynamoDB(t testing.TB) Server {
	t.Helper()
	if server, named := namedDynamoDB(); named {
		return server
	}
	return dynamoDB.demand(t, inCI())
}

// StartDynamoDB is DynamoDB for a program that is no test. Its error says what to install.
func StartDynamoDB() (Server, error) {
	if server, named := namedDynamoDB(); named {
		return server, nil
	}
	return dynamoDB.get()
}

func namedDynamoDB() (server Server, named bool) {
	url := os.Getenv(DynamoDBEndpoint)
	// DynamoDB Local keeps the tables of each access key apart: test processes that share one see
	// nothing of each other, and do not wait for each other either.
	own := fmt.Sprintf("local%d", os.Getpid())
	return Server{
		URL:          url,
		Region:       env("AWS_REGION", region),
		AccessKey:    env("AWS_ACCESS_KEY_ID", own),
		SecretKey:    env("AWS_SECRET_ACCESS_KEY", "local"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}, url != ""
}

// Moto returns moto's server, which plays all of AWS, roughly. It belongs to Servers, and is an
// extra: without it the test is skipped in CI too.
func Moto(t testing.TB) Server {
	t.Helper()
	parts.Belongs(t, parts.Servers)
	return moto.demand(t, false)
}

// VersityGW returns an S3 server that verifies signatures and keeps its objects in a temporary
// folder. It belongs to Servers, and is built from source at the first run.
func VersityGW(t testing.TB) Server {
	t.Helper()
	parts.Belongs(t, parts.Servers)
	return versity.demand(t, inCI())
}

func inCI() bool { return os.Getenv("CI") == "true" }

func env(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// get starts the server if need be.
func (s *service) get() (Server, error) {
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), fetchWait+startWait)
		defer cancel()
		s.server, s.err = s.start(ctx)
	})
	return s.server, s.err
}

// demand is get for a test. A server that is there but does not start is a fault everywhere; one
// that cannot be had is a fault only where it must be.
func (s *service) demand(t testing.TB, must bool) Server {
	t.Helper()
	server, err := s.get()
	var lacking *missing
	switch {
	case err == nil:
	case errors.As(err, &lacking) && !must:
		t.Skipf("not tested: %s: %v", s.name, err)
	default:
		t.Fatalf("%s: %v", s.name, err)
	}
	return server
}

func startDynamoDB(ctx context.Context) (Server, error) {
	const otherwise = "or set " + DynamoDBEndpoint + " to a DynamoDB API"
	java, err := exec.LookPath("java")
	if err != nil {
		return Server{}, &missing{
			"no java found: install Java 17 or later (on Debian: apt install default-jre-headless), " + otherwise,
		}
	}
	sum := sha256.Sum256(dynamoDBPOM)
	jars, err := provide(fmt.Sprintf("dynamodb-local-%x", sum[:4]), func(folder string) error {
		mvn, err := exec.LookPath("mvn")
		if err != nil {
			return &missing{"no mvn found: install Maven (on Debian: apt install maven), " + otherwise}
		}
		pom := filepath.Join(folder, "pom.xml")
		if err := os.WriteFile(pom, dynamoDBPOM, 0o600); err != nil {
			return err
		}
		return fetch(
			ctx,
			folder,
			nil,
			mvn,
			"-B",
			"-q",
			"-f",
			pom,
			"dependency:copy-dependencies",
			"-DoutputDirectory="+folder,
			"-DincludeScope=runtime",
		)
	})
	if err != nil {
		return Server{}, err
	}
	s := Server{Region: region, AccessKey: "local", SecretKey: "local"}
	s.URL, err = launch(ctx, process{
		command: func(port string) []string {
			// A small, simple JVM: the tests are what the processors are for.
			return []string{
				java,
				"-Xmx512m",
				"-XX:+UseSerialGC",
				"-XX:TieredStopAtLevel=1",
				"-Djava.library.path=" + jars,
				"-cp",
				filepath.Join(jars, "*"),
				"com.amazonaws.services.dynamodbv2.local.main.ServerRunner",
				"-inMemory",
				"-disableTelemetry",
				"-port",
				port,
			}
		},
		ready: listsTables,
	})
	return s, err
}

func startMoto(ctx context.Context) (Server, error) {
	moto, err := exec.LookPath("moto_server")
	if err != nil {
		return Server{}, &missing{"no moto_server found: pip install 'moto[server]'"}
	}
	s := Server{Region: region, AccessKey: "moto", SecretKey: "moto"}
	s.URL, err = launch(ctx, process{
		command: func(port string) []string { return []string{moto, "-H", "127.0.0.1", "-p", port} },
		ready:   listsTables,
	})
	return s, err
}

func startVersityGW(ctx context.Context) (Server, error) {
	sum := sha256.Sum256([]byte(versityGW))
	bin, err := provide(fmt.Sprintf("versitygw-%x", sum[:4]), func(folder string) error {
		tool, err := exec.LookPath("go")
		if err != nil {
			return &missing{"no go found to build it with"}
		}
		env := []string{"GOBIN=" + folder, "GOFLAGS=", "GOOS=", "GOARCH=", "CGO_ENABLED=0"}
		return fetch(ctx, folder, env, tool, "install", "-trimpath", versityGW)
	})
	if err != nil {
		return Server{}, err
	}
	data, err := os.MkdirTemp("", "seatwise-versitygw-")
	if err != nil {
		return Server{}, err
	}
	// What the file system cannot keep as extended attributes of the objects is kept beside them.
	objects := filepath.Join(data, "objects")
	versions, sidecar := filepath.Join(data, "versions"), filepath.Join(data, "sidecar")
	for _, folder := range []string{objects, versions, sidecar} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return Server{}, err
		}
	}
	s := Server{Region: region, AccessKey: "seatwise", SecretKey: "seatwise-secret"}
	s.URL, err = launch(ctx, process{
		command: func(port string) []string {
			return []string{
				filepath.Join(bin, "versitygw"),
				"--access", s.AccessKey, "--secret", s.SecretKey, "--region", s.Region,
				"--port", "127.0.0.1:" + port,
				"posix", "--versioning-dir", versions, "--sidecar", sidecar, objects,
			}
		},
		ready:   answers,
		scratch: data,
	})
	return s, err
}
