//! The users of a server with access control.

use bson::{Document, doc};

use super::{Admin, AdminError};

/// A user that every server with access control has, in the `admin` database.
///
/// The passwords are public constants of a test server, not secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// User name, not percent-encoded.
    pub name: &'static str,
    /// Password, not percent-encoded.
    pub password: &'static str,
    /// The only SCRAM mechanisms for which the server has credentials.
    pub mechanisms: &'static [&'static str],
}

const SCRAM_SHA_1: &str = "SCRAM-SHA-1";
const SCRAM_SHA_256: &str = "SCRAM-SHA-256";

/// May do everything; both mechanisms.
pub const ROOT: User = User { name: "root", password: "rootpw", mechanisms: &[SCRAM_SHA_1, SCRAM_SHA_256] };
/// May read, write and administer every database; SCRAM-SHA-1 only.
pub const SHA_1: User = User { name: "sha1", password: "sha1pw", mechanisms: &[SCRAM_SHA_1] };
/// May read, write and administer every database; SCRAM-SHA-256 only.
pub const SHA_256: User = User { name: "sha256", password: "sha256pw", mechanisms: &[SCRAM_SHA_256] };
/// May read, write and administer every database; both mechanisms.
pub const BOTH: User = User { name: "both", password: "bothpw", mechanisms: &[SCRAM_SHA_1, SCRAM_SHA_256] };
/// For SASLprep: the password `I\u{ad}X` must be accepted too. SCRAM-SHA-256 only.
pub const IX: User = User { name: "IX", password: "IX", mechanisms: &[SCRAM_SHA_256] };
/// For SASLprep: the password (ROMAN NUMERAL FOUR) becomes `IV`, the name (ROMAN NUMERAL NINE) stays. SCRAM-SHA-256 only.
pub const NUMERAL_NINE: User = User { name: "\u{2168}", password: "\u{2163}", mechanisms: &[SCRAM_SHA_256] };

/// All of them, [`ROOT`] first.
pub const USERS: &[User] = &[ROOT, SHA_1, SHA_256, BOTH, IX, NUMERAL_NINE];

/// Creates [`USERS`]: the first through the localhost exception, the others as the first.
pub(super) fn create(admin: &mut Admin) -> Result<(), AdminError> {
    admin.run("admin", create_user(&ROOT, &["root"]))?;
    admin.authenticate(ROOT.name, ROOT.password)?;
    USERS[1..].iter().try_for_each(|user| {
        admin.run("admin", create_user(user, &["readWriteAnyDatabase", "dbAdminAnyDatabase"])).map(drop)
    })
}

fn create_user(user: &User, roles: &[&str]) -> Document {
    doc! {
        "createUser": user.name,
        "pwd": user.password,
        "roles": roles.to_vec(),
        "mechanisms": user.mechanisms.to_vec(),
        "writeConcern": { "w": "majority", "wtimeout": 30_000 },
    }
}
