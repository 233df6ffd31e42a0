//! Lists, a page at a time.

use super::Doing;
use crate::fault::Fault;
use crate::route::parameter;
use serde_json::{Value, json};

impl Doing<'_> {
    /// How many items are wanted at most.
    pub(super) fn items(&self, default: usize, most: usize) -> Result<usize, Fault> {
        let Some(text) = parameter(self.query, "MaxItems") else { return Ok(default) };
        let number = text.parse().ok().filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| {
            let why = format!("Member must have value between 1 and {most}");
            Fault::constraint(&text, "maxItems", &why)
        })
    }

    /// A page of these, each with the marker that stands for it, in their order: those behind the
    /// one that the request names.
    pub(super) fn page(
        &self,
        name: &str,
        all: &[(String, Value)],
        most: usize,
    ) -> Result<Value, Fault> {
        let items = self.items(most.min(50), most)?;
        let marker = parameter(self.query, "Marker").filter(|marker| !marker.is_empty());
        let from = match &marker {
            None => 0,
            Some(marker) => {
                let at = all.iter().position(|(own, _)| own == marker);
                at.ok_or_else(|| Fault::invalid(format!("Invalid marker: {}", short(marker))))? + 1
            }
        };
        let page: Vec<&(String, Value)> = all.iter().skip(from).take(items).collect();
        let values: Vec<&Value> = page.iter().map(|(_, value)| value).collect();
        let mut said = json!({ name: values });
        let last = page.last().filter(|_| from + page.len() < all.len());
        if let (Some((next, _)), Some(members)) = (last, said.as_object_mut()) {
            members.insert("NextMarker".to_owned(), json!(next));
        }
        Ok(said)
    }
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}
