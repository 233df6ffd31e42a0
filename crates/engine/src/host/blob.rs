//! Containers of blobs.

use super::Broker;
use super::body::Coming;
use super::record::{Place, Step};
use http_body_util::BodyExt as _;
use model::store::Access;
use model::{Code, Labelled, Labels, StoreName};
use policy::{CallPermit, Denial, StoreAsk};
use ports::blobs::{self, Ask, ContainerRef, Error, Object, PAGE_MAX, Page, Reply};
use ports::host::{Answer, Body, HostError, HostReply};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A container that may be used.
struct Target {
    at: ContainerRef,
    /// As the function calls it.
    called: String,
}

impl Broker {
    pub(super) async fn blob(
        self: Arc<Self>,
        container: String,
        ask: Ask,
        labels: Labels,
        body: Option<Body>,
    ) -> Result<Answer, HostError> {
        let step = self.begin(operation(&ask), container, &arguments(&ask), labels.clone());
        let target = self.container(&step, step.resource())?;
        let (access, names) = wanted(&ask);
        let permit = self.may_use_container(&target, access, &names);
        let permit = permit.map_err(|denial| self.denied(&step, &denial))?;
        let to = match &ask {
            Ask::Copy { to, to_name, .. } => Some(self.may_copy_to(to, to_name, &step, labels)?),
            _ => None,
        };
        self.charge(&step)?;
        let _waiting = self.wait().ok_or_else(|| self.limited(&step, "asks at once"))?;
        let used = Used { _permit: permit, step, target };
        match ask {
            Ask::Get { name, range } => Arc::clone(&self).read_blob(used, &name, range).await,
            Ask::Put { name } => self.write_blob(used, name, body).await,
            Ask::Copy { name, to_name, leaves, .. } => {
                let to = to.unwrap_or_else(|| used.target.at.clone());
                self.copy_blob(used, &name, (to, to_name), leaves).await
            }
            ask => self.use_container(used, ask).await,
        }
    }

    /// The container that the function means.
    fn container(&self, step: &Step, called: &str) -> Result<Target, HostError> {
        let function = self.function.reference();
        match StoreName::of(&function.name, called) {
            Ok(name) => {
                let at = ContainerRef { scope: function.scope.clone(), name };
                Ok(Target { at, called: called.to_owned() })
            }
            Err(error) => {
                let mut denial = Denial::of(Code::BlobDenied);
                denial.detail = Some(error.to_string().into());
                Err(self.denied(step, &denial))
            }
        }
    }

    /// Every name has to be covered.
    fn may_use_container(
        &self,
        target: &Target,
        access: Access,
        names: &[&str],
    ) -> Result<CallPermit, Denial> {
        let (store, name, claims) = (target.called.as_str(), &target.at.name, self.claims());
        let decide = |key: Option<&str>| {
            self.function.policies.decide_blob(StoreAsk { store, name, access, key, claims })
        };
        let mut names = names.iter().copied();
        let mut permit = decide(names.next())?;
        for name in names {
            permit = decide(Some(name))?;
        }
        Ok(permit)
    }

    /// Whether an object may be written there: a step of its own in the record.
    fn may_copy_to(
        &self,
        called: &str,
        name: &str,
        from: &Step,
        labels: Labels,
    ) -> Result<ContainerRef, HostError> {
        let step = self.begin("blob.write", called.to_owned(), name.as_bytes(), labels);
        let target = self.container(&step, called)?;
        match self.may_use_container(&target, Access::Write, &[name]) {
            Ok(_) => {
                if called != from.resource() {
                    self.done(&step, 0);
                }
                Ok(target.at)
            }
            Err(denial) => Err(self.denied(&step, &denial)),
        }
    }

    async fn use_container(self: &Arc<Self>, used: Used, ask: Ask) -> Result<Answer, HostError> {
        let Used { step, target, .. } = &used;
        let (blobs, now) = (&self.parts().blobs, self.parts().clock.wall());
        let at = &target.at;
        let done = match &ask {
            Ask::Open => {
                let found = blobs.container(at).await;
                found.map(|found| Reply::Container(found.map(|found| found.created)))
            }
            Ask::Create => blobs.create(at, now).await.map(|_| Reply::Done),
            Ask::Remove => blobs.remove(at).await.map(|_| Reply::Done),
            Ask::Clear => blobs.clear(at).await.map(|()| Reply::Done),
            Ask::Info { name } => blobs.info(at, name).await.map(Reply::Info),
            Ask::Delete { names } => blobs.delete(at, names).await.map(|()| Reply::Done),
            Ask::List { after, limit } => self.list_blobs(target, after.as_deref(), *limit).await,
            Ask::Get { .. } | Ask::Put { .. } | Ask::Copy { .. } => Ok(Reply::Done),
        };
        let reply = done.map_err(|error| self.blob_failed(step, error))?;
        let bytes = match &reply {
            Reply::Names(page) => page.names.iter().map(|name| name.len() as u64).sum(),
            _ => 0,
        };
        self.done(step, bytes);
        Ok(answer(reply, None))
    }

    /// Lists what the function may read, range by range.
    async fn list_blobs(
        &self,
        target: &Target,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Reply, Error> {
        let limit = limit.min(PAGE_MAX);
        let mut page = Page { names: Vec::new(), more: false };
        for (prefix, open) in self.function.policies.listable_blobs(&target.called, self.claims()) {
            if page.names.len() >= limit {
                page.more = true;
                break;
            }
            let left = limit - page.names.len();
            let found = self.parts().blobs.list(&target.at, &prefix, after, left).await?;
            // A range that is not open is one name.
            page.names.extend(found.names.into_iter().filter(|name| open || *name == prefix));
            page.more = page.more || (found.more && open);
        }
        Ok(Reply::Names(page))
    }

    async fn read_blob(
        self: Arc<Self>,
        used: Used,
        name: &str,
        range: blobs::Range,
    ) -> Result<Answer, HostError> {
        let Used { mut step, target, .. } = used;
        let found = self.parts().blobs.get(&target.at, name, range).await;
        let found = found.map_err(|error| self.blob_failed(&step, error))?;
        if let Some(Object { labels, .. }) = &found {
            self.may_see(&step, labels)?;
            self.join(labels);
            step.labels.join(labels);
        }
        let place = self.done(&step, 0);
        let Some(Object { info, range, body, .. }) = found else {
            return Ok(answer(Reply::Object(None), None));
        };
        let (broker, what) = (Arc::clone(&self), step.name());
        let body = body.map_err(move |error| {
            broker.platform_line(format!("{what} failed: {error}"));
            to_guest(error)
        });
        let sent = Arc::default();
        let body = body.boxed_unsync();
        let coming =
            Coming { body, mask: None, broker: self, place, sent, received: 0, over: false };
        Ok(answer(Reply::Object(Some((info, range))), Some(coming.boxed_unsync())))
    }

    /// Writes an object to its end. If the guest goes away, its body breaks, and nothing is seen of
    /// what came: the task ends by itself.
    async fn write_blob(
        self: Arc<Self>,
        used: Used,
        name: String,
        body: Option<Body>,
    ) -> Result<Answer, HostError> {
        let Used { step, target, .. } = used;
        let body = body.unwrap_or_else(super::body::nothing);
        let written = Arc::<AtomicU64>::default();
        let counter = Arc::clone(&written);
        let body = body.map_frame(move |frame| {
            counter.fetch_add(frame.data_ref().map_or(0, |data| data.len() as u64), Relaxed);
            frame
        });
        let body = body.map_err(|error| Error::Cut(error.to_string())).boxed_unsync();
        let (parts, quota) = (Arc::clone(&self.engine.parts), self.limits.blobs);
        let broker = Arc::clone(&self);
        let writing = to_its_end(async move {
            let now = parts.clock.wall();
            // What it saw while it wrote may be in it, too.
            let named = (name.as_str(), || broker.labels());
            blobs::put_labelled(&*parts.blobs, &target.at, named, body, quota, now).await
        });
        match writing.await {
            Ok(_) => {
                let place: Place = self.done(&step, 0);
                self.ended(place, written.load(Relaxed), false);
                Ok(answer(Reply::Done, None))
            }
            Err(error) => Err(self.blob_failed(&step, error)),
        }
    }

    async fn copy_blob(
        self: &Arc<Self>,
        used: Used,
        name: &str,
        (to, to_name): (ContainerRef, String),
        leaves: bool,
    ) -> Result<Answer, HostError> {
        let Used { step, target, .. } = used;
        let (parts, quota, name) =
            (Arc::clone(&self.engine.parts), self.limits.blobs, name.to_owned());
        let done = to_its_end(async move {
            let now = parts.clock.wall();
            let (from, to) = ((&target.at, name.as_str()), (&to, to_name.as_str()));
            match leaves {
                true => parts.blobs.rename(from, to, quota, now).await,
                false => parts.blobs.copy(from, to, quota, now).await,
            }
        });
        let found = done.await.map_err(|error| self.blob_failed(&step, error))?;
        self.done(&step, 0);
        Ok(answer(Reply::Found(found), None))
    }

    fn blob_failed(&self, step: &Step, error: Error) -> HostError {
        let why = error.to_string();
        self.failed(step, to_guest(error), &why)
    }
}

/// An ask that was permitted.
struct Used {
    _permit: CallPermit,
    step: Step,
    target: Target,
}

/// Goes on also if nobody waits any more, so that nothing is left half-way.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::spawn(work).await;
    done.unwrap_or_else(|error| Err(Error::Failed(error.to_string())))
}

fn answer(reply: Reply, body: Option<Body>) -> Answer {
    Answer { reply: Labelled::plain(HostReply::Blob(reply)), body }
}

/// What has to be allowed, and for which names. None is for a container of which any part may be
/// used, and the empty one for all of it.
fn wanted(ask: &Ask) -> (Access, Vec<&str>) {
    match ask {
        Ask::Open | Ask::List { .. } => (Access::Read, Vec::new()),
        Ask::Create => (Access::Write, Vec::new()),
        Ask::Remove | Ask::Clear => (Access::Write, vec![""]),
        Ask::Info { name } | Ask::Get { name, .. } => (Access::Read, vec![name]),
        Ask::Put { name } => (Access::Write, vec![name]),
        Ask::Delete { names } => (Access::Write, names.iter().map(String::as_str).collect()),
        Ask::Copy { name, leaves: false, .. } => (Access::Read, vec![name]),
        Ask::Copy { name, leaves: true, .. } => (Access::ReadWrite, vec![name]),
    }
}

const fn operation(ask: &Ask) -> &'static str {
    match ask {
        Ask::Open => "blob.open",
        Ask::Create => "blob.create",
        Ask::Remove => "blob.remove",
        Ask::Info { .. } => "blob.info",
        Ask::Get { .. } => "blob.read",
        Ask::Put { .. } => "blob.write",
        Ask::List { .. } => "blob.list",
        Ask::Delete { .. } => "blob.delete",
        Ask::Clear => "blob.clear",
        Ask::Copy { leaves: false, .. } => "blob.copy",
        Ask::Copy { leaves: true, .. } => "blob.move",
    }
}

/// The arguments as they are digested: each after its length, so that none can pass for two. The
/// bytes of objects are not among them, as they come later.
fn arguments(ask: &Ask) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut add = |part: &[u8]| {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    };
    match ask {
        Ask::Open | Ask::Create | Ask::Remove | Ask::Clear => {}
        Ask::Info { name } | Ask::Put { name } => add(name.as_bytes()),
        Ask::Get { name, range } => {
            add(name.as_bytes());
            add(&range.from.to_le_bytes());
            add(&range.until.unwrap_or(u64::MAX).to_le_bytes());
        }
        Ask::List { after, .. } => add(after.as_deref().unwrap_or_default().as_bytes()),
        Ask::Delete { names } => names.iter().for_each(|name| add(name.as_bytes())),
        Ask::Copy { name, to, to_name, .. } => {
            [name, to, to_name].into_iter().for_each(|part| add(part.as_bytes()));
        }
    }
    bytes
}

fn to_guest(error: Error) -> HostError {
    match error {
        Error::Invalid(why) => HostError::Invalid(why),
        Error::Cut(_) => HostError::Invalid("the value was not finished".to_owned()),
        Error::Quota { what: "objects", .. } => HostError::Limit("objects in the container".into()),
        Error::Quota { what: "uploads", .. } => {
            HostError::Limit("writes to the container at once".into())
        }
        Error::Quota { .. } => HostError::Limit("the container's size".into()),
        Error::Full => HostError::Limit("the disk's size".into()),
        _ => HostError::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_asks_have_the_same_arguments() {
        let delete = |names: &[&str]| {
            arguments(&Ask::Delete { names: names.iter().map(|name| (*name).to_owned()).collect() })
        };
        assert_ne!(delete(&["ab", "c"]), delete(&["a", "bc"]));
        assert_ne!(delete(&["abc"]), delete(&["ab", "c"]));
    }

    #[test]
    fn to_change_all_of_a_container_takes_the_whole_of_it() {
        for ask in [Ask::Remove, Ask::Clear] {
            assert_eq!(wanted(&ask), (Access::Write, vec![""]));
        }
        // To remove nothing is allowed to whom any part of it is open.
        assert_eq!(wanted(&Ask::Delete { names: Vec::new() }), (Access::Write, Vec::new()));
    }
}
