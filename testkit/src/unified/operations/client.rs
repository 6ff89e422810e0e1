//! Operations of clients.

use stator_client::options::DriverInfo;
use stator_client::{ClientSession, Runtime};

use super::arguments::Arguments;
use super::{Done, Output, bulk, unknown};
use crate::unified::entities::ClientUnderTest;
use crate::unified::schema::Operation;
use crate::unified::stop::Outcome;
use bson::{Bson, Document};
use std::time::Duration;

/// The action in a session, if there is one.
macro_rules! in_session {
    ($action:ident, $session:ident) => {
        match $session {
            Some(session) => $action.session(session),
            None => $action,
        }
    };
}

pub(super) async fn execute<R: Runtime>(
    entity: &ClientUnderTest<R>,
    operation: &Operation,
    session: Option<&ClientSession<R>>,
) -> Outcome<Done<R>> {
    let client = &entity.client;
    let mut arguments = Arguments::new(&operation.arguments);
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
            action = in_session!(action, session);
            arguments.end()?;
            Ok(action.await.map(|()| Output::Nothing))
        }
        "clientBulkWrite" => bulk::of_client(entity, arguments, session).await,
        "listDatabases" => {
            let mut action = client.list_databases();
            action = in_session!(action, session);
            set!(arguments, action;
                "filter" filter Document,
                "nameOnly" name_only bool,
                "authorizedDatabases" authorized_databases bool,
                "comment" comment Bson,
                "timeoutMS" timeout Duration,
                "rawData" raw_data bool,
            );
            arguments.end()?;
            Ok(action.await.map(Output::roots))
        }
        "listDatabaseObjects" => {
            arguments.end()?;
            let all = client.list_database_objects().await;
            Ok(all.map(|all| super::database::names(all.iter().map(|one| one.name().to_owned()).collect())))
        }
        "listDatabaseNames" => {
            let mut action = client.list_database_names();
            action = in_session!(action, session);
            set!(arguments, action;
                "filter" filter Document,
                "authorizedDatabases" authorized_databases bool,
                "comment" comment Bson,
                "timeoutMS" timeout Duration,
                "rawData" raw_data bool,
            );
            arguments.end()?;
            Ok(action.await.map(super::database::names))
        }
        _ => unknown(operation, "client"),
    }
}
