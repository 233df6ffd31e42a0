//! The one thread that syncs, so that the writer goes on writing meanwhile.
//!
//! A segment is synced by one job at a time, and a job's outcome goes back to the writer, which
//! alone knows what the outcome means. Nothing here decides, and nothing is tried twice.

use super::core::Core;
use super::disk::SegmentFile;
use super::shelf::Segment;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

/// What is to be made durable.
pub(super) struct Job {
    /// The stream's number.
    pub stream: usize,
    pub segment: Arc<Segment>,
    pub file: Arc<dyn SegmentFile>,
    /// The directory, if it must be synced too, because the file is new in it.
    pub dir: Option<PathBuf>,
    /// The segment's bytes before this offset were written when the job was made.
    pub upto: u64,
}

/// How a job ended.
pub(super) struct Done {
    pub job: Job,
    pub outcome: io::Result<()>,
}

/// The thread is gone.
#[derive(Debug)]
pub(super) struct Gone;

/// The thread and its work.
pub(super) struct Syncer {
    jobs: Option<Sender<Job>>,
    done: Receiver<Done>,
    /// Jobs without an outcome.
    pending: usize,
    thread: Option<JoinHandle<()>>,
}

impl Syncer {
    /// Starts the thread.
    pub(super) fn start(core: Arc<Core>) -> io::Result<Self> {
        let ((jobs, work), (report, done)) = (channel::<Job>(), channel());
        let thread = std::thread::Builder::new().name("journal-sync".into()).spawn(move || {
            // It goes last, when the writer can see that nothing is reported any more.
            let bell = Bell(core);
            let report = report;
            for job in work {
                let outcome = sync(&bell.0, &job);
                if report.send(Done { job, outcome }).is_err() {
                    return;
                }
                bell.0.signal.synced();
            }
        })?;
        Ok(Self { jobs: Some(jobs), done, pending: 0, thread: Some(thread) })
    }

    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.pending == 0
    }

    /// Hands a job over.
    pub(super) fn begin(&mut self, job: Job) -> Result<(), Gone> {
        self.jobs.as_ref().ok_or(Gone)?.send(job).map_err(|_| Gone)?;
        self.pending += 1;
        Ok(())
    }

    /// A job that ended, if there is one.
    pub(super) fn try_next(&mut self) -> Result<Option<Done>, Gone> {
        match self.done.try_recv() {
            Ok(done) => {
                self.pending -= 1;
                Ok(Some(done))
            }
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(Gone),
        }
    }

    /// Waits for a job to end; `None` if none is under way.
    pub(super) fn next(&mut self) -> Result<Option<Done>, Gone> {
        if self.is_idle() {
            return Ok(None);
        }
        let done = self.done.recv().map_err(|_| Gone)?;
        self.pending -= 1;
        Ok(Some(done))
    }
}

/// Wakes the writer when the thread ends, so that it notices.
struct Bell(Arc<Core>);

impl Drop for Bell {
    fn drop(&mut self) {
        self.0.signal.synced();
    }
}

/// A new name is durable only with its directory.
fn sync(core: &Core, job: &Job) -> io::Result<()> {
    job.file.sync_data()?;
    job.dir.as_ref().map_or(Ok(()), |dir| core.disk.sync_dir(dir))
}

impl Drop for Syncer {
    /// Waits for what is under way.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported by the panic hook.
            let _ = thread.join();
        }
    }
}
