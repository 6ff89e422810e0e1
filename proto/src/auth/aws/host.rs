//! The STS host that a server names, and the region that follows from it.

use alloc::string::String;

use crate::auth::AuthError;

/// The longest host name that is accepted, in bytes (RFC 1035).
const MAX_LEN: usize = 255;
/// Where hosts without a region of their own are.
const DEFAULT_REGION: &str = "us-east-1";

/// The host of a Security Token Service, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsHost(String);

impl StsHost {
    /// Checks a host name: 1 to 255 bytes, no empty label. Its letters must be such as host names have: a name with a line feed
    /// would let a server choose what is signed.
    ///
    /// # Errors
    /// [`AuthError::BadStsHost`].
    pub fn new(host: &str) -> Result<Self, AuthError> {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let is_good =
            host.len() <= MAX_LEN && host.bytes().all(is_known) && host.split('.').all(|label| !label.is_empty());
        if is_good { Ok(Self(host.into())) } else { Err(AuthError::BadStsHost) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The region (specification *Authentication*, "Region Calculation"): the second label, or `us-east-1` for the global host
    /// and for names of one label.
    ///
    /// The specification's algorithm names `aws.amazonaws.com` as the global host and its table `sts.amazonaws.com`; both are
    /// taken for it.
    pub fn region(&self) -> &str {
        match self.0.as_str() {
            "sts.amazonaws.com" | "aws.amazonaws.com" => DEFAULT_REGION,
            name => name.split('.').nth(1).unwrap_or(DEFAULT_REGION),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_table() {
        for (host, region) in [
            ("sts.amazonaws.com", "us-east-1"),
            ("aws.amazonaws.com", "us-east-1"),
            ("sts.us-west-2.amazonaws.com", "us-west-2"),
            ("sts.us-west-2.amazonaws.com.ch", "us-west-2"),
            ("example.com", "com"),
            ("localhost", "us-east-1"),
        ] {
            assert_eq!(StsHost::new(host).unwrap().region(), region, "{host}");
        }
        for host in ["sts..com", ".amazonaws.com", "sts.amazonaws.", "", "abc..def", ".", &"x".repeat(256)] {
            assert_eq!(StsHost::new(host), Err(AuthError::BadStsHost), "{host}");
        }
        assert_eq!(StsHost::new(&"x".repeat(255)).unwrap().region(), "us-east-1");
    }

    #[test]
    fn a_host_cannot_smuggle_anything_into_what_is_signed() {
        for host in ["a.b\nx-amz-target:y", "a b", "a.b/c.d", "a\0", "h\u{f6}st", "user@host", "[::1]"] {
            assert_eq!(StsHost::new(host), Err(AuthError::BadStsHost), "{host}");
        }
    }
}
