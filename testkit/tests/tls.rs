//! TLS against real servers, on a reactor and on plain threads.
#![cfg(unix)]

use std::net::TcpListener;
use std::sync::LazyLock;

use stator_async_std::AsyncStd;
use stator_blocking::Blocking;
use stator_client::runtime::BlockOn;
use stator_client::{Client, ClientOptions, Document, Error, Phase, Runtime, TlsError, doc};
use stator_smol::Smol;
use stator_testkit::server::{
    Admin, Certificate, DnType, Mongod, MongodOptions, ReplicaSetOptions, SHA_1, SHA_256, ServerTls, TestCa, unique_db,
};
use stator_testkit::suite::{self, Context, Server, TESTS};
use stator_tokio::Tokio;

static CA: LazyLock<TestCa> = LazyLock::new(|| TestCa::new("Stator Test CA").unwrap());

/// Access control; clients must have a certificate.
static STRICT: LazyLock<Mongod> = LazyLock::new(|| start(|tls| tls));
/// Access control; clients need no certificate.
static LENIENT: LazyLock<Mongod> = LazyLock::new(|| start(|tls| tls.without_client_certificates(true)));

fn start(change: impl FnOnce(ServerTls) -> ServerTls) -> Mongod {
    MongodOptions::new().auth(true).tls(change(ServerTls::new(&CA).unwrap())).start().unwrap()
}

/// A client's certificate for one person.
fn person(ca: &TestCa, name: &str) -> Certificate {
    let subject = [(DnType::OrganizationName, "People"), (DnType::CommonName, name)];
    ca.client(&subject).unwrap()
}

/// A connection string for `mongod` with these options and nothing else; paths are percent-encoded here.
fn uri(mongod: &Mongod, host: &str, options: &[(&str, &str)]) -> String {
    let mut uri = format!("mongodb://{host}:{}/?serverSelectionTimeoutMS=1000", mongod.address().port());
    for (name, value) in options {
        uri += &format!("&{name}={}", value.replace('%', "%25").replace('/', "%2F"));
    }
    uri
}

fn path(path: &std::path::Path) -> &str {
    path.to_str().unwrap()
}

/// Runs `command` on both runtimes; they must agree.
fn run(uri: &str, command: &Document) -> Result<Document, Error> {
    fn on<R: Runtime>(runtime: R, uri: &str) -> Client<R> {
        Client::with_runtime(runtime, ClientOptions::parse(uri).unwrap()).unwrap()
    }
    let client = on(Blocking, uri);
    let blocking = Blocking.block_on(async { client.database("admin").run_command(command.clone()).await });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = on(Tokio, uri);
    let tokio = runtime.block_on(async { client.database("admin").run_command(command.clone()).await });
    assert_eq!(blocking.is_ok(), tokio.is_ok(), "{blocking:?} {tokio:?}");
    if let (Err(one), Err(other)) = (&blocking, &tokio) {
        assert_eq!(one.to_string(), other.to_string());
    }
    tokio
}

fn ping(uri: &str) -> Result<Document, Error> {
    run(uri, &doc! { "ping": 1 })
}

/// The error of TLS by which the ping fails.
fn refusal(uri: &str) -> TlsError {
    let error = ping(uri).unwrap_err();
    // No server could be selected, and this is why.
    assert_eq!(error.phase(), Phase::Select, "{error:?}");
    assert!(error.server().is_some());
    error.tls().unwrap_or_else(|| panic!("{error:?}")).clone()
}

#[test]
fn the_testkits_own_connection_strings_work() {
    ping(&STRICT.uri()).unwrap();
    ping(&LENIENT.uri()).unwrap();
}

#[test]
fn scram_over_tls() {
    for user in [SHA_1, SHA_256] {
        for mongod in [&STRICT, &LENIENT] {
            ping(&mongod.uri_for(user.name, user.password, None)).unwrap();
        }
    }
    let wrong = ping(&LENIENT.uri_for(SHA_256.name, "wrong", None)).unwrap_err();
    assert!(wrong.is_authentication(), "{wrong:?}");
}

#[test]
fn x509_with_the_name_said_and_not_said() {
    let certificate = person(&CA, "Ada");
    let user = doc! {
        "createUser": certificate.subject(),
        "roles": [{ "role": "readWriteAnyDatabase", "db": "admin" }],
    };
    STRICT.admin().unwrap().run("$external", user).unwrap();
    let options = [
        ("tls", "true"),
        ("tlsCAFile", path(CA.file())),
        ("tlsCertificateKeyFile", path(certificate.file())),
        ("authMechanism", "MONGODB-X509"),
        ("authSource", "$external"),
    ];
    let silent = uri(&STRICT, "localhost", &options);
    let said = silent.replace(
        "mongodb://",
        &format!("mongodb://{}@", certificate.subject().replace('=', "%3D").replace(',', "%2C")),
    );
    for uri in [silent, said] {
        let status = run(&uri, &doc! { "connectionStatus": 1 }).unwrap();
        let users = status.get_document("authInfo").unwrap().get_array("authenticatedUsers").unwrap();
        assert_eq!(users[0].as_document().unwrap().get_str("user").unwrap(), certificate.subject());
    }
    // A certificate that is nobody's.
    let nobody = person(&CA, "Nobody");
    let options =
        options.map(|(name, value)| (name, if name == "tlsCertificateKeyFile" { path(nobody.file()) } else { value }));
    let error = ping(&uri(&STRICT, "localhost", &options)).unwrap_err();
    assert!(error.is_authentication(), "{error:?}");
}

#[test]
fn the_wrong_authority() {
    let other = TestCa::new("Another CA").unwrap();
    let refusal = refusal(&uri(&LENIENT, "localhost", &[("tlsCAFile", path(other.file()))]));
    assert!(matches!(refusal, TlsError::UnknownIssuer), "{refusal:?}");
    ping(&uri(&LENIENT, "localhost", &[("tlsCAFile", path(other.file())), ("tlsAllowInvalidCertificates", "true")]))
        .unwrap();
    // The operating system's authorities do not know it either.
    let refusal = self::refusal(&uri(&LENIENT, "localhost", &[("tls", "true")]));
    assert!(matches!(refusal, TlsError::UnknownIssuer | TlsError::NoTrustStore { .. }), "{refusal:?}");
}

#[test]
fn the_wrong_host_name() {
    let mongod = start(|tls| {
        let certificate = CA.server_only(&["db.example.com"]).unwrap();
        tls.certificate(certificate).without_client_certificates(true)
    });
    let ca = ("tlsCAFile", path(CA.file()));
    match refusal(&uri(&mongod, "localhost", &[ca])) {
        TlsError::WrongHostName { expected, presented } => {
            assert_eq!(expected, "localhost");
            assert_eq!(presented, ["db.example.com"]);
        }
        other => panic!("{other:?}"),
    }
    ping(&uri(&mongod, "localhost", &[ca, ("tlsAllowInvalidHostnames", "true")])).unwrap();
    ping(&uri(&mongod, "localhost", &[("tlsInsecure", "true")])).unwrap();
}

#[test]
fn an_expired_certificate() {
    let expired = CA.expired().unwrap();
    let mongod = start(|tls| tls.certificate(expired.server(&[]).unwrap()).without_client_certificates(true));
    let ca = ("tlsCAFile", path(CA.file()));
    let refusal = refusal(&uri(&mongod, "localhost", &[ca]));
    assert!(matches!(refusal, TlsError::Expired), "{refusal:?}");
    ping(&uri(&mongod, "localhost", &[ca, ("tlsAllowInvalidCertificates", "true")])).unwrap();
}

#[test]
fn no_certificate_where_one_is_demanded() {
    let refusal = refusal(&uri(&STRICT, "localhost", &[("tlsCAFile", path(CA.file()))]));
    assert!(matches!(refusal, TlsError::ClientCertificateRequired), "{refusal:?}");
}

#[test]
fn a_certificate_that_the_server_does_not_trust() {
    let stranger = person(&TestCa::new("Strangers").unwrap(), "Mallory");
    let options = [("tlsCAFile", path(CA.file())), ("tlsCertificateKeyFile", path(stranger.file()))];
    let refusal = refusal(&uri(&STRICT, "localhost", &options));
    assert!(matches!(refusal, TlsError::ClientCertificateRejected { .. }), "{refusal:?}");
}

#[test]
fn a_private_key_with_a_password() {
    let subject = [(DnType::OrganizationName, "People"), (DnType::CommonName, "Eve")];
    let certificate = CA.client_with_password(&subject, "open, sesame").unwrap();
    let with = |password: Option<&str>| {
        let mut options = vec![("tlsCAFile", path(CA.file())), ("tlsCertificateKeyFile", path(certificate.file()))];
        options.extend(password.map(|password| ("tlsCertificateKeyFilePassword", password)));
        uri(&STRICT, "localhost", &options)
    };
    ping(&with(Some("open, sesame"))).unwrap();
    assert!(matches!(refusal(&with(Some("wrong"))), TlsError::WrongPassword { .. }));
    assert!(matches!(refusal(&with(None)), TlsError::PasswordRequired { .. }));
}

#[test]
fn without_tls_where_it_is_demanded() {
    let error = ping(&uri(&LENIENT, "localhost", &[("tls", "false")])).unwrap_err();
    assert_eq!(error.phase(), Phase::Select, "{error:?}");
    assert!(error.is_timeout() && error.to_string().contains("`tls=true`"), "{error}");
}

#[test]
fn with_tls_where_there_is_none() {
    let plain = Mongod::shared().unwrap();
    let refusal = refusal(&uri(plain, "localhost", &[("tlsInsecure", "true")]));
    assert!(matches!(refusal, TlsError::Closed), "{refusal:?}");
}

#[test]
fn large_documents() {
    async fn there_and_back<R: Runtime>(runtime: R) {
        let client = Client::with_runtime(runtime, ClientOptions::parse(&LENIENT.uri()).unwrap()).unwrap();
        let database = client.database(&unique_db("large_tls"));
        let things = database.collection::<Document>("things");
        let text: String =
            (0..15_000_000_u32).map(|at| char::from(b'a' + (at.wrapping_mul(2_654_435_761) >> 28) as u8)).collect();
        for id in 0..3 {
            things.insert_one(&doc! { "_id": id, "text": &text }).await.unwrap();
        }
        for id in 0..3 {
            let found = things.find_one(doc! { "_id": id }).await.unwrap().unwrap();
            assert!(found.get_str("text").unwrap() == text);
        }
        database.drop().await.unwrap();
    }
    Blocking.block_on(there_and_back(Blocking));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(there_and_back(Tokio));
}

/// Everything that a client can do.
async fn suite<R: Runtime>(runtime: R) {
    let version = STRICT.version();
    let server = Server { version: (version.major, version.minor), mongod: true, rights: true };
    let context = Context::new(runtime, STRICT.uri(), server, unique_db("suite_tls"));
    assert_eq!(suite::run(&context).await.ran, TESTS.len());
}

#[test]
fn the_suite_on_tokio() {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(suite(Tokio));
}

#[test]
fn the_suite_on_smol() {
    smol::block_on(suite(Smol));
}

#[test]
fn the_suite_on_async_std() {
    async_std::task::block_on(suite(AsyncStd));
}

#[test]
fn the_suite_on_plain_threads() {
    Blocking.block_on(suite(Blocking));
}

/// Connections are probed when they come out of the pool, by which time session tickets have arrived.
#[test]
fn connections_are_used_again() {
    let mongod = start(|tls| tls.without_client_certificates(true));
    let mut admin = mongod.admin().unwrap();
    let mut created = || {
        let status = admin.run("admin", doc! { "serverStatus": 1 }).unwrap();
        status.get_document("connections").unwrap().get_i32("totalCreated").unwrap()
    };
    let before = created();
    let client = stator_blocking::Client::new(mongod.uri()).unwrap();
    for _ in 0..20 {
        client.database("admin").run_command(doc! { "ping": 1 }).run().unwrap();
    }
    // One for the pool; the others are the monitors'.
    assert!((2..=3).contains(&(created() - before)));
}

/// The good-byes of connections must not wake the dead.
#[test]
fn a_runtime_that_ends_before_its_client() {
    for threads in [false, true] {
        let client = stator_tokio::Client::new(LENIENT.uri()).unwrap();
        for _ in 0..3 {
            let runtime = match threads {
                true => tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap(),
                false => tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            };
            let task = client.clone();
            let sleep = doc! { "find": "nothing", "$where": "sleep(100)" };
            // Left in the middle of an exchange.
            drop(runtime.spawn(async move { task.database("admin").run_command(sleep).await }));
            runtime.block_on(async { client.database("admin").run_command(doc! { "ping": 1 }).await }).unwrap();
        }
        drop(client);
    }
}

#[test]
fn a_replica_set_speaks_tls_among_its_members() {
    let tls = ServerTls::new(&CA).unwrap();
    let mongod = MongodOptions::new().auth(true).tls(tls.clone());
    let free = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = free.map(|listener| listener.local_addr().unwrap().port());
    let options = ReplicaSetOptions::new(3).name("secure").host("localhost").ports(ports);
    let set = options.mongod(mongod).start().unwrap();
    assert_eq!(set.name(), "secure");
    let taken: Vec<_> = set.members().iter().map(|member| member.address().port()).collect();
    assert_eq!(taken, ports);
    let hello = set.primary().unwrap().admin().unwrap().hello().unwrap();
    assert_eq!(hello.get_str("setName").unwrap(), "secure");
    assert!(hello.get_str("me").unwrap().starts_with("localhost:"));
    assert!(set.uri().contains("tls=true"));
    let primary = set.primary().unwrap();
    ping(&primary.uri()).unwrap();
    // Plain connections are refused.
    let limit = std::time::Duration::from_secs(10);
    assert!(Admin::connect(primary.address(), limit).and_then(|mut admin| admin.hello()).is_err());
    Admin::connect_tls(&tls, primary.address(), limit).unwrap().hello().unwrap();
}
