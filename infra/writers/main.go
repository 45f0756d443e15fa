// Command writers has programs of other people write one table as a file, each in its own ways, and
// reads every one of those files to the same rows: a library of honest files, beside the hostile
// ones of package sheet's tests. It reads as well what the office suite makes of our own files, and
// refuses in helpful words what no reader can know, such as CSV in the old code pages. `make
// writers` installs the programs and runs it.
package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"seatwise/shared/craft/sheet"
	"seatwise/shared/craft/workbook"
	"seatwise/shared/craft/workbook/csvout"
	"seatwise/shared/craft/workbook/form"
)

// table is what every program writes. It has what goes wrong in files: leading zeros, long numbers,
// quotes, both separators, line breaks, markup, letters of other scripts, characters beyond U+FFFF,
// and blank cells.
var table = [][]string{
	{"Ext Key", "Number", "User", "Addon license 1", "Addon license 2"},
	{"101", "6567891230", "John", "device_ip_phone", "call_recording"},
	{"0102", "+16567891231", `Zoë "Z" Straße`, "team_chat", ""},
	{"103", "", "O'Neil, Ann; jr.", "", "team_chat"},
	{"104", "00498912345", "名前 <b>&amp; 😀", "license_number", ""},
	{"105", "123456789012345", "two\nlines", "", ""},
	{"106", "6567891236", "a.b+c@example.com", "device_web_rtc", "device_mobile_app"},
}

func main() {
	python := flag.String("python", "python3", "the Python that has the programs of requirements.txt")
	node := flag.String("node", "", "the folder whose node_modules has the programs of package.json")
	poi := flag.String("poi", "", "the folder with the jars of pom.xml")
	keep := flag.String("keep", "", "a folder in which the files stay; a temporary one if empty")
	flag.Parse()
	ctx, stop := context.WithTimeout(context.Background(), 8*time.Minute)
	defer stop()
	if err := run(ctx, *python, *node, *poi, *keep); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, python, node, poi, folder string) error {
	if folder == "" {
		made, err := os.MkdirTemp("", "seatwise-writers-*")
		if err != nil {
			return err
		}
		defer os.RemoveAll(made)
		folder = made
	} else if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	rows := filepath.Join(folder, "rows.tsv")
	var lines strings.Builder
	for _, row := range table {
		lines.WriteString(strings.ReplaceAll(strings.Join(row, "\t"), "\n", `\n`) + "\n")
	}
	if err := os.WriteFile(rows, []byte(lines.String()), 0o600); err != nil {
		return err
	}
	source := "infra/writers"
	for _, program := range [][]string{
		{python, source + "/write.py", rows, folder},
		{"node", source + "/write.js", rows, folder, node},
		{"java", "-cp", filepath.Join(poi, "*"), source + "/Write.java", rows, folder},
	} {
		began := time.Now()
		if err := command(ctx, program...); err != nil {
			return err
		}
		fmt.Printf("%-20s %.1f s\n", filepath.Base(program[0]), time.Since(began).Seconds())
	}
	if err := ours(folder); err != nil {
		return err
	}
	if err := excelCSV(folder); err != nil {
		return err
	}
	if err := office(ctx, folder); err != nil {
		return err
	}
	return judge(folder)
}

func command(ctx context.Context, words ...string) error {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(words, " "), err, out)
	}
	return nil
}

// ours writes the table as we write files ourselves.
func ours(folder string) error {
	var book, text bytes.Buffer
	sample := form.Sample{
		AddOnColumns: 2,
		Rows:         table[1:],
		AddOns:       []form.AddOn{{Code: "team_chat", Name: "Team Chat"}},
		Created:      time.Unix(1_700_000_000, 0),
	}
	err := errors.Join(workbook.WriteSample(&book, sample), csvout.WriteSample(&text, 2, table[1:]))
	return errors.Join(
		err,
		os.WriteFile(filepath.Join(folder, "ours.xlsx"), book.Bytes(), 0o600),
		os.WriteFile(filepath.Join(folder, "ours.csv"), text.Bytes(), 0o600),
	)
}

// excelCSV writes CSV as Excel does, which cannot run here: by the languages whose list separator
// is a comma or a semicolon, with and without a marker, and the kinds that are refused: in the code
// page of Windows, and in UTF-16.
func excelCSV(folder string) error {
	write := func(separator rune) string {
		var b strings.Builder
		w := csv.NewWriter(&b)
		w.Comma, w.UseCRLF = separator, true
		_ = w.WriteAll(table) // a strings.Builder takes everything
		// Excel keeps a line break within a cell as it is there.
		return strings.ReplaceAll(b.String(), "two\r\nlines", "two\nlines")
	}
	const mark = "\ufeff"
	var wide []byte
	for _, unit := range utf16.Encode([]rune(mark + write('\t'))) {
		wide = append(wide, byte(unit), byte(unit>>8))
	}
	old := strings.NewReplacer("ë", "\xEB", "ß", "\xDF", "名前", "??", "😀", "??").Replace(write(';'))
	var failures []error
	for name, body := range map[string]string{
		"excel-en.csv":             mark + write(','),
		"excel-de.csv":             mark + write(';'),
		"excel-fr-sep.csv":         mark + "sep=;\r\n" + write(';'),
		"excel-mac.csv":            write(';'),
		"sheets.csv":               strings.TrimSuffix(write(','), "\r\n"),
		"refused-windows-1252.csv": old,
		"refused-unicode-text.csv": string(wide),
		"refused-tabs.csv":         write('\t'),
	} {
		failures = append(failures, os.WriteFile(filepath.Join(folder, name), []byte(body), 0o600))
	}
	return errors.Join(failures...)
}

// office has LibreOffice save again what others wrote: workbooks in both of its formats, and CSV
// with both separators.
func office(ctx context.Context, folder string) error {
	began := time.Now()
	profile := "-env:UserInstallation=file://" + filepath.Join(folder, "profile")
	for _, c := range []struct{ to, folder, from string }{
		{"xlsx:Calc MS Excel 2007 XML", "libreoffice", "openpyxl.xlsx"},
		{"xlsx:Calc Office Open XML", "libreoffice-ooxml", "openpyxl-rich.xlsx"},
		{"xlsx:Calc MS Excel 2007 XML", "libreoffice-ours", "ours.xlsx"},
		{"csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false", "libreoffice-commas", "openpyxl.xlsx"},
		{"csv:Text - txt - csv (StarCalc):59,34,76,1,,0,true,true,false", "libreoffice-semicolons", "openpyxl.xlsx"},
	} {
		made := filepath.Join(folder, "made")
		err := command(ctx, "soffice", profile, "--headless", "--norestore", "--convert-to", c.to, "--outdir",
			made, filepath.Join(folder, c.from))
		if err != nil {
			return err
		}
		ending, _, _ := strings.Cut(c.to, ":")
		name := strings.TrimSuffix(c.from, filepath.Ext(c.from)) + "." + ending
		if err := os.Rename(filepath.Join(made, name), filepath.Join(folder, c.folder+"."+ending)); err != nil {
			return fmt.Errorf("soffice wrote nothing: %w", err)
		}
	}
	fmt.Printf("%-20s %.1f s\n", "soffice", time.Since(began).Seconds())
	return nil
}

// judge reads every file: to the table, or not at all where it is to be refused.
func judge(folder string) error {
	names, err := filepath.Glob(filepath.Join(folder, "*.*"))
	if err != nil {
		return err
	}
	var failures []error
	read, refused := 0, 0
	for _, name := range names {
		base := filepath.Base(name)
		if ending := filepath.Ext(base); ending != ".xlsx" && ending != ".csv" {
			continue
		}
		rows, err := rowsOf(name)
		var refusal *sheet.Refusal
		switch {
		case strings.HasPrefix(base, "refused-"):
			if !errors.As(err, &refusal) || !strings.Contains(refusal.Message, "Save") {
				failures = append(failures, fmt.Errorf("%s is not refused in helpful words: %w", base, err))
			}
			refused++
		case err != nil:
			failures = append(failures, fmt.Errorf("%s: %w", base, err))
		default:
			if why := difference(rows); why != "" {
				failures = append(failures, fmt.Errorf("%s: %s", base, why))
			}
			read++
		}
	}
	const least = 30
	fmt.Printf("%d files of other programs were read, %d refused\n", read, refused)
	if read < least {
		failures = append(failures, fmt.Errorf("there are only %d files, not %d", read, least))
	}
	return errors.Join(failures...)
}

// difference says in what rows differ from the table, if they do.
func difference(rows [][]string) string {
	if len(rows) != len(table) {
		return fmt.Sprintf("%d rows, not %d", len(rows), len(table))
	}
	for i, row := range rows {
		if want := trimmed(table[i]); !slices.Equal(row, want) {
			return fmt.Sprintf("row %d is %q, not %q", i+1, row, want)
		}
	}
	return ""
}

func rowsOf(name string) ([][]string, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	reader, err := sheet.Open(file, info.Size(), name, sheet.DefaultLimits())
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	if !reader.Hidden().None() {
		return nil, fmt.Errorf("%s is hidden", reader.Hidden())
	}
	var rows [][]string
	err = reader.Rows(func(r sheet.Row) error {
		cells := make([]string, len(r.Cells))
		for i, c := range r.Cells {
			if c.Kind != sheet.KindBlank && c.Kind != sheet.KindText && c.Kind != sheet.KindNumber || sheet.Mangled(c) {
				return fmt.Errorf("row %d: %q is a %s", r.Number, c.Text, c.Kind)
			}
			cells[i] = c.Text
		}
		rows = append(rows, trimmed(cells))
		return nil
	})
	return rows, err
}

// trimmed leaves out blank cells at the end.
func trimmed(row []string) []string {
	for len(row) > 0 && row[len(row)-1] == "" {
		row = row[:len(row)-1]
	}
	return row
}
