//! The replica set that the data on SRV records names: `repl0`, with TLS, on the ports 27017 to 27019 of this machine.

use std::time::{Duration, Instant};

use serde_json::Value;
use stator_blocking::{Blocking, Client};
use stator_client::options::Connector;
use stator_client::runtime::{BlockOn, Endpoint, Stream};
use stator_client::{ClientOptions, Document, Runtime, ServerAddress, doc};

use crate::dns::DnsServer;
use crate::server::{MongodOptions, ReplicaSet, ReplicaSetOptions, ServerTls, TestCa};

/// The set, and who vouches for its certificates.
#[derive(Debug)]
pub(super) struct Deployment {
    ca: TestCa,
    _set: ReplicaSet,
}

/// How long a client may take to see all members.
const LIMIT: Duration = Duration::from_secs(20);

impl Deployment {
    /// Starts it; nothing else may listen on these ports.
    pub(super) fn start() -> Result<Self, String> {
        let start = || {
            let ca = TestCa::new("repl0")?;
            let names = ["localhost", "localhost.test.build.10gen.cc", "localhost.sub.test.build.10gen.cc"];
            let tls = ServerTls::new(&ca)?.certificate(ca.server(&names)?).without_client_certificates(true);
            let options = ReplicaSetOptions::new(3).name("repl0").ports([27017, 27018, 27019]).host("localhost");
            let set = options.mongod(MongodOptions::new().tls(tls)).start()?;
            Ok(Self { ca, _set: set })
        };
        start().map_err(|error: crate::server::ServerError| format!("the set repl0 cannot be started: {error}"))
    }

    /// What a client with the case's connection string discovers, through the name server and to the end.
    pub(super) fn discover(&self, case: &Value, server: &DnsServer) -> Result<Vec<String>, String> {
        let text = |error: stator_client::Error| error.to_string();
        let uri = case["uri"].as_str().ok_or("the case has no uri")?;
        let mut options = ClientOptions::parse(uri).map_err(text)?;
        options.dns_servers = Some(vec![server.address()]);
        options.connector = Some(here());
        options.config.tls.ca_file = Some(self.ca.file().display().to_string());
        let client = Client::with_runtime(Blocking, options).map_err(text)?;
        Blocking.block_on(client.connect()).map_err(text)?;
        let wanted = case["hosts"].as_array().map(Vec::len).or(case["numHosts"].as_u64().map(|count| count as usize));
        let deadline = Instant::now() + LIMIT;
        let hosts = loop {
            let topology = client.topology();
            let hosts: Vec<String> = topology.servers.keys().map(ServerAddress::to_string).collect();
            let known = topology.servers.values().all(|server| server.is_available());
            if (Some(hosts.len()) == wanted && known) || Instant::now() > deadline {
                break hosts;
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        if case["ping"].as_bool().unwrap_or(true)
            && case.get("parsed_options").is_none_or(|given| given.get("user").is_none())
        {
            client.database("admin").run_command(doc! { "ping": 1 }).run().map(drop::<Document>).map_err(text)?;
        }
        Ok(hosts)
    }
}

/// Every name leads to this machine.
fn here() -> Connector {
    Connector::new(|server, deadline| async move {
        let ServerAddress::Tcp { port, .. } = server else {
            return Err(std::io::Error::other("no Unix socket is part of the set"));
        };
        let stream = Blocking.connect(&Endpoint::Tcp(([127, 0, 0, 1], port).into()), deadline).await?;
        Ok(Box::new(stream) as Box<dyn Stream>)
    })
}
