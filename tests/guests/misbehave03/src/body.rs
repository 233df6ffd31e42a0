//! Bodies, used rightly and wrongly, and what happens after the answer.

use crate::answer::{open, plain, promising, text};
use crate::ask::Ask;
use crate::lines::SECRET;
use crate::{Answer, lines, use_up};
use std::mem::forget;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::wit_bindgen::StreamResult;
use wasip3::{spawn_local, wit_future};

/// The body of a request: its bytes, and how it ended.
macro_rules! consume {
    ($ask:expr) => {{
        let (_handled, result) = wit_future::new(|| Ok(()));
        Request::consume_body($ask.request, result)
    }};
}

/// Gives back the body as it comes, and its trailers.
pub async fn echo(ask: Ask) -> Answer {
    let (response, mut writer, end) = open(plain());
    let (mut contents, trailers) = consume!(ask);
    spawn_local(async move {
        let mut buffer = Vec::with_capacity(16 * 1024);
        loop {
            let (read, bytes) = contents.read(buffer).await;
            let left = writer.write_all(bytes).await;
            if !left.is_empty() || read == StreamResult::Dropped {
                break;
            }
            buffer = Vec::with_capacity(16 * 1024);
        }
        drop(writer);
        let _ = end.write(trailers.await).await;
    });
    Ok(response)
}

/// Gives the host its own body back, without touching a byte.
pub async fn pipe(ask: Ask) -> Answer {
    let (contents, trailers) = consume!(ask);
    let (response, _sent) = Response::new(plain(), Some(contents), trailers);
    Ok(response)
}

/// Reads the body to its end and says how long it was, how it ended, and what trailers it had.
pub async fn read_all(ask: Ask) -> Answer {
    let (contents, trailers) = consume!(ask);
    let total = contents.collect().await.len();
    let end = match trailers.await {
        Ok(None) => "the end".to_owned(),
        Ok(Some(fields)) => {
            let names: Vec<String> = fields.copy_all().into_iter().map(|(name, _)| name).collect();
            format!("trailers {}", names.join(" "))
        }
        Err(_) => "an error".to_owned(),
    };
    text(200, &format!("read {total} bytes until {end}\n"))
}

/// Sends chunks of 4 KiB for ever.
pub async fn forever(_: Ask) -> Answer {
    let (response, mut writer, end) = open(plain());
    spawn_local(async move {
        while writer.write_all(vec![b'f'; 4096]).await.is_empty() {}
        drop(end);
    });
    Ok(response)
}

/// Sends `n` (5) chunks, one each `ms` (300).
pub async fn slow(ask: Ask) -> Answer {
    let (response, mut writer, end) = open(plain());
    let (count, ms) = (ask.number("n", 5), ask.number("ms", 300));
    spawn_local(async move {
        for number in 0..count {
            use_up::pause(ms).await;
            writer.write_all(format!("chunk {number}\n").into_bytes()).await;
        }
        drop(writer);
        let _ = end.write(Ok(None)).await;
    });
    Ok(response)
}

/// Promises 100 bytes and sends 10.
pub async fn short(_: Ask) -> Answer {
    crate::answer::with(200, promising("100"), b"ten bytes\n".to_vec())
}

/// Promises 10 bytes and sends more.
pub async fn long(_: Ask) -> Answer {
    let body = b"ten bytes\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec();
    crate::answer::with(200, promising("10"), body)
}

/// Sends a part and gives the body up.
pub async fn aborted(_: Ask) -> Answer {
    let (response, mut writer, end) = open(plain());
    spawn_local(async move {
        writer.write_all(b"a part\n".to_vec()).await;
        drop(writer);
        let _ = end.write(Err(ErrorCode::InternalError(Some(SECRET.to_owned())))).await;
    });
    Ok(response)
}

/// Sends a part, ends, and keeps the body open.
pub async fn kept(_: Ask) -> Answer {
    let (response, mut writer, end) = open(plain());
    spawn_local(async move {
        writer.write_all(b"a part\n".to_vec()).await;
        forget(writer);
        forget(end);
    });
    Ok(response)
}

/// Sends a body and trailers.
pub async fn trailers(_: Ask) -> Answer {
    let (response, mut writer, end) = open(plain());
    spawn_local(async move {
        writer.write_all(b"a body\n".to_vec()).await;
        drop(writer);
        let fields = Fields::new();
        let _ = fields.append("x-trailer", b"late");
        let _ = end.write(Ok(Some(fields))).await;
    });
    Ok(response)
}

/// Sends a part, then crashes with a secret in its message.
pub async fn trap_midway(ask: Ask) -> Answer {
    let (response, mut writer, _end) = open(plain());
    let ms = ask.number("ms", 50);
    spawn_local(async move {
        writer.write_all(b"a part\n".to_vec()).await;
        use_up::pause(ms).await;
        panic!("could not go on with {SECRET}");
    });
    Ok(response)
}

fn answered(after: impl Future<Output = ()> + 'static) -> Answer {
    let (response, mut writer, end) = open(plain());
    spawn_local(async move {
        writer.write_all(b"answered\n".to_vec()).await;
        drop(writer);
        let _ = end.write(Ok(None)).await;
        after.await;
    });
    Ok(response)
}

/// Answers, and after `ms` (200) writes to the log.
pub async fn after(ask: Ask) -> Answer {
    let ms = ask.number("ms", 200);
    answered(async move {
        use_up::pause(ms).await;
        lines::complain(b"after the answer\n".to_vec()).await;
    })
}

/// Answers, and then loops for ever.
pub async fn after_loop(_: Ask) -> Answer {
    answered(async {
        loop {
            std::hint::black_box(());
        }
    })
}

/// Answers, and then crashes.
pub async fn after_trap(_: Ask) -> Answer {
    answered(async { panic!("crashed after the answer with {SECRET}") })
}
