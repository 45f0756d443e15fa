package workbook

import (
	"fmt"
	"strconv"

	"github.com/xuri/excelize/v2"
)

// Paper is what a workbook is laid out for when it is printed.
type Paper int

// The sizes of paper; the zero Paper is A4.
const (
	A4 Paper = iota
	Letter
)

// size is the paper's number in the format.
func (p Paper) size() int {
	if p == Letter {
		return 1
	}
	return 9
}

// fontFamily is the one font of a workbook, on the sheets, in the chart and at the foot of a page.
// A program that lacks it takes another one for all of them.
const fontFamily = "Calibri"

// printedFoot numbers the pages, with the name of the tab.
const printedFoot = `&L&"` + fontFamily + `,Regular"&9&A&R&"` + fontFamily + `,Regular"&9Page &P of &N`

// openPrinted is openSheet for a sheet that prints well: landscape, one page wide, the row header
// repeated on every page, pages numbered.
func (b *book) openPrinted(name string, header int, columns []column, paper Paper) (*sheet, error) {
	// excelize writes what says that a sheet is fitted to its pages before the stream begins.
	fit := true
	if err := b.file.SetSheetProps(name, &excelize.SheetPropsOptions{FitToPage: &fit}); err != nil {
		return nil, fmt.Errorf("workbook: %w", err)
	}
	s, err := b.openSheet(name, header, columns)
	if err != nil {
		return nil, err
	}
	if err := b.layout(name, header, paper); err != nil {
		return nil, fmt.Errorf("workbook: %w", err)
	}
	return s, nil
}

func (b *book) layout(name string, header int, paper Paper) error {
	var (
		size, wide, tall        = paper.size(), 1, 0 // as many pages tall as it takes
		landscape               = "landscape"
		side, top, bottom, foot = 0.5, 0.5, 0.7, 0.3 // inches
	)
	if err := b.file.SetPageLayout(name, &excelize.PageLayoutOptions{
		Size: &size, Orientation: &landscape, FitToWidth: &wide, FitToHeight: &tall,
	}); err != nil {
		return err
	}
	if err := b.file.SetPageMargins(name, &excelize.PageLayoutMarginsOptions{
		Left: &side, Right: &side, Top: &top, Bottom: &bottom, Header: &foot, Footer: &foot,
	}); err != nil {
		return err
	}
	if err := b.file.SetHeaderFooter(name, &excelize.HeaderFooterOptions{OddFooter: printedFoot}); err != nil {
		return err
	}
	row := "$" + strconv.Itoa(header)
	return b.file.SetDefinedName(&excelize.DefinedName{
		Name: "_xlnm.Print_Titles", RefersTo: "'" + name + "'!" + row + ":" + row, Scope: name,
	})
}

// headerHeight is the height of a header of two lines, in points.
const headerHeight = 31

// printedTable is openPrinted with the titles of the columns as the first row, wrapped to two lines
// where they are longer than their column.
func (b *book) printedTable(name string, columns []column, paper Paper) (*sheet, error) {
	s, err := b.openPrinted(name, 1, columns, paper)
	if err != nil {
		return nil, err
	}
	titles := make([]any, len(columns))
	for i, c := range columns {
		titles[i] = excelize.Cell{StyleID: b.styles.title, Value: text(c.title)}
	}
	s.row++
	if err := s.out.SetRow("A1", titles, excelize.RowOpts{Height: headerHeight}); err != nil {
		return nil, fmt.Errorf("workbook: %s: %w", name, err)
	}
	return s, nil
}
