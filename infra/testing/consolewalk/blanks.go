package consolewalk

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// inline are the elements that do not begin a line: the words in them go on in the line around them.
var inline = []string{"a", "b", "bdi", "button", "code", "em", "i", "s", "small", "span", "strong", "time"}

// typed are the elements that show what somebody typed, or what a program reads: blanks in it are meant.
var typed = []string{"bdi", "code", "pre", "script", "style", "textarea"}

// blanks are a blank before a comma, dot, semicolon, colon or closing bracket that ends a word, and one
// after an opening bracket. A template writes one where a line ends between a component and what follows.
var blanks = regexp.MustCompile(`\S+ [,.;:)](?: [\p{L}\d(]|$)[^ ]*|\( \S+`)

// looseBlanks are the places of a page where a blank stands before a mark that belongs to the word before.
func looseBlanks(root *html.Node) []string {
	var text strings.Builder
	lines(root, &text)
	var list []string
	for line := range strings.SplitSeq(text.String(), "\n\n") {
		list = append(list, blanks.FindAllString(strings.Join(strings.Fields(line), " "), -1)...)
	}
	return list
}

// lines writes what is read of a page, with an empty line where a line begins.
func lines(n *html.Node, text *strings.Builder) {
	switch {
	case n.Type == html.TextNode:
		text.WriteString(strings.ReplaceAll(n.Data, "\n", " "))
		return
	case n.Type == html.ElementNode && slices.Contains(typed, n.Data):
		text.WriteString("…")
		return
	}
	block := n.Type != html.ElementNode || !slices.Contains(inline, n.Data)
	if block {
		text.WriteString("\n\n")
	}
	for child := range n.ChildNodes() {
		lines(child, text)
	}
	if block {
		text.WriteString("\n\n")
	}
}
