//! AWS Signature Version 4: what signs a request, whatever it asks for.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A request to be signed.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    /// The path, encoded.
    pub(super) path: &'a str,
    /// The query, encoded and sorted.
    pub(super) query: &'a str,
    /// Every header that is signed: lower case names, in order.
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: &'a str,
}

/// Who signs, when, and for what.
pub(super) struct Scope<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) secret_access_key: &'a str,
    /// `20191107T002607Z`
    pub(super) date: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

/// The value of the `Authorization` header.
pub(super) fn authorization(request: &Request<'_>, scope: &Scope<'_>) -> String {
    let Scope { access_key_id, date, region, service, .. } = scope;
    let day = date.get(..8).unwrap_or(date);
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let credential_scope = format!("{day}/{region}/{service}/aws4_request");
    let request = hex(&Sha256::digest(canonical(request, &names).as_bytes()));
    let string_to_sign = format!("{ALGORITHM}\n{date}\n{credential_scope}\n{request}");
    let signature = hex(&hmac(&signing_key(scope, day), string_to_sign.as_bytes()));
    format!("{ALGORITHM} Credential={access_key_id}/{credential_scope}, SignedHeaders={names}, Signature={signature}")
}

fn canonical(request: &Request<'_>, names: &str) -> String {
    let Request { method, path, query, headers, body } = request;
    let mut text = format!("{method}\n{path}\n{query}\n");
    for (name, value) in *headers {
        text.extend([*name, ":", value.trim(), "\n"]);
    }
    text.extend(["\n", names, "\n", &hex(&Sha256::digest(body.as_bytes()))]);
    text
}

fn signing_key(scope: &Scope<'_>, day: &str) -> [u8; 32] {
    let first = format!("AWS4{}", scope.secret_access_key);
    let parts = [day, scope.region, scope.service, "aws4_request"];
    let (day, rest) = (parts[0], &parts[1..]);
    rest.iter().fold(hmac(first.as_bytes(), day.as_bytes()), |key, part| hmac(&key, part.as_bytes()))
}

fn hmac(key: &[u8], data: &[u8]) -> [u8; 32] {
    // Invariant: HMAC takes keys of every length (RFC 2104), so there is no error to have.
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.chain_update(data).finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The request whose `Authorization` header the specification shows; it is Amazon's own published example.
    const SCOPE: Scope<'_> = Scope {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        date: "20150830T123600Z",
        region: "us-east-1",
        service: "iam",
    };

    #[test]
    fn the_published_example() {
        let request = Request {
            method: "GET",
            path: "/",
            query: "Action=ListUsers&Version=2010-05-08",
            headers: &[
                ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
                ("host", "iam.amazonaws.com"),
                ("x-amz-date", "20150830T123600Z"),
            ],
            body: "",
        };
        assert_eq!(
            authorization(&request, &SCOPE),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
        let canonical = canonical(&request, "content-type;host;x-amz-date");
        let hash = "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
        assert_eq!(hex(&Sha256::digest(canonical.as_bytes())), hash);
    }

    #[test]
    fn the_published_signing_key() {
        let key = "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9";
        assert_eq!(hex(&signing_key(&SCOPE, "20150830")), key);
    }
}
