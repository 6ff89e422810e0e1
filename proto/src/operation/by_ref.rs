//! Running an operation by reference.

use core::time::Duration;

use stator_wire::bson::DocWriter;

use super::{CommandError, MaxTime, Operation, OperationError, Progress, TimeoutMode, Traits};
use crate::connection::{Connection, Reply, Sequence};

/// For a host that asks the operation what was done after all, when it has failed. Every method is passed on, those with
/// an answer of their own too.
impl<O: Operation + ?Sized> Operation for &mut O {
    type Output = O::Output;

    fn name(&self) -> &str {
        (**self).name()
    }

    fn database(&self) -> &str {
        (**self).database()
    }

    fn traits(&self) -> Traits {
        (**self).traits()
    }

    fn max_time(&self) -> MaxTime {
        (**self).max_time()
    }

    fn timeout_mode(&self) -> TimeoutMode {
        (**self).timeout_mode()
    }

    fn check_timeout(&self, timeout: Option<Duration>) -> Result<(), OperationError> {
        (**self).check_timeout(timeout)
    }

    fn check_unacknowledged(&self, connection: &Connection) -> Result<(), OperationError> {
        (**self).check_unacknowledged(connection)
    }

    fn prepare(&mut self, connection: &Connection) -> Result<(), OperationError> {
        (**self).prepare(connection)
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        (**self).write(body);
    }

    fn sequences(&self) -> &[Sequence] {
        (**self).sequences()
    }

    fn exhaust(&self) -> bool {
        (**self).exhaust()
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<Self::Output>, OperationError> {
        (**self).handle_reply(reply)
    }

    fn handle_error(&mut self, error: CommandError) -> Result<Self::Output, OperationError> {
        (**self).handle_error(error)
    }

    fn tidies_up(&mut self) -> bool {
        (**self).tidies_up()
    }

    fn unacknowledged(&mut self) -> Option<Progress<Self::Output>> {
        (**self).unacknowledged()
    }
}
