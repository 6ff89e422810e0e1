use super::*;

const fn election(id: Option<u8>, set_version: Option<i64>) -> Election {
    let election_id = match id {
        Some(id) => Some([id; 12]),
        None => None,
    };
    Election { election_id, set_version }
}

#[test]
fn since_6_0_the_election_id_counts_first_and_nothing_is_less_than_anything() {
    let known = election(Some(2), Some(2));
    for stale in
        [election(Some(1), Some(9)), election(Some(2), Some(1)), election(None, Some(9)), election(Some(2), None)]
    {
        assert_eq!(stale.succeed(known, 17), None, "{stale}");
    }
    for newer in [known, election(Some(2), Some(3)), election(Some(3), Some(1)), election(Some(3), None)] {
        assert_eq!(newer.succeed(known, 17), Some(newer), "{newer}");
    }
}

#[test]
fn before_6_0_the_set_version_counts_first_and_only_what_is_whole_is_compared() {
    let known = election(Some(2), Some(2));
    for stale in [election(Some(9), Some(1)), election(Some(1), Some(2))] {
        assert_eq!(stale.succeed(known, 16), None, "{stale}");
    }
    assert_eq!(known.succeed(known, 16), Some(known));
    assert_eq!(election(Some(1), Some(3)).succeed(known, 16), Some(election(Some(1), Some(3))));
    // Half of it is believed, and only what has grown is remembered.
    assert_eq!(election(None, Some(1)).succeed(known, 16), Some(known));
    assert_eq!(election(None, Some(3)).succeed(known, 16), Some(election(Some(2), Some(3))));
    assert_eq!(election(Some(9), None).succeed(known, 16), Some(known));
}

#[test]
fn a_stale_primary_is_told_with_both_terms() {
    let mut topology = open(options(&["a", "b"]));
    let primary = |id: u8| HelloReply {
        election_id: Some([id; 12]),
        set_version: Some(1),
        ..member(ServerKind::RsPrimary, &["a", "b"])
    };
    see(&mut topology, "a", primary(2));
    see(&mut topology, "b", primary(1));
    let server = topology.description().server(&at("b")).unwrap();
    assert_eq!(server.kind, ServerKind::Unknown);
    assert_eq!(
        server.rejection.as_ref().unwrap().to_string(),
        "primary marked stale due to electionId/setVersion mismatch, (electionId 010101010101010101010101, setVersion \
         1) is stale compared to (electionId 020202020202020202020202, setVersion 1)"
    );
    assert_eq!(election(None, None).to_string(), "(electionId null, setVersion null)");
}
