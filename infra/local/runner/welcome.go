package runner

import (
	"net/http"
	"strings"
)

// welcome is what a browser finds at /local/. It is plain: there is nothing to run in it, and
// nothing of an account.
const welcome = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Seatwise on this machine</title>
<style>
:root { color-scheme: light dark; font: 1rem/1.6 system-ui, sans-serif }
body { max-width: 46rem; margin: 3rem auto; padding: 0 1rem }
pre { overflow-x: auto; padding: .75rem; border: 1px solid; border-radius: .25rem }
</style>
</head>
<body>
<h1>Seatwise runs on this machine</h1>
<p>The API is at <code>{api}/v1</code>; all of its data is in the runner's data folder.</p>
<ul>
<li><a href="/console/">The console</a></li>
<li><a href="/docs">The reference of every operation</a></li>
<li><a href="/v1/openapi.yaml">The OpenAPI document</a></li>
<li><a href="/v1/health">Its health</a></li>
<li><a href="/local/failed-events">Events that could not be carried out</a></li>
</ul>
<h2>Next</h2>
<p>The README has a five-minute tour. To look at an account that has been used for a year, stop this
runner and start it by:</p>
<pre>make demo</pre>
<p>Every request needs a token. Here anybody is given one:</p>
<pre>curl -sS {api}/local/token -d '{"account": "demo", "user": "ada", "permissions": "all"}'</pre>
</body>
</html>
`

func (r *runner) serveWelcome(w http.ResponseWriter, request *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("X-Content-Type-Options", "nosniff")
	host := request.Host
	if strings.ContainsAny(host, `<>&"'`) {
		host = r.config.Addr
	}
	_, _ = strings.NewReplacer("{api}", "http://"+host).WriteString(w, welcome) // the client is gone if this fails
}
