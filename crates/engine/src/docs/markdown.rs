//! Text for Markdown, whatever letters it has.

/// Text in which nothing is markup.
pub(super) fn text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
    {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Text as it is, in letters of one width.
pub(super) fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    let mut fence = "`".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    let space = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A table; its cells are Markdown already.
pub(super) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let rule = format!("|{}", "---|".repeat(head.len()));
    let mut lines = vec![line(&head), rule];
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| with_bars(cell)).collect();
        lines.push(line(&cells));
    }
    lines.join("\n")
}

/// A bar ends a cell, also where it stands in code.
fn with_bars(cell: &str) -> String {
    cell.replace("\\|", "|").replace('|', "\\|")
}
