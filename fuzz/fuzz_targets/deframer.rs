//! However a stream is cut, the same frames come out of it, and they are its beginning, byte by byte.

#![no_main]

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use stator_wire::{Deframer, WireError};

fuzz_target!(|data: &[u8]| {
    // Running out of data is the end of the story, not an error.
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let limit = usize::from(u.arbitrary::<u16>()?) * 2;
    let seed: u32 = u.arbitrary()?;
    let stream = stream(u)?;

    let mut whole = Deframer::new(limit);
    whole.push(&stream);
    let expected = frames(&mut whole);
    assert!(stream.starts_with(&expected.0.concat()));
    assert!(expected.0.iter().all(|frame| (16..=limit).contains(&frame.len())));

    let (mut cut, mut seen, mut rest) = (Deframer::new(limit), Vec::new(), &stream[..]);
    let mut dice = seed;
    let outcome = loop {
        let (more, outcome) = frames(&mut cut);
        seen.extend(more);
        if outcome.is_err() || rest.is_empty() {
            break outcome;
        }
        let missing = cut.missing();
        assert!(missing > 0, "no frame, and nothing is missing");
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let most = [40, 600, 9_000, 50_000][(dice >> 30) as usize];
        let count = (1 + (dice >> 8) as usize % most).min(rest.len());
        let (piece, after) = rest.split_at(count);
        rest = after;
        if dice & 1 == 0 {
            cut.push(piece);
        } else {
            put(&mut cut, piece);
        }
        if count < missing {
            assert_eq!(cut.next_frame(), Ok(None), "a frame came before all of it was there");
        }
        if dice & 6 == 0 {
            cut.shrink();
        }
    };
    assert_eq!((seen, outcome), expected);
    Ok(())
}

/// As a socket does: reads into the space.
fn put(deframer: &mut Deframer, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let space = deframer.space();
        assert!(!space.is_empty());
        let count = space.len().min(bytes.len());
        space[..count].copy_from_slice(&bytes[..count]);
        deframer.advance(count);
        bytes = &bytes[count..];
    }
}

fn frames(deframer: &mut Deframer) -> (Vec<Vec<u8>>, std::result::Result<(), WireError>) {
    let mut frames = Vec::new();
    loop {
        match deframer.next_frame() {
            Ok(Some(frame)) => frames.push(frame.to_vec()),
            Ok(None) => return (frames, Ok(())),
            Err(error) => {
                assert_eq!(deframer.next_frame(), Err(error.clone()), "the first error sticks");
                return (frames, Err(error));
            }
        }
    }
}

/// Raw bytes and frames of any length: more than a fuzzer would write out byte by byte.
fn stream(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut stream = Vec::new();
    while !u.is_empty() && stream.len() < 60_000 {
        if u.ratio(1, 4)? {
            let length = u.int_in_range(0..=24)?;
            stream.extend_from_slice(u.bytes(length)?);
        } else {
            let length = u.int_in_range(16..=40_000_i32)?;
            let start = stream.len();
            stream.extend_from_slice(&length.to_le_bytes());
            stream.resize(start + length as usize, u.arbitrary()?);
        }
    }
    Ok(stream)
}
