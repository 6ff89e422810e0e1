//! Everything a client can be told, whether by a connection string or in code.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::{
    Compressor, Credential, DriverInfo, ProxyOptions, ServerApi, ServerMonitoringMode, SrvHost, TlsOptions,
    UuidRepresentation,
};
use crate::ServerAddress;
use crate::concern::{ReadConcern, WriteConcern};
use crate::read_preference::ReadPreference;

/// Every setting of a client.
///
/// A field holds what was said and is `None` when nothing was; the method of the same name applies the specifications'
/// default. Durations are whole milliseconds when they come from a connection string. `Debug` and `Display` show no secret.
///
/// Configs built in code can break the rules that parsing enforces: [`validate`](Self::validate) checks them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The seeds; empty as long as `srv` has not been resolved.
    pub hosts: Vec<ServerAddress>,
    /// The name to resolve, in `mongodb+srv` strings.
    pub srv: Option<SrvHost>,
    /// What to authenticate with; `None` does not authenticate.
    pub credential: Option<Credential>,
    /// `authSource` in a string without a credential. It asks for nothing; it is kept so that no option is lost.
    pub auth_source: Option<String>,
    /// The database named in the string: the default database, and the authentication source where no other is named.
    pub default_database: Option<String>,

    /// `appName`, at most 128 bytes.
    pub app_name: Option<String>,
    /// Added to the handshake's metadata. Not a connection string option.
    pub driver_info: Option<DriverInfo>,
    /// The stable API to declare. Not a connection string option.
    pub server_api: Option<ServerApi>,

    /// `replicaSet`
    pub replica_set: Option<String>,
    /// `directConnection`
    pub direct_connection: Option<bool>,
    /// `loadBalanced`
    pub load_balanced: Option<bool>,
    /// `srvMaxHosts`; 0 is no limit.
    pub srv_max_hosts: Option<u32>,
    /// `srvServiceName`
    pub srv_service_name: Option<String>,

    /// `localThresholdMS`
    pub local_threshold: Option<Duration>,
    /// `serverSelectionTimeoutMS`; zero does not wait for a suitable server.
    pub server_selection_timeout: Option<Duration>,
    /// `heartbeatFrequencyMS`, at least 500 ms.
    pub heartbeat_frequency: Option<Duration>,
    /// `serverMonitoringMode`
    pub server_monitoring_mode: Option<ServerMonitoringMode>,

    /// `timeoutMS`: the limit of a whole operation; zero is no limit.
    pub timeout: Option<Duration>,
    /// `connectTimeoutMS`; zero is no limit.
    pub connect_timeout: Option<Duration>,
    /// `socketTimeoutMS`; zero is no limit. Deprecated in favour of `timeoutMS`.
    pub socket_timeout: Option<Duration>,
    /// `waitQueueTimeoutMS`; zero is no limit. Deprecated in favour of `timeoutMS`.
    pub wait_queue_timeout: Option<Duration>,

    /// `maxPoolSize`; 0 is no limit.
    pub max_pool_size: Option<u32>,
    /// `minPoolSize`
    pub min_pool_size: Option<u32>,
    /// `maxConnecting`, at least 1.
    pub max_connecting: Option<u32>,
    /// `maxIdleTimeMS`; zero is no limit.
    pub max_idle_time: Option<Duration>,

    /// `retryReads`
    pub retry_reads: Option<bool>,
    /// `retryWrites`
    pub retry_writes: Option<bool>,
    /// `maxAdaptiveRetries`: how often an overloaded server is retried.
    pub max_adaptive_retries: Option<u32>,
    /// `enableOverloadRetargeting`
    pub enable_overload_retargeting: Option<bool>,

    /// `readConcernLevel`
    pub read_concern: ReadConcern,
    /// `w`, `wTimeoutMS`, `journal`
    pub write_concern: WriteConcern,
    /// `readPreference`, `readPreferenceTags`, `maxStalenessSeconds`
    pub read_preference: ReadPreference,

    /// `compressors`, the preferred one first; none compresses nothing.
    pub compressors: Vec<Compressor>,
    /// `zlibCompressionLevel`, -1 to 9; -1 is zlib's default.
    pub zlib_compression_level: Option<i32>,
    /// `uuidRepresentation`
    pub uuid_representation: Option<UuidRepresentation>,

    /// `tls` and all options whose name begins so.
    pub tls: TlsOptions,
    /// `proxyHost`, `proxyPort`, `proxyUsername`, `proxyPassword`
    pub proxy: ProxyOptions,
}

impl Default for Config {
    /// One seed, `localhost:27017`, and every default.
    fn default() -> Self {
        Self {
            hosts: vec![ServerAddress::Tcp { host: "localhost".into(), port: ServerAddress::DEFAULT_PORT }],
            ..Self::without_hosts()
        }
    }
}

impl Config {
    /// Nothing said, not even a host: what parsing begins with.
    pub(super) fn without_hosts() -> Self {
        Self {
            hosts: Vec::new(),
            srv: None,
            credential: None,
            auth_source: None,
            default_database: None,
            app_name: None,
            driver_info: None,
            server_api: None,
            replica_set: None,
            direct_connection: None,
            load_balanced: None,
            srv_max_hosts: None,
            srv_service_name: None,
            local_threshold: None,
            server_selection_timeout: None,
            heartbeat_frequency: None,
            server_monitoring_mode: None,
            timeout: None,
            connect_timeout: None,
            socket_timeout: None,
            wait_queue_timeout: None,
            max_pool_size: None,
            min_pool_size: None,
            max_connecting: None,
            max_idle_time: None,
            retry_reads: None,
            retry_writes: None,
            max_adaptive_retries: None,
            enable_overload_retargeting: None,
            read_concern: ReadConcern::default(),
            write_concern: WriteConcern::default(),
            read_preference: ReadPreference::default(),
            compressors: Vec::new(),
            zlib_compression_level: None,
            uuid_representation: None,
            tls: TlsOptions::default(),
            proxy: ProxyOptions::default(),
        }
    }

    /// The database to authenticate against; `None` without a credential.
    pub fn credential_source(&self) -> Option<&str> {
        self.credential.as_ref().map(|credential| credential.source(self.default_database.as_deref()))
    }

    /// Whether to connect to the one seed whatever it is; `false` by default.
    pub fn direct_connection(&self) -> bool {
        self.direct_connection.unwrap_or(false)
    }

    /// Whether the one seed is a load balancer; `false` by default.
    pub fn load_balanced(&self) -> bool {
        self.load_balanced.unwrap_or(false)
    }

    /// How many of the hosts found through SRV to use; `None` (the default, or 0) is all.
    pub fn srv_max_hosts(&self) -> Option<u32> {
        self.srv_max_hosts.filter(|&hosts| hosts > 0)
    }

    /// The service to ask SRV for; `mongodb` by default.
    pub fn srv_service_name(&self) -> &str {
        self.srv_service_name.as_deref().unwrap_or("mongodb")
    }

    /// How much slower than the fastest server one may be and still be selected; 15 ms by default.
    pub fn local_threshold(&self) -> Duration {
        self.local_threshold.unwrap_or(Duration::from_millis(15))
    }

    /// How long to wait for a suitable server; 30 s by default. Zero does not wait.
    pub fn server_selection_timeout(&self) -> Duration {
        self.server_selection_timeout.unwrap_or(Duration::from_secs(30))
    }

    /// The pause between two checks of a server; 10 s by default.
    pub fn heartbeat_frequency(&self) -> Duration {
        self.heartbeat_frequency.unwrap_or(Duration::from_secs(10))
    }

    /// The monitoring protocol; `auto` by default.
    pub fn server_monitoring_mode(&self) -> ServerMonitoringMode {
        self.server_monitoring_mode.unwrap_or_default()
    }

    /// The limit of a whole operation; `None` (the default, or 0) is no limit. The field tells the two apart: a zero
    /// there switches the deprecated timeouts off, as the specification of client-side operation timeouts says.
    pub fn timeout(&self) -> Option<Duration> {
        limit(self.timeout)
    }

    /// The limit of establishing one connection; 10 s by default, `None` (0) is no limit.
    pub fn connect_timeout(&self) -> Option<Duration> {
        limit(Some(self.connect_timeout.unwrap_or(Duration::from_secs(10))))
    }

    /// The limit of one send or receive of an operation; `None` (the default, or 0) is no limit.
    pub fn socket_timeout(&self) -> Option<Duration> {
        limit(self.socket_timeout)
    }

    /// How long to wait for a pool's connection; `None` (the default, or 0) is no limit.
    pub fn wait_queue_timeout(&self) -> Option<Duration> {
        limit(self.wait_queue_timeout)
    }

    /// How many connections a pool may have; 100 by default, `None` (0) is no limit.
    pub fn max_pool_size(&self) -> Option<u32> {
        Some(self.max_pool_size.unwrap_or(100)).filter(|&size| size > 0)
    }

    /// How many connections a pool keeps open; 0 by default.
    pub fn min_pool_size(&self) -> u32 {
        self.min_pool_size.unwrap_or(0)
    }

    /// How many connections a pool may be establishing at once; 2 by default, at least 1.
    pub fn max_connecting(&self) -> u32 {
        self.max_connecting.unwrap_or(2).max(1)
    }

    /// How long a connection may be idle before it is closed; `None` (the default, or 0) is forever.
    pub fn max_idle_time(&self) -> Option<Duration> {
        limit(self.max_idle_time)
    }

    /// Whether reads are retried once; `true` by default.
    pub fn retry_reads(&self) -> bool {
        self.retry_reads.unwrap_or(true)
    }

    /// Whether writes are retried once; `true` by default.
    pub fn retry_writes(&self) -> bool {
        self.retry_writes.unwrap_or(true)
    }

    /// How often an operation is retried on an overloaded server; 2 by default.
    pub fn max_adaptive_retries(&self) -> u32 {
        self.max_adaptive_retries.unwrap_or(2)
    }

    /// Whether retries after overload avoid the server that was overloaded; `false` by default.
    pub fn enable_overload_retargeting(&self) -> bool {
        self.enable_overload_retargeting.unwrap_or(false)
    }

    /// The level of zlib compression, -1 to 9; -1, zlib's own default, by default.
    pub fn zlib_compression_level(&self) -> i32 {
        self.zlib_compression_level.unwrap_or(-1)
    }

    /// How UUIDs are stored; `unspecified` by default.
    pub fn uuid_representation(&self) -> UuidRepresentation {
        self.uuid_representation.unwrap_or_default()
    }

    /// Whether connections use TLS: what `tls` says; without it, `true` for `mongodb+srv` and where any other TLS option
    /// was given, else `false`.
    pub fn tls_enabled(&self) -> bool {
        self.tls.enabled.unwrap_or_else(|| self.srv.is_some() || self.tls != TlsOptions::default())
    }

    /// Host and port of the SOCKS5 proxy, if there is one; the port is 1080 by default.
    pub fn proxy_address(&self) -> Option<(&str, u16)> {
        let host = self.proxy.host.as_deref()?;
        Some((host, self.proxy.port.unwrap_or(ProxyOptions::DEFAULT_PORT)))
    }
}

/// A timeout option with its zero read as "no limit".
fn limit(option: Option<Duration>) -> Option<Duration> {
    option.filter(|limit| !limit.is_zero())
}
