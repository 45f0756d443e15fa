"""Writes the rows with the programs of Python that write workbooks: plainly, streamed, and with all sorts of things around the table."""

import csv
import pathlib
import re
import sys

import openpyxl
import openpyxl.comments
import openpyxl.worksheet.datavalidation
import openpyxl.worksheet.table
import pandas
import pyexcelerate
import xlsxwriter

rows = [[cell.replace("\\n", "\n") for cell in line.split("\t")] for line in pathlib.Path(sys.argv[1]).read_text("utf-8").splitlines()]
out = pathlib.Path(sys.argv[2])


def value(text, below=True):
    return int(text) if below and re.fullmatch("[1-9][0-9]*", text) else text or None


values = [[value(cell, i > 0) for cell in row] for i, row in enumerate(rows)]
width = len(rows[0])


def openpyxl_plain():
    book = openpyxl.Workbook()
    for row in values:
        book.active.append(row)
    book.save(out / "openpyxl.xlsx")


def openpyxl_streamed():
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Phones")
    for row in values:
        sheet.append(row)
    book.save(out / "openpyxl-streamed.xlsx")


def openpyxl_rich():
    book = openpyxl.Workbook()
    sheet = book.active
    for row in values:
        sheet.append(row)
    sheet.freeze_panes = "A2"
    sheet["A1"].font = openpyxl.styles.Font(bold=True)
    sheet["C2"].comment = openpyxl.comments.Comment("who?", "me")
    sheet["C3"].hyperlink = "mailto:a@example.com"
    sheet.merge_cells("J1:K3")
    choice = openpyxl.worksheet.datavalidation.DataValidation(type="list", formula1='"a,b"')
    choice.add("D2:D100")
    sheet.add_data_validation(choice)
    last = openpyxl.utils.get_column_letter(width)
    sheet.add_table(openpyxl.worksheet.table.Table(displayName="Phones", ref=f"A1:{last}{len(rows)}"))
    hidden = book.create_sheet("Codes")
    hidden["A1"] = "=1+1"
    hidden.sheet_state = "hidden"
    book.save(out / "openpyxl-rich.xlsx")


def xlsxwriter_plain(name, **options):
    book = xlsxwriter.Workbook(out / name, options)
    sheet = book.add_worksheet("Phones")
    for i, row in enumerate(values):
        for j, cell in enumerate(row):
            if isinstance(cell, int):
                sheet.write_number(i, j, cell)
            elif cell is not None:
                sheet.write_string(i, j, cell)
    return book, sheet


def xlsxwriter_rich():
    book, sheet = xlsxwriter_plain("xlsxwriter-rich.xlsx")
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(rows) - 1, width - 1)
    sheet.merge_range(0, width + 2, 2, width + 3, "")
    sheet.write_comment("C2", "who?")
    sheet.conditional_format("A2:A9", {"type": "data_bar"})
    sheet.data_validation("D2:D100", {"validate": "list", "source": ["a", "b"]})
    sheet.add_sparkline("Z1", {"range": "A2:A5"})
    sheet.set_header("&L<&D>")
    hidden = book.add_worksheet("Codes")
    hidden.write_array_formula("A1:A2", "{=TRANSPOSE(B1:C1)}")
    hidden.hide()
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "=Phones!$A$2:$A$5"})
    sheet.insert_chart("M5", chart)
    book.close()


def pandas_all():
    frame = pandas.DataFrame(values[1:], columns=rows[0], dtype=object)
    for engine in "openpyxl", "xlsxwriter":
        frame.to_excel(out / f"pandas-{engine}.xlsx", index=False, engine=engine)
    frame.to_csv(out / "pandas.csv", index=False)
    frame.to_csv(out / "pandas-semicolons.csv", index=False, sep=";", encoding="utf-8-sig", lineterminator="\r\n")


def pyexcelerate_plain():
    book = pyexcelerate.Workbook()
    book.new_sheet("Phones", data=[["" if cell is None else cell for cell in row] for row in values])
    book.save(out / "pyexcelerate.xlsx")


def csvs():
    for name, options in {"python.csv": {}, "python-quoted.csv": {"quoting": csv.QUOTE_ALL, "lineterminator": "\n"}}.items():
        with open(out / name, "w", newline="", encoding="utf-8") as file:
            csv.writer(file, **options).writerows(rows)


openpyxl_plain()
openpyxl_streamed()
openpyxl_rich()
xlsxwriter_plain("xlsxwriter.xlsx")[0].close()
xlsxwriter_plain("xlsxwriter-streamed.xlsx", constant_memory=True)[0].close()
xlsxwriter_plain("xlsxwriter-zip64.xlsx", use_zip64=True)[0].close()
xlsxwriter_rich()
pandas_all()
pyexcelerate_plain()
csvs()
