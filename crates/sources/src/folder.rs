//! A folder into which others put files.
//!
//! A file that stays as it is for a while is taken by renaming it to `done/NUMBER/NAME`, after
//! `.taken/NUMBER` was made, which says that it was not handed over yet. When it lies in the queue,
//! the mark goes. So a node that ends anywhere in between finds what it took, under the same number,
//! and the queue knows whether it had it.
//!
//! The folder is looked at now and then, and not watched by the kernel: a file has to stay as it is
//! for longer than a look takes, and folders of other machines tell no kernel here.

mod place;

use crate::config::{FileShape, Folder};
use crate::form::Said;
use model::{CloudEvent, InvocationId};
use parking_lot::Mutex;
use place::{Look, Place};
use ports::source::{Arrival, Error, Fault, Feed, Opening, Source};
use ports::{Clock, Future};
use serde_json::json;
use std::collections::{HashMap, VecDeque};
use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The type of the events.
const KIND: &str = "dev.casemate.folder.file";
/// Most files that are taken at once, and bytes of them after which no more are.
const AT_ONCE: usize = 100;
const AT_ONCE_BYTES: u64 = 16 << 20;
/// How long is waited for files.
const WAIT: Duration = Duration::from_secs(1);
/// How often the folder is looked at, at most and at least.
const LOOKS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// A folder, as it is configured.
pub(crate) struct Watched {
    config: Arc<Folder>,
    clock: Arc<dyn Clock>,
}

impl Watched {
    pub(crate) fn new(config: Folder, clock: Arc<dyn Clock>) -> Self {
        Self { config: Arc::new(config), clock }
    }
}

impl Source for Watched {
    fn place(&self) -> String {
        format!("folder {}", self.config.path.display())
    }

    fn open(&self, opening: Opening) -> Future<'_, Result<Box<dyn Feed>, Error>> {
        let (config, clock) = (Arc::clone(&self.config), Arc::clone(&self.clock));
        Box::pin(async move {
            let pause = (config.stable / 2).clamp(LOOKS.0, LOOKS.1);
            let looking = blocking(move || Looking::open(config, clock, opening)).await?;
            let looking = Arc::new(Mutex::new(looking));
            Ok(Box::new(Files { looking, pause }) as Box<dyn Feed>)
        })
    }
}

/// Does what waits for the disk where that is nobody's loss.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Error::Down("the node is stopping".to_owned())))
}

/// A folder that is open.
struct Files {
    looking: Arc<Mutex<Looking>>,
    /// The wait between two looks.
    pause: Duration,
}

impl Files {
    async fn wait_for(&mut self, most: usize) -> Result<Vec<Arrival>, Error> {
        let until = Instant::now() + WAIT;
        loop {
            let (looking, now) = (Arc::clone(&self.looking), Instant::now());
            let arrivals = blocking(move || looking.lock().take(most, now)).await?;
            if !arrivals.is_empty() || now >= until {
                return Ok(arrivals);
            }
            tokio::time::sleep(self.pause).await;
        }
    }
}

impl Feed for Files {
    fn next(&mut self, most: usize) -> Future<'_, Result<Vec<Arrival>, Error>> {
        Box::pin(self.wait_for(most))
    }

    fn settle<'a>(&'a mut self, arrivals: &'a [Arrival]) -> Future<'a, Result<(), Error>> {
        let looking = Arc::clone(&self.looking);
        let put = |it: &Arrival| (it.token.clone(), it.fault.is_none());
        let settled: Vec<(String, bool)> = arrivals.iter().map(put).collect();
        Box::pin(blocking(move || {
            let looking = looking.lock();
            settled.iter().try_for_each(|(number, fits)| looking.put_away(number, *fits))
        }))
    }

    fn lag(&mut self) -> Future<'_, Result<Option<u64>, Error>> {
        let waiting = self.looking.lock().seen.len() as u64;
        Box::pin(std::future::ready(Ok(Some(waiting))))
    }
}

/// What is known of a folder.
struct Looking {
    config: Arc<Folder>,
    clock: Arc<dyn Clock>,
    place: Place,
    origin: String,
    bytes_max: u64,
    /// Numbers of files that were taken before and not handed over.
    back: VecDeque<String>,
    /// How each file looked, and since when.
    seen: HashMap<CString, (Look, Instant)>,
}

impl Looking {
    fn open(config: Arc<Folder>, clock: Arc<dyn Clock>, opening: Opening) -> Result<Self, Error> {
        let place = Place::open(&config.path)?;
        let back = place.taken()?.into();
        let Opening { origin, bytes_max, .. } = opening;
        Ok(Self { config, clock, place, origin, bytes_max, back, seen: HashMap::new() })
    }

    /// Takes files: those that were taken before first.
    fn take(&mut self, most: usize, now: Instant) -> Result<Vec<Arrival>, Error> {
        let most = most.clamp(1, AT_ONCE);
        let (mut arrivals, mut bytes) = (Vec::new(), 0);
        while arrivals.len() < most && bytes < AT_ONCE_BYTES {
            let Some(number) = self.back.pop_front() else { break };
            if let Some(arrival) = self.arrival(&number)? {
                bytes += arrival.event.data().len() as u64;
                arrivals.push(arrival);
            }
        }
        if !arrivals.is_empty() {
            return Ok(arrivals);
        }
        for name in self.whole(now)?.into_iter().take(most) {
            if bytes >= AT_ONCE_BYTES {
                break;
            }
            let random = fastrand::u64(..).to_ne_bytes();
            let number = InvocationId::from_parts(self.clock.wall().0, random).to_string();
            if !self.place.take(&name, &number)? {
                continue;
            }
            self.seen.remove(&name);
            if let Some(arrival) = self.arrival(&number)? {
                bytes += arrival.event.data().len() as u64;
                arrivals.push(arrival);
            }
        }
        Ok(arrivals)
    }

    /// The names of the files that have stayed as they are for long enough, the oldest first.
    fn whole(&mut self, now: Instant) -> Result<Vec<CString>, Error> {
        let mut before = std::mem::take(&mut self.seen);
        let mut whole = Vec::new();
        for (name, look) in self.place.files()? {
            let same = before.remove(&name).filter(|(known, _)| *known == look);
            let since = same.map_or(now, |(_, since)| since);
            if now.saturating_duration_since(since) >= self.config.stable {
                whole.push((look.modified, name.clone()));
            }
            self.seen.insert(name, (look, since));
        }
        whole.sort_unstable();
        Ok(whole.into_iter().map(|(_, name)| name).collect())
    }

    /// The message of a file that was taken. Nothing, if it is not there.
    fn arrival(&self, number: &str) -> Result<Option<Arrival>, Error> {
        let Some(name) = self.place.name_of(number)? else {
            self.place.forget(number)?;
            return Ok(None);
        };
        let (event, fault) = self.event(number, &name)?;
        Ok(Some(Arrival { token: number.to_owned(), event, fault }))
    }

    fn event(&self, number: &str, name: &CString) -> Result<(CloudEvent, Option<Fault>), Error> {
        let shown = name.to_str().ok();
        let more = shown.map(|name| ("subject", name.to_owned())).into_iter().collect();
        let said = Said { origin: &self.origin, kind: KIND, id: number, more };
        let Some(shown) = shown else { return said.unfit(Fault::Text, Vec::new()) };
        let shape = match &self.config.shape {
            FileShape::Path => {
                let bytes = match self.place.size(number, name)? {
                    Ok(bytes) => bytes,
                    Err(fault) => return said.unfit(fault, Vec::new()),
                };
                let path = self.config.path.join(place::DONE).join(number).join(shown);
                let Some(path) = path.to_str() else {
                    return said.unfit(Fault::Text, Vec::new());
                };
                let data = json!({ "path": path, "name": shown, "bytes": bytes }).to_string();
                let json = crate::form::Shape::Data("application/json".to_owned());
                return said.read(&json, data.into_bytes());
            }
            FileShape::Whole(shape) => shape,
        };
        match self.place.read(number, name, self.bytes_max)? {
            Ok(bytes) => said.read(shape, bytes),
            Err(fault) => said.unfit(fault, Vec::new()),
        }
    }

    fn put_away(&self, number: &str, fits: bool) -> Result<(), Error> {
        if !fits {
            self.place.set_aside(number)?;
        } else if !self.config.keep {
            self.place.remove(number)?;
        }
        self.place.forget(number)
    }
}

#[cfg(test)]
mod tests;
