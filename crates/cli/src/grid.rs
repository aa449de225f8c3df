//! Tables that fit the terminal: cells are cut, not wrapped.

use console::{Term, measure_text_width, truncate_str};

/// Width where nobody says how wide the terminal is.
const USUAL_WIDTH: usize = 120;

/// No column gets narrower than this, unless its content is.
const NARROWEST: usize = 6;

/// Spaces between columns.
const GAP: usize = 2;

/// Width of the terminal in columns: that of stdout, else what `COLUMNS` says.
pub(crate) fn width() -> usize {
    let told = || {
        let columns = std::env::vars_os().find(|(name, _)| name == "COLUMNS")?.1;
        columns.to_str()?.parse().ok()
    };
    let terminal = Term::stdout()
        .size_checked()
        .map(|(_, columns)| usize::from(columns));
    let width = terminal.or_else(told).unwrap_or(USUAL_WIDTH);
    width.max(40)
}

/// A text on one line, without what would move the cursor of a terminal.
pub(crate) fn plain(text: &str) -> String {
    let visible = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().map(visible).collect()
}

/// A text on one line of at most this width.
pub(crate) fn cut(text: &str, width: usize) -> String {
    truncate_str(&plain(text), width, "…").into_owned()
}

/// Rows under a header; a row has as many cells as the header.
pub(crate) struct Grid {
    rows: Vec<Vec<String>>,
}

impl Grid {
    pub(crate) fn new<T: Into<String>>(header: impl IntoIterator<Item = T>) -> Self {
        Self {
            rows: vec![header.into_iter().map(Into::into).collect()],
        }
    }

    pub(crate) fn push<T: Into<String>>(&mut self, row: impl IntoIterator<Item = T>) {
        self.rows.push(row.into_iter().map(Into::into).collect());
    }

    /// The table in lines of at most this width: the widest columns are cut until all fit, but for the first one, whose
    /// names are to be typed.
    pub(crate) fn fit(&self, width: usize) -> String {
        let mut widths = self.widths();
        loop {
            let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
            let widest = widths.iter_mut().skip(1).max();
            match widest {
                Some(widest) if total > width && *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
        }
        self.lines(&widths)
    }

    /// The same with as many columns as fit, none wider than `most`; gives the headers of the others too.
    pub(crate) fn fit_first(&self, width: usize, most: usize) -> (String, Vec<String>) {
        let mut room = width + GAP;
        let mut widths = Vec::new();
        for natural in self.widths() {
            let wanted = natural.min(most);
            if room < wanted + GAP {
                break;
            }
            room -= wanted + GAP;
            widths.push(wanted);
        }
        let header = self.rows.first();
        let others = header.into_iter().flatten().skip(widths.len());
        (self.lines(&widths), others.cloned().collect())
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width_of = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| measure_text_width(&plain(cell))).max()
        };
        (0..columns)
            .map(|column| width_of(column).unwrap_or(0))
            .collect()
    }

    fn lines(&self, widths: &[usize]) -> String {
        let line = |row: &Vec<String>| {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                let cell = cut(cell, *width);
                let padding = (width + GAP).saturating_sub(measure_text_width(&cell));
                line.push_str(&cell);
                line.extend(std::iter::repeat_n(' ', padding));
            }
            line.trim_end().to_owned()
        };
        let lines: Vec<String> = self.rows.iter().map(line).collect();
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::new(["name", "note", "n"]);
        grid.push(["a", "a long note that is cut", "1"]);
        grid.push(["日本語の名前", "\u{1b}[31mred\nline", "22"]);
        grid
    }

    #[test]
    fn the_widest_column_is_cut_until_all_fit() {
        insta::assert_snapshot!(grid().fit(80), @"
        name          note                     n
        a             a long note that is cut  1
        日本語の名前   [31mred line            22
        ");
        let narrow = grid().fit(30);
        insta::assert_snapshot!(narrow, @"
        name          note          n
        a             a long note…  1
        日本語の名前   [31mred li…  22
        ");
        assert!(narrow.lines().all(|line| measure_text_width(line) <= 30));
    }

    #[test]
    fn columns_that_have_no_room_are_named() {
        let (text, others) = grid().fit_first(20, 8);
        insta::assert_snapshot!(text, @"
        name      note
        a         a long …
        日本語…    [31mre…
        ");
        assert_eq!(others, ["n"]);
    }
}
