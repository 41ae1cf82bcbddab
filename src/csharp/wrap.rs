//! Lines that fit: lists and chains are broken where they get too wide.

/// Columns of a line.
const WIDTH: usize = 110;

/// `head`, the items with commas between them, `tail`: on one line, or filled into several.
pub(super) fn list(head: &str, items: &[String], tail: &str) -> String {
    let pieces = items.iter().enumerate().map(|(i, item)| {
        let comma = if i + 1 < items.len() { "," } else { tail };
        (if i == 0 { "" } else { " " }, format!("{item}{comma}"))
    });
    if items.is_empty() { format!("{head}{tail}") } else { fill(head, pieces) }
}

/// A chain of calls, each beginning with a dot.
pub(super) fn chain(head: &str, links: impl IntoIterator<Item = String>) -> String {
    fill(head, links.into_iter().map(|link| ("", link)))
}

/// Pieces on one line if they fit, else filled into several; each has a space before it or none.
fn fill<'p>(head: &str, pieces: impl Iterator<Item = (&'p str, String)>) -> String {
    let mut out = head.to_owned();
    let mut column = head.chars().count() - head.rfind('\n').map_or(0, |at| at + 1);
    for (space, piece) in pieces {
        let width = piece.chars().count();
        if column + width > WIDTH && column > 8 {
            out.truncate(out.trim_end_matches(' ').len());
            out.push_str("\n    ");
            column = 4;
        } else {
            out.push_str(space);
        }
        out.push_str(&piece);
        column += width + 1;
    }
    out
}

/// A member with its body behind an arrow, on one line if there is room.
pub(super) fn arrow(head: &str, body: &str) -> String {
    let last = head.rsplit('\n').next().unwrap_or_default();
    let width = last.chars().count() + body.chars().count();
    if !body.contains('\n') && width + 5 <= WIDTH {
        return format!("{head} => {body};\n");
    }
    format!("{head}\n    => {};\n", body.replace('\n', "\n    "))
}

/// The text with every line that is not empty moved to the right.
pub(super) fn indent(text: &str, levels: usize) -> String {
    let space = "    ".repeat(levels);
    let line = |line: &str| match line.is_empty() {
        true => "\n".to_owned(),
        false => format!("{space}{line}\n"),
    };
    text.lines().map(line).collect()
}
