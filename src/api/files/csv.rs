//! Lines of CSV (RFC 4180) that a spreadsheet shows and does not run.

/// What a spreadsheet takes for the beginning of a formula, full-width forms included.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Appends one line.
pub fn line(cells: &[&str], out: &mut String) {
    typed_line(cells.iter().map(|cell| (*cell, true)), out);
}

/// Appends one line of cells, each with whether it is text: a figure may begin with a minus.
pub fn typed_line<'a>(cells: impl Iterator<Item = (&'a str, bool)>, out: &mut String) {
    for (index, (cell, is_text)) in cells.enumerate() {
        if index > 0 {
            out.push(',');
        }
        push(cell, is_text, out);
    }
    out.push_str("\r\n");
}

fn push(cell: &str, is_text: bool, out: &mut String) {
    let harmless = if is_text && is_formula(cell) { "'" } else { "" };
    // Semicolons and tabs separate cells in some countries' spreadsheets.
    if !cell.contains([',', '"', '\r', '\n', ';', '\t']) {
        out.push_str(harmless);
        out.push_str(cell);
        return;
    }
    out.push('"');
    out.push_str(harmless);
    out.push_str(&cell.replace('"', "\"\""));
    out.push('"');
}

/// Also behind white space and quotes, which importers may strip.
fn is_formula(cell: &str) -> bool {
    let skipped = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '\u{feff}' | '\u{200b}');
    cell.starts_with(['\t', '\r', '\n']) || cell.trim_start_matches(skipped).starts_with(FORMULA)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str) -> String {
        let mut out = String::new();
        push(text, true, &mut out);
        out
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        for formula in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "＝1",
            "＋1",
            "－1",
            "＠x",
            " =1",
            "\u{a0}=1",
            "'=1",
            "' =1",
            "\u{feff}=1",
            "-",
        ] {
            assert_eq!(cell(formula), format!("'{formula}"));
        }
        assert_eq!(cell("\tx"), "\"'\tx\"");
        assert_eq!(cell("\r=x"), "\"'\r=x\"");
        assert_eq!(cell("\"=x\""), "\"'\"\"=x\"\"\"");
        assert_eq!(cell("=HYPERLINK(\"http://x\",\"y\")"), "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"");
    }

    #[test]
    fn other_cells_are_quoted_only_where_they_must_be() {
        for plain in ["", "a", "a=b", "user-1", "2026-05-12T12:00:00.000000Z", "日本語"] {
            assert_eq!(cell(plain), plain);
        }
        assert_eq!(cell("{\"a\":\"b\"}"), "\"{\"\"a\"\":\"\"b\"\"}\"");
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("a\nb"), "\"a\nb\"");
        let mut out = String::new();
        line(&["a", "", "b;c"], &mut out);
        assert_eq!(out, "a,,\"b;c\"\r\n");
    }
}
