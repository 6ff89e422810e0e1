//! The monitor of a server: when it is checked, and what the checks find (specification *Server Monitoring*).

mod call;
mod machine;
mod options;
mod output;
mod rtt;

pub use machine::Monitor;
pub use options::MonitorOptions;
pub use output::{CheckError, FailureKind, HeartbeatEvent, Output, Report, Step};
pub use rtt::RttMonitor;
