//! The combinations that the specifications refuse.

use super::{Config, Credential, CredentialError, Mechanism, UriError};

impl Config {
    /// Checks every rule about options that exclude or need each other, credentials, concerns and read preference.
    ///
    /// Parsing does so too. Do it again after changing a config in code, and after merging what DNS returned.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), UriError> {
        self.check_hosts()?;
        self.check_topology()?;
        self.check_tls()?;
        self.check_proxy()?;
        if self.max_pool_size().is_some_and(|most| self.min_pool_size() > most) {
            return Err(conflict("minPoolSize", "a smaller maxPoolSize (100 by default)"));
        }
        self.write_concern.validate().map_err(UriError::WriteConcern)?;
        self.read_preference.validate().map_err(UriError::ReadPreference)?;
        self.credential.as_ref().map_or(Ok(()), Credential::validate)
    }

    fn check_hosts(&self) -> Result<(), UriError> {
        if self.srv.is_none() {
            if self.hosts.is_empty() {
                return Err(UriError::MissingHost);
            }
            for (option, is_there) in
                [("srvMaxHosts", self.srv_max_hosts.is_some()), ("srvServiceName", self.srv_service_name.is_some())]
            {
                if is_there {
                    return Err(UriError::Missing { option, needs: "mongodb+srv" });
                }
            }
        }
        Ok(())
    }

    fn check_topology(&self) -> Result<(), UriError> {
        let many = self.hosts.len() > 1;
        let limited = self.srv_max_hosts().is_some();
        let broken = [
            (self.direct_connection() && many, "directConnection=true", "more than one host"),
            (self.direct_connection() && self.srv.is_some(), "directConnection=true", "mongodb+srv"),
            (self.load_balanced() && many, "loadBalanced=true", "more than one host"),
            (self.load_balanced() && self.replica_set.is_some(), "loadBalanced=true", "replicaSet"),
            (self.load_balanced() && self.direct_connection(), "loadBalanced=true", "directConnection=true"),
            (self.load_balanced() && limited, "loadBalanced=true", "srvMaxHosts"),
            (limited && self.replica_set.is_some(), "srvMaxHosts", "replicaSet"),
        ];
        first_conflict(broken)
    }

    fn check_tls(&self) -> Result<(), UriError> {
        let insecure = self.tls.insecure.is_some();
        let certificates = self.tls.allow_invalid_certificates.is_some();
        let hostnames = self.tls.allow_invalid_hostnames.is_some();
        let endpoint = self.tls.disable_ocsp_endpoint_check.is_some();
        let revocation = self.tls.disable_certificate_revocation_check.is_some();
        // Presence conflicts, whatever the values.
        first_conflict([
            (insecure && certificates, "tlsInsecure", "tlsAllowInvalidCertificates"),
            (insecure && hostnames, "tlsInsecure", "tlsAllowInvalidHostnames"),
            (insecure && endpoint, "tlsInsecure", "tlsDisableOCSPEndpointCheck"),
            (insecure && revocation, "tlsInsecure", "tlsDisableCertificateRevocationCheck"),
            (certificates && endpoint, "tlsAllowInvalidCertificates", "tlsDisableOCSPEndpointCheck"),
            (certificates && revocation, "tlsAllowInvalidCertificates", "tlsDisableCertificateRevocationCheck"),
            (endpoint && revocation, "tlsDisableOCSPEndpointCheck", "tlsDisableCertificateRevocationCheck"),
        ])
    }

    fn check_proxy(&self) -> Result<(), UriError> {
        let host = self.proxy.host.is_some();
        let username = self.proxy.username.is_some();
        let password = self.proxy.password.is_some();
        for (is_broken, option, needs) in [
            (self.proxy.port.is_some() && !host, "proxyPort", "proxyHost"),
            (username && !host, "proxyUsername", "proxyHost"),
            (password && !host, "proxyPassword", "proxyHost"),
            (username && !password, "proxyUsername", "proxyPassword"),
            (password && !username, "proxyPassword", "proxyUsername"),
        ] {
            if is_broken {
                return Err(UriError::Missing { option, needs });
            }
        }
        Ok(())
    }
}

impl Credential {
    /// Checks what the mechanism needs and forbids. Whether a SCRAM or PLAIN password is there is left to authentication.
    ///
    /// # Errors
    /// [`UriError::Credential`] with the first rule that is broken.
    pub fn validate(&self) -> Result<(), UriError> {
        self.check().map_err(|reason| UriError::Credential { mechanism: self.mechanism, reason })
    }

    fn check(&self) -> Result<(), CredentialError> {
        let has_username = self.username.as_ref().is_some_and(|name| !name.is_empty());
        let has_password = self.password.is_some();
        let external = self.mechanism.is_some_and(Mechanism::is_external);
        if external && self.source.as_ref().is_some_and(|source| source != "$external") {
            return Err(CredentialError::Source);
        }
        match self.mechanism {
            None | Some(Mechanism::ScramSha1 | Mechanism::ScramSha256 | Mechanism::Plain | Mechanism::Gssapi)
                if !has_username =>
            {
                return Err(CredentialError::UsernameMissing);
            }
            Some(Mechanism::MongoDbX509 | Mechanism::MongoDbOidc) if has_password => {
                return Err(CredentialError::PasswordForbidden);
            }
            Some(Mechanism::MongoDbAws)
                if has_username || has_password || self.mechanism_properties.get("AWS_SESSION_TOKEN").is_some() =>
            {
                return Err(CredentialError::AwsCredentials);
            }
            _ => {}
        }
        self.check_properties(has_username)
    }

    fn check_properties(&self, has_username: bool) -> Result<(), CredentialError> {
        let known: &[&str] = match self.mechanism {
            Some(Mechanism::Gssapi) => &["SERVICE_NAME", "CANONICALIZE_HOST_NAME", "SERVICE_REALM", "SERVICE_HOST"],
            Some(Mechanism::MongoDbOidc) => &["ENVIRONMENT", "TOKEN_RESOURCE"],
            _ => &[],
        };
        let is_known = |name: &str| known.iter().any(|known| known.eq_ignore_ascii_case(name));
        if !self.mechanism_properties.iter().all(|(name, _)| is_known(name)) {
            return Err(CredentialError::UnknownProperty);
        }
        match self.mechanism {
            Some(Mechanism::Gssapi) => self.check_canonicalize(),
            Some(Mechanism::MongoDbOidc) => self.check_environment(has_username),
            _ => Ok(()),
        }
    }

    fn check_canonicalize(&self) -> Result<(), CredentialError> {
        match self.mechanism_properties.get("CANONICALIZE_HOST_NAME") {
            None | Some("none" | "forward" | "forwardAndReverse" | "true" | "false") => Ok(()),
            Some(_) => Err(CredentialError::Canonicalize),
        }
    }

    fn check_environment(&self, has_username: bool) -> Result<(), CredentialError> {
        let has_resource = self.mechanism_properties.get("TOKEN_RESOURCE").is_some();
        match self.mechanism_properties.get("ENVIRONMENT") {
            Some(_) if self.has_callback => Err(CredentialError::EnvironmentAndCallback),
            None if !self.has_callback => Err(CredentialError::EnvironmentMissing),
            None if has_resource => Err(CredentialError::TokenResourceForbidden),
            None => Ok(()),
            Some("azure" | "gcp") if !has_resource => Err(CredentialError::TokenResourceMissing),
            Some("test" | "k8s") if has_resource => Err(CredentialError::TokenResourceForbidden),
            Some("test") if has_username => Err(CredentialError::UsernameForbidden),
            Some("test" | "azure" | "gcp" | "k8s") => Ok(()),
            Some(_) => Err(CredentialError::Environment),
        }
    }
}

fn conflict(first: &'static str, second: &'static str) -> UriError {
    UriError::Conflict { first, second }
}

fn first_conflict<const N: usize>(rules: [(bool, &'static str, &'static str); N]) -> Result<(), UriError> {
    match rules.into_iter().find(|(is_broken, ..)| *is_broken) {
        Some((_, first, second)) => Err(conflict(first, second)),
        None => Ok(()),
    }
}
