use alloc::format;
use alloc::string::ToString;
use alloc::vec;

use super::*;

const NOW: Instant = Instant::ORIGIN;

fn ada() -> Option<ProxyUser> {
    Some(ProxyUser { username: "ada".into(), password: "s3cret".into() })
}

fn socks(host: &str, user: Option<ProxyUser>) -> Socks5 {
    Socks5::new(host, 27017, user, Instant::from_millis(5)).unwrap()
}

/// A proxy in memory: the other half of the protocol.
struct Proxy {
    /// Asks for this user.
    user: Option<(&'static str, &'static str)>,
    /// What it replies to CONNECT.
    reply: Vec<u8>,
    greeted: bool,
    logged_in: bool,
    connected_to: Option<Vec<u8>>,
}

impl Proxy {
    fn new(user: Option<(&'static str, &'static str)>) -> Self {
        let reply = vec![5, 0, 0, 1, 1, 2, 3, 4, 0, 80];
        Self { user, reply, greeted: false, logged_in: false, connected_to: None }
    }

    fn handle(&mut self, message: &[u8]) -> Vec<u8> {
        if !self.greeted {
            self.greeted = true;
            let [5, count, methods @ ..] = message else { panic!("no greeting: {message:?}") };
            assert_eq!(usize::from(*count), methods.len());
            let wanted = if self.user.is_some() { 2 } else { 0 };
            return if methods.contains(&wanted) { vec![5, wanted] } else { vec![5, 0xFF] };
        }
        if let Some((name, password)) = self.user
            && !self.logged_in
        {
            self.logged_in = true;
            let mut expected = vec![1, name.len() as u8];
            expected.extend_from_slice(name.as_bytes());
            expected.push(password.len() as u8);
            expected.extend_from_slice(password.as_bytes());
            return vec![1, u8::from(message != expected)];
        }
        self.connected_to = Some(message.to_vec());
        self.reply.clone()
    }
}

/// Both machines, `piece` bytes at a time, the first bytes of the host behind the reply.
fn talk(socks: &mut Socks5, proxy: &mut Proxy, piece: usize) -> Result<Vec<u8>, Socks5Error> {
    let mut from_proxy = Vec::new();
    while !socks.is_done() {
        let mut out = Vec::new();
        if socks.poll_transmit(&mut out) {
            from_proxy.extend(proxy.handle(&out));
            assert!(!socks.poll_transmit(&mut out), "a message is written once");
            if proxy.connected_to.is_some() {
                from_proxy.extend(b"HOST");
            }
        }
        let count = socks.wants().min(piece).min(from_proxy.len());
        if count == 0 {
            return Err(socks.handle_closed(NOW));
        }
        let input: Vec<u8> = from_proxy.drain(..count).collect();
        socks.handle_recv(NOW, &input)?;
    }
    Ok(from_proxy)
}

#[test]
fn the_name_goes_to_the_proxy_as_it_is_and_not_a_byte_of_the_host_is_read() {
    let replies: [Vec<u8>; 3] = [
        vec![5, 0, 0, 1, 1, 2, 3, 4, 0, 80],
        [&[5, 0, 0, 4][..], &[7; 18]].concat(),
        [&[5, 0, 0, 3, 200][..], &[7; 202]].concat(),
    ];
    for reply in replies {
        for piece in [1, 2, 3, 1000] {
            for user in [None, Some(("ada", "s3cret"))] {
                let mut proxy = Proxy { reply: reply.clone(), ..Proxy::new(user) };
                let mut socks = socks("Db.Example", user.and_then(|_| ada()));
                assert_eq!(socks.poll_timeout(), Some(Instant::from_millis(5)));
                assert_eq!(talk(&mut socks, &mut proxy, piece).unwrap(), b"HOST");
                assert_eq!(proxy.connected_to.unwrap(), b"\x05\x01\x00\x03\x0aDb.Example\x69\x89");
                assert_eq!((socks.wants(), socks.poll_timeout()), (0, None));
            }
        }
    }
}

#[test]
fn addresses_go_as_addresses() {
    let mut proxy = Proxy::new(None);
    talk(&mut socks("10.0.0.9", None), &mut proxy, 100).unwrap();
    assert_eq!(proxy.connected_to.unwrap(), [5, 1, 0, 1, 10, 0, 0, 9, 0x69, 0x89]);
    let mut proxy = Proxy::new(None);
    talk(&mut socks("::1", None), &mut proxy, 100).unwrap();
    assert_eq!(proxy.connected_to.unwrap()[..5], [5, 1, 0, 4, 0]);
}

#[test]
fn a_user_offers_both_methods_and_a_proxy_without_login_is_fine() {
    let mut out = Vec::new();
    socks("h", ada()).poll_transmit(&mut out);
    assert_eq!(out, [5, 2, 0, 2]);
    talk(&mut socks("h", ada()), &mut Proxy::new(None), 100).unwrap();
}

#[test]
fn refusals_have_their_own_errors_and_stick() {
    let refused = |user, proxy: &mut Proxy| {
        let mut socks = socks("h", user);
        let error = talk(&mut socks, proxy, 100).unwrap_err();
        assert_eq!(socks.handle_recv(NOW, &[]).unwrap_err(), error);
        assert_eq!((socks.wants(), socks.is_done(), socks.poll_transmit(&mut Vec::new())), (0, false, false));
        error
    };
    assert_eq!(refused(None, &mut Proxy::new(Some(("ada", "x")))), Socks5Error::NoAcceptableMethod);
    assert_eq!(refused(ada(), &mut Proxy::new(Some(("ada", "x")))), Socks5Error::LoginRefused);
    let with = |reply: &[u8]| Proxy { reply: reply.to_vec(), ..Proxy::new(None) };
    let error = refused(None, &mut with(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]));
    assert_eq!(error.to_string(), "the SOCKS5 proxy could not connect: connection refused (5)");
    assert_eq!(refused(None, &mut with(&[5, 1])), Socks5Error::Refused(1), "a short refusal is one too");
    assert_eq!(refused(None, &mut with(&[5, 0, 0, 9, 0])), Socks5Error::AddressType(9));
    assert_eq!(refused(None, &mut with(b"HTTP/1.1 400")), Socks5Error::Version(b'H'));

    let mut unexpected = socks("h", None);
    assert_eq!(unexpected.handle_recv(NOW, &[5, 2]), Err(Socks5Error::UnexpectedMethod(2)));
    assert_eq!(socks("h", None).handle_recv(NOW, b"HT"), Err(Socks5Error::Version(b'H')));
    assert_eq!(socks("h", None).handle_recv(NOW, &[5, 0, 0]), Err(Socks5Error::Surplus));
}

#[test]
fn what_does_not_fit_the_protocol_is_refused_at_once() {
    let new = |host: &str, user| Socks5::new(host, 1, user, Instant::FAR_FUTURE).map(drop);
    assert_eq!(new(&"h".repeat(255), None), Ok(()));
    assert_eq!(new(&"h".repeat(256), None), Err(Socks5Error::HostName));
    assert_eq!(new("", None), Err(Socks5Error::HostName));
    for (name, password) in [("", "x"), ("x", ""), (&*"x".repeat(256), "x")] {
        let user = ProxyUser { username: name.into(), password: password.into() };
        assert_eq!(new("h", Some(user)), Err(Socks5Error::User));
    }
}

#[test]
fn the_password_is_not_shown() {
    assert!(!format!("{:?}", socks("h", ada())).contains("s3cret"));
}

/// Whatever a proxy says, the machine ends or waits, and wants no more than the longest reply.
#[test]
fn any_bytes_are_an_answer_or_an_error() {
    let mut seed = 1_u64;
    for _ in 0..20_000 {
        let mut socks = socks("h", ada());
        for _ in 0..300 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let byte =
                if seed >> 63 == 0 { (seed >> 40) as u8 } else { [0, 1, 2, 3, 4, 5, 5, 5][(seed >> 40) as usize % 8] };
            assert!(socks.wants() <= 262);
            if socks.wants() == 0 || socks.handle_recv(NOW, &[byte]).is_err() {
                break;
            }
        }
    }
}
