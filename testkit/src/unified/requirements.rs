//! Whether a deployment is one on which a case can run.

use bson::Bson;

use super::deployments::Deployment;
use super::matching::{Lookup, Place, matches};
use super::schema::{Csfle, Requirement, Serverless, Topology};

/// The reason for which cases are skipped that can run on no deployment that there is.
pub const UNMET: &str = "runOnRequirements";

/// Whether one of the requirements is met; none at all is met everywhere.
pub(super) fn met(requirements: Option<&[Requirement]>, deployment: &Deployment) -> Result<bool, String> {
    let Some(requirements) = requirements else { return Ok(true) };
    for requirement in requirements {
        if is_met(requirement, deployment)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What can be told without a server comes first: none is started in vain.
fn is_met(requirement: &Requirement, deployment: &Deployment) -> Result<bool, String> {
    let version = deployment.version()?;
    let never = requirement.min_server_version.is_some_and(|least| version < least)
        || requirement.max_server_version.is_some_and(|most| version > most)
        || requirement.auth.is_some_and(|auth| auth != deployment.auth())
        || requirement.serverless == Some(Serverless::Require)
        || requirement.topologies.as_ref().is_some_and(|list| !list.contains(&deployment.topology()))
        // In-use encryption is not there.
        || !matches!(requirement.csfle, None | Some(Csfle::Wanted(false)));
    if never {
        return Ok(false);
    }
    if let Some(mechanism) = &requirement.auth_mechanism {
        let offered = deployment.parameter("authenticationMechanisms")?;
        let offered = offered.as_ref().and_then(Bson::as_array).map(Vec::as_slice).unwrap_or_default();
        let is_it = |name: &Bson| name.as_str().is_some_and(|name| name.eq_ignore_ascii_case(mechanism));
        if !offered.iter().any(is_it) {
            return Ok(false);
        }
    }
    for (name, expected) in requirement.server_parameters.iter().flatten() {
        let actual = deployment.parameter(name)?;
        if matches(expected, actual.as_ref(), Place::Nested, &Nothing).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The shapes of deployments that there are.
pub(super) const SHAPES: [Topology; 2] = [Topology::Single, Topology::ReplicaSet];

/// Requirements refer to no entities.
struct Nothing;

impl Lookup for Nothing {
    fn bson(&self, name: &str) -> Result<Bson, String> {
        Err(format!("there is no entity {name} here"))
    }

    fn lsid(&self, name: &str) -> Result<bson::Document, String> {
        Err(format!("there is no session {name} here"))
    }
}
