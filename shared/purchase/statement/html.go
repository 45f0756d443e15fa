package statement

import (
	"fmt"
	"html/template"
	"io"
	"sync"
)

// htmlPage needs nothing from anywhere else, neither style nor script, so that it can be kept as a
// file and served under the strictest policy. It is parsed when the first statement is asked for:
// most starts of the function never print one.
var htmlPage = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("statement").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}} {{.Number}}</title>
<style>
:root { color-scheme: light; }
body {
  font: 15px/1.45 system-ui, "Helvetica Neue", Arial, "Noto Sans", sans-serif; color: #1b1f24; background: #fff;
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
}
header { border-bottom: 2px solid #1b1f24; margin-bottom: 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.brand { margin: 0; color: #57606a; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.5rem; margin: 0; }
dt { color: #57606a; }
dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th, td {
  text-align: left; vertical-align: top; padding: .35rem .5rem; border-bottom: 1px solid #d0d7de;
  overflow-wrap: anywhere;
}
thead th { border-bottom: 2px solid #1b1f24; }
tfoot th, tfoot td { border-bottom: 0; border-top: 2px solid #1b1f24; font-weight: 700; }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
blockquote { margin: .5rem 0 0; padding-left: 1rem; border-left: 3px solid #d0d7de; }
@page { size: {{if eq .Paper "letter"}}letter{{else}}A4{{end}}; margin: 16mm; }
@media print {
  body { font-size: 10pt; max-width: none; margin: 0; padding: 0; }
  thead { display: table-header-group; }
  tfoot { display: table-row-group; }
  tr, blockquote, dl { break-inside: avoid; }
  h2 { break-after: avoid; }
}
</style>
</head>
<body>
<header>
<p class="brand"><bdi>{{.Brand}}</bdi></p>
<h1>{{.Title}}</h1>
</header>
<main>
<dl>
{{- range .Facts}}
<dt>{{.Name}}</dt><dd><bdi>{{.Value}}</bdi></dd>
{{- end}}
</dl>
<h2 id="charges">Itemized charges</h2>
<p>{{.Intro}}</p>
<table aria-labelledby="charges">
<thead><tr><th scope="col">Product</th><th scope="col">Cost center</th><th scope="col" class="n">Quantity</th><th scope="col" class="n">Unit price</th><th scope="col" class="n">Recurring</th><th scope="col" class="n">Due today</th></tr></thead>
<tbody>
{{- range .Lines}}
<tr><td>{{.Product}}</td><td><bdi>{{.CostCenter}}</bdi></td><td class="n">{{.Quantity}}</td><td class="n">{{.UnitPrice}}</td><td class="n">{{.Recurring}}</td><td class="n">{{.Due}}</td></tr>
{{- end}}
</tbody>
<tfoot><tr><th scope="row" colspan="4">Total</th><td class="n">{{.Recurring}}</td><td class="n">{{.Due}}</td></tr></tfoot>
</table>
<h2 id="centers">Charges by cost center</h2>
<table aria-labelledby="centers">
<thead><tr><th scope="col">Cost center</th><th scope="col" class="n">Recurring</th><th scope="col" class="n">Due today</th></tr></thead>
<tbody>
{{- range .CostCenters}}
<tr><td><bdi>{{.CostCenter}}</bdi></td><td class="n">{{.Recurring}}</td><td class="n">{{.Due}}</td></tr>
{{- end}}
</tbody>
<tfoot><tr><th scope="row">Total</th><td class="n">{{.Recurring}}</td><td class="n">{{.Due}}</td></tr></tfoot>
</table>
<h2>Acknowledgement</h2>
<p><bdi>{{.AcknowledgedBy}}</bdi></p>
<blockquote>{{.Acknowledgement}}</blockquote>
</main>
</body>
</html>
`))
})

// HTML writes the statement as one HTML page in UTF-8. It fails only if w does.
func HTML(w io.Writer, s Source) error {
	if err := htmlPage().Execute(w, newPage(s)); err != nil {
		return fmt.Errorf("statement: html: %w", err)
	}
	return nil
}
