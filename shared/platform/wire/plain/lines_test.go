package plain_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"seatwise/shared/platform/wire/plain"
)

// TestLinesAreReadPageByPage has a service answer that refuses for load now and then: each line of each
// part of the window comes once.
func TestLinesAreReadPageByPage(t *testing.T) {
	var mu sync.Mutex
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if asked++; asked%3 == 0 {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"ThrottlingException"}`)
			return
		}
		var in struct {
			Group     string `json:"logGroupName"`
			Pattern   string `json:"filterPattern"`
			Start     int64  `json:"startTime"`
			End       int64  `json:"endTime"`
			NextToken string `json:"nextToken"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Group != "functions" || in.Pattern == "" {
			t.Errorf("asked for %+v, %v", in, err)
		}
		if r.Header.Get("X-Amz-Target") != "Logs_20140328.FilterLogEvents" {
			t.Errorf("asked for %s", r.Header.Get("X-Amz-Target"))
		}
		message := fmt.Sprint(in.Start, "-", in.End, in.NextToken)
		page := map[string]any{"events": []any{map[string]any{"message": message}}}
		if in.NextToken == "" {
			page["nextToken"] = "more"
		}
		if err := json.NewEncoder(w).Encode(page); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	environment := map[string]string{"AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": server.URL}
	log := plain.NewLines("functions", func(name string) string { return environment[name] })
	from := time.UnixMilli(0)
	var got []string
	err := log.Read(t.Context(), from, from.Add(150*time.Minute), func(line []byte) error {
		got = append(got, string(line))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const hour = 3_600_000
	want := []string{}
	for _, part := range [][2]int{{0, hour - 1}, {hour, 2*hour - 1}, {2 * hour, 5*hour/2 - 1}} {
		want = append(want, fmt.Sprint(part[0], "-", part[1]), fmt.Sprint(part[0], "-", part[1], "more"))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}
