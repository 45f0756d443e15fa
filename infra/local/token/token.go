// Package token stands in for the identity provider and for API Gateway's JWT authorizer on one
// machine: it issues tokens with a key of its own and checks them as the gateway does.
package token

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"seatwise/shared/platform/app"
	"seatwise/shared/platform/auth"
)

const (
	// Issuer is the claim iss. It is no URL that answers: the key set is at /.well-known/jwks.json
	// of whatever address the runner listens on.
	Issuer = "https://local.seatwise.invalid"
	// Audience is the claim aud; the template's default is the same.
	Audience = "seatwise"
	// Life is how long a token is good for.
	Life = time.Hour

	keyBits   = 2048
	algorithm = "RS256"
)

// Authority issues and checks tokens.
type Authority struct {
	key    *rsa.PrivateKey
	kid    string
	clock  app.Clock
	parser *jwt.Parser
}

// Open reads the signing key at a path, or makes one there, so that tokens outlive a restart.
func Open(path string, clock app.Clock) (*Authority, error) {
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("token key %s: %w", path, err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("token key %s: %w", path, err)
	}
	sum := sha256.Sum256(public)
	return &Authority{
		key: key, kid: base64.RawURLEncoding.EncodeToString(sum[:12]), clock: clock,
		parser: jwt.NewParser(
			// or a token could choose none, or the public key as an HMAC secret
			jwt.WithValidMethods([]string{algorithm}),
			jwt.WithIssuer(Issuer), jwt.WithAudience(Audience), jwt.WithExpirationRequired(), jwt.WithTimeFunc(clock),
		),
	}, nil
}

func readKey(path string) (*rsa.PrivateKey, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, errors.New("it is no PEM file; delete it to have a new one made")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	if key, ok := key.(*rsa.PrivateKey); ok {
		return key, nil
	}
	return nil, errors.New("it is no RSA key; delete it to have a new one made")
}

func makeKey(path string) (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("make: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make: %w", err)
	}
	// Under another name first: a key that is half written would stop every later start.
	temporary := path + ".new"
	err = os.WriteFile(filepath.Clean(temporary), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		0o600)
	if err != nil {
		return nil, fmt.Errorf("make: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return nil, fmt.Errorf("make: %w", err)
	}
	return key, nil
}

type claims struct {
	jwt.RegisteredClaims
	Account     string             `json:"account"`
	Permissions *[]auth.Permission `json:"permissions,omitempty"`
	CostCenters []string           `json:"adminOfCostCenters,omitzero"`
}

// Issue makes a token for a caller, good from now on for Life. Without permissions, not even none,
// it leaves their claim out: they are then those of the user's roles.
func (a *Authority) Issue(user, account string, permissions []auth.Permission) (string, error) {
	return a.IssueFor(user, account, permissions, Life)
}

// IssueFor is Issue with another life.
func (a *Authority) IssueFor(user, account string, permissions []auth.Permission, life time.Duration) (string, error) {
	return a.IssueTo(Bearer{User: user, Account: account, Permissions: permissions}, life)
}

// Bearer is for whom a token is issued.
type Bearer struct {
	User, Account string
	// Permissions are nil for those of the user's roles.
	Permissions []auth.Permission
	// CostCenters are those that the token limits its bearer to; nil for no limit.
	CostCenters []string
}

// IssueTo makes a token that is good from now on for its life.
func (a *Authority) IssueTo(who Bearer, life time.Duration) (string, error) {
	now := a.clock()
	var claimed *[]auth.Permission
	if who.Permissions != nil {
		claimed = &who.Permissions
	}
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    Issuer,
			Subject:   who.User,
			Audience:  jwt.ClaimStrings{Audience},
			IssuedAt:  jwt.NewNumericDate(now),
			NotBefore: jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(life)),
		},
		Account: who.Account, Permissions: claimed, CostCenters: who.CostCenters,
	})
	return a.sign(t)
}

// Identity makes an ID token: it tells a client of the provider who signed in, and opens nothing.
func (a *Authority) Identity(issuer, client, user, nonce string, life time.Duration) (string, error) {
	now := a.clock()
	identity := jwt.MapClaims{
		"iss":                issuer,
		"sub":                user,
		"aud":                client,
		"iat":                now.Unix(),
		"auth_time":          now.Unix(),
		"exp":                now.Add(life).Unix(),
		"preferred_username": user,
	}
	if nonce != "" {
		identity["nonce"] = nonce
	}
	return a.sign(jwt.NewWithClaims(jwt.SigningMethodRS256, identity))
}

func (a *Authority) sign(t *jwt.Token) (string, error) {
	t.Header["kid"] = a.kid
	signed, err := t.SignedString(a.key)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return signed, nil
}

// ErrRefused is wrapped by every error of Check.
var ErrRefused = errors.New("the token is not accepted")

// Check reads the Authorization header of a request: signature, algorithm, issuer, audience, times,
// and claims that name a caller.
func (a *Authority) Check(authorization string) (auth.Principal, error) {
	scheme, raw, ok := strings.Cut(authorization, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return auth.Principal{}, fmt.Errorf("%w: it must come as Authorization: Bearer", ErrRefused)
	}
	parsed, err := a.parser.Parse(strings.TrimSpace(raw), func(t *jwt.Token) (any, error) {
		if kid, named := t.Header["kid"]; named && kid != a.kid {
			return nil, errors.New("it was signed with another key")
		}
		return &a.key.PublicKey, nil
	})
	if err != nil {
		return auth.Principal{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	values, ok := parsed.Claims.(jwt.MapClaims)
	if !ok {
		return auth.Principal{}, fmt.Errorf("%w: it has no claims", ErrRefused)
	}
	p, err := auth.ParseClaims(values)
	if err != nil {
		return auth.Principal{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return p, nil
}

// ServeKeys answers GET /.well-known/jwks.json.
func (a *Authority) ServeKeys(w http.ResponseWriter, _ *http.Request) {
	number := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": []map[string]string{{ // the client is gone if this fails
		"kty": "RSA", "use": "sig", "alg": algorithm, "kid": a.kid,
		"n": number(a.key.N), "e": number(big.NewInt(int64(a.key.E))),
	}}})
}
