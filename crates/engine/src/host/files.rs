//! Files that the function carries.
//!
//! No grant stands between a function and its own files: like its code, they are part of the
//! revision that was approved. Each piece is an ask like any other for the purse and the record.

use super::Broker;
use model::{Labelled, Labels};
use ports::host::{Answer, HostError, HostReply};
use std::sync::Arc;

impl Broker {
    pub(super) async fn file(
        self: Arc<Self>,
        path: String,
        piece: u32,
        labels: Labels,
    ) -> Result<Answer, HostError> {
        let arguments = format!("{piece} {path}");
        let step = self.begin("file.read", path, arguments.as_bytes(), labels);
        let carried = self.function.carried.as_ref();
        let found = carried.and_then(|carried| carried.piece(step.resource(), piece));
        let Some((digest, length)) = found else {
            let error = HostError::Invalid("there is no such file".to_owned());
            return Err(self.failed(&step, error, "there is no such file"));
        };
        self.charge(&step)?;
        let _waiting = self.wait().ok_or_else(|| self.limited(&step, "asks at once"))?;
        match self.engine.chunks().read(digest, length, true).await {
            Ok(bytes) => {
                self.done(&step, bytes.len() as u64);
                Ok(Answer { reply: Labelled::plain(HostReply::File(bytes)), body: None })
            }
            Err(problem) => {
                let why = problem.internal.clone().unwrap_or_else(|| problem.to_string());
                Err(self.failed(&step, HostError::Failed, &why))
            }
        }
    }
}
