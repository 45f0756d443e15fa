package runner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"strconv"

	"seatwise/shared/platform/api"
	"seatwise/shared/platform/problem"
)

// problemListener makes problems of what net/http answers of its own to a request that it cannot
// read: a bad escape in the path, headers beyond all bounds, a line that is no request. No handler
// ever sees these (docs/contract.md: all that our code answers is a problem).
type problemListener struct{ net.Listener }

func (l problemListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // the server looks at the listener's own error
	}
	return problemConn{conn}, nil
}

type problemConn struct{ net.Conn }

// serverRefusal is what follows the status line of net/http's own refusals; an answer of a handler
// has a Date before its Content-Type or Connection.
const serverRefusal = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

func (c problemConn) Write(b []byte) (int, error) {
	answer, ok := refusal(b)
	if !ok {
		return c.Conn.Write(b) //nolint:wrapcheck // as net.Conn says
	}
	if _, err := c.Conn.Write(answer); err != nil {
		return 0, err //nolint:wrapcheck // as net.Conn says
	}
	return len(b), nil
}

// refusal is the problem in place of an answer of net/http's own; ok is false for any other answer.
func refusal(b []byte) (answer []byte, ok bool) {
	const version = "HTTP/1.1 "
	line, rest, found := bytes.Cut(b, []byte("\r\n"))
	if !found || !bytes.HasPrefix(line, []byte(version)) || !bytes.HasPrefix(rest, []byte(serverRefusal[2:])) ||
		len(line) < len(version)+3 {
		return nil, false
	}
	status, err := strconv.Atoi(string(line[len(version) : len(version)+3]))
	if err != nil || status < 400 {
		return nil, false
	}
	p := problem.New(problem.MalformedBody,
		"The request cannot be read: its line, its path or one of its headers is not of its form.")
	if status == 431 {
		p = problem.New(problem.HeadersTooLarge,
			"The request line and the headers are too large; 10240 bytes are taken.")
	}
	body, err := json.Marshal(api.Of(p))
	if err != nil {
		return nil, false
	}
	return fmt.Appendf(
		nil,
		"%s%d %s\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		version,
		p.Status(),
		p.Title(),
		len(body),
		body,
	), true
}
