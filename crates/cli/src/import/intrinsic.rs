//! Intrinsic functions of CloudFormation: what of them a template says by itself.

use super::draft::{Variable, shown};
use super::yaml::{Node, Value};

/// Most functions in each other.
const DEPTH_MAX: usize = 12;
/// Longest text that is put together, in bytes.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// A template, in which names mean something.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a>(pub(super) &'a Node);

impl Scope<'_> {
    /// What a value comes to.
    pub(super) fn value(&self, node: &Node) -> Variable {
        self.at(node, 0)
    }

    /// The text that a value comes to, or what stands there instead.
    pub(super) fn text(&self, node: &Node) -> Result<String, String> {
        match self.value(node) {
            Variable::Value(text) => Ok(text),
            Variable::Secret => Err("a secret".to_owned()),
            Variable::Unknown(what) => Err(what),
        }
    }

    fn at(&self, node: &Node, depth: usize) -> Variable {
        let Some((name, argument)) = call(node) else {
            return match node.scalar() {
                Some(text) => plain(text),
                None => Variable::Unknown("no text".to_owned()),
            };
        };
        let known = if depth > DEPTH_MAX {
            None
        } else {
            match name {
                "Ref" => argument.scalar().and_then(|name| self.parameter(name)),
                "Sub" => self.substituted(argument, depth),
                "Join" => self.joined(argument, depth),
                "FindInMap" => self.mapped(argument, depth),
                _ => None,
            }
        };
        known.unwrap_or_else(|| {
            let of = argument.items().first().and_then(Node::scalar).unwrap_or_default();
            Variable::Unknown(format!("`!{} {}`", shown(name), shown(of)))
        })
    }

    fn parameter(&self, name: &str) -> Option<Variable> {
        let parameter = self.0.at(&["Parameters", name])?;
        if parameter.text_at("NoEcho").is_some_and(|it| it.eq_ignore_ascii_case("true")) {
            return Some(Variable::Secret);
        }
        if parameter.text_at("Type").is_some_and(|kind| kind.starts_with("AWS::SSM::")) {
            return None;
        }
        parameter.text_at("Default").map(plain)
    }

    fn substituted(&self, argument: &Node, depth: usize) -> Option<Variable> {
        let (text, given) = match &argument.value {
            Value::List(items) => (items.first()?.scalar()?, items.get(1)),
            _ => (argument.scalar()?, None),
        };
        if text.starts_with("{{resolve:") {
            return Some(plain(text));
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let (name, behind) = after.split_once('}')?;
            rest = behind;
            if let Some(literal) = name.strip_prefix('!') {
                out.push_str(&format!("${{{literal}}}"));
                continue;
            }
            let own = given.and_then(|given| given.get(name));
            let value = match own {
                Some(node) => self.at(node, depth + 1),
                None => self.parameter(name)?,
            };
            match value {
                Variable::Value(text) => out.push_str(&text),
                other => return Some(other),
            }
            if out.len() > TEXT_BYTES_MAX {
                return Some(Variable::Unknown("a text that is too long".to_owned()));
            }
        }
        Some(Variable::Value(out + rest))
    }

    fn joined(&self, argument: &Node, depth: usize) -> Option<Variable> {
        let [between, parts] = argument.items() else { return None };
        let mut out = String::new();
        for (at, part) in parts.items().iter().enumerate() {
            if at > 0 {
                out.push_str(between.scalar().unwrap_or_default());
            }
            match self.at(part, depth + 1) {
                Variable::Value(text) => out.push_str(&text),
                other => return Some(other),
            }
            if out.len() > TEXT_BYTES_MAX {
                return None;
            }
        }
        Some(Variable::Value(out))
    }

    fn mapped(&self, argument: &Node, depth: usize) -> Option<Variable> {
        let mut node = self.0.get("Mappings")?;
        for key in argument.items() {
            match self.at(key, depth + 1) {
                Variable::Value(key) => node = node.get(&key)?,
                other => return Some(other),
            }
        }
        node.text().map(plain)
    }
}

/// A text, which may stand for a secret that AWS keeps.
fn plain(text: &str) -> Variable {
    match text.trim_start().strip_prefix("{{resolve:") {
        Some(rest) if rest.starts_with("secretsmanager") || rest.starts_with("ssm-secure") => {
            Variable::Secret
        }
        Some(_) => Variable::Unknown("a parameter that AWS keeps".to_owned()),
        None => Variable::Value(text.to_owned()),
    }
}

/// An intrinsic function in its short or its long form: its name, and what it is given.
fn call(node: &Node) -> Option<(&str, &Node)> {
    if let Some(tag) = &node.tag {
        return Some((tag.trim_start_matches('!'), node));
    }
    let Value::Map(entries) = &node.value else { return None };
    match entries.as_slice() {
        [(key, value)] if key == "Ref" || key.starts_with("Fn::") => {
            Some((key.trim_start_matches("Fn::"), value))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    #[test]
    fn what_a_template_says_itself_is_known_and_the_rest_is_named() {
        let template = yaml::read(
            "Parameters:\n  Stage: {Default: dev}\n  Key: {NoEcho: true, Default: s3cret}\n\
             Mappings: {Sizes: {dev: {Memory: 256}}}\nValues:\n  a: !Sub 'x-${Stage}-${!y}'\n  b: {Ref: Key}\n\
             \x20 c: !GetAtt Table.Arn\n  d: !Join [':', [a, !Ref Stage]]\n  e: !FindInMap [Sizes, !Ref Stage, Memory]\n\
             \x20 f: '{{resolve:secretsmanager:db}}'\n  g: !Sub ['${v}', {v: !Ref Table}]\n  h: !Sub '${Stage'\n",
        )
        .expect("YAML")
        .remove(0);
        let scope = Scope(&template);
        let value = |key| scope.value(template.at(&["Values", key]).expect(key));
        let text = |text: &str| Variable::Value(text.to_owned());
        assert_eq!(value("a"), text("x-dev-${y}"));
        assert_eq!(value("b"), Variable::Secret);
        assert_eq!(value("c"), Variable::Unknown("`!GetAtt Table.Arn`".to_owned()));
        assert_eq!(value("d"), text("a:dev"));
        assert_eq!(value("e"), text("256"));
        assert_eq!(value("f"), Variable::Secret);
        assert_eq!(value("g"), Variable::Unknown("`!Ref Table`".to_owned()));
        assert!(matches!(value("h"), Variable::Unknown(_)));
    }

    #[test]
    fn texts_that_grow_are_given_up() {
        let long = "x".repeat(60_000);
        let text =
            format!("Parameters: {{P: {{Default: {long}}}}}\nV: !Sub '{}'\n", "${P}".repeat(1000));
        let template = yaml::read(&text).expect("YAML").remove(0);
        let value = Scope(&template).value(template.get("V").expect("there"));
        assert!(matches!(value, Variable::Unknown(_)));
    }
}
