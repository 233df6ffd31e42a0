//! Does what a hint says, word by word, and nothing else.

/// The text after what a hint says; none if it says nothing that can be done.
pub(super) fn followed(text: &str, hint: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
    if let Some((_, rest)) = hint.rsplit_once("in line ") {
        let (line, rest) = rest.split_once(" write `")?;
        let (new, old) = rest.strip_suffix('`')?.split_once("` instead of `")?;
        let line = lines.get_mut(number(line)? - 1)?;
        assert!(line.contains(old), "`{old}` is not in `{line}`");
        *line = line.replacen(old, new, 1);
    } else if let Some((_, rest)) = hint.rsplit_once("remove lines ") {
        let (first, last) = rest.split_once(" to ")?;
        lines.drain(number(first)? - 1..number(last)?);
    } else if let Some((_, line)) = hint.rsplit_once("remove line ") {
        lines.remove(number(line)? - 1);
    } else if let Some((_, rest)) = hint.rsplit_once("move line ") {
        let (line, below) = rest.split_once(" below line ")?;
        let moved = lines.remove(number(line)? - 1);
        lines.insert(number(below)?, moved);
    } else if let Some((_, rest)) = hint.rsplit_once("add `") {
        let (new, line) = rest.split_once("` as line ")?;
        lines.insert(number(line)? - 1, new.to_owned());
    } else {
        return None;
    }
    Some(lines.join("\n") + "\n")
}

fn number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|number| *number > 0)
}
