// Package wire puts a function together: the environment that template.yaml gives it, the adapters
// over the AWS SDK, the clock, the ids, and the edge to the Lambda runtime. It links neither the
// SDK's config package nor any module (design, "Measured" and design, decision 9).
package wire

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/edge"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/files/s3store"
	"seatwise/shared/platform/keyring"
	"seatwise/shared/platform/spent"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/dynamo"
	"seatwise/shared/platform/wire/plain"
)

// Version is what GET /v1/health answers.
const Version = plain.Version

// minCursorKey is the shortest key in bytes that signs cursors (app.Env).
const minCursorKey = 16

// Settings are what a function is told by its environment.
type Settings struct {
	Table                        string // TABLE_NAME
	UploadsBucket, ReportsBucket string // UPLOADS_BUCKET, REPORTS_BUCKET
	// CursorKey is CURSOR_KEY, the ARN of the secret that signs cursors and plans.
	CursorKey string
	LogLevel  slog.Level
	// Name is the function's name; the lines of its metrics name it.
	Name string
	// WorkQueue is WORK_QUEUE, the URL of the queue that schedules hand work on to, and FailedEvents is
	// FAILED_EVENTS, that of what failed for good; both are empty in functions that hand nothing on.
	WorkQueue, FailedEvents string
	// UserClaim is USER_CLAIM, the claim that is the user's id; empty means sub.
	UserClaim string
	// Memory is AWS_LAMBDA_FUNCTION_MEMORY_SIZE, the megabytes that the function has.
	Memory float64
	// LogGroup is LOG_GROUP, where the functions write their lines; empty in functions that read none.
	LogGroup string
	// LogDays is LOG_DAYS, how long its lines are kept; 0 where nobody asks.
	LogDays int
	// AuditDays is AUDIT_DAYS, how long entries of the audit log are kept; 0 is as long as the account.
	AuditDays int
	// UserPool is USER_POOL, the deployment's own user pool; empty in functions that make no people, and
	// where another identity provider is named.
	UserPool string
	// RequestsPerMinute is REQUESTS_PER_MINUTE, how many requests of an account are taken in a minute; 0
	// for any number.
	RequestsPerMinute int64
	// DryRunTime is DRY_RUN_TIME, how long a dry run may take within its request, such as 5s; 0 for what
	// package api says.
	DryRunTime time.Duration

	Region                             string
	AccessKey, SecretKey, SessionToken string
	// DynamoDBEndpoint and S3Endpoint replace AWS's own; empty ones do not. The names of their
	// variables are the SDK's: AWS_ENDPOINT_URL_DYNAMODB and AWS_ENDPOINT_URL_S3, or
	// AWS_ENDPOINT_URL for both.
	DynamoDBEndpoint, S3Endpoint string
}

// FromEnvironment reads the settings with the given lookup, os.Getenv but in tests. The error names
// every variable that is missing or wrong.
func FromEnvironment(getenv func(string) string) (Settings, error) {
	var faults []error
	required := func(name string) string {
		value := getenv(name)
		if value == "" {
			faults = append(faults, fmt.Errorf("%s is not set", name))
		}
		return value
	}
	s := Settings{
		Table: required(
			"TABLE_NAME",
		),
		UploadsBucket: required("UPLOADS_BUCKET"),
		ReportsBucket: required("REPORTS_BUCKET"),
		CursorKey:     required("CURSOR_KEY"),
		Region:        required("AWS_REGION"),
		AccessKey: required(
			"AWS_ACCESS_KEY_ID",
		),
		SecretKey:        required("AWS_SECRET_ACCESS_KEY"),
		SessionToken:     getenv("AWS_SESSION_TOKEN"),
		Name:             getenv("AWS_LAMBDA_FUNCTION_NAME"),
		WorkQueue:        getenv("WORK_QUEUE"),
		FailedEvents:     getenv("FAILED_EVENTS"),
		LogGroup:         getenv("LOG_GROUP"),
		UserPool:         getenv("USER_POOL"),
		UserClaim:        getenv("USER_CLAIM"),
		DynamoDBEndpoint: cmp.Or(getenv("AWS_ENDPOINT_URL_DYNAMODB"), getenv("AWS_ENDPOINT_URL")),
		S3Endpoint:       cmp.Or(getenv("AWS_ENDPOINT_URL_S3"), getenv("AWS_ENDPOINT_URL")),
	}
	if level := getenv("LOG_LEVEL"); level != "" {
		if err := s.LogLevel.UnmarshalText([]byte(level)); err != nil {
			faults = append(faults, errors.New("LOG_LEVEL is none of DEBUG, INFO, WARN, ERROR"))
		}
	}
	faults = append(faults, s.numbers(getenv))
	return s, errors.Join(faults...)
}

// numbers reads the settings that are numbers; each may be missing.
func (s *Settings) numbers(getenv func(string) string) error {
	var faults []error
	read := func(name, wanted string, parse func(value string) bool) {
		if value := getenv(name); value != "" && !parse(value) {
			faults = append(faults, fmt.Errorf("%s is no %s", name, wanted))
		}
	}
	read("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "number", func(value string) bool {
		var err error
		s.Memory, err = strconv.ParseFloat(value, 64)
		return err == nil
	})
	for name, days := range map[string]*int{"LOG_DAYS": &s.LogDays, "AUDIT_DAYS": &s.AuditDays} {
		read(name, "number from 0 on", func(value string) bool {
			var err error
			*days, err = strconv.Atoi(value)
			return err == nil && *days >= 0
		})
	}
	read("REQUESTS_PER_MINUTE", "number from 0 on", func(value string) bool {
		var err error
		s.RequestsPerMinute, err = strconv.ParseInt(value, 10, 64)
		return err == nil && s.RequestsPerMinute >= 0
	})
	read("DRY_RUN_TIME", "time such as 5s", func(value string) bool {
		var err error
		s.DryRunTime, err = time.ParseDuration(value)
		return err == nil && s.DryRunTime > 0
	})
	return errors.Join(faults...)
}

// config is literal: the credentials of a Lambda function do not change while its process lives.
func (s Settings) config() aws.Config {
	credentials := aws.Credentials{
		AccessKeyID:     s.AccessKey,
		SecretAccessKey: s.SecretKey,
		SessionToken:    s.SessionToken,
		Source:          "Environment",
	}
	return aws.Config{
		Region: s.Region,
		Credentials: aws.CredentialsProviderFunc(
			func(context.Context) (aws.Credentials, error) { return credentials, nil },
		),
	}
}

// DynamoDB makes the client of the table.
func (s Settings) DynamoDB() *dynamodb.Client {
	return dynamodb.NewFromConfig(s.config(), func(o *dynamodb.Options) {
		if s.DynamoDBEndpoint != "" {
			o.BaseEndpoint = aws.String(s.DynamoDBEndpoint)
		}
	})
}

// beginWithin is how long S3 may take to begin with an answer once it has the whole request, before
// the SDK makes it again: without a limit, a connection that says nothing is waited for until the
// invocation ends. An answer itself may take longer, since objects are read as they are needed. The
// table's adapter has a limit of its own.
const beginWithin = 10 * time.Second

// S3 makes the client of the buckets. Another server than Amazon's is addressed path style, which
// needs no names in its DNS.
func (s Settings) S3() *s3.Client { return s.s3(beginWithin) }

func (s Settings) s3(limit time.Duration) *s3.Client {
	return s3.NewFromConfig(s.config(), func(o *s3.Options) {
		o.HTTPClient = awshttp.NewBuildableClient().
			WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = limit })
		o.DisableLogOutputChecksumValidationSkipped = true
		if s.S3Endpoint != "" {
			o.BaseEndpoint, o.UsePathStyle = aws.String(s.S3Endpoint), true
		}
	})
}

// OpenTable makes the table's adapter, whose commits are counted.
func (s Settings) OpenTable(tally *table.Tally) table.Store {
	options := dynamo.Options{OnRepeat: tally.Lost, OnThrottle: tally.Throttled}
	return table.Tallied(dynamo.New(s.DynamoDB(), s.Table, options), tally)
}

// OpenFiles makes the buckets' adapter.
func (s Settings) OpenFiles() files.Store { return s3store.New(s.S3(), s.buckets()) }

// OpenKeeper makes the adapter of all versions of what is in the buckets.
func (s Settings) OpenKeeper() files.Keeper { return s3store.NewKeeper(s.S3(), s.buckets()) }

func (s Settings) buckets() map[files.Bucket]string {
	return map[files.Bucket]string{files.Uploads: s.UploadsBucket, files.Reports: s.ReportsBucket}
}

// cursorKeys are what signs cursors and plans: the values of a secret, read when the first one is
// needed, so that none is in a function's configuration.
//
// Errors when they are used: those of reading the secret; a value of less than 16 bytes.
func cursorKeys(secret plain.Secret) *keyring.Ring[[]byte] {
	return keyring.New(func(ctx context.Context) ([][]byte, error) {
		keys, err := secret.Values(ctx)
		for _, key := range keys {
			if len(key) < minCursorKey {
				return nil, fmt.Errorf("a cursor key has %d bytes, at least %d are needed", len(key), minCursorKey)
			}
		}
		return keys, err
	}, Clock)
}

// Clock is the machine's.
func Clock() time.Time { return plain.Clock() }

// IDs makes UUIDs.
type IDs = plain.IDs

// StartSweeping is Start of a function that reads the whole table, and sees all versions of files.
func StartSweeping(build func(*app.Env) app.Function) { start(build, Sweeping) }

// Sweeping gives an environment what that takes.
func Sweeping(s Settings, env *app.Env) {
	env.Scan = dynamo.New(s.DynamoDB(), s.Table, dynamo.Options{})
	env.Objects = s.OpenKeeper()
	env.LogDays = s.LogDays
}

// Start makes the function that build describes and serves the Lambda runtime API with it until the
// process ends. A function that cannot be made says why on standard output, where the log is, and
// exits.
func Start(build func(*app.Env) app.Function) { start(build) }

func start(build func(*app.Env) app.Function, with ...func(Settings, *app.Env)) {
	// The first HTTPS call would wait for the root certificates; here they are read while the rest
	// is made.
	go func() { _, _ = x509.SystemCertPool() }()
	// What libraries write to the standard log becomes lines of JSON too.
	slog.SetDefault(edge.Logger(os.Stdout, slog.LevelInfo))
	e, err := assemble(os.Getenv, os.Stdout, build, with...)
	if err != nil {
		edge.Logger(os.Stdout, slog.LevelInfo).Error("function not started", "error", err)
		os.Exit(1)
	}
	edge.Start(e)
}

func assemble(
	getenv func(string) string,
	out io.Writer,
	build func(*app.Env) app.Function,
	with ...func(Settings, *app.Env),
) (*edge.Edge, error) {
	s, err := FromEnvironment(getenv)
	if err != nil {
		return nil, err
	}
	tally, meter := new(table.Tally), new(spent.Meter)
	env := &app.Env{
		Table:      meter.Store(s.OpenTable(tally)),
		Files:      s.OpenFiles(),
		Clock:      Clock,
		IDs:        IDs{},
		Log:        edge.Logger(out, s.LogLevel),
		CursorKeys: cursorKeys(plain.SecretOf(s.CursorKey, getenv)),
		Version:    Version,
		Process:    IDs{}.Random(),

		RequestsPerMinute: s.RequestsPerMinute,
		AuditDays:         s.AuditDays,
		InRequest:         s.DryRunTime,
	}
	env.Table = call.Checked(env.Table, env.Pick)
	if s.WorkQueue != "" {
		env.Work = plain.NewQueue(s.WorkQueue, s.FailedEvents, getenv)
	}
	if s.UserPool != "" {
		env.SignIn = plain.NewInvitations(s.UserPool, getenv)
	}
	if s.LogGroup != "" {
		env.Lines = plain.NewLines(s.LogGroup, getenv)
	}
	for _, add := range with {
		add(s, env)
	}
	return edge.New(build(env), edge.Options{
		Name: s.Name, Clock: Clock, Log: env.Log, Tally: tally, Metrics: out, UserClaim: s.UserClaim,
		Meter: meter, Memory: s.Memory / 1024,
	}), nil
}
