//! The keys of an AWS user or role, and how long they may be kept.

use alloc::string::String;
use core::time::Duration;

use crate::auth::AuthError;
use crate::uri::Secret;

/// An access key, permanent or temporary. `Debug` does not show what is secret of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AwsCredentials {
    /// The access key's id; it is no secret.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// The session token of temporary credentials.
    pub session_token: Option<Secret>,
    /// When they end, as the time since the Unix epoch. `None`: they are asked for anew for each connection, since nothing is
    /// known of how long they are good.
    pub expires_at: Option<Duration>,
}

impl AwsCredentials {
    /// Permanent credentials.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<Secret>) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            session_token: None,
            expires_at: None,
        }
    }

    /// With the session token of temporary credentials.
    #[must_use]
    pub fn session_token(mut self, token: impl Into<Secret>) -> Self {
        self.session_token = Some(token.into());
        self
    }

    /// With their end, as the time since the Unix epoch.
    #[must_use]
    pub const fn expires_at(mut self, unix_time: Duration) -> Self {
        self.expires_at = Some(unix_time);
        self
    }

    /// Checks that both keys are there and can stand in a header.
    ///
    /// # Errors
    /// [`AuthError::BadAwsCredentials`].
    pub fn validate(&self) -> Result<(), AuthError> {
        let is_good = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let token = self.session_token.as_ref().is_none_or(|token| is_good(token.expose()));
        if is_good(&self.access_key_id) && is_good(self.secret_access_key.expose()) && token {
            Ok(())
        } else {
            Err(AuthError::BadAwsCredentials)
        }
    }
}

/// Temporary credentials that were fetched, until they end; one per client (specification *Authentication*, "Caching
/// Credentials"). Credentials of the environment must not be put here.
#[derive(Clone, Debug, Default)]
pub struct AwsCredentialCache {
    kept: Option<AwsCredentials>,
}

impl AwsCredentialCache {
    /// Credentials are not used any more when this is all that is left of their time.
    pub const MARGIN: Duration = Duration::from_secs(5 * 60);

    /// An empty cache.
    pub const fn new() -> Self {
        Self { kept: None }
    }

    /// What is kept, if it is good for more than five minutes.
    pub fn get(&self, unix_time: Duration) -> Option<&AwsCredentials> {
        let left =
            |kept: &AwsCredentials| kept.expires_at.is_some_and(|end| end.saturating_sub(unix_time) > Self::MARGIN);
        self.kept.as_ref().filter(|kept| left(kept))
    }

    /// Keeps credentials that say when they end, in the place of others.
    pub fn put(&mut self, credentials: &AwsCredentials) {
        self.kept = Some(credentials.clone()).filter(|credentials| credentials.expires_at.is_some());
    }

    /// Forgets them: authentication has failed, for whatever reason.
    pub fn clear(&mut self) {
        self.kept = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_kept_until_five_minutes_before_their_end() {
        let end = Duration::from_secs(10_000);
        let mut cache = AwsCredentialCache::new();
        cache.put(&AwsCredentials::new("id", "secret").session_token("token").expires_at(end));
        assert!(cache.get(Duration::ZERO).is_some());
        assert!(cache.get(Duration::from_secs(9_699)).is_some());
        assert!(cache.get(Duration::from_secs(9_700)).is_none());
        assert!(cache.get(Duration::MAX).is_none());
        cache.clear();
        assert!(cache.get(Duration::ZERO).is_none());
        cache.put(&AwsCredentials::new("id", "secret"));
        assert!(cache.get(Duration::ZERO).is_none(), "no end is known");
    }

    #[test]
    fn what_cannot_stand_in_a_header_is_refused_and_nothing_secret_is_shown() {
        for (id, secret, token) in
            [("", "s", None), ("i", "", None), ("i", "s", Some("")), ("i\n", "s", None), ("i", "s", Some("\r"))]
        {
            let mut credentials = AwsCredentials::new(id, secret);
            credentials.session_token = token.map(Secret::from);
            assert_eq!(credentials.validate(), Err(AuthError::BadAwsCredentials));
        }
        let good = AwsCredentials::new("AKID", "hush").session_token("quiet");
        assert_eq!(good.validate(), Ok(()));
        let shown = alloc::format!("{good:?}");
        assert!(shown.contains("AKID") && !shown.contains("hush") && !shown.contains("quiet"), "{shown}");
    }
}
