// Package plain puts a function together that has neither the table nor the buckets: it links no
// client of AWS. The console is one (design, decision 14).
package plain

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/edge"
	"seatwise/shared/platform/wire/alone"
)

// Version is what GET /v1/health answers.
const Version = alone.Version

// Clock is the machine's.
func Clock() time.Time { return alone.Clock() }

// IDs makes UUIDs.
type IDs = alone.IDs

// providerWait bounds one request to the identity provider. Those to the API end with the
// invocation.
const providerWait = 10 * time.Second

// StartConsole makes the console from its environment and serves the Lambda runtime API with it
// until the process ends. A function that cannot be made says why on standard output, where the log
// is, and exits.
func StartConsole(build func(*app.Env) app.Function) {
	// The first HTTPS call would wait for the root certificates; here they are read while the rest
	// is made.
	go func() { _, _ = x509.SystemCertPool() }()
	alone.Serve(func() (*edge.Edge, error) { return console(os.Getenv, build) })
}

func console(getenv func(string) string, build func(*app.Env) app.Function) (*edge.Edge, error) {
	level, err := alone.LogLevel(getenv)
	if err != nil {
		return nil, err
	}
	log := edge.Logger(os.Stdout, level)
	env := &app.Env{
		Clock: Clock, IDs: IDs{}, Log: log, Version: Version,
		Console: app.Console{
			API:           http.DefaultTransport,
			Provider:      &http.Client{Timeout: providerWait},
			Issuer:        getenv("OIDC_ISSUER"),
			ClientID:      getenv("OIDC_CLIENT_ID"),
			Scopes:        strings.Fields(getenv("OIDC_SCOPES")),
			Invites:       getenv("OIDC_INVITES") != "",
			UploadsOrigin: getenv("UPLOADS_ORIGIN"),
			Keys:          SecretOf(getenv("SESSION_KEY"), getenv).Values,
		},
	}
	return edge.New(
		build(env),
		edge.Options{Name: getenv("AWS_LAMBDA_FUNCTION_NAME"), Clock: Clock, Log: log, Metrics: os.Stdout},
	), nil
}

// SecretOf is the secret with this ARN, read with the credentials of the function.
func SecretOf(arn string, getenv func(string) string) Secret {
	return Secret{ID: arn, Service: service("secretsmanager", getenv)}
}

// service is a service of AWS in the region and with the credentials of the function.
func service(name string, getenv func(string) string) Service {
	return Service{
		Name:     name,
		Region:   getenv("AWS_REGION"),
		Endpoint: getenv("AWS_ENDPOINT_URL"),
		Getenv:   getenv,
		Clock:    Clock,
		HTTP:     &http.Client{Timeout: providerWait},
	}
}

// StartWithUserPools makes a function that asks the service of user pools, and serves the Lambda
// runtime API with it until the process ends.
func StartWithUserPools(build func(Service) app.Function) {
	alone.Start(func(*app.Env) app.Function { return build(service("cognito-idp", os.Getenv)) })
}

// errSecret is wrapped when the secret cannot be read.
var errSecret = errors.New("the secret cannot be read")

// Values are the present value of the secret and, if there is one, the one before it: Secrets
// Manager keeps both, so that what was sealed under the old one still opens.
//
// Errors: errSecret.
func (s Secret) Values(ctx context.Context) ([][]byte, error) {
	var values [][]byte
	for _, stage := range []string{"AWSCURRENT", "AWSPREVIOUS"} {
		value, err := s.read(ctx, stage)
		switch {
		case errors.Is(err, errNoStage) && stage == "AWSPREVIOUS":
		case err != nil:
			return nil, fmt.Errorf("%w: %w", errSecret, err)
		default:
			values = append(values, value)
		}
	}
	return values, nil
}
