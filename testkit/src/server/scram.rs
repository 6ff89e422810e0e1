//! SCRAM-SHA-256 (RFC 5802, RFC 7677) for the admin client, independent of the driver's own.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bson::{Binary, Document, doc, spec::BinarySubtype};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::{Admin, AdminError, admin::number};

/// The conversation without channel binding: `n,,` in base64.
const CHANNEL_BINDING: &str = "c=biws";

pub(super) fn authenticate(admin: &mut Admin, user: &str, password: &str) -> Result<(), AdminError> {
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce).map_err(|error| protocol(format!("no randomness: {error}")))?;
    let client_first = format!("n={user},r={}", STANDARD.encode(nonce));
    let start = doc! {
        "saslStart": 1,
        "mechanism": "SCRAM-SHA-256",
        "payload": payload(format!("n,,{client_first}")),
        "options": { "skipEmptyExchange": true },
    };
    let reply = admin.run("admin", start)?;
    let server_first = text(&reply)?;
    let (client_final, server_signature) = answer(&client_first, &server_first, password)?;
    let next = doc! {
        "saslContinue": 1,
        "conversationId": number(&reply, "conversationId").unwrap_or_default(),
        "payload": payload(client_final),
    };
    let mut reply = admin.run("admin", next)?;
    if text(&reply)? != server_signature {
        return Err(protocol("the server does not know the password"));
    }
    // Servers before 4.4 ask for one empty exchange more.
    while !reply.get_bool("done").unwrap_or(false) {
        let conversation = number(&reply, "conversationId").unwrap_or_default();
        let empty = doc! { "saslContinue": 1, "conversationId": conversation, "payload": payload(String::new()) };
        reply = admin.run("admin", empty)?;
    }
    Ok(())
}

/// The client's final message, and the server's final message that must answer it.
fn answer(client_first: &str, server_first: &str, password: &str) -> Result<(String, String), AdminError> {
    let field = |key: &str| {
        let found = server_first.split(',').find_map(|part| part.strip_prefix(key)?.strip_prefix('='));
        found.ok_or_else(|| protocol(format!("no {key} in the server's first message")))
    };
    let salt = STANDARD.decode(field("s")?).map_err(|error| protocol(error.to_string()))?;
    let rounds: u32 = field("i")?.parse().map_err(|_| protocol("the iteration count is no number"))?;
    let salted: [u8; 32] = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password.as_bytes(), &salt, rounds);
    let client_key = mac(&salted, b"Client Key");
    let without_proof = format!("{CHANNEL_BINDING},r={}", field("r")?);
    let message = format!("{client_first},{server_first},{without_proof}");
    let signature = mac(&Sha256::digest(client_key), message.as_bytes());
    let proof: Vec<u8> = client_key.iter().zip(signature).map(|(key, byte)| key ^ byte).collect();
    let server_signature = mac(&mac(&salted, b"Server Key"), message.as_bytes());
    let client_final = format!("{without_proof},p={}", STANDARD.encode(proof));
    Ok((client_final, format!("v={}", STANDARD.encode(server_signature))))
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    // Invariant: HMAC takes keys of every length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn payload(text: String) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: text.into_bytes() }
}

fn text(reply: &Document) -> Result<String, AdminError> {
    let bytes = reply.get_binary_generic("payload").map_err(|error| protocol(error.to_string()))?;
    String::from_utf8(bytes.clone()).map_err(|_| protocol("the payload is not UTF-8"))
}

fn protocol(reason: impl Into<String>) -> AdminError {
    AdminError::Protocol(reason.into())
}

#[cfg(test)]
mod tests {
    use super::answer;

    /// The example of RFC 7677, section 3.
    #[test]
    fn the_published_exchange_is_reproduced() {
        let client_first = "n=user,r=rOprNGfwEbeRWgbNEkqO";
        let server_first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (client_final, server_final) = answer(client_first, server_first, "pencil").unwrap();
        assert!(client_final.ends_with(",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="), "{client_final}");
        assert_eq!(server_final, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }
}
