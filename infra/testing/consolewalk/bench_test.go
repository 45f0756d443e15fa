package consolewalk

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"seatwise/infra/registry"
	"seatwise/shared/console/client"
	"seatwise/shared/console/pages"
	"seatwise/shared/platform/app"
)

// watch knows what was asked of the API.
type watch struct {
	mu    sync.Mutex
	calls []string
}

// over makes every function, and watches those that serve the API.
func (w *watch) over(env *app.Env) map[string]app.Function {
	made := registry.Make(env)
	for id, f := range made {
		if f.HTTP == nil || id == "ConsoleFunction" {
			continue
		}
		serve := f.HTTP
		f.HTTP = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w.mu.Lock()
			w.calls = append(w.calls, r.URL.RequestURI())
			w.mu.Unlock()
			serve.ServeHTTP(rw, r)
		})
		made[id] = f
	}
	return made
}

// took is what was asked since the last time.
func (w *watch) took() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.calls = nil
	return calls
}

// BenchmarkPages prints of each page in the navigation: its time as a multiple of that in which a
// client has the same calls of the API answered side by side (at most 2), that time, how many calls
// they are, its bytes as they are sent (at most 20 KB), and, of the list of licenses, how it is with
// 50,000: a page of it is put together from 16 shards in the place of 4 (docs/data-model.md, Shards),
// which is where it ends.
func BenchmarkPages(b *testing.B) {
	w := &watch{}
	c, stop, err := open(b.TempDir(), w.over)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := stop(); err != nil {
			b.Error(err)
		}
	})
	api := c.Account(b, "acme", map[string]int64{"live-reports": 300, "phone-system": 200})
	large := c.Account(b, "large", map[string]int64{"live-reports": 300, "phone-system": 200})
	for n := range 200 {
		id := fmt.Sprintf("user%03d", n)
		name := fmt.Sprintf("Person Number %d", n)
		_, err := api.PutUser(b.Context(), id, client.PutUserRequest{Name: name}, client.Change{Key: rand.Text()})
		if err != nil {
			b.Fatal(err)
		}
	}
	one := visit{w, c.packing(b, "acme"), api}
	for _, page := range pages.All() {
		if page.Order == 0 || page.Name == "Accounts" {
			continue
		}
		b.Run(strings.ReplaceAll(page.Name, " ", "_"), func(b *testing.B) { one.measure(b, page.Path, func() {}) })
	}
	many(b, large)
	other := visit{w, c.packing(b, "large"), large}
	b.Run("Licenses_of_50000", func(b *testing.B) {
		var few []time.Duration
		took := other.measure(b, "licenses", func() { few = append(few, one.open(b, "licenses")) })
		b.ReportMetric(float64(took)/float64(median(few)), "x500")
	})
}

// packing is the browser of an admin that takes packed answers.
func (c *Console) packing(b *testing.B, account string) *Browser {
	browser := c.SignIn(b, account, "ada")
	browser.Header.Set("Accept-Encoding", "gzip")
	return browser
}

// wire is what a page and its calls are fetched with: it waits for no connection and unpacks nothing,
// so what is measured is the server.
var wire = http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16}}

// fetch reads an answer to its end, and says how many bytes it has.
func fetch(ctx context.Context, address string, header http.Header) (size int64, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, err
	}
	r.Header = header
	response, err := wire.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	size, err = io.Copy(io.Discard, response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", address, response.Status)
	}
	return size, err
}

// visit is an admin's browser, and a client with the same rights.
type visit struct {
	w       *watch
	browser *Browser
	api     *client.Client
}

// open fetches a page, and says how long that took.
func (v visit) open(b *testing.B, path string) time.Duration {
	took, _ := v.get(b, path)
	return took
}

func (v visit) get(b *testing.B, path string) (took time.Duration, size int64) {
	b.Helper()
	asked := http.Request{Header: v.browser.Header.Clone()}
	for _, c := range v.browser.Cookies() {
		asked.AddCookie(c)
	}
	began := time.Now()
	size, err := fetch(b.Context(), v.api.Base+"/console/"+v.api.Account+"/"+path, asked.Header)
	if err != nil {
		b.Fatal(err)
	}
	return time.Since(began), size
}

// measure opens a page again and again, by turns with a client that makes its calls and with something
// else, and answers its median time.
func (v visit) measure(b *testing.B, path string, andThen func()) time.Duration {
	b.Helper()
	v.open(b, path)
	var own, theirs []time.Duration
	var calls []string
	var size int64
	for b.Loop() {
		v.w.took()
		took, bytes := v.get(b, path)
		own, size, calls = append(own, took), bytes, v.w.took()
		began := time.Now()
		beside(b, v.api, calls)
		theirs = append(theirs, time.Since(began))
		andThen()
	}
	page := median(own)
	b.ReportMetric(float64(page)/float64(median(theirs)), "x-calls")
	b.ReportMetric(float64(page)/float64(time.Millisecond), "ms/page")
	b.ReportMetric(float64(len(calls)), "calls")
	b.ReportMetric(float64(size), "B/page")
	return page
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

// beside makes calls side by side.
func beside(b *testing.B, api *client.Client, calls []string) {
	b.Helper()
	header := http.Header{"Authorization": {"Bearer " + api.Token}}
	var group errgroup.Group
	for _, call := range calls {
		group.Go(func() error {
			_, err := fetch(b.Context(), api.Base+call, header)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

// many buys licenses until there are 50,000.
func many(b *testing.B, api *client.Client) {
	b.Helper()
	for range 5 {
		lines := []client.QuoteLineInput{{ProductID: "live-reports", Quantity: 9_900, CostCenter: "CC-1"}}
		asked := client.CreateQuoteRequest{Lines: &lines}
		quote, err := api.CreateQuote(b.Context(), asked, client.Change{Key: rand.Text()})
		if err != nil {
			b.Fatal(err)
		}
		order := client.PlaceOrderRequest{QuoteID: quote.Body.ID, Acknowledged: new(true)}
		placed, err := api.PlaceOrder(b.Context(), order, client.Change{Key: rand.Text()})
		if err != nil {
			b.Fatal(err)
		}
		for state := placed.Body.State; state != "placed"; time.Sleep(100 * time.Millisecond) {
			now, err := api.GetOrder(b.Context(), placed.Body.ID)
			if err != nil {
				b.Fatal(err)
			}
			state = now.Body.State
		}
	}
}
