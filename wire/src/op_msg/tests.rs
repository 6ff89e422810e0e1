use alloc::vec;

use super::*;

fn message(flags: Flags, checksum: bool) -> Vec<u8> {
    let mut documents = Vec::new();
    for n in 0..3 {
        let mut document = DocWriter::new(&mut documents);
        document.i32("n", n);
        document.finish().unwrap();
    }
    let mut out = vec![];
    let mut builder = Builder::new(&mut out, 5, 4, flags);
    let mut body = builder.body();
    body.str("insert", "things").str("$db", "test");
    body.finish().unwrap();
    builder.sequence("documents", Documents::new(&documents).map(Result::unwrap)).unwrap();
    if checksum { builder.finish_with_checksum() } else { builder.finish() }.unwrap();
    out
}

#[test]
fn body_and_sequences_come_back() {
    for checksum in [false, true] {
        let bytes = message(Flags::MORE_TO_COME.union(Flags::EXHAUST_ALLOWED), checksum);
        let parsed = OpMsg::parse(&bytes).unwrap();
        assert!(parsed.flags().contains(Flags::MORE_TO_COME) && parsed.flags().contains(Flags::EXHAUST_ALLOWED));
        assert_eq!(parsed.flags().contains(Flags::CHECKSUM_PRESENT), checksum);
        assert_eq!(parsed.header().response_to, 4);
        assert_eq!(parsed.body().get_str("insert"), Ok(Some("things")));
        let sequences: Vec<_> = parsed.sequences().collect();
        assert_eq!(sequences.len(), 1);
        assert_eq!(sequences[0].identifier(), b"documents");
        let numbers: Vec<_> = sequences[0].documents().map(|d| d.unwrap().get_i32("n").unwrap().unwrap()).collect();
        assert_eq!(numbers, [0, 1, 2]);
    }
}

#[test]
fn a_payload_from_elsewhere_is_counted_in() {
    let whole = message(Flags::NONE, false);
    let payload = OpMsg::parse(&whole).unwrap().sequences().next().unwrap().as_bytes().to_vec();
    let mut head = vec![];
    let mut builder = Builder::new(&mut head, 5, 4, Flags::NONE);
    builder.body_doc(OpMsg::parse(&whole).unwrap().body());
    builder.sequence_head("documents", payload.len()).unwrap();
    assert_eq!(builder.finish_with(payload.len()), Ok(whole.len()));
    head.extend_from_slice(&payload);
    assert_eq!(head, whole);
}

#[test]
fn every_truncation_and_every_flipped_byte_gives_an_answer() {
    for checksum in [false, true] {
        let bytes = message(Flags::NONE, checksum);
        for cut in 0..bytes.len() {
            assert!(OpMsg::parse(&bytes[..cut]).is_err());
        }
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 0xff;
            let parsed = OpMsg::parse(&broken);
            assert!(!checksum || parsed.is_err(), "byte {at} flipped behind a checksum");
            if let Ok(parsed) = parsed {
                parsed.sequences().flat_map(|s| s.documents()).for_each(drop);
            }
        }
    }
}

#[test]
fn each_fault_has_its_error() {
    let bytes = message(Flags::NONE, false);
    let with = |at: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        bytes
    };
    assert_eq!(OpMsg::parse(&with(16, 4)).unwrap_err(), WireError::UnknownFlags(4));
    assert_eq!(OpMsg::parse(&with(20, 2)).unwrap_err(), WireError::SectionKind(2));
    assert_eq!(OpMsg::parse(&with(12, 1)).unwrap_err(), WireError::OpCode { found: 2013 - 0xdd + 1, expected: 2013 });
    let mut two = vec![];
    let mut builder = Builder::new(&mut two, 1, 0, Flags::NONE);
    builder.body_doc(Doc::EMPTY);
    builder.body_doc(Doc::EMPTY);
    builder.finish().unwrap();
    assert_eq!(OpMsg::parse(&two).unwrap_err(), WireError::BodySections(2));
    let mut none = vec![];
    Builder::new(&mut none, 1, 0, Flags::NONE).finish().unwrap();
    assert_eq!(OpMsg::parse(&none).unwrap_err(), WireError::BodySections(0));
    let mut damaged = message(Flags::NONE, true);
    damaged[5] ^= 1;
    assert!(matches!(OpMsg::parse(&damaged).unwrap_err(), WireError::Checksum { .. }));
}
