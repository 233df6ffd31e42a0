//! Events that were published, in memory.

use super::{Rows, put};
use crate::queue::{Error, Publication, Quota};
use model::{InvocationId, Scope, Timestamp};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Until when which event is remembered.
pub(super) type Seen = BTreeMap<(Scope, [u8; 16]), Timestamp>;

pub(super) fn publish(
    seen: &mut Seen,
    rows: &mut Rows,
    publication: Publication,
    quota: Quota,
) -> Result<Vec<bool>, Error> {
    let Publication { scope, posts, now, until } = publication;
    let mut marked = seen.clone();
    marked.retain(|_, until| *until > now);
    let mut done: Vec<InvocationId> = Vec::new();
    let mut new = Vec::with_capacity(posts.len());
    for post in posts {
        // A repetition does not lengthen the memory: who repeats for ever is heard again.
        let is_new = match marked.entry((scope.clone(), post.mark)) {
            Entry::Occupied(_) => false,
            Entry::Vacant(mark) => {
                mark.insert(until);
                true
            }
        };
        new.push(is_new);
        for message in post.messages.into_iter().filter(|_| is_new) {
            let id = message.id;
            if let Err(error) = put(rows, message, quota) {
                done.iter().for_each(|id| drop(rows.remove(id)));
                return Err(error);
            }
            done.push(id);
        }
    }
    *seen = marked;
    Ok(new)
}
