//! The files that the options name.

use super::*;

/// Loads the files; a server that cannot be reached is not asked.
fn load(options: &str) -> TlsError {
    let wire = Wire::with(None);
    let error = refusal(&connector(options), &wire);
    assert!(wire.peer().room == usize::MAX, "nothing was sent");
    error
}

fn with_key_file(text: &str, options: &str) -> TlsError {
    let folder = Folder::new();
    let file = folder.file("client.pem", text);
    load(&format!("tlsInsecure=true&tlsCertificateKeyFile={file}&{options}").replace("tlsInsecure=true&", ""))
}

/// Whether the files are in order: then it is the server that does not answer.
fn is_loaded(connector: &Connector) -> bool {
    let wire = Wire::with(None);
    wire.peer().ended = true;
    matches!(refusal(connector, &wire), TlsError::Closed)
}

#[test]
fn files_that_are_not_there() {
    for option in ["tlsCAFile", "tlsCertificateKeyFile"] {
        match load(&format!("{option}=%2Fnowhere%2Fx.pem")) {
            TlsError::Unreadable { option: named, path, source } => {
                assert_eq!(
                    (named, path.to_str(), source.kind()),
                    (option, Some("/nowhere/x.pem"), io::ErrorKind::NotFound)
                );
            }
            error => panic!("{error:?}"),
        }
    }
}

#[test]
fn a_file_that_comes_later_is_read() {
    let (ca, folder) = (Ca::new(), Folder::new());
    let connector = connector(&format!("tlsCAFile={}", folder.file("ca.pem", "")));
    assert!(!is_loaded(&connector));
    folder.file("ca.pem", ca.pem());
    assert!(is_loaded(&connector));
    drop(folder);
    assert!(is_loaded(&connector), "it is not read again");
}

#[test]
fn files_without_what_they_should_have() {
    let (ca, folder) = (Ca::new(), Folder::new());
    let (one, other) = (ca.sign(|_| {}), ca.sign(|_| {}));
    let empty = load(&format!("tlsCAFile={}", folder.file("empty.pem", "no PEM")));
    assert!(matches!(empty, TlsError::NoCertificate { option: "tlsCAFile", .. }), "{empty:?}");
    let damaged = load(&format!("tlsCAFile={}", folder.file("damaged.pem", ca.pem().replace("MII", "M\u{1}I"))));
    assert!(matches!(damaged, TlsError::Malformed { option: "tlsCAFile", .. }), "{damaged:?}");
    let no_der = load(&format!("tlsCAFile={}", folder.file("no_der.pem", pem("CERTIFICATE", b"no DER"))));
    assert!(matches!(no_der, TlsError::Malformed { option: "tlsCAFile", .. }), "{no_der:?}");

    let no_certificate = with_key_file(&one.key_pem(), "");
    assert!(matches!(no_certificate, TlsError::NoCertificate { option: "tlsCertificateKeyFile", .. }));
    let no_key = with_key_file(&pem("CERTIFICATE", one.certificate.der()), "");
    assert!(matches!(no_key, TlsError::NoPrivateKey { .. }), "{no_key:?}");
    let mismatch = with_key_file(&(pem("CERTIFICATE", one.certificate.der()) + &other.key_pem()), "");
    assert!(matches!(mismatch, TlsError::KeyMismatch { .. }), "{mismatch:?}");
    let nonsense = with_key_file(&(pem("CERTIFICATE", one.certificate.der()) + &pem("PRIVATE KEY", b"x")), "");
    assert!(matches!(nonsense, TlsError::Malformed { .. }), "{nonsense:?}");
    let no_list = load(&format!("tlsCAFile={}&tlsCRLFile={0}", folder.file("ca.pem", ca.pem())));
    assert!(matches!(no_list, TlsError::Malformed { option: "tlsCRLFile", .. }), "{no_list:?}");
}

#[test]
fn the_key_may_come_first() {
    let (ca, folder) = (Ca::new(), Folder::new());
    let own = ca.sign(|_| {});
    let file = folder.file("client.pem", own.key_pem() + "\n# and now\n" + &pem("CERTIFICATE", own.certificate.der()));
    assert!(is_loaded(&connector(&format!("tlsInsecure=true&tlsCertificateKeyFile={file}"))));
}

#[test]
fn encrypted_keys_say_what_they_lack() {
    let certificate = pem("CERTIFICATE", Ca::new().certificate.der());
    let encrypted = |body: &str| {
        format!("{certificate}-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}\n-----END ENCRYPTED PRIVATE KEY-----\n")
    };
    let closed = with_key_file(&encrypted(AES), "");
    assert!(matches!(closed, TlsError::PasswordRequired { .. }), "{closed:?}");
    let old = format!(
        "{certificate}-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"
    );
    let old = with_key_file(&old, "tlsCertificateKeyFilePassword=pw");
    assert!(matches!(old, TlsError::UnsupportedEncryption { .. }), "{old:?}");
}

#[cfg(not(feature = "tls-encrypted-keys"))]
#[test]
fn without_the_feature_the_error_names_it() {
    match super::super::decrypt::decrypt(AES.as_bytes(), "pw") {
        Err(super::super::decrypt::Refusal::Unsupported(what)) => assert!(what.contains("tls-encrypted-keys")),
        _ => panic!("it cannot be decrypted"),
    }
}

/// Made by OpenSSL 3 from one key, which is `KEY`; the password is `pw`.
const AES: &str = "\
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAimor6uxATTkAICCAAw\
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEPhBLlV8yLBeGD+dKJjwA4EEgZAu\
C1CaV2JNikeNv3qf0rJ+z2ElZmGKUoiMww3S/EoMgG48UbKjUWfclRM84Wuw36Zf\
ljM2FlGEY6COW+9UOabD7T8zhjUmzAusu0ucMPd07zNdN/LhVwC8jzeHSYEdFylr\
AOQ7ytfyg/3Yw3nC2X/5wz3RMRz81z65iOKevpDsBljCo+3Dp5GbS6/wu0N5128=";

#[cfg(feature = "tls-encrypted-keys")]
mod opened {
    use super::super::super::decrypt::{Refusal, decrypt};
    use super::{AES, TlsError, pem, with_key_file};

    const SCRYPT: &str = "\
MIHkME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAhWjUjHoUqiAwICQAAC\
AQgCAQEwHQYJYIZIAWUDBAEqBBBD35qkI6p26p8D7ORuJhj9BIGQawDFm5vIWWSn\
oxq/cf0HDthPuOc+/5SnIskOmXILrEPxzXaJbhSx+P+mTmP87DUwu2p9LBEWt+/+\
wjxKNNZpBkbMOdDdlUkF38JfV4HCjJhXyVGAdiDDeMGoyi64P4pTLClJk35wWFZH\
vQ6Uzpl5/OQ62WoutuMbddO6UnhxjtPW/TeGhtZuYL3XkAd0pocR";
    const PBES1: &str = "\
MIGxMBwGCiqGSIb3DQEMAQMwDgQIBMzv09a+k4ACAggABIGQRmW9jeWI4vWw7cmM\
LFa89T7yZzAW/cCiAt0FpyPrvwrai0ldRKqjS7EQnhFTZViC9JzyFfX+81Mxsrpl\
Whdtf+eys+cbBlSoTfnYKMeHuGgjIFmiwWyk4oPM3TxTrlXJfHErVYc5bbIlAWGM\
JZLfRkfuClICthSrQVb/3exDff/PeXybg/KbyUXr7Tz8kSi9";
    const DES: &str = "\
MIHjME4GCSqGSIb3DQEFDTBBMCkGCSqGSIb3DQEFDDAcBAjmbn8g+tQ+FwICCAAw\
DAYIKoZIhvcNAgkFADAUBggqhkiG9w0DBwQIIyQ3+47UGMoEgZD5hZl6xRJQrxuA\
7WVUqVmm1Pyjz4jPKcn83qVKDFGju+SYCNrsTELEspZBKkE7ODOgoCCQpf6ePgfA\
dgKLfS4OFGEMMzYEkwvLv0E950aFFRhlwZWt7fOWN/7lsiJ8VR+t1F4ecgI9rdyb\
kIi3TVmY6wMY6Gf2qpruuyBvAfNz/RXiJ2Q602dr/2Mw3A0o2Ek=";
    const KEY: &str = "\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgiqb1NTWpF/ACBKtU\
k2gMGn9PTu+4F8Fc1A/f5l/Nn0ShRANCAAQmfUYJgWLURbqOGyVWcGK8kOZzTwI2\
3ZTuZbpQP0oC9rzkGuTTc8cFI90B1ewC41L2Qru+zKivFEczViWsk4JF";

    #[test]
    fn with_the_password() {
        for encrypted in [AES, SCRYPT] {
            let key = decrypt(encrypted.as_bytes(), "pw").unwrap();
            let text = pem("PRIVATE KEY", key.secret_der());
            assert_eq!(text.lines().filter(|line| !line.starts_with('-')).collect::<String>(), KEY);
            assert!(matches!(decrypt(encrypted.as_bytes(), "wp"), Err(Refusal::WrongPassword)));
        }
    }

    #[test]
    fn not_with_old_ciphers() {
        for encrypted in [PBES1, DES] {
            let refusal = decrypt(encrypted.as_bytes(), "pw").unwrap_err();
            assert!(matches!(refusal, Refusal::Unsupported(_)), "{refusal:?}");
        }
    }

    #[test]
    fn a_wrong_password_names_the_file() {
        let certificate = pem("CERTIFICATE", super::Ca::new().certificate.der());
        let text =
            format!("{certificate}-----BEGIN ENCRYPTED PRIVATE KEY-----\n{AES}\n-----END ENCRYPTED PRIVATE KEY-----\n");
        let wrong = with_key_file(&text, "tlsCertificateKeyFilePassword=wp");
        assert!(matches!(wrong, TlsError::WrongPassword { .. }), "{wrong:?}");
        let mismatch = with_key_file(&text, "tlsCertificateKeyFilePassword=pw");
        assert!(matches!(mismatch, TlsError::KeyMismatch { .. }), "{mismatch:?}");
    }
}
