//! The data map as a picture: triggers, functions, and where functions send and write.

use super::map::{DataMap, Place};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Width of a box, in units of the picture.
const BOX: usize = 260;
/// Between two columns, where the lines and their words are.
const GAP: usize = 220;
/// From one box to the next below it.
const ROW: usize = 64;
const HEIGHT: usize = 36;
const MARGIN: usize = 24;
/// Longest word that fits into a box.
const LETTERS: usize = 34;

/// Draws a map.
pub(super) fn draw(map: &DataMap) -> String {
    let mut columns: [Vec<&Place>; 3] = Default::default();
    for place in map.flows.iter().flat_map(|flow| [&flow.from, &flow.to]) {
        let column = match place.kind {
            "trigger" => &mut columns[0],
            "function" => &mut columns[1],
            _ => &mut columns[2],
        };
        if !column.contains(&place) {
            column.push(place);
        }
    }
    let rows = columns.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let (width, height) = (2 * MARGIN + 3 * BOX + 2 * GAP, 2 * MARGIN + rows * ROW);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    let mut spots = BTreeMap::new();
    for (column, places) in columns.iter().enumerate() {
        for (row, place) in places.iter().enumerate() {
            let spot = (MARGIN + column * (BOX + GAP), MARGIN + row * ROW);
            spots.insert(*place, (column, spot));
            boxed(&mut svg, place, spot);
        }
    }
    let mut lines: BTreeMap<(&Place, &Place), Vec<String>> = BTreeMap::new();
    for flow in &map.flows {
        let said = format!("{} ({})", flow.data, flow.invocations);
        lines.entry((&flow.from, &flow.to)).or_default().push(said);
    }
    for ((from, to), said) in lines {
        if let (Some(from), Some(to)) = (spots.get(from), spots.get(to)) {
            line(&mut svg, *from, *to, &said.join(", "));
        }
    }
    svg.push_str("</svg>");
    svg
}

type Spot = (usize, (usize, usize));

fn boxed(svg: &mut String, place: &Place, (x, y): (usize, usize)) {
    let text: String = place.to_string().chars().take(LETTERS).collect();
    let (middle, base) = (x + BOX / 2, y + HEIGHT / 2 + 5);
    // Writing into memory does not fail.
    let _ = writeln!(
        svg,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{BOX}\" height=\"{HEIGHT}\" rx=\"6\" fill=\"#eef2f7\" \
         stroke=\"#41566b\"/><text x=\"{middle}\" y=\"{base}\" text-anchor=\"middle\">{}</text>",
        escaped(&text)
    );
}

/// From the right side of one box to the left of another, or around within a column.
fn line(svg: &mut String, (from_column, from): Spot, (to_column, to): Spot, said: &str) {
    let (x1, y1) = (from.0 + BOX, from.1 + HEIGHT / 2);
    let same = from_column == to_column;
    let (x2, y2) = (if same { to.0 + BOX } else { to.0 }, to.1 + HEIGHT / 2);
    let bend = if same { x1 + GAP / 2 } else { (x1 + x2) / 2 };
    let (x, y) = (if same { bend } else { (x1 + x2) / 2 }, usize::midpoint(y1, y2) - 4);
    let _ = writeln!(
        svg,
        "<path d=\"M{x1} {y1} C{bend} {y1} {bend} {y2} {x2} {y2}\" fill=\"none\" \
         stroke=\"#41566b\"/><text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" font-size=\"11\">{}</text>",
        escaped(said)
    );
}

fn escaped(text: &str) -> String {
    let plain = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    plain.replace('"', "&quot;").chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::map::Flow;
    use super::*;

    #[test]
    fn foreign_text_cannot_leave_its_place_in_the_picture() {
        let place = |kind, name: &str| Place { kind, name: name.to_owned() };
        let flow = Flow {
            data: "pan.card".to_owned(),
            from: place("trigger", "POST /<script>\"&"),
            to: place("function", "shop"),
            invocations: 2,
        };
        let picture = draw(&DataMap {
            records: 1,
            flows: vec![flow],
            reveals: Vec::new(),
            found: Vec::new(),
        });
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>"), "{picture}");
        assert!(picture.contains("&lt;script&gt;&quot;&amp;") && !picture.contains("<script"));
        assert!(picture.contains("pan.card (2)"));
    }
}
