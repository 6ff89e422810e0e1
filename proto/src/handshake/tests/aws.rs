//! MONGODB-AWS, with a server that checks the signature.

use super::external::document;
use super::*;
use crate::auth::aws::AwsCredentials;

fn pair(edit: impl Fn(&mut Server)) -> Pair {
    let credentials = AwsCredentials::new("AKIDEXAMPLE", "secret").session_token("token");
    let mut server = Server::new(vec![]);
    server.external.aws = Some(credentials.clone());
    edit(&mut server);
    let mut pair = Pair::new(options(Some(Login::Aws)), server);
    pair.host.aws = Some(credentials);
    pair
}

fn cause(mut pair: Pair) -> AuthFailure {
    match pair.drive().unwrap_err() {
        HandshakeError::Auth { mechanism: Mechanism::MongoDbAws, cause } => cause,
        other => panic!("{other}"),
    }
}

#[test]
fn a_login_takes_two_commands_and_is_not_speculated_on() {
    let (pair, _, keys) = pair(|_| {}).logged_in();
    assert!(keys.is_none());
    assert_eq!(pair.server.names(), ["isMaster", "saslStart", "saslContinue"]);
    let hello = pair.server.commands[0].as_doc();
    assert_eq!((hello.get("speculativeAuthenticate"), hello.get("saslSupportedMechs")), (Ok(None), Ok(None)));
    let start = pair.server.commands[1].as_doc();
    assert_eq!(start.get_str("mechanism"), Ok(Some("MONGODB-AWS")));
    assert_eq!(start.get_str("$db"), Ok(Some("$external")));
    assert_eq!(start.get("options"), Ok(None));
    assert_eq!(pair.server.commands[2].as_doc().get_i32("conversationId"), Ok(Some(CONVERSATION)));
}

#[test]
fn it_works_in_pieces_of_any_size() {
    for piece in [1, 7, 100] {
        let mut pair = pair(|_| {});
        pair.piece = piece;
        pair.logged_in();
    }
}

#[test]
fn credentials_are_fetched_before_anything_is_said_and_are_never_shown() {
    let mut without = pair(|_| {});
    without.host.aws = None;
    let error = without.drive().unwrap_err();
    assert_eq!(format!("{error}"), "authentication with MONGODB-AWS failed: the credentials could not be fetched");
    assert_eq!(without.server.names(), ["isMaster"]);
    let mut seen = pair(|_| {});
    while !seen.drive_step() {
        let shown = format!("{:?}", seen.client);
        assert!(!shown.contains("secret\"") && !shown.contains("token\""), "{shown}");
    }
}

#[test]
fn wrong_credentials_are_the_servers_error() {
    let wrong = pair(|server| server.external.aws = Some(AwsCredentials::new("AKIDEXAMPLE", "other")));
    assert!(matches!(cause(wrong), AuthFailure::Refused(CommandError { code: 18, .. })));
    let mut unusable = pair(|_| {});
    unusable.host.aws = Some(AwsCredentials::new("", ""));
    assert_eq!(cause(unusable), AuthFailure::Mechanism(AuthError::BadAwsCredentials));
}

#[test]
fn a_server_that_breaks_the_rules_gets_no_signature() {
    let first = |nonce: &[u8], host: &str| {
        Field::Bytes(document(|doc| {
            doc.binary("s", 0, nonce).str("h", host);
        }))
    };
    let good: Vec<u8> = [7; 32].into_iter().chain(0..32).collect();
    let malformed = AuthError::Malformed("the payload is no BSON document");
    for (key, value, expected) in [
        ("payload", first(&[7; 64][..63], "sts.amazonaws.com"), AuthError::NonceMismatch),
        ("payload", first(&[8; 64], "sts.amazonaws.com"), AuthError::NonceMismatch),
        ("payload", first(&good, "sts..com"), AuthError::BadStsHost),
        ("payload", first(&good, ""), AuthError::BadStsHost),
        ("payload", Field::Bytes(vec![1, 2, 3]), malformed.clone()),
        ("payload", Field::Str("text".into()), malformed),
        ("done", Field::Bool(true), AuthError::DoneTooEarly),
    ] {
        let pair = pair(|server| {
            let value = value.clone();
            server.edit = Box::new(move |step, fields| {
                if step == "start" {
                    set(fields, key, value.clone());
                }
            });
        });
        assert_eq!(cause(pair), AuthFailure::Mechanism(expected));
    }
    let endless = pair(|server| {
        server.edit = Box::new(|step, fields| {
            if step == "continue" {
                set(fields, "done", Field::Bool(false));
            }
        });
    });
    assert_eq!(cause(endless), AuthFailure::Mechanism(AuthError::NotDone));
    for key in ["payload", "done"] {
        let pair = pair(|server| {
            server.edit = Box::new(move |step, fields| {
                if step == "start" {
                    set(fields, key, Field::Absent);
                }
            });
        });
        assert!(matches!(cause(pair), AuthFailure::Reply(_)));
    }
}
