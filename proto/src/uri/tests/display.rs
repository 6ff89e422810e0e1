use alloc::format;
use alloc::string::ToString;

use super::quiet;
use crate::uri::{Config, Secret};

/// Every option at once, as `Display` writes it but for the secrets.
const EVERYTHING: &str = "mongodb://ad%40:p%3A%25@db1:27017,[::1]:27018,%2Ftmp%2Fx.sock/my%3Fdb?authMechanism=PLAIN\
    &authSource=other&replicaSet=r%26s&directConnection=false&loadBalanced=false&appName=my%20app&tls=false\
    &tlsInsecure=true&tlsCAFile=ca.pem&tlsCertificateKeyFile=c%2B.pem&tlsCertificateKeyFilePassword=hunter2\
    &tlsCRLFile=crl.pem&proxyHost=::1&proxyPort=9&proxyUsername=u&proxyPassword=hunter3&timeoutMS=1&connectTimeoutMS=2\
    &socketTimeoutMS=3&serverSelectionTimeoutMS=4&localThresholdMS=5&heartbeatFrequencyMS=600\
    &serverMonitoringMode=poll&maxPoolSize=7&minPoolSize=6&maxConnecting=8&maxIdleTimeMS=9&waitQueueTimeoutMS=10\
    &retryReads=false&retryWrites=true&maxAdaptiveRetries=11&enableOverloadRetargeting=true&readConcernLevel=majority\
    &w=my%23mode&wTimeoutMS=12&journal=true&readPreference=nearest&readPreferenceTags=dc:ny,rack:1&readPreferenceTags=\
    &maxStalenessSeconds=120&compressors=zstd,zlib&zlibCompressionLevel=-1&uuidRepresentation=standard";

#[test]
fn the_exact_string_comes_back() {
    assert_eq!(quiet(EVERYTHING).to_uri_with_secrets(), EVERYTHING);
    for uri in [
        "mongodb://h:1",
        "mongodb://u@h:1",
        "mongodb://u:@h:1",
        "mongodb://h:1/?authSource=unused",
        "mongodb://h:1/?authMechanism=MONGODB-X509",
        "mongodb+srv://a.b.c/db?srvMaxHosts=0&srvServiceName=my-name",
        "mongodb://u@h:1/?authMechanism=GSSAPI&authMechanismProperties=SERVICE_NAME:a%20b,SERVICE_HOST:c:d",
        "mongodb://h:1/?tlsAllowInvalidHostnames=true&tlsDisableOCSPEndpointCheck=false",
        "mongodb://h:1/?tlsDisableCertificateRevocationCheck=true",
        "mongodb://h:1/?tlsAllowInvalidCertificates=true",
    ] {
        assert_eq!(quiet(uri).to_uri_with_secrets(), uri);
    }
}

#[test]
fn secrets_are_shown_as_stars() {
    let config = quiet(EVERYTHING);
    let shown = config.to_string();
    let expected = EVERYTHING.replace("p%3A%25", "***").replace("hunter2", "***").replace("hunter3", "***");
    assert_eq!(shown, expected);

    let mut hidden = config;
    hidden.proxy.password = Some(Secret::new("***"));
    hidden.tls.certificate_key_file_password = Some(Secret::new("***"));
    hidden.credential.as_mut().expect("there is one").password = Some(Secret::new("***"));
    assert_eq!(shown.parse::<Config>().as_ref(), Ok(&hidden));
}

#[test]
fn debug_shows_no_secret() {
    let mut config = quiet(EVERYTHING);
    let credential = config.credential.as_mut().expect("there is one");
    credential.password = Some(Secret::new("hunter1"));
    credential.mechanism_properties.set("AWS_SESSION_TOKEN", "hunter4");
    let shown = format!("{config:?} {config:#?}");
    assert!(!shown.contains("hunter"), "{shown}");
    assert!(shown.contains("AWS_SESSION_TOKEN"), "{shown}");
    assert_eq!(format!("{0} {0:?}", Secret::new("hunter2")), "*** Secret(***)");
    assert_eq!(Secret::new("hunter2").expose(), "hunter2");
}
