package health

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/swaggest/swgui/v5/static"

	"seatwise/shared/platform/api"
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/reply"
)

// The OpenAPI document, as `make openapi` writes it beside openapi.yaml.
var (
	//go:embed openapi.json.gz
	documentJSON []byte
	//go:embed openapi.yaml.gz
	documentYAML []byte
)

const (
	typeJSON = "application/openapi+json"
	typeYAML = "application/openapi+yaml"
	typeHTML = "text/html; charset=utf-8"

	// policy lets the page load what it is made of from here and nothing from elsewhere, and run no
	// script that is written into a page.
	policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
		"font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	// kept is how long a browser keeps a part of the page without asking.
	kept = "public, max-age=3600"
)

// page is the reference page. Its links are relative, so that it works below the base path of a
// custom domain too.
const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Seatwise: reference of the HTTP API</title>
<link rel="icon" href="docs/favicon-32x32.png" sizes="32x32" type="image/png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<noscript><p>This page needs JavaScript. The same is in <a href="v1/openapi.yaml">openapi.yaml</a>
and <a href="v1/openapi.json">openapi.json</a>.</p></noscript>
<main id="reference"></main>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`

// start draws the page; it is a file of its own because the policy allows no script inside a page.
const start = `SwaggerUIBundle({
  url: new URL("v1/openapi.json", document.baseURI).href,
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "none",
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
`

// assets are the files of the page by name: those of Swagger UI, and start.js.
var assets = map[string]string{
	"swagger-ui-bundle.js": "text/javascript; charset=utf-8",
	"swagger-ui.css":       "text/css; charset=utf-8",
	"favicon-32x32.png":    "image/png",
	"start.js":             "text/javascript; charset=utf-8",
}

// file is an answer that is a file.
type file struct {
	ContentType     string `header:"Content-Type"`
	ContentEncoding string `header:"Content-Encoding"`
	CacheControl    string `header:"Cache-Control"`
	Policy          string `header:"Content-Security-Policy"`
	NoSniff         string `header:"X-Content-Type-Options"`
	Vary            string `header:"Vary"`
	Body            []byte
}

type accepting struct {
	AcceptEncoding string `header:"Accept-Encoding" doc:"With gzip the answer is compressed."`
}

// packed answers with a compressed file, unpacked for who does not take gzip.
func (in accepting) packed(contentType string, zipped []byte) (*file, error) {
	f := &file{
		ContentType:  contentType,
		CacheControl: kept,
		Policy:       policy,
		NoSniff:      "nosniff",
		Vary:         "Accept-Encoding",
	}
	if takesGzip(in.AcceptEncoding) {
		f.ContentEncoding, f.Body = "gzip", zipped
		return f, nil
	}
	var err error
	f.Body, err = unpack(zipped)
	return f, err
}

// takesGzip reads Accept-Encoding (RFC 9110, 12.5.3): gzip or * is named, and not with a weight
// of 0.
func takesGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(coding), ";")
		name, weight = strings.TrimSpace(name), strings.ReplaceAll(weight, " ", "")
		if strings.EqualFold(name, "gzip") || name == "*" {
			return strings.Trim(strings.TrimPrefix(strings.ToLower(weight), "q="), "0.") != "" || weight == ""
		}
	}
	return false
}

func unpack(zipped []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return text, nil
}

func referenceRoutes(k *api.Router) {
	const tag = "Reference"
	api.Register(k, api.Operation{
		ID:      "get-openapi-json",
		Method:  http.MethodGet,
		Path:    "/v1/openapi.json",
		Tag:     tag,
		Public:  true,
		Files:   []string{typeJSON},
		Summary: "Read this document as JSON",
	}, func(_ context.Context, _ *call.Call, in *accepting) (*file, error) {
		return in.packed(typeJSON, documentJSON)
	})
	api.Register(k, api.Operation{
		ID:      "get-openapi-yaml",
		Method:  http.MethodGet,
		Path:    "/v1/openapi.yaml",
		Tag:     tag,
		Public:  true,
		Files:   []string{typeYAML},
		Summary: "Read this document as YAML",
	}, func(_ context.Context, _ *call.Call, in *accepting) (*file, error) {
		return in.packed(typeYAML, documentYAML)
	})
	api.Register(k, api.Operation{
		ID: "get-docs", Method: http.MethodGet, Path: "/docs", Tag: tag, Public: true, Files: []string{"text/html"},
		Summary: "Read this document as a page",
	}, func(context.Context, *call.Call, *struct{}) (*file, error) {
		return &file{
			ContentType:  typeHTML,
			CacheControl: kept,
			Policy:       policy,
			NoSniff:      "nosniff",
			Body:         []byte(page),
		}, nil
	})
	api.Register(k, api.Operation{
		ID: "get-docs-file", Method: http.MethodGet, Path: "/docs/{file}", Tag: tag, Public: true,
		Files: []string{"text/javascript", "text/css", "image/png"}, Summary: "Read a part of the page", Missing: true,
	}, func(_ context.Context, _ *call.Call, in *struct {
		accepting
		File string `path:"file" maxLength:"64" doc:"The name of the part." example:"start.js"`
	},
	) (*file, error) {
		return asset(in.accepting, in.File)
	})
}

// asset answers with a part of the page.
//
// Errors: not-found.
func asset(in accepting, name string) (*file, error) {
	contentType, ok := assets[name]
	if !ok {
		return nil, problem.New(problem.NotFound, "The page has no such part.")
	}
	plain := &file{ContentType: contentType, CacheControl: kept, Policy: policy, NoSniff: "nosniff"}
	if name == "start.js" {
		plain.Body = []byte(start)
		return plain, nil
	}
	if path.Ext(name) == ".png" {
		image, err := fs.ReadFile(static.FS, name)
		if err != nil {
			return nil, fmt.Errorf("read a part of the page: %w", err)
		}
		plain.Body = image
		return plain, nil
	}
	zipped, err := fs.ReadFile(static.FS, name+".gz")
	if err != nil {
		return nil, fmt.Errorf("read a part of the page: %w", err)
	}
	return in.packed(contentType, zipped)
}

// route is a path of the document with its methods.
type route struct {
	segments []string // "" for a parameter
	methods  []string
}

// routes reads the paths out of the document, when the first request comes that no operation takes.
var routes = sync.OnceValues(func() ([]route, error) {
	text, err := unpack(documentJSON)
	if err != nil {
		return nil, err
	}
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	methods := []string{http.MethodDelete, http.MethodGet, http.MethodPatch, http.MethodPost, http.MethodPut}
	var all []route
	for name, item := range document.Paths {
		r := route{segments: strings.Split(name, "/")[1:]}
		for i, segment := range r.segments {
			if strings.HasPrefix(segment, "{") {
				r.segments[i] = ""
			}
		}
		for _, method := range methods {
			if _, ok := item[strings.ToLower(method)]; ok {
				r.methods = append(r.methods, method)
			}
		}
		all = append(all, r)
	}
	return all, nil
})

// methods are those that the document has for a path; none for a path that it does not have. The
// path may stand below a base path of a custom domain.
func methods(requested string) ([]string, error) {
	all, err := routes()
	if err != nil {
		return nil, err
	}
	segments := strings.Split(strings.TrimPrefix(requested, "/"), "/")
	var best *route
	for i, r := range all {
		if n := len(segments) - len(r.segments); n >= 0 && r.fits(segments[n:]) && (best == nil || r.before(*best)) {
			best = &all[i]
		}
	}
	if best == nil {
		return nil, nil
	}
	return best.methods, nil
}

// before says whether a route counts where another one fits too: the longer one, and at the first
// segment where they differ the one with a fixed segment, as the gateway does.
func (r route) before(other route) bool {
	if len(r.segments) != len(other.segments) {
		return len(r.segments) > len(other.segments)
	}
	for i, segment := range r.segments {
		if segment != other.segments[i] {
			return other.segments[i] == ""
		}
	}
	return false
}

func (r route) fits(segments []string) bool {
	for i, want := range r.segments {
		if segments[i] == "" || want != "" && want != segments[i] {
			return false
		}
	}
	return true
}

// answerUnknown answers what no route of the API takes (docs/contract.md: all that our code answers
// is a problem): an unknown path, a wrong method, and OPTIONS, which tells the methods of a path.
// The reference with a slash behind it, as people write it, leads to the reference.
func answerUnknown(env *app.Env) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowed, err := methods(r.URL.EscapedPath())
		names := strings.Join(allowed, ", ")
		switch {
		case err != nil:
			env.Log.ErrorContext(r.Context(), "the routes are not known", "error", err)
			reply.WriteProblem(w, problem.New(problem.Internal, ""))
		case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/docs/"):
			// Relative, so that it is right below the base path of a custom domain too.
			w.Header().Set("Location", "../docs")
			w.WriteHeader(http.StatusPermanentRedirect)
		case len(allowed) == 0 || slices.Contains(allowed, r.Method):
			reply.WriteProblem(w, problem.New(problem.NotFound, "There is nothing at this path."))
		case r.Method == http.MethodOptions:
			w.Header().Set("Allow", names)
			w.WriteHeader(http.StatusNoContent)
		default:
			p := problem.New(problem.MethodNotAllowed, "This path answers "+names+".")
			p.Allow = names
			reply.WriteProblem(w, p)
		}
	})
}
