//! The pass that applies a string's options to a [`Config`].

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::grammar::pairs;
use super::kinds::{Kind, OptionSpec};
use super::options::OPTIONS;
use super::{Config, Credential, Mechanism, MechanismProperties, Parsed, UriError, Warning};

/// User name and password, where there was an `@`.
type UserInfo = Option<(String, Option<String>)>;

/// A config in the making. What belongs to a credential waits here until it is known whether there is one.
pub(super) struct Draft {
    pub(super) config: Config,
    pub(super) warnings: Vec<Warning>,
    user_info: UserInfo,
    /// `Some(None)` is `authMechanism=DEFAULT`.
    pub(super) mechanism: Option<Option<Mechanism>>,
    pub(super) source: Option<String>,
    pub(super) properties: MechanismProperties,
}

impl Draft {
    pub(super) fn new(config: Config, user_info: UserInfo) -> Self {
        let properties = MechanismProperties::default();
        Self { config, warnings: Vec::new(), user_info, mechanism: None, source: None, properties }
    }

    /// Applies `key=value&...` in order.
    pub(super) fn apply_all(&mut self, options: &str) -> Result<(), UriError> {
        let mut seen = [0_u32; OPTIONS.len()];
        let mut old_names = Vec::new();
        for pair in pairs(options) {
            let (key, value) = pair?;
            let Some((at, row)) = find(key) else {
                self.warnings.push(Warning::UnknownOption { key: key.to_string() });
                continue;
            };
            match row.kind {
                // The new name may still follow, and then it wins.
                Kind::Alias { of, deprecated: true } => old_names.push((row.name, of, value)),
                Kind::Alias { of, deprecated: false } => self.apply(find(of), &value, &mut seen)?,
                _ => self.apply(Some((at, row)), &value, &mut seen)?,
            }
        }
        for (key, of, value) in old_names {
            let new = find(of);
            let applied = new.is_some_and(|(at, _)| seen[at] == 0);
            self.warnings.push(Warning::Deprecated { key, replacement: Some(of), applied });
            if applied {
                self.apply(new, &value, &mut seen)?;
            }
        }
        Ok(())
    }

    fn apply(
        &mut self,
        found: Option<(usize, &OptionSpec)>,
        value: &str,
        seen: &mut [u32; OPTIONS.len()],
    ) -> Result<(), UriError> {
        let Some((at, row)) = found else { return Ok(()) };
        seen[at] = seen[at].saturating_add(1);
        if seen[at] > 1 && !row.is_list() {
            if row.name.starts_with("proxy") {
                return Err(UriError::RepeatedProxyOption(row.name));
            }
            self.warnings.push(Warning::Repeated { key: row.name });
            return Ok(());
        }
        row.read(self, value)
    }

    /// Makes the credential, if the string asks for one: by user information or by a mechanism, by nothing else.
    pub(super) fn finish(self) -> Result<Parsed, UriError> {
        let Self { mut config, warnings, user_info, mechanism, source, properties } = self;
        if user_info.is_some() || mechanism.is_some() {
            let (username, password) = user_info.unwrap_or_default();
            config.credential = Some(Credential {
                username: Some(username).filter(|name| !name.is_empty()),
                password: password.map(Into::into),
                source,
                mechanism: mechanism.flatten(),
                mechanism_properties: properties,
                has_callback: false,
            });
        } else if !properties.is_empty() {
            return Err(UriError::Missing { option: "authMechanismProperties", needs: "authMechanism" });
        } else {
            config.auth_source = source;
        }
        Ok(Parsed { config, warnings })
    }
}

/// The row of this name and its place.
fn find(key: &str) -> Option<(usize, &'static OptionSpec)> {
    OPTIONS.iter().enumerate().find(|(_, row)| row.name.eq_ignore_ascii_case(key))
}
