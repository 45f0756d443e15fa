package token_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"seatwise/infra/local/token"
	"seatwise/shared/platform/auth"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, path string, now *time.Time) *token.Authority {
	t.Helper()
	a, err := token.Open(path, func() time.Time { return *now })
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestIssuedTokensAreAcceptedUntilTheyExpireAndAfterARestart(t *testing.T) {
	now, path := noon, filepath.Join(t.TempDir(), "key.pem")
	signed, err := open(t, path, &now).Issue("zoe", "acme", []auth.Permission{auth.LicensesRead, auth.AuditRead})
	if err != nil {
		t.Fatal(err)
	}
	a := open(t, path, &now)
	want := auth.Principal{User: "zoe", Account: "acme", Permissions: auth.SetOf(auth.LicensesRead, auth.AuditRead)}
	for _, header := range []string{"Bearer " + signed, "bearer " + signed} {
		if got, err := a.Check(header); err != nil || got != want {
			t.Fatalf("got %+v, %v", got, err)
		}
	}
	now = noon.Add(token.Life - time.Second)
	if _, err := a.Check("Bearer " + signed); err != nil {
		t.Fatalf("refused too early: %v", err)
	}
	now = noon.Add(token.Life)
	if _, err := a.Check("Bearer " + signed); !errors.Is(err, token.ErrRefused) {
		t.Fatalf("an expired token: %v", err)
	}
	now = noon.Add(-time.Second)
	if _, err := a.Check("Bearer " + signed); !errors.Is(err, token.ErrRefused) {
		t.Fatalf("a token from the future: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key can be read by others: %v %v", info.Mode(), err)
	}
}

func TestForgedTokensAreRefused(t *testing.T) {
	now, path := noon, filepath.Join(t.TempDir(), "key.pem")
	a := open(t, path, &now)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(raw)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	own, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		t.Fatalf("the key is a %T", parsed)
	}
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&own.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	good := func() jwt.MapClaims {
		return jwt.MapClaims{
			"iss": token.Issuer, "aud": token.Audience, "sub": "zoe", "account": "acme", "permissions": "licenses.read",
			"exp": noon.Add(time.Hour).Unix(), "nbf": noon.Unix(),
		}
	}
	with := func(claim string, value any) jwt.MapClaims {
		c := good()
		if value == nil {
			delete(c, claim)
		} else {
			c[claim] = value
		}
		return c
	}
	sign := func(method jwt.SigningMethod, key any, c jwt.MapClaims) string {
		s, err := jwt.NewWithClaims(method, c).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	genuine := sign(jwt.SigningMethodRS256, own, good())
	if _, err := a.Check("Bearer " + genuine); err != nil {
		t.Fatalf("the genuine one, with permissions as a string: %v", err)
	}
	parts := strings.Split(genuine, ".")
	changed := base64.RawURLEncoding.EncodeToString(
		[]byte(`{"iss":"` + token.Issuer + `","aud":"seatwise","sub":"zoe","account":"umbrella","exp":9999999999}`),
	)
	for name, header := range map[string]string{
		"none at all":            "",
		"without a scheme":       genuine,
		"another scheme":         "Basic " + genuine,
		"no token":               "Bearer ",
		"no signature":           "Bearer " + parts[0] + "." + parts[1] + ".",
		"claims changed":         "Bearer " + parts[0] + "." + changed + "." + parts[2],
		"foreign key":            "Bearer " + sign(jwt.SigningMethodRS256, foreign, good()),
		"algorithm none":         "Bearer " + sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good()),
		"public key as a secret": "Bearer " + sign(jwt.SigningMethodHS256, public, good()),
		"another RSA algorithm":  "Bearer " + sign(jwt.SigningMethodRS512, own, good()),
		"another issuer": "Bearer " + sign(jwt.SigningMethodRS256, own,
			with("iss", "https://elsewhere.example")),
		"no issuer":        "Bearer " + sign(jwt.SigningMethodRS256, own, with("iss", nil)),
		"another audience": "Bearer " + sign(jwt.SigningMethodRS256, own, with("aud", "other")),
		"no audience":      "Bearer " + sign(jwt.SigningMethodRS256, own, with("aud", nil)),
		"no expiry":        "Bearer " + sign(jwt.SigningMethodRS256, own, with("exp", nil)),
		"not yet": "Bearer " + sign(jwt.SigningMethodRS256, own,
			with("nbf", noon.Add(time.Minute).Unix())),
		"no account": "Bearer " + sign(jwt.SigningMethodRS256, own, with("account", nil)),
		"no user":    "Bearer " + sign(jwt.SigningMethodRS256, own, with("sub", nil)),
	} {
		if p, err := a.Check(header); !errors.Is(err, token.ErrRefused) || p != (auth.Principal{}) {
			t.Errorf("%s: got %+v, %v", name, p, err)
		}
	}
}

func TestTheKeySetVerifiesATokenElsewhere(t *testing.T) {
	now := noon
	a := open(t, filepath.Join(t.TempDir(), "key.pem"), &now)
	signed, err := a.Issue("zoe", "acme", nil)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	a.ServeKeys(w, nil)
	var set struct {
		Keys []struct{ Kty, Alg, Kid, N, E string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%s: %v", w.Body, err)
	}
	k := set.Keys[0]
	n, err := base64.RawURLEncoding.DecodeString(k.N)
	if err != nil {
		t.Fatal(err)
	}
	e, err := base64.RawURLEncoding.DecodeString(k.E)
	if err != nil {
		t.Fatal(err)
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	parsed, err := jwt.Parse(signed, func(t *jwt.Token) (any, error) { return key, nil },
		jwt.WithTimeFunc(func() time.Time { return noon }))
	if err != nil || parsed.Header["kid"] != k.Kid || parsed.Method.Alg() != k.Alg {
		t.Fatalf("%v, %v", parsed, err)
	}
}

func TestABrokenKeyFileIsNamed(t *testing.T) {
	now, path := noon, filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := token.Open(path, func() time.Time { return now }); err == nil || !strings.Contains(err.Error(), path) {
		t.Fatalf("got %v", err)
	}
}
