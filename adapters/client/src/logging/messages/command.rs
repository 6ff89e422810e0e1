//! Messages of commands (specification *Command Logging and Monitoring*).

use super::super::{Component, Record, describe, json};
use super::Fields;
use crate::event::{CommandEvent, CommandInfo};

pub(in crate::logging) fn command(event: &CommandEvent, limit: usize) -> Record {
    let mut fields = Fields::new();
    common(&mut fields, event.info());
    match event {
        CommandEvent::Started { command, .. } => {
            fields.text("command", json::document(command, limit));
            fields.debug(Component::Command, "Command started", STARTED)
        }
        CommandEvent::Succeeded { duration, reply, .. } => {
            fields.duration(*duration).text("reply", json::document(reply, limit));
            fields.debug(Component::Command, "Command succeeded", SUCCEEDED)
        }
        CommandEvent::Failed { duration, failure, .. } => {
            fields.duration(*duration).text("failure", describe::error(failure, limit));
            fields.debug(Component::Command, "Command failed", FAILED)
        }
    }
}

fn common(fields: &mut Fields, info: &CommandInfo) {
    let CommandInfo { command_name, database_name, request_id, operation_id, connection } = info;
    fields.text("commandName", command_name.as_str()).text("databaseName", database_name.as_str());
    fields.int("requestId", *request_id).int("operationId", *operation_id);
    fields.count("driverConnectionId", connection.id).server(&connection.address);
    if let Some(id) = connection.server_id {
        fields.int("serverConnectionId", id);
    }
    if let Some(id) = connection.service_id {
        fields.text("serviceId", id.to_hex());
    }
}

const STARTED: &str = "Command \"{commandName}\" started on database \"{databaseName}\" using a connection with \
    driver-generated ID {driverConnectionId}[ and server-generated ID {serverConnectionId}] to \
    {serverHost}[:{serverPort}][ with service ID {serviceId}]. The requestID is {requestId} and the operation ID is \
    {operationId}. Command: {command}";

const SUCCEEDED: &str = "Command \"{commandName}\" succeeded on database \"{databaseName}\" in {durationMS} ms using a \
    connection with driver-generated ID {driverConnectionId}[ and server-generated ID {serverConnectionId}] to \
    {serverHost}[:{serverPort}][ with service ID {serviceId}]. The requestID is {requestId} and the operation ID is \
    {operationId}. Command reply: {reply}";

const FAILED: &str = "Command \"{commandName}\" failed on database \"{databaseName}\" in {durationMS} ms using a \
    connection with driver-generated ID {driverConnectionId}[ and server-generated ID {serverConnectionId}] to \
    {serverHost}[:{serverPort}][ with service ID {serviceId}]. The requestID is {requestId} and the operation ID is \
    {operationId}. Error: {failure}";
