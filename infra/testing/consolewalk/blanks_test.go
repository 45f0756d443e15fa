package consolewalk

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestLooseBlanks(t *testing.T) {
	for text, want := range map[string][]string{
		`<p>Good until <time>9:36 PM</time> , and then</p>`:       {"PM , and"},
		`<p>taken <time>9:36 PM <span>UTC</span></time> . It</p>`: {"UTC . It"},
		`<p>(last viewed <time>6:56 PM</time> )</p>`:              {"PM )"},
		`<p>( seen</p>`: {"( seen"},
		"<p><bdi>ada</bdi>\n, <time>9 PM</time>: read</p>":                                                {"… , 9"},
		`<p><bdi>Zoe , of A</bdi>, and <code>a , b</code>.</p><p>. _ @ + - between</p><p>one</p><p>)</p>`: nil,
	} {
		root, err := html.Parse(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := looseBlanks(root); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
