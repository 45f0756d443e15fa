package view

import (
	"strings"
	"testing"
)

// The largest amount fills the width, nothing is no bar, and anything above can be seen.
func TestBars(t *testing.T) {
	bars := []Bar{
		{Name: "CC-1", Figure: "$100.00", Amount: 10000},
		{Name: "CC-2", Figure: "$25.00", Amount: 2500},
		{Name: "CC-3", Figure: "$0.01", Amount: 1},
		{Name: "CC-4", Figure: "$0.00"},
	}
	var page strings.Builder
	if err := Bars("Charges", bars).Render(t.Context(), &page); err != nil {
		t.Fatal(err)
	}
	var widths []string
	for part := range strings.SplitSeq(page.String(), `class="bar"`) {
		if _, after, ok := strings.Cut(part, `width="`); ok && !strings.HasPrefix(part, "<svg") {
			width, _, _ := strings.Cut(after, `"`)
			widths = append(widths, width)
		}
	}
	if got, want := strings.Join(widths, " "), "100.0% 25.0% 0.5% 0%"; got != want {
		t.Errorf("the bars are %s wide, not %s", got, want)
	}
	for _, b := range bars {
		if !strings.Contains(page.String(), b.Name) || !strings.Contains(page.String(), b.Figure) {
			t.Errorf("%s is not in the chart", b.Name)
		}
	}
}

// A name leaves its figure room on a narrow screen, and is cut between characters.
func TestShortNames(t *testing.T) {
	for name, want := range map[string]string{
		"CC-1 Support":          "CC-1 Support",
		strings.Repeat("é", 26): strings.Repeat("é", 26),
		strings.Repeat("é", 27): strings.Repeat("é", 25) + "…",
	} {
		if got := short(name); got != want {
			t.Errorf("%s is written %s, not %s", name, got, want)
		}
	}
}
