package runner

import (
	"net/http"
	"net/url"
	"sort"
	"strings"

	"seatwise/infra/local/template"
)

// router finds the template's route for a request as API Gateway does: segment by segment, a fixed
// segment before a parameter.
type router struct {
	patterns []pattern
}

type pattern struct {
	segments []string // "" for a parameter
	greedy   bool     // ends in {proxy+}: one segment more, or several
	methods  map[string]template.Route
}

func newRouter(routes []template.Route) *router {
	r := &router{}
	at := map[string]int{}
	for _, route := range routes {
		path, greedy := strings.CutSuffix(route.Path, "/{proxy+}")
		segments := split(path)
		for i, s := range segments {
			if strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") {
				segments[i] = ""
			}
		}
		shape := strings.Join(segments, "/")
		if greedy {
			shape += "/+"
		}
		i, known := at[shape]
		if !known {
			i = len(r.patterns)
			at[shape] = i
			r.patterns = append(r.patterns, pattern{segments, greedy, map[string]template.Route{}})
		}
		r.patterns[i].methods[route.Method] = route
	}
	// At the first segment where two patterns differ, the one with the fixed segment comes first;
	// so the first that matches is the right one.
	sort.SliceStable(r.patterns, func(i, j int) bool {
		if r.patterns[i].greedy != r.patterns[j].greedy {
			return r.patterns[j].greedy
		}
		a, b := r.patterns[i].segments, r.patterns[j].segments
		for k := range min(len(a), len(b)) {
			if a[k] != b[k] {
				return a[k] > b[k]
			}
		}
		return len(a) < len(b)
	})
	return r
}

// match returns the route of a request. When the path is known and the method is not, ok is false
// and allow lists the methods; otherwise it is empty.
func (r *router) match(request *http.Request) (route template.Route, allow string, ok bool) {
	path := request.URL.EscapedPath()
	if !strings.HasPrefix(path, "/") {
		return template.Route{}, "", false
	}
	segments := split(path)
	for i, s := range segments {
		decoded, err := url.PathUnescape(s)
		if err != nil {
			return template.Route{}, "", false
		}
		segments[i] = decoded
	}
	for _, p := range r.patterns {
		if !p.fits(segments) {
			continue
		}
		if route, ok := p.methods[request.Method]; ok {
			return route, "", true
		}
		methods := make([]string, 0, len(p.methods))
		for method := range p.methods {
			methods = append(methods, method)
		}
		sort.Strings(methods)
		return template.Route{}, strings.Join(methods, ", "), false
	}
	return template.Route{}, "", false
}

func (p pattern) fits(segments []string) bool {
	n := len(p.segments)
	if len(segments) < n || p.greedy != (len(segments) > n) {
		return false
	}
	for i, want := range p.segments {
		if segments[i] == "" || want != "" && segments[i] != want {
			return false
		}
	}
	return true
}

// split takes a path apart; / has no segment.
func split(path string) []string {
	if path == "/" {
		return nil
	}
	return strings.Split(path, "/")[1:]
}
