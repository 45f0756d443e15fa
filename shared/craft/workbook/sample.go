package workbook

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"

	"seatwise/shared/craft/workbook/csvout"
)

// Sheets of the sample. Only the first is visible: a file with a second visible sheet is refused when it comes back (spec 5).
const (
	SampleSheet = "Mass configuration"
	CodesSheet  = "Addon codes"
)

// sampleRows is how many rows of the sample have the drop-down: as many as an upload may have (spec 5).
const sampleRows = 100_000

// AddOn is one product that a row of the file may name.
type AddOn struct {
	Code string
	Name string
}

// Sample is what the sample file is made of.
type Sample struct {
	// Created goes into the document's properties.
	Created time.Time
	// AddOns are the account's codes in the order of the drop-down.
	AddOns []AddOn
	// AddOnColumns is the number of Addon license columns; 0 stands for one per add-on, which is as many as a row can use.
	AddOnColumns int
	// Rows are examples, their cells in the order of the header; they may be shorter.
	Rows [][]string
}

// WriteSample writes the file that an admin fills in for a mass configuration (spec 5.1): the header, frozen; every column with the format Text, so
// that Excel keeps leading zeros and does not turn a phone number into 6.57E+09; in the add-on columns a drop-down of the codes. The codes with
// their names stand on a hidden sheet, because a list inside of the drop-down itself may have 255 characters and no names.
//
// An example row longer than the header is [ErrRagged].
func WriteSample(w io.Writer, in Sample) error {
	n := in.AddOnColumns
	if n == 0 {
		n = len(in.AddOns)
	}
	b, err := newBook(in.Created, "Mass configuration", SampleSheet, CodesSheet)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.file.SetSheetVisible(CodesSheet, false); err != nil {
		return fmt.Errorf("workbook: %w", err)
	}
	if err := b.sample(csvout.SampleHeader(n), in); err != nil {
		return err
	}
	if err := b.codes(in.AddOns); err != nil {
		return err
	}
	return b.writeTo(w)
}

// WriteForm writes a file that an admin fills in under a header: frozen, every column with the format Text, as WriteSample has them. The title goes into the
// document's properties and names the sheet, so it has at most 31 characters.
func WriteForm(w io.Writer, created time.Time, title string, header []string) error {
	b, err := newBook(created, title, title)
	if err != nil {
		return err
	}
	defer b.close()
	columns := make([]column, len(header))
	for i, name := range header {
		columns[i] = column{title: name, width: 22, style: b.styles.text}
	}
	s, err := b.table(title, columns)
	if err != nil {
		return err
	}
	if err := s.end(); err != nil {
		return err
	}
	return b.writeTo(w)
}

// sample writes the sheet that is to be filled in.
func (b *book) sample(titles []string, in Sample) error {
	columns := make([]column, len(titles))
	for i, title := range titles {
		columns[i] = column{title: title, width: 22, style: b.styles.text}
	}
	columns[0].width = 12
	s, err := b.table(SampleSheet, columns)
	if err != nil {
		return err
	}
	for _, row := range in.Rows {
		if len(row) > len(titles) {
			return fmt.Errorf("%w: %d and %d", ErrRagged, len(row), len(titles))
		}
		cells := make([]any, len(row))
		for i, cell := range row {
			cells[i] = textCell(cell)
		}
		if err := s.append(0, cells...); err != nil {
			return err
		}
	}
	const fixed = 3 // Ext Key, Number, User
	if len(in.AddOns) > 0 && len(titles) > fixed {
		if err := b.dropDown(fixed+1, len(titles), len(in.AddOns)); err != nil {
			return fmt.Errorf("workbook: %w", err)
		}
	}
	return s.end()
}

// dropDown offers the codes in the given columns.
func (b *book) dropDown(from, to, codes int) error {
	first, err := excelize.CoordinatesToCellName(from, 2)
	if err != nil {
		return err
	}
	last, err := excelize.CoordinatesToCellName(to, 1+sampleRows)
	if err != nil {
		return err
	}
	list := excelize.NewDataValidation(true)
	list.SetSqref(first + ":" + last)
	list.SetSqrefDropList("'" + CodesSheet + "'!$A$2:$A$" + strconv.Itoa(1+codes))
	list.SetError(excelize.DataValidationErrorStyleStop, "Unknown add-on code",
		"Pick a code from the list. The hidden sheet \""+CodesSheet+"\" says what each code stands for.")
	return b.file.AddDataValidation(SampleSheet, list)
}

// codes writes the hidden sheet that the drop-down reads.
func (b *book) codes(addOns []AddOn) error {
	s, err := b.table(CodesSheet, []column{
		{title: "Addon License Code", width: 45, style: b.styles.text},
		{title: "Addon License", width: 40, style: b.styles.text},
	})
	if err != nil {
		return err
	}
	for _, a := range addOns {
		if err := s.append(0, textCell(a.Code), textCell(a.Name)); err != nil {
			return err
		}
	}
	return s.end()
}
