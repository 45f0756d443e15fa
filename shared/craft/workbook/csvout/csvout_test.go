package csvout

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
	"testing"
)

func TestWriteSample(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := WriteSample(&out, 2, [][]string{{"0101", "+6567891230", "=John"}, {"102", "", "a \"b\", c", "x", "y"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "\xef\xbb\xbfExt Key,Number,User,Addon license 1,Addon license 2\r\n" +
		"0101,+6567891230,'=John,,\r\n" +
		"102,,\"a \"\"b\"\", c\",x,y\r\n"
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
	if err := WriteSample(&out, 0, [][]string{make([]string, 4)}); !errors.Is(err, ErrRagged) {
		t.Errorf("got %v", err)
	}
}

func TestResult(t *testing.T) {
	t.Parallel()
	header := []string{"Ext Key", "User"}
	var out bytes.Buffer
	r, err := NewResult(&out, header)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		r.Append([]string{"101", "John;x"}, "applied", ""),
		r.Append([]string{"=1"}, "error", "Ext Key: a formula\nis refused"),
		r.Append(nil, "@", "=m"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Append(make([]string, 3), "", ""); !errors.Is(err, ErrRagged) {
		t.Errorf("got %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	want := "\xef\xbb\xbfExt Key,User,Status,Message\r\n" +
		"101,John;x,applied,\r\n" +
		"'=1,,error,\"Ext Key: a formula\r\nis refused\"\r\n" +
		",,'@,'=m\r\n"
	if out.String() != want {
		t.Errorf("got\n%q\nwant\n%q", out.String(), want)
	}
	if got := strings.Join(header[:cap(header)], "|"); got != "Ext Key|User" {
		t.Errorf("the caller's header became %q", got)
	}
	if _, err := csv.NewReader(&out).ReadAll(); err != nil {
		t.Error(err)
	}
}

func TestNeutral(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":      "",
		"101":   "101",
		"John":  "John",
		"'x":    "'x",
		"'=x":   "''=x",
		"''@x":  "'''@x",
		"#REF!": "'#REF!",
		" =1":   "' =1",
		"a=1":   "a=1",
		"=1+1":  "'=1+1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1",
		"+6567891230": "+6567891230", "-5": "-5",
		"+":                    "'+",
		"-":                    "'-",
		"+65-1":                "'+65-1",
		"-1+cmd|' /C calc'!A0": "'-1+cmd|' /C calc'!A0",
		"+A1":                  "'+A1",
		"--1":                  "'--1",
		"+1E5":                 "'+1E5",
	} {
		if got := Neutral(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken pipe")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

// shortWriter takes the byte order mark and nothing more.
type shortWriter struct{ taken bool }

func (w *shortWriter) Write(b []byte) (int, error) {
	if w.taken {
		return 0, errBroken
	}
	w.taken = true
	return len(b), nil
}

func TestBrokenWriter(t *testing.T) {
	t.Parallel()
	if _, err := NewResult(brokenWriter{}, nil); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
	r, err := NewResult(&shortWriter{}, []string{"A"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
	r.Discard()
}
