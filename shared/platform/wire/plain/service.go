package plain

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"seatwise/shared/platform/app"
)

// Service is a service of AWS that is asked for one thing by one signed request, as its client would
// link more than the rest of the function.
type Service struct {
	// Name begins its address, and is what its requests are signed for, such as secretsmanager.
	Name, Region string
	// Endpoint replaces AWS's own; an empty one does not.
	Endpoint string
	// Protocol is the version of AWS's JSON that it speaks; empty means 1.1.
	Protocol string
	// Getenv finds the credentials of the function.
	Getenv func(string) string
	// Most bounds an answer in bytes; 0 means that of a secret.
	Most  int64
	Clock app.Clock
	HTTP  *http.Client
}

// Refusal is what a service answers that does not do what it was asked for.
type Refusal struct {
	Status int
	// Type is the service's name of what is wrong, such as ResourceNotFoundException.
	Type, Message string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("the service answered %d %s %s", r.Status, r.Type, r.Message)
}

// mostAnswer bounds an answer in bytes: a secret has at most 64 KB.
const mostAnswer int64 = 128 << 10

// Ask sends what target asks for, such as secretsmanager.GetSecretValue, and reads the answer into
// out.
//
// Errors: Refusal; whatever went wrong on the way.
func (s Service) Ask(ctx context.Context, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("ask %s: %w", target, err)
	}
	r, err := s.signed(ctx, target, body)
	if err != nil {
		return fmt.Errorf("ask %s: %w", target, err)
	}
	response, err := s.HTTP.Do(r)
	if err != nil {
		return fmt.Errorf("ask %s: %w", target, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, cmp.Or(s.Most, mostAnswer)))
	if err != nil {
		return fmt.Errorf("ask %s: %w", target, err)
	}
	if response.StatusCode != http.StatusOK {
		var fault struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		_ = json.Unmarshal(answer, &fault) // a proxy's answer has another form: its status tells enough
		return &Refusal{Status: response.StatusCode, Type: fault.Type, Message: fault.Message}
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("ask %s: an answer that is no JSON: %w", target, err)
	}
	return nil
}

func (s Service) signed(ctx context.Context, target string, body []byte) (*http.Request, error) {
	endpoint := s.Endpoint
	if endpoint == "" {
		endpoint = "https://" + s.Name + "." + s.Region + ".amazonaws.com"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(endpoint, "/")+"/",
		bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-"+cmp.Or(s.Protocol, "1.1"))
	r.Header.Set("X-Amz-Target", target)
	digest := sha256.Sum256(body)
	credentials := aws.Credentials{
		AccessKeyID:     s.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: s.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    s.Getenv("AWS_SESSION_TOKEN"),
	}
	err = v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(digest[:]), s.Name, s.Region, s.Clock())
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return r, nil
}
