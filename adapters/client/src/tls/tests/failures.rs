//! Each way to fail has an error of its own.

use rustls::version::{TLS12, TLS13};

use super::*;

/// A server of `signed` for a client that trusts `ca`.
fn against(ca: &Ca, signed: &Signed, options: &str) -> Result<(), TlsError> {
    let folder = Folder::new();
    let ca_file = folder.file("ca.pem", ca.pem());
    let mut results = [&TLS12, &TLS13].map(|version| {
        let wire = Wire::with(Some(&signed.server(&[version], None)));
        let outcome = secure(&connector(&format!("tlsCAFile={ca_file}&{options}")), &wire);
        if outcome.is_err() {
            assert!(matches!(wire.peer().failed, Some(rustls::Error::AlertReceived(_))), "the server is told why");
        }
        outcome.map(drop).map_err(|error| tls_error(&error).clone())
    });
    let [old, new] = results.each_mut().map(|result| core::mem::replace(result, Ok(())));
    assert_eq!(format!("{old:?}"), format!("{new:?}"), "TLS 1.2 and 1.3 say the same");
    new
}

#[test]
fn a_good_certificate_passes() {
    let ca = Ca::new();
    against(&ca, &ca.sign(|_| {}), "").unwrap();
}

#[test]
fn an_unknown_issuer_is_told_apart() {
    let (ca, other) = (Ca::new(), Ca::new());
    let outcome = against(&ca, &other.sign(|_| {}), "");
    assert!(matches!(outcome, Err(TlsError::UnknownIssuer)), "{outcome:?}");
    assert!(TlsError::UnknownIssuer.to_string().contains("tlsCAFile"));
    against(&ca, &other.sign(|_| {}), "tlsAllowInvalidCertificates=true").unwrap();
    against(&ca, &other.sign(|_| {}), "tlsInsecure=true").unwrap();
    assert!(against(&ca, &other.sign(|_| {}), "tlsAllowInvalidHostnames=true").is_err());
}

#[test]
fn a_wrong_host_name_is_told_apart() {
    let ca = Ca::new();
    let other = || ca.sign(|params| *params = CertificateParams::new(["other.example.com".to_owned()]).unwrap());
    match against(&ca, &other(), "") {
        Err(error @ TlsError::WrongHostName { .. }) => {
            let text = error.to_string();
            assert!(text.contains("is not for `db.example.com` but for other.example.com: "), "{text}");
        }
        outcome => panic!("{outcome:?}"),
    }
    against(&ca, &other(), "tlsAllowInvalidHostnames=true").unwrap();
    against(&ca, &other(), "tlsInsecure=true").unwrap();
}

#[test]
fn dates_are_told_apart() {
    let ca = Ca::new();
    let expired = against(&ca, &ca.sign(long_ago), "");
    assert!(matches!(expired, Err(TlsError::Expired)), "{expired:?}");
    let early = against(&ca, &ca.sign(far_ahead), "");
    assert!(matches!(early, Err(TlsError::NotYetValid)), "{early:?}");
    assert!(against(&ca, &ca.sign(long_ago), "tlsAllowInvalidHostnames=true").is_err());
    against(&ca, &ca.sign(long_ago), "tlsAllowInvalidCertificates=true").unwrap();
}

#[test]
fn addresses_are_names_too() {
    let (ca, folder) = (Ca::new(), Folder::new());
    let server = ca.sign(|_| {}).server(&[&TLS13], None);
    let connector = connector(&format!("tlsCAFile={}", folder.file("ca.pem", ca.pem())));
    let to = |host| now(connector.secure(Channel::Plain(Wire::with(Some(&server))), &address(host), EVER)).map(drop);
    to("127.0.0.1").unwrap();
    assert!(matches!(tls_error(&to("::1").unwrap_err()), TlsError::WrongHostName { .. }));
    assert!(matches!(tls_error(&to("fe80::1%eth0").unwrap_err()), TlsError::WrongHostName { .. }));
    assert!(matches!(tls_error(&to("no name").unwrap_err()), TlsError::HostName(_)));
}

#[test]
fn a_revoked_certificate_is_told_apart() {
    use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber};
    let (ca, folder) = (Ca::new(), Folder::new());
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(3000, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from(7),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = list.signed_by(&ca.issuer).unwrap();
    let option = format!("tlsCRLFile={}", folder.file("crl.pem", pem("X509 CRL", list.der())));
    let with_number = |number: u64| ca.sign(|params| params.serial_number = Some(SerialNumber::from(number)));
    against(&ca, &with_number(8), &option).unwrap();
    let revoked = against(&ca, &with_number(7), &option);
    assert!(matches!(revoked, Err(TlsError::Revoked)), "{revoked:?}");
    against(&ca, &with_number(7), &format!("{option}&tlsDisableCertificateRevocationCheck=true")).unwrap();
}

/// A server that wants a certificate signed by `clients`.
fn with_certificate(
    version: &'static SupportedProtocolVersion,
    clients: &Ca,
    own: Option<&Signed>,
) -> Result<(), TlsError> {
    let (ca, folder) = (Ca::new(), Folder::new());
    let mut options = format!("tlsCAFile={}", folder.file("ca.pem", ca.pem()));
    if let Some(own) = own {
        options += &format!("&tlsCertificateKeyFile={}", folder.file("client.pem", own.pem()));
    }
    let wire = Wire::with(Some(&ca.sign(|_| {}).server(&[version], Some(clients))));
    let mut channel = match secure(&connector(&options), &wire) {
        Ok(channel) => channel,
        Err(error) => return Err(tls_error(&error).clone()),
    };
    if wire.peer().failed.is_none() {
        send(&mut channel, &mut [IoSlice::new(b"hello")]);
        assert_eq!(wire.peer().heard, b"hello");
        return Ok(());
    }
    Err(tls_error(&first_exchange(&mut channel)).clone())
}

#[test]
fn the_clients_certificate_is_accepted_missed_or_refused() {
    let (clients, strangers) = (Ca::new(), Ca::new());
    for version in [&TLS12, &TLS13] {
        with_certificate(version, &clients, Some(&clients.sign(|_| {}))).unwrap();
        let missed = with_certificate(version, &clients, None);
        assert!(matches!(missed, Err(TlsError::ClientCertificateRequired)), "{missed:?}");
        for refused in [strangers.sign(|_| {}), clients.sign(long_ago)] {
            let refused = with_certificate(version, &clients, Some(&refused));
            assert!(matches!(refused, Err(TlsError::ClientCertificateRejected { .. })), "{refused:?}");
        }
    }
}

#[test]
fn a_server_that_asks_and_leaves_without_a_word_is_understood() {
    let (ca, folder) = (Ca::new(), Folder::new());
    let wire = Wire::with(Some(&ca.sign(|_| {}).server(&[&TLS13], Some(&ca))));
    let connector = connector(&format!("tlsCAFile={}", folder.file("ca.pem", ca.pem())));
    // The handshake ends on this side before the server looks at the certificate.
    let mut channel = secure(&connector, &wire).unwrap();
    wire.peer().bytes.clear();
    let error = first_exchange(&mut channel);
    assert!(matches!(tls_error(&error), TlsError::ClientCertificateRequired), "{error:?}");
    assert!(!error.is_network(), "trying again does not help");
}

#[test]
fn what_is_no_tls_is_told_apart() {
    let wire = Wire::with(None);
    wire.peer().bytes.extend(*b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let refused = refusal(&connector("tlsInsecure=true"), &wire);
    assert!(matches!(refused, TlsError::NotTls), "{refused:?}");
    // A reply of MongoDB.
    let wire = Wire::with(None);
    wire.peer().bytes.extend([36, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0xdd, 7, 0, 0]);
    let refused = refusal(&connector("tlsInsecure=true"), &wire);
    assert!(matches!(refused, TlsError::NotTls), "{refused:?}");
}

#[test]
fn a_server_that_hangs_up_is_told_apart() {
    let wire = Wire::with(None);
    wire.peer().ended = true;
    let refused = refusal(&connector("tlsInsecure=true"), &wire);
    assert!(matches!(refused, TlsError::Closed), "{refused:?}");
    // In the middle of its first message.
    let half = Wire::with(None);
    half.peer().ended = true;
    half.peer().bytes.extend([22, 3, 3, 0, 100, 2, 0, 0, 96]);
    let error = secure(&connector("tlsInsecure=true"), &half).map(drop).unwrap_err();
    assert!(matches!(tls_error(&error), TlsError::Closed), "{error:?}");
    assert!(error.is_network());
}

#[test]
fn no_common_version_is_the_servers_refusal() {
    let ca = Ca::new();
    let provider = Arc::new(ring::default_provider());
    let old = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_root_certificates(ca.roots())
        .with_no_client_auth();
    let connector = Connector::new(&Config::default(), Some(old.into())).unwrap();
    let refused = refusal(&connector, &Wire::with(Some(&ca.sign(|_| {}).server(&[&TLS13], None))));
    assert!(matches!(&refused, TlsError::Refused { alert } if alert == "ProtocolVersion"), "{refused:?}");
    secure(&connector, &Wire::with(Some(&ca.sign(|_| {}).server(&[&TLS12], None)))).unwrap();
}

#[test]
fn a_configuration_of_ones_own_switches_tls_on() {
    let config = |text: &str| text.parse::<Config>().unwrap();
    let own = || {
        let provider = Arc::new(ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        Some(builder.unwrap().with_root_certificates(RootCertStore::empty()).with_no_client_auth().into())
    };
    assert!(Connector::new(&config("mongodb://h/"), own()).is_some());
    assert!(Connector::new(&config("mongodb://h/?tls=false"), own()).is_none());
    assert!(Connector::new(&config("mongodb://h/"), None).is_none());
    assert!(Connector::new(&config("mongodb://h/?tlsInsecure=true"), None).is_some());
}

#[test]
fn deadlines_and_unix_sockets_are_no_tls_errors() {
    let connector = connector("tlsInsecure=true");
    let silent = Channel::Plain(Wire::with(None));
    let error = now(connector.secure(silent, &address(HOST), Instant::ORIGIN)).map(drop).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout) && error.phase() == Phase::Tls, "{error:?}");
    let path = ServerAddress::Unix { path: "/tmp/mongodb-27017.sock".into() };
    let error = now(connector.secure(Channel::Plain(Wire::with(None)), &path, EVER)).map(drop).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported(_)), "{error:?}");
}

#[test]
fn damage_anywhere_in_the_handshake_is_an_error() {
    for version in [&TLS12, &TLS13] {
        let server = Ca::new().sign(|_| {}).server(&[version], None);
        let mut errors = 0;
        for place in (0..1200).step_by(13) {
            let wire = Wire::with(Some(&server));
            wire.peer().flip = place;
            // Where nothing more comes, because a length was made too great, the deadline ends it.
            let connector = connector("tlsInsecure=true");
            let outcome = now(connector.secure(Channel::Plain(wire), &address(HOST), Instant::ORIGIN));
            errors += usize::from(outcome.is_err());
        }
        // Beyond its end, and in tickets, which are read later, damage does nothing.
        assert!(errors > 30, "{errors}");
    }
}
