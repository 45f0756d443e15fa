package text_test

import (
	"strings"
	"testing"

	"seatwise/shared/craft/text"
)

// A file may hold a million cells, each as long as a cell may be.
func BenchmarkCells(b *testing.B) {
	for name, s := range map[string]string{
		"ascii":     "Alice Adams",
		"accents":   "Zoë O’Neil",
		"long":      strings.Repeat("😀", 1024),
		"longLatin": strings.Repeat("ë", 1024),
		"number":    "+1 656-789-1230",
		"digits":    "6567891230",
	} {
		b.Run("clean "+name, func(b *testing.B) {
			for b.Loop() {
				text.Clean(s)
			}
		})
		b.Run("fold "+name, func(b *testing.B) {
			for b.Loop() {
				text.Fold(s)
			}
		})
		b.Run("digits "+name, func(b *testing.B) {
			for b.Loop() {
				text.Digits(s)
			}
		})
	}
}
