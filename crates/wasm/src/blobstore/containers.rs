//! Containers, what is in them, and listings.

use super::generated::wasi::blobstore::{blobstore, container, types};
use super::incoming::Incoming;
use super::outgoing::Outgoing;
use super::{
    Container, Names, Refused, View, ask, ends, none_of_name, refused, reply, seconds, too_many,
    unexpected,
};
use ports::blobs::{Ask, Info, PAGE_MAX, Page, Range, Reply};
use std::sync::Arc;
use types::{ContainerMetadata, ObjectId, ObjectMetadata};
use wasmtime::component::Resource;

/// What a function returns: the guest's error inside, the end of the invocation outside.
type Told<T> = wasmtime::Result<Result<T, Refused>>;

impl View<'_> {
    fn called(&self, container: &Resource<Container>) -> wasmtime::Result<Arc<str>> {
        Ok(Arc::clone(&self.table.get(container).map_err(ends)?.name))
    }

    fn push(&mut self, name: String) -> Told<Resource<Container>> {
        Ok(Ok(self.table.push(Container { name: name.into() }).map_err(ends)?))
    }

    async fn found(&mut self, container: &str, name: String) -> Result<Option<Info>, Refused> {
        match self.ask(container, Ask::Info { name }).await? {
            Reply::Info(info) => Ok(info),
            _ => Err(unexpected()),
        }
    }

    async fn copied(&mut self, from: ObjectId, to: ObjectId, leaves: bool) -> Result<(), Refused> {
        let what = Ask::Copy { name: from.object, to: to.container, to_name: to.object, leaves };
        match self.ask(&from.container, what).await? {
            Reply::Found(true) => Ok(()),
            Reply::Found(false) => Err(none_of_name()),
            _ => Err(unexpected()),
        }
    }

    async fn open(
        &mut self,
        container: &str,
        name: String,
        range: Range,
    ) -> Result<Incoming, Refused> {
        let place = self.values.one_more().ok_or_else(too_many)?;
        let what = ask(container, Ask::Get { name, range });
        let answer = Arc::clone(self.host).call(what).await.map_err(refused)?;
        match reply(answer)? {
            (Reply::Object(Some((_, (from, until)))), Some(body)) => {
                Ok(Incoming::new(body, until - from, place))
            }
            (Reply::Object(None), _) => Err(none_of_name()),
            _ => Err(unexpected()),
        }
    }

    /// The next page of a listing.
    async fn page(&mut self, names: &Resource<Names>, most: u64) -> Told<Page> {
        let Names { container, after, over } = self.table.get(names).map_err(ends)?;
        if *over || most == 0 {
            return Ok(Ok(Page { names: Vec::new(), more: !over }));
        }
        let limit = usize::try_from(most).unwrap_or(PAGE_MAX).min(PAGE_MAX);
        let (container, after) = (Arc::clone(container), after.clone());
        let page = match self.ask(&container, Ask::List { after, limit }).await {
            Ok(Reply::Names(page)) => page,
            Ok(_) => return Ok(Err(unexpected())),
            Err(refused) => return Ok(Err(refused)),
        };
        let held = self.table.get_mut(names).map_err(ends)?;
        held.over = !page.more;
        if let Some(last) = page.names.last() {
            held.after = Some(last.clone());
        }
        Ok(Ok(page))
    }
}

impl blobstore::Host for View<'_> {
    async fn create_container(&mut self, name: String) -> Told<Resource<Container>> {
        match self.done(&name, Ask::Create).await {
            Ok(()) => self.push(name),
            Err(refused) => Ok(Err(refused)),
        }
    }

    async fn get_container(&mut self, name: String) -> Told<Resource<Container>> {
        match self.ask(&name, Ask::Open).await {
            Ok(_) => self.push(name),
            Err(refused) => Ok(Err(refused)),
        }
    }

    async fn delete_container(&mut self, name: String) -> Told<()> {
        Ok(self.done(&name, Ask::Remove).await)
    }

    async fn container_exists(&mut self, name: String) -> Told<bool> {
        Ok(match self.ask(&name, Ask::Open).await {
            Ok(Reply::Container(found)) => Ok(found.is_some()),
            Ok(_) => Err(unexpected()),
            Err(refused) => Err(refused),
        })
    }

    async fn copy_object(&mut self, src: ObjectId, dest: ObjectId) -> Told<()> {
        Ok(self.copied(src, dest, false).await)
    }

    async fn move_object(&mut self, src: ObjectId, dest: ObjectId) -> Told<()> {
        Ok(self.copied(src, dest, true).await)
    }
}

impl container::Host for View<'_> {}

impl container::HostContainer for View<'_> {
    async fn name(&mut self, this: Resource<Container>) -> Told<String> {
        Ok(Ok(self.called(&this)?.to_string()))
    }

    async fn info(&mut self, this: Resource<Container>) -> Told<ContainerMetadata> {
        let name = self.called(&this)?;
        Ok(match self.ask(&name, Ask::Open).await {
            Ok(Reply::Container(found)) => Ok(ContainerMetadata {
                name: name.to_string(),
                created_at: found.map(seconds).unwrap_or_default(),
            }),
            Ok(_) => Err(unexpected()),
            Err(refused) => Err(refused),
        })
    }

    async fn get_data(
        &mut self,
        this: Resource<Container>,
        name: String,
        start: u64,
        end: u64,
    ) -> Told<Resource<Incoming>> {
        if start > end {
            return Ok(Err(format!("it would begin at {start} and end at {end}")));
        }
        let container = self.called(&this)?;
        // The draft's end is part of the range.
        let range = Range { from: start, until: end.checked_add(1) };
        match self.open(&container, name, range).await {
            Ok(incoming) => Ok(Ok(self.table.push(incoming).map_err(ends)?)),
            Err(refused) => Ok(Err(refused)),
        }
    }

    async fn write_data(
        &mut self,
        this: Resource<Container>,
        name: String,
        data: Resource<Outgoing>,
    ) -> Told<()> {
        let container = self.called(&this)?;
        let host = Arc::clone(self.host);
        let outgoing = self.table.get_mut(&data).map_err(ends)?;
        Ok(outgoing.begin(host, &container, name))
    }

    async fn list_objects(&mut self, this: Resource<Container>) -> Told<Resource<Names>> {
        let container = self.called(&this)?;
        let names = Names { container, after: None, over: false };
        Ok(Ok(self.table.push(names).map_err(ends)?))
    }

    async fn delete_object(&mut self, this: Resource<Container>, name: String) -> Told<()> {
        let container = self.called(&this)?;
        Ok(self.done(&container, Ask::Delete { names: vec![name] }).await)
    }

    async fn delete_objects(&mut self, this: Resource<Container>, names: Vec<String>) -> Told<()> {
        let container = self.called(&this)?;
        Ok(self.done(&container, Ask::Delete { names }).await)
    }

    async fn has_object(&mut self, this: Resource<Container>, name: String) -> Told<bool> {
        let container = self.called(&this)?;
        Ok(self.found(&container, name).await.map(|found| found.is_some()))
    }

    async fn object_info(
        &mut self,
        this: Resource<Container>,
        name: String,
    ) -> Told<ObjectMetadata> {
        let container = self.called(&this)?;
        let found = self.found(&container, name.clone()).await;
        Ok(found.and_then(|found| found.ok_or_else(none_of_name)).map(|info| ObjectMetadata {
            name,
            container: container.to_string(),
            created_at: seconds(info.created),
            size: info.bytes,
        }))
    }

    async fn clear(&mut self, this: Resource<Container>) -> Told<()> {
        let container = self.called(&this)?;
        Ok(self.done(&container, Ask::Clear).await)
    }

    async fn drop(&mut self, this: Resource<Container>) -> wasmtime::Result<()> {
        self.table.delete(this).map_err(ends)?;
        Ok(())
    }
}

impl container::HostStreamObjectNames for View<'_> {
    async fn read_stream_object_names(
        &mut self,
        this: Resource<Names>,
        len: u64,
    ) -> Told<(Vec<String>, bool)> {
        Ok(self.page(&this, len).await?.map(|page| (page.names, !page.more)))
    }

    async fn skip_stream_object_names(
        &mut self,
        this: Resource<Names>,
        num: u64,
    ) -> Told<(u64, bool)> {
        let mut skipped = 0;
        loop {
            let page = match self.page(&this, num - skipped).await? {
                Ok(page) => page,
                Err(refused) => return Ok(Err(refused)),
            };
            skipped += page.names.len() as u64;
            if !page.more || skipped >= num {
                return Ok(Ok((skipped, !page.more)));
            }
        }
    }

    async fn drop(&mut self, this: Resource<Names>) -> wasmtime::Result<()> {
        self.table.delete(this).map_err(ends)?;
        Ok(())
    }
}
