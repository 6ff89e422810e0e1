//! Operations of clients.

use std::time::Duration;

use bson::{Bson, Document};
use stator_client::options::DriverInfo;
use stator_client::{ClientSession, Runtime};

use super::arguments::Arguments;
use super::{Done, Output, unknown};
use crate::unified::entities::ClientUnderTest;
use crate::unified::schema::Operation;
use crate::unified::stop::Outcome;

/// Has an action take place in a session.
macro_rules! in_session {
    ($action:ident, $session:ident) => {
        if let Some(session) = $session {
            $action = $action.session(session);
        }
    };
}

pub(super) async fn execute<R: Runtime>(
    entity: &ClientUnderTest<R>,
    operation: &Operation,
    mut arguments: Arguments,
    session: Option<&ClientSession<R>>,
) -> Outcome<Done<R>> {
    let client = &entity.client;
    match operation.name.as_str() {
        "close" => {
            arguments.end()?;
            client.close().await;
            Ok(Ok(Output::Nothing))
        }
        "appendMetadata" => {
            let mut given = Arguments::new(&arguments.need::<Document>("driverInfoOptions")?);
            let info = DriverInfo {
                name: given.need("name")?,
                version: given.take("version")?,
                platform: given.take("platform")?,
            };
            given.end()?;
            arguments.end()?;
            Ok(client.append_metadata(info).map(|()| Output::Nothing))
        }
        "dropDatabase" => {
            let mut action = client.database(&arguments.need::<String>("database")?).drop();
            in_session!(action, session);
            arguments.end()?;
            Ok(action.await.map(|()| Output::Nothing))
        }
        "listDatabases" => {
            let mut action = client.list_databases();
            in_session!(action, session);
            set!(arguments, action;
                "filter" filter Document,
                "nameOnly" name_only bool,
                "authorizedDatabases" authorized_databases bool,
                "comment" comment Bson,
                "timeoutMS" timeout Duration,
            );
            arguments.end()?;
            Ok(action.await.map(Output::roots))
        }
        "listDatabaseNames" => {
            let mut action = client.list_database_names();
            in_session!(action, session);
            set!(arguments, action;
                "filter" filter Document,
                "authorizedDatabases" authorized_databases bool,
                "comment" comment Bson,
                "timeoutMS" timeout Duration,
            );
            arguments.end()?;
            Ok(action.await.map(super::database::names))
        }
        _ => unknown(operation, "client"),
    }
}
