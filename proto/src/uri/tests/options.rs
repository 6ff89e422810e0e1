use core::time::Duration;

use super::{error, quiet, warned, with};
use crate::concern::Acknowledgment;
use crate::uri::options::OPTIONS;
use crate::uri::{Compressor, Config, Secret, UriError, UuidRepresentation, Warning};

#[test]
fn names_are_unique_without_regard_to_case() {
    for (at, row) in OPTIONS.iter().enumerate() {
        let twin = OPTIONS[..at].iter().find(|other| other.name.eq_ignore_ascii_case(row.name));
        assert!(twin.is_none(), "{} is there twice", row.name);
    }
}

#[test]
fn every_option_of_the_specification_is_in_the_table() {
    let names = "appname authMechanism authMechanismProperties authSource compressors connectTimeoutMS directConnection \
        enableOverloadRetargeting heartbeatFrequencyMS journal loadBalanced localThresholdMS maxAdaptiveRetries \
        maxConnecting maxIdleTimeMS maxPoolSize maxStalenessSeconds minPoolSize proxyHost proxyPassword proxyPort \
        proxyUsername readConcernLevel readPreference readPreferenceTags replicaSet retryReads retryWrites \
        serverMonitoringMode serverSelectionTimeoutMS serverSelectionTryOnce socketTimeoutMS srvMaxHosts srvServiceName \
        ssl timeoutMS tls tlsAllowInvalidCertificates tlsAllowInvalidHostnames tlsCAFile tlsCertificateKeyFile \
        tlsCertificateKeyFilePassword tlsDisableCertificateRevocationCheck tlsDisableOCSPEndpointCheck tlsInsecure w \
        waitQueueTimeoutMS wTimeoutMS zlibCompressionLevel uuidRepresentation tlsCRLFile waitQueueSize waitQueueMultiple";
    for name in names.split_whitespace() {
        assert!(OPTIONS.iter().any(|row| row.name.eq_ignore_ascii_case(name)), "{name} is missing");
    }
}

#[test]
fn defaults() {
    let config = Config::default();
    assert_eq!(config.max_pool_size(), Some(100));
    assert_eq!(config.min_pool_size(), 0);
    assert_eq!(config.max_connecting(), 2);
    assert_eq!(config.connect_timeout(), Some(Duration::from_secs(10)));
    assert_eq!(config.server_selection_timeout(), Duration::from_secs(30));
    assert_eq!(config.local_threshold(), Duration::from_millis(15));
    assert_eq!(config.heartbeat_frequency(), Duration::from_secs(10));
    assert_eq!((config.timeout(), config.socket_timeout()), (None, None));
    assert_eq!((config.wait_queue_timeout(), config.max_idle_time()), (None, None));
    assert!(config.retry_reads() && config.retry_writes());
    assert_eq!((config.max_adaptive_retries(), config.enable_overload_retargeting()), (2, false));
    assert!(!config.direct_connection() && !config.load_balanced() && !config.tls_enabled());
    assert_eq!((config.srv_service_name(), config.srv_max_hosts()), ("mongodb", None));
    assert_eq!(config.zlib_compression_level(), -1);
    assert_eq!(config.proxy_address(), None);
}

/// The options that the specifications' data leaves out.
#[test]
fn values_land_in_their_fields() {
    let config =
        with("waitQueueTimeoutMS=1&tlsCRLFile=crl.pem&retryReads=false&uuidRepresentation=javaLegacy&minPoolSize=2");
    assert_eq!(config.wait_queue_timeout(), Some(Duration::from_millis(1)));
    assert_eq!(config.tls.crl_file.as_deref(), Some("crl.pem"));
    assert_eq!((config.retry_reads(), config.retry_writes()), (false, true));
    assert_eq!(config.uuid_representation(), UuidRepresentation::JavaLegacy);
    assert_eq!(config.min_pool_size(), 2);
    let config = with("proxyHost=p&proxyPort=3&proxyUsername=u&proxyPassword=s");
    assert_eq!((config.proxy_address(), config.proxy.username.as_deref()), (Some(("p", 3)), Some("u")));
    assert_eq!(config.proxy.password.as_ref().map(Secret::expose), Some("s"));
}

#[test]
fn zero_is_no_limit() {
    let config = with("maxPoolSize=0&connectTimeoutMS=0&timeoutMS=0&maxIdleTimeMS=0&waitQueueTimeoutMS=0");
    assert_eq!(config.max_pool_size(), None);
    assert_eq!(config.connect_timeout(), None);
    assert_eq!((config.timeout(), config.timeout), (None, Some(Duration::ZERO)));
    assert_eq!((config.max_idle_time(), config.wait_queue_timeout()), (None, None));
    let config = with("maxPoolSize=7&connectTimeoutMS=8&timeoutMS=9&serverSelectionTimeoutMS=0&localThresholdMS=0");
    assert_eq!(config.max_pool_size(), Some(7));
    assert_eq!(config.connect_timeout(), Some(Duration::from_millis(8)));
    assert_eq!(config.timeout(), Some(Duration::from_millis(9)));
    assert_eq!((config.server_selection_timeout(), config.local_threshold()), (Duration::ZERO, Duration::ZERO));
}

#[test]
fn values_out_of_range_are_ignored_with_a_warning() {
    for option in [
        "heartbeatFrequencyMS=499",
        "maxPoolSize=-1",
        "maxPoolSize=2147483648",
        "connectTimeoutMS=2147483648",
        "timeoutMS=1.5",
        "timeoutMS=",
        "timeoutMS= 1",
        "maxConnecting=0",
        "maxStalenessSeconds=89",
        "maxStalenessSeconds=0",
        "zlibCompressionLevel=10",
        "w=2147483648",
        "w=-1",
        "w=99999999999999999999",
        "w=",
        "wTimeoutMS=9223372036854775808",
        "journal=TRUE",
        "readPreference=Primary",
        "readConcernLevel=",
        "replicaSet=",
        "serverMonitoringMode=STREAM",
        "uuidRepresentation=legacy",
        "proxyUsername=",
        "proxyPort=0",
        "proxyPort=65536",
        "srvServiceName=-a",
        "srvServiceName=a--b",
        "srvServiceName=1",
        "srvServiceName=a_b",
        "readPreferenceTags=dc:ny,rack",
        "readPreferenceTags=:ny",
    ] {
        let (config, warning) = warned(option);
        let key = option.split('=').next();
        assert!(
            matches!(&warning, Warning::InvalidValue { key: named, .. } if Some(*named) == key),
            "{option}: {warning}"
        );
        assert_eq!(config, quiet("mongodb://h"), "{option}");
    }
    let long = alloc::format!("appName={}", "x".repeat(129));
    assert_eq!(warned(&long).0.app_name, None);
    assert_eq!(with(&long[..long.len() - 1]).app_name.map(|name| name.len()), Some(128));
}

#[test]
fn limits_that_are_accepted() {
    let config =
        with("heartbeatFrequencyMS=500&maxStalenessSeconds=90&readPreference=nearest&w=2147483647&wTimeoutMS=0");
    assert_eq!(config.heartbeat_frequency(), Duration::from_millis(500));
    assert_eq!(config.read_preference.max_staleness, Some(Duration::from_secs(90)));
    assert_eq!(config.write_concern.w, Some(Acknowledgment::Nodes(2_147_483_647)));
    assert_eq!(config.write_concern.w_timeout, Some(Duration::ZERO));
    let long = with("wTimeoutMS=9223372036854775807").write_concern.w_timeout;
    assert_eq!(long, Some(Duration::from_millis(9_223_372_036_854_775_807)));
    assert_eq!(with("maxStalenessSeconds=-1").read_preference.max_staleness, None);
}

#[test]
fn the_first_of_repeated_options_counts() {
    let (config, warning) = warned("maxPoolSize=1&MAXPOOLSIZE=2");
    assert_eq!((config.max_pool_size, warning), (Some(1), Warning::Repeated { key: "maxPoolSize" }));
    let repeated = UriError::RepeatedProxyOption("proxyHost");
    assert_eq!(error("mongodb://h/?proxyHost=a&proxyHost=a"), repeated);
}

#[test]
fn old_names_give_way_wherever_they_stand() {
    let old = |applied| Warning::Deprecated { key: "wtimeout", replacement: Some("wTimeoutMS"), applied };
    for (options, millis, applied) in
        [("wtimeout=5", 5, true), ("wtimeout=5&wTimeoutMS=6", 6, false), ("wTimeoutMS=6&wtimeout=5", 6, false)]
    {
        let (config, warning) = warned(options);
        assert_eq!(config.write_concern.w_timeout, Some(Duration::from_millis(millis)), "{options}");
        assert_eq!(warning, old(applied), "{options}");
    }
    let (config, _) = warned("j=true");
    assert_eq!(config.write_concern.journal, Some(true));
}

#[test]
fn options_without_effect_and_without_meaning() {
    for key in ["serverSelectionTryOnce", "waitQueueSize", "waitQueueMultiple"] {
        let (config, warning) = warned(&alloc::format!("{key}=1"));
        assert_eq!((config, warning), (quiet("mongodb://h"), Warning::NoEffect { key }));
    }
    assert_eq!(warned("foo=bar").1, Warning::UnknownOption { key: "foo".into() });
}

#[test]
fn odd_booleans() {
    for (value, expected) in [("1", true), ("yes", true), ("y", true), ("t", true), ("0", false), ("-1", false)] {
        let write = if expected { "true" } else { "false" };
        for (key, get) in [("retryReads", (|c: &Config| c.retry_reads) as fn(&Config) -> _), ("tls", |c| c.tls.enabled)]
        {
            let (config, warning) = warned(&alloc::format!("{key}={value}"));
            assert_eq!(get(&config), Some(expected), "{key}={value}");
            assert_eq!(warning, Warning::DeprecatedBoolean { key, write });
        }
    }
}

#[test]
fn compressors_are_a_list_without_strangers_and_twins() {
    assert_eq!(with("compressors=zstd,snappy,zstd").compressors, [Compressor::Zstd, Compressor::Snappy]);
    let (config, warning) = warned("compressors=lz4,zlib");
    assert_eq!(config.compressors, [Compressor::Zlib]);
    assert!(matches!(warning, Warning::InvalidItem { key: "compressors", .. }));
}

#[test]
fn tag_sets_keep_their_order_and_may_be_empty() {
    let config =
        with("readPreference=nearest&readPreferenceTags=dc:ny,rack:1&readPreferenceTags=a:b:c&readPreferenceTags=");
    let sets: alloc::vec::Vec<_> = config.read_preference.tag_sets.iter().map(|tags| tags.tags.clone()).collect();
    assert_eq!(sets.len(), 3);
    assert_eq!(sets[0], [("dc".into(), "ny".into()), ("rack".into(), "1".into())]);
    assert_eq!(sets[1], [("a".into(), "b:c".into())]);
    assert!(config.read_preference.tag_sets[2].is_empty());
}

#[test]
fn uuid_representations_and_tls() {
    assert_eq!(with("uuidRepresentation=standard").uuid_representation(), UuidRepresentation::Standard);
    assert!(with("tls=true&ssl=true&tls=true").tls_enabled());
    assert!(with("tlsCAFile=ca.pem").tls_enabled());
    assert!(!with("tlsCAFile=ca.pem&ssl=false").tls_enabled());
    assert!(quiet("mongodb+srv://a.b.c").tls_enabled());
    assert!(!quiet("mongodb+srv://a.b.c/?tls=false").tls_enabled());
    assert!(matches!(error("mongodb://h/?tls=true&tls=false"), UriError::Conflict { .. }));
}
