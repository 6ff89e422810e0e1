//! MONGODB-X509: the TLS client certificate is the proof, so there is no payload.

use super::AuthError;
use alloc::string::String;

/// What `authenticate` with `mechanism: "MONGODB-X509"` carries in its `user` field.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct X509 {
    username: Option<String>,
}

impl X509 {
    /// Authenticates as the subject of the client certificate, or as `username` (its RFC 2253 distinguished name)
    /// if one is given.
    ///
    /// # Errors
    /// [`AuthError::EmptyUsername`] if a name is given and empty.
    pub fn new(username: Option<&str>) -> Result<Self, AuthError> {
        if username == Some("") {
            return Err(AuthError::EmptyUsername);
        }
        Ok(Self { username: username.map(String::from) })
    }

    /// The value of the `user` field; `None` means that the command must not have that field.
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_sent_only_if_given() {
        assert_eq!(X509::new(None).unwrap().username(), None);
        assert_eq!(X509::new(Some("CN=client")).unwrap().username(), Some("CN=client"));
        assert_eq!(X509::new(Some("")), Err(AuthError::EmptyUsername));
    }
}
