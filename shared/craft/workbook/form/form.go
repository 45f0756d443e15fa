// Package form says what a file is that an admin fills in, and what writes one. It writes none
// itself, so that who only speaks of forms does not link what writes workbooks (design, decision 9).
package form

import (
	"io"
	"strconv"
	"time"
)

// Sheets of the sample. Only the first is visible: a file with a second visible sheet is refused
// when it comes back (requirements, section 5).
const (
	SampleSheet = "Mass configuration"
	CodesSheet  = "Addon codes"
)

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
	// AddOnColumns is the number of Addon license columns; 0 stands for one per add-on, which is as
	// many as a row can use.
	AddOnColumns int
	// Rows are examples, their cells in the order of the header; they may be shorter.
	Rows [][]string
}

// SampleHeader is the header of a mass configuration file with n add-on columns (requirements,
// section 5): Ext Key, Number, User, Addon license 1 to n.
func SampleHeader(n int) []string {
	header := append(make([]string, 0, 3+n), "Ext Key", "Number", "User")
	for i := 1; i <= n; i++ {
		header = append(header, "Addon license "+strconv.Itoa(i))
	}
	return header
}

// SampleForm is the form of a mass configuration.
func SampleForm(in Sample) Form {
	n := in.AddOnColumns
	if n == 0 {
		n = len(in.AddOns)
	}
	f := Form{Created: in.Created, Title: SampleSheet, Header: SampleHeader(n), Rows: in.Rows}
	const fixed = 3 // Ext Key, Number, User
	if len(in.AddOns) > 0 && n > 0 {
		f.Lists = []List{
			{
				Name:  "Add-on code",
				First: fixed + 1,
				Last:  fixed + n,
				Sheet: CodesSheet,
				Heads: [2]string{"Addon License Code", "Addon License"},
				Codes: in.AddOns,
			},
		}
	}
	return f
}

// Form is a file that an admin fills in under a header.
type Form struct {
	// Created goes into the document's properties.
	Created time.Time
	// Title goes into the document's properties and names the sheet, so it has at most 31
	// characters.
	Title  string
	Header []string
	// Rows stand below the header; they may be shorter.
	Rows [][]string
	// Lists are offered in columns, and may be written over.
	Lists []List
}

// List is what some columns of a form offer.
type List struct {
	// Name is what a cell of these columns holds: "Add-on code".
	Name string
	// First and Last are the columns, from 1.
	First, Last int
	Codes       []AddOn
	// Sheet is the hidden sheet on which the codes stand with their names, under Heads. Empty for a
	// few codes that need no names: a list inside of the drop-down itself may have 255 characters.
	Sheet string
	Heads [2]string
}

// Rows takes the rows of a form, or of a table, one by one. A caller that gives up before Close calls
// Discard; calling it after Close, as a deferred call does, is fine.
type Rows interface {
	Append(row []string) error
	Close() error
	Discard()
}

// Result takes the rows of a result file, as Rows does: the input with Status and Message
// (requirements, section 5.5).
type Result interface {
	Append(cells []string, status, message string) error
	Close() error
	Discard()
}

// Workbooks begin files of Excel.
type Workbooks interface {
	// Form begins a form; its Rows are not written.
	Form(w io.Writer, f Form) (Rows, error)
	// Result begins a result file with the columns of the input. created and title go into the
	// document's properties.
	Result(w io.Writer, created time.Time, title string, header []string) (Result, error)
}
