//! What the driver says of itself: read from the environment once, when a client is made.

use std::env;
use std::path::Path;

use stator_proto::Config;
use stator_proto::handshake::{ClientMetadata, DriverInfo, EnvInfo, OsInfo};

/// The metadata of a client with this configuration (specification *MongoDB Handshake*).
pub(crate) fn of(config: &Config) -> ClientMetadata {
    let driver = DriverInfo { name: "stator".into(), version: Some(env!("CARGO_PKG_VERSION").into()), platform: None };
    ClientMetadata {
        application: config.app_name.clone(),
        drivers: [driver].into_iter().chain(config.driver_info.clone()).collect(),
        os: OsInfo { kind: os_type().into(), name: None, architecture: Some(env::consts::ARCH.into()), version: None },
        platform: Some(concat!("Rust ", env!("CARGO_PKG_RUST_VERSION"), "+").into()),
        env: env_info(&|name| env::var(name).ok().filter(|value| !value.is_empty()), Path::new("/.dockerenv").exists()),
    }
}

fn os_type() -> &'static str {
    match env::consts::OS {
        "linux" | "android" => "Linux",
        "macos" | "ios" => "Darwin",
        "windows" => "Windows",
        "freebsd" | "openbsd" | "netbsd" | "dragonfly" => "BSD",
        "" => "unknown",
        _ => "Unix",
    }
}

fn env_info(var: &dyn Fn(&str) -> Option<String>, docker: bool) -> EnvInfo {
    let number = |name: &str| var(name).and_then(|value| value.parse().ok());
    let aws = var("AWS_EXECUTION_ENV").is_some_and(|value| value.starts_with("AWS_Lambda_"))
        || var("AWS_LAMBDA_RUNTIME_API").is_some();
    let azure = var("FUNCTIONS_WORKER_RUNTIME").is_some();
    let gcp = var("K_SERVICE").is_some() || var("FUNCTION_NAME").is_some();
    let vercel = var("VERCEL").is_some();
    let mut info = match (vercel, aws, azure, gcp) {
        (true, _, false, false) => {
            EnvInfo { name: Some("vercel".into()), region: var("VERCEL_REGION"), ..EnvInfo::default() }
        }
        (false, true, false, false) => EnvInfo {
            name: Some("aws.lambda".into()),
            region: var("AWS_REGION"),
            memory_mb: number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
            ..EnvInfo::default()
        },
        (false, false, true, false) => EnvInfo { name: Some("azure.func".into()), ..EnvInfo::default() },
        (false, false, false, true) => EnvInfo {
            name: Some("gcp.func".into()),
            region: var("FUNCTION_REGION"),
            memory_mb: number("FUNCTION_MEMORY_MB"),
            timeout_sec: number("FUNCTION_TIMEOUT_SEC"),
            ..EnvInfo::default()
        },
        _ => EnvInfo::default(),
    };
    info.container_runtime = docker.then(|| "docker".into());
    info.container_orchestrator = var("KUBERNETES_SERVICE_HOST").map(|_| "kubernetes".into());
    info
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(vars: &[(&str, &str)]) -> EnvInfo {
        let var = |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        env_info(&var, false)
    }

    #[test]
    fn the_environment_is_told_as_the_specification_says() {
        let aws = with(&[
            ("AWS_EXECUTION_ENV", "AWS_Lambda_java8"),
            ("AWS_REGION", "us-east-2"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024"),
        ]);
        assert_eq!((aws.name.as_deref(), aws.memory_mb), (Some("aws.lambda"), Some(1024)));
        assert_eq!(with(&[("AWS_EXECUTION_ENV", "EC2")]), EnvInfo::default());
        assert_eq!(
            with(&[("AWS_LAMBDA_RUNTIME_API", "x"), ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "big")]).memory_mb,
            None
        );
        let both = [("AWS_LAMBDA_RUNTIME_API", "x"), ("VERCEL", "1"), ("VERCEL_REGION", "cdg1")];
        assert_eq!(with(&both).name.as_deref(), Some("vercel"));
        assert_eq!(with(&[("K_SERVICE", "s"), ("FUNCTIONS_WORKER_RUNTIME", "w")]), EnvInfo::default());
        let container = with(&[("KUBERNETES_SERVICE_HOST", "1")]);
        assert_eq!(container.container_orchestrator.as_deref(), Some("kubernetes"));
    }
}
