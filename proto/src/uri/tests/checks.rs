use super::{error, quiet, with};
use crate::concern::WriteConcernError;
use crate::read_preference::ReadPreferenceError;
use crate::uri::{Config, Credential, CredentialError, Mechanism, SrvHost, UriError};

fn credential_error(userinfo: &str, options: &str) -> CredentialError {
    match error(&alloc::format!("mongodb://{userinfo}h/?{options}")) {
        UriError::Credential { reason, .. } => reason,
        other => panic!("{options}: {other:?}"),
    }
}

#[test]
fn options_that_exclude_each_other() {
    for (uri, first, second) in [
        ("mongodb://a,b/?directConnection=true", "directConnection=true", "more than one host"),
        ("mongodb+srv://a.b.c/?directConnection=true", "directConnection=true", "mongodb+srv"),
        ("mongodb://a,b/?loadBalanced=true", "loadBalanced=true", "more than one host"),
        ("mongodb://a/?loadBalanced=true&replicaSet=r", "loadBalanced=true", "replicaSet"),
        ("mongodb://a/?loadBalanced=true&directConnection=true", "loadBalanced=true", "directConnection=true"),
        ("mongodb+srv://a.b.c/?loadBalanced=true&srvMaxHosts=1", "loadBalanced=true", "srvMaxHosts"),
        ("mongodb+srv://a.b.c/?replicaSet=r&srvMaxHosts=1", "srvMaxHosts", "replicaSet"),
        ("mongodb://a/?tlsInsecure=false&tlsAllowInvalidHostnames=false", "tlsInsecure", "tlsAllowInvalidHostnames"),
        ("mongodb://a/?minPoolSize=6&maxPoolSize=5", "minPoolSize", "a smaller maxPoolSize (100 by default)"),
        ("mongodb://a/?minPoolSize=101", "minPoolSize", "a smaller maxPoolSize (100 by default)"),
    ] {
        assert_eq!(error(uri), UriError::Conflict { first, second }, "{uri}");
    }
    assert_eq!(with("minPoolSize=101&maxPoolSize=0").min_pool_size(), 101);
    assert!(!quiet("mongodb+srv://a.b.c/?directConnection=false").direct_connection());
}

#[test]
fn options_that_need_others() {
    for (options, option, needs) in [
        ("srvMaxHosts=0", "srvMaxHosts", "mongodb+srv"),
        ("srvServiceName=x", "srvServiceName", "mongodb+srv"),
        ("proxyPort=1", "proxyPort", "proxyHost"),
        ("proxyHost=p&proxyUsername=u", "proxyUsername", "proxyPassword"),
        ("proxyHost=p&proxyPassword=u", "proxyPassword", "proxyUsername"),
        ("authMechanismProperties=A:b", "authMechanismProperties", "authMechanism"),
    ] {
        let error = error(&alloc::format!("mongodb://h/?{options}"));
        assert_eq!(error, UriError::Missing { option, needs }, "{options}");
    }
    assert_eq!(with("proxyHost=p").proxy_address(), Some(("p", 1080)));
    assert_eq!(with("proxyHost=p&proxyPort=9").proxy_address(), Some(("p", 9)));
}

#[test]
fn concerns_and_read_preference() {
    let journal = UriError::WriteConcern(WriteConcernError::JournalWithoutAcknowledgment);
    assert_eq!(error("mongodb://h/?w=0&journal=true"), journal);
    for (options, reason) in [
        ("readPreferenceTags=dc:ny", ReadPreferenceError::PrimaryWithTags),
        ("maxStalenessSeconds=90", ReadPreferenceError::PrimaryWithMaxStaleness),
        ("readPreference=primary&maxStalenessSeconds=120", ReadPreferenceError::PrimaryWithMaxStaleness),
    ] {
        assert_eq!(error(&alloc::format!("mongodb://h/?{options}")), UriError::ReadPreference(reason), "{options}");
    }
    assert_eq!(with("readPreferenceTags=").read_preference.tag_sets.len(), 1);
}

#[test]
fn what_mechanisms_need_and_forbid() {
    use CredentialError::*;
    for (userinfo, options, reason) in [
        ("@", "", UsernameMissing),
        (":p@", "", UsernameMissing),
        ("", "authMechanism=DEFAULT", UsernameMissing),
        ("", "authMechanism=GSSAPI", UsernameMissing),
        ("u@", "authMechanism=GSSAPI&authSource=admin", Source),
        ("u@", "authMechanism=GSSAPI&authMechanismProperties=CANONICALIZE_HOST_NAME:yes", Canonicalize),
        ("u:p@", "authMechanismProperties=SERVICE_NAME:x", UnknownProperty),
        ("u:p@", "authMechanism=PLAIN&authMechanismProperties=SERVICE_NAME:x", UnknownProperty),
        ("u:@", "authMechanism=MONGODB-X509", PasswordForbidden),
        ("u:p@", "authMechanism=MONGODB-AWS", AwsCredentials),
        ("u@", "authMechanism=MONGODB-AWS", AwsCredentials),
        ("", "authMechanism=MONGODB-AWS&authMechanismProperties=aws_session_token:t", AwsCredentials),
        ("", "authMechanism=MONGODB-OIDC", EnvironmentMissing),
        ("", "authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:aws", Environment),
        ("", "authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:gcp", TokenResourceMissing),
        (
            "",
            "authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:k8s,TOKEN_RESOURCE:x",
            TokenResourceForbidden,
        ),
        ("", "authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:test,ALLOWED_HOSTS:x", UnknownProperty),
        ("u@", "authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:test", UsernameForbidden),
    ] {
        assert_eq!(credential_error(userinfo, options), reason, "{userinfo} {options}");
    }
    assert_eq!(error("mongodb://u:p@h/?authMechanism=MONGODB-CR"), UriError::UnknownMechanism);
    assert_eq!(error("mongodb://h/?authSource="), UriError::EmptyAuthSource);
}

#[test]
fn sources() {
    for (uri, source) in [
        ("mongodb://u:p@h", Some("admin")),
        ("mongodb://u:p@h/db", Some("db")),
        ("mongodb://u:p@h/db?authSource=other", Some("other")),
        ("mongodb://u:p@h/?authMechanism=PLAIN", Some("$external")),
        ("mongodb://u:p@h/db?authMechanism=PLAIN", Some("db")),
        ("mongodb://u@h/db?authMechanism=MONGODB-X509", Some("$external")),
        ("mongodb://h/db?authSource=other", None),
    ] {
        assert_eq!(quiet(uri).credential_source(), source, "{uri}");
    }
}

#[test]
fn property_names_have_no_case() {
    let config = quiet("mongodb://u@h/?authMechanism=GSSAPI&authMechanismProperties=service_name:other");
    assert_eq!(config.credential.as_ref().map(Credential::service_name), Some("other"));
    let old = Config::parse("mongodb://u@h/?authMechanism=GSSAPI&gssapiServiceName=old").unwrap();
    assert_eq!(old.config.credential.as_ref().map(Credential::service_name), Some("old"));
    assert_eq!(old.warnings.len(), 1);
}

#[test]
fn a_callback_takes_the_place_of_the_environment() {
    let mechanism = Some(Mechanism::MongoDbOidc);
    let mut credential = Credential { mechanism, has_callback: true, ..Credential::default() };
    assert_eq!(credential.validate(), Ok(()));
    credential.mechanism_properties.set("ENVIRONMENT", "k8s");
    let reason = CredentialError::EnvironmentAndCallback;
    assert_eq!(credential.validate(), Err(UriError::Credential { mechanism, reason }));
}

#[test]
fn configs_made_in_code_are_checked_too() {
    let mut config = Config::default();
    assert_eq!(config.validate(), Ok(()));
    config.hosts.clear();
    assert_eq!(config.validate(), Err(UriError::MissingHost));
    config.srv = Some(SrvHost { host: "a.b.c".into() });
    assert_eq!(config.validate(), Ok(()));
}
