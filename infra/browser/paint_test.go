package browser_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
)

// BenchmarkClickToPaint prints, of pages of the account demo, how long it takes from the click on
// their link until something of them is painted, and how much longer that is than where a bare
// server has the very same bytes in memory: by turns, in one browser, at most 50 ms (docs/console.md,
// Time).
func BenchmarkClickToPaint(b *testing.B) {
	p := sit(b, byMouse)
	p.signIn("demo", "ada")
	still := httptest.NewServer(&copied{from: p.o.console.URL, answers: map[string]*answer{}})
	b.Cleanup(still.Close)
	for _, link := range []string{"Licenses", "Purchase", "Directory", "Usage", "Audit"} {
		b.Run(link, func(b *testing.B) {
			p.t = b
			for _, server := range []string{p.o.console.URL, still.URL} { // it has the bytes from then on
				p.clickToPaint(server, link)
			}
			var made, bare []time.Duration
			for b.Loop() {
				made = append(made, p.clickToPaint(p.o.console.URL, link))
				bare = append(bare, p.clickToPaint(still.URL, link))
			}
			b.ReportMetric(milliseconds(median(made)), "ms/click")
			b.ReportMetric(milliseconds(median(made)-median(bare)), "ms-more")
		})
	}
	p.t = b
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// clickToPaint opens the overview of a server and clicks on a link. The page that is left notes when
// that was, since the next one has a time of its own.
func (p *person) clickToPaint(server, link string) time.Duration {
	p.t.Helper()
	p.goes(func() { call(p, page.Navigate, page.NavigateParams{URL: server + "/console/demo/"}) })
	asks[any](p, `addEventListener("click", (e) => {
		sessionStorage.setItem("clicked", performance.timeOrigin + e.timeStamp);
	}, true)`)
	p.in("Pages", func() { p.click(link) })
	took := 0.0
	p.until(func() string {
		took = asks[float64](p, `(() => {
			const [first] = performance.getEntriesByName("first-contentful-paint");
			return first ? performance.timeOrigin + first.startTime - sessionStorage.getItem("clicked") : 0;
		})()`)
		if took <= 0 {
			return "nothing is painted"
		}
		return ""
	})
	return time.Duration(took * float64(time.Millisecond))
}

// copied answers with what another server has answered the first time, byte for byte.
type copied struct {
	from string

	mu      sync.Mutex
	answers map[string]*answer
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// ServeHTTP implements http.Handler.
func (s *copied) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, err := s.answer(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the browser is gone if this fails
}

func (s *copied) answer(r *http.Request) (*answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := r.URL.RequestURI()
	if a := s.answers[path]; a != nil {
		return a, nil
	}
	asked, err := http.NewRequestWithContext(r.Context(), http.MethodGet, s.from+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	asked.Header = r.Header.Clone() // with the cookies, which a browser has for all ports
	response, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(asked)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, response.Status)
	}
	header := response.Header
	for _, own := range []string{"Date", "Set-Cookie", "Connection"} {
		header.Del(own)
	}
	a := &answer{response.StatusCode, header, body}
	s.answers[path] = a
	return a, nil
}
