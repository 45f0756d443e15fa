package view

import (
	"fmt"
	"unicode/utf8"
)

// Bar is an amount of a chart. Figure is the amount as a person reads it.
type Bar struct {
	Name, Figure string
	Amount       int64
}

// Places of a chart of bars, in pixels: a bar with its text above it, again and again. Widths are
// percents, so that the text stays as large as that of the page on every screen.
const (
	barPitch  = 38
	barText   = 14
	barTop    = 20
	barHeight = 8
	barFoot   = 2
	// barName is how many characters of a name leave room for its figure on 360 pixels.
	barName = 26
)

func largest(bars []Bar) int64 {
	var most int64
	for _, b := range bars {
		most = max(most, b.Amount)
	}
	return most
}

// percent is how much of the width an amount takes: nothing for none, and something that can be
// seen for anything above.
func percent(amount, most int64) string {
	if amount <= 0 || most <= 0 {
		return "0%"
	}
	return fmt.Sprintf("%.1f%%", max(100*float64(amount)/float64(most), 0.5))
}

func short(name string) string {
	if utf8.RuneCountInString(name) <= barName {
		return name
	}
	return string([]rune(name)[:barName-1]) + "…"
}
