import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.poi.ss.usermodel.Cell;
import org.apache.poi.ss.usermodel.ClientAnchor;
import org.apache.poi.ss.usermodel.Comment;
import org.apache.poi.ss.usermodel.CreationHelper;
import org.apache.poi.ss.usermodel.Row;
import org.apache.poi.ss.usermodel.Sheet;
import org.apache.poi.ss.usermodel.Workbook;
import org.apache.poi.ss.util.CellRangeAddress;
import org.apache.poi.xssf.streaming.SXSSFWorkbook;
import org.apache.poi.xssf.usermodel.XSSFWorkbook;

/** Writes the rows with Apache POI: in memory, streamed, with shared texts, and with all sorts of things around the table. */
public final class Write {
    public static void main(String[] args) throws IOException {
        List<List<String>> rows = rows(Path.of(args[0]));
        Path out = Path.of(args[1]);
        try (Workbook book = new XSSFWorkbook()) {
            table(book, rows);
            save(book, out.resolve("poi.xlsx"));
        }
        try (SXSSFWorkbook book = new SXSSFWorkbook(1)) {
            table(book, rows);
            save(book, out.resolve("poi-streamed.xlsx"));
        }
        try (SXSSFWorkbook book = new SXSSFWorkbook(new XSSFWorkbook(), 1, true, true)) {
            table(book, rows);
            save(book, out.resolve("poi-streamed-shared.xlsx"));
        }
        try (Workbook book = new XSSFWorkbook()) {
            Sheet sheet = table(book, rows);
            int right = rows.get(0).size() + 2;
            sheet.createFreezePane(0, 1);
            sheet.setAutoFilter(new CellRangeAddress(0, rows.size() - 1, 0, rows.get(0).size() - 1));
            sheet.addMergedRegion(new CellRangeAddress(0, 3, right, right + 1));
            sheet.addMergedRegion(new CellRangeAddress(rows.size() + 4, rows.size() + 5, 0, 1));
            CreationHelper make = book.getCreationHelper();
            ClientAnchor anchor = make.createClientAnchor();
            anchor.setCol1(2);
            anchor.setRow1(1);
            Comment comment = sheet.createDrawingPatriarch().createCellComment(anchor);
            comment.setString(make.createRichTextString("who?"));
            sheet.getRow(1).getCell(2).setCellComment(comment);
            Sheet hidden = book.createSheet("Codes");
            hidden.createRow(0).createCell(0).setCellFormula("1+1");
            book.setSheetHidden(1, true);
            save(book, out.resolve("poi-rich.xlsx"));
        }
    }

    private static Sheet table(Workbook book, List<List<String>> rows) {
        Sheet sheet = book.createSheet("Phones");
        for (int i = 0; i < rows.size(); i++) {
            Row row = sheet.createRow(i);
            for (int j = 0; j < rows.get(i).size(); j++) {
                String text = rows.get(i).get(j);
                if (text.isEmpty()) {
                    continue;
                }
                Cell cell = row.createCell(j);
                if (i > 0 && text.matches("[1-9][0-9]*")) {
                    cell.setCellValue(Double.parseDouble(text));
                } else {
                    cell.setCellValue(text);
                }
            }
        }
        return sheet;
    }

    private static void save(Workbook book, Path to) throws IOException {
        try (OutputStream out = new FileOutputStream(to.toFile())) {
            book.write(out);
        }
    }

    /** Rows are lines, cells stand between tabs, and a line break is written as \n. */
    private static List<List<String>> rows(Path file) throws IOException {
        List<List<String>> rows = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            List<String> row = new ArrayList<>();
            for (String cell : line.split("\t", -1)) {
                row.add(cell.replace("\\n", "\n"));
            }
            rows.add(row);
        }
        return rows;
    }
}
