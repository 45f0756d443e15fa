// Writes the rows with the programs of JavaScript that write workbooks: plainly, streamed, and with all sorts of things around the table.
"use strict";
const fs = require("fs");
const path = require("path");
const modules = process.argv[4];
const ExcelJS = require(require.resolve("exceljs", { paths: [modules] }));
const XLSX = require(require.resolve("xlsx", { paths: [modules] }));

const rows = fs.readFileSync(process.argv[2], "utf8").replace(/\n$/, "").split("\n").map((line) => line.split("\t").map((cell) => cell.replaceAll("\\n", "\n")));
const out = (name) => path.join(process.argv[3], name);
const values = rows.map((row, i) => row.map((cell) => (i > 0 && /^[1-9][0-9]*$/.test(cell) ? Number(cell) : cell === "" ? null : cell)));

async function exceljs() {
  const table = (book) => {
    const sheet = book.addWorksheet("Phones");
    values.forEach((row) => {
      const added = sheet.addRow(row);
      if (added.commit && book.commit) added.commit();
    });
    return sheet;
  };
  let book = new ExcelJS.Workbook();
  table(book);
  await book.xlsx.writeFile(out("exceljs.xlsx"));

  // As texts: it ends a line at the last cell that there is, and which of the cells before it is missing then nobody can tell.
  const texts = new ExcelJS.Workbook();
  texts.addWorksheet("Phones").addRows(rows);
  await texts.csv.writeFile(out("exceljs.csv"));

  book = new ExcelJS.stream.xlsx.WorkbookWriter({ filename: out("exceljs-streamed.xlsx"), useSharedStrings: true, useStyles: true });
  table(book);
  await book.commit();

  book = new ExcelJS.Workbook();
  const sheet = table(book);
  sheet.views = [{ state: "frozen", ySplit: 1 }];
  sheet.autoFilter = { from: "A1", to: { row: rows.length, column: rows[0].length } };
  sheet.getCell("C2").note = "who?";
  sheet.mergeCells("J1:K3");
  sheet.getRow(1).font = { bold: true };
  sheet.dataValidations.add("D2:D100", { type: "list", allowBlank: true, formulae: ['"a,b"'] });
  const hidden = book.addWorksheet("Codes", { state: "veryHidden" });
  hidden.getCell("A1").value = { formula: "1+1", result: 2 };
  await book.xlsx.writeFile(out("exceljs-rich.xlsx"));
}

function sheetjs() {
  const sheet = XLSX.utils.aoa_to_sheet(values);
  const book = XLSX.utils.book_new();
  XLSX.utils.book_append_sheet(book, sheet, "Phones");
  XLSX.writeFile(book, out("sheetjs.xlsx"));
  XLSX.writeFile(book, out("sheetjs-shared.xlsx"), { bookSST: true, compression: true });
  const texts = XLSX.utils.aoa_to_sheet(rows);
  fs.writeFileSync(out("sheetjs.csv"), XLSX.utils.sheet_to_csv(texts));
  fs.writeFileSync(out("sheetjs-semicolons.csv"), "\ufeff" + XLSX.utils.sheet_to_csv(texts, { FS: ";" }));
}

sheetjs();
exceljs().catch((err) => {
  console.error(err);
  process.exit(1);
});
