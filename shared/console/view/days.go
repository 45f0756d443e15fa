package view

import (
	"fmt"
	"unicode/utf8"
)

// DayBar is a day of a chart of days. Says is the day and its figures in words, for who points at
// it.
type DayBar struct {
	Says          string
	Amount, Limit int64
}

// DayChart are amounts of days against a limit that may change from day to day. First and Last are
// the days at its ends as a person reads them.
type DayChart struct {
	// Of says what the chart shows, for who cannot see it.
	Of          string
	Bars        []DayBar
	First, Last string
}

// Places of a chart of days. Heights are pixels and widths percents, so that the text stays as
// large as that of the page on every screen.
const (
	daysTop    = 16
	daysHeight = 170
	daysFoot   = 22
	daysGap    = 0.25 // of a day's width
	daysLines  = 4
	// daysFigure is how many characters of a figure fit into the margin, which is of a fixed width:
	// what is longer gets a wider one.
	daysFigure = 5
)

// shape is a part of the chart, placed.
type shape struct {
	Kind, X, Y, Width, Height, Right, Says string
}

// level is a line across the chart with its figure.
type level struct{ Y, TextY, Figure string }

// step is the distance of two lines: 1, 2 or 5 of a power of ten, so that no more than some lines
// reach the top.
func step(top int64) int64 {
	for power := int64(1); ; power *= 10 {
		for _, one := range []int64{1, 2, 5} {
			if one*power*daysLines >= top {
				return one * power
			}
		}
	}
}

// top is the amount at the upper edge: the first line above everything.
func (d DayChart) top() int64 {
	most := int64(1)
	for _, b := range d.Bars {
		most = max(most, b.Amount, b.Limit)
	}
	s := step(most)
	return (most + s - 1) / s * s
}

func (d DayChart) y(amount int64) float64 {
	return daysTop + daysHeight*(1-float64(amount)/float64(d.top()))
}

// wide says that the figures need the wider margin.
func (d DayChart) wide(f *Format) bool { return utf8.RuneCountInString(f.Number(d.top())) > daysFigure }

func (d DayChart) levels(f *Format) []level {
	var list []level
	for amount := int64(0); amount <= d.top(); amount += step(d.top()) {
		y := d.y(amount)
		list = append(list, level{fmt.Sprintf("%.1f", y), fmt.Sprintf("%.1f", y+4), f.Number(amount)})
	}
	return list
}

// shapes are the bars, the part of each that is beyond the limit, and the limit.
func (d DayChart) shapes() []shape {
	var list []shape
	width := 100 / float64(max(len(d.Bars), 1))
	for i, b := range d.Bars {
		left := width * float64(i)
		bar := func(kind string, from, to int64) {
			if to > from {
				list = append(list, shape{
					Kind: kind, X: percents(left + width*daysGap/2), Width: percents(width * (1 - daysGap)),
					Y: fmt.Sprintf("%.1f", d.y(to)), Height: fmt.Sprintf("%.1f", d.y(from)-d.y(to)), Says: b.Says,
				})
			}
		}
		bar("bar", 0, min(b.Amount, b.Limit))
		bar("over", b.Limit, b.Amount)
	}
	for i, b := range d.Bars {
		left := width * float64(i)
		y := fmt.Sprintf("%.1f", d.y(b.Limit))
		list = append(list, shape{Kind: "limit", X: percents(left), Right: percents(left + width), Y: y, Says: b.Says})
	}
	return list
}

func percents(n float64) string { return fmt.Sprintf("%.2f%%", n) }
