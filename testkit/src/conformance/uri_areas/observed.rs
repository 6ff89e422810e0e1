//! An option's value in a config, in the form in which the specifications' data states it.
//!
//! Written out field by field, on purpose apart from the table that the parser uses: a row there that fills the wrong
//! field must show here.

use std::time::Duration;

use serde_json::{Map, Value, json};
use stator_proto::concern::{Acknowledgment, ReadConcernLevel};
use stator_proto::uri::{Config, Mechanism, Secret};

/// The value of the option of this name; null where nothing was said. Unknown names are errors.
pub(in crate::conformance) fn observed(config: &Config, name: &str) -> Result<Value, String> {
    let credential = config.credential.as_ref();
    Ok(match name.to_ascii_lowercase().as_str() {
        "appname" => json!(config.app_name),
        "authmechanism" => json!(credential.and_then(|credential| credential.mechanism).map(Mechanism::as_str)),
        "authmechanismproperties" => {
            let properties = credential.map(|credential| pairs(credential.mechanism_properties.iter()));
            json!(properties)
        }
        "authsource" => json!(credential.and_then(|credential| credential.source.as_deref())),
        "compressors" => json!(config.compressors.iter().map(|one| one.as_str()).collect::<Vec<_>>()),
        "connecttimeoutms" => millis(config.connect_timeout),
        "directconnection" => json!(config.direct_connection),
        "enableoverloadretargeting" => json!(config.enable_overload_retargeting),
        "heartbeatfrequencyms" => millis(config.heartbeat_frequency),
        "journal" => json!(config.write_concern.journal),
        "loadbalanced" => json!(config.load_balanced),
        "localthresholdms" => millis(config.local_threshold),
        "maxadaptiveretries" => json!(config.max_adaptive_retries),
        "maxconnecting" => json!(config.max_connecting),
        "maxidletimems" => millis(config.max_idle_time),
        "maxpoolsize" => json!(config.max_pool_size),
        "maxstalenessseconds" => json!(config.read_preference.max_staleness.map(|limit| limit.as_secs())),
        "minpoolsize" => json!(config.min_pool_size),
        "proxyhost" => json!(config.proxy.host),
        "proxypassword" => json!(config.proxy.password.as_ref().map(Secret::expose)),
        "proxyport" => json!(config.proxy.port),
        "proxyusername" => json!(config.proxy.username),
        "readconcernlevel" => json!(config.read_concern.level.as_ref().map(ReadConcernLevel::as_str)),
        "readpreference" => json!(config.read_preference.mode.as_str()),
        "readpreferencetags" => config.read_preference.tag_sets.iter().map(|tags| pairs(tags.iter())).collect(),
        "replicaset" => json!(config.replica_set),
        "retryreads" => json!(config.retry_reads),
        "retrywrites" => json!(config.retry_writes),
        "servermonitoringmode" => json!(config.server_monitoring_mode.map(|mode| mode.as_str())),
        "serverselectiontimeoutms" => millis(config.server_selection_timeout),
        "sockettimeoutms" => millis(config.socket_timeout),
        "srvmaxhosts" => json!(config.srv_max_hosts),
        "srvservicename" => json!(config.srv_service_name),
        "timeoutms" => millis(config.timeout),
        "ssl" | "tls" => json!(config.tls.enabled),
        "tlsallowinvalidcertificates" => json!(config.tls.allow_invalid_certificates),
        "tlsallowinvalidhostnames" => json!(config.tls.allow_invalid_hostnames),
        "tlscafile" => json!(config.tls.ca_file),
        "tlscertificatekeyfile" => json!(config.tls.certificate_key_file),
        "tlscertificatekeyfilepassword" => {
            json!(config.tls.certificate_key_file_password.as_ref().map(Secret::expose))
        }
        "tlsdisablecertificaterevocationcheck" => json!(config.tls.disable_certificate_revocation_check),
        "tlsdisableocspendpointcheck" => json!(config.tls.disable_ocsp_endpoint_check),
        "tlsinsecure" => json!(config.tls.insecure),
        "uuidrepresentation" => json!(config.uuid_representation.map(|uuids| uuids.as_str())),
        "w" => match &config.write_concern.w {
            None => Value::Null,
            Some(Acknowledgment::Nodes(nodes)) => json!(nodes),
            Some(Acknowledgment::Majority) => json!("majority"),
            Some(Acknowledgment::Custom(mode)) => json!(mode),
            Some(other) => return Err(format!("no way to compare {other:?}")),
        },
        "waitqueuetimeoutms" => millis(config.wait_queue_timeout),
        "wtimeoutms" => millis(config.write_concern.w_timeout),
        "zlibcompressionlevel" => json!(config.zlib_compression_level),
        _ => return Err(format!("the runner does not know the option {name:?}")),
    })
}

fn millis(limit: Option<Duration>) -> Value {
    json!(limit.map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)))
}

fn pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    Value::Object(pairs.map(|(key, value)| (key.to_owned(), json!(value))).collect::<Map<_, _>>())
}
