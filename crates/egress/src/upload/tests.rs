//! How far a body is, and when it breaks.

use super::*;
use crate::fuzz::function;
use crate::slots::Slots;
use http_body_util::{BodyExt, Full, StreamBody};

fn pieces(pieces: &[&'static str]) -> Body {
    let frames: Vec<_> =
        pieces.iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))).collect();
    StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
}

fn upload(body: Body, said: Option<u64>) -> Result<(Upload, Flight), Error> {
    let slot = Slots::new("requests", 1, 1).take(&function("one")).expect("free");
    Upload::new(body, said, slot)
}

/// What a connection reads of a body, and whether it ends well.
async fn read(body: Body, said: Option<u64>) -> (String, bool) {
    let (mut upload, flight) = upload(body, said).expect("good");
    let mut text = String::new();
    while let Some(frame) = upload.frame().await {
        let Ok(frame) = frame else {
            assert!(flight.broken() && !flight.done());
            return (text, false);
        };
        let data = frame.into_data().expect("data");
        text.push_str(std::str::from_utf8(&data).expect("text"));
    }
    assert!(flight.done());
    (text, true)
}

#[tokio::test]
async fn a_body_is_as_long_as_was_said_or_breaks() {
    assert_eq!(read(pieces(&["hel", "lo"]), Some(5)).await, ("hello".to_owned(), true));
    assert_eq!(read(pieces(&["hel", "lo"]), None).await, ("hello".to_owned(), true));
    assert_eq!(read(pieces(&["hel", "lo"]), Some(4)).await, ("hel".to_owned(), false));
    assert_eq!(read(pieces(&["hel", "lo"]), Some(6)).await, ("hello".to_owned(), false));
    assert_eq!(read(pieces(&[]), Some(1)).await, (String::new(), false));
    assert_eq!(read(pieces(&["x"]), Some(0)).await, (String::new(), false));
}

#[tokio::test]
async fn a_length_that_cannot_be_true_is_refused_at_once() {
    let full =
        || Full::new(Bytes::from_static(b"hello")).map_err(|_| unreachable!()).boxed_unsync();
    assert!(upload(full(), Some(5)).is_ok());
    let refused = upload(full(), Some(4)).map(|_| ()).expect_err("another length");
    assert_eq!(refused.failure, Failure::Request);
}

#[tokio::test]
async fn looking_whether_there_is_a_body_loses_nothing() {
    let (mut some, _flight) = upload(pieces(&["hel", "lo"]), None).expect("good");
    assert!(some.is_there().await.expect("good") && !some.is_end_stream());
    assert_eq!(some.collect().await.expect("whole").to_bytes(), "hello");
    let (mut none, flight) = upload(pieces(&[]), None).expect("good");
    assert!(!none.is_there().await.expect("good") && none.is_end_stream() && flight.done());
    assert_eq!(none.size_hint().exact(), Some(0));
}

#[tokio::test]
async fn a_body_ends_when_nobody_waits_for_the_reply() {
    let never = StreamBody::new(futures_util::stream::pending()).boxed_unsync();
    let (mut upload, flight) = upload(never, None).expect("good");
    let reading = tokio::spawn(async move { upload.frame().await });
    drop(flight);
    let frame = reading.await.expect("no panic").expect("an error");
    assert!(matches!(frame, Err(Broken::Gone)));
}

#[tokio::test(start_paused = true)]
async fn a_slow_guest_is_waited_for_and_a_slow_server_is_not() {
    let (sender, receiver) = tokio::sync::mpsc::channel::<&'static str>(1);
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
        let data = Bytes::from_static(receiver.recv().await?.as_bytes());
        Some((Ok(Frame::data(data)), receiver))
    });
    let (mut upload, mut flight) =
        upload(StreamBody::new(stream).boxed_unsync(), None).expect("good");
    let patience = Duration::from_secs(60);
    let guest = async {
        tokio::time::sleep(patience * 10).await;
        sender.send("x").await.expect("it is read");
    };
    let (frame, ()) = tokio::select! {
        both = async { tokio::join!(upload.frame(), guest) } => both,
        () = flight.stalled(patience) => panic!("it was the guest's turn"),
    };
    assert!(frame.expect("a frame").is_ok());
    flight.stalled(patience).await;
    drop(sender);
}
