//! Each way in which a client's message can be wrong, as the server machine sees it.

use super::*;
use crate::auth::scram::server::Rejection;
use alloc::format;
use alloc::string::String;

#[test]
fn client_first_must_follow_the_grammar() {
    let cases = [
        ("", Rejection::InvalidEncoding),
        ("n", Rejection::InvalidEncoding),
        ("n,", Rejection::InvalidEncoding),
        ("n,,", Rejection::InvalidEncoding),
        ("x,,n=user,r=abc", Rejection::InvalidEncoding),
        ("p=tls-unique,,n=user,r=abc", Rejection::ChannelBindingNotSupported),
        ("n,a=root,n=user,r=abc", Rejection::OtherError),
        ("n,,m=x,n=user,r=abc", Rejection::ExtensionsNotSupported),
        ("n,,r=abc,n=user", Rejection::InvalidEncoding),
        ("n,,n=user", Rejection::InvalidEncoding),
        ("n,,n=user,r=", Rejection::InvalidEncoding),
        ("n,,n=user,r=a b", Rejection::InvalidEncoding),
        ("n,,n=user,r=abc,x", Rejection::InvalidEncoding),
        ("n,,n=,r=abc", Rejection::InvalidUsernameEncoding),
        ("n,,n=a=b,r=abc", Rejection::InvalidUsernameEncoding),
        ("n,,n=a=2c,r=abc", Rejection::InvalidUsernameEncoding),
        ("n,,n=a=,r=abc", Rejection::InvalidUsernameEncoding),
        ("n,,n=a\0,r=abc", Rejection::InvalidUsernameEncoding),
    ];
    for (message, rejection) in cases {
        assert_eq!(Hello::parse(message.as_bytes()).unwrap_err(), rejection, "{message:?}");
    }
    assert_eq!(Hello::parse(b"n,,n=\xff,r=abc").unwrap_err(), Rejection::InvalidEncoding);
    assert_eq!(Hello::parse(b"y,,n=user,r=abc,x=y").unwrap().username(), "user");
}

#[test]
fn client_final_must_repeat_nonce_and_header_and_prove_the_password() {
    let first = to_client_first();
    let served = to_challenged(first.payload(), &stored(&user()));
    let last = client_final_for(first, &served).unwrap();
    let good = String::from_utf8(last.payload().to_vec()).unwrap();
    let (without, proof) = good.rsplit_once(",p=").unwrap();
    let cases = [
        (String::new(), Rejection::InvalidEncoding),
        (String::from(without), Rejection::InvalidEncoding),
        (format!(",p={proof}"), Rejection::InvalidEncoding),
        (format!("c=biws,p={proof}"), Rejection::InvalidEncoding),
        (format!("{without},x,p={proof}"), Rejection::InvalidEncoding),
        (format!("{without},p=AAAA"), Rejection::InvalidEncoding),
        (format!("{without},p={proof}="), Rejection::InvalidEncoding),
        (good.replace("c=biws", "c=eSws"), Rejection::ChannelBindingsDontMatch),
        (good.replace("served", "server"), Rejection::OtherError),
        (format!("{without},x=y,p={proof}"), Rejection::InvalidProof),
        (format!("{without},p={}=", "A".repeat(43)), Rejection::InvalidProof),
    ];
    for (message, rejection) in cases {
        assert_eq!(served.clone().verify(message.as_bytes()).unwrap_err(), rejection, "{message:?}");
    }
    assert!(served.verify(good.as_bytes()).is_ok());
}

#[test]
fn a_proof_cannot_be_used_in_another_conversation() {
    let first = to_client_first();
    let served = to_challenged(first.payload(), &stored(&user()));
    let last = client_final_for(first, &served).unwrap();
    let other = Hello::parse(to_client_first().payload()).unwrap();
    let other = other.challenge(Some(&stored(&user())), &nonce("later")).unwrap();
    assert_eq!(other.verify(last.payload()).unwrap_err(), Rejection::OtherError);
}

#[test]
fn a_fake_server_can_ask_for_too_few_iterations_and_the_client_refuses() {
    let mut weak = stored(&user());
    weak.iterations = 4095;
    let first = to_client_first();
    let served = to_challenged(first.payload(), &weak);
    assert_eq!(first.next(served.payload(), false).unwrap_err(), AuthError::TooFewIterations(4095));
}
