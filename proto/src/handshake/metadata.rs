//! `client`: what the driver says of itself in its first hello (specification *MongoDB Handshake*).

use alloc::string::String;
use alloc::vec::Vec;

use stator_wire::bson::{DocBuf, DocWriter};

use crate::uri::DriverInfo;

/// The client metadata. Everything comes from outside: this crate asks no environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientMetadata {
    /// `application.name`, at most 128 bytes; a longer one is cut when written.
    pub application: Option<String>,
    /// `driver`: the driver and the libraries that wrap it, in order.
    pub drivers: Vec<DriverInfo>,
    /// `os`.
    pub os: OsInfo,
    /// `platform`, such as the compiler's version.
    pub platform: Option<String>,
    /// `env`: function-as-a-service and container.
    pub env: EnvInfo,
}

/// `os`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OsInfo {
    /// `type`, such as `Linux`; `unknown` if it is empty.
    pub kind: String,
    /// `name`: the distribution.
    pub name: Option<String>,
    /// `architecture`, such as `x86_64`.
    pub architecture: Option<String>,
    /// `version`.
    pub version: Option<String>,
}

/// `env`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvInfo {
    /// `name`: the function-as-a-service environment.
    pub name: Option<String>,
    /// `timeout_sec`.
    pub timeout_sec: Option<i32>,
    /// `memory_mb`.
    pub memory_mb: Option<i32>,
    /// `region`.
    pub region: Option<String>,
    /// `container.runtime`.
    pub container_runtime: Option<String>,
    /// `container.orchestrator`.
    pub container_orchestrator: Option<String>,
}

impl ClientMetadata {
    /// The longest `client` document that servers accept, in bytes.
    pub const MAX_SIZE: usize = 512;
    /// The longest `application.name` that servers accept, in bytes.
    pub const MAX_APPLICATION: usize = 128;

    /// The `client` document, at most [`MAX_SIZE`](Self::MAX_SIZE) bytes: fields are left out, then `platform` and the
    /// wrapping drivers' names are cut, in the specification's order.
    pub fn to_doc(&self) -> DocBuf {
        let mut cut = self.clone();
        if let Some(name) = &mut cut.application {
            truncate(name, Self::MAX_APPLICATION);
        }
        let steps: [fn(&mut Self, usize); 5] = [
            |cut, _| cut.env = EnvInfo { name: cut.env.name.take(), ..EnvInfo::default() },
            |cut, _| cut.os = OsInfo { kind: core::mem::take(&mut cut.os.kind), ..OsInfo::default() },
            |cut, _| cut.env = EnvInfo::default(),
            |cut, excess| {
                // One string from here on, so that it can be cut anywhere.
                let mut platform = cut.joined(|driver| driver.platform.as_deref(), cut.platform.as_deref());
                let keep = platform.len().saturating_sub(excess);
                truncate(&mut platform, keep);
                cut.platform = Some(platform).filter(|platform| !platform.is_empty());
                cut.drivers.iter_mut().for_each(|driver| driver.platform = None);
            },
            |cut, excess| {
                cut.drivers.truncate(1);
                if let Some(driver) = cut.drivers.first_mut() {
                    let keep = driver.name.len().saturating_sub(excess);
                    truncate(&mut driver.name, keep);
                }
            },
        ];
        let mut bytes = cut.write();
        for step in steps {
            let Some(excess) = bytes.len().checked_sub(Self::MAX_SIZE).filter(|&excess| excess > 0) else { break };
            step(&mut cut, excess);
            bytes = cut.write();
        }
        DocBuf::new(bytes).unwrap_or_default()
    }

    /// The drivers' values of one field, joined by `|`, behind `first`.
    fn joined<'a>(&'a self, field: impl Fn(&'a DriverInfo) -> Option<&'a str>, first: Option<&'a str>) -> String {
        let mut out = String::new();
        for part in first.into_iter().chain(self.drivers.iter().filter_map(field)).filter(|part| !part.is_empty()) {
            if !out.is_empty() {
                out.push('|');
            }
            out.push_str(part);
        }
        out
    }

    fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::MAX_SIZE);
        let mut client = DocWriter::new(&mut bytes);
        if let Some(name) = &self.application {
            client.document("application").str("name", name);
        }
        client
            .document("driver")
            .str("name", &self.joined(|driver| Some(&driver.name), None))
            .str("version", &self.joined(|driver| driver.version.as_deref(), None));
        let mut os = client.document("os");
        os.str("type", if self.os.kind.is_empty() { "unknown" } else { &self.os.kind });
        for (key, value) in
            [("name", &self.os.name), ("architecture", &self.os.architecture), ("version", &self.os.version)]
        {
            if let Some(value) = value {
                os.str(key, value);
            }
        }
        drop(os);
        let platform = self.joined(|driver| driver.platform.as_deref(), self.platform.as_deref());
        if !platform.is_empty() {
            client.str("platform", &platform);
        }
        if self.env != EnvInfo::default() {
            self.env.write(&mut client);
        }
        // Strings with NUL are legal BSON values, and keys are literals: this cannot fail.
        drop(client);
        bytes
    }
}

impl EnvInfo {
    fn write(&self, client: &mut DocWriter<'_>) {
        let mut env = client.document("env");
        if let Some(name) = &self.name {
            env.str("name", name);
        }
        if let Some(timeout) = self.timeout_sec {
            env.i32("timeout_sec", timeout);
        }
        if let Some(memory) = self.memory_mb {
            env.i32("memory_mb", memory);
        }
        if let Some(region) = &self.region {
            env.str("region", region);
        }
        if self.container_runtime.is_some() || self.container_orchestrator.is_some() {
            let mut container = env.document("container");
            if let Some(runtime) = &self.container_runtime {
                container.str("runtime", runtime);
            }
            if let Some(orchestrator) = &self.container_orchestrator {
                container.str("orchestrator", orchestrator);
            }
        }
    }
}

/// Cuts at the last character boundary at or before `length` bytes.
fn truncate(text: &mut String, length: usize) {
    if text.len() > length {
        let end = (0..=length).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> ClientMetadata {
        ClientMetadata {
            application: Some("app".into()),
            drivers: [
                DriverInfo { name: "stator".into(), version: Some("1".into()), platform: None },
                DriverInfo { name: "wrap".into(), version: Some("2".into()), platform: Some("more".into()) },
            ]
            .into(),
            os: OsInfo {
                kind: "Linux".into(),
                name: Some("Debian".into()),
                architecture: Some("x86_64".into()),
                version: Some("12".into()),
            },
            platform: Some("rustc".into()),
            env: EnvInfo {
                name: Some("aws.lambda".into()),
                region: Some("eu".into()),
                container_runtime: Some("docker".into()),
                ..EnvInfo::default()
            },
        }
    }

    #[test]
    fn everything_is_written_while_it_fits() {
        let doc = full().to_doc();
        let doc = doc.as_doc();
        let text =
            |outer: &str, key: &str| doc.get_doc(outer).unwrap().unwrap().get_str(key).unwrap().map(String::from);
        assert_eq!(text("driver", "name").as_deref(), Some("stator|wrap"));
        assert_eq!(text("driver", "version").as_deref(), Some("1|2"));
        assert_eq!(doc.get_str("platform"), Ok(Some("rustc|more")));
        assert_eq!(text("env", "region").as_deref(), Some("eu"));
        assert_eq!(text("os", "version").as_deref(), Some("12"));
        assert_eq!(doc.validate(), Ok(()));
    }

    #[test]
    fn fields_go_in_the_order_of_the_specification() {
        let long = |length: usize| "ä".repeat(length / 2);
        let mut metadata = full();
        metadata.env.region = Some(long(600));
        let doc = metadata.to_doc();
        let env = doc.as_doc().get_doc("env").unwrap().unwrap();
        assert_eq!((env.get_str("name"), env.get_str("region")), (Ok(Some("aws.lambda")), Ok(None)));
        metadata.os.name = Some(long(600));
        let doc = metadata.to_doc();
        assert_eq!(doc.as_doc().get_doc("os").unwrap().unwrap().get_str("name"), Ok(None));
        metadata.env.name = Some(long(600));
        assert_eq!(metadata.to_doc().as_doc().get_doc("env"), Ok(None));
        metadata.platform = Some(long(600));
        let doc = metadata.to_doc();
        assert!(doc.as_bytes().len() <= ClientMetadata::MAX_SIZE && doc.as_bytes().len() >= 510);
        metadata.drivers[1].name = long(600);
        metadata.application = Some(long(600));
        let doc = metadata.to_doc();
        assert!(doc.as_bytes().len() <= ClientMetadata::MAX_SIZE);
        assert_eq!(doc.as_doc().validate(), Ok(()));
    }
}
