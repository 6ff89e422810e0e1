//! What the environment of the process supplies: variables and token files.
//!
//! The metadata services of clouds are HTTP servers, and this driver speaks no HTTP: what they would supply is for a callback to fetch,
//! with whatever SDK the program has. The errors say so.

use std::path::PathBuf;

use stator_proto::auth::aws::AwsCredentials;
use stator_proto::auth::oidc::OidcTokens;
use stator_proto::uri::Secret;

use super::CallbackError;
use crate::error::{Error, ErrorKind, Phase, Result};

/// A variable of the environment; an empty one is none.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The AWS credentials of the environment (specification *Authentication*, "Credential Fetching Order", from step 2).
pub(super) fn aws_credentials(variable: impl Fn(&str) -> Option<String>) -> Result<AwsCredentials> {
    match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret)) => {
            let mut credentials = AwsCredentials::new(id, secret);
            credentials.session_token = variable("AWS_SESSION_TOKEN").map(Secret::from);
            Ok(credentials)
        }
        (None, None) => Err(Error::new(Phase::Auth, ErrorKind::Unsupported(elsewhere(variable)))),
        _ => Err(Error::new(Phase::Auth, ErrorKind::Credentials(ONE_OF_TWO.into()))),
    }
}

const ONE_OF_TWO: &str = "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set; both are needed";

/// Where an SDK would look next.
fn elsewhere(variable: impl Fn(&str) -> Option<String>) -> String {
    let source = if variable("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() && variable("AWS_ROLE_ARN").is_some() {
        "AssumeRoleWithWebIdentity"
    } else if variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").is_some() {
        "the ECS metadata endpoint"
    } else if variable("AWS_CONTAINER_CREDENTIALS_FULL_URI").is_some() {
        "the EKS metadata endpoint"
    } else {
        "the EC2 metadata endpoint"
    };
    format!(
        "AWS credentials from {source}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give `ClientOptions::aws_credentials` a \
         provider that asks an AWS SDK"
    )
}

/// Where the tokens of an `ENVIRONMENT` come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenFile {
    /// `test`: for tests of drivers.
    Test,
    /// `k8s`: a service account of Kubernetes.
    Kubernetes,
}

impl TokenFile {
    /// # Errors
    /// [`ErrorKind::Unsupported`] if it is a metadata service.
    pub(super) fn of(environment: &str) -> Result<Self> {
        match environment {
            "test" => Ok(Self::Test),
            "k8s" => Ok(Self::Kubernetes),
            other => {
                let what = format!(
                    "tokens from the metadata service of ENVIRONMENT:{other}: leave ENVIRONMENT out, and let an `OidcCallback::machine` \
                     ask the cloud's SDK (see `ClientOptions::parse_with_oidc`)"
                );
                Err(Error::new(Phase::Prepare, ErrorKind::Unsupported(what)))
            }
        }
    }

    fn path(self, variable: impl Fn(&str) -> Option<String>) -> Result<PathBuf, CallbackError> {
        const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
        let path = match self {
            Self::Test => variable("OIDC_TOKEN_FILE").ok_or("OIDC_TOKEN_FILE is not set")?,
            Self::Kubernetes => variable("AZURE_FEDERATED_TOKEN_FILE")
                .or_else(|| variable("AWS_WEB_IDENTITY_TOKEN_FILE"))
                .unwrap_or_else(|| SERVICE_ACCOUNT.to_owned()),
        };
        Ok(path.into())
    }

    /// Reads the token: one small local file, so nothing is gained by not blocking.
    pub(super) fn read(self, variable: impl Fn(&str) -> Option<String>) -> Result<OidcTokens, CallbackError> {
        let path = self.path(variable)?;
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("the token file {} cannot be read: {error}", path.display()))?;
        Ok(OidcTokens::new(text.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(known: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
        |name| known.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn aws_credentials_come_from_three_variables() {
        let keys = variables(&[("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")]);
        assert_eq!(aws_credentials(keys).unwrap(), AwsCredentials::new("id", "secret"));
        let all = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_SESSION_TOKEN", "token")];
        let all =
            aws_credentials(|name| all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()));
        assert_eq!(all.unwrap(), AwsCredentials::new("id", "secret").session_token("token"));
        let half = aws_credentials(variables(&[("AWS_ACCESS_KEY_ID", "id")])).unwrap_err();
        assert!(half.to_string().contains("only one is set") && half.is_authentication(), "{half}");
    }

    #[test]
    fn metadata_services_are_named_with_what_to_do_instead() {
        let error = |known| {
            let error = aws_credentials(variables(known)).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Unsupported(_)));
            error.to_string()
        };
        assert!(error(&[]).contains("the EC2 metadata endpoint: set AWS_ACCESS_KEY_ID"));
        assert!(error(&[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x")]).contains("ECS"));
        assert!(error(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://x")]).contains("EKS"));
        let web = &[("AWS_WEB_IDENTITY_TOKEN_FILE", "/x"), ("AWS_ROLE_ARN", "arn")];
        assert!(error(web).contains("AssumeRoleWithWebIdentity"));
        for cloud in ["azure", "gcp"] {
            let error = TokenFile::of(cloud).unwrap_err().to_string();
            assert!(error.contains(cloud) && error.contains("OidcCallback::machine"), "{error}");
        }
    }

    #[test]
    fn the_token_file_of_kubernetes_is_the_specifications() {
        let path = |known| TokenFile::Kubernetes.path(variables(known)).unwrap();
        assert_eq!(path(&[]), PathBuf::from("/var/run/secrets/kubernetes.io/serviceaccount/token"));
        assert_eq!(path(&[("AWS_WEB_IDENTITY_TOKEN_FILE", "/eks")]), PathBuf::from("/eks"));
        let both = &[("AWS_WEB_IDENTITY_TOKEN_FILE", "/eks"), ("AZURE_FEDERATED_TOKEN_FILE", "/aks")];
        assert_eq!(path(both), PathBuf::from("/aks"));
        assert!(TokenFile::Test.path(variables(&[])).is_err());
    }

    #[test]
    fn a_token_file_is_read_without_its_line_feed() {
        let path = std::env::temp_dir().join(format!("stator-token-{}", std::process::id()));
        std::fs::write(&path, "token\n").unwrap();
        let name = path.to_str().unwrap().to_owned();
        assert_eq!(TokenFile::Test.read(|_| Some(name.clone())).unwrap(), OidcTokens::new("token"));
        std::fs::remove_file(&path).unwrap();
        let error = TokenFile::Test.read(|_| Some(name.clone())).unwrap_err().to_string();
        assert!(error.contains("cannot be read") && error.contains("stator-token"), "{error}");
    }
}
