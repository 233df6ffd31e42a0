//! YAML and JSON of other platforms as a tree with lines and tags, within a budget.
//!
//! A tag such as `!Ref` stays what it is: who reads the tree says what it means.
//!
//! Invariant: however a text is written, its tree has a bounded number of nodes, bytes and levels;
//! an alias counts as much as what it stands for, and can never stand for what it is in.

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use std::collections::HashMap;

/// Most nodes of all documents of a file, those that aliases stand for among them.
const NODES_MAX: usize = 50_000;
/// Most bytes of text in them.
const TEXT_BYTES_MAX: usize = 4 << 20;
/// Most keys of one map.
const KEYS_MAX: usize = 2_000;
/// Most levels.
const DEPTH_MAX: usize = 48;

/// Why a text cannot be read, and the line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) line: usize,
    pub(crate) why: String,
}

/// A value, with the line that it begins on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    /// As it is written, such as `!Ref`.
    pub(crate) tag: Option<String>,
    pub(crate) value: Value,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Nothing: an empty value, `~` or `null`.
    Null,
    /// Any scalar, as text.
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// What is not there.
    pub(crate) const fn nothing(line: usize) -> Self {
        Self { line, tag: None, value: Value::Null }
    }

    /// The value at a key, if this is a map and the value is not null.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Value::Map(entries) = &self.value else { return None };
        let found = entries.iter().find(|(name, _)| name == key).map(|(_, node)| node);
        found.filter(|node| node.value != Value::Null)
    }

    /// The value at the end of a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The keys and values of a map; none of anything else.
    pub(crate) fn entries(&self) -> &[(String, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The values of a list; of anything else but nothing, itself.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Null => &[],
            _ => std::slice::from_ref(self),
        }
    }

    /// A scalar without a tag.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) if self.tag.is_none() => Some(text),
            _ => None,
        }
    }

    /// Any scalar, whatever its tag.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The scalar without a tag that is at a key.
    pub(crate) fn text_at(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Self::text)
    }

    fn size(&self) -> (usize, usize) {
        let sum = |nodes: &mut dyn Iterator<Item = &Self>| {
            nodes.map(Self::size).fold((1, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
        };
        match &self.value {
            Value::Null => (1, 0),
            Value::Text(text) => (1, text.len()),
            Value::List(items) => sum(&mut items.iter()),
            Value::Map(entries) => {
                let keys: usize = entries.iter().map(|(key, _)| key.len()).sum();
                let (nodes, bytes) = sum(&mut entries.iter().map(|(_, node)| node));
                (nodes, bytes + keys)
            }
        }
    }

    fn height(&self) -> usize {
        let below = match &self.value {
            Value::Null | Value::Text(_) => 0,
            Value::List(items) => items.iter().map(Self::height).max().unwrap_or(0),
            Value::Map(entries) => entries.iter().map(|(_, node)| node.height()).max().unwrap_or(0),
        };
        below + 1
    }
}

/// Reads all documents of a text.
///
/// # Errors
/// It is no YAML, has a key twice, or is larger than the budget.
pub(crate) fn read(text: &str) -> Result<Vec<Node>, Unreadable> {
    let mut building = Building::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| Unreadable {
            line: error.marker().line().max(1),
            why: format!("it is no YAML: {}", error.info()),
        })?;
        // Behind the last line, where a text ends with a line end.
        let line = span.start.line().max(1);
        building.take(event, line).map_err(|why| Unreadable { line, why })?;
    }
    Ok(building.documents)
}

/// A list or a map that is not complete.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<String>,
}

#[derive(Default)]
struct Building {
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    bytes: usize,
}

impl Building {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), String> {
        let tagged = |tag: Option<std::borrow::Cow<'_, Tag>>| {
            tag.filter(|tag| !tag.is_yaml_core_schema())
                .map(|tag| format!("{}{}", tag.handle, tag.suffix))
        };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let nothing = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null");
                let value = if nothing { Value::Null } else { Value::Text(text.into_owned()) };
                let node = Node { line, tag: tagged(tag), value };
                self.charge(&node)?;
                self.done(node, anchor)
            }
            Event::Alias(anchor) => {
                let meant = self.anchors.get(&anchor);
                let node =
                    meant.ok_or("an alias stands for what it is in, or for nothing")?.clone();
                self.charge(&node)?;
                if self.open.len() + node.height() > DEPTH_MAX {
                    return Err(too_deep());
                }
                self.done(node, 0)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(Node { line, tag: tagged(tag), value: Value::List(vec![]) }, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                self.begin(Node { line, tag: tagged(tag), value: Value::Map(vec![]) }, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { node, anchor, .. }) => {
                    let node = self.merged(node)?;
                    self.done(node, anchor)
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn charge(&mut self, node: &Node) -> Result<(), String> {
        let (nodes, bytes) = node.size();
        self.nodes += nodes;
        self.bytes += bytes;
        if self.nodes > NODES_MAX || self.bytes > TEXT_BYTES_MAX {
            return Err(format!(
                "with what its aliases stand for it has more than {NODES_MAX} values or 4MiB"
            ));
        }
        Ok(())
    }

    fn begin(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        self.charge(&node)?;
        if self.open.len() >= DEPTH_MAX {
            return Err(too_deep());
        }
        self.open.push(Open { node, anchor, key: None });
        Ok(())
    }

    fn done(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        if anchor != 0 {
            // The copy is as large as the value, and nested anchors copy what is in them again.
            self.charge(&node)?;
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match (&mut open.node.value, open.key.take()) {
            (Value::List(items), _) => items.push(node),
            (Value::Map(entries), Some(key)) => {
                if key != MERGE && entries.iter().any(|(taken, _)| *taken == key) {
                    return Err(format!("the key `{}` stands twice", key.escape_debug()));
                }
                if entries.len() >= KEYS_MAX {
                    return Err(format!("a map has more than {KEYS_MAX} keys"));
                }
                entries.push((key, node));
            }
            (Value::Map(_), None) => match node.value {
                Value::Text(key) => open.key = Some(key),
                Value::Null => open.key = Some(String::new()),
                _ => return Err("a key is no text".to_owned()),
            },
            (Value::Null | Value::Text(_), _) => {}
        }
        Ok(())
    }

    /// A map with what `<<` brings, but for keys that it says itself.
    fn merged(&mut self, mut node: Node) -> Result<Node, String> {
        let Value::Map(entries) = &mut node.value else { return Ok(node) };
        while let Some(at) = entries.iter().position(|(key, _)| key == MERGE) {
            let (_, brought) = entries.remove(at);
            for map in brought.items() {
                for (key, value) in map.entries() {
                    if key != MERGE && !entries.iter().any(|(taken, _)| taken == key) {
                        self.nodes += value.size().0;
                        if entries.len() >= KEYS_MAX {
                            return Err(format!("a map has more than {KEYS_MAX} keys"));
                        }
                        entries.push((key.clone(), value.clone()));
                    }
                }
            }
        }
        if self.nodes > NODES_MAX {
            return Err(format!("it has more than {NODES_MAX} values"));
        }
        Ok(node)
    }
}

/// The key that brings what another map says.
const MERGE: &str = "<<";

fn too_deep() -> String {
    format!("it has more than {DEPTH_MAX} levels")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        read(text).expect("YAML").remove(0)
    }

    fn refused(text: &str) -> String {
        read(text).expect_err("refused").why
    }

    #[test]
    fn tags_lines_and_merged_maps_are_kept() {
        let node = one("a: &x {b: 1, c: !Ref T}\nd:\n  <<: *x\n  b: 2\ne: ~\nf: 'null'\n");
        let brought = node.at(&["d", "c"]).expect("merged");
        assert_eq!((brought.tag.as_deref(), brought.line), (Some("!Ref"), 1));
        assert_eq!(node.at(&["d", "b"]).and_then(Node::text), Some("2"));
        assert_eq!(node.get("d").map(|node| node.line), Some(3));
        assert_eq!((node.get("e"), node.text_at("f")), (None, Some("null")));
        assert_eq!(one("{\"a\": [1, \"x\",],}").get("a").map(|it| it.items().len()), Some(2));
        assert_eq!(read("a: 1\n---\nb: 2\n").expect("YAML").len(), 2);
    }

    #[test]
    fn bombs_and_circles_are_refused() {
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for at in 1..12 {
            let before = format!("*a{}", at - 1);
            bomb.push_str(&format!("a{at}: &a{at} [{}]\n", vec![before; 9].join(",")));
        }
        assert!(refused(&bomb).contains("aliases"), "{}", refused(&bomb));
        assert!(refused("a: &a [*a]").contains("stands for what it is in"));
        assert!(refused("a: &a {b: *a}").contains("stands for what it is in"));
        for open in ["[", "{a: ", "- "] {
            let deep = refused(&open.repeat(100_000));
            assert!(deep.contains("levels") || deep.contains("no YAML"), "{open}: {deep}");
        }
        let text = format!("a: &a {}\nb: [{}]", "x".repeat(100_000), vec!["*a"; 100].join(","));
        assert!(refused(&text).contains("4MiB"));
    }

    #[test]
    fn what_is_no_yaml_is_refused_with_its_line() {
        assert_eq!(read("a: 1\nb: [1\nc: }\n").expect_err("refused").line, 3);
        assert!(refused("a: 1\na: 2").contains("stands twice"));
        assert!(refused("? [a]\n: b").contains("no text"));
        assert!(refused("a: *x").contains("no YAML"));
    }
}
