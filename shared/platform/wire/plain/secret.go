package plain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"seatwise/shared/platform/app"
)

// Secret is one secret of Secrets Manager. It is read by one signed request, as the service's
// client would link more than the rest of the function.
type Secret struct {
	// ID is its ARN.
	ID, Region string
	// Endpoint replaces AWS's own; an empty one does not.
	Endpoint string
	// Getenv finds the credentials of the function.
	Getenv func(string) string
	Clock  app.Clock
	HTTP   *http.Client
}

// errNoStage is returned when the secret has no value of a stage.
var errNoStage = errors.New("the secret has no such value")

// mostSecret bounds the answer in bytes: a secret has at most 64 KB.
const mostSecret = 128 << 10

func (s Secret) read(ctx context.Context, stage string) ([]byte, error) {
	body, err := json.Marshal(map[string]string{"SecretId": s.ID, "VersionStage": stage})
	if err != nil {
		return nil, err
	}
	endpoint := s.Endpoint
	if endpoint == "" {
		endpoint = "https://secretsmanager." + s.Region + ".amazonaws.com"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(endpoint, "/")+"/",
		bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "secretsmanager.GetSecretValue")
	digest := sha256.Sum256(body)
	credentials := aws.Credentials{
		AccessKeyID:     s.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: s.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    s.Getenv("AWS_SESSION_TOKEN"),
	}
	err = v4.NewSigner().
		SignHTTP(ctx, credentials, r, hex.EncodeToString(digest[:]), "secretsmanager", s.Region, s.Clock())
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	response, err := s.HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, mostSecret))
	if err != nil {
		return nil, err
	}
	var out struct {
		Type         string `json:"__type"`
		SecretString string
	}
	if err := json.Unmarshal(answer, &out); err != nil && response.StatusCode == http.StatusOK {
		return nil, fmt.Errorf("an answer that is no JSON: %w", err)
	}
	switch {
	case strings.HasSuffix(out.Type, "ResourceNotFoundException"):
		return nil, errNoStage
	case response.StatusCode != http.StatusOK || out.SecretString == "":
		return nil, fmt.Errorf("Secrets Manager answered %d %s", response.StatusCode, out.Type)
	}
	return []byte(out.SecretString), nil
}
