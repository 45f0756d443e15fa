package plain

import (
	"context"
	"errors"
	"strings"
)

// Secret is one secret of Secrets Manager.
type Secret struct {
	// ID is its ARN.
	ID string
	Service
}

// errNoStage is returned when the secret has no value of a stage.
var errNoStage = errors.New("the secret has no such value")

func (s Secret) read(ctx context.Context, stage string) ([]byte, error) {
	var out struct{ SecretString string }
	err := s.Ask(ctx, "secretsmanager.GetSecretValue", map[string]string{"SecretId": s.ID, "VersionStage": stage}, &out)
	var refused *Refusal
	switch {
	case errors.As(err, &refused) && strings.HasSuffix(refused.Type, "ResourceNotFoundException"):
		return nil, errNoStage
	case err != nil:
		return nil, err
	case out.SecretString == "":
		return nil, errors.New("the secret has no text")
	}
	return []byte(out.SecretString), nil
}
