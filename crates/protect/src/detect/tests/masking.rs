//! Streams that are written again.

use super::*;
use model::data::BuiltIn;

fn run(actions: &Actions, detector: &Detector, text: &str, cut: usize) -> Result<String, String> {
    let (mut out, mut masker) = (Vec::new(), Masker::new(detector, None, actions));
    let mut all = || {
        text.as_bytes().chunks(cut).try_for_each(|piece| masker.feed(piece, &mut out, |_| {}))?;
        masker.finish(&mut out, |_| {})
    };
    let done = all();
    let out = String::from_utf8(out).expect("text");
    done.map(|()| out.clone()).map_err(|_| out)
}

#[test]
fn classes_are_masked_blocked_or_left() {
    let detector = usual();
    let text = "to ann@example.com: card 4111 1111 1111 1111, key AKIAQ3EGRTU7ZLXN2PYW!";
    let observing = Actions::observing(&detector);
    let masking = observing.clone().on(&detector, &BuiltIn::Pan.into(), Action::Mask);
    let blocking = masking.clone().on(&detector, &BuiltIn::Secret.into(), Action::Block);
    for cut in [1, 7, 1000] {
        assert_eq!(run(&observing, &detector, text, cut).as_deref(), Ok(text));
        let masked = "to ann@example.com: card [pan], key AKIAQ3EGRTU7ZLXN2PYW!";
        assert_eq!(run(&masking, &detector, text, cut).as_deref(), Ok(masked));
        let cut_off = "to ann@example.com: card [pan], key ".to_owned();
        assert_eq!(run(&blocking, &detector, text, cut), Err(cut_off), "{cut}");
    }
}

#[test]
fn what_is_not_sure_enough_is_left_as_it_is() {
    let detector = usual();
    let masking = Actions::observing(&detector).on(&detector, &BuiltIn::Pan.into(), Action::Mask);
    let text = "value 4111111111111111";
    assert_eq!(run(&masking, &detector, text, 9).as_deref(), Ok(text), "no word, no grouping");
}

#[test]
fn a_blocked_stream_stays_blocked() {
    let detector = usual();
    let actions =
        Actions::observing(&detector).on(&detector, &BuiltIn::Email.into(), Action::Block);
    let (mut out, mut masker) = (Vec::new(), Masker::new(&detector, None, &actions));
    assert!(masker.feed(b"x ann@example.com y ", &mut out, |_| {}).is_err());
    assert!(masker.feed(b"more", &mut out, |_| {}).is_err());
    assert!(masker.finish(&mut out, |_| {}).is_err());
    assert_eq!(out, b"x ");
}
